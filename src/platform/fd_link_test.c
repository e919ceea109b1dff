// SPDX-License-Identifier: MIT
/* fd_link_test.c: what becomes of a link whose descriptor refuses, with a kind of link that refuses as it is told. */
#include "platform/fd_link.h"

#include "link/wrap.h"
#include "link_world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Takes packets unless `refusal` is an errno. */
struct moody {
    struct fd_link base;
    int refusal;
    uint32_t sent;
};

static struct moody *moody_of(struct tcpip_link *link)
{
    return container_of(link, struct moody, base.link);
}

static void moody_capabilities(struct tcpip_link *link, struct tcpip_link_capabilities *out)
{
    (void)link;
    *out = (struct tcpip_link_capabilities){.mtu = 1500};
}

static size_t moody_transmit(struct tcpip_link *link, struct tcpip_packet_list *packets)
{
    struct moody *moody = moody_of(link);
    size_t offered = packets->count;
    while (packets->count > 0 && fd_link_open(&moody->base)) {
        enum fd_link_verdict verdict = FD_LINK_LOSE;
        if (moody->refusal == 0) {
            moody->base.stalls = 0;
            moody->sent++;
            tcpip_packet_free(tcpip_packet_list_pop(packets));
            continue;
        }
        verdict = tcpip__fd_link_judge(&moody->base, moody->refusal);
        if (verdict == FD_LINK_BLOCK)
            tcpip__fd_link_block(&moody->base);
        else if (verdict == FD_LINK_LOST)
            tcpip__fd_link_down(&moody->base);
        else if (verdict == FD_LINK_HUNG_UP)
            tcpip__fd_link_die(&moody->base);
        else if (verdict != FD_LINK_STALL || !tcpip__fd_link_stall(&moody->base))
            tcpip_packet_drop(tcpip_packet_list_pop(packets), TCPIP_DROP_LINK_ERROR);
    }
    if (fd_link_is_down(&moody->base))
        tcpip__link_drop_all(packets, TCPIP_DROP_LINK_DOWN);
    return offered - packets->count;
}

static bool moody_read(struct fd_link *fd_link, uint32_t budget)
{
    (void)fd_link;
    (void)budget;
    return true;
}

static const struct fd_link_ops moody_ops = {
    .link =
        {
            .name = "moody",
            .capabilities = moody_capabilities,
            .attach = tcpip__fd_link_attach,
            .detach = tcpip__fd_link_detach,
            .transmit = moody_transmit,
        },
    .read = moody_read,
};

struct fixture {
    struct link_world world;
    struct moody moody;
    struct tcpip_link *link;
    struct fd_link_watch watch;
    uint32_t changes;
    struct tcpip_packet_list list;
};

static void count_change(struct fd_link_watch *watch)
{
    container_of(watch, struct fixture, watch)->changes++;
}

static int setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;
    memset(f, 0, sizeof(*f));
    link_world_init(&f->world, 1);
    tcpip__fd_link_init(&f->moody.base, &f->world.test_env.env, &moody_ops, -1, false);
    f->link = &f->moody.base.link;
    f->watch.changed = count_change;
    f->moody.base.watch = &f->watch;
    link_world_attach(&f->world, f->link);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    tcpip_packet_list_free(&f->list);
    if (f->link->stack != NULL)
        link_world_detach(&f->world, f->link);
    tcpip__fd_link_fini(&f->moody.base);
    link_world_fini(&f->world);
    return 0;
}

static void offer(struct fixture *f, uint32_t more)
{
    static const uint8_t bytes[100] = {0x45};
    for (; more > 0; more--)
        tcpip_packet_list_push(&f->list, link_world_packet(&f->world, bytes, sizeof(bytes), 20, 0));
    link_world_transmit(&f->world, f->link, &f->list);
}

static void a_blocked_link_goes_on_when_it_is_writable(void **state)
{
    struct fixture *f = *state;
    f->moody.refusal = EAGAIN;
    offer(f, 3);
    assert_int_equal(f->list.count, 3);
    assert_true(fd_link_wants_write(&f->moody.base));
    assert_int_equal(f->changes, 1);
    f->moody.refusal = 0;
    offer(f, 0);
    assert_int_equal(f->moody.sent, 0); /* not before it was told */
    tcpip__fd_link_write_ready(&f->moody.base);
    assert_int_equal(f->world.tx_ready, 1);
    assert_int_equal(f->changes, 2);
    assert_false(fd_link_wants_write(&f->moody.base));
    tcpip__fd_link_write_ready(&f->moody.base); /* nobody waits for it */
    assert_int_equal(f->world.tx_ready, 1);
    offer(f, 0);
    assert_int_equal(f->moody.sent, 3);
    assert_int_equal(f->world.states, 0);
}

