/* Certificate requests (PKCS #10). */
#include "crypto.h"

#include <stdatomic.h>

static const char *const labels[] = { PEM_STRING_X509_REQ, PEM_STRING_X509_REQ_OLD, NULL };

enum { VERSION_MAX = 127 }; /* of those that OpenSSL does not set */

struct osl_req_exts {
    STACK_OF(X509_EXTENSION) *exts;
    size_t len;
    unsigned char
        der[]; /* of which they were decoded: OpenSSL's functions may change the request */
};

static void forget_exts(pyossl_req *req)
{
    osl_req_exts *kept = atomic_exchange_explicit(&req->exts, NULL, memory_order_acq_rel);

    if (kept != NULL)
        sk_X509_EXTENSION_pop_free(kept->exts, X509_EXTENSION_free);
    OPENSSL_free(kept);
}

static void req_free(pyossl_req *req)
{
    forget_exts(req);
    X509_REQ_free(req->req);
    OPENSSL_free(req);
}

OSL_DEFINE_REFS(req, req_free)

/* Takes @x509_req over, also on failure. */
static pyossl_status wrap(pyossl_req **out, X509_REQ *x509_req)
{
    osl_auto(X509_REQ) *held = x509_req;
    pyossl_req *req = osl_new(pyossl_req);

    if (req == NULL)
        return osl_fail_nomem();
    osl_object_init(&req->base);
    req->req = osl_steal(held);
    *out = req;
    return PYOSSL_OK;
}

pyossl_status osl_req_changed(X509_REQ *req, int result)
{
    if (result != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    /* Encodes afresh; an unfinished request cannot, but then OpenSSL keeps nothing either. */
    ERR_set_mark();
    (void)i2d_re_X509_REQ_tbs(req, NULL);
    ERR_pop_to_mark();
    return PYOSSL_OK;
}

pyossl_status pyossl_req_new(pyossl_req **out)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL);
    osl_auto(X509_REQ) *made = NULL;

    OSL_TRY(osl_init());
    made = X509_REQ_new();
    if (made == NULL || X509_REQ_set_version(made, X509_REQ_VERSION_1) != 1)
        return osl_fail(PYOSSL_E_NOMEM);
    return wrap(out, osl_steal(made));
}

pyossl_status pyossl_req_load(pyossl_req **out, pyossl_format format, const void *data, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && osl_fits(data, len));
    osl_auto_buf der = PYOSSL_BUF_INIT;
    const unsigned char *at;
    X509_REQ *req;

    OSL_TRY(osl_init());
    OSL_TRY(osl_decode(format, data, len, labels, &der));
    if (!osl_len_fits(der.len))
        return osl_fail_text(PYOSSL_E_FORMAT, "not a certificate request");
    at = der.data;
    req = d2i_X509_REQ(NULL, &at, (long)der.len);
    if (req == NULL)
        return osl_fail(PYOSSL_E_FORMAT);
    return wrap(out, req);
}

static pyossl_status dump_text(const pyossl_req *req, pyossl_buf *out)
{
    osl_auto(BIO) *bio = osl_bio_writer();

    if (bio == NULL)
        return PYOSSL_E_NOMEM;
    if (X509_REQ_print_ex(bio, req->req, 0, 0) != 1)
        return osl_fail(PYOSSL_E_STATE);
    return osl_buf_from_bio(out, bio);
}

pyossl_status pyossl_req_dump(const pyossl_req *req, pyossl_format format, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(req != NULL && out != NULL);
    unsigned char *der = NULL;
    pyossl_status status;
    int len;

    if (format == PYOSSL_TEXT)
        return dump_text(req, out);
    if (format != PYOSSL_PEM && format != PYOSSL_DER)
        return osl_fail_format(format);
    len = i2d_X509_REQ(req->req, &der);
    if (len <= 0)
        return osl_fail_incomplete(PYOSSL_E_STATE, X509_REQ_get_X509_PUBKEY(req->req),
                                   "not signed");
    status = osl_encode(format, PEM_STRING_X509_REQ, der, (size_t)len, out);
    OPENSSL_free(der);
    return status;
}

/* ---- copies ---- */

/* X509_REQ_dup() of 3.0 loses the copy where its key cannot be copied. NULL if it cannot be read.
 */
static X509_REQ *read_again(const X509_REQ *req)
{
    unsigned char *der = NULL;
    const int len = i2d_X509_REQ(req, &der);
    const unsigned char *at = der;
    X509_REQ *made = len > 0 ? d2i_X509_REQ(NULL, &at, len) : NULL;

    OPENSSL_free(der);
    return made;
}

