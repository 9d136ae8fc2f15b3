#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "planner/report/advice_words.hpp"
#include "planner/report/format.hpp"
#include "planner/report/plan_sections.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"
#include "planner/spec/job/read_recompute.hpp"

namespace foreshard::report {
namespace {

/// "1 step", "3,576,279 steps", for a number that may exceed the range of integers.
std::string counted_fixed(double number, std::string_view noun) {
  const std::string text = fixed(number, 0);
  return fmt::format("{} {}{}", text, noun, text == "1" ? "" : "s");
}

/// ", 8 of 72 in each node idle and paid for"
std::string idle_words(const ClusterSpec& cluster) {
  if (cluster.idle_per_node == 0) return {};
  return fmt::format(", {} of {} in each node idle and paid for", cluster.idle_per_node,
                     cluster.devices_per_node + cluster.idle_per_node);
}

/// "8 × dgx-h100 (64 × NVIDIA H100 80GB SXM)"
std::string cluster_words(const ClusterSpec& cluster) {
  const AcceleratorSpec& accelerator = cluster.accelerator;
  const std::string& device = accelerator.full_name.empty() ? accelerator.name : accelerator.full_name;
  const std::string devices = fmt::format("{} × {}", grouped(cluster.devices()), device);
  if (cluster.name.empty()) return devices + idle_words(cluster);
  const std::string inside = devices + idle_words(cluster);
  if (cluster.nodes == 1) return fmt::format("{} ({})", cluster.name, inside);
  return fmt::format("{} × {} ({})", grouped(cluster.nodes), cluster.name, inside);
}

std::string parallelism_words(const ParallelismSpec& parallelism) {
  std::string text = fmt::format("tp {}, pp {}", parallelism.tp, parallelism.pp);
  if (parallelism.vp > 1) text += fmt::format(", vp {}", parallelism.vp);
  if (parallelism.cp > 1) text += fmt::format(", cp {}", parallelism.cp);
  if (parallelism.ep > 1) text += fmt::format(", ep {}", parallelism.ep);
  if (parallelism.ep > 1 && parallelism.expert_tp() != parallelism.tp)
    text += fmt::format(", etp {}", parallelism.expert_tp());
  text += fmt::format(", dp {}", parallelism.dp);
  if (parallelism.zero > 0) text += fmt::format(", zero {}", parallelism.zero);
  if (parallelism.shard_copies() > 1) text += fmt::format(" over {}", *parallelism.dp_shard);
  return text;
}

/// The step as predicted, or where the user's own runs correct it, as these have it.
std::string step_words(const PlannedJob& planned) {
  const StepFigures& step = planned.estimate.step;
  const Seconds time = step.typical.own_runs > 0 ? step.typical.time : step.time;
  const Unit unit = time_unit(time);
  const auto devices_double = static_cast<double>(planned.job.cluster.devices());
  return fmt::format("{} {} ({} – {}), {} tokens/s per {}, {} MFU", in_unit(time.value(), unit), unit.name,
                     in_unit(step.time_low.value(), unit), in_unit(step.time_high.value(), unit),
                     significant(step.tokens / time.value() / devices_double), device_word(planned.job),
                     percent(step.mfu * (step.time / time)));
}

/// ", 9.22 M USD at 2.50 USD/h per GPU"
std::string price_words(const JobSpec& job, Dollars cost) {
  std::string text = fmt::format(", {} USD", in_millions(cost.value()));
  if (job.cluster.price) {
    text += fmt::format(" at {} USD/h per {}", fixed(job.cluster.price->value() * kHour.value(), 2),
                        device_word(job));
  }
  return text;
}

}  // namespace

Lines unwrapped(Lines (*section)(const PlannedJob&), const PlannedJob& planned) {
  constexpr std::size_t kNoWrapping = std::size_t{1} << 20;
  const PageWidth page(kNoWrapping);
  Lines lines = section(planned);
  for (std::string& line : lines) line.erase(0, line.find_first_not_of(' '));
  return lines;
}

Lines job_lines(const PlannedJob& planned) {
  const JobSpec& job = planned.job;
  const TrainingSpec& training = job.training;
  Lines lines =
      wrapped(fmt::format("{}: {} on {}", job.name, job.model.name, cluster_words(job.cluster)), 0, kIndent);
  std::string setup =
      fmt::format("{} · {} × {} · {} of {} · {}", parallelism_words(job.parallelism),
                  counted(training.sequence_length, "token"), counted(training.global_batch, "sequence"),
                  counted(job.micro_batches(), "micro-batch", "es"), grouped(training.micro_batch),
                  word_of(training.precision));
  if (job.parallelism.pp > 1) setup += fmt::format(" · {}", word_of(training.schedule));
  if (training.recompute != Recompute::none) {
    setup += fmt::format(" · recompute {}", recompute_words(training));
  }
  if (job.framework != Framework::foreshard) setup += fmt::format(" · as {}", word_of(job.framework));
  for (std::string& line : wrapped(setup, 0, kIndent)) lines.push_back(std::move(line));
  return lines;
}

Lines verdict_lines(const PlannedJob& planned) {
  const MemoryReport& memory = planned.estimate.memory;
  const Bytes needed = memory.reserved + memory.context;
  const Unit unit = byte_unit(memory.capacity);
  const std::string of_capacity =
      fmt::format("{} of {} {} per {}", in_unit(needed.as_double(), unit),
                  in_unit(memory.capacity.as_double(), unit), unit.name, device_word(planned.job));
  if (memory.fits) {
    const bool is_sure = memory.verdict == MemoryVerdict::fits;
    return wrapped(
        fmt::format("One step takes {}. It {}: {}, {} to spare{}.", step_words(planned),
                    is_sure ? "fits" : "likely fits", of_capacity, with_unit(memory.capacity - needed),
                    is_sure ? "" : fmt::format("; at worst it needs {}", with_unit(memory.needed_high))),
        kIndent, kIndent);
  }
  if (memory.host && !memory.host->fits()) {
    return wrapped(
        fmt::format("It does not fit: the host needs {} of {} per node for what is offloaded. One step would "
                    "take {}.",
                    with_unit(memory.host->needed), with_unit(memory.host->capacity), step_words(planned)),
        kIndent, kIndent);
  }
  const bool is_tight = memory.verdict == MemoryVerdict::tight;
  Lines lines =
      wrapped(fmt::format("It {}: stage {} needs {}, {} too much{}. One step would take {}.",
                          is_tight ? "is tight" : "does not fit", memory.worst_stage, of_capacity,
                          with_unit(needed - memory.capacity),
                          is_tight ? fmt::format("; at best it needs {}", with_unit(memory.needed_low)) : "",
                          step_words(planned)),
              kIndent, kIndent);
  for (std::string& line : advice_lines(planned)) {
    lines.push_back(std::move(line));
  }
  return lines;
}

namespace {

/// "Something fails every 3.1 h: with a checkpoint every 11 min, 90.4% of the time goes into steps, …"
std::string failure_words(const PlannedJob& planned, const FailureFigures& failures) {
  if (!failures.time || !failures.failures)
    return fmt::format(
        " No progress is possible: something fails every {}, and a checkpoint takes {}, a restart {}.",
        as_calendar_time(failures.mtbf), as_calendar_time(planned.job.training.failures->checkpoint_write),
        as_calendar_time(planned.job.training.failures->restart));
  std::string text = fmt::format(
      " Something fails every {} ({}): with a checkpoint after every {} of computing{}, {} of the time "
      "goes into "
      "steps that count, and the training takes {}",
      as_calendar_time(failures.mtbf), counted_fixed(*failures.failures, "time"),
      as_calendar_time(failures.interval), failures.is_best ? ", which is best" : "",
      percent(failures.goodput), as_calendar_time(*failures.time));
  if (failures.device_hours)
    text += fmt::format(", {} {} hours", in_millions(*failures.device_hours), device_word(planned.job));
  if (failures.cost) text += price_words(planned.job, *failures.cost);
  if (failures.spares) text += fmt::format("; {} will do", counted(*failures.spares, "spare node", "s"));
  return text + ".";
}

/// "15 T tokens", "3 epochs of 50,000 samples"
std::string length_words(const TrainingSpec& training) {
  if (!training.dataset)
    return fmt::format("{} tokens", in_si(training.tokens.value_or(Tokens()).as_double()));
  const DatasetSpec& dataset = *training.dataset;
  return fmt::format("{} epoch{} of {}", dataset.epochs, dataset.epochs == 1.0 ? "" : "s",
                     counted(dataset.samples, "sample", "s"));
}

}  // namespace

Lines typical_lines(const PlannedJob& planned) {
  const StepFigures& step = planned.estimate.step;
  const TypicalStep& typical = step.typical;
  const double longer = typical.time / step.time - 1.0;
  const std::string by = fmt::format("{} {}", percent(std::abs(longer)), longer < 0.0 ? "less" : "longer");
  const Unit unit = time_unit(step.time);
  if (typical.own_runs > 0) {
    return wrapped(
        fmt::format("As {} of yours have it: they took {} than the {} {} of a healthy, tuned run.",
                    counted(typical.own_runs, "run"), by, in_unit(step.time.value(), unit), unit.name),
        kIndent, kIndent);
  }
  return wrapped(
      fmt::format("That is a healthy, tuned run. Published runs typically took {}: {} {} ({} – {}).", by,
                  in_unit(typical.time.value(), unit), unit.name, in_unit(typical.low.value(), unit),
                  in_unit(typical.high.value(), unit)),
      kIndent, kIndent);
}

Lines training_lines(const PlannedJob& planned) {
  const TrainingFigures& training = planned.estimate.training;
  if (!training.time) return {};
  std::string text =
      fmt::format("{} would take {} on {}", length_words(planned.job.training),
                  as_calendar_time(*training.time), devices(planned.job, planned.job.cluster.devices()));
  if (training.steps) text += " in " + counted_fixed(std::ceil(*training.steps), "step");
  if (training.device_hours) {
    text += fmt::format(": {} {} hours", in_millions(*training.device_hours), device_word(planned.job));
  }
  if (training.cost) text += price_words(planned.job, *training.cost);
  if (training.energy) text += fmt::format(", {}", with_unit(*training.energy));
  text += ".";
  if (training.failures) text += failure_words(planned, *training.failures);
  return wrapped(text, kIndent, kIndent);
}

}  // namespace foreshard::report
