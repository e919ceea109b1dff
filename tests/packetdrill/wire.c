// SPDX-License-Identifier: MIT
/* wire.c: raw IP packets between packetdrill and the stack, each stamped with the instant at which it was sent.
 *
 * packetdrill looks at IP's checksum and not at TCP's; here both are computed once more, byte by byte.
 *
 * Owns: the packets sent and not yet asked for. */
#include "adapter.h"

#include "../script/wire.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tcpip/header/print.h>

enum { WIRE_QUEUE = 65536 };

/* ---- birth and end ---- */

static void must(enum tcpip_error error, const char *what)
{
    if (error != TCPIP_OK)
        adapter_fail(what, tcpip_error_text(error));
}

static void add_address(struct adapter *adapter, const struct tcpip_address *address, unsigned bits)
{
    struct tcpip_prefix prefix = {.address = *address, .bits = (uint8_t)bits};
    struct tcpip_address_properties properties = {.size = sizeof properties, .flags = TCPIP_ADDRESS_NO_DAD};
    struct tcpip_route_entry everywhere = {.destination = {.address = {.len = address->len}}, .nic = ADAPTER_NIC};
    must(tcpip_stack_add_address(adapter->stack, ADAPTER_NIC, &prefix, &properties), "adding an address");
    must(tcpip_stack_add_route(adapter->stack, &everywhere), "adding a route");
}

void wire_open(struct adapter *adapter)
{
    struct tcpip_channel_options options = {
        .size = sizeof options,
        .mtu = adapter->invocation.mtu,
        .queue_packets = WIRE_QUEUE,
        .flags = TCPIP_LINK_KEEPS_PACKETS, /* as a TUN does, which scripts expect: it copies */
    };
    adapter->sent_end = &adapter->sent;
    adapter->link = tcpip_channel_new(&adapter->env.env, &options);
    if (adapter->link == NULL)
        adapter_fail("channel", "out of memory");
    must(tcpip_stack_create_nic(adapter->stack, ADAPTER_NIC, adapter->link, NULL), "creating the NIC");
    must(tcpip_stack_set_promiscuous(adapter->stack, ADAPTER_NIC, true), "promiscuous");
    must(tcpip_stack_set_spoofing(adapter->stack, ADAPTER_NIC, true), "spoofing");
    add_address(adapter, &adapter->invocation.local4, adapter->invocation.bits4);
    if (adapter->invocation.mtu >= 1280)
        add_address(adapter, &adapter->invocation.local6, adapter->invocation.bits6);
}

/* Scripts name what addresses they like, in bind. */
void wire_own_address(struct adapter *adapter, const struct sockaddr *address, socklen_t length)
{
    struct tcpip_address own;
    if (address == NULL || length < sizeof(struct sockaddr_in))
        return;
    if (address->sa_family == AF_INET) {
        own = (struct tcpip_address){.len = 4};
        memcpy(own.bytes, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    } else if (address->sa_family == AF_INET6 && length >= sizeof(struct sockaddr_in6)) {
        own = tcpip_address_v6(((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr);
        if (tcpip_address_is_v4_mapped(&own))
            own = tcpip_address_v4(own.bytes[12], own.bytes[13], own.bytes[14], own.bytes[15]);
    } else {
        return;
    }
    struct tcpip_prefix prefix = {.address = own, .bits = (uint8_t)(own.len * 8)};
    struct tcpip_address_properties properties = {.size = sizeof properties, .flags = TCPIP_ADDRESS_NO_DAD};
    tcpip_sockets_lock(adapter->sockets);
    /* Not an address (0.0.0.0), or ours already. */
    (void)!tcpip_stack_add_address(adapter->stack, ADAPTER_NIC, &prefix, &properties);
    tcpip_sockets_unlock(adapter->sockets);
}

static struct wire_packet *wire_take(struct adapter *adapter)
{
    struct wire_packet *packet = adapter->sent;
    if (packet != NULL) {
        adapter->sent = packet->next;
        if (adapter->sent == NULL)
            adapter->sent_end = &adapter->sent;
    }
    return packet;
}

void wire_close(struct adapter *adapter)
{
    struct wire_packet *packet;
    char text[TCPIP_PACKET_TEXT_MAX];
    while ((packet = wire_take(adapter)) != NULL) {
        tcpip_packet_print(text, sizeof text, packet->bytes, packet->size, TCPIP_PRINT_IP);
        fprintf(stderr, "libtcpip-packetdrill: sent, and nobody asked for it: %" PRId64 " us: %s\n",
                packet->at / TCPIP_US, text);
        free(packet);
    }
    tcpip_channel_free(adapter->link);
}

/* ---- packets ---- */

static void check(const struct wire_packet *packet)
{
    struct wire_view view;
    const uint8_t *bytes = packet->bytes;
    bool tcp = bytes[0] >> 4 == 4 ? bytes[9] == TCPIP_PROTOCOL_TCP : bytes[6] == TCPIP_PROTOCOL_TCP;
    const char *wrong = tcp ? wire_read(bytes, packet->size, &view) : NULL;
    if (wrong != NULL)
        adapter_fail("a packet that was sent", wrong);
}

void wire_collect(struct adapter *adapter)
{
    struct tcpip_packet *from;
    while ((from = tcpip_channel_collect(adapter->link)) != NULL) {
        struct wire_packet *packet = malloc(sizeof *packet + from->length);
        if (packet == NULL)
            adapter_fail("wire", "out of memory");
        packet->next = NULL;
        packet->at = adapter->env.now;
        packet->size = tcpip_packet_copy_out(from, 0, packet->bytes, from->length);
        tcpip_packet_free(from);
        check(packet);
        *adapter->sent_end = packet;
        adapter->sent_end = &packet->next;
    }
}

int wire_send(void *userdata, const void *packet, size_t size)
{
    struct adapter *adapter = userdata;
    adapter_start(adapter);
    clock_tick(adapter);
    tcpip_sockets_lock(adapter->sockets);
    wire_collect(adapter);
    enum tcpip_error error = tcpip_channel_inject_bytes(adapter->link, packet, size);
    tcpip_sockets_unlock(adapter->sockets);
    if (error != TCPIP_OK)
        adapter_fail("netdev_send", tcpip_error_text(error));
    clock_settle(adapter);
    return 0;
}

/* The next packet, whenever the stack sends it. When nothing is ever due again, there is none: size 0. */
int wire_receive(void *userdata, void *out, size_t *size, long long *time_usecs)
{
    struct adapter *adapter = userdata;
    adapter_start(adapter);
    clock_settle(adapter);
    while (adapter->sent == NULL) {
        tcpip_sockets_lock(adapter->sockets);
        tcpip_ns at = tcpip_stack_deadline(adapter->stack);
        tcpip_sockets_unlock(adapter->sockets);
        if (at == TCPIP_NEVER)
            break;
        clock_run_to(adapter, at);
    }
    tcpip_sockets_lock(adapter->sockets);
    struct wire_packet *packet = wire_take(adapter);
    tcpip_sockets_unlock(adapter->sockets);
    if (packet == NULL || packet->size > *size) {
        *size = 0;
        free(packet);
        return 0;
    }
    memcpy(out, packet->bytes, packet->size);
    *size = packet->size;
    *time_usecs = packet->at / TCPIP_US;
    free(packet);
    return 0;
}
