/*
 * Everything that changes a context, its store and a certificate that was given
 * to both, by one thread each, while others shake hands and judge by them:
 * nothing that libssl may be reading is written. ThreadSanitizer sees what this
 * alone does not.
 *
 * Nothing here is asserted outside the main thread: threads count what is wrong.
 */
#include "load.h"
#include "material.h"
#include "test.h"

#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

enum { SHAKERS = 2, POLICIES = 400, SECONDS_MAX = 600 };

typedef struct stage {
    world all;
    pyossl_store *store; /* that of the client of TLS 1.3 */
    pyossl_crl *crl;
    pyossl_buf dh;
    size_t each;
    atomic_int failed, handshakes, changes;
    atomic_bool stop;
} stage;

static pyossl_status handshake(stage *self, unsigned number)
{
    OWNED(ctx) client = NULL;
    OWNED(ctx) server = NULL;
    duo both = { .client = NULL };
    pyossl_status of_client = PYOSSL_WANT_READ, of_server = PYOSSL_WANT_READ, status;

    (void)world_take(&self->all, number % 4 == 0 ? TLS_1_2 : TLS_1_3, &client, &server);
    status = duo_open(&both, client, server, MEMORY);
    if (status == PYOSSL_OK)
        status = pyossl_conn_set_servername(both.client, "localhost", 9);
    for (int i = 0; i < 20 && status == PYOSSL_OK; i++) {
        of_client = pyossl_conn_handshake(both.client);
        status = duo_carry(&both);
        of_server = pyossl_conn_handshake(both.server);
        if (status == PYOSSL_OK)
            status = duo_carry(&both);
        if (!pyossl_is_retry(of_client) && !pyossl_is_retry(of_server))
            break;
    }
    if (status == PYOSSL_OK)
        status = of_client != PYOSSL_OK ? of_client : of_server;
    if (status != PYOSSL_OK)
        fprintf(stderr, "# %s\n", test_reason());
    duo_close(&both);
    return status;
}

static void *shake_often(void *arg)
{
    stage *self = arg;

    for (unsigned i = 0; i < self->each; i++)
        atomic_fetch_add(handshake(self, i) == PYOSSL_OK ? &self->handshakes : &self->failed, 1);
    return NULL;
}

static void *judge_often(void *arg)
{
    stage *self = arg;

    while (!atomic_load(&self->stop)) {
        OWNED_VERDICT verdict = PYOSSL_VERDICT_INIT;
        OWNED_LIST held = PYOSSL_X509_LIST_INIT;

        if (pyossl_store_verify(self->store, self->all.cert[0], &self->all.intermediate, 1,
                                &verdict) != PYOSSL_OK ||
            pyossl_store_certs(self->store, &held) != PYOSSL_OK ||
            (pyossl_store_get_flags(self->store) & PYOSSL_STORE_TRUSTED_FIRST) == 0)
            atomic_fetch_add(&self->failed, 1);
    }
    return NULL;
}

/* ---- callbacks that have no opinion ---- */

static pyossl_answer on_passphrase(char *buf, size_t cap, size_t *len, int confirm, void *userdata)
{
    (void)buf, (void)cap, (void)len, (void)confirm, (void)userdata;
    return PYOSSL_ANSWER_DECLINE;
}

static void on_info(pyossl_conn *conn, int where, int ret, void *userdata)
{
    (void)conn, (void)where, (void)ret, (void)userdata;
}

static void on_keylog(pyossl_conn *conn, const char *line, void *userdata)
{
    (void)conn, (void)line, (void)userdata;
}

static void on_session(pyossl_conn *conn, pyossl_session *session, void *userdata)
{
    (void)conn, (void)session, (void)userdata;
}

static pyossl_answer on_servername(pyossl_conn *conn, void *userdata)
{
    (void)conn, (void)userdata;
    return PYOSSL_ANSWER_DECLINE;
}

static pyossl_answer on_protocols(pyossl_conn *conn, const unsigned char *offered, size_t len,
                                  unsigned char *selected, size_t *selected_len, void *userdata)
{
    (void)conn, (void)offered, (void)len, (void)selected, (void)selected_len, (void)userdata;
    return PYOSSL_ANSWER_DECLINE;
}

