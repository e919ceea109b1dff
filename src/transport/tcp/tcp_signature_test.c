// SPDX-License-Identifier: MIT
/* tcp_signature_test.c: signed connections between two stacks: what is signed arrives, whatever the path does to it,
 * through key changes and overflows of sequence numbers; what isn't signed well changes nothing.
 *
 * Not here: the codes (signature_test.c), forgers (tcp_forgery_test.c), what is seen on the wire
 * (tests/script/signature). */
#include "pair.h"
#include "transport/tcp/tcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CHUNK = 16384, CLIENT_PORT = 4321 };

/* ---- two ends that want to talk ---- */

struct talk {
    struct pair pair;
    bool v6;
    struct tcpip_endpoint *listener, *client, *server;
    uint64_t total, written, read; /* of the stream from writer to reader */
    struct tcpip_endpoint *from, *to;
    uint64_t unsigned_packets, packets;
};

static struct talk talk;

/* Every TCP packet that a host sends: is it signed? */
static void talk_trace(void *ctx, const struct tcpip_event *event)
{
    (void)ctx;
    const uint8_t *p = event->bytes;
    if (event->kind != TCPIP_EVENT_PACKET_OUT || p == NULL || event->bytes_count < 40)
        return;
    bool v6 = p[0] >> 4 == 6;
    const uint8_t *tcp = p + (v6 ? 40 : 20);
    struct tcpip_tcp_options options;
    size_t header_bytes;
    if ((v6 ? p[6] : p[9]) != 6 ||
        !tcpip_tcp_header_check(tcp, event->bytes_count - (uint32_t)(tcp - p), &header_bytes))
        return;
    (void)tcpip_tcp_options_parse(tcp, header_bytes, &options);
    talk.packets++;
    if ((options.present & (TCPIP_TCP_HAS_MD5 | TCPIP_TCP_HAS_AO)) == 0)
        talk.unsigned_packets++;
}

static struct tcpip_endpoint *talk_endpoint(struct tcpip_stack *stack)
{
    struct tcpip_endpoint *endpoint;
    uint32_t network = talk.v6 ? TCPIP_PROTOCOL_IPV6 : TCPIP_PROTOCOL_IPV4;
    assert_int_equal(tcpip_stack_new_endpoint(stack, TCPIP_PROTOCOL_TCP, network, &endpoint), TCPIP_OK);
    return endpoint;
}

/* A listener at b's port 80, and a client that is bound at a's. */
static void talk_open(const struct pair_options *options, bool v6)
{
    struct pair_options with = options != NULL ? *options : (struct pair_options){0};
    if (with.trace == NULL && getenv("TEST_TRACE") == NULL)
        with.trace = talk_trace;
    memset(&talk, 0, sizeof(talk));
    talk.v6 = v6;
    pair_init(&talk.pair, &with);
    struct tcpip_full_address from = v6 ? talk.pair.a6 : talk.pair.a4;
    from.port = CLIENT_PORT;
    talk.listener = talk_endpoint(talk.pair.b);
    talk.client = talk_endpoint(talk.pair.a);
    assert_int_equal(tcpip_endpoint_bind(talk.client, &from, NULL, NULL), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_bind(talk.listener, v6 ? &talk.pair.b6 : &talk.pair.b4, NULL, NULL), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_listen(talk.listener, 8), TCPIP_OK);
}

static bool talk_accepted(void *ctx)
{
    (void)ctx;
    return tcpip_endpoint_accept(talk.listener, &talk.server, NULL) == TCPIP_OK;
}

/* The client calls; true: the server has accepted. */
static bool talk_connect(void)
{
    const struct tcpip_full_address *to = talk.v6 ? &talk.pair.b6 : &talk.pair.b4;
    assert_int_equal(tcpip_endpoint_connect(talk.client, to), TCPIP_ERR_CONNECT_STARTED);
    return pair_run_until(&talk.pair, 30 * TCPIP_SECOND, talk_accepted, NULL);
}

static void talk_close(void)
{
    if (talk.server != NULL)
        tcpip_endpoint_close(talk.server);
    tcpip_endpoint_close(talk.client);
    tcpip_endpoint_close(talk.listener);
    pair_fini(&talk.pair);
}

static uint8_t talk_byte(uint64_t at)
{
    return (uint8_t)(at * 131 + (at >> 8) * 31 + (at >> 16));
}

