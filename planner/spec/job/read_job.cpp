#include "planner/spec/job/read_job.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>

#include <fmt/core.h>

#include "planner/spec/cluster/read_cluster.hpp"
#include "planner/spec/job/read_training.hpp"
#include "planner/spec/job/stage_layout_text.hpp"
#include "planner/spec/job/validate_job.hpp"
#include "planner/spec/model/read_model.hpp"
#include "planner/spec/yaml/node_edit.hpp"

namespace foreshard {

namespace {

constexpr auto kJobKeys = std::to_array<KeyInfo>({
    {"name", "of the job; unsaid, the file's"},
    {"model", "a name that 'foreshard list models' shows, a path or a map"},
    {"cluster", "a name that 'foreshard list clusters' shows, {name: dgx-h100, nodes: 8}, a path or a map"},
    {"framework",
     "whose conventions: megatron, megatron-deepspeed, torch-fsdp, deepspeed, nanotron or foreshard; also "
     "{name: "
     "megatron, release: 2025.09}",
     "foreshard"},
    {"parallelism", "how the job is sharded: {tp, pp, vp, cp, ep, dp, …}"},
    {"training", "sequence_length, global_batch, micro_batch and how a step is run"},
    {"lora", "low-rank adapters beside frozen weights: {rank: 16, targets: [q, v], base: nf4}"},
    {"measured", "what somebody measured for this job"},
    {"left_out", "what the real run does and this description leaves out, as a list; shown as notes"},
});
constexpr auto kFrameworkKeys = std::to_array<KeyInfo>({
    {"name", "megatron, megatron-deepspeed, torch-fsdp, deepspeed, nanotron or foreshard"},
    {"release",
     "year and month, as in 2025.09: conventions of that time where they are known; unsaid, current"},
});
constexpr auto kParallelismKeys = std::to_array<KeyInfo>({
    {"tp", "tensor parallelism", "1"},
    {"pp", "pipeline stages", "1"},
    {"vp", "model chunks per pipeline stage", "1"},
    {"cp", "context parallelism", "1"},
    {"ep", "expert parallelism", "1"},
    {"etp",
     "tensor parallelism of routed experts: in a stage tp · cp · dp = etp · ep · edp; unsaid, tp, or 1 if ep "
     "then "
     "has too few devices"},
    {"dp", "data parallelism, or auto: the devices that are left", "auto"},
    {"sequence_parallel", "norms and residuals are sharded over tp: true or false; unsaid, tp > 1"},
    {"zero", "stage of ZeRO, 0 to 3", "0"},
    {"dp_shard", "data-parallel ranks over which ZeRO shards, the others hold copies; unsaid, dp"},
    {"zero_quantized_weights", "zero 3: weights are gathered in 8 bits (ZeRO++): true or false", "false"},
    {"zero_quantized_gradients",
     "zero 3: gradients are scattered in 4 bits, in nodes and then between them (ZeRO++): true or false",
     "false"},
    {"zero_hpz",
     "zero 3: ranks over which a second copy of the weights is cut, from which backward gathers (ZeRO++'s "
     "zero_hpz_partition_size)"},
    {"cp_style", "ring, all-gather or ulysses", "ring"},
    {"stages",
     "even, by-cost, the layers of each stage as a list, or a layout as Megatron-LM writes it: "
     "Et*3|(tt|)*29,m|L",
     "even"},
});
constexpr auto kLoraKeys = std::to_array<KeyInfo>({
    {"rank", "of the adapters' matrices"},
    {"targets",
     "what has adapters, as a list: attention, ffn (fused projections); q, k, v, o, gate, up, down, experts, "
     "head"},
    {"dora", "adapters of rows' directions with trained magnitudes (DoRA): true or false", "false"},
    {"base", "in which type frozen matrices of layers are kept: bf16, nf4, int8 or fp8", "bf16"},
    {"dropout", "true if inputs of adapters go through dropout", "false"},
    {"fused",
     "true if the adapters' products scale their results and add them to the base's, as with Transformer "
     "Engine's "
     "operation fuser; unsaid, passes of their own do, but in the runtime of this project",
     "false"},
});
constexpr auto kMeasuredKeys = std::to_array<KeyInfo>({
    {"step_time", "as in 18.1 s"},
    {"peak_memory", "of one device, as in 66.5 GiB"},
    {"memory_kind", "allocated, reserved or other", "other"},
    {"outcome", "ran, or oom if it ran out of memory; unsaid, a job with a step time ran"},
    {"source", "who measured it and where it stands"},
    {"derived", "how the figure was worked out, if it does not stand there"},
    {"assumed", "what the source does not say"},
    {"not_judged", "why no key expresses the run: score lists it and leaves it out of its statistics"},
});

constexpr std::int64_t kMostRanks = 1'000'000;

/// Reads the year and month of a release: 2025.09.
struct ReleaseMonth {
  using type = Release;
  [[nodiscard]] Outcome<type> read(const YamlNode& node) const {
    const std::string_view text = node.text;
    const bool has_form = node.kind == YamlNode::Kind::scalar && text.size() == 7 && text[4] == '.';
    Release release;
    if (has_form && digits(text.substr(0, 4), release.year) && digits(text.substr(5), release.month) &&
        release.year >= 2018 && release.month >= 1 && release.month <= 12)
      return release;
    return ParseComplaint{"expected the year and month of a release, found " + kind_of(node),
                          "as in 2025.09, from 2018.01 on"};
  }

