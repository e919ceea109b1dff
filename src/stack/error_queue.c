// SPDX-License-Identifier: MIT
/* error_queue.c: what an endpoint is told beside its data (Linux's MSG_ERRQUEUE).
 *
 * Two sources. ICMP errors are queued as they come, with what they quote, for who asked for them (RECEIVE_ERROR). And a
 * write may be marked: then a record says when its last byte was sent, or acknowledged; a copy that nobody wanted is
 * told of by its call then (zero_copy.c). A mark is one number in the stream; sending and acknowledging pass it once
 * each, in order, so the list of marks is looked at from its front only.
 *
 * Most endpoints never have a queue: it is made when the first record or mark is.
 *
 * Owns:        endpoint->errors.
 * Invariants:  marks ascend; those before `unsent` have been sent. bytes is the sum of the records' true sizes.
 * Not here:    which errors are told at all (each protocol), message flags and control messages (the socket layer). */
#include "stack/error_queue.h"
#include "base/archive.h"
#include "base/math.h"
#include "stack/nic.h"

#include <stdalign.h>
#include <string.h>

struct error_entry {
    struct tcpip_list_node node;
    struct tcpip_error_record record;
    uint8_t payload[];
};

struct error_mark {
    struct tcpip_list_node node;
    uint64_t last;
    uint32_t flags;           /* WRITE_STAMPS */
    struct zero_copy *copied; /* the call of which it ends a piece; NULL: none */
};

struct error_queue *tcpip__error_queue_of(struct tcpip_endpoint *endpoint)
{
    if (endpoint->errors == NULL) {
        struct error_queue *queue =
            tcpip__memory_zalloc(&endpoint->stack->memory, sizeof(*queue), alignof(struct error_queue));
        if (queue == NULL)
            return NULL;
        list_init(&queue->entries);
        list_init(&queue->marks);
        tcpip__zero_copy_init(&queue->zero_copy);
        endpoint->errors = queue;
    }
    return endpoint->errors;
}

bool tcpip__error_queue_any(const struct error_queue *queue)
{
    return !list_empty(&queue->entries);
}

/* ---- records ---- */

static size_t entry_bytes(const struct error_entry *entry)
{
    return sizeof(*entry) + entry->record.payload_bytes;
}

static void error_lost(struct tcpip_endpoint *endpoint)
{
    endpoint->stack->stats.stack.error_records_lost++;
}

/* Consecutive calls whose memory came free are told as one: a reader that is slow reads one record for all of them. */
static bool error_merge(struct error_queue *queue, const struct tcpip_error_record *record)
{
    if (record->origin != TCPIP_ERROR_FROM_COPY || list_empty(&queue->entries))
        return false;
    struct error_entry *latest = container_of(list_last(&queue->entries), struct error_entry, node);
    if (latest->record.origin != record->origin || latest->record.copied != record->copied ||
        latest->record.last + 1 != record->first)
        return false;
    latest->record.last = record->last;
    latest->record.at = record->at;
    return true;
}

void tcpip__error_queue_push(struct tcpip_endpoint *endpoint, const struct tcpip_error_record *record,
                             const void *payload, size_t payload_bytes)
{
    if (endpoint->closed_by_user)
        return;
    struct error_queue *queue = tcpip__error_queue_of(endpoint);
    if (queue == NULL) {
        error_lost(endpoint);
        return;
    }
    if (!error_merge(queue, record)) {
        size_t bytes = sizeof(struct error_entry) + payload_bytes;
        struct error_entry *entry = NULL;
        if (queue->bytes + bytes <= ERROR_QUEUE_BYTES_MAX)
            entry = tcpip__memory_alloc(&endpoint->stack->memory, bytes, alignof(struct error_entry));
        if (entry == NULL) {
            error_lost(endpoint);
            return;
        }
        list_node_init(&entry->node);
        entry->record = *record;
        entry->record.payload_bytes = payload_bytes;
        if (payload_bytes > 0)
            memcpy(entry->payload, payload, payload_bytes);
        list_push_back(&queue->entries, &entry->node);
        queue->bytes += bytes;
    }
    endpoint_notify(endpoint, TCPIP_EVENT_ERR);
}

