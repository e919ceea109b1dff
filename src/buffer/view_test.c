// SPDX-License-Identifier: MIT
/* view_test.c: views, vectors of views beside a flat twin, the prependable. */
#include "base/compiler.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <tcpip/buffer.h>

#include <cmocka.h>

static void a_view_is_trimmed_and_capped_within_its_buffer(void **state)
{
    (void)state;
    uint8_t bytes[] = "0123456789";
    struct tcpip_buffer buffer = {.refs = 1, .size = 10, .data = bytes};
    struct tcpip_view view = {&buffer, 2, 8};
    tcpip_view_trim_front(&view, 3);
    assert_int_equal(view.length, 5);
    assert_int_equal(tcpip_view_data(&view)[0], '5');
    tcpip_view_cap_length(&view, 9);
    assert_int_equal(view.length, 5);
    tcpip_view_cap_length(&view, 2);
    assert_int_equal(view.length, 2);
    assert_int_equal(buffer.refs, 1);
}

/* Cuts `flat` into random views, empty ones among them. */
static struct tcpip_vectorised_view scatter(struct rng *rng, struct tcpip_buffer *buffer, struct tcpip_view *views,
                                            uint32_t count)
{
    struct tcpip_vectorised_view vv = {views, count, 0};
    for (uint32_t i = 0; i < count; i++) {
        views[i] = (struct tcpip_view){buffer, vv.size, rng_below(rng, 4) == 0 ? 0 : rng_below(rng, 20)};
        vv.size += views[i].length;
    }
    return vv;
}

static void a_vectorised_view_behaves_like_a_flat_array(void **state)
{
    (void)state;
    uint8_t bytes[400], out[400];
    struct rng rng;
    rng_init(&rng, 7);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)rng_u32(&rng);
    struct tcpip_buffer buffer = {.refs = 1, .size = sizeof(bytes), .data = bytes};
    for (int round = 0; round < 5000; round++) {
        struct tcpip_view views[12];
        struct tcpip_vectorised_view vv = scatter(&rng, &buffer, views, rng_below(&rng, 13));
        uint32_t from = 0, size = vv.size;
        for (int step = 0; step < 6; step++) {
            if (rng_below(&rng, 2) == 0) {
                uint32_t count = rng_below(&rng, size + 1);
                tcpip_vectorised_view_trim_front(&vv, count);
                from += count;
                size -= count;
            } else {
                uint32_t length = rng_below(&rng, size + 10);
                tcpip_vectorised_view_cap_length(&vv, length);
                size = length < size ? length : size;
            }
            assert_int_equal(vv.size, size);
            uint32_t offset = rng_below(&rng, size + 5), want = rng_below(&rng, 30);
            uint32_t expected = offset >= size ? 0 : size - offset < want ? size - offset : want;
            assert_int_equal(tcpip_vectorised_view_copy_out(&vv, offset, out, want), expected);
            assert_memory_equal(out, bytes + from + (expected > 0 ? offset : 0), expected);
        }
    }
}

static void a_prependable_fills_from_its_end(void **state)
{
    (void)state;
    uint8_t space[10];
    struct tcpip_prependable p = tcpip_prependable_init(space, sizeof(space));
    assert_ptr_equal(tcpip_prependable_prepend(&p, 4), space + 6);
    assert_ptr_equal(tcpip_prependable_prepend(&p, 6), space);
    assert_null(tcpip_prependable_prepend(&p, 1));
    assert_null(tcpip_prependable_prepend(&p, SIZE_MAX));
    assert_int_equal(p.used, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_is_trimmed_and_capped_within_its_buffer),
        cmocka_unit_test(a_vectorised_view_behaves_like_a_flat_array),
        cmocka_unit_test(a_prependable_fills_from_its_end),
    };
    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
