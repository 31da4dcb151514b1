#pragma once
/* Answering from the file system. */
#include "request.h"
#include "response.h"

/*
 * Fills the response to a request: status and all that its head needs. Returns a descriptor of the file whose bytes
 * response->first … length are the body, or -1 where none is to be sent. Nothing outside the directory root is ever
 * opened: openat2 resolves every path beneath it, symbolic links included, and follows no magic link.
 */
int file_respond(int root, const struct request *request, struct response *response);
