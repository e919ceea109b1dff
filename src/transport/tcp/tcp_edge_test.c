// SPDX-License-Identifier: MIT
/* tcp_edge_test.c: connections at the edges of their counters, windows and memory: nothing gets stuck, nothing floods.
 *
 * Not here: what is seen on the wire (tests/script), whole transfers (tcp_transfer_test.c). */
#include "pair.h"
#include "transport/tcp/tcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct edge {
    struct pair pair;
    struct tcpip_endpoint *client, *server;
};

static void edge_open(struct edge *edge, const struct pair_options *options)
{
    pair_init(&edge->pair, options);
    pair_connect(&edge->pair, false, &edge->client, &edge->server);
}

static void edge_close(struct edge *edge)
{
    tcpip_endpoint_close(edge->client);
    tcpip_endpoint_close(edge->server);
    pair_run(&edge->pair, 120 * TCPIP_SECOND);
    pair_fini(&edge->pair);
}

static size_t edge_write(struct edge *edge, size_t size)
{
    static const uint8_t zeros[65536];
    size_t done;
    assert_int_equal(tcpip_endpoint_write(edge->client, zeros, size, 0, NULL, &done), TCPIP_OK);
    return done;
}

static size_t edge_read(struct edge *edge)
{
    static uint8_t buffer[65536];
    size_t done, total = 0;
    while (tcpip_endpoint_read(edge->server, buffer, sizeof(buffer), &done, NULL) == TCPIP_OK)
        total += done;
    return total;
}

static void a_small_segment_of_two_gigabytes_ago_holds_nothing_back(void **state)
{
    (void)state;
    struct edge edge;
    edge_open(&edge, NULL);
    struct tcp_endpoint *ep = tcp_of(edge.client);
    ep->snd_small = seq_sub(ep->snd_una, 0x80000001u);
    edge_write(&edge, 1);
    pair_run(&edge.pair, TCPIP_SECOND);
    assert_int_equal(edge_read(&edge), 1);
    edge_close(&edge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_segment_of_two_gigabytes_ago_holds_nothing_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
