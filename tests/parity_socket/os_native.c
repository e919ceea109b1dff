// SPDX-License-Identifier: MIT
/* os_native.c: the kernel's side: a network namespace with `lo` up, and an empty directory, for each scenario. */
#include "os.h"

#include <ftw.h>
#include <linux/net_tstamp.h>
#include <linux/rtnetlink.h>
#include <net/route.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (write(fd, text, strlen(text)) < 0 && errno != EINVAL && errno != EPERM)
            perror(path);
        close(fd);
    }
}

static int enter_namespace(void)
{
    char map[64];
    uid_t user = geteuid();
    gid_t group = getegid();
    if (user == 0)
        return unshare(CLONE_NEWNET);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return -1;
    write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof(map), "0 %u 1", user);
    write_file("/proc/self/uid_map", map);
    snprintf(map, sizeof(map), "0 %u 1", group);
    write_file("/proc/self/gid_map", map);
    return 0;
}

const char *os_obstacle(void)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(enter_namespace() == 0 ? 0 : 1);
    waitpid(child, &status, 0);
    return status == 0 ? NULL : "no network namespace of one's own";
}

static char directory[32];

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status, (void)kind, (void)where;
    return remove(path);
}

void os_prepare(void)
{
    strcpy(directory, "/tmp/parity-XXXXXX");
    if (mkdtemp(directory) == NULL)
        exit(3);
}

void os_finish(void)
{
    nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* lo has no route for IPv6 groups by itself. */
static void route_groups(void)
{
    struct in6_rtmsg route = {.rtmsg_ifindex = 1, .rtmsg_dst_len = 8, .rtmsg_metric = 256};
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    route.rtmsg_dst.s6_addr[0] = 0xff;
    route.rtmsg_type = RTN_LOCAL;
    route.rtmsg_flags = RTF_UP | (uint32_t)RTF_LOCAL;
    if (ioctl(fd, SIOCADDRT, &route) != 0)
        exit(3);
    close(fd);
}

/* The kernel begins to note when packets come a while after the first socket asked for it. */
static void await_timestamps(void)
{
    const int all = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int made = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), fd = fcntl(made, F_DUPFD_CLOEXEC, 900);
    close(made);
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &all, sizeof(all));
    bind(fd, (struct sockaddr *)&address, sizeof(address));
    getsockname(fd, (struct sockaddr *)&address, &length);
    for (struct msghdr message = {0}; message.msg_controllen == 0;) {
        char control[256];
        message = (struct msghdr){.msg_control = control, .msg_controllen = sizeof(control)};
        sendto(fd, NULL, 0, 0, (struct sockaddr *)&address, length);
        if (recvmsg(fd, &message, 0) < 0)
            exit(3);
    }
    /* It stays open, out of the way. */
}

void os_begin(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    if (enter_namespace() != 0 || chdir(directory) != 0)
        exit(3);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (ioctl(fd, SIOCGIFFLAGS, &request) != 0)
        exit(3);
    request.ifr_flags |= IFF_UP;
    if (ioctl(fd, SIOCSIFFLAGS, &request) != 0)
        exit(3);
    close(fd);
    route_groups();
    await_timestamps();
    /* What a distribution may have changed. */
    write_file("/proc/sys/net/ipv4/tcp_rmem", "4096 131072 12582912"); /* twice ours, which is in exact bytes */
    write_file("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
    write_file("/proc/sys/net/ipv4/ip_local_port_range", "32768 60999");
}
