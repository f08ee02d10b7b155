/*
 * The slim library context (base/slim.c) beside the default one: whatever TLS can
 * be asked for must come out the same in both, also what does not work.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/core_names.h>

#include "ssl/tls.h"

/* ---- identities: one for each kind of key that a certificate may have ---- */

typedef struct identity {
    const char *type, *option, *value; /* of the key; how it is made */
    const char *digest;                /* of the signature; NULL where the type has its own */
    EVP_PKEY *key;
    X509 *cert;
} identity;

static identity identities[] = {
    { "RSA", NULL, NULL, "SHA256", NULL, NULL },
    { "RSA-PSS", NULL, NULL, "SHA256", NULL, NULL },
    { "EC", OSSL_PKEY_PARAM_GROUP_NAME, "P-256", "SHA256", NULL, NULL },
    { "EC", OSSL_PKEY_PARAM_GROUP_NAME, "P-384", "SHA384", NULL, NULL },
    { "EC", OSSL_PKEY_PARAM_GROUP_NAME, "P-521", "SHA512", NULL, NULL },
    { "EC", OSSL_PKEY_PARAM_GROUP_NAME, "secp256k1", "SHA256", NULL, NULL },
    { "EC", OSSL_PKEY_PARAM_GROUP_NAME, "brainpoolP256r1", "SHA256", NULL, NULL },
    { "ED25519", NULL, NULL, NULL, NULL, NULL },
    { "ED448", NULL, NULL, NULL, NULL, NULL },
    { "DSA", NULL, NULL, "SHA256", NULL, NULL },
    { "SM2", NULL, NULL, "SM3", NULL, NULL },
    { "X25519", NULL, NULL, "SHA256", NULL, NULL }, /* this and the next cannot sign: RSA does */
    { "DH", OSSL_PKEY_PARAM_GROUP_NAME, "ffdhe2048", "SHA256", NULL, NULL },
};

enum { RSA_ONE = 0, EC_ONE = 2, DSA_ONE = 9, FIRST_THAT_CANNOT_SIGN = 11 };

static EVP_PKEY *make_key(const identity *self)
{
    EVP_PKEY_CTX *ctx;
    EVP_PKEY *key = NULL;
    OSSL_PARAM params[2] = { OSSL_PARAM_END, OSSL_PARAM_END };

    if (strcmp(self->type, "DSA") == 0) {
        BIO *bio = BIO_new_file(DATA("dsa.pem"), "r");

        key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
        BIO_free(bio);
        return key;
    }
    ctx = EVP_PKEY_CTX_new_from_name(NULL, self->type, NULL);
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    if (self->option != NULL)
        params[0] = OSSL_PARAM_construct_utf8_string(self->option, (char *)self->value, 0);
    assert_int_equal(EVP_PKEY_CTX_set_params(ctx, params), 1);
    assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static X509 *make_cert(EVP_PKEY *key, const char *name, EVP_PKEY *signer, const char *issuer,
                       const char *digest)
{
    X509 *cert = X509_new();
    X509_NAME *subject = test_name_of(NID_commonName, MBSTRING_ASC, name);
    X509_NAME *from = test_name_of(NID_commonName, MBSTRING_ASC, issuer);

    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -60));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 3600));
    assert_int_equal(X509_set_subject_name(cert, subject), 1);
    assert_int_equal(X509_set_issuer_name(cert, from), 1);
    X509_NAME_free(subject);
    X509_NAME_free(from);
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    if (X509_sign(cert, signer, digest != NULL ? EVP_get_digestbyname(digest) : NULL) <= 0) {
        X509_free(cert);
        cert = NULL;
    }
    ERR_clear_error();
    return cert;
}

static int make_identities(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(identities); i++) {
        identity *self = &identities[i];
        const bool alone = i < FIRST_THAT_CANNOT_SIGN;

        self->key = make_key(self);
        self->cert = make_cert(self->key, "leaf", alone ? self->key : identities[RSA_ONE].key,
                               alone ? "leaf" : "authority", self->digest);
        if (self->key == NULL || self->cert == NULL)
            return -1;
    }
    return 0;
}

