// SPDX-License-Identifier: MIT
/* tcp_key.c: the calls that set, change and show the keys of signed connections (tcpip/signature.h).
 *
 * As in Linux, keys may be set at any time but for one thing: a connection can't be moved to or from TCP-AO while it
 * lives (RFC 5925 7.4), since AO knows it by initial sequence numbers.
 *
 * Owns:       nothing; fills tcp_endpoint.signature.
 * Invariants: no peer has keys of both kinds, or two AO keys with the same id in the same direction (RFC 5925 3.1).
 * Not here:   what is done with keys (tcp_signature.c). */
#include "transport/tcp/tcp.h"
#include "transport/tcp/tcp_fold.h"

enum { KEY_MAC_MIN = 4, KEY_MAC_MAX = 16, KEY_MAC_DEFAULT = 12 };

static bool key_scope(const struct tcpip_prefix *peer, uint16_t port, uint32_t nic, struct signature_scope *out)
{
    memset(out, 0, sizeof(*out));
    uint8_t whole = peer->address.len == 4 ? 32 : 128;
    if ((peer->address.len != 4 && peer->address.len != 16) || peer->bits > whole)
        return false;
    struct tcpip_address mapped = tcpip_address_to_mapped(&peer->address);
    memcpy(out->address, mapped.bytes, 16);
    out->bits = (uint8_t)(peer->bits + (128 - whole));
    out->port = port;
    out->nic = nic;
    for (unsigned bit = out->bits; bit < 128; bit++)
        if ((out->address[bit / 8] >> (7 - bit % 8) & 1) != 0)
            return false; /* the caller means one host, and says many */
    return true;
}

static void key_scope_public(const struct signature_scope *scope, struct tcpip_tcp_ao_key *out)
{
    out->peer.address = address_public(scope->address);
    out->peer.bits = (uint8_t)(scope->bits - (out->peer.address.len == 4 ? 96 : 0));
    out->port = scope->port;
    out->nic = scope->nic;
}

static bool key_connected(const struct tcp_endpoint *ep)
{
    return ep->state != TCPIP_TCP_CLOSED && ep->state != TCPIP_TCP_LISTEN;
}

/* Is there a key that is for some of the same peers, of this kind, and with one of these ids? */
static bool key_conflict(const struct signature *signature, const struct signature_scope *scope,
                         enum signature_kind kind, int send_id, int receive_id)
{
    if (signature == NULL)
        return false;
    list_for_each(node, &signature->keys)
    {
        const struct signature_key *key = TCPIP_CONTAINER_OF(node, const struct signature_key, node);
        if (key->kind == kind && tcpip__signature_scopes_meet(&key->scope, scope) &&
            (send_id == SIGNATURE_ANY_ID || key->send_id == send_id || key->receive_id == receive_id))
            return true;
    }
    return false;
}

/* A connection goes on with what its keys are now. */
static void keys_changed(struct tcp_endpoint *ep)
{
    struct signature *signature = ep->signature;
    if (!key_connected(ep))
        return;
    struct signature_peer peer = {
        .address = ep->demux->flow.remote, .port = ep->demux->flow.remote_port, .nic = ep->demux->flow.nic};
    tcpip__signature_choose(signature, &peer);
    if (!signature->connected)
        tcpip__tcp_signature_connected(ep);
    tcpip__tcp_signature_changed(ep);
}

static bool keys_of_tcp(const struct tcpip_endpoint *endpoint)
{
    return endpoint->transport == TCPIP_PROTOCOL_TCP;
}

/* ---- TCP-MD5 ---- */

