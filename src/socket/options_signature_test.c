// SPDX-License-Identifier: MIT
/* options_signature_test.c: keys of signed connections, set as programs for Linux set them: TCP_MD5SIG, TCP_MD5SIG_EXT
 * and TCP_AO_...; what each wrong argument answers, and that a connection comes of the right ones. */
#include "base/compiler.h"
#include "socket/linux_tcp_ao.h"
#include "socket_world.h"

#include <linux/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct socket_world *world_of(void **state)
{
    return *state;
}

static int stream(struct socket_world *w, int domain)
{
    int fd = tcpip_socket(w->s, domain, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    return fd;
}

static int set(struct socket_world *w, int fd, int name, const void *value, size_t size)
{
    return tcpip_setsockopt(w->s, fd, IPPROTO_TCP, name, value, (socklen_t)size);
}

static void address4(void *out, const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct tcpip_address address;
    assert_int_equal(tcpip_address_parse(text, &address), TCPIP_OK);
    memcpy(&in.sin_addr, address.bytes, 4);
    memcpy(out, &in, sizeof(in));
}

static void address6(void *out, const char *text)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct tcpip_address address;
    assert_int_equal(tcpip_address_parse(text, &address), TCPIP_OK);
    memcpy(&in6.sin6_addr, address.bytes, 16);
    memcpy(out, &in6, sizeof(in6));
}

static struct tcp_md5sig md5_key(const char *address, const char *secret)
{
    struct tcp_md5sig key;
    memset(&key, 0, sizeof(key));
    if (strchr(address, ':') != NULL)
        address6(&key.tcpm_addr, address);
    else
        address4(&key.tcpm_addr, address);
    key.tcpm_keylen = (uint16_t)strlen(secret);
    memcpy(key.tcpm_key, secret, strlen(secret));
    return key;
}

static struct linux_ao_add ao_key(const char *address, uint8_t prefix, uint8_t send_id, uint8_t receive_id)
{
    struct linux_ao_add key;
    memset(&key, 0, sizeof(key));
    if (strchr(address, ':') != NULL)
        address6(&key.address, address);
    else
        address4(&key.address, address);
    strcpy(key.algorithm, "hmac(sha1)");
    key.prefix = prefix;
    key.send_id = send_id;
    key.receive_id = receive_id;
    key.key_bytes = 6;
    memcpy(key.key, "secret", 6);
    return key;
}

/* ---- TCP_MD5SIG ---- */

static void md5_keys_are_judged_as_by_the_kernel(void **state)
{
    struct socket_world *w = world_of(state);
    int fd = stream(w, AF_INET), six = stream(w, AF_INET6);
    struct tcp_md5sig key = md5_key("127.0.0.1", "secret");
    assert_refused(set(w, fd, TCP_MD5SIG, &key, sizeof(key) - 1), EINVAL);
    assert_refused(set(w, six, TCP_MD5SIG, &key, sizeof(key)), EINVAL); /* the other family */
    assert_int_equal(set(w, fd, TCP_MD5SIG, &key, sizeof(key)), 0);
    assert_int_equal(set(w, fd, TCP_MD5SIG, &key, sizeof(key)), 0); /* again */
    key.tcpm_keylen = TCP_MD5SIG_MAXKEYLEN + 1;
    assert_refused(set(w, fd, TCP_MD5SIG, &key, sizeof(key)), EINVAL);
    key.tcpm_keylen = 0;
    assert_int_equal(set(w, fd, TCP_MD5SIG, &key, sizeof(key)), 0);
    assert_refused(set(w, fd, TCP_MD5SIG, &key, sizeof(key)), ENOENT);

    key = md5_key("127.9.9.9", "secret");
    key.tcpm_flags = TCP_MD5SIG_FLAG_PREFIX;
    key.tcpm_prefixlen = 33;
    assert_refused(set(w, fd, TCP_MD5SIG_EXT, &key, sizeof(key)), EINVAL);
    key.tcpm_prefixlen = 8;
    assert_int_equal(set(w, fd, TCP_MD5SIG_EXT, &key, sizeof(key)), 0);
    key.tcpm_flags |= TCP_MD5SIG_FLAG_IFINDEX;
    key.tcpm_ifindex = 77;
    assert_refused(set(w, fd, TCP_MD5SIG_EXT, &key, sizeof(key)), EINVAL);
    key.tcpm_ifindex = 0;
    key.tcpm_keylen = 0;
    assert_int_equal(set(w, fd, TCP_MD5SIG_EXT, &key, sizeof(key)), 0);
    socklen_t length = sizeof(key);
    assert_refused(tcpip_getsockopt(w->s, fd, IPPROTO_TCP, TCP_MD5SIG, &key, &length), ENOPROTOOPT);
}

