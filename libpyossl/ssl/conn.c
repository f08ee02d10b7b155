/* A connection from its beginning to its end, and what bytes travel through. */
#include "tls.h"

#include <errno.h>
#include <stdio.h>

/*
 * OpenSSL forbids a session to be resumed whose connection is freed without a
 * close alert, although nothing was wrong with it. Pretending that one was sent
 * sends nothing.
 */
static void keep_session(pyossl_conn *conn)
{
    SSL *ssl = conn->ssl;

    if (conn->failed == PYOSSL_OK && !conn->transport.eof && SSL_is_init_finished(ssl))
        SSL_set_shutdown(ssl, SSL_get_shutdown(ssl) | SSL_SENT_SHUTDOWN);
}

/*
 * From 3.2 on OpenSSL releases the record layer that writes, and then the messages that DTLS may
 * have to send again. Between a ChangeCipherSpec and the keys that follow it one of those
 * has the same record layer, and releases it once more. Another method makes OpenSSL
 * release the messages first.
 */
static void forget_messages(SSL *ssl)
{
    if (SSL_is_init_finished(ssl) == 1 || SSL_is_dtls(ssl) != 1)
        return;
    ERR_set_mark();
    (void)!SSL_set_ssl_method(ssl, TLS_method()); /* where it fails, they are gone too */
    ERR_pop_to_mark();
}

static void destroy(pyossl_conn *conn)
{
    if (conn->held > 0) {
        conn->orphan = true;
        return;
    }
    if (conn->ssl != NULL) {
        BIO *bio = SSL_get_rbio(conn->ssl);

        keep_session(conn);
        osl_conn_cool(conn);
        if (bio != NULL) /* somebody may have a reference to the SSL, through pyossl/openssl.h */
            BIO_set_data(bio, NULL);
        forget_messages(conn->ssl);
        SSL_free(conn->ssl);
    }
    osl_transport_close(&conn->transport);
    osl_conn_settings_clear(&conn->settings);
    osl_hello_clear(&conn->hello);
    osl_session_cache_unref(conn->sessions);
    osl_closure_unref(conn->verify);
    osl_identity_unref(conn->identity);
    osl_generation_unref(conn->generation);
    pyossl_ctx_unref(conn->ctx);
    pyossl_buf_clear(&conn->npn);
    osl_error_forget(conn->first);
    osl_refusal_clear(&conn->refusal);
    OPENSSL_free(conn);
}

OSL_DEFINE_REFS(conn, destroy)

void osl_conn_bury(pyossl_conn *conn)
{
    conn->orphan = false;
    /* A callback may have taken a reference after another had dropped the last. */
    if (atomic_load_explicit(&conn->base.refs, memory_order_acquire) == 0)
        destroy(conn);
}

pyossl_status pyossl_conn_new(pyossl_conn **out, pyossl_ctx *ctx)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && ctx != NULL);
    osl_auto(pyossl_conn) *conn = NULL;

    OSL_TRY(osl_init());
    conn = osl_new(pyossl_conn);
    if (conn == NULL)
        return osl_fail_nomem();
    osl_object_init(&conn->base);
    conn->transport.forks = osl_fork_count();
    conn->transport.read_fd = -1;
    conn->transport.write_fd = -1;
    conn->ctx = pyossl_ctx_ref(ctx);
    OSL_TRY(osl_conn_bind(conn, ctx));
    *out = osl_steal(conn);
    return PYOSSL_OK;
}

void *pyossl_conn_userdata(const pyossl_conn *conn)
{
    OSL_NEED_OR(NULL, conn != NULL);
    return conn->userdata;
}

void pyossl_conn_set_userdata(pyossl_conn *conn, void *userdata)
{
    OSL_NEED_OR(OSL_NOTHING, conn != NULL);
    conn->userdata = userdata;
}

pyossl_ctx *pyossl_conn_ctx(const pyossl_conn *conn)
{
    OSL_NEED_OR(NULL, conn != NULL);
    return conn->ctx;
}

