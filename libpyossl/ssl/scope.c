/*
 * The scope of a session: where it may be resumed.
 *
 * Whoever resumes is not judged again, so a session is good only where the same would be
 * asked of the peer. All that is asked goes into one digest, the session id context of the
 * SSL. OpenSSL copies that into each session it makes, on both sides, in a cache and in a
 * ticket, and resumes none that has another: to a server it is as if the session were not there,
 * and a client does not offer it (session.c). The digest is of content alone (no address and no
 * counter), so that a renewed certificate or another process with the same settings still
 * resume. The one exception are callbacks that judge: what they would say nobody can tell, so
 * they count as themselves, in this process.
 *
 * What happens while the peer is judged counts too. A session whose settings changed on the
 * way gets a scope that there is nowhere else.
 *
 * Beside the scope a session carries two times, in its ticket data: when the peer was first
 * judged, and until when what that relied on is valid. Neither begins anew when a ticket is
 * answered by the next. The life that OpenSSL gives to a session ends with the first of both.
 */
#include "tls.h"

#include <limits.h>
#include <time.h>

#include <openssl/rand.h>

/* ---- this process ---- */

typedef struct process_mark {
    struct process_mark *before; /* of the process that this one was forked from */
    unsigned long forks;
    unsigned char bytes[16];
} process_mark;

static _Atomic(process_mark *) process;

/* What no other process has, also none that was forked. NULL without memory. */
static const unsigned char *mark_of_process(OSSL_LIB_CTX *libctx)
{
    process_mark *known = atomic_load_explicit(&process, memory_order_acquire), *made;

    if (known != NULL && known->forks == osl_fork_count())
        return known->bytes;
    made = osl_new(process_mark);
    if (made == NULL)
        return NULL;
    made->before = known; /* somebody may be reading it */
    made->forks = osl_fork_count();
    if (RAND_bytes_ex(libctx, made->bytes, sizeof made->bytes, 0) != 1) {
        OPENSSL_free(made);
        return NULL;
    }
    if (atomic_compare_exchange_strong(&process, &known, made))
        return made->bytes;
    OPENSSL_free(made);
    return known->bytes;
}

/* ---- all that is asked, one behind the other ---- */

enum { TEXT_MAX = 1920, CIPHERS_MAX = 256 };

typedef struct text {
    size_t len;
    bool failed; /* there is no digest of it */
    unsigned char bytes[TEXT_MAX];
} text;

/* A field begins with what it is and how long, so that no two texts are alike by chance. */
static void put(text *to, char field, const void *data, size_t len)
{
    const unsigned char head[] = { (unsigned char)field, (unsigned char)(len >> 8),
                                   (unsigned char)len };

    if (len > UINT16_MAX || sizeof head + len > sizeof to->bytes - to->len) {
        to->failed = true;
        return;
    }
    memcpy(to->bytes + to->len, head, sizeof head);
    if (len > 0)
        memcpy(to->bytes + to->len + sizeof head, data, len);
    to->len += sizeof head + len;
}

static void put_number(text *to, char field, uint64_t number)
{
    unsigned char bytes[8];

    for (int i = 7; i >= 0; i--, number >>= 8)
        bytes[i] = (unsigned char)number;
    put(to, field, bytes, sizeof bytes);
}

static void put_string(text *to, char field, const char *string)
{
    if (string != NULL)
        put(to, field, string, strlen(string));
}

/* A host name, in which case does not count. */
static void put_name(text *to, char field, const char *name)
{
    char lower[256];
    size_t len = 0;

    if (name == NULL)
        return;
    for (; name[len] != '\0' && len < sizeof lower; len++)
        lower[len] = name[len] >= 'A' && name[len] <= 'Z' ? (char)(name[len] + 32) : name[len];
    put(to, field, lower, len);
}

/*
 * A callback that judges counts as itself, or as what the program calls it: what it would say
 * nobody else can tell.
 */
