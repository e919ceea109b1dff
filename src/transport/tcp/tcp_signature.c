// SPDX-License-Identifier: MIT
/* tcp_signature.c: which segments have to be signed, by which key, and what becomes of those that aren't (RFC 2385,
 * RFC 5925 7).
 *
 * Whatever comes is judged once, when it is known whom it is for and before anything is done with it:
 *
 *     for          the keys are            and the initial sequence numbers (AO)
 *     endpoint     its own                 its own; before the SYN-ACK, those that the segment shows
 *     half-open    its listener's          the record's
 *     TIME-WAIT    shared with the endpoint that went there
 *     listener     its own                 a SYN's own and 0; an ACK may answer a cookie: one below what it shows
 *
 * A segment that fails is lost without an answer: who can't sign must not make us send. Answers to one that passes are
 * signed as it was (struct tcp_proof), even where no connection stands behind them.
 *
 * Where RFC 5925 7.5 leaves a choice it is Linux's: what is signed with AO and finds no key is dropped, also where
 * nothing has to be signed. What finds no endpoint at all is dropped, too: nobody can sign the reset.
 *
 * Owns:       tcp_endpoint.signature; the counters of signatures.
 * Invariants: a connection's kind is chosen when it begins, and changes only with its keys.
 * Not here:   the codes themselves (signature.c); the calls that set keys (tcp_key.c). */
#include "transport/tcp/tcp_mtu.h"

/* Who a segment would have to be from. */
struct signature_claim {
    enum signature_kind kind;
    struct signature_peer peer;
    bool own;                     /* the numbers are the connection's: its traffic keys are at hand */
    seqnum local_isn, remote_isn; /* AO */
    uint64_t local_at, remote_at; /* AO: near what we send, and receive */
};

static void signature_ends_of(const struct flow *flow, struct signature_ends *out)
{
    memcpy(out->local, flow->local, 16);
    memcpy(out->remote, flow->remote, 16);
    out->local_port = flow->local_port;
    out->remote_port = flow->remote_port;
}

static struct signature_peer signature_peer_of_flow(const struct flow *flow)
{
    return (struct signature_peer){.address = flow->remote, .port = flow->remote_port, .nic = flow->nic};
}

/* ---- the bytes ---- */

/* The packet's bytes from `offset` on, in place; returns how many pieces. */
static size_t signature_chunks(const struct tcpip_packet *packet, uint32_t offset, uint32_t bytes,
                               struct signature_chunk out[TCPIP_PACKET_VIEWS + 1])
{
    size_t count = 0;
    for (uint32_t i = 0; i <= packet->view_count && bytes > 0; i++) {
        const struct tcpip_view *view = i > 0 ? &packet->views[i - 1] : NULL;
        const uint8_t *start = view != NULL ? view->buffer->data + view->offset : packet->room + packet->head;
        uint32_t size = view != NULL ? view->length : (uint32_t)(packet->tail - packet->head);
        uint32_t skip = min_u32(offset, size), part = min_u32(size - skip, bytes);
        offset -= skip;
        bytes -= part;
        if (part > 0)
            out[count++] = (struct signature_chunk){start + skip, part};
    }
    return count;
}

void tcpip__tcp_sign(const struct signing *signing, const struct flow *flow, struct tcpip_packet *packet,
                     uint32_t header_bytes)
{
    uint8_t *header = packet->room + packet->head;
    uint8_t code[SIGNATURE_BYTES_MAX];
    size_t code_bytes = signature_code_bytes(signing->key);
    bool ao = signing->key->kind == SIGNATURE_AO;
    struct signature_chunk chunks[TCPIP_PACKET_VIEWS + 1];
    struct signature_text text = {
        .source = flow->local,
        .destination = flow->remote,
        .header = header,
        .header_bytes = header_bytes,
        .option_offset = SIGNATURE_CODE_AT - (ao ? SIGNATURE_AO_BYTES : 2u),
        .option_bytes = code_bytes + (ao ? SIGNATURE_AO_BYTES : 2u),
        .chunks = chunks,
        .payload_bytes = packet->length - header_bytes,
    };
    ASSERT(text.option_offset + text.option_bytes <= header_bytes);
    text.chunk_count = signature_chunks(packet, header_bytes, text.payload_bytes, chunks);
    if (ao) {
        header[SIGNATURE_CODE_AT - 2] = signing->key_id;
        header[SIGNATURE_CODE_AT - 1] = signing->next_id;
    }
    tcpip__signature_compute(signing, &text, code);
    memcpy(header + SIGNATURE_CODE_AT, code, code_bytes);
}

