// SPDX-License-Identifier: MIT
/* wrap.c: what links have in common.
 *
 * A wrapping link works on packets (frames, captures, delays them) before it hands them down, and the lower link may
 * leave some. Undoing the work so that they could be left with the sender would be dear and, for a capture, impossible;
 * so they are kept here, a batch at most, and go first when the lower link is ready again. Only then does what is above
 * hear that it may go on: back-pressure passes through.
 *
 * Owns:        the packets in `held`.
 * Invariants:  held is not empty only while the lower link owes a tx_ready.
 */
#include "link/wrap.h"

#include "base/assert.h"

#include <stdalign.h>
#include <string.h>

void *tcpip__link_alloc(const struct tcpip_env *env, size_t size)
{
    void *link = env->alloc(env->ctx, size, alignof(max_align_t));
    if (link != NULL)
        memset(link, 0, size);
    return link;
}

/* `env` may lie in the link itself. */
void tcpip__link_free(const struct tcpip_env *env, void *link, size_t size)
{
    void (*give_back)(void *ctx, void *ptr, size_t bytes) = env->free;
    give_back(env->ctx, link, size);
}

struct tcpip_env tcpip__link_env(const struct tcpip_env *env)
{
    struct tcpip_env own = {0};
    tcpip__link_options(env, &own, sizeof(own), env);
    return own;
}

void tcpip__link_options(const struct tcpip_env *env, void *to, size_t to_bytes, const void *given)
{
    size_t size = 0;
    if (given == NULL)
        return;
    memcpy(&size, given, sizeof(size));
    ASSERT_ENV(env, size >= sizeof(size) && size <= to_bytes);
    memcpy(to, given, size);
}

void tcpip__link_drop_all(struct tcpip_packet_list *list, enum tcpip_drop reason)
{
    for (struct tcpip_packet *packet; (packet = tcpip_packet_list_pop(list)) != NULL;)
        tcpip_packet_drop(packet, reason);
}

void tcpip__link_turn_round(struct tcpip_packet *packet)
{
    packet->nic = NULL;
    packet->at = 0;
    packet->network_offset = packet->transport_offset = packet->payload_offset = 0;
    packet->type = TCPIP_PACKET_HOST;
    packet->hash = packet->mark = 0;
    memset(&packet->network, 0, sizeof(packet->network));
    if (packet->link_protocol == 0 && packet->length > 0)
        packet->link_protocol = tcpip_link_protocol_of(*tcpip_packet_pull(packet, 0, 1));
}

bool tcpip__link_can_carry(uint32_t flags, const struct tcpip_packet *packet)
{
    switch ((enum tcpip_gso)packet->gso) {
    case TCPIP_GSO_NONE:
        return true;
    case TCPIP_GSO_TCPV4:
        return (flags & TCPIP_LINK_TSO4) != 0;
    case TCPIP_GSO_TCPV6:
        return (flags & TCPIP_LINK_TSO6) != 0;
    case TCPIP_GSO_UDP:
        return (flags & TCPIP_LINK_USO) != 0;
    }
    return false;
}

/* ---- the side that the lower link sees ---- */

static void wrap_tx_ready(struct tcpip_link_upper *below)
{
    struct wrap *wrap = container_of(below, struct wrap, below);
    struct tcpip_packet_list held = wrap->held;
    wrap->held = tcpip_packet_list_init();
    tcpip__wrap_send(wrap, &held);
    if (wrap_ready(wrap))
        tcpip_link_tx_ready(&wrap->link);
}

static void wrap_state(struct tcpip_link_upper *below, bool up, enum tcpip_error error)
{
    tcpip_link_set_state(&container_of(below, struct wrap, below)->link, up, error);
}

void tcpip__wrap_init(struct wrap *wrap, const struct tcpip_env *env, const struct tcpip_link_ops *ops,
                      struct tcpip_link *lower,
                      void (*deliver)(struct tcpip_link_upper *below, struct tcpip_packet_list *packets))
{
    wrap->link.ops = ops;
    wrap->below.deliver = deliver;
    wrap->below.tx_ready = wrap_tx_ready;
    wrap->below.state = wrap_state;
    wrap->lower = lower;
    wrap->env = tcpip__link_env(env);
}

enum tcpip_error tcpip__wrap_attach(struct tcpip_link *link, struct tcpip_stack *stack, struct tcpip_link_upper *upper)
{
    struct wrap *wrap = container_of(link, struct wrap, link);
    if (link->stack != NULL)
        return TCPIP_ERR_BAD_LINK_ENDPOINT;
    /* Before the lower link: it may speak as soon as it is attached. */
    link->stack = stack;
    link->upper = upper;
    enum tcpip_error error = wrap->lower->ops->attach(wrap->lower, stack, &wrap->below);
    if (error != TCPIP_OK) {
        link->stack = NULL;
        link->upper = NULL;
    }
    return error;
}

void tcpip__wrap_detach(struct tcpip_link *link)
{
    struct wrap *wrap = container_of(link, struct wrap, link);
    tcpip__link_drop_all(&wrap->held, TCPIP_DROP_NIC_REMOVED);
    wrap->lower->ops->detach(wrap->lower);
    link->stack = NULL;
    link->upper = NULL;
}

void tcpip__wrap_send(struct wrap *wrap, struct tcpip_packet_list *packets)
{
    if (packets->count > 0 && wrap->held.count == 0)
        wrap->lower->ops->transmit(wrap->lower, packets);
    tcpip_packet_list_append(&wrap->held, packets);
}
