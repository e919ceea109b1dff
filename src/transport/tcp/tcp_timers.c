// SPDX-License-Identifier: MIT
/* tcp_timers.c: all waiting of a connection, as events: functions named after what just happened.
 *
 *   timer          armed by                        cancelled by              on expiry                      source
 *   REORDER        an ACK, after which something   an ACK, after which       lost; recovery begins          RFC 8985 6
 *                  may only be late                nothing is
 *   PROBE          new data sent; an ACK with      recovery, SACKs, a probe  new data, or the last segment  RFC 8985 7
 *                  more outstanding                outstanding               again; RETRANSMIT anew
 *   RETRANSMIT     SYN, data or FIN sent; an ACK   everything acknowledged   oldest segment again, backoff; RFC 6298 5
 *                  with more outstanding; the                                at the limit: Timeout
 *                  first segment sent again
 *   PERSIST        window closed, data wait,       the window opens          probe, backoff                 RFC 9293
 *                  nothing in flight                                                                        3.8.6.1
 *                  window too small for them       "                         what it takes, after <= 1 s    3.8.6.2.1
 *   DELAYED_ACK    data received, ACK not due yet  an ACK sent               ACK                            3.8.6.3
 *   KEEPALIVE      established with the option on  option off, close         probe if idle; at the limit:   3.8.4
 *                                                                            Timeout
 *   USER_TIMEOUT   data sent with the option set   everything acknowledged   Timeout                        3.8.3
 *   FIN_WAIT_2     FIN-WAIT-2 after close          TIME-WAIT                 gone                           Linux
 *   CORK           a partial segment held back     sent, uncorked            sent anyway                    Linux
 *   PACING         data wait for their turn       sent                      they go                        pacer.c
 *   IDLE           everything acknowledged, read   data sent                 hot block given back, endpoint tcp_fold.c
 *                  or accepted                                               folded
 *
 * The connection has one node on the stack's wheel. A deadline that moves later leaves it where it is: it fires early
 * once, looks, and is armed anew. That makes arming on every segment free.
 *
 * Owns:       tcp_handle.timer (but at rest: tcp_fold.c) and tcp_endpoint.deadlines; nobody else sets them.
 * Invariants: an armed deadline is never before the node's instant, and the node is armed while any deadline is.
 * Not here:   what a probe or a retransmission is (tcp_send.c); TIME-WAIT and half-open records have their own. */
#include "transport/tcp/tcp_fold.h"
#include "transport/tcp/tcp_mtu.h"
#include "transport/tcp/tcp_save.h"

enum {
    PERSIST_MIN_MS = 200, /* as the least RTO */
    OVERRIDE_MAX_MS = 1000,
    CORK_MS = 200,
    IDLE_MS = 1000,
    RENEGING_MS = 10,
    RETRANSMITS_DOUBTFUL = 3, /* RFC 9293 3.8.3's R1 (SHLD-10), as Linux's tcp_retries1 */
    THIN_SEGMENTS = 3,
    THIN_TIMEOUTS = 6, /* in a row, before it is the path's own fault */
};

static void tcp_timer_pull(struct tcp_endpoint *ep, tcpip_ns at)
{
    stack_timer_set(ep->base->stack, ep->timer, at);
}

/* Four times an exchange; hardly ever does the node have to move. */
static inline void tcp_timer_arm(struct tcp_endpoint *ep, enum tcp_timer timer, tcpip_ns at)
{
    ep->deadlines[timer] = at;
    if (unlikely(!tcpip_timer_armed(ep->timer) || at < ep->timer->at))
        tcp_timer_pull(ep, at);
}

static void tcp_timer_disarm(struct tcp_endpoint *ep, enum tcp_timer timer)
{
    ep->deadlines[timer] = TCPIP_NEVER;
}

static tcpip_ns tcp_rto(const struct tcp_endpoint *ep)
{
    struct rtt_bounds bounds = tcp_rtt_bounds(ep);
    return tcpip__rtt_rto(&ep->rtt, &bounds);
}

