// SPDX-License-Identifier: MIT
/* program.c: the simulator as a program of its own; `tcpip sim` is the same. */
#include "command.h"

int main(int argc, char **argv)
{
    return sim_main(argc, argv);
}
