/* PKCS #12: what is in one, and writing it. */
#include "crypto.h"

typedef STACK_OF(PKCS12_SAFEBAG) bag_stack;
typedef STACK_OF(PKCS7) safe_stack;

static void bags_free(bag_stack *bags)
{
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
}

static void safes_free(safe_stack *safes)
{
    sk_PKCS7_pop_free(safes, PKCS7_free);
}

OSL_DEFINE_AUTO(bag_stack, bags_free)
OSL_DEFINE_AUTO(safe_stack, safes_free)
OSL_DEFINE_AUTO(PKCS12_SAFEBAG, PKCS12_SAFEBAG_free)
OSL_DEFINE_AUTO(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)

static void pkcs12_destroy(pyossl_pkcs12 *p12)
{
    pyossl_pkey_unref(p12->pkey);
    pyossl_x509_unref(p12->cert);
    pyossl_x509_list_clear(&p12->cas);
    OPENSSL_free(p12->friendly_name);
    OPENSSL_free(p12);
}

OSL_DEFINE_REFS(pkcs12, pkcs12_destroy)

pyossl_status pyossl_pkcs12_new(pyossl_pkcs12 **out)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL);
    pyossl_pkcs12 *made;

    OSL_TRY(osl_init());
    made = osl_new(pyossl_pkcs12);
    if (made == NULL)
        return osl_fail_nomem();
    osl_object_init(&made->base);
    *out = made;
    return PYOSSL_OK;
}

/* ---- what is in it ---- */

pyossl_pkey *pyossl_pkcs12_pkey(const pyossl_pkcs12 *p12)
{
    OSL_NEED_OR(NULL, p12 != NULL);
    return p12->pkey;
}

void pyossl_pkcs12_set_pkey(pyossl_pkcs12 *p12, pyossl_pkey *pkey)
{
    OSL_NEED_OR(OSL_NOTHING, p12 != NULL);
    pyossl_pkey *old = p12->pkey;

    p12->pkey = pkey != NULL ? pyossl_pkey_ref(pkey) : NULL;
    pyossl_pkey_unref(old);
}

pyossl_x509 *pyossl_pkcs12_cert(const pyossl_pkcs12 *p12)
{
    OSL_NEED_OR(NULL, p12 != NULL);
    return p12->cert;
}

void pyossl_pkcs12_set_cert(pyossl_pkcs12 *p12, pyossl_x509 *cert)
{
    OSL_NEED_OR(OSL_NOTHING, p12 != NULL);
    pyossl_x509 *old = p12->cert;

    p12->cert = cert != NULL ? pyossl_x509_ref(cert) : NULL;
    pyossl_x509_unref(old);
}

size_t pyossl_pkcs12_ca_count(const pyossl_pkcs12 *p12)
{
    OSL_NEED_OR(0, p12 != NULL);
    return p12->cas.count;
}

pyossl_x509 *pyossl_pkcs12_ca_at(const pyossl_pkcs12 *p12, size_t index)
{
    OSL_NEED_OR(NULL, p12 != NULL);
    return index < p12->cas.count ? p12->cas.items[index] : NULL;
}

pyossl_status pyossl_pkcs12_set_cas(pyossl_pkcs12 *p12, pyossl_x509 *const *certs, size_t count)
{
    OSL_API_ENTER;
    OSL_NEED(p12 != NULL && osl_are_there(certs, count));
    pyossl_x509_list list = PYOSSL_X509_LIST_INIT;

    if (count > 0) {
        if (count <= SIZE_MAX / sizeof(pyossl_x509 *))
            list.items = OPENSSL_malloc(count * sizeof(pyossl_x509 *));
        if (list.items == NULL)
            return osl_fail_nomem();
    }
    for (; list.count < count; list.count++)
        list.items[list.count] = pyossl_x509_ref(certs[list.count]);
    pyossl_x509_list_clear(&p12->cas);
    p12->cas = list;
    return PYOSSL_OK;
}

const char *pyossl_pkcs12_friendly_name(const pyossl_pkcs12 *p12, size_t *len)
{
    OSL_NEED_OR(NULL, p12 != NULL && len != NULL);
    *len = p12->friendly_name_len;
    return p12->friendly_name;
}

pyossl_status pyossl_pkcs12_set_friendly_name(pyossl_pkcs12 *p12, const char *utf8, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(p12 != NULL && osl_fits(utf8, len));
    char *copy = NULL;

    if (utf8 != NULL) {
        if (memchr(utf8, '\0', len) != NULL)
            return osl_fail_text(PYOSSL_E_ARGUMENT, "a NUL in the friendly name");
        if (!osl_len_fits(len))
            return osl_fail_text(PYOSSL_E_ARGUMENT, "too long");
        copy = osl_memdup(utf8, len);
        if (copy == NULL)
            return osl_fail_nomem();
    }
    OPENSSL_free(p12->friendly_name);
    p12->friendly_name = copy;
    p12->friendly_name_len = copy != NULL ? len : 0;
    return PYOSSL_OK;
}

