// SPDX-License-Identifier: MIT
/* sign.h: the signatures that scripts write as `md5 1` and `ao 1 2`: secrets by number, codes over the packet as it is.
 */
#ifndef TCPIP_TESTS_SCRIPT_SIGN_H
#define TCPIP_TESTS_SCRIPT_SIGN_H

#include "flow.h"

enum { SIGN_SECRET_BYTES = 16 };

/* The secret with that number: of MD5's key, or of the AO key with that id in both directions. */
void sign_secret(unsigned number, uint8_t out[SIGN_SECRET_BYTES]);

/* Puts the codes that `spec` names into `options`, which go with these fields and this payload. */
void sign_options(const struct flow *flow, const struct ends *ends, const struct packet_spec *spec, bool inbound,
                  const struct tcpip_tcp_fields *fields, uint8_t *options, size_t option_bytes, const uint8_t *payload,
                  size_t payload_bytes);

#endif
