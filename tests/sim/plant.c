// SPDX-License-Identifier: MIT
/* plant.c: bugs on purpose. Whoever judges has to find them, or isn't worth much: `sim --tap` plants each in some seeds
 * and expects a report.
 *
 * They are planted where the library meets its world, so that the library itself has no such code: between a NIC and
 * its link, in the memory, at a waiter.
 *
 * Owns:     the link in between.
 * Not here: the oracles (judge.c, side_data.c, run.c). */
#include "link/wrap.h"
#include "sim.h"

#include <string.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>
#include <tcpip/header/tcp.h>

enum { PLANT_AFTER = 3 }; /* times that all goes well */

struct plant_link {
    struct wrap wrap;
    struct sim *sim;
    uint32_t seen;
    uint32_t seq; /* FORGET: this byte never leaves */
    uint32_t ports;
};

static const char *const plant_names[] = {
#define PLANT_NAME_(name, word) word,
    SIM_PLANTS(PLANT_NAME_)
#undef PLANT_NAME_
};

const char *sim_plant_name(uint32_t plant)
{
    return plant < SIM_PLANT_COUNT ? plant_names[plant] : NULL;
}

bool plant_due(struct sim *sim, enum sim_plant plant)
{
    return sim->options.plant == plant && ++sim->planted == PLANT_AFTER;
}

/* ---- between NIC and link ---- */

struct tcp_place {
    uint8_t *header, *data;
    uint32_t data_bytes;
};

/* Where the data of a TCP packet are; false: it has none, or isn't one. Its bytes lie together then. */
static bool plant_find(struct tcpip_packet *packet, struct tcp_place *out)
{
    uint8_t *p = tcpip_packet_pull(packet, 0, packet->length);
    uint32_t at = 0;
    if (p == NULL || packet->length < TCPIP_IPV4_HEADER_MIN)
        return false;
    if (p[0] >> 4 == 4 && tcpip_ipv4_protocol(p) == TCPIP_PROTOCOL_TCP && tcpip_ipv4_fragment_offset(p) == 0)
        at = (uint32_t)tcpip_ipv4_header_bytes(p);
    else if (p[0] >> 4 == 6 && p[6] == TCPIP_PROTOCOL_TCP)
        at = TCPIP_IPV6_HEADER_BYTES;
    if (at == 0 || packet->length < at + TCPIP_TCP_HEADER_MIN)
        return false;
    uint32_t data = at + (uint32_t)tcpip_tcp_header_bytes(p + at);
    out->header = p + at;
    out->data = p + data;
    out->data_bytes = packet->length > data ? packet->length - data : 0;
    return out->data_bytes > 0;
}

static uint32_t load_ports(const uint8_t *header)
{
    return tcpip_load_u32(header);
}

static bool plant_forgets(struct plant_link *link, const struct tcp_place *place)
{
    uint32_t seq = tcpip_load_u32(place->header + 4);
    if (++link->seen == PLANT_AFTER) {
        link->seq = seq;
        link->ports = load_ports(place->header);
    }
    return link->seen >= PLANT_AFTER && load_ports(place->header) == link->ports && link->seq - seq < place->data_bytes;
}

static size_t plant_transmit(struct tcpip_link *upper, struct tcpip_packet_list *packets)
{
    struct plant_link *link = container_of(upper, struct plant_link, wrap.link);
    struct tcpip_packet_list kept = tcpip_packet_list_init();
    struct tcp_place place;
    size_t count = packets->count;
    for (struct tcpip_packet *packet; (packet = tcpip_packet_list_pop(packets)) != NULL;) {
        if (link->sim->options.plant == SIM_PLANT_FORGET && packet->checksum != TCPIP_CHECKSUM_PARTIAL &&
            plant_find(packet, &place) && plant_forgets(link, &place))
            tcpip_packet_free(packet);
        else
            tcpip_packet_list_push(&kept, packet);
    }
    if (kept.count > 0)
        tcpip__wrap_send(&link->wrap, &kept);
    return count;
}

static void plant_deliver(struct tcpip_link_upper *below, struct tcpip_packet_list *packets)
{
    struct plant_link *link = container_of(below, struct plant_link, wrap.below);
    struct tcpip_packet_list changed = tcpip_packet_list_init();
    struct tcp_place place;
    for (struct tcpip_packet *packet; (packet = tcpip_packet_list_pop(packets)) != NULL;) {
        if (link->sim->options.plant == SIM_PLANT_FLIP && plant_find(packet, &place) && ++link->seen == PLANT_AFTER) {
            uint32_t at = place.data_bytes / 2;
            place.data[at] ^= 1; /* and the sum was looked at before */
            if (packet->checksum == TCPIP_CHECKSUM_NONE)
                packet->checksum = TCPIP_CHECKSUM_VERIFIED;
        }
        tcpip_packet_list_push(&changed, packet);
    }
    tcpip_link_deliver(&link->wrap.link, &changed);
}

static void plant_capabilities(struct tcpip_link *upper, struct tcpip_link_capabilities *out)
{
    struct plant_link *link = container_of(upper, struct plant_link, wrap.link);
    link->wrap.lower->ops->capabilities(link->wrap.lower, out);
    if (link->sim->options.plant == SIM_PLANT_FORGET) { /* it looks at whole segments */
        out->flags &= ~(uint32_t)(TCPIP_LINK_TX_CHECKSUM | TCPIP_LINK_TSO4 | TCPIP_LINK_TSO6 | TCPIP_LINK_USO);
        out->gso_max_bytes = 0;
    }
}

static const struct tcpip_link_ops plant_ops = {
    .name = "plant",
    .capabilities = plant_capabilities,
    .attach = tcpip__wrap_attach,
    .detach = tcpip__wrap_detach,
    .transmit = plant_transmit,
};

struct tcpip_link *plant_link_new(struct sim *sim, struct sim_host *host)
{
    struct plant_link *link = tcpip__link_alloc(&host->world.env, sizeof(*link));
    if (link == NULL)
        return NULL;
    tcpip__wrap_init(&link->wrap, &host->world.env, &plant_ops, host->top, plant_deliver);
    link->sim = sim;
    return &link->wrap.link;
}

void plant_link_free(struct tcpip_link *link)
{
    struct plant_link *plant = container_of(link, struct plant_link, wrap.link);
    tcpip__link_free(&plant->wrap.env, plant, sizeof(*plant));
}
