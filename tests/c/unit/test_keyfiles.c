/* Key files of the openssl program, which must load here, and ours, which must load there. */
#include "keys.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/crypto.h"

static char dir[] = "/tmp/keyfilesXXXXXX";

static const char *in_dir(const char *name)
{
    static char path[64];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

/* Run a command of the shell in the directory; true if it succeeds. */
static bool run(const char *command)
{
    char line[1024];
    int status;

    snprintf(line, sizeof line, "cd %s && { %s; } >output 2>errors </dev/null", dir, command);
    status = system(line);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int make_dir(void **state)
{
    (void)state;
    assert_ok(osl_init());
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    return run("rm -f ./*") && rmdir(dir) == 0 ? 0 : -1;
}

static void need_openssl(void)
{
    if (!run("openssl version"))
        skip();
}

/* ---- theirs ---- */

static const struct {
    const char *command; /* writes the file "key" */
    int type;
    bool encrypted; /* with "secret" */
    bool legacy;
} theirs[] = {
    { "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out rsa && cp rsa key",
      PYOSSL_KEY_RSA, false, false },
    { "openssl rsa -in rsa -traditional -out key", PYOSSL_KEY_RSA, false, false },
    { "openssl rsa -in rsa -traditional -aes128 -passout pass:secret -out key", PYOSSL_KEY_RSA,
      true, false },
    { "openssl rsa -in rsa -traditional -camellia256 -passout pass:secret -out key", PYOSSL_KEY_RSA,
      true, false },
    { "openssl pkcs8 -topk8 -in rsa -passout pass:secret -out key", PYOSSL_KEY_RSA, true, false },
    { "openssl pkcs8 -topk8 -in rsa -v2 aes-128-cbc -v2prf hmacWithSHA512 -passout pass:secret "
      "-out key",
      PYOSSL_KEY_RSA, true, false },
    { "openssl pkcs8 -topk8 -in rsa -scrypt -scrypt_N 1024 -passout pass:secret -out key",
      PYOSSL_KEY_RSA, true, false },
    { "openssl pkcs8 -topk8 -in rsa -v1 PBE-SHA1-3DES -passout pass:secret -out key",
      PYOSSL_KEY_RSA, true, false },
    { "openssl pkcs8 -topk8 -in rsa -provider legacy -provider default -v1 PBE-SHA1-RC2-40 "
      "-passout pass:secret -out key",
      PYOSSL_KEY_RSA, true, true },
    { "openssl pkcs8 -topk8 -in rsa -provider legacy -provider default -v1 PBE-MD5-DES "
      "-passout pass:secret -out key",
      PYOSSL_KEY_RSA, true, true },
    { "openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:1024 -out key", EVP_PKEY_RSA_PSS,
      false, false },
    { "openssl ecparam -name secp384r1 -genkey -out ec && cp ec key", /* EC PARAMETERS first */
      PYOSSL_KEY_EC, false, false },
    { "openssl pkey -in ec -traditional -aes192 -passout pass:secret -out key", PYOSSL_KEY_EC, true,
      false },
    { "openssl ec -in ec -param_enc explicit -out key", PYOSSL_KEY_EC, false, false },
    { "openssl pkcs8 -topk8 -nocrypt -in ec -out key", PYOSSL_KEY_EC, false, false },
    { "openssl dsaparam -genkey -out dsa 1024 && openssl dsa -in dsa -out key", PYOSSL_KEY_DSA,
      false, false },
    { "openssl pkey -in dsa -traditional -des3 -passout pass:secret -out key", PYOSSL_KEY_DSA, true,
      false },
    { "openssl genpkey -algorithm ed25519 -out key", PYOSSL_KEY_ED25519, false, false },
    { "openssl genpkey -algorithm ed448 -aes256 -pass pass:secret -out key", PYOSSL_KEY_ED448, true,
      false },
    { "openssl genpkey -algorithm x25519 -out key", PYOSSL_KEY_X25519, false, false },
    { "openssl genpkey -algorithm x448 -out key", PYOSSL_KEY_X448, false, false },
    { "openssl genpkey -algorithm DH -pkeyopt dh_param:ffdhe2048 -out key", PYOSSL_KEY_DH, false,
      false },
    { "openssl genpkey -algorithm EC -pkeyopt group:SM2 -out key", -1, false, false },
};

/* Its public half, as they see it, is the one we see. */
static void assert_public_half(const pyossl_pkey *key)
{
    pyossl_buf ours = PYOSSL_BUF_INIT, file;

    assert_true(run("openssl pkey -in key -passin pass:secret -provider legacy -provider default "
                    "-pubout -out public || "
                    "openssl pkey -in key -passin pass:secret -pubout -out public"));
    file = keys_read(in_dir("public"));
    assert_ok(pyossl_pkey_dump_public(key, PYOSSL_PEM, &ours));
    assert_string_equal((char *)ours.data, (char *)file.data);
    pyossl_buf_clear(&ours);
    pyossl_buf_clear(&file);
}

static void test_loads_theirs(void **state)
{
    (void)state;
    need_openssl();
    for (size_t i = 0; i < OSL_COUNT_OF(theirs); i++) {
        const pyossl_passphrase secret = keys_passphrase("secret"), wrong = keys_passphrase("no");
        pyossl_pkey *key = NULL;
        pyossl_buf file;

        if (theirs[i].legacy && pyossl_has(PYOSSL_FEATURE_LEGACY) != 1)
            continue;
        print_message("# %s\n", theirs[i].command);
        assert_true(run(theirs[i].command));
        file = keys_read(in_dir("key"));
        if (theirs[i].encrypted) {
            assert_fails(pyossl_pkey_load_private(&key, PYOSSL_PEM, file.data, file.len, &wrong),
                         PYOSSL_E_PASSPHRASE);
            assert_fails(pyossl_pkey_load_private(&key, PYOSSL_PEM, file.data, file.len, NULL),
                         PYOSSL_E_PASSPHRASE);
        }
        assert_ok(pyossl_pkey_load_private(&key, PYOSSL_PEM, file.data, file.len,
                                           theirs[i].encrypted ? &secret : NULL));
        if (theirs[i].type != -1)
            assert_int_equal(pyossl_pkey_type(key), theirs[i].type);
        assert_public_half(key);
        pyossl_pkey_unref(key);
        pyossl_buf_clear(&file);
    }
}

static void test_loads_their_der(void **state)
{
    static const struct {
        const char *command;
        bool encrypted;
    } rows[] = {
        { "openssl pkcs8 -topk8 -in rsa -outform DER -nocrypt -out key", false },
        { "openssl pkcs8 -topk8 -in rsa -outform DER -passout pass:secret -out key", true },
        { "openssl rsa -in rsa -traditional -outform DER -out key", false },
        { "openssl ec -in ec -outform DER -out key", false },
        { "openssl dsa -in dsa -outform DER -out key", false },
    };

    (void)state;
    need_openssl();
    assert_true(run("openssl genpkey -algorithm RSA -out rsa && "
                    "openssl ecparam -name prime256v1 -genkey -out ec && "
                    "openssl dsaparam -genkey -out dsa 1024"));
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        const pyossl_passphrase secret = keys_passphrase("secret");
        pyossl_pkey *key = NULL;
        pyossl_buf file;

        assert_true(run(rows[i].command));
        file = keys_read(in_dir("key"));
        assert_ok(pyossl_pkey_load_private(&key, PYOSSL_DER, file.data, file.len,
                                           rows[i].encrypted ? &secret : NULL));
        pyossl_pkey_unref(key);
        pyossl_buf_clear(&file);
    }
}

static void test_loads_their_public_keys(void **state)
{
    static const char *const commands[] = {
        "openssl rsa -in rsa -pubout -out key",
        "openssl rsa -in rsa -RSAPublicKey_out -out key", /* PKCS #1 */
        "openssl pkey -in rsa -pubout -out key",
    };

    (void)state;
    need_openssl();
    assert_true(run("openssl genpkey -algorithm RSA -out rsa"));
    for (size_t i = 0; i < OSL_COUNT_OF(commands); i++) {
        pyossl_pkey *key = NULL, *again;
        pyossl_buf file;

        assert_true(run(commands[i]));
        file = keys_read(in_dir("key"));
        assert_ok(pyossl_pkey_load_public(&key, PYOSSL_PEM, file.data, file.len));
        assert_int_equal(pyossl_pkey_type(key), PYOSSL_KEY_RSA);
        assert_int_equal(pyossl_pkey_bits(key), 2048);
        assert_int_equal(pyossl_pkey_is_private(key), 0);
        again = keys_public(key);
        assert_int_equal(pyossl_pkey_equal(key, again), 1);
        pyossl_pkey_unref(again);
        pyossl_pkey_unref(key);
        pyossl_buf_clear(&file);
    }
}

/* ---- ours ---- */

static void write_file(const char *name, const pyossl_buf *bytes)
{
    FILE *file = fopen(in_dir(name), "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes->data, 1, bytes->len, file), bytes->len);
    fclose(file);
}

static pyossl_pkey *make(size_t i)
{
    static const struct {
        int type, bits;
    } kinds[] = { { PYOSSL_KEY_RSA, 1024 },  { PYOSSL_KEY_DSA, 512 }, { PYOSSL_KEY_DSA, 1024 },
                  { PYOSSL_KEY_ED25519, 0 }, { PYOSSL_KEY_ED448, 0 }, { PYOSSL_KEY_X25519, 0 } };
    pyossl_pkey *key = NULL;

    if (i < OSL_COUNT_OF(kinds))
        return keys_new(kinds[i].type, kinds[i].bits);
    if (i == OSL_COUNT_OF(kinds))
        assert_ok(pyossl_pkey_generate_ec(&key, "secp521r1"));
    return key;
}

static void test_they_load_ours(void **state)
{
    const pyossl_passphrase secret = keys_passphrase("secret");
    pyossl_pkey *key;

    (void)state;
    need_openssl();
    for (size_t i = 0; (key = make(i)) != NULL; i++) {
        pyossl_buf out = PYOSSL_BUF_INIT, half = PYOSSL_BUF_INIT, seen;

        assert_ok(pyossl_pkey_dump_public(key, PYOSSL_PEM, &half));
        for (int how = 0; how < 5; how++) {
            if (how == 0)
                assert_ok(pyossl_pkey_dump_private(key, PYOSSL_PEM, NULL, NULL, &out));
            else if (how == 1)
                assert_ok(pyossl_pkey_dump_private(key, PYOSSL_PEM, "aes-256-cbc", &secret, &out));
            else if (how == 2)
                assert_ok(pyossl_pkey_dump_private(key, PYOSSL_DER, NULL, NULL, &out));
            else if (pyossl_pkey_dump_traditional(key, how == 3 ? NULL : "des3", &secret, &out) ==
                     PYOSSL_E_UNSUPPORTED)
                continue;
            write_file("key", &out);
            assert_true(run(how == 2 ? "openssl pkey -inform DER -in key -pubout -out public"
                                     : "openssl pkey -in key -passin pass:secret -pubout "
                                       "-out public"));
            seen = keys_read(in_dir("public"));
            assert_string_equal((char *)seen.data, (char *)half.data);
            pyossl_buf_clear(&seen);
        }
        pyossl_buf_clear(&out);
        pyossl_buf_clear(&half);
        pyossl_pkey_unref(key);
    }
}

static void test_they_verify_ours(void **state)
{
    static const char *const paths[] = { DATA("rsa.pem"), DATA("ec.pem"), DATA("dsa.pem") };
    const pyossl_buf message = { (unsigned char *)(uintptr_t) "a\0message", 9 };

    (void)state;
    need_openssl();
    for (size_t i = 0; i < OSL_COUNT_OF(paths); i++) {
        pyossl_pkey *key = keys_good(paths[i]);
        pyossl_buf half = PYOSSL_BUF_INIT, signature = PYOSSL_BUF_INIT;

        assert_ok(pyossl_pkey_dump_public(key, PYOSSL_PEM, &half));
        assert_ok(pyossl_pkey_sign(key, "sha384", message.data, message.len, &signature));
        write_file("half", &half);
        write_file("signature", &signature);
        write_file("message", &message);
        assert_true(run("openssl dgst -sha384 -verify half -signature signature message"));
        pyossl_buf_clear(&half);
        pyossl_buf_clear(&signature);
        pyossl_pkey_unref(key);
    }
}

/* A key that nobody encrypted: what it says of itself, and noise. */
static pyossl_buf made_up_key(X509_ALGOR *algorithm)
{
    unsigned char noise[64], *der = NULL;
    X509_SIG *sig = X509_SIG_new();
    X509_ALGOR *to;
    ASN1_OCTET_STRING *bytes;
    pyossl_buf out = PYOSSL_BUF_INIT;
    int len;

    assert_non_null(algorithm);
    assert_non_null(sig);
    memset(noise, 0x5a, sizeof noise);
    X509_SIG_getm(sig, &to, &bytes);
    assert_int_equal(X509_ALGOR_copy(to, algorithm), 1);
    assert_int_equal(ASN1_OCTET_STRING_set(bytes, noise, sizeof noise), 1);
    len = i2d_X509_SIG(sig, &der);
    assert_true(len > 0);
    assert_ok(osl_buf_set(&out, der, (size_t)len));
    OPENSSL_free(der);
    X509_ALGOR_free(algorithm);
    X509_SIG_free(sig);
    return out;
}

/* OpenSSL would do as many rounds as a file asks for: 2^31 take a quarter of an hour. */
static void test_rounds_have_a_limit(void **state)
{
    static const struct {
        int rounds;
        pyossl_status expected;
    } rows[] = { { 1, PYOSSL_E_PASSPHRASE },
                 { 2048, PYOSSL_E_PASSPHRASE },
                 { PYOSSL_PKCS12_ROUNDS_MAX + 1, PYOSSL_E_FORMAT },
                 { 2147483647, PYOSSL_E_FORMAT } };
    const pyossl_passphrase secret = keys_passphrase("secret");

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        unsigned char salt[] = "12345678", iv[16] = { 0 };
        X509_ALGOR *algorithms[] = {
            PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), rows[i].rounds, salt, 8, iv, NID_hmacWithSHA256),
            PKCS5_pbe_set(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, rows[i].rounds, salt, 8)
        };

        for (size_t j = 0; j < OSL_COUNT_OF(algorithms); j++) {
            osl_auto_buf der = made_up_key(algorithms[j]);
            pyossl_pkey *key = NULL;

            assert_fails(pyossl_pkey_load_private(&key, PYOSSL_DER, der.data, der.len, &secret),
                         rows[i].expected);
            assert_null(key);
        }
    }
}

