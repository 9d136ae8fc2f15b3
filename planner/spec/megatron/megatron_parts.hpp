#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/spec/launch/launch_map.hpp"
#include "planner/spec/megatron/megatron_flags.hpp"

namespace foreshard::detail {

/// Translates the flags that describe the model.
void say_megatron_model(const FlagReader& flags, LaunchJob& job);
/// How many devices a launch has.
struct LaunchDevices {
  std::int64_t count = 0;  ///< 0: not known
  bool is_of_launcher =
      false;  ///< the launcher says it, so that dp is what it leaves; else dp is the cluster's
};
/// Translates the flags of parallelism, precision, recomputation, the optimizer and overlaps.
void say_megatron_training(const FlagReader& flags, LaunchJob& job, const LaunchDevices& devices);
/// Translates the flags that make layers differ: experts, windows, layers without positions, linear attention,
/// hybrid patterns.
void say_megatron_layers(const FlagReader& flags, LaunchJob& job);

/// Notes the flags that nobody has read: those without meaning for a plan, those whose effect the plan leaves
/// out, and those that are not known. Complains of those that make another job.
void account_for_flags(const FlagReader& flags, LaunchJob& job);

/// A list of whole numbers as Python writes it: "[0]*3+[1]*58", "([1]*3+[0])*2"; none if it is not one.
std::optional<std::vector<std::int64_t>> python_list(const std::string& text);

}  // namespace foreshard::detail
