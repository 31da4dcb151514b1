#include "image/filling.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#define MARK_MAX 64

bool filling_is_marked(const char *path)
{
    char *mark cleanup(freep) = mem_printf("%s" FILLING_SUFFIX, path);
    return access(mark, F_OK) == 0;
}

/* --- The mark */

static void mark_text(const struct filling *f, char text[MARK_MAX])
{
    (void)snprintf(text, MARK_MAX, "%" PRIu64 " %" PRId64 "\n", f->inode, f->born_ns);
}

bool filling_was_cut(const struct filling *f)
{
    char wanted[MARK_MAX], found[MARK_MAX];
    mark_text(f, wanted);
    return file_read_at(f->above, f->mark, found, sizeof(found)) >= 0 && str_eq(wanted, found);
}

int filling_begin(struct filling *f, struct err *err)
{
    char text[MARK_MAX];
    mark_text(f, text);
    cleanup_fd int fd = openat(f->above, f->mark, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, errno, "cannot make %s", f->mark);
    int r = file_write_all(fd, text, strlen(text));
    if (r < 0 || fsync(fd) < 0 || fsync(f->above) < 0)
        return err_errno(err, r < 0 ? r : errno, "cannot write %s", f->mark);
    return 0;
}

int filling_end(struct filling *f, struct err *err)
{
    if (syncfs(f->folder) < 0)
        return err_errno(err, errno, "cannot write what was copied to disk");
    if ((unlinkat(f->above, f->mark, 0) < 0 && errno != ENOENT) || fsync(f->above) < 0)
        return err_errno(err, errno, "cannot remove %s", f->mark);
    return 0;
}

/* --- The folder */

/* The folder that path stands in, and the mark's name there. */
static int open_above(struct filling *f, const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    int n = snprintf(f->mark, sizeof(f->mark), "%s" FILLING_SUFFIX, slash ? slash + 1 : "");
    if (!slash || path[0] != '/' || !slash[1] || n >= (int)sizeof(f->mark))
        return err_set(err, ERR_INVALID, "\"%.300s\" is no absolute path of a folder", path);
    char *above cleanup(freep) = mem_printf("%.*s", (int)(slash - path) + 1, path);
    f->above = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return f->above < 0 ? err_errno(err, errno, "cannot open %s", above) : 0;
}

int filling_open(struct filling *f, const char *path, struct err *err)
{
    struct statx st;
    *f = FILLING;
    if (open_above(f, path, err) < 0)
        return -1;
    f->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->folder < 0)
        return err_errno(err, errno, "cannot open %s", path);
    if (statx(f->folder, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &st) < 0 || flock(f->above, LOCK_EX) < 0)
        return err_errno(err, errno, "cannot take hold of %s", path);
    f->inode = st.stx_ino;
    f->born_ns = st.stx_mask & STATX_BTIME ? st.stx_btime.tv_sec * 1000000000 + st.stx_btime.tv_nsec : 0;
    return 0;
}

void filling_done(struct filling *f)
{
    closep(&f->folder);
    closep(&f->above);
    *f = FILLING;
}
