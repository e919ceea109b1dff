// SPDX-License-Identifier: MIT
/* nic_input_ip.c: fuzzes the network layer of a stack that lives through many packets: IPv4, IPv6, fragments, ICMP,
 * ARP, neighbour discovery, in any order, with time going by.
 *
 * Input: a sequence of steps, each an operation byte, a parameter byte, a length byte and that many bytes (the low bits
 * of the operation say what to do, the high ones how). A fuzzer doesn't guess checksums, so a step may ask for them to
 * be made right, and for our own address as the destination; then most of what it finds lies behind the first checks.
 *
 * Asserted after each step: the invariants of reassembly, the limits of fragments and of answers. At the end the stack
 * is freed, which asserts that every packet, timer and byte came back. */
#include "mend.h"
#include "network/ip.h"

enum { STEPS_MAX = 400, PACKET_MAX = 65536 };

enum operation { /* the two lowest bits */
                 OPERATION_IP,
                 OPERATION_LARGE_IP, /* the payload repeated, parameter times */
                 OPERATION_ARP,
                 OPERATION_TIME, /* parameter squared, in 16 ms */
};

enum how { /* the others */
           HOW_RIGHT_CHECKSUMS = 1 << 2,
           HOW_TO_US = 1 << 3,
           HOW_IN_PIECES = 1 << 4,
           HOW_GROUP = 1 << 5, /* by the link's destination */
           HOW_VERIFIED = 1 << 6,
           HOW_REFUSED = 1 << 7, /* the transport answers with an ICMP error */
};

struct fuzz {
    struct fuzz_env world;
    struct tcpip_stack *stack;
    struct tcpip_link *link;
    bool refuse;
    uint8_t refuse_kind;
};

/* ---- the world ---- */

static void transport_input(struct tcpip_stack *stack, struct tcpip_packet *packet)
{
    struct fuzz **state = tcpip__stack_transport_state(stack, packet->network.transport);
    REQUIRE(packet->transport_offset <= packet->length);
    REQUIRE(packet->network.upper_bytes == packet->length - packet->transport_offset);
    REQUIRE(packet->network.local != DESTINATION_NONE);
    if ((*state)->refuse)
        tcpip__send_icmp_error(packet, (enum tcpip_icmp_kind)((*state)->refuse_kind % (TCPIP_ICMP_OTHER + 1)), 1280);
    tcpip_packet_free(packet);
}

static void transport_error(struct tcpip_stack *stack, const struct tcpip_icmp_error *error)
{
    static volatile uint8_t sink;
    (void)stack;
    REQUIRE(error->quote_bytes >= 8);
    for (uint32_t i = 0; i < error->quote_bytes; i++)
        sink = error->quote[i];
    (void)sink;
}

#define TRANSPORT(number_)                                                                                         \
    {                                                                                                              \
        .name = "sink", .number = (number_), .stack_state_bytes = sizeof(struct fuzz *), .input = transport_input, \
        .input_error = transport_error                                                                             \
    }
static const struct tcpip_transport_protocol transports[] = {
    TRANSPORT(TCPIP_PROTOCOL_ICMPV4), TRANSPORT(TCPIP_PROTOCOL_UDP), TRANSPORT(TCPIP_PROTOCOL_ICMPV6)};

static void add_address(struct fuzz *fuzz, const char *text, uint32_t flags)
{
    struct tcpip_address_properties properties = {.size = sizeof(properties), .flags = flags};
    struct tcpip_prefix prefix;
    REQUIRE(tcpip_prefix_parse(text, &prefix) == TCPIP_OK);
    REQUIRE(tcpip_stack_add_address(fuzz->stack, 1, &prefix, &properties) == TCPIP_OK);
    struct tcpip_route_entry row = {.destination = {prefix.address, 0}, .nic = 1};
    REQUIRE(tcpip_stack_add_route(fuzz->stack, &row) == TCPIP_OK);
}

