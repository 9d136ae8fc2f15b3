#include "planner/report/validation_record.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "planner/report/validation_words.hpp"

namespace foreshard::report {
namespace {

FieldValue known_or_null(const std::optional<double>& value) {
  return value ? FieldValue(*value) : FieldValue(std::monostate{});
}

std::string name_of(Basis basis) { return basis == Basis::model ? "model" : "replay"; }

Basis other_than(Basis basis) { return basis == Basis::model ? Basis::replay : Basis::model; }

Fields time_fields(const PredictedAndMeasured& time) {
  return {{"predicted_s", time.predicted.value()},
          {"measured_s", time.measured.value()},
          {"spread_s", time.spread.value()},
          {"error", known_or_null(time.error())}};
}

Fields step_fields(const Validation& validation) {
  Fields step = time_fields(validation.step);
  step.push_back({"basis", name_of(validation.basis)});
  step.push_back({"steps", validation.steps});
  if (validation.other_step)
    step.push_back({name_of(other_than(validation.basis)) + "_predicted_s", validation.other_step->value()});
  return step;
}

Fields operation_fields(const ValidationRow& row) {
  Fields fields{{"component", std::string(to_string(row.group.component))},
                {"kind", row.group.kind},
                {"phase", std::string(to_string(row.group.phase))},
                {"count", row.group.calls}};
  if (row.measured) {
    append(fields, "", time_fields(row.time));
  } else {
    append(fields, "",
           {{"predicted_s", row.time.predicted.value()},
            {"measured_s", std::monostate{}},
            {"spread_s", std::monostate{}},
            {"error", std::monostate{}}});
  }
  return fields;
}

Fields numerics_fields(const NumericsCheck& check) {
  return {{"loss", check.loss},
          {"outputs", check.outputs},
          {"gradients", check.gradients},
          {"gradients_compared", check.gradients_compared},
          {"bound", check.bound},
          {"gradients_bound", check.gradients_bound},
          {"tokens_rerouted", check.tokens_rerouted},
          {"passed", check.passed()}};
}

Fields counts_fields(const CountCheck& counts) {
  Fields fields;
  const auto add = [&](const std::string& key, const Counted& counted) {
    append(fields, key + ".",
           {{"planned", count_field(counted.planned)}, {"counted", count_field(counted.counted)}});
  };
  add("flops", counts.flops);
  add("payload_bytes", counts.payload_bytes);
  add("calls", counts.calls);
  fields.push_back({"passed", counts.passed()});
  return fields;
}

Fields routing_fields(const RoutingCheck& routing) {
  return {{"rows_per_expert.min", routing.fewest_rows},
          {"rows_per_expert.mean", routing.mean_rows},
          {"rows_per_expert.max", routing.most_rows},
          {"imbalance", routing.imbalance},
          {"planned_imbalance", routing.planned_imbalance},
          {"planned_flops", count_field(routing.planned_flops)},
          {"planned_payload_bytes", count_field(routing.planned_payload)}};
}

Fields memory_fields(const Validation& validation) {
  const Counted& peak = validation.counts.peak_bytes;
  return {{"predicted_bytes", peak.planned},
          {"measured_bytes", peak.counted},
          {"error", static_cast<double>(peak.planned) / static_cast<double>(peak.counted) - 1.0},
          {"arena_bytes", validation.arena.value()}};
}

std::vector<std::string> verdict_text(const Validation& validation) {
  std::vector<std::string> text;
  if (validation.numerics) text.push_back(numerics_words(*validation.numerics));
  text.push_back(counts_words(validation.counts));
  if (validation.counts.routing) text.push_back(routing_words(*validation.counts.routing));
  text.push_back(basis_words(validation));
  return text;
}

}  // namespace

Fields run_job_fields(const JobSpec& job) {
  const ParallelismSpec& p = job.parallelism;
  return {{"name", job.name},
          {"model", job.model.name},
          {"devices", job.cluster.devices()},
          {"tp", p.tp},
          {"pp", p.pp},
          {"cp", p.cp},
          {"ep", p.ep},
          {"dp", p.dp},
          {"zero", p.zero}};
}

Fields validation_fields(const JobSpec& job, const Validation& validation) {
  Fields fields;
  append(fields, "job.", run_job_fields(job));
  fields.push_back({"machine", validation.machine});
  const auto add_section = [&](const std::string& key, bool is_known, const auto& fields_of) {
    if (is_known) {
      append(fields, key + ".", fields_of());
    } else {
      fields.push_back({key, std::monostate{}});
    }
  };
  add_section("shard", validation.shard.has_value(), [&]() -> Fields {
    return {{"rank", validation.shard->rank}, {"stage", validation.shard->stage}};
  });
  append(fields, "step.", step_fields(validation));
  FieldRows operations;
  for (const ValidationRow& row : validation.rows) operations.rows.push_back(operation_fields(row));
  fields.push_back({"operations", std::move(operations)});
  append(fields, "waiting.", time_fields(validation.waiting));
  add_section("exposed", validation.exposed.has_value(), [&] { return time_fields(*validation.exposed); });
  append(fields, "overhead.", time_fields(validation.overhead));
  append(fields, "memory.", memory_fields(validation));
  add_section("numerics", validation.numerics.has_value(),
              [&] { return numerics_fields(*validation.numerics); });
  append(fields, "counted.", counts_fields(validation.counts));
  if (validation.counts.routing) append(fields, "routing.", routing_fields(*validation.counts.routing));
  fields.push_back({"passed", validation.passed()});
  fields.push_back({"verdict.text", verdict_text(validation)});
  return fields;
}

Record validation_record(const JobSpec& job, const Validation& validation) {
  return record_of(validation_fields(job, validation));
}

}  // namespace foreshard::report