/* RFC 8985 7.2. What SACKs and recoveries tell is RACK's; a probe is for where nothing tells anything. */
static void tcp_probe_schedule(struct tcp_endpoint *ep, tcpip_ns now)
{
    const struct tcp_hot *hot = ep->hot;
    if (hot == NULL || hot->board.count == 0 || hot->board.sacked_bytes > 0 || hot->board.lost_bytes > 0 ||
        recovery_active(&hot->recovery) || !tlp_ready(&hot->tlp) || !ep->sack_on || ep->rtt.srtt_ns == 0 ||
        tcp_option(ep, TCPIP_OPTION_TAIL_LOSS_PROBE) == 0) {
        tcp_timer_disarm(ep, TCP_TIMER_PROBE);
        return;
    }
    bool single = hot->board.count == 1 && hot->board.outstanding_bytes <= (uint32_t)ep->snd_mss + 1;
    tcp_timer_arm(ep, TCP_TIMER_PROBE,
                  now + tcpip__tlp_timeout(ep->rtt.srtt_ns, single, tcp_option(ep, TCPIP_OPTION_MIN_RTO),
                                           ep->deadlines[TCP_TIMER_RETRANSMIT] - now));
}

/* Timeout, or what an ICMP error has said meanwhile (as Linux). */
static void tcp_give_up(struct tcp_endpoint *ep)
{
    tcp_stats(ep)->established_timedout++;
    enum tcpip_error error = ep->soft_error != TCPIP_OK ? (enum tcpip_error)ep->soft_error : TCPIP_ERR_TIMEOUT;
    tcpip__tcp_abort(ep, error);
}

static bool tcp_user_timeout_over(const struct tcp_endpoint *ep, tcpip_ns now)
{
    int64_t timeout = tcp_option(ep, TCPIP_OPTION_USER_TIMEOUT);
    return timeout > 0 && ep->user_timeout_from != TCPIP_NEVER && now - ep->user_timeout_from >= timeout;
}

/* One more timeout. At R1 the way there is in doubt: the neighbor is asked about, and a route looked for anew (RFC 9293
 * MUST-20). */
static void tcp_count_retransmit(struct tcp_endpoint *ep, tcpip_ns now)
{
    if (ep->retransmit_count == 0) {
        ep->timeout_since_ms = (uint32_t)(now / TCPIP_MS);
        if (ep->timeout_episodes < UINT16_MAX)
            ep->timeout_episodes++;
    }
    if (ep->timeouts < UINT16_MAX)
        ep->timeouts++;
    if (ep->retransmit_count < UINT8_MAX)
        ep->retransmit_count++;
    tcp_stats(ep)->timeouts++;
    if (ep->retransmit_count == RETRANSMITS_DOUBTFUL)
        tcpip__route_doubt(&ep->route);
}

void tcpip__tcp_timers_count_progress(struct tcp_endpoint *ep, tcpip_ns now)
{
    if (likely(ep->retransmit_count == 0))
        return;
    ep->timeout_ms = sat_add_u32(ep->timeout_ms, (uint32_t)(now / TCPIP_MS) - ep->timeout_since_ms);
    ep->retransmit_count = 0;
}

static void tcp_on_syn_timeout(struct tcp_endpoint *ep, tcpip_ns now)
{
    enum tcpip_option limit = ep->state == TCPIP_TCP_SYN_SENT ? TCPIP_OPTION_SYN_COUNT : TCPIP_OPTION_SYN_ACK_COUNT;
    /* A Fast Open child may have an application already: it gets one chance more, as on Linux. */
    int64_t most = tcp_option(ep, limit) + (ep->syn_ack_pending ? 1 : 0);
    bool last = ep->retransmit_count >= most || tcp_user_timeout_over(ep, now);
    tcpip__tcp_fast_open_timeout(ep, last, now);
    if (last) {
        tcp_give_up(ep);
        return;
    }
    tcp_count_retransmit(ep, now);
    tcp_stats(ep)->retransmits++;
    ep->total_retransmits++;
    if (ep->syn_ack_pending && ep->retransmit_count > 1)
        ep->congestion.cwnd = ep->snd_mss; /* RFC 5681 3.1, as where the handshake comes before the data */
    tcpip__rtt_back_off(&ep->rtt);
    tcpip__tcp_send_syn(ep);
    tcp_timer_arm(ep, TCP_TIMER_RETRANSMIT, now + tcp_rto(ep));
}

