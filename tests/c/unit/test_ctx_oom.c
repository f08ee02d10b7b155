/* Contexts without memory: every change is made whole or not at all. */
#include "contexts.h"

#include "calls.h"
#include "oom.h"

#include "pyossl/openssl.h"

static pyossl_x509 *cert, *intermediate;
static pyossl_x509 *other_cert; /* RSA too */
static pyossl_pkey *key, *other_key;
static pyossl_name *name;

static pyossl_status use_identity(pyossl_ctx *ctx)
{
    return pyossl_ctx_use_identity(ctx, cert, key, &intermediate, 1);
}

static pyossl_status use_certificate(pyossl_ctx *ctx)
{
    return pyossl_ctx_use_certificate(ctx, cert);
}

static pyossl_status use_pkey(pyossl_ctx *ctx)
{
    return pyossl_ctx_use_pkey(ctx, key);
}

static pyossl_status use_pkey_file(pyossl_ctx *ctx)
{
    return pyossl_ctx_use_pkey_file(ctx, DATA("rsa.pem"), PYOSSL_PEM);
}

static pyossl_status add_extra(pyossl_ctx *ctx)
{
    return pyossl_ctx_add_extra_chain_cert(ctx, intermediate);
}

static pyossl_status set_names(pyossl_ctx *ctx)
{
    pyossl_name *const names[] = { name, name };

    return pyossl_ctx_set_client_ca_list(ctx, names, 2);
}

static pyossl_status add_name(pyossl_ctx *ctx)
{
    return pyossl_ctx_add_client_ca(ctx, cert);
}

static pyossl_status load_names(pyossl_ctx *ctx)
{
    return pyossl_ctx_load_client_ca(ctx, DATA("authorities.pem"));
}

static pyossl_status set_hostname(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_verify_hostname(ctx, "a.test", 6, 0);
}

static pyossl_status set_ip(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_verify_ip(ctx, "::1", 3);
}

static pyossl_status set_options(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_options(ctx, SSL_OP_NO_TICKET);
}

static pyossl_status set_ciphers(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_cipher_list(ctx, "ECDHE+AESGCM:@SECLEVEL=1");
}

static pyossl_status set_suites(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256");
}

static pyossl_status set_sigalgs(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_sigalgs(ctx, "ECDSA+SHA256:RSA+SHA256");
}

static pyossl_status set_client_sigalgs(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_client_sigalgs(ctx, "ed25519:ECDSA+SHA256");
}

static pyossl_status set_groups(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_groups(ctx, "X25519:P-256");
}

static pyossl_status set_protos(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_alpn_protos(ctx, (const unsigned char *)"\2h2", 3);
}

static pyossl_status set_srtp(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_srtp_profiles(ctx, "SRTP_AES128_CM_SHA1_80");
}

static pyossl_status set_id(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_session_id(ctx, "name", 4);
}

static pyossl_status set_timeout(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_timeout(ctx, 5);
}

static int released;

static void count_release(void *userdata)
{
    (void)userdata;
    released++;
}

static pyossl_status set_verify(pyossl_ctx *ctx)
{
    pyossl_status status;

    released = 0;
    status = pyossl_ctx_set_verify(ctx, PYOSSL_VERIFY_PEER, accept_all, NULL, count_release);
    /* A setter that fails leaves the userdata alone; one that works may replace the one before. */
    oom_check(status == PYOSSL_OK || released == 0);
    return status;
}

/* Where a change is tried. */
typedef enum place {
    IN_PLACE, /* again and again on a context that nobody has */
    ANEW,     /* the same, but each time a connection has it */
    ADDED,    /* each time on a new context, as what is added stays */
    LENT      /* the same, and the program has its SSL_CTX: no other may take that one's place */
} place;

typedef struct change {
    pyossl_status (*make)(pyossl_ctx *ctx);
    place where;
    pyossl_ctx *ctx;
} change;

