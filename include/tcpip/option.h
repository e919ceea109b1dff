// SPDX-License-Identifier: MIT
/* option.h: endpoint options. Per stack as the default (tcpip_stack_set_default), per endpoint as the override; unset
 * values follow the stack live; accepted endpoints inherit what Linux inherits. Times in nanoseconds, sizes in exact
 * bytes. */
#ifndef TCPIP_OPTION_H
#define TCPIP_OPTION_H

#include <tcpip/base.h>

TCPIP_BEGIN_DECLS

/* X(NAME, what). Values are int64. */
#define TCPIP_OPTIONS(X)                                                                    \
    X(ERROR, "get: the pending error, cleared by reading it")                               \
    X(SEND_BUFFER_SIZE, "bytes; clamped; setting it ends auto-tuning")                      \
    X(RECEIVE_BUFFER_SIZE, "bytes; clamped; setting it ends auto-tuning")                   \
    X(RECEIVE_QUEUE_SIZE, "get: unread bytes (TCP), bytes of the next datagram (UDP)")      \
    X(SEND_QUEUE_SIZE, "get: bytes written and not yet acknowledged")                       \
    X(BYTES_WRITTEN, "get: of the stream, or stamped datagrams: where stamps count from")   \
    X(REUSE_ADDRESS, "0 or 1")                                                              \
    X(REUSE_PORT, "0 or 1")                                                                 \
    X(PASSCRED, "unix endpoints only")                                                      \
    X(V6_ONLY, "0 or 1; before bind")                                                       \
    X(BROADCAST, "0 or 1")                                                                  \
    X(BIND_TO_NIC, "NIC id or 0")                                                           \
    X(MARK, "copied to packets")                                                            \
    X(TTL, "IPv4 TTL and IPv6 hop limit, 1 to 255; 0: default")                             \
    X(TOS, "IPv4 TOS and IPv6 traffic class, 0 to 255")                                     \
    X(MULTICAST_TTL, "0 to 255")                                                            \
    X(MULTICAST_LOOP, "0 or 1")                                                             \
    X(MULTICAST_NIC, "NIC id or 0")                                                         \
    X(RECEIVE_TTL, "0 or 1: control message")                                               \
    X(RECEIVE_TOS, "0 or 1: control message")                                               \
    X(RECEIVE_PACKET_INFO, "0 or 1: control message")                                       \
    X(RECEIVE_ERROR, "0 or 1: soft ICMP errors are reported too")                           \
    X(PATH_MTU_DISCOVERY, "TCPIP_PATH_MTU_...; WANT (default): DF, or fragments made here") \
    X(PATH_MTU, "get: of the connected route")                                              \
    X(PATH_MTU_LIFETIME, "ns until what is known of a path is forgotten; of the stack")     \
    X(CHECKSUM_OFF, "UDP over IPv4 only: send without checksum")                            \
    X(LINGER, "-1: off (default); 0: reset at close; n: the time the layer above waits")    \
    X(NO_DELAY, "0 or 1: Nagle off")                                                        \
    X(CORK, "0 or 1; full segments only, for at most 200 ms; UDP: all is one datagram")     \
    X(QUICK_ACK, "0 or 1: quick ACK mode")                                                  \
    X(MAX_SEGMENT, "user MSS, 88 to 32767; 0: from the path")                               \
    X(KEEPALIVE, "0 or 1")                                                                  \
    X(KEEPALIVE_IDLE, "ns; default 7200 s")                                                 \
    X(KEEPALIVE_INTERVAL, "ns; default 75 s")                                               \
    X(KEEPALIVE_COUNT, "probes; default 9")                                                 \
    X(USER_TIMEOUT, "ns; 0: off (RFC 5482's sense)")                                        \
    X(SYN_COUNT, "SYN retransmissions; default 6")                                          \
    X(SYN_ACK_COUNT, "SYN-ACK retransmissions; default 5")                                  \
    X(RETRANSMIT_COUNT, "retransmissions before Timeout; default 15")                       \
    X(LINGER2, "ns in FIN-WAIT-2 after close; default 60 s; -1: go at once")                \
    X(TIME_WAIT, "ns; default 60 s")                                                        \
    X(DEFER_ACCEPT, "ns; 0: off")                                                           \
    X(ABORT_ON_OVERFLOW, "0 or 1: a handshake that ends at a full accept queue is reset")   \
    X(WINDOW_CLAMP, "bytes; 0: off")                                                        \
    X(RECEIVE_LOW_WATER, "bytes before In; default 1")                                      \
    X(NOT_SENT_LOW_WATER, "unsent bytes below which Out, and a write takes any; 0: off")    \
    X(MIN_RTO, "ns; default 200 ms")                                                        \
    X(MAX_RTO, "ns; default 120 s")                                                         \
    X(INITIAL_RTO, "ns; default 1 s")                                                       \
    X(DELAYED_ACK_MIN, "ns; default 40 ms")                                                 \
    X(DELAYED_ACK_MAX, "ns; default 200 ms")                                                \
    X(INITIAL_WINDOW, "segments; default 10")                                               \
    X(SACK, "0 or 1; before connect or listen")                                             \
    X(TIMESTAMPS, "0 or 1; before connect or listen")                                       \
    X(WINDOW_SCALING, "0 or 1; before connect or listen")                                   \
    X(SYN_COOKIES, "0: never, 1: when the queue is full (default), 2: always")              \
    X(RFC1337, "0 or 1: RST is ignored in TIME-WAIT")                                       \
    X(TIME_WAIT_REUSE, "active opens over TIME-WAIT, RFC 6191: 0, 1, 2 over loopback only") \
    X(TIME_WAIT_REUSE_DELAY, "ns that such a TIME-WAIT lasts at least; default 1 s")        \
    X(CHALLENGE_ACK_INTERVAL, "ns between ACKs of unacceptable segments; default 500 ms")   \
    X(MODERATE_BUFFERS, "0 or 1: auto-tuning; default 1")                                   \
    X(SLOW_START_AFTER_IDLE, "0 or 1; default 1")                                           \
    X(ACK_STRETCH_MAX, "segments one ACK may cover for a merged unit; default 44")          \
    X(THIN_LINEAR_TIMEOUTS, "0 or 1: of few segments, six timeouts without backing off")    \
    X(MAX_PACING_RATE, "bytes per second; paced at most so fast; 0: none")                  \
    X(PACKET_SEGMENTS, "segments that one packet to the link takes at least; default 2")    \
    X(PACING, "TCPIP_PACING_...: when windows are spread over round trips")                 \
    X(RACK, "bits: 1: losses are judged by time, 2: static window, 4: no DupThresh")        \
    X(TAIL_LOSS_PROBE, "0 or 1; default 1")                                                 \
    X(FAST_OPEN, "listener: unfinished Fast Opens at a time; 0: none; before connect")      \
    X(FAST_OPEN_CONNECT, "0 or 1: connect waits for the first write, which goes with SYN")  \
    X(FAST_OPEN_NO_COOKIE, "0 or 1: data on SYNs without a cookie, sent and taken")         \
    X(FAST_OPEN_MODE, "TCPIP_FAST_OPEN_...; default CLIENT; meant for the stack")           \
    X(FAST_OPEN_PAUSE, "ns without Fast Open when SYNs get lost; 0: off; default 3600 s")   \
    X(CWND_VALIDATION, "0 or 1: RFC 7661 in the place of SLOW_START_AFTER_IDLE")            \
    X(ECN, "Linux's tcp_ecn: 0 off, 1 both ways, 2 accepted (default); AccECN: 3, 4, 5")    \
    X(SAVE_SYN, "listener: 1: SYNs are kept (tcpip_endpoint_saved_syn); 2: the same")       \
    X(MIN_TTL, "0 to 255: TCP from farther away is dropped (RFC 5082)")                     \
    X(INCOMING_QUEUE, "of a REUSE_PORT group: what comes by this NIC queue first; -1: any") \
    X(FREE_BIND, "0 or 1: bind takes addresses that aren't assigned (yet)")                 \
    X(PORT_RANGE, "ephemeral ports: lowest | highest << 16, within the stack's; 0: all")    \
    X(PLPMTUD, "0: off, 1: when large segments seem to vanish (default), 2: always")        \
    X(PLPMTUD_BASE, "bytes: segments that most paths carry; default 1024")                  \
    X(PLPMTUD_FLOOR, "bytes: segments of a path that carries little else; default 536")     \
    X(PLPMTUD_INTERVAL, "ns until more is tried again; default 600 s")                      \
    X(PLPMTUD_THRESHOLD, "bytes that aren't worth a probe; default 8")                      \
    X(MIN_SEGMENT, "bytes: none smaller, whatever peer or path say; default 48")            \
    X(TIMESTAMP_CLOCK, "get: the clock of the timestamps that are sent")                    \
    X(ORPHAN_PROBES, "of a shut window, after close, before a reset; default 10")           \
    X(NEIGHBOR_PROOF, "0 or 1: a claim must outlive a probe of who has proven itself; of the stack")

