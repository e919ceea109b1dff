// SPDX-License-Identifier: MIT
/* save.c: a stack, or one endpoint of it, as bytes: the envelope, and the order of what is in it.
 *
 *     8 bytes magic, u16 format, u16 kind, u32 bytes of contents, u64 checksum, contents
 *
 * The contents are sections (base/archive.h), read in the order in which they must be there: keys and defaults before
 * NICs, NICs before routes, all of these before endpoints, a listener before what waits in it. The checksum finds
 * accidents; what somebody meant to be wrong is found by who reads it.
 *
 * A restored stack goes on with the keys of the saved one, and with its clock where peers see it: sequence numbers,
 * timestamps and cookies are made of `clock_ahead_ns` more than the environment says. Tables get keys of their own.
 *
 * Nothing is heard of a restore that fails: the stack is freed with what it had to send.
 *
 * Owns:       clock_ahead_ns.
 * Invariants: saving changes nothing; of a failed restore nothing is left.
 * Not here:   NICs, routes, neighbours (save_nic.c), what an endpoint is (each protocol). */
#include "stack/save.h"

#include "base/math.h"
#include "ports/ports.h"
#include "stack/option_block.h"
#include <tcpip/congestion.h>

#include <stdalign.h>
#include <string.h>

enum {
    SAVE_FORMAT = 1,
    SAVE_ENVELOPE_BYTES = 24,
    SAVE_ENDPOINT_MIN = 16, /* bytes that one takes at least */
    SAVE_CONGESTION_NAME = 16,
};
enum save_kind { SAVE_KIND_ENDPOINT = 1, SAVE_KIND_STACK };
static const uint8_t save_magic[8] = {'t', 'c', 'p', 'i', 'p', '\r', '\n', 0x1a};

/* Sections; their numbers stay what they are. */
enum save_tag {
    SAVE_STACK = 1 | ARCHIVE_CRITICAL,
    SAVE_DEFAULTS = 2,
    SAVE_NIC = 3 | ARCHIVE_CRITICAL,
    SAVE_ROUTES = 4 | ARCHIVE_CRITICAL,
    SAVE_NEIGHBORS = 5,
    SAVE_ENDPOINT = 6 | ARCHIVE_CRITICAL,
    SAVE_TRANSPORT = 7 | ARCHIVE_CRITICAL,
    SAVE_STATS = 8,
};

/* ---- the envelope ---- */

static uint64_t save_checksum(const void *data, size_t bytes)
{
    static const struct siphash_key key = {{0, 0}};
    return tcpip__siphash(&key, data, bytes);
}

static void save_begin(struct archive *archive, void *out, size_t size, tcpip_ns now)
{
    static const uint8_t room[SAVE_ENVELOPE_BYTES];
    tcpip__archive_save_init(archive, out, size, now);
    tcpip__archive_put(archive, room, sizeof(room));
}

static enum tcpip_error save_end(struct archive *archive, enum save_kind kind, size_t *bytes)
{
    *bytes = archive->at;
    if (archive->error != TCPIP_OK)
        return archive->error;
    if (archive->at - SAVE_ENVELOPE_BYTES > UINT32_MAX)
        return TCPIP_ERR_MESSAGE_TOO_LONG;
    if (archive->at > archive->size)
        return TCPIP_ERR_NO_BUFFER_SPACE;
    uint16_t format = SAVE_FORMAT, what = (uint16_t)kind;
    uint32_t length = (uint32_t)(archive->at - SAVE_ENVELOPE_BYTES);
    uint64_t sum = save_checksum(archive->out + SAVE_ENVELOPE_BYTES, length);
    archive->at = 0;
    tcpip__archive_put(archive, save_magic, sizeof(save_magic));
    archive_u16(archive, &format);
    archive_u16(archive, &what);
    archive_u32(archive, &length);
    archive_u64(archive, &sum);
    return TCPIP_OK;
}

