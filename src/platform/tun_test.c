// SPDX-License-Identifier: MIT
/* tun_test.c: links over a real TUN and TAP, against the kernel's own network, in a namespace of the test's own.
 *
 * Needs /dev/net/tun and a network namespace; where there is neither, each test says so and is skipped. */
#include "base/math.h"
#include "link_world.h"
#include "platform/netlink.h"
#include "platform/netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <tcpip/header/checksum.h>
#include <tcpip/loop.h>
#include <unistd.h>

#include <cmocka.h>

static struct tcpip_system_error why;
static char unavailable[sizeof(why.text) + 64]; /* empty: all is there */

#define NEED_TUN()                                       \
    do {                                                 \
        if (unavailable[0] != '\0') {                    \
            print_message("skipped: %s\n", unavailable); \
            skip();                                      \
        }                                                \
    } while (0)

#define WORKS(call)                              \
    do {                                         \
        if ((call) != TCPIP_OK)                  \
            fail_msg("%s: %s", #call, why.text); \
    } while (0)

static struct tcpip_prefix prefix_of(const char *text)
{
    struct tcpip_prefix prefix;
    assert_int_equal(tcpip_prefix_parse(text, &prefix), TCPIP_OK);
    return prefix;
}

/* ---- a TUN with a link on it: the kernel is 10.9.0.1, we are 10.9.0.2 ---- */

struct fixture {
    struct link_world world;
    struct tcpip_tun tun;
    struct tcpip_link *link;
};

static void fixture_open(struct fixture *f, struct tcpip_tun_options options)
{
    struct tcpip_prefix address = prefix_of("10.9.0.1/24");
    options.size = sizeof(options);
    WORKS(tcpip_tun_open(&options, &f->tun, &why));
    WORKS(tcpip__netlink_set_link(f->tun.name, true, 0, &why));
    WORKS(tcpip__netlink_add_address(f->tun.name, &address, &why));
    struct tcpip_fdbased_options link_options = tcpip_tun_link_options(&f->tun);
    link_options.owns_fd = true;
    link_world_init(&f->world, 3);
    assert_int_equal(tcpip_fdbased_new(&f->world.test_env.env, &link_options, &f->link), TCPIP_OK);
    link_world_attach(&f->world, f->link);
}

static void fixture_close(struct fixture *f)
{
    struct tcpip_fdbased_counters counters;
    tcpip_fdbased_get_counters(f->link, &counters);
    assert_int_equal(counters.tx_short + counters.tx_errors + counters.rx_malformed, 0);
    link_world_detach(&f->world, f->link);
    tcpip_fdbased_free(f->link);
    link_world_fini(&f->world);
}

/* How long what must come may take on a machine that is busy. */
enum { PATIENCE_MS = 30000 };

static bool wait_for(int fd, short events, int timeout_ms)
{
    struct pollfd status = {.fd = fd, .events = events};
    return poll(&status, 1, timeout_ms) == 1 && (status.revents & events) != 0;
}

/* The next IPv4 packet of this protocol with its struct; others (router solicitations, ...) are passed over. */
static size_t next_packet(struct fixture *f, uint8_t protocol, uint8_t *out, size_t size, struct tcpip_packet *packet)
{
    for (;;) {
        size_t got = link_world_take(&f->world, out, size, packet);
        if (got > 20 && out[0] >> 4 == 4 && out[9] == protocol)
            return got;
        if (got > 0)
            continue;
        if (!wait_for(f->tun.fd, POLLIN, PATIENCE_MS))
            return 0;
        tcpip_fdbased_read(f->link, 64);
    }
}

static struct sockaddr_in address_of(const char *text, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, text, &address.sin_addr), 1);
    return address;
}

static int kernel_socket(int type, uint16_t port)
{
    struct sockaddr_in own = address_of("10.9.0.1", port);
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
    return fd;
}

