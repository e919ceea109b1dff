// SPDX-License-Identifier: MIT
/* stack_test.c: whole stacks on descriptor links in a loop: TCP between two of them over a socket pair, and between one
 * and the kernel over a TUN, a TAP and a packet socket. One side echoes, the other sends a pattern and checks what
 * comes back.
 *
 * The kernel's half needs /dev/net/tun and a network namespace; where there is neither, it says so and is skipped. */
#include "base/math.h"
#include "platform/netlink.h"
#include "platform/netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <tcpip/endpoint.h>
#include <tcpip/fdbased.h>
#include <tcpip/loop.h>
#include <unistd.h>

#include <cmocka.h>

enum { CHUNK = 65536, PORT = 80 };

static struct tcpip_system_error why;
static bool have_tun;

/* The pattern's bytes from `offset` on. */
static void pattern(uint8_t *out, size_t size, uint64_t offset)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)((offset + i) * 2654435761u >> 13);
}

struct host {
    struct tcpip_env env;
    struct tcpip_loop *loop;
    struct tcpip_stack *stack;
    struct tcpip_link *link, *ethernet;
};

static void host_open(struct host *host, struct tcpip_loop *loop, const struct tcpip_fdbased_options *options,
                      const char *address, const char *gateway)
{
    struct tcpip_prefix own;
    struct tcpip_route_entry route = {.nic = 1};
    tcpip_posix_env(&host->env);
    host->loop = loop;
    assert_int_equal(tcpip_stack_new(&host->env, NULL, &tcpip_protocols_all, &host->stack), TCPIP_OK);
    assert_int_equal(tcpip_fdbased_new(&host->env, options, &host->link), TCPIP_OK);
    struct tcpip_link *top = host->link;
    if (options->ethernet) {
        struct tcpip_link_address mac = {{2, 0, 0, 0, 9, 2}, 6};
        top = host->ethernet = tcpip_ethernet_new(&host->env, host->link, mac);
    }
    assert_int_equal(tcpip_stack_create_nic(host->stack, 1, top, NULL), TCPIP_OK);
    assert_int_equal(tcpip_prefix_parse(address, &own), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_address(host->stack, 1, &own, NULL), TCPIP_OK);
    assert_int_equal(tcpip_prefix_parse(gateway, &route.destination), TCPIP_OK);
    assert_int_equal(tcpip_stack_add_route(host->stack, &route), TCPIP_OK);
    assert_int_equal(tcpip_loop_add_stack(loop, host->stack), TCPIP_OK);
    assert_int_equal(tcpip_loop_add_link(loop, host->link), TCPIP_OK);
}

static void host_close(struct host *host)
{
    tcpip_loop_remove_stack(host->loop, host->stack);
    tcpip_stack_free(host->stack);
    if (host->ethernet != NULL)
        tcpip_ethernet_free(host->ethernet);
    tcpip_fdbased_free(host->link);
}

/* ---- a server on a stack: one connection, what comes goes back ---- */

struct echo {
    struct tcpip_endpoint *listener, *endpoint;
    struct tcpip_waiter accept_waiter, waiter;
    uint8_t held[CHUNK];
    size_t held_from, held_to;
    bool done; /* the other side has finished, and so have we */
};

static void echo_work(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct echo *echo = TCPIP_CONTAINER_OF(waiter, struct echo, waiter);
    enum tcpip_error error = TCPIP_OK;
    (void)ready;
    while (error == TCPIP_OK && !echo->done) {
        size_t size = 0;
        if (echo->held_from < echo->held_to) {
            error = tcpip_endpoint_write(echo->endpoint, echo->held + echo->held_from, echo->held_to - echo->held_from,
                                         0, NULL, &size);
            echo->held_from += error == TCPIP_OK ? size : 0;
            continue;
        }
        error = tcpip_endpoint_read(echo->endpoint, echo->held, sizeof(echo->held), &size, NULL);
        echo->held_from = 0;
        echo->held_to = error == TCPIP_OK ? size : 0;
        if (error == TCPIP_ERR_CLOSED_FOR_RECEIVE) {
            echo->done = true;
            assert_int_equal(tcpip_endpoint_shutdown(echo->endpoint, TCPIP_SHUTDOWN_WRITE), TCPIP_OK);
        }
    }
    assert_true(error == TCPIP_OK || error == TCPIP_ERR_WOULD_BLOCK || error == TCPIP_ERR_CLOSED_FOR_RECEIVE);
}

static void echo_accept(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct echo *echo = TCPIP_CONTAINER_OF(waiter, struct echo, accept_waiter);
    (void)ready;
    if (echo->endpoint != NULL)
        return;
    assert_int_equal(tcpip_endpoint_accept(echo->listener, &echo->endpoint, NULL), TCPIP_OK);
    echo->waiter = (struct tcpip_waiter){.mask = TCPIP_EVENT_IN | TCPIP_EVENT_OUT, .fn = echo_work};
    tcpip_endpoint_waiter_add(echo->endpoint, &echo->waiter);
    echo_work(&echo->waiter, 0);
}

