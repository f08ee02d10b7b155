/*
 * What is asked of one connection alone.
 *
 * A setter has the present SSL do it, then records it, so that it can be asked
 * again of the SSL that replaces the present one (conn_bind.c).
 */
#include "tls.h"

#include <openssl/tls1.h>

/* ---- having an SSL do it ---- */

static pyossl_status apply_servername(SSL *ssl, const char *name)
{
    if (SSL_set_tlsext_host_name(ssl, name) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

static pyossl_status apply_alpn(SSL *ssl, const unsigned char *protos, size_t len)
{
    if (SSL_set_alpn_protos(ssl, protos, (unsigned)len) != 0) /* 0 is its success */
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

static pyossl_status apply_certificate(SSL *ssl, const pyossl_x509 *cert)
{
    X509 *full = osl_x509_full(cert);

    if (full == NULL)
        return pyossl_error_status(pyossl_error_last());
    if (SSL_use_certificate(ssl, full) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

static pyossl_status apply_pkey(SSL *ssl, const pyossl_pkey *pkey)
{
    if (SSL_use_PrivateKey(ssl, pkey->key) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

static pyossl_status apply_mtu(SSL *ssl, size_t mtu)
{
    if (SSL_set_mtu(ssl, mtu < OSL_DATAGRAM_MAX ? (long)mtu : OSL_DATAGRAM_MAX) <= 0)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "MTU too small");
    SSL_set_options(ssl, SSL_OP_NO_QUERY_MTU); /* else the handshake forgets it */
    return PYOSSL_OK;
}

static pyossl_status apply_ocsp(SSL *ssl)
{
    if (SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

/* The trampoline finds the callback, or none to call. */
static void apply_verify(SSL *ssl, int mode)
{
    SSL_set_verify(ssl, mode, osl_verify_trampoline);
}

static void apply_info(SSL *ssl, const osl_closure *info)
{
    SSL_set_info_callback(ssl, info != NULL ? osl_info_trampoline : NULL);
}

pyossl_status osl_conn_settings_apply(const osl_conn_settings *settings, SSL *ssl)
{
    SSL_set_options(ssl, settings->options);
    SSL_clear_mode(ssl, settings->mode_cleared);
    SSL_set_mode(ssl, settings->mode_set);
    if (settings->verify_set)
        apply_verify(ssl, settings->verify_mode);
    if (settings->info_set)
        apply_info(ssl, settings->info);
    if (settings->servername != NULL)
        OSL_TRY(apply_servername(ssl, settings->servername));
    if (settings->alpn_set)
        OSL_TRY(apply_alpn(ssl, settings->alpn.data, settings->alpn.len));
    if (settings->cert != NULL)
        OSL_TRY(apply_certificate(ssl, settings->cert));
    if (settings->pkey != NULL)
        OSL_TRY(apply_pkey(ssl, settings->pkey));
    if (settings->mtu != 0)
        OSL_TRY(apply_mtu(ssl, settings->mtu));
    if (settings->ocsp)
        OSL_TRY(apply_ocsp(ssl));
    return osl_conn_lists_apply(&settings->lists, ssl);
}

void osl_conn_settings_clear(osl_conn_settings *settings)
{
    OPENSSL_free(settings->servername);
    pyossl_buf_clear(&settings->alpn);
    osl_closure_unref(settings->verify);
    osl_closure_unref(settings->info);
    osl_identity_unref(settings->identity);
    pyossl_x509_unref(settings->cert);
    pyossl_pkey_unref(settings->pkey);
    pyossl_session_unref(settings->session);
    osl_conn_lists_clear(&settings->lists);
    memset(settings, 0, sizeof *settings);
}

/* ---- what the ClientHello says, or depends on ---- */

/*
 * OpenSSL makes the ClientHello, or begins to wait for it, after the information
 * callback was told of SSL_CB_HANDSHAKE_START. Programs wait for that to ask for a host.
 */
pyossl_status osl_conn_prepare_early(pyossl_conn *conn)
{
    if (conn->begun && SSL_in_before(conn->ssl) != 1)
        return osl_fail_text(PYOSSL_E_STATE, "the handshake has begun");
    return osl_conn_follow(conn);
}

/* A name is not to be an address (RFC 6066, section 3). */
static bool is_address(const char *name)
{
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(name);

    ASN1_OCTET_STRING_free(address);
    return address != NULL;
}

pyossl_status pyossl_conn_set_servername(pyossl_conn *conn, const char *name, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && osl_fits(name, name != NULL ? len : 0));
    osl_conn_settings *settings = &conn->settings;
    char *copy = NULL;
    pyossl_status status;

    if (name != NULL && (len > TLSEXT_MAXLEN_host_name || memchr(name, '\0', len) != NULL))
        return osl_given(
            osl_fail_text(PYOSSL_E_ARGUMENT, "not a host name: too long, or with a NUL"), name,
            len);
    OSL_TRY(osl_conn_prepare_early(conn));
    /* The dot that ends an absolute name is not sent (RFC 6066, section 3). */
    if (name != NULL && len > 1 && name[len - 1] == '.')
        len--;
    if (name != NULL && len > 0) {
        copy = osl_memdup(name, len);
        if (copy == NULL)
            return osl_fail_nomem();
    }
    if (copy != NULL && is_address(copy)) {
        OPENSSL_free(copy);
        copy = NULL;
    }
    status = apply_servername(conn->ssl, copy);
    if (status != PYOSSL_OK) {
        OPENSSL_free(copy);
        return status;
    }
    OPENSSL_free(settings->servername);
    settings->servername = copy;
    return PYOSSL_OK;
}

pyossl_status pyossl_conn_set_alpn_protos(pyossl_conn *conn, const unsigned char *protos,
                                          size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && osl_fits(protos, len));
    osl_auto_buf copy = PYOSSL_BUF_INIT;

    OSL_TRY(osl_alpn_check(protos, len));
    OSL_TRY(osl_conn_prepare_early(conn));
    OSL_TRY(osl_buf_set(&copy, protos, len));
    OSL_TRY(apply_alpn(conn->ssl, copy.data, copy.len));
    osl_buf_move(&conn->settings.alpn, &copy);
    conn->settings.alpn_set = true;
    return PYOSSL_OK;
}

/*
 * An SSL that knows half of it is of no use: another takes its place, as it was before. From a
 * callback it cannot; there the failure ends the handshake (osl_judged_as_asked()).
 */
static pyossl_status apply_identity(pyossl_conn *conn, const osl_identity *identity)
{
    const pyossl_status status = osl_identity_apply(identity, conn->ssl);

    if (status != PYOSSL_OK && !conn->busy) {
        conn->hollow = true;
        conn->begun = false;
    }
    return status;
}

/* Takes @identity over. The one that the peer is judged by already is none to set. */
static pyossl_status set_identity(pyossl_conn *conn, osl_identity *identity)
{
    pyossl_status status = PYOSSL_OK;

    if (!conn->begun || !osl_identity_is_same(identity, conn->identity)) {
        status = osl_conn_prepare_early(conn);
        if (status == PYOSSL_OK)
            status = apply_identity(conn, identity);
    }
    if (status != PYOSSL_OK) {
        osl_identity_unref(identity);
        return status;
    }
    osl_identity_unref(conn->identity);
    conn->identity = osl_identity_ref(identity);
    osl_identity_unref(conn->settings.identity);
    conn->settings.identity = identity;
    conn->settings.identity_set = true;
    return PYOSSL_OK;
}

pyossl_status pyossl_conn_set_verify_hostname(pyossl_conn *conn, const char *name, size_t len,
                                              unsigned flags)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && osl_fits(name, name != NULL ? len : 0));
    osl_identity *identity = NULL;
    pyossl_status status = PYOSSL_OK;

    if (name != NULL)
        status = osl_identity_hostname(&identity, name, len, flags);
    if (status == PYOSSL_OK)
        status = set_identity(conn, identity);
    return osl_judged_as_asked(conn, status);
}

pyossl_status pyossl_conn_set_verify_ip(pyossl_conn *conn, const char *address, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && osl_fits(address, address != NULL ? len : 0));
    osl_identity *identity = NULL;
    pyossl_status status = PYOSSL_OK;

    if (address != NULL)
        status = osl_identity_ip(&identity, address, len);
    if (status == PYOSSL_OK)
        status = set_identity(conn, identity);
    return osl_judged_as_asked(conn, status);
}

pyossl_status pyossl_conn_set_session(pyossl_conn *conn, pyossl_session *session)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && session != NULL);

    if (!osl_session_is_of(session, conn->ctx))
        return osl_fail_text(PYOSSL_E_ARGUMENT, "the session was made under another context");
    OSL_TRY(osl_conn_prepare_early(conn));
    /* The beginning of the handshake decides whether it will do: osl_conn_resume(). */
    pyossl_session_ref(session);
    pyossl_session_unref(conn->settings.session);
    conn->settings.session = session;
    return PYOSSL_OK;
}

pyossl_status pyossl_conn_request_ocsp(pyossl_conn *conn)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);

    OSL_TRY(osl_conn_prepare_early(conn));
    OSL_TRY(apply_ocsp(conn->ssl));
    conn->settings.ocsp = true;
    return PYOSSL_OK;
}

