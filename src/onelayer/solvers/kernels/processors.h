/* Includes NUMBERS for each kind of processor, and chooses what this one is fastest by. */
#define KIND any
#define BYTES 16
#define TARGET
#include NUMBERS

#ifdef __x86_64__
#define KIND avx2
#define BYTES 32
#define TARGET __attribute__((target("avx2,fma")))
#include NUMBERS

#define KIND avx512
#define BYTES 64
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#include NUMBERS
#endif

/* Sets the functions of a problem for the formats of stored features and of weights. */
static void choose(Problem *p, char stored, char real)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
        choose_avx512(p, stored, real);
        return;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        choose_avx2(p, stored, real);
        return;
    }
#endif
    choose_any(p, stored, real);
}
