/* Judging a chain by a store. */
#include "crypto.h"

#include <stdio.h>

void pyossl_verdict_clear(pyossl_verdict *verdict)
{
    OSL_NEED_OR(OSL_NOTHING, verdict != NULL);
    pyossl_x509_unref(verdict->cert);
    pyossl_x509_list_clear(&verdict->chain);
    verdict->error = X509_V_OK;
    verdict->depth = 0;
    verdict->text = "";
    verdict->cert = NULL;
}

/* A new one each time: OpenSSL's cannot be used again without leaking or reading freed memory. */
static X509_STORE_CTX *store_ctx_new(X509_STORE *store, X509 *cert, STACK_OF(X509) *untrusted)
{
    osl_auto(X509_STORE_CTX) *ctx = X509_STORE_CTX_new();

    if (ctx == NULL || X509_STORE_CTX_init(ctx, store, cert, untrusted) != 1 ||
        !osl_trust_ask(ctx, NULL))
        return NULL;
    return osl_steal(ctx);
}

/* The certificate that failed; where OpenSSL does not say which, the one that was asked about. */
static pyossl_status failing_cert(X509_STORE_CTX *ctx, X509 *leaf, pyossl_x509 **out)
{
    X509 *cert = X509_STORE_CTX_get_current_cert(ctx);

    if (cert == NULL)
        cert = leaf;
    if (X509_up_ref(cert) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_x509_wrap(out, cert);
}

/* Record why, where in the chain, and about whom. */
static pyossl_status fail_verify(int error, int depth, const X509 *cert)
{
    char detail[OSL_ERROR_DETAIL_MAX];
    int len = snprintf(detail, sizeof detail, "error %d, depth %d, subject: ", error, depth);

    /* Its text is as long as the certificate's maker likes. */
    (void)!X509_NAME_oneline(X509_get_subject_name(cert), detail + len, (int)sizeof detail - len);
    return osl_fail_detail(PYOSSL_E_VERIFY, X509_verify_cert_error_string(error), detail);
}

static pyossl_status reject(X509_STORE_CTX *ctx, X509 *leaf, pyossl_verdict *verdict)
{
    osl_auto(pyossl_x509) *cert = NULL;
    int error = X509_STORE_CTX_get_error(ctx);
    int depth = X509_STORE_CTX_get_error_depth(ctx);
    pyossl_status status;

    if (error == X509_V_ERR_OUT_OF_MEM)
        return osl_fail(PYOSSL_E_NOMEM);
    /* OpenSSL says no without saying why where it could not even begin. */
    if (error == X509_V_OK)
        error = X509_V_ERR_UNSPECIFIED;
    OSL_TRY(failing_cert(ctx, leaf, &cert));
    status = fail_verify(error, depth, osl_x509_read(cert));
    if (status != PYOSSL_E_VERIFY)
        return status; /* not the chain's fault: there is no memory */
    pyossl_verdict_clear(verdict);
    verdict->error = error;
    verdict->depth = depth;
    verdict->text = X509_verify_cert_error_string(error);
    verdict->cert = osl_steal(cert);
    return status;
}

static pyossl_status accept_chain(X509_STORE_CTX *ctx, pyossl_verdict *verdict)
{
    osl_auto_x509_list chain = PYOSSL_X509_LIST_INIT;

    OSL_TRY(osl_x509_wrap_stack(&chain, X509_STORE_CTX_get0_chain(ctx)));
    pyossl_verdict_clear(verdict);
    verdict->text = X509_verify_cert_error_string(X509_V_OK);
    verdict->chain = chain;
    chain = (pyossl_x509_list)PYOSSL_X509_LIST_INIT;
    return PYOSSL_OK;
}

/*
 * The lists of the store, with references of the caller's. OpenSSL looks for
 * lists in a store by the name of the certificate's issuer, and so finds no
 * indirect ones, whose issuer is another (RFC 5280, section 5.2.5).
 */
static STACK_OF(X509_CRL) *get1_crls(X509_STORE *store)
{
    STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
    STACK_OF(X509_OBJECT) *objects;
    bool ok = true;

    if (crls == NULL || (objects = osl_store_open(store)) == NULL) {
        sk_X509_CRL_free(crls);
        return NULL;
    }
    for (int i = 0; ok && i < sk_X509_OBJECT_num(objects); i++) {
        X509_CRL *crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));

        if (crl == NULL)
            continue;
        ok = X509_CRL_up_ref(crl) == 1;
        if (ok && sk_X509_CRL_push(crls, crl) <= 0) {
            X509_CRL_free(crl);
            ok = false;
        }
    }
    osl_store_close(store, objects);
    if (!ok) {
        sk_X509_CRL_pop_free(crls, X509_CRL_free);
        return NULL;
    }
    return crls;
}

static pyossl_status judge(X509_STORE *store, X509 *cert, STACK_OF(X509) *untrusted,
                           pyossl_verdict *verdict)
{
    osl_auto(X509_STORE_CTX) *ctx = store_ctx_new(store, cert, untrusted);
    STACK_OF(X509_CRL) *crls = NULL;
    pyossl_status status;

    if (ctx == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    if ((X509_VERIFY_PARAM_get_flags(X509_STORE_CTX_get0_param(ctx)) &
         X509_V_FLAG_EXTENDED_CRL_SUPPORT) != 0) {
        crls = get1_crls(store);
        if (crls == NULL)
            return osl_fail(PYOSSL_E_NOMEM);
        X509_STORE_CTX_set0_crls(ctx, crls);
    }
    status = X509_verify_cert(ctx) == 1 ? accept_chain(ctx, verdict) : reject(ctx, cert, verdict);
    sk_X509_CRL_pop_free(crls, X509_CRL_free);
    return status;
}

pyossl_status pyossl_store_verify(pyossl_store *store, pyossl_x509 *cert,
                                  pyossl_x509 *const *untrusted, size_t count,
                                  pyossl_verdict *verdict)
{
    OSL_API_ENTER;
    OSL_NEED(store != NULL && cert != NULL && osl_are_there(untrusted, count) && verdict != NULL);
    X509 *x509 = osl_x509_full(cert);
    STACK_OF(X509) *helpers = NULL;
    pyossl_status status;

    if (verdict->size < sizeof *verdict)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "a verdict without its size");
    if (x509 == NULL)
        return osl_recorded();
    if (count > 0) {
        helpers = osl_x509_stack(untrusted, count);
        if (helpers == NULL)
            return osl_recorded();
    }
    status = judge(store->store, x509, helpers, verdict);
    sk_X509_pop_free(helpers, X509_free);
    return status;
}
