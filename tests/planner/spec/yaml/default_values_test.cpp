// Checks that the defaults in the tables of keys, from which the JSON Schema and the reference are made, are
// those that the readers use.

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/json/program_json.hpp"
#include "planner/spec/cluster/write_cluster.hpp"
#include "planner/spec/job/job_schema_json.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/spec/types/names.hpp"
#include "tests/planner/report/written.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using nlohmann::json;

namespace {

// Jobs that set no key that has a default.
const std::string kRest =
    "cluster:\n"
    "  devices_per_node: 8\n"
    "  network: {}\n"
    "  accelerator:\n"
    "    memory: {capacity: 80 GiB, bandwidth: 3350 GB/s}\n"
    "    multiprocessors: {count: 132}\n"
    "    gemm: {bf16: {peak: 989 TFLOP/s, efficiency: 0.7}}\n"
    "    kernels: {gemm_fixed: 5 us, memory_efficiency: 0.8, memory_half_size: 4 MB, launch: 2.5 us, "
    "spread: 0.1}\n"
    "    attention: {fa2: {forward: {efficiency: 0.6}, backward: {efficiency: 0.5}}}\n"
    "    flash: fa2\n"
    "    node: {devices: 8, network: {bandwidth: 400 Gbit/s, latency: 10 us}, "
    "link: {bandwidth: 450 GB/s, latency: 4 us}}\n"
    "parallelism: {}\n"
    "training: {sequence_length: 1024, global_batch: 16, micro_batch: 1}\n"
    "measured: {step_time: 1 s}\n";
const std::string kDense =
    "model: {layers: 4, hidden: 512, ffn_hidden: {}, heads: 8, kv_heads: 8, vocab: 1000}\n" + kRest;
const std::string kExperts =
    "model: {layers: 4, hidden: 512, heads: 8, ffn_hidden: 1024, vocab: 1000,"
    " experts: {count: 8, per_token: 2, hidden: 256},"
    " attention: {kind: mla, kv_rank: 64, nope_head_dim: 64, rope_head_dim: 32, v_head_dim: 64}}\n" +
    kRest;

const std::string kHost =
    "{memory: 2 TB, memory_bandwidth: 600 GB/s, link: {bandwidth: 64 GB/s, latency: 10 us}}";

const std::string kCompressed = "{kind: compressed, q_rank: 64, rope_head_dim: 32, output_rank: 64}";

/// The other settings that a job needs for a key to have an effect.
std::vector<Override> context_of(const std::string& path) {
  static const std::map<std::string, std::vector<Override>> contexts = {
      {"lora.dora", {{"lora", "{rank: 16, targets: [attention]}"}}},
      {"lora.dropout", {{"lora", "{rank: 16, targets: [attention]}"}, {"framework", "megatron"}}},
      {"lora.fused", {{"lora", "{rank: 16, targets: [attention]}"}, {"framework", "megatron"}}},
      {"model.attention.output_groups", {{"model.attention", kCompressed}, {"model.kv_heads", "1"}}},
      {"lora.base", {{"lora", "{rank: 16, targets: [attention]}"}}},
      {"model.attention.indexer.kind", {{"model.attention.indexer", "{heads: 4, head_dim: 64, top_k: 128}"}}},
      {"model.attention.v_norm", {{"model.attention", "{kind: softmax}"}}},
      {"model.attention.values_are_keys", {{"model.attention", "{kind: softmax}"}}},
      {"model.max_positions", {{"model.positions", "learned"}}},
      {"parallelism.cp_style", {{"parallelism.cp", "2"}}},
      {"training.dispatch_precision", {{"parallelism.ep", "2"}}},
      {"training.dispatcher_sms", {{"parallelism.ep", "2"}, {"training.dispatcher", "deepep"}}},
      {"training.documents.drawn", {{"training.documents.lengths", "[200, 300]"}}},
      {"training.documents.packed", {{"training.documents.mean", "256"}}},
      {"training.documents.sigma", {{"training.documents.mean", "256"}}},
      {"training.expert_capacity.pad", {{"training.expert_capacity.factor", "2"}}},
      {"training.fused_grouped_gemm", {{"cluster.accelerator.kernels.grouped_fixed", "5 us"}}},
      {"training.fused_routing", {{"framework", "megatron"}}},
      {"training.epochs", {{"training.samples", "1000"}}},
      {"cluster.accelerator.node.host.link.efficiency", {{"cluster.accelerator.node.host", kHost}}},
      {"cluster.accelerator.node.host.memory_efficiency", {{"cluster.accelerator.node.host", kHost}}},
      {"cluster.host.link.efficiency", {{"cluster.host", kHost}}},
      {"cluster.host.memory_efficiency", {{"cluster.host", kHost}}},
      {"training.graphs", {{"cluster.accelerator.kernels.submit", "1 ms"}}},
      {"training.launch", {{"cluster.accelerator.kernels.submit", "5 us"}}}};
  const auto found = contexts.find(path);
  return found == contexts.end() ? std::vector<Override>{} : found->second;
}

const std::string& base_for(const std::string& path) {
  const bool is_about_experts = path.starts_with("model.experts") ||
                                (path.starts_with("model.attention.") && !path.ends_with("v_norm") &&
                                 !path.ends_with("values_are_keys")) ||
                                path.starts_with("training.expert_capacity") ||
                                path.starts_with("training.fused_") || path == "training.delay_wgrad" ||
                                path == "training.dispatch_precision" || path == "training.dispatcher_sms";
  return is_about_experts || path == "parallelism.ep" ? kExperts : kDense;
}

/// Everything that can be observed of a job: its program, estimate, cluster, and values that none of these
/// shows; or the complaints about it.
std::string see(const std::string& text, const std::vector<Override>& overrides) {
  JobSpec job;
  try {
    job = parse_jobs(text, "job.yaml", overrides).front();
  } catch (const SpecError& error) {
    return format_diagnostics(error.diagnostics());
  }
  const std::vector<PlannedJob> planned = {{job, estimate(job)}};
  return to_json(build_step_program(job)) + estimate_json(planned) + write_cluster(job.cluster) +
         std::string(word_of(job.measured->memory_kind));
}

/// The keys with a default, by their dotted paths.
void collect(const json& form, const std::string& path, std::map<std::string, json>& keys) {
  if (form.contains("default")) keys.emplace(path, form);
  for (const json& each : form.value("anyOf", json::array())) collect(each, path, keys);
  const json properties = form.value("properties", json::object());
  for (const auto& [key, below] : properties.items()) {
    std::string further = path;
    if (!further.empty()) further += '.';
    further += key;
    collect(below, further, keys);
  }
}

std::string written(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

/// A value that differs from the default.
std::string another(const json& form) {
  const json& usual = form["default"];
  for (const json& word : form.value("enum", json::array())) {
    if (word != usual) return written(word);
  }
  if (usual.is_boolean()) return usual ? "false" : "true";
  if (usual == "auto") return "4";
  if (usual == "even") return "[1, 1, 1, 1]";
  if (usual.is_string()) return "7 us";
  if (form["type"] == "integer") return std::to_string(usual.get<int>() + 1);
  return usual == 0.5 ? "0.25" : "0.5";
}

}  // namespace

TEST_CASE("a default that is written out changes nothing, another value does") {
  std::map<std::string, json> keys;
  collect(json::parse(job_schema_json()), "", keys);
  REQUIRE(keys.size() >= 50);
  for (const auto& [path, form] : keys) {
    // The versions of flash attention have the same keys; the jobs say fa2.
    if (path.starts_with("cluster.accelerator.attention.") && path.find(".fa2.") == std::string::npos)
      continue;
    INFO(path << ", default " << form["default"]);
    const std::string& base = base_for(path);
    std::vector<Override> overrides = context_of(path);
    const std::string unsaid = see(base, overrides);
    overrides.push_back({path, written(form["default"])});
    const bool default_changes_nothing = see(base, overrides) == unsaid;
    CHECK(default_changes_nothing);
    overrides.back().value = another(form);
    const bool another_changes_something = see(base, overrides) != unsaid;
    CHECK(another_changes_something);
  }
}
