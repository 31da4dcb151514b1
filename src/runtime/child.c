#include "runtime/child.h"

#include "base/str.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

typedef int step(struct child *c, struct err *err);

/* A session of its own, default signals: nothing of the launcher's is left that exec would keep. */
static int start_session(struct child *c, struct err *err)
{
    if (setsid() < 0 && errno != EPERM)
        return err_errno(err, errno, "a new session");
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    return 0;
}

/* Order matters: what needs privileges comes before child_set_identity(), what looks at paths as the user after it. */
static step *const container_steps[] = {
    child_set_oom_score, child_await_maps,    start_session,    child_join_namespaces, child_name_host,
    child_new_keyring,   child_attach_root,   child_mount_all,  child_make_devices,    child_open_tty,
    child_cover_paths,   child_write_sysctls, child_set_limits, child_enter_root,      child_set_streams,
    child_make_cwd,      child_set_identity,  child_enter_cwd,  child_become_init,     child_exec,
};

static step *const exec_steps[] = {
    child_set_oom_score, child_await_maps,         start_session,    child_join_namespaces,
    child_new_keyring,   child_open_container_tty, child_set_limits, child_set_streams,
    child_set_identity,  child_enter_cwd,          child_exec,
};

struct child_report child_failure(const struct err *err)
{
    struct child_report report = {.type = CHILD_FAILED, .kind = (int32_t)err->kind, .errnum = err->errnum};
    (void)snprintf(report.message, sizeof(report.message), "%.*s", CHILD_MESSAGE_MAX - 1, err->message);
    return report;
}

static int run(struct child *c, step *const *steps, size_t count)
{
    struct err err;
    for (size_t i = 0; i < count; i++) {
        if (steps[i](c, &err) >= 0)
            continue;
        struct child_report report = child_failure(&err);
        (void)c->send(c->status, &report, -1);
        return err.kind == ERR_NO_COMMAND ? 127 : 126;
    }
    return 0;
}

int child_run(struct child *c)
{
    return run(c, container_steps, ARRAY_SIZE(container_steps));
}

int child_run_exec(struct child *c)
{
    return run(c, exec_steps, ARRAY_SIZE(exec_steps));
}
