"use strict";
/** The page: the YAML is the job; the form, the answer, the address and the downloads follow it. */

const kFirstJob = "llama3-70b-64h100";
const kExports = ["megatron", "megatron-bridge", "torchtitan", "deepspeed", "nanotron", "automodel", "accelerate", "nccl-tests", "slurm"];

const kJobFolder = "/job";  // of the worker's files; a plan that was found names a model of one's own in it

const state = {text: "", files: {}, tab: "plan", record: undefined};
const engine = new Engine();
const newest = new Newest();
const editor = new JobEditor((text) => setText(text));
const form = new JobForm((text) => setText(text));
const told = (text) => { document.getElementById("told").textContent = text; };
const jobText = () => state.text.endsWith("\n") ? state.text : state.text + "\n";

function tabOf(id) {
  return kTabs.find((tab) => tab.id === id);
}

function briefOf({step, memory}) {
  const unit = byteUnit(memory.capacity_bytes);
  return `${seconds(step.time_s)} a step · ${percent(step.mfu)} MFU · ${inUnit(memory.reserved_bytes + memory.context_bytes, unit)} of ` +
    `${inUnit(memory.capacity_bytes, unit)} ${unit.name}: ${memory.verdict}`;
}

/** Plans the job for the form, and asks what the chosen tab shows. */
async function answerNow() {
  const tab = tabOf(state.tab);
  const pane = document.getElementById("pane-" + tab.id);
  const place = pane.querySelector(".place");
  const ask = (request) => engine.call({...request, job: jobText()}, state.files);
  let answer = await ask({command: "plan"});
  editor.show(answer);
  const isPlanned = answer.code <= 1;
  if (isPlanned) {
    if (!state.record) performance.mark("first answer");
    state.record = answer.result;
    const first = Array.isArray(answer.result) ? answer.result[0] : answer.result;
    form.show(state.text, first.job);
    document.getElementById("brief").textContent = briefOf(first);
  }
  if (isPlanned && tab.request && tab.id !== "plan") {
    answer = await ask(tab.request());
    if (answer.code > 1) told(answer.message);
  }
  place?.classList.toggle("stale", answer.code > 1);
  if (answer.code > 1 || !tab.request || pane.hidden) return;
  told("");
  document.getElementById("pace").textContent = `Answered in ${seconds(answer.milliseconds / 1000)}.`;
  drawAnswer(place, answer.result);
}

function ask() {
  newest.ask(() => answerNow().catch((error) => { document.getElementById("pace").textContent = String(error.message || error); }));
}

let addressTimer;
function setText(text) {
  state.text = text;
  editor.text = text;
  form.show(text);
  ask();
  clearTimeout(addressTimer);
  addressTimer = setTimeout(keepInAddress, 300);
}

async function keepInAddress() {
  const fragment = await jobFragment({text: state.text, files: state.files});
  history.replaceState(null, "", fragment);
}

async function readAddress() {
  const job = await jobOfFragment(location.hash);
  if (!job) return false;
  state.files = job.files;
  setText(job.text);
  return true;
}

async function takeConfig(file) {
  const name = fileName(file.name.replace(/\.json$/i, ""), ".json");
  state.files = {[name]: await file.text()};
  setText(withYamlValue(state.text, namedPath(state.text, "model"), name));
  told(`The model is ${name}. A saved job expects that file beside it; a link holds it.`);
}

function jobName() {
  return yamlValue(state.text, ["name"]) || "job";
}

async function exportJob(target) {
  const answer = await engine.call({command: "export", job: jobText(), to: target}, state.files);
  if (answer.code > 1) return told(answer.message);
  const extension = {torchtitan: ".toml", deepspeed: ".json", nanotron: ".yaml", automodel: ".yaml", accelerate: ".yaml"}[target] || ".sh";
  download(fileName(`${jobName()}-${target}`, extension), answer.result, "text/plain");
}

function buildTabs() {
  let search;
  const {list, choose} = tabList(kTabs, (id) => {
    state.tab = id;
    if (state.text) ask();
    if (id === "search") search.draw();
  });
  const panes = kTabs.map((tab) => element("div", {role: "tabpanel", id: "pane-" + tab.id, "aria-labelledby": "tab-" + tab.id, tabindex: "0", hidden: true},
    tab.controls ? tab.controls(ask) : null, tab.request ? element("div", {class: "place"}) : null));
  document.getElementById("tabs").append(list, ...panes);
  search = new SearchPane(document.getElementById("pane-search"), () => ({text: jobText(), files: state.files}), (text) => {
    setText(text.replaceAll(kJobFolder + "/", ""));
    choose("plan");
    document.getElementById("answer").focus();
  });
  choose("plan");
}

function listenToButtons(configs) {
  const at = (id) => document.getElementById(id);
  at("copy-link").addEventListener("click", async () => {
    await keepInAddress();
    const isCopied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
    told(isCopied ? "The link is copied. It holds the whole job." : "The address of this page is the link; it holds the whole job.");
  });
  at("save-job").addEventListener("click", () => {
    download(fileName(jobName(), ".yaml"), jobText(), "text/yaml");
    for (const [name, text] of Object.entries(state.files)) if (state.text.includes(name)) download(name, text, "application/json");
  });
  at("save-report").addEventListener("click", () => {
    if (state.record) download(fileName(jobName(), ".html"), reportPage(state.record, jobName()), "text/html");
  });
  at("export").append(...kExports.map((target) => element("option", {value: target}, target)));
  at("export").addEventListener("change", async (event) => {
    const {value} = event.target;
    event.target.value = "";
    if (value) await exportJob(value);
  });
  const jobs = Object.keys(configs).filter((path) => path.startsWith("jobs/")).map((path) => path.slice(5, -5));
  at("start").append(...jobs.map((name) => element("option", {value: name}, name)));
  at("start").addEventListener("change", (event) => {
    state.files = {};
    if (event.target.value) setText(configs[`jobs/${event.target.value}.yaml`]);
    event.target.value = "";
  });
  at("config-file").addEventListener("change", (event) => event.target.files[0] && takeConfig(event.target.files[0]));
}

function listenToDrops() {
  addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dragging"); });
  addEventListener("drop", async (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
    const [file] = event.dataTransfer.files;
    if (!file) return;
    if (/\.ya?ml$/i.test(file.name)) setText(await file.text());
    else await takeConfig(file);
  });
}

async function begin() {
  document.getElementById("form").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", readAddress);
  const {configs} = await engineParts();
  buildTabs();
  listenToButtons(configs);
  listenToDrops();
  if (!await readAddress()) setText(configs[`jobs/${kFirstJob}.yaml`]);
  const {code, message, result} = await engine.call({command: "list"});
  if (code > 1) throw new Error(message);
  form.addNames(result.models, result.clusters);
  form.show(state.text);
}

begin().catch((error) => { document.getElementById("pace").textContent = `The planner cannot start here: ${error.message || error}`; });
