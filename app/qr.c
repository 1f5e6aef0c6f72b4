/* Reads the link of a device from a picture of its label: see qr.h. */
#include "qr.h"

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <string.h>
#ifdef KP_HAVE_ZBAR
#include <zbar.h>
#endif

#define SIDE_MOST 1600 /* pixels: more shows a label no better */
#define BYTES_MOST (64 * 1024 * 1024)
#define LINK "keyplate://"

void kp_qr_free_password(char *password)
{
    if (password != NULL)
        explicit_bzero(password, strlen(password));
    g_free(password);
}

char *kp_qr_take_password(char *link)
{
    char *fragment = strchr(link, '#');
    char *password = NULL;
    if (fragment == NULL)
        return NULL;
    if (g_str_has_prefix(fragment, "#p="))
        password = g_uri_unescape_string(fragment + 3, NULL);
    explicit_bzero(fragment, strlen(fragment));
    return password;
}

#ifdef KP_HAVE_ZBAR

/* The picture in shades of grey, a byte each; the caller's. */
static guint8 *grey_of(const GdkPixbuf *picture, unsigned width, unsigned height)
{
    int channels = gdk_pixbuf_get_n_channels(picture), stride = gdk_pixbuf_get_rowstride(picture);
    const guint8 *pixels = gdk_pixbuf_read_pixels(picture);
    guint8 *grey = g_malloc((gsize)width * height);
    for (unsigned y = 0; y < height; y++) {
        const guint8 *at = pixels + (gsize)y * (gsize)stride;
        for (unsigned x = 0; x < width; x++, at += channels) {
            /* What is clear is paper. */
            unsigned alpha = channels == 4 ? at[3] : 255;
            unsigned shade = (299u * at[0] + 587u * at[1] + 114u * at[2]) / 1000;
            grey[(gsize)y * width + x] = (guint8)((shade * alpha + 255 * (255 - alpha)) / 255);
        }
    }
    return grey;
}

static enum kp_qr_result scan(const guint8 *grey, unsigned width, unsigned height, char **text)
{
    enum kp_qr_result result = KP_QR_NONE;
    zbar_image_scanner_t *scanner = zbar_image_scanner_create();
    zbar_image_t *image = zbar_image_create();
    (void)zbar_image_scanner_set_config(scanner, ZBAR_NONE, ZBAR_CFG_ENABLE, 0);
    (void)zbar_image_scanner_set_config(scanner, ZBAR_QRCODE, ZBAR_CFG_ENABLE, 1);
    zbar_image_set_format(image, zbar_fourcc('Y', '8', '0', '0'));
    zbar_image_set_size(image, width, height);
    zbar_image_set_data(image, grey, (gulong)width * height, NULL);
    (void)zbar_scan_image(scanner, image);
    for (const zbar_symbol_t *symbol = zbar_image_first_symbol(image);
         symbol != NULL && result != KP_QR_FOUND; symbol = zbar_symbol_next(symbol)) {
        const char *data = zbar_symbol_get_data(symbol);
        result = KP_QR_OTHER;
        if (g_str_has_prefix(data, LINK) && strlen(data) == zbar_symbol_get_data_length(symbol)) {
            *text = g_strdup(data);
            result = KP_QR_FOUND;
        }
    }
    zbar_image_destroy(image);
    zbar_image_scanner_destroy(scanner);
    return result;
}

static GdkPixbuf *load(GFile *file)
{
    g_autoptr(GFileInfo) info =
        g_file_query_info(file, G_FILE_ATTRIBUTE_STANDARD_SIZE "," G_FILE_ATTRIBUTE_STANDARD_TYPE,
                          G_FILE_QUERY_INFO_NONE, NULL, NULL);
    g_autofree char *path = g_file_get_path(file);
    if (info == NULL || path == NULL || g_file_info_get_file_type(info) != G_FILE_TYPE_REGULAR ||
        g_file_info_get_size(info) > BYTES_MOST)
        return NULL;
    int width = 0, height = 0;
    if (gdk_pixbuf_get_file_info(path, &width, &height) == NULL || width <= 0 || height <= 0)
        return NULL;
    if (width <= SIDE_MOST && height <= SIDE_MOST)
        return gdk_pixbuf_new_from_file(path, NULL);
    return gdk_pixbuf_new_from_file_at_size(path, SIDE_MOST, SIDE_MOST, NULL);
}

enum kp_qr_result kp_qr_read(GFile *file, char **link, char **password)
{
    g_autoptr(GdkPixbuf) picture = load(file);
    enum kp_qr_result result;
    guint8 *grey;
    if (picture == NULL || gdk_pixbuf_get_bits_per_sample(picture) != 8 ||
        gdk_pixbuf_get_n_channels(picture) < 3)
        return KP_QR_UNREAD;
    unsigned width = (unsigned)gdk_pixbuf_get_width(picture);
    unsigned height = (unsigned)gdk_pixbuf_get_height(picture);
    grey = grey_of(picture, width, height);
    result = scan(grey, width, height, link);
    g_free(grey);
    if (result == KP_QR_FOUND)
        *password = kp_qr_take_password(*link);
    return result;
}

#else

enum kp_qr_result kp_qr_read(GFile *file, char **link, char **password)
{
    (void)file;
    (void)link;
    (void)password;
    return KP_QR_UNREAD;
}

#endif
