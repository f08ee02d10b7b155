/* Object identifiers: OpenSSL's numbers and names for them. */
#include "crypto.h"

int pyossl_oid_nid(const char *text)
{
    OSL_API_ENTER;
    OSL_NEED_OR(0, text != NULL);
    int nid;

    /* Of what it does not know, OpenSSL leaves a complaint. */
    ERR_set_mark();
    nid = OBJ_txt2nid(text);
    ERR_pop_to_mark();
    return nid;
}

const char *pyossl_oid_short_name(int nid)
{
    OSL_API_ENTER;
    const char *name;

    ERR_set_mark();
    name = OBJ_nid2sn(nid);
    ERR_pop_to_mark();
    return name;
}

const char *pyossl_oid_long_name(int nid)
{
    OSL_API_ENTER;
    const char *name;

    ERR_set_mark();
    name = OBJ_nid2ln(nid);
    ERR_pop_to_mark();
    return name;
}

pyossl_status pyossl_oid_text(int nid, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL);
    const ASN1_OBJECT *object = OBJ_nid2obj(nid);
    char dotted[256]; /* what OpenSSL knows by number is much shorter */
    int len;

    if (object == NULL || OBJ_length(object) == 0)
        return osl_fail_text(PYOSSL_E_NOT_FOUND, "no such object identifier");
    len = OBJ_obj2txt(dotted, sizeof dotted, object, 1);
    if (len <= 0 || len >= (int)sizeof dotted)
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_buf_set(out, dotted, (size_t)len);
}

pyossl_status pyossl_oid_create(const char *dotted, const char *short_name, const char *long_name,
                                int *nid)
{
    OSL_API_ENTER;
    OSL_NEED(dotted != NULL && short_name != NULL && long_name != NULL && nid != NULL);
    int made;

    OSL_TRY(osl_init());
    made = OBJ_create(dotted, short_name, long_name);
    if (made == NID_undef)
        return osl_given(osl_fail(PYOSSL_E_ARGUMENT), dotted, strlen(dotted));
    *nid = made;
    return PYOSSL_OK;
}
