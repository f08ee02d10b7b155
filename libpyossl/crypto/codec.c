/*
 * PEM (RFC 7468, and the headers of RFC 1421) and the outer layer of DER.
 *
 * Reading them here rather than with OpenSSL is what lets decoders be kept and
 * certificates be parsed late. Failures are worded as OpenSSL words them, in
 * its own queue, because programs compare those texts. Keys travel through this
 * file: what holds decoded bytes is wiped.
 */
#include "crypto.h"

#include <openssl/asn1err.h>
#include <openssl/pem.h>
#include <openssl/pemerr.h>

#define BEGIN_MARK "-----BEGIN "
#define END_MARK   "-----END "
#define DASHES     "-----"

typedef struct span {
    const char *at;
    size_t len;
} span;

/* ---- lines ---- */

/*
 * Take the next line off @in, without its end and without white space there. A
 * longer one comes in pieces, as from PEM_read_bio(): what such a piece begins
 * with is then looked at like the beginning of a line. True in *@cut for a piece
 * whose line goes on.
 */
static bool take_line(span *in, span *line, bool *cut)
{
    const size_t most = in->len < OSL_PEM_LINE_MAX ? in->len : OSL_PEM_LINE_MAX;
    const char *newline;
    size_t used;

    if (in->len == 0)
        return false;
    newline = memchr(in->at, '\n', most);
    line->at = in->at;
    line->len = newline != NULL ? (size_t)(newline - in->at) : most;
    used = newline != NULL ? line->len + 1 : line->len;
    *cut = newline == NULL && most == OSL_PEM_LINE_MAX;
    in->at += used;
    in->len -= used;
    while (line->len > 0 && (unsigned char)line->at[line->len - 1] <= ' ')
        line->len--;
    return true;
}

static bool starts_with(const span *line, const char *text)
{
    size_t len = strlen(text);

    return line->len >= len && memcmp(line->at, text, len) == 0;
}

static bool spans_equal(const span *a, const span *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->at, b->at, a->len) == 0);
}

/* The label of a BEGIN or END line. */
static bool boundary(const span *line, const char *mark, span *label)
{
    const size_t mark_len = strlen(mark), dashes = strlen(DASHES);

    if (!starts_with(line, mark) || line->len < mark_len + dashes ||
        memcmp(line->at + line->len - dashes, DASHES, dashes) != 0)
        return false;
    label->at = line->at + mark_len;
    label->len = line->len - mark_len - dashes;
    return true;
}

static const char *label_among(const span *label, const char *const *labels)
{
    for (; *labels != NULL; labels++) {
        const span wanted = { *labels, strlen(*labels) };

        if (spans_equal(label, &wanted))
            return *labels;
    }
    return NULL;
}

/* ---- base64 ---- */

/* Collects characters until they fill a line, which is decoded in one go. */
typedef struct base64 {
    char held[OSL_BASE64_CHARS];
    size_t count;
    osl_sextets room;
    unsigned char *out;
    size_t len;
} base64;

static void base64_clear(base64 *state)
{
    OPENSSL_cleanse(state, sizeof *state);
}

/* Decode a full line; nothing is kept of one with other characters in it. */
static bool base64_line(base64 *state, const char *line)
{
    if (!osl_base64_decode(state->out + state->len, line, &state->room))
        return false;
    state->len += OSL_BASE64_BYTES;
    return true;
}

static bool base64_add(base64 *state, const span *line)
{
    if (state->count == 0 && line->len == OSL_BASE64_CHARS && base64_line(state, line->at))
        return true;
    for (size_t i = 0; i < line->len; i++) {
        if (line->at[i] == ' ' || line->at[i] == '\t' || line->at[i] == '\r')
            continue;
        /* A full line waits for one more character: it may be the last, with padding. */
        if (state->count == OSL_BASE64_CHARS) {
            if (!base64_line(state, state->held))
                return false;
            state->count = 0;
        }
        state->held[state->count++] = line->at[i];
    }
    return true;
}

static bool base64_finish(base64 *state)
{
    size_t padding = 0, excess;

    if (state->count % 4 != 0)
        return false;
    if (state->count == 0)
        return state->len > 0;
    while (padding < 2 && state->held[state->count - 1 - padding] == '=')
        padding++;
    excess = (OSL_BASE64_CHARS - state->count) / 4 * 3 + padding;
    memset(state->held + state->count - padding, 'A', OSL_BASE64_CHARS - state->count + padding);
    if (!base64_line(state, state->held))
        return false;
    state->len -= excess;
    return state->len > 0;
}

