// SPDX-License-Identifier: MIT
/* tcp_fast_open.c: data with the SYN (RFC 7413), on both sides.
 *
 *   client   write ---> cookie known?  yes: SYN, cookie, data ---> SYN-ACK: of all, go on; of less, the rest again
 *                                      no:  SYN, request -------> SYN-ACK: remember the cookie; the data follow
 *            The SYN is sent again as an ordinary one: what got lost may have been dropped for being odd.
 *   server   SYN, cookie good ---> a child: an endpoint in SYN-RECEIVED, in the accept queue at once, its data
 * readable. It may write; its retransmission timer is the SYN-ACK's until that is acknowledged. anything else ------> a
 * half-open record like any other, and a cookie in the SYN-ACK.
 *
 * What RFC 7413 leaves open is as on Linux, in particular what each call answers. A SYN with data and FIN opens nothing
 * here: to a listener that combination is dropped, as ever.
 *
 * The data of our SYN are on the scoreboard from the beginning, like any data sent: the SYN-ACK either acknowledges
 * them or they are lost, and sent again by those who do that.
 *
 * Owns:       the endpoint's Fast Open fields; tcp_stack.fast_open_*; a listener's count and list of children.
 * Invariants: syn_ack_pending and being on a list of children (if the listener lives) and having ep->fast_open are one.
 * Not here:   cookies, the cache, who has to wait (fast_open.c); options' bytes (header/tcp_option.c). */
#include "transport/tcp/tcp.h"
#include "transport/tcp/tcp_fold.h"

#include <stdalign.h>

/* ---- client: what the SYN carries ---- */

enum syn_kind {
    SYN_ORDINARY,
    SYN_ASKS,  /* for a cookie */
    SYN_SHOWS, /* one: it may carry data */
    SYN_BARE,  /* may carry data all the same */
};

static struct fast_open_peer *fast_open_peer_of(const struct tcp_endpoint *ep)
{
    struct tcpip_stack *stack = ep->base->stack;
    return tcpip__fast_open_find(&tcp_stack_of(stack)->fast_open_cache, &stack->secret, ep->demux->flow.local,
                                 ep->demux->flow.remote);
}

static struct fast_open_peer *fast_open_peer_made(const struct tcp_endpoint *ep)
{
    struct tcpip_stack *stack = ep->base->stack;
    struct fast_open_cache *cache = &tcp_stack_of(stack)->fast_open_cache;
    if (cache->peers == NULL) {
        uint32_t sets = max_u32((uint32_t)round_up_power_of_two(stack->limits.tcp_fast_open_peers) / FAST_OPEN_WAYS, 1);
        cache->peers = tcpip__memory_zalloc(&stack->memory, sets * FAST_OPEN_WAYS * sizeof(*cache->peers),
                                            alignof(struct fast_open_peer));
        cache->sets = cache->peers != NULL ? sets : 0;
    }
    return tcpip__fast_open_remember(cache, &stack->secret, ep->demux->flow.local, ep->demux->flow.remote);
}

static enum syn_kind fast_open_kind(struct tcp_endpoint *ep)
{
    struct tcp_stack *tcp = tcp_stack_of(ep->base->stack);
    tcpip_ns now = tcpip__stack_now(ep->base->stack), pause_ns = tcp_option(ep, TCPIP_OPTION_FAST_OPEN_PAUSE);
    const struct fast_open_peer *peer = fast_open_peer_of(ep);
    if (tcpip__fast_open_paused(&tcp->fast_open_pause, pause_ns, now) ||
        (peer != NULL && tcpip__fast_open_peer_paused(peer, pause_ns, now)))
        return SYN_ORDINARY;
    ep->fast_open_probe = tcp->fast_open_pause.times > 0;
    if ((tcp_option(ep, TCPIP_OPTION_FAST_OPEN_MODE) & TCPIP_FAST_OPEN_CLIENT_NO_COOKIE) != 0 ||
        tcp_option(ep, TCPIP_OPTION_FAST_OPEN_NO_COOKIE) != 0)
        return SYN_BARE;
    if (peer != NULL && peer->cookie.size > 0)
        return SYN_SHOWS;
    ep->fast_open_fail = TCPIP_FAST_OPEN_FAIL_NO_COOKIE;
    return SYN_ASKS;
}

