/* What a context says about the protocol: versions, ciphers, groups, options, sessions. */
#include "ctx_change.h"

#include <stdio.h>

#include <openssl/decoder.h>
#include <openssl/pem.h>

/* ---- options and modes: words of bits ---- */

/* Bits set and cleared before count on, unless they are the very ones of now. */
static pyossl_status merge_bits(osl_setting *setting, const osl_setting *before)
{
    const uint64_t set = setting->set, cleared = setting->cleared;

    setting->set = (before->set & ~cleared) | set;
    setting->cleared = (before->cleared & ~set) | cleared;
    return PYOSSL_OK;
}

static pyossl_status change_bits(pyossl_ctx *ctx, osl_setting_kind kind, osl_apply apply,
                                 uint64_t set, uint64_t cleared)
{
    osl_setting *setting = osl_setting_new(kind, apply);

    if (setting == NULL)
        return PYOSSL_E_NOMEM;
    setting->set = set;
    setting->cleared = cleared;
    setting->merge = merge_bits;
    return osl_ctx_change(ctx, setting);
}

static pyossl_status apply_options(osl_generation *generation, const osl_setting *setting)
{
    SSL_CTX_clear_options(generation->ssl_ctx, setting->cleared);
    SSL_CTX_set_options(generation->ssl_ctx, setting->set);
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_options(pyossl_ctx *ctx, uint64_t options)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return change_bits(ctx, OSL_SET_OPTIONS, apply_options, options, 0);
}

pyossl_status pyossl_ctx_clear_options(pyossl_ctx *ctx, uint64_t options)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return change_bits(ctx, OSL_SET_OPTIONS, apply_options, 0, options);
}

uint64_t pyossl_ctx_options(const pyossl_ctx *ctx)
{
    OSL_NEED_OR(0, ctx != NULL);
    const uint64_t options = SSL_CTX_get_options(osl_ctx_read_begin(ctx)->ssl_ctx);

    osl_ctx_read_end(ctx);
    return options;
}

static pyossl_status apply_mode(osl_generation *generation, const osl_setting *setting)
{
    SSL_CTX_clear_mode(generation->ssl_ctx, (long)setting->cleared);
    SSL_CTX_set_mode(generation->ssl_ctx, (long)setting->set);
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_mode(pyossl_ctx *ctx, uint32_t mode)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return change_bits(ctx, OSL_SET_MODE, apply_mode, mode, 0);
}

pyossl_status pyossl_ctx_clear_mode(pyossl_ctx *ctx, uint32_t mode)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return change_bits(ctx, OSL_SET_MODE, apply_mode, 0, mode);
}

uint32_t pyossl_ctx_mode(const pyossl_ctx *ctx)
{
    OSL_NEED_OR(0, ctx != NULL);
    SSL_CTX *ssl_ctx = osl_ctx_read_begin(ctx)->ssl_ctx;
    const osl_setting *asked = osl_ctx_find(ctx, OSL_SET_MODE, 0);
    uint32_t mode = (uint32_t)SSL_CTX_get_mode(ssl_ctx);

    /* That idle connections hold no buffers is our own affair until somebody asks for it. */
    if (asked == NULL || (asked->set & SSL_MODE_RELEASE_BUFFERS) == 0)
        mode &= ~(uint32_t)SSL_MODE_RELEASE_BUFFERS;
    osl_ctx_read_end(ctx);
    return mode;
}

/* ---- versions ---- */

/* A version that exists, but not here or not for this method; or a number that is none. */
static pyossl_status refuse_version(int64_t number)
{
    static const int versions[] = {
        SSL3_VERSION,   TLS1_VERSION,  TLS1_1_VERSION, TLS1_2_VERSION,
        TLS1_3_VERSION, DTLS1_BAD_VER, DTLS1_VERSION,  DTLS1_2_VERSION
    };

    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++)
        if (number == versions[i])
            return osl_fail_number(PYOSSL_E_UNSUPPORTED, "unsupported protocol version", number);
    return osl_fail_number(PYOSSL_E_ARGUMENT, "no protocol version has this number", number);
}

