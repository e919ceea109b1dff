// SPDX-License-Identifier: MIT
/* main.c: plays packet scripts and says in TAP what came of them.
 *
 *   tcpip-script [--verbose] [--must-fail] [--ip-version=V] [--isn=plain|wrap] [--shake=FROM[:TO]]
 * [--starve[=K[,after]]]
 *       [--root=DIR] PATH...
 *
 * A PATH is a script or a folder of them. Each script is played over IPv4, over IPv6 and with IPv4 on IPv6 endpoints,
 * unless it says which; and each of these twice: with plain numbers, and with sequence numbers and timestamps of both
 * sides that wrap around soon. All plays together are one result.
 *
 * pending.txt in the root lists scripts that are known to fail, 'path: reason': they are played all the same, reported
 * as skipped with the reason, and as failures once they pass. With --must-fail, each script has a line '// fails: text'
 * and is to fail in every play with that text in its report.
 *
 * With --shake, scripts are played with mistakes (shake.h), once for each seed FROM to TO; CHECK_LONG in the
 * environment makes that a hundred times as many.
 *
 * With --starve, each script is played as it is with one of its allocations failing, in every second play with all that
 * follow failing, too: forty plays whose failures are spread over the script, or with CHECK_LONG in the environment
 * each allocation both ways. --starve=K is the play in which the K-th fails, --starve=K,after that in which all do from
 * the K-th on. */
#include "parse.h"
#include "run.h"
#include "shake.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STARVE_PLAYS = 40 };

struct options {
    bool verbose, must_fail;
    unsigned ip_versions;
    bool plain, wrap;
    bool shake;
    uint64_t seed_first, seed_last;
    bool starve;
    struct starving starving; /* only this one; at 0: all of them */
    const char *root;
    const char *program;
    char *pending; /* the text of pending.txt */
};

struct results {
    unsigned count, failed;
};

static const char *version_name(enum ip_version version)
{
    return version == IP_V4 ? "ipv4" : version == IP_V6 ? "ipv6" : "ipv4-mapped-ipv6";
}

/* The path as it is reported: below the root. */
static const char *short_name(const struct options *options, const char *path)
{
    size_t size = strlen(options->root);
    return strncmp(path, options->root, size) == 0 && path[size] == '/' ? path + size + 1 : path;
}

/* The reason why a script is expected to fail, into out; NULL: it isn't. */
static const char *pending_reason(const struct options *options, const char *name, char *out, size_t size)
{
    size_t length = strlen(name);
    for (const char *line = options->pending; line != NULL && *line != 0; line += strcspn(line, "\n") + 1) {
        if (strncmp(line, name, length) == 0 && line[length] == ':') {
            const char *reason = line + length + 1 + strspn(line + length + 1, " ");
            snprintf(out, size, "%.*s", (int)strcspn(reason, "\n"), reason);
            return out;
        }
        if (line[strcspn(line, "\n")] == 0)
            break;
    }
    return NULL;
}

static void say_lines(const char *text)
{
    while (*text != 0) {
        size_t size = strcspn(text, "\n");
        printf("# %.*s\n", (int)size, text);
        text += size + (text[size] == '\n');
    }
}

static void say_failure(const struct options *options, const char *path, const struct variant *variant, bool wrap,
                        const struct failure *failure)
{
    printf("# %s:%d: over %s%s:\n", failure->place.file, failure->place.line, version_name(variant->ip_version),
           wrap ? ", numbers that wrap" : "");
    say_lines(failure->why);
    if (failure->log[0] != 0) {
        printf("# the last packets:\n");
        say_lines(failure->log);
    }
    printf("# repeat: %s --verbose --ip-version=%s --isn=%s --root=%s %s\n", options->program,
           version_name(variant->ip_version), wrap ? "wrap" : "plain", options->root, path);
}

/* Numbers of which nothing is special. */
static struct variant plain_variant(enum ip_version version)
{
    struct variant variant = {
        .ip_version = version, .remote_isn = 0x20304050, .remote_ts = 0x01020304, .start = 1000 * TCPIP_SECOND};
    return variant;
}

/* Numbers that wrap after some hundred bytes or milliseconds. Our own initial sequence number grows by one every 4 us
 * (RFC 6528): the clock starts when it has come close to the end. */
static struct variant wrap_variant(enum ip_version version, const struct failure *plain)
{
    struct variant variant = plain_variant(version);
    variant.remote_isn = 0u - 700;
    variant.remote_ts = 0u - 120;
    if (plain->has_isn)
        variant.start += (tcpip_ns)(uint32_t)(0u - 700 - plain->first_isn) * 4 * TCPIP_US;
    /* Whole milliseconds, as in the other play: timestamps count them. */
    variant.start -= variant.start % TCPIP_MS;
    return variant;
}

