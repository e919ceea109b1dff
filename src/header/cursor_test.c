// SPDX-License-Identifier: MIT
/* cursor_test.c: reads and writes at the edge of the range. */
#include "header/cursor.h"

#include "header_test.h"

static void test_reads_are_big_endian_and_advance(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    struct cursor c = cursor_of(bytes, sizeof bytes);
    assert_int_equal(cursor_u8(&c), 1);
    assert_int_equal(cursor_u16(&c), 0x0203);
    assert_int_equal(cursor_u24(&c), 0x040506);
    assert_int_equal(cursor_u32(&c), 0x0708090a);
    assert_false(c.failed);
    assert_int_equal(c.left, 0);
}

static void test_a_read_past_the_end_gives_zero_and_stays_failed(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0xff, 0xff, 0xff};
    struct cursor c = cursor_of(bytes, 3);
    assert_int_equal(cursor_u32(&c), 0);
    assert_true(c.failed);
    assert_int_equal(cursor_u8(&c), 0); /* what was left is gone: nothing is read out of step */
    assert_null(cursor_take(&c, 1));
    assert_ptr_equal(c.at, bytes + 3);
}

static void test_a_sub_cursor_ends_where_it_was_told(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1, 2, 3, 4};
    struct cursor c = cursor_of(bytes, 4);
    struct cursor sub = cursor_sub(&c, 2);
    assert_int_equal(cursor_u16(&sub), 0x0102);
    assert_int_equal(cursor_u8(&sub), 0);
    assert_true(sub.failed);
    assert_false(c.failed);
    assert_int_equal(cursor_u16(&c), 0x0304);
    sub = cursor_sub(&c, 1);
    assert_true(sub.failed && c.failed);
}

static void test_option_bodies_reject_lengths_that_lie(void **state)
{
    (void)state;
    for (unsigned length = 0; length < 256; length++) {
        uint8_t bytes[6] = {(uint8_t)length, 1, 2, 3, 4, 5};
        uint8_t *exact = exact_copy(bytes, 6);
        struct cursor c = cursor_of(exact, 6);
        struct cursor body = cursor_option_body(&c);
        assert_int_equal(c.failed, length < 2 || length > 7);
        if (!c.failed)
            assert_int_equal(body.left, length - 2);
        free(exact);
    }
    uint8_t nothing[1] = {0};
    struct cursor empty = cursor_of(nothing, 0);
    (void)cursor_option_body(&empty);
    assert_true(empty.failed);
}

static void test_a_pen_writes_whole_or_not_at_all(void **state)
{
    (void)state;
    uint8_t out[4] = {0};
    struct pen pen = pen_of(out, 3);
    pen_u16(&pen, 0x0102);
    pen_u16(&pen, 0x0304);
    assert_true(pen.failed);
    assert_int_equal(out[2], 0);
    pen_u8(&pen, 5); /* would fit, but behind a gap */
    assert_int_equal(out[2], 0);
    assert_int_equal(pen.used, 2);
    assert_int_equal(pen.room, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_are_big_endian_and_advance),
        cmocka_unit_test(test_a_read_past_the_end_gives_zero_and_stays_failed),
        cmocka_unit_test(test_a_sub_cursor_ends_where_it_was_told),
        cmocka_unit_test(test_option_bodies_reject_lengths_that_lie),
        cmocka_unit_test(test_a_pen_writes_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