/* The contents, to be read. */
static enum tcpip_error restore_begin(struct archive *archive, const void *data, size_t bytes, enum save_kind kind,
                                      tcpip_ns now)
{
    uint8_t magic[sizeof(save_magic)];
    uint16_t format = 0, what = 0;
    uint32_t length = 0;
    uint64_t sum = 0;
    tcpip__archive_restore_init(archive, data, bytes, now);
    tcpip__archive_bytes(archive, magic, sizeof(magic));
    archive_u16(archive, &format);
    archive_u16(archive, &what);
    archive_u32(archive, &length);
    archive_u64(archive, &sum);
    archive_require(archive, memcmp(magic, save_magic, sizeof(magic)) == 0 && what == (uint16_t)kind);
    if (archive_ok(archive) && format != SAVE_FORMAT)
        tcpip__archive_fail(archive, TCPIP_ERR_NOT_SUPPORTED);
    archive_require(archive, archive_left(archive) == length);
    if (archive_ok(archive))
        archive_require(archive, save_checksum(archive->in + archive->at, length) == sum);
    return archive->error;
}

static struct tcpip_restore_options restore_options_of(const struct tcpip_restore_options *given)
{
    struct tcpip_restore_options options = {0};
    if (given != NULL)
        memcpy(&options, given, min_size(given->size, sizeof(options)));
    return options;
}

/* ---- one endpoint ---- */

static enum tcpip_error save_freeze(struct tcpip_endpoint *endpoint, bool frozen)
{
    struct tcpip_stack *stack = endpoint->stack;
    ASSERT_ENV(&stack->env, !endpoint->closed_by_user);
    if (endpoint->ops->freeze == NULL)
        return TCPIP_ERR_NOT_SUPPORTED;
    tcpip_stack_enter(stack);
    enum tcpip_error error = endpoint->ops->freeze(endpoint, frozen);
    tcpip_stack_leave(stack);
    return error;
}

enum tcpip_error tcpip_endpoint_freeze(struct tcpip_endpoint *endpoint)
{
    return save_freeze(endpoint, true);
}

enum tcpip_error tcpip_endpoint_thaw(struct tcpip_endpoint *endpoint)
{
    return save_freeze(endpoint, false);
}

void tcpip_endpoint_forget(struct tcpip_endpoint *endpoint)
{
    struct tcpip_stack *stack = endpoint->stack;
    ASSERT_ENV(&stack->env, !endpoint->closed_by_user);
    tcpip_stack_enter(stack);
    tcpip__endpoint_detach(endpoint);
    endpoint->ops->abandon(endpoint);
    tcpip_stack_leave(stack);
}

/* `waiting`: it is in the accept queue of the endpoint saved last that isn't. */
static void endpoint_save(struct archive *archive, struct tcpip_endpoint *endpoint, uint64_t tag, bool waiting,
                          bool alone)
{
    struct archive_section section;
    uint8_t transport = endpoint->transport;
    uint32_t network = endpoint->network;
    bool open = !endpoint->closed_by_user;
    tcpip__archive_begin(archive, &section, SAVE_ENDPOINT, 1);
    archive_u8(archive, &transport, UINT8_MAX);
    archive_u32(archive, &network);
    archive_u64(archive, &tag);
    archive_bool(archive, &open);
    archive_bool(archive, &waiting);
    endpoint->ops->save(endpoint, archive, alone);
    tcpip__archive_end(archive, &section);
}

enum tcpip_error tcpip_endpoint_save(struct tcpip_endpoint *endpoint, void *out, size_t size, size_t *bytes)
{
    struct archive archive;
    struct tcpip_stack *stack = endpoint->stack;
    *bytes = 0;
    ASSERT_ENV(&stack->env, !endpoint->closed_by_user);
    if (endpoint->ops->save == NULL)
        return TCPIP_ERR_NOT_SUPPORTED;
    tcpip_stack_enter(stack);
    save_begin(&archive, out, size, tcpip__stack_now(stack));
    endpoint_save(&archive, endpoint, 0, false, true);
    tcpip_stack_leave(stack);
    return save_end(&archive, SAVE_KIND_ENDPOINT, bytes);
}

struct restored_endpoint {
    struct tcpip_endpoint *endpoint;
    uint64_t tag;
};

