/* Cells of plain text without quotes: where they are, and what they are as numbers. text_rows.py says what it is for.

A number w 10^q, w below 10^19, is rounded once. Of 5^q there are 128 bits, so the product w 5^q is known but for less
than one part in 2^126: its first 53 bits are right unless the bits after them are as near to one half, and then the cell
is left to others. (D. Lemire, Number parsing at a gigabyte per second, Software: Practice and Experience 51, 2021.)
*/
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <string.h>

#if !defined(__SIZEOF_INT128__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "takes integers of 128 bits, least bytes first; without it DuckDB reads the cells"
#endif

typedef unsigned __int128 Wide;

enum { TEXT, NUMBER, DECIMAL, WHOLE }; /* how cells of a column are written: Form in text_rows.py, whose KNOWN is as NUMBER here */
enum { MOST_DIGITS = 19, EXACT = 55 }; /* digits that fit into 64 bits; powers of 5 that fit into 128 */
#define LARGEST_INTEGER ((uint64_t)1 << 53)

typedef struct {
    const char *text;
    Py_ssize_t length, columns, rows; /* the text ends with a line feed; there is room for so many rows */
    const uint64_t (*powers)[3];      /* of 5: the first and the next 64 bits, and by which power of 2 they count */
    int lowest, highest;              /* of these */
    uint8_t *kinds;                   /* (columns,) */
    int32_t *starts;                  /* (rows, columns + 1): where cells begin; the next cell begins one byte after the end */
    double *values;                   /* (columns, rows), NaN for an empty cell */
    char ends_cell[256];
} Rows;

/* Sets w 10^q, w > 0, to the nearest float64, the even one of two; returns 0 if it cannot tell, or there is none. */
static int to_double(const Rows *t, uint64_t w, int q, double *value)
{
    if (q < t->lowest || q > t->highest) {
        return 0;
    }
    const uint64_t *power = t->powers[q - t->lowest];
    int left = __builtin_clzll(w);
    w <<= left;
    Wide low = (Wide)w * power[1], top = (Wide)w * power[0] + (low >> 64);
    int is_short = !(top >> 127);
    top = top << is_short | ((uint64_t)low >> 63 & is_short); /* what follows, and is not known, is less than 3 more */
    uint64_t mantissa = (uint64_t)(top >> 75);
    Wide half = (Wide)1 << 74, rest = top & (2 * half - 1);
    mantissa += rest > half;
    if (half - rest <= 2) {
        if (q < 0 || q > EXACT) {
            return 0;
        }
        mantissa += rest == half && ((uint64_t)low << is_short || mantissa & 1);
    }
    int exponent = 75 + 64 - is_short - left + q + (int)(int64_t)power[2];
    if (exponent < -1022 - 52 || exponent > 1022 - 52) {
        return 0;
    }
    uint64_t bits = ((uint64_t)(exponent + 52 + 1023) << 52) + (mantissa - ((uint64_t)1 << 52));
    memcpy(value, &bits, sizeof bits);
    return 1;
}

/* The number of 8 digits, the first one in the lowest byte: pairs are joined, then pairs of these, then the two halves. */
static uint64_t joined(uint64_t eight)
{
    eight = eight * 10 + (eight >> 8);
    eight = (eight & 0x000000FF000000FF) * (100 + ((uint64_t)1000000 << 32)) +
            ((eight >> 16) & 0x000000FF000000FF) * (1 + ((uint64_t)10000 << 32));
    return eight >> 32;
}

/* Loads 8 bytes, of which those before the first one that is not a digit become numbers; returns how many these are. */
static int load_digits(const char *p, uint64_t *eight)
{
    memcpy(eight, p, 8);
    *eight ^= 0x3030303030303030; /* a digit is less than 10 now, and any other byte is not */
    uint64_t others = (*eight | (*eight + 0x7676767676767676)) & 0x8080808080808080;
    return others ? __builtin_ctzll(others) >> 3 : 8;
}

/* Appends n digits of 8 to w. */
static uint64_t appended(uint64_t w, uint64_t eight, int n)
{
    static const uint64_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    return w * tens[n] + joined(eight << 4 * (8 - n) << 4 * (8 - n));
}

/* Appends the digits at p to w, and returns where they end. 16 are looked at together: 8 do not wait for the others. */
static inline const char *digits(const char *p, const char *end, uint64_t *w)
{
    while (end - p >= 16) {
        uint64_t first, second;
        int n = load_digits(p, &first), more = load_digits(p + 8, &second);
        if (n < 8) {
            *w = appended(*w, first, n);
            return p + n;
        }
        *w = appended(*w * 100000000 + joined(first), second, more);
        p += 8 + more;
        if (more < 8) {
            return p;
        }
    }
    while ((unsigned char)(*p - '0') < 10) {
        *w = *w * 10 + (uint64_t)(*p++ - '0');
    }
    return p;
}

