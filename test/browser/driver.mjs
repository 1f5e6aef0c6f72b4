/*
 * One browser, driven line by line: node driver.mjs chromium|firefox PROFILE
 *
 * Each line of stdin is a JSON object {do: a name of `acts`, page: any name, ...}; each is answered
 * by a line {value} or {error} on stdout.  The end of stdin ends the browser.  evil.test is a name
 * of another site that leads to this computer.
 */
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const require = createRequire(process.env.KEYPLATE_NODE_MODULES + '/');
const puppeteer = require('puppeteer-core');

const [, , kind, profile] = process.argv;
const SLOW = 15000;

function launch() {
  const common = { headless: true, userDataDir: profile, timeout: 60000, protocolTimeout: 60000 };
  if (kind === 'firefox') {
    const extraPrefsFirefox = {
      'network.dns.localDomains': 'evil.test',
      'network.cookie.cookieBehavior': 5, // as it comes; puppeteer has it otherwise
    };
    return puppeteer.launch({
      ...common, browser: 'firefox', executablePath: '/usr/bin/firefox-esr', extraPrefsFirefox,
    });
  }
  return puppeteer.launch({
    ...common, browser: 'chrome', executablePath: '/usr/bin/chromium',
    // Root, which runs tests in containers, needs --no-sandbox.
    args: ['--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP evil.test 127.0.0.1'],
  });
}

const pages = new Map();

async function page_of(browser, name) {
  if (!pages.has(name)) pages.set(name, await browser.newPage());
  return pages.get(name);
}

async function frame_text(frame) {
  const text = () => (document.title + '\n' + (document.body ? document.body.innerText : ''));
  return { url: frame.url(), text: await frame.evaluate(text).catch(() => '') };
}

/* Every act gets its page and the line. */
const acts = {
  // status: of the answer; 0 where the browser shows one of its own pages instead.
  async goto(page, { url, how = 'goto' }) {
    const options = { waitUntil: 'load', timeout: SLOW };
    const argument = how === 'goto' ? [url, options] : [options];
    try {
      const answer = await page[how](...argument);
      return answer ? answer.status() : 0;
    } catch (error) {
      return 0;
    }
  },
  // The page's address, title and text.
  async look(page) {
    return frame_text(page.mainFrame());
  },
  async frames(page) {
    return Promise.all(page.frames().slice(1).map(frame_text));
  },
  // code: the body of an async function of `it`.
  async run(page, { code, it }) {
    const text = `(async (it) => { ${code} })(${JSON.stringify(it ?? null)})`;
    return (await page.evaluate(text)) ?? null;
  },
  // A page behind another one takes no clicks and loads no video.
  async front(page) {
    await page.bringToFront();
  },
  async click(page, { css, leads = false }) {
    await page.bringToFront();
    const element = await page.waitForSelector(css, { timeout: SLOW });
    const loaded = leads ? page.waitForNavigation({ timeout: SLOW }) : null;
    await Promise.all([element.click(), loaded]);
  },
  async type(page, { css, text }) {
    await (await page.waitForSelector(css, { timeout: SLOW })).type(text);
  },
  async file(page, { css, path }) {
    await (await page.waitForSelector(css, { timeout: SLOW })).uploadFile(path);
  },
  async until(page, { code, it }) {
    await page.waitForFunction(`(() => { ${code} })()`, { timeout: SLOW });
  },
  async shot(page, { path, width, height }) {
    await page.setViewport({ width, height });
    await page.screenshot({ path, fullPage: true });
  },
  async close(page, { page: name }) {
    pages.delete(name);
    await page.close();
  },
};

const browser = await launch();
process.stdout.write(JSON.stringify({ value: await browser.version() }) + '\n');
for await (const line of createInterface({ input: process.stdin })) {
  const what = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await acts[what.do](await page_of(browser, what.page), what)) ?? null };
  } catch (error) {
    answer = { error: String(error && error.stack || error) };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
await browser.close();
