// SPDX-License-Identifier: MIT
/* address_select.c: which of our addresses a packet should come from.
 *
 * IPv6: RFC 6724 section 5. Candidates are compared pairwise, rule after rule, until one prefers one of the two. Rule 4
 * (home addresses) and rule 5.5 (prefix announced by the next hop) have no subject here: there is no Mobile IPv6, and
 * routers aren't tied to prefixes. Policies are the default table of section 2.1, of which labels alone matter here.
 *
 * IPv4 has no such RFC. An address that isn't deprecated, of the destination's scope (RFC 3927 2.6.1: a routable
 * address where there is one), in the subnet of the destination (the longest prefix first), else the primary.
 *
 * Candidates are the assigned addresses of the NIC that the packet leaves through (section 4 recommends it). Only if it
 * has none but link-local ones, and the destination lies beyond the link, do those of other NICs count: an unnumbered
 * point-to-point link borrows one. So two candidates of equal scope are never of different NICs: rule 5 (prefer the
 * outgoing interface) is decided by who may stand, before anything is compared.
 *
 * Owns: nothing.  Invariants: none.  Not here: which NIC (route.c); order of destinations (a resolver's). */
#include "stack/nic.h"

enum source_scope { /* of RFC 4291 2.7 and RFC 6724 3.1 */
                    SOURCE_SCOPE_LINK = 2,
                    SOURCE_SCOPE_SITE = 5,
                    SOURCE_SCOPE_GLOBAL = 14,
};

struct source_policy {
    uint8_t prefix[16];
    uint8_t bits;
    uint8_t label;
};

/* RFC 6724 2.1, the longest prefixes first. */
static const struct source_policy source_policies[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, 0},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}, 96, 4},
    {{0}, 96, 3},
    {{0x20, 0x01, 0, 0}, 32, 5},
    {{0x20, 0x02}, 16, 2},
    {{0x3f, 0xfe}, 16, 12},
    {{0xfe, 0xc0}, 10, 11},
    {{0xfc}, 7, 13},
    {{0}, 0, 1},
};

struct source_query {
    const struct tcpip_nic *nic;
    const uint8_t *remote;
    uint8_t scope, label; /* of remote, IPv6 */
};

static uint8_t source_label(const uint8_t *address)
{
    const struct source_policy *policy = source_policies;
    while (address_common_bits(policy->prefix, address, policy->bits) < policy->bits)
        policy++; /* the last one, of no bits, ends it */
    return policy->label;
}

static uint8_t source_scope_of(const uint8_t *a)
{
    if (a[0] == 0xff)
        return a[1] & 0x0f;
    if (address_is_link_local(a) || address_is_loopback(a))
        return SOURCE_SCOPE_LINK;
    return a[0] == 0xfe && (a[1] & 0xc0) == 0xc0 ? SOURCE_SCOPE_SITE : SOURCE_SCOPE_GLOBAL;
}

/* Does `a` win over `b`, by the first rule that has a preference? */
static bool source_prefers_v6(const struct source_query *query, const struct nic_address *a,
                              const struct nic_address *b)
{
    const uint8_t *remote = query->remote;
    if (address_equal(a->bytes, remote) || address_equal(b->bytes, remote)) /* 1: the same address */
        return address_equal(a->bytes, remote) && !address_equal(b->bytes, remote);

    uint8_t scope_a = source_scope_of(a->bytes), scope_b = source_scope_of(b->bytes);
    if (scope_a != scope_b) /* 2: appropriate scope: the smallest that reaches, else the largest */
        return scope_a < scope_b ? scope_a >= query->scope : scope_b < query->scope;

    bool old_a = (a->flags & TCPIP_ADDRESS_DEPRECATED) != 0, old_b = (b->flags & TCPIP_ADDRESS_DEPRECATED) != 0;
    if (old_a != old_b) /* 3 */
        return old_b;

    bool match_a = source_label(a->bytes) == query->label, match_b = source_label(b->bytes) == query->label;
    if (match_a != match_b) /* 6 */
        return match_a;

    bool temporary_a = (a->flags & TCPIP_ADDRESS_TEMPORARY) != 0;
    bool temporary_b = (b->flags & TCPIP_ADDRESS_TEMPORARY) != 0;
    if (temporary_a != temporary_b) /* 7 */
        return temporary_a;

    /* 8: the longest prefix in common, the interface identifier not counted */
    return address_common_bits(a->bytes, remote, a->prefix_bits) >
           address_common_bits(b->bytes, remote, b->prefix_bits);
}

/* The bits of the subnet that the destination shares with the address; -1: it is in another. */
static int source_subnet_v4(const struct nic_address *a, const uint8_t *remote)
{
    uint32_t bits = 96u + a->prefix_bits;
    return address_common_bits(a->bytes, remote, bits) == bits ? (int)a->prefix_bits : -1;
}

static bool source_prefers_v4(const struct source_query *query, const struct nic_address *a,
                              const struct nic_address *b)
{
    const uint8_t *remote = query->remote;
    bool old_a = (a->flags & TCPIP_ADDRESS_DEPRECATED) != 0, old_b = (b->flags & TCPIP_ADDRESS_DEPRECATED) != 0;
    if (old_a != old_b)
        return old_b;
    bool local_a = address_is_link_local(a->bytes), local_b = address_is_link_local(b->bytes);
    if (local_a != local_b)
        return local_a == address_is_link_local(remote);
    int subnet_a = source_subnet_v4(a, remote), subnet_b = source_subnet_v4(b, remote);
    if (subnet_a != subnet_b)
        return subnet_a > subnet_b;
    return false; /* the primary: who was first stays */
}

/* The best of `nic`'s addresses and `best` (NULL: none so far). */
static struct nic_address *source_best(const struct source_query *query, const struct tcpip_nic *nic,
                                       struct nic_address *best)
{
    bool v4 = address_is_v4(query->remote);
    bool loopback = (query->nic->caps.flags & TCPIP_LINK_LOOPBACK) != 0;
    list_for_each(node, &nic->addresses)
    {
        struct nic_address *address = list_entry(node, struct nic_address, node);
        if (!address_assigned(address) || address_is_v4(address->bytes) != v4)
            continue;
        if (address_is_loopback(address->bytes) && !loopback)
            continue; /* RFC 1122 3.2.1.3 (g): never on a wire */
        if (nic != query->nic && address_is_link_local(address->bytes))
            continue;
        if (best == NULL || (v4 ? source_prefers_v4(query, address, best) : source_prefers_v6(query, address, best)))
            best = address;
    }
    return best;
}

struct nic_address *tcpip__address_select(struct tcpip_nic *nic, const uint8_t *remote)
{
    struct source_query query = {nic, remote, source_scope_of(remote), source_label(remote)};
    struct nic_address *best = source_best(&query, nic, NULL);
    /* RFC 6724 section 4: for these no other interface's address will do. */
    if (address_is_link_local(remote) || address_is_multicast(remote))
        return best;
    if (best != NULL && !address_is_link_local(best->bytes))
        return best;
    list_for_each(node, &nic->stack->nics)
    {
        const struct tcpip_nic *other = list_entry(node, struct tcpip_nic, node);
        if (other != nic && nic_usable(other))
            best = source_best(&query, other, best);
    }
    return best;
}
