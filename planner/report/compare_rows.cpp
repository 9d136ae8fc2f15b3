#include "planner/report/compare_rows.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "planner/report/compare_labels.hpp"
#include "planner/report/format.hpp"
#include "planner/report/words.hpp"
#include "planner/search/capacity.hpp"

namespace foreshard::report {
namespace {

const std::string kNone = "–";

/// Marks the step time of a variant that does not fit; the table has a note about it.
constexpr std::string_view kNotReal = "*";

/// Shares below this print as 0.0%.
constexpr double kNoShare = 0.0005;

/// The text of a figure; none if the variant does not have the figure.
using Cell = std::function<std::optional<std::string>(const ComparedVariant&)>;

struct ShareRow {
  const char* name;
  Seconds StepBreakdown::*part;
};
constexpr std::array<ShareRow, 9> kShares{{{"compute", &StepBreakdown::compute},
                                           {"tp exposed", &StepBreakdown::tp_exposed},
                                           {"cp exposed", &StepBreakdown::cp_exposed},
                                           {"ep exposed", &StepBreakdown::ep_exposed},
                                           {"pp exposed", &StepBreakdown::pp_exposed},
                                           {"dp exposed", &StepBreakdown::dp_exposed},
                                           {"offload exposed", &StepBreakdown::offload_exposed},
                                           {"bubble", &StepBreakdown::bubble},
                                           {"optimizer", &StepBreakdown::optimizer}}};

std::string at_most(std::int64_t found, std::int64_t bound) {
  return (found == bound ? "≥ " : "") + grouped(found);
}

std::string signed_in_unit(double value, const Unit& unit) {
  const std::string text = in_unit(value, unit);
  return text.starts_with('-') ? "−" + text.substr(1) : text;
}

class Rows {
 public:
  explicit Rows(const Comparison& comparison) : comparison_(comparison) {
    Seconds longest;
    Bytes largest;
    for (const ComparedVariant& compared : comparison.variants) {
      if (!compared.estimate) continue;
      longest = std::max(longest, compared.estimate->step.time);
      largest = std::max(largest, compared.estimate->memory.capacity);
    }
    time_ = time_unit(longest);
    bytes_ = byte_unit(largest);
  }

  std::vector<CompareRow> make() {
    add_titles();
    add_degrees();
    add_fits();
    add_step();
    add_shares();
    add_memory();
    add_scaling();
    add_money();
    return std::move(rows_);
  }

 private:
  [[nodiscard]] const Variant& first() const { return comparison_.variants.front().variant; }

  void add(std::string name, const Cell& cell) {
    CompareRow row{std::move(name), {}};
    bool is_empty = true;
    for (const ComparedVariant& compared : comparison_.variants) {
      auto text = cell(compared);
      is_empty = is_empty && !text;
      row.cells.push_back(text.value_or(kNone));
    }
    if (!is_empty) rows_.push_back(std::move(row));
  }
  /// Adds a row of a figure that only legal variants have.
  void add_legal(std::string name, const std::function<std::string(const ComparedVariant&)>& cell) {
    add(std::move(name), [&](const ComparedVariant& compared) {
      return compared.estimate ? std::optional(cell(compared)) : std::nullopt;
    });
  }
  /// Adds a row of a figure that only variants that fit have.
  void add_fitting(std::string name, const std::function<std::string(const ComparedVariant&)>& cell) {
    add(std::move(name), [&](const ComparedVariant& compared) {
      return compared.fits() ? std::optional(cell(compared)) : std::nullopt;
    });
  }

  /// Adds the titles of the columns: the values on the first axis on which variants differ. Each other axis
  /// is a row below them.
  void add_titles() {
    const std::vector<Axis> axes = varied_axes(comparison_.variants);
    if (axes.empty()) {
      rows_.push_back({"", std::vector<std::string>(comparison_.variants.size(), first().job.name)});
      return;
    }
    add("", [&](const ComparedVariant& compared) {
      return choice_words(choice_on(compared.variant, axes.front()));
    });
    for (auto axis = axes.begin() + 1; axis != axes.end(); ++axis) {
      add(std::string(axis_words(*axis)),
          [&](const ComparedVariant& compared) { return value_words(choice_on(compared.variant, *axis)); });
    }
  }

  void add_degrees() {
    const bool has_cp =
        std::any_of(comparison_.variants.begin(), comparison_.variants.end(),
                    [](const ComparedVariant& other) { return other.variant.job.parallelism.cp > 1; });
    add_legal(has_cp ? "pp × cp × dp" : "pp × dp", [&](const ComparedVariant& compared) {
      const ParallelismSpec& degrees = compared.variant.job.parallelism;
      return has_cp ? fmt::format("{} × {} × {}", degrees.pp, degrees.cp, degrees.dp)
                    : fmt::format("{} × {}", degrees.pp, degrees.dp);
    });
    const std::int64_t devices = first().job.cluster.devices();
    if (std::any_of(
            comparison_.variants.begin(), comparison_.variants.end(),
            [&](const ComparedVariant& other) { return other.variant.job.cluster.devices() != devices; })) {
      add(device_word(first().job) + "s",
          [](const ComparedVariant& compared) { return grouped(compared.variant.job.cluster.devices()); });
    }
    add("idle " + device_word(first().job) + "s, paid for",
        [](const ComparedVariant& compared) -> std::optional<std::string> {
          const std::int64_t idle = compared.variant.job.cluster.idle_devices();
          return idle > 0 ? std::optional(grouped(idle)) : std::nullopt;
        });
  }

