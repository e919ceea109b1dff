// SPDX-License-Identifier: MIT
/* failing.c: every test program as a test of what happens without memory.
 *
 * A stack asks for memory in so many places that nobody writes a test for each; but every test walks through some of
 * them. So each test function is run again for each allocation that it makes, with this one failing:
 *
 *     TEST_FAIL=KIND PROGRAM       every k; one result for each test function
 *     TEST_FAIL=KIND:K PROGRAM     one k, in this very process: what the former says for repeating it
 *
 * KIND is `alloc` (the k-th call of env.alloc fails, once), `allocs` (it and the next hundred do: the way out of one
 * failure doesn't work either), `object` (in debug builds: the k-th object that is asked for isn't given, though the
 * pool may have thousands) or `all`. With TEST_FAIL_MS=N each test and kind gets so many milliseconds, and with
 * CHECK_LONG 1,500; then those k are tried that lie spread over the test, and tests that take longer are left out.
 *
 * What the test itself expects is of no interest: most assert that there is memory. What counts is what can't be right
 * in any program:
 *
 *   - it dies of a signal, a sanitizer's report, an assertion of the library, an abort of test_env (a block freed
 * twice, or with another size). Each run is a process of its own, so that any death is seen, and told from an exit;
 *   - it passes, and leaks: test_env_fini compares;
 *   - an expectation fails, and then a stack can't be freed or doesn't give back all it had. cmocka's _fail is
 * replaced, so that this is tried there and then, while all that the test owns still stands. It isn't if the
 * expectation failed inside a turn; and if packets or buffers are out, the test may hold them, so that proves nothing;
 *   - it doesn't end: virtual time makes that a matter of seconds.
 *
 * Owns:       the list of stacks that live.
 * Not here:   memory that the test takes by itself (malloc), failures that a test arranges (test_env_fail). */
#include "failing.h"

#include "needs.h"
#include "stack/stack.h"

#include <tcpip/save.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    MANY = 100, /* allocations that fail in a row, of the kind `allocs` */
    PATIENCE_MS = 60000,
    LONG_MS = 1500, /* for each test and kind in make check-long */
    STACKS_MAX = 64,
    SAID_MAX = 2000,
};

enum ending { DIED, PASSED, EXPECTED_MORE, GAVE_UP, TOOK_LONG };

/* What a child tells, in memory that both see. */
struct report {
    volatile enum ending ending;
    volatile uint64_t seen, failed;
};

static struct report *report; /* NULL: not in a child */
static struct tcpip_stack *stacks[STACKS_MAX];
static uint32_t stack_count;
static bool own_end;

/* ---- the stacks that live (the linker's --wrap puts these in the way, see meson.build) ---- */

typedef enum tcpip_error stack_new_function(const struct tcpip_env *, const struct tcpip_limits *,
                                            const struct tcpip_protocols *, struct tcpip_stack **);
stack_new_function __real_tcpip_stack_new, __wrap_tcpip_stack_new;
void __real_tcpip_stack_free(struct tcpip_stack *stack);
void __wrap_tcpip_stack_free(struct tcpip_stack *stack);

enum tcpip_error __wrap_tcpip_stack_new(const struct tcpip_env *env, const struct tcpip_limits *limits,
                                        const struct tcpip_protocols *protocols, struct tcpip_stack **out)
{
    enum tcpip_error error = __real_tcpip_stack_new(env, limits, protocols, out);
    if (error == TCPIP_OK && report != NULL && stack_count < STACKS_MAX)
        stacks[stack_count++] = *out;
    return error;
}

void __wrap_tcpip_stack_free(struct tcpip_stack *stack)
{
    for (uint32_t i = 0; i < stack_count; i++)
        if (stacks[i] == stack)
            stacks[i] = stacks[--stack_count];
    __real_tcpip_stack_free(stack);
}

/* ---- in a child ---- */

static _Noreturn void end(enum ending ending)
{
    report->ending = ending;
    report->seen = failing.seen;
    report->failed = failing.failed;
    fflush(NULL);
    _exit(0);
}

/* What a test holds of a stack nobody else can give back. */
static void on_fatal(void *ctx, const char *file, int line, const char *what)
{
    (void)ctx;
    if (strcmp(what, "pool->out == 0") == 0 || strcmp(what, "pools->lent == 0") == 0)
        end(GAVE_UP);
    print_error("%s:%d: fatal: %s\n", file, line, what);
    fflush(NULL);
    abort();
}

