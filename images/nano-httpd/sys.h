#pragma once
/*
 * The system calls of nano-httpd, by hand: there is no C library beneath it, and none of its headers. Each returns what
 * the kernel returns, a value ≥ 0 or -errno. Numbers and layouts are those of the kernel's own headers; what these
 * leave to the C library stands here, the same on all three machines.
 */
#include <asm/socket.h>
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/mman.h>
#include <linux/openat2.h>
#include <linux/poll.h>
#include <linux/signalfd.h>
#include <linux/stat.h>
#include <linux/tcp.h>
#include <linux/time.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)

static inline long sys_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#elif defined(__aarch64__)

static inline long sys_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}

#elif defined(__arm__)

static inline long sys_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long r7 __asm__("r7") = number;
    register long r0 __asm__("r0") = a;
    register long r1 __asm__("r1") = b;
    register long r2 __asm__("r2") = c;
    register long r3 __asm__("r3") = d;
    register long r4 __asm__("r4") = e;
    register long r5 __asm__("r5") = f;
    __asm__ volatile("svc #0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5) : "memory");
    return r0;
}

#else
#error "nano-httpd knows x86-64, arm64 and armv7; another machine needs its sys_call() here and its _start in start.c"
#endif

#define SYS(number, a, b, c, d, e, f)                                                                                  \
    sys_call((number), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* 32-bit machines have their own numbers for 64-bit offsets and times. */
#ifdef __NR_sendfile64
#define NUMBER_SENDFILE __NR_sendfile64
#else
#define NUMBER_SENDFILE __NR_sendfile
#endif
#ifdef __NR_clock_gettime64
#define NUMBER_CLOCK_GETTIME __NR_clock_gettime64
#else
#define NUMBER_CLOCK_GETTIME __NR_clock_gettime
#endif

#ifdef __NR_mmap2
#define NUMBER_MMAP __NR_mmap2
#else
#define NUMBER_MMAP __NR_mmap
#endif

/* include/linux/net.h and include/linux/socket.h of the kernel, asm-generic/signal.h */
enum { AF_INET = 2, AF_INET6 = 10 };
enum { SOCK_STREAM = 1, SOCK_NONBLOCK = O_NONBLOCK, SOCK_CLOEXEC = O_CLOEXEC };
enum { MSG_NOSIGNAL = 0x4000, MSG_MORE = 0x8000 };
enum { SHUT_WR = 1 };
enum { SIGINT = 2, SIGPIPE = 13, SIGTERM = 15, SIGCHLD = 17 };
enum { SIG_IGN = 1, SIG_BLOCK = 0 };
#define SA_RESTORER 0x04000000ul
#ifndef S_IFMT /* the kernel's headers leave these out beside glibc's, as in the unit tests */
#define S_IFMT  0170000
#define S_IFDIR 0040000
#define S_IFREG 0100000
#endif

struct sys_time { /* struct __kernel_timespec */
    int64_t seconds, nanoseconds;
};

struct sys_action { /* struct sigaction */
    uintptr_t handler;
    unsigned long flags;
    uintptr_t restorer;
    uint64_t mask;
};

static inline _Noreturn void sys_exit(int status)
{
    for (;;)
        (void)SYS(__NR_exit_group, status, 0, 0, 0, 0, 0);
}

static inline long sys_read(int fd, void *data, size_t size)
{
    return SYS(__NR_read, fd, data, size, 0, 0, 0);
}

static inline long sys_write(int fd, const void *data, size_t size)
{
    return SYS(__NR_write, fd, data, size, 0, 0, 0);
}

static inline long sys_close(int fd)
{
    return SYS(__NR_close, fd, 0, 0, 0, 0, 0);
}

static inline long sys_chdir(const char *path)
{
    return SYS(__NR_chdir, path, 0, 0, 0, 0, 0);
}

static inline long sys_openat(int folder, const char *path, int flags)
{
    return SYS(__NR_openat, folder, path, flags, 0, 0, 0);
}

static inline long sys_openat2(int folder, const char *path, const struct open_how *how, size_t size)
{
    return SYS(__NR_openat2, folder, path, how, size, 0, 0);
}

static inline long sys_statx(int fd, const char *path, int flags, unsigned mask, struct statx *ret)
{
    return SYS(__NR_statx, fd, path, flags, mask, ret, 0);
}

static inline long sys_sendfile(int to, int from, int64_t *offset, size_t size)
{
    return SYS(NUMBER_SENDFILE, to, from, offset, size, 0, 0);
}

static inline long sys_clock_gettime(int clock, struct sys_time *ret)
{
    return SYS(NUMBER_CLOCK_GETTIME, clock, ret, 0, 0, 0, 0);
}

static inline long sys_socket(int family, int type, int protocol)
{
    return SYS(__NR_socket, family, type, protocol, 0, 0, 0);
}

static inline long sys_setsockopt(int fd, int level, int name, int value)
{
    return SYS(__NR_setsockopt, fd, level, name, &value, sizeof(value), 0);
}

static inline long sys_bind(int fd, const void *address, size_t size)
{
    return SYS(__NR_bind, fd, address, size, 0, 0, 0);
}

static inline long sys_getsockname(int fd, void *address, int *size)
{
    return SYS(__NR_getsockname, fd, address, size, 0, 0, 0);
}

static inline long sys_listen(int fd, int backlog)
{
    return SYS(__NR_listen, fd, backlog, 0, 0, 0, 0);
}

static inline long sys_accept4(int fd, int flags)
{
    return SYS(__NR_accept4, fd, 0, 0, flags, 0, 0);
}

static inline long sys_send(int fd, const void *data, size_t size, int flags)
{
    return SYS(__NR_sendto, fd, data, size, flags, 0, 0);
}

static inline long sys_shutdown(int fd, int how)
{
    return SYS(__NR_shutdown, fd, how, 0, 0, 0, 0);
}

static inline long sys_epoll_create1(int flags)
{
    return SYS(__NR_epoll_create1, flags, 0, 0, 0, 0, 0);
}

static inline long sys_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    return SYS(__NR_epoll_ctl, epoll, operation, fd, event, 0, 0);
}

