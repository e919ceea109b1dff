// SPDX-License-Identifier: MIT
/* bytes.h: loads and stores of integers in wire order, at any alignment. The only place where byte order lives;
 * everything above the package `header` sees host order. Each is one load or store and one swap. */
#ifndef TCPIP_HEADER_BYTES_H
#define TCPIP_HEADER_BYTES_H

#include <string.h>

#include <tcpip/base.h>

static inline uint16_t tcpip_load_u16(const uint8_t *p)
{
    return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline uint32_t tcpip_load_u24(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t tcpip_load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t tcpip_load_u64(const uint8_t *p)
{
    return (uint64_t)tcpip_load_u32(p) << 32 | tcpip_load_u32(p + 4);
}

/* Stores are written as swaps where there is such a thing: of several bytewise ones in a row vectorisers make shuffles,
 * three times as long. */
#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
static inline void tcpip_store_u16(uint8_t *p, uint16_t v)
{
    v = __builtin_bswap16(v);
    memcpy(p, &v, 2);
}

static inline void tcpip_store_u32(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, 4);
}
#else
static inline void tcpip_store_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void tcpip_store_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}
#endif

static inline void tcpip_store_u24(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 16);
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)v;
}

static inline void tcpip_store_u64(uint8_t *p, uint64_t v)
{
    tcpip_store_u32(p, (uint32_t)(v >> 32));
    tcpip_store_u32(p + 4, (uint32_t)v);
}

/* Little-endian, for the two formats that aren't a network's: virtio and pcapng. */
static inline uint16_t tcpip_load_le16(const uint8_t *p)
{
    return (uint16_t)((unsigned)p[1] << 8 | p[0]);
}

static inline void tcpip_store_le16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void tcpip_store_le32(uint8_t *p, uint32_t v)
{
    tcpip_store_le16(p, (uint16_t)v);
    tcpip_store_le16(p + 2, (uint16_t)(v >> 16));
}

#endif
