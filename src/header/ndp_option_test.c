// SPDX-License-Identifier: MIT
/* ndp_option_test.c: each option's round trip, every wrong length, and names that lie. */
#include <tcpip/header/ndp.h>

#include "header_test.h"

/* The one option in `bytes`, in a block of its size; free option.data. */
static struct tcpip_ndp_option option_of(const uint8_t *bytes, size_t size)
{
    assert_true(size >= 8 && size % 8 == 0);
    assert_int_equal(bytes[1] * 8, size);
    return (struct tcpip_ndp_option){.type = bytes[0], .bytes = (uint16_t)size, .data = exact_copy(bytes, size)};
}

static void release(struct tcpip_ndp_option *option)
{
    free((void *)(uintptr_t)option->data);
}

static void test_prefixes_survive_the_wire(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 2000; i++) {
        uint8_t out[32], prefix[16];
        random_fill(&seed, prefix, 16);
        struct tcpip_ndp_prefix got, fields = {
                                         .prefix = prefix,
                                         .prefix_bits = (uint8_t)random_below(&seed, 129),
                                         .on_link = random_below(&seed, 2) == 1,
                                         .autonomous = random_below(&seed, 2) == 1,
                                         .valid_s = random_u32(&seed),
                                         .preferred_s = random_u32(&seed),
                                     };
        assert_int_equal(tcpip_ndp_prefix_encode(out, 31, &fields), 0);
        struct tcpip_ndp_option option = option_of(out, tcpip_ndp_prefix_encode(out, 32, &fields));
        assert_int_equal(option.type, TCPIP_NDP_OPTION_PREFIX);
        assert_true(tcpip_ndp_prefix_decode(&option, &got));
        assert_int_equal(got.prefix_bits, fields.prefix_bits);
        assert_true(got.on_link == fields.on_link && got.autonomous == fields.autonomous);
        assert_true(got.valid_s == fields.valid_s && got.preferred_s == fields.preferred_s);
        assert_memory_equal(got.prefix, prefix, 16);
        release(&option);
        out[2] = 129;
        option = option_of(out, 32);
        assert_false(tcpip_ndp_prefix_decode(&option, &got));
        release(&option);
    }
}

static void test_routes_survive_the_wire_in_the_shortest_form(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int i = 0; i < 3000; i++) {
        uint8_t out[24];
        struct tcpip_ndp_route got, fields = {
                                        .prefix_bits = (uint8_t)random_below(&seed, 129),
                                        .preference = (enum tcpip_ndp_preference)((int)random_below(&seed, 3) - 1),
                                        .lifetime_s = random_u32(&seed),
                                    };
        random_fill(&seed, fields.prefix, 16);
        size_t size = tcpip_ndp_route_encode(out, sizeof out, &fields);
        assert_int_equal(size, fields.prefix_bits == 0 ? 8 : fields.prefix_bits <= 64 ? 16 : 24);
        struct tcpip_ndp_option option = option_of(out, size);
        assert_true(tcpip_ndp_route_decode(&option, &got));
        assert_int_equal(got.prefix_bits, fields.prefix_bits);
        assert_int_equal(got.preference, fields.preference);
        assert_true(got.lifetime_s == fields.lifetime_s);
        for (unsigned bit = 0; bit < 128; bit++) {
            uint8_t mask = (uint8_t)(0x80 >> bit % 8);
            uint8_t expected = bit < fields.prefix_bits ? fields.prefix[bit / 8] & mask : 0;
            assert_int_equal(got.prefix[bit / 8] & mask, expected);
        }
        release(&option);
        fields.prefix_bits = 129;
        assert_int_equal(tcpip_ndp_route_encode(out, sizeof out, &fields), 0);
    }
}

static void test_routes_that_lie_are_refused(void **state)
{
    (void)state;
    struct tcpip_ndp_route got;
    for (unsigned units = 1; units <= 4; units++)
        for (unsigned bits = 0; bits < 256; bits++) {
            uint8_t bytes[32] = {TCPIP_NDP_OPTION_ROUTE, (uint8_t)units, (uint8_t)bits};
            struct tcpip_ndp_option option = option_of(bytes, units * 8);
            bool good = units <= 3 && bits <= (units - 1) * 64;
            assert_int_equal(tcpip_ndp_route_decode(&option, &got), good);
            release(&option);
        }
    uint8_t reserved[8] = {TCPIP_NDP_OPTION_ROUTE, 1, 0, 0x10};
    struct tcpip_ndp_option option = option_of(reserved, 8);
    assert_false(tcpip_ndp_route_decode(&option, &got));
    release(&option);
}

