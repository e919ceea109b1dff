// SPDX-License-Identifier: MIT
/* option_fault.h: the list of faults given to --fault. */
#ifndef TCPIP_TOOLS_OPTION_FAULT_H
#define TCPIP_TOOLS_OPTION_FAULT_H

#include "options.h"

/* No faults, the same seed as every time. */
struct tcpip_fault_options option_fault_none(void);
/* "loss=1%,out-delay=20ms": adds to what is there. */
bool option_fault_parse(const char *list, struct tcpip_fault_options *out, struct complaint *why);

#endif
