#include "runtime/seccomp_default.h"

#include "base/str.h"
#include "sys/capabilities.h"

static const char *const everybody[] = {
    /* processes, identity, scheduling */
    "brk", "capget", "capset", "execve", "execveat", "exit", "exit_group", "fork", "getegid", "getegid32", "geteuid",
    "geteuid32", "getgid", "getgid32", "getgroups", "getgroups32", "getpgid", "getpgrp", "getpid", "getppid",
    "getpriority", "getresgid", "getresgid32", "getresuid", "getresuid32", "getrlimit", "get_robust_list", "getrusage",
    "getsid", "get_thread_area", "gettid", "getuid", "getuid32", "ioprio_get", "ioprio_set", "kill",
    "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self", "pause", "pidfd_open",
    "pidfd_send_signal", "prctl", "prlimit64", "process_mrelease", "process_vm_readv", "process_vm_writev", "ptrace",
    "rseq", "sched_getaffinity", "sched_getattr", "sched_getparam", "sched_get_priority_max", "sched_get_priority_min",
    "sched_getscheduler", "sched_rr_get_interval", "sched_rr_get_interval_time64", "sched_setaffinity", "sched_setattr",
    "sched_setparam", "sched_setscheduler", "sched_yield", "seccomp", "setfsgid", "setfsgid32", "setfsuid",
    "setfsuid32", "setgid", "setgid32", "setgroups", "setgroups32", "setpgid", "setpriority", "setregid", "setregid32",
    "setresgid", "setresgid32", "setresuid", "setresuid32", "setreuid", "setreuid32", "setrlimit", "set_robust_list",
    "setsid", "set_thread_area", "set_tid_address", "setuid", "setuid32", "sysinfo", "tgkill", "times", "tkill",
    "ugetrlimit", "umask", "uname", "vfork", "wait4", "waitid", "waitpid", "getcpu",

    /* signals */
    "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend",
    "rt_sigtimedwait", "rt_sigtimedwait_time64", "rt_tgsigqueueinfo", "sigaltstack", "signalfd", "signalfd4",
    "sigprocmask", "sigreturn", "restart_syscall",

    /* memory */
    "madvise", "membarrier", "memfd_create", "memfd_secret", "mincore", "mlock", "mlock2", "mlockall", "mmap", "mmap2",
    "mprotect", "mremap", "msync", "munlock", "munlockall", "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect",
    "remap_file_pages",

    /* time */
    "adjtimex", "alarm", "clock_adjtime", "clock_adjtime64", "clock_getres", "clock_getres_time64", "clock_gettime",
    "clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64", "getitimer", "gettimeofday", "nanosleep",
    "setitimer", "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_gettime64",
    "timer_settime", "timer_settime64", "timerfd_create", "timerfd_gettime", "timerfd_gettime64", "timerfd_settime",
    "timerfd_settime64",

    /* waiting and asynchronous input and output */
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait", "epoll_pwait2", "epoll_wait",
    "epoll_wait_old", "eventfd", "eventfd2", "futex", "futex_time64", "futex_waitv", "io_cancel", "io_destroy",
    "io_getevents", "io_pgetevents", "io_pgetevents_time64", "io_setup", "io_submit", "_newselect", "poll", "ppoll",
    "ppoll_time64", "pselect6", "pselect6_time64", "select",

    /* files */
    "access", "chdir", "chmod", "chown", "chown32", "close", "close_range", "copy_file_range", "creat", "dup", "dup2",
    "dup3", "faccessat", "faccessat2", "fadvise64", "fadvise64_64", "fallocate", "fanotify_mark", "fchdir", "fchmod",
    "fchmodat", "fchown", "fchown32", "fchownat", "fcntl", "fcntl64", "fdatasync", "fgetxattr", "flistxattr", "flock",
    "fremovexattr", "fsetxattr", "fstat", "fstat64", "fstatat64", "fstatfs", "fstatfs64", "fsync", "ftruncate",
    "ftruncate64", "futimesat", "getcwd", "getdents", "getdents64", "getxattr", "inotify_add_watch", "inotify_init",
    "inotify_init1", "inotify_rm_watch", "ioctl", "lchown", "lchown32", "lgetxattr", "link", "linkat", "listxattr",
    "llistxattr", "_llseek", "lremovexattr", "lseek", "lsetxattr", "lstat", "lstat64", "mkdir", "mkdirat", "mknod",
    "mknodat", "name_to_handle_at", "newfstatat", "open", "openat", "openat2", "pipe", "pipe2", "pread64", "preadv",
    "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv", "removexattr",
    "rename", "renameat", "renameat2", "rmdir", "sendfile", "sendfile64", "setxattr", "splice", "stat", "stat64",
    "statfs", "statfs64", "statx", "symlink", "symlinkat", "sync", "sync_file_range", "syncfs", "tee", "truncate",
    "truncate64", "unlink", "unlinkat", "utime", "utimensat", "utimensat_time64", "utimes", "vmsplice", "write",
    "writev",

    /* sockets; socket itself has a condition */
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recv", "recvfrom",
    "recvmmsg", "recvmmsg_time64", "recvmsg", "send", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
    "socketcall", "socketpair",

    /* System V and POSIX ipc */
    "ipc", "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedreceive_time64", "mq_timedsend",
    "mq_timedsend_time64", "mq_unlink", "msgctl", "msgget", "msgrcv", "msgsnd", "semctl", "semget", "semop",
    "semtimedop", "semtimedop_time64", "shmat", "shmctl", "shmdt", "shmget",

    "getrandom",

#if defined(__x86_64__) || defined(__i386__)
    "arch_prctl", "modify_ldt",
#elif defined(__arm__) || defined(__aarch64__)
    "arm_fadvise64_64", "arm_sync_file_range", "sync_file_range2", "breakpoint", "cacheflush", "set_tls",
#elif defined(__riscv)
    "riscv_flush_icache",
#elif defined(__powerpc64__)
    "sync_file_range2", "swapcontext",
#elif defined(__s390x__)
    "s390_pci_mmio_read", "s390_pci_mmio_write", "s390_runtime_instr",
#endif
    NULL};

