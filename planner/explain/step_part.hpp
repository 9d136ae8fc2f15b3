#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// The parts of a step, from the ideal to what is lost. Each is the time that it adds; a part may be negative.
enum class StepPart : std::uint8_t {
  ideal,       ///< the model's FLOPs, as MFU counts them, at the peak of the job's precision
  masked,      ///< negative: scores that MFU counts and a causal mask spares
  extra_work,  ///< products beyond the model's: padding, replicated work; negative where the model counts more
  precision,   ///< products in a type with another peak: head, router, layers that stay wider
  sustained,   ///< products: the rate that large ones sustain, below the peak
  shapes,      ///< products: what their sizes, launches and operands' bytes cost beyond that
  attention,   ///< attention cores beyond their FLOPs at peak
  scans,       ///< scans of linear mixers beyond their FLOPs at peak, with their convolutions
  passes,      ///< kernels that memory limits: norms, activations, residuals, loss, routing
  casts,       ///< passes that change the type of a tensor, or quantise it
  recompute,   ///< all kernels that run again in backward
  slowest,     ///< kernels wait for the slowest of the job's devices
  contention,  ///< kernels made slower by communication at the same time
  tp,          ///< exposed communication, by axis
  cp,
  ep,
  pp,
  dp,
  offload,    ///< waits for copies from and to the host, and for its CPU
  bubble,     ///< stages wait for each other by the schedule
  imbalance,  ///< stages wait for the one with most work
  optimizer,
  host,  ///< the device waits for its host
};
inline constexpr std::size_t kStepPartCount = 23;

/// What limits a part of the step.
enum class Bound : std::uint8_t {
  compute,  ///< the rate of arithmetic
  memory,   ///< memory bandwidth
  latency,  ///< launches and fixed times of kernels, latency of links
  link      ///< bandwidth of links
};
inline constexpr std::size_t kBoundCount = 4;

/// Time by what limits it.
using BoundTimes = std::array<Seconds, kBoundCount>;

}  // namespace foreshard
