// SPDX-License-Identifier: MIT
/* epoll_test.c: epoll over our sockets, the kernel's descriptors, and itself: what each way of listening hears. */
#include "socket_world.h"

#include "socket/sockets.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct socket_world *w = malloc(sizeof(*w));
    struct tcpip_sockets_options options = {.size = sizeof(options),
                                            .drive = TCPIP_SOCKETS_DRIVE_CALLBACK,
                                            .private_descriptors = true,
                                            .first_descriptor = 500};
    assert_non_null(w);
    socket_world_init(w, &options);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    socket_world_fini(*state);
    free(*state);
    return 0;
}

static int ctl(struct socket_world *w, int epfd, int operation, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    return tcpip_epoll_ctl(w->s, epfd, operation, fd, &event);
}

static int add(struct socket_world *w, int epfd, int fd, uint32_t events)
{
    return ctl(w, epfd, EPOLL_CTL_ADD, fd, events);
}

/* The events of the one descriptor that is ready; 0: none is. */
static uint32_t wait_one(struct socket_world *w, int epfd, int fd)
{
    struct epoll_event events[4];
    int n = tcpip_epoll_wait(w->s, epfd, events, 4, 0);
    assert_in_range(n, 0, 1);
    if (n == 0)
        return 0;
    assert_int_equal(events[0].data.fd, fd);
    return events[0].events;
}

static void put(struct socket_world *w, int fd)
{
    assert_int_equal(tcpip_send(w->s, fd, "xy", 2, 0), 2);
}

static void take(struct socket_world *w, int fd)
{
    char byte;
    assert_int_equal(tcpip_recv(w->s, fd, &byte, 1, 0), 1);
}

static void a_level_is_told_as_long_as_it_lasts(void **state)
{
    struct socket_world *w = *state;
    int client, server, ep = tcpip_epoll_create1(w->s, 0);
    socket_world_connect(w, &client, &server);
    assert_int_equal(add(w, ep, server, EPOLLIN), 0);
    assert_int_equal(wait_one(w, ep, server), 0);
    put(w, client);
    assert_int_equal(wait_one(w, ep, server), EPOLLIN);
    take(w, server);
    assert_int_equal(wait_one(w, ep, server), EPOLLIN);
    take(w, server);
    assert_int_equal(wait_one(w, ep, server), 0);
    put(w, client);
    assert_int_equal(wait_one(w, ep, server), EPOLLIN);
}

static void an_edge_is_told_each_time_that_it_comes(void **state)
{
    struct socket_world *w = *state;
    int client, server, ep = tcpip_epoll_create1(w->s, 0);
    socket_world_connect(w, &client, &server);
    put(w, client);
    assert_int_equal(add(w, ep, server, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET), 0);
    assert_int_equal(wait_one(w, ep, server), EPOLLIN | EPOLLOUT); /* what holds already counts as news */
    assert_int_equal(wait_one(w, ep, server), 0);
    put(w, client); /* more of the same */
    assert_int_equal(wait_one(w, ep, server), EPOLLIN | EPOLLOUT);
    take(w, server);
    assert_int_equal(wait_one(w, ep, server), 0);
    assert_int_equal(tcpip_shutdown(w->s, client, SHUT_WR), 0);
    assert_int_equal(wait_one(w, ep, server), EPOLLIN | EPOLLOUT | EPOLLRDHUP);
    assert_int_equal(wait_one(w, ep, server), 0);
    assert_int_equal(ctl(w, ep, EPOLL_CTL_MOD, server, EPOLLIN | EPOLLET), 0); /* looks again */
    assert_int_equal(wait_one(w, ep, server), EPOLLIN);
}

