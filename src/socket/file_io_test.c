// SPDX-License-Identifier: MIT
/* file_io_test.c: many messages in one call; files and pipes of the kernel's into and out of sockets. */
#include "socket_world.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct io_test {
    struct socket_world w;
    int a, b;
    int pipe[2];
};

static int setup(void **state)
{
    struct io_test *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    socket_world_init(&t->w, NULL);
    socket_world_connect(&t->w, &t->a, &t->b);
    assert_int_equal(pipe(t->pipe), 0);
    /* Private descriptors: the sockets' numbers must not be the pipe's. */
    for (int i = 0; i < 2; i++) {
        int high = fcntl(t->pipe[i], F_DUPFD, 100);
        assert_true(high >= 100);
        close(t->pipe[i]);
        t->pipe[i] = high;
    }
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct io_test *t = *state;
    close(t->pipe[0]);
    close(t->pipe[1]);
    socket_world_fini(&t->w);
    free(t);
    return 0;
}

/* ---- many messages ---- */

static void many_datagrams_go_in_one_call(void **state)
{
    struct io_test *t = *state;
    struct tcpip_sockets *s = t->w.s;
    struct sockaddr_in to = loopback4(7000), from[4];
    char out[3][4] = {"a", "bb", "ccc"}, in[4][8];
    struct iovec out_iov[3], in_iov[4];
    struct mmsghdr send[3], receive[4];
    int a = tcpip_socket(s, AF_INET, SOCK_DGRAM, 0), b = tcpip_socket(s, AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(tcpip_bind(s, b, (struct sockaddr *)&to, sizeof(to)), 0);
    memset(send, 0, sizeof(send));
    memset(receive, 0, sizeof(receive));
    for (size_t i = 0; i < 3; i++) {
        out_iov[i] = (struct iovec){out[i], i + 1};
        send[i].msg_hdr =
            (struct msghdr){.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &out_iov[i], .msg_iovlen = 1};
    }
    for (size_t i = 0; i < 4; i++) {
        in_iov[i] = (struct iovec){in[i], sizeof(in[i])};
        receive[i].msg_hdr = (struct msghdr){
            .msg_name = &from[i], .msg_namelen = sizeof(from[i]), .msg_iov = &in_iov[i], .msg_iovlen = 1};
    }
    assert_int_equal(tcpip_sendmmsg(s, a, send, 3, 0), 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(send[i].msg_len, i + 1);
    assert_int_equal(tcpip_recvmmsg(s, b, receive, 4, MSG_WAITFORONE, NULL), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(receive[i].msg_len, i + 1);
        assert_memory_equal(in[i], out[i], i + 1);
        assert_int_equal(receive[i].msg_hdr.msg_namelen, sizeof(to));
    }
    assert_refused(tcpip_recvmmsg(s, b, receive, 4, MSG_DONTWAIT, NULL), EAGAIN);
    to.sin_port = 0;
    assert_refused(tcpip_sendmmsg(s, a, send, 3, 0), EINVAL);
    assert_int_equal(tcpip_sendmmsg(s, a, send, 0, 0), 0);
}

static void the_time_of_recvmmsg_is_looked_at_between_messages(void **state)
{
    struct io_test *t = *state;
    struct tcpip_sockets *s = t->w.s;
    char room[2];
    struct iovec iov = {room, 1};
    struct mmsghdr receive[2] = {{.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}},
                                 {.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}}};
    struct timespec timeout = {0, 0}, bad = {-1, 0};
    assert_int_equal(tcpip_send(s, t->a, "xy", 2, 0), 2);
    assert_int_equal(tcpip_recvmmsg(s, t->b, receive, 2, 0, &timeout), 1);
    assert_refused(tcpip_recvmmsg(s, t->b, receive, 2, 0, &bad), EINVAL);
    timeout.tv_sec = 5;
    assert_int_equal(tcpip_recvmmsg(s, t->b, receive, 1, 0, &timeout), 1);
    assert_int_equal(timeout.tv_sec, 5);
}

