// SPDX-License-Identifier: MIT
/* sim.h: one world from one seed: stacks, what is between them, virtual time, programs at all ends, and what is
 * asserted of it.
 *
 *     plan.c, plan_world.c   what a seed       world.c   hosts, wire, time
 *               decides                        net.c     what is between more than two hosts
 *     naive.c   a small TCP of its own         hostile.c, victim.c   lies, and who hears them
 *     flow.c    who connects to whom           side.c    one end of a connection: when to read, to write, to end
 *     forward.c connections through the        side_data.c   the bytes
 *               forwarder                      datagram.c    UDP beside it
 *     judge.c   what must hold, and when       main.c    seeds, processes, TAP */
#ifndef TCPIP_TESTS_SIM_SIM_H
#define TCPIP_TESTS_SIM_SIM_H

#include "base/rng.h"
#include "plan.h"
#include "test_env.h"

#include <stdio.h>

enum {
    SIM_LISTENERS_MAX = 6,
    SIM_VICTIMS_MAX = 16,
    SIM_WIRE_NOTES = 257,
    SIM_HELD_MAX = 64,
    SIM_PENDING_MAX = 8,
    SIM_WHAT_MAX = 1600
};

/* X(NAME, "word"): bugs on purpose. */
#define SIM_PLANTS(X)                                                         \
    X(NONE, "none")                                                           \
    X(FLIP, "flip")     /* a byte changes after its checksum was looked at */ \
    X(FORGET, "forget") /* a byte of a stream is never sent */                \
    X(LEAK, "leak")     /* memory isn't given back */                         \
    X(WAKE, "wake")     /* a waiter isn't called */                           \
    X(CLOCK, "clock")   /* the machine's time gets in */

enum sim_plant {
#define SIM_PLANT_(name, word) SIM_PLANT_##name,
    SIM_PLANTS(SIM_PLANT_)
#undef SIM_PLANT_
        SIM_PLANT_COUNT
};

struct sim;
struct sim_flow;

enum side_state {
    SIDE_NONE, /* not begun, or not accepted yet */
    SIDE_CONNECTING,
    SIDE_OPEN,
    SIDE_DONE,
};

/* One end of a connection, and the program that holds it. */
struct side {
    struct sim *sim;
    struct sim_flow *flow;
    const struct plan_side *plan;
    uint32_t index, host;
    enum side_state state;
    struct tcpip_endpoint *endpoint;
    struct tcpip_waiter waiter;
    struct rng rng;
    bool runnable, stepping;
    uint64_t written, read;
    bool shut_write, shut_read, eof, aborted;
    enum tcpip_error error;              /* the connection failed with it */
    bool retried;                        /* connects again, after there was nobody */
    tcpip_ns open_at, read_at, write_at; /* not before */
    tcpip_ns wake_at;                    /* a pause ends; NEVER */
    tcpip_ns fiddle_at;
    tcpip_ns news_at; /* something went forward */
    tcpip_ns gone_at; /* reset, failed, or closed before it had heard everything; NEVER */
    tcpip_ns error_at;
};

struct sim_flow {
    struct sim *sim;
    const struct plan_flow *plan;
    uint32_t index;
    struct side side[2];
    bool started;
    uint32_t attempts; /* to start that failed for want of something */
    tcpip_ns start_at;
    uint16_t port[2]; /* of each side */
    uint32_t iss;     /* of the connecting end: what tells one connection of a port from another */
};

struct listener {
    struct sim *sim;
    struct tcpip_endpoint *endpoint; /* NULL: closed */
    struct tcpip_waiter waiter;
    uint32_t host;
    uint16_t port;
    bool runnable;
    tcpip_ns accept_at;
};

/* A SYN that the forwarder decides later. */
struct pending {
    struct tcpip_tcp_forward_request *request; /* NULL: free */
    tcpip_ns at;
};

/* What a host said last on a connection; see wire.c. */
struct wire_note {
    uint8_t key[36];
    bool known, agreed, syn_heard, syn_scales, syn_scaled, peer_scales; /* syn_scaled: before the last packet */
    uint8_t scale;
    uint32_t syn_seq, first_ack, ack, edge;
};

struct sim_host {
    struct sim *sim;
    uint32_t index;
    struct test_env world;
    void *(*alloc)(void *ctx, size_t size, size_t align); /* test_env's */
    void (*release)(void *ctx, void *memory, size_t size);
    uint32_t fail_ppm;    /* of allocations */
    tcpip_ns clock_ahead; /* of what the plan says, since it moved */
    struct rng fail_rng;
    struct tcpip_stack *stack;
    struct tcpip_link *top; /* what the NIC is on */
    /* What is below the NIC; NULL: there is none. */
    struct tcpip_link *sniffer, *planted, *fault, *ethernet, *channel;
    struct net_packet *queue_first, *queue_last; /* what the net has for it */
    uint32_t queued;
    uint32_t captured_bytes; /* of the capture's block, to come */
    bool capturing;          /* the block is one that is kept */
    struct listener listeners[SIM_LISTENERS_MAX];
    uint32_t listener_count;
    struct tcpip_address address[2]; /* by enum plan_family */
    bool address_gone[2];
    tcpip_ns closing_at; /* when the listener of PLAN_PORT_CLOSING was closed; NEVER */
    uint64_t packets_out;
    struct wire_note wire[SIM_WIRE_NOTES];
    struct wire_note *wire_heard; /* of the packet that came last; NULL: none */
    struct pending pending[SIM_PENDING_MAX];
    bool forwarder;
    uint64_t forward_refused;
};

