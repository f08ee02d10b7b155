/* Certificates: load, ask everything, change, write and load again. */
#include "fuzz.h"

static void ask_name(pyossl_name *name, int everything)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_name_entry entry;
    unsigned long hash;

    for (size_t i = 0; i < pyossl_name_count(name); i++)
        CHECK(checked(pyossl_name_entry_at(name, i, &entry)) == PYOSSL_OK);
    if (checked(pyossl_name_get(name, "CN", &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
    if (!everything)
        return;
    if (checked(pyossl_name_oneline(name, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
    if (checked(pyossl_name_dump(name, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
    (void)!checked(pyossl_name_hash(name, &hash));
}

static void ask_ext_text(const pyossl_ext *ext)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    int type;

    if (checked(pyossl_ext_text(ext, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
    for (size_t i = 0; i < 100; i++) {
        if (checked(pyossl_ext_general_name_at(ext, i, &type, &out)) != PYOSSL_OK)
            break;
        pyossl_buf_clear(&out);
    }
}

static void ask_exts(const pyossl_x509 *cert, int everything)
{
    for (size_t i = 0; i < pyossl_x509_ext_count(cert); i++) {
        pyossl_buf out = PYOSSL_BUF_INIT;
        pyossl_ext *ext = NULL;

        if (checked(pyossl_x509_ext_at(cert, i, &ext)) != PYOSSL_OK)
            continue;
        CHECK(pyossl_ext_short_name(ext) != NULL);
        if (checked(pyossl_ext_data(ext, &out)) == PYOSSL_OK)
            pyossl_buf_clear(&out);
        if (checked(pyossl_ext_oid(ext, &out)) == PYOSSL_OK)
            pyossl_buf_clear(&out);
        if (everything)
            ask_ext_text(ext);
        pyossl_ext_unref(ext);
    }
}

static void ask(pyossl_x509 *cert, int everything)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_name *name = NULL;
    const char *text;
    int expired;

    (void)pyossl_x509_version(cert);
    if (checked(pyossl_x509_serial(cert, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
    if (checked(pyossl_x509_not_before(cert, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
    if (checked(pyossl_x509_not_after(cert, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
    (void)!checked(pyossl_x509_has_expired(cert, &expired));
    (void)!checked(pyossl_x509_signature_algorithm(cert, &text));
    if (checked(pyossl_x509_subject(cert, &name)) == PYOSSL_OK) {
        ask_name(name, everything);
        pyossl_name_unref(name);
    }
    ask_exts(cert, everything);
}

/* What needs the key, or everything at once. */
static void ask_key(const pyossl_x509 *cert)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_pkey *key = NULL;

    if (checked(pyossl_x509_digest(cert, "sha256", &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
    if (checked(pyossl_x509_pubkey(cert, &key)) == PYOSSL_OK) {
        (void)!checked(pyossl_x509_verify(cert, key));
        pyossl_pkey_unref(key);
    }
    if (checked(pyossl_x509_dump(cert, PYOSSL_TEXT, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
}

/* What was loaded is written as it came, and loads again. */
static void round_trip(const pyossl_x509 *cert)
{
    pyossl_buf der = PYOSSL_BUF_INIT, again = PYOSSL_BUF_INIT;
    pyossl_x509 *second = NULL;

    CHECK(checked(pyossl_x509_dump(cert, PYOSSL_DER, &der)) == PYOSSL_OK);
    CHECK(checked(pyossl_x509_load(&second, PYOSSL_DER, der.data, der.len)) == PYOSSL_OK);
    CHECK(checked(pyossl_x509_dump(second, PYOSSL_DER, &again)) == PYOSSL_OK);
    CHECK(der.len == again.len && memcmp(der.data, again.data, der.len) == 0);
    CHECK(pyossl_x509_equal(cert, second));
    pyossl_x509_unref(second);
    pyossl_buf_clear(&der);
    pyossl_buf_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    pyossl_x509 *cert = NULL;

    if (checked(pyossl_x509_load(&cert, guess_format(data, len), data, len)) != PYOSSL_OK) {
        CHECK(cert == NULL);
        return 0;
    }
    ask(cert, chosen(data, len, 8));
    if (chosen(data, len, 4))
        round_trip(cert);
    if (chosen(data, len, 128)) {
        ask_key(cert);
        (void)!checked(pyossl_x509_set_version(cert, 2));
        ask(cert, 1);
        ask_key(cert);
    }
    pyossl_x509_unref(cert);
    return 0;
}
