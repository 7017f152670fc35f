/* Least squares of few rows, worked out in about 32 digits and rounded once. small.py has what it is used for.
 *
 * A number of 32 digits is a sum of two doubles (Dekker 1971; Hida, Li and Bailey 2001, Library for double-double and
 * quad-double arithmetic).
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_PIVOT 1e-10 /* share of a column's length² that the columns before must leave of it */
#define LEAST_SPREAD 0x1p-60 /* share of a column's squares about 0 that must be left about its mean: less may be rounding */

/* fma is an instruction where a function says so that calls everything here inline; else a call of the C library. */
#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif
#if defined(__GNUC__) && defined(__x86_64__)
#define HAS_FUSED
#endif

typedef struct {
    double high, low;
} Long;

INLINE Long of(double value) { return (Long){value, 0}; }

INLINE Long fast_sum(double a, double b) /* of numbers of which the first is not the smaller */
{
    double sum = a + b;
    return (Long){sum, b - (sum - a)};
}

INLINE Long plus(Long a, Long b)
{
    double sum = a.high + b.high, part = sum - a.high;
    double error = (a.high - (sum - part)) + (b.high - part);
    return fast_sum(sum, error + a.low + b.low);
}

INLINE Long minus(Long a, Long b) { return plus(a, (Long){-b.high, -b.low}); }

INLINE Long times(Long a, Long b)
{
    double product = a.high * b.high;
    return fast_sum(product, fma(a.high, b.high, -product) + (a.high * b.low + a.low * b.high));
}

INLINE Long over(Long a, Long b)
{
    double first = a.high / b.high;
    Long rest = minus(a, times(of(first), b));
    double second = rest.high / b.high;
    rest = minus(rest, times(of(second), b));
    return plus(fast_sum(first, second), of(rest.high / b.high));
}

INLINE Long root_of(Long a)
{
    double first = sqrt(a.high);
    return plus(of(first), over(minus(a, times(of(first), of(first))), of(2 * first)));
}

typedef struct {
    const char *first;
    Py_ssize_t rows, columns, row, column;
} Table;

INLINE double at(const Table *t, Py_ssize_t i, Py_ssize_t j)
{
    return *(const double *)(t->first + i * t->row + j * t->column);
}

typedef struct {
    Table x, y;            /* (n, d), (n, q) */
    const double *c;       /* (n) or NULL for 1 */
    double alpha;
    int is_centred;
    Long *mean, *sums, *z; /* (d + q), (d, d + q), (d + q): what lies below the diagonal of the sums is the factor */
    double *weight, *bias, *half; /* (q, d), (q), (d, d) */
    double *means, *squares, *spread; /* of features, then of targets (d + q) each */
    double *rss; /* (q) */
} Problem;

INLINE double weight_of(const Problem *p, Py_ssize_t i) { return p->c ? p->c[i] : 1; }

INLINE Long weighted(const Problem *p, Py_ssize_t i, Long value)
{
    return p->c ? times(of(p->c[i]), value) : value;
}

/* The mean of each column of the features and the targets. */
INLINE Long find_means(Problem *p)
{
    Long total = of(0);
    for (Py_ssize_t i = 0; i < p->x.rows; i++) {
        total = plus(total, of(weight_of(p, i)));
        for (Py_ssize_t j = 0; p->is_centred && j < p->x.columns + p->y.columns; j++) {
            double v = j < p->x.columns ? at(&p->x, i, j) : at(&p->y, i, j - p->x.columns);
            p->mean[j] = plus(p->mean[j], weighted(p, i, of(v)));
        }
    }
    for (Py_ssize_t j = 0; p->is_centred && j < p->x.columns + p->y.columns; j++) {
        p->mean[j] = over(p->mean[j], total);
    }
    return total;
}

/* Adds the products of a row's deviations from the means to the sums, and their squares. */
INLINE void add_row(Problem *p, Py_ssize_t i, Long *spread)
{
    Py_ssize_t d = p->x.columns, width = d + p->y.columns;
    double c = weight_of(p, i);
    for (Py_ssize_t j = 0; j < width; j++) {
        double v = j < d ? at(&p->x, i, j) : at(&p->y, i, j - d);
        p->z[j] = minus(of(v), p->mean[j]);
        p->squares[j] += c * v * v;
        spread[j] = plus(spread[j], weighted(p, i, times(p->z[j], p->z[j])));
    }
    for (Py_ssize_t j = 0; j < d; j++) {
        Long z = weighted(p, i, p->z[j]);
        for (Py_ssize_t k = j + 1; k < width; k++) {
            p->sums[j * width + k] = plus(p->sums[j * width + k], times(z, p->z[k]));
        }
    }
}

