"use strict";
/** foreshard in a worker: requests in, answers out. Everything that it is made of is in the page. */

function pageText(id) {
  return document.getElementById(id).textContent;
}

/** The bytes that a script element of the page holds, in base64 and compressed. */
async function pageBytes(id) {
  const text = atob(pageText(id).trim());
  const compressed = Uint8Array.from(text, (c) => c.charCodeAt(0));
  return new Response(new Blob([compressed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

let loadedParts;
function engineParts() {
  loadedParts ||= Promise.all([pageBytes("module-wasm"), pageBytes("configs")]).then(([wasm, configs]) => ({wasm,
    configs: JSON.parse(new TextDecoder().decode(configs)),
    script: URL.createObjectURL(new Blob([pageText("module-script"), "\n", pageText("worker-script")], {type: "text/javascript"}))}));
  return loadedParts;
}

class Engine {
  #waiting = new Map();
  #last = 0;
  #worker;
  #ready;

  constructor() {
    this.#ready = this.#begin();
    this.#ready.catch(() => {});
  }

  async #begin() {
    const {wasm, configs, script} = await engineParts();
    if (this.#worker === null) throw new Error("stopped");
    this.#worker = new Worker(script);
    return new Promise((resolve, reject) => {
      this.#worker.onerror = (event) => reject(new Error(event.message));
      this.#worker.onmessage = ({data}) => {
        if (data.ready) return resolve();
        if (data.failed) return reject(new Error(data.failed));
        const {heard, done} = this.#waiting.get(data.id) ?? {};
        if (data.event !== undefined) return heard?.(JSON.parse(data.event), data.collected);
        if (data.broken) this.#restart();
        this.#waiting.delete(data.id);
        done?.(data);
      };
      this.#worker.postMessage({wasm, configs});
    });
  }

  #restart() {
    this.#worker.terminate();
    this.#ready = this.#begin();
  }

  /**
   * Answers {code, result} or {code, message, problems}, with `milliseconds` and the files `collected`.
   * @param heard  called with {progress} or {so_far} while the command works, and with the files collected so far
   */
  async call(request, files = {}, {collect, heard} = {}) {
    await this.#ready;
    const id = ++this.#last;
    const data = await new Promise((done) => {
      this.#waiting.set(id, {heard, done});
      this.#worker.postMessage({id, request, files, collect});
    });
    return {...JSON.parse(data.answer), milliseconds: data.milliseconds, collected: data.collected};
  }

  /** Ends what runs; nothing more is answered. */
  stop() {
    this.#worker?.terminate();
    this.#worker = null;
  }
}

/** Runs one piece of work at a time. Of those that are asked for meanwhile, the newest alone. */
class Newest {
  #running = false;
  #next;

  ask(work) {
    this.#next = work;
    if (!this.#running) this.#run();
  }

  async #run() {
    this.#running = true;
    while (this.#next) {
      const work = this.#next;
      this.#next = undefined;
      await work();
      // Once a frame: what is drawn more often, nobody sees.
      await new Promise((resolve) => { document.hidden ? setTimeout(resolve, 50) : requestAnimationFrame(() => resolve()); });
    }
    this.#running = false;
  }
}
