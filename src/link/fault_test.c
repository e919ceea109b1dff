// SPDX-License-Identifier: MIT
/* fault_test.c: the contract with a clean and with a slow line, then each fault by itself. */
#include "link_conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <tcpip/header/checksum.h>
#include <tcpip/header/ipv4.h>
#include <tcpip/header/ipv6.h>

#include <cmocka.h>

struct rig {
    struct tcpip_link *channel, *fault;
};

static struct rig *rig_new(struct link_world *world, uint64_t seed, struct tcpip_fault_profile out,
                           struct tcpip_fault_profile in)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    struct tcpip_channel_options channel = {.size = sizeof(channel),
                                            .queue_packets = 20,
                                            .gso_max_bytes = 65535,
                                            .flags = TCPIP_LINK_TX_CHECKSUM | TCPIP_LINK_RX_CHECKSUM | TCPIP_LINK_TSO4 |
                                                     TCPIP_LINK_TSO6 | TCPIP_LINK_USO | TCPIP_LINK_MULTICAST};
    struct tcpip_fault_options options = {.size = sizeof(options), .seed = seed, .out = out, .in = in};
    rig->channel = tcpip_channel_new(&world->test_env.env, &channel);
    rig->fault = tcpip_fault_new(&world->test_env.env, rig->channel, &options);
    return rig;
}

static void rig_free(struct link_world *world, void *state)
{
    struct rig *rig = state;
    (void)world;
    tcpip_fault_free(rig->fault);
    tcpip_channel_free(rig->channel);
    free(rig);
}

static struct tcpip_link *make_clean(struct link_world *world, void **state)
{
    struct rig *rig = *state = rig_new(world, 1, (struct tcpip_fault_profile){0}, (struct tcpip_fault_profile){0});
    return rig->fault;
}

static struct tcpip_link *make_slow(struct link_world *world, void **state)
{
    struct tcpip_fault_profile slow = {.delay_ns = 50 * TCPIP_MS, .jitter_ns = TCPIP_MS, .rate_bps = 1000000000};
    struct rig *rig = *state = rig_new(world, 1, slow, slow);
    return rig->fault;
}

static size_t take(struct link_world *world, void *state, uint8_t *out, size_t size)
{
    struct rig *rig = state;
    if (tcpip_channel_pending(rig->channel) == 0)
        link_world_run(world);
    struct tcpip_packet *packet = tcpip_channel_collect(rig->channel);
    if (packet == NULL)
        return 0;
    size_t length = tcpip_packet_copy_out(packet, 0, out, size);
    tcpip_packet_free(packet);
    return length;
}

static void give(struct link_world *world, void *state, const uint8_t *bytes, size_t size)
{
    assert_int_equal(tcpip_channel_inject_bytes(((struct rig *)state)->channel, bytes, size), TCPIP_OK);
    link_world_run(world);
}

static void a_fault_link_keeps_the_contract_of_links(void **state)
{
    (void)state;
    struct link_subject subject = {.name = "fault", .destroy = rig_free, .take = take, .give = give};
    subject.make = make_slow; /* what is under way is the line's, so it takes all */
    link_conformance(&subject);
}

static void a_clean_fault_link_passes_everything_on_in_the_same_turn(void **state)
{
    (void)state;
    struct link_world world;
    void *made;
    link_world_init(&world, 1);
    struct tcpip_link *link = make_clean(&world, &made);
    struct rig *rig = made;
    link_world_attach(&world, link);
    uint8_t bytes[50] = {0x45};
    struct tcpip_packet_list list = tcpip_packet_list_init();
    for (int i = 0; i < 50; i++)
        tcpip_packet_list_push(&list, link_world_packet(&world, bytes, sizeof(bytes), 20, 0));
    assert_int_equal(link_world_transmit(&world, link, &list), 50);
    assert_int_equal(tcpip_channel_pending(rig->channel), 20);
    /* The lower link is full: now so is this one. */
    tcpip_packet_list_push(&list, link_world_packet(&world, bytes, sizeof(bytes), 20, 0));
    assert_int_equal(link_world_transmit(&world, link, &list), 0);
    for (int i = 0; i < 50; i++)
        tcpip_packet_free(tcpip_channel_collect(rig->channel));
    assert_int_equal(world.tx_ready, 1);
    assert_int_equal(link_world_transmit(&world, link, &list), 1);
    assert_int_equal(tcpip_stack_deadline(world.stack), TCPIP_NEVER);
    link_world_detach(&world, link);
    rig_free(&world, rig);
    link_world_fini(&world);
}

