#include "open.h"

#include "sys.h"

#include <stdbool.h>

/* O_NONBLOCK: opening a FIFO must not wait for its other end. */
#define FILE_FLAGS   (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
#define FOLDER_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)

static bool is_up(const char *name, const char *end)
{
    return end - name == 2 && name[0] == '.' && name[1] == '.';
}

static long walk(char *path)
{
    long fd = AT_FDCWD;
    if (*path == '/')
        return -EXDEV;
    for (;;) {
        char *end = path;
        while (*end && *end != '/')
            end++;
        int folder = (int)fd;
        char after = *end;
        *end = '\0';
        fd = is_up(path, end) ? -EXDEV : sys_openat(folder, path, O_NOFOLLOW | (after ? FOLDER_FLAGS : FILE_FLAGS));
        *end = after;
        if (folder != AT_FDCWD)
            (void)sys_close(folder);
        if (fd < 0 || !after)
            return fd;
        for (path = end; *path == '/';)
            path++;
    }
}

long open_beneath(char *path)
{
    struct open_how how = {.flags = FILE_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd = sys_openat2(AT_FDCWD, path, &how, sizeof(how));
    return fd == -ENOSYS ? walk(path) : fd;
}
