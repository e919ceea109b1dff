// SPDX-License-Identifier: MIT
/* lwipopts.h: lwIP as fast as it can be made without changing it, under the conditions that our own figures keep:
 * checksums made and verified, SACK, timestamps, window scaling. One thread, no operating system. */
#ifndef TCPIP_BENCH_LWIPOPTS_H
#define TCPIP_BENCH_LWIPOPTS_H

#ifndef BENCH_WINDOW
#define BENCH_WINDOW 65536
#endif

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_STATS 0
#define LWIP_IPV6 0
#define LWIP_ARP 0
#define LWIP_ETHERNET 0
#define LWIP_UDP 0
#define LWIP_RAW 0
#define IP_REASSEMBLY 0
#define IP_FRAG 0

/* Memory: libc's allocator keeps freed blocks at hand per size; lwIP's own heap searches a list. Pools for the rest,
 * large enough for any workload here. */
#define MEM_ALIGNMENT 8
#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define MEMP_OVERFLOW_CHECK 0
#define PBUF_POOL_SIZE 4096
#define PBUF_POOL_BUFSIZE 1600

/* TCP. */
#define TCP_MSS 1460
#define TCP_WND BENCH_WINDOW
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 7
#define TCP_SND_BUF BENCH_WINDOW
#define TCP_SND_QUEUELEN (4 * (TCP_SND_BUF) / (TCP_MSS))
#define MEMP_NUM_TCP_SEG 65535
#define MEMP_NUM_TCP_PCB 300000
#define TCP_QUEUE_OOSEQ 1
#define LWIP_TCP_SACK_OUT 1
#define LWIP_TCP_TIMESTAMPS 1
#define TCP_LISTEN_BACKLOG 0
#define TCP_OVERSIZE TCP_MSS
/* Where connections come and go, TIME-WAIT has to last about a millisecond, as ours does then: a finer clock, which all
 * of lwIP's TCP timers are told of. */
#ifdef BENCH_BRIEF
#define TCP_TMR_INTERVAL 1
#define TCP_MSL 1
#endif

/* Checksum while copying: one pass over what is written. */
#define LWIP_CHECKSUM_ON_COPY 1
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1
#define LWIP_NOASSERT 1

#endif
