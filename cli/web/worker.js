"use strict";
/**
 * Runs foreshard beside the page, so that the page never waits. The first message has the module's bytes and the bundled
 * configs; each further one a request of cli/api/foreshard.h, and the files that the job names.
 *
 *   in   {wasm, configs: {path: text}}, then {id, request, files: {name: text}, collect}
 *   out  {ready: true} or {failed: text}, then {id, event, collected}… and {id, answer, milliseconds, collected: {name: text}}
 *
 * `event` is what foreshard_call_heard tells its listener; `collected` are the files in the folder `collect`.
 */
const kJobFolder = "/job";  // where a job's own files are: it names them without a folder
let tool;
let listener;        // of foreshard_call_heard
let hear = () => {}; // what it does with an event

function writeFiles(folder, files) {
  for (const [name, text] of Object.entries(files)) {
    const path = folder + "/" + name;
    tool.FS.mkdirTree(path.slice(0, path.lastIndexOf("/")));
    tool.FS.writeFile(path, text);
  }
}

async function begin({wasm, configs}) {
  tool = await createForeshard({wasmBinary: wasm, print: () => {}, printErr: () => {}});
  writeFiles("/configs", configs);
  tool.FS.mkdirTree(kJobFolder);
  tool.FS.chdir(kJobFolder);
  listener = tool.addFunction((event) => {
    hear(tool.UTF8ToString(event));
    return 0;
  }, "iii");
}

/** One request in JSON, one answer in JSON; meanwhile events. */
function callTool(request) {
  const length = tool.lengthBytesUTF8(request) + 1;
  const at = tool._malloc(length);
  tool.stringToUTF8(request, at, length);
  const answer = tool._foreshard_call_heard(at, listener, 0);
  tool._free(at);
  const text = tool.UTF8ToString(answer);
  tool._foreshard_free(answer);
  return text;
}

function filesIn(folder) {
  const {exists} = tool.FS.analyzePath(folder);
  const names = exists ? tool.FS.readdir(folder).filter((name) => !name.startsWith(".")) : [];
  names.sort((a, b) => a.localeCompare(b, "en", {numeric: true}));
  return Object.fromEntries(names.map((name) => [name, tool.FS.readFile(folder + "/" + name, {encoding: "utf8"})]));
}

onmessage = async ({data}) => {
  if (data.wasm) {
    try {
      await begin(data);
      postMessage({ready: true});
    } catch (error) {
      postMessage({failed: String(error)});
    }
    return;
  }
  try {
    writeFiles(kJobFolder, data.files || {});
    const collected = () => data.collect ? filesIn(data.collect) : undefined;
    hear = (event) => postMessage({id: data.id, event, collected: collected()});
    const start = performance.now();
    const answer = callTool(JSON.stringify(data.request));
    const milliseconds = performance.now() - start;
    postMessage({id: data.id, answer, milliseconds, collected: collected()});
  } catch (error) {
    // A trap, such as too little memory: the module cannot go on after it.
    postMessage({id: data.id, answer: JSON.stringify({code: 3, message: String(error)}), milliseconds: 0, broken: true});
  }
};
