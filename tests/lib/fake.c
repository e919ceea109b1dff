// SPDX-License-Identifier: MIT
/* fake.c: the fake link and protocols.
 *
 * Owns: endpoints until they are closed, sent packets until they are taken.  Invariants: an endpoint's index in packets
 * is its id.  Not here: anything true. */
#include "fake.h"

#include "needs.h"
#include "stack/nic.h"

#include <stdlib.h>
#include <string.h>

/* ---- link ---- */

static void fake_capabilities(struct tcpip_link *link, struct tcpip_link_capabilities *out)
{
    *out = container_of(link, struct fake_link, link)->caps;
}

static enum tcpip_error fake_attach(struct tcpip_link *link, struct tcpip_stack *stack, struct tcpip_link_upper *upper)
{
    struct fake_link *fake = container_of(link, struct fake_link, link);
    if (fake->refuse_attach)
        return TCPIP_ERR_LINK_DOWN;
    link->stack = stack;
    link->upper = upper;
    fake->detached = false;
    return TCPIP_OK;
}

static void fake_detach(struct tcpip_link *link)
{
    struct fake_link *fake = container_of(link, struct fake_link, link);
    fake_link_clear(fake);
    fake->detached = true;
    link->stack = NULL;
    link->upper = NULL;
}

static size_t fake_transmit(struct tcpip_link *link, struct tcpip_packet_list *packets)
{
    struct fake_link *fake = container_of(link, struct fake_link, link);
    size_t taken = 0;
    fake->transmits++;
    if (packets->count > fake->largest_batch)
        fake->largest_batch = packets->count;
    if (fake->on_transmit != NULL)
        fake->on_transmit(fake, packets);
    while (packets->head != NULL && fake->sent.count < fake->capacity) {
        tcpip_packet_list_push(&fake->sent, tcpip_packet_list_pop(packets));
        taken++;
    }
    return taken;
}

static const struct tcpip_link_ops fake_link_ops = {
    .name = "fake",
    .capabilities = fake_capabilities,
    .attach = fake_attach,
    .detach = fake_detach,
    .transmit = fake_transmit,
};

void fake_link_init(struct fake_link *link)
{
    *link = (struct fake_link){
        .link = {.ops = &fake_link_ops},
        .caps = {.mtu = 1500, .header_room = 14},
        .capacity = UINT32_MAX,
    };
}

struct tcpip_packet *fake_link_take(struct fake_link *link)
{
    return tcpip_packet_list_pop(&link->sent);
}

void fake_link_clear(struct fake_link *link)
{
    tcpip_packet_list_free(&link->sent);
}

void fake_link_deliver(struct fake_link *link, uint16_t protocol, const void *bytes, size_t size)
{
    struct tcpip_packet_list batch = tcpip_packet_list_init();
    struct tcpip_packet *packet = tcpip_packet_new(link->link.stack);
    failing_require(packet != NULL && tcpip_packet_append(packet, bytes, size) == TCPIP_OK);
    packet->link_protocol = protocol;
    tcpip_packet_list_push(&batch, packet);
    tcpip_link_deliver(&link->link, &batch);
}

/* ---- network ---- */

struct fake_network_state *fake_network_state(struct tcpip_stack *stack)
{
    return tcpip__stack_network_state(stack, FAKE_NETWORK);
}

static enum tcpip_error fake_nic_init(struct tcpip_nic *nic, void *state)
{
    *(uint32_t *)state = nic->id;
    fake_network_state(nic->stack)->nics++;
    return TCPIP_OK;
}

static void fake_nic_fini(struct tcpip_nic *nic, void *state)
{
    if (*(uint32_t *)state != nic->id)
        abort();
    fake_network_state(nic->stack)->nics--;
}

static void fake_nic_up(struct tcpip_nic *nic, void *state)
{
    (void)state;
    fake_network_state(nic->stack)->up++;
}

static void fake_nic_down(struct tcpip_nic *nic, void *state)
{
    (void)state;
    fake_network_state(nic->stack)->down++;
}

