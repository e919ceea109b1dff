// SPDX-License-Identifier: MIT
/* turn_test.c: turns over fake protocols: once each, nested, joined from callbacks, out of budget, and in time. */
#include "fake.h"
#include "stack/nic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct test_env env;
    struct fake_link link;
    struct tcpip_stack *stack;
    struct tcpip_nic *nic;
    jmp_buf fatal;
    const char *what;
};

static void setup(struct fixture *f, const struct tcpip_limits *limits)
{
    test_env_init(&f->env, 1);
    fake_link_init(&f->link);
    f->stack = fake_stack_new(&f->env, limits);
    assert_int_equal(tcpip_stack_create_nic(f->stack, 1, &f->link.link, NULL), TCPIP_OK);
    f->nic = tcpip_stack_nic(f->stack, 1);
}

static void teardown(struct fixture *f)
{
    tcpip_stack_free(f->stack);
    test_env_fini(&f->env);
}

static void on_fatal(struct test_env *env, const char *file, int line, const char *what)
{
    struct fixture *f = env->user;
    (void)file, (void)line;
    f->what = what;
    longjmp(f->fatal, 1);
}

/* A waiter that does what a test says. */
struct watcher {
    struct tcpip_waiter waiter;
    uint32_t heard, last;
    void (*act)(struct watcher *watcher);
    struct fixture *f;
    struct fake_endpoint *endpoint, *other;
    struct watcher *peer;
};

static void watcher_fn(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct watcher *w = container_of(waiter, struct watcher, waiter);
    w->heard++;
    w->last = ready;
    if (w->act != NULL)
        w->act(w);
}

static void watch(struct watcher *w, struct fixture *f, struct fake_endpoint *endpoint, uint32_t mask)
{
    w->waiter.mask = mask;
    w->waiter.fn = watcher_fn;
    w->f = f;
    w->endpoint = endpoint;
    tcpip_endpoint_waiter_add(&endpoint->base, &w->waiter);
}

static void deliver_to(struct fixture *f, const struct fake_endpoint *endpoint)
{
    uint8_t bytes[4] = {(uint8_t)endpoint->base.id};
    fake_link_deliver(&f->link, FAKE_NETWORK, bytes, sizeof(bytes));
}

/* ---- once each ---- */

static void test_a_batch_flushes_and_tells_each_endpoint_once(void **state)
{
    struct fixture f;
    struct watcher w = {0};
    (void)state;
    setup(&f, NULL);
    struct fake_endpoint *a = fake_endpoint_new(f.stack);
    watch(&w, &f, a, TCPIP_EVENT_IN);
    struct tcpip_packet_list batch = tcpip_packet_list_init();
    for (int i = 0; i < 64; i++) {
        struct tcpip_packet *packet = tcpip_packet_new(f.stack);
        *tcpip_packet_push(packet, 1) = (uint8_t)a->base.id;
        packet->link_protocol = FAKE_NETWORK;
        tcpip_packet_list_push(&batch, packet);
    }
    tcpip_nic_deliver(f.nic, &batch);
    assert_int_equal(batch.count, 0);
    assert_int_equal(a->received, 64);
    assert_int_equal(a->flushes, 1);
    assert_int_equal(w.heard, 1);
    assert_int_equal(w.last, TCPIP_EVENT_IN);
    teardown(&f);
}

static void test_a_bracket_flushes_at_its_outermost_leave_only(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, NULL);
    struct fake_endpoint *a = fake_endpoint_new(f.stack), *b = fake_endpoint_new(f.stack);
    size_t done;
    tcpip_stack_enter(f.stack);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(tcpip_endpoint_write(&a->base, "x", 1, 0, NULL, &done), TCPIP_OK);
        tcpip_stack_enter(f.stack);
        assert_int_equal(tcpip_endpoint_write(&b->base, "x", 1, 0, NULL, &done), TCPIP_OK);
        tcpip_stack_leave(f.stack);
    }
    assert_int_equal(a->flushes + b->flushes, 0);
    tcpip_stack_leave(f.stack);
    assert_int_equal(a->flushes, 1);
    assert_int_equal(b->flushes, 1);
    teardown(&f);
}

static void send_through_nic(struct fake_endpoint *endpoint)
{
    struct fixture *f = endpoint->user;
    for (uint8_t i = 0; i < 3; i++)
        fake_send(f->stack, f->nic, NULL, 0xff);
}

