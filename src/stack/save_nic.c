// SPDX-License-Identifier: MIT
/* save_nic.c: NICs with their addresses, routes and neighbours, saved and restored.
 *
 * A NIC comes back under its id with a link that the caller gives. Addresses that were assigned are so at once:
 * nobody else took them meanwhile, and a second of duplicate address detection would be a second without them. Groups
 * follow from addresses and endpoints, and are joined anew. A row or a neighbour whose NIC has no link any more goes
 * with it.
 *
 * Owns:       nothing.
 * Not here:   the tables themselves (address.c, route_table.c, neighbor.c). */
#include "stack/save.h"

#include "base/math.h"
#include "stack/neighbor.h"
#include "stack/route_table.h"

enum { NIC_FLAGS_KEPT = TCPIP_ADDRESS_DEPRECATED | TCPIP_ADDRESS_TEMPORARY | TCPIP_ADDRESS_NO_DAD };

/* ---- addresses ---- */

static void address_save(struct archive *archive, const struct nic_address *address)
{
    uint8_t bytes[16], bits = address->prefix_bits;
    uint32_t flags = address->flags;
    memcpy(bytes, address->bytes, sizeof(bytes));
    tcpip__archive_bytes(archive, bytes, sizeof(bytes));
    archive_u8(archive, &bits, 128);
    archive_u32(archive, &flags);
}

static void address_restore(struct archive *archive, struct tcpip_stack *stack, uint32_t nic)
{
    uint8_t bytes[16], bits = 0;
    uint32_t flags = 0;
    tcpip__archive_bytes(archive, bytes, sizeof(bytes));
    archive_u8(archive, &bits, 128);
    archive_u32(archive, &flags);
    if (!archive_ok(archive) || (flags & TCPIP_ADDRESS_DUPLICATE) != 0)
        return;
    bool tentative = (flags & TCPIP_ADDRESS_TENTATIVE) != 0;
    struct tcpip_prefix prefix = {.address = address_public(bytes), .bits = bits};
    struct tcpip_address_properties properties = {.size = sizeof(properties),
                                                  .flags = (flags & NIC_FLAGS_KEPT) |
                                                           (tentative ? 0 : (uint32_t)TCPIP_ADDRESS_NO_DAD)};
    enum tcpip_error error = tcpip_stack_add_address(stack, nic, &prefix, &properties);
    if (error != TCPIP_OK)
        tcpip__archive_fail(archive, error);
}

/* ---- NICs ---- */

void tcpip__nic_save(struct archive *archive, struct tcpip_nic *nic)
{
    tcpip__archive_put(archive, nic->name, sizeof(nic->name));
    archive_u32(archive, &nic->id);
    archive_u32(archive, &nic->mtu);
    archive_bool(archive, &nic->enabled);
    archive_bool(archive, &nic->promiscuous);
    archive_bool(archive, &nic->spoofing);
    tcpip__stats_nic_archive(archive, &nic->stats);
    list_for_each(node, &nic->addresses) address_save(archive, container_of(node, struct nic_address, node));
}

/* The link that the caller gives; NULL: none, or failed. */
static struct tcpip_link *nic_ask_link(struct archive *archive, struct tcpip_stack *stack,
                                       const struct tcpip_restore_options *options, const struct tcpip_saved_nic *saved,
                                       struct tcpip_nic_options *nic_options)
{
    struct tcpip_link *link = NULL;
    if (options->link == NULL || !archive_ok(archive))
        return NULL;
    stack_callback_begin(stack);
    enum tcpip_error error = options->link(options->ctx, saved, &link, nic_options);
    stack_callback_end(stack);
    if (error != TCPIP_OK)
        tcpip__archive_fail(archive, error);
    return archive_ok(archive) ? link : NULL;
}

void tcpip__nic_restore(struct archive *archive, struct tcpip_stack *stack, const struct tcpip_restore_options *options)
{
    struct tcpip_saved_nic saved = {0};
    struct tcpip_stats_nic stats = {0};
    char name[sizeof(((struct tcpip_nic *)NULL)->name)];
    bool enabled = false, promiscuous = false, spoofing = false;
    tcpip__archive_bytes(archive, name, sizeof(name));
    archive_u32(archive, &saved.id);
    archive_u32(archive, &saved.mtu);
    archive_bool(archive, &enabled);
    archive_bool(archive, &promiscuous);
    archive_bool(archive, &spoofing);
    tcpip__stats_nic_archive(archive, &stats);
    archive_require(archive, name[sizeof(name) - 1] == '\0' && saved.id != 0);
    saved.name = name;
    struct tcpip_nic_options nic_options = {.size = sizeof(nic_options)};
    struct tcpip_link *link = nic_ask_link(archive, stack, options, &saved, &nic_options);
    if (link == NULL)
        return;
    nic_options.name = name;
    nic_options.disabled = !enabled;
    enum tcpip_error error = tcpip_stack_create_nic(stack, saved.id, link, &nic_options);
    if (error != TCPIP_OK) {
        tcpip__archive_fail(archive, error);
        return;
    }
    struct tcpip_nic *nic = tcpip__nic_find(stack, saved.id);
    nic->promiscuous = promiscuous;
    nic->spoofing = spoofing;
    nic->stats = stats;
    if (saved.mtu < nic->mtu) /* it was narrowed, or the new link is wider: the path was known to carry this */
        archive_require(archive, tcpip_stack_set_nic_mtu(stack, saved.id, saved.mtu) == TCPIP_OK);
    while (archive_ok(archive) && archive_left(archive) > 0)
        address_restore(archive, stack, saved.id);
}