static void test_link_addresses_mtus_and_nonces(void **state)
{
    (void)state;
    static const uint8_t station[6] = {2, 1, 2, 3, 4, 5};
    const uint8_t *got;
    size_t count;
    uint32_t mtu;
    uint8_t out[16];
    struct tcpip_ndp_option option = option_of(out, tcpip_ndp_link_encode(out, 8, 2, station));
    assert_int_equal(option.type, TCPIP_NDP_OPTION_TARGET_LINK);
    assert_true(tcpip_ndp_link_decode(&option, &got));
    assert_memory_equal(got, station, 6);
    assert_true(tcpip_ndp_nonce_decode(&option, &got, &count));
    assert_int_equal(count, 6);
    release(&option);
    option = option_of(out, tcpip_ndp_mtu_encode(out, 8, 1280));
    assert_true(tcpip_ndp_mtu_decode(&option, &mtu));
    assert_int_equal(mtu, 1280);
    release(&option);
    option = option_of(out, tcpip_ndp_nonce_encode(out, 16, station, 6));
    assert_true(tcpip_ndp_nonce_decode(&option, &got, &count));
    assert_memory_equal(got, station, 6);
    release(&option);
    assert_int_equal(tcpip_ndp_nonce_encode(out, 16, station, 5), 0);
    assert_int_equal(tcpip_ndp_link_encode(out, 7, 1, station), 0);
    assert_int_equal(tcpip_ndp_mtu_encode(out, 7, 1280), 0);
}

static void test_each_option_has_its_lengths(void **state)
{
    (void)state;
    for (unsigned units = 1; units <= 8; units++) {
        uint8_t bytes[64] = {1, (uint8_t)units};
        struct tcpip_ndp_option option = option_of(bytes, units * 8);
        const uint8_t *link;
        uint32_t mtu;
        struct tcpip_ndp_prefix prefix;
        struct tcpip_ndp_rdnss rdnss;
        struct tcpip_ndp_dnssl dnssl;
        assert_int_equal(tcpip_ndp_link_decode(&option, &link), units == 1);
        assert_int_equal(tcpip_ndp_mtu_decode(&option, &mtu), units == 1);
        assert_int_equal(tcpip_ndp_prefix_decode(&option, &prefix), units == 4);
        assert_int_equal(tcpip_ndp_rdnss_decode(&option, &rdnss), units >= 3 && units % 2 == 1);
        assert_int_equal(tcpip_ndp_dnssl_decode(&option, &dnssl), units >= 2);
        release(&option);
    }
}

static void test_name_servers_survive_the_wire(void **state)
{
    (void)state;
    uint64_t seed = 3;
    uint8_t out[8 + 16 * 5], addresses[16 * 5];
    random_fill(&seed, addresses, sizeof addresses);
    for (uint16_t count = 0; count <= 5; count++) {
        struct tcpip_ndp_rdnss got, fields = {.lifetime_s = 77, .count = count, .addresses = addresses};
        size_t size = tcpip_ndp_rdnss_encode(out, sizeof out, &fields);
        assert_int_equal(size, count ? 8 + 16 * count : 0);
        if (count == 0)
            continue;
        struct tcpip_ndp_option option = option_of(out, size);
        assert_true(tcpip_ndp_rdnss_decode(&option, &got));
        assert_int_equal(got.lifetime_s, 77);
        assert_int_equal(got.count, count);
        assert_memory_equal(got.addresses, addresses, (size_t)count * 16);
        release(&option);
    }
}