static void test_a_nic_gets_one_batch_a_turn(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, NULL);
    struct fake_endpoint *a = fake_endpoint_new(f.stack), *b = fake_endpoint_new(f.stack);
    a->on_flush = b->on_flush = send_through_nic;
    a->user = b->user = &f;
    uint32_t before = f.link.transmits;
    tcpip_stack_enter(f.stack);
    endpoint_mark_dirty(&a->base);
    endpoint_mark_dirty(&b->base);
    tcpip_stack_leave(f.stack);
    assert_int_equal(f.link.transmits, before + 1);
    assert_int_equal(f.link.largest_batch, 6);
    assert_int_equal(f.nic->stats.tx_packets, 6);
    assert_int_equal(f.nic->stats.tx_bytes, 6);
    teardown(&f);
}

/* ---- the clock ---- */

static void test_the_clock_is_read_lazily_and_once_a_turn(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, NULL);
    uint64_t before = f.env.now_calls;
    tcpip_stack_enter(f.stack);
    assert_int_equal(f.env.now_calls, before);
    tcpip_ns now = tcpip_stack_now(f.stack);
    f.env.now += 5;
    assert_int_equal(tcpip_stack_now(f.stack), now);
    tcpip_stack_leave(f.stack);
    assert_int_equal(f.env.now_calls, before + 1);
    assert_int_equal(tcpip_stack_now(f.stack), now + 5); /* outside a turn: the world's */

    before = f.env.now_calls;
    tcpip_stack_enter_at(f.stack, now + 7);
    assert_int_equal(tcpip_stack_now(f.stack), now + 7);
    tcpip_stack_leave(f.stack);
    assert_int_equal(f.env.now_calls, before);

    tcpip_stack_enter_at(f.stack, now); /* an instant read before: time stands still */
    assert_int_equal(tcpip_stack_now(f.stack), now + 7);
    tcpip_stack_leave(f.stack);
    teardown(&f);
}

/* ---- what callbacks may do ---- */

static void write_back(struct watcher *w)
{
    size_t done;
    assert_int_equal(tcpip_endpoint_write(&w->endpoint->base, "x", 1, 0, NULL, &done), TCPIP_OK);
}

static void test_what_a_waiter_calls_joins_the_turn_and_is_flushed_in_it(void **state)
{
    struct fixture f;
    struct watcher w = {.act = write_back};
    (void)state;
    setup(&f, NULL);
    struct fake_endpoint *a = fake_endpoint_new(f.stack);
    watch(&w, &f, a, TCPIP_EVENT_IN);
    uint64_t turns = f.stack->stats.stack.turns;
    deliver_to(&f, a);
    assert_int_equal(a->flushes, 2); /* for the packet; for the answer */
    assert_int_equal(f.stack->stats.stack.turns, turns + 1);
    assert_false(tcpip_stack_advance(f.stack, 0));
    teardown(&f);
}

static void close_both(struct watcher *w)
{
    tcpip_endpoint_close(&w->endpoint->base);
    tcpip_endpoint_close(&w->other->base);
}

static void test_a_waiter_may_close_any_endpoint_and_its_waiters_dont_run(void **state)
{
    struct fixture f;
    struct watcher first = {.act = close_both}, second = {0}, third = {0};
    (void)state;
    setup(&f, NULL);
    struct fake_endpoint *a = fake_endpoint_new(f.stack), *b = fake_endpoint_new(f.stack);
    watch(&first, &f, a, TCPIP_EVENT_IN);
    watch(&second, &f, a, TCPIP_EVENT_IN); /* the same endpoint's */
    watch(&third, &f, b, TCPIP_EVENT_IN);  /* of one that is closed while it waits to be told */
    first.other = b;
    tcpip_stack_enter(f.stack);
    deliver_to(&f, a);
    deliver_to(&f, b);
    tcpip_stack_leave(f.stack);
    assert_int_equal(first.heard, 1);
    assert_int_equal(second.heard, 0);
    assert_int_equal(third.heard, 0);
    assert_int_equal(f.stack->endpoint_count, 0);
    assert_false(list_node_linked(&first.waiter.node));
    assert_false(list_node_linked(&third.waiter.node));
    teardown(&f);
}

static void remove_peer(struct watcher *w)
{
    tcpip_endpoint_waiter_remove(&w->endpoint->base, &w->peer->waiter);
}

