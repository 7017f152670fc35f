/* A pass of minibatch SGD for linear and softmax regression, and the order of its rows. plain_sgd.py has the same in NumPy, and says what it means.
 *
 * A batch is cut into parts, the same ones however many threads there are. A thread copies the rows of a part as numbers
 * into its own cache, and from there makes outputs, derivatives and the part's gradient. Gradients are added by one binary
 * tree, whose branches are within a thread; then the threads meet, and each adds what the others have and takes the whole
 * step with weights of its own: what goes from one core to another takes longer than arithmetic. They wait by spinning, for
 * a step takes some 50 µs.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    GROUP = 5,         /* outputs whose sums are in registers at the same time */
    MOST_PARTS = 8,    /* of a batch, a power of two */
    LEAST_ROWS = 64,   /* of a part, if there is more than one */
    LINE = 64,         /* bytes that the memory sends at a time */
    SPINS = 5000,      /* before a thread that waits lets another program have the processor */
    WORTHWHILE = 50000 /* multiplications of a step that are worth a second thread */
};

typedef struct {
    double loss;
    int64_t right;
    char apart[LINE - 16]; /* so that no two threads write to one line of the cache */
} __attribute__((aligned(LINE))) Score;

/* What a thread has for itself: weights, rows of a part as numbers, their outputs, where the part's gradient goes or NULL. */
typedef struct {
    void *weight, *x, *outputs, *gradient;
} Room;

typedef struct Problem Problem;

typedef struct {
    Problem *problem;
    Room room;
    char *gradients[2]; /* of its parts, one after another, for steps of even and of odd numbers */
    int number;
    pthread_t id;
} Worker;

struct Problem {
    Py_ssize_t n, d, q, width, batch; /* rows to visit, features, outputs, columns of the weights, rows of a step */
    Py_ssize_t stride;                /* from a row's outputs to the next one's */
    const void *x;                    /* (…, d) */
    const int64_t *labels, *order;
    const void *numbers, *factors, *decay; /* targets if they are no labels, weights of rows, of columns */
    void *weight;                          /* (q, width) */
    double one, step;                      /* the constant feature, and what mean gradients are multiplied by */
    int parts, threads;                    /* of a batch; a power of two that is no more than that */
    Py_ssize_t rows;                       /* of a part */
    size_t real, size;                     /* bytes of a number, and of a gradient */
    Worker *workers;
    atomic_int waiting, round, go;
    Score *scores; /* of each part */
    void (*do_part)(const Problem *, Py_ssize_t, Py_ssize_t, Room, Score *);
    void (*add)(const Problem *, const void *, void *);
    void (*move)(const Problem *, void *const *, double, void *);
};

#include "vectors.h"

#define NUMBERS "sgd_numbers.h"
#include "processors.h"

static Py_ssize_t smaller(Py_ssize_t a, Py_ssize_t b) { return a < b ? a : b; }

/* Waits until all threads have come here. */
static void meet(Problem *p)
{
    int round = atomic_load(&p->round);
    if (atomic_fetch_add(&p->waiting, 1) + 1 == p->threads) {
        atomic_store(&p->waiting, 0);
        atomic_store(&p->round, round + 1);
        return;
    }
    for (int spins = 0; atomic_load_explicit(&p->round, memory_order_acquire) == round; spins++) {
        if (spins > SPINS) {
            sched_yield();
        } else {
            PAUSE();
        }
    }
}

/* Makes the gradients of a thread's parts of a batch, and adds them up in the first one's place. */
static void add_gradients(const Problem *p, const Worker *own, Py_ssize_t start, Py_ssize_t m, char *gradients)
{
    int count = p->parts / p->threads;
    for (int k = 0; k < count; k++) {
        int part = own->number * count + k;
        Py_ssize_t before = smaller(part * p->rows, m), rows = smaller(p->rows, m - before);
        Room room = own->room;
        room.gradient = gradients ? gradients + k * p->size : NULL;
        p->do_part(p, start + before, rows, room, &p->scores[part]);
    }
    for (int gap = 1; gradients && gap < count; gap *= 2) {
        for (int k = 0; k < count; k += 2 * gap) {
            p->add(p, gradients + (k + gap) * p->size, gradients + k * p->size);
        }
    }
}

/* What one of the threads does of all steps. */
static void work(Problem *p, Worker *own)
{
    memcpy(own->room.weight, p->weight, p->size);
    for (Py_ssize_t start = 0, number = 0; start < p->n; start += p->batch, number++) {
        Py_ssize_t m = smaller(p->batch, p->n - start);
        add_gradients(p, own, start, m, own->gradients[number % 2]);
        if (p->step != 0) {
            void *gradients[MOST_PARTS];
            for (int k = 0; k < p->threads; k++) {
                gradients[k] = p->workers[k].gradients[number % 2];
            }
            meet(p); /* once a step, for the next one writes elsewhere */
            p->move(p, gradients, p->step / m, own->room.weight);
        }
    }
}

