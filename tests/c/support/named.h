/* Certificates that bring given names, of whatever bytes these are made. */
#ifndef NAMED_H
#define NAMED_H

#include "pyossl/pkey.h"
#include "pyossl/x509.h"

#include "rfc9525.h"

/* An authority of its own, with a new key. */
pyossl_x509 *named_authority(pyossl_pkey **key);

/* A certificate for @key with these names, by that authority. */
pyossl_x509 *named_cert(const rfc9525_name *names, size_t count, const pyossl_pkey *key,
                        pyossl_x509 *issuer, const pyossl_pkey *issuer_key);

/* Parses "DNS:a.example, IP:192.0.2.1", with \xNN for any byte. Returns how many there are. */
size_t named_parse(const char *words, rfc9525_name *names, size_t max);

/* Bytes with \xNN among them, up to @end. Returns their number. */
size_t named_unescape(const char *at, const char *end, unsigned char *out, size_t max);

#endif
