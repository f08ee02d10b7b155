#include "script.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

/* ---- wires ---- */

static void wire_append(wire *to, const void *data, size_t len)
{
    if (to->head > 0) {
        memmove(to->data, to->data + to->head, to->len);
        to->head = 0;
    }
    if (to->cap < to->len + len) {
        to->cap = (to->len + len) * 2;
        to->data = realloc(to->data, to->cap);
        assert_non_null(to->data);
    }
    memcpy(to->data + to->len, data, len);
    to->len += len;
}

void wire_put(wire *to, const void *data, size_t len)
{
    const uint32_t bound = (uint32_t)len;

    if (len == 0)
        return;
    if (to->datagrams)
        wire_append(to, &bound, sizeof bound);
    wire_append(to, data, len);
}

static void wire_drop(wire *from, size_t len)
{
    from->head += len;
    from->len -= len;
}

size_t wire_take(wire *from, void *buf, size_t cap)
{
    uint32_t bound;
    size_t take = from->len, whole;

    if (from->len == 0)
        return 0;
    if (from->datagrams) {
        memcpy(&bound, from->data + from->head, sizeof bound);
        wire_drop(from, sizeof bound);
        take = bound;
    }
    whole = take;
    if (take > cap)
        take = cap;
    memcpy(buf, from->data + from->head, take);
    wire_drop(from, from->datagrams ? whole : take);
    return take;
}

bool wire_is_empty(const wire *queue)
{
    return queue->len == 0;
}

void wire_clear(wire *queue)
{
    free(queue->data);
    memset(queue, 0, sizeof *queue);
}

/* ---- scripts ---- */

void script_init(script *self, wire *in, wire *out)
{
    memset(self, 0, sizeof *self);
    self->in = in;
    self->out = out;
    self->cut_at = SCRIPT_NEVER;
    self->flip_at = SCRIPT_NEVER;
}

static pyossl_status answer(const script_step *step, size_t len, size_t *done)
{
    switch (step->op) {
    case SCRIPT_WANT_READ:
        return PYOSSL_WANT_READ;
    case SCRIPT_WANT_WRITE:
        return PYOSSL_WANT_WRITE;
    case SCRIPT_END:
        return PYOSSL_TRUNCATED;
    case SCRIPT_ERRNO:
        errno = (int)step->n;
        return PYOSSL_E_SYSTEM;
    case SCRIPT_ABORT:
        return PYOSSL_E_CALLBACK;
    case SCRIPT_LIE:
        *done = len + 1;
        return PYOSSL_OK;
    case SCRIPT_NOTHING:
    case SCRIPT_MOVE:
        break;
    }
    return PYOSSL_OK;
}

static size_t limit(size_t len, size_t most)
{
    return most > 0 && len > most ? most : len;
}

static pyossl_status read_bytes(script *self, unsigned char *buf, size_t len, size_t *done)
{
    size_t got;

    if (len > self->cut_at - self->bytes_read)
        len = self->cut_at - self->bytes_read;
    got = wire_take(self->in, buf, len);
    if (got == 0)
        return self->in->ended ? PYOSSL_TRUNCATED : PYOSSL_WANT_READ;
    if (self->flip_at >= self->bytes_read && self->flip_at - self->bytes_read < got)
        buf[self->flip_at - self->bytes_read] ^= self->flip;
    self->bytes_read += got;
    *done = got;
    return PYOSSL_OK;
}

static void make_noise(const script *self)
{
    if (!self->noisy)
        return;
    for (int i = 0; i < 3; i++)
        ERR_raise(ERR_LIB_USER, 1);
    errno = EXDEV;
}

static pyossl_status script_read(void *userdata, void *buf, size_t len, size_t *done)
{
    script *self = userdata;
    size_t most = limit(len, self->most);

    make_noise(self);
    if (self->bytes_read >= self->cut_at)
        return answer(&self->cut, len, done);
    if (self->reads_done++ < self->read_count) {
        const script_step *step = &self->reads[self->reads_done - 1];

        if (step->op != SCRIPT_MOVE)
            return answer(step, len, done);
        most = limit(most, step->n);
    }
    return read_bytes(self, buf, most, done);
}

static pyossl_status script_write(void *userdata, const void *buf, size_t len, size_t *done)
{
    script *self = userdata;
    size_t most = limit(len, self->most);

    make_noise(self);
    if (self->writes_done++ < self->write_count) {
        const script_step *step = &self->writes[self->writes_done - 1];

        if (step->op != SCRIPT_MOVE)
            return answer(step, len, done);
        most = limit(most, step->n);
    }
    wire_put(self->out, buf, most);
    self->bytes_written += most;
    *done = most;
    return PYOSSL_OK;
}

static void script_release(void *userdata)
{
    script *self = userdata;

    self->released++;
}

const pyossl_transport script_transport = {
    .size = sizeof script_transport,
    .read = script_read,
    .write = script_write,
    .release = script_release,
};
