// SPDX-License-Identifier: MIT
/* loop_test.c: the loop: descriptors, deadlines, waking, removal in the middle, two stacks over a socket pair. */
#include "platform/loop.h"

#include "base/math.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <tcpip/fdbased.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- an upper side that counts, in the place of a NIC ---- */

struct end {
    struct tcpip_link_upper upper;
    struct tcpip_stack *stack;
    struct tcpip_link *link;
    struct tcpip_packet_list received, left; /* left: what the link did not take yet */
    uint32_t states, ready;
    bool reflect; /* send back what comes */
};

static struct end *end_of(struct tcpip_link_upper *upper)
{
    return TCPIP_CONTAINER_OF(upper, struct end, upper);
}

static void end_send(struct end *end, struct tcpip_packet_list *packets)
{
    tcpip_packet_list_append(&end->left, packets);
    end->link->ops->transmit(end->link, &end->left);
}

static void end_deliver(struct tcpip_link_upper *upper, struct tcpip_packet_list *packets)
{
    if (end_of(upper)->reflect)
        end_send(end_of(upper), packets);
    else
        tcpip_packet_list_append(&end_of(upper)->received, packets);
}

static void end_tx_ready(struct tcpip_link_upper *upper)
{
    struct tcpip_packet_list none = tcpip_packet_list_init();
    end_of(upper)->ready++;
    end_send(end_of(upper), &none);
}

static void end_state(struct tcpip_link_upper *upper, bool up, enum tcpip_error error)
{
    (void)error;
    assert_false(up);
    end_of(upper)->states++;
}

struct fixture {
    struct tcpip_env env;
    struct tcpip_loop *loop;
    struct end ends[2];
};

static int open_loop(void **state, const struct tcpip_loop_options *options, bool timerfd)
{
    struct fixture *f = calloc(1, sizeof(*f));
    tcpip_posix_env(&f->env);
    assert_int_equal(tcpip_loop_new(&f->env, options, &f->loop), TCPIP_OK);
    if (timerfd)
        assert_int_equal(tcpip__loop_use_timerfd(f->loop), TCPIP_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tcpip_stack_new(&f->env, NULL, NULL, &f->ends[i].stack), TCPIP_OK);
        assert_int_equal(tcpip_loop_add_stack(f->loop, f->ends[i].stack), TCPIP_OK);
        f->ends[i].upper = (struct tcpip_link_upper){end_deliver, end_tx_ready, end_state};
    }
    *state = f;
    return 0;
}

static int setup(void **state)
{
    return open_loop(state, NULL, false);
}

static int setup_timerfd(void **state)
{
    return open_loop(state, NULL, true);
}

static int setup_polling(void **state)
{
    return open_loop(state,
                     &(struct tcpip_loop_options){.size = sizeof(struct tcpip_loop_options), .busy_poll_ns = TCPIP_MS},
                     false);
}

static void end_close(struct end *end)
{
    tcpip_packet_list_free(&end->received);
    tcpip_packet_list_free(&end->left);
    if (end->link != NULL) {
        if (end->link->stack != NULL) {
            tcpip_stack_enter(end->stack);
            end->link->ops->detach(end->link);
            tcpip_stack_leave(end->stack);
        }
        tcpip_fdbased_free(end->link);
    }
    end->link = NULL;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 2; i++)
        end_close(&f->ends[i]);
    tcpip_loop_free(f->loop);
    for (int i = 0; i < 2; i++)
        tcpip_stack_free(f->ends[i].stack);
    free(f);
    return 0;
}

static void join(struct fixture *f)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    for (int i = 0; i < 2; i++) {
        struct end *end = &f->ends[i];
        struct tcpip_fdbased_options options = {.size = sizeof(options), .fd = pair[i], .owns_fd = true};
        assert_int_equal(tcpip_fdbased_new(&f->env, &options, &end->link), TCPIP_OK);
        assert_int_equal(tcpip_loop_add_link(f->loop, end->link), TCPIP_ERR_INVALID_ARGUMENT); /* not attached */
        tcpip_stack_enter(end->stack);
        assert_int_equal(end->link->ops->attach(end->link, end->stack, &end->upper), TCPIP_OK);
        tcpip_stack_leave(end->stack);
        assert_int_equal(tcpip_loop_add_link(f->loop, end->link), TCPIP_OK);
        assert_int_equal(tcpip_loop_add_link(f->loop, end->link), TCPIP_ERR_INVALID_ARGUMENT); /* twice */
    }
}

