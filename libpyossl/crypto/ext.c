/* X.509 extensions: from words, from DER, and what they say. */
#include "crypto.h"

#include <openssl/conf.h>

static void drop_names(pyossl_ext *ext)
{
    GENERAL_NAMES_free(atomic_load_explicit(&ext->names, memory_order_relaxed));
}

void osl_ext_table_unref(osl_ext_table *table)
{
    if (table == NULL || !osl_object_unref(&table->base))
        return;
    for (size_t i = 0; i < table->count; i++)
        drop_names(&table->views[i]);
    X509_free(table->owner);
    OPENSSL_free(table);
}

pyossl_ext *pyossl_ext_ref(pyossl_ext *ext)
{
    if (ext != NULL)
        osl_object_ref(ext->table != NULL ? &ext->table->base : &ext->base);
    return ext;
}

void pyossl_ext_unref(pyossl_ext *ext)
{
    if (ext == NULL)
        return;
    if (ext->table != NULL) {
        osl_ext_table_unref(ext->table);
        return;
    }
    if (!osl_object_unref(&ext->base))
        return;
    drop_names(ext);
    X509_EXTENSION_free(ext->ext);
    OPENSSL_free(ext);
}

static void view(pyossl_ext *ext, X509_EXTENSION *from)
{
    const int nid = OBJ_obj2nid(X509_EXTENSION_get_object(from));

    ext->ext = from;
    atomic_init(&ext->names, NULL);
    ext->short_name = nid != NID_undef ? OBJ_nid2sn(nid) : NULL;
}

/* Takes @made over, also on failure. */
static pyossl_status wrap(pyossl_ext **out, X509_EXTENSION *made)
{
    osl_auto(X509_EXTENSION) *held = made;
    pyossl_ext *ext;

    if (held == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    ext = osl_new(pyossl_ext);
    if (ext == NULL)
        return osl_fail_nomem();
    osl_object_init(&ext->base);
    view(ext, osl_steal(held));
    *out = ext;
    return PYOSSL_OK;
}

pyossl_status osl_ext_wrap_copy(pyossl_ext **out, const X509_EXTENSION *from)
{
    return wrap(out, X509_EXTENSION_dup(from));
}

/*
 * Extensions of a certificate stay what and where they are as long as it lives:
 * it can get more of them, but lose none. A copy would cost twenty times as much.
 */
pyossl_status osl_ext_table_new(osl_ext_table **out, X509 *owner)
{
    const int found = X509_get_ext_count(owner);
    const size_t count = found > 0 ? (size_t)found : 0;
    osl_ext_table *table = OPENSSL_zalloc(sizeof *table + count * sizeof table->views[0]);

    if (table == NULL || X509_up_ref(owner) != 1) {
        OPENSSL_free(table);
        return osl_refuse(PYOSSL_E_NOMEM, "out of memory");
    }
    osl_object_init(&table->base);
    table->owner = owner;
    table->count = count;
    for (size_t i = 0; i < count; i++) {
        view(&table->views[i], osl_ext_readable(X509_get_ext(owner, (int)i)));
        table->views[i].table = table;
    }
    *out = table;
    return PYOSSL_OK;
}

/* ---- making ---- */

/* "critical," is how OpenSSL's words say it; a C string, which @value is not. */
static pyossl_status config_words(pyossl_buf *out, int critical, const char *value, size_t len)
{
    static const char mark[] = "critical,";
    const size_t lead = critical ? sizeof mark - 1 : 0;

    if (memchr(value, '\0', len) != NULL)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "there is a NUL in the value");
    if (!osl_len_fits(len))
        return osl_fail_text(PYOSSL_E_ARGUMENT, "the value is too long");
    OSL_TRY(osl_buf_alloc(out, lead + len));
    memcpy(out->data, mark, lead);
    memcpy(out->data + lead, value, len);
    return PYOSSL_OK;
}

OSL_DEFINE_AUTO(CONF, NCONF_free)

/* A configuration without a section. NULL, with OpenSSL's queue telling why. */
static CONF *empty_conf(void)
{
    osl_auto(BIO) *nothing = BIO_new_mem_buf("", 0);
    osl_auto(CONF) *conf = NCONF_new(NULL);
    long line;

    if (nothing == NULL || conf == NULL || NCONF_load_bio(conf, nothing, &line) != 1)
        return NULL;
    return osl_steal(conf);
}

/* "proxyCertInfo" can be told to take its policy from a file: no words of anybody's shall. */
static bool reads_files(const char *type, const char *words)
{
    return strcmp(type, SN_proxyCertInfo) == 0 && strstr(words, "file:") != NULL;
}

/*
 * Some extensions are made only where there is a configuration, though they may not need
 * anything in it. It is empty, so that nothing but the words decides what comes out.
 */
