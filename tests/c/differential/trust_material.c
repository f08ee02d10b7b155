#include "trust_material.h"

#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

material materials[CERTS];

enum { A1, A2, B, I1, I2, L, KEYS };

static EVP_PKEY *keys[KEYS];

static const struct {
    const char *subject, *issuer;
    int key, signer;
    bool expired;
} plans[CERTS] = {
    [ROOT_A1] = { "Root A", "Root A", A1, A1, false },
    [ROOT_A2] = { "Root A", "Root A", A2, A2, false },
    [ROOT_A1_EXPIRED] = { "Root A", "Root A", A1, A1, true },
    [ROOT_A1_BY_B] = { "Root A", "Root B", A1, B, false },
    [ROOT_A1_REJECTED] = { "Root A", "Root A", A1, A1, false },
    [ROOT_A1_FOR_SERVERS] = { "Root A", "Root A", A1, A1, false },
    [ROOT_B] = { "Root B", "Root B", B, B, false },
    [INTER_BY_A1] = { "Inter", "Root A", I1, A1, false },
    [INTER_BY_A2] = { "Inter", "Root A", I1, A2, false },
    [INTER_BY_B] = { "Inter", "Root B", I1, B, false },
    [INTER_EXPIRED] = { "Inter", "Root A", I1, A1, true },
    [INTER_OTHER_KEY] = { "Inter", "Root A", I2, A1, false },
    [LEAF_OF_INTER] = { "leaf 1", "Inter", L, I1, false },
    [LEAF_OF_OTHER_INTER] = { "leaf 2", "Inter", L, I2, false },
    [LEAF_OF_A1] = { "leaf 3", "Root A", L, A1, false },
    [LEAF_OF_A2] = { "leaf 4", "Root A", L, A2, false },
    [LEAF_OF_B] = { "leaf 5", "Root B", L, B, false },
    [LEAF_EXPIRED] = { "leaf 6", "Inter", L, I1, true },
    [LEAF_OF_NOBODY] = { "leaf 7", "leaf 7", L, L, false },
};

static bool add_name(X509_NAME *name, const char *text)
{
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)text, -1, -1,
                                      0) == 1;
}

static bool add_extension(X509 *x509, int nid, const char *text)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, text);
    const bool ok = extension != NULL && X509_add_ext(x509, extension, -1) == 1;

    X509_EXTENSION_free(extension);
    return ok;
}

static bool fill(X509 *x509, int which)
{
    static long serial;
    const bool expired = plans[which].expired;

    return X509_set_version(x509, 2) == 1 &&
           ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial) == 1 &&
           add_name(X509_get_subject_name(x509), plans[which].subject) &&
           add_name(X509_get_issuer_name(x509), plans[which].issuer) &&
           X509_gmtime_adj(X509_getm_notBefore(x509), expired ? -200000 : -100000) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(x509), expired ? -1000 : 1000000) != NULL &&
           X509_set_pubkey(x509, keys[plans[which].key]) == 1 &&
           add_extension(x509, NID_basic_constraints,
                         which < AUTHORITIES ? "critical,CA:TRUE" : "CA:FALSE") &&
           X509_sign(x509, keys[plans[which].signer], EVP_sha256()) > 0;
}

static bool write_pem(BIO *bio, X509 *x509, int which)
{
    if (which == ROOT_A1_REJECTED)
        return X509_add1_reject_object(x509, OBJ_nid2obj(NID_anyExtendedKeyUsage)) == 1 &&
               X509_add1_reject_object(x509, OBJ_nid2obj(NID_server_auth)) == 1 &&
               PEM_write_bio_X509_AUX(bio, x509) == 1;
    if (which == ROOT_A1_FOR_SERVERS)
        return X509_add1_trust_object(x509, OBJ_nid2obj(NID_server_auth)) == 1 &&
               PEM_write_bio_X509_AUX(bio, x509) == 1;
    return PEM_write_bio_X509(bio, x509) == 1;
}

static bool write_down(X509 *x509, int which)
{
    material *out = &materials[which];
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char *at = out->der;
    char *text = NULL;
    bool ok = bio != NULL && write_pem(bio, x509, which);
    const long len = ok ? BIO_get_mem_data(bio, &text) : 0;
    const int der_len = i2d_X509(x509, NULL);

    ok = len > 0 && (size_t)len <= sizeof out->pem && der_len > 0 &&
         (size_t)der_len <= sizeof out->der && i2d_X509(x509, &at) == der_len;
    if (ok) {
        memcpy(out->pem, text, (size_t)len);
        out->pem_len = (size_t)len;
        out->der_len = (size_t)der_len;
        out->hash = X509_NAME_hash_ex(X509_get_subject_name(x509), NULL, NULL, NULL);
    }
    BIO_free(bio);
    return ok;
}

bool make_materials(void)
{
    bool ok = true;

    for (int i = 0; i < KEYS; i++)
        if (keys[i] == NULL && (keys[i] = EVP_EC_gen("P-256")) == NULL)
            return false;
    for (int i = 0; ok && i < CERTS; i++) {
        X509 *x509 = X509_new();

        ok = x509 != NULL && fill(x509, i) && write_down(x509, i);
        X509_free(x509);
    }
    for (int i = 0; i < KEYS; i++) {
        EVP_PKEY_free(keys[i]);
        keys[i] = NULL;
    }
    return ok;
}
