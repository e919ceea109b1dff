// SPDX-License-Identifier: MIT
/* ecn.c: routers mark instead of dropping, the receiver tells, the sender slows down.
 *
 * Both sides agree in the handshake. Data leave as ECT(0); a router that is congested makes it CE.
 *
 *   classic     a receiver that saw CE sets ECE on all ACKs until the sender, having reduced its window, sends CWR: one
 *               sign a round trip
 *   exact       as classic, but ECE tells of the data it acknowledges, each: for DCTCP, which counts them
 *   accurate    the three flags AE, CWR and ECE are a counter of CE packets modulo 8 that begins at 5 (ACE); an option
 *               adds counters of bytes. In the SYN all three ask; in the SYN-ACK and its ACK they tell what code point
 *               the SYN and the SYN-ACK came with, which shows whether the path meddles with it
 *
 *       SYN       AE CWR ECE         SYN-ACK         ACE of the ACK
 *       1 1 1  accurate              0 1 0           came Not-ECT
 *       0 1 1  classic               0 1 1           came ECT(1)
 *       0 0 0  no                    1 0 0           came ECT(0)
 *                                    1 1 0           came CE
 *                                    0 0 1           classic
 *                                    1 0 1           accurate, of a later kind: as 0 1 0 (RFC 9768 3.1.3)
 *
 * Handshakes leave as Not-ECT, so any other answer means that the path changes the field: nothing is marked then, what
 * comes is counted all the same (RFC 9768 3.2.2.3). Once accurate, always accurate (3.1.5): a SYN or SYN-ACK without
 * flags that follows may keep a server from marking, but not from counting.
 *
 * The window is reduced once for what is in flight, over the round trip that follows: of each window's worth that
 * arrives the part to be given up isn't sent again.
 *
 * Owns:        struct ecn.
 * Invariants:  cwr and echo only in classic mode; no reduction while one lasts.
 * Not here:    how much to reduce (congestion/), the option's bytes (header/), which segments count (the hands). */
#include "transport/tcp/ecn.h"

#include "base/archive.h"
#include "base/math.h"

#include <string.h>

enum {
    ECN_FLAGS = TCPIP_TCP_AE | TCPIP_TCP_CWR | TCPIP_TCP_ECE,
    ECN_SETUP = TCPIP_TCP_CWR | TCPIP_TCP_ECE, /* RFC 3168 6.1.1 */
    ACE_SHIFT = 6,                             /* ECE is its lowest bit */
    ACE_INITIAL = 5,
    ACE_MODULUS = 8,
    /* CE packets that don't wait for a delayed ACK, with data to acknowledge and without (RFC 9768 3.2.2.5.1) */
    ACE_TOLD_AT_ONCE = 2,
    ACE_TOLD_ALONE = 3,
    ACE_OLD = 4,      /* as a step, an ACK that was overtaken: by one to three */
    OPTION_EVERY = 2, /* ACKs without, between two that tell of the same counter: more than three a round trip */
    OPTION_OWED = 2,  /* ACKs with, once another counter moves (RFC 9768 3.2.3.3) */
    OPTION_SHORT_BYTES = 8,
    OPTION_LONG_BYTES = 12,
    COUNTER_MASK = 0xffffff,
};
STATIC_ASSERT(TCPIP_TCP_ECE == 1 << ACE_SHIFT && TCPIP_TCP_AE == 4 << ACE_SHIFT);

/* ---- handshake ---- */

uint16_t tcpip__ecn_syn_flags(enum ecn_option option, bool needed, uint32_t retransmits)
{
    /* Some paths drop what asks: the last tries don't (RFC 3168 6.1.1.1, RFC 9768 3.1.4.1). */
    if (option == ECN_OPTION_ACCURATE)
        return retransmits <= 1 ? ECN_FLAGS : 0;
    if (needed || option == ECN_OPTION_CLASSIC || option == ECN_OPTION_ACCURATE_IN_CLASSIC_OUT)
        return retransmits == 0 ? ECN_SETUP : 0;
    return 0;
}

enum ecn_mode tcpip__ecn_accept(enum ecn_option option, bool needed, uint16_t syn_flags)
{
    uint16_t asked = syn_flags & ECN_FLAGS;
    if (asked == 0)
        return ECN_OFF;
    if (asked != ECN_SETUP && option >= ECN_OPTION_ACCURATE)
        return ECN_ACCURATE; /* all that isn't defined otherwise (RFC 9768 3.1.3) */
    return (asked & ECN_SETUP) == ECN_SETUP && (needed || option != ECN_OPTION_OFF) ? ECN_CLASSIC : ECN_OFF;
}

