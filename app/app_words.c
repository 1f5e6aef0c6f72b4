/* The words of the app's own windows: see app_words.h. */
#include "app_words.h"

#include <glib.h>
#include <string.h>

#include "client/words.h"

static const char *const words[KP_A_WORDS][KP_LANGUAGES] = {
    [KP_A_START_TITLE] = {"Devices", "Geräte"},
    [KP_A_ADDRESS] = {"Address of a device", "Adresse eines Geräts"},
    [KP_A_ADDRESS_HINT] = {"192.168.1.1 or keyplate://…", "192.168.1.1 oder keyplate://…"},
    [KP_A_GO] = {"Log in", "Anmelden"},
    [KP_A_PICTURE] = {"From a picture of the label…", "Von einem Bild des Etiketts…"},
    [KP_A_PICTURE_TITLE] = {"A picture of the label's QR code",
                            "Ein Bild vom QR-Code des Etiketts"},
    [KP_A_PICTURE_OPEN] = {"Read", "Lesen"},
    [KP_A_PICTURE_NONE] = {"There is no QR code to be read in that picture. Try one that is taken "
                           "closer and straight.",
                           "In dem Bild ist kein QR-Code zu lesen. Versuchen Sie eines, das näher "
                           "und gerader aufgenommen ist."},
    [KP_A_PICTURE_OTHER] = {"That QR code is not of a device's label: it has no keyplate:// link.",
                            "Der QR-Code ist nicht vom Etikett eines Geräts: er hat keine Adresse, "
                            "die mit keyplate:// beginnt."},
    [KP_A_PICTURE_UNREAD] = {"That file can't be read as a picture.",
                             "Die Datei lässt sich nicht als Bild lesen."},
    [KP_A_SAVED] = {"Saved", "Gespeichert"},
    [KP_A_SAVED_NONE] = {"Devices that you logged in to are listed here.",
                         "Geräte, an denen Sie angemeldet waren, stehen hier."},
    [KP_A_NEAR] = {"Near, by their own word", "In der Nähe, nach eigenem Wort"},
    [KP_A_NEAR_NONE] = {"No device says that it is near.", "Kein Gerät meldet sich in der Nähe."},
    [KP_A_NEAR_WORD] = {"Anybody can claim any name here. Only a login proves which device it is.",
                        "Hier kann jeder jeden Namen angeben. Nur eine Anmeldung beweist, welches "
                        "Gerät es ist."},
    [KP_A_FORGET] = {"Forget", "Vergessen"},
    [KP_A_FORGET_ONE] = {"Forget {what}", "{what} vergessen"},
    [KP_A_FORGET_ASK] = {"Forget {what}? What is saved of it goes, and so does its password in the "
                         "keyring. The next login is like the first one.",
                         "{what} vergessen? Was davon gespeichert ist, geht verloren, auch das "
                         "Passwort im Schlüsselbund. Die nächste Anmeldung ist wie die erste."},
    [KP_A_LIST_FAILED] = {"The saved devices can't be read.",
                          "Die gespeicherten Geräte lassen sich nicht lesen."},

    [KP_A_LOGIN_TITLE] = {"Log in to {what}", "Anmelden an {what}"},
    [KP_A_LOGIN_NEW] = {"This device is not known here yet. The password on its label proves it.",
                        "Dieses Gerät ist hier noch nicht bekannt. Das Passwort auf seinem Etikett "
                        "beweist es."},
    [KP_A_LOGIN_ID] = {"Device id {what}", "Gerätekennung {what}"},
    [KP_A_USER] = {"User name", "Benutzername"},
    [KP_A_PASSWORD] = {"Password", "Passwort"},
    [KP_A_PASSWORD_HINT] = {"As on the label: xxxxx-xxxxx-xxxxx",
                            "Wie auf dem Etikett: xxxxx-xxxxx-xxxxx"},
    [KP_A_PASSWORD_KEPT] =
        {"Left empty, the one in the keyring is taken, if there is one.",
         "Bleibt es leer, wird das im Schlüsselbund genommen, wenn dort eins ist."},
    [KP_A_CAPS] = {"Caps Lock is on.", "Die Feststelltaste ist eingerastet."},
    [KP_A_TYPO] = {"This looks like a label's password with a typing error.",
                   "Das sieht aus wie das Passwort eines Etiketts mit einem Tippfehler."},
    [KP_A_TYPO_ASK] = {"Nothing was sent: this looks like a label's password with a typing error. "
                       "Compare it with the label.",
                       "Nichts wurde gesendet: das sieht aus wie das Passwort eines Etiketts mit "
                       "einem Tippfehler. Vergleichen Sie es mit dem Etikett."},
    [KP_A_REMEMBER] = {"Keep the password in this computer's keyring",
                       "Das Passwort im Schlüsselbund dieses Computers behalten"},
    [KP_A_LOG_IN] = {"Log in", "Anmelden"},
    [KP_A_LOG_IN_ANYWAY] = {"Try it all the same", "Trotzdem versuchen"},
    [KP_A_CANCEL] = {"Cancel", "Abbrechen"},
    [KP_A_PROVING] = {"{what} has to prove that it knows the password…",
                      "{what} muss beweisen, dass es das Passwort kennt…"},

    [KP_A_PROVED] = {"Proved: {what}", "Ausgewiesen: {what}"},
    [KP_A_BACK] = {"Back", "Zurück"},
    [KP_A_RELOAD] = {"Reload", "Neu laden"},
    [KP_A_STOP] = {"Stop", "Anhalten"},
    [KP_A_MENU] = {"Menu", "Menü"},
    [KP_A_FIND] = {"Find in page", "Auf der Seite suchen"},
    [KP_A_ZOOM_IN] = {"Larger", "Größer"},
    [KP_A_ZOOM_OUT] = {"Smaller", "Kleiner"},
    [KP_A_ZOOM_NORMAL] = {"Normal size", "Normale Größe"},
    [KP_A_LOG_OUT] = {"Log out", "Abmelden"},
    [KP_A_SETTINGS] = {"Settings", "Einstellungen"},
    [KP_A_ABOUT] = {"About Keyplate", "Über Keyplate"},
    [KP_A_FACT_WHO] = {"Logged in as", "Angemeldet als"},
    [KP_A_FACT_ADDRESS] = {"Address", "Adresse"},
    [KP_A_FACT_ID] = {"Device id", "Gerätekennung"},
    [KP_A_FACT_PROTOCOL] = {"Protocol", "Protokoll"},
    [KP_A_FACT_PROOF] = {"Proved by", "Bewiesen durch"},
    [KP_A_FACT_SUITE] = {"Cipher suite", "Verschlüsselung"},
    [KP_A_FACT_SINCE] = {"Since", "Seit"},
    [KP_A_PROOF_SRP] = {"the password (SRP)", "das Passwort (SRP)"},
    [KP_A_PROOF_SPAKE] = {"the password and its id (SPAKE2+)",
                          "das Passwort und seine Kennung (SPAKE2+)"},
    [KP_A_OUTSIDE] = {"The page leads out of the device, to {what}. Open that in this computer's "
                      "browser?",
                      "Die Seite führt aus dem Gerät hinaus, zu {what}. Im Browser dieses "
                      "Computers öffnen?"},
    [KP_A_OUTSIDE_OPEN] = {"Open", "Öffnen"},
    [KP_A_LOGGED_OUT] = {"Logged out of {what}. Keys, cookies and pages are gone.",
                         "Abgemeldet von {what}. Schlüssel, Cookies und Seiten sind gelöscht."},
    [KP_A_LOGGED_IDLE] = {"Logged out of {what}: nobody did anything for a while.",
                          "Abgemeldet von {what}: eine Weile hat niemand etwas getan."},
    [KP_A_LEFT] = {"{what} was logged out.", "{what} wurde abgemeldet."},

    [KP_A_TROUBLE_PROOF] = {"The proof failed", "Der Beweis ist gescheitert"},
    [KP_A_TROUBLE_STRANGER] = {"This is another device", "Das ist ein anderes Gerät"},
    [KP_A_TROUBLE_OTHER] = {"No connection", "Keine Verbindung"},
    [KP_A_TROUBLE_NOTHING] =
        {"Nothing of the device's pages is shown, and nothing goes to it.",
         "Von den Seiten des Geräts wird nichts gezeigt, und nichts geht dorthin."},
    [KP_A_TROUBLE_AGAIN] = {"Try again", "Noch einmal versuchen"},
    [KP_A_TROUBLE_BACK] = {"Back to the devices", "Zurück zu den Geräten"},

    [KP_A_IDLE] = {"Log out after so many minutes without anybody doing anything",
                   "Nach so vielen Minuten ohne Bedienung abmelden"},
    [KP_A_IDLE_NEVER] = {"0: never", "0: nie"},
    [KP_A_CLOSE] = {"Close", "Schließen"},
    [KP_A_UNSAVED] = {"The settings can't be saved.",
                      "Die Einstellungen lassen sich nicht speichern."},
    [KP_A_NO_ENGINE] = {"Keyplate can't start here.", "Keyplate kann hier nicht starten."},
    [KP_A_LINK_SECRET] = {"a link with a password in it is not taken from the command line, where "
                          "others can read it: leave out what comes from # on",
                          "eine Adresse mit einem Passwort darin wird nicht von der Befehlszeile "
                          "genommen, wo andere sie lesen: lassen Sie weg, was ab # kommt"},
    [KP_A_ABOUT_TEXT] =
        {"Logs in to devices by the password on their label, and shows their pages.",
         "Meldet an Geräten mit dem Passwort ihres Etiketts an und zeigt ihre Seiten."},
};

const char *kp_app_word(enum kp_app_word word)
{
    return words[word][kp_language_of_person()];
}

char *kp_app_say(enum kp_app_word word, const char *what)
{
    const char *text = kp_app_word(word);
    const char *at = what != NULL ? strstr(text, "{what}") : NULL;
    if (at == NULL)
        return g_strdup(text);
    return g_strdup_printf("%.*s%s%s", (int)(at - text), text, what, at + strlen("{what}"));
}
