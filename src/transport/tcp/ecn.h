// SPDX-License-Identifier: MIT
/* ecn.h: Explicit Congestion Notification of one connection: classic (RFC 3168), as DCTCP reads it (RFC 8257 3.2), and
 * accurate (RFC 9768). Which flags and code points go out, and what those that come in say. */
#ifndef TCPIP_SRC_TCP_ECN_H
#define TCPIP_SRC_TCP_ECN_H

#include "base/compiler.h"
#include "base/seqnum.h"
#include <tcpip/header/tcp.h>

struct archive;

/* TCPIP_OPTION_ECN, as Linux's tcp_ecn. */
enum ecn_option {
    ECN_OPTION_OFF,
    ECN_OPTION_CLASSIC,         /* asked for and accepted */
    ECN_OPTION_CLASSIC_PASSIVE, /* accepted */
    ECN_OPTION_ACCURATE,        /* asked for and accepted */
    ECN_OPTION_ACCURATE_IN_CLASSIC_OUT,
    ECN_OPTION_ACCURATE_PASSIVE,
};

enum { ECN_COUNTER_INITIAL = 1 }; /* of bytes in ECT(0) and ECT(1), so that zeroed ones show (RFC 9768 3.2.3.2.4) */

enum ecn_mode { ECN_OFF, ECN_CLASSIC, ECN_ACCURATE };

/* The field of the IP header (RFC 3168 5). */
enum ecn_point { POINT_NOT_ECT, POINT_ECT1, POINT_ECT0, POINT_CE };

struct ecn {
    uint8_t mode;          /* enum ecn_mode */
    bool send_ect;         /* data are marked */
    bool echo;             /* classic: ECE until a CWR comes */
    bool exact;            /* ECE says what the last data came with, instead (RFC 8257 3.2) */
    bool cwr;              /* classic: owed with the next new data */
    bool reduced;          /* the window was reduced for what was sent below reduced_until */
    bool first_ack : 1;    /* accurate, client: the next bare ACK tells what the SYN-ACK came with */
    bool third_ack : 1;    /* accurate, server: the next segment is that, or data */
    bool unproven : 1;     /* accurate: nothing has come since the handshake */
    bool deaf : 1;         /* accurate: what the peer tells can't be its count, and isn't heard */
    bool handshake_ce : 1; /* accurate: our SYN or SYN-ACK met congestion, which nobody has acted on yet */
    bool option_seen : 1;  /* accurate: the path lets the option through, */
    bool option_bad : 1;   /* or changes it */
    bool last_ce : 1;      /* accurate: the latest packet came with CE */
    bool counted : 1;      /* accurate: a counter of bytes has moved since the last ACK */
    bool probe_ack : 1;    /* accurate, client: the first ACK shows whether the path lets our option through, */
    bool probe_data : 1;   /* and so do the first data */
    bool told_ahead : 1;   /* accurate: packets were told since the peer's last option */
    bool syn_again : 1;    /* accurate, server: the SYN came again; what it missed may be the option's fault */
    uint8_t last_point : 2,
        option_owed : 2;   /* accurate: of the latest data; ACKs that are to have the option, of two */
    uint8_t syn_point;     /* the code point that the peer's SYN or SYN-ACK had */
    uint8_t acks_plain;    /* accurate: ACKs with something to tell since one had the option */
    uint8_t ce_unreported; /* accurate: packets with CE since the last ACK; saturates */
    uint16_t asked;        /* flags of the latest SYN that we sent */
    seqnum reduced_until;
    uint32_t reduced_from; /* cwnd then */
    /* accurate: what came (r.cep, r.ceb, r.e0b, r.e1b), and what the peer says came (s.cep, s.ceb) */
    uint32_t received_ce, received_ce_bytes, received_ect0_bytes, received_ect1_bytes;
    uint32_t told_ce, told_ce_bytes, guessed_ce_bytes; /* guessed from packets, ahead of the option */
    uint32_t told_ect0_bytes;
    uint32_t reported_ce_bytes; /* in the last option sent */
};

/* ---- handshake ---- */

