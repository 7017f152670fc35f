/* Products of sparse rows with thin matrices and with themselves. plain_sparse.py has the same in NumPy.
 *
 * Arguments are C-contiguous buffers; the lock of the interpreter is released while the loop runs. Only Python's stable
 * ABI is used, so that one binary serves all its versions.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef _MSC_VER
#define INLINE static __forceinline
#define PREFETCH(address) (void)0
#else
#define INLINE static inline __attribute__((always_inline))
#define PREFETCH(address) __builtin_prefetch(address, 1)
#endif
#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)

enum { WIDE = 8, WIDEST = 16, AHEAD = 16, LINE = 64 }; /* columns of a thin matrix at once; stored values; bytes */

typedef struct {
    const double *values;
    const int32_t *columns;
    const int64_t *starts; /* of the rows */
    int64_t first, last;   /* rows that are meant */
    int kind;              /* of what is taken of a value: 'v' itself, 'a' its magnitude, 's' its square */
} Rows;

INLINE double taken(const Rows *r, int64_t at)
{
    double value = r->values[at];
    return r->kind == 'v' ? value : r->kind == 'a' ? fabs(value) : value * value;
}

#define REAL float
#include "sparse_thin.h"
#undef REAL
#define REAL double
#include "sparse_thin.h"
#undef REAL

typedef struct {
    const float *values;
    const int32_t *columns;
    const int64_t *starts;
    const double *c;
    const float *w;
    float *sums;
} Weighed;

/* Adds Σ xᵢ oᵢ to the sums. The product of a row with w goes along with what the row before adds to the sums, as neither
 * waits for the other; and has four sums of its own. */
static double add_products(const Weighed *r, int64_t first, int64_t last, double shift)
{
    double total = 0;
    float output = 0;
    for (int64_t i = first, at = r->starts[first], before = at; i <= last; i++) {
        int64_t start = at, end = i < last ? r->starts[i + 1] : at;
        int64_t both = end - start < start - before ? end - start : start - before;
        float sum[4] = {0};
        for (; both >= 4; both -= 4, at += 4, before += 4) {
            for (int j = 0; j < 4; j++) {
                sum[j] += r->values[at + j] * r->w[r->columns[at + j]];
            }
            for (int j = 0; j < 4; j++) {
                r->sums[r->columns[before + j]] += r->values[before + j] * output;
            }
        }
        for (; at + 4 <= end; at += 4) {
            for (int j = 0; j < 4; j++) {
                sum[j] += r->values[at + j] * r->w[r->columns[at + j]];
            }
        }
        for (; at < end; at++) {
            sum[0] += r->values[at] * r->w[r->columns[at]];
        }
        for (; before < start; before++) {
            r->sums[r->columns[before]] += r->values[before] * output;
        }
        if (i < last) {
            double own = r->c[i] * ((sum[0] + sum[1]) + (sum[2] + sum[3]) - shift);
            total += own;
            output = (float)own;
        }
    }
    return total;
}

/* Whether buffers are those of n rows of CSR, of which some are meant. */
static int are_rows(const Py_buffer *values, Py_ssize_t size, const Py_buffer *columns, const Py_buffer *starts,
                    int64_t first, int64_t last)
{
    Py_ssize_t count = values->len / size, n = starts->len / (Py_ssize_t)sizeof(int64_t) - 1;
    const int64_t *start = starts->buf;
    return n >= 0 && columns->len == count * (Py_ssize_t)sizeof(int32_t) && 0 <= first && first <= last && last <= n &&
           start[0] == 0 && start[n] == count;
}

/* Lets go of the buffers, and returns whether all was fine; else the error is set. */
static int released(Py_buffer *b, int count, int fine)
{
    for (int i = 0; i < count; i++) {
        PyBuffer_Release(&b[i]);
    }
    if (!fine) {
        PyErr_SetString(PyExc_ValueError, "an argument is not of the type and shape that it must be");
    }
    return fine;
}

static PyObject *sparse_products(PyObject *Py_UNUSED(module), PyObject *args)
{
    enum { VALUES, COLUMNS, STARTS, C, W, SUMS, BUFFERS };
    Py_buffer b[BUFFERS];
    long long first, last;
    double shift, total = 0;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*w*LLd", &b[VALUES], &b[COLUMNS], &b[STARTS], &b[C], &b[W], &b[SUMS],
                          &first, &last, &shift)) {
        return NULL;
    }
    int fine = are_rows(&b[VALUES], sizeof(float), &b[COLUMNS], &b[STARTS], first, last) && b[W].len == b[SUMS].len &&
               b[C].len == b[STARTS].len - (Py_ssize_t)sizeof(int64_t);
    if (fine) {
        Weighed r = {b[VALUES].buf, b[COLUMNS].buf, b[STARTS].buf, b[C].buf, b[W].buf, b[SUMS].buf};
        Py_BEGIN_ALLOW_THREADS
        total = add_products(&r, first, last, shift);
        Py_END_ALLOW_THREADS
    }
    return released(b, BUFFERS, fine) ? PyFloat_FromDouble(total) : NULL;
}

/* Both products with thin matrices; the matrix of the rows is m rows of k numbers. */
static PyObject *thin_products(PyObject *args, int is_forward)
{
    enum { VALUES, COLUMNS, STARTS, GIVEN, FOUND, BUFFERS };
    Py_buffer b[BUFFERS];
    Py_ssize_t k;
    long long first, last;
    int kind, is_float;
    if (!PyArg_ParseTuple(args, "y*y*y*y*w*nLLCp", &b[VALUES], &b[COLUMNS], &b[STARTS], &b[GIVEN], &b[FOUND], &k,
                          &first, &last, &kind, &is_float)) {
        return NULL;
    }
    Py_ssize_t size = is_float ? sizeof(float) : sizeof(double);
    const Py_buffer *of_rows = is_forward ? &b[FOUND] : &b[GIVEN], *of_columns = is_forward ? &b[GIVEN] : &b[FOUND];
    int fine = are_rows(&b[VALUES], sizeof(double), &b[COLUMNS], &b[STARTS], first, last) && k > 0 &&
               of_rows->len == (last - first) * k * size && of_columns->len % (k * size) == 0 &&
               (kind == 'v' || kind == 'a' || kind == 's');
    if (fine) {
        Rows r = {b[VALUES].buf, b[COLUMNS].buf, b[STARTS].buf, first, last, kind};
        Py_BEGIN_ALLOW_THREADS
        const void *given = b[GIVEN].buf;
        void *found = b[FOUND].buf;
        if (is_float) {
            is_forward ? forward_float(&r, given, found, k) : backward_float(&r, given, found, k);
        } else {
            is_forward ? forward_double(&r, given, found, k) : backward_double(&r, given, found, k);
        }
        Py_END_ALLOW_THREADS
    }
    if (!released(b, BUFFERS, fine)) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *sparse_forward(PyObject *Py_UNUSED(module), PyObject *args) { return thin_products(args, 1); }

static PyObject *sparse_backward(PyObject *Py_UNUSED(module), PyObject *args) { return thin_products(args, 0); }

static PyMethodDef methods[] = {
    {"sparse_products", sparse_products, METH_VARARGS, "See plain_sparse.py."},
    {"sparse_forward", sparse_forward, METH_VARARGS, "See plain_sparse.py."},
    {"sparse_backward", sparse_backward, METH_VARARGS, "See plain_sparse.py."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "compiled_sparse", "Products of sparse rows.", 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_compiled_sparse(void) { return PyModuleDef_Init(&definition); }
