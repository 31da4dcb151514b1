#include "plan/internal.h"

#include "base/str.h"

enum mark { UNSEEN, ENTERED, DONE };

struct ordering {
    const struct stack_spec *stack;
    enum mark *marks;
    const struct service_spec **ret;
    size_t count;
    struct err *err;
};

static int visit(struct ordering *o, const struct service_spec *service);

static int visit_named(struct ordering *o, const struct service_spec *from, const char *name)
{
    const struct service_spec *next = name ? stack_service(o->stack, name) : NULL;
    if (!next || visit(o, next) == 0)
        return 0;
    return err_wrap(o->err, "%s →", from->name);
}

static int visit(struct ordering *o, const struct service_spec *service)
{
    enum mark *mark = &o->marks[service - o->stack->services.items];
    if (*mark == ENTERED)
        return err_set(o->err, ERR_INVALID, "%s: services depend on each other in a circle", service->name);
    if (*mark == DONE)
        return 0;
    *mark = ENTERED;
    vec_foreach (dependency, &service->depends_on)
        if (visit_named(o, service, dependency->service) < 0)
            return -1;
    const char *joined[] = {service->network_of, service->ipc_of, service->pid_of};
    for (size_t i = 0; i < ARRAY_SIZE(joined); i++)
        if (visit_named(o, service, joined[i]) < 0)
            return -1;
    *mark = DONE;
    o->ret[o->count++] = service;
    return 0;
}

int plan_order(const struct stack_spec *stack, const struct service_spec **ret, struct err *err)
{
    struct ordering o = {stack, mem_alloc_array(stack->services.count, sizeof(enum mark)), ret, 0, err};
    int r = 0;
    vec_foreach (service, &stack->services)
        if (r == 0)
            r = visit(&o, service);
    free(o.marks);
    return r;
}
