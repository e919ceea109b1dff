// SPDX-License-Identifier: MIT
/* tcp_tiny_test.c: the promise of the preset TINY: a thousand connections move data at once, and the stack that has
 * them never holds more than five million bytes. The environment counts and has no byte more to give; whatever is
 * refused is asked for again, every byte arrives, and nobody waits for ever. */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The line's delay and what is under way on it are the other's: the fault link is on its side. */
enum { OTHER, TINY };
enum { FLOWS = 1000, BUDGET = 5000000, BYTES = 20000, CHUNK = 3000, PORT = 80 };

/* One end of a connection. */
struct end {
    struct tcpip_endpoint *endpoint;
    uint32_t written, read;
    bool shut, ended;
};

struct tiny {
    struct pair pair;
    struct tcpip_endpoint *listeners[2];
    struct end ends[2][FLOWS]; /* [TINY]: those of the tiny stack */
    uint32_t opened[2], accepted[2];
    bool corrupt;
    bool tiny_reads; /* or its application sleeps */
    uint64_t most_live;
};

static struct tiny tiny;

static uint8_t byte_at(uint32_t who, uint32_t flow, uint32_t at)
{
    return (uint8_t)(at * 7 + (at >> 8) + flow * 31 + who * 101);
}

static struct tcpip_stack *stack_of(uint32_t host)
{
    return host == TINY ? tiny.pair.b : tiny.pair.a;
}

static void open_listener(uint32_t host)
{
    struct tcpip_full_address at = {.port = PORT};
    assert_int_equal(
        tcpip_stack_new_endpoint(stack_of(host), TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &tiny.listeners[host]),
        TCPIP_OK);
    assert_int_equal(tcpip_endpoint_bind(tiny.listeners[host], &at, NULL, NULL), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_listen(tiny.listeners[host], 4096), TCPIP_OK);
}

static void tiny_open(const struct tcpip_fault_profile *line)
{
    struct tcpip_limits limits;
    memset(&tiny, 0, sizeof(tiny));
    tcpip_limits_tiny(&limits);
    struct tcpip_limits of_the_other;
    tcpip_limits_default(&of_the_other);
    struct pair_options options = {
        .a_to_b = *line, .b_to_a = *line, .seed = 5, .limits = &of_the_other, .limits_b = &limits, .budget_b = BUDGET};
    pair_init(&tiny.pair, &options);
    tiny.tiny_reads = true;
    open_listener(0);
    open_listener(1);
}

/* Flow i is called by host i % 2. */
static void call_one(uint32_t host)
{
    struct tcpip_full_address to = host == TINY ? tiny.pair.a4 : tiny.pair.b4;
    uint32_t flow = tiny.opened[host] * 2 + host;
    struct tcpip_endpoint *endpoint;
    to.port = PORT;
    enum tcpip_error error =
        tcpip_stack_new_endpoint(stack_of(host), TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &endpoint);
    if (error == TCPIP_ERR_NO_MEMORY)
        return; /* later */
    assert_int_equal(error, TCPIP_OK);
    error = tcpip_endpoint_connect(endpoint, &to);
    if (error == TCPIP_ERR_NO_MEMORY || error == TCPIP_ERR_NO_BUFFER_SPACE) {
        tcpip_endpoint_close(endpoint);
        return;
    }
    assert_int_equal(error, TCPIP_ERR_CONNECT_STARTED);
    tiny.ends[host][flow].endpoint = endpoint;
    tiny.opened[host]++;
}

