#include "image/stage.h"

#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/confine.h"
#include "image/stage_message.h"
#include "image/work.h"
#include "ipc/message.h"
#include "ipc/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

struct stage {
    char *path;
    int folder, socket;
    pid_t helper;
    volatile int64_t *progress; /* shared */
};

/* --- Folders -------------------------------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    mode_t mode;
} folders[] = {
    {"images", 0700},     {"images/blobs", 0700}, {"images/blobs/sha256", 0700}, {"images/blobs/sha512", 0700},
    {"images/tar", 0700}, {"layers", 0710}};

static int make_folders(const char *data_dir, struct err *err)
{
    if (mkdir(data_dir, 0711) < 0 && errno != EEXIST)
        return err_errno(err, errno, "cannot make %s", data_dir);
    cleanup_fd int data = open(data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (data < 0)
        return err_errno(err, errno, "cannot open %s", data_dir);
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
        if (mkdirat(data, folders[i].name, folders[i].mode) < 0 && errno != EEXIST)
            return err_errno(err, errno, "cannot make %s/%s", data_dir, folders[i].name);
    return take_fd(&data);
}

/* --- Starting and ending -------------------------------------------------------------------------------------------
 */

static int start_helper(struct stage *stage, const struct stage_helper_options *options, struct err *err)
{
    int ends[2];
    pid_t job = getpid();
    int r = socket_pair(ends);
    if (r < 0)
        return err_errno(err, r, "cannot start the helper");
    stage->helper = fork();
    if (stage->helper < 0) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        return err_errno(err, errno, "cannot start the helper");
    }
    if (stage->helper == 0) {
        struct stage_helper_options own = *options;
        own.socket = ends[1];
        (void)close(ends[0]);
        confine_to_parent(job);
        stage_helper_run(&own);
        _exit(0);
    }
    (void)close(ends[1]);
    stage->socket = ends[0];
    return 0;
}

struct stage *stage_open(const struct stage_options *options, struct err *err)
{
    struct stage *stage cleanup(stage_freep) = NEW(struct stage);
    char random[ID_SIZE], name[ID_SIZE];
    stage->folder = stage->socket = -1;
    id_new(random);
    (void)snprintf(name, sizeof(name), "tmp-%.12s", random);
    const char *chosen = options->name ? options->name : name;
    if (!str_starts(chosen, "tmp-") || strchr(chosen, '/')) {
        err_set(err, ERR_INVALID, "\"%s\" is no name of a staging folder", chosen);
        return NULL;
    }
    cleanup_fd int data = make_folders(options->data_dir, err);
    if (data < 0)
        return NULL;
    stage->path = mem_printf("%s/layers/%s", options->data_dir, chosen);
    if (mkdir(stage->path, 0700) < 0 && errno != EEXIST) {
        err_errno(err, errno, "cannot make %s", stage->path);
        return NULL;
    }
    stage->folder = open(stage->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    size_t size = STAGE_SLOTS_MAX * sizeof(int64_t);
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stage->folder < 0 || shared == MAP_FAILED) {
        err_errno(err, errno, "cannot use %s", stage->path);
        return NULL;
    }
    stage->progress = shared;
    struct stage_helper_options helper = {.data = data,
                                          .folder = stage->folder,
                                          .name = chosen,
                                          .reserve_bytes = options->reserve_bytes,
                                          .progress = stage->progress};
    return start_helper(stage, &helper, err) < 0 ? NULL : TAKE(stage);
}

void stage_free(struct stage *stage)
{
    close_fd(&stage->socket);
    if (stage->helper > 0)
        (void)waitpid(stage->helper, NULL, 0);
    if (stage->progress)
        (void)munmap((void *)stage->progress, STAGE_SLOTS_MAX * sizeof(int64_t));
    close_fd(&stage->folder);
    free(stage->path);
    free(stage);
}

int stage_folder(const struct stage *stage)
{
    return stage->folder;
}

const char *stage_path(const struct stage *stage)
{
    return stage->path;
}

int stage_fd(const struct stage *stage)
{
    return stage->socket;
}

int64_t stage_progress(const struct stage *stage, unsigned slot)
{
    return stage->progress[slot];
}

/* --- Talking to the helper -----------------------------------------------------------------------------------------
 */

static int ask(struct stage *stage, const struct stage_request *request, int fd, struct err *err)
{
    int r = message_send_data(stage->socket, request, sizeof(*request), &fd, fd >= 0 ? 1 : 0);
    return r < 0 ? err_errno(err, r, "the unpacking helper is gone") : 0;
}

int stage_unpack(struct stage *stage, unsigned slot, const struct byte_source *source, int64_t compressed_size,
                 const char *diff_id, struct err *err)
{
    struct stage_request request = {.type = STAGE_UNPACK,
                                    .slot = slot,
                                    .offset = source->offset,
                                    .left = source->left,
                                    .compressed_size = compressed_size};
    if (diff_id)
        (void)snprintf(request.diff_id, sizeof(request.diff_id), "%s", diff_id);
    return ask(stage, &request, source->fd, err);
}

/* The next reply that is no warning: 1, or 0 where none waits. */
static int receive(struct stage *stage, bool wait, struct stage_reply *ret, struct err *err)
{
    for (;;) {
        struct pollfd poller = {.fd = stage->socket, .events = POLLIN};
        int ready = poll(&poller, 1, wait ? -1 : 0);
        if (ready == 0)
            return 0;
        if (ready < 0 && errno == EINTR)
            continue;
        ssize_t n = message_receive(stage->socket, ret, sizeof(*ret), NULL);
        if (n != (ssize_t)sizeof(*ret))
            return err_errno(err, n < 0 ? (int)n : EPIPE, "the unpacking helper is gone");
        if (ret->type != STAGE_WARNING)
            return 1;
        work_warning("%s", ret->err.message);
    }
}

int stage_next(struct stage *stage, bool wait, struct stage_layer *ret, struct err *err)
{
    struct stage_reply reply;
    int r = receive(stage, wait, &reply, err);
    if (r <= 0)
        return r;
    if (reply.failed) {
        *err = reply.err;
        return -1;
    }
    *ret = reply.layer;
    return 1;
}

int stage_commit(struct stage *stage, struct stage_place *places, size_t count, struct err *err)
{
    struct stage_request request = {.type = STAGE_COMMIT, .count = (unsigned)count};
    struct stage_reply reply = {0};
    memcpy(request.places, places, count * sizeof(*places));
    if (ask(stage, &request, -1, err) < 0 || receive(stage, true, &reply, err) < 0)
        return -1;
    if (reply.failed) {
        *err = reply.err;
        return -1;
    }
    memcpy(places, reply.places, count * sizeof(*places));
    return 0;
}