static int has_too_many_digits(const char *first, const char *last)
{
    while (first < last && (*first == '0' || *first == '.')) {
        first++;
    }
    return last - first - (memchr(first, '.', (size_t)(last - first)) != NULL) > MOST_DIGITS;
}

/* Reads a cell that is a number of a kind; returns where the number ends, or NULL if there is none. */
static const char *number(const Rows *t, const char *p, int kind, double *value)
{
    const char *end = t->text + t->length;
    int is_negative = *p == '-', q = 0;
    uint64_t w = 0;
    p += is_negative;
    const char *first = p, *last = digits(p, end, &w);
    Py_ssize_t n = last - first;
    if (kind == WHOLE) {
        *value = is_negative ? -(double)w : (double)w;
        int has_zeros = *first == '0' && (n > 1 || is_negative); /* 01 is a code, and -0 another string than 0 */
        return n && n <= MOST_DIGITS && w <= LARGEST_INTEGER && !has_zeros ? last : NULL;
    }
    if (*last == '.') {
        p = last + 1;
        last = digits(p, end, &w);
        q = (int)(p - last);
        n -= q;
    }
    int is_bare = *first == '.' || last[-1] == '.'; /* as .5 and 5. are */
    if (!n || (n > MOST_DIGITS && has_too_many_digits(first, last)) || (kind == DECIMAL && is_bare)) {
        return NULL;
    }
    p = last;
    if (kind != DECIMAL && (*p | 0x20) == 'e') {
        p++;
        int is_small = *p == '-';
        p += is_small || *p == '+';
        uint64_t power = 0;
        last = digits(p, end, &power);
        if (last == p || last - p > 4) {
            return NULL;
        }
        q += is_small ? -(int)power : (int)power;
    }
    *value = 0;
    if (w && !to_double(t, w, q, value)) {
        return NULL;
    }
    *value = is_negative ? -*value : *value;
    return last;
}

static int ends_line(const char *p) { return *p == '\n' || (*p == '\r' && p[1] == '\n'); }

/* Reads row i at p; returns where the next one begins, or NULL if it has not as many plain cells as there are columns. */
static const char *row(Rows *t, const char *p, Py_ssize_t i)
{
    int32_t *starts = t->starts + i * (t->columns + 1);
    for (Py_ssize_t j = 0; j < t->columns; j++) {
        double *value = t->values + j * t->rows + i;
        const char *start = p, *last = NULL;
        starts[j] = (int32_t)(p - t->text);
        if (t->ends_cell[(unsigned char)*p]) {
            *value = Py_HUGE_VAL - Py_HUGE_VAL;
        } else {
            if (t->kinds[j] != TEXT) {
                last = number(t, p, t->kinds[j], value);
                if (!last || !t->ends_cell[(unsigned char)*last]) {
                    t->kinds[j] = TEXT;
                    last = NULL;
                }
            }
            for (p = last ? last : start; !t->ends_cell[(unsigned char)*p]; p++) {
            }
        }
        if (j < t->columns - 1 ? *p == '"' || *p == '\r' || *p == '\n' : !ends_line(p)) {
            return NULL;
        }
        p++;
    }
    starts[t->columns] = (int32_t)(p - t->text);
    return p + (p[-1] == '\r');
}

/* Reads rows, and returns how many; ``used`` is where the first one begins that is not plain, or the length. */
static Py_ssize_t read_rows(Rows *t, Py_ssize_t *used)
{
    const char *p = t->text, *end = t->text + t->length;
    Py_ssize_t n = 0;
    while (p < end) {
        if (ends_line(p)) {
            p += 1 + (*p == '\r');
            continue;
        }
        const char *next = n < t->rows ? row(t, p, n) : NULL;
        if (!next) {
            break;
        }
        p = next;
        n++;
    }
    *used = p - t->text;
    return n;
}

enum { CELLS_TEXT, POWERS, KINDS, STARTS, VALUES, BUFFERS };

static int is_of(const Py_buffer *b, const char *format, int ndim)
{
    return b->ndim == ndim && b->format && strcmp(b->format, format) == 0;
}

static int is_right(const Py_buffer *b)
{
    Py_ssize_t length = b[CELLS_TEXT].len;
    if (length && (length > INT32_MAX || ((const char *)b[CELLS_TEXT].buf)[length - 1] != '\n')) {
        return 0;
    }
    if (!is_of(&b[POWERS], "L", 2) || !is_of(&b[KINDS], "B", 1) || !is_of(&b[STARTS], "i", 2) || !is_of(&b[VALUES], "d", 2)) {
        return 0;
    }
    Py_ssize_t columns = b[KINDS].shape[0], rows = b[STARTS].shape[0];
    return columns > 0 && b[POWERS].shape[1] == 3 && b[POWERS].itemsize == 8 && b[STARTS].shape[1] == columns + 1 &&
           b[VALUES].shape[0] == columns && b[VALUES].shape[1] == rows;
}

