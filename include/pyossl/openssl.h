/**
 * @file pyossl/openssl.h
 * From this library's handles to OpenSSL's pointers and back: opt-in.
 *
 * The only public header that includes OpenSSL's. What it gives is as stable as
 * OpenSSL itself. A pointer that is returned is borrowed from the handle; do
 * not change what it points to while the handle is shared. The functions that
 * make handles take a reference of their own.
 */
#ifndef PYOSSL_OPENSSL_H
#define PYOSSL_OPENSSL_H

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "pyossl/export.h"
#include "pyossl/status.h"
#include "pyossl/types.h"

PYOSSL_BEGIN_DECLS

/** The certificate, borrowed; NULL out of memory. */
PYOSSL_API X509 *pyossl_openssl_x509(pyossl_x509 *cert) PYOSSL_NONNULL(1);

/** A handle for @p x509, which from here on is shared. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_openssl_wrap_x509(pyossl_x509 **out, X509 *x509) PYOSSL_NONNULL(1, 2);

/** The key, borrowed. */
PYOSSL_API EVP_PKEY *pyossl_openssl_pkey(pyossl_pkey *pkey) PYOSSL_NONNULL(1);

/**
 * A handle for @p pkey, which from here on is shared. A key that another provider, an engine or a
 * method of the program's keeps, as a token's, counts as private even where it shows no private
 * half: what cannot sign fails when it is asked to.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_openssl_wrap_pkey(pyossl_pkey **out, EVP_PKEY *pkey) PYOSSL_NONNULL(1, 2);

/**
 * The context in force for new connections; release it with SSL_CTX_free(). NULL
 * out of memory. From here on it is in OpenSSL's default library context
 * (pyossl_slim_allow()).
 *
 * What you set in it stays: later calls of pyossl_ctx_…() change this very SSL_CTX
 * as long as no connection has been made of it, and answer PYOSSL_E_IN_USE from then
 * on, as OpenSSL does not let a used one be changed and what you set cannot be
 * carried over to another. So set all that is to be set before the first connection,
 * and do not change it while connections use it. A change that has no memory half way
 * (an identity, say) ends the context: everything on it answers PYOSSL_E_STATE then.
 *
 * Its X509_STORE holds everything that was loaded, as if OpenSSL had loaded it; to have
 * that, files that were indexed are decoded here, which may take some milliseconds.
 *
 * What pyossl_store_set_…() and pyossl_store_add_policy() ask of chains is not in the
 * parameters of the X509_STORE, which libssl reads without a lock. It is asked beside
 * those, and counts for more, wherever a chain is judged for an SSL of this SSL_CTX;
 * but not where SSL_CTX_set_cert_verify_callback() puts another judge there.
 */
PYOSSL_API SSL_CTX *pyossl_openssl_ctx(pyossl_ctx *ctx) PYOSSL_NONNULL(1);

/**
 * The connection, borrowed. A change of its context before the handshake replaces
 * it. Asked for before the handshake, it is in OpenSSL's default library context
 * from here on, as its context is. Later, certificates of the peer in it may be in
 * another: pass their DER on to decode them where you need them. Its X509_STORE holds
 * everything that was loaded, as pyossl_openssl_ctx() says. NULL out of memory.
 */
PYOSSL_API SSL *pyossl_openssl_conn(pyossl_conn *conn) PYOSSL_NONNULL(1);

PYOSSL_END_DECLS

#endif