static void test_a_waiter_removed_by_an_earlier_one_doesnt_run(void **state)
{
    struct fixture f;
    struct watcher first = {.act = remove_peer}, second = {.act = remove_peer};
    (void)state;
    setup(&f, NULL);
    struct fake_endpoint *a = fake_endpoint_new(f.stack);
    first.peer = &second;
    second.peer = &second;
    watch(&first, &f, a, TCPIP_EVENT_IN);
    watch(&second, &f, a, TCPIP_EVENT_IN);
    deliver_to(&f, a);
    assert_int_equal(first.heard, 1);
    assert_int_equal(second.heard, 0);
    deliver_to(&f, a); /* new data while old still wait: heard again */
    assert_int_equal(first.heard, 2);
    teardown(&f);
}

static void add_peer(struct watcher *w)
{
    if (w->heard == 1)
        watch(w->peer, w->f, w->endpoint, TCPIP_EVENT_IN);
}

static void test_a_waiter_added_by_a_waiter_hears_the_next_time(void **state)
{
    struct fixture f;
    struct watcher second = {0}, first = {.act = add_peer, .peer = &second};
    (void)state;
    setup(&f, NULL);
    struct fake_endpoint *a = fake_endpoint_new(f.stack);
    watch(&first, &f, a, TCPIP_EVENT_IN);
    deliver_to(&f, a);
    assert_int_equal(second.heard, 0);
    deliver_to(&f, a);
    assert_int_equal(second.heard, 1);
    teardown(&f);
}

static void test_masks_decide_who_hears_and_hup_is_for_all(void **state)
{
    struct fixture f;
    struct watcher in = {0}, out = {0};
    (void)state;
    setup(&f, NULL);
    struct fake_endpoint *a = fake_endpoint_new(f.stack);
    watch(&in, &f, a, TCPIP_EVENT_IN);
    watch(&out, &f, a, TCPIP_EVENT_OUT);
    deliver_to(&f, a);
    assert_int_equal(in.heard, 1);
    assert_int_equal(out.heard, 0);
    assert_int_equal(tcpip_endpoint_shutdown(&a->base, TCPIP_SHUTDOWN_READ), TCPIP_OK);
    assert_int_equal(in.last, TCPIP_EVENT_HUP);
    assert_int_equal(out.last, TCPIP_EVENT_HUP);
    teardown(&f);
}

static void close_myself(struct fake_endpoint *endpoint)
{
    tcpip__endpoint_detach(&endpoint->base);
    endpoint->base.ops->close(&endpoint->base);
}

static void close_other(struct fake_endpoint *endpoint)
{
    close_myself(endpoint->user);
}

static void test_endpoints_may_die_in_any_flush(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, NULL);
    struct fake_endpoint *a = fake_endpoint_new(f.stack), *b = fake_endpoint_new(f.stack),
                         *c = fake_endpoint_new(f.stack);
    a->on_flush = close_other; /* of one that waits to be flushed */
    a->user = b;
    c->on_flush = close_myself;
    tcpip_stack_enter(f.stack);
    endpoint_mark_dirty(&a->base);
    endpoint_mark_dirty(&b->base);
    endpoint_mark_dirty(&c->base);
    tcpip_stack_leave(f.stack);
    assert_int_equal(f.stack->endpoint_count, 1);
    assert_int_equal(a->flushes, 1);
    teardown(&f);
}

/* ---- releases and deferred ---- */

struct release_note {
    struct fixture *f;
    struct fake_endpoint *endpoint;
    uint32_t ran;
};

static void on_release(void *ctx, struct tcpip_buffer *buffer)
{
    struct release_note *note = ctx;
    size_t done;
    (void)buffer;
    note->ran++;
    assert_int_equal(note->f->stack->in_callback, 0);
    if (note->endpoint != NULL)
        assert_int_equal(tcpip_endpoint_write(&note->endpoint->base, "x", 1, 0, NULL, &done), TCPIP_OK);
}

