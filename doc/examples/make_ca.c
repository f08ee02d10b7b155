/*
 * make_ca.c: a small certificate authority.
 *
 *     make_ca DIRECTORY
 *
 * Makes a root and an intermediate authority; a server key with a request, and
 * the certificate that answers it; the chain, a PKCS #12 bundle (passphrase
 * "secret"), and a revocation list.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <pyossl.h>

#define DAY (24 * 60 * 60)

/* Go on only while all is well. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        pyossl_status try_status = (call);                                                         \
        if (try_status != PYOSSL_OK)                                                               \
            return try_status;                                                                     \
    } while (0)

static const char *directory;

/* Who signs: a key and its certificate. */
struct authority {
    pyossl_pkey *key;
    pyossl_x509 *cert;
};

static pyossl_status write_file(const char *name, const pyossl_buf *bytes, int secret)
{
    char path[4096];
    FILE *file;
    int ok;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    umask(secret ? 077 : 022);
    file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        return PYOSSL_E_SYSTEM;
    }
    ok = fwrite(bytes->data, 1, bytes->len, file) == bytes->len;
    ok = fclose(file) == 0 && ok;
    printf("%s\n", path);
    return ok ? PYOSSL_OK : PYOSSL_E_SYSTEM;
}

static pyossl_status write_cert(const char *name, const pyossl_x509 *cert)
{
    pyossl_buf pem = PYOSSL_BUF_INIT;
    pyossl_status status = pyossl_x509_dump(cert, PYOSSL_PEM, &pem);

    if (status == PYOSSL_OK)
        status = write_file(name, &pem, 0);
    pyossl_buf_clear(&pem);
    return status;
}

static pyossl_status write_key(const char *name, const pyossl_pkey *key)
{
    pyossl_buf pem = PYOSSL_BUF_INIT;
    pyossl_status status = pyossl_pkey_dump_private(key, PYOSSL_PEM, NULL, NULL, &pem);

    if (status == PYOSSL_OK)
        status = write_file(name, &pem, 1);
    pyossl_buf_clear(&pem);
    return status;
}

static pyossl_status set_name(pyossl_name *name, const char *common_name)
{
    TRY(pyossl_name_set(name, "C", "SE", 2));
    TRY(pyossl_name_set(name, "O", "Example", strlen("Example")));
    return pyossl_name_set(name, "CN", common_name, strlen(common_name));
}

/* Add one extension in the words of x509v3_config(5). */
static pyossl_status extend(pyossl_x509 *cert, pyossl_x509 *issuer, const char *type, int critical,
                            const char *value)
{
    pyossl_ext *ext = NULL;
    pyossl_status status = pyossl_ext_new(&ext, type, critical, value, strlen(value), cert, issuer);

    if (status == PYOSSL_OK)
        status = pyossl_x509_add_exts(cert, &ext, 1);
    pyossl_ext_unref(ext);
    return status;
}

/* 127 random bits: unique without keeping a record (RFC 5280, section 4.1.2.2). */
static pyossl_status set_random_serial(pyossl_x509 *cert)
{
    unsigned char bytes[16];
    char hex[2 * sizeof bytes + 1];

    TRY(pyossl_rand_bytes(bytes, sizeof bytes));
    bytes[0] &= 0x7f;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    return pyossl_x509_set_serial(cert, hex);
}

static pyossl_status start_cert(pyossl_x509 *cert, const pyossl_pkey *key, long days)
{
    TRY(pyossl_x509_set_version(cert, 2));
    TRY(set_random_serial(cert));
    TRY(pyossl_x509_adj_not_before(cert, -300)); /* clocks differ */
    TRY(pyossl_x509_adj_not_after(cert, days * DAY));
    return pyossl_x509_set_pubkey(cert, key);
}

/* Sign @cert with @by, and give it the identifiers that tie the two together. */
static pyossl_status finish_cert(pyossl_x509 *cert, const struct authority *by)
{
    pyossl_name *issuer = NULL;
    pyossl_status status = pyossl_x509_subject(by->cert, &issuer);

    if (status == PYOSSL_OK)
        status = pyossl_x509_set_issuer(cert, issuer);
    pyossl_name_unref(issuer);
    TRY(status);
    TRY(extend(cert, by->cert, "subjectKeyIdentifier", 0, "hash"));
    TRY(extend(cert, by->cert, "authorityKeyIdentifier", 0, "keyid:always"));
    return pyossl_x509_sign(cert, by->key, "sha256");
}

