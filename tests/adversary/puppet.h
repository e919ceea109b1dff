// SPDX-License-Identifier: MIT
/* puppet.h: connections that the attacker really opens, each from an address of its own, played by hand. */
#ifndef TCPIP_TESTS_ADVERSARY_PUPPET_H
#define TCPIP_TESTS_ADVERSARY_PUPPET_H

#include "bench.h"

struct puppet {
    struct ip from;
    uint16_t to_port, window;
    uint32_t seq;   /* sent next */
    uint32_t una;   /* the victim acknowledges so far */
    uint32_t ack;   /* acknowledged so far */
    uint32_t heard; /* the end of what the victim has sent */
    uint32_t least; /* the shortest segment with text that was heard and wasn't a probe of one byte; 0: none */
    uint64_t segments, bytes, sent;
    bool open, gone; /* gone: reset, or its FIN came */
};

struct puppets {
    struct puppet *all;
    uint32_t count;
    /* A segment for this puppet came; NULL: it is only noted. */
    void (*heard)(struct bench *bench, struct puppet *puppet, const struct seen *seen);
};

/* bench_begin, with `count` puppets. */
void puppets_begin(struct bench *bench, struct puppets *puppets, uint32_t count, const struct bench_options *options);
/* bench_end. */
void puppets_end(struct bench *bench, struct puppets *puppets);
/* A segment, at `seq`, with the puppet's window. */
void puppet_send(struct bench *bench, struct puppet *puppet, uint16_t flags, uint32_t seq, uint32_t bytes);
/* The same, with options. */
void puppet_send_options(struct bench *bench, struct puppet *puppet, uint32_t seq,
                         const struct tcpip_tcp_options *options);
/* Three segments; `window` is what the third offers. options NULL: an MSS of 1460. */
void puppet_call(struct bench *bench, struct puppet *puppet, uint16_t port, uint16_t window,
                 const struct tcpip_tcp_options *options);
/* All of them, 10,000 a second. */
void puppets_call(struct bench *bench, struct puppets *puppets, uint16_t port, uint16_t window);
/* Acknowledges all that was heard. */
void puppet_ack(struct bench *bench, struct puppet *puppet);

#endif
