/* Contexts that change while other threads shake hands on them. */
#include "contexts.h"

#include <pthread.h>
#include <time.h>

#include "pyossl/conn.h"

enum { HANDSHAKES = 40, WORKERS = 3, CHANGERS = 4, CHANGES = 60, OPTIONS = 3, SLOW = 10 };

typedef struct stage {
    pyossl_ctx *client_ctx, *server_ctx;
    pyossl_x509 *cert[2], *intermediate;
    pyossl_pkey *key[2];
    atomic_bool stop;
    atomic_int failed, made, released, verified, changes, inside;
} stage;

static pyossl_answer on_verify(pyossl_conn *conn, const pyossl_verify_event *event, void *userdata)
{
    stage **tag = userdata;

    (void)conn;
    atomic_fetch_add(&(*tag)->verified, 1);
    return event->preverify ? PYOSSL_ANSWER_ACCEPT : PYOSSL_ANSWER_DECLINE;
}

static pyossl_answer on_alpn(pyossl_conn *conn, const unsigned char *offered, size_t offered_len,
                             unsigned char *selected, size_t *selected_len, void *userdata)
{
    (void)conn;
    (void)userdata;
    *selected_len = offered_len > 0 ? offered[0] : 0;
    memcpy(selected, offered + 1, *selected_len);
    return PYOSSL_ANSWER_ACCEPT;
}

static void release_tag(void *userdata)
{
    stage **tag = userdata;

    atomic_fetch_add(&(*tag)->released, 1);
    OPENSSL_free(tag);
}

/* Userdata that is freed with its callback: whoever calls that too late is found out. */
static stage **new_tag(stage *self)
{
    stage **tag = OPENSSL_malloc(sizeof(stage *));

    *tag = self;
    atomic_fetch_add(&self->made, 1);
    return tag;
}

static void *change_thread(void *arg)
{
    stage *self = arg;

    for (int i = 0; !atomic_load(&self->stop); i++) {
        const int n = i % 2;

        if (pyossl_ctx_set_verify(self->client_ctx, PYOSSL_VERIFY_PEER, on_verify, new_tag(self),
                                  release_tag) != PYOSSL_OK ||
            pyossl_ctx_use_identity(self->server_ctx, self->cert[n], self->key[n],
                                    &self->intermediate, 1) != PYOSSL_OK ||
            pyossl_ctx_set_alpn_select(self->server_ctx, on_alpn, new_tag(self), release_tag) !=
                PYOSSL_OK ||
            pyossl_ctx_set_cipher_list(self->server_ctx, n ? "ECDHE" : "ECDHE+AESGCM") !=
                PYOSSL_OK ||
            pyossl_ctx_set_verify_hostname(self->client_ctx, n ? "localhost" : "a.example.test",
                                           n ? 9 : 14, 0) != PYOSSL_OK ||
            pyossl_ctx_set_cipher_list(self->server_ctx, "nonsense") == PYOSSL_OK)
            atomic_fetch_add(&self->failed, 1);
        atomic_fetch_add(&self->changes, 1);
    }
    return NULL;
}

/* What one side has to say to the other. */
static bool carry(pyossl_conn *from, pyossl_conn *to)
{
    unsigned char buf[4096];
    size_t got, put;

    while (pyossl_conn_drain(from, buf, sizeof buf, &got) == PYOSSL_OK)
        if (pyossl_conn_feed(to, buf, got, &put) != PYOSSL_OK || put != got)
            return false;
    return true;
}

