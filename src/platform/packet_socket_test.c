// SPDX-License-Identifier: MIT
/* packet_socket_test.c: packet sockets on one end of a cable (veth), in a network namespace of the test's own: the
 * contract of links, and what must not be seen.
 *
 * Nothing waits for nothing: that a frame doesn't come is shown by one that was sent after it and does. Where there is
 * no namespace or no veth, each test says so and is skipped. What TCP makes of it is in stack_test.c. */
#include "base/math.h"
#include "link_conformance.h"
#include "platform/netlink.h"
#include "platform/netns.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <tcpip/fdbased.h>
#include <unistd.h>

#include <cmocka.h>

enum { FRAME_MAX = 2048, PATIENCE_MS = 30000, MARK = 0x77, FLOWS = 64 };

static struct tcpip_system_error why;
static char unavailable[sizeof(why.text) + 64]; /* empty: all is there */
static const uint8_t own_mac[6] = {2, 0, 0, 0, 0, 1}, far_mac[6] = {2, 0, 0, 0, 0, 2};

#define NEED_CABLE()                                     \
    do {                                                 \
        if (unavailable[0] != '\0') {                    \
            print_message("skipped: %s\n", unavailable); \
            skip();                                      \
        }                                                \
    } while (0)

static struct tcpip_packet_socket open_on(const char *name, struct tcpip_packet_socket_options options)
{
    struct tcpip_packet_socket opened;
    options.size = sizeof(options);
    options.name = name;
    if (tcpip_packet_socket_open(&options, &opened, &why) != TCPIP_OK)
        fail_msg("%s", why.text);
    return opened;
}

static bool wait_for(int fd, int timeout_ms)
{
    struct pollfd status = {.fd = fd, .events = POLLIN};
    return poll(&status, 1, timeout_ms) == 1;
}

/* The next frame; 0: none in all that time. */
static size_t next_frame(int fd, uint8_t *out, size_t size)
{
    if (!wait_for(fd, PATIENCE_MS))
        return 0;
    ssize_t got = recv(fd, out, size, MSG_DONTWAIT);
    return got > 0 ? (size_t)got : 0;
}

/* ---- the contract ---- */

struct cable {
    struct tcpip_link *link, *ethernet;
    int far;
    uint64_t taken;
};

static uint32_t ring_bytes; /* of the links that are made */

