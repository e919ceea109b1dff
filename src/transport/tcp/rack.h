// SPDX-License-Identifier: MIT
/* rack.h: what is lost, judged by time: RACK (RFC 8985 sections 5 and 6). */
#ifndef TCPIP_SRC_TCP_RACK_H
#define TCPIP_SRC_TCP_RACK_H

#include "transport/tcp/ack.h"

struct archive;

/* Bits of TCPIP_OPTION_RACK; the numbers are those of Linux's tcp_recovery. */
enum rack_mode {
    RACK_ON = 1,            /* else losses are judged by count (RFC 6675) */
    RACK_STATIC_WINDOW = 2, /* the window for reordering doesn't grow with D-SACKs */
    RACK_NO_THRESHOLD = 4,  /* three segments SACKed are no reason to do without that window */
};

struct rack {
    struct tcp_delivered newest; /* RACK.xmit_ts, RACK.end_seq: what was sent last of all that has arrived */
    tcpip_ns rtt_ns;             /* RACK.rtt: how long that took, or what arrived after it though sent before */
    bool reordering_seen;
    bool round_open;    /* a D-SACK has widened the window, and no other one does before */
    seqnum round_end;   /* this is acknowledged (RACK.dsack_round) */
    uint8_t multiplier; /* RACK.reo_wnd_mult */
    uint8_t persist;    /* RACK.reo_wnd_persist: recoveries without D-SACK until the multiplier is 1 again */
};

/* What the window for reordering depends on. */
struct rack_path {
    tcpip_ns min_rtt_ns, srtt_ns;
    uint32_t sacked_segments;
    bool in_recovery; /* fast or after a timeout */
    int64_t mode;     /* enum rack_mode */
};

/* What was learned of how the path reorders: it holds for as long as the connection lives. */
struct tcp_reordering {
    uint8_t segments; /* recovery's; 0: nothing was kept */
    uint8_t seen : 1, multiplier : 7;
    uint8_t persist;
};

void tcpip__rack_init(struct rack *rack);
/* After the scoreboard took the ACK: facts' newest, reordered, dsack, dsack_of_probe. */
void tcpip__rack_on_ack(struct rack *rack, const struct tcp_ack *facts, seqnum snd_nxt);
/* A recovery proved spurious: what it had taken for lost was late. */
void tcpip__rack_on_undo(struct rack *rack);
/* A recovery, fast or after a timeout, is over. */
void tcpip__rack_on_exit(struct rack *rack);
/* How much later than its time a segment may arrive without being lost (RACK.reo_wnd). */
tcpip_ns tcpip__rack_window(const struct rack *rack, const struct rack_path *path);
/* What was sent at or before this instant, and before rack->newest, is lost. */
static inline tcpip_ns rack_sent_by(const struct rack *rack, tcpip_ns window_ns, tcpip_ns now)
{
    return now - rack->rtt_ns - window_ns;
}
/* When something sent at `sent_at` will be. */
static inline tcpip_ns rack_deadline(const struct rack *rack, tcpip_ns window_ns, tcpip_ns sent_at)
{
    return sent_at + rack->rtt_ns + window_ns;
}
/* Saved and restored (base/archive.h); what was delivered last is forgotten: it has no place in time any more. */
void tcpip__rack_archive(struct archive *archive, struct rack *rack);

#endif