static void tcp_on_probe_timeout(struct tcp_endpoint *ep, tcpip_ns now)
{
    if (ep->hot == NULL || ep->hot->board.count == 0)
        return;
    if (unlikely(tcpip__tcp_mtu_on_silence(ep)))
        endpoint_mark_dirty(ep->base); /* it was too big, and goes again in pieces */
    else
        tcpip__tcp_send_tail_probe(ep);
    EVENT(ep->base->stack, TCP_TIMER, ep->base->id, TCP_TIMER_PROBE, ep->rtt.backoff, 0, 0);
    /* Whether or not it could go: it is the retransmission timer's turn now, with its whole time (RFC 8985 7.3). */
    tcp_timer_disarm(ep, TCP_TIMER_PROBE);
    tcp_timer_arm(ep, TCP_TIMER_RETRANSMIT, now + tcp_rto(ep));
}

/* RFC 8985 6.3: what was sent less than a round trip ago may still come. RFC 6675 5.1: else everything. */
static void tcp_mark_lost_on_timeout(struct tcp_endpoint *ep, tcpip_ns now)
{
    struct tcp_hot *hot = ep->hot;
    /* The head unSACKed is what the peer should have; a SACKed head means that it threw SACKed data away (RFC 2018 8).
     */
    bool reneged = (hot->board.first->flags & RECORD_SACKED) != 0;
    if (reneged)
        tcp_stats(ep)->sack_reneging++;
    if (!reneged && hot->rack.newest.known && tcp_rack(ep))
        tcpip__scoreboard_mark_lost_on_timeout(&hot->board, &tcp_stack_of(ep->base->stack)->records,
                                               rack_sent_by(&hot->rack, tcpip__tcp_reordering_window(ep, true), now),
                                               ep->snd_mss);
    else
        (void)tcpip__scoreboard_mark_all_lost(&hot->board, reneged);
}

/* So few segments under way, and not because it has just begun, that nothing but the timer tells of a loss: to wait as
 * long each time costs the path nothing (Linux's tcp-thin). */
static bool tcp_thin(const struct tcp_endpoint *ep)
{
    return ep->state == TCPIP_TCP_ESTABLISHED &&
           ep->hot->board.outstanding_bytes <= THIN_SEGMENTS * (uint32_t)ep->snd_mss &&
           ep->congestion.ssthresh != TCPIP_SSTHRESH_INFINITE && ep->retransmit_count <= THIN_TIMEOUTS;
}

/* RFC 6298 5.4 to 5.6; RFC 5681 3.1 for the window. */
static void tcp_on_retransmit_timeout(struct tcp_endpoint *ep, tcpip_ns now)
{
    if (!tcp_synchronized(ep) || ep->syn_ack_pending) {
        tcp_on_syn_timeout(ep, now);
        return;
    }
    struct tcp_hot *hot = ep->hot;
    if (hot == NULL || hot->board.count == 0)
        return;
    /* Who took back the window that the data were sent into, and says so still, is alive: this is a probe by another
     * name. */
    bool shut = ep->snd_wnd == 0 && now - ep->last_receive_at < tcp_option(ep, TCPIP_OPTION_MAX_RTO);
    bool last = (ep->retransmit_count >= tcp_option(ep, TCPIP_OPTION_RETRANSMIT_COUNT) && !shut) ||
                tcp_user_timeout_over(ep, now);
    tcpip__tcp_fast_open_timeout(ep, last, now);
    if (last) {
        tcp_give_up(ep);
        return;
    }
    tcp_count_retransmit(ep, now);
    if (tcpip__recovery_on_rto(&hot->recovery, ep->snd_una, ep->snd_nxt, ep->congestion.cwnd, ep->congestion.ssthresh,
                               ep->retransmit_count > 1, ep->sack_on))
        ep->congestion.ops->on_rto(&ep->congestion, hot->board.outstanding_bytes, now);
    tcpip__tlp_cancel(&hot->tlp);
    bool smaller = tcpip__tcp_mtu_on_timeout(ep);
    tcp_mark_lost_on_timeout(ep, now);
    if (smaller)
        (void)tcpip__scoreboard_mark_all_lost(&hot->board, false);
    /* The loss window is for what is lost: what is still under way isn't in its way (RFC 5681 3.1, as Linux). */
    ep->congestion.cwnd = sat_add_u32(scoreboard_in_flight(&hot->board), ep->snd_mss);
    tcpip__ecn_reduced_by_loss(&ep->ecn);
    tcp_timer_disarm(ep, TCP_TIMER_PROBE);
    tcp_timer_disarm(ep, TCP_TIMER_REORDER);
    if (unlikely(tcp_option(ep, TCPIP_OPTION_THIN_LINEAR_TIMEOUTS) != 0) && tcp_thin(ep))
        ep->rtt.backoff = 0;
    else
        tcpip__rtt_back_off(&ep->rtt);
    EVENT(ep->base->stack, TCP_TIMER, ep->base->id, TCP_TIMER_RETRANSMIT, ep->rtt.backoff, 0, 0);
    tcp_timer_arm(ep, TCP_TIMER_RETRANSMIT, now + tcp_rto(ep));
    endpoint_mark_dirty(ep->base);
}

