// SPDX-License-Identifier: MIT
/* env.h: what the world gives to a stack, once, when it is made: memory, clock, randomness; and its limits.
 *
 * The core opens no descriptor, starts no thread, reads no clock and calls no malloc of its own. These callbacks are
 * the only way out. They run inside a turn and must not enter the stack again (that asserts). The same holds
 * for every callback that runs inside a turn: bind's commit, the forwarder's verdict, peek's writer, steering, a link's
 * transmit, a congestion controller, trace. Waiters and release callbacks run at the end of a turn and may enter. */
#ifndef TCPIP_ENV_H
#define TCPIP_ENV_H

#include <tcpip/base.h>

TCPIP_BEGIN_DECLS

struct tcpip_event; /* trace.h */

struct tcpip_env {
    size_t size; /* sizeof(struct tcpip_env) */
    void *ctx;   /* handed to every callback */
    /* `size` bytes aligned to `align` (a power of two, at most 64), or NULL. Not zeroed. */
    void *(*alloc)(void *ctx, size_t size, size_t align);
    /* Gives back what alloc gave; `size` is what was asked for. */
    void (*free)(void *ctx, void *ptr, size_t size);
    /* Monotonic nanoseconds, never negative, never going back. Read at most once a turn. */
    tcpip_ns (*now)(void *ctx);
    /* Wall clock minus now(), for timestamps that people read; NULL: 0. */
    tcpip_ns (*wall_offset)(void *ctx);
    /* Fills `out` with unpredictable bytes. Called for keys and seeds only, never per packet. */
    void (*random)(void *ctx, void *out, size_t size);
    /* Hears every event, see trace.h; NULL: no tracing. */
    void (*trace)(void *ctx, const struct tcpip_event *event);
    /* A broken invariant: must not return. NULL: the program traps. */
    void (*fatal)(void *ctx, const char *file, int line, const char *what);
};

/* Every maximum there is. Zero in a field means the DEFAULT preset's value. What happens at each limit is said beside
 * it. */
struct tcpip_limits {
    size_t size;                  /* sizeof(struct tcpip_limits) */
    uint64_t memory_bytes;        /* all that env.alloc gave and hasn't got back; at it: NO_MEMORY or a drop */
    uint32_t nics;                /* LIMIT_REACHED */
    uint32_t addresses_per_nic;   /* LIMIT_REACHED */
    uint32_t routes;              /* LIMIT_REACHED */
    uint32_t endpoints;           /* NO_BUFFER_SPACE from new_endpoint; a completed handshake is dropped and retried */
    uint32_t neighbors;           /* the least recently used dynamic entry goes */
    uint32_t path_mtus;           /* destinations whose path MTU is known: the least recently used goes */
    uint32_t neighbor_pending;    /* packets that wait for one resolution: the oldest is dropped */
    uint32_t fragment_bytes;      /* reassembly buffers: the oldest datagram is dropped */
    uint32_t fragment_datagrams;  /* datagrams in reassembly: the oldest is dropped */
    uint32_t nic_queue_packets;   /* packets waiting for a link: tail drop */
    uint32_t syn_received;        /* half-open records per stack: SYN cookies */
    uint32_t time_wait;           /* records per stack: the oldest goes */
    uint32_t accept_backlog;      /* listen()'s argument is cut to it */
    uint32_t tcp_send_buffer_max; /* bytes; what auto-tuning and the option may reach */
    uint32_t tcp_receive_buffer_max;
    uint32_t tcp_records;          /* scoreboard records per endpoint: SACK blocks that would need more are ignored */
    uint32_t tcp_out_of_order;     /* out-of-order blocks per endpoint: the highest is dropped */
    uint32_t tcp_fast_open_peers;  /* servers whose Fast Open cookies are kept: the least recently used goes */
    uint32_t datagram_queue_bytes; /* default receive buffer of UDP and ping endpoints: tail drop */
    /* Generated ICMP errors: not sent. One peer gets 1/256 of it, 6 at once; an eighth of it as TCP resets, and 1/1024,
     * 16 at once, as SYN-ACKs sent again. */
    uint32_t icmp_errors_per_second;
    uint32_t lent_buffers; /* links' own (tcpip_buffer_set_lent), out at once: TCP copies what comes in more */
    uint32_t turn_budget;  /* units of work (packets to ourselves, flushes, waiters, timers) before a turn yields */
};

/* TINY: the whole stack within 5 MB. DEFAULT: a program with some thousands of connections. SERVER: a million. */
TCPIP_API void tcpip_limits_tiny(struct tcpip_limits *out);
TCPIP_API void tcpip_limits_default(struct tcpip_limits *out);
TCPIP_API void tcpip_limits_server(struct tcpip_limits *out);

TCPIP_END_DECLS

#endif
