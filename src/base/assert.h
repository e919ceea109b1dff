// SPDX-License-Identifier: MIT
/* assert.h: bugs of the caller or of ours. On in release builds too; every condition is O(1).
 *
 * ASSERT is for code that has no way to the environment (organs, headers, containers): it traps, and the condition is
 * the line that the debugger shows. ASSERT_ENV reports to env.fatal first. DEBUG_ASSERT is for what costs more than
 * O(1). */
#ifndef TCPIP_SRC_BASE_ASSERT_H
#define TCPIP_SRC_BASE_ASSERT_H

#include <tcpip/env.h>

#define ASSERT(cond)                      \
    do {                                  \
        if (__builtin_expect(!(cond), 0)) \
            __builtin_trap();             \
    } while (0)

_Noreturn void tcpip__fatal(const struct tcpip_env *env, const char *file, int line, const char *what);

#define ASSERT_ENV(env, cond)                               \
    do {                                                    \
        if (__builtin_expect(!(cond), 0))                   \
            tcpip__fatal((env), __FILE__, __LINE__, #cond); \
    } while (0)

#ifdef TCPIP_DEBUG
#define DEBUG_ASSERT(cond) ASSERT(cond)
#else
#define DEBUG_ASSERT(cond) ((void)0)
#endif

#endif
