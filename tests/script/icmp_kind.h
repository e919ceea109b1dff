// SPDX-License-Identifier: MIT
/* icmp_kind.h: ICMP messages by the names that scripts use. */
#ifndef TCPIP_TESTS_SCRIPT_ICMP_KIND_H
#define TCPIP_TESTS_SCRIPT_ICMP_KIND_H

#include "script.h"

/* NULL: no such message. */
const struct icmp_kind *icmp_kind_find(const char *type, const char *code);
bool icmp_kind_has_code(const char *type);
bool icmp_kind_is_echo(const struct icmp_kind *kind);

#endif
