#pragma once
/*
 * Answers that come with an engine_done:
 *
 *     container_start(container, later_done, later_new(request, answer_no_content));
 *
 * The request is kept until done; where its client goes away before, nobody is answered and nothing else happens.
 */
#include "engine/engine.h"
#include "http/request.h"

struct later;

/* answer: of success. request->data and request->over are taken. */
struct later *later_new(struct http_request *request, void (*answer)(struct http_request *request));
/* An engine_done with a struct later, which it frees: answers with the error, or calls answer. */
void later_done(void *later, const struct err *failure);

void answer_no_content(struct http_request *request); /* 204 */
void answer_ok(struct http_request *request);         /* 200 without a body */
