#pragma once

#include <cstddef>

namespace foreshard::test {

/// How often this program has called operator new.
std::size_t allocations_so_far();

}  // namespace foreshard::test