/* What the three flags say of a code point. */
static uint16_t ecn_handshake_ace(enum ecn_point point)
{
    static const uint8_t ace[] = {[POINT_NOT_ECT] = 2, [POINT_ECT1] = 3, [POINT_ECT0] = 4, [POINT_CE] = 6};
    return (uint16_t)(ace[point] << ACE_SHIFT);
}

uint16_t tcpip__ecn_syn_ack_flags(enum ecn_mode mode, enum ecn_point point)
{
    switch (mode) {
    case ECN_CLASSIC:
        return TCPIP_TCP_ECE;
    case ECN_ACCURATE:
        return ecn_handshake_ace(point);
    case ECN_OFF:
        break;
    }
    return 0;
}

static void ecn_begin(struct ecn *ecn, enum ecn_mode mode, enum ecn_point point)
{
    bool exact = ecn->exact;
    *ecn = (struct ecn){
        .mode = (uint8_t)mode,
        .exact = exact,
        .send_ect = mode != ECN_OFF,
        .syn_point = (uint8_t)point,
        .received_ect0_bytes = ECN_COUNTER_INITIAL,
        .received_ect1_bytes = ECN_COUNTER_INITIAL,
    };
}

/* The SYN-ACK's mark is told by its ACK, which may be lost, and counted, once (RFC 9768 3.2.2.2). */
static void ecn_note_syn_ack(struct ecn *ecn, enum ecn_point point)
{
    ecn->first_ack = true;
    ecn->syn_point = (uint8_t)point;
    if (point == POINT_CE && ecn->received_ce == 0)
        ecn->received_ce = 1;
}

void tcpip__ecn_answered(struct ecn *ecn, uint16_t flags, enum ecn_point point)
{
    uint16_t ace = (uint16_t)((flags & ECN_FLAGS) >> ACE_SHIFT);
    enum ecn_mode mode = ECN_OFF;
    if (ecn->asked == ECN_FLAGS && ace != 0 && ace != 7) /* 7: a server that sends back what it doesn't know */
        mode = ace == 1 ? ECN_CLASSIC : ECN_ACCURATE;
    else if (ecn->asked == ECN_SETUP && (flags & ECN_SETUP) == TCPIP_TCP_ECE)
        mode = ECN_CLASSIC;
    ecn_begin(ecn, mode, point);
    if (mode == ECN_ACCURATE) {
        ecn->unproven = ecn->probe_ack = ecn->probe_data = true;
        ecn->send_ect = ace == 5 || (flags & ECN_FLAGS) == ecn_handshake_ace(POINT_NOT_ECT);
        ecn->handshake_ce = (flags & ECN_FLAGS) == ecn_handshake_ace(POINT_CE);
        ecn_note_syn_ack(ecn, point);
    }
}

void tcpip__ecn_answered_again(struct ecn *ecn, enum ecn_point point)
{
    if (ecn->mode == ECN_ACCURATE)
        ecn_note_syn_ack(ecn, point);
}

void tcpip__ecn_crossed(struct ecn *ecn, enum ecn_mode mode, enum ecn_point point)
{
    ecn_begin(ecn, mode, point);
    ecn->unproven = mode == ECN_ACCURATE;
}

void tcpip__ecn_accepted(struct ecn *ecn, enum ecn_mode mode, enum ecn_point point)
{
    ecn_begin(ecn, mode, point);
    ecn->third_ack = ecn->unproven = mode == ECN_ACCURATE;
}

/* ---- what comes in ---- */

static bool ecn_received_classic(struct ecn *ecn, enum ecn_point point, uint16_t flags, uint32_t payload)
{
    bool at_once = false;
    if (ecn->exact) {
        if (payload > 0)
            ecn->echo = point == POINT_CE;
        return false; /* the hands have told of the turn */
    }
    if ((flags & TCPIP_TCP_CWR) != 0) {
        ecn->echo = false;
        at_once = payload > 0; /* its window may be a single segment: it waits for this */
    }
    if (point == POINT_CE && payload > 0 && !ecn->echo) {
        ecn->echo = true;
        at_once = true;
    }
    return at_once;
}

