// SPDX-License-Identifier: MIT
/* congestion_lab.c: two hosts and a path between them in virtual time, to try a congestion controller on.
 *
 *     a --- fault link (rate, delay, queue, loss) --- pipe --- b
 *
 * Sends a few megabytes from a to b under each controller, over a path that is only slow and over one that also loses
 * packets at random, and prints how long that took and what was sent again. Nothing sleeps: the clock jumps from
 * deadline to deadline, and the same program prints the same table every time. It is a test as well, and speaks TAP.
 *
 * Not here: the controllers (congestion_westwood.c; reno, cubic, bbr and dctcp are the library's). */
#include "congestion_westwood.h"

#include <tcpip/loop.h>
#include <tcpip/tcpip.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lab {
    struct tcpip_env env;
    tcpip_ns now;
    struct tcpip_stack *stacks[2];
    struct tcpip_link *ends[2], *path;
    struct tcpip_full_address to;
};

struct outcome {
    tcpip_ns took_ns;
    uint64_t received, retransmits;
    char controller[16];
};

static void must(enum tcpip_error error)
{
    if (error == TCPIP_OK)
        return;
    fprintf(stderr, "congestion_lab: %s\n", tcpip_error_text(error));
    exit(1);
}

/* ---- the world: memory from the C library, a clock that is moved by hand, randomness that isn't ---- */

static tcpip_ns lab_now(void *ctx)
{
    return ((struct lab *)ctx)->now;
}

static void lab_random(void *ctx, void *out, size_t size)
{
    (void)ctx;
    memset(out, 0x5a, size);
}

static void lab_pump_later(void *ctx) /* lab_settle does it */
{
    (void)ctx;
}

static void lab_host(struct lab *lab, int i, struct tcpip_link *link, const char *text)
{
    struct tcpip_prefix prefix;
    struct tcpip_route_entry everywhere = {.destination.address.len = 4, .nic = 1};
    must(tcpip_stack_new(&lab->env, NULL, &tcpip_protocols_all, &lab->stacks[i]));
    must(tcpip_stack_create_nic(lab->stacks[i], 1, link, NULL));
    must(tcpip_prefix_parse(text, &prefix));
    must(tcpip_stack_add_address(lab->stacks[i], 1, &prefix, NULL));
    must(tcpip_stack_add_route(lab->stacks[i], &everywhere));
    must(tcpip_congestion_register(lab->stacks[i], &congestion_westwood));
}

static void lab_init(struct lab *lab, const struct tcpip_fault_profile *out)
{
    struct tcpip_fault_options fault = {.size = sizeof(fault), .seed = 1, .out = *out};
    struct tcpip_pipe_options pipe = {.size = sizeof(pipe), .on_ready = {lab_pump_later, lab_pump_later}};
    memset(lab, 0, sizeof(*lab));
    fault.in.delay_ns = out->delay_ns;
    tcpip_posix_env(&lab->env);
    lab->now = TCPIP_SECOND;
    lab->env.ctx = lab;
    lab->env.now = lab_now;
    lab->env.random = lab_random;
    must(tcpip_pipe_new(&lab->env, &pipe, lab->ends));
    lab->path = tcpip_fault_new(&lab->env, lab->ends[0], &fault);
    must(lab->path == NULL ? TCPIP_ERR_NO_MEMORY : TCPIP_OK);
    lab_host(lab, 0, lab->path, "10.0.0.1/24");
    lab_host(lab, 1, lab->ends[1], "10.0.0.2/24");
    lab->to.address = tcpip_address_v4(10, 0, 0, 2);
    lab->to.port = 9;
}

static void lab_fini(struct lab *lab)
{
    tcpip_stack_free(lab->stacks[0]);
    tcpip_stack_free(lab->stacks[1]);
    tcpip_fault_free(lab->path);
    tcpip_pipe_free(lab->ends);
}

/* Until nothing more happens at this instant. */
static void lab_settle(struct lab *lab)
{
    for (bool more = true; more;) {
        more = false;
        for (int i = 0; i < 2; i++) {
            more |= tcpip_pipe_pump(lab->ends[i], 64) > 0;
            if (tcpip_stack_deadline(lab->stacks[i]) <= lab->now)
                more |= (tcpip_stack_advance(lab->stacks[i], 0), true);
        }
    }
}

/* To the next instant at which something is due. */
static void lab_step(struct lab *lab)
{
    lab_settle(lab);
    tcpip_ns a = tcpip_stack_deadline(lab->stacks[0]), b = tcpip_stack_deadline(lab->stacks[1]);
    lab->now = a < b ? a : b;
}

