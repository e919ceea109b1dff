// SPDX-License-Identifier: MIT
/* controllers.c: what each congestion controller makes of a line, as a table, in virtual time.
 *
 *   controllers [--all] TABLE       runs the cells of the table (without --all, the cheap ones), in TAP
 *   controllers --write TABLE       runs all and writes it anew: the diff is what a change has done
 *   controllers --cell NAME [SEED]  one cell, in words; with one seed, and TEST_TRACE=1, event by event
 *
 * A cell is a controller on a line: rate, round trip, random loss or reordering, a buffer. It ends after 60 round
 * trips' worth, or a hundred losses if that is more, and after 50,000 segments at most. `got` is the time that an ideal
 * sender would have taken, in percent of the time that it took, the median of nine seeds where chance plays a part. The
 * ideal sender doubles its window from ten segments on, each round trip, until it has
 *
 *     min(the line's rate, 2^30 bytes a round trip, what the controller itself says it gets at this loss)
 *
 * reno: sqrt(3 / 2p) segments a round trip (Mathis et al.). cubic: the larger of Reno's and RFC 9438's average window,
 * 1.054 (RTT^3 / p^3)^(1/4). bbr: the rate, while losses are below its threshold of 2 %.
 *
 * A cell of several flows shares a line among flows of one controller; `got` is what all have of it in the second half
 * of 20 s, and `fair` is Jain's index of it in percent.
 *
 * The floors are what a table was written with, less a tenth: falling below one fails. Lower them only with a reason.
 */
#include "lab.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEEDS = 9,
    ROUNDS = 60,
    LOSSES = 100,
    SEGMENTS = 200000,
    WIRE = 1500,
    CHEAP_SEGMENTS = 5000,
    CHEAP_RATE = 10000000,
    CHEAP_PPM = 10000,
    NAME_MAX_ = 64
};

struct cell {
    char name[NAME_MAX_];
    struct lab_options line;
    double bound; /* bytes per second */
};

struct result {
    uint32_t got, fair; /* percent */
    uint64_t retransmits, timeouts;
};

/* ---- arithmetic, without libm ---- */

