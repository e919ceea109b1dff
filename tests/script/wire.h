// SPDX-License-Identifier: MIT
/* wire.h: whole IP packets as bytes, built from fields and read back; the runner's own, beside the library's. */
#ifndef TCPIP_TESTS_SCRIPT_WIRE_H
#define TCPIP_TESTS_SCRIPT_WIRE_H

#include "script.h"

#include <tcpip/header/tcp.h>

#define WIRE_BYTES_MAX 65575

struct wire_ip {
    bool v6;
    const uint8_t *source, *destination; /* 4 or 16 bytes */
    uint8_t tos, ttl, protocol;
    bool dont_fragment;
};

/* A packet read back; pointers lead into its bytes. */
struct wire_view {
    struct wire_ip ip;
    enum packet_kind kind;
    const uint8_t *bytes; /* all */
    size_t size;
    const uint8_t *upper, *payload;
    size_t upper_bytes, payload_bytes;
    struct tcpip_tcp_fields tcp;
    uint16_t source_port, destination_port; /* TCP and UDP */
    uint8_t icmp_type, icmp_code;
    uint32_t icmp_rest;
};

/* Each writes a packet with all checksums and returns its size; payload follows `header`'s options. */
size_t wire_build_tcp(uint8_t *out, const struct wire_ip *ip, const struct tcpip_tcp_fields *fields,
                      const uint8_t *options, size_t option_bytes, const uint8_t *payload, size_t payload_bytes);
size_t wire_build_udp(uint8_t *out, const struct wire_ip *ip, uint16_t source_port, uint16_t destination_port,
                      const uint8_t *payload, size_t payload_bytes);
/* `rest`: the four bytes behind the checksum. */
size_t wire_build_icmp(uint8_t *out, const struct wire_ip *ip, uint8_t type, uint8_t code, uint32_t rest,
                       const uint8_t *body, size_t body_bytes);
/* Spoils the transport checksum. */
void wire_spoil(uint8_t *packet, size_t size);

/* NULL: read, and every length and checksum in it is right; else what is wrong. Fragments and other protocols than TCP,
 * UDP and ICMP are wrong too. */
const char *wire_read(const uint8_t *bytes, size_t size, struct wire_view *view);

/* What a stream carries at `position`; each direction its own, and long before it repeats. */
uint8_t payload_byte(bool inbound, uint32_t position);
void payload_fill(uint8_t *out, size_t size, bool inbound, uint32_t position);
/* The first that differs from payload_fill, or `size`. */
size_t payload_check(const uint8_t *bytes, size_t size, bool inbound, uint32_t position);

#endif
