/* Files of variables in both formats; the variables in them are replaced on the way. */
#include "compose/dotenv.h"
#include "base/cleanup.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena cleanup(arena_done) = {0};
    struct env env cleanup(env_done) = {0}, raw cleanup(env_done) = {0};
    struct dotenv dotenv = {.file = "input", .lookup = env_lookup_env, .data = &env};
    struct err err;
    env_init(&env, &arena);
    env_init(&raw, &arena);
    env_set(&env, "SET", "value");
    (void)dotenv_parse(&dotenv, (const char *)data, size, &env, &err);
    (void)dotenv_parse_raw(&dotenv, (const char *)data, size, &raw, &err);
    return 0;
}
