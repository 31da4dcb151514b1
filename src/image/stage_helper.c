/* The helper: forks a confined child for each layer, judges what the child reports, and moves finished layers to their
 * places. */
#include "base/buf.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "image/beneath.h"
#include "image/confine.h"
#include "image/stage_child.h"
#include "image/stage_message.h"
#include "ipc/message.h"
#include "sys/capabilities.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define PARALLEL_MAX 3

/* What the helper and its children may do; SYS_ADMIN is for trusted.* attributes and a child's own network namespace.
 */
#define HELPER_CAPABILITIES                                                                                            \
    (CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_DAC_READ_SEARCH) | CAPABILITY(CAP_FOWNER) | \
     CAPABILITY(CAP_FSETID) | CAPABILITY(CAP_MKNOD) | CAPABILITY(CAP_SETFCAP) | CAPABILITY(CAP_SYS_ADMIN) |            \
     CAPABILITY(CAP_SYS_CHROOT) | CAPABILITY(CAP_SETPCAP))

/* A child that unpacks. */
struct unpacking {
    pid_t pid; /* 0: free */
    int output;
    struct buf report;
    struct stage_request request;
    int blob; /* owned */
    bool whole;
};

struct layer {
    bool done;
    struct strings implied; /* in the arena */
};

struct helper {
    const struct stage_helper_options *options;
    struct unpacking unpackings[PARALLEL_MAX];
    struct layer layers[STAGE_SLOTS_MAX];
    VEC(struct unpacking) waiting;
    struct arena arena;
};

/* --- Replies -------------------------------------------------------------------------------------------------------
 */

static void reply(struct helper *h, const struct stage_reply *r)
{
    (void)message_send_data(h->options->socket, r, sizeof(*r), NULL, 0);
}

static void reply_failure(struct helper *h, enum stage_reply_type type, unsigned slot, const struct err *err)
{
    struct stage_reply r = {.type = type, .failed = true, .err = *err, .layer.slot = slot};
    reply(h, &r);
}

static void reply_warnings(struct helper *h, const struct strings *warnings)
{
    struct stage_reply r = {.type = STAGE_WARNING};
    for (size_t i = 0; i < warnings->count; i++) {
        err_set(&r.err, ERR_UNSUPPORTED, "%s", warnings->items[i]);
        reply(h, &r);
    }
}

/* --- Unpacking -----------------------------------------------------------------------------------------------------
 */

static void folder_name(char name[16], unsigned slot)
{
    (void)snprintf(name, 16, "%u", slot);
}

static void skeleton_name(char name[16], unsigned slot)
{
    (void)snprintf(name, 16, "%u.zst", slot);
}

