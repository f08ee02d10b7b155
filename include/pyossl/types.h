/**
 * @file pyossl/types.h
 * Handles and the few plain types they share.
 *
 * @par Ownership
 * A handle that comes out through an @c out parameter is yours: release it with
 * its @c _unref. A handle that is returned is borrowed from the object it was
 * asked of. What goes in stays yours: the library takes its own reference.
 * @par Outputs
 * An @c out parameter is written when the call returns PYOSSL_OK, and only then.
 * @par Text
 * C strings are UTF-8 unless said otherwise. Bytes travel as pointer and length,
 * and a NUL among them is a byte like any other.
 */
#ifndef PYOSSL_TYPES_H
#define PYOSSL_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include "pyossl/export.h"

PYOSSL_BEGIN_DECLS

typedef struct pyossl_ctx     pyossl_ctx;     /**< settings shared by connections */
typedef struct pyossl_conn    pyossl_conn;    /**< one connection */
typedef struct pyossl_session pyossl_session; /**< what resumes a connection */
typedef struct pyossl_pkey    pyossl_pkey;    /**< a key, private or public */
typedef struct pyossl_name    pyossl_name;    /**< a distinguished name */
typedef struct pyossl_ext     pyossl_ext;     /**< an X.509 extension */
typedef struct pyossl_x509    pyossl_x509;    /**< a certificate */
typedef struct pyossl_req     pyossl_req;     /**< a certificate request */
typedef struct pyossl_crl     pyossl_crl;     /**< a revocation list */
typedef struct pyossl_revoked pyossl_revoked; /**< one entry of a revocation list */
typedef struct pyossl_store   pyossl_store;   /**< trusted certificates */
typedef struct pyossl_pkcs7   pyossl_pkcs7;   /**< a PKCS #7 message */
typedef struct pyossl_pkcs12  pyossl_pkcs12;  /**< a key and its chain in one file */
typedef struct pyossl_spki    pyossl_spki;    /**< a Netscape signed key (SPKAC) */

/** How an object is written down. */
typedef enum pyossl_format {
    PYOSSL_PEM  = 1,    /**< base64 between BEGIN and END lines (RFC 7468) */
    PYOSSL_DER  = 2,    /**< ASN.1 distinguished encoding */
    PYOSSL_TEXT = 65535 /**< for people; cannot be read back */
} pyossl_format;

/** What a callback tells the call that made it. */
typedef enum pyossl_answer {
    PYOSSL_ANSWER_ABORT   = -1, /**< the call returns PYOSSL_E_CALLBACK */
    PYOSSL_ANSWER_DECLINE = 0,  /**< "no", or as if no callback were set */
    PYOSSL_ANSWER_ACCEPT  = 1   /**< "yes" */
} pyossl_answer;

/** Releases a callback's userdata once nobody can call the callback any more. */
typedef void (*pyossl_release_cb)(void *userdata);

/** Bytes made by this library. Start from PYOSSL_BUF_INIT, end with clear. */
typedef struct pyossl_buf {
    unsigned char *data; /**< followed by a NUL that @c len does not count */
    size_t         len;  /**< bytes in @c data */
} pyossl_buf;

/** An empty pyossl_buf. */
#define PYOSSL_BUF_INIT { NULL, 0 }

/** Wipe and release the bytes; the struct is ready for reuse. */
PYOSSL_API void pyossl_buf_clear(pyossl_buf *buf) PYOSSL_NONNULL(1);

/** Certificates made by this library. Start from PYOSSL_X509_LIST_INIT, end with clear. */
typedef struct pyossl_x509_list {
    pyossl_x509 **items; /**< owned by the list */
    size_t        count; /**< certificates in @c items */
} pyossl_x509_list;

/** An empty pyossl_x509_list. */
#define PYOSSL_X509_LIST_INIT { NULL, 0 }

/** Release the certificates and the list; the struct is ready for reuse. */
PYOSSL_API void pyossl_x509_list_clear(pyossl_x509_list *list) PYOSSL_NONNULL(1);

/**
 * Put a passphrase of at most @p cap bytes in @p buf and its length in @p len.
 *
 * @param confirm 1 when something is about to be encrypted, so that a program
 *                which asks a person may ask twice; 0 when reading
 * @return ACCEPT; DECLINE for "there is none"; ABORT to end the call with
 *         PYOSSL_E_CALLBACK. A length over @p cap is PYOSSL_E_CALLBACK too.
 */
typedef pyossl_answer (*pyossl_passphrase_cb)(char *buf, size_t cap, size_t *len, int confirm,
                                              void *userdata);

/** The most bytes a passphrase may have. */
#define PYOSSL_PASSPHRASE_MAX 1024

/**
 * A passphrase, or where to get one. Where a function takes a pointer to this,
 * NULL means that there is none; nothing ever prompts on a terminal.
 */
typedef struct pyossl_passphrase {
    const void          *data;     /**< the bytes; looked at where @c callback is NULL */
    size_t               len;      /**< bytes in @c data */
    pyossl_passphrase_cb callback; /**< asked only if something is encrypted; may be NULL */
    void                *userdata; /**< handed to @c callback */
} pyossl_passphrase;

PYOSSL_END_DECLS

#endif
