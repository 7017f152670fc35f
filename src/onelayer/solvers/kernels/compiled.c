/* The inner loops of coordinate descent. plain.py has the same in NumPy, and says what they mean.
 *
 * Arguments are C-contiguous buffers; the lock of the interpreter is released while a loop runs. Only Python's stable
 * ABI is used, so that one binary serves all its versions.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <math.h>
#include <stdint.h>


typedef struct Problem Problem;

/* Returns twice what a step in coordinate j gains. */
typedef double (*Step)(Problem *, Py_ssize_t);

struct Problem {
    /* what every loop has: m columns */
    Py_ssize_t m;
    double *weight;
    const double *l1, *l2, *lower, *upper;
    /* the Gram matrix, whose rows start every ``stride`` numbers, and Z'r (m) */
    const double *gram;
    Py_ssize_t stride;
    double *slope;
    /* columns (m, n), or sparse ones, their squared lengths (m), and r (n) */
    Py_ssize_t n;
    const double *values, *size, *mean, *root;
    const int32_t *rows;
    const int64_t *starts;
    double *residual;
    double total, shift;
    Step step;
};

#include "sweeps.h"

static double step(Problem *p, Py_ssize_t j) { return p->step(p, j); }

static int is_in(const Problem *p, Py_ssize_t j) { return p->weight[j] != 0; }

static double change_of(const Problem *p, Py_ssize_t j, double slope, double size)
{
    double curvature = size + p->l2[j];
    if (!(curvature > 0)) {
        return 0;
    }
    double goal = slope + size * p->weight[j];
    double beyond = fabs(goal) - p->l1[j];
    double best = beyond > 0 ? copysign(beyond, goal) / curvature : 0;
    if (best < p->lower[j]) {
        best = p->lower[j];
    }
    if (best > p->upper[j]) {
        best = p->upper[j];
    }
    return best - p->weight[j];
}

static double gain(const Problem *p, Py_ssize_t j, double size, double change)
{
    return (size + p->l2[j]) * change * change;
}

static double step_by_gram(Problem *p, Py_ssize_t j)
{
    const double *row = p->gram + j * p->stride;
    double size = row[j];
    double change = change_of(p, j, p->slope[j], size);
    if (change == 0) {
        return 0;
    }
    p->weight[j] += change;
    for (Py_ssize_t i = 0; i < p->m; i++) {
        p->slope[i] -= change * row[i];
    }
    return gain(p, j, size, change);
}

static double step_by_column(Problem *p, Py_ssize_t j)
{
    const double *z = p->values + j * p->n;
    double sums[4] = {0, 0, 0, 0}; /* several, so that one addition need not wait for the one before */
    Py_ssize_t i = 0;
    for (; i + 4 <= p->n; i += 4) {
        for (int k = 0; k < 4; k++) {
            sums[k] += z[i + k] * p->residual[i + k];
        }
    }
    for (; i < p->n; i++) {
        sums[0] += z[i] * p->residual[i];
    }
    double change = change_of(p, j, (sums[0] + sums[1]) + (sums[2] + sums[3]), p->size[j]);
    if (change == 0) {
        return 0;
    }
    p->weight[j] += change;
    for (i = 0; i < p->n; i++) {
        p->residual[i] -= change * z[i];
    }
    return gain(p, j, p->size[j], change);
}

static double step_by_sparse_column(Problem *p, Py_ssize_t j)
{
    double slope = p->shift * (p->total * p->mean[j]);
    for (int64_t i = p->starts[j]; i < p->starts[j + 1]; i++) {
        slope += p->values[i] * p->residual[p->rows[i]];
    }
    double change = change_of(p, j, slope, p->size[j]);
    if (change == 0) {
        return 0;
    }
    p->weight[j] += change;
    for (int64_t i = p->starts[j]; i < p->starts[j + 1]; i++) {
        p->residual[p->rows[i]] -= change * p->values[i];
    }
    p->shift += change * p->mean[j];
    return gain(p, j, p->size[j], change);
}

