// SPDX-License-Identifier: MIT
/* resolve.c: getaddrinfo, freeaddrinfo and getnameinfo: literals, a table of hosts, and a few services.
 *
 * No question leaves the process: names are those of the text in /etc/hosts' form that the table was given, services
 * those below. Flags, orders and errors are glibc's.
 *
 * Owns:     the lists that getaddrinfo returns, until freeaddrinfo: each entry one piece of memory.
 * Not here: DNS. */
#include "base/math.h"
#include "socket/nics.h"
#include "socket/sockets.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    RESOLVE_FLAGS = AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_V4MAPPED | AI_ALL | AI_ADDRCONFIG | AI_IDN |
                    AI_CANONIDN | AI_NUMERICSERV,
    RESOLVE_NAME_FLAGS = NI_NUMERICHOST | NI_NUMERICSERV | NI_NOFQDN | NI_NAMEREQD | NI_DGRAM | NI_IDN,
    RESOLVE_ADDRESSES_MAX = 32, /* of one name */
    RESOLVE_NAME_MAX = 256,     /* a domain name and its zero */
    RESOLVE_TRANSPORTS = 3,
};

/* ---- services ---- */

static const struct {
    const char *name;
    uint16_t port;
    bool tcp, udp;
} services[] = {
    {"echo", 7, true, true},     {"discard", 9, true, true},   {"daytime", 13, true, false},
    {"ftp", 21, true, false},    {"ssh", 22, true, false},     {"telnet", 23, true, false},
    {"smtp", 25, true, false},   {"time", 37, true, true},     {"domain", 53, true, true},
    {"tftp", 69, false, true},   {"http", 80, true, false},    {"pop3", 110, true, false},
    {"ntp", 123, false, true},   {"imap2", 143, true, false},  {"snmp", 161, true, true},
    {"https", 443, true, true},  {"syslog", 514, false, true}, {"submission", 587, true, false},
    {"imaps", 993, true, false}, {"pop3s", 995, true, false},  {"http-alt", 8080, true, true},
};

/* What a socket type may be asked for with. */
struct transport {
    int type, protocol;
    bool any_protocol; /* of the caller's */
    bool numeric;      /* has no services */
};
static const struct transport transports[RESOLVE_TRANSPORTS] = {
    {SOCK_STREAM, IPPROTO_TCP, false, false},
    {SOCK_DGRAM, IPPROTO_UDP, false, false},
    {SOCK_RAW, 0, true, true},
};

struct found_service {
    int type, protocol;
    uint16_t port;
};

static bool service_port(const char *name, const struct transport *transport, uint16_t *port)
{
    for (size_t i = 0; i < array_count(services); i++) {
        bool has = transport->type == SOCK_STREAM ? services[i].tcp : services[i].udp;
        if (has && strcmp(services[i].name, name) == 0) {
            *port = services[i].port;
            return true;
        }
    }
    return false;
}

/* A number as glibc takes it: of any size, and the lower half counts. A negative one has the form of a number, but is
 * looked for among the names. */
static bool service_number(const char *text, uint16_t *port, bool *well_formed)
{
    char *end;
    long number = strtol(text, &end, 10);
    *port = (uint16_t)number;
    *well_formed = *end == '\0';
    return *well_formed && number >= 0;
}

/* The transports that are asked for, with the port of each; an EAI_ error. */
static int resolve_service(const char *service, const struct addrinfo *hints, struct found_service *out, size_t *count)
{
    uint16_t number = 0;
    bool well_formed = true, known = false;
    bool numeric = service == NULL || service_number(service, &number, &well_formed);
    *count = 0;
    if (!well_formed && (hints->ai_flags & AI_NUMERICSERV) != 0)
        return EAI_NONAME;
    for (size_t i = 0; i < RESOLVE_TRANSPORTS; i++) {
        const struct transport *transport = &transports[i];
        struct found_service found = {transport->type, transport->protocol, number};
        if (known && hints->ai_protocol != 0)
            break; /* the first one with the protocol */
        if (hints->ai_socktype != 0 && hints->ai_socktype != transport->type)
            continue;
        if (hints->ai_protocol != 0 && !transport->any_protocol && hints->ai_protocol != transport->protocol)
            continue;
        known = true;
        if (transport->any_protocol)
            found.protocol = hints->ai_protocol;
        if (transport->numeric && (!numeric || (service != NULL && hints->ai_socktype == transport->type)))
            continue;
        if (!numeric && !service_port(service, transport, &found.port))
            continue;
        out[(*count)++] = found;
    }
    if (*count > 0)
        return 0;
    return !known && hints->ai_socktype != 0 ? EAI_SOCKTYPE : EAI_SERVICE;
}

