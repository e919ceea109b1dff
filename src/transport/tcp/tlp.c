// SPDX-License-Identifier: MIT
/* tlp.c: when the last segments of a flight are lost, nothing comes after them that could tell (RFC 8985 section 7).
 *
 * Two round trips after the last sign of life one more segment goes: new data if there are any, else the last segment
 * again. Its ACK either acknowledges everything, or SACKs the end of the flight, and then RACK sees the hole before
 * it. So a lost tail costs two round trips and not the retransmission timer, which waits longer and then takes the
 * window down to one segment.
 *
 *     probe of new data         RACK tells what was lost; nothing more to be asked
 *     probe that repeats        ACK = end: the probe or the original, who knows. Next,
 *       the last segment          a D-SACK of it, or a bare duplicate: both came, nothing was lost
 *                                 an ACK of more: only one came. It was lost, and the probe was the repair
 *
 * The last case is a loss that nobody else notices, so the probe's judge says so, and congestion control hears of it.
 *
 * Owns:        struct tlp.
 * Invariants:  one probe at most is outstanding, and none in a recovery; a round trip is measured between two.
 * Not here:    when a probe may go at all (tcp_timers.c), what it is (tcp_send.c).
 */
#include "transport/tcp/tlp.h"

#include "base/math.h"

/* On a path of microseconds, two round trips pass while the peer's process is not running. */
static const tcpip_ns TIMEOUT_MIN = 2 * TCPIP_MS;

void tcpip__tlp_init(struct tlp *tlp)
{
    *tlp = (struct tlp){0};
}

tcpip_ns tcpip__tlp_timeout(tcpip_ns srtt_ns, bool single, tcpip_ns ack_delay_ns, tcpip_ns rto_left_ns)
{
    tcpip_ns timeout_ns = max_i64(2 * srtt_ns, TIMEOUT_MIN);

    if (single)
        timeout_ns += ack_delay_ns;
    return max_i64(min_i64(timeout_ns, rto_left_ns), 0);
}

void tcpip__tlp_sent(struct tlp *tlp, seqnum start, seqnum end, bool retransmission)
{
    *tlp = (struct tlp){
        .outstanding = true, .retransmission = retransmission, .unmeasured = true, .start = start, .end = end};
}

void tcpip__tlp_cancel(struct tlp *tlp)
{
    tlp->outstanding = false;
}

enum tlp_verdict tcpip__tlp_on_ack(struct tlp *tlp, struct tcp_ack *facts)
{
    if (!tlp->outstanding)
        return TLP_NOTHING;
    /* A FIN that it carried isn't part of the report: so anything within will do. */
    if (tlp->retransmission && facts->dsack && seq_gt(facts->dsack_end, tlp->start) &&
        seq_leq(facts->dsack_end, tlp->end)) {
        facts->dsack_of_probe = true;
        tlp->outstanding = false;
        return TLP_NO_LOSS;
    }
    if (seq_lt(facts->ack, tlp->end))
        return TLP_NOTHING;
    if (!tlp->retransmission) {
        tlp->outstanding = false;
        return TLP_NO_LOSS;
    }
    if (seq_gt(facts->ack, tlp->end)) {
        tlp->outstanding = false;
        return TLP_REPAIRED;
    }
    if (facts->acked > 0 || facts->sacked > 0 || facts->has_data || facts->window_changed)
        return TLP_NOTHING;
    tlp->outstanding = false;
    return TLP_NO_LOSS;
}
