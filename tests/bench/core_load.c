/* Long streams, threads and many connections, for a C program that calls libpyossl. */
#include "core.h"

/* ---- streams: a writer that never stops, and a reader whose speed is measured ---- */

typedef struct stream {
    pyossl_conn *reader, *writer;
    size_t chunk;
} stream;

static stream small = { .chunk = 16 << 10 }, middle = { .chunk = 256 << 10 },
              large = { .chunk = 1 << 20 };

/* Waits where a blocking socket would. */
static void write_all(pyossl_conn *to, const char *bytes, size_t len)
{
    for (size_t done = 0, n; done < len; done += n) {
        pyossl_status status;

        while ((status = pyossl_conn_write(to, bytes + done, len - done, &n)) != PYOSSL_OK)
            OK(pyossl_conn_wait(to, status, -1));
    }
}

static void read_all(pyossl_conn *from, char *bytes, size_t len)
{
    for (size_t done = 0, n; done < len; done += n) {
        pyossl_status status;

        while ((status = pyossl_conn_read(from, bytes + done, len - done, &n)) != PYOSSL_OK)
            OK(pyossl_conn_wait_input(from));
    }
}

static void *write_for_ever(void *own)
{
    const stream *to = own;

    for (;;)
        write_all(to->writer, core_bytes, to->chunk);
    return NULL;
}

static void prepare_stream(stream *one)
{
    if (one->reader != NULL)
        return;
    core_socket_pair(&one->reader, &one->writer);
    in_background(write_for_ever, one);
}

static void read_chunk(const stream *from)
{
    static char got[CORE_MOST];

    read_all(from->reader, got, from->chunk);
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

static pyossl_conn *asking, *echoing;

static void *echo_for_ever(void *own)
{
    char got[64];

    for (;;) {
        read_all(own, got, sizeof got);
        write_all(own, got, sizeof got);
    }
    return NULL;
}

static void prepare_echo(void)
{
    core_socket_pair(&asking, &echoing);
    in_background(echo_for_ever, echoing);
}

static void ask(void)
{
    char got[64];

    write_all(asking, core_bytes, sizeof got);
    read_all(asking, got, sizeof got);
}

/* ---- one thread and two, each with connections of its own and the same contexts ---- */

static pyossl_conn *senders[2], *receivers[2], *clients[2], *servers[2];

static void make_members(pyossl_conn **ones, pyossl_conn **others)
{
    core_prepare_ec13();
    for (int i = 0; i < 2 && ones[i] == NULL; i++) {
        ones[i] = core_end(core_ec13.client, PYOSSL_CLIENT);
        others[i] = core_end(core_ec13.server, PYOSSL_SERVER);
        core_shake(ones[i], others[i]);
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
    size_t n;

    OK(pyossl_conn_write(senders[member], core_bytes, 16384, &n));
    OK(pyossl_conn_drain(senders[member], record, sizeof record, &n));
}

static void exchange(int member)
{
    core_ping(clients[member], servers[member], 64);
    core_ping(servers[member], clients[member], 64);
}

static void handshake(int member)
{
    (void)member;
    core_handshake(&core_ec13, 0);
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
    pyossl_conn *client, *server;
} pair;

static pair *crowd;

static pair make_pair(void)
{
    pair made = { core_end(core_ec13.client, PYOSSL_CLIENT),
                  core_end(core_ec13.server, PYOSSL_SERVER) };

    core_shake(made.client, made.server);
    return made;
}

static void prepare_crowd(void)
{
    core_prepare_ec13();
    crowd = calloc((size_t)many, sizeof *crowd);
    MUST(crowd != NULL);
    for (int i = 0; i < many; i++)
        crowd[i] = make_pair();
}

/* One after the other has something to say, as in an event loop. */
static void serve_next(void)
{
    static int next;

    core_ping(crowd[next].client, crowd[next].server, 64);
    core_ping(crowd[next].server, crowd[next].client, 64);
    next = (next + 1) % many;
}

static double memory(double limit)
{
    double before;

    (void)limit;
    core_prepare_ec13();
    (void)make_pair(); /* what the first connection of a process brings is not counted */
    before = resident_kib();
    prepare_crowd();
    return 2 * many / (resident_kib() - before); /* larger is better, as with the others */
}

const workload core_load[] = {
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

const workload *const workloads[] = { core_tls, core_crypto, core_load, core_duplex, NULL };
