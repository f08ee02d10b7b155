/* What a certificate says, and how that is changed. */
#include "crypto.h"

#include <time.h>

/* ---- version and serial number ---- */

long pyossl_x509_version(const pyossl_x509 *cert)
{
    OSL_NEED_OR(0, cert != NULL);
    return X509_get_version(osl_x509_read(cert));
}

pyossl_status pyossl_x509_set_version(pyossl_x509 *cert, long version)
{
    OSL_API_ENTER;
    OSL_NEED(cert != NULL);
    X509 *x509 = osl_x509_mutable(cert);

    if (x509 == NULL)
        return osl_recorded();
    return osl_x509_changed(x509, X509_set_version(x509, version));
}

pyossl_status pyossl_x509_serial(const pyossl_x509 *cert, pyossl_buf *hex)
{
    OSL_API_ENTER;
    OSL_NEED(cert != NULL && hex != NULL);
    return osl_integer_hex(X509_get0_serialNumber(osl_x509_read(cert)), hex);
}

const unsigned char *pyossl_x509_serial_bytes(const pyossl_x509 *cert, size_t *len, int *negative)
{
    OSL_NEED_OR(NULL, cert != NULL && len != NULL && negative != NULL);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(osl_x509_read(cert));

    /* OpenSSL keeps the magnitude in the bytes and the sign in the type. */
    *len = (size_t)ASN1_STRING_length(serial);
    *negative = (ASN1_STRING_type(serial) & V_ASN1_NEG) != 0;
    return ASN1_STRING_get0_data(serial);
}

pyossl_status pyossl_x509_set_serial(pyossl_x509 *cert, const char *hex)
{
    OSL_API_ENTER;
    OSL_NEED(cert != NULL && hex != NULL);
    osl_auto(ASN1_INTEGER) *serial = NULL;
    X509 *x509;

    OSL_TRY(osl_integer_parse(&serial, hex, false));
    x509 = osl_x509_mutable(cert);
    if (x509 == NULL)
        return osl_recorded();
    return osl_x509_changed(x509, X509_set_serialNumber(x509, serial));
}

/* ---- names ---- */

pyossl_status pyossl_x509_subject(pyossl_x509 *cert, pyossl_name **out)
{
    OSL_NEED(cert != NULL && out != NULL);
    return osl_name_view(out, OSL_SUBJECT_OF, cert, cert->subject_generation);
}

pyossl_status pyossl_x509_issuer(pyossl_x509 *cert, pyossl_name **out)
{
    OSL_NEED(cert != NULL && out != NULL);
    return osl_name_view(out, OSL_ISSUER_OF, cert, cert->issuer_generation);
}