/* Bytes that may go with the SYN: a segment of the size that the server last said, or the path's, less all the room
 * that options may take on the way (as Linux). */
static uint32_t fast_open_space(struct tcp_endpoint *ep)
{
    const struct fast_open_peer *peer = fast_open_peer_of(ep);
    uint32_t headers = (tcp_is_v4(ep) ? 20u : 40u) + TCPIP_TCP_HEADER_MIN;
    uint32_t mss = sat_sub_u32(tcpip__pmtu_get(&ep->route, ep->demux->flow.remote), headers);
    int64_t user = tcp_option(ep, TCPIP_OPTION_MAX_SEGMENT);
    if (peer != NULL && peer->mss != 0)
        mss = min_u32(mss, peer->mss);
    if (user > 0 && (uint64_t)user < mss)
        mss = (uint32_t)user;
    return sat_sub_u32(mss, TCPIP_TCP_OPTIONS_MAX);
}

bool tcpip__tcp_fast_open_defers(struct tcp_endpoint *ep)
{
    if (tcp_option(ep, TCPIP_OPTION_FAST_OPEN_CONNECT) == 0 ||
        (tcp_option(ep, TCPIP_OPTION_FAST_OPEN_MODE) & TCPIP_FAST_OPEN_CLIENT) == 0)
        return false;
    enum syn_kind kind = fast_open_kind(ep);
    ep->syn_fast_open = kind == SYN_ASKS;
    ep->syn_deferred = kind == SYN_SHOWS || kind == SYN_BARE;
    if (ep->syn_deferred)
        endpoint_notify(ep->base, TCPIP_EVENT_OUT);
    return ep->syn_deferred;
}

/* Has it got what noting sent data takes? */
static bool fast_open_ready(struct tcp_endpoint *ep)
{
    tcpip__tcp_congestion_start(ep, ep->congestion.ops);
    struct tcp_hot *hot = tcpip__tcp_hot(ep);
    return hot != NULL && tcpip__scoreboard_may_send(&hot->board, &tcp_stack_of(ep->base->stack)->records);
}

enum tcpip_error tcpip__tcp_fast_open_write(struct tcp_endpoint *ep, const struct tcpip_full_address *to, size_t wanted,
                                            size_t *space)
{
    if ((tcp_option(ep, TCPIP_OPTION_FAST_OPEN_MODE) & TCPIP_FAST_OPEN_CLIENT) == 0)
        return TCPIP_ERR_NOT_SUPPORTED;
    if (!ep->syn_deferred) {
        if (to == NULL && ep->state == TCPIP_TCP_CLOSED)
            return TCPIP_ERR_INVALID_ARGUMENT;
        if (ep->shut_write)
            return TCPIP_ERR_CLOSED_FOR_SEND;
        enum tcpip_error error = tcpip__tcp_connect_begin(ep, to);
        if (error != TCPIP_OK || ep->state != TCPIP_TCP_SYN_SENT)
            return error;
    }
    ep->syn_deferred = false;
    enum syn_kind kind = fast_open_kind(ep);
    *space = kind >= SYN_SHOWS && tcpip__tcp_route(ep) ? min_size(wanted, fast_open_space(ep)) : 0;
    if (*space > 0 && !fast_open_ready(ep))
        *space = 0;
    ep->syn_fast_open = kind == SYN_ASKS || kind == SYN_SHOWS;
    return TCPIP_OK;
}