/* Plays one script in all its variants. True: all were as they should. */
static bool play_all(const struct options *options, const struct script *script, const char *path, bool quiet)
{
    static const enum ip_version versions[] = {IP_V4, IP_V6, IP_V4_MAPPED};
    struct failure plain, wrapped;
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        if ((script->ip_versions & options->ip_versions & versions[i]) == 0)
            continue;
        struct variant variant = plain_variant(versions[i]);
        bool good = run_script(script, &variant, options->verbose && options->plain, &plain);
        if (!good && options->plain) {
            if (!quiet)
                say_failure(options, path, &variant, false, &plain);
            return false;
        }
        if (!options->wrap)
            continue;
        variant = wrap_variant(versions[i], &plain);
        if (!run_script(script, &variant, options->verbose, &wrapped)) {
            if (!quiet)
                say_failure(options, path, &variant, true, &wrapped);
            return false;
        }
    }
    return true;
}

/* Plays one script with mistakes, by each seed in one of its variants. True: nothing broke. */
static bool shake_all(const struct options *options, const struct script *script, const char *path)
{
    static const enum ip_version versions[] = {IP_V4, IP_V6, IP_V4_MAPPED};
    for (uint64_t seed = options->seed_first; seed <= options->seed_last; seed++) {
        enum ip_version version = versions[seed % 3];
        struct failure failure;
        if ((script->ip_versions & version) == 0)
            continue;
        struct failure none = {.has_isn = seed % 2 != 0, .first_isn = 0};
        struct variant variant = seed % 2 == 0 ? plain_variant(version) : wrap_variant(version, &none);
        if (!shake_script(script, &variant, seed, options->verbose, &failure)) {
            printf("# %s:%d: over %s, shaken with seed %llu:\n", failure.place.file, failure.place.line,
                   version_name(version), (unsigned long long)seed);
            say_lines(failure.why);
            printf("# repeat: %s --verbose --shake=%llu --root=%s %s\n", options->program, (unsigned long long)seed,
                   options->root, path);
            return false;
        }
    }
    return true;
}

static bool starve_once(const struct options *options, const struct script *script, const char *path,
                        enum ip_version version, const struct starving *starving, uint64_t *asked)
{
    struct failure failure;
    struct variant variant = plain_variant(version);
    if (starve_script(script, &variant, starving, options->verbose, asked, &failure))
        return true;
    printf("# %s:%d: over %s, allocation %llu%s failing:\n", failure.place.file, failure.place.line,
           version_name(version), (unsigned long long)starving->at, starving->after ? " and all later ones" : "");
    say_lines(failure.why);
    printf("# repeat: %s --verbose --ip-version=%s --starve=%llu%s --root=%s %s\n", options->program,
           version_name(version), (unsigned long long)starving->at, starving->after ? ",after" : "", options->root,
           path);
    return false;
}

/* Plays one script with allocations failing, one or all from one on. True: nothing broke. */
static bool starve_all(const struct options *options, const struct script *script, const char *path)
{
    static const enum ip_version versions[] = {IP_V4, IP_V6, IP_V4_MAPPED};
    enum ip_version version = IP_V4;
    for (size_t i = 3; i-- > 0;)
        version = (script->ip_versions & options->ip_versions & versions[i]) != 0 ? versions[i] : version;
    uint64_t asked, ignored;
    struct starving starving = {0, false};
    if (!starve_once(options, script, path, version, &starving, &asked))
        return false;
    if (options->starving.at != 0)
        return starve_once(options, script, path, version, &options->starving, &ignored);
    uint64_t plays = getenv("CHECK_LONG") != NULL || 2 * asked < STARVE_PLAYS ? 2 * asked : STARVE_PLAYS;
    for (uint64_t i = 0; i < plays; i++) {
        starving = (struct starving){1 + i * asked / plays, i % 2 != 0};
        if (!starve_once(options, script, path, version, &starving, &ignored))
            return false;
    }
    return true;
}

/* A script that must fail does so over every version that it names, and says why. */
static bool fails_all(const struct options *options, const struct script *script)
{
    static const enum ip_version versions[] = {IP_V4, IP_V6, IP_V4_MAPPED};
    if (script->fails == NULL) {
        printf("# it has no line '// fails: ...'\n");
        return false;
    }
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        if ((script->ip_versions & options->ip_versions & versions[i]) == 0)
            continue;
        struct variant variant = plain_variant(versions[i]);
        struct failure failure;
        if (run_script(script, &variant, options->verbose, &failure)) {
            printf("# it passes over %s\n", version_name(versions[i]));
            return false;
        }
        if (strstr(failure.why, script->fails) == NULL) {
            printf("# it fails with another reason than '%s':\n", script->fails);
            say_lines(failure.why);
            return false;
        }
    }
    return true;
}

static bool judge_broken(const struct options *options, const char *path, const char *error)
{
    char line[256];
    const char *fails = NULL;
    FILE *file = options->must_fail ? fopen(path, "r") : NULL;
    while (file != NULL && fails == NULL && fgets(line, sizeof line, file) != NULL) {
        fails = strncmp(line, "// fails: ", 10) == 0 ? line + 10 : NULL;
        line[strcspn(line, "\n")] = 0;
    }
    if (file != NULL)
        fclose(file);
    if (fails != NULL && strstr(error, fails) != NULL)
        return true;
    say_lines(error);
    return false;
}

