// SPDX-License-Identifier: MIT
/* linux_tcp_ao.h: what TCP_AO_ADD_KEY and its like take and give, as Linux lays it out since 6.7; older headers don't
 * have it. */
#ifndef TCPIP_SRC_SOCKET_LINUX_TCP_AO_H
#define TCPIP_SRC_SOCKET_LINUX_TCP_AO_H

#include <stdint.h>
#include <sys/socket.h>

enum {
    LINUX_AO_ADD_KEY = 38,
    LINUX_AO_DEL_KEY = 39,
    LINUX_AO_INFO = 40,
    LINUX_AO_GET_KEYS = 41,
    LINUX_AO_REPAIR = 42,
    LINUX_AO_KEY_MAX = 80,
    LINUX_AO_NAME_MAX = 64,
};

enum linux_ao_key_flag {
    LINUX_AO_FLAG_IFINDEX = 1,
    LINUX_AO_FLAG_EXCLUDE_OPTIONS = 2,
};

struct linux_ao_add {
    struct sockaddr_storage address;
    char algorithm[LINUX_AO_NAME_MAX];
    int32_t ifindex;
    uint32_t set_current : 1, set_next : 1, reserved : 30;
    uint16_t reserved2;
    uint8_t prefix, send_id, receive_id, mac_bytes, flags, key_bytes;
    uint8_t key[LINUX_AO_KEY_MAX];
} __attribute__((aligned(8)));

struct linux_ao_del {
    struct sockaddr_storage address;
    int32_t ifindex;
    uint32_t set_current : 1, set_next : 1, async : 1, reserved : 29;
    uint16_t reserved2;
    uint8_t prefix, send_id, receive_id, current_id, next_id, flags;
} __attribute__((aligned(8)));

struct linux_ao_info {
    uint32_t set_current : 1, set_next : 1, required : 1, set_counters : 1, accept_icmps : 1, reserved : 27;
    uint16_t reserved2;
    uint8_t current_id, next_id;
    uint64_t good, bad, key_not_found, ao_required, dropped_icmp;
} __attribute__((aligned(8)));

struct linux_ao_key {
    struct sockaddr_storage address;
    char algorithm[LINUX_AO_NAME_MAX];
    uint8_t key[LINUX_AO_KEY_MAX];
    uint32_t count;
    uint16_t is_current : 1, is_next : 1, get_all : 1, reserved : 13;
    uint8_t send_id, receive_id, prefix, mac_bytes, flags, key_bytes;
    int32_t ifindex;
    uint64_t good, bad;
} __attribute__((aligned(8)));

_Static_assert(sizeof(struct linux_ao_add) == 288 && sizeof(struct linux_ao_del) == 144 &&
                   sizeof(struct linux_ao_info) == 48 && sizeof(struct linux_ao_key) == 304,
               "as programs know them");

#endif
