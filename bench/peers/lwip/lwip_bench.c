// SPDX-License-Identifier: MIT
/* lwip_bench.c: p1, p4, p5 and p6 on lwIP, as bench/ has them for our stack: `lwip-bench p1 [--seconds N] ...`.
 *
 * lwIP keeps its state in globals, so both ends are in its one instance: an interface whose wire leads back to itself
 * and copies each packet once. What a connection may hold is fixed when it is compiled (BENCH_WINDOW); compare builds
 * one program a window and takes the best.
 *
 * Prints JSON, a line a workload, as `tcpip bench --json` does. */
#include <lwip/init.h>
#include <lwip/ip4_frag.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/sys.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>
#include <malloc.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

enum { MESSAGE = 64, CHUNK = 16384, WIRE_MAX = 65536 };

static double seconds = 1.0;
static uint32_t connections = 0;

static double clock_of(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double wall(void)
{
    return clock_of(CLOCK_MONOTONIC);
}

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "lwip-bench: %s failed\n", what);
    exit(1);
}

u32_t sys_now(void)
{
    return (u32_t)(uint64_t)(wall() * 1e3);
}

/* Sum of 16-bit words, as they lie in memory. Four words a step with the carries gathered aside: the compiler makes
 * vectors of it. */
uint16_t bench_lwip_sum(const void *data, int bytes)
{
    const uint8_t *p = data;
    uint64_t sum = 0;
    for (; bytes >= 32; bytes -= 32, p += 32) {
        uint32_t w[8];
        memcpy(w, p, 32);
        for (int i = 0; i < 8; i++)
            sum += w[i];
    }
    for (; bytes >= 2; bytes -= 2, p += 2) {
        uint16_t w;
        memcpy(&w, p, 2);
        sum += w;
    }
    if (bytes > 0)
        sum += *p;
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* ---- the wire ---- */

static struct netif interface;
static struct pbuf *wire[WIRE_MAX];
static uint32_t wire_head, wire_tail;

static err_t wire_output(struct netif *netif, struct pbuf *packet, const ip4_addr_t *to)
{
    (void)netif, (void)to;
    struct pbuf *copy = pbuf_alloc(PBUF_RAW, packet->tot_len, PBUF_POOL);
    if (copy == NULL || wire_tail - wire_head == WIRE_MAX)
        return ERR_MEM;
    pbuf_copy(copy, packet);
    wire[wire_tail++ % WIRE_MAX] = copy;
    return ERR_OK;
}

static err_t wire_init(struct netif *netif)
{
    netif->name[0] = 'b';
    netif->name[1] = 'w';
    netif->mtu = 1500;
    netif->output = wire_output;
    return ERR_OK;
}

/* Moves packets until none is left; timers when their time has come. */
static void settle(void)
{
    while (wire_head != wire_tail) {
        struct pbuf *packet = wire[wire_head++ % WIRE_MAX];
        if (interface.input(packet, &interface) != ERR_OK)
            pbuf_free(packet);
    }
}

static void timers(void)
{
    static double next;
    double now = wall();
    if (now < next)
        return;
    next = now + TCP_TMR_INTERVAL * 1e-3;
    tcp_tmr();
    settle();
}

/* ---- ends ---- */

static struct tcp_pcb *listener, *accepted;
static ip_addr_t here;
static uint8_t in[CHUNK], out[CHUNK];
static uint64_t read_bytes;
static uint32_t requests, answers;

static err_t on_bulk(void *arg, struct tcp_pcb *pcb, struct pbuf *data, err_t error)
{
    (void)arg, (void)error;
    if (data == NULL)
        return tcp_close(pcb);
    for (u16_t at = 0; at < data->tot_len;) /* the copying calls: what came goes to the reader's memory */
        at = (u16_t)(at + pbuf_copy_partial(data, in, CHUNK, at));
    read_bytes += data->tot_len;
    tcp_recved(pcb, data->tot_len);
    pbuf_free(data);
    return ERR_OK;
}

static err_t on_message(void *arg, struct tcp_pcb *pcb, struct pbuf *data, err_t error)
{
    (void)error;
    if (data == NULL)
        return tcp_close(pcb);
    pbuf_copy_partial(data, in, MESSAGE, 0);
    tcp_recved(pcb, data->tot_len);
    pbuf_free(data);
    if (arg != NULL) {
        answers++;
        return ERR_OK;
    }
    requests++;
    must(tcp_write(pcb, out, MESSAGE, TCP_WRITE_FLAG_COPY) == ERR_OK, "answer");
    return tcp_output(pcb);
}

static tcp_recv_fn server_recv;

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t error)
{
    (void)arg, (void)error;
    accepted = pcb;
    tcp_recv(pcb, server_recv);
    tcp_nagle_disable(pcb);
    return ERR_OK;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t error)
{
    (void)arg, (void)pcb, (void)error;
    return ERR_OK;
}

static void begin(tcp_recv_fn recv)
{
    ip4_addr_t mask, gateway;
    lwip_init();
    IP4_ADDR(&here, 10, 0, 0, 1);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 0, 0, 0, 0);
    must(netif_add(&interface, &here, &mask, &gateway, NULL, wire_init, ip_input) != NULL, "interface");
    netif_set_default(&interface);
    netif_set_up(&interface);
    netif_set_link_up(&interface);
    server_recv = recv;
    struct tcp_pcb *pcb = tcp_new();
    must(pcb != NULL && tcp_bind(pcb, &here, 80) == ERR_OK, "bind");
    listener = tcp_listen(pcb);
    must(listener != NULL, "listen");
    tcp_accept(listener, on_accept);
}

