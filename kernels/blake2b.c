/* Keyed BLAKE2b-256 after RFC 7693. */
#include "blake2b.h"

static const uint64_t START[8] = {0x6a09e667f3bcc908ull, 0xbb67ae8584caa73bull, 0x3c6ef372fe94f82bull, 0xa54ff53a5f1d36f1ull,
                                  0x510e527fade682d1ull, 0x9b05688c2b3e6c1full, 0x1f83d9abfb41bd6bull, 0x5be0cd19137e2179ull};

static const uint8_t ORDER[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

static inline uint64_t rotate(uint64_t x, unsigned n) { return x >> n | x << (64 - n); }

static inline uint64_t load64(const uint8_t *p) {
  uint64_t value = 0;
  for (unsigned i = 0; i < 8; i++) value |= (uint64_t)p[i] << (8 * i);
  return value;
}

#define MIX(a, b, c, d, x, y)          \
  do {                                 \
    v[a] += v[b] + (x);                \
    v[d] = rotate(v[d] ^ v[a], 32);    \
    v[c] += v[d];                      \
    v[b] = rotate(v[b] ^ v[c], 24);    \
    v[a] += v[b] + (y);                \
    v[d] = rotate(v[d] ^ v[a], 16);    \
    v[c] += v[d];                      \
    v[b] = rotate(v[b] ^ v[c], 63);    \
  } while (0)

/* The order is known when this is compiled, so that the message stays in registers. */
#define ROUND(r)                                             \
  do {                                                       \
    MIX(0, 4, 8, 12, m[ORDER[r][0]], m[ORDER[r][1]]);        \
    MIX(1, 5, 9, 13, m[ORDER[r][2]], m[ORDER[r][3]]);        \
    MIX(2, 6, 10, 14, m[ORDER[r][4]], m[ORDER[r][5]]);       \
    MIX(3, 7, 11, 15, m[ORDER[r][6]], m[ORDER[r][7]]);       \
    MIX(0, 5, 10, 15, m[ORDER[r][8]], m[ORDER[r][9]]);       \
    MIX(1, 6, 11, 12, m[ORDER[r][10]], m[ORDER[r][11]]);     \
    MIX(2, 7, 8, 13, m[ORDER[r][12]], m[ORDER[r][13]]);      \
    MIX(3, 4, 9, 14, m[ORDER[r][14]], m[ORDER[r][15]]);      \
  } while (0)

static void compress(blake2b_state *state, int last) {
  uint64_t v[16], m[16];
  for (unsigned i = 0; i < 16; i++) m[i] = load64(state->block + 8 * i);
  for (unsigned i = 0; i < 8; i++) v[i] = state->h[i], v[i + 8] = START[i];
  v[12] ^= state->size;
  if (last) v[14] = ~v[14];
  ROUND(0);
  ROUND(1);
  ROUND(2);
  ROUND(3);
  ROUND(4);
  ROUND(5);
  ROUND(6);
  ROUND(7);
  ROUND(8);
  ROUND(9);
  ROUND(0);
  ROUND(1);
  for (unsigned i = 0; i < 8; i++) state->h[i] ^= v[i] ^ v[i + 8];
}

/* An empty text would end with the key block itself, so the key block waits for the first byte that comes. */
void blake2b_keyed(blake2b_state *state, const uint8_t *key, uint32_t key_size) {
  memset(state, 0, sizeof *state);
  memcpy(state->h, START, sizeof START);
  state->h[0] ^= 0x01010000u ^ (uint64_t)key_size << 8 ^ BLAKE2B_SIZE;
  memcpy(state->block, key, key_size < 64 ? key_size : 64);
  state->filled = BLAKE2B_BLOCK;
  blake2b_state ahead = *state;
  ahead.size = BLAKE2B_BLOCK;
  compress(&ahead, 0);
  memcpy(state->after_key, ahead.h, sizeof ahead.h);
}

void blake2b_update(blake2b_state *state, const uint8_t *bytes, uint64_t size) {
  if (size && state->size == 0) { /* the key block was compressed ahead */
    memcpy(state->h, state->after_key, sizeof state->h);
    state->size = BLAKE2B_BLOCK;
    state->filled = 0;
  }
  while (size) {
    if (state->filled == BLAKE2B_BLOCK) {
      state->size += BLAKE2B_BLOCK;
      compress(state, 0);
      state->filled = 0;
    }
    uint32_t room = BLAKE2B_BLOCK - state->filled, take = size < room ? (uint32_t)size : room;
    memcpy(state->block + state->filled, bytes, take);
    state->filled += take;
    bytes += take;
    size -= take;
  }
}

void blake2b_hex(blake2b_state *state, uint8_t out[2 * BLAKE2B_SIZE]) {
  memset(state->block + state->filled, 0, BLAKE2B_BLOCK - state->filled);
  state->size += state->filled;
  compress(state, 1);
  for (unsigned i = 0; i < BLAKE2B_SIZE; i++) {
    uint8_t byte = (uint8_t)(state->h[i / 8] >> (8 * (i % 8)));
    out[2 * i] = (uint8_t)"0123456789abcdef"[byte >> 4];
    out[2 * i + 1] = (uint8_t)"0123456789abcdef"[byte & 15];
  }
}

/* Hash each slice of a buffer: 64 hexadecimal digits a slice. Returns 0, or -1 for a bad key or slice. */
EXPORT int32_t bailee_blake2b(const uint8_t *key, int64_t key_size, const uint8_t *buffer, int64_t size, const int64_t *offsets,
                              int64_t count, uint8_t *out) {
  if (key_size < 1 || key_size > 64) return -1;
  blake2b_state keyed;
  blake2b_keyed(&keyed, key, (uint32_t)key_size);
  for (int64_t i = 0; i < count; i++) {
    if (offsets[i] < 0 || offsets[i + 1] < offsets[i] || offsets[i + 1] > size) return -1;
    blake2b_state state = keyed;
    blake2b_update(&state, buffer + offsets[i], (uint64_t)(offsets[i + 1] - offsets[i]));
    blake2b_hex(&state, out + 2 * BLAKE2B_SIZE * i);
  }
  return 0;
}
