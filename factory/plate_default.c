/*
 * The built-in template, which `keyplate provision --print-template` prints for vendors to change.
 */
#include "plate.h"

static const char text[] =
    "# A label of Keyplate and its sheet.  All lengths are millimetres, x from the left and y "
    "from\n"
    "# the top; decimals have a point.  doc/labels.md explains each key.\n"
    "#\n"
    "# The labels stand in the middle of the page, as many as there is room for.  These sizes are\n"
    "# those of the sheets with 21 labels of 63.5 x 38.1 that are sold for printers.\n"
    "\n"
    "[sheet]\n"
    "page = A4\n"
    "margin = 5\n"
    "gap = 2.54 0\n"
    "ruler = yes\n"
    "\n"
    "[label]\n"
    "width = 63.5\n"
    "height = 38.1\n"
    "border = 0.2\n"
    "inset = 1.2\n"
    "corner = 2\n"
    "sans = DejaVu Sans\n"
    "mono = DejaVu Sans Mono\n"
    "\n"
    "[qr]\n"
    "x = 36.8\n"
    "y = 1.7\n"
    "size = 25\n"
    "\n"
    "# line = X Y SIZE [mono] [bold] [center|right] TEXT\n"
    "# A line whose {names} are all empty is left out.\n"
    "[text]\n"
    "line = 4 7.2 4.2 bold {model}\n"
    "line = 4 11.4 2.6 Serial {serial}\n"
    "line = 4 15.6 2.4 mono https://{host}\n"
    "line = 4 20.4 2.3 bold Keyplate\n"
    "line = 4 23.4 2.1 Scan it, or sign in over https:\n"
    "line = 4 29.6 2.1 User\n"
    "line = 17 29.6 3.4 mono {user}\n"
    "line = 4 34.6 2.1 Password\n"
    "line = 17 34.6 4.1 mono bold {password}\n";

const char *kp_plate_template_text(void)
{
    return text;
}