static void no_offload_is_offered_above_a_fault_link(void **state)
{
    (void)state;
    struct link_world world;
    void *made;
    struct tcpip_link_capabilities caps;
    link_world_init(&world, 1);
    struct tcpip_link *link = make_clean(&world, &made);
    link->ops->capabilities(link, &caps);
    assert_int_equal(caps.flags, TCPIP_LINK_RX_CHECKSUM | TCPIP_LINK_MULTICAST);
    assert_int_equal(caps.gso_max_bytes, 0);
    assert_int_equal(caps.mtu, 1500);
    rig_free(&world, made);
    link_world_fini(&world);
}

/* ---- one fault at a time ---- */

enum { RUN_MAX = 20000 };

/* What came out at the far side: which packets, when. */
struct run {
    struct link_world world;
    struct rig *rig;
    uint32_t count;
    uint32_t ids[2 * RUN_MAX];
    tcpip_ns at[2 * RUN_MAX];
    struct tcpip_fault_counters out, in;
};

static void run_collect(struct run *run)
{
    for (struct tcpip_packet *packet; (packet = tcpip_channel_collect(run->rig->channel)) != NULL;) {
        memcpy(&run->ids[run->count], tcpip_packet_pull(packet, 4, 4), 4);
        run->at[run->count++] = run->world.test_env.now;
        tcpip_packet_free(packet);
    }
}

/* Sends `count` packets of 100 bytes, one each `gap`, and waits for the last. */
static struct run *run_new(uint64_t seed, struct tcpip_fault_profile out, uint32_t count, tcpip_ns gap)
{
    struct run *run = calloc(1, sizeof(*run));
    uint8_t bytes[100] = {0x45};
    link_world_init(&run->world, 1);
    run->rig = rig_new(&run->world, seed, out, (struct tcpip_fault_profile){0});
    link_world_attach(&run->world, run->rig->fault);
    tcpip_ns start = run->world.test_env.now;
    for (uint32_t i = 0; i < count; i++) {
        tcpip_ns at = start + (tcpip_ns)i * gap, deadline;
        while ((deadline = tcpip_stack_deadline(run->world.stack)) <= at) {
            link_world_advance(&run->world, deadline - run->world.test_env.now);
            run_collect(run);
        }
        link_world_advance(&run->world, at - run->world.test_env.now);
        memcpy(bytes + 4, &i, 4);
        link_world_send(&run->world, run->rig->fault, link_world_packet(&run->world, bytes, sizeof(bytes), 20, 0));
        run_collect(run);
    }
    for (tcpip_ns deadline; (deadline = tcpip_stack_deadline(run->world.stack)) != TCPIP_NEVER;) {
        link_world_advance(&run->world, deadline - run->world.test_env.now);
        run_collect(run);
    }
    for (uint32_t i = 0; i < run->count; i++)
        run->at[i] -= start;
    tcpip_fault_get_counters(run->rig->fault, &run->out, &run->in);
    assert_int_equal(run->out.passed, run->count);
    assert_int_equal(run->out.passed + run->out.lost + run->out.queue_dropped, count + run->out.duplicated);
    return run;
}

static void run_free(struct run *run)
{
    link_world_detach(&run->world, run->rig->fault);
    rig_free(&run->world, run->rig);
    link_world_fini(&run->world);
    free(run);
}

