// SPDX-License-Identifier: MIT
/* tcp_peer.c: fuzzes TCP as a peer that knows where the connection stands and says what it likes about it.
 *
 * Input: two bytes of set-up, then steps: an operation byte and what it takes. Segments are told relative to what the
 * connection has seen (at the peer's next number, a little before or behind, far away; the same for what they
 * acknowledge), their checksums are right, and four ports share one listener; a fifth connection is ours. Between
 * segments the application accepts, writes, reads, shuts down, sets options and closes, time passes, ICMP errors come.
 *
 * Asserted: what tcp_model.c says of each segment of ours; every byte read is the byte that the peer sent at that
 * place; a RST is never answered; the invariants of tcp_check.c (in builds with debug checks, after each flush); memory
 * under its limit, and all of it back in the end. */
#include "fuzz_env.h"
#include "tcp_model.h"

#include <string.h>

#include <tcpip/header/checksum.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/tcpip.h>

enum { STEPS_MAX = 300, FLOWS = 5, OURS = 4, US_PORT = 80, PEER_PORT = 5000, SEGMENT_MAX = 2048 };

static const uint8_t us[4] = {10, 0, 0, 1}, them[4] = {10, 0, 0, 2};

struct flow {
    struct tcp_model model;
    struct tcpip_endpoint *endpoint;
    uint32_t next; /* the peer's next number, from its first */
    uint32_t written, read;
    uint32_t ts_val, ts_seen; /* the peer's clock; ours, as last seen */
    uint16_t us_port;
};

struct fuzz {
    struct fuzz_env env;
    struct tcpip_stack *stack;
    struct tcpip_link *link;
    struct tcpip_endpoint *listener;
    struct flow flows[FLOWS];
    const uint8_t *data;
    size_t left;
    bool reset_came; /* in this step */
};

/* ---- the input ---- */

static uint8_t take(struct fuzz *fuzz)
{
    if (fuzz->left == 0)
        return 0;
    fuzz->left--;
    return *fuzz->data++;
}

static uint32_t take_u16(struct fuzz *fuzz)
{
    uint32_t high = take(fuzz);
    return high << 8 | take(fuzz);
}

static uint32_t take_u32(struct fuzz *fuzz)
{
    uint32_t high = take_u16(fuzz);
    return high << 16 | take_u16(fuzz);
}

/* A place near `base`: mostly there. */
static uint32_t take_place(struct fuzz *fuzz, uint32_t base)
{
    uint8_t how = take(fuzz);
    switch (how >> 5) {
    case 5:
        return base + take(fuzz) * 16;
    case 6:
        return base - take(fuzz) * 16;
    case 7:
        return (how & 1) != 0 ? take_u32(fuzz) : base + take_u16(fuzz) - 0x8000u;
    default:
        return base + (how & 3u) - (how >> 2 & 1u);
    }
}

/* FUZZ_TRACE=1 prints the segments, numbers relative to the connection's. */
static void show(const struct fuzz *fuzz, const struct flow *flow, const char *who, const struct tcpip_tcp_fields *f,
                 uint32_t bytes, bool ours)
{
    static int trace = -1;
    if (trace < 0)
        trace = getenv("FUZZ_TRACE") != NULL;
    if (trace == 0)
        return;
    uint32_t seq_base = ours ? flow->model.us_isn : flow->model.peer_isn;
    uint32_t ack_base = ours ? flow->model.peer_isn : flow->model.us_isn;
    fprintf(stderr, "%.6f %s %u: flags %03x seq %u (%u) ack %u bytes %u window %u\n", (double)fuzz->env.now / 1e9, who,
            f->source_port, f->flags, f->sequence - seq_base, f->sequence, f->acknowledgment - ack_base, bytes,
            f->window);
}

/* ---- what we send ---- */

static struct flow *flow_of(struct fuzz *fuzz, uint16_t peer_port)
{
    REQUIRE(peer_port >= PEER_PORT && peer_port < PEER_PORT + FLOWS);
    return &fuzz->flows[peer_port - PEER_PORT];
}

