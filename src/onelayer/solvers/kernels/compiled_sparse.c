/* Products of sparse rows with themselves, from one reading of them. plain_sparse.py has the same in NumPy.
 *
 * Arguments are C-contiguous buffers; the lock of the interpreter is released while the loop runs. Only Python's stable
 * ABI is used, so that one binary serves all its versions.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>

typedef struct {
    const double *values;
    const int32_t *columns;
    const int64_t *starts; /* of the rows */
    const double *c, *w;
    double *sums;
} Rows;

/* The product of a stored row with w: four sums, so that additions need not wait for each other. */
static double dot(const Rows *r, int64_t start, int64_t end)
{
    double sum[4] = {0, 0, 0, 0};
    int64_t k = start;
    for (; k + 4 <= end; k += 4) {
        for (int j = 0; j < 4; j++) {
            sum[j] += r->values[k + j] * r->w[r->columns[k + j]];
        }
    }
    for (; k < end; k++) {
        sum[0] += r->values[k] * r->w[r->columns[k]];
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static double add_products(const Rows *r, int64_t first, int64_t last, double shift)
{
    double total = 0;
    for (int64_t i = first; i < last; i++) {
        int64_t start = r->starts[i], end = r->starts[i + 1];
        double output = r->c[i] * (dot(r, start, end) - shift);
        total += output;
        for (int64_t k = start; k < end; k++) {
            r->sums[r->columns[k]] += r->values[k] * output;
        }
    }
    return total;
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
    const Py_ssize_t size = sizeof(double);
    Rows r = {b[VALUES].buf, b[COLUMNS].buf, b[STARTS].buf, b[C].buf, b[W].buf, b[SUMS].buf};
    Py_ssize_t n = b[C].len / size, count = b[VALUES].len / size;
    int fine = b[STARTS].len == (n + 1) * size && b[COLUMNS].len == count * (Py_ssize_t)sizeof(int32_t) &&
               b[W].len == b[SUMS].len && 0 <= first && first <= last && last <= n;
    fine = fine && r.starts[0] == 0 && r.starts[n] == count;
    if (fine) {
        Py_BEGIN_ALLOW_THREADS
        total = add_products(&r, first, last, shift);
        Py_END_ALLOW_THREADS
    }
    for (int i = 0; i < BUFFERS; i++) {
        PyBuffer_Release(&b[i]);
    }
    if (!fine) {
        PyErr_SetString(PyExc_ValueError, "an argument is not of the type and shape that it must be");
        return NULL;
    }
    return PyFloat_FromDouble(total);
}

static PyMethodDef methods[] = {
    {"sparse_products", sparse_products, METH_VARARGS, "See plain_sparse.py."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "compiled_sparse", "Products of sparse rows.", 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_compiled_sparse(void) { return PyModuleDef_Init(&definition); }
