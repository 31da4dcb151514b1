#pragma once
/* Dates as HTTP writes them (RFC 9110, section 5.6.7). Pure. */
#include "text.h"

#define DATE_SIZE 29

/* "Sun, 06 Nov 1994 08:49:37 GMT" of seconds since 1970, up to the year 9999; what is beyond becomes 1970. */
void date_write(int64_t seconds, struct out *out);

/* The reverse; false where the text is no such date. The two obsolete forms are none: nobody has sent them for decades,
 * and a date that is not understood costs a client no more than the file it already has. */
bool date_read(struct text t, int64_t *ret_seconds);