static struct tcpip_link *cable_make(struct link_world *world, void **state)
{
    struct cable *cable = calloc(1, sizeof(*cable));
    struct tcpip_link_address own = {.len = 6};
    int room = 4 << 20;
    memcpy(own.bytes, own_mac, 6);
    struct tcpip_packet_socket near = open_on("right", (struct tcpip_packet_socket_options){.promiscuous = true});
    cable->far = open_on("left", (struct tcpip_packet_socket_options){.promiscuous = true}).fd;
    (void)setsockopt(cable->far, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
    struct tcpip_fdbased_options options = tcpip_packet_socket_link_options(&near);
    options.owns_fd = true;
    options.ring_bytes = ring_bytes;
    assert_int_equal(tcpip_fdbased_new(&world->test_env.env, &options, &cable->link), TCPIP_OK);
    *state = cable;
    return cable->ethernet = tcpip_ethernet_new(&world->test_env.env, cable->link, own);
}

static void cable_destroy(struct link_world *world, void *state)
{
    struct cable *cable = state;
    (void)world;
    tcpip_ethernet_free(cable->ethernet);
    tcpip_fdbased_free(cable->link);
    close(cable->far);
    free(cable);
}

/* What was sent is on its way: it is waited for as long as it takes. */
static size_t cable_take(struct link_world *world, void *state, uint8_t *out, size_t size)
{
    struct cable *cable = state;
    struct tcpip_fdbased_counters counters;
    (void)world;
    tcpip_fdbased_get_counters(cable->link, &counters);
    while (cable->taken < counters.tx_packets) {
        size_t got = next_frame(cable->far, out, size);
        assert_true(got > 0);
        if (got < 14 || memcmp(out + 6, own_mac, 6) != 0) /* the kernel's own */
            continue;
        cable->taken++;
        return got;
    }
    return 0;
}

static void cable_give(struct link_world *world, void *state, const uint8_t *bytes, size_t size)
{
    struct cable *cable = state;
    (void)world;
    assert_int_equal(send(cable->far, bytes, size, 0), size);
    assert_true(wait_for(tcpip_fdbased_fd(cable->link), PATIENCE_MS));
    assert_false(tcpip_fdbased_read(cable->link, 64));
}

static void a_link_over_a_packet_socket_keeps_the_contract(void **state)
{
    (void)state;
    static const uint8_t header[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
    NEED_CABLE();
    struct link_subject subject = {.name = "packet socket",
                                   .make = cable_make,
                                   .destroy = cable_destroy,
                                   .take = cable_take,
                                   .give = cable_give,
                                   .header_bytes = sizeof(header),
                                   .given_header = header,
                                   .far_address = {.len = 6}};
    memcpy(subject.far_address.bytes, far_mac, 6);
    link_conformance(&subject);
}

static void a_link_over_a_ring_keeps_the_contract(void **state)
{
    ring_bytes = 1;
    a_link_over_a_packet_socket_keeps_the_contract(state);
    ring_bytes = 0;
}

/* ---- rings ---- */

/* A link over a ring behind `right`. */
static struct tcpip_link *ring_make(struct link_world *world, uint32_t bytes, bool vnet)
{
    struct tcpip_packet_socket near = open_on("right", (struct tcpip_packet_socket_options){.vnet = vnet});
    struct tcpip_fdbased_options options = tcpip_packet_socket_link_options(&near);
    struct tcpip_link *link;
    options.owns_fd = true;
    options.ring_bytes = bytes;
    link_world_init(world, 1);
    assert_int_equal(tcpip_fdbased_new(&world->test_env.env, &options, &link), TCPIP_OK);
    link_world_attach(world, link);
    return link;
}

static void ring_end(struct link_world *world, struct tcpip_link *link)
{
    link_world_detach(world, link);
    tcpip_fdbased_free(link);
    link_world_fini(world);
}

static void read_ring(struct link_world *world, struct tcpip_link *link, uint64_t packets)
{
    struct tcpip_fdbased_counters counters = {0};
    while (counters.rx_packets < packets) {
        assert_true(wait_for(tcpip_fdbased_fd(link), PATIENCE_MS));
        (void)tcpip_fdbased_read(link, 7);
        tcpip_packet_list_free(&world->received);
        tcpip_fdbased_get_counters(link, &counters);
    }
}

static void send_sized(int fd, size_t size)
{
    static uint8_t frame[1514] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 0x88, 0xb5};
    assert_int_equal(send(fd, frame, size, 0), size);
}

static void what_a_full_ring_loses_is_counted(void **state)
{
    (void)state;
    enum { CROWD = 1000, CROWDS_MAX = 100 }; /* 1.5 MB into a quarter of one */
    struct link_world world;
    struct tcpip_fdbased_counters counters = {0};
    uint32_t crowds = 0;
    NEED_CABLE();
    struct tcpip_link *link = ring_make(&world, 1, false);
    int far = open_on("left", (struct tcpip_packet_socket_options){.vnet = false}).fd;
    while (counters.rx_ring_full == 0) { /* a block tells of what was lost before it was full */
        assert_true(crowds++ < CROWDS_MAX);
        for (int i = 0; i < CROWD; i++)
            send_sized(far, 1514);
        read_ring(&world, link, counters.rx_packets + 1);
        tcpip_fdbased_get_counters(link, &counters);
    }
    assert_true(counters.rx_packets > 0 && counters.rx_packets + counters.rx_ring_full <= (uint64_t)CROWD * crowds);
    close(far);
    ring_end(&world, link);
}

static void many_times_what_a_ring_holds_comes_through_it(void **state)
{
    (void)state;
    enum { ROUNDS = 300, TRAIN = 50 }; /* each of a train may have a block of its own: there are 64 */
    struct link_world world;
    struct tcpip_fdbased_counters counters;
    NEED_CABLE();
    struct tcpip_link *link = ring_make(&world, 8 << 20, true);
    int far = open_on("left", (struct tcpip_packet_socket_options){.vnet = false}).fd;
    uint64_t bytes = 0;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        for (uint64_t i = 0; i < TRAIN; i++) {
            size_t size = 60 + (round * 31 + i * 97) % 1454;
            send_sized(far, size);
            bytes += size;
        }
        read_ring(&world, link, (round + 1) * TRAIN);
    }
    tcpip_fdbased_get_counters(link, &counters);
    assert_int_equal(counters.rx_packets, ROUNDS * TRAIN);
    assert_int_equal(counters.rx_bytes, bytes);
    assert_int_equal(counters.rx_ring_full + counters.rx_malformed + counters.rx_too_big, 0);
    close(far);
    ring_end(&world, link);
}

