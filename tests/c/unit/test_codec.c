#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/asn1err.h>
#include <openssl/pem.h>

#include "crypto/crypto.h"
#include "oom.h"

static const char *const thing[] = { "THING", "OLD THING", NULL };

/* A SEQUENCE of 0x30 bytes, 50 in all: more than a line. */
static const unsigned char sequence[50] = { 0x30, 0x30, 0x04, 0x2e, 1, 2, 3, 0xfb, 0xff, 0xfe };

static pyossl_status find(const char *text, size_t len, osl_pem *pem)
{
    OSL_API_ENTER;
    return osl_pem_find(text, len, thing, pem);
}

/* ---- PEM: what is read ---- */

#define BLOCK "-----BEGIN THING-----\nMAMCAQU=\n-----END THING-----\n"
#define OTHER "-----BEGIN OTHER-----\nMAMCAQY=\n-----END OTHER-----\n"

static const unsigned char five[] = { 0x30, 3, 2, 1, 5 };

static const struct {
    const char *name;
    const char *text;
} readable[] = {
    { "plain", BLOCK },
    { "no newline at the end", "-----BEGIN THING-----\nMAMCAQU=\n-----END THING-----" },
    { "CRLF", "-----BEGIN THING-----\r\nMAMCAQU=\r\n-----END THING-----\r\n" },
    { "blanks behind lines", "-----BEGIN THING----- \t\nMAMCAQU= \n-----END THING-----\t\n" },
    { "BOM", "\xEF\xBB\xBF" BLOCK },
    { "text before", "subject=CN = somebody\n-----\n----- BEGIN\n" BLOCK },
    { "text behind", BLOCK "anything -----BEGIN THING-----\n" },
    { "broken block behind", BLOCK "-----BEGIN THING-----\n!!!" },
    { "another kind before", OTHER BLOCK },
    { "two of them", BLOCK "-----BEGIN THING-----\nMAMCAQc=\n-----END THING-----\n" },
    { "second label", "-----BEGIN OLD THING-----\nMAMCAQU=\n-----END OLD THING-----\n" },
    { "one character a line",
      "-----BEGIN THING-----\nM\nA\nM\nC\nA\nQ\nU\n=\n-----END THING-----\n" },
    { "blanks inside", "-----BEGIN THING-----\n MAMC\t AQU= \n-----END THING-----\n" },
    { "an empty line first", "-----BEGIN THING-----\n\nMAMCAQU=\n-----END THING-----\n" },
};

static void test_na_134_reads_what_people_have(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(readable); i++) {
        osl_pem pem = OSL_PEM_INIT;
        pyossl_status status = find(readable[i].text, strlen(readable[i].text), &pem);

        if (status != PYOSSL_OK || pem.der.len != 5 || memcmp(pem.der.data, five, 5) != 0)
            fail_msg("%s: %s", readable[i].name, pyossl_status_name(status));
        assert_int_equal(pem.der.data[5], 0);
        assert_string_equal(pem.dek, "");
        osl_pem_clear(&pem);
    }
}

static void test_na_134_blocks_one_after_the_other(void **state)
{
    static const char text[] = OTHER BLOCK "text\n" OTHER "-----BEGIN OLD THING-----\n"
                                           "MAMCAQc=\n-----END OLD THING-----\nrest";
    osl_pem pem = OSL_PEM_INIT;
    size_t at = 0;

    (void)state;
    assert_ok(find(text, sizeof text - 1, &pem));
    assert_string_equal(pem.label, "THING");
    assert_int_equal(pem.end, strlen(OTHER BLOCK));
    at = pem.end;
    assert_ok(find(text + at, sizeof text - 1 - at, &pem));
    assert_string_equal(pem.label, "OLD THING");
    assert_int_equal(pem.der.data[4], 7);
    at += pem.end;
    assert_string_equal(text + at, "rest");
    assert_fails(find(text + at, sizeof text - 1 - at, &pem), PYOSSL_E_FORMAT);
    assert_int_equal(pem.der.data[4], 7); /* untouched */
    osl_pem_clear(&pem);
}

