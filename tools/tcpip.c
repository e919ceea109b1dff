// SPDX-License-Identifier: MIT
/* tcpip.c: the command-line tool: which command is meant.
 *
 * Owns:        the table of commands.
 * Not here:    what they do: a file for each, see commands.h. */
#include "bench.h"
#include "command.h"
#include "commands.h"

#include <string.h>

static const struct command command_bench = {
    .name = "bench",
    .summary = "measure this build: throughput, transactions, connections",
    .run_raw = bench_main,
};

static const struct command command_sim = {
    .name = "sim",
    .summary = "worlds from seeds: look for seeds that fail, replay one, make it smaller",
    .run_raw = sim_main,
};

static const struct command *const commands[] = {
    &command_serve, &command_echo, &command_connect, &command_ping, &command_bench, &command_sim, &command_demo_pipe,
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    }
    return NULL;
}

static void print_help(void)
{
    printf("tcpip: a TCP/IP stack in a process of its own\n"
           "\n"
           "  tcpip serve --netns . -- curl http://10.77.0.2/\n"
           "      serve this directory, from this stack, to the kernel's curl; no root needed\n"
           "  tcpip ping --netns 10.77.0.1\n"
           "      ask the kernel for an echo\n"
           "\n"
           "Usage: tcpip COMMAND [OPTION]... [ARGUMENT]...\n"
           "\n");
    for (size_t i = 0; i < COMMANDS; i++) {
        if (commands[i]->summary != NULL)
            printf("  %-10s%s\n", commands[i]->name, commands[i]->summary);
    }
    printf("\n'tcpip COMMAND --help' has examples and all options.\n"
           "Exit status: 0 good, 1 failed, 2 the command line was wrong.\n");
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct options options;
    struct complaint why;
    if (command->run_raw != NULL)
        return command->run_raw(argc, argv);
    switch (options_parse(command, argc, argv, &options, &why)) {
    case OPTIONS_HELP:
        options_help(command, stdout);
        return EXIT_GOOD;
    case OPTIONS_BAD:
        fprintf(stderr, "tcpip %s\n", why.text);
        return EXIT_USAGE;
    case OPTIONS_OK:
        break;
    }
    return command->run(&options);
}

int main(int argc, char **argv)
{
    struct complaint why;
    const struct command *command;
    if (argc < 2) {
        fprintf(stderr, "tcpip: which command? 'tcpip --help' lists them\n");
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || (strcmp(argv[1], "help") == 0 && argc == 2)) {
        print_help();
        return EXIT_GOOD;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("tcpip %d.%d.%d\n", TCPIP_VERSION_MAJOR, TCPIP_VERSION_MINOR, TCPIP_VERSION_PATCH);
        return EXIT_GOOD;
    }
    bool help = strcmp(argv[1], "help") == 0;
    command = find_command(argv[help ? 2 : 1]);
    if (command == NULL) {
        complain(&why, "tcpip: there is no command '%.40s'; 'tcpip --help' lists those there are", argv[help ? 2 : 1]);
        fprintf(stderr, "%s\n", why.text);
        return EXIT_USAGE;
    }
    char *ask[] = {(char *)(uintptr_t)command->name, (char[]){"--help"}, NULL};
    return help ? run_command(command, 2, ask) : run_command(command, argc - 1, argv + 1);
}
