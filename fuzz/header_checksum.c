// SPDX-License-Identifier: MIT
/* header_checksum.c: fuzzes the checksums: every way against the naive sum, cut in two anywhere, copied, and updated in
 * place.
 *
 * Input: two bytes of offsets, then the bytes to be summed. */
#include <stdlib.h>
#include <string.h>

#include <tcpip/header/checksum.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond) \
    do {              \
        if (!(cond))  \
            abort();  \
    } while (0)

static uint16_t naive_sum(const uint8_t *p, size_t size, uint16_t initial)
{
    uint32_t sum = initial;
    for (size_t i = 0; i < size; i++) {
        sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}

static void try_ops(const struct tcpip_checksum_ops *ops, const uint8_t *p, size_t size, size_t cut, uint16_t initial)
{
    uint16_t expected = naive_sum(p, size, initial);
    REQUIRE(ops->sum(p, size, initial) == expected);
    uint16_t first = ops->sum(p, cut, initial);
    REQUIRE(tcpip_checksum_combine_at(first, ops->sum(p + cut, size - cut, 0), cut) == expected);
    uint8_t *copy = malloc(size + 1);
    if (!copy)
        return;
    copy[size] = 0x5a;
    REQUIRE(ops->copy(copy, p, size, initial) == expected);
    REQUIRE(memcmp(copy, p, size) == 0 && copy[size] == 0x5a);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    uint16_t initial = tcpip_load_u16(data);
    data += 2;
    size -= 2;
    size_t cut = initial % (size + 1);
    try_ops(tcpip_checksum_ops_portable(), data, size, cut, initial);
    try_ops(tcpip_checksum_ops_best(), data, size, cut, initial);
    return 0;
}
