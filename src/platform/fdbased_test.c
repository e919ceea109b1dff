// SPDX-License-Identifier: MIT
/* fdbased_test.c: links over socket pairs: the contract of links, and what a descriptor can do to one. */
#include "base/math.h"
#include "base/rng.h"
#include "link_conformance.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <tcpip/fdbased.h>
#include <tcpip/header/virtio_net.h>
#include <unistd.h>

#include <cmocka.h>

enum { BYTES_MAX = 70000, VNET = 10 };

static uint8_t buffer[BYTES_MAX];

static void set_buffers(int fd, int bytes)
{
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
}

/* ---- the contract ---- */

struct far {
    struct tcpip_link *link, *lower; /* lower: the descriptor link itself */
    int fd;
    uint32_t vnet_bytes;
};

static struct tcpip_link *make_over(struct link_world *world, void **state, int type,
                                    struct tcpip_fdbased_options options)
{
    struct far *far = calloc(1, sizeof(*far));
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, pair), 0);
    set_buffers(pair[0], 65536);
    options.size = sizeof(options);
    options.fd = pair[0];
    options.owns_fd = true;
    assert_int_equal(tcpip_fdbased_new(&world->test_env.env, &options, &far->lower), TCPIP_OK);
    far->link = far->lower;
    far->fd = pair[1];
    far->vnet_bytes = options.vnet_header_bytes;
    if (options.ethernet) {
        struct tcpip_link_address own = {{2, 0, 0, 0, 0, 1}, 6};
        far->link = tcpip_ethernet_new(&world->test_env.env, far->lower, own);
    }
    *state = far;
    return far->link;
}

static struct tcpip_link *make_seqpacket(struct link_world *world, void **state)
{
    return make_over(world, state, SOCK_SEQPACKET, (struct tcpip_fdbased_options){.mtu = 0});
}

static struct tcpip_link *make_datagram(struct link_world *world, void **state)
{
    return make_over(world, state, SOCK_DGRAM, (struct tcpip_fdbased_options){.mtu = 0});
}

static struct tcpip_link *make_vnet(struct link_world *world, void **state)
{
    uint32_t flags = TCPIP_LINK_TX_CHECKSUM | TCPIP_LINK_TSO4 | TCPIP_LINK_TSO6;
    return make_over(world, state, SOCK_SEQPACKET,
                     (struct tcpip_fdbased_options){.vnet_header_bytes = VNET, .flags = flags});
}

static struct tcpip_link *make_ethernet(struct link_world *world, void **state)
{
    return make_over(world, state, SOCK_SEQPACKET,
                     (struct tcpip_fdbased_options){.ethernet = true, .vnet_header_bytes = 12});
}

static void destroy(struct link_world *world, void *state)
{
    struct far *far = state;
    (void)world;
    if (far->link != far->lower)
        tcpip_ethernet_free(far->link);
    tcpip_fdbased_free(far->lower);
    close(far->fd);
    free(far);
}

static bool is_ready(int fd, short events)
{
    struct pollfd status = {.fd = fd, .events = events};
    return poll(&status, 1, 0) == 1 && (status.revents & events) != 0;
}

