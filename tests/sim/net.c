// SPDX-License-Identifier: MIT
/* net.c: what lies between more than two hosts: a router with a subnet at each port, or a switch with all hosts on one.
 *
 *     stack - [capture] - [ethernet] - fault - [ethernet] - channel = port of the net
 *
 * The router is no stack of ours: it looks at a header's checksum, counts the TTL down, finds the port by the address,
 * cuts what is too long and may be cut, and speaks ICMP about the rest. On Ethernet it answers ARP and neighbour
 * solicitations for its own address. The switch passes frames on by address, and answers for hosts that have no stack.
 * Either can be partitioned: then nothing passes between two halves, or only one way.
 *
 * What a host shall receive waits in a queue of its port, as bytes, until it is its turn: so much at once as is drawn.
 *
 * Owns:       channels, queued packets.
 * Invariants: nothing is lost here but by partitions and by routes that don't exist.
 * Not here:   rates, delays and losses: each host's fault link has them. */
#include "segment.h"
#include "sim.h"

#include <stdlib.h>
#include <string.h>
#include <tcpip/header/bytes.h>

enum {
    NET_FRAME_MAX = 66000,
    NET_QUEUE_MAX = 8192,
    ETHERNET_BYTES = 14,
    NET_QUOTE_MAX = 500, /* of a packet that ICMP speaks of */
    NET_ROUTER = 254,    /* the last byte of the router's address on each subnet */
};

struct net_packet {
    struct net_packet *next;
    uint32_t bytes;
    uint8_t data[];
};

static bool is_ethernet(const struct sim *sim)
{
    return sim->plan->wire == PLAN_WIRE_ETHERNET;
}

/* ---- addresses ---- */

void net_address(const struct plan *plan, uint32_t host, uint32_t family, uint32_t last, struct tcpip_address *out)
{
    static const uint8_t v6[16] = {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    uint8_t subnet = plan->net == PLAN_NET_ROUTER ? (uint8_t)(host + 1) : 0;
    if (family == PLAN_IPV4) {
        *out = tcpip_address_v4(10, 0, subnet, (uint8_t)last);
        return;
    }
    *out = tcpip_address_v6(v6);
    out->bytes[7] = subnet;
    out->bytes[15] = (uint8_t)last;
}

void net_gateway(const struct plan *plan, uint32_t host, uint32_t family, struct tcpip_address *out)
{
    net_address(plan, host, family, NET_ROUTER, out);
}

static void net_mac(const struct sim *sim, uint32_t host, uint8_t out[6])
{
    const uint8_t mac[6] = {2, 0, 0, 0, sim->plan->net == PLAN_NET_ROUTER ? 1 : 0, (uint8_t)(host + 1)};
    memcpy(out, mac, 6);
}

/* The host whose address it is, by its bytes; PLAN_HOSTS_MAX: nobody's. */
static uint32_t net_host_of(const struct sim *sim, const uint8_t *address, uint32_t length)
{
    uint32_t family = length == 4 ? PLAN_IPV4 : PLAN_IPV6;
    for (uint32_t i = 0; i < sim->plan->host_count; i++)
        if (memcmp(sim->hosts[i].address[family].bytes, address, length) == 0)
            return i;
    return PLAN_HOSTS_MAX;
}

/* ---- queues ---- */

static void net_queue(struct sim_host *host, const uint8_t *front, uint32_t front_bytes, const uint8_t *data,
                      uint32_t bytes)
{
    if (host->queued >= NET_QUEUE_MAX)
        return;
    struct net_packet *packet = malloc(sizeof(*packet) + front_bytes + bytes);
    packet->next = NULL;
    packet->bytes = front_bytes + bytes;
    if (front_bytes > 0)
        memcpy(packet->data, front, front_bytes);
    memcpy(packet->data + front_bytes, data, bytes);
    if (host->queue_last != NULL)
        host->queue_last->next = packet;
    else
        host->queue_first = packet;
    host->queue_last = packet;
    host->queued++;
}

static struct net_packet *net_unqueue(struct sim_host *host)
{
    struct net_packet *packet = host->queue_first;
    if (packet == NULL)
        return NULL;
    host->queue_first = packet->next;
    if (host->queue_first == NULL)
        host->queue_last = NULL;
    host->queued--;
    return packet;
}

void net_free(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->plan->host_count; i++)
        for (struct net_packet *packet; (packet = net_unqueue(&sim->hosts[i])) != NULL;)
            free(packet);
}

/* ---- to a host ---- */

static bool net_cut_off(const struct sim *sim, uint32_t from, uint32_t to)
{
    uint32_t sides = sim->partition;
    bool one = (sides >> from & 1) != 0, other = (sides >> to & 1) != 0;
    return sides != 0 && one != other && (!sim->partition_one_way || one);
}

