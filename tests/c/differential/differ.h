/*
 * The fast ways beside OpenSSL's own: what the tests of this folder share.
 *
 * Inputs are the files of tests/data, and mutations of them that a generator with
 * a fixed seed makes, so that a number names an input for ever. Each input is
 * given to the library and to OpenSSL's functions in the default library context;
 * each side writes down all it can tell, and what they wrote must be the same.
 */
#ifndef DIFFER_H
#define DIFFER_H

#include "test.h"

#include <stdbool.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "pyossl/types.h"
#include "pyossl/pkey.h"

/* ---- inputs ---- */

enum { SAMPLE_MAX = 64 * 1024 };

typedef struct sample {
    unsigned char bytes[SAMPLE_MAX];
    size_t len;
} sample;

typedef struct chance {
    uint64_t state;
} chance;

uint32_t chance_below(chance *dice, uint32_t limit);

/* Change one to three things in DER, or in PEM text. */
void mutate_der(sample *work, chance *dice);
void mutate_pem(sample *work, chance *dice);
/* The DER in @from as a PEM block. */
void sample_to_pem(sample *out, const sample *from, const char *label);

/* Every file of tests/data, and of its folders, that is no larger than a sample. */
void each_data_file(void (*visit)(const char *name, const sample *content));
void read_sample(const char *path, sample *out);

/* How many mutations to make: @quick, or @thorough where DIFFER is set to "all". */
size_t how_many(size_t quick, size_t thorough);
double clock_seconds(void);

/* ---- what a side says ---- */

typedef struct notes {
    BIO *bio;
    unsigned long error; /* the first of why it refused */
} notes;

void notes_begin(notes *side);
void notes_end(notes *side);
void note(notes *side, const char *what, long value);
void note_bytes(notes *side, const char *what, const void *data, size_t len);
/* @buf, if @status is PYOSSL_OK, and is cleared; else that there is none. */
void note_buf(notes *side, const char *what, pyossl_status status, pyossl_buf *buf);
/* What an i2d function wrote, which is released and set to NULL; none if @len is not positive. */
void note_der(notes *side, const char *what, int len, unsigned char **der);
bool notes_equal(const notes *ours, const notes *theirs);
/* Print the first line in which they differ. */
void notes_explain(const notes *ours, const notes *theirs);

/* The first thing in our record, or in OpenSSL's queue: what programs see as the reason. */
void note_our_error(notes *side);
void note_their_error(notes *side);

/* What keys say: the same lines from either side. */
void note_our_key(notes *side, pyossl_pkey *key);
void note_their_key(notes *side, EVP_PKEY *key, bool private_half);

/* ---- the outcome ---- */

/* Where the library means to differ from OpenSSL: decision 18 says why. */
typedef enum deliberate {
    NOT_DELIBERATE,
    ODD_BYTES,     /* refused: a dash, a NUL, or no ASCII inside of a block */
    LATER_BLOCK,   /* refused: the first block is broken, and OpenSSL takes a later one */
    OTHER_LABEL,   /* refused: a label that says something else, which OpenSSL overlooks */
    DELIBERATE_MAX
} deliberate;

/* What the text itself explains: NOT_DELIBERATE where it is as it should be. */
deliberate odd_pem(const sample *text);
size_t count_blocks(const sample *text);
/* Whether the first block has one of these labels; NULL ends them. */
bool first_label_among(const sample *text, const char *const *labels);

typedef struct tally {
    const char *what;
    size_t inputs, accepted, refused, wrong;
    size_t explained[DELIBERATE_MAX];
} tally;

/*
 * Count one input. Those who refuse both must say the same, but that OpenSSL says
 * nothing of lines that are too long, or of none. Prints it where the two sides differ without
 * a reason.
 */
void judge(tally *count, const char *name, const sample *input, bool we_accept, bool they_accept,
           const notes *ours, const notes *theirs, deliberate reason);
void tally_print(const tally *count, double seconds);

#endif
