// SPDX-License-Identifier: MIT
/* neighbor.c: the link address of every next hop, for IPv4 and IPv6 alike: the states of RFC 4861 section 7.3.2.
 *
 *                 a packet to send                          answer
 *     INCOMPLETE ------------------> asks 3 times, 1 s apart ------> REACHABLE (solicited) or STALE
 *         ^                              | no answer
 *         | a packet to send             v
 *     UNREACHABLE <------------- waiting packets are lost, senders told
 *         ^                                                              30 s (0.5 to 1.5 times) without confirmation
 *         | 3 unicast probes, 1 s apart, unanswered          REACHABLE ----------------------------------------------.
 *       PROBE <---- 5 s ---- DELAY <---- a packet to send ---- STALE <-----------------------------------------------'
 *
 * A confirmation (a solicited answer, or TCP's progress) makes REACHABLE of all but INCOMPLETE and UNREACHABLE. ARP
 * runs through the same states (RFC 1122 2.3.2.1 asks for one of several ways to notice a dead neighbour; this is the
 * best). Who asks and what an answer looks like is network/'s.
 *
 * REACHABLE has no timer. Confirmation by TCP comes with every ACK: it writes one instant, and the next packet to be
 * sent compares it with now. Only the four states that wait for something have a timer, one per entry, on the stack's
 * wheel.
 *
 * A new entry is INCOMPLETE without having asked: it asks when the first packet comes.
 *
 * Limits: a peer makes entries by soliciting from many addresses, a program by sending to many, and a stranger by
 * forging packets that are answered to many (RFC 6583). limits.neighbors bounds dynamic entries. At it, of those that
 * nobody holds, one whose neighbour was never heard of goes first, then one that was only heard of, then one that has
 * proven itself; of a kind, the one that was released or learned longest ago. So a scan takes nobody's entry away for
 * long, and hearsay never displaces proof. An entry that a route holds goes only for the sake of another route (the one
 * not used since it was last looked at first), never because a stranger spoke. It is dead then: out of the tables, kept
 * until its last reference goes; a new route generation makes its holders look again. limits.neighbor_pending bounds
 * the packets that wait for one entry: the oldest goes.
 *
 * Lies: who claims another link address for a neighbour that has proven itself may be its new interface, or a liar. The
 * old one is asked first, by a unicast probe: if it answers, it stays; if it doesn't, the entry fails after three
 * seconds, and everybody is asked. RFC 4861 7.2.5 would believe at once, RFC 826 too; TCPIP_OPTION_NEIGHBOR_PROOF of
 * the stack, set to 0, does. What was never confirmed follows the last claim.
 *
 * Owns:       stack->neighbors, nic->neighbor_times.
 * Invariants: pending packets only in INCOMPLETE; a timer is armed only in INCOMPLETE (asking), DELAY, PROBE; a dead
 *             entry has references and no timer; entries are on `busy` while referenced, on `idle` while not, on
 *             neither if static; count of dynamic entries <= limits.neighbors.
 * Not here:   ARP, NDP (network/), routers and redirects (network/ipv6). */
#include "stack/neighbor.h"

#include "base/math.h"
#include "base/pool.h"
#include "stack/unreachable.h"

enum { /* RFC 4861 10 */
       NEIGHBOR_MULTICAST_SOLICITS = 3,
       NEIGHBOR_UNICAST_SOLICITS = 3,
};
/* What an entry that nobody holds is worth keeping. */
enum neighbor_worth { NEIGHBOR_UNKNOWN, NEIGHBOR_HEARD, NEIGHBOR_PROVEN, NEIGHBOR_WORTHS };
static const tcpip_ns neighbor_reachable_ns = 30 * TCPIP_SECOND;
static const tcpip_ns neighbor_retransmit_ns = TCPIP_SECOND;
static const tcpip_ns neighbor_delay_ns = 5 * TCPIP_SECOND;
/* RFC 4861 6.3.2: ReachableTime is drawn anew "at least every few hours". */
static const tcpip_ns neighbor_redraw_ns = 7200 * TCPIP_SECOND;
/* What a router may ask for: a zero or an hour-long RetransTimer would flood the link, or end resolution. */
static const tcpip_ns neighbor_retransmit_min_ns = TCPIP_SECOND / 10;
static const tcpip_ns neighbor_retransmit_max_ns = 60 * TCPIP_SECOND;
static const tcpip_ns neighbor_reachable_min_ns = TCPIP_SECOND;
static const tcpip_ns neighbor_reachable_max_ns = 3600 * TCPIP_SECOND; /* MAX of RFC 4861 6.2.1 */