/* One end of a connection on a host without a stack. */
enum naive_state { NAIVE_CLOSED, NAIVE_SYN_SENT, NAIVE_SYN_RECEIVED, NAIVE_OPEN };
struct naive {
    struct sim *sim;
    struct side *side; /* NULL: not begun */
    struct tcpip_address local, remote;
    uint16_t local_port, remote_port;
    uint8_t state; /* enum naive_state */
    uint32_t snd_una, snd_nxt, rcv_nxt;
    uint32_t peer_window, window_seq, mss;
    uint64_t acked;     /* bytes of ours */
    uint32_t out_bytes; /* of the segment that is out */
    bool out_fin, fin_acked, fin_received;
    uint32_t unread, told_window;
    tcpip_ns rto_ns, rto_at, read_at;
};

/* The host that lies; see hostile.c. */
struct hostile {
    uint32_t host; /* PLAN_HOSTS_MAX: there is none */
    struct rng rng;
    uint32_t sent, ts_seen;
    tcpip_ns next_at;
};

/* A program that talks to it. */
struct victim {
    struct tcpip_endpoint *endpoint; /* NULL: free */
    struct tcpip_waiter waiter;
    bool runnable;
    uint32_t written;
    tcpip_ns leave_at;
};

/* Datagrams one way. */
struct gram_flow {
    struct sim *sim;
    const struct plan_gram *plan;
    uint32_t index;
    struct tcpip_endpoint *from, *to; /* to: NULL if nobody is there */
    struct tcpip_waiter waiter;
    struct rng rng;
    bool runnable, begun, refused;
    uint32_t tried;
    tcpip_ns next_at;
    struct {
        uint32_t bytes, received;
        bool sent;
    } grams[PLAN_GRAM_COUNT_MAX];
};

/* A view lent by read_views, given back later. */
struct held {
    struct tcpip_buffer *buffer;
    tcpip_ns until;
};

struct sim_options {
    uint32_t without; /* faults that are off */
    uint64_t flows;   /* a bit for each that takes part */
    bool trace;
    FILE *pcap;
    uint32_t plant;   /* enum sim_plant */
    char *last_words; /* SIM_WHAT_MAX bytes, for what kills the process; may be NULL */
};

struct sim {
    const struct plan *plan;
    struct sim_options options;
    tcpip_ns now;
    struct sim_host hosts[PLAN_HOSTS_MAX];
    struct tcpip_link *ends[2]; /* of the wire between two hosts */
    uint32_t partition;         /* hosts on one side, by bits; 0: all together */
    bool partition_one_way;
    struct naive naives[2 * PLAN_FLOWS_MAX]; /* by flow and side */
    struct hostile hostile;
    struct victim victims[SIM_VICTIMS_MAX];
    uint32_t next_victim;
    struct sim_flow flows[PLAN_FLOWS_MAX];
    struct gram_flow grams[PLAN_GRAMS_MAX];
    uint32_t next_change;
    bool calm;
    struct held held[SIM_HELD_MAX];
    uint32_t held_count, written_views; /* out: lent to us, lent by us */
    struct rng rng;
    uint64_t hash, steps, bytes_read, calls;
    uint32_t planted; /* chances that the planted bug had */
    bool failed;
    char what[SIM_WHAT_MAX];
};