static uint16_t load16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void store16(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static uint32_t load32(const uint8_t *p)
{
    return (uint32_t)load16(p) << 16 | load16(p + 2);
}

static void store32(uint8_t *p, uint32_t value)
{
    store16(p, value >> 16);
    store16(p + 2, value);
}

/* The sum of the pseudo-header of an IPv4 packet. */
static uint16_t pseudo_sum(const uint8_t *ip, uint32_t upper_bytes)
{
    return tcpip_checksum_pseudo_v4(ip + 12, ip + 16, ip[9], (uint16_t)upper_bytes);
}

/* A packet of ours from 10.9.0.2 to 10.9.0.1, its transport checksum left to the kernel if the link does that. */
static struct tcpip_packet *our_packet(struct fixture *f, uint8_t *bytes, uint32_t size, uint8_t protocol)
{
    memset(bytes, 0, 20);
    bytes[0] = 0x45;
    store16(bytes + 2, size);
    bytes[8] = 64;
    bytes[9] = protocol;
    memcpy(bytes + 12, "\x0a\x09\x00\x02\x0a\x09\x00\x01", 8);
    store16(bytes + 10, (uint16_t)~tcpip_checksum(bytes, 20, 0));
    uint32_t offset = protocol == 6 ? 16 : 6;
    uint16_t sum = pseudo_sum(bytes, size - 20);
    store16(bytes + 20 + offset, 0);
    if (f->tun.vnet_header_bytes == 0)
        sum = (uint16_t)~tcpip_checksum(bytes + 20, size - 20, sum);
    store16(bytes + 20 + offset, sum);
    struct tcpip_packet *packet = link_world_packet(&f->world, bytes, size, 40, 16000);
    if (f->tun.vnet_header_bytes != 0) {
        packet->checksum = TCPIP_CHECKSUM_PARTIAL;
        packet->checksum_start = 20;
        packet->checksum_offset = (uint16_t)offset;
    }
    return packet;
}

/* ---- datagrams both ways, with and without virtio-net headers ---- */

static void exchange_datagrams(struct fixture *f)
{
    static uint8_t bytes[2000];
    struct tcpip_packet packet;
    struct sockaddr_in peer = address_of("10.9.0.2", 7);
    int fd = kernel_socket(SOCK_DGRAM, 9000);
    for (uint32_t size = 1; size <= 1472; size += 490) {
        memset(bytes, (int)size, size);
        assert_int_equal(sendto(fd, bytes, size, 0, (struct sockaddr *)&peer, sizeof(peer)), size);
        assert_int_equal(next_packet(f, 17, bytes, sizeof(bytes), &packet), size + 28);
        assert_int_equal(packet.link_protocol, 0x0800);
        assert_int_equal(packet.checksum, f->tun.vnet_header_bytes != 0 ? TCPIP_CHECKSUM_PARTIAL : TCPIP_CHECKSUM_NONE);
        if (packet.checksum == TCPIP_CHECKSUM_PARTIAL) {
            assert_int_equal(packet.checksum_start, 20);
            assert_int_equal(packet.checksum_offset, 6);
            assert_int_equal(load16(bytes + 26), pseudo_sum(bytes, size + 8));
        }
        store16(bytes + 20, 7);
        store16(bytes + 22, 9000);
        store16(bytes + 24, size + 8);
        link_world_send(&f->world, f->link, our_packet(f, bytes, size + 28, 17));
        assert_true(wait_for(fd, POLLIN, PATIENCE_MS));
        assert_int_equal(recv(fd, bytes, sizeof(bytes), 0), size); /* the kernel believed the checksum */
        assert_int_equal(bytes[size - 1], (uint8_t)size);
    }
    close(fd);
}

static void a_tun_carries_datagrams_both_ways(void **state)
{
    (void)state;
    struct fixture f;
    NEED_TUN();
    fixture_open(&f, (struct tcpip_tun_options){.name = NULL});
    assert_int_equal(strncmp(f.tun.name, "tun", 3), 0);
    assert_int_equal(f.tun.mtu, 1500);
    exchange_datagrams(&f);
    fixture_close(&f);
}

/* A device cuts what doesn't fit without a word. */
static void what_the_kernel_sends_beyond_our_mtu_is_lost_by_name(void **state)
{
    (void)state;
    static uint8_t bytes[4000];
    struct fixture f;
    struct sockaddr_in peer = address_of("10.9.0.2", 7);
    NEED_TUN();
    fixture_open(&f, (struct tcpip_tun_options){.name = NULL});
    WORKS(tcpip__netlink_set_link(f.tun.name, true, 4000, &why)); /* behind the link's back */
    int fd = kernel_socket(SOCK_DGRAM, 9000);
    for (uint32_t size = 2048 - 28 - 1; size <= 2048 - 28 + 1; size++)
        assert_int_equal(sendto(fd, bytes, size, 0, (struct sockaddr *)&peer, sizeof(peer)), size);
    assert_int_equal(next_packet(&f, 17, bytes, sizeof(bytes), NULL), 2047);
    assert_int_equal(sendto(fd, bytes, 1, 0, (struct sockaddr *)&peer, sizeof(peer)), 1);
    assert_int_equal(next_packet(&f, 17, bytes, sizeof(bytes), NULL), 29); /* behind both that are too long */
    assert_int_equal(f.world.drops[TCPIP_DROP_LINK_TOO_BIG], 2);
    close(fd);
    fixture_close(&f);
}

static void virtio_headers_leave_checksums_to_the_other_side(void **state)
{
    (void)state;
    struct fixture f;
    NEED_TUN();
    for (uint32_t bytes = 10; bytes <= 12; bytes += 2) {
        fixture_open(&f, (struct tcpip_tun_options){.name = "off%d", .vnet = true, .vnet_header_bytes = bytes});
        assert_int_equal(f.tun.vnet_header_bytes, bytes);
        exchange_datagrams(&f);
        fixture_close(&f);
    }
}

/* ---- super-segments, against the kernel's TCP ---- */

struct peer {
    uint32_t sent, expected; /* our next sequence number, theirs */
    uint16_t port;           /* theirs */
};

static struct tcpip_packet *our_segment(struct fixture *f, const struct peer *peer, uint8_t flags, uint8_t *bytes,
                                        uint32_t payload)
{
    uint8_t *tcp = bytes + 20;
    uint32_t options = (flags & 2) != 0 ? 8 : 0; /* SYN: MSS and window scale, in front of no payload */
    memset(tcp, 0, 20);
    store16(tcp, 80);
    store16(tcp + 2, peer->port);
    store32(tcp + 4, peer->sent);
    store32(tcp + 8, peer->expected);
    tcp[12] = (uint8_t)((20 + options) / 4 << 4);
    tcp[13] = flags;
    store16(tcp + 14, 65535);
    if (options > 0)
        memcpy(tcp + 20, "\x02\x04\x05\xb4\x03\x03\x07\x00", 8); /* MSS 1460, scale 7 */
    return our_packet(f, bytes, 40 + options + payload, 6);
}

/* Resets: a connection that ended politely would repeat its FIN to 10.9.0.2 in the middle of later tests. */
static void tcp_abort(int fd)
{
    struct linger at_once = {.l_onoff = 1};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(fd);
}

/* The kernel connects to us; we answer by hand. */
static int tcp_connect(struct fixture *f, struct peer *peer)
{
    static uint8_t bytes[2000];
    struct sockaddr_in remote = address_of("10.9.0.2", 80);
    int fd = kernel_socket(SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&remote, sizeof(remote)), -1);
    assert_int_equal(errno, EINPROGRESS);
    assert_true(next_packet(f, 6, bytes, sizeof(bytes), NULL) >= 40);
    assert_int_equal(bytes[33] & 0x3f, 2); /* SYN */
    *peer = (struct peer){.sent = 1000, .expected = load32(bytes + 24) + 1, .port = load16(bytes + 20)};
    link_world_send(&f->world, f->link, our_segment(f, peer, 0x12, bytes, 0));
    peer->sent++;
    assert_true(wait_for(fd, POLLOUT, PATIENCE_MS));
    return fd;
}