enum tcpip_option {
#define TCPIP_OPTION_ENUM_(name, what) TCPIP_OPTION_##name,
    TCPIP_OPTIONS(TCPIP_OPTION_ENUM_)
#undef TCPIP_OPTION_ENUM_
        TCPIP_OPTION_COUNT
};

/* PACING. Controllers that have a rate, and MAX_PACING_RATE, are obeyed whatever it is. */
enum tcpip_pacing {
    TCPIP_PACING_OFF,
    TCPIP_PACING_ALWAYS,
    TCPIP_PACING_SLOW_START /* large windows that double; the default */
};

/* PATH_MTU_DISCOVERY (the values of Linux's IP_MTU_DISCOVER). TCP cuts nothing: it makes segments that fit, and only
 * the don't-fragment bit differs, and whether ICMP is believed. */
#define TCPIP_PATH_MTU_DONT 0      /* no don't-fragment bit; datagrams larger than the path's MTU are fragmented here */
#define TCPIP_PATH_MTU_WANT 1      /* the bit, where a datagram fits the path's MTU as known; else as DONT */
#define TCPIP_PATH_MTU_DO 2        /* the bit; larger datagrams: MESSAGE_TOO_LONG */
#define TCPIP_PATH_MTU_PROBE 3     /* the bit, and what is known of the path doesn't count, only the route's MTU */
#define TCPIP_PATH_MTU_INTERFACE 4 /* no bit; the route's MTU counts, packet-too-big isn't believed; else as DO */
#define TCPIP_PATH_MTU_OMIT 5      /* as INTERFACE, but larger datagrams are fragmented here */

/* FAST_OPEN_MODE's bits (RFC 7413; the values of net.ipv4.tcp_fastopen). A connection that is opened so carries data
 * with its SYN, which the server's application reads a round trip earlier; data of one SYN may then reach two
 * connections (RFC 7413 2.1), so both applications have to want it. */
#define TCPIP_FAST_OPEN_CLIENT 0x1             /* FAST_OPEN_CONNECT and TCPIP_WRITE_FAST_OPEN work */
#define TCPIP_FAST_OPEN_SERVER 0x2             /* listeners with FAST_OPEN take data on SYNs */
#define TCPIP_FAST_OPEN_CLIENT_NO_COOKIE 0x4   /* sends data without a cookie */
#define TCPIP_FAST_OPEN_SERVER_NO_COOKIE 0x200 /* takes data without one: whoever forges addresses may make us work */
#define TCPIP_FAST_OPEN_SERVER_ALL 0x400       /* listeners without FAST_OPEN take data too, as many as their backlog */

/* "NO_DELAY"; static. */
TCPIP_API const char *tcpip_option_name(enum tcpip_option option);

TCPIP_END_DECLS

#endif