static void send_packets(struct end *end, uint32_t count, uint32_t size)
{
    static const uint8_t zeroes[2000];
    struct tcpip_packet_list list = tcpip_packet_list_init();
    for (uint32_t i = 0; i < count; i++) {
        struct tcpip_packet *packet = tcpip_packet_new(end->stack);
        assert_non_null(packet);
        *tcpip_packet_push(packet, 1) = 0x45;
        assert_int_equal(tcpip_packet_append(packet, zeroes, size - 1), TCPIP_OK);
        tcpip_packet_list_push(&list, packet);
    }
    tcpip_stack_enter(end->stack);
    end_send(end, &list);
    tcpip_stack_leave(end->stack);
}

/* ---- packets ---- */

static void two_stacks_exchange_packets_over_a_socket_pair(void **state)
{
    struct fixture *f = *state;
    join(f);
    f->ends[1].reflect = true;
    send_packets(&f->ends[0], 3000, 1400); /* far more than the socket holds */
    assert_true(f->ends[0].left.count > 0);
    while (f->ends[0].received.count < 3000)
        assert_true(tcpip_loop_run_once(f->loop, TCPIP_SECOND));
    assert_true(f->ends[0].ready > 0);
    assert_int_equal(f->ends[0].left.count + f->ends[1].left.count, 0);
    assert_false(tcpip_fdbased_wants_write(f->ends[0].link));
    struct tcpip_fdbased_counters counters;
    tcpip_fdbased_get_counters(f->ends[0].link, &counters);
    assert_int_equal(counters.tx_packets, 3000);
    assert_int_equal(counters.rx_bytes, 3000 * 1400);
}

static void a_hung_up_link_is_told_once_and_costs_nothing_more(void **state)
{
    struct fixture *f = *state;
    join(f);
    send_packets(&f->ends[0], 5, 100);
    end_close(&f->ends[0]); /* the loop lets go of it by itself */
    while (f->ends[1].states == 0)
        assert_true(tcpip_loop_run_once(f->loop, TCPIP_SECOND));
    assert_int_equal(f->ends[1].received.count, 5);
    assert_true(tcpip_fdbased_is_dead(f->ends[1].link));
    tcpip_ns before = f->env.now(f->env.ctx);
    assert_true(tcpip_loop_run_once(f->loop, 20 * TCPIP_MS));
    assert_true(f->env.now(f->env.ctx) - before >= 20 * TCPIP_MS); /* it slept: nothing is reported any more */
    assert_int_equal(f->ends[1].states, 1);
}

static void a_link_taken_out_of_the_loop_is_left_alone(void **state)
{
    struct fixture *f = *state;
    join(f);
    tcpip_loop_remove_link(f->loop, f->ends[1].link);
    tcpip_loop_remove_link(f->loop, f->ends[1].link);
    send_packets(&f->ends[0], 5, 100);
    assert_true(tcpip_loop_run_once(f->loop, 0));
    assert_int_equal(f->ends[1].received.count, 0);
    assert_int_equal(tcpip_loop_add_link(f->loop, f->ends[1].link), TCPIP_OK);
    assert_true(tcpip_loop_run_once(f->loop, 0));
    assert_int_equal(f->ends[1].received.count, 5);
    tcpip_loop_remove_stack(f->loop, f->ends[1].stack);
    tcpip_loop_remove_stack(f->loop, f->ends[1].stack);
    send_packets(&f->ends[0], 5, 100);
    assert_true(tcpip_loop_run_once(f->loop, 0));
    assert_int_equal(f->ends[1].received.count, 5);
    assert_int_equal(tcpip_loop_add_link(f->loop, f->ends[1].link), TCPIP_ERR_INVALID_ARGUMENT);
}

/* ---- time ---- */

struct alarm {
    struct tcpip_timer timer;
    struct fixture *f;
    tcpip_ns fired_at;
    uint32_t fired;
};

