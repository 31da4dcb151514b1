#include "image/image.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/image_private.h"

#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MAX_JOBS       3
#define MAX_COPIES     4
#define RESERVE_MIN    ((int64_t)256 << 20)
#define SWEEP_DELAY_MS 20

/* --- The whole -----------------------------------------------------------------------------------------------------
 */

static void copy_list(struct strings *to, const char *const *from)
{
    for (; from && *from; from++)
        vec_push(to, mem_strdup(*from));
}

static void free_list(struct strings *list)
{
    vec_foreach (item, list)
        free(*item);
    vec_done(list);
}

/* 2 % of the disk, and not less than RESERVE_MIN; a tenth of a small one. */
static int64_t default_reserve(const char *data_dir)
{
    struct statvfs fs;
    if (statvfs(data_dir, &fs) < 0)
        return RESERVE_MIN;
    int64_t size = (int64_t)fs.f_blocks * (int64_t)fs.f_frsize;
    int64_t reserve = size / 50 > RESERVE_MIN ? size / 50 : RESERVE_MIN;
    return reserve < size / 10 ? reserve : size / 10;
}

/* What rows no longer name goes when the transaction that said so is on the disk, and while no job counts on it. */
static void on_sweep(struct timer *timer)
{
    struct images *images = container_of(timer, struct images, sweep);
    if (!list_empty(&images->tasks) || !image_store_has_doomed(images->store))
        return; /* the end of the last task sweeps */
    if (db_pending(images->db)) {
        timer_start(&images->sweep, images->loop, SWEEP_DELAY_MS);
        return;
    }
    struct err err;
    struct strings doomed = image_store_take_doomed(images->store);
    char *layers cleanup(freep) = mem_printf("%s/layers/", images->data_dir);
    vec_foreach (path, &doomed) {
        if (!str_starts(*path, layers))
            (void)unlink(*path); /* a small file, and nobody writes it meanwhile */
        else if (images_discard(images, *path, &err) < 0)
            log_warning("%s", err.message);
    }
    free_list(&doomed);
}

void images_sweep(struct images *images)
{
    if (image_store_has_doomed(images->store))
        timer_start(&images->sweep, images->loop, 1);
}

struct images *images_open(struct loop *loop, struct db *db, const struct images_options *options, struct err *err)
{
    struct images *images cleanup(images_freep) = NEW(struct images);
    images->loop = loop;
    images->db = db;
    images->data_dir = mem_strdup(options->data_dir);
    images->worker_program = options->worker_program ? mem_strdup(options->worker_program) : NULL;
    images->reserve_bytes = options->reserve_bytes ? options->reserve_bytes : default_reserve(options->data_dir);
    images->sweep.expired = on_sweep;
    copy_list(&images->insecure, options->insecure_registries);
    copy_list(&images->certificate_folders, options->certificate_folders);
    list_init(&images->tasks);
    worker_queue_init(&images->queue, options->max_jobs ? options->max_jobs : MAX_JOBS);
    worker_queue_init(&images->copy_queue, MAX_COPIES);
    trees_open(images);
    images->store = image_store_open(db, images->data_dir, err);
    if (!images->store || trash_open(images, err) < 0)
        return NULL;
    images_sweep(images);
    return TAKE(images);
}

struct image_store *images_store(struct images *images)
{
    return images->store;
}

/* --- Tasks and jobs ------------------------------------------------------------------------------------------------
 */

static void free_task(struct task *task)
{
    struct image_job *job;
    list_foreach (job, &task->jobs, link)
        free(job);
    list_remove(&task->link);
    free(task->key);
    free(task->reference);
    free(task->staging);
    free(task);
}

void images_free(struct images *images)
{
    struct task *task;
    if (!images)
        return;
    list_foreach (task, &images->tasks, link) {
        worker_done(&task->worker);
        free_task(task);
    }
    trees_close(images);
    trash_close(images);
    timer_stop(&images->sweep);
    image_store_free(images->store);
    free_list(&images->insecure);
    free_list(&images->certificate_folders);
    free(images->data_dir);
    free(images->worker_program);
    free(images);
}

