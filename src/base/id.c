#include "base/id.h"

#include <string.h>
#include <sys/random.h>

static const char hex[] = "0123456789abcdef";

void id_new(char id[ID_SIZE])
{
    unsigned char bytes[32];
    while (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        ;
    /* Docker's clients take an all-digit short id for a number: never make one. */
    bytes[0] |= 0xa0;
    for (int i = 0; i < 32; i++) {
        id[2 * i] = hex[bytes[i] >> 4];
        id[2 * i + 1] = hex[bytes[i] & 15];
    }
    id[64] = '\0';
}

bool id_is_prefix(const char *s)
{
    size_t n = strspn(s, hex);
    return n > 0 && n <= 64 && !s[n];
}

bool id_is_full(const char *s)
{
    return strlen(s) == 64 && id_is_prefix(s);
}
