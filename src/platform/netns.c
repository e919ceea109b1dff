// SPDX-License-Identifier: MIT
/* netns.c: network namespaces of one's own.
 *
 * A TUN belongs to the namespace in which it was opened, but its descriptor works anywhere. So a child makes the
 * namespace, opens the TUN in it, gives it addresses and routes while it is root there, and hands the descriptor back
 * over a socket (SCM_RIGHTS); the stack runs out here, where the real network is, and the child becomes the program
 * that is to use it.
 *
 * Without privilege a user namespace comes first, in which the user is root. Only one id can be mapped then, and a
 * process that maps a group must give up setgroups (user_namespaces(7)).
 *
 * Owns:        the child until it was waited for.
 * Not here:    the interface (tun.c), its configuration (netlink.c).
 */
#include "platform/netns.h"

#include "platform/netlink.h"
#include "platform/system_error.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- entering ---- */

static const char netns_advice[] =
    "run as root, or allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, "
    "kernel.apparmor_restrict_unprivileged_userns)";

static enum tcpip_error netns_fail(struct tcpip_system_error *why, const char *what)
{
    int number = errno;
    tcpip__system_error(why, number, netns_advice, "cannot %s", what);
    return TCPIP_ERR_NOT_PERMITTED;
}

static bool netns_write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    int number = errno;
    close(fd);
    errno = number;
    return done;
}

static enum tcpip_error netns_enter_user(struct tcpip_system_error *why)
{
    char uid_map[32], gid_map[32];
    snprintf(uid_map, sizeof(uid_map), "0 %u 1", (unsigned)geteuid());
    snprintf(gid_map, sizeof(gid_map), "0 %u 1", (unsigned)getegid());
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return netns_fail(why, "make a user and network namespace");
    if (!netns_write_file("/proc/self/setgroups", "deny") && errno != ENOENT) /* before Linux 3.19 there is none */
        return netns_fail(why, "give up setgroups in the new user namespace");
    if (!netns_write_file("/proc/self/uid_map", uid_map) || !netns_write_file("/proc/self/gid_map", gid_map))
        return netns_fail(why, "become root in the new user namespace");
    return TCPIP_OK;
}

enum tcpip_error tcpip__netns_enter(struct tcpip_system_error *why)
{
    if (unshare(CLONE_NEWNET) != 0) {
        enum tcpip_error error = errno == EPERM ? netns_enter_user(why) : netns_fail(why, "make a network namespace");
        if (error != TCPIP_OK)
            return error;
    }
    return tcpip__netlink_set_link("lo", true, 0, why);
}

/* ---- the child ---- */

/* What the child says, once; with it comes the descriptor. */
struct netns_report {
    enum tcpip_error error;
    struct tcpip_system_error why;
    struct tcpip_tun tun;
};

union netns_rights {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(sizeof(int))];
};

static enum tcpip_error netns_build(const struct netns_options *options, struct netns_report *report)
{
    struct tcpip_system_error *why = &report->why;
    enum tcpip_error error = tcpip__netns_enter(why);
    if (error == TCPIP_OK)
        error = tcpip_tun_open(&options->tun, &report->tun, why);
    const char *name = report->tun.name;
    if (error == TCPIP_OK)
        error = tcpip__netlink_set_link(name, true, options->mtu, why);
    if (error == TCPIP_OK && options->mtu != 0)
        error = tcpip_interface_mtu(name, &report->tun.mtu, why);
    for (size_t i = 0; error == TCPIP_OK && i < options->address_count; i++)
        error = tcpip__netlink_add_address(name, &options->addresses[i], why);
    for (size_t i = 0; error == TCPIP_OK && i < options->route_count; i++)
        error = tcpip__netlink_add_route(name, &options->routes[i].destination, &options->routes[i].gateway, why);
    return error;
}

