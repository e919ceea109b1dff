// SPDX-License-Identifier: MIT
/* commands.h: the subcommands of the tool. A new one is a row in tcpip.c's table and a file of its own. */
#ifndef TCPIP_TOOLS_COMMANDS_H
#define TCPIP_TOOLS_COMMANDS_H

#include "options.h"

/* What a program's end says. */
enum { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

enum { COMMAND_OPTIONS = 6 };

struct command {
    const char *name;
    const char *summary;   /* a line of `tcpip --help`; NULL: not listed */
    const char *arguments; /* "DIRECTORY", for people; "" if there are none */
    uint32_t arguments_min, arguments_max;
    const char *examples; /* the first thing that --help prints: lines, each ended by a newline */
    const char *notes;    /* the last; "" if there is nothing to say */
    const struct option_row *options[COMMAND_OPTIONS]; /* besides those that every stack has */
    int (*run)(const struct options *options);
    /* Instead of all that: a command that reads its own arguments, argv[0] being its name. */
    int (*run_raw)(int argc, char **argv);
};

extern const struct command command_connect, command_demo_pipe, command_echo, command_ping, command_serve;

#endif
