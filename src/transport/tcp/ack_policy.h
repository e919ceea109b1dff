// SPDX-License-Identifier: MIT
/* ack_policy.h: when to acknowledge (RFC 9293 3.8.6.3, RFC 5681 4.2): every second full segment, at once out of order,
 * quickly at the start, with a delay otherwise; one ACK per turn for a merged unit. */
#ifndef TCPIP_SRC_TCP_ACK_POLICY_H
#define TCPIP_SRC_TCP_ACK_POLICY_H

#include "base/compiler.h"

struct archive;

enum ack_decision {
    ACK_NONE,     /* nothing to acknowledge */
    ACK_DELAYED,  /* timer runs: ack_policy.delayed_at */
    ACK_AT_FLUSH, /* with the turn's output */
    ACK_AT_ONCE,  /* one ACK for this very segment: duplicate, out of order, probe */
};

struct ack_policy {
    tcpip_ns delayed_at; /* TCPIP_NEVER: no ACK is being delayed */
    tcpip_ns ato_ns;     /* current delay, between the bounds, follows the peer's rhythm */
    tcpip_ns last_data_at;
    uint32_t unacked_bytes;    /* in order, since the last ACK */
    uint32_t unacked_segments; /* full ones count 1, also inside merged units */
    uint32_t unacked_pieces;   /* of any size */
    uint16_t quick;            /* ACKs left in quick mode */
    bool ping_pong;            /* we answer data with data: piggyback */
};

/* Of a connection at rest (fold.h). */
struct ack_policy_folded {
    uint32_t ato;
    uint8_t quick;
    bool ping_pong : 1, heard : 1; /* data have come before */
};

struct ack_bounds {
    tcpip_ns min_ns, max_ns; /* DELAYED_ACK_MIN, _MAX */
    uint32_t stretch_max;    /* segments */
};

void tcpip__ack_policy_init(struct ack_policy *policy, const struct ack_bounds *bounds);
/* Enters quick mode for `segments` ACKs (start of a connection: half the window, at most 16; after loss). */
void tcpip__ack_policy_quick(struct ack_policy *policy, uint32_t segments);
/* Nothing is missing any more. The same, but for who answers data with data. */
void tcpip__ack_policy_repaired(struct ack_policy *policy);
/* `bytes` came in order, as `segments` segments of the wire (1, or a merged unit's count), `full` if at least the
 * peer's MSS each. `filled_gap`: data from the out-of-order store followed it (ACK at once, RFC 5681 4.2).
 */
enum ack_decision tcpip__ack_policy_on_data(struct ack_policy *policy, uint32_t bytes, uint32_t segments, bool full,
                                            bool filled_gap, const struct ack_bounds *bounds, tcpip_ns now);
/* The reader took data: the ACK that waited may go now if it was for full segments and the window opened. */
enum ack_decision tcpip__ack_policy_on_read(struct ack_policy *policy, bool window_update_due);
/* An ACK went out (alone, or with data): nothing is owed. */
void tcpip__ack_policy_on_ack_sent(struct ack_policy *policy, bool with_data);
/* The delayed-ACK timer fired: an ACK is due; the delay grows, ping-pong ends if it was in vain. */
void tcpip__ack_policy_on_timer(struct ack_policy *policy, const struct ack_bounds *bounds);
/* Nothing is owed. */
static inline bool ack_policy_rests(const struct ack_policy *policy)
{
    return policy->delayed_at == TCPIP_NEVER &&
           (policy->unacked_bytes | policy->unacked_segments | policy->unacked_pieces) == 0;
}
/* At rest. */
void tcpip__ack_policy_fold(const struct ack_policy *policy, struct ack_policy_folded *out);
void tcpip__ack_policy_unfold(const struct ack_policy_folded *folded, struct ack_policy *out, tcpip_ns last_data_at);
/* Saved and restored (base/archive.h); the delay is brought between the bounds. */
void tcpip__ack_policy_archive(struct archive *archive, struct ack_policy *policy, const struct ack_bounds *bounds);

#endif
