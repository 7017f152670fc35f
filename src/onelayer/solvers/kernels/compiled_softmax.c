/* Losses of some rows, their gradient and products of probabilities. plain_softmax.py has the same in NumPy, and says
 * what they mean.
 *
 * A few rows at a time are copied as numbers into the cache, and from there make outputs and gradient, so features come from
 * memory once. Linear algebra libraries reach a third of the rate with so few outputs, and read features twice.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    GROUP = 5,          /* outputs whose sums are in registers at the same time */
    LINE = 64,          /* bytes that the memory sends at a time */
    PANEL = 1 << 18,    /* bytes of the rows that are worked on at a time, which the second cache holds */
    MOST_ROWS = 256     /* of them */
};

typedef struct Problem Problem;

/* What is used again for each panel: rows as numbers, their outputs, and sums over a panel. */
typedef struct {
    void *x, *outputs, *gradient, *products;
} Room;

struct Problem {
    Py_ssize_t n, d, q, width, stride; /* rows, features, outputs, columns of the weights, numbers of a row's outputs */
    Py_ssize_t rows;                   /* of a panel */
    const void *x, *weight;            /* (n, d) and (q, width) */
    const int64_t *labels;
    const double *factors; /* of rows, or NULL */
    void *outputs;         /* (n, q) */
    double *gradient, *products;
    double loss, lost; /* their sum, and what rounding has taken from it */
    void (*do_panel)(Problem *, Py_ssize_t, Py_ssize_t, Room);
};

/* Adds by Kahan's way: a line search compares sums that differ in their last digits. */
static inline void add_loss(Problem *p, double loss)
{
    double rest = loss - p->lost, sum = p->loss + rest;
    p->lost = (sum - p->loss) - rest;
    p->loss = sum;
}

#include "vectors.h"

#define NUMBERS "softmax_numbers.h"
#include "processors.h"

static int run(Problem *p, size_t real)
{
    Py_ssize_t most = PANEL / (Py_ssize_t)(p->width * real) / BEYOND * BEYOND;
    p->rows = most < 8 ? 8 : most > MOST_ROWS ? MOST_ROWS : most;
    size_t x = (p->rows + BEYOND) * p->width, outputs = (p->rows + BEYOND) * p->stride;
    char *room = calloc(x + outputs + p->q * (p->width + p->stride), real);
    if (room == NULL) {
        return -1;
    }
    char *sums = room + (x + outputs) * real;
    Room its = {room, room + x * real, sums, sums + p->q * p->width * real};
    for (Py_ssize_t start = 0; start < p->n; start += p->rows) {
        Py_ssize_t left = p->n - start;
        p->do_panel(p, start, left < p->rows ? left : p->rows, its);
    }
    free(room);
    return 0;
}

enum { X, LABELS, WEIGHT, FACTORS, OUTPUTS, GRADIENT, PRODUCTS, BUFFERS };

/* Whether a buffer has numbers of one of some formats, and so many rows and columns, or with −1 columns one dimension. */
static int has(const Py_buffer *b, const char *formats, Py_ssize_t rows, Py_ssize_t columns)
{
    return b->ndim == (columns < 0 ? 1 : 2) && b->format && b->format[0] && !b->format[1] && strchr(formats, b->format[0]) &&
           b->shape[0] == rows && (columns < 0 || b->shape[1] == columns);
}

static int is_right(const Py_buffer *b)
{
    if (b[X].ndim != 2 || b[WEIGHT].ndim != 2) {
        return 0;
    }
    Py_ssize_t n = b[X].shape[0], d = b[X].shape[1], q = b[WEIGHT].shape[0], width = b[WEIGHT].shape[1];
    if (q <= 0 || !has(&b[X], "Bfd", n, d) || !has(&b[WEIGHT], "fd", q, width)) {
        return 0;
    }
    const char real[] = {b[WEIGHT].format[0], 0};
    return width > d && width % (LINE / 2) == 0 && has(&b[LABELS], "lq", n, -1) && b[LABELS].itemsize == sizeof(int64_t) &&
           (b[FACTORS].obj == NULL || has(&b[FACTORS], "d", n, -1)) && has(&b[OUTPUTS], real, n, q) &&
           has(&b[GRADIENT], "d", q, width) && has(&b[PRODUCTS], "d", q, q);
}

static PyObject *found_from(const Py_buffer *b)
{
    int fine = is_right(b);
    Problem p = {0};
    if (fine) {
        p = (Problem){.n = b[X].shape[0], .d = b[X].shape[1], .q = b[WEIGHT].shape[0], .width = b[WEIGHT].shape[1]};
        p.x = b[X].buf, p.labels = b[LABELS].buf, p.weight = b[WEIGHT].buf, p.outputs = b[OUTPUTS].buf;
        p.factors = b[FACTORS].obj ? b[FACTORS].buf : NULL;
        p.gradient = b[GRADIENT].buf, p.products = b[PRODUCTS].buf;
        p.stride = (p.q + LINE / 4 - 1) / (LINE / 4) * (LINE / 4);
        choose(&p, b[X].format[0], b[WEIGHT].format[0]);
        for (Py_ssize_t i = 0; fine && i < p.n; i++) {
            fine = p.labels[i] >= 0 && p.labels[i] < (p.q == 1 ? 2 : p.q);
        }
    }
    if (!fine) {
        PyErr_SetString(PyExc_ValueError, "an argument is not of the type and shape, or in the range, that it must be");
        return NULL;
    }
    int failed;
    Py_BEGIN_ALLOW_THREADS
    failed = run(&p, b[WEIGHT].itemsize);
    Py_END_ALLOW_THREADS
    return failed ? PyErr_NoMemory() : PyFloat_FromDouble(p.loss);
}

static PyObject *softmax_sums(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *given[BUFFERS], *found = NULL;
    if (!PyArg_ParseTuple(args, "OOOOOOO", &given[X], &given[LABELS], &given[WEIGHT], &given[FACTORS], &given[OUTPUTS],
                          &given[GRADIENT], &given[PRODUCTS])) {
        return NULL;
    }
    Py_buffer buffers[BUFFERS] = {{0}};
    int fine = 1;
    for (int i = 0; fine && i < BUFFERS; i++) {
        int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (i >= OUTPUTS ? PyBUF_WRITABLE : 0);
        fine = (i == FACTORS && given[i] == Py_None) || PyObject_GetBuffer(given[i], &buffers[i], flags) == 0;
    }
    if (fine) {
        found = found_from(buffers);
    }
    for (int i = 0; i < BUFFERS; i++) {
        PyBuffer_Release(&buffers[i]); /* of one that was never filled it does nothing */
    }
    return found;
}

static PyMethodDef methods[] = {
    {"softmax_sums", softmax_sums, METH_VARARGS, "See plain_softmax.py."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "compiled_softmax", "Sums of cross-entropy over rows.", 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_compiled_softmax(void) { return PyModuleDef_Init(&definition); }
