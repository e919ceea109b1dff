// SPDX-License-Identifier: MIT
/* address.c: which addresses are ours: assigned to NICs, broadcast of their prefixes, groups joined.
 *
 * Every inbound packet asks whether its destination is ours, so the answer is a probe of a stack-wide table, after a
 * look at the last answer. An address is in that table once per NIC that has it (link-local ones may be on several), a
 * directed broadcast address once per NIC, a group once per NIC under a key that includes the NIC (everybody is in
 * ff02::1). The lists of a NIC keep the order of assignment: the first of a family is its primary.
 *
 * The stack is a weak host (RFC 1122 3.3.4.2): an address of one NIC is ours at every other one too, for a machine that
 * routes to itself and for asymmetric paths. Link-local addresses mean something on their link only, and 127/8 and ::1
 * never arrive from a wire, so those are ours on their own NIC alone. On a loopback link an IPv4 prefix is ours as a
 * whole, as everybody expects of 127/8; such prefixes are on a short list of their own.
 *
 * The network protocols hear of addresses and groups only while the NIC is up; they run DAD, send gratuitous ARP, IGMP
 * and MLD. An IPv6 unicast address starts tentative on a link with link addresses, unless told not to (RFC 4862 5.4);
 * on point-to-point and loopback links nobody could answer.
 *
 * Owns:       the address table, nic->addresses, nic->groups.
 * Invariants: every nic_address is on its NIC's list and in the table; of the addresses of one NIC with the same
 *             broadcast exactly one is in the table of broadcasts; a group has members.
 * Not here:   which source to use (address_select.c), DAD, IGMP, MLD (network/). */
#include "base/math.h"
#include "stack/nic.h"

enum { BROADCAST_BITS_MAX = 30 }; /* RFC 3021: longer prefixes have no room for a broadcast address */

struct address_table {
    struct hash_table addresses;  /* nic_address.hash */
    struct hash_table broadcasts; /* nic_address.broadcast_hash */
    struct hash_table groups;     /* nic_group.hash */
    struct list subnets;          /* nic_address.subnet_node */
    struct {                      /* the last unicast destination that was ours */
        const struct tcpip_nic *nic;
        uint32_t generation;
        uint8_t bytes[16];
    } last, stranger; /* and the last source that was somebody else's */
};

struct group_key {
    uint8_t bytes[16];
    uint32_t nic;
};

static const uint8_t all_hosts_v4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 224, 0, 0, 1};
static const uint8_t all_nodes_v6[16] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

/* ---- the tables ---- */

static uint32_t address_hash(const struct hash_key *key, const struct hash_node *node)
{
    return tcpip__hash_bytes(key, hash_entry(node, struct nic_address, hash)->bytes, 16);
}

static uint32_t broadcast_hash(const struct hash_key *key, const struct hash_node *node)
{
    return tcpip__hash_bytes(key, hash_entry(node, struct nic_address, broadcast_hash)->broadcast, 16);
}

static uint32_t group_key_hash(const struct hash_key *key, const struct tcpip_nic *nic, const uint8_t *group)
{
    struct group_key k = {{0}, nic->id};
    memcpy(k.bytes, group, 16);
    return tcpip__hash_bytes(key, &k, sizeof(k));
}

static uint32_t group_hash(const struct hash_key *key, const struct hash_node *node)
{
    const struct nic_group *group = hash_entry(node, struct nic_group, hash);
    return group_key_hash(key, group->nic, group->bytes);
}

static const struct hash_table_ops address_hash_ops = {address_hash};
static const struct hash_table_ops broadcast_hash_ops = {broadcast_hash};
static const struct hash_table_ops group_hash_ops = {group_hash};

enum tcpip_error tcpip__address_table_new(struct tcpip_stack *stack)
{
    struct memory *memory = &stack->memory;
    struct address_table *table = tcpip__memory_zalloc(memory, sizeof(*table), _Alignof(struct address_table));
    if (table == NULL)
        return TCPIP_ERR_NO_MEMORY;
    list_init(&table->subnets);
    if (!tcpip__hash_table_init(&table->addresses, memory, &address_hash_ops, rng_u64(&stack->rng)))
        goto no_addresses;
    if (!tcpip__hash_table_init(&table->broadcasts, memory, &broadcast_hash_ops, rng_u64(&stack->rng)))
        goto no_broadcasts;
    if (!tcpip__hash_table_init(&table->groups, memory, &group_hash_ops, rng_u64(&stack->rng)))
        goto no_groups;
    stack->addresses = table;
    return TCPIP_OK;

no_groups:
    tcpip__hash_table_fini(&table->broadcasts);
no_broadcasts:
    tcpip__hash_table_fini(&table->addresses);
no_addresses:
    tcpip__memory_free(memory, table, sizeof(*table));
    return TCPIP_ERR_NO_MEMORY;
}

