// SPDX-License-Identifier: MIT
/* udp_test.c: UDP between two hosts: what applications see. The answers of single calls stand beside the kernel's in
 * tests/parity; packets in bytes are in udp_wire_test.c, groups in udp_group_test.c. */
#include "datagrams.h"
#include "pair.h"
#include "stack/nic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    pair_init(pair, NULL);
    *state = pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;
    pair_fini(pair);
    free(pair);
    return 0;
}

static uint64_t drops(struct tcpip_stack *stack, enum tcpip_drop reason)
{
    struct tcpip_stats stats;
    tcpip_stack_stats(stack, &stats);
    return stats.drops[reason];
}

static void a_datagram_goes_there_and_an_answer_back(void **state)
{
    struct pair *pair = *state;
    for (int v6 = 0; v6 < 2; v6++) {
        struct tcpip_endpoint *client = v6 ? udp6_new(pair->a) : udp4_new(pair->a);
        struct tcpip_endpoint *server = v6 ? udp6_bound(pair->b, "fd00::2", 53) : udp4_bound(pair->b, "10.0.0.2", 53);
        struct tcpip_full_address from, name;
        char data[16];
        size_t done;
        assert_int_equal(send_text(client, "query", full(v6 ? "fd00::2" : "10.0.0.2", 53)), TCPIP_OK);
        pair_settle(pair);
        assert_int_equal(tcpip_endpoint_read(server, data, sizeof(data), &done, &from), TCPIP_OK);
        assert_int_equal(done, 5);
        tcpip_endpoint_local_address(client, &name);
        assert_int_equal(from.port, name.port);
        assert_true(tcpip_address_equal(&from.address, v6 ? &pair->a6.address : &pair->a4.address));
        assert_int_equal(send_text(server, "answer", &from), TCPIP_OK);
        pair_settle(pair);
        assert_int_equal(expect_text(client, "answer"), TCPIP_OK);
        tcpip_endpoint_close(client);
        tcpip_endpoint_close(server);
    }
}

static void a_refusal_over_the_wire_is_told_once(void **state)
{
    struct pair *pair = *state;
    for (int v6 = 0; v6 < 2; v6++) {
        struct tcpip_endpoint *ep = v6 ? udp6_new(pair->a) : udp4_new(pair->a);
        assert_int_equal(tcpip_endpoint_connect(ep, full(v6 ? "fd00::2" : "10.0.0.2", 9)), TCPIP_OK);
        assert_int_equal(send_text(ep, "x", NULL), TCPIP_OK);
        pair_settle(pair);
        assert_int_equal(tcpip_endpoint_readiness(ep, 0), TCPIP_EVENT_ERR);
        assert_int_equal(read_error(ep), TCPIP_ERR_CONNECTION_REFUSED);
        assert_int_equal(tcpip_endpoint_readiness(ep, 0), 0);
        assert_int_equal(read_error(ep), TCPIP_ERR_WOULD_BLOCK);
        assert_int_equal(send_text(ep, "y", NULL), TCPIP_OK);
        pair_settle(pair);
        assert_int_equal(send_text(ep, "z", NULL), TCPIP_ERR_CONNECTION_REFUSED);
        assert_int_equal(get_option(ep, TCPIP_OPTION_ERROR), TCPIP_OK);
        tcpip_endpoint_close(ep);
    }
    assert_int_equal(drops(pair->b, TCPIP_DROP_UDP_NO_PORT), 4);
}

/* ---- the queue ---- */

static void a_full_queue_refuses_and_counts(void **state)
{
    struct pair *pair = *state;
    struct tcpip_endpoint *from = udp4_new(pair->a), *to = udp4_bound(pair->b, "10.0.0.2", 7);
    struct tcpip_stats stats;
    uint32_t received = 0;
    set_option(to, TCPIP_OPTION_RECEIVE_BUFFER_SIZE, 16384);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(send_bytes(from, 0, full("10.0.0.2", 7)), TCPIP_OK); /* empty ones aren't free */
        pair_settle(pair);
    }
    while (expect_bytes(to, 0) == TCPIP_OK)
        received++;
    assert_in_range(received, 10, 40);
    assert_int_equal(drops(pair->b, TCPIP_DROP_UDP_QUEUE_FULL), 100 - received);
    tcpip_stack_stats(pair->b, &stats);
    assert_int_equal(stats.udp.receive_buffer_errors, 100 - received);
    assert_int_equal(stats.udp.packets_received, 100);
    /* And there is room again. */
    assert_int_equal(send_bytes(from, 10, full("10.0.0.2", 7)), TCPIP_OK);
    pair_settle(pair);
    assert_int_equal(expect_bytes(to, 10), TCPIP_OK);
    tcpip_endpoint_close(from);
    tcpip_endpoint_close(to);
}

