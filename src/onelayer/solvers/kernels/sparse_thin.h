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

/* Adds the products of the transpose with R (m, k). Sums lie far apart, so they are asked for ahead. */
INLINE void JOIN(backward_some, REAL)(const Rows *r, const REAL *R, REAL *sums, Py_ssize_t k, int width)
{
    int64_t last = r->starts[r->last] - 1;
    for (int64_t i = r->first; i < r->last; i++) {
        REAL own[WIDEST];
        memcpy(own, R + (i - r->first) * k, width * sizeof(REAL));
        for (int64_t at = r->starts[i]; at < r->starts[i + 1]; at++) {
            REAL value = (REAL)taken(r, at), *sum = sums + r->columns[at] * k;
            PREFETCH(sums + r->columns[at + AHEAD < last ? at + AHEAD : last] * k);
            for (int j = 0; j < width; j++) {
                sum[j] += value * own[j];
            }
        }
    }
}

/* Goes through k columns, WIDEST at once: the values of a row are still in the cache. */
static void JOIN(thin, REAL)(const Rows *r, const REAL *given, REAL *found, Py_ssize_t k, int is_forward)
{
    for (Py_ssize_t j = 0; j < k; j += WIDEST) {
        switch (k - j < WIDEST ? (int)(k - j) : WIDEST) {
#define CASE(width)                                                                                                    \
    case width:                                                                                                        \
        if (is_forward) {                                                                                              \
            JOIN(forward_some, REAL)(r, given + j, found + j, k, width);                                               \
        } else {                                                                                                       \
            JOIN(backward_some, REAL)(r, given + j, found + j, k, width);                                              \
        }                                                                                                              \
        break;
            CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
#undef CASE
        }
    }
}
