// SPDX-License-Identifier: MIT
/* sign.c: signs what the peer sends, and what the stack is expected to have signed.
 *
 * The codes are made with the library's signature.c, which RFC 9235's vectors vouch for (signature_test.c); which key,
 * which initial sequence numbers and how many overflows is worked out here, from the script alone. */
#include "sign.h"

#include "transport/tcp/signature.h"

#include <string.h>

struct any_key {
    _Alignas(struct signature_key) uint8_t bytes[sizeof(struct signature_key) + SIGN_SECRET_BYTES];
};

void sign_secret(unsigned number, uint8_t out[SIGN_SECRET_BYTES])
{
    memcpy(out, "script secret  ", SIGN_SECRET_BYTES - 1);
    out[SIGN_SECRET_BYTES - 1] = (uint8_t)number;
}

static const struct signature_key *sign_key(struct any_key *any, enum signature_kind kind, unsigned number)
{
    struct signature_key *key = (struct signature_key *)(void *)any->bytes;
    memset(any, 0, sizeof *any);
    key->kind = (uint8_t)kind;
    key->mac_bytes = 12;
    key->secret_bytes = SIGN_SECRET_BYTES;
    sign_secret(number, key->secret);
    return key;
}

static void sixteen_bytes(uint8_t out[16], const uint8_t *address, bool v6)
{
    memset(out, 0, 16);
    out[10] = out[11] = 0xff;
    memcpy(out + (v6 ? 0 : 12), address, v6 ? 16 : 4);
}

/* The traffic key and the overflows of a segment. Before a handshake is known its numbers are taken to follow it. */
static void sign_ao(const struct flow *flow, const struct signature_ends *ends, bool inbound,
                    const struct tcpip_tcp_fields *fields, struct signing *signing)
{
    bool syn = (fields->flags & TCPIP_TCP_SYN) != 0, first = syn && (fields->flags & TCPIP_TCP_ACK) == 0;
    uint32_t seen = inbound ? fields->sequence : fields->acknowledgment;
    uint32_t ours = inbound ? fields->acknowledgment : fields->sequence;
    uint32_t remote_isn =
        flow->remote_started ? flow->remote_start + flow->remote_offset : seen - (inbound && syn ? 0 : 1);
    uint32_t local_isn = flow->local_known ? flow->local_start + flow->local_offset : ours - (!inbound && syn ? 0 : 1);
    uint32_t source = inbound ? remote_isn : local_isn, destination = inbound ? local_isn : remote_isn;
    signing->mac = &signing->own;
    signing->sne = signature_sne(source, seq(fields->sequence));
    tcpip__signature_derive(signing->key, ends, true, seq(source), seq(first ? 0 : destination), &signing->own);
}

void sign_options(const struct flow *flow, const struct ends *ends, const struct packet_spec *spec, bool inbound,
                  const struct tcpip_tcp_fields *fields, uint8_t *options, size_t option_bytes, const uint8_t *payload,
                  size_t payload_bytes)
{
    uint8_t header[TCPIP_TCP_HEADER_MAX] = {0}, code[SIGNATURE_BYTES_MAX];
    struct tcpip_tcp_options parsed;
    const struct option_spec *option = NULL;
    for (unsigned i = 0; i < spec->option_count; i++)
        if (spec->options[i].kind == OPTION_MD5 || spec->options[i].kind == OPTION_AO)
            option = &spec->options[i];
    if (option == NULL)
        return;
    bool ao = option->kind == OPTION_AO;
    struct tcpip_tcp_fields all = *fields;
    all.header_bytes = (uint8_t)(TCPIP_TCP_HEADER_MIN + (option_bytes + 3) / 4 * 4);
    tcpip_tcp_encode(header, &all);
    memcpy(header + TCPIP_TCP_HEADER_MIN, options, option_bytes);
    (void)tcpip_tcp_options_parse(header, all.header_bytes, &parsed);
    if ((parsed.present & (ao ? TCPIP_TCP_HAS_AO : TCPIP_TCP_HAS_MD5)) == 0)
        return; /* it hides behind something malformed */
    /* From here on, the sender is the local end. */
    struct signature_ends between = {
        .local_port = all.source_port,
        .remote_port = all.destination_port,
    };
    sixteen_bytes(between.local, inbound ? ends->remote : ends->local, ends->v6);
    sixteen_bytes(between.remote, inbound ? ends->local : ends->remote, ends->v6);
    struct any_key any;
    struct signing signing = {.key = sign_key(&any, ao ? SIGNATURE_AO : SIGNATURE_MD5, option->value)};
    if (ao)
        sign_ao(flow, &between, inbound, &all, &signing);
    struct signature_chunk text_bytes = {payload, payload_bytes};
    struct signature_text text = {
        .source = between.local,
        .destination = between.remote,
        .header = header,
        .header_bytes = all.header_bytes,
        .option_offset = ao ? parsed.ao_offset : parsed.md5_offset,
        .option_bytes = ao ? parsed.ao_bytes : TCPIP_TCP_MD5_BYTES,
        .chunks = &text_bytes,
        .chunk_count = 1,
        .payload_bytes = (uint32_t)payload_bytes,
    };
    tcpip__signature_compute(&signing, &text, code);
    if (option->bad)
        code[0] ^= 1;
    size_t before = ao ? SIGNATURE_AO_BYTES : 2;
    memcpy(options + text.option_offset - TCPIP_TCP_HEADER_MIN + before, code, text.option_bytes - before);
}
