/*
 * What the files of this layer, and the TLS layer above, know of each other.
 *
 * Functions that return a status have recorded the reason when it is not
 * PYOSSL_OK; so have those that return NULL where the comment says "recorded".
 */
#ifndef OSL_CRYPTO_H
#define OSL_CRYPTO_H

#include "../base/internal.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "pyossl/crl.h"
#include "pyossl/ext.h"
#include "pyossl/name.h"
#include "pyossl/oid.h"
#include "pyossl/pkcs12.h"
#include "pyossl/pkcs7.h"
#include "pyossl/pkey.h"
#include "pyossl/req.h"
#include "pyossl/spki.h"
#include "pyossl/store.h"
#include "pyossl/x509.h"

OSL_DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free)
OSL_DEFINE_AUTO(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
OSL_DEFINE_AUTO(EVP_MD_CTX, EVP_MD_CTX_free)
OSL_DEFINE_AUTO(X509, X509_free)
OSL_DEFINE_AUTO(X509_CRL, X509_CRL_free)
OSL_DEFINE_AUTO(X509_REQ, X509_REQ_free)
OSL_DEFINE_AUTO(X509_NAME, X509_NAME_free)
OSL_DEFINE_AUTO(X509_REVOKED, X509_REVOKED_free)
OSL_DEFINE_AUTO(X509_EXTENSION, X509_EXTENSION_free)
OSL_DEFINE_AUTO(X509_STORE, X509_STORE_free)
OSL_DEFINE_AUTO(X509_STORE_CTX, X509_STORE_CTX_free)
OSL_DEFINE_AUTO(ASN1_TIME, ASN1_TIME_free)
OSL_DEFINE_AUTO(ASN1_OBJECT, ASN1_OBJECT_free)
OSL_DEFINE_AUTO(ASN1_OCTET_STRING, ASN1_OCTET_STRING_free)
OSL_DEFINE_AUTO(ASN1_INTEGER, ASN1_INTEGER_free)
OSL_DEFINE_AUTO(BIGNUM, BN_free)
OSL_DEFINE_AUTO(PKCS7, PKCS7_free)
OSL_DEFINE_AUTO(PKCS12, PKCS12_free)
OSL_DEFINE_AUTO(NETSCAPE_SPKI, NETSCAPE_SPKI_free)
OSL_DEFINE_AUTO(pyossl_pkey, pyossl_pkey_unref)
OSL_DEFINE_AUTO(pyossl_x509, pyossl_x509_unref)
OSL_DEFINE_AUTO(pyossl_name, pyossl_name_unref)
OSL_DEFINE_AUTO(pyossl_ext, pyossl_ext_unref)

/* An owned pyossl_x509_list that is released on every way out. */
static inline void osl_auto_x509_list_clear(pyossl_x509_list *list)
{
    pyossl_x509_list_clear(list);
}
#define osl_auto_x509_list __attribute__((cleanup(osl_auto_x509_list_clear))) pyossl_x509_list

/* ---- base64.c: a full line of PEM ---- */

enum { OSL_BASE64_CHARS = 64, OSL_BASE64_BYTES = 48 };

/* Six bits each of what is being converted: whoever converts keys wipes it in the end. */
typedef struct osl_sextets {
    int8_t values[OSL_BASE64_CHARS];
} osl_sextets;

/* From 48 bytes to 64 characters. */
void osl_base64_encode(char *out, const unsigned char *in, osl_sextets *room);
/* From 64 characters to 48 bytes; false, and nothing written, where there are others among them. */
bool osl_base64_decode(unsigned char *out, const char *in, osl_sextets *room);

/* ---- codec.c: PEM and the outer layer of DER, read by ourselves ---- */

enum { OSL_PEM_LINE_MAX = 254 }; /* longer lines are read in pieces, as OpenSSL does */

/* One PEM block: what stands between BEGIN and END. */
typedef struct osl_pem {
    const char *label;   /* one of those asked for */
    pyossl_buf  der;     /* decoded, or still encrypted if dek is set; wiped by osl_pem_clear */
    char        dek[OSL_PEM_LINE_MAX + 1]; /* the value of DEK-Info ("AES-256-CBC,0123…"), or "" */
    size_t      end;     /* offset of the first byte behind the block */
} osl_pem;

/*
 * Find the first block in @data that has one of the NULL-terminated @labels.
 * PYOSSL_E_FORMAT ("no start line", "bad end line", "bad base64 decode") if there is none.
 */
pyossl_status osl_pem_find(const void *data, size_t len, const char *const *labels, osl_pem *out)
    PYOSSL_MUST_CHECK;
void osl_pem_clear(osl_pem *pem);
#define osl_auto_pem __attribute__((cleanup(osl_pem_clear))) osl_pem
#define OSL_PEM_INIT { NULL, PYOSSL_BUF_INIT, "", 0 }

/* Write a block of 64 columns. */
pyossl_status osl_pem_write(const char *label, const void *der, size_t len, pyossl_buf *out)
    PYOSSL_MUST_CHECK;

/*
 * The length of the SEQUENCE that @data begins with, its header included.
 * PYOSSL_E_FORMAT if that is not a definite-length SEQUENCE that fits in @len. The length may be
 * in a longer form than DER allows, as OpenSSL reads that.
 */
pyossl_status osl_der_sequence(const void *data, size_t len, size_t *total) PYOSSL_MUST_CHECK;

/* Bytes of DER, borrowed. */
typedef struct osl_der {
    const unsigned char *at;
    size_t               len;
} osl_der;

/* One element: its tag, what is in it, and the bytes with the header. */
typedef struct osl_tlv {
    unsigned tag;
    osl_der  body;
    osl_der  whole;
} osl_tlv;

enum {
    OSL_TAG_INTEGER = 0x02,
    OSL_TAG_BIT_STRING = 0x03,
    OSL_TAG_OCTET_STRING = 0x04,
    OSL_TAG_OID = 0x06,
    OSL_TAG_SEQUENCE = 0x30
};

/* Take the next element off @in. False at the end, and where that is not DER; nothing recorded. */
bool osl_der_next(osl_der *in, osl_tlv *out);

/*
 * The DER that @data holds in @format, whose PEM block has one of @labels. Bytes
 * behind the SEQUENCE are left out; one of indefinite length (BER) is handed on
 * as it is, for d2i functions to judge. Other formats: PYOSSL_E_ARGUMENT.
 */
pyossl_status osl_decode(pyossl_format format, const void *data, size_t len,
                         const char *const *labels, pyossl_buf *der) PYOSSL_MUST_CHECK;

/* DER as @format, PYOSSL_PEM with @label or PYOSSL_DER. Other formats: PYOSSL_E_ARGUMENT. */
pyossl_status osl_encode(pyossl_format format, const char *label, const void *der, size_t len,
                         pyossl_buf *out) PYOSSL_MUST_CHECK;

/* PYOSSL_E_ARGUMENT: "not a file type". */
pyossl_status osl_fail_format(pyossl_format format) PYOSSL_MUST_CHECK;
#define OSL_FORMATS "PYOSSL_PEM and PYOSSL_DER are, in Python FILETYPE_PEM and FILETYPE_ASN1"

/* Where @status tells of a failure with DER, say if @data is PEM; returns @status. */
pyossl_status osl_hint_pem(pyossl_status status, const void *data, size_t len) PYOSSL_MUST_CHECK;

/* ---- rounds.c ---- */

/* Add to *total; PYOSSL_E_FORMAT where that makes more than pyossl_kdf_rounds_limit(). NULL is one round. */
pyossl_status osl_rounds_add(int64_t *total, const ASN1_INTEGER *number) PYOSSL_MUST_CHECK;
/* The same for the rounds that an algorithm's parameters say; none where they say none. */
pyossl_status osl_rounds_of(int64_t *total, const X509_ALGOR *algorithm) PYOSSL_MUST_CHECK;

/* ---- passphrase.c ---- */

/* A passphrase in the open, wiped by osl_secret_clear. */
typedef struct osl_secret {
    char   bytes[PYOSSL_PASSPHRASE_MAX + 1]; /* a NUL behind the last */
    char  *large;   /* a longer one, of osl_secret_get_any(); else NULL */
    size_t len;
    bool   present; /* false: there is none */
} osl_secret;

/* The text, with a NUL behind it; "" where there is none. */
static inline const char *osl_secret_text(const osl_secret *secret)
{
    return secret->large != NULL ? secret->large : secret->bytes;
}

/* Ask. PYOSSL_E_CALLBACK if the callback stops it, PYOSSL_E_ARGUMENT if it is too long. */
pyossl_status osl_secret_get(osl_secret *out, const pyossl_passphrase *from, int confirm)
    PYOSSL_MUST_CHECK;
/* The same for what may be longer than PYOSSL_PASSPHRASE_MAX: use osl_secret_text(). */
pyossl_status osl_secret_get_any(osl_secret *out, const pyossl_passphrase *from, int confirm)
    PYOSSL_MUST_CHECK;
/* PYOSSL_E_PASSPHRASE with OpenSSL's queue, and whether there was one. */
pyossl_status osl_fail_passphrase(const osl_secret *secret) PYOSSL_MUST_CHECK;
void osl_secret_clear(osl_secret *secret);
#define osl_auto_secret __attribute__((cleanup(osl_secret_clear))) osl_secret

/* ---- digest.c: names to algorithms ---- */

/*
 * NULL and recorded if there is none of that name (PYOSSL_E_ARGUMENT), or none that this thread may
 * use (PYOSSL_E_UNSUPPORTED): return osl_recorded(). OpenSSL's own constants, never freed, for which it
 * looks an implementation up wherever they are used.
 */
const EVP_MD *osl_digest(const char *name);
/* Whether every release of OpenSSL reads @name as it stands, and not as another one that is like it. */
bool osl_may_be_name(const char *name);
const EVP_CIPHER *osl_cipher(const char *name);

/*
 * Load the legacy provider, once, for algorithms that the default one lacks.
 * False where it cannot be had, or PYOSSL_NO_LEGACY is set in the environment.
 */
bool osl_legacy_load(void);

/* Whether OpenSSL's queue says that an algorithm was not to be had ("unsupported"). */
bool osl_queue_says_unsupported(void);

/* ---- time.c: ASN.1 times (the grammar is in pyossl/x509.h) ---- */

/* PYOSSL_E_ARGUMENT for what is not a time. */
pyossl_status osl_time_parse(ASN1_TIME **out, const char *when, size_t len) PYOSSL_MUST_CHECK;
/* A time @seconds from now; UTCTime up to 2049, as RFC 5280 says. */
pyossl_status osl_time_from_now(ASN1_TIME **out, int64_t seconds) PYOSSL_MUST_CHECK;
/* As YYYYMMDDhhmmssZ, or verbatim where it is a GeneralizedTime. PYOSSL_E_NOT_FOUND if unset. */
pyossl_status osl_time_text(const ASN1_TIME *time, pyossl_buf *out) PYOSSL_MUST_CHECK;
/* Seconds since 1970, offset folded in. PYOSSL_E_NOT_FOUND if unset, PYOSSL_E_FORMAT if unreadable. */
pyossl_status osl_time_epoch(const ASN1_TIME *time, int64_t *out) PYOSSL_MUST_CHECK;

/* ---- integer.c: serial numbers ---- */

pyossl_status osl_integer_hex(const ASN1_INTEGER *number, pyossl_buf *hex) PYOSSL_MUST_CHECK;
/* Reads "-"? and hexadecimal digits to the end of @hex, or up to the first other byte if @lenient. */
pyossl_status osl_integer_parse(ASN1_INTEGER **out, const char *hex, bool lenient)
    PYOSSL_MUST_CHECK;

/* ---- pkey.c ---- */

struct pyossl_pkey {
    osl_object base;
    EVP_PKEY  *key;
    bool       is_private;
};

/* Takes @key over, also on failure. */
pyossl_status osl_pkey_wrap(pyossl_pkey **out, EVP_PKEY *key, bool is_private) PYOSSL_MUST_CHECK;

/* ---- pkey_generate.c, pkey_dsa.c ---- */

/* PYOSSL_E_OPENSSL for a modulus that takes hours: less than @min bits, or more than OpenSSL uses. */
pyossl_status osl_rsa_check_size(int bits, int min) PYOSSL_MUST_CHECK;
pyossl_status osl_dsa_generate(EVP_PKEY **out, int bits) PYOSSL_MUST_CHECK;

/* ---- decoder.c: kept decoder contexts ---- */

/* A public key from SubjectPublicKeyInfo DER. NULL and recorded. */
EVP_PKEY *osl_decode_pubkey(const unsigned char *der, size_t len);
/* A private key from PKCS #8 or traditional DER. NULL and recorded. */
EVP_PKEY *osl_decode_private(const unsigned char *der, size_t len);

/* ---- sign.c: what signing certificates, requests, lists and SPKACs share ---- */

/*
 * Check @pkey and find the digest: *md is NULL for keys that bring their own.
 * PYOSSL_E_STATE without a private half, PYOSSL_E_ARGUMENT without such a digest.
 */
pyossl_status osl_sign_prepare(const pyossl_pkey *pkey, const char *digest, const EVP_MD **md)
    PYOSSL_MUST_CHECK;
/* What an EVP-style verification result means: 1 OK, 0 PYOSSL_E_VERIFY, else PYOSSL_E_VERIFY too. */
pyossl_status osl_verify_result(int result) PYOSSL_MUST_CHECK;

/* ---- name.c ---- */

typedef enum osl_name_owner { OSL_OWN_NAME, OSL_SUBJECT_OF, OSL_ISSUER_OF, OSL_REQ_SUBJECT } osl_name_owner;

struct pyossl_name {
    osl_object     base;
    osl_name_owner owner_kind;
    X509_NAME     *own;        /* OSL_OWN_NAME */
    void          *owner;      /* pyossl_x509 or pyossl_req, referenced */
    unsigned       generation; /* of the owner's field when the view was made */
};

/* The OpenSSL name behind @name, borrowed. NULL and recorded (PYOSSL_E_STATE) for a stale view. */
const X509_NAME *osl_name_read(const pyossl_name *name);
/* A name that stands alone, copied from @from. */
pyossl_status osl_name_wrap_copy(pyossl_name **out, const X509_NAME *from) PYOSSL_MUST_CHECK;
/* A live view. */
pyossl_status osl_name_view(pyossl_name **out, osl_name_owner kind, void *owner,
                            unsigned generation) PYOSSL_MUST_CHECK;

pyossl_status osl_name_der(const X509_NAME *name, pyossl_buf *out) PYOSSL_MUST_CHECK;
pyossl_status osl_name_hash(const X509_NAME *name, unsigned long *out) PYOSSL_MUST_CHECK;

/* ---- ext.c ---- */

typedef struct osl_ext_table osl_ext_table;

struct pyossl_ext {
    osl_object      base;       /* unused in a table */
    X509_EXTENSION *ext;
    const char     *short_name; /* NULL where OpenSSL has none: a program may give it one */
    osl_ext_table  *table;      /* what it is part of, and lives as long as; NULL for none */
    _Atomic(GENERAL_NAMES *) names; /* once one was asked for, or NULL */
};

/*
 * OpenSSL hands out extensions as const from 4.0 on, and only from then on has getters that
 * take them so. None of them changes one.
 */
static inline X509_EXTENSION *osl_ext_readable(const X509_EXTENSION *ext)
{
    return (X509_EXTENSION *)ext;
}

/*
 * All extensions of a certificate, which will not change them. An extension does not change
 * either, so one view of it does for all who ask, and the table counts references to any.
 */
struct osl_ext_table {
    osl_object base;
    X509      *owner;
    size_t     count;
    pyossl_ext views[];
};

/* Of the extensions that @owner has now; takes a reference to it. */
pyossl_status osl_ext_table_new(osl_ext_table **out, X509 *owner) PYOSSL_MUST_CHECK;
void osl_ext_table_unref(osl_ext_table *table); /* NULL is allowed */

/* Copies @from. */
pyossl_status osl_ext_wrap_copy(pyossl_ext **out, const X509_EXTENSION *from) PYOSSL_MUST_CHECK;

/* The number of @object with dots, whether OpenSSL has a name for it or not. */
pyossl_status osl_object_dotted(const ASN1_OBJECT *object, pyossl_buf *out) PYOSSL_MUST_CHECK;

/* ---- x509.c ---- */

/* A digest of a whole certificate. */
typedef struct osl_fingerprint {
    const EVP_MD *md;
    unsigned      len;
    unsigned char bytes[EVP_MAX_MD_SIZE];
} osl_fingerprint;

/*
 * A certificate is read often and used as a whole seldom, and OpenSSL 3.0 takes
 * seven times longer to decode one with its key than without. So a loaded one
 * keeps its DER and a light parse (made in a library context without decoders)
 * for reading, and gets a full parse when something first needs one. Changing
 * it drops DER and light parse.
 */
struct pyossl_x509 {
    osl_object       base;
    pyossl_buf       der;                /* as loaded; empty for a new or changed certificate */
    OSSL_LIB_CTX    *home;               /* the library context it was loaded in, borrowed */
    X509            *light;              /* for reading; NULL for a new or changed certificate */
    _Atomic(X509 *)  full;               /* for use and for changes; made on first need */
    atomic_bool      shared;             /* full has been handed to OpenSSL: a change makes another */
    unsigned         subject_generation; /* counts replacements: live views compare */
    unsigned         issuer_generation;
    unsigned long    revision;           /* counts changes */
    _Atomic(int64_t) not_after;          /* kept for has_expired; OSL_EXPIRY_UNKNOWN */
    _Atomic(osl_fingerprint *) fingerprint; /* the first digest that was asked for, or NULL */
    _Atomic(pyossl_pkey *)     pkey;        /* the public key, once asked for, or NULL */
    _Atomic(osl_ext_table *)   exts;        /* once one was asked for, or NULL */
};

#define OSL_EXPIRY_UNKNOWN INT64_MIN

/* For reading: light or full, borrowed. Never NULL. */
X509 *osl_x509_read(const pyossl_x509 *cert);
/*
 * With its key, for OpenSSL to keep, borrowed. NULL and recorded. Safe from several threads.
 * What OpenSSL would compute when it first looks at the certificate is computed before.
 */
X509 *osl_x509_full(const pyossl_x509 *cert);
/* With its key, for one call that neither keeps nor changes it. NULL and recorded. */
X509 *osl_x509_lend(const pyossl_x509 *cert);
/* For changing: full and not shared, and DER and light parse forgotten. NULL and recorded. */
X509 *osl_x509_mutable(pyossl_x509 *cert);
/*
 * What a setter of OpenSSL's did to a mutable certificate, where 1 is success: OpenSSL is told
 * that the encoding it keeps is out of date.
 */
pyossl_status osl_x509_changed(X509 *x509, int result) PYOSSL_MUST_CHECK;
/* A copy, also of a certificate that cannot be encoded yet. NULL and recorded. */
X509 *osl_x509_clone(const X509 *from);
/* The DER, kept or else made in @room: borrowed. PYOSSL_E_STATE where parts are missing. */
pyossl_status osl_x509_der(const pyossl_x509 *cert, pyossl_buf *room, const unsigned char **der,
                           size_t *len) PYOSSL_MUST_CHECK;
/* Takes @x509 over, also on failure. */
pyossl_status osl_x509_wrap(pyossl_x509 **out, X509 *x509) PYOSSL_MUST_CHECK;
/*
 * The same for one that comes from TLS, and may be in the slim library context: it serves for
 * reading alone, and what is used is decoded anew from its DER, in the default one. A session
 * takes it from one connection to another, so that it is enough if there is a slim one.
 */
pyossl_status osl_x509_wrap_apart(pyossl_x509 **out, X509 *x509) PYOSSL_MUST_CHECK;
/*
 * The first certificate in a PEM block with one of the labels in @wanted. Where @end is not NULL,
 * it gets the offset of what comes behind the block.
 */
pyossl_status osl_x509_from_pem(pyossl_x509 **out, const void *data, size_t len,
                                const char *const *wanted, size_t *end) PYOSSL_MUST_CHECK;

/* ---- x509_list.c ---- */

/* As pyossl_x509_load_all(), for a chain that is sent: its first may be a TRUSTED CERTIFICATE. */
pyossl_status osl_x509_load_chain(pyossl_x509_list *out, const void *pem, size_t len)
    PYOSSL_MUST_CHECK;
/* Own references to the certificates of a stack, which may be NULL: then an empty list. */
pyossl_status osl_x509_wrap_stack(pyossl_x509_list *out, STACK_OF(X509) *stack) PYOSSL_MUST_CHECK;
pyossl_status osl_x509_wrap_stack_apart(pyossl_x509_list *out, STACK_OF(X509) *stack)
    PYOSSL_MUST_CHECK;
/* A stack of full certificates, with references of its own. NULL and recorded. */
STACK_OF(X509) *osl_x509_stack(pyossl_x509 *const *certs, size_t count);

/* ---- x509_fields.c ---- */

/* The key in @spki. PYOSSL_E_NOT_FOUND if none was set, PYOSSL_E_FORMAT if it is no key. */
pyossl_status osl_spki_key(pyossl_pkey **out, const X509_PUBKEY *spki) PYOSSL_MUST_CHECK;
/* OpenSSL could not encode what @spki is in: it was not set, or @otherwise, if that is not NULL. */
pyossl_status osl_fail_incomplete(pyossl_status status, const X509_PUBKEY *spki,
                                  const char *otherwise) PYOSSL_MUST_CHECK;

/* ---- req.c, crl.c, store.c, pkcs7.c, pkcs12.c, spki.c ---- */

typedef struct osl_req_exts osl_req_exts; /* what a request asks for, decoded: req.c */

struct pyossl_req {
    osl_object base;
    X509_REQ  *req;
    _Atomic(osl_req_exts *) exts; /* once one was asked for, or NULL */
    long       version; /* to be signed, where OpenSSL does not set it; 0 for none */
    unsigned   subject_generation;
};

/* As osl_x509_changed(). */
pyossl_status osl_req_changed(X509_REQ *req, int result) PYOSSL_MUST_CHECK;

struct pyossl_crl {
    osl_object base;
    X509_CRL  *crl;
};

struct pyossl_revoked {
    osl_object    base;
    X509_REVOKED *revoked;
};

/* Takes @revoked over, also on failure. */
pyossl_status osl_revoked_wrap(pyossl_revoked **out, X509_REVOKED *revoked) PYOSSL_MUST_CHECK;

struct pyossl_store {
    osl_object  base;
    X509_STORE *store;
};

/* Takes its own reference to @store. */
pyossl_status osl_store_wrap(pyossl_store **out, X509_STORE *store) PYOSSL_MUST_CHECK;
/* pyossl_store_load_locations() on a bare store; directories are added once. */
pyossl_status osl_store_load(X509_STORE *store, const char *file, const char *dir)
    PYOSSL_MUST_CHECK;

/*
 * What a store holds, to be looked at until it is closed again: its own list, locked, or a copy where
 * OpenSSL hands out such. NULL without memory.
 */
STACK_OF(X509_OBJECT) *osl_store_open(X509_STORE *store);
void osl_store_close(X509_STORE *store, STACK_OF(X509_OBJECT) *objects);
/* A store with our lookups, which keeps account of what it is given. */
pyossl_status osl_store_make(X509_STORE **out) PYOSSL_MUST_CHECK;
/* Its certificates, with references of the caller's. NULL without memory. */
STACK_OF(X509) *osl_store_get1_certs(X509_STORE *store);
/* For PEM_read_bio_*(): nobody is asked. */
int osl_no_passphrase(char *buf, int size, int confirm, void *userdata);

/* ---- trust.c: what a store was given, by content ---- */

enum { OSL_TRUST_DIGEST = 32 }; /* SHA-256 */

/* Have @store, which is attached and nobody else's yet, keep account of what it is given. */
pyossl_status osl_trust_attach(X509_STORE *store) PYOSSL_MUST_CHECK;

X509_STORE *osl_trust_begin(X509_STORE *store);
void osl_trust_end(X509_STORE *const *store);
/* From here to the end of the block @store is changed; there is no digest of it meanwhile. */
#define OSL_TRUST_CHANGES(store)                                                                   \
    __attribute__((cleanup(osl_trust_end), unused)) X509_STORE *const osl_trust_ =                 \
        osl_trust_begin(store)

/* What it was given; only while it changes. False without memory. */
bool osl_trust_cert(X509_STORE *store, X509 *cert) PYOSSL_MUST_CHECK;
bool osl_trust_crl(X509_STORE *store, X509_CRL *crl) PYOSSL_MUST_CHECK;
/* Anything else that counts, as text: a @kind, of which there may be only one, and a @value. */
bool osl_trust_word(X509_STORE *store, const char *kind, const char *value, bool alone)
    PYOSSL_MUST_CHECK;

/*
 * What @store asks of a chain, to be changed until it is closed again; only while the store
 * changes, and with nothing else done between. NULL where it cannot be locked.
 */
X509_VERIFY_PARAM *osl_trust_open(X509_STORE *store) PYOSSL_MUST_CHECK;
void osl_trust_close(X509_STORE *store);
/* Have it ask for a purpose. False with OpenSSL's queue telling why. */
bool osl_trust_purpose(X509_STORE *store, const X509_PURPOSE *purpose) PYOSSL_MUST_CHECK;
/* X509_V_FLAG_* that it asks for, by its own parameters too. */
unsigned long osl_trust_flags(const X509_STORE *store);
/*
 * Give @store_ctx, which has been set up and judges next, what its store asks. What is set in
 * @own, the parameters of the SSL, counts for more; it may be NULL. False without memory.
 */
bool osl_trust_ask(X509_STORE_CTX *store_ctx, const X509_VERIFY_PARAM *own) PYOSSL_MUST_CHECK;

/*
 * What @store trusts and asks, in OSL_TRUST_DIGEST bytes: the same in every process that has
 * given one the same. @md is SHA-256. False without memory, and while the store changes.
 */
bool osl_trust_digest(X509_STORE *store, const EVP_MD *md, unsigned char *out,
                      unsigned long *version) PYOSSL_MUST_CHECK;
/* Whether no change has begun since osl_trust_digest() gave that @version. */
bool osl_trust_is(const X509_STORE *store, unsigned long version);

/* ---- text_bio.c ---- */

/* Lines of @text, borrowed, as OpenSSL gets them from a file. NULL without memory. */
BIO *osl_text_bio(const void *text, size_t len);

struct pyossl_pkcs7 {
    osl_object base;
    PKCS7     *message;
};

/* A handle for a message that shares nothing with @made. */
pyossl_status osl_pkcs7_settle(pyossl_pkcs7 **out, const PKCS7 *made) PYOSSL_MUST_CHECK;

struct pyossl_pkcs12 {
    osl_object       base;
    pyossl_pkey     *pkey;
    pyossl_x509     *cert;
    pyossl_x509_list cas;
    char            *friendly_name;
    size_t           friendly_name_len;
};

struct pyossl_spki {
    osl_object     base;
    NETSCAPE_SPKI *spki;
};

#endif
