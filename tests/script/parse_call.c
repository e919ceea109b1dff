// SPDX-License-Identifier: MIT
/* parse_call.c: calls with their arguments and results, and conditions.
 *
 *   setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0
 *   read(4, ..., 1000) = -1 EAGAIN (Resource temporarily unavailable)
 *   %{ assert tcpi_cwnd == 10, tcp.retransmits == 0 }%
 *
 * Names of constants become numbers here (symbol.c). */
#include "parse.h"
#include "symbol.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

static void parse_expr(struct lex *lex, struct expr *expr, int depth);

static int64_t parse_value(struct lex *lex)
{
    char c = lex_peek(lex);
    if (isdigit((unsigned char)c) || c == '-')
        return lex_number(lex);
    const char *name = lex_name(lex, false);
    int64_t value;
    if (strcmp(name, "htons") == 0 || strcmp(name, "htonl") == 0) { /* ports are in host order in here */
        lex_expect(lex, "(");
        value = lex_number(lex);
        lex_expect(lex, ")");
        return value;
    }
    if (!symbol_value(name, &value))
        lex_fail(lex, "what is %s?", name);
    return value;
}

static void append(struct lex *lex, struct expr *list, const struct expr *item)
{
    if ((list->count & (list->count + 1)) == 0) { /* 0, 1, 3, 7, ...: room for as many again */
        struct expr *items = arena_alloc(lex->arena, (list->count * 2 + 1) * sizeof *items);
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
    }
    list->items[list->count++] = *item;
}

static void parse_items(struct lex *lex, struct expr *list, const char *end, bool keys, int depth)
{
    if (depth > 6)
        lex_fail(lex, "brackets within brackets within brackets");
    while (!lex_accept(lex, end)) {
        struct expr item = {0};
        const char *before = lex->at;
        struct place place = lex->place;
        if (keys && isalpha((unsigned char)lex_peek(lex))) {
            item.key = lex_name(lex, false);
            if (lex_accept(lex, "(")) { /* msg_iov(1)=, msg_name(...)= */
                lex_until(lex, ")");
                lex_expect(lex, ")");
            }
            if (!lex_accept(lex, "=")) { /* a constant, not a key */
                item.key = NULL;
                lex->at = before;
                lex->place = place;
            }
        }
        parse_expr(lex, &item, depth + 1);
        append(lex, list, &item);
        if (!lex_accept(lex, ",") && lex_peek(lex) != end[0])
            lex_fail(lex, "expected ',' or '%s' before '%.20s'", end, lex_until(lex, "\n"));
    }
}

static void parse_expr(struct lex *lex, struct expr *expr, int depth)
{
    if (lex_accept(lex, "...")) {
        expr->kind = EXPR_ELLIPSIS;
    } else if (lex_peek(lex) == '"') {
        expr->kind = EXPR_STRING;
        expr->text = lex_string(lex);
    } else if (lex_accept(lex, "[")) {
        expr->kind = EXPR_LIST;
        parse_items(lex, expr, "]", false, depth);
    } else if (lex_accept(lex, "{")) {
        expr->kind = EXPR_STRUCT;
        parse_items(lex, expr, "}", true, depth);
    } else if (lex_accept(lex, "inet_addr(") || lex_accept(lex, "inet6_addr(")) {
        expr->kind = EXPR_STRING;
        expr->text = lex_string(lex);
        lex_expect(lex, ")");
    } else {
        expr->kind = EXPR_NUMBER;
        expr->number = parse_value(lex);
        while (lex_accept(lex, "|"))
            expr->number |= parse_value(lex);
    }
}

void parse_call(struct lex *lex, struct call_spec *call)
{
    call->name = lex_name(lex, false);
    lex_expect(lex, "(");
    call->arguments.kind = EXPR_LIST;
    parse_items(lex, &call->arguments, ")", false, 0);
    lex_expect(lex, "=");
    call->result = parse_value(lex);
    if (lex_at_line_end(lex))
        return;
    const char *name = lex_name(lex, false);
    call->error = symbol_errno(name);
    if (call->error == 0)
        lex_fail(lex, "no errno is called %s", name);
    if (call->result != -1)
        lex_fail(lex, "an error with a result that isn't -1");
    if (!lex_at_line_end(lex) && lex_accept(lex, "("))
        lex->at += strcspn(lex->at, "\n"); /* its text is for people */
}

static void parse_condition(struct lex *lex, struct condition *condition)
{
    static const char *const ops[] = {"==", "!=", "<=", ">=", "<", ">"};
    condition->name = lex_name(lex, true);
    for (size_t i = 0; i < sizeof ops / sizeof ops[0] && condition->op == NULL; i++)
        condition->op = lex_accept(lex, ops[i]) ? ops[i] : NULL;
    if (condition->op == NULL)
        lex_fail(lex, "expected a comparison behind %s", condition->name);
    condition->value = parse_value(lex);
}

void parse_assert(struct lex *lex, struct assert_spec *assert)
{
    assert->fd = -1;
    assert->conditions = arena_alloc(lex->arena, 32 * sizeof *assert->conditions);
    while (!lex_accept(lex, "}%")) {
        lex_accept_word(lex, "assert");
        if (lex_accept_word(lex, "fd"))
            assert->fd = lex_u16(lex);
        if (assert->count == 32)
            lex_fail(lex, "too many conditions in one place");
        parse_condition(lex, &assert->conditions[assert->count++]);
        while (lex_accept(lex, ",") || lex_accept(lex, ";"))
            ;
    }
}
