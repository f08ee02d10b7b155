/*
 * A host that is asked for is checked, and as it must be: a table, and pairs of
 * names made at random, each judged by OpenSSL as the library sets it up, and by
 * what support/rfc9525.c makes of the RFC.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include <openssl/x509_vfy.h>

#include <pyossl.h>
#include <pyossl/openssl.h>

#include "named.h"
#include "pair.h"
#include "test.h"

enum { NAMES_MAX = 8, PAIRS = 20000, HANDSHAKE_EVERY = 50 };

static const char *const verdicts[] = { "refused", "differ", "match" };

/* Somebody asks for a host, and a certificate brings names. */
typedef struct question {
    char asked[300];
    size_t len;
    unsigned how;
    rfc9525_name names[NAMES_MAX];
    size_t count;
} question;

/* ---- the bench ---- */

typedef struct bench {
    pyossl_pkey *authority_key, *key;
    pyossl_x509 *authority;
    X509_STORE *store;
    pair ends; /* the contexts; connections come and go */
} bench;

static int setup(void **state)
{
    bench *self = calloc(1, sizeof *self);
    pyossl_store *trusted = NULL;

    assert_non_null(self);
    self->authority = named_authority(&self->authority_key);
    assert_ok(pyossl_pkey_generate_ec(&self->key, "prime256v1"));
    self->store = X509_STORE_new();
    assert_non_null(self->store);
    assert_int_equal(X509_STORE_add_cert(self->store, pyossl_openssl_x509(self->authority)), 1);
    pair_contexts(&self->ends, PAIR_TLS1_3);
    assert_ok(pyossl_ctx_store(self->ends.client_ctx, &trusted));
    assert_ok(pyossl_store_add_cert(trusted, self->authority));
    pyossl_store_unref(trusted);
    *state = self;
    return 0;
}

static int teardown(void **state)
{
    bench *self = *state;

    pair_free(&self->ends);
    X509_STORE_free(self->store);
    pyossl_x509_unref(self->authority);
    pyossl_pkey_unref(self->authority_key);
    pyossl_pkey_unref(self->key);
    free(self);
    return 0;
}

static pyossl_x509 *cert_of(const bench *self, const question *it)
{
    return named_cert(it->names, it->count, self->key, self->authority, self->authority_key);
}

static pyossl_status ask(pyossl_conn *conn, const question *it)
{
    if ((it->how & RFC9525_AS_ADDRESS) != 0)
        return pyossl_conn_set_verify_ip(conn, it->asked, it->len);
    return pyossl_conn_set_verify_hostname(conn, it->asked, it->len, it->how);
}

/* ---- asking OpenSSL, as it is set up for a connection ---- */

/* What a connection's settings make of a chain; libssl puts them together in the same way. */
static int judge_chain(const bench *self, pyossl_conn *conn, pyossl_x509 *cert)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    int error;

    assert_non_null(ctx);
    assert_int_equal(X509_STORE_CTX_init(ctx, self->store, pyossl_openssl_x509(cert), NULL), 1);
    assert_int_equal(X509_STORE_CTX_set_default(ctx, "ssl_server"), 1);
    assert_int_equal(X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(ctx),
                                            SSL_get0_param(pyossl_openssl_conn(conn))),
                     1);
    error = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
    return error;
}

static bool is_mismatch(long error)
{
    return error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH;
}

/* A name that is refused leaves the one before in force, which no certificate here has. */
static rfc9525_verdict judge(const bench *self, pyossl_conn *conn, const question *it,
                             pyossl_x509 *cert)
{
    pyossl_status status;
    int error;

    assert_ok(pyossl_conn_set_verify_hostname(conn, "before.invalid", 14, 0));
    status = ask(conn, it);
    error = judge_chain(self, conn, cert);
    assert_int_equal(ERR_peek_error(), 0);
    if (status == PYOSSL_E_ARGUMENT) {
        assert_true(is_mismatch(error));
        return RFC9525_REFUSED;
    }
    assert_status(status, PYOSSL_OK);
    if (error == X509_V_OK)
        return RFC9525_MATCHES;
    assert_true(is_mismatch(error));
    return RFC9525_DIFFERS;
}

