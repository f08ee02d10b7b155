/*
 * Certificates and requests by the programs of OpenSSL and GnuTLS load here, and
 * what we write loads there. Where a program is not installed its tests only say so.
 */
#include "test.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pyossl.h"

static char folder[] = "/tmp/pyossl-tools-XXXXXX";

/* ---- files and programs ---- */

static void write_file(const char *name, const pyossl_buf *data)
{
    FILE *file = fopen(name, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(data->data, 1, data->len, file), data->len);
    assert_int_equal(fclose(file), 0);
}

static void read_stream(FILE *file, pyossl_buf *out)
{
    static unsigned char room[1 << 20];
    const size_t len = fread(room, 1, sizeof room, file);

    assert_false(ferror(file));
    assert_ok(pyossl_buf_set(out, room, len));
}

static void read_file(const char *name, pyossl_buf *out)
{
    FILE *file = fopen(name, "rb");

    assert_non_null(file);
    read_stream(file, out);
    fclose(file);
}

/* Run a command line in the folder; it must succeed. */
static void run(const char *command)
{
    char line[1024];

    snprintf(line, sizeof line, "%s >>log 2>&1 </dev/null", command);
    if (system(line) != 0) {
        print_message("# %s\n", command);
        (void)!system("sed 's/^/# /' log | tail -20");
        fail();
    }
}

static void output_of(const char *command, pyossl_buf *out)
{
    FILE *pipe = popen(command, "r");

    assert_non_null(pipe);
    read_stream(pipe, out);
    assert_int_equal(pclose(pipe), 0);
}

static bool have(const char *program)
{
    char line[64];

    snprintf(line, sizeof line, "command -v %s >/dev/null 2>&1", program);
    if (system(line) == 0)
        return true;
    print_message("# %s is not installed\n", program);
    return false;
}

static int enter_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static int leave_folder(void **state)
{
    struct dirent *entry;
    DIR *listing = opendir(folder);

    (void)state;
    if (listing == NULL)
        return -1;
    while ((entry = readdir(listing)) != NULL)
        (void)unlink(entry->d_name); /* "." and ".." stay */
    closedir(listing);
    return chdir("/") != 0 || rmdir(folder) != 0;
}

#define assert_same(a, b)                                                                          \
    do {                                                                                           \
        assert_int_equal((a).len, (b).len);                                                        \
        assert_memory_equal((a).data, (b).data, (b).len);                                          \
    } while (0)

/* ---- what we write ---- */