/* A listener and a client with keys from `put`; true: they got together, and exchanged a line. */
static bool talk(struct socket_world *w, int domain, const char *address, void (*put)(struct socket_world *, int, bool),
                 int *client, int *server)
{
    struct sockaddr_storage to;
    socklen_t size = domain == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    char line[8] = {0};
    int listener = stream(w, domain);
    memset(&to, 0, sizeof(to));
    if (domain == AF_INET)
        address4(&to, address);
    else
        address6(&to, address);
    put(w, listener, true);
    assert_int_equal(tcpip_bind(w->s, listener, (struct sockaddr *)&to, size), 0);
    assert_int_equal(tcpip_listen(w->s, listener, 4), 0);
    assert_int_equal(tcpip_getsockname(w->s, listener, (struct sockaddr *)&to, &size), 0);
    *client = stream(w, domain);
    put(w, *client, false);
    if (tcpip_connect(w->s, *client, (struct sockaddr *)&to, size) != 0)
        return false;
    *server = tcpip_accept(w->s, listener, NULL, NULL);
    assert_true(*server >= 0);
    assert_int_equal(tcpip_send(w->s, *client, "hello", 5, 0), 5);
    assert_int_equal(tcpip_recv(w->s, *server, line, sizeof(line), 0), 5);
    assert_string_equal(line, "hello");
    return true;
}

static void put_md5(struct socket_world *w, int fd, bool listener)
{
    struct tcp_md5sig key = md5_key("127.0.0.1", "secret");
    (void)listener;
    assert_int_equal(set(w, fd, TCP_MD5SIG, &key, sizeof(key)), 0);
}

static void put_md5_mapped(struct socket_world *w, int fd, bool listener)
{
    struct tcp_md5sig key = md5_key("::ffff:127.0.0.0", "secret");
    (void)listener;
    key.tcpm_flags = TCP_MD5SIG_FLAG_PREFIX;
    key.tcpm_prefixlen = 8;
    assert_int_equal(set(w, fd, TCP_MD5SIG_EXT, &key, sizeof(key)), 0);
}

static void put_other_md5(struct socket_world *w, int fd, bool listener)
{
    struct tcp_md5sig key = md5_key("127.0.0.1", listener ? "secret" : "another");
    assert_int_equal(set(w, fd, TCP_MD5SIG, &key, sizeof(key)), 0);
}

static void who_has_the_md5_key_connects(void **state)
{
    struct socket_world *w = world_of(state);
    int client, server;
    assert_true(talk(w, AF_INET, "127.0.0.1", put_md5, &client, &server));
    assert_true(talk(w, AF_INET6, "::ffff:127.0.0.1", put_md5_mapped, &client, &server));
    assert_refused(talk(w, AF_INET, "127.0.0.1", put_other_md5, &client, &server) ? 0 : -1, ETIMEDOUT);
}

/* ---- TCP_AO_... ---- */