static double root(double x)
{
    double y = x > 1 ? x : 1;
    for (int i = 0; i < 200; i++)
        y = (y + x / y) / 2;
    return y;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* ---- cells ---- */

/* Segments in flight on average that the controller says it has at this loss. */
static double stated_window(const char *controller, double p, double rtt)
{
    double reno = root(1.5 / p), cubic = 1.054 * root(root(rtt * rtt * rtt / (p * p * p)));
    if (strcmp(controller, "cubic") == 0)
        return cubic > reno ? cubic : reno;
    return reno;
}

static double cell_bound(const struct lab_options *line)
{
    double rtt = (double)line->rtt_ns / 1e9;
    double bound = least((double)line->rate_bps / 8 * LAB_MSS / WIRE, (double)(1 << 30) / rtt);
    if (line->loss_ppm != 0 && strcmp(line->controller, "bbr") != 0)
        bound = least(bound, stated_window(line->controller, line->loss_ppm / 1e6, rtt) * LAB_MSS / rtt);
    if (line->loss_ppm != 0)
        bound = least(bound, (double)line->rate_bps / 8 * LAB_MSS / WIRE * (1 - line->loss_ppm / 1e6));
    return bound;
}

static double ideal_seconds(const struct cell *cell)
{
    double rtt = (double)cell->line.rtt_ns / 1e9, window = 10 * LAB_MSS, sent = 0, seconds = rtt / 2;
    double bytes = (double)cell->line.bytes;
    for (; window / rtt < cell->bound; window *= 2, seconds += rtt) {
        if (sent + window >= bytes)
            return seconds + (bytes - sent) / (double)cell->line.rate_bps * 8;
        sent += window;
    }
    return seconds + (bytes - sent) / cell->bound;
}

static void cell_finish(struct cell *cell)
{
    struct lab_options *line = &cell->line;
    double bdp = (double)line->rate_bps / 8 * (double)line->rtt_ns / 1e9;
    cell->bound = cell_bound(line);
    double bytes = ROUNDS * cell->bound * (double)line->rtt_ns / 1e9;
    double losses = line->loss_ppm != 0 ? 1e6 / line->loss_ppm * LOSSES * LAB_MSS : 0; /* that a formula can speak of */
    bytes = bytes < losses ? losses : bytes;
    bytes = least(bytes, (double)SEGMENTS * LAB_MSS);
    line->bytes = (uint64_t)(bytes < 20 * LAB_MSS ? 20 * LAB_MSS : bytes);
    double queue = bdp * line->queue_bytes / 100; /* it came in percent */
    line->queue_bytes = (uint32_t)least(queue < 20 * WIRE ? 20 * WIRE : queue, 2e9);
    if (line->flows > 1) {
        line->limit_ns = 20 * TCPIP_SECOND;
        line->bytes = UINT64_MAX / 2;
    }
}

static uint64_t unit(const char **text, const char *letters, const uint64_t *factors)
{
    char *end;
    double value = strtod(*text, &end);
    const char *letter = *end != 0 ? strchr(letters, *end) : NULL;
    uint64_t factor = letter != NULL ? factors[letter - letters] : 1;
    *text = end;
    return (uint64_t)(value * (double)factor + 0.5);
}

/* cubic/100M/10ms/loss1000/buffer100/flows1: ppm, percent of the product. False: it isn't one. */
static bool cell_parse(const char *name, struct cell *cell)
{
    static const char *const controllers[] = {"reno", "cubic", "bbr", "dctcp"};
    static const uint64_t rates[] = {1000000, 1000000000}, times[] = {TCPIP_MS, TCPIP_US};
    char controller[16], rate[16], rtt[16], kind[16];
    uint32_t ppm, buffer, flows;
    memset(cell, 0, sizeof(*cell));
    if (sscanf(name, "%15[^/]/%15[^/]/%15[^/]/%15[a-z]%" SCNu32 "/buffer%" SCNu32 "/flows%" SCNu32, controller, rate,
               rtt, kind, &ppm, &buffer, &flows) != 7)
        return false;
    snprintf(cell->name, sizeof(cell->name), "%s", name);
    for (size_t i = 0; i < sizeof(controllers) / sizeof(controllers[0]); i++)
        if (strcmp(controllers[i], controller) == 0)
            cell->line.controller = controllers[i];
    const char *text = rate;
    cell->line.rate_bps = unit(&text, "MG", rates);
    text = rtt;
    cell->line.rtt_ns = (tcpip_ns)unit(&text, "mu", times);
    cell->line.loss_ppm = strcmp(kind, "loss") == 0 ? ppm : 0;
    cell->line.reorder_ppm = strcmp(kind, "reorder") == 0 ? ppm : 0;
    cell->line.queue_bytes = buffer;
    cell->line.flows = flows;
    if (cell->line.controller == NULL || cell->line.rate_bps == 0 || cell->line.rtt_ns == 0 || flows == 0 ||
        flows > LAB_FLOWS_MAX)
        return false;
    cell_finish(cell);
    if (strcmp(controller, "dctcp") == 0)
        cell->line.mark_bytes = cell->line.queue_bytes / 5;
    return true;
}

/* ---- running ---- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* `only`: this seed alone; 0: as many as it takes. */
static struct result cell_run(const struct cell *cell, uint64_t only)
{
    double got[SEEDS], fair[SEEDS];
    struct lab_options line = cell->line;
    struct result result = {0};
    int seeds = line.flows == 1 && (line.loss_ppm != 0 || line.reorder_ppm != 0) ? SEEDS : 1;
    seeds = only != 0 ? 1 : seeds;
    for (int i = 0; i < seeds; i++) {
        struct lab_outcome outcome;
        line.seed = only != 0 ? only : (uint64_t)i + 1;
        lab_run(&line, &outcome);
        double sum = 0, squares = 0;
        for (uint32_t k = 0; k < line.flows; k++) {
            sum += (double)outcome.received[k];
            squares += (double)outcome.received[k] * (double)outcome.received[k];
        }
        fair[i] = squares > 0 ? 100 * sum * sum / squares / line.flows : 0;
        got[i] = line.flows > 1 ? 100 * sum / (cell->bound * (double)line.limit_ns / 2e9)
                                : 100 * ideal_seconds(cell) / ((double)outcome.took_ns / 1e9);
        result.retransmits += outcome.retransmits;
        result.timeouts += outcome.timeouts;
    }
    qsort(got, (size_t)seeds, sizeof(got[0]), by_size);
    result.got = (uint32_t)(got[seeds / 2] + 0.5);
    result.fair = (uint32_t)(fair[0] + 0.5);
    return result;
}

static void cell_say(const struct cell *cell, const struct result *result)
{
    printf("# %s: %.3f Mbit/s at most, %" PRIu64 " bytes, got %u %%, fair %u %%, %" PRIu64 " sent again, %" PRIu64
           " timeouts\n",
           cell->name, cell->bound * 8 / 1e6, cell->line.bytes, result->got, result->fair, result->retransmits,
           result->timeouts);
}

/* ---- the table ---- */

static bool cell_cheap(const struct cell *cell)
{
    const struct lab_options *line = &cell->line;
    if (line->flows > 1)
        return line->flows == 2;
    if (line->loss_ppm + line->reorder_ppm == 0)
        return line->bytes < (uint64_t)CHEAP_SEGMENTS * LAB_MSS;
    return line->rate_bps == CHEAP_RATE && line->loss_ppm + line->reorder_ppm == CHEAP_PPM;
}

static int table_check(const char *path, bool all)
{
    FILE *file = fopen(path, "r");
    char text[200], name[NAME_MAX_];
    int count = 0, failed = 0;
    if (file == NULL) {
        perror(path);
        return 1;
    }
    while (fgets(text, sizeof(text), file) != NULL) {
        uint32_t bound, got, floor, fair;
        struct cell cell;
        if (text[0] == '#' || sscanf(text, "%63s %u %u %u %u", name, &bound, &got, &floor, &fair) != 5)
            continue;
        if (!cell_parse(name, &cell)) {
            printf("not ok %d - %s isn't a cell\n", ++count, name);
            failed++;
            continue;
        }
        if (!all && !cell_cheap(&cell))
            continue;
        struct result result = cell_run(&cell, 0);
        bool good = result.got >= floor && result.fair + 5 >= fair;
        printf("%sok %d - %s: %u, at least %u\n", good ? "" : "not ", ++count, name, result.got, floor);
        if (!good) {
            cell_say(&cell, &result);
            printf("# repeat: controllers --cell %s\n", name);
        }
        failed += !good;
    }
    fclose(file);
    printf("1..%d\n", count);
    return failed != 0;
}

static void write_row(FILE *file, const char *name)
{
    struct cell cell;
    if (!cell_parse(name, &cell)) {
        fprintf(stderr, "%s isn't a cell\n", name);
        exit(1);
    }
    struct result result = cell_run(&cell, 0);
    fprintf(file, "%-44s %8.0f %6u %6u %6u %8" PRIu64 " %6" PRIu64 "\n", name, cell.bound * 8 / 1000, result.got,
            result.got * 9 / 10, result.fair, result.retransmits, result.timeouts);
    fflush(file);
}

static void table_write(const char *path)
{
    static const char *const controllers[] = {"reno", "cubic", "bbr"};
    static const char *const rates[] = {"1M", "10M", "100M", "1G", "10G", "100G"};
    static const char *const times[] = {"100us", "1ms", "10ms", "100ms", "600ms"};
    static const char *const kinds[] = {"loss0", "loss1000", "loss10000", "loss50000", "reorder10000"};
    FILE *file = fopen(path, "w");
    char name[NAME_MAX_];
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    fprintf(file,
            "# Written by controllers --write; see tests/budget/controllers.c for what the columns mean.\n"
            "# controller/rate/round trip/chance in ppm/buffer in %% of the product/flows\n"
            "# %-42s %8s %6s %6s %6s %8s %6s\n",
            "cell", "kbit/s", "got", "floor", "fair", "again", "RTOs");
    for (size_t c = 0; c < 3; c++)
        for (size_t r = 0; r < 6; r++)
            for (size_t t = 0; t < 5; t++)
                for (size_t k = 0; k < 5; k++) {
                    if (strcmp(controllers[c], "bbr") == 0 && k == 3)
                        continue; /* above its threshold it says nothing of what it gets */
                    snprintf(name, sizeof(name), "%s/%s/%s/%s/buffer100/flows1", controllers[c], rates[r], times[t],
                             kinds[k]);
                    write_row(file, name);
                    if (k == 0) {
                        snprintf(name, sizeof(name), "%s/%s/%s/loss0/buffer20/flows1", controllers[c], rates[r],
                                 times[t]);
                        write_row(file, name);
                    }
                }
    for (size_t t = 1; t < 4; t++) {
        snprintf(name, sizeof(name), "dctcp/1G/%s/loss0/buffer100/flows1", times[t]);
        write_row(file, name);
    }
    static const char *const sharing[] = {"reno", "cubic", "bbr", "dctcp"};
    for (size_t c = 0; c < 4; c++)
        for (uint32_t flows = 2; flows <= LAB_FLOWS_MAX; flows *= 2) {
            snprintf(name, sizeof(name), "%s/100M/20ms/loss0/buffer100/flows%u", sharing[c], flows);
            write_row(file, name);
        }
    fclose(file);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        table_write(argv[2]);
        return 0;
    }
    struct cell cell;
    if ((argc == 3 || argc == 4) && strcmp(argv[1], "--cell") == 0 && cell_parse(argv[2], &cell)) {
        struct result result = cell_run(&cell, argc == 4 ? strtoull(argv[3], NULL, 10) : 0);
        cell_say(&cell, &result);
        return 0;
    }
    bool all = argc == 3 && strcmp(argv[1], "--all") == 0;
    if (argc != 2 && !all) {
        fprintf(stderr, "usage: controllers [--all | --write | --cell] TABLE-OR-CELL\n");
        return 2;
    }
    return table_check(argv[argc - 1], all);
}