static void the_kernel_sends_super_segments(void **state)
{
    (void)state;
    enum { SENT = 200000 };
    static uint8_t bytes[70000], data[SENT];
    struct fixture f;
    struct peer peer;
    struct tcpip_packet packet;
    uint32_t received = 0, super = 0;
    NEED_TUN();
    fixture_open(&f, (struct tcpip_tun_options){.vnet = true});
    int fd = tcp_connect(&f, &peer);
    for (uint32_t i = 0; i < SENT; i++)
        data[i] = (uint8_t)(i / 7);
    int64_t left = send(fd, data, SENT, 0);
    assert_true(left > 20000);
    while (left > 0) {
        size_t size = next_packet(&f, 6, bytes, sizeof(bytes), &packet);
        assert_true(size >= 40);
        uint32_t header = 20 + (uint32_t)(bytes[32] >> 4) * 4, payload = (uint32_t)size - header;
        if (payload == 0)
            continue;
        if ((int32_t)(load32(bytes + 24) - peer.expected) < 0) { /* a probe: our ACK took too long */
            assert_true((int32_t)(load32(bytes + 24) + payload - peer.expected) <= 0);
            continue;
        }
        assert_int_equal(load32(bytes + 24), peer.expected);
        assert_memory_equal(bytes + header, data + received, payload);
        if (packet.gso == TCPIP_GSO_TCPV4) {
            super++;
            assert_int_equal(packet.gso_size, 1460);
            assert_int_equal(packet.gso_segments, (payload + 1459) / 1460);
        } else {
            assert_true(payload <= 1460);
        }
        assert_int_equal(packet.checksum, TCPIP_CHECKSUM_PARTIAL);
        peer.expected += payload;
        received += payload;
        left -= payload;
        link_world_send(&f.world, f.link, our_segment(&f, &peer, 0x10, bytes, 0));
    }
    assert_true(super > 0);
    tcp_abort(fd);
    fixture_close(&f);
}