static bool signature_verify(const struct signing *signing, const struct tcp_segment *segment)
{
    const struct tcpip_tcp_options *options = &segment->options;
    const struct tcpip_packet *packet = segment->packet;
    struct signature_chunk chunks[TCPIP_PACKET_VIEWS + 1];
    bool ao = signing->key->kind == SIGNATURE_AO;
    if (segment->wire_segments > 1)
        return false; /* merged on the way: each had a code of its own */
    struct signature_text text = {
        .source = segment->flow.remote,
        .destination = segment->flow.local,
        .header = segment->header,
        .header_bytes = segment->payload_offset - packet->transport_offset,
        .option_offset = ao ? options->ao_offset : options->md5_offset,
        .option_bytes = ao ? options->ao_bytes : TCPIP_TCP_MD5_BYTES,
        .chunks = chunks,
        .payload_bytes = segment->length,
    };
    text.chunk_count = signature_chunks(packet, segment->payload_offset, segment->length, chunks);
    return tcpip__signature_verify(signing, &text);
}

/* ---- judging ---- */

static bool signature_drop(const struct tcp_segment *segment, enum tcpip_drop reason)
{
    tcpip_packet_drop(segment->packet, reason);
    return false;
}

static bool check_unsigned(struct tcpip_stats_tcp *stats, struct signature *signature,
                           const struct signature_claim *claim, const struct tcp_segment *segment)
{
    if (claim->kind == SIGNATURE_NONE)
        return true;
    if (claim->kind == SIGNATURE_MD5) {
        stats->md5_not_found++;
    } else {
        stats->ao_required++;
        signature->ao_required++;
    }
    return signature_drop(segment, TCPIP_DROP_TCP_MISSING_SIGNATURE);
}

static bool check_md5(struct tcpip_stats_tcp *stats, struct signature *signature, const struct signature_claim *claim,
                      struct tcp_segment *segment)
{
    if (claim->kind != SIGNATURE_MD5) {
        stats->md5_unexpected++;
        return signature_drop(segment, TCPIP_DROP_TCP_UNEXPECTED_SIGNATURE);
    }
    struct signature_key *key =
        claim->own ? signature->md5
                   : tcpip__signature_find(signature, SIGNATURE_MD5, &claim->peer, SIGNATURE_ANY_ID, SIGNATURE_ANY_ID);
    struct signing signing = {.key = key};
    if (!signature_verify(&signing, segment)) {
        stats->md5_failure++;
        return signature_drop(segment, TCPIP_DROP_TCP_BAD_SIGNATURE);
    }
    segment->proof.key = segment->proof.reply = key;
    return true;
}

/* The code that a segment of AO should have been made with. A SYN is alone with its number (RFC 5925 5.2). */
static void ao_expected(struct signature *signature, const struct signature_claim *claim, struct signature_key *key,
                        struct tcp_segment *segment, struct signing *out)
{
    bool syn = (segment->flags & (TCPIP_TCP_SYN | TCPIP_TCP_ACK)) == TCPIP_TCP_SYN;
    uint8_t asked = segment->header[segment->options.ao_offset + 3];
    struct signature_key *reply = tcpip__signature_find(signature, SIGNATURE_AO, &claim->peer, asked, SIGNATURE_ANY_ID);
    segment->proof = (struct tcp_proof){
        .key = key,
        .reply = reply != NULL ? reply : key,
        .local_isn = syn ? seq(0) : claim->local_isn,
        .remote_isn = syn ? segment->seq : claim->remote_isn,
        .local_at = claim->local_at,
    };
    out->key = key;
    out->sne = syn ? 0 : signature_sne(claim->remote_at, segment->seq);
    if (claim->own && !syn) {
        out->mac = tcpip__signature_traffic(signature, key, false, &out->own);
        return;
    }
    struct signature_ends ends;
    signature_ends_of(&segment->flow, &ends);
    tcpip__signature_derive(key, &ends, false, segment->proof.remote_isn, segment->proof.local_isn, &out->own);
    out->mac = &out->own;
}