static pyossl_status fail_pem(int reason)
{
    ERR_raise(ERR_LIB_PEM, reason);
    return osl_fail(PYOSSL_E_FORMAT);
}

static pyossl_status decode_base64(span body, pyossl_buf *der)
{
    osl_auto_buf bytes = PYOSSL_BUF_INIT;
    __attribute__((cleanup(base64_clear))) base64 state;
    span line;
    bool cut;

    if (!osl_len_fits(body.len))
        return fail_pem(PEM_R_HEADER_TOO_LONG);
    OSL_TRY(osl_buf_alloc(&bytes, body.len / 4 * 3 + OSL_BASE64_BYTES));
    state.count = 0;
    state.out = bytes.data;
    state.len = 0;
    while (take_line(&body, &line, &cut))
        if (!base64_add(&state, &line))
            return fail_pem(PEM_R_BAD_BASE64_DECODE);
    if (!base64_finish(&state))
        return fail_pem(PEM_R_BAD_BASE64_DECODE);
    osl_buf_shorten(&bytes, state.len);
    osl_buf_move(der, &bytes);
    return PYOSSL_OK;
}

/* ---- headers: Proc-Type and DEK-Info of encrypted traditional keys ---- */

/* Move @line behind @text, and blanks after it; false if it begins otherwise. */
static bool skip_text(span *line, const char *text)
{
    const size_t len = strlen(text);

    if (!starts_with(line, text))
        return false;
    line->at += len;
    line->len -= len;
    while (line->len > 0 && (*line->at == ' ' || *line->at == '\t')) {
        line->at++;
        line->len--;
    }
    return true;
}

/* The two come first, in this order, as PEM_get_EVP_CIPHER_INFO() wants them. */
static pyossl_status take_headers(span header, char dek[OSL_PEM_LINE_MAX + 1])
{
    span line;
    bool cut;

    if (!take_line(&header, &line, &cut))
        return PYOSSL_OK;
    if (!skip_text(&line, "Proc-Type:") || !starts_with(&line, "4,"))
        return fail_pem(PEM_R_NOT_PROC_TYPE);
    (void)skip_text(&line, "4,");
    if (!skip_text(&line, "ENCRYPTED"))
        return fail_pem(PEM_R_NOT_ENCRYPTED);
    if (line.len > 0)
        return fail_pem(PEM_R_SHORT_HEADER);
    if (!take_line(&header, &line, &cut) || !skip_text(&line, "DEK-Info:"))
        return fail_pem(PEM_R_NOT_DEK_INFO);
    if (line.len == 0)
        return fail_pem(PEM_R_UNSUPPORTED_ENCRYPTION);
    memcpy(dek, line.at, line.len);
    dek[line.len] = '\0';
    return PYOSSL_OK;
}

/* ---- blocks ---- */

/* What stands between BEGIN and END. */
typedef struct parts {
    span header, body;
} parts;

/*
 * Find where the block ends. Up to an empty line there may be headers, and behind
 * it lines are of 64 columns but for the last: so PEM_read_bio() has it. False
 * without a proper end, or where another block begins before.
 */
static bool take_block(span *in, const span *label, parts *out)
{
    enum { UNKNOWN, HEADER, BODY } part = UNKNOWN;
    bool cut = false, was_cut = false, last = false;
    const char *start = in->at;
    span line, end;

    out->header = (span){ start, 0 };
    for (; take_line(in, &line, &cut); was_cut = cut) {
        if (part == UNKNOWN && memchr(line.at, ':', line.len) != NULL)
            part = HEADER;
        if (line.len == 0) {
            if (was_cut)
                continue;
            if (part == BODY)
                return false;
            part = BODY;
            out->header.len = (size_t)(line.at - start);
            start = in->at;
        } else if (starts_with(&line, END_MARK)) {
            out->body = (span){ start, part == HEADER ? 0 : (size_t)(line.at - start) };
            return boundary(&line, END_MARK, &end) && spans_equal(&end, label);
        } else if (starts_with(&line, DASHES)) {
            return false;
        } else if (part == BODY) {
            if (last || line.len > OSL_BASE64_CHARS)
                return false;
            last = line.len < OSL_BASE64_CHARS;
        }
    }
    return false;
}

static span without_bom(const void *data, size_t len)
{
    span in = { data, len };

    if (len > 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0) { /* what editors put before UTF-8 */
        in.at += 3;
        in.len -= 3;
    }
    return in;
}