static void ao_keys_are_judged_as_by_the_kernel(void **state)
{
    struct socket_world *w = world_of(state);
    int fd = stream(w, AF_INET);
    struct linux_ao_add good = ao_key("127.0.0.1", 32, 100, 100), key;
    static uint8_t longer[sizeof(key) + 8];
#define WRONG(change, number)                                                    \
    do {                                                                         \
        key = good;                                                              \
        change;                                                                  \
        assert_refused(set(w, fd, LINUX_AO_ADD_KEY, &key, sizeof(key)), number); \
    } while (0)
    WRONG(key.key_bytes = 81, EINVAL);
    WRONG(key.key_bytes = 0, EINVAL);
    WRONG(key.reserved = 1, EINVAL);
    WRONG(key.reserved2 = 1, EINVAL);
    WRONG(key.address.ss_family = AF_UNIX, EINVAL);
    WRONG(((struct sockaddr_in *)(void *)&key.address)->sin_port = 1, EINVAL);
    WRONG(key.prefix = 0, EINVAL);
    WRONG(key.prefix = 33, EINVAL);
    WRONG(key.prefix = 2, EINVAL);
    WRONG(address4(&key.address, "0.0.0.0"), EINVAL);
    WRONG(key.flags = 0xff, EINVAL);
    WRONG(key.ifindex = 1, EINVAL);
    WRONG((key.ifindex = 99, key.flags = LINUX_AO_FLAG_IFINDEX), EINVAL);
    WRONG(key.mac_bytes = 100, EMSGSIZE);
    WRONG(strcpy(key.algorithm, "imaginary"), ENOENT);
#undef WRONG
    assert_refused(set(w, fd, LINUX_AO_ADD_KEY, &good, sizeof(good) - 1), EINVAL);
    memcpy(longer, &good, sizeof(good));
    longer[sizeof(longer) - 1] = 1;
    assert_refused(set(w, fd, LINUX_AO_ADD_KEY, longer, sizeof(longer)), E2BIG);
    longer[sizeof(longer) - 1] = 0;
    assert_int_equal(set(w, fd, LINUX_AO_ADD_KEY, longer, sizeof(longer)), 0);
    assert_refused(set(w, fd, LINUX_AO_ADD_KEY, &good, sizeof(good)), EEXIST);
    struct tcp_md5sig md5 = md5_key("127.0.0.1", "secret");
    assert_refused(set(w, fd, TCP_MD5SIG, &md5, sizeof(md5)), EKEYREJECTED);
    assert_refused(set(w, fd, LINUX_AO_REPAIR, &good, sizeof(good)), EPERM);
    socklen_t length = sizeof(good);
    assert_refused(tcpip_getsockopt(w->s, fd, IPPROTO_TCP, LINUX_AO_ADD_KEY, &good, &length), ENOPROTOOPT);
    int listener = stream(w, AF_INET);
    assert_int_equal(tcpip_listen(w->s, listener, 1), 0);
    good.set_current = 1;
    assert_refused(set(w, listener, LINUX_AO_ADD_KEY, &good, sizeof(good)), EINVAL);
}

static struct linux_ao_del ao_removal(uint8_t send_id, uint8_t receive_id)
{
    struct linux_ao_del del;
    memset(&del, 0, sizeof(del));
    address4(&del.address, "127.0.0.1");
    del.prefix = 32;
    del.send_id = send_id;
    del.receive_id = receive_id;
    return del;
}

