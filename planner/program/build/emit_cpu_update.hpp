#pragma once

#include <cstdint>
#include <vector>

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// Of the `elements` of a rank's share, those whose states lie on the host, where the CPU updates them
/// (training.offload.optimizer).
std::int64_t elements_on_host(const JobSpec& job, std::int64_t elements);

/// Appends the CPU's update of `elements` of a rank's share of `weights`: a copy of their gradients to the host, unless
/// they are there; the update; and a copy of the new weights to the device, unless the host keeps them.
/// Source: Ren et al. 2021, ZeRO-Offload, arXiv:2101.06840, section 4.
/// @param norm reads the norm of all gradients
void append_cpu_update(ProgramBuilder& builder, const WeightGroup& group,
                       const std::vector<TensorId>& weights, OptimizerKind optimizer, std::int64_t elements,
                       Operand norm, Block& block);

/// Appends the device's update of a rank's share. States that lie on the host (training.states.paged) are paged in before
/// and out after it.
void append_paged_update(ProgramBuilder& builder, Op update, Block& block);

/// A group's gradients on the host. @pre gradients_go_to_host
std::vector<Operand> gradients_on_host(const ProgramBuilder& builder, const WeightGroup& group,
                                       Access access);

}  // namespace foreshard
