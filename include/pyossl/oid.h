/**
 * @file pyossl/oid.h
 * Object identifiers (X.660), by OpenSSL's numbers for them ("NIDs") and its names.
 */
#ifndef PYOSSL_OID_H
#define PYOSSL_OID_H

#include "pyossl/export.h"
#include "pyossl/status.h"
#include "pyossl/types.h"

PYOSSL_BEGIN_DECLS

/** The number of what is called @p text, short or long or dotted ("CN", "2.5.4.3"); 0 for none. */
PYOSSL_API int pyossl_oid_nid(const char *text) PYOSSL_NONNULL(1);

/** The short name of number @p nid, such as "CN", which is never freed; NULL for none. */
PYOSSL_API const char *pyossl_oid_short_name(int nid);

/** The long name of number @p nid, such as "commonName", which is never freed; NULL for none. */
PYOSSL_API const char *pyossl_oid_long_name(int nid);

/** The dotted number of @p nid, such as "2.5.4.3"; PYOSSL_E_NOT_FOUND for none. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_oid_text(int nid, pyossl_buf *out) PYOSSL_NONNULL(2);

/**
 * Give @p dotted names that all of OpenSSL knows in this process from here on.
 *
 * @param nid gets its number
 * @retval PYOSSL_E_ARGUMENT it is no dotted number, or it or a name of it is taken
 * @par Threads
 * Before OpenSSL 3.1 only while no other thread uses OpenSSL: it does not lock its table.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_oid_create(const char *dotted, const char *short_name, const char *long_name,
                                int *nid) PYOSSL_NONNULL(1, 2, 3, 4);

PYOSSL_END_DECLS

#endif
