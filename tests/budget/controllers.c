// SPDX-License-Identifier: MIT
/* controllers.c: what each congestion controller makes of a line, as a table, in virtual time.
 *
 *   controllers [--all] [--only PREFIX] TABLE      runs the cells of the table (without --all, a slice), in TAP
 *   controllers --write TABLE [PREFIX]             runs all and writes it anew: the diff is what a change has done
 *   controllers --cell NAME [SEED]                 one cell, in words; with one seed, and TEST_TRACE=1, event by event
 *
 * A cell is a controller on a line: rate, round trip, random loss or reordering, a buffer. It ends after 60 round
 * trips' worth, or a hundred losses if that is more, and after 200,000 segments at most. `kbit/s` is the formula of
 * what the controller gets of such a line for ever, `law` what its law gets in a transfer of this length, in percent of
 * that (law.c has both); `got` is the time of the law in percent of the time that the stack took, the median of nine
 * seeds where chance plays a part.
 *
 * A cell of several flows shares a line among flows of one controller, or of two (cubic+reno: half of them each); `got`
 * is what all have of it in the second half of 20 s, in percent of the line, `fair` is Jain's index of it in percent,
 * and `first` what the flows of the first controller have of all, in percent.
 *
 * The floors are what a table was written with, less a tenth: falling below one fails, and so does an index that is
 * five lower. Lower them only with a reason.
 */
#include "lab.h"
#include "law.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SEEDS = 9,
    ROUNDS = 60,
    LOSSES = 100,
    SEGMENTS = 200000,
    WIRE = 1500,
    SLICE_PRODUCT = 125000, /* rate by distance, in bytes */
    NAME_MAX_ = 64,
    NAMES = 700,
    JOBS = 2
};

struct cell {
    char name[NAME_MAX_];
    struct lab_options line;
    double bound; /* bytes per second */
};

struct result {
    uint32_t law, got, fair, first; /* percent */
    uint64_t retransmits, timeouts;
};

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* ---- cells ---- */

