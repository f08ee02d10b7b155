/*
 * Reading PKCS #12.
 *
 * The bags are read here and not by PKCS12_parse(), which cuts passphrases at
 * the first NUL, refuses files without a MAC where there is no passphrase either,
 * and lets a file ask for any number of rounds.
 *
 * The functions that use the passphrase leave the reason in OpenSSL's queue when
 * they return PYOSSL_E_PASSPHRASE or PYOSSL_E_UNSUPPORTED, since there may be
 * another passphrase or provider to try; other failures are recorded.
 */
#include "crypto.h"

/* Bags in bags; nobody writes them any deeper. */
enum { DEPTH_MAX = 8 };

OSL_DEFINE_AUTO(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)

typedef STACK_OF(PKCS12_SAFEBAG) bag_stack;
typedef STACK_OF(PKCS7) safe_stack;
typedef STACK_OF(X509) cert_stack;

static void bags_free(bag_stack *bags)
{
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
}

static void safes_free(safe_stack *safes)
{
    sk_PKCS7_pop_free(safes, PKCS7_free);
}

static void certs_free(cert_stack *certs)
{
    sk_X509_pop_free(certs, X509_free);
}

OSL_DEFINE_AUTO(bag_stack, bags_free)
OSL_DEFINE_AUTO(safe_stack, safes_free)

typedef struct reader {
    const pyossl_passphrase *from;
    osl_secret secret;
    bool asked;
    bool empty;     /* where there is no passphrase: take the empty one, not none */
    bool verified;  /* there is a MAC, and it fits */
    int64_t rounds; /* asked for so far */
    EVP_PKEY *key;
    cert_stack *certs; /* in the file's order */
} reader;

static void reader_clear(reader *r)
{
    osl_secret_clear(&r->secret);
    EVP_PKEY_free(r->key);
    certs_free(r->certs);
}

/* ---- the passphrase ---- */

/* Ask, once, when something turns out to need it. */
static pyossl_status need_passphrase(reader *r)
{
    if (r->asked)
        return PYOSSL_OK;
    if (r->from != NULL)
        OSL_TRY(osl_secret_get_any(&r->secret, r->from, 0));
    r->asked = true;
    return PYOSSL_OK;
}

static const char *secret_of(const reader *r)
{
    return r->secret.len > 0 || r->empty ? osl_secret_text(&r->secret) : NULL;
}

/* None and empty are different keys, and programs do not agree on which is "no passphrase". */
static bool may_try_empty(const reader *r)
{
    return r->secret.len == 0 && !r->empty;
}

/* ---- failures that another try may cure ---- */

static pyossl_status decryption_failed(const reader *r)
{
    if (osl_queue_says_unsupported())
        return PYOSSL_E_UNSUPPORTED;
    return r->verified ? osl_fail(PYOSSL_E_FORMAT) : PYOSSL_E_PASSPHRASE;
}

/* ---- bags ---- */

static pyossl_status take_key(reader *r, const PKCS8_PRIV_KEY_INFO *info)
{
    osl_auto_buf der = PYOSSL_BUF_INIT;
    int len = i2d_PKCS8_PRIV_KEY_INFO(info, NULL);
    unsigned char *end;

    if (len <= 0)
        return osl_fail(PYOSSL_E_FORMAT);
    OSL_TRY(osl_buf_alloc(&der, (size_t)len));
    end = der.data;
    if (i2d_PKCS8_PRIV_KEY_INFO(info, &end) != len)
        return osl_fail(PYOSSL_E_FORMAT);
    r->key = osl_decode_private(der.data, der.len);
    return r->key != NULL ? PYOSSL_OK : osl_recorded();
}

static pyossl_status read_key(reader *r, const PKCS12_SAFEBAG *bag)
{
    const PKCS8_PRIV_KEY_INFO *info = PKCS12_SAFEBAG_get0_p8inf(bag);

    if (r->key != NULL)
        return PYOSSL_OK;
    return info != NULL ? take_key(r, info) : osl_fail_text(PYOSSL_E_FORMAT, "an empty key bag");
}

