// SPDX-License-Identifier: MIT
/* assert.c: what a broken invariant does.
 *
 * env.fatal gets the chance to say where; whatever it does, the program doesn't go on: a stack whose invariants don't
 * hold must not touch another byte.
 *
 * Owns:        nothing.
 * Invariants:  tcpip__fatal doesn't return.
 * Not here:    errors of the world (tcpip/error.h), bad packets (they are dropped with a reason).
 */
#include "base/assert.h"

_Noreturn void tcpip__fatal(const struct tcpip_env *env, const char *file, int line, const char *what)
{
    if (env->fatal != NULL)
        env->fatal(env->ctx, file, line, what);
    __builtin_trap();
}
