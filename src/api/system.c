/* _ping, /version and /info (Docker Engine API, "System"). */
#include "api/api.h"
#include "api/host.h"
#include "api/version.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"
#include "codec/platform.h"

static void write_text_list(struct json_out *out, const char *key, const char *const *list)
{
    json_key(out, key);
    json_put_array(out);
    for (; *list; list++)
        json_put_string(out, *list);
    json_put_array_end(out);
}

/* --- Ping */

static int ping(struct api *api, struct http_request *request, struct err *err)
{
    http_reply_header(request, "Builder-Version", "1"); /* not 2: BuildKit's */
    http_reply_header(request, "Swarm", "inactive");
    http_reply_header(request, "Cache-Control", "no-cache, no-store, must-revalidate");
    http_reply_header(request, "Pragma", "no-cache");
    http_reply(request, 200, "text/plain; charset=utf-8", "OK", 2);
    return 0;
}

/* --- Version */

static void write_version(const struct host *host, const struct platform *platform, struct json_out *out)
{
    json_key_string(out, "Version", SHOAL_VERSION);
    json_key_string(out, "ApiVersion", API_VERSION);
    json_key_string(out, "MinAPIVersion", API_VERSION_MIN);
    json_key_string(out, "GitCommit", "");
    json_key_string(out, "GoVersion", "");
    json_key_string(out, "Os", "linux");
    json_key_string(out, "Arch", platform->architecture);
    json_key_string(out, "KernelVersion", host->kernel);
}

/* Details are texts, all of them. */
static void write_component(const struct host *host, const struct platform *platform, struct json_out *out)
{
    json_put_object(out);
    json_key_string(out, "Name", "Engine");
    json_key_string(out, "Version", SHOAL_VERSION);
    json_key(out, "Details");
    json_put_object(out);
    json_key_string(out, "ApiVersion", API_VERSION);
    json_key_string(out, "MinAPIVersion", API_VERSION_MIN);
    json_key_string(out, "Os", "linux");
    json_key_string(out, "Arch", platform->architecture);
    json_key_string(out, "KernelVersion", host->kernel);
    json_key_string(out, "Experimental", "false");
    json_put_object_end(out);
    json_put_object_end(out);
}

static int version(struct api *api, struct http_request *request, struct err *err)
{
    struct host host;
    struct platform platform;
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    struct json_out *out = &json.out;
    host_read(&host);
    platform_host(&platform);
    json_put_object(out);
    json_key(out, "Platform");
    json_put_object(out);
    json_key_string(out, "Name", "Shoal");
    json_put_object_end(out);
    json_key(out, "Components");
    json_put_array(out);
    write_component(&host, &platform, out);
    json_put_array_end(out);
    write_version(&host, &platform, out);
    json_put_object_end(out);
    return api_reply(request, 200, &json);
}

/* --- Info */

static void write_counts(struct engine *engine, struct json_out *out)
{
    struct engine_counts counts = engine_count(engine);
    json_key_int(out, "Containers", counts.containers);
    json_key_int(out, "ContainersRunning", counts.running);
    json_key_int(out, "ContainersPaused", counts.paused);
    json_key_int(out, "ContainersStopped", counts.stopped);
    json_key_int(out, "Images", counts.images);
}

static void write_drivers(struct json_out *out)
{
    static const char *const volume[] = {"local", NULL};
    static const char *const network[] = {"bridge", "host", "null", NULL};
    static const char *const log[] = {"json-file", "none", NULL};
    static const char *const none[] = {NULL};
    json_key_string(out, "Driver", "overlay2");
    json_key(out, "DriverStatus");
    json_put_raw(out, "[[\"Backing Filesystem\",\"overlayfs\"]]");
    json_key(out, "Plugins");
    json_put_object(out);
    write_text_list(out, "Volume", volume);
    write_text_list(out, "Network", network);
    write_text_list(out, "Log", log);
    write_text_list(out, "Authorization", none);
    json_put_object_end(out);
    json_key_string(out, "LoggingDriver", "json-file");
    json_key_string(out, "CgroupDriver", "cgroupfs");
    json_key_string(out, "CgroupVersion", "2");
}

static void write_host(const struct host *host, struct json_out *out)
{
    json_key_string(out, "Name", host->name);
    json_key_string(out, "KernelVersion", host->kernel);
    json_key_string(out, "OperatingSystem", host->system);
    json_key_string(out, "OSVersion", host->system_version);
    json_key_string(out, "OSType", "linux");
    json_key_string(out, "Architecture", host->machine);
    json_key_int(out, "NCPU", host->cpus);
    json_key_int(out, "MemTotal", host->memory);
}

static void write_runtimes(struct json_out *out)
{
    static const char *const security[] = {"name=seccomp,profile=builtin", "name=cgroupns", NULL};
    json_key(out, "Runtimes");
    json_put_raw(out, "{\"shoal\":{\"path\":\"\"},\"lean\":{\"path\":\"\"}}");
    json_key_string(out, "DefaultRuntime", "shoal");
    json_key(out, "Swarm");
    json_put_raw(out, "{\"NodeID\":\"\",\"NodeAddr\":\"\",\"LocalNodeState\":\"inactive\",\"ControlAvailable\":false,"
                      "\"Error\":\"\",\"RemoteManagers\":null}");
    json_key_bool(out, "LiveRestoreEnabled", true);
    json_key_string(out, "InitBinary", "");
    write_text_list(out, "SecurityOptions", security);
}

static void write_abilities(struct json_out *out)
{
    static const char *const always[] = {"IPv4Forwarding", "MemoryLimit", "SwapLimit", "CpuCfsPeriod",
                                         "CpuCfsQuota",    "CPUShares",   "CPUSet",    "PidsLimit"};
    for (size_t i = 0; i < ARRAY_SIZE(always); i++)
        json_key_bool(out, always[i], true);
    json_key_bool(out, "OomKillDisable", false);
    json_key_bool(out, "BridgeNfIptables", false);
    json_key_bool(out, "BridgeNfIp6tables", false);
    json_key_bool(out, "Debug", false);
    json_key_bool(out, "ExperimentalBuild", false);
}

static void write_problem(const char *problem, void *out)
{
    json_put_string(out, problem);
}

static int info(struct api *api, struct http_request *request, struct err *err)
{
    const struct engine_config *config = engine_config(api->options.engine);
    struct host host;
    char now[CLOCK_TEXT_MAX];
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    struct json_out *out = &json.out;
    host_read(&host);
    clock_format(clock_realtime_ns(), now);
    json_put_object(out);
    json_key_string(out, "ID", config->instance);
    write_counts(api->options.engine, out);
    write_drivers(out);
    write_abilities(out);
    json_key_string(out, "SystemTime", now);
    json_key_string(out, "ServerVersion", SHOAL_VERSION);
    json_key_string(out, "DockerRootDir", config->data_dir);
    json_key_string(out, "IndexServerAddress", "https://index.docker.io/v1/");
    write_host(&host, out);
    write_runtimes(out);
    json_key(out, "Labels");
    json_put_raw(out, "[]");
    json_key(out, "Warnings");
    json_put_array(out);
    engine_problems(api->options.engine, write_problem, out);
    json_put_array_end(out);
    json_put_object_end(out);
    return api_reply(request, 200, &json);
}

const struct api_route api_system_routes[] = {
    {HTTP_METHOD_GET, "/_ping", ping},
    {HTTP_METHOD_GET, "/version", version},
    {HTTP_METHOD_GET, "/info", info},
    {0},
};
