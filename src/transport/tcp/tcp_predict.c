// SPDX-License-Identifier: MIT
/* tcp_predict.c: the segment that was to be expected, taken in by the short way.
 *
 * Of a connection on which nothing is wrong two things can be said of the next segment before it comes: it begins at
 * rcv_nxt, and it acknowledges either nothing new or, if what is under way went as one record, all of that. So it is
 * with requests and their answers, and with whoever only receives. Then most steps of RFC 9293 3.10.7.4, and most stops
 * of an ACK (tcp_ack.c), have nothing to do and nothing to say: no part of the text is old or beyond the window, no
 * flag asks for anything, RACK has nothing left to judge, and a recovery that isn't going on doesn't end.
 *
 * The prediction is an optimisation and nothing else. Each condition below names a step of the long way that it makes
 * idle; what is left of the steps is done by the same functions as there. tcp_predict_test.c sends the same segments
 * the long way and the short way, and compares all that becomes of the endpoint.
 *
 * Owns:       nothing.
 * Invariants: whatever is predicted leaves the endpoint as tcp_input.c would.
 * Not here:   the steps themselves (tcp_input.c, tcp_ack.c). */
#include "transport/tcp/tcp_predict.h"

/* Text in order that fits, or nothing but an ACK; no flag, option or mark that means more than that (first to fourth,
 * and sixth to eighth step). */
static bool predict_text(const struct tcp_endpoint *ep, const struct tcp_segment *segment)
{
    if (ep->state != TCPIP_TCP_ESTABLISHED || (segment->flags & ~(uint32_t)TCPIP_TCP_PSH) != TCPIP_TCP_ACK ||
        !seq_eq(segment->seq, ep->rcv_nxt) || segment->length > receive_window_open(&ep->receive_window, ep->rcv_nxt))
        return false;
    if (segment->options.present != 0 || segment->has_ts != ep->ts_on ||
        (ep->ts_on && (int32_t)(segment->ts_val - ep->ts_recent) < 0)) /* PAWS may have something to say */
        return false;
    return ep->ecn.mode == ECN_OFF && !ep->syn_ack_pending && !ep->fin_seen && !ep->shut_read && ep->urgent == NULL;
}

/* Is all that is under way one record that nothing was thought to have happened to, and no episode open? */
static bool predict_all(const struct tcp_endpoint *ep)
{
    const struct tcp_hot *hot = ep->hot;
    return scoreboard_lone(&hot->board, seq_size(ep->snd_una, ep->snd_nxt)) && recovery_calm(&hot->recovery) &&
           ep->search == NULL && tcp_rack(ep);
}

/* Fifth step: it tells nothing new, or of all that is under way. */
static bool predict_ack(const struct tcp_endpoint *ep, const struct tcp_segment *segment)
{
    const struct tcp_hot *hot = ep->hot;
    if (hot == NULL)
        return segment->length > 0 && seq_eq(segment->ack, ep->snd_una);
    if (hot->tlp.outstanding)
        return false;
    if (seq_eq(segment->ack, ep->snd_una))
        return segment->length > 0; /* else it may be a duplicate */
    return seq_eq(segment->ack, ep->snd_nxt) && predict_all(ep);
}

bool tcpip__tcp_predicted_input(struct tcp_endpoint *ep, struct tcp_segment *segment)
{
    struct tcp_stack *tcp = tcp_stack_of(ep->base->stack);
    if (!predict_text(ep, segment) || !predict_ack(ep, segment) || unlikely(tcp->unpredicted))
        return false;
    ep->last_receive_at = segment->now;
    tcpip__tcp_timers_on_segment_received(ep);
    tcpip__tcp_ack_predicted(ep, segment);
    if (segment->length > 0) {
        tcp_stats(ep)->header_prediction_data++;
        tcpip__tcp_receive_in_order(ep, segment, 0, segment->length);
    } else {
        tcp_stats(ep)->header_prediction_acks++;
        tcp_stats(ep)->pure_acks_received++;
        tcpip_packet_free(segment->packet);
    }
    if (DEBUG_BUILD)
        tcpip__tcp_check(ep);
    return true;
}
