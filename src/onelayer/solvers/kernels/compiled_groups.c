/* Coordinate descent by groups. plain_groups.py has the same in NumPy, and says what it means.
 *
 * Arguments are C-contiguous buffers; the lock of the interpreter is released while the loop runs. Only Python's stable
 * ABI is used, so that one binary serves all its versions.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <math.h>
#include <stdint.h>

#define MOST_STEPS 100
#define PRECISE 1e-3

typedef struct {
    Py_ssize_t m, count;
    const double *gram;
    double *slope, *weight;
    const double *l1, *l2, *largest; /* of each group */
    const int64_t *starts;           /* of the groups, and m */
    double *next, *change;           /* of one group: the next step, and all steps together */
} Problem;

#include "sweeps.h"

/* Takes proximal gradient steps in one group until they are short; the sum of them is left in ``change``. */
static void find_change(const Problem *p, Py_ssize_t group)
{
    Py_ssize_t start = p->starts[group], size = p->starts[group + 1] - start;
    double curvature = p->largest[group] + p->l2[group];
    for (Py_ssize_t a = 0; a < size; a++) {
        p->change[a] = 0;
    }
    if (!(curvature > 0)) {
        return;
    }
    for (int step = 0; step < MOST_STEPS; step++) {
        double square = 0, moved = 0, all = 0;
        for (Py_ssize_t a = 0; a < size; a++) {
            const double *row = p->gram + (start + a) * p->m + start;
            double weight = p->weight[start + a] + p->change[a];
            double slope = p->slope[start + a] - p->l2[group] * weight;
            for (Py_ssize_t b = 0; b < size; b++) {
                slope -= row[b] * p->change[b];
            }
            p->next[a] = weight + slope / curvature;
            square += p->next[a] * p->next[a];
        }
        double length = sqrt(square);
        double kept = length > 0 ? fmax(1 - p->l1[group] / curvature / length, 0) : 0;
        for (Py_ssize_t a = 0; a < size; a++) {
            double change = kept * p->next[a] - p->weight[start + a];
            moved = fmax(moved, fabs(change - p->change[a]));
            all = fmax(all, fabs(change));
            p->change[a] = change;
        }
        if (!(moved > PRECISE * all)) {
            return;
        }
    }
}

/* Returns twice what a step in a group gains, at least. */
static double step(Problem *p, Py_ssize_t group)
{
    Py_ssize_t start = p->starts[group], size = p->starts[group + 1] - start;
    double square = 0;
    find_change(p, group);
    for (Py_ssize_t a = 0; a < size; a++) {
        double change = p->change[a];
        if (change == 0) {
            continue;
        }
        const double *row = p->gram + (start + a) * p->m;
        p->weight[start + a] += change;
        for (Py_ssize_t i = 0; i < p->m; i++) {
            p->slope[i] -= change * row[i];
        }
        square += change * change;
    }
    return (p->largest[group] + p->l2[group]) * square;
}

static int is_in(const Problem *p, Py_ssize_t group)
{
    for (int64_t i = p->starts[group]; i < p->starts[group + 1]; i++) {
        if (p->weight[i] != 0) {
            return 1;
        }
    }
    return 0;
}

/* Returns the size of the largest group, or 0 if the groups are not one after another, up to m. */
static Py_ssize_t largest_group(const Problem *p)
{
    Py_ssize_t found = 0;
    int fine = p->starts[0] == 0 && p->starts[p->count] == p->m;
    for (Py_ssize_t j = 0; j < p->count; j++) {
        Py_ssize_t size = p->starts[j + 1] - p->starts[j];
        fine = fine && size > 0 && p->starts[j + 1] <= p->m;
        found = size > found ? size : found;
    }
    return fine ? found : 0;
}

static PyObject *run(Problem *p, double tol, int max_sweeps)
{
    Py_ssize_t size = largest_group(p);
    if (size == 0) {
        PyErr_SetString(PyExc_ValueError, "starts must be those of groups one after another");
        return NULL;
    }
    double *scratch = PyMem_Malloc(2 * (size_t)size * sizeof(double));
    if (scratch == NULL) {
        return PyErr_NoMemory();
    }
    p->next = scratch;
    p->change = scratch + size;
    int sweeps;
    Py_BEGIN_ALLOW_THREADS
    sweeps = sweep_until_settled(p, p->count, tol, max_sweeps);
    Py_END_ALLOW_THREADS
    PyMem_Free(scratch);
    return PyLong_FromLong(sweeps);
}

static PyObject *descend_groups(PyObject *Py_UNUSED(module), PyObject *args)
{
    enum { GRAM, SLOPE, WEIGHT, L1, L2, STARTS, LARGEST, BUFFERS };
    Py_buffer b[BUFFERS];
    double tol;
    int max_sweeps;
    if (!PyArg_ParseTuple(args, "y*w*w*y*y*y*y*di", &b[GRAM], &b[SLOPE], &b[WEIGHT], &b[L1], &b[L2], &b[STARTS],
                          &b[LARGEST], &tol, &max_sweeps)) {
        return NULL;
    }
    const Py_ssize_t size = sizeof(double);
    Problem p = {.m = b[SLOPE].len / size,
                 .count = b[L1].len / size,
                 .gram = b[GRAM].buf,
                 .slope = b[SLOPE].buf,
                 .weight = b[WEIGHT].buf,
                 .l1 = b[L1].buf,
                 .l2 = b[L2].buf,
                 .largest = b[LARGEST].buf,
                 .starts = b[STARTS].buf};
    const Py_ssize_t items[BUFFERS] = {p.m * p.m, p.m, p.m, p.count, p.count, p.count + 1, p.count};
    PyObject *found = NULL;
    int fine = 1;
    for (int i = 0; i < BUFFERS; i++) {
        fine = fine && b[i].len == items[i] * size;
    }
    if (fine) {
        found = run(&p, tol, max_sweeps);
    } else {
        PyErr_SetString(PyExc_ValueError, "an argument is not of the type and shape that it must be");
    }
    for (int i = 0; i < BUFFERS; i++) {
        PyBuffer_Release(&b[i]);
    }
    return found;
}

static PyMethodDef methods[] = {
    {"descend_groups", descend_groups, METH_VARARGS, "See plain_groups.py."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "compiled_groups", "Coordinate descent by groups.", 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_compiled_groups(void) { return PyModuleDef_Init(&definition); }
