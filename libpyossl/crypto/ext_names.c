/* General names, and the text of extensions. */
#include "crypto.h"

/* ---- general names ---- */

/* The names in a subjectAltName or issuerAltName. */
static pyossl_status decode_names(GENERAL_NAMES **out, const pyossl_ext *ext)
{
    const int nid = OBJ_obj2nid(X509_EXTENSION_get_object(ext->ext));

    if (nid != NID_subject_alt_name && nid != NID_issuer_alt_name)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "the extension holds no general names");
    *out = X509V3_EXT_d2i(ext->ext);
    return *out != NULL ? PYOSSL_OK : osl_fail(PYOSSL_E_FORMAT);
}

/*
 * The same, borrowed. An extension does not change, so its names are decoded once: who asks for
 * one after the other would otherwise wait as long as the square of their number.
 */
static pyossl_status names_of(const GENERAL_NAMES **out, const pyossl_ext *ext)
{
    pyossl_ext *self = (pyossl_ext *)ext; /* keeping them does not change what it says */
    GENERAL_NAMES *known = atomic_load_explicit(&self->names, memory_order_acquire), *made = NULL;

    if (known == NULL) {
        OSL_TRY(decode_names(&made, ext));
        if (atomic_compare_exchange_strong_explicit(&self->names, &known, made,
                                                    memory_order_acq_rel, memory_order_acquire))
            known = made;
        else
            GENERAL_NAMES_free(made);
    }
    *out = known;
    return PYOSSL_OK;
}

static pyossl_status name_der(const GENERAL_NAME *name, pyossl_buf *out)
{
    unsigned char *der = NULL;
    const int len = i2d_GENERAL_NAME(name, &der);
    pyossl_status status;

    if (len <= 0)
        return osl_fail(PYOSSL_E_FORMAT);
    status = osl_buf_set(out, der, (size_t)len);
    OPENSSL_free(der);
    return status;
}

/* Each branch reads the member of the union that the type stands for, and no other. */
static pyossl_status name_value(const GENERAL_NAME *name, pyossl_buf *out)
{
    const ASN1_STRING *string;

    switch (name->type) {
    case GEN_EMAIL:
    case GEN_DNS:
    case GEN_URI:
        string = name->d.ia5;
        break;
    case GEN_IPADD:
        string = name->d.iPAddress;
        break;
    case GEN_DIRNAME:
        return osl_name_der(name->d.directoryName, out);
    case GEN_RID:
        return osl_object_dotted(name->d.registeredID, out);
    default:
        return name_der(name, out);
    }
    return osl_buf_set(out, ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
}

pyossl_status pyossl_ext_general_name_at(const pyossl_ext *ext, size_t index, int *type,
                                         pyossl_buf *value)
{
    OSL_API_ENTER;
    OSL_NEED(ext != NULL && type != NULL && value != NULL);
    const GENERAL_NAMES *names = NULL;
    const GENERAL_NAME *name;
    int count;

    OSL_TRY(names_of(&names, ext));
    count = sk_GENERAL_NAME_num(names);
    if (count < 0 || index >= (size_t)count)
        return osl_fail_text(PYOSSL_E_NOT_FOUND, "there is no such name");
    name = sk_GENERAL_NAME_value(names, (int)index);
    OSL_TRY(name_value(name, value));
    *type = name->type;
    return PYOSSL_OK;
}

/* ---- text ---- */

static bool put(BIO *bio, const void *data, size_t len)
{
    size_t written;

    return len == 0 || (BIO_write_ex(bio, data, len, &written) == 1 && written == len);
}

/* What is not UTF-8 becomes \xNN, so that all of the text is. */
static bool put_utf8(BIO *bio, const unsigned char *data, size_t len)
{
    while (len > 0) {
        unsigned long ignored;
        const int valid = UTF8_getc(data, (int)len, &ignored);

        if (valid > 0 ? !put(bio, data, (size_t)valid) : BIO_printf(bio, "\\x%02X", *data) <= 0)
            return false;
        data += valid > 0 ? valid : 1;
        len -= valid > 0 ? (size_t)valid : 1;
    }
    return true;
}

/*
 * Three kinds of names with every byte they have: OpenSSL would stop at a NUL,
 * and "good.example\0.evil.example" would read like "good.example".
 */
static bool put_name(BIO *bio, GENERAL_NAME *name)
{
    const char *prefix;

    if (name->type == GEN_EMAIL)
        prefix = "email:";
    else if (name->type == GEN_DNS)
        prefix = "DNS:";
    else if (name->type == GEN_URI)
        prefix = "URI:";
    else
        return GENERAL_NAME_print(bio, name) == 1;
    return put(bio, prefix, strlen(prefix)) &&
           put(bio, ASN1_STRING_get0_data(name->d.ia5), (size_t)ASN1_STRING_length(name->d.ia5));
}

static pyossl_status print_subject_names(BIO *bio, const pyossl_ext *ext)
{
    const GENERAL_NAMES *names = NULL;

    OSL_TRY(names_of(&names, ext));
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        if ((i > 0 && !put(bio, ", ", 2)) || !put_name(bio, sk_GENERAL_NAME_value(names, i)))
            return osl_fail(PYOSSL_E_NOMEM);
    }
    return PYOSSL_OK;
}