static enum tcpip_error md5_set(struct tcp_endpoint *ep, const struct tcpip_tcp_md5_key *key)
{
    struct signature_key like = {.kind = SIGNATURE_MD5, .secret_bytes = (uint32_t)key->secret_bytes};
    if (key->secret_bytes == 0 || key->secret_bytes > TCPIP_TCP_KEY_BYTES_MAX ||
        !key_scope(&key->peer, key->port, key->nic, &like.scope))
        return TCPIP_ERR_INVALID_ARGUMENT;
    if ((ep->signature != NULL && ep->signature->required) ||
        key_conflict(ep->signature, &like.scope, SIGNATURE_AO, SIGNATURE_ANY_ID, SIGNATURE_ANY_ID))
        return TCPIP_ERR_KEY_REJECTED;
    struct signature *signature = tcpip__tcp_signature_own(ep);
    if (signature == NULL)
        return TCPIP_ERR_NO_MEMORY;
    struct signature_key *old =
        tcpip__signature_exact(signature, SIGNATURE_MD5, &like.scope, SIGNATURE_ANY_ID, SIGNATURE_ANY_ID);
    if (tcpip__signature_add(signature, &like, key->secret) == NULL)
        return TCPIP_ERR_NO_MEMORY;
    if (old != NULL)
        tcpip__signature_remove(signature, old);
    keys_changed(ep);
    return TCPIP_OK;
}

enum tcpip_error tcpip_tcp_md5_key_set(struct tcpip_endpoint *endpoint, const struct tcpip_tcp_md5_key *key)
{
    struct tcpip_tcp_md5_key all = {0};
    if (!keys_of_tcp(endpoint))
        return TCPIP_ERR_NOT_SUPPORTED;
    memcpy(&all, key, min_size(key->size, sizeof(all)));
    tcpip_stack_enter(endpoint->stack);
    struct tcp_endpoint *ep = tcpip__tcp_unfold(endpoint);
    enum tcpip_error error = ep != NULL ? md5_set(ep, &all) : TCPIP_ERR_NO_MEMORY;
    tcpip_stack_leave(endpoint->stack);
    return error;
}

enum tcpip_error tcpip_tcp_md5_key_remove(struct tcpip_endpoint *endpoint, const struct tcpip_tcp_md5_key *key)
{
    if (!keys_of_tcp(endpoint))
        return TCPIP_ERR_NOT_SUPPORTED;
    struct tcp_endpoint *ep = tcpip__tcp_unfold(endpoint);
    if (ep == NULL)
        return TCPIP_ERR_NO_MEMORY;
    struct signature_scope scope;
    struct tcpip_tcp_md5_key all = {0};
    memcpy(&all, key, min_size(key->size, sizeof(all)));
    if (!key_scope(&all.peer, all.port, all.nic, &scope))
        return TCPIP_ERR_INVALID_ARGUMENT;
    if (ep->signature == NULL ||
        tcpip__signature_exact(ep->signature, SIGNATURE_MD5, &scope, SIGNATURE_ANY_ID, SIGNATURE_ANY_ID) == NULL)
        return TCPIP_ERR_KEY_NOT_FOUND;
    struct signature *signature = tcpip__tcp_signature_own(ep);
    if (signature == NULL)
        return TCPIP_ERR_NO_MEMORY;
    tcpip_stack_enter(endpoint->stack);
    tcpip__signature_remove(
        signature, tcpip__signature_exact(signature, SIGNATURE_MD5, &scope, SIGNATURE_ANY_ID, SIGNATURE_ANY_ID));
    keys_changed(ep);
    tcpip_stack_leave(endpoint->stack);
    return TCPIP_OK;
}

/* ---- TCP-AO ---- */

/* May AO's settings be changed in this state? A listener sends nothing: it has neither current key nor next. */
static enum tcpip_error ao_state(const struct tcp_endpoint *ep, bool chooses)
{
    bool without = ep->signature == NULL || ep->signature->kind != SIGNATURE_AO;
    if ((key_connected(ep) && without) || (ep->state == TCPIP_TCP_LISTEN && chooses))
        return TCPIP_ERR_INVALID_ENDPOINT_STATE;
    return TCPIP_OK;
}

