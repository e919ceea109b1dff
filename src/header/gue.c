// SPDX-License-Identifier: MIT
/* gue.c: the header of Generic UDP Encapsulation, variant 0.
 *
 *   variant:2 control:1 hlen:5 | protocol | flags:16 | hlen times 4 bytes of fields that the flags call for
 *
 * Not here: those optional fields; a receiver skips them by the header's size. */
#include <tcpip/header/gue.h>

#include "base/assert.h"

bool tcpip_gue_header_check(const uint8_t *p, size_t front_bytes, size_t *header_bytes)
{
    if (front_bytes < TCPIP_GUE_HEADER_MIN || tcpip_gue_variant(p) != 0 || tcpip_gue_header_bytes(p) > front_bytes)
        return false;
    *header_bytes = tcpip_gue_header_bytes(p);
    return true;
}

void tcpip_gue_encode(uint8_t *out, const struct tcpip_gue_fields *fields)
{
    ASSERT(fields->variant < 4 && fields->header_bytes % 4 == 0);
    ASSERT(fields->header_bytes >= TCPIP_GUE_HEADER_MIN && fields->header_bytes <= TCPIP_GUE_HEADER_MAX);
    uint8_t words = (uint8_t)((fields->header_bytes - TCPIP_GUE_HEADER_MIN) / 4);
    out[0] = (uint8_t)((unsigned)fields->variant << 6 | (fields->control ? 0x20u : 0u) | words);
    out[1] = fields->protocol;
    tcpip_store_u16(out + 2, fields->flags);
}

void tcpip_gue_decode(const uint8_t *p, struct tcpip_gue_fields *out)
{
    *out = (struct tcpip_gue_fields){
        .variant = tcpip_gue_variant(p),
        .control = tcpip_gue_is_control(p),
        .header_bytes = (uint8_t)tcpip_gue_header_bytes(p),
        .protocol = tcpip_gue_protocol(p),
        .flags = tcpip_gue_flags(p),
    };
}
