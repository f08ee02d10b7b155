/* What peers send and files hold, in any size: made by OpenSSL's own functions, not counted. */
#ifndef MADE_H
#define MADE_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

typedef struct made {
    unsigned char *data;
    size_t len;
} made;

/* Certificates in DER: with @n names, extensions, entries of the subject, or bytes of the serial
 * number. */
made made_names(size_t n);
made made_extensions(size_t n);
made made_subject(size_t n);
made made_serial(size_t n);
/* @n different certificates as one text, of as many subjects or of one. */
made made_bundle(size_t n);
made made_bundle_of_one_name(size_t n);
/* Text without any block, in lines, and in one line; a key behind it. */
made made_text(size_t n);
made made_line(size_t n);
/* The rest in DER, but for the SPKAC. */
made made_crl(size_t n);
made made_request(size_t n);
made made_name(size_t n);
made made_pkcs7(size_t n);
made made_pkcs12(size_t n);
made made_spkac(size_t n);
made made_session(size_t n);
/* A key that is encrypted with @n rounds of PBKDF2; the words of as many names. */
made made_encrypted_key(size_t n);
made made_words(size_t n);
/* A host name of @n letters, up to 255. */
made made_host(size_t n);
/* A list of protocols as ALPN has it; bytes. */
made made_protocols(size_t n);
made made_bytes(size_t n);

/* The files of a directory by hash: one name, @n certificates. */
void made_directory(const char *folder, size_t n);

#endif
