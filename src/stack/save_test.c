// SPDX-License-Identifier: MIT
/* save_test.c: whole stacks as bytes: what comes back, and that bytes which are wrong are refused and leave nothing.
 *
 * Not here: what connections do afterwards (transport/tcp/tcp_restore_test.c). */
#include "base/rng.h"
#include "base/siphash.h"
#include "pair.h"
#include "stack/route_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tcpip/save.h>
#include <tcpip/unix.h>

enum { ENVELOPE = 24, LENGTH_AT = 12, SUM_AT = 16 };

struct image {
    uint8_t *bytes;
    size_t size;
};

static struct image image_of(struct tcpip_stack *stack)
{
    struct image image;
    assert_int_equal(tcpip_stack_save(stack, NULL, NULL, 0, &image.size), TCPIP_ERR_NO_BUFFER_SPACE);
    image.bytes = malloc(image.size);
    assert_int_equal(tcpip_stack_save(stack, NULL, image.bytes, image.size, &image.size), TCPIP_OK);
    return image;
}

/* The checksum as it should be: what is wrong lies deeper. */
static void image_seal(struct image *image)
{
    static const struct siphash_key key;
    uint64_t sum = tcpip__siphash(&key, image->bytes + ENVELOPE, image->size - ENVELOPE);
    uint32_t length = (uint32_t)(image->size - ENVELOPE);
    for (int i = 0; i < 8; i++)
        image->bytes[SUM_AT + i] = (uint8_t)(sum >> (8 * i));
    for (int i = 0; i < 4; i++)
        image->bytes[LENGTH_AT + i] = (uint8_t)(length >> (8 * i));
}

/* ---- a host with something of everything ---- */

struct host {
    struct pair pair;
    struct tcpip_endpoint *listener, *deferring, *client, *server, *half, *closed, *bound, *gone;
    struct tcpip_endpoint *udp, *connected, *far, *near, *ping;
};

static struct tcpip_endpoint *new_endpoint(struct tcpip_stack *stack, uint32_t transport, uint32_t network)
{
    struct tcpip_endpoint *endpoint;
    assert_int_equal(tcpip_stack_new_endpoint(stack, transport, network, &endpoint), TCPIP_OK);
    return endpoint;
}

static void bind_to(struct tcpip_endpoint *endpoint, const struct tcpip_full_address *address, uint16_t port)
{
    struct tcpip_full_address at = *address;
    at.port = port;
    assert_int_equal(tcpip_endpoint_bind(endpoint, &at, NULL, NULL), TCPIP_OK);
}

static void connect_to(struct tcpip_endpoint *endpoint, const struct tcpip_full_address *address, uint16_t port)
{
    struct tcpip_full_address at = *address;
    at.port = port;
    enum tcpip_error error = tcpip_endpoint_connect(endpoint, &at);
    assert_true(error == TCPIP_OK || error == TCPIP_ERR_CONNECT_STARTED);
}

static void write_some(struct tcpip_endpoint *endpoint, size_t size, uint32_t flags)
{
    static const uint8_t bytes[20000];
    size_t done;
    assert_int_equal(tcpip_endpoint_write(endpoint, bytes, size, flags, NULL, &done), TCPIP_OK);
}

static void host_datagrams(struct host *host)
{
    struct pair *pair = &host->pair;
    struct tcpip_address group = {.bytes = {224, 1, 2, 3}, .len = 4};
    host->udp = new_endpoint(pair->a, TCPIP_PROTOCOL_UDP, TCPIP_PROTOCOL_IPV4);
    bind_to(host->udp, &(struct tcpip_full_address){0}, 53);
    assert_int_equal(tcpip_endpoint_join_group(host->udp, 1, &group), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_set_option(host->udp, TCPIP_OPTION_RECEIVE_TTL, 1), TCPIP_OK);
    host->connected = new_endpoint(pair->a, TCPIP_PROTOCOL_UDP, TCPIP_PROTOCOL_IPV6);
    host->far = new_endpoint(pair->b, TCPIP_PROTOCOL_UDP, TCPIP_PROTOCOL_IPV6);
    bind_to(host->far, &pair->b6, 7);
    connect_to(host->connected, &pair->b6, 7);
    host->near = new_endpoint(pair->b, TCPIP_PROTOCOL_UDP, TCPIP_PROTOCOL_IPV4);
    bind_to(host->near, &pair->b4, 7);
    connect_to(host->near, &pair->a4, 53);
    write_some(host->near, 100, 0);
    write_some(host->near, 1, 0);
    host->ping = new_endpoint(pair->a, TCPIP_PROTOCOL_ICMPV4, TCPIP_PROTOCOL_IPV4);
    bind_to(host->ping, &(struct tcpip_full_address){0}, 99);
    (void)pair_settle(pair);
}

