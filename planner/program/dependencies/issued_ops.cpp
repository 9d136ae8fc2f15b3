#include "planner/program/dependencies/issued_ops.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace foreshard {
namespace {

/// What IssueOrder needs to know of a rank that issues nothing early.
struct RankInOrder {
  const StepProgram& program;
  std::span<const Run> runs;
  std::vector<IssuedOp> issued{};

  [[nodiscard]] const std::vector<Op>& ops(std::size_t run) const {
    return program.block(runs[run].block_call.block).ops;
  }
  [[nodiscard]] std::size_t operations(std::size_t run) const { return ops(run).size(); }
  [[nodiscard]] Queue queue(std::size_t run, std::uint32_t op) const { return queue_of(ops(run)[op]); }
  [[nodiscard]] bool is_in_turns(std::size_t run) const { return runs[run].in_turns; }
  [[nodiscard]] static std::int32_t prefetch_blocks(std::size_t /*run*/, std::uint32_t /*op*/) { return 0; }
  [[nodiscard]] static bool is_in_use(std::size_t /*now*/, std::size_t /*run*/, std::uint32_t /*op*/) {
    return false;
  }
  void issue(std::size_t run, std::uint32_t op) { issued.push_back({run, op}); }
  static void end(std::size_t /*run*/) {}
};

}  // namespace

std::vector<IssuedOp> issued_ops(const StepProgram& program, std::span<const Run> runs) {
  RankInOrder rank{.program = program, .runs = runs};
  issue_in_order(rank, runs.size(), 0);
  return std::move(rank.issued);
}

}  // namespace foreshard
