/*
 * The ClientHello, as a server sees it first (RFC 8446, section 4.1.2).
 *
 * OpenSSL takes a ticket before it asks for the meaning of the server's name. So the program
 * is asked here, where the context it chooses, and with that the scope of sessions, is settled
 * before any session is looked at. Later OpenSSL asks once more, and is told what the program
 * said. A second ClientHello (after a HelloRetryRequest, or with a cookie) belongs to the
 * same handshake: the program is not asked again, and the name must be the same.
 */
#include "tls.h"

/* ---- the server's name (RFC 6066, section 3) ---- */

typedef enum parsed { NAME_NONE, NAME_GOOD, NAME_BAD } parsed;

/*
 * One name of one type, of 1 to 255 bytes without NUL, and nothing behind it. What is
 * not so OpenSSL refuses too, with words of its own.
 */
static parsed parse_name(const unsigned char *ext, size_t len, const unsigned char **name,
                         size_t *name_len)
{
    enum { LIST = 2, TYPE = 1, LENGTH = 2, HEAD = LIST + TYPE + LENGTH };

    if (len < HEAD + 1 || len > HEAD + TLSEXT_MAXLEN_host_name)
        return NAME_BAD;
    if (((size_t)ext[0] << 8 | ext[1]) != len - LIST || ext[2] != TLSEXT_NAMETYPE_host_name ||
        ((size_t)ext[3] << 8 | ext[4]) != len - HEAD)
        return NAME_BAD;
    *name = ext + HEAD;
    *name_len = len - HEAD;
    return memchr(*name, '\0', *name_len) == NULL ? NAME_GOOD : NAME_BAD;
}

/* A copy in *name, NULL for none. */
static parsed read_name(SSL *ssl, char **name)
{
    const unsigned char *ext = NULL, *at = NULL;
    size_t ext_len = 0, len = 0;
    parsed result;

    *name = NULL;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &ext, &ext_len) != 1)
        return NAME_NONE;
    result = parse_name(ext, ext_len, &at, &len);
    if (result != NAME_GOOD)
        return result;
    *name = osl_memdup(at, len);
    return *name != NULL ? NAME_GOOD : NAME_BAD;
}

/* What of it the scope of sessions needs; borrowed while the ClientHello is there. */
static void read_alpn(SSL *ssl, osl_hello *hello)
{
    hello->alpn = NULL;
    hello->alpn_len = 0;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation,
                                  &hello->alpn, &hello->alpn_len) != 1)
        hello->alpn_len = 0;
}

void osl_hello_clear(osl_hello *hello)
{
    OPENSSL_free(hello->name);
    memset(hello, 0, sizeof *hello);
}

/* ---- asking the program ---- */

static pyossl_answer ask(pyossl_conn *conn)
{
    osl_auto(osl_closure) *closure =
        osl_closure_ref(conn->generation->callbacks[OSL_CB_SERVERNAME]);
    pyossl_answer answer;

    if (closure == NULL)
        return PYOSSL_ANSWER_DECLINE;
    conn->hello.asking = true;
    answer = osl_conn_answer(conn, ((pyossl_servername_cb)closure->call)(conn, closure->userdata));
    conn->hello.asking = false;
    return answer;
}

static bool same_name(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Takes @name over. False if the handshake cannot go on, and *alert says why. */
static bool choose(pyossl_conn *conn, char *name, int *alert)
{
    osl_hello *hello = &conn->hello;

    if (hello->asked) {
        const bool same = same_name(hello->name, name);

        OPENSSL_free(name);
        *alert = SSL_AD_ILLEGAL_PARAMETER;
        return same;
    }
    OPENSSL_free(hello->name);
    hello->name = name;
    hello->asked = hello->seen = true;
    hello->answer = ask(conn);
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return hello->answer != PYOSSL_ANSWER_ABORT;
}

int osl_hello_trampoline(SSL *ssl, int *alert, void *arg)
{
    OSL_CALLBACK_ENTER;
    pyossl_conn *conn = osl_conn_of(ssl);
    char *name;
    bool on;

    (void)arg;
    *alert = SSL_AD_INTERNAL_ERROR;
    if (conn == NULL)
        return SSL_CLIENT_HELLO_SUCCESS; /* not one of ours: nobody is to be asked */
    /*
     * OpenSSL finds the fault itself; osl_hello_answer() says no where it finds none. The answer
     * that stands may be that of a handshake before, which ended in this very exchange.
     */
    if (read_name(ssl, &name) == NAME_BAD) {
        conn->hello.answer = PYOSSL_ANSWER_ABORT;
        return SSL_CLIENT_HELLO_SUCCESS;
    }
    if (!choose(conn, name, alert))
        return SSL_CLIENT_HELLO_ERROR;
    read_alpn(ssl, &conn->hello);
    on = osl_scope_begin(conn) == PYOSSL_OK;
    conn->hello.alpn = NULL;
    if (on)
        return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
}

int osl_hello_answer(const pyossl_conn *conn)
{
    if (!conn->hello.asked)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    switch (conn->hello.answer) {
    case PYOSSL_ANSWER_ACCEPT:
        return SSL_TLSEXT_ERR_OK;
    case PYOSSL_ANSWER_DECLINE:
        return SSL_TLSEXT_ERR_NOACK;
    case PYOSSL_ANSWER_ABORT:
        break;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}