/* Also does what a loop would: tells the link when it can write again. */
static size_t take(struct link_world *world, void *state, uint8_t *out, size_t size)
{
    struct far *far = state;
    (void)world;
    (void)size;
    ssize_t got = recv(far->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (tcpip_fdbased_wants_write(far->lower) && is_ready(tcpip_fdbased_fd(far->lower), POLLOUT))
        tcpip_fdbased_write_ready(far->lower);
    if (got < 0)
        return 0;
    assert_true((size_t)got > far->vnet_bytes);
    memcpy(out, buffer + far->vnet_bytes, (size_t)got - far->vnet_bytes);
    return (size_t)got - far->vnet_bytes;
}

static void give(struct link_world *world, void *state, const uint8_t *bytes, size_t size)
{
    struct far *far = state;
    (void)world;
    memset(buffer, 0, far->vnet_bytes);
    memcpy(buffer + far->vnet_bytes, bytes, size);
    assert_int_equal(send(far->fd, buffer, far->vnet_bytes + size, 0), far->vnet_bytes + size);
    assert_false(tcpip_fdbased_read(far->lower, 64) && far->vnet_bytes == 0);
}

static void links_over_sockets_keep_the_contract(void **state)
{
    (void)state;
    static const uint8_t header[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
    struct link_subject subject = {.name = "seqpacket",
                                   .make = make_seqpacket,
                                   .destroy = destroy,
                                   .take = take,
                                   .give = give,
                                   /* a packet of 700 bytes counts as 1280 or more of the sender's 128 KB */
                                   .pushes_back_at = 20};
    link_conformance(&subject);
    subject.make = make_vnet;
    link_conformance(&subject);
    subject.make = make_ethernet;
    subject.header_bytes = sizeof(header);
    subject.given_header = header;
    subject.far_address = (struct tcpip_link_address){{2, 0, 0, 0, 0, 2}, 6};
    link_conformance(&subject);
}

static void a_link_over_datagrams_keeps_the_contract(void **state)
{
    (void)state;
    link_conformance(&(struct link_subject){.name = "datagram",
                                            .make = make_datagram,
                                            .destroy = destroy,
                                            .take = take,
                                            .give = give,
                                            .pushes_back_at = 5});
}

/* ---- one link and the socket behind it ---- */

struct fixture {
    struct link_world world;
    struct tcpip_link *link;
    int far;
};

static void fixture_open(struct fixture *f, struct tcpip_fdbased_options options)
{
    void *state;
    link_world_init(&f->world, 5);
    f->link = make_over(&f->world, &state, SOCK_SEQPACKET, options);
    struct far *far = state;
    f->far = far->fd;
    free(far);
    link_world_attach(&f->world, f->link);
}

static void fixture_close(struct fixture *f)
{
    if (f->link->stack != NULL)
        link_world_detach(&f->world, f->link);
    tcpip_fdbased_free(f->link);
    close(f->far);
    link_world_fini(&f->world);
}

static struct tcpip_fdbased_counters counters_of(const struct fixture *f)
{
    struct tcpip_fdbased_counters counters;
    tcpip_fdbased_get_counters(f->link, &counters);
    return counters;
}

static struct tcpip_packet *plain_packet(struct fixture *f, uint32_t size)
{
    static uint8_t bytes[BYTES_MAX];
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 13);
    bytes[0] = 0x45;
    return link_world_packet(&f->world, bytes, size, 20, 0);
}

static void offer(struct fixture *f, struct tcpip_packet *packet, size_t expected)
{
    struct tcpip_packet_list list = tcpip_packet_list_init();
    tcpip_packet_list_push(&list, packet);
    assert_int_equal(link_world_transmit(&f->world, f->link, &list), expected);
    tcpip_packet_list_free(&list);
}

static void what_is_larger_than_the_link_carries_is_lost_by_name(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, (struct tcpip_fdbased_options){.mtu = 1000});
    offer(&f, plain_packet(&f, 1000), 1);
    offer(&f, plain_packet(&f, 1001), 1);
    struct tcpip_packet *super = plain_packet(&f, 900);
    super->gso = TCPIP_GSO_TCPV4;
    super->gso_size = 400;
    offer(&f, super, 1);
    assert_int_equal(f.world.drops[TCPIP_DROP_LINK_TOO_BIG], 2);
    assert_int_equal(counters_of(&f).tx_packets, 1);
    assert_int_equal(counters_of(&f).tx_too_big, 2);
    fixture_close(&f);
}

static void a_large_one_in_a_batch_leaves_the_others_whole(void **state)
{
    (void)state;
    struct fixture f;
    static const uint32_t sizes[] = {100, 3000, 200, 300, 2000, 1501, 400};
    fixture_open(&f, (struct tcpip_fdbased_options){.mtu = 1500});
    struct tcpip_packet_list list = tcpip_packet_list_init();
    for (size_t i = 0; i < array_count(sizes); i++)
        tcpip_packet_list_push(&list, plain_packet(&f, sizes[i]));
    assert_int_equal(link_world_transmit(&f.world, f.link, &list), array_count(sizes));
    assert_int_equal(f.world.drops[TCPIP_DROP_LINK_TOO_BIG], 3);
    for (size_t i = 0; i < array_count(sizes); i++)
        if (sizes[i] <= 1500)
            assert_int_equal(recv(f.far, buffer, sizeof(buffer), 0), sizes[i]);
    assert_int_equal(recv(f.far, buffer, sizeof(buffer), 0), -1);
    fixture_close(&f);
}

