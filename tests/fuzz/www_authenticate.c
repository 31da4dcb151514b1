/* WWW-Authenticate headers: whatever comes, the parts are strings that end. */
#include "image/challenge.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct challenge c = {0};
    (void)challenge_read((const char *)data, size, &c);
    if (strnlen(c.realm, sizeof(c.realm)) == sizeof(c.realm) || strnlen(c.scope, sizeof(c.scope)) == sizeof(c.scope) ||
        strnlen(c.service, sizeof(c.service)) == sizeof(c.service))
        abort();
    if (!c.bearer && (*c.realm || *c.service || *c.scope))
        abort();
    return 0;
}
