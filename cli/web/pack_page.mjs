// Packs the planner's page into one file: the page's parts, those of the reports, the module, and the bundled configs.
//
//   node pack_page.mjs BUILD-FOLDER CHARTS.js OUT.html       CHARTS.js: "" for a page without charts
import {existsSync, readFileSync, readdirSync, writeFileSync} from "node:fs";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";
import {gzipSync} from "node:zlib";

const [, , build, charts, out] = process.argv;
const module = join(build, "module/bin");
const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const reports = join(root, "planner/report/html");
const text = (...path) => readFileSync(join(...path), "utf8");
const packed = (bytes) => gzipSync(bytes, {level: 9}).toString("base64");

// As foreshard_embed_pages has them, in the same order.
const [, names] = /foreach\(name IN ITEMS ((?:\w+\s*)+)\)/.exec(text(root, "cmake/ForeshardCharts.cmake"));
const views = names.trim().split(/\s+/);

const configs = {};
for (const kind of ["models", "accelerators", "clusters", "jobs", "measured"])
  for (const name of readdirSync(join(root, "configs", kind)).sort())
    if (name.endsWith(".yaml")) configs[`${kind}/${name}`] = text(root, "configs", kind, name);

// What a script element must not have inside.
function inScript(code, name = "a script") {
  if (/<\/script|<!--/i.test(code)) throw new Error(`${name} cannot stand in a script element`);
  return code;
}

// The terms of everything that is compiled into the module. ECharts' own stand above its code.
const sources = [["foreshard", join(root, "LICENSE")], ["yaml-cpp", join(build, "sources/yaml-cpp/LICENSE")],
  ["fmt", join(build, "sources/fmt/LICENSE.rst")], ["zlib", join(build, "sources/zlib/LICENSE")],
  ["JSON for Modern C++", "/usr/share/doc/nlohmann-json3-dev/copyright"], ["Boost", "/usr/share/doc/libboost-dev/copyright"],
  ["Emscripten, musl and LLVM's libraries", "/usr/share/doc/emscripten/copyright"]];
const licences = sources.filter(([, path]) => existsSync(path)).map(([name, path]) => `==== ${name}\n\n${text(path)}\n`).join("\n");

const parts = {
  licences: licences.replace(/&/g, "&amp;").replace(/</g, "&lt;"),
  "report-style": text(reports, "style.css"),
  style: text(here, "planner.css"),
  charts: charts ? inScript(text(charts), "the charts' library") : "",
  "report-script": inScript(views.map((name) => text(reports, `${name}.js`)).join("")),
  "report-frame": JSON.stringify(text(reports, "report.html")).replace(/</g, "\\u003c"),
  "module-script": inScript(text(module, "foreshard.js"), "the module"),
  "worker-script": inScript(text(here, "worker.js"), "worker.js"),
  script: inScript(["yaml_edit", "engine", "share", "job_editor", "job_form", "answers", "planner"].map((name) => text(here, `${name}.js`)).join("")),
  configs: packed(JSON.stringify(configs)),
  "module-wasm": packed(readFileSync(join(module, "foreshard.wasm"))),
};
const page = text(here, "planner.html").split(/\{\{([\w-]+)\}\}/).map((piece, i) => (i % 2 ? parts[piece] : piece)).join("");
writeFileSync(out, page);
const mib = (size) => (size / 2 ** 20).toFixed(2) + " MiB";
console.log(`${out}: ${mib(Buffer.byteLength(page))}, ${mib(gzipSync(page, {level: 9}).length)} compressed`);
