// SPDX-License-Identifier: MIT
/* datagrams.h: what tests of datagram endpoints say often: make, bind, send a text, expect a text; and packets in bytes
 * at a stack with one link. */
#ifndef TCPIP_TESTS_LIB_DATAGRAMS_H
#define TCPIP_TESTS_LIB_DATAGRAMS_H

#include "test_env.h"

#include <tcpip/tcpip.h>

/* "10.0.0.1", "fd00::1"; good until the next 16 calls. */
const struct tcpip_full_address *full(const char *address, uint16_t port);

/* ---- endpoints ---- */

struct tcpip_endpoint *datagram_new(struct tcpip_stack *stack, uint32_t transport, uint32_t network);
struct tcpip_endpoint *udp4_new(struct tcpip_stack *stack);
struct tcpip_endpoint *udp6_new(struct tcpip_stack *stack);
/* New and bound. */
struct tcpip_endpoint *udp4_bound(struct tcpip_stack *stack, const char *address, uint16_t port);
struct tcpip_endpoint *udp6_bound(struct tcpip_stack *stack, const char *address, uint16_t port);
void set_option(struct tcpip_endpoint *ep, enum tcpip_option option, int64_t value);
int64_t get_option(struct tcpip_endpoint *ep, enum tcpip_option option);
/* `to` NULL: to the peer. */
enum tcpip_error send_text(struct tcpip_endpoint *ep, const char *text, const struct tcpip_full_address *to);
/* `bytes` of a pattern. */
enum tcpip_error send_bytes(struct tcpip_endpoint *ep, size_t bytes, const struct tcpip_full_address *to);
/* Reads a datagram; returns the error and, on success, checks that it is this text. */
enum tcpip_error expect_text(struct tcpip_endpoint *ep, const char *text);
enum tcpip_error expect_bytes(struct tcpip_endpoint *ep, size_t bytes);
/* What a read answers; the datagram is lost. */
enum tcpip_error read_error(struct tcpip_endpoint *ep);

/* ---- one stack, and its link in bytes: 10.0.0.1/24 and fd00::1/64; the peer is 10.0.0.2, fd00::2 ---- */

enum { WIRE_BYTES = 70000 };

struct wire {
    struct test_env world;
    struct tcpip_stack *stack;
    struct tcpip_link *link;
    uint8_t out[WIRE_BYTES]; /* what was collected last */
    size_t out_bytes;
};

/* limits may be NULL; queue_packets: what the link takes before it pushes back (0: its default). */
void wire_init(struct wire *wire, const struct tcpip_limits *limits, uint32_t queue_packets);
void wire_fini(struct wire *wire);
void wire_inject(struct wire *wire, const uint8_t *bytes, size_t size);
/* False: nothing was sent. */
bool wire_collect(struct wire *wire);
uint64_t wire_drops(const struct wire *wire, enum tcpip_drop reason);
struct tcpip_stats wire_stats(const struct wire *wire);

/* A UDP packet from the peer to us; the family is the addresses'. */
struct wire_udp {
    const char *source, *destination; /* NULL: the peer's and our IPv4 address */
    uint16_t source_port, destination_port;
    const char *text;
    int length;       /* of the UDP header; 0: the right one */
    int bytes_behind; /* the length: more bytes in the IP packet */
    int cut;          /* the IP packet ends so many bytes early */
    bool no_checksum, bad_checksum;
};
size_t wire_udp(uint8_t *out, const struct wire_udp *fields);
/* An ICMP error about `quoted` (an IP packet), sent by `from` to us. `word`: behind the checksum (the MTU). */
struct wire_error {
    const char *from;
    uint8_t type, code;
    uint32_t word;
};
size_t wire_icmp_error(uint8_t *out, const struct wire_error *fields, const uint8_t *quoted, size_t quoted_bytes);

#endif