static void what_comes_in_too_large_is_lost_by_name(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, (struct tcpip_fdbased_options){.mtu = 1500});
    memset(buffer, 0x45, 3000);
    assert_int_equal(send(f.far, buffer, 2049, 0), 2049);
    assert_int_equal(send(f.far, buffer, 2048, 0), 2048);
    assert_false(tcpip_fdbased_read(f.link, 64));
    assert_int_equal(f.world.drops[TCPIP_DROP_LINK_TOO_BIG], 1);
    assert_int_equal(f.world.received.count, 1);
    assert_int_equal(link_world_take(&f.world, buffer, sizeof(buffer), NULL), 2048);
    fixture_close(&f);
}

static uint32_t class_of(uint32_t size)
{
    return size <= 128 ? 128 : size <= 512 ? 512 : size <= 2048 ? 2048 : 16384;
}

static void every_size_arrives_whole_whatever_buffers_it_takes(void **state)
{
    (void)state;
    struct fixture f;
    static uint8_t sent[BYTES_MAX];
    fixture_open(&f, (struct tcpip_fdbased_options){.mtu = 65535});
    static const uint32_t sizes[] = {1,    20,   127,  128,   129,   511,   512,   513,   2047,  2048,
                                     2049, 4000, 9000, 18431, 18432, 18433, 40000, 65534, 65535, 65550};
    struct rng rng;
    rng_init(&rng, 7);
    set_buffers(f.far, 400000);
    for (uint32_t i = 0; i < 300; i++) {
        uint32_t size = i < array_count(sizes) ? sizes[i] : 1 + rng_below(&rng, 65550);
        for (uint32_t k = 0; k < size; k++)
            sent[k] = (uint8_t)rng_u32(&rng);
        sent[0] = (uint8_t)(0x40 | (sent[0] & 0x2f)); /* 4 or 6 */
        assert_int_equal(send(f.far, sent, size, 0), size);
        assert_true(tcpip_fdbased_read(f.link, 1));
        assert_int_equal(f.world.received.count, 1);
        uint32_t pinned = 0;
        const struct tcpip_packet *packet = f.world.received.head;
        for (uint32_t k = 0; k < packet->view_count; k++)
            pinned += packet->views[k].buffer->size;
        assert_int_equal(pinned, size <= 128     ? 0
                                 : size <= 512   ? 512
                                 : size <= 2048  ? 2048
                                 : size <= 18432 ? 2048 + class_of(size - 2048)
                                                 : 2048 + 65728);
        assert_int_equal(link_world_take(&f.world, buffer, sizeof(buffer), NULL), size);
        assert_memory_equal(buffer, sent, size);
    }
    fixture_close(&f);
}

static void reading_keeps_to_its_budget_and_says_that_more_is_there(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, (struct tcpip_fdbased_options){.mtu = 1500});
    buffer[0] = 0x60;
    for (uint32_t i = 0; i < 40; i++)
        assert_int_equal(send(f.far, buffer, 100 + i, 0), 100 + i);
    assert_true(tcpip_fdbased_read(f.link, 5));
    assert_int_equal(f.world.received.count, 5);
    assert_true(tcpip_fdbased_read(f.link, 20));
    assert_int_equal(f.world.received.count, 25);
    assert_false(tcpip_fdbased_read(f.link, 64));
    assert_int_equal(f.world.received.count, 40);
    assert_false(tcpip_fdbased_read(f.link, 64));
    for (uint32_t i = 0; i < 40; i++)
        assert_int_equal(link_world_take(&f.world, buffer, sizeof(buffer), NULL), 100 + i);
    assert_int_equal(counters_of(&f).rx_packets, 40);
    fixture_close(&f);
}

static void what_is_neither_ipv4_nor_ipv6_is_lost(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, (struct tcpip_fdbased_options){.mtu = 1500});
    buffer[0] = 0x55;
    assert_int_equal(send(f.far, buffer, 60, 0), 60);
    assert_false(tcpip_fdbased_read(f.link, 64));
    assert_int_equal(f.world.received.count, 0);
    assert_int_equal(f.world.drops[TCPIP_DROP_LINK_MALFORMED], 1);
    assert_int_equal(counters_of(&f).rx_malformed, 1);
    fixture_close(&f);
}

