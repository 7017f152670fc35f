/* The sums of products of all pairs of columns. plain_gram.py has the same in NumPy, and says what they mean.
 *
 * Some rows at a time are copied into panels that the first cache holds, and the next ones are fetched meanwhile: the rows
 * are read once, at the rate of the memory or of the arithmetic, whichever is slower. Linear algebra libraries copy too, but
 * are made for large squares: with a hundred columns and less they reach a third of the rate.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 128, LINE = 64 }; /* rows that are copied at a time; bytes that the memory sends at a time */

typedef void (*Multiply)(const double *, const double *, Py_ssize_t, double *);

#define WIDTH 4
#define VECTOR Four
#define MULTIPLY multiply_by_four
#define MULTIPLY_SINGLE multiply_single
#define TARGET
#include "panels.h"

#ifdef __x86_64__
#define WIDTH 4
#define VECTOR FourFused
#define MULTIPLY multiply_by_four_fused
#define MULTIPLY_SINGLE multiply_single_fused
#define TARGET __attribute__((target("avx2,fma")))
#include "panels.h"

#define WIDTH 8
#define VECTOR Eight
#define MULTIPLY multiply_by_eight
#define MULTIPLY_SINGLE multiply_single_by_eight
#define TARGET __attribute__((target("avx512f")))
#include "panels.h"
#endif

typedef struct {
    Multiply multiply;
    Py_ssize_t side; /* columns of a panel */
} Way;

/* What this processor is fastest by, and where most of a panel would be empty: set when the module is imported. */
static Way usual = {multiply_by_four, 12}, single = {multiply_single, 1};

static void choose_for_processor(void)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) {
        usual = (Way){multiply_by_eight, 24};
        single.multiply = multiply_single_by_eight;
    } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        usual.multiply = multiply_by_four_fused;
        single.multiply = multiply_single_fused;
    }
#endif
}

/* Columns of the rows, where they are in memory. */
typedef struct {
    const char *first;
    Py_ssize_t count, row, column; /* how many, and the bytes from a row or a column to the next */
    const double *shift;
} Columns;

typedef struct {
    Py_ssize_t rows;
    Columns x, y;
    const double *root; /* of the weight of each row, or NULL */
    Py_ssize_t width;   /* of all columns, a column of ones among them */
    Way way;
    double *panels, *sums;
} Problem;

static Py_ssize_t panel_count(const Problem *p) { return (p->width + p->way.side - 1) / p->way.side; }

static double *place(const Problem *p, Py_ssize_t column)
{
    Py_ssize_t side = p->way.side;
    return p->panels + column / side * (DEPTH * side) + column % side;
}

static double value(const char *at) { return *(const double *)at; }

/* Copies columns, less their shifts, from where they are to the panels from the column ``at`` on. */
static void copy(const Problem *p, const Columns *from, Py_ssize_t start, Py_ssize_t depth, Py_ssize_t at)
{
    Py_ssize_t side = p->way.side;
    for (Py_ssize_t j = 0, many; j < from->count; j += many) {
        many = side - (at + j) % side;
        many = many < from->count - j ? many : from->count - j;
        const char *x = from->first + start * from->row + j * from->column;
        const double *shift = from->shift + j;
        double *to = place(p, at + j);
        if (side == 1) {
            for (Py_ssize_t k = 0; k < depth; k++) {
                to[k] = value(x + k * from->row) - *shift;
            }
            continue;
        }
        for (Py_ssize_t k = 0; k < depth; k++, x += from->row, to += side) {
            if (from->column == sizeof(double)) { /* so common that it is worth a loop of its own */
                for (Py_ssize_t i = 0; i < many; i++) {
                    to[i] = ((const double *)x)[i] - shift[i];
                }
            } else {
                for (Py_ssize_t i = 0; i < many; i++) {
                    to[i] = value(x + i * from->column) - shift[i];
                }
            }
        }
    }
}

static void copy_all(const Problem *p, Py_ssize_t start, Py_ssize_t depth)
{
    Py_ssize_t side = p->way.side;
    copy(p, &p->x, start, depth, 0);
    copy(p, &p->y, start, depth, p->x.count);
    double *ones = place(p, p->width - 1);
    for (Py_ssize_t k = 0; k < depth; k++) {
        ones[k * side] = 1;
    }
    for (Py_ssize_t j = 0; p->root && j < panel_count(p); j++) {
        for (Py_ssize_t k = 0; k < depth; k++) {
            double *row = p->panels + (j * DEPTH + k) * side;
            for (Py_ssize_t i = 0; i < side; i++) {
                row[i] *= p->root[start + k];
            }
        }
    }
}

/* Adds the products of what the panels hold, and asks for the features of the next rows, which follow in memory. */
static void add_products(const Problem *p, Py_ssize_t start, Py_ssize_t depth)
{
    Py_ssize_t side = p->way.side, count = panel_count(p), pairs = count * (count + 1) / 2;
    Py_ssize_t next = start + DEPTH, after = next + DEPTH < p->rows ? next + DEPTH : p->rows;
    int is_row_by_row = p->x.row == p->x.count * (Py_ssize_t)sizeof(double);
    Py_ssize_t left = is_row_by_row && next < after ? (after - next) * p->x.row : 0;
    const char *wanted = p->x.first + next * p->x.row;
    Py_ssize_t each = (left / pairs / LINE + 1) * LINE;
    double *sums = p->sums;
    for (Py_ssize_t i = 0; i < count; i++) {
        for (Py_ssize_t j = i; j < count; j++, sums += side * side) {
            for (Py_ssize_t end = left - each; left > 0 && left > end; left -= LINE, wanted += LINE) {
                __builtin_prefetch(wanted, 0, 2);
            }
            p->way.multiply(p->panels + i * DEPTH * side, p->panels + j * DEPTH * side, depth, sums);
        }
    }
}