static inline long sys_epoll_wait(int epoll, struct epoll_event *events, int count, int timeout_ms)
{
    return SYS(__NR_epoll_pwait, epoll, events, count, timeout_ms, 0, 8);
}

/* timeout: seconds and nanoseconds, NULL for ever. */
static inline long sys_ppoll(struct pollfd *fds, unsigned count, const long timeout[2], const uint64_t *mask)
{
    long rest[2] = {timeout ? timeout[0] : 0, timeout ? timeout[1] : 0}; /* the kernel writes to it */
    return SYS(__NR_ppoll, fds, count, timeout ? rest : NULL, mask, sizeof(*mask), 0);
}

/* handler: SIG_IGN, or a function that does not return. */
static inline long sys_sigaction(int signal, uintptr_t handler)
{
    struct sys_action action = {handler, SA_RESTORER, handler, 0};
    return SYS(__NR_rt_sigaction, signal, &action, 0, sizeof(action.mask), 0, 0);
}

static inline long sys_block_signals(const uint64_t *mask)
{
    return SYS(__NR_rt_sigprocmask, SIG_BLOCK, mask, 0, sizeof(*mask), 0, 0);
}

static inline long sys_signalfd(const uint64_t *mask, int flags)
{
    return SYS(__NR_signalfd4, -1, mask, sizeof(*mask), flags, 0, 0);
}

/* Memory of zeroes. */
static inline long sys_mmap(size_t size)
{
    return SYS(NUMBER_MMAP, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static inline long sys_munmap(uintptr_t start, size_t size)
{
    return SYS(__NR_munmap, start, size, 0, 0, 0, 0);
}

/* To that very place; what is there goes. */
static inline long sys_mremap(uintptr_t from, size_t size, uintptr_t to)
{
    return SYS(__NR_mremap, from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to, 0);
}

static inline long sys_madvise(uintptr_t start, size_t size, int advice)
{
    return SYS(__NR_madvise, start, size, advice, 0, 0, 0);
}
