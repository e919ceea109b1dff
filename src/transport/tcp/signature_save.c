// SPDX-License-Identifier: MIT
/* signature_save.c: an endpoint's keys, saved and restored, with their secrets: so that a connection that is signed
 * goes on signed.
 *
 * What was derived from them for the connection is derived again: it follows from its ends and its initial sequence
 * numbers, and the numbers' extension from the bytes that were counted.
 *
 * Owns:     nothing.
 * Not here: which connection they are used for (tcp_restore.c). */
#include "transport/tcp/signature.h"

#include "base/archive.h"

enum {
    SIGNATURE_MAC_MIN = 4, /* bytes of AO's code that are sent */
    SIGNATURE_NO_KEY = UINT16_MAX,
};

static void signature_settings(struct archive *archive, struct signature *signature)
{
    uint64_t *const counts[] = {&signature->good, &signature->bad, &signature->key_not_found, &signature->ao_required,
                                &signature->dropped_icmp};
    archive_bool(archive, &signature->ao);
    archive_bool(archive, &signature->required);
    archive_bool(archive, &signature->accept_icmps);
    for (size_t i = 0; i < array_count(counts); i++)
        archive_u64(archive, counts[i]);
}

static void signature_key_fields(struct archive *archive, struct signature_key *key)
{
    tcpip__archive_bytes(archive, key->scope.address, sizeof(key->scope.address));
    archive_u8(archive, &key->scope.bits, 128);
    archive_u16(archive, &key->scope.port);
    archive_u32(archive, &key->scope.nic);
    archive_u8(archive, &key->kind, SIGNATURE_AO);
    archive_u8(archive, &key->algorithm, TCPIP_TCP_AO_AES_128_CMAC);
    archive_u8(archive, &key->send_id, UINT8_MAX);
    archive_u8(archive, &key->receive_id, UINT8_MAX);
    archive_u8(archive, &key->mac_bytes, SIGNATURE_BYTES_MAX);
    archive_bool(archive, &key->exclude_options);
    archive_u64(archive, &key->good);
    archive_u64(archive, &key->bad);
    archive_u32(archive, &key->secret_bytes);
    archive_require(archive, key->kind != SIGNATURE_NONE && key->secret_bytes > 0 &&
                                 key->secret_bytes <= TCPIP_TCP_KEY_BYTES_MAX);
    uint8_t most = key->algorithm == TCPIP_TCP_AO_AES_128_CMAC ? CMAC_BYTES : SHA1_BYTES;
    archive_require(archive,
                    key->kind != SIGNATURE_AO || (key->mac_bytes >= SIGNATURE_MAC_MIN && key->mac_bytes <= most));
}

static void signature_save(struct archive *archive, struct signature *signature)
{
    uint16_t current = SIGNATURE_NO_KEY, next = SIGNATURE_NO_KEY, i = 0;
    list_for_each(node, &signature->keys)
    {
        const struct signature_key *key = list_entry(node, struct signature_key, node);
        current = key == signature->current ? i : current;
        next = key == signature->next ? i : next;
        i++;
    }
    archive_u16(archive, &current);
    archive_u16(archive, &next);
    list_for_each(node, &signature->keys)
    {
        struct signature_key *key = list_entry(node, struct signature_key, node);
        signature_key_fields(archive, key);
        tcpip__archive_put(archive, key->secret, key->secret_bytes);
    }
}

/* NULL: failed. */
static struct signature_key *signature_key_restore(struct archive *archive, struct signature *signature)
{
    struct signature_key like = {.kind = SIGNATURE_NONE};
    signature_key_fields(archive, &like);
    const uint8_t *secret = tcpip__archive_take(archive, like.secret_bytes);
    if (!archive_ok(archive) || secret == NULL)
        return NULL;
    struct signature_key *key = tcpip__signature_add(signature, &like, secret);
    if (key == NULL) {
        tcpip__archive_fail(archive, TCPIP_ERR_NO_MEMORY);
        return NULL;
    }
    key->good = like.good;
    key->bad = like.bad;
    return key;
}

void tcpip__signature_archive(struct archive *archive, struct memory *memory, struct signature **signature)
{
    if (!archive_restoring(archive)) {
        signature_settings(archive, *signature);
        signature_save(archive, *signature);
        return;
    }
    *signature = tcpip__signature_new(memory);
    if (*signature == NULL) {
        tcpip__archive_fail(archive, TCPIP_ERR_NO_MEMORY);
        return;
    }
    uint16_t current = SIGNATURE_NO_KEY, next = SIGNATURE_NO_KEY;
    signature_settings(archive, *signature);
    archive_u16(archive, &current);
    archive_u16(archive, &next);
    for (uint16_t i = 0; archive_ok(archive) && archive_left(archive) > 0 && i < SIGNATURE_NO_KEY; i++) {
        struct signature_key *key = signature_key_restore(archive, *signature);
        if (key == NULL || key->kind != SIGNATURE_AO)
            continue;
        if (i == current)
            (*signature)->current = key;
        if (i == next)
            (*signature)->next = key;
    }
}
