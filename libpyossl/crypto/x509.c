/* Certificates as objects: read, shared, changed, written down. */
#include "crypto.h"

#include <openssl/asn1err.h>
#include <openssl/pemerr.h>
#include <openssl/provider.h>

static const char *const labels[] = { PEM_STRING_X509, PEM_STRING_X509_OLD, NULL };

/* ---- the light parse ---- */

static CRYPTO_ONCE bare_once = CRYPTO_ONCE_STATIC_INIT;
static OSSL_LIB_CTX *bare; /* a library context that offers no algorithms; lives on */

/* Without any provider OpenSSL would load the default one; "null" is there to prevent that. */
static void bare_make(void)
{
#if defined(OSL_SLOW_DECODERS)
    OSSL_LIB_CTX *made = OSSL_LIB_CTX_new();

    if (made != NULL && OSSL_PROVIDER_load(made, "null") == NULL) {
        OSSL_LIB_CTX_free(made);
        made = NULL;
    }
    bare = made;
#endif
}

static X509 *parse(OSSL_LIB_CTX *libctx, const unsigned char *der, size_t len)
{
    osl_auto(X509) *x509 = X509_new_ex(libctx, NULL);

    if (x509 == NULL) {
        (void)!osl_fail(PYOSSL_E_NOMEM);
        return NULL;
    }
    if (d2i_X509(&x509, &der, (long)len) == NULL) {
        (void)!osl_fail(PYOSSL_E_FORMAT);
        return NULL;
    }
    return osl_steal(x509);
}

static pyossl_status encode(const X509 *x509, pyossl_buf *out)
{
    osl_auto_buf der = PYOSSL_BUF_INIT;
    const int len = i2d_X509(x509, NULL);
    unsigned char *at;

    if (len <= 0)
        return osl_fail_incomplete(PYOSSL_E_STATE, X509_get_X509_PUBKEY(x509), "not signed");
    OSL_TRY(osl_buf_alloc(&der, (size_t)len));
    at = der.data;
    if (i2d_X509(x509, &at) != len)
        return osl_fail(PYOSSL_E_STATE);
    osl_buf_move(out, &der);
    return PYOSSL_OK;
}

/*
 * OpenSSL computes flags, key identifiers and a fingerprint when it first looks
 * at a certificate, and writes them to it. A malformed one fails here and, where
 * it matters, again in OpenSSL's own checks.
 */
static void settle(X509 *x509)
{
    ERR_set_mark();
    (void)X509_check_purpose(x509, -1, 0);
    ERR_pop_to_mark();
}

/* ---- making ---- */

/* What was computed from the fields. */
static void forget(pyossl_x509 *cert)
{
    OPENSSL_free(atomic_exchange_explicit(&cert->fingerprint, NULL, memory_order_relaxed));
    pyossl_pkey_unref(atomic_exchange_explicit(&cert->pkey, NULL, memory_order_relaxed));
    osl_ext_table_unref(atomic_exchange_explicit(&cert->exts, NULL, memory_order_relaxed));
    atomic_store_explicit(&cert->not_after, OSL_EXPIRY_UNKNOWN, memory_order_relaxed);
}

static void x509_free(pyossl_x509 *cert)
{
    forget(cert);
    X509_free(cert->light);
    X509_free(atomic_load_explicit(&cert->full, memory_order_relaxed));
    pyossl_buf_clear(&cert->der);
    OPENSSL_free(cert);
}

OSL_DEFINE_REFS(x509, x509_free)

static pyossl_x509 *x509_alloc(void)
{
    pyossl_x509 *cert = osl_new(pyossl_x509);

    if (cert == NULL) {
        (void)!osl_fail_nomem();
        return NULL;
    }
    osl_object_init(&cert->base);
    cert->home = osl_libctx();
    atomic_init(&cert->full, NULL);
    atomic_init(&cert->shared, false);
    atomic_init(&cert->not_after, OSL_EXPIRY_UNKNOWN);
    atomic_init(&cert->fingerprint, NULL);
    atomic_init(&cert->pkey, NULL);
    atomic_init(&cert->exts, NULL);
    return cert;
}

