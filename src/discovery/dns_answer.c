#include "discovery/dns_answer.h"

#include "base/str.h"

#define TTL_S 1

size_t dns_refuse(uint8_t *answer, size_t max, const uint8_t *query, const struct dns_message *question,
                  enum dns_rcode rcode)
{
    struct dns_writer w;
    dns_answer_begin(&w, answer, max, query, question);
    return dns_answer_end(&w, rcode);
}

/* The server's own answer to a question for addresses; false where the name is not known here. */
static bool answer_addresses(const struct names *names, const struct names_client *client, const uint8_t *query,
                             const struct dns_message *question, struct dns_reaction *reaction)
{
    struct ip addresses[NAMES_ADDRESSES_MAX];
    struct dns_writer w;
    enum ip_family family = question->type == DNS_TYPE_AAAA ? IP_V6 : IP_V4;
    int count = names_resolve(names, client, question->name, family, addresses);
    if (count < 0)
        return false;
    bool wanted = question->type == DNS_TYPE_A || question->type == DNS_TYPE_AAAA || question->type == DNS_TYPE_ANY;
    dns_answer_begin(&w, reaction->answer, reaction->max, query, question);
    for (int i = 0; wanted && i < count; i++)
        dns_answer_address(&w, &addresses[i], TTL_S);
    reaction->size = dns_answer_end(&w, DNS_NOERROR);
    return true;
}

static bool answer_pointer(const struct names *names, const struct names_client *client, const uint8_t *query,
                           const struct dns_message *question, struct dns_reaction *reaction)
{
    struct ip ip;
    struct dns_writer w;
    if (question->type != DNS_TYPE_PTR || !dns_reverse_name(question->name, &ip))
        return false;
    const char *name = names_reverse(names, client, &ip);
    if (!name)
        return false;
    dns_answer_begin(&w, reaction->answer, reaction->max, query, question);
    dns_answer_pointer(&w, name, TTL_S);
    reaction->size = dns_answer_end(&w, DNS_NOERROR);
    return true;
}

/* What was asked is none of ours: refused, or to be passed on. */
static enum dns_rcode judge(const struct dns_message *question)
{
    if (question->opcode != 0)
        return DNS_NOTIMP;
    return question->class == DNS_CLASS_IN ? DNS_NOERROR : DNS_REFUSED;
}

void dns_react(const struct names *names, const struct names_client *client, const uint8_t *query, size_t size,
               struct dns_message *question, struct dns_reaction *reaction)
{
    bool well_formed = dns_parse(query, size, question);
    enum dns_rcode rcode = well_formed ? judge(question) : DNS_FORMERR;
    reaction->verdict = DNS_IGNORED;
    if (size < DNS_HEADER_SIZE || question->is_answer)
        return;
    reaction->verdict = DNS_ANSWERED;
    if (!well_formed)
        question->question_end = DNS_HEADER_SIZE;
    if (rcode != DNS_NOERROR) {
        reaction->size = dns_refuse(reaction->answer, reaction->max, query, question, rcode);
        if (!well_formed)
            memset(reaction->answer + 4, 0, 2); /* no question is repeated */
    } else if (!answer_addresses(names, client, query, question, reaction) &&
               !answer_pointer(names, client, query, question, reaction)) {
        if (names_goes_outside(names, client, reaction->servers, &reaction->server_count))
            reaction->verdict = DNS_FORWARD;
        else
            reaction->size = dns_refuse(reaction->answer, reaction->max, query, question, DNS_NXDOMAIN);
    }
}
