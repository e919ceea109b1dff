// SPDX-License-Identifier: MIT
/* needs.h: included first in every test. What a test asks for and uses unseen, packets, buffers, links, it gets; or, in
 * a run that lets an allocation fail (failing.c), this is where the test ends. In other runs nothing is different. */
#ifndef TCPIP_TESTS_LIB_NEEDS_H
#define TCPIP_TESTS_LIB_NEEDS_H

#include "base/memory.h"
#include "base/pool.h"
#include "buffer/pools.h"
#include "ports/ports.h"
#include "transport/tcp/signature.h"

#include <tcpip/link.h>
#include <tcpip/packet.h>
#include <tcpip/ports.h>
#include <tcpip/stack.h>

#include <stdlib.h>

/* `got`, unless it is NULL and an allocation was made to fail: then the test ends here. */
void *failing_need(void *got, const char *file, int line);
/* For helpers that can't go on without: ends the test if that may be, and else the program. */
#define failing_require(good) ((good) ? (void)0 : (failing_need(NULL, __FILE__, __LINE__), abort()))

/* From here on the test is only looked at: what it leaves nobody but itself can take down. */
void failing_own_end(void);

#define NEED(call) ((__typeof__(call))failing_need((call), __FILE__, __LINE__))
#define tcpip_packet_new(...) NEED((tcpip_packet_new)(__VA_ARGS__))
#define tcpip_packet_clone(...) NEED((tcpip_packet_clone)(__VA_ARGS__))
#define tcpip_packet_copy(...) NEED((tcpip_packet_copy)(__VA_ARGS__))
#define tcpip_packet_push(...) NEED((tcpip_packet_push)(__VA_ARGS__))
#define tcpip_packet_pull(...) NEED((tcpip_packet_pull)(__VA_ARGS__))
#define tcpip_buffer_new(...) NEED((tcpip_buffer_new)(__VA_ARGS__))
#define tcpip_buffer_wrap(...) NEED((tcpip_buffer_wrap)(__VA_ARGS__))
#define tcpip_channel_new(...) NEED((tcpip_channel_new)(__VA_ARGS__))
#define tcpip_ethernet_new(...) NEED((tcpip_ethernet_new)(__VA_ARGS__))
#define tcpip_fault_new(...) NEED((tcpip_fault_new)(__VA_ARGS__))
#define tcpip_loopback_new(...) NEED((tcpip_loopback_new)(__VA_ARGS__))
#define tcpip_sniffer_new(...) NEED((tcpip_sniffer_new)(__VA_ARGS__))
#define tcpip_port_manager_new(...) NEED((tcpip_port_manager_new)(__VA_ARGS__))
#define tcpip__port_manager_new(...) NEED((tcpip__port_manager_new)(__VA_ARGS__))
#define tcpip__packet_new(...) NEED((tcpip__packet_new)(__VA_ARGS__))
#define tcpip__packet_copy(...) NEED((tcpip__packet_copy)(__VA_ARGS__))
#define tcpip__buffer_new(...) NEED((tcpip__buffer_new)(__VA_ARGS__))
#define tcpip__buffer_wrap(...) NEED((tcpip__buffer_wrap)(__VA_ARGS__))
#define tcpip__memory_alloc(...) NEED((tcpip__memory_alloc)(__VA_ARGS__))
#define tcpip__memory_zalloc(...) NEED((tcpip__memory_zalloc)(__VA_ARGS__))
#define tcpip__signature_new(...) NEED((tcpip__signature_new)(__VA_ARGS__))
#define tcpip__signature_add(...) NEED((tcpip__signature_add)(__VA_ARGS__))
#define tcpip__signature_copy(...) NEED((tcpip__signature_copy)(__VA_ARGS__))
#define tcpip__pool_get(...) NEED((tcpip__pool_get)(__VA_ARGS__))
#define tcpip__pool_zget(...) NEED((tcpip__pool_zget)(__VA_ARGS__))

#endif
