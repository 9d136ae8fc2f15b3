#pragma once

#include <cstdint>

#include "planner/program/step_program.hpp"
#include "planner/topology/device_mesh.hpp"
#include "runtime/comm/collective_shape.hpp"
#include "runtime/device/buffer.hpp"

namespace foreshard {

// ZeRO divides the N elements of every weight among the n ranks that hold the weight without ZeRO, or, with
// hybrid sharding, among n consecutive ones of them; the other ranks hold copies. Each rank gets a contiguous
// range of ⌈N/n⌉ elements; the last ranges may be shorter or empty. If gradients (ZeRO-2)
// or weights (ZeRO-3) are sharded, a rank's tensor is allocated in whole rows and begins with the rank's
// range.
// Example: N = 10, n = 4: elements 0 to 2, 3 to 5, 6 to 8, and 9.

/// Number of ranks of a stage that hold the same elements of a weight, for one tensor-parallel rank: dp·cp;
/// for an expert's weight, the number of copies of the expert.
std::int64_t replicas_of(const StepProgram& program, const Tensor& weight);

/// Number of elements of a weight or its gradient that one rank would hold without ZeRO.
std::int64_t whole_elements(const Tensor& weight);
/// True if ZeRO shards the tensor, so that a rank stores only its share.
bool is_cut_by_zero(const Tensor& tensor);

/// The range of whole_elements() that this rank's optimizer updates; all of them without ZeRO.
Share optimizer_share(const StepProgram& program, const Coordinates& at, const Tensor& weight);

/// The memory of that range within a weight or its gradient.
Buffer own_part(const StepProgram& program, const Coordinates& at, const Tensor& tensor,
                const Buffer& memory);
/// The memory of a gradient that ranks with copies of a shard sum among themselves: that range, or of a
/// gradient that is sharded all that is allocated. It has equally many elements on all ranks, those of the
/// largest share; beyond a shorter share it covers memory that nothing reads.
Buffer copied_part(const StepProgram& program, const Coordinates& at, const Tensor& gradient,
                   const Buffer& memory);
/// The part of a weight that this rank stores: all that it would hold without ZeRO, or its share.
Share held_share(const StepProgram& program, const Coordinates& at, const Tensor& weight);

}  // namespace foreshard
