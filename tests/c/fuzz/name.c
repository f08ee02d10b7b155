/* Names: from DER, and by setting fields; comparing is an order. */
#include "fuzz.h"

static void ask(const pyossl_name *name, int everything)
{
    static const char *const fields[] = {
        "C", "ST", "L", "O", "OU", "CN", "emailAddress", "2.5.4.5", "no such field"
    };
    pyossl_buf out = PYOSSL_BUF_INIT;

    for (size_t i = 0; everything && i < sizeof fields / sizeof fields[0]; i++)
        if (checked(pyossl_name_get(name, fields[i], &out)) == PYOSSL_OK)
            pyossl_buf_clear(&out);
    if (checked(pyossl_name_oneline(name, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
}

static void edit(pyossl_name *name, source *from)
{
    static const char *const fields[] = { "C", "O", "CN", "emailAddress", "DC", "serialNumber" };

    for (int i = 0; i < 12 && from->len > 0; i++) {
        const char *field = fields[take_byte(from) % 6];
        const size_t before = pyossl_name_count(name);
        size_t len;
        const uint8_t *value = take_bytes(from, 200, &len);

        /* A value that is refused leaves the name as it was. */
        if (checked(pyossl_name_set(name, field, value, len)) != PYOSSL_OK)
            CHECK(pyossl_name_count(name) == before);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    source from = { data, len };
    const int everything = chosen(data, len, 16);
    pyossl_name *name = NULL, *copy = NULL;
    int order, back;

    if (checked(pyossl_name_load(&name, data, len)) != PYOSSL_OK)
        CHECK(checked(pyossl_name_new(&name)) == PYOSSL_OK);
    ask(name, everything);
    CHECK(checked(pyossl_name_copy(&copy, name)) == PYOSSL_OK);
    if (checked(pyossl_name_compare(name, copy, &order)) == PYOSSL_OK)
        CHECK(order == 0);
    edit(name, &from);
    ask(name, everything);
    if (checked(pyossl_name_compare(name, copy, &order)) == PYOSSL_OK &&
        checked(pyossl_name_compare(copy, name, &back)) == PYOSSL_OK)
        CHECK((order < 0) == (back > 0) && (order == 0) == (back == 0));
    pyossl_name_unref(copy);
    pyossl_name_unref(name);
    return 0;
}