static void tcp_on_persist_timeout(struct tcp_endpoint *ep, tcpip_ns now)
{
    /* A peer that answers probes may keep its window closed for ever; one that doesn't is given up like any other. */
    if (ep->probe_count >= tcp_option(ep, TCPIP_OPTION_RETRANSMIT_COUNT) || tcp_user_timeout_over(ep, now)) {
        tcp_give_up(ep);
        return;
    }
    /* But nobody waits for an orphan any more, and what it holds is held from others (as Linux). */
    if (ep->orphan && ep->rtt.backoff >= tcp_option(ep, TCPIP_OPTION_ORPHAN_PROBES)) {
        tcp_stats(ep)->orphans_given_up++;
        tcpip__tcp_output_control(ep, ep->snd_nxt, TCPIP_TCP_RST | TCPIP_TCP_ACK);
        tcp_give_up(ep);
        return;
    }
    seqnum before = ep->snd_nxt;
    ep->probe_count++;
    tcpip__tcp_send_probe(ep);
    if (seq_gt(ep->snd_nxt, before)) /* into a window that was only too small: no probe, and RETRANSMIT waits for it */
        return;
    tcp_stats(ep)->zero_window_probes_sent++;
    tcpip__rtt_back_off(&ep->rtt);
    if (!ep->dead && !tcp_timer_on(ep, TCP_TIMER_RETRANSMIT))
        tcp_timer_arm(ep, TCP_TIMER_PERSIST, now + max_i64(tcp_rto(ep), PERSIST_MIN_MS * TCPIP_MS));
}

static void tcp_on_keepalive_timeout(struct tcp_endpoint *ep, tcpip_ns now)
{
    if (tcp_option(ep, TCPIP_OPTION_KEEPALIVE) == 0 || ep->state == TCPIP_TCP_SYN_SENT)
        return;
    tcpip_ns idle_ns = tcp_option(ep, TCPIP_OPTION_KEEPALIVE_IDLE);
    tcpip_ns interval_ns = tcp_option(ep, TCPIP_OPTION_KEEPALIVE_INTERVAL);
    /* With data outstanding the retransmission timer watches the peer. */
    if (tcp_in_flight(ep) > 0 || tcp_unsent(ep) > 0) {
        tcp_timer_arm(ep, TCP_TIMER_KEEPALIVE, now + idle_ns);
        return;
    }
    tcpip_ns quiet_ns = now - ep->last_receive_at;
    if (quiet_ns < idle_ns) {
        tcp_timer_arm(ep, TCP_TIMER_KEEPALIVE, ep->last_receive_at + idle_ns);
        return;
    }
    int64_t user_timeout = tcp_option(ep, TCPIP_OPTION_USER_TIMEOUT);
    bool over = user_timeout > 0 ? quiet_ns >= user_timeout && ep->keepalive_count > 0
                                 : ep->keepalive_count >= tcp_option(ep, TCPIP_OPTION_KEEPALIVE_COUNT);
    if (over) {
        tcp_stats(ep)->keepalive_timeouts++;
        tcpip__tcp_output_control(ep, ep->snd_nxt, TCPIP_TCP_RST | TCPIP_TCP_ACK);
        tcp_give_up(ep);
        return;
    }
    ep->keepalive_count++;
    tcp_stats(ep)->keepalives_sent++;
    tcpip__tcp_output_control(ep, seq_sub(ep->snd_una, 1), TCPIP_TCP_ACK);
    tcp_timer_arm(ep, TCP_TIMER_KEEPALIVE, now + interval_ns);
}

/* Silence since the last segment either way. What stands in the way of rest now, says so when it doesn't any more
 * (tcpip__tcp_timers_on_rest), but for data out of order. False: it is folded. */
