// SPDX-License-Identifier: MIT
/* timer_test.c: the wheel beside a naive twin: an array that is searched from end to end. */
#include "base/timer.h"

#include "base/math.h"
#include "test_env.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { TIMERS = 300 };

/* A timer, and what the twin knows of it. */
struct probe {
    struct tcpip_timer timer;
    struct world *world;
    bool armed;
    tcpip_ns at;
    uint64_t order;
};

struct world {
    struct timer_wheel wheel;
    struct test_env env;
    tcpip_ns now;
    uint64_t order;
    uint32_t fired;
    struct probe probes[TIMERS];
};

static struct probe *twin_first(struct world *w)
{
    struct probe *best = NULL;
    for (struct probe *p = w->probes; p < w->probes + TIMERS; p++)
        if (p->armed && (best == NULL || p->at < best->at || (p->at == best->at && p->order < best->order)))
            best = p;
    return best;
}

static void both_set(struct world *w, struct probe *p, tcpip_ns at)
{
    tcpip__timer_set(&w->wheel, &p->timer, at);
    p->armed = at != TCPIP_NEVER;
    p->at = at;
    p->order = ++w->order;
}

static void both_cancel(struct world *w, struct probe *p)
{
    tcpip__timer_cancel(&w->wheel, &p->timer);
    p->armed = false;
}

/* Distances of all scales, many equal instants, some in the past. */
static tcpip_ns random_at(struct world *w)
{
    uint64_t r = test_env_random(&w->env);
    switch (r % 8) {
    case 0:
        return w->now;
    case 1:
        return w->now - (tcpip_ns)(r >> 8) % 1000000;
    case 2:
        return (w->now & ~(tcpip_ns)0xfffff) + 0x200000;
    case 3:
        return TCPIP_NEVER - 1 - (tcpip_ns)(r >> 60);
    default:
        return w->now + (tcpip_ns)((r >> 16) >> (r >> 8) % 48);
    }
}

static void random_act(struct world *w)
{
    struct probe *p = &w->probes[test_env_random(&w->env) % TIMERS];
    if (test_env_random(&w->env) % 3 == 0)
        both_cancel(w, p);
    else
        both_set(w, p, random_at(w));
    assert_int_equal(tcpip_timer_armed(&p->timer), p->armed);
}

static void on_probe(struct tcpip_timer *timer, tcpip_ns now)
{
    struct probe *p = container_of(timer, struct probe, timer);
    struct world *w = p->world;
    assert_ptr_equal(p, twin_first(w)); /* exactly the next in order */
    assert_false(tcpip_timer_armed(timer));
    assert_true(p->at <= now && now == w->now);
    p->armed = false;
    w->fired++;
    if (test_env_random(&w->env) % 4 == 0)
        random_act(w);
}

static void world_init(struct world *w, uint64_t seed)
{
    memset(w, 0, sizeof(*w));
    test_env_init(&w->env, seed);
    w->now = (tcpip_ns)(seed * 77777777777);
    tcpip__timer_wheel_init(&w->wheel, w->now);
    for (int i = 0; i < TIMERS; i++) {
        w->probes[i].timer.fn = on_probe;
        w->probes[i].world = w;
    }
}

static void world_fini(struct world *w)
{
    for (int i = 0; i < TIMERS; i++)
        both_cancel(w, &w->probes[i]);
    tcpip__timer_wheel_fini(&w->wheel);
    test_env_fini(&w->env);
}

static void test_random_worlds_match_the_twin(void **state)
{
    (void)state;
    static struct world w;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        world_init(&w, seed);
        for (int round = 0; round < 1500; round++) {
            for (uint64_t acts = test_env_random(&w.env) % 8; acts > 0; acts--)
                random_act(&w);
            const struct probe *first = twin_first(&w);
            tcpip_ns deadline = tcpip__timer_wheel_deadline(&w.wheel);
            assert_true(deadline == (first == NULL ? TCPIP_NEVER : first->at));
            /* On to the deadline, or a leap, or no further; the budget often runs out. */
            uint64_t r = test_env_random(&w.env);
            if (r % 3 == 0 && deadline < TCPIP_NEVER / 2)
                w.now = max_i64(w.now, deadline);
            else if (r % 3 == 1)
                w.now += (tcpip_ns)((r >> 20) >> (r >> 8) % 40);
            uint32_t budget = (uint32_t)(r >> 32) % 16, before = w.fired;
            uint32_t fired = tcpip__timer_wheel_advance(&w.wheel, w.now, budget);
            assert_int_equal(fired, w.fired - before);
            assert_true(w.fired - before <= budget);
            if (w.fired - before < budget)
                assert_true(tcpip__timer_wheel_deadline(&w.wheel) > w.now);
        }
        world_fini(&w);
    }
}