pyossl_status pyossl_conn_set_role(pyossl_conn *conn, pyossl_role role)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);
    pyossl_status status;

    if (role != PYOSSL_CLIENT && role != PYOSSL_SERVER)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "neither client nor server");
    if (conn->begun)
        return osl_fail_text(PYOSSL_E_STATE, "the handshake has begun");
    OSL_TRY(osl_conn_follow(conn));
    status = osl_conn_choose_side(conn->ssl, role);
    if (status == PYOSSL_OK)
        conn->role = role;
    else
        conn->hollow = true;
    return status;
}

/* ---- the transport ---- */

/* One BIO for both directions, given once; each direction owns a reference (SSL_set0_rbio(3)). */
static pyossl_status use(pyossl_conn *conn, osl_transport_kind kind)
{
    osl_transport *transport = &conn->transport;
    BIO *bio;

    OSL_TRY(osl_conn_follow(conn));
    bio = osl_transport_bio(transport);
    if (bio == NULL)
        return pyossl_error_status(pyossl_error_last());
    if (BIO_up_ref(bio) != 1) {
        BIO_free(bio);
        return osl_fail(PYOSSL_E_OPENSSL);
    }
    SSL_set0_rbio(conn->ssl, bio);
    SSL_set0_wbio(conn->ssl, bio);
    transport->datagrams = SSL_is_dtls(conn->ssl) == 1;
    transport->in.datagrams = transport->datagrams;
    transport->out.datagrams = transport->datagrams;
    transport->kind = kind;
    return PYOSSL_OK;
}

static pyossl_status check_unused(const pyossl_conn *conn)
{
    if (conn->transport.kind != OSL_TRANSPORT_NONE || atomic_load(&conn->transport.gone))
        return osl_fail_text(PYOSSL_E_STATE, "the connection has had a transport already");
    return PYOSSL_OK;
}

pyossl_status pyossl_conn_use_fds(pyossl_conn *conn, int read_fd, int write_fd)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);

    if (read_fd < 0 || write_fd < 0)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "negative descriptor");
    /* Of descriptors it may be given others, as long as nothing has been read from them. */
    if (conn->transport.kind != OSL_TRANSPORT_FD || conn->begun) {
        OSL_TRY(check_unused(conn));
        OSL_TRY(use(conn, OSL_TRANSPORT_FD));
    }
    conn->transport.read_fd = read_fd;
    conn->transport.write_fd = write_fd;
    return PYOSSL_OK;
}

pyossl_status pyossl_conn_use_fd(pyossl_conn *conn, int fd)
{
    OSL_NEED(conn != NULL);
    return pyossl_conn_use_fds(conn, fd, fd);
}

pyossl_status pyossl_conn_use_memory(pyossl_conn *conn)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);

    OSL_TRY(check_unused(conn));
    return use(conn, OSL_TRANSPORT_MEMORY);
}

/* Copy as much of the program's struct as it has and we know. */
static pyossl_status copy_end(osl_user_end *to, const pyossl_transport *from, void *userdata)
{
    const size_t oldest = offsetof(pyossl_transport, release) + sizeof from->release;

    if (from->size < oldest)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "the transport's size is not set");
    memset(to, 0, sizeof *to);
    memcpy(&to->vtable, from, from->size < sizeof *from ? from->size : sizeof *from);
    to->userdata = userdata;
    return PYOSSL_OK;
}

static pyossl_status use_ends(pyossl_conn *conn, const osl_user_end *reader,
                              const osl_user_end *writer)
{
    if (reader->vtable.read == NULL || writer->vtable.write == NULL)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "the transport lacks a function");
    OSL_TRY(check_unused(conn));
    OSL_TRY(use(conn, OSL_TRANSPORT_USER));
    conn->transport.reader = *reader;
    conn->transport.writer = *writer;
    return PYOSSL_OK;
}

pyossl_status pyossl_conn_use_transport(pyossl_conn *conn, const pyossl_transport *transport,
                                        void *userdata)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && transport != NULL);
    osl_user_end reader, writer;

    OSL_TRY(copy_end(&reader, transport, userdata));
    writer = reader;
    writer.vtable.release = NULL; /* one transport, told once */
    return use_ends(conn, &reader, &writer);
}

