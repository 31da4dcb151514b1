/*
 * Folders with all in them, removed and filled by workers. Removals wait for each other and share a worker: five
 * hundred containers that go at once cost a few processes, not five hundred.
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/image_private.h"

#define BATCH_MAX   256 /* requests for one worker */
#define REQUEST_MAX ((size_t)4 << 20)

/* One call of images_remove_trees(). */
struct removal_request {
    struct list link;
    struct strings paths; /* owned */
    struct tree_job_ops ops;
    void *data;
    struct err err;
    bool failed;
};

struct copy_up {
    struct list link;
    struct worker worker;
    struct tree_job_ops ops;
    void *data;
};

/* --- Removing ------------------------------------------------------------------------------------------------------
 */

static void free_request(struct removal_request *request)
{
    list_remove(&request->link);
    vec_foreach (path, &request->paths)
        free(*path);
    vec_done(&request->paths);
    free(request);
}

static void finish_request(struct removal_request *request)
{
    if (request->ops.done)
        request->ops.done(request->data, request->failed ? &request->err : NULL);
    else if (request->failed)
        log_warning("%s", request->err.message);
    free_request(request);
}

static void remove_next(struct remover *remover)
{
    struct images *images = remover->images;
    struct buf text cleanup(buf_done) = BUF(REQUEST_MAX);
    struct json_out out = {.buf = &text};
    if (remover->worker.state != WORKER_IDLE || list_empty(&remover->waiting))
        return;
    json_put_object(&out);
    json_key(&out, "paths");
    json_put_array(&out);
    for (unsigned n = 0; n < BATCH_MAX && !list_empty(&remover->waiting) && text.size < REQUEST_MAX / 2; n++) {
        struct removal_request *request = container_of(remover->waiting.next, struct removal_request, link);
        vec_foreach (path, &request->paths)
            json_put_string(&out, *path);
        list_remove(&request->link);
        list_push(&remover->running, &request->link);
    }
    json_put_array_end(&out);
    json_put_object_end(&out);
    struct worker_request start = {.job = "remove", .request = buf_str(&text), .program = images->worker_program};
    worker_start(&remover->worker, images->loop, &start);
}

/* {"path", "kind", "message"}: the request with that path has failed. */
static void take_failure(struct remover *remover, const json_value *failure)
{
    const char *path = json_get_text(failure, "path"), *message = json_get_text(failure, "message");
    struct removal_request *request;
    list_foreach (request, &remover->running, link)
        vec_foreach (own, &request->paths)
            if (path && str_eq(*own, path)) {
                err_set(&request->err, ERR_CONFLICT, "%s", message ? message : path);
                request->failed = true;
            }
}

static void on_removed(struct worker *worker, const json_value *result, const struct err *err)
{
    struct remover *remover = container_of(worker, struct remover, worker);
    struct list finished;
    struct removal_request *request;
    const json_value *failed = json_get(result, "failed");
    for (size_t i = 0; i < json_count(failed); i++)
        take_failure(remover, json_at(failed, i));
    list_init(&finished);
    list_foreach (request, &remover->running, link) {
        if (err) {
            request->failed = true;
            request->err = *err;
        }
        list_remove(&request->link);
        list_push(&finished, &request->link);
    }
    remove_next(remover); /* callbacks may ask for more */
    list_foreach (request, &finished, link)
        finish_request(request);
}

static void remove_trees(struct images *images, const struct strings *paths, const struct tree_job_ops *ops, void *data)
{
    struct removal_request *request = NEW(struct removal_request);
    vec_foreach (path, paths)
        vec_push(&request->paths, mem_strdup(*path));
    if (ops)
        request->ops = *ops;
    request->data = data;
    list_push(&images->remover.waiting, &request->link);
    remove_next(&images->remover);
}

void images_remove_trees(struct images *images, const struct strings *paths, const struct tree_job_ops *ops, void *data)
{
    remove_trees(images, paths, ops, data);
}

void trees_forget(struct images *images, const struct strings *paths)
{
    if (paths->count > 0)
        remove_trees(images, paths, NULL, NULL);
}

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

/* --- The whole -----------------------------------------------------------------------------------------------------
 */

void trees_open(struct images *images)
{
    struct remover *remover = &images->remover;
    remover->images = images;
    remover->worker.ended = on_removed;
    list_init(&remover->waiting);
    list_init(&remover->running);
    list_init(&images->copies);
}

static void free_requests(struct list *requests)
{
    struct removal_request *request;
    list_foreach (request, requests, link)
        free_request(request);
}

void trees_close(struct images *images)
{
    struct copy_up *copy;
    worker_done(&images->remover.worker);
    free_requests(&images->remover.waiting);
    free_requests(&images->remover.running);
    list_foreach (copy, &images->copies, link) {
        worker_done(&copy->worker);
        list_remove(&copy->link);
        free(copy);
    }
}