static pyossl_status from_words(X509_EXTENSION **out, const char *type, const char *words,
                                X509 *subject, X509 *issuer)
{
    osl_auto(CONF) *conf = empty_conf();
    X509V3_CTX ctx;
    X509_EXTENSION *made;

    if (conf == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    if (reads_files(type, words))
        return osl_fail_text(PYOSSL_E_OPENSSL, "the words of an extension may not name a file");
    memset(&ctx, 0, sizeof ctx);
    X509V3_set_ctx(&ctx, issuer, subject, NULL, NULL, 0);
    X509V3_set_nconf(&ctx, conf);
    made = X509V3_EXT_nconf(conf, &ctx, type, words);
    if (made == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    *out = made;
    return PYOSSL_OK;
}

/*
 * "email:move" takes the addresses out of the subject's name while OpenSSL reads
 * the words. It works on a copy, whose name the subject gets when all went well.
 */
static pyossl_status from_moving_words(X509_EXTENSION **out, const char *type, const char *words,
                                       pyossl_x509 *subject, X509 *issuer)
{
    osl_auto(X509) *copy = osl_x509_clone(osl_x509_lend(subject));
    osl_auto(X509_EXTENSION) *made = NULL;
    X509 *x509;

    if (copy == NULL)
        return osl_recorded();
    OSL_TRY(from_words(&made, type, words, copy, issuer));
    if (X509_NAME_cmp(X509_get_subject_name(copy), X509_get_subject_name(osl_x509_read(subject))) !=
        0) {
        x509 = osl_x509_mutable(subject);
        if (x509 == NULL)
            return osl_recorded();
        OSL_TRY(osl_x509_changed(x509, X509_set_subject_name(x509, X509_get_subject_name(copy))));
    }
    *out = osl_steal(made);
    return PYOSSL_OK;
}

pyossl_status pyossl_ext_new(pyossl_ext **out, const char *type, int critical, const char *value,
                             size_t len, pyossl_x509 *subject, pyossl_x509 *issuer)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && type != NULL && value != NULL && osl_fits(value, len));
    osl_auto_buf words = PYOSSL_BUF_INIT;
    osl_auto(X509_EXTENSION) *made = NULL;
    X509 *about = NULL, *signer = NULL;

    OSL_TRY(osl_init());
    OSL_TRY(config_words(&words, critical, value, len));
    if (issuer != NULL && (signer = osl_x509_lend(issuer)) == NULL)
        return osl_recorded();
    if (subject != NULL && (about = osl_x509_lend(subject)) == NULL)
        return osl_recorded();
    if (subject != NULL && strstr((const char *)words.data, "move") != NULL)
        OSL_TRY(from_moving_words(&made, type, (const char *)words.data, subject, signer));
    else
        OSL_TRY(from_words(&made, type, (const char *)words.data, about, signer));
    return wrap(out, osl_steal(made));
}

pyossl_status pyossl_ext_new_der(pyossl_ext **out, const char *type, int critical, const void *der,
                                 size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && type != NULL && osl_fits(der, len));
    osl_auto(ASN1_OBJECT) *object = NULL;
    osl_auto(ASN1_OCTET_STRING) *octets = NULL;
    X509_EXTENSION *made;

    OSL_TRY(osl_init());
    if (!osl_len_fits(len))
        return osl_fail_text(PYOSSL_E_ARGUMENT, "the value is too long");
    object = OBJ_txt2obj(type, 0);
    if (object == NULL)
        return osl_fail_detail(PYOSSL_E_ARGUMENT, "no such extension", type);
    octets = ASN1_OCTET_STRING_new();
    if (octets == NULL || ASN1_OCTET_STRING_set(octets, len > 0 ? der : "", (int)len) != 1)
        return osl_fail(PYOSSL_E_NOMEM);
    made = X509_EXTENSION_create_by_OBJ(NULL, object, critical != 0, octets);
    return wrap(out, made);
}

/* ---- asking ---- */

int pyossl_ext_critical(const pyossl_ext *ext)
{
    OSL_NEED_OR(0, ext != NULL);
    return X509_EXTENSION_get_critical(ext->ext) != 0;
}

const char *pyossl_ext_short_name(const pyossl_ext *ext)
{
    OSL_NEED_OR(NULL, ext != NULL);
    const char *name = ext->short_name;

    if (name == NULL)
        name = OBJ_nid2sn(OBJ_obj2nid(X509_EXTENSION_get_object(ext->ext)));
    return name != NULL ? name : SN_undef;
}

pyossl_status osl_object_dotted(const ASN1_OBJECT *object, pyossl_buf *out)
{
    osl_auto_buf text = PYOSSL_BUF_INIT;
    const int len = OBJ_obj2txt(NULL, 0, object, 1);

    if (len < 0)
        return osl_fail(PYOSSL_E_FORMAT);
    OSL_TRY(osl_buf_alloc(&text, (size_t)len));
    if (OBJ_obj2txt((char *)text.data, len + 1, object, 1) != len)
        return osl_fail(PYOSSL_E_FORMAT);
    osl_buf_move(out, &text);
    return PYOSSL_OK;
}

int pyossl_ext_nid(const pyossl_ext *ext)
{
    OSL_NEED_OR(0, ext != NULL);
    return OBJ_obj2nid(X509_EXTENSION_get_object(ext->ext));
}

pyossl_status pyossl_ext_oid(const pyossl_ext *ext, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(ext != NULL && out != NULL);
    return osl_object_dotted(X509_EXTENSION_get_object(ext->ext), out);
}

pyossl_status pyossl_ext_data(const pyossl_ext *ext, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(ext != NULL && out != NULL);
    const ASN1_OCTET_STRING *octets = X509_EXTENSION_get_data(ext->ext);

    return osl_buf_set(out, ASN1_STRING_get0_data(octets), (size_t)ASN1_STRING_length(octets));
}
