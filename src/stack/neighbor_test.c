// SPDX-License-Identifier: MIT
/* neighbor_test.c: the states of RFC 4861 7.3.2 walked through in virtual time, for ARP and NDP; limits; what is told
 * to whom. */
#include "stack/neighbor.h"
#include "stack/route.h"

#include "route_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { ETHERNET = TCPIP_LINK_RESOLUTION | TCPIP_LINK_MULTICAST, NONE = -1 };

static struct tcpip_nic *lan(struct route_world *w, const struct tcpip_limits *limits)
{
    world_init(w, limits, WORLD_BOTH);
    struct tcpip_nic *nic = world_nic(w, 1, ETHERNET);
    world_assign(w, 1, "10.0.0.1/24", 0);
    world_assign(w, 1, "fe80::1/64", TCPIP_ADDRESS_NO_DAD);
    return nic;
}

static struct tcpip_neighbor_entry *get(struct route_world *w, const char *address)
{
    struct tcpip_neighbor_entry *entry = tcpip__neighbor_get(tcpip_stack_nic(w->stack, 1), world_bytes(address));
    assert_non_null(entry);
    return entry;
}

static void send(struct route_world *w, struct tcpip_neighbor_entry *entry, const char *to)
{
    tcpip_stack_enter(w->stack);
    struct tcpip_packet *packet = world_packet(w, world_address(to).len == 4 ? "10.0.0.1" : "fe80::1", to);
    tcpip__neighbor_output(entry, packet);
    tcpip_stack_leave(w->stack);
}

static void advertise(struct route_world *w, const char *address, int link, struct neighbor_advert how)
{
    struct tcpip_link_address mac = world_link_address((uint8_t)link);
    tcpip_stack_enter(w->stack);
    tcpip__neighbor_advertised(tcpip_stack_nic(w->stack, 1), world_bytes(address), link == NONE ? NULL : &mac, how);
    tcpip_stack_leave(w->stack);
}

static void learn(struct route_world *w, const char *address, uint8_t link)
{
    struct tcpip_link_address mac = world_link_address(link);
    tcpip_stack_enter(w->stack);
    tcpip__neighbor_learn(tcpip_stack_nic(w->stack, 1), world_bytes(address), &mac);
    tcpip_stack_leave(w->stack);
}

/* The state that the operator sees, and the last byte of the link address; NONE: no entry. */
static int state_of(struct route_world *w, const char *address, int *link)
{
    struct tcpip_neighbor list[64];
    struct tcpip_address wanted = world_address(address);
    size_t n = tcpip_stack_neighbors(w->stack, list, array_count(list));
    assert_true(n <= array_count(list));
    for (size_t i = 0; i < n; i++) {
        if (!tcpip_address_equal(&list[i].address, &wanted))
            continue;
        if (link != NULL)
            *link = list[i].link.len == 0 ? NONE : list[i].link.bytes[5];
        return (int)list[i].state;
    }
    return NONE;
}

#define assert_state(w, address, state) assert_int_equal(state_of(w, address, NULL), TCPIP_NEIGHBOR_##state)

static const struct neighbor_advert solicited = {.solicited = true, .override = true};
static const struct neighbor_advert unsolicited = {.override = true};

static void resolve(struct route_world *w, const char *address)
{
    struct tcpip_neighbor_entry *entry = get(w, address);
    send(w, entry, address);
    advertise(w, address, 9, solicited);
    assert_state(w, address, REACHABLE);
    tcpip__neighbor_unref(entry);
    world_sent(w, 1);
    w->solicits.count = 0;
}

static void resolves_when_the_first_packet_comes(const char *address)
{
    struct route_world w;
    lan(&w, NULL);
    struct tcpip_neighbor_entry *entry = get(&w, address);
    world_pass(&w, 10 * TCPIP_SECOND);
    assert_int_equal(w.solicits.count, 0); /* nobody has anything to send */
    send(&w, entry, address);
    send(&w, entry, address);
    assert_int_equal(w.solicits.count, 1);
    assert_false(w.solicits.items[0].on);
    assert_memory_equal(w.solicits.items[0].address, world_bytes(address), 16);
    world_pass(&w, TCPIP_SECOND - 1);
    assert_int_equal(w.solicits.count, 1);
    world_pass(&w, 1);
    assert_int_equal(w.solicits.count, 2);
    assert_int_equal(world_sent(&w, 1), 0);
    advertise(&w, address, 9, solicited);
    assert_state(&w, address, REACHABLE);
    assert_int_equal(w.links[0].sent.count, 2);
    assert_memory_equal(w.links[0].sent.head->link_destination.bytes, world_link_address(9).bytes, 6);
    assert_memory_equal(w.links[0].sent.head->link_source.bytes, world_link_address(1).bytes, 6);
    send(&w, entry, address);
    assert_int_equal(world_sent(&w, 1), 3);
    world_pass(&w, 10 * TCPIP_SECOND);
    assert_int_equal(w.solicits.count, 2);
    tcpip__neighbor_unref(entry);
    world_fini(&w);
}

