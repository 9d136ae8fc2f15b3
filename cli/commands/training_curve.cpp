#include "cli/commands/training_curve.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "planner/report/field_json.hpp"
#include "planner/report/format.hpp"
#include "planner/report/plan_table.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"

namespace foreshard::cli {

namespace {

double tokens_per_second(const JobSpec& job, const TrainingCurve& curve) {
  const auto tokens =
      static_cast<double>(checked_product(job.training.global_batch, job.training.sequence_length,
                                          static_cast<std::int64_t>(curve.losses.size())));
  return tokens / curve.time.value();
}

/// A dozen rows over the steps, each the mean of the steps up to it since the row before.
std::vector<std::string> bars(const TrainingCurve& curve) {
  constexpr std::size_t kRows = 12;
  constexpr double kWidth = 48.0;
  const std::size_t steps = curve.losses.size();
  const double most = *std::max_element(curve.losses.begin(), curve.losses.end());
  report::Table table({{"step"}, {"loss"}, {"", report::Align::left}});
  std::size_t from = 0;
  for (std::size_t row = 0; row <= kRows; ++row) {
    const std::size_t to = std::max<std::size_t>(1, row * steps / kRows);
    if (to <= from) continue;
    const double sum = std::accumulate(curve.losses.begin() + static_cast<std::ptrdiff_t>(from),
                                       curve.losses.begin() + static_cast<std::ptrdiff_t>(to), 0.0);
    const double loss = sum / static_cast<double>(to - from);
    std::string bar;
    for (int i = 0; i < static_cast<int>(std::lround(kWidth * loss / most)); ++i) bar += "█";
    table.row({report::grouped(static_cast<std::int64_t>(to)), report::fixed(loss, 3), bar});
    from = to;
  }
  return table.lines();
}

std::string verdict(const TrainingCurve& curve) {
  if (!curve.is_finite())
    return fmt::format(
        "The loss is no number any more after {} steps: try a lower --learning-rate than {:g}.",
        curve.losses.size(), curve.learning_rate);
  const double last = curve.final_loss();
  return fmt::format(
      "The loss went from {:.3f} to {:.3f} nats per character. One that knows how often each character "
      "occurs, "
      "and nothing else, has {:.3f}: {}.",
      curve.losses.front(), last, curve.entropy,
      last < curve.entropy ? "this model has learnt more than that"
                           : "this model has learnt no more than that");
}

}  // namespace

bool TrainingCurve::is_finite() const {
  return std::all_of(losses.begin(), losses.end(), [](double loss) { return std::isfinite(loss); });
}

double TrainingCurve::final_loss() const {
  const std::size_t last = std::max<std::size_t>(1, losses.size() / 10);
  return std::accumulate(losses.end() - static_cast<std::ptrdiff_t>(last), losses.end(), 0.0) /
         static_cast<double>(last);
}

std::string training_table(const JobSpec& job, const TrainingCurve& curve) {
  const ParallelismSpec& p = job.parallelism;
  std::string text =
      fmt::format("{} · {} · tp {} pp {} dp {}\n", job.model.name, curve.machine, p.tp, p.pp, p.dp);
  text += fmt::format("{} characters, {} different; {} sequences of {} a step, learning rate {:g}\n\n",
                      report::grouped(curve.characters), curve.alphabet, job.training.global_batch,
                      job.training.sequence_length, curve.learning_rate);
  if (curve.is_finite()) {
    for (const std::string& line : bars(curve)) text += "  " + line + '\n';
    text += '\n';
  }
  for (const std::string& line : report::wrapped(verdict(curve), 0, 0)) text += "  " + line + '\n';
  text += fmt::format(
      "  {} steps in {}, {} tokens/s\n", report::grouped(static_cast<std::int64_t>(curve.losses.size())),
      report::with_unit(curve.time), report::grouped(std::llround(tokens_per_second(job, curve))));
  return text;
}

std::string training_json(const JobSpec& job, const TrainingCurve& curve) {
  const report::Json json{{"job", job.name},
                          {"steps", curve.losses.size()},
                          {"losses", curve.losses},
                          {"final_loss", curve.final_loss()},
                          {"entropy", curve.entropy},
                          {"characters", curve.characters},
                          {"alphabet", curve.alphabet},
                          {"learning_rate", curve.learning_rate},
                          {"seconds", curve.time.value()},
                          {"tokens_per_s", tokens_per_second(job, curve)}};
  return report::printed(json);
}

}  // namespace foreshard::cli
