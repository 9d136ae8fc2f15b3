#include "planner/report/validation_table.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"

namespace foreshard {

namespace {

std::string_view word_of(Basis basis) { return basis == Basis::model ? "model" : "replay"; }

/// "+1.8%", "−3.4%"
std::string signed_percent(std::optional<double> fraction) {
  if (!fraction) return "–";
  const std::string digits = report::percent(std::abs(*fraction));
  return (*fraction < 0.0 ? "−" : "+") + digits;
}

std::string mark(bool passed) { return passed ? "✓" : "✗"; }

std::string numerics_line(const NumericsCheck& check) {
  const double worst = std::max({check.loss, check.outputs, check.gradients});
  if (check.passed()) {
    const std::string rerouted =
        check.tokens_rerouted > 0
            ? fmt::format(", {} sent to its experts", report::counted(check.tokens_rerouted, "token", "s"))
            : "";
    return fmt::format(
        "loss, outputs and {} gradients equal the unsharded run (worst {:.1e}, norm-wise{})  {}",
        check.gradients_compared, worst, rerouted, mark(true));
  }
  return fmt::format(
      "loss {:.1e}, outputs {:.1e}, gradients {:.1e} from the unsharded run; allowed {:.0e}, gradients "
      "{:.0e}  {}",
      check.loss, check.outputs, check.gradients, check.bound, check.gradients_bound, mark(false));
}

std::string counted_words(const Counted& counted, std::string_view unit) {
  if (counted.equal()) return fmt::format("{} {}", report::grouped(counted.counted), unit);
  return fmt::format("{} {} (planned {})", report::grouped(counted.counted), unit,
                     report::grouped(counted.planned));
}

std::string counts_line(const CountCheck& counts) {
  return fmt::format("{}, {} in {}, {} at the peak{}  {}", counted_words(counts.flops, "FLOPs"),
                     counted_words(counts.payload_bytes, "bytes"), counted_words(counts.calls, "calls"),
                     counted_words(counts.peak_bytes, "bytes"), counts.passed() ? ": as planned" : "",
                     mark(counts.passed()));
}

std::string routing_line(const RoutingCheck& routing) {
  return fmt::format(
      "{} to {} rows per expert, {:.1f} if even; the busiest rank had {:.2f} of the mean, planned with "
      "{:.2f} "
      "({} FLOPs, {} bytes)",
      report::grouped(routing.fewest_rows), report::grouped(routing.most_rows), routing.mean_rows,
      routing.imbalance, routing.planned_imbalance, report::grouped(routing.planned_flops),
      report::grouped(routing.planned_payload));
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

std::string verdict(const Validation& validation) {
  std::string words = fmt::format("Basis: {}", word_of(validation.basis));
  if (validation.other_step) {
    const Basis other = validation.basis == Basis::model ? Basis::replay : Basis::model;
    words += fmt::format("; {}: {} ({})", word_of(other), report::with_unit(*validation.other_step),
                         signed_percent(*validation.other_step / validation.step.measured - 1.0));
  }
  if (!validation.tolerance) return words + ".";
  const bool holds = std::abs(validation.step.error().value_or(1.0)) <= *validation.tolerance;
  return words + fmt::format(". The prediction {} within {}.", holds ? "holds" : "does not hold",
                             report::percent(*validation.tolerance));
}

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
  if (validation.numerics) append("numerics", numerics_line(*validation.numerics));
  append("counted", counts_line(validation.counts));
  if (validation.counts.routing) append("routing", routing_line(*validation.counts.routing));
  text += '\n';
  for (const std::string& line : Rows(validation).lines()) text += "  " + line + '\n';
  text += "\n  " + verdict(validation) + '\n';
  return text;
}

}  // namespace foreshard