 private:
  static bool digits(std::string_view text, std::int32_t& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size();
  }
};

/// Reads a framework's name, or a map of its name and release.
void read_framework(const MapReader& job_map, JobSpec& job) {
  const NodePtr node = job_map.value("framework");
  if (node == nullptr) return;
  if (node->kind != YamlNode::Kind::map) {
    job.framework = job_map.optional("framework", Choice<Framework>{}, job.framework);
    return;
  }
  const std::optional<MapReader> map = job_map.child("framework", kFrameworkKeys);
  if (!map) return;
  job.framework = map->required("name", Choice<Framework>{});
  job.release = map->maybe("release", ReleaseMonth{});
}

void read_stage_layout(const MapReader& map, const std::string& text, ParallelismSpec& parallelism) {
  auto layout = parse_stage_layout(text);
  if (auto* complaint = std::get_if<ParseComplaint>(&layout)) {
    map.complain("stages", std::move(complaint->message), std::move(complaint->allowed));
    return;
  }
  parallelism.stage_policy = StagePolicy::listed;
  parallelism.stage_layers = std::get<StageLayoutText>(layout).layers;
  parallelism.mtp_place = std::get<StageLayoutText>(layout).mtp;
}

void read_stages(const MapReader& map, ParallelismSpec& parallelism) {
  const NodePtr stages = map.value("stages");
  if (stages == nullptr) return;
  if (stages->kind == YamlNode::Kind::list) {
    parallelism.stage_policy = StagePolicy::listed;
    parallelism.stage_layers = map.list("stages", WholeNumber{0, 100'000});
  } else if (stages->kind == YamlNode::Kind::scalar && stages->text.find('|') != std::string::npos) {
    read_stage_layout(map, stages->text, parallelism);
  } else if (stages->kind == YamlNode::Kind::scalar) {
    parallelism.stage_policy = map.optional(
        "stages", Choice<StagePolicy>{{StagePolicy::even, StagePolicy::by_cost}}, StagePolicy::even);
  } else {
    map.complain("stages", "expected even, by-cost, a list or a layout, found " + kind_of(*stages));
  }
}

/// Reads a degree of parallelism, or the word auto as 0.
struct DegreeOrAuto {
  using type = std::int64_t;
  [[nodiscard]] Outcome<type> read(const YamlNode& node) const {
    if (node.kind == YamlNode::Kind::scalar && node.text == "auto") return 0;
    Outcome<type> outcome = WholeNumber{1, kMostRanks}.read(node);
    if (auto* complaint = std::get_if<ParseComplaint>(&outcome)) complaint->allowed += ", or auto";
    return outcome;
  }
};

/// The data-parallel degree that uses all devices: devices / (tp·pp·cp), rounded down. If that leaves a
/// remainder, the job is illegal.
std::int64_t remaining_degree(const ParallelismSpec& parallelism, std::int64_t devices) {
  const std::int64_t others = checked_product(parallelism.tp, parallelism.pp, parallelism.cp);
  return std::max<std::int64_t>(1, devices / std::max<std::int64_t>(1, others));
}

ParallelismSpec read_parallelism(const std::optional<MapReader>& map, std::int64_t devices) {
  ParallelismSpec parallelism;
  if (!map) {
    parallelism.dp = devices;
    return parallelism;
  }
  const WholeNumber degree{1, kMostRanks};
  parallelism.tp = map->optional("tp", degree, 1);
  parallelism.pp = map->optional("pp", degree, 1);
  parallelism.vp = map->optional("vp", degree, 1);
  parallelism.cp = map->optional("cp", degree, 1);
  parallelism.ep = map->optional("ep", degree, 1);
  parallelism.etp = map->maybe("etp", degree);
  parallelism.dp = map->optional("dp", DegreeOrAuto{}, 0);
  if (parallelism.dp == 0) parallelism.dp = remaining_degree(parallelism, devices);
  parallelism.sequence_parallel = map->optional("sequence_parallel", Boolean{}, parallelism.tp > 1);
  parallelism.zero = static_cast<int>(map->optional("zero", WholeNumber{0, 3}, 0));
  parallelism.dp_shard = map->maybe("dp_shard", degree);
  parallelism.zero_quantized_weights = map->optional("zero_quantized_weights", Boolean{}, false);
  parallelism.zero_quantized_gradients = map->optional("zero_quantized_gradients", Boolean{}, false);
  parallelism.zero_hpz = map->maybe("zero_hpz", degree);
  parallelism.cp_style = map->optional("cp_style", Choice<CpStyle>{}, parallelism.cp_style);
  read_stages(*map, parallelism);
  return parallelism;
}

std::optional<LoraSpec> read_lora(const MapReader& job) {
  const std::optional<MapReader> map = job.child("lora", kLoraKeys);
  if (!map) return std::nullopt;
  LoraSpec lora;
  lora.rank = map->required("rank", WholeNumber{1, 1'000'000});
  if (!map->has("targets")) map->complain_of_missing("targets");
  for (const LoraTarget target : map->list("targets", Choice<LoraTarget>{})) {
    if (target == LoraTarget::attention) {
      lora.attention = true;
    } else if (target == LoraTarget::ffn) {
      lora.ffn = true;
    } else {
      lora.modules.push_back(target);
    }
  }
  lora.dora = map->optional("dora", Boolean{}, false);
  lora.base = map->optional("base", Choice<LoraBase>{}, lora.base);
  lora.dropout = map->optional("dropout", Boolean{}, lora.dropout);
  lora.fused = map->optional("fused", Boolean{}, lora.fused);
  return lora;
}

std::optional<MeasuredSpec> read_measured(const MapReader& job) {
  const std::optional<MapReader> map = job.child("measured", kMeasuredKeys);
  if (!map) return std::nullopt;
  MeasuredSpec measured;
  measured.step_time = map->maybe("step_time", Measured<Seconds>{});
  measured.peak_memory = map->maybe("peak_memory", Measured<Bytes>{});
  measured.memory_kind = map->optional("memory_kind", Choice<MemoryKind>{}, measured.memory_kind);
  measured.outcome = map->maybe("outcome", Choice<RunOutcome>{});
  measured.source = map->optional("source", Text{}, "");
  measured.derived = map->optional("derived", Text{}, "");
  measured.assumed = map->optional("assumed", Text{}, "");
  measured.not_judged = map->optional("not_judged", Text{}, "");
  if (!map->has("step_time") && !map->has("peak_memory") && !map->has("outcome")) {
    job.complaints().add(map->owner(), map->path(), "nothing was measured",
                         "step_time, peak_memory or outcome is needed");
  }
  if (measured.outcome == RunOutcome::oom && map->has("step_time"))
    map->complain("outcome", "a job that ran out of memory has no step time", "allowed here: ran");
  return measured;
}

/// False if the product of the degrees is too large to be checked.
bool degrees_are_countable(const JobSpec& job) {
  const ParallelismSpec& p = job.parallelism;
  const double devices = static_cast<double>(p.tp) * static_cast<double>(p.pp) * static_cast<double>(p.cp) *
                         static_cast<double>(p.dp);
  return devices < 1e15;
}

/// Reads the value of a required key with `read`.
template <class Spec, class Read>
Spec read_part(const MapReader& job, const char* key, Read read, Library& library) {
  const MapEntry* const entry = job.node()->find(key);
  if (entry == nullptr) {
    job.complain_of_missing(key);
    return {};
  }
  return read(entry->value, entry->key_place, key, library);
}

/// True of a complaint about degrees, or about a batch that does not split over them.
bool concerns_degrees(const Illegality& illegality) {
  return illegality.path.starts_with("parallelism") || illegality.path == "training.global_batch";
}

}  // namespace

KeyTable job_keys() { return kJobKeys; }
KeyTable framework_keys() { return kFrameworkKeys; }
KeyTable parallelism_keys() { return kParallelismKeys; }
KeyTable lora_keys() { return kLoraKeys; }
KeyTable measured_keys() { return kMeasuredKeys; }

JobSpec read_job(const NodePtr& document, const std::string& default_name, Library& library,
                 JobChecks checks) {
  Complaints& complaints = library.complaints();
  const std::size_t before = complaints.size();
  JobSpec job;
  const auto map =
      MapReader::open(document, document->place, "", kJobKeys, "a map that describes a job", complaints);
  if (!map) return job;
  job.name = map->optional("name", Text{}, default_name);
  job.model = read_part<ModelSpec>(*map, "model", read_model, library);
  job.cluster = read_part<ClusterSpec>(*map, "cluster", read_cluster, library);
  read_framework(*map, job);
  job.parallelism = read_parallelism(map->child("parallelism", kParallelismKeys), job.cluster.devices());
  if (const auto training = map->required_child("training", training_keys())) {
    job.training = read_training(*training, job);
  }
  const std::int64_t of_node =
      job.cluster.devices_per_node / checked_product(job.parallelism.tp, job.parallelism.cp);
  job.parallelism.replicas_of_node = std::gcd(std::max<std::int64_t>(of_node, 1), job.parallelism.dp);
  job.lora = read_lora(*map);
  job.measured = read_measured(*map);
  job.left_out = map->list("left_out", Text{});
  if (complaints.size() != before) return job;

  if (!degrees_are_countable(job)) {
    complaints.add(locate(*document, "parallelism"), "parallelism",
                   "tp · pp · cp · dp is more devices than can be counted");
    return job;
  }
  for (const Illegality& illegality : find_illegalities(job)) {
    if (checks == JobChecks::all_but_degrees && concerns_degrees(illegality)) continue;
    complaints.add(locate(*document, illegality.path), illegality.path, illegality.message,
                   illegality.allowed);
  }
  return job;
}

}  // namespace foreshard
