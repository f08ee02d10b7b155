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

/* PYOSSL_PEM for what looks like it, so that one corpus serves both. */
static inline pyossl_format guess_format(const uint8_t *data, size_t len)
{
    return len > 0 && data[0] == 0x30 ? PYOSSL_DER : PYOSSL_PEM;
}

#endif