static pyossl_status apply_min_version(osl_generation *generation, const osl_setting *setting)
{
    if (SSL_CTX_set_min_proto_version(generation->ssl_ctx, (int)setting->number) != 1)
        return refuse_version(setting->number);
    return PYOSSL_OK;
}

static pyossl_status apply_max_version(osl_generation *generation, const osl_setting *setting)
{
    if (SSL_CTX_set_max_proto_version(generation->ssl_ctx, (int)setting->number) != 1)
        return refuse_version(setting->number);
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_min_version(pyossl_ctx *ctx, int version)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return osl_ctx_change_number(ctx, OSL_SET_MIN_VERSION, apply_min_version, version);
}

pyossl_status pyossl_ctx_set_max_version(pyossl_ctx *ctx, int version)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return osl_ctx_change_number(ctx, OSL_SET_MAX_VERSION, apply_max_version, version);
}

/* ---- ciphers and groups ---- */

/*
 * OpenSSL replaces the list before it finds that nothing in it is for TLS 1.2,
 * and sets a security level on its way. So a connection that nobody uses has to
 * take the list first.
 */
static pyossl_status apply_cipher_list(osl_generation *generation, const osl_setting *setting)
{
    osl_auto(SSL) *probe = SSL_new(generation->ssl_ctx);
    const int level = SSL_CTX_get_security_level(generation->ssl_ctx);

    if (probe == NULL || SSL_set_cipher_list(probe, setting->data) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    if (SSL_CTX_set_cipher_list(generation->ssl_ctx, setting->data) != 1) {
        SSL_CTX_set_security_level(generation->ssl_ctx, level);
        return osl_fail(PYOSSL_E_OPENSSL);
    }
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_cipher_list(pyossl_ctx *ctx, const char *ciphers)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && ciphers != NULL);
    return osl_ctx_change_text(ctx, OSL_SET_CIPHER_LIST, apply_cipher_list, ciphers);
}

static pyossl_status apply_ciphersuites(osl_generation *generation, const osl_setting *setting)
{
    if (SSL_CTX_set_ciphersuites(generation->ssl_ctx, setting->data) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_ciphersuites(pyossl_ctx *ctx, const char *suites)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && suites != NULL);
    return osl_ctx_change_text(ctx, OSL_SET_CIPHERSUITES, apply_ciphersuites, suites);
}