static void test_a_neighbor_is_resolved_when_the_first_packet_comes(void **state)
{
    (void)state;
    resolves_when_the_first_packet_comes("10.0.0.2");
    resolves_when_the_first_packet_comes("fe80::2");
}

static void on_release(void *ctx, struct tcpip_buffer *buffer)
{
    (void)buffer;
    ++*(uint32_t *)ctx;
}

static void test_what_waits_for_a_neighbor_gives_lent_memory_back_at_once(void **state)
{
    static uint8_t frame[300];
    struct route_world w;
    uint32_t released = 0;
    (void)state;
    lan(&w, NULL);
    struct tcpip_neighbor_entry *entry = get(&w, "10.0.0.2");
    tcpip_stack_enter(w.stack);
    for (uint32_t i = 0; i < 2; i++) {
        struct tcpip_packet *packet = world_packet(&w, "10.0.0.1", "10.0.0.2");
        struct tcpip_buffer *buffer = tcpip_buffer_wrap(w.stack, frame, sizeof(frame), on_release, &released);
        assert_non_null(buffer);
        tcpip_buffer_set_lent(buffer);
        assert_true(tcpip_packet_append_view(packet, (struct tcpip_view){buffer, 0, sizeof(frame)}));
        if (i == 1) /* no memory to copy it to: it is lost, and the link has its own */
            test_env_fail(&w.env, 1, true);
        tcpip__neighbor_output(entry, packet);
        test_env_fail(&w.env, 0, false);
    }
    tcpip_stack_leave(w.stack);
    assert_int_equal(released, 2);
    advertise(&w, "10.0.0.2", 9, solicited);
    assert_in_range(w.links[0].sent.count, 1, 2);
    assert_in_range(w.links[0].sent.head->length, sizeof(frame), sizeof(frame) + 100);
    tcpip__neighbor_unref(entry);
    world_fini(&w);
}

static void test_after_three_questions_the_packets_are_lost_and_their_senders_told(void **state)
{
    (void)state;
    struct route_world w;
    lan(&w, NULL);
    struct tcpip_neighbor_entry *entry = get(&w, "10.0.0.2");
    send(&w, entry, "10.0.0.2");
    send(&w, entry, "10.0.0.2");
    world_pass(&w, 3 * TCPIP_SECOND - 1);
    assert_int_equal(w.solicits.count, 3);
    assert_int_equal(w.errors, 0);
    world_pass(&w, 1);
    assert_int_equal(w.solicits.count, 3);
    assert_int_equal(w.errors, 2);
    assert_int_equal(w.error.kind, TCPIP_ICMP_HOST_UNREACHABLE);
    assert_int_equal(w.error.nic, 1);
    assert_memory_equal(w.error.local, world_bytes("10.0.0.1"), 16);
    assert_memory_equal(w.error.remote, world_bytes("10.0.0.2"), 16);
    assert_int_equal(w.stack->stats.drops[TCPIP_DROP_NEIGHBOR_UNREACHABLE], 2);
    assert_int_equal(w.stack->stats.neighbor.unreachable_packets, 2);
    assert_int_equal(w.stack->stats.neighbor.probes_failed, 1);
    assert_state(&w, "10.0.0.2", UNREACHABLE);
    send(&w, entry, "10.0.0.2"); /* another try, from the start */
    assert_int_equal(w.solicits.count, 4);
    assert_state(&w, "10.0.0.2", INCOMPLETE);
    advertise(&w, "10.0.0.2", 9, solicited);
    assert_int_equal(world_sent(&w, 1), 1);
    tcpip__neighbor_unref(entry);
    world_fini(&w);
}

static void send_again(struct route_world *world)
{
    struct tcpip_neighbor_entry *entry = world->env.user;
    world->on_error = NULL;
    tcpip__neighbor_output(entry, world_packet(world, "10.0.0.1", "10.0.0.2"));
    tcpip__neighbor_unref(entry);
}

static void test_who_is_told_may_send_again_at_once(void **state)
{
    (void)state;
    struct route_world w;
    lan(&w, NULL);
    struct tcpip_neighbor_entry *entry = get(&w, "10.0.0.2");
    w.on_error = send_again;
    w.env.user = entry;
    send(&w, entry, "10.0.0.2");
    world_pass(&w, 3 * TCPIP_SECOND);
    assert_int_equal(w.errors, 1);
    assert_int_equal(w.solicits.count, 4);
    assert_state(&w, "10.0.0.2", INCOMPLETE);
    world_fini(&w); /* with a packet waiting */
}

