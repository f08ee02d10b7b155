#include "../base/internal.h"
