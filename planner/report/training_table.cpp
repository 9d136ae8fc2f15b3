#include "planner/report/training_table.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"

namespace foreshard {

namespace {

/// About a dozen rows. Each has the mean loss of the steps since the previous row.
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
      report::with_unit(curve.time), report::grouped(std::llround(curve.tokens_per_second(job))));
  return text;
}

}  // namespace foreshard