/* Of one that is not finished, OpenSSL cannot read again what it writes. */
static pyossl_status copy_fields(X509_REQ *to, const X509_REQ *from)
{
    X509_PUBKEY *key = X509_REQ_get_X509_PUBKEY((X509_REQ *)from); /* 3.0 wants it so */
    EVP_PKEY *pkey = key != NULL ? X509_PUBKEY_get0(key) : NULL;

    if (X509_REQ_set_version(to, X509_REQ_get_version(from)) != 1 ||
        X509_REQ_set_subject_name(to, X509_REQ_get_subject_name(from)) != 1 ||
        (pkey != NULL && X509_REQ_set_pubkey(to, pkey) != 1))
        return osl_fail(PYOSSL_E_NOMEM);
    for (int i = 0; i < X509_REQ_get_attr_count(from); i++)
        if (X509_REQ_add1_attr(to, X509_REQ_get_attr(from, i)) != 1)
            return osl_fail(PYOSSL_E_NOMEM);
    ERR_clear_error(); /* of a key that is not there */
    return PYOSSL_OK;
}

pyossl_status pyossl_req_copy(pyossl_req **out, const pyossl_req *req)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && req != NULL);
    osl_auto(X509_REQ) *made = NULL;

    ERR_set_mark();
    made = read_again(req->req);
    ERR_pop_to_mark();
    if (made != NULL)
        return wrap(out, osl_steal(made));
    made = X509_REQ_new();
    if (made == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    OSL_TRY(copy_fields(made, req->req));
    return wrap(out, osl_steal(made));
}

/* ---- fields ---- */

long pyossl_req_version(const pyossl_req *req)
{
    OSL_NEED_OR(0, req != NULL);
    return req->version != 0 ? req->version : X509_REQ_get_version(req->req);
}

pyossl_status pyossl_req_set_version(pyossl_req *req, long version)
{
    OSL_API_ENTER;
    OSL_NEED(req != NULL);

    int result;

    if (version < 0)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "a version cannot be negative");
    ERR_set_mark();
    result = X509_REQ_set_version(req->req, version);
    if (result != 1 && version <= VERSION_MAX) {
        ERR_pop_to_mark();
        req->version = version;
        return PYOSSL_OK;
    }
    ERR_clear_last_mark();
    if (result == 1)
        req->version = 0;
    return osl_req_changed(req->req, result);
}

pyossl_status pyossl_req_subject(pyossl_req *req, pyossl_name **out)
{
    OSL_API_ENTER;
    OSL_NEED(req != NULL && out != NULL);
    return osl_name_view(out, OSL_REQ_SUBJECT, req, req->subject_generation);
}

pyossl_status pyossl_req_set_subject(pyossl_req *req, const pyossl_name *name)
{
    OSL_API_ENTER;
    OSL_NEED(req != NULL && name != NULL);
    const X509_NAME *from = osl_name_read(name);

    if (from == NULL)
        return PYOSSL_E_STATE;
    OSL_TRY(osl_req_changed(req->req, X509_REQ_set_subject_name(req->req, from)));
    req->subject_generation++;
    return PYOSSL_OK;
}

pyossl_status pyossl_req_pubkey(const pyossl_req *req, pyossl_pkey **out)
{
    OSL_API_ENTER;
    OSL_NEED(req != NULL && out != NULL);
    return osl_spki_key(out, X509_REQ_get_X509_PUBKEY(req->req));
}

pyossl_status pyossl_req_set_pubkey(pyossl_req *req, const pyossl_pkey *pkey)
{
    OSL_API_ENTER;
    OSL_NEED(req != NULL && pkey != NULL);
    return osl_req_changed(req->req, X509_REQ_set_pubkey(req->req, pkey->key));
}

/* ---- signature ---- */

/*
 * OpenSSL 3.5 sets no version but 0, though it reads and signs others: so a request that was signed
 * as 0 is read once more with another number in it. NULL, with OpenSSL's queue telling why.
 */
static X509_REQ *with_version(X509_REQ *from, unsigned char version)
{
    unsigned char *der = NULL;
    const int len = i2d_X509_REQ(from, &der);
    osl_der in = { der, len > 0 ? (size_t)len : 0 };
    const unsigned char *at = der;
    osl_tlv whole, info, number;
    X509_REQ *made = NULL;

    if (osl_der_next(&in, &whole) && osl_der_next(&whole.body, &info) &&
        osl_der_next(&info.body, &number) && number.tag == OSL_TAG_INTEGER &&
        number.body.len == 1) {
        der[number.body.at - der] = version;
        made = d2i_X509_REQ(NULL, &at, len);
    }
    OPENSSL_free(der);
    return made;
}

