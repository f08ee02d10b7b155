/*
 * Whom a store trusts: the library, and a program that has OpenSSL's own functions alone
 * (trust_openssl.c), on the same layouts of files and directories. A layout is a value for each
 * axis below; the verdict and the number of the error must be the same.
 */
#include "differ.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "trust_material.h"

#include "pyossl/ctx.h"
#include "pyossl/store.h"
#include "pyossl/x509.h"

enum { QUICK = 400, THOROUGH = 10000, BATCH = 400, NOBODY = 65534, VALUES_MAX = 9, LINE = 254 };

/* ---- axes ---- */

enum {
    FILE_HOLDS,
    FILE_SHAPE,
    FILE_AGE,
    FILE_RIGHTS,
    OTHER_HOLDS,
    OTHER_AGE,
    DIR_HOLDS,
    DIR_SHAPE,
    DIR_RIGHTS,
    DEFAULTS,
    ADDED,
    ORDER,
    LATER,
    LEAF,
    HELPERS,
    FLAGS,
    AXES
};

enum {
    SHAPE_PLAIN,
    SHAPE_COMMENT,
    SHAPE_CRLF,
    SHAPE_LONG,
    SHAPE_HIDDEN,
    SHAPE_BAD,
    SHAPE_NUL,
    SHAPE_DER
};
enum { YOUNG, OLD };
enum { READABLE, ENTRY_DENIED, DIR_DENIED };
enum { IN_ORDER, BAD_FIRST, BAD_BEHIND, GAP, AS_DER, OTHER_HASH };
enum { NO_DEFAULTS, DEFAULT_DIR, DEFAULT_BOTH };
enum { NONE_ADDED, A1_BEFORE, A2_BEFORE, A2_BEHIND };
enum { FILE_FIRST, DIR_FIRST, TOGETHER };
enum {
    NOTHING,
    REPLACED,
    REPLACED_LOADED,
    IN_PLACE_LOADED,
    DENIED_LOADED,
    REMOVED_LOADED,
    ENTRY_REPLACED
};

static const int values[AXES] = { 8, 8, 2, 2, 4, 2, 7, 6, 3, 3, 4, 3, 7, 7, 4, 4 };

/* What a file or a directory holds; ends with -1. */
static const int holdings[8][4] = {
    { -1 },
    { ROOT_A1, -1 },
    { ROOT_A2, ROOT_A1, -1 },
    { ROOT_A1_EXPIRED, ROOT_B, -1 },
    { INTER_BY_A1, ROOT_A1, ROOT_B, -1 },
    { ROOT_A1_BY_B, INTER_BY_B, ROOT_B, -1 },
    { INTER_OTHER_KEY, ROOT_A1_REJECTED, ROOT_A2, -1 },
    { INTER_EXPIRED, ROOT_A1_FOR_SERVERS, INTER_BY_A2, -1 },
};

typedef struct layout {
    int at[AXES];
} layout;

static bool covered[AXES][VALUES_MAX][AXES][VALUES_MAX];

static void cover(const layout *l)
{
    for (int i = 0; i < AXES; i++)
        for (int k = 0; k < AXES; k++)
            covered[i][l->at[i]][k][l->at[k]] = true;
}

static size_t pairs(bool missing_only)
{
    size_t count = 0;

    for (int i = 0; i < AXES; i++)
        for (int k = i + 1; k < AXES; k++)
            for (int a = 0; a < values[i]; a++)
                for (int b = 0; b < values[k]; b++)
                    count += !missing_only || !covered[i][a][k][b];
    return count;
}

/* The first pair of values that no layout has had yet, from axis @start on. */
static bool take_missing(layout *out, size_t start)
{
    for (int n = 0; n < AXES; n++)
        for (int k = 0; k < AXES; k++) {
            const int i = (int)((start + (size_t)n) % AXES);

            for (int a = 0; i != k && a < values[i]; a++)
                for (int b = 0; b < values[k]; b++)
                    if (!covered[i][a][k][b]) {
                        out->at[i] = a;
                        out->at[k] = b;
                        return true;
                    }
        }
    return false;
}

