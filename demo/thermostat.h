#ifndef DEMO_THERMOSTAT_H
#define DEMO_THERMOSTAT_H

#include <stdbool.h>
#include <stddef.h>

#define DEMO_NAME_LEN 40            /* characters of a device's name */
#define DEMO_NAME_SIZE (4 * 40 + 1) /* bytes that hold them */
#define DEMO_TARGET_MIN 50          /* tenths of a degree Celsius */
#define DEMO_TARGET_MAX 300
#define DEMO_DAY_MINUTES (24 * 60)
#define DEMO_HISTORY_LEN 300 /* seconds of the graph */

enum demo_mode {
    DEMO_MODE_COMFORT,
    DEMO_MODE_ECO,
    DEMO_MODE_OFF,
};

/* What a person can set. */
struct demo_settings {
    char name[DEMO_NAME_SIZE];
    int target; /* tenths of a degree Celsius */
    enum demo_mode mode;
    int day_start; /* minutes after midnight */
    int night_start;
};

/* One point of the graph. */
struct demo_sample {
    float room;
    float goal;
};

/* The heated room: a second outside is a minute inside. */
struct demo_thermostat {
    struct demo_settings settings;
    double room;  /* degrees Celsius */
    double water; /* what the boiler sends to the radiators */
    double outside;
    double power; /* 0 to 1 */
    bool burning;
    double clock; /* seconds after midnight */
    unsigned long ticks;
    struct demo_sample history[DEMO_HISTORY_LEN]; /* a ring, the oldest at history_start */
    size_t history_start;
    size_t history_len;
};

/* A room with these settings, at a quarter to eight in the morning, its last five hours lived. */
void demo_thermostat_init(struct demo_thermostat *room, const struct demo_settings *settings);

/* Lets one minute pass in the room. */
void demo_thermostat_tick(struct demo_thermostat *room);

bool demo_thermostat_is_day(const struct demo_thermostat *room);

/* The temperature heated to now, from target, mode and time of day. */
double demo_thermostat_goal(const struct demo_thermostat *room);

/* The index-th sample, 0 the oldest; index below history_len. */
const struct demo_sample *demo_thermostat_sample(const struct demo_thermostat *room, size_t index);

#endif
