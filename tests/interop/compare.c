// SPDX-License-Identifier: MIT
/* compare.c: our TCP and the kernel's over the same bad lines, at the same time. What tests/interop/compare starts.
 *
 *     compare [--lines N] [--seed N] [--loss PPM] [--delay US] [--rate BPS] [--queue BYTES] [--seconds N]
 *             [--direction upload|download] [--who ours|kernel|both] [--congestion NAME] [--pcap FOLDER]
 *
 *     ours:    our stack  -- fault link -- TUN | kernel
 *     kernel:  kernel | TUN -- fault link -- TUN | kernel
 *
 * N lines of each kind, each a pair of ends in network namespaces of their own, with a fault link between that loses
 * and delays what passes. Lines of both kinds come in pairs with the same seed: the k-th packet of a direction is lost
 * on both or on neither. All run at once, so that whatever else the machine does happens to both.
 *
 * The near end calls and then sends (upload) or receives (download); the far end is a kernel always. Whoever receives
 * counts what it has read after so many seconds. A TUN hands packets over in the context of whoever writes to it: the
 * kernel's TCP runs within this process's system calls, as our stack runs within its loop, and neither waits to be
 * woken.
 *
 * One line of JSON per end of a line; the script puts them together. Faults begin with the first packet, the SYN.
 *
 * Owns:        the lines. Not here: the kernel's ends (compare_peer.c), the conditions and what is expected (compare).
 */
#include "compare.h"

#include "platform/netns.h"

#include <tcpip/fdbased.h>
#include <tcpip/loop.h>
#include <tcpip/tcpip.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINES_MAX = 32, BOX_PRIORITY = 50, BUFFER_MAX = 64 << 20, LATE_MAX = 100 };

static const tcpip_ns GRACE = 300 * TCPIP_MS, LATE_STEP = 100 * TCPIP_MS;

struct options {
    uint32_t lines, seed, seconds;
    struct tcpip_fault_profile fault;
    bool upload, ours, kernel;
    const char *congestion, *pcap;
};

/* Hands what one link delivers to the other. */
struct passage {
    struct tcpip_link_upper upper;
    struct tcpip_link *to;
};

struct line {
    struct box *box;
    bool ours;
    uint32_t seed;
    char label[64];
    struct tcpip_stack *stack;
    struct tcpip_link *far, *near, *fault, *sniffer, *top;
    struct passage outward, inward;
    struct netns_child far_child, near_child;
    FILE *pcap;

    /* Our end. */
    struct tcpip_endpoint *endpoint;
    struct tcpip_waiter waiter;
    tcpip_ns until;
    uint64_t bytes;
    bool ended;
};

struct box {
    struct options options;
    struct tcpip_env env;
    struct tcpip_limits limits;
    struct tcpip_loop *loop;
    struct line lines[2 * LINES_MAX];
    uint32_t count;
    int ready[2];
};

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "compare: %s\n", what);
    exit(1);
}

static void good(enum tcpip_error error, const char *what)
{
    if (error != TCPIP_OK)
        fprintf(stderr, "compare: %s: %s\n", what, tcpip_error_text(error));
    must(error == TCPIP_OK, "that was all");
}

/* ---- between two kernels ---- */

static void passage_deliver(struct tcpip_link_upper *upper, struct tcpip_packet_list *packets)
{
    struct passage *passage = TCPIP_CONTAINER_OF(upper, struct passage, upper);
    passage->to->ops->transmit(passage->to, packets);
    must(packets->count == 0, "a TUN pushed back");
}

static void passage_ready(struct tcpip_link_upper *upper)
{
    (void)upper;
}

static void passage_state(struct tcpip_link_upper *upper, bool up, enum tcpip_error error)
{
    (void)upper;
    (void)up;
    (void)error;
}

static void passage_open(struct line *line, struct passage *passage, struct tcpip_link *from, struct tcpip_link *to)
{
    passage->upper.deliver = passage_deliver;
    passage->upper.tx_ready = passage_ready;
    passage->upper.state = passage_state;
    passage->to = to;
    good(from->ops->attach(from, line->stack, &passage->upper), "attach");
}

/* ---- our end ---- */

static void our_receive(struct line *line)
{
    static uint8_t buffer[4 * COMPARE_CHUNK];
    size_t done;
    while (!line->ended && tcpip_endpoint_read(line->endpoint, buffer, sizeof(buffer), &done, NULL) == TCPIP_OK)
        line->bytes += tcpip_loop_now(line->box->loop) < line->until ? done : 0;
}

static void our_send(struct line *line)
{
    static const uint8_t buffer[COMPARE_CHUNK];
    size_t done;
    while (tcpip_endpoint_write(line->endpoint, buffer, sizeof(buffer), 0, NULL, &done) == TCPIP_OK) {
    }
}

