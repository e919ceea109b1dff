// SPDX-License-Identifier: MIT
/* descriptor_test.c: numbers: which is given out, what shares a file, what is refused. */
#include "socket_world.h"

#include "socket/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int setup_options(void **state, bool private, uint32_t most)
{
    struct tcpip_sockets_options options = {
        .size = sizeof(options),
        .drive = TCPIP_SOCKETS_DRIVE_CALLBACK,
        .private_descriptors = private,
        .first_descriptor = 5,
        .max_descriptors = most,
    };
    struct socket_world *w = malloc(sizeof(*w));
    assert_non_null(w);
    socket_world_init(w, &options);
    *state = w;
    return 0;
}

static int setup_private(void **state)
{
    return setup_options(state, true, 0);
}

static int setup_few(void **state)
{
    return setup_options(state, true, 3);
}

static int setup_real(void **state)
{
    return setup_options(state, false, 0);
}

static int teardown(void **state)
{
    socket_world_fini(*state);
    free(*state);
    return 0;
}

static int udp(struct socket_world *w)
{
    return tcpip_socket(w->s, AF_INET, SOCK_DGRAM, 0);
}

static void the_lowest_free_number_is_given_out(void **state)
{
    struct socket_world *w = *state;
    for (int i = 5; i < 200; i++)
        assert_int_equal(udp(w), i);
    assert_int_equal(tcpip_close(w->s, 100), 0);
    assert_int_equal(tcpip_close(w->s, 7), 0);
    assert_int_equal(udp(w), 7);
    assert_int_equal(udp(w), 100);
    assert_int_equal(udp(w), 200);
    assert_int_equal(tcpip_close(w->s, 9), 0);
    assert_int_equal(tcpip_fcntl(w->s, 5, F_DUPFD, 50), 201);
    assert_int_equal(tcpip_dup(w->s, 5), 9);
}

static void too_many_are_refused(void **state)
{
    struct socket_world *w = *state;
    assert_int_equal(udp(w), 5);
    assert_int_equal(udp(w), 6);
    assert_int_equal(udp(w), 7);
    assert_refused(udp(w), EMFILE);
    assert_refused(tcpip_dup(w->s, 5), EMFILE);
    assert_refused(tcpip_dup2(w->s, 5, 8), EBADF);
    assert_refused(tcpip_fcntl(w->s, 5, F_DUPFD, 8), EINVAL);
    assert_int_equal(tcpip_dup2(w->s, 5, 6), 6);
    assert_int_equal(tcpip_close(w->s, 7), 0);
    assert_int_equal(udp(w), 7);
}

