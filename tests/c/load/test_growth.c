/*
 * What is done very often leaves nothing behind: connections of each kind, and
 * everything that reads an encoding, given good input and bad.
 *
 * A sanitizer that finds leaks finds what is lost; this finds what is kept.
 */
#include "load.h"
#include "test.h"

#include <unistd.h>

enum { SECONDS_MAX = 1800, WARM_UP = 2000, GROWTH_MAX = 1 << 20, ROOM = 1 << 16 };

/* Of what is released the allocator keeps some, which is no growth. */
static void assert_growth(const char *of, size_t times, const footprint *before)
{
    const footprint after = footprint_now();
    const long resident = after.resident - before->resident, heap = after.heap - before->heap;

    assert_int_equal(after.fds, before->fds);
    assert_int_equal(after.threads, before->threads);
    if (!footprint_exact())
        return;
    if (resident >= GROWTH_MAX || heap >= GROWTH_MAX)
        fail_msg("%s, %zu times: %ld bytes resident, %ld allocated", of, times, resident, heap);
}

/* ---- connections ---- */

static pyossl_session *sessions[VERSIONS];

static void one_connection(world *all, talker talkers[2], size_t number)
{
    static const carrier carriers[] = { MEMORY, SOCKETS, FUNCTIONS };
    const version at = number % VERSIONS;
    const size_t len = 1 + number % 1500;
    duo both = { .client = NULL };
    pyossl_status of_client, of_server;
    OWNED(ctx) client = NULL;
    OWNED(ctx) server = NULL;

    (void)world_take(all, at, &client, &server);
    assert_ok(duo_open(&both, client, server, carriers[number / VERSIONS % 3]));
    if (number % 32 >= VERSIONS)
        assert_ok(pyossl_conn_set_session(both.client, sessions[at]));
    talker_begin(&talkers[0], both.client, true, some_text(number), len, NULL, len);
    talker_begin(&talkers[1], both.server, false, some_text(number + 1), len, NULL, len);
    talk(&both, &talkers[0], &talkers[1], &of_client, &of_server);
    assert_status(of_client, PYOSSL_CLOSED);
    assert_status(of_server, PYOSSL_CLOSED);
    assert_true(talker_same(&talkers[0], &talkers[1]) && talker_same(&talkers[1], &talkers[0]));
    assert_int_equal(pyossl_conn_resumed(both.client), number % 32 >= VERSIONS);
    pyossl_session_unref(sessions[at]);
    sessions[at] = NULL;
    assert_ok(pyossl_conn_session(both.client, &sessions[at]));
    duo_close(&both);
}

static void test_na_069_connections(void **state)
{
    const size_t times = load_count(500, 100000);
    const double start = load_clock();
    talker talkers[2];
    footprint before = { 0 };
    world all;

    (void)state;
    assert_ok(world_open(&all));
    /* A server's own cache fills up to a limit, which is not what is looked for. */
    for (int at = 0; at < VERSIONS; at++)
        assert_ok(pyossl_ctx_set_session_cache_mode(all.server[at], 0));
    assert_true(talker_init(&talkers[0]) && talker_init(&talkers[1]));
    for (size_t i = 0; i < WARM_UP + times; i++) {
        if (i == WARM_UP)
            before = footprint_now();
        one_connection(&all, talkers, i);
    }
    print_message("# growth: %zu connections: %ld bytes resident, %ld allocated, %.0f s\n", times,
                  footprint_now().resident - before.resident, footprint_now().heap - before.heap,
                  load_clock() - start);
    assert_growth("connections", times, &before);
    for (int at = 0; at < VERSIONS; at++) {
        pyossl_session_unref(sessions[at]);
        sessions[at] = NULL;
    }
    talker_free(&talkers[0]);
    talker_free(&talkers[1]);
    world_close(&all);
}

/* ---- whatever reads ---- */

typedef pyossl_status (*loader)(const unsigned char *data, size_t len, pyossl_format format);

#define LOADER(noun)                                                                               \
    static pyossl_status load_##noun(const unsigned char *data, size_t len, pyossl_format format)  \
    {                                                                                              \
        OWNED(noun) loaded = NULL;                                                                 \
                                                                                                   \
        return pyossl_##noun##_load(&loaded, format, data, len);                                   \
    }

LOADER(x509)
LOADER(crl)
LOADER(req)
LOADER(pkcs7)

static pyossl_status load_all(const unsigned char *data, size_t len, pyossl_format format)
{
    OWNED_LIST list = PYOSSL_X509_LIST_INIT;

    (void)format;
    return pyossl_x509_load_all(&list, data, len);
}

static pyossl_status load_private(const unsigned char *data, size_t len, pyossl_format format)
{
    const pyossl_passphrase secret = { .data = "secret", .len = 6 };
    OWNED(pkey) key = NULL;

    return pyossl_pkey_load_private(&key, format, data, len, &secret);
}

static pyossl_status load_public(const unsigned char *data, size_t len, pyossl_format format)
{
    OWNED(pkey) key = NULL;

    return pyossl_pkey_load_public(&key, format, data, len);
}

