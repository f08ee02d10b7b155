/* How the setters of a context describe a change (ctx_change.c). */
#ifndef OSL_CTX_CHANGE_H
#define OSL_CTX_CHANGE_H

#include "tls.h"

typedef enum osl_setting_kind {
    OSL_SET_OPTIONS,
    OSL_SET_MODE,
    OSL_SET_MIN_VERSION,
    OSL_SET_MAX_VERSION,
    OSL_SET_CIPHER_LIST,
    OSL_SET_CIPHERSUITES,
    OSL_SET_GROUPS,
    OSL_SET_SIGALGS,
    OSL_SET_CLIENT_SIGALGS,
    OSL_SET_TMP_DH,
    OSL_SET_SECURITY_LEVEL,
    OSL_SET_ALPN_PROTOS,
    OSL_SET_SRTP_PROFILES,
    OSL_SET_POST_HANDSHAKE_AUTH,
    OSL_SET_READ_AHEAD,
    OSL_SET_SESSION_ID,
    OSL_SET_CACHE_MODE,
    OSL_SET_TIMEOUT,
    OSL_SET_NUM_TICKETS,
    OSL_SET_VERIFY_DEPTH,
    OSL_SET_MAX_CERT_LIST,
    OSL_SET_IDENTITY,
    OSL_SET_CREDENTIAL,      /* one for each type of key */
    OSL_SET_CALLBACK,        /* one for each osl_callback */
    OSL_SET_CLIENT_CAS,      /* the list; forgets the single ones */
    OSL_SET_ADD_CLIENT_CA,   /* any number */
    OSL_SET_ADD_EXTRA_CHAIN  /* any number */
} osl_setting_kind;

/*
 * The number of an OSL_SET_CREDENTIAL that is all there is to send: no other chain goes with it,
 * and no certificate for another type of key stays.
 */
#define OSL_WHOLE_IDENTITY 1

/* Have @generation, which no connection has, do what @setting says. */
typedef pyossl_status (*osl_apply)(osl_generation *generation, const osl_setting *setting);
/* Take over from @before, which @setting is going to replace, what @setting does not say itself. */
typedef pyossl_status (*osl_merge)(osl_setting *setting, const osl_setting *before);

/*
 * One thing that was asked of a context. It never changes once recorded, and says
 * all that is needed to ask the same of another SSL_CTX: no file, no question.
 */
struct osl_setting {
    osl_setting       *next;
    osl_setting_kind   kind;
    int                slot;         /* which one, of a kind that has several */
    int64_t            number;
    uint64_t           set, cleared; /* bits */
    void              *data;
    void             (*release)(void *data); /* may be NULL */
    osl_apply          apply;        /* must leave the generation alone on failure, unless stepwise */
    osl_merge          merge;        /* NULL where the setting says everything */
    bool               stepwise;     /* apply may fail half way: never try it on what is in force */
    const osl_setting *before;       /* while applied: what it replaces there, or NULL */
};

/* NULL and recorded. */
osl_setting *osl_setting_new(osl_setting_kind kind, osl_apply apply);
void osl_setting_free(osl_setting *setting); /* NULL is allowed */
OSL_DEFINE_AUTO(osl_setting, osl_setting_free)

/*
 * Have @setting take effect for connections that have not begun. It is taken over,
 * also on failure, which leaves the context as it was. PYOSSL_E_IN_USE if the
 * context is strict and used.
 */
pyossl_status osl_ctx_change(pyossl_ctx *ctx, osl_setting *setting) PYOSSL_MUST_CHECK;

/* The same for a setting that is a number, or a text, which is copied, and shown where it fails. */
pyossl_status osl_ctx_change_number(pyossl_ctx *ctx, osl_setting_kind kind, osl_apply apply,
                                    int64_t number) PYOSSL_MUST_CHECK;
pyossl_status osl_ctx_change_text(pyossl_ctx *ctx, osl_setting_kind kind, osl_apply apply,
                                  const char *text) PYOSSL_MUST_CHECK;
/* For callbacks: @number goes with it. NULL for @call removes what was there. */
pyossl_status osl_ctx_change_callback(pyossl_ctx *ctx, osl_callback which, int64_t number,
                                      osl_function call, void *userdata,
                                      pyossl_release_cb release) PYOSSL_MUST_CHECK;

/* PYOSSL_E_IN_USE if a change would be refused; for what does not go through a setting. */
pyossl_status osl_ctx_changeable(const pyossl_ctx *ctx) PYOSSL_MUST_CHECK;

/* Between these two the context stays as it is. */
osl_generation *osl_ctx_read_begin(const pyossl_ctx *ctx);
void osl_ctx_read_end(const pyossl_ctx *ctx);
/* What was set, or NULL. Only between the two. */
const osl_setting *osl_ctx_find(const pyossl_ctx *ctx, osl_setting_kind kind, int slot);

/* For the program to set in its SSL_CTX what it likes: from here on no other takes its place. */
osl_generation *osl_ctx_lend(pyossl_ctx *ctx);

void osl_ctx_clear_settings(pyossl_ctx *ctx);

/* ---- generation.c ---- */

/* What OpenSSL sets for a new SSL_CTX, and what this library adds. */
#define OSL_DEFAULT_MODE                                                                           \
    (SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY)

/* One that has no settings yet. */
pyossl_status osl_generation_new(osl_generation **out, pyossl_ctx *ctx,
                                 OSSL_LIB_CTX *libctx) PYOSSL_MUST_CHECK;

/* Give @next what is no setting but has to outlast a change: ticket keys, security level. */
pyossl_status osl_generation_inherit(osl_generation *next, osl_generation *from)
    PYOSSL_MUST_CHECK;

/* Have @next seal tickets with the keys of @from, and open those of @from. */
pyossl_status osl_generation_take_keys(osl_generation *next, osl_generation *from)
    PYOSSL_MUST_CHECK;

/* What the session cache does; with a session callback it has to work for clients too. */
void osl_generation_set_cache_mode(osl_generation *generation, long mode);

/* The OpenSSL method for a pyossl_method; NULL where this OpenSSL has none. */
const SSL_METHOD *osl_method(int method);

#endif
