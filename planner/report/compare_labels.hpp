#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "planner/search/comparison.hpp"

/// Names that distinguish the variants of one comparison.
namespace foreshard::report {

/// As in machine-readable output: "micro_batch".
std::string_view axis_key(Axis axis);
/// As in tables: "micro-batch".
std::string_view axis_words(Axis axis);
/// "4", "full", "dgx-h100"
std::string value_words(const AxisChoice& choice);
/// "tp 4", "recompute full", "dgx-h100", "4 nodes"
std::string choice_words(const AxisChoice& choice);

/// Whether variants differ on this axis.
bool is_varied(const Comparison& comparison, Axis axis);

/// The variant's value on an axis that has been given values. @pre it has one.
const AxisChoice& choice_on(const Variant& variant, Axis axis);

/// The values that distinguish this variant from the others: "tp 4, recompute full"; the job's name if there
/// are none.
std::string label(const Comparison& comparison, std::size_t variant);

}  // namespace foreshard::report
