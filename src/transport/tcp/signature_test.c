// SPDX-License-Identifier: MIT
/* signature_test.c: every vector of RFC 9235, TCP-MD5 against an independent hash, and what keys are found for whom. */
#include "transport/tcp/signature.h"

#include "test_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- RFC 9235 ---- */

/* A BGP OPEN: what the established connections of the vectors carry, but for the speaker's number and name. */
static const char vector_open[] = "ffffffffffffffffffffffffffffffff00430104" /* AS */
                                  "%s00b4%s"                                 /* identifier */
                                  "26020601040001000102028000020202000202420002064104"
                                  "0000%s" /* AS */
                                  "02084006006400010100";

/* One of the eight chapters: a handshake and a message each way. */
struct vector {
    const char *chapter;
    bool v6, aes, exclude_options;
    const char *syn, *syn_ack, *sent, *received; /* TCP headers */
    const char *syn_key, *send_key, *receive_key;
};

static const struct vector vectors[] = {
    {"4.1", false, false, false,
     "e9d700b3fbfbab5a00000000e002ffffcac40000020405b4010303080402080a00155ab7000000001d103d542ee437c6f8ede6d7c4d602e7",
     "00b3e9d711c14261fbfbab5be012ffff37760000020405b4010303080402080a84a50beb00155ab71d10543deeab0fe24c3010815116b3be",
     "e9d700b3fbfbab5b11c14262c0180104a16200000101080a00155ac184a50beb1d103d547064cf998cc6c315c2c2e2bf",
     "00b3e9d711c14262fbfbab9ec0180100400c00000101080a84a50bf500155ac11d10543da63f0ecbbb2e635c954deac7",
     "6d63ef1b02fe1509d4b1402707fd7b0416abb74f", "d2e59c65ffc7b1a39347656463b70edc24a13d71",
     "d9e217e4834a80ca2f3fd8de2e41b8e6797fea96"},
    {"4.2", false, false, true,
     "ff1200b3cb0efbee00000000e002ffff541f0000020405b4010303080402080a00024cce000000001d103d5480af3cfeb85368937b8f9ec2",
     "00b3ff12acd5b5e1cb0efbefe012ffff388e0000020405b4010303080402080a576772f300024cce1d10543d09306f9acea63a8c68cb9a70",
     "ff1200b3cb0efbefacd5b5e2c01801046c4500000101080a00024cce576772f31d103d54710608cc696c03a271c93aa5",
     "00b3ff12acd5b5e2cb0efc32c018010046b600000101080a576772f300024cce1d10543d97766e48ac262de9ae61b4f9",
     "30eaa1560cf0be57dab5c045229fb10a423cd7ea", "f3db1793d7910ecd806c34f155ea1f00345953e3",
     "b5b2896bb3664e8176b0edc6e799524101a8307f"},
    {"5.1", false, true, false,
     "c4fa00b3787a1ddf00000000e002ffff5a0f0000020405b4010303080402080a00017ed0000000001d103d54e477e99c8040765498e55091",
     "00b3c4fafadd6de9787a1de0e012fffff3f20000020405b4010303080402080a93f4e9e800017ed01d10543dd6ada7bc4cdd536d1769db5f",
     "c4fa00b3787a1de0fadd6deac0180104950500000101080a00017ed093f4e9e81d103d5477412742fa4dc433eff0973e",
     "00b3c4fafadd6dea787a1e23c0180100e7db00000101080a93f4e9e800017ed01d10543df6d965a78382a74845f72dac",
     "f5b8b3d5f34fdbb6eb8d4ab9660e60e3", "8c8ae0e8371ec5cbb97ea79d90418391", "4bc7571a486f3264bbd888474066b4b1"},
    {"5.2", false, true, true,
     "da1c00b3389bed7100000000e002ffff70bf0000020405b4010303080402080a000185e1000000001d103d54c44e60cb31f7c0b1de3d2749",
     "00b3da1cd3844a6f389bed72e012ffffe4450000020405b4010303080402080ace459838000185e11d10543d3a6abb207e49b1be7136db90",
     "da1c00b3389bed72d3844a70c0180104885100000101080a000185e1ce4598381d103d547585e9e9d5c3ec857b96f837",
     "00b3da1cd3844a70389bed72c0180100044900000101080ace459838000185e11d10543d5c040fd9233304765c0982f4",
     "2cdbae1392c49449fa92c4509735d50e", "035bc400a341ffe595f59f58005006ca", "3ce67a551869506b6347b633c50a624a"},
    {"6.1", true, false, false,
     "f7e400b3176a833f00000000e002ffff47210000020405a0010303080402080a0041d087000000001d103d549033ec3d7334b64c5edd039f",
     "00b3f7e43f51994b176a8340e012ffffbfec0000020405a0010303080402080abd33129b0041d0871d10543df1cba346c3526163f71f1f55",
     "f7e400b3176a83403f51994cc0180100329c00000101080a0041d091bd33129b1d103d54bf0805feb4ac7b163d6fcdf2",
     "00b3f7e43f51994c176a8383c0180100ee6e00000101080abd3312a50041d0911d10543d6c48125c11335bab9a07a797",
     "625ec09d575836edc9b6428418bbf06989a361bb", "1ed82975f4ea444c61580c5bd90dbd61bbc91b7e",
     "e4a37ada2a0afca8711434913fe138c771ebcb4a"},
    {"6.2", true, false, true,
     "c6cd00b3020c1e6900000000e002ffffa41a0000020405a0010303080402080a009db95b000000001d103d54885698b0530ed4d5a15f8346",
     "00b3c6cdeba3734d020c1e6ae012ffff774d0000020405a0010303080402080a5ec99b70009db95b1d10543d3c546bad9743f12df8b8010d",
     "c6cd00b3020c1e6aeba3734ec018010083e600000101080a009db9655ec99b701d103d5448bd093b1924e001192f5bf0",
     "00b3c6cdeba3734e020c1eadc0180100716a00000101080a5ec99b7a009db9651d10543d559a819445b4fde98d9e1317",
     "31a3faf69effae52931b7f845467315c270a4edc", "b34eed6a9396a669f1c4f4f57618f3656f52c7ab",
     "405108947f996575e7bdbc26d40216a2c7fa91bd"},
    {"7.1", true, true, false,
     "f85a00b3193cccec00000000e002ffffde5d0000020405a0010303080402080a13e4ab99000000001d103d5459b588107481ac6dc3927040",
     "00b3f85aa6744ecb193cccede012ffffeabb0000020405a0010303080402080a71daabc813e4ab991d10543ddc2843a84e78a6bcfdc5ed80",
     "f85a00b3193ccceda6744eccc0180100328000000101080a13e4aba371daabc81d103d547b6a455c0d4f5f01835baab3",
     "00b3f85aa6744ecc193ccd30c018010052f400000101080a71daabd313e4aba31d10543dc1069b7dfd3d693a6df3f289",
     "fa5a2108882d39d0c71929175ab1b7b8", "6174c3557abed27574dba37185f00300", "cf1b1e225e06a63616764a067b46f4b1"},
    {"7.2", true, true, true,
     "f28800b3b01da74a00000000e002ffff75ff0000020405a0010303080402080a14275b3b000000001d103d543d45b4342de8bb1530847898",
     "00b3f288a6246145b01da74be012ffffa70c0000020405a0010303080402080a1782245b14275b3b1d10543d1d01f6c87c6f93acffa9d4b5",
     "f28800b3b01da74ba6246146c0180100c36d00000101080a14275b4f1782245b1d103d54290cf414ccb47a333276e7f8",
     "00b3f288a6246146b01da78ec0180100345100000101080a1782246514275b4f1d10543d99515ffcd5403499f619fd1b",
     "a94f511263e4093d35dd818c13bbbf53", "4fb2086e402c679079ed65d4bf97693d", "92dea5bbc78b1d9f5b2952e9cd30642a"},
};

