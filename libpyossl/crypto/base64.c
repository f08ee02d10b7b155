/*
 * Base64 (RFC 4648), a full line of PEM at a time.
 *
 * Nothing is looked up, as which lines of the cache were read would tell the key
 * that is converted. Groups of six bits are moved eight at once within a word; turning them to
 * characters is a loop without branches, of which compilers make instructions for many bytes.
 */
#include "crypto.h"

enum { WORDS = OSL_BASE64_CHARS / 8 };

static inline uint64_t big_endian(uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_bswap64(word);
#else
    return word;
#endif
}

static inline uint64_t load(const void *in)
{
    uint64_t word;

    memcpy(&word, in, sizeof word);
    return big_endian(word);
}

static inline void store(void *out, uint64_t word)
{
    word = big_endian(word);
    memcpy(out, &word, sizeof word);
}

/* ---- bytes and groups of six bits ---- */

/* 48 bits to eight bytes of six each. */
static inline uint64_t spread(uint64_t bits)
{
    bits = (bits & 0xffffff000000) << 8 | (bits & 0xffffff);
    bits = (bits & 0x00fff00000fff000) << 4 | (bits & 0x00000fff00000fff);
    return (bits & 0x0fc00fc00fc00fc0) << 2 | (bits & 0x003f003f003f003f);
}

/* And back. */
static inline uint64_t gather(uint64_t sextets)
{
    sextets = (sextets & 0x3f003f003f003f00) >> 2 | (sextets & 0x003f003f003f003f);
    sextets = (sextets & 0x0fff00000fff0000) >> 4 | (sextets & 0x00000fff00000fff);
    return (sextets & 0x00ffffff00000000) >> 8 | (sextets & 0xffffff);
}

/* A word is two bytes more than eight groups, so the last one ends where the line does. */
static void split(osl_sextets *to, const unsigned char *in)
{
    for (int i = 0; i < WORDS - 1; i++)
        store(to->values + 8 * i, spread(load(in + 6 * i) >> 16));
    store(to->values + 8 * (WORDS - 1), spread(load(in + OSL_BASE64_BYTES - 8)));
}

static void join(unsigned char *out, const osl_sextets *from)
{
    uint64_t bits = 0, before = 0;

    for (int i = 0; i < WORDS; i++) {
        before = bits;
        bits = gather(load(from->values + 8 * i));
        if (i < WORDS - 1)
            store(out + 6 * i, bits << 16);
    }
    store(out + OSL_BASE64_BYTES - 8, before << 48 | bits);
}

/* ---- groups and characters ---- */

/* All ones where @value is larger than @last, else 0. */
static inline int8_t beyond(int8_t value, int8_t last)
{
    const int8_t is_beyond = value > last;

    return (int8_t)-is_beyond;
}

/* The same for what is neither below @first nor beyond @last. */
static inline int8_t within(int8_t value, int8_t first, int8_t last)
{
    return (int8_t)(beyond(value, (int8_t)(first - 1)) & ~beyond(value, last));
}

/* 'A' for 0, and at the end of each of the five ranges a step to the next one. */
static inline int8_t character_of(int8_t sextet)
{
    return (int8_t)(sextet + 'A' + (beyond(sextet, 25) & ('a' - 26 - 'A')) +
                    (beyond(sextet, 51) & ('0' - 52 - ('a' - 26))) +
                    (beyond(sextet, 61) & ('+' - 62 - ('0' - 52))) +
                    (beyond(sextet, 62) & ('/' - 63 - ('+' - 62))));
}

/* 0 to 63, or -1. Bytes from 128 on are negative here. */
static inline int8_t sextet_of(int8_t c)
{
    return (int8_t)((within(c, 'A', 'Z') & (c - ('A' - 1))) +
                    (within(c, 'a', 'z') & (c - ('a' - 27))) +
                    (within(c, '0', '9') & (c + (53 - '0'))) + (within(c, '+', '+') & 63) +
                    (within(c, '/', '/') & 64) - 1);
}

void osl_base64_encode(char *out, const unsigned char *in, osl_sextets *room)
{
    split(room, in);
    for (int i = 0; i < OSL_BASE64_CHARS; i++)
        room->values[i] = character_of(room->values[i]);
    memcpy(out, room->values, OSL_BASE64_CHARS);
}

bool osl_base64_decode(unsigned char *out, const char *in, osl_sextets *room)
{
    int8_t all = 0; /* negative where one of them is */

    memcpy(room->values, in, OSL_BASE64_CHARS);
    for (int i = 0; i < OSL_BASE64_CHARS; i++) {
        room->values[i] = sextet_of(room->values[i]);
        all |= room->values[i];
    }
    if (all < 0)
        return false;
    join(out, room);
    return true;
}
