/* Mutations: what files suffer, and what those who attack parsers try. */
#include "differ.h"

uint32_t chance_below(chance *dice, uint32_t limit)
{
    /* splitmix64 */
    uint64_t z = dice->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) >> 32) % limit;
}

static size_t somewhere(const sample *work, chance *dice)
{
    return work->len > 0 ? chance_below(dice, (uint32_t)work->len) : 0;
}

/* Put @len bytes in the place of @old at @at. */
static bool splice(sample *work, size_t at, size_t old, const void *data, size_t len)
{
    if (work->len - old + len > SAMPLE_MAX)
        return false;
    memmove(work->bytes + at + len, work->bytes + at + old, work->len - at - old);
    memmove(work->bytes + at, data, len);
    work->len = work->len - old + len;
    return true;
}

static void flip(sample *work, chance *dice)
{
    if (work->len > 0)
        work->bytes[somewhere(work, dice)] ^= (unsigned char)(1u << chance_below(dice, 8));
}

/* ---- DER ---- */

enum { DEPTH = 16 };

/* An element, and those that it is in: offsets of their headers. */
typedef struct place {
    size_t at[DEPTH];
    size_t depth;
    size_t header, body; /* lengths of the innermost */
} place;

static bool header_at(const sample *work, size_t at, size_t end, size_t *header, size_t *body)
{
    size_t count;

    if (end - at < 2)
        return false;
    *header = 2;
    *body = work->bytes[at + 1];
    if (*body >= 0x80) {
        count = *body & 0x7f;
        if (count == 0 || count > 2 || end - at < 2 + count)
            return false;
        *body = 0;
        for (size_t i = 0; i < count; i++)
            *body = *body << 8 | work->bytes[at + 2 + i];
        *header += count;
    }
    return *body <= end - at - *header;
}

/* How many elements stand side by side from @at to @end. */
static uint32_t siblings(const sample *work, size_t at, size_t end)
{
    size_t header, body;
    uint32_t count = 0;

    for (; at < end && header_at(work, at, end, &header, &body); at += header + body)
        count++;
    return at == end ? count : 0;
}

/* Walk down from the outermost element by chance. False where this is not DER. */
static bool pick(const sample *work, chance *dice, place *out)
{
    size_t at = 0, end = work->len;

    out->depth = 0;
    while (out->depth < DEPTH) {
        uint32_t steps = siblings(work, at, end);

        if (steps == 0)
            break;
        steps = chance_below(dice, steps);
        while (header_at(work, at, end, &out->header, &out->body) && steps-- > 0)
            at += out->header + out->body;
        out->at[out->depth++] = at;
        if ((work->bytes[at] & 0x20) == 0 || (out->depth > 2 && chance_below(dice, 6) == 0))
            break;
        end = at + out->header + out->body;
        at += out->header;
        if (at == end)
            break;
    }
    return out->depth > 0;
}

/* Add @change to the lengths of what the element is in, where their form has room for it. */
static void mend(sample *work, const place *where, long change)
{
    for (size_t i = 0; i + 1 < where->depth; i++) {
        unsigned char *length = work->bytes + where->at[i] + 1;
        const long value = (*length < 0x80    ? *length
                            : *length == 0x81 ? length[1]
                                              : length[1] << 8 | length[2]) +
                           change;

        if (*length < 0x80) {
            *length = (unsigned char)value;
        } else if (*length == 0x81) {
            length[1] = (unsigned char)value;
        } else {
            length[1] = (unsigned char)(value >> 8);
            length[2] = (unsigned char)value;
        }
    }
}

static void replace(sample *work, const place *where, size_t at, size_t old, const void *data,
                    size_t len)
{
    if (splice(work, at, old, data, len))
        mend(work, where, (long)len - (long)old);
}

/* Change an element as a whole; what it is in keeps its lengths right. */
static void edit_element(sample *work, chance *dice)
{
    static const unsigned char tags[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13,
                                          0x14, 0x16, 0x17, 0x18, 0x1c, 0x1e, 0x30, 0x31,
                                          0xa0, 0xa3, 0x24, 0x23, 0x80, 0x81, 0x1f, 0x00 };
    unsigned char longer[4];
    place where;
    size_t at;

    if (!pick(work, dice, &where))
        return;
    at = where.at[where.depth - 1];
    switch (chance_below(dice, 7)) {
    case 0:
        work->bytes[at] = tags[chance_below(dice, sizeof tags)];
        break;
    case 1: /* gone */
        replace(work, &where, at, where.header + where.body, "", 0);
        break;
    case 2: /* twice */
        replace(work, &where, at, 0, work->bytes + at, where.header + where.body);
        break;
    case 3: /* empty */
        replace(work, &where, at + 1, where.header - 1 + where.body, "\0", 1);
        break;
    case 4: /* a length that is longer than need be, as BER allows */
        longer[0] = 0x82;
        longer[1] = (unsigned char)(where.body >> 8);
        longer[2] = (unsigned char)where.body;
        replace(work, &where, at + 1, where.header - 1, longer, 3);
        break;
    case 5: /* of indefinite length */
        replace(work, &where, at + where.header + where.body, 0, "\0\0", 2);
        replace(work, &where, at + 1, where.header - 1, "\x80", 1);
        break;
    default: /* a byte more in front, as of a number that is longer than need be */
        if (where.body < 0x7f) {
            work->bytes[at + 1]++;
            replace(work, &where, at + where.header, 0, chance_below(dice, 2) ? "\0" : "\xff", 1);
        }
    }
}

