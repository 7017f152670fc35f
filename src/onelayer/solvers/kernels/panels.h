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

#undef SIDE
#undef WIDTH
#undef VECTOR
#undef ADD_TILE
#undef MULTIPLY
#undef TARGET