static void test_all_lengths_and_widths_against_openssl(void **state)
{
    static const int widths[] = { 1, 3, 4, 60, 63, 64, 65, 76, 200 };
    unsigned char bytes[200];
    char base64[300], text[1200];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 37 + 11);
    for (int len = 1; len <= (int)sizeof bytes; len++) {
        const int chars = EVP_EncodeBlock((unsigned char *)base64, bytes, len);

        for (size_t w = 0; w < OSL_COUNT_OF(widths); w++) {
            osl_pem pem = OSL_PEM_INIT;
            char *at = text + sprintf(text, "-----BEGIN THING-----\n");

            for (int from = 0; from < chars; from += widths[w])
                at += sprintf(at, "%.*s\n", widths[w], base64 + from);
            at += sprintf(at, "-----END THING-----\n");
            assert_ok(find(text, (size_t)(at - text), &pem));
            assert_int_equal(pem.der.len, len);
            assert_memory_equal(pem.der.data, bytes, (size_t)len);
            osl_pem_clear(&pem);
        }
    }
}

/* ---- PEM: what is not ---- */

static const struct {
    const char *name;
    const char *text;
    int reason;
} unreadable[] = {
    { "nothing", "", PEM_R_NO_START_LINE },
    { "text", "hello\nworld\n", PEM_R_NO_START_LINE },
    { "another kind only", OTHER, PEM_R_NO_START_LINE },
    { "label with more", "-----BEGIN THINGS-----\nMAMCAQU=\n-----END THINGS-----\n",
      PEM_R_NO_START_LINE },
    { "label with less", "-----BEGIN THIN-----\nMAMCAQU=\n-----END THIN-----\n",
      PEM_R_NO_START_LINE },
    { "no label", "-----BEGIN -----\nMAMCAQU=\n-----END -----\n", PEM_R_NO_START_LINE },
    { "dashes that overlap", "-----BEGIN ----\nMAMCAQU=\n", PEM_R_NO_START_LINE },
    { "indented", " -----BEGIN THING-----\nMAMCAQU=\n-----END THING-----\n", PEM_R_NO_START_LINE },
    { "all on one line", "-----BEGIN THING-----MAMCAQU=-----END THING-----\n", PEM_R_BAD_END_LINE },
    { "cut behind BEGIN", "-----BEGIN THING-----", PEM_R_BAD_END_LINE },
    { "cut before END", "-----BEGIN THING-----\nMAMCAQU=\n", PEM_R_BAD_END_LINE },
    { "cut in END", "-----BEGIN THING-----\nMAMCAQU=\n-----END THING----", PEM_R_BAD_END_LINE },
    { "END of another", "-----BEGIN THING-----\nMAMCAQU=\n-----END OTHER-----\n",
      PEM_R_BAD_END_LINE },
    { "BEGIN before END", "-----BEGIN THING-----\nMAMCAQU=\n" BLOCK, PEM_R_BAD_END_LINE },
    { "another kind, cut", "-----BEGIN OTHER-----\nMAMCAQU=\n" BLOCK, PEM_R_BAD_END_LINE },
    { "NA-135: no payload", "-----BEGIN THING-----\n-----END THING-----\n",
      PEM_R_BAD_BASE64_DECODE },
    { "NA-135: padding only", "-----BEGIN THING-----\n====\n-----END THING-----\n",
      PEM_R_BAD_BASE64_DECODE },
    { "NA-135: blank lines only", "-----BEGIN THING-----\n\n \n-----END THING-----\n",
      PEM_R_BAD_END_LINE },
    { "an empty line inside", "-----BEGIN THING-----\nMAMC\n\nAQU=\n-----END THING-----\n",
      PEM_R_NOT_PROC_TYPE },
    { "an empty line last", "-----BEGIN THING-----\n\nMAMCAQU=\n\n-----END THING-----\n",
      PEM_R_BAD_END_LINE },
    { "a short line behind an empty one",
      "-----BEGIN THING-----\n\nMAMC\nAQU=\n-----END THING-----\n", PEM_R_BAD_END_LINE },
    { "another kind, not base64", "-----BEGIN OTHER-----\n!\n-----END OTHER-----\n" BLOCK,
      PEM_R_BAD_BASE64_DECODE },
    { "a header before DEK-Info",
      "-----BEGIN THING-----\nProc-Type: 4,ENCRYPTED\nX: y\nDEK-Info: A,00\n\nMAMCAQU=\n"
      "-----END THING-----\n",
      PEM_R_NOT_DEK_INFO },
    { "encrypted, and more",
      "-----BEGIN THING-----\nProc-Type: 4,ENCRYPTED x\nDEK-Info: A,00\n\nMAMCAQU=\n"
      "-----END THING-----\n",
      PEM_R_SHORT_HEADER },
    { "no algorithm",
      "-----BEGIN THING-----\nProc-Type: 4,ENCRYPTED\nDEK-Info:\n\nMAMCAQU=\n"
      "-----END THING-----\n",
      PEM_R_UNSUPPORTED_ENCRYPTION },
    { "padding missing", "-----BEGIN THING-----\nMAMCAQU\n-----END THING-----\n",
      PEM_R_BAD_BASE64_DECODE },
    { "too much padding", "-----BEGIN THING-----\nMAMCA===\n-----END THING-----\n",
      PEM_R_BAD_BASE64_DECODE },
    { "padding inside", "-----BEGIN THING-----\nMAM=AQU=\n-----END THING-----\n",
      PEM_R_BAD_BASE64_DECODE },
    { "characters behind padding", "-----BEGIN THING-----\nMAMCAQU=MAMC\n-----END THING-----\n",
      PEM_R_BAD_BASE64_DECODE },
    { "URL alphabet", "-----BEGIN THING-----\nMAMCAQ_=\n-----END THING-----\n",
      PEM_R_BAD_BASE64_DECODE },
    { "dash", "-----BEGIN THING-----\nMAM-AQU=\n-----END THING-----\n", PEM_R_BAD_BASE64_DECODE },
    { "not ASCII", "-----BEGIN THING-----\nMAM\xc3\xa4QU=\n-----END THING-----\n",
      PEM_R_BAD_BASE64_DECODE },
    { "a comment", "-----BEGIN THING-----\nComment: x\n\nMAMCAQU=\n-----END THING-----\n",
      PEM_R_NOT_PROC_TYPE },
    { "MIC only", "-----BEGIN THING-----\nProc-Type: 4,MIC-ONLY\n\nMAMCAQU=\n-----END THING-----\n",
      PEM_R_NOT_ENCRYPTED },
    { "no DEK-Info",
      "-----BEGIN THING-----\nProc-Type: 4,ENCRYPTED\n\nMAMCAQU=\n-----END THING-----\n",
      PEM_R_NOT_DEK_INFO },
    { "DEK-Info alone",
      "-----BEGIN THING-----\nDEK-Info: AES-128-CBC,00\n\nMAMCAQU=\n-----END THING-----\n",
      PEM_R_NOT_PROC_TYPE },
    { "no end of the headers",
      "-----BEGIN THING-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: A,00\nMAMCAQU=\n"
      "-----END THING-----\n",
      PEM_R_BAD_BASE64_DECODE },
};

