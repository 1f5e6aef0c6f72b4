/*
 * The table of what people are told.
 *
 * German: short and without an address to the reader ("Sie", "du"): what to do is in the
 * infinitive.  Passwort, Gerät, Etikett, Geräte-ID, angemeldet, abgemeldet.
 */
#include "words.h"

#include <stdarg.h>
#include <string.h>

static const char *const sentences[KP_WORDS][KP_LANGUAGES] = {
    [KP_W_OUT_OF_MEMORY] = {"out of memory", "der Arbeitsspeicher reicht nicht"},

    /* ---- Why a connection didn't come about ---- */
    [KP_W_PROOF] =
        {"wrong name or password, or this is not your device: someone may be in between",
         "Name oder Passwort ist falsch, oder das ist nicht das richtige Gerät: vielleicht ist "
         "jemand dazwischen"},
    [KP_W_STRANGER] = {"another device than the one that is remembered answers at {where}: it "
                       "knows the password, but its device id is another",
                       "unter {where} antwortet ein anderes Gerät als das gespeicherte: es kennt "
                       "das Passwort, aber seine Geräte-ID ist eine andere"},
    [KP_W_UNRESOLVED] = {"there is no device by the name of {where}: check the spelling, or use "
                         "its address",
                         "es gibt kein Gerät mit dem Namen {where}: stimmt die Schreibweise? Sonst "
                         "hilft die Adresse"},
    [KP_W_CONNECT_REFUSED] = {"nothing listens at {where}: the device is on, but not this service "
                              "of it (is it another port?)",
                              "unter {where} nimmt niemand an: das Gerät ist an, aber nicht dieser "
                              "Dienst (ist es ein anderer Port?)"},
    [KP_W_CONNECT_SILENT] = {"nothing answers at {where}: is the device on, and on the same "
                             "network as this computer?",
                             "unter {where} antwortet nichts: ist das Gerät an und im selben Netz "
                             "wie dieser Computer?"},
    [KP_W_CONNECT_NO_WAY] = {"there is no way from here to {where}: is the address right, and this "
                             "computer on the same network?",
                             "von hier führt kein Weg zu {where}: stimmt die Adresse, und ist "
                             "dieser Computer im selben Netz?"},
    [KP_W_CONNECT_FAILED] = {"can't connect to {where}: {why}",
                             "keine Verbindung zu {where}: {why}"},
    [KP_W_HANDSHAKE_SILENT] = {"{where} takes connections but doesn't answer: it may be busy, or "
                               "speak something else than TLS",
                               "{where} nimmt Verbindungen an, antwortet aber nicht: vielleicht "
                               "ist es beschäftigt oder spricht etwas anderes als TLS"},
    [KP_W_HANDSHAKE_HUNG_UP] = {"{where} hung up during the handshake: it may not speak TLS, or be "
                                "restarting",
                                "{where} hat während des Handshakes aufgelegt: vielleicht spricht "
                                "es kein TLS oder startet gerade neu"},
    [KP_W_HANDSHAKE_ALERT] = {"{where} refused the handshake (its alert: {why})",
                              "{where} hat den Handshake abgelehnt (Meldung: {why})"},
    [KP_W_HANDSHAKE_FAILED] = {"the handshake with {where} failed: {why}",
                               "der Handshake mit {where} ist gescheitert: {why}"},
    [KP_W_WORK_SILENT] = {"nothing came from {where} for too long",
                          "von {where} kam zu lange nichts"},
    [KP_W_WORK_CUT] = {"the connection to {where} was cut: what came may not be the whole (no "
                       "close_notify)",
                       "die Verbindung zu {where} wurde abgeschnitten: was kam, ist vielleicht "
                       "nicht alles (kein close_notify)"},
    [KP_W_WORK_ALERT] = {"{where} ended the connection with an alert: {why}",
                         "{where} hat die Verbindung mit einer Meldung beendet: {why}"},
    [KP_W_WORK_FAILED] = {"the connection to {where} failed: {why}",
                          "die Verbindung zu {where} ist gescheitert: {why}"},
    [KP_W_STEP_DOWN] = {"{where} spoke TLS 1.3 before and now doesn't: someone may be in between, "
                        "or its file of passwords was changed (to use TLS 1.2 this once: --tls "
                        "1.2)",
                        "{where} konnte TLS 1.3 und jetzt nicht mehr: vielleicht ist jemand "
                        "dazwischen, oder die Passwortdatei wurde geändert (dieses eine Mal TLS "
                        "1.2: --tls 1.2)"},
    [KP_W_STEP_DOWN_SAVED] = {"{where} spoke TLS 1.3 before and now doesn't: someone may be in "
                              "between, or its file of passwords was changed (if it was reset: "
                              "keyplate devices forget {name}; to use TLS 1.2 this once: --tls "
                              "1.2)",
                              "{where} konnte TLS 1.3 und jetzt nicht mehr: vielleicht ist jemand "
                              "dazwischen, oder die Passwortdatei wurde geändert (nach einem "
                              "Zurücksetzen: keyplate devices forget {name}; dieses eine Mal TLS "
                              "1.2: --tls 1.2)"},
    [KP_W_NO_TLS12_GIVE_ID] = {"{where} doesn't take TLS 1.2. If it is a Keyplate device of TLS "
                               "1.3 alone, give the id on its label: --device-id ID",
                               "{where} nimmt kein TLS 1.2. Ist es ein Keyplate-Gerät nur mit TLS "
                               "1.3, hilft die ID vom Etikett: --device-id ID"},
    [KP_W_NO_TLS12_LEAVE_OUT] = {"{where} doesn't take TLS 1.2. If it is a Keyplate device of TLS "
                                 "1.3 alone, leave out --tls 1.2",
                                 "{where} nimmt kein TLS 1.2. Ist es ein Keyplate-Gerät nur mit "
                                 "TLS 1.3, dann --tls 1.2 weglassen"},
    [KP_W_NO_TLS12_LEAVE_OUT_GIVE_ID] =
        {"{where} doesn't take TLS 1.2. If it is a Keyplate device of TLS 1.3 alone, leave out "
         "--tls 1.2, and give the id on its label: --device-id ID",
         "{where} nimmt kein TLS 1.2. Ist es ein Keyplate-Gerät nur mit TLS 1.3, dann --tls 1.2 "
         "weglassen und die ID vom Etikett angeben: --device-id ID"},
    [KP_W_OTHER_FORM] = {"{where} takes no TLS 1.3 in the form of --pake boringssl: leave --pake "
                         "out (ietf)",
                         "{where} nimmt kein TLS 1.3 in der Form von --pake boringssl: --pake "
                         "weglassen (ietf)"},
    [KP_W_NO_PASSWORD_TLS13] =
        {"{where} takes no password by TLS 1.3 as it was offered: it is an ordinary router or web "
         "site with a certificate, or a device of TLS 1.2 alone (--tls 1.2) or of the other form "
         "of TLS 1.3 (--pake {form})",
         "{where} nimmt kein Passwort über TLS 1.3, wie es angeboten wurde: das ist ein "
         "gewöhnlicher Router oder eine Webseite mit Zertifikat, oder ein Gerät nur mit TLS 1.2 "
         "(--tls 1.2) oder mit der anderen Form von TLS 1.3 (--pake {form})"},
    [KP_W_ORDINARY] = {"{where} is a server with a certificate that takes no password at this "
                       "level: an ordinary router or web site, not a Keyplate device",
                       "{where} ist ein Server mit Zertifikat, der auf dieser Ebene kein Passwort "
                       "nimmt: ein gewöhnlicher Router oder eine Webseite, kein Keyplate-Gerät"},
    [KP_W_ORDINARY_OR_FORM] =
        {"{where} is a server with a certificate that takes no password at this level: an ordinary "
         "router or web site, not a Keyplate device (or one of the other form of TLS 1.3 alone: "
         "--pake {form})",
         "{where} ist ein Server mit Zertifikat, der auf dieser Ebene kein Passwort nimmt: ein "
         "gewöhnlicher Router oder eine Webseite, kein Keyplate-Gerät (oder eines nur mit der "
         "anderen Form von TLS 1.3: --pake {form})"},
    [KP_W_ONLY_TLS12] = {"{where} speaks TLS 1.2 and not 1.3: leave out --tls 1.3 to use that",
                         "{where} spricht TLS 1.2 und nicht 1.3: dafür --tls 1.3 weglassen"},
    [KP_W_WRONG_ANSWER] = {"{where} answers wrongly, or in another form of TLS 1.3 than the one "
                           "that was offered (--pake {form} offers that)",
                           "{where} antwortet falsch oder in einer anderen Form von TLS 1.3 als "
                           "der angebotenen (--pake {form} bietet diese an)"},
    [KP_W_PLAIN_HTTP] = {"{where} speaks plain HTTP, which protects nothing: this is not the "
                         "device's TLS port (try port 443)",
                         "{where} spricht HTTP ohne TLS, das nichts schützt: das ist nicht der "
                         "TLS-Port des Geräts (vielleicht 443)"},
    [KP_W_NOT_TLS] = {"{where} doesn't speak TLS: this is the port of something else",
                      "{where} spricht kein TLS: der Port gehört zu etwas anderem"},
    [KP_W_WEAK_GROUP] = {"{where} uses a weak SRP group (shorter than 2048 bits, or unknown): the "
                         "password was not used with it",
                         "{where} verwendet eine schwache SRP-Gruppe (kürzer als 2048 Bit oder "
                         "unbekannt): das Passwort wurde damit nicht verwendet"},
    [KP_W_TICKET_REFUSED] = {"{where} didn't take the ticket: the password has to be used again",
                             "{where} hat das Ticket nicht genommen: das Passwort wird noch einmal "
                             "gebraucht"},
    [KP_W_MORE_ID] = {"if they are right, then the device id \"{id}\" is not this device's",
                      "sind sie richtig, dann ist \"{id}\" nicht die ID dieses Geräts"},
    [KP_W_MORE_SAVED] = {"{name} is saved with the device id \"{id}\": if it was reset or replaced "
                         "it has another one; then forget it and start again (keyplate devices "
                         "forget {name})",
                         "{name} ist mit der Geräte-ID \"{id}\" gespeichert: nach einem "
                         "Zurücksetzen oder Tausch ist sie eine andere; dann bitte vergessen und "
                         "noch einmal (keyplate devices forget {name})"},
    [KP_W_TRIED] = {"tried: {tls12}", "versucht: {tls12}"},
    [KP_W_TRIED_ID_GIVEN] = {"tried: TLS 1.3, SPAKE2+ ({form}), id \"{id}\" (given){tls12}",
                             "versucht: TLS 1.3, SPAKE2+ ({form}), ID \"{id}\" "
                             "(angegeben){tls12}"},
    [KP_W_TRIED_ID_SAVED] = {"tried: TLS 1.3, SPAKE2+ ({form}), id \"{id}\" (saved){tls12}",
                             "versucht: TLS 1.3, SPAKE2+ ({form}), ID \"{id}\" "
                             "(gespeichert){tls12}"},
    [KP_W_SLOWED] = {"the device may be slowing guesses: wait {seconds} s before the next",
                     "das Gerät bremst vielleicht Versuche: vor dem nächsten {seconds} s warten"},

    /* ---- Which device is meant ---- */
    [KP_W_DEVICE_MISSING] = {"the device is missing: its address, link or saved name",
                             "das Gerät fehlt: seine Adresse, sein Link oder gespeicherter Name"},
    [KP_W_CHOICE] = {"{option} is one of {choices}, not {given}",
                     "{option} ist eins von {choices}, nicht {given}"},
    [KP_W_PAKE_WITHOUT_TLS13] = {"--pake is for TLS 1.3, which --tls 1.2 leaves out",
                                 "--pake ist für TLS 1.3, und --tls 1.2 lässt das weg"},
    [KP_W_ADDRESS_IS_LABEL] = {"the address looks like the label's password: nothing was sent (a "
                               "name is looked up in the clear)",
                               "die Adresse sieht aus wie das Passwort vom Etikett: nichts wurde "
                               "gesendet (ein Name wird im Klartext gesucht)"},
    [KP_W_ID_FAULTY] = {"--device-id: the id {fault}", "--device-id: die ID taugt nicht ({fault})"},
    [KP_W_ID_DIFFERS] = {"the link names a device id, and --device-id another one",
                         "der Link nennt eine Geräte-ID und --device-id eine andere"},
    [KP_W_ID_IS_LABEL] = {"the device id looks like the label's password: nothing was sent (an id "
                          "goes over the wire in the clear)",
                          "die Geräte-ID sieht aus wie das Passwort vom Etikett: nichts wurde "
                          "gesendet (eine ID geht im Klartext durchs Netz)"},
    [KP_W_USER_DIFFERS] = {"the link names a user, and --user another one",
                           "der Link nennt einen Namen und --user einen anderen"},
    [KP_W_USER_LONG] = {"the user name is too long", "der Name ist zu lang"},
    [KP_W_USER_IS_LABEL] = {"that looks like the label's password, not a name: nothing was sent",
                            "das sieht aus wie das Passwort vom Etikett, nicht wie ein Name: "
                            "nichts wurde gesendet"},
    [KP_W_NAME_ALONE] = {"{name} is a saved name: give it alone, without port, path or --no-save",
                         "{name} ist ein gespeicherter Name: allein angeben, ohne Port, Pfad oder "
                         "--no-save"},
    [KP_W_NO_SAVED_NAMES] = {"--no-save looks at no saved names, and --user NAME is missing",
                             "--no-save sieht keine gespeicherten Namen an, und --user NAME fehlt"},
    [KP_W_SAVED_UNREADABLE] = {"{why}; nothing was sent (--no-save does without what is "
                               "remembered)",
                               "{why}; nichts wurde gesendet (--no-save kommt ohne das "
                               "Gespeicherte aus)"},
    [KP_W_SAVED_ID_DIFFERS] =
        {"the device at {where} is saved as {name} with the device id \"{was}\", not \"{id}\": "
         "nothing was sent (if it was replaced, forget the old one first: keyplate devices forget "
         "{name})",
         "das Gerät unter {where} ist als {name} mit der Geräte-ID \"{was}\" gespeichert, nicht "
         "\"{id}\": nichts wurde gesendet (wurde es getauscht, erst das alte vergessen: keyplate "
         "devices forget {name})"},
    [KP_W_TLS13_NEEDS_ID] =
        {"--tls 1.3 needs the device id, which is on its label: --device-id ID (or --tls any once: "
         "TLS 1.2 needs none, and the device is asked for it then)",
         "--tls 1.3 braucht die Geräte-ID vom Etikett: --device-id ID (oder einmal --tls any: TLS "
         "1.2 braucht keine, und das Gerät wird dann danach gefragt)"},
    [KP_W_NOWHERE] =
        {"the link names no address, and the device isn't saved: this command can't look for it by "
         "its id (keyplate discover may show where it is: give keyplate://ID@ADDRESS/?v=1, or "
         "ADDRESS "
         "with --device-id ID)",
         "der Link nennt keine Adresse, und das Gerät ist nicht gespeichert: dieser Befehl kann es "
         "nicht nach der ID suchen (vielleicht zeigt keyplate discover, wo es ist: "
         "keyplate://ID@ADRESSE/?v=1 angeben, oder ADRESSE mit --device-id ID)"},

    /* ---- What is remembered of a device ---- */
    [KP_W_ALARM] = {"ANOTHER DEVICE ANSWERS AT {where}: it knows the password, but says that its "
                    "device id is \"{id}\"",
                    "EIN ANDERES GERÄT ANTWORTET UNTER {where}: es kennt das Passwort, nennt aber "
                    "die Geräte-ID \"{id}\""},
    [KP_W_ALARM_SAVED] = {"the device that is saved as {name} has the id \"{id}\": someone may be "
                          "in between, or another device of the same name and password has taken "
                          "this address",
                          "das als {name} gespeicherte Gerät hat die ID \"{id}\": vielleicht ist "
                          "jemand dazwischen, oder ein anderes Gerät mit demselben Namen und "
                          "Passwort hat diese Adresse bekommen"},
    [KP_W_ALARM_ASKED] = {"the device that was asked for has the id \"{id}\": someone may be in "
                          "between, or another device of the same name and password has taken this "
                          "address",
                          "das gefragte Gerät hat die ID \"{id}\": vielleicht ist jemand "
                          "dazwischen, oder ein anderes Gerät mit demselben Namen und Passwort hat "
                          "diese Adresse bekommen"},
    [KP_W_ALARM_CUT] = {"the connection is cut, and nothing was saved",
                        "die Verbindung ist getrennt, und nichts wurde gespeichert"},
    [KP_W_ALARM_CUT_BYTE] = {"the connection is cut, and nothing was saved, but what was sent "
                             "until then (1 byte) may have reached it",
                             "die Verbindung ist getrennt, und nichts wurde gespeichert; was bis "
                             "dahin gesendet wurde (1 Byte), kann aber angekommen sein"},
    [KP_W_ALARM_CUT_BYTES] = {"the connection is cut, and nothing was saved, but what was sent "
                              "until then ({count} bytes) may have reached it",
                              "die Verbindung ist getrennt, und nichts wurde gespeichert; was bis "
                              "dahin gesendet wurde ({count} Byte), kann aber angekommen sein"},
    [KP_W_ALARM_REPLACED] = {"if the device was replaced, forget the old one and start again "
                             "(keyplate devices forget {name})",
                             "wurde das Gerät getauscht, bitte das alte vergessen und noch einmal "
                             "(keyplate devices forget {name})"},
    [KP_W_ID_UNCHECKED] =
        {"it was not checked that this is the device \"{id}\": TLS 1.2 doesn't prove that, and "
         "what the device says of itself can't be read: {why}",
         "dass dies das Gerät \"{id}\" ist, wurde nicht geprüft: TLS 1.2 beweist es nicht, und was "
         "das Gerät von sich sagt, ist nicht lesbar: {why}"},
    [KP_W_TOLD_UNREAD] = {"what the device says of itself can't be read: {why}",
                          "was das Gerät von sich sagt, ist nicht lesbar: {why}"},
    [KP_W_SAVED] = {"saved this device as {name}: {where}, device id \"{id}\", user \"{user}\" "
                    "(keyplate devices lists and forgets; --no-save saves nothing)",
                    "dieses Gerät ist als {name} gespeichert: {where}, Geräte-ID \"{id}\", Name "
                    "\"{user}\" (keyplate devices zeigt und vergisst; --no-save speichert nichts)"},
    [KP_W_SAVED_MOVED] = {"saved that {name} is at {where} now",
                          "gespeichert: {name} ist jetzt unter {where}"},
    [KP_W_ELSEWHERE_FORGET] = {"{where} says that it is {name}, saved at {saved}. If it has moved: "
                               "keyplate devices forget {name}, then start again",
                               "{where} nennt sich {name}, gespeichert unter {saved}. Ist es "
                               "umgezogen: keyplate devices forget {name}, dann noch einmal"},
    [KP_W_ELSEWHERE_ID] = {"{where} says that it is {name}, saved at {saved}. If it has moved, "
                           "open it once with --device-id '{id}'",
                           "{where} nennt sich {name}, gespeichert unter {saved}. Ist es "
                           "umgezogen, einmal mit --device-id '{id}' öffnen"},
    [KP_W_ELSEWHERE_LOOK_ID] = {"{where} says that it is {name}, saved at {saved}. If it has "
                                "moved, open it once with --device-id and the id that keyplate "
                                "devices list has for {name}",
                                "{where} nennt sich {name}, gespeichert unter {saved}. Ist es "
                                "umgezogen, einmal mit --device-id und der ID öffnen, die keyplate "
                                "devices list für {name} zeigt"},
    [KP_W_CANT_SAVE] = {"this device can't be saved: {why}",
                        "dieses Gerät kann nicht gespeichert werden: {why}"},
    [KP_W_SAVE_ADDRESS_TAKEN] = {"another device is saved for this address",
                                 "unter dieser Adresse ist ein anderes Gerät gespeichert"},
    [KP_W_SAVE_TOO_MANY] = {"too many devices are saved", "zu viele Geräte sind gespeichert"},

    /* ---- Pages ---- */
    [KP_W_PAGE_GO_TO_FIRST] = {"Go to the device's first page", "Zur ersten Seite des Geräts"},
    [KP_W_PAGE_GO_TO_LIST] = {"Go to the list of devices", "Zur Liste der Geräte"},
    [KP_W_PAGE_GO_ON] = {"Go on", "Weiter"},
    [KP_W_PAGE_AGAIN] = {"Try again", "Noch einmal versuchen"},
    [KP_W_PAGE_LOG_IN_AGAIN] = {"To use it again: {open} in a terminal, or the Keyplate button of "
                                "the browser",
                                "Wieder öffnen: {open} in einem Terminal, oder der Keyplate-Knopf "
                                "des Browsers"},
    [KP_W_PAGE_UNREACHED] = {"The device can't be reached", "Das Gerät ist nicht erreichbar"},
    [KP_W_PAGE_UNREACHED_DO] = {"Load this page again when that is put right: nothing has to be "
                                "restarted here",
                                "Danach diese Seite neu laden: hier muss nichts neu gestartet "
                                "werden"},
    [KP_W_PAGE_BROKE_OFF] = {"The device broke off", "Das Gerät hat abgebrochen"},
    [KP_W_PAGE_BROKE_OFF_DO] = {"The password was being proved. Nothing more is sent until someone "
                                "logs in again: {open} in a terminal, or the Keyplate button of "
                                "the browser",
                                "Das Passwort wurde gerade geprüft. Bis zur nächsten Anmeldung "
                                "wird nichts mehr gesendet: {open} in einem Terminal, oder der "
                                "Keyplate-Knopf des Browsers"},
    [KP_W_PAGE_REFUSED] = {"The password doesn't fit any more", "Das Passwort passt nicht mehr"},
    [KP_W_PAGE_REFUSED_DO] = {"If it was changed, give the new one: {open} in a terminal, or the "
                              "Keyplate button of the browser",
                              "Wurde es geändert, das neue angeben: {open} in einem Terminal, oder "
                              "der Keyplate-Knopf des Browsers"},
    [KP_W_PAGE_REFUSED_ID] = {"If name and password are right, the device id \"{id}\" is not this "
                              "device's",
                              "Sind Name und Passwort richtig, ist \"{id}\" nicht die ID dieses "
                              "Geräts"},
    [KP_W_PAGE_REFUSED_ELSE] = {"If nobody changed it, someone may be in between",
                                "Hat es niemand geändert, ist vielleicht jemand dazwischen"},
    [KP_W_PAGE_STRANGER] = {"This is another device", "Das ist ein anderes Gerät"},
    [KP_W_PAGE_STRANGER_NOTHING_SENT] = {"Nothing more is sent to it",
                                         "An dieses Gerät wird nichts mehr gesendet"},
    [KP_W_PAGE_STRANGER_DO] = {"If the device was replaced or reset, forget the old one in a "
                               "terminal: {forget}, then {open}",
                               "Wurde das Gerät getauscht oder zurückgesetzt, das alte in einem "
                               "Terminal vergessen: {forget}, dann {open}"},
    [KP_W_PAGE_STRANGER_ELSE] = {"Otherwise someone may be in between: don't give the password "
                                 "again",
                                 "Sonst ist vielleicht jemand dazwischen: das Passwort nicht noch "
                                 "einmal angeben"},
    [KP_W_PAGE_LOGGED_OUT] = {"Logged out of {name}", "Von {name} abgemeldet"},
    [KP_W_PAGE_LOGGED_OUT_WHAT] = {"The connections are closed, and what this browser kept of the "
                                   "device's pages is cleared",
                                   "Die Verbindungen sind beendet, und was dieser Browser von den "
                                   "Seiten des Geräts behalten hat, ist gelöscht"},
    [KP_W_PAGE_NOT_IN] = {"Not logged in to {name}", "Bei {name} nicht angemeldet"},
    [KP_W_PAGE_NOT_IN_WHAT] = {"This device is saved, but nobody is logged in to it here",
                               "Dieses Gerät ist gespeichert, aber hier ist niemand angemeldet"},
    [KP_W_PAGE_TO_GET_IN] = {"To get in: {open} in a terminal, or the Keyplate button of the "
                             "browser",
                             "Hinein geht es mit {open} in einem Terminal, oder mit dem "
                             "Keyplate-Knopf des Browsers"},
    [KP_W_PAGE_PROVING] = {"Logging in to {name}", "Anmeldung bei {name}"},
    [KP_W_PAGE_PROVING_WHAT] = {"The password is being proved: this page loads again by itself",
                                "Das Passwort wird geprüft: diese Seite lädt gleich von selbst "
                                "neu"},
    [KP_W_PAGE_BAD_ANSWER] = {"The device's answer can't be read",
                              "Die Antwort des Geräts ist nicht lesbar"},
    [KP_W_PAGE_BAD_ANSWER_WHAT] = {"What {name} sent isn't proper HTTP: nothing of it was passed "
                                   "on",
                                   "Was {name} gesendet hat, ist kein richtiges HTTP: nichts davon "
                                   "wurde weitergegeben"},
    [KP_W_PAGE_BAD_ANSWER_DO] = {"Load this page again. If it stays like this, it is a fault of "
                                 "the device",
                                 "Diese Seite neu laden. Bleibt es so, ist es ein Fehler des "
                                 "Geräts"},
    [KP_W_PAGE_LATE] = {"The device didn't answer in time", "Das Gerät hat zu lange gebraucht"},
    [KP_W_PAGE_LATE_WHAT] = {"{name} took the request, and then nothing came",
                             "{name} hat die Anfrage genommen, und dann kam nichts"},
    [KP_W_PAGE_LATE_DO] = {"It may be busy: wait a little, then load this page again",
                           "Vielleicht ist es beschäftigt: etwas warten, dann diese Seite neu "
                           "laden"},
    [KP_W_PAGE_NO_SECRET] = {"This browser wasn't let in", "Kein Einlass für diesen Browser"},
    [KP_W_PAGE_NO_SECRET_WHAT] = {"Only the browser that was let in with a login can use this "
                                  "page. This one doesn't show that it is the one",
                                  "Diese Seite ist nur für den Browser da, der bei der Anmeldung "
                                  "eingelassen wurde. Dieser hat nicht gezeigt, dass er es ist"},
    [KP_W_PAGE_NO_SECRET_LINK] = {"If a link on another page led here, this may be enough",
                                  "Hat ein Link auf einer anderen Seite hierher geführt, reicht "
                                  "vielleicht das"},
    [KP_W_PAGE_FOREIGN] = {"This came from another site", "Das kam von einer anderen Webseite"},
    [KP_W_PAGE_FOREIGN_WHAT] = {"Another web page made your browser send this to the device: it "
                                "wasn't let through",
                                "Eine andere Webseite hat den Browser dazu gebracht, dies an das "
                                "Gerät zu senden: es wurde nicht durchgelassen"},
    [KP_W_PAGE_FOREIGN_DO] = {"If you meant it, do it on the device's own page",
                              "War es so gewollt, geht es auf der Seite des Geräts selbst"},
    [KP_W_PAGE_WORKER] = {"No service worker is let in", "Service Worker werden nicht eingelassen"},
    [KP_W_PAGE_WORKER_WHAT] =
        {"A service worker of the device's page would answer in its place, also "
         "after logging out",
         "Ein Service Worker der Seite des Geräts würde an ihrer Stelle "
         "antworten, auch nach dem Abmelden"},
    [KP_W_PAGE_OTHER_USER] = {"This is another user's", "Das gehört jemand anderem"},
    [KP_W_PAGE_OTHER_USER_WHAT] = {"This page belongs to another user of this computer, and only "
                                   "that user's programs are let in",
                                   "Diese Seite gehört einem anderen Benutzerkonto dieses "
                                   "Computers, und nur dessen Programme werden eingelassen"},
    [KP_W_PAGE_ASTRAY] = {"This is not the device's address",
                          "Das ist nicht die Adresse des Geräts"},
    [KP_W_PAGE_ASTRAY_WHAT] = {"No device is reached by this name here: the request wasn't let "
                               "through",
                               "Unter diesem Namen ist hier kein Gerät erreichbar: die Anfrage "
                               "wurde nicht durchgelassen"},
    [KP_W_PAGE_ASTRAY_ELSE] = {"If you didn't type that name, a web site tried to reach a device "
                               "through your browser",
                               "Wurde der Name nicht selbst eingegeben, wollte eine Webseite durch "
                               "den Browser an ein Gerät gelangen"},
    [KP_W_PAGE_NOBODY] = {"No device by this name", "Kein Gerät mit diesem Namen"},
    [KP_W_PAGE_NOBODY_WHAT] = {"There is no device here by the name of {name}: it was never "
                               "opened, or it is forgotten",
                               "Hier gibt es kein Gerät mit dem Namen {name}: es wurde nie "
                               "geöffnet, oder es ist vergessen"},
    [KP_W_PAGE_NOT_FOUND] = {"There is no such page", "Diese Seite gibt es nicht"},
    [KP_W_PAGE_NOT_FOUND_WHAT] = {"Keyplate has no page at this address, and the device wasn't "
                                  "asked for one",
                                  "Keyplate hat unter dieser Adresse keine Seite, und das Gerät "
                                  "wurde nicht gefragt"},
    [KP_W_PAGE_METHOD] = {"This can't be done like that", "So geht das nicht"},
    [KP_W_PAGE_METHOD_WHAT] = {"Use the button on the list of devices: nothing was done",
                               "Den Knopf in der Liste der Geräte verwenden: nichts ist geschehen"},
    [KP_W_PAGE_LINK_USED] = {"This link doesn't work any more", "Dieser Link gilt nicht mehr"},
    [KP_W_PAGE_LINK_USED_WHAT] = {"A link of this kind lets one browser in, once, and soon after "
                                  "it was made",
                                  "So ein Link lässt einen Browser ein, ein einziges Mal, und nur "
                                  "kurze Zeit"},
    [KP_W_PAGE_FULL] = {"Too much at once", "Zu viel auf einmal"},
    [KP_W_PAGE_FULL_WHAT] = {"There is no room for one more connection: load this page again in a "
                             "moment",
                             "Für noch eine Verbindung ist kein Platz: diese Seite gleich noch "
                             "einmal laden"},
    [KP_W_PAGE_MALFORMED] = {"The request can't be read", "Die Anfrage ist nicht lesbar"},
    [KP_W_PAGE_MALFORMED_WHAT] = {"It isn't proper HTTP: it wasn't let through to the device",
                                  "Das ist kein richtiges HTTP: sie wurde nicht zum Gerät "
                                  "durchgelassen"},
    [KP_W_PAGE_TOO_LONG] = {"The request is too long", "Die Anfrage ist zu lang"},
    [KP_W_PAGE_TOO_LONG_WHAT] = {"Its head has more than {size} KiB, or too many fields: it wasn't "
                                 "let through to the device",
                                 "Ihr Kopf hat mehr als {size} KiB oder zu viele Felder: sie wurde "
                                 "nicht zum Gerät durchgelassen"},
    [KP_W_PAGE_UNSUPPORTED] = {"The request isn't supported", "Die Anfrage wird nicht unterstützt"},
    [KP_W_PAGE_UNSUPPORTED_WHAT] = {"Its method or its transfer coding is unknown here: it wasn't "
                                    "let through to the device",
                                    "Ihre Methode oder Übertragungsart ist hier unbekannt: sie "
                                    "wurde nicht zum Gerät durchgelassen"},
    [KP_W_PAGE_VERSION] = {"This version of HTTP isn't spoken",
                           "Diese Version von HTTP wird nicht gesprochen"},
    [KP_W_PAGE_VERSION_WHAT] = {"Only HTTP/1.0 and HTTP/1.1 are: the request wasn't let through to "
                                "the device",
                                "Nur HTTP/1.0 und HTTP/1.1: die Anfrage wurde nicht zum Gerät "
                                "durchgelassen"},
    [KP_W_PAGE_OPENING] = {"Opening the device", "Das Gerät wird geöffnet"},

    /* ---- The list of devices ---- */
    [KP_W_LIST] = {"Devices", "Geräte"},
    [KP_W_LIST_EMPTY] = {"No device is used or saved yet",
                         "Noch ist kein Gerät geöffnet oder gespeichert"},
    [KP_W_LIST_EMPTY_DO] = {"To open one: {open} in a terminal, or the Keyplate button of the "
                            "browser",
                            "Eins öffnen: {open} in einem Terminal, oder der Keyplate-Knopf des "
                            "Browsers"},
    [KP_W_LIST_HOW_IN] = {"To log in: {open}", "Anmelden: {open}"},
    [KP_W_LIST_ADDRESS] = {"Address", "Adresse"},
    [KP_W_LIST_USER] = {"User", "Benutzer"},
    [KP_W_LIST_PROTOCOL] = {"Protected by", "Geschützt mit"},
    [KP_W_LIST_SINCE] = {"Since", "Seit"},
    [KP_W_LIST_SEEN] = {"Last used", "Zuletzt"},
    [KP_W_LIST_NOW] = {"just now", "gerade eben"},
    [KP_W_LIST_MINUTES] = {"{count} min ago", "vor {count} min"},
    [KP_W_LIST_HOURS] = {"{count} h ago", "vor {count} h"},
    [KP_W_LIST_DAY] = {"1 day ago", "vor 1 Tag"},
    [KP_W_LIST_DAYS] = {"{count} days ago", "vor {count} Tagen"},
    [KP_W_LIST_OPEN] = {"Open", "Öffnen"},
    [KP_W_LIST_LOG_OUT] = {"Log out", "Abmelden"},
    [KP_W_LIST_FORGET] = {"Forget", "Vergessen"},
    [KP_W_LIST_FORGET_WHAT] = {"Its address, its device id and a saved password go from this "
                               "computer. The device itself stays as it is",
                               "Adresse, Geräte-ID und ein gespeichertes Passwort verschwinden von "
                               "diesem Computer. Das Gerät selbst bleibt, wie es ist"},
    [KP_W_LIST_FORGET_YES] = {"Forget {name}", "{name} vergessen"},
    [KP_W_STATE_OUT] = {"not logged in", "nicht angemeldet"},
    [KP_W_STATE_PROVING] = {"logging in", "wird angemeldet"},
    [KP_W_STATE_IN] = {"logged in", "angemeldet"},
    [KP_W_STATE_REFUSED] = {"password refused", "Passwort abgelehnt"},
    [KP_W_STATE_STRANGER] = {"another device answers", "ein anderes Gerät antwortet"},

    /* ---- What the desk answers, and the agent says ---- */
    [KP_W_DESK_NO_USER] = {"the user name is missing", "der Name fehlt"},
    [KP_W_DESK_USER_FAULTY] = {"the user name {fault}", "der Name taugt nicht ({fault})"},
    [KP_W_DESK_PASSWORD_FAULTY] = {"the password {fault}", "das Passwort taugt nicht ({fault})"},
    [KP_W_DESK_MISTYPED] = {"that looks like a password from a label, with a typing error",
                            "das sieht aus wie ein Passwort von einem Etikett, mit Tippfehler"},
    [KP_W_DESK_NOT_NEAR] = {"no device near here says that it is \"{id}\": is it on, and on the "
                            "same network? (or give its address)",
                            "kein Gerät in der Nähe sagt, dass es \"{id}\" ist: ist es an und im "
                            "selben Netz? (oder die Adresse angeben)"},
    [KP_W_DESK_CANT_LOOK] = {"devices that are near can't be looked for: {why}",
                             "nach Geräten in der Nähe lässt sich nicht suchen: {why}"},
    [KP_W_DESK_CLAIMS] =
        {"something at {where} claims to be this device, but only TLS 1.3 could "
         "prove it: nothing was sent there",
         "unter {where} gibt sich etwas als dieses Gerät aus, doch beweisen könnte "
         "es das nur mit TLS 1.3: dorthin wurde nichts gesendet"},
    [KP_W_DESK_NO_SUCH] = {"there is no such device", "so ein Gerät gibt es nicht"},
    [KP_W_DESK_NOT_IN] = {"this device isn't logged in", "dieses Gerät ist nicht angemeldet"},
    [KP_W_DESK_MANY] = {"too many requests wait for their answers",
                        "zu viele Anfragen warten auf ihre Antwort"},
    [KP_W_DESK_LONG] = {"the answer is too long", "die Antwort ist zu lang"},
    [KP_W_PROBE_SPEAKS] = {"{where} takes logins by Keyplate: whether it is the right device is "
                           "proved by the password, in a login",
                           "{where} nimmt Anmeldungen mit Keyplate: ob es das richtige Gerät ist, "
                           "beweist bei der Anmeldung das Passwort"},
    [KP_W_PROBE_OTHER_TLS] = {"{where} speaks TLS but takes no password at this level: it is no "
                              "Keyplate device",
                              "{where} spricht TLS, nimmt aber auf dieser Ebene kein Passwort: es "
                              "ist kein Keyplate-Gerät"},
    [KP_W_AGENT_ALONE] = {"this program can't share devices with other windows: {why}",
                          "dieses Programm kann Geräte nicht mit anderen Fenstern teilen: {why}"},

    /* ---- The hub ---- */
    [KP_W_NO_PASSWORD] = {"the password of {where} is needed: none was given, and the keyring has "
                          "none",
                          "das Passwort von {where} wird gebraucht: es wurde keines angegeben, und "
                          "im Schlüsselbund ist keines"},
    [KP_W_PASSWORD_KEPT] = {"the password is kept in the keyring (keyplate devices forget removes "
                            "it)",
                            "das Passwort liegt im Schlüsselbund (keyplate devices forget entfernt "
                            "es)"},
    [KP_W_PASSWORD_NOT_KEPT] = {"the password isn't kept: {why}",
                                "das Passwort wird nicht aufbewahrt: {why}"},
    [KP_W_PASSWORD_NEEDS_ID] = {"the device doesn't say its id, which it would be kept by",
                                "das Gerät nennt seine Geräte-ID nicht, unter der es läge"},
    [KP_W_LOGGED_OUT_MEANWHILE] = {"logged out of {where} while the password was being proved",
                                   "von {where} abgemeldet, während das Passwort geprüft wurde"},
    [KP_W_LOGIN_BUSY] = {"somebody logs in to {where} just now, or too many devices are in use",
                         "bei {where} wird gerade angemeldet, oder es sind zu viele Geräte in "
                         "Gebrauch"},
    [KP_W_PORT_TAKEN] = {"another program uses {at}: choose another port with --listen",
                         "ein anderes Programm benutzt {at}: mit --listen einen anderen Port "
                         "wählen"},
    [KP_W_CANT_LISTEN] = {"can't listen on {at}: {why}", "{at} ist nicht zu benutzen: {why}"},

    /* ---- keyplate open ---- */
    [KP_W_OPEN_LIST] = {"all devices, and Log out: {link}", "alle Geräte, und Abmelden: {link}"},
    [KP_W_OPEN_UNTIL] = {"logged in until Ctrl-C; each link lets one browser in, once",
                         "angemeldet bis Strg-C; jeder Link lässt einen Browser ein, einmal"},
    [KP_W_OPEN_HANDED_OVER] = {"the keyplate that already runs has taken it over, and ends it when "
                               "it ends",
                               "das schon laufende keyplate hat es übernommen und beendet es, "
                               "wenn es selbst endet"},
    [KP_W_OPEN_OTHER_PORT] = {"another program uses the usual port: it is {port} this time, and "
                              "bookmarks don't work",
                              "ein anderes Programm benutzt den üblichen Port: diesmal ist es "
                              "{port}, und Lesezeichen gehen nicht"},
    [KP_W_OPEN_ALONE] = {"other keyplate commands won't find this one: {why}",
                         "andere keyplate-Befehle finden diesen nicht: {why}"},
    [KP_W_OPEN_NO_BROWSER] = {"no browser could be started: open the link yourself",
                              "kein Browser ließ sich starten: den Link selbst öffnen"},
    [KP_W_OPEN_RIGHT] = {"the password is right: load the page again",
                         "das Passwort stimmt: die Seite neu laden"},
    [KP_W_OPEN_LOST] = {"the keyplate that runs already has ended: start again",
                        "das schon laufende keyplate ist zu Ende: neu beginnen"},
    [KP_W_OPEN_LOGGED_OUT] = {"logged out of {name}; to log in again: keyplate open {name}",
                              "von {name} abgemeldet; um wieder anzumelden: keyplate open "
                              "{name}"},
};

