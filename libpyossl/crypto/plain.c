/*
 * The shape that everybody's files have.
 *
 * What passes here is known to pass PEM_read_bio_X509() too; what does not is
 * not refused, only left to OpenSSL. So every test below errs on the side of no.
 */
#include "bundle.h"

/* ---- PEM: comments, and CERTIFICATE blocks of 64 columns ---- */

#define BEGIN_LINE "-----BEGIN CERTIFICATE-----"
#define END_LINE   "-----END CERTIFICATE-----"

/* OpenSSL takes a longer line for several, and what ends a line for it is not only its end. */
static bool plain_line(const osl_der *line)
{
    return line->len < OSL_PEM_LINE_MAX - 2 && memchr(line->at, '\0', line->len) == NULL &&
           memchr(line->at, '\r', line->len) == NULL;
}

/* Line from *at on, without its end; *at is moved behind it. False at the end, and for others than
 * plain ones. */
static bool next_line(const pyossl_buf *text, size_t *at, osl_der *line)
{
    const unsigned char *end;

    if (*at == text->len)
        return false;
    line->at = text->data + *at;
    end = memchr(line->at, '\n', text->len - *at);
    line->len = end != NULL ? (size_t)(end - line->at) : text->len - *at;
    *at += line->len + (end != NULL);
    if (line->len > 0 && line->at[line->len - 1] == '\r')
        line->len--;
    return plain_line(line);
}

static bool line_is(const osl_der *line, const char *text)
{
    return line->len == strlen(text) && memcmp(line->at, text, line->len) == 0;
}

/* The full lines that come next, as long as they end like most. */
static void decode_full_lines(const pyossl_buf *text, size_t *at, unsigned char *out, size_t *used)
{
    osl_sextets room;

    while (text->len - *at > OSL_BASE64_CHARS && text->data[*at + OSL_BASE64_CHARS] == '\n' &&
           osl_base64_decode(out + *used, (const char *)text->data + *at, &room)) {
        *at += OSL_BASE64_CHARS + 1;
        *used += OSL_BASE64_BYTES;
    }
}

/* Decode a line, whose last four characters may be padded. How many bytes, 0 for what is not
 * base64. */
static size_t decode_line(const osl_der *line, unsigned char *out)
{
    unsigned char bytes[OSL_BASE64_BYTES];
    char full[OSL_BASE64_CHARS];
    size_t padding = 0, len;
    osl_sextets room;

    if (line->len == OSL_BASE64_CHARS && line->at[OSL_BASE64_CHARS - 1] != '=')
        return osl_base64_decode(out, (const char *)line->at, &room) ? OSL_BASE64_BYTES : 0;
    if (line->len == 0 || line->len > OSL_BASE64_CHARS || line->len % 4 != 0)
        return 0;
    while (padding < 2 && line->at[line->len - 1 - padding] == '=')
        padding++;
    len = line->len / 4 * 3 - padding;
    memset(full, 'A', sizeof full);
    memcpy(full, line->at, line->len - padding);
    if (!osl_base64_decode(bytes, full, &room))
        return 0;
    memcpy(out, bytes, len);
    return len;
}

/* The lines of a block, up to and with its END. Only the last may be short. */
static bool decode_block(const pyossl_buf *text, size_t *at, unsigned char *out, size_t *used)
{
    bool more = true;
    osl_der line;

    decode_full_lines(text, at, out, used);
    while (next_line(text, at, &line)) {
        size_t len;

        if (line_is(&line, END_LINE))
            return true;
        len = more ? decode_line(&line, out + *used) : 0;
        if (len == 0)
            return false;
        more = len == OSL_BASE64_BYTES;
        *used += len;
    }
    return false;
}

bool osl_plain_pem_next(const pyossl_buf *text, size_t *at, unsigned char *out, size_t *used)
{
    size_t here = *at;
    osl_der line;

    while (next_line(text, &here, &line)) {
        if (line.len == 0 || line.at[0] != '-') {
            *at = here;
            continue;
        }
        if (!line_is(&line, BEGIN_LINE) || !decode_block(text, &here, out, used))
            return false;
        *at = here;
        return true;
    }
    return false;
}

/* ---- DER: a certificate as RFC 5280 draws it ---- */