/* ---- what may be set at any time ---- */

pyossl_status pyossl_conn_use_certificate(pyossl_conn *conn, pyossl_x509 *cert)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && cert != NULL);

    OSL_TRY(osl_conn_follow(conn));
    OSL_TRY(apply_certificate(conn->ssl, cert));
    pyossl_x509_ref(cert);
    pyossl_x509_unref(conn->settings.cert);
    conn->settings.cert = cert;
    return PYOSSL_OK;
}

pyossl_status pyossl_conn_use_pkey(pyossl_conn *conn, pyossl_pkey *pkey)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && pkey != NULL);

    if (pkey->key == NULL || !pkey->is_private)
        return osl_fail_text(PYOSSL_E_STATE, "no private key");
    OSL_TRY(osl_conn_follow(conn));
    OSL_TRY(apply_pkey(conn->ssl, pkey));
    pyossl_pkey_ref(pkey);
    pyossl_pkey_unref(conn->settings.pkey);
    conn->settings.pkey = pkey;
    return PYOSSL_OK;
}

pyossl_status pyossl_conn_set_options(pyossl_conn *conn, uint64_t options)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);

    OSL_TRY(osl_conn_follow(conn));
    SSL_set_options(conn->ssl, options);
    conn->settings.options |= options;
    return PYOSSL_OK;
}