void tcpip__error_queue_push_icmp(struct tcpip_endpoint *endpoint, const struct tcpip_icmp_error *icmp,
                                  enum tcpip_error error, uint16_t remote_port, uint32_t skip)
{
    bool v4 = address_is_v4(icmp->remote);
    struct tcpip_error_record record = {
        .origin = v4 ? TCPIP_ERROR_FROM_ICMP : TCPIP_ERROR_FROM_ICMPV6,
        .error = error,
        .type = icmp->type,
        .code = icmp->code,
        .info = icmp->kind == TCPIP_ICMP_PACKET_TOO_BIG || !v4 ? icmp->value : 0,
        .at = tcpip__stack_now(endpoint->stack),
    };
    record.remote.address = address_public(icmp->remote);
    record.remote.port = remote_port;
    record.remote.nic = icmp->nic;
    record.offender.address = address_public(icmp->offender);
    record.offender.nic = icmp->nic;
    uint32_t bytes = sat_sub_u32(icmp->quote_bytes, skip);
    tcpip__error_queue_push(endpoint, &record, icmp->quote + min_u32(skip, icmp->quote_bytes), bytes);
}

static bool error_is_pending_one(const struct tcpip_error_record *record)
{
    return record->origin <= TCPIP_ERROR_FROM_HERE;
}

static void error_entry_free(struct tcpip_endpoint *endpoint, struct error_entry *entry)
{
    endpoint->errors->bytes -= entry_bytes(entry);
    tcpip__memory_free(&endpoint->stack->memory, entry, entry_bytes(entry));
}

void tcpip__error_queue_forget_errors(struct tcpip_endpoint *endpoint)
{
    struct tcpip_list_node *node, *next;
    if (endpoint->errors == NULL)
        return;
    for (node = list_first(&endpoint->errors->entries); node != NULL; node = next) {
        struct error_entry *entry = container_of(node, struct error_entry, node);
        next = list_next(&endpoint->errors->entries, node);
        if (!error_is_pending_one(&entry->record))
            continue;
        list_remove(node);
        error_entry_free(endpoint, entry);
    }
}

/* The ERROR option follows the queue, as on Linux. */
static void error_follow(struct tcpip_endpoint *endpoint)
{
    const struct list *entries = &endpoint->errors->entries;
    enum tcpip_error error = TCPIP_OK;
    for (struct tcpip_list_node *node = list_first(entries); node != NULL; node = list_next(entries, node)) {
        const struct error_entry *entry = container_of(node, struct error_entry, node);
        if (error_is_pending_one(&entry->record)) {
            error = entry->record.error;
            break;
        }
    }
    if (endpoint->ops->set_error != NULL)
        endpoint->ops->set_error(endpoint, error);
}

enum tcpip_error tcpip_endpoint_read_error(struct tcpip_endpoint *endpoint, struct tcpip_error_record *out,
                                           void *payload, size_t size)
{
    struct error_queue *queue = endpoint->errors;
    ASSERT_ENV(&endpoint->stack->env, !endpoint->closed_by_user);
    if (queue == NULL || list_empty(&queue->entries))
        return TCPIP_ERR_WOULD_BLOCK;
    struct error_entry *entry = container_of(list_pop_front(&queue->entries), struct error_entry, node);
    *out = entry->record;
    size_t part = min_size(size, entry->record.payload_bytes);
    if (part > 0)
        memcpy(payload, entry->payload, part);
    error_entry_free(endpoint, entry);
    if (error_is_pending_one(out))
        error_follow(endpoint);
    return TCPIP_OK;
}

/* ---- marks ---- */

static void mark_tell(struct tcpip_endpoint *endpoint, const struct error_mark *mark, enum tcpip_error_origin origin)
{
    struct tcpip_error_record record = {
        .origin = origin, .first = mark->last, .last = mark->last, .at = tcpip__stack_now(endpoint->stack)};
    tcpip__error_queue_push(endpoint, &record, NULL, 0);
}

static void mark_free(struct tcpip_endpoint *endpoint, struct error_mark *mark)
{
    struct error_queue *queue = endpoint->errors;
    if (queue->unsent == mark) {
        struct tcpip_list_node *next = list_next(&queue->marks, &mark->node);
        queue->unsent = next != NULL ? container_of(next, struct error_mark, node) : NULL;
    }
    list_remove(&mark->node);
    queue->mark_count--;
    if (mark->copied != NULL)
        tcpip__zero_copy_unref(mark->copied);
    tcpip__memory_free(&endpoint->stack->memory, mark, sizeof(*mark));
}

