// SPDX-License-Identifier: MIT
/* tcp_mark_test.c: marked writes: when their last byte was sent, when it was acknowledged. */
#include "tcp_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum {
    ACK = TCPIP_TCP_ACK,
    ALL = TCPIP_WRITE_STAMP_SCHEDULED | TCPIP_WRITE_STAMP_SENT | TCPIP_WRITE_STAMP_ACKED,
};

static uint8_t text[10000];

static size_t write_marked(struct tcpip_endpoint *ep, size_t size, uint32_t flags)
{
    size_t done;
    assert_int_equal(tcpip_endpoint_write(ep, text, size, flags, NULL, &done), TCPIP_OK);
    return done;
}

static void expect_record(struct tcpip_endpoint *ep, enum tcpip_error_origin origin, uint64_t first, uint64_t last,
                          tcpip_ns at)
{
    struct tcpip_error_record record;
    assert_int_equal(tcpip_endpoint_read_error(ep, &record, NULL, 0), TCPIP_OK);
    assert_int_equal(record.origin, origin);
    assert_int_equal(record.first, first);
    assert_int_equal(record.last, last);
    assert_int_equal(record.at, at);
    assert_int_equal(record.error, TCPIP_OK);
}

static void expect_none(struct tcpip_endpoint *ep)
{
    struct tcpip_error_record record;
    assert_int_equal(tcpip_endpoint_read_error(ep, &record, NULL, 0), TCPIP_ERR_WOULD_BLOCK);
    assert_int_equal(tcpip_endpoint_readiness(ep, 0), 0);
}

/* The peer acknowledges `bytes` more of ours. */
static void acknowledge(struct tcp_peer *peer, uint32_t bytes, uint16_t window)
{
    peer->ack += bytes;
    struct peer_segment segment = {.flags = ACK, .seq = peer->seq, .ack = peer->ack, .window = window};
    peer_send(peer, &segment);
}

static void a_mark_is_told_when_its_last_byte_goes_and_when_it_is_acknowledged(void **state)
{
    struct tcp_peer peer;
    (void)state;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    tcpip_ns start = peer.world.now;
    assert_int_equal(write_marked(ep, 100, 0), 100);
    assert_int_equal(write_marked(ep, 50, ALL), 50); /* Nagle holds it back */
    peer_discard(&peer);
    expect_none(ep);
    peer_run(&peer, 5 * TCPIP_MS);
    acknowledge(&peer, 100, 1000);
    expect_record(ep, TCPIP_ERROR_FROM_SCHEDULING, 149, 149, start + 5 * TCPIP_MS);
    expect_record(ep, TCPIP_ERROR_FROM_SENDING, 149, 149, start + 5 * TCPIP_MS);
    expect_none(ep);
    peer_run(&peer, 5 * TCPIP_MS);
    acknowledge(&peer, 49, 1000); /* not the last byte yet */
    expect_none(ep);
    acknowledge(&peer, 1, 1000);
    expect_record(ep, TCPIP_ERROR_FROM_ACKNOWLEDGMENT, 149, 149, start + 10 * TCPIP_MS);
    expect_none(ep);
    peer_discard(&peer);
    tcpip_endpoint_close(ep);
    peer_fini(&peer);
}

static void a_window_that_is_short_parts_scheduling_from_writing(void **state)
{
    struct tcp_peer peer;
    (void)state;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    acknowledge(&peer, 0, 300);
    assert_int_equal(write_marked(ep, 200, TCPIP_WRITE_STAMP_SENT), 200);
    assert_int_equal(write_marked(ep, 200, TCPIP_WRITE_STAMP_SENT), 200);
    expect_record(ep, TCPIP_ERROR_FROM_SENDING, 199, 199, peer.world.now);
    expect_none(ep); /* the second ends beyond the window */
    acknowledge(&peer, 200, 300);
    expect_record(ep, TCPIP_ERROR_FROM_SENDING, 399, 399, peer.world.now);
    peer_discard(&peer);
    tcpip_endpoint_close(ep);
    peer_fini(&peer);
}

static void what_is_refused_is_not_marked(void **state)
{
    struct tcp_peer peer;
    size_t done;
    (void)state;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    assert_int_equal(tcpip_endpoint_shutdown(ep, TCPIP_SHUTDOWN_WRITE), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_write(ep, text, 1, ALL, NULL, &done), TCPIP_ERR_CLOSED_FOR_SEND);
    peer_hear(&peer);
    acknowledge(&peer, 0, 1000);
    struct tcpip_error_record record;
    assert_int_equal(tcpip_endpoint_read_error(ep, &record, NULL, 0), TCPIP_ERR_WOULD_BLOCK);
    tcpip_endpoint_close(ep);
    peer_fini(&peer);
}

static void marks_that_are_still_waiting_die_with_the_endpoint(void **state)
{
    struct tcp_peer peer;
    (void)state;
    peer_init(&peer, NULL);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    for (int i = 0; i < 2000; i++) /* more than are kept */
        assert_int_equal(write_marked(ep, 1, ALL), 1);
    struct tcpip_stats stats;
    tcpip_stack_stats(peer.stack, &stats);
    assert_true(stats.stack.error_records_lost >= 2000 - 1024);
    peer_discard(&peer);
    tcpip_endpoint_close(ep);
    peer_discard(&peer);
    peer_fini(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_is_told_when_its_last_byte_goes_and_when_it_is_acknowledged),
        cmocka_unit_test(a_window_that_is_short_parts_scheduling_from_writing),
        cmocka_unit_test(what_is_refused_is_not_marked),
        cmocka_unit_test(marks_that_are_still_waiting_die_with_the_endpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
