/*
 * What a peer's certificate must be for: a host name or an address (RFC 9525).
 *
 * OpenSSL's own setters read an empty name as "check nothing", take what cannot
 * be a host name, and compare an address with names. So names are judged here,
 * where what is not acceptable cannot become an osl_identity.
 */
#include "tls.h"

#include <stdio.h>

/* ---- addresses ---- */

/* One to three decimal digits up to 255, no zero in front of others. Returns the end, or NULL. */
static const char *parse_octet(const char *at, const char *end, unsigned char *out)
{
    unsigned value = 0;
    const char *start = at;

    while (at < end && *at >= '0' && *at <= '9' && at - start < 3)
        value = value * 10 + (unsigned)(*at++ - '0');
    if (at == start || value > 255 || (*start == '0' && at - start > 1))
        return NULL;
    *out = (unsigned char)value;
    return at;
}

static bool parse_ipv4(const char *at, const char *end, unsigned char out[4])
{
    for (int i = 0; i < 4; i++) {
        if (i > 0 && (at == end || *at++ != '.'))
            return false;
        at = parse_octet(at, end, &out[i]);
        if (at == NULL)
            return false;
    }
    return at == end;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* One to four hexadecimal digits. Returns the end, or NULL. */
static const char *parse_group(const char *at, const char *end, unsigned char out[2])
{
    const char *start = at;
    unsigned value = 0;

    while (at < end && hex_value(*at) >= 0 && at - start < 4)
        value = value << 4 | (unsigned)hex_value(*at++);
    if (at == start)
        return NULL;
    out[0] = (unsigned char)(value >> 8);
    out[1] = (unsigned char)value;
    return at;
}

/* RFC 4291, section 2.2, without a zone. */
static bool parse_ipv6(const char *at, const char *end, unsigned char out[16])
{
    unsigned char bytes[16] = { 0 };
    size_t len = 0, gap = SIZE_MAX; /* where "::" stood */

    if (end - at >= 2 && at[0] == ':' && at[1] == ':') {
        gap = 0;
        at += 2;
    }
    while (at < end) {
        const char *next;

        if (len <= 12 && parse_ipv4(at, end, bytes + len)) {
            len += 4;
            break;
        }
        if (len > 14 || (next = parse_group(at, end, bytes + len)) == NULL)
            return false;
        len += 2;
        at = next;
        if (at == end)
            break;
        if (*at++ != ':' || at == end)
            return false;
        if (*at == ':') {
            if (gap != SIZE_MAX)
                return false;
            gap = len;
            at++;
        }
    }
    if (gap == SIZE_MAX ? len != 16 : len > 14)
        return false;
    memset(out, 0, 16);
    if (gap == SIZE_MAX)
        gap = len;
    memcpy(out, bytes, gap);
    memcpy(out + 16 - (len - gap), bytes + gap, len - gap);
    return true;
}

/* 4 or 16; 0 for what is no address. */
static size_t parse_ip(const char *text, size_t len, unsigned char out[16])
{
    if (len == 0)
        return 0;
    if (parse_ipv4(text, text + len, out))
        return 4;
    if (parse_ipv6(text, text + len, out))
        return 16;
    return 0;
}

/* ---- host names ---- */

enum { HOSTNAME_MAX = 253, LABEL_MAX = 63 };

/* Letters, digits, hyphens; and underscores, which exist. Other scripts come as A-labels. */
static bool is_label_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

/* What programs may read as an address in one of the old notations ("127.1", "0x7f.1"). */
static bool is_number(const char *label, size_t len)
{
    const bool hex = len >= 2 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X');

    for (size_t i = hex ? 2 : 0; i < len; i++)
        if (hex ? hex_value(label[i]) < 0 : label[i] < '0' || label[i] > '9')
            return false;
    return true;
}

/* Why @name is no host name, or NULL. */
static const char *hostname_fault(const char *name, size_t len)
{
    size_t label = 0; /* where the label began */

    if (len == 0)
        return "the host name is empty";
    if (len > HOSTNAME_MAX)
        return "the host name is too long";
    for (size_t i = 0; i <= len; i++) {
        if (i < len && name[i] != '.') {
            if (name[i] == '\0')
                return "a NUL in the host name";
            if (!is_label_char(name[i]))
                return "a character that no host name has";
            continue;
        }
        if (i == label)
            return label == 0 ? "the host name begins with a dot"
                              : "an empty label in the host name";
        if (i - label > LABEL_MAX)
            return "a label of the host name is too long";
        if (i == len && is_number(name + label, i - label))
            return "neither a host name nor an address";
        label = i + 1;
    }
    return NULL;
}

/* ---- making them ---- */

static osl_identity *identity_new(void)
{
    osl_identity *identity = osl_new(osl_identity);

    if (identity == NULL)
        (void)!osl_fail_nomem();
    else
        osl_object_init(&identity->base);
    return identity;
}

void osl_identity_address(const osl_identity *identity, char *text, size_t size)
{
    const unsigned char *ip = identity->ip;
    size_t len = 0;

    if (identity->ip_len == 4) {
        snprintf(text, size, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
        return;
    }
    text[0] = '\0';
    for (size_t i = 0; i + 1 < identity->ip_len && len < size; i += 2)
        len += (size_t)snprintf(text + len, size - len, "%s%x", i > 0 ? ":" : "",
                                (unsigned)ip[i] << 8 | ip[i + 1]);
}

osl_identity *osl_identity_ref(osl_identity *identity)
{
    if (identity != NULL)
        osl_object_ref(&identity->base);
    return identity;
}

void osl_identity_unref(osl_identity *identity)
{
    if (identity == NULL || !osl_object_unref(&identity->base))
        return;
    OPENSSL_free(identity->hostname);
    OPENSSL_free(identity);
}

bool osl_identity_is_same(const osl_identity *one, const osl_identity *other)
{
    if (one == NULL || other == NULL)
        return one == other;
    if (one->flags != other->flags || one->ip_len != other->ip_len ||
        memcmp(one->ip, other->ip, one->ip_len) != 0)
        return false;
    if (one->hostname == NULL || other->hostname == NULL)
        return one->hostname == other->hostname;
    return strcmp(one->hostname, other->hostname) == 0;
}

pyossl_status osl_identity_hostname(osl_identity **out, const char *name, size_t len,
                                    unsigned flags)
{
    const unsigned known = PYOSSL_HOST_ALLOW_COMMON_NAME | PYOSSL_HOST_ALLOW_PARTIAL_WILDCARDS |
                           PYOSSL_HOST_NO_WILDCARDS;
    osl_auto(osl_identity) *identity = NULL;
    const char *fault;

    if ((flags & ~known) != 0)
        return osl_fail_number(PYOSSL_E_ARGUMENT, "an unknown flag for host names", flags);
    /* One trailing dot says that the name is absolute, which it is anyway. */
    if (len > 1 && name[len - 1] == '.')
        len--;

    identity = identity_new();
    if (identity == NULL)
        return PYOSSL_E_NOMEM;
    identity->flags = flags;
    identity->ip_len = parse_ip(name, len, identity->ip);
    if (identity->ip_len == 0) {
        fault = hostname_fault(name, len);
        if (fault != NULL)
            return osl_given(osl_fail_text(PYOSSL_E_ARGUMENT, fault), name, len);
        identity->hostname = osl_memdup(name, len);
        if (identity->hostname == NULL)
            return osl_fail_nomem();
    }
    *out = osl_steal(identity);
    return PYOSSL_OK;
}

pyossl_status osl_identity_ip(osl_identity **out, const char *address, size_t len)
{
    osl_auto(osl_identity) *identity = identity_new();

    if (identity == NULL)
        return PYOSSL_E_NOMEM;
    identity->ip_len = parse_ip(address, len, identity->ip);
    if (identity->ip_len == 0)
        return osl_given(osl_fail_text(PYOSSL_E_ARGUMENT, "not an IP address"), address, len);
    *out = osl_steal(identity);
    return PYOSSL_OK;
}

/* ---- having them checked ---- */

static unsigned openssl_flags(unsigned flags)
{
    unsigned openssl = 0;

    if ((flags & PYOSSL_HOST_ALLOW_COMMON_NAME) == 0)
        openssl |= X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
    if ((flags & PYOSSL_HOST_ALLOW_PARTIAL_WILDCARDS) == 0)
        openssl |= X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
    if ((flags & PYOSSL_HOST_NO_WILDCARDS) != 0)
        openssl |= X509_CHECK_FLAG_NO_WILDCARDS;
    return openssl;
}

#ifdef OSL_HAVE_HOST_INPUT_VALIDATION
/* OpenSSL's own judgement refuses names that exist ("-a.example"). */
static int is_judged_already(const char *name, size_t len)
{
    (void)name;
    (void)len;
    return 1;
}
#endif

pyossl_status osl_identity_apply(const osl_identity *identity, SSL *ssl)
{
    static const osl_identity anybody;
    const osl_identity *wanted = identity != NULL ? identity : &anybody;
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    const char *name = wanted->hostname;

#ifdef OSL_HAVE_HOST_INPUT_VALIDATION
    X509_VERIFY_PARAM_set1_host_input_validation(param, is_judged_already);
#endif
    X509_VERIFY_PARAM_set_hostflags(param, openssl_flags(wanted->flags));
    if (X509_VERIFY_PARAM_set1_host(param, name, name != NULL ? strlen(name) : 0) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    if (X509_VERIFY_PARAM_set1_ip(param, wanted->ip_len > 0 ? wanted->ip : NULL, wanted->ip_len) !=
        1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}
