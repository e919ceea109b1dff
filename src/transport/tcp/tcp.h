// SPDX-License-Identifier: MIT
/* tcp.h: what TCP's hands do for each other, file by file; what they do it with is in tcp_endpoint.h. Organs include
 * neither. */
#ifndef TCPIP_SRC_TCP_TCP_H
#define TCPIP_SRC_TCP_TCP_H

#include "transport/tcp/tcp_endpoint.h"

/* tcp_protocol.c */
struct tcp_endpoint *tcpip__tcp_endpoint_new(struct tcpip_stack *stack, uint32_t network, enum tcpip_error *error);
/* Off the network at once: timers, demultiplexer, ports, queues of output. The memory goes when the application has
 * closed it too. */
void tcpip__tcp_die(struct tcp_endpoint *ep);
/* A dead connection, or a failed attempt, that its application has heard of: it may connect again. */
void tcpip__tcp_revive(struct tcp_endpoint *ep);
/* The application is done with it: freed at the end of the turn if dead. */
void tcpip__tcp_reap(struct tcp_endpoint *ep);
/* The stack is going: freed at once, without a word. */
void tcpip__tcp_abandon(struct tcp_endpoint *ep);
/* Ends the connection with an error for the application, and dies. */
void tcpip__tcp_abort(struct tcp_endpoint *ep, enum tcpip_error error);
/* The hot block, made if need be; NULL: out of memory. */
struct tcp_hot *tcpip__tcp_hot(struct tcp_endpoint *ep);
/* Gives it back if nothing is in flight or out of order. */
void tcpip__tcp_cool(struct tcp_endpoint *ep);
/* The route, found again if it is stale; false: there is none now. */
bool tcpip__tcp_route(struct tcp_endpoint *ep);
void tcpip__tcp_ack_bounds(const struct tcp_endpoint *ep, struct ack_bounds *out);

/* tcp_state.c */
enum tcp_event {
    TCP_EVENT_LISTEN,
    TCP_EVENT_CONNECT,      /* SYN sent */
    TCP_EVENT_SYN_RECEIVED, /* simultaneous open, Fast Open */
    TCP_EVENT_ESTABLISHED,  /* our SYN is acknowledged and theirs is here */
    TCP_EVENT_FIN_SENT,
    TCP_EVENT_FIN_RECEIVED,
    TCP_EVENT_FIN_ACKED,
    TCP_EVENT_GONE, /* reset, timeout, abort, close of a listener, end of TIME-WAIT */
    TCP_EVENT_COUNT
};
#define TCP_STATE_BUG 0xff
/* The next state, or TCP_STATE_BUG for what can't happen. Pure. */
uint8_t tcpip__tcp_state_next(uint8_t state, enum tcp_event event);
void tcpip__tcp_event(struct tcp_endpoint *ep, enum tcp_event event);

/* tcp_input.c: takes the packet. */
void tcpip__tcp_input(struct tcp_endpoint *ep, struct tcp_segment *segment);
/* ts_val too old (RFC 7323 5.3). */
bool tcpip__tcp_paws_reject(uint32_t ts_recent, tcpip_ns ts_recent_at, uint32_t ts_val, tcpip_ns now);
/* TS.Recent, of a segment whose ACK is acceptable: who can't guess that must not move it, or PAWS would be his. */
void tcpip__tcp_note_timestamp(struct tcp_endpoint *ep, const struct tcp_segment *segment);
/* Takes data from the segment, which begins at or below rcv_nxt or lies beyond; FIN too. Frees the packet. */
void tcpip__tcp_receive_data(struct tcp_endpoint *ep, struct tcp_segment *segment);
/* `length` bytes of it that are next in order, behind `skip` old ones. Frees the packet. */
void tcpip__tcp_receive_in_order(struct tcp_endpoint *ep, struct tcp_segment *segment, uint32_t skip, uint32_t length);
/* Data of a SYN that Fast Open takes: the SYN-ACK will acknowledge them. Frees the packet. */
void tcpip__tcp_receive_syn_data(struct tcp_endpoint *ep, struct tcp_segment *segment);

