/*
 * Bytes that wait in memory.
 *
 * One block holds what waits between head and tail. In front of each datagram
 * stands its length, so that the bounds cost no second block. What has been
 * emptied gives larger blocks back: most connections are idle most of the time.
 */
#include "tls.h"

enum {
    BLOCK_FIRST = OSL_QUEUE_IDLE, /* the first block; then it doubles */
    BLOCK_KEEP = 1024             /* an empty queue keeps no more than this */
};

typedef uint32_t bound; /* the length in front of a datagram */

static size_t bound_size(const osl_queue *queue)
{
    return queue->datagrams ? sizeof(bound) : 0;
}

static void bound_write(osl_queue *queue, size_t at, size_t len)
{
    const bound value = (bound)len;

    memcpy(queue->data + at, &value, sizeof value);
}

/* Room for @len more bytes behind the tail. */
static bool reserve(osl_queue *queue, size_t len)
{
    const size_t used = queue->tail - queue->head;
    size_t cap = queue->cap != 0 ? queue->cap : BLOCK_FIRST;
    unsigned char *data;

    if (queue->cap - queue->tail >= len)
        return true;
    /* Moving only what is shorter than the gap in front keeps the price of a byte constant. */
    if (queue->head >= used && queue->cap - used >= len) {
        if (used > 0)
            memcpy(queue->data, queue->data + queue->head, used);
        queue->head = 0;
        queue->tail = used;
        return true;
    }
    if (len > SIZE_MAX / 4 - used)
        return false;
    while (cap < used + len)
        cap *= 2;
    data = OPENSSL_malloc(cap);
    if (data == NULL)
        return false;
    if (used > 0)
        memcpy(data, queue->data + queue->head, used);
    OPENSSL_free(queue->data);
    queue->data = data;
    queue->cap = cap;
    queue->head = 0;
    queue->tail = used;
    return true;
}

/* How much of @len may go in. */
static size_t allowance(const osl_queue *queue, size_t len)
{
    size_t room;

    if (queue->limit == 0)
        return len;
    room = queue->limit > queue->len ? queue->limit - queue->len : 0;
    if (!queue->datagrams)
        return len < room ? len : room;
    /* One larger than the limit may enter an empty queue, or it never could. */
    return len <= room || queue->len == 0 ? len : 0;
}

pyossl_status osl_queue_put(osl_queue *queue, const void *data, size_t len, size_t *done)
{
    size_t take = allowance(queue, len);

    if (len == 0) {
        *done = 0;
        return PYOSSL_OK;
    }
    if (take == 0)
        return PYOSSL_WANT_WRITE;
    if (queue->datagrams && take > UINT32_MAX)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "datagram too large");
    if (take > SIZE_MAX - sizeof(bound) || !reserve(queue, take + bound_size(queue)))
        return osl_fail_nomem();
    if (queue->datagrams) {
        bound_write(queue, queue->tail, take);
        queue->tail += sizeof(bound);
    }
    memcpy(queue->data + queue->tail, data, take);
    queue->tail += take;
    queue->len += take;
    *done = take;
    return PYOSSL_OK;
}

unsigned char *osl_queue_room(osl_queue *queue, size_t len)
{
    return reserve(queue, len) ? queue->data + queue->tail : NULL;
}

void osl_queue_grew(osl_queue *queue, size_t len)
{
    queue->tail += len;
    queue->len += len;
}

size_t osl_queue_front(const osl_queue *queue, const unsigned char **data)
{
    bound first;

    *data = NULL;
    if (queue->len == 0)
        return 0;
    *data = queue->data + queue->head + bound_size(queue);
    if (!queue->datagrams)
        return queue->len;
    memcpy(&first, queue->data + queue->head, sizeof first);
    return first;
}

/* An empty queue starts again at the front, and gives back a block of more than @keep. */
static void rest(osl_queue *queue, size_t keep)
{
    queue->head = 0;
    queue->tail = 0;
    if (queue->cap > keep) {
        OPENSSL_free(queue->data);
        queue->data = NULL;
        queue->cap = 0;
    }
}

void osl_queue_shrink(osl_queue *queue)
{
    if (queue->len == 0)
        rest(queue, OSL_QUEUE_IDLE);
}

void osl_queue_drop(osl_queue *queue, size_t len)
{
    const unsigned char *data;
    const size_t front = osl_queue_front(queue, &data);

    if (len > front)
        len = front;
    queue->len -= len;
    queue->head += len;
    if (queue->len == 0) {
        rest(queue, BLOCK_KEEP);
        return;
    }
    if (!queue->datagrams)
        return;
    if (len == front)
        queue->head += sizeof(bound);
    else /* what is left becomes a shorter datagram */
        bound_write(queue, queue->head, front - len);
}

size_t osl_queue_take(osl_queue *queue, void *buf, size_t cap)
{
    const unsigned char *data;
    size_t len = osl_queue_front(queue, &data);

    if (len > cap)
        len = cap;
    if (len == 0 || data == NULL)
        return 0;
    memcpy(buf, data, len);
    osl_queue_drop(queue, len);
    return len;
}

size_t osl_queue_len(const osl_queue *queue)
{
    return queue->len;
}

void osl_queue_clear(osl_queue *queue)
{
    OPENSSL_clear_free(queue->data, queue->cap);
    queue->data = NULL;
    queue->cap = 0;
    queue->head = 0;
    queue->tail = 0;
    queue->len = 0;
}
