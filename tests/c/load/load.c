#include "load.h"

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

enum { ROUNDS_MAX = 100000, IDLE_MAX = 30, WAIT_MS = 20000 };

size_t load_count(size_t quick, size_t full)
{
    const char *const asked = getenv("LOAD");

    return asked != NULL && strcmp(asked, "full") == 0 ? full : quick;
}

double load_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- what the process holds ---- */

static long entries(const char *path)
{
    DIR *dir = opendir(path);
    long count = -3; /* ".", "..", and the descriptor of this very folder */

    if (dir == NULL)
        return -1;
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static long resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long whole = 0, resident = 0;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%ld %ld", &whole, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

footprint footprint_now(void)
{
    footprint now;

    pyossl_error_clear();
    malloc_trim(0);
    now.fds = entries("/proc/self/fd");
    now.threads = entries("/proc/self/task") + 1;
    now.heap = (long)mallinfo2().uordblks;
    now.resident = resident_bytes();
    return now;
}

bool footprint_exact(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return false;
#endif
#endif
    return getenv("RUNNING_UNDER_VALGRIND") == NULL;
}

/* ---- contexts ---- */

static pyossl_status load_file(const char *path, pyossl_x509 **cert, pyossl_pkey **key)
{
    unsigned char text[16384];
    FILE *file = fopen(path, "rb");
    size_t len;

    if (file == NULL)
        return PYOSSL_E_SYSTEM;
    len = fread(text, 1, sizeof text, file);
    fclose(file);
    return cert != NULL ? pyossl_x509_load(cert, PYOSSL_PEM, text, len)
                        : pyossl_pkey_load_private(key, PYOSSL_PEM, text, len, NULL);
}

static pyossl_status new_context(const world *self, version at, pyossl_role role, pyossl_ctx **out)
{
    const int number = at == TLS_1_2 ? 0x0303 : 0x0304;
    OWNED(ctx) ctx = NULL;

    TRY(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    TRY(pyossl_ctx_set_min_version(ctx, number));
    TRY(pyossl_ctx_set_max_version(ctx, number));
    if (role == PYOSSL_SERVER) {
        TRY(pyossl_ctx_use_identity(ctx, self->cert[0], self->key[0], &self->intermediate, 1));
        TRY(pyossl_ctx_set_num_tickets(ctx, 1));
    } else {
        TRY(pyossl_ctx_load_verify_locations(ctx, DATA("root.pem"), NULL));
        TRY(pyossl_ctx_set_verify(ctx, PYOSSL_VERIFY_PEER, NULL, NULL, NULL));
    }
    *out = ctx;
    ctx = NULL;
    return PYOSSL_OK;
}

static pyossl_status new_contexts(const world *self, pyossl_ctx *out[2][VERSIONS])
{
    for (int at = 0; at < VERSIONS; at++) {
        TRY(new_context(self, (version)at, PYOSSL_CLIENT, &out[0][at]));
        TRY(new_context(self, (version)at, PYOSSL_SERVER, &out[1][at]));
    }
    return PYOSSL_OK;
}

pyossl_status world_replace(world *self)
{
    pyossl_ctx *fresh[2][VERSIONS] = { { NULL } }, *old[2][VERSIONS];
    const pyossl_status status = new_contexts(self, fresh);

    memcpy(old, fresh, sizeof old);
    if (status == PYOSSL_OK) {
        pthread_mutex_lock(&self->lock);
        memcpy(old[0], self->client, sizeof self->client);
        memcpy(old[1], self->server, sizeof self->server);
        memcpy(self->client, fresh[0], sizeof self->client);
        memcpy(self->server, fresh[1], sizeof self->server);
        self->generation++;
        pthread_mutex_unlock(&self->lock);
    }
    for (int at = 0; at < VERSIONS; at++) {
        pyossl_ctx_unref(old[0][at]);
        pyossl_ctx_unref(old[1][at]);
    }
    return status;
}

pyossl_status world_renew(world *self, unsigned which)
{
    for (int at = 0; at < VERSIONS; at++) {
        OWNED(ctx) client = NULL;
        OWNED(ctx) server = NULL;

        (void)world_take(self, (version)at, &client, &server);
        TRY(pyossl_ctx_use_identity(server, self->cert[which % 2], self->key[which % 2],
                                    &self->intermediate, 1));
    }
    return PYOSSL_OK;
}

pyossl_status world_open(world *self)
{
    memset(self, 0, sizeof *self);
    pthread_mutex_init(&self->lock, NULL);
    TRY(load_file(DATA("server-ec.pem"), &self->cert[0], NULL));
    TRY(load_file(DATA("ec.pem"), NULL, &self->key[0]));
    TRY(load_file(DATA("server-ed25519.pem"), &self->cert[1], NULL));
    TRY(load_file(DATA("ed25519.pem"), NULL, &self->key[1]));
    TRY(load_file(DATA("intermediate.pem"), &self->intermediate, NULL));
    return world_replace(self);
}

void world_close(world *self)
{
    for (int at = 0; at < VERSIONS; at++) {
        pyossl_ctx_unref(self->client[at]);
        pyossl_ctx_unref(self->server[at]);
    }
    for (int i = 0; i < 2; i++) {
        pyossl_x509_unref(self->cert[i]);
        pyossl_pkey_unref(self->key[i]);
    }
    pyossl_x509_unref(self->intermediate);
    pthread_mutex_destroy(&self->lock);
}

unsigned world_take(world *self, version at, pyossl_ctx **client, pyossl_ctx **server)
{
    unsigned generation;

    pthread_mutex_lock(&self->lock);
    *client = pyossl_ctx_ref(self->client[at]);
    *server = pyossl_ctx_ref(self->server[at]);
    generation = self->generation;
    pthread_mutex_unlock(&self->lock);
    return generation;
}

/* ---- connections ---- */

static pyossl_status attach(duo *self)
{
    switch (self->by) {
    case MEMORY:
        TRY(pyossl_conn_use_memory(self->client));
        return pyossl_conn_use_memory(self->server);
    case SOCKETS:
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, self->fds) != 0)
            return PYOSSL_E_SYSTEM;
        TRY(pyossl_conn_use_fd(self->client, self->fds[0]));
        return pyossl_conn_use_fd(self->server, self->fds[1]);
    case FUNCTIONS:
        break;
    }
    script_init(&self->client_script, &self->to_client, &self->to_server);
    script_init(&self->server_script, &self->to_server, &self->to_client);
    TRY(pyossl_conn_use_transport(self->client, &script_transport, &self->client_script));
    return pyossl_conn_use_transport(self->server, &script_transport, &self->server_script);
}