/* ---- hosts ---- */

struct found_host {
    struct tcpip_address addresses[RESOLVE_ADDRESSES_MAX];
    uint32_t scope; /* of a literal */
    size_t count;
    char canonical[RESOLVE_NAME_MAX];
};

static void host_add(struct found_host *host, const struct tcpip_address *address)
{
    if (host->count < RESOLVE_ADDRESSES_MAX)
        host->addresses[host->count++] = *address;
}

/* The scope of "%scope": a number, or, of a link-local address, a NIC's name. */
static bool host_scope(const struct tcpip_sockets *s, const struct tcpip_address *address, const char *text,
                       uint32_t *scope)
{
    char *end;
    if (tcpip_address_is_link_local(address) && (*scope = tcpip__nic_by_name(s->stack, text)) != 0)
        return true;
    unsigned long number = strtoul(text, &end, 10);
    *scope = (uint32_t)number;
    return isdigit((unsigned char)*text) != 0 && *end == '\0' && number <= UINT32_MAX;
}

/* An IPv4 address in any of inet_aton's forms, or an IPv6 address, with a scope. */
static bool host_literal(const struct tcpip_sockets *s, const char *node, struct found_host *out)
{
    struct in_addr v4;
    struct in6_addr v6;
    struct tcpip_address address = {.len = 4};
    char text[RESOLVE_NAME_MAX];
    const char *scope = strchr(node, '%');
    size_t length = scope != NULL ? (size_t)(scope - node) : strlen(node);
    bool digit = isdigit((unsigned char)*node) != 0;
    if (digit && strpbrk(node, " \t\n") == NULL && inet_aton(node, &v4) != 0) {
        memcpy(address.bytes, &v4, 4);
        host_add(out, &address);
        return true;
    }
    if (length >= sizeof(text))
        return false;
    memcpy(text, node, length);
    text[length] = '\0';
    if (inet_pton(AF_INET6, text, &v6) != 1)
        return false;
    address = tcpip_address_v6(v6.s6_addr);
    if (scope != NULL && !host_scope(s, &address, scope + 1, &out->scope))
        return false;
    host_add(out, &address);
    return true;
}

/* The next word of a line of the hosts table; NULL: the line is over. */
static const char *hosts_word(const char **at, char out[RESOLVE_NAME_MAX])
{
    const char *from = *at + strspn(*at, " \t\r");
    size_t length = strcspn(from, " \t\r\n#");
    *at = from + length;
    if (length == 0)
        return NULL;
    length = min_size(length, RESOLVE_NAME_MAX - 1);
    memcpy(out, from, length);
    out[length] = '\0';
    return out;
}

/* One line: an address and names. Calls `name` for each until it returns true. */
static bool hosts_line(const char *line, struct tcpip_address *address, char canonical[RESOLVE_NAME_MAX],
                       const char *wanted)
{
    char word[RESOLVE_NAME_MAX];
    if (hosts_word(&line, word) == NULL || tcpip_address_parse(word, address) != TCPIP_OK)
        return false;
    if (hosts_word(&line, canonical) == NULL)
        return false;
    if (wanted == NULL || strcasecmp(canonical, wanted) == 0)
        return true;
    while (hosts_word(&line, word) != NULL)
        if (strcasecmp(word, wanted) == 0)
            return true;
    return false;
}