uint64_t pyossl_conn_options(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    return SSL_get_options(osl_conn_ssl(conn));
}

pyossl_status pyossl_conn_set_mode(pyossl_conn *conn, uint32_t mode)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);

    OSL_TRY(osl_conn_follow(conn));
    osl_conn_cool(conn);
    SSL_set_mode(conn->ssl, mode);
    conn->settings.mode_set |= mode;
    conn->settings.mode_cleared &= ~mode;
    return PYOSSL_OK;
}

pyossl_status pyossl_conn_clear_mode(pyossl_conn *conn, uint32_t mode)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);

    OSL_TRY(osl_conn_follow(conn));
    osl_conn_cool(conn);
    SSL_clear_mode(conn->ssl, mode);
    conn->settings.mode_cleared |= mode;
    conn->settings.mode_set &= ~mode;
    return PYOSSL_OK;
}

uint32_t pyossl_conn_mode(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    /* SSL_get_mode() tells the record layers, and crashes where the SSL is hollow. */
    const uint32_t mode = (uint32_t)SSL_clear_mode(osl_conn_ssl(conn), 0);

    return conn->warm ? mode | SSL_MODE_RELEASE_BUFFERS : mode;
}

pyossl_status pyossl_conn_set_mtu(pyossl_conn *conn, size_t mtu)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);

    if (mtu == 0 || mtu > UINT16_MAX)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "no MTU of a datagram");
    OSL_TRY(osl_conn_follow(conn));
    if (SSL_is_dtls(conn->ssl) != 1)
        return osl_fail_text(PYOSSL_E_STATE, "only DTLS has an MTU");
    OSL_TRY(apply_mtu(conn->ssl, mtu));
    conn->settings.mtu = mtu;
    return PYOSSL_OK;
}