/* world.c */
void sim_init(struct sim *sim, const struct plan *plan, const struct sim_options *options);
void sim_run(struct sim *sim);
void sim_fini(struct sim *sim);
/* Something is wrong: noted, the first time; the run ends soon. */
void sim_fail(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* For the hash, and for who reads along. */
void sim_say(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_mix(struct sim *sim, uint64_t value);
/* Sent by all hosts. */
uint64_t sim_packets(const struct sim *sim);

/* net.c */
/* The address in a host's subnet that ends in `last`; family: enum plan_family. */
void net_address(const struct plan *plan, uint32_t host, uint32_t family, uint32_t last, struct tcpip_address *out);
void net_gateway(const struct plan *plan, uint32_t host, uint32_t family, struct tcpip_address *out);
/* A link to the net; NULL: no memory. */
struct tcpip_link *net_port(struct sim *sim, struct sim_host *host);
/* What the host has sent goes on; what waits for it is delivered, up to `budget`. True: there was something. */
bool net_collect(struct sim *sim, struct sim_host *host);
bool net_pump(struct sim *sim, struct sim_host *host, uint32_t budget);
/* From a host without a stack: an IP packet, which is changed. */
void net_send(struct sim *sim, uint32_t from, uint8_t *packet, uint32_t bytes);
void net_free(struct sim *sim);

/* naive.c */
void naive_connect(struct sim_flow *flow, uint16_t port);
void naive_input(struct sim *sim, uint32_t host, const uint8_t *packet, uint32_t bytes);
bool naive_step(struct sim *sim);
tcpip_ns naive_deadline(const struct sim *sim);

/* hostile.c */
void hostile_init(struct sim *sim);
void hostile_input(struct sim *sim, uint32_t host, const uint8_t *packet, uint32_t bytes);
bool hostile_step(struct sim *sim);
tcpip_ns hostile_deadline(const struct sim *sim);

/* victim.c */
void victim_accepted(struct sim *sim, struct tcpip_endpoint *endpoint);
bool victims_step(struct sim *sim);
tcpip_ns victims_deadline(const struct sim *sim);
void victims_finish(struct sim *sim);

/* capture.c */
void capture_begin(struct sim *sim);
/* A sniffer on top of the host's links; NULL: no memory. */
struct tcpip_link *capture_link(struct sim *sim, struct sim_host *host);

/* plant.c */
const char *sim_plant_name(uint32_t plant);
/* Is it now that this planted bug strikes? */
bool plant_due(struct sim *sim, enum sim_plant plant);
struct tcpip_link *plant_link_new(struct sim *sim, struct sim_host *host);
void plant_link_free(struct tcpip_link *link);

/* The clocks of all hosts follow. */
void sim_set_now(struct sim *sim, tcpip_ns now);
const struct tcpip_protocols *sim_host_protocols(void);

/* move.c: the host is another one now, whose clock is so far ahead. */
void host_move(struct sim *sim, uint32_t index, tcpip_ns ahead);

/* flow.c */
void flows_init(struct sim *sim);
/* All that can be done at this instant, once around; true: something was done. */
bool flows_step(struct sim *sim);
/* When a program wants to go on by itself. */
tcpip_ns flows_deadline(const struct sim *sim);
bool flows_done(const struct sim *sim);
void flows_finish(struct sim *sim);
void flow_listeners_open(struct sim *sim, struct sim_host *host);
/* There was nobody: once more, with the same endpoint, where somebody is. False: it was tried, or can't be. */
bool flow_connect_again(struct side *side, enum tcpip_error error);
void flow_listener_close(struct sim *sim, uint32_t host, uint16_t port);

/* An endpoint that was accepted, or came through the forwarder: handed to its flow. */
void flow_accepted(struct sim *sim, uint32_t host, struct tcpip_endpoint *endpoint,
                   const struct tcpip_full_address *peer);

/* forward.c */
void forward_open(struct sim_host *host);
bool forward_step(struct sim *sim);
tcpip_ns forward_deadline(const struct sim *sim);
void forward_close(struct sim_host *host);

/* datagram.c */
void grams_init(struct sim *sim);
bool grams_step(struct sim *sim);
tcpip_ns grams_deadline(const struct sim *sim);
bool grams_done(const struct sim *sim);
/* Closes them; what must have arrived has. */
void grams_finish(struct sim *sim);

/* side.c */
void side_open(struct side *side, struct tcpip_endpoint *endpoint, enum side_state state);
/* Hears of its endpoint from now on. */
void side_register(struct side *side);
bool side_step(struct side *side);
tcpip_ns side_deadline(const struct side *side);
void side_failed(struct side *side, enum tcpip_error error);
void side_leave(struct side *side);
enum tcpip_error side_set_options(struct side *side);
/* All has come: is it all? */
void side_ended(struct side *side);
/* How much may have been written by now: all, or what it is this end's turn for. */
uint64_t side_allowance(const struct side *side);
/* When a program stops waiting for a peer that is gone. */
tcpip_ns side_give_up_at(const struct side *side);
static inline struct side *side_peer(const struct side *side)
{
    return &side->flow->side[1 - side->index];
}

/* side_data.c */
/* One call; what it did is counted. A connection that ended within it is SIDE_DONE. */
enum tcpip_error side_read_once(struct side *side);
enum tcpip_error side_write_once(struct side *side, size_t size);
/* Byte `at` of what this end writes. */
uint8_t sim_pattern(const struct side *side, uint64_t at);
/* Read from position `at`: is it what the peer wrote? */
bool side_verify(struct side *side, uint64_t at, const uint8_t *data, size_t size);
void side_has_read(struct side *side, uint64_t bytes);
void side_note(struct side *side, const char *what, uint64_t value);
void side_news(struct side *side);
void sim_release_held(struct sim *sim, bool all);

/* wire.c */
/* A packet passes the host's NIC: what must hold of it? */
void wire_look(struct sim_host *host, const struct tcpip_event *event);

/* judge.c */
void judge_turn(struct sim *sim);
/* An end of a connection saw an error: may it? */
void judge_error(struct side *side, enum tcpip_error error);
/* An end of a connection is over. */
void judge_side(struct side *side);
void judge_stuck(struct sim *sim);
/* Its listeners have answered with SYN cookies. */
bool judge_cookies_sent(const struct sim *sim, uint32_t host);
void judge_end(struct sim *sim);
bool judge_empty(const struct sim *sim);

#endif
