#include "file.h"

#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>

/* What a client is told where a file cannot be opened. */
static int status_of_errno(long errnum)
{
    switch (-errnum) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case EXDEV: /* leads out of the directory */
    case ENAMETOOLONG:
    case ENXIO: /* a socket */
        return 404;
    case EACCES:
    case EPERM:
        return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN: /* the tree is being renamed while we look */
        return 503;
    default:
        return 500;
    }
}

/* O_NONBLOCK: opening a FIFO must not wait for its other end. */
static long open_beneath(int root, const char *path)
{
    struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    return sys_openat2(root, path, &how, sizeof(how));
}

static bool is_fresh(const struct request *request, int64_t modified)
{
    char text[DATE_SIZE];
    struct out out = {text, 0, sizeof(text)};
    response_date(modified, &out);
    return text_same(request->if_modified_since, (struct text){text, out.n});
}

/* The status of a regular file's response, and which of its bytes are sent. */
static int describe(const struct request *request, uint64_t size, int64_t modified, struct response *response)
{
    response->size = size;
    response->modified = modified;
    if (is_fresh(request, modified))
        return 304;
    switch (request_range(request->range, size, &response->first, &response->length)) {
    case RANGE_PART:
        return 206;
    case RANGE_UNSATISFIABLE:
        return 416;
    default:
        return 200;
    }
}

int file_respond(int root, const struct request *request, struct response *response)
{
    char path[PATH_SIZE];
    int failed = request->method == METHOD_OTHER ? -405 : request_file(request, path);
    if (failed) {
        response->status = -failed;
        return -1;
    }
    long fd = open_beneath(root, path);
    if (fd < 0) {
        response->status = status_of_errno(fd);
        return -1;
    }
    struct statx st = {0};
    if (sys_statx((int)fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_SIZE | STATX_MTIME, &st) < 0) {
        response->status = 500;
    } else if ((st.stx_mode & S_IFMT) == S_IFDIR) {
        response->status = 301;
        response->directory = request->path;
    } else if ((st.stx_mode & S_IFMT) != S_IFREG) {
        response->status = 404;
    } else {
        response->type = response_type(path);
        response->status = describe(request, st.stx_size, st.stx_mtime.tv_sec, response);
        if ((response->status == 200 || response->status == 206) && !response->head_only && response->length)
            return (int)fd;
    }
    (void)sys_close((int)fd);
    return -1;
}
