#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "planner/search/space/axis_values.hpp"

namespace foreshard {

/// Combinations that are no plans, by the first rule that refuses them.
struct Refusals {
  std::vector<std::int64_t> by_rule;  ///< by index of PlanSpace::rules()

  void add(const Refusals& other);
  [[nodiscard]] std::int64_t total() const;
};

/// The cross product of all axes' values, and the plans in it: the combinations that find_illegalities() accepts and
/// that do not say the same as another one.
/// Two combinations say the same if a value has no effect beside the others, such as sequence parallelism with tp 1;
/// then the one with the plain value (none, 0, even, all of dp) counts.
///
/// A rule is checked as soon as the last axis that it reads has a value, so that one refusal decides about all
/// values of the axes behind it. Its answer is kept for the values that it reads, so that each rule runs once for each
/// combination of these alone. Example: whether the batch splits depends on pp, micro-batch and schedule; all values of
/// vp, recomputation and ZeRO share the answer.
class PlanSpace {
 public:
  PlanSpace(const JobSpec& base, std::span<const SearchAxis> free);

  [[nodiscard]] const AxisValues& values() const { return values_; }
  /// All combinations: the plans and the refused ones.
  [[nodiscard]] std::int64_t combinations() const;
  /// What each rule refuses, in words.
  [[nodiscard]] const std::vector<std::string_view>& rules() const { return words_; }

  /// The space falls into this many parts, which can be walked at the same time: one for each precision, offload, tp and
  /// cp.
  [[nodiscard]] std::size_t parts() const;
  /// The base job with the values that all plans of a part have.
  [[nodiscard]] JobSpec job_of_part(std::size_t part) const;
  /// Called with a plan and its job, which is valid during the call; returns false to end the walk.
  using Visit = std::function<bool(const PlanPoint& point, const JobSpec& job)>;
  /// Visits the plans of one part in order. Returns the refusals met.
  Refusals walk(std::size_t part, const Visit& visit) const;

 private:
  /// An axis that a rule reads, and how far apart the answers for neighbouring values are.
  struct Read {
    std::size_t depth = 0;  ///< index of the axis
    std::size_t stride = 1;
  };
  struct Rule {
    std::size_t depth = 0;                 ///< index of the axis whose value completes what the rule reads
    const LegalityCheck* check = nullptr;  ///< null: one of the rules against repetition
    bool (*repeats)(const JobSpec& job) = nullptr;
    std::vector<Read> reads{};  ///< axes other than those that are the same in all of a part
    std::size_t answers = 1;    ///< combinations of the values that it reads; 0: too many to be kept
  };
  class Walk;

  void add_rules();
  void add_rule(Rule rule, JobParts reads, std::string_view words);
  /// The places of a part on the axes that are the same in all of it.
  [[nodiscard]] PlanPoint begin_of(std::size_t part) const;
  bool descend(Walk& walk, std::size_t depth) const;
  [[nodiscard]] bool is_refused(Walk& walk, std::size_t depth) const;

  AxisValues values_;
  std::vector<Rule> rules_;
  std::vector<std::string_view> words_;                                    // by rule
  std::array<std::vector<std::size_t>, kSearchAxisCount> rules_at_depth_;  // indices of rules_
  std::array<std::int64_t, kSearchAxisCount> behind_{};  // combinations of the axes after each
};

}  // namespace foreshard
