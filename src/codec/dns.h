#pragma once
/*
 * DNS messages (RFC 1035, EDNS(0) of RFC 6891): reading questions and checking answers, writing answers of our own.
 * Everything read is hostile: lengths are checked, compression pointers go strictly backwards (so they end), names are
 * at most 255 bytes.
 */
#include "base/ip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_HEADER_SIZE   12
#define DNS_MESSAGE_MAX   65535
#define DNS_UDP_SIZE      512  /* what every client takes */
#define DNS_UDP_SIZE_MAX  1232 /* what no path fragments; larger answers go by TCP */
#define DNS_NAME_TEXT_MAX 1024 /* 255 bytes, each of them \DDD at worst */

enum dns_type {
    DNS_TYPE_A = 1,
    DNS_TYPE_PTR = 12,
    DNS_TYPE_AAAA = 28,
    DNS_TYPE_OPT = 41,
    DNS_TYPE_ANY = 255,
};

enum { DNS_CLASS_IN = 1 };

enum dns_rcode {
    DNS_NOERROR = 0,
    DNS_FORMERR = 1,
    DNS_SERVFAIL = 2,
    DNS_NXDOMAIN = 3,
    DNS_NOTIMP = 4,
    DNS_REFUSED = 5,
};

/* What a message asks, or an answer answers. */
struct dns_message {
    uint16_t id;
    bool is_answer, truncated, recursion_desired;
    uint8_t opcode;
    uint8_t rcode;
    uint16_t type, class;
    char name[DNS_NAME_TEXT_MAX]; /* lower case, without the last dot: "web.shop"; "" is the root */
    size_t question_end;          /* offset behind the one question */
    bool edns;
    uint16_t udp_size; /* what the sender takes by UDP, at least DNS_UDP_SIZE */
};

/*
 * Reads a message of one question, and walks all its records. False where it is anything else: too short or too long,
 * broken names, no or several questions. id is set when there were two bytes of it.
 */
bool dns_parse(const uint8_t *data, size_t size, struct dns_message *ret);

/* Is it an answer to this question (of the same id, name, type and class)? */
bool dns_answers(const struct dns_message *answer, const struct dns_message *question);

/* The address in a name below in-addr.arpa or ip6.arpa (RFC 1035 3.5, RFC 3596 2.5); false for other names. */
bool dns_reverse_name(const char *name, struct ip *ret);

/* An answer being written. What does not fit leaves it truncated: it ends behind the question then, with TC set. */
struct dns_writer {
    uint8_t *data;
    size_t size, max;
    const struct dns_message *question;
    uint16_t answers;
    bool full;
};

/*
 * Begins an answer to a question, whose header and question are copied from query. data has room for max bytes, at
 * least DNS_UDP_SIZE.
 */
void dns_answer_begin(struct dns_writer *w, uint8_t *data, size_t max, const uint8_t *query,
                      const struct dns_message *question);
/* Records for the name asked for: A or AAAA, PTR. */
void dns_answer_address(struct dns_writer *w, const struct ip *ip, uint32_t ttl_s);
void dns_answer_pointer(struct dns_writer *w, const char *name, uint32_t ttl_s);
/* Ends it; returns its size. */
size_t dns_answer_end(struct dns_writer *w, enum dns_rcode rcode);

/* Shortens a message to its header and question and sets TC. Returns the size. */
size_t dns_truncate(uint8_t *data, const struct dns_message *message);

static inline uint16_t dns_id(const uint8_t *data)
{
    return (uint16_t)(data[0] << 8 | data[1]);
}

static inline void dns_set_id(uint8_t *data, uint16_t id)
{
    data[0] = (uint8_t)(id >> 8);
    data[1] = (uint8_t)id;
}