/* tcp_ack.c: an acceptable ACK. False: the segment is to be dropped (reason given), and the packet is gone. */
bool tcpip__tcp_ack(struct tcp_endpoint *ep, struct tcp_segment *segment);
/* The same of one that tells nothing new, or, on a connection where all is well, of all that is under way
 * (tcp_predict.c). */
void tcpip__tcp_ack_predicted(struct tcp_endpoint *ep, const struct tcp_segment *segment);
/* The time has passed within which what RACK spared could still come. */
void tcpip__tcp_reordering_over(struct tcp_endpoint *ep, tcpip_ns now);
/* RACK's window for reordering, as of now (RFC 8985 6.2 step 4). */
tcpip_ns tcpip__tcp_reordering_window(const struct tcp_endpoint *ep, bool in_recovery);
/* Our FIN, or a SYN-ACK's SYN, are not data: called from tcp_open. */
void tcpip__tcp_window_update(struct tcp_endpoint *ep, const struct tcp_segment *segment);
/* Puts a new controller in charge (NULL: the stack's default). */
void tcpip__tcp_congestion_start(struct tcp_endpoint *ep, const struct tcpip_congestion_ops *ops);
/* The one in charge, or that will be. */
const struct tcpip_congestion_ops *tcpip__tcp_congestion_ops(const struct tcp_endpoint *ep);

/* AccECN's option; false: there is none. */
bool tcpip__tcp_accecn(const struct tcpip_tcp_options *options, struct ecn_counters *out);

/* tcp_open.c */
enum tcpip_error tcpip__tcp_connect(struct tcp_endpoint *ep, const struct tcpip_full_address *address);
/* All of connect but the SYN: SYN-SENT, with a flow. OK in another state: it is connected, and that was told now. */
enum tcpip_error tcpip__tcp_connect_begin(struct tcp_endpoint *ep, const struct tcpip_full_address *address);
void tcpip__tcp_syn_sent_input(struct tcp_endpoint *ep, struct tcp_segment *segment); /* takes the packet */
/* SYN-RECEIVED of a simultaneous open: the ACK that completes it. */
void tcpip__tcp_established(struct tcp_endpoint *ep);
/* The first round trip: `sample_ns` if the SYN or SYN-ACK went once, else by the echo of its timestamp (RFC 7323 4.1),
 * else unknown (RFC 6298 5.7). */
void tcpip__tcp_handshake_rtt(struct tcp_endpoint *ep, tcpip_ns sample_ns, bool sent_once,
                              const struct tcp_segment *segment);
/* What both SYNs agreed on. */
struct tcp_negotiated {
    seqnum iss, irs;
    uint16_t peer_mss;
    int8_t peer_scale;
    bool sack, ts;
    uint8_t ecn_mode, syn_point; /* enum ecn_mode, ecn_point; of a passive open */
    bool no_ect;                 /* not all of the handshake had AccECN's flags */
    uint8_t signature;           /* enum signature_kind; of a passive open */
    uint8_t ao_send_id, ao_receive_id;
    uint32_t ts_recent;
};
void tcpip__tcp_negotiate(struct tcp_endpoint *ep, const struct tcp_negotiated *negotiated, tcpip_ns now);
/* Sends, or sends again, the SYN or SYN-ACK of an endpoint. */
void tcpip__tcp_send_syn(struct tcp_endpoint *ep);
/* Initial values of windows, timers and organs; before the first SYN goes out. */
void tcpip__tcp_prepare(struct tcp_endpoint *ep, tcpip_ns now);
/* AccECN's option of a SYN-ACK, behind `bytes` of others, if there is room: as the counters begin (RFC 9768 3.2.1), it
 * shows whether the path lets it through. Returns the bytes of all. */
size_t tcpip__tcp_syn_ack_accecn(uint8_t *options, size_t bytes);
/* The options of our SYN or SYN-ACK. `cookie`: NULL without Fast Open's; `signing`: NULL if it isn't signed. */
size_t tcpip__tcp_syn_options(uint8_t *out, uint16_t mss, bool sack, int scale, bool ts, uint32_t ts_val,
                              uint32_t ts_ecr, const struct fast_open_cookie *cookie, const struct signing *signing);