pyossl_status pyossl_conn_use_transports(pyossl_conn *conn, const pyossl_transport *reader,
                                         void *reader_userdata, const pyossl_transport *writer,
                                         void *writer_userdata)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && reader != NULL && writer != NULL);
    osl_user_end in, out;

    OSL_TRY(copy_end(&in, reader, reader_userdata));
    OSL_TRY(copy_end(&out, writer, writer_userdata));
    return use_ends(conn, &in, &out);
}

void pyossl_conn_detach(pyossl_conn *conn)
{
    OSL_NEED_OR(OSL_NOTHING, conn != NULL);
    atomic_store_explicit(&conn->transport.gone, true, memory_order_relaxed);
    if (!conn->busy) /* else it is in use: osl_conn_leave() does the rest */
        osl_transport_close(&conn->transport);
}

/* ---- the memory transport ---- */

/*
 * What follows does without OSL_API_ENTER where nothing is wrong: moving bytes in
 * memory does not touch OpenSSL's queue, and looking at it costs more than that.
 */

static pyossl_status check_memory(const pyossl_conn *conn)
{
    if (conn->transport.kind != OSL_TRANSPORT_MEMORY)
        return osl_refuse(PYOSSL_E_STATE, "the connection's transport is not memory");
    if (conn->begun && osl_transport_is_the_parents(&conn->transport))
        return osl_refuse(PYOSSL_E_STATE, OSL_OF_THE_PARENT);
    if (atomic_load_explicit(&conn->transport.gone, memory_order_relaxed)) {
        OSL_API_ENTER;
        return osl_fail_errno(EBADF, NULL);
    }
    return PYOSSL_OK;
}

pyossl_status pyossl_conn_feed(pyossl_conn *conn, const void *data, size_t len, size_t *done)
{
    OSL_NEED(conn != NULL && osl_fits(data, len) && done != NULL);
    osl_transport *transport = &conn->transport;

    OSL_TRY(check_memory(conn));
    if (data == NULL && len > 0)
        return osl_refuse(PYOSSL_E_ARGUMENT, "no data");
    if (transport->in.eof)
        return osl_refuse(PYOSSL_E_STATE, "the end has been fed already");
    return osl_queue_put(&transport->in, data, len, done);
}

pyossl_status pyossl_conn_feed_eof(pyossl_conn *conn)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);

    OSL_TRY(check_memory(conn));
    conn->transport.in.eof = true;
    return PYOSSL_OK;
}

/* Half of a datagram is none (RFC 6347 4.1.1): it has to be taken at once. */
static pyossl_status check_whole(const osl_queue *queue, size_t cap)
{
    const unsigned char *data;
    const size_t len = osl_queue_front(queue, &data);
    char text[96];

    if (len <= cap)
        return PYOSSL_OK;
    (void)osl_api_enter();
    snprintf(text, sizeof text, "%zu bytes, %zu were asked for", len, cap);
    return osl_fail_detail(PYOSSL_E_ARGUMENT, "the datagram that waits is longer", text);
}

pyossl_status pyossl_conn_drain(pyossl_conn *conn, void *buf, size_t cap, size_t *done)
{
    OSL_NEED(conn != NULL && osl_fits(buf, cap) && done != NULL);
    osl_queue *queue = &conn->transport.out;

    OSL_TRY(check_memory(conn));
    if (buf == NULL && cap > 0)
        return osl_refuse(PYOSSL_E_ARGUMENT, "no buffer");
    if (osl_queue_len(queue) == 0)
        return PYOSSL_WANT_READ;
    if (queue->datagrams && cap > 0)
        OSL_TRY(check_whole(queue, cap));
    *done = osl_queue_take(queue, buf, cap);
    if (queue->len == 0 && queue->cap > OSL_QUEUE_IDLE && SSL_is_init_finished(conn->ssl) == 1)
        osl_queue_shrink(queue);
    return PYOSSL_OK;
}

size_t pyossl_conn_drainable(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    return osl_queue_len(&conn->transport.out);
}

pyossl_status pyossl_conn_set_memory_limit(pyossl_conn *conn, size_t limit)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);

    OSL_TRY(check_memory(conn));
    conn->transport.in.limit = limit;
    conn->transport.out.limit = limit;
    return PYOSSL_OK;
}