static uint8_t hex_digit(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static size_t unhex(const char *text, uint8_t *out)
{
    size_t size = strlen(text) / 2;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
    return size;
}

static const uint8_t client4[16] = {[10] = 0xff, 0xff, 10, 11, 12, 13};
static const uint8_t server4[16] = {[10] = 0xff, 0xff, 172, 27, 28, 29};
static const uint8_t client6[16] = {0xfd, [15] = 1};
static const uint8_t server6[16] = {0xfd, [15] = 2};

/* A key, as the vectors' both sides have it, on a heap of its own. */
struct keyring {
    struct test_env world;
    struct memory memory;
    struct signature *signature;
};

static struct keyring ring;

static void ring_open(void)
{
    test_env_init(&ring.world, 1);
    tcpip__memory_init(&ring.memory, &ring.world.env, 0);
    ring.signature = tcpip__signature_new(&ring.memory);
}

static void ring_close(void)
{
    tcpip__signature_unref(ring.signature);
    tcpip__memory_fini(&ring.memory);
    test_env_fini(&ring.world);
}

static struct signature_key *vector_key(const struct vector *vector)
{
    struct signature_key like = {
        .kind = SIGNATURE_AO,
        .algorithm = vector->aes ? TCPIP_TCP_AO_AES_128_CMAC : TCPIP_TCP_AO_HMAC_SHA1,
        .send_id = 0x3d,
        .receive_id = 0x54,
        .mac_bytes = 12,
        .exclude_options = vector->exclude_options,
        .secret_bytes = 10,
    };
    return tcpip__signature_add(ring.signature, &like, "testvector");
}

/* A traffic key, by what it makes of some text. */
static void assert_traffic_key(const struct vector *vector, const struct signature_mac *derived, const char *expected)
{
    uint8_t key[SIGNATURE_BYTES_MAX], want[SIGNATURE_BYTES_MAX] = {0}, got[SIGNATURE_BYTES_MAX] = {0};
    size_t size = unhex(expected, key);
    struct signature_mac mac = *derived, plain;
    if (vector->aes) {
        assert_int_equal(size, CMAC_BYTES);
        tcpip__aes_cmac_init(&plain.with.cmac, key);
        tcpip__aes_cmac_update(&plain.with.cmac, "text", 4);
        tcpip__aes_cmac_final(&plain.with.cmac, want);
        tcpip__aes_cmac_update(&mac.with.cmac, "text", 4);
        tcpip__aes_cmac_final(&mac.with.cmac, got);
    } else {
        assert_int_equal(size, SHA1_BYTES);
        tcpip__hmac_sha1_init(&plain.with.hmac, key, size);
        tcpip__hmac_sha1_update(&plain.with.hmac, "text", 4);
        tcpip__hmac_sha1_final(&plain.with.hmac, want);
        tcpip__hmac_sha1_update(&mac.with.hmac, "text", 4);
        tcpip__hmac_sha1_final(&mac.with.hmac, got);
    }
    assert_memory_equal(got, want, sizeof(got));
}

static void check_vector(const struct vector *vector, const char *packet, bool outgoing, const char *traffic_key)
{
    uint8_t header[60], first[60], payload[128];
    char open[160];
    const char *as = vector->v6 ? "fde8" : outgoing ? "dabf" : "dac0";
    const char *identifier = vector->v6 ? (outgoing ? "01010179" : "0101017a") : (outgoing ? "0a0b0c0d" : "ac1b1c1d");
    size_t header_bytes = unhex(packet, header);
    bool syn = (tcpip_tcp_flags(header) & TCPIP_TCP_SYN) != 0, ack = (tcpip_tcp_flags(header) & TCPIP_TCP_ACK) != 0;
    size_t payload_bytes = 0;
    if (!syn) {
        snprintf(open, sizeof(open), vector_open, as, identifier, as);
        payload_bytes = unhex(open, payload);
        assert_int_equal(payload_bytes, 67);
    }
    assert_int_equal(tcpip_tcp_header_bytes(header), header_bytes);
    struct signature_ends ends = {.local_port = 0, .remote_port = 179};
    memcpy(ends.local, vector->v6 ? client6 : client4, 16);
    memcpy(ends.remote, vector->v6 ? server6 : server4, 16);
    unhex(vector->syn, first);
    ends.local_port = tcpip_tcp_source_port(first);
    seqnum client = seq(tcpip_tcp_sequence(first));
    unhex(vector->syn_ack, first);
    seqnum server = seq(tcpip_tcp_sequence(first));

    struct signing signing = {.key = vector_key(vector), .mac = &signing.own};
    seqnum source = outgoing ? client : server, destination = syn && !ack ? seq(0) : outgoing ? server : client;
    tcpip__signature_derive(signing.key, &ends, outgoing, source, destination, &signing.own);
    assert_traffic_key(vector, &signing.own, traffic_key);

    struct tcpip_tcp_options options;
    assert_true(tcpip_tcp_options_parse(header, header_bytes, &options));
    assert_int_equal(options.present & (TCPIP_TCP_HAS_AO | TCPIP_TCP_BAD_SIGNATURE), TCPIP_TCP_HAS_AO);
    struct signature_chunk chunks[2] = {{payload, payload_bytes / 3}, {payload + payload_bytes / 3, 0}};
    chunks[1].size = payload_bytes - chunks[0].size;
    struct signature_text text = {
        .source = outgoing ? ends.local : ends.remote,
        .destination = outgoing ? ends.remote : ends.local,
        .header = header,
        .header_bytes = header_bytes,
        .option_offset = options.ao_offset,
        .option_bytes = options.ao_bytes,
        .chunks = chunks,
        .chunk_count = 2,
        .payload_bytes = (uint32_t)payload_bytes,
    };
    if (!tcpip__signature_verify(&signing, &text))
        fail_msg("%s: %.24s... isn't signed as it should be", vector->chapter, packet);
    /* The extension of the sequence number is signed, too. */
    signing.sne = 1;
    assert_false(tcpip__signature_verify(&signing, &text));
    signing.sne = 0;
    /* So is every bit, but for the checksum, and options that are left out. */
    for (size_t bit = 0; bit < 8 * (header_bytes + payload_bytes); bit++) {
        uint8_t *bytes = bit / 8 < header_bytes ? header + bit / 8 : payload + (bit / 8 - header_bytes);
        size_t at = bit / 8;
        bool outside = at == 16 || at == 17 ||
                       (vector->exclude_options && at >= TCPIP_TCP_HEADER_MIN && at < header_bytes &&
                        (at < options.ao_offset || at >= (size_t)options.ao_offset + options.ao_bytes));
        *bytes ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(tcpip__signature_verify(&signing, &text), outside);
        *bytes ^= (uint8_t)(1u << bit % 8);
    }
}

static void test_every_vector_of_rfc_9235(void **state)
{
    (void)state;
    ring_open();
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *vector = &vectors[i];
        check_vector(vector, vector->syn, true, vector->syn_key);
        check_vector(vector, vector->syn_ack, false, vector->receive_key);
        check_vector(vector, vector->sent, true, vector->send_key);
        check_vector(vector, vector->received, false, vector->receive_key);
    }
    ring_close();
}