static pyossl_status read_shrouded_key(reader *r, const PKCS12_SAFEBAG *bag)
{
    osl_auto(PKCS8_PRIV_KEY_INFO) *info = NULL;
    const X509_SIG *shrouded = PKCS12_SAFEBAG_get0_pkcs8(bag);
    const X509_ALGOR *algorithm = NULL;

    if (r->key != NULL)
        return PYOSSL_OK;
    if (shrouded == NULL)
        return osl_fail_text(PYOSSL_E_FORMAT, "an empty key bag");
    X509_SIG_get0(shrouded, &algorithm, NULL);
    OSL_TRY(osl_rounds_of(&r->rounds, algorithm));
    OSL_TRY(need_passphrase(r));
    info = PKCS12_decrypt_skey(bag, secret_of(r), (int)r->secret.len);
    return info != NULL ? take_key(r, info) : decryption_failed(r);
}

/* The next character of UTF-16, big-endian; what is none becomes U+FFFD. */
static unsigned long next_character(const unsigned char *in, size_t len, size_t *at)
{
    unsigned long high = (unsigned long)in[*at] << 8 | in[*at + 1], low;

    *at += 2;
    if (high < 0xd800 || high > 0xdfff)
        return high;
    if (high > 0xdbff || len - *at < 2)
        return 0xfffd;
    low = (unsigned long)in[*at] << 8 | in[*at + 1];
    if (low < 0xdc00 || low > 0xdfff)
        return 0xfffd;
    *at += 2;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* The certificate's alias is its friendly name; NULs in it are kept. */
static pyossl_status take_name(X509 *cert, const PKCS12_SAFEBAG *bag)
{
    const ASN1_TYPE *name = PKCS12_SAFEBAG_get0_attr(bag, NID_friendlyName);
    osl_auto_buf utf8 = PYOSSL_BUF_INIT;
    const unsigned char *in;
    size_t len, done = 0;

    if (name == NULL || name->type != V_ASN1_BMPSTRING)
        return PYOSSL_OK;
    in = ASN1_STRING_get0_data(name->value.bmpstring);
    len = (size_t)ASN1_STRING_length(name->value.bmpstring) & ~(size_t)1;
    OSL_TRY(osl_buf_alloc(&utf8, len / 2 * 3));
    for (size_t at = 0; at < len;) {
        unsigned long character = next_character(in, len, &at);
        int put = UTF8_putc(utf8.data + done, (int)(utf8.len - done), character);

        if (put < 0)
            return osl_fail(PYOSSL_E_FORMAT);
        done += (size_t)put;
    }
    if (X509_alias_set1(cert, utf8.data, (int)done) != 1)
        return osl_fail(PYOSSL_E_NOMEM);
    return PYOSSL_OK;
}

static pyossl_status read_cert(reader *r, const PKCS12_SAFEBAG *bag)
{
    osl_auto(X509) *cert = NULL;

    if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate)
        return PYOSSL_OK;
    cert = PKCS12_SAFEBAG_get1_cert(bag);
    if (cert == NULL)
        return osl_fail(PYOSSL_E_FORMAT);
    OSL_TRY(take_name(cert, bag));
    if (sk_X509_push(r->certs, cert) <= 0)
        return osl_fail(PYOSSL_E_NOMEM);
    cert = NULL; /* the stack's now */
    return PYOSSL_OK;
}

static pyossl_status read_bags(reader *r, const bag_stack *bags, int depth);

static pyossl_status read_bag(reader *r, const PKCS12_SAFEBAG *bag, int depth)
{
    switch (PKCS12_SAFEBAG_get_nid(bag)) {
    case NID_keyBag:
        return read_key(r, bag);
    case NID_pkcs8ShroudedKeyBag:
        return read_shrouded_key(r, bag);
    case NID_certBag:
        return read_cert(r, bag);
    case NID_safeContentsBag:
        return read_bags(r, PKCS12_SAFEBAG_get0_safes(bag), depth + 1);
    default:
        return PYOSSL_OK;
    }
}

static pyossl_status read_bags(reader *r, const bag_stack *bags, int depth)
{
    if (depth > DEPTH_MAX)
        return osl_fail_text(PYOSSL_E_FORMAT, "too many bags in bags");
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++)
        OSL_TRY(read_bag(r, sk_PKCS12_SAFEBAG_value(bags, i), depth));
    return PYOSSL_OK;
}

/* ---- safes, which hold bags ---- */

