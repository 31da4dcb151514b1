/* DNS messages: parsing never reads outside, and what the server says to anything is well-formed. */
#include "base/str.h"
#include "discovery/dns_answer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct names *make_names(void)
{
    static const char *const called[] = {"web", "web-1", "web.shop"};
    struct names *names = names_new();
    for (unsigned i = 2; i < 40; i++) {
        char container[2] = {(char)('0' + i), '\0'};
        struct names_place place = {.container = container,
                                    .network = "n",
                                    .ipv4 = ip_v4(172, 17, 0, (uint8_t)i),
                                    .names = called,
                                    .name_count = ARRAY_SIZE(called),
                                    .outside = true};
        names_put(names, &place);
    }
    return names;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct names *names;
    static uint8_t answer[DNS_UDP_SIZE_MAX];
    struct dns_message question, said;
    struct dns_reaction reaction = {.answer = answer, .max = sizeof(answer)};
    struct ip client = ip_v4(172, 17, 0, 2), reverse;
    if (!names)
        names = make_names();
    dns_react(names, names_client(names, &client), data, size, &question, &reaction);
    if (dns_parse(data, size, &question)) {
        if (strlen(question.name) >= DNS_NAME_TEXT_MAX || question.question_end > size)
            abort();
        (void)dns_reverse_name(question.name, &reverse);
    }
    if (reaction.verdict == DNS_ANSWERED) {
        if (reaction.size < DNS_HEADER_SIZE || reaction.size > sizeof(answer))
            abort();
        /* Answered with more than an error, the question was good, and so is the answer. */
        if ((answer[3] & 15) != DNS_FORMERR && (!dns_parse(answer, reaction.size, &said) || !said.is_answer))
            abort();
    }
    return 0;
}