static void test_kept_traffic_keys_are_those_that_are_derived(void **state)
{
    (void)state;
    ring_open();
    for (size_t i = 0; i < 4; i++) {
        const struct vector *vector = &vectors[2 * (i % 2)];
        bool kept = i < 2; /* without memory they are made each time */
        uint8_t syn[60], syn_ack[60];
        unhex(vector->syn, syn);
        unhex(vector->syn_ack, syn_ack);
        struct signature_ends ends = {.local_port = tcpip_tcp_source_port(syn), .remote_port = 179};
        memcpy(ends.local, client4, 16);
        memcpy(ends.remote, server4, 16);
        struct signature_key *key = vector_key(vector);
        struct signature_mac own;
        ring.memory.limit_bytes = kept ? 0 : ring.memory.used_bytes;
        /* A SYN is sent before the other number is known: what was made then counts no more. */
        tcpip__signature_connect(ring.signature, &ends, seq(tcpip_tcp_sequence(syn)), seq(0));
        assert_traffic_key(vector, tcpip__signature_traffic(ring.signature, key, true, &own), vector->syn_key);
        tcpip__signature_connect(ring.signature, &ends, seq(tcpip_tcp_sequence(syn)), seq(tcpip_tcp_sequence(syn_ack)));
        for (unsigned again = 0; again < 2; again++) {
            assert_traffic_key(vector, tcpip__signature_traffic(ring.signature, key, true, &own), vector->send_key);
            assert_traffic_key(vector, tcpip__signature_traffic(ring.signature, key, false, &own), vector->receive_key);
            assert_int_equal(tcpip__signature_traffic(ring.signature, key, true, &own) == &own, !kept);
        }
        ring.memory.limit_bytes = 0;
        tcpip__signature_remove(ring.signature, key);
    }
    ring_close();
}