static void ring(struct tcpip_timer *timer, tcpip_ns now)
{
    struct alarm *alarm = TCPIP_CONTAINER_OF(timer, struct alarm, timer);
    alarm->fired_at = now;
    if (++alarm->fired < 5)
        tcpip_timer_set(alarm->f->ends[0].stack, timer, now + 3 * TCPIP_MS);
    else
        tcpip_loop_stop(alarm->f->loop);
}

static void timers_of_a_stack_fire_at_their_time(void **state)
{
    struct fixture *f = *state;
    struct alarm alarm = {.timer.fn = ring, .f = f};
    tcpip_ns start = f->env.now(f->env.ctx);
    tcpip_timer_set(f->ends[0].stack, &alarm.timer, start + 3 * TCPIP_MS);
    tcpip_loop_run(f->loop);
    assert_int_equal(alarm.fired, 5);
    assert_true(alarm.fired_at >= start + 15 * TCPIP_MS);
    assert_true(alarm.fired_at <= tcpip_loop_now(f->loop));
}

static void an_iteration_waits_as_long_as_it_is_told(void **state)
{
    struct fixture *f = *state;
    tcpip_ns before = f->env.now(f->env.ctx);
    assert_true(tcpip_loop_run_once(f->loop, 0));
    assert_true(tcpip_loop_run_once(f->loop, 1));
    assert_true(tcpip_loop_run_once(f->loop, 5 * TCPIP_MS));
    assert_true(f->env.now(f->env.ctx) - before >= 5 * TCPIP_MS);
}

/* ---- descriptors of a program ---- */

struct wire {
    struct fixture *f;
    int ends[2];
    struct tcpip_loop_fd *handle, *other;
    uint32_t calls, events;
};

static void hear(void *ctx, uint32_t events)
{
    struct wire *wire = ctx;
    char byte;
    wire->calls++;
    wire->events |= events;
    if ((events & TCPIP_LOOP_READ) != 0 && read(wire->ends[0], &byte, 1) == 0)
        assert_true((events & TCPIP_LOOP_HANG_UP) != 0);
}

static void wire_open(struct fixture *f, struct wire *wire, uint32_t events, void (*fn)(void *ctx, uint32_t events))
{
    *wire = (struct wire){.f = f};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, wire->ends), 0);
    assert_int_equal(tcpip_loop_add_fd(f->loop, wire->ends[0], events, fn, wire, &wire->handle), TCPIP_OK);
}

static void wire_close(struct wire *wire)
{
    close(wire->ends[0]);
    close(wire->ends[1]);
}

static void a_descriptor_is_heard_for_what_is_asked(void **state)
{
    struct fixture *f = *state;
    struct wire wire;
    wire_open(f, &wire, TCPIP_LOOP_READ, hear);
    struct tcpip_loop_fd *twice;
    assert_int_equal(tcpip_loop_add_fd(f->loop, wire.ends[0], 0, hear, &wire, &twice), TCPIP_ERR_INVALID_ARGUMENT);
    assert_int_equal(tcpip_loop_add_fd(f->loop, -1, 0, hear, &wire, &twice), TCPIP_ERR_INVALID_ARGUMENT);
    assert_true(tcpip_loop_run_once(f->loop, 0));
    assert_int_equal(wire.calls, 0);
    assert_int_equal(write(wire.ends[1], "ab", 2), 2);
    assert_true(tcpip_loop_run_once(f->loop, TCPIP_NEVER));
    assert_true(tcpip_loop_run_once(f->loop, TCPIP_NEVER)); /* level-triggered: the second byte */
    assert_int_equal(wire.calls, 2);
    assert_int_equal(wire.events, TCPIP_LOOP_READ);
    tcpip_loop_set_fd(wire.handle, TCPIP_LOOP_WRITE);
    wire.events = 0;
    assert_true(tcpip_loop_run_once(f->loop, 0));
    assert_int_equal(wire.events, TCPIP_LOOP_WRITE);
    tcpip_loop_set_fd(wire.handle, 0);
    wire.calls = wire.events = 0;
    assert_true(tcpip_loop_run_once(f->loop, 0));
    assert_int_equal(wire.calls, 0);
    shutdown(wire.ends[1], SHUT_RDWR);
    assert_true(tcpip_loop_run_once(f->loop, 0));
    assert_int_equal(wire.events, TCPIP_LOOP_HANG_UP);
    tcpip_loop_remove_fd(wire.handle);
    wire.calls = 0;
    assert_true(tcpip_loop_run_once(f->loop, 0));
    assert_int_equal(wire.calls, 0);
    wire_close(&wire);
}