void tcpip__address_table_free(struct tcpip_stack *stack)
{
    struct address_table *table = stack->addresses;
    if (table == NULL)
        return;
    ASSERT_ENV(&stack->env, list_empty(&table->subnets));
    tcpip__hash_table_fini(&table->groups);
    tcpip__hash_table_fini(&table->broadcasts);
    tcpip__hash_table_fini(&table->addresses);
    tcpip__memory_free(&stack->memory, table, sizeof(*table));
    stack->addresses = NULL;
}

/* ---- questions ---- */

static struct nic_address *address_exact(const struct tcpip_stack *stack, const struct tcpip_nic *nic,
                                         const uint8_t *bytes)
{
    const struct hash_table *table = &stack->addresses->addresses;
    uint32_t hash = tcpip__hash_bytes(&table->key, bytes, 16);
    struct nic_address *best = NULL;
    hash_table_for_each(node, table, hash)
    {
        struct nic_address *address = hash_entry(node, struct nic_address, hash);
        if (node->hash != hash || !address_equal(address->bytes, bytes))
            continue;
        if (address->nic == nic)
            return address;
        if (nic == NULL && (best == NULL || address->nic->id < best->nic->id))
            best = address;
    }
    return best;
}

/* The loopback prefix that `bytes` lies in; its broadcast address isn't a host's. */
static struct nic_address *address_subnet(const struct tcpip_stack *stack, const struct tcpip_nic *nic,
                                          const uint8_t *bytes)
{
    list_for_each(node, &stack->addresses->subnets)
    {
        struct nic_address *address = list_entry(node, struct nic_address, subnet_node);
        uint32_t bits = 96u + address->prefix_bits;
        if ((nic == NULL || address->nic == nic) && address_common_bits(address->bytes, bytes, bits) == bits &&
            !(address->has_broadcast && address_equal(address->broadcast, bytes)))
            return address;
    }
    return NULL;
}

struct nic_address *tcpip__address_find(const struct tcpip_stack *stack, const struct tcpip_nic *nic,
                                        const uint8_t *address)
{
    struct nic_address *found = address_exact(stack, nic, address);
    return found != NULL ? found : address_subnet(stack, nic, address);
}

struct nic_address *tcpip__address_local(const struct tcpip_stack *stack, const struct tcpip_nic *nic,
                                         const uint8_t *address)
{
    const struct hash_table *table = &stack->addresses->addresses;
    uint32_t hash = tcpip__hash_bytes(&table->key, address, 16);
    bool here_only = nic != NULL && address_is_link_local(address);
    struct nic_address *best = NULL;
    hash_table_for_each(node, table, hash)
    {
        struct nic_address *candidate = hash_entry(node, struct nic_address, hash);
        if (node->hash != hash || !address_equal(candidate->bytes, address) || !address_assigned(candidate) ||
            !nic_usable(candidate->nic))
            continue;
        if (candidate->nic == nic)
            return candidate;
        if (!here_only && (best == NULL || candidate->nic->id < best->nic->id))
            best = candidate;
    }
    if (best != NULL || list_empty(&stack->addresses->subnets))
        return best;
    best = address_subnet(stack, NULL, address);
    return best != NULL && nic_usable(best->nic) ? best : NULL;
}

struct tcpip_nic *tcpip__address_broadcast(const struct tcpip_stack *stack, const struct tcpip_nic *nic,
                                           const uint8_t *address)
{
    const struct hash_table *table = &stack->addresses->broadcasts;
    if (table->count == 0)
        return NULL;
    uint32_t hash = tcpip__hash_bytes(&table->key, address, 16);
    struct tcpip_nic *best = NULL;
    hash_table_for_each(node, table, hash)
    {
        const struct nic_address *of = hash_entry(node, struct nic_address, broadcast_hash);
        if (node->hash != hash || !address_equal(of->broadcast, address) || !nic_usable(of->nic))
            continue;
        if (of->nic == nic)
            return of->nic;
        if (nic == NULL && (best == NULL || of->nic->id < best->id))
            best = of->nic;
    }
    return best;
}

