#include "condition.h"

#include "date.h"

static bool is_tag(struct text t, const struct response *response)
{
    char tag[TAG_MAX];
    struct out out = {tag, 0, sizeof(tag)};
    response_tag(response, &out);
    return text_same(t, (struct text){tag, out.n});
}

/* Is the file's tag among those of an If-Match or If-None-Match? weak: tags that are marked W/ count too. */
static bool has_tag(struct text list, bool weak, const struct response *response)
{
    struct text tag;
    while (request_next_element(&list, &tag)) {
        if (text_same(tag, TEXT("*")))
            return true;
        if (weak && text_starts(tag, TEXT("W/")))
            tag = (struct text){tag.s + 2, tag.n - 2};
        if (is_tag(tag, response))
            return true;
    }
    return false;
}

/* The order is that of section 13.2.2: tags count, and dates where there are none. */
static bool precondition_failed(const struct request *request, const struct response *response)
{
    int64_t seconds;
    if (request->if_match.n)
        return !has_tag(request->if_match, false, response);
    return date_read(request->if_unmodified_since, &seconds) && response->modified.seconds > seconds;
}

static bool not_modified(const struct request *request, const struct response *response)
{
    int64_t seconds;
    if (request->if_none_match.n)
        return has_tag(request->if_none_match, true, response);
    return date_read(request->if_modified_since, &seconds) && response->modified.seconds <= seconds;
}

/* A range is for a client that has other parts of this very file: another one gets the whole. */
static bool wants_range(const struct request *request, const struct response *response)
{
    int64_t seconds;
    if (!request->if_range.n || is_tag(request->if_range, response))
        return true;
    return date_read(request->if_range, &seconds) && response->modified.seconds == seconds;
}

int condition_status(const struct request *request, struct response *response)
{
    response->first = 0;
    response->length = response->size;
    if (precondition_failed(request, response))
        return 412;
    if (not_modified(request, response))
        return 304;
    if (!request->range.n || request->method != METHOD_GET || !wants_range(request, response))
        return 200;
    switch (request_range(request->range, response->size, &response->first, &response->length)) {
    case RANGE_PART:
        return 206;
    case RANGE_UNSATISFIABLE:
        return 416;
    default:
        return 200;
    }
}
