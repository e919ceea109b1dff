// SPDX-License-Identifier: MIT
/* tcp_transfer_test.c: whole connections between two stacks in virtual time: bytes in are bytes out, once, in order,
 * whatever the path does; and nothing leaks.
 *
 * Not here: what is seen on the wire (tests/script), single organs (their own tests). */
#include "pair.h"
#include "stack/nic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { CHUNK = 16384 };

struct transfer {
    struct tcpip_endpoint *from, *to;
    uint64_t total, written, read;
    bool corrupt, shut, ended;
};

static uint8_t transfer_byte(uint64_t at)
{
    return (uint8_t)(at * 131 + (at >> 8) * 31 + (at >> 16));
}

static bool transfer_step(void *ctx)
{
    struct transfer *t = ctx;
    uint8_t buffer[CHUNK];
    size_t done;
    while (t->written < t->total) {
        size_t size = t->total - t->written < CHUNK ? (size_t)(t->total - t->written) : CHUNK;
        for (size_t i = 0; i < size; i++)
            buffer[i] = transfer_byte(t->written + i);
        enum tcpip_error error = tcpip_endpoint_write(t->from, buffer, size, 0, NULL, &done);
        if (error == TCPIP_ERR_WOULD_BLOCK)
            break;
        assert_int_equal(error, TCPIP_OK);
        t->written += done;
    }
    if (t->written == t->total && !t->shut) {
        assert_int_equal(tcpip_endpoint_shutdown(t->from, TCPIP_SHUTDOWN_WRITE), TCPIP_OK);
        t->shut = true;
    }
    for (;;) {
        enum tcpip_error error = tcpip_endpoint_read(t->to, buffer, sizeof(buffer), &done, NULL);
        if (error == TCPIP_ERR_CLOSED_FOR_RECEIVE)
            t->ended = true;
        if (error != TCPIP_OK)
            break;
        for (size_t i = 0; i < done; i++)
            t->corrupt = t->corrupt || buffer[i] != transfer_byte(t->read + i);
        t->read += done;
    }
    return t->ended;
}

static tcpip_ns transfer_run(const struct pair_options *options, bool v6, uint64_t total, struct tcpip_stats *stats)
{
    struct pair pair;
    struct transfer transfer = {.total = total};
    pair_init(&pair, options);
    struct tcpip_endpoint *client, *server;
    pair_connect(&pair, v6, &client, &server);
    transfer.from = client;
    transfer.to = server;
    tcpip_ns began = pair.world.now;
    assert_true(pair_run_until(&pair, 3600 * TCPIP_SECOND, transfer_step, &transfer));
    tcpip_ns took = pair.world.now - began;
    assert_false(transfer.corrupt);
    assert_int_equal(transfer.read, total);
    tcpip_endpoint_close(client);
    tcpip_endpoint_close(server);
    pair_run(&pair, 120 * TCPIP_SECOND);
    tcpip_stack_stats(pair.a, stats);
    assert_int_equal(stats->tcp.current_established, 0);
    assert_int_equal(stats->tcp.time_wait_current, 0);
    pair_fini(&pair);
    return took;
}

static void a_megabyte_arrives_whole_over_a_clean_path(void **state)
{
    (void)state;
    struct tcpip_stats stats;
    for (int v6 = 0; v6 < 2; v6++) {
        (void)transfer_run(NULL, v6 != 0, 1000000, &stats);
        assert_int_equal(stats.tcp.retransmits, 0);
        assert_int_equal(stats.tcp.timeouts, 0);
    }
}

static void an_empty_connection_opens_and_closes(void **state)
{
    (void)state;
    struct tcpip_stats stats;
    (void)transfer_run(NULL, false, 0, &stats);
    assert_int_equal(stats.tcp.established_resets, 0);
}

static void loss_and_reordering_and_duplication_change_nothing(void **state)
{
    (void)state;
    struct tcpip_stats stats;
    uint64_t retransmits = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct tcpip_fault_profile faults = {
            .loss_ppm = 20000,
            .duplicate_ppm = 10000,
            .reorder_ppm = 20000,
            .reorder_ns = 3 * TCPIP_MS,
            .delay_ns = 5 * TCPIP_MS,
        };
        struct pair_options options = {.a_to_b = faults, .b_to_a = faults, .seed = seed};
        (void)transfer_run(&options, seed % 2 == 0, 300000, &stats);
        retransmits += stats.tcp.retransmits;
    }
    assert_true(retransmits > 20);
}

static void corruption_is_caught_by_checksums(void **state)
{
    (void)state;
    struct tcpip_stats stats;
    struct tcpip_fault_profile faults = {.corrupt_ppm = 20000, .delay_ns = TCPIP_MS};
    struct pair_options options = {.a_to_b = faults, .b_to_a = faults, .seed = 7};
    (void)transfer_run(&options, false, 300000, &stats);
}

