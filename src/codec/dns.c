#include "codec/dns.h"

#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NAME_WIRE_MAX    255
#define LABEL_MAX        63
#define POINTER          0xc0
#define RECORD_HEADER    10         /* type, class, TTL, length */
#define QUESTION_POINTER "\xc0\x0c" /* the name at offset 12: the question's */

enum { FLAG_ANSWER = 0x80, FLAG_AUTHORITATIVE = 0x04, FLAG_TRUNCATED = 0x02, FLAG_RECURSION_DESIRED = 0x01 };
enum { FLAG_RECURSION_AVAILABLE = 0x80 }; /* of the second byte */

struct reader {
    const uint8_t *data;
    size_t size, at;
};

static uint16_t peek_u16(const struct reader *r, size_t at)
{
    return (uint16_t)(r->data[at] << 8 | r->data[at + 1]);
}

static void put_u16(uint8_t *data, uint16_t value)
{
    data[0] = (uint8_t)(value >> 8);
    data[1] = (uint8_t)value;
}

/* --- Names */

/* Adds one byte of a label as text; returns the new end. Text has room for any name of NAME_WIRE_MAX bytes. */
static size_t put_character(char *text, size_t used, uint8_t c)
{
    if (isalnum(c) || c == '-' || c == '_')
        text[used++] = (char)tolower(c);
    else
        used += (size_t)snprintf(text + used, 5, "\\%03u", c);
    return used;
}

/*
 * Reads a name, and follows its pointers when text is wanted; r->at ends behind the name itself. A pointer leads to
 * before where the piece with it began, so the way is finite.
 */
static bool read_name(struct reader *r, char text[DNS_NAME_TEXT_MAX])
{
    size_t at = r->at, limit = r->at, wire = 0, used = 0;
    bool jumped = false;
    for (;;) {
        if (at >= r->size)
            return false;
        uint8_t length = r->data[at];
        if ((length & POINTER) == POINTER) {
            if (at + 1 >= r->size)
                return false;
            size_t target = peek_u16(r, at) & 0x3fff;
            if (!jumped)
                r->at = at + 2;
            jumped = true;
            if (target >= limit || target < DNS_HEADER_SIZE)
                return false;
            at = limit = target;
            continue;
        }
        wire += (size_t)length + 1;
        if (length > LABEL_MAX || wire > NAME_WIRE_MAX || at + 1 + length > r->size)
            return false;
        at++;
        if (length == 0)
            break;
        if (text && used)
            text[used++] = '.';
        for (uint8_t i = 0; text && i < length; i++)
            used = put_character(text, used, r->data[at + i]);
        at += length;
    }
    if (!jumped)
        r->at = at;
    if (text)
        text[used] = '\0';
    return true;
}

/* A name as labels, for our own names: letters, digits, '-' and '_' between dots. 0 where it is not one. */
static size_t write_name(uint8_t wire[NAME_WIRE_MAX], const char *name)
{
    size_t used = 0;
    while (*name) {
        size_t length = strcspn(name, ".");
        if (length == 0 || length > LABEL_MAX || used + 1 + length + 1 > NAME_WIRE_MAX)
            return 0;
        wire[used++] = (uint8_t)length;
        memcpy(wire + used, name, length);
        used += length;
        name += length + (name[length] == '.');
    }
    wire[used++] = 0;
    return used;
}