static void one_datagram_is_never_too_large(void **state)
{
    struct pair *pair = *state;
    struct tcpip_endpoint *from = udp4_new(pair->a), *to = udp4_bound(pair->b, "10.0.0.2", 7);
    set_option(to, TCPIP_OPTION_RECEIVE_BUFFER_SIZE, 1);
    assert_in_range(get_option(to, TCPIP_OPTION_RECEIVE_BUFFER_SIZE), 1000, 8192); /* clamped */
    assert_int_equal(send_bytes(from, 65507, full("10.0.0.2", 7)), TCPIP_OK);
    pair_settle(pair);
    assert_int_equal(get_option(to, TCPIP_OPTION_RECEIVE_QUEUE_SIZE), 65507);
    assert_int_equal(expect_bytes(to, 65507), TCPIP_OK);
    assert_int_equal(get_option(to, TCPIP_OPTION_RECEIVE_QUEUE_SIZE), 0);
    tcpip_endpoint_close(from);
    tcpip_endpoint_close(to);
}

static void what_a_datagram_is_cut_to_is_lost(void **state)
{
    struct pair *pair = *state;
    struct tcpip_endpoint *from = udp4_new(pair->a), *to = udp4_bound(pair->b, "10.0.0.2", 7);
    uint8_t one[3], two[2];
    struct tcpip_io io[2] = {{one, sizeof(one)}, {two, sizeof(two)}};
    struct tcpip_control control;
    size_t done;
    assert_int_equal(send_text(from, "abcdefgh", full("10.0.0.2", 7)), TCPIP_OK);
    assert_int_equal(send_text(from, "abcde", full("10.0.0.2", 7)), TCPIP_OK);
    pair_settle(pair);
    assert_int_equal(tcpip_endpoint_recvmsg(to, io, 2, &done, NULL, &control), TCPIP_OK);
    assert_int_equal(done, 5);
    assert_memory_equal(one, "abc", 3);
    assert_memory_equal(two, "de", 2);
    assert_int_equal(control.present, TCPIP_CONTROL_TRUNCATED | TCPIP_CONTROL_TIMESTAMP);
    assert_int_equal(control.received_at, pair->world.now);
    assert_int_equal(tcpip_endpoint_recvmsg(to, io, 2, &done, NULL, &control), TCPIP_OK);
    assert_int_equal(done, 5);
    assert_int_equal(control.present, TCPIP_CONTROL_TIMESTAMP);
    assert_int_equal(read_error(to), TCPIP_ERR_WOULD_BLOCK);
    tcpip_endpoint_close(from);
    tcpip_endpoint_close(to);
}

static bool peek_first_byte(void *ctx, const void *data, size_t size)
{
    char *out = ctx;
    assert_true(size > 0);
    *out = *(const char *)data;
    return false;
}

static void a_peek_leaves_the_datagram(void **state)
{
    struct pair *pair = *state;
    struct tcpip_endpoint *from = udp4_new(pair->a), *to = udp4_bound(pair->b, "10.0.0.2", 7);
    char first = 0;
    size_t done;
    assert_int_equal(tcpip_endpoint_peek(to, peek_first_byte, &first, &done), TCPIP_ERR_WOULD_BLOCK);
    assert_int_equal(send_text(from, "kept", full("10.0.0.2", 7)), TCPIP_OK);
    pair_settle(pair);
    for (int i = 0; i < 2; i++)
        assert_int_equal(tcpip_endpoint_peek(to, peek_first_byte, &first, &done), TCPIP_OK);
    assert_int_equal(first, 'k');
    assert_int_equal(done, 0); /* the writer didn't take it */
    assert_int_equal(expect_text(to, "kept"), TCPIP_OK);
    tcpip_endpoint_close(from);
    tcpip_endpoint_close(to);
}