/* tcp_bind.c */
enum tcpip_error tcpip__tcp_bind(struct tcp_endpoint *ep, const struct tcpip_full_address *address,
                                 enum tcpip_error (*commit)(void *ctx), void *ctx);
/* The endpoint listens from now on: PORT_IN_USE if another does. */
enum tcpip_error tcpip__tcp_port_listen(struct tcp_endpoint *ep);
/* It has a flow now; it was accepted, or connect has chosen its addresses. */
void tcpip__tcp_port_connected(struct tcp_endpoint *ep);
/* The connection or the listener is over: what bind said by number stays. */
void tcpip__tcp_port_idle(struct tcp_endpoint *ep);
void tcpip__tcp_port_release(struct tcp_endpoint *ep);
/* REUSE_ADDRESS or REUSE_PORT was set: it counts from now on. */
void tcpip__tcp_port_options(struct tcp_endpoint *ep);

/* tcp_half_open.c */
/* What comes to a listener that is bound to a NIC, stays there. */
void tcpip__tcp_listener_scope(const struct tcp_endpoint *listener, struct flow *flow);
/* What a SYN-ACK says of our receive side. */
uint32_t tcpip__tcp_passive_buffer(const struct tcpip_stack *stack, const struct tcp_endpoint *listener);
/* A SYN-ACK, or an ACK in its place, of no endpoint. */
struct tcp_syn_ack {
    const struct flow *flow;
    const struct option_block *options;
    uint32_t buffer_bytes;
    seqnum iss, irs;
    bool sack, ts, scaling;
    bool accecn_option;
    uint32_t ts_val, ts_ecr;
    uint16_t flags;
    const struct fast_open_cookie *cookie; /* NULL: no Fast Open option */
    const struct tcp_endpoint *listener;   /* whose keys sign it; NULL: nobody's */
    uint8_t signature, ao_send_id, ao_receive_id;
};
void tcpip__tcp_syn_ack_send(struct tcpip_stack *stack, const struct tcp_syn_ack *what);
/* What a SYN offers. */
struct tcp_offer {
    seqnum irs;
    uint32_t ts_val;
    uint16_t mss; /* 0: not said */
    int8_t scale; /* -1: none */
    bool sack, ts;
    uint16_t ecn_flags; /* AE, CWR, ECE */
    uint8_t point;      /* enum ecn_point */
};
void tcpip__tcp_syn_offer(const struct tcp_segment *segment, struct tcp_offer *out);
/* What we take of it, by the options of `judge` (NULL: the stack's); iss is the caller's to set. */
void tcpip__tcp_syn_take(const struct tcpip_stack *stack, const struct tcp_endpoint *judge,
                         const struct tcp_offer *offer, struct tcp_negotiated *out);
/* Our initial sequence number. */
seqnum tcpip__tcp_syn_isn(const struct tcpip_stack *stack, const struct tcp_segment *segment);
/* All three. */
void tcpip__tcp_syn_negotiate(const struct tcpip_stack *stack, const struct tcp_endpoint *listener,
                              const struct tcp_segment *segment, struct tcp_negotiated *out);
/* How the segment that this comes from was signed. */
void tcpip__tcp_negotiate_signature(const struct tcp_segment *segment, struct tcp_negotiated *out);
/* A closed endpoint with what was agreed on, in the demultiplexer; otherwise as below. */
struct tcp_endpoint *tcpip__tcp_passive_new(struct tcpip_stack *stack, struct tcp_endpoint *listener,
                                            const struct flow *flow, struct demux_entry *entry,
                                            const struct tcp_negotiated *negotiated);
/* Into the accept queue. */
void tcpip__tcp_passive_queue(struct tcp_endpoint *listener, struct tcp_endpoint *ep);
/* An established endpoint with what was agreed on; NULL: out of memory or endpoints. `entry`: the record that it
 * replaces, or NULL. */
struct tcp_endpoint *tcpip__tcp_passive_establish(struct tcpip_stack *stack, struct tcp_endpoint *listener,
                                                  const struct flow *flow, struct demux_entry *entry,
                                                  const struct tcp_negotiated *negotiated);
/* Hands it to accept, or to the forwarder, and goes on with the segment that completed the handshake. */
void tcpip__tcp_passive_deliver(struct tcp_endpoint *listener, struct tcp_endpoint *ep, struct tcp_segment *segment);