static void only_packet_sockets_have_rings(void **state)
{
    (void)state;
    struct link_world world;
    struct tcpip_link *link;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    link_world_init(&world, 1);
    struct tcpip_fdbased_options options = {.size = sizeof(options), .fd = pair[0], .ring_bytes = 1};
    assert_int_equal(tcpip_fdbased_new(&world.test_env.env, &options, &link), TCPIP_ERR_NOT_SUPPORTED);
    link_world_fini(&world);
    close(pair[0]);
    close(pair[1]);
}

/* ---- what isn't seen ---- */

/* A broadcast of an experimental EtherType, with a byte to know it by; tagged: behind a VLAN tag. */
static void send_marked(int fd, uint8_t mark, bool tagged)
{
    uint8_t frame[64] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9};
    static const uint8_t tag[] = {0x81, 0x00, 0x00, 0x05}, type[] = {0x88, 0xb5};
    uint8_t *at = frame + 12;
    if (tagged) {
        memcpy(at, tag, sizeof(tag));
        at += sizeof(tag);
    }
    memcpy(at, type, sizeof(type));
    at[2] = mark;
    assert_int_equal(send(fd, frame, sizeof(frame), 0), sizeof(frame));
}

/* Reads up to the frame marked MARK; true: one marked otherwise, or of a VLAN, came before it. */
static bool sees_another(int fd)
{
    uint8_t frame[FRAME_MAX];
    bool another = false;
    for (;;) {
        size_t got = next_frame(fd, frame, sizeof(frame));
        assert_true(got >= 15);
        if (frame[12] == 0x81 || (frame[12] == 0x88 && frame[13] == 0xb5 && frame[14] != MARK))
            another = true;
        else if (frame[12] == 0x88 && frame[14] == MARK)
            return another;
    }
}

static void what_the_machine_itself_sends_is_not_received(void **state)
{
    (void)state;
    NEED_CABLE();
    int ours = open_on("right", (struct tcpip_packet_socket_options){.vnet = false}).fd;
    int other = open_on("right", (struct tcpip_packet_socket_options){.vnet = false}).fd;
    int far = open_on("left", (struct tcpip_packet_socket_options){.vnet = false}).fd;
    send_marked(other, 1, false); /* through our interface, by another program */
    send_marked(far, MARK, false);
    assert_false(sees_another(ours));
    send_marked(far, 2, false); /* and what comes in is */
    send_marked(far, MARK, false);
    assert_true(sees_another(ours));
    close(ours);
    close(other);
    close(far);
}

static void frames_of_vlans_are_not_taken_for_untagged_ones(void **state)
{
    (void)state;
    NEED_CABLE();
    int ours = open_on("right", (struct tcpip_packet_socket_options){.vnet = false}).fd;
    int far = open_on("left", (struct tcpip_packet_socket_options){.vnet = false}).fd;
    send_marked(far, 1, true);
    send_marked(far, MARK, false);
    assert_false(sees_another(ours));
    close(ours);
    close(far);
}

/* ---- sharing ---- */

static void send_flow(int fd, uint16_t port)
{
    uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9,
                         0x08, 0x00, 0x45, 0,    0,    46,   0, 0, 0, 0, 1, 17};
    static const uint8_t addresses[] = {10, 9, 1, 1, 10, 9, 1, 2};
    memcpy(frame + 26, addresses, sizeof(addresses));
    frame[34] = (uint8_t)(port >> 8);
    frame[35] = (uint8_t)port;
    frame[37] = 9;
    frame[39] = 26;
    assert_int_equal(send(fd, frame, sizeof(frame), 0), sizeof(frame));
}

static bool is_flow(const uint8_t *frame, size_t size)
{
    return size >= 42 && memcmp(frame + 6, (uint8_t[]){2, 0, 0, 0, 0, 9}, 6) == 0 && frame[12] == 8;
}

static void sockets_of_a_group_share_flows(void **state)
{
    (void)state;
    uint8_t frame[FRAME_MAX];
    uint32_t count[2] = {0, 0};
    NEED_CABLE();
    struct tcpip_packet_socket_options options = {.fanout = true, .fanout_group = 7};
    int ours[2] = {open_on("right", options).fd, open_on("right", options).fd};
    int far = open_on("left", (struct tcpip_packet_socket_options){.vnet = false}).fd;
    for (uint16_t i = 0; i < FLOWS; i++)
        send_flow(far, (uint16_t)(2000 + i));
    while (count[0] + count[1] < FLOWS) {
        struct pollfd status[] = {{.fd = ours[0], .events = POLLIN}, {.fd = ours[1], .events = POLLIN}};
        assert_true(poll(status, 2, PATIENCE_MS) > 0);
        for (int i = 0; i < 2; i++) {
            ssize_t got = recv(ours[i], frame, sizeof(frame), MSG_DONTWAIT);
            count[i] += got > 0 && is_flow(frame, (size_t)got);
        }
    }
    assert_true(count[0] > 0 && count[1] > 0);
    assert_int_equal(count[0] + count[1], FLOWS);
    close(ours[0]);
    close(ours[1]);
    close(far);
}