static pyossl_status new_with_settings(pyossl_ctx **out)
{
    osl_auto(pyossl_ctx) *ctx = NULL;

    OSL_TRY(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    OSL_TRY(set_timeout(ctx));
    OSL_TRY(use_identity(ctx));
    OSL_TRY(pyossl_ctx_set_verify(ctx, PYOSSL_VERIFY_NONE, accept_all, NULL, NULL));
    *out = osl_steal(ctx);
    return PYOSSL_OK;
}

/* Half of a change: nobody may be served by it, and no other change covers it up. */
static bool is_refused(pyossl_ctx *ctx)
{
    osl_auto(pyossl_conn) *conn = NULL;

    return pyossl_conn_new(&conn, ctx) == PYOSSL_E_STATE && conn == NULL &&
           set_timeout(ctx) == PYOSSL_E_STATE && use_identity(ctx) == PYOSSL_E_STATE;
}

static pyossl_status run_change(void *arg)
{
    const change *self = arg;
    osl_auto(pyossl_ctx) *own = NULL;
    pyossl_ctx *ctx = self->ctx;
    osl_generation *current;
    const osl_setting *first;
    snapshot before, after;
    pyossl_status status;
    size_t count;

    if (self->where == ADDED || self->where == LENT) {
        oom_pause();
        status = new_with_settings(&own);
        if (status == PYOSSL_OK && self->where == LENT) {
            if (self->make == use_identity)
                status = pyossl_ctx_use_identity(own, other_cert, other_key, NULL, 0);
            SSL_CTX_free(pyossl_openssl_ctx(own));
        }
        oom_resume();
        OSL_TRY(status);
        ctx = own;
    }
    if (self->where == ANEW)
        osl_generation_unref(osl_ctx_acquire(ctx));
    take_snapshot(ctx, &before);
    current = atomic_load(&ctx->current);
    first = ctx->settings;
    count = count_settings(ctx);
    status = self->make(ctx);
    if (status == PYOSSL_OK)
        return PYOSSL_OK;
    oom_stop();
    take_snapshot(ctx, &after);
    if (self->where == LENT && memcmp(&before, &after, sizeof before) != 0) {
        oom_check(is_refused(ctx));
        return PYOSSL_E_STATE; /* as the record has it by now */
    }
    oom_check(memcmp(&before, &after, sizeof before) == 0);
    oom_check(atomic_load(&ctx->current) == current);
    oom_check(ctx->settings == first && count_settings(ctx) == count);
    return status;
}

static const struct {
    const char *what;
    pyossl_status (*make)(pyossl_ctx *ctx);
    place where;
} changes[] = {
    { "identity", use_identity, IN_PLACE },
    { "identity, anew", use_identity, ANEW },
    { "certificate", use_certificate, IN_PLACE },
    { "key", use_pkey, IN_PLACE },
    { "key file", use_pkey_file, IN_PLACE },
    { "extra chain", add_extra, ADDED },
    { "names", set_names, IN_PLACE },
    { "one more name", add_name, ADDED },
    { "names of a file", load_names, IN_PLACE },
    { "host name", set_hostname, IN_PLACE },
    { "address", set_ip, IN_PLACE },
    { "options", set_options, IN_PLACE },
    { "cipher list", set_ciphers, IN_PLACE },
    { "cipher list, anew", set_ciphers, ANEW },
    { "cipher suites", set_suites, IN_PLACE },
    { "groups", set_groups, IN_PLACE },
    { "signature algorithms", set_sigalgs, IN_PLACE },
    { "client signature algorithms", set_client_sigalgs, IN_PLACE },
    { "client signature algorithms, anew", set_client_sigalgs, ANEW },
    { "protocols", set_protos, IN_PLACE },
    { "SRTP", set_srtp, IN_PLACE },
    { "session id", set_id, IN_PLACE },
    { "timeout", set_timeout, IN_PLACE },
    { "verification", set_verify, IN_PLACE },
    { "verification, anew", set_verify, ANEW },
};

static void test_na_006_na_065_changes(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(changes); i++) {
        change self = { changes[i].make, changes[i].where, NULL };
        const oom_scenario scenario = {
            .name = changes[i].what, .run = run_change, .arg = &self, .any_error = 1, .theirs = 16
        };

        assert_ok(new_with_settings(&self.ctx));
        assert_int_equal(oom_sweep(&scenario), 0);
        pyossl_ctx_unref(self.ctx);
    }
}

