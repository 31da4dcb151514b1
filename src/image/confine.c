#include "image/confine.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "sys/capabilities.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- Capabilities ------------------------------------------------------------------------------------------------- */

int confine_capabilities(uint64_t keep, struct err *err)
{
    struct capability_sets sets;
    (void)capability_bound(keep); /* without CAP_SETPCAP the rest below must do */
    int r = capability_get(&sets);
    if (r < 0)
        return err_errno(err, r, "cannot read the capabilities");
    sets.permitted = sets.effective = sets.permitted & keep;
    sets.inheritable = 0;
    if ((r = capability_set_ambient(0)) < 0 || (r = capability_set(&sets)) < 0)
        return err_errno(err, r, "cannot drop capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_errno(err, errno, "cannot set no_new_privs");
    return 0;
}

/* --- Files: Landlock ---------------------------------------------------------------------------------------------- */

#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FILE_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)
#define WRITE_RIGHTS                                                                                                   \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                  \
     LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |                        \
     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |                     \
     LANDLOCK_ACCESS_FS_MAKE_SYM)

static void allow(int rules, const char *const *paths, uint64_t rights)
{
    for (; paths && *paths; paths++) {
        struct stat st;
        cleanup_fd int fd = open(*paths, O_PATH | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
            continue;
        struct landlock_path_beneath_attr rule = {.allowed_access = S_ISDIR(st.st_mode) ? rights : rights & FILE_RIGHTS,
                                                  .parent_fd = fd};
        (void)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    }
}

int confine_files(const char *const *readable, const char *const *writable, struct err *err)
{
    struct landlock_ruleset_attr handled = {.handled_access_fs =
                                                READ_RIGHTS | WRITE_RIGHTS | LANDLOCK_ACCESS_FS_EXECUTE};
    cleanup_fd int rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
    if (rules < 0)
        return 0;
    allow(rules, readable, READ_RIGHTS);
    allow(rules, writable, READ_RIGHTS | WRITE_RIGHTS);
    if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
        return err_errno(err, errno, "cannot restrict the worker to its folders");
    return 0;
}

/* --- System calls ------------------------------------------------------------------------------------------------- */

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define NATIVE_ARCH AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define NATIVE_ARCH AUDIT_ARCH_ARM
#elif defined(__riscv)
#define NATIVE_ARCH AUDIT_ARCH_RISCV64
#endif

/* No worker mounts, traces, loads or reaches into the kernel. */
static const int denied_always[] = {
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_move_mount,
    SYS_open_tree,
    SYS_fsopen,
    SYS_fsmount,
    SYS_fsconfig,
    SYS_mount_setattr,
    SYS_setns,
    SYS_unshare,
    SYS_chroot,
    SYS_bpf,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_perf_event_open,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_userfaultfd,
    SYS_io_uring_setup,
    SYS_quotactl,
    SYS_acct,
    SYS_open_by_handle_at,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_sethostname,
    SYS_name_to_handle_at,
};

/* What parses an archive speaks to nobody and starts nothing. */
static const int denied_alone[] = {
    SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_execve, SYS_execveat, SYS_clone, SYS_clone3,
#ifdef SYS_fork
    SYS_fork,   SYS_vfork,
#endif
};

#define FILTER_MAX (ARRAY_SIZE(denied_always) + ARRAY_SIZE(denied_alone) + 8)

static size_t add_denied(struct sock_filter *filter, size_t n, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], 0, 1);
        filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    }
    return n;
}

int confine_calls(bool alone, struct err *err)
{
    struct sock_filter filter[2 * FILTER_MAX];
    size_t n = 0;
#ifdef NATIVE_ARCH
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
#endif
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
    filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1); /* x32 */
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
#endif
    n = add_denied(filter, n, denied_always, ARRAY_SIZE(denied_always));
    if (alone)
        n = add_denied(filter, n, denied_alone, ARRAY_SIZE(denied_alone));
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {(unsigned short)n, filter};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
        return err_errno(err, errno, "cannot deny system calls");
    return 0;
}

void confine_to_parent(int parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent)
        _exit(1); /* it ended before the line above */
}
