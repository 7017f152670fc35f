/* What kernels of vectors have in common: an exponential that the compiler makes a vector of, and hints to the processor.
 *
 * LINE, the bytes that the memory sends at a time, is of the file that includes this.
 */

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
#define KEEP(vector) __asm__("" : "+v"(vector))
#define PAUSE() __builtin_ia32_pause()
#else
#define KEEP(vector) (void)(vector)
#define PAUSE() (void)0
#endif

enum { BEYOND = 4 }; /* rows after the last one that there has to be room for: loops do several at a time */

/* Memory that will be wanted soon. Loops ask for a line of it at each of their steps: all at once would wait for each other. */
typedef struct {
    const char *at, *end;
} Ahead;

static inline __attribute__((always_inline)) void ask_for_more(Ahead *ahead)
{
    if (ahead->at < ahead->end) {
        __builtin_prefetch(ahead->at, 0, 2);
        ahead->at += LINE;
    }
}

#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)
