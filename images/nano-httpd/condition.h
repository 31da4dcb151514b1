#pragma once
/* What the conditions of a request make of the file that it names (RFC 9110, section 13). Pure. */
#include "request.h"
#include "response.h"

/*
 * The status of the response to a request for a regular file: 200, 206, 304, 412 or 416. Of response, size and modified
 * are there; first and length, which bytes are to be sent, are filled in.
 */
int condition_status(const struct request *request, struct response *response);
