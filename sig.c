#include <openssl/evp.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
int main(int c, char **v)
{
    int n = atoi(v[2]);
    int kept = v[1][1] == 'k';
    int rsa = v[1][0] == 'r';
    int ver = v[1][2] == 'v';
    EVP_PKEY *k = rsa ? EVP_RSA_gen(1024) : EVP_EC_gen("P-256");
    const EVP_MD *md = EVP_sha256();
    EVP_MD *f = EVP_MD_fetch(NULL, "SHA256", NULL);
    unsigned char sig[600], h[32];
    size_t sl = sizeof sig;
    unsigned hl;
    EVP_MD_CTX *m = EVP_MD_CTX_new();
    EVP_DigestSignInit(m, NULL, md, NULL, k);
    EVP_DigestSign(m, sig, &sl, (void *)"x", 1);
    EVP_MD_CTX_free(m);
    EVP_PKEY_CTX *p = EVP_PKEY_CTX_new_from_pkey(NULL, k, NULL);
    if (ver)
        EVP_PKEY_verify_init(p);
    else
        EVP_PKEY_sign_init(p);
    EVP_PKEY_CTX_set_signature_md(p, f);
    unsigned char s2[600];
    size_t l2;
    for (int i = 0; i < n; i++) {
        if (v[1][2] == 'f') {
            EVP_MD *z = EVP_MD_fetch(NULL, "SHA256", NULL);
            EVP_MD_free(z);
        } else if (v[1][2] == 'm') {
            EVP_KEYMGMT *z = EVP_KEYMGMT_fetch(NULL, "EC", NULL);
            EVP_KEYMGMT_free(z);
        } else if (v[1][2] == 'd') {
            EVP_Digest("x", 1, h, &hl, v[1][1] == 'k' ? f : md, NULL);
        } else if (v[1][2] == 'b') {
            if (!EVP_get_digestbyname("sha256"))
                return 1;
        } else if (kept) {
            EVP_Digest("x", 1, h, &hl, f, NULL);
            l2 = sizeof s2;
            if ((ver ? EVP_PKEY_verify(p, sig, sl, h, hl) : EVP_PKEY_sign(p, s2, &l2, h, hl)) != 1)
                return 2;
        } else {
            EVP_MD_CTX *m = EVP_MD_CTX_new();
            l2 = sizeof s2;
            if (ver) {
                EVP_DigestVerifyInit(m, NULL, md, NULL, k);
                if (EVP_DigestVerify(m, sig, sl, (void *)"x", 1) != 1)
                    return 3;
            } else {
                EVP_DigestSignInit(m, NULL, md, NULL, k);
                size_t q = 0;
                EVP_DigestSign(m, NULL, &q, (void *)"x", 1);
                if (EVP_DigestSign(m, s2, &l2, (void *)"x", 1) != 1)
                    return 3;
            }
            EVP_MD_CTX_free(m);
        }
    }
    return 0;
}
