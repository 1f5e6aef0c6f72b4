// Starts the agent, says hello, and reports what came of it: {answer} or {error}.
const api = globalThis.browser ?? globalThis.chrome;

async function main() {
  const { message, report } = await (await fetch(api.runtime.getURL("told.json"))).json();
  const tell = (result) => fetch(report, { method: "POST", body: JSON.stringify({ id: api.runtime.id, ...result }) });
  let done = false;
  const port = api.runtime.connectNative("org.keyplate.agent");
  port.onMessage.addListener((answer) => {
    if (answer.id !== message.id) return;
    done = true;
    tell({ answer }).then(() => port.disconnect());
  });
  port.onDisconnect.addListener(() => {
    const error = api.runtime.lastError?.message ?? port.error?.message ?? "it ended";
    if (!done) tell({ error });
  });
  port.postMessage(message);
}

main();
