/*
 * NIST's Public Key Interoperability Test Suite 1.0.1: chains with revocation
 * lists and policies, through pyossl_store_verify(). tests/data/README.md tells
 * what is in the file.
 */
#include "test.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "pyossl/crl.h"
#include "pyossl/store.h"
#include "pyossl/x509.h"

/* ---- as much of JSON as the file uses ---- */

typedef struct node {
    struct node *next, *first; /* siblings; members or elements */
    char *key;                 /* in an object */
    char *text;                /* strings, numbers, true and false */
} node;

static void free_node(node *n)
{
    while (n != NULL) {
        node *next = n->next;

        free_node(n->first);
        free(n->key);
        free(n->text);
        free(n);
        n = next;
    }
}

static const char *skip_blanks(const char *at)
{
    while (isspace((unsigned char)*at))
        at++;
    return at;
}

static char *read_token(const char **at)
{
    bool quoted = **at == '"';
    const char *begin = *at + quoted;
    size_t len = strcspn(begin, quoted ? "\"" : ",]} \n");

    assert_int_equal(memchr(begin, '\\', len) != NULL, 0);
    *at = begin + len + quoted;
    return strndup(begin, len);
}

static node *read_node(const char **at);

static void read_members(const char **at, node *parent)
{
    const char close = **at == '{' ? '}' : ']';
    node **place = &parent->first;

    for (*at = skip_blanks(*at + 1); **at != close; *at = skip_blanks(*at)) {
        char *key = NULL;

        if (close == '}') {
            key = read_token(at);
            *at = skip_blanks(*at);
            assert_int_equal(**at, ':');
            ++*at;
        }
        *place = read_node(at);
        (*place)->key = key;
        place = &(*place)->next;
        *at = skip_blanks(*at);
        if (**at == ',')
            *at = skip_blanks(*at + 1);
    }
    ++*at;
}

static node *read_node(const char **at)
{
    node *made = calloc(1, sizeof *made);

    assert_non_null(made);
    *at = skip_blanks(*at);
    assert_int_not_equal(**at, '\0');
    if (**at == '{' || **at == '[')
        read_members(at, made);
    else
        made->text = read_token(at);
    return made;
}

static const node *member(const node *object, const char *key)
{
    for (const node *n = object->first; n != NULL; n = n->next) {
        if (strcmp(n->key, key) == 0)
            return n;
    }
    fail_msg("no %s", key);
    return NULL;
}

static bool is_true(const node *object, const char *key)
{
    return strcmp(member(object, key)->text, "true") == 0;
}

static node *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = malloc(2 << 20);
    const char *at = text;
    size_t len;
    node *root;

    assert_non_null(file);
    assert_non_null(text);
    len = fread(text, 1, (2 << 20) - 1, file);
    assert_true(feof(file));
    fclose(file);
    text[len] = '\0';
    root = read_node(&at);
    free(text);
    return root;
}

/* ---- one case ---- */

static size_t der_of(const node *files, const char *name, unsigned char *der, size_t room)
{
    const char *base64 = member(files, name)->text;
    size_t len = strlen(base64);
    int got;

    assert_true(len / 4 * 3 <= room);
    got = EVP_DecodeBlock(der, (const unsigned char *)base64, (int)len);
    assert_true(got > 0);
    return (size_t)got - (base64[len - 1] == '=') - (base64[len - 2] == '=');
}

static pyossl_x509 *load_cert(const node *files, const char *name)
{
    unsigned char der[4096];
    pyossl_x509 *cert = NULL;

    assert_ok(pyossl_x509_load(&cert, PYOSSL_DER, der, der_of(files, name, der, sizeof der)));
    return cert;
}

static void add_crl(pyossl_store *store, const node *files, const char *name)
{
    unsigned char der[4096];
    pyossl_crl *crl = NULL;

    assert_ok(pyossl_crl_load(&crl, PYOSSL_DER, der, der_of(files, name, der, sizeof der)));
    assert_ok(pyossl_store_add_crl(store, crl));
    pyossl_crl_unref(crl);
}

