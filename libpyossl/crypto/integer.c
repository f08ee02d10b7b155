/* Serial numbers of any size and either sign, as hexadecimal digits. */
#include "crypto.h"

pyossl_status osl_integer_hex(const ASN1_INTEGER *number, pyossl_buf *hex)
{
    static const char digits[] = "0123456789ABCDEF";
    static const unsigned char zero[1] = { 0 };
    const unsigned char *bytes = ASN1_STRING_get0_data(number);
    size_t len = (size_t)ASN1_STRING_length(number);
    osl_auto_buf text = PYOSSL_BUF_INIT;
    bool negative;
    unsigned char *at;

    if (len == 0) {
        bytes = zero;
        len = 1;
    }
    /* OpenSSL keeps the magnitude in the bytes and the sign in the type. */
    negative = (ASN1_STRING_type(number) & V_ASN1_NEG) != 0;
    OSL_TRY(osl_buf_alloc(&text, len * 2 + (negative ? 1 : 0)));
    at = text.data;
    if (negative)
        *at++ = '-';
    for (size_t i = 0; i < len; i++) {
        *at++ = (unsigned char)digits[bytes[i] >> 4];
        *at++ = (unsigned char)digits[bytes[i] & 15];
    }
    osl_buf_move(hex, &text);
    return PYOSSL_OK;
}

pyossl_status osl_integer_parse(ASN1_INTEGER **out, const char *hex, bool lenient)
{
    osl_auto(BIGNUM) *number = NULL;
    ASN1_INTEGER *made;
    int read = BN_hex2bn(&number, hex);

    if (read == 0 && ERR_peek_error() != 0)
        return osl_fail(PYOSSL_E_NOMEM);
    /* "-" alone is not a number, nor is a number too long for OpenSSL to read to its end. */
    if (read == 0 || (!lenient && hex[read] != '\0'))
        return osl_given(osl_fail_text(PYOSSL_E_ARGUMENT, "not a hexadecimal number"), hex,
                         strlen(hex));
    made = BN_to_ASN1_INTEGER(number, NULL);
    if (made == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    *out = made;
    return PYOSSL_OK;
}
