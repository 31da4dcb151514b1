/* Folders that are filled by workers: the first content of volumes. */
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/filling.h"
#include "image/image_private.h"

#define REQUEST_MAX ((size_t)4 << 20)

struct copy_up {
    struct list link;
    struct worker worker;
    struct tree_job_ops ops;
    void *data;
};

/* --- Copying up ----------------------------------------------------------------------------------------------------
 */

static void on_copied(struct worker *worker, const json_value *result, const struct err *err)
{
    struct copy_up *copy = container_of(worker, struct copy_up, worker);
    list_remove(&copy->link);
    copy->ops.done(copy->data, err);
    free(copy);
}

void images_copy_up(struct images *images, const struct strings *layers, const char *path, const char *to,
                    const struct tree_job_ops *ops, void *data)
{
    struct buf text cleanup(buf_done) = BUF(REQUEST_MAX);
    struct json_out out = {.buf = &text};
    json_put_object(&out);
    json_key(&out, "layers");
    json_put_array(&out);
    vec_foreach (layer, layers)
        json_put_string(&out, *layer);
    json_put_array_end(&out);
    if (path)
        json_key_string(&out, "path", path);
    json_key_string(&out, "to", to);
    json_put_object_end(&out);
    struct copy_up *copy = NEW(struct copy_up);
    copy->ops = *ops;
    copy->data = data;
    copy->worker.ended = on_copied;
    list_push(&images->copies, &copy->link);
    struct worker_request start = {
        .job = "copy-up", .request = buf_str(&text), .queue = &images->copy_queue, .program = images->worker_program};
    worker_start(&copy->worker, images->loop, &start);
}

bool images_copy_is_unfinished(const char *to)
{
    return filling_is_marked(to);
}

/* --- The whole -----------------------------------------------------------------------------------------------------
 */

void trees_open(struct images *images)
{
    list_init(&images->copies);
}

void trees_close(struct images *images)
{
    struct copy_up *copy;
    list_foreach (copy, &images->copies, link) {
        worker_done(&copy->worker);
        list_remove(&copy->link);
        free(copy);
    }
}
