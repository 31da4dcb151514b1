#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "keeper/keeper.h"
#include "sys/cgroup.h"
#include "sys/process.h"

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>

/*
 * SIGCHLD coalesces: while one is pending, the ends of others make no second one. So each signal is followed by a look
 * at the few that were sent a signal lately, and by a sweep over all that run, soon but not at once, and the larger the
 * table the later: sweeping takes a fiftieth of the time at most.
 */
#define SWEEP_DELAY_MS 2
#define SWEEP_SHARE    50
#define SWEEP_NS_EACH  400
#define SWEEP_MAX_MS   1000

static int64_t sweep_delay_ms(const struct keeper *k)
{
    int64_t delay = (int64_t)k->table.used * SWEEP_NS_EACH * SWEEP_SHARE / NS_PER_MS;
    return delay < SWEEP_DELAY_MS ? SWEEP_DELAY_MS : delay > SWEEP_MAX_MS ? SWEEP_MAX_MS : delay;
}

void reap_settle(struct keeper *k, uint32_t slot)
{
    struct entry *e = &k->table.entries[slot];
    if (e->state == KEEPER_STARTING && e->reported && e->status_closed) {
        bool failed = e->failed || !e->pid;
        if (failed) {
            e->ended_ns = e->ended_ns ? e->ended_ns : clock_realtime_ns();
            table_set_state(&k->table, slot, KEEPER_FAILED_STATE);
            peer_announce(k, slot, ANNOUNCE_FAILED);
        } else {
            e->started_ns = clock_realtime_ns();
            table_set_state(&k->table, slot, KEEPER_RUNNING);
            peer_announce(k, slot, ANNOUNCE_STARTED);
        }
    }
    if (e->reaped && e->state == KEEPER_RUNNING) {
        table_set_state(&k->table, slot, KEEPER_EXITED_STATE);
        peer_announce(k, slot, ANNOUNCE_EXITED);
    }
}

static void entry_reaped(struct keeper *k, uint32_t slot, int status)
{
    struct entry *e = &k->table.entries[slot];
    table_set_reaped(&k->table, slot);
    e->status = status;
    e->ended_ns = clock_realtime_ns();
    if (e->cgroup_fd >= 0) {
        /* Its processes do not die with a pid namespace. */
        (void)cgroup_kill(e->cgroup_fd);
        close_fd(&e->cgroup_fd);
    }
    reap_settle(k, slot);
}

void reap_entry(struct keeper *k, uint32_t slot)
{
    struct entry *e = &k->table.entries[slot];
    int status;
    if (!e->reaped && e->pid && process_reap(e->pid, &status) == 1)
        entry_reaped(k, slot, status);
}

void reap_expect(struct keeper *k, uint32_t slot)
{
    if (k->signalled_count == KEEPER_SIGNALLED_MAX)
        memmove(k->signalled, k->signalled + 1, --k->signalled_count * sizeof(*k->signalled));
    k->signalled[k->signalled_count++] = slot;
}

static void reap_signalled(struct keeper *k)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < k->signalled_count; i++) {
        uint32_t slot = k->signalled[i];
        reap_entry(k, slot);
        if (k->table.entries[slot].pid && !k->table.entries[slot].reaped)
            k->signalled[left++] = slot;
    }
    k->signalled_count = left;
}

static bool reap_launcher(struct keeper *k, pid_t pid)
{
    for (uint32_t i = 0; i < KEEPER_LAUNCHERS_MAX; i++) {
        if (!k->launchers[i].used || k->launchers[i].pid != pid)
            continue;
        int status;
        if (process_reap(pid, &status) == 1)
            spawn_launcher_died(k, i);
        return true;
    }
    return false;
}

void reap_stray(struct keeper *k, pid_t pid)
{
    int status;
    if (process_reap(pid, &status) != 1)
        k->strays = true;
}

/* A child that is not in the table may be a container whose report is still on its way: it must stay a zombie till
 * then. */
static void child_ended(struct keeper *k, pid_t pid)
{
    uint32_t slot = table_find_pid(&k->table, pid);
    if (slot != NO_SLOT)
        reap_entry(k, slot);
    else if (!reap_launcher(k, pid))
        k->strays = true;
}

/* With no report awaited, every child is known, and what is not is nobody's. */
static void reap_strays(struct keeper *k)
{
    int status;
    pid_t pid;
    k->strays = false;
    while ((pid = process_reap_any(&status)) > 0) {
        uint32_t slot = table_find_pid(&k->table, pid);
        if (slot != NO_SLOT) {
            entry_reaped(k, slot, status);
            continue;
        }
        for (uint32_t i = 0; i < KEEPER_LAUNCHERS_MAX; i++)
            if (k->launchers[i].used && k->launchers[i].pid == pid)
                spawn_launcher_died(k, i);
    }
}

static void sweep(struct keeper *k)
{
    for (uint32_t slot = 0; slot < k->table.used; slot++)
        reap_entry(k, slot);
    for (uint32_t i = 0; i < KEEPER_LAUNCHERS_MAX; i++)
        if (k->launchers[i].used && k->launchers[i].pid)
            (void)reap_launcher(k, k->launchers[i].pid);
    k->strays = true; /* the signal of one that is in no table may have been merged with another's, too */
}

int reap_due(struct keeper *k)
{
    if (k->strays && !k->reports)
        reap_strays(k);
    if (!k->sweep_at_ms)
        return -1;
    int64_t wait = k->sweep_at_ms - clock_monotonic_ms();
    if (wait > 0)
        return (int)wait;
    k->sweep_at_ms = 0;
    sweep(k);
    return k->sweep_at_ms || (k->strays && !k->reports) ? 0 : -1;
}

void reap_signals_ready(struct keeper *k)
{
    struct signalfd_siginfo info;
    while (read(k->signals, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo != SIGCHLD) {
            k->ending = true;
            log_info("ends when no container is left (%u now)", k->table.living);
            continue;
        }
        child_ended(k, (pid_t)info.ssi_pid);
        if (!k->sweep_at_ms)
            k->sweep_at_ms = clock_monotonic_ms() + sweep_delay_ms(k);
    }
    reap_signalled(k);
}