static void an_error_after_some_messages_is_kept_for_the_next_call(void **state)
{
    struct io_test *t = *state;
    struct tcpip_sockets *s = t->w.s;
    struct linger reset = {.l_onoff = 1};
    char room[8];
    struct iovec iov = {room, 8};
    struct mmsghdr receive[2] = {{.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}},
                                 {.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}}};
    assert_int_equal(tcpip_send(s, t->a, "xy", 2, 0), 2);
    assert_int_equal(tcpip_setsockopt(s, t->a, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    assert_int_equal(tcpip_close(s, t->a), 0);
    assert_int_equal(tcpip_recvmmsg(s, t->b, receive, 2, 0, NULL), 1);
    assert_refused(tcpip_recv(s, t->b, room, 8, 0), ECONNRESET);
    assert_int_equal(tcpip_recv(s, t->b, room, 8, 0), 0);
}

/* ---- sendfile ---- */

static void a_file_is_sent_from_its_offset(void **state)
{
    struct io_test *t = *state;
    struct tcpip_sockets *s = t->w.s;
    static uint8_t data[150000], room[150000];
    off_t offset = 1000;
    size_t got = 0;
    int file = memfd_create("file", 0);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
    assert_int_equal(write(file, data, sizeof(data)), sizeof(data));
    assert_int_equal(tcpip_sendfile(s, t->a, file, &offset, 4000), 4000);
    assert_int_equal(offset, 5000);
    assert_int_equal(tcpip_recv(s, t->b, room, 4000, MSG_WAITALL), 4000);
    assert_memory_equal(room, data + 1000, 4000);
    assert_int_equal(tcpip_sendfile(s, t->a, file, NULL, 10), 0); /* its own offset is at the end */
    assert_int_equal(lseek(file, 140000, SEEK_SET), 140000);
    assert_int_equal(tcpip_sendfile(s, t->a, file, NULL, sizeof(data)), 10000);
    assert_int_equal(lseek(file, 0, SEEK_CUR), 150000);
    assert_int_equal(tcpip_recv(s, t->b, room, 10000, MSG_WAITALL), 10000);
    assert_memory_equal(room, data + 140000, 10000);
    assert_int_equal(tcpip_fcntl(s, t->a, F_SETFL, O_NONBLOCK), 0);
    offset = 0; /* what the socket doesn't take stays in the file */
    for (ssize_t sent; got < sizeof(data); got += (size_t)sent) {
        ssize_t more = tcpip_sendfile(s, t->a, file, &offset, sizeof(data));
        assert_true(more >= 0 || errno == EAGAIN);
        sent = tcpip_recv(s, t->b, room + got, sizeof(room) - got, 0);
        assert_true(sent > 0);
    }
    assert_memory_equal(room, data, sizeof(data));
    close(file);
}

static void sendfile_refuses_what_is_no_file(void **state)
{
    struct io_test *t = *state;
    struct tcpip_sockets *s = t->w.s;
    off_t negative = -1;
    int file = memfd_create("file", 0), null = open("/dev/null", O_WRONLY);
    assert_refused(tcpip_sendfile(s, t->a, -1, NULL, 1), EBADF);
    assert_refused(tcpip_sendfile(s, t->a, null, NULL, 1), EBADF);
    assert_refused(tcpip_sendfile(s, t->a, file, &negative, 1), EINVAL);
    assert_refused(tcpip_sendfile(s, t->a, t->pipe[0], NULL, 1), ESPIPE);
    assert_refused(tcpip_sendfile(s, 99, file, NULL, 1), EBADF);
    close(file);
    close(null);
}

/* ---- splice ---- */

static void bytes_go_between_a_socket_and_a_pipe(void **state)
{
    struct io_test *t = *state;
    struct tcpip_sockets *s = t->w.s;
    static char data[30000], room[30000];
    memset(data, 'x', sizeof(data));
    data[29999] = 'y';
    assert_int_equal(write(t->pipe[1], data, sizeof(data)), sizeof(data));
    ssize_t moved = tcpip_splice(s, t->pipe[0], NULL, t->a, NULL, 10000, 0);
    assert_int_equal(moved, 10000);
    assert_int_equal(tcpip_splice(s, t->pipe[0], NULL, t->a, NULL, 100000, SPLICE_F_MORE), 20000);
    assert_refused(tcpip_splice(s, t->pipe[0], NULL, t->a, NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
    size_t got = 0;
    while (got < sizeof(data)) {
        moved = tcpip_splice(s, t->b, NULL, t->pipe[1], NULL, sizeof(data), 0);
        assert_true(moved > 0);
        assert_int_equal(read(t->pipe[0], room + got, (size_t)moved), moved);
        got += (size_t)moved;
    }
    assert_memory_equal(room, data, sizeof(data));
    assert_refused(tcpip_splice(s, t->b, NULL, t->pipe[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
    assert_int_equal(tcpip_shutdown(s, t->a, SHUT_WR), 0);
    assert_int_equal(tcpip_splice(s, t->b, NULL, t->pipe[1], NULL, 1, 0), 0);
}

static void a_full_pipe_takes_nothing_out_of_the_socket(void **state)
{
    struct io_test *t = *state;
    struct tcpip_sockets *s = t->w.s;
    static char data[65536];
    char room[4];
    assert_int_equal(write(t->pipe[1], data, sizeof(data)), sizeof(data));
    assert_int_equal(tcpip_send(s, t->a, "abcd", 4, 0), 4);
    assert_refused(tcpip_splice(s, t->b, NULL, t->pipe[1], NULL, 4, SPLICE_F_NONBLOCK), EAGAIN);
    assert_int_equal(tcpip_recv(s, t->b, room, 4, 0), 4);
}

static void splice_refuses_other_pairs(void **state)
{
    struct io_test *t = *state;
    struct tcpip_sockets *s = t->w.s;
    off_t offset = 0;
    int file = memfd_create("file", 0);
    assert_refused(tcpip_splice(s, t->a, NULL, t->b, NULL, 1, 0), EINVAL);
    assert_refused(tcpip_splice(s, file, NULL, t->a, NULL, 1, 0), EINVAL);
    assert_refused(tcpip_splice(s, -1, NULL, t->a, NULL, 1, 0), EBADF);
    assert_refused(tcpip_splice(s, t->pipe[0], &offset, t->a, NULL, 1, 0), ESPIPE);
    assert_refused(tcpip_splice(s, t->pipe[0], NULL, t->a, NULL, 1, 0x100), EINVAL);
    assert_int_equal(tcpip_splice(s, t->pipe[0], NULL, t->a, NULL, 0, 0), 0);
    close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_datagrams_go_in_one_call, setup, teardown),
        cmocka_unit_test_setup_teardown(the_time_of_recvmmsg_is_looked_at_between_messages, setup, teardown),
        cmocka_unit_test_setup_teardown(an_error_after_some_messages_is_kept_for_the_next_call, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_is_sent_from_its_offset, setup, teardown),
        cmocka_unit_test_setup_teardown(sendfile_refuses_what_is_no_file, setup, teardown),
        cmocka_unit_test_setup_teardown(bytes_go_between_a_socket_and_a_pipe, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_pipe_takes_nothing_out_of_the_socket, setup, teardown),
        cmocka_unit_test_setup_teardown(splice_refuses_other_pairs, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