/* Writes the sums (width, width), which lie by pairs of panels, as one symmetric matrix. */
static void write_out(const Problem *p, double *matrix)
{
    const double *sums = p->sums;
    Py_ssize_t side = p->way.side;
    for (Py_ssize_t i = 0; i < p->width; i += side) {
        for (Py_ssize_t j = i; j < p->width; j += side, sums += side * side) {
            for (Py_ssize_t k = i; k < i + side && k < p->width; k++) {
                for (Py_ssize_t l = j > k ? j : k; l < j + side && l < p->width; l++) {
                    double found = sums[(k - i) * side + l - j];
                    matrix[k * p->width + l] = matrix[l * p->width + k] = found;
                }
            }
        }
    }
}

static int run(Problem *p, double *matrix)
{
    Py_ssize_t side = p->way.side, count = panel_count(p);
    size_t panels = (size_t)(count * DEPTH * side), sums = (size_t)(count * (count + 1) / 2 * side * side);
    p->panels = calloc(panels + sums, sizeof(double)); /* zeros where a panel has no column */
    if (p->panels == NULL) {
        return -1;
    }
    p->sums = p->panels + panels;
    for (Py_ssize_t start = 0; start < p->rows; start += DEPTH) {
        Py_ssize_t depth = p->rows - start < DEPTH ? p->rows - start : DEPTH;
        copy_all(p, start, depth);
        add_products(p, start, depth);
    }
    write_out(p, matrix);
    free(p->panels);
    return 0;
}

/* Whether a buffer holds float64, with so many dimensions, and so many of each that is not below 0. */
static int is_table(const Py_buffer *b, int dimensions, Py_ssize_t rows, Py_ssize_t columns)
{
    return b->itemsize == sizeof(double) && b->format && strcmp(b->format, "d") == 0 && b->ndim == dimensions &&
           (rows < 0 || b->shape[0] == rows) && (columns < 0 || b->shape[dimensions - 1] == columns);
}

static Columns columns_of(const Py_buffer *b, const Py_buffer *shift)
{
    return (Columns){b->buf, b->shape[1], b->strides[0], b->strides[1], shift->buf};
}

static PyObject *found_from(const Py_buffer *b)
{
    enum { X, Y, X_SHIFT, Y_SHIFT, PRODUCTS, ROOT };
    Py_ssize_t n = b[X].ndim == 2 ? b[X].shape[0] : -1, d = n < 0 ? -1 : b[X].shape[1];
    Py_ssize_t q = b[Y].ndim == 2 ? b[Y].shape[1] : -1, width = d + q + 1;
    int fine = n >= 0 && q >= 0 && is_table(&b[X], 2, n, d) && is_table(&b[Y], 2, n, q) && is_table(&b[X_SHIFT], 1, d, d) &&
               is_table(&b[Y_SHIFT], 1, q, q) && is_table(&b[PRODUCTS], 2, width, width) &&
               (b[ROOT].obj == NULL || is_table(&b[ROOT], 1, n, n));
    if (!fine) {
        PyErr_SetString(PyExc_ValueError, "an argument is not of the type and shape that it must be");
        return NULL;
    }
    Problem p = {.rows = n,
                 .x = columns_of(&b[X], &b[X_SHIFT]),
                 .y = columns_of(&b[Y], &b[Y_SHIFT]),
                 .root = b[ROOT].obj ? b[ROOT].buf : NULL,
                 .width = width,
                 .way = 2 * width <= usual.side ? single : usual};
    int failed;
    Py_BEGIN_ALLOW_THREADS
    failed = run(&p, b[PRODUCTS].buf);
    Py_END_ALLOW_THREADS
    return failed ? PyErr_NoMemory() : Py_NewRef(Py_None);
}

static PyObject *sum_products(PyObject *Py_UNUSED(module), PyObject *args)
{
    enum { BUFFERS = 6 };
    static const int CONTIGUOUS = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT;
    static const int KINDS[BUFFERS] = {PyBUF_STRIDED_RO | PyBUF_FORMAT, PyBUF_STRIDED_RO | PyBUF_FORMAT, CONTIGUOUS,
                                       CONTIGUOUS, CONTIGUOUS | PyBUF_WRITABLE, CONTIGUOUS};
    PyObject *given[BUFFERS], *found = NULL;
    if (!PyArg_ParseTuple(args, "OOOOOO", &given[0], &given[1], &given[2], &given[3], &given[4], &given[5])) {
        return NULL;
    }
    Py_buffer buffers[BUFFERS] = {{0}};
    int fine = 1;
    for (int i = 0; fine && i < BUFFERS; i++) {
        fine = given[i] == Py_None || PyObject_GetBuffer(given[i], &buffers[i], KINDS[i]) == 0;
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
    {"sum_products", sum_products, METH_VARARGS, "See plain_gram.py."},
    {NULL, NULL, 0, NULL},
};

static int begin(PyObject *Py_UNUSED(module))
{
    choose_for_processor();
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, begin}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "compiled_gram", "Sums of products of columns.", 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_compiled_gram(void) { return PyModuleDef_Init(&definition); }