static void fuzz_start(struct fuzz *fuzz)
{
    static const struct tcpip_network_protocol *const network[] = {&tcpip_ipv4, &tcpip_ipv6, &tcpip_arp, NULL};
    static const struct tcpip_transport_protocol *const transport[] = {&transports[0], &transports[1], &transports[2],
                                                                       NULL};
    static const struct tcpip_protocols protocols = {network, transport};
    struct tcpip_limits limits;
    tcpip_limits_tiny(&limits);
    REQUIRE(tcpip_stack_new(&fuzz->world.env, &limits, &protocols, &fuzz->stack) == TCPIP_OK);
    for (size_t i = 0; i < array_count(transports); i++)
        *(struct fuzz **)tcpip__stack_transport_state(fuzz->stack, transports[i].number) = fuzz;
    struct tcpip_channel_options channel = {.size = sizeof(channel),
                                            .flags = TCPIP_LINK_RESOLUTION | TCPIP_LINK_MULTICAST,
                                            .address = {{2, 0, 0, 0, 0, 1}, 6}};
    fuzz->link = tcpip_channel_new(&fuzz->world.env, &channel);
    REQUIRE(fuzz->link != NULL && tcpip_stack_create_nic(fuzz->stack, 1, fuzz->link, NULL) == TCPIP_OK);
    add_address(fuzz, "10.0.0.1/24", 0);
    add_address(fuzz, "2001:db8::1/64", TCPIP_ADDRESS_NO_DAD);
    add_address(fuzz, "fe80::1/64", 0); /* tentative at first */
}

/* ---- steps ---- */

/* Every piece in a buffer of exactly its size: AddressSanitizer sees the first byte read beyond. */
static void inject(struct fuzz *fuzz, const uint8_t *bytes, size_t size, uint8_t how, uint16_t link_protocol)
{
    struct tcpip_packet *packet = tcpip_packet_new(fuzz->stack);
    size_t piece = (how & HOW_IN_PIECES) != 0 ? size / 7 + 1 : size;
    if (packet == NULL)
        return;
    for (size_t at = 0; at < size; at += piece)
        if (tcpip_packet_append(packet, bytes + at, size - at < piece ? size - at : piece) != TCPIP_OK) {
            tcpip_packet_free(packet);
            return;
        }
    packet->type = (how & HOW_GROUP) != 0 ? TCPIP_PACKET_MULTICAST : TCPIP_PACKET_HOST;
    packet->checksum = (how & HOW_VERIFIED) != 0 ? TCPIP_CHECKSUM_VERIFIED : TCPIP_CHECKSUM_NONE;
    packet->link_protocol = link_protocol;
    tcpip_channel_inject(fuzz->link, packet);
}

static void step_ip(struct fuzz *fuzz, const uint8_t *bytes, size_t size, uint8_t how, uint32_t repeat)
{
    static uint8_t packet[PACKET_MAX];
    size_t head = size > 0 && bytes[0] >> 4 == 6 ? 40 : 20, total = size;
    memcpy(packet, bytes, size);
    for (; size > head && repeat > 0 && total + (size - head) <= sizeof(packet); repeat--) {
        memcpy(packet + total, bytes + head, size - head);
        total += size - head;
    }
    if (size >= head)
        mend_ip(packet, total,
                ((how & HOW_RIGHT_CHECKSUMS) != 0 ? MEND_SUMS : 0) | ((how & HOW_TO_US) != 0 ? MEND_DESTINATION : 0));
    inject(fuzz, packet, total, how, 0);
}

static void step_check(struct fuzz *fuzz)
{
    const struct ip_reassembly *reassembly = &tcpip__ip_shared(fuzz->stack, TCPIP_PROTOCOL_IPV4)->reassembly;
    struct tcpip_packet *packet;
    tcpip__ip_reassembly_check(reassembly);
    REQUIRE(reassembly->count <= fuzz->stack->limits.fragment_datagrams);
    REQUIRE(reassembly->charged_bytes <= fuzz->stack->limits.fragment_bytes);
    while ((packet = tcpip_channel_collect(fuzz->link)) != NULL) {
        REQUIRE(packet->length <= 1500);
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
        fuzz.refuse = (step.operation & HOW_REFUSED) != 0;
        fuzz.refuse_kind = step.parameter;
        switch ((enum operation)(step.operation & 3)) {
        case OPERATION_IP:
            step_ip(&fuzz, step.bytes, step.size, step.operation, 0);
            break;
        case OPERATION_LARGE_IP:
            step_ip(&fuzz, step.bytes, step.size, step.operation, step.parameter);
            break;
        case OPERATION_ARP:
            inject(&fuzz, step.bytes, step.size, step.operation, TCPIP_PROTOCOL_ARP);
            break;
        case OPERATION_TIME:
            step_time(&fuzz, 16 * TCPIP_MS * step.parameter * step.parameter);
            break;
        }
        step_check(&fuzz);
    }
    tcpip_stack_free(fuzz.stack);
    tcpip_channel_free(fuzz.link);
    REQUIRE(fuzz.world.used_bytes == 0);
    return 0;
}
