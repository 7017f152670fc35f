/* Products of rows with a few vectors of weights, and of derivatives with rows, for one kind of number and of processor.
 *
 * LANES, VECTOR, NAMED, REAL and TARGET are those of the file that includes this. A Problem has q outputs, a width of weights and of rows,
 * and a stride from a row's outputs to the next one's.
 */

enum { NAMED(TALL) = BYTES == 64 ? BEYOND : 2 }; /* rows that have sums in registers at the same time */

/* A group of outputs of some rows. */
TARGET static inline __attribute__((always_inline)) void
NAMED(outputs_of_some)(const Problem *p, const REAL *x, const REAL *w, int many, Ahead *ahead, REAL *o)
{
    VECTOR sums[NAMED(TALL)][GROUP] = {{{0}}};
    for (Py_ssize_t j = 0; j < p->width; j += LANES) {
        VECTOR v[GROUP];
        for (int k = 0; k < many; k++) {
            v[k] = *(const VECTOR *)(w + k * p->width + j);
            KEEP(v[k]);
        }
        for (int i = 0; i < NAMED(TALL); i++) {
            VECTOR row = *(const VECTOR *)(x + i * p->width + j);
            for (int k = 0; k < many; k++) {
                sums[i][k] += row * v[k];
            }
        }
        ask_for_more(ahead);
        ask_for_more(ahead);
    }
    for (int i = 0; i < NAMED(TALL); i++) {
        for (int k = 0; k < many; k++) {
            REAL parts[LANES];
            memcpy(parts, &sums[i][k], sizeof parts);
            for (int half = LANES / 2; half; half /= 2) { /* by halves, which are vectors too */
                for (int l = 0; l < half; l++) {
                    parts[l] += parts[l + half];
                }
            }
            o[i * p->stride + k] = parts[0];
        }
    }
}

/* The products of derivatives (rows, q) and two vectors of features, summed over the rows. */
TARGET static inline __attribute__((always_inline)) void
NAMED(gradient_of_two)(const Problem *p, const REAL *x, const REAL *dl_do, Py_ssize_t rows, int many, Ahead *ahead, REAL *g)
{
    VECTOR sums[GROUP][2] = {{{0}}};
    for (Py_ssize_t i = 0; i < rows; i++, x += p->width, dl_do += p->stride) {
        VECTOR a = *(const VECTOR *)x, b = *(const VECTOR *)(x + LANES);
        for (int k = 0; k < many; k++) {
            sums[k][0] += dl_do[k] * a;
            sums[k][1] += dl_do[k] * b;
        }
        ask_for_more(ahead);
    }
    for (int k = 0; k < many; k++) {
        *(VECTOR *)(g + k * p->width) = sums[k][0];
        *(VECTOR *)(g + k * p->width + LANES) = sums[k][1];
    }
}

/* How many outputs a group has is known to the compiler, so that their sums stay in registers. */
#define BY_SIZE(many, call)     \
    switch (many) {             \
    case 1: call(1); break;     \
    case 2: call(2); break;     \
    case 3: call(3); break;     \
    case 4: call(4); break;     \
    default: call(5); break;    \
    }

TARGET static void NAMED(outputs)(const Problem *p, const REAL *weight, const REAL *x, Py_ssize_t rows, Ahead *ahead, REAL *o)
{
    for (Py_ssize_t k = 0; k < p->q; k += GROUP) {
        const REAL *w = weight + k * p->width;
        for (Py_ssize_t i = 0; i < rows; i += NAMED(TALL)) {
#define CALL(many) NAMED(outputs_of_some)(p, x + i * p->width, w, many, ahead, o + i * p->stride + k)
            BY_SIZE(p->q - k, CALL)
#undef CALL
        }
    }
}

TARGET static void
NAMED(gradient)(const Problem *p, const REAL *x, const REAL *dl_do, Py_ssize_t rows, Ahead *ahead, REAL *g)
{
    for (Py_ssize_t j = 0; j < p->width; j += 2 * LANES) {
        for (Py_ssize_t k = 0; k < p->q; k += GROUP) {
#define CALL(many) NAMED(gradient_of_two)(p, x + j, dl_do + k, rows, many, ahead, g + k * p->width + j)
            BY_SIZE(p->q - k, CALL)
#undef CALL
        }
    }
}
