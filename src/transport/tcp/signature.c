// SPDX-License-Identifier: MIT
/* signature.c: keys, traffic keys and the codes that sign segments (RFC 2385, 5925, 5926).
 *
 * TCP-MD5 hashes pseudo-header, TCP header without options, text, and the key behind all that. TCP-AO first makes keys
 * for a connection out of the master key, its addresses, ports and initial sequence numbers, one for each direction
 * (and one for a SYN, when the other number isn't known yet), and then hashes keyed with those:
 *
 *     traffic key = KDF(master key, 1 | "TCP-AO" | source, destination, ports, ISNs | length)
 *     code        = MAC(traffic key, SNE | pseudo-header | TCP header, the code zeroed | text)
 *
 * So a segment of one connection means nothing to the next between the same ends, and the extension of the sequence
 * number (SNE) tells it from the one that had its number four gigabytes ago.
 *
 * Keying a code costs as much as hashing a few blocks, so a connection keeps both of its codes keyed.
 *
 * Owns:       struct signature and its keys.
 * Invariants: current and next, if set, are in the list and for the peer; a secret is overwritten before its memory
 *             goes.
 * Not here:   which segment has to be signed, and with which of these (tcp_signature.c); the hashes (base/digest.c). */
#include "transport/tcp/signature.h"

#include "base/math.h"

#include <stdalign.h>
#include <string.h>

/* ---- whose ---- */

static bool scope_is_v4(const uint8_t *address)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(address, mapped, sizeof(mapped)) == 0;
}

static bool scope_same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned bytes = bits / 8;
    uint8_t mask = (uint8_t)(0xff00 >> bits % 8);
    return memcmp(a, b, bytes) == 0 && (mask == 0 || ((a[bytes] ^ b[bytes]) & mask) == 0);
}

bool tcpip__signature_scope_has(const struct signature_scope *scope, const struct signature_peer *peer)
{
    return (scope->nic == 0 || scope->nic == peer->nic) && (scope->port == 0 || scope->port == peer->port) &&
           scope_is_v4(scope->address) == scope_is_v4(peer->address) &&
           scope_same_bits(scope->address, peer->address, scope->bits);
}

bool tcpip__signature_scopes_meet(const struct signature_scope *a, const struct signature_scope *b)
{
    return (a->nic == 0 || b->nic == 0 || a->nic == b->nic) && (a->port == 0 || b->port == 0 || a->port == b->port) &&
           scope_is_v4(a->address) == scope_is_v4(b->address) &&
           scope_same_bits(a->address, b->address, min_u32(a->bits, b->bits));
}

static bool scope_equal(const struct signature_scope *a, const struct signature_scope *b)
{
    return a->nic == b->nic && a->port == b->port && a->bits == b->bits && memcmp(a->address, b->address, 16) == 0;
}

/* Is `a` meant more closely than `b`? */
static bool scope_closer(const struct signature_scope *a, const struct signature_scope *b)
{
    if ((a->nic != 0) != (b->nic != 0))
        return a->nic != 0;
    return a->bits != b->bits ? a->bits > b->bits : a->port != 0 && b->port == 0;
}

static bool key_has_ids(const struct signature_key *key, enum signature_kind kind, int send_id, int receive_id)
{
    return key->kind == kind && (send_id == SIGNATURE_ANY_ID || key->send_id == send_id) &&
           (receive_id == SIGNATURE_ANY_ID || key->receive_id == receive_id);
}

struct signature_key *tcpip__signature_find(const struct signature *signature, enum signature_kind kind,
                                            const struct signature_peer *peer, int send_id, int receive_id)
{
    struct signature_key *best = NULL;
    list_for_each(node, &signature->keys)
    {
        struct signature_key *key = TCPIP_CONTAINER_OF(node, struct signature_key, node);
        if (!key_has_ids(key, kind, send_id, receive_id) || !tcpip__signature_scope_has(&key->scope, peer))
            continue;
        if (kind == SIGNATURE_AO)
            return key;
        if (best == NULL || scope_closer(&key->scope, &best->scope))
            best = key;
    }
    return best;
}

struct signature_key *tcpip__signature_exact(const struct signature *signature, enum signature_kind kind,
                                             const struct signature_scope *scope, int send_id, int receive_id)
{
    list_for_each(node, &signature->keys)
    {
        struct signature_key *key = TCPIP_CONTAINER_OF(node, struct signature_key, node);
        if (key_has_ids(key, kind, send_id, receive_id) && scope_equal(&key->scope, scope))
            return key;
    }
    return NULL;
}