static void echo_open(struct echo *echo, struct host *host)
{
    struct tcpip_full_address own = {.port = PORT};
    memset(echo, 0, sizeof(*echo));
    assert_int_equal(tcpip_stack_new_endpoint(host->stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &echo->listener),
                     TCPIP_OK);
    assert_int_equal(tcpip_endpoint_bind(echo->listener, &own, NULL, NULL), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_listen(echo->listener, 5), TCPIP_OK);
    echo->accept_waiter = (struct tcpip_waiter){.mask = TCPIP_EVENT_IN, .fn = echo_accept};
    tcpip_endpoint_waiter_add(echo->listener, &echo->accept_waiter);
}

static void echo_close(struct echo *echo)
{
    tcpip_endpoint_close(echo->endpoint);
    tcpip_endpoint_close(echo->listener);
}

/* ---- the client's side of a transfer ---- */

struct transfer {
    uint64_t total, sent, received;
    bool finished, shut;
    uint8_t bytes[CHUNK], expected[CHUNK];
};

static void transfer_check(struct transfer *transfer, size_t size)
{
    pattern(transfer->expected, size, transfer->received);
    assert_memory_equal(transfer->bytes, transfer->expected, size);
    transfer->received += size;
}

/* The next bytes to be sent, in `bytes`. */
static size_t transfer_next(struct transfer *transfer)
{
    size_t size = (size_t)min_u64(CHUNK, transfer->total - transfer->sent);
    pattern(transfer->bytes, size, transfer->sent);
    return size;
}

static void run(struct tcpip_loop *loop, struct transfer *transfer)
{
    struct tcpip_env env;
    tcpip_posix_env(&env);
    tcpip_ns until = env.now(env.ctx) + 30 * TCPIP_SECOND;
    while (!transfer->finished) {
        assert_true(tcpip_loop_run_once(loop, TCPIP_SECOND));
        if (env.now(env.ctx) > until)
            fail_msg("stuck: sent %u of %u, received %u", (unsigned)transfer->sent, (unsigned)transfer->total,
                     (unsigned)transfer->received);
    }
    assert_int_equal(transfer->received, transfer->total);
}

/* ---- between two stacks ---- */

struct client {
    struct tcpip_endpoint *endpoint;
    struct tcpip_waiter waiter;
    struct transfer transfer;
};

static void client_work(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct client *client = TCPIP_CONTAINER_OF(waiter, struct client, waiter);
    struct transfer *transfer = &client->transfer;
    size_t size, done;
    (void)ready;
    enum tcpip_error error = TCPIP_OK;
    while (error == TCPIP_OK && (size = transfer_next(transfer)) > 0) {
        error = tcpip_endpoint_write(client->endpoint, transfer->bytes, size, 0, NULL, &done);
        transfer->sent += error == TCPIP_OK ? done : 0;
    }
    if (transfer->sent == transfer->total && !transfer->shut) {
        transfer->shut = true;
        assert_int_equal(tcpip_endpoint_shutdown(client->endpoint, TCPIP_SHUTDOWN_WRITE), TCPIP_OK);
    }
    while ((error = tcpip_endpoint_read(client->endpoint, transfer->bytes, CHUNK, &done, NULL)) == TCPIP_OK)
        transfer_check(transfer, done);
    if (error == TCPIP_ERR_CLOSED_FOR_RECEIVE)
        transfer->finished = true;
    else
        assert_int_equal(error, TCPIP_ERR_WOULD_BLOCK);
}

static void transfer_between_stacks(struct tcpip_fdbased_options options, uint64_t total)
{
    struct host hosts[2] = {{.link = NULL}};
    struct tcpip_loop *loop;
    struct tcpip_env env;
    int pair[2];
    tcpip_posix_env(&env);
    struct echo *echo = calloc(1, sizeof(*echo));
    struct client *client = calloc(1, sizeof(*client));
    assert_int_equal(tcpip_loop_new(&env, NULL, &loop), TCPIP_OK);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    options.size = sizeof(options);
    options.owns_fd = true;
    options.fd = pair[0];
    host_open(&hosts[0], loop, &options, "10.0.0.1/24", "10.0.0.0/24");
    options.fd = pair[1];
    host_open(&hosts[1], loop, &options, "10.0.0.2/24", "10.0.0.0/24");
    echo_open(echo, &hosts[0]);

    struct tcpip_full_address remote = {.address = tcpip_address_v4(10, 0, 0, 1), .port = PORT};
    assert_int_equal(
        tcpip_stack_new_endpoint(hosts[1].stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &client->endpoint), TCPIP_OK);
    client->waiter = (struct tcpip_waiter){.mask = TCPIP_EVENT_IN | TCPIP_EVENT_OUT, .fn = client_work};
    client->transfer.total = total;
    tcpip_endpoint_waiter_add(client->endpoint, &client->waiter);
    assert_int_equal(tcpip_endpoint_connect(client->endpoint, &remote), TCPIP_ERR_CONNECT_STARTED);
    run(loop, &client->transfer);

    tcpip_endpoint_close(client->endpoint);
    echo_close(echo);
    host_close(&hosts[0]);
    host_close(&hosts[1]);
    tcpip_loop_free(loop);
    free(client);
    free(echo);
}

