#include "base/ip.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct ip ip_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct ip){.family = IP_V4, .bytes = {a, b, c, d}};
}

bool ip_parse(const char *text, struct ip *ret)
{
    struct ip ip = {.family = text && strchr(text, ':') ? IP_V6 : IP_V4};
    if (!text || inet_pton(ip_af(&ip), text, ip.bytes) != 1)
        return false;
    *ret = ip;
    return true;
}

const char *ip_format(const struct ip *ip, char text[IP_TEXT_MAX])
{
    if (!ip_is_set(ip) || !inet_ntop(ip_af(ip), ip->bytes, text, IP_TEXT_MAX))
        text[0] = '\0';
    return text;
}

bool ip_prefix_parse(const char *text, struct ip_prefix *ret)
{
    char address[IP_TEXT_MAX];
    struct ip_prefix prefix;
    int bits;
    const char *slash = strchr(text, '/');
    if (!slash || (size_t)(slash - text) >= sizeof(address))
        return false;
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';
    if (!ip_parse(address, &prefix.ip) || !str_to_int(slash + 1, 0, ip_bits(&prefix.ip), &bits))
        return false;
    prefix.bits = (uint8_t)bits;
    *ret = prefix;
    return true;
}

const char *ip_prefix_format(const struct ip_prefix *prefix, char text[IP_PREFIX_TEXT_MAX])
{
    char address[IP_TEXT_MAX];
    if (ip_is_set(&prefix->ip))
        (void)snprintf(text, IP_PREFIX_TEXT_MAX, "%s/%u", ip_format(&prefix->ip, address), prefix->bits);
    else
        text[0] = '\0';
    return text;
}

bool mac_parse(const char *text, struct mac *ret)
{
    struct mac mac;
    int used = 0;
    if (strlen(text) != MAC_TEXT_MAX - 1 || strspn(text, "0123456789abcdefABCDEF:") != MAC_TEXT_MAX - 1)
        return false;
    if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac.bytes[0], &mac.bytes[1], &mac.bytes[2],
               &mac.bytes[3], &mac.bytes[4], &mac.bytes[5], &used) != MAC_SIZE ||
        used != MAC_TEXT_MAX - 1)
        return false;
    *ret = mac;
    return true;
}

const char *mac_format(const struct mac *mac, char text[MAC_TEXT_MAX])
{
    const uint8_t *b = mac->bytes;
    (void)snprintf(text, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
    return text;
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
    return ip_compare(a, b) == 0;
}

int ip_compare(const struct ip *a, const struct ip *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

size_t ip_size(const struct ip *ip)
{
    return ip->family == IP_V6 ? 16 : 4;
}

uint8_t ip_bits(const struct ip *ip)
{
    return ip->family == IP_V6 ? 128 : 32;
}

int ip_af(const struct ip *ip)
{
    return ip->family == IP_V6 ? AF_INET6 : AF_INET;
}

bool ip_is_loopback(const struct ip *ip)
{
    static const uint8_t one[16] = {[15] = 1};
    if (ip->family == IP_V4)
        return ip->bytes[0] == 127;
    return ip->family == IP_V6 && memcmp(ip->bytes, one, sizeof(one)) == 0;
}

bool ip_is_unspecified(const struct ip *ip)
{
    static const uint8_t zero[16];
    return ip_is_set(ip) && memcmp(ip->bytes, zero, sizeof(zero)) == 0;
}

struct ip ip_plus(const struct ip *ip, uint32_t n)
{
    struct ip sum = *ip;
    uint64_t carry = n;
    for (size_t i = ip_size(ip); i-- > 0 && carry;) {
        carry += sum.bytes[i];
        sum.bytes[i] = (uint8_t)carry;
        carry >>= 8;
    }
    return sum;
}

/* The prefix's address with every bit behind the prefix set to `one` or cleared. */
static struct ip prefix_fill(const struct ip_prefix *prefix, bool one)
{
    struct ip ip = prefix->ip;
    for (unsigned bit = prefix->bits; bit < ip_bits(&ip); bit++) {
        uint8_t mask = (uint8_t)(0x80U >> (bit % 8));
        ip.bytes[bit / 8] = one ? ip.bytes[bit / 8] | mask : ip.bytes[bit / 8] & (uint8_t)~mask;
    }
    return ip;
}

struct ip ip_prefix_first(const struct ip_prefix *prefix)
{
    return prefix_fill(prefix, false);
}

struct ip ip_prefix_last(const struct ip_prefix *prefix)
{
    return prefix_fill(prefix, true);
}

bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip *ip)
{
    struct ip_prefix other = {.ip = *ip, .bits = prefix->bits};
    struct ip a = ip_prefix_first(prefix), b = ip_prefix_first(&other);
    return prefix->ip.family == ip->family && ip_equal(&a, &b);
}

bool ip_prefix_within(const struct ip_prefix *inner, const struct ip_prefix *outer)
{
    return inner->bits >= outer->bits && ip_prefix_contains(outer, &inner->ip);
}

bool ip_prefix_overlaps(const struct ip_prefix *a, const struct ip_prefix *b)
{
    return a->bits < b->bits ? ip_prefix_contains(a, &b->ip) : ip_prefix_contains(b, &a->ip);
}

struct ip_port ip_from_sockaddr(const struct sockaddr_storage *address)
{
    struct ip_port to = {0};
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        to.ip.family = IP_V4;
        to.port = ntohs(in->sin_port);
        memcpy(to.ip.bytes, &in->sin_addr, 4);
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)address;
        bool mapped = memcmp(&in->sin6_addr, mapped_prefix, sizeof(mapped_prefix)) == 0;
        to.ip.family = mapped ? IP_V4 : IP_V6;
        to.port = ntohs(in->sin6_port);
        memcpy(to.ip.bytes, in->sin6_addr.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
    }
    return to;
}

socklen_t ip_to_sockaddr(const struct ip_port *from, struct sockaddr_storage *ret)
{
    if (from->ip.family == IP_V6)
        return ip_to_mapped_sockaddr(from, ret);
    struct sockaddr_in *in = (struct sockaddr_in *)ret;
    *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(from->port)};
    memcpy(&in->sin_addr, from->ip.bytes, 4);
    return sizeof(*in);
}

socklen_t ip_to_mapped_sockaddr(const struct ip_port *from, struct sockaddr_storage *ret)
{
    struct sockaddr_in6 *in = (struct sockaddr_in6 *)ret;
    *in = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(from->port)};
    if (from->ip.family == IP_V6) {
        memcpy(&in->sin6_addr, from->ip.bytes, 16);
    } else {
        memcpy(&in->sin6_addr, mapped_prefix, sizeof(mapped_prefix));
        memcpy(in->sin6_addr.s6_addr + sizeof(mapped_prefix), from->ip.bytes, 4);
    }
    return sizeof(*in);
}
