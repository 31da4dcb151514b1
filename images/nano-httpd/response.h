#pragma once
/* Writing the head of a response: RFC 9110 and 9112. Pure: no memory, no system call. */
#include "text.h"

/* A head at its longest: the fields below, and a Location of PATH_SIZE. */
#define RESPONSE_MAX 1536

struct response {
    int status;
    bool keep_alive;
    bool head_only;        /* the body is described and not sent */
    const char *type;      /* Content-Type of a file; NULL where there is none to send */
    uint64_t first;        /* 206: the first byte sent */
    uint64_t length;       /* bytes of the body */
    uint64_t size;         /* 206 and 416: bytes of the whole file */
    int64_t modified;      /* 200, 206 and 304: when the file was, in seconds since 1970 */
    int64_t date;          /* now, in seconds since 1970 */
    struct text directory; /* 301: the path that lacks its last '/', as it was sent */
};

/*
 * Writes the head, and after it the whole body where that is a line of text (all but 200 and 206). Returns the size.
 * The same response gives the same bytes: a head that could be sent in part only is written again for its rest.
 */
size_t response_head(const struct response *response, char text[RESPONSE_MAX]);

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7) of seconds since 1970, up to the year 9999. */
#define DATE_SIZE 29
void response_date(int64_t seconds, struct out *out);

/* The media type of a file, by its name's end. */
const char *response_type(const char *path);