/* @other is the label of a block that was there, or empty. */
static pyossl_status fail_no_start(const char *const *labels, span all, span other)
{
    const bool der = all.len > 1 && (unsigned char)all.at[0] == OSL_TAG_SEQUENCE;
    pyossl_status status;

    ERR_raise_data(ERR_LIB_PEM, PEM_R_NO_START_LINE, "Expecting: %s", labels[0]);
    status = osl_fail(PYOSSL_E_FORMAT);
    if (other.len > 0)
        return osl_given_as(status, ", not: ", other.at, other.len);
    return der ? osl_hint(status, "is it DER? (PYOSSL_DER, in Python FILETYPE_ASN1)") : status;
}

/* Blocks with other labels must be sound too. What differs from OpenSSL is in decision 18. */
pyossl_status osl_pem_find(const void *data, size_t len, const char *const *labels, osl_pem *out)
{
    const span all = without_bom(data, len);
    span in = all, line, label, other = { NULL, 0 };
    osl_auto_pem found = OSL_PEM_INIT;
    parts block;
    bool cut;

    while (take_line(&in, &line, &cut)) {
        if (!boundary(&line, BEGIN_MARK, &label))
            continue;
        if (!take_block(&in, &label, &block))
            return fail_pem(PEM_R_BAD_END_LINE);
        OSL_TRY(decode_base64(block.body, &found.der));
        found.label = label_among(&label, labels);
        if (found.label == NULL) {
            other = label;
            continue;
        }
        OSL_TRY(take_headers(block.header, found.dek));
        found.end = len - in.len;
        osl_pem_clear(out);
        *out = found;
        found = (osl_pem)OSL_PEM_INIT;
        return PYOSSL_OK;
    }
    return fail_no_start(labels, all, other);
}

void osl_pem_clear(osl_pem *pem)
{
    pyossl_buf_clear(&pem->der);
    *pem = (osl_pem)OSL_PEM_INIT;
}

/* ---- writing ---- */

static char *put_text(char *out, const char *text, size_t len)
{
    memcpy(out, text, len);
    return out + len;
}

static char *put_boundary(char *out, const char *mark, const char *label)
{
    out = put_text(out, mark, strlen(mark));
    out = put_text(out, label, strlen(label));
    return put_text(out, DASHES "\n", sizeof DASHES);
}

static char *put_last_line(char *out, const unsigned char *in, size_t len, osl_sextets *room)
{
    const size_t padding = (3 - len % 3) % 3, chars = (len + padding) / 3 * 4;
    unsigned char bytes[OSL_BASE64_BYTES] = { 0 };
    char line[OSL_BASE64_CHARS];

    memcpy(bytes, in, len);
    osl_base64_encode(line, bytes, room);
    memcpy(out, line, chars);
    memset(out + chars - padding, '=', padding);
    OPENSSL_cleanse(bytes, sizeof bytes);
    OPENSSL_cleanse(line, sizeof line);
    return out + chars;
}

pyossl_status osl_pem_write(const char *label, const void *der, size_t len, pyossl_buf *out)
{
    const unsigned char *in = der;
    osl_auto_buf text = PYOSSL_BUF_INIT;
    osl_sextets sextets; /* of one line after the other; may be a key's */
    size_t lines, room;
    char *at;

    if (!osl_len_fits(len))
        return osl_fail_text(PYOSSL_E_ARGUMENT, "too long for PEM");
    lines = (len + OSL_BASE64_BYTES - 1) / OSL_BASE64_BYTES;
    room = (len + 2) / 3 * 4 + lines + 2 * strlen(label) + strlen(BEGIN_MARK) + strlen(END_MARK) +
           2 * sizeof DASHES;
    OSL_TRY(osl_buf_alloc(&text, room));
    at = put_boundary((char *)text.data, BEGIN_MARK, label);
    for (; len >= OSL_BASE64_BYTES;
         len -= OSL_BASE64_BYTES, in += OSL_BASE64_BYTES, at += OSL_BASE64_CHARS + 1) {
        osl_base64_encode(at, in, &sextets);
        at[OSL_BASE64_CHARS] = '\n';
    }
    if (len > 0) {
        at = put_last_line(at, in, len, &sextets);
        *at++ = '\n';
    }
    OPENSSL_cleanse(&sextets, sizeof sextets);
    (void)put_boundary(at, END_MARK, label);
    osl_buf_move(out, &text);
    return PYOSSL_OK;
}

/* ---- DER ---- */

/*
 * Read tag and length. Returns the reason in OpenSSL's ASN.1 numbers, or 0.
 * Only what DER allows: one byte of tag, a definite length, and if @strict the
 * shortest; OpenSSL reads others too.
 */
