// SPDX-License-Identifier: MIT
/* sniffer_test.c: the contract over a channel, and the file: its blocks are walked by hand. */
#include "link_conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <tcpip/header/checksum.h>

#include <cmocka.h>

struct file {
    uint8_t *bytes;
    size_t size;
};

static void append(void *ctx, const void *bytes, size_t size)
{
    struct file *file = ctx;
    assert_true(size > 0);
    file->bytes = realloc(file->bytes, file->size + size);
    memcpy(file->bytes + file->size, bytes, size);
    file->size += size;
}

struct rig {
    struct tcpip_link *channel, *sniffer;
    struct file file;
};

static struct rig *rig_new(struct link_world *world, struct tcpip_sniffer_options options)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    struct tcpip_channel_options channel = {.size = sizeof(channel), .queue_packets = 20};
    options.size = sizeof(options);
    options.write = append;
    options.ctx = &rig->file;
    rig->channel = tcpip_channel_new(&world->test_env.env, &channel);
    rig->sniffer = tcpip_sniffer_new(&world->test_env.env, rig->channel, &options);
    return rig;
}

static void rig_free(struct link_world *world, void *state)
{
    struct rig *rig = state;
    (void)world;
    tcpip_sniffer_free(rig->sniffer);
    tcpip_channel_free(rig->channel);
    free(rig->file.bytes);
    free(rig);
}

static struct tcpip_link *make(struct link_world *world, void **state)
{
    struct rig *rig = *state = rig_new(world, (struct tcpip_sniffer_options){.name = "test"});
    return rig->sniffer;
}

static size_t take(struct link_world *world, void *state, uint8_t *out, size_t size)
{
    struct tcpip_packet *packet = tcpip_channel_collect(((struct rig *)state)->channel);
    (void)world;
    if (packet == NULL)
        return 0;
    size_t length = tcpip_packet_copy_out(packet, 0, out, size);
    tcpip_packet_free(packet);
    return length;
}

static void give(struct link_world *world, void *state, const uint8_t *bytes, size_t size)
{
    (void)world;
    assert_int_equal(tcpip_channel_inject_bytes(((struct rig *)state)->channel, bytes, size), TCPIP_OK);
}

static void a_sniffer_keeps_the_contract_of_links(void **state)
{
    (void)state;
    link_conformance(&(struct link_subject){
        .name = "sniffer", .make = make, .destroy = rig_free, .take = take, .give = give, .pushes_back_at = 20});
}

/* ---- the file ---- */

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The n-th block (0: section, 1: interface, then packets); its size in *size. NULL: there are fewer. */
static const uint8_t *block(const struct file *file, uint32_t n, uint32_t *size)
{
    size_t at = 0;
    for (;; n--) {
        if (at == file->size)
            return NULL;
        assert_true(file->size - at >= 12);
        *size = le32(file->bytes + at + 4);
        assert_true(*size % 4 == 0 && *size <= file->size - at);
        assert_int_equal(le32(file->bytes + at + *size - 4), *size);
        if (n == 0)
            return file->bytes + at;
        at += *size;
    }
}

static bool contains(const uint8_t *bytes, size_t size, const char *text)
{
    size_t n = strlen(text);
    for (size_t at = 0; at + n <= size; at++)
        if (memcmp(bytes + at, text, n) == 0)
            return true;
    return false;
}

static uint8_t request[1300] = {0x45, 0, 0x05, 0x14, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 53, 0, 99};
static const uint8_t answer[60] = {0x60};

