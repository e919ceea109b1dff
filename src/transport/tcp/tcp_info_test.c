// SPDX-License-Identifier: MIT
/* tcp_info_test.c: every field of struct tcpip_tcp_info, by a table: what both ends of one connection say after a
 * transfer whose numbers are known; what controllers tell; when received bytes came.
 *
 * Not here: fields over time (tests/script/info), the layout of Linux's structs (socket/tcp_info_test.c). */
#include "base/math.h"
#include "pair.h"
#include "transport/tcp/tcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { BYTES = 5000 };
static const tcpip_ns ONE_WAY = 10 * TCPIP_MS;

struct expected {
    const char *name;
    size_t offset, size;
    int64_t sender[2], receiver[2]; /* least, greatest */
};
#define FIELD(name, a, b, c, d)                                                                            \
    {                                                                                                      \
#name, offsetof(struct tcpip_tcp_info, name), sizeof(((struct tcpip_tcp_info *)0)->name), {a, b }, \
        {                                                                                                  \
            c, d                                                                                           \
        }                                                                                                  \
    }
#define BOTH(name, a) FIELD(name, a, a, a, a)
#define LARGEST INT64_MAX

/* In the struct's order. The sender has written BYTES, of which the last 656 were lost once and sent again by the tail
 * probe; the receiver has read all of them but one. */
static const struct expected expected[] = {
    BOTH(size, sizeof(struct tcpip_tcp_info)),
    BOTH(state, TCPIP_TCP_ESTABLISHED),
    BOTH(recovery_state, TCPIP_TCP_OPEN),
    BOTH(timestamps, 1),
    BOTH(sack, 1),
    BOTH(window_scaling, 1),
    FIELD(snd_wscale, 1, 14, 1, 14),
    FIELD(rcv_wscale, 1, 14, 1, 14),
    BOTH(retransmits, 0),
    BOTH(probes, 0),
    BOTH(backoff, 0),
    FIELD(rto_ns, 200 * TCPIP_MS, 300 * TCPIP_MS, 200 * TCPIP_MS, 300 * TCPIP_MS),
    FIELD(ato_ns, 0, 40 * TCPIP_MS, 1, 40 * TCPIP_MS),
    FIELD(srtt_ns, 2 * ONE_WAY, 3 * ONE_WAY, 2 * ONE_WAY, 2 * ONE_WAY),
    FIELD(rttvar_ns, 1, ONE_WAY + ONE_WAY / 2, ONE_WAY, ONE_WAY),
    BOTH(min_rtt_ns, 2 * ONE_WAY),
    FIELD(rcv_rtt_ns, 0, 2 * ONE_WAY, 1, 3 * ONE_WAY),
    BOTH(snd_mss, 1448),
    FIELD(rcv_mss, 500, 1448, 1448, 1448),
    BOTH(advertised_mss, 1460),
    BOTH(path_mtu, 1500),
    FIELD(cwnd_bytes, 10 * 1448, 20 * 1448, 10 * 1448, 10 * 1448),
    BOTH(ssthresh_bytes, UINT32_MAX),
    BOTH(in_flight_bytes, 0),
    BOTH(lost_bytes, 0),
    BOTH(retransmitting_bytes, 0),
    BOTH(sacked_bytes, 0),
    FIELD(snd_wnd, 30000, 1 << 20, 30000, 1 << 20),
    FIELD(rcv_wnd, 30000, 1 << 20, 30000, 1 << 20),
    BOTH(not_sent_bytes, 0),
    FIELD(rcv_space_bytes, 1000, 1 << 20, 1000, 1 << 20),
    FIELD(last_data_sent_ns, 900 * TCPIP_MS, 2 * TCPIP_SECOND, 0, LARGEST),
    FIELD(last_data_received_ns, TCPIP_SECOND, 2 * TCPIP_SECOND, 900 * TCPIP_MS, 2 * TCPIP_SECOND),
    FIELD(last_ack_received_ns, 900 * TCPIP_MS, 2 * TCPIP_SECOND, 900 * TCPIP_MS, 2 * TCPIP_SECOND),
    FIELD(bytes_sent, BYTES + 656, BYTES + 656, 0, 0),
    FIELD(bytes_acked, BYTES, BYTES, 0, 0),
    FIELD(bytes_received, 0, 0, BYTES, BYTES),
    FIELD(bytes_retransmitted, 656, 656, 0, 0),
    FIELD(segments_out, 7, 7, 3, 6),
    FIELD(segments_in, 3, 6, 5, 5) /* without the SYN, which no endpoint took */,
    FIELD(data_segments_out, 5, 5, 0, 0),
    FIELD(data_segments_in, 0, 0, 4, 4),
    BOTH(pacing_rate, 0),
    FIELD(delivery_rate, 1, LARGEST, 0, 0),
    FIELD(total_retransmits, 1, 1, 0, 0),
    BOTH(dsack_duplicates, 0),
    BOTH(out_of_order_packets, 0),
    BOTH(reordering_seen, 0),
    BOTH(reordering, 3),
    FIELD(busy_ns, 2 * ONE_WAY, 4 * TCPIP_SECOND, 0, 0),
    BOTH(rwnd_limited_ns, 0),
    BOTH(sndbuf_limited_ns, 0),
    BOTH(syn_data_acked, 0),
    BOTH(fast_open_child, 0),
    BOTH(fast_open_fail, 0),
    BOTH(ecn, 0),
    BOTH(accurate_ecn, 1),
    FIELD(received_ce, 0, 0, 0, 0),
    FIELD(delivered_ce, 0, 0, 0, 0),
    BOTH(received_ce_bytes, 0),
    BOTH(delivered_ce_bytes, 0),
    BOTH(unacked_bytes, 0),
    BOTH(accept_queue, 0),
    BOTH(accept_backlog, 0),
    FIELD(accepted, 0, 0, 1, 1),
    FIELD(delivery_rate_app_limited, 1, 1, 1, 1),
    FIELD(max_pacing_rate, 12345678, 12345678, 0, 0),
    BOTH(timeouts, 0),
    BOTH(timeout_episodes, 0),
    BOTH(timeout_ns, 0),
    FIELD(received_ect0_bytes, 0, 0, BYTES - 656, BYTES - 656), /* what is sent again isn't marked */
    BOTH(received_ect1_bytes, 0),
    FIELD(delivered_ect0_bytes, 2 * 1448, BYTES - 656, 0, 0), /* not every ACK tells */
    BOTH(accurate_ecn_option_seen, 1),
    BOTH(accurate_ecn_option_bad, 0),
    BOTH(accurate_ecn_flags_bad, 0),
};