static void lent_views_outlive_the_endpoint(void **state)
{
    struct pair *pair = *state;
    static const size_t sizes[] = {0, 1, 100, 1400, 60000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct tcpip_endpoint *from = udp4_new(pair->a), *to = udp4_bound(pair->b, "10.0.0.2", 7);
        struct tcpip_view views[2];
        struct tcpip_full_address sender;
        size_t count = 2, done;
        assert_int_equal(tcpip_endpoint_read_views(to, views, &count, 100000, &done, NULL), TCPIP_ERR_WOULD_BLOCK);
        assert_int_equal(count, 0);
        assert_int_equal(send_bytes(from, sizes[i], full("10.0.0.2", 7)), TCPIP_OK);
        pair_settle(pair);
        count = 2;
        assert_int_equal(tcpip_endpoint_read_views(to, views, &count, 100000, &done, &sender), TCPIP_OK);
        assert_int_equal(done, sizes[i]);
        assert_true(tcpip_address_equal(&sender.address, &pair->a4.address));
        assert_int_equal(read_error(to), TCPIP_ERR_WOULD_BLOCK);
        tcpip_endpoint_close(from);
        tcpip_endpoint_close(to);
        size_t at = 0;
        for (size_t k = 0; k < count; k++) {
            for (uint32_t byte = 0; byte < views[k].length; byte++, at++)
                assert_int_equal(tcpip_view_data(&views[k])[byte], (uint8_t)(at * 7 + (at >> 8)));
            tcpip_buffer_unref(views[k].buffer);
        }
        assert_int_equal(at, done);
    }
}

/* ---- zero-copy sending ---- */

static void count_release(void *ctx, struct tcpip_buffer *buffer)
{
    (void)buffer;
    (*(int *)ctx)++;
}

static void a_view_is_sent_without_a_copy_and_given_back(void **state)
{
    struct pair *pair = *state;
    struct tcpip_endpoint *from = udp4_new(pair->a), *to = udp4_bound(pair->b, "10.0.0.2", 7);
    static uint8_t data[70000];
    int released = 0;
    memcpy(data, "zero copy", 9);
    struct tcpip_buffer *buffer = tcpip_buffer_wrap(pair->a, data, sizeof(data), count_release, &released);
    struct tcpip_view view = {buffer, 0, 65508};
    assert_int_equal(tcpip_endpoint_write_view(from, &view, 0, full("10.0.0.2", 7)), TCPIP_ERR_MESSAGE_TOO_LONG);
    assert_int_equal(tcpip_endpoint_write_view(from, &view, 0, NULL), TCPIP_ERR_DESTINATION_REQUIRED);
    assert_int_equal(buffer->refs, 1);
    view.length = 9;
    assert_int_equal(tcpip_endpoint_write_view(from, &view, 0, full("10.0.0.2", 7)), TCPIP_OK);
    tcpip_buffer_unref(buffer);
    tcpip_endpoint_close(from);
    pair_settle(pair);
    assert_int_equal(released, 1);
    assert_int_equal(expect_text(to, "zero copy"), TCPIP_OK);
    tcpip_endpoint_close(to);
}

/* ---- control messages ---- */

