#include "image/stage_child.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/confine.h"
#include "image/unpack.h"
#include "sys/capabilities.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>

#define CHILD_CAPABILITIES                                                                                             \
    (CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_FOWNER) | CAPABILITY(CAP_FSETID) |          \
     CAPABILITY(CAP_MKNOD) | CAPABILITY(CAP_SETFCAP))

/* Address space: a zstd window, the lists of folders, and some more. */
#define MEMORY_MAX ((rlim_t)2 << 30)

/* The descriptors, where they stand once everything else is closed. */
enum { FD_BLOB = 3, FD_ROOT, FD_SKELETON, FD_OUTPUT, FD_END };

/* --- Confining -----------------------------------------------------------------------------------------------------
 */

static int arrange_descriptors(const struct stage_child *child)
{
    const int from[] = {child->blob, child->root, child->skeleton, child->output};
    int high[ARRAY_SIZE(from)];
    for (size_t i = 0; i < ARRAY_SIZE(from); i++)
        if ((high[i] = file_dup(from[i], 64)) < 0)
            return high[i];
    for (size_t i = 0; i < ARRAY_SIZE(from); i++)
        if (dup3(high[i], FD_BLOB + (int)i, O_CLOEXEC) < 0)
            return -errno;
    return file_close_from(FD_END);
}

static int confine(struct err *err)
{
    struct rlimit memory = {MEMORY_MAX, MEMORY_MAX}, cores = {0, 0};
    (void)unshare(CLONE_NEWNET | CLONE_NEWIPC); /* sockets are denied besides */
    if (fchdir(FD_ROOT) < 0 || chroot(".") < 0)
        return err_errno(err, errno, "cannot enter the layer's folder");
    (void)setrlimit(RLIMIT_AS, &memory);
    (void)setrlimit(RLIMIT_CORE, &cores);
    if (confine_capabilities(CHILD_CAPABILITIES, err) < 0)
        return -1;
    return confine_calls(true, err);
}

/* --- Reporting -----------------------------------------------------------------------------------------------------
 */

static void add_record(struct buf *report, char type, const char *text)
{
    buf_addc(report, type);
    buf_add(report, text, strlen(text) + 1);
}

static void add_records(struct buf *report, char type, const struct strings *list)
{
    for (size_t i = 0; i < list->count; i++)
        add_record(report, type, list->items[i]);
}

static void add_result(struct buf *report, const struct unpack_result *result)
{
    char text[DIGEST_SIZE + 64];
    add_records(report, 'w', &result->warnings);
    add_records(report, 'o', &result->opaque);
    add_records(report, 'i', &result->implied);
    if (result->replaced)
        add_record(report, 'r', "");
    (void)snprintf(text, sizeof(text), "%lld %lld %s", (long long)result->size, (long long)result->tar_size,
                   result->diff_id);
    add_record(report, 'd', text);
}

static void add_error(struct buf *report, const struct err *err)
{
    char text[ERR_MESSAGE_MAX + 32];
    (void)snprintf(text, sizeof(text), "%d %d %s", (int)err->kind, err->errnum, err->message);
    buf_reset(report);
    add_record(report, 'e', text);
}

_Noreturn void stage_child_run(const struct stage_child *child)
{
    struct err err;
    struct arena arena = {0};
    struct unpack_result result = {.arena = &arena};
    struct buf report = BUF(STAGE_REPORT_MAX);
    if (arrange_descriptors(child) < 0)
        _exit(1);
    struct unpack_options options = {.root = FD_ROOT,
                                     .source = child->source,
                                     .skeleton = FD_SKELETON,
                                     .whole_skeleton = child->whole,
                                     .owners = true,
                                     .compressed_size = child->compressed_size,
                                     .reserve_bytes = child->reserve_bytes,
                                     .progress = child->progress};
    options.source.fd = FD_BLOB;
    if (confine(&err) < 0 || unpack_layer(&options, &result, &err) < 0)
        add_error(&report, &err);
    else
        add_result(&report, &result);
    _exit(file_write_all(FD_OUTPUT, report.data, report.size) < 0 ? 1 : 0);
}

/* --- Reading the report --------------------------------------------------------------------------------------------
 */

static int read_error(const char *text, struct err *err)
{
    int kind, errnum, start = 0;
    if (sscanf(text, "%d %d %n", &kind, &errnum, &start) < 2 || start == 0 || kind < 1 || kind >= ERR_KIND_COUNT)
        return err_set(err, ERR_INTERNAL, "unpacking a layer failed in an unknown way");
    err_set(err, (enum err_kind)kind, "%s", text + start);
    err->errnum = errnum;
    return -1;
}

static bool read_digest(const char *text, struct stage_layer *ret)
{
    long long size, tar_size;
    int start = 0;
    if (sscanf(text, "%lld %lld %n", &size, &tar_size, &start) < 2 || start == 0 || !digest_is_valid(text + start))
        return false;
    (void)snprintf(ret->diff_id, sizeof(ret->diff_id), "%s", text + start);
    ret->size = size;
    ret->tar_size = tar_size;
    return true;
}

static void read_text(struct stage_report *ret, struct strings *list, const char *text)
{
    vec_push_in(ret->arena, list, arena_strdup(ret->arena, text));
}

int stage_report_read(const char *data, size_t size, struct stage_report *ret, struct err *err)
{
    bool complete = false;
    const char *end = data + size;
    for (const char *p = data; p < end; p += strlen(p) + 1) {
        const char *text = p + 1;
        if (!memchr(p, '\0', (size_t)(end - p)) || !*p)
            break;
        if (*p == 'e')
            return read_error(text, err);
        if (*p == 'w')
            read_text(ret, &ret->warnings, text);
        else if (*p == 'o')
            read_text(ret, &ret->opaque, text);
        else if (*p == 'i')
            read_text(ret, &ret->implied, text);
        else if (*p == 'r')
            ret->replaced = true;
        else if (*p == 'd')
            complete = read_digest(text, &ret->layer);
    }
    return complete ? 0 : err_set(err, ERR_INTERNAL, "unpacking a layer ended without a word");
}
