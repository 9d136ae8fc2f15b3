#include "planner/report/compare_labels.hpp"

#include <algorithm>
#include <cstdint>
#include <variant>

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/report/words.hpp"

namespace foreshard::report {

std::string_view axis_key(Axis axis) {
  switch (axis) {
    case Axis::tp: return "tp";
    case Axis::pp: return "pp";
    case Axis::cp: return "cp";
    case Axis::ep: return "ep";
    case Axis::dp: return "dp";
    case Axis::vp: return "vp";
    case Axis::schedule: return "schedule";
    case Axis::micro_batch: return "micro_batch";
    case Axis::global_batch: return "global_batch";
    case Axis::recompute: return "recompute";
    case Axis::precision: return "precision";
    case Axis::zero: return "zero";
    case Axis::sequence_length: return "sequence_length";
    case Axis::cluster: return "cluster";
    case Axis::nodes: return "nodes";
  }
  return "";
}

std::string_view axis_words(Axis axis) {
  switch (axis) {
    case Axis::micro_batch: return "micro-batch";
    case Axis::global_batch: return "batch, sequences";
    case Axis::sequence_length: return "sequence, tokens";
    default: return axis_key(axis);
  }
}

std::string value_words(const AxisChoice& choice) {
  if (const auto* number = std::get_if<std::int64_t>(&choice.value)) return grouped(*number);
  if (const auto* recompute = std::get_if<Recompute>(&choice.value)) return std::string(word_of(*recompute));
  return std::get<std::string>(choice.value);
}

std::string choice_words(const AxisChoice& choice) {
  switch (choice.axis) {
    case Axis::cluster: return value_words(choice);
    case Axis::nodes: return counted(std::get<std::int64_t>(choice.value), "node");
    case Axis::sequence_length: return fmt::format("{} tokens", value_words(choice));
    case Axis::global_batch: return fmt::format("{} sequences", value_words(choice));
    default: return fmt::format("{} {}", axis_words(choice.axis), value_words(choice));
  }
}

bool is_varied(const Comparison& comparison, Axis axis) {
  const std::vector<Axis> axes = varied_axes(comparison.variants);
  return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

const AxisChoice& choice_on(const Variant& variant, Axis axis) {
  return *std::find_if(variant.choices.begin(), variant.choices.end(),
                       [axis](const AxisChoice& choice) { return choice.axis == axis; });
}

std::string label(const Comparison& comparison, std::size_t variant) {
  const Variant& named = comparison.variants[variant].variant;
  std::string text;
  for (const Axis axis : varied_axes(comparison.variants)) {
    if (!text.empty()) text += ", ";
    text += choice_words(choice_on(named, axis));
  }
  return text.empty() ? named.job.name : text;
}

}  // namespace foreshard::report