struct tcpip_neighbor_entry {
    struct hash_node hash;
    struct tcpip_list_node all;   /* table->all */
    struct tcpip_list_node queue; /* table->busy or ->idle */
    struct tcpip_timer timer;
    struct tcpip_stack *stack;
    struct tcpip_nic *nic; /* NULL: dead */
    tcpip_ns reachable_until;
    tcpip_ns updated_at;
    struct tcpip_packet_list pending;
    uint32_t refs;
    uint8_t address[16];
    struct tcpip_link_address link; /* len 0: not known */
    uint8_t state;                  /* enum tcpip_neighbor_state */
    uint8_t asked;                  /* solicitations in this INCOMPLETE or PROBE */
    bool used;                      /* since eviction last looked */
    bool proven;                    /* it has answered from this link address, or TCP made progress */
    tcpip_ns contested_at;          /* when somebody claimed its address last; 0: never */
};

struct neighbor_table {
    struct hash_table hash;
    struct pool pool;
    struct list all;                   /* in the order of creation */
    struct list busy;                  /* referenced, dynamic */
    struct list idle[NEIGHBOR_WORTHS]; /* not referenced, dynamic: the next to go first */
    uint32_t dynamic;                  /* entries on busy and idle */
};

struct neighbor_key {
    uint8_t address[16];
    uint32_t nic;
};

/* ---- the table ---- */

static uint32_t neighbor_key_hash(const struct hash_key *key, const struct tcpip_nic *nic, const uint8_t *address)
{
    struct neighbor_key k = {{0}, nic->id};
    memcpy(k.address, address, 16);
    return tcpip__hash_bytes(key, &k, sizeof(k));
}

static uint32_t neighbor_hash(const struct hash_key *key, const struct hash_node *node)
{
    const struct tcpip_neighbor_entry *entry = hash_entry(node, struct tcpip_neighbor_entry, hash);
    return neighbor_key_hash(key, entry->nic, entry->address);
}

static const struct hash_table_ops neighbor_hash_ops = {neighbor_hash};

enum tcpip_error tcpip__neighbor_table_new(struct tcpip_stack *stack)
{
    struct neighbor_table *table =
        tcpip__memory_zalloc(&stack->memory, sizeof(*table), _Alignof(struct neighbor_table));
    if (table == NULL)
        return TCPIP_ERR_NO_MEMORY;
    if (!tcpip__hash_table_init(&table->hash, &stack->memory, &neighbor_hash_ops, rng_u64(&stack->rng))) {
        tcpip__memory_free(&stack->memory, table, sizeof(*table));
        return TCPIP_ERR_NO_MEMORY;
    }
    tcpip__pool_init(&table->pool, &stack->memory, sizeof(struct tcpip_neighbor_entry),
                     _Alignof(struct tcpip_neighbor_entry), 0);
    list_init(&table->all);
    list_init(&table->busy);
    for (int i = 0; i < NEIGHBOR_WORTHS; i++)
        list_init(&table->idle[i]);
    stack->neighbors = table;
    return TCPIP_OK;
}

static struct tcpip_neighbor_entry *neighbor_find(const struct tcpip_nic *nic, const uint8_t *address)
{
    const struct hash_table *table = &nic->stack->neighbors->hash;
    uint32_t hash = neighbor_key_hash(&table->key, nic, address);
    hash_table_for_each(node, table, hash)
    {
        struct tcpip_neighbor_entry *entry = hash_entry(node, struct tcpip_neighbor_entry, hash);
        if (node->hash == hash && entry->nic == nic && address_equal(entry->address, address))
            return entry;
    }
    return NULL;
}