static void cell_finish(struct cell *cell)
{
    struct lab_options *line = &cell->line;
    double bdp = (double)line->rate_bps / 8 * (double)line->rtt_ns / 1e9;
    cell->bound = law_bound(line);
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
    char controller[32], rate[16], rtt[16], kind[16];
    uint32_t ppm, buffer, flows;
    memset(cell, 0, sizeof(*cell));
    if (sscanf(name, "%31[^/]/%15[^/]/%15[^/]/%15[a-z]%" SCNu32 "/buffer%" SCNu32 "/flows%" SCNu32, controller, rate,
               rtt, kind, &ppm, &buffer, &flows) != 7)
        return false;
    snprintf(cell->name, sizeof(cell->name), "%s", name);
    char *other = strchr(controller, '+');
    if (other != NULL)
        *other++ = '\0';
    for (size_t i = 0; i < sizeof(controllers) / sizeof(controllers[0]); i++) {
        if (strcmp(controllers[i], controller) == 0)
            cell->line.controller = controllers[i];
        if (other != NULL && strcmp(controllers[i], other) == 0)
            cell->line.other = controllers[i];
    }
    const char *text = rate;
    cell->line.rate_bps = unit(&text, "MG", rates);
    text = rtt;
    cell->line.rtt_ns = (tcpip_ns)unit(&text, "mu", times);
    cell->line.loss_ppm = strcmp(kind, "loss") == 0 ? ppm : 0;
    cell->line.reorder_ppm = strcmp(kind, "reorder") == 0 ? ppm : 0;
    cell->line.queue_bytes = buffer;
    cell->line.flows = flows;
    if (cell->line.controller == NULL || cell->line.rate_bps == 0 || cell->line.rtt_ns == 0 || flows == 0 ||
        flows > LAB_FLOWS_MAX || (other != NULL && (cell->line.other == NULL || flows % 2 != 0)))
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

static uint32_t percent(double share)
{
    return (uint32_t)(100 * share + 0.5);
}

static void cell_share(const struct cell *cell, const struct lab_outcome *outcome, struct result *result)
{
    const struct lab_options *line = &cell->line;
    double sum = 0, squares = 0, first = 0;
    for (uint32_t i = 0; i < line->flows; i++) {
        double bytes = (double)outcome->received[i];
        sum += bytes;
        squares += bytes * bytes;
        first += line->other == NULL || i < line->flows / 2 ? bytes : 0;
    }
    result->law = 100;
    result->got = percent(sum / (cell->bound * (double)line->limit_ns / 2e9));
    result->fair = squares > 0 ? percent(sum * sum / squares / line->flows) : 0;
    result->first = sum > 0 ? percent(first / sum) : 0;
}

/* `only`: this seed alone; 0: as many as it takes. */
static struct result cell_run(const struct cell *cell, uint64_t only)
{
    double law[SEEDS], mine[SEEDS];
    struct lab_options line = cell->line;
    struct result result = {0};
    int seeds = line.flows == 1 && (line.loss_ppm != 0 || line.reorder_ppm != 0) ? SEEDS : 1;
    seeds = only != 0 ? 1 : seeds;
    for (int i = 0; i < seeds; i++) {
        struct lab_outcome outcome;
        line.seed = only != 0 ? only : (uint64_t)i + 1;
        lab_run(&line, &outcome);
        law[i] = line.flows == 1 ? law_seconds(&line) : 0;
        mine[i] = (double)outcome.took_ns / 1e9;
        if (line.flows > 1)
            cell_share(cell, &outcome, &result);
        result.retransmits += outcome.retransmits;
        result.timeouts += outcome.timeouts;
    }
    qsort(law, (size_t)seeds, sizeof(law[0]), by_size);
    qsort(mine, (size_t)seeds, sizeof(mine[0]), by_size);
    if (line.flows == 1) {
        result.got = percent(law[seeds / 2] / mine[seeds / 2]);
        result.law = percent((double)line.bytes / cell->bound / law[seeds / 2]);
        result.fair = result.first = 100;
    }
    return result;
}

static void cell_say(const struct cell *cell, const struct result *result)
{
    printf("# %s: %.3f Mbit/s at most, %" PRIu64 " bytes, law %u %%, got %u %% of it, fair %u %%, first %u %%, %" PRIu64
           " sent again, %" PRIu64 " timeouts\n",
           cell->name, cell->bound * 8 / 1e6, cell->line.bytes, result->law, result->got, result->fair, result->first,
           result->retransmits, result->timeouts);
}

/* ---- the table ---- */

/* What `make check` runs: every controller and fault at one product, on a short line and a long one, and two flows. */
static bool cell_in_slice(const struct cell *cell)
{
    const struct lab_options *line = &cell->line;
    if (line->flows > 1)
        return line->flows == 2;
    return line->rate_bps / 8 * (uint64_t)(line->rtt_ns / TCPIP_US) == (uint64_t)SLICE_PRODUCT * 1000000;
}

static int table_check(const char *path, bool all, const char *prefix)
{
    FILE *file = fopen(path, "r");
    char text[200], name[NAME_MAX_];
    int count = 0, failed = 0;
    if (file == NULL) {
        perror(path);
        return 1;
    }
    while (fgets(text, sizeof(text), file) != NULL) {
        uint32_t bound, law, got, floor, fair;
        struct cell cell;
        if (text[0] == '#' || sscanf(text, "%63s %u %u %u %u %u", name, &bound, &law, &got, &floor, &fair) != 6 ||
            strncmp(name, prefix, strlen(prefix)) != 0)
            continue;
        if (!cell_parse(name, &cell)) {
            printf("not ok %d - %s isn't a cell\n", ++count, name);
            failed++;
            continue;
        }
        if (!all && !cell_in_slice(&cell))
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

/* ---- writing it ---- */

struct names {
    char name[NAMES][NAME_MAX_];
    size_t count;
};

static void add_name(struct names *names, const char *prefix, const char *controller, const char *rest)
{
    char *name = names->name[names->count];
    struct cell cell;
    int length = snprintf(name, NAME_MAX_, "%s/%s", controller, rest);
    if (length >= NAME_MAX_ || !cell_parse(name, &cell) || names->count == NAMES - 1) {
        fprintf(stderr, "%s isn't a cell\n", name);
        exit(1);
    }
    names->count += strncmp(name, prefix, strlen(prefix)) == 0;
}

static void all_names(struct names *names, const char *prefix)
{
    static const char *const controllers[] = {"reno", "cubic", "bbr"};
    static const char *const rates[] = {"1M", "10M", "100M", "1G", "10G", "100G"};
    static const char *const times[] = {"100us", "1ms", "10ms", "100ms", "600ms"};
    static const char *const kinds[] = {"loss0/buffer100",     "loss0/buffer20",      "loss1000/buffer100",
                                        "loss10000/buffer100", "loss50000/buffer100", "reorder10000/buffer100"};
    static const char *const sharing[] = {"reno", "cubic", "bbr", "dctcp"}, *const mixed[] = {"cubic+reno",
                                                                                              "bbr+cubic"};
    char rest[NAME_MAX_ - 8];
    names->count = 0;
    for (size_t c = 0; c < 3; c++)
        for (size_t r = 0; r < 6; r++)
            for (size_t t = 0; t < 5; t++)
                for (size_t k = 0; k < 6; k++) {
                    snprintf(rest, sizeof(rest), "%s/%s/%s/flows1", rates[r], times[t], kinds[k]);
                    add_name(names, prefix, controllers[c], rest);
                }
    for (size_t t = 1; t < 4; t++) {
        snprintf(rest, sizeof(rest), "1G/%s/loss0/buffer100/flows1", times[t]);
        add_name(names, prefix, "dctcp", rest);
    }
    for (size_t c = 0; c < 4; c++)
        for (uint32_t flows = 2; flows <= LAB_FLOWS_MAX; flows *= 2) {
            snprintf(rest, sizeof(rest), "100M/20ms/loss0/buffer100/flows%" PRIu32, flows);
            add_name(names, prefix, sharing[c], rest);
        }
    for (size_t c = 0; c < 2; c++)
        for (uint32_t flows = 2; flows <= 8; flows *= 4)
            for (uint32_t buffer = 100; buffer <= 400; buffer *= 4) {
                snprintf(rest, sizeof(rest), "100M/20ms/loss0/buffer%" PRIu32 "/flows%" PRIu32, buffer, flows);
                add_name(names, prefix, mixed[c], rest);
            }
}

static void write_row(FILE *file, const char *name)
{
    struct cell cell;
    if (!cell_parse(name, &cell))
        abort();
    struct result result = cell_run(&cell, 0);
    fprintf(file,
            "%-44s %9.0f %5" PRIu32 " %5" PRIu32 " %5" PRIu32 " %5" PRIu32 " %5" PRIu32 " %8" PRIu64 " %6" PRIu64 "\n",
            name, cell.bound * 8 / 1000, result.law, result.got, result.got * 9 / 10, result.fair, result.first,
            result.retransmits, result.timeouts);
    fflush(file);
}

/* The head that is there stays: it is written by people. */
static void copy_head(FILE *out, const char *path)
{
    FILE *file = fopen(path, "r");
    char text[200];
    while (file != NULL && fgets(text, sizeof(text), file) != NULL && text[0] == '#')
        fputs(text, out);
    if (file != NULL)
        fclose(file);
}

static void table_write(const char *path, const char *prefix)
{
    static struct names names;
    FILE *parts[JOBS], *out = tmpfile();
    char text[200];
    all_names(&names, prefix);
    for (size_t j = 0; j < JOBS; j++)
        parts[j] = tmpfile();
    if (out == NULL || parts[0] == NULL || parts[1] == NULL) {
        perror("controllers");
        exit(1);
    }
    copy_head(out, path);
    fflush(NULL);
    for (size_t j = 0; j < JOBS; j++)
        if (fork() == 0) {
            for (size_t i = j; i < names.count; i += JOBS)
                write_row(parts[j], names.name[i]);
            _exit(0);
        }
    for (size_t j = 0; j < JOBS; j++)
        (void)wait(NULL);
    for (size_t j = 0; j < JOBS; j++)
        rewind(parts[j]);
    for (size_t i = 0; i < names.count; i++)
        if (fgets(text, sizeof(text), parts[i % JOBS]) != NULL)
            fputs(text, out);
    rewind(out);
    FILE *file = fopen(path, "w");
    while (file != NULL && fgets(text, sizeof(text), out) != NULL)
        fputs(text, file);
    if (file == NULL || fclose(file) != 0)
        perror(path);
}

int main(int argc, char **argv)
{
    struct cell cell;
    if (argc >= 3 && argc <= 4 && strcmp(argv[1], "--write") == 0) {
        table_write(argv[2], argc == 4 ? argv[3] : "");
        return 0;
    }
    if ((argc == 3 || argc == 4) && strcmp(argv[1], "--cell") == 0 && cell_parse(argv[2], &cell)) {
        struct result result = cell_run(&cell, argc == 4 ? strtoull(argv[3], NULL, 10) : 0);
        cell_say(&cell, &result);
        return 0;
    }
    bool all = false;
    const char *prefix = "";
    int i = 1;
    for (; i < argc - 1; i++) {
        if (strcmp(argv[i], "--all") == 0)
            all = true;
        else if (strcmp(argv[i], "--only") == 0)
            prefix = argv[++i];
        else
            break;
    }
    if (i != argc - 1) {
        fprintf(stderr,
                "usage: controllers [--all] [--only PREFIX] TABLE | --write TABLE [PREFIX] | --cell NAME [SEED]\n");
        return 2;
    }
    return table_check(argv[i], all, prefix);
}
