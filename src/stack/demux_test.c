// SPDX-License-Identifier: MIT
/* demux_test.c: flows against a naive list at random, who of several listeners gets a packet, and sharing by hash. */
#include "stack/demux.h"

#include "fake.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { TCP = 6, UDP = 17 };

struct fixture {
    struct test_env env;
    struct tcpip_stack *stack;
};

static void setup(struct fixture *f)
{
    test_env_init(&f->env, 11);
    f->stack = fake_stack_new(&f->env, NULL);
}

static void teardown(struct fixture *f)
{
    tcpip_stack_free(f->stack);
    test_env_fini(&f->env);
}

static void address_of(uint8_t *out, const char *text)
{
    struct tcpip_address parsed, mapped;
    assert_int_equal(tcpip_address_parse(text, &parsed), TCPIP_OK);
    mapped = tcpip_address_to_mapped(&parsed);
    memcpy(out, mapped.bytes, 16);
}

/* ---- flows ---- */

static struct flow random_flow(struct fixture *f)
{
    uint64_t r = test_env_random(&f->env);
    struct flow flow = {.local_port = (uint16_t)(r % 4), .remote_port = (uint16_t)(r >> 8) % 4};
    address_of(flow.local, r & 1u << 20 ? "10.0.0.1" : "fe80::1");
    address_of(flow.remote, r & 1u << 21 ? "10.0.0.2" : "fe80::2");
    flow.nic = (uint32_t)(r >> 24) % 3;
    return flow;
}

static bool same_key(const struct demux_entry *entry, uint32_t transport, const struct flow *flow)
{
    return entry->node.number == transport && memcmp(entry->flow.local, flow->local, 16) == 0 &&
           memcmp(entry->flow.remote, flow->remote, 16) == 0 && entry->flow.local_port == flow->local_port &&
           entry->flow.remote_port == flow->remote_port;
}

static void test_flows_agree_with_a_list_of_all(void **state)
{
    enum { ENTRIES = 300 };
    static struct demux_entry entries[ENTRIES];
    struct fixture f;
    (void)state;
    setup(&f);
    memset(entries, 0, sizeof(entries));
    for (int round = 0; round < 60000; round++) {
        uint64_t r = test_env_random(&f.env);
        struct demux_entry *entry = &entries[r % ENTRIES];
        if (entry->node.linked && r >> 60 < 8) {
            struct demux_entry *spare = &entries[(r >> 32) % ENTRIES];
            if (spare->node.linked || (r >> 59 & 1) != 0) {
                tcpip__demux_remove(f.stack, entry);
            } else {
                spare->node.kind = 7;
                tcpip__demux_replace(f.stack, entry, spare);
                assert_false(entry->node.linked);
                assert_true(same_key(spare, entry->node.number, &entry->flow));
                assert_int_equal(spare->flow.nic, entry->flow.nic);
            }
        } else if (!entry->node.linked) {
            bool taken = false;
            entry->flow = random_flow(&f);
            entry->node.number = r & 1u << 30 ? TCP : UDP;
            for (int i = 0; i < ENTRIES; i++)
                taken |= entries[i].node.linked && same_key(&entries[i], entry->node.number, &entry->flow) &&
                         (entries[i].flow.nic == 0 || entry->flow.nic == 0 || entries[i].flow.nic == entry->flow.nic);
            assert_int_equal(tcpip__demux_insert(f.stack, entry), taken ? TCPIP_ERR_PORT_IN_USE : TCPIP_OK);
            assert_int_equal(entry->node.linked, !taken);
        }
        struct flow flow = random_flow(&f);
        uint32_t nic = (uint32_t)(r >> 40) % 3 + 1;
        struct demux_entry *expected = NULL;
        for (int i = 0; i < ENTRIES && expected == NULL; i++)
            if (entries[i].node.linked && same_key(&entries[i], TCP, &flow) &&
                (entries[i].flow.nic == 0 || entries[i].flow.nic == nic))
                expected = &entries[i];
        assert_ptr_equal(tcpip__demux_find(f.stack, TCP, &flow, nic), expected);
    }
    for (int i = 0; i < ENTRIES; i++)
        if (entries[i].node.linked)
            tcpip__demux_remove(f.stack, &entries[i]);
    teardown(&f);
}