static enum neighbor_worth neighbor_worth_of(const struct tcpip_neighbor_entry *entry)
{
    if (entry->state == TCPIP_NEIGHBOR_INCOMPLETE || entry->state == TCPIP_NEIGHBOR_UNREACHABLE)
        return NEIGHBOR_UNKNOWN;
    return entry->proven ? NEIGHBOR_PROVEN : NEIGHBOR_HEARD;
}

/* Puts a dynamic entry on the list where it belongs, at its end. */
static void neighbor_enqueue(struct tcpip_neighbor_entry *entry)
{
    struct neighbor_table *table = entry->stack->neighbors;
    list_remove_if_linked(&entry->queue);
    list_push_back(entry->refs > 0 ? &table->busy : &table->idle[neighbor_worth_of(entry)], &entry->queue);
}

/* Off the tables. Freed, or dead until its last reference goes. */
static void neighbor_remove(struct tcpip_neighbor_entry *entry, enum tcpip_drop reason)
{
    struct tcpip_stack *stack = entry->stack;
    struct neighbor_table *table = stack->neighbors;
    struct tcpip_packet *packet;
    ASSERT_ENV(&stack->env, entry->nic != NULL);
    stack_timer_cancel(stack, &entry->timer);
    tcpip__hash_table_remove(&table->hash, &entry->hash);
    list_remove(&entry->all);
    if (list_node_linked(&entry->queue)) {
        list_remove(&entry->queue);
        table->dynamic--;
    }
    while ((packet = tcpip_packet_list_pop(&entry->pending)) != NULL)
        tcpip_packet_drop(packet, reason);
    entry->nic = NULL;
    entry->state = TCPIP_NEIGHBOR_UNREACHABLE;
    if (entry->refs > 0)
        stack->route_generation++;
    else
        tcpip__pool_put(&table->pool, entry);
}

void tcpip__neighbor_table_free(struct tcpip_stack *stack)
{
    struct neighbor_table *table = stack->neighbors;
    if (table == NULL)
        return;
    list_for_each_safe(node, following, &table->all)
        neighbor_remove(list_entry(node, struct tcpip_neighbor_entry, all), TCPIP_DROP_NIC_REMOVED);
    tcpip__pool_fini(&table->pool); /* asserts that no route holds a dead one */
    tcpip__hash_table_fini(&table->hash);
    tcpip__memory_free(&stack->memory, table, sizeof(*table));
    stack->neighbors = NULL;
}

static void neighbor_ref(struct tcpip_neighbor_entry *entry)
{
    if (entry->refs++ == 0 && list_node_linked(&entry->queue))
        neighbor_enqueue(entry);
}

void tcpip__neighbor_unref(struct tcpip_neighbor_entry *entry)
{
    ASSERT_ENV(&entry->stack->env, entry->refs > 0);
    if (--entry->refs > 0)
        return;
    if (entry->nic == NULL)
        tcpip__pool_put(&entry->stack->neighbors->pool, entry);
    else if (list_node_linked(&entry->queue))
        neighbor_enqueue(entry);
}

/* ---- times (RFC 4861 6.3.2, 6.3.4) ---- */

static struct neighbor_times *neighbor_times_of(const struct tcpip_neighbor_entry *entry)
{
    return &entry->nic->neighbor_times[!address_is_v4(entry->address)];
}

static void neighbor_draw(struct tcpip_stack *stack, struct neighbor_times *times, tcpip_ns now)
{
    tcpip_ns base = times->reachable_base_ns != 0 ? times->reachable_base_ns : neighbor_reachable_ns;
    times->reachable_ns = rng_between(&stack->rng, base / 2, base + base / 2);
    times->redraw_at = ns_add(now, neighbor_redraw_ns);
}

static tcpip_ns neighbor_reachable_time(const struct tcpip_neighbor_entry *entry, tcpip_ns now)
{
    struct neighbor_times *times = neighbor_times_of(entry);
    if (unlikely(now >= times->redraw_at))
        neighbor_draw(entry->stack, times, now);
    return times->reachable_ns;
}

static tcpip_ns neighbor_retransmit_time(const struct tcpip_neighbor_entry *entry)
{
    const struct neighbor_times *times = neighbor_times_of(entry);
    return times->retransmit_ns != 0 ? times->retransmit_ns : neighbor_retransmit_ns;
}

