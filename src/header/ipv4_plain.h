// SPDX-License-Identifier: MIT
/* ipv4_plain.h: the IPv4 header of nearly every packet that leaves: no options, never a fragment nor to be one, so that
 * it needs no identification (RFC 6864 4.1). Five words, summed as they are made. */
#ifndef TCPIP_SRC_HEADER_IPV4_PLAIN_H
#define TCPIP_SRC_HEADER_IPV4_PLAIN_H

#include "header/checksum_word.h"

#include <tcpip/header/ipv4.h>

/* What tcpip_ipv4_encode writes with TCPIP_IPV4_DONT_FRAGMENT, id 0 and no options. */
static inline void ipv4_encode_plain(uint8_t *out, uint8_t tos, uint16_t total_length, uint8_t ttl, uint8_t protocol,
                                     const uint8_t *source, const uint8_t *destination)
{
    uint32_t length_word = 0x45000000u | (uint32_t)tos << 16 | total_length, id_word = TCPIP_IPV4_DONT_FRAGMENT;
    uint32_t ttl_word = (uint32_t)ttl << 24 | (uint32_t)protocol << 16;
    uint32_t from = tcpip_load_u32(source), to = tcpip_load_u32(destination);
    uint64_t sum = (uint64_t)length_word + id_word + ttl_word + from + to; /* host order: nothing to swap */
    tcpip_store_u32(out, length_word);
    tcpip_store_u32(out + 4, id_word);
    tcpip_store_u32(out + 8, ttl_word | tcpip_checksum_finish(checksum_word_fold(sum)));
    tcpip_store_u32(out + 12, from);
    tcpip_store_u32(out + 16, to);
}

#endif
