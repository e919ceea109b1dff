// SPDX-License-Identifier: MIT
/* parse.c: files, includes, and the frame of an event: when, and which kind.
 *
 *   --option=value
 *   include "file"
 *   TIME < packet      comes from the peer
 *   TIME > packet      is expected from the stack
 *   TIME call(...) = n is made by the application
 *   TIME %{ ... }%     what holds inside
 *   TIME quiet         nothing was sent up to here
 *
 * One event a line (a call may go on over several). Errors name the line and leave by longjmp.
 *
 * Not here: packets (parse_packet.c), calls and conditions (parse_call.c), options (parse_option.c). */
#include "parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(struct arena *arena, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    char *text = NULL;
    size_t used = 0, room = 0, got;
    do {
        if (room - used < 4096)
            text = realloc(text, room += 65536);
        if (text == NULL)
            abort();
        got = fread(text + used, 1, room - used - 1, file);
        used += got;
    } while (got > 0);
    fclose(file);
    text[used] = 0;
    char *kept = arena_text(arena, text, used);
    free(text);
    return kept;
}

static void parse_when(struct lex *lex, struct when *when)
{
    if (lex_accept(lex, "*")) {
        when->span = SPAN_ANY;
        return;
    }
    when->relative = when->end_relative = lex_accept(lex, "+");
    when->at = lex_seconds(lex);
    lex_skip_blanks(lex);
    if (lex_accept(lex, "~"))
        when->span = SPAN_RANGE;
    else if (lex_accept(lex, "..."))
        when->span = SPAN_BLOCKING;
    else
        return;
    lex_accept(lex, "+");
    when->end = lex_seconds(lex);
    if (when->end < when->at)
        lex_fail(lex, "the time ends before it begins");
}

static void parse_event(struct lex *lex, struct script *script)
{
    struct event *event = arena_alloc(lex->arena, sizeof *event);
    parse_when(lex, &event->when);
    lex_skip_blanks(lex);
    event->place = lex->place;
    bool packet = false;
    if (lex_accept(lex, "<")) {
        event->kind = EVENT_INBOUND;
        parse_packet(lex, &event->as.packet, true);
        packet = true;
    } else if (lex_accept(lex, ">")) {
        event->kind = EVENT_OUTBOUND;
        parse_packet(lex, &event->as.packet, false);
        packet = true;
    } else if (lex_accept(lex, "%{")) {
        event->kind = EVENT_ASSERT;
        parse_assert(lex, &event->as.assert);
    } else if (lex_accept_word(lex, "quiet")) {
        event->kind = EVENT_QUIET;
    } else {
        event->kind = EVENT_CALL;
        parse_call(lex, &event->as.call);
    }
    if (event->when.span == SPAN_BLOCKING && event->kind != EVENT_CALL)
        lex_fail(lex, "only a call takes time (...)");
    if ((event->when.span == SPAN_RANGE || event->when.span == SPAN_ANY) && !(packet && event->kind == EVENT_OUTBOUND))
        lex_fail(lex, "only a packet of the stack's may come when it likes");
    if (!lex_at_line_end(lex))
        lex_fail(lex, "what is '%.30s' behind the event?", lex_until(lex, "\n"));
    if (script->last != NULL)
        script->last->next = event;
    else
        script->events = event;
    script->last = event;
}

static void parse_text(struct lex *lex, struct script *script, const char *root, int depth);

static void parse_include(struct lex *lex, struct script *script, const char *root, int depth)
{
    const char *name = lex_string(lex);
    if (depth == SCRIPT_DEPTH_MAX)
        lex_fail(lex, "includes within includes within includes");
    const char *slash = strrchr(lex->place.file, '/');
    char *path = arena_alloc(lex->arena, strlen(lex->place.file) + strlen(root) + strlen(name) + 2);
    sprintf(path, "%.*s%s", slash != NULL ? (int)(slash - lex->place.file) + 1 : 0, lex->place.file, name);
    char *text = read_file(lex->arena, path);
    if (text == NULL) {
        sprintf(path, "%s/%s", root, name);
        text = read_file(lex->arena, path);
    }
    if (text == NULL)
        lex_fail(lex, "can't read %s", name);
    struct lex inner = *lex;
    inner.at = text;
    inner.place = (struct place){path, 1};
    parse_text(&inner, script, root, depth + 1);
}

static void parse_text(struct lex *lex, struct script *script, const char *root, int depth)
{
    const char *fails = strstr(lex->at, "// fails: ");
    if (fails != NULL && depth == 0) {
        fails += strlen("// fails: ");
        script->fails = arena_text(lex->arena, fails, strcspn(fails, "\n"));
    }
    while (lex_peek(lex) != 0) {
        if (lex_accept(lex, "--"))
            parse_option(lex, script);
        else if (lex_accept_word(lex, "include"))
            parse_include(lex, script, root, depth);
        else
            parse_event(lex, script);
    }
}

static struct script *parse(struct arena *arena, const char *text, const char *name, const char *root, char *error)
{
    jmp_buf on_error;
    struct script *script = arena_alloc(arena, sizeof *script);
    *script = (struct script){
        .path = arena_text(arena, name, strlen(name)),
        .ip_versions = IP_ALL,
        .local_port = 8080,
        .remote_port = 40000,
        .arena = arena,
    };
    struct lex *lex = arena_alloc(arena, sizeof *lex);
    *lex = (struct lex){.at = text, .place = {script->path, 1}, .arena = arena, .on_error = &on_error, .error = error};
    if (setjmp(on_error) != 0) {
        arena_free(arena);
        return NULL;
    }
    parse_text(lex, script, root, 0);
    if (script->events == NULL)
        lex_fail(lex, "no event in it");
    return script;
}

struct script *script_load(const char *path, const char *root, char *error)
{
    struct arena *arena = arena_new();
    char *text = read_file(arena, path);
    if (text == NULL) {
        snprintf(error, 512, "%s: can't read it", path);
        arena_free(arena);
        return NULL;
    }
    return parse(arena, text, path, root, error);
}

struct script *script_parse(const char *text, const char *name, char *error)
{
    struct arena *arena = arena_new();
    return parse(arena, arena_text(arena, text, strlen(text)), name, ".", error);
}

void script_free(struct script *script)
{
    arena_free(script->arena);
}
