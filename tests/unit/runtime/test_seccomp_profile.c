#include "runtime/seccomp_profile.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "sys/capabilities.h"
#include "sys/syscall_filter.h"
#include "test.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DOCKERS 0xa80425fbULL
#define ADMIN   CAPABILITY(CAP_SYS_ADMIN)

/* --- The kernel's interpreter, as far as filters use it -------------------------------------------------------------
 */

static bool jumps(const struct sock_filter *f, uint32_t a)
{
    switch (BPF_OP(f->code)) {
    case BPF_JA:
        return true;
    case BPF_JEQ:
        return a == f->k;
    case BPF_JGT:
        return a > f->k;
    case BPF_JGE:
        return a >= f->k;
    default:
        return a & f->k;
    }
}

static uint32_t run(const struct sock_filter *program, size_t count, const struct seccomp_data *data)
{
    uint32_t a = 0;
    for (size_t pc = 0; pc < count; pc++) {
        const struct sock_filter *f = &program[pc];
        switch (BPF_CLASS(f->code)) {
        case BPF_LD:
            assert_true(f->code == (BPF_LD | BPF_W | BPF_ABS) && f->k + 4 <= sizeof(*data));
            memcpy(&a, (const char *)data + f->k, 4);
            break;
        case BPF_ALU:
            assert_int_equal(f->code, BPF_ALU | BPF_AND | BPF_K);
            a &= f->k;
            break;
        case BPF_JMP:
            pc += BPF_OP(f->code) == BPF_JA ? f->k : jumps(f, a) ? f->jt : f->jf;
            break;
        case BPF_RET:
            return f->k;
        default:
            fail_msg("instruction 0x%x", f->code);
        }
    }
    fail_msg("the program runs past its end");
    return 0;
}

static uint32_t ask(const struct sock_filter *program, size_t size, const struct seccomp_data *data)
{
    return run(program, size / sizeof(*program), data);
}

#define ALLOW      SECCOMP_RET_ALLOW
#define ERRNO(num) (SECCOMP_RET_ERRNO | (num))

/* What the payload gets: the kernel takes the stricter answer, and the newer filter's where both are as strict. */
static uint32_t sum(const struct seccomp_profile *p, const struct seccomp_data *data)
{
    uint32_t outer = ask(p->outer, p->outer_size, data), inner = ask(p->inner, p->inner_size, data);
    return inner == ALLOW ? outer : inner;
}

static struct seccomp_data call_of(const char *name)
{
    return (struct seccomp_data){.nr = seccomp_call_number(name), .arch = seccomp_native_arch()};
}

static struct seccomp_profile make(uint64_t capabilities)
{
    struct seccomp_profile p;
    struct err err;
    assert_int_equal(seccomp_profile_default(capabilities, &p, &err), 0);
    return p;
}

/* --- What it says ---------------------------------------------------------------------------------------------------
 */

static void test_calls(void **state)
{
    static const struct {
        const char *call;
        uint64_t capabilities;
        uint32_t answer;
    } cases[] = {
        {"read", DOCKERS, ALLOW},
        {"execve", 0, ALLOW},
        {"ptrace", DOCKERS, ALLOW},
        {"mknod", DOCKERS, ALLOW},
        {"chroot", DOCKERS, ALLOW},
        {"chroot", 0, ERRNO(EPERM)},
        {"mount", DOCKERS, ERRNO(EPERM)},
        {"mount", DOCKERS | ADMIN, ALLOW},
        {"umount2", DOCKERS, ERRNO(EPERM)},
        {"umount2", ADMIN, ALLOW},
        {"pivot_root", DOCKERS, ERRNO(EPERM)},
        {"pivot_root", ADMIN, ERRNO(EPERM)},
        {"keyctl", ADMIN, ERRNO(EPERM)},
        {"add_key", ADMIN, ERRNO(EPERM)},
        {"setns", DOCKERS, ERRNO(EPERM)},
        {"unshare", DOCKERS, ERRNO(EPERM)},
        {"open_tree", DOCKERS, ERRNO(EPERM)},
        {"move_mount", DOCKERS, ERRNO(EPERM)},
        {"fsopen", DOCKERS, ERRNO(EPERM)},
        {"mount_setattr", DOCKERS, ERRNO(EPERM)},
        {"sethostname", DOCKERS, ERRNO(EPERM)},
        {"setdomainname", ADMIN, ALLOW},
        {"clone3", DOCKERS, ERRNO(ENOSYS)},
        {"clone3", ADMIN, ALLOW},
        {"bpf", DOCKERS, ERRNO(EPERM)},
        {"bpf", CAPABILITY(CAP_BPF), ALLOW},
        {"kexec_load", ADMIN, ERRNO(EPERM)},
        {"io_uring_setup", ADMIN, ERRNO(EPERM)},
        {"userfaultfd", ADMIN, ERRNO(EPERM)},
        {"init_module", CAPABILITY(CAP_SYS_MODULE), ALLOW},
        {"reboot", CAPABILITY(CAP_SYS_BOOT), ALLOW},
        {"reboot", DOCKERS, ERRNO(EPERM)},
        {"clock_settime", CAPABILITY(CAP_SYS_TIME), ALLOW},
        {"clock_settime", DOCKERS, ERRNO(EPERM)},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct seccomp_profile p cleanup(seccomp_profile_done) = make(cases[i].capabilities);
        struct seccomp_data data = call_of(cases[i].call);
        if (data.nr >= 0 && sum(&p, &data) != cases[i].answer)
            fail_msg("%s with 0x%llx: 0x%x", cases[i].call, (unsigned long long)cases[i].capabilities, sum(&p, &data));
    }
}

