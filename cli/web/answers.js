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

  /** @param jobNow  the job: {text, files}   @param adopt  takes a found plan's text */
  constructor(pane, jobNow, adopt) {
    const button = element("button", {type: "button", class: "main"}, "Search all plans");
    const status = element("p", {role: "status"});
    const found = element("div", {class: "buttons"});
    const place = element("div");
    const objective = selectOf("objective", "Best is", kObjectives);
    pane.append(element("div", {class: "controls"}, objective, button, element("small", {}, "varies tp, pp, micro-batch, recompute and ZeRO, with experts also ep")),
      status, found, place);
    button.addEventListener("click", async () => {
      if (this.#engine) {
        this.#end(button);
        status.textContent = "Stopped.";
        return;
      }
      const engine = new Engine();
      this.#engine = engine;
      button.textContent = "Stop";
      status.textContent = "Searching …";
      const {text, files} = jobNow();
      const answer = await engine.call({command: "search", job: text, threads: 1, emit: "/plans",
        objective: objective.querySelector("select").value}, files, "/plans").catch((error) => ({code: 3, message: String(error)}));
      if (this.#engine !== engine) return;
      this.#end(button);
      if (answer.code > 1) {
        status.textContent = answer.message;
        return;
      }
      status.textContent = `Searched for ${seconds(answer.milliseconds / 1000)}.`;
      found.replaceChildren(...Object.values(answer.collected).map((plan, i) => element("button", {type: "button", onclick: () => adopt(plan)}, `Take plan ${i + 1}`)));
      drawAnswer(place, answer.result);
    });
  }

  #end(button) {
    this.#engine.stop();
    this.#engine = undefined;
    button.textContent = "Search all plans";
  }
}