void tcpip__neighbor_set_times(struct tcpip_nic *nic, tcpip_ns reachable_ns, tcpip_ns retransmit_ns)
{
    struct neighbor_times *times = &nic->neighbor_times[1];
    if (retransmit_ns > 0)
        times->retransmit_ns = clamp_i64(retransmit_ns, neighbor_retransmit_min_ns, neighbor_retransmit_max_ns);
    if (reachable_ns <= 0)
        return;
    reachable_ns = clamp_i64(reachable_ns, neighbor_reachable_min_ns, neighbor_reachable_max_ns);
    if (reachable_ns != times->reachable_base_ns) {
        times->reachable_base_ns = reachable_ns;
        neighbor_draw(nic->stack, times, tcpip__stack_now(nic->stack));
    }
}

/* ---- states ---- */

static void neighbor_enter(struct tcpip_neighbor_entry *entry, enum tcpip_neighbor_state state)
{
    struct tcpip_stack *stack = entry->stack;
    EVENT(stack, NEIGHBOR_STATE, 0, entry->nic->id, entry->state, state, 0);
    stack_timer_cancel(stack, &entry->timer);
    entry->state = (uint8_t)state;
    entry->asked = 0;
    entry->updated_at = tcpip__stack_now(stack);
    if (entry->refs == 0 && list_node_linked(&entry->queue))
        neighbor_enqueue(entry); /* its worth may be another one now */
}

static void neighbor_transmit(struct tcpip_neighbor_entry *entry, struct tcpip_packet *packet)
{
    struct tcpip_nic *nic = entry->nic;
    entry->used = true;
    packet->nic = nic;
    packet->type = TCPIP_PACKET_OUTGOING;
    memcpy(packet->link_destination.bytes, entry->link.bytes, 6);
    memcpy(packet->link_source.bytes, nic->caps.address.bytes, 6);
    tcpip__nic_transmit(nic, packet);
}

/* One more solicitation, and the wait for its answer. */
static void neighbor_ask(struct tcpip_neighbor_entry *entry)
{
    struct tcpip_stack *stack = entry->stack;
    const struct tcpip_network_protocol *protocol =
        tcpip__stack_network(stack, address_is_v4(entry->address) ? TCPIP_PROTOCOL_ARP : TCPIP_PROTOCOL_IPV6);
    entry->asked++;
    stack_timer_set(stack, &entry->timer, ns_add(tcpip__stack_now(stack), neighbor_retransmit_time(entry)));
    if (protocol != NULL && protocol->solicit != NULL) /* else nobody answers: as on a dead link */
        protocol->solicit(entry->nic, entry->address, entry->state == TCPIP_NEIGHBOR_PROBE ? &entry->link : NULL);
}

static void neighbor_reachable(struct tcpip_neighbor_entry *entry)
{
    tcpip_ns now = tcpip__stack_now(entry->stack);
    entry->reachable_until = ns_add(now, neighbor_reachable_time(entry, now));
    entry->proven = true;
    if (entry->state != TCPIP_NEIGHBOR_REACHABLE)
        neighbor_enter(entry, TCPIP_NEIGHBOR_REACHABLE);
}

/* REACHABLE is noticed to have ended when somebody looks. */
static void neighbor_age(struct tcpip_neighbor_entry *entry)
{
    if (entry->state == TCPIP_NEIGHBOR_REACHABLE && tcpip__stack_now(entry->stack) > entry->reachable_until)
        neighbor_enter(entry, TCPIP_NEIGHBOR_STALE);
}

/* Its link address has become known: what waited goes out. The reference keeps it meanwhile; giving that back makes an
 * idle entry the last to go. */
static void neighbor_release_pending(struct tcpip_neighbor_entry *entry)
{
    struct tcpip_packet_list pending = entry->pending;
    struct tcpip_packet *packet;
    entry->pending = tcpip_packet_list_init();
    neighbor_ref(entry);
    while ((packet = tcpip_packet_list_pop(&pending)) != NULL)
        tcpip__neighbor_output(entry, packet);
    tcpip__neighbor_unref(entry);
}

