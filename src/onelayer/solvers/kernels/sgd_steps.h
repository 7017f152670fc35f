/* A part of a step of SGD, for one kind of number and of processor: compiled_sgd.c includes it for each.
 *
 * REAL is the type of weights, STORED that of features, EXP(x) is e^x, BYTES the size of a vector.
 */
enum { NAMED(LANES) = BYTES / sizeof(REAL) };
#define LANES NAMED(LANES)
#define VECTOR NAMED(Vector)

typedef REAL VECTOR __attribute__((vector_size(BYTES), aligned(sizeof(REAL))));

/* Copies the rows of a part, as numbers, and the constant feature. */
TARGET static void NAMED(copy_rows)(const Problem *p, Py_ssize_t first, Py_ssize_t rows, REAL *x)
{
    const STORED *stored = p->x;
    for (Py_ssize_t i = 0; i < rows; i++, x += p->width) {
        const STORED *row = stored + p->order[first + i] * p->d;
        if (first + i + p->batch < p->n) { /* asks for the row in its place in the next batch */
            int64_t number = p->order[first + i + p->batch];
            const char *next = (const char *)(stored + number * p->d);
            __builtin_prefetch(p->labels ? p->labels + number : p->labels, 0, 1);
            for (size_t at = 0; at < p->d * sizeof(STORED); at += LINE) {
                __builtin_prefetch(next + at, 0, 1);
            }
        }
        for (Py_ssize_t j = 0; j < p->d; j++) {
            x[j] = (REAL)row[j];
        }
        x[p->d] = (REAL)p->one;
    }
}

#include "thin_products.h"

/* Turns outputs of a row into the derivatives of its cross-entropy, which it returns. */
TARGET static double NAMED(of_label)(const Problem *p, int64_t label, REAL *o, Score *score)
{
    Py_ssize_t largest = 0;
    for (Py_ssize_t k = 1; k < p->q; k++) {
        largest = o[k] > o[largest] ? k : largest;
    }
    REAL most = o[largest], own = o[label] - most;
    for (Py_ssize_t k = p->q; k < p->stride; k++) {
        o[k] = -INFINITY;
    }
    for (Py_ssize_t k = 0; k < p->stride; k++) {
        o[k] = EXP(o[k] - most);
    }
    VECTOR sums = {0};
    for (Py_ssize_t k = 0; k < p->stride; k += LANES) {
        sums += *(VECTOR *)(o + k);
    }
    REAL sum = 0;
    for (int l = 0; l < LANES; l++) {
        sum += sums[l];
    }
    for (Py_ssize_t k = 0; k < p->stride; k += LANES) {
        *(VECTOR *)(o + k) /= sum;
    }
    o[label] -= 1;
    score->right += largest == label;
    return log((double)sum) - own;
}

/* Turns outputs of rows into the derivatives of their losses, and adds these to the score. */
TARGET static void NAMED(derivatives)(const Problem *p, Py_ssize_t first, Py_ssize_t rows, REAL *o, Score *score)
{
    for (Py_ssize_t i = 0; i < rows; i++, o += p->stride) {
        int64_t row = p->order[first + i];
        double loss = 0;
        if (p->labels) {
            loss = NAMED(of_label)(p, p->labels[row], o, score);
        }
        for (Py_ssize_t k = 0; !p->labels && k < p->q; k++) {
            o[k] -= ((const REAL *)p->numbers)[row * p->q + k];
            loss += 0.5 * o[k] * o[k];
        }
        REAL factor = p->factors ? ((const REAL *)p->factors)[row] : 1;
        for (Py_ssize_t k = 0; p->factors && k < p->q; k++) {
            o[k] *= factor;
        }
        score->loss += factor * loss;
    }
}

TARGET static void NAMED(do_part)(const Problem *p, Py_ssize_t first, Py_ssize_t rows, Room room, Score *score)
{
    NAMED(copy_rows)(p, first, rows, room.x);
    Ahead nothing = {0}; /* copying has asked for what comes next */
    NAMED(outputs)(p, room.weight, room.x, rows, &nothing, room.outputs);
    NAMED(derivatives)(p, first, rows, room.outputs, score);
    if (room.gradient) {
        NAMED(gradient)(p, room.x, room.outputs, rows, &nothing, room.gradient);
    }
}

#ifdef MAKES_STEPS /* which know nothing of features: they are made once for each type of weights */
/* Adds one gradient to another. */
TARGET static void NAMED(add)(const Problem *p, const void *gradient, void *sum)
{
    const VECTOR *from = gradient;
    VECTOR *to = sum;
    for (Py_ssize_t j = 0; j < p->q * p->width / LANES; j++) {
        to[j] += from[j];
    }
}

/* Takes a step, given the gradients that threads have summed over their parts. */
TARGET static void NAMED(move)(const Problem *p, void *const *gradients, double step, void *weight)
{
    const VECTOR *decay = p->decay;
    VECTOR *w = weight;
    for (Py_ssize_t j = 0; j < p->q * p->width / LANES; j++) {
        VECTOR sums[MOST_PARTS];
        for (int k = 0; k < p->threads; k++) {
            sums[k] = ((const VECTOR *)gradients[k])[j];
        }
        for (int gap = 1; gap < p->threads; gap *= 2) {
            for (int k = 0; k < p->threads; k += 2 * gap) {
                sums[k] += sums[k + gap];
            }
        }
        w[j] -= (REAL)step * sums[0];
        if (decay) {
            w[j] *= decay[j % (p->width / LANES)];
        }
    }
}
#endif

#undef LANES
#undef VECTOR
#undef BY_SIZE
#undef NAMED
