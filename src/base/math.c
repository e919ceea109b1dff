// SPDX-License-Identifier: MIT
/* math.c: the arithmetic that is too long to be inline.
 *
 * Owns:        nothing.
 * Invariants:  all results are exact, rounded down.
 * Not here:    floating point: the core has none.
 */
#include "base/math.h"

uint64_t tcpip__muldiv_u64(uint64_t a, uint64_t b, uint64_t c)
{
    ASSERT(c != 0);
    struct u128 product = mul_u64(a, b);
    if (likely(product.high == 0))
        return product.low / c;
    if (product.high >= c)
        return UINT64_MAX;
    /* Long division, one bit at a time: high < c stays the remainder. The carry is the bit that doesn't fit in it. */
    for (int i = 0; i < 64; i++) {
        bool carry = product.high >> 63;
        product.high = product.high << 1 | product.low >> 63;
        product.low <<= 1;
        if (carry || product.high >= c) {
            product.high -= c;
            product.low |= 1;
        }
    }
    return product.low;
}

uint64_t tcpip__cube_root_u64(uint64_t x)
{
    const uint64_t max = 2642245; /* whose cube is the last that fits in 64 bits */
    uint64_t root = 0;
    for (uint64_t bit = 1u << 21; bit != 0; bit >>= 1) {
        uint64_t more = root | bit;
        if (more <= max && more * more * more <= x)
            root = more;
    }
    return root;
}

uint64_t tcpip__square_root_u64(uint64_t x)
{
    uint64_t root = 0;
    for (uint64_t bit = 1u << 31; bit != 0; bit >>= 1) {
        uint64_t more = root | bit;
        if (more * more <= x)
            root = more;
    }
    return root;
}
