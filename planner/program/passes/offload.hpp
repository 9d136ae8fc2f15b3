#pragma once

#include <string>
#include <vector>

#include "planner/program/program_builder.hpp"

// What a job keeps in its host's memory (training.offload), as copies between host and device. Copies to the host and
// to the device have a lane each, and the host's CPU has one; all of them overlap compute.

namespace foreshard {

/// A copy between host and device, with what it reads put first. Its payload is set by size_host_copies.
Op host_copy(std::string name, HostWay way, Component component, Phase phase, std::vector<Operand> operands);

/// An operation of the host's CPU.
Op cpu_op(std::string name, Component component, OpKind kind, std::vector<Operand> operands);

/// Activations: the forward block ends with a copy of what backward needs, and backward reads what came back. It is
/// fetched while the block before runs.
/// @pre `backward` is derived from `forward` and recomputation is applied; mark_saved follows
void offload_activations(ProgramBuilder& builder, Block& forward, Block& backward);

/// Weights: each block begins with a copy of this rank's share of the weights that lie on the host.
/// @pre apply_zero was called for the group
void offload_weights(ProgramBuilder& builder, const WeightGroup& group, Block& forward, Block& backward);

/// True if a group's gradients go to the host in backward, each micro-batch's to be added there, and are not kept on the
/// device: where the framework does that and the CPU updates all weights.
bool gradients_go_to_host(const ProgramBuilder& builder);
/// True if the host adds the gradients of several blocks or micro-batches, so that it must zero them first.
bool adds_gradients_on_host(const ProgramBuilder& builder);

/// Gradients: the backward block ends with a copy of this rank's share, and the CPU adds it.
/// @pre apply_zero was called for the group
void offload_gradients(ProgramBuilder& builder, const WeightGroup& group, Block& backward);

/// Sets the payload of all copies, and the elements of what the CPU adds, to the sizes of their tensors on the host.
/// @pre weights and gradients are cut
void size_host_copies(StepProgram& program);

}  // namespace foreshard