static void edit_length(sample *work, chance *dice)
{
    static const unsigned char values[] = { 0, 1, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff };
    place where;
    size_t at;

    if (!pick(work, dice, &where))
        return;
    at = where.at[where.depth - 1] + where.header - 1;
    switch (chance_below(dice, 3)) {
    case 0:
        work->bytes[at]++;
        break;
    case 1:
        work->bytes[at]--;
        break;
    default:
        work->bytes[at] = values[chance_below(dice, sizeof values)];
    }
}

void mutate_der(sample *work, chance *dice)
{
    static const unsigned char values[] = { 0, 1, 0x7f, 0x80, 0xff, 0x30, 0x05 };
    const unsigned char any = (unsigned char)chance_below(dice, 256);

    for (uint32_t times = 1 + chance_below(dice, 8) / 6; times > 0; times--)
        switch (chance_below(dice, 12)) {
        case 0:
            work->len = somewhere(work, dice);
            break;
        case 1:
            if (work->len > 0)
                work->bytes[somewhere(work, dice)] = values[chance_below(dice, sizeof values)];
            break;
        case 2:
            if (work->len > 0)
                (void)splice(work, somewhere(work, dice), 1, "", 0);
            break;
        case 3:
            (void)splice(work, somewhere(work, dice), 0, &any, 1);
            break;
        case 4:
            (void)splice(work, work->len, 0, &any, 1);
            break;
        case 5:
        case 6:
            edit_length(work, dice);
            break;
        case 7:
        case 8:
        case 9:
            edit_element(work, dice);
            break;
        default:
            flip(work, dice);
        }
}

/* ---- PEM ---- */

/* Where a line begins, by chance. */
static size_t some_line(const sample *work, chance *dice)
{
    size_t at = somewhere(work, dice);

    while (at > 0 && work->bytes[at - 1] != '\n')
        at--;
    return at;
}

static size_t line_length(const sample *work, size_t at)
{
    const unsigned char *end = memchr(work->bytes + at, '\n', work->len - at);

    return end != NULL ? (size_t)(end - work->bytes) + 1 - at : work->len - at;
}

static void put_text(sample *work, size_t at, const char *text)
{
    (void)splice(work, at, 0, text, strlen(text));
}

static void insert_line(sample *work, chance *dice)
{
    static const char *const lines[] = {
        "\n",
        " \n",
        "\t\r\n",
        "garbage\n",
        "Key: value\n",
        "Key: value\n\n",
        "Proc-Type: 4,ENCRYPTED\n",
        "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n",
        "Proc-Type: 4,MIC-ONLY\n\n",
        "DEK-Info: DES-EDE3-CBC,0011223344556677\n",
        "-----\n",
        "-----BEGIN CERTIFICATE-----\n",
        "-----END CERTIFICATE-----\n",
        "-----BEGIN PRIVATE KEY-----\n",
        "-----END PRIVATE KEY-----\n",
        "----BEGIN CERTIFICATE-----\n",
        "Bag Attributes\n    localKeyID: 01 02\n",
        "subject=CN = example\n\n",
        "AAAA\n",
        "=\n",
    };

    put_text(work, some_line(work, dice), lines[chance_below(dice, sizeof lines / sizeof *lines)]);
}

/* In the first or a later place where it is found. */
static void exchange_text(sample *work, chance *dice, const char *from, const char *to)
{
    const size_t len = strlen(from);
    const size_t first = somewhere(work, dice);

    for (size_t i = 0; i < work->len; i++) {
        const size_t at = (first + i) % work->len;

        if (work->len - at >= len && memcmp(work->bytes + at, from, len) == 0) {
            (void)splice(work, at, len, to, strlen(to));
            return;
        }
    }
}

/* Another label, in both boundaries: what is inside then belies it. */
static void relabel(sample *work, chance *dice)
{
    static const char *const labels[] = {
        "PRIVATE KEY",     "RSA PRIVATE KEY",       "EC PRIVATE KEY",      "DSA PRIVATE KEY",
        "ANY PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PUBLIC KEY",          "RSA PUBLIC KEY",
        "CERTIFICATE",     "X509 CERTIFICATE",      "TRUSTED CERTIFICATE", "EC PARAMETERS",
    };
    const char *label = labels[chance_below(dice, sizeof labels / sizeof *labels)];
    static const char *const marks[] = { "-----BEGIN ", "-----END " };

    for (size_t i = 0; i < 2; i++) {
        const size_t mark = strlen(marks[i]);

        for (size_t at = 0; at + mark < work->len; at++) {
            const unsigned char *end;

            if (memcmp(work->bytes + at, marks[i], mark) != 0)
                continue;
            at += mark;
            end = memchr(work->bytes + at, '-', work->len - at);
            if (end != NULL)
                (void)splice(work, at, (size_t)(end - work->bytes) - at, label, strlen(label));
            break;
        }
    }
}