static int free_identities(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(identities); i++) {
        EVP_PKEY_free(identities[i].key);
        X509_free(identities[i].cert);
    }
    return 0;
}

/* ---- what came of a handshake ---- */

typedef struct wish {
    const identity *who;
    int version;
    const char *ciphers, *suites, *groups, *sigalgs; /* NULL for the default */
    bool both;                                       /* the client has a certificate too */
} wish;

typedef struct outcome {
    char text[2048];
    size_t len;
} outcome;

static void say(outcome *out, const char *what, long number)
{
    const int len =
        snprintf(out->text + out->len, sizeof out->text - out->len, "%s %ld\n", what, number);

    assert_true(len > 0 && (size_t)len < sizeof out->text - out->len);
    out->len += (size_t)len;
}

/* Everything but the text that goes with it, which may name the library context. */
static void say_errors(outcome *out)
{
    unsigned long code;

    while ((code = ERR_get_error()) != 0)
        say(out, ERR_reason_error_string(code) != NULL ? ERR_reason_error_string(code) : "error",
            (long)code);
}

static unsigned psk_client(SSL *ssl, const char *hint, char *name, unsigned max, unsigned char *psk,
                           unsigned max_psk)
{
    (void)ssl;
    (void)hint;
    assert_true(max > 1 && max_psk >= 16);
    memcpy(name, "n", 2);
    memset(psk, 7, 16);
    return 16;
}

static unsigned psk_server(SSL *ssl, const char *name, unsigned char *psk, unsigned max)
{
    (void)ssl;
    (void)name;
    assert_true(max >= 16);
    memset(psk, 7, 16);
    return 16;
}

static bool is_dtls(const wish *what)
{
    return what->version == DTLS1_2_VERSION || what->version == DTLS1_VERSION;
}

/* OpenSSL's choice of parameters, or a program's. */
static void set_dh(SSL_CTX *ctx, const wish *what)
{
    EVP_PKEY *params = identities[OSL_COUNT_OF(identities) - 1].key;

    if (what->groups != NULL) {
        assert_int_equal(SSL_CTX_set_dh_auto(ctx, 1), 1);
    } else {
        assert_int_equal(EVP_PKEY_up_ref(params), 1);
        assert_int_equal(SSL_CTX_set0_tmp_dh_pkey(ctx, params), 1);
    }
}

/* @out tells what was accepted. */
static SSL_CTX *context(OSSL_LIB_CTX *libctx, const wish *what, bool server, outcome *out)
{
    SSL_CTX *ctx = SSL_CTX_new_ex(libctx, NULL, is_dtls(what) ? DTLS_method() : TLS_method());

    assert_non_null(ctx);
    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_min_proto_version(ctx, what->version);
    SSL_CTX_set_max_proto_version(ctx, what->version);
    set_dh(ctx, what);
    SSL_CTX_set_psk_client_callback(ctx, psk_client);
    SSL_CTX_set_psk_server_callback(ctx, psk_server);
    say(out, "ciphers",
        SSL_CTX_set_cipher_list(ctx, what->ciphers != NULL ? what->ciphers : "ALL"));
    if (what->suites != NULL)
        say(out, "suites", SSL_CTX_set_ciphersuites(ctx, what->suites));
    if (what->groups != NULL)
        say(out, "groups", SSL_CTX_set1_groups_list(ctx, what->groups));
    if (what->sigalgs != NULL)
        say(out, "sigalgs", SSL_CTX_set1_sigalgs_list(ctx, what->sigalgs));
    if (server || what->both) {
        say(out, "certificate", SSL_CTX_use_certificate(ctx, what->who->cert));
        say(out, "key", SSL_CTX_use_PrivateKey(ctx, what->who->key));
    }
    if (!server || what->both) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), what->who->cert);
    }
    say_errors(out);
    return ctx;
}

static bool carry(SSL *from, SSL *to)
{
    char bytes[4096];
    bool moved = false;

    for (int n; (n = BIO_read(SSL_get_wbio(from), bytes, sizeof bytes)) > 0; moved = true)
        assert_int_equal(BIO_write(SSL_get_rbio(to), bytes, n), n);
    return moved;
}