static pyossl_status read_encrypted_safe(reader *r, PKCS7 *safe)
{
    osl_auto(bag_stack) *bags = NULL;

    if (safe->d.encrypted == NULL || safe->d.encrypted->enc_data == NULL ||
        safe->d.encrypted->enc_data->algorithm == NULL)
        return osl_fail_text(PYOSSL_E_FORMAT, "an empty safe");
    OSL_TRY(osl_rounds_of(&r->rounds, safe->d.encrypted->enc_data->algorithm));
    OSL_TRY(need_passphrase(r));
    bags = PKCS12_unpack_p7encdata(safe, secret_of(r), (int)r->secret.len);
    return bags != NULL ? read_bags(r, bags, 0) : decryption_failed(r);
}

static pyossl_status read_plain_safe(reader *r, PKCS7 *safe)
{
    osl_auto(bag_stack) *bags = NULL;

    if (safe->d.data == NULL)
        return osl_fail_text(PYOSSL_E_FORMAT, "an empty safe");
    bags = PKCS12_unpack_p7data(safe);
    return bags != NULL ? read_bags(r, bags, 0) : osl_fail(PYOSSL_E_FORMAT);
}

static pyossl_status read_safes(reader *r, PKCS12 *p12)
{
    osl_auto(safe_stack) *safes = PKCS12_unpack_authsafes(p12);

    if (safes == NULL)
        return osl_fail(PYOSSL_E_FORMAT);
    for (int i = 0; i < sk_PKCS7_num(safes); i++) {
        PKCS7 *safe = sk_PKCS7_value(safes, i);

        switch (OBJ_obj2nid(safe->type)) {
        case NID_pkcs7_data:
            OSL_TRY(read_plain_safe(r, safe));
            break;
        case NID_pkcs7_encrypted:
            OSL_TRY(read_encrypted_safe(r, safe));
            break;
        default: /* enveloped: for a public key, which is not a passphrase */
            break;
        }
    }
    return PYOSSL_OK;
}

/* ---- the file ---- */

/* Whether the MAC fits: PYOSSL_E_PASSPHRASE if it does not. */
static pyossl_status check_mac_once(reader *r, PKCS12 *p12)
{
    if (PKCS12_verify_mac(p12, secret_of(r), (int)r->secret.len) == 1) {
        r->verified = true;
        return PYOSSL_OK;
    }
    if (osl_queue_says_unsupported())
        return PYOSSL_E_UNSUPPORTED;
    /* A MAC that could be made and differs leaves nothing in the queue. */
    if (ERR_peek_error() != 0)
        return osl_fail(PYOSSL_E_OPENSSL);
    ERR_raise(ERR_LIB_PKCS12, PKCS12_R_MAC_VERIFY_FAILURE);
    return PYOSSL_E_PASSPHRASE;
}

static pyossl_status check_mac(reader *r, PKCS12 *p12)
{
    const ASN1_INTEGER *rounds = NULL;
    const X509_ALGOR *algorithm = NULL;
    pyossl_status status;

    PKCS12_get0_mac(NULL, &algorithm, NULL, &rounds, p12);
    OSL_TRY(osl_rounds_add(&r->rounds, rounds));
    if (algorithm != NULL)
        OSL_TRY(osl_rounds_of(&r->rounds, algorithm));
    OSL_TRY(need_passphrase(r));
    status = check_mac_once(r, p12);
    if (status == PYOSSL_E_PASSPHRASE && may_try_empty(r)) {
        ERR_clear_error();
        r->empty = true;
        status = check_mac_once(r, p12);
    }
    return status;
}

/* Whoever has a passphrase relies on it that nobody without it has changed the file. */
static pyossl_status accept_no_mac(reader *r)
{
    OSL_TRY(need_passphrase(r));
    if (r->secret.len == 0)
        return PYOSSL_OK;
    ERR_raise_data(
        ERR_LIB_PKCS12, PKCS12_R_MAC_ABSENT,
        "without it nobody can tell whether the file was changed, which a passphrase is for");
    return osl_fail(PYOSSL_E_FORMAT);
}