static struct tcp_pcb *dial(void)
{
    struct tcp_pcb *pcb = tcp_new();
    must(pcb != NULL, "endpoint");
    tcp_nagle_disable(pcb);
    tcp_arg(pcb, pcb);
    tcp_recv(pcb, on_message);
    must(tcp_connect(pcb, &here, 80, on_connected) == ERR_OK, "connect");
    settle();
    must(pcb->state == ESTABLISHED, "handshake");
    return pcb;
}

/* ---- workloads ---- */

static void report(const char *workload, const char *name, double value, const char *unit, bool last)
{
    static bool open;
    if (!open)
        printf("{\"workload\":\"%s\",\"figures\":[", workload);
    printf("%s{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"}", open ? "," : "", name, value, unit);
    open = !last;
    if (last)
        printf("]}\n");
}

static void p1(void)
{
    begin(on_bulk);
    struct tcp_pcb *from = dial();
    double warm = wall() + seconds * 0.2, end = warm + seconds, began = 0, cpu = 0, now;
    while ((now = wall()) < end) {
        if (began == 0 && now >= warm) {
            began = now;
            cpu = clock_of(CLOCK_THREAD_CPUTIME_ID);
            read_bytes = 0;
        }
        for (int i = 0; i < 32; i++) {
            for (;;) {
                uint32_t room = tcp_sndbuf(from);
                u16_t bytes = (u16_t)(room < CHUNK ? room : CHUNK);
                if (bytes < TCP_MSS || tcp_write(from, out, bytes, TCP_WRITE_FLAG_COPY) != ERR_OK)
                    break;
            }
            tcp_output(from);
            settle();
        }
        timers();
    }
    double took = wall() - began;
    cpu = clock_of(CLOCK_THREAD_CPUTIME_ID) - cpu;
    report("p1", "bulk", (double)read_bytes * 8e-9 / took, "Gbit/s", false);
    report("p1", "CPU per full segment, both ends", cpu * 1e9 / ((double)read_bytes / 1448), "ns", true);
}

static void exchange(struct tcp_pcb *client)
{
    uint32_t before = answers;
    must(tcp_write(client, out, MESSAGE, TCP_WRITE_FLAG_COPY) == ERR_OK, "request");
    tcp_output(client);
    settle();
    must(answers == before + 1, "exchange");
}

static double rr(struct tcp_pcb *client)
{
    double began = wall(), now;
    uint64_t count = 0;
    while ((now = wall()) < began + seconds) {
        for (int i = 0; i < 1000; i++)
            exchange(client);
        count += 1000;
        timers();
    }
    return (double)count / (now - began);
}

/* Idle ones from other addresses: one interface has one, so ports are chosen here and lwIP's search is spared. */
static void idle(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        (void)dial();
}

static void p4(void)
{
    begin(on_message);
    struct tcp_pcb *client = dial();
    report("p4", "alone", rr(client), "exchanges/s", false);
    uint32_t count = connections != 0 ? connections : 10000;
    if (count > 16000)
        count = 16000; /* one address has no more ports in lwIP's range */
    idle(count);
    client = dial();
    report("p4", "idle connections beside", count, "", false);
    report("p4", "among them", rr(client), "exchanges/s", true);
}

static void p5(void)
{
    begin(on_message);
    double began = wall(), now;
    uint64_t count = 0;
    while ((now = wall()) < began + seconds) {
        for (int i = 0; i < 100; i++) {
            struct tcp_pcb *client = dial();
            exchange(client);
            must(tcp_close(client) == ERR_OK, "close");
            settle();
            timers();
        }
        count += 100;
    }
    report("p5", "TIME-WAIT about 1 ms", (double)count / (now - began), "connections/s", true);
}

static void p6(void)
{
    begin(on_message);
    uint32_t count = connections != 0 && connections < 10000 ? connections : 10000;
    struct mallinfo2 before = mallinfo2();
    double began = wall();
    idle(count);
    double took = wall() - began;
    struct mallinfo2 after = mallinfo2();
    report("p6", "per endpoint", (double)(after.uordblks - before.uordblks) / (2.0 * count), "bytes", false);
    report("p6", "connections made", count / took, "1/s", true);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } workloads[] = {{"p1", p1}, {"p4", p4}, {"p5", p5}, {"p6", p6}};
    void (*run)(void) = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
            seconds = strtod(argv[++i], NULL);
        else if (strcmp(argv[i], "--connections") == 0 && i + 1 < argc)
            connections = (uint32_t)strtoul(argv[++i], NULL, 10);
        else
            for (size_t w = 0; w < sizeof(workloads) / sizeof(workloads[0]); w++)
                run = strcmp(argv[i], workloads[w].name) == 0 ? workloads[w].run : run;
    }
    if (run == NULL || seconds < 0.01 || seconds > 600) {
        fprintf(stderr, "usage: lwip-bench p1|p4|p5|p6 [--seconds N] [--connections N]\n");
        return 2;
    }
    run();
    return 0;
}