void tcpip__tcp_fast_open_go(struct tcp_endpoint *ep, uint32_t bytes)
{
    struct tcpip_stack *stack = ep->base->stack;
    tcpip_ns now = tcpip__stack_now(stack);
    if (bytes > 0) {
        struct tcp_hot *hot = ep->hot;
        struct rate_snapshot snapshot = tcpip__rate_on_send(&hot->rate, 0, now);
        bool noted =
            tcpip__scoreboard_sent(&hot->board, &tcp_stack_of(stack)->records, ep->snd_nxt, bytes, 0, &snapshot, now);
        ASSERT_ENV(&stack->env, noted);
        ep->snd_nxt = seq_add(ep->snd_nxt, bytes);
        ep->syn_data = true;
        ep->data_segments_out++;
        ep->bytes_sent += bytes;
        stack->stats.tcp.bytes_sent += bytes;
    }
    error_queue_sent(ep->base, ep->bytes_acked + bytes);
    tcpip__tcp_send_syn(ep);
    tcpip__tcp_timers_on_syn_sent(ep);
}

static const struct fast_open_keys *fast_open_keys_of(const struct tcp_endpoint *listener)
{
    if (listener != NULL && listener->fast_open != NULL && listener->fast_open->keys.count > 0)
        return &listener->fast_open->keys;
    return listener != NULL ? &tcp_stack_of(listener->base->stack)->fast_open_keys : NULL;
}

bool tcpip__tcp_fast_open_option(struct tcp_endpoint *ep, struct fast_open_cookie *out)
{
    if (ep->retransmit_count > 0)
        return false;
    if (ep->syn_ack_pending) {
        const struct flow *flow = &ep->demux->flow;
        const struct fast_open_keys *keys = fast_open_keys_of(ep->fast_open->listener);
        if (!ep->fast_open->renew || keys == NULL)
            return false;
        tcpip__fast_open_cookie_make(keys, flow->remote, flow->local, tcp_is_v4(ep), out);
        out->experimental = ep->fast_open->experimental;
        return true;
    }
    if (ep->state != TCPIP_TCP_SYN_SENT || !ep->syn_fast_open)
        return false;
    memset(out, 0, sizeof(*out));
    const struct fast_open_peer *peer = fast_open_peer_of(ep);
    if (peer != NULL)
        tcpip__fast_open_offer(peer, out);
    ep->syn_experimental = out->experimental;
    return true;
}

/* ---- client: what came of it ---- */

/* What the SYN-ACK says of cookies. Lost: only an ordinary SYN, sent again, seems to have reached the server. */
static void fast_open_note(struct tcp_endpoint *ep, const struct tcp_segment *segment, bool retransmitted, bool lost)
{
    const struct tcpip_tcp_options *options = &segment->options;
    struct fast_open_cookie cookie = {.size = 0};
    bool given = ep->syn_fast_open && (options->present & TCPIP_TCP_HAS_FAST_OPEN) != 0 && options->fast_open_bytes > 0;
    struct fast_open_peer *peer = fast_open_peer_made(ep);
    if (peer == NULL)
        return;
    if (lost && !given) {
        peer->mss = ep->peer_mss;
        tcpip__fast_open_lost(peer, segment->now);
        return;
    }
    if (given) {
        cookie.size = options->fast_open_bytes;
        cookie.experimental = (options->present & TCPIP_TCP_HAS_FAST_OPEN_EXP) != 0;
        memcpy(cookie.bytes, options->fast_open, cookie.size);
    }
    enum fast_open_asked asked = ep->syn_experimental ? FAST_OPEN_ASKED_EXPERIMENTALLY : FAST_OPEN_ASKED;
    if (!ep->syn_fast_open || ep->syn_data || retransmitted)
        asked = FAST_OPEN_NOT_ASKED;
    tcpip__fast_open_learn(peer, ep->peer_mss, given ? &cookie : NULL, asked);
}