static void the_kernel_takes_super_segments(void **state)
{
    (void)state;
    enum { PAYLOAD = 60000 };
    static uint8_t bytes[70000], got[PAYLOAD];
    struct fixture f;
    struct peer peer;
    size_t received = 0;
    NEED_TUN();
    fixture_open(&f, (struct tcpip_tun_options){.vnet = true});
    int fd = tcp_connect(&f, &peer);
    for (uint32_t i = 0; i < PAYLOAD; i++)
        bytes[40 + i] = (uint8_t)(i / 11);
    struct tcpip_packet *packet = our_segment(&f, &peer, 0x18, bytes, PAYLOAD);
    packet->gso = TCPIP_GSO_TCPV4;
    packet->gso_size = 1460;
    link_world_send(&f.world, f.link, packet);
    while (received < PAYLOAD) {
        assert_true(wait_for(fd, POLLIN, PATIENCE_MS));
        ssize_t size = recv(fd, got + received, PAYLOAD - received, 0);
        assert_true(size > 0);
        received += (size_t)size;
    }
    for (uint32_t i = 0; i < PAYLOAD; i++)
        assert_int_equal(got[i], (uint8_t)(i / 11));
    tcp_abort(fd);
    fixture_close(&f);
}

/* ---- the interface goes down, comes back, goes away ---- */