/* tcp_saved_syn.c */
/* A copy for the listener that wants it (may be NULL); NULL: it doesn't, or no memory. */
struct tcp_saved_syn *tcpip__tcp_syn_save(const struct tcp_endpoint *listener, const struct tcp_segment *segment);
void tcpip__tcp_syn_forget(struct tcpip_stack *stack, struct tcp_saved_syn **saved);

/* tcp_listen.c */
/* A record's ACK that answers an earlier cookie; true: the record made way, and the packet is taken. */
bool tcpip__tcp_listener_cookie(struct tcpip_stack *stack, struct tcp_half_open *half, struct tcp_segment *segment);
enum tcpip_error tcpip__tcp_listen(struct tcp_endpoint *ep, uint32_t backlog);
void tcpip__tcp_unlisten(struct tcp_endpoint *ep);
enum tcpip_error tcpip__tcp_accept(struct tcp_endpoint *ep, struct tcpip_endpoint **out,
                                   struct tcpip_full_address *peer);
bool tcpip__tcp_acceptable(const struct tcp_endpoint *ep);
void tcpip__tcp_listener_input(struct tcp_endpoint *listener, struct tcp_segment *segment); /* takes the packet */
void tcpip__tcp_half_open_input(struct tcp_half_open *half, struct tcp_segment *segment);   /* takes the packet */
void tcpip__tcp_half_open_error(struct tcpip_stack *stack, struct tcp_half_open *half,
                                const struct tcpip_icmp_error *error);
/* The record of a SYN that the forwarder accepted, in the place of `entry`. NULL: no room. */
struct tcp_half_open *tcpip__tcp_half_open_take(struct tcpip_stack *stack, struct demux_entry *entry,
                                                const struct tcp_negotiated *taken);
/* Of one that came to a listener. */
struct tcp_half_open *tcpip__tcp_half_open_new(struct tcpip_stack *stack, struct tcp_endpoint *listener,
                                               const struct tcp_segment *segment);
void tcpip__tcp_half_open_answer(struct tcpip_stack *stack, struct tcp_half_open *half,
                                 const struct fast_open_cookie *cookie);
void tcpip__tcp_half_open_free(struct tcpip_stack *stack, struct tcp_half_open *half);
void tcpip__tcp_half_open_timer(struct tcpip_timer *timer, tcpip_ns now);

/* tcp_fast_open.c: client */
/* connect is to wait for the first write; false: the SYN goes now, with what was found out for it. */
bool tcpip__tcp_fast_open_defers(struct tcp_endpoint *ep);
/* A write that opens the connection, or that a deferred connect waited for. OK in SYN-SENT: up to *space bytes of
 * `wanted` are to be queued, then _go is called with as many; in another state: it is an ordinary write. */
enum tcpip_error tcpip__tcp_fast_open_write(struct tcp_endpoint *ep, const struct tcpip_full_address *to, size_t wanted,
                                            size_t *space);
void tcpip__tcp_fast_open_go(struct tcp_endpoint *ep, uint32_t bytes);
/* The Fast Open option of the SYN or SYN-ACK that goes out now; false: none. */
bool tcpip__tcp_fast_open_option(struct tcp_endpoint *ep, struct fast_open_cookie *out);
/* The SYN-ACK of our SYN: what it says of the SYN's data, and of cookies. Moves snd_una. */
void tcpip__tcp_fast_open_answered(struct tcp_endpoint *ep, const struct tcp_segment *segment, uint8_t retransmits);
/* The retransmission timer fired; last: and the connection is given up. */
void tcpip__tcp_fast_open_timeout(struct tcp_endpoint *ep, bool last, tcpip_ns now);
/* A reset came that can't be the peer's. */
void tcpip__tcp_fast_open_odd_reset(struct tcp_endpoint *ep, tcpip_ns now);
/* The connection is over: did anything come of it? */
void tcpip__tcp_fast_open_over(struct tcp_endpoint *ep);
/* tcp_fast_open.c: server */
/* A SYN to a listener with room. True: a child was made of it and answered; the packet is taken. Else *cookie is for
 * the SYN-ACK if *has_cookie. */