bool tcpip__ecn_received(struct ecn *ecn, enum ecn_point point, uint16_t flags, uint32_t payload, uint32_t segments)
{
    if (ecn->mode == ECN_OFF)
        return false;
    if (ecn->mode == ECN_CLASSIC)
        return ecn_received_classic(ecn, point, flags, payload);
    bool turned = point == POINT_CE && !ecn->last_ce;
    ecn->last_ce = point == POINT_CE;
    if (payload > 0 && point != POINT_NOT_ECT) {
        ecn->counted = true;
        if (ecn->last_point != (uint8_t)point)
            ecn->option_owed = OPTION_OWED;
        ecn->last_point = (uint8_t)point & 3u;
    }
    switch (point) {
    case POINT_NOT_ECT:
        break;
    case POINT_ECT0:
        ecn->received_ect0_bytes += payload;
        break;
    case POINT_ECT1:
        ecn->received_ect1_bytes += payload;
        break;
    case POINT_CE:
        ecn->received_ce += segments;
        ecn->received_ce_bytes += payload;
        ecn->ce_unreported = (uint8_t)min_u32(ecn->ce_unreported + segments, UINT8_MAX);
        break;
    }
    if (payload == 0)
        return ecn->ce_unreported >= ACE_TOLD_ALONE;
    return turned || ecn->ce_unreported >= ACE_TOLD_AT_ONCE;
}

void tcpip__ecn_option_received(struct ecn *ecn, const struct ecn_counters *counters, uint32_t *ce_bytes)
{
    if (ecn->mode != ECN_ACCURATE || ecn->option_bad || ecn->deaf)
        return;
    uint32_t count = counters->count;
    if (!ecn->option_seen && count > 0 && (counters->value[0] == 0 || (count > 2 && counters->value[2] == 0))) {
        ecn->option_bad = true; /* it can't be: somebody writes zeros (RFC 9768 3.2.3.2.4) */
        return;
    }
    ecn->option_seen = true;
    unsigned at = counters->kind == TCPIP_TCP_OPTION_ACCECN0 ? 0 : 2;
    uint32_t ect0_more = (counters->value[at] - ECN_COUNTER_INITIAL - ecn->told_ect0_bytes) & COUNTER_MASK;
    if (count > at && ect0_more <= COUNTER_MASK / 2)
        ecn->told_ect0_bytes += ect0_more;
    if (count < 2 || ce_bytes == NULL)
        return;
    uint32_t more = (counters->value[1] - ecn->told_ce_bytes) & COUNTER_MASK;
    if (more > COUNTER_MASK / 2)
        return; /* an ACK that was overtaken */
    ecn->told_ce_bytes = counters->value[1] & COUNTER_MASK;
    *ce_bytes = sat_sub_u32(more, ecn->guessed_ce_bytes);
    ecn->guessed_ce_bytes -= min_u32(more, ecn->guessed_ce_bytes);
}

/* How many packets more met CE, by a counter modulo 8 of which this ACK may have been the only one in a while. */
static uint32_t ecn_ace_delta(struct ecn *ecn, uint32_t ace, uint32_t delivered, uint32_t mss, uint32_t ce_bytes)
{
    uint32_t delta = (ace - ACE_INITIAL - ecn->told_ce) & (ACE_MODULUS - 1);
    uint32_t packets = (uint32_t)div_round_up(delivered, mss);
    if (packets == 0) {
        /* Nothing new was delivered: an ACK of long ago, or one for what isn't data. Few may be new. */
        if (delta >= ACE_OLD)
            return 0;
    } else if (ce_bytes != UINT32_MAX) {
        /* The bytes tell how often it went round. If they grew and no packet did, the path writes into either: nothing
         * is marked any more (RFC 9768 3.2.3.2.5). */
        uint32_t by_bytes = (uint32_t)div_round_up(ce_bytes, mss);
        if (delta == 0 && by_bytes > 0 && packets < ACE_MODULUS && !ecn->told_ahead)
            ecn->send_ect = false;
        while (delta + ACE_MODULUS / 2 < by_bytes)
            delta += ACE_MODULUS;
    } else if (packets >= ACE_MODULUS && delta < packets) {
        delta = packets - ((packets - delta) & (ACE_MODULUS - 1)); /* the most that it can be (A.2.1) */
    }
    ecn->told_ce += delta;
    return delta;
}

/* What the third segment says the SYN-ACK came with, which left as Not-ECT (RFC 9768 3.2.2.1). */
static uint32_t ecn_third_ack(struct ecn *ecn, uint16_t told)
{
    if (told == ecn_handshake_ace(POINT_ECT1) || told == ecn_handshake_ace(POINT_ECT0))
        ecn->send_ect = false;
    if (told != ecn_handshake_ace(POINT_CE))
        return 0;
    ecn->send_ect = false;
    ecn->handshake_ce = true;
    ecn->told_ce = 1; /* it will be in the peer's counter */
    return 1;
}