static void one_shot_is_told_once_until_it_is_asked_for_again(void **state)
{
    struct socket_world *w = *state;
    int client, server, ep = tcpip_epoll_create1(w->s, 0);
    socket_world_connect(w, &client, &server);
    assert_int_equal(add(w, ep, server, EPOLLIN | EPOLLONESHOT), 0);
    put(w, client);
    assert_int_equal(wait_one(w, ep, server), EPOLLIN);
    put(w, client);
    assert_int_equal(tcpip_shutdown(w->s, client, SHUT_RDWR), 0);
    assert_int_equal(wait_one(w, ep, server), 0);
    assert_int_equal(ctl(w, ep, EPOLL_CTL_MOD, server, EPOLLIN | EPOLLONESHOT), 0);
    assert_int_equal(wait_one(w, ep, server), EPOLLIN);
    assert_int_equal(wait_one(w, ep, server), 0);
}

static void who_was_told_is_told_again_after_all_others(void **state)
{
    struct socket_world *w = *state;
    int fds[4], ep = tcpip_epoll_create1(w->s, 0);
    for (int i = 0; i < 4; i++) {
        fds[i] = tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0);
        assert_int_equal(add(w, ep, fds[i], EPOLLOUT), 0);
    }
    for (int i = 0; i < 12; i++) {
        struct epoll_event event;
        assert_int_equal(tcpip_epoll_wait(w->s, ep, &event, 1, 0), 1);
        assert_int_equal(event.data.fd, fds[i % 4]);
    }
    struct epoll_event all[8];
    assert_int_equal(tcpip_epoll_wait(w->s, ep, all, 8, 0), 4);
}

static void a_registration_ends_with_the_file_and_not_with_the_descriptor(void **state)
{
    struct socket_world *w = *state;
    int ep = tcpip_epoll_create1(w->s, 0), udp = tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(add(w, ep, udp, EPOLLOUT), 0);
    int copy = tcpip_dup(w->s, udp);
    assert_int_equal(add(w, ep, copy, EPOLLIN), 0); /* another descriptor: another registration */
    assert_int_equal(tcpip_close(w->s, udp), 0);
    assert_int_equal(wait_one(w, ep, udp), EPOLLOUT);
    assert_refused(ctl(w, ep, EPOLL_CTL_DEL, udp, 0), EBADF);
    assert_int_equal(tcpip_close(w->s, copy), 0);
    assert_int_equal(wait_one(w, ep, udp), 0);
}

