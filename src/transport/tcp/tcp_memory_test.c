// SPDX-License-Identifier: MIT
/* tcp_memory_test.c: a whole connection's life in which the k-th allocation fails, for every k; and in which all fail
 * for a while. Each failure is an error or a drop: nothing crashes, nothing leaks, nothing gets stuck, all bytes
 * arrive. */
#include "pair.h"
#include "tcp_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { BYTES = 60000, DOWN_BYTES = 40000, CHUNK = 7000, TRIES = 4, BLACKOUT_S = 3 };

struct life {
    struct pair pair;
    struct tcpip_endpoint *listener, *client, *server;
    uint32_t written, read, answered, heard;
    bool shut, ended, corrupt;
    bool fast_open; /* data go with the SYN, and are taken from it */
};

static bool is_memory(enum tcpip_error error)
{
    return error == TCPIP_ERR_NO_MEMORY || error == TCPIP_ERR_NO_BUFFER_SPACE;
}

/* A program that tries again, a little later. */
#define persist(life, call)                                                     \
    do {                                                                        \
        enum tcpip_error error_ = TCPIP_ERR_NO_MEMORY;                          \
        for (int i_ = 0; i_ < TRIES && is_memory(error_); i_++) {               \
            if (i_ > 0)                                                         \
                pair_run(&(life)->pair, 2 * TCPIP_SECOND);                      \
            error_ = (call);                                                    \
        }                                                                       \
        assert_true(error_ == TCPIP_OK || error_ == TCPIP_ERR_CONNECT_STARTED); \
    } while (0)

static uint8_t life_byte(uint32_t at)
{
    return (uint8_t)(at * 7 + (at >> 8));
}

static void life_write(struct life *life)
{
    uint8_t buffer[CHUNK];
    size_t done;
    enum tcpip_error error = TCPIP_OK;
    while (life->written < BYTES && error == TCPIP_OK) {
        size_t size = BYTES - life->written < CHUNK ? BYTES - life->written : CHUNK;
        for (size_t i = 0; i < size; i++)
            buffer[i] = life_byte(life->written + (uint32_t)i);
        error = tcpip_endpoint_write(life->client, buffer, size, 0, NULL, &done);
        bool opens = life->fast_open && error == TCPIP_ERR_CONNECT_STARTED; /* for want of memory, without data */
        assert_true(error == TCPIP_OK || error == TCPIP_ERR_WOULD_BLOCK || is_memory(error) || opens);
        life->written += (uint32_t)done;
    }
}

static bool life_accept(void *ctx)
{
    struct life *life = ctx;
    if (life->fast_open)
        life_write(life);
    return tcpip_endpoint_accept(life->listener, &life->server, NULL) == TCPIP_OK;
}

static bool life_step(void *ctx)
{
    struct life *life = ctx;
    uint8_t buffer[CHUNK] = {0};
    size_t done;
    enum tcpip_error error;
    life_write(life);
    if (life->written == BYTES && !life->shut) {
        assert_int_equal(tcpip_endpoint_shutdown(life->client, TCPIP_SHUTDOWN_WRITE), TCPIP_OK);
        life->shut = true;
    }
    while ((error = tcpip_endpoint_read(life->server, buffer, sizeof(buffer), &done, NULL)) == TCPIP_OK)
        for (size_t i = 0; i < done; i++)
            life->corrupt = life->corrupt || buffer[i] != life_byte(life->read++);
    assert_true(error == TCPIP_ERR_WOULD_BLOCK || error == TCPIP_ERR_CLOSED_FOR_RECEIVE || is_memory(error));
    /* Something comes back, too. */
    if (error == TCPIP_ERR_CLOSED_FOR_RECEIVE && life->answered < DOWN_BYTES) {
        size_t size = DOWN_BYTES - life->answered < CHUNK ? DOWN_BYTES - life->answered : CHUNK;
        for (size_t i = 0; i < size; i++)
            buffer[i] = life_byte(life->answered + (uint32_t)i + 1);
        error = tcpip_endpoint_write(life->server, buffer, size, 0, NULL, &done);
        assert_true(error == TCPIP_OK || error == TCPIP_ERR_WOULD_BLOCK || is_memory(error));
        life->answered += (uint32_t)done;
    }
    while (tcpip_endpoint_read(life->client, buffer, sizeof(buffer), &done, NULL) == TCPIP_OK)
        for (size_t i = 0; i < done; i++)
            life->corrupt = life->corrupt || buffer[i] != life_byte(++life->heard);
    return life->heard == DOWN_BYTES;
}