static const char *const administrators[] = {
    "bpf",       "clone",           "clone3",         "fanotify_init", "fsconfig",      "fsmount",
    "fsopen",    "fspick",          "lookup_dcookie", "mount",         "mount_setattr", "move_mount",
    "open_tree", "perf_event_open", "quotactl",       "quotactl_fd",   "setdomainname", "sethostname",
    "setns",     "syslog",          "umount",         "umount2",       "unshare",       NULL};

#define CALLS(...)                                                                                                     \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        __VA_ARGS__, NULL                                                                                              \
    }

const struct seccomp_group seccomp_groups[] = {
    {0, everybody},
    {CAPABILITY(CAP_SYS_ADMIN), administrators},
    {CAPABILITY(CAP_DAC_READ_SEARCH), CALLS("open_by_handle_at")},
    {CAPABILITY(CAP_SYS_BOOT), CALLS("reboot")},
    {CAPABILITY(CAP_SYS_CHROOT), CALLS("chroot")},
    {CAPABILITY(CAP_SYS_MODULE), CALLS("delete_module", "init_module", "finit_module")},
    {CAPABILITY(CAP_SYS_PACCT), CALLS("acct")},
    {CAPABILITY(CAP_SYS_PTRACE), CALLS("kcmp", "pidfd_getfd", "process_madvise")},
    {CAPABILITY(CAP_SYS_RAWIO), CALLS("iopl", "ioperm")},
    {CAPABILITY(CAP_SYS_TIME), CALLS("settimeofday", "stime", "clock_settime", "clock_settime64")},
    {CAPABILITY(CAP_SYS_TTY_CONFIG), CALLS("vhangup")},
    {CAPABILITY(CAP_SYS_NICE), CALLS("get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node")},
    {CAPABILITY(CAP_SYSLOG), CALLS("syslog")},
    {CAPABILITY(CAP_BPF), CALLS("bpf")},
    {CAPABILITY(CAP_PERFMON), CALLS("perf_event_open")},
};
const unsigned seccomp_group_count = ARRAY_SIZE(seccomp_groups);

const struct seccomp_new_call seccomp_new_calls[] = {
    {451, 0},                         /* cachestat */
    {452, 0},                         /* fchmodat2 */
    {453, 0},                         /* map_shadow_stack */
    {454, 0},                         /* futex_wake */
    {455, 0},                         /* futex_wait */
    {456, 0},                         /* futex_requeue */
    {457, CAPABILITY(CAP_SYS_ADMIN)}, /* statmount */
    {458, CAPABILITY(CAP_SYS_ADMIN)}, /* listmount */
    {462, 0},                         /* mseal */
    {463, 0},                         /* setxattrat */
    {464, 0},                         /* getxattrat */
    {465, 0},                         /* listxattrat */
    {466, 0},                         /* removexattrat */
};
const unsigned seccomp_new_call_count = ARRAY_SIZE(seccomp_new_calls);

const char *const seccomp_setup_calls[] = {
    "chroot",    "clone3",     "fsconfig", "fsmount", "fsopen",        "keyctl",      "mount_setattr", "move_mount",
    "open_tree", "pivot_root", "setns",    "umount2", "setdomainname", "sethostname", "unshare",       NULL};
