/*
 * What is thrown away: renamed at once, so that nobody finds it any more, and removed by a worker that takes what has
 * come together meanwhile. Five hundred containers that go at once cost a few processes, and nobody waits for them.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/image_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define TRASH       "trash"
#define BATCH_MAX   256 /* folders for one worker */
#define GATHER_MS   500 /* a worker costs as much as removing many folders: so long the first waits for others */
#define REQUEST_MAX ((size_t)4 << 20)

/* --- Emptying */

static void empty(struct trash *trash)
{
    struct images *images = container_of(trash, struct images, trash);
    struct buf text cleanup(buf_done) = BUF(REQUEST_MAX);
    struct json_out out = {.buf = &text};
    json_put_object(&out);
    json_key(&out, "paths");
    json_put_array(&out);
    for (unsigned n = 0; n < BATCH_MAX && trash->paths.count && text.size < REQUEST_MAX / 2; n++) {
        char *path = trash->paths.items[--trash->paths.count];
        json_put_string(&out, path);
        free(path);
    }
    json_put_array_end(&out);
    json_put_object_end(&out);
    struct worker_request start = {.job = "remove", .request = buf_str(&text), .program = images->worker_program};
    worker_start(&trash->worker, images->loop, &start);
}

/* At once where there is enough for a worker, else when others had the time to come. */
static void empty_soon(struct trash *trash)
{
    const struct images *images = container_of(trash, struct images, trash);
    if (trash->worker.state != WORKER_IDLE || !trash->paths.count)
        return;
    if (trash->paths.count >= BATCH_MAX)
        empty(trash);
    else if (!trash->gather.loop)
        timer_start(&trash->gather, images->loop, GATHER_MS);
}

static void gathered(struct timer *timer)
{
    struct trash *trash = container_of(timer, struct trash, gather);
    if (trash->worker.state == WORKER_IDLE && trash->paths.count)
        empty(trash);
}

/* What is left over is met again at the next start. */
static void emptied(struct worker *worker, const json_value *result, const struct err *err)
{
    const json_value *failed = json_get(result, "failed");
    for (size_t i = 0; i < json_count(failed); i++)
        log_warning("cannot remove what was thrown away: %s", json_get_text(json_at(failed, i), "message"));
    if (err)
        log_warning("cannot remove what was thrown away: %s", err->message);
    empty_soon(container_of(worker, struct trash, worker));
}

/* --- Throwing away */

/* Beside itself, where a file system of its own is mounted on the folder it is in: the start knows it by its name. */
static char *place_beside(const char *path, uint64_t number)
{
    return mem_printf("%.*s/." TRASH "-%llu", (int)(strrchr(path, '/') - path), path, (unsigned long long)number);
}

static void add(struct trash *trash, char *path)
{
    vec_push(&trash->paths, path);
    empty_soon(trash);
}

int images_discard(struct images *images, const char *path, struct err *err)
{
    struct trash *trash = &images->trash;
    uint64_t number = ++trash->last;
    char *place cleanup(freep) = mem_printf("%s/" TRASH "/%llu", images->data_dir, (unsigned long long)number);
    int r = rename(path, place);
    if (r < 0 && errno == EXDEV) {
        free(place);
        place = place_beside(path, number);
        r = rename(path, place);
    }
    if (r < 0)
        return errno == ENOENT ? 0 : err_errno(err, errno, "cannot remove %s", path);
    add(trash, TAKE(place));
    return 0;
}

/* --- At the start */

static void add_leftovers(struct images *images, const char *folder, const char *prefix)
{
    char *path cleanup(freep) = mem_printf("%s/%s", images->data_dir, folder);
    DIR *d cleanup(closedirp) = opendir(path);
    struct dirent *entry;
    while (d && (entry = readdir(d)))
        if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, "..") && str_starts(entry->d_name, prefix))
            vec_push(&images->trash.paths, mem_printf("%s/%s", path, entry->d_name));
}

int trash_open(struct images *images, struct err *err)
{
    struct trash *trash = &images->trash;
    char *path cleanup(freep) = mem_printf("%s/" TRASH, images->data_dir);
    trash->worker.ended = emptied;
    trash->gather.expired = gathered;
    trash->last = (uint64_t)clock_realtime_ns(); /* a name that none before had */
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_errno(err, errno, "cannot make the folder %s", path);
    add_leftovers(images, TRASH, "");
    add_leftovers(images, "containers", "." TRASH "-");
    add_leftovers(images, "volumes", "." TRASH "-");
    add_leftovers(images, "layers", "." TRASH "-");
    empty_soon(trash);
    return 0;
}

void trash_close(struct images *images)
{
    struct trash *trash = &images->trash;
    timer_stop(&trash->gather);
    worker_done(&trash->worker);
    vec_foreach (path, &trash->paths)
        free(*path);
    vec_done(&trash->paths);
}