static void our_waiter(struct tcpip_waiter *waiter, uint32_t ready)
{
    struct line *line = TCPIP_CONTAINER_OF(waiter, struct line, waiter);
    (void)ready;
    if (line->box->options.upload)
        our_send(line);
    else
        our_receive(line);
}

static void our_call(struct line *line)
{
    const struct options *options = &line->box->options;
    struct tcpip_full_address to = {.port = COMPARE_PORT};
    good(tcpip_address_parse(COMPARE_THERE, &to.address), "address");
    good(tcpip_stack_new_endpoint(line->stack, TCPIP_PROTOCOL_TCP, TCPIP_PROTOCOL_IPV4, &line->endpoint), "endpoint");
    good(tcpip_endpoint_set_congestion(line->endpoint, options->congestion), options->congestion);
    line->waiter.mask = TCPIP_EVENT_IN | TCPIP_EVENT_OUT;
    line->waiter.fn = our_waiter;
    tcpip_endpoint_waiter_add(line->endpoint, &line->waiter);
    line->until = line->box->env.now(line->box->env.ctx) + options->seconds * TCPIP_SECOND;
    must(tcpip_endpoint_connect(line->endpoint, &to) == TCPIP_ERR_CONNECT_STARTED, "connect");
}

static void our_report(struct line *line)
{
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    struct tcpip_stats stats;
    good(tcpip_endpoint_tcp_info(line->endpoint, &info), "information");
    tcpip_stack_stats(line->stack, &stats);
    if (line->box->options.upload)
        printf("{%s, \"role\": \"sender\", \"retransmits\": %u, \"rtt_us\": %lld, \"min_rtt_us\": %lld, "
               "\"reordering\": %u, \"dsacks\": %u, \"rwnd_limited_ms\": %lld, \"sndbuf_limited_ms\": %lld, "
               "\"segments\": %llu, \"timeouts\": %llu}\n",
               line->label, info.total_retransmits, (long long)(info.srtt_ns / TCPIP_US),
               (long long)(info.min_rtt_ns / TCPIP_US), info.reordering, info.dsack_duplicates,
               (long long)(info.rwnd_limited_ns / TCPIP_MS), (long long)(info.sndbuf_limited_ns / TCPIP_MS),
               (unsigned long long)info.data_segments_out, (unsigned long long)stats.tcp.timeouts);
    else
        printf("{%s, \"role\": \"receiver\", \"bytes\": %llu, \"acks\": %llu, \"segments\": %llu}\n", line->label,
               (unsigned long long)line->bytes, (unsigned long long)info.segments_out,
               (unsigned long long)info.data_segments_in);
}

/* ---- a line ---- */

/* A namespace with a TUN and, waiting to be started, a kernel's end of the line. */
static void line_spawn(struct line *line, bool far, struct netns_child *out)
{
    const struct options *options = &line->box->options;
    struct tcpip_system_error why = {0};
    struct tcpip_prefix prefix;
    char seconds[16], ready[16];
    good(tcpip_prefix_parse(far ? COMPARE_THERE "/24" : COMPARE_HERE "/24", &prefix), "address");
    snprintf(seconds, sizeof(seconds), "%u", options->seconds);
    snprintf(ready, sizeof(ready), "%d", far ? line->box->ready[1] : -1);
    char *const argv[] = {"/proc/self/exe",
                          "peer",
                          line->label,
                          far ? "answer" : "call",
                          far == options->upload ? "receive" : "send",
                          seconds,
                          (char *)options->congestion,
                          ready,
                          NULL};
    struct netns_options netns = {
        .tun = {.size = sizeof(netns.tun)}, .addresses = &prefix, .address_count = 1, .argv = argv};
    if (tcpip__netns_spawn(&netns, out, &why) != TCPIP_OK)
        must(false, why.text);
}

static struct tcpip_link *line_tun(struct line *line, const struct netns_child *child)
{
    struct tcpip_link *link;
    struct tcpip_fdbased_options options = tcpip_tun_link_options(&child->tun);
    options.owns_fd = true;
    options.no_gro = true; /* a fault is to hit one packet */
    good(tcpip_fdbased_new(&line->box->env, &options, &link), "link");
    return link;
}

static void line_capture(void *ctx, const void *bytes, size_t size)
{
    (void)!fwrite(bytes, 1, size, ctx);
}

static void line_sniffer(struct line *line)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s-%u.pcapng", line->box->options.pcap, line->ours ? "ours" : "kernel",
             line->seed);
    line->pcap = fopen(path, "wb");
    must(line->pcap != NULL, path);
    struct tcpip_sniffer_options sniffer = {.size = sizeof(sniffer), .write = line_capture, .ctx = line->pcap};
    line->top = line->sniffer = tcpip_sniffer_new(&line->box->env, line->top, &sniffer);
}

