// SPDX-License-Identifier: MIT
/* ack.h: the facts of one ACK, gathered once by the hands and the organs in order, read by everyone after. */
#ifndef TCPIP_SRC_TCP_ACK_H
#define TCPIP_SRC_TCP_ACK_H

#include "base/compiler.h"
#include "base/seqnum.h"

/* Of what an ACK says was delivered: the segment that was sent last (RFC 8985 5.2: RACK.segment). */
struct tcp_delivered {
    bool known;
    tcpip_ns sent_at;
    uint32_t order; /* of transmission: record.order */
    seqnum end;
};

struct tcp_ack {
    tcpip_ns now;
    seqnum ack, prior_una;
    uint32_t acked;      /* bytes by which snd_una moved (SYN and FIN count) */
    uint32_t sacked;     /* bytes newly SACKed */
    uint32_t delivered;  /* bytes newly delivered: acked ones not SACKed before, and SACKed ones */
    uint32_t lost;       /* bytes newly marked lost, */
    uint32_t lost_again; /* and of these, retransmissions */
    uint32_t in_flight, prior_in_flight;
    tcpip_ns rtt_ns;                /* of a segment sent once; -1: none */
    tcpip_ns sacked_rtt_ns;         /* of a segment newly SACKed, sent once; -1: none */
    uint64_t rate_bytes_per_second; /* delivery rate; 0: no sample */
    bool app_limited;               /* of the rate sample */
    bool has_sample;                /* below, of the most recently sent record delivered now: when it was sent, */
    uint64_t prior_delivered;       /* this had been delivered, */
    uint32_t tx_in_flight;          /* this was in flight with it; */
    uint32_t lost_before;           /* and lost by then (scoreboard.lost_ever) */
    bool duplicate;                 /* RFC 5681 section 2: same ack, no data, no window update, something outstanding */
    bool window_changed;
    bool has_data;
    bool has_sack;       /* carried SACK blocks that were looked at */
    bool dsack;          /* the first block was a D-SACK (RFC 2883) */
    bool dsack_of_probe; /* of a tail loss probe: it says nothing about reordering or recoveries */
    uint32_t dsack_bytes;
    seqnum dsack_end;
    bool acked_retransmitted;  /* something acked or SACKed now had been retransmitted */
    bool acked_original;       /* ... was never retransmitted, though (if RACK is on) it was taken for lost: F-RTO */
    bool sack_reneged;         /* the cumulative ACK stopped at a SACKed segment */
    bool reordered;            /* delivered below the highest SACKed, never retransmitted */
    bool late;                 /* was sent again by recovery, and needlessly: it had only been overtaken */
    seqnum original_seq;       /* the lowest of what acked_original says */
    uint32_t reordering_bytes; /* the farthest that reordered data lay below the highest SACKed */
    uint32_t late_bytes;       /* the same of retransmitted data: reordering, if the retransmission was spurious */
    uint32_t ecn_marked;       /* bytes newly delivered that the peer saw marked; at least 1 if any were */
    /* RFC 8985. A retransmission counts as delivered only if it can be told from the copies before it: not sooner than
     * min_rtt_ns after it left, and, of a cumulative ACK, not after echoed_by, when its echo had been sent. */
    bool rack; /* losses are judged by time */
    tcpip_ns min_rtt_ns, echoed_by;
    struct tcp_delivered newest;
    tcpip_ns newest_rtt_ns; /* RACK.rtt: of the highest such segment; of the cumulative part, if there is one */
    bool newest_cumulative;
    /* Timestamps option, for Eifel (RFC 3522): ts_ecr valid if has_timestamp. */
    bool has_timestamp;
    uint32_t ts_ecr;
};

#endif