static int64_t field_value(const struct tcpip_tcp_info *info, const struct expected *field)
{
    uint64_t value = 0;
    memcpy(&value, (const uint8_t *)info + field->offset, field->size);
    return (int64_t)value;
}

static void check_fields(const struct tcpip_tcp_info *info, bool sender)
{
    bool good = true;
    for (size_t i = 0; i < array_count(expected); i++) {
        const int64_t *bounds = sender ? expected[i].sender : expected[i].receiver;
        int64_t value = field_value(info, &expected[i]);
        if (value >= bounds[0] && value <= bounds[1])
            continue;
        print_message("the %s's %s is %lld\n", sender ? "sender" : "receiver", expected[i].name, (long long)value);
        good = false;
    }
    assert_true(good);
}

static struct tcpip_tcp_info info_of(const struct tcpip_endpoint *endpoint)
{
    struct tcpip_tcp_info info = {.size = sizeof(info)};
    assert_int_equal(tcpip_endpoint_tcp_info(endpoint, &info), TCPIP_OK);
    return info;
}

/* What lies between the table's fields can only be padding. */
static void test_the_table_has_every_field(void **state)
{
    (void)state;
    size_t end = 0;
    for (size_t i = 0; i < array_count(expected); i++) {
        size_t align = min_size(expected[i].size, 8);
        assert_int_equal(expected[i].offset, (end + align - 1) / align * align);
        end = expected[i].offset + expected[i].size;
    }
    assert_int_equal((end + 7) / 8 * 8, sizeof(struct tcpip_tcp_info));
}

