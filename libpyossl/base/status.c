#include "internal.h"

pyossl_status_class pyossl_status_classify(pyossl_status status)
{
    switch (status) {
#define XX(name, value, class_, text)                                                              \
    case PYOSSL_##name:                                                                            \
        return PYOSSL_CLASS_##class_;
        PYOSSL_STATUS_MAP(XX)
#undef XX
    case PYOSSL_STATUS_FORCE_INT:
        break;
    }
    return PYOSSL_CLASS_ERROR;
}

bool osl_status_is_known(pyossl_status status)
{
    switch (status) {
#define XX(name, value, class_, text) case PYOSSL_##name:
        PYOSSL_STATUS_MAP(XX)
#undef XX
        return true;
    case PYOSSL_STATUS_FORCE_INT:
        break;
    }
    return false;
}

const char *pyossl_status_name(pyossl_status status)
{
    switch (status) {
#define XX(name, value, class_, text)                                                              \
    case PYOSSL_##name:                                                                            \
        return #name;
        PYOSSL_STATUS_MAP(XX)
#undef XX
    case PYOSSL_STATUS_FORCE_INT:
        break;
    }
    return "UNKNOWN";
}

const char *pyossl_status_text(pyossl_status status)
{
    switch (status) {
#define XX(name, value, class_, text)                                                              \
    case PYOSSL_##name:                                                                            \
        return text;
        PYOSSL_STATUS_MAP(XX)
#undef XX
    case PYOSSL_STATUS_FORCE_INT:
        break;
    }
    return "unknown status";
}
