// SPDX-License-Identifier: MIT
/* lex.c: a scanner driven by the parser.
 *
 * Owns:       the arena, and the position in the text.
 * Invariants: lex->at never passes the terminating zero; place.line counts the newlines before it.
 * Not here:   what follows what (parse.c). */
#include "lex.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena {
    struct chunk {
        struct chunk *next;
        max_align_t data[];
    } * chunks;
};

struct arena *arena_new(void)
{
    struct arena *arena = calloc(1, sizeof *arena);
    if (arena == NULL)
        abort();
    return arena;
}

void arena_free(struct arena *arena)
{
    while (arena->chunks != NULL) {
        struct chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        free(chunk);
    }
    free(arena);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct chunk *chunk = calloc(1, sizeof *chunk + size);
    if (chunk == NULL)
        abort();
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk->data;
}

char *arena_text(struct arena *arena, const char *bytes, size_t size)
{
    char *text = arena_alloc(arena, size + 1);
    memcpy(text, bytes, size);
    return text;
}

void lex_fail(struct lex *lex, const char *format, ...)
{
    int n = snprintf(lex->error, 512, "%s:%d: ", lex->place.file, lex->place.line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(lex->error + n, 512 - (size_t)n, format, arguments);
    va_end(arguments);
    longjmp(*lex->on_error, 1);
}

static void skip(struct lex *lex, bool lines)
{
    for (;;) {
        char c = *lex->at;
        if (c == '\n' && lines) {
            lex->place.line++;
            lex->at++;
        } else if (c == ' ' || c == '\t' || c == '\r') {
            lex->at++;
        } else if (c == '/' && lex->at[1] == '/') {
            lex->at += strcspn(lex->at, "\n");
        } else if (c == '/' && lex->at[1] == '*') {
            const char *end = strstr(lex->at + 2, "*/");
            if (end == NULL)
                lex_fail(lex, "the comment that begins here doesn't end");
            for (; lex->at < end + 2; lex->at++)
                lex->place.line += *lex->at == '\n';
        } else {
            return;
        }
    }
}

void lex_skip(struct lex *lex)
{
    skip(lex, true);
}

void lex_skip_blanks(struct lex *lex)
{
    skip(lex, false);
}

bool lex_accept(struct lex *lex, const char *text)
{
    struct lex before = *lex;
    lex_skip(lex);
    size_t size = strlen(text);
    if (strncmp(lex->at, text, size) != 0) {
        *lex = before;
        return false;
    }
    lex->at += size;
    return true;
}

void lex_expect(struct lex *lex, const char *text)
{
    if (!lex_accept(lex, text))
        lex_fail(lex, "expected '%s' before '%.20s'", text, lex_until(lex, "\n"));
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

bool lex_accept_word(struct lex *lex, const char *text)
{
    struct lex before = *lex;
    if (!lex_accept(lex, text))
        return false;
    if (is_name(*lex->at))
        *lex = before;
    return lex->at != before.at;
}

char lex_peek(struct lex *lex)
{
    lex_skip(lex);
    return *lex->at;
}

bool lex_at_line_end(struct lex *lex)
{
    lex_skip_blanks(lex);
    return *lex->at == '\n' || *lex->at == 0;
}

const char *lex_name(struct lex *lex, bool dots)
{
    lex_skip(lex);
    const char *start = lex->at;
    if (!is_name(*start) || isdigit((unsigned char)*start))
        lex_fail(lex, "expected a name before '%.20s'", lex_until(lex, "\n"));
    while (is_name(*lex->at) || (dots && *lex->at == '.'))
        lex->at++;
    return arena_text(lex->arena, start, (size_t)(lex->at - start));
}

const char *lex_until(struct lex *lex, const char *ends)
{
    lex_skip_blanks(lex);
    const char *start = lex->at;
    while (*lex->at != 0 && !isspace((unsigned char)*lex->at) && strchr(ends, *lex->at) == NULL)
        lex->at++;
    return arena_text(lex->arena, start, (size_t)(lex->at - start));
}

const char *lex_string(struct lex *lex)
{
    lex_expect(lex, "\"");
    const char *start = lex->at;
    lex->at += strcspn(lex->at, "\"\n");
    if (*lex->at != '"')
        lex_fail(lex, "the string that begins here doesn't end on its line");
    return arena_text(lex->arena, start, (size_t)(lex->at++ - start));
}

int64_t lex_number(struct lex *lex)
{
    lex_skip(lex);
    bool minus = *lex->at == '-';
    const char *start = lex->at + minus;
    if (!isdigit((unsigned char)*start))
        lex_fail(lex, "expected a number before '%.20s'", lex_until(lex, "\n"));
    bool hex = start[0] == '0' && (start[1] == 'x' || start[1] == 'X');
    char *end;
    unsigned long long value = strtoull(start, &end, hex ? 16 : 10);
    if (is_name(*end) || value > INT64_MAX)
        lex_fail(lex, "not a number: '%.30s'", lex_until(lex, " ,)"));
    lex->at = end;
    return minus ? -(int64_t)value : (int64_t)value;
}

uint32_t lex_u32(struct lex *lex)
{
    int64_t value = lex_number(lex);
    if (value < 0 || value > UINT32_MAX)
        lex_fail(lex, "%lld isn't a 32-bit number", (long long)value);
    return (uint32_t)value;
}

uint16_t lex_u16(struct lex *lex)
{
    int64_t value = lex_number(lex);
    if (value < 0 || value > UINT16_MAX)
        lex_fail(lex, "%lld isn't a 16-bit number", (long long)value);
    return (uint16_t)value;
}

tcpip_ns lex_seconds(struct lex *lex)
{
    lex_skip(lex);
    if (!isdigit((unsigned char)lex->at[0]) && !(lex->at[0] == '.' && isdigit((unsigned char)lex->at[1])))
        lex_fail(lex, "expected a time in seconds before '%.20s'", lex_until(lex, "\n"));
    tcpip_ns time = 0;
    for (; isdigit((unsigned char)*lex->at); lex->at++) {
        if (time > 1000000 * TCPIP_SECOND)
            lex_fail(lex, "too long a time");
        time = time * 10 + (*lex->at - '0') * TCPIP_SECOND;
    }
    /* The dots of +0...0.5 aren't decimal points. */
    if (*lex->at == '.' && lex->at[1] != '.') {
        lex->at++;
        for (tcpip_ns unit = TCPIP_SECOND / 10; isdigit((unsigned char)*lex->at); lex->at++, unit /= 10)
            time += (*lex->at - '0') * unit;
    }
    return time;
}