static void test_link_local_flows_have_the_scope_of_their_nic(void **state)
{
    struct tcpip_nic nic = {.id = 9};
    struct tcpip_packet packet = {.nic = &nic};
    struct flow flow;
    (void)state;
    address_of(packet.network.source, "10.0.0.2");
    address_of(packet.network.destination, "10.0.0.1");
    demux_flow_of(&packet, 80, 1234, &flow);
    assert_int_equal(flow.nic, 0);
    assert_int_equal(flow.local_port, 80);
    assert_memory_equal(flow.local, packet.network.destination, 16);
    assert_memory_equal(flow.remote, packet.network.source, 16);
    address_of(packet.network.source, "fe80::2");
    demux_flow_of(&packet, 80, 1234, &flow);
    assert_int_equal(flow.nic, 9);
}

/* ---- listeners ---- */

static struct demux_listener listener_of(const char *local, uint32_t nic, bool v4, bool v6, uintptr_t mark)
{
    struct demux_listener listener = {.port = 80, .transport = TCP, .nic = nic, .v4 = v4, .v6 = v6};
    address_of(listener.local, local);
    listener.endpoint = (struct tcpip_endpoint *)mark;
    return listener;
}

static uintptr_t find(struct fixture *f, const char *local, uint32_t nic)
{
    uint8_t bytes[16];
    address_of(bytes, local);
    return (uintptr_t)tcpip__demux_find_listener(f->stack, TCP, bytes, 80, nic, 1);
}

static void test_the_most_specific_listener_wins(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    struct demux_listener all[] = {
        listener_of("::", 0, true, true, 1),       /* dual */
        listener_of("0.0.0.0", 0, true, false, 2), /* a family of its own before dual */
        listener_of("0.0.0.0", 5, true, false, 3), /* NIC-bound before any */
        listener_of("10.0.0.1", 0, true, false, 4), listener_of("10.0.0.1", 5, true, false, 5),
        listener_of("::", 6, false, true, 6),
    };
    for (size_t i = 0; i < array_count(all); i++)
        tcpip__demux_listen(f.stack, &all[i]);
    assert_int_equal(find(&f, "10.0.0.1", 5), 5);
    assert_int_equal(find(&f, "10.0.0.1", 1), 4);
    assert_int_equal(find(&f, "10.0.0.2", 5), 3);
    assert_int_equal(find(&f, "10.0.0.2", 1), 2);
    assert_int_equal(find(&f, "fd00::1", 1), 1);
    assert_int_equal(find(&f, "fd00::1", 6), 6);
    tcpip__demux_unlisten(f.stack, &all[1]);
    assert_int_equal(find(&f, "10.0.0.2", 1), 1); /* an IPv4 packet at a dual listener */
    tcpip__demux_unlisten(f.stack, &all[0]);      /* the leader of its ring */
    assert_int_equal(find(&f, "10.0.0.2", 1), 0);
    assert_int_equal(find(&f, "10.0.0.2", 5), 3);
    assert_int_equal(find(&f, "fd00::1", 6), 6);
    for (size_t i = 2; i < array_count(all); i++)
        tcpip__demux_unlisten(f.stack, &all[i]);
    teardown(&f);
}

static void test_among_equals_the_latest_wins_unless_they_share(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    struct demux_listener a = listener_of("10.0.0.1", 0, true, false, 1),
                          b = listener_of("10.0.0.1", 0, true, false, 2);
    tcpip__demux_listen(f.stack, &a);
    tcpip__demux_listen(f.stack, &b);
    assert_int_equal(find(&f, "10.0.0.1", 1), 2);
    tcpip__demux_unlisten(f.stack, &b);
    assert_int_equal(find(&f, "10.0.0.1", 1), 1);
    tcpip__demux_unlisten(f.stack, &a);
    teardown(&f);
}

