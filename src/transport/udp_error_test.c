// SPDX-License-Identifier: MIT
/* udp_error_test.c: what a datagram endpoint is told beside its data: ICMP errors with what they quote, and stamps. */
#include "datagrams.h"

#include <tcpip/header/icmpv4.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct wire *wire = calloc(1, sizeof(*wire));
    wire_init(wire, NULL, 0);
    *state = wire;
    return 0;
}

static int teardown(void **state)
{
    struct wire *wire = *state;
    wire_fini(wire);
    free(wire);
    return 0;
}

static void send_and_refuse(struct wire *wire, struct tcpip_endpoint *ep, const char *text, uint8_t code, uint32_t word)
{
    static uint8_t bytes[2000];
    struct wire_error error = {"10.0.0.254", 3, code, word};
    assert_int_equal(send_text(ep, text, full("192.0.2.9", 7)), TCPIP_OK);
    assert_true(wire_collect(wire));
    wire_inject(wire, bytes, wire_icmp_error(bytes, &error, wire->out, wire->out_bytes));
}

static void errors_come_in_order_with_what_they_quote(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *ep = udp4_bound(wire->stack, "10.0.0.1", 9);
    struct tcpip_error_record record;
    char quote[64] = "";
    assert_int_equal(tcpip_endpoint_read_error(ep, &record, quote, sizeof(quote)), TCPIP_ERR_WOULD_BLOCK);
    set_option(ep, TCPIP_OPTION_RECEIVE_ERROR, 1);
    send_and_refuse(wire, ep, "first", 3, 0);
    (void)get_option(ep, TCPIP_OPTION_ERROR); /* or the next send would tell it */
    send_and_refuse(wire, ep, "second", 4, 1400);
    assert_true((tcpip_endpoint_readiness(ep, 0) & TCPIP_EVENT_ERR) != 0);
    assert_int_equal(get_option(ep, TCPIP_OPTION_ERROR), TCPIP_ERR_MESSAGE_TOO_LONG);
    assert_true((tcpip_endpoint_readiness(ep, 0) & TCPIP_EVENT_ERR) != 0); /* the records are still there */

    assert_int_equal(tcpip_endpoint_read_error(ep, &record, quote, 3), TCPIP_OK);
    assert_int_equal(record.origin, TCPIP_ERROR_FROM_ICMP);
    assert_int_equal(record.error, TCPIP_ERR_CONNECTION_REFUSED);
    assert_int_equal(record.type, 3);
    assert_int_equal(record.code, 3);
    assert_int_equal(record.remote.port, 7);
    assert_true(tcpip_address_equal(&record.remote.address, &full("192.0.2.9", 7)->address));
    assert_true(tcpip_address_equal(&record.offender.address, &full("10.0.0.254", 0)->address));
    assert_int_equal(record.payload_bytes, 5);
    assert_string_equal(quote, "fir"); /* as much as there was room for */
    /* The ERROR option is that of the next record now, though it had been read. */
    assert_int_equal(get_option(ep, TCPIP_OPTION_ERROR), TCPIP_ERR_MESSAGE_TOO_LONG);

    assert_int_equal(tcpip_endpoint_read_error(ep, &record, quote, sizeof(quote)), TCPIP_OK);
    assert_int_equal(record.info, 1400);
    assert_memory_equal(quote, "second", 6);
    assert_int_equal(tcpip_endpoint_read_error(ep, &record, quote, sizeof(quote)), TCPIP_ERR_WOULD_BLOCK);
    assert_int_equal(get_option(ep, TCPIP_OPTION_ERROR), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_readiness(ep, TCPIP_EVENT_ERR), 0);
    tcpip_endpoint_close(ep);
}

static void who_asks_no_more_keeps_only_the_pending_error(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *ep = udp4_bound(wire->stack, "10.0.0.1", 9);
    struct tcpip_error_record record;
    size_t done;
    set_option(ep, TCPIP_OPTION_RECEIVE_ERROR, 1);
    assert_int_equal(tcpip_endpoint_write(ep, "x", 1, TCPIP_WRITE_STAMP_SENT, full("192.0.2.9", 7), &done), TCPIP_OK);
    assert_true(wire_collect(wire));
    send_and_refuse(wire, ep, "x", 3, 0);
    set_option(ep, TCPIP_OPTION_RECEIVE_ERROR, 0);
    assert_int_equal(tcpip_endpoint_read_error(ep, &record, NULL, 0), TCPIP_OK);
    assert_int_equal(record.origin, TCPIP_ERROR_FROM_SENDING); /* which nobody took back */
    assert_int_equal(tcpip_endpoint_read_error(ep, &record, NULL, 0), TCPIP_ERR_WOULD_BLOCK);
    assert_int_equal(get_option(ep, TCPIP_OPTION_ERROR), TCPIP_ERR_CONNECTION_REFUSED);
    tcpip_endpoint_close(ep);
}

