#pragma once

#include <compare>
#include <cstdint>

namespace foreshard {

/// The month of a framework's release: 2025.09. NVIDIA's containers, Megatron-Bridge and NeMo count so.
struct Release {
  std::int32_t year = 0;
  std::int32_t month = 1;
  friend constexpr auto operator<=>(const Release&, const Release&) = default;
};

}  // namespace foreshard