/* Opens the buffers of a tuple's first items, and closes all of them on an error. */
static int open_buffers(PyObject *args, Py_buffer *buffers, int count, unsigned writable)
{
    for (int i = 0; i < count; i++) {
        int flags = writable >> i & 1 ? PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE : PyBUF_C_CONTIGUOUS;
        if (PyObject_GetBuffer(PyTuple_GetItem(args, i), &buffers[i], flags) < 0) {
            while (i--) {
                PyBuffer_Release(&buffers[i]);
            }
            return -1;
        }
    }
    return 0;
}

static void close_buffers(Py_buffer *buffers, int count)
{
    while (count--) {
        PyBuffer_Release(&buffers[count]);
    }
}

/* A buffer that has to hold so many items of so many bytes. */
typedef struct {
    int position;
    Py_ssize_t items, size;
} Shape;

static int have_shapes(const Py_buffer *buffers, const Shape *shapes, int count)
{
    for (int i = 0; i < count; i++) {
        const Py_buffer *buffer = &buffers[shapes[i].position];
        if (buffer->itemsize != shapes[i].size || buffer->len != shapes[i].items * shapes[i].size) {
            PyErr_Format(PyExc_ValueError, "argument %d is not of the type and shape that it must be",
                         shapes[i].position + 1);
            return 0;
        }
    }
    return 1;
}

/* Runs a loop on buffers, of which weight, l1, l2, lower and upper start at ``first``. */
static PyObject *run(PyObject *args, Py_buffer *buffers, int first, Problem *p)
{
    double tol = PyFloat_AsDouble(PyTuple_GetItem(args, first + 5));
    long max_sweeps = PyLong_AsLong(PyTuple_GetItem(args, first + 6));
    if (PyErr_Occurred()) {
        return NULL;
    }
    Shape shapes[5];
    for (int i = 0; i < 5; i++) {
        shapes[i] = (Shape){first + i, p->m, sizeof(double)};
    }
    if (!have_shapes(buffers, shapes, 5)) {
        return NULL;
    }
    p->weight = buffers[first].buf;
    p->l1 = buffers[first + 1].buf;
    p->l2 = buffers[first + 2].buf;
    p->lower = buffers[first + 3].buf;
    p->upper = buffers[first + 4].buf;
    int sweeps;
    Py_BEGIN_ALLOW_THREADS
    sweeps = sweep_until_settled(p, p->m, tol, max_sweeps > INT32_MAX ? INT32_MAX : (int)max_sweeps);
    for (Py_ssize_t i = 0; p->root && i < p->n; i++) {
        p->residual[i] += p->shift * p->root[i];
    }
    Py_END_ALLOW_THREADS
    return PyLong_FromLong(sweeps);
}

static int have_arguments(PyObject *args, Py_ssize_t count)
{
    if (PyTuple_Size(args) == count) {
        return 1;
    }
    PyErr_Format(PyExc_TypeError, "there must be %zd arguments", count);
    return 0;
}

static Py_ssize_t length(const Py_buffer *buffer)
{
    return buffer->len / (Py_ssize_t)sizeof(double);
}

static PyObject *descend_gram(PyObject *Py_UNUSED(module), PyObject *args)
{
    enum { GRAM, SLOPE, WEIGHT, BUFFERS = 7 };
    Py_buffer buffers[BUFFERS];
    if (!have_arguments(args, BUFFERS + 2) ||
        open_buffers(args, buffers, BUFFERS, 1 << SLOPE | 1 << WEIGHT) < 0) {
        return NULL;
    }
    PyObject *found = NULL;
    Problem p = {.step = step_by_gram,
                 .m = length(&buffers[SLOPE]),
                 .gram = buffers[GRAM].buf,
                 .slope = buffers[SLOPE].buf};
    p.stride = p.m ? length(&buffers[GRAM]) / p.m : 0;
    Shape shapes[] = {{GRAM, p.m * (p.stride > p.m ? p.stride : p.m), sizeof(double)},
                      {SLOPE, p.m, sizeof(double)}};
    if (have_shapes(buffers, shapes, 2)) {
        found = run(args, buffers, WEIGHT, &p);
    }
    close_buffers(buffers, BUFFERS);
    return found;
}