static void fake_network_input(struct tcpip_nic *nic, struct tcpip_packet *packet)
{
    fake_network_state(nic->stack)->received++;
    packet->network.protocol = FAKE_NETWORK;
    packet->network.transport = FAKE_TRANSPORT;
    packet->network.upper_bytes = packet->length;
    packet->transport_offset = 0;
    tcpip__transport_deliver(nic, packet);
}

const struct tcpip_network_protocol fake_network = {
    .name = "fake",
    .number = FAKE_NETWORK,
    .address_bytes = 4,
    .minimum_bytes = 1,
    .stack_state_bytes = sizeof(struct fake_network_state),
    .nic_state_bytes = sizeof(uint32_t),
    .nic_init = fake_nic_init,
    .nic_fini = fake_nic_fini,
    .nic_up = fake_nic_up,
    .nic_down = fake_nic_down,
    .input = fake_network_input,
};

/* ---- transport ---- */

static struct fake_endpoint *fake_of(struct tcpip_endpoint *endpoint)
{
    return container_of(endpoint, struct fake_endpoint, base);
}

static void fake_transport_input(struct tcpip_stack *stack, struct tcpip_packet *packet)
{
    uint8_t id = *tcpip_packet_pull(packet, 0, 1);
    list_for_each(node, &stack->endpoints)
    {
        struct fake_endpoint *endpoint = fake_of(container_of(node, struct tcpip_endpoint, all));
        if (endpoint->base.id != id)
            continue;
        endpoint->received++;
        endpoint->queued++;
        endpoint->ready |= TCPIP_EVENT_IN;
        endpoint_mark_dirty(&endpoint->base);
        endpoint_notify(&endpoint->base, TCPIP_EVENT_IN);
        tcpip_packet_free(packet);
        return;
    }
    if (!tcpip__transport_handler(stack, packet))
        tcpip_packet_drop(packet, TCPIP_DROP_UDP_NO_PORT);
}

static void fake_destroy(struct tcpip_endpoint *endpoint)
{
    tcpip__endpoint_fini(endpoint);
    free(fake_of(endpoint));
}

static enum tcpip_error fake_bind(struct tcpip_endpoint *endpoint, const struct tcpip_full_address *address,
                                  enum tcpip_error (*commit)(void *ctx), void *ctx)
{
    (void)endpoint, (void)address;
    return commit != NULL ? commit(ctx) : TCPIP_OK;
}

static enum tcpip_error fake_connect(struct tcpip_endpoint *endpoint, const struct tcpip_full_address *address)
{
    (void)address;
    endpoint_notify(endpoint, TCPIP_EVENT_OUT);
    return TCPIP_OK;
}

static enum tcpip_error fake_recvmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                     size_t *done, struct tcpip_full_address *from, struct tcpip_control *control)
{
    struct fake_endpoint *fake = fake_of(endpoint);
    (void)from, (void)control;
    if (fake->queued == 0) {
        *done = 99; /* the wrapper must hide it */
        return TCPIP_ERR_WOULD_BLOCK;
    }
    for (size_t i = 0; i < io_count; i++)
        *done += io[i].size;
    if (--fake->queued == 0)
        fake->ready &= ~TCPIP_EVENT_IN;
    return TCPIP_OK;
}

static enum tcpip_error fake_sendmsg(struct tcpip_endpoint *endpoint, const struct tcpip_io *io, size_t io_count,
                                     uint32_t flags, const struct tcpip_full_address *to,
                                     const struct tcpip_control *control, size_t *done)
{
    (void)io, (void)io_count, (void)flags, (void)to, (void)control;
    endpoint_mark_dirty(endpoint);
    *done = io[0].size;
    return TCPIP_OK;
}

static enum tcpip_error fake_peek(struct tcpip_endpoint *endpoint, bool (*writer)(void *, const void *, size_t),
                                  void *ctx, size_t *done)
{
    (void)endpoint;
    while (writer(ctx, "ab", 2))
        *done += 2;
    return TCPIP_OK;
}

static enum tcpip_error fake_shutdown(struct tcpip_endpoint *endpoint, uint32_t flags)
{
    (void)flags;
    fake_of(endpoint)->ready |= TCPIP_EVENT_HUP;
    endpoint_notify(endpoint, TCPIP_EVENT_HUP);
    return TCPIP_OK;
}

