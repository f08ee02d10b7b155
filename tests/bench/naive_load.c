/* Long streams, threads and many connections, as plain C on OpenSSL has them. */
#include "naive.h"

#include <openssl/err.h>
#include <sys/socket.h>

/* ---- streams: a writer that never stops, and a reader whose speed is measured ---- */

typedef struct stream {
    SSL *reader, *writer;
    size_t chunk;
} stream;

static stream small = { .chunk = 16 << 10 }, middle = { .chunk = 256 << 10 },
              large = { .chunk = 1 << 20 };

static void socket_pair(SSL **client, SSL **server)
{
    int fds[2];

    naive_prepare_ec13();
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    *client = naive_end(naive_ec13.client, 0);
    *server = naive_end(naive_ec13.server, 1);
    naive_shake(*client, *server);
    MUST(SSL_set_fd(*client, fds[0]) == 1 && SSL_set_fd(*server, fds[1]) == 1);
}

static void *write_for_ever(void *own)
{
    const stream *to = own;

    while (SSL_write(to->writer, naive_bytes, (int)to->chunk) == (int)to->chunk)
        continue;
    return NULL;
}

static void prepare_stream(stream *one)
{
    if (one->reader != NULL)
        return;
    socket_pair(&one->reader, &one->writer);
    in_background(write_for_ever, one);
}

static void read_chunk(const stream *from)
{
    static char got[NAIVE_MOST];

    for (size_t done = 0; done < from->chunk;) {
        const int n = SSL_read(from->reader, got + done, (int)(from->chunk - done));

        MUST(n > 0);
        done += (size_t)n;
    }
}

static void prepare_small(void)
{
    prepare_stream(&small);
}
static void prepare_middle(void)
{
    prepare_stream(&middle);
}
static void prepare_large(void)
{
    prepare_stream(&large);
}
static void read_small(void)
{
    read_chunk(&small);
}
static void read_middle(void)
{
    read_chunk(&middle);
}
static void read_large(void)
{
    read_chunk(&large);
}

/* ---- short messages, with a thread at each end ---- */

static SSL *asking, *echoing;

static void *echo_for_ever(void *own)
{
    SSL *ssl = own;
    char got[64];
    int n;

    while ((n = SSL_read(ssl, got, sizeof got)) > 0)
        MUST(SSL_write(ssl, got, n) == n);
    return NULL;
}

static void prepare_echo(void)
{
    socket_pair(&asking, &echoing);
    in_background(echo_for_ever, echoing);
}

static void ask(void)
{
    char got[64];

    MUST(SSL_write(asking, naive_bytes, sizeof got) == sizeof got);
    MUST(SSL_read(asking, got, sizeof got) == sizeof got);
}

/* ---- one thread and two, each with connections of its own and the same contexts ---- */

static SSL *senders[2], *receivers[2], *clients[2], *servers[2];

static void make_members(SSL **ones, SSL **others)
{
    naive_prepare_ec13();
    for (int i = 0; i < 2 && ones[i] == NULL; i++) {
        ones[i] = naive_end(naive_ec13.client, 0);
        others[i] = naive_end(naive_ec13.server, 1);
        naive_shake(ones[i], others[i]);
    }
}

static void prepare_team(void)
{
    make_members(clients, servers);
    make_members(senders, receivers); /* who receives nothing */
}

static void encrypt(int member)
{
    char record[32768];

    MUST(SSL_write(senders[member], naive_bytes, 16384) == 16384);
    MUST(BIO_read(SSL_get_wbio(senders[member]), record, sizeof record) > 16384);
}

static void exchange(int member)
{
    naive_ping(clients[member], servers[member], 64);
    naive_ping(servers[member], clients[member], 64);
}

static void handshake(int member)
{
    (void)member;
    naive_handshake(&naive_ec13, 0);
}

static double encrypt_1(double limit)
{
    return team_rate(encrypt, 1, limit);
}
static double encrypt_2(double limit)
{
    return team_rate(encrypt, 2, limit);
}
static double exchange_1(double limit)
{
    return team_rate(exchange, 1, limit);
}
static double exchange_2(double limit)
{
    return team_rate(exchange, 2, limit);
}
static double handshake_1(double limit)
{
    return team_rate(handshake, 1, limit);
}
static double handshake_2(double limit)
{
    return team_rate(handshake, 2, limit);
}

/* ---- many connections ---- */

typedef struct pair {
    SSL *client, *server;
} pair;

static pair *crowd;

static pair make_pair(void)
{
    pair made = { naive_end(naive_ec13.client, 0), naive_end(naive_ec13.server, 1) };

    naive_shake(made.client, made.server);
    return made;
}

static void prepare_crowd(void)
{
    naive_prepare_ec13();
    crowd = calloc((size_t)many, sizeof *crowd);
    MUST(crowd != NULL);
    for (int i = 0; i < many; i++)
        crowd[i] = make_pair();
}

/* One after the other has something to say, as in an event loop. */
static void serve_next(void)
{
    static int next;

    naive_ping(crowd[next].client, crowd[next].server, 64);
    naive_ping(crowd[next].server, crowd[next].client, 64);
    next = (next + 1) % many;
}

static double memory(double limit)
{
    double before;

    (void)limit;
    naive_prepare_ec13();
    (void)make_pair(); /* what the first connection of a process brings is not counted */
    before = resident_kib();
    prepare_crowd();
    return 2 * many / (resident_kib() - before); /* larger is better, as with the others */
}

const workload naive_load[] = {
    { "bulk_16k_recv", prepare_small, read_small, NULL },
    { "bulk_16k_recv_into", prepare_small, read_small, NULL },
    { "bulk_256k_recv", prepare_middle, read_middle, NULL },
    { "bulk_256k_recv_into", prepare_middle, read_middle, NULL },
    { "bulk_1m_recv", prepare_large, read_large, NULL },
    { "bulk_1m_recv_into", prepare_large, read_large, NULL },
    { "pp_sock_mt", prepare_echo, ask, NULL },
    { "mt_bulk_1", prepare_team, NULL, encrypt_1 },
    { "mt_bulk_2", prepare_team, NULL, encrypt_2 },
    { "mt_hs_1", prepare_team, NULL, handshake_1 },
    { "mt_hs_2", prepare_team, NULL, handshake_2 },
    { "mt_pp_1", prepare_team, NULL, exchange_1 },
    { "mt_pp_2", prepare_team, NULL, exchange_2 },
    { "loop_1000", prepare_crowd, serve_next, NULL },
    { "mem_1000", NULL, NULL, memory },
    { NULL, NULL, NULL, NULL },
};

const workload *const workloads[] = { naive_tls, naive_crypto, naive_load, NULL };