uint32_t tcpip__ecn_ack_received(struct ecn *ecn, uint16_t flags, bool pure, uint32_t delivered, uint32_t mss,
                                 uint32_t ce_bytes)
{
    if (ecn->mode == ECN_OFF)
        return 0;
    if (ecn->mode == ECN_CLASSIC)
        return (flags & TCPIP_TCP_ECE) != 0 ? max_u32(delivered, 1) : 0;
    uint32_t ace = (uint32_t)((flags & ECN_FLAGS) >> ACE_SHIFT);
    if (ecn->unproven && ace == 0) { /* it takes three marks to get there: it isn't a counter (3.2.2.1, 3.2.2.4) */
        ecn->send_ect = false;
        ecn->deaf = true;
    }
    bool third = ecn->third_ack;
    ecn->unproven = ecn->third_ack = false;
    if (ecn->deaf)
        return 0;
    if (third && pure)
        return ecn_third_ack(ecn, flags & ECN_FLAGS);
    uint32_t packets = ecn_ace_delta(ecn, ace, delivered, mss, ce_bytes);
    ecn->told_ahead = ce_bytes == UINT32_MAX && (packets > 0 || ecn->told_ahead);
    if (ce_bytes == UINT32_MAX) {
        ce_bytes = (uint32_t)min_u64((uint64_t)packets * mss, max_u32(delivered, 1));
        ecn->guessed_ce_bytes += ce_bytes;
    }
    return min_u32(ce_bytes, max_u32(delivered, 1));
}

/* ---- response ---- */

bool tcpip__ecn_reduce(struct ecn *ecn, seqnum snd_una, seqnum snd_nxt, uint32_t cwnd)
{
    if (ecn_reducing(ecn, snd_una))
        return false;
    ecn->reduced = true;
    ecn->reduced_until = snd_nxt;
    ecn->reduced_from = max_u32(cwnd, 1);
    ecn->cwr = ecn->mode == ECN_CLASSIC;
    return true;
}

void tcpip__ecn_reduced_by_loss(struct ecn *ecn)
{
    ecn->reduced = false;
    ecn->cwr = ecn->mode == ECN_CLASSIC;
}

uint32_t tcpip__ecn_cwnd(const struct ecn *ecn, uint32_t cwnd, uint32_t ssthresh, uint32_t delivered)
{
    uint64_t give_up = sat_sub_u32(ecn->reduced_from, ssthresh);
    uint64_t part = div_round_up(give_up * delivered, ecn->reduced_from);
    return max_u32((uint32_t)sat_sub_u64(cwnd, part), ssthresh);
}

/* ---- what goes out ---- */

uint16_t tcpip__ecn_flags(struct ecn *ecn, bool bare, bool fresh)
{
    if (ecn->mode == ECN_OFF)
        return 0;
    if (ecn->mode == ECN_ACCURATE) {
        bool reflect = ecn->first_ack && bare;
        ecn->first_ack = false;
        ecn->ce_unreported = 0;
        if (reflect)
            return ecn_handshake_ace((enum ecn_point)ecn->syn_point);
        return (uint16_t)(((ecn->received_ce + ACE_INITIAL) & (ACE_MODULUS - 1)) << ACE_SHIFT);
    }
    uint16_t flags = ecn->echo ? TCPIP_TCP_ECE : 0;
    if (ecn->cwr && fresh) {
        flags |= TCPIP_TCP_CWR;
        ecn->cwr = false;
    }
    return flags;
}

/* Always when CE has come, after another code point than before, and every now and then (RFC 9768 3.2.3.3). */
static bool ecn_option_due(struct ecn *ecn, bool bare)
{
    if ((bare ? ecn->probe_ack : ecn->probe_data) || ecn->received_ce_bytes != ecn->reported_ce_bytes)
        return true;
    return ecn->counted && (ecn->option_owed > 0 || ecn->acks_plain >= OPTION_EVERY);
}