/* Each byte at each place of a line: characters of base64 go there and back, others are refused. */
static void test_every_byte_at_every_place(void **state)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char line[OSL_BASE64_CHARS], back[OSL_BASE64_CHARS];
    unsigned char bytes[OSL_BASE64_BYTES], same[OSL_BASE64_BYTES + 3];
    osl_sextets room;

    (void)state;
    for (int place = 0; place < OSL_BASE64_CHARS; place++)
        for (int byte = 0; byte < 256; byte++) {
            const bool good = byte != 0 && strchr(alphabet, byte) != NULL;

            for (int i = 0; i < OSL_BASE64_CHARS; i++)
                line[i] = alphabet[(i * 7 + place) % 64];
            line[place] = (char)byte;
            assert_int_equal(osl_base64_decode(bytes, line, &room), good);
            if (!good)
                continue;
            assert_int_equal(EVP_DecodeBlock(same, (unsigned char *)line, sizeof line),
                             OSL_BASE64_BYTES);
            assert_memory_equal(bytes, same, sizeof bytes);
            osl_base64_encode(back, bytes, &room);
            assert_memory_equal(back, line, sizeof line);
        }
}

static void test_refuses_the_rest_in_openssl_s_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(unreadable); i++) {
        osl_pem pem = { "untouched", { NULL, 7 }, "dek", 3 };
        const pyossl_error_entry *entry;

        print_message("# %s\n", unreadable[i].name);
        assert_fails(find(unreadable[i].text, strlen(unreadable[i].text), &pem), PYOSSL_E_FORMAT);
        entry = pyossl_error_entry_at(pyossl_error_last(), 0);
        assert_string_equal(entry->library, "PEM routines");
        assert_string_equal(
            entry->reason, ERR_reason_error_string(ERR_PACK(ERR_LIB_PEM, 0, unreadable[i].reason)));
        assert_string_equal(pem.label, "untouched");
        assert_int_equal(pem.der.len, 7);
    }
}

