/* Certificates by the dozen: lists of handles, files of them, stacks of OpenSSL's. */
#include "crypto.h"

#include <openssl/pemerr.h>

static const char *const labels[] = { PEM_STRING_X509, PEM_STRING_X509_OLD, NULL };
/* "openssl x509 -trustout": behind the certificate stands what it is trusted for. */
static const char *const leaf_labels[] = { PEM_STRING_X509, PEM_STRING_X509_OLD,
                                           PEM_STRING_X509_TRUSTED, NULL };

void pyossl_x509_list_clear(pyossl_x509_list *list)
{
    OSL_NEED_OR(OSL_NOTHING, list != NULL);
    for (size_t i = 0; i < list->count; i++)
        pyossl_x509_unref(list->items[i]);
    OPENSSL_free(list->items);
    list->items = NULL;
    list->count = 0;
}

/* Takes @cert over, also on failure. The room doubles, so that it is always a power of two. */
static pyossl_status list_add(pyossl_x509_list *list, pyossl_x509 *cert)
{
    osl_auto(pyossl_x509) *held = cert;
    const size_t count = list->count;
    pyossl_x509 **items = list->items;

    if (items == NULL || (count & (count - 1)) == 0) {
        items = OPENSSL_realloc(items, (count != 0 ? count * 2 : 1) * sizeof *items);
        if (items == NULL)
            return osl_fail_nomem();
        list->items = items;
    }
    items[count] = osl_steal(held);
    list->count++;
    return PYOSSL_OK;
}

static void list_move(pyossl_x509_list *to, pyossl_x509_list *from)
{
    pyossl_x509_list_clear(to);
    *to = *from;
    *from = (pyossl_x509_list)PYOSSL_X509_LIST_INIT;
}

/* Whether what was recorded only says that there is no further block. */
static bool recorded_no_more(void)
{
    const pyossl_error_entry *entry = pyossl_error_entry_at(pyossl_error_last(), 0);

    return entry != NULL && ERR_GET_LIB(entry->code) == ERR_LIB_PEM &&
           ERR_GET_REASON(entry->code) == PEM_R_NO_START_LINE;
}

/* The first block has one of the labels in @first. */
static pyossl_status load_all(pyossl_x509_list *out, const void *pem, size_t len,
                              const char *const *first)
{
    osl_auto_x509_list list = PYOSSL_X509_LIST_INIT;
    const char *at = pem;

    OSL_TRY(osl_init());
    for (;;) {
        pyossl_x509 *cert = NULL;
        size_t end = 0;
        const pyossl_status status =
            osl_x509_from_pem(&cert, at, len, list.count == 0 ? first : labels, &end);

        if (status == PYOSSL_E_FORMAT && list.count > 0 && recorded_no_more())
            break;
        OSL_TRY(status);
        OSL_TRY(list_add(&list, cert));
        at += end;
        len -= end;
    }
    pyossl_error_clear();
    list_move(out, &list);
    return PYOSSL_OK;
}

pyossl_status pyossl_x509_load_all(pyossl_x509_list *out, const void *pem, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && osl_fits(pem, len));
    return load_all(out, pem, len, labels);
}

pyossl_status osl_x509_load_chain(pyossl_x509_list *out, const void *pem, size_t len)
{
    return load_all(out, pem, len, leaf_labels);
}

static pyossl_status wrap_stack(pyossl_x509_list *out, STACK_OF(X509) *stack,
                                pyossl_status (*wrap_one)(pyossl_x509 **out, X509 *x509))
{
    osl_auto_x509_list list = PYOSSL_X509_LIST_INIT;

    for (int i = 0; i < sk_X509_num(stack); i++) {
        X509 *x509 = sk_X509_value(stack, i);
        pyossl_x509 *cert = NULL;

        if (X509_up_ref(x509) != 1)
            return osl_fail(PYOSSL_E_OPENSSL);
        OSL_TRY(wrap_one(&cert, x509));
        OSL_TRY(list_add(&list, cert));
    }
    list_move(out, &list);
    return PYOSSL_OK;
}

pyossl_status osl_x509_wrap_stack(pyossl_x509_list *out, STACK_OF(X509) *stack)
{
    return wrap_stack(out, stack, osl_x509_wrap);
}

pyossl_status osl_x509_wrap_stack_apart(pyossl_x509_list *out, STACK_OF(X509) *stack)
{
    return wrap_stack(out, stack, osl_x509_wrap_apart);
}

static bool push(STACK_OF(X509) *stack, X509 *x509)
{
    if (X509_up_ref(x509) != 1)
        return false;
    if (sk_X509_push(stack, x509) > 0)
        return true;
    X509_free(x509);
    return false;
}

STACK_OF(X509) *osl_x509_stack(pyossl_x509 *const *certs, size_t count)
{
    STACK_OF(X509) *stack = sk_X509_new_null();

    if (stack == NULL) {
        (void)!osl_fail(PYOSSL_E_NOMEM);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        X509 *x509 = osl_x509_full(certs[i]);

        if (x509 != NULL && push(stack, x509))
            continue;
        if (x509 != NULL)
            (void)!osl_fail(PYOSSL_E_NOMEM);
        sk_X509_pop_free(stack, X509_free);
        return NULL;
    }
    return stack;
}