/* ---- refusals ---- */

static void who_asks_for_what_is_not_there_is_told(void **state)
{
    (void)state;
    struct tcpip_packet_socket opened;
    struct tcpip_packet_socket_options options = {.size = sizeof(options), .name = "nowhere0"};
    NEED_CABLE();
    assert_int_equal(tcpip_packet_socket_open(&options, &opened, &why), TCPIP_ERR_UNKNOWN_NIC_ID);
    assert_non_null(strstr(why.text, "nowhere0"));
    assert_int_equal(opened.fd, -1);
    options.name = "a name that no interface can have";
    assert_int_equal(tcpip_packet_socket_open(&options, &opened, NULL), TCPIP_ERR_UNKNOWN_NIC_ID);
    options.name = NULL;
    assert_int_equal(tcpip_packet_socket_open(&options, &opened, NULL), TCPIP_ERR_UNKNOWN_NIC_ID);
}

static void an_interface_without_ethernet_is_refused(void **state)
{
    (void)state;
    struct tcpip_packet_socket opened;
    struct tcpip_tun tun;
    NEED_CABLE();
    if (tcpip_tun_open(NULL, &tun, &why) != TCPIP_OK) {
        print_message("skipped: %s\n", why.text);
        skip();
    }
    struct tcpip_packet_socket_options options = {.size = sizeof(options), .name = tun.name};
    assert_int_equal(tcpip_packet_socket_open(&options, &opened, &why), TCPIP_ERR_NOT_SUPPORTED);
    assert_non_null(strstr(why.text, "TUN"));
    close(tun.fd);
}

static void what_was_opened_is_told(void **state)
{
    (void)state;
    NEED_CABLE();
    struct tcpip_packet_socket opened = open_on("right", (struct tcpip_packet_socket_options){.vnet = true});
    assert_string_equal(opened.name, "right");
    assert_int_equal(opened.mtu, 1500);
    assert_int_equal(opened.address.len, 6);
    assert_int_equal(opened.address.bytes[0] & 1, 0);
    assert_int_equal(opened.vnet_header_bytes, 10);
    assert_int_equal(opened.flags, TCPIP_LINK_TX_CHECKSUM | TCPIP_LINK_TSO4 | TCPIP_LINK_TSO6);
    assert_int_equal(fcntl(opened.fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    close(opened.fd);
}

static int lay_cable(void **state)
{
    (void)state;
    bool good = tcpip__netns_enter(&why) == TCPIP_OK;
    FILE *file = good ? fopen("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w") : NULL;
    if (file != NULL) { /* so that the kernel keeps quiet on the cable */
        fputs("1\n", file);
        fclose(file);
    }
    good = good && tcpip__netlink_add_veth("left", "right", &why) == TCPIP_OK &&
           tcpip__netlink_set_link("left", true, 0, &why) == TCPIP_OK &&
           tcpip__netlink_set_link("right", true, 0, &why) == TCPIP_OK;
    if (!good) {
        snprintf(unavailable, sizeof(unavailable), "needs a veth in a network namespace: %s", why.text);
        print_message("SKIPPED, ALL OF IT: %s\n", unavailable);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_over_a_packet_socket_keeps_the_contract),
        cmocka_unit_test(a_link_over_a_ring_keeps_the_contract),
        cmocka_unit_test(what_a_full_ring_loses_is_counted),
        cmocka_unit_test(many_times_what_a_ring_holds_comes_through_it),
        cmocka_unit_test(only_packet_sockets_have_rings),
        cmocka_unit_test(what_the_machine_itself_sends_is_not_received),
        cmocka_unit_test(frames_of_vlans_are_not_taken_for_untagged_ones),
        cmocka_unit_test(sockets_of_a_group_share_flows),
        cmocka_unit_test(who_asks_for_what_is_not_there_is_told),
        cmocka_unit_test(an_interface_without_ethernet_is_refused),
        cmocka_unit_test(what_was_opened_is_told),
    };
    return cmocka_run_group_tests_name("packet sockets", tests, lay_cable, NULL);
}
