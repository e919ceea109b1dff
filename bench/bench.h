// SPDX-License-Identifier: MIT
/* bench.h: what the workloads share: a host in this process, a clock, and results as a table or as JSON. */
#ifndef TCPIP_BENCH_BENCH_H
#define TCPIP_BENCH_BENCH_H

#include <tcpip/loop.h>
#include <tcpip/tcpip.h>

struct bench_options {
    double seconds;       /* of each measurement */
    uint32_t connections; /* p4: idle ones beside; p6: how many; p11: at most; 0: the workload's own */
    bool json;
};

/* One measured figure. */
struct bench_figure {
    const char *name; /* "bulk, MTU 1500" */
    double value;
    const char *unit; /* "Gbit/s" */
};

enum { BENCH_FIGURES_MAX = 64 };

struct bench_report {
    const char *workload; /* "p1" */
    const char *what;
    struct bench_figure figures[BENCH_FIGURES_MAX];
    int count;
};

void bench_report_add(struct bench_report *report, const char *name, double value, const char *unit);

/* CLOCK_MONOTONIC and this thread's CPU time, in seconds. */
double bench_clock(void);
double bench_cpu(void);
/* Ends the program with a line when a call that can't fail here did. */
void bench_must(enum tcpip_error error, const char *what);

/* An environment that counts what it gave: bench_env_bytes. */
struct bench_env {
    struct tcpip_env env;
    uint64_t bytes;
    tcpip_ns ahead_ns; /* its clock is the machine's and this, so that timers fall due when a workload says */
};
void bench_env_init(struct bench_env *env);

/* A stack with the loopback link, 127.0.0.1 and ::1. */
struct tcpip_stack *bench_loopback_stack(struct bench_env *env, struct tcpip_link **link, uint32_t mtu);
/* Two stacks, 10.0.0.1 and 10.0.0.2, on a pipe that copies each packet once. */
struct bench_pipe {
    struct bench_env env;
    struct tcpip_stack *stacks[2];
    struct tcpip_link *ends[2];
};
void bench_pipe_init(struct bench_pipe *pipe, uint32_t mtu, uint32_t flags, uint32_t gso_max_bytes);
void bench_pipe_fini(struct bench_pipe *pipe);
/* Moves packets until both are quiet. */
void bench_pipe_settle(struct bench_pipe *pipe);

/* Within one stack, over its loopback NIC: a listener on 127.0.0.1, port 80. */
struct bench_server {
    struct bench_env env;
    struct tcpip_link *link;
    struct tcpip_stack *stack;
    struct tcpip_endpoint *listener;
    struct tcpip_full_address address;
};
void bench_server_init(struct bench_server *server);
/* Closes what is left of its connections, too. */
void bench_server_fini(struct bench_server *server);
void bench_server_connect(struct bench_server *server, struct tcpip_endpoint **client,
                          struct tcpip_endpoint **accepted);
/* 2 * `count` ends: client and accepted of each in turn. */
void bench_server_connections(struct bench_server *server, uint32_t count, struct tcpip_endpoint **out);
/* 64 bytes there and 64 back. */
void bench_exchange(struct tcpip_endpoint *client, struct tcpip_endpoint *server);

/* The workloads (tcpip bench --help says what they are). */
void bench_p1(const struct bench_options *options, struct bench_report *report);
void bench_p2(const struct bench_options *options, struct bench_report *report);
void bench_p3(const struct bench_options *options, struct bench_report *report);
void bench_p4(const struct bench_options *options, struct bench_report *report);
void bench_p5(const struct bench_options *options, struct bench_report *report);
void bench_p6(const struct bench_options *options, struct bench_report *report);
void bench_p9(const struct bench_options *options, struct bench_report *report);
void bench_p10(const struct bench_options *options, struct bench_report *report);
void bench_p11(const struct bench_options *options, struct bench_report *report);

/* `tcpip bench`. argv[0] is "bench". Returns the exit status. */
int bench_main(int argc, char **argv);

#endif
