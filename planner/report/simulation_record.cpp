#include "planner/report/simulation_record.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "planner/report/estimate_fields.hpp"

namespace foreshard::report {
namespace {

FieldValue known_or_null(const std::optional<Seconds>& time) {
  return time ? FieldValue(time->value()) : FieldValue(std::monostate{});
}

/// The fields of a section; if the section is missing, one null for the whole section.
template <class Part, class FieldsOf>
void add_section(Fields& fields, const std::string& key, const std::optional<Part>& part,
                 FieldsOf fields_of) {
  if (part) {
    append(fields, key + ".", fields_of(*part));
  } else {
    fields.push_back({key, std::monostate{}});
  }
}

FieldRows link_rows(const std::vector<SimulatedLink>& links) {
  constexpr std::size_t kMost = 64;
  FieldRows rows;
  for (std::size_t l = 0; l < std::min(kMost, links.size()); ++l)
    rows.rows.push_back({{"link", links[l].name},
                         {"alike", links[l].alike},
                         {"bytes", links[l].bytes},
                         {"busy", links[l].busy}});
  return rows;
}

/// The outline of the step, in columns: the i-th element of each list is of the i-th span.
Fields outline_fields(const StepOutline& outline) {
  std::vector<std::string> lanes;
  std::vector<std::string> passes;
  std::vector<std::int64_t> stages;
  std::vector<std::int64_t> chunks;
  std::vector<std::int64_t> micro_batches;
  std::vector<double> starts;
  std::vector<double> ends;
  for (const OutlineSpan& span : outline.spans) {
    lanes.emplace_back(to_string(span.lane));
    passes.emplace_back(to_string(span.pass));
    stages.push_back(span.stage.value());
    chunks.push_back(span.chunk.value());
    micro_batches.push_back(span.micro_batch.value());
    starts.push_back(span.start.value());
    ends.push_back(span.end.value());
  }
  return {{"resolution_s", outline.resolution.value()},
          {"stage", std::move(stages)},
          {"lane", std::move(lanes)},
          {"pass", std::move(passes)},
          {"chunk", std::move(chunks)},
          {"micro_batch", std::move(micro_batches)},
          {"start_s", std::move(starts)},
          {"end_s", std::move(ends)}};
}

/// How each simulated rank spent the step.
FieldRows rank_rows(const std::vector<SimulatedRank>& ranks) {
  constexpr std::size_t kMost = 64;
  FieldRows rows;
  for (std::size_t r = 0; r < std::min(kMost, ranks.size()); ++r) {
    const SimulatedRank& rank = ranks[r];
    Fields fields{{"stage", static_cast<std::int64_t>(rank.stage.value())},
                  {"compute_s", rank.compute.value()},
                  {"optimizer_s", rank.optimizer.value()}};
    for (const auto axis :
         {CommAxis::tp, CommAxis::pp, CommAxis::dp, CommAxis::cp, CommAxis::ep, CommAxis::offload})
      fields.push_back({std::string(to_string(axis)) + "_exposed_s",
                        rank.exposed[static_cast<std::size_t>(axis)].value()});
    append(fields, "",
           {{"host_s", rank.host.value()},
            {"bubble_s", rank.bubble.value()},
            {"peak_bytes", rank.peak.value()}});
    rows.rows.push_back(std::move(fields));
  }
  return rows;
}

Fields step_fields(const SimulatedStep& step) {
  Fields fields{{"network", step.network == NetworkModel::flow ? "flow" : "alpha-beta"},
                {"ranks", static_cast<std::int64_t>(step.ranks.size())},
                {"operations", count_field(step.operations)},
                {"undisturbed_s", known_or_null(step.undisturbed)}};
  add_section(fields, "seeds", step.drawn, [&](const DrawnSteps& drawn) -> Fields {
    return {{"draws", static_cast<std::int64_t>(drawn.draws)},
            {"seed", count_field(step.seed)},
            {"p5_s", drawn.fifth.value()},
            {"median_s", drawn.median.value()},
            {"p95_s", drawn.ninety_fifth.value()}};
  });
  add_section(fields, "with", step.beside, [](const OtherJob& other) -> Fields {
    return {{"job", other.name}, {"time_s", other.step.value()}, {"alone_s", other.alone.value()}};
  });
  fields.push_back({"links", link_rows(step.links)});
  fields.push_back({"by_rank", rank_rows(step.ranks)});
  if (step.outline) append(fields, "timeline.", outline_fields(*step.outline));
  return fields;
}

Fields training_fields(const PlayedTrainings& played) {
  return {{"runs", played.runs},
          {"goodput", played.goodput},
          {"goodput_standard_error", played.standard_error},
          {"p5_s", played.fifth.value()},
          {"median_s", played.median.value()},
          {"p95_s", played.ninety_fifth.value()}};
}

}  // namespace

Record simulation_record(std::span<const SimulatedJob> jobs) {
  Record record{.objects = {}, .row_keys = {}, .few_columns = few_estimate_columns()};
  for (const SimulatedJob& done : jobs) {
    Fields fields = estimate_fields(done.planned);
    append(fields, "simulation.", step_fields(done.simulation));
    add_section(fields, "simulation.trainings", done.trainings, training_fields);
    record.objects.push_back(std::move(fields));
  }
  return record;
}

}  // namespace foreshard::report