/* A bare IP packet to the host at a port. */
static void net_to_host(struct sim *sim, uint32_t to, uint32_t from, const uint8_t *packet, uint32_t bytes)
{
    struct sim_host *host = &sim->hosts[to];
    uint8_t frame[ETHERNET_BYTES];
    if (host->stack == NULL || !is_ethernet(sim)) {
        net_queue(host, NULL, 0, packet, bytes);
        return;
    }
    const uint8_t mac[6] = {2, 0, 0, 0, 0, (uint8_t)(to + 1)};
    memcpy(frame, mac, 6);
    net_mac(sim, sim->plan->net == PLAN_NET_ROUTER ? to : from, frame + 6);
    tcpip_store_u16(frame + 12, packet[0] >> 4 == 4 ? 0x0800 : 0x86dd);
    net_queue(host, frame, sizeof(frame), packet, bytes);
}

/* ---- the router ---- */

enum net_complaint { NET_TOO_BIG, NET_UNREACHABLE, NET_EXPIRED };

/* ICMP to who sent this; never about ICMP, nor about a fragment that isn't the first. */
static void net_complain(struct sim *sim, uint32_t port, enum net_complaint what, const uint8_t *packet, uint32_t bytes,
                         uint32_t mtu)
{
    static const uint8_t v4_types[3][2] = {{3, 4}, {3, 1}, {11, 0}}, v6_types[3][2] = {{2, 0}, {1, 0}, {3, 0}};
    uint8_t out[NET_QUOTE_MAX + 100], *icmp;
    struct tcpip_address router, to;
    uint32_t quote = bytes < NET_QUOTE_MAX ? bytes : NET_QUOTE_MAX;
    bool v4 = packet[0] >> 4 == 4;
    uint8_t protocol = v4 ? SEGMENT_ICMPV4 : SEGMENT_ICMPV6;
    if (packet[v4 ? 9 : 6] == protocol || (v4 && (tcpip_load_u16(packet + 6) & 0x1fff) != 0))
        return;
    net_gateway(sim->plan, port, v4 ? PLAN_IPV4 : PLAN_IPV6, &router);
    to = v4 ? tcpip_address_v4(packet[12], packet[13], packet[14], packet[15]) : tcpip_address_v6(packet + 8);
    icmp = out + segment_ip(out, &router, &to, protocol, 8 + quote, 0, 0);
    memset(icmp, 0, 8);
    icmp[0] = v4 ? v4_types[what][0] : v6_types[what][0];
    icmp[1] = v4 ? v4_types[what][1] : v6_types[what][1];
    tcpip_store_u32(icmp + 4, mtu);
    memcpy(icmp + 8, packet, quote);
    uint32_t pseudo = v4 ? 0 : segment_pseudo_sum(&router, &to, protocol, 8 + quote);
    tcpip_store_u16(icmp + 2, (uint16_t)~segment_sum(icmp, 8 + quote, pseudo));
    net_to_host(sim, port, port, out, (uint32_t)(icmp - out) + 8 + quote);
}

/* Pieces of an IPv4 packet that fit (RFC 791 3.2). */
static void net_fragment(struct sim *sim, uint32_t to, uint8_t *packet, uint32_t bytes, uint32_t mtu)
{
    uint32_t header = (uint32_t)(packet[0] & 15) * 4, part = (mtu - header) / 8 * 8;
    uint16_t field = tcpip_load_u16(packet + 6);
    uint8_t *piece = malloc(mtu);
    for (uint32_t at = header; at < bytes; at += part) {
        uint32_t size = bytes - at < part ? bytes - at : part;
        bool more = at + size < bytes || (field & 0x2000) != 0;
        memcpy(piece, packet, header);
        memcpy(piece + header, packet + at, size);
        tcpip_store_u16(piece + 2, (uint16_t)(header + size));
        tcpip_store_u16(piece + 6, (uint16_t)((field & 0x1fff) + (at - header) / 8 + (more ? 0x2000u : 0)));
        tcpip_store_u16(piece + 10, 0);
        tcpip_store_u16(piece + 10, (uint16_t)~segment_sum(piece, header, 0));
        net_to_host(sim, to, to, piece, header + size);
    }
    free(piece);
}

/* false: not worth looking at. Cuts off what is behind the packet. */
static bool net_sound(const uint8_t *packet, uint32_t *bytes)
{
    if (*bytes >= 20 && packet[0] >> 4 == 4) {
        uint32_t header = (uint32_t)(packet[0] & 15) * 4, total = tcpip_load_u16(packet + 2);
        if (header < 20 || header > total || total > *bytes || segment_sum(packet, header, 0) != 0xffff)
            return false;
        *bytes = total;
        return true;
    }
    if (*bytes < 40 || packet[0] >> 4 != 6 || 40u + tcpip_load_u16(packet + 4) > *bytes)
        return false;
    *bytes = 40u + tcpip_load_u16(packet + 4);
    return true;
}