static void both_directions_are_written_as_pcapng_blocks(void **state)
{
    (void)state;
    struct link_world world;
    link_world_init(&world, 1);
    world.test_env.wall_offset = 1700000000 * TCPIP_SECOND;
    struct rig *rig = rig_new(&world, (struct tcpip_sniffer_options){.name = "eth7"});
    link_world_attach(&world, rig->sniffer);
    uint32_t size;
    const uint8_t *p = block(&rig->file, 0, &size);
    assert_int_equal(le32(p), 0x0a0d0d0a);
    p = block(&rig->file, 1, &size);
    assert_int_equal(le32(p), 1);
    assert_int_equal(p[8], 101); /* raw IP */
    assert_true(contains(p, size, "eth7"));
    assert_null(block(&rig->file, 2, &size));

    link_world_send(&world, rig->sniffer, link_world_packet(&world, request, sizeof(request), 28, 400));
    tcpip_sniffer_comment(rig->sniffer, "the answer");
    give(&world, rig, answer, sizeof(answer));
    p = block(&rig->file, 2, &size);
    assert_int_equal(le32(p), 6);
    assert_int_equal(le32(p + 20), sizeof(request));
    assert_int_equal(le32(p + 24), sizeof(request));
    assert_memory_equal(p + 28, request, sizeof(request));
    uint64_t at = (uint64_t)le32(p + 12) << 32 | le32(p + 16);
    assert_int_equal(at, (uint64_t)(world.test_env.now + world.test_env.wall_offset));
    assert_false(contains(p, size, "the answer"));
    p = block(&rig->file, 3, &size);
    assert_memory_equal(p + 28, answer, sizeof(answer));
    assert_true(contains(p, size, "the answer"));
    give(&world, rig, answer, sizeof(answer));
    p = block(&rig->file, 4, &size);
    assert_false(contains(p, size, "the answer"));
    assert_null(block(&rig->file, 5, &size));
    link_world_detach(&world, rig->sniffer);
    size_t before = rig->file.size;
    link_world_attach(&world, rig->sniffer); /* one header per file */
    assert_int_equal(rig->file.size, before);
    link_world_detach(&world, rig->sniffer);
    rig_free(&world, rig);
    link_world_fini(&world);
}

static void a_snap_length_cuts_what_is_kept_not_what_passes(void **state)
{
    (void)state;
    struct link_world world;
    link_world_init(&world, 1);
    for (uint32_t snap = 1; snap < 1500; snap += 123) {
        struct rig *rig = rig_new(&world, (struct tcpip_sniffer_options){.snap_bytes = snap});
        link_world_attach(&world, rig->sniffer);
        link_world_send(&world, rig->sniffer, link_world_packet(&world, request, sizeof(request), 28, 300));
        uint32_t size, kept = snap < sizeof(request) ? snap : (uint32_t)sizeof(request);
        const uint8_t *p = block(&rig->file, 2, &size);
        assert_int_equal(le32(p + 20), kept);
        assert_int_equal(le32(p + 24), sizeof(request));
        assert_memory_equal(p + 28, request, kept);
        struct tcpip_packet *packet = tcpip_channel_collect(rig->channel);
        assert_int_equal(packet->length, sizeof(request));
        tcpip_packet_free(packet);
        link_world_detach(&world, rig->sniffer);
        rig_free(&world, rig);
    }
    link_world_fini(&world);
}

static void text_says_when_where_and_what(void **state)
{
    (void)state;
    struct link_world world;
    link_world_init(&world, 1);
    struct rig *rig = rig_new(&world, (struct tcpip_sniffer_options){.text = true});
    link_world_attach(&world, rig->sniffer);
    world.test_env.now = 12 * TCPIP_SECOND + 3456 * TCPIP_US;
    tcpip_sniffer_comment(rig->sniffer, "first");
    link_world_send(&world, rig->sniffer, link_world_packet(&world, request, sizeof(request), 28, 400));
    give(&world, rig, request, sizeof(request));
    append(&rig->file, "", 1);
    const char *text = (const char *)rig->file.bytes, *second = strchr(text, '\n') + 1;
    assert_memory_equal(text, "12.003456 Out IP 10.0.0.1", 25);
    assert_memory_equal(second - 9, " # first\n", 9);
    assert_memory_equal(second, "12.003456 In  IP 10.0.0.1", 25);
    assert_string_equal(strchr(second, '\n'), "\n");
    link_world_detach(&world, rig->sniffer);
    rig_free(&world, rig);
    link_world_fini(&world);
}

static void a_checksum_left_to_the_link_is_shown_complete(void **state)
{
    (void)state;
    struct link_world world;
    link_world_init(&world, 1);
    struct rig *rig = rig_new(&world, (struct tcpip_sniffer_options){.name = NULL});
    link_world_attach(&world, rig->sniffer);
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7);
    bytes[0] = 0x45;
    struct tcpip_packet *packet = link_world_packet(&world, bytes, sizeof(bytes), 40, 0);
    uint16_t pseudo = 0x1234;
    tcpip_store_u16(tcpip_packet_pull(packet, 36, 2), pseudo);
    packet->checksum = TCPIP_CHECKSUM_PARTIAL;
    packet->checksum_start = 20;
    packet->checksum_offset = 16;
    link_world_send(&world, rig->sniffer, packet);
    uint32_t size;
    const uint8_t *p = block(&rig->file, 2, &size) + 28;
    assert_true(tcpip_checksum_ok(tcpip_checksum(p + 20, 280, pseudo)));
    assert_memory_equal(p, bytes, 36);
    assert_memory_equal(p + 38, bytes + 38, 262);
    packet = tcpip_channel_collect(rig->channel); /* the packet itself is as it was */
    assert_int_equal(tcpip_load_u16(tcpip_packet_pull(packet, 36, 2)), pseudo);
    tcpip_packet_free(packet);
    link_world_detach(&world, rig->sniffer);
    rig_free(&world, rig);
    link_world_fini(&world);
}