static void dups_share_the_file_and_not_the_flag(void **state)
{
    struct socket_world *w = *state;
    int a = tcpip_socket(w->s, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), b = tcpip_dup(w->s, a);
    assert_int_equal(tcpip_fcntl(w->s, a, F_GETFD), FD_CLOEXEC);
    assert_int_equal(tcpip_fcntl(w->s, b, F_GETFD), 0);
    assert_int_equal(tcpip_fcntl(w->s, b, F_SETFD, FD_CLOEXEC), 0);
    assert_int_equal(tcpip_fcntl(w->s, b, F_GETFD), FD_CLOEXEC);
    assert_int_equal(tcpip_fcntl(w->s, a, F_GETFL), O_RDWR);
    assert_int_equal(tcpip_fcntl(w->s, a, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(tcpip_fcntl(w->s, b, F_GETFL), O_RDWR | O_NONBLOCK);
    assert_refused(tcpip_recv(w->s, b, NULL, 0, 0), EAGAIN);
    assert_int_equal(tcpip_close(w->s, a), 0);
    assert_refused(tcpip_recv(w->s, a, NULL, 0, 0), EBADF);
    assert_refused(tcpip_recv(w->s, b, NULL, 0, 0), EAGAIN);
    int c = tcpip_fcntl(w->s, b, F_DUPFD_CLOEXEC, 0);
    assert_int_equal(tcpip_fcntl(w->s, c, F_GETFD), FD_CLOEXEC);
    assert_int_equal(tcpip_dup3(w->s, c, b, O_CLOEXEC), b);
    assert_refused(tcpip_dup3(w->s, c, c, 0), EINVAL);
    assert_refused(tcpip_dup3(w->s, c, b, O_NONBLOCK), EINVAL);
    assert_int_equal(tcpip_dup2(w->s, c, c), c);
    assert_refused(tcpip_fcntl(w->s, c, F_SETLEASE, 0), EINVAL);
}

static void what_is_not_open_is_refused(void **state)
{
    struct socket_world *w = *state;
    char room[1];
    struct sockaddr_in address = loopback4(1);
    socklen_t length = sizeof(address);
    static const int bad[] = {-1, 4, 77, 1 << 30};
    for (size_t i = 0; i < 4; i++) {
        int fd = bad[i];
        assert_refused(tcpip_close(w->s, fd), EBADF);
        assert_refused(tcpip_dup(w->s, fd), EBADF);
        assert_refused(tcpip_dup2(w->s, fd, 5), EBADF);
        assert_refused(tcpip_fcntl(w->s, fd, F_GETFL), EBADF);
        assert_refused(tcpip_read(w->s, fd, room, 1), EBADF);
        assert_refused(tcpip_read(w->s, fd, room, 0), EBADF);
        assert_refused(tcpip_write(w->s, fd, room, 1), EBADF);
        assert_refused(tcpip_bind(w->s, fd, (struct sockaddr *)&address, length), EBADF);
        assert_refused(tcpip_connect(w->s, fd, (struct sockaddr *)&address, length), EBADF);
        assert_refused(tcpip_listen(w->s, fd, 1), EBADF);
        assert_refused(tcpip_accept(w->s, fd, NULL, NULL), EBADF);
        assert_refused(tcpip_shutdown(w->s, fd, SHUT_RD), EBADF);
        assert_refused(tcpip_getsockname(w->s, fd, (struct sockaddr *)&address, &length), EBADF);
        assert_false(tcpip_is_socket(w->s, fd));
        assert_null(tcpip_socket_endpoint(w->s, fd));
    }
}

static void real_descriptors_are_open_in_the_kernel(void **state)
{
    struct socket_world *w = *state;
    int pipes[2], fd = udp(w);
    assert_true(fcntl(fd, F_GETFD) >= 0);
    assert_int_equal(pipe(pipes), 0);
    assert_true(pipes[0] != fd);
    assert_refused(tcpip_recv(w->s, pipes[0], NULL, 0, 0), ENOTSOCK);
    assert_refused(tcpip_close(w->s, pipes[0]), EBADF);
    assert_int_equal(tcpip_dup2(w->s, fd, pipes[1]), pipes[1]); /* the pipe's end is closed: */
    assert_int_equal(read(pipes[0], &pipes, 1), 0);
    assert_refused(tcpip_recv(w->s, pipes[1], NULL, 0, MSG_DONTWAIT), EAGAIN);
    assert_int_equal(tcpip_close(w->s, pipes[1]), 0);
    assert_int_equal(fcntl(pipes[1], F_GETFD), -1);
    close(pipes[0]);
    int high = tcpip_fcntl(w->s, fd, F_DUPFD, 300);
    assert_true(high >= 300 && fcntl(high, F_GETFD) >= 0);
    assert_int_equal(tcpip_close(w->s, high), 0);
}

static void a_number_that_the_kernel_closed_is_given_out_again(void **state)
{
    struct socket_world *w = *state;
    struct sockaddr_in address = loopback4(7000);
    int fd = udp(w);
    assert_int_equal(tcpip_bind(w->s, fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    assert_int_equal(udp(w), fd);
    assert_int_equal(tcpip_bind(w->s, fd, (struct sockaddr *)&address, sizeof(address)), 0); /* the former is closed */
}

static void a_number_that_cannot_be_costs_no_memory(void **state)
{
    struct socket_world *w = *state;
    int fd = udp(w);
    uint32_t room = w->s->descriptor_room;
    assert_refused(tcpip_dup2(w->s, fd, INT_MAX), EBADF);
    assert_int_equal(w->s->descriptor_room, room);
}

static void dup_counts_from_the_first_number(void **state)
{
    struct socket_world *w = *state;
    int fd = udp(w);
    assert_int_equal(fd, 5);
    assert_int_equal(tcpip_fcntl(w->s, fd, F_DUPFD, 7), 7);
    assert_refused(tcpip_fcntl(w->s, fd, F_DUPFD, 8), EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_lowest_free_number_is_given_out, setup_private, teardown),
        cmocka_unit_test_setup_teardown(too_many_are_refused, setup_few, teardown),
        cmocka_unit_test_setup_teardown(dups_share_the_file_and_not_the_flag, setup_private, teardown),
        cmocka_unit_test_setup_teardown(dups_share_the_file_and_not_the_flag, setup_real, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_open_is_refused, setup_private, teardown),
        cmocka_unit_test_setup_teardown(real_descriptors_are_open_in_the_kernel, setup_real, teardown),
        cmocka_unit_test_setup_teardown(a_number_that_the_kernel_closed_is_given_out_again, setup_real, teardown),
        cmocka_unit_test_setup_teardown(a_number_that_cannot_be_costs_no_memory, setup_real, teardown),
        cmocka_unit_test_setup_teardown(dup_counts_from_the_first_number, setup_few, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