/* Takes @x509 over, also on failure. */
static pyossl_status wrap(pyossl_x509 **out, X509 *x509, bool shared)
{
    osl_auto(X509) *held = x509;
    pyossl_x509 *cert;

    if (held == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    cert = x509_alloc();
    if (cert == NULL)
        return PYOSSL_E_NOMEM;
    if (shared)
        settle(held);
    atomic_init(&cert->shared, shared);
    atomic_init(&cert->full, (X509 *)osl_steal(held));
    *out = cert;
    return PYOSSL_OK;
}

pyossl_status osl_x509_wrap(pyossl_x509 **out, X509 *x509)
{
    return wrap(out, x509, true);
}

/*
 * Keep OpenSSL's encoding. What is outside of the signed part may come in encodings
 * that DER forbids and OpenSSL reads, but one certificate must have one digest. Of
 * the oddest it writes what it does not read: these would fail when they are used.
 */
static pyossl_status keep(pyossl_x509 *cert, const X509 *x509, const void *der, size_t len)
{
    osl_auto(X509) *again = NULL;

    OSL_TRY(encode(x509, &cert->der));
    if (cert->der.len <= len && memcmp(cert->der.data, der, cert->der.len) == 0)
        return PYOSSL_OK;
    again = parse(bare, cert->der.data, cert->der.len);
    return again != NULL ? PYOSSL_OK : osl_recorded();
}

/* Whether what OpenSSL wrote for @x509 is read again: keep() has more of it. */
static pyossl_status encode_readable(const X509 *x509, pyossl_buf *out, bool *readable)
{
    osl_auto(X509) *again = NULL;

    OSL_TRY(encode(x509, out));
    if (CRYPTO_THREAD_run_once(&bare_once, bare_make) != 1)
        return osl_fail(PYOSSL_E_NOMEM);
    again = parse(bare, out->data, out->len);
    *readable = again != NULL;
    return again == NULL && osl_recorded() == PYOSSL_E_NOMEM ? PYOSSL_E_NOMEM : PYOSSL_OK;
}

pyossl_status osl_x509_wrap_apart(pyossl_x509 **out, X509 *x509)
{
    osl_auto(X509) *held = x509;
    osl_auto(pyossl_x509) *cert = NULL;
    bool readable = false;

    if (!osl_slim_made())
        return osl_x509_wrap(out, osl_steal(held));
    cert = x509_alloc();
    if (cert == NULL)
        return PYOSSL_E_NOMEM;
    OSL_TRY(encode_readable(held, &cert->der, &readable));
    if (!readable) {
        pyossl_error_clear();
        return osl_x509_wrap(out, osl_steal(held));
    }
    cert->light = osl_steal(held);
    *out = osl_steal(cert);
    return PYOSSL_OK;
}

/* Bytes behind the certificate do not matter. */
static pyossl_status from_bytes(pyossl_x509 **out, const void *der, size_t len)
{
    osl_auto(pyossl_x509) *cert = x509_alloc();
    osl_auto(X509) *x509 = NULL;

    if (cert == NULL)
        return PYOSSL_E_NOMEM;
    if (len == 0)
        ERR_raise(ERR_LIB_ASN1, ASN1_R_NOT_ENOUGH_DATA);
    if (len == 0 || !osl_len_fits(len))
        return osl_fail(PYOSSL_E_FORMAT);
    if (CRYPTO_THREAD_run_once(&bare_once, bare_make) != 1)
        return osl_fail(PYOSSL_E_NOMEM);
    x509 = parse(bare, der, len);
    if (x509 == NULL)
        return osl_recorded();
    OSL_TRY(keep(cert, x509, der, len));
    if (bare != NULL)
        cert->light = osl_steal(x509);
    else
        atomic_init(&cert->full, (X509 *)osl_steal(x509));
    *out = osl_steal(cert);
    return PYOSSL_OK;
}

pyossl_status osl_x509_from_pem(pyossl_x509 **out, const void *data, size_t len,
                                const char *const *wanted, size_t *end)
{
    osl_auto_pem block = OSL_PEM_INIT;

    OSL_TRY(osl_pem_find(data, len, wanted, &block));
    if (block.dek[0] != '\0') {
        ERR_raise(ERR_LIB_PEM, PEM_R_UNSUPPORTED_ENCRYPTION);
        return osl_fail(PYOSSL_E_FORMAT);
    }
    OSL_TRY(from_bytes(out, block.der.data, block.der.len));
    if (end != NULL)
        *end = block.end;
    return PYOSSL_OK;
}

pyossl_status pyossl_x509_new(pyossl_x509 **out)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL);
    OSL_TRY(osl_init());
    return wrap(out, X509_new(), false);
}