static struct image_job *add_job(struct task *task, const struct image_job_ops *ops, void *data)
{
    struct image_job *job = NEW(struct image_job);
    job->task = task;
    job->ops = *ops;
    job->data = data;
    list_push(&task->jobs, &job->link);
    return job;
}

void image_job_cancel(struct image_job *job)
{
    struct task *task = job->task;
    list_remove(&job->link);
    free(job);
    if (list_empty(&task->jobs))
        worker_cancel(&task->worker);
}

struct image_job *task_join(struct images *images, const char *key, const struct image_job_ops *ops, void *data)
{
    struct task *task;
    list_foreach (task, &images->tasks, link)
        if (task->key && str_eq(task->key, key) && !task->worker.cancelled)
            return add_job(task, ops, data);
    return NULL;
}

/* --- Progress ------------------------------------------------------------------------------------------------------
 */

static void tell(struct task *task, const struct image_progress *progress)
{
    struct image_job *job;
    list_foreach (job, &task->jobs, link)
        if (job->ops.progress)
            job->ops.progress(job->data, progress);
}

static void on_line(struct worker *worker, const char *key, const json_value *value)
{
    struct task *task = container_of(worker, struct task, worker);
    if (str_eq(key, "warning")) {
        tell(task, &(struct image_progress){.status = json_as_text(value), .warning = true});
        return;
    }
    struct image_progress progress = {.id = json_get_text(value, "id"),
                                      .status = json_get_text(value, "status"),
                                      .current = json_as_int(json_get(value, "current"), 0),
                                      .total = json_as_int(json_get(value, "total"), 0)};
    if (progress.status)
        tell(task, &progress);
}

static void tell_status(struct task *task, const char *format, const char *text)
{
    char status[REFERENCE_MAX + 64];
    (void)snprintf(status, sizeof(status), format, text);
    tell(task, &(struct image_progress){.status = status});
}

/* --- Ends ----------------------------------------------------------------------------------------------------------
 */

static void copy_text(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from ? from : "");
}

static void read_layers(const json_value *list, struct image_layer *layers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const json_value *item = json_at(list, i);
        copy_text(layers[i].name, sizeof(layers[i].name), json_get_text(item, "name"));
        copy_text(layers[i].chain_id, sizeof(layers[i].chain_id), json_get_text(item, "chain_id"));
        copy_text(layers[i].diff_id, sizeof(layers[i].diff_id), json_get_text(item, "diff_id"));
        copy_text(layers[i].parent, sizeof(layers[i].parent), json_get_text(item, "parent"));
        layers[i].size = json_as_int(json_get(item, "size"), 0);
        layers[i].tar_size = json_as_int(json_get(item, "tar_size"), 0);
    }
}

/* Enters one image of a result. ret_names gets its familiar tags. */
static struct image *add_image(struct task *task, const json_value *value, struct arena *arena,
                               struct strings *ret_names, bool *ret_existed, struct err *err)
{
    const json_value *list = json_get(value, "layers"), *names = json_get(value, "names");
    struct strings full = {0};
    struct image_addition addition = {.id = json_get_text(value, "id"), .manifest = json_get_text(value, "manifest")};
    if (!digest_is_valid(addition.id)) {
        err_set(err, ERR_INTERNAL, "the worker's result names no image");
        return NULL;
    }
    addition.layer_count = json_count(list);
    struct image_layer *layers = arena_alloc_array(arena, addition.layer_count + 1, sizeof(*layers));
    read_layers(list, layers, addition.layer_count);
    for (size_t i = 0; i < json_count(names); i++) {
        struct reference reference;
        char familiar[REFERENCE_MAX];
        const char *name = json_as_text(json_at(names, i));
        if (!name || reference_parse(name, &reference, err) < 0)
            continue;
        vec_push_in(arena, &full, arena_strdup(arena, name));
        reference_familiar(&reference, familiar);
        if (*reference.tag)
            vec_push_in(arena, ret_names, arena_strdup(arena, familiar));
    }
    addition.layers = layers;
    addition.names = (const char *const *)full.items;
    addition.name_count = full.count;
    return image_store_add(task->images->store, &addition, ret_existed, err);
}