static void test_search_lists_survive_the_wire(void **state)
{
    (void)state;
    static const char *const names[] = {"example.org", "a.b-c.d_e", "azAZ09", "corp.example."};
    static const char *const expected[] = {"example.org", "a.b-c.d_e", "azAZ09", "corp.example"};
    uint8_t out[128];
    char name[TCPIP_NDP_NAME_MAX];
    struct tcpip_ndp_dnssl list;
    struct tcpip_ndp_option option = option_of(out, tcpip_ndp_dnssl_encode(out, sizeof out, 9, names, 4));
    assert_true(tcpip_ndp_dnssl_decode(&option, &list));
    assert_int_equal(list.lifetime_s, 9);
    for (size_t i = 0; i < 4; i++) {
        assert_true(tcpip_ndp_dnssl_next(&list, name));
        assert_string_equal(name, expected[i]);
    }
    assert_false(tcpip_ndp_dnssl_next(&list, name));
    release(&option);
    assert_int_equal(tcpip_ndp_dnssl_encode(out, 16, 9, names, 4), 0);
    assert_int_equal(tcpip_ndp_dnssl_encode(out, sizeof out, 9, names, 0), 0);
    static const char *const one_bad[] = {"example.org", "a b", "x"};
    assert_int_equal(tcpip_ndp_dnssl_encode(out, sizeof out, 9, one_bad, 3), 0);
}

static size_t encode_name(const char *name)
{
    uint8_t out[400];
    return tcpip_ndp_dnssl_encode(out, sizeof out, 1, &name, 1);
}

static void test_names_that_arent_any_cant_be_written(void **state)
{
    (void)state;
    static const char *const bad[] = {"", ".", "a..b", ".a", "a b", "a\n", "caf\xc3\xa9", "a/b"};
    char label[66], longest[300];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(encode_name(bad[i]), 0);
    memset(label, 'x', 65);
    label[64] = label[65] = '\0';
    assert_int_equal(encode_name(label), 0); /* 64 */
    label[63] = '\0';
    assert_int_not_equal(encode_name(label), 0);
    memset(longest, 0, sizeof longest);
    for (size_t i = 0; i < 253; i++)
        longest[i] = i % 2 ? '.' : 'x'; /* 127 labels: 255 bytes */
    assert_int_not_equal(encode_name(longest), 0);
    longest[253] = 'x';
    longest[254] = 'x';
    assert_int_equal(encode_name(longest), 0);
}

static bool first_name(const uint8_t *names, size_t size, char *out)
{
    uint8_t bytes[8 + 320] = {TCPIP_NDP_OPTION_DNSSL};
    size_t total = (8 + size + 7) / 8 * 8;
    struct tcpip_ndp_dnssl list;
    bytes[1] = (uint8_t)(total / 8);
    memcpy(bytes + 8, names, size);
    struct tcpip_ndp_option option = option_of(bytes, total);
    bool ok = tcpip_ndp_dnssl_decode(&option, &list) && tcpip_ndp_dnssl_next(&list, out);
    if (!ok)
        assert_int_equal(list.names_bytes, 0);
    release(&option);
    return ok;
}

static void test_names_that_lie_end_the_list(void **state)
{
    (void)state;
    char name[TCPIP_NDP_NAME_MAX];
    assert_true(first_name((const uint8_t[]){1, 'a', 0}, 3, name));
    assert_false(first_name((const uint8_t[]){0, 1, 'a', 0}, 4, name));        /* padding ends it */
    assert_false(first_name((const uint8_t[]){0xc0, 8, 1, 'a'}, 4, name));     /* compression */
    assert_false(first_name((const uint8_t[]){64, 'a', 0}, 3, name));          /* a label too long */
    assert_false(first_name((const uint8_t[]){9, 'a', 'b', 0}, 4, name));      /* one that runs off */
    assert_false(first_name((const uint8_t[]){3, 'a', '.', 'b', 0}, 5, name)); /* a dot in a label */
    assert_false(first_name((const uint8_t[]){3, 'a', 27, 'b', 0}, 5, name));  /* an escape for a terminal */
    uint8_t endless[320];
    for (size_t i = 0; i < sizeof endless; i++)
        endless[i] = i % 2 ? 'x' : 1;
    assert_false(first_name(endless, sizeof endless, name)); /* longer than names may be */
    endless[254] = 0;                                        /* 127 labels and the end: the longest */
    assert_true(first_name(endless, sizeof endless, name));
    assert_int_equal(strlen(name), 253);
}