/* ---- TCP-MD5 ---- */

static void test_md5_covers_header_text_and_key_but_no_options(void **state)
{
    (void)state;
    ring_open();
    for (unsigned v6 = 0; v6 < 2; v6++) {
        const uint8_t *source = v6 ? client6 : client4, *destination = v6 ? server6 : server4;
        struct signature_key like = {.kind = SIGNATURE_MD5, .secret_bytes = 6};
        struct signing signing = {.key = tcpip__signature_add(ring.signature, &like, "secret")};
        uint8_t header[60], text_bytes[5] = "hello", got[SIGNATURE_BYTES_MAX], want[MD5_BYTES];
        uint32_t header_bytes = (uint32_t)unhex(vectors[0].sent, header);
        struct signature_chunk chunk = {text_bytes, sizeof(text_bytes)};
        struct signature_text text = {.source = source,
                                      .destination = destination,
                                      .header = header,
                                      .header_bytes = header_bytes,
                                      .chunks = &chunk,
                                      .chunk_count = 1,
                                      .payload_bytes = sizeof(text_bytes)};
        /* The same in one piece, in the RFC's order. */
        uint8_t whole[128], *at = whole;
        size_t address = v6 ? 16 : 4;
        memcpy(at, source + 16 - address, address);
        memcpy(at + address, destination + 16 - address, address);
        at += 2 * address;
        uint32_t length = header_bytes + 5;
        if (v6) {
            tcpip_store_u32(at, length);
            tcpip_store_u32(at + 4, 6);
            at += 8;
        } else {
            tcpip_store_u16(at, 6);
            tcpip_store_u16(at + 2, (uint16_t)length);
            at += 4;
        }
        memcpy(at, header, 20);
        at[16] = at[17] = 0;
        memcpy(at + 20, "hellosecret", 11);
        at += 31;
        struct digest md5;
        tcpip__md5_init(&md5);
        tcpip__md5_update(&md5, whole, (size_t)(at - whole));
        tcpip__md5_final(&md5, want);
        tcpip__signature_compute(&signing, &text, got);
        assert_memory_equal(got, want, MD5_BYTES);
        header[30] ^= 1; /* an option */
        tcpip__signature_compute(&signing, &text, got);
        assert_memory_equal(got, want, MD5_BYTES);
        text_bytes[4] ^= 1;
        tcpip__signature_compute(&signing, &text, got);
        assert_memory_not_equal(got, want, MD5_BYTES);
    }
    ring_close();
}

