// SPDX-License-Identifier: MIT
/* answers.c: names, and the words for calls. */
#include "twin.h"

#include <stdio.h>
#include <string.h>

uint32_t name_bytes(const char *directory, int name, uint8_t *out)
{
    int n = snprintf((char *)out, 100, "%s%s/%d", name % 2 == 0 ? "@" : "", directory, name);
    if (name % 2 == 0)
        out[0] = 0;
    return (uint32_t)n;
}

int name_index(const char *directory, const uint8_t *bytes, uint32_t size)
{
    uint8_t own[108];
    if (size == 0)
        return SHOWN_UNNAMED;
    for (int i = 0; i < NAMES; i++)
        if (name_bytes(directory, i, own) == size && memcmp(own, bytes, size) == 0)
            return i;
    return size == 6 && bytes[0] == 0 ? SHOWN_AUTO : SHOWN_STRANGE;
}

const char *call_text(enum call call)
{
    static const char *const texts[CALLS] = {"new",      "pair",       "close",       "bind",   "autobind", "unlink",
                                             "connect",  "disconnect", "listen",      "accept", "send",     "recv",
                                             "shutdown", "passcred",   "peek-offset", "ready",  "local",    "remote",
                                             "unread",   "error",      "peercred"};
    return texts[call];
}
