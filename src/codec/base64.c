#include "codec/base64.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *data, size_t size, struct buf *out)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < size; i += 3) {
        size_t n = size - i < 3 ? size - i : 3;
        uint32_t bits = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (n > 2 ? p[i + 2] : 0);
        buf_addc(out, alphabet[bits >> 18]);
        buf_addc(out, alphabet[bits >> 12 & 63]);
        buf_addc(out, n > 1 ? alphabet[bits >> 6 & 63] : '=');
        buf_addc(out, n > 2 ? alphabet[bits & 63] : '=');
    }
}

/* The six bits that c stands for, or -1. */
static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

bool base64_decode(const char *text, size_t size, struct buf *out)
{
    size_t padding = 0;
    while (padding < 2 && size > 0 && text[size - 1] == '=') {
        size--;
        padding++;
    }
    if (size % 4 == 1 || (padding && (size + padding) % 4 != 0))
        return false;
    uint32_t bits = 0;
    for (size_t i = 0; i < size; i++) {
        int value = value_of(text[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 != 0) /* after the second, third and fourth letter one more byte is whole */
            buf_addc(out, (char)(bits >> (6 - 2 * (i % 4))));
    }
    return !buf_failed(out);
}
