#pragma once
/* Base64 (RFC 4648): written in the standard alphabet with padding; read in that or in the URL-safe one, padded or not.
 */
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

void base64_encode(const void *data, size_t size, struct buf *out);
/* Appends the bytes. False, and *out may hold some of them, where text is not base64; line breaks are not. */
bool base64_decode(const char *text, size_t size, struct buf *out);
