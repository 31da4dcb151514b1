#include "api/version.h"

static bool is_older(struct http_api_version version, int minor)
{
    return version.major < API_VERSION_MAJOR || (version.major == API_VERSION_MAJOR && version.minor < minor);
}

static bool is_newer(struct http_api_version version, int minor)
{
    return version.major > API_VERSION_MAJOR || (version.major == API_VERSION_MAJOR && version.minor > minor);
}

int api_version_check(struct http_api_version version, struct err *err)
{
    if (version.major == 0 && version.minor == 0)
        return 0;
    if (is_newer(version, API_VERSION_MINOR))
        return err_set(err, ERR_INVALID,
                       "client version %d.%d is too new. Maximum supported API version is " API_VERSION, version.major,
                       version.minor);
    if (is_older(version, API_VERSION_MINOR_MIN))
        return err_set(err, ERR_INVALID,
                       "client version %d.%d is too old. Minimum supported API version is " API_VERSION_MIN
                       ", please upgrade your client to a newer version",
                       version.major, version.minor);
    return 0;
}

bool api_speaks(const struct http_request *request, int minor)
{
    bool unversioned = request->version.major == 0 && request->version.minor == 0;
    return unversioned || !is_older(request->version, minor);
}
