/* FHIR dates as text: checking, and moving by days in the proleptic Gregorian calendar, years 1 to 9999. */
#ifndef BAILEE_DATES_H
#define BAILEE_DATES_H

#include "bailee.h"

/* Length of the date part (4, 7 or 10) of YYYY[-MM[-DD[Thh:mm[:ss[.f…]][zone]]]], or 0 where it is no date. */
uint32_t date_length(const uint8_t *text, uint32_t size);

/* Write the date part moved by days; a partial date moves as its first day. Returns 0 outside the calendar.
 * `text` has passed date_length with `length`. */
int date_shift(const uint8_t *text, uint32_t length, int32_t days, uint8_t out[10]);

#endif