static bool netns_send_report(int control, struct netns_report *report)
{
    union netns_rights rights;
    struct iovec iov = {report, sizeof(*report)};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    memset(&rights, 0, sizeof(rights));
    if (report->error == TCPIP_OK) {
        rights.header.cmsg_level = SOL_SOCKET;
        rights.header.cmsg_type = SCM_RIGHTS;
        rights.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&rights.header), &report->tun.fd, sizeof(int));
        message.msg_control = rights.bytes;
        message.msg_controllen = sizeof(rights.bytes);
    }
    return sendmsg(control, &message, MSG_NOSIGNAL) == (ssize_t)sizeof(*report);
}

/* Returns the status to exit with. */
static int netns_child_run(const struct netns_options *options, int control)
{
    struct netns_report report;
    char word;
    memset(&report, 0, sizeof(report));
    report.error = netns_build(options, &report);
    if (!netns_send_report(control, &report) || report.error != TCPIP_OK)
        return 1;
    close(report.tun.fd);
    ssize_t size;
    do
        size = read(control, &word, 1);
    while (size < 0 && errno == EINTR);
    if (size != 1) /* the parent has gone, or doesn't want it to run */
        return 0;
    if (options->argv == NULL) {
        while (read(control, &word, 1) < 0 && errno == EINTR) {
        }
        return 0;
    }
    execvp(options->argv[0], options->argv);
    fprintf(stderr, "tcpip: cannot run %s: %s\n", options->argv[0], strerror(errno));
    return 127;
}

/* ---- the parent ---- */

static bool netns_receive_report(int control, struct netns_report *report)
{
    union netns_rights rights;
    struct iovec iov = {report, sizeof(*report)};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = rights.bytes, .msg_controllen = sizeof(rights.bytes)};
    ssize_t size;
    do
        size = recvmsg(control, &message, MSG_CMSG_CLOEXEC);
    while (size < 0 && errno == EINTR);
    if (size != (ssize_t)sizeof(*report))
        return false;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (report->error == TCPIP_OK) {
        if (header == NULL || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int)))
            return false;
        memcpy(&report->tun.fd, CMSG_DATA(header), sizeof(int));
    }
    return true;
}

enum tcpip_error tcpip__netns_spawn(const struct netns_options *options, struct netns_child *out,
                                    struct tcpip_system_error *why)
{
    struct netns_report report;
    int pair[2];
    memset(&report, 0, sizeof(report));
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return netns_fail(why, "make a socket pair");
    fflush(NULL); /* or the child says again what this process hasn't written yet */
    pid_t pid = fork();
    if (pid < 0) {
        enum tcpip_error error = netns_fail(why, "fork");
        close(pair[0]);
        close(pair[1]);
        return error;
    }
    if (pid == 0) {
        close(pair[0]);
        _exit(netns_child_run(options, pair[1]));
    }
    close(pair[1]);
    *out = (struct netns_child){.pid = pid, .control = pair[0], .tun.fd = -1};
    if (!netns_receive_report(pair[0], &report)) {
        report.error = TCPIP_ERR_CONNECTION_ABORTED;
        tcpip__system_error(&report.why, 0, NULL, "the process that makes the network namespace ended unexpectedly");
    }
    if (report.error != TCPIP_OK) {
        (void)tcpip__netns_wait(out);
        if (why != NULL)
            *why = report.why;
        return report.error;
    }
    out->tun = report.tun;
    return TCPIP_OK;
}

void tcpip__netns_start(struct netns_child *child)
{
    (void)!send(child->control, "", 1, MSG_NOSIGNAL); /* if it is gone, the wait will say so */
}

int tcpip__netns_wait(struct netns_child *child)
{
    int status = 0;
    pid_t pid;
    if (child->control >= 0)
        close(child->control);
    child->control = -1;
    do
        pid = waitpid(child->pid, &status, 0);
    while (pid < 0 && errno == EINTR);
    if (pid < 0)
        return 127;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