/* What is set here judges peers, so it is a part of the scope of their sessions. */
static pyossl_status digest(const osl_generation *generation, const void *data, size_t len,
                            unsigned char *out)
{
    if (EVP_Digest(data, len, out, NULL, generation->sha256, NULL) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

static pyossl_status apply_groups(osl_generation *generation, const osl_setting *setting)
{
    unsigned char groups[OSL_SCOPE_LEN];

    OSL_TRY(digest(generation, setting->data, strlen(setting->data), groups));
    if (SSL_CTX_set1_groups_list(generation->ssl_ctx, (char *)setting->data) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    memcpy(generation->groups, groups, sizeof groups);
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_groups(pyossl_ctx *ctx, const char *groups)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && groups != NULL);
    OSL_TRY(osl_list_check(groups, OSL_NO_GROUPS));
    return osl_ctx_change_text(ctx, OSL_SET_GROUPS, apply_groups, groups);
}

static pyossl_status apply_sigalgs(osl_generation *generation, const osl_setting *setting)
{
    unsigned char sigalgs[OSL_SCOPE_LEN];

    OSL_TRY(digest(generation, setting->data, strlen(setting->data), sigalgs));
    if (SSL_CTX_set1_sigalgs_list(generation->ssl_ctx, (char *)setting->data) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    memcpy(generation->sigalgs, sigalgs, sizeof sigalgs);
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_sigalgs(pyossl_ctx *ctx, const char *algorithms)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && algorithms != NULL);
    OSL_TRY(osl_list_check(algorithms, OSL_NO_SIGALGS));
    return osl_ctx_change_text(ctx, OSL_SET_SIGALGS, apply_sigalgs, algorithms);
}

static pyossl_status apply_client_sigalgs(osl_generation *generation, const osl_setting *setting)
{
    unsigned char sigalgs[OSL_SCOPE_LEN];

    OSL_TRY(digest(generation, setting->data, strlen(setting->data), sigalgs));
    if (SSL_CTX_set1_client_sigalgs_list(generation->ssl_ctx, (char *)setting->data) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    memcpy(generation->client_sigalgs, sigalgs, sizeof sigalgs);
    generation->client_sigalgs_set = true;
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_client_sigalgs(pyossl_ctx *ctx, const char *algorithms)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && algorithms != NULL);
    OSL_TRY(osl_list_check(algorithms, OSL_NO_SIGALGS));
    return osl_ctx_change_text(ctx, OSL_SET_CLIENT_SIGALGS, apply_client_sigalgs, algorithms);
}

static pyossl_status apply_curve(osl_generation *generation, const osl_setting *setting)
{
    int nid = (int)setting->number;
    unsigned char groups[OSL_SCOPE_LEN];

    OSL_TRY(digest(generation, OBJ_nid2sn(nid), strlen(OBJ_nid2sn(nid)), groups));
    if (SSL_CTX_set1_groups(generation->ssl_ctx, &nid, 1) != 1)
        return osl_fail(PYOSSL_E_UNSUPPORTED);
    memcpy(generation->groups, groups, sizeof groups);
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_tmp_ecdh(pyossl_ctx *ctx, const char *curve)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && curve != NULL);
    const int nid = pyossl_curve_nid(curve);
    pyossl_status status;

    OSL_TRY(osl_ctx_changeable(ctx));
    if (nid == 0)
        return osl_fail_detail(PYOSSL_E_ARGUMENT, "unknown object name", curve);
    status = osl_ctx_change_number(ctx, OSL_SET_GROUPS, apply_curve, nid);
    /* Most curves are not for TLS, and programs try them all. */
    return status == PYOSSL_E_UNSUPPORTED ? PYOSSL_OK : status;
}

/* ---- Diffie-Hellman parameters ---- */

static pyossl_status apply_tmp_dh(osl_generation *generation, const osl_setting *setting)
{
    EVP_PKEY *dh = setting->data;

    if (EVP_PKEY_up_ref(dh) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    if (SSL_CTX_set0_tmp_dh_pkey(generation->ssl_ctx, dh) != 1) {
        EVP_PKEY_free(dh);
        return osl_fail(PYOSSL_E_OPENSSL);
    }
    return PYOSSL_OK;
}

static void release_key(void *key)
{
    EVP_PKEY_free(key);
}

/* PKCS #3 ("DH PARAMETERS") and X9.42 ("X9.42 DH PARAMETERS"). NULL and recorded. */
static EVP_PKEY *decode_dh(const void *pem, size_t len)
{
    static const char *const types[] = { "DH", "DHX" };
    static const char *const labels[] = { "DH PARAMETERS", "X9.42 DH PARAMETERS", NULL };
    osl_auto_pem block = OSL_PEM_INIT;
    EVP_PKEY *dh = NULL;

    if (osl_pem_find(pem, len, labels, &block) != PYOSSL_OK)
        return NULL;
    for (size_t i = 0; dh == NULL && i < OSL_COUNT_OF(types); i++) {
        const unsigned char *at = block.der.data;
        size_t left = block.der.len;
        OSSL_DECODER_CTX *decoder;

        if (strcmp(block.label, labels[i]) != 0)
            continue;
        decoder = OSSL_DECODER_CTX_new_for_pkey(&dh, "DER", "type-specific", types[i],
                                                OSSL_KEYMGMT_SELECT_ALL_PARAMETERS, NULL, NULL);
        if (decoder != NULL && OSSL_DECODER_from_data(decoder, &at, &left) != 1) {
            EVP_PKEY_free(dh);
            dh = NULL;
        }
        OSSL_DECODER_CTX_free(decoder);
    }
    if (dh == NULL)
        (void)!osl_fail(PYOSSL_E_OPENSSL);
    return dh;
}

pyossl_status pyossl_ctx_set_tmp_dh(pyossl_ctx *ctx, const void *pem, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && pem != NULL && osl_fits(pem, len));
    osl_auto(osl_setting) *setting = NULL;

    OSL_TRY(osl_ctx_changeable(ctx));
    setting = osl_setting_new(OSL_SET_TMP_DH, apply_tmp_dh);
    if (setting == NULL)
        return PYOSSL_E_NOMEM;
    setting->release = release_key;
    setting->data = decode_dh(pem, len);
    if (setting->data == NULL)
        return osl_recorded();
    return osl_ctx_change(ctx, osl_steal(setting));
}

pyossl_status pyossl_ctx_load_tmp_dh(pyossl_ctx *ctx, const char *path)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && path != NULL);
    osl_auto_buf bytes = PYOSSL_BUF_INIT;

    OSL_TRY(osl_ctx_changeable(ctx));
    OSL_TRY(osl_file_read(path, OSL_FILE_MAX, &bytes));
    return osl_in_file(pyossl_ctx_set_tmp_dh(ctx, bytes.data, bytes.len), path);
}

