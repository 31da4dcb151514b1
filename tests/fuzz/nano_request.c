/* What nano-httpd reads from a client, from the first byte to the head of the response. */
#include "request.h"
#include "response.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void respond(const struct request *request)
{
    static const int statuses[] = {200, 206, 301, 304, 404, 416};
    struct response response = {.type = "text/plain", .directory = request->path};
    enum range kind = request_range(request->range, 1000, &response.first, &response.length);
    assert(response.first + response.length <= 1000 && (kind != RANGE_PART || response.length > 0));
    for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
        char text[RESPONSE_MAX];
        response.status = statuses[i];
        size_t size = response_head(&response, text);
        assert(size < RESPONSE_MAX && memmem(text, size, "\r\n\r\n", 4));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > REQUEST_MAX)
        return 0;
    char *head = malloc(size ? size : 1); /* its end is watched by the sanitizer */
    memcpy(head, data, size);
    struct request request;
    int used = request_parse(head, size, &request);
    assert(used <= (int)size && (used || size < REQUEST_MAX));
    if (used > 0 && request.method != METHOD_OTHER) {
        char path[PATH_SIZE];
        int failed = request_file(&request, path);
        assert(failed || strlen(path) > 0);
        if (!failed)
            respond(&request);
    }
    free(head);
    return 0;
}