/* In cmocka's place, and before the test's frames are gone. */
void _fail(const char *const file, const int line)
{
    if (report == NULL) {
        void (*real)(const char *, int) = (void (*)(const char *, int))dlsym(RTLD_NEXT, "_fail");
        real(file, line);
        abort();
    }
    print_error("%s:%d: an expectation fails; what stands is taken down\n", file, line);
    failing.at = 0;
    for (uint32_t i = 0; i < stack_count; i++)
        if (own_end || stacks[i]->depth != 0 || stacks[i]->in_callback != 0)
            end(GAVE_UP);
    while (stack_count > 0) {
        stacks[stack_count - 1]->env.fatal = on_fatal;
        tcpip_stack_free(stacks[stack_count - 1]);
    }
    end(EXPECTED_MORE);
}

void failing_own_end(void)
{
    own_end = true;
}

void *failing_need(void *got, const char *file, int line)
{
    if (got == NULL && failing.failed > 0)
        _fail(file, line);
    return got;
}

static CMUnitTestFunction wanted;

/* cmocka takes signals for failed expectations. */
static void with_signals(void **state)
{
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS};
    for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
        signal(deadly[i], SIG_DFL);
    wanted(state);
}

typedef int run_function(const char *name, const struct CMUnitTest *const tests, const size_t count,
                         CMFixtureFunction setup, CMFixtureFunction teardown);
static run_function *real_run;

struct run {
    const char *name;
    CMFixtureFunction setup, teardown;
    unsigned first_kind, last_kind;
    int64_t ms; /* for each test and kind; 0: as long as it takes */
    int said;   /* what the child prints goes here */
};

static _Noreturn void child(const struct run *run, const struct CMUnitTest *test, struct failing plan)
{
    struct CMUnitTest one = *test;
    dup2(run->said, STDOUT_FILENO);
    dup2(run->said, STDERR_FILENO);
    wanted = test->test_func;
    one.test_func = with_signals;
    failing = plan;
    int failed = real_run(run->name, &one, 1, run->setup, run->teardown);
    end(failed == 0 ? PASSED : EXPECTED_MORE);
}

/* ---- in the parent ---- */

enum { KINDS = 3 };
static const char *const kinds[KINDS] = {"alloc", "allocs", "object"};

static struct failing plan_of(unsigned kind, uint64_t k)
{
    return (struct failing){.at = k, .last = k + (kind == 1 ? MANY : 0), .objects = kind == 2};
}

