#include "engine/names.h"

#include "engine/private.h"

#include "base/str.h"

#include <ctype.h>
#include <sys/random.h>

#define NAME_MAX_LENGTH 255

static const char *const moods[] = {
    "agile",  "amber",  "bold",  "brave",  "bright", "brisk",  "calm",   "clear",   "clever", "cosy",  "crisp",
    "daring", "deep",   "eager", "early",  "fair",   "fond",   "free",   "fresh",   "gentle", "glad",  "golden",
    "grand",  "happy",  "hardy", "honest", "humble", "jolly",  "keen",   "kind",    "lively", "lucid", "lucky",
    "merry",  "mighty", "mild",  "modest", "neat",   "nimble", "noble",  "patient", "plucky", "proud", "quick",
    "quiet",  "rapid",  "ready", "royal",  "serene", "sharp",  "silver", "sleek",   "smart",  "snug",  "solid",
    "steady", "still",  "sunny", "swift",  "tidy",   "trusty", "vivid",  "warm",    "witty",
};

static const char *const fish[] = {
    "anchovy", "barb",    "bass",     "bream",   "carp",        "catfish",  "char",     "chub",
    "cod",     "dace",    "danio",    "darter",  "dory",        "eel",      "flounder", "gar",
    "goby",    "grouper", "grayling", "gudgeon", "guppy",       "haddock",  "hake",     "halibut",
    "herring", "koi",     "lamprey",  "ling",    "loach",       "mackerel", "marlin",   "minnow",
    "molly",   "mullet",  "opah",     "oscar",   "perch",       "pike",     "plaice",   "pollock",
    "puffer",  "ray",     "roach",    "salmon",  "sardine",     "seabass",  "shad",     "skate",
    "smelt",   "snapper", "sole",     "sprat",   "stickleback", "sturgeon", "tench",    "tetra",
    "tilapia", "trout",   "tuna",     "turbot",  "wahoo",       "whiting",  "wrasse",   "zander",
};

int name_check(const char *name, const char *noun, struct err *err)
{
    bool ok = isalnum((unsigned char)name[0]) && name[1] && strlen(name) <= NAME_MAX_LENGTH;
    for (const char *c = name; ok && *c; c++)
        ok = isalnum((unsigned char)*c) || strchr("_.-", *c);
    if (ok)
        return 0;
    return err_set(err, ERR_INVALID,
                   "invalid %s name (%.64s): two or more of [a-zA-Z0-9_.-] are allowed, the first a letter or digit",
                   noun, name);
}

int name_reserve(struct engine *engine, const char *name, struct err *err)
{
    struct container *holder = map_get(&engine->by_name, name);
    if (!holder)
        return 0;
    return err_set(err, ERR_CONFLICT,
                   "Conflict. The container name \"/%s\" is already in use by container \"%s\"."
                   " You have to remove (or rename) that container to be able to reuse that name.",
                   name, holder->id);
}

char *name_choose(struct engine *engine)
{
    for (unsigned attempt = 0;; attempt++) {
        uint16_t random[2];
        while (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
            ;
        const char *mood = moods[random[0] % ARRAY_SIZE(moods)], *one = fish[random[1] % ARRAY_SIZE(fish)];
        char *name cleanup(freep) =
            attempt ? mem_printf("%s_%s%u", mood, one, attempt) : mem_printf("%s_%s", mood, one);
        if (!map_get(&engine->by_name, name))
            return TAKE(name);
    }
}