static const char *hosts_next_line(const char *line)
{
    line += strcspn(line, "\n");
    return *line != '\0' ? line + 1 : line;
}

static void host_by_name(const struct tcpip_sockets *s, const char *node, struct found_host *out)
{
    const char *line = s->options.hosts != NULL ? s->options.hosts : "";
    for (; *line != '\0'; line = hosts_next_line(line)) {
        char canonical[RESOLVE_NAME_MAX];
        struct tcpip_address address;
        if (!hosts_line(line, &address, canonical, node))
            continue;
        if (out->count == 0)
            memcpy(out->canonical, canonical, sizeof(canonical));
        host_add(out, &address);
    }
}

/* No name: the address to bind to, or this host; in glibc's order. */
static void host_local(bool passive, struct found_host *out)
{
    const struct in6_addr v6 = passive ? (struct in6_addr)IN6ADDR_ANY_INIT : (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
    struct tcpip_address address6 = tcpip_address_v6(v6.s6_addr);
    struct tcpip_address address4 = passive ? tcpip_address_v4(0, 0, 0, 0) : tcpip_address_v4(127, 0, 0, 1);
    host_add(out, passive ? &address4 : &address6);
    host_add(out, passive ? &address6 : &address4);
}

/* Leaves the addresses that the hints want, as they want them; an EAI_ error when none is left. */
static int host_filter(struct found_host *host, const struct addrinfo *hints)
{
    size_t kept = 0, had = host->count;
    bool v6 = false;
    for (size_t i = 0; i < had; i++)
        v6 = v6 || host->addresses[i].len == 16;
    for (size_t i = 0; i < had; i++) {
        struct tcpip_address address = host->addresses[i];
        if (hints->ai_family == AF_INET)
            address = tcpip_address_from_mapped(&address);
        bool mapped = hints->ai_family == AF_INET6 && address.len == 4 && (hints->ai_flags & AI_V4MAPPED) != 0 &&
                      (!v6 || (hints->ai_flags & AI_ALL) != 0);
        if (mapped)
            address = tcpip_address_to_mapped(&address);
        if (hints->ai_family == AF_UNSPEC || (hints->ai_family == AF_INET) == (address.len == 4))
            host->addresses[kept++] = address;
    }
    host->count = kept;
    return kept > 0 ? 0 : had > 0 ? EAI_ADDRFAMILY : EAI_NONAME;
}

/* AI_ADDRCONFIG: which families the stack has addresses of, beside loopback; 0: it says nothing. */
static int host_configured_family(const struct tcpip_sockets *s)
{
    struct tcpip_assigned_address addresses[RESOLVE_ADDRESSES_MAX];
    size_t n = min_size(tcpip_stack_addresses(s->stack, addresses, RESOLVE_ADDRESSES_MAX), RESOLVE_ADDRESSES_MAX);
    bool v4 = false, v6 = false;
    for (size_t i = 0; i < n; i++) {
        if (tcpip_address_is_loopback(&addresses[i].prefix.address))
            continue;
        v4 = v4 || addresses[i].prefix.address.len == 4;
        v6 = v6 || addresses[i].prefix.address.len == 16;
    }
    return v4 == v6 ? AF_UNSPEC : v4 ? AF_INET : AF_INET6;
}

static int resolve_host(struct tcpip_sockets *s, const char *node, struct addrinfo *hints, struct found_host *out)
{
    int configured = (hints->ai_flags & AI_ADDRCONFIG) != 0 ? host_configured_family(s) : AF_UNSPEC;
    if (node == NULL) {
        host_local((hints->ai_flags & AI_PASSIVE) != 0, out);
        return host_filter(out, hints);
    }
    if (host_literal(s, node, out)) {
        (void)snprintf(out->canonical, sizeof(out->canonical), "%s", node);
        return host_filter(out, hints);
    }
    if ((hints->ai_flags & AI_NUMERICHOST) != 0)
        return EAI_NONAME;
    if (configured != AF_UNSPEC && hints->ai_family == AF_UNSPEC)
        hints->ai_family = configured;
    else if (configured != AF_UNSPEC && hints->ai_family != configured)
        return EAI_NONAME;
    host_by_name(s, node, out);
    return host_filter(out, hints);
}

/* ---- getaddrinfo ---- */

struct resolve_entry {
    struct addrinfo info; /* first: what is freed */
    struct sockaddr_storage address;
    char canonical[];
};

static void entry_address(struct resolve_entry *entry, const struct tcpip_address *address, uint32_t scope,
                          uint16_t port)
{
    if (address->len == 4) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&in.sin_addr, address->bytes, 4);
        memcpy(&entry->address, &in, sizeof(in));
        entry->info.ai_addrlen = sizeof(in);
        entry->info.ai_family = AF_INET;
    } else {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = scope};
        memcpy(&in6.sin6_addr, address->bytes, 16);
        memcpy(&entry->address, &in6, sizeof(in6));
        entry->info.ai_addrlen = sizeof(in6);
        entry->info.ai_family = AF_INET6;
    }
    entry->info.ai_addr = (struct sockaddr *)&entry->address;
}

