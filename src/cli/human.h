#pragma once
/* Figures as people read them. */
#include <stdint.h>

#define SIZE_TEXT_MAX 16
/* "40.1MB", as Docker writes sizes: powers of 1000, three digits. */
void size_text(int64_t bytes, char text[SIZE_TEXT_MAX]);

#define AGE_TEXT_MAX 40
/* "3 minutes ago": how long before now_ns at_ns was; "" where at_ns is 0. Both as clock_realtime_ns(). */
void age_text(int64_t at_ns, int64_t now_ns, char text[AGE_TEXT_MAX]);
