#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace foreshard {

/// How the constants of one group of an accelerator came about, the most certain first.
enum class Confidence : std::uint8_t {
  measured_sustained,  ///< measured for seconds on random data, at the device's power limit
  measured_burst,      ///< measured in short runs: a training step may be 10-25% slower
  published,           ///< the maker's datasheet of a device that is sold, or a provider's list price
  announced,           ///< the maker's announcement of a device that nobody has measured
  derived,             ///< computed from another device's constants or another regime's, as `source` says
  assumed,             ///< nobody measured it in public
};

/// The groups of constants that an accelerator's file tells apart.
enum class ConstantGroup : std::uint8_t {
  peaks,        ///< rates and sizes of the datasheet
  products,     ///< efficiencies of matrix products and their fixed costs
  experts,      ///< grouped products
  attention,    ///< fused attention
  passes,       ///< kernels that memory limits
  collectives,  ///< efficiency and latency of the links, NCCL's constants
  price,
  power,
};
inline constexpr std::size_t kConstantGroupCount = 8;

/// By ConstantGroup; none where the file does not say it.
using Confidences = std::array<std::optional<Confidence>, kConstantGroupCount>;

}  // namespace foreshard
