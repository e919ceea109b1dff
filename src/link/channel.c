// SPDX-License-Identifier: MIT
/* channel.c: a link whose other side is the program.
 *
 * What the stack sends waits in a queue until the program collects it; what the program injects is delivered. A full
 * queue pushes back, and the sender is told to go on when half of it has been collected (or at the latest when it is
 * empty), not at every packet: each telling is a turn.
 *
 * Owns:        the packets sent and not collected.
 * Invariants:  queue.count <= queue_packets; blocked only while queue.count > queue_packets / 2.
 */
#include "base/assert.h"
#include "link/wrap.h"

enum { CHANNEL_MTU = 1500, CHANNEL_QUEUE = 512 };

struct channel {
    struct tcpip_link link;
    struct tcpip_env env;
    struct tcpip_channel_options options;
    struct tcpip_packet_list queue;
    bool blocked; /* packets were left with the sender */
};

static struct channel *channel_of(const struct tcpip_link *link)
{
    return container_of(link, struct channel, link);
}

static void channel_capabilities(struct tcpip_link *link, struct tcpip_link_capabilities *out)
{
    const struct tcpip_channel_options *options = &channel_of(link)->options;
    *out = (struct tcpip_link_capabilities){
        .mtu = options->mtu,
        .gso_max_bytes = options->gso_max_bytes,
        .flags = options->flags,
        .address = options->address,
    };
}

static enum tcpip_error channel_attach(struct tcpip_link *link, struct tcpip_stack *stack,
                                       struct tcpip_link_upper *upper)
{
    if (link->stack != NULL)
        return TCPIP_ERR_BAD_LINK_ENDPOINT;
    link->stack = stack;
    link->upper = upper;
    return TCPIP_OK;
}

static void channel_detach(struct tcpip_link *link)
{
    struct channel *channel = channel_of(link);
    tcpip__link_drop_all(&channel->queue, TCPIP_DROP_NIC_REMOVED);
    channel->blocked = false;
    link->stack = NULL;
    link->upper = NULL;
}

static size_t channel_transmit(struct tcpip_link *link, struct tcpip_packet_list *packets)
{
    struct channel *channel = channel_of(link);
    size_t taken = 0;
    while (packets->count > 0 && channel->queue.count < channel->options.queue_packets) {
        struct tcpip_packet *packet = tcpip_packet_list_pop(packets);
        taken++;
        if (tcpip__link_can_carry(channel->options.flags, packet))
            tcpip_packet_list_push(&channel->queue, packet);
        else
            tcpip_packet_drop(packet, TCPIP_DROP_LINK_TOO_BIG);
    }
    channel->blocked |= packets->count > 0;
    if (taken > 0 && channel->options.on_output != NULL)
        channel->options.on_output(channel->options.ctx);
    return taken;
}

static const struct tcpip_link_ops channel_ops = {
    .name = "channel",
    .capabilities = channel_capabilities,
    .attach = channel_attach,
    .detach = channel_detach,
    .transmit = channel_transmit,
};

struct tcpip_link *tcpip_channel_new(const struct tcpip_env *env, const struct tcpip_channel_options *options)
{
    struct channel *channel = tcpip__link_alloc(env, sizeof(*channel));
    if (channel == NULL)
        return NULL;
    channel->link.ops = &channel_ops;
    channel->env = tcpip__link_env(env);
    tcpip__link_options(env, &channel->options, sizeof(channel->options), options);
    if (channel->options.mtu == 0)
        channel->options.mtu = CHANNEL_MTU;
    if (channel->options.queue_packets == 0)
        channel->options.queue_packets = CHANNEL_QUEUE;
    return &channel->link;
}

void tcpip_channel_free(struct tcpip_link *link)
{
    struct channel *channel = channel_of(link);
    ASSERT_ENV(&channel->env, link->stack == NULL);
    tcpip__link_free(&channel->env, channel, sizeof(*channel));
}

void tcpip_channel_inject(struct tcpip_link *link, struct tcpip_packet *packet)
{
    if (link->stack == NULL) {
        tcpip_packet_drop(packet, TCPIP_DROP_NIC_REMOVED);
        return;
    }
    if (packet->link_protocol == 0 && packet->length > 0)
        packet->link_protocol = tcpip_link_protocol_of(*tcpip_packet_pull(packet, 0, 1));
    struct tcpip_packet_list list = tcpip_packet_list_init();
    tcpip_packet_list_push(&list, packet);
    tcpip_link_deliver(link, &list);
}

enum tcpip_error tcpip_channel_inject_bytes(struct tcpip_link *link, const void *bytes, size_t size)
{
    if (link->stack == NULL)
        return TCPIP_ERR_LINK_DOWN;
    struct tcpip_packet *packet = tcpip_packet_new(link->stack);
    if (packet == NULL)
        return TCPIP_ERR_NO_MEMORY;
    enum tcpip_error error = tcpip_packet_append(packet, bytes, size);
    if (error != TCPIP_OK)
        tcpip_packet_free(packet);
    else
        tcpip_channel_inject(link, packet);
    return error;
}

struct tcpip_packet *tcpip_channel_collect(struct tcpip_link *link)
{
    struct channel *channel = channel_of(link);
    struct tcpip_packet *packet = tcpip_packet_list_pop(&channel->queue);
    if (channel->blocked && channel->queue.count <= channel->options.queue_packets / 2) {
        channel->blocked = false;
        tcpip_link_tx_ready(link);
    }
    return packet;
}

uint32_t tcpip_channel_pending(const struct tcpip_link *link)
{
    return channel_of(link)->queue.count;
}
