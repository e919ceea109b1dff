// SPDX-License-Identifier: MIT
/* scenarios.c: what is asked of both sides, grouped by call.
 *
 * Owns:     nothing.
 * Not here: expected results: the kernel has them. */
#include "parity.h"

/* a listens, b is a client of it, c its accepted end. */
#define LISTENING "new a; bind a lo 1; listen a 8;"
#define CONNECTED LISTENING "new b; connect b lo 1; accept a c;"
#define LISTENING6 "new a 6; bind a lo6 1; listen a 8;"
#define CONNECTED6 LISTENING6 "new b 6; connect b lo6 1; accept a c;"
/* c has gone with data unread: b was reset. */
#define RESET CONNECTED "write b 5; close c;"
/* b's connect was refused. */
#define REFUSED "new b; connect b lo 9;"
/* Everything that can be asked of b without changing it, then what asking changes. */
#define LOOK_B "poll b; state b; name b; peer b; queue b;"
#define LOOK_C "poll c; state c; name c; peer c; queue c;"
#define TRY_B "read b 10; read b 10; peek b 10; write b 5; write b 5; err b; poll b;"
#define TRY_C "read c 10; read c 10; peek c 10; write c 5; write c 5; err c; poll c;"

const struct scenario parity_scenarios[] = {
    /* ---- a new socket ---- */
    {"a_new_socket", "new b;" LOOK_B TRY_B "shut b r; shut b w; shut b rw; accept b d"},
    {"a_new_ipv6_socket", "new b 6;" LOOK_B TRY_B "shut b r; shut b w; shut b rw; accept b d"},

    /* ---- bind ---- */
    {"bind_once", "new b; bind b lo 1; bind b lo 1; bind b lo 2;" LOOK_B TRY_B},
    {"bind_to_any", "new b; bind b any 1;" LOOK_B},
    {"bind_to_any_port", "new b; bind b lo 0; name b; bind b lo 1; new c; bind c any 0; name c"},
    {"bind_to_what_is_not_ours", "new b; bind b far 1; name b; bind b lo 1; name b"},
    {"bind_to_what_is_not_ours_6", "new b 6; bind b far6 1; bind b lo6 1; name b"},
    {"bind_to_a_group", "new b; bind b multi 1; name b; new c; bind c broad 1"},
    {"bind_of_another_family", "new b; bind b lo6 1; name b"},
    {"bind_of_a_mapped_address", "new b 6; bind b lom 1; name b; new c; bind c lo 1"},
    {"bind_of_a_mapped_wildcard", "new b 6; bind b anym 1; name b; new c; bind c lo 1; new d 6; bind d lo6 1"},
    {"bind_v6only_mapped", "new b 6; set b v6only 1; bind b lom 1; set b v6only 0; bind b lom 1; name b"},
    {"bind_any6_any4", "new b 6; bind b any6 1; new c; bind c any 1; new d; bind d lo 1; name b"},
    {"bind_any4_any6", "new b; bind b any 1; new c 6; bind c any6 1; set c v6only 1; bind c any6 1"},
    {"bind_any6_v6only_any4", "new b 6; set b v6only 1; bind b any6 1; new c; bind c any 1"},
    {"bind_v6only_after_bind", "new b 6; bind b any6 1; set b v6only 1; get b v6only"},
    {"bind_lo_lo2", "new b; bind b lo 1; new c; bind c lo2 1; new d; bind d any 1"},
    {"bind_any_lo", "new b; bind b any 1; new c; bind c lo 1"},
    {"bind_lo6_any4", "new b 6; bind b lo6 1; new c; bind c any 1; new d 6; bind d any6 1"},
    {"bind_reuse_first_only", "new b; set b reuse 1; bind b lo 1; new c; bind c lo 1"},
    {"bind_reuse_second_only", "new b; bind b lo 1; new c; set c reuse 1; bind c lo 1"},
    {"bind_reuse_both", "new b; set b reuse 1; bind b lo 1; new c; set c reuse 1; bind c lo 1; new d; set d reuse 1;"
                        "bind d any 1"},
    {"bind_reuse_set_later", "new b; bind b lo 1; set b reuse 1; new c; set c reuse 1; bind c lo 1"},
    {"bind_reuse_cleared_later", "new b; set b reuse 1; bind b lo 1; set b reuse 0; new c; set c reuse 1; bind c lo 1"},
    {"bind_reuse_with_listener", "new b; set b reuse 1; bind b lo 1; listen b 1; new c; set c reuse 1; bind c lo 1;"
                                 "listen c 1; new d; set d reuse 1; bind d lo2 1; listen d 1"},
    {"bind_reuse_two_then_listen", "new b; set b reuse 1; bind b lo 1; new c; set c reuse 1; bind c lo 1;"
                                   "listen b 1; listen c 1; close b; listen c 1; poll c"},
    {"bind_reuseport_both", "new b; set b reuseport 1; bind b lo 1; new c; set c reuseport 1; bind c lo 1;"
                            "listen b 1; listen c 1"},
    {"bind_reuseport_one", "new b; set b reuseport 1; bind b lo 1; new c; bind c lo 1; new d; set d reuse 1;"
                           "bind d lo 1"},
    {"bind_reuseport_and_reuse", "new b; set b reuseport 1; set b reuse 1; bind b lo 1; new c; set c reuse 1;"
                                 "bind c lo 1; new d; set d reuseport 1; bind d lo 1"},
    {"bind_reuseport_listening_then_bind", "new b; set b reuseport 1; bind b lo 1; listen b 1; new c;"
                                           "set c reuseport 1; bind c lo 1; listen c 1; new d; set d reuse 1;"
                                           "bind d lo 1"},
    {"bind_reuseport_set_after_bind", "new b; bind b lo 1; set b reuseport 1; new c; set c reuseport 1; bind c lo 1"},
    {"bind_reuse_dual", "new b 6; set b reuse 1; bind b any6 1; new c; set c reuse 1; bind c any 1; listen b 1;"
                        "listen c 1"},
    {"bind_reuseport_dual", "new b 6; set b reuseport 1; bind b any6 1; new c; set c reuseport 1; bind c any 1;"
                            "listen b 1; listen c 1"},
    {"bind_after_close", "new b; bind b lo 1; close b; new c; bind c lo 1"},
    {"bind_after_listener_closed", LISTENING "close a; new c; bind c lo 1; listen c 1"},
    {"bind_where_time_wait_is", CONNECTED "close b; read c 1; close c; close a; new d; bind d lo 1; set d reuse 1;"
                                          "bind d lo 1; listen d 1"},
    {"bind_where_time_wait_of_server_is", CONNECTED "close c; read b 1; close b; close a; new d; bind d lo 1;"
                                                    "set d reuse 1; bind d lo 1; listen d 1"},
    {"bind_where_a_connection_is", CONNECTED "close a; new d; bind d lo 1; set d reuse 1; bind d lo 1; listen d 1"},
    {"bind_where_a_reuse_connection_is", "new a; set a reuse 1; bind a lo 1; listen a 1; new b; connect b lo 1;"
                                         "accept a c; close a; new d; bind d lo 1; set d reuse 1; bind d lo 1;"
                                         "listen d 1; new e; connect e lo 1; accept d f; poll e"},
    {"bind_connected", "new a; bind a lo 1; listen a 1; new b; connect b lo 1; bind b lo 2; name b"},
    {"bind_on_a_listener", LISTENING "bind a lo 2"},
    {"bind_after_refusal", REFUSED "bind b lo 2; name b; connect b lo 9; bind b lo 2; name b"},

    /* ---- listen, accept ---- */
    {"listen_unbound", "new a; listen a 1; name a; poll a; state a; new b; connect b @a; accept a c; peer b"},
    {"listen_twice", LISTENING "listen a 1; listen a 8; poll a; state a"},
    {"listen_on_connected", CONNECTED "listen b 1; listen c 1; poll b"},
    {"listen_while_connecting_refused", REFUSED "listen b 1; state b; poll b"},
    {"listen_after_reset", RESET "listen b 1; state b"},
    {"listener_calls", LISTENING "read a 1; peek a 1; write a 1; peer a; name a; queue a; connect a lo 1; err a;"
                                 "poll a; connect a lo 2; accept a b"},
    {"listener_shut_write", LISTENING "shut a w; poll a; state a; new b; connect b lo 1; accept a c"},
    {"listener_shut_read", LISTENING "shut a r; poll a; state a; err a; accept a c; name a; listen a 1; poll a;"
                                     "new b; connect b lo 1; accept a c"},
    {"listener_shut_both", LISTENING "new b; connect b lo 1; shut a rw; poll a; poll b; err b; read b 1; accept a c;"
                                     "name a; bind a lo 2; connect a lo 1; state a"},
    {"listener_unbound_shut", "new a; listen a 1; shut a r; name a; poll a; state a; bind a lo 1; listen a 1; poll a"},
    {"listener_then_connect_elsewhere", LISTENING "new b; bind b lo 2; listen b 1; shut a r; connect a lo 2; poll a;"
                                                  "name a; peer a; accept b c; peer c"},
    {"listener_closed_with_waiting", LISTENING "new b; connect b lo 1; write b 5; close a; poll b; read b 1; write b 1;"
                                               "err b; poll b; state b"},
    {"accept_nothing", LISTENING "accept a c; poll a"},
    {"accept_two", LISTENING "new b; new c; connect b lo 1; connect c lo 1; poll a; accept a d; poll a; accept a e;"
                             "poll a; accept a f; peer d; name d"},
    {"accept_after_peer_closed",
     LISTENING "new b; connect b lo 1; write b 3; close b; poll a; accept a c;" LOOK_C TRY_C},
    {"accept_after_peer_reset",
     LISTENING "new b; connect b lo 1; set b linger 0; close b; poll a; accept a c;" LOOK_C TRY_C},
    {"accept_after_peer_reset_with_data", LISTENING "new b; connect b lo 1; write b 5; set b linger 0; close b; poll a;"
                                                    "accept a c;" LOOK_C TRY_C},
    {"accept_on_connected", CONNECTED "accept b d; accept c d"},
    {"accepted_addresses", CONNECTED "name c; peer b; name b"},
    {"accepted_by_wildcard", "new a; bind a any 1; listen a 8; new b; connect b lo2 1; accept a c; name a; name c;"
                             "peer b"},
    {"accepted_inherits",
     "new a; set a nodelay 1; set a cork 0; set a keepalive 1; set a keepidle 100; set a keepintvl 7;"
     "set a keepcnt 3; set a syncnt 4; set a usertimeout 5000; set a linger 5; set a lowat 9;"
     "set a reuse 1; set a reuseport 1; set a ttl 77; set a tos 16; set a linger2 30; set a notsent 4000;"
     "set a mark 0; bind a lo 1; listen a 8; new b; connect b lo 1; accept a c; get c nodelay;"
     "get c keepalive; get c keepidle; get c keepintvl; get c keepcnt; get c syncnt;"
     "get c usertimeout; get c linger; get c lowat; get c reuse; get c reuseport; get c ttl;"
     "get c tos; get c linger2; get c notsent"},
    {"accepted_inherits_at_the_handshake",
     LISTENING "new b; connect b lo 1; set a nodelay 1; set a linger 7; accept a c;"
               "get c nodelay; get c linger"},
    {"listener_specific_before_wildcard", "new a; set a reuse 1; bind a any 1; new b; set b reuse 1; bind b lo 1;"
                                          "listen a 1; listen b 1; new c; connect c lo 1; poll a; poll b"},

    /* ---- connect ---- */
    {"connect", LISTENING "new b; connect b lo 1;" LOOK_B "connect b lo 1; connect b lo 1; connect b lo 2; err b"},
    {"connect_6", LISTENING6 "new b 6; connect b lo6 1;" LOOK_B "connect b lo6 1; connect b lo6 1; err b; accept a c;"
                             "peer c"},
    {"connect_refused", REFUSED LOOK_B "err b; err b; poll b; connect b lo 9; poll b; connect b lo 9; poll b; err b"},
    {"connect_refused_told_by_connect", REFUSED "connect b lo 9; poll b; connect b lo 9; connect b lo 9"},
    {"connect_refused_told_by_read", REFUSED "read b 1; read b 1; poll b; connect b lo 9; poll b; connect b lo 9"},
    {"connect_refused_told_by_write", REFUSED "write b 1; write b 1; poll b; connect b lo 9; connect b lo 9"},
    {"connect_refused_told_by_peek", REFUSED "peek b 1; peek b 1; err b"},
    {"connect_refused_shutdown", REFUSED "shut b rw; shut b r; err b; poll b"},
    {"connect_refused_then_elsewhere",
     REFUSED "err b; connect b lo 9;" LISTENING "connect b lo 1; poll b; peer b; err b"},
    {"connect_refused_bound", "new b; bind b lo 2; connect b lo 9; err b; name b; connect b lo 9; name b;"
                              "new c; bind c lo 2;" LISTENING "connect b lo 1; name b; accept a d; peer d"},
    {"connect_refused_name", REFUSED "name b; err b; name b; connect b lo 9; name b"},
    {"connect_where_no_route_is",
     "new b; connect b far 1; err b; poll b; name b; connect b far 1;" LISTENING "connect b lo 1; poll b"},
    {"connect_where_no_route_is_6", "new b 6; connect b far6 1; err b; poll b"},
    {"connect_to_any", LISTENING "new b; connect b any 1; poll b; peer b; name b; accept a c; peer c"},
    {"connect_to_any6", LISTENING6 "new b 6; connect b any6 1; poll b; peer b; name b"},
    {"connect_to_a_group", "new b; connect b multi 1; poll b; err b; connect b broad 1; poll b; err b"},
    {"connect_of_another_family", "new b; connect b lo6 1; poll b"},
    {"connect_mapped", LISTENING "new b 6; connect b lom 1; poll b; name b; peer b; accept a c; peer c"},
    {"connect_mapped_v6only", LISTENING "new b 6; set b v6only 1; connect b lom 1; poll b; err b"},
    {"connect_ipv6_to_ipv4_listener", "new a; bind a any 1; listen a 1; new b 6; connect b lo6 1; poll b; err b"},
    {"connect_ipv4_to_dual_listener", "new a 6; bind a any6 1; listen a 1; new b; connect b lo 1; accept a c; peer c;"
                                      "name c; poll b; write b 4; read c 9"},
    {"connect_ipv4_to_v6only_listener", "new a 6; set a v6only 1; bind a any6 1; listen a 1; new b; connect b lo 1;"
                                        "poll b; err b"},
    {"connect_to_port_0", "new b; connect b lo 0; poll b; err b"},
    {"connect_bound", LISTENING "new b; bind b lo2 2; connect b lo 1; name b; accept a c; peer c"},
    {"connect_bound_to_any", LISTENING "new b; bind b any 2; connect b lo 1; name b; accept a c; peer c"},
    {"connect_bound_far_family", LISTENING "new b 6; bind b lo6 2; connect b lom 1; poll b; err b"},
    {"connect_same_tuple", LISTENING "new b; set b reuse 1; bind b lo 2; new c; set c reuse 1; bind c lo 2;"
                                     "connect b lo 1; connect c lo 1; poll c; err c; state c; name c"},
    {"connect_same_port_elsewhere",
     LISTENING "new d; bind d lo2 1; listen d 1; new b; set b reuse 1; bind b lo 2; new c;"
               "set c reuse 1; bind c lo 2; connect b lo 1; connect c lo2 1; poll b;"
               "poll c; peer b; peer c"},
    {"connect_from_time_wait",
     LISTENING "new b; set b reuse 1; bind b lo 2; connect b lo 1; accept a c; close b;"
               "read c 1; close c; new d; set d reuse 1; bind d lo 2; connect d lo 1; poll d; err d"},
    {"connect_to_time_wait_of_server",
     LISTENING "new b; set b reuse 1; bind b lo 2; connect b lo 1; accept a c; close c;"
               "read b 1; close b; new d; set d reuse 1; bind d lo 2; connect d lo 1;"
               "poll d; accept a e; poll e"},
    {"connect_to_itself", "new b; bind b lo 2; connect b lo 2;" LOOK_B "write b 5; read b 10; err b; connect b lo 2;"
                          "connect b lo 2; shut b w; poll b; read b 1; state b; close b"},
    {"connect_to_itself_6", "new b 6; bind b lo6 2; connect b lo6 2;" LOOK_B "write b 5; peek b 3; read b 10; shut b w;"
                            "poll b; state b"},
    {"connect_after_peer_closed", CONNECTED "close c; read b 1; connect b lo 1; connect b lo 1; shut b w; state b;"
                                            "connect b lo 1; poll b"},
    {"connect_after_reset", RESET "err b; connect b lo 1; connect b lo 1; state b; poll b"},
    {"connect_after_reset_untold", RESET "connect b lo 1; connect b lo 1; err b"},
    {"connect_on_accepted", CONNECTED "connect c lo 1; connect c lo 1; err c"},

    /* ---- read, write, peek ---- */
    {"read_and_write",
     CONNECTED "write b 5; poll c; queue c; peek c 3; peek c 10; queue c; read c 3; queue c; read c 10;"
               "read c 10; poll c; write c 7; read b 7; read b 7"},
    {"read_of_nothing", CONNECTED "read c 0; write b 5; read c 0; queue c; close b; read c 0; read c 5; read c 0"},
    {"write_of_nothing", CONNECTED "write b 0; poll c; shut b w; write b 0; write b 1"},
    {"write_in_two", CONNECTED "write b 5; write b 6; queue c; peek c 100; read c 100"},
    {"peek_of_nothing", CONNECTED "peek c 5; write b 5; peek c 0; peek c 5; close b; peek c 5; read c 5; peek c 5"},
    {"low_water",
     CONNECTED "set c lowat 10; write b 5; poll c; read c 100; write b 5; poll c; write b 5; poll c; peek c 3;"
               "poll c; read c 1; poll c; shut b w; poll c; read c 100; poll c"},
    {"low_water_zero", CONNECTED "set c lowat 0; get c lowat; poll c"},
    {"cork", CONNECTED "set b cork 1; write b 5; queue c; set b cork 0; queue c; read c 10"},
    {"cork_and_close", CONNECTED "set b cork 1; write b 5; close b; queue c; read c 10; read c 10"},
    {"cork_and_shutdown", CONNECTED "set b cork 1; write b 5; shut b w; queue c; poll c"},
    {"cork_ends_after_a_while", CONNECTED "set b cork 1; write b 5; queue c; wait 450; queue c"},
    {"more", CONNECTED "more b 5; queue c; write b 5; queue c; more b 5; queue c; set b nodelay 1; queue c"},

    /* ---- shutdown ---- */
    {"shutdown_write", CONNECTED "shut b w;" LOOK_B LOOK_C TRY_B TRY_C},
    {"shutdown_write_twice", CONNECTED "shut b w; shut b w; shut b r; shut b rw; poll b; state b; state c"},
    {"shutdown_read",
     CONNECTED "shut b r;" LOOK_B "read b 1; write c 5; poll b; queue b; read b 10; read b 10; write b 5;"
               "read c 5; poll c"},
    {"shutdown_read_with_data",
     CONNECTED "write c 5; shut b r; queue b; peek b 10; read b 3; read b 10; read b 10; poll b;"
               "write c 4; read b 10"},
    {"shutdown_both",
     CONNECTED "shut b rw;" LOOK_B LOOK_C TRY_B "read c 1; write c 5; poll c; write c 5; err c; state b;"
               "state c"},
    {"shutdown_both_then_data", CONNECTED "shut b rw; write c 5; poll b; poll c; read b 10; err b; read c 1; err c;"
                                          "write c 1; state b; state c"},
    {"shutdown_read_then_write", CONNECTED "shut b r; shut b w; write c 5; state b; state c; poll b; poll c"},
    {"shutdown_write_then_read", CONNECTED "shut b w; shut b r; write c 5; state b; state c; poll b; poll c; read b 9"},
    {"shutdown_write_half_closed_data",
     CONNECTED "shut b w; write c 5; write c 6; read b 100; poll b; state b; state c;"
               "close c; poll b; read b 1; state b"},
    {"shutdown_both_sides",
     CONNECTED "shut b w; shut c w; poll b; poll c; state b; state c; read b 1; read c 1; shut b r;"
               "shut c rw; peer b; peer c; name b; err b; write b 1; write c 1; connect b lo 1"},
    {"shutdown_write_with_data",
     CONNECTED "write b 9; shut b w; poll c; read c 5; poll c; read c 9; read c 9; shut c w;"
               "state b; state c; poll b; poll c"},
    {"shutdown_after_peer", CONNECTED "close b; shut c r; poll c; shut c w; poll c; state c; shut c w; shut c rw"},
    {"shutdown_after_reset", RESET "shut b rw; shut b w; err b; poll b"},

    /* ---- close ---- */
    {"close", CONNECTED "close b;" LOOK_C TRY_C},
    {"close_with_data_sent",
     CONNECTED "write b 20; close b; poll c; queue c; read c 10; read c 100; read c 1; write c 1;"
               "poll c; read c 1; write c 1; err c; state c"},
    {"close_with_data_unread", RESET LOOK_B TRY_B "state b"},
    {"close_with_data_unread_and_read_by_peer",
     CONNECTED "write c 9; write b 5; close c; poll b; queue b; read b 4; read b 10;"
               "read b 10; poll b; err b; write b 1"},
    {"close_with_linger_0", CONNECTED "set b linger 0; close b;" LOOK_C TRY_C},
    {"close_with_linger_0_and_data",
     CONNECTED "write b 5; set b linger 0; close b; poll c; queue c; read c 10; read c 10;"
               "err c"},
    {"close_with_linger_0_after_shutdown", CONNECTED "shut b w; set b linger 0; close b;" LOOK_C TRY_C},
    {"close_with_linger_0_both_shut", CONNECTED "shut b w; shut c w; set b linger 0; close b;" LOOK_C TRY_C},
    {"close_with_linger_0_in_close_wait", CONNECTED "close c; set b linger 0; close b; new d; bind d lo 1"},
    {"close_with_linger_1", CONNECTED "set b linger 1; write b 5; close b; poll c; read c 5; read c 5"},
    {"close_while_peer_writes", CONNECTED "close b; write c 5; poll c; err c; write c 5; poll c; read c 1; err c"},
    {"close_both_read_error_order", CONNECTED "close b; write c 5; read c 1; read c 1; err c; write c 1"},
    {"close_both_write_error_order", CONNECTED "close b; write c 5; write c 1; write c 1; err c; read c 1"},
    {"reset_in_close_wait", CONNECTED "close b; write c 5; poll c; read c 1; poll c; write c 1; poll c"},
    {"reset_with_data_still_unread",
     CONNECTED "write b 5; write c 5; close b; poll c; queue c; peek c 10; read c 3; read c 10;"
               "read c 10; err c"},
    {"close_connecting", "new b; connect b lo 9; close b"},
    {"close_in_fin_wait_2_then_data", CONNECTED "shut b w; close b; state c; write c 5; poll c; err c; read c 1"},
    {"close_all_and_again", CONNECTED "close b; close c; close a;" CONNECTED "write b 4; read c 9"},
    {"close_listener_not_connection",
     CONNECTED "close a; write b 5; read c 9; poll b; poll c; new d; connect d lo 1; poll d"},

    /* ---- errors once ---- */
    {"error_once_by_read", RESET "read b 1; read b 1; read b 1; err b; write b 1; poll b"},
    {"error_once_by_write", RESET "write b 1; write b 1; read b 1; err b; poll b"},
    {"error_once_by_option", RESET "err b; err b; read b 1; write b 1; poll b"},
    {"error_once_by_peek", RESET "peek b 1; peek b 1; read b 1; err b; poll b"},
    {"error_and_shutdown", RESET "shut b r; shut b w; err b; shut b rw; peer b; name b"},
    {"error_zero_reads", RESET "read b 0; write b 0; err b"},

    /* ---- options ---- */
    {"option_defaults", "new b; get b reuse; get b reuseport; get b keepalive; get b lowat; get b nodelay; get b cork;"
                        "get b keepidle; get b keepintvl; get b keepcnt; get b syncnt; get b usertimeout; get b linger;"
                        "get b tos; get b defer; get b linger2; get b mark; get b clamp; get b fastack; get b notsent"},
    {"option_bounds", "new b; set b keepcnt 0; set b keepcnt 128; set b keepidle 0; set b keepintvl 0; set b syncnt 0;"
                      "set b syncnt 128; set b usertimeout -1; set b maxseg 10; set b maxseg 40000; "
                      "set b ttl 256; set b ttl 1; get b ttl; set b tos 16; get b tos"},
    {"option_linger",
     "new b; set b linger 5; get b linger; set b linger 0; get b linger; set b linger -1; get b linger"},
    {"option_v6only_on_ipv4", "new b; set b v6only 1"},
    {"option_v6only",
     "new b 6; get b v6only; set b v6only 1; get b v6only; bind b any6 1; set b v6only 0; get b v6only"},
    {"option_on_closed", RESET "set b nodelay 1; get b nodelay; set b keepalive 1; set b linger 0; set b lowat 2"},
    {"option_on_listener", LISTENING "set a nodelay 1; set a keepalive 1; set a lowat 5; get a lowat; queue a"},
    {"option_maxseg", "new b; set b maxseg 1000; get b maxseg"},
};

const size_t parity_scenario_count = sizeof(parity_scenarios) / sizeof(parity_scenarios[0]);