/* Nobody answered. The sender of each waiting packet hears of it; what it does then may come back here. */
static void neighbor_failed(struct tcpip_neighbor_entry *entry)
{
    struct tcpip_stack *stack = entry->stack;
    struct tcpip_nic *nic = entry->nic;
    struct tcpip_packet_list pending = entry->pending;
    struct tcpip_packet *packet;
    entry->pending = tcpip_packet_list_init();
    stack->stats.neighbor.probes_failed++;
    neighbor_enter(entry, TCPIP_NEIGHBOR_UNREACHABLE);
    while ((packet = tcpip_packet_list_pop(&pending)) != NULL) {
        stack->stats.neighbor.unreachable_packets++;
        tcpip__packet_unreachable(nic, packet);
    }
}

static void neighbor_timer(struct tcpip_timer *timer, tcpip_ns now)
{
    struct tcpip_neighbor_entry *entry = container_of(timer, struct tcpip_neighbor_entry, timer);
    (void)now;
    switch (entry->state) {
    case TCPIP_NEIGHBOR_INCOMPLETE:
        if (entry->asked < NEIGHBOR_MULTICAST_SOLICITS)
            neighbor_ask(entry);
        else
            neighbor_failed(entry);
        break;
    case TCPIP_NEIGHBOR_DELAY:
        neighbor_enter(entry, TCPIP_NEIGHBOR_PROBE);
        neighbor_ask(entry);
        break;
    case TCPIP_NEIGHBOR_PROBE:
        if (entry->asked < NEIGHBOR_UNICAST_SOLICITS)
            neighbor_ask(entry);
        else
            neighbor_failed(entry);
        break;
    default:
        ASSERT_ENV(&entry->stack->env, false);
    }
}

/* ---- entries come ---- */

/* The entry to go next: the oldest of the least worthy idle ones, or (second chance) a busy one not used since the last
 * look. Who is only heard of (no route wants it) displaces none that is proven. */
static struct tcpip_neighbor_entry *neighbor_victim(struct neighbor_table *table, bool for_route)
{
    struct tcpip_list_node *node = NULL;
    for (int worth = 0; worth < NEIGHBOR_WORTHS && node == NULL && (for_route || worth < NEIGHBOR_PROVEN); worth++)
        node = list_first(&table->idle[worth]);
    if (node != NULL || !for_route)
        return node != NULL ? list_entry(node, struct tcpip_neighbor_entry, queue) : NULL;
    while ((node = list_first(&table->busy)) != NULL) {
        struct tcpip_neighbor_entry *entry = list_entry(node, struct tcpip_neighbor_entry, queue);
        if (!entry->used)
            return entry;
        entry->used = false; /* so that this ends within two rounds */
        neighbor_enqueue(entry);
    }
    return NULL;
}

static bool neighbor_make_room(struct tcpip_stack *stack, bool for_route)
{
    struct neighbor_table *table = stack->neighbors;
    if (table->dynamic < stack->limits.neighbors)
        return true;
    struct tcpip_neighbor_entry *victim = neighbor_victim(table, for_route);
    if (victim == NULL)
        return false;
    stack->stats.neighbor.entries_evicted++;
    neighbor_remove(victim, TCPIP_DROP_NEIGHBOR_PENDING_LIMIT);
    return true;
}

/* A new entry without references, on no queue yet; NULL: out of memory. */
static struct tcpip_neighbor_entry *neighbor_create(struct tcpip_nic *nic, const uint8_t *address)
{
    struct tcpip_stack *stack = nic->stack;
    struct neighbor_table *table = stack->neighbors;
    struct tcpip_neighbor_entry *entry = tcpip__pool_zget(&table->pool);
    if (entry == NULL)
        return NULL;
    entry->stack = stack;
    entry->nic = nic;
    memcpy(entry->address, address, 16);
    entry->state = TCPIP_NEIGHBOR_INCOMPLETE;
    entry->timer.fn = neighbor_timer;
    entry->updated_at = tcpip__stack_now(stack);
    list_push_back(&table->all, &entry->all);
    tcpip__hash_table_insert(&table->hash, &entry->hash, neighbor_key_hash(&table->hash.key, nic, address));
    stack->stats.neighbor.entries_created++;
    return entry;
}

