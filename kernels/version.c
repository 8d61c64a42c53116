/* Tells which signatures this library has. */
#include "bailee.h"

EXPORT int32_t bailee_kernels_version(void) { return BAILEE_KERNELS_VERSION; }