static void control_overrides_ttl_tos_and_source(void **state)
{
    struct pair *pair = *state;
    struct tcpip_prefix second;
    struct tcpip_endpoint *from = udp4_new(pair->a), *to = udp4_bound(pair->b, "10.0.0.2", 7);
    struct tcpip_io io = {(uint8_t *)(uintptr_t) "x", 1};
    struct tcpip_control control = {
        .present = TCPIP_CONTROL_TTL | TCPIP_CONTROL_TOS | TCPIP_CONTROL_PACKET_INFO, .ttl = 5, .tos = 0x28};
    struct tcpip_full_address sender;
    size_t done;
    assert_int_equal(tcpip_prefix_parse("10.0.0.3/24", &second), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_address(pair->a, 1, &second, NULL), TCPIP_OK);
    control.packet_info.address = second.address;
    set_option(to, TCPIP_OPTION_RECEIVE_TTL, 1);
    set_option(to, TCPIP_OPTION_RECEIVE_TOS, 1);
    set_option(to, TCPIP_OPTION_RECEIVE_PACKET_INFO, 1);
    assert_int_equal(tcpip_endpoint_sendmsg(from, &io, 1, 0, full("10.0.0.2", 7), &control, &done), TCPIP_OK);
    control.packet_info.address = full("10.0.0.77", 0)->address; /* nobody's */
    assert_int_equal(tcpip_endpoint_sendmsg(from, &io, 1, 0, full("10.0.0.2", 7), &control, &done),
                     TCPIP_ERR_BAD_LOCAL_ADDRESS);
    control.packet_info.address = full("fd00::1", 0)->address; /* of the other family */
    assert_int_equal(tcpip_endpoint_sendmsg(from, &io, 1, 0, full("10.0.0.2", 7), &control, &done),
                     TCPIP_ERR_INVALID_ARGUMENT);
    control.packet_info.address = (struct tcpip_address){{0}, 0};
    control.packet_info.nic = 3;
    assert_int_equal(tcpip_endpoint_sendmsg(from, &io, 1, 0, full("10.0.0.2", 7), &control, &done), TCPIP_ERR_NO_ROUTE);
    pair_settle(pair);
    memset(&control, 0, sizeof(control));
    assert_int_equal(tcpip_endpoint_recvmsg(to, &io, 0, &done, &sender, &control), TCPIP_OK);
    assert_int_equal(control.ttl, 5);
    assert_int_equal(control.tos, 0x28);
    assert_int_equal(control.packet_info.nic, 1);
    assert_true(tcpip_address_equal(&control.packet_info.address, &pair->b4.address));
    assert_true(tcpip_address_equal(&sender.address, &second.address));
    assert_int_equal(read_error(to), TCPIP_ERR_WOULD_BLOCK);
    tcpip_endpoint_close(from);
    tcpip_endpoint_close(to);
}

/* ---- binding ---- */

struct commit_probe {
    struct tcpip_endpoint *ep;
    enum tcpip_error answer;
    int runs;
    uint16_t port_seen;
};

static enum tcpip_error commit(void *ctx)
{
    struct commit_probe *probe = ctx;
    struct tcpip_full_address name;
    tcpip_endpoint_local_address(probe->ep, &name);
    probe->port_seen = name.port;
    probe->runs++;
    return probe->answer;
}

static void a_commit_that_fails_undoes_the_bind(void **state)
{
    struct pair *pair = *state;
    struct commit_probe probe = {udp4_new(pair->a), TCPIP_ERR_NOT_PERMITTED, 0, 99};
    struct tcpip_endpoint *other;
    assert_int_equal(tcpip_endpoint_bind(probe.ep, full("10.0.0.1", 7), commit, &probe), TCPIP_ERR_NOT_PERMITTED);
    assert_int_equal(probe.port_seen, 0); /* not visible yet */
    other = udp4_bound(pair->a, "10.0.0.1", 7);
    tcpip_endpoint_close(other);
    probe.answer = TCPIP_OK;
    assert_int_equal(tcpip_endpoint_bind(probe.ep, full("10.0.0.1", 7), commit, &probe), TCPIP_OK);
    assert_int_equal(probe.runs, 2);
    assert_int_equal(tcpip_endpoint_bind(probe.ep, full("10.0.0.1", 8), commit, &probe),
                     TCPIP_ERR_INVALID_ENDPOINT_STATE);
    assert_int_equal(probe.runs, 2);
    tcpip_endpoint_close(probe.ep);
}