static void test_every_field_is_as_the_connection_was(void **state)
{
    (void)state;
    static uint8_t data[BYTES];
    struct pair pair;
    struct tcpip_endpoint *client, *server;
    struct pair_options options = {.a_to_b = {.delay_ns = ONE_WAY}, .b_to_a = {.delay_ns = ONE_WAY}};
    size_t done;
    pair_init(&pair, &options);
    assert_int_equal(tcpip_stack_set_default(pair.a, TCPIP_OPTION_ECN, 3), TCPIP_OK);
    assert_int_equal(tcpip_stack_set_default(pair.b, TCPIP_OPTION_ECN, 3), TCPIP_OK);
    pair_connect(&pair, false, &client, &server);
    assert_int_equal(tcpip_endpoint_set_option(client, TCPIP_OPTION_MAX_PACING_RATE, 12345678), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_set_option(client, TCPIP_OPTION_MAX_PACING_RATE, 0), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_write(client, data, BYTES - 656, 0, NULL, &done), TCPIP_OK);
    assert_int_equal(done, BYTES - 656);
    pair_run(&pair, 2 * ONE_WAY);
    tcpip_fault_set(pair.fault, &(struct tcpip_fault_profile){.down = true}, &options.b_to_a);
    assert_int_equal(tcpip_endpoint_write(client, data, 656, 0, NULL, &done), TCPIP_OK);
    pair_run(&pair, TCPIP_MS);
    tcpip_fault_set(pair.fault, &options.a_to_b, &options.b_to_a);
    pair_run(&pair, 1200 * TCPIP_MS);
    assert_int_equal(tcpip_endpoint_read(server, data, BYTES - 1, &done, NULL), TCPIP_OK);
    assert_int_equal(done, BYTES - 1);
    assert_int_equal(tcpip_endpoint_set_option(client, TCPIP_OPTION_MAX_PACING_RATE, 12345678), TCPIP_OK);
    struct tcpip_tcp_info sender = info_of(client), receiver = info_of(server);
    sender.pacing_rate = 0; /* the cap alone */
    check_fields(&sender, true);
    check_fields(&receiver, false);
    tcpip_endpoint_close(client);
    tcpip_endpoint_close(server);
    pair_fini(&pair);
}

static void test_an_older_callers_struct_is_filled_as_far_as_it_goes(void **state)
{
    (void)state;
    struct pair pair;
    struct tcpip_endpoint *client, *server;
    struct tcpip_tcp_info info;
    pair_init(&pair, NULL);
    pair_connect(&pair, false, &client, &server);
    memset(&info, 0xee, sizeof(info));
    info.size = offsetof(struct tcpip_tcp_info, timestamps);
    assert_int_equal(tcpip_endpoint_tcp_info(client, &info), TCPIP_OK);
    assert_int_equal(info.state, TCPIP_TCP_ESTABLISHED);
    assert_int_equal(((const uint8_t *)&info)[offsetof(struct tcpip_tcp_info, timestamps)], 0xee);
    tcpip_endpoint_close(client);
    tcpip_endpoint_close(server);
    pair_fini(&pair);
}

/* ---- controllers ---- */

static struct tcpip_congestion_info congestion_of(struct tcpip_endpoint *endpoint, const char *name)
{
    struct tcpip_congestion_info info;
    assert_int_equal(tcpip_endpoint_set_congestion(endpoint, name), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_congestion_info(endpoint, &info), TCPIP_OK);
    return info;
}

