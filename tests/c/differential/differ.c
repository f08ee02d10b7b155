#include "differ.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/pem.h>

#include "pyossl/pkey.h"

/* ---- inputs ---- */

void sample_to_pem(sample *out, const sample *from, const char *label)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long len;

    /* OpenSSL does not write a block with nothing in it. */
    if (from->len == 0)
        BIO_printf(bio, "-----BEGIN %s-----\n-----END %s-----\n", label, label);
    else
        assert_true(PEM_write_bio(bio, label, "", from->bytes, (long)from->len) > 0);
    len = BIO_get_mem_data(bio, &text);
    assert_between(len, 1, SAMPLE_MAX);
    memcpy(out->bytes, text, (size_t)len);
    out->len = (size_t)len;
    BIO_free(bio);
}

void read_sample(const char *path, sample *out)
{
    FILE *file = fopen(path, "rb");

    assert_non_null(file);
    out->len = fread(out->bytes, 1, SAMPLE_MAX, file);
    assert_true(feof(file));
    fclose(file);
}

static void each_file_in(const char *folder, unsigned depth,
                         void (*visit)(const char *name, const sample *content))
{
    static sample content;
    struct dirent **entries;
    const int count = scandir(folder, &entries, NULL, alphasort);

    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        char path[1024];
        struct stat status;

        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && stat(path, &status) == 0) {
            if (S_ISDIR(status.st_mode) && depth > 0)
                each_file_in(path, depth - 1, visit);
            if (S_ISREG(status.st_mode) && status.st_size < SAMPLE_MAX) {
                read_sample(path, &content);
                visit(path + strlen(TEST_DATA) + 1, &content);
            }
        }
        free(entries[i]);
    }
    free(entries);
}

void each_data_file(void (*visit)(const char *name, const sample *content))
{
    each_file_in(TEST_DATA, 2, visit);
}

size_t how_many(size_t quick, size_t thorough)
{
    const char *wanted = getenv("DIFFER");

    return wanted != NULL && strcmp(wanted, "all") == 0 ? thorough : quick;
}

double clock_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- what a side says ---- */

void notes_begin(notes *side)
{
    side->bio = BIO_new(BIO_s_mem());
    assert_non_null(side->bio);
    side->error = 0;
}

void notes_end(notes *side)
{
    BIO_free(side->bio);
}

void note(notes *side, const char *what, long value)
{
    BIO_printf(side->bio, "%s %ld\n", what, value);
}

void note_bytes(notes *side, const char *what, const void *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = data;
    char pair[2];

    BIO_printf(side->bio, "%s %zu ", what, len);
    for (size_t i = 0; i < len; i++) {
        pair[0] = digits[bytes[i] >> 4];
        pair[1] = digits[bytes[i] & 15];
        BIO_write(side->bio, pair, 2);
    }
    BIO_write(side->bio, "\n", 1);
}

void note_buf(notes *side, const char *what, pyossl_status status, pyossl_buf *buf)
{
    if (status != PYOSSL_OK) {
        note(side, what, -1);
        return;
    }
    note_bytes(side, what, buf->data, buf->len);
    pyossl_buf_clear(buf);
}

void note_der(notes *side, const char *what, int len, unsigned char **der)
{
    if (len <= 0)
        note(side, what, -1);
    else
        note_bytes(side, what, *der, (size_t)len);
    OPENSSL_free(*der);
    *der = NULL;
}

static long text_of(const notes *side, char **text)
{
    return BIO_get_mem_data(side->bio, text);
}

bool notes_equal(const notes *ours, const notes *theirs)
{
    char *a, *b;
    const long a_len = text_of(ours, &a), b_len = text_of(theirs, &b);

    return a_len == b_len && (a_len == 0 || memcmp(a, b, (size_t)a_len) == 0);
}

static void print_line(const char *who, const char *text, long len, long at)
{
    const char *end;

    while (at > 0 && text[at - 1] != '\n')
        at--;
    end = memchr(text + at, '\n', (size_t)(len - at));
    print_message("#   %s: %.*s\n", who,
                  end == NULL             ? 0
                  : end - text - at < 200 ? (int)(end - text - at)
                                          : 200,
                  text + at);
}

void notes_explain(const notes *ours, const notes *theirs)
{
    char *a, *b;
    const long a_len = text_of(ours, &a), b_len = text_of(theirs, &b);
    long at = 0;

    while (at < a_len && at < b_len && a[at] == b[at])
        at++;
    print_line("we", a, a_len, at);
    print_line("OpenSSL", b, b_len, at);
}

void note_our_error(notes *side)
{
    const pyossl_error_entry *entry = pyossl_error_entry_at(pyossl_error_last(), 0);

    assert_non_null(entry);
    side->error = entry->code;
}

void note_their_error(notes *side)
{
    side->error = ERR_peek_error();
    ERR_clear_error();
}

static bool same_error(const notes *ours, const notes *theirs)
{
    return theirs->error == 0 || (ERR_GET_LIB(ours->error) == ERR_GET_LIB(theirs->error) &&
                                  ERR_GET_REASON(ours->error) == ERR_GET_REASON(theirs->error));
}

/* ---- keys ---- */

void note_our_key(notes *side, pyossl_pkey *key)
{
    pyossl_buf buf = PYOSSL_BUF_INIT;

    note(side, "type", pyossl_pkey_type(key));
    note(side, "bits", pyossl_pkey_bits(key));
    note_buf(side, "public", pyossl_pkey_dump_public(key, PYOSSL_DER, &buf), &buf);
    if (pyossl_pkey_is_private(key))
        note_buf(side, "private", pyossl_pkey_dump_private(key, PYOSSL_DER, NULL, NULL, &buf),
                 &buf);
}

