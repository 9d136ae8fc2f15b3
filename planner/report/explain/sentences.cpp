#include "planner/report/explain/sentences.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "planner/explain/lever_settings.hpp"
#include "planner/report/explain/loss_check.hpp"
#include "planner/report/explain/part_words.hpp"
#include "planner/report/format.hpp"
#include "planner/report/words.hpp"

namespace foreshard::report {
namespace {

/// " --set parallelism.tp=4 --set 'cluster.link.bandwidth=495 GB/s'"
std::string as_options(const std::vector<Setting>& settings) {
  std::string text;
  for (const Setting& setting : settings) {
    const std::string option = setting.key + "=" + setting.value;
    const bool has_space = option.find_first_of(" [{") != std::string::npos;
    text += has_space ? fmt::format(" --set '{}'", option) : fmt::format(" --set {}", option);
  }
  return text;
}

/// "parallelism.tp=4, training.micro_batch=2"
std::string as_list(const std::vector<Setting>& settings) {
  std::string text;
  for (const Setting& setting : settings)
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", setting.key, setting.value);
  return text;
}

class Sentences {
 public:
  explicit Sentences(const ExplainedJob& explained)
      : explained_(explained),
        job_(explained.planned.job),
        step_(explained.planned.estimate.step),
        worth_(explained.why.worth),
        plan_("foreshard plan " + explained.arguments) {}

  std::vector<CheckedSentence> list() {
    add_ideal();
    add_losses();
    add_path();
    add_memory();
    add_better();
    add_levers();
    add_money();
    return std::move(sentences_);
  }

 private:
  void add(std::string text, std::string command) {
    sentences_.push_back({std::move(text), std::move(command)});
  }
  [[nodiscard]] std::string of_step(Seconds time) const {
    return fmt::format("{} ({})", with_unit(time), percent(time / step_.time));
  }

  void add_ideal() {
    add(fmt::format(
            "One step takes {}, and 80% of published runs lie within such a band: {} to {}. At the {}s' "
            "peak rate the model's arithmetic alone would take {}.",
            with_unit(step_.time), with_unit(step_.time_low), with_unit(step_.time_high), device_word(job_),
            of_step(explained_.why.waterfall[StepPart::ideal].time)),
        plan_);
  }

  void add_losses() {
    constexpr std::size_t kTold = 3;
    constexpr std::array<std::string_view, kTold> kRanks{"largest", "second largest", "third largest"};
    const std::vector<WaterfallPart> losses = explained_.why.waterfall.losses();
    for (std::size_t i = 0; i < std::min(kTold, losses.size()); ++i) {
      const WaterfallPart& loss = losses[i];
      const std::string limits = bound_words(loss);
      add(fmt::format("The {} loss is {}: {}, {}{}.", kRanks[i], part_name(loss.part), of_step(loss.time),
                      part_words(loss.part, explained_.planned),
                      limits.empty() ? "" : fmt::format("; limited by {}", limits)),
          loss_check(loss.part, job_, explained_.arguments));
    }
  }

  void add_path() {
    if (explained_.path.empty()) return;
    const PathPart& first = explained_.path.front();
    add(fmt::format(
            "On the critical path, the chain of operations that decides the step, most time goes to {} {} "
            "in the {} pass of {} operations: {} of {}.",
            to_string(first.component), first.kind, to_string(first.phase), grouped(first.operations),
            with_unit(first.time), with_unit(explained_.path_time)),
        "foreshard simulate " + explained_.arguments);
  }

  void add_memory() {
    const MemoryReport& memory = explained_.planned.estimate.memory;
    const Bytes needed = memory.reserved + memory.context;
    const std::string balance = memory.fits ? fmt::format("{} stay free", with_unit(memory.capacity - needed))
                                            : fmt::format("{} too much", with_unit(needed - memory.capacity));
    add(fmt::format("It {}: the fullest {} needs {} of {}, {}.", memory.fits ? "fits" : "does not fit",
                    device_word(job_), with_unit(needed), with_unit(memory.capacity), balance),
        plan_);
  }

  void add_better() {
    if (!worth_.better) {
      add(fmt::format("None of {} that fits is faster on the same {}s.",
                      counted(worth_.tried, "plan") + " near it", device_word(job_)),
          plan_);
      return;
    }
    const NearPlan& better = *worth_.better;
    add(fmt::format("The fastest of {} near it that fit on the same {}s is {}: {} per step, {}.",
                    counted(worth_.tried, "plan"), device_word(job_), as_list(better.settings),
                    with_unit(better.step), signed_percent(better.step / step_.time - 1.0)),
        plan_ + as_options(better.settings));
  }

  /// Settings that move a lever, with those of the plan that it allows.
  [[nodiscard]] std::vector<Setting> settings_of(const LeverWorth& lever) const {
    std::vector<Setting> settings = lever_settings(job_, lever.lever);
    if (lever.plan) settings.insert(settings.end(), lever.plan->settings.begin(), lever.plan->settings.end());
    return settings;
  }

  [[nodiscard]] std::string lever_words(const LeverWorth& lever) const {
    const std::string what = lever.lever == Lever::node_size ? "Twice the devices in a node"
                             : lever.lever == Lever::latency
                                 ? "10% less latency"
                                 : fmt::format("10% more {}", lever_name(lever.lever));
    const Seconds step = lever.plan ? lever.plan->step : lever.step;
    std::string text = fmt::format("{} would make the step {}", what, with_unit(step));
    if (lever.plan) text += fmt::format(" (with {})", as_list(lever.plan->settings));
    text += fmt::format(", {}", signed_percent(lever.change / (step - lever.change)));
    if (job_.cluster.price)
      text += fmt::format("; it is worth at most {} USD/h more per {}",
                          fixed(lever.worth_of_price * job_.cluster.price->value() * kHour.value(), 2),
                          device_word(job_));
    return text + ".";
  }

  void add_levers() {
    std::vector<const LeverWorth*> order;
    for (const LeverWorth& lever : worth_.levers)
      if (lever.applies) order.push_back(&lever);
    std::stable_sort(order.begin(), order.end(), [](const LeverWorth* a, const LeverWorth* b) {
      return a->worth_of_price > b->worth_of_price;
    });
    add("Worth most: " + lever_words(*order.front()), plan_ + as_options(settings_of(*order.front())));
    add("Worth least: " + lever_words(*order.back()), plan_ + as_options(settings_of(*order.back())));
  }

  void add_money() {
    if (!worth_.dollars_per_token) {
      add("What a token costs is not known: the cluster's file has no price.",
          fmt::format("{} --price {}=2.00", plan_, job_.cluster.name));
      return;
    }
    const bool has_length = job_.training.dataset.has_value();
    add(fmt::format("A billion tokens cost {} USD at {} USD/h per {}, idle devices of the nodes included.",
                    significant(*worth_.dollars_per_token * 1e9),
                    fixed(job_.cluster.price->value() * kHour.value(), 2), device_word(job_)),
        has_length ? plan_ : plan_ + " --set training.tokens=1000000000");
  }

  const ExplainedJob& explained_;
  const JobSpec& job_;
  const StepFigures& step_;
  const HardwareWorth& worth_;
  std::string plan_;
  std::vector<CheckedSentence> sentences_;
};

}  // namespace

std::vector<CheckedSentence> explain_sentences(const ExplainedJob& explained) {
  return Sentences(explained).list();
}

}  // namespace foreshard::report
