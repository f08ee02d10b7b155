/*
 * Revocation lists, PKCS #7, PKCS #12 and SPKAC: the programs of OpenSSL and
 * GnuTLS read what is written here, and the other way round. Where a program is
 * not installed its tests are skipped.
 */
#include "pkcs12_material.h"

#include "pyossl/crl.h"
#include "pyossl/name.h"
#include "pyossl/pkcs7.h"
#include "pyossl/spki.h"

/* ---- revocation lists ---- */

static pyossl_crl *read_list(const char *path)
{
    pyossl_buf text = material_read(path);
    pyossl_crl *crl = NULL;

    assert_ok(pyossl_crl_load(&crl, PYOSSL_PEM, text.data, text.len));
    pyossl_buf_clear(&text);
    return crl;
}

static pyossl_crl *new_list(void)
{
    pyossl_x509 *issuer = material_cert(DATA("intermediate.pem"));
    pyossl_name *name = NULL;
    pyossl_crl *crl = NULL;

    assert_ok(pyossl_crl_new(&crl));
    assert_ok(pyossl_crl_set_version(crl, 1));
    assert_ok(pyossl_x509_subject(issuer, &name));
    assert_ok(pyossl_crl_set_issuer(crl, name));
    assert_ok(pyossl_crl_set_last_update(crl, "20200101000000Z", 15));
    assert_ok(pyossl_crl_set_next_update(crl, "50000101000000Z", 15));
    pyossl_name_unref(name);
    pyossl_x509_unref(issuer);
    return crl;
}

static void add_entry(pyossl_crl *crl, const char *serial, const char *date, const char *reason)
{
    pyossl_revoked *revoked = NULL;

    assert_ok(pyossl_revoked_new(&revoked));
    assert_ok(pyossl_revoked_set_serial(revoked, serial));
    assert_ok(pyossl_revoked_set_date(revoked, date, strlen(date)));
    assert_ok(pyossl_revoked_set_reason(revoked, reason));
    assert_ok(pyossl_crl_add_revoked(crl, revoked));
    pyossl_revoked_unref(revoked);
}

static void write_list(const char *name)
{
    pyossl_pkey *key = material_key(DATA("intermediate-key.pem"));
    pyossl_crl *crl = new_list();
    pyossl_buf pem = PYOSSL_BUF_INIT;

    add_entry(crl, "1234", "20200102000000Z", "certificateHold");
    add_entry(crl, "0200", "20200103000000Z", NULL);
    assert_ok(pyossl_crl_sign(crl, key, "sha256"));
    assert_ok(pyossl_crl_dump(crl, PYOSSL_PEM, &pem));
    material_write(material_path(name), pem.data, pem.len);
    pyossl_buf_clear(&pem);
    pyossl_crl_unref(crl);
    pyossl_pkey_unref(key);
}

static void test_openssl_reads_lists_that_we_write(void **state)
{
    (void)state;
    material_need("openssl");
    write_list("our.pem");
    assert_true(material_run("openssl crl -in our.pem -noout -text -CAfile " DATA(
        "intermediate.pem") " && openssl crl -in our.pem -noout -text | grep -q 'Certificate Hold'"
                            " && openssl crl -in our.pem -noout -text | grep -q 'Number: 1234'"));
    assert_true(material_run("openssl crl -in our.pem -noout -CAfile " DATA(
        "intermediate.pem") " 2>&1 | grep -q 'verify OK'"));
}

static void test_gnutls_reads_lists_that_we_write(void **state)
{
    (void)state;
    material_need("certtool");
    write_list("our.pem");
    assert_true(material_run("certtool --crl-info --infile our.pem > info && grep -q 1234 info"
                             " && grep -q 'Revoked certificates (2)' info"));
    assert_true(material_run("certtool --verify-crl --infile our.pem --load-ca-certificate " DATA(
        "intermediate.pem") " | grep -qi 'verified'"));
}