static bool tcp_on_idle(struct tcp_endpoint *ep, tcpip_ns now)
{
    tcpip_ns rests_at = max_i64(ep->last_receive_at, ep->last_send_at) + IDLE_MS * TCPIP_MS;
    if (rests_at > now) {
        tcp_timer_arm(ep, TCP_TIMER_IDLE, rests_at);
        return true;
    }
    tcpip__tcp_cool(ep);
    if (ep->hot == NULL || ep->hot->board.count != 0)
        return !tcpip__tcp_fold(ep);
    tcp_timer_arm(ep, TCP_TIMER_IDLE, now + IDLE_MS * TCPIP_MS);
    return true;
}

/* False: the endpoint is folded into its handle. */
static bool tcp_on_timer(struct tcp_endpoint *ep, enum tcp_timer timer, tcpip_ns now)
{
    struct ack_bounds bounds;
    switch (timer) {
    case TCP_TIMER_REORDER:
        tcpip__tcp_reordering_over(ep, now);
        break;
    case TCP_TIMER_PROBE:
        tcp_on_probe_timeout(ep, now);
        break;
    case TCP_TIMER_RETRANSMIT:
        tcp_on_retransmit_timeout(ep, now);
        break;
    case TCP_TIMER_PERSIST:
        tcp_on_persist_timeout(ep, now);
        break;
    case TCP_TIMER_DELAYED_ACK:
        tcpip__tcp_ack_bounds(ep, &bounds);
        tcpip__ack_policy_on_timer(&ep->ack_policy, &bounds);
        tcp_stats(ep)->delayed_acks_sent++;
        ep->ack_now = true;
        endpoint_mark_dirty(ep->base);
        break;
    case TCP_TIMER_KEEPALIVE:
        tcp_on_keepalive_timeout(ep, now);
        break;
    case TCP_TIMER_USER_TIMEOUT:
        if (tcp_user_timeout_over(ep, now)) {
            tcp_stats(ep)->user_timeouts++;
            tcp_give_up(ep);
        }
        break;
    case TCP_TIMER_FIN_WAIT_2:
        tcpip__tcp_abort(ep, TCPIP_ERR_TIMEOUT);
        break;
    case TCP_TIMER_CORK:
        ep->force_partial = true;
        ep->more_bytes = 0;
        endpoint_mark_dirty(ep->base);
        break;
    case TCP_TIMER_PACING:
        endpoint_mark_dirty(ep->base);
        break;
    case TCP_TIMER_IDLE:
        return tcp_on_idle(ep, now);
    case TCP_TIMER_COUNT:
        break;
    }
    return true;
}

static void tcp_timer_fired(struct tcpip_timer *timer, tcpip_ns now)
{
    struct tcp_endpoint *ep = TCPIP_CONTAINER_OF(timer, struct tcp_handle, timer)->ep;
    for (int i = 0; i < TCP_TIMER_COUNT && !ep->dead; i++) {
        if (ep->deadlines[i] > now)
            continue;
        ep->deadlines[i] = TCPIP_NEVER;
        if (!tcp_on_timer(ep, (enum tcp_timer)i, now))
            return;
    }
    if (ep->dead)
        return;
    tcpip_ns next = TCPIP_NEVER;
    for (int i = 0; i < TCP_TIMER_COUNT; i++)
        next = min_i64(next, ep->deadlines[i]);
    if (next != TCPIP_NEVER)
        stack_timer_set(ep->base->stack, ep->timer, next);
}

void tcpip__tcp_timers_init(struct tcp_endpoint *ep)
{
    ep->timer->fn = tcp_timer_fired;
    for (int i = 0; i < TCP_TIMER_COUNT; i++)
        ep->deadlines[i] = TCPIP_NEVER;
    ep->user_timeout_from = TCPIP_NEVER;
}

void tcpip__tcp_timers_unfold(struct tcp_endpoint *ep)
{
    ep->timer->fn = tcp_timer_fired;
    tcpip__tcp_timers_on_rest(ep);
}

void tcpip__tcp_timers_on_keepalive_due(struct tcp_endpoint *ep, tcpip_ns now)
{
    tcp_on_keepalive_timeout(ep, now);
}

void tcpip__tcp_timers_stop(struct tcp_endpoint *ep)
{
    for (int i = 0; i < TCP_TIMER_COUNT; i++)
        ep->deadlines[i] = TCPIP_NEVER;
    stack_timer_cancel(ep->base->stack, ep->timer);
}