static void an_interface_that_is_down_loses_and_tells(void **state)
{
    (void)state;
    static uint8_t bytes[100];
    struct fixture f;
    NEED_TUN();
    fixture_open(&f, (struct tcpip_tun_options){.name = NULL});
    WORKS(tcpip__netlink_set_link(f.tun.name, false, 0, &why));
    link_world_send(&f.world, f.link, our_packet(&f, bytes, 60, 17));
    assert_int_equal(f.world.drops[TCPIP_DROP_LINK_DOWN], 1);
    assert_true(tcpip_fdbased_wants_write(f.link));
    assert_false(tcpip_fdbased_is_dead(f.link));
    link_world_advance(&f.world, 0);
    assert_int_equal(f.world.states, 1);
    assert_false(f.world.up);
    assert_false(wait_for(f.tun.fd, POLLOUT, 0));

    WORKS(tcpip__netlink_set_link(f.tun.name, true, 0, &why));
    assert_true(wait_for(f.tun.fd, POLLOUT, PATIENCE_MS));
    tcpip_fdbased_write_ready(f.link);
    assert_int_equal(f.world.states, 2);
    assert_true(f.world.up);
    link_world_send(&f.world, f.link, our_packet(&f, bytes, 60, 17));
    assert_int_equal(f.world.drops[TCPIP_DROP_LINK_DOWN], 1);
    fixture_close(&f);
}

static void the_loop_hears_that_an_interface_is_up_again(void **state)
{
    (void)state;
    static uint8_t bytes[100];
    struct fixture f;
    struct tcpip_env env;
    struct tcpip_loop *loop;
    NEED_TUN();
    fixture_open(&f, (struct tcpip_tun_options){.name = NULL});
    tcpip_posix_env(&env);
    assert_int_equal(tcpip_loop_new(&env, NULL, &loop), TCPIP_OK);
    assert_int_equal(tcpip_loop_add_stack(loop, f.world.stack), TCPIP_OK);
    assert_int_equal(tcpip_loop_add_link(loop, f.link), TCPIP_OK);
    WORKS(tcpip__netlink_set_link(f.tun.name, false, 0, &why));
    link_world_send(&f.world, f.link, our_packet(&f, bytes, 60, 17));
    while (f.world.states < 1)
        assert_true(tcpip_loop_run_once(loop, TCPIP_SECOND));
    tcpip_ns before = env.now(env.ctx);
    assert_true(tcpip_loop_run_once(loop, 10 * TCPIP_MS));
    assert_true(env.now(env.ctx) - before >= 10 * TCPIP_MS); /* it sleeps meanwhile */
    WORKS(tcpip__netlink_set_link(f.tun.name, true, 0, &why));
    for (int i = 0; i < 5 && f.world.states < 2; i++)
        assert_true(tcpip_loop_run_once(loop, TCPIP_SECOND));
    assert_int_equal(f.world.states, 2);
    tcpip_loop_free(loop);
    fixture_close(&f);
}

static void an_interface_that_was_deleted_takes_the_link_down(void **state)
{
    (void)state;
    static uint8_t bytes[100];
    for (int by_writing = 0; by_writing < 2; by_writing++) {
        struct fixture f;
        NEED_TUN();
        fixture_open(&f, (struct tcpip_tun_options){.name = NULL});
        WORKS(tcpip__netlink_delete_link(f.tun.name, &why));
        if (by_writing == 1) {
            link_world_send(&f.world, f.link, our_packet(&f, bytes, 60, 17));
            link_world_advance(&f.world, 0);
        } else {
            while (tcpip_fdbased_read(f.link, 64)) {
            }
        }
        assert_true(tcpip_fdbased_is_dead(f.link));
        assert_int_equal(f.world.states, 1);
        assert_int_equal(f.world.error, TCPIP_ERR_LINK_DOWN);
        tcpip_packet_list_free(&f.world.received);
        f.world.received = tcpip_packet_list_init();
        fixture_close(&f);
    }
}

/* ---- TAP ---- */