void tcpip__error_queue_mark(struct tcpip_endpoint *endpoint, uint64_t last, uint32_t flags, struct zero_copy *copied)
{
    struct error_queue *queue = tcpip__error_queue_of(endpoint);
    struct error_mark *mark = NULL;
    if (queue != NULL && queue->mark_count < ERROR_QUEUE_MARKS_MAX)
        mark = tcpip__memory_zalloc(&endpoint->stack->memory, sizeof(*mark), alignof(struct error_mark));
    if (mark == NULL) {
        /* Stamps are lost. That the caller's memory is free isn't, though told before it is acknowledged: it was
         * copied.
         */
        if ((flags & WRITE_STAMPS) != 0)
            error_lost(endpoint);
        return;
    }
    mark->last = last;
    mark->flags = flags & WRITE_STAMPS;
    mark->copied = copied;
    if (copied != NULL)
        copied->refs++;
    list_push_back(&queue->marks, &mark->node);
    queue->mark_count++;
    if (queue->unsent == NULL)
        queue->unsent = mark;
}

void tcpip__error_queue_sent(struct tcpip_endpoint *endpoint, uint64_t end)
{
    struct error_queue *queue = endpoint->errors;
    if (likely(queue == NULL))
        return;
    while (queue->unsent != NULL && queue->unsent->last < end) {
        struct error_mark *mark = queue->unsent;
        struct tcpip_list_node *next = list_next(&queue->marks, &mark->node);
        queue->unsent = next != NULL ? container_of(next, struct error_mark, node) : NULL;
        if ((mark->flags & TCPIP_WRITE_STAMP_SCHEDULED) != 0)
            mark_tell(endpoint, mark, TCPIP_ERROR_FROM_SCHEDULING);
        if ((mark->flags & TCPIP_WRITE_STAMP_SENT) != 0)
            mark_tell(endpoint, mark, TCPIP_ERROR_FROM_SENDING);
    }
}

void tcpip__error_queue_acked(struct tcpip_endpoint *endpoint, uint64_t end)
{
    struct error_queue *queue = endpoint->errors;
    if (likely(queue == NULL))
        return;
    for (struct tcpip_list_node *node; (node = list_first(&queue->marks)) != NULL;) {
        struct error_mark *mark = container_of(node, struct error_mark, node);
        if (mark->last >= end)
            return;
        if ((mark->flags & TCPIP_WRITE_STAMP_ACKED) != 0)
            mark_tell(endpoint, mark, TCPIP_ERROR_FROM_ACKNOWLEDGMENT);
        mark_free(endpoint, mark);
    }
}

void tcpip__error_queue_end(struct tcpip_endpoint *endpoint)
{
    struct error_queue *queue = endpoint->errors;
    if (queue == NULL)
        return;
    for (struct tcpip_list_node *node; (node = list_first(&queue->marks)) != NULL;)
        mark_free(endpoint, container_of(node, struct error_mark, node));
}

void tcpip__error_queue_free(struct tcpip_endpoint *endpoint)
{
    struct error_queue *queue = endpoint->errors;
    struct memory *memory = &endpoint->stack->memory;
    if (queue == NULL)
        return;
    tcpip__zero_copy_forget(&queue->zero_copy);
    for (struct tcpip_list_node *node; (node = list_first(&queue->marks)) != NULL;)
        mark_free(endpoint, container_of(node, struct error_mark, node));
    for (struct tcpip_list_node *node; (node = list_pop_front(&queue->entries)) != NULL;)
        error_entry_free(endpoint, container_of(node, struct error_entry, node));
    tcpip__memory_free(memory, queue, sizeof(*queue));
    endpoint->errors = NULL;
}

/* ---- saved and restored ---- */

static void error_address_archive(struct archive *archive, struct tcpip_full_address *address)
{
    uint8_t bytes[16];
    bool some = address->address.len != 0;
    address_internal(&address->address, bytes);
    archive_bool(archive, &some);
    tcpip__archive_bytes(archive, bytes, sizeof(bytes));
    archive_u16(archive, &address->port);
    archive_u32(archive, &address->nic);
    if (archive_restoring(archive) && some)
        address->address = address_public(bytes);
}

static void error_record_archive(struct archive *archive, struct tcpip_error_record *record)
{
    uint8_t origin = (uint8_t)record->origin, error = (uint8_t)record->error;
    uint32_t bytes = (uint32_t)record->payload_bytes;
    archive_u8(archive, &origin, TCPIP_ERROR_FROM_COPY);
    archive_u8(archive, &error, TCPIP_ERROR_COUNT - 1);
    archive_u8(archive, &record->type, UINT8_MAX);
    archive_u8(archive, &record->code, UINT8_MAX);
    archive_u32(archive, &record->info);
    archive_u64(archive, &record->first);
    archive_u64(archive, &record->last);
    tcpip__archive_instant(archive, &record->at);
    archive_bool(archive, &record->copied);
    error_address_archive(archive, &record->remote);
    error_address_archive(archive, &record->offender);
    archive_u32(archive, &bytes);
    record->origin = (enum tcpip_error_origin)origin;
    record->error = (enum tcpip_error)error;
    record->payload_bytes = bytes;
}