/* ---- the other side goes ---- */

static void a_hang_up_found_by_reading_comes_after_what_was_sent_before(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, (struct tcpip_fdbased_options){.mtu = 1500});
    buffer[0] = 0x45;
    assert_int_equal(send(f.far, buffer, 60, 0), 60);
    shutdown(f.far, SHUT_RDWR);
    assert_false(tcpip_fdbased_read(f.link, 64));
    while (!tcpip_fdbased_is_dead(f.link))
        assert_false(tcpip_fdbased_read(f.link, 64));
    assert_int_equal(f.world.received.count, 1);
    assert_int_equal(f.world.states, 1);
    assert_false(f.world.up);
    assert_int_equal(f.world.error, TCPIP_ERR_LINK_DOWN);
    assert_false(tcpip_fdbased_wants_write(f.link));
    link_world_advance(&f.world, TCPIP_SECOND);
    assert_int_equal(f.world.states, 1); /* told once */
    offer(&f, plain_packet(&f, 100), 1);
    assert_int_equal(f.world.drops[TCPIP_DROP_LINK_DOWN], 1);
    fixture_close(&f);
}

static void a_hang_up_found_by_writing_is_told_outside_transmit(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, (struct tcpip_fdbased_options){.mtu = 1500});
    shutdown(f.far, SHUT_RDWR);
    struct tcpip_packet_list list = tcpip_packet_list_init();
    for (uint32_t i = 0; i < 40; i++)
        tcpip_packet_list_push(&list, plain_packet(&f, 100));
    assert_int_equal(link_world_transmit(&f.world, f.link, &list), 40);
    assert_int_equal(f.world.drops[TCPIP_DROP_LINK_DOWN], 40);
    assert_int_equal(f.world.states, 0);
    assert_true(tcpip_stack_deadline(f.world.stack) <= f.world.test_env.now);
    link_world_advance(&f.world, 0);
    assert_int_equal(f.world.states, 1);
    assert_false(f.world.up);
    /* the news outlives a change of NIC */
    link_world_detach(&f.world, f.link);
    link_world_attach(&f.world, f.link);
    link_world_advance(&f.world, 0);
    assert_int_equal(f.world.states, 2);
    fixture_close(&f);
}

static void a_descriptor_that_is_closed_under_the_link_takes_it_down(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, (struct tcpip_fdbased_options){.mtu = 1500});
    int spare = fcntl(tcpip_fdbased_fd(f.link), F_DUPFD_CLOEXEC, 3);
    close(tcpip_fdbased_fd(f.link));
    assert_false(tcpip_fdbased_read(f.link, 64));
    assert_true(tcpip_fdbased_is_dead(f.link));
    assert_int_equal(dup2(spare, tcpip_fdbased_fd(f.link)), tcpip_fdbased_fd(f.link));
    close(spare);
    fixture_close(&f);
}

static void trouble_without_a_cause_is_not_believed(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, (struct tcpip_fdbased_options){.mtu = 1500});
    tcpip_fdbased_hang_up(f.link);
    assert_false(tcpip_fdbased_is_dead(f.link));
    shutdown(f.far, SHUT_RDWR);
    tcpip_fdbased_hang_up(f.link);
    assert_true(tcpip_fdbased_is_dead(f.link));
    assert_int_equal(f.world.states, 1);
    fixture_close(&f);
}

/* ---- memory ---- */

static void without_memory_packets_are_lost_and_the_link_goes_on(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, (struct tcpip_fdbased_options){.mtu = 9000});
    buffer[0] = 0x45;
    for (uint32_t k = 1; k < 12; k++) {
        tcpip_stack_trim(f.world.stack);
        uint64_t before = counters_of(&f).rx_packets + counters_of(&f).rx_no_memory;
        test_env_fail(&f.world.test_env, k, true);
        for (uint32_t i = 0; i < 10; i++) {
            assert_int_equal(send(f.far, buffer, 1000 * i + 100, 0), 1000 * i + 100);
            tcpip_fdbased_read(f.link, 64);
            assert_false(is_ready(tcpip_fdbased_fd(f.link), POLLIN)); /* read, whatever became of it */
        }
        test_env_fail(&f.world.test_env, 0, false);
        assert_int_equal(counters_of(&f).rx_packets + counters_of(&f).rx_no_memory, before + 10);
        tcpip_packet_list_free(&f.world.received);
        f.world.received = tcpip_packet_list_init();
    }
    assert_true(counters_of(&f).rx_no_memory > 0);
    assert_int_equal(send(f.far, buffer, 9000, 0), 9000);
    tcpip_fdbased_read(f.link, 64);
    assert_int_equal(link_world_take(&f.world, buffer, sizeof(buffer), NULL), 9000);
    fixture_close(&f);
}