static void tell_done(struct task *task, struct image *image, const struct strings *names, const struct err *err)
{
    while (!list_empty(&task->jobs)) {
        struct image_job *job = container_of(task->jobs.next, struct image_job, link);
        list_remove(&job->link);
        job->ops.done(job->data, image, names, err);
        free(job);
    }
}

static void tell_pulled(struct task *task, const json_value *result, bool newer)
{
    const char *digest = json_get_text(result, "digest");
    if (digest)
        tell_status(task, "Digest: %s", digest);
    tell_status(task, newer ? "Status: Downloaded newer image for %s" : "Status: Image is up to date for %s",
                task->reference);
}

static void finish(struct task *task, const json_value *result)
{
    struct arena arena cleanup(arena_done) = {0};
    struct strings names = {0};
    struct err err;
    struct image *image = NULL, *before = NULL;
    const json_value *list = json_get(result, "images");
    if (task->kind == TASK_PULL)
        before = image_store_find(task->images->store, task->reference, &err);
    for (size_t i = 0; i < json_count(list); i++) {
        bool existed;
        image = add_image(task, json_at(list, i), &arena, &names, &existed, &err);
        if (!image) {
            tell_done(task, NULL, NULL, &err);
            return;
        }
    }
    if (task->kind == TASK_PULL)
        tell_pulled(task, result, image != before);
    tell_done(task, image, &names, NULL);
}

/* A worker that was killed could not clean up after itself. */
static void remove_staging(struct task *task)
{
    char *path cleanup(freep) = mem_printf("%s/layers/%s", task->images->data_dir, task->staging);
    struct err err;
    if (images_discard(task->images, path, &err) < 0)
        log_warning("%s", err.message);
}

static void on_end(struct worker *worker, const json_value *result, const struct err *err)
{
    struct task *task = container_of(worker, struct task, worker);
    struct images *images = task->images;
    list_remove(&task->link);
    if (result)
        finish(task, result);
    else
        tell_done(task, NULL, NULL, err);
    if (task->staging)
        remove_staging(task);
    free_task(task);
    images_sweep(images);
}

struct image_job *task_start(struct images *images, enum task_kind kind, const char *key, const char *reference,
                             const char *staging, const struct buf *request, int data_fd,
                             const struct image_job_ops *ops, void *data, struct err *err)
{
    static const char *const jobs[] = {
        [TASK_PULL] = "pull", [TASK_LOAD] = "load", [TASK_IMPORT] = "import", [TASK_SAVE] = "save"};
    if (buf_failed(request)) {
        err_set(err, ERR_LIMIT, "the request for a worker is larger than %zu bytes", request->max);
        return NULL;
    }
    struct task *task = NEW(struct task);
    task->kind = kind;
    task->images = images;
    task->key = key ? mem_strdup(key) : NULL;
    task->reference = reference ? mem_strdup(reference) : NULL;
    task->staging = staging ? mem_strdup(staging) : NULL;
    task->worker.line = on_line;
    task->worker.ended = on_end;
    list_init(&task->jobs);
    list_push(&images->tasks, &task->link);
    struct image_job *job = add_job(task, ops, data);
    struct worker_request start = {.job = jobs[kind],
                                   .request = buf_str(request),
                                   .data_fd = data_fd,
                                   .queue = &images->queue,
                                   .program = images->worker_program};
    worker_start(&task->worker, images->loop, &start);
    return job;
}
