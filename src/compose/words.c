#include "compose/words.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"

struct splitter {
    char quote;      /* ' " or ` while within them */
    bool dollar;     /* within $( ) */
    bool escaped;    /* behind a backslash */
    bool word;       /* the word has begun, perhaps as '' */
    struct buf text; /* of the word so far */
};

static void splitter_done(struct splitter *s)
{
    buf_done(&s->text);
}

static void finish_word(struct arena *arena, struct splitter *s, struct strings *ret)
{
    if (s->word)
        vec_push_in(arena, ret, arena_strdup(arena, buf_str(&s->text)));
    buf_reset(&s->text);
    s->word = false;
}

/* Quotes and parentheses; false where the text is not a command. *taken: the character is done with. */
static bool take_mark(struct splitter *s, char c, bool *taken)
{
    bool bare = !s->quote && !s->dollar;
    if (c == '`' && (bare || s->quote == '`'))
        s->quote = s->quote ? 0 : '`';
    if ((c == '"' || c == '\'') && !s->dollar && (!s->quote || s->quote == c)) {
        s->word |= s->quote == c;
        s->quote = s->quote ? 0 : c;
        *taken = true;
    }
    if (c == ')' && !s->quote)
        s->dollar = !s->dollar;
    if (c == '(' && !s->quote) {
        if (s->dollar || !str_ends(buf_str(&s->text), "$"))
            return false;
        s->dollar = true;
    }
    return true;
}

bool words_split(struct arena *arena, const char *text, struct strings *ret, const char **ret_lost)
{
    struct splitter s cleanup(splitter_done) = {.text = BUF(strlen(text) + 1)};
    bool ok = true;
    *ret_lost = NULL;
    for (; *text && ok; text++) {
        bool taken = false, bare = !s.quote && !s.dollar;
        if (s.escaped) {
            s.escaped = false;
        } else if (*text == '\\' && s.quote != '\'') {
            s.escaped = taken = true;
        } else if (bare && strchr(" \t\r\n", *text)) {
            finish_word(arena, &s, ret);
            taken = true;
        } else if (bare && strchr(";&|<>", *text)) {
            *ret_lost = text;
            break;
        } else {
            ok = take_mark(&s, *text, &taken);
        }
        if (!taken) {
            buf_addc(&s.text, *text);
            s.word = true;
        }
    }
    if (*ret_lost && **ret_lost == '>' && s.text.size && s.text.data[0] >= '0' && s.text.data[0] <= '9')
        s.word = false; /* the 2 of 2> */
    finish_word(arena, &s, ret);
    return ok && !s.quote && !s.dollar && !s.escaped;
}
