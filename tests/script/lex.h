// SPDX-License-Identifier: MIT
/* lex.h: reads words, numbers, times and names off a script's text, on demand: what a dot means depends on where it
 * stands, so there is no stream of tokens. */
#ifndef TCPIP_TESTS_SCRIPT_LEX_H
#define TCPIP_TESTS_SCRIPT_LEX_H

#include "script.h"

#include <setjmp.h>

/* Memory that goes all at once. */
struct arena;
struct arena *arena_new(void);
void arena_free(struct arena *arena);
void *arena_alloc(struct arena *arena, size_t size); /* zeroed; never NULL */
char *arena_text(struct arena *arena, const char *bytes, size_t size);

struct lex {
    const char *at; /* zero-terminated */
    struct place place;
    struct arena *arena;
    jmp_buf *on_error;
    char *error; /* [512] */
};

/* Says what is wrong and where; doesn't return. */
_Noreturn void lex_fail(struct lex *lex, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Blanks and comments; also over ends of lines, or only up to the end of this one. */
void lex_skip(struct lex *lex);
void lex_skip_blanks(struct lex *lex);
/* True, and past it, if `text` comes next (behind blanks and line ends); else where it was. */
bool lex_accept(struct lex *lex, const char *text);
void lex_expect(struct lex *lex, const char *text);
/* The same for a whole word: no letter or digit may follow. */
bool lex_accept_word(struct lex *lex, const char *text);
/* What comes next, behind blanks and line ends; 0 at the end. */
char lex_peek(struct lex *lex);
/* True if nothing but blanks and a comment is left of this line. */
bool lex_at_line_end(struct lex *lex);
/* A name: letters, digits and _ (and dots, if `dots`), not beginning with a digit. */
const char *lex_name(struct lex *lex, bool dots);
/* All up to the next blank or one of `ends`. */
const char *lex_until(struct lex *lex, const char *ends);
const char *lex_string(struct lex *lex);
/* Decimal or 0x; may have a minus sign. */
int64_t lex_number(struct lex *lex);
uint32_t lex_u32(struct lex *lex);
uint16_t lex_u16(struct lex *lex);
/* Seconds with decimals, to nanoseconds, exactly. */
tcpip_ns lex_seconds(struct lex *lex);

#endif