/* @name may be a view of the very name that it replaces, so a copy is made first. */
static pyossl_status set_name(pyossl_x509 *cert, const pyossl_name *name,
                              int (*set)(X509 *, const X509_NAME *), unsigned *generation)
{
    const X509_NAME *from = osl_name_read(name);
    osl_auto(X509_NAME) *copy = NULL;
    X509 *x509;

    if (from == NULL)
        return PYOSSL_E_STATE;
    copy = X509_NAME_dup(from);
    if (copy == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    x509 = osl_x509_mutable(cert);
    if (x509 == NULL)
        return osl_recorded();
    OSL_TRY(osl_x509_changed(x509, set(x509, copy)));
    (*generation)++;
    return PYOSSL_OK;
}

pyossl_status pyossl_x509_set_subject(pyossl_x509 *cert, const pyossl_name *name)
{
    OSL_API_ENTER;
    OSL_NEED(cert != NULL && name != NULL);
    return set_name(cert, name, X509_set_subject_name, &cert->subject_generation);
}

pyossl_status pyossl_x509_set_issuer(pyossl_x509 *cert, const pyossl_name *name)
{
    OSL_API_ENTER;
    OSL_NEED(cert != NULL && name != NULL);
    return set_name(cert, name, X509_set_issuer_name, &cert->issuer_generation);
}

pyossl_status pyossl_x509_subject_hash(const pyossl_x509 *cert, unsigned long *out)
{
    OSL_API_ENTER;
    OSL_NEED(cert != NULL && out != NULL);
    return osl_name_hash(X509_get_subject_name(osl_x509_read(cert)), out);
}

/* ---- public key ---- */

static const char no_public_key[] = "no public key is set";

static bool spki_is_set(const X509_PUBKEY *spki)
{
    ASN1_OBJECT *algorithm = NULL;

    return spki != NULL && X509_PUBKEY_get0_param(&algorithm, NULL, NULL, NULL, spki) == 1 &&
           OBJ_length(algorithm) > 0;
}

/* OpenSSL trips over an algorithm without a number: the key's, or the signature's. */
pyossl_status osl_fail_incomplete(pyossl_status status, const X509_PUBKEY *spki,
                                  const char *otherwise)
{
    const pyossl_status failed = osl_fail(status);
    const char *detail = spki_is_set(spki) ? otherwise : no_public_key;

    if (detail != NULL)
        osl_error_explain(ERR_LIB_ASN1, ASN1_R_ILLEGAL_ZERO_CONTENT, detail);
    return failed;
}

pyossl_status osl_spki_key(pyossl_pkey **out, const X509_PUBKEY *spki)
{
    unsigned char *der = NULL;
    EVP_PKEY *key;
    int len;

    if (!spki_is_set(spki))
        return osl_fail_text(PYOSSL_E_NOT_FOUND, no_public_key);
    len = i2d_X509_PUBKEY(spki, &der);
    if (len <= 0)
        return osl_fail(PYOSSL_E_FORMAT);
    key = osl_decode_pubkey(der, (size_t)len);
    OPENSSL_free(der);
    if (key == NULL)
        return osl_recorded();
    return osl_pkey_wrap(out, key, false);
}

/*
 * Whoever comes second takes what the first one made. A key belongs to the library context it was
 * decoded in, so what is kept is of the certificate's own.
 */
static pyossl_status find_pubkey(pyossl_x509 *cert, pyossl_pkey **out)
{
    OSL_API_ENTER;
    osl_auto(pyossl_pkey) *made = NULL;
    pyossl_pkey *kept = NULL;

    OSL_TRY(osl_spki_key(&made, X509_get_X509_PUBKEY(osl_x509_read(cert))));
    if (osl_libctx() != cert->home) {
        *out = osl_steal(made);
        return PYOSSL_OK;
    }
    if (atomic_compare_exchange_strong_explicit(&cert->pkey, &kept, made, memory_order_acq_rel,
                                                memory_order_acquire))
        kept = osl_steal(made);
    *out = pyossl_pkey_ref(kept);
    return PYOSSL_OK;
}

pyossl_status pyossl_x509_pubkey(const pyossl_x509 *cert, pyossl_pkey **out)
{
    OSL_NEED(cert != NULL && out != NULL);
    pyossl_pkey *kept = atomic_load_explicit(&cert->pkey, memory_order_acquire);

    if (kept == NULL ||
        osl_libctx() != cert->home) /* keeping it changes nothing that can be seen */
        return find_pubkey((pyossl_x509 *)cert, out);
    *out = pyossl_pkey_ref(kept);
    return PYOSSL_OK;
}

pyossl_status pyossl_x509_set_pubkey(pyossl_x509 *cert, const pyossl_pkey *pkey)
{
    OSL_API_ENTER;
    OSL_NEED(cert != NULL && pkey != NULL);
    X509 *x509 = osl_x509_mutable(cert);

    if (x509 == NULL)
        return osl_recorded();
    return osl_x509_changed(x509, X509_set_pubkey(x509, pkey->key));
}

/* ---- validity ---- */

static pyossl_status set_time(pyossl_x509 *cert, const ASN1_TIME *when,
                              int (*set)(X509 *, const ASN1_TIME *))
{
    X509 *x509 = osl_x509_mutable(cert);

    if (x509 == NULL)
        return osl_recorded();
    return osl_x509_changed(x509, set(x509, when));
}

pyossl_status pyossl_x509_not_before(const pyossl_x509 *cert, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(cert != NULL && out != NULL);
    return osl_time_text(X509_get0_notBefore(osl_x509_read(cert)), out);
}

pyossl_status pyossl_x509_set_not_before(pyossl_x509 *cert, const char *when, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(cert != NULL && when != NULL && osl_fits(when, len));
    osl_auto(ASN1_TIME) *parsed = NULL;

    OSL_TRY(osl_time_parse(&parsed, when, len));
    return set_time(cert, parsed, X509_set1_notBefore);
}

pyossl_status pyossl_x509_adj_not_before(pyossl_x509 *cert, int64_t seconds)
{
    OSL_API_ENTER;
    OSL_NEED(cert != NULL);
    osl_auto(ASN1_TIME) *made = NULL;

    OSL_TRY(osl_time_from_now(&made, seconds));
    return set_time(cert, made, X509_set1_notBefore);
}

pyossl_status pyossl_x509_not_after(const pyossl_x509 *cert, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(cert != NULL && out != NULL);
    return osl_time_text(X509_get0_notAfter(osl_x509_read(cert)), out);
}

pyossl_status pyossl_x509_set_not_after(pyossl_x509 *cert, const char *when, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(cert != NULL && when != NULL && osl_fits(when, len));
    osl_auto(ASN1_TIME) *parsed = NULL;

    OSL_TRY(osl_time_parse(&parsed, when, len));
    return set_time(cert, parsed, X509_set1_notAfter);
}

pyossl_status pyossl_x509_adj_not_after(pyossl_x509 *cert, int64_t seconds)
{
    OSL_API_ENTER;
    OSL_NEED(cert != NULL);
    osl_auto(ASN1_TIME) *made = NULL;

    OSL_TRY(osl_time_from_now(&made, seconds));
    return set_time(cert, made, X509_set1_notAfter);
}

static pyossl_status find_expiry(pyossl_x509 *cert, int64_t *last)
{
    OSL_API_ENTER;

    OSL_TRY(osl_time_epoch(X509_get0_notAfter(osl_x509_read(cert)), last));
    atomic_store_explicit(&cert->not_after, *last, memory_order_relaxed);
    return PYOSSL_OK;
}

pyossl_status pyossl_x509_has_expired(const pyossl_x509 *cert, int *expired)
{
    OSL_NEED(cert != NULL && expired != NULL);
    int64_t last = atomic_load_explicit(&cert->not_after, memory_order_relaxed);

    if (last == OSL_EXPIRY_UNKNOWN) /* keeping it changes nothing that can be seen */
        OSL_TRY(find_expiry((pyossl_x509 *)cert, &last));
    *expired = (int64_t)time(NULL) > last;
    return PYOSSL_OK;
}

/* ---- signature and digest ---- */

/* The two places that name a certificate's algorithm, which signing writes before it may fail. */
typedef struct algorithms {
    X509_ALGOR *signed_part, *outside;
} algorithms;

static void algorithms_free(algorithms *kept)
{
    X509_ALGOR_free(kept->signed_part);
    X509_ALGOR_free(kept->outside);
}

/* OpenSSL has getters only for these, but the certificate that they are in is ours. */
static algorithms algorithms_of(const X509 *x509)
{
    const X509_ALGOR *outside;

    X509_get0_signature(NULL, &outside, x509);
    return (algorithms){ (X509_ALGOR *)X509_get0_tbs_sigalg(x509), (X509_ALGOR *)outside };
}

static bool algorithms_copy(const algorithms *to, const algorithms *from)
{
    return X509_ALGOR_copy(to->signed_part, from->signed_part) == 1 &&
           X509_ALGOR_copy(to->outside, from->outside) == 1;
}

pyossl_status pyossl_x509_sign(pyossl_x509 *cert, const pyossl_pkey *pkey, const char *digest)
{
    OSL_API_ENTER;
    OSL_NEED(cert != NULL && pkey != NULL);
    __attribute__((cleanup(algorithms_free))) algorithms kept = { NULL, NULL };
    algorithms present;
    const EVP_MD *md;
    X509 *x509;

    OSL_TRY(osl_sign_prepare(pkey, digest, &md));
    x509 = osl_x509_mutable(cert);
    if (x509 == NULL)
        return osl_recorded();
    /* As OpenSSL does from 3.2 on: extensions are of version 3 (RFC 5280, section 4.1.2.1). */
    if (X509_get_ext_count(x509) > 0 && X509_set_version(x509, X509_VERSION_3) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    present = algorithms_of(x509);
    kept = (algorithms){ X509_ALGOR_new(), X509_ALGOR_new() };
    if (kept.signed_part == NULL || kept.outside == NULL || !algorithms_copy(&kept, &present))
        return osl_fail(PYOSSL_E_NOMEM);
    if (X509_sign(x509, pkey->key, md) > 0)
        return osl_x509_changed(x509, 1);
    ERR_set_mark();
    (void)algorithms_copy(&present, &kept);
    ERR_pop_to_mark();
    return osl_fail_incomplete(PYOSSL_E_OPENSSL, X509_get_X509_PUBKEY(x509), NULL);
}

pyossl_status pyossl_x509_verify(const pyossl_x509 *cert, const pyossl_pkey *pkey)
{
    OSL_API_ENTER;
    OSL_NEED(cert != NULL && pkey != NULL);
    X509 *x509 = osl_x509_lend(cert);

    if (x509 == NULL)
        return osl_recorded();
    return osl_verify_result(X509_verify(x509, pkey->key));
}

pyossl_status pyossl_x509_signature_algorithm(const pyossl_x509 *cert, const char **out)
{
    OSL_API_ENTER;
    OSL_NEED(cert != NULL && out != NULL);
    const ASN1_OBJECT *object = NULL;
    const char *name;
    int nid;

    X509_ALGOR_get0(&object, NULL, NULL, X509_get0_tbs_sigalg(osl_x509_read(cert)));
    nid = OBJ_obj2nid(object);
    name = nid != NID_undef ? OBJ_nid2ln(nid) : NULL;
    if (name == NULL)
        return osl_fail_text(PYOSSL_E_NOT_FOUND, "the signature algorithm has no name");
    *out = name;
    return PYOSSL_OK;
}

static pyossl_status make_fingerprint(const pyossl_x509 *cert, const EVP_MD *md,
                                      osl_fingerprint *out)
{
    osl_auto_buf room = PYOSSL_BUF_INIT;
    const unsigned char *der;
    size_t len;

    OSL_TRY(osl_x509_der(cert, &room, &der, &len));
    if (EVP_Digest(der, len, out->bytes, &out->len, md, NULL) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    out->md = md;
    return PYOSSL_OK;
}

/* Programs ask for the same digest again and again, so the first one is kept, if there is memory.
 */
static void keep_fingerprint(pyossl_x509 *cert, const osl_fingerprint *made)
{
    osl_fingerprint *kept = NULL, *copy;

    if (atomic_load_explicit(&cert->fingerprint, memory_order_relaxed) != NULL)
        return;
    copy = OPENSSL_malloc(sizeof *copy);
    if (copy == NULL)
        return;
    *copy = *made;
    if (!atomic_compare_exchange_strong_explicit(&cert->fingerprint, &kept, copy,
                                                 memory_order_acq_rel, memory_order_relaxed))
        OPENSSL_free(copy);
}

pyossl_status pyossl_x509_digest(const pyossl_x509 *cert, const char *digest, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(cert != NULL && digest != NULL && out != NULL);
    const osl_fingerprint *kept = atomic_load_explicit(&cert->fingerprint, memory_order_acquire);
    const EVP_MD *md = osl_digest(digest);
    osl_fingerprint made = { 0 };

    if (md == NULL)
        return osl_recorded();
    if (kept == NULL || kept->md != md) {
        OSL_TRY(make_fingerprint(cert, md, &made));
        keep_fingerprint((pyossl_x509 *)cert, &made);
        kept = &made;
    }
    return osl_buf_set(out, kept->bytes, kept->len);
}

/* ---- extensions ---- */

size_t pyossl_x509_ext_count(const pyossl_x509 *cert)
{
    OSL_NEED_OR(0, cert != NULL);
    const osl_ext_table *table = atomic_load_explicit(&cert->exts, memory_order_acquire);
    int count;

    if (table != NULL)
        return table->count;
    count = X509_get_ext_count(osl_x509_read(cert));
    return count > 0 ? (size_t)count : 0;
}

/* Kept until the certificate changes. Whoever comes second takes what the first one made. */
static pyossl_status take_exts(const pyossl_x509 *cert, osl_ext_table **out)
{
    osl_ext_table *kept = NULL, *made = NULL;

    OSL_TRY(osl_ext_table_new(&made, osl_x509_read(cert)));
    if (atomic_compare_exchange_strong_explicit(&((pyossl_x509 *)cert)->exts, &kept, made,
                                                memory_order_acq_rel, memory_order_acquire)) {
        *out = made;
    } else {
        osl_ext_table_unref(made);
        *out = kept;
    }
    return PYOSSL_OK;
}

pyossl_status pyossl_x509_ext_at(const pyossl_x509 *cert, size_t index, pyossl_ext **out)
{
    OSL_NEED(cert != NULL && out != NULL);
    osl_ext_table *table = atomic_load_explicit(&cert->exts, memory_order_acquire);

    if (table == NULL)
        OSL_TRY(take_exts(cert, &table));
    if (index >= table->count)
        return osl_refuse(PYOSSL_E_NOT_FOUND, "there is no such extension");
    *out = pyossl_ext_ref(&table->views[index]);
    return PYOSSL_OK;
}

pyossl_status pyossl_x509_add_exts(pyossl_x509 *cert, pyossl_ext *const *exts, size_t count)
{
    OSL_API_ENTER;
    OSL_NEED(cert != NULL && osl_are_there(exts, count));
    X509 *x509;
    int before;

    if (count == 0)
        return PYOSSL_OK;
    x509 = osl_x509_mutable(cert);
    if (x509 == NULL)
        return osl_recorded();
    before = X509_get_ext_count(x509);
    for (size_t i = 0; i < count; i++) {
        if (X509_add_ext(x509, exts[i]->ext, -1) == 1)
            continue;
        while (X509_get_ext_count(x509) > before)
            X509_EXTENSION_free(X509_delete_ext(x509, before));
        return osl_fail(PYOSSL_E_OPENSSL);
    }
    return osl_x509_changed(x509, 1);
}

pyossl_status pyossl_x509_remove_ext(pyossl_x509 *cert, size_t index)
{
    OSL_API_ENTER;
    OSL_NEED(cert != NULL);
    const size_t count = pyossl_x509_ext_count(cert);
    X509 *x509;

    if (index >= count)
        return osl_fail_text(PYOSSL_E_NOT_FOUND, "there is no such extension");
    /* Views of the extensions point into what is there now, so that must stay as it is. */
    if (osl_x509_full(cert) == NULL || (x509 = osl_x509_mutable(cert)) == NULL)
        return osl_recorded();
    X509_EXTENSION_free(X509_delete_ext(x509, (int)index));
    return osl_x509_changed(x509, 1);
}

const char *pyossl_verify_error_string(long error)
{
    return X509_verify_cert_error_string(error);
}
