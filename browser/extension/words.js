// All sentences of the extension, in English and German. What the agent says of a login comes from
// the agent, in the language that it was told. Plain text only: it goes into pages as textContent.
//
// German: Sie, Passwort, Gerät, Etikett, Geräte-ID, anmelden, abmelden. A key has a dot, so that
// the test can find each one in the tree.
import { api } from './shared/api.js';

export const words = {
  /* ---- Icons of tabs ---- */
  'title.idle': ['Keyplate', 'Keyplate'],
  'title.proved': ['{name} ({where}): proved, user {user}',
    '{name} ({where}): bestätigt, Name {user}'],
  'title.trouble': ['{name} ({where}): not proved, click to see why',
    '{name} ({where}): nicht bestätigt, zum Grund klicken'],

  /* ---- Of one device ---- */
  'state.in': ['proved', 'bestätigt'],
  'state.out': ['not logged in', 'nicht angemeldet'],
  'state.proving': ['being proved…', 'wird geprüft…'],
  'state.refused': ['password no longer accepted', 'Passwort gilt nicht mehr'],
  'state.broke-off': ['the device broke off', 'das Gerät hat abgebrochen'],
  'state.stranger': ['another device answers', 'ein anderes Gerät antwortet'],
  'fact.user': ['User', 'Name'],
  'fact.protocol': ['Protocol', 'Protokoll'],
  'fact.since': ['Since', 'Seit'],
  'fact.seen': ['Last proved', 'Zuletzt bestätigt'],
  'fact.id': ['Device ID', 'Geräte-ID'],
  'fact.day': ['today', 'heute'],
  'fact.today': ['today, {time}', 'heute, {time}'],
  'do.open': ['Open', 'Öffnen'],
  'do.open-name': ['Open {name}', '{name} öffnen'],
  'do.login': ['Log in', 'Anmelden'],
  'do.login-name': ['Log in to {name}', 'Bei {name} anmelden'],
  'do.logout': ['Log out', 'Abmelden'],
  'do.forget': ['Forget…', 'Vergessen…'],
  'do.cancel': ['Cancel', 'Abbrechen'],
  'do.again': ['Try again', 'Noch einmal versuchen'],

  /* ---- The popup: this tab ---- */
  'home.heading': ['This tab', 'Dieser Tab'],
  'home.proved': ['Proved: what comes here is from the device that knows your password, or a '
    + 'notice of Keyplate’s own.',
  'Bestätigt: Was hier ankommt, ist von dem Gerät, das Ihr Passwort kennt, oder ein Hinweis von '
    + 'Keyplate selbst.'],
  'home.out': ['This is a device of yours, but you aren’t logged in.',
    'Das ist eines Ihrer Geräte, aber Sie sind nicht angemeldet.'],
  'home.typed-out': ['This is the address of a device of yours. The page in this tab isn’t '
    + 'proved: log in to get the proved one.',
  'Das ist die Adresse eines Ihrer Geräte. Die Seite in diesem Tab ist nicht bestätigt: Melden '
    + 'Sie sich an, um die bestätigte zu sehen.'],
  'home.typed-in': ['You are logged in to this device, but the page in this tab didn’t come that '
    + 'way and isn’t proved.',
  'Sie sind bei diesem Gerät angemeldet, aber die Seite in diesem Tab kam nicht auf diesem Weg '
    + 'und ist nicht bestätigt.'],
  'home.proving': ['The device is being proved…', 'Das Gerät wird geprüft…'],
  'home.refused': ['The password isn’t accepted any more. Was it changed? If not, somebody may be '
    + 'in between.',
  'Das Passwort wird nicht mehr angenommen. Wurde es geändert? Wenn nicht, ist vielleicht jemand '
    + 'dazwischen.'],
  'home.broke-off': ['A handshake with the device was cut or spoiled while the password was being '
    + 'proved. Nothing more is sent until you log in again.',
  'Ein Handshake mit dem Gerät wurde abgeschnitten oder verfälscht, während das Passwort geprüft '
    + 'wurde. Es wird nichts mehr gesendet, bis Sie sich wieder anmelden.'],
  'home.stranger': ['Another device answers at this address, so nothing is sent there. If you '
    + 'replaced or reset yours, forget it and add it again.',
  'Unter dieser Adresse antwortet ein anderes Gerät, deshalb wird nichts dorthin gesendet. Wenn '
    + 'Sie Ihres getauscht oder zurückgesetzt haben, vergessen Sie es und fügen Sie es neu hinzu.'],
  'home.no-device': ['No device in this tab.', 'Kein Gerät in diesem Tab.'],
  'home.not-proved': ['Not proved', 'Nicht bestätigt'],
  'home.logged-out': ['You are logged out of {name}.', 'Sie sind bei {name} abgemeldet.'],
  'ask.asking': ['Asking what is at this address…',
    'Es wird gefragt, was unter dieser Adresse ist…'],
  'ask.check': ['Check this address', 'Diese Adresse prüfen'],
  'ask.public': ['Is this a device of yours? Keyplate asks addresses on the internet only when '
    + 'you say so.',
  'Ist das eines Ihrer Geräte? Adressen im Internet fragt Keyplate nur, wenn Sie es wünschen.'],
  'ask.speaks': ['It says that it takes a password by Keyplate ({protocols}). Logging in shows '
    + 'whether it is your device.',
  'Es meldet, dass es ein Passwort über Keyplate annimmt ({protocols}). Ob es Ihr Gerät ist, '
    + 'zeigt die Anmeldung.'],
  'ask.unprotected': ['Keyplate can’t prove who answers here.',
    'Wer hier antwortet, kann Keyplate nicht bestätigen.'],
  'ask.and': ['{a} and {b}', '{a} und {b}'],
  'typed.label': ['Open it also when I type {where}', 'Auch öffnen, wenn ich {where} eingebe'],
  'typed.why': ['The browser will ask whether Keyplate may read and change data there. It only '
    + 'leads you to the proved device, and reads no page.',
  'Der Browser fragt, ob Keyplate dort Daten lesen und ändern darf. Es führt Sie nur zum '
    + 'bestätigten Gerät und liest keine Seite.'],
  'typed.behind': ['Firefox asks behind this box: click beside it to see the question.',
    'Firefox fragt hinter diesem Fenster: Klicken Sie daneben, um die Frage zu sehen.'],

  /* ---- The popup: devices ---- */
  'devices.heading': ['Devices', 'Geräte'],
  'devices.none': ['None yet. Add one by its address or the link on its label.',
    'Noch keine. Fügen Sie eines über seine Adresse oder den Link auf dem Etikett hinzu.'],
  'devices.unsaved': ['not saved', 'nicht gespeichert'],
  'near.heading': ['Near', 'In der Nähe'],
  'near.hint': ['These say themselves what they are, and anybody can claim any name. Nothing here '
    + 'is proved.',
  'Diese Geräte melden sich selbst, und jeder kann jeden Namen behaupten. Nichts davon ist '
    + 'bestätigt.'],
  'near.none': ['Nothing has been heard yet.', 'Bis jetzt hat sich nichts gemeldet.'],
  'near.claims': ['claims to be {name}', 'gibt sich als {name} aus'],
  'add.label': ['Add a device', 'Gerät hinzufügen'],
  'add.hint': ['192.168.1.1 or keyplate://…', '192.168.1.1 oder keyplate://…'],
  'add.go': ['Continue', 'Weiter'],
  'add.empty': ['Type an address, or the link on the label.',
    'Geben Sie eine Adresse oder den Link auf dem Etikett ein.'],
  'add.broken-link': ['The password in this link can’t be read. Take away everything from the # '
    + 'on, and type the password yourself.',
  'Das Passwort in diesem Link ist nicht lesbar. Löschen Sie alles ab dem # und geben Sie das '
    + 'Passwort selbst ein.'],
  'add.nowhere': ['The link names no address, and nothing near has this device’s ID.',
    'Der Link nennt keine Adresse, und nichts in der Nähe hat die ID dieses Geräts.'],
  'home.own-port': ['The usual port is taken by another program, so bookmarks of devices don’t '
    + 'work this time.',
  'Der übliche Port ist von einem anderen Programm belegt. Lesezeichen auf Geräte gehen diesmal '
    + 'nicht.'],
  'said.failure': ['Failure', 'Fehler'],
  'said.warning': ['Warning', 'Warnung'],
  'said.heading': ['Notices', 'Meldungen'],
  'said.away': ['Dismiss this notice', 'Diese Meldung ausblenden'],
  'foot.privacy': ['Privacy', 'Datenschutz'],

  /* ---- The popup: login ---- */
  'login.title': ['Log in', 'Anmelden'],
  'login.new': ['A new device', 'Ein neues Gerät'],
  'login.user': ['User name', 'Benutzername'],
  'login.password': ['Password', 'Passwort'],
  'login.show': ['Show', 'Zeigen'],
  'login.hide': ['Hide', 'Verbergen'],
  'login.show-label': ['Show the password', 'Passwort zeigen'],
  'login.hide-label': ['Hide the password', 'Passwort verbergen'],
  'login.keyring': ['Leave it empty if the keyring has it.',
    'Lassen Sie es leer, wenn es im Schlüsselbund ist.'],
  'login.caps': ['Caps Lock is on.', 'Die Feststelltaste ist an.'],
  'login.from-link': ['The password was in the link. It is only in this field now.',
    'Das Passwort stand im Link. Jetzt steht es nur noch in diesem Feld.'],
  'login.remember': ['Keep the password in this computer’s keyring',
    'Passwort im Schlüsselbund dieses Computers aufbewahren'],
  'login.id-ask': ['I have the device ID', 'Ich habe die Geräte-ID'],
  'login.id': ['Device ID, as on the label', 'Geräte-ID, wie auf dem Etikett'],
  'login.proof': [
    'It is on the device’s label. It is never sent: both sides prove that they know it.',
    'Es steht auf dem Etikett des Geräts. Es wird nie gesendet: Beide Seiten beweisen, dass sie es '
      + 'kennen.'],
  'login.busy': ['Proving…', 'Wird geprüft…'],
  'login.done': ['{name} is proved.', '{name} ist bestätigt.'],
  'login.no-user': ['Type the user name.', 'Geben Sie den Benutzernamen ein.'],
  'login.no-password': ['Type the password.', 'Geben Sie das Passwort ein.'],
  'login.mistyped': ['This looks like a password from a label with a typing error. Nothing was '
    + 'tried yet: compare it with the label.',
  'Das sieht aus wie ein Passwort vom Etikett mit einem Tippfehler. Es wurde noch nichts '
    + 'versucht: Vergleichen Sie es mit dem Etikett.'],
  'login.try-anyway': ['Try it anyway', 'Trotzdem versuchen'],
  'error.gone': ['The agent ended meanwhile. Try again.',
    'Der Agent wurde inzwischen beendet. Versuchen Sie es noch einmal.'],
  'error.late': ['The agent gave no answer in time. Try again.',
    'Der Agent hat nicht rechtzeitig geantwortet. Versuchen Sie es noch einmal.'],
  'error.busy': ['Too much is being asked at once. Try again in a moment.',
    'Gerade wird zu viel auf einmal gefragt. Versuchen Sie es gleich noch einmal.'],
  'error.other': ['That didn’t work.', 'Das hat nicht geklappt.'],

  /* ---- The popup: forget ---- */
  'forget.title': ['Forget {name}?', '{name} vergessen?'],
  'forget.what': ['This logs you out, removes its address, its ID and a password in the keyring '
    + 'from this computer, and clears what the browser kept of its pages.',
  'Sie werden abgemeldet. Adresse, ID und ein Passwort im Schlüsselbund werden von diesem '
    + 'Computer entfernt, und was der Browser von den Seiten behalten hat, wird gelöscht.'],
  'forget.device': ['Nothing changes on the device itself.', 'Am Gerät selbst ändert sich nichts.'],
  'forget.yes': ['Forget', 'Vergessen'],
  'forget.done': ['{name} is forgotten.', '{name} ist vergessen.'],

  /* ---- The popup: no agent ---- */
  'loading.text': ['Starting…', 'Wird gestartet…'],
  'missing.title': ['One more step', 'Ein Schritt fehlt noch'],
  'missing.text': ['Logging in is done by a program on this computer, and {browser} doesn’t know '
    + 'where it is.',
  'Anmelden übernimmt ein Programm auf diesem Computer, und {browser} weiß nicht, wo es ist.'],
  'missing.install': ['Install Keyplate. On Debian and Ubuntu, in the folder of its source:',
    'Installieren Sie Keyplate. Unter Debian und Ubuntu im Ordner mit dem Quelltext:'],
  'missing.register': ['Tell {browser} where it is:', 'Sagen Sie {browser}, wo es ist:'],
  'missing.other-linux': ['On other Linux systems nobody has tried it yet, as far as we know; the '
    + 'same steps may work.',
  'Unter anderen Linux-Systemen hat es unseres Wissens noch niemand versucht; vielleicht gehen '
    + 'dieselben Schritte.'],
  'missing.confined': ['If {browser} is a Snap or a Flatpak, it can’t start programs of this '
    + 'computer: use one that was installed otherwise.',
  'Ist {browser} ein Snap oder Flatpak, kann es keine Programme dieses Computers starten: Nehmen '
    + 'Sie einen Browser, der anders installiert wurde.'],
  'missing.not-yet-title': ['Not on {system} yet', 'Noch nicht für {system}'],
  'missing.not-yet': ['Keyplate needs a program on this computer to log in to devices, and there '
    + 'is none for {system} yet. It runs on Debian and Ubuntu.',
  'Zum Anmelden braucht Keyplate ein Programm auf diesem Computer, und für {system} gibt es noch '
    + 'keines. Es läuft unter Debian und Ubuntu.'],
  'missing.this-system': ['this system', 'dieses System'],
  'refused.title': ['This extension isn’t allowed', 'Diese Erweiterung darf das nicht'],
  'refused.text': ['Keyplate is installed, but {browser} was told to let another extension start '
    + 'it, not this one. Usually this puts it right:',
  'Keyplate ist installiert, aber {browser} soll es für eine andere Erweiterung starten, nicht '
    + 'für diese. Meist hilft das:'],
  'broken.title': ['The agent ended', 'Der Agent wurde beendet'],
  'broken.text': ['Keyplate’s program on this computer started, but ended or answered wrongly. '
    + 'Try again. If it stays so, this says what is wrong:',
  'Keyplates Programm auf diesem Computer startete, wurde aber beendet oder antwortete falsch. '
    + 'Versuchen Sie es noch einmal. Bleibt es so, zeigt das hier, woran es liegt:'],
  'other.title': ['The versions don’t fit', 'Die Versionen passen nicht zusammen'],
  'other.text': ['This extension and Keyplate’s program on this computer speak different '
    + 'protocols. Update both, then try again.',
  'Diese Erweiterung und Keyplates Programm auf diesem Computer sprechen verschiedene Protokolle. '
    + 'Aktualisieren Sie beide und versuchen Sie es dann noch einmal.'],
  'other.version': ['Extension {extension}, program {program}',
    'Erweiterung {extension}, Programm {program}'],
  'missing.detail': ['What was said: {text}', 'Die Meldung: {text}'],
  'copy.do': ['Copy', 'Kopieren'],
  'copy.done': ['Copied', 'Kopiert'],
  'copy.label': ['Copy: {command}', 'Kopieren: {command}'],

  /* ---- The place page ---- */
  'place.logged-out': ['You are logged out', 'Sie sind abgemeldet'],
  'place.logged-out-what': ['What the browser kept of this device’s pages has been cleared.',
    'Was der Browser von den Seiten dieses Geräts behalten hatte, ist gelöscht.'],
  'place.logged-out-do': ['To go on, log in again.',
    'Um weiterzumachen, melden Sie sich wieder an.'],
  'place.out': ['You aren’t logged in', 'Sie sind nicht angemeldet'],
  'place.out-what': ['This page belongs to a device that has to prove itself first.',
    'Diese Seite gehört zu einem Gerät, das sich erst ausweisen muss.'],
  'place.out-do': ['Log in, and the page opens here.',
    'Melden Sie sich an, dann öffnet sich die Seite hier.'],
  'place.ended': ['The agent ended', 'Der Agent wurde beendet'],
  'place.ended-what': ['Keyplate’s program on this computer has ended, and with it all logins.',
    'Keyplates Programm auf diesem Computer wurde beendet und damit alle Anmeldungen.'],
  'place.ended-do': ['Log in again: it is started by itself.',
    'Melden Sie sich wieder an: Es startet von selbst.'],
  'place.refused': ['The password isn’t accepted any more',
    'Das Passwort wird nicht mehr angenommen'],
  'place.refused-what': ['The device was proved before; now the proof has failed. Perhaps the '
    + 'password was changed. If not, somebody may be in between.',
  'Das Gerät war bestätigt; jetzt ist der Nachweis gescheitert. Vielleicht wurde das Passwort '
    + 'geändert. Wenn nicht, ist vielleicht jemand dazwischen.'],
  'place.refused-do': ['If you know of the change, log in with the new password. If you don’t, '
    + 'ask whoever looks after the device before you type one.',
  'Wenn Sie von der Änderung wissen, melden Sie sich mit dem neuen Passwort an. Wenn nicht, '
    + 'fragen Sie die zuständige Person, bevor Sie eines eingeben.'],
  'place.broke-off': ['The device broke off', 'Das Gerät hat abgebrochen'],
  'place.broke-off-what': ['A handshake with the device was cut or spoiled while the password was '
    + 'being proved. Nothing more is sent.',
  'Ein Handshake mit dem Gerät wurde abgeschnitten oder verfälscht, während das Passwort geprüft '
    + 'wurde. Es wird nichts mehr gesendet.'],
  'place.broke-off-do': ['Often the device only restarted: log in again. If it happens every time, '
    + 'somebody may be in between.',
  'Oft wurde das Gerät nur neu gestartet: Melden Sie sich wieder an. Geschieht es jedes Mal, ist '
    + 'vielleicht jemand dazwischen.'],
  'place.stranger': ['Another device answers', 'Ein anderes Gerät antwortet'],
  'place.stranger-what': ['What answers at this address has another device ID than the one that '
    + 'was proved before. Nothing is sent to it.',
  'Was unter dieser Adresse antwortet, hat eine andere Geräte-ID als das Gerät, das sich vorher '
    + 'ausgewiesen hat. Es wird nichts dorthin gesendet.'],
  'place.stranger-do': ['If you replaced or reset the device, forget it in Keyplate and add it '
    + 'again. If you didn’t, check your network first.',
  'Wenn Sie das Gerät getauscht oder zurückgesetzt haben, vergessen Sie es in Keyplate und fügen '
    + 'Sie es neu hinzu. Wenn nicht, prüfen Sie zuerst Ihr Netz.'],
  'place.unknown': ['This device isn’t known', 'Dieses Gerät ist nicht bekannt'],
  'place.unknown-what': ['Keyplate doesn’t know this device any more: it was forgotten on this '
    + 'computer.',
  'Keyplate kennt dieses Gerät nicht mehr: Es wurde auf diesem Computer vergessen.'],
  'place.unknown-do': ['To add it again, open Keyplate and type the device’s address, or the link '
    + 'on its label, under “Add a device”.',
  'Um es wieder hinzuzufügen, öffnen Sie Keyplate und geben Sie die Adresse des Geräts oder den '
    + 'Link auf dem Etikett unter „Gerät hinzufügen“ ein.'],
  'place.open': ['Open Keyplate', 'Keyplate öffnen'],
  'place.how': ['Click the padlock in the toolbar, or look for Keyplate in the menu of extensions.',
    'Klicken Sie auf das Schloss in der Symbolleiste, oder suchen Sie Keyplate im Menü der '
    + 'Erweiterungen.'],
  'place.picture': ['Keyplate’s icon: a grey open padlock',
    'Keyplates Symbol: ein graues offenes Schloss'],
  'place.why': ['There is no password field here on purpose: a password is only ever typed in the '
    + 'box that hangs from the padlock in the toolbar.',
  'Hier ist mit Absicht kein Passwortfeld: Ein Passwort wird immer nur in dem Fenster eingegeben, '
    + 'das am Schloss in der Symbolleiste hängt.'],
};

/** 'en' or 'de': the browser's own language, where it is one of these. */
export function language() {
  const wanted = api?.i18n?.getUILanguage?.() ?? 'en';
  return /^de\b/i.test(wanted) ? 'de' : 'en';
}

/** The sentence of `key`, with {placeholders} from `values`; what isn't given stays as it is. */
export function say(key, values = {}) {
  const text = words[key][language() === 'de' ? 1 : 0];
  return text.replace(/\{(\w+)\}/g, (whole, name) => (
    Object.hasOwn(values, name) ? String(values[name]) : whole));
}