/* Reads one section; listener: of what waits to be accepted, updated. */
static enum tcpip_error endpoint_restore(struct archive *archive, struct tcpip_stack *stack, bool alone,
                                         struct tcpip_endpoint **listener, struct restored_endpoint *out)
{
    uint8_t transport = 0;
    uint32_t network = 0;
    bool open = false, waiting = false;
    struct restore_how how = {.alone = alone, .listener = NULL};
    archive_u8(archive, &transport, UINT8_MAX);
    archive_u32(archive, &network);
    archive_u64(archive, &out->tag);
    archive_bool(archive, &open);
    archive_bool(archive, &waiting);
    archive_require(archive, !(alone && (waiting || !open)) && !(waiting && *listener == NULL));
    if (!archive_ok(archive))
        return archive->error;
    const struct tcpip_transport_protocol *ops = tcpip__stack_transport(stack, transport);
    if (ops == NULL || ops->restore_endpoint == NULL || tcpip__stack_network(stack, network) == NULL)
        return TCPIP_ERR_NOT_SUPPORTED;
    if (waiting && (*listener)->transport != transport)
        return TCPIP_ERR_MALFORMED_HEADER;
    how.open = open;
    if (waiting)
        how.listener = *listener;
    enum tcpip_error error = ops->restore_endpoint(stack, network, archive, &how, &out->endpoint);
    if (error != TCPIP_OK)
        return error;
    if (!waiting)
        *listener = out->endpoint;
    if (waiting || !open)
        out->endpoint = NULL; /* nobody is told */
    return TCPIP_OK;
}

enum tcpip_error tcpip_endpoint_restore(struct tcpip_stack *stack, const void *data, size_t bytes,
                                        const struct tcpip_restore_options *given, struct tcpip_endpoint **out)
{
    struct tcpip_restore_options options = restore_options_of(given);
    struct restored_endpoint found = {0};
    struct tcpip_endpoint *listener = NULL;
    struct archive_section section;
    struct archive archive;
    *out = NULL;
    tcpip_stack_enter(stack);
    tcpip_ns saved_at = tcpip__stack_now(stack) - max_i64(options.elapsed_ns, 0);
    enum tcpip_error error = restore_begin(&archive, data, bytes, SAVE_KIND_ENDPOINT, saved_at);
    if (error == TCPIP_OK && (!tcpip__archive_next(&archive, &section) || section.tag != SAVE_ENDPOINT))
        error = TCPIP_ERR_MALFORMED_HEADER;
    if (error == TCPIP_OK)
        error = endpoint_restore(&archive, stack, true, &listener, &found);
    tcpip_stack_leave(stack);
    *out = found.endpoint;
    return error;
}

/* ---- a whole stack ---- */

static void stack_archive(struct archive *archive, struct tcpip_stack *stack)
{
    char name[SAVE_CONGESTION_NAME] = {0};
    tcpip_ns clock = archive->now + stack->clock_ahead_ns;
    uint16_t first, last;
    const struct tcpip_congestion_ops *congestion = tcpip__congestion_default(stack);
    tcpip__port_manager_range(stack->ports, &first, &last);
    if (!archive_restoring(archive) && congestion != NULL)
        memcpy(name, congestion->name, min_size(strlen(congestion->name), sizeof(name) - 1));
    archive_i64(archive, &clock);
    archive_u64(archive, &stack->secret.word[0]);
    archive_u64(archive, &stack->secret.word[1]);
    archive_u16(archive, &first);
    archive_u16(archive, &last);
    tcpip__archive_bytes(archive, name, sizeof(name));
    archive_u32(archive, &stack->endpoint_ids);
    if (!archive_restoring(archive))
        return;
    archive_require(archive, clock >= 0 && clock < INT64_MAX / 2 && name[sizeof(name) - 1] == '\0');
    if (!archive_ok(archive))
        return;
    /* In whole milliseconds, upwards: timestamps must not go back. */
    stack->clock_ahead_ns = (clock - archive->now + TCPIP_MS - 1) / TCPIP_MS * TCPIP_MS;
    archive_require(archive, tcpip_port_manager_set_range(stack->ports, first, last) == TCPIP_OK);
    if (tcpip__congestion_find(stack, name) != NULL) /* one that isn't ours is set by who registers it */
        archive_require(archive, tcpip_congestion_set_default(stack, name) == TCPIP_OK);
}