static bool reverse_ipv4(const char *name, struct ip *ret)
{
    unsigned d, c, b, a;
    int used = 0;
    if (sscanf(name, "%3u.%3u.%3u.%3u.in-addr.arpa%n", &d, &c, &b, &a, &used) != 4 || used == 0 || name[used])
        return false;
    if (a > 255 || b > 255 || c > 255 || d > 255)
        return false;
    *ret = ip_v4((uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d);
    return true;
}

bool dns_reverse_name(const char *name, struct ip *ret)
{
    struct ip ip = {.family = IP_V6};
    if (!str_ends(name, ".ip6.arpa"))
        return reverse_ipv4(name, ret);
    if (strlen(name) != 64 + strlen("ip6.arpa"))
        return false;
    /* 32 digits of 4 bits, the last first. */
    for (size_t i = 0; i < 32; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = memchr(digits, name[2 * i], sizeof(digits) - 1);
        if (!digit || name[2 * i + 1] != '.')
            return false;
        uint8_t value = (uint8_t)(digit - digits);
        ip.bytes[15 - i / 2] |= (uint8_t)(i % 2 ? value << 4 : value);
    }
    *ret = ip;
    return true;
}

/* --- Reading */

static bool read_record(struct reader *r, struct dns_message *message)
{
    size_t name_at = r->at;
    if (!read_name(r, NULL) || r->size - r->at < RECORD_HEADER)
        return false;
    uint16_t type = peek_u16(r, r->at), class = peek_u16(r, r->at + 2), length = peek_u16(r, r->at + 8);
    r->at += RECORD_HEADER;
    if (r->size - r->at < length)
        return false;
    r->at += length;
    /* OPT stands at the root, and its class is a size. */
    if (type == DNS_TYPE_OPT && r->data[name_at] == 0) {
        message->edns = true;
        message->udp_size = class > DNS_UDP_SIZE ? class : DNS_UDP_SIZE;
    }
    return true;
}

bool dns_parse(const uint8_t *data, size_t size, struct dns_message *ret)
{
    struct reader r = {.data = data, .size = size, .at = DNS_HEADER_SIZE};
    *ret = (struct dns_message){.udp_size = DNS_UDP_SIZE};
    if (size >= 2)
        ret->id = dns_id(data);
    if (size < DNS_HEADER_SIZE || size > DNS_MESSAGE_MAX)
        return false;
    ret->is_answer = data[2] & FLAG_ANSWER;
    ret->truncated = data[2] & FLAG_TRUNCATED;
    ret->recursion_desired = data[2] & FLAG_RECURSION_DESIRED;
    ret->opcode = (data[2] >> 3) & 15;
    ret->rcode = data[3] & 15;
    if (peek_u16(&r, 4) != 1 || !read_name(&r, ret->name) || size - r.at < 4)
        return false;
    ret->type = peek_u16(&r, r.at);
    ret->class = peek_u16(&r, r.at + 2);
    ret->question_end = r.at += 4;
    unsigned records = (unsigned)peek_u16(&r, 6) + peek_u16(&r, 8) + peek_u16(&r, 10);
    for (unsigned i = 0; i < records; i++)
        if (!read_record(&r, ret))
            return false;
    return true;
}

bool dns_answers(const struct dns_message *answer, const struct dns_message *question)
{
    return answer->is_answer && answer->id == question->id && answer->opcode == question->opcode &&
           answer->type == question->type && answer->class == question->class && str_eq(answer->name, question->name);
}

/* --- Writing */

void dns_answer_begin(struct dns_writer *w, uint8_t *data, size_t max, const uint8_t *query,
                      const struct dns_message *question)
{
    *w = (struct dns_writer){.data = data, .max = max, .question = question, .size = question->question_end};
    memmove(data, query, question->question_end);
    memset(data + 6, 0, DNS_HEADER_SIZE - 6);
}

/* Room for a record with this much data; NULL where there is none. Room for the OPT of the end stays. */
static uint8_t *put_record(struct dns_writer *w, enum dns_type type, uint32_t ttl_s, size_t length)
{
    size_t needed = 2 + RECORD_HEADER + length, opt = w->question->edns ? 1 + RECORD_HEADER : 0;
    if (w->full || w->max - w->size < needed + opt) {
        w->full = true;
        return NULL;
    }
    uint8_t *at = w->data + w->size;
    memcpy(at, QUESTION_POINTER, 2);
    put_u16(at + 2, (uint16_t)type);
    put_u16(at + 4, DNS_CLASS_IN);
    put_u16(at + 6, (uint16_t)(ttl_s >> 16));
    put_u16(at + 8, (uint16_t)ttl_s);
    put_u16(at + 10, (uint16_t)length);
    w->size += needed;
    w->answers++;
    return at + 2 + RECORD_HEADER;
}

void dns_answer_address(struct dns_writer *w, const struct ip *ip, uint32_t ttl_s)
{
    uint8_t *to = put_record(w, ip->family == IP_V6 ? DNS_TYPE_AAAA : DNS_TYPE_A, ttl_s, ip_size(ip));
    if (to)
        memcpy(to, ip->bytes, ip_size(ip));
}

void dns_answer_pointer(struct dns_writer *w, const char *name, uint32_t ttl_s)
{
    uint8_t wire[NAME_WIRE_MAX];
    size_t size = write_name(wire, name);
    uint8_t *to = size ? put_record(w, DNS_TYPE_PTR, ttl_s, size) : NULL;
    if (to)
        memcpy(to, wire, size);
}

size_t dns_truncate(uint8_t *data, const struct dns_message *message)
{
    data[2] |= FLAG_TRUNCATED;
    memset(data + 6, 0, DNS_HEADER_SIZE - 6);
    return message->question_end;
}

size_t dns_answer_end(struct dns_writer *w, enum dns_rcode rcode)
{
    uint8_t *data = w->data;
    data[2] = (uint8_t)(FLAG_ANSWER | (data[2] & (0x78 | FLAG_RECURSION_DESIRED)) |
                        (rcode == DNS_NOERROR || rcode == DNS_NXDOMAIN ? FLAG_AUTHORITATIVE : 0));
    data[3] = (uint8_t)(FLAG_RECURSION_AVAILABLE | rcode);
    if (w->full)
        w->size = dns_truncate(data, w->question);
    else
        put_u16(data + 6, w->answers);
    if (w->question->edns && w->max - w->size >= 1 + RECORD_HEADER) {
        uint8_t *opt = data + w->size;
        memset(opt, 0, 1 + RECORD_HEADER);
        put_u16(opt + 1, DNS_TYPE_OPT);
        put_u16(opt + 3, DNS_UDP_SIZE_MAX);
        w->size += 1 + RECORD_HEADER;
        put_u16(data + 10, 1);
    }
    return w->size;
}