static SSL *side(SSL_CTX *ctx, bool server)
{
    SSL *ssl = SSL_new(ctx);

    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(ssl), -1);
    SSL_set_options(ssl, SSL_OP_NO_QUERY_MTU);
    SSL_set_mtu(ssl, 1400);
    if (server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return ssl;
}

static void say_end(outcome *out, SSL *ssl, int result)
{
    EVP_PKEY *key = NULL;
    int nid = 0;

    say(out, SSL_state_string_long(ssl), result);
    say(out, SSL_get_version(ssl), SSL_get_verify_result(ssl));
    if (SSL_get_current_cipher(ssl) != NULL)
        say(out, SSL_get_cipher_name(ssl), SSL_get_cipher_bits(ssl, NULL));
    if (SSL_get_peer_signature_nid(ssl, &nid) == 1)
        say(out, "digest", nid);
    if (SSL_get_peer_signature_type_nid(ssl, &nid) == 1)
        say(out, "signature", nid);
    if (SSL_get_peer_tmp_key(ssl, &key) == 1) {
        say(out, EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
        EVP_PKEY_free(key);
    }
    if (SSL_get0_peer_certificate(ssl) != NULL) {
        key = X509_get0_pubkey(SSL_get0_peer_certificate(ssl));
        say(out, "the key of the peer's certificate", key != NULL ? EVP_PKEY_get_bits(key) : -1);
    }
}

static void talk(SSL *client, SSL *server, outcome *out)
{
    static const char message[] = "any bytes";
    char got[64];

    say(out, "wrote", SSL_write(client, message, sizeof message));
    carry(client, server);
    say(out, "read", SSL_read(server, got, sizeof got));
}

static void try_in(OSSL_LIB_CTX *libctx, const wish *what, outcome *out)
{
    SSL_CTX *server_ctx = context(libctx, what, true, out);
    SSL_CTX *client_ctx = context(libctx, what, false, out);
    SSL *server = side(server_ctx, true), *client = side(client_ctx, false);
    int shaken[2] = { -1, -1 };
    bool more = true;

    for (int i = 0; i < 12 && more; i++) {
        shaken[0] = SSL_do_handshake(client);
        say_errors(out);
        more = carry(client, server);
        shaken[1] = SSL_do_handshake(server);
        say_errors(out);
        more = carry(server, client) || more;
    }
    say_end(out, client, shaken[0]);
    say_end(out, server, shaken[1]);
    if (shaken[0] == 1 && shaken[1] == 1)
        talk(client, server, out);
    ERR_clear_error();
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(client_ctx);
    SSL_CTX_free(server_ctx);
}

static int shaken; /* handshakes that came to an end */

static void compare(OSSL_LIB_CTX *slim, const wish *what)
{
    outcome with = { "", 0 }, without = { "", 0 };

    try_in(NULL, what, &without);
    try_in(slim, what, &with);
    assert_string_equal(with.text, without.text);
    shaken += strstr(with.text, "read 10\n") != NULL;
}

/* ---- the tests ---- */

static const int versions[] = { TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION,
                                DTLS1_2_VERSION };

static void test_every_kind_of_key(void **state)
{
    OSSL_LIB_CTX *slim = osl_slim(false);

    (void)state;
    if (slim == NULL)
        skip();
    shaken = 0;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++)
        for (size_t i = 0; i < OSL_COUNT_OF(identities); i++)
            compare(slim, &(wish){ .who = &identities[i], .version = versions[v], .both = i % 2 });
    assert_true(shaken > 20);
}

static void test_every_cipher(void **state)
{
    OSSL_LIB_CTX *slim = osl_slim(false);
    SSL_CTX *ctx;
    STACK_OF(SSL_CIPHER) *ciphers;

    (void)state;
    if (slim == NULL)
        skip();
    ctx = SSL_CTX_new(TLS_method());
    assert_int_equal(SSL_CTX_set_cipher_list(ctx, "ALL:eNULL:aNULL:@SECLEVEL=0"), 1);
    ciphers = SSL_CTX_get_ciphers(ctx);
    assert_true(sk_SSL_CIPHER_num(ciphers) > 60);
    shaken = 0;
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);
        const int auth = SSL_CIPHER_get_auth_nid(cipher);
        const bool new = auth == NID_auth_any;
        const int who = auth == NID_auth_ecdsa ? EC_ONE : auth == NID_auth_dss ? DSA_ONE : RSA_ONE;
        wish what = { .who = &identities[who], .version = new ? TLS1_3_VERSION : TLS1_2_VERSION };

        if (new)
            what.suites = SSL_CIPHER_get_name(cipher);
        else
            what.ciphers = SSL_CIPHER_get_name(cipher);
        compare(slim, &what);
    }
    assert_true(shaken > 50);
    SSL_CTX_free(ctx);
}