static void test_release_callbacks_run_at_the_end_of_the_turn_and_may_enter(void **state)
{
    struct fixture f;
    char bytes[8] = {0};
    (void)state;
    setup(&f, NULL);
    struct release_note note = {.f = &f, .endpoint = fake_endpoint_new(f.stack)};
    struct tcpip_buffer *buffer = tcpip_buffer_wrap(f.stack, bytes, sizeof(bytes), on_release, &note);
    tcpip_stack_enter(f.stack);
    tcpip_buffer_unref(buffer);
    assert_int_equal(note.ran, 0);
    tcpip_stack_leave(f.stack);
    assert_int_equal(note.ran, 1);
    assert_int_equal(note.endpoint->flushes, 1);

    buffer = tcpip_buffer_wrap(f.stack, bytes, sizeof(bytes), on_release, &note);
    tcpip_buffer_unref(buffer); /* outside a turn: an entry of its own */
    assert_int_equal(note.ran, 2);

    note.endpoint = NULL;
    buffer = tcpip_buffer_wrap(f.stack, bytes, sizeof(bytes), on_release, &note);
    tcpip_buffer_unref(buffer);
    assert_int_equal(note.ran, 3);
    teardown(&f);
}

struct later {
    struct deferred deferred;
    struct tcpip_stack *stack;
    uint32_t ran;
};

static void later_fn(struct deferred *deferred)
{
    struct later *later = container_of(deferred, struct later, deferred);
    later->ran++;
    if (later->ran < 3)
        tcpip__stack_defer(later->stack, deferred);
}

static void test_deferred_work_runs_once_per_queueing_and_may_queue_again(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, NULL);
    struct later later = {.deferred = {.fn = later_fn}, .stack = f.stack};
    tcpip_stack_enter(f.stack);
    tcpip__stack_defer(f.stack, &later.deferred);
    tcpip__stack_defer(f.stack, &later.deferred);
    tcpip_stack_leave(f.stack);
    assert_int_equal(later.ran, 3);
    teardown(&f);
}

/* ---- budget ---- */

static void ping_pong(struct fake_endpoint *endpoint)
{
    struct fake_endpoint *peer = endpoint->user;
    fake_send(endpoint->base.stack, NULL, tcpip__nic_find(endpoint->base.stack, 1), (uint8_t)peer->base.id);
}

static void on_timer(struct tcpip_timer *timer, tcpip_ns now);

struct counted_timer {
    struct tcpip_timer timer;
    struct fixture *f;
    uint32_t fired;
    tcpip_ns at;
};

static void on_timer(struct tcpip_timer *timer, tcpip_ns now)
{
    struct counted_timer *counted = container_of(timer, struct counted_timer, timer);
    counted->fired++;
    counted->at = now;
}

static void test_endless_work_yields_and_goes_on_and_starves_no_timer(void **state)
{
    struct fixture f;
    struct tcpip_limits limits = {.size = sizeof(limits), .turn_budget = 10};
    (void)state;
    setup(&f, &limits);
    struct fake_endpoint *a = fake_endpoint_new(f.stack), *b = fake_endpoint_new(f.stack);
    struct counted_timer timer = {.timer = {.fn = on_timer}, .f = &f};
    a->on_flush = b->on_flush = ping_pong;
    a->user = b;
    b->user = a;
    tcpip_stack_enter(f.stack);
    endpoint_mark_dirty(&a->base);
    tcpip_stack_leave(f.stack);
    assert_in_range(a->flushes + b->flushes, 4, 6);
    assert_int_equal(f.stack->stats.stack.turns_out_of_budget, 1);
    assert_true(tcpip_stack_deadline(f.stack) <= f.env.now);
    tcpip_timer_set(f.stack, &timer.timer, f.env.now);
    uint32_t before = a->flushes + b->flushes;
    assert_true(tcpip_stack_advance(f.stack, 2));
    assert_int_equal(timer.fired, 1);
    assert_int_equal(f.stack->dirty.head.next != &f.stack->dirty.head || f.stack->loop.count > 0, 1);
    assert_true(tcpip_stack_advance(f.stack, 100));
    assert_in_range(a->flushes + b->flushes - before, 45, 55);
    a->on_flush = b->on_flush = NULL;
    while (tcpip_stack_advance(f.stack, 0)) {
    }
    assert_int_equal(tcpip_stack_deadline(f.stack), TCPIP_NEVER);
    teardown(&f);
}

static void on_endless_timer(struct tcpip_timer *timer, tcpip_ns now)
{
    struct counted_timer *counted = container_of(timer, struct counted_timer, timer);
    counted->fired++;
    tcpip_timer_set(counted->f->stack, timer, now);
}

