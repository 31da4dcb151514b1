#pragma once
/*
 * Where a message's head ends, and whether it is written in the one way that every reader understands alike. RFC 9112
 * lets a server take bare LF, blanks before the colon and folded lines; a proxy in front may take them otherwise, and
 * there requests are smuggled (RFC 9112 section 11.2). So they are refused.
 */
#include "base/err.h"

#include <stddef.h>
#include <sys/types.h>

#define HTTP_HEAD_MAX    (64 * 1024) /* bytes of one head */
#define HTTP_HEADERS_MAX 100         /* headers of one message */

/*
 * The size of the head at data, its empty line included; 0 while it is not there as a whole. *scanned carries what was
 * looked at from call to call (0 at first). Negative: a line that does not end in CRLF, a NUL or another control
 * character (ERR_INVALID), or a head above HTTP_HEAD_MAX (ERR_LIMIT).
 */
ssize_t http_head_find(const char *data, size_t size, size_t *scanned, struct err *err);

/* Checks the lines of a whole head after its first: a token, directly a colon, a value on one line. */
int http_head_check(const char *head, size_t size, struct err *err);
/* Checks a request's first line: method, target and version with one space between. */
int http_request_line_check(const char *head, struct err *err);
