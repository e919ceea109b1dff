// SPDX-License-Identifier: MIT
/* scoreboard_fixture.h: a scoreboard alone, for its tests. */
#ifndef TCPIP_TESTS_LIB_SCOREBOARD_FIXTURE_H
#define TCPIP_TESTS_LIB_SCOREBOARD_FIXTURE_H

#include "test_env.h"
#include "transport/tcp/scoreboard.h"

enum { MSS = 10 };

struct fixture {
    struct test_env env;
    struct memory memory;
    struct pool pool;
    struct scoreboard board;
    seqnum una, nxt;
};

static inline void fixture_start(struct fixture *f, uint32_t limit, seqnum iss)
{
    test_env_init(&f->env, iss.v);
    tcpip__memory_init(&f->memory, &f->env.env, 0);
    tcpip__pool_init(&f->pool, &f->memory, sizeof(struct record), _Alignof(struct record), 0);
    tcpip__scoreboard_init(&f->board, limit);
    f->una = f->nxt = iss;
}

static inline void fixture_stop(struct fixture *f)
{
    tcpip__scoreboard_check(&f->board, f->una, f->nxt);
    tcpip__scoreboard_fini(&f->board, &f->pool);
    tcpip__pool_fini(&f->pool);
    tcpip__memory_fini(&f->memory);
    test_env_fini(&f->env);
}

static inline bool send(struct fixture *f, uint32_t length)
{
    struct rate_snapshot rate = {.delivered = f->nxt.v};
    if (!tcpip__scoreboard_sent(&f->board, &f->pool, f->nxt, length, 0, &rate, f->env.now))
        return false;
    f->nxt = seq_add(f->nxt, length);
    return true;
}

static inline struct tcp_ack facts_new(const struct fixture *f)
{
    return (struct tcp_ack){.now = f->env.now, .rtt_ns = -1, .sacked_rtt_ns = -1, .prior_una = f->una};
}

/* [from, to) as offsets from una. */
static inline struct tcp_ack sack(struct fixture *f, uint32_t from, uint32_t to)
{
    struct tcp_ack facts = facts_new(f);
    struct record newest;
    tcpip__scoreboard_sack(&f->board, &f->pool, seq_add(f->una, from), seq_add(f->una, to), MSS, &facts, &newest);
    tcpip__scoreboard_check(&f->board, f->una, f->nxt);
    return facts;
}

static inline struct tcp_ack ack(struct fixture *f, uint32_t bytes)
{
    struct tcp_ack facts = facts_new(f);
    struct record newest;
    f->una = seq_add(f->una, bytes);
    tcpip__scoreboard_acked(&f->board, &f->pool, f->una, &facts, &newest);
    tcpip__scoreboard_check(&f->board, f->una, f->nxt);
    return facts;
}

static inline void retransmit(struct fixture *f, struct record *record)
{
    struct rate_snapshot rate = {.delivered = f->nxt.v};
    tcpip__scoreboard_retransmitted(&f->board, record, &rate, f->env.now);
}

#endif
