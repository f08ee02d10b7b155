/**
 * @file pyossl/name.h
 * Distinguished names (RFC 5280, section 4.1.2.4).
 *
 * A name stands alone, or is a live view of a certificate's, a request's or a
 * revocation list's: then writing to it changes that object. A view keeps its
 * owner alive, and answers PYOSSL_E_STATE once the owner has been given another
 * name in its place.
 *
 * Fields are named as OpenSSL names them, short or long, or by dotted number:
 * "CN", "commonName" and "2.5.4.3" are the same field.
 * @par Threads
 * Reading is safe from any thread; writing while nobody else uses the name or
 * its owner.
 */
#ifndef PYOSSL_NAME_H
#define PYOSSL_NAME_H

#include "pyossl/export.h"
#include "pyossl/status.h"
#include "pyossl/types.h"

PYOSSL_BEGIN_DECLS

/** A name without entries. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_name_new(pyossl_name **out) PYOSSL_NONNULL(1);

/** A copy that stands alone. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_name_copy(pyossl_name **out, const pyossl_name *name) PYOSSL_NONNULL(1, 2);

/** Decode a DER name. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_name_load(pyossl_name **out, const void *der, size_t len) PYOSSL_NONNULL(1);

/** One more owner; returns @p name. */
PYOSSL_API pyossl_name *pyossl_name_ref(pyossl_name *name) PYOSSL_NONNULL(1);

/** One owner less; NULL is allowed. */
PYOSSL_API void pyossl_name_unref(pyossl_name *name);

/** 1 if OpenSSL knows a field called @p field, else 0. */
PYOSSL_API int pyossl_name_field_known(const char *field) PYOSSL_NONNULL(1);

/**
 * The first entry called @p field, as UTF-8.
 *
 * @retval PYOSSL_E_ARGUMENT  there is no such field
 * @retval PYOSSL_E_NOT_FOUND the name has no such entry
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_name_get(const pyossl_name *name, const char *field, pyossl_buf *out)
    PYOSSL_NONNULL(1, 2, 3);

/**
 * The same without a copy where none is needed.
 *
 * @param room gets the text if it has to be made, as for names in old alphabets; release it
 * @param utf8 gets the text: borrowed until @p room, the name, or the owner of a live view changes
 * @retval PYOSSL_E_ARGUMENT  there is no such field
 * @retval PYOSSL_E_NOT_FOUND the name has no such entry
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_name_text(const pyossl_name *name, const char *field, pyossl_buf *room,
                               const char **utf8, size_t *len) PYOSSL_NONNULL(1, 2, 3, 4, 5);

/**
 * Replace the first entry called @p field, or add one; it becomes the last entry.
 *
 * @param utf8 the value, which OpenSSL checks for the field's length and alphabet
 * @retval PYOSSL_E_ARGUMENT there is no such field
 * @retval PYOSSL_E_OPENSSL  the value is not acceptable; the name is as it was
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_name_set(pyossl_name *name, const char *field, const void *utf8, size_t len)
    PYOSSL_NONNULL(1, 2);

/** Add an entry at the end, whatever is there already. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_name_add(pyossl_name *name, const char *field, const void *utf8, size_t len)
    PYOSSL_NONNULL(1, 2);

/** How many entries there are; 0 for a view whose owner has moved on. */
PYOSSL_API size_t pyossl_name_count(const pyossl_name *name) PYOSSL_NONNULL(1);

/** One entry of a name, borrowed until the name, or the owner of a live view, changes. */
typedef struct pyossl_name_entry {
    const char          *field; /**< the short name, "UNDEF" where there is none */
    const unsigned char *value; /**< the string as it stands in the DER */
    size_t               len;   /**< bytes in @c value */
    int                  tag;   /**< its ASN.1 type, e.g. 12 for UTF8String */
} pyossl_name_entry;

/** Entry @p index; PYOSSL_E_NOT_FOUND past the end. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_name_entry_at(const pyossl_name *name, size_t index, pyossl_name_entry *out)
    PYOSSL_NONNULL(1, 3);

/** Compare as RFC 5280 says, ignoring case and blanks: negative, 0 or positive. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_name_compare(const pyossl_name *a, const pyossl_name *b, int *order)
    PYOSSL_NONNULL(1, 2, 3);

/** The hash that names files in a certificate directory (openssl-rehash(1)). */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_name_hash(const pyossl_name *name, unsigned long *out) PYOSSL_NONNULL(1, 2);

/** The name as DER. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_name_dump(const pyossl_name *name, pyossl_buf *out) PYOSSL_NONNULL(1, 2);

/** The name on one line, "/C=SE/CN=host"; other bytes than ASCII as \\xNN. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_name_oneline(const pyossl_name *name, pyossl_buf *out) PYOSSL_NONNULL(1, 2);

PYOSSL_END_DECLS

#endif