static void test_reachable_ends_after_half_to_one_and_a_half_of_30_seconds(void **state)
{
    (void)state;
    struct route_world w;
    lan(&w, NULL);
    resolve(&w, "10.0.0.2");
    tcpip_ns deadline = tcpip_stack_deadline(w.stack);
    assert_true(deadline == TCPIP_NEVER); /* REACHABLE costs no timer */
    world_pass(&w, 15 * TCPIP_SECOND);
    assert_state(&w, "10.0.0.2", REACHABLE);
    world_pass(&w, 30 * TCPIP_SECOND + 1);
    assert_state(&w, "10.0.0.2", STALE);
    world_fini(&w);
}

static void test_a_stale_neighbor_is_used_then_probed_then_given_up(void **state)
{
    (void)state;
    struct route_world w;
    lan(&w, NULL);
    resolve(&w, "fe80::2");
    struct tcpip_neighbor_entry *entry = get(&w, "fe80::2");
    world_pass(&w, 46 * TCPIP_SECOND);
    send(&w, entry, "fe80::2");
    assert_int_equal(world_sent(&w, 1), 1);
    assert_state(&w, "fe80::2", DELAY);
    world_pass(&w, 5 * TCPIP_SECOND - 1);
    assert_int_equal(w.solicits.count, 0);
    world_pass(&w, 1);
    assert_state(&w, "fe80::2", PROBE);
    assert_int_equal(w.solicits.count, 1);
    assert_true(w.solicits.items[0].on); /* unicast */
    assert_memory_equal(w.solicits.items[0].link, world_link_address(9).bytes, 6);
    send(&w, entry, "fe80::2"); /* packets flow meanwhile */
    assert_int_equal(world_sent(&w, 1), 1);
    world_pass(&w, 3 * TCPIP_SECOND - 1);
    assert_int_equal(w.solicits.count, 3);
    assert_state(&w, "fe80::2", PROBE);
    world_pass(&w, 1);
    assert_state(&w, "fe80::2", UNREACHABLE);
    assert_int_equal(w.errors, 0);
    send(&w, entry, "fe80::2"); /* by multicast again: it may have moved */
    assert_int_equal(w.solicits.count, 4);
    assert_false(w.solicits.items[3].on);
    assert_int_equal(world_sent(&w, 1), 0);
    tcpip__neighbor_unref(entry);
    world_fini(&w);
}

static void test_progress_of_the_upper_layer_keeps_it_reachable_without_a_probe(void **state)
{
    (void)state;
    struct route_world w;
    lan(&w, NULL);
    resolve(&w, "10.0.0.2");
    struct tcpip_neighbor_entry *entry = get(&w, "10.0.0.2");
    for (int i = 0; i < 100; i++) {
        world_pass(&w, 14 * TCPIP_SECOND);
        tcpip_stack_enter(w.stack);
        tcpip__neighbor_confirm(entry);
        tcpip_stack_leave(w.stack);
        assert_true(tcpip_stack_deadline(w.stack) == TCPIP_NEVER);
        send(&w, entry, "10.0.0.2");
        assert_state(&w, "10.0.0.2", REACHABLE);
    }
    assert_int_equal(w.solicits.count, 0);
    world_pass(&w, 46 * TCPIP_SECOND);
    send(&w, entry, "10.0.0.2");
    assert_state(&w, "10.0.0.2", DELAY);
    tcpip__neighbor_confirm(entry); /* and in DELAY, within the 5 seconds */
    assert_state(&w, "10.0.0.2", REACHABLE);
    assert_true(tcpip_stack_deadline(w.stack) == TCPIP_NEVER);
    tcpip__neighbor_unref(entry);
    entry = get(&w, "10.0.0.3"); /* nothing to confirm where nothing is known */
    tcpip__neighbor_confirm(entry);
    assert_state(&w, "10.0.0.3", INCOMPLETE);
    tcpip__neighbor_unref(entry);
    world_fini(&w);
}