bool tcpip__tcp_fast_open_syn(struct tcp_endpoint *listener, struct tcp_segment *segment,
                              struct fast_open_cookie *cookie, bool *has_cookie);
/* The SYN-ACK is acknowledged. */
void tcpip__tcp_fast_open_done(struct tcp_endpoint *ep, const struct tcp_segment *segment);
/* The child was reset, or dies otherwise, before that. */
void tcpip__tcp_fast_open_reset(struct tcp_endpoint *ep, tcpip_ns now);
void tcpip__tcp_fast_open_leave(struct tcp_endpoint *ep);
/* The listener goes, its children stay. */
void tcpip__tcp_fast_open_orphan(struct tcp_listener *listener);
/* FAST_OPEN of a listener, or what stands for it. */
void tcpip__tcp_fast_open_limit(struct tcp_endpoint *listener);
void tcpip__tcp_fast_open_init(struct tcp_stack *tcp);
void tcpip__tcp_fast_open_fini(struct tcp_stack *tcp);

/* tcp_send.c */
void tcpip__tcp_flush(struct tcpip_endpoint *endpoint);
/* Bytes that may be written now. */
uint32_t tcpip__tcp_send_room(const struct tcp_endpoint *ep);
/* And before too much is unsent (NOT_SENT_LOW_WATER). */
uint32_t tcpip__tcp_unsent_room(const struct tcp_endpoint *ep);
/* Is it worth writing: Out of readiness. */
bool tcpip__tcp_writable(const struct tcp_endpoint *ep);
/* Out is news if it wasn't there, or was missed, when the application last wrote. */
void tcpip__tcp_tell_room(struct tcp_endpoint *ep);
/* The window closed, or nothing can be sent and data wait: a probe (persist timer). */
void tcpip__tcp_send_probe(struct tcp_endpoint *ep);
/* Bytes per second that packets leave at; 0: not paced. */
uint64_t tcpip__tcp_pacing_rate(const struct tcp_endpoint *ep);
/* RFC 8985 7.3: new data if there are any and the window takes them, else the last segment again. */
void tcpip__tcp_send_tail_probe(struct tcp_endpoint *ep);
/* The limit of the send queue follows cwnd (auto-tuning). */
void tcpip__tcp_tune_send_buffer(struct tcp_endpoint *ep);

/* tcp_output.c */
/* Sends [seq, seq + *length) of the queue, and FIN if flags say so; PSH is decided here. *length becomes what was sent:
 * less (and no FIN) when the packet's views don't suffice. False: nothing was sent (out of memory, no route). */
bool tcpip__tcp_output_data(struct tcp_endpoint *ep, seqnum seq, uint32_t *length, uint16_t flags);
/* A segment without data: ACK, probe (seq one below), keepalive, RST. */
void tcpip__tcp_output_control(struct tcp_endpoint *ep, seqnum seq, uint16_t flags);
/* An ACK now; everything owed is paid. */
void tcpip__tcp_output_ack(struct tcp_endpoint *ep);
/* A header and options alone, for records without an endpoint. Flow as seen from here. */
struct tcp_bare_segment {
    const struct flow *flow;
    seqnum seq, ack;
    uint16_t flags, window;
    const uint8_t *options;
    size_t options_bytes;
    uint8_t tos, ttl;
    struct send_queue *data;       /* NULL: none */
    uint32_t data_bytes;           /* from its front */
    const struct signing *signing; /* NULL: not signed; else `options` begin with the room for it */
};
enum tcpip_error tcpip__tcp_output_bare(struct tcpip_stack *stack, struct tcpip_route *route,
                                        const struct tcp_bare_segment *bare);

/* tcp_reply.c */
/* Answers a segment that belongs to no connection with RST (RFC 9293 3.10.7.1). Doesn't take the packet. */
void tcpip__tcp_reply_init(struct tcp_stack *tcp);
void tcpip__tcp_reply_reset(struct tcpip_stack *stack, const struct tcp_segment *segment);
/* An ACK of an unacceptable segment, limited per connection (RFC 5961 section 7). */
void tcpip__tcp_challenge_ack(struct tcp_endpoint *ep, tcpip_ns now);