static void host_init(struct host *host)
{
    struct pair *pair = &host->pair;
    struct pair_options options = {.ethernet = true, .seed = 3};
    pair_init(pair, &options);
    /* Listeners: one with a connection that waits, one with half-open ones. */
    host->listener = new_endpoint(pair->a, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV6);
    bind_to(host->listener, &(struct tcpip_full_address){0}, 80);
    assert_int_equal(tcpip_endpoint_listen(host->listener, 4), TCPIP_OK);
    host->deferring = new_endpoint(pair->a, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4);
    bind_to(host->deferring, &(struct tcpip_full_address){0}, 81);
    assert_int_equal(tcpip_endpoint_set_option(host->deferring, TCPIP_OPTION_DEFER_ACCEPT, TCPIP_SECOND), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_listen(host->deferring, 4), TCPIP_OK);
    struct tcpip_endpoint **callers[] = {&host->client, &host->gone, &host->half};
    for (int i = 0; i < 3; i++) {
        *callers[i] = new_endpoint(pair->b, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4);
        connect_to(*callers[i], &pair->a4, i == 2 ? 81 : 80);
    }
    pair_run(pair, 100 * TCPIP_MS);
    assert_int_equal(tcpip_endpoint_accept(host->listener, &host->server, NULL), TCPIP_OK);
    /* A TIME-WAIT, a bound port, a connection that is over and not closed. */
    struct tcpip_endpoint *short_lived = new_endpoint(pair->a, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4), *other;
    host->bound = new_endpoint(pair->b, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4);
    bind_to(host->bound, &(struct tcpip_full_address){0}, 90);
    assert_int_equal(tcpip_endpoint_listen(host->bound, 4), TCPIP_OK);
    connect_to(short_lived, &pair->b4, 90);
    (void)pair_settle(pair);
    assert_int_equal(tcpip_endpoint_accept(host->bound, &other, NULL), TCPIP_OK);
    tcpip_endpoint_close(short_lived);
    (void)pair_settle(pair);
    tcpip_endpoint_close(other);
    (void)pair_settle(pair);
    host->closed = new_endpoint(pair->a, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4);
    bind_to(host->closed, &(struct tcpip_full_address){0}, 4000);
    host_datagrams(host);
    /* Data in flight, unread, unsent; marks. */
    write_some(host->server, 3000, TCPIP_WRITE_STAMP_ACKED | TCPIP_WRITE_END_OF_RECORD);
    write_some(host->client, 2000, 0);
    (void)pair_settle(pair);
    write_some(host->server, 20000, TCPIP_WRITE_STAMP_SENT | TCPIP_WRITE_ZERO_COPY);
    assert_int_equal(tcpip_endpoint_set_option(host->server, TCPIP_OPTION_NO_DELAY, 1), TCPIP_OK);
}

static void host_fini(struct host *host)
{
    pair_fini(&host->pair); /* endpoints go with their stacks */
}

/* ---- restoring ---- */

static enum tcpip_error give_link(void *ctx, const struct tcpip_saved_nic *nic, struct tcpip_link **link,
                                  struct tcpip_nic_options *options)
{
    (void)nic, (void)options;
    *link = ctx;
    return TCPIP_OK;
}

static enum tcpip_error restore(struct pair *pair, const struct image *image, struct tcpip_stack **out)
{
    struct tcpip_restore_options options = {.size = sizeof(options), .ctx = pair_link(pair, 0), .link = give_link};
    return tcpip_stack_restore(&pair->clocks[0].env, NULL, &tcpip_protocols_all, image->bytes, image->size, &options,
                               out);
}