/* The user timeout counts from the oldest unacknowledged data, not from the latest. */
static void tcp_user_timeout_start(struct tcp_endpoint *ep, tcpip_ns now)
{
    if (ep->user_timeout_from == TCPIP_NEVER)
        ep->user_timeout_from = now;
    int64_t timeout = tcp_option(ep, TCPIP_OPTION_USER_TIMEOUT);
    if (timeout > 0 && !tcp_timer_on(ep, TCP_TIMER_USER_TIMEOUT))
        tcp_timer_arm(ep, TCP_TIMER_USER_TIMEOUT, ep->user_timeout_from + timeout);
}

void tcpip__tcp_timers_on_syn_sent(struct tcp_endpoint *ep)
{
    tcpip_ns now = stack_now(ep->base->stack);
    tcp_timer_arm(ep, TCP_TIMER_RETRANSMIT, now + tcp_rto(ep));
    tcp_user_timeout_start(ep, now);
}

void tcpip__tcp_timers_on_established(struct tcp_endpoint *ep)
{
    tcp_timer_disarm(ep, TCP_TIMER_RETRANSMIT);
    tcp_timer_disarm(ep, TCP_TIMER_USER_TIMEOUT);
    ep->user_timeout_from = TCPIP_NEVER;
    if (ep->retransmit_count > 0) {
        struct rtt_bounds bounds = tcp_rtt_bounds(ep);
        tcpip__rtt_syn_timed_out(&ep->rtt, &bounds);
    }
    tcpip__tcp_timers_count_progress(ep, stack_now(ep->base->stack));
    tcpip__tcp_timers_on_keepalive_option(ep);
    tcpip__tcp_timers_on_rest(ep);
}

/* The SYN-ACK of a Fast Open child is acknowledged: from now on the timer is for data, if there are any. */
void tcpip__tcp_timers_on_fast_opened(struct tcp_endpoint *ep)
{
    bool outstanding = ep->hot != NULL && ep->hot->board.count > 0;
    tcp_timer_disarm(ep, TCP_TIMER_RETRANSMIT);
    tcpip__tcp_timers_count_progress(ep, stack_now(ep->base->stack));
    ep->rtt.backoff = 0;
    if (outstanding) {
        tcp_timer_arm(ep, TCP_TIMER_RETRANSMIT, stack_now(ep->base->stack) + tcp_rto(ep));
    } else {
        tcp_timer_disarm(ep, TCP_TIMER_USER_TIMEOUT);
        ep->user_timeout_from = TCPIP_NEVER;
    }
    tcpip__tcp_timers_on_keepalive_option(ep);
}

void tcpip__tcp_timers_syn_again(struct tcp_endpoint *ep)
{
    tcp_on_syn_timeout(ep, stack_now(ep->base->stack));
}

void tcpip__tcp_timers_on_data_sent(struct tcp_endpoint *ep)
{
    tcpip_ns now = stack_now(ep->base->stack);
    if (!tcp_timer_on(ep, TCP_TIMER_RETRANSMIT))
        tcp_timer_arm(ep, TCP_TIMER_RETRANSMIT, now + tcp_rto(ep));
    tcp_timer_disarm(ep, TCP_TIMER_PERSIST);
    tcp_timer_disarm(ep, TCP_TIMER_CORK);
    tcp_timer_disarm(ep, TCP_TIMER_IDLE);
    tcp_probe_schedule(ep, now);
    tcp_user_timeout_start(ep, now);
}

void tcpip__tcp_timers_on_head_sent(struct tcp_endpoint *ep)
{
    /* As Linux: its ACK takes a round trip from now, not from when it first went. Without a timeout in between it goes
     * again only when something sent after it has arrived, so that it can't put off the timer for ever. */
    tcp_timer_arm(ep, TCP_TIMER_RETRANSMIT, stack_now(ep->base->stack) + tcp_rto(ep));
}

