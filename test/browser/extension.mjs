/*
 * One browser with an extension, driven line by line as by driver.mjs:
 *
 *     node extension.mjs chromium|firefox PROFILE EXTENSION LANGUAGE
 *
 * It sees what a person sees: pages in tabs, and of the toolbar what the extension has put there for
 * a tab, which one of its own pages can be asked (`home`, which speaks to nobody).  It looks into no
 * part of the extension's memory.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const require = createRequire(process.env.KEYPLATE_NODE_MODULES + '/');
const puppeteer = require('puppeteer-core');

const [, , kind, profile, extension, language] = process.argv;
const SLOW = Number(process.env.KEYPLATE_SLOW_MS ?? 15000);
const HOST = '5a1f6d0e-0b52-4c53-9d3e-6b1f0a7d2c11'; // Firefox gives each profile another one
const manifest = JSON.parse(readFileSync(`${extension}/manifest.json`, 'utf8'));
const base = kind === 'firefox' ? `moz-extension://${HOST}/` : `chrome-extension://${chromium_id()}/`;
const HOME = base + 'privacy.html';
const API = '(globalThis.browser ?? globalThis.chrome)';

/* It follows from the manifest's key: 16 bytes of its digest, each half byte a letter from a to p. */
function chromium_id() {
  const digest = createHash('sha256').update(Buffer.from(manifest.key, 'base64')).digest('hex');
  return [...digest.slice(0, 32)].map((one) => String.fromCharCode(97 + parseInt(one, 16))).join('');
}

async function launch_firefox(common) {
  const gecko = manifest.browser_specific_settings.gecko.id;
  const browser = await puppeteer.launch({
    ...common, browser: 'firefox', executablePath: '/usr/bin/firefox-esr',
    args: ['--remote-allow-system-access'], // without it pages of extensions can't be driven
    extraPrefsFirefox: {
      'network.dns.localDomains': 'evil.test',
      'network.cookie.cookieBehavior': 5, // as it comes; puppeteer has it otherwise
      'extensions.webextensions.uuids': JSON.stringify({ [gecko]: HOST }),
      // Who asks for a permission gets it: the question is the browser's, and can't be driven.
      'extensions.webextOptionalPermissionPrompts': false,
      'intl.locale.requested': language,
    },
  });
  await browser.installExtension(extension);
  return browser;
}

function launch_chromium(common) {
  return puppeteer.launch({
    ...common, browser: 'chrome', executablePath: '/usr/bin/chromium', pipe: true, enableExtensions: true,
    // Root, which runs tests in containers, needs --no-sandbox.
    args: ['--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP evil.test 127.0.0.1',
      `--load-extension=${extension}`, `--disable-extensions-except=${extension}`],
  });
}

function launch() {
  const common = { headless: true, userDataDir: profile, timeout: 60000, protocolTimeout: 4 * SLOW };
  return kind === 'firefox' ? launch_firefox(common) : launch_chromium(common);
}

const pages = new Map();
let browser;
let home;

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(what, found) {
  const end = Date.now() + SLOW;
  for (;;) {
    const value = await found().catch(() => null);
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what} didn't come`);
    await sleep(50);
  }
}

/* Puppeteer doesn't know the address of an extension's page in Firefox; the page does. */
function address(page) {
  return Promise.race([page.evaluate('location.href'), sleep(2000).then(() => page.url())])
    .catch(() => page.url());
}

/* When a tab has been taken to another page of the extension: puppeteer doesn't hear of that in Firefox. */
async function taken(page, still) {
  const code = `location.href.startsWith(${JSON.stringify(base)}) && document.readyState === 'complete'
    && !window.old`;
  while (still.going) {
    await sleep(100);
    if (await Promise.race([page.evaluate(code), sleep(1000).then(() => false)]).catch(() => false)) return;
  }
}

async function loaded(page, url, how) {
  const options = { waitUntil: 'load', timeout: SLOW };
  try {
    const answer = await page[how](...(how === 'goto' ? [url, options] : [options]));
    return answer ? answer.status() : 0;
  } catch {
    return 0; // one of the browser's own pages
  }
}

async function goto(page, url, how = 'goto') {
  if (kind !== 'firefox') return loaded(page, url, how);
  await page.evaluate('window.old = true').catch(() => null);
  const still = { going: true };
  const status = await Promise.race([loaded(page, url, how), taken(page, still).then(() => 0)]);
  still.going = false;
  return status;
}

async function page_of(name) {
  if (name === 'home') return home;
  if (!pages.has(name)) pages.set(name, await browser.newPage());
  return pages.get(name);
}

function named(page) {
  return page === home || [...pages.values()].includes(page);
}

/* In the extension's own page: code is the body of an async function of api and it. */
function ask(code, it = null) {
  return home.evaluate(`(async (api, it) => { ${code} })(${API}, ${JSON.stringify(it)})`);
}

async function look(page) {
  const text = await page.evaluate(
    "document.title + '\\n' + (document.body ? document.body.innerText : '')").catch(() => '');
  return { url: await address(page), text };
}

/* The popup as the toolbar shows it is no tab, and has the plain address. */
async function shown_popup() {
  const target = browser.targets().find((one) => one.url() === base + 'popup/popup.html');
  return target ? target.asPage() : null;
}

