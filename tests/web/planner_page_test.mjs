// The planner's page in headless Chromium, opened from a disk and used by the keyboard alone.
//
//   node planner_page_test.mjs PAGE.html FORESHARD CONFIGS [PICTURES]   exits with 77 without page or browser; with
//                                                                       PICTURES, writes screenshots into that folder
import {spawnSync} from "node:child_process";
import {existsSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {pathToFileURL} from "node:url";

import {Browser, findBrowser} from "./browser.mjs";

const [, , page, tool, configs, pictures] = process.argv;
for (const [what, isThere] of [[`no ${page}; scripts/build_web.sh builds it`, existsSync(page)], ["no Chromium", findBrowser()]]) {
  if (isThere) continue;
  console.log(`skipped: ${what}`);
  process.exit(77);
}

const kJob = "llama3-70b-64h100";
const failures = [];
const check = (isRight, message) => { if (!isRight) failures.push(message); };
const plan = (...options) => JSON.parse(spawnSync(tool, ["plan", kJob, ...options, "--format", "json"],
  {encoding: "utf8", env: {...process.env, FORESHARD_CONFIGS: configs}}).stdout);
const answerIs = (record) => `state.record && state.record.step && state.record.step.time_s === ${record.step.time_s}`;

const browser = new Browser();
const began = Date.now();
await browser.open(pathToFileURL(page).href);
await browser.until("document.querySelector('#pane-plan .tiles')");
console.log(`first answer after ${((Date.now() - began) / 1000).toFixed(2)} s, the browser's start included`);
console.log(`first answer after ${(await browser.value("performance.now()") / 1000).toFixed(2)} s in the page`);
const eightWay = plan();
check(await browser.value(answerIs(eightWay)), "the first answer is not the command line's");
check(await browser.value(`document.querySelector("#pane-plan .verdict").innerText`) === eightWay.verdict.text.join("\n\n").replace(/\n\n/g, "\n\n"),
  "the verdict is not the command line's: " + await browser.value(`document.querySelector("#pane-plan .verdict").innerText`));
check(await browser.value(`document.querySelectorAll("#pane-plan svg").length`) >= 2, "no charts are drawn");

/** Presses Tab until the element with this id has the focus. */
async function tabTo(id) {
  for (let i = 0; i < 80; ++i) {
    if (await browser.value("document.activeElement && document.activeElement.id") === id) return;
    await browser.press("Tab");
  }
  check(false, `Tab never comes to #${id}`);
}

// A slider by its arrows: the YAML and the answer follow.
await browser.until(`document.getElementById("model")`);
await tabTo("tp-slider");
await browser.press("ArrowLeft");
const fourWay = plan("--tp", "4");
await browser.until(answerIs(fourWay));
check((await browser.value("editor.text")).includes("parallelism: {tp: 4, pp: 4, zero: 1}"), "the YAML does not follow the slider");
check(await browser.value(`document.getElementById("tp").value`) === "4", "the number does not follow the slider");

// The YAML by typing: the form and the answer follow; what is wrong is said at its line.
await tabTo("yaml");
await browser.value(`(() => { const area = document.getElementById("yaml"); const at = area.value.indexOf("tp: 4") + 4; area.setSelectionRange(at, at + 1); })()`);
await browser.type("8");
await browser.until(answerIs(eightWay));
check(await browser.value(`document.getElementById("tp-slider").getAttribute("aria-valuetext")`) === "8", "the slider does not follow the YAML");
await browser.type("x");
await browser.until(`document.querySelectorAll("#problems li").length > 0`);
const line = (await browser.value("editor.text")).split("\n").findIndex((text) => text.includes("tp: 8x")) + 1;
check((await browser.value(`document.getElementById("problems").innerText`)).startsWith(`line ${line} `), "the problem is not at its line");
check(await browser.value(`document.querySelector("#line-numbers .wrong").textContent`) === String(line), "the line is not marked");
await tabTo("tab-plan");
await browser.value(`setText(editor.text.replace("8x", "8"))`);
await browser.until(`document.querySelectorAll("#problems li").length === 0`);
check(await browser.value(answerIs(eightWay)), "the mended job has another answer");

// The tabs by arrows.
for (const [id, drawn] of [["explain", "ol li"], ["simulate", "canvas"], ["compare", ".scroll table"]]) {
  await browser.press("ArrowRight");
  await browser.until(`document.querySelector("#pane-${id} ${drawn}")`, 120);
  check(await browser.value("document.activeElement.id") === "tab-" + id, `the arrow does not come to ${id}`);
  if (pictures) writeFileSync(join(pictures, `planner_${id}.webp`), await browser.picture());
}
await browser.press("ArrowRight");
for (const key of ["Tab", "Tab", "Tab"]) await browser.press(key);
check(await browser.value("document.activeElement.textContent") === "Search all plans", "the search's button is not reached");
await browser.press("Enter");
await browser.until(`document.querySelector("#pane-search .tiles, #pane-search table")`, 300);
await browser.until(`/^Searched/.test(document.getElementById("search-status").textContent)`, 300);
console.log("search: " + await browser.value(`document.getElementById("search-status").textContent`));
const search = JSON.parse(spawnSync(tool, ["search", kJob, "--format", "json"], {encoding: "utf8", env: {...process.env, FORESHARD_CONFIGS: configs}}).stdout).search;
check(await browser.value(`document.querySelector("#pane-search td.best").innerText`) === await browser.value(`significant(${search.plans[0].estimate.step.time_s})`),
  "the page finds another plan than the command line");
check(await browser.value(`document.querySelectorAll("#pane-search .take").length`) === search.plans.length, "not every plan can be taken");
await tabTo("take-1");
await browser.press("Enter");
await browser.until(`state.tab === "plan" && editor.text.includes("foreshard search")`);
await browser.until(answerIs({step: {time_s: search.plans[0].estimate.step.time_s}}));

// A search that is stopped keeps the best plans so far.
await tabTo("tab-plan");
await browser.press("End");
await tabTo("search-button");
await browser.press("Enter");
await browser.until(`document.querySelector("#pane-search progress").value > 0 && document.getElementById("take-1")`, 300);
check((await browser.value(`document.getElementById("search-count").textContent`)).startsWith("estimating plans"), "the search does not say what it does");
await browser.press("Enter");
await browser.until(`document.getElementById("search-status").textContent.startsWith("Stopped.")`);
check((await browser.value(`document.querySelector("#pane-search .verdict").innerText`)).includes("ended early"), "a stopped search is shown as a whole one");
check(await browser.value(`document.querySelector("#pane-search progress").hidden`), "a stopped search shows progress");

// A link holds the job, in another tab of a browser.
await browser.value(`setText(${JSON.stringify("name: mine\nmodel: qwen3-8b\ncluster: {name: dgx-h100, nodes: 1}\nparallelism: {tp: 2}\n" +
  "training: {sequence_length: 4096, global_batch: 64, micro_batch: 1}  # ⅔ of a night\n")})`);
await browser.value("keepInAddress()");
const link = await browser.value("location.href");
const second = new Browser();
await second.open(link);
await second.until("typeof state !== 'undefined' && state.record");
check(await second.value("editor.text") === await browser.value("editor.text"), "the link's job is another");
check(await second.value("state.record.job.name") === "mine", "the link's job is not planned");

// A config.json is a model.
await second.value(`takeConfig(new File([JSON.stringify({architectures: ["LlamaForCausalLM"], model_type: "llama", hidden_size: 1024,
  intermediate_size: 4096, num_attention_heads: 16, num_key_value_heads: 4, num_hidden_layers: 8, vocab_size: 32000,
  max_position_embeddings: 8192, tie_word_embeddings: false, rms_norm_eps: 1e-5, hidden_act: "silu"})], "config.json"))`);
// Embedding and head 2·32,000·1,024; a layer 2·1,024² (q, output) + 2·1,024·256 (k, v) + 3·1,024·4,096 + 2·1,024; the last norm.
await second.until(`state.record.model.parameters.total === ${2 * 32000 * 1024 + 8 * (2 * 1024 ** 2 + 2 * 1024 * 256 + 3 * 1024 * 4096 + 2 * 1024) + 1024}`);

// A report of the page is the page that foreshard writes: its record is the answer.
check(await second.value(`(() => { const page = new DOMParser().parseFromString(reportPage(state.record, "x"), "text/html");
  return JSON.parse(page.getElementById("record").textContent).step.time_s === state.record.step.time_s; })()`), "the report holds another record");
check((await second.value(`engine.call({command: "export", job: jobText(), to: "torchtitan"}, state.files).then(({result}) => result)`)).includes("tensor_parallel_degree = 2"),
  "the export is not torchtitan's");

// How many estimates a second the page makes.
console.log("estimates per second: " + await second.value(`(async () => { const begin = performance.now(); let count = 0;
  for (; performance.now() < begin + 2000; ++count) await engine.call({command: "plan", job: jobText()}, state.files);
  return (1000 * count / (performance.now() - begin)).toFixed(0); })()`));

// Nothing hangs over at any width.
for (const width of [360, 1280, 2560]) {
  await second.resize(width, 1000);
  await new Promise((resolve) => setTimeout(resolve, 300));
  check(await second.value("document.documentElement.scrollWidth <= innerWidth"), `at ${width} pixels the page is wider than the window`);
}
check(browser.console.length === 0, `console: ${browser.console.join("; ")}`);
check(second.console.length === 0, `console: ${second.console.join("; ")}`);
browser.close();
second.close();

if (pictures) {
  for (const [width, height, isDark] of [[360, 1400, false], [1280, 1000, false], [2560, 1300, true]]) {
    const shown = new Browser();
    await shown.open(pathToFileURL(page).href, {width, height, isDark});
    await shown.until("document.querySelector('#pane-plan .tiles') && document.getElementById('model')");
    await new Promise((resolve) => setTimeout(resolve, 800));
    writeFileSync(join(pictures, `planner_${width}.webp`), await shown.picture());
    shown.close();
  }
}
for (const failure of failures) console.log("failed: " + failure);
console.log(failures.length === 0 ? "1 passed, 0 failed" : `0 passed, 1 failed`);
process.exit(failures.length === 0 ? 0 : 1);
