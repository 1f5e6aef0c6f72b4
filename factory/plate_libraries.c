/* libcairo and libqrencode, by dlopen: see plate_libraries.h. */
#include "plate_libraries.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include "plate.h"
#include "plate_font.h"

#define CAIRO "libcairo.so.2"
#define QRENCODE "libqrencode.so.4"

static struct kp_plate_cairo cairo;
static struct kp_plate_qrencode qrencode;
static bool has_cairo, has_qrencode;
static pthread_once_t cairo_once = PTHREAD_ONCE_INIT, qrencode_once = PTHREAD_ONCE_INIT;

static void load_cairo(void)
{
    /* For good: it has caches that threads may be in. */
    void *library = dlopen(CAIRO, RTLD_NOW | RTLD_NODELETE);
    if (library == NULL)
        return;
    has_cairo = true;
#define LOAD(name)                                                                                 \
    *(void **)(void *)&cairo.name = dlsym(library, "cairo_" #name);                                \
    has_cairo = has_cairo && cairo.name != NULL;
    KP_PLATE_CAIRO_CALLS(LOAD)
#undef LOAD
}

static void load_qrencode(void)
{
    void *library = dlopen(QRENCODE, RTLD_NOW | RTLD_NODELETE);
    if (library == NULL)
        return;
    has_qrencode = true;
#define LOAD(name)                                                                                 \
    *(void **)(void *)&qrencode.name = dlsym(library, "QRcode_" #name);                            \
    has_qrencode = has_qrencode && qrencode.name != NULL;
    KP_PLATE_QR_CALLS(LOAD)
#undef LOAD
}

const struct kp_plate_cairo *kp_plate_cairo(void)
{
    (void)pthread_once(&cairo_once, load_cairo);
    return has_cairo ? &cairo : NULL;
}

const struct kp_plate_qrencode *kp_plate_qrencode(void)
{
    (void)pthread_once(&qrencode_once, load_qrencode);
    return has_qrencode ? &qrencode : NULL;
}

int kp_plate_libraries(char why[static KP_PLATE_WHY_LEN])
{
    bool no_cairo = kp_plate_cairo() == NULL, no_qrencode = kp_plate_qrencode() == NULL;
    if (no_cairo || no_qrencode) {
        (void)snprintf(why, KP_PLATE_WHY_LEN,
                       "labels are drawn by %s%s%s, which can't be loaded (install %s%s%s)",
                       no_cairo ? CAIRO : "", no_cairo && no_qrencode ? " and " : "",
                       no_qrencode ? QRENCODE : "", no_cairo ? "libcairo2" : "",
                       no_cairo && no_qrencode ? " and " : "", no_qrencode ? "libqrencode4" : "");
        return KP_E_NOT_FOUND;
    }
    if (!kp_plate_font_is_there()) {
        (void)snprintf(why, KP_PLATE_WHY_LEN,
                       "there is no font to print labels with (install fonts-dejavu-core)");
        return KP_E_NOT_FOUND;
    }
    return 0;
}