/* ---- callbacks (pyossl/callbacks.h) ---- */

/* A closure in @out, or NULL without a callback. */
static pyossl_status make_closure(osl_closure **out, osl_function call, void *userdata,
                                  pyossl_release_cb release)
{
    *out = NULL;
    if (call == NULL)
        return PYOSSL_OK;
    *out = osl_closure_new(call, userdata, release);
    return *out != NULL ? PYOSSL_OK : PYOSSL_E_NOMEM;
}

/* Put a closure in its place. Last of all, as releasing the one before may come back here. */
static void replace(osl_closure **place, osl_closure *closure)
{
    osl_closure *old = *place;

    *place = closure;
    osl_closure_unref(old);
}

/* Without a callback nobody will ever need the userdata. */
static void release_unused(osl_function call, void *userdata, pyossl_release_cb release)
{
    if (call == NULL && release != NULL)
        release(userdata);
}

/* The closure in force, which lives, and with it what its userdata points to. */
static bool is_same(const osl_closure *closure, const osl_closure *other)
{
    if (closure == NULL || other == NULL)
        return closure == other;
    if (closure->call != other->call || closure->judge != other->judge)
        return false;
    return closure->judge != 0 ||
           (closure->userdata == other->userdata && closure->release == other->release);
}

/* Takes @verify over on success. */
static pyossl_status change_verify(pyossl_conn *conn, int mode, osl_closure *verify)
{
    osl_conn_settings *settings = &conn->settings;
    const bool same = SSL_get_verify_mode(conn->ssl) == mode && is_same(verify, conn->verify);

    if (!same)
        OSL_TRY(osl_scope_may_change(conn, mode));
    if (same && verify != NULL)
        verify->serial = conn->verify->serial;
    apply_verify(conn->ssl, mode);
    settings->verify_mode = mode;
    settings->verify_set = true;
    replace(&conn->verify, osl_closure_ref(verify));
    replace(&settings->verify, verify);
    if (!same)
        osl_scope_changed(conn);
    return PYOSSL_OK;
}

static pyossl_status set_verify(pyossl_conn *conn, int mode, osl_function call, void *userdata,
                                pyossl_release_cb release, uint64_t judge)
{
    osl_closure *verify;
    pyossl_status status;

    OSL_TRY(osl_verify_mode_check(mode));
    OSL_TRY(osl_conn_follow(conn));
    OSL_TRY(make_closure(&verify, call, userdata, release));
    if (verify != NULL)
        verify->judge = judge;
    status = change_verify(conn, mode, verify);
    if (status != PYOSSL_OK && verify != NULL) {
        verify->release = NULL; /* the userdata is still the caller's */
        osl_closure_unref(verify);
    }
    if (status == PYOSSL_OK)
        release_unused(call, userdata, release);
    return status;
}

pyossl_status pyossl_conn_set_verify(pyossl_conn *conn, int mode, pyossl_verify_cb callback,
                                     void *userdata, pyossl_release_cb release)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);
    return osl_judged_as_asked(
        conn, set_verify(conn, mode, (osl_function)callback, userdata, release, 0));
}

pyossl_status pyossl_conn_set_verify_judge(pyossl_conn *conn, int mode, pyossl_verify_cb callback,
                                           void *userdata, pyossl_release_cb release,
                                           uint64_t judge)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);
    return osl_judged_as_asked(
        conn, set_verify(conn, mode, (osl_function)callback, userdata, release, judge));
}

pyossl_status pyossl_conn_set_info(pyossl_conn *conn, pyossl_info_cb callback, void *userdata,
                                   pyossl_release_cb release)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);
    osl_conn_settings *settings = &conn->settings;
    osl_closure *info;

    OSL_TRY(osl_conn_follow(conn));
    OSL_TRY(make_closure(&info, (osl_function)callback, userdata, release));
    apply_info(conn->ssl, info);
    settings->info_set = true;
    replace(&settings->info, info);
    release_unused((osl_function)callback, userdata, release);
    return PYOSSL_OK;
}
