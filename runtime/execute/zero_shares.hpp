#pragma once

#include <cstdint>

#include "planner/program/step_program.hpp"
#include "planner/topology/device_mesh.hpp"
#include "runtime/comm/collective_shape.hpp"
#include "runtime/device/buffer.hpp"

namespace foreshard {

// ZeRO deals the elements of every weight out to the ranks that would all hold them: to each a stretch of
// what stands on one rank, ⌈N/n⌉ elements, the last ones short or empty. Where gradients (ZeRO-2) and weights
// (ZeRO-3) are cut, a rank's tensor has room for whole rows and begins with that stretch.

/// Ranks of a stage that hold the same elements of a weight, apart from tensor parallelism: dp·cp, of an
/// expert those of its copies.
std::int64_t replicas_of(const StepProgram& program, const Tensor& weight);

/// Elements of a weight or its gradient that one rank would hold without ZeRO.
std::int64_t whole_elements(const Tensor& weight);
/// True where ZeRO leaves a rank its share of the tensor alone.
bool is_cut_by_zero(const Tensor& tensor);

/// The stretch of whole_elements() that this rank's optimizer works on: all of them without ZeRO.
Share optimizer_share(const StepProgram& program, const Coordinates& at, const Tensor& weight);

/// Where that stretch stands in the memory of a weight or its gradient.
Buffer own_part(const StepProgram& program, const Coordinates& at, const Tensor& tensor,
                const Buffer& memory);
/// What is there of a weight: all that a rank would hold without ZeRO, or its share.
Share held_share(const StepProgram& program, const Coordinates& at, const Tensor& weight);

}  // namespace foreshard
