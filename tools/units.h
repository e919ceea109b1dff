// SPDX-License-Identifier: MIT
/* units.h: quantities as people write them: 20ms, 1%, 100mbit, 64k.
 *
 * All of it is integer arithmetic; a quantity that doesn't fit is refused, never cut. A number without a unit is
 * refused too, unless it is zero or the unit is plain counting: "20" for a delay is a mistake more often than not. */
#ifndef TCPIP_TOOLS_UNITS_H
#define TCPIP_TOOLS_UNITS_H

#include <tcpip/base.h>

#define UNITS_DURATION_FORM "a duration like 20ms, 1.5s or 2min"
#define UNITS_SHARE_FORM "a share like 1%, 0.05% or 300ppm"
#define UNITS_RATE_FORM "a rate like 100mbit or 1.5gbit"
#define UNITS_SIZE_FORM "a size like 1500, 64k or 2g"

/* Each leaves `out` alone and returns false when `text` isn't one. */

/* ns, us, ms, s, min, h. */
bool units_duration(const char *text, tcpip_ns *out);
/* %, ppm; into parts per million, at most all of them. */
bool units_share(const char *text, uint32_t *out);
/* bit, kbit, mbit, gbit (1000 each), any case, with or without "/s"; into bits per second. */
bool units_rate(const char *text, uint64_t *out);
/* Bytes; k, m, g (1024 each). */
bool units_size(const char *text, uint64_t *out);
/* Plain decimal digits, min to max. */
bool units_number(const char *text, uint64_t min, uint64_t max, uint64_t *out);

#endif