static void test_nul_bytes_are_bytes(void **state)
{
    static const char before[] = "\0text\0\n" BLOCK,
                      inside[] = "-----BEGIN THING-----\nMAM\0AQU=\n"
                                 "-----END THING-----\n",
                      label[] = "-----BEGIN THING\0-----\nMAMCAQU=\n-----END THING\0-----\n";
    osl_pem pem = OSL_PEM_INIT;

    (void)state;
    assert_ok(find(before, sizeof before - 1, &pem));
    assert_fails(find(inside, sizeof inside - 1, &pem), PYOSSL_E_FORMAT);
    assert_fails(find(label, sizeof label - 1, &pem), PYOSSL_E_FORMAT);
    assert_string_equal(test_reason(), "no start line");
    assert_fails(find(NULL, 0, &pem), PYOSSL_E_FORMAT);
    osl_pem_clear(&pem);
}

/* Each prefix and each changed byte: reading outside would be seen by the sanitizer. */
static void test_every_prefix_and_every_changed_byte(void **state)
{
    static const char text[] =
        "\xEF\xBB\xBFx\n" OTHER
        "-----BEGIN THING-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0011\n\nMAMCAQU=\n"
        "-----END THING-----\n";
    const size_t len = sizeof text - 1;

    (void)state;
    for (size_t cut = 0; cut <= len; cut++) {
        char *exact =
            malloc(cut + 1); /* no byte more, so that the sanitizer sees one read too far */
        char *copy = realloc(exact, cut > 0 ? cut : 1);
        osl_pem pem = OSL_PEM_INIT;
        pyossl_status status;

        assert_non_null(copy);
        memcpy(copy, text, cut);
        status = find(copy, cut, &pem);
        assert_int_equal(status, cut >= len - 1 ? PYOSSL_OK : PYOSSL_E_FORMAT);
        osl_pem_clear(&pem);
        for (size_t i = 0; i < cut && cut == len; i++) {
            copy[i] = (char)(copy[i] ^ 0x15);
            status = find(copy, cut, &pem);
            assert_true(status == PYOSSL_OK || status == PYOSSL_E_FORMAT);
            osl_pem_clear(&pem);
            copy[i] = text[i];
        }
        free(copy);
    }
}

