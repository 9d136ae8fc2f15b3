#pragma once

#include "planner/program/passes/quantiser_rules.hpp"
#include "planner/program/program_builder.hpp"

namespace foreshard {

/// True for a product whose operands have 8 or 4 bits.
bool is_low_product(const Op& op);

/// Makes the products of 8 and 4 bits of both blocks read copies of their inputs and gradients, and inserts
/// the operations that make them. Where sequence parallelism gathers such a tensor, the copy is gathered.
/// With attention in fp8, the core reads copies too. The products' weights are left to quantise_weights.
///
/// Example, one projection with delayed scaling on a GPU that needs transposed copies:
///   before   forward   norm → x                    product x · Wᵀ
///            backward                              dy · W        dyᵀ · x
///   after    forward   norm → x.q   transpose x.q → x.qt         product x.q · Wᵀ
///            backward  quantise dy → dy.q, dy.qt   dy.q · W      dy.qt · x.qt
/// Backward keeps x.qt (one byte per element) where it kept x (two).
/// @pre `backward` is derived from `forward`, and nothing is recomputed yet; mark_saved follows
void quantise_activations(ProgramBuilder& builder, const QuantiserRules& rules, Block& forward,
                          Block& backward);

/// Removes copies that nothing reads: a layer that is recomputed makes those for backward in backward.
void drop_unread_copies(Block& forward, Block& backward, const ProgramBuilder& builder);

/// Makes the products read copies of their weights. Copies that are kept for the whole step are tensors that
/// the blocks of emit_weight_casts write; others are made in the block itself. A gather of ZeRO-3 carries
/// copies if the job gathers parameters in the products' precision.
/// @pre apply_zero has run
void quantise_weights(ProgramBuilder& builder, const QuantiserRules& rules, Block& forward, Block& backward);

/// The tensor that the optimizer writes, and data parallelism gathers, for a weight. It is the weight, except
/// where weights are kept in formats that have other scales across their rows: these are gathered in 16 bits,
/// in the memory of the gradients, and then both copies are made.
TensorId updated_weight(const ProgramBuilder& builder, TensorId weight);

// ---- Operations, for the passes above and for emit_weight_casts.

/// A copy of a tensor in `format`, not added yet.
Tensor copy_of(const ProgramBuilder& builder, TensorId of, Derivation derivation, DType format);
/// The tensor of one fp32 number with the largest magnitude of `of`.
TensorId largest_of(ProgramBuilder& builder, TensorId of, Lifetime lifetime);
/// An operation that reads `x` and, if given, its largest magnitude, and writes the copies.
Op quantise_op(const ProgramBuilder& builder, const Op& like, Operand x, std::optional<TensorId> largest,
               const std::vector<TensorId>& copies);
Op amax_op(const ProgramBuilder& builder, const Op& like, Operand x, TensorId largest);
Op transpose_op(const ProgramBuilder& builder, const Op& like, TensorId x, TensorId y);

}  // namespace foreshard
