/* Products of the columns of two panels, by vectors of WIDTH numbers: compiled_gram.c includes it for each kind of processor.
 *
 * A panel has SIDE columns, stored row by row. A tile of the sums, WIDTH columns of one panel by all of another, stays in
 * registers while the rows go by.
 */
#define SIDE (3 * WIDTH)

typedef double VECTOR __attribute__((vector_size(WIDTH * sizeof(double)), aligned(sizeof(double))));

/* Adds products of the columns of a from ``row`` on with those of b from the vector ``first`` on. */
#define ADD_TILE(row, first)                                         \
    {                                                                \
        VECTOR tile[WIDTH][3] = {{{0}}};                             \
        for (Py_ssize_t k = 0; k < depth; k++) {                     \
            const VECTOR *v = (const VECTOR *)(b + k * SIDE);        \
            for (int i = 0; i < WIDTH; i++) {                        \
                for (int j = first; j < 3; j++) {                    \
                    tile[i][j] += a[k * SIDE + (row) + i] * v[j];    \
                }                                                    \
            }                                                        \
        }                                                            \
        for (int i = 0; i < WIDTH; i++) {                            \
            VECTOR *s = (VECTOR *)(sums + ((row) + i) * SIDE);       \
            for (int j = first; j < 3; j++) {                        \
                s[j] += tile[i][j];                                  \
            }                                                        \
        }                                                            \
    }

/* Adds a'b (SIDE, SIDE) to the sums, for panels of ``depth`` rows; of a panel with itself, what is not below the diagonal. */
TARGET static void MULTIPLY(const double *a, const double *b, Py_ssize_t depth, double *sums)
{
    if (a == b) {
        ADD_TILE(0, 0)
        ADD_TILE(WIDTH, 1)
        ADD_TILE(2 * WIDTH, 2)
        return;
    }
    for (int row = 0; row < SIDE; row += WIDTH) {
        ADD_TILE(row, 0)
    }
}

/* Adds a'b to the sum, for panels of one column. */
TARGET static void MULTIPLY_SINGLE(const double *a, const double *b, Py_ssize_t depth, double *sum)
{
    VECTOR parts[4] = {{0}};
    Py_ssize_t k = 0;
    for (; k + 4 * WIDTH <= depth; k += 4 * WIDTH) {
        for (int i = 0; i < 4; i++) {
            parts[i] += *(const VECTOR *)(a + k + i * WIDTH) * *(const VECTOR *)(b + k + i * WIDTH);
        }
    }
    VECTOR part = (parts[0] + parts[1]) + (parts[2] + parts[3]);
    double rest = 0;
    for (; k < depth; k++) {
        rest += a[k] * b[k];
    }
    for (int i = 0; i < WIDTH; i++) {
        rest += part[i];
    }
    *sum += rest;
}

#undef SIDE
#undef WIDTH
#undef VECTOR
#undef ADD_TILE
#undef MULTIPLY
#undef MULTIPLY_SINGLE
#undef TARGET
