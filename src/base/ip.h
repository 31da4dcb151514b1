#pragma once
/*
 * Internet addresses and prefixes as values: text ↔ bytes, and the arithmetic that address pools need. Text is
 * inet_pton(3)'s strict form (no octal, no short forms), without zones; what is printed is RFC 5952.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define IP_TEXT_MAX        INET6_ADDRSTRLEN /* "ffff:…:255.255.255.255" and the NUL */
#define IP_PREFIX_TEXT_MAX (IP_TEXT_MAX + 4)
#define MAC_SIZE           6
#define MAC_TEXT_MAX       18

enum ip_family { IP_NONE = 0, IP_V4 = 4, IP_V6 = 6 };

/* An address; all zeroes is "none". Bytes are in network order, those behind an IPv4 address are zero. */
struct ip {
    uint8_t family; /* enum ip_family */
    uint8_t bytes[16];
};

struct ip_prefix {
    struct ip ip;
    uint8_t bits;
};

/* A transport address. */
struct ip_port {
    struct ip ip;
    uint16_t port; /* host order */
};

struct mac {
    uint8_t bytes[MAC_SIZE];
};

struct ip ip_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);

/* False where text is not an address, or NULL; *ret is left alone then. */
bool ip_parse(const char *text, struct ip *ret);
/* "" for none. Returns text. */
const char *ip_format(const struct ip *ip, char text[IP_TEXT_MAX]);

/* "172.18.0.0/16"; the bits behind the prefix are kept as they are given. The "/16" is mandatory. */
bool ip_prefix_parse(const char *text, struct ip_prefix *ret);
const char *ip_prefix_format(const struct ip_prefix *prefix, char text[IP_PREFIX_TEXT_MAX]);

/* "02:42:ac:12:00:05", digits of either case. */
bool mac_parse(const char *text, struct mac *ret);
const char *mac_format(const struct mac *mac, char text[MAC_TEXT_MAX]);

static inline bool ip_is_set(const struct ip *ip)
{
    return ip->family != IP_NONE;
}

bool ip_equal(const struct ip *a, const struct ip *b);
/* Sorts by family, then by value. */
int ip_compare(const struct ip *a, const struct ip *b);
/* 4 or 16. */
size_t ip_size(const struct ip *ip);
/* 32 or 128. */
uint8_t ip_bits(const struct ip *ip);
int ip_af(const struct ip *ip); /* AF_INET or AF_INET6 */
bool ip_is_loopback(const struct ip *ip);
bool ip_is_unspecified(const struct ip *ip); /* 0.0.0.0 or :: */

/* The address n further on, wrapping at the end of the address space. */
struct ip ip_plus(const struct ip *ip, uint32_t n);

/* The prefix's first address (its network) and its last (IPv4's broadcast). */
struct ip ip_prefix_first(const struct ip_prefix *prefix);
struct ip ip_prefix_last(const struct ip_prefix *prefix);
bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip *ip);
bool ip_prefix_within(const struct ip_prefix *inner, const struct ip_prefix *outer);
bool ip_prefix_overlaps(const struct ip_prefix *a, const struct ip_prefix *b);

/* IPv4 addresses mapped into IPv6 (::ffff:0:0/96) come out as IPv4. Other families give none. */
struct ip_port ip_from_sockaddr(const struct sockaddr_storage *address);
/* Returns the length for bind(2). */
socklen_t ip_to_sockaddr(const struct ip_port *from, struct sockaddr_storage *ret);
/* The same for a socket of family AF_INET6 that serves both families: IPv4 is mapped. */
socklen_t ip_to_mapped_sockaddr(const struct ip_port *from, struct sockaddr_storage *ret);
