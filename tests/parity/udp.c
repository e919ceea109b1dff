// SPDX-License-Identifier: MIT
/* udp.c: what each call answers, beside the kernel: the UDP column of docs/endpoint-semantics.md as programs.
 *
 * A line that begins with "# " says both answers of the next line, where they differ and why that is right stands
 * beside it.
 *
 * Owns:       nothing.
 * Invariants: a program names each port it binds, so that answers can be compared.
 * Not here:   what needs two hosts (src/transport/udp_test.c). */
#include "platform/netns.h"
#include "player.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <tcpip/fdbased.h>

#include <cmocka.h>

#define PARITY(name, ...)                                         \
    static void name(void **state)                                \
    {                                                             \
        static const char *const program[] = {__VA_ARGS__, NULL}; \
        (void)state;                                              \
        player_run(program);                                      \
    }

PARITY(a_fresh_socket, "socket4 a", "name a", "peer a", "poll a", "recv a", "peek a", "send a x", "name a", "listen a",
       "get a error", "next a", "close a", "socket6 b", "name b", "peer b", "poll b", "send b x", "listen b")

PARITY(binding, "socket4 a", "bind a 127.0.0.1 P1", "name a", "bind a 127.0.0.1 P1", "bind a 127.0.0.1 P2", "socket4 b",
       "bind b 127.0.0.1 P1", "bind b 0.0.0.0 P1", "bind b 127.0.0.2 P1", "name b", "socket4 c", "bind c 192.0.2.1 P3",
       "bind c 0.0.0.0 0", "name c", "bind c 0.0.0.0 P3", "close a", "socket4 d", "bind d 127.0.0.1 P1", "send d x")

PARITY(binding_to_groups_and_broadcasts, "socket4 a", "bind a 224.1.2.3 P1", "name a", "socket4 b",
       "bind b 127.255.255.255 P2", "name b", "socket4 c", "bind c 255.255.255.255 P3", "name c")

PARITY(address_reuse, "socket4 a", "set a reuse_address 1", "bind a 127.0.0.1 P1", "socket4 b", "bind b 127.0.0.1 P1",
       "set b reuse_address 1", "bind b 127.0.0.1 P1", "socket4 c", "sendto c hi 127.0.0.1 P1", "recv a", "recv b",
       "close b", "sendto c again 127.0.0.1 P1", "recv a")

PARITY(port_reuse, "socket4 a", "set a reuse_port 1", "bind a 127.0.0.1 P1", "socket4 b", "set b reuse_address 1",
       "bind b 127.0.0.1 P1", "set b reuse_port 1", "bind b 127.0.0.1 P1")

PARITY(reuse_counts_as_it_is_now, "socket4 a", "bind a 127.0.0.1 P1", "socket4 b", "set b reuse_address 1",
       "bind b 127.0.0.1 P1", "set a reuse_address 1", "bind b 127.0.0.1 P1", "socket4 c", "bind c 127.0.0.1 P1",
       "set a reuse_address 0", "set b reuse_address 0", "set c reuse_address 1", "bind c 127.0.0.1 P1")

PARITY(a_connection_holds_its_own_address, "socket4 a", "bind a 0.0.0.0 P1", "socket4 b", "bind b 127.0.0.2 P1",
       "connect a 127.0.0.1 P2", "bind b 127.0.0.1 P1", "bind b 127.0.0.2 P1", "disconnect a", "name a", "socket4 c",
       "bind c 127.0.0.3 P1", "socket6 d", "bind d :: P3", "connect d ::1 P2", "socket4 e", "bind e 127.0.0.1 P3",
       "disconnect d", "socket4 f", "bind f 127.0.0.2 P3")

PARITY(families_share_a_port, "socket6 a", "bind a :: P1", "name a", "socket4 b", "bind b 0.0.0.0 P1",
       "bind b 127.0.0.1 P1", "socket6 c", "set c v6_only 1", "bind c :: P2", "socket4 d", "bind d 0.0.0.0 P2",
       "set c v6_only 0", "sendto d x 127.0.0.1 P1", "recv a", "sendto d y 127.0.0.1 P2", "recv c", "recv d")

PARITY(a_dual_stack_socket_speaks_mapped, "socket6 a", "bind a :: P1", "socket4 b", "bind b 127.0.0.1 P2",
       "sendto b hello 127.0.0.1 P1", "recv a", "sendto a back ::ffff:127.0.0.1 P2", "recv b",
       "connect a ::ffff:127.0.0.1 P2", "name a", "peer a", "send a again", "recv b", "socket6 c", "bind c ::1 P3",
       "sendto c six ::1 P1", "recv a")

PARITY(v6_only_refuses_mapped, "socket6 a", "set a v6_only 1", "bind a ::ffff:127.0.0.1 P1",
       "sendto a x ::ffff:127.0.0.1 P2", "connect a ::ffff:127.0.0.1 P2", "bind a ::1 P1", "name a", "set a v6_only 0")

PARITY(bound_to_a_mapped_address, "socket6 a", "bind a ::ffff:127.0.0.1 P1", "name a", "socket4 b",
       "sendto b x 127.0.0.1 P1", "recv a 0", "bind b 127.0.0.1 P1", "socket6 c", "bind c ::1 P1")