static void test_sharers_get_their_part_and_only_the_flows_of_one_that_left_move(void **state)
{
    enum { SHARERS = 4, FLOWS = 4000 };
    static uintptr_t before[FLOWS];
    struct demux_listener sharers[SHARERS];
    uint32_t parts[SHARERS + 1] = {0};
    uint8_t local[16];
    struct fixture f;
    (void)state;
    setup(&f);
    address_of(local, "10.0.0.1");
    for (uint32_t i = 0; i < SHARERS; i++) {
        sharers[i] = listener_of("0.0.0.0", 0, true, false, i + 1);
        sharers[i].reuse_port = true;
        tcpip__demux_listen(f.stack, &sharers[i]);
    }
    uint64_t hashes[FLOWS];
    for (uint32_t i = 0; i < FLOWS; i++) {
        hashes[i] = test_env_random(&f.env);
        before[i] = (uintptr_t)tcpip__demux_find_listener(f.stack, TCP, local, 80, 1, hashes[i]);
        parts[before[i]]++;
    }
    for (uint32_t i = 1; i <= SHARERS; i++)
        assert_in_range(parts[i], FLOWS / SHARERS * 8 / 10, FLOWS / SHARERS * 12 / 10);
    tcpip__demux_unlisten(f.stack, &sharers[0]);
    for (uint32_t i = 0; i < FLOWS; i++) {
        uintptr_t now = (uintptr_t)tcpip__demux_find_listener(f.stack, TCP, local, 80, 1, hashes[i]);
        if (before[i] == 1)
            assert_int_not_equal(now, 1);
        else
            assert_int_equal(now, before[i]);
    }
    for (uint32_t i = 1; i < SHARERS; i++)
        tcpip__demux_unlisten(f.stack, &sharers[i]);
    teardown(&f);
}

/* ---- who chooses otherwise ---- */

struct steering {
    struct tcpip_stack *stack;
    struct tcpip_steering seen;
    uint32_t answer;
};

static uint32_t steer(void *ctx, const struct tcpip_steering *packet)
{
    struct steering *steering = ctx;
    assert_int_equal(steering->stack->in_callback, 1);
    steering->seen = *packet;
    return steering->answer;
}

/* Told by the flow's scope, which means nothing else here. */
static uint64_t told_hash(struct tcpip_stack *stack, const struct flow *flow)
{
    (void)stack;
    return flow->nic;
}

static uintptr_t steered(struct fixture *f, const struct tcpip_nic *nic, uint32_t hash)
{
    struct flow flow = {.local_port = 80, .remote_port = 4000, .nic = hash};
    address_of(flow.local, "10.0.0.1");
    address_of(flow.remote, "10.0.0.2");
    return (uintptr_t)tcpip__demux_steer(f->stack, TCP, &flow, nic, told_hash);
}

static void test_steering_chooses_of_the_whole_group(void **state)
{
    enum { SHARERS = 3 };
    struct demux_listener sharers[SHARERS], other = listener_of("10.0.0.1", 9, true, false, 9);
    struct tcpip_nic nic = {.id = 1, .queue = 7};
    struct fixture f;
    (void)state;
    setup(&f);
    struct steering steering = {.stack = f.stack};
    for (uint32_t i = 0; i < SHARERS; i++) {
        sharers[i] = listener_of("10.0.0.1", 0, true, false, i + 1);
        sharers[i].reuse_port = true;
        tcpip__demux_listen(f.stack, &sharers[i]);
    }
    tcpip__demux_listen(f.stack, &other); /* of another NIC: none of them */
    uintptr_t by_hash = steered(&f, &nic, 5);
    sharers[1].choose = steer;
    sharers[1].choose_ctx = &steering;
    for (uint32_t i = 0; i < SHARERS; i++) {
        steering.answer = i;
        assert_int_equal(steered(&f, &nic, 5), i + 1);
    }
    assert_int_equal(steering.seen.members, SHARERS);
    assert_int_equal(steering.seen.nic, 1);
    assert_int_equal(steering.seen.queue, 7);
    assert_int_equal(steering.seen.hash, 5);
    assert_int_equal(steering.seen.local.port, 80);
    assert_int_equal(steering.seen.remote.port, 4000);
    assert_int_equal(steering.seen.remote.address.len, 4);
    steering.answer = SHARERS; /* nobody: as without */
    assert_int_equal(steered(&f, &nic, 5), by_hash);
    steering.answer = 1;
    tcpip__demux_unlisten(f.stack, &sharers[0]);
    assert_int_equal(steered(&f, &nic, 5), 3); /* the second of those that are left */
    tcpip__demux_unlisten(f.stack, &sharers[1]);
    assert_int_equal(steered(&f, &nic, 5), 3); /* the one that had set it is gone */
    tcpip__demux_unlisten(f.stack, &sharers[2]);
    tcpip__demux_unlisten(f.stack, &other);
    teardown(&f);
}

