/* Strings that configure a context; one that is refused changes nothing. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static pyossl_ctx *ctx;
    source from = { data, len };
    const uint8_t which = take_byte(&from);
    char *text = as_text(from.data, from.len);

    if (ctx == NULL)
        CHECK(checked(pyossl_ctx_new(&ctx, PYOSSL_TLS)) == PYOSSL_OK);
    switch (which % 8) {
    case 0:
        (void)!checked(pyossl_ctx_set_cipher_list(ctx, text));
        break;
    case 1:
        (void)!checked(pyossl_ctx_set_ciphersuites(ctx, text));
        break;
    case 2:
        (void)!checked(pyossl_ctx_set_groups(ctx, text));
        break;
    case 3:
        (void)!checked(pyossl_ctx_set_alpn_protos(ctx, from.data, from.len));
        break;
    case 4:
        (void)!checked(pyossl_ctx_set_srtp_profiles(ctx, text));
        break;
    case 5:
        (void)!checked(pyossl_ctx_set_tmp_ecdh(ctx, text));
        break;
    case 6:
        (void)!checked(pyossl_ctx_set_session_id(ctx, from.data, from.len));
        break;
    default:
        (void)!checked(pyossl_ctx_set_tmp_dh(ctx, from.data, from.len));
        break;
    }
    free(text);
    return 0;
}
