/* Image references: what parses is printed and parses to the same again. */
#include "codec/reference.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    struct reference reference, again;
    char full[REFERENCE_MAX], familiar[REFERENCE_MAX];
    char *text = strndup((const char *)data, size);
    int parsed = reference_parse(text, &reference, &err);
    free(text);
    if (parsed < 0)
        return 0;
    reference_format(&reference, full);
    reference_familiar(&reference, familiar);
    if (reference_parse(full, &again, &err) < 0 || memcmp(&reference, &again, sizeof(again)) != 0)
        abort();
    /* A familiar name of 64 hex digits reads as an ID; every other leads back. */
    if (reference_parse(familiar, &again, &err) >= 0 && memcmp(&reference, &again, sizeof(again)) != 0)
        abort();
    return 0;
}
