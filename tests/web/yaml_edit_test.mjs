// Changes of a job's YAML by the form: what is expected here was written by hand.
import {readFileSync} from "node:fs";
import {test} from "node:test";
import assert from "node:assert/strict";

const source = readFileSync(new URL("../../cli/web/yaml_edit.js", import.meta.url), "utf8");
const {yamlValue, withYamlValue} = new Function(source + "; return {yamlValue, withYamlValue};")();

const kJob = `# Which step time?
name: one
model: llama3-70b   # bundled
cluster: {name: dgx-h100, nodes: 8}
parallelism: {tp: 8, pp: 4}
training:
  sequence_length: 8192
  # how many sequences
  global_batch: 512

  tokens: 15T
`;

test("reads block and flow maps", () => {
  assert.equal(yamlValue(kJob, ["model"]), "llama3-70b");
  assert.equal(yamlValue(kJob, ["cluster", "nodes"]), "8");
  assert.equal(yamlValue(kJob, ["training", "global_batch"]), "512");
  assert.equal(yamlValue(kJob, ["training", "recompute"]), undefined);
  assert.equal(yamlValue("name: 'a: b'\n", ["name"]), "a: b");
  assert.equal(yamlValue("a: [1, 2]\n", ["a"]), undefined);
});

test("replaces a value and keeps what is around it", () => {
  assert.equal(withYamlValue(kJob, ["model"], "gpt3-175b"), kJob.replace("llama3-70b ", "gpt3-175b "));
  assert.equal(withYamlValue(kJob, ["parallelism", "tp"], 4), kJob.replace("tp: 8", "tp: 4"));
  assert.equal(withYamlValue(kJob, ["training", "global_batch"], 64), kJob.replace("512", "64"));
  assert.equal(withYamlValue("model:\n  layers: 2\n  hidden: 4\nname: x\n", ["model"], "b.json"), "model: b.json\nname: x\n");
  assert.equal(withYamlValue("model:\nname: x\n", ["model"], "b"), "model: b\nname: x\n");
});

test("adds a key where its map stands", () => {
  assert.equal(withYamlValue(kJob, ["parallelism", "zero"], 1), kJob.replace("pp: 4}", "pp: 4, zero: 1}"));
  assert.equal(withYamlValue(kJob, ["training", "recompute"], "full"), kJob.replace("15T\n", "15T\n  recompute: full\n"));
  assert.equal(withYamlValue("cluster: dgx-h100  # eight\n", ["cluster", "nodes"], 2), "cluster: {name: dgx-h100, nodes: 2}  # eight\n");
  assert.equal(withYamlValue("model: a", ["training", "recompute"], "full"), "model: a\ntraining:\n  recompute: full\n");
  assert.equal(withYamlValue("parallelism: {}\n", ["parallelism", "tp"], 2), "parallelism: {tp: 2}\n");
});

test("takes a key out", () => {
  assert.equal(withYamlValue(kJob, ["parallelism", "tp"], null), kJob.replace("tp: 8, ", ""));
  assert.equal(withYamlValue(kJob, ["parallelism", "pp"], null), kJob.replace(", pp: 4", ""));
  assert.equal(withYamlValue(kJob, ["training", "global_batch"], null), kJob.replace("  global_batch: 512\n", ""));
  assert.equal(withYamlValue("a: 1\nlora:\n  rank: 4\n", ["lora", "rank"], null), "a: 1\n");
  assert.equal(withYamlValue(kJob, ["lora"], null), kJob);
});

test("quotes what YAML would read as something else", () => {
  assert.equal(withYamlValue("model: a\n", ["model"], "my: model"), "model: 'my: model'\n");
  assert.equal(withYamlValue("model: a\n", ["model"], "it's"), "model: 'it''s'\n");
  assert.equal(withYamlValue("model: a\n", ["model"], "dir/config.json"), "model: dir/config.json\n");
});

test("understands comments and quotes with braces", () => {
  const text = "cluster: {name: 'a}b', nodes: 2}  # {x}\nname: y\n";
  assert.equal(withYamlValue(text, ["cluster", "nodes"], 3), text.replace("nodes: 2", "nodes: 3"));
  const lines = "parallelism: {tp: 8,  # one, two\n  pp: 4}\nname: y\n";
  assert.equal(yamlValue(lines, ["parallelism", "pp"]), "4");
  assert.equal(withYamlValue(lines, ["parallelism", "pp"], 2), lines.replace("pp: 4", "pp: 2"));
});