static bool talk_step(void *ctx)
{
    uint8_t buffer[CHUNK];
    size_t done;
    (void)ctx;
    while (talk.written < talk.total) {
        size_t size = talk.total - talk.written < CHUNK ? (size_t)(talk.total - talk.written) : CHUNK;
        for (size_t i = 0; i < size; i++)
            buffer[i] = talk_byte(talk.written + i);
        if (tcpip_endpoint_write(talk.from, buffer, size, 0, NULL, &done) != TCPIP_OK)
            break;
        talk.written += done;
    }
    while (tcpip_endpoint_read(talk.to, buffer, sizeof(buffer), &done, NULL) == TCPIP_OK) {
        for (size_t i = 0; i < done; i++)
            if (buffer[i] != talk_byte(talk.read + i))
                fail_msg("byte %llu isn't what was sent", (unsigned long long)(talk.read + i));
        talk.read += done;
    }
    return talk.read == talk.total;
}

/* More of the stream, from the client or to it. */
static void talk_send(bool up, uint64_t bytes)
{
    talk.from = up ? talk.client : talk.server;
    talk.to = up ? talk.server : talk.client;
    talk.total += bytes;
    if (!pair_run_until(&talk.pair, 3600 * TCPIP_SECOND, talk_step, NULL))
        fail_msg("%llu of %llu bytes came", (unsigned long long)talk.read, (unsigned long long)talk.total);
}

static struct tcpip_stats_tcp talk_stats(struct tcpip_stack *stack)
{
    static struct tcpip_stats stats;
    tcpip_stack_stats(stack, &stats);
    return stats.tcp;
}

static uint64_t talk_drops(struct tcpip_stack *stack, enum tcpip_drop reason)
{
    static struct tcpip_stats stats;
    tcpip_stack_stats(stack, &stats);
    return stats.drops[reason];
}

/* ---- keys ---- */

static struct tcpip_prefix prefix(const char *text)
{
    struct tcpip_prefix out;
    assert_int_equal(tcpip_prefix_parse(text, &out), TCPIP_OK);
    return out;
}

static enum tcpip_error md5(struct tcpip_endpoint *endpoint, const char *peer, const char *secret)
{
    struct tcpip_tcp_md5_key key = {
        .size = sizeof(key), .peer = prefix(peer), .secret = secret, .secret_bytes = strlen(secret)};
    return tcpip_tcp_md5_key_set(endpoint, &key);
}

static enum tcpip_error md5_remove(struct tcpip_endpoint *endpoint, const char *peer)
{
    struct tcpip_tcp_md5_key key = {.size = sizeof(key), .peer = prefix(peer)};
    return tcpip_tcp_md5_key_remove(endpoint, &key);
}

static struct tcpip_tcp_ao_key ao_key(const char *peer, uint8_t send_id, uint8_t receive_id)
{
    return (struct tcpip_tcp_ao_key){.size = sizeof(struct tcpip_tcp_ao_key),
                                     .peer = prefix(peer),
                                     .secret = "a secret of some length",
                                     .secret_bytes = 23,
                                     .send_id = send_id,
                                     .receive_id = receive_id};
}

static enum tcpip_error ao(struct tcpip_endpoint *endpoint, const char *peer, uint8_t send_id, uint8_t receive_id)
{
    struct tcpip_tcp_ao_key key = ao_key(peer, send_id, receive_id);
    return tcpip_tcp_ao_key_add(endpoint, &key);
}

static enum tcpip_error ao_remove(struct tcpip_endpoint *endpoint, const char *peer, uint8_t send_id,
                                  uint8_t receive_id)
{
    struct tcpip_tcp_ao_key_removal removal = {
        .size = sizeof(removal), .peer = prefix(peer), .send_id = send_id, .receive_id = receive_id};
    return tcpip_tcp_ao_key_remove(endpoint, &removal);
}

static struct tcpip_tcp_ao_info ao_info(const struct tcpip_endpoint *endpoint)
{
    struct tcpip_tcp_ao_info info = {.size = sizeof(info)};
    assert_int_equal(tcpip_tcp_ao_get(endpoint, &info), TCPIP_OK);
    return info;
}

static void ao_ask_for(struct tcpip_endpoint *endpoint, uint8_t receive_id)
{
    struct tcpip_tcp_ao_info info = ao_info(endpoint);
    info.set_current = false;
    info.set_next = true;
    info.next_id = receive_id;
    assert_int_equal(tcpip_tcp_ao_set(endpoint, &info), TCPIP_OK);
}

static const char *const client4 = "10.0.0.1/32", *const server4 = "10.0.0.2/32";
static const char *const server6 = "fd00::2/128";