static void judge(struct fuzz *fuzz, const uint8_t *p, size_t size)
{
    struct tcpip_tcp_fields fields;
    struct tcpip_tcp_options options;
    size_t header_bytes;
    REQUIRE(size >= 40 && size <= 1500 && p[0] == 0x45 && tcpip_ipv4_total_length(p) == size);
    if (tcpip_ipv4_protocol(p) != TCPIP_PROTOCOL_TCP)
        return;
    const uint8_t *tcp = p + 20;
    size_t bytes = size - 20;
    REQUIRE(memcmp(tcpip_ipv4_destination(p), them, 4) == 0);
    REQUIRE(tcpip_tcp_header_check(tcp, bytes, &header_bytes));
    REQUIRE(tcpip_tcp_options_parse(tcp, header_bytes, &options));
    uint16_t pseudo = tcpip_checksum_pseudo(us, them, 4, TCPIP_PROTOCOL_TCP, (uint32_t)bytes);
    REQUIRE(tcpip_checksum_finish(tcpip_checksum(tcp, bytes, pseudo)) == 0);
    tcpip_tcp_decode(tcp, &fields);
    struct flow *flow = flow_of(fuzz, fields.destination_port);
    if ((fields.flags & TCPIP_TCP_RST) != 0)
        REQUIRE(!fuzz->reset_came);
    if ((options.present & TCPIP_TCP_HAS_TIMESTAMPS) != 0)
        flow->ts_seen = options.ts_val;
    bool first = (fields.flags & TCPIP_TCP_SYN) != 0 && fields.sequence != flow->model.us_isn;
    show(fuzz, flow, "us", &fields, (uint32_t)(bytes - header_bytes), true);
    model_we_sent(&flow->model, &fields, &options, tcp + header_bytes, (uint32_t)(bytes - header_bytes));
    if (first)
        flow->next = 1;
}

static void collect(struct fuzz *fuzz)
{
    static uint8_t bytes[65536];
    struct tcpip_packet *packet;
    while ((packet = tcpip_channel_collect(fuzz->link)) != NULL) {
        size_t size = tcpip_packet_copy_out(packet, 0, bytes, sizeof(bytes));
        tcpip_packet_free(packet);
        judge(fuzz, bytes, size);
    }
}

/* ---- what the peer sends ---- */

static void send_ip(struct fuzz *fuzz, uint8_t *packet, size_t size, uint8_t protocol)
{
    memset(packet, 0, 20);
    packet[0] = 0x45;
    tcpip_store_u16(packet + 2, (uint16_t)size);
    packet[8] = 64;
    packet[9] = protocol;
    memcpy(packet + 12, them, 4);
    memcpy(packet + 16, us, 4);
    tcpip_store_u16(packet + 10, tcpip_checksum_finish(tcpip_checksum(packet, 20, 0)));
    (void)!tcpip_channel_inject_bytes(fuzz->link, packet, size);
}

static void take_options(struct fuzz *fuzz, struct flow *flow, struct tcpip_tcp_options *out, bool syn)
{
    uint8_t which = take(fuzz);
    *out = (struct tcpip_tcp_options){0};
    if ((which & 1) != 0) {
        out->present |= TCPIP_TCP_HAS_TIMESTAMPS;
        flow->ts_val += which >> 4 & 3;
        out->ts_val = (which & 0x40) != 0 ? take_u32(fuzz) : flow->ts_val;
        out->ts_ecr = (which & 0x80) != 0 ? take_u32(fuzz) : flow->ts_seen;
    }
    if (syn && (which & 2) != 0) {
        out->present |= TCPIP_TCP_HAS_MSS | TCPIP_TCP_HAS_WINDOW_SCALE;
        out->mss = (uint16_t)take_u16(fuzz);
        out->window_scale = take(fuzz) & 15;
    }
    if (syn && (which & 4) != 0)
        out->present |= TCPIP_TCP_HAS_SACK_PERMITTED;
    if (!syn && (which & 2) != 0) {
        out->present |= TCPIP_TCP_HAS_SACK;
        out->sack_count = 1 + (which >> 2 & 1);
        for (unsigned i = 0; i < out->sack_count; i++) {
            out->sack[i].start = take_place(fuzz, flow->model.us_isn + 1 + take(fuzz) * 64u);
            out->sack[i].end = out->sack[i].start + take(fuzz) * 32u;
        }
    }
    if ((which & 8) != 0) {
        out->present |= TCPIP_TCP_HAS_ACCECN;
        out->accecn_kind = TCPIP_TCP_OPTION_ACCECN0;
        out->accecn_count = 3;
        for (unsigned i = 0; i < 3; i++)
            out->accecn[i] = take_u16(fuzz);
    }
}

