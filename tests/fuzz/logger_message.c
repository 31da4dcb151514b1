/* Both directions of the logger's protocol. The first byte is the number of descriptors that came. */
#include "ipc/logger_protocol.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct logger_request request;
    struct logger_event event;
    struct err err;
    const char *text;
    if (!size)
        return 0;
    if (logger_request_read(data + 1, size - 1, data[0] % 4, &request, &text, &err) == 0) {
        if (strnlen(request.id, ID_SIZE) == ID_SIZE || text + request.text_size != (const char *)data + size)
            abort();
        if (request.type == LOGGER_OPEN && (!request.streams || request.max_files > 100))
            abort();
    }
    if (logger_event_read(data + 1, size - 1, &event, &text, &err) == 0)
        if (event.error >= ERR_KIND_COUNT || text + event.text_size != (const char *)data + size)
            abort();
    return 0;
}
