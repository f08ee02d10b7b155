/**
 * @file pyossl.h
 * All of libpyossl: TLS, certificates, keys and random numbers over OpenSSL 3.
 */
#ifndef PYOSSL_H
#define PYOSSL_H

#include "pyossl/callbacks.h"
#include "pyossl/conn.h"
#include "pyossl/constants.h"
#include "pyossl/crl.h"
#include "pyossl/ctx.h"
#include "pyossl/error.h"
#include "pyossl/ext.h"
#include "pyossl/export.h"
#include "pyossl/info.h"
#include "pyossl/name.h"
#include "pyossl/oid.h"
#include "pyossl/pkcs12.h"
#include "pyossl/pkcs7.h"
#include "pyossl/pkey.h"
#include "pyossl/rand.h"
#include "pyossl/req.h"
#include "pyossl/session.h"
#include "pyossl/spki.h"
#include "pyossl/status.h"
#include "pyossl/store.h"
#include "pyossl/types.h"
#include "pyossl/version.h"
#include "pyossl/x509.h"

#endif
