/* Sweeps over all coordinates, or groups of them, and between them over those in use, until all of them gain little.
 *
 * The file that includes it has a Problem, a step in one of its coordinates or groups, which returns twice what it gains,
 * and says whether one is in use: of ``count`` in all.
 */
#define SETTLED 0.01

static double step(Problem *p, Py_ssize_t j);
static int is_in(const Problem *p, Py_ssize_t j);

static int sweep_until_settled(Problem *p, Py_ssize_t count, double tol, int max_sweeps)
{
    int sweeps = 0;
    while (sweeps < max_sweeps) {
        double gained = 0;
        sweeps++;
        for (Py_ssize_t j = 0; j < count; j++) {
            gained += step(p, j);
        }
        if (gained <= 2 * tol) {
            break;
        }
        double settled = fmax(2 * tol, SETTLED * gained);
        while (sweeps < max_sweeps) {
            gained = 0;
            sweeps++;
            for (Py_ssize_t j = 0; j < count; j++) {
                if (is_in(p, j)) {
                    gained += step(p, j);
                }
            }
            if (gained <= settled) {
                break;
            }
        }
    }
    return sweeps;
}