static void net_route(struct sim *sim, uint32_t from, uint8_t *packet, uint32_t bytes)
{
    if (!net_sound(packet, &bytes))
        return;
    bool v4 = packet[0] >> 4 == 4;
    uint32_t to = net_host_of(sim, packet + (v4 ? 16 : 24), v4 ? 4 : 16);
    uint8_t *ttl = &packet[v4 ? 8 : 7];
    if (to == PLAN_HOSTS_MAX)
        return;
    if (*ttl <= 1) {
        net_complain(sim, from, NET_EXPIRED, packet, bytes, 0);
        return;
    }
    if (net_cut_off(sim, from, to)) {
        if (sim->plan->net_speaks && rng_below(&sim->rng, 4) == 0)
            net_complain(sim, from, NET_UNREACHABLE, packet, bytes, 0);
        return;
    }
    uint32_t mtu = sim->plan->host[to].mtu;
    if (bytes > mtu && (!v4 || (packet[6] & 0x40) != 0)) {
        net_complain(sim, from, NET_TOO_BIG, packet, bytes, mtu);
        return;
    }
    --*ttl;
    if (v4) {
        tcpip_store_u16(packet + 10, 0);
        tcpip_store_u16(packet + 10, (uint16_t)~segment_sum(packet, (size_t)(packet[0] & 15) * 4, 0));
    }
    if (bytes > mtu)
        net_fragment(sim, to, packet, bytes, mtu);
    else
        net_to_host(sim, to, from, packet, bytes);
}

/* ---- who has this address ---- */

/* Does the net answer for it, asked at this port? The station that it says. */
static bool net_answers(const struct sim *sim, uint32_t port, const uint8_t *address, uint32_t length, uint8_t mac[6])
{
    if (sim->plan->net == PLAN_NET_ROUTER) {
        struct tcpip_address router;
        net_gateway(sim->plan, port, length == 4 ? PLAN_IPV4 : PLAN_IPV6, &router);
        net_mac(sim, port, mac);
        return memcmp(router.bytes, address, length) == 0;
    }
    uint32_t host = net_host_of(sim, address, length);
    if (host == PLAN_HOSTS_MAX || sim->hosts[host].stack != NULL)
        return false;
    net_mac(sim, host, mac);
    return true;
}

static void net_arp(struct sim *sim, uint32_t port, const uint8_t *frame, uint32_t bytes)
{
    uint8_t answer[ETHERNET_BYTES + 28], mac[6];
    const uint8_t *arp = frame + ETHERNET_BYTES;
    if (bytes < sizeof(answer) || tcpip_load_u16(arp + 6) != 1 || !net_answers(sim, port, arp + 24, 4, mac))
        return;
    memcpy(answer, frame + 6, 6);
    memcpy(answer + 6, mac, 6);
    memcpy(answer + 12, frame + 12, 2 + 6);
    tcpip_store_u16(answer + 20, 2);
    memcpy(answer + 22, mac, 6);
    memcpy(answer + 28, arp + 24, 4);
    memcpy(answer + 32, arp + 8, 10);
    net_queue(&sim->hosts[port], NULL, 0, answer, sizeof(answer));
}

/* A neighbour solicitation (RFC 4861 4.3), and the answer to it. */
static void net_ndp(struct sim *sim, uint32_t port, const uint8_t *frame, uint32_t bytes)
{
    static const uint8_t nobody[16];
    const uint8_t *ip = frame + ETHERNET_BYTES, *icmp = ip + 40;
    uint8_t answer[ETHERNET_BYTES + 40 + 32] = {0}, mac[6];
    if (bytes < ETHERNET_BYTES + 40 + 24 || ip[6] != SEGMENT_ICMPV6 || ip[7] != 255 || icmp[0] != 135 ||
        memcmp(ip + 8, nobody, 16) == 0 || !net_answers(sim, port, icmp + 8, 16, mac))
        return;
    struct tcpip_address from = tcpip_address_v6(icmp + 8), to = tcpip_address_v6(ip + 8);
    uint8_t *out = answer + ETHERNET_BYTES;
    memcpy(answer, frame + 6, 6);
    memcpy(answer + 6, mac, 6);
    tcpip_store_u16(answer + 12, 0x86dd);
    out += segment_ip(out, &from, &to, SEGMENT_ICMPV6, 32, 255, 0);
    out[0] = 136;
    tcpip_store_u32(out + 4, sim->plan->net == PLAN_NET_ROUTER ? 0xe0000000u : 0x60000000u);
    memcpy(out + 8, icmp + 8, 16);
    out[24] = 2;
    out[25] = 1;
    memcpy(out + 26, mac, 6);
    tcpip_store_u16(out + 2, (uint16_t)~segment_sum(out, 32, segment_pseudo_sum(&from, &to, SEGMENT_ICMPV6, 32)));
    net_queue(&sim->hosts[port], NULL, 0, answer, sizeof(answer));
}

