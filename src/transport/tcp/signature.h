// SPDX-License-Identifier: MIT
/* signature.h: the keys of an endpoint, and the signatures made with them (RFC 2385, 5925, 5926).
 *
 *     struct signature         an endpoint's keys, and what its connection does with them
 *     struct signature_key     one key: of whom, with which ids, what was derived from it for the connection
 *     struct signing           how one segment is signed: a key, a code that is ready, what stands in the option */
#ifndef TCPIP_SRC_TCP_SIGNATURE_H
#define TCPIP_SRC_TCP_SIGNATURE_H

#include "base/digest.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/seqnum.h"
#include <tcpip/header/tcp.h>
#include <tcpip/signature.h>

enum signature_kind { SIGNATURE_NONE, SIGNATURE_MD5, SIGNATURE_AO };

enum {
    SIGNATURE_BYTES_MAX = 20, /* as computed; sent are mac_bytes of them */
    SIGNATURE_AO_BYTES = 4,   /* of an AO option before the code: kind, length, KeyID, RNextKeyID */
    SIGNATURE_ANY_ID = -1,
};

/* Whose segments a key is for. Addresses have 16 bytes, IPv4 mapped. */
struct signature_scope {
    uint8_t address[16];
    uint8_t bits; /* of 128 */
    uint16_t port;
    uint32_t nic;
};

/* Somebody to find a key for. */
struct signature_peer {
    const uint8_t *address;
    uint16_t port;
    uint32_t nic;
};

/* A connection as seen from here. */
struct signature_ends {
    uint8_t local[16], remote[16];
    uint16_t local_port, remote_port;
};

/* A keyed code, ready to take bytes in. */
struct signature_mac {
    uint8_t algorithm; /* enum tcpip_tcp_ao_algorithm */
    union {
        struct hmac_sha1 hmac;
        struct aes_cmac cmac;
    } with;
};

/* The traffic keys of an established connection, each as the code that it keys. */
struct signature_traffic {
    struct signature_mac send, receive;
};

struct signature_key {
    struct tcpip_list_node node; /* in signature.keys */
    struct signature_scope scope;
    uint8_t kind;      /* enum signature_kind */
    uint8_t algorithm; /* AO, like all up to exclude_options */
    uint8_t send_id, receive_id;
    uint8_t mac_bytes;
    bool exclude_options;
    bool ready; /* traffic is this connection's */
    uint64_t good, bad;
    struct signature_traffic *traffic; /* NULL: not needed yet */
    uint32_t secret_bytes;
    uint8_t secret[];
};

struct signature {
    struct memory *memory;
    uint32_t refs; /* the endpoint and its TIME-WAIT record */
    struct list keys;
    bool ao;           /* something of AO was set */
    bool required;     /* nobody without an AO key */
    bool accept_icmps; /* errors by ICMP count for AO connections */
    /* of the connection */
    bool connected; /* ends and kind hold */
    uint8_t kind;   /* enum signature_kind: how its segments are signed */
    uint32_t nic;
    struct signature_ends ends;
    seqnum local_isn, remote_isn;
    struct signature_key *md5;            /* the key, if kind says so */
    struct signature_key *current, *next; /* AO: sent with; asked for. NULL: the first that fits */
    uint64_t local_at, remote_at;         /* TIME-WAIT: the last numbers, extended */
    uint64_t good, bad, key_not_found, ao_required, dropped_icmp;
};

/* NULL: out of memory. */
struct signature *tcpip__signature_new(struct memory *memory);
static inline struct signature *signature_ref(struct signature *signature)
{
    signature->refs++;
    return signature;
}
void tcpip__signature_unref(struct signature *signature); /* NULL is let pass */
/* A block of its own with the keys for `peer` (NULL: all of them), and the settings. NULL: out of memory. */
struct signature *tcpip__signature_copy(const struct signature *from, const struct signature_peer *peer);

struct archive;
/* signature_save.c. Saved and restored (base/archive.h): keys and settings; a connection chooses anew of them. */
void tcpip__signature_archive(struct archive *archive, struct memory *memory, struct signature **signature);

/* Appends a key with `like`'s facts (node, traffic and counters aside). NULL: out of memory. */
struct signature_key *tcpip__signature_add(struct signature *signature, const struct signature_key *like,
                                           const void *secret);
void tcpip__signature_remove(struct signature *signature, struct signature_key *key);
/* The key of this kind for the peer: of several MD5 keys that fit best, of AO's the first with these ids
 * (SIGNATURE_ANY_ID: any). NULL: none. */
struct signature_key *tcpip__signature_find(const struct signature *signature, enum signature_kind kind,
                                            const struct signature_peer *peer, int send_id, int receive_id);