/* An empty folder and an empty skeleton for the layer. */
static int make_place(struct helper *h, struct stage_child *child, unsigned slot, struct err *err)
{
    char folder[16], skeleton[16];
    int staging = h->options->folder;
    folder_name(folder, slot);
    skeleton_name(skeleton, slot);
    if (tree_remove(staging, folder, err) < 0)
        return -1;
    if (mkdirat(staging, folder, 0755) < 0)
        return err_errno(err, errno, "cannot make the folder of a layer");
    child->root = openat(staging, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    child->skeleton = openat(staging, skeleton, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (child->root < 0 || child->skeleton < 0)
        return err_errno(err, errno, "cannot make the folder of a layer");
    return 0;
}

static int start_child(struct helper *h, struct unpacking *u, struct stage_child *child, struct err *err)
{
    int ends[2];
    pid_t helper = getpid();
    if (make_place(h, child, u->request.slot, err) < 0)
        return -1;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_errno(err, errno, "cannot make a pipe");
    child->output = ends[1];
    u->pid = fork();
    if (u->pid == 0) {
        confine_to_parent(helper);
        stage_child_run(child);
    }
    int failed = errno;
    (void)close(ends[1]);
    u->output = ends[0];
    u->report = BUF(STAGE_REPORT_MAX);
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return u->pid < 0 ? err_errno(err, failed, "cannot start to unpack") : 0;
}

static void forget(struct unpacking *u)
{
    close_fd(&u->output);
    close_fd(&u->blob);
    buf_done(&u->report);
    u->pid = 0;
}

static void start(struct helper *h, struct unpacking *u)
{
    struct err err;
    const struct stage_request *request = &u->request;
    struct stage_child child = {.blob = u->blob,
                                .root = -1,
                                .skeleton = -1,
                                .source = {.fd = u->blob, .offset = request->offset, .left = request->left},
                                .compressed_size = request->compressed_size,
                                .whole = u->whole,
                                .reserve_bytes = h->options->reserve_bytes,
                                .progress = &h->options->progress[request->slot]};
    u->output = -1;
    int r = start_child(h, u, &child, &err);
    close_fd(&child.root);
    close_fd(&child.skeleton);
    if (r < 0) {
        reply_failure(h, STAGE_DONE, request->slot, &err);
        forget(u);
    }
}

static void start_waiting(struct helper *h)
{
    for (unsigned i = 0; i < PARALLEL_MAX && h->waiting.count > 0; i++) {
        if (h->unpackings[i].pid != 0)
            continue;
        h->unpackings[i] = h->waiting.items[0];
        vec_remove(&h->waiting, 0);
        start(h, &h->unpackings[i]);
    }
}

/* --- What a child reports ------------------------------------------------------------------------------------------
 */

/* The descriptor of a layer's folder. */
static int open_layer(struct helper *h, unsigned slot)
{
    char folder[16];
    folder_name(folder, slot);
    return openat(h->options->folder, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int mark_opaque(struct helper *h, unsigned slot, const struct strings *paths, struct err *err)
{
    cleanup_fd int layer = open_layer(h, slot);
    for (size_t i = 0; layer >= 0 && i < paths->count; i++) {
        const char *path = *paths->items[i] ? paths->items[i] : ".";
        cleanup_fd int fd = file_open_in_root(layer, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
        if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
            continue; /* replaced by a later entry */
        if (fd < 0 || fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0) < 0)
            return err_errno(err, fd < 0 ? fd : errno, "cannot mark \"%s\" as opaque", path);
    }
    return layer < 0 ? err_errno(err, errno, "cannot open the folder of a layer") : 0;
}

/* Judges a finished child. *ret_again: it must be unpacked once more, with the contents in the skeleton. */
static int judge(struct helper *h, struct unpacking *u, int status, struct stage_reply *r, bool *ret_again,
                 struct err *err)
{
    struct stage_report report = {.arena = &h->arena};
    unsigned slot = u->request.slot;
    if (WIFSIGNALED(status))
        return err_set(err, ERR_INTERNAL, "unpacking a layer was ended by signal %d (%s)", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) == MEM_EXIT_STATUS)
        return err_set(err, ERR_LIMIT, "unpacking a layer ran out of memory");
    if (buf_failed(&u->report) || stage_report_read(u->report.data, u->report.size, &report, err) < 0)
        return buf_failed(&u->report) ? err_set(err, ERR_LIMIT, "a layer has too many folders to remember") : -1;
    *ret_again = report.replaced && !u->whole;
    if (*ret_again)
        return 0;
    reply_warnings(h, &report.warnings);
    if (*u->request.diff_id && !str_eq(u->request.diff_id, report.layer.diff_id))
        return err_set(err, ERR_INVALID, "wrong layer: its tar has the digest %s, the image says %s",
                       report.layer.diff_id, u->request.diff_id);
    if (mark_opaque(h, slot, &report.opaque, err) < 0)
        return -1;
    h->layers[slot] = (struct layer){.done = true, .implied = report.implied};
    r->layer = report.layer;
    r->layer.slot = slot;
    return 0;
}

static void on_child_end(struct helper *h, struct unpacking *u)
{
    struct err err;
    struct stage_reply r = {.type = STAGE_DONE};
    bool again = false;
    int status = 0;
    while (waitpid(u->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (judge(h, u, status, &r, &again, &err) < 0) {
        reply_failure(h, STAGE_DONE, u->request.slot, &err);
    } else if (again) {
        close_fd(&u->output);
        buf_done(&u->report);
        u->whole = true;
        start(h, u);
        return;
    } else {
        reply(h, &r);
    }
    forget(u);
    start_waiting(h);
}

static void on_report(struct helper *h, struct unpacking *u)
{
    for (;;) {
        void *room = buf_reserve(&u->report, 64 * 1024);
        char dropped[4096]; /* a report that is too long is read to its end, and refused */
        ssize_t n = read(u->output, room ? room : dropped, room ? 64 * 1024 : sizeof(dropped));
        if (n > 0 && room)
            buf_claim(&u->report, (size_t)n);
        else if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        else if (n <= 0)
            break;
    }
    on_child_end(h, u);
}

/* --- Committing ----------------------------------------------------------------------------------------------------
 */

/* 12 of 32 letters and digits. */
static void random_name(char name[LAYER_NAME_SIZE])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    char id[ID_SIZE];
    id_new(id);
    for (int i = 0; i < 12; i++) {
        unsigned byte = 0;
        (void)sscanf(id + (size_t)i * 2, "%2x", &byte);
        name[i] = letters[byte % 32];
    }
    name[12] = '\0';
}

static int open_place(struct helper *h, const struct stage_place *place, struct err *err)
{
    if (!*place->name) {
        if (place->slot >= STAGE_SLOTS_MAX || !h->layers[place->slot].done)
            return err_set(err, ERR_INTERNAL, "layer %u was not unpacked", place->slot);
        int fd = open_layer(h, place->slot);
        return fd < 0 ? err_errno(err, errno, "cannot open a layer") : fd;
    }
    char path[LAYER_NAME_SIZE + 8];
    (void)snprintf(path, sizeof(path), "layers/%s", place->name);
    int fd = strchr(place->name, '/') ? -1 : openat(h->options->data, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_errno(err, errno, "the layer %s is missing", place->name) : fd;
}

static int settle(struct helper *h, const struct stage_request *request, struct err *err)
{
    int lower[IMAGE_LAYERS_MAX]; /* the nearest first: filled from the end */
    size_t first = IMAGE_LAYERS_MAX;
    int r = 0;
    for (unsigned i = 0; r == 0 && i < request->count; i++) {
        const struct stage_place *place = &request->places[i];
        int fd = open_place(h, place, err);
        if (fd < 0) {
            r = -1;
            break;
        }
        if (!*place->name)
            r = stage_settle(fd, &h->layers[place->slot].implied, lower + first, IMAGE_LAYERS_MAX - first, err);
        lower[--first] = fd;
    }
    for (size_t i = first; i < IMAGE_LAYERS_MAX; i++)
        (void)close(lower[i]);
    return r;
}

static int move_layer(struct helper *h, struct stage_place *place, struct err *err)
{
    char folder[16], skeleton[16], to[64];
    folder_name(folder, place->slot);
    skeleton_name(skeleton, place->slot);
    random_name(place->name);
    (void)snprintf(to, sizeof(to), "images/tar/%s.zst", place->name);
    if (renameat(h->options->folder, skeleton, h->options->data, to) < 0)
        return err_errno(err, errno, "cannot move a layer's skeleton to %s", to);
    (void)snprintf(to, sizeof(to), "layers/%s", place->name);
    if (renameat(h->options->folder, folder, h->options->data, to) < 0)
        return err_errno(err, errno, "cannot move a layer to %s", to);
    return 0;
}

static int sync_folder(struct helper *h, const char *path, struct err *err)
{
    cleanup_fd int fd = openat(h->options->data, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? err_errno(err, errno, "cannot write %s to the disk", path) : 0;
}

static int commit(struct helper *h, struct stage_request *request, struct err *err)
{
    bool any = false;
    if (request->count > IMAGE_LAYERS_MAX)
        return err_set(err, ERR_INTERNAL, "too many layers");
    if (settle(h, request, err) < 0)
        return -1;
    for (unsigned i = 0; i < request->count; i++)
        any |= !*request->places[i].name;
    if (!any)
        return 0;
    /* Everything at once: an fsync for each of a layer's files would take minutes. */
    if (syncfs(h->options->folder) < 0)
        return err_errno(err, errno, "cannot write the layers to the disk");
    for (unsigned i = 0; i < request->count; i++)
        if (!*request->places[i].name && move_layer(h, &request->places[i], err) < 0)
            return -1;
    return sync_folder(h, "images/tar", err) < 0 ? -1 : sync_folder(h, "layers", err);
}

/* --- Serving -------------------------------------------------------------------------------------------------------
 */

static void on_commit(struct helper *h, struct stage_request *request)
{
    struct err err;
    struct stage_reply r = {.type = STAGE_COMMITTED};
    if (commit(h, request, &err) < 0) {
        reply_failure(h, STAGE_COMMITTED, 0, &err);
        return;
    }
    memcpy(r.places, request->places, sizeof(r.places));
    reply(h, &r);
}

/* False when the job is gone. */
static bool on_request(struct helper *h)
{
    struct stage_request request;
    struct message_fds fds cleanup(message_fds_close) = MESSAGE_FDS_NONE;
    ssize_t n = message_receive(h->options->socket, &request, sizeof(request), &fds);
    if (n != (ssize_t)sizeof(request))
        return n == -EAGAIN;
    if (request.type == STAGE_COMMIT) {
        on_commit(h, &request);
    } else if (request.type == STAGE_UNPACK && request.slot < STAGE_SLOTS_MAX) {
        vec_push(&h->waiting, (struct unpacking){.request = request, .blob = message_fds_take(&fds, 0), .output = -1});
        start_waiting(h);
    }
    return true;
}

static bool serve_once(struct helper *h)
{
    struct pollfd pollers[1 + PARALLEL_MAX] = {{.fd = h->options->socket, .events = POLLIN}};
    for (unsigned i = 0; i < PARALLEL_MAX; i++)
        pollers[1 + i] = (struct pollfd){.fd = h->unpackings[i].pid ? h->unpackings[i].output : -1, .events = POLLIN};
    if (poll(pollers, ARRAY_SIZE(pollers), -1) < 0)
        return errno == EINTR;
    for (unsigned i = 0; i < PARALLEL_MAX; i++)
        if (pollers[1 + i].revents)
            on_report(h, &h->unpackings[i]);
    return !pollers[0].revents || on_request(h);
}

/* Ends what still runs and removes what was not committed. */
static void clean_up(struct helper *h)
{
    struct err err;
    char path[64];
    for (unsigned i = 0; i < PARALLEL_MAX; i++) {
        if (h->unpackings[i].pid == 0)
            continue;
        (void)kill(h->unpackings[i].pid, SIGKILL);
        (void)waitpid(h->unpackings[i].pid, NULL, 0);
        forget(&h->unpackings[i]);
    }
    vec_foreach (waiting, &h->waiting)
        close_fd(&waiting->blob);
    vec_done(&h->waiting);
    arena_done(&h->arena);
    (void)snprintf(path, sizeof(path), "layers/%s", h->options->name);
    (void)tree_remove(h->options->data, path, &err); /* what stays is swept away at the next start */
}

void stage_helper_run(const struct stage_helper_options *options)
{
    struct err err;
    struct helper *h = NEW(struct helper);
    h->options = options;
    if (confine_capabilities(HELPER_CAPABILITIES, &err) < 0)
        reply_failure(h, STAGE_DONE, 0, &err);
    else
        while (serve_once(h))
            ;
    clean_up(h);
    free(h);
}