/* By chance, but for a pair of values that was missing so far. */
static void draw(layout *out, chance *dice, size_t number)
{
    for (int axis = 0; axis < AXES; axis++)
        out->at[axis] = (int)chance_below(dice, (uint32_t)values[axis]);
    (void)take_missing(out, number);
    cover(out);
}

/* ---- files ---- */

static char folder[] = "/tmp/pyossl-trust-XXXXXX";

static char *in(size_t number, const char *name)
{
    static char paths[8][256];
    static unsigned turn;
    char *path = paths[turn++ % 8];

    snprintf(path, sizeof paths[0], "%s/%zu/%s", folder, number, name);
    return path;
}

static char *pool(int which)
{
    char name[16];

    snprintf(name, sizeof name, "%d.pem", which);
    return in(0, name);
}

static void write_bytes(const char *path, const void *data, size_t len)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void put(sample *text, const void *data, size_t len)
{
    assert_true(text->len + len <= SAMPLE_MAX);
    memcpy(text->bytes + text->len, data, len);
    text->len += len;
}

static void put_text(sample *text, const char *words)
{
    put(text, words, strlen(words));
}

static void put_cert(sample *text, int which, bool crlf)
{
    const material *from = &materials[which];

    for (size_t i = 0; i < from->pem_len; i++) {
        if (crlf && from->pem[i] == '\n')
            put(text, "\r", 1);
        put(text, from->pem + i, 1);
    }
}

static const char bad_block[] = "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n";

static void write_file(const char *path, int held, int shape)
{
    static sample text;
    char hashes[255];

    memset(hashes, '#', sizeof hashes);
    text.len = 0;
    if (shape == SHAPE_DER) {
        if (holdings[held][0] >= 0)
            put(&text, materials[holdings[held][0]].der, materials[holdings[held][0]].der_len);
        write_bytes(path, text.bytes, text.len);
        return;
    }
    for (int i = 0; holdings[held][i] >= 0; i++) {
        if (shape == SHAPE_COMMENT)
            put_text(&text, "# an authority\n\n");
        if (shape == SHAPE_LONG) {
            put(&text, hashes, sizeof hashes);
            put_text(&text, "\n");
        }
        if (shape == SHAPE_HIDDEN) /* the block begins where OpenSSL begins another line */
            put(&text, hashes, LINE);
        if (shape == SHAPE_NUL && i == 0)
            put(&text, "a\0b\n", 4);
        put_cert(&text, holdings[held][i], shape == SHAPE_CRLF);
        if (shape == SHAPE_BAD && i == 0)
            put_text(&text, bad_block);
    }
    write_bytes(path, text.bytes, text.len);
}

static void write_entry(size_t number, unsigned long hash, int suffix, int which, int shape)
{
    static sample text;
    char name[64];

    text.len = 0;
    if (shape == AS_DER) {
        put(&text, materials[which].der, materials[which].der_len);
    } else {
        put_cert(&text, which, false);
        if (shape == BAD_BEHIND && suffix == 0)
            put_text(&text, bad_block);
    }
    snprintf(name, sizeof name, "d/%08lx.%d", hash, suffix);
    write_bytes(in(number, name), text.bytes, text.len);
}

/* Each by its hash and the next number. */
static void write_dir(size_t number, const layout *l)
{
    const int shape = l->at[DIR_SHAPE];
    unsigned long seen[8];
    int count = 0;

    assert_int_equal(mkdir(in(number, "d"), 0755), 0);
    for (int i = 0; holdings[l->at[DIR_HOLDS]][i] >= 0; i++) {
        const int which = holdings[l->at[DIR_HOLDS]][i];
        const unsigned long hash =
            shape == OTHER_HASH ? materials[ROOT_A1].hash : materials[which].hash;
        int suffix = 0;
        char name[64];

        for (int k = 0; k < count; k++)
            suffix += seen[k] == hash;
        if (shape == BAD_FIRST && suffix == 0) {
            snprintf(name, sizeof name, "d/%08lx.0", hash);
            write_bytes(in(number, name), bad_block, sizeof bad_block - 1);
            seen[count++] = hash;
            suffix++;
        }
        seen[count++] = hash;
        write_entry(number, hash, suffix + (shape == GAP), which, shape);
        if (l->at[DIR_RIGHTS] == ENTRY_DENIED && i == 0) {
            snprintf(name, sizeof name, "d/%08lx.%d", hash, suffix + (shape == GAP));
            assert_int_equal(chmod(in(number, name), 0), 0);
        }
    }
    if (l->at[DIR_RIGHTS] == DIR_DENIED)
        assert_int_equal(chmod(in(number, "d"), 0), 0);
}