static void test_doubt_of_the_upper_layer_has_it_asked_when_it_is_used_next(void **state)
{
    (void)state;
    struct route_world w;
    lan(&w, NULL);
    resolve(&w, "10.0.0.2");
    struct tcpip_neighbor_entry *entry = get(&w, "10.0.0.2");
    tcpip__neighbor_doubt(entry);
    assert_state(&w, "10.0.0.2", STALE);
    tcpip__neighbor_doubt(entry);
    assert_state(&w, "10.0.0.2", STALE);
    send(&w, entry, "10.0.0.2");
    assert_state(&w, "10.0.0.2", DELAY);
    tcpip__neighbor_doubt(entry); /* it will be asked anyway */
    assert_state(&w, "10.0.0.2", DELAY);
    tcpip__neighbor_confirm(entry);
    assert_state(&w, "10.0.0.2", REACHABLE);
    tcpip__neighbor_unref(entry);
    entry = get(&w, "10.0.0.3");
    tcpip__neighbor_doubt(entry); /* nothing is believed yet */
    assert_state(&w, "10.0.0.3", INCOMPLETE);
    tcpip__neighbor_unref(entry);
    world_fini(&w);
}

static void test_advertisements_follow_the_table_of_7_2_5(void **state)
{
    (void)state;
    static const struct {
        int from; /* enum tcpip_neighbor_state; the address is 9 where one is known */
        int link;
        bool solicited, override;
        int to, then; /* state, link */
    } cases[] = {
        {TCPIP_NEIGHBOR_INCOMPLETE, NONE, true, true, TCPIP_NEIGHBOR_INCOMPLETE, NONE},
        {TCPIP_NEIGHBOR_INCOMPLETE, 9, true, false, TCPIP_NEIGHBOR_REACHABLE, 9},
        {TCPIP_NEIGHBOR_INCOMPLETE, 9, false, false, TCPIP_NEIGHBOR_STALE, 9},
        {TCPIP_NEIGHBOR_REACHABLE, 8, true, false, TCPIP_NEIGHBOR_STALE, 9},
        {TCPIP_NEIGHBOR_REACHABLE, 8, true, true, TCPIP_NEIGHBOR_REACHABLE, 8},
        {TCPIP_NEIGHBOR_REACHABLE, 8, false, true, TCPIP_NEIGHBOR_STALE, 8},
        {TCPIP_NEIGHBOR_REACHABLE, 9, false, true, TCPIP_NEIGHBOR_REACHABLE, 9},
        {TCPIP_NEIGHBOR_REACHABLE, NONE, false, true, TCPIP_NEIGHBOR_REACHABLE, 9},
        {TCPIP_NEIGHBOR_STALE, 8, true, false, TCPIP_NEIGHBOR_STALE, 9},
        {TCPIP_NEIGHBOR_STALE, 8, true, true, TCPIP_NEIGHBOR_REACHABLE, 8},
        {TCPIP_NEIGHBOR_STALE, 8, false, true, TCPIP_NEIGHBOR_STALE, 8},
        {TCPIP_NEIGHBOR_STALE, 9, true, false, TCPIP_NEIGHBOR_REACHABLE, 9},
        {TCPIP_NEIGHBOR_STALE, NONE, true, false, TCPIP_NEIGHBOR_REACHABLE, 9},
        {TCPIP_NEIGHBOR_PROBE, 8, true, false, TCPIP_NEIGHBOR_PROBE, 9},
        {TCPIP_NEIGHBOR_PROBE, NONE, true, true, TCPIP_NEIGHBOR_REACHABLE, 9},
        {TCPIP_NEIGHBOR_PROBE, 8, false, true, TCPIP_NEIGHBOR_STALE, 8},
    };
    for (size_t i = 0; i < array_count(cases); i++) {
        struct route_world w;
        int link = NONE;
        lan(&w, NULL);
        assert_int_equal(tcpip_stack_set_default(w.stack, TCPIP_OPTION_NEIGHBOR_PROOF, 0), TCPIP_OK);
        struct tcpip_neighbor_entry *entry = get(&w, "fe80::2");
        if (cases[i].from == TCPIP_NEIGHBOR_REACHABLE)
            resolve(&w, "fe80::2");
        else if (cases[i].from != TCPIP_NEIGHBOR_INCOMPLETE)
            learn(&w, "fe80::2", 9);
        if (cases[i].from == TCPIP_NEIGHBOR_PROBE) {
            send(&w, entry, "fe80::2");
            world_pass(&w, 5 * TCPIP_SECOND);
        }
        assert_int_equal(state_of(&w, "fe80::2", NULL), cases[i].from);
        advertise(&w, "fe80::2", cases[i].link,
                  (struct neighbor_advert){.solicited = cases[i].solicited, .override = cases[i].override});
        assert_int_equal(state_of(&w, "fe80::2", &link), cases[i].to);
        assert_int_equal(link, cases[i].then);
        tcpip__neighbor_unref(entry);
        world_fini(&w);
    }
}

