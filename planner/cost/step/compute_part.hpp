#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "planner/cost/ops/kernel_model.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// Kinds of work on the compute lane.
enum class ComputePart : std::uint8_t { gemms, attention_core, scans, memory_bound, optimizer };
inline constexpr std::size_t kComputePartCount = 5;

/// Time of kernels by what limits them; indexed by Limit.
using LimitTimes = std::array<Seconds, kLimitCount>;

/// The same for every part; indexed by ComputePart.
using PartLimits = std::array<LimitTimes, kComputePartCount>;

}  // namespace foreshard