/* ---- whose key ---- */

static struct signature_key *add_scope(enum signature_kind kind, const uint8_t *address, uint8_t bits, uint16_t port,
                                       uint32_t nic, uint8_t id)
{
    struct signature_key like = {.kind = (uint8_t)kind, .send_id = id, .receive_id = id, .secret_bytes = 1};
    like.scope = (struct signature_scope){.bits = bits, .port = port, .nic = nic};
    memcpy(like.scope.address, address, 16);
    return tcpip__signature_add(ring.signature, &like, "s");
}

static void test_the_closest_md5_key_is_found(void **state)
{
    (void)state;
    ring_open();
    static const uint8_t net8[16] = {[10] = 0xff, 0xff, 10}, all4[16] = {[10] = 0xff, 0xff}, all6[16];
    struct signature_peer peer = {.address = client4, .port = 7, .nic = 3};
    struct signature_peer other = {.address = server4, .port = 7, .nic = 3}, six = {.address = client6, .port = 7};
#define FIND(peer) tcpip__signature_find(ring.signature, SIGNATURE_MD5, &(peer), SIGNATURE_ANY_ID, SIGNATURE_ANY_ID)
    assert_null(FIND(peer));
    struct signature_key *any = add_scope(SIGNATURE_MD5, all4, 96, 0, 0, 0);
    assert_ptr_equal(FIND(peer), any);
    assert_ptr_equal(FIND(other), any);
    assert_null(FIND(six)); /* of the other family */
    struct signature_key *any6 = add_scope(SIGNATURE_MD5, all6, 0, 0, 0, 0);
    assert_ptr_equal(FIND(six), any6);
    assert_ptr_equal(FIND(other), any);
    struct signature_key *net = add_scope(SIGNATURE_MD5, net8, 104, 0, 0, 0);
    assert_ptr_equal(FIND(peer), net);
    assert_ptr_equal(FIND(other), any);
    struct signature_key *port = add_scope(SIGNATURE_MD5, net8, 104, 7, 0, 0);
    assert_ptr_equal(FIND(peer), port);
    struct signature_key *host = add_scope(SIGNATURE_MD5, client4, 128, 0, 0, 0);
    assert_ptr_equal(FIND(peer), host);
    struct signature_key *elsewhere = add_scope(SIGNATURE_MD5, client4, 128, 0, 4, 0);
    assert_ptr_equal(FIND(peer), host);
    struct signature_key *nic = add_scope(SIGNATURE_MD5, all4, 96, 0, 3, 0);
    assert_ptr_equal(FIND(peer), nic);
    assert_ptr_equal(tcpip__signature_exact(ring.signature, SIGNATURE_MD5, &elsewhere->scope, -1, -1), elsewhere);
    tcpip__signature_remove(ring.signature, host);
    tcpip__signature_remove(ring.signature, nic);
    assert_ptr_equal(FIND(peer), port);
#undef FIND
    ring_close();
}

