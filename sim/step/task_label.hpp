#pragma once

#include <cstdint>

namespace foreshard {

/// The contents of a task's label: the operation of the plan, and whether this is its first or last piece.
struct TaskLabel {
  std::uint32_t op = 0;  ///< index into ProgramPlan::ops; below 2^30
  bool is_first = true;  ///< first of the operation's pieces
  bool is_last = true;   ///< last of the operation's pieces

  [[nodiscard]] constexpr std::uint32_t packed() const {
    return op << 2U | (is_first ? 2U : 0U) | (is_last ? 1U : 0U);
  }
  static constexpr TaskLabel unpacked(std::uint32_t label) {
    return {label >> 2U, (label & 2U) != 0, (label & 1U) != 0};
  }
};

}  // namespace foreshard