enum {
    TAG_BOOLEAN = 0x01,
    TAG_NULL = 0x05,
    TAG_UTF8 = 0x0c,
    TAG_PRINTABLE = 0x13,
    TAG_T61 = 0x14,
    TAG_IA5 = 0x16,
    TAG_UTC_TIME = 0x17,
    TAG_GENERALIZED_TIME = 0x18,
    TAG_SET = 0x31,
    TAG_VERSION = 0xa0,
    TAG_EXTENSIONS = 0xa3
};

/* As osl_der_next() does it, with what most elements are done here: lengths in one byte. */
static inline bool next(osl_der *in, osl_tlv *out)
{
    size_t len;

    if (in->len < 2 || in->at[1] >= 0x80 || (in->at[0] & 0x1f) == 0x1f)
        return osl_der_next(in, out);
    len = in->at[1];
    if (len > in->len - 2)
        return false;
    out->tag = in->at[0];
    out->body = (osl_der){ in->at + 2, len };
    out->whole = (osl_der){ in->at, len + 2 };
    in->at += len + 2;
    in->len -= len + 2;
    return true;
}

static inline bool take(osl_der *in, unsigned tag, osl_tlv *out)
{
    return next(in, out) && out->tag == tag;
}

static bool take_integer(osl_der *in)
{
    osl_tlv number;

    if (!take(in, OSL_TAG_INTEGER, &number) || number.body.len == 0)
        return false;
    /* The shortest form: nine leading bits that are not all the same. */
    return number.body.len == 1 || !((number.body.at[0] == 0 && number.body.at[1] < 0x80) ||
                                     (number.body.at[0] == 0xff && number.body.at[1] >= 0x80));
}

static bool plain_oid(const osl_der *body)
{
    if (body->len == 0 || (body->at[body->len - 1] & 0x80) != 0)
        return false;
    for (size_t i = 0; i < body->len; i++)
        if (body->at[i] == 0x80 && (i == 0 || (body->at[i - 1] & 0x80) == 0))
            return false;
    return true;
}

static bool take_oid(osl_der *in)
{
    osl_tlv oid;

    return take(in, OSL_TAG_OID, &oid) && plain_oid(&oid.body);
}

/* With no parameters, NULL, or the name of a curve. */
static bool take_algorithm(osl_der *in)
{
    osl_tlv algorithm, parameters;

    if (!take(in, OSL_TAG_SEQUENCE, &algorithm) || !take_oid(&algorithm.body))
        return false;
    if (algorithm.body.len == 0)
        return true;
    if (!next(&algorithm.body, &parameters) || algorithm.body.len != 0)
        return false;
    if (parameters.tag == TAG_NULL)
        return parameters.body.len == 0;
    return parameters.tag == OSL_TAG_OID && plain_oid(&parameters.body);
}

static bool take_bits(osl_der *in)
{
    osl_tlv bits;

    return take(in, OSL_TAG_BIT_STRING, &bits) && bits.body.len > 1 && bits.body.at[0] == 0;
}

static bool continues(const osl_der *text, size_t at)
{
    return at < text->len && (text->at[at] & 0xc0) == 0x80;
}

/* Letters of two bytes, and of three where every combination is one. */
static bool plain_utf8(const osl_der *text)
{
    for (size_t i = 0; i < text->len; i++) {
        const unsigned char c = text->at[i];

        if (c != 0 && c < 0x80)
            continue;
        if (c >= 0xc2 && c <= 0xdf && continues(text, i + 1))
            i++;
        else if (c >= 0xe1 && c <= 0xec && continues(text, i + 1) && continues(text, i + 2))
            i += 2;
        else
            return false;
    }
    return text->len > 0;
}

static bool plain_ascii(const osl_der *text)
{
    for (size_t i = 0; i < text->len; i++)
        if (text->at[i] >= 0x80 || text->at[i] == 0)
            return false;
    return text->len > 0;
}

static bool plain_string(const osl_tlv *text)
{
    if (text->tag == TAG_UTF8)
        return plain_utf8(&text->body);
    return (text->tag == TAG_PRINTABLE || text->tag == TAG_IA5 || text->tag == TAG_T61) &&
           plain_ascii(&text->body);
}