static void write_layout(size_t number, const layout *l)
{
    assert_int_equal(mkdir(in(number, ""), 0755), 0);
    write_file(in(number, "f"), l->at[FILE_HOLDS], l->at[FILE_SHAPE]);
    write_file(in(number, "g"), l->at[OTHER_HOLDS], SHAPE_PLAIN);
    if (l->at[FILE_RIGHTS] != READABLE)
        assert_int_equal(chmod(in(number, "f"), 0), 0);
    write_dir(number, l);
}

/* What was changed this moment is not indexed. */
static void make_young(const char *path)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(chmod(path, status.st_mode & 0777), 0);
}

/* ---- the library's side ---- */

static pyossl_ctx *ctx;
static pyossl_store *store;

static pyossl_x509 *read_cert(const char *path)
{
    static sample text;
    pyossl_x509 *cert = NULL;

    read_sample(path, &text);
    assert_ok(pyossl_x509_load(&cert, PYOSSL_PEM, text.bytes, text.len));
    return cert;
}

static int verify(char *words[4])
{
    pyossl_x509 *leaf = read_cert(words[1]), *helpers[2];
    pyossl_verdict verdict = PYOSSL_VERDICT_INIT;
    pyossl_status status;
    size_t count = 0;
    int error;

    for (int i = 2; i < 4; i++)
        if (strcmp(words[i], "-") != 0)
            helpers[count++] = read_cert(words[i]);
    status = pyossl_store_verify(store, leaf, helpers, count, &verdict);
    assert_true(status == PYOSSL_OK || status == PYOSSL_E_VERIFY);
    error = status == PYOSSL_OK ? 0 : (int)verdict.error;
    pyossl_verdict_clear(&verdict);
    while (count > 0)
        pyossl_x509_unref(helpers[--count]);
    pyossl_x509_unref(leaf);
    return error;
}

static void forget(void)
{
    pyossl_store_unref(store);
    pyossl_ctx_unref(ctx);
    store = NULL;
    ctx = NULL;
}

static int obey(char *words[4])
{
    const char *what = words[0];

    if (strcmp(what, "new") == 0) {
        forget();
        assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
        assert_ok(pyossl_ctx_store(ctx, &store));
        return 1;
    }
    if (strcmp(what, "file") == 0)
        return pyossl_store_load_locations(store, words[1], NULL) == PYOSSL_OK;
    if (strcmp(what, "dir") == 0)
        return pyossl_store_load_locations(store, NULL, words[1]) == PYOSSL_OK;
    if (strcmp(what, "both") == 0)
        return pyossl_ctx_load_verify_locations(ctx, words[1], words[2]) == PYOSSL_OK;
    if (strcmp(what, "default") == 0) {
        assert_int_equal(setenv("SSL_CERT_FILE", words[1], 1), 0);
        assert_int_equal(setenv("SSL_CERT_DIR", words[2], 1), 0);
        return pyossl_ctx_set_default_verify_paths(ctx) == PYOSSL_OK;
    }
    if (strcmp(what, "add") == 0) {
        pyossl_x509 *cert = read_cert(words[1]);
        const bool added = pyossl_store_add_cert(store, cert) == PYOSSL_OK;

        pyossl_x509_unref(cert);
        return added;
    }
    if (strcmp(what, "flags") == 0)
        return pyossl_store_set_flags(store, strtoul(words[1], NULL, 0)) == PYOSSL_OK;
    if (strcmp(what, "servers") == 0)
        return pyossl_store_set_purpose(store, "sslserver") == PYOSSL_OK;
    assert_string_equal(what, "verify");
    return verify(words);
}

/* ---- both sides ---- */

static FILE *to_openssl, *from_openssl;
static size_t asked, wrong, accepted;
static char drawn[64];  /* the layout, axis by axis */
static char told[4096]; /* what was said about it so far */