static void test_gnutls_writes_lists_that_we_read(void **state)
{
    pyossl_pkey *key;
    pyossl_crl *crl;

    (void)state;
    material_need("certtool");
    material_write(material_path("template"), "crl_next_update = 43\ncrl_number = 7\n", 37);
    assert_true(material_run("certtool --generate-crl --load-ca-privkey " DATA(
        "intermediate-key.pem") " --load-ca-"
                                "certificate"
                                " " DATA("int"
                                         "erm"
                                         "edi"
                                         "ate"
                                         ".pe"
                                         "m") " --load-certificate " DATA("revoked."
                                                                          "pem") " "
                                                                                 "-"
                                                                                 "-"
                                                                                 "t"
                                                                                 "e"
                                                                                 "m"
                                                                                 "p"
                                                                                 "l"
                                                                                 "a"
                                                                                 "t"
                                                                                 "e"
                                                                                 " "
                                                                                 "t"
                                                                                 "e"
                                                                                 "m"
                                                                                 "p"
                                                                                 "l"
                                                                                 "a"
                                                                                 "t"
                                                                                 "e"
                                                                                 " "
                                                                                 "-"
                                                                                 "-"
                                                                                 "o"
                                                                                 "u"
                                                                                 "t"
                                                                                 "f"
                                                                                 "i"
                                                                                 "l"
                                                                                 "e"
                                                                                 " "
                                                                                 "g"
                                                                                 "n"
                                                                                 "u"
                                                                                 "t"
                                                                                 "l"
                                                                                 "s"
                                                                                 "."
                                                                                 "p"
                                                                                 "e"
                                                                                 "m"));
    crl = read_list(material_path("gnutls.pem"));
    key = material_key(DATA("intermediate-key.pem"));
    assert_ok(pyossl_crl_verify(crl, key));
    assert_int_equal(pyossl_crl_count(crl), 1);
    pyossl_crl_unref(crl);
    pyossl_pkey_unref(key);
}

/* ---- PKCS #7 ---- */

static pyossl_pkcs7 *read_message(const char *path)
{
    const int is_der = strcmp(path + strlen(path) - 4, ".der") == 0;
    pyossl_buf text = material_read(path);
    pyossl_pkcs7 *message = NULL;

    assert_ok(pyossl_pkcs7_load(&message, is_der ? PYOSSL_DER : PYOSSL_PEM, text.data, text.len));
    pyossl_buf_clear(&text);
    return message;
}

static size_t certificates_in(const pyossl_pkcs7 *message)
{
    pyossl_x509_list list = PYOSSL_X509_LIST_INIT;
    size_t count;

    assert_ok(pyossl_pkcs7_certs(message, &list));
    count = list.count;
    pyossl_x509_list_clear(&list);
    return count;
}

static void write_message(const char *name)
{
    pyossl_x509 *certs[2] = { material_cert(DATA("server.pem")), material_cert(DATA("root.pem")) };
    pyossl_buf pem = PYOSSL_BUF_INIT;
    pyossl_pkcs7 *message = NULL;

    assert_ok(pyossl_pkcs7_new_certs(&message, certs, 2));
    assert_ok(pyossl_pkcs7_dump(message, PYOSSL_PEM, &pem));
    material_write(material_path(name), pem.data, pem.len);
    pyossl_buf_clear(&pem);
    pyossl_pkcs7_unref(message);
    pyossl_x509_unref(certs[0]);
    pyossl_x509_unref(certs[1]);
}

static void test_openssl_reads_messages_that_we_write(void **state)
{
    (void)state;
    material_need("openssl");
    write_message("our.pem");
    assert_true(material_run("openssl pkcs7 -in our.pem -print_certs -out certs && "
                             "test $(grep -c BEGIN certs) = 2"));
}

static void test_gnutls_reads_messages_that_we_write(void **state)
{
    (void)state;
    material_need("certtool");
    write_message("our.pem");
    assert_true(material_run("certtool --p7-info --infile our.pem --outfile info && "
                             "test $(grep -c 'BEGIN CERTIFICATE' info) = 2"));
}

static void test_gnutls_writes_messages_that_we_read(void **state)
{
    pyossl_pkcs7 *message;

    (void)state;
    material_need("certtool");
    assert_true(material_run(
        "certtool --p7-sign --load-privkey " DATA("rsa.pem") " --load-certificate " DATA(
            "server.pem") " --infile " DATA("message.txt") " --outfile gnutls.pem"));
    message = read_message(material_path("gnutls.pem"));
    assert_int_equal(pyossl_pkcs7_type(message), PYOSSL_PKCS7_SIGNED);
    pyossl_pkcs7_unref(message);
}

