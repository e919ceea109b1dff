// SPDX-License-Identifier: MIT
/* tlp.h: probes for what was lost at the end of a flight (RFC 8985 section 7). */
#ifndef TCPIP_SRC_TCP_TLP_H
#define TCPIP_SRC_TCP_TLP_H

#include "transport/tcp/ack.h"

struct tlp {
    bool outstanding;    /* a probe was sent, and nothing yet said what became of it */
    bool retransmission; /* TLP.is_retrans: it repeated the last segment */
    bool unmeasured;     /* no round trip was measured since a probe was sent */
    seqnum start, end;   /* of what it carried; end: TLP.end_seq */
};

/* May a probe go? Not while one is out, nor as long as probes are all that is sent: the round trip may have grown, and
 * a retransmission measures nothing (RFC 8985 7.3). */
static inline bool tlp_ready(const struct tlp *tlp)
{
    return !tlp->outstanding && !tlp->unmeasured;
}
/* A round trip was measured. */
static inline void tlp_measured(struct tlp *tlp)
{
    tlp->unmeasured = false;
}

enum tlp_verdict {
    TLP_NOTHING,  /* there is no probe, or nothing to say of it */
    TLP_NO_LOSS,  /* it had nothing to repair, or RACK will see to it */
    TLP_REPAIRED, /* it repaired a loss, silently: the window must be reduced as for any other loss */
};

void tcpip__tlp_init(struct tlp *tlp);
/* How long to wait for an ACK before a probe is sent: PTO. `single`: one segment is in flight, whose ACK the peer may
 * delay by ack_delay_ns. rto_left_ns: until the retransmission timer fires. */
tcpip_ns tcpip__tlp_timeout(tcpip_ns srtt_ns, bool single, tcpip_ns ack_delay_ns, tcpip_ns rto_left_ns);
/* A probe went: [start, end), which is where snd_nxt is now. */
void tcpip__tlp_sent(struct tlp *tlp, seqnum start, seqnum end, bool retransmission);
/* A recovery begins: it reduces the window, whatever became of the probe. */
void tcpip__tlp_cancel(struct tlp *tlp);
/* After the scoreboard took the ACK, before recovery. Sets facts->dsack_of_probe. */
enum tlp_verdict tcpip__tlp_on_ack(struct tlp *tlp, struct tcp_ack *facts);

#endif