static pyossl_answer on_bytes(pyossl_conn *conn, pyossl_buf *out, void *userdata)
{
    (void)conn, (void)out, (void)userdata;
    return PYOSSL_ANSWER_DECLINE;
}

static pyossl_answer on_response(pyossl_conn *conn, const unsigned char *response, size_t len,
                                 void *userdata)
{
    (void)conn, (void)response, (void)len, (void)userdata;
    return PYOSSL_ANSWER_ACCEPT;
}

static pyossl_answer on_cookie(pyossl_conn *conn, unsigned char *cookie, size_t cap, size_t *len,
                               void *userdata)
{
    (void)conn, (void)cookie, (void)cap, (void)len, (void)userdata;
    return PYOSSL_ANSWER_DECLINE;
}

static pyossl_answer on_cookie_back(pyossl_conn *conn, const unsigned char *cookie, size_t len,
                                    void *userdata)
{
    (void)conn, (void)cookie, (void)len, (void)userdata;
    return PYOSSL_ANSWER_DECLINE;
}

/* Each is there in one round and not in the next. */
static pyossl_status change_callbacks(stage *self, unsigned number)
{
    pyossl_ctx *ctx = self->all.server[TLS_1_3], *client = self->all.client[TLS_1_3];
    const bool on = number % 2 != 0;
    const bool npn = pyossl_has(PYOSSL_FEATURE_NPN);

    TRY(pyossl_ctx_set_info(ctx, on ? on_info : NULL, NULL, NULL));
    TRY(pyossl_ctx_set_keylog(ctx, on ? on_keylog : NULL, NULL, NULL));
    TRY(pyossl_ctx_set_new_session(client, on ? on_session : NULL, NULL, NULL));
    TRY(pyossl_ctx_set_servername(ctx, on ? on_servername : NULL, NULL, NULL));
    TRY(pyossl_ctx_set_alpn_select(ctx, on ? on_protocols : NULL, NULL, NULL));
    if (npn)
        TRY(pyossl_ctx_set_npn_advertise(ctx, on ? on_bytes : NULL, NULL, NULL));
    if (npn)
        TRY(pyossl_ctx_set_npn_select(ctx, on ? on_protocols : NULL, NULL, NULL));
    TRY(pyossl_ctx_set_ocsp_server(ctx, on ? on_bytes : NULL, NULL, NULL));
    TRY(pyossl_ctx_set_ocsp_client(client, on ? on_response : NULL, NULL, NULL));
    TRY(pyossl_ctx_set_cookie_generate(ctx, on ? on_cookie : NULL, NULL, NULL));
    return pyossl_ctx_set_cookie_verify(ctx, on ? on_cookie_back : NULL, NULL, NULL);
}

/* ---- what changes ---- */

static pyossl_status change_store(stage *self, unsigned number)
{
    char oid[32];

    snprintf(oid, sizeof oid, "1.2.3.%u", number % POLICIES);
    TRY(pyossl_store_add_policy(self->store, oid));
    TRY(pyossl_store_set_flags(self->store, number % 2 != 0 ? PYOSSL_STORE_CHECK_SS_SIGNATURE
                                                            : PYOSSL_STORE_TRUSTED_FIRST));
    TRY(pyossl_store_set_depth(self->store, 5 + (int)(number % 3)));
    TRY(pyossl_store_set_time(self->store, (int64_t)time(NULL) + (int64_t)(number % 5)));
    TRY(pyossl_store_set_purpose(self->store, number % 2 != 0 ? "sslserver" : "any"));
    if (number % 16 != 0)
        return PYOSSL_OK;
    TRY(pyossl_store_add_crl(self->store, self->crl));
    TRY(pyossl_ctx_load_verify_locations(self->all.client[TLS_1_3], DATA("root.pem"), NULL));
    TRY(pyossl_ctx_set_default_verify_paths(self->all.client[TLS_1_3]));
    TRY(pyossl_store_load_locations(self->store, DATA("other-root.pem"), NULL));
    return pyossl_store_load_locations(self->store, DATA("root.pem"), DATA("capath"));
}

