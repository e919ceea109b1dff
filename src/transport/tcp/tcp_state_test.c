// SPDX-License-Identifier: MIT
/* tcp_state_test.c: every cell of the state table, against RFC 9293 figure 5 written down a second time, as a list of
 * its arrows. */
#include "transport/tcp/tcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define S(name) TCPIP_TCP_##name
#define E(name) TCP_EVENT_##name

/* The figure's arrows. Three are not in it: a listener's LISTEN again changes the backlog; a record becomes an endpoint
 * in ESTABLISHED (CLOSED to ESTABLISHED); whatever lives may be reset or aborted. */
static const struct {
    uint8_t from;
    enum tcp_event event;
    uint8_t to;
} arrows[] = {
    {S(CLOSED), E(LISTEN), S(LISTEN)},
    {S(CLOSED), E(CONNECT), S(SYN_SENT)},
    {S(CLOSED), E(SYN_RECEIVED), S(SYN_RECEIVED)},
    {S(CLOSED), E(ESTABLISHED), S(ESTABLISHED)},
    {S(LISTEN), E(LISTEN), S(LISTEN)},
    {S(SYN_SENT), E(SYN_RECEIVED), S(SYN_RECEIVED)},
    {S(SYN_SENT), E(ESTABLISHED), S(ESTABLISHED)},
    {S(SYN_RECEIVED), E(ESTABLISHED), S(ESTABLISHED)},
    {S(SYN_RECEIVED), E(FIN_SENT), S(FIN_WAIT_1)},
    {S(ESTABLISHED), E(FIN_SENT), S(FIN_WAIT_1)},
    {S(ESTABLISHED), E(FIN_RECEIVED), S(CLOSE_WAIT)},
    {S(FIN_WAIT_1), E(FIN_ACKED), S(FIN_WAIT_2)},
    {S(FIN_WAIT_1), E(FIN_RECEIVED), S(CLOSING)},
    {S(FIN_WAIT_2), E(FIN_RECEIVED), S(TIME_WAIT)},
    {S(CLOSE_WAIT), E(FIN_SENT), S(LAST_ACK)},
    {S(CLOSING), E(FIN_ACKED), S(TIME_WAIT)},
    {S(LAST_ACK), E(FIN_ACKED), S(CLOSED)},
};

static uint8_t expected(uint8_t state, enum tcp_event event)
{
    if (event == TCP_EVENT_GONE)
        return S(CLOSED);
    for (size_t i = 0; i < sizeof(arrows) / sizeof(arrows[0]); i++)
        if (arrows[i].from == state && arrows[i].event == event)
            return arrows[i].to;
    return TCP_STATE_BUG;
}

static void every_cell_is_an_arrow_of_the_figure_or_a_bug(void **state)
{
    (void)state;
    for (uint8_t from = 0; from < TCPIP_TCP_STATE_COUNT; from++)
        for (int event = 0; event < TCP_EVENT_COUNT; event++)
            if (tcpip__tcp_state_next(from, (enum tcp_event)event) != expected(from, (enum tcp_event)event))
                fail_msg("%s on event %d: %u, not %u", tcpip_tcp_state_name((enum tcpip_tcp_state)from), event,
                         tcpip__tcp_state_next(from, (enum tcp_event)event), expected(from, (enum tcp_event)event));
}

static void every_state_can_be_reached_and_left(void **state)
{
    (void)state;
    bool reached[TCPIP_TCP_STATE_COUNT] = {[S(CLOSED)] = true};
    for (int round = 0; round < TCPIP_TCP_STATE_COUNT; round++)
        for (uint8_t from = 0; from < TCPIP_TCP_STATE_COUNT; from++)
            for (int event = 0; event < TCP_EVENT_COUNT && reached[from]; event++)
                if (tcpip__tcp_state_next(from, (enum tcp_event)event) != TCP_STATE_BUG)
                    reached[tcpip__tcp_state_next(from, (enum tcp_event)event)] = true;
    for (uint8_t i = 0; i < TCPIP_TCP_STATE_COUNT; i++) {
        assert_true(reached[i]);
        assert_int_equal(tcpip__tcp_state_next(i, TCP_EVENT_GONE), S(CLOSED));
    }
}

static void states_have_the_names_of_the_rfc(void **state)
{
    (void)state;
    assert_string_equal(tcpip_tcp_state_name(TCPIP_TCP_SYN_RECEIVED), "SYN-RECEIVED");
    assert_string_equal(tcpip_tcp_state_name(TCPIP_TCP_TIME_WAIT), "TIME-WAIT");
    assert_string_equal(tcpip_tcp_state_name((enum tcpip_tcp_state)99), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_is_an_arrow_of_the_figure_or_a_bug),
        cmocka_unit_test(every_state_can_be_reached_and_left),
        cmocka_unit_test(states_have_the_names_of_the_rfc),
    };
    return cmocka_run_group_tests_name("tcp/state", tests, NULL, NULL);
}
