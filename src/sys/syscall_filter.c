#include "sys/syscall_filter.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>

static void releasep(scmp_filter_ctx *ctx)
{
    if (*ctx)
        seccomp_release(*ctx);
}

static int add_other_architectures(scmp_filter_ctx ctx)
{
    static const struct {
        uint32_t native, others[2];
    } families[] = {
        {SCMP_ARCH_X86_64, {SCMP_ARCH_X86, SCMP_ARCH_X32}},
        {SCMP_ARCH_AARCH64, {SCMP_ARCH_ARM, 0}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(families); i++)
        for (size_t j = 0; families[i].native == seccomp_arch_native() && j < 2 && families[i].others[j]; j++) {
            int r = seccomp_arch_add(ctx, families[i].others[j]);
            if (r < 0 && r != -EEXIST)
                return r;
        }
    return 0;
}

static int add_rule(scmp_filter_ctx ctx, const struct seccomp_rule *rule)
{
    int number = seccomp_syscall_resolve_name(rule->name);
    if (number == __NR_SCMP_ERROR)
        return 0;
    uint32_t action = rule->error ? SCMP_ACT_ERRNO((uint32_t)rule->error) : SCMP_ACT_ALLOW;
    const struct seccomp_condition *c = rule->condition;
    struct scmp_arg_cmp compare = {0};
    if (c)
        compare = c->differs ? SCMP_CMP(c->argument, SCMP_CMP_NE, c->value)
                             : SCMP_CMP(c->argument, SCMP_CMP_MASKED_EQ, c->mask, c->value);
    return seccomp_rule_add_array(ctx, action, number, c ? 1 : 0, &compare);
}

/* libseccomp 2.5 writes programs to descriptors only. */
static int take_program(scmp_filter_ctx ctx, struct sock_filter **ret)
{
    cleanup_fd int fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = seccomp_export_bpf(ctx, fd);
    if (r < 0)
        return r;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    *ret = mem_alloc((size_t)st.st_size + 1);
    if (pread(fd, *ret, (size_t)st.st_size, 0) != st.st_size) {
        free(TAKE(*ret));
        return -EIO;
    }
    return (int)((size_t)st.st_size / sizeof(struct sock_filter));
}

int seccomp_compile(const struct seccomp_rule *rules, size_t count, int otherwise, struct sock_filter **ret)
{
    scmp_filter_ctx ctx cleanup(releasep) = seccomp_init(SCMP_ACT_ERRNO((uint32_t)otherwise));
    if (!ctx)
        return -ENOMEM;
    int r = add_other_architectures(ctx);
    /* A tree instead of a list: where it matters the kernel's own table answers anyway (5.11). */
    if (r >= 0)
        r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    for (size_t i = 0; r >= 0 && i < count; i++)
        r = add_rule(ctx, &rules[i]);
    return r < 0 ? r : take_program(ctx, ret);
}

int seccomp_call_number(const char *name)
{
    return seccomp_syscall_resolve_name(name);
}

uint32_t seccomp_native_arch(void)
{
    return seccomp_arch_native();
}