/* Every address with every transport; the first entry has the canonical name. NULL: out of memory. */
static struct addrinfo *resolve_list(const struct found_host *host, const struct found_service *found, size_t count,
                                     int flags)
{
    struct addrinfo *first = NULL, **end = &first;
    for (size_t i = 0; i < host->count * count; i++) {
        bool named = first == NULL && (flags & AI_CANONNAME) != 0;
        size_t name_bytes = named ? strlen(host->canonical) + 1 : 0;
        struct resolve_entry *entry = calloc(1, sizeof(*entry) + name_bytes);
        if (entry == NULL) {
            tcpip_freeaddrinfo(first);
            return NULL;
        }
        entry_address(entry, &host->addresses[i / count], host->scope, found[i % count].port);
        entry->info.ai_flags = flags;
        entry->info.ai_socktype = found[i % count].type;
        entry->info.ai_protocol = found[i % count].protocol;
        if (named) {
            memcpy(entry->canonical, host->canonical, name_bytes);
            entry->info.ai_canonname = entry->canonical;
        }
        *end = &entry->info;
        end = &entry->info.ai_next;
    }
    return first;
}

int tcpip_getaddrinfo(struct tcpip_sockets *s, const char *node, const char *service, const struct addrinfo *hints,
                      struct addrinfo **out)
{
    struct addrinfo asked = {.ai_flags = AI_V4MAPPED | AI_ADDRCONFIG};
    struct found_service found[RESOLVE_TRANSPORTS];
    struct found_host host = {.count = 0};
    size_t count;
    if (hints != NULL)
        asked = *hints;
    if (node == NULL && service == NULL)
        return EAI_NONAME;
    if ((asked.ai_flags & ~RESOLVE_FLAGS) != 0 || ((asked.ai_flags & AI_CANONNAME) != 0 && node == NULL))
        return EAI_BADFLAGS;
    if (asked.ai_family != AF_UNSPEC && asked.ai_family != AF_INET && asked.ai_family != AF_INET6)
        return EAI_FAMILY;
    int error = resolve_service(service, &asked, found, &count);
    if (error != 0)
        return error;
    tcpip_sockets_lock(s);
    error = resolve_host(s, node, &asked, &host);
    tcpip_sockets_unlock(s);
    if (error != 0)
        return error;
    *out = resolve_list(&host, found, count, asked.ai_flags);
    return *out != NULL ? 0 : EAI_MEMORY;
}

void tcpip_freeaddrinfo(struct addrinfo *list)
{
    while (list != NULL) {
        struct addrinfo *next = list->ai_next;
        free(container_of(list, struct resolve_entry, info));
        list = next;
    }
}

/* ---- getnameinfo ---- */

static int name_put(char *out, socklen_t room, const char *text)
{
    size_t length = strlen(text);
    if (length >= room)
        return EAI_OVERFLOW;
    memcpy(out, text, length + 1);
    return 0;
}