static void edit_words(sample *work, chance *dice)
{
    static const char *const pairs[][2] = {
        { "CERTIFICATE", "X509 CERTIFICATE" },
        { "CERTIFICATE", "TRUSTED CERTIFICATE" },
        { "CERTIFICATE", "CERTIFICATE REQUEST" },
        { "PRIVATE KEY", "ENCRYPTED PRIVATE KEY" },
        { "PRIVATE KEY", "RSA PRIVATE KEY" },
        { "RSA PRIVATE", "EC PRIVATE" },
        { "EC PRIVATE", "PRIVATE" },
        { "PUBLIC", "RSA PUBLIC" },
        { "-----END", "----END" },
        { "-----BEGIN", "------BEGIN" },
        { "-----\n", "----\n" },
        { "-----\n", "------\n" },
        { "-----\n", "----- \n" },
        { "-----BEGIN", " -----BEGIN" },
        { "-----BEGIN ", "-----begin " },
        { "BEGIN ", "BEGIN" },
        { "==\n", "=\n" },
        { "=\n", "\n" },
        { "=\n", "==\n" },
        { "=\n", "=A\n" },
        { "\n", "" },
        { "\n", "\r" },
        { "\n", "\r\n" },
        { "\n", " \n" },
        { "\n", "\n " },
        { "\n", "\n\n" },
    };
    const char *const *pair = pairs[chance_below(dice, sizeof pairs / sizeof *pairs)];

    exchange_text(work, dice, pair[0], pair[1]);
}

/* All line ends at once. */
static void edit_line_ends(sample *work, chance *dice)
{
    static const char *const ends[] = { "\r\n", "\r", " \n", "\n\n", "", "\t\n" };
    const char *end = ends[chance_below(dice, sizeof ends / sizeof *ends)];

    for (size_t at = 0; at < work->len; at++)
        if (work->bytes[at] == '\n') {
            if (!splice(work, at, 1, end, strlen(end)))
                return;
            at += strlen(end);
        }
}

/* The same base64 in lines of another length. */
static void rewrap(sample *work, chance *dice)
{
    static const unsigned widths[] = { 1,  4,   32,  60,  63,  65,  72,  76,
                                       80, 250, 253, 254, 255, 300, 1000 };
    const unsigned width = widths[chance_below(dice, sizeof widths / sizeof *widths)];
    static sample made;
    size_t column = 0;
    bool dashes = false;

    made.len = 0;
    for (size_t at = 0; at < work->len && made.len + 3 < SAMPLE_MAX; at++) {
        const unsigned char c = work->bytes[at];
        const bool starts = at == 0 || work->bytes[at - 1] == '\n';

        if (starts && c == '-' && column > 0)
            made.bytes[made.len++] = '\n';
        if (starts)
            dashes = c == '-';
        if (c == '\n' && !dashes)
            continue;
        made.bytes[made.len++] = c;
        column = dashes ? 0 : column + 1;
        if (column == width) {
            made.bytes[made.len++] = '\n';
            column = 0;
        }
    }
    *work = made;
}

static void edit_line(sample *work, chance *dice)
{
    const size_t at = some_line(work, dice), len = line_length(work, at);

    if (chance_below(dice, 2) == 0)
        (void)splice(work, at, len, "", 0);
    else
        (void)splice(work, at, 0, work->bytes + at, len);
}

void mutate_pem(sample *work, chance *dice)
{
    static const char odd[] = " \t\r\n\v\f\0-=:A\x80";

    for (uint32_t times = 1 + chance_below(dice, 8) / 6; times > 0; times--)
        switch (chance_below(dice, 13)) {
        case 0:
            work->len = somewhere(work, dice);
            break;
        case 12:
            relabel(work, dice);
            break;
        case 1:
        case 2:
            insert_line(work, dice);
            break;
        case 3:
        case 4:
            edit_words(work, dice);
            break;
        case 5:
            (void)splice(work, somewhere(work, dice), 0, odd + chance_below(dice, sizeof odd - 1),
                         1);
            break;
        case 6:
            edit_line(work, dice);
            break;
        case 7:
            edit_line_ends(work, dice);
            break;
        case 8:
            rewrap(work, dice);
            break;
        case 9:
            if (chance_below(dice, 4) == 0)
                put_text(work, 0, "\xEF\xBB\xBF");
            else
                (void)splice(work, work->len, 0, work->bytes, work->len);
            break;
        default:
            flip(work, dice);
        }
}
