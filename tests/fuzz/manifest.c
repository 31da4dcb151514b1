/* Manifests, lists of them, and the configurations that they lead to. The first byte chooses. */
#include "image/manifest.h"
#include "base/cleanup.h"
#include "image/config.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_config(const char *text, size_t size, struct arena *arena)
{
    struct err err;
    struct image_config config;
    struct platform platform;
    if (image_config_read(text, size, arena, &config, "config", &err) < 0)
        return;
    image_config_platform(&config, &platform);
    (void)image_config_created_ns(&config);
    (void)fields_to_text(&image_config_table, &config, arena);
}

static void read_manifest(const char *text, size_t size, struct arena *arena)
{
    struct err err;
    struct manifest manifest;
    struct platform host;
    if (manifest_read(text, size, NULL, arena, &manifest, "manifest", &err) < 0)
        return;
    platform_host(&host);
    const struct descriptor *chosen = manifest.is_list ? manifest_choose(&manifest, &host, &err) : &manifest.config;
    if (chosen && (!chosen->digest || chosen->size < 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena cleanup(arena_done) = {0};
    if (size == 0)
        return 0;
    if (data[0] == 'c')
        read_config((const char *)data + 1, size - 1, &arena);
    else
        read_manifest((const char *)data + 1, size - 1, &arena);
    return 0;
}