/*
 * @der with other numbers for scrypt. OpenSSL makes no such parameters, so they are written here:
 * the SEQUENCE of salt and numbers stands in three others, all of lengths below 128.
 */
static pyossl_buf made_up_scrypt(const pyossl_buf *der, uint64_t n, uint64_t r, uint64_t p)
{
    const unsigned char *at = der->data;
    X509_SIG *sig = d2i_X509_SIG(NULL, &at, (long)der->len);
    unsigned char list[128] = { 0x04, 8, '1', '2', '3', '4', '5', '6', '7', '8' }, *bytes = NULL;
    const uint64_t numbers[] = { n, r, p };
    PBE2PARAM *param;
    X509_ALGOR *outer;
    ASN1_STRING *packed = ASN1_STRING_new();
    pyossl_buf out = PYOSSL_BUF_INIT;
    int len = 10;

    assert_non_null(sig);
    for (size_t i = 0; i < OSL_COUNT_OF(numbers); i++) {
        ASN1_INTEGER *number = ASN1_INTEGER_new();
        unsigned char *end = list + len;

        assert_int_equal(ASN1_INTEGER_set_uint64(number, numbers[i]), 1);
        len += i2d_ASN1_INTEGER(number, &end);
        ASN1_INTEGER_free(number);
    }
    memmove(list + 2, list, (size_t)len);
    list[0] = 0x30;
    list[1] = (unsigned char)len;
    X509_SIG_getm(sig, &outer, NULL);
    param = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), outer->parameter);
    assert_non_null(param);
    assert_int_equal(ASN1_STRING_set(packed, list, len + 2), 1);
    assert_int_equal(
        X509_ALGOR_set0(param->keyfunc, OBJ_nid2obj(NID_id_scrypt), V_ASN1_SEQUENCE, packed), 1);
    assert_non_null(ASN1_TYPE_pack_sequence(ASN1_ITEM_rptr(PBE2PARAM), param, &outer->parameter));
    len = i2d_X509_SIG(sig, &bytes);
    assert_true(len > 0);
    assert_ok(osl_buf_set(&out, bytes, (size_t)len));
    OPENSSL_free(bytes);
    PBE2PARAM_free(param);
    X509_SIG_free(sig);
    return out;
}