pyossl_status pyossl_x509_load(pyossl_x509 **out, pyossl_format format, const void *data,
                               size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && osl_fits(data, len));

    OSL_TRY(osl_init());
    if (format == PYOSSL_PEM)
        return osl_x509_from_pem(out, data, len, labels, NULL);
    if (format == PYOSSL_DER)
        return osl_hint_pem(from_bytes(out, data, len), data, len);
    return osl_fail_format(format);
}

pyossl_status pyossl_x509_copy(pyossl_x509 **out, const pyossl_x509 *cert)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && cert != NULL);
    X509 *clone;

    if (cert->der.len > 0)
        return from_bytes(out, cert->der.data, cert->der.len);
    clone = osl_x509_clone(osl_x509_read(cert));
    return clone != NULL ? wrap(out, clone, false) : osl_recorded();
}

/* ---- for reading, for use, for changing ---- */

static X509 *full_of(const pyossl_x509 *cert)
{
    return atomic_load_explicit(&cert->full, memory_order_acquire);
}

X509 *osl_x509_read(const pyossl_x509 *cert)
{
    return cert->light != NULL ? cert->light : full_of(cert);
}

X509 *osl_x509_lend(const pyossl_x509 *cert)
{
    pyossl_x509 *self = (pyossl_x509 *)cert; /* making it does not change what the handle means */
    X509 *full = full_of(cert);
    X509 *made;

    if (full != NULL)
        return full;
    /* Not in that of this thread, which may go before the certificate does. */
    made = parse(cert->home, cert->der.data, cert->der.len);
    if (made == NULL)
        return NULL;
    /* Whoever comes second takes what the first one made. */
    if (atomic_compare_exchange_strong_explicit(&self->full, &full, made, memory_order_acq_rel,
                                                memory_order_acquire))
        return made;
    X509_free(made);
    return full;
}

X509 *osl_x509_full(const pyossl_x509 *cert)
{
    pyossl_x509 *self = (pyossl_x509 *)cert;
    X509 *full = osl_x509_lend(cert);

    if (full == NULL || atomic_load_explicit(&cert->shared, memory_order_acquire))
        return full;
    settle(full);
    atomic_store_explicit(&self->shared, true, memory_order_release);
    return full;
}

X509 *osl_x509_mutable(pyossl_x509 *cert)
{
    X509 *full = osl_x509_lend(cert);

    if (full == NULL)
        return NULL;
    if (atomic_load_explicit(&cert->shared, memory_order_acquire)) {
        X509 *own = osl_x509_clone(full);

        if (own == NULL)
            return NULL;
        X509_free(full);
        full = own;
        atomic_store_explicit(&cert->full, own, memory_order_release);
        atomic_store_explicit(&cert->shared, false, memory_order_release);
    }
    X509_free(cert->light);
    cert->light = NULL;
    pyossl_buf_clear(&cert->der);
    forget(cert);
    cert->revision++;
    return full;
}

unsigned long pyossl_x509_revision(const pyossl_x509 *cert)
{
    OSL_NEED_OR(0, cert != NULL);
    return cert->revision;
}

