// SPDX-License-Identifier: MIT
/* ndp_name.h: domain names as labels (RFC 1035 3.1, without compression) and as dotted text. */
#ifndef TCPIP_SRC_HEADER_NDP_NAME_H
#define TCPIP_SRC_HEADER_NDP_NAME_H

#include "header/cursor.h"

/* Takes a name off the cursor as text into out[TCPIP_NDP_NAME_MAX]; returns its length, 0 for an empty or malformed
 * name. */
size_t tcpip__ndp_name_read(struct cursor *c, char *out);
/* The size of dotted `text` as labels with the closing one; 0 when it isn't a name. A last dot may stand or not. */
size_t tcpip__ndp_name_bytes(const char *text);
/* Writes a name that tcpip__ndp_name_bytes passed. */
void tcpip__ndp_name_write(struct pen *pen, const char *text);

#endif
