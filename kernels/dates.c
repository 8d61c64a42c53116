/* FHIR dates as text. Days are counted by the civil calendar's 400-year cycle, in integers. */
#include "dates.h"

static int is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

static int two(const uint8_t *p) { return is_digit(p[0]) && is_digit(p[1]) ? (p[0] - '0') * 10 + (p[1] - '0') : -1; }

static int year_of(const uint8_t *p) {
  int high = two(p), low = two(p + 2);
  return high < 0 || low < 0 ? 0 : high * 100 + low;
}

static int month_days(int year, int month) {
  static const uint8_t DAYS[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return DAYS[month - 1] + (month == 2 && leap);
}

static int zone_ok(const uint8_t *p, uint32_t size) {
  if (size == 0 || (size == 1 && p[0] == 'Z')) return 1;
  if (size != 6 || (p[0] != '+' && p[0] != '-') || p[3] != ':') return 0;
  int hours = two(p + 1), minutes = two(p + 4);
  return hours >= 0 && hours <= 14 && minutes >= 0 && minutes <= 59;
}

/* After the T. */
static int time_ok(const uint8_t *p, uint32_t size) {
  if (size < 5 || p[2] != ':') return 0;
  int hours = two(p), minutes = two(p + 3);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return 0;
  uint32_t at = 5;
  if (at < size && p[at] == ':') {
    if (size - at < 3) return 0;
    int seconds = two(p + at + 1);
    if (seconds < 0 || seconds > 60) return 0;
    at += 3;
    if (at < size && p[at] == '.') {
      uint32_t from = ++at;
      while (at < size && is_digit(p[at])) at++;
      if (at == from) return 0;
    }
  }
  return zone_ok(p + at, size - at);
}

uint32_t date_length(const uint8_t *text, uint32_t size) {
  int year = size >= 4 ? year_of(text) : 0;
  if (year < 1) return 0;
  if (size == 4) return 4;
  if (size < 7 || text[4] != '-') return 0;
  int month = two(text + 5);
  if (month < 1 || month > 12) return 0;
  if (size == 7) return 7;
  if (size < 10 || text[7] != '-') return 0;
  int day = two(text + 8);
  if (day < 1 || day > month_days(year, month)) return 0;
  if (size == 10) return 10;
  return text[10] == 'T' && time_ok(text + 11, size - 11) ? 10 : 0;
}

/* Days since 0000-03-01. */
static int64_t day_number(int year, int month, int day) {
  int64_t y = month <= 2 ? year - 1 : year;
  int64_t shifted = (month + 9) % 12;
  return 365 * y + y / 4 - y / 100 + y / 400 + (153 * shifted + 2) / 5 + day - 1;
}

static void put_digits(uint8_t *out, int64_t value, int width) {
  for (int i = width; i-- > 0; value /= 10) out[i] = (uint8_t)('0' + value % 10);
}

int date_shift(const uint8_t *text, uint32_t length, int32_t days, uint8_t out[10]) {
  int month = length >= 7 ? two(text + 5) : 1, day = length >= 10 ? two(text + 8) : 1;
  int64_t number = day_number(year_of(text), month, day) + days;
  if (number < day_number(1, 1, 1) || number > day_number(9999, 12, 31)) return 0;
  int64_t cycle = number / 146097, in_cycle = number % 146097;
  int64_t year = (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
  int64_t in_year = in_cycle - (365 * year + year / 4 - year / 100);
  int64_t shifted = (5 * in_year + 2) / 153;
  year += cycle * 400;
  put_digits(out + 8, in_year - (153 * shifted + 2) / 5 + 1, 2);
  put_digits(out + 5, shifted < 10 ? shifted + 3 : shifted - 9, 2);
  put_digits(out, shifted < 10 ? year : year + 1, 4);
  out[4] = out[7] = '-';
  return 1;
}

/* Move each of many dates by its own days. `out` has the layout of the input; `valid` tells which are dates that stay in
 * the calendar (others are not written). Returns 0, or -1 for a slice outside the buffer. */
EXPORT int32_t bailee_dates_shift(const uint8_t *buffer, int64_t size, const int64_t *offsets, const int32_t *days, int64_t count,
                                  uint8_t *out, uint8_t *valid) {
  for (int64_t i = 0; i < count; i++) {
    int64_t from = offsets[i], length = offsets[i + 1] - offsets[i];
    if (from < 0 || length < 0 || offsets[i + 1] > size) return -1;
    uint8_t moved[10];
    uint32_t part = length < 1024 ? date_length(buffer + from, (uint32_t)length) : 0;
    valid[i] = part && date_shift(buffer + from, part, days[i], moved);
    if (!valid[i]) continue;
    memcpy(out + from, moved, part);
    memcpy(out + from + part, buffer + from + part, (size_t)length - part);
  }
  return 0;
}