static enum tcpip_error ao_check(const struct tcp_endpoint *ep, const struct tcpip_tcp_ao_key *key,
                                 struct signature_key *like)
{
    *like = (struct signature_key){
        .kind = SIGNATURE_AO,
        .algorithm = (uint8_t)key->algorithm,
        .send_id = key->send_id,
        .receive_id = key->receive_id,
        .mac_bytes = key->mac_bytes != 0 ? key->mac_bytes : KEY_MAC_DEFAULT,
        .exclude_options = key->exclude_options,
        .secret_bytes = (uint32_t)key->secret_bytes,
    };
    if (key->secret_bytes == 0 || key->secret_bytes > TCPIP_TCP_KEY_BYTES_MAX || like->mac_bytes < KEY_MAC_MIN ||
        like->mac_bytes > KEY_MAC_MAX ||
        (key->algorithm != TCPIP_TCP_AO_HMAC_SHA1 && key->algorithm != TCPIP_TCP_AO_AES_128_CMAC) ||
        !key_scope(&key->peer, key->port, key->nic, &like->scope))
        return TCPIP_ERR_INVALID_ARGUMENT;
    if (key_conflict(ep->signature, &like->scope, SIGNATURE_MD5, SIGNATURE_ANY_ID, SIGNATURE_ANY_ID))
        return TCPIP_ERR_KEY_REJECTED;
    enum tcpip_error error = ao_state(ep, key->set_current || key->set_next);
    if (error != TCPIP_OK)
        return error;
    if (key_connected(ep)) {
        struct signature_peer peer = tcpip__signature_peer_of(ep->signature);
        if (!tcpip__signature_scope_has(&like->scope, &peer))
            return TCPIP_ERR_INVALID_ARGUMENT;
    }
    return key_conflict(ep->signature, &like->scope, SIGNATURE_AO, key->send_id, key->receive_id) ? TCPIP_ERR_KEY_EXISTS
                                                                                                  : TCPIP_OK;
}

enum tcpip_error tcpip_tcp_ao_key_add(struct tcpip_endpoint *endpoint, const struct tcpip_tcp_ao_key *key)
{
    if (!keys_of_tcp(endpoint))
        return TCPIP_ERR_NOT_SUPPORTED;
    struct tcp_endpoint *ep = tcpip__tcp_unfold(endpoint);
    if (ep == NULL)
        return TCPIP_ERR_NO_MEMORY;
    struct signature_key like;
    struct tcpip_tcp_ao_key all = {0};
    memcpy(&all, key, min_size(key->size, sizeof(all)));
    enum tcpip_error error = ao_check(ep, &all, &like);
    if (error != TCPIP_OK)
        return error;
    struct signature *signature = tcpip__tcp_signature_own(ep);
    struct signature_key *added = signature != NULL ? tcpip__signature_add(signature, &like, all.secret) : NULL;
    if (added == NULL)
        return TCPIP_ERR_NO_MEMORY;
    signature->ao = true;
    if (all.set_current)
        signature->current = added;
    if (all.set_next)
        signature->next = added;
    tcpip_stack_enter(endpoint->stack);
    keys_changed(ep);
    tcpip_stack_leave(endpoint->stack);
    return TCPIP_OK;
}

/* The key that an id names: of the connection's peer, if there is one. */
static struct signature_key *ao_named(const struct tcp_endpoint *ep, int send_id, int receive_id)
{
    const struct signature *signature = ep->signature;
    struct signature_peer peer = tcpip__signature_peer_of(signature);
    if (key_connected(ep))
        return tcpip__signature_find(signature, SIGNATURE_AO, &peer, send_id, receive_id);
    list_for_each(node, &signature->keys)
    {
        struct signature_key *key = TCPIP_CONTAINER_OF(node, struct signature_key, node);
        if (key->kind == SIGNATURE_AO && (send_id == SIGNATURE_ANY_ID || key->send_id == send_id) &&
            (receive_id == SIGNATURE_ANY_ID || key->receive_id == receive_id))
            return key;
    }
    return NULL;
}