static void tell(const char *what, const char *a, const char *b, const char *c)
{
    char *words[4] = { (char *)what, (char *)a, (char *)b, (char *)c };
    const size_t len = strlen(told);
    const bool is_verdict = strcmp(what, "verify") == 0;
    char line[64];
    int ours, theirs;

    ours = obey(words);
    assert_true(fprintf(to_openssl, "%s %s %s %s\n", what, a, b, c) > 0);
    assert_int_equal(fflush(to_openssl), 0);
    assert_non_null(fgets(line, sizeof line, from_openssl));
    theirs = (int)strtol(line, NULL, 10);
    snprintf(told + len, sizeof told - len, "#   %s %s %s %s: %d, OpenSSL %d\n", what, a, b, c,
             ours, theirs);
    asked++;
    accepted += is_verdict && theirs == 0;
    if (ours == theirs)
        return;
    if (wrong++ < 10)
        print_message("# differs, layout%s:\n%s", drawn, told);
}

static void ask_verdicts(const layout *l, size_t number)
{
    static const int helpers[4][2] = {
        { -1, -1 }, { INTER_BY_A1, -1 }, { INTER_BY_B, INTER_BY_A2 }, { ROOT_A1_BY_B, INTER_BY_A1 }
    };
    const int *with = helpers[l->at[HELPERS]];

    for (int i = 0; i < 3; i++) {
        const int leaf =
            LEAF_OF_INTER + (l->at[LEAF] + i * (int)(number % 3 + 1)) % (CERTS - AUTHORITIES);

        tell("verify", pool(leaf), with[0] < 0 ? "-" : pool(with[0]),
             with[1] < 0 ? "-" : pool(with[1]));
    }
}

static void load_all(const layout *l, size_t number)
{
    if (l->at[ORDER] == TOGETHER) {
        tell("both", in(number, "f"), in(number, "d"), "");
    } else if (l->at[ORDER] == FILE_FIRST) {
        tell("file", in(number, "f"), "", "");
        tell("dir", in(number, "d"), "", "");
    } else {
        tell("dir", in(number, "d"), "", "");
        tell("file", in(number, "f"), "", "");
    }
    if (l->at[OTHER_HOLDS] > 0)
        tell("file", in(number, "g"), "", "");
    if (l->at[DEFAULTS] == DEFAULT_DIR)
        tell("default", "/nonexistent", in(number, "d"), "");
    if (l->at[DEFAULTS] == DEFAULT_BOTH)
        tell("default", in(number, "f"), in(number, "d"), "");
}

/* The store is in use: something is put in the place of what it has read, or of what it has not. */
static void change(const layout *l, size_t number)
{
    const int holds = (l->at[FILE_HOLDS] + 3) % 8;
    char name[64];

    switch (l->at[LATER]) {
    case REPLACED:
    case REPLACED_LOADED:
        write_file(in(number, "n"), holds, SHAPE_PLAIN);
        assert_int_equal(rename(in(number, "n"), in(number, "f")), 0);
        break;
    case IN_PLACE_LOADED:
        assert_int_equal(chmod(in(number, "f"), 0644), 0);
        write_file(in(number, "f"), holds, SHAPE_PLAIN);
        break;
    case DENIED_LOADED:
        assert_int_equal(chmod(in(number, "f"), 0), 0);
        break;
    case REMOVED_LOADED:
        assert_int_equal(unlink(in(number, "f")), 0);
        break;
    case ENTRY_REPLACED:
        if (l->at[DIR_RIGHTS] == DIR_DENIED)
            assert_int_equal(chmod(in(number, "d"), 0755), 0);
        snprintf(name, sizeof name, "d/%08lx.0", materials[ROOT_B].hash);
        (void)unlink(in(number, name));
        write_entry(number, materials[ROOT_B].hash, 0, ROOT_B, IN_ORDER);
        break;
    default:
        return;
    }
    if (l->at[LATER] != REPLACED && l->at[LATER] != ENTRY_REPLACED)
        tell("file", in(number, "f"), "", "");
    ask_verdicts(l, number + 1);
}