static pyossl_status read_once(reader *r, PKCS12 *p12)
{
    EVP_PKEY_free(r->key);
    certs_free(r->certs);
    r->key = NULL;
    r->rounds = 0;
    r->certs = sk_X509_new_null();
    if (r->certs == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    OSL_TRY(PKCS12_mac_present(p12) ? check_mac(r, p12) : accept_no_mac(r));
    return read_safes(r, p12);
}

static pyossl_status read_all(reader *r, PKCS12 *p12)
{
    pyossl_status status = read_once(r, p12);

    if (status == PYOSSL_E_UNSUPPORTED && osl_legacy_load()) {
        ERR_clear_error();
        r->empty = false;
        status = read_once(r, p12);
    }
    if (status == PYOSSL_E_PASSPHRASE && !PKCS12_mac_present(p12) && may_try_empty(r)) {
        ERR_clear_error();
        r->empty = true;
        status = read_once(r, p12);
    }
    if (status == PYOSSL_E_UNSUPPORTED)
        return osl_fail_text(status, "needs an algorithm of OpenSSL's legacy provider");
    return status == PYOSSL_E_PASSPHRASE ? osl_fail_passphrase(&r->secret) : status;
}

/*
 * PYOSSL_OK and @yes, or what a lack of memory keeps from being told. The certificate's key
 * is decoded anew: what OpenSSL made of it on reading may have suffered from a lack of
 * memory of which OpenSSL says nothing.
 */
static pyossl_status belongs(const reader *r, const X509 *cert, bool *yes)
{
    osl_auto(pyossl_pkey) *key = NULL;
    pyossl_status status = osl_spki_key(&key, X509_get_X509_PUBKEY(cert));

    *yes = status == PYOSSL_OK && EVP_PKEY_eq(key->key, r->key) == 1;
    if (status == PYOSSL_OK && !*yes)
        status = osl_fail(PYOSSL_E_OPENSSL);
    /* One of a kind that nobody knows belongs to none; but some key each certificate has. */
    return status == PYOSSL_E_NOMEM || status == PYOSSL_E_NOT_FOUND ? status : PYOSSL_OK;
}

/* The first certificate that belongs to the key is "the" certificate; without a key, none is. */
static pyossl_status find_cert(const reader *r, int *found)
{
    bool yes = false;
    int i = 0;

    while (r->key != NULL && i < sk_X509_num(r->certs)) {
        OSL_TRY(belongs(r, sk_X509_value(r->certs, i), &yes));
        /* From 3.2 on OpenSSL's decoders hide a lack of memory, which may be over. */
        if (!yes)
            OSL_TRY(belongs(r, sk_X509_value(r->certs, i), &yes));
        if (yes)
            break;
        i++;
    }
    *found = yes ? i : -1;
    return PYOSSL_OK;
}

static pyossl_status fill_cert(pyossl_pkcs12 *p12, cert_stack *certs, int index)
{
    X509 *cert = sk_X509_delete(certs, index);
    int len = 0;
    const unsigned char *name = X509_alias_get0(cert, &len);

    if (name != NULL) {
        p12->friendly_name = osl_memdup(name, (size_t)len);
        p12->friendly_name_len = (size_t)len;
        if (p12->friendly_name == NULL) {
            X509_free(cert);
            return osl_fail_nomem();
        }
    }
    return osl_x509_wrap(&p12->cert, cert);
}

static pyossl_status fill(pyossl_pkcs12 *p12, reader *r)
{
    int index;

    OSL_TRY(find_cert(r, &index));
    if (index >= 0)
        OSL_TRY(fill_cert(p12, r->certs, index));
    if (r->key != NULL)
        OSL_TRY(osl_pkey_wrap(&p12->pkey, osl_steal(r->key), true));
    return osl_x509_wrap_stack(&p12->cas, r->certs);
}

OSL_DEFINE_AUTO(pyossl_pkcs12, pyossl_pkcs12_unref)
#define auto_reader __attribute__((cleanup(reader_clear))) reader

pyossl_status pyossl_pkcs12_load(pyossl_pkcs12 **out, const void *der, size_t len,
                                 const pyossl_passphrase *passphrase)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && osl_fits(der, len));
    osl_auto(PKCS12) *p12 = NULL;
    osl_auto(pyossl_pkcs12) *made = NULL;
    auto_reader r = { .from = passphrase };
    const unsigned char *in = der;

    OSL_TRY(pyossl_pkcs12_new(&made));
    if (!osl_len_fits(len))
        return osl_fail_text(PYOSSL_E_FORMAT, "too long");
    p12 = len > 0 ? d2i_PKCS12(NULL, &in, (long)len) : NULL;
    if (p12 == NULL)
        return osl_hint_pem(osl_fail(PYOSSL_E_FORMAT), der, len);
    OSL_TRY(read_all(&r, p12));
    OSL_TRY(fill(made, &r));
    *out = osl_steal(made);
    return PYOSSL_OK;
}
