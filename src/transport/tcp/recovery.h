// SPDX-License-Identifier: MIT
/* recovery.h: episodes of loss: entering, leaving, undoing (RFC 5681, 6582, 6675, 9937; 3708, 3522).
 *
 * Decides from the facts of an ACK which episode a connection is in, and what to do about it. Knows neither the records
 * nor the controller: the hands carry its decisions to them. */
#ifndef TCPIP_SRC_TCP_RECOVERY_H
#define TCPIP_SRC_TCP_RECOVERY_H

#include "transport/tcp/ack.h"
#include <tcpip/endpoint.h>

struct recovery {
    uint8_t state;          /* enum tcpip_tcp_recovery_state */
    uint8_t duplicate_acks; /* in a row; saturates */
    uint8_t reordering;     /* DupThresh: 3, raised by reordering seen (RFC 4653's idea), at most 127 */
    bool frto;              /* RFC 5682: the RTO may be spurious; step 2 pending */
    bool rescued;           /* RFC 6675's rescue retransmission was used in this episode */
    seqnum recovery_point;  /* snd_nxt when the episode began (RecoveryPoint, "recover") */
    /* undo: what to go back to, valid while undo_possible */
    bool undo_possible;
    uint32_t undo_retransmits; /* retransmissions of the episode not yet reported as duplicates (RFC 3708) */
    uint32_t undo_cwnd, undo_ssthresh;
    uint32_t first_retransmit_ts; /* our TSval of the first retransmission of the episode (RFC 3522); 0: none */
    bool has_first_retransmit_ts;
    /* PRR (RFC 9937) */
    uint32_t prr_delivered, prr_out, prr_recover_fs;
};

/* A set: bits. */
enum recovery_action {
    RECOVERY_NOTHING = 0,
    RECOVERY_ENTER = 1,             /* fast recovery begins: mark losses, controller's on_recovery, PRR starts */
    RECOVERY_EXIT = 2,              /* ends: cwnd = ssthresh (PRR's end) */
    RECOVERY_UNDO = 4,              /* spurious: restore undo_cwnd and undo_ssthresh, losses cleared */
    RECOVERY_MARK_HEAD = 8,         /* without SACK: the first unacknowledged segment is lost (partial ACK) */
    RECOVERY_LIMITED_TRANSMIT = 16, /* RFC 3042: may send one new segment beyond cwnd for this duplicate */
    RECOVERY_LOSS_UNDO = 32,        /* as UNDO, from the loss (RTO) episode */
};

void tcpip__recovery_init(struct recovery *recovery);
/* `sacked_bytes`: SACKed above snd_una, after this ACK; `lost`: scoreboard judged something lost already. Returns the
 * actions, in the order of their bits; state changes are done in here. */
uint32_t tcpip__recovery_on_ack(struct recovery *recovery, const struct tcp_ack *facts, bool sack_enabled,
                                uint32_t sacked_bytes, uint32_t outstanding, uint32_t mss, bool something_lost,
                                seqnum snd_nxt);
/* Called by the hands when they carry out RECOVERY_ENTER. */
void tcpip__recovery_enter(struct recovery *recovery, seqnum snd_nxt, uint32_t cwnd, uint32_t ssthresh,
                           uint32_t in_flight);
/* The retransmission timer fired. cwnd and ssthresh: before the controller reduced them. */
void tcpip__recovery_on_rto(struct recovery *recovery, seqnum snd_una, seqnum snd_nxt, uint32_t cwnd, uint32_t ssthresh,
                            bool frto_allowed);
/* `bytes` were sent again at our timestamp clock `ts`. */
void tcpip__recovery_retransmitted(struct recovery *recovery, uint32_t bytes, uint32_t segments, uint32_t ts);
/* `bytes` of anything were sent during fast recovery. */
void tcpip__recovery_sent(struct recovery *recovery, uint32_t bytes);
/* RFC 9937: cwnd for the rest of this ACK in fast recovery. */
uint32_t tcpip__recovery_prr_cwnd(const struct recovery *recovery, const struct tcp_ack *facts, uint32_t ssthresh,
                                  uint32_t mss);
static inline bool recovery_active(const struct recovery *recovery)
{
    return recovery->state >= TCPIP_TCP_RECOVERY;
}

#endif
