/* Connected shapes of a black-and-white picture: where letters may be. */
#include "bailee.h"

static int32_t root_of(int32_t *parent, int32_t at) {
  while (parent[at] != at) {
    parent[at] = parent[parent[at]];
    at = parent[at];
  }
  return at;
}

/* Join two shapes; the one that begins first, in reading order, gives its name. */
static void join(int32_t *parent, int32_t a, int32_t b) {
  a = root_of(parent, a);
  b = root_of(parent, b);
  if (a < b) parent[b] = a;
  if (b < a) parent[a] = b;
}

/* Find the shapes of pixels that touch, by side or corner. `mask` and `parent` have height * width items; `boxes` takes
 * left, top, right, bottom (one past the last) and the number of pixels of each shape, in reading order of first pixels.
 * Returns how many shapes there are, which may be more than `capacity`, of which the first `capacity` are written (`boxes` comes zeroed); -1 for
 * a picture without a size or too large for 32 bits. */
EXPORT int64_t shapes_find(const uint8_t *mask, int64_t height, int64_t width, int32_t *parent, int32_t *boxes,
                           int64_t capacity) {
  if (height <= 0 || width <= 0 || height > INT32_MAX / width) return -1;
  for (int64_t y = 0; y < height; y++) {
    for (int64_t x = 0; x < width; x++) {
      int32_t at = (int32_t)(y * width + x);
      if (!mask[at]) {
        parent[at] = -1;
        continue;
      }
      parent[at] = at;
      if (x > 0 && mask[at - 1]) join(parent, at, at - 1);
      if (y > 0) {
        int32_t above = (int32_t)(at - width);
        if (mask[above]) join(parent, at, above);
        if (x > 0 && mask[above - 1]) join(parent, at, above - 1);
        if (x + 1 < width && mask[above + 1]) join(parent, at, above + 1);
      }
    }
  }
  /* A parent precedes its children, so one pass names all: each visited pixel then holds -2 - its shape's number. */
  int64_t count = 0;
  for (int64_t y = 0; y < height; y++) {
    for (int64_t x = 0; x < width; x++) {
      int32_t at = (int32_t)(y * width + x);
      if (parent[at] == -1) continue;
      parent[at] = parent[at] == at ? (int32_t)(-2 - count++) : parent[parent[at]];
      int64_t shape = -2 - (int64_t)parent[at];
      if (shape >= capacity) continue;
      int32_t *box = boxes + 5 * shape;
      if (!box[4]) box[0] = (int32_t)x, box[1] = (int32_t)y;
      if (x < box[0]) box[0] = (int32_t)x;
      if (x + 1 > box[2]) box[2] = (int32_t)x + 1;
      box[3] = (int32_t)y + 1;
      box[4]++;
    }
  }
  return count;
}
