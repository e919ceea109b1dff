// SPDX-License-Identifier: MIT
/* base.h: what every other public header needs: visibility, attributes, time, the list node. */
#ifndef TCPIP_BASE_H
#define TCPIP_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCPIP_VERSION_MAJOR 0
#define TCPIP_VERSION_MINOR 1
#define TCPIP_VERSION_PATCH 0

#if defined(__GNUC__)
#define TCPIP_API __attribute__((visibility("default")))
#define TCPIP_MUST_USE __attribute__((warn_unused_result))
#else
#define TCPIP_API
#define TCPIP_MUST_USE
#endif

#ifdef __cplusplus
#define TCPIP_BEGIN_DECLS extern "C" {
#define TCPIP_END_DECLS }
#else
#define TCPIP_BEGIN_DECLS
#define TCPIP_END_DECLS
#endif

/* Monotonic nanoseconds: an instant (names end in _at) or a duration (names end in _ns). */
typedef int64_t tcpip_ns;

#define TCPIP_NEVER INT64_MAX /* an instant that doesn't come */
#define TCPIP_US ((tcpip_ns)1000)
#define TCPIP_MS ((tcpip_ns)1000000)
#define TCPIP_SECOND ((tcpip_ns)1000000000)

/* Intrusive list node; part of public structs only so that they need no allocation of their own. */
struct tcpip_list_node {
    struct tcpip_list_node *next, *prev;
};

/* The struct that a member is embedded in. */
#define TCPIP_CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
