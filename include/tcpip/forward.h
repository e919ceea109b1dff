// SPDX-License-Identifier: MIT
/* forward.h: stand in for other hosts: every SYN that finds no listener is shown to a forwarder before it is answered.
 *
 * For VPN clients, tun2socks, user-mode networking: learn who calls whom, dial the real destination, and only then say
 * yes. With a NIC that is promiscuous (takes packets to any address) and spoofing (sends from any), all destinations
 * there are can be answered.
 *
 *     SYN --> on_syn --> ACCEPT ---- handshake ----> on_connection: the endpoint is the owner's
 *                   |--> RESET, DROP, *_UNREACHABLE, PROHIBITED: it is over
 *                   `--> DEFER ----> tcpip_tcp_forward_accept: the endpoint was the owner's all along
 *                              |---> tcpip_tcp_forward_decide: as if on_syn had said so
 *                              `---> on_gone: nothing is left to decide
 *
 * A deferred request takes the last of these ways exactly once. The peer's SYNs that come again meanwhile are ignored,
 * and on_syn doesn't hear of them.
 *
 * The verdict can't be got round: where there is no memory for a request, its SYN is dropped. No SYN cookie is sent,
 * and none is taken, where no listener is. Fast Open isn't answered either: data of a SYN are dropped, and the peer
 * sends them again after the handshake, as it does with any server that forgot the cookie. */
#ifndef TCPIP_FORWARD_H
#define TCPIP_FORWARD_H

#include <tcpip/address.h>
#include <tcpip/base.h>
#include <tcpip/error.h>

TCPIP_BEGIN_DECLS

struct tcpip_endpoint;
struct tcpip_stack;

/* A SYN that waits for its verdict. The library's: valid while on_syn runs; with DEFER until it is decided, accepted or
 * gone. At most 128 bytes of memory, its share of the tables included. */
struct tcpip_tcp_forward_request;

enum tcpip_tcp_verdict {
    TCPIP_TCP_FORWARD_ACCEPT, /* SYN-ACK, with the stack's options; on_connection hears of it when it is established */
    TCPIP_TCP_FORWARD_DEFER,  /* decide later */
    TCPIP_TCP_FORWARD_RESET,  /* as a closed port */
    TCPIP_TCP_FORWARD_DROP,   /* silence: the peer tries again, and on_syn is asked again */
    /* ICMP errors, of the peer's family, within the limit that all errors have: what connect there says */
    TCPIP_TCP_FORWARD_NET_UNREACHABLE,  /* 3/0, ICMPv6 1/0: network is unreachable */
    TCPIP_TCP_FORWARD_HOST_UNREACHABLE, /* 3/1, 1/3: no route to host */
    TCPIP_TCP_FORWARD_PORT_UNREACHABLE, /* 3/3, 1/4: connection refused */
    TCPIP_TCP_FORWARD_PROHIBITED,       /* 3/13, 1/1: no route to host; permission denied with ICMPv6 */
};

struct tcpip_tcp_forwarder {
    size_t size;            /* sizeof(struct tcpip_tcp_forwarder) */
    uint32_t max_in_flight; /* requests deferred or in handshake; 0: 1024 */
    /* Runs inside a turn; must not enter the stack. */
    enum tcpip_tcp_verdict (*on_syn)(void *ctx, struct tcpip_tcp_forward_request *request);
    /* A handshake of ACCEPT is done; the endpoint is the callee's, to be closed by it. Runs at the end of the turn; may
     * enter the stack. NULL: closed at once. */
    void (*on_connection)(void *ctx, struct tcpip_endpoint *endpoint);
    /* A deferred request is over undecided: forget the pointer. CONNECTION_RESET: the peer gave up; TIMEOUT: it waited
     * for defer_ns; ABORTED: the forwarder was replaced, or the stack is going. Once for each, and never after
     * _decide or _accept. Runs inside a turn; must not enter the stack. May be NULL when nothing is deferred. */
    void (*on_gone)(void *ctx, struct tcpip_tcp_forward_request *request, enum tcpip_error why);
    void *ctx;
    tcpip_ns defer_ns; /* how long a request may wait; 0: a minute; half an hour at most */
    /* What one source may have, so that it doesn't take all: by address, and by network. Pending: deferred or in
     * handshake; open: established, until the connection is over. 0: no such cap. */
    uint32_t source_pending_max, source_open_max;
    uint32_t network_pending_max, network_open_max;
    uint8_t network_bits_v4, network_bits_v6; /* 0: /24, /64 */
    bool limit_resets; /* what a SYN above max_in_flight or a cap gets: RST (as limited as all are); else nothing */
};

/* Takes over every SYN that finds no listener; NULL ends it. Deferred requests of the one before are reset and gone,
 * connections stay. `forwarder` is copied. UNKNOWN_PROTOCOL: the stack has no TCP; INVALID_ARGUMENT: no on_syn;
 * NO_MEMORY: for the counting of sources; then nothing has changed. An entry. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_tcp_set_forwarder(struct tcpip_stack *stack,
                                                                  const struct tcpip_tcp_forwarder *forwarder);
/* local: where the SYN was going; remote: where it came from. Either may be NULL. */
TCPIP_API void tcpip_tcp_forward_addresses(const struct tcpip_tcp_forward_request *request,
                                           struct tcpip_full_address *local, struct tcpip_full_address *remote);
/* A pointer of the owner's, kept with the request; NULL at first. */
TCPIP_API void tcpip_tcp_forward_set_data(struct tcpip_tcp_forward_request *request, void *data);
TCPIP_API void *tcpip_tcp_forward_data(const struct tcpip_tcp_forward_request *request);
/* Decides a deferred request; it is gone afterwards. DEFER again counts as DROP, and so does ACCEPT without memory for
 * a record: the peer's next SYN is a new request. With ACCEPT nobody hears if the handshake fails: who must know takes
 * tcpip_tcp_forward_accept. An entry. */
TCPIP_API void tcpip_tcp_forward_decide(struct tcpip_stack *stack, struct tcpip_tcp_forward_request *request,
                                        enum tcpip_tcp_verdict verdict);
/* Accepts a deferred request on an endpoint of the caller's: a new one, neither bound nor connected, with the options
 * that the connection is to have (its SYN-ACK tells of buffers, MSS, window scale and so on). OK: the request is gone,
 * the SYN-ACK goes out at once, and the endpoint, as before the caller's, is in SYN-RECEIVED. It is writable when the
 * third segment is here; until then writes say WOULD_BLOCK. If none comes it ends with an error as any connection does:
 * CONNECTION_RESET, TIMEOUT, or what an ICMP error said.
 *
 * On errors both stay as they were: INVALID_ENDPOINT_STATE: not a new endpoint, or one with keys, where the SYN had no
 * signature; NOT_SUPPORTED: not TCP;
 * ADDRESS_FAMILY_NOT_SUPPORTED: an endpoint of IPv4 for a peer of IPv6, or one of IPv6 that takes nothing else;
 * NO_ROUTE and others: no way to the peer. An entry. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_tcp_forward_accept(struct tcpip_stack *stack,
                                                                   struct tcpip_tcp_forward_request *request,
                                                                   struct tcpip_endpoint *endpoint);

TCPIP_END_DECLS

#endif