/* Headers alone, with this traffic class; what comes out must differ in its ECN field at most. */
static void send_marked(struct link_world *world, struct rig *rig, bool v4, uint8_t tos, bool marked)
{
    uint8_t bytes[40] = {0}, out[40];
    uint32_t size = v4 ? 20 : 40;
    if (v4) {
        bytes[0] = 0x45;
        bytes[1] = tos;
        bytes[3] = 20;
        tcpip_ipv4_checksum_set(bytes);
    } else {
        bytes[0] = 0x60;
        tcpip_ipv6_set_traffic_class(bytes, tos);
    }
    struct tcpip_packet *packet = link_world_packet(world, bytes, size, 0, 0);
    packet->link_protocol = v4 ? TCPIP_PROTOCOL_IPV4 : TCPIP_PROTOCOL_IPV6;
    link_world_send(world, rig->fault, packet);
    link_world_run(world);
    assert_int_equal(take(world, rig, out, sizeof(out)), size);
    if (marked && v4) {
        bytes[1] |= 3;
        tcpip_ipv4_checksum_set(bytes);
    } else if (marked) {
        tcpip_ipv6_set_traffic_class(bytes, tos | 3);
    }
    assert_memory_equal(out, bytes, size);
}

static void what_is_ecn_capable_is_marked_and_nothing_else(void **state)
{
    (void)state;
    struct link_world world;
    link_world_init(&world, 1);
    struct tcpip_fault_profile all = {.mark_ppm = 1000000};
    struct rig *rig = rig_new(&world, 1, all, all);
    link_world_attach(&world, rig->fault);
    for (unsigned tos = 0; tos < 256; tos += 5)
        for (int v4 = 0; v4 < 2; v4++)
            send_marked(&world, rig, v4 != 0, (uint8_t)tos, (tos & 3) == 1 || (tos & 3) == 2);
    struct tcpip_fault_counters out;
    tcpip_fault_get_counters(rig->fault, &out, NULL);
    assert_int_equal(out.marked, 52);
    link_world_detach(&world, rig->fault);
    rig_free(&world, rig);
    link_world_fini(&world);
}

static void what_finds_a_queue_is_marked(void **state)
{
    (void)state;
    struct link_world world;
    link_world_init(&world, 1);
    struct tcpip_fault_profile slow = {.rate_bps = 8000, .mark_queue_bytes = 50};
    struct rig *rig = rig_new(&world, 1, slow, (struct tcpip_fault_profile){0});
    link_world_attach(&world, rig->fault);
    uint8_t bytes[20] = {0x45, 2};
    for (int i = 0; i < 5; i++) {
        struct tcpip_packet *packet = link_world_packet(&world, bytes, sizeof(bytes), 0, 0);
        packet->link_protocol = TCPIP_PROTOCOL_IPV4;
        link_world_send(&world, rig->fault, packet);
    }
    link_world_run(&world);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(take(&world, rig, bytes, sizeof(bytes)), 20);
        assert_int_equal(bytes[1], i < 3 ? 2 : 3); /* 0, 20, 40 bytes before it, then 60 */
    }
    link_world_detach(&world, rig->fault);
    rig_free(&world, rig);
    link_world_fini(&world);
}

static void loss_is_as_frequent_as_asked_for(void **state)
{
    (void)state;
    struct run *run = run_new(3, (struct tcpip_fault_profile){.loss_ppm = 50000}, RUN_MAX, 0);
    assert_in_range(run->out.lost, RUN_MAX / 20 - 100, RUN_MAX / 20 + 100);
    assert_int_equal(run->world.drops[TCPIP_DROP_FAULT_INJECTED], run->out.lost);
    run_free(run);
    run = run_new(3, (struct tcpip_fault_profile){.loss_ppm = 1000000}, 100, 0);
    assert_int_equal(run->out.lost, 100);
    run_free(run);
    run = run_new(3, (struct tcpip_fault_profile){.mtu = 100}, 100, 0); /* they just fit */
    assert_int_equal(run->out.lost, 0);
    run_free(run);
    run = run_new(3, (struct tcpip_fault_profile){.mtu = 99}, 100, 0);
    assert_int_equal(run->out.lost, 100);
    run_free(run);
    run = run_new(3, (struct tcpip_fault_profile){.down = true}, 100, 0);
    assert_int_equal(run->out.lost, 100);
    run_free(run);
}

