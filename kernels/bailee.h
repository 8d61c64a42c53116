/* What every kernel includes. Kernels take whole buffers, never allocate for the caller, never print. */
#ifndef BAILEE_H
#define BAILEE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* Bumped when a kernel's signature changes, so that a stale library is noticed and not called. */
#define BAILEE_KERNELS_VERSION 1

#endif