static enum tcpip_error stack_save_endpoints(struct archive *archive, struct tcpip_stack *stack,
                                             const struct tcpip_save_options *options)
{
    list_for_each(node, &stack->endpoints)
    {
        struct tcpip_endpoint *endpoint = container_of(node, struct tcpip_endpoint, all);
        if (endpoint->ops->save == NULL)
            return TCPIP_ERR_NOT_SUPPORTED;
        if (endpoint->ops->waits != NULL && endpoint->ops->waits(endpoint))
            continue;
        uint64_t tag = 0;
        if (options->tag != NULL && !endpoint->closed_by_user) {
            stack_callback_begin(stack);
            tag = options->tag(options->ctx, endpoint);
            stack_callback_end(stack);
        }
        endpoint_save(archive, endpoint, tag, false, false);
        for (struct tcpip_endpoint *waiting = NULL;
             endpoint->ops->next_waiting != NULL && (waiting = endpoint->ops->next_waiting(endpoint, waiting)) != NULL;)
            endpoint_save(archive, waiting, 0, true, false);
    }
    return TCPIP_OK;
}

/* One section, of what `fn` archives. */
static void stack_section(struct archive *archive, struct tcpip_stack *stack, enum save_tag tag,
                          void (*fn)(struct archive *archive, struct tcpip_stack *stack))
{
    struct archive_section section;
    tcpip__archive_begin(archive, &section, (uint16_t)tag, 1);
    fn(archive, stack);
    tcpip__archive_end(archive, &section);
}

static void stats_archive(struct archive *archive, struct tcpip_stack *stack)
{
    tcpip__stats_archive(archive, &stack->stats);
}

enum tcpip_error tcpip_stack_save(struct tcpip_stack *stack, const struct tcpip_save_options *given, void *out,
                                  size_t size, size_t *bytes)
{
    struct tcpip_save_options options = {0};
    struct archive_section section;
    struct archive archive;
    *bytes = 0;
    if (given != NULL)
        memcpy(&options, given, min_size(given->size, sizeof(options)));
    ASSERT_ENV(&stack->env, stack->depth == 0 && stack->in_callback == 0);
    save_begin(&archive, out, size, tcpip_stack_now(stack));
    stack_section(&archive, stack, SAVE_STACK, stack_archive);
    stack_section(&archive, stack, SAVE_DEFAULTS, tcpip__option_defaults_archive);
    list_for_each(node, &stack->nics)
    {
        tcpip__archive_begin(&archive, &section, SAVE_NIC, 1);
        tcpip__nic_save(&archive, container_of(node, struct tcpip_nic, node));
        tcpip__archive_end(&archive, &section);
    }
    stack_section(&archive, stack, SAVE_ROUTES, tcpip__routes_archive);
    stack_section(&archive, stack, SAVE_NEIGHBORS, tcpip__neighbors_archive);
    enum tcpip_error error = stack_save_endpoints(&archive, stack, &options);
    if (error != TCPIP_OK)
        return error;
    for (uint32_t i = 0; i < stack->transport_count; i++) {
        if (stack->transport[i].ops->archive == NULL)
            continue;
        tcpip__archive_begin(&archive, &section, SAVE_TRANSPORT, 1);
        archive_u8(&archive, &stack->transport[i].number, UINT8_MAX);
        stack->transport[i].ops->archive(stack, &archive);
        tcpip__archive_end(&archive, &section);
    }
    stack_section(&archive, stack, SAVE_STATS, stats_archive);
    return save_end(&archive, SAVE_KIND_STACK, bytes);
}

/* ---- and back ---- */

/* What is remembered until all went well. */
struct restoring {
    const struct tcpip_restore_options *options;
    struct restored_endpoint *endpoints;
    uint32_t count, room;
    struct tcpip_endpoint *listener;
};

static void restore_transport(struct archive *archive, struct tcpip_stack *stack)
{
    uint8_t number = 0;
    archive_u8(archive, &number, UINT8_MAX);
    const struct tcpip_transport_protocol *ops = tcpip__stack_transport(stack, number);
    if (ops != NULL && ops->archive != NULL)
        ops->archive(stack, archive);
    else
        tcpip__archive_fail(archive, TCPIP_ERR_NOT_SUPPORTED);
}