/* Turns the sums of products (d, d + q) into the factor R and R'⁻¹ times the products with targets, row by row of R.
 * Returns 0 where a column is nearly a combination of those before it. */
INLINE int factor(Problem *p)
{
    Py_ssize_t d = p->x.columns, width = d + p->y.columns;
    for (Py_ssize_t j = 0; j < d; j++) {
        Long *row = p->sums + j * width;
        double length = row[j].high;
        for (Py_ssize_t k = j; k < width; k++) {
            for (Py_ssize_t i = 0; i < j; i++) {
                row[k] = minus(row[k], times(p->sums[i * width + j], p->sums[i * width + k]));
            }
        }
        if (!(row[j].high > LEAST_PIVOT * length)) {
            return 0;
        }
        Long root = root_of(row[j]);
        row[j] = root;
        for (Py_ssize_t k = j + 1; k < width; k++) {
            row[k] = over(row[k], root);
        }
    }
    return 1;
}

/* Solves RW' = S for the weights, rounds them, and finds the bias that belongs to them before they were. */
INLINE void solve(Problem *p)
{
    Py_ssize_t d = p->x.columns, width = d + p->y.columns;
    for (Py_ssize_t t = 0; t < p->y.columns; t++) {
        Long bias = p->mean[d + t];
        for (Py_ssize_t j = d; j--;) {
            Long value = p->sums[j * width + d + t];
            for (Py_ssize_t k = j + 1; k < d; k++) {
                value = minus(value, times(p->sums[j * width + k], p->z[k]));
            }
            p->z[j] = over(value, p->sums[j * width + j]);
            p->weight[t * d + j] = p->z[j].high;
            bias = minus(bias, times(p->z[j], p->mean[j]));
        }
        p->bias[t] = bias.high;
    }
}

/* The inverse of R (d, d), whose product with its transpose is that of the Gram matrix. */
INLINE void invert(const Problem *p)
{
    Py_ssize_t d = p->x.columns, width = d + p->y.columns;
    for (Py_ssize_t j = 0; j < d; j++) {
        for (Py_ssize_t i = j + 1; i--;) {
            double value = i == j;
            for (Py_ssize_t k = i + 1; k <= j; k++) {
                value -= p->sums[i * width + k].high * p->half[k * d + j];
            }
            p->half[i * d + j] = value / p->sums[i * width + i].high;
        }
    }
}

/* The squares of the residuals of weights and bias as they are stored. */
INLINE void find_residuals(const Problem *p)
{
    Py_ssize_t d = p->x.columns;
    for (Py_ssize_t t = 0; t < p->y.columns; t++) {
        Long sum = of(0);
        for (Py_ssize_t i = 0; i < p->x.rows; i++) {
            Long r = minus(of(at(&p->y, i, t)), of(p->bias[t]));
            for (Py_ssize_t j = 0; j < d; j++) {
                r = minus(r, times(of(p->weight[t * d + j]), of(at(&p->x, i, j))));
            }
            sum = plus(sum, weighted(p, i, times(r, r)));
        }
        p->rss[t] = sum.high;
    }
}

/* Whether each column, also of the targets, varies by more than the digits show. */
INLINE int do_vary(const Problem *p)
{
    for (Py_ssize_t j = 0; j < p->x.columns + p->y.columns; j++) {
        if (!(p->spread[j] > LEAST_SPREAD * p->squares[j])) {
            return 0;
        }
    }
    return 1;
}

/* Does it in a room of zeros; returns 0 if columns depend on each other too nearly. */
INLINE int find_all(Problem *p, Long *room, double *total)
{
    Py_ssize_t d = p->x.columns, width = d + p->y.columns;
    Long *spread = room + 2 * width;
    p->mean = room, p->z = room + width, p->sums = room + 3 * width;
    *total = find_means(p).high;
    for (Py_ssize_t i = 0; i < p->x.rows; i++) {
        add_row(p, i, spread);
    }
    for (Py_ssize_t j = 0; j < width; j++) {
        p->means[j] = p->mean[j].high;
        p->spread[j] = spread[j].high;
        if (j < d) {
            p->sums[j * width + j] = plus(spread[j], of(p->alpha));
        }
    }
    int done = do_vary(p) && factor(p);
    if (done) {
        solve(p);
        invert(p);
        find_residuals(p);
    }
    return done;
}

static int find_plain(Problem *p, Long *room, double *total) { return find_all(p, room, total); }

#ifdef HAS_FUSED
__attribute__((target("fma"))) static int find_fused(Problem *p, Long *room, double *total)
{
    return find_all(p, room, total);
}
#endif

