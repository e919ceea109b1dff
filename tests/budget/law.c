// SPDX-License-Identifier: MIT
/* law.c: what a controller's own law gets of a line: formulas, and the law played in whole round trips.
 *
 * The formulas are of a flow that goes on for ever:
 *
 *     reno     sqrt(3 / 2p) segments a round trip (Mathis et al. 1997)
 *     cubic    the larger of Reno's and RFC 9438's average window, 1.054 (RTT^3 / p^3)^(1/4)
 *     bbr      p up to 2 %: the rate, less what its own rules take. Each round that loses something bounds the next one
 * by what it delivered, until the next probe, n = min(BDP in segments, 63, 2.5 s / RTT) rounds after the last: on
 * average (1 - (1 - p)^n) / np of the rate. And every 5 s it looks for a shorter path: half a round trip of silence,
 * then half of the window for as long as 200 ms or a round trip. p above 2 %: a probe succeeds if it loses no more than
 * 2 %, which for less than 50 segments is nothing, so with (1 - p)^n. Smaller windows grow and larger ones shrink,
 * until half of the probes succeed: ln 2 / p segments. It comes down there slowly; a transfer of 60 rounds gets more.
 *     all      the rate less p, and 2^30 bytes a round trip
 *
 * A transfer doesn't go on for ever. It begins with ten segments and a slow start; one that ends in an overflow leaves
 * a window that is found in two steps, as the first one is taken from a window that was half in vain. Repairs take a
 * round, in which the window doesn't grow. Losses that chance makes come in clusters, which costs less than regular
 * ones would, and a window that is small can't shrink below two segments nor use more than the line. On a short buffer
 * Reno's window falls below the product and comes back by a segment a round trip. What was lost at last takes a round
 * more. All that is arithmetic too, but not a formula: so the law is played, round by round, with dice of its own. The
 * stack knows nothing of this code and it knows nothing of the stack: that they agree is what the table shows.
 *
 * Not here:    the stack (lab.c), the cells (controllers.c). */
#include "law.h"

#include <string.h>

enum { WIRE = 1500 };

struct law {
    const struct lab_options *line;
    double rtt, rate, product, room; /* seconds; segments a second; segments on the way, and with a full buffer */
    double w, w_max, alpha, since;   /* cubic: seconds since the last reduction; dctcp: alpha */
    double before;                   /* dctcp: w a round ago */
    bool slow, repair;
    uint64_t random;
};

static double least(double a, double b)
{
    return a < b ? a : b;
}

static double most(double a, double b)
{
    return a > b ? a : b;
}

static double root(double x)
{
    double y = x > 1 ? x : 1;
    for (int i = 0; i < 200; i++)
        y = (y + x / y) / 2;
    return y;
}

static double cube_root(double x)
{
    double y = x > 1 ? x : 1;
    for (int i = 0; x > 0 && i < 200; i++)
        y = (2 * y + x / (y * y)) / 3;
    return x > 0 ? y : 0;
}

static double power(double x, unsigned n)
{
    double y = 1;
    while (n-- > 0)
        y *= x;
    return y;
}

static bool is(const struct lab_options *line, const char *name)
{
    return strcmp(line->controller, name) == 0;
}

/* ---- formulas ---- */

/* The share of the rate that BBR's own rules leave. */
static double bbr_share(double p, double rtt, double product)
{
    double n = most(least(least(product, 63), 2.5 / rtt), 1);
    double rounds = p > 0 ? (1 - power(1 - p, (unsigned)n)) / (p * (double)(unsigned)n) : 1;
    double pause = most(0.2, rtt);
    return rounds * (1 - (rtt / 2 + pause / 2) / (5 + rtt / 2 + pause));
}

double law_bound(const struct lab_options *line)
{
    double rtt = (double)line->rtt_ns / 1e9, p = line->loss_ppm / 1e6;
    double rate = (double)line->rate_bps / 8 / WIRE, window = (double)(1 << 30) / LAB_MSS;
    double reno = p > 0 ? root(1.5 / p) : window, cubic = p > 0 ? 1.054 * root(root(power(rtt / p, 3))) : window;
    if (is(line, "reno"))
        window = least(window, reno);
    else if (is(line, "cubic"))
        window = least(window, most(cubic, reno));
    else if (is(line, "bbr") && p > 0.02)
        window = least(window, 0.693 / p);
    else if (is(line, "bbr"))
        rate *= bbr_share(p, rtt, rate * rtt);
    return least(rate * (1 - p), window / rtt) * LAB_MSS;
}

/* ---- the law, in rounds ---- */

static bool law_loses(struct law *law)
{
    law->random ^= law->random << 13;
    law->random ^= law->random >> 7;
    law->random ^= law->random << 17;
    return ((law->random * 0x2545f4914f6cdd1du) >> 33) % 1000000 < law->line->loss_ppm;
}

