// SPDX-License-Identifier: MIT
/* play.c: saying what calls did, and the calls that have more to say than a number.
 *
 * Owns:     the text that a thread has said and not printed.
 * Not here: control messages (describe.c), other threads (actor.c), the list of scenarios (main.c). */
#include "play.h"

#include "describe.h"

#include <stdarg.h>

enum { TEXTS = 8, TEXT_SIZE = 400, EPHEMERAL = 32768 };

char *play_buffer(void)
{
    static _Thread_local char texts[TEXTS][TEXT_SIZE];
    static _Thread_local unsigned next;
    return texts[next++ % TEXTS];
}

void say(const char *format, ...)
{
    char line[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    play_line(line);
}

const char *errno_text(int number)
{
    const char *name = strerrorname_np(number);
    return name == NULL ? "?" : name;
}

static void say_result(int line, const char *text, const char *result, long value)
{
    if (value == -1)
        say("%d: %s = -1 %s", line, text, errno_text(errno));
    else
        say("%d: %s = %s", line, text, result);
}

long play_number(int line, const char *text, long result)
{
    char number[32];
    snprintf(number, sizeof(number), "%ld", result);
    say_result(line, text, number, result);
    return result;
}

int play_descriptor(int line, const char *text, int result)
{
    say_result(line, text, result < 0 ? "negative" : "fd", result);
    return result;
}

long play_sign(int line, const char *text, long result)
{
    say_result(line, text, result > 0 ? "some" : result == 0 ? "0" : "negative", result);
    return result;
}

int play_must(int line, const char *text, long result)
{
    if (result < 0)
        say("%d: must succeed: %s = %ld %s", line, text, result, errno_text(errno));
    return (int)result;
}

const struct sockaddr *play_v4(const char *text, int port)
{
    struct sockaddr_in *address = (struct sockaddr_in *)(void *)play_buffer();
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, text, &address->sin_addr);
    return (const struct sockaddr *)address;
}

const struct sockaddr *play_v6(const char *text, int port)
{
    struct sockaddr_in6 *address = (struct sockaddr_in6 *)(void *)play_buffer();
    *address = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    inet_pton(AF_INET6, text, &address->sin6_addr);
    return (const struct sockaddr *)address;
}

const struct sockaddr *play_un(const char *text)
{
    struct sockaddr_un *address = (struct sockaddr_un *)(void *)play_buffer();
    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    size_t length = strnlen(text, sizeof(address->sun_path));
    memcpy(address->sun_path, text, length);
    if (text[0] == '@')
        address->sun_path[0] = 0;
    return (const struct sockaddr *)address;
}

socklen_t play_un_length(const char *text)
{
    size_t length = strlen(text) + (text[0] == '@' ? 0 : 1);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

static const char *port_text(char *to, size_t size, uint16_t port)
{
    if (ntohs(port) >= EPHEMERAL)
        snprintf(to, size, "eph");
    else
        snprintf(to, size, "%u", ntohs(port));
    return to;
}

static const char *unix_text(const struct sockaddr_un *address, size_t length)
{
    char *text = play_buffer();
    size_t header = offsetof(struct sockaddr_un, sun_path);
    if (length <= header)
        return "unnamed";
    length -= header;
    if (address->sun_path[0] != 0) {
        snprintf(text, TEXT_SIZE, "'%.*s' (%zu)", (int)length, address->sun_path, length);
    } else if (length == 6 && strspn(address->sun_path + 1, "0123456789abcdef") >= 5) {
        snprintf(text, TEXT_SIZE, "'@' and five digits");
    } else {
        snprintf(text, TEXT_SIZE, "'@%s' (%zu)", data_text(address->sun_path + 1, length - 1), length);
    }
    return text;
}

const char *address_text(const void *address, socklen_t length)
{
    char *text = play_buffer(), host[INET6_ADDRSTRLEN] = "", port[8];
    struct sockaddr_storage copy = {0};
    memcpy(&copy, address, length < sizeof(copy) ? length : sizeof(copy));
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)&copy;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)&copy;
    if (length < sizeof(copy.ss_family)) {
        snprintf(text, TEXT_SIZE, "(%u)", length);
    } else if (copy.ss_family == AF_INET) {
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
        snprintf(text, TEXT_SIZE, "%s:%s (%u)", host, port_text(port, sizeof(port), v4->sin_port), length);
    } else if (copy.ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
        snprintf(text, TEXT_SIZE, "[%s%%%u]:%s flow %x (%u)", host, v6->sin6_scope_id,
                 port_text(port, sizeof(port), v6->sin6_port), ntohl(v6->sin6_flowinfo), length);
    } else if (copy.ss_family == AF_UNIX) {
        return unix_text((const struct sockaddr_un *)(const void *)&copy, length);
    } else {
        snprintf(text, TEXT_SIZE, "family %d (%u)", copy.ss_family, length);
    }
    return text;
}

const char *data_text(const void *data, size_t size)
{
    enum { SHOWN = 48 };
    char *text = play_buffer(), *at = text;
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size && i < SHOWN; i++) {
        if (bytes[i] >= ' ' && bytes[i] < 127 && bytes[i] != '\\')
            *at++ = (char)bytes[i];
        else
            at += snprintf(at, 5, "\\x%02x", bytes[i]);
    }
    snprintf(at, 8, "%s", size > SHOWN ? "..." : "");
    return text;
}

