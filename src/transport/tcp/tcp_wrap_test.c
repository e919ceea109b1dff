// SPDX-License-Identifier: MIT
/* tcp_wrap_test.c: connections that outlive their counters: sequence numbers (4 GB) and timestamps (49.7 days).
 *
 * Not here: wrap-around inside one organ (each organ's test). */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { CHUNK = 65536 };

static uint8_t wrap_byte(uint64_t chunk, size_t at)
{
    return (uint8_t)(chunk * 7 + at * 13 + (at >> 9));
}

/* Whole chunks are too many to compute byte by byte: a few bytes of each are checked, at places that move. */
static void nine_gigabytes_pass_the_end_of_the_sequence_space_twice(void **state)
{
    (void)state;
    static uint8_t out[CHUNK], in[CHUNK];
    struct pair pair;
    struct tcpip_endpoint *client, *server;
    struct pair_options options = {
        .mtu = 65535,
        .link_flags = TCPIP_LINK_TX_CHECKSUM | TCPIP_LINK_RX_CHECKSUM,
    };
    pair_init(&pair, &options);
    pair_connect(&pair, false, &client, &server);
    uint64_t written = 0, read = 0, total = (uint64_t)9 << 30;
    for (size_t i = 0; i < CHUNK; i++)
        out[i] = wrap_byte(0, i);
    while (read < total) {
        size_t done;
        for (;;) {
            uint64_t chunk = written / CHUNK;
            size_t mark = chunk * 131 % CHUNK;
            uint8_t kept = out[mark];
            out[mark] = (uint8_t)(chunk ^ 0xa5);
            enum tcpip_error error = written < total ? tcpip_endpoint_write(client, out + written % CHUNK,
                                                                            CHUNK - written % CHUNK, 0, NULL, &done)
                                                     : TCPIP_ERR_WOULD_BLOCK;
            out[mark] = kept;
            if (error != TCPIP_OK)
                break;
            written += done;
        }
        if (!pair_settle(&pair) && tcpip_endpoint_readiness(server, TCPIP_EVENT_IN) == 0)
            pair_run(&pair, TCPIP_MS);
        while (tcpip_endpoint_read(server, in, CHUNK - read % CHUNK, &done, NULL) == TCPIP_OK) {
            uint64_t chunk = read / CHUNK;
            size_t mark = chunk * 131 % CHUNK, first = read % CHUNK;
            if (mark >= first && mark < first + done)
                assert_int_equal(in[mark - first], (uint8_t)(chunk ^ 0xa5));
            if (first != mark)
                assert_int_equal(in[0], wrap_byte(0, first));
            read += done;
        }
    }
    struct tcpip_stats stats;
    tcpip_stack_stats(pair.a, &stats);
    assert_int_equal(stats.tcp.timeouts, 0);
    assert_int_equal(read, total);
    tcpip_endpoint_close(client);
    tcpip_endpoint_close(server);
    pair_fini(&pair);
}

/* RFC 7323 5.5: timestamps tick once a millisecond and wrap after 24.8 days as seen by comparison. Idle for longer than
 * that, a connection must not take the peer's next segment for an old one; used every week, it must follow the clock
 * around. */
static void timestamps_wrap_in_a_connection_that_lives_for_half_a_year(void **state)
{
    (void)state;
    static const int days[] = {7, 7, 7, 7, 7, 7, 7, 7, 30, 60, 7, 26, 25, 24, 7};
    struct pair pair;
    struct tcpip_endpoint *client, *server;
    uint8_t message[100];
    size_t done;
    pair_init(&pair, NULL);
    pair_connect(&pair, false, &client, &server);
    for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
        pair.world.now += (tcpip_ns)days[i] * 86400 * TCPIP_SECOND;
        memset(message, (int)i, sizeof(message));
        struct tcpip_endpoint *from = i % 2 == 0 ? client : server, *to = i % 2 == 0 ? server : client;
        assert_int_equal(tcpip_endpoint_write(from, message, sizeof(message), 0, NULL, &done), TCPIP_OK);
        pair_run(&pair, TCPIP_SECOND);
        memset(message, 0xff, sizeof(message));
        assert_int_equal(tcpip_endpoint_read(to, message, sizeof(message), &done, NULL), TCPIP_OK);
        assert_int_equal(done, sizeof(message));
        assert_int_equal(message[50], i);
    }
    struct tcpip_stats stats;
    tcpip_stack_stats(pair.a, &stats);
    assert_int_equal(stats.tcp.paws_dropped, 0);
    tcpip_stack_stats(pair.b, &stats);
    assert_int_equal(stats.tcp.paws_dropped, 0);
    tcpip_endpoint_close(client);
    tcpip_endpoint_close(server);
    pair_fini(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timestamps_wrap_in_a_connection_that_lives_for_half_a_year),
        cmocka_unit_test(nine_gigabytes_pass_the_end_of_the_sequence_space_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
