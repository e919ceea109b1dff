// SPDX-License-Identifier: MIT
/* host.c: a stack on an interface, in a loop, as the command line asks for it.
 *
 * A life: the interface (with --netns, a process in a namespace of its own that waits), the stack, its addresses and
 * routes, the loop; then the program after "--" may start, and the loop runs. Signals come as a descriptor, so that
 * they are callbacks like all others: SIGINT and SIGTERM end the loop, the second one ends the process; SIGCHLD says
 * that the program has ended.
 *
 * Owns:        everything in struct host, and the signal mask.
 * Invariants:  the program after "--" starts when everything else has succeeded, with the signal mask this process
 *              began with; it never outlives this process's clean end.
 * Not here:    the links (host_link.c), what the command does with it all (echo.c, ...). */
#include "host.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

void host_say(const struct host *host, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    fprintf(stderr, "tcpip %s: %s\n", host->options->command->name, line);
}

static bool host_good(const struct host *host, enum tcpip_error error, const char *what)
{
    if (error != TCPIP_OK)
        host_say(host, "%s: %s", what, tcpip_error_text(error));
    return error == TCPIP_OK;
}

/* ---- the stack ---- */

static void print_event(void *ctx, const struct tcpip_event *event)
{
    char line[512];
    (void)ctx;
    tcpip_event_print(event, line, sizeof(line));
    fprintf(stderr, "%s\n", line);
}

static void set_limits(struct host *host)
{
    switch (host->options->limits) {
    case OPTIONS_LIMITS_TINY:
        tcpip_limits_tiny(&host->limits);
        break;
    case OPTIONS_LIMITS_SERVER:
        tcpip_limits_server(&host->limits);
        break;
    case OPTIONS_LIMITS_DEFAULT:
        tcpip_limits_default(&host->limits);
        break;
    }
}

static bool add_addresses(struct host *host)
{
    const struct options_prefixes *addresses = &host->options->addresses;
    char text[TCPIP_ADDRESS_TEXT_MAX];
    for (uint32_t i = 0; i < addresses->count; i++) {
        /* A TUN has nobody on it who could have the same address. */
        struct tcpip_address_properties properties = {
            .size = sizeof(properties),
            .flags = host->options->ethernet && host->options->link != OPTIONS_NETNS ? 0 : TCPIP_ADDRESS_NO_DAD,
        };
        tcpip_address_format(&addresses->prefix[i].address, text);
        if (!host_good(host, tcpip_stack_add_address(host->stack, HOST_NIC, &addresses->prefix[i], &properties), text))
            return false;
    }
    return true;
}

static bool add_route(struct host *host, const struct tcpip_prefix *destination, const struct tcpip_address *gateway)
{
    struct tcpip_route_entry row = {.destination = *destination, .nic = HOST_NIC};
    if (gateway != NULL)
        row.gateway = *gateway;
    return host_good(host, tcpip_stack_add_route(host->stack, &row), "routes");
}

/* The networks of our addresses, then everything else: to the gateways, or straight into a TUN, behind which there is
 * a kernel that routes. Within a namespace of ours the kernel is the gateway of a TAP, too. */
static bool add_routes(struct host *host)
{
    const struct options *options = host->options;
    for (uint32_t i = 0; i < options->addresses.count; i++) {
        if (!add_route(host, &options->addresses.prefix[i], NULL))
            return false;
    }
    for (uint32_t i = 0; i < options->gateway_count; i++) {
        struct tcpip_prefix all = {.address.len = options->gateways[i].len};
        if (!add_route(host, &all, &options->gateways[i]))
            return false;
    }
    for (uint32_t i = 0; options->ethernet && options->link == OPTIONS_NETNS && i < options->host_addresses.count;
         i++) {
        struct tcpip_prefix all = {.address.len = options->host_addresses.prefix[i].address.len};
        if (!add_route(host, &all, &options->host_addresses.prefix[i].address))
            return false;
    }
    for (uint32_t i = 0; !options->ethernet && i < options->addresses.count; i++) {
        struct tcpip_prefix all = {.address.len = options->addresses.prefix[i].address.len};
        if (!add_route(host, &all, NULL))
            return false;
    }
    return true;
}

/* An interface that was deleted doesn't come back. */
static void on_nic_state(void *ctx, struct tcpip_nic *nic, bool up, enum tcpip_error error)
{
    struct host *host = ctx;
    (void)nic;
    if (up || host->stopped || !tcpip_fdbased_is_dead(host->device))
        return;
    host_say(host, "the interface %s is gone: %s", host->tun.name, tcpip_error_text(error));
    host_stop(host, EXIT_FAILED);
}

static int open_stack(struct host *host)
{
    const struct options *options = host->options;
    enum tcpip_error error = tcpip_stack_new(&host->env, &host->limits, &tcpip_protocols_all, &host->stack);
    if (!host_good(host, error, "cannot make a stack"))
        return EXIT_FAILED;
    struct tcpip_nic_options nic = {.size = sizeof(nic), .name = host->tun.name, .on_state = on_nic_state, .ctx = host};
    error = tcpip_stack_create_nic(host->stack, HOST_NIC, host_link_top(host), &nic);
    if (!host_good(host, error, "cannot attach the interface") || !add_addresses(host) || !add_routes(host))
        return EXIT_FAILED;
    if (options->congestion != NULL && tcpip_congestion_set_default(host->stack, options->congestion) != TCPIP_OK) {
        host_say(host, "--congestion %s: there is none of that name; try cubic, reno, bbr or dctcp",
                 options->congestion);
        return EXIT_USAGE;
    }
    return EXIT_GOOD;
}