static void *begin_work(void *given)
{
    Worker *worker = given;
    while (!atomic_load(&worker->problem->go)) {
        sched_yield();
    }
    if (worker->number < worker->problem->threads) {
        work(worker->problem, worker);
    }
    return NULL;
}

/* Works with as many threads as can be had, and keeps the weights of one of them. */
static void work_together(Problem *p)
{
    int count = 1;
    while (count < p->threads && pthread_create(&p->workers[count].id, NULL, begin_work, &p->workers[count]) == 0) {
        count++;
    }
    while (p->threads > count) {
        p->threads /= 2;
    }
    atomic_store(&p->go, 1);
    work(p, &p->workers[0]);
    while (--count) {
        pthread_join(p->workers[count].id, NULL);
    }
    memcpy(p->weight, p->workers[0].room.weight, p->size);
}

/* Cuts a batch into parts, and says how many threads are worth while, of which the parts know nothing. */
static void plan(Problem *p)
{
    p->batch = p->step == 0 ? MOST_PARTS * LEAST_ROWS : smaller(p->batch, p->n);
    p->parts = 1;
    while (p->parts < MOST_PARTS && 2 * p->parts * LEAST_ROWS <= p->batch) {
        p->parts *= 2;
    }
    p->rows = (p->batch + p->parts - 1) / p->parts;
    int most = p->batch * p->q * p->width < WORTHWHILE ? 1 : p->threads, threads = 1;
    while (2 * threads <= most && 2 * threads <= p->parts) {
        threads *= 2;
    }
    p->threads = threads;
    p->size = (size_t)(p->q * p->width) * p->real;
}

static int run(Problem *p)
{
    plan(p);
    size_t rows = p->rows + BEYOND, x = rows * p->width * p->real, outputs = rows * p->stride * p->real;
    size_t gradients = p->step == 0 ? 0 : p->parts * p->size, each = p->size + x + outputs + 2 * gradients + LINE;
    char *room = calloc(p->threads, each);
    Worker workers[MOST_PARTS];
    if (room == NULL) {
        return -1;
    }
    for (int i = 0; i < p->threads; i++) {
        char *own = room + i * each, *after = own + p->size + x + outputs;
        workers[i] = (Worker){p, {own, own + p->size, own + p->size + x, NULL}, {NULL, NULL}, i, 0};
        for (int k = 0; gradients && k < 2; k++) {
            workers[i].gradients[k] = after + k * gradients;
        }
    }
    p->workers = workers;
    work_together(p);
    free(room);
    return 0;
}

enum { X, TARGETS, ORDER, WEIGHT, FACTORS, DECAY, BUFFERS };

/* Whether a buffer has numbers of one of some formats, with so many dimensions. */
static int has(const Py_buffer *b, const char *formats, int dimensions)
{
    return b->ndim == dimensions && b->format && b->format[0] && !b->format[1] && strchr(formats, b->format[0]);
}

static int has_length(const Py_buffer *b, char format, Py_ssize_t length)
{
    const char formats[] = {format, 0};
    return b->obj == NULL || (has(b, formats, 1) && b->shape[0] == length);
}

static int is_right(const Py_buffer *b)
{
    if (!has(&b[WEIGHT], "fd", 2) || !has(&b[X], b[WEIGHT].format[0] == 'f' ? "Bf" : "d", 2)) {
        return 0;
    }
    const char real = b[WEIGHT].format[0], reals[] = {real, 0};
    Py_ssize_t rows = b[X].shape[0], q = b[WEIGHT].shape[0], width = b[WEIGHT].shape[1];
    int are_labels = has(&b[TARGETS], "lq", 1) && b[TARGETS].itemsize == sizeof(int64_t);
    int are_numbers = has(&b[TARGETS], reals, 2) && b[TARGETS].shape[1] == q;
    return q > 0 && width > b[X].shape[1] && width % (LINE / 2) == 0 && (are_labels || are_numbers) &&
           b[TARGETS].shape[0] == rows && has(&b[ORDER], "lq", 1) && b[ORDER].itemsize == sizeof(int64_t) &&
           has_length(&b[FACTORS], real, rows) && has_length(&b[DECAY], real, width);
}