/* Of a request that has been signed, to be signed again with the version that was asked for. */
static bool sign_version(pyossl_req *req, const pyossl_pkey *pkey, const EVP_MD *md)
{
    osl_auto(X509_REQ) *made = with_version(req->req, (unsigned char)req->version);

    if (made == NULL || X509_REQ_sign(made, pkey->key, md) <= 0)
        return false;
    X509_REQ_free(req->req);
    req->req = osl_steal(made);
    req->version = 0;
    return true;
}

pyossl_status pyossl_req_sign(pyossl_req *req, const pyossl_pkey *pkey, const char *digest)
{
    OSL_API_ENTER;
    OSL_NEED(req != NULL && pkey != NULL);
    const X509_ALGOR *present;
    X509_ALGOR *kept;
    const EVP_MD *md;
    bool done;

    OSL_TRY(osl_sign_prepare(pkey, digest, &md));
    X509_REQ_get0_signature(req->req, NULL, &present);
    kept = X509_ALGOR_new();
    if (kept == NULL || X509_ALGOR_copy(kept, present) != 1) {
        X509_ALGOR_free(kept);
        return osl_fail(PYOSSL_E_NOMEM);
    }
    done = X509_REQ_sign(req->req, pkey->key, md) > 0;
    if (!done) {
        /* Signing names its algorithm before it may fail. */
        ERR_set_mark();
        (void)X509_REQ_set1_signature_algo(req->req, kept);
        ERR_pop_to_mark();
    }
    X509_ALGOR_free(kept);
    done = done && (req->version == 0 || sign_version(req, pkey, md));
    if (done)
        return osl_req_changed(req->req, 1);
    return osl_fail_incomplete(PYOSSL_E_OPENSSL, X509_REQ_get_X509_PUBKEY(req->req), NULL);
}

pyossl_status pyossl_req_verify(const pyossl_req *req, const pyossl_pkey *pkey)
{
    OSL_API_ENTER;
    OSL_NEED(req != NULL && pkey != NULL);
    return osl_verify_result(X509_REQ_verify(req->req, pkey->key));
}

/* ---- extensions ---- */

static void free_extensions(STACK_OF(X509_EXTENSION) **exts)
{
    sk_X509_EXTENSION_pop_free(*exts, X509_EXTENSION_free);
}
#define auto_extensions __attribute__((cleanup(free_extensions))) STACK_OF(X509_EXTENSION)

/* Where there is no such attribute, or it cannot be read, OpenSSL answers with nothing. */
static STACK_OF(X509_EXTENSION) *requested(const pyossl_req *req)
{
    STACK_OF(X509_EXTENSION) *exts;

    ERR_set_mark();
    exts = X509_REQ_get_extensions(req->req);
    ERR_pop_to_mark();
    return exts;
}

/* The DER of what is asked for, borrowed; NULL where there is none. */
static const ASN1_STRING *encoded(const X509_REQ *req)
{
    const ASN1_TYPE *type;
    int at = X509_REQ_get_attr_by_NID(req, NID_ext_req, -1);

    if (at < 0)
        at = X509_REQ_get_attr_by_NID(req, NID_ms_ext_req, -1);
    type = at >= 0 ? X509_ATTRIBUTE_get0_type(X509_REQ_get_attr(req, at), 0) : NULL;
    return type != NULL && type->type == V_ASN1_SEQUENCE ? type->value.sequence : NULL;
}

static osl_req_exts *decode(const pyossl_req *req, const void *der, size_t len)
{
    osl_req_exts *made = OPENSSL_zalloc(sizeof *made + len);

    if (made == NULL)
        return NULL;
    made->len = len;
    memcpy(made->der, der, len);
    made->exts = requested(req);
    if (made->exts != NULL)
        return made;
    OPENSSL_free(made);
    return NULL;
}

/* Decoded once, not once for each index. NULL where they have changed since, or there is no memory.
 */
static const osl_req_exts *keep(const pyossl_req *req)
{
    _Atomic(osl_req_exts *) *place = &((pyossl_req *)req)->exts;
    osl_req_exts *kept = atomic_load_explicit(place, memory_order_acquire), *made;
    const ASN1_STRING *text = encoded(req->req);
    const size_t len = text != NULL ? (size_t)ASN1_STRING_length(text) : 0;
    const unsigned char *der = text != NULL ? ASN1_STRING_get0_data(text) : NULL;

    if (len == 0)
        return NULL;
    if (kept != NULL)
        return kept->len == len && memcmp(kept->der, der, len) == 0 ? kept : NULL;
    made = decode(req, der, len);
    if (made == NULL || atomic_compare_exchange_strong_explicit(
                            place, &kept, made, memory_order_acq_rel, memory_order_acquire))
        return made;
    sk_X509_EXTENSION_pop_free(made->exts, X509_EXTENSION_free); /* another thread was faster */
    OPENSSL_free(made);
    return kept;
}

