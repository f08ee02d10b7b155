#include "rfc9525.h"

#include <arpa/inet.h>
#include <string.h>

enum { NAME_MAX_LEN = 253, LABEL_MAX_LEN = 63, LABELS_MAX = 256 };

typedef struct text {
    const char *at;
    size_t len;
} text;

/* ---- characters and labels ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}

static bool is_hex(char c)
{
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f');
}

/* Section 6.3: ASCII letters compare without their case, everything else as it is. */
static bool same(text a, text b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

static bool begins(text whole, text part)
{
    return whole.len >= part.len && same((text){ whole.at, part.len }, part);
}

static bool ends(text whole, text part)
{
    return whole.len >= part.len && same((text){ whole.at + whole.len - part.len, part.len }, part);
}

static size_t split(text name, text labels[LABELS_MAX])
{
    size_t count = 0, start = 0;

    for (size_t i = 0; i <= name.len && count < LABELS_MAX; i++)
        if (i == name.len || name.at[i] == '.') {
            labels[count++] = (text){ name.at + start, i - start };
            start = i + 1;
        }
    return count;
}

/* ---- what is asked for ---- */

size_t rfc9525_address(const char *at, size_t len, unsigned char out[16])
{
    char copy[64];

    if (len >= sizeof copy || memchr(at, '\0', len) != NULL)
        return 0;
    memcpy(copy, at, len);
    copy[len] = '\0';
    if (inet_pton(AF_INET, copy, out) == 1)
        return 4;
    return inet_pton(AF_INET6, copy, out) == 1 ? 16 : 0;
}

/*
 * Asked, rule 1: labels of 1 to 63 letters, digits, hyphens (RFC 952, RFC 1123) and
 * underscores, which exist; 253 bytes at most (RFC 1035). Other scripts come as A-labels.
 * Asked, rule 2: a last label that is a number, decimal or hexadecimal, belongs to an
 * address (RFC 1123, section 2.1) in a notation that RFC 9525 does not know.
 */
static bool is_host_name(text name)
{
    text labels[LABELS_MAX], last;
    const size_t count = split(name, labels);
    bool number = true;

    if (name.len > NAME_MAX_LEN)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (labels[i].len < 1 || labels[i].len > LABEL_MAX_LEN)
            return false;
        for (size_t j = 0; j < labels[i].len; j++)
            if (!is_alnum(labels[i].at[j]) && labels[i].at[j] != '-' && labels[i].at[j] != '_')
                return false;
    }
    last = labels[count - 1];
    if (begins(last, (text){ "0x", 2 })) {
        for (size_t i = 2; i < last.len; i++)
            number = number && is_hex(last.at[i]);
    } else {
        for (size_t i = 0; i < last.len; i++)
            number = number && is_digit(last.at[i]);
    }
    return !number;
}

/* ---- dNSName, and common names where these are allowed ---- */

/*
 * Wildcards, rule 1 (stricter): two labels and more behind it.
 * Wildcards, rule 2 (stricter): letters, digits and hyphens only, no hyphen at an edge,
 * which is also where one stands before a "*" that ends the label.
 */
static bool may_have_wildcard(const text *labels, size_t count)
{
    const text first = labels[0];

    if (count < 3 || ends(first, (text){ "-*", 2 }))
        return false;
    for (size_t i = 0; i < count; i++) {
        const text label = labels[i];

        if (label.len == 0 || label.at[0] == '-' || label.at[label.len - 1] == '-')
            return false;
        for (size_t j = 0; j < label.len; j++)
            if (!is_alnum(label.at[j]) && label.at[j] != '-' && !(i == 0 && label.at[j] == '*'))
                return false;
    }
    return true;
}

/* Wildcards, rule 3 (stricter): what a wildcard stands for has no underscore. */
static bool is_plain(text part)
{
    for (size_t i = 0; i < part.len; i++)
        if (!is_alnum(part.at[i]) && part.at[i] != '-')
            return false;
    return true;
}

/*
 * The left-most labels, one of them with one "*". Section 6.3: the wildcard is all of it.
 * Wildcards, rule 4 (laxer, RFC9525_PARTIAL): or one end of it, which may stand for nothing,
 * and then neither of the two is an A-label.
 */
static bool wildcard_fits(text pattern, text label, unsigned how)
{
    const text a_label = { "xn--", 4 };
    const char *star = memchr(pattern.at, '*', pattern.len);
    const text before = { pattern.at, (size_t)(star - pattern.at) };
    const text after = { star + 1, pattern.len - before.len - 1 };
    text part;

    if (memchr(after.at, '*', after.len) != NULL)
        return false;
    if (before.len == 0 && after.len == 0)
        return is_plain(label);
    if ((how & RFC9525_PARTIAL) == 0 || (before.len > 0 && after.len > 0))
        return false;
    if (begins(pattern, a_label) || begins(label, a_label))
        return false;
    if (!begins(label, before) || !ends(label, after))
        return false;
    part = before.len > 0 ? (text){ label.at + before.len, label.len - before.len }
                          : (text){ label.at, label.len - after.len };
    return is_plain(part);
}

static bool name_fits(text presented, text asked, unsigned how)
{
    text theirs[LABELS_MAX], ours[LABELS_MAX];
    size_t count;

    if (memchr(presented.at, '*', presented.len) == NULL)
        return same(presented, asked);
    count = split(presented, theirs);
    if ((how & RFC9525_NO_WILDCARDS) != 0 || !may_have_wildcard(theirs, count) ||
        memchr(theirs[0].at, '*', theirs[0].len) == NULL || split(asked, ours) != count)
        return false;
    for (size_t i = 1; i < count; i++)
        if (!same(theirs[i], ours[i]))
            return false;
    return wildcard_fits(theirs[0], ours[0], how);
}

/* ---- judging ---- */

static bool has(rfc9525_kind kind, const rfc9525_name *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (names[i].kind == kind)
            return true;
    return false;
}

/* Section 6.4: the bytes are the same. */
static bool address_presented(const unsigned char *ip, size_t len, const rfc9525_name *names,
                              size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (names[i].kind == RFC9525_IP && names[i].len == len &&
            memcmp(names[i].bytes, ip, len) == 0)
            return true;
    return false;
}

rfc9525_verdict rfc9525_judge(const char *asked, size_t len, unsigned how,
                              const rfc9525_name *names, size_t count)
{
    text name = { asked, len };
    unsigned char ip[16];
    size_t ip_len;
    rfc9525_kind kind = RFC9525_DNS;

    /* Asked, rule 3: one dot at the end says that a name is absolute, which it is anyway. */
    if ((how & RFC9525_AS_ADDRESS) == 0 && name.len > 1 && name.at[name.len - 1] == '.')
        name.len--;
    ip_len = rfc9525_address(name.at, name.len, ip);
    if (ip_len > 0)
        return address_presented(ip, ip_len, names, count) ? RFC9525_MATCHES : RFC9525_DIFFERS;
    if ((how & RFC9525_AS_ADDRESS) != 0 || !is_host_name(name))
        return RFC9525_REFUSED;
    /* Section 2: never the common name. Laxer with RFC9525_COMMON_NAME, without any dNSName. */
    if ((how & RFC9525_COMMON_NAME) != 0 && !has(RFC9525_DNS, names, count))
        kind = RFC9525_CN;
    for (size_t i = 0; i < count; i++)
        if (names[i].kind == kind &&
            name_fits((text){ (const char *)names[i].bytes, names[i].len }, name, how))
            return RFC9525_MATCHES;
    return RFC9525_DIFFERS;
}
