/**
 * @file pyossl/export.h
 * How public functions are declared.
 */
#ifndef PYOSSL_EXPORT_H
#define PYOSSL_EXPORT_H

/** Part of the library's interface. */
#if defined(_WIN32)
#define PYOSSL_API
#elif defined(__GNUC__)
#define PYOSSL_API __attribute__((visibility("default")))
#else
#define PYOSSL_API
#endif

/** The result says whether the call worked: looking at it is not optional. */
#if defined(__GNUC__)
#define PYOSSL_MUST_CHECK __attribute__((warn_unused_result))
#else
#define PYOSSL_MUST_CHECK
#endif

/**
 * These arguments (counted from 1) must not be NULL: compilers warn where they see one. Passed all
 * the same, NULL is answered with PYOSSL_E_ARGUMENT, or 0 or NULL by what returns no status.
 */
#if defined(__GNUC__) && !defined(PYOSSL_BUILDING)
#define PYOSSL_NONNULL(...) __attribute__((nonnull(__VA_ARGS__)))
#else
#define PYOSSL_NONNULL(...)
#endif

#ifdef __cplusplus
#define PYOSSL_BEGIN_DECLS extern "C" {
#define PYOSSL_END_DECLS }
#else
#define PYOSSL_BEGIN_DECLS /**< opens a block of C declarations */
#define PYOSSL_END_DECLS   /**< closes a block of C declarations */
#endif

#endif
