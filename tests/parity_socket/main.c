// SPDX-License-Identifier: MIT
/* main.c: main [--list] [PREFIX...]: plays the scenarios whose names begin so, each in a process and a world of its
 * own.
 *
 * A scenario that doesn't end is ended, and says so. */
#include "play.h"

#include <signal.h>
#include <sys/wait.h>

enum { SECONDS_MAX = 10 };

static const struct scenario *const subjects[] = {
    socket_scenarios,   name_scenarios,    stream_scenarios, connect_scenarios,      transfer_scenarios,
    datagram_scenarios, message_scenarios, error_scenarios,  option_scenarios,       signature_scenarios,
    repair_scenarios,   control_scenarios, ready_scenarios,  epoll_scenarios,        wait_scenarios,
    file_scenarios,     resolve_scenarios, unix_scenarios,   unix_message_scenarios, unix_wait_scenarios,
    urgent_scenarios,
};

static bool chosen(const char *name, int count, char **prefixes)
{
    for (int i = 0; i < count; i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return count == 0;
}

static void play(const struct scenario *scenario)
{
    printf("== %s\n", scenario->name);
    os_prepare();
    pid_t child = fork();
    if (child == 0) {
        alarm(SECONDS_MAX);
        os_begin();
        scenario->run();
        fflush(stdout);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    os_finish();
    if (WIFSIGNALED(status))
        printf("ended by %s\n", WTERMSIG(status) == SIGALRM ? "SIGALRM: it hung" : strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        printf("ended with status %d\n", WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
    bool list = argc > 1 && strcmp(argv[1], "--list") == 0;
    const char *obstacle = os_obstacle();
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (obstacle != NULL) {
        printf("obstacle: %s\n", obstacle);
        return 77;
    }
    for (size_t i = 0; i < sizeof(subjects) / sizeof(*subjects); i++) {
        for (const struct scenario *s = subjects[i]; s->name != NULL; s++) {
            if (!chosen(s->name, list ? argc - 2 : argc - 1, list ? argv + 2 : argv + 1))
                continue;
            if (list)
                puts(s->name);
            else
                play(s);
        }
    }
    return 0;
}
