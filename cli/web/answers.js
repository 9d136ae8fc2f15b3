"use strict";
/** The answer's tabs: what each asks of the tool, and how its answer is drawn. */

/** What `compare` may vary: the option's key, words for it, and values to begin with. */
const kCompared = [
  ["tp", "tensor parallel", "1-8"], ["pp", "pipeline stages", "1-8"], ["cp", "context parallel", "1-8"], ["ep", "expert parallel", "1-8"],
  ["vp", "chunks a stage", "1-4"], ["zero", "ZeRO stage", "0-3"], ["micro_batch", "micro-batch", "1-8"], ["batch", "sequences a step", "256-2048"],
  ["sequence", "tokens a sequence", "4096-32768"], ["nodes", "nodes", "8-64"], ["recompute", "recompute", "none,selective,full"],
  ["precision", "precision", "bf16,fp8"], ["schedule", "schedule", "1f1b,interleaved,zero-bubble"], ["cluster", "cluster", "dgx-a100,dgx-h100,dgx-b200"],
];

const kObjectives = [["step-time", "the shortest step"], ["time-to-train", "the shortest training"], ["tokens-per-dollar", "the cheapest tokens"],
  ["devices", "the fewest devices"], ["memory-headroom", "the most free memory"]];

function selectOf(id, label, options) {
  return element("label", {}, label + " ", element("select", {id}, options.map(([value, text]) => element("option", {value}, text))));
}

/** The controls of the tab `compare`: what is varied, and over which values. */
function compareControls(ask) {
  const select = selectOf("compared", "Vary", kCompared.map(([key, text]) => [key, text]));
  const values = element("input", {id: "compared-values", value: kCompared[0][2], spellcheck: "false", autocomplete: "off"});
  const choice = select.querySelector("select");
  choice.addEventListener("change", () => {
    values.value = kCompared.find(([key]) => key === choice.value)[2];
    ask();
  });
  values.addEventListener("change", ask);
  return element("div", {class: "controls"}, select, element("label", {}, "over ", values),
    element("small", {}, "values with commas; 1-8 stands for 1,2,4,8"));
}

const kTabs = [
  {id: "plan", title: "Plan", request: () => ({command: "plan"})},
  {id: "explain", title: "Why", request: () => ({command: "explain"})},
  {id: "simulate", title: "Timeline", request: () => ({command: "simulate", timeline: true})},
  {id: "compare", title: "Compare", controls: compareControls, request: () => ({command: "compare",
    [document.getElementById("compared").value]: document.getElementById("compared-values").value})},
  {id: "search", title: "Search", isOnDemand: true},
];

/** Tabs as the keyboard knows them: arrows move between them. */
function tabList(tabs, chosen) {
  const buttons = tabs.map(({id, title}) => element("button", {type: "button", role: "tab", id: "tab-" + id, "aria-controls": "pane-" + id,
    onclick: () => choose(id)}, title));
  const choose = (id) => {
    tabs.forEach((tab, i) => {
      const isChosen = tab.id === id;
      buttons[i].setAttribute("aria-selected", String(isChosen));
      buttons[i].tabIndex = isChosen ? 0 : -1;
      document.getElementById("pane-" + tab.id).hidden = !isChosen;
    });
    chosen(id);
  };
  const list = element("div", {role: "tablist", "aria-label": "Answer", class: "tabs"}, buttons);
  list.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(document.activeElement);
    const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1}[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = (to + buttons.length) % buttons.length;
    buttons[next].focus();
    choose(tabs[next].id);
  });
  return {list, choose};
}

/** Draws a record in place of the one before, and keeps the page where it was. */
function drawAnswer(place, record) {
  const open = new Set([...place.querySelectorAll("details[open] > summary")].map((summary) => summary.textContent));
  place.style.minHeight = place.offsetHeight + "px";
  showReport(place, record);
  for (const summary of place.querySelectorAll("summary")) if (open.has(summary.textContent)) summary.parentElement.open = true;
  requestAnimationFrame(() => { place.style.minHeight = ""; });
}