static void ao_keys_go_as_in_the_kernel(void **state)
{
    struct socket_world *w = world_of(state);
    int fd = stream(w, AF_INET);
    struct linux_ao_add add = ao_key("127.0.0.1", 32, 100, 100);
    struct linux_ao_del good = ao_removal(100, 100), del;
    assert_refused(set(w, fd, LINUX_AO_DEL_KEY, &good, sizeof(good)), ENOENT);
    add.set_current = 1;
    assert_int_equal(set(w, fd, LINUX_AO_ADD_KEY, &add, sizeof(add)), 0);
#define WRONG(change, number)                                                    \
    do {                                                                         \
        del = good;                                                              \
        change;                                                                  \
        assert_refused(set(w, fd, LINUX_AO_DEL_KEY, &del, sizeof(del)), number); \
    } while (0)
    WRONG((void)0, EBUSY); /* the current key */
    WRONG(del.reserved = 1, EINVAL);
    WRONG(del.reserved2 = 1, EINVAL);
    WRONG(del.async = 1, EINVAL);
    WRONG(del.flags = 0xff, EINVAL);
    WRONG(del.ifindex = 1, EINVAL);
    WRONG((del.ifindex = 99, del.flags = LINUX_AO_FLAG_IFINDEX), ENOENT);
    WRONG(del.send_id = 101, ENOENT);
    WRONG(del.receive_id = 101, ENOENT);
    WRONG(address4(&del.address, "127.0.0.2"), ENOENT);
    WRONG((del.set_current = 1, del.current_id = 7), ENOENT);
    WRONG((del.set_current = 1, del.current_id = 100), ENOENT); /* the one to go */
    WRONG((del.set_next = 1, del.next_id = 100), ENOENT);
#undef WRONG
    struct linux_ao_add second = ao_key("127.0.0.1", 32, 1, 2);
    assert_int_equal(set(w, fd, LINUX_AO_ADD_KEY, &second, sizeof(second)), 0);
    good.set_current = good.set_next = 1;
    good.current_id = 1;
    good.next_id = 2;
    assert_int_equal(set(w, fd, LINUX_AO_DEL_KEY, &good, sizeof(good)), 0);
    struct linux_ao_info info;
    socklen_t length = sizeof(info);
    assert_int_equal(tcpip_getsockopt(w->s, fd, IPPROTO_TCP, LINUX_AO_INFO, &info, &length), 0);
    assert_int_equal(length, sizeof(info));
    assert_true(info.set_current && info.set_next && info.current_id == 1 && info.next_id == 2);
}

static void ao_settings_are_kept_and_told(void **state)
{
    struct socket_world *w = world_of(state);
    int fd = stream(w, AF_INET);
    struct linux_ao_info info, got;
    socklen_t length = sizeof(got);
    memset(&info, 0, sizeof(info));
    assert_refused(tcpip_getsockopt(w->s, fd, IPPROTO_TCP, LINUX_AO_INFO, &got, &length), ENOENT);
    info.set_current = 1;
    info.current_id = 9;
    assert_refused(set(w, fd, LINUX_AO_INFO, &info, sizeof(info)), ENOENT);
    info.set_current = 0;
    info.reserved = 1;
    assert_refused(set(w, fd, LINUX_AO_INFO, &info, sizeof(info)), EINVAL);
    info.reserved = 0;
    info.accept_icmps = info.required = info.set_counters = 1;
    info.good = 321;
    info.dropped_icmp = 10000;
    assert_int_equal(set(w, fd, LINUX_AO_INFO, &info, sizeof(info)), 0);
    length = sizeof(got);
    assert_int_equal(tcpip_getsockopt(w->s, fd, IPPROTO_TCP, LINUX_AO_INFO, &got, &length), 0);
    assert_true(got.accept_icmps && got.required && got.good == 321 && got.dropped_icmp == 10000 && got.bad == 0);
    struct tcp_md5sig md5 = md5_key("127.0.0.1", "secret");
    assert_refused(set(w, fd, TCP_MD5SIG, &md5, sizeof(md5)), EKEYREJECTED);
    /* A peer without a key. */
    struct sockaddr_in to = loopback4(1);
    assert_refused(tcpip_connect(w->s, fd, (struct sockaddr *)&to, sizeof(to)), EKEYREJECTED);
    int other = stream(w, AF_INET);
    assert_int_equal(set(w, other, TCP_MD5SIG, &md5, sizeof(md5)), 0);
    assert_refused(set(w, other, LINUX_AO_INFO, &info, sizeof(info)), EKEYREJECTED);
}

static void put_ao6(struct socket_world *w, int fd, bool listener)
{
    for (uint8_t id = 1; id <= 2; id++) {
        struct linux_ao_add key = ao_key(listener ? "::" : "::1", listener ? 0 : 128, id, id);
        strcpy(key.algorithm, "cmac(aes128)");
        key.flags = id == 2 ? LINUX_AO_FLAG_EXCLUDE_OPTIONS : 0;
        assert_int_equal(set(w, fd, LINUX_AO_ADD_KEY, &key, sizeof(key)), 0);
    }
}

