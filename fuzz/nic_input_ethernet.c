// SPDX-License-Identifier: MIT
/* nic_input_ethernet.c: fuzzes a whole stack behind Ethernet: frames to us, to groups and to others, ARP, neighbour
 * discovery, IP with TCP, UDP and ICMP behind it, while it listens, sends to neighbours that must be found, loses its
 * interface and has it back, and time goes by.
 *
 * Input: steps as in nic_input_ip.c. Asserted: every frame that leaves is a frame of ours, no longer than the link
 * takes; at the end every packet, timer and byte came back. */
#include "base/math.h"
#include "mend.h"

#include <tcpip/tcpip.h>

enum { STEPS_MAX = 400, FRAME_MAX = 14 + 1500, MTU = 1500, UDP_PORT = 7, TCP_PORT = 80 };

enum operation { /* the two lowest bits */
                 OPERATION_FRAME,
                 OPERATION_ARP,
                 OPERATION_CALL, /* parameter: which */
                 OPERATION_TIME, /* parameter squared, in 16 ms */
};

enum how { /* the others */
           HOW_RIGHT_CHECKSUMS = 1 << 2,
           HOW_TO_US = 1 << 3,
           HOW_RAW = 1 << 4,  /* the bytes are the frame */
           HOW_FROM = 1 << 5, /* by the second station */
           HOW_LINK = 3 << 6, /* to: us, all, a group, another station */
};

static const uint8_t own_mac[6] = {2, 0, 0, 0, 0, 1};

struct fuzz {
    struct fuzz_env world;
    struct tcpip_stack *stack;
    struct tcpip_link *channel, *ethernet;
    struct tcpip_endpoint *udp, *udp6, *listener, *client;
};

/* ---- the world ---- */

static void add_address(struct fuzz *fuzz, const char *text, uint32_t flags)
{
    struct tcpip_address_properties properties = {.size = sizeof(properties), .flags = flags};
    struct tcpip_prefix prefix;
    REQUIRE(tcpip_prefix_parse(text, &prefix) == TCPIP_OK);
    REQUIRE(tcpip_stack_add_address(fuzz->stack, 1, &prefix, &properties) == TCPIP_OK);
    struct tcpip_route_entry row = {.destination = prefix, .nic = 1};
    REQUIRE(tcpip_stack_add_route(fuzz->stack, &row) == TCPIP_OK);
}

static struct tcpip_endpoint *endpoint(struct fuzz *fuzz, uint32_t transport, uint32_t network, uint16_t port)
{
    struct tcpip_endpoint *made;
    struct tcpip_full_address own = {.port = port};
    REQUIRE(tcpip_stack_new_endpoint(fuzz->stack, transport, network, &made) == TCPIP_OK);
    REQUIRE(port == 0 || tcpip_endpoint_bind(made, &own, NULL, NULL) == TCPIP_OK);
    return made;
}

static void fuzz_start(struct fuzz *fuzz)
{
    struct tcpip_limits limits;
    struct tcpip_channel_options channel = {.size = sizeof(channel), .mtu = MTU, .flags = TCPIP_LINK_MULTICAST};
    struct tcpip_link_address own = {.len = 6};
    memcpy(own.bytes, own_mac, 6);
    tcpip_limits_tiny(&limits);
    REQUIRE(tcpip_stack_new(&fuzz->world.env, &limits, &tcpip_protocols_all, &fuzz->stack) == TCPIP_OK);
    fuzz->channel = tcpip_channel_new(&fuzz->world.env, &channel);
    REQUIRE(fuzz->channel != NULL);
    fuzz->ethernet = tcpip_ethernet_new(&fuzz->world.env, fuzz->channel, own);
    REQUIRE(fuzz->ethernet != NULL && tcpip_stack_create_nic(fuzz->stack, 1, fuzz->ethernet, NULL) == TCPIP_OK);
    add_address(fuzz, "10.0.0.1/24", 0);
    add_address(fuzz, "2001:db8::1/64", TCPIP_ADDRESS_NO_DAD);
    add_address(fuzz, "fe80::1/64", 0); /* tentative at first */
    fuzz->udp = endpoint(fuzz, TCPIP_PROTOCOL_UDP, TCPIP_PROTOCOL_IPV4, UDP_PORT);
    fuzz->udp6 = endpoint(fuzz, TCPIP_PROTOCOL_UDP, TCPIP_PROTOCOL_IPV6, UDP_PORT + 1);
    fuzz->listener = endpoint(fuzz, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV6, TCP_PORT); /* of both families */
    REQUIRE(tcpip_endpoint_listen(fuzz->listener, 4) == TCPIP_OK);
}

/* ---- steps ---- */

/* In a buffer of exactly its size: AddressSanitizer sees the first byte read beyond. */
static void inject(struct fuzz *fuzz, const uint8_t *frame, size_t size)
{
    struct tcpip_packet *packet = tcpip_packet_new(fuzz->stack);
    if (packet == NULL)
        return;
    if (size > 0 && tcpip_packet_append(packet, frame, (uint32_t)size) != TCPIP_OK) {
        tcpip_packet_free(packet);
        return;
    }
    packet->link_protocol = UINT16_MAX; /* the Ethernet link finds out */
    tcpip_channel_inject(fuzz->channel, packet);
}