/* ---- keys ---- */

/* What was secret, so that no reader of freed memory finds it; volatile, or the compiler leaves it out. */
static void signature_wipe(void *memory, size_t size)
{
    volatile uint8_t *bytes = memory;
    while (size > 0)
        bytes[--size] = 0;
}

static void key_forget_traffic(struct memory *memory, struct signature_key *key)
{
    key->ready = false;
    if (key->traffic == NULL)
        return;
    signature_wipe(key->traffic, sizeof(*key->traffic));
    tcpip__memory_free(memory, key->traffic, sizeof(*key->traffic));
    key->traffic = NULL;
}

struct signature_key *tcpip__signature_add(struct signature *signature, const struct signature_key *like,
                                           const void *secret)
{
    struct signature_key *key =
        tcpip__memory_alloc(signature->memory, sizeof(*key) + like->secret_bytes, alignof(struct signature_key));
    if (key == NULL)
        return NULL;
    memcpy(key, like, sizeof(*key));
    memset(&key->node, 0, sizeof(key->node));
    key->traffic = NULL;
    key->ready = false;
    key->good = key->bad = 0;
    memcpy(key->secret, secret, like->secret_bytes);
    list_push_back(&signature->keys, &key->node);
    return key;
}

void tcpip__signature_remove(struct signature *signature, struct signature_key *key)
{
    if (signature->md5 == key)
        signature->md5 = NULL;
    if (signature->current == key)
        signature->current = NULL;
    if (signature->next == key)
        signature->next = NULL;
    list_remove(&key->node);
    key_forget_traffic(signature->memory, key);
    size_t size = sizeof(*key) + key->secret_bytes;
    signature_wipe(key, size);
    tcpip__memory_free(signature->memory, key, size);
}

struct signature *tcpip__signature_new(struct memory *memory)
{
    struct signature *signature = tcpip__memory_zalloc(memory, sizeof(*signature), alignof(struct signature));
    if (signature == NULL)
        return NULL;
    signature->memory = memory;
    signature->refs = 1;
    list_init(&signature->keys);
    return signature;
}

void tcpip__signature_unref(struct signature *signature)
{
    if (signature == NULL || --signature->refs > 0)
        return;
    struct tcpip_list_node *node;
    while ((node = list_first(&signature->keys)) != NULL)
        tcpip__signature_remove(signature, TCPIP_CONTAINER_OF(node, struct signature_key, node));
    tcpip__memory_free(signature->memory, signature, sizeof(*signature));
}

struct signature *tcpip__signature_copy(const struct signature *from, const struct signature_peer *peer)
{
    struct signature *copy = tcpip__signature_new(from->memory);
    if (copy == NULL)
        return NULL;
    copy->ao = from->ao;
    copy->required = from->required;
    copy->accept_icmps = from->accept_icmps;
    list_for_each(node, &from->keys)
    {
        const struct signature_key *key = TCPIP_CONTAINER_OF(node, const struct signature_key, node);
        if (peer != NULL && !tcpip__signature_scope_has(&key->scope, peer))
            continue;
        struct signature_key *added = tcpip__signature_add(copy, key, key->secret);
        if (added == NULL) {
            tcpip__signature_unref(copy);
            return NULL;
        }
        if (from->current == key)
            copy->current = added;
        if (from->next == key)
            copy->next = added;
    }
    return copy;
}

/* ---- a connection ---- */

struct signature_peer tcpip__signature_peer_of(const struct signature *signature)
{
    return (struct signature_peer){
        .address = signature->ends.remote, .port = signature->ends.remote_port, .nic = signature->nic};
}

void tcpip__signature_choose(struct signature *signature, const struct signature_peer *peer)
{
    signature->md5 = tcpip__signature_find(signature, SIGNATURE_MD5, peer, SIGNATURE_ANY_ID, SIGNATURE_ANY_ID);
    struct signature_key *first =
        tcpip__signature_find(signature, SIGNATURE_AO, peer, SIGNATURE_ANY_ID, SIGNATURE_ANY_ID);
    if (signature->current == NULL || !tcpip__signature_scope_has(&signature->current->scope, peer))
        signature->current = first;
    if (signature->next == NULL || !tcpip__signature_scope_has(&signature->next->scope, peer))
        signature->next = first;
    signature->kind = signature->md5 != NULL ? SIGNATURE_MD5 : first != NULL ? SIGNATURE_AO : SIGNATURE_NONE;
}

