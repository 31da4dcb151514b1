#include "file.h"

#include "condition.h"
#include "open.h"
#include "sys.h"

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

/* The status for what was opened. */
static int describe(int fd, const char *path, const struct request *request, struct response *response)
{
    struct statx st = {0};
    if (sys_statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_SIZE | STATX_MTIME, &st) < 0)
        return 500;
    if ((st.stx_mode & S_IFMT) == S_IFDIR) {
        response->directory = request->path;
        response->query = request->query;
        return 301;
    }
    if ((st.stx_mode & S_IFMT) != S_IFREG)
        return 404;
    response->type = response_type(path);
    response->size = st.stx_size;
    response->modified.seconds = st.stx_mtime.tv_sec;
    response->modified.nanoseconds = st.stx_mtime.tv_nsec;
    return condition_status(request, response);
}

int file_respond(const struct request *request, struct response *response)
{
    char path[PATH_SIZE];
    int failed = request->method == METHOD_OTHER ? -405 : request_file(request, path);
    if (failed) {
        response->status = -failed;
        return -1;
    }
    long fd = open_beneath(path);
    if (fd < 0) {
        response->status = status_of_errno(fd);
        return -1;
    }
    response->status = describe((int)fd, path, request, response);
    if ((response->status == 200 || response->status == 206) && !response->head_only && response->length)
        return (int)fd;
    (void)sys_close((int)fd);
    return -1;
}