/* ---- asking in a handshake ---- */

static rfc9525_verdict shake_hands(bench *self, const question *it, pyossl_x509 *cert)
{
    pair *ends = &self->ends;
    pyossl_status asked, shaken;
    long error;

    assert_ok(pyossl_ctx_use_identity(ends->server_ctx, cert, self->key, NULL, 0));
    pair_connect(ends, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_set_verify_hostname(ends->client, "before.invalid", 14, 0));
    asked = ask(ends->client, it);
    shaken = pair_handshake(ends);
    error = pyossl_conn_verify_result(ends->client);
    pair_disconnect(ends);
    assert_true(shaken == PYOSSL_OK ? error == X509_V_OK : is_mismatch(error));
    if (asked == PYOSSL_E_ARGUMENT) {
        assert_true(is_mismatch(error));
        return RFC9525_REFUSED;
    }
    assert_status(asked, PYOSSL_OK);
    return shaken == PYOSSL_OK ? RFC9525_MATCHES : RFC9525_DIFFERS;
}

/* ---- telling ---- */

static void tell(const char *where, const unsigned char *bytes, size_t len)
{
    print_message("# %s", where);
    for (size_t i = 0; i < len; i++)
        if (bytes[i] > 0x20 && bytes[i] < 0x7f)
            print_message("%c", bytes[i]);
        else
            print_message("\\x%02x", bytes[i]);
    print_message("\n");
}

static void assert_verdict(const question *it, rfc9525_verdict got, rfc9525_verdict expected,
                           const char *who)
{
    static const char *const kinds[] = { "DNS:", "IP:", "EMAIL:", "URI:", "CN:" };

    if (got == expected)
        return;
    tell("asked: ", (const unsigned char *)it->asked, it->len);
    for (size_t i = 0; i < it->count; i++)
        tell(kinds[it->names[i].kind], it->names[i].bytes, it->names[i].len);
    fail_msg("%s says %s, and not %s (%u)", who, verdicts[got], verdicts[expected], it->how);
}

/* ---- the table ---- */

/* Cut @line at " | "; what is left out is empty. */
static void columns(char *line, char *out[4])
{
    for (int i = 0; i < 4; i++) {
        char *end = strstr(line, i == 0 && line[0] == ' ' ? "| " : " | ");

        assert_true((end != NULL) == (i < 3));
        out[i] = line;
        if (end == NULL)
            break;
        line = strchr(end, '|') + 2;
        *end = '\0';
    }
    if (strcmp(out[0], " ") == 0)
        out[0][0] = '\0';
}

static rfc9525_verdict read_row(char *line, question *it)
{
    static const struct {
        const char *word;
        unsigned how;
    } words[] = { { "cn", RFC9525_COMMON_NAME },
                  { "partial", RFC9525_PARTIAL },
                  { "plain", RFC9525_NO_WILDCARDS },
                  { "ip", RFC9525_AS_ADDRESS } };
    char *row[4];

    columns(line, row);
    it->len = named_unescape(row[0], row[0] + strlen(row[0]), (unsigned char *)it->asked,
                             sizeof it->asked);
    it->how = 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strstr(row[1], words[i].word) != NULL)
            it->how |= words[i].how;
    while (row[2][0] != '\0' && row[2][strlen(row[2]) - 1] == ' ')
        row[2][strlen(row[2]) - 1] = '\0';
    it->count = named_parse(row[2], it->names, NAMES_MAX);
    for (int i = 0; i < 3; i++)
        if (strcmp(row[3], verdicts[i]) == 0)
            return (rfc9525_verdict)i;
    fail_msg("no verdict: %s", row[3]);
    return RFC9525_REFUSED;
}