/* Labels of 63, 63, 63 and `last` bytes. */
static bool reads_name_of(uint8_t last)
{
    uint8_t names[260];
    char name[TCPIP_NDP_NAME_MAX];
    size_t size = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint8_t bytes = i < 3 ? 63 : last;
        names[size++] = bytes;
        memset(names + size, 'x', bytes);
        size += bytes;
    }
    names[size++] = 0;
    return first_name(names, size, name) && strlen(name) == size - 2 && encode_name(name) != 0;
}

static void test_the_longest_name_has_255_bytes_on_the_wire(void **state)
{
    (void)state;
    assert_true(reads_name_of(61));
    assert_false(reads_name_of(62));
}

static void test_options_begin_behind_each_message(void **state)
{
    (void)state;
    static const struct {
        uint8_t type;
        size_t fixed;
    } messages[] = {{133, 8}, {134, 16}, {135, 24}, {136, 24}, {137, 40}};
    for (size_t i = 0; i < 5; i++) {
        uint8_t bytes[64] = {messages[i].type};
        size_t fixed = messages[i].fixed;
        bytes[fixed] = 7;
        bytes[fixed + 1] = 2;
        bytes[fixed + 16] = 8;
        bytes[fixed + 17] = 1;
        uint8_t *exact = exact_copy(bytes, fixed + 24);
        struct tcpip_ndp_option_iterator it;
        struct tcpip_ndp_option option;
        tcpip_ndp_options_begin(&it, exact, fixed + 24);
        assert_true(tcpip_ndp_options_next(&it, &option) && option.type == 7 && option.bytes == 16);
        assert_ptr_equal(option.data, exact + fixed);
        assert_true(tcpip_ndp_options_next(&it, &option) && option.type == 8 && option.bytes == 8);
        assert_false(tcpip_ndp_options_next(&it, &option));
        assert_int_equal(it.left_bytes, 0);
        free(exact);
    }
}

static void test_redirected_headers_fit_the_room(void **state)
{
    (void)state;
    uint8_t packet[3000], out[3000];
    uint64_t seed = 4;
    random_fill(&seed, packet, sizeof packet);
    for (size_t room = 0; room < 100; room++) {
        size_t size = tcpip_ndp_redirected_encode(out, room, packet, 61);
        size_t most = room < 64 + 0 ? room / 8 * 8 : 64;
        assert_int_equal(size, room < 8 ? 0 : most);
        if (size > 8)
            assert_memory_equal(out + 8, packet, size - 8);
    }
    assert_int_equal(tcpip_ndp_redirected_encode(out, sizeof out, packet, sizeof packet), 255 * 8);
}

static void test_iteration_stops_at_lies(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[80];
        size_t size = random_below(&seed, sizeof bytes);
        random_fill(&seed, bytes, size);
        bytes[0] = (uint8_t)(133 + random_below(&seed, 5));
        for (size_t j = 9; j < size; j += 8)
            if (random_below(&seed, 3))
                bytes[j] = (uint8_t)random_below(&seed, 4);
        uint8_t *exact = exact_copy(bytes, size);
        struct tcpip_ndp_option_iterator it;
        struct tcpip_ndp_option option;
        if (size >= 8) {
            tcpip_ndp_options_begin(&it, exact, size);
            while (tcpip_ndp_options_next(&it, &option))
                assert_true(option.data + option.bytes <= exact + size);
        }
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefixes_survive_the_wire),
        cmocka_unit_test(test_routes_survive_the_wire_in_the_shortest_form),
        cmocka_unit_test(test_routes_that_lie_are_refused),
        cmocka_unit_test(test_link_addresses_mtus_and_nonces),
        cmocka_unit_test(test_each_option_has_its_lengths),
        cmocka_unit_test(test_name_servers_survive_the_wire),
        cmocka_unit_test(test_search_lists_survive_the_wire),
        cmocka_unit_test(test_names_that_arent_any_cant_be_written),
        cmocka_unit_test(test_names_that_lie_end_the_list),
        cmocka_unit_test(test_the_longest_name_has_255_bytes_on_the_wire),
        cmocka_unit_test(test_options_begin_behind_each_message),
        cmocka_unit_test(test_redirected_headers_fit_the_room),
        cmocka_unit_test(test_iteration_stops_at_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
