/* What an exchange's result is called: refusals, callbacks that stop, and the seldom answers. */
#include "pair.h"
#include "test.h"

#include <errno.h>
#include <unistd.h>

#include <openssl/async.h>

#include "pyossl/callbacks.h"
#include "pyossl/info.h"
#include "pyossl/x509.h"
#include "ssl/tls.h"

static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3 };

static int calls; /* of callbacks below */

/* ---- verification and callbacks ---- */

static void test_refused_certificates(void **state)
{
    pyossl_status client, server;
    int result;
    pair both;

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        pair_contexts(&both, versions[v]);
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_verify_hostname(both.client, "elsewhere.example", 17, 0));
        assert_fails(pair_handshake_both(&both, &client, &server), PYOSSL_E_VERIFY);
        assert_string_equal(test_reason(), "certificate verify failed");
        result = (int)pyossl_conn_verify_result(both.client);
        assert_int_equal(result, X509_V_ERR_HOSTNAME_MISMATCH);
        assert_false(pyossl_conn_established(both.client));
        /* Asked again, the same; and it says so. */
        assert_fails(pyossl_conn_handshake(both.client), PYOSSL_E_VERIFY);
        assert_fails(pyossl_conn_shutdown(both.client, &result), PYOSSL_E_VERIFY);
        pair_move(&both);
        server = pyossl_conn_handshake(both.server);
        if (server == PYOSSL_OK) {
            unsigned char byte;
            size_t done;

            server = pyossl_conn_read(both.server, &byte, 1, &done);
        }
        assert_status(server, PYOSSL_E_OPENSSL); /* the alert has come */
        pair_free(&both);
    }
}

static pyossl_answer stop_it(pyossl_conn *conn, const pyossl_verify_event *event, void *userdata)
{
    (void)conn;
    (void)event;
    (void)userdata;
    return PYOSSL_ANSWER_ABORT;
}

static pyossl_answer stop_server(pyossl_conn *conn, void *userdata)
{
    (void)conn;
    (void)userdata;
    return PYOSSL_ANSWER_ABORT;
}

static void test_callbacks_that_stop(void **state)
{
    pyossl_status client, server;
    unsigned char byte;
    size_t done;
    pair both;

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        pair_contexts(&both, versions[v]);
        assert_ok(pyossl_ctx_set_verify(both.client_ctx, PYOSSL_VERIFY_PEER, stop_it, NULL, NULL));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_fails(pair_handshake_both(&both, &client, &server), PYOSSL_E_CALLBACK);
        assert_status(client, PYOSSL_E_CALLBACK);
        /* Later calls fail too, but no callback stopped those. */
        assert_fails(pyossl_conn_handshake(both.client), PYOSSL_E_OPENSSL);
        assert_fails(pyossl_conn_read(both.client, &byte, 1, &done), PYOSSL_E_OPENSSL);
        pair_free(&both);

        pair_contexts(&both, versions[v]); /* NA-045 */
        assert_ok(pyossl_ctx_set_servername(both.server_ctx, stop_server, NULL, NULL));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_fails(pair_handshake_both(&both, &client, &server), PYOSSL_E_CALLBACK);
        assert_status(server, PYOSSL_E_CALLBACK);
        pair_move(&both);
        assert_fails(pyossl_conn_handshake(both.client), PYOSSL_E_OPENSSL);
        pair_free(&both);
    }
}

/* ---- callbacks that leave traces ---- */

/* Uses the library, with success and without, and then OpenSSL and errno behind its back. */
static void leave_traces(pyossl_conn *conn)
{
    pyossl_x509 *cert = NULL;
    size_t done;

    if (pyossl_conn_peer_certificate(conn, &cert) == PYOSSL_OK)
        pyossl_x509_unref(cert);
    assert_fails(pyossl_conn_feed_eof(conn), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_write(conn, "x", 1, &done), PYOSSL_E_STATE);
    for (int i = 0; i < 20; i++)
        ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    errno = EXDEV;
    calls++;
}

