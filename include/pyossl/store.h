/**
 * @file pyossl/store.h
 * Trusted certificates, and judging chains by them (RFC 5280, section 6).
 *
 * @par Threads
 * A store may be added to, changed and used for verification from several
 * threads at once, that of a context also while connections shake hands.
 * What it asks of a chain is taken down for each judgement when that begins.
 */
#ifndef PYOSSL_STORE_H
#define PYOSSL_STORE_H

#include "pyossl/export.h"
#include "pyossl/status.h"
#include "pyossl/types.h"

PYOSSL_BEGIN_DECLS

/** What to check; combine with |. The numbers are OpenSSL's X509_V_FLAG_*. */
typedef enum pyossl_store_flags {
    PYOSSL_STORE_CRL_CHECK           = 0x4,      /**< the certificate's revocation */
    PYOSSL_STORE_CRL_CHECK_ALL       = 0x8,      /**< that of the whole chain */
    PYOSSL_STORE_IGNORE_CRITICAL     = 0x10,     /**< unknown critical extensions pass */
    PYOSSL_STORE_X509_STRICT         = 0x20,     /**< no leniency for broken certificates */
    PYOSSL_STORE_ALLOW_PROXY_CERTS   = 0x40,     /**< proxy certificates (RFC 3820) */
    PYOSSL_STORE_POLICY_CHECK        = 0x80,     /**< certificate policies */
    PYOSSL_STORE_EXPLICIT_POLICY     = 0x100,    /**< a policy is required */
    PYOSSL_STORE_INHIBIT_ANY         = 0x200,    /**< anyPolicy does not count */
    PYOSSL_STORE_INHIBIT_MAP         = 0x400,    /**< no policy mapping */
    PYOSSL_STORE_NOTIFY_POLICY       = 0x800,    /**< tell the callback about policies */
    PYOSSL_STORE_EXTENDED_CRL        = 0x1000,   /**< indirect lists, other signers */
    PYOSSL_STORE_USE_DELTAS          = 0x2000,   /**< delta revocation lists */
    PYOSSL_STORE_CHECK_SS_SIGNATURE  = 0x4000,   /**< the root's own signature too */
    PYOSSL_STORE_TRUSTED_FIRST       = 0x8000,   /**< look in the store first */
    PYOSSL_STORE_PARTIAL_CHAIN       = 0x80000,  /**< any certificate of the store ends a chain */
    PYOSSL_STORE_NO_CHECK_TIME       = 0x200000  /**< dates do not matter */
} pyossl_store_flags;

/** A store that trusts nobody. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_store_new(pyossl_store **out) PYOSSL_NONNULL(1);

/** One more owner; returns @p store. */
PYOSSL_API pyossl_store *pyossl_store_ref(pyossl_store *store) PYOSSL_NONNULL(1);

/** One owner less; NULL is allowed. */
PYOSSL_API void pyossl_store_unref(pyossl_store *store);

/** Trust @p cert. Adding one twice is no error. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_store_add_cert(pyossl_store *store, pyossl_x509 *cert) PYOSSL_NONNULL(1, 2);

/** Let @p crl speak about revocation. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_store_add_crl(pyossl_store *store, pyossl_crl *crl) PYOSSL_NONNULL(1, 2);

/**
 * Trust the certificates of a PEM file, of a directory made by openssl-rehash(1), or both.
 *
 * The directory is looked into when a chain asks; that it is not there is no error.
 *
 * @param file may be NULL
 * @param dir  may be NULL; more than one with ":" between them (";" on Windows)
 * @retval PYOSSL_E_ARGUMENT both are NULL, or @p dir is empty
 * @retval PYOSSL_E_SYSTEM, PYOSSL_E_FORMAT, PYOSSL_E_OPENSSL the file cannot be read
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_store_load_locations(pyossl_store *store, const char *file, const char *dir)
    PYOSSL_NONNULL(1);

/** Add to what is checked: PYOSSL_STORE_CRL_CHECK and so on. Flags are never cleared. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_store_set_flags(pyossl_store *store, unsigned long flags) PYOSSL_NONNULL(1);

/** The flags in force. */
PYOSSL_API unsigned long pyossl_store_get_flags(const pyossl_store *store) PYOSSL_NONNULL(1);

/** Judge as of @p when, in seconds since 1970, from here on. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_store_set_time(pyossl_store *store, int64_t when) PYOSSL_NONNULL(1);

/** How many certificates a chain may have between the leaf and the root; -1 for OpenSSL's limit. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_store_set_depth(pyossl_store *store, int depth) PYOSSL_NONNULL(1);

/** What the certificates must be good for: "sslserver", "sslclient", "smimesign", "crlsign", … */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_store_set_purpose(pyossl_store *store, const char *purpose)
    PYOSSL_NONNULL(1, 2);

/** Accept the certificate policy with dotted number @p oid; needs PYOSSL_STORE_POLICY_CHECK. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_store_add_policy(pyossl_store *store, const char *oid) PYOSSL_NONNULL(1, 2);

/** Copies of the certificates held now; those of a directory are not, until a chain asked. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_store_certs(const pyossl_store *store, pyossl_x509_list *out)
    PYOSSL_NONNULL(1, 2);

/** What pyossl_store_verify() found. Start from PYOSSL_VERDICT_INIT, end with clear. */
typedef struct pyossl_verdict {
    size_t           size;  /**< sizeof(pyossl_verdict), so that the struct can grow */
    int              error; /**< X509_V_ERR_ number; 0 where the chain is good */
    int              depth; /**< where: 0 for the certificate itself */
    const char      *text;  /**< OpenSSL's text for @c error; never freed */
    pyossl_x509     *cert;  /**< which certificate, owned; NULL where the chain is good */
    pyossl_x509_list chain; /**< leaf first, root last, owned; empty where it is not good */
} pyossl_verdict;

/** An empty pyossl_verdict. */
#define PYOSSL_VERDICT_INIT { sizeof(pyossl_verdict), 0, 0, "", NULL, PYOSSL_X509_LIST_INIT }

/** Release what the verdict owns; the struct is ready for reuse. */
PYOSSL_API void pyossl_verdict_clear(pyossl_verdict *verdict) PYOSSL_NONNULL(1);

/**
 * Build a chain from @p cert to a trusted certificate, and judge it.
 *
 * @param untrusted  certificates that may help to build it, but are not trusted
 * @param[out] verdict written on PYOSSL_OK and on PYOSSL_E_VERIFY
 * @retval PYOSSL_E_VERIFY the chain is not good
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_store_verify(pyossl_store *store, pyossl_x509 *cert,
                                  pyossl_x509 *const *untrusted, size_t count,
                                  pyossl_verdict *verdict) PYOSSL_NONNULL(1, 2, 5);

PYOSSL_END_DECLS

#endif