void tcpip__signature_connect(struct signature *signature, const struct signature_ends *ends, seqnum local_isn,
                              seqnum remote_isn)
{
    signature->connected = true;
    signature->ends = *ends;
    signature->local_isn = local_isn;
    signature->remote_isn = remote_isn;
    list_for_each(node, &signature->keys) TCPIP_CONTAINER_OF(node, struct signature_key, node)->ready = false;
}

/* ---- codes ---- */

static void mac_init(struct signature_mac *mac, uint8_t algorithm, const uint8_t *key, size_t size)
{
    mac->algorithm = algorithm;
    if (algorithm == TCPIP_TCP_AO_AES_128_CMAC)
        tcpip__aes_cmac_init(&mac->with.cmac, key);
    else
        tcpip__hmac_sha1_init(&mac->with.hmac, key, size);
}

static void mac_update(struct signature_mac *mac, const void *bytes, size_t size)
{
    if (mac->algorithm == TCPIP_TCP_AO_AES_128_CMAC)
        tcpip__aes_cmac_update(&mac->with.cmac, bytes, size);
    else
        tcpip__hmac_sha1_update(&mac->with.hmac, bytes, size);
}

static void mac_final(struct signature_mac *mac, uint8_t out[SIGNATURE_BYTES_MAX])
{
    if (mac->algorithm == TCPIP_TCP_AO_AES_128_CMAC)
        tcpip__aes_cmac_final(&mac->with.cmac, out);
    else
        tcpip__hmac_sha1_final(&mac->with.hmac, out);
}

/* The derivation's own code: RFC 5926 3.1.1.1 takes the master key as it is, 3.1.1.2 shortens what hasn't AES's size.
 */
static void mac_of_secret(const struct signature_key *key, struct signature_mac *mac)
{
    static const uint8_t zero[AES_BLOCK];
    uint8_t shortened[AES_BLOCK];
    if (key->algorithm != TCPIP_TCP_AO_AES_128_CMAC || key->secret_bytes == AES_BLOCK) {
        mac_init(mac, key->algorithm, key->secret, key->secret_bytes);
        return;
    }
    mac_init(mac, key->algorithm, zero, sizeof(zero));
    mac_update(mac, key->secret, key->secret_bytes);
    tcpip__aes_cmac_final(&mac->with.cmac, shortened);
    mac_init(mac, key->algorithm, shortened, sizeof(shortened));
    signature_wipe(shortened, sizeof(shortened));
}

void tcpip__signature_derive(const struct signature_key *key, const struct signature_ends *ends, bool outgoing,
                             seqnum source_isn, seqnum destination_isn, struct signature_mac *out)
{
    static const uint8_t label[7] = {1, 'T', 'C', 'P', '-', 'A', 'O'};
    size_t key_bytes = key->algorithm == TCPIP_TCP_AO_AES_128_CMAC ? CMAC_BYTES : SHA1_BYTES;
    size_t skip = scope_is_v4(ends->remote) ? 12 : 0;
    uint8_t numbers[14], traffic[SIGNATURE_BYTES_MAX];
    tcpip_store_u16(numbers, outgoing ? ends->local_port : ends->remote_port);
    tcpip_store_u16(numbers + 2, outgoing ? ends->remote_port : ends->local_port);
    tcpip_store_u32(numbers + 4, source_isn.v);
    tcpip_store_u32(numbers + 8, destination_isn.v);
    tcpip_store_u16(numbers + 12, (uint16_t)(8 * key_bytes));
    mac_of_secret(key, out);
    mac_update(out, label, sizeof(label));
    mac_update(out, (outgoing ? ends->local : ends->remote) + skip, 16 - skip);
    mac_update(out, (outgoing ? ends->remote : ends->local) + skip, 16 - skip);
    mac_update(out, numbers, sizeof(numbers));
    mac_final(out, traffic);
    mac_init(out, key->algorithm, traffic, key_bytes);
    signature_wipe(traffic, sizeof(traffic));
}

