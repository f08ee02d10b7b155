/*
 * Which library context a call is in.
 *
 * OpenSSL looks algorithms up in the library context of the thread, by the properties that are
 * asked for there by default, among the providers that are loaded there. A program may change each
 * of these at any time, and let a context of its own go. So nothing that has algorithms in it is
 * kept unless it was made in the default library context of the process, and nothing kept is used
 * before OpenSSL was asked whether it would choose the same today; see decision 25.
 *
 * Indices of ex-data are numbered in each library context apart (CRYPTO_get_ex_new_index(3) does
 * not say so), and callbacks of the context that the thread is in when an object is freed run. So
 * all of ours are numbered in the default one, or two could have one number, and have no callbacks.
 */
#include "internal.h"

OSSL_LIB_CTX *osl_libctx(void)
{
    return OSSL_LIB_CTX_set0_default(NULL);
}

bool osl_libctx_is_usual(void)
{
    return osl_libctx() == OSSL_LIB_CTX_get0_global_default();
}

OSSL_LIB_CTX *osl_libctx_begin_usual(void)
{
    OSSL_LIB_CTX *const before = osl_libctx(), *const usual = OSSL_LIB_CTX_get0_global_default();

    return before == usual || OSSL_LIB_CTX_set0_default(usual) != NULL ? before : NULL;
}

void osl_libctx_end_usual(OSSL_LIB_CTX *const *before)
{
    if (*before != NULL && *before != OSSL_LIB_CTX_get0_global_default())
        (void)OSSL_LIB_CTX_set0_default(*before);
}