/** The tab `search`: in a worker of its own, so that it can be stopped and the page goes on answering. */
class SearchPane {
  #engine;
  #button = element("button", {type: "button", class: "main", id: "search-button"}, "Search all plans");
  #bar = element("progress", {max: 1, "aria-label": "Progress of the search", hidden: true});
  #count = element("span", {id: "search-count"});  // not a status: a screen reader would read every change of it
  #status = element("p", {role: "status", id: "search-status"});
  #objective = selectOf("objective", "Best is", kObjectives);
  #place = element("div");
  #found;  // {record, plans} so far; undefined: none
  #pane;
  #jobNow;
  #adopt;

  /** @param jobNow  the job: {text, files}   @param adopt  takes a found plan's text */
  constructor(pane, jobNow, adopt) {
    this.#pane = pane;
    this.#jobNow = jobNow;
    this.#adopt = adopt;
    pane.append(element("div", {class: "controls"}, this.#objective, this.#button,
      element("small", {}, "varies tp, pp, micro-batch, recompute and ZeRO, with experts also ep")),
    element("div", {class: "searching"}, this.#bar, this.#count, this.#status), this.#place);
    this.#button.addEventListener("click", () => this.#engine ? this.#stop() : this.#search());
  }

  async #search() {
    const engine = new Engine();
    this.#engine = engine;
    this.#found = undefined;
    dropCharts(this.#place);
    this.#place.replaceChildren();
    this.#button.textContent = "Stop";
    this.#bar.hidden = false;
    this.#bar.removeAttribute("value");
    this.#status.textContent = "Searching …";
    const {text, files} = this.#jobNow();
    const request = {command: "search", job: text, threads: 1, emit: "/plans", objective: this.#objective.querySelector("select").value};
    const heard = (event, plans) => { if (this.#engine === engine) this.#hear(event, plans); };
    const answer = await engine.call(request, files, {collect: "/plans", heard}).catch((error) => ({code: 3, message: String(error)}));
    if (this.#engine !== engine) return;
    this.#end();
    if (answer.code > 1) {
      this.#status.textContent = answer.message;
      return;
    }
    this.#show(answer.result, answer.collected);
    this.#status.textContent = `Searched for ${seconds(answer.milliseconds / 1000)}.`;
  }

  #hear({progress, so_far: soFar}, plans) {
    if (soFar) this.#show(soFar, plans);
    if (!progress) return;
    this.#bar.value = progress.done / Math.max(1, progress.of);
    this.#count.textContent = `${progress.what}: ${fixed(progress.done)} of ${fixed(progress.of)}`;
  }

  /** The plans found, which may be those so far. */
  #show(record, plans) {
    this.#found = {record, plans: Object.values(plans)};
    this.draw();
  }

  /** Draws what was found, once it is seen: charts need the size of their place. Each plan gets a button that takes it. */
  draw() {
    if (!this.#found || this.#pane.hidden) return;
    const focused = document.activeElement?.id;
    drawAnswer(this.#place, this.#found.record);
    const headings = this.#place.querySelectorAll("figure.wide tbody th");
    this.#found.plans.forEach((plan, i) => headings[i]?.prepend(element("button", {type: "button", class: "take", id: `take-${i + 1}`,
      "aria-label": `Take plan ${i + 1}`, onclick: () => this.#take(plan)}, "Take")));
    if (focused?.startsWith("take-")) document.getElementById(focused)?.focus();
  }

  #take(plan) {
    if (this.#engine) this.#stop();
    this.#adopt(plan);
  }

  #stop() {
    this.#end();
    this.#status.textContent = this.#found?.plans.length ? "Stopped. Below are the best plans of those estimated so far." : "Stopped before a plan was found.";
  }

  #end() {
    this.#engine.stop();
    this.#engine = undefined;
    this.#bar.hidden = true;
    this.#count.textContent = "";
    this.#button.textContent = "Search all plans";
  }
}
