// SPDX-License-Identifier: MIT
/* route_table.c: rows, and the index that finds one of ten thousand.
 *
 * Rows of the same prefix form a chain, in their order; chains are found by hash of (prefix, bits, family). A lookup
 * masks the destination to one prefix length after the other, of those lengths that occur in its family, and probes:
 *
 *   longest prefix   lengths descending; the first chain with a row that can be used wins
 *   first match      the least row of all chains met. Lengths ascend by the least row number that has them: once what
 *                    is found lies before all rows of the lengths that follow, it is the answer
 *
 * So a lookup costs a probe per length (a table of a host has two or three), not a comparison per row, and both orders
 * share one index. The table is built anew, aside, and then put in the place of the old one: a bad row leaves all as it
 * was. Adding a row extends it in place; it grows by doubling.
 *
 * A row is passed over while its NIC is disabled or down. When the caller has a local address, rows through a NIC that
 * has it are preferred: by the first-match rule before all others (the original package matched rows so), by the
 * longest-prefix rule among rows of the same prefix.
 *
 * Owns:       stack->routes.
 * Invariants: rows[0..count) are in the user's order; every row with a family is in exactly one chain; chains ascend.
 * Not here:   sources, neighbours, kinds of destinations (route.c). */
#include "stack/route_table.h"

#include "base/math.h"

#define ROUTE_ROW_NONE UINT32_MAX

enum {
    ROUTE_ROWS_MIN = 8,
    ROUTE_LENGTHS_MAX = 129, /* 0 to 128 bits */
    ROUTE_MTU_MIN_V4 = 68,   /* RFC 791 3.2 */
    ROUTE_MTU_MIN_V6 = 1280, /* RFC 8200 5 */
};

/* The prefix lengths of one family, in the order of search. */
struct route_lengths {
    uint32_t count;
    struct route_length {
        uint32_t first_row; /* the least row of this length */
        uint8_t bits;
    } items[ROUTE_LENGTHS_MAX];
    bool has[ROUTE_LENGTHS_MAX];
};

struct route_table {
    struct memory *memory;
    struct hash_key key;
    enum tcpip_route_order order;
    uint32_t count, capacity;
    struct route_row *rows;
    uint32_t *buckets;               /* 2 * capacity (a power of two): the first row of the first chain */
    struct route_lengths lengths[2]; /* IPv4, IPv6 */
};

/* ---- the index ---- */

static uint32_t *route_bucket(const struct route_table *table, const uint8_t *prefix, uint8_t bits,
                              uint8_t address_bytes)
{
    uint8_t key[18];
    memcpy(key, prefix, 16);
    key[16] = bits;
    key[17] = address_bytes;
    uint32_t hash = (uint32_t)tcpip__hash_bytes(&table->key, key, sizeof(key));
    return &table->buckets[hash & (2 * table->capacity - 1)];
}

static uint32_t route_chain(const struct route_table *table, const uint8_t *prefix, uint8_t bits, uint8_t address_bytes)
{
    uint32_t i = *route_bucket(table, prefix, bits, address_bytes);
    while (i != ROUTE_ROW_NONE) {
        const struct route_row *row = &table->rows[i];
        if (row->bits == bits && row->address_bytes == address_bytes && address_equal(row->prefix, prefix))
            break;
        i = row->next_head;
    }
    return i;
}

static void route_length_note(struct route_table *table, const struct route_row *row, uint32_t index)
{
    struct route_lengths *lengths = &table->lengths[row->address_bytes == 16];
    if (lengths->has[row->bits])
        return;
    lengths->has[row->bits] = true;
    /* Rows are noted in ascending order, so that by first match a new length belongs at the end. */
    uint32_t at = lengths->count++;
    while (table->order == TCPIP_ROUTE_LONGEST_PREFIX && at > 0 && lengths->items[at - 1].bits < row->bits) {
        lengths->items[at] = lengths->items[at - 1];
        at--;
    }
    lengths->items[at] = (struct route_length){index, row->bits};
}