static void a_stalled_link_tries_again_by_itself(void **state)
{
    struct fixture *f = *state;
    f->moody.refusal = ENOBUFS;
    offer(f, 3);
    assert_int_equal(f->list.count, 3);
    assert_false(fd_link_wants_write(&f->moody.base)); /* it would be writable at once */
    assert_int_equal(tcpip_stack_deadline(f->world.stack), f->world.test_env.now + TCPIP_MS);
    f->moody.refusal = 0;
    link_world_advance(&f->world, TCPIP_MS - 1);
    assert_int_equal(f->world.tx_ready, 0);
    link_world_advance(&f->world, 1);
    assert_int_equal(f->world.tx_ready, 1);
    offer(f, 0);
    assert_int_equal(f->moody.sent, 3);
}

static void a_link_that_stalls_for_ever_loses_one_packet_at_a_time(void **state)
{
    struct fixture *f = *state;
    f->moody.refusal = ENOMEM;
    offer(f, 2);
    tcpip_ns start = f->world.test_env.now;
    while (f->list.count == 2) {
        uint32_t ready = f->world.tx_ready;
        link_world_advance(&f->world, TCPIP_MS);
        assert_int_equal(f->world.tx_ready, ready + 1);
        offer(f, 0);
    }
    assert_int_equal(f->world.test_env.now - start, 100 * TCPIP_MS);
    assert_int_equal(f->world.drops[TCPIP_DROP_LINK_ERROR], 1);
}

static void a_link_that_is_down_comes_back(void **state)
{
    struct fixture *f = *state;
    f->moody.refusal = EIO;
    offer(f, 3);
    assert_int_equal(f->world.drops[TCPIP_DROP_LINK_DOWN], 3);
    assert_true(fd_link_wants_write(&f->moody.base));
    assert_int_equal(f->world.states, 0); /* not inside transmit */
    link_world_advance(&f->world, 0);
    assert_int_equal(f->world.states, 1);
    assert_false(f->world.up);
    offer(f, 1);
    assert_int_equal(f->world.drops[TCPIP_DROP_LINK_DOWN], 4);
    f->moody.refusal = 0;
    tcpip__fd_link_write_ready(&f->moody.base);
    assert_int_equal(f->world.states, 2);
    assert_true(f->world.up);
    assert_int_equal(f->world.error, TCPIP_OK);
    assert_int_equal(f->world.tx_ready, 0); /* nothing was left with the sender */
    offer(f, 1);
    assert_int_equal(f->moody.sent, 1);
}

static void a_dead_link_stays_dead(void **state)
{
    struct fixture *f = *state;
    assert_true(tcpip__fd_link_read(&f->moody.base, 1));
    f->moody.refusal = EPIPE;
    offer(f, 1);
    assert_int_equal(f->changes, 1);
    f->moody.refusal = 0;
    tcpip__fd_link_write_ready(&f->moody.base);
    assert_false(tcpip__fd_link_read(&f->moody.base, 1));
    offer(f, 1);
    assert_int_equal(f->moody.sent, 0);
    link_world_advance(&f->world, 0);
    assert_int_equal(f->world.states, 1);
    link_world_detach(&f->world, f->link);
    assert_int_equal(f->changes, 2);
    link_world_attach(&f->world, f->link); /* whoever attaches it next hears of it too */
    link_world_advance(&f->world, 0);
    assert_int_equal(f->world.states, 2);
    assert_false(f->world.up);
}

static void a_detached_link_has_no_timer(void **state)
{
    struct fixture *f = *state;
    f->moody.refusal = ENOBUFS;
    offer(f, 1);
    link_world_detach(&f->world, f->link);
    assert_int_equal(tcpip_stack_deadline(f->world.stack), TCPIP_NEVER);
    f->moody.refusal = 0;
    link_world_attach(&f->world, f->link);
    offer(f, 1);
    assert_int_equal(f->moody.sent, 2);
}

static void refusals_from_far_away_do_not_end_a_datagram_link(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(tcpip__fd_link_judge(&f->moody.base, ECONNREFUSED), FD_LINK_HUNG_UP);
    f->moody.base.datagram_errors = true;
    assert_int_equal(tcpip__fd_link_judge(&f->moody.base, ECONNREFUSED), FD_LINK_LOSE);
    assert_int_equal(tcpip__fd_link_judge(&f->moody.base, EBADF), FD_LINK_HUNG_UP);
    assert_int_equal(tcpip__fd_link_judge(&f->moody.base, EINTR), FD_LINK_AGAIN);
    assert_int_equal(tcpip__fd_link_judge(&f->moody.base, EMSGSIZE), FD_LINK_BIG);
    assert_int_equal(tcpip__fd_link_judge(&f->moody.base, EINVAL), FD_LINK_LOSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_blocked_link_goes_on_when_it_is_writable, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stalled_link_tries_again_by_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_that_stalls_for_ever_loses_one_packet_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_that_is_down_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dead_link_stays_dead, setup, teardown),
        cmocka_unit_test_setup_teardown(a_detached_link_has_no_timer, setup, teardown),
        cmocka_unit_test_setup_teardown(refusals_from_far_away_do_not_end_a_datagram_link, setup, teardown),
    };
    return cmocka_run_group_tests_name("fd_link", tests, NULL, NULL);
}