static void ports_and_endpoints_run_out(void **state)
{
    struct pair *pair = *state;
    struct tcpip_endpoint *ep[3];
    assert_int_equal(tcpip_stack_set_port_range(pair->a, 40000, 40001), TCPIP_OK);
    for (int i = 0; i < 3; i++) {
        ep[i] = udp4_new(pair->a);
        assert_int_equal(tcpip_endpoint_bind(ep[i], full("0.0.0.0", 0), NULL, NULL),
                         i < 2 ? TCPIP_OK : TCPIP_ERR_NO_PORT_AVAILABLE);
    }
    assert_int_equal(send_text(ep[2], "x", full("10.0.0.2", 7)), TCPIP_ERR_NO_PORT_AVAILABLE);
    assert_int_equal(tcpip_endpoint_connect(ep[2], full("10.0.0.2", 7)), TCPIP_ERR_NO_PORT_AVAILABLE);
    tcpip_endpoint_close(ep[0]);
    assert_int_equal(send_text(ep[2], "x", full("10.0.0.2", 7)), TCPIP_OK);
    tcpip_endpoint_close(ep[1]);
    tcpip_endpoint_close(ep[2]);
}

static void bound_to_a_nic_it_uses_no_other(void **state)
{
    struct pair *pair = *state;
    struct tcpip_link *loopback = tcpip_loopback_new(&pair->world.env, 0);
    struct tcpip_prefix prefix;
    struct tcpip_full_address bound = *full("0.0.0.0", 7);
    int64_t value;
    assert_int_equal(tcpip_stack_create_nic(pair->a, 2, loopback, NULL), TCPIP_OK);
    assert_int_equal(tcpip_prefix_parse("127.0.0.1/8", &prefix), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_address(pair->a, 2, &prefix, NULL), TCPIP_OK);
    struct tcpip_endpoint *ep = udp4_new(pair->a), *any = udp4_new(pair->a), *other = udp4_new(pair->a);
    assert_int_equal(tcpip_endpoint_set_option(ep, TCPIP_OPTION_BIND_TO_NIC, 9), TCPIP_ERR_UNKNOWN_NIC_ID);
    set_option(ep, TCPIP_OPTION_BIND_TO_NIC, 2);
    assert_int_equal(send_text(ep, "x", full("10.0.0.2", 7)), TCPIP_ERR_NO_ROUTE);
    assert_int_equal(tcpip_endpoint_connect(ep, full("10.0.0.2", 7)), TCPIP_ERR_NO_ROUTE);
    bound.nic = 2;
    assert_int_equal(tcpip_endpoint_bind(any, &bound, NULL, NULL), TCPIP_OK);
    bound.nic = 1;
    assert_int_equal(tcpip_endpoint_bind(other, &bound, NULL, NULL), TCPIP_OK); /* the same port on another NIC */
    bound = *full("10.0.0.2", 7);
    bound.nic = 1;
    assert_int_equal(send_text(any, "x", &bound), TCPIP_ERR_NO_ROUTE); /* asked for one, bound to the other */
    assert_int_equal(send_text(other, "x", &bound), TCPIP_OK);
    struct tcpip_endpoint *free_one = udp4_new(pair->a);
    assert_int_equal(send_text(free_one, "x", &bound), TCPIP_OK);
    bound.nic = 2;
    assert_int_equal(send_text(free_one, "x", &bound),
                     TCPIP_ERR_NO_ROUTE); /* no way of that NIC's, though one is known */
    tcpip_endpoint_close(free_one);
    assert_int_equal(send_text(ep, "loop", full("127.0.0.1", 7)), TCPIP_OK);
    assert_int_equal(expect_text(any, "loop"), TCPIP_OK);
    assert_int_equal(read_error(other), TCPIP_ERR_WOULD_BLOCK);
    assert_int_equal(tcpip_endpoint_get_option(ep, TCPIP_OPTION_PATH_MTU, &value), TCPIP_ERR_NOT_CONNECTED);
    tcpip_endpoint_close(ep);
    tcpip_endpoint_close(any);
    tcpip_endpoint_close(other);
    assert_int_equal(tcpip_stack_remove_nic(pair->a, 2), TCPIP_OK);
    tcpip_loopback_free(loopback);
}

