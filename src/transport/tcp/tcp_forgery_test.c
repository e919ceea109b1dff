// SPDX-License-Identifier: MIT
/* tcp_forgery_test.c: a signed connection and somebody who has seen one good segment of it, and tries: every bit of it
 * flipped, every option malformed, resets, SYNs and errors from outside. Checksums are always right.
 *
 * The peer signs with the codes of signature.c, which have vectors of their own (signature_test.c). */
#include "tcp_peer.h"
#include "transport/tcp/tcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <tcpip/header/checksum.h>

enum { TEXT_BYTES = 24, PEER_ISN = 0xfffffff0, HEADER_AT = 20 };

static const uint8_t us[16] = {[10] = 0xff, 0xff, 10, 0, 0, 1}, them[16] = {[10] = 0xff, 0xff, 10, 0, 0, 2};

/* A listener with a key, and a peer that signs. */
struct forgery {
    struct tcp_peer peer;
    struct memory memory;
    struct signature *signature; /* the peer's */
    struct signature_key *key;
    struct tcpip_endpoint *listener, *server;
    uint32_t us_isn;
    uint8_t packet[200];
    size_t size;
};

static struct forgery it;

static void put_key(bool md5)
{
    struct tcpip_prefix prefix;
    assert_int_equal(tcpip_prefix_parse("10.0.0.2/32", &prefix), TCPIP_OK);
    struct tcpip_tcp_md5_key old = {.size = sizeof(old), .peer = prefix, .secret = "secret", .secret_bytes = 6};
    struct tcpip_tcp_ao_key key = {
        .size = sizeof(key), .peer = prefix, .secret = "secret", .secret_bytes = 6, .send_id = 5, .receive_id = 7};
    if (md5)
        assert_int_equal(tcpip_tcp_md5_key_set(it.listener, &old), TCPIP_OK);
    else
        assert_int_equal(tcpip_tcp_ao_key_add(it.listener, &key), TCPIP_OK);
    struct signature_key like = {
        .kind = md5 ? SIGNATURE_MD5 : SIGNATURE_AO, .send_id = 7, .receive_id = 5, .mac_bytes = 12, .secret_bytes = 6};
    it.key = tcpip__signature_add(it.signature, &like, "secret");
}

static void fix_checksum(void)
{
    uint8_t *tcp = it.packet + HEADER_AT;
    size_t bytes = it.size - HEADER_AT;
    tcpip_tcp_set_checksum(tcp, 0);
    uint16_t pseudo = tcpip_checksum_pseudo(them + 12, us + 12, 4, TCPIP_PROTOCOL_TCP, (uint32_t)bytes);
    tcpip_tcp_set_checksum(tcp, tcpip_checksum_finish(tcpip_checksum(tcp, bytes, pseudo)));
}