/* ---- other settings of the handshake ---- */

static pyossl_status apply_security_level(osl_generation *generation, const osl_setting *setting)
{
    SSL_CTX_set_security_level(generation->ssl_ctx, (int)setting->number);
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_security_level(pyossl_ctx *ctx, int level)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    if (level < 0 || level > 5)
        return osl_fail_number(PYOSSL_E_ARGUMENT, "security levels are 0 to 5", level);
    return osl_ctx_change_number(ctx, OSL_SET_SECURITY_LEVEL, apply_security_level, level);
}

static void release_bytes(void *bytes)
{
    OPENSSL_free(bytes);
}

/* @number is the length of what @data points to. */
static pyossl_status change_bytes(pyossl_ctx *ctx, osl_setting_kind kind, osl_apply apply,
                                  const void *data, size_t len)
{
    osl_auto(osl_setting) *setting = osl_setting_new(kind, apply);

    if (setting == NULL)
        return PYOSSL_E_NOMEM;
    setting->number = (int64_t)len;
    setting->release = release_bytes;
    setting->data = osl_memdup(data, len);
    if (setting->data == NULL)
        return osl_fail_nomem();
    return osl_ctx_change(ctx, osl_steal(setting));
}

pyossl_status osl_alpn_check(const unsigned char *protos, size_t len)
{
    char fault[96];
    size_t at = 0;

    if (len > UINT16_MAX || (protos == NULL && len > 0))
        return osl_fail_text(PYOSSL_E_ARGUMENT, "the list of protocols is too long");
    while (at < len && protos[at] > 0 && protos[at] < len - at)
        at += 1 + (size_t)protos[at];
    if (at == len)
        return PYOSSL_OK;
    snprintf(fault, sizeof fault, "at byte %zu: a name of %u bytes where %zu are left", at,
             protos[at], len - at - 1);
    return osl_fail_detail(PYOSSL_E_ARGUMENT, "not a list of protocols, each behind its length",
                           protos[at] == 0 ? "an empty name" : fault);
}

static pyossl_status apply_alpn_protos(osl_generation *generation, const osl_setting *setting)
{
    /* Zero is success here. */
    if (SSL_CTX_set_alpn_protos(generation->ssl_ctx, setting->data, (unsigned)setting->number) != 0)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_alpn_protos(pyossl_ctx *ctx, const unsigned char *protos, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && osl_fits(protos, len));
    OSL_TRY(osl_alpn_check(protos, len));
    return change_bytes(ctx, OSL_SET_ALPN_PROTOS, apply_alpn_protos, protos, len);
}

static pyossl_status apply_srtp_profiles(osl_generation *generation, const osl_setting *setting)
{
#if defined(OPENSSL_NO_SRTP)
    (void)generation;
    (void)setting;
    return osl_fail_text(PYOSSL_E_UNSUPPORTED, "SRTP not available");
#else
    /* Zero is success here too. */
    if (SSL_CTX_set_tlsext_use_srtp(generation->ssl_ctx, setting->data) != 0)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
#endif
}

pyossl_status pyossl_ctx_set_srtp_profiles(pyossl_ctx *ctx, const char *profiles)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && profiles != NULL);
    return osl_ctx_change_text(ctx, OSL_SET_SRTP_PROFILES, apply_srtp_profiles, profiles);
}

