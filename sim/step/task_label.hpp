#pragma once

#include <cstdint>

namespace foreshard {

/// What a task's label says: which operation of the plan, and which part of it.
struct TaskLabel {
  std::uint32_t op = 0;  ///< into ProgramPlan::ops; below 2^30
  bool is_first = true;  ///< of the operation's pieces
  bool is_last = true;

  [[nodiscard]] constexpr std::uint32_t packed() const {
    return op << 2U | (is_first ? 2U : 0U) | (is_last ? 1U : 0U);
  }
  static constexpr TaskLabel unpacked(std::uint32_t label) {
    return {label >> 2U, (label & 2U) != 0, (label & 1U) != 0};
  }
};

}  // namespace foreshard