struct tcpip_endpoint *host_listen(struct host *host, uint16_t port)
{
    uint32_t network = TCPIP_PROTOCOL_IPV4;
    struct tcpip_full_address any = {.port = port};
    struct tcpip_endpoint *endpoint = NULL;
    for (uint32_t i = 0; i < host->options->addresses.count; i++) {
        if (host->options->addresses.prefix[i].address.len == 16)
            network = TCPIP_PROTOCOL_IPV6; /* takes IPv4, too */
    }
    enum tcpip_error error = tcpip_stack_new_endpoint(host->stack, TCPIP_PROTOCOL_TCP, network, &endpoint);
    if (error == TCPIP_OK)
        error = tcpip_endpoint_bind(endpoint, &any, NULL, NULL);
    if (error == TCPIP_OK)
        error = tcpip_endpoint_listen(endpoint, -1);
    if (error == TCPIP_OK)
        return endpoint;
    host_say(host, "cannot listen on port %u: %s", port, tcpip_error_text(error));
    if (endpoint != NULL)
        tcpip_endpoint_close(endpoint);
    return NULL;
}

/* ---- signals ---- */

void host_stop(struct host *host, int status)
{
    if (!host->stopped)
        host->status = status;
    host->stopped = true;
    if (host->loop != NULL)
        tcpip_loop_stop(host->loop);
}

/* Looks whether the program has ended; only then does the wait, which says how, not block. */
static void reap_child(struct host *host)
{
    siginfo_t info = {0};
    if (!host->child_alive || waitid(P_PID, (id_t)host->child.pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid == 0)
        return;
    host->child_alive = false;
    int status = tcpip__netns_wait(&host->child);
    if (host->ends_with_child)
        host_stop(host, status);
}

static void on_signal(void *ctx, uint32_t events)
{
    struct host *host = ctx;
    struct signalfd_siginfo info;
    (void)events;
    while (read(host->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD) {
            reap_child(host);
            continue;
        }
        if (host->stopped)
            _exit(128 + (int)info.ssi_signo); /* twice: somebody is in a hurry */
        host_stop(host, host->ends_with_child ? 128 + (int)info.ssi_signo : EXIT_GOOD);
    }
}

static bool open_signals(struct host *host)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    host->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return host->signal_fd >= 0 &&
           tcpip_loop_add_fd(host->loop, host->signal_fd, TCPIP_LOOP_READ, on_signal, host, &host->signals) == TCPIP_OK;
}

/* ---- a life ---- */

static int open_loop(struct host *host)
{
    enum tcpip_error error = tcpip_loop_new(&host->env, NULL, &host->loop);
    if (error == TCPIP_OK)
        error = tcpip_loop_add_stack(host->loop, host->stack);
    if (error == TCPIP_OK)
        error = tcpip_loop_add_link(host->loop, host->device);
    if (!host_good(host, error, "cannot make a loop"))
        return EXIT_FAILED;
    if (!open_signals(host)) {
        host_say(host, "cannot wait for signals: %s", strerror(errno));
        return EXIT_FAILED;
    }
    return EXIT_GOOD;
}

int host_open(struct host *host, const struct options *options)
{
    *host = (struct host){.options = options, .signal_fd = -1, .tun.fd = -1};
    tcpip_posix_env(&host->env);
    if (options->trace)
        host->env.trace = print_event;
    set_limits(host);
    int status = host_link_open(host);
    if (status == EXIT_GOOD)
        status = open_stack(host);
    if (status == EXIT_GOOD)
        status = open_loop(host);
    if (status == EXIT_GOOD)
        return EXIT_GOOD;
    host->options = options;
    host->stopped = true;
    host->status = status;
    host_close(host);
    return status;
}

void host_run(struct host *host)
{
    if (host->child_alive)
        tcpip__netns_start(&host->child);
    host->ends_with_child = host->ends_with_child && host->options->program != NULL;
    if (!host->stopped)
        tcpip_loop_run(host->loop);
}

static void print_stats(struct host *host)
{
    const struct options *options = host->options;
    struct tcpip_stats stats;
    enum tcpip_stats_format format = options->stats == OPTIONS_STATS_JSON ? TCPIP_STATS_JSON : TCPIP_STATS_TEXT;
    tcpip_stack_stats(host->stack, &stats);
    size_t size = tcpip_stats_print(&stats, format, NULL, 0) + 1;
    char *text = malloc(size);
    FILE *out = options->stats_path != NULL ? fopen(options->stats_path, "w") : stderr;
    if (text == NULL || out == NULL) {
        host_say(host, "cannot write the counters: %s", strerror(errno));
    } else {
        tcpip_stats_print(&stats, format, text, size);
        fprintf(out, "%s%s", text, size > 1 && text[size - 2] == '\n' ? "" : "\n");
    }
    if (out != NULL && out != stderr)
        fclose(out);
    free(text);
}

static void end_child(struct host *host)
{
    if (!host->child_alive)
        return;
    if (host->options->program != NULL)
        kill(host->child.pid, SIGTERM);
    tcpip__netns_wait(&host->child);
    host->child_alive = false;
}

int host_close(struct host *host)
{
    end_child(host);
    if (host->signals != NULL)
        tcpip_loop_remove_fd(host->signals);
    if (host->signal_fd >= 0)
        close(host->signal_fd);
    if (host->stack != NULL) {
        if (host->options->stats != OPTIONS_NO_STATS && host->status != EXIT_USAGE)
            print_stats(host);
        if (host->loop != NULL)
            tcpip_loop_remove_stack(host->loop, host->stack);
        tcpip_stack_free(host->stack);
    }
    if (host->loop != NULL)
        tcpip_loop_free(host->loop);
    host_link_free(host);
    return host->status;
}