void tcpip__tcp_fast_open_answered(struct tcp_endpoint *ep, const struct tcp_segment *segment, uint8_t retransmits)
{
    struct tcp_stack *tcp = tcp_stack_of(ep->base->stack);
    ep->snd_una = segment->ack;
    if (!ep->syn_fast_open && !ep->syn_data)
        return;
    struct scoreboard *board = ep->syn_data ? &ep->hot->board : NULL;
    if (board != NULL) {
        struct tcp_ack facts = {.now = segment->now, .ack = segment->ack, .rtt_ns = -1, .sacked_rtt_ns = -1};
        struct record newest;
        uint32_t acked = seq_size(ep->iss, segment->ack) - 1;
        (void)tcpip__scoreboard_acked(board, &tcp->records, segment->ack, &facts, &newest);
        tcpip__send_queue_release(&ep->send_queue, &tcp->send_chunks, acked);
        ep->bytes_acked += acked;
        error_queue_acked(ep->base, ep->bytes_acked);
    }
    bool left = board != NULL && board->count > 0;
    fast_open_note(ep, segment, retransmits > 0, retransmits > 0 && left);
    if (left) {
        /* No sign of congestion: the server didn't want them, or never saw them (RFC 7413 4.2.1). */
        (void)tcpip__scoreboard_mark_all_lost(board, false);
        tcpip__tcp_timers_on_data_sent(ep);
        ep->fast_open_fail = retransmits > 0 ? TCPIP_FAST_OPEN_FAIL_SYN_LOST : TCPIP_FAST_OPEN_FAIL_NOT_ACKED;
        tcp_stats(ep)->fast_open_active_fail++;
    } else if (board != NULL) {
        tcpip__tcp_timers_on_hot(ep);
        ep->syn_data_acked = true;
        tcp_stats(ep)->fast_open_active++;
    }
}

static void fast_open_pause(struct tcp_endpoint *ep, tcpip_ns now)
{
    if (tcp_option(ep, TCPIP_OPTION_FAST_OPEN_PAUSE) == 0)
        return;
    tcpip__fast_open_pause_begin(&tcp_stack_of(ep->base->stack)->fast_open_pause, now);
    tcp_stats(ep)->fast_open_pauses++;
}

/* Something may swallow our odd SYNs, or everything of a connection that began with one: the third timeout in a row
 * gives Fast Open up for a while, whoever the peer is (as Linux). */
void tcpip__tcp_fast_open_timeout(struct tcp_endpoint *ep, bool last, tcpip_ns now)
{
    if (!ep->syn_fast_open && !ep->syn_data && !ep->syn_data_acked)
        return;
    if (ep->retransmit_count == 2 || (ep->retransmit_count < 2 && last))
        fast_open_pause(ep, now);
    if (last && ep->state == TCPIP_TCP_SYN_SENT) {
        struct fast_open_peer *peer = fast_open_peer_made(ep); /* RFC 7413 4.1.3.1: no answer at all */
        if (peer != NULL)
            tcpip__fast_open_lost(peer, now);
        if (ep->syn_data)
            tcp_stats(ep)->fast_open_active_fail++;
    }
}

/* Some middleboxes end what they don't understand by resets with numbers of their own. */
void tcpip__tcp_fast_open_odd_reset(struct tcp_endpoint *ep, tcpip_ns now)
{
    if (ep->syn_fast_open && ep->data_segments_in == 0 && ep->state == TCPIP_TCP_ESTABLISHED)
        fast_open_pause(ep, now);
}

/* A middlebox may let the handshake and the FIN pass, and nothing between: that is a reason to pause as well, and data
 * that came are one to forget all pauses. */
void tcpip__tcp_fast_open_over(struct tcp_endpoint *ep)
{
    if (!ep->syn_fast_open && !ep->syn_data)
        return;
    struct fast_open_pause *pause = &tcp_stack_of(ep->base->stack)->fast_open_pause;
    bool held = ep->hot != NULL && ep->hot->reassembly.count > 0;
    if (ep->data_segments_in > 0) {
        if (ep->fast_open_probe && !address_is_loopback(ep->demux->flow.remote))
            pause->times = 0;
    } else if (ep->fin_seen && !ep->fin_received && !held) {
        fast_open_pause(ep, tcpip__stack_now(ep->base->stack));
    }
}

/* ---- server ---- */

