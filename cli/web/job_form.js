"use strict";
/** The form beside the YAML. Each field stands for one key; what the job does not say, the last answer does. */

const powers = (from, to) => Array.from({length: Math.log2(to / from) + 1}, (_, i) => from * 2 ** i);
const kStages = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 16, 18, 20, 24, 32, 40, 48, 64];

/** Numbers, each with a slider: `answer` is the key of the answer's job that has the value in force. */
const kNumberFields = [
  {id: "nodes", group: "cluster-fields", path: ["cluster", "nodes"], label: "Nodes", values: powers(1, 4096), fallback: 1},
  {id: "tp", group: "parallelism-fields", path: ["parallelism", "tp"], label: "Tensor (tp)", values: powers(1, 64), answer: "tp"},
  {id: "pp", group: "parallelism-fields", path: ["parallelism", "pp"], label: "Pipeline (pp)", values: kStages, answer: "pp"},
  {id: "vp", group: "parallelism-fields", path: ["parallelism", "vp"], label: "Chunks (vp)", values: [1, 2, 3, 4, 5, 6, 8, 10, 12, 16], answer: "vp"},
  {id: "cp", group: "parallelism-fields", path: ["parallelism", "cp"], label: "Context (cp)", values: powers(1, 64), answer: "cp"},
  {id: "ep", group: "parallelism-fields", path: ["parallelism", "ep"], label: "Expert (ep)", values: powers(1, 256), answer: "ep"},
  {id: "zero", group: "parallelism-fields", path: ["parallelism", "zero"], label: "ZeRO stage", values: [0, 1, 2, 3], answer: "zero"},
  {id: "sequence", group: "training-fields", path: ["training", "sequence_length"], label: "Tokens a sequence", values: powers(512, 1048576), answer: "sequence_length"},
  {id: "batch", group: "training-fields", path: ["training", "global_batch"], label: "Sequences a step", values: powers(1, 16384), answer: "global_batch"},
  {id: "micro-batch", group: "training-fields", path: ["training", "micro_batch"], label: "Micro-batch", values: powers(1, 64), answer: "micro_batch"},
];

const kChoiceFields = [
  {id: "precision", group: "training-fields", path: ["training", "precision"], label: "Precision", words: ["fp32", "tf32", "bf16", "fp16", "fp8", "mxfp8", "nvfp4"]},
  {id: "recompute", group: "training-fields", path: ["training", "recompute"], label: "Recompute", words: ["none", "selective", "selective-ops", "full"]},
  {id: "schedule", group: "training-fields", path: ["training", "schedule"], label: "Schedule", words: ["gpipe", "1f1b", "interleaved", "zero-bubble", "zero-bubble-2p", "zb-v", "dualpipe-v"]},
  {id: "framework", group: "training-fields", path: ["framework"], label: "Framework",
    words: ["megatron", "megatron-deepspeed", "torch-fsdp", "deepspeed", "nanotron", "foreshard"]},
];

/** A key that may hold a name or a map with a name in it. */
function namedPath(text, key) {
  return yamlValue(text, [key, "name"]) === undefined ? [key] : [key, "name"];
}

class JobForm {
  #text = "";
  #job = {};
  #numbers = new Map();
  #choices = new Map();
  #changed;

  /** @param changed  called with the YAML that a change of the form makes */
  constructor(changed) {
    this.#changed = changed;
    for (const field of kNumberFields) this.#addNumber(field);
    for (const field of kChoiceFields) this.#addChoice(field.id, field.group, field.label, field.words.map((word) => [word, word]), "default", () => field.path.length > 1 ? field.path : namedPath(this.#text, field.path[0]));
  }

  /** Adds the bundled models and clusters: [{name, …}…] of `foreshard list`. */
  addNames(models, clusters) {
    this.#addChoice("model", "model-fields", "Model", models.map((model) => [model.name, `${model.name} · ${inSi(model.parameters).replace(" G", " B")}`]), null,
      () => namedPath(this.#text, "model"));
    this.#addChoice("cluster", "cluster-fields", "Cluster", clusters.map(({name}) => [name, name]), null, () => namedPath(this.#text, "cluster"), true);
  }

  #change(path, value) {
    const text = withYamlValue(this.#text, path, value);
    if (text !== this.#text) this.#changed(text);
  }

  #addNumber(field) {
    const slider = element("input", {type: "range", min: 0, step: 1, id: field.id + "-slider", "aria-label": field.label + ", slider"});
    const number = element("input", {type: "number", min: field.id === "zero" ? 0 : 1, step: 1, id: field.id, inputmode: "numeric"});
    slider.addEventListener("input", () => this.#change(field.path, slider.values[slider.valueAsNumber]));
    number.addEventListener("change", () => this.#change(field.path, number.value === "" ? null : number.value));
    document.getElementById(field.group).append(element("div", {class: "field"}, element("label", {for: field.id}, field.label), slider, number));
    this.#numbers.set(field, {slider, number});
  }

  #addChoice(id, group, label, options, fallback, pathOf, isFirst = false) {
    const select = element("select", {id}, fallback === null ? null : element("option", {value: ""}, fallback),
      options.map(([value, text]) => element("option", {value}, text)));
    select.addEventListener("change", () => this.#change(pathOf(), select.value === "" ? null : select.value));
    document.getElementById(group)[isFirst ? "prepend" : "append"](element("div", {class: "field choice"}, element("label", {for: id}, label), select));
    this.#choices.set(id, {select, pathOf});
  }

  /** Shows what the YAML says, and where it says nothing what the answer's `job` does. */
  show(text, job) {
    this.#text = text;
    if (job) this.#job = job;
    for (const [field, inputs] of this.#numbers) this.#showNumber(field, inputs);
    for (const {select, pathOf} of this.#choices.values()) this.#showChoice(select, pathOf());
    const {devices, dp} = this.#job;
    document.getElementById("follows").textContent = devices ? `${fixed(devices)} devices: dp ${fixed(dp)} follows` : "";
  }

  #showNumber(field, {slider, number}) {
    const said = Number(yamlValue(this.#text, field.path) ?? this.#job[field.answer] ?? field.fallback);
    if (!Number.isInteger(said)) return;
    const values = field.values.includes(said) ? field.values : [...field.values, said].sort((a, b) => a - b);
    slider.values = values;
    slider.max = values.length - 1;
    slider.value = values.indexOf(said);
    slider.setAttribute("aria-valuetext", fixed(said));
    number.value = said;
  }

  #showChoice(select, path) {
    for (const old of select.querySelectorAll("option.own")) old.remove();
    const value = yamlValue(this.#text, path);
    if (value === undefined && findEntry(this.#text, path) !== undefined) {
      select.append(element("option", {class: "own", value: "\u0000", disabled: true}, "as the YAML says"));
      select.value = "\u0000";
      return;
    }
    if (value !== undefined && ![...select.options].some((option) => option.value === value))
      select.append(element("option", {class: "own", value}, value));
    select.value = value ?? "";
  }
}
