// SPDX-License-Identifier: MIT
/* tcp_reply.c: answers that no state stands behind: resets (RFC 9293 3.10.7.1) and challenge ACKs (RFC 5961).
 *
 * Both are what an attacker would like to have many of, so both are limited: resets per peer (reply_limit.c), challenge
 * ACKs per connection. What is limited per connection or per peer can't be read from another one, which a shared
 * counter could (CVE-2016-5696).
 *
 * Owns:     tcp_stack's allowances, tcp_endpoint.challenge_at.
 * Not here: who decides that an answer is due. */
#include "transport/tcp/tcp.h"

void tcpip__tcp_reply_init(struct tcp_stack *tcp)
{
    struct tcpip_stack *stack = tcp->stack;
    uint32_t rate = stack->limits.icmp_errors_per_second;
    tcpip__reply_limit_init(&tcp->resets, rate, REPLY_LIMIT_RESET_SHARE, rate / REPLY_LIMIT_RESET_SHARE, &stack->rng);
    tcpip__reply_limit_init(&tcp->syn_acks, rate, REPLY_LIMIT_SYN_ACK_SHARE, REPLY_LIMIT_SYN_ACK_BURST, &stack->rng);
}

static bool tcp_reset_allowed(struct tcpip_stack *stack, const struct tcp_segment *segment)
{
    if (tcpip__reply_limit_take(&tcp_stack_of(stack)->resets, segment->flow.remote, segment->now))
        return true;
    stack->stats.tcp.resets_suppressed++;
    return false;
}

void tcpip__tcp_reply_reset(struct tcpip_stack *stack, const struct tcp_segment *segment)
{
    if ((segment->flags & TCPIP_TCP_RST) != 0 || !tcp_reset_allowed(stack, segment))
        return;
    struct tcpip_route route = {0};
    uint8_t local[16];
    memcpy(local, segment->flow.local, 16);
    if (tcpip__route_find(stack, segment->flow.nic, local, segment->flow.remote, &route) != TCPIP_OK)
        return;
    struct tcp_bare_segment reset = {.flow = &segment->flow, .flags = TCPIP_TCP_RST};
    if ((segment->flags & TCPIP_TCP_ACK) != 0) {
        reset.seq = segment->ack;
    } else {
        uint32_t control = (segment->flags & TCPIP_TCP_SYN ? 1u : 0u) + (segment->flags & TCPIP_TCP_FIN ? 1u : 0u);
        reset.ack = seq_add(segment->seq, segment->length + control);
        reset.flags |= TCPIP_TCP_ACK;
    }
    struct signing signing;
    struct tcpip_tcp_options options = {.present = 0};
    uint8_t written[TCPIP_TCP_OPTIONS_MAX];
    if (tcpip__tcp_signing_reply(segment, reset.seq, &signing)) {
        signature_reserve(&signing, &options);
        reset.options = written;
        reset.options_bytes = tcpip_tcp_options_emit(written, &options);
        reset.signing = &signing;
    }
    EVENT(stack, TCP_RESET, 0, 1, 0, 0, 0);
    (void)tcpip__tcp_output_bare(stack, &route, &reset);
    tcpip__route_release(&route);
}

void tcpip__tcp_challenge_ack(struct tcp_endpoint *ep, tcpip_ns now)
{
    if (now < ep->challenge_at) {
        tcp_stats(ep)->challenge_acks_suppressed++;
        return;
    }
    ep->challenge_at = now + tcp_option(ep, TCPIP_OPTION_CHALLENGE_ACK_INTERVAL);
    tcp_stats(ep)->challenge_acks_sent++;
    tcpip__tcp_output_ack(ep);
}
