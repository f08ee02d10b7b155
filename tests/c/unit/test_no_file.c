/* What is named as a file and is none: no call may wait for ever for it. */
#include "material.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "owned.h"

#include "pyossl/rand.h"
#include "pyossl/store.h"

enum { FOR_EVER = 60 }; /* seconds until a hang ends the test */

static char folder[] = "/tmp/pyossl-no-file-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    alarm(FOR_EVER);
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/named", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    alarm(0);
    return rmdir(folder);
}

/* ---- what reads a file ---- */

static pyossl_ctx *ctx;

static pyossl_status read_locations(void)
{
    return pyossl_ctx_load_verify_locations(ctx, path, NULL);
}

static pyossl_status read_store(void)
{
    OWNED(store) store = NULL;

    assert_ok(pyossl_store_new(&store));
    return pyossl_store_load_locations(store, path, NULL);
}

static pyossl_status read_defaults(void)
{
    pyossl_status status;

    assert_int_equal(setenv("SSL_CERT_FILE", path, 1), 0);
    status = pyossl_ctx_set_default_verify_paths(ctx);
    assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
    return status;
}

static pyossl_status read_certificate(void)
{
    return pyossl_ctx_use_certificate_file(ctx, path, PYOSSL_PEM);
}

static pyossl_status read_chain(void)
{
    return pyossl_ctx_use_certificate_chain_file(ctx, path);
}

static pyossl_status read_key(void)
{
    return pyossl_ctx_use_pkey_file(ctx, path, PYOSSL_PEM);
}

static pyossl_status read_client_ca(void)
{
    return pyossl_ctx_load_client_ca(ctx, path);
}

static pyossl_status read_dh(void)
{
    return pyossl_ctx_load_tmp_dh(ctx, path);
}

static pyossl_status read_randomness(void)
{
    size_t done;

    return pyossl_rand_load_file(path, -1, &done);
}

static const struct {
    const char *name;
    pyossl_status (*read)(void);
    const char *good; /* what it would read; NULL where nothing is wrong with anything */
} readers[] = {
    { "load_verify_locations", read_locations, DATA("root.pem") },
    { "store_load_locations", read_store, DATA("root.pem") },
    { "use_certificate_file", read_certificate, DATA("server.pem") },
    { "use_certificate_chain_file", read_chain, DATA("server.pem") },
    { "use_pkey_file", read_key, DATA("ec.pem") },
    { "load_client_ca", read_client_ca, DATA("root.pem") },
    { "load_tmp_dh", read_dh, DATA("dh.pem") },
    { "set_default_verify_paths", read_defaults, NULL },
    { "rand_load_file", read_randomness, NULL },
};

/* ---- what is none ---- */

static void make_pipe(void)
{
    assert_int_equal(mkfifo(path, 0600), 0);
}

static void make_directory(void)
{
    assert_int_equal(mkdir(path, 0700), 0);
}

static void make_device(void)
{
    assert_int_equal(symlink("/dev/null", path), 0);
}

static void make_socket(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    close(fd);
}

static void (*const kinds[])(void) = { make_pipe, make_directory, make_device, make_socket };

static void remove_it(void)
{
    if (unlink(path) != 0)
        assert_int_equal(rmdir(path), 0);
}

static void test_na_246_what_is_no_file_is_refused_at_once(void **state)
{
    (void)state;
    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        for (size_t i = 0; i < COUNT_OF(readers); i++) {
            pyossl_status status;

            print_message("# %zu, %s\n", k, readers[i].name);
            kinds[k]();
            status = readers[i].read();
            assert_true(readers[i].good == NULL || status != PYOSSL_OK);
            remove_it();
        }
    pyossl_ctx_unref(ctx);
}

/* ---- pipes to whose other end somebody writes, as a shell's <(command) has them ---- */

typedef struct writer {
    const char *from;
    int fd;
} writer;

static void *write_slowly(void *arg)
{
    const writer *self = arg;
    OWNED_BUF text = material_read(self->from);
    size_t done = 0;

    while (done < text.len) {
        const size_t len = text.len - done < 300 ? text.len - done : 300;

        assert_int_equal(write(self->fd, text.data + done, len), len);
        done += len;
        usleep(1000);
    }
    close(self->fd);
    return NULL;
}

static void test_na_246_a_pipe_with_a_writer_is_read(void **state)
{
    (void)state;
    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    for (size_t i = 0; i < COUNT_OF(readers); i++) {
        writer other = { .from = readers[i].good };
        pthread_t thread;

        if (readers[i].good == NULL)
            continue;
        make_pipe();
        other.fd = open(path, O_RDWR); /* who is to read is there later */
        assert_true(other.fd >= 0);
        assert_int_equal(pthread_create(&thread, NULL, write_slowly, &other), 0);
        assert_ok(readers[i].read());
        assert_int_equal(pthread_join(thread, NULL), 0);
        remove_it();
    }
    pyossl_ctx_unref(ctx);
}

static void test_na_246_a_writer_that_is_silent(void **state)
{
    int fd;

    (void)state;
    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    make_pipe();
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_fails(read_locations(), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), ETIMEDOUT);
    close(fd);
    remove_it();
    pyossl_ctx_unref(ctx);
}

/* ---- entries of directories ---- */

static void test_na_246_entries_that_are_no_files(void **state)
{
    OWNED(x509) root = material_cert(DATA("root.pem"));
    OWNED(x509) leaf = material_cert(DATA("intermediate.pem"));
    unsigned long hash;

    (void)state;
    assert_ok(pyossl_x509_subject_hash(root, &hash));
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        for (int by_default = 0; by_default < 2; by_default++) {
            OWNED(store) store = NULL;
            pyossl_verdict verdict = PYOSSL_VERDICT_INIT;

            snprintf(path, sizeof path, "%s/%08lx.0", folder, hash);
            kinds[k]();
            assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
            assert_int_equal(setenv("SSL_CERT_DIR", folder, 1), 0);
            assert_int_equal(setenv("SSL_CERT_FILE", DATA("none.pem"), 1), 0);
            if (by_default)
                assert_ok(pyossl_ctx_set_default_verify_paths(ctx));
            else
                assert_ok(pyossl_ctx_load_verify_locations(ctx, NULL, folder));
            assert_int_equal(unsetenv("SSL_CERT_DIR"), 0);
            assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
            assert_ok(pyossl_ctx_store(ctx, &store));
            assert_fails(pyossl_store_verify(store, leaf, NULL, 0, &verdict), PYOSSL_E_VERIFY);
            pyossl_verdict_clear(&verdict);
            remove_it();
            pyossl_ctx_unref(ctx);
        }
    snprintf(path, sizeof path, "%s/named", folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_246_what_is_no_file_is_refused_at_once),
        cmocka_unit_test(test_na_246_a_pipe_with_a_writer_is_read),
        cmocka_unit_test(test_na_246_a_writer_that_is_silent),
        cmocka_unit_test(test_na_246_entries_that_are_no_files),
    };

    return cmocka_run_group_tests_name("no_file", tests, make_folder, remove_folder);
}