static void fake_local_address(const struct tcpip_endpoint *endpoint, struct tcpip_full_address *out)
{
    (void)endpoint;
    out->port = 1;
}

static enum tcpip_error fake_remote_address(const struct tcpip_endpoint *endpoint, struct tcpip_full_address *out)
{
    (void)endpoint, (void)out;
    return TCPIP_ERR_NOT_CONNECTED;
}

static uint32_t fake_readiness(const struct tcpip_endpoint *endpoint)
{
    return ((const struct fake_endpoint *)(const void *)endpoint)->ready;
}

static enum tcpip_error fake_option_set(struct tcpip_endpoint *endpoint, enum tcpip_option option, int64_t value)
{
    (void)endpoint, (void)option, (void)value;
    return TCPIP_OK;
}

static enum tcpip_error fake_option_get(struct tcpip_endpoint *endpoint, enum tcpip_option option, int64_t *value)
{
    *value = tcpip_stack_default(endpoint->stack, option);
    return TCPIP_OK;
}

static void fake_flush(struct tcpip_endpoint *endpoint)
{
    struct fake_endpoint *fake = fake_of(endpoint);
    fake->flushes++;
    if (fake->on_flush != NULL)
        fake->on_flush(fake);
}

static const struct tcpip_endpoint_ops fake_endpoint_ops = {
    .bind = fake_bind,
    .connect = fake_connect,
    .recvmsg = fake_recvmsg,
    .sendmsg = fake_sendmsg,
    .peek = fake_peek,
    .shutdown = fake_shutdown,
    .close = fake_destroy,
    .abandon = fake_destroy,
    .local_address = fake_local_address,
    .remote_address = fake_remote_address,
    .readiness = fake_readiness,
    .set_option = fake_option_set,
    .get_option = fake_option_get,
    .flush = fake_flush,
};

static enum tcpip_error fake_new_endpoint(struct tcpip_stack *stack, uint32_t network, struct tcpip_endpoint **out)
{
    struct fake_endpoint *endpoint = calloc(1, sizeof(*endpoint));
    enum tcpip_error error = tcpip__endpoint_init(&endpoint->base, stack, &fake_endpoint_ops, FAKE_TRANSPORT, network);
    if (error != TCPIP_OK) {
        free(endpoint);
        return error;
    }
    *out = &endpoint->base;
    return TCPIP_OK;
}

const struct tcpip_transport_protocol fake_transport = {
    .name = "fake",
    .number = FAKE_TRANSPORT,
    .new_endpoint = fake_new_endpoint,
    .input = fake_transport_input,
};

/* ---- all together ---- */

static const struct tcpip_network_protocol *const fake_networks[] = {&fake_network, NULL};
static const struct tcpip_transport_protocol *const fake_transports[] = {&fake_transport, NULL};
const struct tcpip_protocols fake_protocols = {fake_networks, fake_transports};

struct tcpip_stack *fake_stack_new(struct test_env *env, const struct tcpip_limits *limits)
{
    struct tcpip_stack *stack;
    failing_require(tcpip_stack_new(&env->env, limits, &fake_protocols, &stack) == TCPIP_OK);
    return stack;
}

struct fake_endpoint *fake_endpoint_new(struct tcpip_stack *stack)
{
    struct tcpip_endpoint *endpoint;
    failing_require(tcpip_stack_new_endpoint(stack, FAKE_TRANSPORT, FAKE_NETWORK, &endpoint) == TCPIP_OK);
    return fake_of(endpoint);
}

void fake_send(struct tcpip_stack *stack, struct tcpip_nic *nic, struct tcpip_nic *loop, uint8_t to)
{
    struct tcpip_packet *packet = tcpip_packet_new(stack);
    *tcpip_packet_push(packet, 1) = to;
    packet->link_protocol = FAKE_NETWORK;
    if (nic != NULL)
        tcpip__nic_transmit(nic, packet);
    else
        tcpip__nic_loop(loop, packet);
}