static void restore_one(struct archive *archive, struct tcpip_stack *stack, struct restoring *restoring)
{
    struct restored_endpoint found = {0};
    enum tcpip_error error = endpoint_restore(archive, stack, false, &restoring->listener, &found);
    if (error != TCPIP_OK)
        tcpip__archive_fail(archive, error);
    else if (found.endpoint != NULL && restoring->count < restoring->room)
        restoring->endpoints[restoring->count++] = found;
}

/* Each section at its place: the tags don't descend. */
static void restore_sections(struct archive *archive, struct tcpip_stack *stack, struct restoring *restoring)
{
    struct archive_section section;
    uint32_t before = 0;
    bool first = true;
    while (tcpip__archive_next(archive, &section)) {
        uint32_t place = section.tag & ~ARCHIVE_CRITICAL;
        bool many = section.tag == SAVE_NIC || section.tag == SAVE_ENDPOINT || section.tag == SAVE_TRANSPORT;
        archive_require(archive, (many ? place >= before : place > before) && (section.tag == SAVE_STACK) == first);
        before = place;
        first = false;
        if (!archive_ok(archive))
            return;
        switch (section.tag) {
        case SAVE_STACK:
            stack_archive(archive, stack);
            break;
        case SAVE_DEFAULTS:
            tcpip__option_defaults_archive(archive, stack);
            break;
        case SAVE_NIC:
            tcpip__nic_restore(archive, stack, restoring->options);
            break;
        case SAVE_ROUTES:
            tcpip__routes_archive(archive, stack);
            break;
        case SAVE_NEIGHBORS:
            tcpip__neighbors_archive(archive, stack);
            break;
        case SAVE_ENDPOINT:
            restore_one(archive, stack, restoring);
            break;
        case SAVE_TRANSPORT:
            restore_transport(archive, stack);
            break;
        case SAVE_STATS:
            stats_archive(archive, stack);
            break;
        default:
            tcpip__archive_unknown(archive, &section);
            break;
        }
        tcpip__archive_end(archive, &section);
    }
    archive_require(archive, !first);
}

static enum tcpip_error restore_into(struct tcpip_stack *stack, struct archive *archive, struct restoring *restoring)
{
    uint32_t most = (uint32_t)min_size(archive_left(archive) / SAVE_ENDPOINT_MIN, stack->limits.endpoints);
    if (restoring->options->endpoint != NULL && most > 0) {
        restoring->endpoints = tcpip__memory_alloc(&stack->memory, most * sizeof(*restoring->endpoints),
                                                   alignof(struct restored_endpoint));
        if (restoring->endpoints == NULL)
            return TCPIP_ERR_NO_MEMORY;
        restoring->room = most;
    }
    restore_sections(archive, stack, restoring);
    return archive->error;
}

enum tcpip_error tcpip_stack_restore(const struct tcpip_env *env, const struct tcpip_limits *limits,
                                     const struct tcpip_protocols *protocols, const void *data, size_t bytes,
                                     const struct tcpip_restore_options *given, struct tcpip_stack **out)
{
    struct tcpip_restore_options options = restore_options_of(given);
    struct restoring restoring = {.options = &options};
    struct tcpip_stack *stack;
    struct archive archive;
    *out = NULL;
    enum tcpip_error error = restore_begin(&archive, data, bytes, SAVE_KIND_STACK, 0);
    if (error != TCPIP_OK)
        return error;
    error = tcpip_stack_new(env, limits, protocols, &stack);
    if (error != TCPIP_OK)
        return error;
    tcpip_stack_enter(stack);
    archive.now = tcpip__stack_now(stack) - max_i64(options.elapsed_ns, 0);
    error = restore_into(stack, &archive, &restoring);
    stack->ending = error != TCPIP_OK; /* then nothing is said any more */
    tcpip_stack_leave(stack);
    *out = error == TCPIP_OK ? stack : NULL;
    for (uint32_t i = 0; i < restoring.count && error == TCPIP_OK; i++)
        options.endpoint(options.ctx, restoring.endpoints[i].tag, restoring.endpoints[i].endpoint);
    tcpip__memory_free(&stack->memory, restoring.endpoints, restoring.room * sizeof(*restoring.endpoints));
    if (error != TCPIP_OK)
        tcpip_stack_free(stack);
    return error;
}