static void line_address(struct line *line)
{
    struct tcpip_prefix prefix;
    struct tcpip_address_properties properties = {.size = sizeof(properties), .flags = TCPIP_ADDRESS_NO_DAD};
    struct tcpip_route_entry route = {.nic = 1};
    good(tcpip_prefix_parse(COMPARE_HERE "/24", &prefix), "address");
    good(tcpip_stack_add_address(line->stack, 1, &prefix, &properties), "address");
    good(tcpip_prefix_parse("0.0.0.0/0", &route.destination), "route");
    good(tcpip_stack_add_route(line->stack, &route), "route");
}

static void line_open(struct box *box, bool ours, uint32_t seed)
{
    struct line *line = &box->lines[box->count++];
    line->box = box;
    line->ours = ours;
    line->seed = seed;
    snprintf(line->label, sizeof(line->label), "\"who\": \"%s\", \"seed\": %u", ours ? "ours" : "kernel", seed);
    line_spawn(line, true, &line->far_child);
    good(tcpip_stack_new(&box->env, &box->limits, &tcpip_protocols_all, &line->stack), "stack");
    good(tcpip_loop_add_stack(box->loop, line->stack), "loop");
    line->far = line_tun(line, &line->far_child);
    struct tcpip_fault_options fault = {
        .size = sizeof(fault), .seed = seed, .out = box->options.fault, .in = box->options.fault};
    line->top = line->fault = tcpip_fault_new(&box->env, line->far, &fault);
    if (box->options.pcap != NULL)
        line_sniffer(line);
    if (ours) {
        good(tcpip_stack_create_nic(line->stack, 1, line->top, NULL), "NIC");
        line_address(line);
    } else {
        line_spawn(line, false, &line->near_child);
        line->near = line_tun(line, &line->near_child);
        passage_open(line, &line->outward, line->near, line->top);
        passage_open(line, &line->inward, line->top, line->near);
        good(tcpip_loop_add_link(box->loop, line->near), "loop");
    }
    good(tcpip_loop_add_link(box->loop, line->far), "loop");
}

static void line_start(struct line *line)
{
    if (line->ours)
        our_call(line);
    else
        tcpip__netns_start(&line->near_child);
}

/* Whoever still sends hears from here that it is over. */
static void line_end(struct line *line)
{
    struct tcpip_fault_counters out, in;
    tcpip_fault_get_counters(line->fault, &out, &in);
    printf("{%s, \"role\": \"line\", \"out\": %llu, \"out_lost\": %llu, \"out_full\": %llu, \"in\": %llu, "
           "\"in_lost\": %llu, \"in_full\": %llu}\n",
           line->label, (unsigned long long)out.passed, (unsigned long long)out.lost,
           (unsigned long long)out.queue_dropped, (unsigned long long)in.passed, (unsigned long long)in.lost,
           (unsigned long long)in.queue_dropped);
    if (!line->ours)
        return;
    our_report(line);
    line->ended = true;
    tcpip_endpoint_waiter_remove(line->endpoint, &line->waiter);
    (void)!tcpip_endpoint_set_option(line->endpoint, TCPIP_OPTION_LINGER, 0);
    tcpip_endpoint_close(line->endpoint);
}

static void line_free(struct line *line)
{
    tcpip_loop_remove_stack(line->box->loop, line->stack);
    if (!line->ours) {
        line->top->ops->detach(line->top);
        line->near->ops->detach(line->near);
    }
    tcpip_stack_free(line->stack);
    if (line->sniffer != NULL)
        tcpip_sniffer_free(line->sniffer);
    tcpip_fault_free(line->fault);
    tcpip_fdbased_free(line->far);
    if (line->near != NULL)
        tcpip_fdbased_free(line->near);
    if (line->pcap != NULL)
        fclose(line->pcap);
    must(tcpip__netns_wait(&line->far_child) == 0, "a kernel's end failed");
    must(line->ours || tcpip__netns_wait(&line->near_child) == 0, "a kernel's end failed");
}

/* ---- all ---- */

static bool parse_word(struct options *out, const char *name, const char *value)
{
    if (strcmp(name, "--direction") == 0)
        out->upload = strcmp(value, "upload") == 0;
    else if (strcmp(name, "--congestion") == 0)
        out->congestion = value;
    else if (strcmp(name, "--pcap") == 0)
        out->pcap = value;
    else if (strcmp(name, "--who") == 0) {
        out->ours = strcmp(value, "kernel") != 0;
        out->kernel = strcmp(value, "ours") != 0;
    } else
        return false;
    return true;
}