void tcpip__tcp_timers_on_ack(struct tcp_endpoint *ep, bool progress)
{
    tcpip_ns now = stack_now(ep->base->stack);
    if (progress) {
        tcpip__tcp_timers_count_progress(ep, now);
        ep->user_timeout_from = TCPIP_NEVER;
        tcp_timer_disarm(ep, TCP_TIMER_USER_TIMEOUT);
    }
    if (ep->hot == NULL || ep->hot->board.count == 0) {
        tcp_timer_disarm(ep, TCP_TIMER_RETRANSMIT); /* RFC 6298 5.2 */
        tcp_timer_disarm(ep, TCP_TIMER_REORDER);
        tcp_timer_disarm(ep, TCP_TIMER_PROBE);
        if (!tcp_timer_on(ep, TCP_TIMER_IDLE))
            tcp_timer_arm(ep, TCP_TIMER_IDLE, now + IDLE_MS * TCPIP_MS);
    } else if (progress) {
        tcp_timer_arm(ep, TCP_TIMER_RETRANSMIT, now + tcp_rto(ep)); /* 5.3 */
        tcp_probe_schedule(ep, now);
        tcp_user_timeout_start(ep, now);
    } else if (ep->hot->board.sacked_bytes > 0 || recovery_active(&ep->hot->recovery)) {
        tcp_timer_disarm(ep, TCP_TIMER_PROBE);
    }
}

void tcpip__tcp_timers_on_judged(struct tcp_endpoint *ep, tcpip_ns spared_until)
{
    if (spared_until == TCPIP_NEVER)
        tcp_timer_disarm(ep, TCP_TIMER_REORDER);
    else
        tcp_timer_arm(ep, TCP_TIMER_REORDER, spared_until);
}

void tcpip__tcp_timers_on_reneging(struct tcp_endpoint *ep)
{
    /* It may be that the ACKs were reordered on their way; if not, the timeout forgets the SACKs and sends it all. */
    tcpip_ns patience_ns = min_i64(max_i64(ep->rtt.srtt_ns / 2, RENEGING_MS * TCPIP_MS), tcp_rto(ep));
    tcp_timer_arm(ep, TCP_TIMER_RETRANSMIT, stack_now(ep->base->stack) + patience_ns);
}

void tcpip__tcp_timers_on_hot(struct tcp_endpoint *ep)
{
    tcp_timer_arm(ep, TCP_TIMER_IDLE, stack_now(ep->base->stack) + IDLE_MS * TCPIP_MS);
}

void tcpip__tcp_timers_on_rest(struct tcp_endpoint *ep)
{
    if (!tcp_timer_on(ep, TCP_TIMER_IDLE))
        tcpip__tcp_timers_on_hot(ep);
}

void tcpip__tcp_timers_on_segment_received(struct tcp_endpoint *ep)
{
    ep->keepalive_count = 0;
    ep->probe_count = 0;
}

void tcpip__tcp_timers_on_zero_window(struct tcp_endpoint *ep)
{
    tcpip_ns now = stack_now(ep->base->stack);
    if (!tcp_timer_on(ep, TCP_TIMER_PERSIST) && !tcp_timer_on(ep, TCP_TIMER_RETRANSMIT)) {
        ep->rtt.backoff = 0;
        tcpip_ns wait_ns = max_i64(tcp_rto(ep), PERSIST_MIN_MS * TCPIP_MS);
        /* Open, but too little to send into: with a peer that is short of memory it stays so, and each piece would wait
         * a whole RTO, however long (RFC 9293 3.8.6.2.1's override timeout: 0.1 to 1 s). */
        if (ep->snd_wnd > seq_size(ep->snd_una, ep->snd_nxt))
            wait_ns = min_i64(wait_ns, OVERRIDE_MAX_MS * TCPIP_MS);
        tcp_timer_arm(ep, TCP_TIMER_PERSIST, now + wait_ns);
    }
    if (ep->user_timeout_from == TCPIP_NEVER)
        tcp_user_timeout_start(ep, now);
}

void tcpip__tcp_timers_on_window_open(struct tcp_endpoint *ep)
{
    if (tcp_timer_on(ep, TCP_TIMER_PERSIST)) {
        tcp_timer_disarm(ep, TCP_TIMER_PERSIST);
        ep->probe_count = 0;
        ep->rtt.backoff = 0;
        endpoint_mark_dirty(ep->base); /* open, but maybe too little to send into: then it is armed anew */
    }
}

void tcpip__tcp_timers_on_ack_delayed(struct tcp_endpoint *ep)
{
    tcp_timer_arm(ep, TCP_TIMER_DELAYED_ACK, ep->ack_policy.delayed_at);
}

void tcpip__tcp_timers_on_ack_saved(struct tcp_endpoint *ep)
{
    tcpip_ns most_ns = tcp_option(ep, TCPIP_OPTION_DELAYED_ACK_MAX);
    tcp_timer_arm(ep, TCP_TIMER_DELAYED_ACK, stack_now(ep->base->stack) + most_ns);
}