PARITY(families_that_do_not_match, "socket4 a", "sendto a x ::1 P1", "connect a ::1 P1", "bind a ::1 P1")

PARITY(connecting, "socket4 a", "bind a 127.0.0.1 P1", "socket4 b", "connect b 127.0.0.1 P1", "peer b", "send b one",
       "recv a", "socket4 c", "bind c 127.0.0.1 P2", "socket4 d", "bind d 127.0.0.1 P3", "connect c 127.0.0.1 P3",
       "name c", "sendto a stranger 127.0.0.1 P2", "recv c", "send d nobody", "sendto d friend 127.0.0.1 P2", "recv c",
       "sendto c other 127.0.0.1 P1", "recv a", "connect c 127.0.0.1 P1", "peer c", "send c two", "recv a", "recv d",
       "poll c")

PARITY(disconnecting, "socket4 a", "connect a 127.0.0.1 P1", "disconnect a", "name a", "peer a", "send a x",
       "disconnect a", "socket4 b", "bind b 127.0.0.1 P2", "connect b 127.0.0.1 P1", "disconnect b", "name b",
       "socket4 c", "sendto c heard 127.0.0.1 P2", "recv b", "socket4 d", "bind d 127.0.0.1 0",
       "connect d 127.0.0.1 P1", "disconnect d", "name d", "bind d 127.0.0.1 P3", "name d", "socket6 e",
       "connect e ::1 P1", "disconnect e", "name e", "peer e")

PARITY(port_zero, "socket4 a", "connect a 127.0.0.1 0", "peer a", "send a x", "sendto a x 127.0.0.1 0", "socket6 b",
       "connect b ::1 0", "peer b", "sendto b x ::1 0")

PARITY(the_unspecified_address_is_this_host, "socket4 a", "bind a 127.0.0.1 P1", "socket4 b", "bind b 127.0.0.1 P3",
       "sendto b x 0.0.0.0 P1", "recv a", "connect b 0.0.0.0 P1", "name b", "peer b", "send b y", "recv a", "socket6 c",
       "bind c ::1 P2", "socket6 d", "bind d ::1 P4", "sendto d z :: P2", "recv c", "connect d :: P2", "peer d",
       "socket4 e", "bind e 127.0.0.5 P5", "connect e 0.0.0.0 P1", "peer e", "sendto e own 0.0.0.0 P5", "recv e")

PARITY(nobody_there, "socket4 a", "bind a 127.0.0.1 P1", "connect a 127.0.0.1 P2", "send a x", "poll a", "recv a",
       "recv a", "send a y", "send a z", "send a again", "get a error", "get a error", "poll a", "send a last",
       "peek a", "poll a", "socket6 b", "connect b ::1 P2", "send b x", "recv b", "recv b")

PARITY(nobody_there_and_not_connected, "socket4 a", "bind a 127.0.0.1 P1", "sendto a x 127.0.0.1 P2", "poll a",
       "recv a", "sendto a y 127.0.0.1 P2", "get a error")

PARITY(errors_come_before_data, "socket4 a", "bind a 127.0.0.1 P1", "socket4 b", "bind b 127.0.0.1 P2",
       "connect a 127.0.0.1 P2", "sendto b data 127.0.0.1 P1", "close b", "send a x", "poll a", "recv a", "recv a",
       "recv a")

PARITY(soft_errors_on_request, "socket4 a", "set a receive_error 1", "bind a 127.0.0.1 P1", "sendto a x 127.0.0.1 P2",
       "get a error", "sendto a x 127.0.0.1 P2", "sendto a y 127.0.0.1 P2")

PARITY(reading, "socket4 a", "bind a 127.0.0.1 P1", "socket4 b", "bind b 127.0.0.1 P2", "sendto b one 127.0.0.1 P1",
       "sendto b two 127.0.0.1 P1", "poll a", "next a", "recv a", "recv a 1", "recv a", "sendto b - 127.0.0.1 P1",
       "poll a", "next a", "recv a", "recv a", "sendto b abc 127.0.0.1 P1", "recv a 0", "recv a",
       "sendto b three 127.0.0.1 P1", "recv a 5", "recv a")

PARITY(sizes, "socket4 a", "bind a 127.0.0.1 P1", "socket4 b", "bind b 127.0.0.1 P2", "sendto b @65507 127.0.0.1 P1",
       "recv a", "sendto b @65508 127.0.0.1 P1", "sendto b @65535 127.0.0.1 P1", "sendto b @65536 127.0.0.1 P1",
       "recv a", "sendto b @40000 127.0.0.1 P1", "recv a", "socket6 c", "bind c ::1 P3", "socket6 d", "bind d ::1 P4",
       "sendto d @65527 ::1 P3", "recv c", "sendto d @65528 ::1 P3", "sendto d @65536 ::1 P3", "recv c",
       "sendto d @65508 ::ffff:127.0.0.1 P1")

