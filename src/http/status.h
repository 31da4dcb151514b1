#pragma once
/* Status codes: their phrases, and the one table between kinds of errors and statuses. */
#include "base/err.h"

/* "Not Found"; "Unknown" where the code is none that is sent here. */
const char *http_status_phrase(int status);
/* The status that tells of this kind of error, as the Docker Engine API has them. */
int http_status_of(enum err_kind kind);
/* The way back, for clients: what kind of error is an answer of 400 or more? name is the kind that it says, NULL where
 * it says none. */
enum err_kind http_error_kind(int status, const char *name);