static const struct {
    const char *name;
    int type;
    const char *digest;
} kinds[] = {
    { "rsa", PYOSSL_KEY_RSA, "sha256" },
    { "ec", PYOSSL_KEY_EC, "sha384" },
    { "ed25519", PYOSSL_KEY_ED25519, NULL },
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static pyossl_pkey *new_key(int type)
{
    pyossl_pkey *key = NULL;

    if (type == PYOSSL_KEY_EC)
        assert_ok(pyossl_pkey_generate_ec(&key, "prime256v1"));
    else
        assert_ok(pyossl_pkey_generate(&key, type, 2048));
    return key;
}

static void add(pyossl_x509 *cert, const char *type, int critical, const char *value,
                pyossl_x509 *subject, pyossl_x509 *issuer)
{
    pyossl_ext *ext = NULL;

    assert_ok(pyossl_ext_new(&ext, type, critical, value, strlen(value), subject, issuer));
    assert_ok(pyossl_x509_add_exts(cert, &ext, 1));
    pyossl_ext_unref(ext);
}

/* An authority of its own where @issuer is NULL, else a server that @issuer vouches for. */
static pyossl_x509 *new_cert(pyossl_pkey *key, pyossl_x509 *issuer, pyossl_pkey *issuer_key,
                             const char *digest)
{
    pyossl_x509 *cert = NULL;
    pyossl_name *subject = NULL, *above = NULL;

    assert_ok(pyossl_x509_new(&cert));
    assert_ok(pyossl_x509_set_version(cert, 2));
    assert_ok(pyossl_x509_set_serial(cert, issuer != NULL ? "7FFFFFFFFFFFFFFFFFFF" : "80"));
    assert_ok(pyossl_x509_subject(cert, &subject));
    assert_ok(pyossl_name_set(subject, "C", "SE", 2));
    assert_ok(pyossl_name_set(subject, "O", "R\xc3\xa4ksm\xc3\xb6rg\xc3\xa5s", 14));
    assert_ok(pyossl_name_set(subject, "CN", issuer != NULL ? "a.test" : "root", issuer ? 6 : 4));
    assert_ok(pyossl_x509_subject(issuer != NULL ? issuer : cert, &above));
    assert_ok(pyossl_x509_set_issuer(cert, above));
    assert_ok(pyossl_x509_adj_not_before(cert, -3600));
    assert_ok(pyossl_x509_set_not_after(cert, "20600101000000Z", 15));
    assert_ok(pyossl_x509_set_pubkey(cert, key));
    add(cert, "subjectKeyIdentifier", 0, "hash", cert, NULL);
    if (issuer == NULL) {
        add(cert, "basicConstraints", 1, "CA:TRUE,pathlen:0", NULL, NULL);
        add(cert, "keyUsage", 1, "keyCertSign,cRLSign", NULL, NULL);
    } else {
        add(cert, "authorityKeyIdentifier", 0, "keyid:always", NULL, issuer);
        add(cert, "subjectAltName", 0, "DNS:a.test,IP:127.0.0.1,email:b@a.test", NULL, NULL);
        add(cert, "extendedKeyUsage", 0, "serverAuth", NULL, NULL);
    }
    assert_ok(pyossl_x509_sign(cert, issuer_key, digest));
    pyossl_name_unref(subject);
    pyossl_name_unref(above);
    return cert;
}

static void test_certificates_for_both(void **state)
{
    const bool openssl = have("openssl"), certtool = have("certtool");

    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        pyossl_pkey *root_key = new_key(kinds[i].type), *key = new_key(kinds[(i + 1) % KINDS].type);
        pyossl_x509 *root = new_cert(root_key, NULL, root_key, kinds[i].digest);
        pyossl_x509 *leaf = new_cert(key, root, root_key, kinds[i].digest);
        pyossl_buf out = PYOSSL_BUF_INIT, theirs = PYOSSL_BUF_INIT;

        print_message("# %s\n", kinds[i].name);
        assert_ok(pyossl_x509_dump(root, PYOSSL_PEM, &out));
        write_file("root.pem", &out);
        assert_ok(pyossl_x509_dump(leaf, PYOSSL_DER, &out));
        write_file("leaf.der", &out);
        assert_ok(pyossl_x509_dump(leaf, PYOSSL_PEM, &out));
        write_file("leaf.pem", &out);
        if (openssl) {
            run("openssl verify -x509_strict -CAfile root.pem -verify_hostname a.test leaf.pem");
            output_of("openssl x509 -inform DER -in leaf.der", &theirs);
            assert_same(out, theirs);
            output_of("openssl x509 -in leaf.pem -outform DER", &theirs);
            assert_ok(pyossl_x509_dump(leaf, PYOSSL_DER, &out));
            assert_same(out, theirs);
            output_of("openssl x509 -in leaf.pem -noout -text -nameopt ''", &theirs);
            assert_ok(pyossl_x509_dump(leaf, PYOSSL_TEXT, &out));
            assert_same(out, theirs);
        }
        if (certtool) {
            run("certtool --verify --verify-hostname a.test --load-ca-certificate root.pem "
                "--infile leaf.pem");
            run("certtool --certificate-info --inder --infile leaf.der");
        }
        pyossl_buf_clear(&out);
        pyossl_buf_clear(&theirs);
        pyossl_x509_unref(leaf);
        pyossl_x509_unref(root);
        pyossl_pkey_unref(key);
        pyossl_pkey_unref(root_key);
    }
}

static void test_requests_for_both(void **state)
{
    const bool openssl = have("openssl"), certtool = have("certtool");

    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        pyossl_pkey *key = new_key(kinds[i].type);
        pyossl_buf out = PYOSSL_BUF_INIT, theirs = PYOSSL_BUF_INIT;
        pyossl_name *subject = NULL;
        pyossl_req *req = NULL;
        pyossl_ext *ext = NULL;

        assert_ok(pyossl_req_new(&req));
        assert_ok(pyossl_req_subject(req, &subject));
        assert_ok(pyossl_name_set(subject, "CN", "a.test", 6));
        assert_ok(pyossl_ext_new(&ext, "subjectAltName", 0, "DNS:a.test", 10, NULL, NULL));
        assert_ok(pyossl_req_add_exts(req, &ext, 1));
        assert_ok(pyossl_req_set_pubkey(req, key));
        assert_ok(pyossl_req_sign(req, key, kinds[i].digest));
        assert_ok(pyossl_req_dump(req, PYOSSL_PEM, &out));
        write_file("request.pem", &out);
        if (openssl) {
            run("openssl req -in request.pem -noout -verify");
            output_of("openssl req -in request.pem", &theirs);
            assert_same(out, theirs);
            output_of("openssl req -in request.pem -noout -text -nameopt ''", &theirs);
            assert_ok(pyossl_req_dump(req, PYOSSL_TEXT, &out));
            assert_same(out, theirs);
        }
        if (certtool)
            run("certtool --crq-info --infile request.pem");
        pyossl_buf_clear(&out);
        pyossl_buf_clear(&theirs);
        pyossl_name_unref(subject);
        pyossl_ext_unref(ext);
        pyossl_req_unref(req);
        pyossl_pkey_unref(key);
    }
}