static void bursts_lose_runs_of_packets(void **state)
{
    (void)state;
    struct tcpip_fault_profile profile = {.burst_enter_ppm = 10000, .burst_leave_ppm = 100000};
    struct run *run = run_new(4, profile, RUN_MAX, 0);
    uint32_t bursts = 0;
    for (uint32_t i = 1; i < run->count; i++)
        bursts += run->ids[i] != run->ids[i - 1] + 1;
    /* 1 in 100 enters, 1 in 10 leaves: a good share of 100 packets, then 10 lost, on average. */
    assert_in_range(run->out.lost, RUN_MAX / 11 - 400, RUN_MAX / 11 + 400);
    assert_in_range(run->out.lost / bursts, 8, 12);
    run_free(run);
}

static void the_same_seed_gives_the_same_faults_and_another_does_not(void **state)
{
    (void)state;
    struct tcpip_fault_profile profile = {.loss_ppm = 100000,
                                          .duplicate_ppm = 100000,
                                          .reorder_ppm = 100000,
                                          .reorder_ns = 5 * TCPIP_MS,
                                          .delay_ns = TCPIP_MS,
                                          .jitter_ns = TCPIP_MS};
    struct run *a = run_new(5, profile, 500, TCPIP_MS), *b = run_new(5, profile, 500, TCPIP_MS);
    struct run *c = run_new(6, profile, 500, TCPIP_MS);
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->ids, b->ids, sizeof(a->ids));
    assert_memory_equal(a->at, b->at, sizeof(a->at));
    assert_memory_not_equal(a->ids, c->ids, sizeof(a->ids));
    run_free(a);
    run_free(b);
    run_free(c);
}

static void duplicates_come_right_behind(void **state)
{
    (void)state;
    struct run *run = run_new(7, (struct tcpip_fault_profile){.duplicate_ppm = 1000000}, 100, TCPIP_MS);
    assert_int_equal(run->count, 200);
    for (uint32_t i = 0; i < 200; i++)
        assert_int_equal(run->ids[i], i / 2);
    run_free(run);
}

static void delay_is_exact_and_jitter_keeps_order(void **state)
{
    (void)state;
    struct run *run = run_new(8, (struct tcpip_fault_profile){.delay_ns = 30 * TCPIP_MS + 1}, 100, TCPIP_MS);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(run->at[i], i * TCPIP_MS + 30 * TCPIP_MS + 1);
    run_free(run);

    struct tcpip_fault_profile profile = {.delay_ns = 30 * TCPIP_MS, .jitter_ns = 10 * TCPIP_MS};
    run = run_new(8, profile, 1000, TCPIP_MS);
    tcpip_ns least = TCPIP_NEVER, most = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        tcpip_ns delay = run->at[i] - i * TCPIP_MS;
        assert_int_equal(run->ids[i], i);
        least = delay < least ? delay : least;
        most = delay > most ? delay : most;
    }
    assert_in_range(least, 30 * TCPIP_MS, 32 * TCPIP_MS);
    assert_in_range(most, 39 * TCPIP_MS, 40 * TCPIP_MS);
    run_free(run);
}

static void reordered_packets_are_late_by_exactly_so_much(void **state)
{
    (void)state;
    struct tcpip_fault_profile profile = {
        .delay_ns = 20 * TCPIP_MS, .reorder_ppm = 100000, .reorder_ns = 5 * TCPIP_MS + 500 * TCPIP_US};
    struct run *run = run_new(9, profile, 1000, TCPIP_MS);
    uint32_t late = 0;
    assert_int_equal(run->count, 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        tcpip_ns delay = run->at[i] - run->ids[i] * TCPIP_MS;
        if (delay == profile.delay_ns)
            continue;
        assert_int_equal(delay, profile.delay_ns + profile.reorder_ns);
        late++;
    }
    assert_int_equal(late, run->out.reordered);
    assert_in_range(late, 60, 140);
    run_free(run);
}