static void a_stack_comes_back_with_all_that_is_in_it(void **state)
{
    (void)state;
    struct host host;
    host_init(&host);
    struct pair *pair = &host.pair;
    struct tcpip_endpoint **endpoints[] = {&host.listener, &host.deferring, &host.server, &host.closed,
                                           &host.udp,      &host.connected, &host.ping,   NULL};
    struct tcpip_neighbor neighbors[4];
    struct tcpip_address neighbor = {.bytes = {10, 0, 0, 77}, .len = 4};
    struct tcpip_link_address hardware = {.bytes = {2, 0, 0, 0, 0, 77}, .len = 6};
    struct tcpip_route_entry row = {
        .destination = {{{192, 168, 0, 0}, 4}, 16}, .gateway = neighbor, .nic = 1, .mtu = 1400};
    struct tcpip_stats before, after;
    assert_int_equal(tcpip_stack_add_static_neighbor(pair->a, 1, &neighbor, &hardware), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_route(pair->a, &row), TCPIP_OK);
    assert_int_equal(tcpip_stack_set_default(pair->a, TCPIP_OPTION_TTL, 77), TCPIP_OK);
    assert_int_equal(tcpip_stack_set_port_range(pair->a, 5000, 6000), TCPIP_OK);
    tcpip_stack_stats(pair->a, &before);
    pair_move(pair, 0, &(struct pair_move){.ahead_ns = 55 * TCPIP_SECOND, .endpoints = endpoints});
    tcpip_stack_stats(pair->a, &after);
    assert_int_equal(after.tcp.valid_segments_received, before.tcp.valid_segments_received);
    assert_int_equal(after.tcp.current_established, before.tcp.current_established);
    assert_int_equal(after.tcp.time_wait_current, 1);
    assert_int_equal(tcpip_stack_default(pair->a, TCPIP_OPTION_TTL), 77);
    /* The static neighbor, and the one that was learned. */
    size_t known = tcpip_stack_neighbors(pair->a, neighbors, 4);
    unsigned fixed = 0, learned = 0;
    for (size_t i = 0; i < known; i++) {
        fixed += neighbors[i].state == TCPIP_NEIGHBOR_STATIC;
        learned += neighbors[i].state == TCPIP_NEIGHBOR_STALE || neighbors[i].state == TCPIP_NEIGHBOR_DELAY;
    }
    assert_true(learned > 0);
    assert_int_equal(fixed, 1);
    struct tcpip_route_entry found;
    assert_true(tcpip__route_table_row(pair->a, 2, &found));
    assert_false(tcpip__route_table_row(pair->a, 3, &found));
    assert_int_equal(tcpip__route_table_row(pair->a, 2, &found), true);
    assert_int_equal(found.mtu, 1400);
    assert_int_equal(found.destination.bits, 16);
    assert_memory_equal(found.gateway.bytes, neighbor.bytes, 4);
    struct tcpip_assigned_address addresses[4];
    assert_int_equal(tcpip_stack_addresses(pair->a, addresses, 4), 2);
    assert_int_equal(addresses[1].flags & TCPIP_ADDRESS_TENTATIVE, 0);
    /* Datagrams that waited, with what came beside them; the ports; the options. */
    struct tcpip_control control;
    struct tcpip_full_address from;
    uint8_t bytes[200];
    struct tcpip_io io = {bytes, sizeof(bytes)};
    size_t done;
    assert_int_equal(tcpip_endpoint_recvmsg(host.udp, &io, 1, &done, &from, &control), TCPIP_OK);
    assert_int_equal(done, 100);
    assert_int_equal(from.port, 7);
    assert_int_equal(control.present & TCPIP_CONTROL_TTL, TCPIP_CONTROL_TTL);
    assert_int_equal(tcpip_endpoint_read(host.udp, bytes, sizeof(bytes), &done, NULL), TCPIP_OK);
    assert_int_equal(done, 1);
    assert_int_equal(tcpip_endpoint_read(host.udp, bytes, sizeof(bytes), &done, NULL), TCPIP_ERR_WOULD_BLOCK);
    tcpip_endpoint_local_address(host.ping, &from);
    assert_int_equal(from.port, 99);
    tcpip_endpoint_local_address(host.closed, &from);
    assert_int_equal(from.port, 4000);
    write_some(host.connected, 5, 0);
    (void)pair_settle(pair);
    int64_t value;
    assert_int_equal(tcpip_endpoint_get_option(host.server, TCPIP_OPTION_NO_DELAY, &value), TCPIP_OK);
    assert_int_equal(value, 1);
    /* Who waited to be accepted is, and stamps are told. */
    struct tcpip_endpoint *waited;
    assert_int_equal(tcpip_endpoint_accept(host.listener, &waited, NULL), TCPIP_OK);
    pair_run(pair, 2 * TCPIP_SECOND);
    struct tcpip_error_record record;
    unsigned records = 0;
    while (tcpip_endpoint_read_error(host.server, &record, NULL, 0) == TCPIP_OK)
        records++;
    assert_int_equal(records, 3);
    host_fini(&host);
}