bool tcpip__address_foreign(const struct tcpip_nic *nic, const uint8_t *address)
{
    const struct tcpip_stack *stack = nic->stack;
    struct address_table *table = stack->addresses;
    if (table->stranger.nic == nic && table->stranger.generation == stack->route_generation &&
        address_equal(table->stranger.bytes, address))
        return true;
    if (tcpip__address_local(stack, nic, address) != NULL || tcpip__address_broadcast(stack, NULL, address) != NULL)
        return false;
    table->stranger.nic = nic;
    table->stranger.generation = stack->route_generation;
    memcpy(table->stranger.bytes, address, 16);
    return true;
}

enum destination_kind tcpip__nic_destination(struct tcpip_nic *nic, const uint8_t *address)
{
    struct tcpip_stack *stack = nic->stack;
    struct address_table *table = stack->addresses;
    if (table->last.nic == nic && table->last.generation == stack->route_generation &&
        address_equal(table->last.bytes, address))
        return DESTINATION_UNICAST;
    if (address_is_multicast(address))
        return tcpip__nic_in_group(nic, address) ? DESTINATION_MULTICAST : DESTINATION_NONE;
    const struct nic_address *local = tcpip__address_local(stack, nic, address);
    if (local != NULL && (local->nic == nic || !address_is_loopback(address))) {
        table->last.nic = nic;
        table->last.generation = stack->route_generation;
        memcpy(table->last.bytes, address, 16);
        return DESTINATION_UNICAST;
    }
    if (address_is_limited_broadcast(address) || tcpip__address_broadcast(stack, nic, address) != NULL)
        return DESTINATION_BROADCAST;
    return nic->promiscuous && !address_is_zero(address) ? DESTINATION_UNICAST : DESTINATION_NONE;
}

/* ---- groups ---- */

static const struct tcpip_network_protocol *address_protocol(const struct tcpip_stack *stack, const uint8_t *address)
{
    return tcpip__stack_network(stack, address_is_v4(address) ? TCPIP_PROTOCOL_IPV4 : TCPIP_PROTOCOL_IPV6);
}

static void group_announce(struct tcpip_nic *nic, const uint8_t *group, bool joined)
{
    const struct tcpip_network_protocol *protocol = address_protocol(nic->stack, group);
    if (nic->addresses_up && protocol != NULL && protocol->group_changed != NULL)
        protocol->group_changed(nic, group, joined);
}

static struct nic_group *group_find(const struct tcpip_nic *nic, const uint8_t *bytes)
{
    const struct hash_table *table = &nic->stack->addresses->groups;
    uint32_t hash = group_key_hash(&table->key, nic, bytes);
    hash_table_for_each(node, table, hash)
    {
        struct nic_group *group = hash_entry(node, struct nic_group, hash);
        if (node->hash == hash && group->nic == nic && address_equal(group->bytes, bytes))
            return group;
    }
    return NULL;
}

static void group_free(struct nic_group *group)
{
    struct tcpip_stack *stack = group->nic->stack;
    tcpip__hash_table_remove(&stack->addresses->groups, &group->hash);
    list_remove(&group->node);
    tcpip__memory_free(&stack->memory, group, sizeof(*group));
}

bool tcpip__nic_in_group(const struct tcpip_nic *nic, const uint8_t *group)
{
    return group_find(nic, group) != NULL;
}

enum tcpip_error tcpip__nic_join(struct tcpip_nic *nic, const uint8_t *group)
{
    struct tcpip_stack *stack = nic->stack;
    if (!address_is_multicast(group))
        return TCPIP_ERR_BAD_ADDRESS;
    struct nic_group *member = group_find(nic, group);
    if (member != NULL) {
        member->members++;
        return TCPIP_OK;
    }
    member = tcpip__memory_zalloc(&stack->memory, sizeof(*member), _Alignof(struct nic_group));
    if (member == NULL)
        return TCPIP_ERR_NO_MEMORY;
    member->nic = nic;
    member->members = 1;
    memcpy(member->bytes, group, 16);
    list_push_back(&nic->groups, &member->node);
    struct hash_table *table = &stack->addresses->groups;
    tcpip__hash_table_insert(table, &member->hash, group_key_hash(&table->key, nic, group));
    group_announce(nic, member->bytes, true);
    return TCPIP_OK;
}