/* Enters the last row of those entered so far. */
static void route_index(struct route_table *table, uint32_t index)
{
    struct route_row *row = &table->rows[index];
    row->next_head = row->next_same = ROUTE_ROW_NONE;
    row->last_same = index;
    if (row->address_bytes == 0)
        return;
    uint32_t head = route_chain(table, row->prefix, row->bits, row->address_bytes);
    if (head != ROUTE_ROW_NONE) {
        table->rows[table->rows[head].last_same].next_same = index;
        table->rows[head].last_same = index;
        return;
    }
    uint32_t *bucket = route_bucket(table, row->prefix, row->bits, row->address_bytes);
    row->next_head = *bucket;
    *bucket = index;
    route_length_note(table, row, index);
}

static void route_reindex(struct route_table *table)
{
    memset(table->lengths, 0, sizeof(table->lengths));
    for (uint32_t i = 0; i < 2 * table->capacity; i++)
        table->buckets[i] = ROUTE_ROW_NONE;
    for (uint32_t i = 0; i < table->count; i++)
        route_index(table, i);
}

/* ---- tables ---- */

static void route_table_destroy(struct route_table *table)
{
    struct memory *memory = table->memory;
    tcpip__memory_free(memory, table->rows, table->capacity * sizeof(*table->rows));
    tcpip__memory_free(memory, table->buckets, 2 * (size_t)table->capacity * sizeof(*table->buckets));
    tcpip__memory_free(memory, table, sizeof(*table));
}

/* An empty table with room for `rows`; NULL: out of memory. */
static struct route_table *route_table_create(struct tcpip_stack *stack, uint32_t rows, enum tcpip_route_order order)
{
    struct memory *memory = &stack->memory;
    struct route_table *table = tcpip__memory_zalloc(memory, sizeof(*table), _Alignof(struct route_table));
    if (table == NULL)
        return NULL;
    table->memory = memory;
    table->key = tcpip__hash_key_random(&stack->rng);
    table->order = order;
    table->capacity = (uint32_t)round_up_power_of_two(max_u32(rows, ROUTE_ROWS_MIN));
    table->rows = tcpip__memory_alloc(memory, table->capacity * sizeof(*table->rows), _Alignof(struct route_row));
    table->buckets =
        tcpip__memory_alloc(memory, 2 * (size_t)table->capacity * sizeof(*table->buckets), _Alignof(uint32_t));
    if (table->rows == NULL || table->buckets == NULL) {
        route_table_destroy(table);
        return NULL;
    }
    route_reindex(table);
    return table;
}

static void route_table_replace(struct tcpip_stack *stack, struct route_table *table)
{
    if (stack->routes != NULL)
        route_table_destroy(stack->routes);
    stack->routes = table;
    stack->route_generation++;
}

enum tcpip_error tcpip__route_table_new(struct tcpip_stack *stack)
{
    stack->routes = route_table_create(stack, 0, TCPIP_ROUTE_FIRST_MATCH);
    return stack->routes != NULL ? TCPIP_OK : TCPIP_ERR_NO_MEMORY;
}

void tcpip__route_table_free(struct tcpip_stack *stack)
{
    if (stack->routes != NULL)
        route_table_destroy(stack->routes);
    stack->routes = NULL;
}

