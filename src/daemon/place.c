#include "daemon/place.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#define LOCK_RETRY_MS    10
#define LOCK_PATIENCE_MS 1000

#define DATA_MODE        0710
#define RUN_MODE         0755

/* Makes path and what leads to it; what is there already keeps its mode. */
static int make_folders(const char *path, mode_t mode, struct err *err)
{
    char part[PATH_MAX];
    if (strlen(path) >= sizeof(part))
        return err_set(err, ERR_INVALID, "the path is too long: %.200s…", path);
    for (const char *p = path; p; p = strchr(p + 1, '/')) {
        const char *slash = strchr(p + 1, '/');
        size_t size = slash ? (size_t)(slash - path) : strlen(path);
        (void)snprintf(part, sizeof(part), "%.*s", (int)size, path);
        if (*part && mkdir(part, slash ? 0755 : mode) < 0 && errno != EEXIST)
            return err_errno(err, errno, "cannot make the folder %s", part);
    }
    return 0;
}

static int open_folder(const char *path, mode_t mode, char real[PATH_MAX], struct err *err)
{
    struct stat st;
    if (make_folders(path, mode, err) < 0)
        return -1;
    if (!realpath(path, real) || stat(real, &st) < 0)
        return err_errno(err, errno, "cannot open the folder %s", path);
    if (!S_ISDIR(st.st_mode))
        return err_set(err, ERR_INVALID, "%s is not a folder", path);
    return 0;
}

/* A child of a daemon that was killed has its lock, too, between its fork and its exec: it is waited for. */
static int lock_patiently(int fd)
{
    for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited += LOCK_RETRY_MS) {
        if (errno != EWOULDBLOCK || waited >= LOCK_PATIENCE_MS)
            return -errno;
        (void)usleep(LOCK_RETRY_MS * 1000);
    }
    return 0;
}

static int lock_data(struct place *place, struct err *err)
{
    char path[PATH_MAX + 8];
    (void)snprintf(path, sizeof(path), "%s/lock", place->data_dir);
    place->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (place->lock < 0)
        return err_errno(err, errno, "cannot open %s", path);
    int r = lock_patiently(place->lock);
    if (r == -EWOULDBLOCK)
        return err_set(err, ERR_CONFLICT,
                       "another daemon uses the data directory %s; give this one another with --data-dir and --run-dir",
                       place->data_dir);
    return r < 0 ? err_errno(err, r, "cannot lock %s", path) : 0;
}

static int find_programs(struct place *place, struct err *err)
{
    ssize_t n = readlink("/proc/self/exe", place->bin_dir, sizeof(place->bin_dir) - 1);
    if (n < 0)
        return err_errno(err, errno, "cannot read /proc/self/exe");
    place->bin_dir[n] = '\0';
    char *slash = strrchr(place->bin_dir, '/');
    if (slash)
        *slash = '\0';
    return 0;
}

int place_open(struct place *place, const char *data_dir, const char *run_dir, struct err *err)
{
    *place = (struct place){.lock = -1};
    if (open_folder(data_dir, DATA_MODE, place->data_dir, err) < 0 ||
        open_folder(run_dir, RUN_MODE, place->run_dir, err) < 0 || lock_data(place, err) < 0 ||
        find_programs(place, err) < 0 || instance_init(&place->instance, place->data_dir, err) < 0) {
        place_close(place);
        return -1;
    }
    return 0;
}

void place_close(struct place *place)
{
    close_fd(&place->lock);
}

gid_t place_socket_group(void)
{
    static const char *const names[] = {"shoal", "docker"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const struct group *group = getgrnam(names[i]);
        if (group)
            return group->gr_gid;
    }
    return 0;
}