static struct tcpip_neighbor_entry *neighbor_create_dynamic(struct tcpip_nic *nic, const uint8_t *address,
                                                            bool for_route)
{
    if (!neighbor_make_room(nic->stack, for_route))
        return NULL;
    struct tcpip_neighbor_entry *entry = neighbor_create(nic, address);
    if (entry == NULL)
        return NULL;
    nic->stack->neighbors->dynamic++;
    neighbor_enqueue(entry);
    return entry;
}

struct tcpip_neighbor_entry *tcpip__neighbor_get(struct tcpip_nic *nic, const uint8_t *address)
{
    struct tcpip_neighbor_entry *entry = neighbor_find(nic, address);
    if (entry == NULL)
        entry = neighbor_create_dynamic(nic, address, true);
    if (entry != NULL)
        neighbor_ref(entry);
    return entry;
}

/* ---- packets and news ---- */

/* An echo's payload lies where the link put the request. Kept there for a neighbour that may not exist, a few hundred
 * of them would take the link all the memory it receives into. */
static void neighbor_wait(struct tcpip_neighbor_entry *entry, struct tcpip_packet *packet)
{
    if (unlikely(packet_holds_lent(packet))) {
        struct tcpip_packet *copy = tcpip_packet_copy(entry->stack, packet);
        if (copy == NULL) {
            tcpip_packet_drop(packet, TCPIP_DROP_NO_MEMORY);
            return;
        }
        tcpip_packet_free(packet);
        packet = copy;
    }
    if (entry->pending.count >= entry->stack->limits.neighbor_pending)
        tcpip_packet_drop(tcpip_packet_list_pop(&entry->pending), TCPIP_DROP_NEIGHBOR_PENDING_LIMIT);
    tcpip_packet_list_push(&entry->pending, packet);
}

void tcpip__neighbor_output(struct tcpip_neighbor_entry *entry, struct tcpip_packet *packet)
{
    neighbor_age(entry);
    switch (entry->state) {
    case TCPIP_NEIGHBOR_REACHABLE:
    case TCPIP_NEIGHBOR_STATIC:
    case TCPIP_NEIGHBOR_DELAY:
    case TCPIP_NEIGHBOR_PROBE:
        neighbor_transmit(entry, packet);
        return;
    case TCPIP_NEIGHBOR_STALE:
        neighbor_enter(entry, TCPIP_NEIGHBOR_DELAY);
        stack_timer_set(entry->stack, &entry->timer, ns_add(entry->updated_at, neighbor_delay_ns));
        neighbor_transmit(entry, packet);
        return;
    case TCPIP_NEIGHBOR_UNREACHABLE:
        if (entry->nic == NULL) { /* dead; the route that led here is being found again */
            tcpip_packet_drop(packet, TCPIP_DROP_NEIGHBOR_UNREACHABLE);
            return;
        }
        entry->link.len = 0; /* the neighbour may have come back with another one */
        neighbor_enter(entry, TCPIP_NEIGHBOR_INCOMPLETE);
        break;
    default:
        break;
    }
    entry->used = true;
    neighbor_wait(entry, packet);
    if (entry->asked == 0)
        neighbor_ask(entry);
}

void tcpip__neighbor_confirm(struct tcpip_neighbor_entry *entry)
{
    switch (entry->state) {
    case TCPIP_NEIGHBOR_REACHABLE:
    case TCPIP_NEIGHBOR_STALE:
    case TCPIP_NEIGHBOR_DELAY:
    case TCPIP_NEIGHBOR_PROBE:
        neighbor_reachable(entry);
        break;
    default: /* nothing to confirm without a link address; a dead entry is UNREACHABLE */
        break;
    }
}

void tcpip__neighbor_doubt(struct tcpip_neighbor_entry *entry)
{
    if (entry->state == TCPIP_NEIGHBOR_REACHABLE)
        neighbor_enter(entry, TCPIP_NEIGHBOR_STALE);
}