/* ---- TCP-MD5 ---- */

static void test_an_md5_connection_signs_all_it_sends(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        talk_open(NULL, v6);
        assert_int_equal(md5(talk.client, v6 ? server6 : server4, "secret"), TCPIP_OK);
        assert_int_equal(md5(talk.listener, v6 ? "fd00::/64" : "10.0.0.0/24", "secret"), TCPIP_OK);
        assert_true(talk_connect());
        talk_send(true, 300000);
        talk_send(false, 300000);
        struct tcpip_tcp_info info = {.size = sizeof(info)};
        assert_int_equal(tcpip_endpoint_tcp_info(talk.client, &info), TCPIP_OK);
        assert_false(info.timestamps);
        assert_int_equal(info.snd_mss, 1500 - (v6 ? 60 : 40) - 20);
        tcpip_endpoint_close(talk.client);
        tcpip_endpoint_close(talk.server);
        talk.client = talk_endpoint(talk.pair.a);
        talk.server = NULL;
        pair_run(&talk.pair, 100 * TCPIP_SECOND);
        assert_true(talk.packets > 400);
        assert_int_equal(talk.unsigned_packets, 0);
        assert_int_equal(talk_stats(talk.pair.a).time_wait_created, 1);
        assert_int_equal(talk_stats(talk.pair.a).md5_failure + talk_stats(talk.pair.b).md5_failure, 0);
        talk_close();
    }
}

static void test_who_has_another_md5_key_or_none_is_not_answered(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        talk_open(NULL, false);
        if (i != 0)
            assert_int_equal(md5(talk.client, server4, "secret"), TCPIP_OK);
        if (i != 1)
            assert_int_equal(md5(talk.listener, client4, "another"), TCPIP_OK);
        assert_false(talk_connect());
        struct tcpip_stats_tcp stats = talk_stats(talk.pair.b);
        enum tcpip_drop reason = i == 0   ? TCPIP_DROP_TCP_MISSING_SIGNATURE
                                 : i == 1 ? TCPIP_DROP_TCP_UNEXPECTED_SIGNATURE
                                          : TCPIP_DROP_TCP_BAD_SIGNATURE;
        assert_true(stats.md5_not_found == 0 ? i != 0 : i == 0);
        assert_true(stats.md5_unexpected == 0 ? i != 1 : i == 1);
        assert_true(stats.md5_failure == 0 ? i != 2 : i == 2);
        assert_true(talk_drops(talk.pair.b, reason) >= 4);
        assert_int_equal(stats.segments_sent, 0);
        talk_close();
    }
}

static void test_a_listener_has_a_key_for_each_peer(void **state)
{
    (void)state;
    talk_open(NULL, false);
    assert_int_equal(md5(talk.listener, "0.0.0.0/0", "everybody's"), TCPIP_OK);
    assert_int_equal(md5(talk.listener, "10.0.0.0/8", "the net's"), TCPIP_OK);
    assert_int_equal(md5(talk.listener, client4, "the host's"), TCPIP_OK);
    assert_int_equal(md5(talk.listener, "10.0.0.3/32", "another's"), TCPIP_OK);
    assert_int_equal(md5(talk.client, server4, "the host's"), TCPIP_OK);
    assert_true(talk_connect());
    /* The child has keys of its own: what its listener loses, it keeps. */
    assert_int_equal(md5_remove(talk.listener, client4), TCPIP_OK);
    assert_int_equal(md5_remove(talk.listener, client4), TCPIP_ERR_KEY_NOT_FOUND);
    talk_send(true, 10000);
    /* A new key on both sides; what was on the way was signed with the old one, and comes again. */
    assert_int_equal(md5(talk.server, client4, "new"), TCPIP_OK);
    assert_int_equal(md5(talk.client, server4, "new"), TCPIP_OK);
    talk_send(true, 10000);
    /* And none at all. */
    assert_int_equal(md5_remove(talk.client, server4), TCPIP_OK);
    assert_int_equal(md5_remove(talk.server, "0.0.0.0/0"), TCPIP_OK);
    assert_int_equal(md5_remove(talk.server, "10.0.0.0/8"), TCPIP_OK);
    assert_int_equal(md5_remove(talk.server, client4), TCPIP_OK);
    talk_send(false, 10000);
    assert_true(talk.unsigned_packets > 0);
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    assert_int_equal(tcpip_endpoint_tcp_info(talk.server, &info), TCPIP_OK);
    assert_int_equal(info.snd_mss, 1460);
    assert_int_equal(talk_stats(talk.pair.b).md5_failure, 0);
    talk_close();
}