static void test_na_104_na_108_na_112_table(void **state)
{
    bench *self = *state;
    FILE *file = fopen(DATA("host-names.txt"), "r");
    pyossl_conn *conn = NULL;
    char line[1024];
    size_t rows = 0;

    assert_non_null(file);
    assert_ok(pyossl_conn_new(&conn, self->ends.client_ctx));
    while (fgets(line, sizeof line, file) != NULL) {
        question it;
        rfc9525_verdict expected;
        pyossl_x509 *cert;

        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0')
            continue;
        expected = read_row(line, &it);
        cert = cert_of(self, &it);
        assert_verdict(&it, rfc9525_judge(it.asked, it.len, it.how, it.names, it.count), expected,
                       "the RFC");
        assert_verdict(&it, judge(self, conn, &it, cert), expected, "a chain");
        assert_verdict(&it, shake_hands(self, &it, cert), expected, "a handshake");
        pyossl_x509_unref(cert);
        rows++;
    }
    fclose(file);
    pyossl_conn_unref(conn);
    print_message("# %zu rows\n", rows);
    assert_true(rows >= 300);
}

/* ---- pairs at random, the same in every run ---- */

static uint32_t chance_state;

static unsigned chance(unsigned n)
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 17;
    chance_state ^= chance_state << 5;
    return chance_state % n;
}

#define PICK(array) (array)[chance(sizeof(array) / sizeof((array)[0]))]

static void append(char *to, size_t *len, const char *bytes)
{
    while (*bytes != '\0' && *len < 255)
        to[(*len)++] = *bytes++;
}

/* "a.example.test" and odder; a "@" becomes a NUL. */
static size_t make_name(char *out)
{
    static const char *const labels[] = { "a",     "b",   "f",  "ff",    "www", "WWW", "a-b",
                                          "xn--a", "1",   "*",  "*",     "*",   "*",   "f*",
                                          "*f",    "f*f", "**", "xn--*", "_x",  "a_b", "a-",
                                          "-a",    "0x1", "",   "a@b",   "*@",  "a-*", "*-b",
                                          "-*",    "*-",  "-" };
    static const char *const ends[] = { "example.test",
                                        "example.test",
                                        "example.test",
                                        "example.test",
                                        "example.test",
                                        "example.test",
                                        "Example.TEST",
                                        "test",
                                        "com",
                                        "co.uk",
                                        "1",
                                        "_x.test",
                                        "-a.test",
                                        "*.test",
                                        "example.*",
                                        "example.test.",
                                        "" };
    size_t len = 0;

    for (unsigned i = chance(6) / 3; i > 0; i--) {
        append(out, &len, PICK(labels));
        append(out, &len, ".");
    }
    append(out, &len, PICK(labels));
    if (chance(8) > 0) {
        append(out, &len, ".");
        append(out, &len, PICK(ends));
    }
    for (size_t i = 0; i < len; i++)
        if (out[i] == '@')
            out[i] = '\0';
    return len;
}

static const char *const addresses[] = { "192.0.2.1",        "127.0.0.1", "::1", "2001:db8::1",
                                         "::ffff:192.0.2.1", "0.0.0.0",   "::" };

/* The same and others, in all kinds of notation. */
static size_t make_address(char *out)
{
    static const char *const notations[] = { "2001:DB8:0:0:0:0:0:1",
                                             "2001:db8:0::1",
                                             "::ffff:c000:201",
                                             "0:0:0:0:0:0:0:1",
                                             "192.0.2.01",
                                             "192.0.513",
                                             "127.1",
                                             "[::1]",
                                             "::1%1",
                                             "2130706433",
                                             "0x7f.0.0.1",
                                             "192.0.2.1.",
                                             "192.0.2.2",
                                             "192.0.2.1 ",
                                             "::1.",
                                             "::0.0.0.1",
                                             ":::" };
    size_t len = 0;

    append(out, &len, chance(2) == 0 ? PICK(addresses) : PICK(notations));
    return len;
}