static void keys_of_a_connection_are_told_one_by_one_or_all(void **state)
{
    struct socket_world *w = world_of(state);
    int client, server = -1;
    assert_true(talk(w, AF_INET6, "::1", put_ao6, &client, &server));
    struct linux_ao_info info;
    socklen_t length = sizeof(info);
    assert_int_equal(tcpip_getsockopt(w->s, server, IPPROTO_TCP, LINUX_AO_INFO, &info, &length), 0);
    assert_true(info.good >= 1 && info.bad == 0 && info.current_id == 1);
    struct linux_ao_key keys[3];
    memset(keys, 0, sizeof(keys));
    keys[0].get_all = 1;
    keys[0].count = 1; /* room for one of two */
    length = sizeof(keys[0]);
    keys[1].send_id = 77;
    assert_int_equal(tcpip_getsockopt(w->s, client, IPPROTO_TCP, LINUX_AO_GET_KEYS, keys, &length), 0);
    assert_int_equal(keys[0].count, 2);
    assert_int_equal(keys[1].send_id, 77);
    memset(keys, 0, sizeof(keys));
    keys[0].get_all = 1;
    keys[0].count = 3;
    assert_int_equal(tcpip_getsockopt(w->s, client, IPPROTO_TCP, LINUX_AO_GET_KEYS, keys, &length), 0);
    assert_int_equal(keys[0].count, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(keys[i].send_id, i + 1);
        assert_int_equal(keys[i].prefix, 128);
        assert_int_equal(keys[i].mac_bytes, 12);
        assert_int_equal(keys[i].flags, i == 1 ? LINUX_AO_FLAG_EXCLUDE_OPTIONS : 0);
        assert_int_equal(keys[i].is_current, i == 0);
        assert_string_equal(keys[i].algorithm, "cmac(aes128)");
        assert_int_equal(keys[i].key_bytes, 6);
        assert_memory_equal(keys[i].key, "secret", 6);
        assert_int_equal(keys[i].good > 0, i == 0);
    }
    memset(keys, 0, sizeof(keys));
    keys[0].is_next = 1;
    keys[0].count = 1;
    assert_int_equal(tcpip_getsockopt(w->s, client, IPPROTO_TCP, LINUX_AO_GET_KEYS, keys, &length), 0);
    assert_true(keys[0].count == 1 && keys[0].is_next && keys[0].receive_id == 1);
    memset(keys, 0, sizeof(keys));
    keys[0].send_id = keys[0].receive_id = 2;
    keys[0].count = 1;
    address6(&keys[0].address, "::1");
    keys[0].prefix = 128;
    assert_int_equal(tcpip_getsockopt(w->s, client, IPPROTO_TCP, LINUX_AO_GET_KEYS, keys, &length), 0);
    assert_true(keys[0].count == 1 && keys[0].send_id == 2);
    keys[0].get_all = keys[0].is_current = 1;
    assert_refused(tcpip_getsockopt(w->s, client, IPPROTO_TCP, LINUX_AO_GET_KEYS, keys, &length), EINVAL);
    keys[0].get_all = keys[0].is_current = 0;
    keys[0].good = 1;
    assert_refused(tcpip_getsockopt(w->s, client, IPPROTO_TCP, LINUX_AO_GET_KEYS, keys, &length), EINVAL);
    length = 0;
    assert_refused(tcpip_getsockopt(w->s, client, IPPROTO_TCP, LINUX_AO_GET_KEYS, keys, &length), EINVAL);
    length = sizeof(keys[0]);
    int plain = stream(w, AF_INET);
    assert_refused(tcpip_getsockopt(w->s, plain, IPPROTO_TCP, LINUX_AO_GET_KEYS, keys, &length), ENOENT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, socket_world_setup, socket_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(md5_keys_are_judged_as_by_the_kernel), TEST(who_has_the_md5_key_connects),
        TEST(ao_keys_are_judged_as_by_the_kernel),  TEST(ao_keys_go_as_in_the_kernel),
        TEST(ao_settings_are_kept_and_told),        TEST(keys_of_a_connection_are_told_one_by_one_or_all),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
