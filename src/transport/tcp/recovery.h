// SPDX-License-Identifier: MIT
/* recovery.h: episodes of loss: entering, leaving, undoing (RFC 5681, 6582, 6675, 9937; 3708, 3522).
 *
 * Decides from the facts of an ACK which episode a connection is in, and what to do about it. Knows neither the records
 * nor the controller: the hands carry its decisions to them. */
#ifndef TCPIP_SRC_TCP_RECOVERY_H
#define TCPIP_SRC_TCP_RECOVERY_H

#include "transport/tcp/ack.h"
#include <tcpip/endpoint.h>

struct archive;

enum {
    RECOVERY_REORDERING_MIN = 3, /* RFC 5681's three duplicates */
};

/* RFC 5682: is the timeout spurious? */
enum recovery_frto {
    FRTO_OFF,
    FRTO_FIRST,  /* the first ACK after the timeout is to come */
    FRTO_SECOND, /* it was for the retransmission alone: the next one tells */
};

struct recovery {
    uint8_t state;          /* enum tcpip_tcp_recovery_state */
    uint8_t duplicate_acks; /* in a row; saturates */
    uint8_t reordering;     /* DupThresh: 3, raised by reordering seen (RFC 4653's idea), at most 127 */
    uint8_t frto;           /* enum recovery_frto. At FRTO_SECOND new data go before anything sent again (step 2b) */
    bool guard;             /* nothing above recovery_point was acknowledged since (RFC 6582 section 3.2 step 1) */
    seqnum recovery_point;  /* snd_nxt when the latest episode began (RecoveryPoint, "recover") */
    /* undo: what to go back to, valid while undo_possible; stays so after the episode's end */
    bool undo_possible;
    bool timed_out;            /* something of the episode was sent again because of a timeout */
    uint32_t undo_retransmits; /* retransmissions of the episode not yet reported as duplicates (RFC 3708) */
    seqnum undo_una, undo_end; /* what was sent again in the episode lies between */
    uint32_t undo_cwnd, undo_ssthresh;
    uint32_t late_bytes;          /* how far what was sent again lay below the highest SACKed when it arrived */
    uint32_t first_retransmit_ts; /* our TSval of the first retransmission of the episode (RFC 3522) */
    bool has_first_retransmit_ts;
    /* PRR (RFC 9937) */
    uint32_t prr_delivered, prr_out, prr_recover_fs;
};

enum recovery_action { /* a set: bits */
                       RECOVERY_NOTHING = 0,
                       /* Fast recovery begins: controller's on_recovery, tcpip__recovery_enter. It may follow the end
                        * of another one, which isn't reported then. */
                       RECOVERY_ENTER = 1,
                       /* Fast recovery ends: cwnd = ssthresh (RFC 9937). The end of loss recovery is no action: cwnd
                          stays. */
                       RECOVERY_EXIT = 2,
                       /* Spurious: cwnd = max(cwnd, undo_cwnd), ssthresh = max(ssthresh, undo_ssthresh), losses
                        * cleared, controller's on_undo. */
                       RECOVERY_UNDO = 4,
                       /* The first unacknowledged segment is lost: NewReno's partial ACK, or an entry for which no SACK
                        * has judged anything lost. */
                       RECOVERY_MARK_HEAD = 8,
                       /* RFC 3042: room for one more segment; in_flight has it already if it counts what duplicate ACKs
                        * and SACKs stand for as gone. */
                       RECOVERY_LIMITED_TRANSMIT = 16,
                       RECOVERY_LOSS_UNDO = 32, /* as UNDO, from the loss (RTO) episode */
};

void tcpip__recovery_init(struct recovery *recovery);
/* After the scoreboard took the ACK and judged (mark_lost). `sacked_bytes`: SACKed above snd_una; `something_lost`: the
 * scoreboard has LOST records. Returns the actions, in the order of their bits; state changes are done in here, save
 * those of ENTER. Without SACK, facts->delivered counts a segment for each duplicate ACK, and not again what is
 * acknowledged of them (RFC 9937 section 6). */
uint32_t tcpip__recovery_on_ack(struct recovery *recovery, const struct tcp_ack *facts, bool sack_enabled,
                                uint32_t sacked_bytes, uint32_t outstanding, uint32_t mss, bool something_lost,
                                seqnum snd_nxt);
/* The ACK tells that something that was sent again in the latest episode had arrived before (D-SACK). Asked before
 * tcpip__recovery_on_ack, which counts it. */
bool tcpip__recovery_was_in_vain(const struct recovery *recovery, const struct tcp_ack *facts);
/* Called by the hands when they carry out RECOVERY_ENTER. cwnd and ssthresh: before the controller reduced them.
 * in_flight: before the ACK that entered (RecoverFS). */
void tcpip__recovery_enter(struct recovery *recovery, seqnum snd_una, seqnum snd_nxt, uint32_t cwnd, uint32_t ssthresh,
                           uint32_t in_flight);
/* The retransmission timer fired. `in_a_row`: nothing was acknowledged since it did the last time. frto_allowed: there
 * may be new data to send. True: it is a sign of congestion of its own, and the controller reduces the window, whose
 * cwnd and ssthresh are still those from before. */
must_use bool tcpip__recovery_on_rto(struct recovery *recovery, seqnum snd_una, seqnum snd_nxt, uint32_t cwnd,
                                     uint32_t ssthresh, bool in_a_row, bool frto_allowed);
/* `bytes` in `segments`, up to `end`, were sent again at our timestamp clock `ts`. */
void tcpip__recovery_retransmitted(struct recovery *recovery, seqnum end, uint32_t bytes, uint32_t segments,
                                   uint32_t ts);
/* `bytes` of anything were sent during fast recovery. */
void tcpip__recovery_sent(struct recovery *recovery, uint32_t bytes);
/* RFC 9937: cwnd for the rest of this ACK in fast recovery, that of the ACK that entered too. */
uint32_t tcpip__recovery_prr_cwnd(const struct recovery *recovery, const struct tcp_ack *facts, uint32_t ssthresh,
                                  uint32_t mss);
/* RFC 5681 4.3: a retransmission that is lost too is a second sign of congestion. After a timeout the window grows
 * while repairs are made, and would do so as long as they are lost: then it is an episode of its own that begins (as
 * Linux). */
static inline bool recovery_again(const struct recovery *recovery, const struct tcp_ack *facts)
{
    return recovery->state == TCPIP_TCP_LOSS && facts->lost_again > 0;
}
static inline bool recovery_active(const struct recovery *recovery)
{
    return recovery->state >= TCPIP_TCP_RECOVERY;
}
/* No episode, and nothing counted towards one: an ACK of everything changes nothing. */
static inline bool recovery_calm(const struct recovery *recovery)
{
    return recovery->state == TCPIP_TCP_OPEN && !recovery->guard && recovery->duplicate_acks == 0;
}
/* Saved and restored (base/archive.h): the episode goes on, but nothing undoes it any more. */
void tcpip__recovery_archive(struct archive *archive, struct recovery *recovery);

#endif