static void test_endless_timers_starve_no_leftovers(void **state)
{
    enum { MANY = 20 };
    struct fixture f;
    struct tcpip_limits limits = {.size = sizeof(limits), .turn_budget = 8};
    struct fake_endpoint *many[MANY];
    (void)state;
    setup(&f, &limits);
    struct counted_timer timer = {.timer = {.fn = on_endless_timer}, .f = &f};
    tcpip_stack_enter(f.stack);
    for (uint32_t i = 0; i < MANY; i++) {
        many[i] = fake_endpoint_new(f.stack);
        endpoint_mark_dirty(&many[i]->base);
    }
    tcpip_stack_leave(f.stack);
    tcpip_timer_set(f.stack, &timer.timer, f.env.now);
    for (uint32_t done = 8; done < MANY; done += 4) { /* in the order in which they were marked */
        for (uint32_t i = 0; i < MANY; i++)
            assert_int_equal(many[i]->flushes, i < done ? 1 : 0);
        assert_true(tcpip_stack_advance(f.stack, 0));
    }
    assert_int_equal(timer.fired, 12);
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(many[i]->flushes, 1);
    tcpip_timer_cancel(f.stack, &timer.timer);
    teardown(&f);
}

static void test_an_advance_inside_a_bracket_ends(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, NULL);
    struct fake_endpoint *a = fake_endpoint_new(f.stack);
    tcpip_stack_enter(f.stack);
    endpoint_mark_dirty(&a->base);
    assert_false(tcpip_stack_advance(f.stack, 0)); /* what is marked waits for the bracket */
    assert_int_equal(a->flushes, 0);
    tcpip_stack_leave(f.stack);
    assert_int_equal(a->flushes, 1);
    teardown(&f);
}

/* ---- the deadline ---- */

static void test_at_the_deadline_something_happens_and_before_it_nothing(void **state)
{
    enum { TIMERS = 50 };
    struct fixture f;
    struct counted_timer timers[TIMERS];
    uint32_t fired = 0;
    (void)state;
    setup(&f, NULL);
    for (uint32_t i = 0; i < TIMERS; i++) {
        timers[i] = (struct counted_timer){.timer = {.fn = on_timer}, .f = &f};
        tcpip_timer_set(f.stack, &timers[i].timer,
                        f.env.now + (tcpip_ns)(test_env_random(&f.env) % (5 * (uint64_t)TCPIP_SECOND)));
    }
    for (tcpip_ns deadline; (deadline = tcpip_stack_deadline(f.stack)) != TCPIP_NEVER;) {
        uint32_t now_fired = 0;
        f.env.now = deadline - 1;
        assert_false(tcpip_stack_advance(f.stack, 0));
        f.env.now = deadline;
        tcpip_stack_advance(f.stack, 0);
        for (uint32_t i = 0; i < TIMERS; i++) {
            now_fired += timers[i].fired;
            if (timers[i].fired > 0)
                assert_int_equal(timers[i].at, timers[i].timer.at);
        }
        assert_true(now_fired > fired);
        fired = now_fired;
        assert_true(tcpip_stack_deadline(f.stack) > deadline);
    }
    assert_int_equal(fired, TIMERS);
    teardown(&f);
}

/* ---- tcpip_stack_ready ---- */

static void test_ready_reports_what_recurred_also_inside_a_bracket(void **state)
{
    struct fixture f;
    struct tcpip_ready ready[4];
    (void)state;
    setup(&f, NULL);
    struct fake_endpoint *a = fake_endpoint_new(f.stack), *b = fake_endpoint_new(f.stack);
    tcpip_endpoint_watch(&a->base, TCPIP_EVENT_IN);
    tcpip_endpoint_watch(&b->base, TCPIP_EVENT_OUT);
    assert_int_equal(tcpip_stack_ready(f.stack, ready, 4), 0);
    tcpip_stack_enter(f.stack);
    deliver_to(&f, a);
    deliver_to(&f, b); /* not what it watches */
    assert_int_equal(tcpip_stack_ready(f.stack, ready, 4), 1);
    assert_ptr_equal(ready[0].endpoint, &a->base);
    assert_int_equal(ready[0].events, TCPIP_EVENT_IN);
    tcpip_stack_leave(f.stack);
    assert_int_equal(tcpip_stack_ready(f.stack, ready, 4), 0); /* still readable, but no news */
    deliver_to(&f, a);
    assert_int_equal(tcpip_stack_ready(f.stack, ready, 4), 1);

    uint8_t byte;
    size_t done;
    deliver_to(&f, a);
    while (tcpip_endpoint_read(&a->base, &byte, 1, &done, NULL) == TCPIP_OK) {
    }
    assert_int_equal(done, 0);
    assert_int_equal(tcpip_stack_ready(f.stack, ready, 4), 0); /* read meanwhile */
    deliver_to(&f, a);
    tcpip_endpoint_close(&a->base);
    assert_int_equal(tcpip_stack_ready(f.stack, ready, 4), 0);
    deliver_to(&f, b);
    tcpip_endpoint_watch(&b->base, TCPIP_EVENT_IN); /* begins to watch what holds already */
    assert_int_equal(tcpip_stack_ready(f.stack, ready, 1), 1);
    tcpip_endpoint_watch(&b->base, 0);
    deliver_to(&f, b);
    assert_int_equal(tcpip_stack_ready(f.stack, ready, 4), 0);
    teardown(&f);
}