void note_their_key(notes *side, EVP_PKEY *key, bool private_half)
{
    unsigned char *der = NULL;

    note(side, "type", EVP_PKEY_get_base_id(key));
    note(side, "bits", EVP_PKEY_get_bits(key));
    note_der(side, "public", i2d_PUBKEY(key, &der), &der);
    if (private_half)
        note_der(side, "private", i2d_PrivateKey(key, &der), &der);
    ERR_clear_error();
}

/* ---- the outcome ---- */

/* @dashes: where they would be odd, too. */
static bool is_odd(const unsigned char *line, size_t len, bool dashes)
{
    for (size_t i = 0; i < len; i++)
        if ((dashes && line[i] == '-') || line[i] == '\0' || line[i] >= 0x80)
            return true;
    return false;
}

static bool begins(const unsigned char *line, size_t len, const char *text)
{
    return len >= strlen(text) && memcmp(line, text, strlen(text)) == 0;
}

deliberate odd_pem(const sample *text)
{
    const bool marked = text->len > 3 && memcmp(text->bytes, "\xEF\xBB\xBF", 3) == 0;
    bool inside = false;

    for (size_t at = marked ? 3 : 0, len; at < text->len; at += len) {
        const unsigned char *line = text->bytes + at, *end = memchr(line, '\n', text->len - at);
        const bool opens = begins(line, text->len - at, "-----BEGIN "),
                   closes = begins(line, text->len - at, "-----END ");

        len = end != NULL ? (size_t)(end - line) + 1 : text->len - at;
        if ((inside || opens) && is_odd(line, len, !opens && !closes))
            return ODD_BYTES;
        if (inside && opens)
            return ODD_BYTES;
        inside = opens || (inside && !closes);
    }
    return NOT_DELIBERATE;
}

size_t count_blocks(const sample *text)
{
    static const char mark[] = "-----BEGIN ";
    const size_t len = sizeof mark - 1;
    size_t count = 0;

    for (size_t at = 0; at + len < text->len; at++)
        count += memcmp(text->bytes + at, mark, len) == 0;
    return count;
}

bool first_label_among(const sample *text, const char *const *labels)
{
    char want[80];

    for (size_t at = 0; at < text->len; at++) {
        if (!begins(text->bytes + at, text->len - at, "-----BEGIN "))
            continue;
        for (; *labels != NULL; labels++) {
            snprintf(want, sizeof want, "-----BEGIN %s-----", *labels);
            if (begins(text->bytes + at, text->len - at, want))
                return true;
        }
        return false;
    }
    return false;
}

enum { PRINTED_MAX = 10 };

/* For whoever wants to see it: DIFFER_KEEP names a folder. */
static void keep(const tally *count, const sample *input)
{
    const char *folder = getenv("DIFFER_KEEP");
    char path[1024];
    FILE *file;

    if (folder == NULL)
        return;
    snprintf(path, sizeof path, "%s/%s-%zu", folder, count->what, count->wrong);
    file = fopen(path, "wb");
    assert_non_null(file);
    fwrite(input->bytes, 1, input->len, file);
    fclose(file);
}

static const char *verb(bool accepts)
{
    return accepts ? "accepted" : "refused";
}

static void complain(const tally *count, const char *name, bool we_accept, bool they_accept,
                     const notes *ours, const notes *theirs)
{
    print_message("# %s, input %zu of %s: %s by us, %s by OpenSSL\n", count->what, count->inputs,
                  name, verb(we_accept), verb(they_accept));
    if (we_accept || they_accept)
        notes_explain(ours, theirs);
    else
        print_message("#   we: %d of library %d, OpenSSL: %d of library %d\n",
                      ERR_GET_REASON(ours->error), ERR_GET_LIB(ours->error),
                      ERR_GET_REASON(theirs->error), ERR_GET_LIB(theirs->error));
}

void judge(tally *count, const char *name, const sample *input, bool we_accept, bool they_accept,
           const notes *ours, const notes *theirs, deliberate reason)
{
    assert_int_equal(ERR_peek_error(), 0);
    count->inputs++;
    count->accepted += we_accept && they_accept;
    count->refused += !we_accept && !they_accept;
    if (we_accept == they_accept && notes_equal(ours, theirs) &&
        (we_accept || same_error(ours, theirs)))
        return;
    count->explained[reason]++;
    if (reason != NOT_DELIBERATE)
        return;
    count->wrong++;
    keep(count, input);
    if (count->wrong <= PRINTED_MAX)
        complain(count, name, we_accept, they_accept, ours, theirs);
}

static const char *const reasons[DELIBERATE_MAX] = {
    [ODD_BYTES] = "a dash, a NUL or no ASCII inside of a block",
    [LATER_BLOCK] = "a broken block before the one that OpenSSL takes",
    [OTHER_LABEL] = "a label that says something else",
};

void tally_print(const tally *count, double seconds)
{
    print_message(
        "# differences: %s: %zu wrong of %zu (%zu accepted, %zu refused by both), %.1f s\n",
        count->what, count->wrong, count->inputs, count->accepted, count->refused, seconds);
    for (int i = 1; i < DELIBERATE_MAX; i++)
        if (count->explained[i] > 0)
            print_message("#   %zu on purpose: %s\n", count->explained[i], reasons[i]);
}