/* ---- Filling in -------------------------------------------------------------------------- */

#define PAIRS 8

struct pair {
    const char *key, *value;
};

/* The value of the key that stands at text, "{where} ...", and how long that is; NULL: none. */
static const char *value_at(const char *text, const struct pair *pairs, size_t count,
                            size_t *key_len)
{
    const char *end = strchr(text, '}');
    for (size_t i = 0; i < count && end != NULL; i++) {
        size_t len = strlen(pairs[i].key);
        if (len != (size_t)(end - text) - 1 || memcmp(pairs[i].key, text + 1, len) != 0)
            continue;
        *key_len = len + 2;
        return pairs[i].value;
    }
    return NULL;
}

/* Whole characters of UTF-8 only. */
static size_t that_fits(const char *text, size_t len, size_t room)
{
    if (len <= room)
        return len;
    while (room > 0 && ((unsigned char)text[room] & 0xc0) == 0x80)
        room--;
    return room;
}

static void fill(char *out, size_t len, const char *sentence, const struct pair *pairs,
                 size_t count)
{
    size_t used = 0;
    while (*sentence != '\0') {
        size_t step = 1 + strcspn(sentence + 1, "{"), part = step, fits;
        const char *text = *sentence == '{' ? value_at(sentence, pairs, count, &step) : NULL;
        if (text != NULL)
            part = strlen(text);
        else
            text = sentence;
        fits = that_fits(text, part, len - used - 1);
        memcpy(out + used, text, fits);
        used += fits;
        if (fits < part)
            break;
        sentence += step;
    }
    out[used] = '\0';
}

const char *kp_word(char *out, size_t len, enum kp_language language, enum kp_word word, ...)
{
    struct pair pairs[PAIRS];
    size_t count = 0;
    const char *key;
    va_list list;
    va_start(list, word);
    while (count < PAIRS && (key = va_arg(list, const char *)) != NULL)
        pairs[count++] = (struct pair){key, va_arg(list, const char *)};
    va_end(list);
    if (sentences[word][language] != NULL) /* the unit test makes sure of it */
        fill(out, len, sentences[word][language], pairs, count);
    else
        out[0] = '\0';
    return out;
}