static enum tcpip_error ao_remove(struct tcp_endpoint *ep, const struct tcpip_tcp_ao_key_removal *removal,
                                  const struct signature_scope *scope)
{
    struct signature *signature = tcpip__tcp_signature_own(ep);
    if (signature == NULL)
        return TCPIP_ERR_NO_MEMORY;
    struct signature_key *key =
        tcpip__signature_exact(signature, SIGNATURE_AO, scope, removal->send_id, removal->receive_id);
    struct signature_key *current = signature->current, *next = signature->next;
    if (removal->set_current)
        current = ao_named(ep, removal->current_send_id, SIGNATURE_ANY_ID);
    if (removal->set_next)
        next = ao_named(ep, SIGNATURE_ANY_ID, removal->next_receive_id);
    bool gone = (removal->set_current && (current == NULL || current == key)) ||
                (removal->set_next && (next == NULL || next == key)); /* what is to take over isn't there */
    if (key == NULL || gone)
        return TCPIP_ERR_KEY_NOT_FOUND;
    if (key == current || key == next)
        return TCPIP_ERR_KEY_IN_USE;
    signature->current = current;
    signature->next = next;
    tcpip__signature_remove(signature, key);
    keys_changed(ep);
    return TCPIP_OK;
}

enum tcpip_error tcpip_tcp_ao_key_remove(struct tcpip_endpoint *endpoint,
                                         const struct tcpip_tcp_ao_key_removal *removal)
{
    if (!keys_of_tcp(endpoint))
        return TCPIP_ERR_NOT_SUPPORTED;
    struct tcp_endpoint *ep = tcpip__tcp_unfold(endpoint);
    if (ep == NULL)
        return TCPIP_ERR_NO_MEMORY;
    struct signature_scope scope;
    struct tcpip_tcp_ao_key_removal all = {0};
    memcpy(&all, removal, min_size(removal->size, sizeof(all)));
    if (!key_scope(&all.peer, all.port, all.nic, &scope))
        return TCPIP_ERR_INVALID_ARGUMENT;
    if (ep->signature == NULL)
        return TCPIP_ERR_KEY_NOT_FOUND;
    enum tcpip_error error = ao_state(ep, all.set_current || all.set_next);
    if (error != TCPIP_OK)
        return error;
    tcpip_stack_enter(endpoint->stack);
    error = ao_remove(ep, &all, &scope);
    tcpip_stack_leave(endpoint->stack);
    return error;
}

enum tcpip_error tcpip_tcp_ao_key_get(const struct tcpip_endpoint *endpoint, size_t index,
                                      struct tcpip_tcp_ao_key_info *out)
{
    if (!keys_of_tcp(endpoint))
        return TCPIP_ERR_NOT_SUPPORTED;
    struct tcp_endpoint copy;
    const struct signature *signature = tcpip__tcp_look(endpoint, &copy)->signature;
    if (signature == NULL)
        return TCPIP_ERR_KEY_NOT_FOUND;
    list_for_each(node, &signature->keys)
    {
        const struct signature_key *key = TCPIP_CONTAINER_OF(node, const struct signature_key, node);
        if (key->kind != SIGNATURE_AO || index-- > 0)
            continue;
        struct tcpip_tcp_ao_key_info info = {.size = out->size, .good = key->good, .bad = key->bad};
        info.key = (struct tcpip_tcp_ao_key){
            .size = sizeof(info.key),
            .secret = key->secret,
            .secret_bytes = key->secret_bytes,
            .algorithm = (enum tcpip_tcp_ao_algorithm)key->algorithm,
            .send_id = key->send_id,
            .receive_id = key->receive_id,
            .mac_bytes = key->mac_bytes,
            .exclude_options = key->exclude_options,
            .set_current = key == signature->current,
            .set_next = key == signature->next,
        };
        key_scope_public(&key->scope, &info.key);
        memcpy(out, &info, min_size(out->size, sizeof(info)));
        return TCPIP_OK;
    }
    return TCPIP_ERR_KEY_NOT_FOUND;
}

