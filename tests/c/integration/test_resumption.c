/*
 * Where a session resumes, and where it must not: each way of resuming under each change of
 * what is asked, on both sides. A row prepares the contexts of a pair, makes a session, changes
 * something, and says what comes of the next handshake.
 */
#include "resumption.h"

#include <pyossl/openssl.h>

/* ---- another process ---- */

/* As another process has it, or the same one after a reload: another context, the same keys. */
static void replace_server(world *self, pyossl_ctx *next)
{
    unsigned char keys[80];
    SSL_CTX *from = pyossl_openssl_ctx(self->both.server_ctx), *to = pyossl_openssl_ctx(next);

    assert_int_equal(SSL_CTX_get_tlsext_ticket_keys(from, keys, sizeof keys), 1);
    assert_int_equal(SSL_CTX_set_tlsext_ticket_keys(to, keys, sizeof keys), 1);
    SSL_CTX_free(from);
    SSL_CTX_free(to);
    pyossl_ctx_unref(self->both.server_ctx);
    self->both.server_ctx = next;
}

static void fill_client(const world *self, pyossl_ctx *ctx)
{
    assert_ok(pyossl_ctx_set_min_version(ctx, self->way->version));
    assert_ok(pyossl_ctx_set_max_version(ctx, self->way->version));
    assert_ok(pyossl_ctx_set_verify(ctx, PYOSSL_VERIFY_PEER, NULL, NULL, NULL));
}

static pyossl_ctx *new_client(const world *self)
{
    pyossl_ctx *ctx = NULL;

    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    fill_client(self, ctx);
    return ctx;
}

/* The session goes by way of a file to @next. */
static void replace_client(world *self, pyossl_ctx *next)
{
    OWNED_BUF der = PYOSSL_BUF_INIT;

    assert_ok(pyossl_session_dump(self->session, &der));
    pyossl_session_unref(self->session);
    self->session = NULL;
    assert_ok(pyossl_session_load(&self->session, next, der.data, der.len));
    pyossl_ctx_unref(self->both.client_ctx);
    self->both.client_ctx = next;
}

/* ---- contexts that are renewed ---- */

static pyossl_ctx *renewal(pyossl_ctx **place)
{
    pyossl_ctx *next = NULL;

    assert_ok(pyossl_ctx_renew(*place, &next));
    assert_ptr_not_equal(next, *place);
    pyossl_ctx_unref(*place); /* the one before is not needed any more */
    *place = next;
    return next;
}

static void renew_server_by(world *self, const char *authority)
{
    pyossl_ctx *next = renewal(&self->both.server_ctx);

    fill_server(self, next);
    trust(next, authority);
    assert_ok(pyossl_ctx_set_verify(next, FAIL_WITHOUT, NULL, NULL, NULL));
}

static void renewed_server(world *self)
{
    renew_server_by(self, DATA("root.pem"));
}

static void renewed_server_of_other_trust(world *self)
{
    renew_server_by(self, DATA("other-root.pem"));
}

static void renew_client_by(world *self, const char *authority)
{
    fill_client(self, renewal(&self->both.client_ctx));
    trust(self->both.client_ctx, authority);
}

static void renewed_client(world *self)
{
    renew_client_by(self, DATA("root.pem"));
}

static void renewed_client_of_other_trust(world *self)
{
    renew_client_by(self, DATA("other-root.pem"));
}

static void renewed_twice(world *self)
{
    (void)renewal(&self->both.client_ctx);
    renewed_client(self);
}

/* ---- preparing ---- */

static void optional_server(world *self)
{
    lax_server(self);
    assert_ok(pyossl_ctx_set_verify(self->both.server_ctx, PYOSSL_VERIFY_PEER, NULL, NULL, NULL));
}

static void revoking_server(world *self)
{
    strict_server(self);
    add_crl(self->both.server_ctx, 3600);
    check_crls(self->both.server_ctx);
}

static void lax_client_connection(world *self)
{
    use_file(self->both.server_ctx, DATA("stranger.pem"), DATA("client-key.pem"));
    self->client_verify = PYOSSL_VERIFY_NONE;
}

