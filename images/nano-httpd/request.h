#pragma once
/* Reading the head of a request: RFC 9112 (HTTP/1.1), strictly. Pure: no memory, no system call. */
#include "text.h"

#define REQUEST_MAX 4096 /* bytes of a head; longer ones get 431, or 414 where it is the first line */
#define PATH_SIZE   1024 /* a path as it was sent, and decoded with "index.html" and NUL; longer ones get 414 */

enum method { METHOD_GET, METHOD_HEAD, METHOD_OTHER };

/* Texts point into the head, and are empty where there is nothing of the kind. */
struct request {
    enum method method;
    struct text path;  /* as it was sent, from its first '/', without the query */
    struct text query; /* from its '?' */
    struct text if_match, if_none_match, if_modified_since, if_unmodified_since, if_range, range;
    bool keep_alive; /* the connection can serve another request after this one */
    bool body;       /* a body follows, which nobody reads */
};

/*
 * Reads the head at the start of data. Returns its size in bytes, 0 where it is not complete yet, or where it must be
 * refused, the status with a minus: -400, -414, -431, -505. Bytes after the head are the next request's.
 */
int request_parse(const char *data, size_t size, struct request *ret);

/*
 * The file that the request names, relative to the served directory: percent-decoded, "index.html" added to a
 * directory's path. Segments ".." are left to openat2's RESOLVE_BENEATH. Returns 0, -400 or -414.
 */
int request_file(const struct request *request, char path[PATH_SIZE]);

/* What a Range header asks of a file of size bytes (RFC 9110, section 14): the whole where it is absent or not one
 * range of bytes. */
enum range { RANGE_WHOLE, RANGE_PART, RANGE_UNSATISFIABLE };
enum range request_range(struct text range, uint64_t size, uint64_t *ret_first, uint64_t *ret_length);

/* Takes the next element off a comma-separated list: trimmed, and empty between two commas. False at its end. */
bool request_next_element(struct text *list, struct text *ret);
