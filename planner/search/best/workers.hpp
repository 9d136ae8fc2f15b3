#pragma once

#include <cstddef>
#include <functional>

namespace foreshard {

/// Calls `work(i)` for i = 0 … count − 1 on up to `threads` threads, each index once, in any order. Waits for all. If
/// calls throw, the exception of the smallest index is thrown again.
void run_on_threads(std::size_t count, std::size_t threads, const std::function<void(std::size_t)>& work);

}  // namespace foreshard