pyossl_status osl_x509_changed(X509 *x509, int result)
{
    if (result != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    /* Encodes afresh; an unfinished certificate cannot, but then OpenSSL keeps nothing either. */
    ERR_set_mark();
    (void)i2d_re_X509_tbs(x509, NULL);
    ERR_pop_to_mark();
    return PYOSSL_OK;
}

/* ---- copies ---- */

static bool copy_validity(X509 *to, const X509 *from)
{
    const ASN1_TIME *begin = X509_get0_notBefore(from), *end = X509_get0_notAfter(from);

    return (ASN1_STRING_length(begin) == 0 || X509_set1_notBefore(to, begin) == 1) &&
           (ASN1_STRING_length(end) == 0 || X509_set1_notAfter(to, end) == 1);
}

static bool copy_extensions(X509 *to, const X509 *from)
{
    for (int i = 0; i < X509_get_ext_count(from); i++) {
        if (X509_add_ext(to, X509_get_ext(from, i), -1) != 1)
            return false;
    }
    return true;
}

/* OpenSSL has getters only for these, but the certificate that they are in is ours. */
static bool copy_signature(X509 *to, const X509 *from)
{
    const ASN1_BIT_STRING *signature, *to_signature;
    const X509_ALGOR *outer, *to_outer;

    X509_get0_signature(&signature, &outer, from);
    X509_get0_signature(&to_signature, &to_outer, to);
    return ASN1_STRING_copy((ASN1_STRING *)to_signature, signature) == 1 &&
           X509_ALGOR_copy((X509_ALGOR *)to_outer, outer) == 1 &&
           X509_ALGOR_copy((X509_ALGOR *)X509_get0_tbs_sigalg(to), X509_get0_tbs_sigalg(from)) == 1;
}

static X509 *copy_fields(const X509 *from)
{
    osl_auto(X509) *to = X509_new();
    EVP_PKEY *key;

    if (to == NULL || X509_set_version(to, X509_get_version(from)) != 1 ||
        X509_set_serialNumber(to, (ASN1_INTEGER *)X509_get0_serialNumber(from)) != 1 ||
        X509_set_subject_name(to, X509_get_subject_name(from)) != 1 ||
        X509_set_issuer_name(to, X509_get_issuer_name(from)) != 1)
        return NULL;
    ERR_set_mark(); /* it may have none, which OpenSSL calls an error */
    key = X509_get0_pubkey(from);
    ERR_pop_to_mark();
    if (key != NULL && X509_set_pubkey(to, key) != 1)
        return NULL;
    if (!copy_validity(to, from) || !copy_extensions(to, from) || !copy_signature(to, from))
        return NULL;
    return osl_steal(to);
}

X509 *osl_x509_clone(const X509 *from)
{
    X509 *clone;

    /* The short way goes through DER, which certificates under construction do not have. */
    ERR_set_mark();
    clone = X509_dup(from);
    ERR_pop_to_mark();
    if (clone == NULL)
        clone = copy_fields(from);
    if (clone == NULL)
        (void)!osl_fail(PYOSSL_E_NOMEM);
    return clone;
}

/* ---- writing down ---- */

pyossl_status osl_x509_der(const pyossl_x509 *cert, pyossl_buf *room, const unsigned char **der,
                           size_t *len)
{
    const pyossl_buf *from = &cert->der;

    if (cert->der.len == 0) {
        OSL_TRY(encode(full_of(cert), room));
        from = room;
    }
    *der = from->data;
    *len = from->len;
    return PYOSSL_OK;
}

static pyossl_status dump_text(const pyossl_x509 *cert, pyossl_buf *out)
{
    osl_auto(BIO) *bio = osl_bio_writer();
    X509 *x509 = bio != NULL ? osl_x509_lend(cert) : NULL;

    if (x509 == NULL)
        return osl_recorded();
    if (X509_print_ex(bio, x509, 0, 0) != 1)
        return osl_fail(PYOSSL_E_STATE);
    return osl_buf_from_bio(out, bio);
}

pyossl_status pyossl_x509_dump(const pyossl_x509 *cert, pyossl_format format, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(cert != NULL && out != NULL);
    osl_auto_buf room = PYOSSL_BUF_INIT;
    const unsigned char *der;
    size_t len;

    if (format == PYOSSL_TEXT)
        return dump_text(cert, out);
    if (format != PYOSSL_PEM && format != PYOSSL_DER)
        return osl_fail_format(format);
    OSL_TRY(osl_x509_der(cert, &room, &der, &len));
    return osl_encode(format, PEM_STRING_X509, der, len, out);
}

int pyossl_x509_equal(const pyossl_x509 *a, const pyossl_x509 *b)
{
    OSL_API_ENTER;
    OSL_NEED_OR(0, a != NULL && b != NULL);
    osl_auto_buf a_room = PYOSSL_BUF_INIT, b_room = PYOSSL_BUF_INIT;
    const unsigned char *a_der, *b_der;
    size_t a_len, b_len;

    if (a == b)
        return 1;
    if (osl_x509_der(a, &a_room, &a_der, &a_len) != PYOSSL_OK ||
        osl_x509_der(b, &b_room, &b_der, &b_len) != PYOSSL_OK)
        return 0;
    return a_len == b_len && memcmp(a_der, b_der, a_len) == 0;
}