/* ---- TCP-AO ---- */

static void test_every_kind_of_ao_key_signs(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 32; i++) {
        bool v6 = i & 1;
        talk_open(NULL, v6);
        static const uint8_t sizes[4] = {0, 4, 13, 16};
        struct tcpip_tcp_ao_key key = ao_key(v6 ? server6 : server4, 1, 2);
        key.algorithm = i & 2 ? TCPIP_TCP_AO_AES_128_CMAC : TCPIP_TCP_AO_HMAC_SHA1;
        key.exclude_options = i & 4;
        key.mac_bytes = sizes[i >> 3];
        uint32_t option_bytes = (4 + (key.mac_bytes != 0 ? key.mac_bytes : 12u) + 3) / 4 * 4;
        assert_int_equal(tcpip_tcp_ao_key_add(talk.client, &key), TCPIP_OK);
        key.peer = prefix(v6 ? "::/0" : "0.0.0.0/0");
        key.send_id = 2;
        key.receive_id = 1;
        assert_int_equal(tcpip_tcp_ao_key_add(talk.listener, &key), TCPIP_OK);
        assert_true(talk_connect());
        talk_send(true, 100000);
        talk_send(false, 100000);
        struct tcpip_tcp_info info = {.size = sizeof(info)};
        assert_int_equal(tcpip_endpoint_tcp_info(talk.client, &info), TCPIP_OK);
        assert_int_equal(info.snd_mss, 1500u - (v6 ? 60 : 40) - option_bytes - (info.timestamps ? 12 : 0));
        assert_int_equal(talk.unsigned_packets, 0);
        assert_true(ao_info(talk.client).good > 50 && ao_info(talk.server).good > 50);
        assert_true(ao_info(talk.client).signs);
        assert_int_equal(ao_info(talk.client).bad + ao_info(talk.server).bad, 0);
        struct tcpip_tcp_ao_key_info seen = {.size = sizeof(seen)};
        assert_int_equal(tcpip_tcp_ao_key_get(talk.server, 0, &seen), TCPIP_OK);
        assert_true(seen.good == ao_info(talk.server).good && seen.key.set_current && seen.key.send_id == 2);
        assert_int_equal(seen.key.peer.bits, 0);
        assert_int_equal(tcpip_tcp_ao_key_get(talk.server, 1, &seen), TCPIP_ERR_KEY_NOT_FOUND);
        talk_close();
    }
}

static void test_ao_drops_are_counted_by_endpoint_and_stack(void **state)
{
    (void)state;
    /* Unsigned; by an unknown key; by one with another secret. */
    for (unsigned i = 0; i < 3; i++) {
        talk_open(NULL, false);
        struct tcpip_tcp_ao_key key = ao_key(server4, 1, i == 1 ? 9 : 1);
        key.send_id = i == 1 ? 9 : 1;
        key.secret = "b secret of some length";
        if (i != 0)
            assert_int_equal(tcpip_tcp_ao_key_add(talk.client, &key), TCPIP_OK);
        assert_int_equal(ao(talk.listener, client4, 1, 1), TCPIP_OK);
        assert_false(talk_connect());
        struct tcpip_tcp_ao_info info = ao_info(talk.listener);
        struct tcpip_stats_tcp stats = talk_stats(talk.pair.b);
        assert_int_equal(stats.ao_required, info.ao_required);
        assert_int_equal(stats.ao_key_not_found, info.key_not_found);
        assert_int_equal(stats.ao_bad, info.bad);
        assert_int_equal(stats.ao_good + info.good, 0);
        assert_true((info.ao_required > 0) == (i == 0) && (info.key_not_found > 0) == (i == 1) &&
                    (info.bad > 0) == (i == 2));
        assert_int_equal(stats.segments_sent, 0);
        talk_close();
    }
}

static void test_required_means_that_strangers_are_refused_both_ways(void **state)
{
    (void)state;
    talk_open(NULL, false);
    struct tcpip_tcp_ao_info info = {.size = sizeof(info), .required = true};
    assert_int_equal(tcpip_tcp_ao_set(talk.listener, &info), TCPIP_OK);
    assert_false(talk_connect());
    assert_true(ao_info(talk.listener).ao_required > 0);
    struct tcpip_endpoint *other = talk_endpoint(talk.pair.a);
    assert_int_equal(tcpip_tcp_ao_set(other, &info), TCPIP_OK);
    assert_int_equal(ao(other, "10.0.0.9/32", 1, 1), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_connect(other, &talk.pair.b4), TCPIP_ERR_KEY_REJECTED);
    assert_int_equal(ao(other, server4, 1, 1), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_connect(other, &talk.pair.b4), TCPIP_ERR_CONNECT_STARTED);
    tcpip_endpoint_close(other);
    talk_close();
}