/* Flags of a SYN that was sent `retransmits` times before; needed: the controller can't do without. */
uint16_t tcpip__ecn_syn_flags(enum ecn_option option, bool needed, uint32_t retransmits);
static inline bool ecn_asked_accurate(const struct ecn *ecn)
{
    return (ecn->asked & TCPIP_TCP_AE) != 0;
}
/* What a SYN with these flags is answered with. */
enum ecn_mode tcpip__ecn_accept(enum ecn_option option, bool needed, uint16_t syn_flags);
/* Flags of the SYN-ACK; point: of the SYN. */
uint16_t tcpip__ecn_syn_ack_flags(enum ecn_mode mode, enum ecn_point point);
/* We asked (ecn->asked), the SYN-ACK has these flags. */
void tcpip__ecn_answered(struct ecn *ecn, uint16_t flags, enum ecn_point point);
/* Both sides asked at once: each is in the mode that it would have accepted. */
void tcpip__ecn_crossed(struct ecn *ecn, enum ecn_mode mode, enum ecn_point point);
/* The SYN-ACK came again: its code point is told again. */
void tcpip__ecn_answered_again(struct ecn *ecn, enum ecn_point point);
/* We accepted. */
void tcpip__ecn_accepted(struct ecn *ecn, enum ecn_mode mode, enum ecn_point point);

/* ---- what comes in ---- */

/* A segment that is acceptable arrived, of `segments` packets alike. True: the peer should hear of it at once. */
bool tcpip__ecn_received(struct ecn *ecn, enum ecn_point point, uint16_t flags, uint32_t payload, uint32_t segments);
/* exact: would data with this point change what ECE says? What is owed for those before must go first. */
static inline bool ecn_turns(const struct ecn *ecn, enum ecn_point point)
{
    return ecn->exact && ecn->mode == ECN_CLASSIC && (point == POINT_CE) != ecn->echo;
}
/* AccECN's option (RFC 9768 3.2.3): the counter of CE is always the second. */
struct ecn_counters {
    uint8_t kind;  /* 172: ECT(0), CE, ECT(1); 174: ECT(1), CE, ECT(0) */
    uint8_t count; /* of value, from its front; 0: no option */
    uint32_t value[3];
};
/* It came. *ce_bytes: how much the counter of CE has grown; untouched if that isn't known. NULL: in a SYN-ACK, where it
 * only shows that it passes. */
void tcpip__ecn_option_received(struct ecn *ecn, const struct ecn_counters *counters, uint32_t *ce_bytes);
/* An ACK that is acceptable; `delivered` bytes are new by it, in segments of `mss`; pure: without data and SACK blocks;
 * ce_bytes: from the option, or UINT32_MAX. Returns the bytes that met congestion; 0: none. */
uint32_t tcpip__ecn_ack_received(struct ecn *ecn, uint16_t flags, bool pure, uint32_t delivered, uint32_t mss,
                                 uint32_t ce_bytes);

/* ---- response ---- */

/* Congestion was told: is the window to be reduced for it? Once for what was in flight. */
bool tcpip__ecn_reduce(struct ecn *ecn, seqnum snd_una, seqnum snd_nxt, uint32_t cwnd);
/* It was reduced for another reason: the peer is told, and ECE that tells of the same congestion isn't heard. */
void tcpip__ecn_reduced_by_loss(struct ecn *ecn);
/* Until something sent after it is acknowledged: the marks of that window have been told by then. */
static inline bool ecn_reducing(const struct ecn *ecn, seqnum snd_una)
{
    return ecn->reduced && seq_leq(snd_una, ecn->reduced_until);
}
/* While reducing: cwnd after `delivered` bytes more, on its way from reduced_from to ssthresh over one window. */
uint32_t tcpip__ecn_cwnd(const struct ecn *ecn, uint32_t cwnd, uint32_t ssthresh, uint32_t delivered);

/* ---- what goes out ---- */

/* Flags of a segment outside the handshake; bare: no data; fresh: data never sent before. */
uint16_t tcpip__ecn_flags(struct ecn *ecn, bool bare, bool fresh);
static inline enum ecn_point ecn_point_out(const struct ecn *ecn, bool fresh)
{
    /* Not on retransmissions, which would be a way to hurt others with, nor on ACKs, whose loss nobody would notice
     * (RFC 3168 6.1.4, 6.1.5). */
    return ecn->send_ect && fresh ? POINT_ECT0 : POINT_NOT_ECT;
}
/* Whether the flags differ between the segments of one packet if it were cut: only ACE's middle bit would, because
 * whoever cuts takes it for CWR. */
static inline bool ecn_cuttable(const struct ecn *ecn)
{
    return ecn->mode != ECN_ACCURATE || ((ecn->received_ce + 5) & 2) == 0;
}
/* The option of a segment that goes out, if one is due and fits; returns its bytes with padding, of `room` at most. */
uint32_t tcpip__ecn_option(struct ecn *ecn, bool bare, uint32_t room, struct ecn_counters *out);
/* Not agreed on, and nothing else to remember: what a connection without ECN has. */
bool tcpip__ecn_is_none(const struct ecn *ecn);
void tcpip__ecn_none(struct ecn *ecn);
/* Saved and restored (base/archive.h). */
void tcpip__ecn_archive(struct archive *archive, struct ecn *ecn);

#endif
