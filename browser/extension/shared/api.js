// The browser's interface for extensions, by one name: Firefox calls it browser, Chromium chrome.
export const api = globalThis.browser ?? globalThis.chrome;
// Firefox alone has a place for icons inside its address bar.
export const firefox = api?.pageAction !== undefined;
