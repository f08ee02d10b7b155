/* What a server sends, to a client. */
#include "peers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static pyossl_ctx *ctx;
    source from = { data, len };
    pyossl_conn *conn;

    if (ctx == NULL)
        ctx = peer_context(PYOSSL_TLS);
    conn = peer_connection(ctx, PYOSSL_CLIENT);
    (void)!checked(pyossl_conn_handshake(conn));
    peer_drive(conn, &from);
    pyossl_conn_unref(conn);
    return 0;
}
