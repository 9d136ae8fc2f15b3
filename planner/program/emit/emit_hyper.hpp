#pragma once

#include "planner/program/program_builder.hpp"

// Hyper-connections: the stream between layers is n rows of width D side by side, (T, n·D). With x the streams of a
// token, a sublayer f, and weights that a product of x / rms(x) gives (mHC, arXiv:2512.24880, section 4):
//   z = x·Wᵀ / rms(x)       (T, n·(n + 2)), the rms in the same pass as the product
//   a, b, M                 a = sigmoid(z_a), b = 2·sigmoid(z_b), M = Sinkhorn(softmax(z_M)), with scales and biases
//   row = Σ a_i·x_i         (T, D), what f reads
//   y_i = Σ_j M_ij·x_j + b_i·f(row)
// Backward keeps x, z, the weights, the row and f's output. The rms, one number per token, is not followed.

namespace foreshard {

/// Where streams are mixed: around a mixer or a feed-forward network, or before a head, which only reads them.
enum class Mixing : std::uint8_t { attention, ffn, head, mtp_head };

/// True if the model's residual stream is several streams.
bool has_streams(const ProgramBuilder& builder);

/// Appends the product that makes the weights, and the pass that reads the streams. Returns the row, (T, D).
Operand emit_read_streams(ProgramBuilder& builder, Block& block, WeightGroup& group, Mixing mixing,
                          Operand streams);
/// Appends next = M·streams + b·out. @pre emit_read_streams was called for this mixing
void emit_write_streams(ProgramBuilder& builder, Block& block, Mixing mixing, Operand streams, TensorId out,
                        Operand next);

/// A row that emit_repeat copies, (T, D).
TensorId token_row(ProgramBuilder& builder);
/// Appends streams = n copies of row.
void emit_repeat(ProgramBuilder& builder, Block& block, TensorId row, Operand streams);

}  // namespace foreshard
