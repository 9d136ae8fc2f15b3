#include "planner/report/score_fields.hpp"

#include <optional>

#include "planner/cost/step/error_band.hpp"
#include "planner/report/words.hpp"

namespace foreshard::report {
namespace {

FieldValue byte_field(Bytes bytes) { return count_field(static_cast<Int128>(bytes.value())); }

void add_statistics(std::vector<Field>& fields, const std::string& prefix, const ErrorStatistics& errors) {
  const auto said = [&](double figure) {
    return errors.n > 0 ? FieldValue(figure) : FieldValue(std::monostate{});
  };
  fields.push_back({prefix + "n", static_cast<std::int64_t>(errors.n)});
  fields.push_back({prefix + "mean_abs_error", said(errors.mean_abs)});
  fields.push_back({prefix + "median_abs_error", said(errors.median_abs)});
  fields.push_back({prefix + "p90_abs_error", said(errors.p90_abs)});
  fields.push_back({prefix + "bias", said(errors.bias)});
}

/// The number, the mean and the worst of some errors; null where there are none.
void add_worst(std::vector<Field>& fields, const std::string& prefix,
               const std::optional<ErrorStatistics>& errors) {
  const auto said = [&](double ErrorStatistics::*figure) {
    return errors ? FieldValue((*errors).*figure) : FieldValue(std::monostate{});
  };
  fields.push_back({prefix + "n", static_cast<std::int64_t>(errors ? errors->n : 0)});
  fields.push_back({prefix + "mean_abs_error", said(&ErrorStatistics::mean_abs)});
  fields.push_back({prefix + "worst_abs_error", said(&ErrorStatistics::worst_abs)});
  fields.push_back({prefix + "bias", said(&ErrorStatistics::bias)});
}

}  // namespace

namespace {

void add_memory(std::vector<Field>& fields, const std::optional<ScoredMemory>& memory,
                const std::optional<ScoredVerdict>& verdict) {
  const auto add = [&](const char* key, const auto& value) {
    fields.push_back({key, memory ? value(*memory) : FieldValue(std::monostate{})});
  };
  add("memory_kind", [](const ScoredMemory& m) -> FieldValue { return std::string(word_of(m.kind)); });
  add("predicted_memory_bytes", [](const ScoredMemory& m) { return byte_field(m.predicted); });
  add("measured_memory_bytes", [](const ScoredMemory& m) { return byte_field(m.measured); });
  add("memory_error", [](const ScoredMemory& m) -> FieldValue { return m.error; });
  const auto add_verdict = [&](const char* key, const auto& value) {
    fields.push_back({key, verdict ? value(*verdict) : FieldValue(std::monostate{})});
  };
  add_verdict("outcome",
              [](const ScoredVerdict& v) -> FieldValue { return std::string(word_of(v.outcome)); });
  add_verdict("verdict",
              [](const ScoredVerdict& v) -> FieldValue { return std::string(to_string(v.verdict)); });
  add_verdict("verdict_is_right", [](const ScoredVerdict& v) -> FieldValue { return v.is_right(); });
}

}  // namespace

namespace {

/// Half the width of a band around 1.
double half_width(const Deviations& deviations) { return 0.5 * (deviations.nine_tenths - deviations.tenth); }

FieldValue said(const std::optional<double>& figure) {
  return figure ? FieldValue(*figure) : FieldValue(std::monostate{});
}

}  // namespace

std::vector<Field> run_fields(const ScoredRun& run) {
  std::vector<Field> fields{{"name", run.name}, {"source", run.source}};
  add_memory(fields, run.memory, run.verdict);
  return fields;
}

std::vector<Field> case_fields(const ScoredCase& scored) {
  std::vector<Field> fields{{"name", scored.name},
                            {"source", scored.source},
                            {"predicted_s", scored.predicted.value()},
                            {"low_s", scored.low.value()},
                            {"high_s", scored.high.value()},
                            {"measured_s", scored.measured.value()},
                            {"error", scored.error},
                            {"has_experts", scored.traits.has_experts},
                            {"precision", scored.traits.precision},
                            {"accelerator", scored.traits.accelerator},
                            {"framework", scored.traits.framework},
                            {"left_out", scored.traits.leaves_out},
                            {"in_band", scored.in_band()}};
  add_memory(fields, scored.memory, scored.verdict);
  return fields;
}

std::vector<Field> source_fields(const SourceScore& source) {
  std::vector<Field> fields;
  add_statistics(fields, "", source.step);
  fields.push_back(
      {"coverage", source.step.n > 0 ? FieldValue(source.coverage) : FieldValue(std::monostate{})});
  for (std::size_t kind = 0; kind < kMemoryKindCount; ++kind) {
    const std::string key = "memory." + std::string(word_of(static_cast<MemoryKind>(kind)));
    if (const auto& errors = source.memory[kind]) {
      add_statistics(fields, key + ".", errors->all);
      add_worst(fields, key + ".facts_known.", errors->known);
      add_worst(fields, key + ".facts_assumed.", errors->assumed);
    } else {
      fields.push_back({key, std::monostate{}});
    }
  }
  const VerdictCounts verdicts = source.verdicts.value_or(VerdictCounts{});
  const auto count = [&](const char* key, std::size_t VerdictCounts::*number) {
    fields.push_back({std::string("verdicts.") + key, static_cast<std::int64_t>(verdicts.*number)});
  };
  count("n", &VerdictCounts::n);
  count("right", &VerdictCounts::right);
  count("ran_but_refused", &VerdictCounts::ran_but_refused);
  count("oom_but_allowed", &VerdictCounts::oom_but_allowed);
  count("close", &VerdictCounts::close);
  const std::optional<Ranking>& ranking = source.ranking;
  const auto said = [&](double Ranking::*figure) {
    return ranking && ranking->groups > 0 ? FieldValue((*ranking).*figure) : FieldValue(std::monostate{});
  };
  const Ranking counts = ranking.value_or(Ranking{});
  fields.push_back({"ranking.groups", static_cast<std::int64_t>(counts.groups)});
  fields.push_back({"ranking.rank_correlation", said(&Ranking::rank_correlation)});
  fields.push_back({"ranking.regret", said(&Ranking::regret)});
  fields.push_back({"ranking.clear_pairs", static_cast<std::int64_t>(counts.clear_pairs)});
  fields.push_back({"ranking.right_pairs", static_cast<std::int64_t>(counts.right_pairs)});
  return fields;
}

std::vector<Field> split_fields(const SplitScore& split) {
  std::vector<Field> fields{{"trait", split.trait}, {"value", split.value}};
  add_statistics(fields, "", split.step);
  fields.push_back({"coverage", split.coverage});
  return fields;
}

std::vector<Field> noise_fields(const NoiseFloor& noise) {
  return {{"jobs", static_cast<std::int64_t>(noise.jobs)},
          {"cases", static_cast<std::int64_t>(noise.cases)},
          {"mean_abs_error", noise.mean_abs}};
}

std::vector<Field> held_out_fields(const HeldOutSource& source) {
  return {{"n", static_cast<std::int64_t>(source.n)},
          {"systematic_error", half_width(source.others)},
          {"low", source.others.tenth},
          {"high", source.others.nine_tenths},
          {"coverage", source.coverage}};
}

std::vector<Field> band_fields(const BandFit& fit) {
  return {{"share", kBandShare},
          {"systematic_error", half_width(fit.deviations)},
          {"systematic_error_used", half_width(kPublished)},
          {"low", fit.deviations.tenth},
          {"median", fit.deviations.median},
          {"high", fit.deviations.nine_tenths},
          {"coverage", fit.coverage},
          {"held_out_coverage", said(fit.held_out_coverage)},
          {"held_out_per_source", said(fit.held_out_per_source)}};
}

}  // namespace foreshard::report