/* tcp_signature.c */
/* Is a segment for `entry` signed as it must be? False: it was dropped, by name and without an answer. */
bool tcpip__tcp_signature_check(struct tcpip_stack *stack, const struct demux_entry *entry,
                                struct tcp_segment *segment);
bool tcpip__tcp_signature_check_listener(struct tcp_endpoint *listener, struct tcp_segment *segment);
/* As _check, for what comes to a TIME-WAIT record with these keys (NULL: none). */
bool tcpip__tcp_signature_check_time_wait(struct tcpip_stack *stack, struct signature *signature,
                                          struct tcp_segment *segment);
struct signature *tcpip__tcp_time_wait_signature(const struct demux_entry *entry);
/* How each kind of segment is signed; false: it isn't. */
bool tcpip__tcp_signing(const struct tcp_endpoint *ep, seqnum seq, uint16_t flags, struct signing *out);
bool tcpip__tcp_signing_syn_ack(const struct tcp_syn_ack *what, struct signing *out);
bool tcpip__tcp_signing_time_wait(struct signature *signature, seqnum seq, struct signing *out);
bool tcpip__tcp_signing_reply(const struct tcp_segment *segment, seqnum seq, struct signing *out);
/* Writes the code into a header in front of the packet's payload. */
void tcpip__tcp_sign(const struct signing *signing, const struct flow *flow, struct tcpip_packet *packet,
                     uint32_t header_bytes);
/* The endpoint's keys, made if need be and nobody else's; NULL: out of memory. */
struct signature *tcpip__tcp_signature_own(struct tcp_endpoint *ep);
/* A connection to this peer begins: which of the keys? KEY_REJECTED: there must be one. NO_MEMORY. */
must_use enum tcpip_error tcpip__tcp_signature_begin(struct tcp_endpoint *ep, const struct flow *flow);
/* Both ends and our, or both, initial sequence numbers are known. */
void tcpip__tcp_signature_connected(struct tcp_endpoint *ep);
/* A child's keys: the listener's for its peer. False: out of memory. */
bool tcpip__tcp_signature_inherit(struct tcp_endpoint *ep, const struct tcp_endpoint *listener,
                                  const struct tcp_negotiated *negotiated);
/* The record's share of the keys of an endpoint that goes to TIME-WAIT; NULL: it wasn't signed. */
struct signature *tcpip__tcp_signature_leave(struct tcp_endpoint *ep);
/* The keys have changed: so may the room for text. */
void tcpip__tcp_signature_changed(struct tcp_endpoint *ep);
/* Is an ICMP error of this kind to be ignored (RFC 5925 7.8)? */
bool tcpip__tcp_signature_ignores(struct tcp_endpoint *ep, const struct tcpip_icmp_error *icmp);

/* tcp_repair.c: connect of an endpoint in repair, which is in SYN-SENT, goes on with these numbers. */
void tcpip__tcp_repair_connected(struct tcp_endpoint *ep, seqnum snd_nxt, seqnum rcv_nxt, uint32_t ts_offset);