/* A segment of the peer's into it.packet; signed unless `options` say otherwise. */
static void build(uint16_t flags, uint32_t seq_number, uint32_t ack, uint32_t bytes, bool sign)
{
    bool md5 = it.key->kind == SIGNATURE_MD5, syn = (flags & (TCPIP_TCP_SYN | TCPIP_TCP_ACK)) == TCPIP_TCP_SYN;
    uint8_t *tcp = it.packet + HEADER_AT, code[SIGNATURE_BYTES_MAX];
    struct signing signing = {.key = it.key, .mac = &signing.own};
    struct tcpip_tcp_options options = {.present = flags & TCPIP_TCP_SYN ? TCPIP_TCP_HAS_MSS : 0, .mss = 1000};
    if (sign)
        signature_reserve(&signing, &options);
    size_t header_bytes = TCPIP_TCP_HEADER_MIN + tcpip_tcp_options_emit(tcp + TCPIP_TCP_HEADER_MIN, &options);
    struct tcpip_tcp_fields fields = {.source_port = PEER_PORT,
                                      .destination_port = PEER_US_PORT,
                                      .sequence = seq_number,
                                      .acknowledgment = ack,
                                      .flags = flags,
                                      .header_bytes = (uint8_t)header_bytes,
                                      .window = 65535};
    tcpip_tcp_encode(tcp, &fields);
    for (uint32_t i = 0; i < bytes; i++)
        tcp[header_bytes + i] = (uint8_t)('a' + i);
    it.size = HEADER_AT + header_bytes + bytes;
    memset(it.packet, 0, HEADER_AT);
    it.packet[0] = 0x45;
    tcpip_store_u16(it.packet + 2, (uint16_t)it.size);
    it.packet[8] = 64;
    it.packet[9] = TCPIP_PROTOCOL_TCP;
    memcpy(it.packet + 12, them + 12, 4);
    memcpy(it.packet + 16, us + 12, 4);
    tcpip_store_u16(it.packet + 10, tcpip_checksum_finish(tcpip_checksum(it.packet, 20, 0)));
    if (sign) {
        struct signature_ends ends = {.local_port = PEER_PORT, .remote_port = PEER_US_PORT};
        memcpy(ends.local, them, 16);
        memcpy(ends.remote, us, 16);
        tcpip__signature_derive(it.key, &ends, true, seq(PEER_ISN), seq(syn ? 0 : it.us_isn), &signing.own);
        signing.sne = seq_number < PEER_ISN; /* it has overflowed */
        if (!md5) {
            tcp[SIGNATURE_CODE_AT - 2] = it.key->send_id;
            tcp[SIGNATURE_CODE_AT - 1] = it.key->receive_id;
        }
        struct signature_chunk text = {tcp + header_bytes, bytes};
        struct signature_text all = {.source = them,
                                     .destination = us,
                                     .header = tcp,
                                     .header_bytes = header_bytes,
                                     .option_offset = SIGNATURE_CODE_AT - (md5 ? 2 : 4),
                                     .option_bytes = md5 ? 18 : 16,
                                     .chunks = &text,
                                     .chunk_count = 1,
                                     .payload_bytes = bytes};
        tcpip__signature_compute(&signing, &all, code);
        memcpy(tcp + SIGNATURE_CODE_AT, code, signature_code_bytes(it.key));
    }
    fix_checksum();
}

static void inject(void)
{
    assert_int_equal(tcpip_channel_inject_bytes(it.peer.link, it.packet, it.size), TCPIP_OK);
    peer_run(&it.peer, 0);
}

static void say(uint16_t flags, uint32_t seq_number, uint32_t ack, uint32_t bytes)
{
    build(flags, seq_number, ack, bytes, true);
    inject();
}

/* Numbers of the established connection. */
static uint32_t next_seq(void)
{
    return PEER_ISN + 1u;
}

static void forgery_listen(bool md5)
{
    memset(&it, 0, sizeof(it));
    peer_init(&it.peer, NULL);
    tcpip__memory_init(&it.memory, &it.peer.world.env, 0);
    it.signature = tcpip__signature_new(&it.memory);
    it.listener = peer_listen(&it.peer, 8);
    put_key(md5);
}

static void forgery_open(bool md5)
{
    forgery_listen(md5);
    say(TCPIP_TCP_SYN, PEER_ISN, 0, 0);
    peer_expect(&it.peer, TCPIP_TCP_SYN | TCPIP_TCP_ACK);
    assert_true((it.peer.seen.options.present & (md5 ? TCPIP_TCP_HAS_MD5 : TCPIP_TCP_HAS_AO)) != 0);
    it.us_isn = it.peer.seen.fields.sequence;
    say(TCPIP_TCP_ACK, next_seq(), it.us_isn + 1, 0);
    assert_int_equal(tcpip_endpoint_accept(it.listener, &it.server, NULL), TCPIP_OK);
    peer_expect_nothing(&it.peer);
}

static void forgery_close(void)
{
    if (it.server != NULL)
        tcpip_endpoint_close(it.server);
    tcpip_endpoint_close(it.listener);
    tcpip__signature_unref(it.signature);
    tcpip__memory_fini(&it.memory);
    peer_fini(&it.peer);
}

/* What was injected has changed nothing, and drawn nothing. */
static void assert_ignored(const char *what, size_t which)
{
    int64_t unread = 0;
    assert_int_equal(tcpip_endpoint_get_option(it.server, TCPIP_OPTION_RECEIVE_QUEUE_SIZE, &unread), TCPIP_OK);
    const struct tcp_endpoint *ep = tcp_of(it.server);
    if (unread != 0 || ep->state != TCPIP_TCP_ESTABLISHED || ep->rcv_nxt.v != next_seq() || peer_take(&it.peer))
        fail_msg("%s %zu got in", what, which);
}

