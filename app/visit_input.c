/* What the person does in a visit's pages: see visit_input.h. */
#include "visit_input.h"

struct input {
    WebKitWebView *view;
    void (*acted)(gpointer owner);
    gpointer owner;
    double x, y; /* of the pointer */
};

static const double zooms[] = {0.3, 0.5, 0.67, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2, 2.5, 3};

void kp_visit_input_zoom(WebKitWebView *view, int way)
{
    const int count = (int)G_N_ELEMENTS(zooms);
    double now = webkit_web_view_get_zoom_level(view);
    int at = 0;
    while (at < count - 1 && zooms[at] < now - 0.005)
        at++;
    if (way > 0 && zooms[at] > now + 0.005)
        at--; /* it was between two */
    webkit_web_view_set_zoom_level(view, zooms[CLAMP(at + way, 0, count - 1)]);
}

static gboolean zooms_by_wheel(struct input *input, GdkEvent *event)
{
    double dx, dy = 0;
    GdkScrollDirection way = gdk_scroll_event_get_direction(event);
    if ((gdk_event_get_modifier_state(event) & GDK_CONTROL_MASK) == 0)
        return FALSE;
    if (way == GDK_SCROLL_SMOOTH)
        gdk_scroll_event_get_deltas(event, &dx, &dy);
    else
        dy = way == GDK_SCROLL_UP ? -1 : way == GDK_SCROLL_DOWN ? 1 : 0;
    if (dy != 0)
        kp_visit_input_zoom(input->view, dy < 0 ? 1 : -1);
    return TRUE;
}

/* A pointer that lies still is told about too, when what is under it moves. */
static gboolean has_moved(struct input *input, GdkEvent *event)
{
    double x = 0, y = 0;
    gboolean has;
    (void)gdk_event_get_position(event, &x, &y);
    has = x != input->x || y != input->y;
    input->x = x;
    input->y = y;
    return has;
}

static gboolean is_act(struct input *input, GdkEvent *event)
{
    switch (gdk_event_get_event_type(event)) {
    case GDK_MOTION_NOTIFY:
        return has_moved(input, event);
    case GDK_BUTTON_PRESS:
    case GDK_KEY_PRESS:
    case GDK_SCROLL:
    case GDK_TOUCH_BEGIN:
    case GDK_TOUCH_UPDATE:
    case GDK_TOUCHPAD_SWIPE:
    case GDK_TOUCHPAD_PINCH:
        return TRUE;
    default:
        return FALSE;
    }
}

static gboolean event_came(GtkEventControllerLegacy *events, GdkEvent *event, gpointer data)
{
    struct input *input = data;
    gboolean taken;
    (void)events;
    if (!is_act(input, event))
        return FALSE;
    taken = gdk_event_get_event_type(event) == GDK_SCROLL && zooms_by_wheel(input, event);
    input->acted(input->owner);
    return taken;
}

static void free_input(gpointer data, GClosure *closure)
{
    (void)closure;
    g_free(data);
}

void kp_visit_input_watch(GtkWidget *widget, WebKitWebView *view, void (*acted)(gpointer owner),
                          gpointer owner)
{
    GtkEventController *events = gtk_event_controller_legacy_new();
    struct input *input = g_new0(struct input, 1);
    input->view = view;
    input->acted = acted;
    input->owner = owner;
    gtk_event_controller_set_propagation_phase(events, GTK_PHASE_CAPTURE);
    (void)g_signal_connect_data(events, "event", G_CALLBACK(event_came), input, free_input, 0);
    gtk_widget_add_controller(widget, events);
}