static void a_rate_spaces_packets_and_its_queue_drops_the_tail(void **state)
{
    (void)state;
    /* 100 bytes at 800 kbit/s: 1 ms each; ten packets may wait, the one being sent among them. */
    struct tcpip_fault_profile profile = {.rate_bps = 800000, .queue_bytes = 1000};
    struct run *run = run_new(10, profile, 50, 0);
    assert_int_equal(run->count, 10);
    assert_int_equal(run->out.queue_dropped, 40);
    assert_int_equal(run->world.drops[TCPIP_DROP_QUEUE_FULL], 40);
    for (uint32_t i = 0; i < run->count; i++)
        assert_int_equal(run->at[i], (i + 1) * TCPIP_MS);
    run_free(run);
    run = run_new(10, profile, 100, 2 * TCPIP_MS); /* half the rate: nothing waits */
    assert_int_equal(run->count, 100);
    for (uint32_t i = 0; i < run->count; i++)
        assert_int_equal(run->at[i], 2 * i * TCPIP_MS + TCPIP_MS);
    run_free(run);
    run = run_new(10, profile, 1000, TCPIP_MS / 2); /* twice: half gets through */
    assert_in_range(run->count, 500, 512);
    run_free(run);
}

static void a_line_never_gets_so_slow_that_nothing_passes(void **state)
{
    (void)state;
    struct run *run = run_new(11, (struct tcpip_fault_profile){.rate_bps = 1000, .queue_bytes = 1}, 3, TCPIP_SECOND);
    assert_int_equal(run->count, 3); /* larger than the queue, but the line is free: 0.8 s each */
    run_free(run);
}

static uint32_t bits_that_differ(const uint8_t *a, const uint8_t *b, size_t size)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < size; i++)
        bits += (uint32_t)__builtin_popcount((unsigned)(a[i] ^ b[i]));
    return bits;
}

static void corruption_flips_one_bit_of_a_copy(void **state)
{
    (void)state;
    struct link_world world;
    link_world_init(&world, 1);
    struct rig *rig =
        rig_new(&world, 12, (struct tcpip_fault_profile){.corrupt_ppm = 1000000}, (struct tcpip_fault_profile){0});
    link_world_attach(&world, rig->fault);
    for (uint32_t size = 1; size < 1500; size += 77) {
        uint8_t bytes[1500] = {0x45}, got[1500];
        struct tcpip_packet *packet = link_world_packet(&world, bytes, size, 20, 300);
        struct tcpip_packet *clone = tcpip_packet_clone(packet);
        link_world_send(&world, rig->fault, packet);
        packet = tcpip_channel_collect(rig->channel);
        assert_non_null(packet);
        assert_int_equal(tcpip_packet_copy_out(packet, 0, got, sizeof(got)), size);
        assert_int_equal(bits_that_differ(got, bytes, size), 1);
        assert_int_equal(tcpip_packet_copy_out(clone, 0, got, sizeof(got)), size);
        assert_memory_equal(got, bytes, size);
        tcpip_packet_free(packet);
        tcpip_packet_free(clone);
    }
    link_world_detach(&world, rig->fault);
    rig_free(&world, rig);
    link_world_fini(&world);
}

