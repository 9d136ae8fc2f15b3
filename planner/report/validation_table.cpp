#include "planner/report/validation_table.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/report/table.hpp"
#include "planner/report/validation_words.hpp"
#include "planner/report/words.hpp"

namespace foreshard {

namespace {

/// "+1.8%", "−3.4%"
std::string signed_percent(std::optional<double> fraction) {
  if (!fraction) return "–";
  const std::string digits = report::percent(std::abs(*fraction));
  return (*fraction < 0.0 ? "−" : "+") + digits;
}

/// "tp 2, pp 1, dp 2, zero 1"; with cp and ep if they are used.
std::string degrees(const ParallelismSpec& p) {
  std::string text = fmt::format("tp {}, pp {}, ", p.tp, p.pp);
  if (p.cp > 1) text += fmt::format("cp {}, ", p.cp);
  if (p.ep > 1) text += fmt::format("ep {}, ", p.ep);
  return text + fmt::format("dp {}, zero {}", p.dp, p.zero);
}

/// The word for a phase; empty for the optimizer's operations, which have only one.
std::string_view words_for(Phase phase) {
  switch (phase) {
    case Phase::forward: return " forward";
    case Phase::recompute: return " recomputed";
    case Phase::backward_input: return " backward";
    case Phase::backward_weight: return " weight gradient";
    case Phase::optimizer: return "";
  }
  return "";
}

/// "ffn GEMM weight gradient", "attention core forward", "all-reduce gradient sync"
std::string row_name(const OpGroup& group) {
  std::string component(to_string(group.component));
  std::replace(component.begin(), component.end(), '_', ' ');
  std::string kind = group.kind == "gemm" ? "GEMM" : group.kind;
  std::replace(kind.begin(), kind.end(), '_', ' ');
  const bool says_it_all = component.starts_with(kind) || kind.starts_with(component);
  const std::string& name = component.size() > kind.size() ? component : kind;
  return (says_it_all ? name : component + " " + kind) + std::string(words_for(group.phase));
}

class Rows {
 public:
  Rows(const Validation& validation)
      : validation_(validation),
        // The unit suits the smallest rows, which are a few hundredths of the step.
        unit_(report::time_unit(validation.step.measured / 20.0)),
        table_({{"operation", report::Align::left},
                {"calls"},
                {fmt::format("predicted, {}", unit_.name)},
                {fmt::format("measured (median of {})", validation.steps)},
                {"error"}}) {}

  std::vector<std::string> lines() && {
    for (const ValidationRow& row : validation_.rows) {
      if (row.measured && is_small(row.time)) {
        add_to(rest_, row.time);
        rest_calls_ += row.group.calls;
      } else {
        add(row);
      }
    }
    if (rest_calls_ > 0) add("the rest", report::grouped(rest_calls_), rest_);
    if (validation_.exposed) add("of collectives, not hidden", "", *validation_.exposed);
    if (validation_.waiting.predicted > Seconds(0.0) || validation_.waiting.measured > Seconds(0.0))
      add("waiting for other stages", "", validation_.waiting);
    add("between operations", "", validation_.overhead);
    add(validation_.shard ? "step, communication as predicted" : "step", "", validation_.step);
    return table_.lines();
  }

 private:
  /// True if both predicted and measured time are less than half a percent of the step; such rows are
  /// combined.
  [[nodiscard]] bool is_small(const PredictedAndMeasured& time) const {
    constexpr double kSmall = 0.005;
    return time.predicted < kSmall * validation_.step.measured &&
           time.measured < kSmall * validation_.step.measured;
  }

  static void add_to(PredictedAndMeasured& sum, const PredictedAndMeasured& time) {
    sum.predicted += time.predicted;
    sum.measured += time.measured;
    sum.spread += time.spread;
  }

  void add(const ValidationRow& row) {
    const std::string calls = report::grouped(row.group.calls);
    if (row.measured) return add(row_name(row.group), calls, row.time);
    table_.row({row_name(row.group), calls, report::in_unit(row.time.predicted.value(), unit_),
                "as predicted", "–"});
  }

  void add(std::string name, std::string calls, const PredictedAndMeasured& time) {
    table_.row({std::move(name), std::move(calls), report::in_unit(time.predicted.value(), unit_),
                fmt::format("{} ± {}", report::in_unit(time.measured.value(), unit_),
                            report::in_unit(time.spread.value(), unit_)),
                signed_percent(time.error())});
  }

  const Validation& validation_;
  report::Unit unit_;
  report::Table table_;
  PredictedAndMeasured rest_;
  std::int64_t rest_calls_ = 0;
};

}  // namespace

std::string validation_table(const JobSpec& job, const Validation& validation) {
  std::string text = fmt::format("{}: {} on {}\n", job.name, job.model.name, validation.machine);
  if (validation.shard)
    text += fmt::format("rank {} of {} alone, a rank of stage {}: kernels run, communication is predicted\n",
                        validation.shard->rank, validation.shard->devices, validation.shard->stage);
  text +=
      fmt::format("{} · {} tokens × {} sequences · {} · {}\n\n", degrees(job.parallelism),
                  report::grouped(job.training.sequence_length), report::grouped(job.training.global_batch),
                  report::counted(job.micro_batches(), "micro-batch", "es"), word_of(job.training.schedule));
  const auto append = [&](std::string_view title, const std::string& line) {
    for (const std::string& part : report::wrapped(fmt::format("{:<10} {}", title, line), 2, 13))
      text += part + '\n';
  };
  for (const std::string& remark : validation.remarks) append("note", remark);
  if (validation.numerics) append("numerics", report::numerics_words(*validation.numerics));
  append("counted", report::counts_words(validation.counts));
  if (validation.counts.routing) append("routing", report::routing_words(*validation.counts.routing));
  text += '\n';
  for (const std::string& line : Rows(validation).lines()) text += "  " + line + '\n';
  text += "\n  " + report::basis_words(validation) + '\n';
  return text;
}

}  // namespace foreshard
