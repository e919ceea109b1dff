// SPDX-License-Identifier: MIT
/* tcp_model.c: sequence numbers, windows, acknowledgments and contents, from outside.
 *
 * Owns:       struct tcp_model.
 * Invariants: what is judged is one connection: a SYN of ours with another number begins the next.
 * Not here:   when something must be sent (packet scripts, tests/sim). */
#include "tcp_model.h"

#include "fuzz_env.h"

#include <string.h>

void model_reset(struct tcp_model *model)
{
    memset(model, 0, sizeof(*model));
}

static bool model_has(const uint8_t *bits, uint32_t position)
{
    return position < MODEL_STREAM_MAX && (bits[position / 8] & 1u << position % 8) != 0;
}

static void model_note(uint8_t *bits, uint32_t position)
{
    if (position < MODEL_STREAM_MAX)
        bits[position / 8] |= (uint8_t)(1u << position % 8);
}

/* All numbers from 1 to below `end` (the SYN is 0) came from the peer: bytes, or its FIN. */
static bool model_peer_sent_all(const struct tcp_model *model, uint32_t begin, uint32_t end)
{
    for (uint32_t at = begin; at < end; at++)
        if (!model_has(model->sent, at - 1) && !model_has(model->fins, at - 1))
            return false;
    return true;
}

static void model_peer_window(struct tcp_model *model, const struct tcpip_tcp_fields *fields)
{
    uint32_t ack = fields->acknowledgment - model->us_isn;
    uint8_t scale = (fields->flags & TCPIP_TCP_SYN) != 0 ? 0 : model->peer_scale;
    if (!model->us_known || (fields->flags & TCPIP_TCP_ACK) == 0 || ack > model->us_max)
        return;
    uint32_t edge = ack + ((uint32_t)fields->window << scale);
    model->peer_edge = edge > model->peer_edge ? edge : model->peer_edge;
}

void model_peer_sends(struct tcp_model *model, const struct tcpip_tcp_fields *fields,
                      const struct tcpip_tcp_options *options, uint32_t bytes)
{
    uint32_t at = fields->sequence - model->peer_isn - 1;
    if ((fields->flags & TCPIP_TCP_SYN) != 0) {
        at = 0;
        model->peer_syn = fields->sequence;
        if ((options->present & TCPIP_TCP_HAS_WINDOW_SCALE) != 0)
            model->peer_scale = options->window_scale > 14 ? 14 : options->window_scale;
    }
    model_peer_window(model, fields);
    for (uint32_t i = 0; i < bytes; i++)
        model_note(model->sent, at + i);
    /* A peer may lie about where its stream ends: any of its FINs may be believed. */
    if ((fields->flags & TCPIP_TCP_FIN) != 0)
        model_note(model->fins, at + bytes);
}

static void model_our_syn(struct tcp_model *model, const struct tcpip_tcp_fields *fields,
                          const struct tcpip_tcp_options *options)
{
    bool acks = (fields->flags & TCPIP_TCP_ACK) != 0;
    /* A cookie stays the same for a minute: of a connection that we reset we remember nothing, and a peer that begins
     * it again with its old number gets our old one. */
    bool again = model->we_reset && acks && fields->acknowledgment - model->peer_isn < model->us_acked;
    if (!again && model->us_known && fields->sequence == model->us_isn &&
        (!acks || !model->peer_known || fields->acknowledgment - 1 == model->peer_isn)) {
        return;
    }
    uint8_t peer_scale = model->peer_scale;
    uint32_t peer_syn = model->peer_syn;
    model_reset(model);
    model->peer_syn = peer_syn;
    model->us_known = true;
    model->us_isn = fields->sequence;
    model->us_max = 1;
    model->us_offers_scale = (options->present & TCPIP_TCP_HAS_WINDOW_SCALE) != 0;
    model->us_scale = model->us_offers_scale ? options->window_scale : 0;
    model->peer_scale = 14; /* until we know what it offered: the most there is */
    if (acks) {
        model->peer_scale = model->us_offers_scale ? peer_scale : 0;
        model->peer_known = true;
        model->peer_isn = fields->acknowledgment - 1;
        model->us_acked = 1;
    }
    model->peer_edge = 1 + (65535u << model->peer_scale);
}

static void model_our_ack(struct tcp_model *model, const struct tcpip_tcp_fields *fields,
                          const struct tcpip_tcp_options *options)
{
    uint32_t ack = fields->acknowledgment - model->peer_isn;
    REQUIRE(ack >= model->us_acked && ack - model->us_acked <= MODEL_STREAM_MAX); /* never goes back */
    REQUIRE(model_peer_sent_all(model, model->us_acked, ack));                    /* never for what wasn't sent */
    model->us_acked = ack;
    uint8_t scale = (fields->flags & TCPIP_TCP_SYN) != 0 ? 0 : model->us_scale;
    uint32_t edge = ack + ((uint32_t)fields->window << scale);
    model->us_edge = edge > model->us_edge ? edge : model->us_edge;
    for (unsigned i = 0; i < options->sack_count; i++) {
        uint32_t start = options->sack[i].start - model->peer_isn, end = options->sack[i].end - model->peer_isn;
        REQUIRE(end - start != 0 && end - start <= MODEL_STREAM_MAX);
        /* A duplicate may be of before the acknowledgment; whatever is told must have come. */
        if (i > 0)
            REQUIRE(end > ack);
        if (start >= 1 && end <= MODEL_STREAM_MAX)
            REQUIRE(model_peer_sent_all(model, start, end));
    }
}

void model_we_sent(struct tcp_model *model, const struct tcpip_tcp_fields *fields,
                   const struct tcpip_tcp_options *options, const uint8_t *payload, uint32_t bytes)
{
    if ((fields->flags & TCPIP_TCP_RST) != 0) {
        model->we_reset = true;
        return; /* may speak of any connection, also of none */
    }
    if ((fields->flags & TCPIP_TCP_SYN) != 0)
        model_our_syn(model, fields, options);
    if (!model->us_known)
        return; /* TIME-WAIT answers for a connection whose model is gone */
    uint32_t at = fields->sequence - model->us_isn;
    uint32_t end = at + bytes + ((fields->flags & TCPIP_TCP_SYN) != 0) + ((fields->flags & TCPIP_TCP_FIN) != 0);
    REQUIRE(end <= model->us_max + MODEL_STREAM_MAX);
    model->us_max = end > model->us_max ? end : model->us_max;
    /* Beyond the window only a probe: one byte, or the FIN, which needs no room. */
    uint32_t data_end = at + ((fields->flags & TCPIP_TCP_SYN) != 0) + bytes;
    if (bytes > 0)
        REQUIRE(data_end <= model->peer_edge + 1);
    for (uint32_t i = 0; i < bytes; i++)
        REQUIRE(payload[i] == model_byte(at - 1 + ((fields->flags & TCPIP_TCP_SYN) != 0) + i, true));
    if ((fields->flags & TCPIP_TCP_ACK) == 0)
        return;
    if (!model->peer_known) { /* our SYN was answered, by the last that the peer sent */
        model->peer_known = true;
        model->peer_isn = model->peer_syn;
        model->us_acked = 1;
    }
    model_our_ack(model, fields, options);
}