/* Returns how many allocations failed. */
static uint64_t live(uint64_t k, bool blackout, uint64_t seed, bool fast_open)
{
    const int64_t mode = TCPIP_FAST_OPEN_CLIENT | TCPIP_FAST_OPEN_CLIENT_NO_COOKIE | TCPIP_FAST_OPEN_SERVER |
                         TCPIP_FAST_OPEN_SERVER_NO_COOKIE | TCPIP_FAST_OPEN_SERVER_ALL;
    struct life *life = &(struct life){.fast_open = fast_open};
    struct pair *pair = &life->pair;
    struct tcpip_stats stats;
    struct tcpip_fault_profile faults = {.loss_ppm = seed != 0 ? 20000 : 0, .delay_ns = TCPIP_MS};
    struct pair_options options = {.a_to_b = faults, .b_to_a = faults, .seed = seed};
    pair_init(pair, &options);
    if (fast_open) {
        assert_int_equal(tcpip_stack_set_default(pair->a, TCPIP_OPTION_FAST_OPEN_MODE, mode), TCPIP_OK);
        assert_int_equal(tcpip_stack_set_default(pair->b, TCPIP_OPTION_FAST_OPEN_MODE, mode), TCPIP_OK);
        assert_int_equal(tcpip_stack_set_default(pair->a, TCPIP_OPTION_FAST_OPEN_CONNECT, 1), TCPIP_OK);
    }
    test_env_fail(&pair->world, blackout ? 0 : k, false);
    persist(life, tcpip_stack_new_endpoint(pair->b, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &life->listener));
    persist(life, tcpip_endpoint_bind(life->listener, &pair->b4, NULL, NULL));
    persist(life, tcpip_endpoint_listen(life->listener, 4));
    persist(life, tcpip_stack_new_endpoint(pair->a, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &life->client));
    if (blackout) {
        test_env_fail(&pair->world, k, true);
        enum tcpip_error error = tcpip_endpoint_connect(life->client, &pair->b4);
        pair_run(pair, BLACKOUT_S * TCPIP_SECOND);
        test_env_fail(&pair->world, 0, false);
        if (error != TCPIP_ERR_CONNECT_STARTED && error != TCPIP_OK)
            persist(life, tcpip_endpoint_connect(life->client, &pair->b4));
    } else {
        persist(life, tcpip_endpoint_connect(life->client, &pair->b4));
    }
    assert_true(pair_run_until(pair, 100 * TCPIP_SECOND, life_accept, life));
    if (!pair_run_until(pair, 300 * TCPIP_SECOND, life_step, life))
        fail_msg("allocation %llu: stuck: written %u, read %u, answered %u, heard %u", (unsigned long long)k,
                 life->written, life->read, life->answered, life->heard);
    assert_false(life->corrupt);
    assert_int_equal(life->read, BYTES);
    tcpip_endpoint_close(life->client);
    tcpip_endpoint_close(life->server);
    tcpip_endpoint_close(life->listener);
    pair_run(pair, 300 * TCPIP_SECOND);
    tcpip_stack_stats(pair->a, &stats);
    assert_int_equal(stats.tcp.current_established, 0);
    assert_int_equal(stats.tcp.time_wait_current, 0);
    uint64_t failed = pair->world.failed;
    if (fast_open && failed == 0 && seed == 0)
        assert_int_equal(stats.tcp.fast_open_active, 1);
    pair_fini(pair);
    return failed;
}

static void a_single_failure_anywhere_delays_at_most(void **state)
{
    (void)state;
    uint64_t k = 1;
    while (live(k, false, 0, false) > 0)
        k++;
    assert_true(k > 10); /* or the test tests nothing */
}

