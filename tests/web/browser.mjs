// A page in headless Chromium, driven over its debugging pipe: no package is needed for it.
import {spawn} from "node:child_process";
import {existsSync, mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";

export function findBrowser() {
  return ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path));
}

const kSilent = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--hide-scrollbars"];

export class Browser {
  #profile = mkdtempSync(join(tmpdir(), "foreshard-browser-"));
  #waiting = new Map();
  #last = 0;
  #session;
  #process;
  console = [];  // what the page wrote, and its errors

  async open(address, {width = 1280, height = 900, isDark = false} = {}) {
    this.#process = spawn(findBrowser(), [...kSilent, "--remote-debugging-pipe", `--user-data-dir=${this.#profile}`, "about:blank"],
      {stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"], detached: true});
    let rest = "";
    this.#process.stdio[4].on("data", (piece) => {
      const texts = (rest + piece).split("\0");
      rest = texts.pop();
      for (const text of texts) this.#take(JSON.parse(text));
    });
    const {targetInfos} = await this.#send("Target.getTargets");
    const {targetId} = targetInfos.find(({type}) => type === "page");
    this.#session = (await this.#send("Target.attachToTarget", {targetId, flatten: true})).sessionId;
    for (const domain of ["Page", "Runtime", "Log"]) await this.#send(domain + ".enable");
    await this.resize(width, height);
    await this.#send("Emulation.setEmulatedMedia", {features: [{name: "prefers-color-scheme", value: isDark ? "dark" : "light"}]});
    await this.#send("Page.navigate", {url: address});
  }

  resize(width, height) {
    return this.#send("Emulation.setDeviceMetricsOverride", {width, height, deviceScaleFactor: 1, mobile: false});
  }

  /** The value of an expression, which may be a promise. */
  async value(expression) {
    const {result, exceptionDetails} = await this.#send("Runtime.evaluate", {expression, awaitPromise: true, returnByValue: true});
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception?.description || exceptionDetails.text}`);
    return result.value;
  }

  /** Waits until an expression is true. */
  async until(expression, seconds = 60) {
    for (const end = Date.now() + 1000 * seconds; Date.now() < end;) {
      if (await this.value(`Boolean(${expression})`)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`this did not become true in ${seconds} s: ${expression}`);
  }

  /** Presses a key, as on a keyboard: "Tab", "ArrowRight", "a". */
  async press(key) {
    const codes = {Tab: 9, Enter: 13, ArrowLeft: 37, ArrowUp: 38, ArrowRight: 39, ArrowDown: 40, Home: 36, End: 35, " ": 32};
    const text = key.length === 1 ? key : key === "Enter" ? "\r" : undefined;
    const event = {key, code: key.length === 1 ? undefined : key, windowsVirtualKeyCode: codes[key] || key.charCodeAt(0), text};
    await this.#send("Input.dispatchKeyEvent", {type: text ? "keyDown" : "rawKeyDown", ...event});
    await this.#send("Input.dispatchKeyEvent", {type: "keyUp", ...event});
  }

  async type(text) {
    await this.#send("Input.insertText", {text});
  }

  /** The window, or the whole page, as WebP, or as PNG. */
  async picture({isWhole = false, format = "webp"} = {}) {
    const quality = format === "webp" ? 85 : undefined;
    const {data} = await this.#send("Page.captureScreenshot", {format, quality, captureBeyondViewport: isWhole});
    return Buffer.from(data, "base64");
  }

  close() {
    process.kill(-this.#process.pid, "SIGKILL");  // with the processes that it started, which write into its profile
    this.#process.once("exit", () => rmSync(this.#profile, {recursive: true, force: true, maxRetries: 10}));
  }

  #send(method, params = {}) {
    const id = ++this.#last;
    this.#process.stdio[3].write(JSON.stringify({id, method, params, sessionId: this.#session}) + "\0");
    return new Promise((resolve, reject) => this.#waiting.set(id, {resolve, reject, method}));
  }

  #take(message) {
    if (message.id) {
      const {resolve, reject, method} = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error) reject(new Error(`${method}: ${message.error.message}`));
      else resolve(message.result);
    } else if (message.method === "Runtime.consoleAPICalled") {
      this.console.push(message.params.args.map(({value, description}) => value ?? description).join(" "));
    } else if (message.method === "Runtime.exceptionThrown") {
      this.console.push(message.params.exceptionDetails.exception?.description || message.params.exceptionDetails.text);
    } else if (message.method === "Log.entryAdded") {
      this.console.push(message.params.entry.text);
    }
  }
}
