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

struct network_names;

/* A container's place in a network. */
struct place {
    struct list link; /* among those of its container, in the order they were told */
    struct names_client *client;
    struct network_names *network;
    struct ip ipv4, ipv6;
    struct strings names; /* lower case; the texts are keys of network->holders */
    bool hidden, outside;
    struct ip *servers;
    size_t server_count;
};

struct names_client {
    struct list places; /* of struct place, owned; never empty */
};

/* Those who have a name in a network, or are in it at all; never empty. */
struct holders {
    VEC(struct place *) places;
};

struct network_names {
    const char *id;     /* the key of names->networks */
    struct map holders; /* of struct holders, by name; owned */
    struct holders members;
};

struct names {
    struct map containers; /* of struct names_client, by id; owned */
    struct map networks;   /* of struct network_names, by id; owned */
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

static void leave(struct holders *holders, const struct place *place)
{
    for (size_t i = 0; i < holders->places.count; i++)
        if (holders->places.items[i] == place) {
            vec_remove(&holders->places, i);
            return;
        }
}

static void take_name(struct place *place, const char *told)
{
    struct map *all = &place->network->holders;
    char *name cleanup_free = lower(told);
    struct holders *holders = map_get(all, name);
    if (!holders) {
        holders = NEW(struct holders);
        (void)map_put(all, name, holders);
    }
    vec_push(&holders->places, place);
    vec_push(&place->names, map_find(all, name)->key);
}

static void give_name_back(struct place *place, const char *name)
{
    struct holders *holders = map_get(&place->network->holders, name);
    leave(holders, place);
    if (holders->places.count)
        return;
    vec_done(&holders->places);
    free(map_remove(&place->network->holders, name));
}

static void enter_network(struct names *names, const char *id, struct place *place)
{
    place->network = map_get(&names->networks, id);
    if (!place->network) {
        place->network = NEW(struct network_names);
        (void)map_put(&names->networks, id, place->network);
        place->network->id = map_find(&names->networks, id)->key;
    }
    vec_push(&place->network->members.places, place);
}

static void leave_network(struct names *names, struct place *place)
{
    struct network_names *network = place->network;
    leave(&network->members, place);
    if (network->members.places.count)
        return;
    vec_done(&network->members.places);
    map_done(&network->holders);
    free(map_remove(&names->networks, network->id));
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
    unindex_address(names, &place->ipv4, place);
    unindex_address(names, &place->ipv6, place);
    list_remove(&place->link);
    vec_foreach (name, &place->names)
        give_name_back(place, *name);
    vec_done(&place->names);
    leave_network(names, place);
    free(place->servers);
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
    map_done(&names->networks);
    map_done(&names->addresses);
    free(names);
}

static struct place *find_place(const struct names_client *client, const char *network)
{
    struct place *place;
    if (client)
        list_foreach (place, &client->places, link)
            if (str_eq(place->network->id, network))
                return place;
    return NULL;
}

static struct place *place_new(struct names *names, struct names_client *client, const struct names_place *told)
{
    struct place *place = NEW(struct place);
    place->client = client;
    place->ipv4 = told->ipv4;
    place->ipv6 = told->ipv6;
    place->hidden = told->hidden;
    place->outside = told->outside;
    place->server_count = told->server_count < NAMES_SERVERS_MAX ? told->server_count : NAMES_SERVERS_MAX;
    if (place->server_count)
        place->servers = mem_memdup(told->servers, place->server_count * sizeof(*told->servers));
    enter_network(names, told->network, place);
    for (size_t i = 0; i < told->name_count; i++)
        take_name(place, told->names[i]);
    return place;
}

void names_put(struct names *names, const struct names_place *told)
{
    struct names_client *client = map_get(&names->containers, told->container);
    struct place *before = find_place(client, told->network);
    if (!client) {
        client = NEW(struct names_client);
        list_init(&client->places);
        (void)map_put(&names->containers, told->container, client);
    }
    struct place *place = place_new(names, client, told);
    if (before) {
        list_push(&before->link, &place->link); /* before's own turn among the networks stays */
        place_free(names, before);
    } else {
        list_push(&client->places, &place->link);
    }
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
    return place ? place->client : NULL;
}

const struct names_client *names_member(const struct names *names, const char *network)
{
    const struct network_names *found = map_get(&names->networks, network);
    return found ? found->members.places.items[0]->client : NULL;
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
        const struct holders *holders = map_get(&place->network->holders, name);
        if (holders)
            return collect(holders, family, addresses);
    }
    return -1;
}

const char *names_reverse(const struct names *names, const struct names_client *client, const struct ip *ip)
{
    char text[IP_TEXT_MAX];
    const struct place *found = map_get(&names->addresses, ip_format(ip, text));
    if (!found || !find_place(client, found->network->id) || found->names.count == 0)
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