/* What use_identity() said, once more and in parts; and another type of key, which no client wants. */
static pyossl_status change_credentials(stage *self, unsigned which)
{
    pyossl_ctx *ctx = self->all.server[TLS_1_3];

    TRY(pyossl_ctx_use_certificate(ctx, self->all.cert[which]));
    TRY(pyossl_ctx_use_pkey(ctx, self->all.key[which]));
    TRY(pyossl_ctx_add_extra_chain_cert(ctx, self->all.intermediate));
    TRY(pyossl_ctx_set_passphrase(ctx, on_passphrase, NULL, NULL));
    TRY(pyossl_ctx_use_certificate_chain_file(ctx, DATA("chain.pem")));
    TRY(pyossl_ctx_use_certificate_file(ctx, DATA("server.pem"), PYOSSL_PEM));
    return pyossl_ctx_use_pkey_file(ctx, DATA("rsa.pem"), PYOSSL_PEM);
}

/* It is the client's and the server's as it was when it was given to them. */
static pyossl_status change_cert(stage *self, unsigned number)
{
    OWNED(x509) cert = NULL;
    OWNED(name) name = NULL;
    OWNED(ext) ext = NULL;
    char serial[16];

    TRY(pyossl_x509_copy(&cert, self->all.intermediate));
    TRY(pyossl_store_add_cert(self->store, cert));
    TRY(pyossl_ctx_add_client_ca(self->all.server[TLS_1_3], cert));
    TRY(pyossl_x509_subject(cert, &name));
    TRY(pyossl_ctx_set_client_ca_list(self->all.server[TLS_1_3], &name, 1));
    TRY(pyossl_ctx_use_identity(self->all.server[TLS_1_3], self->all.cert[number % 2],
                                self->all.key[number % 2], &cert, 1));
    TRY(change_credentials(self, number % 2));
    snprintf(serial, sizeof serial, "%X", number + 1);
    TRY(pyossl_x509_set_serial(cert, serial));
    TRY(pyossl_x509_set_version(cert, 2));
    TRY(pyossl_x509_adj_not_before(cert, 0));
    TRY(pyossl_x509_adj_not_after(cert, 3600));
    TRY(pyossl_x509_set_not_before(cert, "20200101000000Z", 15));
    TRY(pyossl_x509_set_not_after(cert, "20400101000000Z", 15));
    TRY(pyossl_x509_set_issuer(cert, name));
    TRY(pyossl_x509_set_subject(cert, name));
    TRY(pyossl_x509_set_pubkey(cert, self->all.key[0]));
    TRY(pyossl_x509_ext_at(cert, 0, &ext));
    TRY(pyossl_x509_remove_ext(cert, 0));
    TRY(pyossl_x509_add_exts(cert, &ext, 1));
    return pyossl_x509_sign(cert, self->all.key[0], "sha256");
}

static pyossl_status change_client(stage *self, unsigned number)
{
    pyossl_ctx *ctx = self->all.client[TLS_1_3];
    const unsigned odd = number % 2;

    TRY(pyossl_ctx_set_verify(ctx, PYOSSL_VERIFY_PEER, NULL, NULL, NULL));
    TRY(pyossl_ctx_set_verify_depth(ctx, 8 + (int)odd));
    TRY(pyossl_ctx_set_verify_hostname(ctx, odd ? "localhost" : NULL, odd ? 9 : 0, 0));
    TRY(pyossl_ctx_set_verify_ip(ctx, NULL, 0));
    pyossl_ctx_set_strict(ctx, 0);
    pyossl_ctx_set_userdata(ctx, self);
    TRY(pyossl_ctx_set_alpn_protos(ctx, (const unsigned char *)"\2h2", 3));
    TRY(pyossl_ctx_set_sigalgs(ctx, odd ? "ECDSA+SHA256:ed25519" : "ed25519:ECDSA+SHA256"));
    TRY(pyossl_ctx_set_post_handshake_auth(ctx, (int)odd));
    TRY(pyossl_ctx_set_security_level(ctx, 1));
    TRY(pyossl_ctx_set_read_ahead(ctx, (int)odd));
    return pyossl_ctx_set_max_cert_list(ctx, 100000 + (long)odd);
}

