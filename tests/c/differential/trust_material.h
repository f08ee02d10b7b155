/*
 * Certificates that look alike: two authorities and an intermediate one, with other keys, signed by
 * others, expired and rejected. None says who it or its issuer is but by name, so that the order
 * in which OpenSSL finds them decides.
 */
#ifndef TRUST_MATERIAL_H
#define TRUST_MATERIAL_H

#include <stdbool.h>
#include <stddef.h>

enum {
    ROOT_A1,
    ROOT_A2,
    ROOT_A1_EXPIRED,
    ROOT_A1_BY_B,
    ROOT_A1_REJECTED,
    ROOT_A1_FOR_SERVERS,
    ROOT_B,
    INTER_BY_A1,
    INTER_BY_A2,
    INTER_BY_B,
    INTER_EXPIRED,
    INTER_OTHER_KEY,
    AUTHORITIES,
    LEAF_OF_INTER = AUTHORITIES,
    LEAF_OF_OTHER_INTER,
    LEAF_OF_A1,
    LEAF_OF_A2,
    LEAF_OF_B,
    LEAF_EXPIRED,
    LEAF_OF_NOBODY,
    CERTS
};

/* One of them as PEM or DER, and the hash of its subject: static. */
typedef struct material {
    unsigned char pem[2000], der[1500];
    size_t pem_len, der_len;
    unsigned long hash;
} material;

extern material materials[CERTS];
/* Make them. False where OpenSSL cannot. */
bool make_materials(void);

#endif