/* Streamed messages have no definite lengths. */
static void test_openssl_streams_messages_that_we_read(void **state)
{
    pyossl_pkcs7 *message;

    (void)state;
    material_need("openssl");
    assert_true(material_run(
        "openssl smime -sign -stream -nodetach -binary -in " DATA("message.txt") " -signer " DATA("server.pem") " -inkey " DATA(
            "rsa.pem") " -outform DER -out stream.der && openssl smime -sign -stream -nodetach "
                       "-binary -in " DATA("message.txt") " -signer " DATA(
                           "server.pem") " -"
                                         "inkey"
                                         " " DATA("rsa.pem") " -outform PEM -out stream.pem"));
    message = read_message(material_path("stream.der"));
    assert_int_equal(certificates_in(message), 1);
    pyossl_pkcs7_unref(message);
    message = read_message(material_path("stream.pem"));
    assert_int_equal(certificates_in(message), 1);
    pyossl_pkcs7_unref(message);
}

/* ---- PKCS #12 ---- */

static void write_file(const char *name, const char *passphrase, const char *cipher)
{
    pyossl_pkcs12_options options = PYOSSL_PKCS12_OPTIONS_INIT;
    pyossl_pkcs12 *p12 = make(KEY | CERT | CAS);
    pyossl_buf der = PYOSSL_BUF_INIT;

    assert_ok(pyossl_pkcs12_set_friendly_name(p12, "Serverlicious", 13));
    options.cipher = cipher;
    assert_ok(dump(p12, passphrase, &options, &der));
    material_write(material_path(name), der.data, der.len);
    pyossl_buf_clear(&der);
    pyossl_pkcs12_unref(p12);
}

static void test_openssl_reads_files_that_we_write(void **state)
{
    (void)state;
    material_need("openssl");
    write_file("our.p12", "secret", NULL);
    assert_true(material_run("openssl pkcs12 -in our.p12 -passin pass:secret -nodes -out all && "
                             "test $(grep -c 'BEGIN CERTIFICATE' all) = 3 && "
                             "test $(grep -c 'BEGIN PRIVATE KEY' all) = 1 && "
                             "test $(grep -c 'friendlyName: Serverlicious' all) = 2 && "
                             "test $(grep -c localKeyID all) = 2"));
    assert_true(material_run("openssl pkcs12 -in our.p12 -passin pass:secret -info -nodes 2>&1 | "
                             "grep -q 'pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2048'"));
    write_file("aes.p12", "secret", "aes-256-cbc");
    assert_true(material_run("openssl pkcs12 -in aes.p12 -passin pass:secret -info -nodes 2>&1 | "
                             "grep -q 'PBES2, PBKDF2, AES-256-CBC'"));
    write_file("empty.p12", "", NULL);
    assert_true(material_run("openssl pkcs12 -in empty.p12 -passin pass: -nodes"));
}

/* "theirs.p12", under the passphrase "secret", if @options let there be one. */
static void let_openssl_write(const char *options)
{
    char command[1024];

    snprintf(command, sizeof command,
             "openssl pkcs12 -export %s -inkey %s -in %s -certfile %s -name friend "
             "-passout pass:secret -out theirs.p12",
             options, DATA("rsa.pem"), DATA("server.pem"), DATA("intermediate.pem"));
    assert_true(material_run(command));
}

static void assert_theirs(const char *passphrase)
{
    pyossl_pkcs12 *p12 = NULL;

    assert_ok(load_file(&p12, material_path("theirs.p12"), passphrase));
    assert_key(pyossl_pkcs12_pkey(p12), DATA("rsa.pem"));
    assert_cert(pyossl_pkcs12_cert(p12), DATA("server.pem"));
    assert_int_equal(pyossl_pkcs12_ca_count(p12), 1);
    assert_friendly_name(p12, "friend", 6);
    pyossl_pkcs12_unref(p12);
}

static void test_openssl_writes_files_that_we_read(void **state)
{
    static const char *const options[] = {
        "",
        "-legacy",
        "-descert -legacy",
        "-keypbe NONE -certpbe NONE",
        "-macalg sha1",
        "-keypbe PBE-SHA1-RC4-128 -legacy",
        "-maciter -iter 10000",
        "-nomaciter -noiter",
    };

    (void)state;
    material_need("openssl");
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        let_openssl_write(options[i]);
        assert_theirs("secret");
    }
}