static pyossl_status change_server(stage *self, unsigned number)
{
    pyossl_ctx *ctx = self->all.server[TLS_1_3];
    const unsigned odd = number % 2;

    TRY(pyossl_ctx_set_options(ctx, 0x40000000)); /* no renegotiation */
    TRY(pyossl_ctx_clear_options(ctx, 0x40000000));
    TRY(pyossl_ctx_set_mode(ctx, 0x10)); /* release buffers */
    TRY(pyossl_ctx_clear_mode(ctx, 0x10));
    TRY(pyossl_ctx_set_cipher_list(ctx, odd ? "ECDHE" : "ECDHE+AESGCM"));
    TRY(pyossl_ctx_set_ciphersuites(ctx, odd ? "TLS_AES_128_GCM_SHA256"
                                             : "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"));
    TRY(pyossl_ctx_set_groups(ctx, odd ? "P-256:X25519" : "X25519:P-256"));
    TRY(pyossl_ctx_set_client_sigalgs(ctx, odd ? "ed25519:ECDSA+SHA256" : "ECDSA+SHA256"));
    TRY(pyossl_ctx_set_tmp_ecdh(ctx, "prime256v1"));
    TRY(pyossl_ctx_load_tmp_dh(ctx, DATA("dh.pem")));
    TRY(pyossl_ctx_set_tmp_dh(ctx, self->dh.data, self->dh.len));
    TRY(pyossl_ctx_set_min_version(ctx, odd ? 0x0303 : 0x0304));
    TRY(pyossl_ctx_set_max_version(ctx, odd ? 0 : 0x0304));
    TRY(pyossl_ctx_load_client_ca(ctx, DATA("authorities.pem")));
    TRY(pyossl_ctx_set_session_id(ctx, odd ? "one" : "two", 3));
    TRY(pyossl_ctx_set_session_cache_mode(ctx, odd ? 2 : 0));
    TRY(pyossl_ctx_set_timeout(ctx, 300 + (long)odd));
    return pyossl_ctx_set_num_tickets(ctx, odd);
}

typedef struct changer {
    stage *at;
    pyossl_status (*change)(stage *self, unsigned number);
} changer;

static void *change_often(void *arg)
{
    const changer *self = arg;

    for (unsigned i = 0; !atomic_load(&self->at->stop); i++) {
        if (self->change(self->at, i) != PYOSSL_OK) {
            fprintf(stderr, "# %s\n", test_reason());
            atomic_fetch_add(&self->at->failed, 1);
        }
        atomic_fetch_add(&self->at->changes, 1);
        usleep(500);
    }
    return NULL;
}

static void test_na_239_everything_changes_during_handshakes(void **state)
{
    stage self = { .each = load_count(60, 5000) };
    changer changers[] = { { &self, change_store },
                           { &self, change_cert },
                           { &self, change_callbacks },
                           { &self, change_client },
                           { &self, change_server } };
    enum { CHANGERS = sizeof changers / sizeof *changers };
    pthread_t shakers[SHAKERS], judge, others[CHANGERS];
    OWNED_BUF list = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(world_open(&self.all));
    assert_ok(pyossl_ctx_store(self.all.client[TLS_1_3], &self.store));
    assert_ok(pyossl_store_set_flags(self.store, PYOSSL_STORE_TRUSTED_FIRST));
    list = material_read(DATA("crl-empty.pem"));
    assert_ok(pyossl_crl_load(&self.crl, PYOSSL_PEM, list.data, list.len));
    self.dh = material_read(DATA("dh.pem"));
    for (int i = 0; i < CHANGERS; i++)
        assert_int_equal(pthread_create(&others[i], NULL, change_often, &changers[i]), 0);
    assert_int_equal(pthread_create(&judge, NULL, judge_often, &self), 0);
    for (int i = 0; i < SHAKERS; i++)
        assert_int_equal(pthread_create(&shakers[i], NULL, shake_often, &self), 0);
    for (int i = 0; i < SHAKERS; i++)
        assert_int_equal(pthread_join(shakers[i], NULL), 0);
    atomic_store(&self.stop, true);
    assert_int_equal(pthread_join(judge, NULL), 0);
    for (int i = 0; i < CHANGERS; i++)
        assert_int_equal(pthread_join(others[i], NULL), 0);
    print_message("# changes: %d handshakes beside %d rounds of changes; %d wrong\n",
                  atomic_load(&self.handshakes), atomic_load(&self.changes),
                  atomic_load(&self.failed));
    assert_int_equal(atomic_load(&self.failed), 0);
    assert_int_equal(atomic_load(&self.handshakes), SHAKERS * self.each);
    pyossl_buf_clear(&self.dh);
    pyossl_crl_unref(self.crl);
    pyossl_store_unref(self.store);
    world_close(&self.all);
}

