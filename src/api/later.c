#include "api/later.h"

#include "base/mem.h"
#include "http/reply.h"

#include <stdlib.h>

struct later {
    struct http_request *request; /* NULL once its client has gone */
    void (*answer)(struct http_request *request);
};

static void request_over(struct http_request *request, bool client_gone)
{
    struct later *later = request->data;
    later->request = NULL;
}

struct later *later_new(struct http_request *request, void (*answer)(struct http_request *request))
{
    struct later *later = NEW(struct later);
    later->request = request;
    later->answer = answer;
    request->data = later;
    request->over = request_over;
    return later;
}

void later_done(void *data, const struct err *failure)
{
    struct later *later = data;
    struct http_request *request = later->request;
    if (request) {
        request->over = NULL;
        request->data = NULL;
        if (failure)
            http_reply_err(request, failure);
        else
            later->answer(request);
    }
    free(later);
}

void answer_no_content(struct http_request *request)
{
    http_reply_empty(request, 204);
}

void answer_ok(struct http_request *request)
{
    http_reply_empty(request, 200);
}
