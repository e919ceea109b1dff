// SPDX-License-Identifier: MIT
/* segment.h: TCP segments and IP packets as bytes, made and read without the library: for peers that shall not make its
 * mistakes, and for those that make others on purpose. */
#ifndef TCPIP_TESTS_SIM_SEGMENT_H
#define TCPIP_TESTS_SIM_SEGMENT_H

#include <tcpip/address.h>

enum { SEGMENT_BYTES_MAX = 4096, SEGMENT_OPTIONS_MAX = 40 };

enum { SEGMENT_FIN = 1, SEGMENT_SYN = 2, SEGMENT_RST = 4, SEGMENT_PSH = 8, SEGMENT_ACK = 16 };
enum { SEGMENT_TCP = 6, SEGMENT_UDP = 17, SEGMENT_ICMPV4 = 1, SEGMENT_ICMPV6 = 58, SEGMENT_FRAGMENT = 44 };

struct segment {
    struct tcpip_address source, destination; /* of one family */
    uint16_t source_port, destination_port;
    uint32_t seq, ack;
    uint16_t window;
    uint8_t flags;
    uint8_t tos, ttl; /* 0: 64 */
    uint8_t options[SEGMENT_OPTIONS_MAX];
    uint32_t options_bytes; /* a multiple of 4 */
    const uint8_t *data;
    uint32_t data_bytes;
};

/* The sum of RFC 1071 over bytes, not inverted. */
uint16_t segment_sum(const uint8_t *p, size_t size, uint32_t initial);
uint32_t segment_pseudo_sum(const struct tcpip_address *source, const struct tcpip_address *destination,
                            uint8_t protocol, size_t size);
/* An IP header for `size` bytes of payload that follow; returns its length. */
size_t segment_ip(uint8_t *out, const struct tcpip_address *source, const struct tcpip_address *destination,
                  uint8_t protocol, size_t size, uint8_t ttl, uint8_t tos);
/* A whole packet; returns its length. `out` has room for SEGMENT_BYTES_MAX. */
size_t segment_build(uint8_t *out, const struct segment *segment);
/* false: it isn't a whole TCP segment whose checksums are right. Its data lie in `packet`. */
bool segment_parse(const uint8_t *packet, size_t size, struct segment *out);
/* What of the sequence space it takes. */
static inline uint32_t segment_length(const struct segment *segment)
{
    return segment->data_bytes + ((segment->flags & SEGMENT_SYN) != 0) + ((segment->flags & SEGMENT_FIN) != 0);
}

#endif
