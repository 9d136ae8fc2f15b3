#include <nlohmann/json.hpp>

#include "planner/report/field_json.hpp"
#include "planner/report/validation.hpp"

namespace foreshard {

namespace {

using report::Json;

Json with_error(Json json, const PredictedAndMeasured& time) {
  json["predicted_s"] = time.predicted.value();
  json["measured_s"] = time.measured.value();
  json["spread_s"] = time.spread.value();
  const std::optional<double> error = time.error();
  json["error"] = error ? Json(*error) : Json();
  return json;
}

std::string_view name_of(Basis basis) { return basis == Basis::model ? "model" : "replay"; }

Json step_json(const Validation& validation) {
  Json step = with_error(Json::object(), validation.step);
  step["basis"] = name_of(validation.basis);
  step["steps"] = validation.steps;
  if (validation.other_step) {
    const Basis other = validation.basis == Basis::model ? Basis::replay : Basis::model;
    step[std::string(name_of(other)) + "_predicted_s"] = validation.other_step->value();
  }
  return step;
}

Json operations_json(const Validation& validation) {
  Json operations = Json::array();
  for (const ValidationRow& row : validation.rows) {
    Json entry = Json::object();
    entry["component"] = to_string(row.group.component);
    entry["kind"] = row.group.kind;
    entry["phase"] = to_string(row.group.phase);
    entry["count"] = row.group.calls;
    entry = with_error(std::move(entry), row.time);
    if (!row.measured) entry["measured_s"] = entry["spread_s"] = Json();
    operations.push_back(std::move(entry));
  }
  return operations;
}

Json numerics_json(const NumericsCheck& check) {
  return {{"loss", check.loss},
          {"outputs", check.outputs},
          {"gradients", check.gradients},
          {"gradients_compared", check.gradients_compared},
          {"bound", check.bound},
          {"gradients_bound", check.gradients_bound},
          {"tokens_rerouted", check.tokens_rerouted},
          {"passed", check.passed()}};
}

Json counted_json(const Counted& counted) {
  return {{"planned", counted.planned}, {"counted", counted.counted}};
}

Json counts_json(const CountCheck& counts) {
  return {{"flops", counted_json(counts.flops)},
          {"payload_bytes", counted_json(counts.payload_bytes)},
          {"calls", counted_json(counts.calls)},
          {"passed", counts.passed()}};
}

Json routing_json(const RoutingCheck& routing) {
  return {{"rows_per_expert",
           {{"min", routing.fewest_rows}, {"mean", routing.mean_rows}, {"max", routing.most_rows}}},
          {"imbalance", routing.imbalance},
          {"planned_imbalance", routing.planned_imbalance},
          {"planned_flops", routing.planned_flops},
          {"planned_payload_bytes", routing.planned_payload}};
}

Json memory_json(const Validation& validation) {
  const Counted& peak = validation.counts.peak_bytes;
  return {{"predicted_bytes", peak.planned},
          {"measured_bytes", peak.counted},
          {"error", static_cast<double>(peak.planned) / static_cast<double>(peak.counted) - 1.0},
          {"arena_bytes", validation.arena.value()}};
}

}  // namespace

std::string validation_json(const JobSpec& job, const Validation& validation) {
  Json json = Json::object();
  json["job"] = {{"name", job.name},         {"model", job.model.name},  {"devices", job.cluster.devices()},
                 {"tp", job.parallelism.tp}, {"pp", job.parallelism.pp}, {"cp", job.parallelism.cp},
                 {"ep", job.parallelism.ep}, {"dp", job.parallelism.dp}, {"zero", job.parallelism.zero}};
  json["machine"] = validation.machine;
  json["shard"] =
      validation.shard ? Json{{"rank", validation.shard->rank}, {"stage", validation.shard->stage}} : Json();
  json["step"] = step_json(validation);
  json["operations"] = operations_json(validation);
  json["waiting"] = with_error(Json::object(), validation.waiting);
  json["exposed"] = validation.exposed ? with_error(Json::object(), *validation.exposed) : Json();
  json["overhead"] = with_error(Json::object(), validation.overhead);
  json["memory"] = memory_json(validation);
  json["numerics"] = validation.numerics ? numerics_json(*validation.numerics) : Json();
  json["counted"] = counts_json(validation.counts);
  if (validation.counts.routing) json["routing"] = routing_json(*validation.counts.routing);
  json["passed"] = validation.passed();
  return report::printed(json);
}

}  // namespace foreshard
