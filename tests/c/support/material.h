/* Things that tests of certificates and keys need: test data as handles, other programs. */
#ifndef MATERIAL_H
#define MATERIAL_H

#include "test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pyossl/callbacks.h"
#include "pyossl/pkey.h"
#include "pyossl/x509.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- files ---- */

static inline pyossl_buf material_read(const char *path)
{
    pyossl_buf buf = PYOSSL_BUF_INIT;
    FILE *file = fopen(path, "rb");
    char *room = malloc(1 << 20);
    size_t len;

    if (file == NULL)
        fail_msg("no file %s", path);
    assert_non_null(room);
    len = fread(room, 1, 1 << 20, file);
    assert_true(feof(file));
    fclose(file);
    assert_ok(pyossl_buf_set(&buf, room, len));
    free(room);
    return buf;
}

static inline void material_write(const char *path, const void *data, size_t len)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static inline void assert_buf_equal(const pyossl_buf *buf, const void *data, size_t len)
{
    assert_int_equal(buf->len, len);
    if (len > 0)
        assert_memory_equal(buf->data, data, len);
    assert_int_equal(buf->data[len], 0);
}

static inline void assert_text(const pyossl_buf *buf, const char *text)
{
    assert_non_null(buf->data);
    assert_string_equal((const char *)buf->data, text);
    assert_int_equal(buf->len, strlen(text));
}

/* ---- handles ---- */

static inline pyossl_x509 *material_cert(const char *path)
{
    pyossl_buf text = material_read(path);
    pyossl_x509 *cert = NULL;

    assert_ok(pyossl_x509_load(&cert, PYOSSL_PEM, text.data, text.len));
    pyossl_buf_clear(&text);
    return cert;
}

static inline pyossl_pkey *material_key(const char *path)
{
    pyossl_buf text = material_read(path);
    pyossl_pkey *key = NULL;

    assert_ok(pyossl_pkey_load_private(&key, PYOSSL_PEM, text.data, text.len, NULL));
    pyossl_buf_clear(&text);
    return key;
}

/* The public half alone. */
static inline pyossl_pkey *material_public(const pyossl_pkey *key)
{
    pyossl_buf text = PYOSSL_BUF_INIT;
    pyossl_pkey *half = NULL;

    assert_ok(pyossl_pkey_dump_public(key, PYOSSL_DER, &text));
    assert_ok(pyossl_pkey_load_public(&half, PYOSSL_DER, text.data, text.len));
    pyossl_buf_clear(&text);
    return half;
}

/* ---- a directory to talk with other programs in ---- */

static char material_dir[256];

static inline int material_make_dir(void **state)
{
    const char *parent = getenv("TMPDIR");

    (void)state;
    snprintf(material_dir, sizeof material_dir, "%s/pyossl-XXXXXX",
             parent != NULL ? parent : "/tmp");
    return mkdtemp(material_dir) != NULL ? 0 : -1;
}

/* A path in it; four of them live at a time. */
static inline const char *material_path(const char *name)
{
    static char paths[4][512];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", material_dir, name);
    return path;
}

/* Run a command of the shell in that directory; true if it ends well. Its output goes to "log". */
static inline bool material_run(const char *command)
{
    char line[2048];

    assert_true((size_t)snprintf(line, sizeof line, "cd '%s' && { %s; } >log 2>&1 </dev/null",
                                 material_dir, command) < sizeof line);
    return system(line) == 0;
}

static inline int material_remove_dir(void **state)
{
    char line[512];

    (void)state;
    snprintf(line, sizeof line, "rm -r '%s'", material_dir);
    return system(line);
}

static inline bool material_has(const char *program)
{
    char line[128];

    snprintf(line, sizeof line, "command -v %s", program);
    return material_run(line);
}

/* Leave a test that needs a program which is not there. */
#define material_need(program)                                                                     \
    do {                                                                                           \
        if (!material_has(program))                                                                \
            skip();                                                                                \
    } while (0)

#endif