/* Borrowed: @own, or what is kept. */
static const STACK_OF(X509_EXTENSION) *ask(const pyossl_req *req, STACK_OF(X509_EXTENSION) **own)
{
    const osl_req_exts *kept;

    ERR_set_mark();
    kept = keep(req);
    ERR_pop_to_mark();
    if (kept != NULL)
        return kept->exts;
    *own = requested(req);
    return *own;
}

size_t pyossl_req_ext_count(const pyossl_req *req)
{
    OSL_NEED_OR(0, req != NULL);
    auto_extensions *own = NULL;
    const int count = sk_X509_EXTENSION_num(ask(req, &own));

    return count > 0 ? (size_t)count : 0;
}

pyossl_status pyossl_req_ext_at(const pyossl_req *req, size_t index, pyossl_ext **out)
{
    OSL_API_ENTER;
    OSL_NEED(req != NULL && out != NULL);
    auto_extensions *own = NULL;
    const STACK_OF(X509_EXTENSION) *exts = ask(req, &own);
    const int count = sk_X509_EXTENSION_num(exts);

    if (count <= 0 || index >= (size_t)count)
        return osl_fail_text(PYOSSL_E_NOT_FOUND, "there is no such extension");
    return osl_ext_wrap_copy(out, sk_X509_EXTENSION_value(exts, (int)index));
}

static bool has_request(const X509_REQ *req)
{
    return X509_REQ_get_attr_by_NID(req, NID_ext_req, -1) >= 0 ||
           X509_REQ_get_attr_by_NID(req, NID_ms_ext_req, -1) >= 0;
}

/* Take out the attribute that asks for extensions. NULL where there is none. */
static X509_ATTRIBUTE *take_request(X509_REQ *req)
{
    int at = X509_REQ_get_attr_by_NID(req, NID_ext_req, -1);

    if (at < 0)
        at = X509_REQ_get_attr_by_NID(req, NID_ms_ext_req, -1);
    return at >= 0 ? X509_REQ_delete_attr(req, at) : NULL;
}

pyossl_status pyossl_req_remove_ext(pyossl_req *req, size_t index)
{
    OSL_API_ENTER;
    OSL_NEED(req != NULL);
    auto_extensions *exts = requested(req);
    const int count = sk_X509_EXTENSION_num(exts);
    X509_ATTRIBUTE *old;
    bool done;

    if (count <= 0 || index >= (size_t)count)
        return osl_fail_text(PYOSSL_E_NOT_FOUND, "there is no such extension");
    X509_EXTENSION_free(sk_X509_EXTENSION_delete(exts, (int)index));
    forget_exts(req);
    old = take_request(req->req);
    done = count == 1 || X509_REQ_add_extensions(req->req, exts) == 1;
    if (!done) {
        ERR_set_mark();
        (void)X509_REQ_add1_attr(req->req, old);
        ERR_pop_to_mark();
    }
    X509_ATTRIBUTE_free(old);
    return done ? osl_req_changed(req->req, 1) : osl_fail(PYOSSL_E_OPENSSL);
}

pyossl_status pyossl_req_add_exts(pyossl_req *req, pyossl_ext *const *exts, size_t count)
{
    OSL_API_ENTER;
    OSL_NEED(req != NULL && osl_are_there(exts, count));
    STACK_OF(X509_EXTENSION) *borrowed; /* the extensions in it are the caller's */
    bool done = true;

    if (count == 0)
        return PYOSSL_OK;
    if (has_request(req->req))
        return osl_fail_text(PYOSSL_E_STATE, "the request asks for extensions already");
    forget_exts(req);
    borrowed = sk_X509_EXTENSION_new_null();
    if (borrowed == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    for (size_t i = 0; i < count && done; i++)
        done = sk_X509_EXTENSION_push(borrowed, exts[i]->ext) > 0;
    done = done && X509_REQ_add_extensions(req->req, borrowed) == 1;
    sk_X509_EXTENSION_free(borrowed);
    return done ? osl_req_changed(req->req, 1) : osl_fail(PYOSSL_E_OPENSSL);
}