/* The key of this kind with exactly that scope and these ids. */
struct signature_key *tcpip__signature_exact(const struct signature *signature, enum signature_kind kind,
                                             const struct signature_scope *scope, int send_id, int receive_id);
bool tcpip__signature_scope_has(const struct signature_scope *scope, const struct signature_peer *peer);
/* Is there anybody that both are for? */
bool tcpip__signature_scopes_meet(const struct signature_scope *a, const struct signature_scope *b);

/* Who the connection's peer is, or its keys have changed: kind, md5, current and next anew. */
void tcpip__signature_choose(struct signature *signature, const struct signature_peer *peer);
/* A connection begins, or its second initial sequence number is known: traffic keys are made anew when next needed. */
void tcpip__signature_connect(struct signature *signature, const struct signature_ends *ends, seqnum local_isn,
                              seqnum remote_isn);
struct signature_peer tcpip__signature_peer_of(const struct signature *signature);

/* ---- one segment ---- */

struct signing {
    const struct signature_key *key;
    const struct signature_mac *mac; /* AO */
    uint32_t sne;                    /* AO: what sequence numbers have overflowed to */
    uint8_t key_id, next_id;         /* AO: KeyID, RNextKeyID */
    struct signature_mac own;        /* what mac points to, where nothing is kept */
};

struct signature_chunk {
    const uint8_t *bytes;
    size_t size;
};

/* The bytes that are signed; addresses have 16 bytes. */
struct signature_text {
    const uint8_t *source, *destination;
    const uint8_t *header;
    size_t header_bytes;
    size_t option_offset, option_bytes; /* of the signature's option in the header */
    const struct signature_chunk *chunks;
    size_t chunk_count; /* of payload */
    uint32_t payload_bytes;
};

/* Derives a traffic key (RFC 5925 5.2, RFC 5926 3.1). outgoing: from the local end to the remote one. */
void tcpip__signature_derive(const struct signature_key *key, const struct signature_ends *ends, bool outgoing,
                             seqnum source_isn, seqnum destination_isn, struct signature_mac *out);
/* The connection's traffic key; *own is used where there is no memory to keep it. */
const struct signature_mac *tcpip__signature_traffic(struct signature *signature, struct signature_key *key,
                                                     bool outgoing, struct signature_mac *own);
/* The first key->mac_bytes (MD5: 16) of `out` are the signature. */
void tcpip__signature_compute(const struct signing *signing, const struct signature_text *text,
                              uint8_t out[SIGNATURE_BYTES_MAX]);
/* Does the option hold what it should? In constant time. */
bool tcpip__signature_verify(const struct signing *signing, const struct signature_text *text);

/* Bytes of the signature itself. */
static inline uint8_t signature_code_bytes(const struct signature_key *key)
{
    return key->kind == SIGNATURE_MD5 ? MD5_BYTES : key->mac_bytes;
}
/* Bytes of the option in a header, padded. */
static inline uint16_t signature_option_bytes(const struct signature_key *key)
{
    return key->kind == SIGNATURE_MD5 ? 20 : (uint16_t)((SIGNATURE_AO_BYTES + key->mac_bytes + 3) / 4 * 4);
}
/* Room for it among the options to be written: always at their front, so that the code lies at SIGNATURE_CODE_AT. */
#define SIGNATURE_CODE_AT (TCPIP_TCP_HEADER_MIN + 4u)
static inline void signature_reserve(const struct signing *signing, struct tcpip_tcp_options *options)
{
    if (signing->key->kind == SIGNATURE_MD5) {
        options->present |= TCPIP_TCP_HAS_MD5;
    } else {
        options->present |= TCPIP_TCP_HAS_AO;
        options->ao_bytes = (uint8_t)(SIGNATURE_AO_BYTES + signing->key->mac_bytes);
    }
}

/* ---- sequence numbers as if they had 64 bits (RFC 5925 6.2) ---- */

/* Of `at`, which lies `bytes` of text, give or take a SYN or FIN, behind the initial one. */
static inline uint64_t signature_extend(seqnum isn, uint64_t bytes, seqnum at)
{
    uint64_t about = isn.v + bytes;
    return about + (uint64_t)(int64_t)(int32_t)(at.v - (uint32_t)about);
}
/* The sequence number extension of a segment at `seq`, within 2 GB of `near`. */
static inline uint32_t signature_sne(uint64_t near, seqnum seq)
{
    return (uint32_t)((near + (uint64_t)(int64_t)(int32_t)(seq.v - (uint32_t)near)) >> 32);
}

#endif
