/*
 * What the fuzz targets share. A target is one file with LLVMFuzzerTestOneInput();
 * it is built twice: with libFuzzer, to search, and with replay.c, to run the
 * inputs of corpus/TARGET as a test.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include <pyossl.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* What holds after every call: the queue is empty, and an error explains itself. */
static inline pyossl_status checked(pyossl_status status)
{
    CHECK(ERR_peek_error() == 0);
    if (pyossl_status_classify(status) == PYOSSL_CLASS_ERROR) {
        const pyossl_error *error = pyossl_error_last();

        CHECK(pyossl_error_status(error) == status);
        CHECK(pyossl_error_count(error) > 0);
        CHECK(pyossl_error_entry_at(error, 0)->library[0] != '\0');
    }
    return status;
}

/*
 * Whether to do with this input what costs much more than decoding it: one input
 * of @n, the same whenever it comes back. Searching lives from the number of
 * inputs, and gets to each of these things thousands of times as well. The inputs
 * that are kept get everything.
 */
static inline int chosen(const uint8_t *data, size_t len, uint32_t n)
{
#ifdef FUZZ_REPLAY
    (void)data;
    (void)len;
    (void)n;
    return 1;
#else
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ data[i]) * 16777619u;
    return (hash ^ hash >> 15) % n == 0;
#endif
}

/* The input as a sequence of decisions. Past its end there are only zeros. */
typedef struct source {
    const uint8_t *data;
    size_t         len;
} source;

static inline uint8_t take_byte(source *from)
{
    if (from->len == 0)
        return 0;
    from->len--;
    return *from->data++;
}

/* At most @max bytes, borrowed from the input. */
static inline const uint8_t *take_bytes(source *from, size_t max, size_t *len)
{
    size_t want = take_byte(from);
    const uint8_t *start = from->data;

    if (want > max)
        want = max;
    if (want > from->len)
        want = from->len;
    from->data += want;
    from->len -= want;
    *len = want;
    return start;
}

/* A NUL-terminated copy; free() it. */
static inline char *as_text(const uint8_t *data, size_t len)
{
    char *text = malloc(len + 1);

    CHECK(text != NULL);
    if (len > 0)
        memcpy(text, data, len);
    text[len] = '\0';
    return text;
}

/*
 * Whether there is a salt and behind it a number of more than one byte: parameters
 * of a derivation of more than 127 rounds, which is where the time goes. OpenSSL
 * sets no limit to them, and 2^31 rounds take hours.
 */
static inline int derives_long(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i + 2 < len; i++) {
        const size_t behind = i + 2 + data[i + 1];

        if (data[i] == 0x04 && data[i + 1] <= 64 && behind + 1 < len && data[behind] == 0x02 &&
            data[behind + 1] > 1 && data[behind + 1] <= 8)
            return 1;
    }
    return 0;
}

/* PYOSSL_PEM for what looks like it, so that one corpus serves both. */
static inline pyossl_format guess_format(const uint8_t *data, size_t len)
{
    return len > 0 && data[0] == 0x30 ? PYOSSL_DER : PYOSSL_PEM;
}

#endif