static void a_rate_limited_path_is_filled(void **state)
{
    (void)state;
    struct tcpip_stats stats;
    /* 100 Mbit/s, 20 ms round trip, a buffer of about one bandwidth-delay product. */
    struct tcpip_fault_profile out = {.rate_bps = 100000000, .delay_ns = 10 * TCPIP_MS, .queue_bytes = 250000};
    struct tcpip_fault_profile in = {.delay_ns = 10 * TCPIP_MS};
    struct pair_options options = {.a_to_b = out, .b_to_a = in, .seed = 3};
    tcpip_ns took = transfer_run(&options, false, 20000000, &stats);
    /* 1.6 s of payload and 4 % of headers; slow start and the first losses may cost a second. */
    assert_true(took < 2700 * TCPIP_MS);
    assert_true(took > 1600 * TCPIP_MS);
}

static void a_path_that_reorders_is_learnt(void **state)
{
    (void)state;
    struct tcpip_stats stats;
    /* One packet in a hundred is overtaken by some 25 others. */
    struct tcpip_fault_profile out = {
        .rate_bps = 100000000,
        .delay_ns = 10 * TCPIP_MS,
        .reorder_ppm = 10000,
        .reorder_ns = 3 * TCPIP_MS,
    };
    struct tcpip_fault_profile in = {.delay_ns = 10 * TCPIP_MS};
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct pair_options options = {.a_to_b = out, .b_to_a = in, .seed = seed};
        (void)transfer_run(&options, false, 3000000, &stats);
        assert_in_range(stats.tcp.fast_recovery, 0, 6); /* of some 20 that are late */
        assert_int_equal(stats.tcp.timeouts, 0);
    }
}

/* Two flows into a link that takes eight packets at a time (b's: a's fault link would hold any number of them). */
struct narrow {
    struct transfer flows[2];
    struct tcpip_nic *nic;
    uint64_t most_bytes;
};

static struct narrow narrow;

static void narrow_trace(void *ctx, const struct tcpip_event *event)
{
    (void)ctx;
    if (event->kind == TCPIP_EVENT_TCP_SEND && narrow.nic != NULL && narrow.nic->tx_queued_bytes > narrow.most_bytes)
        narrow.most_bytes = narrow.nic->tx_queued_bytes;
}

static bool narrow_step(void *ctx)
{
    (void)ctx;
    bool first = transfer_step(&narrow.flows[0]), second = transfer_step(&narrow.flows[1]);
    return first && second;
}

static void what_a_slow_link_cannot_take_waits_with_the_connection(void **state)
{
    (void)state;
    struct pair pair;
    struct pair_options options = {.queue_packets = 8, .trace = narrow_trace};
    struct tcpip_endpoint *client[2], *server[2];
    struct tcpip_stats stats;
    pair_init(&pair, &options);
    narrow.nic = tcpip_stack_nic(pair.b, 1);
    for (int i = 0; i < 2; i++) {
        pair_connect(&pair, i == 1, &client[i], &server[i]);
        assert_int_equal(tcpip_endpoint_set_option(server[i], TCPIP_OPTION_SEND_BUFFER_SIZE, 4000000), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_set_option(client[i], TCPIP_OPTION_RECEIVE_BUFFER_SIZE, 4000000), TCPIP_OK);
        narrow.flows[i] = (struct transfer){.from = server[i], .to = client[i], .total = 8000000};
    }
    assert_true(pair_run_until(&pair, 60 * TCPIP_SECOND, narrow_step, NULL));
    tcpip_stack_stats(pair.b, &stats);
    /* The queue is that of a blocked link plus what one flow sends at once; nothing is lost for it. */
    assert_in_range(narrow.most_bytes, NIC_BACKLOG_BYTES / 2, NIC_BACKLOG_BYTES + 2 * 65536);
    assert_int_equal(stats.drops[TCPIP_DROP_QUEUE_FULL], 0);
    assert_int_equal(stats.tcp.retransmits, 0);
    for (int i = 0; i < 2; i++) {
        assert_false(narrow.flows[i].corrupt);
        assert_int_equal(narrow.flows[i].read, narrow.flows[i].total);
        tcpip_endpoint_close(client[i]);
        tcpip_endpoint_close(server[i]);
    }
    narrow.nic = NULL;
    pair_fini(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_connection_opens_and_closes),
        cmocka_unit_test(a_megabyte_arrives_whole_over_a_clean_path),
        cmocka_unit_test(loss_and_reordering_and_duplication_change_nothing),
        cmocka_unit_test(corruption_is_caught_by_checksums),
        cmocka_unit_test(a_rate_limited_path_is_filled),
        cmocka_unit_test(what_a_slow_link_cannot_take_waits_with_the_connection),
        cmocka_unit_test(a_path_that_reorders_is_learnt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