/* Somebody claims another link address. True: the neighbour is asked where it was, and stays there meanwhile. */
static bool neighbor_contested(struct tcpip_neighbor_entry *entry)
{
    struct tcpip_stack *stack = entry->stack;
    tcpip_ns now = tcpip__stack_now(stack);
    if (!entry->proven || stack->defaults[TCPIP_OPTION_NEIGHBOR_PROOF] == 0)
        return false;
    stack->stats.neighbor.claims_contested++;
    /* Asked once per interval, however often it is claimed: a liar shall not make us shout. */
    if (entry->state == TCPIP_NEIGHBOR_PROBE ||
        (entry->contested_at != 0 && now - entry->contested_at < neighbor_retransmit_time(entry)))
        return true;
    entry->contested_at = now;
    neighbor_enter(entry, TCPIP_NEIGHBOR_PROBE);
    neighbor_ask(entry);
    return true;
}

void tcpip__neighbor_learn(struct tcpip_nic *nic, const uint8_t *address, const struct tcpip_link_address *link)
{
    struct tcpip_neighbor_entry *entry = neighbor_find(nic, address);
    ASSERT_ENV(&nic->stack->env, link->len == sizeof(link->bytes));
    if (entry == NULL)
        entry = neighbor_create_dynamic(nic, address, false);
    if (entry == NULL || entry->state == TCPIP_NEIGHBOR_STATIC)
        return;
    bool known = entry->state != TCPIP_NEIGHBOR_INCOMPLETE && entry->state != TCPIP_NEIGHBOR_UNREACHABLE;
    if (known && memcmp(entry->link.bytes, link->bytes, sizeof(link->bytes)) == 0)
        return; /* nothing new, and no proof that our packets arrive: the state stays (7.2.3) */
    if (known && neighbor_contested(entry))
        return;
    entry->link = *link;
    entry->proven = false;
    neighbor_enter(entry, TCPIP_NEIGHBOR_STALE);
    neighbor_release_pending(entry);
}

void tcpip__neighbor_advertised(struct tcpip_nic *nic, const uint8_t *address, const struct tcpip_link_address *link,
                                struct neighbor_advert how)
{
    struct tcpip_neighbor_entry *entry = neighbor_find(nic, address);
    if (entry == NULL || entry->state == TCPIP_NEIGHBOR_STATIC)
        return;
    if (entry->state == TCPIP_NEIGHBOR_INCOMPLETE || entry->state == TCPIP_NEIGHBOR_UNREACHABLE) {
        if (link == NULL || link->len != sizeof(link->bytes))
            return;
        entry->link = *link;
        entry->proven = false;
        if (how.solicited)
            neighbor_reachable(entry);
        else
            neighbor_enter(entry, TCPIP_NEIGHBOR_STALE);
        neighbor_release_pending(entry);
        return;
    }
    neighbor_age(entry);
    bool differs = link != NULL && link->len == sizeof(link->bytes) &&
                   memcmp(entry->link.bytes, link->bytes, sizeof(link->bytes)) != 0;
    if (differs && !how.override) {
        /* Two nodes claim the address: ours may be dead, but a claim alone doesn't take it over. */
        if (entry->state == TCPIP_NEIGHBOR_REACHABLE)
            neighbor_enter(entry, TCPIP_NEIGHBOR_STALE);
        return;
    }
    if (differs && neighbor_contested(entry))
        return;
    if (differs) {
        entry->link = *link;
        entry->proven = false;
    }
    if (how.solicited)
        neighbor_reachable(entry);
    else if (differs)
        neighbor_enter(entry, TCPIP_NEIGHBOR_STALE);
}

void tcpip__neighbor_flush(struct tcpip_nic *nic)
{
    list_for_each_safe(node, following, &nic->stack->neighbors->all)
    {
        struct tcpip_neighbor_entry *entry = list_entry(node, struct tcpip_neighbor_entry, all);
        if (entry->nic == nic && (nic->removing || entry->state != TCPIP_NEIGHBOR_STATIC))
            neighbor_remove(entry, nic->removing ? TCPIP_DROP_NIC_REMOVED : TCPIP_DROP_NIC_DISABLED);
    }
}

/* ---- public ---- */