static void test_scopes_meet_where_somebody_is_in_both(void **state)
{
    (void)state;
    static const uint8_t net8[16] = {[10] = 0xff, 0xff, 10}, all6[16];
    struct signature_scope net = {.bits = 104}, host = {.bits = 128}, six = {.bits = 0};
    memcpy(net.address, net8, 16);
    memcpy(host.address, client4, 16);
    memcpy(six.address, all6, 16);
    assert_true(tcpip__signature_scopes_meet(&net, &host));
    assert_true(tcpip__signature_scopes_meet(&host, &net));
    assert_false(tcpip__signature_scopes_meet(&net, &six));
    host.nic = 1;
    assert_true(tcpip__signature_scopes_meet(&net, &host));
    net.nic = 2;
    assert_false(tcpip__signature_scopes_meet(&net, &host));
    net.nic = 0;
    net.port = 1;
    host.port = 2;
    assert_false(tcpip__signature_scopes_meet(&net, &host));
    memcpy(host.address, server4, 16);
    host.port = 0;
    assert_false(tcpip__signature_scopes_meet(&net, &host));
}

static void test_a_copy_has_the_peers_keys_alone_and_knows_the_current_one(void **state)
{
    (void)state;
    ring_open();
    struct signature_peer peer = {.address = client4}, none = {.address = client6};
    add_scope(SIGNATURE_AO, server4, 128, 0, 0, 1);
    struct signature_key *second = add_scope(SIGNATURE_AO, client4, 128, 0, 0, 2);
    struct signature_key *third = add_scope(SIGNATURE_AO, client4, 128, 0, 0, 3);
    ring.signature->current = third;
    ring.signature->next = second;
    struct signature *copy = tcpip__signature_copy(ring.signature, &peer);
    tcpip__signature_choose(copy, &peer);
    assert_int_equal(copy->kind, SIGNATURE_AO);
    assert_int_equal(copy->current->send_id, 3);
    assert_int_equal(copy->next->send_id, 2);
    assert_null(tcpip__signature_find(copy, SIGNATURE_AO, &peer, 1, -1));
    assert_null(tcpip__signature_exact(copy, SIGNATURE_AO, &ring.signature->current->scope, 1, 1));
    tcpip__signature_choose(copy, &none);
    assert_int_equal(copy->kind, SIGNATURE_NONE);
    assert_null(copy->current);
    tcpip__signature_unref(copy);
    for (uint64_t room = ring.memory.used_bytes + 1;; room += 64) { /* or there is none */
        ring.memory.limit_bytes = room;
        if ((copy = tcpip__signature_copy(ring.signature, NULL)) != NULL)
            break;
    }
    ring.memory.limit_bytes = 0;
    tcpip__signature_unref(copy);
    ring_close();
}

/* ---- 64 bits ---- */

static void test_sequence_numbers_are_extended_both_ways(void **state)
{
    (void)state;
    assert_int_equal(signature_extend(seq(0xfffffff0), 0x20, seq(0x10)), 0x100000010);
    assert_int_equal(signature_extend(seq(0xfffffff0), 0x1f, seq(0x10)), 0x100000010); /* a FIN more */
    assert_int_equal(signature_extend(seq(5), 0x300000000, seq(5)), 0x300000005);
    assert_int_equal(signature_extend(seq(0xffffffff), 0, seq(0)), 0x100000000);
    uint64_t near = 0x2fffffff0;
    assert_int_equal(signature_sne(near, seq(0xfffffff0)), 2);
    assert_int_equal(signature_sne(near, seq(0xffffff00)), 2);
    assert_int_equal(signature_sne(near, seq(0x00000010)), 3); /* ahead, beyond the overflow */
    near = 0x300000010;
    assert_int_equal(signature_sne(near, seq(0xfffffff0)), 2); /* old, from before it */
    assert_int_equal(signature_sne(near, seq(0x00000000)), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_vector_of_rfc_9235),
        cmocka_unit_test(test_kept_traffic_keys_are_those_that_are_derived),
        cmocka_unit_test(test_md5_covers_header_text_and_key_but_no_options),
        cmocka_unit_test(test_the_closest_md5_key_is_found),
        cmocka_unit_test(test_scopes_meet_where_somebody_is_in_both),
        cmocka_unit_test(test_a_copy_has_the_peers_keys_alone_and_knows_the_current_one),
        cmocka_unit_test(test_sequence_numbers_are_extended_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