/* What to blame the library for, or NULL. */
static const char *judge(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return "it doesn't end";
    if (WIFSIGNALED(status))
        snprintf(text, size, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (report->ending == DIED || WEXITSTATUS(status) != 0)
        snprintf(text, size, "exit status %d", WEXITSTATUS(status));
    else
        return NULL;
    return text;
}

static void say_tail(int said)
{
    char text[SAID_MAX + 1];
    off_t size = lseek(said, 0, SEEK_END);
    ssize_t got = pread(said, text, SAID_MAX, size > SAID_MAX ? size - SAID_MAX : 0);
    text[got > 0 ? got : 0] = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
        printf("# %s\n", line);
}

/* One test with one failure in a process of its own, for so many ms at most (0: a minute, and then it is to blame).
 * NULL: nothing to blame the library for. */
static const char *try(const struct run *run, const struct CMUnitTest *test, struct failing plan, int64_t most_ms)
{
    static char text[100];
    int status;
    *report = (struct report){.ending = DIED};
    if (ftruncate(run->said, 0) != 0 || lseek(run->said, 0, SEEK_SET) != 0)
        return "the temporary file can't be used";
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        return "fork failed";
    if (pid == 0) {
        int64_t patience_ms = most_ms > 0 ? most_ms : PATIENCE_MS;
        struct itimerval timer = {.it_value = {patience_ms / 1000, patience_ms % 1000 * 1000}};
        signal(SIGALRM, SIG_DFL);
        setitimer(ITIMER_REAL, &timer, NULL);
        child(run, test, plan);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return "waitpid failed";
    if (most_ms > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        report->ending = TOOK_LONG;
    return judge(status, text, sizeof(text));
}

static int64_t now_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    return b == 0 ? a : common_divisor(b, a % b);
}

/* So far from one k to the next that each comes once, and that the first few lie all over the test. */
static uint64_t stride_of(uint64_t count)
{
    uint64_t stride = count * 618 / 1000 + 1;
    while (common_divisor(stride, count) != 1)
        stride++;
    return stride;
}

struct tally {
    uint64_t count, tries, expected, gave_up;
};

/* As many k of one kind as the time allows. Returns what to blame the library for, with *k, or NULL. */
static const char *try_kind(const struct run *run, const struct CMUnitTest *test, unsigned kind, struct tally *tally,
                            uint64_t *k)
{
    int64_t start = now_ms();
    *k = 0;
    const char *why = try(run, test, plan_of(kind, 0), run->ms);
    uint64_t count = report->seen, stride = stride_of(count), at = 0;
    if (why != NULL || report->ending != PASSED) /* it takes long, fails anyway, or is skipped */
        return report->ending == TOOK_LONG ? NULL : why;
    tally->count += count;
    for (uint64_t i = 0; i < count && why == NULL && (i == 0 || run->ms == 0 || now_ms() < start + run->ms); i++) {
        *k = count - at;
        at = (at + stride) % count;
        why = try(run, test, plan_of(kind, *k), 0);
        tally->tries++;
        tally->expected += report->ending == EXPECTED_MORE;
        tally->gave_up += report->ending == GAVE_UP;
    }
    return why;
}

static bool try_all(const struct run *run, const struct CMUnitTest *test, uint32_t number)
{
    struct tally tally = {0};
    const char *why = NULL;
    uint64_t k = 0;
    unsigned kind = run->first_kind;
    for (; kind <= run->last_kind; kind++)
        if ((why = try_kind(run, test, kind, &tally, &k)) != NULL)
            break;
    printf("%sok %u - without memory: %s (%" PRIu64 " of %" PRIu64 "; %" PRIu64 " times it expected more, %" PRIu64
           " times nobody knows)\n",
           why != NULL ? "not " : "", number, test->name, tally.tries, tally.count, tally.expected, tally.gave_up);
    if (why != NULL) {
        printf("# %s\n", why);
        say_tail(run->said);
        printf("# repeat: TEST_FAIL=%s:%" PRIu64 " TEST_FILTER='%s' %s\n", kinds[kind], k, test->name,
               program_invocation_name);
    }
    fflush(stdout);
    return why == NULL;
}

static bool is_wanted(const struct CMUnitTest *test)
{
    const char *pattern = getenv("TEST_FILTER");
    return pattern == NULL || strcmp(pattern, test->name) == 0 || strchr(pattern, '*') != NULL;
}

static bool find_kinds(const char *what, struct run *run)
{
    size_t size = strcspn(what, ":");
    for (unsigned i = 0; i < KINDS; i++) {
        if (strlen(kinds[i]) == size && strncmp(kinds[i], what, size) == 0) {
            run->first_kind = run->last_kind = i;
            return true;
        }
    }
    run->last_kind = KINDS - 1;
    return strcmp(what, "all") == 0;
}

int _cmocka_run_group_tests(const char *name, const struct CMUnitTest *const tests, const size_t count,
                            CMFixtureFunction setup, CMFixtureFunction teardown)
{
    const char *what = getenv("TEST_FAIL"), *ms = getenv("TEST_FAIL_MS"), *colon = what ? strchr(what, ':') : NULL;
    struct run run = {.name = name, .setup = setup, .teardown = teardown, .ms = ms != NULL ? atoi(ms) : 0};
    unsigned failed = 0, planned = 0;
    real_run = (run_function *)dlsym(RTLD_NEXT, "_cmocka_run_group_tests");
    if (what != NULL && !find_kinds(what, &run)) {
        fprintf(stderr, "TEST_FAIL=%s: of what kind?\n", what);
        return 1;
    }
    if (colon != NULL)
        failing = plan_of(run.first_kind, strtoull(colon + 1, NULL, 10));
    if (what == NULL || colon != NULL)
        return real_run(name, tests, count, setup, teardown);

    if (ms != NULL && getenv("CHECK_LONG") != NULL)
        run.ms = LONG_MS;
    run.said = memfd_create("said", MFD_CLOEXEC);
    report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run.said < 0 || report == MAP_FAILED) {
        perror("TEST_FAIL");
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(&tests[i]) || tests[i].test_func == NULL)
            continue;
        failed += !try_all(&run, &tests[i], ++planned);
    }
    printf("1..%u\n", planned);
    return failed > 0;
}
