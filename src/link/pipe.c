// SPDX-License-Identifier: MIT
/* pipe.c: two links joined back to back.
 *
 * What one end sends, the other receives. Between two ends of one stack packets pass by reference (or with one copy, if
 * asked for: the wire of a benchmark that is to be honest). Between two stacks a packet is always copied, at the moment
 * it is sent and straight into the receiver's storage: no buffer crosses, the sender's packet is complete within the
 * sender's own turn, and the receiver isn't entered until its program asks for its packets (tcpip_pipe_pump). The copy
 * is one run of bytes whatever the packet was made of.
 *
 * Within one stack, without on_ready, packets are delivered while they are sent, and the stack takes them up in the
 * same turn. Otherwise they wait at the receiving end, up to queue_packets; more are left with the sender, who is told
 * to go on when half of the queue has been pumped.
 *
 * If the ends have addresses, the pipe is a wire with two stations: a packet for a third one is lost.
 *
 * Owns:        the packets that wait at each end, in the storage of that end's stack.
 * Invariants:  an end's `blocked` is set only while its peer's queue is more than half full.
 * Not here:    threads: both stacks run on one, or the program brackets the calls.
 */
#include "base/assert.h"
#include "base/math.h"
#include "link/wrap.h"

#include <string.h>
#include <tcpip/header/ethernet.h>

enum { PIPE_MTU = 1500, PIPE_QUEUE = 1024 };

struct pipe;

struct pipe_end {
    struct tcpip_link link;
    struct pipe *pipe;
    struct pipe_end *peer;
    uint32_t index;
    bool blocked;                   /* packets were left with this end's sender */
    struct tcpip_packet_list queue; /* received, not yet delivered */
};

struct pipe {
    struct pipe_end ends[2];
    struct tcpip_env env;
    struct tcpip_pipe_options options;
};

static struct pipe_end *pipe_end_of(struct tcpip_link *link)
{
    return container_of(link, struct pipe_end, link);
}

static void pipe_capabilities(struct tcpip_link *link, struct tcpip_link_capabilities *out)
{
    const struct pipe_end *end = pipe_end_of(link);
    const struct tcpip_pipe_options *options = &end->pipe->options;
    *out = (struct tcpip_link_capabilities){
        .mtu = options->mtu,
        .gso_max_bytes = options->gso_max_bytes,
        .flags = options->flags,
        .address = options->address[end->index],
    };
}

static enum tcpip_error pipe_attach(struct tcpip_link *link, struct tcpip_stack *stack, struct tcpip_link_upper *upper)
{
    if (link->stack != NULL)
        return TCPIP_ERR_BAD_LINK_ENDPOINT;
    link->stack = stack;
    link->upper = upper;
    return TCPIP_OK;
}

/* The peer may go on if it had to stop and there is room again. */
static void resume_peer(struct pipe_end *end)
{
    struct pipe_end *peer = end->peer;
    if (peer->blocked && end->queue.count <= end->pipe->options.queue_packets / 2) {
        peer->blocked = false;
        tcpip_link_tx_ready(&peer->link);
    }
}

static void pipe_detach(struct tcpip_link *link)
{
    struct pipe_end *end = pipe_end_of(link);
    tcpip__link_drop_all(&end->queue, TCPIP_DROP_NIC_REMOVED);
    end->blocked = false;
    link->stack = NULL;
    link->upper = NULL;
    resume_peer(end); /* what it still sends is lost, but it isn't stuck */
}

/* Does the packet reach the peer at all? Notes by which kind of address. */
static bool pipe_accepts(const struct pipe_end *peer, struct tcpip_packet *packet, enum tcpip_drop *reason)
{
    const struct tcpip_link_address *address = &peer->pipe->options.address[peer->index];
    const uint8_t *to = packet->link_destination.bytes;
    if (peer->link.stack == NULL) {
        *reason = TCPIP_DROP_LINK_DOWN;
        return false;
    }
    if (!tcpip__link_can_carry(peer->pipe->options.flags, packet)) {
        *reason = TCPIP_DROP_LINK_TOO_BIG;
        return false;
    }
    *reason = TCPIP_DROP_LINK_OTHER_HOST;
    return address->len == 0 || tcpip_ethernet_address_is_group(to) || memcmp(to, address->bytes, 6) == 0;
}