static void asking_for_localhost(world *self)
{
    self->hostname = "localhost";
}

static void revoking_client(world *self)
{
    add_crl(self->both.client_ctx, 3600);
    check_crls(self->both.client_ctx);
}

static pyossl_answer choose(pyossl_conn *conn, void *userdata)
{
    world *self = userdata;
    const char *name = pyossl_conn_servername(conn);

    self->asked++;
    if (self->site != NULL && name != NULL && strcmp(name, "b.test") == 0) {
        assert_ok(pyossl_conn_set_ctx(conn, self->site));
        /* How it verifies a connection keeps, unless it is told. */
        assert_ok(pyossl_conn_set_verify(conn, pyossl_ctx_verify_mode(self->site), NULL, NULL,
                                         NULL));
    }
    return PYOSSL_ANSWER_ACCEPT;
}

/* Two sites; the client asks for the first, which wants nothing of it. */
static void two_sites(world *self)
{
    self->name = "a.test";
    self->site = new_server(self);
    trust(self->site, DATA("other-root.pem"));
    assert_ok(pyossl_ctx_set_verify(self->site, FAIL_WITHOUT, NULL, NULL, NULL));
    assert_ok(pyossl_ctx_set_servername(self->both.server_ctx, choose, self, NULL));
}

/* The same, and the listener judges clients by another authority. */
static void two_strict_sites(world *self)
{
    two_sites(self);
    strict_server(self);
}

static void second_of_two_sites(world *self)
{
    two_sites(self);
    self->name = "b.test";
    assert_ok(pyossl_ctx_set_verify(self->site, PYOSSL_VERIFY_NONE, NULL, NULL, NULL));
}

/* ---- changing ---- */

static void strict_server_connection(world *self)
{
    self->server_verify = FAIL_WITHOUT;
}

static void strict_server_context(world *self)
{
    assert_ok(pyossl_ctx_set_verify(self->both.server_ctx, FAIL_WITHOUT, NULL, NULL, NULL));
}

static void other_site(world *self)
{
    self->name = "b.test";
}

static void other_client_ca(world *self)
{
    pyossl_ctx *next = new_server(self);

    trust(next, DATA("other-root.pem"));
    assert_ok(pyossl_ctx_set_verify(next, FAIL_WITHOUT, NULL, NULL, NULL));
    replace_server(self, next);
}

static void no_client_ca(world *self)
{
    pyossl_ctx *next = new_server(self);

    assert_ok(pyossl_ctx_set_verify(next, FAIL_WITHOUT, NULL, NULL, NULL));
    replace_server(self, next);
}

static void one_more_client_ca(world *self)
{
    trust(self->both.server_ctx, DATA("other-root.pem"));
}

static void the_same_client_ca(world *self)
{
    trust(self->both.server_ctx, DATA("root.pem"));
}

static void other_server_process(world *self)
{
    pyossl_ctx *next = new_server(self);

    trust(next, DATA("root.pem"));
    assert_ok(pyossl_ctx_set_verify(next, FAIL_WITHOUT, NULL, NULL, NULL));
    replace_server(self, next);
}

static void server_crl(world *self)
{
    add_crl(self->both.server_ctx, 7200);
}

static void server_checks_crls(world *self)
{
    check_crls(self->both.server_ctx);
}

static void server_session_name(world *self)
{
    assert_ok(pyossl_ctx_set_session_id(self->both.server_ctx, "other", 5));
}

static void renewed_server_cert(world *self)
{
    use_short(self->both.server_ctx, DATA("server-ec.pem"), DATA("ec.pem"), 86400);
}

static void renewed_to_another_key(world *self)
{
    use_file(self->both.server_ctx, DATA("server.pem"), DATA("rsa.pem"));
}

static void callback_again(world *self)
{
    assert_ok(pyossl_ctx_set_verify(self->both.server_ctx, FAIL_WITHOUT, accept_all, NULL, NULL));
}

static void other_option(world *self)
{
    assert_ok(pyossl_ctx_set_options(self->both.server_ctx, SSL_OP_CIPHER_SERVER_PREFERENCE));
    assert_ok(pyossl_ctx_set_options(self->both.client_ctx, SSL_OP_CIPHER_SERVER_PREFERENCE));
}

