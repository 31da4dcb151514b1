#pragma once
/* Inside of discovery/: what the server says to a question, or whom it asks. No sockets. */
#include "codec/dns.h"
#include "discovery/names.h"

enum dns_verdict {
    DNS_ANSWERED, /* size bytes of answer */
    DNS_FORWARD,  /* to the servers */
    DNS_IGNORED,  /* not a question at all */
};

struct dns_reaction {
    enum dns_verdict verdict;
    uint8_t *answer; /* in: room for max bytes */
    size_t max, size;
    struct ip servers[NAMES_SERVERS_MAX]; /* the client's own; 0: the machine's */
    size_t server_count;
};

/* query: size bytes of a client that is known. answer and query may not overlap. */
void dns_react(const struct names *names, const struct names_client *client, const uint8_t *query, size_t size,
               struct dns_message *ret_question, struct dns_reaction *reaction);

/* An answer without records. Returns its size. */
size_t dns_refuse(uint8_t *answer, size_t max, const uint8_t *query, const struct dns_message *question,
                  enum dns_rcode rcode);
