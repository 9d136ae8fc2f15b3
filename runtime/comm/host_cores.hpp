#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace foreshard {

/// A set of cores, one bit each, by the number of the core's first hardware thread.
using CoreSet = std::array<std::uint8_t, 128>;

/// The cores on which this process may run: those whose hardware threads its affinity mask names.
CoreSet usable_cores();
std::int64_t count_cores(const CoreSet& cores);
/// "0-3,8"
std::string core_list(const CoreSet& cores);

}  // namespace foreshard
