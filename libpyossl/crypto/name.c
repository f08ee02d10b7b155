/* Distinguished names: standing alone, or live views of an owner's. */
#include "crypto.h"

static const char stale[] = "the name's owner has been given another name";

/* ---- views ---- */

/* The name behind a view, or NULL if its owner has been given another one. */
static const X509_NAME *look(const pyossl_name *name)
{
    const pyossl_x509 *cert;
    const pyossl_req *req;

    switch (name->owner_kind) {
    case OSL_OWN_NAME:
        return name->own;
    case OSL_SUBJECT_OF:
        cert = name->owner;
        if (cert->subject_generation == name->generation)
            return X509_get_subject_name(osl_x509_read(cert));
        break;
    case OSL_ISSUER_OF:
        cert = name->owner;
        if (cert->issuer_generation == name->generation)
            return X509_get_issuer_name(osl_x509_read(cert));
        break;
    case OSL_REQ_SUBJECT:
        req = name->owner;
        if (req->subject_generation == name->generation)
            return X509_REQ_get_subject_name(req->req);
        break;
    }
    return NULL;
}

const X509_NAME *osl_name_read(const pyossl_name *name)
{
    const X509_NAME *found = look(name);

    if (found == NULL)
        (void)!osl_fail_text(PYOSSL_E_STATE, stale);
    return found;
}

/*
 * OpenSSL encodes a changed name when it is next compared or hashed. Doing it
 * now keeps reading free of writing.
 */
static bool settle(X509_NAME *name)
{
    return i2d_X509_NAME(name, NULL) > 0;
}

/* Put @made, a changed copy, in the place of what @name shows. Takes it over on success. */
static pyossl_status replace(pyossl_name *name, X509_NAME *made)
{
    X509 *x509;
    pyossl_req *req;
    int result;

    switch (name->owner_kind) {
    case OSL_SUBJECT_OF:
    case OSL_ISSUER_OF:
        x509 = osl_x509_mutable(name->owner);
        if (x509 == NULL)
            return osl_recorded();
        result = name->owner_kind == OSL_SUBJECT_OF ? X509_set_subject_name(x509, made)
                                                    : X509_set_issuer_name(x509, made);
        OSL_TRY(osl_x509_changed(x509, result));
        X509_NAME_free(made);
        return PYOSSL_OK;
    case OSL_REQ_SUBJECT:
        req = name->owner;
        OSL_TRY(osl_req_changed(req->req, X509_REQ_set_subject_name(req->req, made)));
        X509_NAME_free(made);
        return PYOSSL_OK;
    case OSL_OWN_NAME:
        break;
    }
    X509_NAME_free(name->own);
    name->own = made;
    return PYOSSL_OK;
}

pyossl_status osl_name_view(pyossl_name **out, osl_name_owner kind, void *owner,
                            unsigned generation)
{
    pyossl_name *view = osl_new(pyossl_name);

    if (view == NULL)
        return osl_refuse(PYOSSL_E_NOMEM, "out of memory");
    osl_object_init(&view->base);
    view->owner_kind = kind;
    view->generation = generation;
    view->owner =
        kind == OSL_REQ_SUBJECT ? (void *)pyossl_req_ref(owner) : (void *)pyossl_x509_ref(owner);
    *out = view;
    return PYOSSL_OK;
}

static void name_free(pyossl_name *name)
{
    if (name->owner_kind == OSL_REQ_SUBJECT)
        pyossl_req_unref(name->owner);
    else if (name->owner_kind != OSL_OWN_NAME)
        pyossl_x509_unref(name->owner);
    X509_NAME_free(name->own);
    OPENSSL_free(name);
}

OSL_DEFINE_REFS(name, name_free)

/* ---- making ---- */

/* Takes @own over, also on failure. */
static pyossl_status name_wrap(pyossl_name **out, X509_NAME *own)
{
    osl_auto(X509_NAME) *held = own;
    pyossl_name *name;

    if (held == NULL || !settle(held))
        return osl_fail(PYOSSL_E_NOMEM);
    name = osl_new(pyossl_name);
    if (name == NULL)
        return osl_fail_nomem();
    osl_object_init(&name->base);
    name->owner_kind = OSL_OWN_NAME;
    name->own = osl_steal(held);
    *out = name;
    return PYOSSL_OK;
}

pyossl_status osl_name_wrap_copy(pyossl_name **out, const X509_NAME *from)
{
    return name_wrap(out, X509_NAME_dup(from));
}

pyossl_status pyossl_name_new(pyossl_name **out)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL);
    OSL_TRY(osl_init());
    return name_wrap(out, X509_NAME_new());
}

pyossl_status pyossl_name_copy(pyossl_name **out, const pyossl_name *name)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && name != NULL);
    const X509_NAME *from = osl_name_read(name);

    if (from == NULL)
        return PYOSSL_E_STATE;
    return osl_name_wrap_copy(out, from);
}

