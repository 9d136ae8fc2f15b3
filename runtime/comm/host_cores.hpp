#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace foreshard {

/// A set of cores. Bit i stands for the core whose first hardware thread has the number i.
using CoreSet = std::array<std::uint8_t, 128>;

/// The cores on which this process may run, from its affinity mask.
CoreSet usable_cores();
std::int64_t count_cores(const CoreSet& cores);
/// "0-3,8"
std::string core_list(const CoreSet& cores);

}  // namespace foreshard
