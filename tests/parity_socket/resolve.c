// SPDX-License-Identifier: MIT
/* resolve.c: scenarios: getaddrinfo and getnameinfo of literals: what needs no server and no file. */
#include "play.h"

static const char *error_text(int error)
{
    static const struct {
        int error;
        const char *text;
    } list[] = {
        {0, "found"},           {EAI_BADFLAGS, "BADFLAGS"}, {EAI_NONAME, "NONAME"},     {EAI_AGAIN, "AGAIN"},
        {EAI_FAIL, "FAIL"},     {EAI_FAMILY, "FAMILY"},     {EAI_SOCKTYPE, "SOCKTYPE"}, {EAI_SERVICE, "SERVICE"},
        {EAI_MEMORY, "MEMORY"}, {EAI_SYSTEM, "SYSTEM"},     {EAI_OVERFLOW, "OVERFLOW"}, {EAI_ADDRFAMILY, "ADDRFAMILY"},
    };
    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
        if (list[i].error == error)
            return list[i].text;
    return "?";
}

static void resolve(const char *node, const char *service, int flags, int family, int type, int protocol)
{
    struct addrinfo hints = {.ai_flags = flags, .ai_family = family, .ai_socktype = type, .ai_protocol = protocol},
                    *list = NULL;
    int error = getaddrinfo(node, service, &hints, &list);
    say("%s %s flags %#x family %d type %d protocol %d: %s", node == NULL ? "-" : node, service == NULL ? "-" : service,
        flags, family, type, protocol, error_text(error));
    if (error != 0)
        return;
    for (struct addrinfo *a = list; a != NULL; a = a->ai_next)
        say("    %d %d %d %s %s", a->ai_family, a->ai_socktype, a->ai_protocol, address_text(a->ai_addr, a->ai_addrlen),
            a->ai_canonname == NULL ? "" : a->ai_canonname);
    freeaddrinfo(list);
}

static void literals(void)
{
    static const char *const nodes[] = {
        "127.0.0.1", "192.0.2.1",  "0.0.0.0", "127.1",        "1",        "0x7f.1",      "010.0.0.1",
        "256.1.1.1", "1.2.3.4.5",  "1.2.3.",  "::1",          "::",       "2001:db8::1", "::ffff:192.0.2.1",
        "fe80::1%1", "fe80::1%lo", "::1%1",   "2001:db8:::1", "12345::1", "127.0.0.1 ",  "[::1]",
    };
    for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++)
        resolve(nodes[i], "80", AI_NUMERICHOST, AF_UNSPEC, SOCK_STREAM, 0);
}

static void families(void)
{
    resolve("127.0.0.1", "80", AI_NUMERICHOST, AF_INET, 0, 0);
    resolve("127.0.0.1", "80", AI_NUMERICHOST, AF_INET6, 0, 0);
    resolve("::1", "80", AI_NUMERICHOST, AF_INET6, 0, 0);
    resolve("::1", "80", AI_NUMERICHOST, AF_INET, 0, 0);
    resolve("127.0.0.1", "80", AI_NUMERICHOST | AI_V4MAPPED, AF_INET6, SOCK_STREAM, 0);
    resolve("::ffff:127.0.0.1", "80", AI_NUMERICHOST, AF_INET, SOCK_STREAM, 0);
    resolve("127.0.0.1", "80", AI_NUMERICHOST, AF_UNIX, 0, 0);
    resolve("127.0.0.1", "80", AI_NUMERICHOST, 99, 0, 0);
}

static void passive(void)
{
    resolve(NULL, "80", AI_PASSIVE, AF_INET, SOCK_STREAM, 0);
    resolve(NULL, "80", AI_PASSIVE, AF_INET6, SOCK_STREAM, 0);
    resolve(NULL, "80", 0, AF_INET, SOCK_STREAM, 0);
    resolve(NULL, "80", 0, AF_INET6, SOCK_STREAM, 0);
    resolve(NULL, NULL, 0, AF_INET, SOCK_STREAM, 0);
    resolve("127.0.0.1", NULL, AI_PASSIVE, AF_INET, SOCK_STREAM, 0);
    resolve("127.0.0.1", NULL, AI_CANONNAME, AF_INET, SOCK_STREAM, 0);
    resolve(NULL, "80", AI_CANONNAME, AF_INET, SOCK_STREAM, 0);
    resolve("127.0.0.1", "80", 0x10000000, AF_INET, SOCK_STREAM, 0);
}

static void services(void)
{
    static const char *const names[] = {"0", "1", "65535", "65536", "-1", "", " 80", "80x", "0x50", "080", "nonsense"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        resolve("127.0.0.1", names[i], AI_NUMERICHOST | AI_NUMERICSERV, AF_INET, SOCK_STREAM, 0);
}

static void types(void)
{
    static const int list[] = {0, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, 77};
    static const int protocols[] = {0, IPPROTO_TCP, IPPROTO_UDP};
    for (size_t t = 0; t < sizeof(list) / sizeof(*list); t++)
        for (size_t p = 0; p < sizeof(protocols) / sizeof(*protocols); p++)
            resolve("127.0.0.1", "80", AI_NUMERICHOST, AF_INET, list[t], protocols[p]);
    resolve("127.0.0.1", NULL, AI_NUMERICHOST, AF_INET, 0, 0);
    resolve("127.0.0.1", NULL, AI_NUMERICHOST, AF_INET, SOCK_RAW, 0);
}

static void without_hints(void)
{
    struct addrinfo *list = NULL;
    say("%s", error_text(getaddrinfo("127.0.0.1", "80", NULL, &list)));
    for (struct addrinfo *a = list; a != NULL; a = a->ai_next)
        say("    %d %d %d %s", a->ai_family, a->ai_socktype, a->ai_protocol, address_text(a->ai_addr, a->ai_addrlen));
    freeaddrinfo(list);
}

static void backwards(void)
{
    char host[64], service[64];
    static const int flags[] = {NI_NUMERICHOST | NI_NUMERICSERV, NI_NUMERICHOST | NI_NUMERICSERV | NI_DGRAM};
    for (size_t i = 0; i < 2; i++) {
        say("%s", error_text(getnameinfo(V4("192.0.2.1", 80), host, sizeof(host), service, sizeof(service), flags[i])));
        say("%s %s", host, service);
        say("%s",
            error_text(getnameinfo(V6("2001:db8::1", 80), host, sizeof(host), service, sizeof(service), flags[i])));
        say("%s %s", host, service);
    }
    say("%s", error_text(getnameinfo(V4("192.0.2.1", 80), host, 3, service, sizeof(service), flags[0])));
    say("%s", error_text(getnameinfo(V4("192.0.2.1", 80), host, sizeof(host), service, 2, flags[0])));
    say("%s", error_text(getnameinfo(V4("192.0.2.1", 80), NULL, 0, NULL, 0, flags[0])));
    say("%s", error_text(getnameinfo(V4("192.0.2.1", 80) - 4, host, sizeof(host), service, sizeof(service), flags[0])));
    say("%s", error_text(getnameinfo(UN("x"), host, sizeof(host), NULL, 0, flags[0])) == NULL ? "" : "done");
}

const struct scenario resolve_scenarios[] = {
    {"resolve/literals", literals},   {"resolve/families", families},
    {"resolve/passive", passive},     {"resolve/services", services},
    {"resolve/types", types},         {"resolve/without_hints", without_hints},
    {"resolve/backwards", backwards}, {NULL, NULL},
};
