/* What is done with a panel of rows, for one kind of processor: compiled_softmax.c includes it for each. */
#define REAL float
#define EXP exp_of_float
#define NAMED(name) JOIN(name, JOIN(floats, KIND))
#include "softmax_rows.h"
#undef NAMED
#undef REAL
#undef EXP

#define REAL double
#define EXP exp
#define NAMED(name) JOIN(name, JOIN(doubles, KIND))
#include "softmax_rows.h"
#undef NAMED
#undef REAL
#undef EXP

static void JOIN(choose, KIND)(Problem *p, char stored, char real)
{
    if (real == 'f') {
        p->do_panel = stored == 'B'   ? JOIN(of_bytes, JOIN(floats, KIND))
                      : stored == 'f' ? JOIN(of_floats, JOIN(floats, KIND))
                                      : JOIN(of_doubles, JOIN(floats, KIND));
    } else {
        p->do_panel = stored == 'B'   ? JOIN(of_bytes, JOIN(doubles, KIND))
                      : stored == 'f' ? JOIN(of_floats, JOIN(doubles, KIND))
                                      : JOIN(of_doubles, JOIN(doubles, KIND));
    }
}

#undef KIND
#undef BYTES
#undef TARGET