  void add_step() {
    add("step, " + time_.name, [&](const ComparedVariant& compared) -> std::optional<std::string> {
      if (!compared.estimate) return "✗";
      const StepFigures& step = compared.estimate->step;
      const Seconds half_band = step.time * step.spread;
      const std::string text =
          fmt::format("{} ±{}", in_unit(step.time.value(), time_), in_unit(half_band.value(), time_));
      return compared.fits() ? text : text + std::string(kNotReal);
    });
    add_fitting("tokens/s per " + device_word(first().job), [](const ComparedVariant& compared) {
      const auto devices = static_cast<double>(compared.variant.job.cluster.devices());
      return significant(1.0 / time_per_token(*compared.estimate).value() / devices);
    });
    add_fitting("MFU", [](const ComparedVariant& compared) { return percent(compared.estimate->step.mfu); });
  }

  void add_shares() {
    const auto share = [](const ComparedVariant& compared, const ShareRow& row) {
      return compared.estimate->step.breakdown.*row.part / compared.estimate->step.time;
    };
    for (const ShareRow& row : kShares) {
      const bool occurs = std::any_of(
          comparison_.variants.begin(), comparison_.variants.end(),
          [&](const ComparedVariant& other) { return other.fits() && share(other, row) >= kNoShare; });
      if (!occurs) continue;
      add_fitting(row.name, [&](const ComparedVariant& compared) { return percent(share(compared, row)); });
    }
  }

  /// Adds a row about fitting if not all variants fit.
  void add_fits() {
    const bool all = std::all_of(comparison_.variants.begin(), comparison_.variants.end(),
                                 [](const ComparedVariant& compared) { return compared.fits(); });
    if (all) return;
    add_legal("fits", [](const ComparedVariant& compared) { return compared.fits() ? "yes" : "no"; });
  }

  void add_memory() {
    std::vector<Bytes> capacities;
    for (const ComparedVariant& compared : comparison_.variants) {
      if (compared.estimate) capacities.push_back(compared.estimate->memory.capacity);
    }
    const bool same =
        std::adjacent_find(capacities.begin(), capacities.end(), std::not_equal_to<>()) == capacities.end();
    const auto words = [&](Bytes bytes) { return in_unit(bytes.as_double(), bytes_); };
    const bool show_capacity = same && !capacities.empty();
    add_legal(show_capacity ? fmt::format("memory, {} of {}", bytes_.name, words(capacities.front()))
                            : "memory, " + bytes_.name,
              [&](const ComparedVariant& compared) {
                const MemoryReport& memory = compared.estimate->memory;
                const std::string text = words(memory.reserved + memory.context);
                return same ? text : text + " of " + words(memory.capacity);
              });
    add_legal("headroom, " + bytes_.name, [&](const ComparedVariant& compared) {
      const MemoryReport& memory = compared.estimate->memory;
      return signed_in_unit((memory.capacity - memory.reserved - memory.context).as_double(), bytes_);
    });
    add_legal("largest micro-batch", [](const ComparedVariant& compared) {
      return compared.largest_micro_batch ? at_most(*compared.largest_micro_batch, kMostMicroBatch) : kNone;
    });
    add_legal("longest sequence", [](const ComparedVariant& compared) {
      return compared.longest_sequence ? at_most(*compared.longest_sequence, kMostSequence) : kNone;
    });
  }

  void add_scaling() {
    add("speed-up", [](const ComparedVariant& compared) {
      return compared.fits() && compared.speedup ? std::optional(fixed(*compared.speedup, 2)) : std::nullopt;
    });
    add("efficiency", [](const ComparedVariant& compared) {
      return compared.fits() && compared.efficiency ? std::optional(percent(*compared.efficiency))
                                                    : std::nullopt;
    });
  }

  /// Adds costs: of the whole training if the job says how many tokens, else of 1e12 tokens.
  void add_money() {
    const std::optional<Tokens>& all = first().job.training.tokens;
    const double tokens = all ? all->as_double() : 1e12;
    const std::string of = all ? fmt::format("for {} tokens", in_si(tokens)) : "per 1e12 tokens";
    add_fitting("days " + of, [&](const ComparedVariant& compared) {
      return significant(time_per_token(*compared.estimate) * tokens / kDay);
    });
    add_priced("USD " + of, [&](const ComparedVariant& compared) -> std::optional<std::string> {
      const auto cost = cost_per_token(compared);
      if (!cost) return std::nullopt;
      return all ? in_millions(tokens * cost->value()) : fixed(tokens * cost->value(), 0);
    });
    if (!is_varied(comparison_, Axis::cluster)) return;
    const auto per_hour = [](const std::optional<DollarsPerSecond>& price) -> std::optional<std::string> {
      if (!price) return std::nullopt;
      return fixed(price->value() * kHour.value(), 2);
    };
    const std::string unit = "USD/h per " + device_word(first().job);
    add_priced(unit,
               [&](const ComparedVariant& compared) { return per_hour(compared.variant.job.cluster.price); });
    add_priced("break-even " + unit,
               [&](const ComparedVariant& compared) { return per_hour(compared.break_even); });
  }
  /// Adds a row of a figure that only some of the variants that fit have.
  void add_priced(std::string name, const Cell& cell) {
    add(std::move(name),
        [&](const ComparedVariant& compared) { return compared.fits() ? cell(compared) : std::nullopt; });
  }

  const Comparison& comparison_;
  Unit time_;
  Unit bytes_;
  std::vector<CompareRow> rows_;
};

}  // namespace

std::vector<CompareRow> compare_rows(const Comparison& comparison) { return Rows(comparison).make(); }

}  // namespace foreshard::report