/* Where `key` lies in the time of initial sequence numbers: both stacks' numbers overflow soon after the handshake. */
static void talk_before_overflow(bool of_client)
{
    struct tcpip_stack *stack = of_client ? talk.pair.a : talk.pair.b;
    struct tcpip_address a = tcpip_address_to_mapped(&talk.pair.a4.address);
    struct tcpip_address b = tcpip_address_to_mapped(&talk.pair.b4.address);
    for (;;) {
        seqnum isn = of_client ? tcpip__isn(&stack->secret, a.bytes, CLIENT_PORT, b.bytes, 80, talk.pair.world.now)
                               : tcpip__isn(&stack->secret, b.bytes, 80, a.bytes, CLIENT_PORT, talk.pair.world.now);
        uint32_t left = 0 - isn.v;
        if (left > 1000 && left < 400000)
            return;
        talk.pair.world.now += TCPIP_MS / 2;
    }
}

/* Two keys on both sides; while a stream runs over a bad path, now one side asks for the other key, now the other does;
 * and sequence numbers overflow. Not one segment fails. */
static void test_keys_change_amid_loss_and_overflow(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        bool up = i & 1;
        struct pair_options options = {
            .a_to_b = {.loss_ppm = 20000,
                       .duplicate_ppm = 10000,
                       .reorder_ppm = 20000,
                       .reorder_ns = 5 * TCPIP_MS,
                       .delay_ns = 10 * TCPIP_MS},
            .seed = 7 + i,
        };
        options.b_to_a = options.a_to_b;
        talk_open(&options, false);
        for (uint8_t id = 1; id <= 2; id++) {
            struct tcpip_tcp_ao_key key = ao_key(server4, id, (uint8_t)(id + 10));
            key.algorithm = i & 2 ? TCPIP_TCP_AO_AES_128_CMAC : TCPIP_TCP_AO_HMAC_SHA1;
            key.mac_bytes = id == 1 ? 12 : 16; /* so that the room for text changes as well */
            assert_int_equal(tcpip_tcp_ao_key_add(talk.client, &key), TCPIP_OK);
            key.peer = prefix(client4);
            key.send_id = (uint8_t)(id + 10);
            key.receive_id = id;
            assert_int_equal(tcpip_tcp_ao_key_add(talk.listener, &key), TCPIP_OK);
        }
        talk_before_overflow(up);
        assert_true(talk_connect());
        for (unsigned round = 0; round < 8; round++) {
            talk_send(up, 100000);
            if (round % 4 == 1)
                ao_ask_for(talk.server, 2); /* and the client changes over */
            else if (round % 4 == 2)
                ao_ask_for(talk.client, 12);
            else if (round % 4 == 3)
                ao_ask_for(talk.server, 1), ao_ask_for(talk.client, 11);
        }
        /* What was overtaken asks for the key of its time once more: some more segments each way settle it. */
        for (unsigned exchange = 0; exchange < 4; exchange++) {
            talk_send(!up, 1000);
            talk_send(up, 1000);
        }
        struct tcpip_tcp_ao_info client = ao_info(talk.client), server = ao_info(talk.server);
        assert_int_equal(client.current_id, 1);
        assert_int_equal(server.current_id, 11);
        for (size_t key = 0; key < 2; key++) {
            struct tcpip_tcp_ao_key_info seen = {.size = sizeof(seen)};
            assert_int_equal(tcpip_tcp_ao_key_get(talk.server, key, &seen), TCPIP_OK);
            assert_true(seen.good > 50 && seen.bad == 0);
        }
        assert_int_equal(client.bad + server.bad + client.key_not_found + server.key_not_found, 0);
        assert_true(talk_stats(up ? talk.pair.a : talk.pair.b).retransmits > 5);
        const struct tcp_endpoint *sender = tcp_of(up ? talk.client : talk.server);
        assert_true(sender->snd_una.v < sender->iss.v); /* it did */
        assert_int_equal(talk.unsigned_packets, 0);
        talk_close();
    }
}

/* ---- without a record, with data in the SYN, after the end ---- */