void tcpip__tcp_fast_open_limit(struct tcp_endpoint *listener)
{
    int64_t mode = tcp_option(listener, TCPIP_OPTION_FAST_OPEN_MODE);
    int64_t most = tcp_option(listener, TCPIP_OPTION_FAST_OPEN);
    if (most == 0 && (mode & TCPIP_FAST_OPEN_SERVER) != 0 && (mode & TCPIP_FAST_OPEN_SERVER_ALL) != 0)
        most = listener->listener->backlog;
    listener->listener->fast_open_max = (uint32_t)min_i64(most, listener->base->stack->limits.accept_backlog);
}

/* Room for one more whose handshake isn't done? Those that were reset lately count, too. */
static bool fast_open_room(struct tcp_endpoint *listener, tcpip_ns now)
{
    struct tcp_listener *own = listener->listener;
    if (own->fast_open_max == 0)
        return false;
    if (own->fast_open_count + tcpip__fast_open_penalty_count(&own->fast_open_penalty, now) < own->fast_open_max)
        return true;
    tcp_stats(listener)->fast_open_listen_overflow++;
    return false;
}

static struct tcp_fast_open *fast_open_attach(struct tcp_endpoint *ep)
{
    if (ep->fast_open == NULL)
        ep->fast_open = tcpip__pool_zget(&tcp_stack_of(ep->base->stack)->fast_opens);
    return ep->fast_open;
}

/* An endpoint for a connection that isn't one yet. NULL: out of memory; the packet is still the caller's. */
static struct tcp_endpoint *fast_open_child(struct tcp_endpoint *listener, const struct tcp_segment *segment)
{
    struct tcpip_stack *stack = listener->base->stack;
    struct tcp_negotiated negotiated;
    struct flow flow = segment->flow;
    tcpip__tcp_listener_scope(listener, &flow);
    tcpip__tcp_syn_negotiate(stack, listener, segment, &negotiated);
    struct tcp_endpoint *ep = tcpip__tcp_passive_new(stack, listener, &flow, NULL, &negotiated);
    if (ep == NULL)
        return NULL;
    struct tcp_fast_open *own = fast_open_attach(ep);
    if (own == NULL) {
        ep->orphan = true;
        tcpip__tcp_die(ep);
        return NULL;
    }
    own->listener = listener;
    own->syn_ack_at = segment->now;
    ep->saved_syn = tcpip__tcp_syn_save(listener, segment);
    list_push_back(&listener->listener->fast_open_children, &own->node);
    listener->listener->fast_open_count++;
    ep->syn_ack_pending = ep->fast_open_child = true;
    ep->snd_wnd = ep->snd_wnd_max = segment->window; /* never scaled in a SYN (RFC 7323 2.2) */
    ep->snd_wl1 = segment->seq;
    ep->snd_wl2 = ep->snd_una;
    tcpip__tcp_event(ep, TCP_EVENT_SYN_RECEIVED);
    return ep;
}

static bool fast_open_accept(struct tcp_endpoint *listener, struct tcp_segment *segment, bool renew)
{
    struct tcp_endpoint *ep = fast_open_child(listener, segment);
    if (ep == NULL) {
        tcp_stats(listener)->fast_open_passive_fail++;
        return false;
    }
    ep->fast_open->renew = renew;
    ep->fast_open->experimental = (segment->options.present & TCPIP_TCP_HAS_FAST_OPEN_EXP) != 0;
    ep->segments_in = segment->wire_segments;
    ep->last_receive_at = segment->now;
    tcp_stats(ep)->passive_connection_openings++;
    tcp_stats(ep)->fast_open_passive++;
    tcpip__tcp_receive_syn_data(ep, segment);
    tcpip__tcp_send_syn(ep);
    tcpip__tcp_timers_on_syn_sent(ep);
    tcpip__tcp_passive_queue(listener, ep);
    return true;
}

