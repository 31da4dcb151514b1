#pragma once
/* Identifiers: 256 random bits as 64 lower-case hex digits, as Docker has them; the short form is the first 12. */
#include <stdbool.h>

#define ID_SIZE 65 /* with the NUL */

void id_new(char id[ID_SIZE]);
/* 64 hex digits? */
bool id_is_full(const char *s);
/* 1 to 64 hex digits, so perhaps the start of one? */
bool id_is_prefix(const char *s);