static void test_cookies_and_fast_open_are_signed_too(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        talk_open(NULL, false);
        if (i & 1) {
            assert_int_equal(md5(talk.client, server4, "s"), TCPIP_OK);
            assert_int_equal(md5(talk.listener, client4, "s"), TCPIP_OK);
        } else {
            assert_int_equal(ao(talk.client, server4, 1, 2), TCPIP_OK);
            assert_int_equal(ao(talk.listener, client4, 2, 1), TCPIP_OK);
        }
        if (i & 2) {
            assert_int_equal(tcpip_endpoint_set_option(talk.listener, TCPIP_OPTION_SYN_COOKIES, 2), TCPIP_OK);
            assert_true(talk_connect());
            assert_int_equal(talk_stats(talk.pair.b).listen_overflow_syn_cookie_rcvd, 1);
        } else {
            int64_t server = TCPIP_FAST_OPEN_SERVER | TCPIP_FAST_OPEN_SERVER_NO_COOKIE;
            int64_t client = TCPIP_FAST_OPEN_CLIENT | TCPIP_FAST_OPEN_CLIENT_NO_COOKIE;
            assert_int_equal(tcpip_stack_set_default(talk.pair.b, TCPIP_OPTION_FAST_OPEN_MODE, server), TCPIP_OK);
            assert_int_equal(tcpip_stack_set_default(talk.pair.a, TCPIP_OPTION_FAST_OPEN_MODE, client), TCPIP_OK);
            assert_int_equal(tcpip_endpoint_set_option(talk.listener, TCPIP_OPTION_FAST_OPEN, 5), TCPIP_OK);
            size_t done;
            uint8_t hello[100];
            for (size_t at = 0; at < sizeof(hello); at++)
                hello[at] = talk_byte(at);
            assert_int_equal(
                tcpip_endpoint_write(talk.client, hello, sizeof(hello), TCPIP_WRITE_FAST_OPEN, &talk.pair.b4, &done),
                TCPIP_OK);
            assert_int_equal(done, sizeof(hello));
            talk.written = talk.total = sizeof(hello);
            assert_true(pair_run_until(&talk.pair, TCPIP_SECOND, talk_accepted, NULL));
            assert_int_equal(talk_stats(talk.pair.b).fast_open_passive, 1);
        }
        talk_send(true, 50000);
        talk_send(false, 50000);
        assert_int_equal(talk.unsigned_packets, 0);
        assert_int_equal(talk_stats(talk.pair.b).ao_bad + talk_stats(talk.pair.b).md5_failure, 0);
        assert_int_equal(talk_stats(talk.pair.a).ao_bad + talk_stats(talk.pair.a).md5_failure, 0);
        talk_close();
    }
}

static bool talk_reset(void *ctx)
{
    int64_t error = 0;
    (void)ctx;
    assert_int_equal(tcpip_endpoint_get_option(talk.client, TCPIP_OPTION_ERROR, &error), TCPIP_OK);
    return error == TCPIP_ERR_CONNECTION_RESET;
}

static void test_resets_are_signed_and_so_are_answers_after_the_end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        /* The server is gone with unread data. */
        talk_open(NULL, false);
        assert_int_equal(i ? md5(talk.client, server4, "s") : ao(talk.client, server4, 1, 1), TCPIP_OK);
        assert_int_equal(i ? md5(talk.listener, client4, "s") : ao(talk.listener, client4, 1, 1), TCPIP_OK);
        assert_true(talk_connect());
        size_t done;
        assert_int_equal(tcpip_endpoint_write(talk.client, "unread", 6, 0, NULL, &done), TCPIP_OK);
        pair_run(&talk.pair, TCPIP_MS);
        tcpip_endpoint_close(talk.server);
        talk.server = NULL;
        assert_true(pair_run_until(&talk.pair, TCPIP_SECOND, talk_reset, NULL));
        assert_int_equal(talk.unsigned_packets, 0);
        tcpip_endpoint_close(talk.client);

        /* In TIME-WAIT a FIN that comes again is answered: the path back was dead when it was due. */
        struct tcpip_full_address from = talk.pair.a4;
        from.port = CLIENT_PORT;
        talk.client = talk_endpoint(talk.pair.a);
        assert_int_equal(i ? md5(talk.client, server4, "s") : ao(talk.client, server4, 1, 1), TCPIP_OK);
        assert_int_equal(tcpip_endpoint_bind(talk.client, &from, NULL, NULL), TCPIP_OK);
        assert_true(talk_connect());
        tcpip_endpoint_close(talk.client);
        talk.client = talk_endpoint(talk.pair.a);
        pair_run(&talk.pair, TCPIP_SECOND);
        struct tcpip_fault_profile down = {.down = true}, up = {0};
        tcpip_fault_set(talk.pair.fault, &down, &up);
        tcpip_endpoint_close(talk.server);
        talk.server = NULL;
        pair_run(&talk.pair, TCPIP_MS);
        tcpip_fault_set(talk.pair.fault, &up, &up);
        assert_int_equal(talk_stats(talk.pair.b).established_closed, 0);
        uint64_t packets = talk.packets;
        pair_run(&talk.pair, 2 * TCPIP_SECOND);
        assert_true(talk.packets >= packets + 2); /* the FIN again, and its ACK */
        assert_int_equal(talk_stats(talk.pair.b).current_connected, 0);
        assert_int_equal(talk.unsigned_packets, 0);
        assert_int_equal(talk_stats(talk.pair.a).ao_bad + talk_stats(talk.pair.a).md5_failure, 0);
        talk_close();
    }
}