static void put_closure(text *to, char field, const pyossl_conn *conn, const osl_closure *closure)
{
    const unsigned char *mark;

    if (closure == NULL)
        return;
    mark = mark_of_process(conn->generation->libctx);
    if (mark == NULL) {
        to->failed = true;
        return;
    }
    put(to, field, mark, sizeof((process_mark *)NULL)->bytes);
    if (closure->judge != 0) {
        put(to, 'J', &closure->call, sizeof closure->call);
        put_number(to, 'j', closure->judge);
    } else {
        put_number(to, field, closure->serial);
    }
}

/* How a chain is judged: what the store asks is in the store's digest. */
static void put_parameters(text *to, SSL *ssl)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    const unsigned long flags = X509_VERIFY_PARAM_get_flags(param);
    char *address;

    put_number(to, 'f', flags);
    put_number(to, 'd', (uint64_t)(int64_t)X509_VERIFY_PARAM_get_depth(param));
    put_number(to, 'l', (uint64_t)(int64_t)SSL_get_security_level(ssl));
    if ((flags & X509_V_FLAG_USE_CHECK_TIME) != 0)
        put_number(to, 't', (uint64_t)X509_VERIFY_PARAM_get_time(param));
    put_number(to, 'w', X509_VERIFY_PARAM_get_hostflags(param));
    for (int i = 0; X509_VERIFY_PARAM_get0_host(param, i) != NULL; i++)
        put_name(to, 'h', X509_VERIFY_PARAM_get0_host(param, i));
    put_string(to, 'e', X509_VERIFY_PARAM_get0_email(param));
    ERR_set_mark(); /* having no address is an error there */
    address = X509_VERIFY_PARAM_get1_ip_asc(param);
    ERR_pop_to_mark();
    put_string(to, 'i', address);
    OPENSSL_free(address);
}

static X509_STORE *store_of(const pyossl_conn *conn)
{
    return SSL_CTX_get_cert_store(conn->generation->ssl_ctx);
}

/*
 * What a session may be encrypted with: what a client does not offer any more ends the
 * handshake, and what a server does not want any more it would take (before TLS 1.3).
 */
static void put_ciphers(text *to, const SSL *ssl)
{
    const STACK_OF(SSL_CIPHER) *ciphers = SSL_get_ciphers(ssl);
    unsigned char ids[2 * CIPHERS_MAX];
    size_t len = 0;

    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers) && len < sizeof ids; i++) {
        const uint16_t id = SSL_CIPHER_get_protocol_id(sk_SSL_CIPHER_value(ciphers, i));

        ids[len++] = (unsigned char)(id >> 8);
        ids[len++] = (unsigned char)id;
    }
    to->failed = to->failed || sk_SSL_CIPHER_num(ciphers) > CIPHERS_MAX;
    put(to, 'c', ids, len);
}

/* What is asked of a peer's certificate, and of the signature by its key. */
static void put_judgement(text *to, pyossl_conn *conn)
{
    const osl_conn_lists *own = &conn->settings.lists;
    unsigned char trust[OSL_TRUST_DIGEST];

    put(to, 'S', conn->generation->sigalgs, OSL_SCOPE_LEN);
    /* Before TLS 1.3 the curve of a certificate's key has to be one of them. */
    put(to, 'G', conn->groups, OSL_SCOPE_LEN);
    if (conn->generation->client_sigalgs_set)
        put(to, 'K', conn->generation->client_sigalgs, OSL_SCOPE_LEN);
    put_string(to, 'x', own->sigalgs);
    put_string(to, 'y', own->groups);
    put_string(to, 'z', own->client_sigalgs);

    if (!osl_trust_digest(store_of(conn), conn->generation->sha256, trust, &conn->scope.trust)) {
        to->failed = true;
        return;
    }
    put(to, 'T', trust, sizeof trust);
    put_parameters(to, conn->ssl);
    put_closure(to, 'V', conn, conn->verify);
}

/* A client judges its peer in any case, if only for who looks at the result. */
static void put_client(text *to, pyossl_conn *conn)
{
    put_name(to, 'n', conn->settings.servername);
    put_judgement(to, conn);
    if (conn->settings.ocsp)
        put_closure(to, 'O', conn, conn->generation->callbacks[OSL_CB_OCSP_CLIENT]);
}

