#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "planner/program/step_program.hpp"
#include "runtime/device/kernel_call.hpp"
#include "runtime/execute/bind_collective.hpp"
#include "runtime/execute/bind_kernels.hpp"

// Copies in 8 bits, and the products that read them. A device decodes a copy, exactly, into memory that lives for one
// operation, and multiplies what the codes stand for: an emulation, which gives what units for these products give up to
// the order of the sums. An operation that writes copies in the place of its result (a norm, an activation) writes its
// result into that memory, from where it is quantised.

namespace foreshard {

/// Bytes that a device needs for a tensor: those that are planned and, of formats whose scales are not counted
/// (docs/precisions.md), the scales. Codes come first, then, at a multiple of 4 bytes, the scales.
/// @param stored  the dtype in which the device stores it
std::int64_t stored_bytes(const StepProgram& program, const Tensor& tensor, DType stored);

/// The shape of a copy's scales, and where codes and scales are.
CodedMatrix coded_matrix(const StepProgram& program, const Tensor& tensor, const Buffer& memory);

/// The calls of an operation that finds a largest magnitude, quantises or transposes.
std::vector<KernelCall> bind_code_pass(const RankView& rank, const Op& op, const Pointwise& pass,
                                       std::span<const Buffer> operands);

/// An operation's results from operand number `first` on: its result itself, or memory for one operation from which
/// `behind` makes the copies that stand in its place; and the number of the operand that follows.
struct BoundResult {
  Buffer y;
  std::vector<KernelCall> behind;
  std::size_t next = 0;
};
/// @param type  in which the device stores the result
BoundResult bind_result(const RankView& rank, const Op& op, std::span<const Buffer> operands,
                        std::size_t first, DType type);

/// The operands of a product, of which those in 8 bits are decoded by `before`.
struct DecodedOperands {
  std::vector<Buffer> operands;
  std::vector<KernelCall> before;
};
DecodedOperands decode_operands(const RankView& rank, const Op& op, std::span<const Buffer> operands);

/// What a gather exchanges of a copy: codes, and scales where they are counted. A scale for the whole tensor is the
/// same on all ranks: `after` copies it.
struct BoundCopy {
  std::vector<Piece> pieces;
  std::vector<KernelCall> after;
};
BoundCopy bind_copy_exchange(const CodedMatrix& from, const CodedMatrix& to);

/// Elements of memory for one operation that the operations of a program need for all this.
std::int64_t code_scratch_elements(const StepProgram& program);

}  // namespace foreshard