static void sharers_of_a_port_keep_their_flows(void **state)
{
    struct pair *pair = *state;
    struct tcpip_endpoint *sharer[4], *client[32];
    uint32_t heard[4] = {0};
    for (int i = 0; i < 4; i++) {
        sharer[i] = udp4_new(pair->b);
        set_option(sharer[i], TCPIP_OPTION_REUSE_PORT, 1);
        assert_int_equal(tcpip_endpoint_bind(sharer[i], full("10.0.0.2", 7), NULL, NULL), TCPIP_OK);
    }
    for (int c = 0; c < 32; c++) {
        client[c] = udp4_new(pair->a);
        for (int round = 0; round < 3; round++)
            assert_int_equal(send_text(client[c], "x", full("10.0.0.2", 7)), TCPIP_OK);
        pair_settle(pair);
        for (int i = 0; i < 4; i++) {
            uint32_t count = 0;
            while (expect_text(sharer[i], "x") == TCPIP_OK)
                count++;
            assert_true(count == 0 || count == 3);
            heard[i] += count;
        }
        tcpip_endpoint_close(client[c]);
    }
    for (int i = 0; i < 4; i++) {
        assert_in_range(heard[i], 3, 60); /* each has some */
        tcpip_endpoint_close(sharer[i]);
    }
}

/* ---- waiters, and what goes away ---- */

struct listening {
    struct tcpip_waiter waiter;
    uint32_t calls, events;
};

static void hear(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct listening *listening = TCPIP_CONTAINER_OF(waiter, struct listening, waiter);
    listening->calls++;
    listening->events |= ready;
}

static void waiters_hear_of_each_arrival_and_of_errors(void **state)
{
    struct pair *pair = *state;
    struct tcpip_endpoint *from = udp4_new(pair->a), *to = udp4_bound(pair->b, "10.0.0.2", 7);
    struct listening in = {{{NULL, NULL}, TCPIP_EVENT_IN, hear}, 0, 0}, err = {{{NULL, NULL}, 0, hear}, 0, 0};
    tcpip_endpoint_waiter_add(to, &in.waiter);
    tcpip_endpoint_waiter_add(from, &err.waiter);
    for (uint32_t i = 0; i < 3; i++) { /* unread: news all the same */
        assert_int_equal(send_text(from, "x", full("10.0.0.2", 7)), TCPIP_OK);
        pair_settle(pair);
        assert_int_equal(in.calls, i + 1);
    }
    assert_int_equal(in.events, TCPIP_EVENT_IN);
    assert_int_equal(tcpip_endpoint_connect(from, full("10.0.0.2", 9)), TCPIP_OK);
    assert_int_equal(send_text(from, "x", NULL), TCPIP_OK);
    pair_settle(pair);
    assert_int_equal(err.calls, 1);
    assert_int_equal(err.events, TCPIP_EVENT_ERR);
    assert_int_equal(tcpip_endpoint_shutdown(to, TCPIP_SHUTDOWN_READ), TCPIP_ERR_NOT_CONNECTED);
    assert_int_equal(in.calls, 4);
    tcpip_endpoint_close(from);
    tcpip_endpoint_close(to);
}

static void a_stack_goes_with_everything_open(void **state)
{
    struct pair *pair = *state;
    struct tcpip_endpoint *from = udp4_new(pair->a), *to = udp4_bound(pair->b, "0.0.0.0", 7);
    assert_int_equal(tcpip_endpoint_join_group(to, 1, &full("224.5.6.7", 0)->address), TCPIP_OK);
    set_option(to, TCPIP_OPTION_TTL, 9);
    assert_int_equal(tcpip_endpoint_connect(from, full("10.0.0.2", 7)), TCPIP_OK);
    for (int i = 0; i < 10; i++)
        assert_int_equal(send_bytes(from, 1000, NULL), TCPIP_OK);
    pair_settle(pair);
    /* Teardown frees the stacks and counts the bytes. */
}