static pyossl_status apply_post_handshake_auth(osl_generation *generation,
                                               const osl_setting *setting)
{
    SSL_CTX_set_post_handshake_auth(generation->ssl_ctx, (int)setting->number);
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_post_handshake_auth(pyossl_ctx *ctx, int on)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return osl_ctx_change_number(ctx, OSL_SET_POST_HANDSHAKE_AUTH, apply_post_handshake_auth,
                                 on != 0);
}

static pyossl_status apply_read_ahead(osl_generation *generation, const osl_setting *setting)
{
    SSL_CTX_set_read_ahead(generation->ssl_ctx, (int)setting->number);
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_read_ahead(pyossl_ctx *ctx, int on)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return osl_ctx_change_number(ctx, OSL_SET_READ_AHEAD, apply_read_ahead, on != 0);
}

/* ---- sessions ---- */

static pyossl_status apply_session_id(osl_generation *generation, const osl_setting *setting)
{
    /* A part of the scope of sessions, which is what OpenSSL compares. */
    generation->session_id_len = (size_t)setting->number;
    if (setting->number > 0)
        memcpy(generation->session_id, setting->data, (size_t)setting->number);
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_session_id(pyossl_ctx *ctx, const void *name, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && osl_fits(name, len));
    if (len > SSL_MAX_SID_CTX_LENGTH) {
        ERR_raise_data(ERR_LIB_SSL, SSL_R_SSL_SESSION_ID_CONTEXT_TOO_LONG,
                       "%zu bytes, where there may be %d", len, SSL_MAX_SID_CTX_LENGTH);
        return osl_fail(PYOSSL_E_ARGUMENT);
    }
    return change_bytes(ctx, OSL_SET_SESSION_ID, apply_session_id, name, len);
}

static pyossl_status apply_cache_mode(osl_generation *generation, const osl_setting *setting)
{
    osl_generation_set_cache_mode(generation, (long)setting->number);
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_session_cache_mode(pyossl_ctx *ctx, long mode)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return osl_ctx_change_number(ctx, OSL_SET_CACHE_MODE, apply_cache_mode, mode);
}

long pyossl_ctx_session_cache_mode(const pyossl_ctx *ctx)
{
    OSL_NEED_OR(0, ctx != NULL);
    const long mode = osl_ctx_read_begin(ctx)->cache_mode;

    osl_ctx_read_end(ctx);
    return mode;
}

static pyossl_status apply_timeout(osl_generation *generation, const osl_setting *setting)
{
    SSL_CTX_set_timeout(generation->ssl_ctx, (long)setting->number);
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_timeout(pyossl_ctx *ctx, long seconds)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    /* OpenSSL's releases differ in what they make of one: from none at all to for ever. */
    if (seconds < 0)
        return osl_fail_number(PYOSSL_E_ARGUMENT, "a negative timeout", seconds);
    return osl_ctx_change_number(ctx, OSL_SET_TIMEOUT, apply_timeout, seconds);
}

long pyossl_ctx_timeout(const pyossl_ctx *ctx)
{
    OSL_NEED_OR(0, ctx != NULL);
    const long seconds = SSL_CTX_get_timeout(osl_ctx_read_begin(ctx)->ssl_ctx);

    osl_ctx_read_end(ctx);
    return seconds;
}

static pyossl_status apply_num_tickets(osl_generation *generation, const osl_setting *setting)
{
    if (SSL_CTX_set_num_tickets(generation->ssl_ctx, (size_t)setting->number) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_num_tickets(pyossl_ctx *ctx, size_t count)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    if (count > INT_MAX)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "too many tickets");
    return osl_ctx_change_number(ctx, OSL_SET_NUM_TICKETS, apply_num_tickets, (int64_t)count);
}

size_t pyossl_ctx_num_tickets(const pyossl_ctx *ctx)
{
    OSL_NEED_OR(0, ctx != NULL);
    const size_t count = SSL_CTX_get_num_tickets(osl_ctx_read_begin(ctx)->ssl_ctx);

    osl_ctx_read_end(ctx);
    return count;
}