uint32_t tcpip__ecn_option(struct ecn *ecn, bool bare, uint32_t room, struct ecn_counters *out)
{
    out->count = 0;
    if (ecn->mode != ECN_ACCURATE)
        return 0;
    if (!ecn_option_due(ecn, bare)) {
        ecn->acks_plain = (uint8_t)(ecn->acks_plain + ecn->counted);
        ecn->counted = false;
        return 0;
    }
    /* Who has a counter that moved has room for a second one: options are padded to four bytes. */
    bool ect0 = ecn->received_ect0_bytes != ECN_COUNTER_INITIAL, ect1 = ecn->received_ect1_bytes != ECN_COUNTER_INITIAL;
    uint32_t bytes = ect0 && ect1 ? OPTION_LONG_BYTES : OPTION_SHORT_BYTES;
    if (bytes > room)
        return 0;
    uint32_t first = ect1 && !ect0 ? ecn->received_ect1_bytes : ecn->received_ect0_bytes;
    *out = (struct ecn_counters){
        .kind = ect1 && !ect0 ? TCPIP_TCP_OPTION_ACCECN1 : TCPIP_TCP_OPTION_ACCECN0,
        .count = ect0 && ect1 ? 3 : 2,
        .value = {first & COUNTER_MASK, ecn->received_ce_bytes & COUNTER_MASK, ecn->received_ect1_bytes & COUNTER_MASK},
    };
    if (ecn->option_owed > 0 && ecn->counted)
        ecn->option_owed = (uint8_t)(ecn->option_owed - 1) & 3u;
    ecn->probe_ack = ecn->probe_ack && !bare;
    ecn->probe_data = ecn->probe_data && bare;
    ecn->reported_ce_bytes = ecn->received_ce_bytes;
    ecn->acks_plain = 0;
    ecn->counted = false;
    return bytes;
}

void tcpip__ecn_none(struct ecn *ecn)
{
    *ecn = (struct ecn){.received_ect0_bytes = ECN_COUNTER_INITIAL, .received_ect1_bytes = ECN_COUNTER_INITIAL};
}

bool tcpip__ecn_is_none(const struct ecn *ecn)
{
    struct ecn none;
    memset(&none, 0, sizeof(none));
    none.received_ect0_bytes = none.received_ect1_bytes = ECN_COUNTER_INITIAL;
    return memcmp(ecn, &none, sizeof(none)) == 0;
}

void tcpip__ecn_archive(struct archive *archive, struct ecn *ecn)
{
    bool flags[] = {ecn->first_ack,   ecn->third_ack,  ecn->unproven, ecn->deaf,    ecn->handshake_ce,
                    ecn->option_seen, ecn->option_bad, ecn->last_ce,  ecn->counted, ecn->probe_ack,
                    ecn->probe_data,  ecn->told_ahead, ecn->syn_again};
    uint8_t last_point = ecn->last_point, option_owed = ecn->option_owed;
    bool *const wide[] = {&ecn->send_ect, &ecn->echo, &ecn->exact, &ecn->cwr, &ecn->reduced};
    uint32_t *const counts[] = {&ecn->reduced_from,        &ecn->received_ce,         &ecn->received_ce_bytes,
                                &ecn->received_ect0_bytes, &ecn->received_ect1_bytes, &ecn->told_ce,
                                &ecn->told_ce_bytes,       &ecn->told_ect0_bytes,     &ecn->guessed_ce_bytes,
                                &ecn->reported_ce_bytes};
    archive_u8(archive, &ecn->mode, ECN_ACCURATE);
    for (size_t i = 0; i < array_count(wide); i++)
        archive_bool(archive, wide[i]);
    for (size_t i = 0; i < array_count(flags); i++)
        archive_bool(archive, &flags[i]);
    archive_u8(archive, &last_point, POINT_CE);
    archive_u8(archive, &option_owed, 3);
    archive_u8(archive, &ecn->syn_point, POINT_CE);
    archive_u8(archive, &ecn->acks_plain, UINT8_MAX);
    archive_u8(archive, &ecn->ce_unreported, UINT8_MAX);
    archive_u16(archive, &ecn->asked);
    archive_seq(archive, &ecn->reduced_until);
    for (size_t i = 0; i < array_count(counts); i++)
        archive_u32(archive, counts[i]);
    ecn->first_ack = flags[0];
    ecn->third_ack = flags[1];
    ecn->unproven = flags[2];
    ecn->deaf = flags[3];
    ecn->handshake_ce = flags[4];
    ecn->option_seen = flags[5];
    ecn->option_bad = flags[6];
    ecn->last_ce = flags[7];
    ecn->counted = flags[8];
    ecn->probe_ack = flags[9];
    ecn->probe_data = flags[10];
    ecn->told_ahead = flags[11];
    ecn->syn_again = flags[12];
    ecn->last_point = last_point & 3u;
    ecn->option_owed = option_owed & 3u;
}