/* A row as a user wrote it, checked and in our form. */
static enum tcpip_error route_row_make(const struct tcpip_stack *stack, const struct tcpip_route_entry *entry,
                                       struct route_row *row)
{
    const struct tcpip_address *destination = &entry->destination.address, *gateway = &entry->gateway;
    uint8_t length = destination->len;
    memset(row, 0, sizeof(*row));
    row->nic = tcpip__nic_find(stack, entry->nic);
    if (row->nic == NULL)
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    if ((length != 0 && length != 4 && length != 16) || entry->destination.bits > length * 8)
        return TCPIP_ERR_INVALID_ARGUMENT;
    if (entry->mtu != 0 && entry->mtu < (length == 16 ? ROUTE_MTU_MIN_V6 : ROUTE_MTU_MIN_V4))
        return TCPIP_ERR_INVALID_ARGUMENT;
    address_internal(gateway, row->gateway);
    if (gateway->len != 0 && (gateway->len != length || address_is_multicast(row->gateway)))
        return TCPIP_ERR_INVALID_ARGUMENT;
    row->has_gateway = gateway->len != 0 && !address_is_zero(row->gateway); /* 0.0.0.0: "none", as everybody writes */
    row->mtu = entry->mtu;
    row->advmss = entry->advmss;
    row->bits = entry->destination.bits;
    row->address_bytes = length;
    address_internal(destination, row->prefix);
    for (uint32_t bit = 128u - length * 8u + row->bits; length != 0 && bit < 128; bit++)
        row->prefix[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
    return TCPIP_OK;
}

static enum tcpip_error route_append(struct tcpip_stack *stack, const struct tcpip_route_entry *entry)
{
    struct route_table *table = stack->routes;
    struct route_row row;
    if (table->count >= stack->limits.routes)
        return TCPIP_ERR_LIMIT_REACHED;
    enum tcpip_error error = route_row_make(stack, entry, &row);
    if (error != TCPIP_OK)
        return error;
    if (table->count == table->capacity) {
        struct route_table *larger = route_table_create(stack, table->count + 1, table->order);
        if (larger == NULL)
            return TCPIP_ERR_NO_MEMORY;
        memcpy(larger->rows, table->rows, table->count * sizeof(*table->rows));
        larger->count = table->count;
        route_reindex(larger);
        route_table_replace(stack, larger);
        table = larger;
    }
    table->rows[table->count] = row;
    route_index(table, table->count++);
    stack->route_generation++;
    return TCPIP_OK;
}

/* Takes out rows through `nic`, or equal to `like`; returns how many. */
static uint32_t route_sweep(struct tcpip_stack *stack, const struct tcpip_nic *nic, const struct route_row *like)
{
    struct route_table *table = stack->routes;
    uint32_t kept = 0, count = table->count;
    for (uint32_t i = 0; i < count; i++) {
        const struct route_row *row = &table->rows[i];
        bool gone = like == NULL
                        ? row->nic == nic
                        : row->nic == like->nic && row->mtu == like->mtu && row->advmss == like->advmss &&
                              row->bits == like->bits && row->address_bytes == like->address_bytes &&
                              row->has_gateway == like->has_gateway && address_equal(row->prefix, like->prefix) &&
                              address_equal(row->gateway, like->gateway);
        if (!gone)
            table->rows[kept++] = *row;
    }
    table->count = kept;
    if (kept != count) {
        route_reindex(table);
        stack->route_generation++;
    }
    return count - kept;
}

void tcpip__route_table_nic_removed(struct tcpip_stack *stack, const struct tcpip_nic *nic)
{
    (void)route_sweep(stack, nic, NULL);
}

bool tcpip__route_table_remove(struct tcpip_stack *stack, const struct tcpip_route_entry *entry)
{
    struct route_row row;
    return route_row_make(stack, entry, &row) == TCPIP_OK && route_sweep(stack, NULL, &row) != 0;
}

/* ---- lookup ---- */

/* The first row of a chain that can be used; ROUTE_ROW_NONE: none. */
static uint32_t route_first_usable(const struct tcpip_stack *stack, uint32_t chain, const struct route_query *query,
                                   bool has_local)
{
    const struct route_table *table = stack->routes;
    for (uint32_t i = chain; i != ROUTE_ROW_NONE; i = table->rows[i].next_same) {
        const struct tcpip_nic *nic = table->rows[i].nic;
        if ((query->nic == NULL || nic == query->nic) && nic_usable(nic) &&
            (!has_local || tcpip__address_find(stack, nic, query->local) != NULL))
            return i;
    }
    return ROUTE_ROW_NONE;
}

/* The chain of the rows whose prefix is the leading `bits` bits of the destination. */
static uint32_t route_chain_of(const struct route_table *table, const uint8_t *remote, bool v4, uint8_t bits)
{
    uint8_t prefix[16] = {0};
    uint32_t kept = v4 ? 96u + bits : bits;
    memcpy(prefix, remote, (kept + 7) / 8);
    if (kept % 8 != 0)
        prefix[kept / 8] &= (uint8_t)(0xff00u >> (kept % 8));
    return route_chain(table, prefix, bits, v4 ? 4 : 16);
}

static uint32_t route_longest(const struct tcpip_stack *stack, const struct route_query *query)
{
    const struct route_table *table = stack->routes;
    bool v4 = address_is_v4(query->remote);
    const struct route_lengths *lengths = &table->lengths[!v4];
    for (uint32_t i = 0; i < lengths->count; i++) {
        uint32_t chain = route_chain_of(table, query->remote, v4, lengths->items[i].bits);
        uint32_t found = query->local != NULL ? route_first_usable(stack, chain, query, true) : ROUTE_ROW_NONE;
        if (found == ROUTE_ROW_NONE)
            found = route_first_usable(stack, chain, query, false);
        if (found != ROUTE_ROW_NONE)
            return found;
    }
    return ROUTE_ROW_NONE;
}

static uint32_t route_first(const struct tcpip_stack *stack, const struct route_query *query, bool has_local)
{
    const struct route_table *table = stack->routes;
    bool v4 = address_is_v4(query->remote);
    const struct route_lengths *lengths = &table->lengths[!v4];
    uint32_t best = ROUTE_ROW_NONE;
    for (uint32_t i = 0; i < lengths->count && lengths->items[i].first_row < best; i++) {
        uint32_t chain = route_chain_of(table, query->remote, v4, lengths->items[i].bits);
        best = min_u32(best, route_first_usable(stack, chain, query, has_local));
    }
    return best;
}

const struct route_row *tcpip__route_lookup(const struct tcpip_stack *stack, const struct route_query *query)
{
    uint32_t found = ROUTE_ROW_NONE;
    if (stack->routes->order == TCPIP_ROUTE_LONGEST_PREFIX) {
        found = route_longest(stack, query);
    } else {
        if (query->local != NULL)
            found = route_first(stack, query, true);
        if (found == ROUTE_ROW_NONE)
            found = route_first(stack, query, false);
    }
    return found == ROUTE_ROW_NONE ? NULL : &stack->routes->rows[found];
}

bool tcpip__route_table_row(const struct tcpip_stack *stack, uint32_t i, struct tcpip_route_entry *out)
{
    if (i >= stack->routes->count)
        return false;
    const struct route_row *row = &stack->routes->rows[i];
    *out = (struct tcpip_route_entry){.nic = row->nic->id, .mtu = row->mtu};
    out->destination.bits = row->bits;
    if (row->address_bytes != 0)
        out->destination.address = address_public(row->prefix);
    if (row->has_gateway)
        out->gateway = address_public(row->gateway);
    return true;
}

enum tcpip_route_order tcpip__route_table_order(const struct tcpip_stack *stack)
{
    return stack->routes->order;
}

/* ---- public ---- */

static enum tcpip_error route_table_set(struct tcpip_stack *stack, const struct tcpip_route_entry *rows, size_t n,
                                        enum tcpip_route_order order)
{
    if (order != TCPIP_ROUTE_FIRST_MATCH && order != TCPIP_ROUTE_LONGEST_PREFIX)
        return TCPIP_ERR_INVALID_ARGUMENT;
    if (n > stack->limits.routes)
        return TCPIP_ERR_LIMIT_REACHED;
    struct route_table *table = route_table_create(stack, (uint32_t)n, order);
    if (table == NULL)
        return TCPIP_ERR_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        enum tcpip_error error = route_row_make(stack, &rows[i], &table->rows[i]);
        if (error != TCPIP_OK) {
            route_table_destroy(table);
            return error;
        }
    }
    table->count = (uint32_t)n;
    route_reindex(table);
    route_table_replace(stack, table);
    return TCPIP_OK;
}

enum tcpip_error tcpip_stack_set_route_table(struct tcpip_stack *stack, const struct tcpip_route_entry *rows, size_t n,
                                             enum tcpip_route_order order)
{
    tcpip_stack_enter(stack);
    enum tcpip_error error = route_table_set(stack, rows, n, order);
    tcpip_stack_leave(stack);
    return error;
}

enum tcpip_error tcpip_stack_add_route(struct tcpip_stack *stack, const struct tcpip_route_entry *row)
{
    tcpip_stack_enter(stack);
    enum tcpip_error error = route_append(stack, row);
    tcpip_stack_leave(stack);
    return error;
}