static void test_no_bit_can_be_flipped(void **state)
{
    (void)state;
    for (unsigned md5 = 0; md5 < 2; md5++) {
        forgery_open(md5);
        build(TCPIP_TCP_ACK | TCPIP_TCP_PSH, next_seq(), it.us_isn + 1, TEXT_BYTES, true);
        for (size_t bit = 8 * (HEADER_AT + 4); bit < 8 * it.size; bit++) {
            size_t at = bit / 8 - HEADER_AT;
            if (at == TCPIP_TCP_CHECKSUM_OFFSET || at == TCPIP_TCP_CHECKSUM_OFFSET + 1)
                continue; /* it is put right */
            if (md5 && (at == TCPIP_TCP_HEADER_MIN || at == TCPIP_TCP_HEADER_MIN + 1))
                continue; /* padding: MD5 covers no options */
            it.packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
            fix_checksum();
            inject();
            assert_ignored("bit", bit);
            it.packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        fix_checksum();
        inject();
        int64_t unread = 0;
        assert_int_equal(tcpip_endpoint_get_option(it.server, TCPIP_OPTION_RECEIVE_QUEUE_SIZE, &unread), TCPIP_OK);
        assert_int_equal(unread, TEXT_BYTES); /* as it was it is taken */
        forgery_close();
    }
}

static void test_no_set_of_options_passes_for_a_signature(void **state)
{
    (void)state;
    for (unsigned md5 = 0; md5 < 2; md5++) {
        forgery_open(md5);
        uint8_t good[sizeof(it.packet)];
        build(TCPIP_TCP_ACK | TCPIP_TCP_PSH, next_seq(), it.us_isn + 1, TEXT_BYTES, true);
        memcpy(good, it.packet, it.size);
        for (size_t round = 0; round < 20000; round++) {
            memcpy(it.packet, good, it.size);
            uint8_t *options = it.packet + HEADER_AT + TCPIP_TCP_HEADER_MIN;
            uint64_t random = test_env_random(&it.peer.world);
            options[md5 ? 3 : 1] = (uint8_t)(random & 0x3f); /* the length */
            options[md5 ? 2 : 0] = random >> 8 & 1 ? TCPIP_TCP_OPTION_AO : TCPIP_TCP_OPTION_MD5;
            if (random >> 9 & 1) /* one in the other */
                options[random >> 10 & 7] = random >> 13 & 1 ? TCPIP_TCP_OPTION_AO : TCPIP_TCP_OPTION_MD5;
            if (random >> 14 & 1)
                options[4 + (random >> 15 & 7)] ^= (uint8_t)(random >> 24);
            fix_checksum();
            if (memcmp(it.packet, good, it.size) == 0)
                continue;
            inject();
            assert_ignored("set", round);
        }
        forgery_close();
    }
}

static void test_what_isnt_signed_is_lost_in_every_state(void **state)
{
    (void)state;
    static const uint16_t flags[] = {TCPIP_TCP_RST, TCPIP_TCP_RST | TCPIP_TCP_ACK,
                                     TCPIP_TCP_SYN, TCPIP_TCP_SYN | TCPIP_TCP_ACK,
                                     TCPIP_TCP_ACK, TCPIP_TCP_FIN | TCPIP_TCP_ACK};
    for (unsigned md5 = 0; md5 < 2; md5++) {
        forgery_listen(md5);
        for (size_t i = 0; i < 6; i++) {
            build(flags[i], PEER_ISN, 1, 0, false);
            inject();
            peer_expect_nothing(&it.peer);
        }
        forgery_close();
        /* Half-open. */
        forgery_listen(md5);
        say(TCPIP_TCP_SYN, PEER_ISN, 0, 0);
        peer_expect(&it.peer, TCPIP_TCP_SYN | TCPIP_TCP_ACK);
        it.us_isn = it.peer.seen.fields.sequence;
        for (size_t i = 0; i < 6; i++) {
            build(flags[i], next_seq(), it.us_isn + 1, 0, false);
            inject();
            peer_expect_nothing(&it.peer);
        }
        assert_int_equal(tcpip_endpoint_accept(it.listener, &it.server, NULL), TCPIP_ERR_WOULD_BLOCK);
        forgery_close();
        forgery_open(md5);
        for (size_t i = 0; i < 6; i++) {
            build(flags[i], next_seq(), it.us_isn + 1, 0, false);
            inject();
            assert_ignored("flags", i);
        }
        struct tcpip_stats stats;
        tcpip_stack_stats(it.peer.stack, &stats);
        assert_int_equal(stats.drops[TCPIP_DROP_TCP_MISSING_SIGNATURE], 6);
        /* Signed, the exact reset is believed. */
        say(TCPIP_TCP_RST, next_seq(), 0, 0);
        assert_int_equal(peer_error(it.server), TCPIP_ERR_CONNECTION_RESET);
        forgery_close();
    }
}

static void test_an_old_segment_isnt_a_new_one_four_gigabytes_later(void **state)
{
    (void)state;
    forgery_open(false);
    uint8_t old[sizeof(it.packet)];
    build(TCPIP_TCP_ACK | TCPIP_TCP_PSH, next_seq(), it.us_isn + 1, TEXT_BYTES, true);
    memcpy(old, it.packet, it.size);
    /* So much later, as far as the endpoint knows. */
    tcp_of(it.server)->bytes_received += (uint64_t)1 << 32;
    inject();
    assert_ignored("segment", 0);
    struct tcpip_tcp_ao_info info = {.size = sizeof(info)};
    assert_int_equal(tcpip_tcp_ao_get(it.server, &info), TCPIP_OK);
    assert_int_equal(info.bad, 1);
    tcp_of(it.server)->bytes_received -= (uint64_t)1 << 32;
    forgery_close();
}

static void test_resets_by_a_listener_are_signed_for_who_signs(void **state)
{
    (void)state;
    for (unsigned md5 = 0; md5 < 2; md5++) {
        forgery_listen(md5);
        it.us_isn = 1000;
        /* Of a connection that is gone: signed as it was, since the numbers still show. */
        say(TCPIP_TCP_ACK, next_seq(), it.us_isn + 1, 0);
        peer_expect(&it.peer, TCPIP_TCP_RST);
        assert_int_equal(it.peer.seen.fields.sequence, it.us_isn + 1);
        assert_true((it.peer.seen.options.present & (md5 ? TCPIP_TCP_HAS_MD5 : TCPIP_TCP_HAS_AO)) != 0);
        forgery_close();
    }
}

static void test_icmp_is_believed_only_if_asked_for(void **state)
{
    (void)state;
    forgery_open(false);
    assert_int_equal(tcpip_endpoint_set_option(it.server, TCPIP_OPTION_RECEIVE_ERROR, 1), TCPIP_OK);
    for (uint8_t code = 2; code <= 4; code++)
        peer_icmp(&it.peer, 3, code, 600, it.us_isn + 1);
    assert_int_equal(peer_error(it.server), TCPIP_OK);
    struct tcpip_tcp_ao_info info = {.size = sizeof(info)};
    assert_int_equal(tcpip_tcp_ao_get(it.server, &info), TCPIP_OK);
    assert_int_equal(info.dropped_icmp, 3);
    peer_icmp(&it.peer, 3, 1, 0, it.us_isn + 1); /* a soft one is news at most */
    assert_int_equal(peer_error(it.server), TCPIP_ERR_HOST_UNREACHABLE);
    info.set_current = info.set_next = false;
    info.accept_icmps = true;
    assert_int_equal(tcpip_tcp_ao_set(it.server, &info), TCPIP_OK);
    peer_icmp(&it.peer, 3, 3, 0, it.us_isn + 1);
    assert_int_equal(peer_error(it.server), TCPIP_ERR_CONNECTION_REFUSED);
    forgery_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_bit_can_be_flipped),
        cmocka_unit_test(test_no_set_of_options_passes_for_a_signature),
        cmocka_unit_test(test_what_isnt_signed_is_lost_in_every_state),
        cmocka_unit_test(test_an_old_segment_isnt_a_new_one_four_gigabytes_later),
        cmocka_unit_test(test_resets_by_a_listener_are_signed_for_who_signs),
        cmocka_unit_test(test_icmp_is_believed_only_if_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