static void what_is_cut_off_anywhere_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    struct host host;
    struct tcpip_stack *stack;
    host_init(&host);
    struct image image = image_of(host.pair.a);
    tcpip_stack_free(host.pair.a);
    host.pair.a = NULL;
    for (size_t size = 0; size < image.size; size += size < 6000 || size % 97 == 0 ? 1 : 13) {
        struct image cut = {malloc(size > 0 ? size : 1), size};
        uint64_t used = test_env_used(&host.pair.world);
        memcpy(cut.bytes, image.bytes, size);
        assert_int_not_equal(restore(&host.pair, &cut, &stack), TCPIP_OK);
        assert_null(stack);
        if (size >= ENVELOPE) {
            image_seal(&cut);
            if (restore(&host.pair, &cut, &stack) == TCPIP_OK) /* between two sections */
                tcpip_stack_free(stack);
            else
                assert_int_equal(test_env_used(&host.pair.world), used);
        }
        free(cut.bytes);
    }
    assert_int_equal(restore(&host.pair, &image, &host.pair.a), TCPIP_OK);
    free(image.bytes);
    host_fini(&host);
}

static void wrong_bytes_are_refused_or_make_a_stack_that_works(void **state)
{
    (void)state;
    struct host host;
    struct rng rng;
    rng_init(&rng, 7);
    host_init(&host);
    struct image image = image_of(host.pair.a);
    tcpip_stack_free(host.pair.a);
    host.pair.a = NULL;
    struct image wrong = {malloc(image.size), image.size};
    unsigned refused = 0, taken = 0;
    for (int i = 0; i < 6000; i++) {
        memcpy(wrong.bytes, image.bytes, image.size);
        wrong.size = image.size;
        for (uint64_t flips = rng_u64(&rng) % 3 + 1; flips > 0; flips--) {
            /* Most of it is data: the fields lie before. */
            size_t at = ENVELOPE + rng_u64(&rng) % (image.size - ENVELOPE);
            wrong.bytes[at] =
                (uint8_t)(rng_u64(&rng) % 3 == 0 ? rng_u64(&rng) : wrong.bytes[at] ^ 1u << rng_u64(&rng) % 8);
        }
        if (i % 50 != 0)
            image_seal(&wrong);
        uint64_t used = test_env_used(&host.pair.world);
        if (restore(&host.pair, &wrong, &host.pair.a) == TCPIP_OK) {
            taken++;
            pair_run(&host.pair, 3 * TCPIP_SECOND); /* asserts of debug builds look at it */
            tcpip_stack_free(host.pair.a);
        } else {
            refused++;
            assert_int_equal(test_env_used(&host.pair.world), used);
        }
        host.pair.a = NULL;
    }
    assert_true(refused > 500 && taken > 500);
    free(wrong.bytes);
    assert_int_equal(restore(&host.pair, &image, &host.pair.a), TCPIP_OK);
    free(image.bytes);
    host_fini(&host);
}

static void saving_allocates_nothing_and_restoring_survives_every_failure(void **state)
{
    (void)state;
    struct host host;
    struct tcpip_stack *stack = NULL;
    host_init(&host);
    test_env_fail(&host.pair.world, 1, true);
    uint64_t attempts = host.pair.world.attempts;
    struct image image = image_of(host.pair.a);
    assert_int_equal(host.pair.world.attempts, attempts);
    test_env_fail(&host.pair.world, 0, false);
    tcpip_stack_free(host.pair.a);
    host.pair.a = NULL;
    uint64_t k = 1;
    for (;; k++) {
        uint64_t used = test_env_used(&host.pair.world);
        test_env_fail(&host.pair.world, k, false);
        enum tcpip_error error = restore(&host.pair, &image, &stack);
        bool failed = host.pair.world.fail_at <= host.pair.world.attempts;
        test_env_fail(&host.pair.world, 0, false);
        if (!failed) {
            assert_int_equal(error, TCPIP_OK);
            break;
        }
        if (error == TCPIP_OK)
            tcpip_stack_free(stack); /* it did without */
        else
            assert_int_equal(test_env_used(&host.pair.world), used);
        assert_true(error == TCPIP_OK || error == TCPIP_ERR_NO_MEMORY || error == TCPIP_ERR_NO_BUFFER_SPACE);
    }
    assert_true(k > 20);
    host.pair.a = stack;
    free(image.bytes);
    host_fini(&host);
}

