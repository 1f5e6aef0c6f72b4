/* The words around the device's pages: see visit_words.h. */
#include "visit_words.h"

#include <string.h>

#include "client/words.h"

static const char *const words[KP_V_WORDS][KP_LANGUAGES] = {
    [KP_V_FAILED] =
        {"The page could not be loaded whole: {what} does not answer, or the connection "
         "broke off.",
         "Die Seite konnte nicht ganz geladen werden: {what} antwortet nicht, oder die "
         "Verbindung brach ab."},
    [KP_V_FAILED_TLS] = {"The way to {what} inside this computer is not the one that was laid: "
                         "nothing is loaded over it.",
                         "Der Weg zu {what} in diesem Computer ist nicht der angelegte: über ihn "
                         "wird nichts geladen."},
    [KP_V_CRASHED] = {"What shows the pages has crashed. Reloading starts it again.",
                      "Was die Seiten anzeigt, ist abgestürzt. Neu laden startet es wieder."},
    [KP_V_CIRCLE] = {"{what} sends its page in a circle between http and https.",
                     "{what} schickt seine Seite im Kreis zwischen http und https."},

    [KP_V_PAGE_SAYS] = {"The page of {what} says", "Die Seite von {what} sagt"},
    [KP_V_LEAVE] = {"Leave this page? What was typed into it may be lost.",
                    "Diese Seite verlassen? Was darin eingegeben wurde, geht vielleicht verloren."},
    [KP_V_LEAVE_YES] = {"Leave", "Verlassen"},
    [KP_V_LEAVE_NO] = {"Stay", "Bleiben"},
    [KP_V_PAGE_ASKS_LOGIN] = {"The page of {what} asks for a login of its own",
                              "Die Seite von {what} verlangt eine eigene Anmeldung"},
    [KP_V_PAGE_ASKS_AGAIN] = {"It did not take that. Try again:",
                              "Das hat sie nicht angenommen. Noch einmal:"},
    [KP_V_PAGE_LOGIN_IS_ITS_OWN] =
        {"This goes to the device's page, and is not the password that proves the device.",
         "Das geht an die Seite des Geräts und ist nicht das Passwort, mit dem es sich ausweist."},
    [KP_V_USER] = {"Name", "Name"},
    [KP_V_PASSWORD] = {"Password", "Passwort"},
    [KP_V_LOG_IN] = {"Log in", "Anmelden"},
    [KP_V_OK] = {"OK", "OK"},
    [KP_V_CANCEL] = {"Cancel", "Abbrechen"},
    [KP_V_ANSWER] = {"Answer", "Antwort"},

    [KP_V_FIND] = {"Find in page", "Auf der Seite suchen"},
    [KP_V_FIND_NEXT] = {"Next", "Weiter"},
    [KP_V_FIND_PREVIOUS] = {"Previous", "Zurück"},
    [KP_V_FIND_NONE] = {"not found", "nicht gefunden"},
    [KP_V_FIND_ONE] = {"once", "einmal"},
    [KP_V_FIND_SOME] = {"{what} times", "{what}-mal"},

    [KP_V_SAVE_AS] = {"Save file", "Datei speichern"},
    [KP_V_SAVE] = {"Save", "Speichern"},
    [KP_V_SAVING] = {"{what} is being saved", "{what} wird gespeichert"},
    [KP_V_SAVED] = {"{what} is saved", "{what} ist gespeichert"},
    [KP_V_SAVE_BROKEN] = {"{what} broke off: nothing is kept of it",
                          "{what} brach ab: davon bleibt nichts"},
    [KP_V_SAVE_CANT] = {"{what} can not be saved there",
                        "{what} kann dort nicht gespeichert werden"},
    [KP_V_CLOSE] = {"Close", "Schließen"},
};

char *kp_visit_say(enum kp_visit_word word, const char *what)
{
    const char *text = words[word][kp_language_of_person()];
    const char *at = what != NULL ? strstr(text, "{what}") : NULL;
    if (at == NULL)
        return g_strdup(text);
    return g_strdup_printf("%.*s%s%s", (int)(at - text), text, what, at + strlen("{what}"));
}