/* ---- the rules of keys ---- */

static void test_keys_of_one_peer_are_of_one_kind_and_ids_are_unique(void **state)
{
    (void)state;
    talk_open(NULL, false);
    struct tcpip_endpoint *endpoint = talk.client;
    assert_int_equal(md5(endpoint, "10.0.0.0/24", "s"), TCPIP_OK);
    assert_int_equal(ao(endpoint, server4, 1, 1), TCPIP_ERR_KEY_REJECTED);
    assert_int_equal(ao(endpoint, "0.0.0.0/0", 1, 1), TCPIP_ERR_KEY_REJECTED);
    assert_int_equal(ao(endpoint, "::/0", 1, 1), TCPIP_OK);
    assert_int_equal(md5_remove(endpoint, "10.0.0.0/24"), TCPIP_OK);
    assert_int_equal(ao(endpoint, server4, 1, 1), TCPIP_OK);
    assert_int_equal(ao(endpoint, server4, 1, 2), TCPIP_ERR_KEY_EXISTS);
    assert_int_equal(ao(endpoint, "10.0.0.0/24", 2, 1), TCPIP_ERR_KEY_EXISTS);
    assert_int_equal(ao(endpoint, "10.0.0.9/32", 1, 1), TCPIP_OK);
    assert_int_equal(md5(endpoint, "10.0.0.0/24", "s"), TCPIP_ERR_KEY_REJECTED);
    struct tcpip_tcp_ao_key key = ao_key("10.0.0.8/32", 1, 1);
    key.peer.bits = 24;
    assert_int_equal(tcpip_tcp_ao_key_add(endpoint, &key), TCPIP_ERR_INVALID_ARGUMENT);
    key.peer.bits = 33;
    assert_int_equal(tcpip_tcp_ao_key_add(endpoint, &key), TCPIP_ERR_INVALID_ARGUMENT);
    key.peer.bits = 32;
    key.mac_bytes = 17;
    assert_int_equal(tcpip_tcp_ao_key_add(endpoint, &key), TCPIP_ERR_INVALID_ARGUMENT);
    key.mac_bytes = 0;
    key.secret_bytes = 0;
    assert_int_equal(tcpip_tcp_ao_key_add(endpoint, &key), TCPIP_ERR_INVALID_ARGUMENT);
    key.secret_bytes = 5;
    key.set_current = true;
    assert_int_equal(tcpip_tcp_ao_key_add(talk.listener, &key), TCPIP_ERR_INVALID_ENDPOINT_STATE);
    assert_int_equal(ao_remove(endpoint, "10.0.0.9/32", 1, 2), TCPIP_ERR_KEY_NOT_FOUND);
    assert_int_equal(ao_remove(endpoint, "10.0.0.9/32", 1, 1), TCPIP_OK);
    struct tcpip_endpoint *udp;
    assert_int_equal(tcpip_stack_new_endpoint(talk.pair.a, TCPIP_PROTOCOL_UDP, TCPIP_PROTOCOL_IPV4, &udp), TCPIP_OK);
    assert_int_equal(ao(udp, server4, 1, 1), TCPIP_ERR_NOT_SUPPORTED);
    assert_int_equal(md5(udp, server4, "s"), TCPIP_ERR_NOT_SUPPORTED);
    tcpip_endpoint_close(udp);
    talk_close();
}

