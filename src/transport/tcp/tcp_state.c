// SPDX-License-Identifier: MIT
/* tcp_state.c: the states of a connection as a table (RFC 9293 3.3.2, figure 5).
 *
 * What the table calls CLOSED is, for the application, the reference's Initial, Bound, or an ended connection: which of
 * them, the endpoint's other fields say. Half-open connections of a listener have no endpoint and no row here: they are
 * records (tcp_half_open.c) and enter as ESTABLISHED.
 *
 * Owns:       tcp_endpoint.state; nobody else writes it.
 * Invariants: an event that the table doesn't allow in a state is a bug, and asserts.
 * Not here:   what follows from a change of state; the hands do that. */
#include "transport/tcp/tcp.h"
#include "transport/tcp/tcp_save.h"

/* What is not named can't happen: entries are one more than the state they stand for, so that zero is that. */
#define NEXT(state) (TCPIP_TCP_##state + 1)
#define ON(event, state) [TCP_EVENT_##event] = NEXT(state)

/* clang-format off */
static const uint8_t tcp_state_table[TCPIP_TCP_STATE_COUNT][TCP_EVENT_COUNT] = {
    [TCPIP_TCP_CLOSED] = {ON(LISTEN, LISTEN), ON(CONNECT, SYN_SENT), ON(SYN_RECEIVED, SYN_RECEIVED),
                          ON(ESTABLISHED, ESTABLISHED), ON(GONE, CLOSED)},
    [TCPIP_TCP_LISTEN] = {ON(LISTEN, LISTEN), ON(GONE, CLOSED)},
    [TCPIP_TCP_SYN_SENT] = {ON(SYN_RECEIVED, SYN_RECEIVED), ON(ESTABLISHED, ESTABLISHED), ON(GONE, CLOSED)},
    [TCPIP_TCP_SYN_RECEIVED] = {ON(ESTABLISHED, ESTABLISHED), ON(FIN_SENT, FIN_WAIT_1), ON(GONE, CLOSED)},
    [TCPIP_TCP_ESTABLISHED] = {ON(FIN_SENT, FIN_WAIT_1), ON(FIN_RECEIVED, CLOSE_WAIT), ON(GONE, CLOSED)},
    [TCPIP_TCP_FIN_WAIT_1] = {ON(FIN_RECEIVED, CLOSING), ON(FIN_ACKED, FIN_WAIT_2), ON(GONE, CLOSED)},
    [TCPIP_TCP_FIN_WAIT_2] = {ON(FIN_RECEIVED, TIME_WAIT), ON(GONE, CLOSED)},
    [TCPIP_TCP_CLOSE_WAIT] = {ON(FIN_SENT, LAST_ACK), ON(GONE, CLOSED)},
    [TCPIP_TCP_CLOSING] = {ON(FIN_ACKED, TIME_WAIT), ON(GONE, CLOSED)},
    [TCPIP_TCP_LAST_ACK] = {ON(FIN_ACKED, CLOSED), ON(GONE, CLOSED)},
    [TCPIP_TCP_TIME_WAIT] = {ON(GONE, CLOSED)},
};
/* clang-format on */

uint8_t tcpip__tcp_state_next(uint8_t state, enum tcp_event event)
{
    ASSERT(state < TCPIP_TCP_STATE_COUNT && event < TCP_EVENT_COUNT);
    uint8_t entry = tcp_state_table[state][event];
    return entry == 0 ? TCP_STATE_BUG : (uint8_t)(entry - 1);
}

/* Linux counts these as CurrEstab. */
static bool tcp_state_counts(uint8_t state)
{
    return state == TCPIP_TCP_ESTABLISHED || state == TCPIP_TCP_CLOSE_WAIT;
}

void tcpip__tcp_event(struct tcp_endpoint *ep, enum tcp_event event)
{
    uint8_t from = ep->state;
    uint8_t to = tcpip__tcp_state_next(from, event);
    ASSERT_ENV(&ep->base->stack->env, to != TCP_STATE_BUG);
    ep->state = to;
    struct tcpip_stats_tcp *stats = tcp_stats(ep);
    if (tcp_state_counts(to) && !tcp_state_counts(from))
        stats->current_established++;
    if (!tcp_state_counts(to) && tcp_state_counts(from))
        stats->current_established--;
    if (to == TCPIP_TCP_CLOSED && tcp_state_counts(from)) /* by either side's reset, or for want of answers */
        stats->established_resets++;
    EVENT(ep->base->stack, TCP_STATE, ep->base->id, from, to, event, 0);
}

void tcpip__tcp_restore_state(struct tcp_endpoint *ep, uint8_t state)
{
    ASSERT_ENV(&ep->base->stack->env, ep->state == TCPIP_TCP_CLOSED && state < TCPIP_TCP_TIME_WAIT);
    ep->state = state;
    if (tcp_state_counts(state))
        tcp_stats(ep)->current_established++;
    EVENT(ep->base->stack, TCP_STATE, ep->base->id, TCPIP_TCP_CLOSED, state, TCP_EVENT_COUNT, 0);
}

const char *tcpip_tcp_state_name(enum tcpip_tcp_state state)
{
    static const char *const names[TCPIP_TCP_STATE_COUNT] = {
        "CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
        "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT",
    };
    return (unsigned)state < TCPIP_TCP_STATE_COUNT ? names[state] : "UNKNOWN";
}