/* As the peer receives it; takes the packet. NULL: out of memory. */
static struct tcpip_packet *pipe_carry(struct pipe_end *end, struct tcpip_packet *packet)
{
    const struct tcpip_pipe_options *options = &end->pipe->options;
    struct tcpip_stack *to = end->peer->link.stack;
    if (options->copy || to != end->link.stack) {
        struct tcpip_packet *copy = tcpip_packet_copy(to, packet);
        if (copy == NULL) {
            tcpip_packet_drop(packet, TCPIP_DROP_NO_MEMORY);
            return NULL;
        }
        tcpip_packet_free(packet);
        packet = copy;
    }
    tcpip__link_turn_round(packet);
    if (options->address[end->index].len > 0) {
        memcpy(packet->link_source.bytes, options->address[end->index].bytes, sizeof(packet->link_source.bytes));
        const uint8_t *destination = packet->link_destination.bytes;
        if (tcpip_ethernet_address_is_broadcast(destination))
            packet->type = TCPIP_PACKET_BROADCAST;
        else if (tcpip_ethernet_address_is_group(destination))
            packet->type = TCPIP_PACKET_MULTICAST;
    }
    return packet;
}

static size_t pipe_transmit(struct tcpip_link *link, struct tcpip_packet_list *packets)
{
    struct pipe_end *end = pipe_end_of(link), *peer = end->peer;
    const struct tcpip_pipe_options *options = &end->pipe->options;
    bool at_once = options->on_ready[peer->index] == NULL && peer->link.stack == link->stack;
    uint32_t room = at_once ? UINT32_MAX : options->queue_packets, before = peer->queue.count;
    size_t taken = 0;
    while (packets->count > 0 && peer->queue.count < room) {
        struct tcpip_packet *packet = tcpip_packet_list_pop(packets);
        enum tcpip_drop reason;
        taken++;
        if (!pipe_accepts(peer, packet, &reason)) {
            tcpip_packet_drop(packet, reason);
            continue;
        }
        packet = pipe_carry(end, packet);
        if (packet != NULL)
            tcpip_packet_list_push(&peer->queue, packet);
    }
    end->blocked |= packets->count > 0;
    if (peer->queue.count == before)
        return taken;
    if (at_once) {
        struct tcpip_packet_list arrived = peer->queue;
        peer->queue = tcpip_packet_list_init();
        tcpip_link_deliver(&peer->link, &arrived);
    } else if (options->on_ready[peer->index] != NULL) {
        options->on_ready[peer->index](options->ctx);
    }
    return taken;
}

static const struct tcpip_link_ops pipe_ops = {
    .name = "pipe",
    .capabilities = pipe_capabilities,
    .attach = pipe_attach,
    .detach = pipe_detach,
    .transmit = pipe_transmit,
};

enum tcpip_error tcpip_pipe_new(const struct tcpip_env *env, const struct tcpip_pipe_options *options,
                                struct tcpip_link *ends[2])
{
    struct pipe *pipe = tcpip__link_alloc(env, sizeof(*pipe));
    if (pipe == NULL)
        return TCPIP_ERR_NO_MEMORY;
    pipe->env = tcpip__link_env(env);
    tcpip__link_options(env, &pipe->options, sizeof(pipe->options), options);
    if (pipe->options.mtu == 0)
        pipe->options.mtu = PIPE_MTU;
    if (pipe->options.queue_packets == 0)
        pipe->options.queue_packets = PIPE_QUEUE;
    for (uint32_t i = 0; i < 2; i++) {
        struct pipe_end *end = &pipe->ends[i];
        end->link.ops = &pipe_ops;
        end->pipe = pipe;
        end->peer = &pipe->ends[1 - i];
        end->index = i;
        ends[i] = &end->link;
    }
    return TCPIP_OK;
}

void tcpip_pipe_free(struct tcpip_link *ends[2])
{
    struct pipe *pipe = pipe_end_of(ends[0])->pipe;
    ASSERT_ENV(&pipe->env, pipe_end_of(ends[1])->pipe == pipe);
    ASSERT_ENV(&pipe->env, ends[0]->stack == NULL && ends[1]->stack == NULL);
    tcpip__link_free(&pipe->env, pipe, sizeof(*pipe));
    ends[0] = ends[1] = NULL;
}

uint32_t tcpip_pipe_pump(struct tcpip_link *link, uint32_t budget)
{
    struct pipe_end *end = pipe_end_of(link);
    struct tcpip_packet_list arrived = tcpip_packet_list_init();
    while (arrived.count < budget && end->queue.count > 0)
        tcpip_packet_list_push(&arrived, tcpip_packet_list_pop(&end->queue));
    uint32_t count = arrived.count;
    if (count > 0)
        tcpip_link_deliver(link, &arrived);
    resume_peer(end);
    return count;
}