static void test_a_connections_keys_come_and_go_but_for_the_current_one(void **state)
{
    (void)state;
    talk_open(NULL, false);
    assert_int_equal(ao(talk.client, server4, 1, 1), TCPIP_OK);
    assert_int_equal(ao(talk.listener, client4, 1, 1), TCPIP_OK);
    assert_true(talk_connect());
    talk_send(true, 1000);
    assert_int_equal(ao_remove(talk.client, server4, 1, 1), TCPIP_ERR_KEY_IN_USE);
    assert_int_equal(ao(talk.client, "10.0.0.9/32", 2, 2), TCPIP_ERR_INVALID_ARGUMENT);
    assert_int_equal(md5(talk.client, server4, "s"), TCPIP_ERR_KEY_REJECTED);
    assert_int_equal(ao(talk.client, server4, 2, 2), TCPIP_OK);
    assert_int_equal(ao(talk.server, client4, 2, 2), TCPIP_OK);
    assert_int_equal(ao_info(talk.client).current_id, 1);
    ao_ask_for(talk.client, 2);
    talk_send(true, 1000); /* asks */
    assert_int_equal(ao_info(talk.server).current_id, 2);
    talk_send(false, 1000);
    assert_int_equal(ao_info(talk.client).current_id, 1);
    struct tcpip_tcp_ao_key_removal removal = {.size = sizeof(removal),
                                               .peer = prefix(server4),
                                               .send_id = 1,
                                               .receive_id = 1,
                                               .set_current = true,
                                               .current_send_id = 7};
    assert_int_equal(tcpip_tcp_ao_key_remove(talk.client, &removal), TCPIP_ERR_KEY_NOT_FOUND);
    removal.current_send_id = 2;
    assert_int_equal(tcpip_tcp_ao_key_remove(talk.client, &removal), TCPIP_OK);
    assert_int_equal(ao_info(talk.client).current_id, 2);
    talk_send(true, 1000);
    talk_send(false, 1000);
    /* An unsigned connection can't become an AO one. */
    struct tcpip_endpoint *client, *server;
    tcpip_endpoint_close(talk.listener);
    pair_run(&talk.pair, TCPIP_MS);
    pair_connect(&talk.pair, true, &client, &server);
    assert_int_equal(ao(client, server6, 1, 1), TCPIP_ERR_INVALID_ENDPOINT_STATE);
    tcpip_endpoint_close(client);
    tcpip_endpoint_close(server);
    talk.listener = talk_endpoint(talk.pair.b);
    talk_close();
}

static void test_running_out_of_memory_opens_nothing_unsigned(void **state)
{
    (void)state;
    bool done = false;
    for (uint64_t k = 1; !done; k++) {
        talk_open(NULL, false);
        assert_int_equal(ao(talk.listener, client4, 1, 1), TCPIP_OK);
        test_env_fail(&talk.pair.world, k, true);
        enum tcpip_error error = ao(talk.client, server4, 1, 1);
        if (error == TCPIP_OK)
            error = tcpip_endpoint_connect(talk.client, &talk.pair.b4);
        if (error == TCPIP_ERR_CONNECT_STARTED) {
            pair_run(&talk.pair, TCPIP_MS);
            done = tcpip_endpoint_accept(talk.listener, &talk.server, NULL) == TCPIP_OK;
        }
        done = done && talk.pair.world.failed == 0;
        test_env_fail(&talk.pair.world, 0, false);
        assert_int_equal(talk.unsigned_packets, 0);
        assert_int_equal(talk_stats(talk.pair.b).ao_bad, 0);
        talk_close();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_md5_connection_signs_all_it_sends),
        cmocka_unit_test(test_who_has_another_md5_key_or_none_is_not_answered),
        cmocka_unit_test(test_a_listener_has_a_key_for_each_peer),
        cmocka_unit_test(test_every_kind_of_ao_key_signs),
        cmocka_unit_test(test_ao_drops_are_counted_by_endpoint_and_stack),
        cmocka_unit_test(test_required_means_that_strangers_are_refused_both_ways),
        cmocka_unit_test(test_keys_change_amid_loss_and_overflow),
        cmocka_unit_test(test_cookies_and_fast_open_are_signed_too),
        cmocka_unit_test(test_resets_are_signed_and_so_are_answers_after_the_end),
        cmocka_unit_test(test_keys_of_one_peer_are_of_one_kind_and_ids_are_unique),
        cmocka_unit_test(test_a_connections_keys_come_and_go_but_for_the_current_one),
        cmocka_unit_test(test_running_out_of_memory_opens_nothing_unsigned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