/* N * r * p of scrypt counts like rounds: 2^14 * 1 * 1500 took ten seconds. */
static void test_na_198_scrypt_has_a_limit(void **state)
{
    static const struct {
        uint64_t n, r, p;
        pyossl_status expected;
    } rows[] = { { 2, 1, 1, PYOSSL_E_PASSPHRASE },
                 { 1 << 14, 8, 1, PYOSSL_E_PASSPHRASE },
                 { 1 << 14, 1, 1500, PYOSSL_E_FORMAT },
                 { 1 << 10, 1, INT32_MAX, PYOSSL_E_FORMAT },
                 { 2, INT32_MAX, 1, PYOSSL_E_FORMAT },
                 { UINT64_C(1) << 40, 1, 1, PYOSSL_E_FORMAT },
                 { UINT64_C(1) << 62, 8, 8, PYOSSL_E_FORMAT } };
    const pyossl_passphrase secret = keys_passphrase("secret");

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        unsigned char salt[] = "12345678", iv[16] = { 0 };
        osl_auto_buf der =
            made_up_key(PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, 8, iv, 2, 1, 1));
        osl_auto_buf asked = made_up_scrypt(&der, rows[i].n, rows[i].r, rows[i].p);
        pyossl_pkey *key = NULL;

        assert_fails(pyossl_pkey_load_private(&key, PYOSSL_DER, asked.data, asked.len, &secret),
                     rows[i].expected);
        if (rows[i].expected == PYOSSL_E_FORMAT)
            assert_string_equal(test_reason(), "too many rounds of key derivation");
        assert_null(key);
    }
}

