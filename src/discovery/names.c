#include "discovery/names.h"

#include "base/cleanup.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"

#include <ctype.h>
#include <stdio.h>
#include <sys/random.h>

/* A container's place in a network. */
struct place {
    struct list link; /* among those of its container, in the order they were told */
    char *container, *network;
    struct ip ipv4, ipv6;
    struct strings names; /* lower case */
    bool hidden, outside;
    struct ip *servers;
    size_t server_count;
};

struct names_client {
    struct list places; /* of struct place, owned; never empty */
};

/* Those who have a name in a network, or are in it at all. */
struct holders {
    VEC(struct place *) places;
};

struct names {
    struct map containers; /* of struct names_client, by id; owned */
    struct map holders;    /* of struct holders, by "network name" and by network; owned */
    struct map addresses;  /* of struct place, by the address's text */
};

struct names *names_new(void)
{
    return NEW(struct names);
}

/* --- The indexes */

static char *lower(const char *name)
{
    char *copy = mem_strdup(name);
    for (char *c = copy; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

static void holders_add(struct names *names, const char *key, struct place *place)
{
    struct holders *holders = map_get(&names->holders, key);
    if (!holders) {
        holders = NEW(struct holders);
        (void)map_put(&names->holders, key, holders);
    }
    vec_push(&holders->places, place);
}

static void holders_remove(struct names *names, const char *key, const struct place *place)
{
    struct holders *holders = map_get(&names->holders, key);
    for (size_t i = 0; holders && i < holders->places.count; i++)
        if (holders->places.items[i] == place) {
            vec_remove(&holders->places, i);
            break;
        }
    if (holders && holders->places.count == 0) {
        vec_done(&holders->places);
        free(map_remove(&names->holders, key));
    }
}

static void for_each_key(struct names *names, struct place *place,
                         void (*f)(struct names *names, const char *key, struct place *place))
{
    f(names, place->network, place);
    vec_foreach (name, &place->names) {
        char *key cleanup_free = mem_printf("%s %s", place->network, *name);
        f(names, key, place);
    }
}

static void index_key(struct names *names, const char *key, struct place *place)
{
    holders_add(names, key, place);
}

static void unindex_key(struct names *names, const char *key, struct place *place)
{
    holders_remove(names, key, place);
}

static void index_address(struct names *names, const struct ip *ip, struct place *place)
{
    char text[IP_TEXT_MAX];
    if (ip_is_set(ip))
        (void)map_put(&names->addresses, ip_format(ip, text), place);
}

static void unindex_address(struct names *names, const struct ip *ip, const struct place *place)
{
    char text[IP_TEXT_MAX];
    /* Told meanwhile of another container, it is that one's. */
    if (ip_is_set(ip) && map_get(&names->addresses, ip_format(ip, text)) == place)
        (void)map_remove(&names->addresses, text);
}

/* --- Places */

static void place_free(struct names *names, struct place *place)
{
    for_each_key(names, place, unindex_key);
    unindex_address(names, &place->ipv4, place);
    unindex_address(names, &place->ipv6, place);
    list_remove(&place->link);
    vec_foreach (name, &place->names)
        free(*name);
    vec_done(&place->names);
    free(place->servers);
    free(place->container);
    free(place->network);
    free(place);
}

static void client_free(struct names *names, struct names_client *client)
{
    struct place *place;
    list_foreach (place, &client->places, link)
        place_free(names, place);
    free(client);
}

void names_free(struct names *names)
{
    struct map_entry *entry;
    for (size_t i = 0; (entry = map_next(&names->containers, &i));)
        client_free(names, entry->value);
    map_done(&names->containers);
    map_done(&names->holders);
    map_done(&names->addresses);
    free(names);
}

static struct place *find_place(const struct names_client *client, const char *network)
{
    struct place *place;
    if (client)
        list_foreach (place, &client->places, link)
            if (str_eq(place->network, network))
                return place;
    return NULL;
}

static struct place *place_new(const struct names_place *told)
{
    struct place *place = NEW(struct place);
    place->container = mem_strdup(told->container);
    place->network = mem_strdup(told->network);
    place->ipv4 = told->ipv4;
    place->ipv6 = told->ipv6;
    place->hidden = told->hidden;
    place->outside = told->outside;
    place->server_count = told->server_count < NAMES_SERVERS_MAX ? told->server_count : NAMES_SERVERS_MAX;
    if (place->server_count)
        place->servers = mem_memdup(told->servers, place->server_count * sizeof(*told->servers));
    for (size_t i = 0; i < told->name_count; i++)
        vec_push(&place->names, lower(told->names[i]));
    return place;
}

void names_put(struct names *names, const struct names_place *told)
{
    struct place *place = place_new(told);
    struct names_client *client = map_get(&names->containers, told->container);
    struct place *before = find_place(client, told->network);
    if (!client) {
        client = NEW(struct names_client);
        list_init(&client->places);
        (void)map_put(&names->containers, told->container, client);
    }
    if (before) {
        list_push(&before->link, &place->link); /* before's own turn among the networks stays */
        place_free(names, before);
    } else {
        list_push(&client->places, &place->link);
    }
    for_each_key(names, place, index_key);
    index_address(names, &place->ipv4, place);
    index_address(names, &place->ipv6, place);
}

void names_remove(struct names *names, const char *container, const char *network)
{
    struct names_client *client = map_get(&names->containers, container);
    struct place *place = find_place(client, network);
    if (!place)
        return;
    place_free(names, place);
    if (list_empty(&client->places))
        free(map_remove(&names->containers, container));
}

/* --- Questions */

const struct names_client *names_client(const struct names *names, const struct ip *ip)
{
    char text[IP_TEXT_MAX];
    const struct place *place = map_get(&names->addresses, ip_format(ip, text));
    return place ? map_get(&names->containers, place->container) : NULL;
}

const struct names_client *names_member(const struct names *names, const char *network)
{
    const struct holders *holders = map_get(&names->holders, network);
    return holders ? map_get(&names->containers, holders->places.items[0]->container) : NULL;
}

/* Fisher and Yates: which replica stands first is chance. */
static void shuffle(struct ip *addresses, size_t count)
{
    uint32_t random[NAMES_ADDRESSES_MAX];
    if (count < 2 || getrandom(random, count * sizeof(*random), GRND_NONBLOCK) < 0)
        return;
    for (size_t i = count - 1; i > 0; i--) {
        size_t j = random[i] % (i + 1);
        struct ip swap = addresses[i];
        addresses[i] = addresses[j];
        addresses[j] = swap;
    }
}

static int collect(const struct holders *holders, enum ip_family family, struct ip *addresses)
{
    size_t count = 0;
    vec_foreach (place, &holders->places) {
        const struct ip *ip = family == IP_V6 ? &(*place)->ipv6 : &(*place)->ipv4;
        if (!(*place)->hidden && ip_is_set(ip) && count < NAMES_ADDRESSES_MAX)
            addresses[count++] = *ip;
    }
    shuffle(addresses, count);
    return (int)count;
}

int names_resolve(const struct names *names, const struct names_client *client, const char *name, enum ip_family family,
                  struct ip addresses[NAMES_ADDRESSES_MAX])
{
    const struct place *place;
    list_foreach (place, &client->places, link) {
        char *key cleanup_free = mem_printf("%s %s", place->network, name);
        const struct holders *holders = map_get(&names->holders, key);
        if (holders)
            return collect(holders, family, addresses);
    }
    return -1;
}

const char *names_reverse(const struct names *names, const struct names_client *client, const struct ip *ip)
{
    char text[IP_TEXT_MAX];
    const struct place *found = map_get(&names->addresses, ip_format(ip, text));
    if (!found || !find_place(client, found->network) || found->names.count == 0)
        return NULL;
    return found->names.items[0];
}

bool names_goes_outside(const struct names *names, const struct names_client *client,
                        struct ip servers[NAMES_SERVERS_MAX], size_t *ret_count)
{
    bool outside = false;
    const struct place *place;
    *ret_count = 0;
    list_foreach (place, &client->places, link) {
        outside = outside || place->outside;
        if (*ret_count == 0 && place->server_count) {
            memcpy(servers, place->servers, place->server_count * sizeof(*servers));
            *ret_count = place->server_count;
        }
    }
    return outside;
}
