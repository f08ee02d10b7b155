/**
 * @file pyossl/pkey.h
 * Keys: RSA, DSA, EC, Ed25519, Ed448, ML-DSA and whatever else OpenSSL has.
 *
 * A key never changes once made, so any number of threads may share it.
 */
#ifndef PYOSSL_PKEY_H
#define PYOSSL_PKEY_H

#include <stdint.h>

#include "pyossl/export.h"
#include "pyossl/status.h"
#include "pyossl/types.h"

PYOSSL_BEGIN_DECLS

/** Kinds of keys, by OpenSSL's numbers; pyossl_pkey_type() may tell others. */
typedef enum pyossl_key_type {
    PYOSSL_KEY_RSA     = 6,    /**< RSA (RFC 8017) */
    PYOSSL_KEY_DH      = 28,   /**< Diffie-Hellman */
    PYOSSL_KEY_DSA     = 116,  /**< DSA (FIPS 186-4) */
    PYOSSL_KEY_EC      = 408,  /**< elliptic curve (SEC 1) */
    PYOSSL_KEY_X25519  = 1034, /**< X25519 (RFC 7748) */
    PYOSSL_KEY_X448    = 1035, /**< X448 (RFC 7748) */
    PYOSSL_KEY_ED25519 = 1087, /**< Ed25519 (RFC 8032) */
    PYOSSL_KEY_ED448   = 1088  /**< Ed448 (RFC 8032) */
} pyossl_key_type;

/**
 * Make a key pair.
 *
 * @param type  PYOSSL_KEY_RSA (public exponent 65537) or PYOSSL_KEY_DSA, which
 *              take @p bits; or one of the four RFC 7748/8032 types, which do not
 * @param bits  modulus size
 * @retval PYOSSL_E_UNSUPPORTED @p type is none of these
 * @retval PYOSSL_E_ARGUMENT    @p bits is not positive
 * @retval PYOSSL_E_OPENSSL     OpenSSL refuses the size
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkey_generate(pyossl_pkey **out, int type, int bits) PYOSSL_NONNULL(1);

/**
 * Make a key pair of a type that OpenSSL has under that name: "RSA", "RSA-PSS", "DSA", "EC",
 * "ED25519", "SM2", "DH", and from 3.5 on "ML-DSA-65" (FIPS 204), "SLH-DSA-SHA2-128f" (FIPS 205),
 * "ML-KEM-768" (FIPS 203), "X25519MLKEM768" and their like; small or capital letters. Types of
 * providers that are loaded belong to them. Some SLH-DSA keys take seconds to sign.
 *
 * @param bits  modulus size of RSA, RSA-PSS and DSA; 0 for the others
 * @param group curve of an EC key, group of a DH key ("ffdhe2048"), which without it is OpenSSL's
 *              choice; NULL for the others
 * @retval PYOSSL_E_UNSUPPORTED this OpenSSL has no such type, or none that has key pairs
 * @retval PYOSSL_E_ARGUMENT    @p bits or @p group is missing, unknown, or of no use for this type
 * @retval PYOSSL_E_OPENSSL     OpenSSL refuses the size
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkey_generate_named(pyossl_pkey **out, const char *type, int bits,
                                         const char *group) PYOSSL_NONNULL(1, 2);

/** Make an EC key pair on the curve named @p curve, e.g. "prime256v1". */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkey_generate_ec(pyossl_pkey **out, const char *curve) PYOSSL_NONNULL(1, 2);

/**
 * How much key derivation one file may ask for unless told otherwise: a few seconds
 * of a processor.
 */
#define PYOSSL_KDF_ROUNDS_MAX 10000000

/**
 * How much key derivation one file may ask for, in rounds: of PBKDF2, of PBES1 and of
 * PKCS #12 (for MAC and bags together) as many as the file says, of scrypt N * r * p,
 * each of which takes about as long. What asks for more is refused, as a file of
 * two hundred bytes could otherwise keep a processor busy for hours.
 */
