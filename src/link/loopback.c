// SPDX-License-Identifier: MIT
/* loopback.c: the link to ourselves: what is sent is received.
 *
 * Packets come back by reference: what the receiver reads are the sender's own buffers. Nothing can have damaged them
 * on the way, so that checksums are neither computed nor looked at, and a super-segment arrives as one unit.
 *
 * Invariants:  holds no packets.
 * Not here:    who lives at 127/8 (stack/), packets to addresses of our other NICs (the stack loops those itself).
 */
#include "base/assert.h"
#include "link/wrap.h"

enum { LOOPBACK_MTU = 65535 }; /* the largest IPv4 packet */

struct loopback {
    struct tcpip_link link;
    struct tcpip_env env;
    uint32_t mtu;
};

static void loopback_capabilities(struct tcpip_link *link, struct tcpip_link_capabilities *out)
{
    *out = (struct tcpip_link_capabilities){
        .mtu = container_of(link, struct loopback, link)->mtu,
        .gso_max_bytes = LOOPBACK_MTU,
        .flags = TCPIP_LINK_LOOPBACK | TCPIP_LINK_TX_CHECKSUM | TCPIP_LINK_RX_CHECKSUM | TCPIP_LINK_TSO4 |
                 TCPIP_LINK_TSO6 | TCPIP_LINK_USO | TCPIP_LINK_MULTICAST,
    };
}

static enum tcpip_error loopback_attach(struct tcpip_link *link, struct tcpip_stack *stack,
                                        struct tcpip_link_upper *upper)
{
    if (link->stack != NULL)
        return TCPIP_ERR_BAD_LINK_ENDPOINT;
    link->stack = stack;
    link->upper = upper;
    return TCPIP_OK;
}

static void loopback_detach(struct tcpip_link *link)
{
    link->stack = NULL;
    link->upper = NULL;
}

static size_t loopback_transmit(struct tcpip_link *link, struct tcpip_packet_list *packets)
{
    size_t count = packets->count;
    for (struct tcpip_packet *packet = packets->head; packet != NULL; packet = packet->next)
        tcpip__link_turn_round(packet);
    if (count > 0)
        tcpip_link_deliver(link, packets);
    return count;
}

static const struct tcpip_link_ops loopback_ops = {
    .name = "loopback",
    .capabilities = loopback_capabilities,
    .attach = loopback_attach,
    .detach = loopback_detach,
    .transmit = loopback_transmit,
};

struct tcpip_link *tcpip_loopback_new(const struct tcpip_env *env, uint32_t mtu)
{
    struct loopback *loopback = tcpip__link_alloc(env, sizeof(*loopback));
    if (loopback == NULL)
        return NULL;
    loopback->link.ops = &loopback_ops;
    loopback->env = tcpip__link_env(env);
    loopback->mtu = mtu != 0 ? mtu : LOOPBACK_MTU;
    return &loopback->link;
}

void tcpip_loopback_free(struct tcpip_link *link)
{
    struct loopback *loopback = container_of(link, struct loopback, link);
    ASSERT_ENV(&loopback->env, link->stack == NULL);
    tcpip__link_free(&loopback->env, loopback, sizeof(*loopback));
}