static void trace_info(pyossl_conn *conn, int where, int ret, void *userdata)
{
    (void)where;
    (void)ret;
    (void)userdata;
    leave_traces(conn);
}

static pyossl_answer trace_verify(pyossl_conn *conn, const pyossl_verify_event *event,
                                  void *userdata)
{
    (void)userdata;
    leave_traces(conn);
    return event->preverify ? PYOSSL_ANSWER_ACCEPT : PYOSSL_ANSWER_DECLINE;
}

/* NA-088: nor do they when they run between OpenSSL's failure and our reading of it. */
static void test_na_010_callbacks_leave_no_traces(void **state)
{
    pyossl_status client, server;
    pair both;

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        calls = 0;
        pair_contexts(&both, versions[v]);
        assert_ok(pyossl_ctx_set_info(both.client_ctx, trace_info, NULL, NULL));
        assert_ok(pyossl_ctx_set_info(both.server_ctx, trace_info, NULL, NULL));
        assert_ok(
            pyossl_ctx_set_verify(both.client_ctx, PYOSSL_VERIFY_PEER, trace_verify, NULL, NULL));
        pair_connect(&both, PAIR_USER, 0); /* waits are waits, and success is success */
        both.client_script.noisy = both.server_script.noisy = true;
        assert_ok(pair_handshake(&both));
        pair_send(&both, both.server, both.client, "x", 1);
        pair_disconnect(&both);

        pair_connect(&both, PAIR_USER, 0); /* a refusal is one, with its reason */
        assert_ok(pyossl_conn_set_verify_hostname(both.client, "elsewhere.example", 17, 0));
        assert_fails(pair_handshake_both(&both, &client, &server), PYOSSL_E_VERIFY);
        assert_string_equal(test_reason(), "certificate verify failed");
        assert_int_equal(pyossl_error_count(pyossl_error_last()), 1);
        pair_disconnect(&both);

        pair_connect(&both, PAIR_USER, 0); /* and so is a system error */
        both.client_script.noisy = true;
        both.client_script.cut_at = 200;
        both.client_script.cut = (script_step){ SCRIPT_ERRNO, ECONNRESET };
        assert_fails(pair_handshake_both(&both, &client, &server), PYOSSL_E_SYSTEM);
        assert_int_equal(pyossl_error_errno(pyossl_error_last()), ECONNRESET);
        pair_free(&both);
        assert_true(calls > 20);
    }
}

/* ---- the seldom answers of SSL_get_error() (NA-014) ---- */

static int later_cert(SSL *ssl, void *arg)
{
    (void)ssl;
    (void)arg;
    return calls++ == 0 ? -1 : 1;
}

static int later_hello(SSL *ssl, int *alert, void *arg)
{
    (void)ssl;
    (void)alert;
    (void)arg;
    return calls++ == 0 ? SSL_CLIENT_HELLO_RETRY : SSL_CLIENT_HELLO_SUCCESS;
}

static int later_verify(X509_STORE_CTX *store_ctx, void *arg)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store_ctx, SSL_get_ex_data_X509_STORE_CTX_idx());

    (void)arg;
    if (calls++ == 0)
        return SSL_set_retry_verify(ssl);
    return 1;
}

static void finish_after_lookup(pair *both, pyossl_conn *waiting)
{
    pyossl_status status = PYOSSL_OK;

    for (int i = 0; i < 10 && status != PYOSSL_WANT_X509_LOOKUP; i++) {
        status = pyossl_conn_handshake(both->client);
        pair_move(both);
        if (status == PYOSSL_WANT_X509_LOOKUP)
            break;
        status = pyossl_conn_handshake(both->server);
        pair_move(both);
    }
    assert_status(status, PYOSSL_WANT_X509_LOOKUP);
    assert_false(pyossl_conn_wants_read(waiting));
    assert_false(pyossl_conn_wants_write(waiting));
    assert_ok(pair_handshake(both));
    assert_int_equal(calls > 1, 1);
}

