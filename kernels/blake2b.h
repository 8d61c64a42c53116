/* Keyed BLAKE2b-256 (RFC 7693), with the key block already absorbed so that short texts cost one compression. */
#ifndef BAILEE_BLAKE2B_H
#define BAILEE_BLAKE2B_H

#include "bailee.h"

#define BLAKE2B_SIZE 32
#define BLAKE2B_BLOCK 128

typedef struct {
  uint64_t h[8], after_key[8]; /* after_key: h once the key block is compressed, for texts that are not empty */
  uint64_t size;               /* bytes absorbed, key block included */
  uint8_t block[BLAKE2B_BLOCK];
  uint32_t filled;
} blake2b_state;

/* Start with a key of 1 to 64 bytes. Copy the state for each text. */
void blake2b_keyed(blake2b_state *state, const uint8_t *key, uint32_t key_size);
void blake2b_update(blake2b_state *state, const uint8_t *bytes, uint64_t size);
void blake2b_hex(blake2b_state *state, uint8_t out[2 * BLAKE2B_SIZE]);

#endif
