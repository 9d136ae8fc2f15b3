#pragma once

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// Where the framework's weight-gradient products do not add to the gradients themselves: each product of the
/// backward block writes a tensor of the weight's type, and a pass of its own adds that to the gradient,
/// docs/frameworks.md. Biases, norms and tables, small beside the products, stay as they are.
/// @pre gradients that ZeRO scatters are already written to buffers of their own.
void separate_accumulation(ProgramBuilder& builder, Block& backward);

/// Where autograd is given placeholders: each weight gradient's product names the one of its shape, a step
/// tensor in the weight's type that all of that shape share.
void add_placeholders(ProgramBuilder& builder, Block& backward);

}  // namespace foreshard
