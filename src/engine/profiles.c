#include "engine/profiles.h"

#include "engine/describe.h"
#include "engine/private.h"

#include "base/log.h"
#include "base/str.h"
#include "runtime/seccomp_profile.h"

/* One filter with its launcher. */
struct profile {
    struct seccomp_profile seccomp;
    uint64_t relevant; /* the capabilities that shape it */
    bool unconfined;
    bool told; /* this keeper has its launcher */
};

struct profiles {
    VEC(struct profile *) list;
};

bool profile_is_unconfined(const struct host_config *host)
{
    vec_foreach (option, &host->security_options)
        if (str_eq(*option, "seccomp=unconfined") || str_eq(*option, "seccomp:unconfined"))
            return true;
    return host->privileged;
}

static struct profile *find(struct profiles *profiles, bool unconfined, uint64_t relevant)
{
    vec_foreach (profile, &profiles->list)
        if ((*profile)->unconfined == unconfined && (unconfined || (*profile)->relevant == relevant))
            return *profile;
    return NULL;
}

static struct profile *make(struct profiles *profiles, bool unconfined, uint64_t relevant, struct err *err)
{
    struct profile *profile = NEW(struct profile);
    profile->unconfined = unconfined;
    profile->relevant = relevant;
    if (unconfined)
        seccomp_profile_unconfined(&profile->seccomp);
    else if (seccomp_profile_default(relevant, &profile->seccomp, err) < 0) {
        free(profile);
        return NULL;
    }
    vec_push(&profiles->list, profile);
    return profile;
}

static void launcher_answered(void *data, const struct err *err, const void *payload, size_t size, int fd)
{
    if (err)
        log_warning("the keeper has no launcher for a seccomp profile: %s", err->message);
}

const uint8_t *profile_launcher(struct engine *engine, const struct host_config *host, struct err *err)
{
    bool unconfined = profile_is_unconfined(host);
    uint64_t relevant = seccomp_profile_relevant(capabilities_of(host));
    if (!engine->profiles)
        engine->profiles = NEW(struct profiles);
    struct profile *profile = find(engine->profiles, unconfined, relevant);
    if (!profile)
        profile = make(engine->profiles, unconfined, relevant, err);
    if (!profile)
        return NULL;
    if (!profile->told) { /* requests are answered in order: the spawn that follows finds it */
        const struct seccomp_profile *s = &profile->seccomp;
        keeper_client_launcher(engine->keeper, s->key, s->outer, s->outer_size, s->inner, s->inner_size,
                               launcher_answered, NULL);
        profile->told = true;
    }
    return profile->seccomp.key;
}

void profiles_forget(struct engine *engine)
{
    if (engine->profiles)
        vec_foreach (profile, &engine->profiles->list)
            (*profile)->told = false;
}

void profiles_free(struct engine *engine)
{
    if (!engine->profiles)
        return;
    vec_foreach (profile, &engine->profiles->list) {
        seccomp_profile_done(&(*profile)->seccomp);
        free(*profile);
    }
    vec_done(&engine->profiles->list);
    free(engine->profiles);
}
