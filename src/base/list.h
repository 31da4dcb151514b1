#pragma once
/* Intrusive doubly linked lists: the links are embedded in their owner, container_of() leads back to it. */
#include <stdbool.h>
#include <stddef.h>

#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

/* Is this node on no list? True of nodes that were zeroed or removed. */
static inline bool list_unlinked(const struct list *node)
{
    return !node->next;
}

/* Adds node at the end of the list. */
static inline void list_push(struct list *head, struct list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

/* Adds node at the start of the list. */
static inline void list_push_first(struct list *head, struct list *node)
{
    list_push(head->next, node); /* at the end, as seen from what was the first */
}

/* Harmless on a node that is on no list. */
static inline void list_remove(struct list *node)
{
    if (list_unlinked(node))
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = NULL;
}

/* Safe against removal of the current item. */
#define list_foreach(item, head, member)                                                                               \
    for (__typeof__(item) item##_next_ = ((item) = container_of((head)->next, __typeof__(*(item)), member),            \
                                         container_of((item)->member.next, __typeof__(*(item)), member));              \
         &(item)->member != (head);                                                                                    \
         (item) = item##_next_, item##_next_ = container_of((item)->member.next, __typeof__(*(item)), member))