static bool take_name(osl_der *in, osl_der *whole)
{
    osl_tlv name, set, pair, text;

    if (!take(in, OSL_TAG_SEQUENCE, &name))
        return false;
    *whole = name.whole;
    while (name.body.len > 0) {
        if (!take(&name.body, TAG_SET, &set) || set.body.len == 0)
            return false;
        while (set.body.len > 0)
            if (!take(&set.body, OSL_TAG_SEQUENCE, &pair) || !take_oid(&pair.body) ||
                !next(&pair.body, &text) || pair.body.len != 0 || !plain_string(&text))
                return false;
    }
    return true;
}

static bool take_time(osl_der *in)
{
    osl_tlv time;

    return next(in, &time) && ((time.tag == TAG_UTC_TIME && time.body.len == 13) ||
                               (time.tag == TAG_GENERALIZED_TIME && time.body.len == 15));
}

static bool take_validity(osl_der *in)
{
    osl_tlv validity;

    return take(in, OSL_TAG_SEQUENCE, &validity) && take_time(&validity.body) &&
           take_time(&validity.body) && validity.body.len == 0;
}

static bool take_key(osl_der *in)
{
    osl_tlv key;

    return take(in, OSL_TAG_SEQUENCE, &key) && take_algorithm(&key.body) && take_bits(&key.body) &&
           key.body.len == 0;
}

static bool take_extension(osl_der *in)
{
    osl_tlv extension, part;

    if (!take(in, OSL_TAG_SEQUENCE, &extension) || !take_oid(&extension.body) ||
        !next(&extension.body, &part))
        return false;
    if (part.tag == TAG_BOOLEAN &&
        (part.body.len != 1 || part.body.at[0] != 0xff || !next(&extension.body, &part)))
        return false;
    return part.tag == OSL_TAG_OCTET_STRING && extension.body.len == 0;
}

static bool take_extensions(osl_der *in)
{
    osl_tlv outer, list;

    if (in->len == 0)
        return true;
    if (!take(in, TAG_EXTENSIONS, &outer) || in->len != 0 ||
        !take(&outer.body, OSL_TAG_SEQUENCE, &list) || outer.body.len != 0 || list.body.len == 0)
        return false;
    while (list.body.len > 0)
        if (!take_extension(&list.body))
            return false;
    return true;
}

static bool take_version(osl_der *in)
{
    osl_tlv version;

    if (in->len == 0 || in->at[0] != TAG_VERSION)
        return true; /* version 1 */
    return take(in, TAG_VERSION, &version) && take_integer(&version.body) && version.body.len == 0;
}

static bool usual(const osl_der *der, osl_der *subject)
{
    osl_der rest = *der, issuer;
    osl_tlv cert, body;

    if (!take(&rest, OSL_TAG_SEQUENCE, &cert) || rest.len != 0)
        return false;
    if (!take(&cert.body, OSL_TAG_SEQUENCE, &body) || !take_algorithm(&cert.body) ||
        !take_bits(&cert.body) || cert.body.len != 0)
        return false;
    return take_version(&body.body) && take_integer(&body.body) && take_algorithm(&body.body) &&
           take_name(&body.body, &issuer) && take_validity(&body.body) &&
           take_name(&body.body, subject) && take_key(&body.body) && take_extensions(&body.body);
}

/* Where the subject stands in what OpenSSL accepts. */
static bool find_subject(const osl_der *der, osl_der *subject)
{
    osl_der rest = *der;
    osl_tlv cert, body, part;

    if (!take(&rest, OSL_TAG_SEQUENCE, &cert) || !take(&cert.body, OSL_TAG_SEQUENCE, &body))
        return false;
    if (body.body.len > 0 && body.body.at[0] == TAG_VERSION && !next(&body.body, &part))
        return false;
    for (int i = 0; i < 4; i++) /* serial number, algorithm, issuer, validity */
        if (!next(&body.body, &part))
            return false;
    if (!take(&body.body, OSL_TAG_SEQUENCE, &part))
        return false;
    *subject = part.whole;
    return true;
}

bool osl_plain_certificate(const osl_der *der, osl_der *subject)
{
    const unsigned char *at = der->at;
    bool accepted;
    X509 *x509;

    if (usual(der, subject))
        return true;
    if (!find_subject(der, subject))
        return false;
    ERR_set_mark();
    x509 = d2i_X509(NULL, &at, (long)der->len);
    accepted = x509 != NULL && at == der->at + der->len;
    ERR_pop_to_mark();
    X509_free(x509);
    return accepted;
}
