#pragma once
/*
 * A client's connection joined to the streams of a process (attach, exec start): the connection is taken over
 * (http_hijack()) and relayed (http/relay.h) until the process' output ends, the client leaves, or the detach keys are
 * pressed. The api owns the streams.
 */
#include "api/api.h"

struct stream_options {
    int input,
        output; /* as container_attach() gives them: become the stream's, whatever happens; -1 where there is none */
    bool tty;
    const char *detach_keys; /* as asked for; NULL: the default. Of terminals alone */
    const char *last_words;  /* for a process that could not be run: written, and the end; copied. NULL: none */
};

/* Answers the request with the stream. Negative: the request is still to be answered, the descriptors are closed. */
int stream_start(struct api *api, struct http_request *request, const struct stream_options *options, struct err *err);

/* The type of its contents: framed or raw. */
const char *stream_content_type(const struct http_request *request, bool tty);

/* Ends those that are still open: for the end of the daemon. */
void streams_done(struct api *api);

/* Docker's frame before each piece of output that is not a terminal's (Docker Engine API, "Attach to a container",
 * stream format). */
#define STREAM_HEADER_SIZE 8
void stream_header(char header[STREAM_HEADER_SIZE], int stream, size_t size);
