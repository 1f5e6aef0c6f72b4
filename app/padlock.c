/* The teal padlock of the title bar: see padlock.h. */
#include "padlock.h"

#include <string.h>

#include "app_words.h"
#include "parts.h"
#include "talk.h"

struct kp_padlock {
    GtkWidget *button, *name, *where, *facts, *popover;
    void (*out)(gpointer owner);
    gpointer owner;
};

static void clicked_out(GtkButton *button, gpointer data)
{
    struct kp_padlock *padlock = data;
    (void)button;
    gtk_popover_popdown(GTK_POPOVER(padlock->popover));
    padlock->out(padlock->owner);
}

static GtkWidget *face(struct kp_padlock *padlock)
{
    GtkWidget *row = kp_part_row(8), *column = kp_part_column(0);
    GtkWidget *icon = gtk_image_new_from_resource("/org/keyplate/App/proved.svg");
    padlock->name = gtk_label_new("");
    padlock->where = gtk_label_new("");
    gtk_widget_add_css_class(padlock->name, "kp-name");
    gtk_widget_add_css_class(padlock->where, "caption");
    gtk_label_set_ellipsize(GTK_LABEL(padlock->name), PANGO_ELLIPSIZE_END);
    gtk_label_set_ellipsize(GTK_LABEL(padlock->where), PANGO_ELLIPSIZE_END);
    gtk_label_set_width_chars(GTK_LABEL(padlock->name), 11);
    gtk_label_set_xalign(GTK_LABEL(padlock->name), 0);
    gtk_label_set_xalign(GTK_LABEL(padlock->where), 0);
    gtk_box_append(GTK_BOX(column), padlock->name);
    gtk_box_append(GTK_BOX(column), padlock->where);
    gtk_widget_set_valign(column, GTK_ALIGN_CENTER);
    gtk_box_append(GTK_BOX(row), icon);
    gtk_box_append(GTK_BOX(row), column);
    return row;
}

static GtkWidget *inside(struct kp_padlock *padlock)
{
    GtkWidget *column = kp_part_column(12);
    GtkWidget *out = gtk_button_new_with_label(kp_app_word(KP_A_LOG_OUT));
    padlock->facts = gtk_grid_new();
    gtk_grid_set_row_spacing(GTK_GRID(padlock->facts), 6);
    gtk_grid_set_column_spacing(GTK_GRID(padlock->facts), 12);
    kp_part_margins(column, 8);
    g_signal_connect(out, "clicked", G_CALLBACK(clicked_out), padlock);
    gtk_box_append(GTK_BOX(column), padlock->facts);
    gtk_box_append(GTK_BOX(column), out);
    return column;
}

struct kp_padlock *kp_padlock_new(void (*out)(gpointer owner), gpointer owner)
{
    struct kp_padlock *padlock = g_new0(struct kp_padlock, 1);
    padlock->out = out;
    padlock->owner = owner;
    padlock->button = gtk_menu_button_new();
    padlock->popover = gtk_popover_new();
    gtk_widget_add_css_class(padlock->button, "kp-padlock");
    gtk_menu_button_set_child(GTK_MENU_BUTTON(padlock->button), face(padlock));
    gtk_popover_set_child(GTK_POPOVER(padlock->popover), inside(padlock));
    gtk_menu_button_set_popover(GTK_MENU_BUTTON(padlock->button), padlock->popover);
    (void)g_object_ref_sink(padlock->button);
    return padlock;
}

GtkWidget *kp_padlock_widget(struct kp_padlock *padlock)
{
    return padlock->button;
}

/* ---- The facts --------------------------------------------------------------------------- */

static void empty_grid(GtkWidget *grid)
{
    GtkWidget *child;
    while ((child = gtk_widget_get_first_child(grid)) != NULL)
        gtk_grid_remove(GTK_GRID(grid), child);
}

static void add_fact(struct kp_padlock *padlock, int *row, enum kp_app_word name, const char *text)
{
    GtkWidget *label, *value;
    if (text == NULL || text[0] == '\0')
        return;
    label = kp_part_label(kp_app_word(name), "dim-label");
    value = kp_part_label(text, NULL);
    gtk_widget_set_valign(label, GTK_ALIGN_START);
    gtk_label_set_selectable(GTK_LABEL(value), TRUE);
    gtk_label_set_max_width_chars(GTK_LABEL(value), 24);
    gtk_grid_attach(GTK_GRID(padlock->facts), label, 0, *row, 1, 1);
    gtk_grid_attach(GTK_GRID(padlock->facts), value, 1, *row, 1, 1);
    (*row)++;
}

static char *since_of(const cJSON *device)
{
    const cJSON *since = cJSON_GetObjectItemCaseSensitive(device, "since");
    g_autoptr(GDateTime) time = NULL;
    if (!cJSON_IsNumber(since))
        return NULL;
    time = g_date_time_new_from_unix_local((gint64)since->valuedouble);
    return time != NULL ? g_date_time_format(time, "%x, %X") : NULL;
}

void kp_padlock_show(struct kp_padlock *padlock, const cJSON *device)
{
    const char *name = kp_talk_text(device, "name"), *where = kp_talk_text(device, "where");
    gboolean spake = strcmp(kp_talk_text(device, "proof"), "spake2plus") == 0;
    g_autofree char *since = since_of(device);
    g_autofree char *called = kp_app_say(KP_A_PROVED, name);
    int row = 0;
    gtk_label_set_text(GTK_LABEL(padlock->name), name);
    gtk_label_set_text(GTK_LABEL(padlock->where), where);
    gtk_widget_set_tooltip_text(padlock->button, called);
    kp_part_call(padlock->button, called);
    empty_grid(padlock->facts);
    add_fact(padlock, &row, KP_A_FACT_WHO, kp_talk_text(device, "user"));
    add_fact(padlock, &row, KP_A_FACT_ADDRESS, where);
    add_fact(padlock, &row, KP_A_FACT_ID, kp_talk_text(device, "device_id"));
    add_fact(padlock, &row, KP_A_FACT_PROTOCOL, kp_talk_text(device, "protocol"));
    add_fact(padlock, &row, KP_A_FACT_PROOF,
             kp_app_word(spake ? KP_A_PROOF_SPAKE : KP_A_PROOF_SRP));
    add_fact(padlock, &row, KP_A_FACT_SUITE, kp_talk_text(device, "suite"));
    add_fact(padlock, &row, KP_A_FACT_SINCE, since);
}

void kp_padlock_free(struct kp_padlock *padlock)
{
    if (padlock == NULL)
        return;
    g_object_unref(padlock->button);
    g_free(padlock);
}
