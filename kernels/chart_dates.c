/* Dates of a chart in any spelling: 3/2/1961, 2 March 61, 02MAR1961, 1961-03-02, 19610302, 2. März 1961. */
#include "chart.h"

enum { MOST_READINGS = 6 };

typedef struct {
    int32_t day[MOST_READINGS];
    int32_t count, last; /* readings; the last atom */
} Reading;

static int32_t days_from(int32_t year, int32_t month, int32_t day) {
    int32_t y = year - (month <= 2), era = y / 400, of_era = y - era * 400;
    int32_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void read_as(Reading *reading, int32_t year, int32_t month, int32_t day) {
    if (month < 1 || month > 12 || day < 1 || day > 31 || year < 1850 || year > 2150) return;
    if (reading->count < MOST_READINGS) reading->day[reading->count++] = days_from(year, month, day);
}

/* A year of two digits may be of either century. */
static void read_year(Reading *reading, const Atom *year_atom, int32_t year, int32_t month, int32_t day) {
    if (year_atom->length == 4) read_as(reading, year, month, day);
    else if (year_atom->length == 2) {
        read_as(reading, 1900 + year, month, day);
        read_as(reading, 2000 + year, month, day);
    }
}

static int32_t number(const Scene *scene, int32_t k) {
    const Atom *atom = &scene->atoms[k];
    int32_t value = 0;
    if (k >= scene->count || atom->kind != DIGITS || atom->length > 8) return -1;
    for (int32_t at = atom->start; at < atom->end; at++) value = value * 10 + (scene->bytes[at] - '0');
    return value;
}

static int32_t month_at(const Scene *scene, int32_t k) {
    return k < scene->count && scene->atoms[k].kind == LETTERS ? (int32_t)(scene->bits[k] >> MONTH_SHIFT & 15) : 0;
}

static int is_near(const Scene *scene, int32_t k) { return k < scene->count && scene->atoms[k].gap <= LINE; }

/* Steps over st, nd, rd, th, of, de, del, the: words of at most three letters that carry no number. */
static int32_t step_over(const Scene *scene, int32_t k) {
    for (int32_t steps = 0; steps < 2 && is_near(scene, k); steps++, k++)
        if (scene->atoms[k].kind != LETTERS || scene->atoms[k].length > 3 || month_at(scene, k)) break;
    return k;
}

static void read_solid(const Scene *scene, int32_t k, Reading *reading) {
    int32_t n = number(scene, k), length = scene->atoms[k].length;
    reading->last = k;
    if (length == 8) {
        read_as(reading, n / 10000, n / 100 % 100, n % 100);
        read_as(reading, n % 10000, n / 1000000, n / 10000 % 100);
        read_as(reading, n % 10000, n / 10000 % 100, n / 1000000);
    } else if (length == 6) {
        int32_t a = n / 10000, b = n / 100 % 100, c = n % 100;
        read_as(reading, 1900 + c, a, b), read_as(reading, 2000 + c, a, b);
        read_as(reading, 1900 + c, b, a), read_as(reading, 2000 + c, b, a);
        read_as(reading, 1900 + a, b, c), read_as(reading, 2000 + a, b, c);
    }
}

static void read_numbers(const Scene *scene, int32_t k, Reading *reading) {
    int32_t a = number(scene, k), b = is_near(scene, k + 1) ? number(scene, k + 1) : -1;
    int32_t c = b >= 0 && is_near(scene, k + 2) ? number(scene, k + 2) : -1;
    if (c < 0) return;
    reading->last = k + 2;
    if (scene->atoms[k].length == 4) {
        read_as(reading, a, b, c);
        return;
    }
    if (scene->atoms[k].length > 2 || scene->atoms[k + 1].length > 2) return;
    read_year(reading, &scene->atoms[k + 2], c, a, b);
    read_year(reading, &scene->atoms[k + 2], c, b, a);
    if (scene->atoms[k].length == 2 && scene->atoms[k + 2].length <= 2) read_year(reading, &scene->atoms[k], a, b, c);
}

static void read_day_month(const Scene *scene, int32_t k, Reading *reading) {
    int32_t day = number(scene, k), at = step_over(scene, k + 1), month = is_near(scene, at) ? month_at(scene, at) : 0;
    if (!month) return;
    int32_t next = step_over(scene, at + 1), year = is_near(scene, next) ? number(scene, next) : -1;
    if (scene->atoms[k].length == 4) { /* 1961 March 2 */
        if (year >= 0) read_as(reading, day, month, year);
    } else if (year >= 0) read_year(reading, &scene->atoms[next], year, month, day);
    reading->last = next;
}

static void read_month_day(const Scene *scene, int32_t k, Reading *reading) {
    int32_t month = month_at(scene, k), at = k + 1, day = is_near(scene, at) ? number(scene, at) : -1;
    if (day < 0 || scene->atoms[at].length > 2) return;
    int32_t next = step_over(scene, at + 1), year = is_near(scene, next) ? number(scene, next) : -1;
    if (year < 0) return;
    read_year(reading, &scene->atoms[next], year, month, day);
    reading->last = next;
}

static int is_of_chart(const Scene *scene, const Reading *reading) {
    for (int32_t i = 0; i < reading->count; i++)
        if (find_form(scene->table, (uint64_t)(uint32_t)reading->day[i], F_DATE)) return 1;
    return 0;
}

void find_dates(Scene *scene) {
    static void (*const readers[])(const Scene *, int32_t, Reading *) = {read_numbers, read_day_month, read_solid};
    if (!scene->table->dates) return;
    for (int32_t k = 0; k < scene->count; k++) {
        int digits = scene->atoms[k].kind == DIGITS && scene->atoms[k].length <= 8;
        for (int reader = 0; digits && reader < 3; reader++) {
            Reading reading = {{0}, 0, k};
            readers[reader](scene, k, &reading);
            if (!is_of_chart(scene, &reading)) continue;
            mark_range(scene, k, reading.last, -1, DATE, F_DATE);
            k = reading.last;
            break;
        }
        if (!month_at(scene, k)) continue;
        Reading reading = {{0}, 0, k};
        read_month_day(scene, k, &reading);
        if (!is_of_chart(scene, &reading)) continue;
        mark_range(scene, k, reading.last, -1, DATE, F_DATE);
        k = reading.last;
    }
}
