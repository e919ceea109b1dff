// SPDX-License-Identifier: MIT
/* kernel_bench.c: p2, p4 and p5 on the kernel's TCP over its loopback, both ends in this thread: `kernel-bench p2`.
 *
 * cubic on both ends. Prints JSON, a line a workload, as `tcpip bench --json` does. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE = 64, CHUNK = 65536 };

static double seconds = 1.0;
static struct sockaddr_in address;
static int listener;

static double wall(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "kernel-bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int endpoint(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    must(fd >= 0, "socket");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
    must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0, "TCP_NODELAY");
    return fd;
}

static void begin(void)
{
    socklen_t size = sizeof(address);
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listener = endpoint();
    must(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0, "bind");
    must(listen(listener, 1024) == 0, "listen");
    must(getsockname(listener, (struct sockaddr *)&address, &size) == 0, "getsockname");
}

static void dial(int *client, int *accepted)
{
    *client = endpoint();
    must(connect(*client, (struct sockaddr *)&address, sizeof(address)) == 0, "connect");
    *accepted = accept(listener, NULL, NULL);
    must(*accepted >= 0, "accept");
}

static void exchange(int client, int accepted)
{
    char message[MESSAGE] = {0};
    must(write(client, message, MESSAGE) == MESSAGE && read(accepted, message, MESSAGE) == MESSAGE &&
             write(accepted, message, MESSAGE) == MESSAGE && read(client, message, MESSAGE) == MESSAGE,
         "exchange");
}

static void p2(void)
{
    int client, accepted;
    char *memory = calloc(2, CHUNK);
    begin();
    dial(&client, &accepted);
    must(memory != NULL && fcntl(client, F_SETFL, O_NONBLOCK) == 0 && fcntl(accepted, F_SETFL, O_NONBLOCK) == 0,
         "O_NONBLOCK");
    double began = wall(), now;
    uint64_t bytes = 0;
    while ((now = wall()) < began + seconds) {
        for (int i = 0; i < 64; i++) {
            ssize_t n;
            while ((n = write(client, memory, CHUNK)) == CHUNK)
                ;
            while ((n = read(accepted, memory + CHUNK, CHUNK)) > 0)
                bytes += (uint64_t)n;
        }
    }
    printf("{\"workload\":\"p2\",\"figures\":[{\"name\":\"bulk\",\"value\":%.6g,\"unit\":\"Gbit/s\"}]}\n",
           (double)bytes * 8e-9 / (now - began));
    free(memory);
}

static void p4(void)
{
    int client, accepted;
    begin();
    dial(&client, &accepted);
    double began = wall(), now;
    uint64_t count = 0;
    while ((now = wall()) < began + seconds) {
        for (int i = 0; i < 1000; i++)
            exchange(client, accepted);
        count += 1000;
    }
    printf("{\"workload\":\"p4\",\"figures\":[{\"name\":\"alone\",\"value\":%.6g,\"unit\":\"exchanges/s\"}]}\n",
           (double)count / (now - began));
}

static void p5(void)
{
    begin();
    double began = wall(), now;
    uint64_t count = 0;
    while ((now = wall()) < began + seconds) {
        for (int i = 0; i < 100; i++) {
            int client, accepted;
            dial(&client, &accepted);
            exchange(client, accepted);
            close(client);
            close(accepted);
        }
        count += 100;
    }
    printf("{\"workload\":\"p5\",\"figures\":[{\"name\":\"TIME-WAIT as the kernel has it\",\"value\":%.6g,"
           "\"unit\":\"connections/s\"}]}\n",
           (double)count / (now - began));
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } workloads[] = {{"p2", p2}, {"p4", p4}, {"p5", p5}};
    void (*run)(void) = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
            seconds = strtod(argv[++i], NULL);
        else
            for (size_t w = 0; w < sizeof(workloads) / sizeof(workloads[0]); w++)
                run = strcmp(argv[i], workloads[w].name) == 0 ? workloads[w].run : run;
    }
    if (run == NULL || seconds < 0.01 || seconds > 600) {
        fprintf(stderr, "usage: kernel-bench p2|p4|p5 [--seconds N]\n");
        return 2;
    }
    run();
    return 0;
}
