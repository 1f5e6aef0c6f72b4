/*
 * A small true model of a heated room: a boiler warms the water of the radiators, the radiators
 * warm the room, the room loses heat to the outside. Knows nothing of web pages or files.
 */
#include "thermostat.h"

#include <math.h>

#define STEP 10.0            /* seconds of one step of the model */
#define ROOM_CAPACITY 2.4e6  /* J/K: air, furniture and the inner walls */
#define WATER_CAPACITY 2.5e5 /* J/K: water and radiators */
#define ROOM_LOSS 140.0      /* W/K to the outside */
#define RADIATOR 170.0       /* W/K from the water to the room */
#define BOILER_POWER 9000.0  /* W */
#define WATER_MAX 70.0       /* the hottest water sent, in Celsius */
#define FROST 6.0            /* kept even when switched off */

bool demo_thermostat_is_day(const struct demo_thermostat *room)
{
    int now = (int)(room->clock / 60);
    int day = room->settings.day_start;
    int night = room->settings.night_start;
    return day < night ? now >= day && now < night : now >= day || now < night;
}

double demo_thermostat_goal(const struct demo_thermostat *room)
{
    double target = room->settings.target / 10.0;
    bool day = demo_thermostat_is_day(room);
    switch (room->settings.mode) {
    case DEMO_MODE_COMFORT:
        return fmax(FROST, day ? target : target - 2);
    case DEMO_MODE_ECO:
        return fmax(FROST, day ? target - 1.5 : target - 4);
    default:
        return FROST;
    }
}

/* Coldest at five in the morning, warmest at five in the afternoon, with a slow wander. */
static double weather(const struct demo_thermostat *room)
{
    double hours = room->clock / 3600;
    double wander = sin((double)room->ticks / 97) + 0.5 * sin((double)room->ticks / 31);
    return 4.5 - 4 * cos((hours - 5) / 24 * 2 * M_PI) + 0.6 * wander;
}

/*
 * The controller: aims the water at what the room needs and burns in between two limits around it,
 * so the flame does not flicker.
 */
static void control(struct demo_thermostat *room)
{
    double goal = demo_thermostat_goal(room);
    double steady = goal + (goal - room->outside) * ROOM_LOSS / RADIATOR;
    double flow = fmin(WATER_MAX, fmax(20, steady + 12 * (goal - room->room)));
    bool wanted = room->room < goal + 0.3;
    if (!wanted || room->water > flow + 2)
        room->burning = false;
    else if (room->water < flow - 2)
        room->burning = true;
    room->power = room->burning ? fmin(1, fmax(0.25, (flow + 4 - room->water) / 20)) : 0;
}

static void step(struct demo_thermostat *room)
{
    control(room);
    double radiated = RADIATOR * (room->water - room->room);
    double lost = ROOM_LOSS * (room->room - room->outside);
    room->water += STEP * (room->power * BOILER_POWER - radiated) / WATER_CAPACITY;
    room->room += STEP * (radiated - lost) / ROOM_CAPACITY;
}

static void remember(struct demo_thermostat *room)
{
    size_t at = (room->history_start + room->history_len) % DEMO_HISTORY_LEN;
    room->history[at] = (struct demo_sample){(float)room->room, (float)demo_thermostat_goal(room)};
    if (room->history_len < DEMO_HISTORY_LEN)
        room->history_len++;
    else
        room->history_start = (room->history_start + 1) % DEMO_HISTORY_LEN;
}

void demo_thermostat_tick(struct demo_thermostat *room)
{
    room->ticks++;
    room->outside = weather(room);
    for (int i = 0; i < 6; i++)
        step(room);
    room->clock = fmod(room->clock + 60, DEMO_DAY_MINUTES * 60);
    remember(room);
}

void demo_thermostat_init(struct demo_thermostat *room, const struct demo_settings *settings)
{
    *room = (struct demo_thermostat){
        .settings = *settings, .room = 18.8, .water = 28, .clock = 2.75 * 3600};
    for (size_t i = 0; i < DEMO_HISTORY_LEN; i++)
        demo_thermostat_tick(room);
}

const struct demo_sample *demo_thermostat_sample(const struct demo_thermostat *room, size_t index)
{
    return &room->history[(room->history_start + index) % DEMO_HISTORY_LEN];
}
