// SPDX-License-Identifier: MIT
/* command.h: the simulator's command line, for who links it. */
#ifndef TCPIP_TESTS_SIM_COMMAND_H
#define TCPIP_TESTS_SIM_COMMAND_H

/* argv[0]: how it was called. Returns the exit status: 0 no seed failed, 1 one did, 2 the command line was wrong. */
int sim_main(int argc, char **argv);

#endif
