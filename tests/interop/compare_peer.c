// SPDX-License-Identifier: MIT
/* compare_peer.c: the kernel's TCP at one end of a line: sends or receives for some seconds, and says what came of it.
 *
 * Everything that bounds a connection beside its congestion control is made generous: buffers of 64 MB, a long queue
 * at the interface. Nothing is remembered from one connection for the next. Whoever receives counts: what was read
 * SECONDS after the call or its acceptance. Whoever sends goes on until the receiver ends the connection.
 *
 * Not here: the line (compare.c). */
#include "compare.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PEER_PRIORITY = 10, PEER_QUEUE = 20000 };

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "compare: peer: %s: %s\n", what, strerror(errno));
    exit(1);
}

void compare_urgent(int priority)
{
    struct sched_param param = {.sched_priority = priority};
    (void)!sched_setscheduler(0, SCHED_FIFO, &param); /* or else the figures are noisier */
}

static int64_t now_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static void set_sysctl(const char *name, const char *value)
{
    char path[128];
    snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    must(fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value), path);
    close(fd);
}

/* The interface, whatever it is called: the one beside lo. */
static void set_queue(void)
{
    struct if_nameindex *names = if_nameindex();
    must(names != NULL, "interfaces");
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (struct if_nameindex *name = names; name->if_name != NULL; name++) {
        struct ifreq request = {.ifr_qlen = PEER_QUEUE};
        strncpy(request.ifr_name, name->if_name, IFNAMSIZ - 1);
        must(strcmp(name->if_name, "lo") == 0 || ioctl(fd, SIOCSIFTXQLEN, &request) == 0, "SIOCSIFTXQLEN");
    }
    close(fd);
    if_freenameindex(names);
}

static int open_socket(const char *congestion)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    must(fd >= 0, "socket");
    must(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion, (socklen_t)strlen(congestion)) == 0, congestion);
    must(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0, "SO_REUSEADDR");
    return fd;
}

static int call(const char *congestion)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(COMPARE_PORT)};
    inet_pton(AF_INET, COMPARE_THERE, &to.sin_addr);
    int fd = open_socket(congestion);
    must(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0, "connect");
    return fd;
}

static int answer(const char *congestion, int ready)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(COMPARE_PORT)};
    int listener = open_socket(congestion);
    must(bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(listener, 1) == 0, "listen");
    must(write(ready, "", 1) == 1, "ready");
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    must(fd >= 0, "accept");
    close(listener);
    return fd;
}

static uint64_t receive_until(int fd, int64_t until)
{
    static char buffer[4 * COMPARE_CHUNK];
    uint64_t bytes = 0;
    for (int64_t left; (left = until - now_ns()) > 0;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        struct timespec timeout = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
        if (ppoll(&wait, 1, &timeout, NULL) <= 0)
            continue;
        ssize_t done = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
        if (done == 0 || (done < 0 && errno != EAGAIN && errno != EINTR))
            break;
        bytes += done > 0 ? (uint64_t)done : 0;
    }
    return bytes;
}

static void send_until_reset(int fd)
{
    static char buffer[COMPARE_CHUNK];
    while (send(fd, buffer, sizeof(buffer), MSG_NOSIGNAL) > 0) {
    }
}

/* Of this namespace, which is this connection's alone: "TcpExt: NAME NAME ..." and a line of values. */
static unsigned long long count_timeouts(void)
{
    static char names[16384], values[16384];
    FILE *file = fopen("/proc/net/netstat", "r");
    must(file != NULL && fgets(names, sizeof(names), file) != NULL && fgets(values, sizeof(values), file) != NULL,
         "/proc/net/netstat");
    fclose(file);
    char *next_name, *next_value, *value = strtok_r(values, " ", &next_value);
    for (char *name = strtok_r(names, " ", &next_name); name != NULL && value != NULL;) {
        if (strcmp(name, "TCPTimeouts") == 0)
            return strtoull(value, NULL, 10);
        name = strtok_r(NULL, " ", &next_name);
        value = strtok_r(NULL, " ", &next_value);
    }
    return 0;
}

int compare_peer(int argc, char **argv)
{
    must(argc == 8, "arguments");
    const char *label = argv[2], *congestion = argv[6];
    bool calls = strcmp(argv[3], "call") == 0, sends = strcmp(argv[4], "send") == 0;
    int64_t seconds = atoi(argv[5]), start = now_ns();
    alarm((unsigned)seconds + 60); /* whatever happens, it ends */
    set_sysctl("tcp_rmem", "4096 131072 67108864");
    set_sysctl("tcp_wmem", "4096 16384 67108864");
    set_sysctl("tcp_no_metrics_save", "1");
    set_queue();
    compare_urgent(PEER_PRIORITY);
    int fd = calls ? call(congestion) : answer(congestion, atoi(argv[7]));
    if (!calls)
        start = now_ns();
    uint64_t bytes = 0;
    if (sends)
        send_until_reset(fd);
    else
        bytes = receive_until(fd, start + seconds * 1000000000);
    struct tcp_info info;
    socklen_t size = sizeof(info);
    memset(&info, 0, sizeof(info));
    must(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0, "TCP_INFO");
    if (sends)
        printf(
            "{%s, \"role\": \"sender\", \"retransmits\": %u, \"rtt_us\": %u, \"min_rtt_us\": %u, \"reordering\": %u, "
            "\"dsacks\": %u, \"rwnd_limited_ms\": %llu, \"sndbuf_limited_ms\": %llu, \"segments\": %u, "
            "\"timeouts\": %llu}\n",
            label, info.tcpi_total_retrans, info.tcpi_rtt, info.tcpi_min_rtt, info.tcpi_reordering,
            info.tcpi_dsack_dups, (unsigned long long)info.tcpi_rwnd_limited / 1000,
            (unsigned long long)info.tcpi_sndbuf_limited / 1000, info.tcpi_data_segs_out, count_timeouts());
    else
        printf("{%s, \"role\": \"receiver\", \"bytes\": %llu, \"acks\": %u, \"segments\": %u}\n", label,
               (unsigned long long)bytes, info.tcpi_segs_out, info.tcpi_data_segs_in);
    close(fd);
    return 0;
}
