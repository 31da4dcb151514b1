/* Configs and secrets: files below DATA/stacks/NAME/, mounted read-only into the replicas that are granted them. */
#include "cluster/internal.h"

#include "base/log.h"
#include "base/str.h"
#include "codec/base64.h"
#include "codec/digest.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define CONTENT_MAX ((size_t)4 << 20)

static char *stack_folder(struct manager *manager, const char *stack, struct arena *arena)
{
    return arena_printf(arena, "%s/stacks/%s", engine_config(manager->engine)->data_dir, stack);
}

static int make_folders(struct manager *manager, const char *folder, struct arena *arena, struct err *err)
{
    const char *parent = arena_printf(arena, "%s/stacks", engine_config(manager->engine)->data_dir);
    if ((mkdir(parent, 0700) < 0 && errno != EEXIST) || (mkdir(folder, 0700) < 0 && errno != EEXIST))
        return err_errno(err, errno, "cannot make the folder %s", folder);
    return 0;
}

static uint32_t number_or_root(const char *text)
{
    uint64_t value;
    return text && str_to_u64(text, &value) && value < UINT32_MAX ? (uint32_t)value : 0;
}

/* Written under another name and renamed, so that a file of the final name is whole. */
static int write_file(const char *path, const struct file_grant *grant, const struct buf *content, struct arena *arena,
                      struct err *err)
{
    const char *partial = arena_printf(arena, "%s.partial", path);
    cleanup_fd int fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || file_write_all(fd, buf_str(content), content->size) < 0 ||
        fchown(fd, number_or_root(grant->uid), number_or_root(grant->gid)) < 0 ||
        fchmod(fd, grant->mode ? (mode_t)grant->mode : 0444) < 0 || rename(partial, path) < 0)
        return err_errno(err, errno, "cannot write %s", path);
    return 0;
}

static int grant_one(struct manager *manager, const struct stack_spec *stack, const struct file_grant *grant,
                     struct container_spec *spec, struct arena *arena, struct err *err)
{
    const struct stack_file *file = stack_granted_file(stack, grant);
    const char *noun = grant->secret ? "secret" : "config", *folder = stack_folder(manager, stack->name, arena);
    struct buf content cleanup(buf_done) = BUF(CONTENT_MAX);
    char hash[DIGEST_SHA256_SIZE];
    if (!file || file->external || !file->content)
        return err_set(err, ERR_UNSUPPORTED,
                       "%s %s is external: only those with a file, an environment variable or content are offered",
                       noun, grant->source);
    if (!base64_decode(file->content, strlen(file->content), &content))
        return err_set(err, ERR_INVALID, "%s %s: its content is not base64, or larger than 4 MiB", noun, grant->source);
    const char *identity =
        arena_printf(arena, "%s/%s/%s/%o/%s", noun, grant->source, grant->target, (unsigned)grant->mode, file->content);
    digest_of(identity, strlen(identity), hash);
    const char *path = arena_printf(arena, "%s/%.32s", folder, digest_hex(hash));
    if (make_folders(manager, folder, arena, err) < 0 || write_file(path, grant, &content, arena, err) < 0)
        return -1;
    vec_push_in(arena, &spec->host.mounts,
                (struct mount_spec){
                    .type = (char *)"bind", .source = (char *)path, .target = grant->target, .read_only = true});
    return 0;
}

int files_grant(struct manager *manager, const struct stack_spec *stack, const struct service_spec *service,
                struct container_spec *spec, struct arena *arena, struct err *err)
{
    /* The list is the service's own: it is copied before anything is added. */
    struct mount_spec *own = spec->host.mounts.items;
    size_t count = spec->host.mounts.count;
    memset(&spec->host.mounts, 0, sizeof(spec->host.mounts));
    for (size_t i = 0; i < count; i++)
        vec_push_in(arena, &spec->host.mounts, own[i]);
    vec_foreach (grant, &service->files)
        if (grant_one(manager, stack, grant, spec, arena, err) < 0)
            return err_wrap(err, "service %s", service->name);
    return 0;
}

void files_remove(struct manager *manager, const char *stack)
{
    struct arena arena cleanup(arena_done) = {0};
    struct err err;
    if (images_discard(engine_images(manager->engine), stack_folder(manager, stack, &arena), &err) < 0)
        log_warning("files of a stack that is gone are left: %s", err.message);
}