/* Every act gets its line; most are of the page that it names. */
const acts = {
  // status: of the answer; 0 where there is none, or the browser shows one of its own pages.
  async goto({ page, url, how }) {
    return goto(await page_of(page), url, how);
  },
  // Gives the name to a tab that somebody else opened at an address with that beginning.
  async adopt({ page, begins }) {
    const found = await until(`a tab at ${begins}`, async () => {
      for (const one of await browser.pages()) {
        if (!named(one) && (await address(one)).startsWith(begins)) return one;
      }
      return null;
    });
    pages.set(page, found);
    return address(found);
  },
  async look({ page }) {
    return look(await page_of(page));
  },
  // The addresses of all tabs but home, as far as the extension may know them.
  async tabs() {
    const all = await ask('return (await api.tabs.query({})).map((tab) => tab.url ?? null);');
    return all.filter((url) => url && url !== HOME && url !== 'about:blank');
  },
  // Where what is in each tab says that it is: a page that was refused is none.
  async shown() {
    const pages_now = (await browser.pages()).filter((page) => page !== home);
    const late = () => sleep(2000).then(() => '');
    return Promise.all(pages_now.map((page) => (
      Promise.race([page.evaluate('location.href'), late()]).catch(() => ''))));
  },
  // code: the body of an async function of `it`.
  async run({ page, code, it }) {
    const text = `(async (it) => { ${code} })(${JSON.stringify(it ?? null)})`;
    return (await page_of(page)).evaluate(text);
  },
  async ask({ code, it }) {
    return ask(code, it);
  },
  // Only who clicks can be asked for a permission.
  async grant({ it }) {
    await home.bringToFront();
    await ask(`
      const button = document.createElement('button');
      button.id = 'grant';
      button.textContent = 'grant';
      button.onclick = () => api.permissions.request({ origins: it })
        .then((is) => { button.dataset.is = is; }, (error) => { button.dataset.is = error; });
      document.body.prepend(button);`, it);
    await (await home.waitForSelector('#grant')).click();
    const is = "const one = document.querySelector('#grant'); return one.dataset.is";
    const answer = await until('a permission', () => ask(is));
    await ask("document.querySelector('#grant').remove()");
    return answer === 'true';
  },
  // What the toolbar says of the tab in front, which is page.
  async toolbar({ page }) {
    const tab = await page_of(page);
    await tab.bringToFront();
    return ask(`
      const [tab] = await api.tabs.query({ active: true, currentWindow: true });
      const shown = api.pageAction ? await api.pageAction.isShown({ tabId: tab.id }) : null;
      return {
        id: tab.id, title: await api.action.getTitle({ tabId: tab.id }), shown,
        beside: shown ? await api.pageAction.getTitle({ tabId: tab.id }) : null,
        popup: await api.action.getPopup({ tabId: tab.id }),
      };`);
  },
  async front({ page }) {
    await (await page_of(page)).bringToFront();
  },
  async click({ page, css }) {
    const tab = await page_of(page);
    if (page !== 'popup') await tab.bringToFront();
    await (await tab.waitForSelector(css, { timeout: SLOW, visible: true })).click();
  },
  // Replaces what a field has.
  async fill({ page, css, text }) {
    const tab = await page_of(page);
    const field = await tab.waitForSelector(css, { timeout: SLOW, visible: true });
    await field.evaluate((one) => { one.value = ''; });
    await field.type(text);
  },
  // keys: names of keys, or text to type.
  async keys({ page, keys }) {
    const tab = await page_of(page);
    await tab.bringToFront();
    for (const key of keys) {
      if (/^[A-Z][a-z]+[A-Za-z]*$/.test(key)) await tab.keyboard.press(key);
      else await tab.keyboard.type(key);
    }
  },
  async file({ page, css, path }) {
    const tab = await page_of(page);
    await (await tab.waitForSelector(css, { timeout: SLOW })).uploadFile(path);
  },
  // Waits for a value that is true, and gives it.
  async until({ page, code, it }) {
    const tab = await page_of(page);
    const text = `(async (it) => { ${code} })(${JSON.stringify(it ?? null)})`;
    return until(code, () => tab.evaluate(text));
  },
  // The popup that hangs from the toolbar, as page `popup`; Chromium alone lets it be driven.
  async popup() {
    pages.set('popup', await until('the popup', shown_popup));
  },
  async popup_is_there() {
    const is = (await shown_popup()) !== null;
    if (!is) pages.delete('popup');
    return is;
  },
  async shot({ page, path, width, height }) {
    const tab = await page_of(page);
    if (page !== 'popup') await tab.bringToFront();
    if (width) await tab.setViewport({ width, height });
    await tab.screenshot({ path });
  },
  async close({ page }) {
    const tab = pages.get(page);
    pages.delete(page);
    if (tab) await tab.close().catch(() => null);
  },
  // A tab whose page may ask whether it may go is asked, and stays.
  async close_all() {
    pages.clear();
    for (const one of await browser.pages()) if (one !== home) await one.close().catch(() => null);
  },
  // Ends Chromium's background, as the browser may itself at any time.
  async stop_worker() {
    const is = (one) => one.type() === 'service_worker' && one.url().startsWith(base);
    const worker = await browser.targets().find(is).worker();
    await worker.close();
  },
  // The process to end when a browser is to be killed.
  async pid() {
    return browser.process().pid;
  },
};

function say(answer) {
  process.stdout.write(JSON.stringify(answer) + '\n');
}

browser = await launch();
home = await browser.newPage();
await goto(home, HOME);
say({ value: { version: await browser.version(), base } });
for await (const line of createInterface({ input: process.stdin })) {
  const what = JSON.parse(line);
  try {
    say({ value: (await acts[what.do](what)) ?? null });
  } catch (error) {
    say({ error: String((error && error.stack) || error) });
  }
}
await browser.close().catch(() => null);
process.exit(0);
