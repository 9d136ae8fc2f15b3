#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/comm/communicator.hpp"
#include "runtime/execute/bind_kernels.hpp"

namespace foreshard {

/// A collective with its tensors, and the kernels that pack before it and unpack after it.
struct BoundCollective {
  std::vector<KernelCall> before{};
  CollectiveCall call{};  ///< its `pieces` are not set yet
  std::vector<Piece> pieces{};
  std::vector<KernelCall> after{};
};

/// Translates a collective into a call of the communicator.
/// @param operands  by index of the operation's operands
/// @param scratch  at least scratch_elements() elements of the widest dtype that is exchanged
BoundCollective bind_collective(const RankView& rank, const Op& op, const Collective& collective,
                                std::span<const Buffer> operands, const Buffer& scratch);

/// Elements of the memory outside the arena that packing needs: the largest of any collective.
std::int64_t scratch_elements(const StepProgram& program);

}  // namespace foreshard