enum tcpip_error tcpip__nic_leave(struct tcpip_nic *nic, const uint8_t *group)
{
    struct nic_group *member = group_find(nic, group);
    uint8_t bytes[16];
    if (member == NULL)
        return TCPIP_ERR_BAD_LOCAL_ADDRESS;
    if (--member->members > 0)
        return TCPIP_OK;
    memcpy(bytes, member->bytes, 16);
    group_free(member);
    group_announce(nic, bytes, false);
    return TCPIP_OK;
}

/* ---- assignment ---- */

static void address_changed(struct nic_address *address)
{
    struct tcpip_stack *stack = address->nic->stack;
    stack->route_generation++;
    EVENT(stack, ADDRESS_STATE, 0, address->nic->id, address->flags, 0, 0);
}

/* RFC 4862 5.4: all unicast addresses on links where another node could have them. */
static bool address_needs_dad(const struct nic_address *address)
{
    uint32_t link = address->nic->caps.flags;
    return address->family_bytes == 16 && (address->flags & TCPIP_ADDRESS_NO_DAD) == 0 &&
           (link & TCPIP_LINK_RESOLUTION) != 0 && (link & TCPIP_LINK_LOOPBACK) == 0;
}

static void address_announce(struct nic_address *address, bool added)
{
    const struct tcpip_network_protocol *protocol = address_protocol(address->nic->stack, address->bytes);
    void (*tell)(struct tcpip_nic * nic, const uint8_t *address) =
        added ? protocol->address_added : protocol->address_removed;
    if (address->nic->addresses_up && tell != NULL)
        tell(address->nic, address->bytes);
}

static void broadcast_link(struct nic_address *address)
{
    struct tcpip_stack *stack = address->nic->stack;
    struct hash_table *table = &stack->addresses->broadcasts;
    list_for_each(node, &address->nic->addresses)
    {
        const struct nic_address *other = list_entry(node, struct nic_address, node);
        if (other->broadcast_linked && address_equal(other->broadcast, address->broadcast))
            return;
    }
    tcpip__hash_table_insert(table, &address->broadcast_hash, tcpip__hash_bytes(&table->key, address->broadcast, 16));
    address->broadcast_linked = true;
}

static void broadcast_unlink(struct nic_address *address)
{
    if (!address->broadcast_linked)
        return;
    tcpip__hash_table_remove(&address->nic->stack->addresses->broadcasts, &address->broadcast_hash);
    address->broadcast_linked = false;
    list_for_each(node, &address->nic->addresses)
    {
        struct nic_address *heir = list_entry(node, struct nic_address, node);
        if (heir != address && heir->has_broadcast && address_equal(heir->broadcast, address->broadcast)) {
            broadcast_link(heir);
            return;
        }
    }
}

static void address_link(struct nic_address *address)
{
    struct tcpip_nic *nic = address->nic;
    struct address_table *table = nic->stack->addresses;
    if (address->family_bytes == 4) {
        uint32_t host_mask = address->prefix_bits == 0 ? UINT32_MAX : (1u << (32 - address->prefix_bits)) - 1;
        memcpy(address->broadcast, address->bytes, 12);
        tcpip_store_u32(address->broadcast + 12, tcpip_load_u32(address->bytes + 12) | host_mask);
        address->has_broadcast = address->prefix_bits <= BROADCAST_BITS_MAX;
        if (address->has_broadcast)
            broadcast_link(address);
        if ((nic->caps.flags & TCPIP_LINK_LOOPBACK) != 0)
            list_push_back(&table->subnets, &address->subnet_node);
    }
    list_push_back(&nic->addresses, &address->node);
    nic->address_count++;
    tcpip__hash_table_insert(&table->addresses, &address->hash,
                             tcpip__hash_bytes(&table->addresses.key, address->bytes, 16));
}

static void address_free(struct nic_address *address)
{
    struct tcpip_nic *nic = address->nic;
    struct tcpip_stack *stack = nic->stack;
    stack_timer_cancel(stack, &address->dad_timer);
    broadcast_unlink(address);
    list_remove_if_linked(&address->subnet_node);
    tcpip__hash_table_remove(&stack->addresses->addresses, &address->hash);
    list_remove(&address->node);
    nic->address_count--;
    stack->route_generation++;
    tcpip__memory_free(&stack->memory, address, sizeof(*address));
}