static void the_kernels_descriptors_are_heard_in_the_same_wait(void **state)
{
    struct socket_world *w = *state;
    int ep = tcpip_epoll_create1(w->s, 0), event = eventfd(0, EFD_NONBLOCK), ends[2];
    int udp = tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(add(w, ep, event, EPOLLIN), 0);
    assert_refused(add(w, ep, event, EPOLLIN), EEXIST);
    assert_int_equal(wait_one(w, ep, event), 0);
    assert_int_equal(eventfd_write(event, 1), 0);
    assert_int_equal(wait_one(w, ep, event), EPOLLIN);
    assert_int_equal(add(w, ep, udp, EPOLLOUT), 0);
    struct epoll_event events[4];
    assert_int_equal(tcpip_epoll_wait(w->s, ep, events, 4, -1), 2);
    /* with room for one they take turns */
    for (int i = 0, ours = 0; i < 8; i++) {
        assert_int_equal(tcpip_epoll_wait(w->s, ep, events, 1, -1), 1);
        ours += events[0].data.fd == udp;
        assert_true(i < 7 || ours == 4);
    }
    assert_int_equal(ctl(w, ep, EPOLL_CTL_DEL, event, 0), 0);
    assert_refused(ctl(w, ep, EPOLL_CTL_DEL, event, 0), ENOENT);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(add(w, ep, ends[0], EPOLLIN | EPOLLET), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(tcpip_epoll_wait(w->s, ep, events, 4, 0), 2);
    assert_int_equal(tcpip_epoll_wait(w->s, ep, events, 4, 0), 1);
    close(ends[0]);
    close(ends[1]);
    close(event);
}

static void instances_nest_four_deep_and_not_in_circles(void **state)
{
    struct socket_world *w = *state;
    int chain[6], client, server, event = eventfd(0, EFD_NONBLOCK);
    socket_world_connect(w, &client, &server);
    for (int i = 0; i < 6; i++) {
        chain[i] = tcpip_epoll_create1(w->s, 0);
        if (i > 0 && i < 5)
            assert_int_equal(add(w, chain[i], chain[i - 1], EPOLLIN), 0);
    }
    assert_refused(add(w, chain[5], chain[4], EPOLLIN), ELOOP);
    assert_refused(add(w, chain[0], chain[5], EPOLLIN), ELOOP);
    assert_refused(add(w, chain[0], chain[2], EPOLLIN), ELOOP);
    assert_refused(add(w, chain[0], chain[0], EPOLLIN), EINVAL);
    assert_int_equal(add(w, chain[0], server, EPOLLIN), 0);
    struct pollfd poll = {.fd = chain[4], .events = POLLIN | POLLOUT};
    assert_int_equal(tcpip_poll(w->s, &poll, 1, 0), 0);
    put(w, client);
    assert_int_equal(tcpip_poll(w->s, &poll, 1, 0), 1);
    assert_int_equal(poll.revents, POLLIN);
    assert_int_equal(wait_one(w, chain[4], chain[3]), EPOLLIN);
    assert_int_equal(wait_one(w, chain[1], chain[0]), EPOLLIN);
    take(w, server);
    take(w, server);
    assert_int_equal(wait_one(w, chain[4], chain[3]), 0);
    /* the kernel's descriptors are heard through as many */
    assert_int_equal(add(w, chain[0], event, EPOLLIN), 0);
    assert_int_equal(eventfd_write(event, 1), 0);
    assert_int_equal(wait_one(w, chain[4], chain[3]), EPOLLIN);
    assert_int_equal(tcpip_close(w->s, chain[2]), 0);
    assert_int_equal(wait_one(w, chain[4], chain[3]), 0);
    close(event);
}

static void mistakes_are_told_in_the_kernels_words(void **state)
{
    struct socket_world *w = *state;
    struct epoll_event event;
    int x = tcpip_epoll_create(w->s, 1), y = tcpip_epoll_create1(w->s, EPOLL_CLOEXEC);
    int s = tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0);
    assert_refused(tcpip_epoll_create(w->s, 0), EINVAL);
    assert_refused(tcpip_epoll_create1(w->s, 1), EINVAL);
    assert_int_equal(add(w, x, s, EPOLLIN), 0);
    assert_refused(add(w, x, s, EPOLLIN), EEXIST);
    assert_refused(ctl(w, x, EPOLL_CTL_MOD, 999, EPOLLIN), EBADF);
    assert_refused(ctl(w, 999, EPOLL_CTL_MOD, s, EPOLLIN), EBADF);
    assert_refused(add(w, s, s, EPOLLIN), EINVAL);
    assert_refused(add(w, s, x, EPOLLIN), EINVAL);
    assert_refused(ctl(w, x, 9, s, EPOLLIN), EINVAL);
    assert_refused(tcpip_epoll_ctl(w->s, x, EPOLL_CTL_ADD, s, NULL), EFAULT);
    assert_int_equal(tcpip_epoll_ctl(w->s, x, EPOLL_CTL_DEL, s, NULL), 0);
    assert_refused(tcpip_epoll_ctl(w->s, x, EPOLL_CTL_DEL, s, NULL), ENOENT);
    assert_refused(ctl(w, x, EPOLL_CTL_MOD, s, EPOLLIN), ENOENT);
    assert_int_equal(add(w, x, s, EPOLLIN | EPOLLEXCLUSIVE | EPOLLWAKEUP), 0);
    assert_refused(ctl(w, x, EPOLL_CTL_MOD, s, EPOLLIN), EINVAL);
    assert_int_equal(ctl(w, x, EPOLL_CTL_DEL, s, 0), 0);
    assert_refused(add(w, x, s, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT), EINVAL);
    assert_refused(add(w, x, s, EPOLLIN | EPOLLEXCLUSIVE | EPOLLRDHUP), EINVAL);
    assert_refused(add(w, x, y, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
    assert_refused(tcpip_epoll_wait(w->s, x, &event, 0, 0), EINVAL);
    assert_refused(tcpip_epoll_wait(w->s, 999, &event, 0, 0), EBADF);
    assert_refused(tcpip_epoll_wait(w->s, s, &event, 1, 0), EINVAL);
    assert_int_equal(tcpip_epoll_wait(w->s, x, NULL, 1, 0), 0);
    assert_int_equal(add(w, x, s, EPOLLOUT), 0);
    assert_refused(tcpip_epoll_wait(w->s, x, NULL, 1, 0), EFAULT);
    struct timespec bad = {-1, 0}, soon = {0, 1000000};
    assert_refused(tcpip_epoll_pwait2(w->s, x, &event, 1, &bad, NULL), EINVAL);
    assert_int_equal(ctl(w, x, EPOLL_CTL_MOD, s, EPOLLIN), 0);
    tcpip_ns before = w->world.now;
    assert_int_equal(tcpip_epoll_pwait2(w->s, x, &event, 1, &soon, NULL), 0);
    assert_int_equal(w->world.now - before, TCPIP_MS);
}

/* ---- threads ---- */

struct sleeper_thread {
    pthread_t thread;
    struct tcpip_sockets *s;
    int ep, result;
};

static void *sleep_in_epoll(void *argument)
{
    struct sleeper_thread *sleeper = argument;
    struct epoll_event event;
    sleeper->result = tcpip_epoll_wait(sleeper->s, sleeper->ep, &event, 1, 300);
    return NULL;
}

static void await_sleepers(struct tcpip_sockets *s, uint32_t count)
{
    for (uint32_t asleep = 0; asleep < count; usleep(100)) {
        asleep = 0;
        tcpip_sockets_lock(s);
        list_for_each(node, &s->drive.waits) asleep++;
        tcpip_sockets_unlock(s);
    }
}

/* Two instances watch one socket, a thread in each: how many of them hear of a datagram. */
static int hear_a_datagram(uint32_t flags)
{
    struct tcpip_sockets_options options = {.size = sizeof(options), .drive = TCPIP_SOCKETS_DRIVE_THREADS};
    struct socket_world w;
    struct sleeper_thread threads[2];
    struct sockaddr_in address = loopback4(7001);
    socket_world_init(&w, &options);
    int to = tcpip_socket(w.s, AF_INET, SOCK_DGRAM, 0), from = tcpip_socket(w.s, AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(tcpip_bind(w.s, to, (struct sockaddr *)&address, sizeof(address)), 0);
    for (int i = 0; i < 2; i++) {
        threads[i].s = w.s;
        threads[i].ep = tcpip_epoll_create1(w.s, 0);
        assert_int_equal(add(&w, threads[i].ep, to, EPOLLIN | flags), 0);
        assert_int_equal(pthread_create(&threads[i].thread, NULL, sleep_in_epoll, &threads[i]), 0);
    }
    await_sleepers(w.s, 2);
    assert_int_equal(tcpip_sendto(w.s, from, "x", 1, 0, (struct sockaddr *)&address, sizeof(address)), 1);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i].thread, NULL), 0);
    socket_world_fini(&w);
    return threads[0].result + threads[1].result;
}

static void an_exclusive_event_wakes_one_of_many(void **state)
{
    (void)state;
    assert_int_equal(hear_a_datagram(0), 2);
    assert_int_equal(hear_a_datagram(EPOLLEXCLUSIVE), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_level_is_told_as_long_as_it_lasts, setup, teardown),
        cmocka_unit_test_setup_teardown(an_edge_is_told_each_time_that_it_comes, setup, teardown),
        cmocka_unit_test_setup_teardown(one_shot_is_told_once_until_it_is_asked_for_again, setup, teardown),
        cmocka_unit_test_setup_teardown(who_was_told_is_told_again_after_all_others, setup, teardown),
        cmocka_unit_test_setup_teardown(a_registration_ends_with_the_file_and_not_with_the_descriptor, setup, teardown),
        cmocka_unit_test_setup_teardown(the_kernels_descriptors_are_heard_in_the_same_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(instances_nest_four_deep_and_not_in_circles, setup, teardown),
        cmocka_unit_test_setup_teardown(mistakes_are_told_in_the_kernels_words, setup, teardown),
        cmocka_unit_test(an_exclusive_event_wakes_one_of_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