static void two_stacks_speak_tcp_over_a_socket_pair(void **state)
{
    (void)state;
    transfer_between_stacks((struct tcpip_fdbased_options){.mtu = 1500}, 3000000);
    transfer_between_stacks((struct tcpip_fdbased_options){.mtu = 9000}, 3000000);
}

static void two_stacks_hand_each_other_super_segments(void **state)
{
    (void)state;
    uint32_t flags = TCPIP_LINK_TX_CHECKSUM | TCPIP_LINK_TSO4 | TCPIP_LINK_TSO6;
    transfer_between_stacks((struct tcpip_fdbased_options){.vnet_header_bytes = 10, .flags = flags}, 10000000);
    flags = TCPIP_LINK_TX_CHECKSUM;
    transfer_between_stacks((struct tcpip_fdbased_options){.vnet_header_bytes = 12, .flags = flags}, 3000000);
}

/* ---- between a stack and the kernel ---- */

struct kernel_client {
    struct transfer transfer;
    struct tcpip_loop_fd *watched;
    int fd;
};

static void kernel_work(void *ctx, uint32_t events)
{
    struct kernel_client *client = ctx;
    struct transfer *transfer = &client->transfer;
    ssize_t size;
    if ((events & TCPIP_LOOP_WRITE) != 0) {
        size_t next = transfer_next(transfer);
        if (next > 0 && (size = send(client->fd, transfer->bytes, next, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
            transfer->sent += (uint64_t)size;
        if (transfer->sent == transfer->total && !transfer->shut) {
            transfer->shut = true;
            assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
            tcpip_loop_set_fd(client->watched, TCPIP_LOOP_READ);
        }
    }
    while ((size = recv(client->fd, transfer->bytes, CHUNK, MSG_DONTWAIT)) > 0)
        transfer_check(transfer, (size_t)size);
    if (size == 0)
        transfer->finished = true;
    else
        assert_true(errno == EAGAIN || errno == ENOTCONN);
    if (transfer->finished)
        tcpip_loop_set_fd(client->watched, 0);
}

static void need_the_kernel(void)
{
    if (!have_tun) {
        print_message("skipped: needs a TUN in a network namespace: %s\n", why.text);
        skip();
    }
}

/* The kernel's end of the cable is up, and has an address. */
static void kernel_end(const char *name, uint32_t mtu)
{
    struct tcpip_prefix prefix;
    assert_int_equal(tcpip__netlink_set_link(name, true, mtu, &why), TCPIP_OK);
    assert_int_equal(tcpip_prefix_parse("10.9.0.1/24", &prefix), TCPIP_OK);
    assert_int_equal(tcpip__netlink_add_address(name, &prefix, &why), TCPIP_OK);
}

static void transfer_with_the_kernel(struct tcpip_fdbased_options link_options, uint64_t total)
{
    struct host host = {.link = NULL};
    struct tcpip_loop *loop;
    struct tcpip_env env;
    struct sockaddr_in remote = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    tcpip_posix_env(&env);
    assert_int_equal(tcpip_loop_new(&env, NULL, &loop), TCPIP_OK);
    link_options.owns_fd = true;
    host_open(&host, loop, &link_options, "10.9.0.2/24", "10.9.0.0/24");
    struct echo *echo = calloc(1, sizeof(*echo));
    struct kernel_client *client = calloc(1, sizeof(*client));
    echo_open(echo, &host);

    client->transfer.total = total;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(inet_pton(AF_INET, "10.9.0.2", &remote.sin_addr), 1);
    assert_int_equal(connect(client->fd, (struct sockaddr *)&remote, sizeof(remote)), -1);
    assert_int_equal(errno, EINPROGRESS);
    assert_int_equal(
        tcpip_loop_add_fd(loop, client->fd, TCPIP_LOOP_READ | TCPIP_LOOP_WRITE, kernel_work, client, &client->watched),
        TCPIP_OK);
    run(loop, &client->transfer);

    struct tcpip_fdbased_counters counters;
    tcpip_fdbased_get_counters(host.link, &counters);
    assert_int_equal(counters.rx_malformed + counters.rx_too_big + counters.tx_errors + counters.tx_short, 0);
    if (link_options.vnet_header_bytes > 0) /* mostly super-segments */
        assert_true(counters.rx_packets < total / 4000 && counters.tx_packets < total / 4000);
    tcpip_loop_remove_fd(client->watched);
    close(client->fd);
    echo_close(echo);
    host_close(&host);
    tcpip_loop_free(loop);
    free(client);
    free(echo);
}

static void transfer_over_a_tun(struct tcpip_tun_options options, uint32_t mtu, uint64_t total)
{
    struct tcpip_tun tun;
    need_the_kernel();
    options.size = sizeof(options);
    assert_int_equal(tcpip_tun_open(&options, &tun, &why), TCPIP_OK);
    kernel_end(tun.name, mtu);
    assert_int_equal(tcpip_interface_mtu(tun.name, &tun.mtu, &why), TCPIP_OK);
    transfer_with_the_kernel(tcpip_tun_link_options(&tun), total);
}

/* The kernel has one end of a cable, we listen on the other, which it has too, but no address there. */
static void transfer_over_a_cable(uint32_t mtu, uint32_t ring_bytes, uint64_t total)
{
    struct tcpip_packet_socket_options options = {
        .size = sizeof(options), .name = "ours", .vnet = true, .promiscuous = true};
    struct tcpip_packet_socket opened;
    need_the_kernel();
    assert_int_equal(tcpip__netlink_add_veth("theirs", "ours", &why), TCPIP_OK);
    assert_int_equal(tcpip__netlink_set_link("ours", true, mtu, &why), TCPIP_OK);
    kernel_end("theirs", mtu);
    assert_int_equal(tcpip_packet_socket_open(&options, &opened, &why), TCPIP_OK);
    struct tcpip_fdbased_options link = tcpip_packet_socket_link_options(&opened);
    link.ring_bytes = ring_bytes;
    transfer_with_the_kernel(link, total);
    assert_int_equal(tcpip__netlink_delete_link("theirs", &why), TCPIP_OK);
}

static void a_stack_speaks_tcp_with_the_kernel_over_a_tun(void **state)
{
    (void)state;
    transfer_over_a_tun((struct tcpip_tun_options){.name = NULL}, 0, 2000000);
    transfer_over_a_tun((struct tcpip_tun_options){.name = NULL}, 65520, 10000000);
}

static void offload_carries_tcp_in_super_segments(void **state)
{
    (void)state;
    transfer_over_a_tun((struct tcpip_tun_options){.vnet = true}, 0, 20000000);
    transfer_over_a_tun((struct tcpip_tun_options){.vnet = true, .vnet_header_bytes = 12}, 9000, 20000000);
}

static void a_stack_speaks_tcp_with_the_kernel_over_a_tap(void **state)
{
    (void)state;
    transfer_over_a_tun((struct tcpip_tun_options){.tap = true}, 0, 2000000);
    transfer_over_a_tun((struct tcpip_tun_options){.tap = true, .vnet = true}, 0, 20000000);
}

static void a_stack_speaks_tcp_with_the_kernel_over_a_packet_socket(void **state)
{
    (void)state;
    transfer_over_a_cable(0, 0, 20000000);
    transfer_over_a_cable(9000, 0, 20000000);
}

static void a_stack_speaks_tcp_with_the_kernel_over_a_ring(void **state)
{
    (void)state;
    transfer_over_a_cable(0, 1, 20000000);
    transfer_over_a_cable(9000, 8 << 20, 20000000);
}

static int enter(void **state)
{
    (void)state;
    struct tcpip_tun tun;
    have_tun = tcpip__netns_enter(&why) == TCPIP_OK && tcpip_tun_open(NULL, &tun, &why) == TCPIP_OK;
    if (have_tun)
        close(tun.fd);
    else
        print_message("SKIPPED, ALL THAT NEEDS THE KERNEL: %s\n", why.text);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_stacks_speak_tcp_over_a_socket_pair),
        cmocka_unit_test(two_stacks_hand_each_other_super_segments),
        cmocka_unit_test(a_stack_speaks_tcp_with_the_kernel_over_a_tun),
        cmocka_unit_test(offload_carries_tcp_in_super_segments),
        cmocka_unit_test(a_stack_speaks_tcp_with_the_kernel_over_a_tap),
        cmocka_unit_test(a_stack_speaks_tcp_with_the_kernel_over_a_packet_socket),
        cmocka_unit_test(a_stack_speaks_tcp_with_the_kernel_over_a_ring),
    };
    return cmocka_run_group_tests_name("stacks on descriptors", tests, enter, NULL);
}
