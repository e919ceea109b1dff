// SPDX-License-Identifier: MIT
/* signature.h: signed TCP segments: TCP-MD5 (RFC 2385) and TCP-AO (RFC 5925, 5926).
 *
 * Keys belong to an endpoint and say whose segments they are for. A connection whose peer has a key signs all that it
 * sends and takes nothing that isn't signed well: what comes otherwise is dropped by name, counted, and not answered.
 * Set keys before connect or listen; what a listener accepts gets a copy of the keys for its peer. A signed connection
 * sends packets of one segment each, since each has a signature of its own.
 *
 * TCP-MD5 is what old BGP speakers know. New uses want TCP-AO: keys can be changed while the connection lives, old
 * segments can't be played back, and the hash isn't broken. One peer has keys of one kind only.
 *
 * Every function here: NOT_SUPPORTED if the endpoint isn't TCP's. */
#ifndef TCPIP_SIGNATURE_H
#define TCPIP_SIGNATURE_H

#include <tcpip/address.h>
#include <tcpip/endpoint.h>

TCPIP_BEGIN_DECLS

#define TCPIP_TCP_KEY_BYTES_MAX 65535u

/* ---- TCP-MD5 ---- */

struct tcpip_tcp_md5_key {
    size_t size;              /* sizeof(struct tcpip_tcp_md5_key) */
    struct tcpip_prefix peer; /* whose segments; no bit beyond `bits` set. 0 bits: everybody's of that family */
    uint16_t port;            /* the peer's; 0: any */
    uint32_t nic;             /* where the connection is bound to; 0: any */
    const void *secret;       /* copied */
    size_t secret_bytes;      /* 1 to TCPIP_TCP_KEY_BYTES_MAX */
};

/* Sets the key of a peer, or replaces it; of several that fit, the one bound to a NIC is taken, then that with the
 * longest prefix, then that with a port. It counts at once: a connection that gets its first key takes no unsigned
 * segment from then on. INVALID_ARGUMENT; KEY_REJECTED: there is an AO key for some of these peers, or AO is
 * required; NO_MEMORY. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_tcp_md5_key_set(struct tcpip_endpoint *endpoint,
                                                                const struct tcpip_tcp_md5_key *key);
/* Removes the key with these peers, port and NIC; its secret isn't looked at. A connection that has no other for its
 * peer goes on unsigned. INVALID_ARGUMENT, KEY_NOT_FOUND, NO_MEMORY. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_tcp_md5_key_remove(struct tcpip_endpoint *endpoint,
                                                                   const struct tcpip_tcp_md5_key *key);

/* ---- TCP-AO ---- */

enum tcpip_tcp_ao_algorithm {
    TCPIP_TCP_AO_HMAC_SHA1,    /* KDF_HMAC_SHA1 and HMAC-SHA-1-96 (RFC 5926) */
    TCPIP_TCP_AO_AES_128_CMAC, /* KDF_AES_128_CMAC and AES-128-CMAC-96 */
};

/* A Master Key Tuple (RFC 5925 3.1). */
struct tcpip_tcp_ao_key {
    size_t size;              /* sizeof(struct tcpip_tcp_ao_key) */
    struct tcpip_prefix peer; /* as in struct tcpip_tcp_md5_key, also below */
    uint16_t port;
    uint32_t nic;
    const void *secret;
    size_t secret_bytes;
    enum tcpip_tcp_ao_algorithm algorithm;
    uint8_t send_id;      /* KeyID of what is sent */
    uint8_t receive_id;   /* KeyID of what is received */
    uint8_t mac_bytes;    /* 4 to 16; 0: 12, as RFC 5926 has it. Both sides must agree */
    bool exclude_options; /* other TCP options aren't signed, for middleboxes that change them */
    bool set_current;     /* sent with from now on; else a connection begins with its first key, in order of setting */
    bool set_next;        /* the peer is asked to send with it */
};

/* Adds a key. To a connection only if it is signed with AO already. KEY_EXISTS: a key for some of these peers has one
 * of these ids; KEY_REJECTED: there is an MD5 key for some of them; INVALID_ENDPOINT_STATE: connected without AO, or
 * set_current or set_next of a listener; INVALID_ARGUMENT: also a connection's peer isn't among the key's;
 * NO_MEMORY. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_tcp_ao_key_add(struct tcpip_endpoint *endpoint,
                                                               const struct tcpip_tcp_ao_key *key);

struct tcpip_tcp_ao_key_removal {
    size_t size;
    struct tcpip_prefix peer; /* as it was added with, and so are port and nic */
    uint16_t port;
    uint32_t nic;
    uint8_t send_id, receive_id;
    bool set_current, set_next; /* others take over */
    uint8_t current_send_id, next_receive_id;
};
/* Removes a key. KEY_IN_USE: it is the connection's current key or that asked for, and no other is named;
 * KEY_NOT_FOUND: no such key, or the one named instead; INVALID_ARGUMENT; INVALID_ENDPOINT_STATE: a listener has
 * neither; NO_MEMORY.
 */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_tcp_ao_key_remove(struct tcpip_endpoint *endpoint,
                                                                  const struct tcpip_tcp_ao_key_removal *removal);

struct tcpip_tcp_ao_key_info {
    size_t size;                 /* in: sizeof(struct tcpip_tcp_ao_key_info) */
    struct tcpip_tcp_ao_key key; /* set_current, set_next: it is. secret: until the endpoint's keys change */
    uint64_t good, bad;          /* segments with its id */
};
/* The key with that number, counted from 0 in order of setting. KEY_NOT_FOUND: there are no more. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_tcp_ao_key_get(const struct tcpip_endpoint *endpoint, size_t index,
                                                               struct tcpip_tcp_ao_key_info *out);

/* What an endpoint does with AO. */
struct tcpip_tcp_ao_info {
    size_t size;                         /* sizeof(struct tcpip_tcp_ao_info) */
    bool signs;                          /* get: a connection that is signed with AO */
    bool set_current;                    /* set: to be changed to the ids below; get: they are valid */
    bool set_next;                       /* likewise */
    bool set_counters;                   /* set: the counters are set, too */
    bool required;                       /* peers without a key are refused */
    bool accept_icmps;                   /* errors by ICMP count, though anybody can send them; off: RFC 5925 7.8 */
    uint8_t current_id;                  /* send_id of the key that is sent with */
    uint8_t next_id;                     /* receive_id of the key that the peer is asked for */
    uint64_t good, bad;                  /* segments: signed well, and not */
    uint64_t key_not_found, ao_required; /* signed by an unknown key; unsigned */
    uint64_t dropped_icmp;
};
/* KEY_NOT_FOUND: nothing of AO was ever set. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_tcp_ao_get(const struct tcpip_endpoint *endpoint,
                                                           struct tcpip_tcp_ao_info *out);
/* Sets `required` and `accept_icmps`, and what else is said. With `required`, connect to a peer without a key says
 * KEY_REJECTED. KEY_REJECTED: required, and there are MD5 keys; KEY_NOT_FOUND: no key has such an id;
 * INVALID_ENDPOINT_STATE: connected without AO, or ids of a listener; NO_MEMORY. */
TCPIP_API TCPIP_MUST_USE enum tcpip_error tcpip_tcp_ao_set(struct tcpip_endpoint *endpoint,
                                                           const struct tcpip_tcp_ao_info *info);

TCPIP_END_DECLS

#endif