static void a_nic_goes_while_its_datagrams_wait(void **state)
{
    struct pair *pair = *state;
    struct tcpip_link *loopback = tcpip_loopback_new(&pair->world.env, 0);
    struct tcpip_endpoint *ep = udp4_bound(pair->a, "0.0.0.0", 7), *other = udp4_new(pair->a);
    const struct tcpip_full_address *group = full("224.5.6.7", 7);
    struct tcpip_control control;
    struct tcpip_prefix prefix;
    size_t done;
    uint8_t bytes[16];
    address_internal(&group->address, bytes);
    assert_int_equal(tcpip_prefix_parse("127.0.0.1/8", &prefix), TCPIP_OK);
    set_option(ep, TCPIP_OPTION_RECEIVE_PACKET_INFO, 1);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(tcpip_stack_create_nic(pair->a, 2, loopback, NULL), TCPIP_OK);
        assert_int_equal(tcpip_stack_add_address(pair->a, 2, &prefix, NULL), TCPIP_OK);
        if (round == 0) {
            assert_int_equal(tcpip_endpoint_join_group(ep, 2, &group->address), TCPIP_OK);
            assert_int_equal(tcpip_endpoint_connect(other, full("127.0.0.1", 7)), TCPIP_OK);
            assert_int_equal(send_text(other, "x", NULL), TCPIP_OK);
        } else {
            /* A NIC with the id of one that went: what was joined there isn't left here. */
            assert_int_equal(tcpip_endpoint_join_group(other, 2, &group->address), TCPIP_OK);
            assert_int_equal(tcpip_endpoint_leave_group(ep, 2, &group->address), TCPIP_OK);
            assert_true(tcpip__nic_in_group(tcpip_stack_nic(pair->a, 2), bytes));
            assert_int_equal(send_text(other, "y", NULL), TCPIP_OK); /* by the new one */
            assert_int_equal(expect_text(ep, "y"), TCPIP_OK);
        }
        if (round == 0) {
            assert_int_equal(tcpip_stack_remove_nic(pair->a, 2), TCPIP_OK);
            assert_int_equal(send_text(other, "z", NULL), TCPIP_ERR_NO_ROUTE);
            assert_int_equal(tcpip_endpoint_recvmsg(ep, NULL, 0, &done, NULL, &control), TCPIP_OK);
            assert_int_equal(control.packet_info.nic, 2);
        }
    }
    tcpip_endpoint_close(ep);
    tcpip_endpoint_close(other);
    assert_int_equal(tcpip_stack_remove_nic(pair->a, 2), TCPIP_OK);
    tcpip_loopback_free(loopback);
}

static void a_host_refuses_its_own_programs_as_often_as_they_ask(void **state)
{
    struct pair *pair = *state;
    struct tcpip_link *loopback = tcpip_loopback_new(&pair->world.env, 0);
    struct tcpip_endpoint *ep = udp4_new(pair->a);
    struct tcpip_prefix prefix;
    char bytes[1];
    assert_int_equal(tcpip_prefix_parse("127.0.0.1/8", &prefix), TCPIP_OK);
    assert_int_equal(tcpip_stack_create_nic(pair->a, 2, loopback, NULL), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_address(pair->a, 2, &prefix, NULL), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_connect(ep, full("127.0.0.1", 9)), TCPIP_OK);
    for (int i = 0; i < 100; i++) { /* far more than a stranger would hear of */
        size_t done;
        assert_int_equal(send_text(ep, "x", NULL), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_read(ep, bytes, sizeof(bytes), &done, NULL), TCPIP_ERR_CONNECTION_REFUSED);
    }
    tcpip_endpoint_close(ep);
    assert_int_equal(tcpip_stack_remove_nic(pair->a, 2), TCPIP_OK);
    tcpip_loopback_free(loopback);
}

static void nothing_leaves_over_ipv6_without_a_source(void **state)
{
    struct pair *pair = *state;
    struct tcpip_endpoint *v6 = udp6_new(pair->a), *v4 = udp4_new(pair->a);
    assert_int_equal(tcpip_stack_remove_address(pair->a, 1, &pair->a6.address), TCPIP_OK);
    assert_int_equal(tcpip_stack_remove_address(pair->a, 1, &pair->a4.address), TCPIP_OK);
    assert_int_equal(send_text(v6, "x", full("ff02::1", 7)), TCPIP_ERR_BAD_LOCAL_ADDRESS);
    assert_int_equal(send_text(v6, "x", full("fd00::2", 7)), TCPIP_ERR_NO_ROUTE);
    /* Over IPv4 it does: DHCP begins so. */
    set_option(v4, TCPIP_OPTION_BROADCAST, 1);
    assert_int_equal(send_text(v4, "x", full("255.255.255.255", 67)), TCPIP_OK);
    tcpip_endpoint_close(v6);
    tcpip_endpoint_close(v4);
}

