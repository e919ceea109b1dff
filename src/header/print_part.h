// SPDX-License-Identifier: MIT
/* print_part.h: the printers of single headers, between print.c, which walks the packet, and its leaves. */
#ifndef TCPIP_SRC_HEADER_PRINT_PART_H
#define TCPIP_SRC_HEADER_PRINT_PART_H

#include "header/text.h"

/* The rest of a packet: what is at hand of it, and how much there really is. front_bytes <= total_bytes. */
struct print_part {
    const uint8_t *p;
    size_t front_bytes, total_bytes;
};

/* `part` without its first `n` bytes (or what there is of them). */
static inline struct print_part print_part_skip(struct print_part part, size_t n)
{
    size_t front = n < part.front_bytes ? n : part.front_bytes;
    size_t total = n < part.total_bytes ? n : part.total_bytes;
    return (struct print_part){part.p + front, part.front_bytes - front, part.total_bytes - total};
}

/* `part` capped to `n` bytes. */
static inline struct print_part print_part_cap(struct print_part part, size_t n)
{
    if (part.front_bytes > n)
        part.front_bytes = n;
    if (part.total_bytes > n)
        part.total_bytes = n;
    return part;
}

/* The network header that the part came behind. */
struct print_ip {
    const uint8_t *source, *destination; /* 4 or 16 bytes */
    uint8_t address_bytes;
    uint8_t protocol;
    const char *extensions; /* what IPv6 had before the upper header, as "HBH RT "; null: nothing */
};

static inline void text_ip_address(struct text *text, const uint8_t *bytes, uint8_t address_bytes)
{
    if (address_bytes == 4)
        text_ipv4(text, bytes);
    else
        text_ipv6(text, bytes);
}

/* "a > b: ", and with a port each "a.port > b.port: "; then the extensions. */
void tcpip__print_pair(struct text *text, const struct print_ip *ip, const uint8_t *ports);

/* Each prints from the addresses to the end. */
void tcpip__print_tcp(struct text *text, const struct print_ip *ip, struct print_part part);
void tcpip__print_udp(struct text *text, const struct print_ip *ip, struct print_part part);
void tcpip__print_icmpv4(struct text *text, const struct print_ip *ip, struct print_part part);
void tcpip__print_icmpv6(struct text *text, const struct print_ip *ip, struct print_part part);
void tcpip__print_igmp(struct text *text, const struct print_ip *ip, struct print_part part);

#endif