PARITY(shutting_down, "socket4 a", "bind a 127.0.0.1 P1", "socket4 b", "bind b 127.0.0.1 P2", "connect a 127.0.0.1 P2",
       "shutdown a w", "send a x", "poll a", "sendto b in 127.0.0.1 P1", "recv a", "shutdown a r", "poll a",
       "sendto b late 127.0.0.1 P1", "recv a",
       /* Linux tells a blocked reader the end (0 bytes) and one that doesn't block EAGAIN; the library says what is. */
       "# end | EAGAIN", "recv a", "shutdown a rw", "disconnect a", "sendto a x 127.0.0.1 P2")

PARITY(shutting_down_without_a_peer, "socket4 a", "shutdown a w", "sendto a x 127.0.0.1 P1", "send a x",
       "shutdown a rw", "poll a", "socket4 b", "bind b 127.0.0.1 P1", "shutdown b r", "poll b")

PARITY(broadcast_wants_permission, "socket4 a", "bind a 0.0.0.0 P1", "socket4 b", "bind b 127.0.0.1 P2",
       "sendto b x 127.255.255.255 P1", "connect b 127.255.255.255 P1", "set b broadcast 1",
       "sendto b all 127.255.255.255 P1", "recv a", "recv a", "connect b 127.255.255.255 P1", "peer b")

PARITY(control_messages, "socket4 a", "set a receive_ttl 1", "bind a 0.0.0.0 P1", "socket4 b", "bind b 127.0.0.1 P2",
       "set b ttl 7", "set b tos 40", "sendto b x 127.0.0.1 P1", "recv a", "set a receive_ttl 0", "set a receive_tos 1",
       "sendto b y 127.0.0.1 P1", "recv a", "set a receive_tos 0", "set a receive_packet_info 1",
       "sendto b z 127.0.0.3 P1", "recv a", "set a receive_packet_info 0", "sendto b z 127.0.0.3 P1", "recv a")

PARITY(control_messages_of_v6, "socket6 a", "set a receive_ttl 1", "bind a :: P1", "socket6 b", "bind b ::1 P2",
       "set b ttl 7", "sendto b x ::1 P1", "recv a", "set a receive_ttl 0", "set a receive_tos 1", "set b tos 40",
       "sendto b y ::1 P1", "recv a", "set a receive_tos 0", "set a receive_packet_info 1", "sendto b z ::1 P1",
       "recv a")

PARITY(multicast, "socket4 a", "set a reuse_address 1", "bind a 0.0.0.0 P1", "join a 224.1.2.3", "join a 224.1.2.3",
       "socket4 b", "set b reuse_address 1", "bind b 224.1.2.3 P1", "socket4 c", "set c reuse_address 1",
       "bind c 127.0.0.1 P1", "socket4 d", "bind d 127.0.0.1 P2", "join d 224.9.9.9", "sendto d hi 224.1.2.3 P1",
       "recv a", "recv b", "recv c", "recv a", "connect d 224.1.2.3 P1", "peer d", "name d", "send d again", "recv a",
       "recv b", "set d multicast_loop 0", "send d unheard", "recv a", "set d multicast_loop 1", "leave a 224.1.2.3",
       "leave a 224.1.2.3", "send d gone", "recv a", "recv b")

PARITY(options, "socket4 a", "get a broadcast", "set a broadcast 1", "get a broadcast", "set a ttl 256",
       "set a multicast_ttl 256", "get a multicast_loop", "get a reuse_port", "get a receive_error")

/* Where it may be had, a namespace in which no other program has ports, groups or settings. */
static int enter(void **state)
{
    struct tcpip_system_error why;
    (void)state;
    if (tcpip__netns_enter(&why) != TCPIP_OK)
        print_message("# in the namespace of all: %s\n", why.text);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_socket),
        cmocka_unit_test(binding),
        cmocka_unit_test(binding_to_groups_and_broadcasts),
        cmocka_unit_test(address_reuse),
        cmocka_unit_test(port_reuse),
        cmocka_unit_test(reuse_counts_as_it_is_now),
        cmocka_unit_test(a_connection_holds_its_own_address),
        cmocka_unit_test(families_share_a_port),
        cmocka_unit_test(a_dual_stack_socket_speaks_mapped),
        cmocka_unit_test(v6_only_refuses_mapped),
        cmocka_unit_test(bound_to_a_mapped_address),
        cmocka_unit_test(families_that_do_not_match),
        cmocka_unit_test(connecting),
        cmocka_unit_test(disconnecting),
        cmocka_unit_test(port_zero),
        cmocka_unit_test(the_unspecified_address_is_this_host),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(nobody_there_and_not_connected),
        cmocka_unit_test(errors_come_before_data),
        cmocka_unit_test(soft_errors_on_request),
        cmocka_unit_test(reading),
        cmocka_unit_test(sizes),
        cmocka_unit_test(shutting_down),
        cmocka_unit_test(shutting_down_without_a_peer),
        cmocka_unit_test(broadcast_wants_permission),
        cmocka_unit_test(control_messages),
        cmocka_unit_test(control_messages_of_v6),
        cmocka_unit_test(multicast),
        cmocka_unit_test(options),
    };
    return cmocka_run_group_tests(tests, enter, NULL);
}
