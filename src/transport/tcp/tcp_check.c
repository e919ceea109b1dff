// SPDX-License-Identifier: MIT
/* tcp_check.c: the invariants of a whole endpoint, across its organs: after each flush in debug builds, and wherever a
 * test asks.
 *
 * Owns:     nothing.
 * Not here: invariants inside one organ; each has its own check. */
#include "transport/tcp/tcp.h"

void tcpip__tcp_check(const struct tcp_endpoint *ep)
{
    const struct tcpip_env *env = &ep->base->stack->env;
    if (ep->dead || !tcp_synchronized(ep)) {
        ASSERT_ENV(env, !ep->dead || !ep->demux->node.linked);
        return;
    }
    ASSERT_ENV(env, ep->demux->node.linked);
    ASSERT_ENV(env, seq_leq(ep->snd_una, ep->snd_nxt));
    ASSERT_ENV(env, seq_geq(ep->receive_window.advertised, ep->rcv_nxt) || ep->fin_received);
    ASSERT_ENV(env, !ep->fin_sent || ep->fin_queued);
    ASSERT_ENV(env, !ep->fin_acked || ep->fin_sent);
    /* What was sent and not acknowledged is in the queue, but for a FIN. */
    uint32_t outstanding = seq_size(ep->snd_una, ep->snd_nxt) - (ep->fin_sent && !ep->fin_acked ? 1 : 0);
    ASSERT_ENV(env, outstanding <= ep->send_queue.bytes);
    ASSERT_ENV(env, ep->congestion.cwnd >= ep->snd_mss || ep->snd_mss == 0);
    tcpip__send_queue_check(&ep->send_queue);
    tcpip__receive_queue_check(&ep->receive_queue);
    if (ep->hot != NULL) {
        tcpip__scoreboard_check(&ep->hot->board, ep->snd_una, ep->snd_nxt);
        tcpip__reassembly_check(&ep->hot->reassembly, ep->rcv_nxt);
    } else {
        ASSERT_ENV(env, seq_eq(ep->snd_una, ep->snd_nxt));
    }
    const struct signature *signature = ep->signature;
    ASSERT_ENV(env, signature == NULL || signature->kind != SIGNATURE_MD5 || signature->md5 != NULL);
    ASSERT_ENV(env, signature == NULL || signature->kind != SIGNATURE_AO ||
                        (signature->current != NULL && signature->next != NULL));
    /* Somebody is waiting for whatever isn't acknowledged. */
    ASSERT_ENV(env, ep->hot == NULL || ep->hot->board.count == 0 || tcp_timer_on(ep, TCP_TIMER_RETRANSMIT));
}