pyossl_status pyossl_name_load(pyossl_name **out, const void *der, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && osl_fits(der, len));
    const unsigned char *at = der;
    osl_auto(X509_NAME) *name = NULL;

    OSL_TRY(osl_init());
    if (der == NULL || !osl_len_fits(len))
        return osl_fail_text(PYOSSL_E_FORMAT, "not a name");
    name = d2i_X509_NAME(NULL, &at, (long)len);
    if (name == NULL)
        return osl_fail(PYOSSL_E_FORMAT);
    if (at != (const unsigned char *)der + len)
        return osl_fail_text(PYOSSL_E_FORMAT, "there is something behind the name");
    return name_wrap(out, osl_steal(name));
}

/* ---- fields ---- */

/* The fields that nearly every name has: OpenSSL's search takes longer than reading the value. */
static int common_nid(const char *field)
{
    static const struct {
        char name[4];
        int nid;
    } common[] = {
        { SN_commonName, NID_commonName },
        { SN_organizationName, NID_organizationName },
        { SN_organizationalUnitName, NID_organizationalUnitName },
        { SN_countryName, NID_countryName },
        { SN_localityName, NID_localityName },
        { SN_stateOrProvinceName, NID_stateOrProvinceName },
    };

    for (size_t i = 0; i < OSL_COUNT_OF(common); i++)
        if (strcmp(field, common[i].name) == 0)
            return common[i].nid;
    return NID_undef;
}

/* A failing look-up leaves an error behind that means nothing here. */
static int field_nid(const char *field)
{
    int nid = common_nid(field);

    if (nid != NID_undef)
        return nid;
    ERR_set_mark();
    nid = OBJ_txt2nid(field);
    ERR_pop_to_mark();
    return nid;
}

static pyossl_status fail_field(const char *field)
{
    return osl_fail_detail(PYOSSL_E_ARGUMENT, "no such field", field);
}

int pyossl_name_field_known(const char *field)
{
    OSL_API_ENTER;
    OSL_NEED_OR(0, field != NULL);

    return field_nid(field) != NID_undef;
}

/*
 * Whether a value is its own UTF-8, as most are: ASCII in a type of one byte, or
 * of up to four, a character. An empty one is left to OpenSSL.
 */
static bool is_plain(const ASN1_STRING *value)
{
    const unsigned char *bytes = ASN1_STRING_get0_data(value);
    const int len = ASN1_STRING_length(value), type = ASN1_STRING_type(value);
    unsigned char all = 0;

    if (type != V_ASN1_UTF8STRING && type != V_ASN1_PRINTABLESTRING && type != V_ASN1_IA5STRING)
        return false;
    for (int i = 0; i < len; i++)
        all |= bytes[i];
    return len > 0 && all < 0x80;
}

pyossl_status pyossl_name_text(const pyossl_name *name, const char *field, pyossl_buf *room,
                               const char **utf8, size_t *len)
{
    OSL_NEED(name != NULL && field != NULL && room != NULL && utf8 != NULL && len != NULL);
    const X509_NAME *from = look(name);
    const int nid = from != NULL ? common_nid(field) : NID_undef;
    const int index = nid != NID_undef ? X509_NAME_get_index_by_NID(from, nid, -1) : -1;

    if (index >= 0) {
        const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(from, index));

        if (is_plain(value)) {
            *utf8 = (const char *)ASN1_STRING_get0_data(value);
            *len = (size_t)ASN1_STRING_length(value);
            return PYOSSL_OK;
        }
    }
    OSL_TRY(pyossl_name_get(name, field, room));
    *utf8 = (const char *)room->data;
    *len = room->len;
    return PYOSSL_OK;
}

pyossl_status pyossl_name_get(const pyossl_name *name, const char *field, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(name != NULL && field != NULL && out != NULL);
    const X509_NAME *from = osl_name_read(name);
    const int nid = field_nid(field);
    const ASN1_STRING *value;
    unsigned char *utf8 = NULL;
    pyossl_status status;
    int index, len;

    if (from == NULL)
        return PYOSSL_E_STATE;
    if (nid == NID_undef)
        return fail_field(field);
    index = X509_NAME_get_index_by_NID(from, nid, -1);
    if (index < 0)
        return osl_fail_detail(PYOSSL_E_NOT_FOUND, "the name has no such entry", field);
    value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(from, index));
    if (is_plain(value))
        return osl_buf_set(out, ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    len = ASN1_STRING_to_UTF8(&utf8, value);
    if (len < 0)
        return osl_fail(PYOSSL_E_FORMAT);
    status = osl_buf_set(out, utf8, (size_t)len);
    OPENSSL_free(utf8);
    return status;
}

