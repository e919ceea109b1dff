// SPDX-License-Identifier: MIT
/* law.h: how long a transfer takes by the controller's law alone, without a TCP. */
#ifndef TCPIP_TESTS_BUDGET_LAW_H
#define TCPIP_TESTS_BUDGET_LAW_H

#include "lab.h"

/* In bytes per second, the best that is written of the controller at this rate, distance and loss: law.c. */
double law_bound(const struct lab_options *line);
/* Of one flow, for line->bytes at line->seed. */
double law_seconds(const struct lab_options *line);

#endif
