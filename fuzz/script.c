// SPDX-License-Identifier: MIT
/* script.c: fuzzes the player of packet scripts: what people write into a bug report is parsed, and played if it can
 * be.
 *
 * A script may expect anything, so that it fails proves nothing: it must end, give its memory back, and say why when it
 * is refused. */
#include "fuzz_env.h"

#include <string.h>

#include "../tests/script/parse.h"
#include "../tests/script/run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct variant variant = {.ip_version = IP_V4, .start = 1000000000};
    struct failure failure = {.why = ""};
    char error[512] = "";
    char *text = malloc(size + 1);
    REQUIRE(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    struct script *script = script_parse(text, "fuzz.pkt", error);
    if (script == NULL)
        REQUIRE(error[0] != '\0');
    else if (!run_script(script, &variant, false, &failure))
        REQUIRE(failure.why[0] != '\0');
    if (script != NULL)
        script_free(script);
    free(text);
    return 0;
}
