// SPDX-License-Identifier: MIT
/* error.c: the texts of the errors.
 *
 * Owns:        one constant table, made from the list in tcpip/error.h, so that no error can lack a text.
 * Invariants:  every text is static and has no newline.
 * Not here:    errno; which one an error becomes depends on the call and is decided above the core.
 */
#include <tcpip/error.h>

#include "base/compiler.h"

/* An array of arrays, not of pointers: it needs no relocation. */
static const char error_texts[TCPIP_ERROR_COUNT][48] = {[TCPIP_OK] = "success",
#define ERROR_TEXT(name, text) [TCPIP_ERR_##name] = text,
                                                        TCPIP_ERRORS(ERROR_TEXT)
#undef ERROR_TEXT
};

#define ERROR_FITS(name, text) STATIC_ASSERT(sizeof(text) <= sizeof(error_texts[0]));
TCPIP_ERRORS(ERROR_FITS)
#undef ERROR_FITS

const char *tcpip_error_text(enum tcpip_error error)
{
    if ((unsigned int)error >= TCPIP_ERROR_COUNT)
        return "unknown error";
    return error_texts[error];
}