static void test_what_strangers_say_makes_stale_entries_and_no_others(void **state)
{
    (void)state;
    struct route_world w;
    int link;
    lan(&w, NULL);
    advertise(&w, "fe80::2", 9, solicited);
    assert_int_equal(state_of(&w, "fe80::2", NULL), NONE); /* nobody asked (7.2.5) */
    learn(&w, "fe80::2", 9);
    assert_state(&w, "fe80::2", STALE);
    resolve(&w, "10.0.0.2");
    learn(&w, "10.0.0.2", 9); /* the same address proves nothing, and takes nothing away */
    assert_state(&w, "10.0.0.2", REACHABLE);
    learn(&w, "fe80::2", 8);
    assert_int_equal(state_of(&w, "fe80::2", &link), TCPIP_NEIGHBOR_STALE); /* hearsay for hearsay */
    assert_int_equal(link, 8);
    struct tcpip_neighbor_entry *entry = get(&w, "10.0.0.3");
    send(&w, entry, "10.0.0.3");
    send(&w, entry, "10.0.0.3");
    learn(&w, "10.0.0.3", 7); /* it asks for us while we ask for it */
    assert_int_equal(world_sent(&w, 1), 2);
    assert_state(&w, "10.0.0.3", DELAY); /* STALE, and then a packet was sent */
    advertise(&w, "10.0.0.3", NONE, unsolicited);
    assert_state(&w, "10.0.0.3", DELAY);
    tcpip__neighbor_unref(entry);
    world_fini(&w);
}

static void test_who_has_proven_itself_is_asked_before_another_is_believed(void **state)
{
    (void)state;
    struct route_world w;
    int link = NONE;
    lan(&w, NULL);
    struct tcpip_neighbor_entry *entry = get(&w, "10.0.0.2");
    resolve(&w, "10.0.0.2");
    world_sent(&w, 1);
    /* Claims of all kinds, many times: one question in a second, to where the neighbour was, and packets go there. */
    for (int i = 0; i < 50; i++) {
        learn(&w, "10.0.0.2", 8);
        advertise(&w, "10.0.0.2", 8, i % 2 == 0 ? solicited : unsolicited);
        assert_int_equal(state_of(&w, "10.0.0.2", &link), TCPIP_NEIGHBOR_PROBE);
        assert_int_equal(link, 9);
    }
    assert_int_equal(w.stack->stats.neighbor.claims_contested, 100);
    send(&w, entry, "10.0.0.2");
    assert_int_equal(world_sent(&w, 1), 1);
    advertise(&w, "10.0.0.2", 9, solicited); /* it is still there */
    assert_state(&w, "10.0.0.2", REACHABLE);
    learn(&w, "10.0.0.2", 8); /* within the second: nobody is asked again */
    assert_state(&w, "10.0.0.2", REACHABLE);
    /* The neighbour has really moved: it doesn't answer where it was, and is found where it is. */
    world_pass(&w, 2 * TCPIP_SECOND);
    learn(&w, "10.0.0.2", 8);
    assert_state(&w, "10.0.0.2", PROBE);
    world_pass(&w, 3 * TCPIP_SECOND);
    assert_state(&w, "10.0.0.2", UNREACHABLE);
    learn(&w, "10.0.0.2", 8);
    assert_int_equal(state_of(&w, "10.0.0.2", &link), TCPIP_NEIGHBOR_STALE);
    assert_int_equal(link, 8);
    learn(&w, "10.0.0.2", 7); /* and there it hasn't answered yet */
    assert_int_equal(state_of(&w, "10.0.0.2", &link), TCPIP_NEIGHBOR_STALE);
    assert_int_equal(link, 7);
    tcpip__neighbor_unref(entry);
    world_fini(&w);
}

static void test_unknown_neighbors_go_first_then_hearsay_and_proof_never_for_hearsay(void **state)
{
    (void)state;
    struct route_world w;
    struct tcpip_limits limits = {.size = sizeof(limits), .neighbors = 3};
    lan(&w, &limits);
    tcpip__neighbor_unref(get(&w, "10.0.0.11"));
    resolve(&w, "10.0.0.11"); /* proven, and idle for longest */
    learn(&w, "10.0.0.12", 12);
    for (uint8_t i = 0; i < 100; i++) { /* a scan */
        char name[16];
        snprintf(name, sizeof(name), "10.0.0.%u", 100 + i);
        struct tcpip_neighbor_entry *entry = get(&w, name);
        send(&w, entry, name);
        tcpip__neighbor_unref(entry);
    }
    assert_state(&w, "10.0.0.11", REACHABLE);
    assert_state(&w, "10.0.0.12", STALE);
    for (uint8_t i = 0; i < 100; i++) { /* rumours */
        char name[16];
        snprintf(name, sizeof(name), "10.0.0.%u", 100 + i);
        learn(&w, name, i);
    }
    assert_state(&w, "10.0.0.11", REACHABLE);
    assert_int_equal(state_of(&w, "10.0.0.12", NULL), NONE);
    world_fini(&w);
}

