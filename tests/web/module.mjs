// The planner's module of WebAssembly in node: what the page's worker does, without a page.
import {readdirSync, readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {join} from "node:path";

/** Loads the module that scripts/build_web.sh built. Returns a function: a request in, the answer's text out. */
export async function loadModule(folder, configs) {
  const create = createRequire(import.meta.url)(join(folder, "foreshard.js"));
  const tool = await create({wasmBinary: readFileSync(join(folder, "foreshard.wasm")), print() {}, printErr() {}});
  for (const kind of ["models", "accelerators", "clusters", "jobs", "measured"]) {
    tool.FS.mkdirTree(`/configs/${kind}`);
    for (const name of readdirSync(join(configs, kind)).filter((file) => file.endsWith(".yaml")))
      tool.FS.writeFile(`/configs/${kind}/${name}`, readFileSync(join(configs, kind, name)));
  }
  return (request) => {
    const text = JSON.stringify(request);
    const length = tool.lengthBytesUTF8(text) + 1;
    const at = tool._malloc(length);
    tool.stringToUTF8(text, at, length);
    const answer = tool._foreshard_call(at);
    tool._free(at);
    const answered = tool.UTF8ToString(answer);
    tool._foreshard_free(answer);
    return answered;
  };
}
