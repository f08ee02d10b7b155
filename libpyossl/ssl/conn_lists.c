/* Lists of groups and signature algorithms of one connection, in place of its context's. */
#include "tls.h"

pyossl_status osl_list_check(const char *list, const char *empty)
{
    /* From 3.5 on OpenSSL takes it, and no handshake would find anything in it. */
    return list[strspn(list, " \t\n\v\f\r")] != '\0' ? PYOSSL_OK
                                                     : osl_fail_text(PYOSSL_E_OPENSSL, empty);
}

/* ---- having an SSL do it ---- */

typedef long apply_list(SSL *ssl, char *list);

static long apply_groups(SSL *ssl, char *list)
{
    return SSL_set1_groups_list(ssl, list);
}

static long apply_sigalgs(SSL *ssl, char *list)
{
    return SSL_set1_sigalgs_list(ssl, list);
}

static long apply_client_sigalgs(SSL *ssl, char *list)
{
    return SSL_set1_client_sigalgs_list(ssl, list);
}

static pyossl_status apply(SSL *ssl, apply_list *how, char *list)
{
    if (list != NULL && how(ssl, list) != 1)
        return osl_given(osl_fail(PYOSSL_E_OPENSSL), list, strlen(list));
    return PYOSSL_OK;
}

pyossl_status osl_conn_sigalgs_apply(const osl_conn_lists *lists, SSL *ssl)
{
    OSL_TRY(apply(ssl, apply_sigalgs, lists->sigalgs));
    return apply(ssl, apply_client_sigalgs, lists->client_sigalgs);
}

pyossl_status osl_conn_lists_apply(const osl_conn_lists *lists, SSL *ssl)
{
    OSL_TRY(apply(ssl, apply_groups, lists->groups));
    return osl_conn_sigalgs_apply(lists, ssl);
}

void osl_conn_lists_clear(osl_conn_lists *lists)
{
    OPENSSL_free(lists->groups);
    OPENSSL_free(lists->sigalgs);
    OPENSSL_free(lists->client_sigalgs);
    *lists = (osl_conn_lists){ .groups = NULL };
}

/* ---- setters ---- */

typedef struct kind {
    char **place;
    apply_list *how;
    const char *empty; /* what is said of a list with nothing in it */
} kind;

static pyossl_status change_list(pyossl_conn *conn, const kind *what, const char *list)
{
    pyossl_status status;
    char *copy;

    OSL_TRY(osl_list_check(list, what->empty));
    /* What counts already is no change. */
    if (conn->begun && *what->place != NULL && strcmp(*what->place, list) == 0)
        return PYOSSL_OK;
    OSL_TRY(osl_conn_prepare_early(conn));
    copy = OPENSSL_strdup(list);
    if (copy == NULL)
        return osl_fail_nomem();
    status = apply(conn->ssl, what->how, copy);
    if (status != PYOSSL_OK) {
        OPENSSL_free(copy);
        return status;
    }
    OPENSSL_free(*what->place);
    *what->place = copy;
    return PYOSSL_OK;
}

pyossl_status pyossl_conn_set_groups(pyossl_conn *conn, const char *groups)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && groups != NULL);
    const kind what = { &conn->settings.lists.groups, apply_groups, OSL_NO_GROUPS };

    return osl_judged_as_asked(conn, change_list(conn, &what, groups));
}

pyossl_status pyossl_conn_set_sigalgs(pyossl_conn *conn, const char *algorithms)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && algorithms != NULL);
    const kind what = { &conn->settings.lists.sigalgs, apply_sigalgs, OSL_NO_SIGALGS };

    return osl_judged_as_asked(conn, change_list(conn, &what, algorithms));
}

pyossl_status pyossl_conn_set_client_sigalgs(pyossl_conn *conn, const char *algorithms)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && algorithms != NULL);
    const kind what = { &conn->settings.lists.client_sigalgs, apply_client_sigalgs,
                        OSL_NO_SIGALGS };

    return osl_judged_as_asked(conn, change_list(conn, &what, algorithms));
}
