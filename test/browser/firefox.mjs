// Runs Firefox with one extension until standard input ends: node firefox.mjs MODULES PROGRAM PROFILE EXTENSION
import { createRequire } from "node:module";

const [modules, executablePath, userDataDir, extension] = process.argv.slice(2);
const puppeteer = createRequire(modules + "/")("puppeteer-core");
const browser = await puppeteer.launch({ browser: "firefox", executablePath, userDataDir, headless: true });
await browser.installExtension(extension);
process.stdout.write("installed\n");
process.stdin.resume();
process.stdin.on("end", async () => { await browser.close(); process.exit(0); });