static bool parse_number(struct options *out, const char *name, uint64_t number)
{
    if (strcmp(name, "--lines") == 0)
        out->lines = (uint32_t)number;
    else if (strcmp(name, "--seed") == 0)
        out->seed = (uint32_t)number;
    else if (strcmp(name, "--seconds") == 0)
        out->seconds = (uint32_t)number;
    else if (strcmp(name, "--loss") == 0)
        out->fault.loss_ppm = (uint32_t)number;
    else if (strcmp(name, "--delay") == 0)
        out->fault.delay_ns = (tcpip_ns)number * TCPIP_US;
    else if (strcmp(name, "--rate") == 0)
        out->fault.rate_bps = number;
    else if (strcmp(name, "--queue") == 0)
        out->fault.queue_bytes = (uint32_t)number;
    else
        return false;
    return true;
}

static void parse(int argc, char **argv, struct options *out)
{
    *out = (struct options){.lines = 1, .seed = 1, .seconds = 5, .ours = true, .kernel = true, .congestion = "cubic"};
    for (int i = 1; i < argc; i += 2) {
        must(i + 1 < argc, argv[i]);
        must(parse_word(out, argv[i], argv[i + 1]) || parse_number(out, argv[i], strtoull(argv[i + 1], NULL, 10)),
             argv[i]);
    }
    must(out->lines >= 1 && out->lines <= LINES_MAX && out->seconds >= 1, "--lines and --seconds");
}

static void run_for(struct box *box, tcpip_ns duration)
{
    tcpip_ns until = box->env.now(box->env.ctx) + duration;
    for (tcpip_ns left; (left = until - box->env.now(box->env.ctx)) > 0;)
        (void)tcpip_loop_run_once(box->loop, left);
}

static bool has_ended(const struct netns_child *child)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

/* Has every kernel that receives said what it received? */
static bool all_counted(const struct box *box)
{
    for (uint32_t i = 0; i < box->count; i++) {
        const struct line *line = &box->lines[i];
        if (box->options.upload ? !has_ended(&line->far_child) : !line->ours && !has_ended(&line->near_child))
            return false;
    }
    return true;
}

/* How much of a processor the lines took, with all of TCP that isn't an application: too much, and it was the limit. */
static void report_cpu(const struct box *box, tcpip_ns start)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double used = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                  (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    double wall = (double)(box->env.now(box->env.ctx) - start) / 1e9;
    printf("{\"role\": \"box\", \"cpu_percent\": %.0f}\n", 100 * used / wall);
}

static void start_all(struct box *box)
{
    char byte;
    for (uint32_t i = 0; i < box->count; i++)
        tcpip__netns_start(&box->lines[i].far_child);
    for (uint32_t i = 0; i < box->count; i++)
        must(read(box->ready[0], &byte, 1) == 1, "a kernel's end didn't start");
    compare_urgent(BOX_PRIORITY);
    for (uint32_t i = 0; i < box->count; i++)
        line_start(&box->lines[i]);
}

int main(int argc, char **argv)
{
    static struct box box;
    if (argc > 1 && strcmp(argv[1], "peer") == 0)
        return compare_peer(argc, argv);
    parse(argc, argv, &box.options);
    setvbuf(stdout, NULL, _IOLBF, 0); /* lines of several processes stay whole */
    tcpip_posix_env(&box.env);
    tcpip_limits_default(&box.limits);
    box.limits.tcp_send_buffer_max = box.limits.tcp_receive_buffer_max = BUFFER_MAX;
    good(tcpip_loop_new(&box.env, NULL, &box.loop), "loop");
    must(pipe(box.ready) == 0, "pipe");
    for (uint32_t i = 0; i < box.options.lines; i++) {
        if (box.options.ours)
            line_open(&box, true, box.options.seed + i);
        if (box.options.kernel)
            line_open(&box, false, box.options.seed + i);
    }
    start_all(&box);
    tcpip_ns start = box.env.now(box.env.ctx);
    run_for(&box, box.options.seconds * TCPIP_SECOND);
    /* The far ends' time begins a round trip or a lost SYN later than the near ones'. */
    for (uint32_t i = 0; i < LATE_MAX && !all_counted(&box); i++)
        run_for(&box, LATE_STEP);
    for (uint32_t i = 0; i < box.count; i++)
        line_end(&box.lines[i]);
    run_for(&box, 2 * box.options.fault.delay_ns + GRACE);
    for (uint32_t i = 0; i < box.count; i++)
        line_free(&box.lines[i]);
    report_cpu(&box, start);
    tcpip_loop_free(box.loop);
    return 0;
}
