/*
 * Base64 (RFC 4648), a full line of PEM at a time.
 *
 * Nothing is looked up, as which lines of the cache were read would tell the key
 * that is converted. Groups of six bits are moved eight at once within a word, and
 * turned to characters sixteen at once: faster than a table.
 */
#include "crypto.h"

/* Which compilers make of instructions for several bytes, where the machine has them. */
typedef int8_t lanes __attribute__((vector_size(16)));
typedef uint16_t pairs __attribute__((vector_size(16)));
typedef uint32_t quads __attribute__((vector_size(16)));
typedef uint64_t words __attribute__((vector_size(16)));

enum { WORDS = OSL_BASE64_CHARS / 8, PARTS = OSL_BASE64_CHARS / (int)sizeof(lanes) };

#define LOW_48_BITS UINT64_C(0xffffffffffff)
#define HIGH_BITS   UINT64_C(0x8080808080808080)

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

/*
 * And back, twice: two at a time become one of twice the bits. By factors, which compilers make
 * shifts of: gcc's analyzer takes a shift of lanes to be too wide.
 */
static inline words gather(lanes sextets)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const pairs p = (pairs)sextets;
    const quads q = (quads)((p & 0x3f) * 64 | p / 256);
    const words w = (words)((q & 0xfff) * 4096 | q / 65536);

    return (w & 0xffffff) * 0x1000000 | w / 0x100000000;
#else
    const pairs p = (pairs)sextets;
    const quads q = (quads)(p / 256 * 64 | (p & 0x3f));
    const words w = (words)(q / 65536 * 4096 | (q & 0xfff));

    return w / 0x100000000 * 0x1000000 | (w & 0xffffff);
#endif
}

/* A word is two bytes more than a group, so the last one ends where the line does. */
static void split(osl_sextets *to, const unsigned char *in)
{
    for (int i = 0; i < WORDS - 1; i++)
        store(to->values + 8 * i, spread(load(in + 6 * i) >> 16));
    store(to->values + 8 * (WORDS - 1), spread(load(in + OSL_BASE64_BYTES - 8) & LOW_48_BITS));
}

static void join(unsigned char *out, const osl_sextets *from)
{
    lanes part;
    words bits;

    for (int i = 0; i < PARTS; i++) {
        memcpy(&part, from->values + i * (int)sizeof part, sizeof part);
        bits = gather(part);
        store(out + 12 * i, bits[0] << 16);
        if (i < PARTS - 1)
            store(out + 12 * i + 6, bits[1] << 16);
    }
    store(out + OSL_BASE64_BYTES - 8, bits[0] << 48 | bits[1]);
}

/* ---- groups and characters ---- */

static inline lanes characters_of(lanes sextets)
{
    /* 'A' for 0, and at the end of each of the five ranges a step to the next one. */
    return sextets + 'A' + ((sextets > 25) & ('a' - 26 - 'A')) +
           ((sextets > 51) & ('0' - 52 - ('a' - 26))) + ((sextets > 61) & ('+' - 62 - ('0' - 52))) +
           ((sextets > 62) & ('/' - 63 - ('+' - 62)));
}

/* 0 to 63, or -1; bytes from 128 on are negative. */
static inline lanes sextets_of(lanes c)
{
    return (((c >= 'A') & (c <= 'Z')) & (c - ('A' - 1))) +
           (((c >= 'a') & (c <= 'z')) & (c - ('a' - 27))) +
           (((c >= '0') & (c <= '9')) & (c + (53 - '0'))) + ((c == '+') & 63) + ((c == '/') & 64) -
           1;
}

void osl_base64_encode(char *out, const unsigned char *in, osl_sextets *room)
{
    lanes part;

    split(room, in);
    for (int i = 0; i < PARTS; i++) {
        memcpy(&part, room->values + i * (int)sizeof part, sizeof part);
        part = characters_of(part);
        memcpy(out + i * (int)sizeof part, &part, sizeof part);
    }
}

bool osl_base64_decode(unsigned char *out, const char *in, osl_sextets *room)
{
    lanes part, all = { 0 };
    uint64_t any[2];

    for (int i = 0; i < PARTS; i++) {
        memcpy(&part, in + i * (int)sizeof part, sizeof part);
        part = sextets_of(part);
        all |= part;
        memcpy(room->values + i * (int)sizeof part, &part, sizeof part);
    }
    memcpy(any, &all, sizeof any);
    if (((any[0] | any[1]) & HIGH_BITS) != 0)
        return false;
    join(out, room);
    return true;
}