static void test_packets_wait_up_to_the_limit_and_the_oldest_goes(void **state)
{
    (void)state;
    struct route_world w;
    struct tcpip_limits limits = {.size = sizeof(limits), .neighbor_pending = 3};
    lan(&w, &limits);
    struct tcpip_neighbor_entry *entry = get(&w, "10.0.0.2");
    struct tcpip_packet *packets[5];
    tcpip_stack_enter(w.stack);
    for (size_t i = 0; i < array_count(packets); i++) {
        packets[i] = world_packet(&w, "10.0.0.1", "10.0.0.2");
        packets[i]->mark = (uint32_t)i;
        tcpip__neighbor_output(entry, packets[i]);
    }
    tcpip_stack_leave(w.stack);
    assert_int_equal(w.stack->stats.drops[TCPIP_DROP_NEIGHBOR_PENDING_LIMIT], 2);
    advertise(&w, "10.0.0.2", 9, solicited);
    assert_int_equal(w.links[0].sent.count, 3);
    assert_int_equal(w.links[0].sent.head->mark, 2);
    assert_int_equal(w.links[0].sent.tail->mark, 4);
    tcpip__neighbor_unref(entry);
    world_fini(&w);
}

static void test_at_the_limit_the_longest_idle_goes_and_strangers_evict_no_route(void **state)
{
    (void)state;
    struct route_world w;
    struct tcpip_limits limits = {.size = sizeof(limits), .neighbors = 3};
    lan(&w, &limits);
    learn(&w, "10.0.0.11", 11);
    learn(&w, "10.0.0.12", 12);
    learn(&w, "10.0.0.13", 13);
    tcpip__neighbor_unref(get(&w, "10.0.0.11")); /* used just now */
    learn(&w, "10.0.0.14", 14);
    assert_int_equal(state_of(&w, "10.0.0.12", NULL), NONE);
    assert_state(&w, "10.0.0.11", STALE);
    assert_int_equal(w.stack->stats.neighbor.entries_evicted, 1);
    /* All in use: a stranger gets no entry, a route gets one. */
    struct tcpip_neighbor_entry *one = get(&w, "10.0.0.11"), *two = get(&w, "10.0.0.13"), *three = get(&w, "10.0.0.14");
    uint32_t generation = w.stack->route_generation;
    learn(&w, "10.0.0.15", 15);
    assert_int_equal(state_of(&w, "10.0.0.15", NULL), NONE);
    send(&w, one, "10.0.0.11"); /* the others weren't used: they go first, the oldest of them first */
    struct tcpip_neighbor_entry *four = get(&w, "10.0.0.16");
    assert_int_equal(state_of(&w, "10.0.0.13", NULL), NONE);
    assert_int_not_equal(w.stack->route_generation, generation);
    world_sent(&w, 1);
    send(&w, two, "10.0.0.13"); /* dead: its route is invalid */
    assert_int_equal(world_sent(&w, 1), 0);
    assert_int_equal(w.stack->stats.drops[TCPIP_DROP_NEIGHBOR_UNREACHABLE], 1);
    tcpip__neighbor_confirm(two);
    send(&w, four, "10.0.0.16"); /* waits; goes with its entry */
    tcpip__neighbor_unref(four);
    learn(&w, "10.0.0.17", 17);
    assert_int_equal(w.stack->stats.drops[TCPIP_DROP_NEIGHBOR_PENDING_LIMIT], 1);
    tcpip__neighbor_unref(one);
    tcpip__neighbor_unref(two);
    tcpip__neighbor_unref(three);
    assert_true(tcpip_stack_neighbors(w.stack, NULL, 0) <= 3);
    world_fini(&w);
}

static void test_news_of_an_idle_neighbor_saves_it_from_being_the_next_to_go(void **state)
{
    (void)state;
    struct route_world w;
    struct tcpip_limits limits = {.size = sizeof(limits), .neighbors = 2};
    lan(&w, &limits);
    learn(&w, "10.0.0.11", 11);
    learn(&w, "10.0.0.12", 12);
    learn(&w, "10.0.0.11", 13); /* it has moved */
    learn(&w, "10.0.0.14", 14);
    assert_state(&w, "10.0.0.11", STALE);
    assert_int_equal(state_of(&w, "10.0.0.12", NULL), NONE);
    world_fini(&w);
}