static void who_does_not_ask_has_no_queue(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *ep = udp4_new(wire->stack);
    struct tcpip_error_record record;
    assert_int_equal(tcpip_endpoint_connect(ep, full("192.0.2.9", 7)), TCPIP_OK);
    send_and_refuse(wire, ep, "x", 3, 0);
    assert_int_equal(tcpip_endpoint_read_error(ep, &record, NULL, 0), TCPIP_ERR_WOULD_BLOCK);
    assert_int_equal(get_option(ep, TCPIP_OPTION_ERROR), TCPIP_ERR_CONNECTION_REFUSED);
    tcpip_endpoint_close(ep);
}

static void a_send_that_is_too_long_tells_how_long_it_might_be(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *ep = udp4_new(wire->stack);
    struct tcpip_error_record record;
    set_option(ep, TCPIP_OPTION_RECEIVE_ERROR, 1);
    set_option(ep, TCPIP_OPTION_PATH_MTU_DISCOVERY, 2);
    assert_int_equal(send_bytes(ep, 1473, full("192.0.2.9", 7)), TCPIP_ERR_MESSAGE_TOO_LONG);
    assert_int_equal(tcpip_endpoint_read_error(ep, &record, NULL, 0), TCPIP_OK);
    assert_int_equal(record.origin, TCPIP_ERROR_FROM_HERE);
    assert_int_equal(record.error, TCPIP_ERR_MESSAGE_TOO_LONG);
    assert_int_equal(record.info, 1500);
    assert_int_equal(record.remote.port, 0); /* the peer's, and there is none */
    assert_int_equal(tcpip_endpoint_connect(ep, full("192.0.2.9", 7)), TCPIP_OK);
    assert_int_equal(send_bytes(ep, 1473, NULL), TCPIP_ERR_MESSAGE_TOO_LONG);
    assert_int_equal(tcpip_endpoint_read_error(ep, &record, NULL, 0), TCPIP_OK);
    assert_int_equal(record.remote.port, 7);
    /* What no path can carry is told of as well. */
    set_option(ep, TCPIP_OPTION_PATH_MTU_DISCOVERY, 0);
    assert_int_equal(send_bytes(ep, 65508, NULL), TCPIP_ERR_MESSAGE_TOO_LONG);
    assert_int_equal(tcpip_endpoint_read_error(ep, &record, NULL, 0), TCPIP_OK);
    assert_int_equal(record.info, 1500);
    assert_int_equal(tcpip_endpoint_read_error(ep, &record, NULL, 0), TCPIP_ERR_WOULD_BLOCK);
    tcpip_endpoint_close(ep);
}

static void a_queue_that_nobody_reads_is_bounded_and_what_is_lost_is_counted(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *ep = udp4_bound(wire->stack, "10.0.0.1", 9);
    struct tcpip_error_record record;
    uint64_t told = 0;
    set_option(ep, TCPIP_OPTION_RECEIVE_ERROR, 1);
    for (int i = 0; i < 2000; i++) {
        send_and_refuse(wire, ep, "some text that is quoted", 3, 0);
        (void)get_option(ep, TCPIP_OPTION_ERROR);
    }
    while (tcpip_endpoint_read_error(ep, &record, NULL, 0) == TCPIP_OK)
        told++;
    assert_true(told > 100 && told < 1000);
    assert_int_equal(wire_stats(wire).stack.error_records_lost, 2000 - told);
    send_and_refuse(wire, ep, "x", 3, 0); /* there is room again */
    assert_int_equal(tcpip_endpoint_read_error(ep, &record, NULL, 0), TCPIP_OK);
    send_and_refuse(wire, ep, "never read", 3, 0);
    tcpip_endpoint_close(ep); /* and that leaks nothing, or wire_fini says so */
}

static void stamped_datagrams_are_counted(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *ep = udp4_new(wire->stack);
    struct tcpip_error_record record;
    size_t done;
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t flags = i == 1 ? 0 : TCPIP_WRITE_STAMP_SENT;
        assert_int_equal(tcpip_endpoint_write(ep, "x", 1, flags, full("192.0.2.9", 7), &done), TCPIP_OK);
    }
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(tcpip_endpoint_read_error(ep, &record, NULL, 0), TCPIP_OK);
        assert_int_equal(record.origin, TCPIP_ERROR_FROM_SENDING);
        assert_int_equal(record.first, i);
        assert_int_equal(record.error, TCPIP_OK);
    }
    assert_int_equal(tcpip_endpoint_read_error(ep, &record, NULL, 0), TCPIP_ERR_WOULD_BLOCK);
    assert_int_equal(get_option(ep, TCPIP_OPTION_BYTES_WRITTEN), 2);
    tcpip_endpoint_close(ep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(errors_come_in_order_with_what_they_quote, setup, teardown),
        cmocka_unit_test_setup_teardown(who_asks_no_more_keeps_only_the_pending_error, setup, teardown),
        cmocka_unit_test_setup_teardown(who_does_not_ask_has_no_queue, setup, teardown),
        cmocka_unit_test_setup_teardown(a_send_that_is_too_long_tells_how_long_it_might_be, setup, teardown),
        cmocka_unit_test_setup_teardown(a_queue_that_nobody_reads_is_bounded_and_what_is_lost_is_counted, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(stamped_datagrams_are_counted, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