static int read_header(const osl_der *in, osl_tlv *out, bool strict)
{
    size_t header = 2, len, count;

    if (in->len < 2)
        return ASN1_R_NOT_ENOUGH_DATA;
    if ((in->at[0] & 0x1f) == 0x1f)
        return ASN1_R_BAD_OBJECT_HEADER;
    len = in->at[1];
    if (len >= 0x80) {
        count = len & 0x7f;
        if (count == 0 || count > 4)
            return ASN1_R_BAD_OBJECT_HEADER;
        if (in->len < 2 + count)
            return ASN1_R_HEADER_TOO_LONG;
        len = 0;
        for (size_t i = 0; i < count; i++)
            len = len << 8 | in->at[2 + i];
        if (strict && (len < 0x80 || len >> 8 * (count - 1) == 0))
            return ASN1_R_BAD_OBJECT_HEADER;
        header += count;
    }
    if (len > in->len - header || !osl_len_fits(len + header))
        return ASN1_R_TOO_LONG;
    out->tag = in->at[0];
    out->body.at = in->at + header;
    out->body.len = len;
    out->whole.at = in->at;
    out->whole.len = header + len;
    return 0;
}

bool osl_der_next(osl_der *in, osl_tlv *out)
{
    osl_tlv element;

    if (read_header(in, &element, true) != 0)
        return false;
    in->at += element.whole.len;
    in->len -= element.whole.len;
    *out = element;
    return true;
}

static pyossl_status fail_der(int reason)
{
    ERR_raise(ERR_LIB_ASN1, reason);
    return osl_fail(PYOSSL_E_FORMAT);
}

pyossl_status osl_der_sequence(const void *data, size_t len, size_t *total)
{
    const osl_der in = { data, len };
    osl_tlv element;
    int reason;

    if (len > 0 && in.at[0] != OSL_TAG_SEQUENCE)
        return fail_der(ASN1_R_WRONG_TAG);
    reason = read_header(&in, &element, false);
    if (reason != 0)
        return fail_der(reason);
    *total = element.whole.len;
    return PYOSSL_OK;
}

/* ---- either ---- */

pyossl_status osl_fail_format(pyossl_format format)
{
    return osl_hint(osl_fail_number(PYOSSL_E_ARGUMENT, "not a file type", (int)format),
                    OSL_FORMATS);
}

pyossl_status osl_hint_pem(pyossl_status status, const void *data, size_t len)
{
    span in = without_bom(data, len);

    while (in.len > 0 && (unsigned char)*in.at <= ' ') {
        in.at++;
        in.len--;
    }
    return starts_with(&in, BEGIN_MARK) ? osl_hint(status, "it is PEM, not DER") : status;
}

/* Streamed PKCS #7 and PKCS #12 are BER; where that ends only a full parse can tell. */
static bool is_indefinite(const unsigned char *data, size_t len)
{
    return len >= 2 && data[0] == OSL_TAG_SEQUENCE && data[1] == 0x80;
}

pyossl_status osl_decode(pyossl_format format, const void *data, size_t len,
                         const char *const *labels, pyossl_buf *der)
{
    osl_auto_pem pem = OSL_PEM_INIT;
    size_t total = len;

    if (format == PYOSSL_PEM) {
        OSL_TRY(osl_pem_find(data, len, labels, &pem));
        if (pem.dek[0] != '\0')
            return fail_pem(PEM_R_UNSUPPORTED_ENCRYPTION);
        if (!is_indefinite(pem.der.data, pem.der.len)) {
            OSL_TRY(osl_der_sequence(pem.der.data, pem.der.len, &total));
            osl_buf_shorten(&pem.der, total);
        }
        osl_buf_move(der, &pem.der);
        return PYOSSL_OK;
    }
    if (format != PYOSSL_DER)
        return osl_fail_format(format);
    if (!is_indefinite(data, len))
        OSL_TRY(osl_hint_pem(osl_der_sequence(data, len, &total), data, len));
    else if (!osl_len_fits(len))
        return fail_der(ASN1_R_TOO_LONG);
    return osl_buf_set(der, data, total);
}

pyossl_status osl_encode(pyossl_format format, const char *label, const void *der, size_t len,
                         pyossl_buf *out)
{
    if (format == PYOSSL_PEM)
        return osl_pem_write(label, der, len, out);
    if (format == PYOSSL_DER)
        return osl_buf_set(out, der, len);
    return osl_fail_format(format);
}
