#include "base/cleanup.h"
#include "base/str.h"
#include "keeper/keeper.h"

#include <errno.h>
#include <sys/mman.h>

int store_init(struct keeper *k, struct err *err)
{
    size_t size = sizeof(struct stored) * KEEPER_STORE_MAX;
    k->stored = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (k->stored == MAP_FAILED || madvise(k->stored, size, MADV_DONTFORK) < 0)
        return err_errno(err, errno, "address space for %zu bytes", size);
    return 0;
}

/* The place of the name, or of a free one where it is "". There are few, and they are asked for rarely. */
static struct stored *find(const struct keeper *k, const char *name)
{
    for (uint32_t i = 0; i < k->stored_used; i++)
        if (str_eq(k->stored[i].name, name))
            return &k->stored[i];
    return NULL;
}

int store_put(struct keeper *k, const char *name, int fd, struct err *err)
{
    struct stored *s = find(k, name);
    if (s) {
        close_fd(&s->fd);
    } else {
        s = find(k, "");
        if (!s && k->stored_used == KEEPER_STORE_MAX)
            return err_set(err, ERR_LIMIT, "the keeper stores %d descriptors at most", KEEPER_STORE_MAX);
        if (!s)
            s = &k->stored[k->stored_used++];
        (void)strcpy(s->name, name); /* NOLINT(clang-analyzer-security.insecureAPI.strcpy): the request was checked */
    }
    s->fd = fd;
    return 0;
}

int store_find(const struct keeper *k, const char *name)
{
    const struct stored *s = find(k, name);
    return s ? s->fd : -1;
}

bool store_drop(struct keeper *k, const char *name)
{
    struct stored *s = find(k, name);
    if (!s)
        return false;
    close_fd(&s->fd);
    s->name[0] = '\0';
    return true;
}
