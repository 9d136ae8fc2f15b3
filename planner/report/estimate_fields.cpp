#include "planner/report/estimate_fields.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "planner/cost/memory/library_memory.hpp"
#include "planner/report/plan_sections.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/topology/group.hpp"

namespace foreshard::report {
namespace {

/// Gathers fields under a prefix such as "model.parameters.".
class Section {
 public:
  Section(std::vector<Field>& fields, std::string prefix) : fields_(fields), prefix_(std::move(prefix)) {}

  Section& value(std::string_view key, FieldValue value) {
    fields_.push_back({prefix_ + std::string(key), std::move(value)});
    return *this;
  }
  template <class Tag, class Rep>
  Section& count(std::string_view key, Count<Tag, Rep> count) {
    return value(key, count_field(static_cast<Int128>(count.value())));
  }
  Section& count(std::string_view key, std::int64_t count) { return value(key, count_field(count)); }
  template <class Dim>
  Section& quantity(std::string_view key, Quantity<Dim> quantity) {
    return value(key, quantity.value());
  }

 private:
  std::vector<Field>& fields_;
  std::string prefix_;
};

template <class T, class Convert>
FieldValue said(const std::optional<T>& value, Convert convert) {
  return value ? FieldValue(convert(*value)) : FieldValue(std::monostate{});
}

void add_model(std::vector<Field>& fields, const Estimate& estimate) {
  const ParameterCounts& parameters = estimate.parameters;
  Section(fields, "model.parameters.")
      .count("total", parameters.total)
      .count("active", parameters.active)
      .count("active_computed", parameters.active_computed)
      .count("mixer", parameters.mixer)
      .count("attention", parameters.attention)
      .count("ffn", parameters.ffn)
      .count("embedding", parameters.embedding)
      .count("norm", parameters.norm)
      .count("router", parameters.router)
      .count("hyper_connections", parameters.hyper)
      .count("mtp", parameters.mtp);
  const FlopsPerToken& flops = estimate.flops_per_token;
  Section(fields, "model.flops_per_token.")
      .count("forward", flops.forward)
      .count("training", flops.training)
      .count("training_causal", flops.training_causal);
}

void add_step(std::vector<Field>& fields, const Estimate& estimate, std::int64_t devices) {
  const StepFigures& step = estimate.step;
  const double seconds = step.time.value();
  const double tokens_per_s = step.tokens / seconds;
  const double per_device = 1.0 / static_cast<double>(devices);
  Section(fields, "step.")
      .quantity("time_s", step.time)
      .quantity("time_low_s", step.time_low)
      .quantity("time_high_s", step.time_high)
      .quantity("typical_time_s", step.typical.time)
      .quantity("typical_low_s", step.typical.low)
      .quantity("typical_high_s", step.typical.high)
      .value("tokens_per_s", tokens_per_s)
      .value("tokens_per_s_per_device", tokens_per_s * per_device)
      .count("model_flops", step.model_flops)
      .count("hardware_flops", step.hardware_flops)
      .value("model_flops_per_s_per_device", step.model_flops.as_double() / seconds * per_device)
      .value("mfu", step.mfu)
      .value("hfu", step.hfu)
      .value("mfu_causal", step.mfu_causal)
      .value("bubble_fraction", step.bubble_fraction);
  const StepBreakdown& breakdown = step.breakdown;
  Section(fields, "step.breakdown_s.")
      .quantity("compute", breakdown.compute)
      .quantity("tp_exposed", breakdown.tp_exposed)
      .quantity("pp_exposed", breakdown.pp_exposed)
      .quantity("dp_exposed", breakdown.dp_exposed)
      .quantity("cp_exposed", breakdown.cp_exposed)
      .quantity("ep_exposed", breakdown.ep_exposed)
      .quantity("offload_exposed", breakdown.offload_exposed)
      .quantity("bubble", breakdown.bubble)
      .quantity("optimizer", breakdown.optimizer)
      .quantity("overhead", breakdown.overhead)
      .quantity("host", breakdown.host);
  const ComputeDetail& detail = step.detail;
  const Seconds kernels = detail.gemms + detail.attention_core + detail.scans + detail.memory_bound;
  Section(fields, "step.compute_s.")
      .quantity("gemms", detail.gemms)
      .quantity("attention_core", detail.attention_core)
      .quantity("scans", detail.scans)
      .quantity("memory_bound", detail.memory_bound)
      .quantity("slowed", std::max(Seconds(0.0), breakdown.compute - kernels));
  Section(fields, "step.").value("basis", estimate.basis);
}

/// What each stage's memory consists of at its peak.
FieldRows stage_rows(const MemoryReport& memory) {
  FieldRows rows;
  for (const StageMemory& stage : memory.stages) {
    Section(rows.rows.emplace_back(), "")
        .count("weights_bytes", stage.weights)
        .count("gradients_bytes", stage.gradients)
        .count("optimizer_bytes", stage.optimizer)
        .count("activations_bytes", stage.activations)
        .count("buffers_bytes", stage.buffers)
        .count("peak_bytes", stage.peak);
  }
  return rows;
}

/// What each library takes beside the tensors of the step.
FieldRows library_rows(const JobSpec& job) {
  FieldRows rows;
  for (const LibraryMemory& library : library_memory(job)) {
    Section(rows.rows.emplace_back(), "")
        .value("name", library.name)
        .value("place", std::string(library.place == MemoryPlace::allocated ? "allocated" : "outside"))
        .count("low_bytes", library.low)
        .count("high_bytes", library.high);
  }
  return rows;
}

/// "parallelism.zero=1 training.recompute=full", one for each.
std::vector<std::string> remedies_of(const Advice& advice) {
  std::vector<std::string> remedies;
  for (const Remedy& remedy : advice.remedies) {
    std::string& text = remedies.emplace_back();
    for (const Setting& setting : remedy.settings)
      text += (text.empty() ? "" : " ") + setting.key + "=" + setting.value;
  }
  return remedies;
}

void add_memory(std::vector<Field>& fields, const JobSpec& job, const MemoryReport& memory,
                const Advice& advice) {
  StageMemory worst;
  if (memory.worst_stage < memory.stages.size()) worst = memory.stages[memory.worst_stage];
  std::vector<std::int64_t> peaks;
  peaks.reserve(memory.stages.size());
  for (const StageMemory& stage : memory.stages) peaks.push_back(stage.peak.value());
  Section(fields, "memory.")
      .count("capacity_bytes", memory.capacity)
      .count("peak_bytes", memory.peak)
      .count("reserved_bytes", memory.reserved)
      .value("fits", memory.fits)
      .count("weights_bytes", worst.weights)
      .count("gradients_bytes", worst.gradients)
      .count("optimizer_bytes", worst.optimizer)
      .count("activations_bytes", worst.activations)
      .count("buffers_bytes", worst.buffers)
      .value("peak_by_stage_bytes", std::move(peaks))
      .count("context_bytes", memory.context)
      .count("graphs_bytes", memory.graphs)
      .count("allocated_bytes", memory.allocated)
      .count("reserved_low_bytes", memory.reserved_low)
      .count("reserved_high_bytes", memory.reserved_high)
      .value("verdict", std::string(to_string(memory.verdict)))
      .value("host_bytes",
             said(memory.host, [](const HostMemory& host) { return count_field(host.needed.value()); }))
      .value("host_capacity_bytes",
             said(memory.host, [](const HostMemory& host) { return count_field(host.capacity.value()); }))
      .value("libraries", library_rows(job))
      .value("remedies", remedies_of(advice))
      .value("stages", stage_rows(memory));
}

void add_communication(std::vector<Field>& fields, const Estimate& estimate) {
  static constexpr std::pair<CommAxis, const char*> kAxes[] = {
      {CommAxis::tp, "tp"}, {CommAxis::pp, "pp"}, {CommAxis::dp, "dp"},
      {CommAxis::cp, "cp"}, {CommAxis::ep, "ep"}, {CommAxis::offload, "offload"}};
  for (const auto& [axis, name] : kAxes) {
    const AxisTraffic& traffic = estimate.communication[static_cast<std::size_t>(axis)];
    // As nccl-tests counts it: what a ring would send over the time, in bytes per second.
    Section(fields, std::string("communication.") + name + ".")
        .count("bytes_per_device", traffic.bytes_per_device)
        .count("calls", traffic.calls)
        .quantity("time_s", traffic.time)
        .value("bus_bandwidth", traffic.time > Seconds()
                                    ? FieldValue((traffic.bytes_per_device / traffic.time).value())
                                    : FieldValue(std::monostate{}));
  }
}

void add_layer(std::vector<Field>& fields, const char* prefix, const LayerFigures& layer) {
  Section(fields, prefix)
      .count("parameters", layer.parameters)
      .count("flops_forward", layer.flops_forward)
      .count("flops_backward", layer.flops_backward)
      .count("tp_bytes", layer.tp_bytes);
}

void add_training(std::vector<Field>& fields, const TrainingFigures& training) {
  Section(fields, "training.")
      .value("steps", said(training.steps, [](double steps) { return steps; }))
      .value("seconds", said(training.time, [](Seconds time) { return time.value(); }))
      .value("device_hours", said(training.device_hours, [](double hours) { return hours; }))
      .value("dollars", said(training.cost, [](Dollars cost) { return cost.value(); }))
      .value("kwh", said(training.energy, [](Joules energy) { return energy / kKilowattHour; }));
}

void add_failures(std::vector<Field>& fields, const std::optional<FailureFigures>& failures) {
  const auto figure = [&](auto convert) { return said(failures, convert); };
  Section(fields, "training.failures.")
      .value("mtbf_s", figure([](const FailureFigures& f) { return f.mtbf.value(); }))
      .value("checkpoint_interval_s", figure([](const FailureFigures& f) { return f.interval.value(); }))
      .value("goodput", figure([](const FailureFigures& f) { return f.goodput; }))
      .value("expected", failures ? said(failures->failures, [](double expected) { return expected; })
                                  : FieldValue(std::monostate{}))
      .value("seconds", failures ? said(failures->time, [](Seconds time) { return time.value(); })
                                 : FieldValue(std::monostate{}))
      .value("device_hours", failures ? said(failures->device_hours, [](double hours) { return hours; })
                                      : FieldValue(std::monostate{}))
      .value("dollars", failures ? said(failures->cost, [](Dollars cost) { return cost.value(); })
                                 : FieldValue(std::monostate{}))
      .value("spare_nodes",
             failures ? said(failures->spares,
                             [](std::int64_t nodes) { return count_field(static_cast<Int128>(nodes)); })
                      : FieldValue(std::monostate{}));
}

void add_job(std::vector<Field>& fields, const JobSpec& job) {
  const ParallelismSpec& parallelism = job.parallelism;
  Section(fields, "job.")
      .value("name", job.name)
      .value("model", job.model.name)
      .value("cluster", job.cluster.name)
      .count("devices", job.cluster.devices())
      .count("idle_devices", job.cluster.idle_devices())
      .count("tp", parallelism.tp)
      .count("pp", parallelism.pp)
      .count("vp", parallelism.vp)
      .count("cp", parallelism.cp)
      .count("ep", parallelism.ep)
      .count("dp", parallelism.dp)
      .count("zero", parallelism.zero)
      .count("micro_batch", job.training.micro_batch)
      .count("global_batch", job.training.global_batch)
      .count("sequence_length", job.training.sequence_length);
}

void add_accelerator(std::vector<Field>& fields, const AcceleratorSpec& accelerator) {
  Section(fields, "accelerator.")
      .value("name", accelerator.name)
      .value("kernel_error", accelerator.kernels.spread);
  Section confidence(fields, "accelerator.confidence.");
  for (const Named<ConstantGroup>& named : kWords<ConstantGroup>)
    confidence.value(named.word, said(accelerator.confidence[static_cast<std::size_t>(named.value)],
                                      [](Confidence how) { return std::string(word_of(how)); }));
}

/// The answer in the words of the table.
void add_words(std::vector<Field>& fields, const PlannedJob& planned) {
  std::vector<std::string> text = unwrapped(verdict_lines, planned);
  for (std::string& line : unwrapped(training_lines, planned)) text.push_back(std::move(line));
  Section(fields, "verdict.").value("job", unwrapped(job_lines, planned)).value("text", std::move(text));
}

}  // namespace

std::vector<Field> estimate_fields(const PlannedJob& planned) {
  const auto& [job, estimate, advice] = planned;
  std::vector<Field> fields;
  fields.reserve(96);
  add_model(fields, estimate);
  add_step(fields, estimate, job.cluster.devices());
  add_memory(fields, job, estimate.memory, advice);
  add_communication(fields, estimate);
  add_layer(fields, "layer.attention.", estimate.attention);
  add_layer(fields, "layer.ffn.", estimate.ffn);
  add_training(fields, estimate.training);
  add_failures(fields, estimate.training.failures);
  add_job(fields, job);
  add_accelerator(fields, job.cluster.accelerator);
  fields.push_back({"notes", estimate.notes});
  add_words(fields, planned);
  return fields;
}

std::vector<std::string> few_estimate_columns(const std::string& prefix) {
  std::vector<std::string> columns;
  for (const char* key : {"step.time_s",
                          "step.time_low_s",
                          "step.time_high_s",
                          "step.tokens_per_s_per_device",
                          "step.mfu",
                          "memory.capacity_bytes",
                          "memory.reserved_bytes",
                          "memory.fits",
                          "training.seconds",
                          "training.dollars",
                          "job.name",
                          "job.model",
                          "job.cluster",
                          "job.devices",
                          "job.tp",
                          "job.pp",
                          "job.vp",
                          "job.cp",
                          "job.ep",
                          "job.dp",
                          "job.zero",
                          "job.micro_batch",
                          "job.global_batch",
                          "job.sequence_length"})
    columns.push_back(prefix + key);
  return columns;
}

}  // namespace foreshard::report