/* What OpenSSL cannot read, or does not know how to print, in hexadecimal. */
static pyossl_status print_bytes(BIO *bio, const pyossl_ext *ext)
{
    const ASN1_OCTET_STRING *octets = X509_EXTENSION_get_data(ext->ext);
    const int len = ASN1_STRING_length(octets);

    if (len > 0 && BIO_dump(bio, (const char *)ASN1_STRING_get0_data(octets), len) <= 0)
        return osl_fail(PYOSSL_E_NOMEM);
    return PYOSSL_OK;
}

/*
 * Programs look for names in the text: bytes that are not names must not look like some, so
 * general names that cannot be read are an error.
 */
static pyossl_status print(BIO *bio, const pyossl_ext *ext)
{
    const int nid = OBJ_obj2nid(X509_EXTENSION_get_object(ext->ext));
    pyossl_status status;

    if (nid == NID_subject_alt_name)
        return print_subject_names(bio, ext);
    if (X509V3_EXT_get(ext->ext) == NULL)
        return print_bytes(bio, ext);
    if (X509V3_EXT_print(bio, ext->ext, X509V3_EXT_DEFAULT, 0) == 1)
        return PYOSSL_OK;
    status = osl_fail(PYOSSL_E_FORMAT);
    if (nid == NID_issuer_alt_name || status == PYOSSL_E_NOMEM)
        return status;
    pyossl_error_clear();
    if (BIO_reset(bio) != 1)
        return osl_fail(PYOSSL_E_NOMEM);
    return print_bytes(bio, ext);
}

static bool is_ascii(const unsigned char *data, size_t len)
{
    unsigned char all = 0;

    for (size_t i = 0; i < len; i++)
        all |= data[i];
    return all < 0x80;
}

static pyossl_status make_utf8(const unsigned char *data, size_t len, pyossl_buf *out)
{
    osl_auto(BIO) *clean = osl_bio_writer();

    if (clean == NULL)
        return PYOSSL_E_NOMEM;
    if (!put_utf8(clean, data, len))
        return osl_fail(PYOSSL_E_NOMEM);
    return osl_buf_from_bio(out, clean);
}

pyossl_status pyossl_ext_text(const pyossl_ext *ext, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(ext != NULL && out != NULL);
    osl_auto(BIO) *raw = osl_bio_writer();
    char *data = NULL;
    long len;

    if (raw == NULL)
        return PYOSSL_E_NOMEM;
    OSL_TRY(print(raw, ext));
    len = BIO_get_mem_data(raw, &data);
    if (len < 0)
        return osl_fail(PYOSSL_E_NOMEM);
    /* As nearly all are. */
    if (is_ascii((const unsigned char *)data, (size_t)len))
        return osl_buf_from_bio(out, raw);
    return make_utf8((const unsigned char *)data, (size_t)len, out);
}