/* In one list or the other, of what may be asked for. */
static void test_same_lists(void **state)
{
    static const char *const lists[] = {
        "ALL:COMPLEMENTOFALL@SECLEVEL=0", "DEFAULT", "HIGH", "kRSA:aNULL:eNULL", "SSLv3",
        "DES:RC4:SEED:IDEA:GOST"
    };
    OSSL_LIB_CTX *slim = osl_slim(false);

    (void)state;
    if (slim == NULL)
        skip();
    for (size_t i = 0; i < OSL_COUNT_OF(lists); i++) {
        SSL_CTX *with = SSL_CTX_new_ex(slim, NULL, TLS_method()),
                *without = SSL_CTX_new(TLS_method());

        assert_int_equal(SSL_CTX_set_cipher_list(with, lists[i]),
                         SSL_CTX_set_cipher_list(without, lists[i]));
        ERR_clear_error();
        assert_int_equal(sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(with)),
                         sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(without)));
        for (int n = 0; n < sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(with)); n++)
            assert_ptr_equal(sk_SSL_CIPHER_value(SSL_CTX_get_ciphers(with), n),
                             sk_SSL_CIPHER_value(SSL_CTX_get_ciphers(without), n));
        assert_true(SSL_CTX_get_options(with) == SSL_CTX_get_options(without));
        assert_int_equal(SSL_CTX_get_security_level(with), SSL_CTX_get_security_level(without));
        assert_int_equal(SSL_CTX_get_min_proto_version(with),
                         SSL_CTX_get_min_proto_version(without));
        SSL_CTX_free(with);
        SSL_CTX_free(without);
    }
}

static void test_every_group(void **state)
{
    static const char *const groups[] = {
        "P-256",           "P-384",     "P-521",     "X25519",          "X448",
        "secp256k1",       "secp224r1", "secp192r1", "brainpoolP256r1", "brainpoolP384r1",
        "brainpoolP512r1", "sect163k1", "sect283r1", "ffdhe2048",       "ffdhe3072",
        "no such group"
    };
    OSSL_LIB_CTX *slim = osl_slim(false);

    (void)state;
    if (slim == NULL)
        skip();
    shaken = 0;
    for (size_t v = 2; v < OSL_COUNT_OF(versions); v++)
        for (size_t i = 0; i < OSL_COUNT_OF(groups); i++)
            compare(slim,
                    &(wish){ .who = &identities[RSA_ONE],
                             .version = versions[v],
                             .groups = groups[i],
                             .ciphers = strncmp(groups[i], "ffdhe", 5) == 0 ? "kDHE" : NULL });
    assert_true(shaken > 15);
}

static void test_every_signature(void **state)
{
    static const char *const sigalgs[] = { "RSA+MD5",
                                           "RSA+SHA1",
                                           "RSA+SHA224",
                                           "RSA+SHA256",
                                           "RSA+SHA384",
                                           "RSA+SHA512",
                                           "RSA-PSS+SHA256",
                                           "RSA-PSS+SHA384",
                                           "RSA-PSS+SHA512",
                                           "rsa_pss_pss_sha256",
                                           "rsa_pss_pss_sha512",
                                           "ECDSA+SHA1",
                                           "ECDSA+SHA224",
                                           "ECDSA+SHA256",
                                           "ECDSA+SHA384",
                                           "ECDSA+SHA512",
                                           "ed25519",
                                           "ed448",
                                           "DSA+SHA1",
                                           "DSA+SHA256",
                                           "no such algorithm" };
    OSSL_LIB_CTX *slim = osl_slim(false);

    (void)state;
    if (slim == NULL)
        skip();
    shaken = 0;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
        for (size_t i = 0; i < OSL_COUNT_OF(sigalgs); i++)
            for (size_t who = 0; who <= DSA_ONE; who += who == EC_ONE + 2 ? 3 : 1)
                compare(slim, &(wish){ .who = &identities[who],
                                       .version = version,
                                       .sigalgs = sigalgs[i],
                                       .both = version == TLS1_3_VERSION });
    assert_true(shaken > 20);
}