static void test_na_198_the_limit_can_be_changed(void **state)
{
    static const int64_t wrong[] = { 0, -1, INT64_MIN, INT64_MAX, INT64_C(2147483648) };
    unsigned char salt[] = "12345678", iv[16] = { 0 };
    osl_auto_buf der =
        made_up_key(PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), 101, salt, 8, iv, NID_hmacWithSHA256));
    const pyossl_passphrase secret = keys_passphrase("secret");
    pyossl_pkey *key = NULL;

    (void)state;
    assert_int_equal(pyossl_kdf_rounds_limit(), PYOSSL_KDF_ROUNDS_MAX);
    for (size_t i = 0; i < OSL_COUNT_OF(wrong); i++)
        assert_fails(pyossl_set_kdf_rounds_limit(wrong[i]), PYOSSL_E_ARGUMENT);
    assert_int_equal(pyossl_kdf_rounds_limit(), PYOSSL_KDF_ROUNDS_MAX);
    for (int limit = 100; limit <= 101; limit++) {
        assert_ok(pyossl_set_kdf_rounds_limit(limit));
        assert_fails(pyossl_pkey_load_private(&key, PYOSSL_DER, der.data, der.len, &secret),
                     limit == 100 ? PYOSSL_E_FORMAT : PYOSSL_E_PASSPHRASE);
    }
    assert_ok(pyossl_set_kdf_rounds_limit(PYOSSL_KDF_ROUNDS_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loads_theirs),
        cmocka_unit_test(test_loads_their_der),
        cmocka_unit_test(test_loads_their_public_keys),
        cmocka_unit_test(test_they_load_ours),
        cmocka_unit_test(test_they_verify_ours),
        cmocka_unit_test(test_rounds_have_a_limit),
        cmocka_unit_test(test_na_198_scrypt_has_a_limit),
        cmocka_unit_test(test_na_198_the_limit_can_be_changed),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
