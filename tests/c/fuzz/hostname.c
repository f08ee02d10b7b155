/* Host names and addresses: what is not one is refused, never taken for "no check". */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    source from = { data, len };
    const unsigned flags = take_byte(&from) & 7;
    const char *name = (const char *)from.data;
    static pyossl_ctx *ctx; /* made once: a context costs more than all the rest */
    pyossl_status status;

    if (ctx == NULL)
        CHECK(checked(pyossl_ctx_new(&ctx, PYOSSL_TLS_CLIENT)) == PYOSSL_OK);
    status =
        checked(pyossl_ctx_set_verify_hostname(ctx, from.len > 0 ? name : "", from.len, flags));
    if (from.len == 0 || memchr(name, '\0', from.len) != NULL || name[0] == '.')
        CHECK(status == PYOSSL_E_ARGUMENT);
    status = checked(pyossl_ctx_set_verify_ip(ctx, from.len > 0 ? name : "", from.len));
    if (from.len == 0 || memchr(name, '\0', from.len) != NULL)
        CHECK(status == PYOSSL_E_ARGUMENT);
    return 0;
}