long play_recv(int line, const char *f, const char *s, const char *g, int fd, size_t size, int flags)
{
    char *data = calloc(1, size + 1);
    errno = 0;
    long result = recv(fd, data, size, flags);
    size_t filled = result < 0 ? 0 : (size_t)result < size ? (size_t)result : size;
    if (result < 0)
        say("%d: recv(%s, %s, %s) = %ld %s", line, f, s, g, result, errno_text(errno));
    else
        say("%d: recv(%s, %s, %s) = %ld \"%s\"", line, f, s, g, result, data_text(data, filled));
    free(data);
    return result;
}

long play_recvfrom(int line, const char *f, const char *s, const char *g, int fd, size_t size, int flags)
{
    char *data = calloc(1, size + 1);
    struct sockaddr_storage from = {0};
    socklen_t length = sizeof(from);
    errno = 0;
    long result = recvfrom(fd, data, size, flags, (struct sockaddr *)&from, &length);
    size_t filled = result < 0 ? 0 : (size_t)result < size ? (size_t)result : size;
    if (result < 0)
        say("%d: recvfrom(%s, %s, %s) = %ld %s", line, f, s, g, result, errno_text(errno));
    else
        say("%d: recvfrom(%s, %s, %s) = %ld \"%s\" from %s", line, f, s, g, result, data_text(data, filled),
            length == 0 ? "nobody" : address_text(&from, length));
    free(data);
    return result;
}

long play_recvmsg(int line, const char *f, const char *s, const char *g, int fd, size_t size, int flags, size_t room)
{
    char *data = calloc(1, size + 1), *control = calloc(1, room + 1);
    struct sockaddr_storage from = {0};
    struct iovec iov = {data, size};
    struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1};
    message.msg_control = room == 0 ? NULL : control;
    message.msg_controllen = room;
    errno = 0;
    long result = recvmsg(fd, &message, flags);
    if (result < 0) {
        say("%d: recvmsg(%s, %s, %s) = %ld %s", line, f, s, g, result, errno_text(errno));
    } else {
        size_t filled = (size_t)result < size ? (size_t)result : size;
        say("%d: recvmsg(%s, %s, %s) = %ld \"%s\" from %s flags %s control %zu", line, f, s, g, result,
            data_text(data, filled), message.msg_namelen == 0 ? "nobody" : address_text(&from, message.msg_namelen),
            message_flags_text(message.msg_flags), message.msg_controllen);
        say_control(&message);
    }
    free(data);
    free(control);
    return result;
}

void play_name(int line, const char *f, int fd)
{
    struct sockaddr_storage name = {0};
    socklen_t length = sizeof(name);
    errno = 0;
    if (getsockname(fd, (struct sockaddr *)&name, &length) != 0)
        say("%d: getsockname(%s) = -1 %s", line, f, errno_text(errno));
    else
        say("%d: getsockname(%s) = %s", line, f, address_text(&name, length));
}

void play_peer(int line, const char *f, int fd)
{
    struct sockaddr_storage name = {0};
    socklen_t length = sizeof(name);
    errno = 0;
    if (getpeername(fd, (struct sockaddr *)&name, &length) != 0)
        say("%d: getpeername(%s) = -1 %s", line, f, errno_text(errno));
    else
        say("%d: getpeername(%s) = %s", line, f, address_text(&name, length));
}

int play_get(int line, const char *f, const char *o, int fd, int level, int option)
{
    int value = 0;
    socklen_t length = sizeof(value);
    errno = 0;
    if (getsockopt(fd, level, option, &value, &length) != 0)
        say("%d: getsockopt(%s, %s) = -1 %s", line, f, o, errno_text(errno));
    else if (level == SOL_SOCKET && option == SO_ERROR)
        say("%d: getsockopt(%s, %s) = %s", line, f, o, value == 0 ? "none" : errno_text(value));
    else
        say("%d: getsockopt(%s, %s) = %d (%u)", line, f, o, value, length);
    return value;
}

int play_set(int line, const char *f, const char *o, const char *v, int fd, int level, int option, int value)
{
    errno = 0;
    int result = setsockopt(fd, level, option, &value, sizeof(value));
    if (result != 0)
        say("%d: setsockopt(%s, %s, %s) = %d %s", line, f, o, v, result, errno_text(errno));
    else
        say("%d: setsockopt(%s, %s, %s) = 0", line, f, o, v);
    return result;
}

void play_ready(int line, const char *f, int fd)
{
    struct pollfd p = {.fd = fd, .events = ALL_EVENTS};
    errno = 0;
    int result = poll(&p, 1, 0);
    if (result < 0)
        say("%d: ready(%s) = -1 %s", line, f, errno_text(errno));
    else
        say("%d: ready(%s) = %s", line, f, events_text((uint16_t)p.revents));
}

int play_await(int line, const char *f, const char *e, int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    errno = 0;
    int result = poll(&p, 1, 3000);
    if (result <= 0)
        say("%d: await(%s, %s) = %d %s", line, f, e, result, result == 0 ? "too late" : errno_text(errno));
    else
        say("%d: await(%s, %s) = %s", line, f, e, events_text((uint16_t)(p.revents)));
    return p.revents;
}