const struct signature_mac *tcpip__signature_traffic(struct signature *signature, struct signature_key *key,
                                                     bool outgoing, struct signature_mac *own)
{
    seqnum local = signature->local_isn, remote = signature->remote_isn;
    if (key->traffic == NULL)
        key->traffic = tcpip__memory_alloc(signature->memory, sizeof(*key->traffic), alignof(struct signature_traffic));
    if (key->traffic == NULL) {
        tcpip__signature_derive(key, &signature->ends, outgoing, outgoing ? local : remote, outgoing ? remote : local,
                                own);
        return own;
    }
    if (!key->ready) {
        tcpip__signature_derive(key, &signature->ends, true, local, remote, &key->traffic->send);
        tcpip__signature_derive(key, &signature->ends, false, remote, local, &key->traffic->receive);
        key->ready = true;
    }
    return outgoing ? &key->traffic->send : &key->traffic->receive;
}

/* The pseudo-header (RFC 9293 3.1, RFC 8200 8.1); returns its size. */
static size_t signature_pseudo(const struct signature_text *text, uint8_t out[40])
{
    uint32_t length = (uint32_t)text->header_bytes + text->payload_bytes;
    if (scope_is_v4(text->source)) {
        memcpy(out, text->source + 12, 4);
        memcpy(out + 4, text->destination + 12, 4);
        tcpip_store_u16(out + 8, TCPIP_PROTOCOL_TCP);
        tcpip_store_u16(out + 10, (uint16_t)length);
        return 12;
    }
    memcpy(out, text->source, 16);
    memcpy(out + 16, text->destination, 16);
    tcpip_store_u32(out + 32, length);
    tcpip_store_u32(out + 36, TCPIP_PROTOCOL_TCP);
    return 40;
}

static void compute_md5(const struct signature_key *key, const struct signature_text *text, const uint8_t *header,
                        uint8_t *out)
{
    struct digest md5;
    uint8_t pseudo[40];
    tcpip__md5_init(&md5);
    tcpip__md5_update(&md5, pseudo, signature_pseudo(text, pseudo));
    tcpip__md5_update(&md5, header, TCPIP_TCP_HEADER_MIN);
    for (size_t i = 0; i < text->chunk_count; i++)
        tcpip__md5_update(&md5, text->chunks[i].bytes, text->chunks[i].size);
    tcpip__md5_update(&md5, key->secret, key->secret_bytes);
    tcpip__md5_final(&md5, out);
}

static void compute_ao(const struct signing *signing, const struct signature_text *text, uint8_t *header, uint8_t *out)
{
    struct signature_mac mac = *signing->mac;
    uint8_t front[4 + 40];
    tcpip_store_u32(front, signing->sne);
    mac_update(&mac, front, 4 + signature_pseudo(text, front + 4));
    memset(header + text->option_offset + SIGNATURE_AO_BYTES, 0, text->option_bytes - SIGNATURE_AO_BYTES);
    if (signing->key->exclude_options) {
        mac_update(&mac, header, TCPIP_TCP_HEADER_MIN);
        mac_update(&mac, header + text->option_offset, text->option_bytes);
    } else {
        mac_update(&mac, header, text->header_bytes);
    }
    for (size_t i = 0; i < text->chunk_count; i++)
        mac_update(&mac, text->chunks[i].bytes, text->chunks[i].size);
    mac_final(&mac, out);
    signature_wipe(&mac, sizeof(mac));
}

void tcpip__signature_compute(const struct signing *signing, const struct signature_text *text,
                              uint8_t out[SIGNATURE_BYTES_MAX])
{
    uint8_t header[TCPIP_TCP_HEADER_MAX];
    memcpy(header, text->header, text->header_bytes);
    tcpip_tcp_set_checksum(header, 0);
    if (signing->key->kind == SIGNATURE_MD5)
        compute_md5(signing->key, text, header, out);
    else
        compute_ao(signing, text, header, out);
}

bool tcpip__signature_verify(const struct signing *signing, const struct signature_text *text)
{
    uint8_t code[SIGNATURE_BYTES_MAX];
    size_t bytes = signature_code_bytes(signing->key);
    size_t before = signing->key->kind == SIGNATURE_MD5 ? 2 : SIGNATURE_AO_BYTES;
    if (text->option_bytes != before + bytes)
        return false;
    tcpip__signature_compute(signing, text, code);
    return tcpip__digest_differs(code, text->header + text->option_offset + before, bytes) == 0;
}
