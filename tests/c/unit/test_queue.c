/* Bytes that wait in memory: order, bounds, limits, memory given back. */
#include "test.h"

#include "ssl/tls.h"

static void put(osl_queue *queue, const void *data, size_t len)
{
    size_t done = 0;

    assert_ok(osl_queue_put(queue, data, len, &done));
    assert_int_equal(done, len);
}

static void test_keeps_order(void **state)
{
    osl_queue queue = { 0 };
    char buf[8];

    (void)state;
    assert_int_equal(osl_queue_take(&queue, buf, sizeof buf), 0);
    put(&queue, "abc", 3);
    put(&queue, "defgh", 5);
    assert_int_equal(osl_queue_len(&queue), 8);
    assert_int_equal(osl_queue_take(&queue, buf, 4), 4);
    assert_memory_equal(buf, "abcd", 4);
    put(&queue, "i", 1);
    assert_int_equal(osl_queue_take(&queue, buf, sizeof buf), 5);
    assert_memory_equal(buf, "efghi", 5);
    assert_int_equal(osl_queue_len(&queue), 0);
    osl_queue_clear(&queue);
}

static void test_na_031_nothing_is_no_error(void **state)
{
    osl_queue queue = { 0 };
    osl_queue datagrams = { .datagrams = true };
    size_t done = 7;

    (void)state;
    assert_ok(osl_queue_put(&queue, NULL, 0, &done));
    assert_int_equal(done, 0);
    done = 7;
    assert_ok(osl_queue_put(&datagrams, NULL, 0, &done));
    assert_int_equal(done, 0);
    assert_int_equal(osl_queue_len(&datagrams), 0);
}

/* Against a plain model: many sizes in and out, across growth and compaction. */
static void test_random_moves(void **state)
{
    osl_queue queue = { 0 };
    unsigned char chunk[3000], expected, next = 0;
    unsigned seed = 1;

    (void)state;
    expected = 0;
    for (int round = 0; round < 20000; round++) {
        size_t len;

        seed = seed * 1103515245u + 12345u;
        len = seed >> 16 & 0x7ff;
        if ((seed >> 8 & 1) != 0 || osl_queue_len(&queue) > 100000) {
            len = osl_queue_take(&queue, chunk, len);
            for (size_t i = 0; i < len; i++)
                assert_int_equal(chunk[i], expected++);
        } else {
            for (size_t i = 0; i < len; i++)
                chunk[i] = next++;
            put(&queue, chunk, len);
        }
    }
    osl_queue_clear(&queue);
}

static void test_keeps_bounds_of_datagrams(void **state)
{
    osl_queue queue = { .datagrams = true };
    const unsigned char *front;
    char buf[8];

    (void)state;
    put(&queue, "first", 5);
    put(&queue, "2nd", 3);
    put(&queue, "x", 1);
    assert_int_equal(osl_queue_len(&queue), 9);
    assert_int_equal(osl_queue_front(&queue, &front), 5);
    assert_memory_equal(front, "first", 5);
    assert_int_equal(osl_queue_take(&queue, buf, sizeof buf), 5);
    /* What has no room stays the front. */
    assert_int_equal(osl_queue_take(&queue, buf, 2), 2);
    assert_memory_equal(buf, "2n", 2);
    assert_int_equal(osl_queue_take(&queue, buf, sizeof buf), 1);
    assert_memory_equal(buf, "d", 1);
    osl_queue_drop(&queue, 100);
    assert_int_equal(osl_queue_len(&queue), 0);
    assert_int_equal(osl_queue_front(&queue, &front), 0);
    assert_null(front);
    osl_queue_clear(&queue);
}

static void test_many_datagrams(void **state)
{
    osl_queue queue = { .datagrams = true };
    unsigned char data[300], out[300];

    (void)state;
    for (size_t round = 0; round < 50; round++) {
        for (size_t len = 1; len < sizeof data; len += 7) {
            memset(data, (int)len & 0xff, len);
            put(&queue, data, len);
        }
        for (size_t len = 1; len < sizeof data; len += 7) {
            memset(data, (int)len & 0xff, len);
            assert_int_equal(osl_queue_take(&queue, out, sizeof out), len);
            assert_memory_equal(out, data, len);
            if (len == 8) /* one more behind, so that the queue is seldom empty */
                put(&queue, data, len);
        }
        assert_int_equal(osl_queue_take(&queue, out, sizeof out), 8);
    }
    osl_queue_clear(&queue);
}

static void test_na_043_limit(void **state)
{
    osl_queue queue = { .limit = 4 };
    osl_queue datagrams = { .limit = 4, .datagrams = true };
    char buf[16];
    size_t done = 0;

    (void)state;
    assert_ok(osl_queue_put(&queue, "abcdef", 6, &done));
    assert_int_equal(done, 4);
    done = 99;
    assert_status(osl_queue_put(&queue, "ef", 2, &done), PYOSSL_WANT_WRITE);
    assert_int_equal(done, 99);
    assert_int_equal(osl_queue_take(&queue, buf, 1), 1);
    assert_ok(osl_queue_put(&queue, "ef", 2, &done));
    assert_int_equal(done, 1);
    osl_queue_clear(&queue);
    assert_int_equal(queue.limit, 4);

    put(&datagrams, "abc", 3);
    assert_status(osl_queue_put(&datagrams, "de", 2, &done), PYOSSL_WANT_WRITE);
    put(&datagrams, "d", 1);
    assert_int_equal(osl_queue_take(&datagrams, buf, sizeof buf), 3);
    assert_int_equal(osl_queue_take(&datagrams, buf, sizeof buf), 1);
    put(&datagrams, "larger than it", 14); /* alone, or it could never enter */
    osl_queue_clear(&datagrams);
}

static void test_gives_memory_back(void **state)
{
    osl_queue queue = { 0 };
    static unsigned char large[100000];

    (void)state;
    put(&queue, "small", 5);
    assert_int_equal(osl_queue_take(&queue, large, sizeof large), 5);
    assert_non_null(queue.data); /* worth keeping */
    put(&queue, large, sizeof large);
    assert_int_equal(osl_queue_take(&queue, large, sizeof large), sizeof large);
    assert_null(queue.data);
    assert_int_equal(queue.cap, 0);
    put(&queue, "again", 5);
    osl_queue_clear(&queue);
    assert_null(queue.data);
    assert_int_equal(osl_queue_len(&queue), 0);
}

static void test_no_length_overflows(void **state)
{
    osl_queue queue = { 0 };
    osl_queue datagrams = { .datagrams = true };
    size_t done = 99;

    (void)state;
    put(&queue, "a", 1);
    assert_fails(osl_queue_put(&queue, "b", SIZE_MAX, &done), PYOSSL_E_NOMEM);
    assert_fails(osl_queue_put(&queue, "b", SIZE_MAX / 2, &done), PYOSSL_E_NOMEM);
    assert_fails(osl_queue_put(&datagrams, "b", (size_t)UINT32_MAX + 1, &done), PYOSSL_E_ARGUMENT);
    assert_int_equal(done, 99);
    assert_int_equal(osl_queue_len(&queue), 1);
    osl_queue_clear(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_order),       cmocka_unit_test(test_na_031_nothing_is_no_error),
        cmocka_unit_test(test_random_moves),      cmocka_unit_test(test_keeps_bounds_of_datagrams),
        cmocka_unit_test(test_many_datagrams),    cmocka_unit_test(test_na_043_limit),
        cmocka_unit_test(test_gives_memory_back), cmocka_unit_test(test_no_length_overflows),
    };

    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