static void strict_client_connection(world *self)
{
    self->client_verify = PYOSSL_VERIFY_PEER;
}

static void strict_client_context(world *self)
{
    assert_ok(pyossl_ctx_set_verify(self->both.client_ctx, PYOSSL_VERIFY_PEER, NULL, NULL, NULL));
}

static void other_hostname(world *self)
{
    self->hostname = "other.example.test";
}

static void wrong_hostname(world *self)
{
    self->hostname = "wrong.test";
}

static void asked_name(world *self)
{
    self->name = "c.test";
}

static void other_client_process(world *self)
{
    pyossl_ctx *next = new_client(self);

    trust(next, DATA("root.pem"));
    replace_client(self, next);
}

static void client_of_other_trust(world *self)
{
    pyossl_ctx *next = new_client(self);

    trust(next, DATA("other-root.pem"));
    replace_client(self, next);
}

static void client_without_trust(world *self)
{
    replace_client(self, new_client(self));
}

static void client_of_more_trust(world *self)
{
    trust(self->both.client_ctx, DATA("other-root.pem"));
}

static void client_crl(world *self)
{
    add_crl(self->both.client_ctx, 7200);
}

static void client_checks_crls(world *self)
{
    check_crls(self->both.client_ctx);
}

static void other_time(world *self)
{
    OWNED(store) store = NULL;

    assert_ok(pyossl_ctx_store(self->both.client_ctx, &store));
    assert_ok(pyossl_store_set_time(store, 1893456000)); /* 2030 */
}

/* Each judges a peer, or what a session of it may be encrypted with. */

static void client_of_other_signatures(world *self)
{
    assert_ok(pyossl_ctx_set_sigalgs(self->both.client_ctx, "RSA-PSS+SHA256:RSA+SHA256"));
}

static void client_of_fewer_signatures(world *self)
{
    assert_ok(pyossl_ctx_set_sigalgs(self->both.client_ctx, "ECDSA+SHA256:RSA+SHA256"));
}

static void the_same_signatures(world *self)
{
    client_of_fewer_signatures(self);
}

static void client_of_a_higher_level(world *self)
{
    assert_ok(pyossl_ctx_set_security_level(self->both.client_ctx, 4));
}

static void client_of_a_lower_level(world *self)
{
    assert_ok(pyossl_ctx_set_security_level(self->both.client_ctx, 1));
}

static void client_of_other_groups(world *self)
{
    assert_ok(pyossl_ctx_set_groups(self->both.client_ctx, "P-256:P-384"));
}

static void client_connection_of_other_groups(world *self)
{
    self->client_groups = "P-256:P-384";
}

static void client_connection_of_other_signatures(world *self)
{
    self->client_sigalgs = "RSA-PSS+SHA256:RSA+SHA256";
}

static void client_connection_of_fewer_signatures(world *self)
{
    self->client_sigalgs = "ECDSA+SHA256:RSA+SHA256";
}

/* What a server asks of clients alone: theirs is an EC key. */
static void server_of_other_client_signatures(world *self)
{
    assert_ok(pyossl_ctx_set_client_sigalgs(self->both.server_ctx, "RSA-PSS+SHA256:RSA+SHA256"));
}

static void server_of_fewer_client_signatures(world *self)
{
    assert_ok(pyossl_ctx_set_client_sigalgs(self->both.server_ctx, "ECDSA+SHA256:RSA+SHA256"));
}

static void server_connection_of_other_client_signatures(world *self)
{
    self->server_client_sigalgs = "RSA-PSS+SHA256:RSA+SHA256";
}

static void server_connection_of_fewer_client_signatures(world *self)
{
    self->server_client_sigalgs = "ECDSA+SHA256:RSA+SHA256";
}

static void client_of_one_curve(world *self)
{
    assert_ok(pyossl_ctx_set_tmp_ecdh(self->both.client_ctx, "prime256v1"));
}

static void client_of_fewer_ciphers(world *self)
{
    assert_ok(pyossl_ctx_set_cipher_list(self->both.client_ctx, "ECDHE-ECDSA-AES128-GCM-SHA256"));
}

