#include "runtime/execute/bind_codes.hpp"

#include <algorithm>
#include <stdexcept>
#include <variant>

#include "runtime/execute/magnitude_slots.hpp"
#include "runtime/execute/routing.hpp"

namespace foreshard {
namespace {

/// Results that are decoded side by side begin at multiples of this. Elements.
constexpr std::int64_t kApart = 32;

/// True for copies whose scales go along what the rows of the matrix are summed over.
bool is_across(const StepProgram& program, const Tensor& tensor) {
  const Tensor* copy = &tensor;
  while (copy->derivation != Derivation::quantised && copy->derivation != Derivation::quantised_across &&
         !copy->of.empty())
    copy = &program.tensor(copy->of.front());
  return copy->derivation == Derivation::quantised_across;
}

/// Gradients have e5m2 where a whole tensor has one scale, as Transformer Engine's and torchao's recipes have it; with
/// more scales all copies have e4m3.
CodeFormat code_format(const Tensor& tensor) {
  const bool is_gradient = tensor.role == TensorRole::activation_gradient;
  return is_gradient && tensor.dtype == DType::fp8 ? CodeFormat::e5m2 : CodeFormat::e4m3;
}

/// Sets the elements that share a scale. @param rows  of the matrix, or of one of several that lie one behind another
void set_blocks(CodedMatrix& matrix, const Tensor& tensor, std::int64_t rows, bool across) {
  const std::int64_t block = tensor.dtype == DType::mxfp8 ? 32 : 128;
  switch (tensor.dtype) {
    case DType::fp8_rowwise:
      matrix.block_rows = across ? rows : 1;
      matrix.block_columns = across ? 1 : matrix.columns;
      return;
    case DType::fp8_block:
    case DType::mxfp8: {
      const bool is_square = tensor.role == TensorRole::weight && tensor.dtype == DType::fp8_block;
      matrix.block_rows = across || is_square ? block : 1;
      matrix.block_columns = !across || is_square ? block : 1;
      return;
    }
    default:
      matrix.block_rows = std::max<std::int64_t>(matrix.rows, 1);
      matrix.block_columns = std::max<std::int64_t>(matrix.columns, 1);
  }
}

DType scale_type(const Tensor& tensor) { return tensor.dtype == DType::mxfp8 ? DType::uint8 : DType::fp32; }

/// The rows that routed tokens fill, of a tensor that has those of a rank's experts; null for any other.
const RoutedRows* routed_rows(const RankView& rank, const Tensor& x) {
  const bool is_routed = x.is_of_routed_experts() && x.role != TensorRole::weight && rank.routing != nullptr;
  return is_routed ? &rank.routing->rows() : nullptr;
}

AmaxCall amax_of(const RankView& rank, const Tensor& tensor, const Buffer& x, const Buffer& largest) {
  const std::int64_t columns = tensor.dims.back().local();
  return {.rows = x.elements / columns,
          .columns = columns,
          .routed = routed_rows(rank, tensor),
          .x = x,
          .y = largest};
}

/// @param largest  of x, or empty
KernelCall quantise(const RankView& rank, TensorId copy, const Buffer& x, const Buffer& largest,
                    const Buffer& memory) {
  const Tensor& tensor = rank.program.tensor(copy);
  QuantiseCall call{.routed = routed_rows(rank, tensor), .x = x};
  call.to = coded_matrix(rank.program, tensor, memory);
  if (rank.slots != nullptr) {
    const std::int64_t slot = rank.slots->slot_of(copy, rank.layer);
    call.largest = rank.earlier_magnitudes.part(slot, 1);
    call.seen = rank.magnitudes.part(slot, 1);
  } else if (tensor.dtype == DType::fp8) {
    call.largest = largest;
  }
  return call;
}

bool is_copy(const StepProgram& program, const Operand& operand) {
  return operand.access == Access::write && is_scaled(program.tensor(operand.tensor).dtype);
}

bool is_largest(const StepProgram& program, const Operand& operand) {
  const Tensor* tensor = &program.tensor(operand.tensor);
  while (tensor->derivation == Derivation::recomputed) tensor = &program.tensor(tensor->of.front());
  return tensor->derivation == Derivation::largest;
}

}  // namespace

CodedMatrix coded_matrix(const StepProgram& program, const Tensor& tensor, const Buffer& memory) {
  CodedMatrix matrix{.format = code_format(tensor)};
  matrix.columns = tensor.dims.back().local();
  matrix.rows = tensor.local_elements() / matrix.columns;
  const bool across = is_across(program, tensor);
  const bool has_experts = tensor.role == TensorRole::weight && tensor.dims.size() == 3;
  set_blocks(matrix, tensor, has_experts ? tensor.dims[1].local() : matrix.rows, across);
  matrix.transposed = across && tensor.dtype == DType::fp8;
  matrix.numbers = memory;
  if (!matrix.holds_codes()) return matrix;
  matrix.scales = {memory.data + round_up(memory.elements, std::int64_t{4}),
                   checked_product(matrix.scale_rows(), matrix.scale_columns()), scale_type(tensor)};
  return matrix;
}

std::int64_t stored_bytes(const StepProgram& program, const Tensor& tensor, DType stored) {
  const std::int64_t elements = tensor.local_elements();
  if (!is_scaled(tensor.dtype) || stored != DType::uint8) return bytes_of(stored, elements).value();
  const CodedMatrix matrix = coded_matrix(program, tensor, {nullptr, elements, stored});
  return std::max(tensor.local_bytes().value(), round_up(elements, std::int64_t{4}) + matrix.scales.bytes());
}

std::vector<KernelCall> bind_code_pass(const RankView& rank, const Op& op, const Pointwise& pass,
                                       std::span<const Buffer> operands) {
  const Tensor& x = rank.program.tensor(op.operands[0].tensor);
  if (pass.kind == PointwiseKind::amax) return {amax_of(rank, x, operands[0], operands[1])};
  if (pass.kind == PointwiseKind::transpose) {
    const Tensor& y = rank.program.tensor(op.operands[1].tensor);
    return {TransposeCall{.from = coded_matrix(rank.program, x, operands[0]),
                          .to = coded_matrix(rank.program, y, operands[1])}};
  }
  const bool is_measured = is_largest(rank.program, op.operands[1]);
  const Buffer largest = is_measured ? operands[1] : Buffer{};
  std::vector<KernelCall> calls;
  for (std::size_t i = is_measured ? 2 : 1; i < operands.size(); ++i)
    calls.push_back(quantise(rank, op.operands[i].tensor, operands[0], largest, operands[i]));
  return calls;
}

BoundResult bind_result(const RankView& rank, const Op& op, std::span<const Buffer> operands,
                        std::size_t first, DType type) {
  const StepProgram& program = rank.program;
  BoundResult bound{.y = operands[first], .behind = {}, .next = first + 1};
  if (is_copy(program, op.operands[first])) {
    bound.y = {rank.scratch.data, operands[first].elements, type};
    for (bound.next = first; bound.next < operands.size() && is_copy(program, op.operands[bound.next]);
         ++bound.next) {
      bound.behind.push_back(
          quantise(rank, op.operands[bound.next].tensor, bound.y, {}, operands[bound.next]));
    }
  }
  if (bound.next < operands.size() && is_largest(program, op.operands[bound.next])) {
    const Tensor& y = program.tensor(op.operands[first].tensor);
    bound.behind.emplace_back(amax_of(rank, y, bound.y, operands[bound.next]));
    ++bound.next;
  }
  return bound;
}

DecodedOperands decode_operands(const RankView& rank, const Op& op, std::span<const Buffer> operands) {
  DecodedOperands decoded{.operands = {operands.begin(), operands.end()}, .before = {}};
  std::byte* place = rank.scratch.data;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const Tensor& tensor = rank.program.tensor(op.operands[i].tensor);
    if (!is_scaled(tensor.dtype)) continue;
    const CodedMatrix matrix = coded_matrix(rank.program, tensor, operands[i]);
    if (!matrix.holds_codes() && !matrix.transposed) continue;
    Buffer& values = decoded.operands[i];
    values = {place, operands[i].elements, matrix.holds_codes() ? DType::bf16 : operands[i].type};
    place += round_up(values.elements, kApart) * size_in_bytes(values.type);
    decoded.before.emplace_back(DecodeCall{.from = matrix, .y = values});
  }
  return decoded;
}