static void test_a_timer_fires_at_its_instant_and_not_a_nanosecond_before(void **state)
{
    (void)state;
    static struct world w;
    world_init(&w, 1);
    tcpip_ns start = w.now;
    for (int bit = 0; bit < 62; bit++) {
        tcpip_ns at = start + ((tcpip_ns)1 << bit);
        both_set(&w, &w.probes[0], at);
        w.now = at - 1;
        assert_int_equal(tcpip__timer_wheel_advance(&w.wheel, w.now, 10), 0);
        assert_true(tcpip__timer_wheel_deadline(&w.wheel) == at);
        w.now = at;
        assert_int_equal(tcpip__timer_wheel_advance(&w.wheel, w.now, 1), 1);
        for (int i = 0; i < TIMERS; i++) /* what the callback may have armed */
            both_cancel(&w, &w.probes[i]);
    }
    world_fini(&w);
}

static void test_never_disarms(void **state)
{
    (void)state;
    static struct world w;
    world_init(&w, 2);
    both_set(&w, &w.probes[0], w.now + 5);
    both_set(&w, &w.probes[0], TCPIP_NEVER);
    assert_false(tcpip_timer_armed(&w.probes[0].timer));
    assert_true(tcpip__timer_wheel_deadline(&w.wheel) == TCPIP_NEVER);
    world_fini(&w);
}

struct freed {
    struct tcpip_timer timer;
    struct timer_wheel *wheel;
    struct freed *victim;
};

static void on_freed(struct tcpip_timer *timer, tcpip_ns now)
{
    struct freed *f = container_of(timer, struct freed, timer);
    (void)now;
    if (f->victim != NULL) {
        tcpip__timer_cancel(f->wheel, &f->victim->timer);
        free(f->victim);
    }
    free(f);
}

static void test_a_callback_may_free_its_own_timer_and_others(void **state)
{
    (void)state;
    struct timer_wheel wheel;
    struct freed *last = NULL;
    tcpip__timer_wheel_init(&wheel, 0);
    for (int i = 0; i < 100; i++) {
        struct freed *f = calloc(1, sizeof(*f));
        assert_non_null(f);
        f->timer.fn = on_freed;
        f->wheel = &wheel;
        f->victim = i % 2 ? last : NULL; /* of each two the second, due first, frees both */
        tcpip__timer_set(&wheel, &f->timer, 1000 - i);
        last = f;
    }
    assert_int_equal(tcpip__timer_wheel_advance(&wheel, 2000, 1000), 50);
    tcpip__timer_wheel_fini(&wheel);
}

static void on_again(struct tcpip_timer *timer, tcpip_ns now)
{
    struct freed *f = container_of(timer, struct freed, timer);
    tcpip__timer_set(f->wheel, timer, now);
}

static void test_the_budget_ends_a_timer_that_is_always_due(void **state)
{
    (void)state;
    struct timer_wheel wheel;
    tcpip__timer_wheel_init(&wheel, 0);
    struct freed f = {.timer = {.fn = on_again}, .wheel = &wheel};
    tcpip__timer_set(&wheel, &f.timer, 10);
    assert_int_equal(tcpip__timer_wheel_advance(&wheel, 10, 100), 100);
    assert_true(tcpip__timer_wheel_deadline(&wheel) == 10);
    tcpip__timer_cancel(&wheel, &f.timer);
    tcpip__timer_wheel_fini(&wheel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_worlds_match_the_twin),
        cmocka_unit_test(test_a_timer_fires_at_its_instant_and_not_a_nanosecond_before),
        cmocka_unit_test(test_never_disarms),
        cmocka_unit_test(test_a_callback_may_free_its_own_timer_and_others),
        cmocka_unit_test(test_the_budget_ends_a_timer_that_is_always_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