static bool shake_hands(stage *self)
{
    osl_auto(pyossl_conn) *client = NULL, *server = NULL;
    pyossl_status to_client = PYOSSL_WANT_READ, to_server = PYOSSL_WANT_READ;

    if (pyossl_conn_new(&client, self->client_ctx) != PYOSSL_OK ||
        pyossl_conn_new(&server, self->server_ctx) != PYOSSL_OK ||
        pyossl_conn_use_memory(client) != PYOSSL_OK ||
        pyossl_conn_use_memory(server) != PYOSSL_OK ||
        pyossl_conn_set_role(client, PYOSSL_CLIENT) != PYOSSL_OK ||
        pyossl_conn_set_role(server, PYOSSL_SERVER) != PYOSSL_OK)
        return false;
    for (int i = 0; i < 20 && (to_client != PYOSSL_OK || to_server != PYOSSL_OK); i++) {
        to_client = pyossl_conn_handshake(client);
        if (!carry(client, server))
            return false;
        to_server = pyossl_conn_handshake(server);
        if (!carry(server, client))
            return false;
    }
    return to_client == PYOSSL_OK && to_server == PYOSSL_OK;
}

static void *shake_thread(void *arg)
{
    stage *self = arg;

    for (int i = 0; i < HANDSHAKES; i++)
        if (!shake_hands(self))
            atomic_fetch_add(&self->failed, 1);
    return NULL;
}

static void test_na_052_changes_during_handshakes(void **state)
{
    stage self = { .cert = { cert_from(DATA("server.pem")), cert_from(DATA("server-ec.pem")) },
                   .key = { key_from(DATA("rsa.pem")), key_from(DATA("ec.pem")) },
                   .intermediate = cert_from(DATA("intermediate.pem")),
                   .client_ctx = new_ctx(),
                   .server_ctx = new_ctx() };
    pthread_t changer, workers[WORKERS];

    (void)state;
    assert_ok(pyossl_ctx_load_verify_locations(self.client_ctx, DATA("root.pem"), NULL));
    assert_ok(pyossl_ctx_set_alpn_protos(self.client_ctx, (const unsigned char *)"\2h2", 3));
    assert_ok(
        pyossl_ctx_use_identity(self.server_ctx, self.cert[0], self.key[0], &self.intermediate, 1));
    assert_int_equal(pthread_create(&changer, NULL, change_thread, &self), 0);
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&workers[i], NULL, shake_thread, &self), 0);
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_join(workers[i], NULL), 0);
    atomic_store(&self.stop, true);
    assert_int_equal(pthread_join(changer, NULL), 0);
    assert_int_equal(atomic_load(&self.failed), 0);
    assert_true(atomic_load(&self.changes) > 0);
    assert_true(atomic_load(&self.verified) > 0);
    pyossl_ctx_unref(self.client_ctx);
    pyossl_ctx_unref(self.server_ctx);
    assert_int_equal(atomic_load(&self.released), atomic_load(&self.made));
    for (int i = 0; i < 2; i++) {
        pyossl_x509_unref(self.cert[i]);
        pyossl_pkey_unref(self.key[i]);
    }
    pyossl_x509_unref(self.intermediate);
}

/* Those that a new context does not have; each of the threads sets its own. */
static const uint64_t options[CHANGERS][OPTIONS] = {
    { SSL_OP_NO_TICKET, SSL_OP_NO_QUERY_MTU, SSL_OP_COOKIE_EXCHANGE },
    { SSL_OP_CIPHER_SERVER_PREFERENCE, SSL_OP_NO_TLSv1, SSL_OP_NO_TLSv1_1 },
    { SSL_OP_PRIORITIZE_CHACHA, SSL_OP_NO_ANTI_REPLAY, SSL_OP_ALLOW_NO_DHE_KEX },
    { SSL_OP_NO_RENEGOTIATION, SSL_OP_NO_ENCRYPT_THEN_MAC, SSL_OP_TLSEXT_PADDING },
};

typedef struct changer {
    stage *stage;
    const uint64_t *options;
    pthread_t thread;
} changer;

/* A change that lasts long enough for the others to come in, and sees whether one does. */
static pyossl_status apply_slowly(osl_generation *generation, const osl_setting *setting)
{
    const struct timespec moment = { .tv_nsec = 50000 };
    stage *self = setting->data;

    (void)generation;
    if (atomic_fetch_add(&self->inside, 1) != 0)
        atomic_fetch_add(&self->failed, 1);
    (void)nanosleep(&moment, NULL);
    atomic_fetch_sub(&self->inside, 1);
    return PYOSSL_OK;
}