static PyObject *read_cells(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *given[BUFFERS], *found = NULL;
    int separator, lowest;
    if (!PyArg_ParseTuple(args, "OiOiOOO", &given[CELLS_TEXT], &separator, &given[POWERS], &lowest, &given[KINDS],
                          &given[STARTS], &given[VALUES])) {
        return NULL;
    }
    Py_buffer b[BUFFERS] = {{0}};
    int fine = 1;
    for (int i = 0; fine && i < BUFFERS; i++) {
        int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (i >= KINDS ? PyBUF_WRITABLE : 0);
        fine = PyObject_GetBuffer(given[i], &b[i], flags) == 0;
    }
    if (fine && is_right(b)) {
        Rows t = {b[CELLS_TEXT].buf, b[CELLS_TEXT].len, b[KINDS].shape[0], b[STARTS].shape[0], b[POWERS].buf, lowest,
                  lowest + (int)b[POWERS].shape[0] - 1, b[KINDS].buf, b[STARTS].buf, b[VALUES].buf, {0}};
        t.ends_cell['\n'] = t.ends_cell['\r'] = t.ends_cell['"'] = t.ends_cell[separator & 255] = 1;
        Py_ssize_t n, used;
        Py_BEGIN_ALLOW_THREADS
        n = read_rows(&t, &used);
        Py_END_ALLOW_THREADS
        found = Py_BuildValue("nn", n, used);
    } else if (fine) {
        PyErr_SetString(PyExc_ValueError, "an argument is not of the type and shape that it must be");
    }
    for (int i = 0; i < BUFFERS; i++) {
        PyBuffer_Release(&b[i]); /* of one that was never filled it does nothing */
    }
    return found;
}

enum { WHOLE_TEXT, ALL_STARTS, OFFSETS, JOINED, STRINGS };

/* Copies the cells of a column, one after another; returns 0 if they are not where starts and offsets say. */
static int copy_cells(const Py_buffer *b, Py_ssize_t column)
{
    Py_ssize_t n = b[OFFSETS].shape[0] - 1, width = b[ALL_STARTS].shape[1];
    const int32_t *starts = (const int32_t *)b[ALL_STARTS].buf + column;
    const int64_t *offsets = b[OFFSETS].buf;
    for (Py_ssize_t i = 0; i < n; i++) {
        int64_t from = starts[i * width], size = offsets[i + 1] - offsets[i];
        if (from < 0 || size < 0 || offsets[i] < 0 || from + size > b[WHOLE_TEXT].len || offsets[i + 1] > b[JOINED].len) {
            return 0;
        }
        memcpy((char *)b[JOINED].buf + offsets[i], (const char *)b[WHOLE_TEXT].buf + from, (size_t)size);
    }
    return 1;
}

static PyObject *join_cells(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *given[STRINGS], *found = NULL;
    Py_ssize_t column;
    if (!PyArg_ParseTuple(args, "OOnOO", &given[WHOLE_TEXT], &given[ALL_STARTS], &column, &given[OFFSETS], &given[JOINED])) {
        return NULL;
    }
    Py_buffer b[STRINGS] = {{0}};
    int fine = 1;
    for (int i = 0; fine && i < STRINGS; i++) {
        int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (i == JOINED ? PyBUF_WRITABLE : 0);
        fine = PyObject_GetBuffer(given[i], &b[i], flags) == 0;
    }
    int is_whole = 0;
    if (fine && is_of(&b[ALL_STARTS], "i", 2) && is_of(&b[OFFSETS], "l", 1) && b[OFFSETS].itemsize == 8 &&
        b[OFFSETS].shape[0] > 0 && b[OFFSETS].shape[0] - 1 <= b[ALL_STARTS].shape[0] && column >= 0 &&
        column < b[ALL_STARTS].shape[1]) {
        Py_BEGIN_ALLOW_THREADS
        is_whole = copy_cells(b, column);
        Py_END_ALLOW_THREADS
    }
    if (is_whole) {
        found = Py_NewRef(Py_None);
    } else if (fine) {
        PyErr_SetString(PyExc_ValueError, "an argument is not of the type and shape that it must be");
    }
    for (int i = 0; i < STRINGS; i++) {
        PyBuffer_Release(&b[i]);
    }
    return found;
}

static PyObject *count_lines(PyObject *Py_UNUSED(module), PyObject *given)
{
    Py_buffer b;
    if (PyObject_GetBuffer(given, &b, PyBUF_SIMPLE)) {
        return NULL;
    }
    Py_ssize_t n = 0;
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t i = 0; i < b.len; i++) {
        n += ((const char *)b.buf)[i] == '\n';
    }
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&b);
    return PyLong_FromSsize_t(n);
}

static PyMethodDef methods[] = {
    {"count_lines", count_lines, METH_O, "See text_rows.py."},
    {"read_cells", read_cells, METH_VARARGS, "See text_rows.py."},
    {"join_cells", join_cells, METH_VARARGS, "See text_rows.py."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "compiled_cells", "Cells of plain text.", 0, methods, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_compiled_cells(void) { return PyModuleDef_Init(&definition); }