pyossl_status duo_open(duo *self, pyossl_ctx *client, pyossl_ctx *server, carrier by)
{
    self->by = by;
    self->fds[0] = self->fds[1] = -1;
    TRY(pyossl_conn_new(&self->client, client));
    TRY(pyossl_conn_new(&self->server, server));
    TRY(attach(self));
    TRY(pyossl_conn_set_role(self->client, PYOSSL_CLIENT));
    return pyossl_conn_set_role(self->server, PYOSSL_SERVER);
}

static pyossl_status carry(pyossl_conn *from, pyossl_conn *to)
{
    unsigned char bytes[16384];
    size_t len, done;

    while (pyossl_conn_drain(from, bytes, sizeof bytes, &len) == PYOSSL_OK)
        TRY(pyossl_conn_feed(to, bytes, len, &done));
    return PYOSSL_OK;
}

pyossl_status duo_carry(duo *self)
{
    if (self->by != MEMORY)
        return PYOSSL_OK;
    TRY(carry(self->client, self->server));
    return carry(self->server, self->client);
}

void duo_close(duo *self)
{
    pyossl_conn_unref(self->client);
    pyossl_conn_unref(self->server);
    for (int i = 0; self->by == SOCKETS && i < 2; i++)
        if (self->fds[i] >= 0)
            close(self->fds[i]);
    wire_clear(&self->to_client);
    wire_clear(&self->to_server);
    memset(self, 0, sizeof *self);
}

/* ---- what is said ---- */

enum { SHAKE, FIRST, SECOND, CLOSE, GOODBYE, DONE };

bool talker_init(talker *self)
{
    memset(self, 0, sizeof *self);
    self->in = EVP_MD_CTX_new();
    self->out = EVP_MD_CTX_new();
    return self->in != NULL && self->out != NULL;
}

void talker_begin(talker *self, pyossl_conn *conn, bool client, const unsigned char *text,
                  size_t len, const unsigned char *expected, size_t due)
{
    EVP_MD_CTX *const in = self->in, *const out = self->out;

    *self = (talker){ .conn = conn,
                      .client = client,
                      .text = text,
                      .expected = expected,
                      .len = len,
                      .due = due,
                      .in = in,
                      .out = out };
    self->wrong = EVP_DigestInit_ex(in, EVP_sha256(), NULL) != 1 ||
                  EVP_DigestInit_ex(out, EVP_sha256(), NULL) != 1;
}

