#include "compose/lengthen.h"

/* services.*.build (Compose Build Specification). */

static const struct shape context = {"a path or a URL", TAKES_TEXT, .type = TYPE_TEXT, .path = PATH_CONTEXT};
static const struct shape contexts = {"a mapping or a list of NAME=CONTEXT",
                                      TAKES_MAP | TAKES_LIST,
                                      .values = &context,
                                      .items = &shape_text,
                                      .type = TYPE_LABELS,
                                      .merge = MERGE_SEQUENCE,
                                      .unique = UNIQUE_KEY,
                                      .lengthen = lengthen_contexts};

static const struct shape attestation = {"a text or a boolean", TAKES_TEXT | TAKES_BOOL, .type = TYPE_TEXT,
                                         .lengthen = lengthen_scalar};

static const struct shape key_path = {"a path or nothing", TAKES_SCALAR, .path = PATH_SOURCE};
static const struct shape ssh = {"a mapping or a list of ID=PATH",
                                 TAKES_MAP | TAKES_LIST,
                                 .values = &key_path,
                                 .items = &shape_text,
                                 .type = TYPE_SSH,
                                 .unique = UNIQUE_ITEMS,
                                 .lengthen = lengthen_ssh};

static const struct shape tags = {"a list of texts", TAKES_LIST, .items = &shape_text, .type = TYPE_TEXTS,
                                  .unique = UNIQUE_KEY};

static const struct key build_keys[] = {
    {"context", &context},
    {"dockerfile", &shape_text},
    {"dockerfile_inline", &shape_text},
    {"entitlements", &shape_text_list},
    {"args", &shape_pairs},
    {"provenance", &attestation},
    {"sbom", &attestation},
    {"ssh", &ssh},
    {"labels", &shape_labels},
    {"cache_from", &shape_text_list},
    {"cache_to", &shape_text_list},
    {"no_cache", &shape_bool},
    {"additional_contexts", &contexts},
    {"pull", &shape_bool},
    {"extra_hosts", &shape_hosts},
    {"isolation", &shape_text},
    {"network", &shape_text},
    {"target", &shape_text},
    {"secrets", &shape_grants},
    {"shm_size", &shape_bytes},
    {"tags", &tags},
    {"ulimits", &shape_ulimits},
    {"platforms", &shape_text_list},
    {"privileged", &shape_bool},
    {0},
};
const struct shape shape_build = {"a path, or a mapping with context",
                                  TAKES_TEXT | TAKES_MAP,
                                  .keys = build_keys,
                                  .type = TYPE_STRUCT,
                                  .merge = MERGE_BUILD,
                                  .lengthen = lengthen_build,
                                  .fill = fill_build};