static void test_controllers_tell_what_their_model_is(void **state)
{
    (void)state;
    static uint8_t data[30000];
    struct pair pair;
    struct tcpip_endpoint *client, *server, *udp;
    struct tcpip_congestion_info info;
    struct pair_options options = {.a_to_b = {.delay_ns = ONE_WAY}, .b_to_a = {.delay_ns = ONE_WAY}};
    size_t done;
    pair_init(&pair, &options);
    pair_connect(&pair, false, &client, &server);
    assert_int_equal(congestion_of(client, "cubic").kind, TCPIP_CONGESTION_INFO_NONE);
    assert_int_equal(congestion_of(client, "reno").kind, TCPIP_CONGESTION_INFO_NONE);
    info = congestion_of(client, "dctcp"); /* idle: what it would begin with */
    assert_int_equal(info.kind, TCPIP_CONGESTION_INFO_DCTCP);
    assert_false(info.dctcp.enabled); /* nobody asked for ECN */
    assert_int_equal(info.dctcp.alpha, 1 << 20);
    info = congestion_of(client, "bbr");
    assert_int_equal(info.kind, TCPIP_CONGESTION_INFO_BBR);
    assert_int_equal(info.bbr.bandwidth, 0);
    assert_int_equal(info.bbr.pacing_gain, 277);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(tcpip_endpoint_write(client, data, 10000, 0, NULL, &done), TCPIP_OK);
        pair_run(&pair, 3 * ONE_WAY);
    }
    assert_int_equal(tcpip_endpoint_congestion_info(client, &info), TCPIP_OK);
    assert_in_range(info.bbr.bandwidth, 10000, 600000);
    assert_int_equal(info.bbr.min_rtt_ns, 2 * ONE_WAY);
    pair_run(&pair, 3 * TCPIP_SECOND); /* it was still looking for the path's rate, and gives back what it has */
    assert_null(tcp_of(client));       /* folded */
    assert_int_equal(tcpip_endpoint_congestion_info(client, &info), TCPIP_OK);
    assert_int_equal(info.kind, TCPIP_CONGESTION_INFO_BBR);
    assert_int_equal(info.bbr.bandwidth, 0);
    assert_null(tcp_of(client)); /* asking changes nothing */
    assert_int_equal(tcpip_stack_new_endpoint(pair.a, TCPIP_PROTOCOL_UDP, TCPIP_PROTOCOL_IPV4, &udp), TCPIP_OK);
    assert_int_equal(tcpip_endpoint_congestion_info(udp, &info), TCPIP_ERR_NOT_SUPPORTED);
    tcpip_endpoint_close(udp);
    tcpip_endpoint_close(client);
    tcpip_endpoint_close(server);
    pair_fini(&pair);
}

/* ---- when bytes came ---- */

static tcpip_ns read_stamp(struct tcpip_endpoint *endpoint, size_t bytes)
{
    uint8_t data[100];
    size_t done;
    struct tcpip_control control;
    struct tcpip_io io[2] = {{data, bytes / 2}, {data, bytes - bytes / 2}};
    assert_int_equal(tcpip_endpoint_recvmsg(endpoint, io, 2, &done, NULL, &control), TCPIP_OK);
    assert_int_equal(done, bytes);
    assert_int_equal(control.present, TCPIP_CONTROL_TIMESTAMP);
    return control.received_at;
}

static void test_bytes_read_have_the_stamp_of_the_last_ones_packet(void **state)
{
    (void)state;
    static uint8_t data[60];
    struct pair pair;
    struct tcpip_endpoint *client, *server;
    tcpip_ns came[2];
    size_t done;
    pair_init(&pair, NULL);
    pair_connect(&pair, false, &client, &server);
    assert_int_equal(tcpip_endpoint_set_option(client, TCPIP_OPTION_NO_DELAY, 1), TCPIP_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tcpip_endpoint_write(client, data, 10, 0, NULL, &done), TCPIP_OK);
        pair_settle(&pair);
        came[i] = pair.world.now;
        pair_run(&pair, TCPIP_SECOND);
    }
    /* Small packets share a buffer: the stamp is that of the newest bytes in it, as Linux has it where it merges. */
    assert_int_equal(read_stamp(server, 5), came[1]);
    assert_int_equal(read_stamp(server, 15), came[1]);
    assert_true(came[0] < came[1]);
    assert_int_equal(tcpip_endpoint_write(client, data, 60, 0, NULL, &done), TCPIP_OK);
    pair_settle(&pair);
    tcpip_ns third = pair.world.now;
    pair_run(&pair, TCPIP_SECOND);
    assert_int_equal(read_stamp(server, 60), third);
    tcpip_endpoint_close(client);
    tcpip_endpoint_close(server);
    pair_fini(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table_has_every_field),
        cmocka_unit_test(test_every_field_is_as_the_connection_was),
        cmocka_unit_test(test_an_older_callers_struct_is_filled_as_far_as_it_goes),
        cmocka_unit_test(test_controllers_tell_what_their_model_is),
        cmocka_unit_test(test_bytes_read_have_the_stamp_of_the_last_ones_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