/* Returns 1 if it is done, 0 if columns depend on each other too nearly, −1 without memory. */
static int run(Problem *p, double *total)
{
    Py_ssize_t d = p->x.columns, width = d + p->y.columns;
    Long *room = calloc((size_t)(width * (d + 3)), sizeof(Long));
    if (room == NULL) {
        return -1;
    }
    int (*find)(Problem *, Long *, double *) = find_plain;
#ifdef HAS_FUSED
    if (__builtin_cpu_supports("fma")) {
        find = find_fused;
    }
#endif
    int done = find(p, room, total);
    free(room);
    return done;
}

static int is_table(const Py_buffer *b, int dimensions, Py_ssize_t rows, Py_ssize_t columns)
{
    return b->format && strcmp(b->format, "d") == 0 && b->ndim == dimensions && (rows < 0 || b->shape[0] == rows) &&
           (dimensions < 2 || columns < 0 || b->shape[1] == columns);
}

enum { X, Y, C, WEIGHT, BIAS, HALF, MEANS, SQUARES, SPREAD, RSS, BUFFERS };

static PyObject *found_from(const Py_buffer *b, double alpha, int is_centred)
{
    Py_ssize_t n = b[X].ndim == 2 ? b[X].shape[0] : -1, d = n < 0 ? -1 : b[X].shape[1];
    Py_ssize_t q = b[Y].ndim == 2 ? b[Y].shape[1] : -1;
    int fine = n >= 0 && q >= 0 && is_table(&b[X], 2, n, d) && is_table(&b[Y], 2, n, q) &&
               (b[C].obj == NULL || is_table(&b[C], 1, n, 0)) && is_table(&b[WEIGHT], 2, q, d) &&
               is_table(&b[BIAS], 1, q, 0) && is_table(&b[HALF], 2, d, d) && is_table(&b[MEANS], 1, d + q, 0) &&
               is_table(&b[SQUARES], 1, d + q, 0) && is_table(&b[SPREAD], 1, d + q, 0) && is_table(&b[RSS], 1, q, 0);
    if (!fine) {
        PyErr_SetString(PyExc_ValueError, "an argument is not of the type and shape that it must be");
        return NULL;
    }
    Problem p = {.x = {b[X].buf, n, d, b[X].strides[0], b[X].strides[1]},
                 .y = {b[Y].buf, n, q, b[Y].strides[0], b[Y].strides[1]},
                 .c = b[C].obj ? b[C].buf : NULL,
                 .alpha = alpha,
                 .is_centred = is_centred,
                 .weight = b[WEIGHT].buf,
                 .bias = b[BIAS].buf,
                 .half = b[HALF].buf,
                 .means = b[MEANS].buf,
                 .squares = b[SQUARES].buf,
                 .spread = b[SPREAD].buf,
                 .rss = b[RSS].buf};
    double total;
    int done;
    Py_BEGIN_ALLOW_THREADS
    done = run(&p, &total);
    Py_END_ALLOW_THREADS
    return done < 0 ? PyErr_NoMemory() : done ? PyFloat_FromDouble(total) : Py_NewRef(Py_None);
}

static PyObject *least_squares(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *given[BUFFERS], *found = NULL;
    double alpha;
    int is_centred, fine = 1;
    if (!PyArg_ParseTuple(args, "OOOOOOOOOOdp", &given[X], &given[Y], &given[C], &given[WEIGHT], &given[BIAS],
                          &given[HALF], &given[MEANS], &given[SQUARES], &given[SPREAD], &given[RSS], &alpha, &is_centred)) {
        return NULL;
    }
    Py_buffer buffers[BUFFERS] = {{0}};
    for (int i = 0; fine && i < BUFFERS; i++) {
        int flags = (i == X || i == Y ? PyBUF_STRIDED_RO : PyBUF_C_CONTIGUOUS) | PyBUF_FORMAT;
        flags |= i >= WEIGHT ? PyBUF_WRITABLE : 0;
        fine = (i == C && given[i] == Py_None) || PyObject_GetBuffer(given[i], &buffers[i], flags) == 0;
    }
    if (fine) {
        found = found_from(buffers, alpha, is_centred);
    }
    for (int i = 0; i < BUFFERS; i++) {
        PyBuffer_Release(&buffers[i]); /* of one that was never filled it does nothing */
    }
    return found;
}

static PyMethodDef methods[] = {
    {"least_squares", least_squares, METH_VARARGS, "See small.py."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "compiled_small", "Least squares of few rows.", 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_compiled_small(void) { return PyModuleDef_Init(&definition); }