static void test_static_entries_stay_as_they_are(void **state)
{
    (void)state;
    struct route_world w;
    struct tcpip_nic *nic = lan(&w, NULL);
    struct tcpip_address address = world_address("10.0.0.2"), group = world_address("224.0.0.1");
    struct tcpip_link_address mac = world_link_address(9), none = {{0}, 0};
    int link;
    world_nic(&w, 2, 0);
    assert_int_equal(tcpip_stack_add_static_neighbor(w.stack, 9, &address, &mac), TCPIP_ERR_UNKNOWN_NIC_ID);
    assert_int_equal(tcpip_stack_add_static_neighbor(w.stack, 2, &address, &mac), TCPIP_ERR_NOT_SUPPORTED);
    assert_int_equal(tcpip_stack_add_static_neighbor(w.stack, 1, &group, &mac), TCPIP_ERR_BAD_ADDRESS);
    assert_int_equal(tcpip_stack_add_static_neighbor(w.stack, 1, &address, &none), TCPIP_ERR_INVALID_ARGUMENT);
    struct tcpip_neighbor_entry *entry = get(&w, "10.0.0.2");
    send(&w, entry, "10.0.0.2");
    assert_int_equal(tcpip_stack_add_static_neighbor(w.stack, 1, &address, &mac), TCPIP_OK);
    assert_int_equal(world_sent(&w, 1), 1); /* what waited went */
    learn(&w, "10.0.0.2", 8);
    advertise(&w, "10.0.0.2", 8, solicited);
    tcpip__neighbor_confirm(entry);
    world_pass(&w, 100 * TCPIP_SECOND);
    send(&w, entry, "10.0.0.2");
    assert_int_equal(state_of(&w, "10.0.0.2", &link), TCPIP_NEIGHBOR_STATIC);
    assert_int_equal(link, 9);
    assert_int_equal(w.solicits.count, 1);
    learn(&w, "10.0.0.3", 8);
    assert_int_equal(tcpip_stack_disable_nic(w.stack, 1), TCPIP_OK);
    assert_state(&w, "10.0.0.2", STATIC);
    assert_int_equal(state_of(&w, "10.0.0.3", NULL), NONE);
    assert_int_equal(tcpip_stack_remove_neighbor(w.stack, 1, &group), TCPIP_ERR_BAD_ADDRESS);
    assert_int_equal(tcpip_stack_remove_neighbor(w.stack, 9, &address), TCPIP_ERR_UNKNOWN_NIC_ID);
    assert_int_equal(tcpip_stack_remove_neighbor(w.stack, 1, &address), TCPIP_OK);
    assert_int_equal(state_of(&w, "10.0.0.2", NULL), NONE);
    tcpip__neighbor_unref(entry);
    assert_int_equal(tcpip_stack_add_static_neighbor(w.stack, 1, &address, &mac), TCPIP_OK);
    entry = get(&w, "10.0.0.2");
    (void)nic;
    assert_int_equal(tcpip_stack_remove_nic(w.stack, 1), TCPIP_OK);
    assert_int_equal(tcpip_stack_neighbors(w.stack, NULL, 0), 0);
    tcpip__neighbor_unref(entry); /* a route may outlive the NIC */
    world_fini(&w);
}

static void test_routers_set_the_times_of_ipv6_within_reason(void **state)
{
    (void)state;
    struct route_world w;
    struct tcpip_nic *nic = lan(&w, NULL);
    tcpip__neighbor_set_times(nic, 2 * TCPIP_SECOND, TCPIP_SECOND / 2);
    resolve(&w, "fe80::2");
    resolve(&w, "10.0.0.2");
    world_pass(&w, 3 * TCPIP_SECOND + 1);
    assert_state(&w, "fe80::2", STALE);
    assert_state(&w, "10.0.0.2", REACHABLE);
    struct tcpip_neighbor_entry *entry = get(&w, "fe80::3");
    send(&w, entry, "fe80::3");
    world_pass(&w, TCPIP_SECOND);
    assert_int_equal(w.solicits.count, 3);
    tcpip__neighbor_set_times(nic, 1, 1); /* a hostile one */
    assert_true(nic->neighbor_times[1].retransmit_ns == TCPIP_SECOND / 10);
    assert_true(nic->neighbor_times[1].reachable_base_ns == TCPIP_SECOND);
    tcpip__neighbor_set_times(nic, 0, 0);
    assert_true(nic->neighbor_times[1].retransmit_ns == TCPIP_SECOND / 10);
    tcpip__neighbor_unref(entry);
    world_fini(&w);
}

