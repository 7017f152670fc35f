/* Products of sparse rows with thin matrices of REAL, and of their transpose: compiled_sparse.c includes this for each
 * kind of number. */

/* Some columns of the products with W (d, k), whose number the compiler knows, so that sums stay in registers: two of
 * each, so that additions need not wait for each other. */
INLINE void JOIN(forward_some, REAL)(const Rows *r, const REAL *W, REAL *products, Py_ssize_t k, int width)
{
    for (int64_t i = r->first; i < r->last; i++) {
        REAL even[WIDEST] = {0}, odd[WIDEST] = {0};
        int64_t at = r->starts[i], end = r->starts[i + 1];
        for (; at + 2 <= end; at += 2) {
            REAL value = (REAL)taken(r, at), next = (REAL)taken(r, at + 1);
            const REAL *w = W + r->columns[at] * k, *w_next = W + r->columns[at + 1] * k;
            for (int j = 0; j < width; j++) {
                even[j] += value * w[j];
                odd[j] += next * w_next[j];
            }
        }
        if (at < end) {
            REAL value = (REAL)taken(r, at);
            const REAL *w = W + r->columns[at] * k;
            for (int j = 0; j < width; j++) {
                even[j] += value * w[j];
            }
        }
        for (int j = 0; j < width; j++) {
            products[(i - r->first) * k + j] = even[j] + odd[j];
        }
    }
}

/* Adds the products of the transpose with R (m, k). Sums lie far apart, so they are asked for ahead; all columns of one are
 * added to at once, as they come together. */
INLINE void JOIN(backward_all, REAL)(const Rows *r, const REAL *R, REAL *sums, Py_ssize_t k)
{
    int64_t last = r->starts[r->last] - 1;
    for (int64_t i = r->first; i < r->last; i++, R += k) {
        for (int64_t at = r->starts[i]; at < r->starts[i + 1]; at++) {
            const REAL *restrict own = R, *next = sums + r->columns[at + AHEAD < last ? at + AHEAD : last] * k;
            REAL value = (REAL)taken(r, at), *restrict sum = sums + r->columns[at] * k;
            for (Py_ssize_t j = 0; j < k; j += LINE / sizeof(REAL)) {
                PREFETCH(next + j);
            }
            for (Py_ssize_t j = 0; j < k; j++) {
                sum[j] += value * own[j];
            }
        }
    }
}

#define CASE(width)                                                                                                    \
    case width:                                                                                                        \
        JOIN(forward_some, REAL)(r, W + j, products + j, k, width);                                                    \
        j += width;                                                                                                    \
        break;

/* Goes through k columns of W, as many at once as there is room for. */
static void JOIN(forward, REAL)(const Rows *r, const REAL *W, REAL *products, Py_ssize_t k)
{
    for (Py_ssize_t j = 0; j < k;) {
        switch (k - j < WIDE ? (int)(k - j) : k - j < WIDEST ? WIDE : WIDEST) {
            CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(WIDE) CASE(WIDEST)
        }
    }
}
#undef CASE

#define CASE(width)                                                                                                    \
    case width:                                                                                                        \
        JOIN(backward_all, REAL)(r, R, sums, width);                                                                   \
        break;

/* The compiler knows how many columns a thin matrix has. */
static void JOIN(backward, REAL)(const Rows *r, const REAL *R, REAL *sums, Py_ssize_t k)
{
    switch (k) {
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(WIDE)
    default:
        JOIN(backward_all, REAL)(r, R, sums, k);
    }
}
#undef CASE
