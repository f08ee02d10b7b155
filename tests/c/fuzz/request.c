/* Certificate requests: load, ask everything, write. */
#include "fuzz.h"

static void ask_exts(const pyossl_req *req)
{
    pyossl_buf out = PYOSSL_BUF_INIT;

    for (size_t i = 0; i < pyossl_req_ext_count(req); i++) {
        pyossl_ext *ext = NULL;

        if (checked(pyossl_req_ext_at(req, i, &ext)) != PYOSSL_OK)
            continue;
        if (checked(pyossl_ext_text(ext, &out)) == PYOSSL_OK)
            pyossl_buf_clear(&out);
        pyossl_ext_unref(ext);
    }
}

static void ask_key(const pyossl_req *req)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_pkey *key = NULL;

    if (checked(pyossl_req_pubkey(req, &key)) == PYOSSL_OK) {
        (void)!checked(pyossl_req_verify(req, key));
        pyossl_pkey_unref(key);
    }
    if (checked(pyossl_req_dump(req, PYOSSL_TEXT, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_req *req = NULL;
    pyossl_name *name = NULL;

    if (checked(pyossl_req_load(&req, guess_format(data, len), data, len)) != PYOSSL_OK) {
        CHECK(req == NULL);
        return 0;
    }
    (void)pyossl_req_version(req);
    if (checked(pyossl_req_subject(req, &name)) == PYOSSL_OK) {
        if (checked(pyossl_name_oneline(name, &out)) == PYOSSL_OK)
            pyossl_buf_clear(&out);
        pyossl_name_unref(name);
    }
    if (checked(pyossl_req_dump(req, PYOSSL_DER, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
    if (chosen(data, len, 8))
        ask_exts(req);
    if (chosen(data, len, 64))
        ask_key(req);
    pyossl_req_unref(req);
    return 0;
}