/* ---- writing ---- */

/* Everything that the steps below need. */
typedef struct writer {
    const pyossl_pkcs12 *p12;
    osl_secret secret;
    int nid; /* of a PKCS #12 algorithm, or of a cipher for PBES2 */
    int rounds;
    int mac_rounds;
    const EVP_MD *mac_digest;
    unsigned char key_id[EVP_MAX_MD_SIZE]; /* says which certificate is the key's */
    unsigned key_id_len;                   /* 0 for none */
} writer;

static void writer_clear(writer *w)
{
    osl_secret_clear(&w->secret);
}
#define auto_writer __attribute__((cleanup(writer_clear))) writer

static pyossl_status take_options(writer *w, const pyossl_pkcs12_options *options)
{
    static const pyossl_pkcs12_options defaults = PYOSSL_PKCS12_OPTIONS_INIT;

    if (options == NULL)
        options = &defaults;
    if (options->size < sizeof *options || options->iterations < -1 || options->mac_iterations < -1)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "not PKCS #12 options");
    w->rounds = options->iterations > 0 ? options->iterations : PKCS12_DEFAULT_ITER;
    w->mac_rounds = options->mac_iterations;
    if ((int64_t)w->rounds * 2 + w->mac_rounds > pyossl_kdf_rounds_limit())
        return osl_fail_text(PYOSSL_E_ARGUMENT, "too many rounds of key derivation");
    w->nid = NID_pbe_WithSHA1And3_Key_TripleDES_CBC;
    if (options->cipher != NULL) {
        const EVP_CIPHER *cipher = osl_cipher(options->cipher);

        if (cipher == NULL)
            return osl_recorded();
        w->nid = EVP_CIPHER_get_nid(cipher);
    }
    if (options->mac_digest != NULL) {
        w->mac_digest = osl_digest(options->mac_digest);
        if (w->mac_digest == NULL)
            return osl_recorded();
    }
    return PYOSSL_OK;
}

static pyossl_status take_passphrase(writer *w, const pyossl_passphrase *passphrase)
{
    if (passphrase != NULL)
        OSL_TRY(osl_secret_get_any(&w->secret, passphrase, 1));
    /* Other programs could not be told such a passphrase. */
    if (memchr(osl_secret_text(&w->secret), '\0', w->secret.len) != NULL)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "a NUL in the passphrase");
    return PYOSSL_OK;
}