/* ---- one transfer ---- */

static void lab_connect(struct lab *lab, const char *controller, struct tcpip_endpoint **client,
                        struct tcpip_endpoint **server)
{
    struct tcpip_endpoint *listener;
    must(tcpip_stack_new_endpoint(lab->stacks[1], TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &listener));
    must(tcpip_endpoint_bind(listener, &lab->to, NULL, NULL));
    must(tcpip_endpoint_listen(listener, 1));
    must(tcpip_stack_new_endpoint(lab->stacks[0], TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, client));
    must(tcpip_endpoint_set_congestion(*client, controller));
    enum tcpip_error error = tcpip_endpoint_connect(*client, &lab->to);
    must(error == TCPIP_ERR_CONNECT_STARTED ? TCPIP_OK : error);
    while (tcpip_endpoint_accept(listener, server, NULL) != TCPIP_OK)
        lab_step(lab);
    tcpip_endpoint_close(listener);
}

static struct outcome lab_transfer(const char *controller, const struct tcpip_fault_profile *path, uint64_t total)
{
    static uint8_t buffer[65536];
    struct lab lab;
    struct outcome outcome = {0};
    struct tcpip_endpoint *client, *server;
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    size_t done;
    lab_init(&lab, path);
    lab_connect(&lab, controller, &client, &server);
    snprintf(outcome.controller, sizeof(outcome.controller), "%s", tcpip_endpoint_congestion(client));
    tcpip_ns began = lab.now;
    for (uint64_t written = 0; outcome.received < total && lab.now - began < 3600 * TCPIP_SECOND; lab_step(&lab)) {
        while (written < total && tcpip_endpoint_write(client, buffer, sizeof(buffer), 0, NULL, &done) == TCPIP_OK)
            written += done;
        while (tcpip_endpoint_read(server, buffer, sizeof(buffer), &done, NULL) == TCPIP_OK)
            outcome.received += done;
    }
    outcome.took_ns = lab.now - began;
    must(tcpip_endpoint_tcp_info(client, &info));
    outcome.retransmits = info.total_retransmits;
    tcpip_endpoint_close(client);
    tcpip_endpoint_close(server);
    lab_fini(&lab);
    return outcome;
}

static unsigned tests, failures;

static void expect(bool good, const char *what)
{
    printf("%sok %u - %s\n", good ? "" : "not ", ++tests, what);
    failures += !good;
}

int main(void)
{
    enum { TOTAL = 8000000 };
    static const char *const names[] = {"reno", "cubic", "westwood"};
    /* 20 Mbit/s, 40 ms there and back, a queue of one bandwidth-delay product; and the same with 1 packet in 500 lost
     * on the way. */
    struct tcpip_fault_profile slow = {.rate_bps = 20000000, .delay_ns = 20 * TCPIP_MS, .queue_bytes = 100000};
    struct tcpip_fault_profile lossy = slow;
    lossy.loss_ppm = 2000;
    struct outcome clean[3], lost[3];
    printf("# %-9s %22s %22s\n", "8 MB", "20 Mbit/s, 40 ms", "and 0.2 % loss");
    bool complete = true, named = true;
    for (int i = 0; i < 3; i++) {
        clean[i] = lab_transfer(names[i], &slow, TOTAL);
        lost[i] = lab_transfer(names[i], &lossy, TOTAL);
        complete = complete && clean[i].received >= TOTAL && lost[i].received >= TOTAL;
        named = named && strcmp(clean[i].controller, names[i]) == 0;
        printf("# %-9s %6lld ms %4llu again    %6lld ms %4llu again\n", names[i],
               (long long)(clean[i].took_ns / TCPIP_MS), (unsigned long long)clean[i].retransmits,
               (long long)(lost[i].took_ns / TCPIP_MS), (unsigned long long)lost[i].retransmits);
    }
    struct outcome again = lab_transfer("westwood", &lossy, TOTAL);
    expect(complete, "every byte arrives under every controller");
    expect(named, "a controller from outside the library is chosen by its name");
    expect(clean[2].took_ns < 4500 * TCPIP_MS, "westwood fills a path that is only slow");
    expect(lost[2].took_ns < lost[0].took_ns, "westwood does better than reno where losses aren't congestion");
    expect(again.took_ns == lost[2].took_ns, "the same path gives the same result, to the nanosecond");
    printf("1..%u\n", tests);
    return failures == 0 ? 0 : 1;
}