static void error_mark_archive(struct archive *archive, struct error_mark *mark, bool *sent)
{
    archive_u64(archive, &mark->last);
    archive_u32(archive, &mark->flags);
    archive_bool(archive, sent);
}

/* Calls whose memory was the writer's: what is restored has copies, so they are over. */
static void error_calls_save(struct archive *archive, struct error_queue *queue)
{
    uint32_t counted = 0;
    archive_u32(archive, &queue->zero_copy.next_id);
    list_for_each(node, &queue->zero_copy.list) counted += container_of(node, struct zero_copy, node)->counted;
    archive_u32(archive, &counted);
    list_for_each(node, &queue->zero_copy.list)
    {
        struct zero_copy *call = container_of(node, struct zero_copy, node);
        if (!call->counted)
            continue;
        archive_u32(archive, &call->first);
        archive_u32(archive, &call->last);
    }
}

static void error_calls_restore(struct archive *archive, struct tcpip_endpoint *endpoint, struct error_queue *queue)
{
    uint32_t counted = 0, next_id = 0, first = 0, last = 0;
    archive_u32(archive, &next_id);
    archive_u32(archive, &counted);
    while (archive_ok(archive) && counted-- > 0) {
        archive_u32(archive, &first);
        archive_u32(archive, &last);
        struct tcpip_error_record record = {
            .origin = TCPIP_ERROR_FROM_COPY, .first = first, .last = last, .copied = true, .at = archive->now};
        if (archive_ok(archive))
            tcpip__error_queue_push(endpoint, &record, NULL, 0);
    }
    if (archive_ok(archive))
        queue->zero_copy.next_id = next_id;
}

static void error_queue_save(struct archive *archive, struct error_queue *queue)
{
    bool sent = true;
    archive_u32(archive, &queue->mark_count);
    list_for_each(node, &queue->marks)
    {
        struct error_mark *mark = container_of(node, struct error_mark, node);
        sent = sent && mark != queue->unsent;
        error_mark_archive(archive, mark, &sent);
    }
    uint32_t entries = 0;
    list_for_each(node, &queue->entries) entries++;
    archive_u32(archive, &entries);
    list_for_each(node, &queue->entries)
    {
        struct error_entry *entry = container_of(node, struct error_entry, node);
        error_record_archive(archive, &entry->record);
        tcpip__archive_put(archive, entry->payload, entry->record.payload_bytes);
    }
    error_calls_save(archive, queue);
}

static void error_mark_restore(struct archive *archive, struct tcpip_endpoint *endpoint, struct error_queue *queue)
{
    struct error_mark read = {0};
    bool sent = false;
    error_mark_archive(archive, &read, &sent);
    if (!archive_ok(archive))
        return;
    struct error_mark *mark = tcpip__memory_zalloc(&endpoint->stack->memory, sizeof(*mark), alignof(struct error_mark));
    if (mark == NULL) {
        tcpip__archive_fail(archive, TCPIP_ERR_NO_MEMORY);
        return;
    }
    *mark = read;
    mark->flags &= WRITE_STAMPS;
    list_push_back(&queue->marks, &mark->node);
    queue->mark_count++;
    if (queue->unsent == NULL && !sent)
        queue->unsent = mark;
}

void tcpip__error_queue_archive(struct archive *archive, struct tcpip_endpoint *endpoint)
{
    if (!archive_restoring(archive)) {
        error_queue_save(archive, endpoint->errors);
        return;
    }
    struct error_queue *queue = tcpip__error_queue_of(endpoint);
    uint32_t marks = 0, entries = 0;
    archive_u32(archive, &marks);
    archive_require(archive, marks <= ERROR_QUEUE_MARKS_MAX);
    if (queue == NULL)
        tcpip__archive_fail(archive, TCPIP_ERR_NO_MEMORY);
    while (archive_ok(archive) && marks-- > 0)
        error_mark_restore(archive, endpoint, queue);
    archive_u32(archive, &entries);
    while (archive_ok(archive) && entries-- > 0) {
        struct tcpip_error_record record = {0};
        error_record_archive(archive, &record);
        const uint8_t *payload = tcpip__archive_take(archive, record.payload_bytes);
        if (payload != NULL)
            tcpip__error_queue_push(endpoint, &record, payload, record.payload_bytes);
    }
    error_calls_restore(archive, endpoint, queue);
}