static PyObject *descend_dense(PyObject *Py_UNUSED(module), PyObject *args)
{
    enum { COLUMNS, SIZE, RESIDUAL, WEIGHT, BUFFERS = 8 };
    Py_buffer buffers[BUFFERS];
    if (!have_arguments(args, BUFFERS + 2) ||
        open_buffers(args, buffers, BUFFERS, 1 << RESIDUAL | 1 << WEIGHT) < 0) {
        return NULL;
    }
    PyObject *found = NULL;
    Problem p = {.step = step_by_column,
                 .m = length(&buffers[SIZE]),
                 .n = length(&buffers[RESIDUAL]),
                 .values = buffers[COLUMNS].buf,
                 .size = buffers[SIZE].buf,
                 .residual = buffers[RESIDUAL].buf};
    Shape shapes[] = {{COLUMNS, p.m * p.n, sizeof(double)},
                      {SIZE, p.m, sizeof(double)},
                      {RESIDUAL, p.n, sizeof(double)}};
    if (have_shapes(buffers, shapes, 3)) {
        found = run(args, buffers, WEIGHT, &p);
    }
    close_buffers(buffers, BUFFERS);
    return found;
}

/* Whether what is stored lies within the buffers, so that no wrong argument reads beyond them. */
static int are_within(const Problem *p, Py_ssize_t stored)
{
    int fine = p->starts[0] >= 0 && p->starts[p->m] <= stored;
    for (Py_ssize_t j = 0; fine && j < p->m; j++) {
        fine = p->starts[j] <= p->starts[j + 1];
    }
    for (Py_ssize_t i = 0; fine && i < stored; i++) {
        fine = p->rows[i] >= 0 && p->rows[i] < p->n;
    }
    if (!fine) {
        PyErr_SetString(PyExc_ValueError, "the columns are not stored as CSC must be");
    }
    return fine;
}

static PyObject *descend_sparse(PyObject *Py_UNUSED(module), PyObject *args)
{
    enum { VALUES, ROWS, STARTS, MEAN, ROOT, SIZE, RESIDUAL, WEIGHT, BUFFERS = 12 };
    Py_buffer buffers[BUFFERS];
    if (!have_arguments(args, BUFFERS + 2) ||
        open_buffers(args, buffers, BUFFERS, 1 << RESIDUAL | 1 << WEIGHT) < 0) {
        return NULL;
    }
    PyObject *found = NULL;
    Py_ssize_t stored = length(&buffers[VALUES]);
    Problem p = {.step = step_by_sparse_column,
                 .m = length(&buffers[SIZE]),
                 .n = length(&buffers[RESIDUAL]),
                 .values = buffers[VALUES].buf,
                 .rows = buffers[ROWS].buf,
                 .starts = buffers[STARTS].buf,
                 .mean = buffers[MEAN].buf,
                 .root = buffers[ROOT].buf,
                 .size = buffers[SIZE].buf,
                 .residual = buffers[RESIDUAL].buf};
    Shape shapes[] = {{VALUES, stored, sizeof(double)}, {ROWS, stored, sizeof(int32_t)},
                      {STARTS, p.m + 1, sizeof(int64_t)}, {MEAN, p.m, sizeof(double)},
                      {ROOT, p.n, sizeof(double)}, {SIZE, p.m, sizeof(double)},
                      {RESIDUAL, p.n, sizeof(double)}};
    if (have_shapes(buffers, shapes, 7) && are_within(&p, stored)) {
        for (Py_ssize_t i = 0; i < p.n; i++) {
            p.total += p.root[i] * p.root[i];
        }
        found = run(args, buffers, WEIGHT, &p);
    }
    close_buffers(buffers, BUFFERS);
    return found;
}

static PyMethodDef methods[] = {
    {"descend_gram", descend_gram, METH_VARARGS, "See plain.py."},
    {"descend_dense", descend_dense, METH_VARARGS, "See plain.py."},
    {"descend_sparse", descend_sparse, METH_VARARGS, "See plain.py."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "compiled", "The inner loops of coordinate descent.", 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_compiled(void) { return PyModuleDef_Init(&definition); }
