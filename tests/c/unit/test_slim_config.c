/*
 * OpenSSL's configuration and the slim library context, and what a program sets before it has a
 * context. Both are looked at once in a process: each case is this program again, told by its
 * environment what to find.
 */
#include "pair.h"
#include "test.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pyossl/info.h"
#include "pyossl/version.h"
#include "ssl/tls.h"

#define EXPECTED "PYOSSL_TEST_EXPECTED"
#define REFUSED  (-1)
#define OTHER    "other.cnf" /* which is there in all cases */

static void set_properties(void)
{
    assert_int_equal(EVP_set_default_properties(NULL, "provider=other"), 1);
}

static void set_generator(void)
{
    assert_int_equal(RAND_set_DRBG_type(NULL, "HASH-DRBG", NULL, NULL, "SHA256"), 1);
}

static void add_random(void)
{
    RAND_add("bytes", 5, 0);
}

static const struct {
    const char *name, *text; /* NULL for no such file */
    bool slim;
    int version;          /* that contexts must have as their least; 0 for none, or REFUSED */
    void (*before)(void); /* what the program does first, or NULL */
} cases[] = {
    { "no file", NULL, true, 0, NULL },
    { "nothing in it", "openssl_conf = all\n[all]\n", true, 0, NULL },
    { "no section", "other = all\n", true, 0, NULL },
    { "the default provider",
      "openssl_conf = all\n[all]\nproviders = p\n[p]\ndefault = d\n[d]\nactivate = 1\n", true, 0,
      NULL },
    { "another provider",
      "openssl_conf = all\n[all]\nproviders = p\n[p]\ndefault = d\nbase = d\n[d]\nactivate = 1\n",
      false, 0, NULL },
    { "TLS",
      "openssl_conf = all\n[all]\nssl_conf = s\n[s]\nsystem_default = t\n[t]\n"
      "MinProtocol = TLSv1.2\n",
      true, PAIR_TLS1_2, NULL },
    { "properties", "openssl_conf = all\n[all]\nalg_section = a\n[a]\ndefault_properties = ?p=q\n",
      false, 0, NULL },
    { "properties, a second time",
      "openssl_conf = all\n[all]\nalg_section.2 = a\n[a]\ndefault_properties = ?p=q\n", false, 0,
      NULL },
    { "properties, in two lines",
      "openssl_conf = all\n[all]\nalg_sec\\\ntion = a\n[a]\ndefault_properties = ?p=q\n", false, 0,
      NULL },
    { "properties, lines that end otherwise",
      "openssl_conf = all\r\n[all]\r\nalg_section = a\r\n[a]\r\ndefault_properties = ?p=q\r\n",
      false, 0, NULL },
    { "another file, behind a mark of its coding",
      "\xef\xbb\xbf.include " OTHER "\n[default]\nopenssl_conf = all\n", false, 0, NULL },
    { "another file", "openssl_conf = all\n \t.include " OTHER "\n", false, 0, NULL },
    { "a word that does nothing", "# alg_section\nopenssl_conf = all\n[all]\n[random]\n", true, 0,
      NULL },
    { "lines that end otherwise", "openssl_conf = all\r\n[all]\r\n", true, 0, NULL },
    { "a generator",
      "openssl_conf = all\n[all]\nrandom = r\n[r]\nrandom = HASH-DRBG\ndigest = SHA256\n", false, 0,
      NULL },
    { "properties of the program", NULL, false, REFUSED, set_properties },
    { "a generator of the program", NULL, false, 0, set_generator },
    { "bytes of the program", NULL, true, 0, add_random },
};

static const char *program; /* this one */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* In the program that was started again. */
static int look(size_t index)
{
    pyossl_ctx *ctx = NULL;
    pair both;
    bool slim, obeys;

    if (cases[index].before != NULL)
        cases[index].before();
    if (pyossl_ctx_new(&ctx, PYOSSL_TLS) != PYOSSL_OK)
        return cases[index].version == REFUSED ? 0 : 2;
    slim = atomic_load(&ctx->current)->slim;
    obeys =
        SSL_CTX_get_min_proto_version(atomic_load(&ctx->current)->ssl_ctx) == cases[index].version;
    pyossl_ctx_unref(ctx);
    pair_establish(&both, PAIR_TLS1_3, PAIR_MEMORY, 0);
    pair_free(&both);
    return slim == cases[index].slim && obeys ? 0 : 1;
}

static int start_again(const char *config, size_t index)
{
    char number[16];
    int how = 0;
    pid_t child;

    snprintf(number, sizeof number, "%zu", index);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        alarm(30);
        setenv("OPENSSL_CONF", config, 1);
        setenv(EXPECTED, number, 1);
        execl(program, program, (char *)NULL);
        _exit(3);
    }
    assert_true(child > 0 && waitpid(child, &how, 0) == child);
    return WIFEXITED(how) ? WEXITSTATUS(how) : -1;
}

static void test_configurations(void **state)
{
    char folder[] = "/tmp/pyossl-test-XXXXXX", path[64], other[64];

    (void)state;
    if (pyossl_has(PYOSSL_FEATURE_SLIM) != 1 || access(program, X_OK) != 0)
        skip();
    assert_non_null(mkdtemp(folder));
    snprintf(other, sizeof other, "%s/" OTHER, folder);
    write_file(other, "[all]\nalg_section = a\n[a]\ndefault_properties = ?p=q\n");
    assert_int_equal(setenv("OPENSSL_CONF_INCLUDE", folder, 1), 0);
    snprintf(path, sizeof path, "%s/openssl.cnf", folder);
    for (size_t i = 0; i < OSL_COUNT_OF(cases); i++) {
        int result;

        if (cases[i].text != NULL)
            write_file(path, cases[i].text);
        result = start_again(path, i);
        (void)remove(path);
        if (result != 0)
            fail_msg("%s: %d", cases[i].name, result);
    }
    assert_int_equal(remove(other), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* Where there is none, certificates are OpenSSL's own. Must come first. */
static void test_without_it(void **state)
{
    pyossl_x509 *peer = NULL;
    pyossl_pkey *key = NULL;
    pair both;

    (void)state;
    pyossl_slim_allow(0);
    pair_contexts(&both, PAIR_TLS1_3);
    assert_ok(pyossl_ctx_set_groups(both.client_ctx, "X25519"));
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pair_handshake(&both));
    pyossl_slim_allow(1);
    assert_false(osl_slim_made());
    assert_ok(osl_slim_mix("bytes", 5));
    assert_ok(pyossl_conn_peer_certificate(both.client, &peer));
    assert_ok(pyossl_conn_peer_tmp_key(both.client, &key));
    pair_free(&both);
    pyossl_x509_unref(peer);
    pyossl_pkey_unref(key);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_it),
        cmocka_unit_test(test_configurations),
    };
    const char *index = getenv(EXPECTED);

    program = argc > 0 ? argv[0] : "";
    if (index != NULL)
        return look((size_t)strtoul(index, NULL, 10));
    return cmocka_run_group_tests_name("slim_config", tests, NULL, NULL);
}
