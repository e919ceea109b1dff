// SPDX-License-Identifier: MIT
/* udp_gather_test.c: one datagram of several writes, one that stays in the application's memory, and one with a mark of
 * its own. */
#include "datagrams.h"

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
    wire_fini(*state);
    free(*state);
    return 0;
}

static enum tcpip_error write_part(struct tcpip_endpoint *ep, const char *text, uint32_t flags,
                                   const struct tcpip_full_address *to)
{
    size_t done = 0;
    enum tcpip_error error = tcpip_endpoint_write(ep, text, strlen(text), flags, to, &done);
    if (error == TCPIP_OK)
        assert_int_equal(done, strlen(text));
    return error;
}

/* The packet that was sent is for this port, and its text is this. */
static void expect_sent(struct wire *wire, uint16_t port, const char *text)
{
    assert_true(wire_collect(wire));
    assert_int_equal(wire->out_bytes, 28 + strlen(text));
    assert_int_equal(wire->out[22] << 8 | wire->out[23], port);
    assert_memory_equal(wire->out + 28, text, strlen(text));
    assert_false(wire_collect(wire));
}

static void more_gathers_until_a_write_without_it(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *ep = udp4_new(wire->stack);
    assert_int_equal(write_part(ep, "one ", TCPIP_WRITE_MORE, full("10.0.0.2", 7)), TCPIP_OK);
    assert_int_equal(write_part(ep, "two ", TCPIP_WRITE_MORE, NULL), TCPIP_OK);
    assert_int_equal(write_part(ep, "", TCPIP_WRITE_MORE, full("10.0.0.2", 8)), TCPIP_OK);
    assert_false(wire_collect(wire));
    assert_int_equal(write_part(ep, "three", 0, full("10.0.0.3", 9)), TCPIP_OK); /* the first one's way */
    expect_sent(wire, 7, "one two three");
    assert_int_equal(wire_stats(wire).udp.packets_sent, 1);
    /* Nothing is no beginning. */
    assert_int_equal(write_part(ep, "", TCPIP_WRITE_MORE, full("10.0.0.2", 7)), TCPIP_OK);
    assert_int_equal(write_part(ep, "alone", 0, full("10.0.0.2", 8)), TCPIP_OK);
    expect_sent(wire, 8, "alone");
    tcpip_endpoint_close(ep);
}

static void a_cork_gathers_until_it_is_taken_out(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *ep = udp4_new(wire->stack);
    set_option(ep, TCPIP_OPTION_CORK, 1);
    assert_int_equal(get_option(ep, TCPIP_OPTION_CORK), 1);
    set_option(ep, TCPIP_OPTION_CORK, 0);
    assert_false(wire_collect(wire));
    set_option(ep, TCPIP_OPTION_CORK, 1);
    set_option(ep, TCPIP_OPTION_TTL, 7);
    assert_int_equal(write_part(ep, "a", 0, full("10.0.0.2", 7)), TCPIP_OK);
    set_option(ep, TCPIP_OPTION_TTL, 9); /* too late for this one */
    assert_int_equal(write_part(ep, "b", 0, full("10.0.0.2", 7)), TCPIP_OK);
    assert_false(wire_collect(wire));
    set_option(ep, TCPIP_OPTION_CORK, 0);
    assert_true(wire_collect(wire));
    assert_int_equal(wire->out_bytes, 30);
    assert_int_equal(wire->out[8], 7);
    assert_memory_equal(wire->out + 28, "ab", 2);
    /* What is still there at close is lost, and nothing leaks. */
    set_option(ep, TCPIP_OPTION_CORK, 1);
    assert_int_equal(write_part(ep, "never", 0, full("10.0.0.2", 7)), TCPIP_OK);
    tcpip_endpoint_close(ep);
    assert_false(wire_collect(wire));
}

static void an_error_throws_away_what_there_was(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *ep = udp4_new(wire->stack);
    static char large[65508];
    size_t done;
    assert_int_equal(write_part(ep, "x", TCPIP_WRITE_MORE, NULL), TCPIP_ERR_DESTINATION_REQUIRED);
    assert_int_equal(write_part(ep, "lost", TCPIP_WRITE_MORE, full("10.0.0.2", 7)), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_write(ep, large, 65504, TCPIP_WRITE_MORE, NULL, &done), TCPIP_ERR_MESSAGE_TOO_LONG);
    assert_int_equal(write_part(ep, "new", 0, full("10.0.0.2", 8)), TCPIP_OK);
    expect_sent(wire, 8, "new");
    assert_int_equal(tcpip_endpoint_connect(ep, full("10.0.0.2", 9)), TCPIP_OK);
    for (int i = 0; i < 65507; i += 6)
        assert_int_equal(
            tcpip_endpoint_write(ep, large, i + 6 <= 65507 ? 6 : 65507 - (size_t)i, TCPIP_WRITE_MORE, NULL, &done),
            TCPIP_OK);
    assert_int_equal(tcpip_endpoint_write(ep, large, 0, 0, NULL, &done), TCPIP_OK);
    uint32_t fragments = 0, bytes = 0;
    for (; wire_collect(wire); fragments++)
        bytes += (uint32_t)wire->out_bytes - 20;
    assert_true(fragments > 40);
    assert_int_equal(bytes, 65507 + 8);
    tcpip_endpoint_close(ep);
}