void tcpip__tcp_timers_on_ack_sent(struct tcp_endpoint *ep)
{
    tcp_timer_disarm(ep, TCP_TIMER_DELAYED_ACK);
}

void tcpip__tcp_timers_on_fin_wait_2(struct tcp_endpoint *ep)
{
    /* Only without an application: with one, the peer may take as long as it likes (RFC 9293 3.6). */
    if (!ep->orphan)
        return;
    int64_t linger2 = tcp_option(ep, TCPIP_OPTION_LINGER2);
    tcp_timer_arm(ep, TCP_TIMER_FIN_WAIT_2, stack_now(ep->base->stack) + max_i64(linger2, 0));
}

void tcpip__tcp_timers_on_corked(struct tcp_endpoint *ep)
{
    if (!tcp_timer_on(ep, TCP_TIMER_CORK))
        tcp_timer_arm(ep, TCP_TIMER_CORK, stack_now(ep->base->stack) + CORK_MS * TCPIP_MS);
}

void tcpip__tcp_timers_on_uncorked(struct tcp_endpoint *ep)
{
    tcp_timer_disarm(ep, TCP_TIMER_CORK);
}

void tcpip__tcp_timers_on_paced(struct tcp_endpoint *ep)
{
    tcp_timer_arm(ep, TCP_TIMER_PACING, ep->hot->pacer.next_at);
}

void tcpip__tcp_timers_on_keepalive_option(struct tcp_endpoint *ep)
{
    if (ep->state < TCPIP_TCP_ESTABLISHED || ep->state == TCPIP_TCP_TIME_WAIT || ep->dead)
        return;
    if (tcp_option(ep, TCPIP_OPTION_KEEPALIVE) != 0)
        tcp_timer_arm(ep, TCP_TIMER_KEEPALIVE,
                      stack_now(ep->base->stack) + tcp_option(ep, TCPIP_OPTION_KEEPALIVE_IDLE));
    else
        tcp_timer_disarm(ep, TCP_TIMER_KEEPALIVE);
}

void tcpip__tcp_timers_freeze(struct tcp_endpoint *ep, bool frozen)
{
    tcpip_ns next = TCPIP_NEVER;
    for (int i = 0; i < TCP_TIMER_COUNT; i++)
        next = min_i64(next, ep->deadlines[i]);
    if (frozen)
        stack_timer_cancel(ep->base->stack, ep->timer);
    else if (next != TCPIP_NEVER)
        stack_timer_set(ep->base->stack, ep->timer, next);
}

void tcpip__tcp_timers_restore(struct tcp_endpoint *ep, const tcpip_ns *deadlines)
{
    static const uint8_t kept[] = {TCP_TIMER_PERSIST,      TCP_TIMER_DELAYED_ACK, TCP_TIMER_KEEPALIVE,
                                   TCP_TIMER_USER_TIMEOUT, TCP_TIMER_FIN_WAIT_2,  TCP_TIMER_CORK};
    tcpip_ns now = stack_now(ep->base->stack);
    bool data = ep->hot != NULL && ep->hot->board.count > 0;
    for (size_t i = 0; i < array_count(kept); i++)
        if (deadlines[kept[i]] != TCPIP_NEVER && !(data && kept[i] == TCP_TIMER_PERSIST))
            tcp_timer_arm(ep, (enum tcp_timer)kept[i], max_i64(deadlines[kept[i]], now));
    /* A SYN or SYN-ACK waits as long as it would have; so it does if nobody had armed it, as before connect's data. */
    tcpip_ns at = deadlines[TCP_TIMER_RETRANSMIT];
    if (!tcp_synchronized(ep) || ep->syn_ack_pending) {
        if (at != TCPIP_NEVER)
            tcp_timer_arm(ep, TCP_TIMER_RETRANSMIT, max_i64(at, now));
        else if (!ep->syn_deferred)
            tcp_timer_arm(ep, TCP_TIMER_RETRANSMIT, now + tcp_rto(ep));
    } else if (data) {
        tcp_timer_arm(ep, TCP_TIMER_RETRANSMIT, now + tcp_rto(ep));
    }
    if (data)
        tcp_timer_disarm(ep, TCP_TIMER_IDLE);
    else if (ep->state == TCPIP_TCP_ESTABLISHED)
        tcp_timer_arm(ep, TCP_TIMER_IDLE, now + IDLE_MS * TCPIP_MS);
}
