// SPDX-License-Identifier: MIT
/* signature.c: scenarios: TCP_MD5SIG and TCP_MD5SIG_EXT: which keys are taken, and what connections come of them. */
#include "play.h"

enum { FLAG_PREFIX = 1, FLAG_IFINDEX = 2 }; /* linux/tcp.h: TCP_MD5SIG_FLAG_..., which older headers lack */

static struct tcp_md5sig key_for(const struct sockaddr *address, socklen_t length, const char *secret)
{
    struct tcp_md5sig key;
    memset(&key, 0, sizeof(key));
    memcpy(&key.tcpm_addr, address, length);
    key.tcpm_keylen = (uint16_t)strlen(secret);
    memcpy(key.tcpm_key, secret, strlen(secret));
    return key;
}

static void keys(void)
{
    int four = make_tcp(AF_INET), six = make_tcp(AF_INET6);
    struct tcp_md5sig key = key_for(V4("127.0.0.1", 0), "secret");
    DO(setsockopt(four, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)));
    DO(setsockopt(four, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key) + 8));
    DO(setsockopt(four, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key) - 1));
    DO(setsockopt(six, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)));
    key.tcpm_keylen = 81;
    DO(setsockopt(four, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)));
    key.tcpm_keylen = 80;
    DO(setsockopt(four, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)));
    key.tcpm_keylen = 0;
    DO(setsockopt(four, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)));
    DO(setsockopt(four, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)));
    key = key_for(V6("::1", 0), "secret");
    DO(setsockopt(six, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)));
    DO(setsockopt(four, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)));
    key = key_for(V6("::ffff:127.0.0.1", 0), "secret");
    DO(setsockopt(six, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)));
    socklen_t length = sizeof(key);
    DO(getsockopt(six, IPPROTO_TCP, TCP_MD5SIG, &key, &length));
    DO(getsockopt(six, IPPROTO_TCP, TCP_MD5SIG_EXT, &key, &length));
    DO(setsockopt(make_udp(AF_INET), IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)));
}

static void prefixes(void)
{
    int four = make_tcp(AF_INET), six = make_tcp(AF_INET6);
    static const uint8_t lengths[] = {0, 1, 8, 32, 33, 96, 128, 129, 255};
    for (size_t i = 0; i < sizeof(lengths); i++) {
        struct tcp_md5sig key = key_for(V4("127.3.2.1", 0), "secret");
        key.tcpm_flags = FLAG_PREFIX;
        key.tcpm_prefixlen = lengths[i];
        say("%u", lengths[i]);
        DO(setsockopt(four, IPPROTO_TCP, TCP_MD5SIG_EXT, &key, sizeof(key)));
        key = key_for(V6("fd00::1", 0), "secret");
        key.tcpm_flags = FLAG_PREFIX;
        key.tcpm_prefixlen = lengths[i];
        DO(setsockopt(six, IPPROTO_TCP, TCP_MD5SIG_EXT, &key, sizeof(key)));
        key = key_for(V6("::ffff:10.0.0.1", 0), "secret");
        key.tcpm_flags = FLAG_PREFIX;
        key.tcpm_prefixlen = lengths[i];
        DO(setsockopt(six, IPPROTO_TCP, TCP_MD5SIG_EXT, &key, sizeof(key)));
    }
    struct tcp_md5sig key = key_for(V4("127.0.0.1", 0), "secret");
    key.tcpm_flags = FLAG_IFINDEX;
    uint32_t nobody = 99;
    memcpy((char *)&key + offsetof(struct tcp_md5sig, tcpm_key) - sizeof(nobody), &nobody, sizeof(nobody));
    DO(setsockopt(four, IPPROTO_TCP, TCP_MD5SIG_EXT, &key, sizeof(key)));
    DO(setsockopt(four, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)));
}

/* What both have agreed on. */
static void say_agreed(int fd)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);
    MUST(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length));
    say("timestamps %d SACK %d scaling %d", (info.tcpi_options & 1) != 0, (info.tcpi_options & 2) != 0,
        (info.tcpi_options & 4) != 0);
}

static void talk_over(int family, int listening_key, int calling_key)
{
    int listener = make_listener(family, 5000, 4), fd = make_tcp(family), accepted;
    static const char *const secrets[] = {NULL, "secret", "another"};
    struct tcp_md5sig key = family == AF_INET ? key_for(V4("127.0.0.1", 0), "") : key_for(V6("::1", 0), "");
    for (int i = 0; i < 2; i++) {
        const char *secret = secrets[i ? calling_key : listening_key];
        if (secret == NULL)
            continue;
        key.tcpm_keylen = (uint16_t)strlen(secret);
        memcpy(key.tcpm_key, secret, strlen(secret));
        DO(setsockopt(i ? fd : listener, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)));
    }
    if (listening_key != calling_key) { /* nobody answers */
        SET(fd, IPPROTO_TCP, TCP_SYNCNT, 1);
        SET(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 300);
    }
    DO(family == AF_INET ? connect(fd, V4("127.0.0.1", 5000)) : connect(fd, V6("::1", 5000)));
    if (listening_key != calling_key)
        return;
    accepted = FD(accept(listener, NULL, NULL));
    say_agreed(fd);
    say_agreed(accepted);
    DO(send(fd, "hello", 5, 0));
    AWAIT(accepted, POLLIN);
    RECV(accepted, 100, 0);
    /* The child keeps its key, whatever happens to the listener's. */
    key.tcpm_keylen = 0;
    DO(setsockopt(listener, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)));
    DO(send(accepted, "and back", 8, 0));
    AWAIT(fd, POLLIN);
    RECV(fd, 100, 0);
    DO(setsockopt(accepted, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)));
    DO(setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)));
    DO(send(fd, "unsigned", 8, 0));
    AWAIT(accepted, POLLIN);
    RECV(accepted, 100, 0);
}

static void connection4(void)
{
    talk_over(AF_INET, 1, 1);
}

static void connection6(void)
{
    talk_over(AF_INET6, 2, 2);
}

static void other_key(void)
{
    talk_over(AF_INET, 1, 2);
}

static void no_key(void)
{
    talk_over(AF_INET, 1, 0);
}

static void unexpected_key(void)
{
    talk_over(AF_INET6, 0, 1);
}

const struct scenario signature_scenarios[] = {
    {"signature/keys", keys},
    {"signature/prefixes", prefixes},
    {"signature/connection4", connection4},
    {"signature/connection6", connection6},
    {"signature/other_key", other_key},
    {"signature/no_key", no_key},
    {"signature/unexpected_key", unexpected_key},
    {NULL, NULL},
};