/* Key and certificate must belong together; then one identifier marks both. */
static pyossl_status take_key_id(writer *w)
{
    const EVP_MD *sha1;
    X509 *cert;

    if (w->p12->pkey == NULL || w->p12->cert == NULL)
        return PYOSSL_OK;
    cert = osl_x509_lend(w->p12->cert);
    sha1 = osl_digest("sha1");
    if (cert == NULL || sha1 == NULL)
        return osl_recorded();
    if (X509_check_private_key(cert, w->p12->pkey->key) != 1 ||
        X509_digest(cert, sha1, w->key_id, &w->key_id_len) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

/* As UTF-16: OpenSSL's way from UTF-8 stops at U+FFFF. */
static bool add_name(PKCS12_SAFEBAG *bag, const char *utf8, size_t len)
{
    unsigned char *utf16 = NULL;
    int size = 0; /* with two bytes of NUL at the end */
    bool ok = OPENSSL_utf82uni(utf8, (int)len, &utf16, &size) != NULL && size >= 2 &&
              PKCS12_add_friendlyname_uni(bag, utf16, size - 2) == 1;

    OPENSSL_free(utf16);
    return ok;
}

/* A friendly name, borrowed; NULL for none. */
typedef struct bag_name {
    const char *text;
    size_t len;
} bag_name;

/* Key and certificate have the message's name. */
static bag_name main_name(const pyossl_pkcs12 *p12)
{
    return (bag_name){ p12->friendly_name, p12->friendly_name_len };
}

/* The other certificates keep those that they were loaded with, which are their aliases. */
static bag_name own_name(X509 *x509)
{
    int len = 0;
    const unsigned char *alias = X509_alias_get0(x509, &len);

    return (bag_name){ (const char *)alias, alias != NULL && len > 0 ? (size_t)len : 0 };
}

/* Give @bag the name and the identifier, and @bags the bag, which is taken over in any case. */
static pyossl_status add_bag(bag_stack *bags, PKCS12_SAFEBAG *made, const writer *w,
                             const bag_name *name, bool main_bag)
{
    osl_auto(PKCS12_SAFEBAG) *bag = made;

    if (bag == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    if (name->text != NULL && !add_name(bag, name->text, name->len))
        return osl_fail(PYOSSL_E_OPENSSL);
    if (main_bag && w->key_id_len > 0 &&
        PKCS12_add_localkeyid(bag, (unsigned char *)(uintptr_t)w->key_id, (int)w->key_id_len) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    if (sk_PKCS12_SAFEBAG_push(bags, bag) <= 0)
        return osl_fail(PYOSSL_E_NOMEM);
    bag = NULL; /* the stack's now */
    return PYOSSL_OK;
}

static pyossl_status add_cert(bag_stack *bags, const pyossl_x509 *cert, const writer *w,
                              bool main_bag)
{
    X509 *x509 = osl_x509_read(cert);
    const bag_name name = main_bag ? main_name(w->p12) : own_name(x509);

    /* Of one that cannot be encoded OpenSSL says that there is no memory. */
    if (i2d_X509(x509, NULL) <= 0)
        return osl_fail(PYOSSL_E_STATE);
    return add_bag(bags, PKCS12_SAFEBAG_create_cert(x509), w, &name, main_bag);
}

/* @safe is taken over in any case. */
static pyossl_status add_safe(safe_stack *safes, PKCS7 *safe)
{
    if (safe == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    if (sk_PKCS7_push(safes, safe) <= 0) {
        PKCS7_free(safe);
        return osl_fail(PYOSSL_E_NOMEM);
    }
    return PYOSSL_OK;
}

static pyossl_status write_certs(const writer *w, safe_stack *safes)
{
    const pyossl_pkcs12 *p12 = w->p12;
    osl_auto(bag_stack) *bags = sk_PKCS12_SAFEBAG_new_null();

    if (p12->cert == NULL && p12->cas.count == 0)
        return PYOSSL_OK;
    if (bags == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    if (p12->cert != NULL)
        OSL_TRY(add_cert(bags, p12->cert, w, true));
    for (size_t i = 0; i < p12->cas.count; i++)
        OSL_TRY(add_cert(bags, p12->cas.items[i], w, false));
    return add_safe(safes, PKCS12_pack_p7encdata(w->nid, osl_secret_text(&w->secret),
                                                 (int)w->secret.len, NULL, 0, w->rounds, bags));
}

static pyossl_status write_key(const writer *w, safe_stack *safes)
{
    osl_auto(bag_stack) *bags = NULL;
    osl_auto(PKCS8_PRIV_KEY_INFO) *info = NULL;
    const bag_name name = main_name(w->p12);

    if (w->p12->pkey == NULL)
        return PYOSSL_OK;
    if (!w->p12->pkey->is_private)
        return osl_fail_text(PYOSSL_E_STATE, "the key has no private half");
    bags = sk_PKCS12_SAFEBAG_new_null();
    info = EVP_PKEY2PKCS8(w->p12->pkey->key);
    if (bags == NULL || info == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    OSL_TRY(
        add_bag(bags,
                PKCS12_SAFEBAG_create_pkcs8_encrypt(w->nid, osl_secret_text(&w->secret),
                                                    (int)w->secret.len, NULL, 0, w->rounds, info),
                w, &name, true));
    return add_safe(safes, PKCS12_pack_p7data(bags));
}

static pyossl_status seal(const writer *w, const safe_stack *safes, pyossl_buf *out)
{
    osl_auto(PKCS12) *p12 = PKCS12_init(NID_pkcs7_data);
    osl_auto_buf der = PYOSSL_BUF_INIT;
    unsigned char *end;
    int len;

    if (p12 == NULL || PKCS12_pack_authsafes(p12, (safe_stack *)(uintptr_t)safes) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    if (w->mac_rounds >= 0 && PKCS12_set_mac(p12, osl_secret_text(&w->secret), (int)w->secret.len,
                                             NULL, 0, w->mac_rounds, w->mac_digest) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    len = i2d_PKCS12(p12, NULL);
    if (len <= 0)
        return osl_fail(PYOSSL_E_OPENSSL);
    OSL_TRY(osl_buf_alloc(&der, (size_t)len));
    end = der.data;
    if (i2d_PKCS12(p12, &end) != len)
        return osl_fail(PYOSSL_E_OPENSSL);
    osl_buf_move(out, &der);
    return PYOSSL_OK;
}

pyossl_status pyossl_pkcs12_dump(const pyossl_pkcs12 *p12, const pyossl_passphrase *passphrase,
                                 const pyossl_pkcs12_options *options, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(p12 != NULL && out != NULL);
    auto_writer w = { .p12 = p12 };
    osl_auto(safe_stack) *safes = NULL;

    if (p12->pkey == NULL && p12->cert == NULL && p12->cas.count == 0) {
        ERR_raise_data(ERR_LIB_PKCS12, PKCS12_R_INVALID_NULL_ARGUMENT,
                       "there is no key and no certificate in it");
        return osl_fail(PYOSSL_E_STATE);
    }
    OSL_TRY(take_options(&w, options));
    OSL_TRY(take_key_id(&w));
    OSL_TRY(take_passphrase(&w, passphrase));
    safes = sk_PKCS7_new_null();
    if (safes == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    OSL_TRY(write_certs(&w, safes));
    OSL_TRY(write_key(&w, safes));
    return seal(&w, safes, out);
}