bool tcpip__tcp_fast_open_syn(struct tcp_endpoint *listener, struct tcp_segment *segment,
                              struct fast_open_cookie *cookie, bool *has_cookie)
{
    const struct tcpip_tcp_options *options = &segment->options;
    const struct flow *flow = &segment->flow;
    int64_t mode = tcp_option(listener, TCPIP_OPTION_FAST_OPEN_MODE);
    bool has = (options->present & TCPIP_TCP_HAS_FAST_OPEN) != 0, asks = has && options->fast_open_bytes == 0;
    if (asks)
        tcp_stats(listener)->fast_open_cookie_requested++;
    if ((!has && segment->length == 0) || (mode & TCPIP_FAST_OPEN_SERVER) == 0 ||
        !fast_open_room(listener, segment->now))
        return false;
    if ((mode & TCPIP_FAST_OPEN_SERVER_NO_COOKIE) != 0 || tcp_option(listener, TCPIP_OPTION_FAST_OPEN_NO_COOKIE) != 0)
        return fast_open_accept(listener, segment, false);
    if (!has)
        return false;
    struct fast_open_cookie shown = {.size = options->fast_open_bytes};
    memcpy(shown.bytes, options->fast_open, sizeof(shown.bytes));
    const struct fast_open_keys *keys = fast_open_keys_of(listener);
    bool v4 = address_is_v4(flow->remote);
    enum fast_open_verdict verdict = tcpip__fast_open_cookie_check(keys, flow->remote, flow->local, v4, &shown);
    if (verdict == FAST_OPEN_OLD_KEY)
        tcp_stats(listener)->fast_open_passive_alt_key++;
    if (verdict != FAST_OPEN_FORGED && fast_open_accept(listener, segment, verdict == FAST_OPEN_OLD_KEY))
        return true;
    if (verdict == FAST_OPEN_FORGED && !asks)
        tcp_stats(listener)->fast_open_passive_fail++;
    tcpip__fast_open_cookie_make(keys, flow->remote, flow->local, v4, cookie);
    cookie->experimental = (options->present & TCPIP_TCP_HAS_FAST_OPEN_EXP) != 0;
    *has_cookie = true;
    return false;
}

void tcpip__tcp_fast_open_leave(struct tcp_endpoint *ep)
{
    struct tcp_fast_open *own = ep->fast_open;
    if (own->listener != NULL) {
        list_remove(&own->node);
        own->listener->listener->fast_open_count--;
    }
    tcpip__pool_put(&tcp_stack_of(ep->base->stack)->fast_opens, own);
    ep->fast_open = NULL;
    ep->syn_ack_pending = false;
}

void tcpip__tcp_fast_open_done(struct tcp_endpoint *ep, const struct tcp_segment *segment)
{
    tcpip_ns sample_ns = segment->now - ep->fast_open->syn_ack_at;
    bool sent_once = ep->retransmit_count == 0;
    tcpip__tcp_fast_open_leave(ep);
    tcpip__tcp_handshake_rtt(ep, sample_ns, sent_once, segment);
    if (ep->state == TCPIP_TCP_SYN_RECEIVED) {
        tcpip__tcp_event(ep, TCP_EVENT_ESTABLISHED);
        if (ep->shut_write && !ep->fin_queued) {
            ep->fin_queued = true;
            tcpip__tcp_event(ep, TCP_EVENT_FIN_SENT);
        }
    }
    tcpip__tcp_timers_on_fast_opened(ep);
    endpoint_mark_dirty(ep->base);
}

/* Only an accepted one: the others occupy the accept queue as it is. */
void tcpip__tcp_fast_open_reset(struct tcp_endpoint *ep, tcpip_ns now)
{
    struct tcp_endpoint *listener = ep->fast_open->listener;
    if (listener != NULL && !list_node_linked(&ep->queue_node))
        tcpip__fast_open_penalty_add(&listener->listener->fast_open_penalty, now);
}

void tcpip__tcp_fast_open_orphan(struct tcp_listener *listener)
{
    struct tcpip_list_node *node;
    while ((node = list_pop_front(&listener->fast_open_children)) != NULL)
        TCPIP_CONTAINER_OF(node, struct tcp_fast_open, node)->listener = NULL;
    listener->fast_open_count = 0;
}

/* ---- keys ---- */

