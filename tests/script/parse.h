// SPDX-License-Identifier: MIT
/* parse.h: a script's text becomes a struct script. */
#ifndef TCPIP_TESTS_SCRIPT_PARSE_H
#define TCPIP_TESTS_SCRIPT_PARSE_H

#include "lex.h"
#include "script.h"

/* Reads the file and what it includes (beside it, or in `root`). NULL: error[512] says why and where. */
struct script *script_load(const char *path, const char *root, char *error);
/* The same from text, for tests; `name` stands in messages. */
struct script *script_parse(const char *text, const char *name, char *error);
void script_free(struct script *script);

/* parse_packet.c: what stands behind < or >. */
void parse_packet(struct lex *lex, struct packet_spec *packet, bool inbound);
/* parse_call.c: name(arguments) = result ERROR (text). */
void parse_call(struct lex *lex, struct call_spec *call);
/* What stands between %{ and }%. */
void parse_assert(struct lex *lex, struct assert_spec *assert);
/* parse_option.c: a line --name=value, from behind the dashes. */
void parse_option(struct lex *lex, struct script *script);

#endif
