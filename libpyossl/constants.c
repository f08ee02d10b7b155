#include "base/internal.h"

#include "pyossl/constants.h"