void talker_free(talker *self)
{
    EVP_MD_CTX_free(self->in);
    EVP_MD_CTX_free(self->out);
}

static pyossl_status say(talker *self)
{
    while (self->said < self->len) {
        size_t done = 0;

        TRY(pyossl_conn_write(self->conn, self->text + self->said, self->len - self->said, &done));
        if (EVP_DigestUpdate(self->out, self->text + self->said, done) != 1)
            self->wrong = true;
        self->said += done;
    }
    return PYOSSL_OK;
}

static pyossl_status listen_to(talker *self)
{
    unsigned char bytes[16384];

    while (self->heard < self->due) {
        size_t done = 0;

        TRY(pyossl_conn_read(self->conn, bytes, sizeof bytes, &done));
        if (done > self->due - self->heard || EVP_DigestUpdate(self->in, bytes, done) != 1 ||
            (self->expected != NULL && memcmp(bytes, self->expected + self->heard, done) != 0)) {
            self->wrong = true;
            return PYOSSL_E_STATE;
        }
        self->heard += done;
    }
    return PYOSSL_OK;
}

static pyossl_status say_goodbye(talker *self)
{
    unsigned char byte;
    size_t done = 0;

    TRY(pyossl_conn_read(self->conn, &byte, 1, &done));
    self->wrong = true; /* more than was due */
    return PYOSSL_E_STATE;
}

pyossl_status talker_step(talker *self)
{
    int complete;

    for (;; self->at++) {
        switch (self->at) {
        case SHAKE:
            TRY(pyossl_conn_handshake(self->conn));
            break;
        case FIRST:
            TRY(self->client ? say(self) : listen_to(self));
            break;
        case SECOND:
            TRY(self->client ? listen_to(self) : say(self));
            break;
        case CLOSE:
            TRY(pyossl_conn_shutdown(self->conn, &complete));
            break;
        case GOODBYE: {
            const pyossl_status status = say_goodbye(self);

            if (status != PYOSSL_CLOSED)
                return status;
            break;
        }
        default:
            return PYOSSL_CLOSED;
        }
    }
}

pyossl_status talker_run(talker *self, unsigned *interruptions)
{
    for (;;) {
        pyossl_status status = talker_step(self);

        if (!pyossl_is_retry(status))
            return status;
        status = pyossl_conn_wait(self->conn, status, WAIT_MS);
        if (status == PYOSSL_E_SYSTEM && pyossl_error_errno(pyossl_error_last()) == EINTR)
            ++*interruptions;
        else if (status != PYOSSL_OK)
            return status;
    }
}

bool talker_same(talker *from, talker *to)
{
    unsigned char said[EVP_MAX_MD_SIZE], heard[EVP_MAX_MD_SIZE];
    unsigned said_len = 0, heard_len = 0;

    return !from->wrong && !to->wrong && from->said == from->len && to->heard == from->len &&
           EVP_DigestFinal_ex(from->out, said, &said_len) == 1 &&
           EVP_DigestFinal_ex(to->in, heard, &heard_len) == 1 && said_len == heard_len &&
           memcmp(said, heard, said_len) == 0;
}

void talk(duo *between, talker *client, talker *server, pyossl_status *of_client,
          pyossl_status *of_server)
{
    *of_client = *of_server = PYOSSL_WANT_READ;
    for (int round = 0, idle = 0; round < ROUNDS_MAX && idle < IDLE_MAX; round++) {
        const size_t moved = client->said + client->heard + server->said + server->heard;
        const int at = client->at + server->at;

        if (pyossl_is_retry(*of_client))
            *of_client = talker_step(client);
        if (duo_carry(between) != PYOSSL_OK)
            *of_client = PYOSSL_E_STATE;
        if (pyossl_is_retry(*of_server))
            *of_server = talker_step(server);
        if (duo_carry(between) != PYOSSL_OK)
            *of_server = PYOSSL_E_STATE;
        if (!pyossl_is_retry(*of_client) && !pyossl_is_retry(*of_server))
            return;
        if (at != client->at + server->at ||
            moved != client->said + client->heard + server->said + server->heard)
            idle = 0;
        else
            idle++;
    }
}

unsigned next_random(unsigned *state)
{
    unsigned x = *state;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

static unsigned char text[2 * TEXT_MAX];
static pthread_once_t text_once = PTHREAD_ONCE_INIT;

static void make_text(void)
{
    unsigned state = 2463534242U;

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (unsigned char)(next_random(&state) >> 11);
}

const unsigned char *some_text(size_t at)
{
    pthread_once(&text_once, make_text);
    return text + at % TEXT_MAX;
}