/* tcp_timers.c */
void tcpip__tcp_timers_init(struct tcp_endpoint *ep);
void tcpip__tcp_timers_stop(struct tcp_endpoint *ep);
void tcpip__tcp_timers_on_syn_sent(struct tcp_endpoint *ep);
void tcpip__tcp_timers_count_progress(struct tcp_endpoint *ep, tcpip_ns now); /* ends what timeouts are counted for */
/* As if the SYN had timed out. */
void tcpip__tcp_timers_syn_again(struct tcp_endpoint *ep);
void tcpip__tcp_timers_on_established(struct tcp_endpoint *ep);
void tcpip__tcp_timers_on_fast_opened(struct tcp_endpoint *ep);
void tcpip__tcp_timers_on_data_sent(struct tcp_endpoint *ep);
/* The first unacknowledged segment was sent again. */
void tcpip__tcp_timers_on_head_sent(struct tcp_endpoint *ep);
void tcpip__tcp_timers_on_ack(struct tcp_endpoint *ep, bool progress);
/* What RACK spared is lost if it hasn't come by then; TCPIP_NEVER: it spared nothing. */
void tcpip__tcp_timers_on_judged(struct tcp_endpoint *ep, tcpip_ns spared_until);
/* The peer seems to have thrown away what it had SACKed. */
void tcpip__tcp_timers_on_reneging(struct tcp_endpoint *ep);
void tcpip__tcp_timers_on_hot(struct tcp_endpoint *ep);
/* It may be at rest from now on. */
void tcpip__tcp_timers_on_rest(struct tcp_endpoint *ep);
void tcpip__tcp_timers_on_segment_received(struct tcp_endpoint *ep);
void tcpip__tcp_timers_on_zero_window(struct tcp_endpoint *ep);
void tcpip__tcp_timers_on_window_open(struct tcp_endpoint *ep);
void tcpip__tcp_timers_on_ack_delayed(struct tcp_endpoint *ep);
/* The handshake's last ACK waits for data that are about to be written. */
void tcpip__tcp_timers_on_ack_saved(struct tcp_endpoint *ep);
void tcpip__tcp_timers_on_ack_sent(struct tcp_endpoint *ep);
void tcpip__tcp_timers_on_fin_wait_2(struct tcp_endpoint *ep);
void tcpip__tcp_timers_on_corked(struct tcp_endpoint *ep);
void tcpip__tcp_timers_on_uncorked(struct tcp_endpoint *ep);
void tcpip__tcp_timers_on_paced(struct tcp_endpoint *ep);
void tcpip__tcp_timers_on_keepalive_option(struct tcp_endpoint *ep);

/* tcp_timewait.c */
/* The connection is over: its flow goes to a record; the endpoint dies. */
void tcpip__tcp_time_wait_enter(struct tcp_endpoint *ep);
/* A segment for no live connection: to a listener, the handler, the forwarder, or it is answered with RST. Takes the
 * packet. */
void tcpip__tcp_no_connection(struct tcpip_stack *stack, struct tcp_segment *segment);
/* Would a SYN find a listener, or the forwarder? */
bool tcpip__tcp_wanted(struct tcpip_stack *stack, const struct tcp_segment *segment);
void tcpip__tcp_time_wait_input(struct tcpip_stack *stack, struct demux_entry *entry, struct tcp_segment *segment);
/* A port and peer in TIME-WAIT may be taken by an active open (RFC 6191); true: it was freed. `asks`: for a port that
 * nobody chose, its options must let it; NULL: it was chosen. */
bool tcpip__tcp_time_wait_recycle(struct tcpip_stack *stack, const struct tcp_endpoint *asks, struct demux_entry *entry,
                                  seqnum *iss_above);
void tcpip__tcp_time_wait_timer(struct tcpip_timer *timer, tcpip_ns now);
void tcpip__tcp_time_wait_init(struct tcp_stack *tcp);
void tcpip__tcp_time_wait_fini(struct tcp_stack *tcp);

/* tcp_option.c */
enum tcpip_error tcpip__tcp_set_option(struct tcpip_endpoint *endpoint, enum tcpip_option option, int64_t value);
enum tcpip_error tcpip__tcp_option_value(struct tcp_endpoint *ep, enum tcpip_option option, int64_t *value);
enum tcpip_error tcpip__tcp_get_option(struct tcpip_endpoint *endpoint, enum tcpip_option option, int64_t *value);

/* tcp_endpoint.c */
/* In of readiness, as far as data go: RECEIVE_LOW_WATER of them, or as many as will ever come before some are read. */
bool tcpip__tcp_readable(const struct tcp_endpoint *ep);
extern const struct tcpip_endpoint_ops tcpip__tcp_endpoint_ops;
uint32_t tcpip__tcp_readiness(const struct tcp_endpoint *ep);
void tcpip__tcp_remote_address(const struct tcp_endpoint *ep, struct tcpip_full_address *out);
/* The buffers' sizes as a new endpoint gets them. */
uint32_t tcpip__tcp_receive_buffer_default(const struct tcpip_stack *stack);
void tcpip__tcp_buffers_init(struct tcp_endpoint *ep);

/* tcp_check.c: asserts the invariants of a whole endpoint; after each turn in debug builds and simulations. */
void tcpip__tcp_check(const struct tcp_endpoint *ep);

#endif