static void make_certificate(question *it)
{
    it->count = 1 + chance(4);
    for (size_t i = 0; i < it->count; i++) {
        rfc9525_name *name = &it->names[i];
        static const rfc9525_kind kinds[] = {
            RFC9525_DNS, RFC9525_DNS, RFC9525_DNS,   RFC9525_DNS,
            RFC9525_IP,  RFC9525_CN,  RFC9525_EMAIL, RFC9525_URI
        };

        name->kind = PICK(kinds);
        if (name->kind == RFC9525_IP) {
            const char *address = PICK(addresses);

            name->len = rfc9525_address(address, strlen(address), name->bytes);
        } else {
            name->len =
                chance(16) > 0 ? make_name((char *)name->bytes) : make_address((char *)name->bytes);
        }
        if (name->kind == RFC9525_CN && name->len == 0) /* X.520 wants one character at least */
            name->bytes[name->len++] = 'a';
    }
}

/* What somebody might ask for who means @name, or wants to get past it. */
static void ask_like(question *it, const rfc9525_name *name)
{
    static const char *const instead[] = {
        "f", "fa", "af", "www", "xn--b", "a_b", "a-b", "", "a.b"
    };

    it->len = 0;
    if (name->kind == RFC9525_IP) {
        assert_non_null(inet_ntop(name->len == 4 ? AF_INET : AF_INET6, name->bytes, it->asked, 64));
        it->len = strlen(it->asked);
        return;
    }
    for (size_t i = 0; i < name->len && it->len < 255; i++)
        if (name->bytes[i] == '*')
            append(it->asked, &it->len, PICK(instead));
        else
            it->asked[it->len++] = (char)name->bytes[i];
}

static void spoil(question *it)
{
    static const char odd[] = { '.', '*', '\0', ' ', 'x', '-', '_', '0', '\xc3', ':', '/' };
    const size_t at = it->len > 0 ? chance((unsigned)it->len) : 0;

    switch (chance(6)) {
    case 0:
        if (it->len > 0)
            it->asked[at] = PICK(odd);
        break;
    case 1:
        memmove(it->asked + at + 1, it->asked + at, it->len - at);
        it->asked[at] = PICK(odd);
        it->len++;
        break;
    case 2:
        it->len = at;
        break;
    case 3:
        it->asked[it->len++] = PICK(odd);
        break;
    case 4:
        memmove(it->asked, it->asked + at, it->len - at);
        it->len -= at;
        break;
    default:
        for (size_t i = 0; i < it->len; i++)
            if (it->asked[i] >= 'a' && it->asked[i] <= 'z' && chance(2) == 0)
                it->asked[i] = (char)(it->asked[i] - 'a' + 'A');
        break;
    }
}

static void make_question(question *it)
{
    make_certificate(it);
    it->how = chance(8) | (chance(12) == 0 ? RFC9525_AS_ADDRESS : 0);
    if (chance(12) == 0)
        it->len = make_address(it->asked);
    else if (chance(8) == 0)
        it->len = make_name(it->asked);
    else
        ask_like(it, &it->names[chance((unsigned)it->count)]);
    if (chance(6) == 0)
        spoil(it);
}

static void test_na_104_na_108_na_112_generated_pairs(void **state)
{
    bench *self = *state;
    size_t seen[3] = { 0 }, handshakes = 0;
    pyossl_conn *conn = NULL;

    chance_state = 9525;
    assert_ok(pyossl_conn_new(&conn, self->ends.client_ctx));
    for (size_t i = 0; i < PAIRS; i++) {
        question it;
        rfc9525_verdict expected;
        pyossl_x509 *cert;

        make_question(&it);
        expected = rfc9525_judge(it.asked, it.len, it.how, it.names, it.count);
        cert = cert_of(self, &it);
        assert_verdict(&it, judge(self, conn, &it, cert), expected, "a chain");
        if (i % HANDSHAKE_EVERY == 0) {
            assert_verdict(&it, shake_hands(self, &it, cert), expected, "a handshake");
            handshakes++;
        }
        pyossl_x509_unref(cert);
        seen[expected]++;
    }
    pyossl_conn_unref(conn);
    print_message("# %d pairs: %zu refused, %zu differ, %zu match; %zu handshakes\n", PAIRS,
                  seen[0], seen[1], seen[2], handshakes);
    for (int i = 0; i < 3; i++)
        assert_true(seen[i] >= PAIRS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_104_na_108_na_112_table),
        cmocka_unit_test(test_na_104_na_108_na_112_generated_pairs),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
