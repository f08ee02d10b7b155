/*
 * Why a connection was refused, in words.
 *
 * OpenSSL's "certificate verify failed" does not say which certificate, and "uninitialized"
 * not what to do. The reason stays OpenSSL's, as programs look for it; the rest is the
 * entry's detail.
 */
#include "tls.h"

#include <stdio.h>

#include <openssl/sslerr.h>

void osl_refusal_note(pyossl_conn *conn, X509_STORE_CTX *store_ctx)
{
    const X509 *cert = X509_STORE_CTX_get_current_cert(store_ctx);
    osl_refusal *refusal = &conn->refusal;
    char subject[OSL_ERROR_DETAIL_MAX] = "";

    if (SSL_get_verify_mode(conn->ssl) == SSL_VERIFY_NONE)
        return; /* it refuses nothing */
    refusal->error = X509_STORE_CTX_get_error(store_ctx);
    refusal->depth = X509_STORE_CTX_get_error_depth(store_ctx);
    OPENSSL_free(refusal->subject);
    if (cert != NULL)
        (void)!X509_NAME_oneline(X509_get_subject_name(cert), subject, sizeof subject);
    refusal->subject = osl_strdup(subject); /* without memory there is one word less */
}

void osl_refusal_clear(osl_refusal *refusal)
{
    OPENSSL_free(refusal->subject);
    memset(refusal, 0, sizeof *refusal);
}

/* Behind what is in @text, as far as there is room. */
static void add(char *text, size_t size, const char *label, const char *words)
{
    const size_t len = strlen(text);

    snprintf(text + len, size - len, "%s%s", label, words);
}

/* The name or the address that the certificate had to be for. */
static void add_wanted(char *text, size_t size, const osl_identity *identity)
{
    char address[sizeof "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"];

    if (identity == NULL)
        return;
    if (identity->hostname != NULL) {
        add(text, size, ", wanted: ", identity->hostname);
    } else if (identity->ip_len > 0) {
        osl_identity_address(identity, address, sizeof address);
        add(text, size, ", wanted: ", address);
    }
}

static void explain_chain(const pyossl_conn *conn)
{
    const osl_refusal *refusal = &conn->refusal;
    const long result = SSL_get_verify_result(conn->ssl);
    char text[OSL_ERROR_DETAIL_MAX];

    snprintf(text, sizeof text, "%s (error %ld", X509_verify_cert_error_string(result), result);
    if (refusal->error == result)
        snprintf(text + strlen(text), sizeof text - strlen(text), ", depth %d", refusal->depth);
    add(text, sizeof text, ")", "");
    add_wanted(text, sizeof text, conn->identity);
    /* Last, as it may be as long as the peer likes. */
    if (refusal->error == result && refusal->subject != NULL)
        add(text, sizeof text, ", subject: ", refusal->subject);
    osl_error_explain(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED, text);
}

/* What a server with no shared cipher was not given; NULL where it has both. */
static const char *missing_for_server(SSL *ssl)
{
    const bool cert = SSL_get_certificate(ssl) != NULL, key = SSL_get_privatekey(ssl) != NULL;

    if (cert && key)
        return NULL;
    return cert ? "no private key is set" : key ? "no certificate is set"
                                                : "no certificate and key are set";
}

void osl_refusal_explain(const pyossl_conn *conn)
{
    static const char no_side[] = "neither client nor server: call set_connect_state() or "
                                  "set_accept_state() first, in C pyossl_conn_set_role()";
    static const char no_tls[] = "what the peer sent is not TLS: it speaks another protocol here, "
                                 "such as plain HTTP";

    if (conn->role == 0) {
        osl_error_explain(ERR_LIB_SSL, SSL_R_UNINITIALIZED, no_side);
        osl_error_explain(ERR_LIB_SSL, SSL_R_CONNECTION_TYPE_NOT_SET, no_side);
    }
    if (SSL_in_init(conn->ssl) == 1) {
        osl_error_explain(ERR_LIB_SSL, SSL_R_WRONG_VERSION_NUMBER, no_tls);
        osl_error_explain(ERR_LIB_SSL, SSL_R_HTTP_REQUEST, no_tls);
    }
    if (SSL_is_server(conn->ssl) == 1 && missing_for_server(conn->ssl) != NULL)
        osl_error_explain(ERR_LIB_SSL, SSL_R_NO_SHARED_CIPHER, missing_for_server(conn->ssl));
    if (pyossl_error_status(pyossl_error_last()) == PYOSSL_E_VERIFY)
        explain_chain(conn);
}