static void a_tap_carries_frames(void **state)
{
    (void)state;
    struct tcpip_tun tun;
    struct tcpip_prefix address = prefix_of("10.9.0.1/24");
    struct sockaddr_in peer = address_of("10.9.0.2", 7);
    struct tcpip_link_address own = {{2, 0, 0, 0, 0, 2}, 6};
    struct link_world world;
    struct tcpip_link *lower;
    struct tcpip_packet packet;
    static uint8_t bytes[2000];
    NEED_TUN();
    WORKS(tcpip_tun_open(
        &(struct tcpip_tun_options){.size = sizeof(struct tcpip_tun_options), .tap = true, .vnet = true}, &tun, &why));
    WORKS(tcpip__netlink_set_link(tun.name, true, 9000, &why));
    WORKS(tcpip__netlink_add_address(tun.name, &address, &why));
    WORKS(tcpip_interface_mtu(tun.name, &tun.mtu, &why));
    assert_int_equal(tun.mtu, 9000);
    struct tcpip_fdbased_options options = tcpip_tun_link_options(&tun);
    link_world_init(&world, 3);
    options.ethernet = false; /* a link that doesn't know what it carries is refused */
    assert_int_equal(tcpip_fdbased_new(&world.test_env.env, &options, &lower), TCPIP_ERR_INVALID_ARGUMENT);
    options.ethernet = true;
    options.vnet_header_bytes = 12;
    assert_int_equal(tcpip_fdbased_new(&world.test_env.env, &options, &lower), TCPIP_ERR_INVALID_ARGUMENT);
    options = tcpip_tun_link_options(&tun);
    assert_int_equal(tcpip_fdbased_new(&world.test_env.env, &options, &lower), TCPIP_OK);
    struct tcpip_link *link = tcpip_ethernet_new(&world.test_env.env, lower, own);
    link_world_attach(&world, link);

    int fd = kernel_socket(SOCK_DGRAM, 9000);
    assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&peer, sizeof(peer)), 1);
    size_t size;
    do { /* the kernel asks who has 10.9.0.2; IPv6 says things too */
        assert_true(world.received.count > 0 || wait_for(tun.fd, POLLIN, PATIENCE_MS));
        tcpip_fdbased_read(lower, 64);
        size = link_world_take(&world, bytes, sizeof(bytes), &packet);
    } while (size == 0 || packet.link_protocol != 0x0806);
    assert_int_equal(packet.type, TCPIP_PACKET_BROADCAST);
    assert_memory_equal(bytes + 24, "\x0a\x09\x00\x02", 4);
    /* the answer: swap, and say who we are */
    memcpy(bytes + 18, bytes + 8, 10);
    memcpy(bytes + 8, own.bytes, 6);
    memcpy(bytes + 14, "\x0a\x09\x00\x02", 4);
    bytes[7] = 2;
    struct tcpip_packet *answer = link_world_packet(&world, bytes, 28, 28, 0);
    answer->link_protocol = 0x0806;
    memcpy(answer->link_destination.bytes, bytes + 18, 6);
    link_world_send(&world, link, answer);
    do {
        assert_true(world.received.count > 0 || wait_for(tun.fd, POLLIN, PATIENCE_MS));
        tcpip_fdbased_read(lower, 64);
        size = link_world_take(&world, bytes, sizeof(bytes), &packet);
    } while (size == 0 || packet.link_protocol != 0x0800);
    assert_int_equal(size, 29);
    assert_int_equal(packet.checksum, TCPIP_CHECKSUM_PARTIAL);
    assert_int_equal(packet.checksum_start, 20); /* behind the frame's header */
    close(fd);
    link_world_detach(&world, link);
    tcpip_ethernet_free(link);
    tcpip_fdbased_free(lower);
    close(tun.fd);
    link_world_fini(&world);
}

/* ---- opening ---- */

static void several_queues_belong_to_one_interface(void **state)
{
    (void)state;
    struct tcpip_tun a, b, c;
    struct tcpip_tun_options options = {.size = sizeof(options), .name = "mq0", .multi_queue = true};
    NEED_TUN();
    WORKS(tcpip_tun_open(&options, &a, &why));
    WORKS(tcpip_tun_open(&options, &b, &why));
    assert_string_equal(a.name, b.name);
    options.multi_queue = false;
    assert_int_not_equal(tcpip_tun_open(&options, &c, &why), TCPIP_OK);
    assert_int_equal(c.fd, -1);
    close(a.fd);
    close(b.fd);
}