static bool check_ao(struct tcpip_stats_tcp *stats, struct signature *signature, const struct signature_claim *claim,
                     struct tcp_segment *segment)
{
    struct signature_key *key = NULL;
    if (claim->kind == SIGNATURE_AO)
        key = tcpip__signature_find(signature, SIGNATURE_AO, &claim->peer, SIGNATURE_ANY_ID,
                                    segment->header[segment->options.ao_offset + 2]);
    if (key == NULL) {
        stats->ao_key_not_found++;
        if (claim->kind != SIGNATURE_AO)
            return signature_drop(segment, TCPIP_DROP_TCP_UNEXPECTED_SIGNATURE);
        signature->key_not_found++;
        return signature_drop(segment, TCPIP_DROP_TCP_SIGNATURE_KEY);
    }
    struct signing signing;
    ao_expected(signature, claim, key, segment, &signing);
    if (!signature_verify(&signing, segment)) {
        segment->proof.key = NULL;
        stats->ao_bad++;
        signature->bad++;
        key->bad++;
        return signature_drop(segment, TCPIP_DROP_TCP_BAD_SIGNATURE);
    }
    stats->ao_good++;
    signature->good++;
    key->good++;
    return true;
}

static bool signature_judge(struct tcpip_stack *stack, struct signature *signature, const struct signature_claim *claim,
                            struct tcp_segment *segment)
{
    struct tcpip_stats_tcp *stats = &stack->stats.tcp;
    uint16_t present = segment->options.present;
    if (present & TCPIP_TCP_BAD_SIGNATURE)
        return signature_drop(segment, TCPIP_DROP_TCP_SIGNATURE_OPTION);
    if (present & TCPIP_TCP_HAS_MD5)
        return check_md5(stats, signature, claim, segment);
    if (present & TCPIP_TCP_HAS_AO)
        return check_ao(stats, signature, claim, segment);
    return check_unsigned(stats, signature, claim, segment);
}

/* How a stranger has to sign. */
static enum signature_kind signature_wanted(const struct signature *signature, const struct signature_peer *peer)
{
    if (signature == NULL)
        return SIGNATURE_NONE;
    if (tcpip__signature_find(signature, SIGNATURE_MD5, peer, SIGNATURE_ANY_ID, SIGNATURE_ANY_ID) != NULL)
        return SIGNATURE_MD5;
    bool ao = signature->required ||
              tcpip__signature_find(signature, SIGNATURE_AO, peer, SIGNATURE_ANY_ID, SIGNATURE_ANY_ID) != NULL;
    return ao ? SIGNATURE_AO : SIGNATURE_NONE;
}

/* The peer asks for another key: what we have we use (RFC 5925 7.5.2.e). */
static void signature_follow(struct tcp_endpoint *ep, const struct tcp_segment *segment)
{
    struct signature *signature = ep->signature;
    uint8_t asked = segment->header[segment->options.ao_offset + 3];
    if (signature->current->send_id == asked || segment->proof.reply->send_id != asked)
        return;
    signature->current = segment->proof.reply;
    tcpip__tcp_signature_changed(ep);
}

