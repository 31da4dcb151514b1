#pragma once
/* Versions of the API: which are honoured, and which one a request speaks. */
#include "http/request.h"

#define API_VERSION_MAJOR     1
#define API_VERSION_MINOR     44 /* the newest that is honoured, and what a path without a version means */
#define API_VERSION_MINOR_MIN 24
#define API_VERSION           "1.44"
#define API_VERSION_MIN       "1.24"

/* 0.0 (no version in the path) is the newest. ERR_INVALID in Docker's words where it is too old or too new. */
int api_version_check(struct http_api_version version, struct err *err);

/* Does the request speak version 1.MINOR or a newer one? */
bool api_speaks(const struct http_request *request, int minor);