/* Whose flow is it? The caller's first four bytes say. */
static void accept_all(uint32_t host)
{
    struct tcpip_endpoint *endpoint;
    while (tcpip_endpoint_accept(tiny.listeners[host], &endpoint, NULL) == TCPIP_OK) {
        struct tcpip_full_address peer;
        struct tcpip_full_address own;
        assert_int_equal(tcpip_endpoint_remote_address(endpoint, &peer), TCPIP_OK);
        uint32_t flow = FLOWS;
        for (uint32_t i = 1 - host; i < FLOWS && flow == FLOWS; i += 2) {
            if (tiny.ends[1 - host][i].endpoint == NULL || tiny.ends[host][i].endpoint != NULL)
                continue;
            tcpip_endpoint_local_address(tiny.ends[1 - host][i].endpoint, &own);
            flow = own.port == peer.port ? i : flow;
        }
        assert_true(flow < FLOWS);
        tiny.ends[host][flow].endpoint = endpoint;
        tiny.accepted[host]++;
    }
}

static void end_write(uint32_t host, uint32_t flow)
{
    struct end *end = &tiny.ends[host][flow];
    uint8_t buffer[CHUNK];
    size_t done = 1;
    while (end->written < BYTES && done > 0) {
        uint32_t size = BYTES - end->written < CHUNK ? BYTES - end->written : CHUNK;
        for (uint32_t i = 0; i < size; i++)
            buffer[i] = byte_at(host, flow, end->written + i);
        enum tcpip_error error = tcpip_endpoint_write(end->endpoint, buffer, size, 0, NULL, &done);
        assert_true(error == TCPIP_OK || error == TCPIP_ERR_WOULD_BLOCK || error == TCPIP_ERR_NO_MEMORY ||
                    error == TCPIP_ERR_NO_BUFFER_SPACE || error == TCPIP_ERR_NOT_CONNECTED);
        end->written += (uint32_t)done;
    }
    if (end->written == BYTES && !end->shut)
        end->shut = tcpip_endpoint_shutdown(end->endpoint, TCPIP_SHUTDOWN_WRITE) == TCPIP_OK;
}

static void end_read(uint32_t host, uint32_t flow)
{
    struct end *end = &tiny.ends[host][flow];
    uint8_t buffer[CHUNK];
    size_t done;
    enum tcpip_error error;
    while ((error = tcpip_endpoint_read(end->endpoint, buffer, sizeof(buffer), &done, NULL)) == TCPIP_OK)
        for (size_t i = 0; i < done; i++)
            tiny.corrupt = tiny.corrupt || buffer[i] != byte_at(1 - host, flow, end->read++);
    if (error == TCPIP_ERR_CLOSED_FOR_RECEIVE)
        end->ended = true;
    else if (error != TCPIP_ERR_WOULD_BLOCK && error != TCPIP_ERR_NOT_CONNECTED && error != TCPIP_ERR_NO_MEMORY)
        fail_msg("host %u, flow %u, %u read: %s", host, flow, end->read, tcpip_error_text(error));
}

/* Everybody does what he can, as soon as all are there. Returns how many ends are done. */
static uint32_t serve(void)
{
    uint32_t over = 0, live = 0;
    bool all = tiny.opened[0] + tiny.opened[1] == FLOWS;
    for (uint32_t host = 0; host < 2; host++) {
        for (int i = 0; i < 4 && tiny.opened[host] < FLOWS / 2; i++)
            call_one(host);
        accept_all(host);
        for (uint32_t flow = 0; flow < FLOWS; flow++) {
            struct end *end = &tiny.ends[host][flow];
            if (end->endpoint == NULL || !all)
                continue;
            if (!end->shut)
                end_write(host, flow);
            if (!end->ended && (host == OTHER || tiny.tiny_reads))
                end_read(host, flow);
            over += end->shut && end->ended;
            live += host == TINY && !(end->shut && end->ended);
        }
    }
    tiny.most_live = live > tiny.most_live ? live : tiny.most_live;
    return over;
}