PYOSSL_API int64_t pyossl_kdf_rounds_limit(void);

/**
 * Say how much key derivation one file may ask for, for the whole process. A call
 * that is under way goes on as it began. Safe from any thread.
 *
 * @param rounds from 1 to 2147483647; PYOSSL_KDF_ROUNDS_MAX is what it was at first
 * @retval PYOSSL_E_ARGUMENT another number
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_set_kdf_rounds_limit(int64_t rounds);

/**
 * Decode the first private key in @p data: PKCS #8, encrypted PKCS #8, or the
 * traditional RSA, DSA and EC encodings.
 *
 * @param format     PYOSSL_PEM or PYOSSL_DER
 * @param passphrase asked for only if the key is encrypted; may be NULL
 * @retval PYOSSL_E_FORMAT     there is no private key there, or it asks for more rounds
 *                             of key derivation than pyossl_kdf_rounds_limit()
 * @retval PYOSSL_E_PASSPHRASE it is encrypted, and the passphrase is missing or wrong
 * @retval PYOSSL_E_CALLBACK   the passphrase callback answered ABORT
 * @retval PYOSSL_E_ARGUMENT   @p format is neither
 * @retval PYOSSL_E_UNSUPPORTED its cipher needs the legacy provider, which is not there
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkey_load_private(pyossl_pkey **out, pyossl_format format, const void *data,
                                       size_t len, const pyossl_passphrase *passphrase)
    PYOSSL_NONNULL(1);

/**
 * Decode the first public key in @p data: SubjectPublicKeyInfo ("BEGIN PUBLIC
 * KEY"), or the traditional RSA encoding ("BEGIN RSA PUBLIC KEY").
 *
 * @param format     PYOSSL_PEM or PYOSSL_DER
 * @retval PYOSSL_E_FORMAT   there is no public key there
 * @retval PYOSSL_E_ARGUMENT @p format is neither
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkey_load_public(pyossl_pkey **out, pyossl_format format, const void *data,
                                      size_t len) PYOSSL_NONNULL(1);

/**
 * Encode the private key.
 *
 * With @p cipher PYOSSL_PEM and PYOSSL_DER write encrypted PKCS #8. Without it
 * PYOSSL_PEM writes PKCS #8; PYOSSL_DER the traditional encoding, or PKCS #8 for
 * types that have none; PYOSSL_TEXT the numbers, for people.
 *
 * @param cipher     e.g. "aes-256-cbc", or NULL for none
 * @param passphrase needed with @p cipher
 * @retval PYOSSL_E_ARGUMENT an unknown cipher, a cipher without a passphrase or
 *                           with another format, or an unknown format
 * @retval PYOSSL_E_STATE       there is no private key
 * @retval PYOSSL_E_PASSPHRASE  the passphrase callback answered DECLINE
 * @retval PYOSSL_E_CALLBACK    it answered ABORT
 * @retval PYOSSL_E_OPENSSL     the cipher is of no use for this, such as AES-GCM
 * @retval PYOSSL_E_UNSUPPORTED the cipher needs the legacy provider, which is not there
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkey_dump_private(const pyossl_pkey *pkey, pyossl_format format,
                                       const char *cipher, const pyossl_passphrase *passphrase,
                                       pyossl_buf *out) PYOSSL_NONNULL(1, 5);

/**
 * The same in the traditional PEM encoding ("BEGIN RSA PRIVATE KEY") of RSA, DSA
 * and EC; PYOSSL_E_UNSUPPORTED for types that have none. Its encryption is weak:
 * for programs that read nothing else.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkey_dump_traditional(const pyossl_pkey *pkey, const char *cipher,
                                           const pyossl_passphrase *passphrase, pyossl_buf *out)
    PYOSSL_NONNULL(1, 4);

/** Encode the public half as SubjectPublicKeyInfo; PYOSSL_PEM or PYOSSL_DER. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkey_dump_public(const pyossl_pkey *pkey, pyossl_format format,
                                      pyossl_buf *out) PYOSSL_NONNULL(1, 3);

/** One more owner; returns @p pkey. */
PYOSSL_API pyossl_pkey *pyossl_pkey_ref(pyossl_pkey *pkey) PYOSSL_NONNULL(1);