/* ---- routes ---- */

static void route_fields(struct archive *archive, struct tcpip_route_entry *row)
{
    struct tcpip_address *const addresses[] = {&row->destination.address, &row->gateway};
    for (size_t i = 0; i < array_count(addresses); i++) {
        archive_u8(archive, &addresses[i]->len, 16);
        tcpip__archive_bytes(archive, addresses[i]->bytes, sizeof(addresses[i]->bytes));
    }
    archive_u8(archive, &row->destination.bits, 128);
    archive_u32(archive, &row->nic);
    archive_u32(archive, &row->mtu);
}

void tcpip__routes_archive(struct archive *archive, struct tcpip_stack *stack)
{
    struct tcpip_route_entry row;
    uint8_t order = (uint8_t)tcpip__route_table_order(stack);
    archive_u8(archive, &order, TCPIP_ROUTE_LONGEST_PREFIX);
    if (!archive_restoring(archive)) {
        for (uint32_t i = 0; tcpip__route_table_row(stack, i, &row); i++)
            route_fields(archive, &row);
        return;
    }
    if (archive_ok(archive)) {
        enum tcpip_error error = tcpip_stack_set_route_table(stack, NULL, 0, (enum tcpip_route_order)order);
        if (error != TCPIP_OK)
            tcpip__archive_fail(archive, error);
    }
    while (archive_ok(archive) && archive_left(archive) > 0) {
        memset(&row, 0, sizeof(row));
        route_fields(archive, &row);
        enum tcpip_error error = archive_ok(archive) ? tcpip_stack_add_route(stack, &row) : TCPIP_OK;
        if (error != TCPIP_OK && error != TCPIP_ERR_UNKNOWN_NIC_ID)
            tcpip__archive_fail(archive, error);
    }
}

/* ---- neighbours ---- */

static void neighbor_fields(struct archive *archive, struct tcpip_neighbor *neighbor, uint8_t *address)
{
    bool fixed = neighbor->state == TCPIP_NEIGHBOR_STATIC;
    archive_u32(archive, &neighbor->nic);
    tcpip__archive_bytes(archive, address, 16);
    tcpip__archive_bytes(archive, neighbor->link.bytes, sizeof(neighbor->link.bytes));
    archive_bool(archive, &fixed);
    neighbor->state = fixed ? TCPIP_NEIGHBOR_STATIC : TCPIP_NEIGHBOR_STALE;
}

static void neighbor_restore(struct archive *archive, struct tcpip_stack *stack)
{
    struct tcpip_neighbor read = {0};
    uint8_t address[16];
    neighbor_fields(archive, &read, address);
    read.link.len = sizeof(read.link.bytes);
    struct tcpip_nic *nic = archive_ok(archive) ? tcpip__nic_find(stack, read.nic) : NULL;
    if (nic == NULL || (nic->caps.flags & TCPIP_LINK_RESOLUTION) == 0)
        return;
    read.address = address_public(address);
    if (read.state == TCPIP_NEIGHBOR_STATIC) {
        enum tcpip_error error = tcpip_stack_add_static_neighbor(stack, read.nic, &read.address, &read.link);
        if (error != TCPIP_OK)
            tcpip__archive_fail(archive, error);
    } else if (!address_is_zero(address) && !address_is_multicast(address)) {
        tcpip__neighbor_learn(nic, address, &read.link); /* STALE: used, and asked after */
    }
}

void tcpip__neighbors_archive(struct archive *archive, struct tcpip_stack *stack)
{
    struct tcpip_neighbor neighbor;
    while (archive_restoring(archive) && archive_ok(archive) && archive_left(archive) > 0)
        neighbor_restore(archive, stack);
    for (struct tcpip_neighbor_entry *entry = NULL;
         !archive_restoring(archive) && (entry = tcpip__neighbor_next(stack, entry, &neighbor)) != NULL;) {
        uint8_t address[16];
        address_internal(&neighbor.address, address);
        if (neighbor.link.len == sizeof(neighbor.link.bytes) && neighbor.state != TCPIP_NEIGHBOR_INCOMPLETE &&
            neighbor.state != TCPIP_NEIGHBOR_UNREACHABLE)
            neighbor_fields(archive, &neighbor, address);
    }
}