static void step_frame(struct fuzz *fuzz, const uint8_t *bytes, size_t size, uint8_t how, bool arp)
{
    static const uint8_t to[4][6] = {
        {2, 0, 0, 0, 0, 1}, {255, 255, 255, 255, 255, 255}, {0x33, 0x33, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 9}};
    uint8_t frame[14 + 255] = {0};
    uint8_t *ip = frame + 14;
    if ((how & HOW_RAW) != 0) {
        inject(fuzz, bytes, size);
        return;
    }
    memcpy(frame, to[(how & HOW_LINK) >> 6], 6);
    frame[6] = 2;
    frame[11] = (how & HOW_FROM) != 0 ? 3 : 2;
    memcpy(ip, bytes, size);
    mend_ip(ip, arp ? 0 : size,
            ((how & HOW_RIGHT_CHECKSUMS) != 0 ? MEND_SUMS : 0) | ((how & HOW_TO_US) != 0 ? MEND_DESTINATION : 0));
    uint32_t type = arp ? TCPIP_PROTOCOL_ARP : tcpip_link_protocol_of(size > 0 ? ip[0] : 0);
    tcpip_store_u16(frame + 12, (uint16_t)type);
    inject(fuzz, frame, 14 + size);
}

/* To a neighbour that may have to be found first. */
static void send_to(struct fuzz *fuzz, bool v6, uint8_t last)
{
    struct tcpip_full_address to = {.address = tcpip_address_v4(10, 0, 0, last), .port = UDP_PORT};
    uint8_t sixteen[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = last}, message[200] = {last};
    size_t done;
    if (v6)
        to.address = tcpip_address_v6(sixteen);
    struct tcpip_endpoint *from = v6 ? fuzz->udp6 : fuzz->udp;
    (void)!tcpip_endpoint_write(from, message, sizeof(message), 0, &to, &done);
}

static void connect_to(struct fuzz *fuzz, uint8_t last)
{
    struct tcpip_full_address to = {.address = tcpip_address_v4(10, 0, 0, last), .port = TCP_PORT};
    if (fuzz->client != NULL)
        tcpip_endpoint_close(fuzz->client);
    fuzz->client = endpoint(fuzz, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, 0);
    (void)!tcpip_endpoint_connect(fuzz->client, &to);
}

static void read_all(struct fuzz *fuzz)
{
    struct tcpip_endpoint *accepted, *from[] = {fuzz->udp, fuzz->udp6, fuzz->client};
    uint8_t bytes[512];
    size_t done;
    for (size_t i = 0; i < array_count(from); i++)
        while (from[i] != NULL && tcpip_endpoint_read(from[i], bytes, sizeof(bytes), &done, NULL) == TCPIP_OK)
            ;
    while (tcpip_endpoint_accept(fuzz->listener, &accepted, NULL) == TCPIP_OK) {
        (void)!tcpip_endpoint_write(accepted, bytes, sizeof(bytes), 0, NULL, &done);
        tcpip_endpoint_close(accepted);
    }
}

static void step_call(struct fuzz *fuzz, uint8_t parameter)
{
    uint8_t last = (uint8_t)(parameter >> 3);
    switch (parameter & 7) {
    case 0:
    case 1:
        send_to(fuzz, (parameter & 1) != 0, last);
        break;
    case 2:
        connect_to(fuzz, last);
        break;
    case 3:
        read_all(fuzz);
        break;
    case 4:
        tcpip_ethernet_set_promiscuous(fuzz->ethernet, last % 2 != 0);
        break;
    case 5:
        tcpip_link_set_state(fuzz->channel, last % 2 != 0, TCPIP_ERR_LINK_DOWN);
        break;
    case 6:
        fuzz->world.fail_every = last == 0 ? 0 : 16u + last;
        break;
    default:
        tcpip_stack_trim(fuzz->stack);
        break;
    }
}

static void step_check(struct fuzz *fuzz)
{
    struct tcpip_packet *packet;
    while ((packet = tcpip_channel_collect(fuzz->channel)) != NULL) {
        const uint8_t *header = tcpip_packet_pull(packet, 0, 14);
        REQUIRE(header != NULL && packet->length <= FRAME_MAX && packet->length > 14);
        REQUIRE(memcmp(header + 6, own_mac, 6) == 0 && memcmp(header, own_mac, 6) != 0);
        uint16_t type = tcpip_load_u16(header + 12);
        REQUIRE(type == TCPIP_PROTOCOL_IPV4 || type == TCPIP_PROTOCOL_IPV6 || type == TCPIP_PROTOCOL_ARP);
        tcpip_packet_free(packet);
    }
}

static void step_time(struct fuzz *fuzz, tcpip_ns by)
{
    fuzz->world.now += by;
    while (tcpip_stack_advance(fuzz->stack, 0))
        ;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {.stack = NULL};
    fuzz_env_init(&fuzz.world);
    fuzz_start(&fuzz);
    struct fuzz_step step;
    for (int i = 0; i < STEPS_MAX && fuzz_next_step(&data, &size, &step); i++) {
        switch ((enum operation)(step.operation & 3)) {
        case OPERATION_FRAME:
        case OPERATION_ARP:
            step_frame(&fuzz, step.bytes, step.size, step.operation, (step.operation & 3) == OPERATION_ARP);
            break;
        case OPERATION_CALL:
            step_call(&fuzz, step.parameter);
            break;
        case OPERATION_TIME:
            step_time(&fuzz, 16 * TCPIP_MS * step.parameter * step.parameter);
            break;
        }
        step_check(&fuzz);
    }
    tcpip_stack_free(fuzz.stack);
    tcpip_ethernet_free(fuzz.ethernet);
    tcpip_channel_free(fuzz.channel);
    REQUIRE(fuzz.world.used_bytes == 0);
    return 0;
}