/* ---- settings ---- */

enum tcpip_error tcpip_tcp_ao_get(const struct tcpip_endpoint *endpoint, struct tcpip_tcp_ao_info *out)
{
    if (!keys_of_tcp(endpoint))
        return TCPIP_ERR_NOT_SUPPORTED;
    struct tcp_endpoint copy;
    const struct tcp_endpoint *ep = tcpip__tcp_look(endpoint, &copy);
    const struct signature *signature = ep->signature;
    if (signature == NULL || !signature->ao)
        return TCPIP_ERR_KEY_NOT_FOUND;
    struct tcpip_tcp_ao_info info = {
        .size = out->size,
        .signs = key_connected(ep) && signature->kind == SIGNATURE_AO,
        .set_current = signature->current != NULL,
        .set_next = signature->next != NULL,
        .required = signature->required,
        .accept_icmps = signature->accept_icmps,
        .current_id = signature->current != NULL ? signature->current->send_id : 0,
        .next_id = signature->next != NULL ? signature->next->receive_id : 0,
        .good = signature->good,
        .bad = signature->bad,
        .key_not_found = signature->key_not_found,
        .ao_required = signature->ao_required,
        .dropped_icmp = signature->dropped_icmp,
    };
    memcpy(out, &info, min_size(out->size, sizeof(info)));
    return TCPIP_OK;
}

static bool keys_have_md5(const struct signature *signature)
{
    if (signature == NULL)
        return false;
    list_for_each(node, &signature->keys)
    {
        if (TCPIP_CONTAINER_OF(node, const struct signature_key, node)->kind == SIGNATURE_MD5)
            return true;
    }
    return false;
}

static enum tcpip_error ao_set(struct tcp_endpoint *ep, const struct tcpip_tcp_ao_info *info)
{
    if (info->required && keys_have_md5(ep->signature))
        return TCPIP_ERR_KEY_REJECTED;
    struct signature *signature = tcpip__tcp_signature_own(ep);
    if (signature == NULL)
        return TCPIP_ERR_NO_MEMORY;
    struct signature_key *current = signature->current, *next = signature->next;
    if (info->set_current)
        current = ao_named(ep, info->current_id, SIGNATURE_ANY_ID);
    if (info->set_next)
        next = ao_named(ep, SIGNATURE_ANY_ID, info->next_id);
    if ((info->set_current && current == NULL) || (info->set_next && next == NULL))
        return TCPIP_ERR_KEY_NOT_FOUND;
    signature->current = current;
    signature->next = next;
    signature->ao = true;
    signature->required = info->required;
    signature->accept_icmps = info->accept_icmps;
    if (info->set_counters) {
        signature->good = info->good;
        signature->bad = info->bad;
        signature->key_not_found = info->key_not_found;
        signature->ao_required = info->ao_required;
        signature->dropped_icmp = info->dropped_icmp;
    }
    keys_changed(ep);
    return TCPIP_OK;
}

enum tcpip_error tcpip_tcp_ao_set(struct tcpip_endpoint *endpoint, const struct tcpip_tcp_ao_info *info)
{
    if (!keys_of_tcp(endpoint))
        return TCPIP_ERR_NOT_SUPPORTED;
    struct tcp_endpoint *ep = tcpip__tcp_unfold(endpoint);
    if (ep == NULL)
        return TCPIP_ERR_NO_MEMORY;
    struct tcpip_tcp_ao_info all = {0};
    memcpy(&all, info, min_size(info->size, sizeof(all)));
    enum tcpip_error error = ao_state(ep, all.set_current || all.set_next);
    if (error != TCPIP_OK)
        return error;
    tcpip_stack_enter(endpoint->stack);
    error = ao_set(ep, &all);
    tcpip_stack_leave(endpoint->stack);
    return error;
}
