#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/lane_plan.hpp"
#include "planner/explain/step_part.hpp"
#include "planner/program/step_program.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// The kernels and the communication of one rank's step, by part. Overlap is ignored.
struct KernelSums {
  /// By StepPart, of the parts that are made of kernels: products are in extra_work (their FLOPs at the job's
  /// peak), precision, sustained and shapes; attention and scans hold their whole time. Without the optimizer's.
  std::array<Seconds, kStepPartCount> time{};
  std::array<BoundTimes, kStepPartCount> bounds{};      ///< the same, by what limits the kernels
  std::array<Seconds, kCommAxisCount> communication{};  ///< whether or not kernels hide it
  std::array<Seconds, kCommAxisCount> latency{};        ///< the part of it that is latency
  Seconds scan_ideal;                                   ///< the scans' model FLOPs at the job's peak

  /// Time of all kernels.
  [[nodiscard]] Seconds kernels() const;
  void add(const KernelSums& block, double count);
};

/// The sums of one rank of every stage.
/// @param times of the program's operations by the same cost model (price_operations)
std::vector<KernelSums> sum_kernels(const StepProgram& program, const CostModel& cost, const OpTimes& times);

}  // namespace foreshard
