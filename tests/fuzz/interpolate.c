/* One text with variables, as a value of a compose file is; and the same text as a command, split into words. */
#include "compose/interpolate.h"
#include "base/cleanup.h"
#include "compose/words.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *look_up(void *data, const char *name)
{
    return *name == 'E' ? "" : *name == 'S' ? "value" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena cleanup(arena_done) = {0};
    struct err err;
    struct interpolation in = {&arena, look_up, NULL, NULL, &err};
    struct strings words = {0};
    const char *lost, *text = interpolate_text(&in, arena_strndup(&arena, (const char *)data, size));
    if (text)
        (void)words_split(&arena, text, &words, &lost);
    return 0;
}
