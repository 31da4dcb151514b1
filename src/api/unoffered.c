/*
 * The routes of the Docker Engine API that this engine does not offer (yet): they answer 501 and say their name, where
 * a path that no Docker knows answers 404. Whoever offers one takes its line away.
 */
#include "api/api.h"

const struct api_route api_unoffered_routes[] = {
    {HTTP_METHOD_POST, "/auth"},
    {HTTP_METHOD_GET, "/system/df"},

    {HTTP_METHOD_GET, "/containers/{id}/attach/ws"},
    {HTTP_METHOD_GET, "/containers/{id}/stats"},
    {HTTP_METHOD_GET, "/containers/{id}/changes"},
    {HTTP_METHOD_GET, "/containers/{id}/export"},
    {HTTP_METHOD_POST, "/containers/{id}/update"},
    {HTTP_METHOD_GET, "/containers/{id}/archive"},
    {HTTP_METHOD_HEAD, "/containers/{id}/archive"},
    {HTTP_METHOD_PUT, "/containers/{id}/archive"},

    {HTTP_METHOD_POST, "/networks/{id}/connect"},
    {HTTP_METHOD_POST, "/networks/{id}/disconnect"},
    {HTTP_METHOD_PUT, "/volumes/{name}"},

    {HTTP_METHOD_GET, "/images/search"},
    {HTTP_METHOD_POST, "/images/{name*}/push"},
    {HTTP_METHOD_POST, "/commit"},
    {HTTP_METHOD_POST, "/build"},
    {HTTP_METHOD_POST, "/build/prune"},
    {HTTP_METHOD_POST, "/build/cancel"},
    {HTTP_METHOD_POST, "/session"},
    {HTTP_METHOD_POST, "/grpc"},
    {HTTP_METHOD_GET, "/distribution/{name*}/json"},

    {HTTP_METHOD_GET, "/plugins"},
    {HTTP_METHOD_GET, "/swarm"},
    {HTTP_METHOD_POST, "/swarm/init"},
    {HTTP_METHOD_POST, "/swarm/join"},
    {HTTP_METHOD_POST, "/swarm/leave"},
    {HTTP_METHOD_GET, "/nodes"},
    {HTTP_METHOD_GET, "/services"},
    {HTTP_METHOD_POST, "/services/create"},
    {HTTP_METHOD_GET, "/tasks"},
    {HTTP_METHOD_GET, "/secrets"},
    {HTTP_METHOD_POST, "/secrets/create"},
    {HTTP_METHOD_GET, "/configs"},
    {HTTP_METHOD_POST, "/configs/create"},
    {0},
};
