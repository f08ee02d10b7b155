#include "named.h"

#include <stdlib.h>
#include <string.h>

#include "pyossl/ext.h"
#include "pyossl/name.h"
#include "test.h"

/* ---- DER ---- */

typedef struct writer {
    unsigned char bytes[8192];
    size_t len;
} writer;

static void put(writer *out, unsigned char tag, const void *body, size_t len)
{
    assert_true(len < 65536 && out->len + len + 4 <= sizeof out->bytes);
    out->bytes[out->len++] = tag;
    if (len >= 128) {
        out->bytes[out->len++] = 0x82;
        out->bytes[out->len++] = (unsigned char)(len >> 8);
    }
    out->bytes[out->len++] = (unsigned char)len;
    if (len > 0)
        memcpy(out->bytes + out->len, body, len);
    out->len += len;
}

/* RFC 5280, section 4.2.1.6. */
static void put_general_name(writer *out, const rfc9525_name *name)
{
    static const unsigned char tags[] = {
        [RFC9525_DNS] = 0x82, [RFC9525_IP] = 0x87, [RFC9525_EMAIL] = 0x81, [RFC9525_URI] = 0x86
    };

    put(out, tags[name->kind], name->bytes, name->len);
}

static void put_common_name(writer *out, const rfc9525_name *name)
{
    static const unsigned char type[] = { 0x55, 0x04, 0x03 };
    writer attribute = { .len = 0 }, sequence = { .len = 0 };

    put(&attribute, 0x06, type, sizeof type);
    put(&attribute, 0x0c, name->bytes, name->len);
    put(&sequence, 0x30, attribute.bytes, attribute.len);
    put(out, 0x31, sequence.bytes, sequence.len);
}

/* ---- certificates ---- */

static pyossl_name *subject_of(const rfc9525_name *names, size_t count)
{
    writer entries = { .len = 0 }, whole = { .len = 0 };
    pyossl_name *subject = NULL;

    for (size_t i = 0; i < count; i++)
        if (names[i].kind == RFC9525_CN)
            put_common_name(&entries, &names[i]);
    put(&whole, 0x30, entries.bytes, entries.len);
    assert_ok(pyossl_name_load(&subject, whole.bytes, whole.len));
    return subject;
}

static void add_alternatives(pyossl_x509 *cert, const rfc9525_name *names, size_t count)
{
    writer list = { .len = 0 }, whole = { .len = 0 };
    pyossl_ext *ext = NULL;

    for (size_t i = 0; i < count; i++)
        if (names[i].kind != RFC9525_CN)
            put_general_name(&list, &names[i]);
    if (list.len == 0)
        return;
    put(&whole, 0x30, list.bytes, list.len);
    assert_ok(pyossl_ext_new_der(&ext, "subjectAltName", 0, whole.bytes, whole.len));
    assert_ok(pyossl_x509_add_exts(cert, &ext, 1));
    pyossl_ext_unref(ext);
}

static pyossl_x509 *blank(const pyossl_name *subject, const pyossl_name *issuer,
                          const pyossl_pkey *key)
{
    pyossl_x509 *cert = NULL;

    assert_ok(pyossl_x509_new(&cert));
    assert_ok(pyossl_x509_set_version(cert, 2));
    assert_ok(pyossl_x509_set_serial(cert, "01"));
    assert_ok(pyossl_x509_set_subject(cert, subject));
    assert_ok(pyossl_x509_set_issuer(cert, issuer));
    assert_ok(pyossl_x509_set_not_before(cert, "20200101000000Z", 15));
    assert_ok(pyossl_x509_set_not_after(cert, "20990101000000Z", 15));
    assert_ok(pyossl_x509_set_pubkey(cert, key));
    return cert;
}

pyossl_x509 *named_authority(pyossl_pkey **key)
{
    const rfc9525_name names[] = { { RFC9525_CN, "authority", 9 } };
    pyossl_name *subject = subject_of(names, 1);
    pyossl_ext *ext = NULL;
    pyossl_x509 *cert;

    assert_ok(pyossl_pkey_generate_ec(key, "prime256v1"));
    cert = blank(subject, subject, *key);
    assert_ok(pyossl_ext_new(&ext, "basicConstraints", 1, "CA:TRUE", 7, NULL, NULL));
    assert_ok(pyossl_x509_add_exts(cert, &ext, 1));
    assert_ok(pyossl_x509_sign(cert, *key, "sha256"));
    pyossl_ext_unref(ext);
    pyossl_name_unref(subject);
    return cert;
}

pyossl_x509 *named_cert(const rfc9525_name *names, size_t count, const pyossl_pkey *key,
                        pyossl_x509 *issuer, const pyossl_pkey *issuer_key)
{
    pyossl_name *subject = subject_of(names, count), *issuer_name = NULL;
    pyossl_x509 *cert;

    assert_ok(pyossl_x509_subject(issuer, &issuer_name));
    cert = blank(subject, issuer_name, key);
    add_alternatives(cert, names, count);
    assert_ok(pyossl_x509_sign(cert, issuer_key, "sha256"));
    pyossl_name_unref(issuer_name);
    pyossl_name_unref(subject);
    return cert;
}

/* ---- words ---- */

size_t named_unescape(const char *at, const char *end, unsigned char *out, size_t max)
{
    size_t len = 0;

    while (at < end) {
        assert_true(len < max);
        if (*at == '\\' && end - at >= 4 && at[1] == 'x') {
            const char digits[] = { at[2], at[3], '\0' };

            out[len++] = (unsigned char)strtoul(digits, NULL, 16);
            at += 4;
        } else {
            out[len++] = (unsigned char)*at++;
        }
    }
    return len;
}

static void parse_one(const char *at, const char *end, rfc9525_name *out)
{
    static const char *const kinds[] = { [RFC9525_DNS] = "DNS:",
                                         [RFC9525_IP] = "IP:",
                                         [RFC9525_EMAIL] = "EMAIL:",
                                         [RFC9525_URI] = "URI:",
                                         [RFC9525_CN] = "CN:" };
    int kind = 0;

    while (kind <= RFC9525_CN && strncmp(at, kinds[kind], strlen(kinds[kind])) != 0)
        kind++;
    assert_true(kind <= RFC9525_CN);
    out->kind = (rfc9525_kind)kind;
    at += strlen(kinds[kind]);
    if (kind == RFC9525_IP)
        out->len = rfc9525_address(at, (size_t)(end - at), out->bytes);
    else
        out->len = named_unescape(at, end, out->bytes, sizeof out->bytes);
    assert_true(kind != RFC9525_IP || out->len > 0);
}

size_t named_parse(const char *words, rfc9525_name *names, size_t max)
{
    size_t count = 0;

    for (;;) {
        const char *end = strstr(words, ", ");

        assert_true(count < max);
        parse_one(words, end != NULL ? end : words + strlen(words), &names[count++]);
        if (end == NULL)
            return count;
        words = end + 2;
    }
}