/* Removes itself and, if it is still there, the other one, which is ready too. */
static void remove_both(void *ctx, uint32_t events)
{
    struct wire *wire = ctx;
    (void)events;
    wire->calls++;
    tcpip_loop_remove_fd(wire->other);
    tcpip_loop_remove_fd(wire->handle);
}

static void what_is_removed_by_a_callback_is_not_called(void **state)
{
    struct fixture *f = *state;
    struct wire a, b;
    wire_open(f, &a, TCPIP_LOOP_WRITE, remove_both);
    wire_open(f, &b, TCPIP_LOOP_WRITE, remove_both);
    a.other = b.handle;
    b.other = a.handle;
    assert_true(tcpip_loop_run_once(f->loop, 0));
    assert_int_equal(a.calls + b.calls, 1);
    wire_close(&a);
    wire_close(&b);
}

/* In a callback the turns are open: what is sent leaves with everything else. */
static void remove_stack(void *ctx, uint32_t events)
{
    struct wire *wire = ctx;
    (void)events;
    wire->calls++;
    tcpip_loop_remove_stack(wire->f->loop, wire->f->ends[0].stack);
    tcpip_loop_remove_fd(wire->handle);
}

static void a_callback_may_take_a_stack_out(void **state)
{
    struct fixture *f = *state;
    struct wire wire;
    join(f);
    wire_open(f, &wire, TCPIP_LOOP_WRITE, remove_stack);
    send_packets(&f->ends[1], 5, 100);
    assert_true(tcpip_loop_run_once(f->loop, 0));
    assert_int_equal(wire.calls, 1);
    assert_int_equal(f->ends[0].received.count, 5);
    send_packets(&f->ends[1], 5, 100);
    assert_true(tcpip_loop_run_once(f->loop, 0));
    assert_int_equal(f->ends[0].received.count, 5);
    tcpip_stack_enter(f->ends[0].stack); /* asserts if the turn was left twice or not at all */
    tcpip_stack_leave(f->ends[0].stack);
    wire_close(&wire);
}

/* Runs at the end of the first stack's turn, when the second one's is to end next. */
static void remove_second(void *ctx, struct tcpip_buffer *buffer)
{
    struct wire *wire = ctx;
    (void)buffer;
    wire->calls++;
    tcpip_loop_remove_stack(wire->f->loop, wire->f->ends[1].stack);
}

static void release_a_buffer(void *ctx, uint32_t events)
{
    static uint8_t bytes[1];
    struct wire *wire = ctx;
    (void)events;
    struct tcpip_buffer *buffer = tcpip_buffer_wrap(wire->f->ends[0].stack, bytes, 1, remove_second, wire);
    assert_non_null(buffer);
    tcpip_buffer_unref(buffer);
    assert_int_equal(wire->calls, 0); /* the turn is open */
}

static void the_end_of_a_turn_may_take_the_next_stack_out(void **state)
{
    struct fixture *f = *state;
    struct wire wire;
    join(f);
    wire_open(f, &wire, TCPIP_LOOP_WRITE, release_a_buffer);
    assert_true(tcpip_loop_run_once(f->loop, 0));
    assert_int_equal(wire.calls, 1);
    tcpip_loop_remove_fd(wire.handle);
    assert_int_equal(tcpip_loop_add_stack(f->loop, f->ends[1].stack), TCPIP_OK);
    assert_int_equal(tcpip_loop_add_stack(f->loop, f->ends[1].stack), TCPIP_ERR_INVALID_ARGUMENT);
    wire_close(&wire);
}

/* ---- tasks and other threads ---- */

struct job {
    struct tcpip_loop_task task;
    struct fixture *f;
    uint32_t runs, again;
};

static void work(struct tcpip_loop_task *task)
{
    struct job *job = TCPIP_CONTAINER_OF(task, struct job, task);
    job->runs++;
    if (job->again > 0) {
        job->again--;
        tcpip_loop_post(job->f->loop, task);
    }
}