static enum tcpip_error address_add(struct tcpip_stack *stack, uint32_t nic_id, const struct tcpip_prefix *prefix,
                                    uint32_t flags)
{
    struct tcpip_nic *nic = tcpip__nic_find(stack, nic_id);
    const struct tcpip_address *given = &prefix->address;
    uint8_t bytes[16];
    if (nic == NULL)
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    address_internal(given, bytes);
    /* A mapped address in IPv6's clothes would be an IPv4 one to all tables (RFC 4291 2.5.5.2: never on a wire). */
    if ((given->len != 4 && given->len != 16) || address_is_zero(bytes) || address_is_multicast(bytes) ||
        address_is_limited_broadcast(bytes) || address_is_v4(bytes) != (given->len == 4))
        return TCPIP_ERR_BAD_ADDRESS;
    if (prefix->bits > given->len * 8)
        return TCPIP_ERR_INVALID_ARGUMENT;
    if (address_protocol(stack, bytes) == NULL)
        return TCPIP_ERR_UNKNOWN_PROTOCOL;
    if (address_exact(stack, nic, bytes) != NULL)
        return TCPIP_ERR_DUPLICATE_ADDRESS;
    if (nic->address_count >= stack->limits.addresses_per_nic)
        return TCPIP_ERR_LIMIT_REACHED;
    struct nic_address *address = tcpip__memory_zalloc(&stack->memory, sizeof(*address), _Alignof(struct nic_address));
    if (address == NULL)
        return TCPIP_ERR_NO_MEMORY;
    address->nic = nic;
    memcpy(address->bytes, bytes, 16);
    address->prefix_bits = prefix->bits;
    address->family_bytes = given->len;
    address->flags = flags & (TCPIP_ADDRESS_DEPRECATED | TCPIP_ADDRESS_TEMPORARY | TCPIP_ADDRESS_NO_DAD);
    if (address_needs_dad(address))
        address->flags |= TCPIP_ADDRESS_TENTATIVE;
    address_link(address);
    address_changed(address);
    address_announce(address, true);
    return TCPIP_OK;
}

/* The exact assignment, or why there is none. */
static enum tcpip_error address_named(struct tcpip_stack *stack, uint32_t nic_id, const struct tcpip_address *address,
                                      struct nic_address **out)
{
    const struct tcpip_nic *nic = tcpip__nic_find(stack, nic_id);
    uint8_t bytes[16];
    if (nic == NULL)
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    address_internal(address, bytes);
    *out = address_exact(stack, nic, bytes);
    return *out != NULL ? TCPIP_OK : TCPIP_ERR_BAD_LOCAL_ADDRESS;
}

void tcpip__address_confirm(struct nic_address *address)
{
    if ((address->flags & TCPIP_ADDRESS_TENTATIVE) == 0)
        return;
    address->flags &= ~(uint32_t)TCPIP_ADDRESS_TENTATIVE;
    address_changed(address);
}

void tcpip__address_duplicate(struct nic_address *address)
{
    if ((address->flags & TCPIP_ADDRESS_DUPLICATE) != 0)
        return;
    address->flags = (address->flags & ~(uint32_t)TCPIP_ADDRESS_TENTATIVE) | TCPIP_ADDRESS_DUPLICATE;
    address_changed(address);
}

/* ---- the NIC's life ---- */

enum tcpip_error tcpip__nic_addresses_init(struct tcpip_nic *nic)
{
    enum tcpip_error error = TCPIP_OK;
    list_init(&nic->addresses);
    list_init(&nic->groups);
    nic->address_count = 0;
    nic->addresses_up = false;
    if (address_protocol(nic->stack, all_hosts_v4) != NULL)
        error = tcpip__nic_join(nic, all_hosts_v4);
    if (error == TCPIP_OK && address_protocol(nic->stack, all_nodes_v6) != NULL)
        error = tcpip__nic_join(nic, all_nodes_v6);
    if (error != TCPIP_OK)
        tcpip__nic_addresses_fini(nic);
    return error;
}

