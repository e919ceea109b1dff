// SPDX-License-Identifier: MIT
/* interface_test.c: libtcpip-packetdrill.so as the packetdrill program uses it, without that program.
 *
 * The object is loaded as packetdrill loads it, and driven through its table alone: packets and time from this thread,
 * calls that block from another. */
#include "header_test.h"
#include "interface.h"

#include "../script/wire.h"

#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <tcpip/header/tcp.h>

enum { LOCAL_PORT = 8080, REMOTE_PORT = 40000, WINDOW = 32768, BYTES_MAX = 65536 };

static const uint8_t local_ip[4] = {192, 168, 0, 1}, remote_ip[4] = {192, 0, 2, 1};
static const char *object_path;

struct drill {
    void *object;
    struct packetdrill_interface with;
    void *ud;
    uint32_t local_isn;
    uint8_t bytes[BYTES_MAX];
    struct wire_view last; /* what was received last, in `bytes` */
    long long last_us;
};

/* ---- life ---- */

static int setup(void **state)
{
    struct drill *drill = calloc(1, sizeof *drill);
    assert_non_null(drill);
    drill->object = dlopen(object_path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (drill->object == NULL)
        fail_msg("%s", dlerror());
    packetdrill_interface_init_fn *init;
    *(void **)&init = dlsym(drill->object, "packetdrill_interface_init");
    assert_non_null(init);
    init("--mtu=1500", &drill->with);
    drill->ud = drill->with.userdata;
    *state = drill;
    return 0;
}

static int teardown(void **state)
{
    struct drill *drill = *state;
    drill->with.free(drill->ud);
    dlclose(drill->object);
    free(drill);
    return 0;
}

/* ---- the wire ---- */

static long long now_us(struct drill *drill)
{
    struct timeval now;
    assert_int_equal(drill->with.gettimeofday(drill->ud, &now, NULL), 0);
    return now.tv_sec * 1000000LL + now.tv_usec;
}

/* From the remote host, whose first byte has number 1. */
static void send_segment(struct drill *drill, uint16_t flags, uint32_t sequence, uint32_t acknowledgment,
                         const char *text)
{
    uint8_t packet[1500];
    const uint8_t mss[4] = {2, 4, 1460 >> 8, 1460 & 0xff};
    struct wire_ip ip = {.source = remote_ip, .destination = local_ip, .ttl = 64, .protocol = IPPROTO_TCP};
    struct tcpip_tcp_fields fields = {
        .source_port = REMOTE_PORT,
        .destination_port = LOCAL_PORT,
        .sequence = sequence,
        .acknowledgment = drill->local_isn + acknowledgment,
        .flags = flags,
        .window = WINDOW,
    };
    size_t size = wire_build_tcp(packet, &ip, &fields, mss, (flags & TCPIP_TCP_SYN) != 0 ? sizeof mss : 0,
                                 (const uint8_t *)text, strlen(text));
    assert_int_equal(drill->with.netdev_send(drill->ud, packet, size), 0);
}

static bool receive(struct drill *drill)
{
    size_t size = sizeof drill->bytes;
    memset(&drill->last, 0, sizeof drill->last);
    assert_int_equal(drill->with.netdev_receive(drill->ud, drill->bytes, &size, &drill->last_us), 0);
    if (size == 0)
        return false;
    const char *wrong = wire_read(drill->bytes, size, &drill->last);
    if (wrong != NULL)
        fail_msg("%s", wrong);
    return true;
}

static int listener(struct drill *drill)
{
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(LOCAL_PORT)};
    memcpy(&address.sin_addr, local_ip, sizeof local_ip);
    int fd = drill->with.socket(drill->ud, AF_INET, SOCK_STREAM, IPPROTO_TCP);
    assert_true(fd >= 0);
    assert_int_equal(drill->with.setsockopt(drill->ud, fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(drill->with.bind(drill->ud, fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(drill->with.listen(drill->ud, fd, 1), 0);
    return fd;
}

static void send_syn(struct drill *drill)
{
    drill->local_isn = 0;
    send_segment(drill, TCPIP_TCP_SYN, 0, 0, "");
    assert_true(receive(drill));
    assert_int_equal(drill->last.tcp.flags, TCPIP_TCP_SYN | TCPIP_TCP_ACK);
    assert_int_equal(drill->last.tcp.acknowledgment, 1);
    drill->local_isn = drill->last.tcp.sequence;
}

static int connection(struct drill *drill, int listening)
{
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    send_syn(drill);
    send_segment(drill, TCPIP_TCP_ACK, 1, 1, "");
    int fd = drill->with.accept(drill->ud, listening, (struct sockaddr *)&peer, &length);
    assert_true(fd >= 0);
    assert_int_equal(length, sizeof peer);
    assert_int_equal(ntohs(peer.sin_port), REMOTE_PORT);
    assert_memory_equal(&peer.sin_addr, remote_ip, sizeof remote_ip);
    return fd;
}

/* ---- one thread ---- */

static void every_pointer_of_the_table_is_filled_in(void **state)
{
    struct drill *drill = *state;
    void *pointers[sizeof drill->with / sizeof(void *)];
    memcpy(pointers, &drill->with, sizeof pointers);
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++)
        assert_non_null(pointers[i]);
}

static void each_look_at_the_clock_takes_a_microsecond_or_more(void **state)
{
    long long before = now_us(*state);
    for (int i = 0; i < 1000; i++) {
        long long now = now_us(*state);
        assert_true(now > before && now < before + 10);
        before = now;
    }
}

static void a_connection_carries_bytes_both_ways(void **state)
{
    struct drill *drill = *state;
    char text[16];
    int listening = listener(drill), fd = connection(drill, listening);
    send_segment(drill, TCPIP_TCP_ACK | TCPIP_TCP_PSH, 1, 1, "hello");
    int queued = 0;
    assert_int_equal(drill->with.ioctl(drill->ud, fd, FIONREAD, &queued), 0);
    assert_int_equal(queued, 5);
    assert_int_equal(drill->with.read(drill->ud, fd, text, sizeof text), 5);
    assert_memory_equal(text, "hello", 5);
    assert_int_equal(drill->with.write(drill->ud, fd, "world!", 6), 6);
    do
        assert_true(receive(drill));
    while (drill->last.payload_bytes == 0); /* perhaps an ACK first */
    assert_int_equal(drill->last.payload_bytes, 6);
    assert_memory_equal(drill->last.payload, "world!", 6);
    assert_int_equal(drill->last.tcp.sequence, drill->local_isn + 1);
    assert_int_equal(drill->last.tcp.acknowledgment, 6);
    assert_int_equal(drill->with.close(drill->ud, fd), 0);
    assert_int_equal(drill->with.close(drill->ud, listening), 0);
    send_segment(drill, TCPIP_TCP_RST | TCPIP_TCP_ACK, 6, 8, "");
    while (receive(drill))
        ;
}

static void sleeping_runs_timers_in_order_and_each_packet_has_its_own_time(void **state)
{
    struct drill *drill = *state;
    listener(drill);
    send_syn(drill);
    long long start = drill->last_us;
    drill->with.usleep(drill->ud, 10000000); /* the SYN-ACK again after 1 s, 3 s and 7 s */
    long long end = now_us(drill);
    for (long long after = 1; after <= 7; after = 2 * after + 1) {
        assert_true(receive(drill));
        assert_int_equal(drill->last.tcp.flags, TCPIP_TCP_SYN | TCPIP_TCP_ACK);
        assert_in_range(drill->last_us - start, after * 1000000, after * 1000000 + 1000);
    }
    assert_in_range(end - start, 10000000, 10000100);
    send_segment(drill, TCPIP_TCP_RST, 1, 0, "");
    assert_false(receive(drill));
}

static void waiting_for_a_packet_moves_the_clock_to_the_next_one(void **state)
{
    struct drill *drill = *state;
    listener(drill);
    send_syn(drill);
    long long first = drill->last_us;
    assert_true(receive(drill));
    assert_in_range(drill->last_us - first, 1000000, 1001000);
    assert_in_range(now_us(drill) - drill->last_us, 0, 100);
    send_segment(drill, TCPIP_TCP_RST, 1, 0, "");
    assert_false(receive(drill));
}

static void the_thread_that_drives_fails_where_it_would_wait(void **state)
{
    struct drill *drill = *state;
    int fd = listener(drill);
    assert_int_equal(drill->with.accept(drill->ud, fd, NULL, NULL), -1);
    assert_int_equal(errno, EDEADLK);
}

static void the_preloaded_getsockopt_knows_whose_a_descriptor_is(void **state)
{
    struct drill *drill = *state;
    int (*preloaded)(int, int, int, void *, socklen_t *);
    *(void **)&preloaded = dlsym(drill->object, "getsockopt");
    assert_non_null(preloaded);
    int value = -1, kernel = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t length = sizeof value;
    assert_int_equal(preloaded(listener(drill), SOL_SOCKET, SO_TYPE, &value, &length), 0);
    assert_int_equal(value, SOCK_STREAM);
    assert_int_equal(preloaded(kernel, SOL_SOCKET, SO_TYPE, &value, &length), 0);
    assert_int_equal(value, SOCK_DGRAM);
    close(kernel);
}

static void files_and_pipes_go_into_a_connection(void **state)
{
    struct drill *drill = *state;
    ssize_t (*preloaded)(int, int, off_t *, size_t);
    *(void **)&preloaded = dlsym(drill->object, "sendfile");
    assert_non_null(preloaded);
    int listening = listener(drill), fd = connection(drill, listening), fds[2];
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fwrite("from a file", 1, 11, file), 11);
    assert_int_equal(fflush(file), 0);
    off_t offset = 5;
    assert_int_equal(preloaded(fd, fileno(file), &offset, 6), 6);
    assert_true(receive(drill));
    assert_int_equal(drill->last.payload_bytes, 6);
    assert_memory_equal(drill->last.payload, "a file", 6);
    assert_int_equal(drill->with.setsockopt(drill->ud, fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)), 0);
    assert_int_equal(drill->with.pipe(drill->ud, fds), 0);
    assert_int_equal(drill->with.write(drill->ud, fds[1], "a pipe", 6), 6);
    loff_t none[2] = {0, 0};
    assert_int_equal(drill->with.splice(drill->ud, fds[0], &none[0], fd, &none[1], 100, 0), 6);
    assert_true(receive(drill));
    assert_int_equal(drill->last.payload_bytes, 6);
    assert_memory_equal(drill->last.payload, "a pipe", 6);
    assert_int_equal(drill->with.close(drill->ud, fds[0]), 0);
    assert_int_equal(drill->with.close(drill->ud, fds[1]), 0);
    fclose(file);
    send_segment(drill, TCPIP_TCP_RST | TCPIP_TCP_ACK, 1, 1, "");
}

/* ---- two threads ---- */

struct blocking {
    struct drill *drill;
    int fd;
    ssize_t result;
    int number;
    long long ended_us;
    pthread_t thread;
    pid_t tid;
    sem_t started;
    char data[16];
};

static void say_who(struct blocking *call)
{
    call->tid = gettid();
    sem_post(&call->started);
}

static void *accept_there(void *argument)
{
    struct blocking *call = argument;
    say_who(call);
    call->result = call->drill->with.accept(call->drill->ud, call->fd, NULL, NULL);
    call->ended_us = now_us(call->drill);
    return NULL;
}

static void *read_there(void *argument)
{
    struct blocking *call = argument;
    say_who(call);
    call->result = call->drill->with.read(call->drill->ud, call->fd, call->data, sizeof call->data);
    call->number = errno;
    call->ended_us = now_us(call->drill);
    return NULL;
}

static bool is_asleep(pid_t tid)
{
    char path[64], name[64], how = 0;
    int number;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)tid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return true; /* gone */
    assert_int_equal(fscanf(file, "%d (%63[^)]) %c", &number, name, &how), 3);
    fclose(file);
    return how == 'S';
}

