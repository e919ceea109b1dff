// SPDX-License-Identifier: MIT
/* extremum.c: a windowed minimum or maximum without the window's samples, after an idea of Kathleen Nichols.
 *
 * The exact answer would need every sample of the window. It is nearly as good to keep three: the best of the window,
 * the best of what came after that one, and the best of what came after that. When the best grows too old, the next is
 * ready. So that there is a next one, a sample of the second quarter of the window, and one of its second half, are
 * taken even if they are bad. Each sample costs a few comparisons; a better one than all clears the three at once.
 *
 *     value |      0
 *           |  .  . .   1        2
 *           |  ... .  .. .  .. .
 *           +---------------------- at
 *
 * Owns:        struct extremum.
 * Invariants:  best[] ascends in `at` and doesn't improve: best[0] is at least as good as best[1], that as best[2].
 *              The answer is a sample of the window, and a new best is the answer at once. After several went out
 *              of the window in a short time it may for a while be worse than the window's true best, never better.
 * Not here:    what is sampled (delivery rates, round-trip times).
 */
#include "base/extremum.h"

#include "base/assert.h"

static bool extremum_as_good(bool minimum, uint64_t a, uint64_t b)
{
    return minimum ? a <= b : a >= b;
}

static void extremum_fill(struct extremum *extremum, int from, struct extremum_sample sample)
{
    for (int i = from; i < 3; i++)
        extremum->best[i] = sample;
}

/* Lets go what left the window, and sees that the second and third choice come from later parts of it than the first.
 */
static void extremum_age(struct extremum *extremum, int64_t window, struct extremum_sample sample)
{
    struct extremum_sample *best = extremum->best;
    int64_t age = sample.at - best[0].at;

    if (age > window) {
        best[0] = best[1];
        best[1] = best[2];
        best[2] = sample;
        if (sample.at - best[0].at > window) {
            best[0] = best[1];
            best[1] = best[2];
        }
    } else if (best[1].at == best[0].at && age > window / 4) {
        extremum_fill(extremum, 1, sample);
    } else if (best[2].at == best[1].at && age > window / 2) {
        extremum_fill(extremum, 2, sample);
    }
}

static uint64_t extremum_update(struct extremum *extremum, bool minimum, int64_t window, struct extremum_sample sample)
{
    struct extremum_sample *best = extremum->best;

    ASSERT(!extremum->started || sample.at >= best[2].at);
    if (!extremum->started || extremum_as_good(minimum, sample.value, best[0].value) ||
        sample.at - best[2].at > window) {
        extremum->started = true;
        extremum_fill(extremum, 0, sample);
        return sample.value;
    }
    if (extremum_as_good(minimum, sample.value, best[1].value))
        extremum_fill(extremum, 1, sample);
    else if (extremum_as_good(minimum, sample.value, best[2].value))
        extremum_fill(extremum, 2, sample);
    extremum_age(extremum, window, sample);
    return best[0].value;
}

void tcpip__extremum_init(struct extremum *extremum)
{
    *extremum = (struct extremum){.started = false};
}

uint64_t tcpip__extremum_min(struct extremum *extremum, int64_t at, int64_t window, uint64_t value)
{
    return extremum_update(extremum, true, window, (struct extremum_sample){value, at});
}

uint64_t tcpip__extremum_max(struct extremum *extremum, int64_t at, int64_t window, uint64_t value)
{
    return extremum_update(extremum, false, window, (struct extremum_sample){value, at});
}