static void corruption_is_not_hidden_by_checksum_offload(void **state)
{
    (void)state;
    struct link_world world;
    link_world_init(&world, 1);
    struct rig *rig =
        rig_new(&world, 13, (struct tcpip_fault_profile){0}, (struct tcpip_fault_profile){.corrupt_ppm = 1000000});
    link_world_attach(&world, rig->fault);
    for (uint32_t i = 0; i < 200; i++) {
        uint8_t bytes[400] = {0x45};
        uint16_t pseudo = (uint16_t)(i * 311 + 1);
        memset(bytes + 38, (int)i, sizeof(bytes) - 38);
        struct tcpip_packet *packet = link_world_packet(&world, bytes, sizeof(bytes), 20, 0);
        packet->checksum = i % 2 == 0 ? TCPIP_CHECKSUM_PARTIAL : TCPIP_CHECKSUM_VERIFIED;
        packet->checksum_start = 20;
        packet->checksum_offset = 16;
        tcpip_store_u16(tcpip_packet_pull(packet, 36, 2), pseudo);
        tcpip_channel_inject(rig->channel, packet);
        packet = tcpip_packet_list_pop(&world.received);
        assert_non_null(packet);
        assert_int_equal(packet->checksum, TCPIP_CHECKSUM_NONE);
        if (i % 2 == 0) { /* the sum is wrong unless the bit was in front of it */
            uint16_t sum = tcpip_packet_checksum(packet, 20, 380, pseudo);
            uint8_t front[20];
            tcpip_packet_copy_out(packet, 0, front, sizeof(front));
            assert_int_equal(tcpip_checksum_ok(sum), bits_that_differ(front, bytes, 20) == 1);
        }
        tcpip_packet_free(packet);
    }
    struct tcpip_packet *bad = link_world_packet(&world, (const uint8_t[]){0x45, 0}, 2, 2, 0);
    bad->checksum = TCPIP_CHECKSUM_PARTIAL; /* a field outside of the packet is left to those who check it */
    bad->checksum_start = 60000;
    bad->checksum_offset = 60000;
    tcpip_channel_inject(rig->channel, bad);
    assert_int_equal(world.received.count, 1);
    link_world_detach(&world, rig->fault);
    rig_free(&world, rig);
    link_world_fini(&world);
}

static void what_happens_in_one_direction_does_not_change_the_other(void **state)
{
    (void)state;
    uint64_t lost[2];
    for (int with_input = 0; with_input < 2; with_input++) {
        struct link_world world;
        struct tcpip_fault_profile profile = {.loss_ppm = 300000};
        uint8_t bytes[50] = {0x45};
        link_world_init(&world, 1);
        struct rig *rig = rig_new(&world, 14, profile, profile);
        link_world_attach(&world, rig->fault);
        for (int i = 0; i < 1000; i++) {
            link_world_send(&world, rig->fault, link_world_packet(&world, bytes, sizeof(bytes), 20, 0));
            if (with_input)
                give(&world, rig, bytes, sizeof(bytes));
            for (struct tcpip_packet *packet; (packet = tcpip_channel_collect(rig->channel)) != NULL;)
                tcpip_packet_free(packet);
        }
        struct tcpip_fault_counters out, in;
        tcpip_fault_get_counters(rig->fault, &out, &in);
        lost[with_input] = out.lost;
        assert_int_equal(in.passed + in.lost, with_input ? 1000 : 0);
        assert_int_equal(world.received.count, in.passed);
        assert_int_not_equal(in.lost, out.lost);
        link_world_detach(&world, rig->fault);
        rig_free(&world, rig);
        link_world_fini(&world);
    }
    assert_int_equal(lost[0], lost[1]);
}

static void a_changed_profile_holds_from_the_next_packet_on_and_order_is_kept(void **state)
{
    (void)state;
    struct link_world world;
    uint8_t bytes[50] = {0x45};
    link_world_init(&world, 1);
    struct rig *rig =
        rig_new(&world, 15, (struct tcpip_fault_profile){.delay_ns = TCPIP_SECOND}, (struct tcpip_fault_profile){0});
    link_world_attach(&world, rig->fault);
    link_world_send(&world, rig->fault, link_world_packet(&world, bytes, sizeof(bytes), 20, 0));
    tcpip_fault_set(rig->fault, &(struct tcpip_fault_profile){0}, NULL);
    link_world_send(&world, rig->fault, link_world_packet(&world, bytes, 30, 20, 0));
    assert_int_equal(tcpip_channel_pending(rig->channel), 0);
    link_world_advance(&world, TCPIP_SECOND - 1);
    assert_int_equal(tcpip_channel_pending(rig->channel), 0);
    link_world_advance(&world, 1);
    for (uint32_t i = 0; i < 2; i++) {
        struct tcpip_packet *packet = tcpip_channel_collect(rig->channel);
        assert_int_equal(packet->length, i == 0 ? 50 : 30);
        tcpip_packet_free(packet);
    }
    link_world_detach(&world, rig->fault);
    rig_free(&world, rig);
    link_world_fini(&world);
}