/* ---- what they write ---- */

static void check_loaded(const char *cert_file, const char *request_file, const char *cn)
{
    pyossl_buf data = PYOSSL_BUF_INIT, out = PYOSSL_BUF_INIT;
    pyossl_name *subject = NULL;
    pyossl_x509 *cert = NULL;
    pyossl_req *req = NULL;
    pyossl_pkey *key = NULL, *of_cert = NULL, *of_req = NULL;
    int expired;

    read_file("key.pem", &data);
    assert_ok(pyossl_pkey_load_private(&key, PYOSSL_PEM, data.data, data.len, NULL));
    read_file(cert_file, &data);
    assert_ok(pyossl_x509_load(&cert, PYOSSL_PEM, data.data, data.len));
    assert_ok(pyossl_x509_verify(cert, key));
    assert_ok(pyossl_x509_pubkey(cert, &of_cert));
    assert_true(pyossl_pkey_equal(key, of_cert));
    assert_ok(pyossl_x509_subject(cert, &subject));
    assert_ok(pyossl_name_get(subject, "CN", &out));
    assert_buf_text(out, cn);
    assert_ok(pyossl_x509_has_expired(cert, &expired));
    assert_int_equal(expired, 0);
    assert_true(pyossl_x509_ext_count(cert) >= 1);
    assert_ok(pyossl_x509_dump(cert, PYOSSL_PEM, &out));
    assert_non_null(strstr((char *)data.data, (char *)out.data));

    read_file(request_file, &data);
    assert_ok(pyossl_req_load(&req, PYOSSL_PEM, data.data, data.len));
    assert_ok(pyossl_req_verify(req, key));
    assert_ok(pyossl_req_pubkey(req, &of_req));
    assert_true(pyossl_pkey_equal(key, of_req));

    pyossl_buf_clear(&data);
    pyossl_buf_clear(&out);
    pyossl_name_unref(subject);
    pyossl_x509_unref(cert);
    pyossl_req_unref(req);
    pyossl_pkey_unref(key);
    pyossl_pkey_unref(of_cert);
    pyossl_pkey_unref(of_req);
}

static void test_by_openssl(void **state)
{
    static const char *const keys[] = {
        "-newkey rsa:2048",
        "-newkey ec -pkeyopt ec_paramgen_curve:P-384",
        "-newkey ed448",
    };
    char line[512];

    (void)state;
    if (!have("openssl"))
        return;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        snprintf(line, sizeof line,
                 "openssl req -x509 %s -nodes -keyout key.pem -out cert.pem -days 30 -utf8 "
                 "-subj '/CN=r\xc3\xa4ksm\xc3\xb6rg\xc3\xa5s' -addext subjectAltName=DNS:a.test",
                 keys[i]);
        run(line);
        run("openssl req -new -key key.pem -out request.pem -subj /CN=x "
            "-addext subjectAltName=DNS:a.test");
        check_loaded("cert.pem", "request.pem", "r\xc3\xa4ksm\xc3\xb6rg\xc3\xa5s");
    }
}

static void test_by_gnutls(void **state)
{
    static const char *const keys[] = { "rsa --bits 2048", "ecdsa --curve secp256r1", "ed25519" };
    static const char words[] = "cn = \"gnutls here\"\ndns_name = a.test\nserial = 9\n"
                                "expiration_days = 30\nca\ncert_signing_key\n";
    static const pyossl_buf config = { (unsigned char *)words, sizeof words - 1 };
    char line[256];

    (void)state;
    if (!have("certtool"))
        return;
    write_file("template", &config);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        snprintf(line, sizeof line, "certtool --generate-privkey --key-type %s --outfile key.pem",
                 keys[i]);
        run(line);
        run("certtool --generate-self-signed --load-privkey key.pem --template template "
            "--outfile cert.pem");
        run("certtool --generate-request --load-privkey key.pem --template template "
            "--outfile request.pem");
        check_loaded("cert.pem", "request.pem", "gnutls here");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificates_for_both),
        cmocka_unit_test(test_requests_for_both),
        cmocka_unit_test(test_by_openssl),
        cmocka_unit_test(test_by_gnutls),
    };

    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