/* ---- certificates ---- */

static X509 *decode_in(OSSL_LIB_CTX *libctx, X509 *cert)
{
    X509 *made = X509_new_ex(libctx, NULL);
    unsigned char *der = NULL;
    const int len = i2d_X509(cert, &der);
    const unsigned char *at = der;

    assert_non_null(d2i_X509(&made, &at, len));
    OPENSSL_free(der);
    return made;
}

static int judge_in(OSSL_LIB_CTX *libctx, X509 *root, X509 *leaf, int level)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new_ex(libctx, NULL);
    X509 *here = decode_in(libctx, leaf);
    int error;

    assert_int_equal(X509_STORE_add_cert(store, root), 1);
    assert_int_equal(X509_STORE_CTX_init(ctx, store, here, NULL), 1);
    X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(ctx), level);
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx), X509_V_FLAG_CHECK_SS_SIGNATURE);
    (void)X509_verify_cert(ctx);
    error = X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_free(here);
    X509_STORE_free(store);
    ERR_clear_error();
    return error;
}

/* A chain may be signed with any digest that has a name for it. */
static void test_every_digest_of_a_signature(void **state)
{
    static const char *const digests[] = { "MD4",        "MD5",        "RIPEMD160", "SHA1",
                                           "SHA224",     "SHA256",     "SHA384",    "SHA512",
                                           "SHA512-224", "SHA512-256", "SHA3-224",  "SHA3-256",
                                           "SHA3-384",   "SHA3-512",   "SM3",       "BLAKE2b512" };
    OSSL_LIB_CTX *slim = osl_slim(false);
    int signed_by = 0;

    (void)state;
    if (slim == NULL)
        skip();
    for (size_t who = 0; who <= DSA_ONE + 1; who++)
        for (size_t i = 0; i < OSL_COUNT_OF(digests); i++) {
            EVP_PKEY *key = identities[who].key;
            X509 *cert = make_cert(key, "leaf", key, "leaf", digests[i]);

            for (int level = 0; cert != NULL && level < 3; level++) {
                const int error = judge_in(NULL, cert, cert, level);

                assert_int_equal(judge_in(slim, cert, cert, level), error);
                signed_by += error == X509_V_OK;
            }
            X509_free(cert);
        }
    assert_true(signed_by > 60);
}

static void test_every_key_is_decoded(void **state)
{
    OSSL_LIB_CTX *slim = osl_slim(false);

    (void)state;
    if (slim == NULL)
        skip();
    for (size_t i = 0; i < OSL_COUNT_OF(identities); i++) {
        X509 *here = decode_in(slim, identities[i].cert);
        X509 *there = decode_in(NULL, identities[i].cert);
        EVP_PKEY *key = X509_get0_pubkey(here), *other = X509_get0_pubkey(there);

        assert_non_null(key);
        assert_int_equal(EVP_PKEY_eq(key, identities[i].key), 1);
        assert_int_equal(EVP_PKEY_get_base_id(key), EVP_PKEY_get_base_id(other));
        assert_string_equal(EVP_PKEY_get0_type_name(key), EVP_PKEY_get0_type_name(other));
        X509_free(here);
        X509_free(there);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_lists),
        cmocka_unit_test(test_every_key_is_decoded),
        cmocka_unit_test(test_every_kind_of_key),
        cmocka_unit_test(test_every_cipher),
        cmocka_unit_test(test_every_group),
        cmocka_unit_test(test_every_signature),
        cmocka_unit_test(test_every_digest_of_a_signature),
    };

    return cmocka_run_group_tests_name("slim", tests, make_identities, free_identities);
}