static bool check_endpoint(struct tcp_endpoint *ep, struct tcp_segment *segment)
{
    struct signature_claim claim = {.peer = signature_peer_of_flow(&ep->demux->flow)};
    if (ep->signature == NULL)
        return signature_judge(ep->base->stack, NULL, &claim, segment);
    claim.kind = (enum signature_kind)ep->signature->kind;
    claim.own = ep->state != TCPIP_TCP_SYN_SENT || claim.kind == SIGNATURE_MD5;
    claim.local_isn = ep->iss;
    claim.local_at = signature_extend(ep->iss, ep->bytes_acked + 1, ep->snd_una);
    if (claim.own) {
        claim.remote_isn = ep->irs;
        claim.remote_at = signature_extend(ep->irs, ep->bytes_received + 1, ep->rcv_nxt);
    } else {
        claim.remote_isn = segment->seq; /* of a SYN-ACK; and of a reset, as Linux has it */
        claim.remote_at = segment->seq.v;
    }
    if (!signature_judge(ep->base->stack, ep->signature, &claim, segment))
        return false;
    if (claim.kind == SIGNATURE_AO)
        signature_follow(ep, segment);
    return true;
}

static bool check_half_open(struct tcpip_stack *stack, const struct tcp_half_open *half, struct tcp_segment *segment)
{
    struct signature *signature = half->listener != NULL ? half->listener->signature : NULL;
    struct signature_claim claim = {
        .peer = signature_peer_of_flow(&half->demux.flow),
        .local_isn = half->iss,
        .remote_isn = half->irs,
        .local_at = half->iss.v,
        .remote_at = half->irs.v,
    };
    claim.kind = signature_wanted(signature, &claim.peer);
    if (claim.kind != half->signature) /* the listener's keys have changed since the SYN */
        return signature_drop(segment, TCPIP_DROP_TCP_SIGNATURE_KEY);
    return signature_judge(stack, signature, &claim, segment);
}

bool tcpip__tcp_signature_check_time_wait(struct tcpip_stack *stack, struct signature *signature,
                                          struct tcp_segment *segment)
{
    struct signature_claim claim = {.peer = signature_peer_of_flow(&segment->flow)};
    bool syn = (segment->flags & (TCPIP_TCP_SYN | TCPIP_TCP_ACK | TCPIP_TCP_RST)) == TCPIP_TCP_SYN;
    if (signature != NULL) {
        claim.peer = tcpip__signature_peer_of(signature);
        claim.kind = (enum signature_kind)signature->kind;
        claim.own = true;
        claim.local_isn = signature->local_isn;
        claim.remote_isn = signature->remote_isn;
        claim.local_at = signature->local_at;
        claim.remote_at = signature->remote_at;
    } else if (syn && tcpip__tcp_wanted(stack, segment)) {
        return true; /* of a new connection: its listener judges */
    }
    return signature_judge(stack, signature, &claim, segment);
}

bool tcpip__tcp_signature_check(struct tcpip_stack *stack, const struct demux_entry *entry, struct tcp_segment *segment)
{
    switch ((enum tcp_demux_kind)entry->node.kind) {
    case TCP_DEMUX_ENDPOINT:
        return check_endpoint(tcp_of_entry(entry), segment);
    case TCP_DEMUX_HALF_OPEN:
        return check_half_open(stack, TCPIP_CONTAINER_OF(entry, const struct tcp_half_open, demux), segment);
    case TCP_DEMUX_DEFERRED:
        return tcpip__tcp_signature_check_time_wait(stack, NULL, segment); /* the forwarder has no keys either */
    case TCP_DEMUX_FOLDED:                                                 /* unfolded before */
    case TCP_DEMUX_FROZEN:
        return true; /* it is lost anyway, and nothing may change */
    case TCP_DEMUX_TIME_WAIT:
        break;
    }
    return tcpip__tcp_signature_check_time_wait(stack, tcpip__tcp_time_wait_signature(entry), segment);
}

bool tcpip__tcp_signature_check_listener(struct tcp_endpoint *listener, struct tcp_segment *segment)
{
    struct flow flow = segment->flow;
    tcpip__tcp_listener_scope(listener, &flow);
    struct signature_claim claim = {
        .peer = signature_peer_of_flow(&flow),
        .local_isn = seq_sub(segment->ack, 1),
        .remote_isn = seq_sub(segment->seq, 1),
        .local_at = segment->ack.v,
        .remote_at = seq_sub(segment->seq, 1).v,
    };
    claim.kind = signature_wanted(listener->signature, &claim.peer);
    return signature_judge(listener->base->stack, listener->signature, &claim, segment);
}