static pyossl_status load_pkcs12(const unsigned char *data, size_t len, pyossl_format format)
{
    const pyossl_passphrase secret = { .data = "secret", .len = 6 };
    OWNED(pkcs12) p12 = NULL;

    (void)format;
    return pyossl_pkcs12_load(&p12, data, len, &secret);
}

static pyossl_status load_spki(const unsigned char *data, size_t len, pyossl_format format)
{
    OWNED(spki) spki = NULL;

    (void)format;
    while (len > 0 && (data[len - 1] == '\n' || data[len - 1] == '\r'))
        len--;
    return pyossl_spki_load(&spki, (const char *)data, len);
}

static pyossl_status load_name(const unsigned char *data, size_t len, pyossl_format format)
{
    OWNED(name) name = NULL;

    (void)format;
    return pyossl_name_load(&name, data, len);
}

static pyossl_status load_session(const unsigned char *data, size_t len, pyossl_format format)
{
    static pyossl_ctx *ctx;
    OWNED(session) session = NULL;

    (void)format;
    if (ctx == NULL)
        TRY(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    return pyossl_session_load(&session, ctx, data, len);
}

static pyossl_status load_ext(const unsigned char *data, size_t len, pyossl_format format)
{
    OWNED(ext) ext = NULL;

    (void)format;
    return pyossl_ext_new(&ext, "subjectAltName", 0, (const char *)data, len, NULL, NULL);
}

/* A context from files, and one more file that is not there. */
static pyossl_status load_context(const unsigned char *data, size_t len, pyossl_format format)
{
    OWNED(ctx) ctx = NULL;
    OWNED(store) store = NULL;
    const char *const missing = DATA("no-such-file.pem");

    (void)data;
    (void)format;
    if (len == 0)
        return PYOSSL_E_FORMAT;
    TRY(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    TRY(pyossl_ctx_use_certificate_chain_file(ctx, DATA("chain.pem")));
    TRY(pyossl_ctx_use_certificate_file(ctx, DATA("server-ec.pem"), PYOSSL_PEM));
    TRY(pyossl_ctx_use_pkey_file(ctx, DATA("ec.pem"), PYOSSL_PEM));
    TRY(pyossl_ctx_load_verify_locations(ctx, DATA("authorities.pem"), DATA("capath")));
    TRY(pyossl_ctx_load_client_ca(ctx, DATA("authorities.pem")));
    TRY(pyossl_ctx_load_tmp_dh(ctx, DATA("dh.pem")));
    TRY(pyossl_store_new(&store));
    TRY(pyossl_store_load_locations(store, DATA("root.pem"), NULL));
    if (pyossl_ctx_use_certificate_file(ctx, missing, PYOSSL_PEM) == PYOSSL_OK ||
        pyossl_ctx_use_pkey_file(ctx, missing, PYOSSL_PEM) == PYOSSL_OK ||
        pyossl_ctx_load_verify_locations(ctx, missing, NULL) == PYOSSL_OK ||
        pyossl_store_load_locations(store, missing, NULL) == PYOSSL_OK)
        return PYOSSL_E_STATE;
    return PYOSSL_OK;
}

typedef struct input {
    const char *name, *path;
    loader load;
    pyossl_format format;
} input;

static const input inputs[] = {
    { "certificate, PEM", DATA("server.pem"), load_x509, PYOSSL_PEM },
    { "certificate, DER", DATA("server.der"), load_x509, PYOSSL_DER },
    { "certificates", DATA("chain.pem"), load_all, PYOSSL_PEM },
    { "revocation list, PEM", DATA("crl.pem"), load_crl, PYOSSL_PEM },
    { "revocation list, DER", DATA("crl.der"), load_crl, PYOSSL_DER },
    { "request, PEM", DATA("request.pem"), load_req, PYOSSL_PEM },
    { "request, DER", DATA("request.der"), load_req, PYOSSL_DER },
    { "RSA key, PEM", DATA("rsa.pem"), load_private, PYOSSL_PEM },
    { "RSA key, DER", DATA("rsa.der"), load_private, PYOSSL_DER },
    { "RSA key, traditional", DATA("rsa-traditional.pem"), load_private, PYOSSL_PEM },
    { "EC key, PEM", DATA("ec.pem"), load_private, PYOSSL_PEM },
    { "EC key, DER", DATA("ec.der"), load_private, PYOSSL_DER },
    { "EC key, encrypted", DATA("ec-aes256.pem"), load_private, PYOSSL_PEM },
    { "Ed25519 key", DATA("ed25519.pem"), load_private, PYOSSL_PEM },
    { "DSA key", DATA("dsa.pem"), load_private, PYOSSL_PEM },
    { "public key, PEM", DATA("rsa-public.pem"), load_public, PYOSSL_PEM },
    { "public key, DER", DATA("rsa-public.der"), load_public, PYOSSL_DER },
    { "PKCS #7, PEM", DATA("pkcs7-certificates.pem"), load_pkcs7, PYOSSL_PEM },
    { "PKCS #7, DER", DATA("pkcs7-signed.der"), load_pkcs7, PYOSSL_DER },
    { "PKCS #12", NULL, load_pkcs12, PYOSSL_DER },
    { "SPKAC", DATA("spkac.txt"), load_spki, PYOSSL_PEM },
    { "name", NULL, load_name, PYOSSL_DER },
    { "session", NULL, load_session, PYOSSL_DER },
    { "extension", NULL, load_ext, PYOSSL_PEM },
    { "context and store from files", NULL, load_context, PYOSSL_PEM },
};

static size_t read_file(const char *path, unsigned char *room)
{
    FILE *file = fopen(path, "rb");
    size_t len;

    assert_non_null(file);
    len = fread(room, 1, ROOM, file);
    assert_true(len > 0 && len < ROOM);
    fclose(file);
    return len;
}

static size_t a_name(unsigned char *room)
{
    OWNED_BUF der = PYOSSL_BUF_INIT;
    OWNED(name) name = NULL;

    assert_ok(pyossl_name_new(&name));
    assert_ok(pyossl_name_set(name, "CN", "somebody", 8));
    assert_ok(pyossl_name_dump(name, &der));
    memcpy(room, der.data, der.len);
    return der.len;
}

/* With one round of its derivation: those of the test data take as long as they should. */
static size_t a_pkcs12(unsigned char *room)
{
    const pyossl_passphrase secret = { .data = "secret", .len = 6 };
    const pyossl_pkcs12_options quick = { sizeof quick, 1, 1, "aes-256-cbc", "sha256" };
    OWNED_BUF der = PYOSSL_BUF_INIT;
    OWNED(pkcs12) p12 = NULL;
    world all;

    assert_ok(world_open(&all));
    assert_ok(pyossl_pkcs12_new(&p12));
    pyossl_pkcs12_set_cert(p12, all.cert[0]);
    pyossl_pkcs12_set_pkey(p12, all.key[0]);
    assert_ok(pyossl_pkcs12_dump(p12, &secret, &quick, &der));
    memcpy(room, der.data, der.len);
    world_close(&all);
    return der.len;
}

static size_t a_session(unsigned char *room)
{
    OWNED_BUF der = PYOSSL_BUF_INIT;
    OWNED(session) session = NULL;
    OWNED(ctx) client = NULL;
    OWNED(ctx) server = NULL;
    pyossl_status of_client, of_server;
    duo both = { .client = NULL };
    talker talkers[2];
    world all;

    assert_ok(world_open(&all));
    (void)world_take(&all, TLS_1_3, &client, &server);
    assert_ok(duo_open(&both, client, server, MEMORY));
    assert_true(talker_init(&talkers[0]) && talker_init(&talkers[1]));
    talker_begin(&talkers[0], both.client, true, some_text(0), 9, NULL, 9);
    talker_begin(&talkers[1], both.server, false, some_text(0), 9, NULL, 9);
    talk(&both, &talkers[0], &talkers[1], &of_client, &of_server);
    assert_ok(pyossl_conn_session(both.client, &session));
    assert_ok(pyossl_session_dump(session, &der));
    memcpy(room, der.data, der.len);
    talker_free(&talkers[0]);
    talker_free(&talkers[1]);
    duo_close(&both);
    world_close(&all);
    return der.len;
}

static size_t make_input(const input *of, unsigned char *room)
{
    static const char names[] = "DNS:a.example.test, IP:192.0.2.1, email:a@example.test";

    if (of->path != NULL)
        return read_file(of->path, room);
    if (of->load == load_name)
        return a_name(room);
    if (of->load == load_pkcs12)
        return a_pkcs12(room);
    if (of->load == load_session)
        return a_session(room);
    memcpy(room, names, sizeof names - 1);
    return sizeof names - 1;
}

/* Good, half of it, and nothing. */
static void load_some(const input *of, const unsigned char *data, size_t len, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        assert_ok(of->load(data, len, of->format));
        if (of->load != load_context && of->load != load_ext && of->load != load_all)
            assert_true(of->load(data, len / 2, of->format) != PYOSSL_OK);
        assert_true(of->load(data, 0, of->format) != PYOSSL_OK);
    }
}

static void test_na_069_loaders(void **state)
{
    static unsigned char data[ROOM];
    const size_t times = load_count(20, 10000);
    const double start = load_clock();
    long most = 0;

    (void)state;
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        const input *const of = &inputs[i];
        const size_t len = make_input(of, data);
        const double begin = load_clock();
        footprint before;
        long grown;

        load_some(of, data, len, times / 20);
        before = footprint_now();
        load_some(of, data, len, times);
        grown = footprint_now().resident - before.resident;
        most = grown > most ? grown : most;
        if (load_count(0, 1) == 1)
            print_message("# growth: %s: %ld bytes, %.0f s\n", of->name, grown,
                          load_clock() - begin);
        assert_growth(of->name, times, &before);
    }
    print_message("# growth: %zu loaders, %zu times each with good and bad input: %ld bytes at"
                  " most, %.0f s\n",
                  sizeof inputs / sizeof inputs[0], times, most, load_clock() - start);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_069_connections),
        cmocka_unit_test(test_na_069_loaders),
    };

    alarm(SECONDS_MAX);
    return cmocka_run_group_tests_name("growth", tests, NULL, NULL);
}