static void test_arguments(void **state)
{
    struct seccomp_profile p cleanup(seccomp_profile_done) = make(DOCKERS);
    static const struct {
        const char *call;
        uint64_t argument;
        uint32_t answer;
    } cases[] = {
        {"socket", AF_INET, ALLOW},
        {"socket", AF_UNIX, ALLOW},
        {"socket", AF_VSOCK, ERRNO(EPERM)},
        {"personality", 0, ALLOW},
        {"personality", 8, ALLOW},
        {"personality", 0xffffffff, ALLOW},
        {"personality", 0x40000, ERRNO(EPERM)},
        {"clone", SIGCHLD, ALLOW},
        {"clone", CLONE_VM | CLONE_THREAD, ALLOW},
        {"clone", CLONE_NEWUSER, ERRNO(EPERM)},
        {"clone", CLONE_NEWNS | SIGCHLD, ERRNO(EPERM)},
        {"clone", CLONE_NEWNET, ERRNO(EPERM)},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct seccomp_data data = call_of(cases[i].call);
        data.args[0] = cases[i].argument;
        if (sum(&p, &data) != cases[i].answer)
            fail_msg("%s(0x%llx): 0x%x", cases[i].call, (unsigned long long)cases[i].argument, sum(&p, &data));
    }
}

static void test_new_calls(void **state)
{
    struct seccomp_profile p cleanup(seccomp_profile_done) = make(DOCKERS),
                             admin cleanup(seccomp_profile_done) = make(ADMIN);
    struct seccomp_data data = {.arch = seccomp_native_arch()};
    static const int allowed[] = {451, 452, 453, 454, 455, 456, 462, 463, 466};
    for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
        data.nr = allowed[i];
        assert_int_equal(sum(&p, &data), ALLOW);
    }
    data.nr = 457; /* statmount */
    assert_int_equal(sum(&p, &data), ERRNO(EPERM));
    assert_int_equal(sum(&admin, &data), ALLOW);
    for (data.nr = 467; data.nr < 600; data.nr++)
        assert_int_equal(sum(&p, &data), ERRNO(ENOSYS));
}

/* What the launcher needs is open to it; to nobody of another architecture; and everything else is as P has it. */
static void test_outer(void **state)
{
    static const char *const setup[] = {"clone3",    "fsopen",  "fsconfig", "fsmount", "move_mount",
                                        "open_tree", "unshare", "setns",    "chroot",  "mount_setattr"};
    struct seccomp_profile p cleanup(seccomp_profile_done) = make(0);
    for (size_t i = 0; i < ARRAY_SIZE(setup); i++) {
        struct seccomp_data data = call_of(setup[i]);
        assert_int_equal(ask(p.outer, p.outer_size, &data), ALLOW);
        assert_int_not_equal(ask(p.inner, p.inner_size, &data), ALLOW);
#ifdef __x86_64__
        data.nr |= 0x40000000; /* x32 */
        assert_int_not_equal(ask(p.outer, p.outer_size, &data), ALLOW);
        data.nr &= ~0x40000000;
        data.arch = AUDIT_ARCH_I386;
        assert_int_equal(ask(p.inner, p.inner_size, &data), ALLOW); /* it is the outer one's to say */
#endif
    }
    struct seccomp_data data = call_of("mount");
    assert_int_equal(ask(p.outer, p.outer_size, &data), ERRNO(EPERM));
    assert_true(p.inner_size / sizeof(struct sock_filter) <= 40);
}

static void test_keys(void **state)
{
    struct seccomp_profile a cleanup(seccomp_profile_done) = make(DOCKERS);
    struct seccomp_profile b cleanup(seccomp_profile_done) = make(DOCKERS & ~CAPABILITY(CAP_CHOWN));
    struct seccomp_profile c cleanup(seccomp_profile_done) = make(DOCKERS | ADMIN);
    assert_memory_equal(a.key, b.key, sizeof(a.key));
    assert_memory_not_equal(a.key, c.key, sizeof(a.key));
    assert_true(seccomp_profile_relevant(DOCKERS) == seccomp_profile_relevant(DOCKERS & ~CAPABILITY(CAP_CHOWN)));
    assert_true(seccomp_profile_relevant(DOCKERS) != seccomp_profile_relevant(DOCKERS | ADMIN));
    struct seccomp_profile none;
    seccomp_profile_unconfined(&none);
    assert_null(none.outer);
    assert_int_equal(none.outer_size, 0);
}

static int install(struct sock_filter *program, size_t size)
{
    struct sock_fprog fprog = {.len = (unsigned short)(size / sizeof(*program)), .filter = program};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &fprog);
}

/* The kernel takes both, and answers so. */
static void test_kernel(void **state)
{
    struct seccomp_profile p cleanup(seccomp_profile_done) = make(DOCKERS);
    pid_t pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || install(p.outer, p.outer_size) < 0)
            _exit(1);
        if (syscall(SYS_setns, -1, 0) != -1 || errno != EBADF) /* it gets through */
            _exit(2);
        if (install(p.inner, p.inner_size) < 0)
            _exit(3);
        if (syscall(SYS_setns, -1, 0) != -1 || errno != EPERM)
            _exit(4);
        if (syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS)
            _exit(5);
        _exit(getpid() > 0 ? 0 : 6);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

TEST_MAIN(cmocka_unit_test(test_calls), cmocka_unit_test(test_arguments), cmocka_unit_test(test_new_calls),
          cmocka_unit_test(test_outer), cmocka_unit_test(test_keys), cmocka_unit_test(test_kernel))