static void packets_come_out_in_order_when_the_lower_link_is_full(void **state)
{
    (void)state;
    struct link_world world;
    uint8_t bytes[40] = {0x45};
    link_world_init(&world, 1);
    struct tcpip_fault_profile slow = {.delay_ns = TCPIP_MS};
    struct rig *rig = rig_new(&world, 17, slow, (struct tcpip_fault_profile){0});
    link_world_attach(&world, rig->fault);
    uint32_t collected = 0;
    for (uint32_t i = 0; i < 41; i++) {
        if (i ==
            40) { /* 20 fill the channel, 19 wait above it; 5 leave: room, but not enough to say so; then 39 comes */
            for (; collected < 5; collected++)
                tcpip_packet_free(tcpip_channel_collect(rig->channel));
            link_world_advance(&world, TCPIP_MS / 2);
            assert_int_equal(world.tx_ready, 0);
        }
        memcpy(bytes + 4, &i, 4);
        struct tcpip_packet *packet = link_world_packet(&world, bytes, sizeof(bytes), 20, 0);
        if (i < 40) {
            link_world_send(&world, rig->fault, packet);
        } else { /* full, so it takes no more */
            struct tcpip_packet_list list = tcpip_packet_list_init();
            tcpip_packet_list_push(&list, packet);
            assert_int_equal(link_world_transmit(&world, rig->fault, &list), 0);
            tcpip_packet_list_free(&list);
        }
        if (i >= 38) /* so 39 comes out half a millisecond after the others */
            link_world_advance(&world, TCPIP_MS / 2);
    }
    link_world_advance(&world, TCPIP_MS);
    for (struct tcpip_packet *packet; (packet = tcpip_channel_collect(rig->channel)) != NULL; collected++) {
        uint32_t id;
        memcpy(&id, tcpip_packet_pull(packet, 4, 4), 4);
        assert_int_equal(id, collected);
        tcpip_packet_free(packet);
    }
    assert_int_equal(collected, 40);
    link_world_detach(&world, rig->fault);
    rig_free(&world, rig);
    link_world_fini(&world);
}

static void packets_under_way_in_both_directions_are_freed_at_detach(void **state)
{
    (void)state;
    struct link_world world;
    uint8_t bytes[40] = {0x45};
    link_world_init(&world, 1);
    struct tcpip_fault_profile slow = {.delay_ns = TCPIP_MS, .reorder_ppm = 500000, .reorder_ns = TCPIP_MS};
    struct rig *rig = rig_new(&world, 18, slow, slow);
    link_world_attach(&world, rig->fault);
    for (int i = 0; i < 20; i++) {
        link_world_send(&world, rig->fault, link_world_packet(&world, bytes, sizeof(bytes), 20, 0));
        assert_int_equal(tcpip_channel_inject_bytes(rig->channel, bytes, sizeof(bytes)), TCPIP_OK);
    }
    link_world_detach(&world, rig->fault);
    assert_int_equal(world.drops[TCPIP_DROP_NIC_REMOVED], 40);
    assert_int_equal(tcpip_stack_deadline(world.stack), TCPIP_NEVER);
    rig_free(&world, rig);
    link_world_fini(&world);
}