static void test_na_247_changes_of_what_was_lent(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(changes); i++) {
        change self = { changes[i].make, LENT, NULL };
        const oom_scenario scenario = {
            .name = changes[i].what, .run = run_change, .arg = &self, .any_error = 1, .theirs = 16
        };

        if (changes[i].where != ANEW)
            assert_int_equal(oom_sweep(&scenario), 0);
    }
}

/* A host that could not be asked for leaves the one before, or nobody is looked at. */
static pyossl_status run_host(void *arg)
{
    osl_auto(pyossl_conn) *conn = NULL;
    pyossl_status status;

    oom_pause();
    OSL_TRY(pyossl_conn_new(&conn, arg));
    OSL_TRY(pyossl_conn_use_memory(conn));
    OSL_TRY(pyossl_conn_set_verify_hostname(conn, "before.test", 11, 0));
    oom_resume();
    status = pyossl_conn_set_verify_hostname(conn, "behind.test", 11, 0);
    oom_pause();
    if (status != PYOSSL_OK) {
        X509_VERIFY_PARAM *param = SSL_get0_param(pyossl_openssl_conn(conn));
        char *host = X509_VERIFY_PARAM_get0_host(param, 0);

        oom_check(host != NULL && strcmp(host, "before.test") == 0);
    }
    return status;
}

static void test_na_255_hosts_of_a_connection(void **state)
{
    pyossl_ctx *ctx = NULL;
    oom_scenario scenario = { .name = "host", .run = run_host, .any_error = 1, .theirs = 16 };

    (void)state;
    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    scenario.arg = ctx;
    assert_int_equal(oom_sweep(&scenario), 0);
    pyossl_ctx_unref(ctx);
}

static pyossl_status run_new(void *arg)
{
    osl_auto(pyossl_ctx) *ctx = NULL;

    OSL_TRY(pyossl_ctx_new(&ctx, *(int *)arg));
    return PYOSSL_OK;
}

static void test_na_074_new_contexts(void **state)
{
    int methods[] = { PYOSSL_TLS1_2, PYOSSL_DTLS };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(methods); i++) {
        const oom_scenario scenario = {
            .name = "context", .run = run_new, .arg = &methods[i], .any_error = 1, .theirs = 16
        };

        assert_int_equal(oom_sweep(&scenario), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_074_new_contexts),
        cmocka_unit_test(test_na_006_na_065_changes),
        cmocka_unit_test(test_na_247_changes_of_what_was_lent),
        cmocka_unit_test(test_na_255_hosts_of_a_connection),
    };
    int failed;

    oom_install();
    calls_install();
    cert = cert_from(DATA("server.pem"));
    intermediate = cert_from(DATA("intermediate.pem"));
    key = key_from(DATA("rsa.pem"));
    other_key = key_from(DATA("root-key.pem"));
    other_cert = cert_from(DATA("root.pem"));
    assert_ok(pyossl_x509_subject(cert, &name));
    failed = cmocka_run_group_tests_name("ctx_oom", tests, NULL, NULL);
    pyossl_name_unref(name);
    pyossl_pkey_unref(key);
    pyossl_pkey_unref(other_key);
    pyossl_x509_unref(other_cert);
    pyossl_x509_unref(intermediate);
    pyossl_x509_unref(cert);
    return failed;
}