/** One owner less; NULL is allowed. */
PYOSSL_API void pyossl_pkey_unref(pyossl_pkey *pkey);

/**
 * The type by OpenSSL's number, e.g. PYOSSL_KEY_RSA; 0 for a type that has a name and no number,
 * such as "X25519MLKEM768".
 */
PYOSSL_API int pyossl_pkey_type(const pyossl_pkey *pkey) PYOSSL_NONNULL(1);

/** The type by OpenSSL's name, e.g. "RSA" or "ML-DSA-65"; lives as long as the key. */
PYOSSL_API const char *pyossl_pkey_type_name(const pyossl_pkey *pkey) PYOSSL_NONNULL(1);

/** The size of the key in bits, as OpenSSL counts: of ML-DSA and SLH-DSA, of the whole public key. */
PYOSSL_API int pyossl_pkey_bits(const pyossl_pkey *pkey) PYOSSL_NONNULL(1);

/** 1 if the private half is there, else 0. */
PYOSSL_API int pyossl_pkey_is_private(const pyossl_pkey *pkey) PYOSSL_NONNULL(1);

/** 1 if both hold the same public key, else 0. */
PYOSSL_API int pyossl_pkey_equal(const pyossl_pkey *a, const pyossl_pkey *b) PYOSSL_NONNULL(1, 2);

/**
 * Check that the parts of a private key fit together: of an RSA key the numbers, of others the
 * public half and the private one, and the parameters.
 *
 * @retval PYOSSL_E_ARGUMENT it is not a private key
 * @retval PYOSSL_E_OPENSSL  they do not
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkey_check(const pyossl_pkey *pkey) PYOSSL_NONNULL(1);

/**
 * Sign @p data: PKCS #1 v1.5 for RSA, DER for DSA and ECDSA.
 *
 * @param digest e.g. "sha256"; NULL for keys that bring their own: Ed25519, Ed448, ML-DSA, SLH-DSA,
 *               and RSA-PSS keys that say which
 * @retval PYOSSL_E_STATE    there is no private key
 * @retval PYOSSL_E_ARGUMENT pyossl_digest_check() refuses the digest, or there is none where the key
 *                           needs one; the record names one that will do
 * @retval PYOSSL_E_OPENSSL  the key cannot sign, or not with this digest: it brings its own
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkey_sign(const pyossl_pkey *pkey, const char *digest, const void *data,
                               size_t len, pyossl_buf *signature) PYOSSL_NONNULL(1, 5);

/** Check a signature that pyossl_pkey_sign() made; PYOSSL_E_VERIFY if it does not fit. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkey_verify(const pyossl_pkey *pkey, const char *digest, const void *data,
                                 size_t len, const void *signature, size_t signature_len)
    PYOSSL_NONNULL(1);

/**
 * PYOSSL_OK if @p digest names a message digest, else PYOSSL_E_ARGUMENT; or
 * PYOSSL_E_UNSUPPORTED if it needs the legacy provider, which is not there.
 *
 * SHAKE128 and SHAKE256 are refused too, here and wherever a digest is named: they have no length
 * of their own, releases of OpenSSL disagree about one, and none signs with them any more.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_digest_check(const char *digest) PYOSSL_NONNULL(1);

/** The same for ciphers. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_cipher_check(const char *cipher) PYOSSL_NONNULL(1);

/** The short name of built-in elliptic curve @p index, or NULL past the end. */
PYOSSL_API const char *pyossl_curve_name(size_t index);

/** OpenSSL's number of the curve named @p name, or 0. */
PYOSSL_API int pyossl_curve_nid(const char *name) PYOSSL_NONNULL(1);

PYOSSL_END_DECLS

#endif