static void memory_may_run_out_while_gathering(void **state)
{
    struct wire *wire = *state;
    for (uint64_t k = 1; k < 12; k++) {
        struct tcpip_endpoint *ep = udp4_new(wire->stack);
        static char data[3000];
        size_t done;
        enum tcpip_error error = TCPIP_OK;
        assert_int_equal(tcpip_endpoint_connect(ep, full("10.0.0.2", 9)), TCPIP_OK);
        tcpip_stack_trim(wire->stack);
        test_env_fail(&wire->world, k, false);
        for (int i = 0; i < 10 && error == TCPIP_OK; i++)
            error = tcpip_endpoint_write(ep, data, sizeof(data), i < 9 ? TCPIP_WRITE_MORE : 0, NULL, &done);
        test_env_fail(&wire->world, 0, false);
        assert_true(error == TCPIP_OK || error == TCPIP_ERR_NO_MEMORY || error == TCPIP_ERR_NO_BUFFER_SPACE);
        while (wire_collect(wire))
            ;
        tcpip_endpoint_close(ep);
    }
}

static void a_datagram_may_have_a_mark_of_its_own(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *ep = udp4_new(wire->stack);
    struct tcpip_full_address to = *full("10.0.0.2", 7);
    struct tcpip_control control = {.present = TCPIP_CONTROL_MARK, .mark = 5};
    struct tcpip_io io = {(uint8_t[1]){'x'}, 1};
    size_t done;
    set_option(ep, TCPIP_OPTION_MARK, 3);
    for (int own = 0; own < 2; own++) {
        assert_int_equal(tcpip_endpoint_sendmsg(ep, &io, 1, 0, &to, own ? &control : NULL, &done), TCPIP_OK);
        struct tcpip_packet *packet = tcpip_channel_collect(wire->link);
        assert_non_null(packet);
        assert_int_equal(packet->mark, own ? 5 : 3);
        tcpip_packet_free(packet);
    }
    tcpip_endpoint_close(ep);
}

/* ---- without copying ---- */

static char memory[1000];

static enum tcpip_error lend(struct tcpip_endpoint *ep, size_t bytes)
{
    size_t done;
    return tcpip_endpoint_write(ep, memory, bytes, TCPIP_WRITE_ZERO_COPY, full("10.0.0.2", 7), &done);
}

static bool told(struct tcpip_endpoint *ep, struct tcpip_error_record *record)
{
    return tcpip_endpoint_read_error(ep, record, NULL, 0) == TCPIP_OK;
}

static void a_datagrams_memory_is_free_when_it_has_left(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *ep = udp4_new(wire->stack);
    struct tcpip_error_record record;
    memset(memory, 'a', sizeof(memory));
    assert_int_equal(lend(ep, 500), TCPIP_OK);
    assert_int_equal(lend(ep, 500), TCPIP_OK);
    assert_false(told(ep, &record)); /* the link has it */
    memory[0] = 'b';
    assert_true(wire_collect(wire));
    assert_int_equal(wire->out[28], 'b');
    (void)tcpip_stack_advance(wire->stack, 0);
    assert_true(told(ep, &record));
    assert_int_equal(record.origin, TCPIP_ERROR_FROM_COPY);
    assert_int_equal(record.first, 0);
    assert_int_equal(record.last, 0);
    assert_false(record.copied);
    assert_true(wire_collect(wire));
    (void)tcpip_stack_advance(wire->stack, 0);
    assert_true(told(ep, &record));
    assert_int_equal(record.first, 1);
    /* So little goes in the packet itself. */
    assert_int_equal(lend(ep, 10), TCPIP_OK);
    assert_true(told(ep, &record));
    assert_true(record.copied);
    /* What is refused has no number. */
    assert_int_equal(tcpip_endpoint_shutdown(ep, TCPIP_SHUTDOWN_WRITE), TCPIP_ERR_NOT_CONNECTED);
    assert_int_equal(lend(ep, 500), TCPIP_ERR_CLOSED_FOR_SEND);
    (void)tcpip_stack_advance(wire->stack, 0);
    assert_false(told(ep, &record));
    tcpip_endpoint_close(ep);
}

static void a_closed_endpoints_datagram_is_the_librarys(void **state)
{
    struct wire *wire = *state;
    struct tcpip_endpoint *ep = udp4_new(wire->stack);
    memset(memory, 'a', sizeof(memory));
    assert_int_equal(lend(ep, 500), TCPIP_OK);
    tcpip_endpoint_close(ep);
    memset(memory, 'b', sizeof(memory));
    assert_true(wire_collect(wire));
    assert_int_equal(wire->out[28], 'a');
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(more_gathers_until_a_write_without_it),       TEST(a_cork_gathers_until_it_is_taken_out),
        TEST(an_error_throws_away_what_there_was),         TEST(memory_may_run_out_while_gathering),
        TEST(a_datagram_may_have_a_mark_of_its_own),       TEST(a_datagrams_memory_is_free_when_it_has_left),
        TEST(a_closed_endpoints_datagram_is_the_librarys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
