#include "runtime/seccomp_profile.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "codec/digest.h"
#include "runtime/seccomp_default.h"
#include "sys/capabilities.h"
#include "sys/syscall_filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>

#define X32_BIT 0x40000000U /* in the numbers of x32, whose architecture is x86-64 */

#define NEW_NAMESPACES                                                                                                 \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

#define DENY(errnum) (SECCOMP_RET_ERRNO | (errnum))

/* --- Rules ---------------------------------------------------------------------------------------------------------
 */

/* clone(2) takes its flags second on s390. */
#ifdef __s390x__
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif

static const struct seccomp_condition no_namespaces = {.argument = CLONE_FLAGS, .mask = NEW_NAMESPACES, .value = 0};
/* Sockets to the hypervisor are no namespace's. */
static const struct seccomp_condition no_vsock = {.argument = 0, .value = AF_VSOCK, .differs = true};

/* Execution domains that change nothing, or that programs of 32 bits ask for; and asking which it is. */
#define PERSONALITY(number)                                                                                            \
    {                                                                                                                  \
        .argument = 0, .mask = UINT64_MAX, .value = (number)                                                           \
    }
static const struct seccomp_condition personalities[] = {
    PERSONALITY(0x0), PERSONALITY(0x8), PERSONALITY(0x20000), PERSONALITY(0x20008), PERSONALITY(0xffffffff),
};

typedef VEC(struct seccomp_rule) rule_list;

static bool may(uint64_t capabilities, uint64_t any_of)
{
    return !any_of || capabilities & any_of;
}

static void add_groups(rule_list *rules, uint64_t capabilities)
{
    for (unsigned i = 0; i < seccomp_group_count; i++)
        for (const char *const *call = seccomp_groups[i].calls;
             may(capabilities, seccomp_groups[i].capabilities) && *call; call++)
            vec_push(rules, (struct seccomp_rule){.name = *call});
}

static int compile(uint64_t capabilities, struct sock_filter **ret)
{
    rule_list rules = {0};
    add_groups(&rules, capabilities);
    vec_push(&rules, (struct seccomp_rule){.name = "socket", .condition = &no_vsock});
    for (size_t i = 0; i < ARRAY_SIZE(personalities); i++)
        vec_push(&rules, (struct seccomp_rule){.name = "personality", .condition = &personalities[i]});
    if (!may(capabilities, CAPABILITY(CAP_SYS_ADMIN))) {
        vec_push(&rules, (struct seccomp_rule){.name = "clone", .condition = &no_namespaces});
        /* Its flags are in memory, where no filter looks: programs fall back to clone. */
        vec_push(&rules, (struct seccomp_rule){.name = "clone3", .error = ENOSYS});
    }
    int r = seccomp_compile(rules.items, rules.count, EPERM, ret);
    free(rules.items);
    return r;
}

/* What the profile says to one of the setup calls, none of which has a condition. */
static uint32_t verdict(const char *call, uint64_t capabilities)
{
    for (unsigned i = 0; i < seccomp_group_count; i++)
        if (may(capabilities, seccomp_groups[i].capabilities) && str_in(call, seccomp_groups[i].calls))
            return SECCOMP_RET_ALLOW;
    return DENY(str_eq(call, "clone3") ? ENOSYS : EPERM);
}

/* --- Programs ------------------------------------------------------------------------------------------------------
 */

typedef VEC(struct sock_filter) program;

static void load(program *p, size_t offset)
{
    vec_push(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void answer(program *p, uint32_t verdict_)
{
    vec_push(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict_));
}

/* If the accumulator is number, answer so. */
static void answer_if(program *p, uint32_t number, uint32_t verdict_)
{
    vec_push(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
    answer(p, verdict_);
}

/* Answers of the setup calls, for calls of the native architecture alone; what follows has the call's number at hand.
 */
static void add_setup_calls(program *p, bool outer, uint64_t capabilities)
{
    load(p, offsetof(struct seccomp_data, arch));
    size_t jump = p->count;
    vec_push(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, seccomp_native_arch(), 0, 0));
    load(p, offsetof(struct seccomp_data, nr));
    for (const char *const *call = seccomp_setup_calls; *call; call++) {
        int number = seccomp_call_number(*call);
        if (number >= 0)
            answer_if(p, (uint32_t)number, outer ? SECCOMP_RET_ALLOW : verdict(*call, capabilities));
    }
    p->items[jump].jf = (uint8_t)(p->count - jump - 1); /* another architecture: past them */
}

/* Calls that the library does not know, by number, and those that nobody knew when the profile was written. */
static void add_new_calls(program *p, uint64_t capabilities)
{
    load(p, offsetof(struct seccomp_data, nr));
    vec_push(p, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~X32_BIT));
    size_t jump = p->count;
    vec_push(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, SECCOMP_FIRST_NEW, 0, 0));
    vec_push(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, SECCOMP_LAST_NEW, 0, 1));
    answer(p, DENY(ENOSYS));
    for (unsigned i = 0; i < seccomp_new_call_count; i++)
        if (may(capabilities, seccomp_new_calls[i].capabilities))
            answer_if(p, seccomp_new_calls[i].number, SECCOMP_RET_ALLOW);
    answer(p, DENY(EPERM));
    p->items[jump].jf = (uint8_t)(p->count - jump - 1); /* an older call: past them */
}

static void make_key(struct seccomp_profile *profile)
{
    char text[DIGEST_SIZE];
    struct hasher hasher cleanup(hasher_done) = {0};
    hasher_init(&hasher, DIGEST_SHA256);
    hasher_add(&hasher, profile->outer, profile->outer_size);
    hasher_add(&hasher, profile->inner, profile->inner_size);
    hasher_finish(&hasher, text);
    const char *hex = digest_hex(text);
    for (int i = 0; i < SECCOMP_KEY_SIZE; i++) {
        char byte[] = {hex[2 * i], hex[2 * i + 1], '\0'};
        profile->key[i] = (uint8_t)strtoul(byte, NULL, 16);
    }
}

int seccomp_profile_default(uint64_t capabilities, struct seccomp_profile *ret, struct err *err)
{
    cleanup_free struct sock_filter *main_part = NULL;
    int count = compile(capabilities, &main_part);
    if (count < 0)
        return err_errno(err, count, "compiling the default seccomp profile");

    program outer = {0}, inner = {0};
    add_setup_calls(&outer, true, capabilities);
    add_new_calls(&outer, capabilities);
    for (int i = 0; i < count; i++)
        vec_push(&outer, main_part[i]);
    add_setup_calls(&inner, false, capabilities);
    answer(&inner, SECCOMP_RET_ALLOW);

    *ret = (struct seccomp_profile){
        .outer = outer.items,
        .inner = inner.items,
        .outer_size = outer.count * sizeof(struct sock_filter),
        .inner_size = inner.count * sizeof(struct sock_filter),
    };
    make_key(ret);
    return 0;
}

uint64_t seccomp_profile_relevant(uint64_t capabilities)
{
    uint64_t relevant = 0;
    for (unsigned i = 0; i < seccomp_group_count; i++)
        relevant |= seccomp_groups[i].capabilities;
    return capabilities & relevant;
}

void seccomp_profile_unconfined(struct seccomp_profile *ret)
{
    *ret = (struct seccomp_profile){0};
}

void seccomp_profile_done(struct seccomp_profile *profile)
{
    free(TAKE(profile->outer));
    free(TAKE(profile->inner));
}
