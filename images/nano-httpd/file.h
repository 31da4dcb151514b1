#pragma once
/* Answering from the file system. */
#include "request.h"
#include "response.h"

/*
 * Fills the response to a request: status and all that its head needs. Returns a descriptor of the file whose bytes
 * response->first … length are the body, or -1 where none is to be sent. The served directory is the current one.
 */
int file_respond(const struct request *request, struct response *response);