BoundCopy bind_copy_exchange(const CodedMatrix& from, const CodedMatrix& to) {
  BoundCopy bound{.pieces = {{from.numbers, to.numbers}}, .after = {}};
  if (!from.holds_codes()) return bound;
  if (from.has_one_scale() != to.has_one_scale()) throw std::logic_error("a gathered copy has other scales");
  if (from.has_one_scale()) {
    bound.after.emplace_back(
        PointwiseCall{.kind = PointwiseKind::cast, .elements = 1, .a = from.scales, .y = to.scales});
  } else {
    const auto bytes = [](const Buffer& scales) { return Buffer{scales.data, scales.bytes(), DType::uint8}; };
    bound.pieces.push_back({bytes(from.scales), bytes(to.scales)});
  }
  return bound;
}

std::int64_t code_scratch_elements(const StepProgram& program) {
  std::int64_t most = 0;
  for (const Block& block : program.blocks) {
    for (const Op& op : block.ops) {
      if (std::holds_alternative<Collective>(op.kind)) continue;
      std::int64_t read = 0;
      std::int64_t written = 0;
      for (const Operand& operand : op.operands) {
        const Tensor& tensor = program.tensor(operand.tensor);
        if (!is_scaled(tensor.dtype)) continue;
        const std::int64_t elements = round_up(tensor.local_elements(), kApart);
        if (operand.access == Access::write) {
          written = std::max(written, elements);
        } else {
          read += elements;
        }
      }
      most = std::max({most, read, written});
    }
  }
  return most;
}

}  // namespace foreshard
