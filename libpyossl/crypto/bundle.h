/* Files of trusted certificates, read once for the process: see bundle.c. */
#ifndef OSL_BUNDLE_H
#define OSL_BUNDLE_H

#include "crypto.h"

typedef struct osl_bundle osl_bundle;

/*
 * The index of the PEM file @path, with a reference of the caller's: the one in
 * use, if the file has not changed since. NULL where the file cannot be indexed,
 * for whatever reason: then it is to be loaded as a whole, which says why.
 */
osl_bundle *osl_bundle_open(const char *path);
bool osl_bundle_ref(osl_bundle *bundle);    /* false where locks fail */
void osl_bundle_unref(osl_bundle *bundle); /* NULL is allowed */

size_t osl_bundle_count(const osl_bundle *bundle);
/* The subject of certificate @index, borrowed. NULL without memory. */
const X509_NAME *osl_bundle_subject(osl_bundle *bundle, size_t index);
/* A new object for certificate @index, in library context @home. NULL without memory. */
X509 *osl_bundle_parse(const osl_bundle *bundle, size_t index, OSSL_LIB_CTX *home);

/*
 * The SHA-256 of each certificate, *count of them, in order and each once, and behind them that
 * of all of these. Borrowed; made when first asked for. NULL without memory.
 */
const unsigned char *osl_bundle_digests(osl_bundle *bundle, const EVP_MD *md, size_t *count);

/* ---- trust.c ---- */

/* As osl_trust_cert(): all that @bundle holds. */
bool osl_trust_bundle(X509_STORE *store, osl_bundle *bundle) PYOSSL_MUST_CHECK;
/* Sort @digests, leave each in once, and digest what is left. */
bool osl_trust_set_digest(const EVP_MD *md, unsigned char *digests, size_t *count,
                          unsigned char *out) PYOSSL_MUST_CHECK;

/* ---- plain.c: the shape that everybody's files have ---- */

/*
 * Decode the next block of certificates-only PEM from *at on, to @out + *used.
 * False at the end (then *at is the length of the text) and where anything but
 * comment lines, CERTIFICATE blocks and 64 columns is met.
 */
bool osl_plain_pem_next(const pyossl_buf *text, size_t *at, unsigned char *out, size_t *used);

/*
 * Whether @der is a certificate of the usual shape, which d2i_X509() is known to
 * accept; where it is not usual, d2i_X509() is asked. @subject is where it stands.
 */
bool osl_plain_certificate(const osl_der *der, osl_der *subject);

#endif