static void judge_layout(const layout *l, size_t number)
{
    static const char *const flags[] = { "0", "0x80000", "0x20", "0x8000" };

    told[0] = '\0';
    drawn[0] = '\0';
    for (int i = 0; i < AXES; i++)
        snprintf(drawn + strlen(drawn), sizeof drawn - strlen(drawn), " %d", l->at[i]);
    if (l->at[FILE_AGE] == YOUNG)
        make_young(in(number, "f"));
    if (l->at[OTHER_AGE] == YOUNG)
        make_young(in(number, "g"));
    tell("new", "", "", "");
    tell("flags", flags[l->at[FLAGS]], "", "");
    if (l->at[FLAGS] == 2)
        tell("servers", "", "", "");
    if (l->at[ADDED] == A1_BEFORE || l->at[ADDED] == A2_BEFORE)
        tell("add", pool(l->at[ADDED] == A1_BEFORE ? ROOT_A1 : ROOT_A2), "", "");
    load_all(l, number);
    if (l->at[ADDED] == A2_BEHIND)
        tell("add", pool(ROOT_A2), "", "");
    ask_verdicts(l, number);
    change(l, number);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

static void remove_layout(size_t number)
{
    (void)chmod(in(number, "d"), 0755);
    assert_int_equal(nftw(in(number, ""), remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void test_na_200_na_201_na_202_na_208_same_trust(void **state)
{
    const char *given = getenv("SEED");
    const unsigned long seed = given != NULL ? strtoul(given, NULL, 10) : (unsigned long)time(NULL);
    const size_t total = how_many(QUICK, THOROUGH);
    static layout layouts[BATCH];
    chance dice = { .state = seed };
    const double start = clock_seconds();

    (void)state;
    for (size_t done = 0; done < total; done += BATCH) {
        for (size_t i = 0; i < BATCH; i++) {
            draw(&layouts[i], &dice, done + i);
            write_layout(i + 1, &layouts[i]);
        }
        usleep(2100 * 1000); /* until they are old enough to be indexed */
        for (size_t i = 0; i < BATCH; i++)
            judge_layout(&layouts[i], i + 1);
        forget();
        for (size_t i = 0; i < BATCH; i++)
            remove_layout(i + 1);
    }
    print_message("# %zu layouts (SEED=%lu), %zu answers, %zu chains accepted, %zu of %zu pairs of "
                  "values, %zu differences, %.0f s\n",
                  total, seed, asked, accepted, pairs(false) - pairs(true), pairs(false), wrong,
                  clock_seconds() - start);
    assert_int_equal(wrong, 0);
    assert_true(accepted > total / 4);
    assert_int_equal(pairs(true), 0);
}

/* ---- the other program ---- */

static pid_t start_openssl(const char *self)
{
    const char *end = strrchr(self, '/');
    int there[2], back[2];
    char path[1024], id[16];
    pid_t child;

    snprintf(path, sizeof path, "%.*s/trust_openssl", end != NULL ? (int)(end - self) : 1,
             end != NULL ? self : ".");
    snprintf(id, sizeof id, "%d", geteuid() == 0 ? NOBODY : (int)geteuid());
    if (pipe(there) != 0 || pipe(back) != 0 || (child = fork()) < 0)
        return -1;
    if (child == 0) {
        dup2(there[0], 0);
        dup2(back[1], 1);
        close(there[1]);
        close(back[0]);
        execl(path, path, id, (char *)NULL);
        _exit(127);
    }
    close(there[0]);
    close(back[1]);
    to_openssl = fdopen(there[1], "w");
    from_openssl = fdopen(back[0], "r");
    return child;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_200_na_201_na_202_na_208_same_trust),
    };
    const pid_t child = start_openssl(argv[0]);
    int failed = 1, status;

    (void)argc;
    /* Rights that a program has are not to decide what it can read. */
    if (child > 0 && make_materials() && (geteuid() != 0 || setuid(NOBODY) == 0) &&
        mkdtemp(folder) != NULL && chmod(folder, 0755) == 0 && mkdir(in(0, ""), 0755) == 0) {
        for (int i = 0; i < CERTS; i++)
            write_bytes(pool(i), materials[i].pem, materials[i].pem_len);
        failed = cmocka_run_group_tests(tests, NULL, NULL);
        remove_layout(0);
        (void)rmdir(folder);
    }
    if (to_openssl != NULL)
        fclose(to_openssl); /* which ends it */
    if (child > 0 && waitpid(child, &status, 0) == child && status != 0)
        failed = 1;
    return failed;
}
