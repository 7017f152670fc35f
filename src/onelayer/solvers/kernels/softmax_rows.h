/* What is done with a panel of rows, for one kind of number and of processor.
 *
 * REAL is the type of weights, EXP(x) is e^x, BYTES the size of a vector.
 */
enum { NAMED(LANES) = BYTES / sizeof(REAL) };
#define LANES NAMED(LANES)
#define VECTOR NAMED(Vector)

typedef REAL VECTOR __attribute__((vector_size(BYTES), aligned(sizeof(REAL))));

#include "thin_products.h"

/* Turns a row's outputs into the derivatives of its loss, and h into probabilities; returns the loss. Digits hold where the
 * label is nearly certain too, as the other classes are summed without it. */
TARGET static inline double NAMED(of_label)(const Problem *p, int64_t label, REAL *o, REAL *h)
{
    REAL most = o[0];
    for (Py_ssize_t k = 1; k < p->q; k++) {
        most = o[k] > most ? o[k] : most;
    }
    REAL below = o[label] - most, others = 0;
    for (Py_ssize_t k = p->q; k < p->stride; k++) {
        o[k] = -INFINITY;
    }
    for (Py_ssize_t k = 0; k < p->stride; k++) {
        h[k] = EXP(o[k] - most);
    }
    for (Py_ssize_t k = 0; k < p->q; k++) {
        others += k == label ? 0 : h[k];
    }
    REAL own = h[label], total = others + own;
    for (Py_ssize_t k = 0; k < p->stride; k++) {
        o[k] = h[k] = k < p->q ? h[k] / total : 0;
    }
    o[label] = -others / total;
    return others < own ? log1p((double)others / own) : log((double)total) - below;
}

/* The same for two classes with the logit of the second. */
TARGET static inline double NAMED(of_two)(int64_t label, REAL *o, REAL *h)
{
    REAL margin = label ? o[0] : -o[0], small = EXP(-(REAL)fabs((double)margin)), share = 1 / (1 + small);
    REAL wrong = margin > 0 ? small * share : share;
    o[0] = label ? -wrong : wrong;
    h[0] = small * share * share;
    return log1p((double)small) + (margin < 0 ? -(double)margin : 0);
}

/* Turns outputs of rows into the derivatives of their losses, and sums these and products of probabilities. */
TARGET static void NAMED(derivatives)(Problem *p, Py_ssize_t first, Py_ssize_t rows, REAL *o, REAL *products)
{
    REAL h[p->stride], *kept = (REAL *)p->outputs + first * p->q;
    for (Py_ssize_t i = 0; i < rows; i++, o += p->stride, kept += p->q) {
        int64_t label = p->labels[first + i];
        double factor = p->factors ? p->factors[first + i] : 1;
        memcpy(kept, o, p->q * sizeof(REAL));
        add_loss(p, factor * (p->q == 1 ? NAMED(of_two)(label, o, h) : NAMED(of_label)(p, label, o, h)));
        for (Py_ssize_t k = 0; p->factors && k < p->q; k++) {
            o[k] *= (REAL)factor;
        }
        for (Py_ssize_t k = 0; k < p->q; k++) {
            REAL *row = products + k * p->stride, weighed = h[k] * (REAL)factor;
            if (p->q == 1) {
                *row += weighed;
            }
            for (Py_ssize_t l = 0; p->q > 1 && l < p->stride; l++) {
                row[l] += weighed * h[l];
            }
        }
    }
}

/* Adds sums over a panel, of columns that are ``stride`` apart, to those over all. */
TARGET static void NAMED(add)(Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t stride, REAL *sums, double *all)
{
    for (Py_ssize_t k = 0; k < rows; k++, sums += stride, all += columns) {
        for (Py_ssize_t j = 0; j < columns; j++) {
            all[j] += sums[j];
        }
    }
}

TARGET static void NAMED(do_rows)(Problem *p, Py_ssize_t first, Py_ssize_t rows, Ahead ahead, Room room)
{
    size_t products = p->q * p->stride * sizeof(REAL);
    NAMED(outputs)(p, p->weight, room.x, rows, &ahead, room.outputs);
    memset(room.products, 0, products);
    NAMED(derivatives)(p, first, rows, room.outputs, room.products);
    NAMED(gradient)(p, room.x, room.outputs, rows, &ahead, room.gradient);
    NAMED(add)(p->q, p->width, p->width, room.gradient, p->gradient);
    NAMED(add)(p->q, p->q, p->stride, room.products, p->products);
}

/* Copies rows as numbers, with the feature 1, and works on them while the next ones come from memory. */
#define OF(name, STORED)                                                                                \
    TARGET static void NAMED(name)(Problem *p, Py_ssize_t first, Py_ssize_t rows, Room room)             \
    {                                                                                                   \
        const STORED *stored = (const STORED *)p->x + first * p->d;                                     \
        Py_ssize_t left = p->n - first - rows, next = left < rows ? left : rows;                        \
        REAL *x = room.x;                                                                               \
        for (Py_ssize_t i = 0; i < rows; i++, x += p->width, stored += p->d) {                          \
            for (Py_ssize_t j = 0; j < p->d; j++) {                                                     \
                x[j] = (REAL)stored[j];                                                                 \
            }                                                                                           \
            x[p->d] = 1;                                                                                \
        }                                                                                               \
        Ahead ahead = {(const char *)stored, (const char *)(stored + next * p->d)};                     \
        NAMED(do_rows)(p, first, rows, ahead, room);                                                    \
    }

OF(of_bytes, uint8_t)
OF(of_floats, float)
OF(of_doubles, double)

#undef OF
#undef LANES
#undef VECTOR
#undef BY_SIZE