static pyossl_status make_authority(struct authority *self, const struct authority *by,
                                    const char *common_name, const char *constraints)
{
    pyossl_name *subject = NULL;
    pyossl_status status;

    TRY(pyossl_pkey_generate_ec(&self->key, "prime256v1"));
    TRY(pyossl_x509_new(&self->cert));
    TRY(start_cert(self->cert, self->key, 3650));
    TRY(pyossl_x509_subject(self->cert, &subject));
    status = set_name(subject, common_name);
    pyossl_name_unref(subject);
    TRY(status);
    TRY(extend(self->cert, NULL, "basicConstraints", 1, constraints));
    TRY(extend(self->cert, NULL, "keyUsage", 1, "keyCertSign, cRLSign"));
    return finish_cert(self->cert, by != NULL ? by : self);
}

/* The server's side: a key, and a request for a certificate. */
static pyossl_status make_request(pyossl_pkey **key, pyossl_req **req)
{
    pyossl_name *subject = NULL;
    pyossl_ext *names = NULL;
    static const char hosts[] = "DNS:localhost, IP:127.0.0.1, IP:::1";
    pyossl_status status;

    TRY(pyossl_pkey_generate_ec(key, "prime256v1"));
    TRY(pyossl_req_new(req));
    TRY(pyossl_req_set_pubkey(*req, *key));
    TRY(pyossl_req_subject(*req, &subject));
    status = set_name(subject, "localhost");
    pyossl_name_unref(subject);
    TRY(status);
    TRY(pyossl_ext_new(&names, "subjectAltName", 0, hosts, strlen(hosts), NULL, NULL));
    status = pyossl_req_add_exts(*req, &names, 1);
    pyossl_ext_unref(names);
    TRY(status);
    return pyossl_req_sign(*req, *key, "sha256");
}

/* The authority's side: check the request, and answer it with a certificate. */
static pyossl_status answer_request(pyossl_x509 **cert, pyossl_req *req, const pyossl_pkey *key,
                                    const struct authority *by)
{
    pyossl_name *subject = NULL;
    pyossl_ext *names = NULL;
    pyossl_status status;

    TRY(pyossl_req_verify(req, key));
    TRY(pyossl_x509_new(cert));
    TRY(start_cert(*cert, key, 90));
    TRY(pyossl_req_subject(req, &subject));
    status = pyossl_x509_set_subject(*cert, subject);
    pyossl_name_unref(subject);
    TRY(status);
    /* Of what the request asks for, take the host names alone; the rest is ours to say. */
    TRY(pyossl_req_ext_at(req, 0, &names));
    status = pyossl_x509_add_exts(*cert, &names, 1);
    pyossl_ext_unref(names);
    TRY(status);
    TRY(extend(*cert, NULL, "basicConstraints", 1, "CA:FALSE"));
    TRY(extend(*cert, NULL, "keyUsage", 1, "digitalSignature"));
    TRY(extend(*cert, NULL, "extendedKeyUsage", 0, "serverAuth, clientAuth"));
    return finish_cert(*cert, by);
}

static pyossl_status write_request(const pyossl_req *req)
{
    pyossl_buf pem = PYOSSL_BUF_INIT;
    pyossl_status status = pyossl_req_dump(req, PYOSSL_PEM, &pem);

    if (status == PYOSSL_OK)
        status = write_file("server.csr", &pem, 0);
    pyossl_buf_clear(&pem);
    return status;
}

/* What a server sends: its certificate, then those that lead to the root. */
static pyossl_status write_chain(const pyossl_x509 *leaf, const pyossl_x509 *intermediate)
{
    pyossl_buf first = PYOSSL_BUF_INIT, second = PYOSSL_BUF_INIT, chain = PYOSSL_BUF_INIT;
    char text[16384];
    int len;
    pyossl_status status = pyossl_x509_dump(leaf, PYOSSL_PEM, &first);

    if (status == PYOSSL_OK)
        status = pyossl_x509_dump(intermediate, PYOSSL_PEM, &second);
    if (status == PYOSSL_OK) {
        len = snprintf(text, sizeof text, "%s%s", (char *)first.data, (char *)second.data);
        chain.data = (unsigned char *)text; /* borrowed: not cleared below */
        chain.len = (size_t)len;
        status = write_file("chain.pem", &chain, 0);
    }
    pyossl_buf_clear(&first);
    pyossl_buf_clear(&second);
    return status;
}