/* ---- options ---- */

static void options_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    struct test_env test_env;
    struct tcpip_link *link = NULL;
    int pair[2], stream[2], pipe_ends[2];
    test_env_init(&test_env, 1);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, stream), 0);
    assert_int_equal(pipe(pipe_ends), 0);
    const size_t size = sizeof(struct tcpip_fdbased_options);
    const struct tcpip_fdbased_options wrong[] = {
        {.size = size, .fd = -1},
        {.size = size, .fd = pair[0], .vnet_header_bytes = 11},
        {.size = size, .fd = pair[0], .flags = TCPIP_LINK_TX_CHECKSUM},
        {.size = size, .fd = pair[0], .vnet_header_bytes = 12, .flags = TCPIP_LINK_TSO4},
        {.size = size, .fd = pair[0], .mtu = 67},
        {.size = size, .fd = pair[0], .mtu = 100000},
    };
    for (size_t i = 0; i < array_count(wrong); i++)
        assert_int_equal(tcpip_fdbased_new(&test_env.env, &wrong[i], &link), TCPIP_ERR_INVALID_ARGUMENT);
    const struct tcpip_fdbased_options bytes[] = {{.size = size, .fd = stream[0]}, {.size = size, .fd = pipe_ends[0]}};
    for (size_t i = 0; i < array_count(bytes); i++)
        assert_int_equal(tcpip_fdbased_new(&test_env.env, &bytes[i], &link), TCPIP_ERR_NOT_SUPPORTED);
    assert_null(link);
    test_env_fail(&test_env, 1, false);
    const struct tcpip_fdbased_options right = {.size = size, .fd = pair[0]};
    assert_int_equal(tcpip_fdbased_new(&test_env.env, &right, &link), TCPIP_ERR_NO_MEMORY);
    assert_int_equal(tcpip_fdbased_new(&test_env.env, &right, &link), TCPIP_OK);
    assert_int_not_equal(fcntl(pair[0], F_GETFL) & O_NONBLOCK, 0);
    tcpip_fdbased_free(link);
    assert_true(fcntl(pair[0], F_GETFD) >= 0); /* still the caller's */
    for (size_t i = 0; i < 2; i++) {
        close(pair[i]);
        close(stream[i]);
        close(pipe_ends[i]);
    }
    test_env_fini(&test_env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_over_sockets_keep_the_contract),
        cmocka_unit_test(a_link_over_datagrams_keeps_the_contract),
        cmocka_unit_test(what_is_larger_than_the_link_carries_is_lost_by_name),
        cmocka_unit_test(a_large_one_in_a_batch_leaves_the_others_whole),
        cmocka_unit_test(what_comes_in_too_large_is_lost_by_name),
        cmocka_unit_test(every_size_arrives_whole_whatever_buffers_it_takes),
        cmocka_unit_test(reading_keeps_to_its_budget_and_says_that_more_is_there),
        cmocka_unit_test(what_is_neither_ipv4_nor_ipv6_is_lost),
        cmocka_unit_test(a_hang_up_found_by_reading_comes_after_what_was_sent_before),
        cmocka_unit_test(a_hang_up_found_by_writing_is_told_outside_transmit),
        cmocka_unit_test(a_descriptor_that_is_closed_under_the_link_takes_it_down),
        cmocka_unit_test(trouble_without_a_cause_is_not_believed),
        cmocka_unit_test(without_memory_packets_are_lost_and_the_link_goes_on),
        cmocka_unit_test(options_that_contradict_each_other_are_refused),
    };
    return cmocka_run_group_tests_name("fdbased", tests, NULL, NULL);
}