void tcpip__nic_addresses_up(struct tcpip_nic *nic)
{
    if (nic->addresses_up)
        return;
    nic->addresses_up = true;
    nic->stack->route_generation++;
    list_for_each(node, &nic->groups) group_announce(nic, list_entry(node, struct nic_group, node)->bytes, true);
    list_for_each(node, &nic->addresses)
    {
        struct nic_address *address = list_entry(node, struct nic_address, node);
        if (address_needs_dad(address)) {
            /* Another link may be behind the NIC by now: what was a duplicate gets its chance, what was not must
             * prove it again. */
            address->flags = (address->flags & ~(uint32_t)TCPIP_ADDRESS_DUPLICATE) | TCPIP_ADDRESS_TENTATIVE;
            address_changed(address);
        }
        address_announce(address, true);
    }
}

void tcpip__nic_addresses_down(struct tcpip_nic *nic)
{
    if (!nic->addresses_up)
        return;
    nic->stack->route_generation++;
    list_for_each(node, &nic->addresses)
    {
        struct nic_address *address = list_entry(node, struct nic_address, node);
        address_announce(address, false);
        stack_timer_cancel(nic->stack, &address->dad_timer);
    }
    list_for_each(node, &nic->groups) group_announce(nic, list_entry(node, struct nic_group, node)->bytes, false);
    nic->addresses_up = false;
}

void tcpip__nic_addresses_fini(struct tcpip_nic *nic)
{
    ASSERT_ENV(&nic->stack->env, !nic->addresses_up);
    list_for_each_safe(node, following, &nic->addresses) address_free(list_entry(node, struct nic_address, node));
    list_for_each_safe(node, following, &nic->groups) group_free(list_entry(node, struct nic_group, node));
}

/* ---- public ---- */

enum tcpip_error tcpip_stack_add_address(struct tcpip_stack *stack, uint32_t nic, const struct tcpip_prefix *prefix,
                                         const struct tcpip_address_properties *properties)
{
    bool has_flags = properties != NULL && properties->size >= sizeof(*properties);
    tcpip_stack_enter(stack);
    enum tcpip_error error = address_add(stack, nic, prefix, has_flags ? properties->flags : 0);
    tcpip_stack_leave(stack);
    return error;
}

enum tcpip_error tcpip_stack_remove_address(struct tcpip_stack *stack, uint32_t nic,
                                            const struct tcpip_address *address)
{
    struct nic_address *assigned;
    tcpip_stack_enter(stack);
    enum tcpip_error error = address_named(stack, nic, address, &assigned);
    if (error == TCPIP_OK) {
        address_announce(assigned, false);
        address_free(assigned);
    }
    tcpip_stack_leave(stack);
    return error;
}

enum tcpip_error tcpip_stack_set_address_flags(struct tcpip_stack *stack, uint32_t nic,
                                               const struct tcpip_address *address, uint32_t flags)
{
    const uint32_t settable = TCPIP_ADDRESS_DEPRECATED | TCPIP_ADDRESS_TEMPORARY;
    struct nic_address *assigned;
    tcpip_stack_enter(stack);
    enum tcpip_error error = address_named(stack, nic, address, &assigned);
    if (error == TCPIP_OK) {
        assigned->flags = (assigned->flags & ~settable) | (flags & settable);
        address_changed(assigned);
    }
    tcpip_stack_leave(stack);
    return error;
}

uint32_t tcpip_stack_check_local_address(const struct tcpip_stack *stack, uint32_t nic,
                                         const struct tcpip_address *address)
{
    const struct tcpip_nic *on = nic == 0 ? NULL : tcpip__nic_find(stack, nic);
    uint8_t bytes[16];
    if (nic != 0 && on == NULL)
        return 0;
    address_internal(address, bytes);
    const struct nic_address *found = tcpip__address_find(stack, on, bytes);
    return found != NULL && address_assigned(found) ? found->nic->id : 0;
}

size_t tcpip_stack_addresses(const struct tcpip_stack *stack, struct tcpip_assigned_address *out, size_t n)
{
    size_t count = 0;
    list_for_each(nic_node, &stack->nics)
    {
        const struct tcpip_nic *nic = list_entry(nic_node, struct tcpip_nic, node);
        list_for_each(node, &nic->addresses)
        {
            const struct nic_address *address = list_entry(node, struct nic_address, node);
            if (count < n) {
                out[count].nic = nic->id;
                out[count].prefix.address = address_public(address->bytes);
                out[count].prefix.bits = address->prefix_bits;
                out[count].flags = address->flags;
            }
            count++;
        }
    }
    return count;
}
