#include "date.h"

static const char days[] = "ThuFriSatSunMonTueWed", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Days since 1970 to a date, counted in years that begin in March, so that a leap day comes last. */
static void civil_from_days(uint32_t days_since, int *ret_year, int *ret_month, int *ret_day)
{
    days_since += 719468; /* from the 1st of March of the year 0 */
    uint32_t era = days_since / 146097;
    uint32_t day_of_era = days_since % 146097;
    uint32_t year = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    uint32_t month = (5 * day_of_year + 2) / 153; /* 0: March */
    *ret_day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    *ret_month = (int)(month < 10 ? month + 3 : month - 9);
    *ret_year = (int)(year + era * 400 + (*ret_month <= 2));
}

static uint32_t days_from_civil(uint32_t year, uint32_t month, uint32_t day)
{
    year -= month <= 2;
    uint32_t year_of_era = year % 400;
    uint32_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return year / 400 * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

void date_write(int64_t seconds, struct out *out)
{
    if (seconds < 0 || seconds > 253402300799)
        seconds = 0; /* the format has four digits for the year, and this server no use for times before 1970 */
    uint64_t rest = (uint64_t)seconds;
    uint32_t second = divide(&rest, 86400), day = (uint32_t)rest;
    int year, month, day_of_month;
    civil_from_days(day, &year, &month, &day_of_month);
    out_text(out, (struct text){days + day % 7 * 3, 3});
    out_text(out, TEXT(", "));
    out_digits(out, (unsigned)day_of_month, 2);
    out_char(out, ' ');
    out_text(out, (struct text){months + (month - 1) * 3, 3});
    out_char(out, ' ');
    out_digits(out, (unsigned)year, 4);
    out_char(out, ' ');
    out_digits(out, second / 3600, 2);
    out_char(out, ':');
    out_digits(out, second / 60 % 60, 2);
    out_char(out, ':');
    out_digits(out, second % 60, 2);
    out_text(out, TEXT(" GMT"));
}

/* The number that fills t[from … from + width - 1], or UINT32_MAX. */
static uint32_t number_at(struct text t, size_t from, size_t width)
{
    uint32_t value = 0;
    for (size_t i = from; i < from + width; i++) {
        if (!text_is_digit(t.s[i]))
            return UINT32_MAX;
        value = value * 10 + (uint32_t)(t.s[i] - '0');
    }
    return value;
}

/* 1 … 12, or 0. */
static uint32_t month_of(struct text name)
{
    for (uint32_t i = 0; i < 12; i++)
        if (text_same(name, (struct text){months + 3 * i, 3}))
            return i + 1;
    return 0;
}

bool date_read(struct text t, int64_t *ret_seconds)
{
    if (t.n != DATE_SIZE)
        return false;
    uint32_t day = number_at(t, 5, 2), year = number_at(t, 12, 4), month = month_of((struct text){t.s + 8, 3});
    uint32_t hour = number_at(t, 17, 2), minute = number_at(t, 20, 2), second = number_at(t, 23, 2);
    if (!day || day > 31 || !month || year < 1970 || year > 9999 || hour > 23 || minute > 59 || second > 60)
        return false;
    int64_t seconds = (int64_t)days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    char again[DATE_SIZE]; /* the punctuation, and the 31st of months that have none */
    struct out out = {again, 0, sizeof(again)};
    date_write(seconds, &out);
    *ret_seconds = seconds;
    return text_same(t, (struct text){again, out.n});
}