static void test_reads_encryption_headers(void **state)
{
    static const char text[] = "-----BEGIN THING-----\r\nProc-Type: 4, ENCRYPTED\r\n"
                               "DEK-Info:  AES-256-CBC,00FF\r\nX-Other: ignored\r\n\r\n"
                               "MAMCAQU=\r\n-----END THING-----\r\n";
    static const char *const labels[] = { "THING", NULL };
    osl_pem pem = OSL_PEM_INIT;
    pyossl_buf der = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(find(text, sizeof text - 1, &pem));
    assert_string_equal(pem.dek, "AES-256-CBC,00FF");
    assert_int_equal(pem.der.len, 5);
    osl_pem_clear(&pem);
    /* Only keys are encrypted in this way. */
    assert_fails(osl_decode(PYOSSL_PEM, text, sizeof text - 1, labels, &der), PYOSSL_E_FORMAT);
    assert_string_equal(test_reason(), "unsupported encryption");
}

/* A line of any length: the value is what fits into the first piece of it. */
static void test_a_long_dek_info(void **state)
{
    char text[600];
    osl_pem pem = OSL_PEM_INIT;
    const int len = sprintf(text,
                            "-----BEGIN THING-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: %0400d\n\n"
                            "MAMCAQU=\n-----END THING-----\n",
                            0);

    (void)state;
    assert_ok(find(text, (size_t)len, &pem));
    assert_int_equal(strlen(pem.dek), OSL_PEM_LINE_MAX - strlen("DEK-Info: "));
    osl_pem_clear(&pem);
}

/* ---- PEM: writing ---- */

/* Two encoders: one for what may be secret, one for what is public. */
static void test_writes_what_openssl_writes(void **state)
{
    static const char *const labels[] = { "SOME THING", "PRIVATE KEY", "CERTIFICATE", "X509 CRL" };
    unsigned char bytes[300];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 101 + 7);
    for (size_t i = 0; i < OSL_COUNT_OF(labels) * sizeof bytes; i++) {
        const size_t len = i / OSL_COUNT_OF(labels) + 1;
        const char *label = labels[i % OSL_COUNT_OF(labels)];
        osl_auto(BIO) *bio = BIO_new(BIO_s_mem());
        pyossl_buf out = PYOSSL_BUF_INIT;
        char *expected;
        long expected_len;

        assert_true(PEM_write_bio(bio, label, "", bytes, (long)len) > 0);
        expected_len = BIO_get_mem_data(bio, &expected);
        assert_ok(osl_pem_write(label, bytes, len, &out));
        assert_int_equal(out.len, expected_len);
        assert_memory_equal(out.data, expected, out.len);
        assert_int_equal(out.data[out.len], 0);
        pyossl_buf_clear(&out);
    }
}

static void test_na_032_refuses_more_than_openssl_can_count(void **state)
{
    pyossl_buf out = PYOSSL_BUF_INIT;

    (void)state;
    assert_fails(osl_pem_write("THING", sequence, (size_t)1 << 32, &out), PYOSSL_E_ARGUMENT);
    assert_null(out.data);
}

/* ---- DER ---- */

static const struct {
    const char *name;
    const char *bytes;
    size_t len;
    int reason; /* 0: good */
    size_t total;
} ders[] = {
    { "empty sequence", "\x30\x00", 2, 0, 2 },
    { "short", "\x30\x03\x02\x01\x05", 5, 0, 5 },
    { "bytes behind", "\x30\x00\x30\x00", 4, 0, 2 },
    { "nothing", "", 0, ASN1_R_NOT_ENOUGH_DATA, 0 },
    { "tag only", "\x30", 1, ASN1_R_NOT_ENOUGH_DATA, 0 },
    { "SET", "\x31\x00", 2, ASN1_R_WRONG_TAG, 0 },
    { "text", "hello", 5, ASN1_R_WRONG_TAG, 0 },
    { "one byte short", "\x30\x03\x02\x01", 4, ASN1_R_TOO_LONG, 0 },
    { "indefinite", "\x30\x80\x00\x00", 4, ASN1_R_BAD_OBJECT_HEADER, 0 },
    { "length cut", "\x30\x82\x01", 3, ASN1_R_HEADER_TOO_LONG, 0 },
    { "long form of a short length", "\x30\x81\x03\x02\x01\x05", 6, 0, 6 },
    { "leading zero", "\x30\x82\x00\x03\x02\x01\x05", 7, 0, 7 },
    { "leading zero, too long", "\x30\x82\x00\x80\x02", 5, ASN1_R_TOO_LONG, 0 },
    { "four bytes of length", "\x30\x84\xff\xff\xff\xff", 6, ASN1_R_TOO_LONG, 0 },
    { "five", "\x30\x85\x01\x00\x00\x00\x00", 7, ASN1_R_BAD_OBJECT_HEADER, 0 },
    { "reserved length", "\x30\xff\x00", 3, ASN1_R_BAD_OBJECT_HEADER, 0 },
};

