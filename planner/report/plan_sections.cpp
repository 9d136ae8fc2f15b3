#include "planner/report/plan_sections.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "planner/cost/memory/library_memory.hpp"
#include "planner/program/schedule/schedule.hpp"
#include "planner/report/format.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"
#include "planner/topology/device_mesh.hpp"

namespace foreshard::report {
namespace {

/// The first cell of a row below a table's title.
std::string item(std::string_view name) { return fmt::format("  {}", name); }

/// The micro-batches whose activations are kept for backward: "of 4 micro-batches".
std::string kept_words(const JobSpec& job, std::int64_t in_flight) {
  if (in_flight == 0) return {};
  const std::string number = "of " + counted(in_flight, "micro-batch", "es");
  return job.parallelism.vp > 1 ? number + ", one chunk each" : number;
}

/// The pipeline bubble by the schedule's formula: (p−1) of (m·v + p−1) slots.
std::string bubble_words(const JobSpec& job) {
  const std::int64_t idle = job.parallelism.pp - 1;
  const std::int64_t work = job.micro_batches() * job.parallelism.vp;
  if (splits_backward(job.training.schedule)) {
    return fmt::format("{} over {} stages, weight gradients fill in",
                       counted(job.micro_batches(), "micro-batch", "es"), job.parallelism.pp);
  }
  return fmt::format("{}: {} of {}", word_of(job.training.schedule), grouped(idle),
                     counted(work + idle, "slot"));
}

/// Limits that account for less than this share of a part's time are not printed.
constexpr double kNoLimit = 0.05;

std::string_view limit_word(Limit limit) {
  switch (limit) {
    case Limit::compute: return "compute";
    case Limit::memory: return "memory bandwidth";
    case Limit::launch: return "kernel launches";
    case Limit::network: return "network";
  }
  return "";
}

/// Words about the rate of a part that has only this limit: the memory bandwidth, or the share of peak that
/// GEMMs reach.
std::string rate_words(const PlannedJob& planned, ComputePart part, Limit limit) {
  if (limit == Limit::memory) return ", " + with_unit(planned.job.cluster.accelerator.memory_bandwidth);
  if (limit != Limit::compute || part != ComputePart::gemms) return {};
  return fmt::format(", {:.0f}% of peak", 100.0 * planned.estimate.step.detail.gemm_fraction_of_peak);
}

/// What limits the kernels of one part, the largest share first: "memory bandwidth 88%, kernel launches 12%".
std::string limit_words(const PlannedJob& planned, ComputePart part) {
  const LimitTimes& times = planned.estimate.step.detail.limited[static_cast<std::size_t>(part)];
  const Seconds all = std::accumulate(times.begin(), times.end(), Seconds(0.0));
  std::vector<Limit> told;
  for (std::size_t limit = 0; limit < kLimitCount; ++limit) {
    if (times[limit] > kNoLimit * all) told.push_back(static_cast<Limit>(limit));
  }
  const auto time_of = [&](Limit limit) { return times[static_cast<std::size_t>(limit)]; };
  std::stable_sort(told.begin(), told.end(), [&](Limit a, Limit b) { return time_of(a) > time_of(b); });
  if (told.size() == 1)
    return fmt::format("{}{}", limit_word(told.front()), rate_words(planned, part, told.front()));
  std::string text;
  for (const Limit limit : told) {
    text += fmt::format("{}{} {:.0f}%", text.empty() ? "" : ", ", limit_word(limit),
                        100.0 * (time_of(limit) / all));
  }
  return text;
}

/// "adamw", "adamw, bf16 moments, no masters", "adamw, sharded 16 ways (zero 1)"
std::string optimizer_words(const JobSpec& job) {
  const std::int64_t replicas = job.parallelism.dp * job.parallelism.cp / job.parallelism.shard_copies();
  std::string text{word_of(job.training.optimizer)};
  const StatesSpec& states = job.training.states;
  const bool tells_moments = states.moments != MomentType::fp32 && states.moments != MomentType::factored &&
                             job.training.optimizer != OptimizerKind::sgd;
  if (tells_moments) text += fmt::format(", {} moments", word_of(states.moments));
  if (!has_fp32_weights(states.master)) text += ", no masters";
  if (states.master == MasterWeights::fp32_remainder) text += ", remainders of masters";
  if (states.paged) text += ", paged";
  if (job.training.optimizer_in_backward) text += ", in backward";
  if (job.training.optimizer_post_validation) text += ", validated afterwards";
  if (job.parallelism.zero > 0 && replicas > 1)
    text += fmt::format(", sharded {} ways (zero {})", grouped(replicas), job.parallelism.zero);
  return text;
}

/// "optimizer, half of activations": what is offloaded, with shares below 1 in percent.
std::string offload_words(const TrainingSpec& training) {
  const OffloadSpec& offload = training.offload;
  std::string text;
  const auto add = [&](const char* what, double share) {
    if (share == 0.0) return;
    text += text.empty() ? "" : ", ";
    text += share == 1.0 ? what : fmt::format("{} of {}", percent(share), what);
  };
  add("optimizer", offload.optimizer);
  add("weights", offload.weights);
  add("activations", offload.activations);
  if (training.states.paged) add("paged states", 1.0);
  return text;
}

/// "dense layer backward": a block's name as words.
std::string spaced(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string share(double part, double whole) { return whole > 0.0 ? percent(part / whole) : "–"; }

/// The group of ranks over which the traffic of an axis runs.
GroupKind widest_group(CommAxis axis) {
  switch (axis) {
    case CommAxis::tp: return GroupKind::tp;
    case CommAxis::pp: return GroupKind::pp;
    case CommAxis::dp: return GroupKind::dp_cp;
    case CommAxis::cp: return GroupKind::cp;
    case CommAxis::ep: return GroupKind::ep;
    case CommAxis::offload: break;  // it has no group
  }
  return GroupKind::world;
}

struct AxisRow {
  CommAxis axis;
  const char* name;
  Seconds StepBreakdown::*exposed;
};
constexpr std::array<AxisRow, kCommAxisCount> kAxisRows = {
    {{CommAxis::tp, "tp", &StepBreakdown::tp_exposed},
     {CommAxis::cp, "cp", &StepBreakdown::cp_exposed},
     {CommAxis::ep, "ep", &StepBreakdown::ep_exposed},
     {CommAxis::pp, "pp", &StepBreakdown::pp_exposed},
     {CommAxis::dp, "dp", &StepBreakdown::dp_exposed},
     {CommAxis::offload, "offload", &StepBreakdown::offload_exposed}}};

}  // namespace

std::string link_of(const JobSpec& job, CommAxis axis) {
  const ClusterSpec& cluster = job.cluster;
  if (axis == CommAxis::offload)
    return cluster.host ? fmt::format("the host, {}", with_unit(cluster.host->link.bandwidth))
                        : std::string();
  const Group group = DeviceMesh(job.parallelism).group(widest_group(axis));
  if (span_of(group, cluster.devices_per_node).nodes > 1) {
    return "network, " + in_bits(cluster.network.link.bandwidth);
  }
  return fmt::format("{}, {}", fabric_name(cluster.fabric), with_unit(cluster.link.bandwidth));
}

Lines step_table(const PlannedJob& planned) {
  const JobSpec& job = planned.job;
  const StepFigures& step = planned.estimate.step;
  const Unit unit = time_unit(step.time);
  Table table({{"where the step goes", Align::left}, {unit.name}, {"%"}, {"what limits it", Align::left}});
  const auto add = [&](const std::string& name, Seconds time, const std::string& limit) {
    // A row that would print as 0.0 is left out.
    if (time < 0.0005 * step.time) return;
    table.row({item(name), in_unit(time.value(), unit), fixed(100.0 * (time / step.time), 1), limit});
  };
  const ComputeDetail& detail = step.detail;
  add("GEMMs", detail.gemms, limit_words(planned, ComputePart::gemms));
  add("attention core", detail.attention_core, limit_words(planned, ComputePart::attention_core));
  add("scans, convolutions", detail.scans, limit_words(planned, ComputePart::scans));
  add("norms, activations, loss", detail.memory_bound, limit_words(planned, ComputePart::memory_bound));
  const Seconds other =
      step.breakdown.compute - detail.gemms - detail.attention_core - detail.scans - detail.memory_bound;
  // A rest that is only due to rounding is left out.
  if (other > 1e-6 * step.time) add("kernels made slower", other, "communication at the same time");
  for (const AxisRow& row : kAxisRows) {
    add(std::string(row.name) + ", exposed", step.breakdown.*row.exposed, link_of(job, row.axis));
  }
  add("pipeline bubble", step.breakdown.bubble, bubble_words(job));
  add("optimizer", step.breakdown.optimizer, limit_words(planned, ComputePart::optimizer));
  add("host and the rest", step.breakdown.overhead, "");
  add("step", step.time, "");
  return table.lines();
}

Lines memory_table(const PlannedJob& planned) {
  const JobSpec& job = planned.job;
  const Estimate& estimate = planned.estimate;
  const MemoryReport& memory = estimate.memory;
  if (memory.worst_stage >= memory.stages.size()) return {};
  const StageMemory& worst = memory.stages[memory.worst_stage];
  const Bytes needed = memory.reserved + memory.context;
  const Unit unit = byte_unit(needed);
  Table table({{fmt::format("memory per {}, stage {}", device_word(job), memory.worst_stage), Align::left},
               {"", Align::left},
               {unit.name}});
  const auto add = [&](std::string_view name, std::string note, Bytes bytes) {
    table.row({item(name), std::move(note), in_unit(bytes.as_double(), unit)});
  };
  add("weights", stored_weight_words(job), worst.weights);
  add("gradients", std::string(word_of(job.training.gradient_dtype)), worst.gradients);
  add("optimizer", optimizer_words(job), worst.optimizer);
  add("activations", kept_words(job, worst.in_flight), worst.activations);
  add("buffers", "", worst.buffers);
  add("peak", spaced(worst.peak_block), worst.peak);
  if (memory.graphs > Bytes()) add("CUDA graphs", "inputs of layers", memory.graphs);
  add("fragmentation", "of the allocator", memory.reserved - memory.peak - memory.graphs);
  add("context", "driver, libraries", memory.context);
  for (const LibraryMemory& library : library_memory(job)) {
    if (!library.in_usual) add("  " + library.name, "of this", library.high);
  }
  const auto figure = [&](Bytes bytes) { return in_unit(bytes.as_double(), unit); };
  const bool has_band = memory.needed_high > memory.needed_low;
  add("needed",
      has_band ? fmt::format("{} to {}", figure(memory.needed_low), figure(memory.needed_high))
               : std::string(),
      needed);
  add("there is", "", memory.capacity);
  if (memory.host) add("on the host", offload_words(job.training) + ", per node", memory.host->needed);
  return table.lines();
}

Lines parameter_table(const PlannedJob& planned) {
  const JobSpec& job = planned.job;
  const Estimate& estimate = planned.estimate;
  const ParameterCounts& parameters = estimate.parameters;
  Table table({{"parameters", Align::left}, {""}, {"%"}});
  const auto add = [&](std::string_view name, Parameters count) {
    if (count.value() == 0) return;
    table.row({item(name), grouped(count.value()),
               fixed(100.0 * count.as_double() / std::max(1.0, parameters.total.as_double()), 1)});
  };
  add("attention", parameters.attention);
  add("linear mixers", parameters.mixer);
  add("FFN", parameters.ffn);
  add("router", parameters.router);
  add("embedding", parameters.embedding);
  add("norms", parameters.norm);
  add("hyper-connections", parameters.hyper);
  add("total", parameters.total);
  add("of these, multi-token prediction", parameters.mtp);
  if (parameters.active != parameters.total) {
    add("active per token", parameters.active);
    if (parameters.active_computed != parameters.active)
      add("… without looked-up tables", parameters.active_computed);
  }
  Table flops({{"model FLOPs per token", Align::left}, {""}});
  flops.row({item("forward"), with_unit(estimate.flops_per_token.forward)});
  flops.row({item("training"), with_unit(estimate.flops_per_token.training)});
  if (job.model.causal) {
    flops.row({item("training, causal"), with_unit(estimate.flops_per_token.training_causal)});
  }
  // With a width of 0, the tables are placed one below the other.
  return beside(table.lines(), flops.lines(), 0);
}

namespace {

/// Attention and FFN of one kind of layer, in columns next to each other.
Lines kind_table(const JobSpec& job, const LayerSplit& kind, const std::string& title) {
  Table table({{title + ", one micro-batch", Align::left},
               {"parameters"},
               {"forward"},
               {"backward"},
               {fmt::format("sent over tp per {}", device_word(job))}});
  const auto add = [&](std::string_view name, const LayerFigures& layer) {
    table.row({item(name), grouped(layer.parameters.value()), with_unit(layer.flops_forward),
               with_unit(layer.flops_backward), with_unit(layer.tp_bytes)});
  };
  // A layer may have only one of the two.
  const auto exists = [](const LayerFigures& layer) { return layer.flops_forward > Flops(); };
  if (exists(kind.attention)) add(kind.mixer, kind.attention);
  if (exists(kind.ffn))
    add(fmt::format("FFN ({})", kind.has_experts ? "experts" : word_of(job.model.ffn)), kind.ffn);
  if (!exists(kind.attention) || !exists(kind.ffn)) return table.lines();
  const auto ffn_share = [&](auto LayerFigures::*figure) {
    return share((kind.ffn.*figure).as_double(),
                 (kind.ffn.*figure).as_double() + (kind.attention.*figure).as_double());
  };
  table.row({item("the FFN's share"), ffn_share(&LayerFigures::parameters),
             ffn_share(&LayerFigures::flops_forward), ffn_share(&LayerFigures::flops_backward),
             ffn_share(&LayerFigures::tp_bytes)});
  return table.lines();
}

}  // namespace

Lines layer_table(const PlannedJob& planned) {
  const std::vector<LayerSplit>& kinds = planned.estimate.layer_kinds;
  if (kinds.size() == 1) return kind_table(planned.job, kinds.front(), "one layer");
  Lines lines;
  for (const LayerSplit& kind : kinds) {
    const std::string of =
        kind.layers > 0 ? fmt::format("one of {}", kind.layers) : "of multi-token prediction";
    const Lines table = kind_table(planned.job, kind, fmt::format("{}, {}", kind.kind, of));
    lines = lines.empty() ? table : beside(lines, table, 0);
  }
  return lines;
}

Lines communication_table(const PlannedJob& planned) {
  const JobSpec& job = planned.job;
  const Estimate& estimate = planned.estimate;
  Seconds largest;
  for (const AxisTraffic& traffic : estimate.communication) largest = std::max(largest, traffic.time);
  const Unit unit = time_unit(largest);
  Table table({{"communication per step", Align::left},
               {fmt::format("sent per {}", device_word(job))},
               {"calls"},
               {"time, " + unit.name},
               {"exposed, " + unit.name},
               {"over", Align::left}});
  bool is_silent = true;
  for (const AxisRow& row : kAxisRows) {
    const AxisTraffic& traffic = estimate.communication[static_cast<std::size_t>(row.axis)];
    if (traffic.calls == 0) continue;
    is_silent = false;
    table.row({item(row.name), with_unit(traffic.bytes_per_device), grouped(traffic.calls),
               in_unit(traffic.time.value(), unit),
               in_unit((estimate.step.breakdown.*row.exposed).value(), unit), link_of(job, row.axis)});
  }
  return is_silent ? Lines{} : table.lines();
}

}  // namespace foreshard::report