static void step_segment(struct fuzz *fuzz, struct flow *flow, uint16_t flags)
{
    static uint8_t packet[SEGMENT_MAX + 120];
    struct tcp_model *model = &flow->model;
    struct tcpip_tcp_options options;
    bool syn = (flags & TCPIP_TCP_SYN) != 0;
    uint32_t seq = take_place(fuzz, syn ? model->peer_isn : model->peer_isn + flow->next);
    uint32_t ack = take_place(fuzz, model->us_isn + model->us_max);
    uint32_t payload = take(fuzz) * 8u;
    take_options(fuzz, flow, &options, syn);
    uint8_t *tcp = packet + 20;
    size_t option_bytes = tcpip_tcp_options_emit(tcp + 20, &options);
    struct tcpip_tcp_fields fields = {
        .source_port = (uint16_t)(PEER_PORT + (flow - fuzz->flows)),
        .destination_port = flow->us_port,
        .sequence = seq,
        .acknowledgment = ack,
        .flags = flags,
        .header_bytes = (uint8_t)(20 + option_bytes),
        .window = (uint16_t)take_u16(fuzz),
        .urgent = (flags & TCPIP_TCP_URG) != 0 ? take(fuzz) : 0,
    };
    if (syn && (flags & TCPIP_TCP_ACK) == 0 && !model->us_known)
        model->peer_isn = seq;
    uint32_t at = syn ? 0 : seq - model->peer_isn - 1;
    tcpip_tcp_encode(tcp, &fields);
    for (uint32_t i = 0; i < payload; i++)
        tcp[20 + option_bytes + i] = model_byte(at + i, false);
    size_t bytes = 20 + option_bytes + payload;
    uint16_t pseudo = tcpip_checksum_pseudo(them, us, 4, TCPIP_PROTOCOL_TCP, (uint32_t)bytes);
    tcpip_tcp_set_checksum(tcp, tcpip_checksum_finish(tcpip_checksum(tcp, bytes, pseudo)));
    show(fuzz, flow, "peer", &fields, payload, false);
    model_peer_sends(model, &fields, &options, payload);
    if (!syn && at + 1 == flow->next)
        flow->next += payload + ((flags & TCPIP_TCP_FIN) != 0);
    fuzz->reset_came = (flags & TCPIP_TCP_RST) != 0;
    send_ip(fuzz, packet, 20 + bytes, TCPIP_PROTOCOL_TCP);
}

static void step_icmp(struct fuzz *fuzz, struct flow *flow)
{
    uint8_t packet[20 + 8 + 28] = {0};
    uint8_t *icmp = packet + 20, *quote = icmp + 8;
    icmp[0] = 3;
    icmp[1] = take(fuzz) & 15;
    tcpip_store_u16(icmp + 6, (uint16_t)take_u16(fuzz));
    quote[0] = 0x45;
    tcpip_store_u16(quote + 2, 40);
    quote[8] = 64;
    quote[9] = TCPIP_PROTOCOL_TCP;
    memcpy(quote + 12, us, 4);
    memcpy(quote + 16, them, 4);
    tcpip_store_u16(quote + 10, tcpip_checksum_finish(tcpip_checksum(quote, 20, 0)));
    tcpip_store_u16(quote + 20, flow->us_port);
    tcpip_store_u16(quote + 22, (uint16_t)(PEER_PORT + (flow - fuzz->flows)));
    tcpip_store_u32(quote + 24, take_place(fuzz, flow->model.us_isn + flow->model.us_max - 1));
    tcpip_store_u16(icmp + 2, tcpip_checksum_finish(tcpip_checksum(icmp, sizeof(packet) - 20, 0)));
    send_ip(fuzz, packet, sizeof(packet), TCPIP_PROTOCOL_ICMPV4);
}

/* ---- the application ---- */

static void app_accept(struct fuzz *fuzz)
{
    struct tcpip_endpoint *endpoint;
    struct tcpip_full_address peer;
    while (fuzz->listener != NULL && tcpip_endpoint_accept(fuzz->listener, &endpoint, &peer) == TCPIP_OK) {
        struct flow *flow = flow_of(fuzz, peer.port);
        if (flow->endpoint != NULL)
            tcpip_endpoint_close(flow->endpoint);
        flow->endpoint = endpoint;
        flow->written = flow->read = 0;
    }
}