static void test_na_014_callbacks_that_ask_for_time(void **state)
{
    pair both;

    (void)state;
    calls = 0;
    pair_contexts(&both, PAIR_TLS1_3);
    pair_connect(&both, PAIR_MEMORY, 0);
    SSL_set_cert_cb(both.server->ssl, later_cert, NULL);
    finish_after_lookup(&both, both.server);
    pair_disconnect(&both);

    calls = 0;
    pair_connect(&both, PAIR_MEMORY, 0);
    SSL_CTX_set_client_hello_cb(SSL_get_SSL_CTX(both.server->ssl), later_hello, NULL);
    finish_after_lookup(&both, both.server);
    pair_free(&both);

    calls = 0;
    pair_contexts(&both, PAIR_TLS1_3);
    pair_connect(&both, PAIR_MEMORY, 0);
    SSL_CTX_set_cert_verify_callback(SSL_get_SSL_CTX(both.client->ssl), later_verify, NULL);
    finish_after_lookup(&both, both.client);
    pair_free(&both);
}

static int pause_once(SSL *ssl, void *arg)
{
    (void)ssl;
    (void)arg;
    return calls++ == 0 ? ASYNC_pause_job() : 1;
}

static void test_na_014_asynchronous_jobs_are_refused(void **state)
{
    pair both;

    (void)state;
#if defined(__SANITIZE_ADDRESS__)
    skip(); /* it knows nothing of a job's stack */
#endif
    if (!ASYNC_is_capable())
        skip();
    calls = 0;
    pair_contexts(&both, PAIR_TLS1_3);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_set_mode(both.server, SSL_MODE_ASYNC));
    SSL_set_cert_cb(both.server->ssl, pause_once, NULL);
    assert_fails(pair_handshake(&both), PYOSSL_E_UNSUPPORTED);
    assert_ok(pair_handshake(&both)); /* the job goes on where it was */
    pair_free(&both);
    ASYNC_cleanup_thread();
}

/* What OpenSSL has not explained is a failure, never a success or a wish to wait. */
static void test_verdicts_without_a_reason(void **state)
{
    pair both;

    (void)state;
    pair_establish(&both, PAIR_TLS1_3, PAIR_MEMORY, 0);
    assert_fails(osl_verdict(both.server, -1, 0), PYOSSL_E_OPENSSL);
    assert_fails(osl_verdict(both.server, 0, 0), PYOSSL_E_OPENSSL);
    assert_fails(osl_verdict(both.server, -1, ENOMEM), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), ENOMEM);
    assert_status(osl_verdict(both.server, 1, EIO), PYOSSL_OK);
    both.server->stopped = true; /* even where OpenSSL did not mind */
    assert_fails(osl_verdict(both.server, 1, 0), PYOSSL_E_CALLBACK);
    both.server->stopped = false;
    ERR_raise(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED);
    assert_fails(osl_verdict(both.server, -1, 0), PYOSSL_E_VERIFY);
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    assert_fails(osl_verdict(both.server, -1, 0), PYOSSL_E_NOMEM);
    both.server->transport.failed = PYOSSL_E_NOMEM;
    assert_fails(osl_verdict(both.server, -1, 0), PYOSSL_E_NOMEM);
    both.server->transport.failed = PYOSSL_E_SYSTEM;
    both.server->transport.number = 0;
    assert_fails(osl_verdict(both.server, -1, 0), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), EIO);
    both.server->transport.failed = PYOSSL_E_ARGUMENT;
    assert_fails(osl_verdict(both.server, -1, 0), PYOSSL_E_ARGUMENT);
    both.server->transport.failed = PYOSSL_OK;
    assert_status(both.server->failed, PYOSSL_OK); /* OpenSSL has not given up */
    pair_free(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_certificates),
        cmocka_unit_test(test_callbacks_that_stop),
        cmocka_unit_test(test_na_010_callbacks_leave_no_traces),
        cmocka_unit_test(test_na_014_callbacks_that_ask_for_time),
        cmocka_unit_test(test_na_014_asynchronous_jobs_are_refused),
        cmocka_unit_test(test_verdicts_without_a_reason),
    };

    alarm(500); /* NA-028: what hangs is a fault */
    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