/* Whether rows to visit are there, and their labels have an output. */
static int are_within(const Problem *p, Py_ssize_t rows)
{
    for (Py_ssize_t i = 0; i < p->n; i++) {
        int64_t row = p->order[i];
        if (row < 0 || row >= rows || (p->labels && (p->labels[row] < 0 || p->labels[row] >= p->q))) {
            return 0;
        }
    }
    return 1;
}

static PyObject *found_from(const Py_buffer *b, double one, double step, Py_ssize_t batch, int threads)
{
    int fine = is_right(b) && batch > 0;
    Score scores[MOST_PARTS] = {{0}};
    Problem p = {0};
    if (fine) {
        p = (Problem){.n = b[ORDER].shape[0], .d = b[X].shape[1], .q = b[WEIGHT].shape[0], .width = b[WEIGHT].shape[1]};
        p.batch = batch, p.one = one, p.step = step, p.threads = threads;
        p.x = b[X].buf, p.order = b[ORDER].buf, p.weight = b[WEIGHT].buf, p.scores = scores;
        p.factors = b[FACTORS].obj ? b[FACTORS].buf : NULL, p.decay = b[DECAY].obj ? b[DECAY].buf : NULL;
        p.labels = b[TARGETS].ndim == 1 ? b[TARGETS].buf : NULL, p.numbers = b[TARGETS].buf;
        p.real = b[WEIGHT].itemsize, p.stride = (p.q + LINE / 4 - 1) / (LINE / 4) * (LINE / 4);
        choose(&p, b[X].format[0], b[WEIGHT].format[0]);
        fine = are_within(&p, b[X].shape[0]);
    }
    if (!fine) {
        PyErr_SetString(PyExc_ValueError, "an argument is not of the type and shape, or in the range, that it must be");
        return NULL;
    }
    int failed = 0;
    if (p.n) {
        Py_BEGIN_ALLOW_THREADS
        failed = run(&p);
        Py_END_ALLOW_THREADS
    }
    double loss = 0;
    long long right = 0;
    for (int k = 0; k < MOST_PARTS; k++) {
        loss += scores[k].loss;
        right += scores[k].right;
    }
    return failed ? PyErr_NoMemory() : Py_BuildValue("dL", loss, right);
}

static PyObject *sgd_pass(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *given[BUFFERS], *found = NULL;
    double one, step;
    Py_ssize_t batch;
    int threads, fine = 1;
    if (!PyArg_ParseTuple(args, "OOOOOOddni", &given[X], &given[TARGETS], &given[ORDER], &given[WEIGHT], &given[FACTORS],
                          &given[DECAY], &one, &step, &batch, &threads)) {
        return NULL;
    }
    Py_buffer buffers[BUFFERS] = {{0}};
    for (int i = 0; fine && i < BUFFERS; i++) {
        int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (i == WEIGHT ? PyBUF_WRITABLE : 0);
        int may_lack = i == FACTORS || i == DECAY;
        fine = (may_lack && given[i] == Py_None) || PyObject_GetBuffer(given[i], &buffers[i], flags) == 0;
    }
    if (fine) {
        found = found_from(buffers, one, step, batch, threads);
    }
    for (int i = 0; i < BUFFERS; i++) {
        PyBuffer_Release(&buffers[i]); /* of one that was never filled it does nothing */
    }
    return found;
}

/* Swaps each number but the last with one further on; returns whether there is one. */
static int swap(int64_t *order, const int64_t *jumps, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i + 1 < n; i++) {
        if (jumps[i] < 0 || jumps[i] >= n - i) {
            return 0;
        }
        int64_t other = order[i + jumps[i]];
        order[i + jumps[i]] = order[i];
        order[i] = other;
    }
    return 1;
}

static PyObject *shuffle(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_buffer order, jumps;
    if (!PyArg_ParseTuple(args, "w*y*", &order, &jumps)) {
        return NULL;
    }
    Py_ssize_t n = order.len / (Py_ssize_t)sizeof(int64_t);
    int fine = n > 0 && order.len % sizeof(int64_t) == 0 && jumps.len == (n - 1) * (Py_ssize_t)sizeof(int64_t) &&
               swap(order.buf, jumps.buf, n);
    PyBuffer_Release(&order);
    PyBuffer_Release(&jumps);
    if (!fine) {
        PyErr_SetString(PyExc_ValueError, "jumps must lead from each number but the last to one of the order");
        return NULL;
    }
    return Py_NewRef(Py_None);
}

static PyMethodDef methods[] = {
    {"shuffle", shuffle, METH_VARARGS, "See plain_sgd.py."},
    {"sgd_pass", sgd_pass, METH_VARARGS, "See plain_sgd.py."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "compiled_sgd", "A pass of minibatch SGD.", 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_compiled_sgd(void) { return PyModuleDef_Init(&definition); }