static void a_refusal_says_what_to_do(void **state)
{
    (void)state;
    struct tcpip_tun a, b;
    struct tcpip_tun_options options = {.size = sizeof(options), .name = "one0"};
    struct tcpip_prefix address = prefix_of("10.9.0.1/24");
    uint32_t mtu;
    NEED_TUN();
    WORKS(tcpip_tun_open(&options, &a, &why));
    assert_int_equal(tcpip_tun_open(&options, &b, &why), TCPIP_ERR_PORT_IN_USE);
    assert_int_equal(why.number, EBUSY);
    assert_non_null(strstr(why.text, "one0"));
    assert_non_null(strstr(why.text, "another program"));
    assert_int_equal(tcpip_tun_open(&options, &b, NULL), TCPIP_ERR_PORT_IN_USE);
    options.name = "a_name_that_is_too_long";
    assert_int_equal(tcpip_tun_open(&options, &b, &why), TCPIP_ERR_INVALID_ARGUMENT);
    options = (struct tcpip_tun_options){.size = sizeof(options), .vnet = true, .vnet_header_bytes = 11};
    assert_int_equal(tcpip_tun_open(&options, &b, &why), TCPIP_ERR_INVALID_ARGUMENT);
    assert_int_equal(tcpip_interface_mtu("none0", &mtu, &why), TCPIP_ERR_UNKNOWN_NIC_ID);
    assert_int_equal(tcpip__netlink_set_link("none0", true, 0, &why), TCPIP_ERR_UNKNOWN_NIC_ID);
    assert_non_null(strstr(why.text, "none0"));
    assert_int_equal(tcpip__netlink_set_link("one0", true, 60, &why), TCPIP_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(why.text, "mtu less than device minimum")); /* the kernel's own words */
    WORKS(tcpip__netlink_add_address("one0", &address, &why));
    assert_int_equal(tcpip__netlink_add_address("one0", &address, &why), TCPIP_ERR_DUPLICATE_ADDRESS);
    close(a.fd);
}

/* ---- a namespace with a program in it ---- */

static int run_in_namespace(struct netns_options *options, struct netns_child *child, char *const *argv)
{
    options->argv = argv;
    WORKS(tcpip__netns_spawn(options, child, &why));
    tcpip__netns_start(child);
    int status = tcpip__netns_wait(child);
    close(child->tun.fd);
    return status;
}

static void a_program_runs_in_a_namespace_with_a_tun_to_us(void **state)
{
    (void)state;
    struct tcpip_prefix addresses[] = {prefix_of("10.9.1.1/24"), prefix_of("fd00:9::1/64")};
    struct netns_route routes[] = {{prefix_of("0.0.0.0/0"), prefix_of("10.9.1.2").address},
                                   {prefix_of("::/0"), prefix_of("fd00:9::2").address},
                                   {prefix_of("10.10.0.0/16"), {{0}, 0}}};
    struct netns_options options = {.tun = {.size = sizeof(struct tcpip_tun_options), .name = "net%d", .vnet = true},
                                    .mtu = 4000,
                                    .addresses = addresses,
                                    .address_count = 2,
                                    .routes = routes,
                                    .route_count = 3};
    struct netns_child child;
    char *const look[] = {"sh", "-c", /* the default route through 10.9.1.2, as the kernel prints it */
                          "grep -q '^net0.00000000.0201090A' /proc/net/route && exit 7", NULL};
    char *const missing[] = {"/there/is/no/such/program", NULL};
    char *const killed[] = {"sh", "-c", "kill -9 $$", NULL};
    NEED_TUN();
    assert_int_equal(run_in_namespace(&options, &child, look), 7);
    assert_string_equal(child.tun.name, "net0");
    assert_int_equal(child.tun.mtu, 4000);
    assert_int_equal(child.tun.vnet_header_bytes, 10);
    assert_int_equal(run_in_namespace(&options, &child, missing), 127);
    assert_int_equal(run_in_namespace(&options, &child, killed), 128 + 9);
    assert_int_equal(run_in_namespace(&options, &child, NULL), 0);
    WORKS(tcpip__netns_spawn(&options, &child, &why)); /* never started */
    assert_int_equal(tcpip__netns_wait(&child), 0);
    close(child.tun.fd);
}