static void what_a_stack_cant_be_is_said(void **state)
{
    (void)state;
    struct host host;
    struct tcpip_stack *stack;
    host_init(&host);
    struct pair *pair = &host.pair;
    struct image image = image_of(pair->a);
    size_t bytes;
    struct tcpip_endpoint *endpoint;
    /* An endpoint's bytes are no stack's, nor the other way round. */
    assert_int_equal(tcpip_endpoint_restore(pair->b, image.bytes, image.size, NULL, &endpoint),
                     TCPIP_ERR_MALFORMED_HEADER);
    assert_int_equal(tcpip_endpoint_save(host.udp, NULL, 0, &bytes), TCPIP_ERR_NO_BUFFER_SPACE);
    struct image one = {malloc(bytes), bytes};
    assert_int_equal(tcpip_endpoint_save(host.udp, one.bytes, one.size, &bytes), TCPIP_OK);
    assert_int_equal(
        tcpip_stack_restore(&pair->clocks[0].env, NULL, &tcpip_protocols_all, one.bytes, one.size, NULL, &stack),
        TCPIP_ERR_MALFORMED_HEADER);
    assert_int_equal(tcpip_endpoint_freeze(host.udp), TCPIP_ERR_NOT_SUPPORTED);
    assert_int_equal(tcpip_endpoint_freeze(host.listener), TCPIP_ERR_INVALID_ENDPOINT_STATE);
    tcpip_endpoint_forget(host.udp);
    assert_int_equal(tcpip_endpoint_restore(pair->a, one.bytes, one.size, NULL, &host.udp), TCPIP_OK);
    /* A later format; a section that mustn't be skipped; one that may. */
    image.bytes[8]++;
    assert_int_equal(restore(pair, &image, &stack), TCPIP_ERR_NOT_SUPPORTED);
    image.bytes[8]--;
    struct image longer = {malloc(image.size + 8), image.size + 8};
    memcpy(longer.bytes, image.bytes, image.size);
    memcpy(longer.bytes + image.size, (uint8_t[]){0xff, 0xff, 1, 0, 0, 0, 0, 0}, 8);
    image_seal(&longer);
    tcpip_stack_free(pair->a);
    pair->a = NULL;
    assert_int_equal(restore(pair, &longer, &stack), TCPIP_ERR_NOT_SUPPORTED);
    longer.bytes[image.size + 1] = 0x7f;
    image_seal(&longer);
    assert_int_equal(restore(pair, &longer, &stack), TCPIP_OK);
    tcpip_stack_free(stack);
    /* Without its protocols, or smaller than it was. */
    static const struct tcpip_network_protocol *const network[] = {&tcpip_ipv4, &tcpip_ipv6, NULL};
    static const struct tcpip_transport_protocol *const transport[] = {&tcpip_tcp, NULL};
    static const struct tcpip_protocols few = {network, transport};
    assert_int_equal(tcpip_stack_restore(&pair->clocks[0].env, NULL, &few, image.bytes, image.size, NULL, &stack),
                     TCPIP_ERR_NOT_SUPPORTED);
    struct tcpip_limits limits;
    tcpip_limits_default(&limits);
    limits.endpoints = 3;
    assert_int_equal(
        tcpip_stack_restore(&pair->clocks[0].env, &limits, &tcpip_protocols_all, image.bytes, image.size, NULL, &stack),
        TCPIP_ERR_NO_BUFFER_SPACE);
    /* Without its link: all the rest is there. */
    assert_int_equal(
        tcpip_stack_restore(&pair->clocks[0].env, NULL, &tcpip_protocols_all, image.bytes, image.size, NULL, &pair->a),
        TCPIP_OK);
    assert_null(tcpip_stack_nic(pair->a, 1));
    free(one.bytes);
    free(longer.bytes);
    free(image.bytes);
    struct tcpip_endpoint *pipe[2];
    assert_int_equal(tcpip_unix_pair(pair->a, TCPIP_UNIX_STREAM, NULL, &pipe[0], &pipe[1]), TCPIP_OK);
    assert_int_equal(tcpip_stack_save(pair->a, NULL, NULL, 0, &bytes), TCPIP_ERR_NOT_SUPPORTED);
    assert_int_equal(tcpip_endpoint_save(pipe[0], NULL, 0, &bytes), TCPIP_ERR_NOT_SUPPORTED);
    host_fini(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stack_comes_back_with_all_that_is_in_it),
        cmocka_unit_test(what_is_cut_off_anywhere_is_refused_and_leaves_nothing),
        cmocka_unit_test(wrong_bytes_are_refused_or_make_a_stack_that_works),
        cmocka_unit_test(saving_allocates_nothing_and_restoring_survives_every_failure),
        cmocka_unit_test(what_a_stack_cant_be_is_said),
    };
    return cmocka_run_group_tests_name("stack/save", tests, NULL, NULL);
}
