#include "sys/nft.h"

#include "base/cleanup.h"
#include "sys/files.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#define LIST_MAX          ((size_t)48 * 1024)
#define NFT_TYPE(message) ((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | (message)))

/* --- Text, through nft */

/* stdin is the text, stdout and stderr are said. No signal mask of ours reaches it. */
static int spawn_nft(int text, int said, pid_t *ret)
{
    static char *const arguments[] = {(char *)"nft", (char *)"-f", (char *)"-", NULL};
    static char *const environment[] = {(char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", (char *)"LC_ALL=C", NULL};
    static const char *const programs[] = {"/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft", "/usr/local/sbin/nft"};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    int r = ENOENT;
    (void)sigemptyset(&none);
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawn_file_actions_adddup2(&files, text, STDIN_FILENO);
    (void)posix_spawn_file_actions_adddup2(&files, said, STDOUT_FILENO);
    (void)posix_spawn_file_actions_adddup2(&files, said, STDERR_FILENO);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    for (size_t i = 0; r == ENOENT && i < sizeof(programs) / sizeof(programs[0]); i++)
        r = posix_spawn(ret, programs[i], &files, &attributes, arguments, environment);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&files);
    return -r;
}

/* Reads what it says until it ends, keeps the start of it. */
static void listen_to(int fd, char *reason, size_t size)
{
    char chunk[512];
    size_t used = 0;
    ssize_t n;
    while ((n = read(fd, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR)) {
        size_t keep = n < 0 ? 0 : (size_t)n;
        if (keep > size - 1 - used)
            keep = size - 1 - used;
        memcpy(reason + used, chunk, keep);
        used += keep;
    }
    reason[used] = '\0';
}

int nft_load(const char *text, size_t size, char *reason, size_t reason_size)
{
    reason[0] = '\0';
    cleanup_fd int input = file_sealed_memfd("nft", text, size, false);
    if (input < 0)
        return input;
    int said[2];
    if (pipe2(said, O_CLOEXEC) < 0)
        return -errno;
    cleanup_fd int output = said[0];
    pid_t pid;
    int status, r = spawn_nft(input, said[1], &pid);
    (void)close(said[1]);
    if (r < 0)
        return r;
    listen_to(output, reason, reason_size);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EINVAL;
}

/* --- Elements */

static void value_put(struct nft_value *value, const void *bytes, size_t size)
{
    memcpy(value->bytes + value->size, bytes, size);
    value->size += (size + 3) & ~(size_t)3;
}

void nft_value_ip(struct nft_value *value, const struct ip *ip)
{
    value_put(value, ip->bytes, ip_size(ip));
}

void nft_value_u8(struct nft_value *value, uint8_t number)
{
    value_put(value, &number, sizeof(number));
}

void nft_value_port(struct nft_value *value, uint16_t port)
{
    uint16_t number = htons(port);
    value_put(value, &number, sizeof(number));
}

void nft_value_host_u32(struct nft_value *value, uint32_t number)
{
    value_put(value, &number, sizeof(number));
}

static void put_mark(struct netlink_batch *batch, uint16_t type)
{
    struct nfgenmsg header = {.nfgen_family = AF_UNSPEC, .res_id = htons(NFNL_SUBSYS_NFTABLES)};
    netlink_mark(batch, type, &header, sizeof(header));
}

void nft_begin(struct netlink_batch *batch)
{
    netlink_batch_reset(batch);
    put_mark(batch, NFNL_MSG_BATCH_BEGIN);
}

int nft_commit(struct netlink *nl, struct netlink_batch *batch)
{
    if (batch->last_acknowledged == 0)
        return batch->error; /* an empty transaction */
    put_mark(batch, NFNL_MSG_BATCH_END);
    return netlink_talk(nl, batch, NULL, NULL);
}

static const struct nfgenmsg inet = {.nfgen_family = NFPROTO_INET};

static void put_set(struct netlink_batch *batch, uint16_t message, uint16_t flags, const char *table, const char *set)
{
    netlink_request(batch, NFT_TYPE(message), flags, &inet, sizeof(inet));
    netlink_put_text(batch, NFTA_SET_ELEM_LIST_TABLE, table);
    netlink_put_text(batch, NFTA_SET_ELEM_LIST_SET, set);
}

void nft_flush(struct netlink_batch *batch, const char *table, const char *set)
{
    put_set(batch, NFT_MSG_DELSETELEM, 0, table, set);
}

/* Opens a message when none is open or the open one is nearly as long as an attribute can be. */
static void open_list(struct nft_elements *elements)
{
    if (elements->list && elements->batch->size - elements->list > LIST_MAX)
        nft_elements_end(elements);
    if (elements->list)
        return;
    if (elements->operation == NFT_ADD)
        put_set(elements->batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, elements->table, elements->set);
    else
        put_set(elements->batch, NFT_MSG_DELSETELEM, 0, elements->table, elements->set);
    elements->list = netlink_nest(elements->batch, NFTA_SET_ELEM_LIST_ELEMENTS);
}

void nft_elements_end(struct nft_elements *elements)
{
    if (elements->list)
        netlink_nest_end(elements->batch, elements->list);
    elements->list = 0;
}

static void put_value(struct netlink_batch *batch, uint16_t type, const struct nft_value *value)
{
    if (!value)
        return;
    size_t nest = netlink_nest(batch, type);
    netlink_put(batch, NFTA_DATA_VALUE, value->bytes, value->size);
    netlink_nest_end(batch, nest);
}

static void put_element(struct nft_elements *elements, const struct nft_value *key, const struct nft_value *end,
                        const struct nft_value *value, uint32_t flags)
{
    struct netlink_batch *batch = elements->batch;
    open_list(elements);
    size_t nest = netlink_nest(batch, NFTA_LIST_ELEM);
    put_value(batch, NFTA_SET_ELEM_KEY, key);
    put_value(batch, NFTA_SET_ELEM_KEY_END, end);
    put_value(batch, NFTA_SET_ELEM_DATA, value);
    if (flags)
        netlink_put_u32(batch, NFTA_SET_ELEM_FLAGS, htonl(flags));
    netlink_nest_end(batch, nest);
}

void nft_element(struct nft_elements *elements, const struct nft_value *key, const struct nft_value *end,
                 const struct nft_value *value)
{
    put_element(elements, key, end, value, 0);
}

/* Sets of single fields hold an interval as two elements: where it begins, and the first key behind it. */
void nft_element_prefix(struct nft_elements *elements, const struct ip_prefix *prefix, const struct nft_value *value)
{
    struct nft_value first = {0}, behind = {0};
    struct ip begin = ip_prefix_first(prefix), last = ip_prefix_last(prefix), next = ip_plus(&last, 1);
    nft_value_ip(&first, &begin);
    nft_value_ip(&behind, &next);
    put_element(elements, &first, NULL, value, 0);
    if (ip_compare(&next, &last) > 0)
        put_element(elements, &behind, NULL, NULL, NFT_SET_ELEM_INTERVAL_END);
}

void nft_table_remove(struct netlink_batch *batch, const char *table)
{
    netlink_request(batch, NFT_TYPE(NFT_MSG_DELTABLE), 0, &inet, sizeof(inet));
    netlink_put_text(batch, NFTA_TABLE_NAME, table);
}

/* --- Chains */

struct chain_dump {
    void (*found)(const struct nft_chain *chain, void *data);
    void *data;
};

static void chain_entry(const struct nlmsghdr *message, void *data)
{
    struct chain_dump *dump = data;
    const struct nfgenmsg *header = mnl_nlmsg_get_payload(message);
    const struct nlattr *attributes[NFTA_CHAIN_MAX + 1], *nested;
    netlink_parse(message, sizeof(*header), attributes, NFTA_CHAIN_MAX);
    if (!attributes[NFTA_CHAIN_TABLE] || !attributes[NFTA_CHAIN_NAME])
        return;
    struct nft_chain chain = {
        .family = header->nfgen_family,
        .table = mnl_attr_get_str(attributes[NFTA_CHAIN_TABLE]),
        .name = mnl_attr_get_str(attributes[NFTA_CHAIN_NAME]),
        .base = attributes[NFTA_CHAIN_HOOK] != NULL,
        .drops = attributes[NFTA_CHAIN_POLICY] && ntohl(mnl_attr_get_u32(attributes[NFTA_CHAIN_POLICY])) == NF_DROP,
    };
    if (chain.base)
        mnl_attr_for_each_nested(nested, attributes[NFTA_CHAIN_HOOK])
        {
            if (mnl_attr_get_type(nested) == NFTA_HOOK_HOOKNUM)
                chain.hook = ntohl(mnl_attr_get_u32(nested));
        }
    dump->found(&chain, dump->data);
}

int nft_chains(struct netlink *nl, void (*found)(const struct nft_chain *chain, void *data), void *data)
{
    static const struct nfgenmsg every = {.nfgen_family = NFPROTO_UNSPEC};
    struct chain_dump dump = {.found = found, .data = data};
    int r = -EINTR;
    for (int i = 0; r == -EINTR && i < 20; i++) {
        struct netlink_batch batch cleanup(netlink_batch_done) = {0};
        netlink_request(&batch, NFT_TYPE(NFT_MSG_GETCHAIN), 0, &every, sizeof(every));
        r = netlink_dump(nl, &batch, chain_entry, &dump);
    }
    return r;
}
