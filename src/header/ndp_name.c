// SPDX-License-Identifier: MIT
/* ndp_name.c: domain names, between labels and dotted text.
 *
 * The names of a search list end up in resolvers' files and logs, and anybody on the link may have sent them: only
 * letters, digits, '-' and '_' are let through, so that no name carries a newline, a dot inside a label, or a
 * terminal's escape. */
#include "header/ndp_name.h"

#include <tcpip/header/ndp.h>

enum { NDP_LABEL_MAX = 63, NDP_NAME_WIRE_MAX = 255 };

static bool ndp_name_char_ok(uint8_t ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '-' || ch == '_';
}

size_t tcpip__ndp_name_read(struct cursor *c, char *out)
{
    size_t length = 0;
    for (;;) {
        uint8_t label_bytes = cursor_u8(c);
        if (c->failed ||
            label_bytes > NDP_LABEL_MAX) /* 192 and up would be compression, which has nothing to point at */
            return 0;
        if (label_bytes == 0)
            break;
        const uint8_t *label = cursor_take(c, label_bytes);
        if (length > 0)
            out[length++] = '.';
        /* On the wire a name has the first label's length and the closing zero more than its text. */
        if (!label || length + label_bytes + 2 > NDP_NAME_WIRE_MAX)
            return 0;
        for (uint8_t i = 0; i < label_bytes; i++) {
            if (!ndp_name_char_ok(label[i]))
                return 0;
            out[length++] = (char)label[i];
        }
    }
    out[length] = '\0';
    return length;
}

size_t tcpip__ndp_name_bytes(const char *text)
{
    size_t label_bytes = 0, i = 0;
    for (; text[i] != '\0'; i++) {
        if (i >= NDP_NAME_WIRE_MAX)
            return 0;
        if (text[i] == '.') {
            if (label_bytes == 0)
                return 0;
            label_bytes = 0;
        } else if (!ndp_name_char_ok((uint8_t)text[i]) || ++label_bytes > NDP_LABEL_MAX) {
            return 0;
        }
    }
    if (i == 0)
        return 0;
    size_t bytes = label_bytes == 0 ? i + 1 : i + 2; /* ended by a dot or not */
    return bytes <= NDP_NAME_WIRE_MAX ? bytes : 0;
}

void tcpip__ndp_name_write(struct pen *pen, const char *text)
{
    while (*text != '\0') {
        size_t label_bytes = 0;
        while (text[label_bytes] != '\0' && text[label_bytes] != '.')
            label_bytes++;
        pen_u8(pen, (uint8_t)label_bytes);
        pen_bytes(pen, text, label_bytes);
        text += label_bytes;
        if (*text == '.')
            text++;
    }
    pen_u8(pen, 0);
}
