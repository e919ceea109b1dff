// SPDX-License-Identifier: MIT
/* tcp_peer.h: one stack, and a peer whose every segment is the test's: honest, forged or broken.
 *
 *     us 10.0.0.1  --- channel --- the test, 10.0.0.2
 */
#ifndef TCPIP_TESTS_LIB_TCP_PEER_H
#define TCPIP_TESTS_LIB_TCP_PEER_H

#include "test_env.h"

#include <tcpip/header/tcp.h>
#include <tcpip/tcpip.h>

enum { PEER_PORT = 5000, PEER_US_PORT = 80, PEER_BYTES_MAX = 70000 };

/* A segment of the peer's; ports 0: PEER_PORT to PEER_US_PORT. */
struct peer_segment {
    uint16_t from, to, flags, window; /* window 0: 65535, see zero_window */
    uint32_t seq, ack, bytes;         /* payload, zeros */
    struct tcpip_tcp_options options;
    bool zero_window;
};

/* A segment of ours. */
struct peer_seen {
    struct tcpip_tcp_fields fields;
    struct tcpip_tcp_options options;
    uint32_t bytes;
};

struct tcp_peer {
    struct test_env world;
    struct tcpip_stack *stack;
    struct tcpip_link *link;
    struct peer_seen seen;         /* the last that was taken */
    uint32_t seq, ack;             /* of an open connection: what the peer sends and acknowledges next */
    uint16_t us_port, peer_port;   /* of that connection */
    bool lends;                    /* its packets come in the link's own memory, ... */
    bool in_turn;                  /* the test has entered: what is sent waits for its leaving */
    uint32_t lent;                 /* of which so many are out */
    uint8_t bytes[PEER_BYTES_MAX]; /* of the last packet of ours, as IP */
    size_t size;
};

/* limits may be NULL. */
void peer_init(struct tcp_peer *peer, const struct tcpip_limits *limits);
/* Frees the stack; asserts that nothing leaked. */
void peer_fini(struct tcp_peer *peer);
void peer_run(struct tcp_peer *peer, tcpip_ns duration);
void peer_send(struct tcp_peer *peer, const struct peer_segment *segment);
/* The oldest TCP segment of ours that wasn't looked at, into peer->seen; false: there is none. */
bool peer_take(struct tcp_peer *peer);
/* As peer_take, and asserts on its flags. */
void peer_expect(struct tcp_peer *peer, uint16_t flags);
void peer_expect_nothing(struct tcp_peer *peer);
/* Throws away what we sent; returns how many packets. */
uint32_t peer_discard(struct tcp_peer *peer);
/* An ICMPv4 error from the peer about a segment of ours with these ports and this sequence number. */
void peer_icmp(struct tcp_peer *peer, uint8_t type, uint8_t code, uint16_t mtu, uint32_t quoted_seq);

struct tcpip_endpoint *peer_endpoint(struct tcp_peer *peer);
/* A listener at PEER_US_PORT. */
struct tcpip_endpoint *peer_listen(struct tcp_peer *peer, int backlog);
/* The peer calls, from peer_port; the three segments are exchanged with these options in its SYN (NULL: an MSS). */
void peer_call(struct tcp_peer *peer, uint16_t peer_port, const struct tcpip_tcp_options *options);
/* peer_listen, peer_call, accept, close of the listener. */
struct tcpip_endpoint *peer_accepted(struct tcp_peer *peer);
/* A segment of the open connection: at peer->seq, acknowledging peer->ack; moves peer->seq by what it holds. */
void peer_say(struct tcp_peer *peer, uint16_t flags, uint32_t bytes);
/* Takes all we sent and lets peer->ack be what follows it; returns the payload bytes. */
uint32_t peer_hear(struct tcp_peer *peer);
/* Takes the pending error. */
enum tcpip_error peer_error(struct tcpip_endpoint *endpoint);
enum tcpip_tcp_state peer_state(const struct tcpip_endpoint *endpoint);

#endif