/* ---- signing ---- */

bool tcpip__tcp_signing(const struct tcp_endpoint *ep, seqnum seq_number, uint16_t flags, struct signing *out)
{
    if (!tcp_signs(ep))
        return false;
    struct signature *signature = ep->signature;
    bool ao = signature->kind == SIGNATURE_AO;
    out->key = ao ? signature->current : signature->md5;
    if (!ao)
        return true;
    out->key_id = signature->current->send_id;
    out->next_id = signature->next->receive_id;
    if ((flags & (TCPIP_TCP_SYN | TCPIP_TCP_ACK)) == TCPIP_TCP_SYN) {
        tcpip__signature_derive(signature->current, &signature->ends, true, ep->iss, seq(0), &out->own);
        out->mac = &out->own;
        out->sne = 0;
        return true;
    }
    out->mac = tcpip__signature_traffic(signature, signature->current, true, &out->own);
    out->sne = signature_sne(signature_extend(ep->iss, ep->bytes_acked + 1, ep->snd_una), seq_number);
    return true;
}

bool tcpip__tcp_signing_time_wait(struct signature *signature, seqnum seq_number, struct signing *out)
{
    if (signature == NULL || signature->kind == SIGNATURE_NONE)
        return false;
    if (signature->kind == SIGNATURE_MD5) {
        out->key = signature->md5;
        return true;
    }
    out->key = signature->current;
    out->key_id = signature->current->send_id;
    out->next_id = signature->next->receive_id;
    out->mac = tcpip__signature_traffic(signature, signature->current, true, &out->own);
    out->sne = signature_sne(signature->local_at, seq_number);
    return true;
}

/* With the key that the SYN asked for, if we have it, else with the SYN's own (struct tcp_proof). */
bool tcpip__tcp_signing_syn_ack(const struct tcp_syn_ack *what, struct signing *out)
{
    if (likely(what->signature == SIGNATURE_NONE) || what->listener == NULL || what->listener->signature == NULL)
        return false;
    const struct signature *signature = what->listener->signature;
    struct signature_peer peer = signature_peer_of_flow(what->flow);
    bool ao = what->signature == SIGNATURE_AO;
    out->key = tcpip__signature_find(signature, (enum signature_kind)what->signature, &peer,
                                     ao ? what->ao_send_id : SIGNATURE_ANY_ID, SIGNATURE_ANY_ID);
    if (out->key == NULL || !ao)
        return out->key != NULL;
    struct signature_ends ends;
    signature_ends_of(what->flow, &ends);
    seqnum iss = (what->flags & TCPIP_TCP_SYN) != 0 ? what->iss : seq_sub(what->iss, 1);
    tcpip__signature_derive(out->key, &ends, true, iss, what->irs, &out->own);
    out->mac = &out->own;
    out->sne = signature_sne(iss.v, what->iss);
    out->key_id = out->key->send_id;
    out->next_id = what->ao_receive_id;
    return true;
}

bool tcpip__tcp_signing_reply(const struct tcp_segment *segment, seqnum seq_number, struct signing *out)
{
    const struct tcp_proof *proof = &segment->proof;
    if (likely(proof->key == NULL))
        return false;
    out->key = proof->reply;
    if (proof->reply->kind != SIGNATURE_AO)
        return true;
    struct signature_ends ends;
    signature_ends_of(&segment->flow, &ends);
    tcpip__signature_derive(proof->reply, &ends, true, proof->local_isn, proof->remote_isn, &out->own);
    out->mac = &out->own;
    out->sne = signature_sne(proof->local_at, seq_number);
    out->key_id = proof->reply->send_id;
    out->next_id = proof->key->receive_id;
    return true;
}

/* ---- a connection ---- */

struct signature *tcpip__tcp_signature_own(struct tcp_endpoint *ep)
{
    if (ep->signature != NULL && ep->signature->refs == 1)
        return ep->signature;
    /* A TIME-WAIT record needs those of the last connection as they are. */
    struct signature *own = ep->signature != NULL ? tcpip__signature_copy(ep->signature, NULL)
                                                  : tcpip__signature_new(&ep->base->stack->memory);
    if (own == NULL)
        return NULL;
    tcpip__signature_unref(ep->signature);
    ep->signature = own;
    return own;
}