static void test_who_wants_a_queue_has_what_comes_by_it(void **state)
{
    enum { SHARERS = 4 };
    struct demux_listener sharers[SHARERS];
    struct tcpip_nic nic = {.id = 1};
    struct fixture f;
    (void)state;
    setup(&f);
    for (uint32_t i = 0; i < SHARERS; i++) {
        sharers[i] = listener_of("10.0.0.1", 0, true, false, i + 1);
        sharers[i].reuse_port = true;
        demux_listener_queue(&sharers[i], i < 2 ? 0 : i == 2 ? 1 : -1);
        tcpip__demux_listen(f.stack, &sharers[i]);
    }
    bool seen[SHARERS + 1] = {false};
    for (uint32_t hash = 0; hash < 100; hash++)
        seen[steered(&f, &nic, hash)] = true;
    assert_true(seen[1] && seen[2] && !seen[3] && !seen[4]); /* both that want it, by hash */
    nic.queue = 1;
    for (uint32_t hash = 0; hash < 100; hash++)
        assert_int_equal(steered(&f, &nic, hash), 3);
    nic.queue = 2; /* nobody wants it: everybody may have it */
    memset(seen, 0, sizeof(seen));
    for (uint32_t hash = 0; hash < 100; hash++)
        seen[steered(&f, &nic, hash)] = true;
    assert_true(seen[1] && seen[2] && seen[3] && seen[4]);
    for (uint32_t i = 0; i < SHARERS; i++)
        tcpip__demux_unlisten(f.stack, &sharers[i]);
    teardown(&f);
}

struct heard {
    uintptr_t marks[1100];
    uint32_t count;
};

static void on_each(void *ctx, struct tcpip_endpoint *endpoint)
{
    struct heard *heard = ctx;
    heard->marks[heard->count++] = (uintptr_t)endpoint;
}

static void test_a_multicast_reaches_all_in_the_order_of_registration(void **state)
{
    enum { MANY = 1000 };
    static struct demux_listener many[MANY];
    static struct heard heard;
    struct fixture f;
    uint8_t group[16];
    (void)state;
    setup(&f);
    address_of(group, "224.0.0.251");
    for (uint32_t i = 0; i < MANY; i++) { /* equal keys by the thousand: no attack */
        many[i] = listener_of("0.0.0.0", i % 3, true, false, i + 1);
        many[i].reuse_port = true;
        tcpip__demux_listen(f.stack, &many[i]);
    }
    for (uint32_t i = 0; i < MANY; i += 7)
        tcpip__demux_unlisten(f.stack, &many[i]);
    heard.count = 0;
    tcpip__demux_each_listener(f.stack, TCP, group, 80, 2, on_each, &heard);
    uint32_t expected = 0;
    for (uint32_t i = 0; i < MANY; i++)
        if (i % 7 != 0 && i % 3 != 1)
            assert_int_equal(heard.marks[expected++], i + 1);
    assert_int_equal(heard.count, expected);
    for (uint32_t i = 0; i < MANY; i++)
        if (many[i].linked)
            tcpip__demux_unlisten(f.stack, &many[i]);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flows_agree_with_a_list_of_all),
        cmocka_unit_test(test_link_local_flows_have_the_scope_of_their_nic),
        cmocka_unit_test(test_the_most_specific_listener_wins),
        cmocka_unit_test(test_among_equals_the_latest_wins_unless_they_share),
        cmocka_unit_test(test_sharers_get_their_part_and_only_the_flows_of_one_that_left_move),
        cmocka_unit_test(test_steering_chooses_of_the_whole_group),
        cmocka_unit_test(test_who_wants_a_queue_has_what_comes_by_it),
        cmocka_unit_test(test_a_multicast_reaches_all_in_the_order_of_registration),
    };
    return cmocka_run_group_tests_name("stack/demux", tests, NULL, NULL);
}