static void a_task_runs_once_per_posting(void **state)
{
    struct fixture *f = *state;
    struct job job = {.task.fn = work, .f = f, .again = 2};
    tcpip_loop_post(f->loop, &job.task);
    tcpip_loop_post(f->loop, &job.task);
    for (uint32_t i = 1; i <= 3; i++) {
        assert_true(tcpip_loop_run_once(f->loop, TCPIP_NEVER)); /* doesn't sleep while a task waits */
        assert_int_equal(job.runs, i);
    }
    tcpip_loop_post(f->loop, &job.task);
    tcpip_loop_cancel(f->loop, &job.task);
    tcpip_loop_cancel(f->loop, &job.task);
    assert_true(tcpip_loop_run_once(f->loop, 0));
    assert_int_equal(job.runs, 3);
}

static void stopping_ends_the_run_even_before_it_begins(void **state)
{
    struct fixture *f = *state;
    tcpip_loop_stop(f->loop);
    tcpip_loop_run(f->loop);
    tcpip_loop_stop(f->loop);
    assert_false(tcpip_loop_run_once(f->loop, TCPIP_NEVER));
    assert_true(tcpip_loop_run_once(f->loop, 0));
}

enum { MESSAGES = 3000 };
struct mailbox {
    struct tcpip_loop *loop;
    atomic_uint posted; /* by the other thread */
    atomic_uint seen;   /* by the loop */
    unsigned wakes;
};

static void on_wake(void *ctx)
{
    struct mailbox *box = ctx;
    box->wakes++;
    atomic_store(&box->seen, atomic_load(&box->posted));
    if (atomic_load(&box->seen) == MESSAGES)
        tcpip_loop_stop(box->loop);
}

/* Each message comes while the loop, having seen the one before, is on its way to sleep, a little later each time. */
static void *post_messages(void *ctx)
{
    struct mailbox *box = ctx;
    for (unsigned i = 0; i < MESSAGES; i++) {
        while (atomic_load(&box->seen) != i)
            sched_yield(); /* on a busy machine it may be the loop that waits for this CPU */
        for (volatile unsigned delay = 0; delay < i % 500; delay = delay + 1) {
        }
        atomic_fetch_add(&box->posted, 1);
        tcpip_loop_wake(box->loop);
    }
    return NULL;
}

/* A lost wake-up would leave both waiting for each other: the test would not end. */
static void no_wake_up_of_another_thread_is_lost(void **state)
{
    (void)state;
    struct tcpip_env env;
    struct mailbox box = {.posted = 0};
    struct tcpip_loop_options options = {.size = sizeof(options), .on_wake = on_wake, .ctx = &box};
    pthread_t thread;
    tcpip_posix_env(&env);
    assert_int_equal(tcpip_loop_new(&env, &options, &box.loop), TCPIP_OK);
    assert_int_equal(pthread_create(&thread, NULL, post_messages, &box), 0);
    tcpip_loop_run(box.loop);
    pthread_join(thread, NULL);
    assert_int_equal(box.seen, MESSAGES);
    assert_true(box.wakes <= MESSAGES + 1); /* and the stop */
    tcpip_loop_free(box.loop);
}

#define EACH_KIND(test)                                                 \
    cmocka_unit_test_setup_teardown(test, setup, teardown),             \
        {#test "_with_a_timerfd", test, setup_timerfd, teardown, NULL}, \
    {                                                                   \
#test "_while_polling", test, setup_polling, teardown, NULL     \
    }
int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH_KIND(two_stacks_exchange_packets_over_a_socket_pair),
        EACH_KIND(a_hung_up_link_is_told_once_and_costs_nothing_more),
        EACH_KIND(timers_of_a_stack_fire_at_their_time),
        EACH_KIND(an_iteration_waits_as_long_as_it_is_told),
        cmocka_unit_test_setup_teardown(a_link_taken_out_of_the_loop_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_descriptor_is_heard_for_what_is_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_removed_by_a_callback_is_not_called, setup, teardown),
        cmocka_unit_test_setup_teardown(a_callback_may_take_a_stack_out, setup, teardown),
        cmocka_unit_test_setup_teardown(the_end_of_a_turn_may_take_the_next_stack_out, setup, teardown),
        cmocka_unit_test_setup_teardown(a_task_runs_once_per_posting, setup, teardown),
        cmocka_unit_test_setup_teardown(stopping_ends_the_run_even_before_it_begins, setup, teardown),
        cmocka_unit_test(no_wake_up_of_another_thread_is_lost),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