/* ---- two threads, one subject ---- */

typedef struct race {
    pyossl_store *store;
    pyossl_x509 *cert;
    pthread_barrier_t start;
    pyossl_status status;
    unsigned pause;
} race;

static void *add_one(void *arg)
{
    race *self = arg;

    pthread_barrier_wait(&self->start);
    for (volatile unsigned i = 0; i < self->pause; i++)
        ;
    self->status = pyossl_store_add_cert(self->store, self->cert);
    return NULL;
}

/* A root with the subject of root.pem's and another key. */
static pyossl_status namesake(const world *all, pyossl_x509 **out)
{
    OWNED(store) store = NULL;
    OWNED(x509) made = NULL;
    OWNED_LIST held = PYOSSL_X509_LIST_INIT;

    TRY(pyossl_store_new(&store));
    TRY(pyossl_store_load_locations(store, DATA("root.pem"), NULL));
    TRY(pyossl_store_certs(store, &held));
    TRY(pyossl_x509_copy(&made, held.items[0]));
    TRY(pyossl_x509_set_pubkey(made, all->key[0]));
    TRY(pyossl_x509_sign(made, all->key[0], "sha256"));
    *out = made;
    made = NULL;
    return PYOSSL_OK;
}

/* The file's certificate has the subject of the one that is added meanwhile: both are there. */
static void test_na_240_a_file_and_a_certificate_at_once(void **state)
{
    world all;
    race self = { .status = PYOSSL_E_STATE };

    (void)state;
    assert_ok(world_open(&all));
    assert_ok(namesake(&all, &self.cert));
    assert_int_equal(pthread_barrier_init(&self.start, NULL, 2), 0);
    for (unsigned i = 0; i < load_count(100, 5000); i++) {
        OWNED(store) store = NULL;
        OWNED_VERDICT verdict = PYOSSL_VERDICT_INIT;
        OWNED_LIST held = PYOSSL_X509_LIST_INIT;
        pthread_t adder;

        assert_ok(pyossl_store_new(&store));
        self.store = store;
        self.pause = i % 97 * 3;
        assert_int_equal(pthread_create(&adder, NULL, add_one, &self), 0);
        pthread_barrier_wait(&self.start);
        assert_ok(pyossl_store_load_locations(store, DATA("root.pem"), NULL));
        assert_int_equal(pthread_join(adder, NULL), 0);
        assert_ok(self.status);
        assert_ok(pyossl_store_verify(store, all.cert[0], &all.intermediate, 1, &verdict));
        assert_ok(pyossl_store_certs(store, &held));
        assert_int_equal(held.count, 2);
    }
    pyossl_x509_unref(self.cert);
    pthread_barrier_destroy(&self.start);
    world_close(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_239_everything_changes_during_handshakes),
        cmocka_unit_test(test_na_240_a_file_and_a_certificate_at_once),
    };

    alarm(SECONDS_MAX);
    return cmocka_run_group_tests_name("changes", tests, NULL, NULL);
}
