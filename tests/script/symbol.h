// SPDX-License-Identifier: MIT
/* symbol.h: the names of constants and errors that scripts use. */
#ifndef TCPIP_TESTS_SCRIPT_SYMBOL_H
#define TCPIP_TESTS_SCRIPT_SYMBOL_H

#include <stdbool.h>
#include <stdint.h>

/* AF_INET, SO_ERROR, POLLIN, ESTABLISHED, ECONNREFUSED, ...; false: no such name. */
bool symbol_value(const char *name, int64_t *value);
/* 0: no such name. */
int symbol_errno(const char *name);
/* "ECONNREFUSED"; "0" for none. */
const char *symbol_errno_name(int error);

/* Linux's numbers, which older headers don't have. */
enum { SCRIPT_AO_ADD_KEY = 38, SCRIPT_AO_DEL_KEY = 39, SCRIPT_AO_INFO = 40 };

#endif