/* One packet in 65536: all but UDP write zero as zero. */
static void a_checksum_that_comes_to_zero_is_shown_as_its_protocol_writes_it(void **state)
{
    (void)state;
    static const uint16_t fields[] = {16, 6}, shown[] = {0, 0xffff};
    for (int i = 0; i < 2; i++) {
        struct link_world world;
        link_world_init(&world, 1);
        struct rig *rig = rig_new(&world, (struct tcpip_sniffer_options){.name = NULL});
        link_world_attach(&world, rig->sniffer);
        uint8_t bytes[60] = {0x45};
        memset(bytes + 40, 0x5a, 20);
        tcpip_store_u16(bytes + 20 + fields[i], tcpip_checksum_finish(tcpip_checksum(bytes + 20, 40, 0)));
        struct tcpip_packet *packet = link_world_packet(&world, bytes, sizeof(bytes), 40, 0);
        packet->checksum = TCPIP_CHECKSUM_PARTIAL;
        packet->checksum_start = 20;
        packet->checksum_offset = fields[i];
        link_world_send(&world, rig->sniffer, packet);
        uint32_t size;
        const uint8_t *p = block(&rig->file, 2, &size) + 28;
        assert_int_equal(tcpip_load_u16(p + 20 + fields[i]), shown[i]);
        tcpip_packet_free(tcpip_channel_collect(rig->channel));
        link_world_detach(&world, rig->sniffer);
        rig_free(&world, rig);
        link_world_fini(&world);
    }
}

static void what_the_lower_link_leaves_is_shown_once(void **state)
{
    (void)state;
    struct link_world world;
    link_world_init(&world, 1);
    struct rig *rig = rig_new(&world, (struct tcpip_sniffer_options){.ethernet = true});
    link_world_attach(&world, rig->sniffer);
    struct tcpip_packet_list list = tcpip_packet_list_init();
    for (uint32_t i = 0; i < 90; i++)
        tcpip_packet_list_push(&list, link_world_packet(&world, request, 100 + i, 28, 0));
    while (list.count > 0) {
        link_world_transmit(&world, rig->sniffer, &list);
        while (tcpip_channel_pending(rig->channel) > 0)
            tcpip_packet_free(tcpip_channel_collect(rig->channel));
    }
    uint32_t size;
    for (uint32_t i = 0; i < 90; i++)
        assert_int_equal(le32(block(&rig->file, 2 + i, &size) + 20), 100 + i);
    assert_null(block(&rig->file, 92, &size));
    link_world_detach(&world, rig->sniffer);
    rig_free(&world, rig);
    link_world_fini(&world);
}

static void comments_and_names_of_any_length_are_cut(void **state)
{
    (void)state;
    struct link_world world;
    char longest[3000];
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    link_world_init(&world, 1);
    for (int text = 0; text < 2; text++) {
        struct rig *rig = rig_new(&world, (struct tcpip_sniffer_options){.name = longest, .text = text != 0});
        link_world_attach(&world, rig->sniffer);
        tcpip_sniffer_comment(rig->sniffer, longest);
        give(&world, rig, answer, sizeof(answer));
        longest[200] = '\0';
        assert_true(contains(rig->file.bytes, rig->file.size, longest));
        longest[200] = 'x';
        longest[201] = '\0';
        assert_false(contains(rig->file.bytes, rig->file.size, longest));
        longest[201] = 'x';
        link_world_detach(&world, rig->sniffer);
        rig_free(&world, rig);
    }
    link_world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sniffer_keeps_the_contract_of_links),
        cmocka_unit_test(both_directions_are_written_as_pcapng_blocks),
        cmocka_unit_test(a_snap_length_cuts_what_is_kept_not_what_passes),
        cmocka_unit_test(text_says_when_where_and_what),
        cmocka_unit_test(a_checksum_left_to_the_link_is_shown_complete),
        cmocka_unit_test(a_checksum_that_comes_to_zero_is_shown_as_its_protocol_writes_it),
        cmocka_unit_test(what_the_lower_link_leaves_is_shown_once),
        cmocka_unit_test(comments_and_names_of_any_length_are_cut),
    };
    return cmocka_run_group_tests_name("sniffer", tests, NULL, NULL);
}