static void add_policy(pyossl_store *store, const char *name)
{
    static const char prefix[] = "NIST-test-policy-";
    char oid[64] = "2.5.29.32.0";

    if (strcmp(name, "anyPolicy") != 0) {
        assert_memory_equal(name, prefix, sizeof prefix - 1);
        snprintf(oid, sizeof oid, "2.16.840.1.101.3.2.1.48.%s", name + sizeof prefix - 1);
    }
    assert_ok(pyossl_store_add_policy(store, oid));
}

static pyossl_store *make_store(const node *suite, const node *test)
{
    unsigned long flags = PYOSSL_STORE_CRL_CHECK | PYOSSL_STORE_CRL_CHECK_ALL |
                          PYOSSL_STORE_EXTENDED_CRL | PYOSSL_STORE_USE_DELTAS |
                          PYOSSL_STORE_POLICY_CHECK;
    const node *files = member(suite, "files");
    pyossl_store *store = NULL;

    if (is_true(test, "explicit"))
        flags |= PYOSSL_STORE_EXPLICIT_POLICY;
    if (is_true(test, "inhibit_map"))
        flags |= PYOSSL_STORE_INHIBIT_MAP;
    if (is_true(test, "inhibit_any"))
        flags |= PYOSSL_STORE_INHIBIT_ANY;
    assert_ok(pyossl_store_new(&store));
    assert_ok(pyossl_store_set_flags(store, flags));
    assert_ok(pyossl_store_set_time(store, atoll(member(suite, "validation_time")->text)));
    for (const node *n = member(test, "crls")->first; n != NULL; n = n->next)
        add_crl(store, files, n->text);
    for (const node *n = member(test, "initial_policy_set")->first; n != NULL; n = n->next)
        add_policy(store, n->text);
    return store;
}

/* The certificates are listed from the trust anchor to the end entity. */
static bool validates(const node *suite, const node *test)
{
    pyossl_store *store = make_store(suite, test);
    pyossl_verdict verdict = PYOSSL_VERDICT_INIT;
    pyossl_x509 *certs[8];
    size_t count = 0;
    pyossl_status status;

    for (const node *n = member(test, "certs")->first; n != NULL; n = n->next) {
        assert_true(count < sizeof certs / sizeof certs[0]);
        certs[count++] = load_cert(member(suite, "files"), n->text);
    }
    assert_true(count > 0);
    assert_ok(pyossl_store_add_cert(store, certs[0]));
    status = pyossl_store_verify(store, certs[count - 1], certs + 1, count > 1 ? count - 2 : 0,
                                 &verdict);
    assert_true(status == PYOSSL_OK || status == PYOSSL_E_VERIFY);
    assert_int_equal(status == PYOSSL_OK, verdict.error == 0);
    if (status == PYOSSL_OK)
        assert_between(verdict.chain.count, 2, count); /* some certificates only sign lists */
    else
        assert_non_null(verdict.cert);
    assert_int_equal(ERR_peek_error(), 0);
    pyossl_verdict_clear(&verdict);
    while (count > 0)
        pyossl_x509_unref(certs[--count]);
    pyossl_store_unref(store);
    return status == PYOSSL_OK;
}

/*
 * What OpenSSL does not do: keys that inherit DSA parameters from their issuer's
 * (4.1.5), and the path to the issuer of an indirect list (4.14.30). Both are
 * refusals of what is valid.
 */
static bool is_known_miss(const node *test)
{
    const char *number = member(test, "test")->text;

    return strcmp(number, "4.1.5") == 0 || strcmp(number, "4.14.30") == 0;
}

static void test_all_but_two_are_judged_as_nist_says(void **state)
{
    node *suite = read_file(DATA("pkits.json"));
    size_t cases = 0, right = 0, misses = 0;

    (void)state;
    for (const node *test = member(suite, "cases")->first; test != NULL; test = test->next) {
        bool expected = is_true(test, "should_validate");
        bool found = validates(suite, test);

        cases++;
        if (found == expected) {
            right++;
        } else if (is_known_miss(test)) {
            assert_true(expected);
            misses++;
        } else {
            print_error("%s %s: should %svalidate\n", member(test, "test")->text,
                        member(test, "name")->text, expected ? "" : "not ");
        }
    }
    free_node(suite);
    assert_int_equal(cases, 247);
    assert_int_equal(right + misses, cases);
    assert_true(right >= 245);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_but_two_are_judged_as_nist_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
