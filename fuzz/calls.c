// SPDX-License-Identifier: MIT
/* calls.c: fuzzes the application's side: any call on any endpoint in any order, with any option at any value.
 *
 * Eight places hold endpoints of any transport and family, on one stack with a loopback; what one sends another
 * receives within the turn. Some allocations fail, if the input says so.
 *
 * Asserted: a call ends with data or with an error and never with both; an option that was set can be read; what the
 * endpoint tells of itself (names, readiness, tcp_info) can be asked at any time; all memory comes back. */
#include "fuzz_env.h"

#include <string.h>

#include <tcpip/tcpip.h>
#include <tcpip/unix.h>

enum { STEPS_MAX = 400, PLACES = 8 };

struct place {
    struct tcpip_endpoint *endpoint;
    struct tcpip_waiter waiter;
    bool waits;
};

struct fuzz {
    struct fuzz_env env;
    struct tcpip_stack *stack;
    struct tcpip_link *link;
    struct place places[PLACES];
    uint32_t woken;
    const uint8_t *data;
    size_t left;
};

static struct fuzz fuzz;

static uint8_t take(void)
{
    if (fuzz.left == 0)
        return 0;
    fuzz.left--;
    return *fuzz.data++;
}

static struct tcpip_full_address take_address(void)
{
    static const char *const texts[] = {
        "127.0.0.1", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1", "224.0.0.5", "255.255.255.255", "10.9.8.7"};
    uint8_t which = take();
    struct tcpip_full_address address = {.port = (uint16_t)(which >> 3 & 7), .nic = which >> 6 == 3 ? 1 : 0};
    REQUIRE(tcpip_address_parse(texts[which & 7], &address.address) == TCPIP_OK);
    return address;
}

static void woken(struct tcpip_waiter *waiter, uint32_t ready)
{
    (void)waiter;
    fuzz.woken += ready != 0;
}

static void place_close(struct place *place)
{
    if (place->endpoint == NULL)
        return;
    if (place->waits && (take() & 1) != 0)
        tcpip_endpoint_waiter_remove(place->endpoint, &place->waiter);
    tcpip_endpoint_close(place->endpoint);
    *place = (struct place){.endpoint = NULL};
}

static void place_open(struct place *place)
{
    static const uint32_t transports[] = {TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_UDP, TCPIP_PROTOCOL_ICMPV4,
                                          TCPIP_PROTOCOL_ICMPV6};
    uint8_t which = take();
    place_close(place);
    if (tcpip_stack_new_endpoint(fuzz.stack, transports[which & 3],
                                 (which & 4) != 0 ? TCPIP_PROTOCOL_IPV6 : TCPIP_PROTOCOL_IPV4,
                                 &place->endpoint) != TCPIP_OK)
        place->endpoint = NULL;
}

static void call_write(struct tcpip_endpoint *endpoint)
{
    static const uint8_t bytes[65536];
    struct tcpip_full_address to = take_address();
    struct tcpip_control control = {.present = take(), .ttl = take(), .tos = take()};
    struct tcpip_io io[2] = {{(uint8_t *)bytes, take() * 7u}, {(uint8_t *)bytes, take() * 257u}};
    size_t done = 12345;
    uint8_t how = take();
    uint32_t flags = (how & 1 ? TCPIP_WRITE_MORE : 0) | (how & 2 ? TCPIP_WRITE_END_OF_RECORD : 0) |
                     (how & 4 ? TCPIP_WRITE_STAMP_SENT | TCPIP_WRITE_STAMP_ACKED : 0);
    enum tcpip_error error =
        tcpip_endpoint_sendmsg(endpoint, io, 1 + (how >> 3 & 1), flags, (how & 16) != 0 ? &to : NULL,
                               (how & 32) != 0 ? &control : NULL, &done);
    REQUIRE(error != TCPIP_OK || done <= io[0].size + io[1].size);
}

static void call_read(struct tcpip_endpoint *endpoint)
{
    static uint8_t room[4096];
    struct tcpip_full_address from;
    struct tcpip_control control;
    struct tcpip_view views[4];
    size_t done = 0, count = 4, size = take() * 16u;
    struct tcpip_io io = {room, size};
    switch (take() & 3) {
    case 0:
        if (tcpip_endpoint_recvmsg(endpoint, &io, 1, &done, &from, &control) == TCPIP_OK)
            REQUIRE(done <= size);
        break;
    case 1:
        if (tcpip_endpoint_peekmsg(endpoint, &io, 1, &done, &from, &control) == TCPIP_OK)
            REQUIRE(done <= size);
        break;
    case 2:
        if (tcpip_endpoint_read_views(endpoint, views, &count, size, &done, &from) == TCPIP_OK) {
            REQUIRE(count <= 4);
            for (size_t i = 0; i < count; i++)
                tcpip_buffer_unref(views[i].buffer);
        }
        break;
    default: {
        struct tcpip_error_record record;
        (void)!tcpip_endpoint_read_error(endpoint, &record, room, sizeof(room));
        break;
    }
    }
}

static void call_option(struct tcpip_endpoint *endpoint)
{
    enum tcpip_option option = (enum tcpip_option)(take() % (TCPIP_OPTION_COUNT + 2));
    int64_t value = (int8_t)take() % 16, got;
    value *= (int64_t)1 << (take() % 59);
    if (tcpip_endpoint_set_option(endpoint, option, value) == TCPIP_OK)
        REQUIRE(tcpip_endpoint_get_option(endpoint, option, &got) == TCPIP_OK);
}

static void call_ask(struct tcpip_endpoint *endpoint)
{
    struct tcpip_full_address address;
    struct tcpip_tcp_info info;
    uint8_t syn[64];
    size_t done;
    tcpip_endpoint_local_address(endpoint, &address);
    (void)!tcpip_endpoint_remote_address(endpoint, &address);
    (void)tcpip_endpoint_readiness(endpoint, take() * 0x101u);
    (void)!tcpip_endpoint_tcp_info(endpoint, &info);
    (void)!tcpip_endpoint_saved_syn(endpoint, syn, take() & 63u, &done);
}

static void call_accept(struct place *place)
{
    struct place *free_place = fuzz.places;
    struct tcpip_full_address peer;
    while (free_place < fuzz.places + PLACES && free_place->endpoint != NULL)
        free_place++;
    if (free_place == fuzz.places + PLACES)
        return;
    if (tcpip_endpoint_accept(place->endpoint, &free_place->endpoint, &peer) != TCPIP_OK)
        free_place->endpoint = NULL;
}

static void call_group(struct tcpip_endpoint *endpoint)
{
    struct tcpip_full_address group = take_address();
    if ((take() & 1) != 0)
        (void)!tcpip_endpoint_join_group(endpoint, group.nic, &group.address);
    else
        (void)!tcpip_endpoint_leave_group(endpoint, group.nic, &group.address);
}

/* Keys of signatures: so few peers and ids that they collide, and that endpoints of one input can agree on one. */
static void call_sign(struct tcpip_endpoint *endpoint)
{
    uint8_t what = take(), ids = take();
    struct tcpip_full_address peer = take_address();
    struct tcpip_prefix prefix = {.address = peer.address,
                                  .bits = (what & 8) != 0 ? 0 : (uint8_t)(peer.address.len * 8)};
    struct tcpip_tcp_md5_key md5 = {
        .size = sizeof(md5), .peer = prefix, .nic = peer.nic, .secret = "key", .secret_bytes = (what >> 4 & 3u)};
    struct tcpip_tcp_ao_key key = {.size = sizeof(key),
                                   .peer = prefix,
                                   .nic = peer.nic,
                                   .secret = "key",
                                   .secret_bytes = 3,
                                   .algorithm = (enum tcpip_tcp_ao_algorithm)(ids >> 6 & 1),
                                   .send_id = ids & 3,
                                   .receive_id = ids >> 2 & 3,
                                   .mac_bytes = (ids & 0x80) != 0 ? (uint8_t)(what >> 3) : 0,
                                   .exclude_options = (what & 0x10) != 0,
                                   .set_current = (what & 0x20) != 0,
                                   .set_next = (what & 0x40) != 0};
    struct tcpip_tcp_ao_key_removal removal = {.size = sizeof(removal),
                                               .peer = prefix,
                                               .nic = peer.nic,
                                               .send_id = ids & 3,
                                               .receive_id = ids >> 2 & 3,
                                               .set_current = (what & 0x20) != 0,
                                               .set_next = (what & 0x40) != 0,
                                               .current_send_id = ids >> 4 & 3,
                                               .next_receive_id = ids >> 6};
    struct tcpip_tcp_ao_info info = {.size = sizeof(info),
                                     .set_current = (what & 0x20) != 0,
                                     .set_next = (what & 0x40) != 0,
                                     .required = (what & 0x80) != 0,
                                     .current_id = ids & 3,
                                     .next_id = ids >> 2 & 3};
    struct tcpip_tcp_ao_key_info told = {.size = sizeof(told)};
    switch (what & 7) {
    case 0:
    case 1:
        (void)!tcpip_tcp_md5_key_set(endpoint, &md5);
        break;
    case 2:
        (void)!tcpip_tcp_md5_key_remove(endpoint, &md5);
        break;
    case 3:
    case 4:
        (void)!tcpip_tcp_ao_key_add(endpoint, &key);
        break;
    case 5:
        (void)!tcpip_tcp_ao_key_remove(endpoint, &removal);
        break;
    case 6:
        (void)!tcpip_tcp_ao_set(endpoint, &info);
        break;
    default:
        if (tcpip_tcp_ao_get(endpoint, &info) == TCPIP_OK && tcpip_tcp_ao_key_get(endpoint, ids & 3, &told) == TCPIP_OK)
            REQUIRE(told.key.secret_bytes == 3);
        break;
    }
}

static void call_wait(struct place *place)
{
    if (place->waits) {
        tcpip_endpoint_waiter_remove(place->endpoint, &place->waiter);
    } else {
        place->waiter = (struct tcpip_waiter){.mask = take() * 0x101u, .fn = woken};
        tcpip_endpoint_waiter_add(place->endpoint, &place->waiter);
    }
    place->waits = !place->waits;
}

static void step_time(void)
{
    fuzz.env.now += (tcpip_ns)take() * take() * 1000000;
    for (int i = 0; i < 1000 && tcpip_stack_advance(fuzz.stack, 0); i++)
        ;
}

static void step(void)
{
    uint8_t operation = take();
    struct place *place = &fuzz.places[operation & 7];
    struct tcpip_full_address address;
    operation >>= 3;
    if (operation == 0)
        step_time();
    else if (operation < 4 || place->endpoint == NULL)
        place_open(place);
    else if (operation < 7)
        call_write(place->endpoint);
    else if (operation < 10)
        call_read(place->endpoint);
    else if (operation < 15)
        call_option(place->endpoint);
    else if (operation < 17)
        call_ask(place->endpoint);
    else if (operation < 19)
        call_accept(place);
    else if (operation == 19)
        call_group(place->endpoint);
    else if (operation == 20)
        call_wait(place);
    else if (operation == 21)
        place_close(place);
    else if (operation == 22)
        (void)!tcpip_endpoint_shutdown(place->endpoint, take() & 3u);
    else if (operation < 25)
        (void)!tcpip_endpoint_listen(place->endpoint, (int8_t)take());
    else if (operation == 31)
        call_sign(place->endpoint);
    else {
        address = take_address();
        if (operation < 28)
            (void)!tcpip_endpoint_bind(place->endpoint, &address, NULL, NULL);
        else
            (void)!tcpip_endpoint_connect(place->endpoint, &address);
    }
}

static void start(void)
{
    struct tcpip_limits limits;
    static const char *const addresses[] = {"127.0.0.1/8", "::1/128"};
    uint8_t set_up = take();
    fuzz_env_init(&fuzz.env);
    tcpip_limits_tiny(&limits);
    REQUIRE(tcpip_stack_new(&fuzz.env.env, &limits, &tcpip_protocols_all, &fuzz.stack) == TCPIP_OK);
    fuzz.link = tcpip_loopback_new(&fuzz.env.env, (set_up & 1) != 0 ? 65535 : 1500);
    REQUIRE(fuzz.link != NULL && tcpip_stack_create_nic(fuzz.stack, 1, fuzz.link, NULL) == TCPIP_OK);
    for (int i = 0; i < 2; i++) {
        struct tcpip_prefix prefix;
        REQUIRE(tcpip_prefix_parse(addresses[i], &prefix) == TCPIP_OK);
        REQUIRE(tcpip_stack_add_address(fuzz.stack, 1, &prefix, NULL) == TCPIP_OK);
    }
    fuzz.env.fail_every = (set_up & 0x80) != 0 ? 3 + (set_up >> 1 & 63u) : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz = (struct fuzz){.data = data, .left = size};
    start();
    for (int i = 0; i < STEPS_MAX && fuzz.left > 0; i++)
        step();
    for (int i = 0; i < PLACES; i++)
        place_close(&fuzz.places[i]);
    tcpip_stack_free(fuzz.stack);
    tcpip_loopback_free(fuzz.link);
    REQUIRE(fuzz.env.used_bytes == 0);
    return 0;
}
