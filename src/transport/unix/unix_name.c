// SPDX-License-Identifier: MIT
/* unix_name.c: what unix endpoints are called.
 *
 * A name is an object of its own, since it outlives its owner's hold on it: messages and peers show it after the owner
 * has closed, accepted endpoints share their listener's, and a path stays in the table, with nobody behind it, until it
 * is unlinked. So there are three kinds of "not there": no such path (NAME_NOT_FOUND, Linux's ENOENT), a path that its
 * owner has left, and an abstract name that nobody has (both CONNECTION_REFUSED).
 *
 * Abstract names go with their owner, and there is a set of them per type, as on Linux: a stream and a datagram
 * endpoint may have the same one, and don't see each other. A path is one for all types: WRONG_TYPE.
 *
 * Owns:        struct unix_name, the table of names, name_count.
 * Invariants:  a name is in the table and on names_all, or on neither; one in the table has its owner, or is a path.
 * Not here:    what is done with who was found (unix_connect.c, unix_send.c). */
#include "transport/unix/unix.h"

#include <stdalign.h>
#include <string.h>

enum {
    UNIX_AUTO_DIGITS = 5,
    UNIX_AUTO_NAMES = 1 << (4 * UNIX_AUTO_DIGITS),
};

/* ---- keys ---- */

/* What the table compares. Unused bytes are zero, so that names are compared and hashed as wholes. */
struct unix_key {
    struct tcpip_unix_address address;
    uint32_t type; /* of an abstract name; 0: a path's counts for all */
};

static bool unix_is_path(const struct tcpip_unix_address *address)
{
    return address->size > 0 && address->bytes[0] != 0;
}

/* False: there can't be such a name. */
static bool unix_key_make(const struct tcpip_unix_address *address, uint32_t type, struct unix_key *out)
{
    memset(out, 0, sizeof(*out));
    if (address->size == 0 || address->size > TCPIP_UNIX_NAME_MAX)
        return false;
    uint32_t size = address->size;
    if (unix_is_path(address)) {
        const void *end = memchr(address->bytes, 0, size);
        if (end != NULL)
            size = (uint32_t)((const uint8_t *)end - address->bytes);
    } else {
        out->type = type;
    }
    out->address.size = size;
    memcpy(out->address.bytes, address->bytes, size);
    return true;
}

static uint32_t unix_name_hash(const struct hash_key *key, const struct hash_node *node)
{
    const struct unix_name *name = hash_entry(node, const struct unix_name, node);
    struct unix_key bytes = {name->address, unix_is_path(&name->address) ? 0 : name->type};
    return tcpip__hash_bytes(key, &bytes, sizeof(bytes));
}

static const struct hash_table_ops unix_name_ops = {unix_name_hash};

static struct unix_name *unix_name_find(struct unix_stack *units, const struct unix_key *key)
{
    uint32_t hash = tcpip__hash_bytes(&units->names.key, key, sizeof(*key));
    hash_table_for_each(node, &units->names, hash)
    {
        struct unix_name *name = hash_entry(node, struct unix_name, node);
        if (node->hash == hash && memcmp(&name->address, &key->address, sizeof(key->address)) == 0 &&
            (unix_is_path(&key->address) || name->type == key->type))
            return name;
    }
    return NULL;
}

/* ---- life ---- */

enum tcpip_error tcpip__unix_names_init(struct unix_stack *units)
{
    list_init(&units->names_all);
    return tcpip__hash_table_init(&units->names, &units->stack->memory, &unix_name_ops, rng_u64(&units->stack->rng))
               ? TCPIP_OK
               : TCPIP_ERR_NO_MEMORY;
}

static void unix_name_unlist(struct unix_stack *units, struct unix_name *name)
{
    if (!list_node_linked(&name->all))
        return;
    list_remove(&name->all);
    tcpip__hash_table_remove(&units->names, &name->node);
    tcpip__unix_name_unref(units, name);
}

void tcpip__unix_names_fini(struct unix_stack *units)
{
    for (struct tcpip_list_node *node; (node = list_first(&units->names_all)) != NULL;)
        unix_name_unlist(units, list_entry(node, struct unix_name, all)); /* paths left behind */
    ASSERT_ENV(&units->stack->env, units->name_count == 0);
    tcpip__hash_table_fini(&units->names);
}

struct unix_name *tcpip__unix_name_ref(struct unix_name *name)
{
    if (name != NULL)
        name->refs++;
    return name;
}

void tcpip__unix_name_unref(struct unix_stack *units, struct unix_name *name)
{
    if (name == NULL || --name->refs > 0)
        return;
    units->name_count--;
    tcpip__memory_free(&units->stack->memory, name, sizeof(*name));
}

void tcpip__unix_name_abandon(struct unix_endpoint *ep)
{
    struct unix_stack *units = unix_stack_of(ep);
    struct unix_name *name = ep->name;
    if (name == NULL)
        return;
    if (name->owner == ep) {
        name->owner = NULL;
        if (!unix_is_path(&name->address))
            unix_name_unlist(units, name);
    }
    ep->name = NULL;
    tcpip__unix_name_unref(units, name);
}

/* ---- bind ---- */