static void test_disabling_the_nic_drops_what_waits_and_ends_routes(void **state)
{
    (void)state;
    struct route_world w;
    struct tcpip_route route = {0};
    uint8_t local[16] = {0};
    lan(&w, NULL);
    struct tcpip_route_entry row = {world_prefix("0.0.0.0/0"), world_address(""), 1, 0, 0};
    assert_int_equal(tcpip_stack_add_route(w.stack, &row), TCPIP_OK);
    assert_int_equal(tcpip__route_find(w.stack, 0, local, world_bytes("10.0.0.2"), &route), TCPIP_OK);
    send(&w, route.neighbor, "10.0.0.2");
    assert_int_equal(tcpip_stack_disable_nic(w.stack, 1), TCPIP_OK);
    assert_false(route_valid(&route));
    assert_int_equal(w.stack->stats.drops[TCPIP_DROP_NIC_DISABLED], 1);
    assert_true(tcpip_stack_deadline(w.stack) == TCPIP_NEVER);
    tcpip__route_confirm(&route);
    tcpip__route_release(&route);
    world_fini(&w);
}

/* Anything at any time: nothing leaks, limits hold, timers run only where they may. */
static void test_random_life_keeps_the_books(void **state)
{
    (void)state;
    enum { HOLD = 6, STEPS = 30000 };
    static const char *const names[] = {"10.0.0.2", "10.0.0.3", "10.0.0.4", "fe80::2",
                                        "fe80::3",  "fe80::4",  "10.0.0.5", "fe80::5"};
    struct route_world w;
    struct tcpip_limits limits = {.size = sizeof(limits), .neighbors = 5, .neighbor_pending = 2};
    struct tcpip_neighbor_entry *held[HOLD] = {0};
    const char *held_name[HOLD];
    lan(&w, &limits);
    for (int step = 0; step < STEPS; step++) {
        uint64_t random = test_env_random(&w.env);
        const char *name = names[(random >> 8) % array_count(names)];
        size_t i = (random >> 16) % HOLD;
        switch (random % 8) {
        case 0:
        case 1:
            if (held[i] != NULL)
                tcpip__neighbor_unref(held[i]);
            held[i] = get(&w, name);
            held_name[i] = name;
            break;
        case 2:
            if (held[i] != NULL)
                tcpip__neighbor_unref(held[i]);
            held[i] = NULL;
            break;
        case 3:
            if (held[i] != NULL)
                send(&w, held[i], held_name[i]);
            break;
        case 4:
            learn(&w, name, (uint8_t)(random >> 24));
            break;
        case 5:
            advertise(&w, name, (random >> 32) % 3 == 0 ? NONE : (int)((random >> 24) & 3),
                      (struct neighbor_advert){.solicited = (random >> 40) & 1, .override = (random >> 41) & 1});
            break;
        case 6:
            if (held[i] != NULL)
                tcpip__neighbor_confirm(held[i]);
            break;
        default:
            world_pass(&w, (tcpip_ns)((random >> 32) % 8) * TCPIP_SECOND);
            break;
        }
        assert_true(tcpip_stack_neighbors(w.stack, NULL, 0) <= 5);
        assert_true(w.stack->timers.armed <= 5);
        world_sent(&w, 1);
    }
    for (size_t i = 0; i < HOLD; i++)
        if (held[i] != NULL)
            tcpip__neighbor_unref(held[i]);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_neighbor_is_resolved_when_the_first_packet_comes),
        cmocka_unit_test(test_what_waits_for_a_neighbor_gives_lent_memory_back_at_once),
        cmocka_unit_test(test_after_three_questions_the_packets_are_lost_and_their_senders_told),
        cmocka_unit_test(test_who_is_told_may_send_again_at_once),
        cmocka_unit_test(test_reachable_ends_after_half_to_one_and_a_half_of_30_seconds),
        cmocka_unit_test(test_a_stale_neighbor_is_used_then_probed_then_given_up),
        cmocka_unit_test(test_progress_of_the_upper_layer_keeps_it_reachable_without_a_probe),
        cmocka_unit_test(test_doubt_of_the_upper_layer_has_it_asked_when_it_is_used_next),
        cmocka_unit_test(test_advertisements_follow_the_table_of_7_2_5),
        cmocka_unit_test(test_what_strangers_say_makes_stale_entries_and_no_others),
        cmocka_unit_test(test_who_has_proven_itself_is_asked_before_another_is_believed),
        cmocka_unit_test(test_unknown_neighbors_go_first_then_hearsay_and_proof_never_for_hearsay),
        cmocka_unit_test(test_packets_wait_up_to_the_limit_and_the_oldest_goes),
        cmocka_unit_test(test_at_the_limit_the_longest_idle_goes_and_strangers_evict_no_route),
        cmocka_unit_test(test_news_of_an_idle_neighbor_saves_it_from_being_the_next_to_go),
        cmocka_unit_test(test_static_entries_stay_as_they_are),
        cmocka_unit_test(test_routers_set_the_times_of_ipv6_within_reason),
        cmocka_unit_test(test_disabling_the_nic_drops_what_waits_and_ends_routes),
        cmocka_unit_test(test_random_life_keeps_the_books),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
