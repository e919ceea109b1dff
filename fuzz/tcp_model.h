// SPDX-License-Identifier: MIT
/* tcp_model.h: what a TCP may put on the wire, whatever its peer says: the judge of fuzz/tcp_peer.c.
 *
 * The model knows only what passed on the wire and what the application wrote and read. It isn't a second TCP: it says
 * what must never be, not what must be. */
#ifndef TCPIP_FUZZ_TCP_MODEL_H
#define TCPIP_FUZZ_TCP_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <tcpip/header/tcp.h>

enum { MODEL_STREAM_MAX = 1 << 17 }; /* bytes of a stream that are followed */

struct tcp_model {
    bool us_known, peer_known; /* the initial sequence numbers */
    bool we_reset;             /* since our SYN */
    uint32_t us_isn, peer_isn;
    uint32_t peer_syn;                  /* number of the last SYN that the peer sent */
    uint32_t us_max;                    /* behind the last number we used, from us_isn */
    uint32_t us_acked;                  /* the highest acknowledgment of ours, from peer_isn */
    uint32_t us_edge;                   /* right edge of the window we offered, from peer_isn */
    uint32_t peer_edge;                 /* the furthest that the peer ever let us send, from us_isn */
    uint8_t us_scale;                   /* of our window */
    uint8_t peer_scale;                 /* of the peer's, as it offered */
    bool us_offers_scale;               /* on our SYN */
    uint8_t sent[MODEL_STREAM_MAX / 8]; /* which bytes of its stream the peer ever sent */
    uint8_t fins[MODEL_STREAM_MAX / 8]; /* and where it ever said that it ends */
};

/* The byte at a position of either stream. */
static inline uint8_t model_byte(uint32_t position, bool from_us)
{
    return (uint8_t)(position * 167u >> 3 ^ position ^ (from_us ? 0x5au : 0));
}

void model_reset(struct tcp_model *model);
/* The peer sends this. */
void model_peer_sends(struct tcp_model *model, const struct tcpip_tcp_fields *fields,
                      const struct tcpip_tcp_options *options, uint32_t bytes);
/* We sent this: aborts, with what was wrong, if that may not be. */
void model_we_sent(struct tcp_model *model, const struct tcpip_tcp_fields *fields,
                   const struct tcpip_tcp_options *options, const uint8_t *payload, uint32_t bytes);

#endif