static void run_until_over(tcpip_ns step, tcpip_ns limit)
{
    tcpip_ns end = tiny.pair.world.now + limit;
    uint32_t over = 0;
    while ((over = serve()) < 2 * FLOWS) {
        pair_run(&tiny.pair, step);
        if (tiny.pair.world.now >= end) {
            uint64_t read[2] = {0, 0};
            for (uint32_t i = 0; i < FLOWS; i++) {
                read[0] += tiny.ends[0][i].read;
                read[1] += tiny.ends[1][i].read;
            }
            fail_msg("%u of %u ends are over; opened %u, %u, accepted %u, %u; read %llu, %llu; %llu bytes used", over,
                     2 * FLOWS, tiny.opened[0], tiny.opened[1], tiny.accepted[0], tiny.accepted[1],
                     (unsigned long long)read[0], (unsigned long long)read[1],
                     (unsigned long long)tiny.pair.clocks[TINY].used_bytes);
        }
    }
}

static void tiny_close(void)
{
    struct tcpip_stats stats;
    assert_false(tiny.corrupt);
    assert_true(tiny.most_live > FLOWS - FLOWS / 50); /* at the same time */
    for (uint32_t host = 0; host < 2; host++) {
        for (uint32_t flow = 0; flow < FLOWS; flow++) {
            assert_int_equal(tiny.ends[host][flow].read, BYTES);
            tcpip_endpoint_close(tiny.ends[host][flow].endpoint);
        }
        tcpip_endpoint_close(tiny.listeners[host]);
    }
    pair_run(&tiny.pair, 300 * TCPIP_SECOND);
    tcpip_stack_stats(tiny.pair.b, &stats);
    assert_int_equal(stats.tcp.current_established, 0);
    assert_true(tiny.pair.clocks[TINY].peak_bytes <= BUDGET);
    assert_int_equal(stats.memory_peak_bytes, tiny.pair.clocks[TINY].peak_bytes);
    print_message("# %llu connections at once, %llu bytes at most, %llu allocations refused, %llu pressure events\n",
                  (unsigned long long)tiny.most_live, (unsigned long long)stats.memory_peak_bytes,
                  (unsigned long long)stats.stack.allocation_failures,
                  (unsigned long long)stats.tcp.memory_pressure_events);
    tcpip_stack_trim(tiny.pair.b);
    assert_true(tiny.pair.clocks[TINY].used_bytes < 400000);
    pair_fini(&tiny.pair);
}

static void a_thousand_flows_move_data_in_five_megabytes(void **state)
{
    (void)state;
    struct tcpip_fault_profile line = {.delay_ns = 10 * TCPIP_MS};
    tiny_open(&line);
    run_until_over(5 * TCPIP_MS, 300 * TCPIP_SECOND);
    tiny_close();
}

static void a_thousand_flows_over_a_bad_line_move_data_in_five_megabytes(void **state)
{
    (void)state;
    struct tcpip_fault_profile line = {.delay_ns = 10 * TCPIP_MS,
                                       .loss_ppm = 10000,
                                       .duplicate_ppm = 5000,
                                       .reorder_ppm = 20000,
                                       .reorder_ns = 15 * TCPIP_MS};
    tiny_open(&line);
    run_until_over(5 * TCPIP_MS, 600 * TCPIP_SECOND);
    tiny_close();
}

/* What nobody reads stays: a thousand receive buffers are more than there is. Whoever reads again gets all of it. */
static void a_thousand_flows_that_nobody_reads_fit_too(void **state)
{
    (void)state;
    struct tcpip_fault_profile line = {.delay_ns = 10 * TCPIP_MS, .loss_ppm = 5000};
    tiny_open(&line);
    tiny.tiny_reads = false;
    for (int i = 0; i < 2000; i++) {
        (void)serve();
        pair_run(&tiny.pair, 10 * TCPIP_MS);
    }
    tiny.tiny_reads = true;
    run_until_over(10 * TCPIP_MS, 900 * TCPIP_SECOND);
    tiny_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_flows_move_data_in_five_megabytes),
        cmocka_unit_test(a_thousand_flows_over_a_bad_line_move_data_in_five_megabytes),
        cmocka_unit_test(a_thousand_flows_that_nobody_reads_fit_too),
    };
    return cmocka_run_group_tests_name("tcp/tiny", tests, NULL, NULL);
}
