/* What nano-httpd reads from a client, from the first byte to the head of the response. */
#include "condition.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_head(const struct response *response)
{
    char text[RESPONSE_MAX];
    size_t size = response_head(response, text);
    assert(size < RESPONSE_MAX && memmem(text, size, "\r\n\r\n", 4));
}

static void respond(const struct request *request)
{
    struct response response = {.type = "text/plain", .directory = request->path, .query = request->query};
    response.size = 1000;
    response.modified.seconds = 784111777;
    response.status = condition_status(request, &response);
    assert(response.first + response.length <= 1000);
    assert(response.status != 206 || (response.length > 0 && request->method == METHOD_GET));
    check_head(&response);
    response.status = 301;
    check_head(&response);
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