/* Returns when the call waits, which packetdrill finds out in the same way. */
static void begin(struct blocking *call, void *(*there)(void *))
{
    sem_init(&call->started, 0, 0);
    assert_int_equal(pthread_create(&call->thread, NULL, there, call), 0);
    sem_wait(&call->started);
    while (!is_asleep(call->tid))
        sched_yield();
}

static void end(struct blocking *call)
{
    assert_int_equal(pthread_join(call->thread, NULL), 0);
    sem_destroy(&call->started);
}

static void a_blocking_accept_ends_at_the_instant_of_the_ack(void **state)
{
    struct drill *drill = *state;
    struct blocking call = {.drill = drill, .fd = listener(drill)};
    begin(&call, accept_there);
    send_syn(drill);
    drill->with.usleep(drill->ud, 500000);
    long long before = now_us(drill);
    send_segment(drill, TCPIP_TCP_ACK, 1, 1, "");
    long long after = now_us(drill);
    drill->with.usleep(drill->ud, 500000);
    end(&call);
    assert_true(call.result >= 0);
    assert_in_range(call.ended_us, before, after);
    send_segment(drill, TCPIP_TCP_RST | TCPIP_TCP_ACK, 1, 1, "");
}

static void a_blocking_read_ends_at_its_timeout_in_virtual_time(void **state)
{
    struct drill *drill = *state;
    struct timeval timeout = {.tv_sec = 3600};
    int listening = listener(drill);
    struct blocking call = {.drill = drill, .fd = connection(drill, listening)};
    assert_int_equal(drill->with.setsockopt(drill->ud, call.fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
    long long start = now_us(drill);
    begin(&call, read_there);
    drill->with.usleep(drill->ud, 3599999000);
    drill->with.usleep(drill->ud, 3599999000);
    end(&call);
    assert_int_equal(call.result, -1);
    assert_int_equal(call.number, EAGAIN);
    assert_in_range(call.ended_us - start, 3600 * 1000000LL, 3600 * 1000000LL + 1000);
    send_segment(drill, TCPIP_TCP_RST | TCPIP_TCP_ACK, 1, 1, "");
}

static void a_blocking_read_gets_what_came_and_nothing_is_woken_in_vain(void **state)
{
    struct drill *drill = *state;
    int listening = listener(drill);
    struct blocking call = {.drill = drill, .fd = connection(drill, listening)};
    begin(&call, read_there);
    drill->with.usleep(drill->ud, 1000);
    send_segment(drill, TCPIP_TCP_ACK, 1, 1, ""); /* says nothing new */
    drill->with.usleep(drill->ud, 1000);
    send_segment(drill, TCPIP_TCP_ACK | TCPIP_TCP_PSH, 1, 1, "abc");
    end(&call);
    assert_int_equal(call.result, 3);
    assert_memory_equal(call.data, "abc", 3);
    send_segment(drill, TCPIP_TCP_RST | TCPIP_TCP_ACK, 4, 1, "");
    while (receive(drill))
        ;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_pointer_of_the_table_is_filled_in, setup, teardown),
        cmocka_unit_test_setup_teardown(each_look_at_the_clock_takes_a_microsecond_or_more, setup, teardown),
        cmocka_unit_test_setup_teardown(a_connection_carries_bytes_both_ways, setup, teardown),
        cmocka_unit_test_setup_teardown(sleeping_runs_timers_in_order_and_each_packet_has_its_own_time, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(waiting_for_a_packet_moves_the_clock_to_the_next_one, setup, teardown),
        cmocka_unit_test_setup_teardown(the_thread_that_drives_fails_where_it_would_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(the_preloaded_getsockopt_knows_whose_a_descriptor_is, setup, teardown),
        cmocka_unit_test_setup_teardown(files_and_pipes_go_into_a_connection, setup, teardown),
        cmocka_unit_test_setup_teardown(a_blocking_accept_ends_at_the_instant_of_the_ack, setup, teardown),
        cmocka_unit_test_setup_teardown(a_blocking_read_ends_at_its_timeout_in_virtual_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_blocking_read_gets_what_came_and_nothing_is_woken_in_vain, setup, teardown),
    };
    if (argc != 2)
        return 2;
    object_path = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