enum tcpip_error tcpip__tcp_signature_begin(struct tcp_endpoint *ep, const struct flow *flow)
{
    if (likely(ep->signature == NULL))
        return TCPIP_OK;
    if (tcpip__tcp_signature_own(ep) == NULL)
        return TCPIP_ERR_NO_MEMORY;
    struct signature_peer peer = signature_peer_of_flow(flow);
    tcpip__signature_choose(ep->signature, &peer);
    return ep->signature->required && ep->signature->kind != SIGNATURE_AO ? TCPIP_ERR_KEY_REJECTED : TCPIP_OK;
}

void tcpip__tcp_signature_connected(struct tcp_endpoint *ep)
{
    if (likely(ep->signature == NULL))
        return;
    struct signature_ends ends;
    signature_ends_of(&ep->demux->flow, &ends);
    ep->signature->nic = ep->demux->flow.nic;
    tcpip__signature_connect(ep->signature, &ends, ep->iss, ep->irs);
}

bool tcpip__tcp_signature_inherit(struct tcp_endpoint *ep, const struct tcp_endpoint *listener,
                                  const struct tcp_negotiated *negotiated)
{
    if (likely(listener == NULL || listener->signature == NULL) || negotiated->signature == SIGNATURE_NONE)
        return true;
    struct signature_peer peer = signature_peer_of_flow(&ep->demux->flow);
    struct signature *signature = tcpip__signature_copy(listener->signature, &peer);
    if (signature == NULL)
        return false;
    signature->current =
        tcpip__signature_find(signature, SIGNATURE_AO, &peer, negotiated->ao_send_id, SIGNATURE_ANY_ID);
    signature->next =
        tcpip__signature_find(signature, SIGNATURE_AO, &peer, SIGNATURE_ANY_ID, negotiated->ao_receive_id);
    tcpip__signature_choose(signature, &peer);
    ep->signature = signature;
    return true;
}

struct signature *tcpip__tcp_signature_leave(struct tcp_endpoint *ep)
{
    if (!tcp_signs(ep))
        return NULL;
    ep->signature->local_at = signature_extend(ep->iss, ep->bytes_acked + 1, ep->snd_nxt);
    ep->signature->remote_at = signature_extend(ep->irs, ep->bytes_received + 1, ep->rcv_nxt);
    return signature_ref(ep->signature);
}

void tcpip__tcp_signature_changed(struct tcp_endpoint *ep)
{
    uint16_t bytes = ep->ts_on ? TCPIP_TCP_TIMESTAMPS_BYTES : 0;
    if (tcp_signs(ep)) {
        const struct signature *signature = ep->signature;
        bytes += signature_option_bytes(signature->kind == SIGNATURE_MD5 ? signature->md5 : signature->current);
    }
    bool changed = bytes != ep->options_bytes;
    ep->options_bytes = bytes;
    if (changed && tcp_synchronized(ep))
        (void)tcpip__tcp_update_mss(ep);
}

/* Anybody can send ICMP, so what would end or slow the connection isn't believed unless asked for: of ICMPv4 type 3,
 * codes 2 to 4; of ICMPv6 type 1, codes 1 and 4. */
bool tcpip__tcp_signature_ignores(struct tcp_endpoint *ep, const struct tcpip_icmp_error *icmp)
{
    if (!tcp_signs(ep) || ep->signature->kind != SIGNATURE_AO || ep->signature->accept_icmps || !tcp_synchronized(ep))
        return false;
    bool ignored = address_is_v4(icmp->remote) ? icmp->type == 3 && icmp->code >= 2 && icmp->code <= 4
                                               : icmp->type == 1 && (icmp->code == 1 || icmp->code == 4);
    if (ignored) {
        ep->signature->dropped_icmp++;
        tcp_stats(ep)->ao_dropped_icmps++;
    }
    return ignored;
}
