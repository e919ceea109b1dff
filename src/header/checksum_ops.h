// SPDX-License-Identifier: MIT
/* checksum_ops.h: the ways to sum that only some processors have. */
#ifndef TCPIP_SRC_HEADER_CHECKSUM_OPS_H
#define TCPIP_SRC_HEADER_CHECKSUM_OPS_H

#include <tcpip/header/checksum.h>

/* AVX2, or null when this processor (or this compiler's target) hasn't got it. */
const struct tcpip_checksum_ops *tcpip__checksum_ops_x86(void);

#endif