static enum tcpip_error neighbor_add_static(struct tcpip_stack *stack, uint32_t nic_id,
                                            const struct tcpip_address *address, const struct tcpip_link_address *link)
{
    struct tcpip_nic *nic = tcpip__nic_find(stack, nic_id);
    uint8_t bytes[16];
    if (nic == NULL)
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    if ((nic->caps.flags & TCPIP_LINK_RESOLUTION) == 0)
        return TCPIP_ERR_NOT_SUPPORTED;
    address_internal(address, bytes);
    if (address_is_zero(bytes) || address_is_multicast(bytes))
        return TCPIP_ERR_BAD_ADDRESS;
    if (link->len != sizeof(link->bytes))
        return TCPIP_ERR_INVALID_ARGUMENT;
    struct tcpip_neighbor_entry *entry = neighbor_find(nic, bytes);
    if (entry == NULL)
        entry = neighbor_create(nic, bytes);
    if (entry == NULL)
        return TCPIP_ERR_NO_MEMORY;
    if (list_node_linked(&entry->queue)) {
        list_remove(&entry->queue);
        stack->neighbors->dynamic--;
    }
    entry->link = *link;
    neighbor_enter(entry, TCPIP_NEIGHBOR_STATIC);
    neighbor_release_pending(entry);
    return TCPIP_OK;
}

enum tcpip_error tcpip_stack_add_static_neighbor(struct tcpip_stack *stack, uint32_t nic,
                                                 const struct tcpip_address *address,
                                                 const struct tcpip_link_address *link)
{
    tcpip_stack_enter(stack);
    enum tcpip_error error = neighbor_add_static(stack, nic, address, link);
    tcpip_stack_leave(stack);
    return error;
}

static enum tcpip_error neighbor_remove_named(struct tcpip_stack *stack, uint32_t nic_id,
                                              const struct tcpip_address *address)
{
    struct tcpip_nic *nic = tcpip__nic_find(stack, nic_id);
    uint8_t bytes[16];
    if (nic == NULL)
        return TCPIP_ERR_UNKNOWN_NIC_ID;
    address_internal(address, bytes);
    struct tcpip_neighbor_entry *entry = neighbor_find(nic, bytes);
    if (entry == NULL)
        return TCPIP_ERR_BAD_ADDRESS;
    neighbor_remove(entry, TCPIP_DROP_NEIGHBOR_UNREACHABLE);
    return TCPIP_OK;
}

enum tcpip_error tcpip_stack_remove_neighbor(struct tcpip_stack *stack, uint32_t nic,
                                             const struct tcpip_address *address)
{
    tcpip_stack_enter(stack);
    enum tcpip_error error = neighbor_remove_named(stack, nic, address);
    tcpip_stack_leave(stack);
    return error;
}

/* REACHABLE that has run out, as far as the stack knows the time, is STALE that nobody has noticed. */
static enum tcpip_neighbor_state neighbor_shown_state(const struct tcpip_neighbor_entry *entry)
{
    bool over = entry->state == TCPIP_NEIGHBOR_REACHABLE && entry->stack->now > entry->reachable_until;
    return over ? TCPIP_NEIGHBOR_STALE : (enum tcpip_neighbor_state)entry->state;
}

struct tcpip_neighbor_entry *tcpip__neighbor_next(const struct tcpip_stack *stack, struct tcpip_neighbor_entry *after,
                                                  struct tcpip_neighbor *out)
{
    const struct list *all = &stack->neighbors->all;
    struct tcpip_list_node *node = after == NULL ? list_first(all) : list_next(all, &after->all);
    if (node == NULL)
        return NULL;
    struct tcpip_neighbor_entry *entry = list_entry(node, struct tcpip_neighbor_entry, all);
    *out = (struct tcpip_neighbor){
        .nic = entry->nic->id,
        .address = address_public(entry->address),
        .link = entry->link,
        .state = neighbor_shown_state(entry),
        .updated_at = entry->updated_at,
    };
    return entry;
}

size_t tcpip_stack_neighbors(const struct tcpip_stack *stack, struct tcpip_neighbor *out, size_t n)
{
    size_t count = 0;
    struct tcpip_neighbor neighbor;
    for (struct tcpip_neighbor_entry *entry = NULL; (entry = tcpip__neighbor_next(stack, entry, &neighbor)) != NULL;
         count++)
        if (count < n)
            out[count] = neighbor;
    return count;
}
