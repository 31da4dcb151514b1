#pragma once
/* Writing the head of a response: RFC 9110 and 9112. Pure: no memory, no system call. */
#include "date.h"
#include "request.h"

/* A head at its longest: the fields below, and a Location of a whole request. */
#define RESPONSE_MAX (REQUEST_MAX + 512)

struct response {
    int status;
    bool keep_alive;
    bool head_only;   /* the body is described and not sent */
    const char *type; /* Content-Type of a file */
    uint64_t first;   /* 206: the first byte sent */
    uint64_t length;  /* bytes of the body */
    uint64_t size;    /* of the whole file */
    struct {
        int64_t seconds; /* since 1970 */
        uint32_t nanoseconds;
    } modified;                   /* when the file was */
    int64_t date;                 /* now, in seconds since 1970 */
    struct text directory, query; /* 301: the path that lacks its last '/', as it was sent, and what followed it */
};

/*
 * Writes the head, and after it the whole body where that is a line of text (all but 200 and 206). Returns the size.
 * The same response gives the same bytes: a head that could be sent in part only is written again for its rest.
 */
size_t response_head(const struct response *response, char text[RESPONSE_MAX]);

/* The strong validator of a file: its time to the nanosecond, and its size, in hexadecimal and quotes. */
#define TAG_MAX 48
void response_tag(const struct response *response, struct out *out);

/* The media type of a file, by its name's end. */
const char *response_type(const char *path);
