#pragma once

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// For frameworks whose weight-gradient products do not add to the gradient buffer directly
/// (docs/frameworks.md). Each such product of the backward block then writes a fresh tensor of the weight's
/// type, and a separate kernel adds it to the gradient. The gradients of biases, norms and tables are small
/// compared with the products and stay as they are.
///
/// Example, with bf16 weights and fp32 gradients:
///   before   qkv              dW (fp32)    += dYᵀ·X
///   after    qkv              fresh (bf16)  = dYᵀ·X
///            qkv accumulate   dW (fp32)    += fresh
/// @pre gradients that ZeRO scatters are already written to buffers of their own.
void separate_accumulation(ProgramBuilder& builder, Block& backward);

/// For frameworks that hand autograd a placeholder because the product has already added the real gradient to
/// its buffer. Each weight-gradient product gets the placeholder of its shape as an additional operand: a
/// tensor of the weight's type that lives for the whole step and is shared by all products of that shape.
void add_placeholders(ProgramBuilder& builder, Block& backward);

}  // namespace foreshard