static void packets_cross_the_border_of_the_namespace(void **state)
{
    (void)state;
    static uint8_t bytes[2000];
    struct tcpip_prefix address = prefix_of("10.9.0.1/24");
    struct netns_options options = {
        .tun.size = sizeof(struct tcpip_tun_options), .addresses = &address, .address_count = 1};
    struct netns_child child;
    struct fixture f;
    NEED_TUN();
    WORKS(tcpip__netns_spawn(&options, &child, &why));
    f.tun = child.tun;
    struct tcpip_fdbased_options link_options = tcpip_tun_link_options(&f.tun);
    link_world_init(&f.world, 3);
    assert_int_equal(tcpip_fdbased_new(&f.world.test_env.env, &link_options, &f.link), TCPIP_OK);
    link_world_attach(&f.world, f.link);
    memset(bytes, 0, 40); /* to a port where nobody listens: the kernel in there answers with an ICMP error */
    store16(bytes + 22, 9);
    store16(bytes + 24, 8);
    link_world_send(&f.world, f.link, our_packet(&f, bytes, 28, 17));
    assert_int_equal(next_packet(&f, 1, bytes, sizeof(bytes), NULL), 20 + 8 + 28);
    assert_int_equal(bytes[20] << 8 | bytes[21], 0x0303); /* port unreachable */
    fixture_close(&f);
    assert_int_equal(tcpip__netns_wait(&child), 0);
    close(child.tun.fd);
}

static void a_namespace_that_cannot_be_made_leaves_nothing(void **state)
{
    (void)state;
    struct netns_options options = {.tun = {.size = sizeof(struct tcpip_tun_options), .name = "a/b"}};
    struct netns_child child;
    NEED_TUN();
    assert_int_equal(tcpip__netns_spawn(&options, &child, &why), TCPIP_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(why.text, "a/b"));
    assert_int_equal(child.control, -1);
}

/* The test's own process in a namespace of its own: nothing outside is touched. */
static int enter(void **state)
{
    (void)state;
    struct tcpip_tun tun;
    if (tcpip__netns_enter(&why) != TCPIP_OK || tcpip_tun_open(NULL, &tun, &why) != TCPIP_OK) {
        snprintf(unavailable, sizeof(unavailable), "needs a TUN in a network namespace: %s", why.text);
        print_message("SKIPPED, ALL OF IT: %s\n", unavailable);
        return 0;
    }
    close(tun.fd);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tun_carries_datagrams_both_ways),
        cmocka_unit_test(what_the_kernel_sends_beyond_our_mtu_is_lost_by_name),
        cmocka_unit_test(virtio_headers_leave_checksums_to_the_other_side),
        cmocka_unit_test(the_kernel_sends_super_segments),
        cmocka_unit_test(the_kernel_takes_super_segments),
        cmocka_unit_test(an_interface_that_is_down_loses_and_tells),
        cmocka_unit_test(the_loop_hears_that_an_interface_is_up_again),
        cmocka_unit_test(an_interface_that_was_deleted_takes_the_link_down),
        cmocka_unit_test(a_tap_carries_frames),
        cmocka_unit_test(several_queues_belong_to_one_interface),
        cmocka_unit_test(a_refusal_says_what_to_do),
        cmocka_unit_test(a_program_runs_in_a_namespace_with_a_tun_to_us),
        cmocka_unit_test(packets_cross_the_border_of_the_namespace),
        cmocka_unit_test(a_namespace_that_cannot_be_made_leaves_nothing),
    };
    return cmocka_run_group_tests_name("tun", tests, enter, NULL);
}
