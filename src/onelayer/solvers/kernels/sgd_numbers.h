/* The parts of a step for each type of numbers that rows and weights may have, for one kind of processor. */
#define REAL float
#define EXP exp_of_float
#define STORED uint8_t
#define NAMED(name) JOIN(name, JOIN(bytes, KIND))
#include "sgd_steps.h"
#undef STORED

#define MAKES_STEPS
#define STORED float
#define NAMED(name) JOIN(name, JOIN(floats, KIND))
#include "sgd_steps.h"
#undef STORED
#undef REAL
#undef EXP

#define REAL double
#define EXP exp
#define STORED double
#define NAMED(name) JOIN(name, JOIN(doubles, KIND))
#include "sgd_steps.h"
#undef STORED
#undef REAL
#undef EXP

static void JOIN(choose, KIND)(Problem *p, char stored, char real)
{
    int is_float = real == 'f';
    p->do_part = !is_float       ? JOIN(do_part, JOIN(doubles, KIND))
                 : stored == 'B' ? JOIN(do_part, JOIN(bytes, KIND))
                                 : JOIN(do_part, JOIN(floats, KIND));
    p->add = is_float ? JOIN(add, JOIN(floats, KIND)) : JOIN(add, JOIN(doubles, KIND));
    p->move = is_float ? JOIN(move, JOIN(floats, KIND)) : JOIN(move, JOIN(doubles, KIND));
}

#undef MAKES_STEPS
#undef KIND
#undef BYTES
#undef TARGET
