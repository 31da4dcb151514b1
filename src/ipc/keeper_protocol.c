#include "ipc/keeper_protocol.h"

#include <stdio.h>
#include <string.h>

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool keeper_id_parse(const char *text, uint8_t id[KEEPER_ID_SIZE])
{
    if (strlen(text) != (size_t)2 * KEEPER_ID_SIZE)
        return false;
    for (int i = 0; i < KEEPER_ID_SIZE; i++) {
        int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        id[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void keeper_id_format(const uint8_t id[KEEPER_ID_SIZE], char text[2 * KEEPER_ID_SIZE + 1])
{
    for (int i = 0; i < KEEPER_ID_SIZE; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", id[i]);
}