static void a_connected_endpoint_keeps_its_address(void **state)
{
    struct pair *pair = *state;
    struct tcpip_endpoint *ep = udp4_new(pair->a);
    struct tcpip_prefix second;
    struct tcpip_full_address name;
    assert_int_equal(tcpip_endpoint_connect(ep, full("10.0.0.2", 7)), TCPIP_OK);
    assert_int_equal(tcpip_prefix_parse("10.0.0.3/24", &second), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_address(pair->a, 1, &second, NULL), TCPIP_OK);
    assert_int_equal(tcpip_stack_remove_address(pair->a, 1, &pair->a4.address), TCPIP_OK);
    /* Answers to another would not come here. */
    assert_int_equal(send_text(ep, "x", NULL), TCPIP_ERR_BAD_LOCAL_ADDRESS);
    assert_int_equal(tcpip_endpoint_connect(ep, full("10.0.0.2", 7)), TCPIP_OK);
    tcpip_endpoint_local_address(ep, &name);
    assert_true(tcpip_address_equal(&name.address, &second.address));
    assert_int_equal(send_text(ep, "x", NULL), TCPIP_OK);
    tcpip_endpoint_close(ep);
}

static void link_local_peers_are_told_apart_by_nic(void **state)
{
    struct pair *pair = *state;
    struct tcpip_prefix prefix;
    struct tcpip_address_properties no_dad = {.size = sizeof(no_dad), .flags = TCPIP_ADDRESS_NO_DAD};
    struct tcpip_full_address there = *full("fe80::2", 7), from, name;
    char data[8];
    size_t done;
    assert_int_equal(tcpip_prefix_parse("fe80::1/64", &prefix), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_address(pair->a, 1, &prefix, &no_dad), TCPIP_OK);
    assert_int_equal(tcpip_prefix_parse("fe80::2/64", &prefix), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_address(pair->b, 1, &prefix, &no_dad), TCPIP_OK);
    struct tcpip_endpoint *client = udp6_new(pair->a), *server = udp6_bound(pair->b, "::", 7);
    there.nic = 1;
    assert_int_equal(tcpip_endpoint_connect(client, &there), TCPIP_OK);
    assert_int_equal(send_text(client, "hi", NULL), TCPIP_OK);
    pair_settle(pair);
    assert_int_equal(tcpip_endpoint_read(server, data, sizeof(data), &done, &from), TCPIP_OK);
    assert_int_equal(from.nic, 1);
    assert_int_equal(send_text(server, "ho", &from), TCPIP_OK);
    pair_settle(pair);
    assert_int_equal(expect_text(client, "ho"), TCPIP_OK);
    tcpip_endpoint_local_address(client, &name);
    assert_int_equal(name.nic, 1);
    tcpip_endpoint_close(server);
    server = udp6_bound(pair->b, "fe80::2", 8); /* names its NIC by itself */
    tcpip_endpoint_local_address(server, &name);
    assert_int_equal(name.nic, 1);
    tcpip_endpoint_close(client);
    tcpip_endpoint_close(server);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_datagram_goes_there_and_an_answer_back),
        TEST(a_refusal_over_the_wire_is_told_once),
        TEST(a_full_queue_refuses_and_counts),
        TEST(one_datagram_is_never_too_large),
        TEST(what_a_datagram_is_cut_to_is_lost),
        TEST(a_peek_leaves_the_datagram),
        TEST(lent_views_outlive_the_endpoint),
        TEST(a_view_is_sent_without_a_copy_and_given_back),
        TEST(control_overrides_ttl_tos_and_source),
        TEST(a_commit_that_fails_undoes_the_bind),
        TEST(ports_and_endpoints_run_out),
        TEST(bound_to_a_nic_it_uses_no_other),
        TEST(sharers_of_a_port_keep_their_flows),
        TEST(waiters_hear_of_each_arrival_and_of_errors),
        TEST(a_stack_goes_with_everything_open),
        TEST(a_nic_goes_while_its_datagrams_wait),
        TEST(a_host_refuses_its_own_programs_as_often_as_they_ask),
        TEST(nothing_leaves_over_ipv6_without_a_source),
        TEST(a_connected_endpoint_keeps_its_address),
        TEST(link_local_peers_are_told_apart_by_nic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
