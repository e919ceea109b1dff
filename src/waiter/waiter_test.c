// SPDX-License-Identifier: MIT
/* waiter_test.c: tellings in which callbacks add, remove and forget at random, against what the rules say must be
 * heard. */
#include "waiter/waiter.h"

#include "test_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { WAITERS = 8, QUEUES = 2 };

static struct world {
    struct test_env env;
    struct waiter_dispatch dispatch;
    struct tcpip_list_node queues[QUEUES];
    struct subject {
        struct tcpip_waiter waiter;
        int queue;     /* -1: none */
        bool due;      /* must be told in this telling, unless somebody prevents it */
        uint64_t rank; /* order of registration */
    } subjects[WAITERS];
    uint64_t registrations, last_rank;
    int telling;
    uint32_t events, heard;
} w;

static void add(struct subject *subject, int queue)
{
    tcpip__waiter_add(&w.queues[queue], &subject->waiter);
    subject->queue = queue;
    subject->due = false;
    subject->rank = ++w.registrations;
}

static void forget(int queue)
{
    tcpip__waiter_forget(&w.dispatch, &w.queues[queue]);
    for (int i = 0; i < WAITERS; i++)
        if (w.subjects[i].queue == queue) {
            assert_false(list_node_linked(&w.subjects[i].waiter.node));
            w.subjects[i].queue = -1;
            w.subjects[i].due = false;
        }
    w.queues[queue] = (struct tcpip_list_node){NULL, NULL}; /* freed: nobody may look */
    tcpip__waiter_queue_init(&w.queues[queue]);
}

static void act(uint64_t r)
{
    struct subject *subject = &w.subjects[r % WAITERS];
    switch ((r >> 8) % 8) {
    case 0:
    case 1:
    case 2:
        tcpip__waiter_remove(&subject->waiter);
        subject->queue = -1;
        subject->due = false;
        break;
    case 3:
    case 4:
        if (subject->queue < 0)
            add(subject, (int)(r >> 16 & 1));
        break;
    case 5:
        if ((r >> 20) % 4 == 0)
            forget((int)(r >> 16 & 1));
        break;
    default:
        break;
    }
}

static void hear(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct subject *subject = container_of(waiter, struct subject, waiter);
    assert_true(subject->due); /* registered before, not yet told, not removed, not forgotten */
    subject->due = false;
    assert_int_equal(subject->queue, w.telling);
    assert_int_equal(ready, w.events & (waiter->mask | WAITER_ALWAYS));
    assert_int_not_equal(ready, 0);
    assert_true(subject->rank > w.last_rank);
    w.last_rank = subject->rank;
    w.heard++;
    for (uint64_t r = test_env_random(&w.env), n = r >> 60; n > 0; n--)
        act(test_env_random(&w.env));
}

static void test_whatever_callbacks_do_who_should_hear_hears_once(void **state)
{
    (void)state;
    test_env_init(&w.env, 5);
    tcpip__waiter_dispatch_init(&w.dispatch);
    for (int i = 0; i < QUEUES; i++)
        tcpip__waiter_queue_init(&w.queues[i]);
    for (int i = 0; i < WAITERS; i++)
        w.subjects[i] = (struct subject){.waiter = {.mask = 1u << i % 3, .fn = hear}, .queue = -1};
    uint64_t heard = 0;
    for (int round = 0; round < 20000; round++) {
        uint64_t r = test_env_random(&w.env);
        for (int i = 0; i < WAITERS; i++)
            if (w.subjects[i].queue < 0 && (r >> (8 + i) & 1) != 0)
                add(&w.subjects[i], (int)(r >> (16 + i) & 1));
        w.telling = (int)(r & 1);
        w.events = (uint32_t)(r >> 32) & (TCPIP_EVENT_IN | TCPIP_EVENT_PRI | TCPIP_EVENT_OUT | TCPIP_EVENT_HUP);
        w.last_rank = 0;
        w.heard = 0;
        for (int i = 0; i < WAITERS; i++)
            w.subjects[i].due =
                w.subjects[i].queue == w.telling && (w.events & (w.subjects[i].waiter.mask | WAITER_ALWAYS)) != 0;
        uint32_t ran = tcpip__waiter_tell(&w.dispatch, &w.queues[w.telling], w.events);
        assert_int_equal(ran, w.heard);
        for (int i = 0; i < WAITERS; i++)
            assert_false(w.subjects[i].due);
        assert_null(w.dispatch.queue);
        assert_false(list_node_linked(&w.dispatch.cursor) || list_node_linked(&w.dispatch.end));
        heard += w.heard;
    }
    assert_true(heard > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whatever_callbacks_do_who_should_hear_hears_once),
    };
    return cmocka_run_group_tests_name("waiter/waiter", tests, NULL, NULL);
}