static enum tcpip_error unix_name_take(struct unix_endpoint *ep, const struct unix_key *key,
                                       enum tcpip_error (*commit)(void *ctx), void *ctx)
{
    struct unix_stack *units = unix_stack_of(ep);
    struct tcpip_stack *stack = units->stack;
    if (units->name_count >= stack->limits.endpoints) {
        stack->stats.local.names_refused++;
        return TCPIP_ERR_LIMIT_REACHED;
    }
    struct unix_name *name = tcpip__memory_zalloc(&stack->memory, sizeof(*name), alignof(struct unix_name));
    if (name == NULL)
        return TCPIP_ERR_NO_MEMORY;
    enum tcpip_error error = commit != NULL ? commit(ctx) : TCPIP_OK;
    if (error != TCPIP_OK) {
        tcpip__memory_free(&stack->memory, name, sizeof(*name));
        return error;
    }
    name->address = key->address;
    name->type = ep->type;
    name->owner = ep;
    name->refs = 2; /* the table, the owner */
    units->name_count++;
    list_push_back(&units->names_all, &name->all);
    tcpip__hash_table_insert(&units->names, &name->node, unix_name_hash(&units->names.key, &name->node));
    ep->name = name;
    return TCPIP_OK;
}

/* A free one, in the order of numbers: there is one among the first n + 1 when n names exist. */
static bool unix_auto_key(struct unix_endpoint *ep, struct unix_key *key)
{
    struct unix_stack *units = unix_stack_of(ep);
    struct tcpip_unix_address address = {.size = 1 + UNIX_AUTO_DIGITS};
    for (uint32_t tries = min_u32(units->name_count, UNIX_AUTO_NAMES - 1) + 1; tries > 0; tries--) {
        uint32_t number = units->next_auto;
        units->next_auto = (number + 1) % UNIX_AUTO_NAMES;
        for (uint32_t i = UNIX_AUTO_DIGITS; i > 0; i--, number /= 16)
            address.bytes[i] = (uint8_t) "0123456789abcdef"[number % 16];
        if (unix_key_make(&address, ep->type, key) && unix_name_find(units, key) == NULL)
            return true;
    }
    return false;
}

enum tcpip_error tcpip__unix_bind(struct unix_endpoint *ep, const struct tcpip_unix_address *address,
                                  enum tcpip_error (*commit)(void *ctx), void *ctx)
{
    struct unix_key key;
    if (address->size == 0) {
        if (ep->name != NULL)
            return TCPIP_OK;
        return unix_auto_key(ep, &key) ? unix_name_take(ep, &key, commit, ctx) : TCPIP_ERR_NO_PORT_AVAILABLE;
    }
    if (!unix_key_make(address, ep->type, &key))
        return TCPIP_ERR_INVALID_ARGUMENT;
    bool taken = unix_name_find(unix_stack_of(ep), &key) != NULL;
    if (ep->name != NULL) /* a path is judged first, as on Linux, where it is made before it is given */
        return taken && unix_is_path(address) ? TCPIP_ERR_PORT_IN_USE : TCPIP_ERR_INVALID_ENDPOINT_STATE;
    if (taken)
        return TCPIP_ERR_PORT_IN_USE;
    return unix_name_take(ep, &key, commit, ctx);
}

enum tcpip_error tcpip__unix_autobind_passcred(struct unix_endpoint *ep)
{
    const struct tcpip_unix_address any = {.size = 0};
    return ep->passcred && ep->name == NULL ? tcpip__unix_bind(ep, &any, NULL, NULL) : TCPIP_OK;
}

/* ---- finding, unlinking ---- */

enum tcpip_error tcpip__unix_find(struct unix_stack *units, const struct tcpip_unix_address *address,
                                  enum tcpip_unix_type type, struct unix_endpoint **out)
{
    struct unix_key key;
    if (!unix_key_make(address, type, &key))
        return TCPIP_ERR_INVALID_ARGUMENT;
    struct unix_name *name = unix_name_find(units, &key);
    if (name == NULL)
        return unix_is_path(address) ? TCPIP_ERR_NAME_NOT_FOUND : TCPIP_ERR_CONNECTION_REFUSED;
    if (name->owner == NULL)
        return TCPIP_ERR_CONNECTION_REFUSED;
    if (name->type != type)
        return TCPIP_ERR_WRONG_TYPE;
    *out = name->owner;
    return TCPIP_OK;
}

enum tcpip_error tcpip_unix_unlink(struct tcpip_stack *stack, const struct tcpip_unix_address *address)
{
    struct unix_stack *units = tcpip__stack_transport_state(stack, TCPIP_PROTOCOL_UNIX);
    struct unix_key key;
    if (units == NULL)
        return TCPIP_ERR_UNKNOWN_PROTOCOL;
    if (!unix_key_make(address, 0, &key) || !unix_is_path(address))
        return TCPIP_ERR_INVALID_ARGUMENT;
    tcpip_stack_enter(stack);
    struct unix_name *name = unix_name_find(units, &key);
    if (name != NULL)
        unix_name_unlist(units, name);
    tcpip_stack_leave(stack);
    return name != NULL ? TCPIP_OK : TCPIP_ERR_NAME_NOT_FOUND;
}
