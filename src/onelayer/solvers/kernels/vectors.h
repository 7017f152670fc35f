/* What kernels of vectors have in common: an exponential that the compiler makes a vector of, and hints to the processor. */

/* e^x for x of at most 0, to a unit in the last place or two: Cody and Waite's reduction, and Taylor's polynomial. */
static inline __attribute__((always_inline)) float exp_of_float(float x)
{
    x = x < -80.0f ? -80.0f : x; /* so that quotients have all their digits; NaN stays NaN */
    float whole = x * 1.44269504f - 0.5f;
    int32_t power = (int32_t)whole; /* towards 0, so nearest */
    float k = (float)power;
    x = (x - k * 0.693145752f) - k * 1.42860677e-6f;
    float y = 1.0f / 5040;
    y = y * x + 1.0f / 720;
    y = y * x + 1.0f / 120;
    y = y * x + 1.0f / 24;
    y = y * x + 1.0f / 6;
    y = y * x + 0.5f;
    y = y * x + 1.0f;
    y = y * x + 1.0f;
    int32_t bits = (power + 127) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return y * scale;
}

/* Keeps a vector in its register: else it is loaded for each use, and there are more loads than the processor can do. */
#ifdef __x86_64__
#define KEEP(vector) __asm__("" : "+x"(vector))
#define PAUSE() __builtin_ia32_pause()
#else
#define KEEP(vector) (void)(vector)
#define PAUSE() (void)0
#endif

#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)
