/* PKCS #7 messages: signing, and checking signatures. */
#include "crypto.h"

static void free_stack(STACK_OF(X509) *stack)
{
    sk_X509_free(stack);
}

typedef STACK_OF(X509) osl_borrowed;
OSL_DEFINE_AUTO(osl_borrowed, free_stack)

enum {
    SIGN_FLAGS = PYOSSL_PKCS7_TEXT | PYOSSL_PKCS7_NOCERTS | PYOSSL_PKCS7_NOSIGS |
                 PYOSSL_PKCS7_DETACHED | PYOSSL_PKCS7_BINARY | PYOSSL_PKCS7_NOATTR |
                 PYOSSL_PKCS7_NOSMIMECAP,
    VERIFY_FLAGS = PYOSSL_PKCS7_TEXT | PYOSSL_PKCS7_NOSIGS | PYOSSL_PKCS7_NOCHAIN |
                   PYOSSL_PKCS7_NOINTERN | PYOSSL_PKCS7_NOVERIFY | PYOSSL_PKCS7_DETACHED |
                   PYOSSL_PKCS7_BINARY
};

static pyossl_status check_flags(unsigned flags, unsigned known)
{
    return (flags & ~known) == 0 ? PYOSSL_OK
                                 : osl_fail_text(PYOSSL_E_ARGUMENT, "unknown PKCS #7 flags");
}

/* The certificates as OpenSSL wants them, borrowed; NULL and recorded. */
static osl_borrowed *borrow(pyossl_x509 *const *certs, size_t count)
{
    osl_auto(osl_borrowed) *stack = sk_X509_new_null();

    if (stack == NULL) {
        (void)!osl_fail(PYOSSL_E_NOMEM);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        X509 *cert = osl_x509_full(certs[i]);

        if (cert == NULL)
            return NULL;
        if (sk_X509_push(stack, cert) <= 0) {
            (void)!osl_fail(PYOSSL_E_NOMEM);
            return NULL;
        }
    }
    return osl_steal(stack);
}

static BIO *reader(const void *data, size_t len)
{
    BIO *bio = osl_len_fits(len) ? BIO_new_mem_buf(len > 0 ? data : "", (int)len) : NULL;

    if (bio == NULL)
        (void)!osl_fail(osl_len_fits(len) ? PYOSSL_E_NOMEM : PYOSSL_E_ARGUMENT);
    return bio;
}

pyossl_status pyossl_pkcs7_sign(pyossl_pkcs7 **out, pyossl_x509 *cert, const pyossl_pkey *pkey,
                                pyossl_x509 *const *others, size_t count, const void *data,
                                size_t len, unsigned flags)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && cert != NULL && pkey != NULL && osl_are_there(others, count) &&
             osl_fits(data, len));
    osl_auto(osl_borrowed) *stack = NULL;
    osl_auto(PKCS7) *message = NULL;
    osl_auto(BIO) *bio = NULL;
    X509 *signer;

    OSL_TRY(osl_init());
    OSL_TRY(check_flags(flags, SIGN_FLAGS));
    if (!pkey->is_private)
        return osl_fail_text(PYOSSL_E_STATE, "the key has only a public part");
    signer = osl_x509_full(cert);
    if (signer == NULL)
        return osl_recorded();
    stack = borrow(others, count);
    if (stack == NULL)
        return osl_recorded();
    bio = reader(data, len);
    if (bio == NULL)
        return osl_recorded();
    message = PKCS7_sign(signer, pkey->key, stack, bio, (int)flags);
    if (message == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    /* Decoded again, it shares nothing with certificates that their owners may change. */
    return osl_pkcs7_settle(out, message);
}

pyossl_status pyossl_pkcs7_verify(const pyossl_pkcs7 *message, pyossl_x509 *const *certs,
                                  size_t count, const pyossl_store *store, const void *detached,
                                  size_t len, unsigned flags, pyossl_buf *content)
{
    OSL_API_ENTER;
    OSL_NEED(message != NULL && osl_are_there(certs, count) && osl_fits(detached, len) &&
             content != NULL);
    osl_auto(osl_borrowed) *stack = NULL;
    osl_auto(X509_STORE) *empty = NULL;
    osl_auto(PKCS7) *copy = NULL;
    osl_auto(BIO) *in = NULL;
    osl_auto(BIO) *written = NULL;

    OSL_TRY(check_flags(flags, VERIFY_FLAGS));
    if (pyossl_pkcs7_type(message) != PYOSSL_PKCS7_SIGNED || message->message->d.sign == NULL)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "the message is not signed");
    stack = borrow(certs, count);
    if (stack == NULL)
        return osl_recorded();
    empty = store == NULL ? X509_STORE_new() : NULL;
    copy = PKCS7_dup(message->message); /* OpenSSL writes to what it checks */
    written = osl_bio_writer();
    if ((store == NULL && empty == NULL) || copy == NULL || written == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    if (detached != NULL) {
        in = reader(detached, len);
        if (in == NULL)
            return osl_recorded();
    }
    if (PKCS7_verify(copy, stack, store != NULL ? store->store : empty, in, written,
                     (int)(flags & ~(unsigned)PYOSSL_PKCS7_DETACHED)) != 1)
        return osl_fail(PYOSSL_E_VERIFY);
    return osl_buf_from_bio(content, written);
}
