#include "sys/device_filter.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ANY (-1)

const struct device_rule device_rules_default[] = {
    {'c', ANY, ANY, .make = true},     {'b', ANY, ANY, .make = true}, {'c', 1, 3, true, true, true}, /* null */
    {'c', 1, 5, true, true, true},                                                                   /* zero */
    {'c', 1, 7, true, true, true},                                                                   /* full */
    {'c', 1, 8, true, true, true},                                                                   /* random */
    {'c', 1, 9, true, true, true},                                                                   /* urandom */
    {'c', 5, 0, true, true, true},                                                                   /* tty */
    {'c', 5, 1, true, true, true},                                                                   /* console */
    {'c', 5, 2, true, true, true},                                                                   /* ptmx */
    {'c', 136, ANY, true, true, true},                                                               /* ptys */
};
const size_t device_rules_default_count = sizeof(device_rules_default) / sizeof(device_rules_default[0]);

/* The program: 6 instructions to take the request apart, at most 6 for each rule, 2 at the end. */
#define INSTRUCTIONS_MAX (6 + DEVICE_RULES_MAX * 6 + 2)

struct program {
    struct bpf_insn code[INSTRUCTIONS_MAX];
    size_t size;
};

static void emit(struct program *p, uint8_t code, uint8_t dst, uint8_t src, int16_t offset, int32_t imm)
{
    p->code[p->size++] = (struct bpf_insn){.code = code, .dst_reg = dst, .src_reg = src, .off = offset, .imm = imm};
}

static void emit_return(struct program *p, int32_t value)
{
    emit(p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, value);
    emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* r2: type, r3: access, r4: major, r5: minor (struct bpf_cgroup_dev_ctx). */
static void emit_load(struct program *p)
{
    const int16_t access_type = offsetof(struct bpf_cgroup_dev_ctx, access_type);
    emit(p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1, access_type, 0);
    emit(p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
    emit(p, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xffff);
    emit(p, BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16);
    emit(p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_4, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
    emit(p, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_5, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
}

static int32_t denied_access(const struct device_rule *rule)
{
    int32_t allowed = 0;
    if (rule->make)
        allowed |= BPF_DEVCG_ACC_MKNOD;
    if (rule->read)
        allowed |= BPF_DEVCG_ACC_READ;
    if (rule->write)
        allowed |= BPF_DEVCG_ACC_WRITE;
    return ~allowed & (BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE);
}

/* Each test jumps to the next rule where it does not fit; the jumps are set when the rule's end is known. */
static void emit_rule(struct program *p, const struct device_rule *rule)
{
    size_t jumps[4], count = 0;
    if (rule->type != 'a') {
        jumps[count++] = p->size;
        emit(p, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_2, 0, 0,
             rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
    }
    if (rule->major != ANY) {
        jumps[count++] = p->size;
        emit(p, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_4, 0, 0, (int32_t)rule->major);
    }
    if (rule->minor != ANY) {
        jumps[count++] = p->size;
        emit(p, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_5, 0, 0, (int32_t)rule->minor);
    }
    if (denied_access(rule)) {
        jumps[count++] = p->size;
        emit(p, BPF_JMP | BPF_JSET | BPF_K, BPF_REG_3, 0, 0, denied_access(rule));
    }
    emit_return(p, 1);
    for (size_t i = 0; i < count; i++)
        p->code[jumps[i]].off = (int16_t)(p->size - jumps[i] - 1);
}

static long bpf(int command, union bpf_attr *attr)
{
    return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int load(const struct program *p)
{
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attr.insns = (uint64_t)(uintptr_t)p->code;
    attr.insn_cnt = (uint32_t)p->size;
    attr.license = (uint64_t)(uintptr_t) "Apache-2.0";
    long fd = bpf(BPF_PROG_LOAD, &attr);
    return fd < 0 ? -errno : (int)fd;
}

static int attach(int cgroup, const struct program *p)
{
    int program = load(p);
    if (program < 0)
        return program;
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.target_fd = (uint32_t)cgroup;
    attr.attach_bpf_fd = (uint32_t)program;
    attr.attach_type = BPF_CGROUP_DEVICE;
    attr.attach_flags = BPF_F_ALLOW_OVERRIDE;
    int r = bpf(BPF_PROG_ATTACH, &attr) < 0 ? -errno : 0;
    (void)close(program); /* the cgroup holds it */
    return r;
}

int device_filter_attach(int cgroup, const struct device_rule *rules, size_t count)
{
    struct program p = {.size = 0};
    if (count > DEVICE_RULES_MAX)
        return -E2BIG;
    emit_load(&p);
    for (size_t i = 0; i < count; i++)
        emit_rule(&p, &rules[i]);
    emit_return(&p, 0);
    return attach(cgroup, &p);
}

int device_filter_attach_all(int cgroup)
{
    struct program p = {.size = 0};
    emit_return(&p, 1);
    return attach(cgroup, &p);
}
