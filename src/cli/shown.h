#pragma once
/* Cells of lists of containers. What they return lives in arena, or where it was. */
#include "base/arena.h"
#include "codec/json.h"

#define SHOWN_ID 12 /* characters of an ID */

/* "0.0.0.0:80->8080/tcp, 9000/tcp", of the list's Ports. */
const char *shown_ports(struct arena *arena, const json_value *ports);
/* In quotes, and cut where not whole. */
const char *shown_command(struct arena *arena, const char *command, bool whole);