static uint32_t law_losses(struct law *law, double sent)
{
    uint32_t lost = 0;
    for (double i = 0; law->line->loss_ppm != 0 && i < sent; i++)
        lost += law_loses(law);
    return lost;
}

static void law_reduce(struct law *law, bool overflow)
{
    const struct lab_options *line = law->line;
    double w = overflow ? least(law->w, law->room) : law->w;
    law->w_max = w;
    law->since = 0;
    if (is(line, "cubic"))
        w *= law->slow && overflow ? 0.7 * 0.7 : 0.7;
    else
        w *= 0.5;
    law->w = most(w, 2);
    law->slow = false;
    law->repair = true;
}

static void law_grow_cubic(struct law *law, double seconds)
{
    double k = cube_root(0.3 * law->w_max / 0.4), t = law->since + seconds - k;
    double curve = 0.4 * t * t * t + law->w_max, friendly = law->w + (law->w < law->w_max ? 9.0 / 17 : 1);
    law->w = most(law->w, most(least(curve, 1.5 * law->w), friendly));
}

/* After a round that took so long and lost nothing. */
static void law_grow(struct law *law, double seconds)
{
    const struct lab_options *line = law->line;
    double queued = (law->w - law->product) / law->rate, rise = least(most(law->rtt / 8, 0.004), 0.016);
    /* The window comes down over a round, whose beginning is still marked. */
    double high = most(law->w, law->before) - law->product;
    double marked = line->mark_bytes != 0 && high > (double)line->mark_bytes / WIRE ? 1 : 0;
    law->before = law->w;
    if (line->mark_bytes != 0)
        law->alpha += (marked - law->alpha) / 16;
    if (marked > 0) { /* RFC 8257 3.3 */
        law->w *= 1 - law->alpha / 2;
        law->slow = false;
    } else if (law->repair) {
        law->repair = false;
    } else if (law->slow && is(line, "cubic") && queued >= rise) { /* HyStart++ */
        law->slow = false;
        law->w_max = law->w;
    } else if (law->slow) {
        law->w *= 2;
    } else if (is(line, "cubic")) {
        law_grow_cubic(law, seconds);
    } else {
        law->w += 1;
    }
    law->since += seconds;
    law->w = least(law->w, (double)(1 << 30) / LAB_MSS);
}

/* BBR: a slow start, then the rate. STARTUP is paced at 4 ln 2 times what the round before delivered, the least that
 * lets a round be twice the one before, so a round leaves over 2 / (4 ln 2) of a round trip. */
static double law_at_rate(const struct law *law, double bytes)
{
    double window = 10 * LAB_MSS, seconds = law->rtt / 2, bound = law_bound(law->line), sent = 0;
    for (; window / law->rtt < bound; window *= 2, seconds += law->rtt) {
        if (sent + window >= bytes)
            return seconds + (bytes - sent) / window * 0.7213 * law->rtt;
        sent += window;
    }
    return seconds + (bytes - sent) / bound;
}

/* The rounds in which the last losses are repaired. */
static double law_tail(struct law *law, double lost)
{
    double seconds = 0;
    for (; lost > 0; lost = law_losses(law, lost))
        seconds += law->rtt;
    return seconds;
}

double law_seconds(const struct lab_options *line)
{
    double rtt = (double)line->rtt_ns / 1e9, rate = (double)line->rate_bps / 8 / WIRE;
    struct law law = {.line = line, .rtt = rtt, .rate = rate, .product = rate * rtt, .w = 10, .alpha = 1, .slow = true};
    double seconds = rtt / 2, left = (double)line->bytes / LAB_MSS;
    law.room = law.product + (double)line->queue_bytes / WIRE;
    law.random = (line->seed + 1) * 0x9e3779b97f4a7c15u;
    if (is(line, "bbr")) {
        double in_flight = least(law_bound(line) / LAB_MSS * rtt, left);
        return law_at_rate(&law, (double)line->bytes) + law_tail(&law, law_losses(&law, in_flight));
    }
    for (;;) {
        double arrives = least(law.w, law.room), one = most(rtt, arrives / rate);
        /* What is sent in a round of repair before the loss shows, its first half, belongs to the same episode. */
        double early = law_losses(&law, arrives / 2), late = law_losses(&law, arrives / 2), lost = early + late;
        if (left <= arrives - lost)
            return seconds + left / arrives * (law.slow ? arrives / rate : one) + law_tail(&law, lost);
        left -= arrives - lost;
        seconds += one;
        bool overflow = law.w > law.room;
        if (law.repair ? late > 0 : overflow || lost > 0)
            law_reduce(&law, overflow);
        else
            law_grow(&law, one);
    }
}