/* The address as text, with its scope: a NIC's name where the address is link-local. */
static int name_numeric(const struct tcpip_sockets *s, const struct sockaddr *address, char *out, socklen_t room)
{
    char text[RESOLVE_NAME_MAX];
    struct sockaddr_in6 in6;
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        return name_put(out, room, inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text)));
    }
    memcpy(&in6, address, sizeof(in6));
    (void)inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof(text));
    if (in6.sin6_scope_id != 0) {
        size_t used = strlen(text);
        const struct tcpip_nic *nic =
            IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr) ? tcpip_stack_nic(s->stack, in6.sin6_scope_id) : NULL;
        if (nic != NULL)
            (void)snprintf(text + used, sizeof(text) - used, "%%%s", tcpip_nic_name(nic));
        else
            (void)snprintf(text + used, sizeof(text) - used, "%%%u", in6.sin6_scope_id);
    }
    return name_put(out, room, text);
}

/* The first name that the hosts table has for it; false: none. */
static bool name_from_hosts(const struct tcpip_sockets *s, const struct sockaddr *address,
                            char canonical[RESOLVE_NAME_MAX])
{
    struct tcpip_address wanted = {.len = 4}, found;
    if (address->sa_family == AF_INET) {
        memcpy(wanted.bytes, (const char *)address + offsetof(struct sockaddr_in, sin_addr), 4);
    } else {
        uint8_t bytes[16];
        memcpy(bytes, (const char *)address + offsetof(struct sockaddr_in6, sin6_addr), sizeof(bytes));
        wanted = tcpip_address_v6(bytes);
    }
    const char *line = s->options.hosts != NULL ? s->options.hosts : "";
    for (; *line != '\0'; line = hosts_next_line(line))
        if (hosts_line(line, &found, canonical, NULL) && tcpip_address_equal(&found, &wanted))
            return true;
    return false;
}

static int name_host(struct tcpip_sockets *s, const struct sockaddr *address, char *out, socklen_t room, int flags)
{
    char canonical[RESOLVE_NAME_MAX];
    if ((flags & NI_NUMERICHOST) == 0 && name_from_hosts(s, address, canonical))
        return name_put(out, room, canonical);
    return (flags & NI_NAMEREQD) != 0 ? EAI_NONAME : name_numeric(s, address, out, room);
}

static int name_service(uint16_t port, char *out, socklen_t room, int flags)
{
    char text[8];
    for (size_t i = 0; (flags & NI_NUMERICSERV) == 0 && i < array_count(services); i++)
        if (services[i].port == port && ((flags & NI_DGRAM) != 0 ? services[i].udp : services[i].tcp))
            return name_put(out, room, services[i].name);
    (void)snprintf(text, sizeof(text), "%u", port);
    return name_put(out, room, text);
}

int tcpip_getnameinfo(struct tcpip_sockets *s, const struct sockaddr *address, socklen_t length, char *host,
                      socklen_t host_room, char *service, socklen_t service_room, int flags)
{
    uint16_t port; /* at the same place in both families */
    if ((flags & ~RESOLVE_NAME_FLAGS) != 0)
        return EAI_BADFLAGS;
    if (length < sizeof(sa_family_t))
        return EAI_FAMILY;
    if ((flags & NI_NAMEREQD) != 0 && host == NULL && service == NULL)
        return EAI_NONAME;
    if (address->sa_family == AF_INET ? length < sizeof(struct sockaddr_in)
                                      : address->sa_family != AF_INET6 || length < sizeof(struct sockaddr_in6))
        return EAI_FAMILY;
    int error = 0;
    if (host != NULL && host_room > 0) {
        tcpip_sockets_lock(s);
        error = name_host(s, address, host, host_room, flags);
        tcpip_sockets_unlock(s);
    }
    memcpy(&port, (const char *)address + offsetof(struct sockaddr_in, sin_port), sizeof(port));
    if (error == 0 && service != NULL && service_room > 0)
        error = name_service(ntohs(port), service, service_room, flags);
    return error;
}