static void test_sequence(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(ders); i++) {
        unsigned char *copy = malloc(ders[i].len > 0 ? ders[i].len : 1);
        size_t total = 99;

        print_message("# %s\n", ders[i].name);
        memcpy(copy, ders[i].bytes, ders[i].len);
        if (ders[i].reason == 0) {
            assert_ok(osl_der_sequence(copy, ders[i].len, &total));
            assert_int_equal(total, ders[i].total);
        } else {
            const pyossl_error_entry *entry;

            assert_fails(osl_der_sequence(copy, ders[i].len, &total), PYOSSL_E_FORMAT);
            entry = pyossl_error_entry_at(pyossl_error_last(), 0);
            assert_string_equal(entry->library, "asn1 encoding routines");
            assert_string_equal(entry->reason,
                                ERR_reason_error_string(ERR_PACK(ERR_LIB_ASN1, 0, ders[i].reason)));
            assert_int_equal(total, 99);
        }
        free(copy);
    }
}

static void test_sequence_of_every_header_length(void **state)
{
    static const size_t lens[] = { 0, 1, 127, 128, 255, 256, 65535, 65536 };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(lens); i++) {
        unsigned char *der = calloc(1, lens[i] + 8), *at = der;
        size_t total = 0;

        ASN1_put_object(&at, 1, (int)lens[i], V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
        assert_ok(osl_der_sequence(der, (size_t)(at - der) + lens[i], &total));
        assert_int_equal(total, (size_t)(at - der) + lens[i]);
        assert_fails(osl_der_sequence(der, (size_t)(at - der) + lens[i] - 1, &total),
                     PYOSSL_E_FORMAT);
        free(der);
    }
}

static void test_walks_elements(void **state)
{
    static const unsigned char bytes[] = { 0x02, 1, 5, 0x04, 2, 'h', 'i', 0x30, 0, 0x1f, 0x80, 0 };
    osl_der in = { bytes, sizeof bytes };
    osl_tlv element;

    (void)state;
    assert_true(osl_der_next(&in, &element));
    assert_int_equal(element.tag, OSL_TAG_INTEGER);
    assert_int_equal(element.body.at[0], 5);
    assert_true(osl_der_next(&in, &element));
    assert_int_equal(element.tag, OSL_TAG_OCTET_STRING);
    assert_memory_equal(element.body.at, "hi", 2);
    assert_ptr_equal(element.whole.at, bytes + 3);
    assert_int_equal(element.whole.len, 4);
    assert_true(osl_der_next(&in, &element));
    assert_int_equal(element.body.len, 0);
    assert_false(osl_der_next(&in, &element)); /* a tag of several bytes */
    assert_int_equal(element.tag, OSL_TAG_SEQUENCE);
    in.len = 0;
    assert_false(osl_der_next(&in, &element));
}

/* ---- either ---- */

