/* Weighted sums of columns and of their squares, in one pass. plain_moments.py has the same in NumPy, and says what they mean. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <string.h>

enum { ROWS = 4, COLUMNS = 512 }; /* rows that are added before sums are stored; columns whose sums the first cache holds */

typedef struct {
    Py_ssize_t rows, d;
    const void *x;
    const double *weights, *times, *less;
    double *sums, *squares;
} Problem;

#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)

/* Adds columns from ``first`` to ``end`` of ``many`` rows, which the compiler knows. */
#define ADD_ROWS(many)                                                    \
    for (Py_ssize_t j = first; j < end; j++) {                            \
        double sum = 0, square = 0;                                       \
        for (int k = 0; k < (many); k++) {                                \
            double z = (double)x[k * p->d + j] * times[j] - less[j];      \
            double wz = w[k] * z;                                         \
            sum += wz;                                                    \
            square += wz * z;                                             \
        }                                                                 \
        sums[j] += sum;                                                   \
        squares[j] += square;                                             \
    }

#define OF(name, STORED)                                                                          \
    TARGET static void JOIN(name, KIND)(const Problem *p)                                         \
    {                                                                                             \
        const double *restrict times = p->times, *restrict less = p->less;                        \
        double *restrict sums = p->sums, *restrict squares = p->squares;                          \
        for (Py_ssize_t first = 0; first < p->d; first += COLUMNS) {                              \
            Py_ssize_t end = first + COLUMNS < p->d ? first + COLUMNS : p->d, i = 0;              \
            for (; i + ROWS <= p->rows; i += ROWS) {                                              \
                const STORED *x = (const STORED *)p->x + i * p->d;                                \
                const double *w = p->weights + i;                                                 \
                ADD_ROWS(ROWS)                                                                    \
            }                                                                                     \
            for (; i < p->rows; i++) {                                                            \
                const STORED *x = (const STORED *)p->x + i * p->d;                                \
                const double *w = p->weights + i;                                                 \
                ADD_ROWS(1)                                                                       \
            }                                                                                     \
        }                                                                                         \
    }

#define ALL OF(bytes, uint8_t) OF(floats, float) OF(doubles, double)

#define KIND any
#define TARGET
ALL
#undef KIND
#undef TARGET

#ifdef __x86_64__
#define KIND avx2
#define TARGET __attribute__((target("avx2")))
ALL
#undef KIND
#undef TARGET

#define KIND avx512
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")))
ALL
#endif

/* Adds by the widest vectors that the processor has; each number is rounded alike by all. */
#define CHOOSE(kind) (format == 'B' ? bytes_##kind : format == 'f' ? floats_##kind : doubles_##kind)

static void add(const Problem *p, char format)
{
    void (*chosen)(const Problem *) = CHOOSE(any);
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
        chosen = CHOOSE(avx512);
    } else if (__builtin_cpu_supports("avx2")) {
        chosen = CHOOSE(avx2);
    }
#endif
    chosen(p);
}

enum { X, WEIGHTS, TIMES, LESS, SUMS, SQUARES, BUFFERS };

static int is_vector(const Py_buffer *b, Py_ssize_t length)
{
    return b->ndim == 1 && b->format && strcmp(b->format, "d") == 0 && b->shape[0] == length;
}

static int is_right(const Py_buffer *b)
{
    if (b[X].ndim != 2 || !b[X].format || !b[X].format[0] || b[X].format[1] || !strchr("Bfd", b[X].format[0])) {
        return 0;
    }
    Py_ssize_t d = b[X].shape[1];
    return is_vector(&b[WEIGHTS], b[X].shape[0]) && is_vector(&b[TIMES], d) && is_vector(&b[LESS], d) &&
           is_vector(&b[SUMS], d) && is_vector(&b[SQUARES], d);
}

static PyObject *column_moments(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *given[BUFFERS], *found = NULL;
    if (!PyArg_ParseTuple(args, "OOOOOO", &given[X], &given[WEIGHTS], &given[TIMES], &given[LESS], &given[SUMS],
                          &given[SQUARES])) {
        return NULL;
    }
    Py_buffer b[BUFFERS] = {{0}};
    int fine = 1;
    for (int i = 0; fine && i < BUFFERS; i++) {
        int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (i >= SUMS ? PyBUF_WRITABLE : 0);
        fine = PyObject_GetBuffer(given[i], &b[i], flags) == 0;
    }
    if (fine && is_right(b)) {
        Problem p = {b[X].shape[0], b[X].shape[1], b[X].buf, b[WEIGHTS].buf, b[TIMES].buf, b[LESS].buf, b[SUMS].buf, b[SQUARES].buf};
        Py_BEGIN_ALLOW_THREADS
        add(&p, b[X].format[0]);
        Py_END_ALLOW_THREADS
        found = Py_NewRef(Py_None);
    } else if (fine) {
        PyErr_SetString(PyExc_ValueError, "an argument is not of the type and shape that it must be");
    }
    for (int i = 0; i < BUFFERS; i++) {
        PyBuffer_Release(&b[i]); /* of one that was never filled it does nothing */
    }
    return found;
}

static PyMethodDef methods[] = {
    {"column_moments", column_moments, METH_VARARGS, "See plain_moments.py."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "compiled_moments", "Sums of columns and of their squares.", 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_compiled_moments(void) { return PyModuleDef_Init(&definition); }
