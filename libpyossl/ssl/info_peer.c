/* Facts about the two ends of a connection: their certificates, and who vouches for them. */
#include "ctx_change.h"

static pyossl_status fail_none(const char *reason)
{
    return osl_fail_text(PYOSSL_E_NOT_FOUND, reason);
}

pyossl_status pyossl_conn_peer_certificate(const pyossl_conn *conn, pyossl_x509 **out)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && out != NULL);
    X509 *cert = SSL_get1_peer_certificate(osl_conn_ssl(conn));

    if (cert == NULL)
        return fail_none("the peer has sent no certificate");
    return osl_x509_wrap_apart(out, cert);
}

static pyossl_status wrap_chain(pyossl_x509_list *out, STACK_OF(X509) *chain)
{
    if (chain == NULL || sk_X509_num(chain) <= 0)
        return fail_none("there is no chain");
    return osl_x509_wrap_stack_apart(out, chain);
}

pyossl_status pyossl_conn_peer_chain(const pyossl_conn *conn, pyossl_x509_list *out)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && out != NULL);
    return wrap_chain(out, SSL_get_peer_cert_chain(osl_conn_ssl(conn)));
}

pyossl_status pyossl_conn_verified_chain(const pyossl_conn *conn, pyossl_x509_list *out)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && out != NULL);
    return wrap_chain(out, SSL_get0_verified_chain(osl_conn_ssl(conn)));
}

long pyossl_conn_verify_result(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    return SSL_get_verify_result(osl_conn_ssl(conn));
}

int pyossl_conn_verify_mode(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    return SSL_get_verify_mode(osl_conn_ssl(conn));
}

pyossl_status pyossl_conn_certificate(const pyossl_conn *conn, pyossl_x509 **out)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && out != NULL);
    X509 *cert = SSL_get_certificate(osl_conn_ssl(conn));

    if (cert == NULL)
        return fail_none("there is no certificate");
    if (X509_up_ref(cert) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_x509_wrap(out, cert);
}

/*
 * What a server welcomes is its context's list, of which it shows the present
 * one even when the handshake went by another; what a client knows is what the
 * server sent. After this the context must be let go of by client_cas_end().
 */
static const STACK_OF(X509_NAME) *client_cas_begin(const pyossl_conn *conn)
{
    if (conn->role == PYOSSL_CLIENT)
        return SSL_get0_peer_CA_list(osl_conn_ssl(conn));
    return SSL_CTX_get_client_CA_list(osl_ctx_read_begin(conn->ctx)->ssl_ctx);
}

static void client_cas_end(const pyossl_conn *conn)
{
    if (conn->role != PYOSSL_CLIENT)
        osl_ctx_read_end(conn->ctx);
}

size_t pyossl_conn_client_ca_count(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    const STACK_OF(X509_NAME) *names = client_cas_begin(conn);
    const int count = names != NULL ? sk_X509_NAME_num(names) : 0;

    client_cas_end(conn);
    return count > 0 ? (size_t)count : 0;
}

static pyossl_status copy_name(const STACK_OF(X509_NAME) *names, size_t index, pyossl_name **out)
{
    if (names == NULL || index >= (size_t)sk_X509_NAME_num(names))
        return fail_none("there is no such name");
    return osl_name_wrap_copy(out, sk_X509_NAME_value(names, (int)index));
}

pyossl_status pyossl_conn_client_ca_at(const pyossl_conn *conn, size_t index, pyossl_name **out)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && out != NULL);
    const pyossl_status status = copy_name(client_cas_begin(conn), index, out);

    client_cas_end(conn);
    return status;
}

/* A copy of a public key in the default library context. NULL and recorded. */
static EVP_PKEY *copy_to_default(EVP_PKEY *key)
{
    osl_auto(EVP_PKEY_CTX) *ctx =
        EVP_PKEY_CTX_new_from_name(NULL, EVP_PKEY_get0_type_name(key), NULL);
    OSSL_PARAM *parts = NULL;
    EVP_PKEY *copy = NULL;

    if (ctx == NULL || EVP_PKEY_todata(key, EVP_PKEY_PUBLIC_KEY, &parts) != 1 ||
        EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &copy, EVP_PKEY_PUBLIC_KEY, parts) != 1) {
        (void)!osl_fail(PYOSSL_E_OPENSSL);
        copy = NULL;
    }
    OSSL_PARAM_free(parts);
    return copy;
}

pyossl_status pyossl_conn_peer_tmp_key(const pyossl_conn *conn, pyossl_pkey **out)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && out != NULL);
    EVP_PKEY *key = NULL;

    if (SSL_get_peer_tmp_key(osl_conn_ssl(conn), &key) != 1 || key == NULL)
        return fail_none("there is no temporary key");
    if (conn->slim) {
        osl_auto(EVP_PKEY) *held = key;

        key = copy_to_default(held);
        if (key == NULL)
            return osl_recorded();
    }
    return osl_pkey_wrap(out, key, false);
}