static pyossl_status change_slowly(stage *self)
{
    osl_setting *setting = osl_setting_new(OSL_SET_ADD_EXTRA_CHAIN, apply_slowly);

    if (setting == NULL)
        return PYOSSL_E_NOMEM;
    setting->data = self;
    return osl_ctx_change(self->server_ctx, setting);
}

/* Some of the changes find a context that a connection has, some one that nobody has yet. */
static void *append_thread(void *arg)
{
    changer *self = arg;
    pyossl_ctx *ctx = self->stage->server_ctx;

    while (atomic_load(&self->stage->stop))
        continue;
    for (int i = 0; i < CHANGES; i++) {
        if (i % 4 == 0)
            osl_generation_unref(osl_ctx_acquire(ctx));
        if (pyossl_ctx_add_extra_chain_cert(ctx, self->stage->intermediate) != PYOSSL_OK ||
            pyossl_ctx_set_verify(ctx, PYOSSL_VERIFY_PEER, on_verify, new_tag(self->stage),
                                  release_tag) != PYOSSL_OK ||
            pyossl_ctx_set_timeout(ctx, 100 + i) != PYOSSL_OK ||
            (i % SLOW == 0 && change_slowly(self->stage) != PYOSSL_OK) ||
            (i < OPTIONS && pyossl_ctx_set_options(ctx, self->options[i]) != PYOSSL_OK))
            atomic_fetch_add(&self->stage->failed, 1);
    }
    return NULL;
}

/* Nothing of what one thread adds is lost because another adds something at that moment. */
static void test_changes_by_several_threads(void **state)
{
    stage self = { .server_ctx = new_ctx(), .intermediate = cert_from(DATA("intermediate.pem")) };
    changer changers[CHANGERS];
    uint64_t wanted = 0;
    size_t settings;
    snapshot after;

    (void)state;
    take_snapshot(self.server_ctx, &after);
    for (size_t i = 0; i < CHANGERS; i++)
        for (size_t j = 0; j < OPTIONS; j++)
            wanted |= options[i][j];
    assert_int_equal(after.options & wanted, 0);
    settings = count_settings(self.server_ctx);

    atomic_store(&self.stop, true);
    for (size_t i = 0; i < CHANGERS; i++) {
        changers[i] = (changer){ .stage = &self, .options = options[i] };
        assert_int_equal(pthread_create(&changers[i].thread, NULL, append_thread, &changers[i]), 0);
    }
    atomic_store(&self.stop, false);
    for (size_t i = 0; i < CHANGERS; i++)
        assert_int_equal(pthread_join(changers[i].thread, NULL), 0);

    assert_int_equal(atomic_load(&self.failed), 0);
    take_snapshot(self.server_ctx, &after);
    assert_int_equal(after.extra, CHANGERS * CHANGES);
    assert_int_equal(after.options & wanted, wanted);
    assert_int_equal(after.timeout, 100 + CHANGES - 1);
    /* Of those that replace each other one is left: the options, the callback, the timeout. */
    assert_int_equal(count_settings(self.server_ctx),
                     settings + CHANGERS * (CHANGES + CHANGES / SLOW) + 3);
    assert_int_equal(atomic_load(&self.made), CHANGERS * CHANGES);
    assert_int_equal(atomic_load(&self.released), CHANGERS * CHANGES - 1);
    pyossl_ctx_unref(self.server_ctx);
    assert_int_equal(atomic_load(&self.released), CHANGERS * CHANGES);
    pyossl_x509_unref(self.intermediate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes_by_several_threads),
        cmocka_unit_test(test_na_052_changes_during_handshakes),
    };

    return cmocka_run_group_tests_name("ctx_threads", tests, NULL, NULL);
}