/* Add an entry to a copy, and let the copy take the name's place if all went well. */
static pyossl_status write_entry(pyossl_name *name, const char *field, const void *utf8, size_t len,
                                 bool instead)
{
    static const unsigned char nothing[1] = "";
    const X509_NAME *from = osl_name_read(name);
    const int nid = field_nid(field);
    osl_auto(X509_NAME) *made = NULL;

    if (from == NULL)
        return PYOSSL_E_STATE;
    if (nid == NID_undef)
        return fail_field(field);
    if (!osl_len_fits(len))
        return osl_fail_text(PYOSSL_E_OPENSSL, "string too long");
    made = X509_NAME_dup(from);
    if (made == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    if (instead) {
        const int index = X509_NAME_get_index_by_NID(made, nid, -1);

        if (index >= 0)
            X509_NAME_ENTRY_free(X509_NAME_delete_entry(made, index));
    }
    if (X509_NAME_add_entry_by_NID(made, nid, MBSTRING_UTF8, utf8 != NULL ? utf8 : nothing,
                                   (int)len, -1, 0) != 1 ||
        !settle(made))
        return osl_given_as(osl_hint(osl_fail(PYOSSL_E_OPENSSL), field), "=", utf8, len);
    OSL_TRY(replace(name, made));
    (void)osl_steal(made);
    return PYOSSL_OK;
}

pyossl_status pyossl_name_set(pyossl_name *name, const char *field, const void *utf8, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(name != NULL && field != NULL && osl_fits(utf8, len));
    return write_entry(name, field, utf8, len, true);
}

pyossl_status pyossl_name_add(pyossl_name *name, const char *field, const void *utf8, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(name != NULL && field != NULL && osl_fits(utf8, len));
    return write_entry(name, field, utf8, len, false);
}

size_t pyossl_name_count(const pyossl_name *name)
{
    OSL_NEED_OR(0, name != NULL);
    const X509_NAME *from = look(name);
    const int count = from != NULL ? X509_NAME_entry_count(from) : 0;

    return count > 0 ? (size_t)count : 0;
}

pyossl_status pyossl_name_entry_at(const pyossl_name *name, size_t index, pyossl_name_entry *out)
{
    OSL_NEED(name != NULL && out != NULL);
    const X509_NAME *from = look(name);
    const X509_NAME_ENTRY *entry;
    const ASN1_STRING *value;

    if (from == NULL)
        return osl_refuse(PYOSSL_E_STATE, stale);
    if (index >= (size_t)X509_NAME_entry_count(from))
        return osl_refuse(PYOSSL_E_NOT_FOUND, "the name has no such entry");
    entry = X509_NAME_get_entry(from, (int)index);
    value = X509_NAME_ENTRY_get_data(entry);
    out->field = OBJ_nid2sn(OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)));
    if (out->field == NULL)
        out->field = SN_undef;
    out->value = ASN1_STRING_get0_data(value);
    out->len = (size_t)ASN1_STRING_length(value);
    out->tag = ASN1_STRING_type(value);
    return PYOSSL_OK;
}

/* ---- the whole name ---- */

pyossl_status pyossl_name_compare(const pyossl_name *a, const pyossl_name *b, int *order)
{
    OSL_API_ENTER;
    OSL_NEED(a != NULL && b != NULL && order != NULL);
    const X509_NAME *left = osl_name_read(a);
    const X509_NAME *right = left != NULL ? osl_name_read(b) : NULL;
    int result;

    if (right == NULL)
        return PYOSSL_E_STATE;
    result = X509_NAME_cmp(left, right);
    if (result == -2) /* not an order: OpenSSL could not encode one of them */
        return osl_fail(PYOSSL_E_NOMEM);
    *order = result;
    return PYOSSL_OK;
}

pyossl_status osl_name_hash(const X509_NAME *name, unsigned long *out)
{
    int ok = 0;
    const unsigned long hash = X509_NAME_hash_ex(name, NULL, NULL, &ok);

    if (ok != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    *out = hash;
    return PYOSSL_OK;
}

pyossl_status pyossl_name_hash(const pyossl_name *name, unsigned long *out)
{
    OSL_API_ENTER;
    OSL_NEED(name != NULL && out != NULL);
    const X509_NAME *from = osl_name_read(name);

    return from != NULL ? osl_name_hash(from, out) : PYOSSL_E_STATE;
}

pyossl_status osl_name_der(const X509_NAME *name, pyossl_buf *out)
{
    osl_auto_buf der = PYOSSL_BUF_INIT;
    const int len = i2d_X509_NAME(name, NULL);
    unsigned char *at;

    if (len < 0)
        return osl_fail(PYOSSL_E_OPENSSL);
    OSL_TRY(osl_buf_alloc(&der, (size_t)len));
    at = der.data;
    if (i2d_X509_NAME(name, &at) != len)
        return osl_fail(PYOSSL_E_OPENSSL);
    osl_buf_move(out, &der);
    return PYOSSL_OK;
}

pyossl_status pyossl_name_dump(const pyossl_name *name, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(name != NULL && out != NULL);
    const X509_NAME *from = osl_name_read(name);

    return from != NULL ? osl_name_der(from, out) : PYOSSL_E_STATE;
}

pyossl_status pyossl_name_oneline(const pyossl_name *name, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(name != NULL && out != NULL);
    const X509_NAME *from = osl_name_read(name);
    pyossl_status status;
    char *line;

    if (from == NULL)
        return PYOSSL_E_STATE;
    line = X509_NAME_oneline(from, NULL, 0);
    if (line == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    status = osl_buf_set(out, line, strlen(line));
    OPENSSL_free(line);
    return status;
}