/* The server's own key is RSA, the client's is not. */
static void strict_rsa_server(world *self)
{
    strict_server(self);
    use_file(self->both.server_ctx, DATA("server.pem"), DATA("rsa.pem"));
}

static void server_of_other_signatures(world *self)
{
    assert_ok(pyossl_ctx_set_sigalgs(self->both.server_ctx, "RSA-PSS+SHA256:RSA+SHA256"));
}

static void server_of_fewer_signatures(world *self)
{
    assert_ok(pyossl_ctx_set_sigalgs(self->both.server_ctx,
                                     "ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256"));
}

static void server_of_a_higher_level(world *self)
{
    assert_ok(pyossl_ctx_set_security_level(self->both.server_ctx, 3));
}

static void server_of_a_lower_level(world *self)
{
    assert_ok(pyossl_ctx_set_security_level(self->both.server_ctx, 1));
}

static void server_of_other_groups(world *self)
{
    assert_ok(pyossl_ctx_set_groups(self->both.server_ctx, "P-256:P-384:X25519"));
}

static void server_of_fewer_ciphers(world *self)
{
    assert_ok(pyossl_ctx_set_cipher_list(self->both.server_ctx, "ECDHE-ECDSA-AES128-GCM-SHA256"));
}

static const row rows[] = {
    { "nothing changed", plain, plain, RESUMED, false },
    { "nothing changed, strict", strict_server, plain, RESUMED, false },
    { "nothing changed, optional", optional_server, plain, RESUMED, false },
    { "nothing changed, revoking", revoking_server, plain, RESUMED, false },
    { "nothing changed, callback", lenient_server, plain, RESUMED, false },
    { "nothing changed, site", two_sites, plain, RESUMED, false },
    { "nothing changed, second site", second_of_two_sites, plain, RESUMED, false },
    { "nothing that counts", strict_server, other_option, RESUMED, false },
    { "the same authority again", strict_server, the_same_client_ca, RESUMED, false },
    { "renewed", strict_server, renewed_server_cert, RESUMED, false },
    { "renewed, another key", strict_server, renewed_to_another_key, RESUMED, false },
    { "another process", strict_server, other_server_process, RESUMED, true },
    { "lax to strict connection", lax_server, strict_server_connection, REFUSED, false },
    { "lax to strict context", lax_server, strict_server_context, REFUSED, false },
    { "optional to strict", optional_server, strict_server_context, REFUSED, false },
    { "site A to B", two_sites, other_site, REFUSED, false },
    { "site A to B, both strict", two_strict_sites, other_site, REFUSED, false },
    { "another name of site A", two_sites, asked_name, JUDGED, false },
    { "another client CA", strict_server, other_client_ca, REFUSED, false },
    { "trust taken away", strict_server, no_client_ca, REFUSED, false },
    { "trust added", strict_server, one_more_client_ca, JUDGED, false },
    { "CRL added", revoking_server, server_crl, JUDGED, false },
    { "CRLs checked", strict_server, server_checks_crls, REFUSED, false },
    { "another name for sessions", strict_server, server_session_name, JUDGED, false },
    { "callback's yes to strict", lenient_server, strict_server_context, REFUSED, false },
    { "callback's yes to another's", lenient_server, callback_again, JUDGED, false },
    { "client: callback", lenient_client, plain, RESUMED, false },
    { "client: host name", asking_for_localhost, plain, RESUMED, false },
    { "client: revoking", revoking_client, plain, RESUMED, false },
    { "client: another process", plain, other_client_process, RESUMED, false },
    { "client: lax", lax_client, plain, RESUMED, false },
    { "client: lax to strict connection", lax_client, strict_client_connection, REFUSED, false },
    { "client: lax to strict context", lax_client, strict_client_context, REFUSED, false },
    { "client: lax connection to strict", lax_client_connection, strict_client_connection, REFUSED,
      false },
    { "client: callback's yes to strict", lenient_client, strict_client_context, REFUSED, false },
    { "client: another host name", asking_for_localhost, other_hostname, JUDGED, false },
    { "client: the wrong host name", asking_for_localhost, wrong_hostname, REFUSED, false },
    { "client: another server name", plain, asked_name, JUDGED, false },
    { "client: another CA", plain, client_of_other_trust, REFUSED, false },
    { "client: trust taken away", plain, client_without_trust, REFUSED, false },
    { "client: trust added", plain, client_of_more_trust, JUDGED, false },
    { "client: CRL added", revoking_client, client_crl, JUDGED, false },
    { "client: CRLs checked", plain, client_checks_crls, REFUSED, false },
    { "client: another time", plain, other_time, JUDGED, false },
    { "context renewed", strict_server, renewed_server, RESUMED, false },
    { "context renewed, another CA", strict_server, renewed_server_of_other_trust, REFUSED, false },
    { "client: context renewed", plain, renewed_client, RESUMED, false },
    { "client: context renewed twice", plain, renewed_twice, RESUMED, false },
    { "client: context renewed, another CA", plain, renewed_client_of_other_trust, REFUSED, false },
    { "client: other signatures", plain, client_of_other_signatures, REFUSED, false },
    { "client: fewer signatures", plain, client_of_fewer_signatures, JUDGED, false },
    { "client: the same signatures", client_of_fewer_signatures, the_same_signatures, RESUMED,
      false },
    { "client: all signatures but one", client_of_fewer_signatures, client_of_other_signatures,
      REFUSED, false },
    { "client: higher security level", plain, client_of_a_higher_level, REFUSED, false },
    { "client: lower security level", plain, client_of_a_lower_level, JUDGED, false },
    { "client: other groups", plain, client_of_other_groups, JUDGED, false },
    { "client: the same groups", client_of_other_groups, client_of_other_groups, RESUMED, false },
    { "client: one curve", client_of_other_groups, client_of_one_curve, JUDGED, false },
    { "client: own groups", plain, client_connection_of_other_groups, JUDGED, false },
    { "client: the same own groups", client_connection_of_other_groups,
      client_connection_of_other_groups, RESUMED, false },
    { "client: other own signatures", plain, client_connection_of_other_signatures, REFUSED, false },
    { "client: fewer own signatures", plain, client_connection_of_fewer_signatures, JUDGED, false },
    { "other client signatures", strict_server, server_of_other_client_signatures, REFUSED, false },
    { "fewer client signatures", strict_server, server_of_fewer_client_signatures, JUDGED, false },
    { "other own client signatures", strict_server, server_connection_of_other_client_signatures,
      REFUSED, false },
    { "fewer own client signatures", strict_server, server_connection_of_fewer_client_signatures,
      JUDGED, false },
    { "the same own client signatures", server_connection_of_fewer_client_signatures, plain, RESUMED,
      false },
    { "client: fewer ciphers", plain, client_of_fewer_ciphers, JUDGED, false },
    { "other signatures", strict_rsa_server, server_of_other_signatures, REFUSED, false },
    { "fewer signatures", strict_server, server_of_fewer_signatures, JUDGED, false },
    { "fewer signatures of nobody", plain, server_of_fewer_signatures, RESUMED, false },
    { "higher security level", strict_server, server_of_a_higher_level, REFUSED, false },
    { "lower security level", strict_server, server_of_a_lower_level, JUDGED, false },
    { "other groups", strict_server, server_of_other_groups, JUDGED, false },
    { "fewer ciphers", plain, server_of_fewer_ciphers, JUDGED, false },
};

static void test_na_221_every_change_in_every_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t w = 0; w < COUNT_OF(ways); w++)
            for (size_t k = 0; k < COUNT_OF(kinds); k++) {
                world self;

                if (rows[i].tickets_only && ways[w].stateful)
                    continue;
                print_message("# %s, %s, %zu\n", rows[i].name, ways[w].name, k);
                begin(&self, &ways[w], kinds[k], rows[i].prepare);
                rows[i].change(&self);
                end(&self, kinds[k], rows[i].outcome);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_221_every_change_in_every_way),
    };

    return cmocka_run_group_tests_name("resumption", tests, NULL, NULL);
}