static void a_single_failure_on_a_lossy_path_delays_at_most(void **state)
{
    (void)state;
    uint64_t k = 1;
    while (live(k, false, 42, false) > 0)
        k++;
    assert_true(k > 10);
}

static void a_while_without_any_memory_is_survived(void **state)
{
    (void)state;
    for (uint64_t k = 1; k < 40; k++)
        (void)live(k, true, k, false);
}

static void a_failure_while_data_go_with_the_syn_delays_at_most(void **state)
{
    (void)state;
    uint64_t k = 1;
    while (live(k, false, 0, true) > 0)
        k++;
    assert_true(k > 10);
    for (k = 1; live(k, false, 43, true) > 0; k++)
        ;
    for (k = 1; k < 40; k++)
        (void)live(k, true, k, true);
}

/* Memory goes in the middle of a transfer, all of it, and comes back. */
static void a_blackout_in_the_middle_is_survived(void **state)
{
    (void)state;
    for (uint64_t k = 1; k < 30; k++) {
        struct life *life = &(struct life){.written = 0};
        struct tcpip_fault_profile faults = {.loss_ppm = 30000, .delay_ns = 5 * TCPIP_MS};
        struct pair_options options = {.a_to_b = faults, .b_to_a = faults, .seed = k};
        pair_init(&life->pair, &options);
        pair_connect(&life->pair, false, &life->client, &life->server);
        test_env_fail(&life->pair.world, k, true);
        (void)pair_run_until(&life->pair, BLACKOUT_S * TCPIP_SECOND, life_step, life);
        test_env_fail(&life->pair.world, 0, false);
        assert_true(pair_run_until(&life->pair, 300 * TCPIP_SECOND, life_step, life));
        assert_false(life->corrupt);
        tcpip_endpoint_close(life->client);
        tcpip_endpoint_close(life->server);
        pair_run(&life->pair, 300 * TCPIP_SECOND);
        pair_fini(&life->pair);
    }
}

/* A link's own buffers stay out while there are few; beyond the limit received data are copied, whatever they pin. */
static void a_link_gets_its_own_memory_back(void **state)
{
    (void)state;
    enum { LIMIT = 4, SEGMENTS = 12, SEGMENT = 1400 };
    static uint8_t data[SEGMENTS * SEGMENT];
    struct tcpip_limits limits;
    struct tcp_peer peer;
    size_t done;
    tcpip_limits_default(&limits);
    limits.lent_buffers = LIMIT;
    peer_init(&peer, &limits);
    struct tcpip_endpoint *ep = peer_accepted(&peer);
    peer.lends = true;
    for (int i = 0; i < SEGMENTS; i++) {
        if (i == SEGMENTS / 2) { /* out of order is no different */
            peer.seq += SEGMENT;
            peer_say(&peer, TCPIP_TCP_ACK, SEGMENT);
            peer.seq -= 2 * SEGMENT;
        } else if (i == SEGMENTS / 2 + 1) {
            peer.seq += SEGMENT;
            continue;
        }
        peer_say(&peer, TCPIP_TCP_ACK, SEGMENT);
    }
    assert_int_equal(peer.lent, LIMIT);
    assert_int_equal(tcpip_endpoint_read(ep, data, sizeof(data), &done, NULL), TCPIP_OK);
    assert_int_equal(done, SEGMENTS * SEGMENT);
    assert_int_equal(peer.lent, 0);
    peer_say(&peer, TCPIP_TCP_ACK, SEGMENT);
    assert_int_equal(peer.lent, 1);
    peer_discard(&peer);
    tcpip_endpoint_close(ep);
    peer_fini(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_failure_anywhere_delays_at_most),
        cmocka_unit_test(a_single_failure_on_a_lossy_path_delays_at_most),
        cmocka_unit_test(a_while_without_any_memory_is_survived),
        cmocka_unit_test(a_failure_while_data_go_with_the_syn_delays_at_most),
        cmocka_unit_test(a_blackout_in_the_middle_is_survived),
        cmocka_unit_test(a_link_gets_its_own_memory_back),
    };
    return cmocka_run_group_tests_name("tcp/memory", tests, NULL, NULL);
}