static pyossl_status write_bundle(pyossl_pkey *key, pyossl_x509 *cert, pyossl_x509 *const *cas,
                                  size_t count)
{
    const pyossl_passphrase passphrase = { .data = "secret", .len = 6 };
    pyossl_pkcs12 *bundle = NULL;
    pyossl_buf der = PYOSSL_BUF_INIT;
    pyossl_status status;

    TRY(pyossl_pkcs12_new(&bundle));
    pyossl_pkcs12_set_pkey(bundle, key);
    pyossl_pkcs12_set_cert(bundle, cert);
    status = pyossl_pkcs12_set_cas(bundle, cas, count);
    if (status == PYOSSL_OK)
        status = pyossl_pkcs12_set_friendly_name(bundle, "localhost", strlen("localhost"));
    if (status == PYOSSL_OK)
        status = pyossl_pkcs12_dump(bundle, &passphrase, NULL, &der);
    if (status == PYOSSL_OK)
        status = write_file("server.p12", &der, 1);
    pyossl_buf_clear(&der);
    pyossl_pkcs12_unref(bundle);
    return status;
}

static pyossl_status fill_crl(pyossl_crl *crl, const struct authority *by)
{
    static const char revoked_on[] = "20260101000000Z", next[] = "20991231235959Z";
    pyossl_name *issuer = NULL;
    pyossl_revoked *revoked = NULL;
    pyossl_status status;

    TRY(pyossl_crl_set_version(crl, 1));
    TRY(pyossl_x509_subject(by->cert, &issuer));
    status = pyossl_crl_set_issuer(crl, issuer);
    pyossl_name_unref(issuer);
    TRY(status);
    TRY(pyossl_crl_set_last_update(crl, revoked_on, strlen(revoked_on)));
    TRY(pyossl_crl_set_next_update(crl, next, strlen(next)));
    TRY(pyossl_revoked_new(&revoked));
    status = pyossl_revoked_set_serial(revoked, "1001");
    if (status == PYOSSL_OK)
        status = pyossl_revoked_set_date(revoked, revoked_on, strlen(revoked_on));
    if (status == PYOSSL_OK)
        status = pyossl_revoked_set_reason(revoked, "keyCompromise");
    if (status == PYOSSL_OK)
        status = pyossl_crl_add_revoked(crl, revoked);
    pyossl_revoked_unref(revoked);
    TRY(status);
    return pyossl_crl_sign(crl, by->key, "sha256");
}

static pyossl_status write_crl(const struct authority *by)
{
    pyossl_crl *crl = NULL;
    pyossl_buf pem = PYOSSL_BUF_INIT;
    pyossl_status status;

    TRY(pyossl_crl_new(&crl));
    status = fill_crl(crl, by);
    if (status == PYOSSL_OK)
        status = pyossl_crl_dump(crl, PYOSSL_PEM, &pem);
    if (status == PYOSSL_OK)
        status = write_file("intermediate.crl", &pem, 0);
    pyossl_buf_clear(&pem);
    pyossl_crl_unref(crl);
    return status;
}

/* Everything main() releases, whatever came of it. */
struct all {
    struct authority root, intermediate;
    pyossl_pkey *key;
    pyossl_req *req;
    pyossl_x509 *cert;
};

static pyossl_status make_all(struct all *all)
{
    TRY(make_authority(&all->root, NULL, "Example Root", "CA:TRUE"));
    TRY(make_authority(&all->intermediate, &all->root, "Example Intermediate",
                       "CA:TRUE, pathlen:0"));
    TRY(make_request(&all->key, &all->req));
    TRY(answer_request(&all->cert, all->req, all->key, &all->intermediate));

    TRY(write_cert("root.pem", all->root.cert));
    TRY(write_key("root.key", all->root.key));
    TRY(write_cert("intermediate.pem", all->intermediate.cert));
    TRY(write_key("intermediate.key", all->intermediate.key));
    TRY(write_request(all->req));
    TRY(write_cert("server.pem", all->cert));
    TRY(write_key("server.key", all->key));
    TRY(write_chain(all->cert, all->intermediate.cert));
    TRY(write_bundle(all->key, all->cert, &all->intermediate.cert, 1));
    return write_crl(&all->intermediate);
}

int main(int argc, char **argv)
{
    struct all all;
    pyossl_status status;

    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    directory = argv[1];
    memset(&all, 0, sizeof all);
    status = make_all(&all);
    if (status != PYOSSL_OK) {
        const pyossl_error_entry *why = pyossl_error_entry_at(pyossl_error_last(), 0);

        fprintf(stderr, "%s: %s\n", pyossl_status_text(status), why != NULL ? why->reason : "");
    }
    pyossl_x509_unref(all.cert);
    pyossl_req_unref(all.req);
    pyossl_pkey_unref(all.key);
    pyossl_x509_unref(all.intermediate.cert);
    pyossl_pkey_unref(all.intermediate.key);
    pyossl_x509_unref(all.root.cert);
    pyossl_pkey_unref(all.root.key);
    return status == PYOSSL_OK ? 0 : 1;
}