static void put_server(text *to, pyossl_conn *conn)
{
    put_name(to, 'n', conn->hello.name);
    /* What the program may choose by. */
    if (conn->generation->callbacks[OSL_CB_ALPN_SELECT] != NULL)
        put(to, 'a', conn->hello.alpn, conn->hello.alpn_len);
    if ((SSL_get_verify_mode(conn->ssl) & SSL_VERIFY_PEER) != 0)
        put_judgement(to, conn);
}

/* ---- the scope of a connection ---- */

/* One that there is nowhere else. */
static bool draw(const pyossl_conn *conn, unsigned char *scope)
{
    return RAND_bytes_ex(conn->generation->libctx, scope, OSL_SCOPE_LEN, 0) == 1;
}

pyossl_status osl_scope_begin(pyossl_conn *conn)
{
    static const char version[] = "pyossl scope 1";
    const osl_generation *generation = conn->generation;
    osl_scope *scope = &conn->scope;
    text asked = { 0, false, { 0 } };

    memset(scope, 0, sizeof *scope);
    put(&asked, 'v', version, sizeof version);
    put(&asked, 'r', conn->role == PYOSSL_SERVER ? "s" : "c", 1);
    put(&asked, 's', generation->session_id, generation->session_id_len);
    put_number(&asked, 'm', (uint64_t)SSL_get_verify_mode(conn->ssl));
    put_ciphers(&asked, conn->ssl);
    if (conn->role == PYOSSL_SERVER)
        put_server(&asked, conn);
    else
        put_client(&asked, conn);
    if (asked.failed ||
        EVP_Digest(asked.bytes, asked.len, scope->digest, NULL, generation->sha256, NULL) != 1) {
        ERR_clear_error(); /* that it cannot be told only means that nothing is resumed */
        if (!draw(conn, scope->digest))
            return osl_fail(PYOSSL_E_OPENSSL);
    }
    if (SSL_set_session_id_context(conn->ssl, scope->digest, OSL_SCOPE_LEN) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

/* Have @session, which is not in use elsewhere, be resumed nowhere. */
static bool spoil(const pyossl_conn *conn, SSL_SESSION *session)
{
    unsigned char nowhere[OSL_SCOPE_LEN];

    return draw(conn, nowhere) &&
           SSL_SESSION_set1_id_context(session, nowhere, sizeof nowhere) == 1;
}

bool osl_handshake_is_over(const SSL *ssl)
{
    OSSL_HANDSHAKE_STATE state;

    if (SSL_is_init_finished(ssl) == 1)
        return true;
    if (SSL_version(ssl) != TLS1_3_VERSION)
        return false;
    state = SSL_get_state(ssl);
    return state == TLS_ST_OK || state == TLS_ST_SW_SESSION_TICKET ||
           state == TLS_ST_CR_SESSION_TICKET || state == TLS_ST_SW_KEY_UPDATE ||
           state == TLS_ST_CW_KEY_UPDATE || state == TLS_ST_SR_KEY_UPDATE ||
           state == TLS_ST_CR_KEY_UPDATE;
}

/* Whether the handshake of the moment resumes, or may. */
static bool is_resuming(const pyossl_conn *conn)
{
    return SSL_in_before(conn->ssl) != 1 && !osl_handshake_is_over(conn->ssl) &&
           (SSL_session_reused(conn->ssl) == 1 || conn->scope.offered);
}

pyossl_status osl_scope_may_change(const pyossl_conn *conn, int verify_mode)
{
    /* Nobody will be asked for a certificate any more. */
    if (conn->begun && !conn->hello.asking && (verify_mode & SSL_VERIFY_PEER) != 0 &&
        is_resuming(conn))
        return osl_fail_text(PYOSSL_E_STATE, "a session is being resumed: nobody will be judged");
    return PYOSSL_OK;
}

/*
 * A client that is asked to renegotiate (TLS 1.2) offers the session in force, and nobody would be
 * judged by what is asked now. So that session is one that cannot be resumed from here on, which
 * is what OpenSSL does to one that it removes from a cache. The program has copies only.
 */
static void judge_anew(const pyossl_conn *conn, SSL_SESSION *session)
{
    SSL *ssl = conn->ssl;

    if (SSL_is_server(ssl) == 1 || SSL_version(ssl) == TLS1_3_VERSION)
        return;
    (void)SSL_CTX_remove_session(SSL_get_SSL_CTX(ssl), session);
    if (SSL_SESSION_is_resumable(session) == 1)
        (void)SSL_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
}

void osl_scope_changed(pyossl_conn *conn)
{
    SSL_SESSION *session;

    /* Where it is still to come: osl_conn_resume() and osl_hello_trampoline(). */
    if (!conn->begun || SSL_in_before(conn->ssl) == 1 || conn->hello.asking)
        return;
    conn->scope.mixed = true;
    session = SSL_get_session(conn->ssl);
    if (session != NULL && SSL_is_init_finished(conn->ssl) == 1)
        judge_anew(conn, session);
    /* One that is being made is nobody else's, and may be kept without a ticket. */
    if (session != NULL && SSL_is_init_finished(conn->ssl) != 1 &&
        SSL_session_reused(conn->ssl) != 1)
        (void)spoil(conn, session);
}

/* ---- the two times ---- */

typedef struct times {
    int64_t first; /* when the peer was judged */
    int64_t until; /* how long that holds; INT64_MAX for as long as nothing else says */
} times;

/* In a session: four bytes that say so, and both times. */
enum { TIMES_LEN = 20 };
static const unsigned char times_tag[4] = { 'p', 'y', 'o', '1' };

static void write_int64(unsigned char *to, int64_t number)
{
    uint64_t rest = (uint64_t)number;

    for (int i = 7; i >= 0; i--, rest >>= 8)
        to[i] = (unsigned char)rest;
}

static int64_t read_int64(const unsigned char *from)
{
    uint64_t number = 0;

    for (int i = 0; i < 8; i++)
        number = number << 8 | from[i];
    return (int64_t)number;
}

static bool store_times(SSL_SESSION *session, const times *both)
{
    unsigned char data[TIMES_LEN];

    memcpy(data, times_tag, sizeof times_tag);
    write_int64(data + 4, both->first);
    write_int64(data + 12, both->until);
    return SSL_SESSION_set1_ticket_appdata(session, data, sizeof data) == 1;
}

static bool load_times(const SSL_SESSION *session, times *out)
{
    void *data = NULL;
    size_t len = 0;

    /* It does not change what it is asked about. */
    if (SSL_SESSION_get0_ticket_appdata((SSL_SESSION *)session, &data, &len) != 1 ||
        len != TIMES_LEN || memcmp(data, times_tag, sizeof times_tag) != 0)
        return false;
    out->first = read_int64((const unsigned char *)data + 4);
    out->until = read_int64((const unsigned char *)data + 12);
    return true;
}

int64_t osl_session_time(const SSL_SESSION *session)
{
#if defined(OSL_HAVE_SESSION_GET_TIME_EX)
    return SSL_SESSION_get_time_ex(session);
#else
    return SSL_SESSION_get_time(session);
#endif
}

/* When a session is over that may last @timeout seconds. */
static int64_t end_of(const times *both, int64_t timeout)
{
    const bool beyond = both->first > 0 && timeout > INT64_MAX - both->first;
    const int64_t end = beyond ? INT64_MAX : both->first + timeout;

    return end < both->until ? end : both->until;
}

/* Have the life that OpenSSL knows of end there too. False if it has ended. */
static bool end_at(SSL_SESSION *session, int64_t end, int64_t now)
{
    const int64_t begin = osl_session_time(session);

    if (end <= now || end <= begin)
        return false;
    (void)SSL_SESSION_set_timeout(session, end - begin > LONG_MAX ? LONG_MAX : (long)(end - begin));
    return true;
}

bool osl_session_alive(const SSL_SESSION *session, int64_t now)
{
    const int64_t timeout = SSL_SESSION_get_timeout(session);
    times both;

    if (!load_times(session, &both))
        both = (times){ osl_session_time(session), INT64_MAX };
    return now < end_of(&both, timeout);
}

/* ---- judging ---- */

/* Move *until back to @time, unless that is over: then somebody took it as it was. */
static void not_after(int64_t *until, const ASN1_TIME *time, int64_t now)
{
    int days = 0, seconds = 0;
    int64_t end;

    if (time == NULL || ASN1_TIME_diff(&days, &seconds, NULL, time) != 1)
        return;
    end = now + (int64_t)days * 86400 + seconds;
    if (end > now && end < *until)
        *until = end;
}

/* How long what was found good stays so: the chain's certificates, and the lists on them. */
static int64_t valid_until(X509_STORE_CTX *store_ctx, int64_t now)
{
    const unsigned long flags = X509_VERIFY_PARAM_get_flags(X509_STORE_CTX_get0_param(store_ctx));
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(store_ctx);
    int64_t until = INT64_MAX;

    if ((flags & (X509_V_FLAG_USE_CHECK_TIME | X509_V_FLAG_NO_CHECK_TIME)) != 0)
        return until;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        const X509 *cert = sk_X509_value(chain, i);
        STACK_OF(X509_CRL) *crls = NULL;

        not_after(&until, X509_get0_notAfter(cert), now);
        if ((flags & X509_V_FLAG_CRL_CHECK) != 0)
            crls = X509_STORE_CTX_get1_crls(store_ctx, X509_get_issuer_name(cert));
        for (int j = 0; j < sk_X509_CRL_num(crls); j++)
            not_after(&until, X509_CRL_get0_nextUpdate(sk_X509_CRL_value(crls, j)), now);
        sk_X509_CRL_pop_free(crls, X509_CRL_free);
    }
    return until;
}

/* A server's tickets of TLS 1.3 are told when they are made; anything else is told here. */
static bool has_session_of_its_own(const SSL *ssl)
{
    return SSL_session_reused(ssl) != 1 &&
           (SSL_is_server(ssl) != 1 || SSL_version(ssl) != TLS1_3_VERSION);
}

static void note_judgement(pyossl_conn *conn, X509_STORE_CTX *store_ctx, bool good)
{
    SSL_SESSION *session = SSL_get_session(conn->ssl);
    const int64_t now = (int64_t)time(NULL);
    osl_scope *scope = &conn->scope;
    times both = { now, good ? valid_until(store_ctx, now) : INT64_MAX };

    scope->judged = true;
    scope->first = both.first;
    scope->until = both.until;
    /* By more, or by less, than the scope says. */
    if (!osl_trust_is(store_of(conn), scope->trust))
        scope->mixed = true;
    if (session == NULL || !has_session_of_its_own(conn->ssl))
        return;
    if (scope->mixed || !store_times(session, &both) ||
        !end_at(session, end_of(&both, SSL_SESSION_get_timeout(session)), now))
        (void)spoil(conn, session);
}

int osl_judge_chain(X509_STORE_CTX *store_ctx, void *arg)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store_ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
    pyossl_conn *conn = ssl != NULL ? osl_conn_of(ssl) : NULL;
    int result;

    (void)arg;
    if (!osl_trust_ask(store_ctx, ssl != NULL ? SSL_get0_param(ssl) : NULL)) {
        X509_STORE_CTX_set_error(store_ctx, X509_V_ERR_OUT_OF_MEM);
        return 0;
    }
    result = X509_verify_cert(store_ctx);
    if (conn != NULL)
        note_judgement(conn, store_ctx, result > 0);
    return result;
}

/* ---- tickets ---- */

int osl_ticket_made(SSL *ssl, void *arg)
{
    pyossl_conn *conn = osl_conn_of(ssl);
    SSL_SESSION *session = SSL_get_session(ssl);
    const int64_t now = (int64_t)time(NULL);
    times both;

    (void)arg;
    if (conn == NULL || session == NULL)
        return 1;
    if (conn->scope.judged)
        both = (times){ conn->scope.first, conn->scope.until };
    else if (!load_times(session, &both))
        both = (times){ osl_session_time(session), INT64_MAX };
    if (conn->scope.mixed || !store_times(session, &both) ||
        !end_at(session, end_of(&both, SSL_CTX_get_timeout(SSL_get_SSL_CTX(ssl))), now))
        return spoil(conn, session) ? 1 : 0;
    return 1;
}
