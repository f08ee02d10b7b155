/* Handles and bytes that a test releases on every way out: OWNED(x509) cert = NULL. */
#ifndef OWNED_H
#define OWNED_H

#include <pyossl.h>

#define OWNED_TYPE(noun)                                                                           \
    static inline void release_##noun(pyossl_##noun **place)                                       \
    {                                                                                              \
        pyossl_##noun##_unref(*place);                                                             \
    }

OWNED_TYPE(conn)
OWNED_TYPE(crl)
OWNED_TYPE(ctx)
OWNED_TYPE(ext)
OWNED_TYPE(name)
OWNED_TYPE(pkcs12)
OWNED_TYPE(pkcs7)
OWNED_TYPE(pkey)
OWNED_TYPE(req)
OWNED_TYPE(revoked)
OWNED_TYPE(session)
OWNED_TYPE(spki)
OWNED_TYPE(store)
OWNED_TYPE(x509)
#undef OWNED_TYPE

#define OWNED(noun)   __attribute__((cleanup(release_##noun))) pyossl_##noun *
#define OWNED_BUF     __attribute__((cleanup(pyossl_buf_clear))) pyossl_buf
#define OWNED_LIST    __attribute__((cleanup(pyossl_x509_list_clear))) pyossl_x509_list
#define OWNED_VERDICT __attribute__((cleanup(pyossl_verdict_clear))) pyossl_verdict

/* Go on only while all is well. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        const pyossl_status status_ = (call);                                                      \
                                                                                                   \
        if (status_ != PYOSSL_OK)                                                                  \
            return status_;                                                                        \
    } while (0)

#endif