static void whose_clock_it_was_is_forgotten_at_detach(void **state)
{
    (void)state;
    struct link_world worlds[2];
    uint8_t bytes[100] = {0x45};
    struct tcpip_fault_profile slow = {.rate_bps = 800000, .queue_bytes = 1000};
    link_world_init(&worlds[0], 1);
    link_world_init(&worlds[1], 1);
    worlds[0].test_env.now += 1000 * TCPIP_SECOND; /* up for longer */
    tcpip_ns begin = worlds[1].test_env.now;
    struct rig *rig = rig_new(&worlds[0], 19, slow, slow);
    for (int i = 0; i < 2; i++) {
        link_world_attach(&worlds[i], rig->fault);
        link_world_send(&worlds[i], rig->fault, link_world_packet(&worlds[i], bytes, sizeof(bytes), 20, 0));
        assert_int_equal(worlds[i].drops[TCPIP_DROP_QUEUE_FULL], 0);
        if (i == 1)
            assert_int_equal(tcpip_stack_deadline(worlds[i].stack), begin + TCPIP_MS);
        link_world_detach(&worlds[i], rig->fault);
    }
    rig_free(&worlds[0], rig);
    link_world_fini(&worlds[0]);
    link_world_fini(&worlds[1]);
}

static void without_memory_a_packet_to_be_corrupted_is_lost(void **state)
{
    (void)state;
    struct link_world world;
    uint8_t bytes[1000] = {0x45};
    link_world_init(&world, 1);
    struct rig *rig =
        rig_new(&world, 16, (struct tcpip_fault_profile){.corrupt_ppm = 1000000}, (struct tcpip_fault_profile){0});
    link_world_attach(&world, rig->fault);
    struct tcpip_packet_list list = tcpip_packet_list_init();
    for (int i = 0; i < 10; i++)
        tcpip_packet_list_push(&list, link_world_packet(&world, bytes, sizeof(bytes), 20, 0));
    struct tcpip_packet_list held = tcpip_packet_list_init();
    for (struct tcpip_packet *packet = list.head; packet != NULL; packet = packet->next)
        tcpip_packet_list_push(&held, tcpip_packet_clone(packet));
    test_env_fail(&world.test_env, 1, true);
    assert_int_equal(link_world_transmit(&world, rig->fault, &list), 10);
    test_env_fail(&world.test_env, 0, false);
    struct tcpip_fault_counters out;
    tcpip_fault_get_counters(rig->fault, &out, NULL);
    assert_true(out.lost > 0);
    assert_int_equal(out.lost, world.drops[TCPIP_DROP_NO_MEMORY]);
    assert_int_equal(out.lost + out.corrupted, 10);
    tcpip_packet_list_free(&held);
    link_world_detach(&world, rig->fault);
    rig_free(&world, rig);
    link_world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_link_keeps_the_contract_of_links),
        cmocka_unit_test(a_clean_fault_link_passes_everything_on_in_the_same_turn),
        cmocka_unit_test(no_offload_is_offered_above_a_fault_link),
        cmocka_unit_test(what_is_ecn_capable_is_marked_and_nothing_else),
        cmocka_unit_test(what_finds_a_queue_is_marked),
        cmocka_unit_test(loss_is_as_frequent_as_asked_for),
        cmocka_unit_test(bursts_lose_runs_of_packets),
        cmocka_unit_test(the_same_seed_gives_the_same_faults_and_another_does_not),
        cmocka_unit_test(duplicates_come_right_behind),
        cmocka_unit_test(delay_is_exact_and_jitter_keeps_order),
        cmocka_unit_test(reordered_packets_are_late_by_exactly_so_much),
        cmocka_unit_test(a_rate_spaces_packets_and_its_queue_drops_the_tail),
        cmocka_unit_test(a_line_never_gets_so_slow_that_nothing_passes),
        cmocka_unit_test(corruption_flips_one_bit_of_a_copy),
        cmocka_unit_test(corruption_is_not_hidden_by_checksum_offload),
        cmocka_unit_test(what_happens_in_one_direction_does_not_change_the_other),
        cmocka_unit_test(a_changed_profile_holds_from_the_next_packet_on_and_order_is_kept),
        cmocka_unit_test(packets_come_out_in_order_when_the_lower_link_is_full),
        cmocka_unit_test(packets_under_way_in_both_directions_are_freed_at_detach),
        cmocka_unit_test(whose_clock_it_was_is_forgotten_at_detach),
        cmocka_unit_test(without_memory_a_packet_to_be_corrupted_is_lost),
    };
    return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