static void fast_open_keys_set(struct fast_open_keys *keys, const uint8_t *primary, const uint8_t *backup)
{
    memset(keys, 0, sizeof(*keys));
    memcpy(keys->key[0], primary, FAST_OPEN_KEY_BYTES);
    keys->count = 1;
    if (backup != NULL) {
        memcpy(keys->key[1], backup, FAST_OPEN_KEY_BYTES);
        keys->count = 2;
    }
}

void tcpip_tcp_set_fast_open_key(struct tcpip_stack *stack, const uint8_t *primary, const uint8_t *backup)
{
    fast_open_keys_set(&tcp_stack_of(stack)->fast_open_keys, primary, backup);
}

void tcpip_tcp_forget_fast_open(struct tcpip_stack *stack)
{
    struct tcp_stack *tcp = tcp_stack_of(stack);
    if (tcp->fast_open_cache.peers != NULL)
        memset(tcp->fast_open_cache.peers, 0,
               tcp->fast_open_cache.sets * FAST_OPEN_WAYS * sizeof(*tcp->fast_open_cache.peers));
    tcp->fast_open_pause = (struct fast_open_pause){.since = 0};
}

unsigned tcpip_tcp_fast_open_key(struct tcpip_stack *stack, uint8_t keys[2][TCPIP_TCP_FAST_OPEN_KEY_BYTES])
{
    const struct tcp_stack *tcp = tcp_stack_of(stack);
    memcpy(keys, tcp->fast_open_keys.key, sizeof(tcp->fast_open_keys.key));
    return tcp->fast_open_keys.count;
}

enum tcpip_error tcpip_endpoint_set_fast_open_key(struct tcpip_endpoint *endpoint, const uint8_t *primary,
                                                  const uint8_t *backup)
{
    if (endpoint->transport != TCPIP_PROTOCOL_TCP)
        return TCPIP_ERR_NOT_SUPPORTED;
    struct tcp_endpoint *ep = tcp_of(endpoint);
    if (ep == NULL || (ep->state != TCPIP_TCP_CLOSED && ep->state != TCPIP_TCP_LISTEN))
        return TCPIP_ERR_INVALID_ENDPOINT_STATE;
    struct tcp_fast_open *own = fast_open_attach(ep);
    if (own == NULL)
        return TCPIP_ERR_NO_MEMORY;
    fast_open_keys_set(&own->keys, primary, backup);
    return TCPIP_OK;
}

unsigned tcpip_endpoint_fast_open_key(const struct tcpip_endpoint *endpoint,
                                      uint8_t keys[2][TCPIP_TCP_FAST_OPEN_KEY_BYTES])
{
    if (endpoint->transport != TCPIP_PROTOCOL_TCP)
        return 0;
    struct tcp_endpoint copy;
    const struct fast_open_keys *from = fast_open_keys_of(tcpip__tcp_look(endpoint, &copy));
    memcpy(keys, from->key, sizeof(from->key));
    return from->count;
}

/* ---- life ---- */

/* The stack's own key comes from its secret, so that it asks the environment for no more randomness. */
void tcpip__tcp_fast_open_init(struct tcp_stack *tcp)
{
    static const char purpose[2][24] = {"Fast Open key, low half", "Fast Open key, high"};
    uint8_t key[FAST_OPEN_KEY_BYTES];
    for (unsigned i = 0; i < 2; i++) {
        uint64_t half = tcpip__siphash(&tcp->stack->secret, purpose[i], sizeof(purpose[i]));
        memcpy(key + i * sizeof(half), &half, sizeof(half));
    }
    fast_open_keys_set(&tcp->fast_open_keys, key, NULL);
    tcpip__pool_init(&tcp->fast_opens, &tcp->stack->memory, sizeof(struct tcp_fast_open), alignof(struct tcp_fast_open),
                     0);
}

void tcpip__tcp_fast_open_fini(struct tcp_stack *tcp)
{
    struct fast_open_cache *cache = &tcp->fast_open_cache;
    tcpip__memory_free(&tcp->stack->memory, cache->peers, cache->sets * FAST_OPEN_WAYS * sizeof(*cache->peers));
    tcpip__pool_fini(&tcp->fast_opens);
}
