// SPDX-License-Identifier: MIT
/* units.c: quantities as people write them.
 *
 * A quantity is digits, perhaps a point and up to six more digits, and a unit. The part behind the point is kept in
 * millionths, and no unit is worth 2^64 / 10^6 or more: so the product can be computed exactly, and a check of two
 * terms tells whether it fits.
 *
 * Owns:        nothing.
 * Not here:    the options whose values these are (options.c). */
#include "units.h"

#include <string.h>
#include <strings.h>

enum { MILLION = 1000000 };

struct unit {
    const char *suffix; /* NULL ends a table */
    uint64_t worth;
};

struct quantity {
    uint64_t whole;
    uint64_t millionths;
    const char *suffix;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool read_quantity(const char *text, struct quantity *out)
{
    const char *at = text;
    out->whole = out->millionths = 0;
    for (; is_digit(*at); at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (out->whole > (UINT64_MAX - digit) / 10)
            return false;
        out->whole = out->whole * 10 + digit;
    }
    if (at == text)
        return false;
    if (*at == '.') {
        uint64_t place = MILLION;
        at++;
        if (!is_digit(*at))
            return false;
        for (; is_digit(*at); at++) {
            place /= 10;
            if (place == 0)
                return false;
            out->millionths += (uint64_t)(*at - '0') * place;
        }
    }
    out->suffix = at;
    return true;
}

static bool in_units(const char *text, const struct unit *units, uint64_t max, uint64_t *out)
{
    struct quantity quantity;
    if (!read_quantity(text, &quantity))
        return false;
    if (*quantity.suffix == '\0' && quantity.whole == 0 && quantity.millionths == 0) {
        *out = 0; /* nothing is nothing in every unit */
        return true;
    }
    for (; units->suffix != NULL; units++) {
        if (strcasecmp(units->suffix, quantity.suffix) != 0)
            continue;
        uint64_t part = quantity.millionths * units->worth / MILLION;
        if (quantity.whole > (UINT64_MAX - part) / units->worth)
            return false;
        uint64_t value = quantity.whole * units->worth + part;
        if (value > max)
            return false;
        *out = value;
        return true;
    }
    return false;
}

bool units_duration(const char *text, tcpip_ns *out)
{
    static const struct unit units[] = {
        {"ns", 1},
        {"us", (uint64_t)TCPIP_US},
        {"ms", (uint64_t)TCPIP_MS},
        {"s", (uint64_t)TCPIP_SECOND},
        {"min", 60 * (uint64_t)TCPIP_SECOND},
        {"h", 3600 * (uint64_t)TCPIP_SECOND},
        {NULL, 0},
    };
    uint64_t value;
    if (!in_units(text, units, INT64_MAX, &value))
        return false;
    *out = (tcpip_ns)value;
    return true;
}

bool units_share(const char *text, uint32_t *out)
{
    static const struct unit units[] = {{"%", 10000}, {"ppm", 1}, {NULL, 0}};
    uint64_t value;
    if (!in_units(text, units, 1000000, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

bool units_rate(const char *text, uint64_t *out)
{
    static const struct unit units[] = {{"bit", 1},           {"kbit", 1000},         {"mbit", 1000000},
                                        {"gbit", 1000000000}, {"bit/s", 1},           {"kbit/s", 1000},
                                        {"mbit/s", 1000000},  {"gbit/s", 1000000000}, {NULL, 0}};
    return in_units(text, units, UINT64_MAX, out);
}

bool units_size(const char *text, uint64_t *out)
{
    static const struct unit units[] = {{"", 1}, {"k", 1u << 10}, {"m", 1u << 20}, {"g", 1u << 30}, {NULL, 0}};
    return in_units(text, units, INT64_MAX, out);
}

bool units_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    struct quantity quantity;
    if (text[strspn(text, "0123456789")] != '\0' || !read_quantity(text, &quantity))
        return false;
    if (quantity.whole < min || quantity.whole > max)
        return false;
    *out = quantity.whole;
    return true;
}
