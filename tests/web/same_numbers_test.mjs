// Two hundred jobs through the module of WebAssembly and through the command line: the answers are the same text, to the
// last digit of every time, size and price.
//
//   node same_numbers_test.mjs FORESHARD MODULE-FOLDER CONFIGS [COUNT]     exits with 77 where the module was not built
import {spawnSync} from "node:child_process";
import {existsSync} from "node:fs";
import {join} from "node:path";
import {performance} from "node:perf_hooks";

import {loadModule} from "./module.mjs";

const [, , tool, folder, configs, count = "200"] = process.argv;
if (!existsSync(join(folder, "foreshard.wasm"))) {
  console.log(`skipped: no foreshard.wasm in ${folder}; scripts/build_web.sh builds it`);
  process.exit(77);
}

// A generator of the same choices on every machine (Park and Miller's).
let state = 20261130;
const draw = (list) => {
  state = (state * 48271) % 2147483647;
  return list[state % list.length];
};

const kModels = ["llama3-8b", "llama3-70b", "llama3.1-405b", "gpt3-175b", "qwen3-8b", "mixtral-8x7b", "deepseek-v3", "qwen3-30b-a3b",
  "gemma-3-27b", "gpt-oss-20b", "nemotron-h-56b", "kimi-k2"];
const kClusters = ["dgx-h100", "dgx-a100", "dgx-b200", "mi300x-node", "gb200-nvl72", "aws-p5", "rtx4090-box"];

/** A job, and how often it is right: many of these do not fit, some are refused. Both sides must say the same. */
function job(index) {
  const lines = [`name: job-${index}`, `model: ${draw(kModels)}`, `cluster: {name: ${draw(kClusters)}, nodes: ${draw([1, 2, 4, 8, 16])}}`,
    `framework: ${draw(["foreshard", "megatron", "torch-fsdp"])}`,
    `parallelism: {tp: ${draw([1, 2, 4, 8])}, pp: ${draw([1, 1, 2, 4])}, cp: ${draw([1, 1, 1, 2])}, zero: ${draw([0, 1, 2, 3])}}`, "training:",
    `  sequence_length: ${draw([2048, 4096, 8192, 10000])}`, `  global_batch: ${draw([64, 128, 256])}`, `  micro_batch: ${draw([1, 1, 2])}`,
    `  recompute: ${draw(["none", "selective", "full"])}`, `  precision: ${draw(["bf16", "bf16", "fp8", "fp32"])}`, `  tokens: ${draw(["1T", "0.3T", "150B"])}`];
  return lines.join("\n") + "\n";
}

/** The request, and the same as arguments. */
function asked(index) {
  const kind = index % 10;
  if (kind === 7) return [{command: "simulate", timeline: true}, ["simulate", "--timeline"]];
  if (kind === 8) return [{command: "compare", tp: "1-8"}, ["compare", "--tp", "1-8"]];
  if (kind === 9) return [{command: "explain"}, ["explain"]];
  return [{command: "plan"}, ["plan"]];
}

/** The answer of the command line, as foreshard_call would word it: the exact text of a result. */
function answerOfTool(args, text) {
  const done = spawnSync(tool, [args[0], "-", ...args.slice(1), "--format", "json"],
    {input: text, encoding: "utf8", env: {...process.env, FORESHARD_CONFIGS: configs}, maxBuffer: 2 ** 28});
  return {code: done.status, text: done.status <= 1 ? done.stdout.trimEnd() : done.stderr};
}

/** The exact text of a result in an answer, or of the problems. */
function answerOfModule(answer) {
  const {code, message} = JSON.parse(answer);
  if (code > 1) return {code, text: message};
  const head = `{"code": ${code}, "result": `;
  return {code, text: answer.slice(head.length, answer.lastIndexOf("}"))};
}

/**
 * Without what differs between the two by right: the commit that each was built from, the name of the text that was read, and the last
 * two digits of a likelihood, for which C libraries have different error functions.
 */
function withoutOrigin({code, text}) {
  return {code, text: text.replace(/"git": (?:"[^"]*"|null)/g, '"git": null').replace(/"inputs": \[[^\]]*\]/g, '"inputs": []')
    .replaceAll("<stdin>", "job").replace(/"ahead": ([\d.e-]+)/g, (_, ahead) => `"ahead": ${Number(ahead).toPrecision(14)}`)};
}

const call = await loadModule(folder, configs);
let failed = 0;
let milliseconds = 0;
const codes = {};
for (let i = 0; i < Number(count); ++i) {
  const text = job(i);
  const [request, args] = asked(i);
  const begin = performance.now();
  const here = withoutOrigin(answerOfModule(call({...request, job: text})));
  milliseconds += performance.now() - begin;
  const there = withoutOrigin(answerOfTool(args, text));
  codes[here.code] = (codes[here.code] || 0) + 1;
  // Complaints end in the command line with how many there were.
  const isSame = here.code === there.code && (here.code <= 1 ? here.text === there.text : there.text.includes(here.text.trimEnd()));
  if (isSame) continue;
  ++failed;
  let at = 0;
  while (here.text[at] === there.text[at] && at < here.text.length) ++at;
  console.log(`${args.join(" ")} of\n${text}differs (codes ${here.code}, ${there.code}), module: …${here.text.slice(Math.max(0, at - 60), at + 40)}…\n  tool: …${there.text.slice(Math.max(0, at - 60), at + 40)}…`);
}
console.log(`exit codes: ${JSON.stringify(codes)}; ${(milliseconds / Number(count)).toFixed(1)} ms an answer in the module`);
console.log(`${Number(count) - failed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
