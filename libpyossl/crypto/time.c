/*
 * ASN.1 times, read and written by ourselves: every field has its range, and
 * seconds are counted in 64 bits, so that neither a time_t of 32 bits nor a year
 * of five digits can come between.
 */
#include "crypto.h"

#include <time.h>

enum {
    UTC_FIRST = 1950, /* a UTCTime has two digits for the year: RFC 5280, section 4.1.2.5.1 */
    UTC_LAST = 2049,
    YEAR_MAX = 9999,
    OFFSET_HOURS_MAX = 12, /* as OpenSSL, which has to read back what is stored */
    TEXT_MAX = 15,         /* YYYYMMDDhhmmssZ */
};

#define SECONDS_PER_DAY 86400

typedef struct moment {
    int year, month, day, hour, minute, second;
    int offset;   /* minutes east of UTC */
    bool seconds; /* are there */
    bool plain;   /* seconds are there, a fraction is not, and the zone is "Z" */
} moment;

/* What is left to read. */
typedef struct cursor {
    const char *at;
    const char *end;
} cursor;

/* ---- the calendar ---- */

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int64_t year, int month)
{
    static const int days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days from 1 January of the year 0 to that of @year, which is not negative. */
static int64_t days_before_year(int64_t year)
{
    return 365 * year + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
}

/* Seconds since 1970, UTC. */
static int64_t moment_epoch(const moment *m)
{
    int64_t days = days_before_year(m->year) - days_before_year(1970) + m->day - 1;

    for (int month = 1; month < m->month; month++)
        days += days_in_month(m->year, month);
    return days * SECONDS_PER_DAY + m->hour * 3600 + (m->minute - m->offset) * 60 + m->second;
}

/* The other way; false outside the years 0 to 9999. */
static bool moment_from_epoch(moment *out, int64_t seconds)
{
    const int64_t first = -days_before_year(1970) * SECONDS_PER_DAY;
    const int64_t behind =
        (days_before_year(YEAR_MAX + 1) - days_before_year(1970)) * SECONDS_PER_DAY;
    int64_t days, year;
    int rest, month = 1;

    if (seconds < first || seconds >= behind)
        return false;
    seconds -= first;
    days = seconds / SECONDS_PER_DAY;
    rest = (int)(seconds % SECONDS_PER_DAY);
    year = days / 366; /* never late, early by a few years */
    while (days_before_year(year + 1) <= days)
        year++;
    days -= days_before_year(year);
    while (days >= days_in_month(year, month))
        days -= days_in_month(year, month++);

    *out = (moment){ .year = (int)year,
                     .month = month,
                     .day = (int)days + 1,
                     .hour = rest / 3600,
                     .minute = rest / 60 % 60,
                     .second = rest % 60,
                     .seconds = true,
                     .plain = true };
    return true;
}

/* ---- text ---- */

static bool digit_next(const cursor *in)
{
    return in->at < in->end && *in->at >= '0' && *in->at <= '9';
}

/* Read exactly @count digits whose number is in the range. */
static bool read_number(cursor *in, int count, int min, int max, int *out)
{
    int number = 0;

    for (int i = 0; i < count; i++) {
        if (!digit_next(in))
            return false;
        number = number * 10 + (*in->at++ - '0');
    }
    *out = number;
    return number >= min && number <= max;
}

static bool read_zone(cursor *in, moment *out)
{
    int hours, minutes;
    char sign;

    if (in->at == in->end)
        return false;
    sign = *in->at++;
    if (sign == 'Z') {
        out->offset = 0;
        return true;
    }
    if (sign != '+' && sign != '-')
        return false;
    if (!read_number(in, 2, 0, OFFSET_HOURS_MAX, &hours) || !read_number(in, 2, 0, 59, &minutes))
        return false;
    out->offset = (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
    out->plain = false;
    return true;
}

static bool read_fraction(cursor *in)
{
    in->at++; /* the dot */
    if (!digit_next(in))
        return false;
    while (digit_next(in))
        in->at++;
    return true;
}

/* Read the whole of @text as a UTCTime or a GeneralizedTime. */
static bool read_moment(moment *out, bool generalized, const char *text, size_t len)
{
    cursor in = { text, text + len };
    moment m = { .plain = true };

    if (generalized) {
        if (!read_number(&in, 4, 0, YEAR_MAX, &m.year))
            return false;
    } else {
        if (!read_number(&in, 2, 0, 99, &m.year))
            return false;
        m.year += m.year < 50 ? 2000 : 1900;
    }
    if (!read_number(&in, 2, 1, 12, &m.month) || !read_number(&in, 2, 1, 31, &m.day) ||
        m.day > days_in_month(m.year, m.month))
        return false;
    if (!read_number(&in, 2, 0, 23, &m.hour) || !read_number(&in, 2, 0, 59, &m.minute))
        return false;
    m.seconds = digit_next(&in);
    if (!m.seconds) {
        m.plain = false;
    } else {
        if (!read_number(&in, 2, 0, 59, &m.second))
            return false;
        if (generalized && in.at < in.end && *in.at == '.') {
            m.plain = false;
            if (!read_fraction(&in))
                return false;
        }
    }
    if (!read_zone(&in, &m) || in.at != in.end)
        return false;
    *out = m;
    return true;
}

static char *put_two(char *at, int number)
{
    *at++ = (char)('0' + number / 10 % 10);
    *at++ = (char)('0' + number % 10);
    return at;
}

/* YYYYMMDDhhmmssZ. */
static void moment_text(const moment *m, char text[TEXT_MAX])
{
    char *at = put_two(text, m->year / 100);

    at = put_two(at, m->year % 100);
    at = put_two(at, m->month);
    at = put_two(at, m->day);
    at = put_two(at, m->hour);
    at = put_two(at, m->minute);
    at = put_two(at, m->second);
    *at = 'Z';
}

/* ---- to and from ASN.1 ---- */

static pyossl_status make_time(ASN1_TIME **out, int type, const char *text, size_t len)
{
    osl_auto(ASN1_TIME) *made = ASN1_STRING_type_new(type);

    if (made == NULL || ASN1_STRING_set(made, text, (int)len) != 1)
        return osl_fail(PYOSSL_E_NOMEM);
    *out = osl_steal(made);
    return PYOSSL_OK;
}

/* UTCTime as far as it reaches: RFC 5280, section 4.1.2.5. */
static pyossl_status encode_moment(ASN1_TIME **out, const moment *m)
{
    char text[TEXT_MAX];

    moment_text(m, text);
    if (m->year >= UTC_FIRST && m->year <= UTC_LAST)
        return make_time(out, V_ASN1_UTCTIME, text + 2, TEXT_MAX - 2);
    return make_time(out, V_ASN1_GENERALIZEDTIME, text, TEXT_MAX);
}

/*
 * Whether @when is a time of this type. Without seconds, which RFC 5280 wants, a time is
 * one for some releases of OpenSSL only: the one that will read what is stored tells.
 */
static pyossl_status read_as(moment *m, int type, const char *when, size_t len, bool *is_time)
{
    osl_auto(ASN1_TIME) *time = NULL;

    *is_time = read_moment(m, type == V_ASN1_GENERALIZEDTIME, when, len);
    if (!*is_time || m->seconds)
        return PYOSSL_OK;
    OSL_TRY(make_time(&time, type, when, len));
    *is_time = ASN1_TIME_check(time) == 1;
    return PYOSSL_OK;
}

static pyossl_status fail_time(const char *reason, const char *when, size_t len)
{
    return osl_hint(osl_given(osl_fail_text(PYOSSL_E_ARGUMENT, reason), when, len),
                    "where YYYYMMDDhhmmssZ is one");
}

pyossl_status osl_time_parse(ASN1_TIME **out, const char *when, size_t len)
{
    moment m, utc;
    bool is_time;

    if (!osl_len_fits(len))
        return fail_time("not a time", when, len);

    /*
     * What a UTCTime says in other words than RFC 5280 allows (no seconds, an
     * offset) is read back in UTC anyway, so it can as well be stored so.
     */
    OSL_TRY(read_as(&m, V_ASN1_UTCTIME, when, len, &is_time));
    if (is_time && moment_from_epoch(&utc, moment_epoch(&m)))
        return encode_moment(out, &utc);
    OSL_TRY(read_as(&m, V_ASN1_GENERALIZEDTIME, when, len, &is_time));
    if (!is_time)
        return fail_time("not a time", when, len);
    if (m.plain)
        return encode_moment(out, &m);
    if (!moment_from_epoch(&utc, moment_epoch(&m)))
        return fail_time("the time is out of range", when, len);
    return make_time(out, V_ASN1_GENERALIZEDTIME, when, len);
}

pyossl_status osl_time_from_now(ASN1_TIME **out, int64_t seconds)
{
    int64_t epoch;
    moment m;

    if (__builtin_add_overflow((int64_t)time(NULL), seconds, &epoch) ||
        !moment_from_epoch(&m, epoch))
        return osl_fail_number(PYOSSL_E_ARGUMENT, "the time is out of range", seconds);
    return encode_moment(out, &m);
}

/* What an ASN1_TIME holds; NOT_FOUND if nothing. */
static pyossl_status time_bytes(const ASN1_TIME *time, const char **text, size_t *len)
{
    const int size = time != NULL ? ASN1_STRING_length(time) : 0;

    if (size <= 0)
        return osl_fail_text(PYOSSL_E_NOT_FOUND, "the time is not set");
    *text = (const char *)ASN1_STRING_get0_data(time);
    *len = (size_t)size;
    return PYOSSL_OK;
}

pyossl_status osl_time_text(const ASN1_TIME *time, pyossl_buf *out)
{
    char canonical[TEXT_MAX];
    const char *text = NULL;
    size_t len = 0;
    moment m;

    OSL_TRY(time_bytes(time, &text, &len));
    if (ASN1_STRING_type(time) == V_ASN1_GENERALIZEDTIME)
        return osl_buf_set(out, text, len);
    if (!read_moment(&m, false, text, len) || !moment_from_epoch(&m, moment_epoch(&m)))
        return osl_fail_text(PYOSSL_E_FORMAT, "not a time");
    moment_text(&m, canonical);
    return osl_buf_set(out, canonical, TEXT_MAX);
}

pyossl_status osl_time_epoch(const ASN1_TIME *time, int64_t *out)
{
    const char *text = NULL;
    size_t len = 0;
    moment m;

    OSL_TRY(time_bytes(time, &text, &len));
    if (!read_moment(&m, ASN1_STRING_type(time) == V_ASN1_GENERALIZEDTIME, text, len))
        return osl_fail_text(PYOSSL_E_FORMAT, "not a time");
    *out = moment_epoch(&m);
    return PYOSSL_OK;
}
