/*
 * The job "remove": folders with all in them. Request: paths, absolute ones. What does not exist is removed already.
 * Result: failed, a list of {path, kind, message}; one failure does not hold up the others.
 */
#include "base/str.h"
#include "image/beneath.h"
#include "image/confine.h"
#include "image/work.h"
#include "sys/capabilities.h"

#include <fcntl.h>

static void report_failure(struct json_out *out, const char *path, const struct err *err)
{
    json_put_object(out);
    json_key_string(out, "path", path);
    json_key_string(out, "kind", err_kind_name(err->kind));
    json_key_string(out, "message", err->message);
    json_put_object_end(out);
}

int work_remove(struct work *work, struct err *err)
{
    const json_value *paths = json_get(work->request, "paths");
    struct json_out *out = work_result(work);
    uint64_t keep = CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_DAC_READ_SEARCH) | CAPABILITY(CAP_FOWNER);
    if (confine_capabilities(keep, err) < 0 || confine_calls(true, err) < 0)
        return -1;
    json_key(out, "failed");
    json_put_array(out);
    for (size_t i = 0; i < json_count(paths); i++) {
        struct err failure;
        const char *path = json_as_text(json_at(paths, i));
        if (str_empty(path) || path[0] != '/' || str_eq(path, "/"))
            return err_set(err, ERR_INVALID, "paths[%zu]: expected an absolute path", i);
        if (tree_remove(AT_FDCWD, path, &failure) < 0)
            report_failure(out, path, (err_wrap(&failure, "%s", path), &failure));
    }
    json_put_array_end(out);
    return 0;
}