/* ---- who may not enter ---- */

static void enter_in_transmit(struct fake_link *link, struct tcpip_packet_list *packets)
{
    (void)packets;
    tcpip_stack_enter(link->link.stack);
}

static enum tcpip_error enter_in_commit(void *ctx)
{
    tcpip_stack_enter(ctx);
    return TCPIP_OK;
}

static bool enter_in_writer(void *ctx, const void *data, size_t size)
{
    (void)data, (void)size;
    tcpip_stack_enter(ctx);
    return false;
}

static void test_callbacks_inside_a_turn_may_not_enter(void **state)
{
    static struct fixture f;
    (void)state;
    for (volatile int which = 0; which < 4; which++) {
        setup(&f, NULL);
        f.env.on_fatal = on_fatal;
        f.env.user = &f;
        f.what = NULL;
        struct fake_endpoint *a = fake_endpoint_new(f.stack);
        struct tcpip_full_address address = {0};
        size_t done;
        if (setjmp(f.fatal) == 0) {
            if (which == 0) {
                f.link.on_transmit = enter_in_transmit;
                a->on_flush = send_through_nic;
                a->user = &f;
                tcpip_stack_enter(f.stack);
                endpoint_mark_dirty(&a->base);
                tcpip_stack_leave(f.stack);
            } else if (which == 1) {
                (void)!tcpip_endpoint_bind(&a->base, &address, enter_in_commit, f.stack);
            } else if (which == 2) {
                (void)!tcpip_endpoint_peek(&a->base, enter_in_writer, f.stack, &done);
            } else {
                tcpip_stack_leave(f.stack); /* one leave too many */
            }
        }
        assert_non_null(f.what);
        f.stack->in_callback = 0;
        f.stack->depth = 0;
        f.link.on_transmit = NULL;
        teardown(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_batch_flushes_and_tells_each_endpoint_once),
        cmocka_unit_test(test_a_bracket_flushes_at_its_outermost_leave_only),
        cmocka_unit_test(test_a_nic_gets_one_batch_a_turn),
        cmocka_unit_test(test_the_clock_is_read_lazily_and_once_a_turn),
        cmocka_unit_test(test_what_a_waiter_calls_joins_the_turn_and_is_flushed_in_it),
        cmocka_unit_test(test_a_waiter_may_close_any_endpoint_and_its_waiters_dont_run),
        cmocka_unit_test(test_a_waiter_removed_by_an_earlier_one_doesnt_run),
        cmocka_unit_test(test_a_waiter_added_by_a_waiter_hears_the_next_time),
        cmocka_unit_test(test_masks_decide_who_hears_and_hup_is_for_all),
        cmocka_unit_test(test_endpoints_may_die_in_any_flush),
        cmocka_unit_test(test_release_callbacks_run_at_the_end_of_the_turn_and_may_enter),
        cmocka_unit_test(test_deferred_work_runs_once_per_queueing_and_may_queue_again),
        cmocka_unit_test(test_endless_work_yields_and_goes_on_and_starves_no_timer),
        cmocka_unit_test(test_endless_timers_starve_no_leftovers),
        cmocka_unit_test(test_an_advance_inside_a_bracket_ends),
        cmocka_unit_test(test_at_the_deadline_something_happens_and_before_it_nothing),
        cmocka_unit_test(test_ready_reports_what_recurred_also_inside_a_bracket),
        cmocka_unit_test(test_callbacks_inside_a_turn_may_not_enter),
    };
    return cmocka_run_group_tests_name("stack/turn", tests, NULL, NULL);
}
