#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "planner/cost/step/estimate.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// The parts by which a measured step and its plan are laid side by side.
enum class DiagnosedPart : std::uint8_t {
  products,
  attention,
  experts,  ///< grouped products, routing and permutation
  passes,
  optimizer,
  copies,  ///< memcpy and memset; in the plan waits for offloading
  tp,      ///< exposed communication
  cp,
  ep,
  pp,  ///< with the bubble: a stage that waits for another one waits in a receive
  dp,
  unknown,  ///< exposed communication of a group of which the trace does not say what it is
  host,     ///< idle until the host has launched the next kernel
  idle      ///< idle for another reason
};
inline constexpr std::size_t kDiagnosedPartCount = 14;
using PartTimes = std::array<Seconds, kDiagnosedPartCount>;  ///< by DiagnosedPart

/// The parts of the planned step, mean over devices; they add up to it. Kernels made slower by communication are so in
/// proportion to their time.
PartTimes planned_parts(const JobSpec& job, const StepProgram& program, const Estimate& estimate);

}  // namespace foreshard