static void play_file(const struct options *options, struct results *results, const char *path)
{
    char error[512], reason[256];
    const char *name = short_name(options, path);
    const char *pending = pending_reason(options, name, reason, sizeof reason);
    struct script *script = script_load(path, options->root, error);
    bool good;
    results->count++;
    /* TAP wants the verdict before what explains it, so the explanation is collected first. */
    char *text = NULL;
    size_t size = 0;
    FILE *real = stdout, *memory = options->verbose ? NULL : open_memstream(&text, &size);
    if (memory != NULL)
        stdout = memory;
    if (script == NULL)
        good = judge_broken(options, path, error);
    else if (options->shake)
        good = shake_all(options, script, path);
    else if (options->starve)
        good = starve_all(options, script, path);
    else
        good = options->must_fail ? fails_all(options, script) : play_all(options, script, path, pending != NULL);
    if (memory != NULL) {
        fclose(memory);
        stdout = real;
    }
    if (pending != NULL && good)
        printf("not ok %u - %s\n# it passes: strike it from pending.txt\n", results->count, name);
    else if (pending != NULL)
        printf("ok %u - %s # SKIP %s\n", results->count, name, pending);
    else
        printf("%sok %u - %s\n", good ? "" : "not ", results->count, name);
    results->failed += pending != NULL ? good : !good;
    if (text != NULL)
        fputs(text, stdout);
    fflush(stdout);
    free(text);
    if (script != NULL)
        script_free(script);
}

static int wanted(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    return entry->d_name[0] != '.' && strcmp(entry->d_name, "must-fail") != 0 &&
           (strchr(entry->d_name, '.') == NULL || (size > 4 && strcmp(entry->d_name + size - 4, ".pkt") == 0));
}

static void play_path(const struct options *options, struct results *results, const char *path, int depth)
{
    struct dirent **entries;
    int count = depth < 4 ? scandir(path, &entries, wanted, alphasort) : -1;
    if (count < 0) {
        play_file(options, results, path);
        return;
    }
    for (int i = 0; i < count; i++) {
        char inner[1024];
        bool fits = snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name) < (int)sizeof inner;
        if (fits && (strstr(entries[i]->d_name, ".pkt") != NULL || entries[i]->d_type == DT_DIR))
            play_path(options, results, inner, depth + 1);
        free(entries[i]);
    }
    free(entries);
}

static char *read_pending(const char *root)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/pending.txt", root);
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 65536);
    if (file != NULL && text != NULL)
        text[fread(text, 1, 65535, file)] = 0;
    if (file != NULL)
        fclose(file);
    return text;
}

/* FROM, or FROM:TO. */
static void parse_seeds(struct options *options, const char *text)
{
    char *end;
    options->shake = true;
    options->seed_first = options->seed_last = strtoull(text, &end, 10);
    if (*end == ':') {
        options->seed_last = strtoull(end + 1, NULL, 10);
        if (getenv("CHECK_LONG") != NULL)
            options->seed_last = options->seed_first + (options->seed_last - options->seed_first + 1) * 100;
    }
}

/* Nothing, K, or K,after. */
static void parse_starving(struct options *options, const char *text)
{
    char *end;
    options->starve = true;
    options->starving.at = strtoull(text, &end, 10);
    options->starving.after = strcmp(end, ",after") == 0;
}

static bool parse_argument(struct options *options, const char *argument)
{
    const char *value = strchr(argument, '=');
    value = value != NULL ? value + 1 : "";
    if (strcmp(argument, "--verbose") == 0)
        options->verbose = true;
    else if (strcmp(argument, "--must-fail") == 0)
        options->must_fail = true;
    else if (strncmp(argument, "--root=", 7) == 0)
        options->root = value;
    else if (strncmp(argument, "--ip-version=", 13) == 0)
        options->ip_versions = strcmp(value, "ipv4") == 0   ? IP_V4
                               : strcmp(value, "ipv6") == 0 ? IP_V6
                               : strcmp(value, "all") == 0  ? IP_ALL
                                                            : IP_V4_MAPPED;
    else if (strncmp(argument, "--shake=", 8) == 0)
        parse_seeds(options, value);
    else if (strncmp(argument, "--starve", 8) == 0)
        parse_starving(options, value);
    else if (strncmp(argument, "--isn=", 6) == 0)
        *(strcmp(value, "plain") == 0 ? &options->wrap : &options->plain) = false;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    struct options options = {.ip_versions = IP_ALL, .plain = true, .wrap = true, .root = ".", .program = argv[0]};
    struct results results = {0};
    int i = 1;
    while (i < argc && strncmp(argv[i], "--", 2) == 0) {
        if (!parse_argument(&options, argv[i])) {
            fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
            return 2;
        }
        i++;
    }
    options.pending = options.must_fail || options.shake || options.starve ? NULL : read_pending(options.root);
    for (; i < argc; i++)
        play_path(&options, &results, argv[i], 0);
    free(options.pending);
    printf("1..%u\n", results.count);
    return results.failed > 0 || results.count == 0 ? 1 : 0;
}