static void app_write(struct flow *flow, uint32_t size, uint32_t flags)
{
    uint8_t bytes[4096];
    size_t done = 0;
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = model_byte(flow->written + i, true);
    if (tcpip_endpoint_write(flow->endpoint, bytes, size, flags, NULL, &done) == TCPIP_OK)
        flow->written += (uint32_t)done;
}

static void app_read(struct flow *flow, uint32_t size)
{
    uint8_t bytes[4096];
    size_t done = 0;
    if (tcpip_endpoint_read(flow->endpoint, bytes, size, &done, NULL) != TCPIP_OK)
        return;
    for (uint32_t i = 0; i < done; i++)
        REQUIRE(bytes[i] == model_byte(flow->read + i, false));
    flow->read += (uint32_t)done;
}

static void app_close(struct flow *flow)
{
    tcpip_endpoint_close(flow->endpoint);
    flow->endpoint = NULL;
}

static void app_connect(struct fuzz *fuzz)
{
    struct flow *flow = &fuzz->flows[OURS];
    struct tcpip_full_address to = {.address = tcpip_address_v4(10, 0, 0, 2), .port = PEER_PORT + OURS};
    struct tcpip_full_address here = {.address = tcpip_address_v4(10, 0, 0, 1), .port = flow->us_port};
    if (flow->endpoint != NULL ||
        tcpip_stack_new_endpoint(fuzz->stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &flow->endpoint) != TCPIP_OK)
        return;
    (void)!tcpip_endpoint_set_option(flow->endpoint, TCPIP_OPTION_REUSE_ADDRESS, 1);
    flow->written = flow->read = 0;
    if (tcpip_endpoint_bind(flow->endpoint, &here, NULL, NULL) != TCPIP_OK ||
        tcpip_endpoint_connect(flow->endpoint, &to) != TCPIP_ERR_CONNECT_STARTED)
        app_close(flow); /* the last one still lingers there */
}

static void app_option(struct fuzz *fuzz, struct flow *flow)
{
    static const enum tcpip_option options[] = {
        TCPIP_OPTION_NO_DELAY,
        TCPIP_OPTION_CORK,
        TCPIP_OPTION_KEEPALIVE,
        TCPIP_OPTION_USER_TIMEOUT,
        TCPIP_OPTION_QUICK_ACK,
        TCPIP_OPTION_LINGER,
        TCPIP_OPTION_RECEIVE_BUFFER_SIZE,
        TCPIP_OPTION_SEND_BUFFER_SIZE,
        TCPIP_OPTION_MAX_SEGMENT,
        TCPIP_OPTION_PACING,
        TCPIP_OPTION_ECN,
        TCPIP_OPTION_FAST_OPEN,
    };
    enum tcpip_option option = options[take(fuzz) % (sizeof(options) / sizeof(options[0]))];
    (void)!tcpip_endpoint_set_option(flow->endpoint, option, (int64_t)take_u16(fuzz) << (take(fuzz) & 15));
}

static void step_application(struct fuzz *fuzz, struct flow *flow, uint8_t what)
{
    app_accept(fuzz);
    if (flow == &fuzz->flows[OURS] && flow->endpoint == NULL)
        app_connect(fuzz);
    if (flow->endpoint == NULL)
        return;
    if (getenv("FUZZ_TRACE") != NULL)
        fprintf(stderr, "application: %u\n", what & 7u);
    switch (what & 7) {
    case 0:
    case 1:
        app_write(flow, take(fuzz) * 16u, (what & 8) != 0 ? TCPIP_WRITE_MORE : 0);
        break;
    case 2:
    case 3:
        app_read(flow, take(fuzz) * 16u);
        break;
    case 4:
        (void)!tcpip_endpoint_shutdown(flow->endpoint,
                                       (what >> 3 & 1) != 0 ? TCPIP_SHUTDOWN_READ : TCPIP_SHUTDOWN_WRITE);
        break;
    case 5:
        app_option(fuzz, flow);
        break;
    case 6:
        app_close(flow);
        break;
    default:
        (void)tcpip_endpoint_readiness(flow->endpoint, TCPIP_EVENT_IN | TCPIP_EVENT_OUT);
        break;
    }
}

/* ---- the world ---- */