/* ---- from a host ---- */

static void net_switch(struct sim *sim, uint32_t from, const uint8_t *frame, uint32_t bytes)
{
    for (uint32_t i = 0; i < sim->plan->host_count; i++) {
        const uint8_t mac[6] = {2, 0, 0, 0, 0, (uint8_t)(i + 1)};
        bool group = (frame[0] & 1) != 0;
        if (i == from || (!group && memcmp(mac, frame, 6) != 0) || net_cut_off(sim, from, i))
            continue;
        if (sim->hosts[i].stack != NULL)
            net_queue(&sim->hosts[i], NULL, 0, frame, bytes);
        else if (!group)
            net_queue(&sim->hosts[i], NULL, 0, frame + ETHERNET_BYTES, bytes - ETHERNET_BYTES);
    }
}

static void net_frame(struct sim *sim, uint32_t from, uint8_t *frame, uint32_t bytes)
{
    if (bytes <= ETHERNET_BYTES)
        return;
    uint16_t type = tcpip_load_u16(frame + 12);
    if (type == 0x0806)
        net_arp(sim, from, frame, bytes);
    else if (type == 0x86dd)
        net_ndp(sim, from, frame, bytes);
    uint8_t mac[6];
    net_mac(sim, from, mac);
    if (sim->plan->net == PLAN_NET_SWITCH)
        net_switch(sim, from, frame, bytes);
    else if (memcmp(frame, mac, 6) == 0 && (type == 0x0800 || type == 0x86dd))
        net_route(sim, from, frame + ETHERNET_BYTES, bytes - ETHERNET_BYTES);
}

void net_send(struct sim *sim, uint32_t from, uint8_t *packet, uint32_t bytes)
{
    if (sim->plan->net == PLAN_NET_ROUTER) {
        net_route(sim, from, packet, bytes);
        return;
    }
    bool v4 = packet[0] >> 4 == 4;
    uint32_t to = bytes >= 40 || v4 ? net_host_of(sim, packet + (v4 ? 16 : 24), v4 ? 4 : 16) : PLAN_HOSTS_MAX;
    if (to != PLAN_HOSTS_MAX && !net_cut_off(sim, from, to))
        net_to_host(sim, to, from, packet, bytes);
}

bool net_collect(struct sim *sim, struct sim_host *host)
{
    bool more = false;
    for (struct tcpip_packet *packet; (packet = tcpip_channel_collect(host->channel)) != NULL; more = true) {
        uint32_t bytes = packet->length;
        uint8_t *copy = malloc(bytes + 1);
        (void)tcpip_packet_copy_out(packet, 0, copy, bytes);
        tcpip_packet_free(packet);
        if (bytes > NET_FRAME_MAX)
            sim_fail(sim, "host %u sends %u bytes in one packet", host->index, bytes);
        else if (is_ethernet(sim))
            net_frame(sim, host->index, copy, bytes);
        else
            net_route(sim, host->index, copy, bytes);
        free(copy);
    }
    return more;
}

bool net_pump(struct sim *sim, struct sim_host *host, uint32_t budget)
{
    bool more = host->queued > 0, bracket = host->stack != NULL && rng_below(&sim->rng, 2) == 0;
    if (bracket)
        tcpip_stack_enter(host->stack);
    for (; budget > 0 && host->queued > 0; budget--) {
        struct net_packet *packet = net_unqueue(host);
        if (host->stack != NULL) /* without memory it is lost */
            (void)!tcpip_channel_inject_bytes(host->channel, packet->data, packet->bytes);
        else if (sim->plan->host[host->index].kind == PLAN_HOST_NAIVE)
            naive_input(sim, host->index, packet->data, packet->bytes);
        else
            hostile_input(sim, host->index, packet->data, packet->bytes);
        free(packet);
    }
    if (bracket)
        tcpip_stack_leave(host->stack);
    return more;
}

struct tcpip_link *net_port(struct sim *sim, struct sim_host *host)
{
    const struct plan *plan = sim->plan;
    struct tcpip_channel_options options = {
        .size = sizeof(options),
        .mtu = plan->host[host->index].mtu,
        .flags = plan->wire_flags & TCPIP_LINK_GRO,
        .queue_packets = plan->wire_queue,
    };
    host->channel = tcpip_channel_new(&host->world.env, &options);
    return host->channel;
}
