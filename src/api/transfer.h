#pragma once
/*
 * A job with images whose progress a client follows (pull, import, load): the answer is a stream of JSON lines that
 * begins with the first of them, so that what fails before it is still answered by a status of its own (Docker Engine
 * API, "Create an image").
 *
 *     struct transfer *transfer = transfer_new(api, request);
 *     job = images_pull(images, &pull, &transfer_ops, transfer, err);
 *     return transfer_run(transfer, job);        // with NULL it is freed, and the request is still to be answered
 *
 * A client that goes away cancels the job.
 */
#include "api/api.h"
#include "image/image.h"

struct transfer;

extern const struct image_job_ops transfer_ops;

struct transfer *transfer_new(struct api *api, struct http_request *request);
/* What its end is told as: "pull", "import", "load"; name: of the event, NULL: the names that the job gives. Copied. */
void transfer_name(struct transfer *transfer, const char *action, const char *name);
/* No progress, the end alone. */
void transfer_quiet(struct transfer *transfer);
/* Feeds the request's body to the job: the reading end of a pipe, which stays the transfer's. */
int transfer_body(struct transfer *transfer, struct err *err);
int transfer_run(struct transfer *transfer, struct image_job *job);