static void fuzz_start(struct fuzz *fuzz)
{
    struct tcpip_prefix prefix = {.address = tcpip_address_v4(10, 0, 0, 1), .bits = 24};
    struct tcpip_route_entry route = {.destination = prefix, .nic = 1};
    struct tcpip_full_address here = {.port = US_PORT};
    struct tcpip_limits limits;
    uint8_t set_up = take(fuzz), random = take(fuzz);
    fuzz_env_init(&fuzz->env);
    fuzz->env.random += random;
    tcpip_limits_tiny(&limits);
    struct tcpip_channel_options channel = {.size = sizeof(channel), .flags = (set_up & 1) != 0 ? TCPIP_LINK_GRO : 0};
    REQUIRE(tcpip_stack_new(&fuzz->env.env, &limits, &tcpip_protocols_all, &fuzz->stack) == TCPIP_OK);
    fuzz->link = tcpip_channel_new(&fuzz->env.env, &channel);
    REQUIRE(fuzz->link != NULL && tcpip_stack_create_nic(fuzz->stack, 1, fuzz->link, NULL) == TCPIP_OK);
    REQUIRE(tcpip_stack_add_address(fuzz->stack, 1, &prefix, NULL) == TCPIP_OK);
    REQUIRE(tcpip_stack_set_route_table(fuzz->stack, &route, 1, TCPIP_ROUTE_FIRST_MATCH) == TCPIP_OK);
    REQUIRE(tcpip_stack_new_endpoint(fuzz->stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &fuzz->listener) ==
            TCPIP_OK);
    REQUIRE(tcpip_endpoint_bind(fuzz->listener, &here, NULL, NULL) == TCPIP_OK);
    REQUIRE(tcpip_endpoint_listen(fuzz->listener, set_up >> 1 & 3) == TCPIP_OK);
    for (int i = 0; i < FLOWS; i++) {
        fuzz->flows[i].us_port = i == OURS ? 6000 : US_PORT;
        fuzz->flows[i].next = 1;
    }
    fuzz->env.fail_every = (set_up & 0x80) != 0 ? 3 + (set_up >> 3 & 15u) : 0;
}

static void step(struct fuzz *fuzz)
{
    static const uint16_t flags[] = {TCPIP_TCP_ACK,
                                     TCPIP_TCP_ACK | TCPIP_TCP_PSH,
                                     TCPIP_TCP_SYN,
                                     TCPIP_TCP_SYN | TCPIP_TCP_ACK,
                                     TCPIP_TCP_FIN | TCPIP_TCP_ACK,
                                     TCPIP_TCP_RST,
                                     TCPIP_TCP_RST | TCPIP_TCP_ACK,
                                     TCPIP_TCP_ACK | TCPIP_TCP_URG};
    uint8_t operation = take(fuzz);
    struct flow *flow = &fuzz->flows[(operation >> 5) % FLOWS];
    fuzz->reset_came = false;
    fuzz->env.now += 10000; /* initial sequence numbers move with the clock (RFC 6528) */
    switch (operation >> 2 & 7) {
    case 0:
    case 1:
        fuzz->env.now += (tcpip_ns)take(fuzz) * take(fuzz) * 1000000;
        while (tcpip_stack_advance(fuzz->stack, 0))
            ;
        break;
    case 2:
    case 3:
        step_application(fuzz, flow, take(fuzz));
        break;
    case 4:
        if ((operation & 3) == 0)
            step_icmp(fuzz, flow);
        else
            step_segment(fuzz, flow, (uint16_t)(take(fuzz) | (uint16_t)(operation & 1) << 8));
        break;
    default:
        step_segment(fuzz, flow, flags[((operation >> 2 & 7) - 5) * 4 % 8 + (operation & 3)]);
        break;
    }
    collect(fuzz);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzz fuzz;
    memset(&fuzz, 0, sizeof(fuzz));
    fuzz.data = data;
    fuzz.left = size;
    fuzz_start(&fuzz);
    for (int i = 0; i < STEPS_MAX && fuzz.left > 0; i++)
        step(&fuzz);
    fuzz.reset_came = false;
    app_accept(&fuzz);
    for (int i = 0; i < FLOWS; i++)
        if (fuzz.flows[i].endpoint != NULL)
            app_close(&fuzz.flows[i]);
    collect(&fuzz);
    tcpip_endpoint_close(fuzz.listener);
    tcpip_stack_free(fuzz.stack);
    tcpip_channel_free(fuzz.link);
    REQUIRE(fuzz.env.used_bytes == 0);
    return 0;
}
