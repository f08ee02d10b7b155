/*
 * Whether a certificate is for a host, as RFC 9525 has it: written from the RFC
 * alone, label by label, to be compared with what the library and OpenSSL say.
 *
 * Where these are not the RFC's, on purpose or by what OpenSSL does, there is a
 * rule for it below, named and numbered, and nothing is left out.
 */
#ifndef RFC9525_H
#define RFC9525_H

#include <stdbool.h>
#include <stddef.h>

typedef enum rfc9525_verdict {
    RFC9525_REFUSED, /* what is asked for is neither a host name nor an address */
    RFC9525_DIFFERS,
    RFC9525_MATCHES
} rfc9525_verdict;

/* How it is asked for. The first three are laxer or stricter than the RFC. */
enum {
    RFC9525_COMMON_NAME = 1,
    RFC9525_PARTIAL = 2,
    RFC9525_NO_WILDCARDS = 4,
    RFC9525_AS_ADDRESS = 8
};

typedef enum rfc9525_kind {
    RFC9525_DNS,
    RFC9525_IP, /* 4 or 16 bytes */
    RFC9525_EMAIL,
    RFC9525_URI,
    RFC9525_CN
} rfc9525_kind;

/* One name in a certificate. */
typedef struct rfc9525_name {
    rfc9525_kind kind;
    unsigned char bytes[256];
    size_t len;
} rfc9525_name;

rfc9525_verdict rfc9525_judge(const char *asked, size_t len, unsigned how,
                              const rfc9525_name *names, size_t count);

/* 4 or 16 bytes of an address in the notation of RFC 9525, section 4; 0 for what is none. */
size_t rfc9525_address(const char *text, size_t len, unsigned char out[16]);

#endif