/* PKCS12_parse() is of the same opinion. */
static void test_na_199_openssl_writes_files_without_a_mac(void **state)
{
    static const char *const options[] = { "-nomac", "-keypbe NONE -certpbe NONE -nomac" };

    (void)state;
    material_need("openssl");
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        pyossl_pkcs12 *p12 = NULL;

        let_openssl_write(options[i]);
        assert_fails(load_file(&p12, material_path("theirs.p12"), "secret"), PYOSSL_E_FORMAT);
        assert_string_equal(test_reason(), "mac absent");
    }
    assert_theirs(NULL); /* as nothing in it is encrypted */
}

static void test_gnutls_reads_files_that_we_write(void **state)
{
    (void)state;
    material_need("certtool");
    write_file("our.p12", "secret", NULL);
    assert_true(material_run("certtool --p12-info --inder --infile our.p12 --password secret "
                             "--outfile all && test $(grep -c 'BEGIN CERTIFICATE' all) = 3"));
    write_file("aes.p12", "secret", "aes-256-cbc");
    assert_true(material_run("certtool --p12-info --inder --infile aes.p12 --password secret "
                             "--outfile all && test $(grep -c 'BEGIN CERTIFICATE' all) = 3"));
}

static void test_gnutls_writes_files_that_we_read(void **state)
{
    static const char *const ciphers[] = { "aes-256", "3des-pkcs12", "arcfour", "rc2-40" };
    char command[1024];

    (void)state;
    material_need("certtool");
    for (size_t i = 0; i < COUNT_OF(ciphers); i++) {
        pyossl_pkcs12 *p12 = NULL;

        snprintf(command, sizeof command,
                 "certtool --to-p12 --outder --load-privkey %s --load-certificate %s "
                 "--p12-name friend --password secret --pkcs-cipher %s --outfile theirs.p12",
                 DATA("rsa.pem"), DATA("server.pem"), ciphers[i]);
        assert_true(material_run(command));
        assert_ok(load_file(&p12, material_path("theirs.p12"), "secret"));
        assert_key(pyossl_pkcs12_pkey(p12), DATA("rsa.pem"));
        assert_cert(pyossl_pkcs12_cert(p12), DATA("server.pem"));
        assert_int_equal(pyossl_pkcs12_ca_count(p12), 0);
        assert_friendly_name(p12, "friend", 6);
        pyossl_pkcs12_unref(p12);
    }
}

/* ---- SPKAC ---- */

static void test_openssl_verifies_keys_that_we_sign(void **state)
{
    pyossl_pkey *key = material_key(DATA("rsa.pem"));
    pyossl_buf text = PYOSSL_BUF_INIT;
    pyossl_spki *spki = NULL;
    char line[8192];

    (void)state;
    material_need("openssl");
    assert_ok(pyossl_spki_new(&spki));
    assert_ok(pyossl_spki_set_pubkey(spki, key));
    assert_ok(pyossl_spki_set_challenge(spki, "ours", 4));
    assert_ok(pyossl_spki_sign(spki, key, "sha256"));
    assert_ok(pyossl_spki_dump(spki, &text));
    snprintf(line, sizeof line, "SPKAC=%s\n", (const char *)text.data);
    material_write(material_path("our.txt"), line, strlen(line));
    assert_true(
        material_run("openssl spkac -in our.txt -verify 2>&1 | tee text && "
                     "grep -q 'Signature OK' text && grep -q 'Challenge String: ours' text"));
    pyossl_buf_clear(&text);
    pyossl_spki_unref(spki);
    pyossl_pkey_unref(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_openssl_reads_lists_that_we_write),
        cmocka_unit_test(test_gnutls_reads_lists_that_we_write),
        cmocka_unit_test(test_gnutls_writes_lists_that_we_read),
        cmocka_unit_test(test_openssl_reads_messages_that_we_write),
        cmocka_unit_test(test_gnutls_reads_messages_that_we_write),
        cmocka_unit_test(test_gnutls_writes_messages_that_we_read),
        cmocka_unit_test(test_openssl_streams_messages_that_we_read),
        cmocka_unit_test(test_openssl_reads_files_that_we_write),
        cmocka_unit_test(test_openssl_writes_files_that_we_read),
        cmocka_unit_test(test_na_199_openssl_writes_files_without_a_mac),
        cmocka_unit_test(test_gnutls_reads_files_that_we_write),
        cmocka_unit_test(test_gnutls_writes_files_that_we_read),
        cmocka_unit_test(test_openssl_verifies_keys_that_we_sign),
    };

    return cmocka_run_group_tests(tests, material_make_dir, material_remove_dir);
}