static void test_decode_and_encode(void **state)
{
    pyossl_buf der = PYOSSL_BUF_INIT, out = PYOSSL_BUF_INIT;
    unsigned char longer[sizeof sequence + 1];

    (void)state;
    memcpy(longer, sequence, sizeof sequence);
    longer[sizeof sequence] = 0xff;
    assert_ok(osl_decode(PYOSSL_DER, longer, sizeof longer, thing, &der));
    assert_int_equal(der.len, sizeof sequence);
    assert_int_equal(der.data[der.len], 0);
    assert_ok(osl_encode(PYOSSL_PEM, "THING", longer, sizeof longer, &out));
    assert_ok(osl_decode(PYOSSL_PEM, out.data, out.len, thing, &der));
    assert_int_equal(der.len, sizeof sequence);
    assert_memory_equal(der.data, sequence, sizeof sequence);
    assert_int_equal(der.data[der.len], 0);
    assert_ok(osl_encode(PYOSSL_DER, "THING", sequence, sizeof sequence, &out));
    assert_memory_equal(out.data, sequence, sizeof sequence);
    assert_ok(
        osl_decode(PYOSSL_DER, "\x30\x80\x00\x00", 4, thing, &der)); /* BER: not ours to read */
    assert_int_equal(der.len, 4);
    assert_fails(osl_decode(PYOSSL_DER, "", 0, thing, &der), PYOSSL_E_FORMAT);
    assert_fails(osl_decode(PYOSSL_DER, NULL, 0, thing, &der), PYOSSL_E_FORMAT);
    assert_fails(osl_decode(PYOSSL_PEM, sequence, sizeof sequence, thing, &der), PYOSSL_E_FORMAT);
    assert_int_equal(der.len, 4);
    pyossl_buf_clear(&der);
    pyossl_buf_clear(&out);
}

static void test_na_142_other_formats(void **state)
{
    static const int formats[] = { 0, -1, 3, PYOSSL_TEXT, 65534, 1 << 30 };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(formats); i++) {
        const pyossl_format format = (pyossl_format)formats[i];
        pyossl_buf out = PYOSSL_BUF_INIT;

        assert_fails(osl_decode(format, BLOCK, strlen(BLOCK), thing, &out), PYOSSL_E_ARGUMENT);
        assert_fails(osl_encode(format, "THING", sequence, sizeof sequence, &out),
                     PYOSSL_E_ARGUMENT);
        assert_null(out.data);
    }
}

static pyossl_status read_and_write(void *arg)
{
    OSL_API_ENTER;
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_buf der = PYOSSL_BUF_INIT;
    pyossl_status status = osl_pem_write("THING", sequence, sizeof sequence, &out);

    (void)arg;
    if (status == PYOSSL_OK)
        status = osl_decode(PYOSSL_PEM, out.data, out.len, thing, &der);
    else
        oom_check(out.data == NULL);
    oom_check(status == PYOSSL_OK ? der.len == sizeof sequence : der.data == NULL);
    pyossl_buf_clear(&out);
    pyossl_buf_clear(&der);
    return status;
}

static void test_out_of_memory(void **state)
{
    const oom_scenario scenario = { .name = "codec", .run = read_and_write };

    (void)state;
    assert_int_equal(oom_sweep(&scenario), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_134_reads_what_people_have),
        cmocka_unit_test(test_na_134_blocks_one_after_the_other),
        cmocka_unit_test(test_all_lengths_and_widths_against_openssl),
        cmocka_unit_test(test_every_byte_at_every_place),
        cmocka_unit_test(test_refuses_the_rest_in_openssl_s_words),
        cmocka_unit_test(test_nul_bytes_are_bytes),
        cmocka_unit_test(test_every_prefix_and_every_changed_byte),
        cmocka_unit_test(test_reads_encryption_headers),
        cmocka_unit_test(test_a_long_dek_info),
        cmocka_unit_test(test_writes_what_openssl_writes),
        cmocka_unit_test(test_na_032_refuses_more_than_openssl_can_count),
        cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_sequence_of_every_header_length),
        cmocka_unit_test(test_walks_elements),
        cmocka_unit_test(test_decode_and_encode),
        cmocka_unit_test(test_na_142_other_formats),
        cmocka_unit_test(test_out_of_memory),
    };

    oom_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
