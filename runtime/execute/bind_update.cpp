#include "runtime/execute/bind_update.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "planner/program/build/optimizer_states.hpp"
#include "planner/program/tensor_label.hpp"
#include "runtime/device/moment_codes.hpp"
#include "runtime/execute/zero_shares.hpp"
#include "runtime/shard/random.hpp"
#include "runtime/shard/shard_map.hpp"

namespace foreshard {
namespace {

static_assert(kElementsPerScale == kMomentBlock);

/// A contiguous part of a rank's elements of a weight, and how it is rounded.
struct RoundedPart {
  Share elements;
  RandomRounding rounding{};
};

class UpdateBinding {
 public:
  UpdateBinding(const RankView& rank, const Op& op, const OptimizerUpdate& update,
                std::span<const Buffer> operands)
      : rank_(rank), op_(op), update_(update), operands_(operands) {
    for (std::size_t i = 0; i < operands.size(); ++i) sort(i);
  }

  std::vector<KernelCall> run() && {
    const std::size_t count = std::max(gradients_.size(), weights_.size());
    for (std::size_t i = 0; i < count; ++i) bind(i);
    return std::move(calls_);
  }

 private:
  [[nodiscard]] const Tensor& tensor(std::size_t index) const {
    return rank_.program.tensor(op_.operands[index].tensor);
  }
  [[nodiscard]] Buffer own(std::size_t index) const {
    return own_part(rank_.program, rank_.at, tensor(index), operands_[index]);
  }

  /// Notes what an operand is.
  void sort(std::size_t index) {
    const Tensor& of = tensor(index);
    switch (of.derivation) {
      case Derivation::master:
        whole_.master = operands_[index];
        whole_.keeps_remainder = of.dtype == DType::bf16;
        return;
      case Derivation::first_moment: whole_.m = operands_[index]; return;
      case Derivation::second_moment: whole_.v = operands_[index]; return;
      case Derivation::first_scale: whole_.m_scale = operands_[index]; return;
      case Derivation::second_scale: whole_.v_scale = operands_[index]; return;
      case Derivation::update: iterates_.push_back(index); return;
      default: break;
    }
    if (of.role == TensorRole::gradient) {
      gradients_.push_back(index);
    } else if (of.role == TensorRole::weight) {
      weights_.push_back(index);
    } else {
      whole_.grad_norm = operands_[index];
    }
  }

  /// The states are flat tensors that hold the rank's shares of all weights, one after the other. Scales of
  /// 8-bit moments begin anew with each weight.
  void bind(std::size_t i) {
    const Share share =
        optimizer_share(rank_.program, rank_.at, tensor(gradients_.empty() ? weights_[i] : gradients_[i]));
    for (const RoundedPart& part : rounded_parts(i, share)) {
      const auto of_share = [&](const Buffer& own) {
        return own.part(part.elements.first, part.elements.elements);
      };
      const auto of_flat = [&](const Buffer& flat) {
        return flat.empty() ? flat : flat.part(done_ + part.elements.first, part.elements.elements);
      };
      const std::int64_t scales = ceil_divide(share.elements, kElementsPerScale);
      const auto of_scales = [&](const Buffer& flat) {
        return flat.empty() ? flat : flat.part(scales_done_, scales);
      };
      UpdateCall call{.kind = update_.kind, .step = &rank_.optimizer, .elements = part.elements.elements};
      call.grad_norm = whole_.grad_norm;
      if (!gradients_.empty()) call.gradient = of_share(own(gradients_[i]));
      call.master = of_flat(whole_.master);
      call.keeps_remainder = whole_.keeps_remainder;
      call.m = of_flat(whole_.m);
      call.v = of_flat(whole_.v);
      call.m_scale = of_scales(whole_.m_scale);
      call.v_scale = of_scales(whole_.v_scale);
      if (!weights_.empty()) call.weight = of_share(own(weights_[i]));
      if (!iterates_.empty()) call.iterate = of_share(operands_[iterates_[i]]);
      if (!iterates_.empty() && !weights_.empty()) call.scale = muon_scale(tensor(iterates_[i]));
      call.rounding = part.rounding;
      calls_.emplace_back(call);
    }
    done_ += share.elements;
    scales_done_ += ceil_divide(share.elements, kElementsPerScale);
  }

  static double muon_scale(const Tensor& iterate);

  /// The share of weight i in one part; where it is rounded at random, in parts whose rows follow one another in
  /// the model's tensor. Without elements: no part.
  [[nodiscard]] std::vector<RoundedPart> rounded_parts(std::size_t i, const Share& share) const {
    if (share.elements == 0) return {};
    if (!update_.stochastic_rounding || weights_.empty()) return {{{.first = 0, .elements = share.elements}}};
    const Tensor& weight = tensor(weights_[i]);
    const ShardMap map = shard_map(weight, shard_of(rank_.program, rank_.at));
    const auto rows = static_cast<std::int64_t>(map.rows.size());
    const auto model_row = [&](std::int64_t row) { return map.rows[static_cast<std::size_t>(row)]; };
    std::vector<RoundedPart> parts;
    for (std::int64_t row = 0; row < rows;) {
      std::int64_t end = row + 1;
      // Padding stays zero, however it is rounded.
      while (end < rows && (model_row(end) == model_row(end - 1) + 1 || model_row(end) == ShardMap::kPadding))
        ++end;
      const std::int64_t first = std::max(share.first, row * map.columns);
      const std::int64_t last = std::min(share.first + share.elements, end * map.columns);
      if (first < last) {
        parts.push_back({{.first = first - share.first, .elements = last - first},
                         {.on = true,
                          .stream = mixed_bits(stream_of(label_of(weight.meaning)) +
                                               static_cast<std::uint64_t>(rank_.layer.value())),
                          .first = first - row * map.columns,
                          .columns = map.columns,
                          .model_first = model_row(row) * map.model_columns + map.first_column,
                          .model_columns = map.model_columns}});
      }
      row = end;
    }
    return parts;
  }

  const RankView& rank_;
  const Op& op_;
  const OptimizerUpdate& update_;
  std::span<const Buffer> operands_;
  std::vector<std::size_t> gradients_;  // indices of operands; likewise the others
  std::vector<std::size_t> weights_;
  std::vector<std::size_t> iterates_;
  UpdateCall whole_;  // the states of all weights
  std::int64_t done_ = 0;
  std::int64_t scales_done_ = 0;
  std::vector<KernelCall> calls_;
};

// ---- Muon

constexpr double kA = 3.4445;
constexpr double kB = -4.7750;
constexpr double kC = 2.0315;
/// c^(1/4): the norm of Y.
const double kNorm = std::sqrt(std::sqrt(kC));

double UpdateBinding::muon_scale(const Tensor& iterate) {
  Tensor whole = iterate;
  for (Dim& dim : whole.dims) dim.dp = 1;
  const std::int64_t rows = whole.dims[whole.dims.size() - 2].local();
  const auto larger = static_cast<double>(std::max(rows, whole.dims.back().local()));
  return 0.2 * std::sqrt(larger) / kNorm;
}

bool is_iterate(const Tensor& tensor) {
  return tensor.derivation == Derivation::update || tensor.derivation == Derivation::whole_update ||
         tensor.derivation == Derivation::next_update;
}

KernelCall scaled_copy(double scale, const Buffer& x, const Buffer& y) {
  return PointwiseCall{.kind = PointwiseKind::cast, .elements = y.elements, .scale = scale, .a = x, .y = y};
}

/// The iterates of one layer, and how they are cut.
struct Exchange {
  std::vector<std::size_t> whole;                // operands: whole iterates
  std::vector<std::vector<std::size_t>> shares;  // operands by layer: shares
  std::int64_t members = 1;

  Exchange(const StepProgram& program, const Op& op, const Collective& collective)
      : members(program.group(collective.group).size) {
    std::vector<std::int16_t> layers;
    for (std::size_t i = 0; i < op.operands.size(); ++i) {
      const Operand& operand = op.operands[i];
      if (program.tensor(operand.tensor).derivation == Derivation::whole_update) {
        whole.push_back(i);
        continue;
      }
      const auto at = std::find(layers.begin(), layers.end(), operand.layer_shift) - layers.begin();
      if (static_cast<std::size_t>(at) == layers.size()) {
        layers.push_back(operand.layer_shift);
        shares.emplace_back();
      }
      shares[static_cast<std::size_t>(at)].push_back(i);
    }
  }
};

}  // namespace

std::vector<KernelCall> bind_update(const RankView& rank, const Op& op, const OptimizerUpdate& update,
                                    std::span<const Buffer> operands) {
  return UpdateBinding(rank, op, update, operands).run();
}

std::vector<KernelCall> bind_orthogonal_product(const RankView& rank, const Op& op, const Gemm& gemm,
                                                std::span<const Buffer> operands) {
  const auto tensor = [&](std::size_t i) -> const Tensor& {
    return rank.program.tensor(op.operands[i].tensor);
  };
  const TensorItem result = tensor(2).meaning.item;
  const bool makes_square = !is_iterate(tensor(2)) && result == TensorItem::gram_square;
  const std::size_t iterate = is_iterate(tensor(0)) ? 0 : 1;
  std::vector<KernelCall> calls;
  for (std::int64_t matrix = 0; matrix < gemm.batch; ++matrix) {
    const auto part = [&](std::size_t i) { return share_of(operands[i], matrix, gemm.batch); };
    GemmCall call{.m = gemm.m, .n = gemm.n, .k = gemm.k};
    call.transpose_a = gemm.transpose_a;
    call.transpose_b = gemm.transpose_b;
    call.a = part(0);
    call.b = part(1);
    call.c = part(2);
    call.accumulate = makes_square || is_iterate(tensor(2));
    if (makes_square) calls.push_back(scaled_copy(kB / std::sqrt(kC), call.a, call.c));
    if (is_iterate(tensor(2))) calls.push_back(scaled_copy(kA, part(iterate), call.c));
    calls.emplace_back(call);
  }
  return calls;
}

std::vector<KernelCall> bind_orthogonal_pass(const Op& op, const Pointwise& pass,
                                             std::span<const Buffer> operands) {
  const bool normalises = pass.kind == PointwiseKind::normalise;
  const Buffer& squares = operands[1];
  std::vector<KernelCall> calls;
  for (std::int64_t matrix = 0; matrix < squares.elements; ++matrix) {
    const Buffer x = share_of(operands[0], matrix, squares.elements);
    PointwiseCall call{.kind = pass.kind, .elements = x.elements, .a = x};
    if (normalises) {
      call.scale = kNorm;
      call.b = squares.part(matrix, 1);
    }
    call.y = normalises ? share_of(operands[op.operands.size() - 1], matrix, squares.elements)
                        : squares.part(matrix, 1);
    calls.emplace_back(call);
  }
  return calls;
}

BoundCollective bind_update_exchange(const RankView& rank, const Op& op, const Collective& collective,
                                     std::span<const Buffer> operands, const Buffer& scratch) {
  const Exchange exchange(rank.program, op, collective);
  const bool gathers = op.operands[exchange.whole.front()].access == Access::write;
  const DType type = operands.front().type;
  const std::int64_t half = update_exchange_elements(rank.program, op, collective) / 2;
  const Buffer all{scratch.data, 2 * half, type};
  BoundCollective bound;
  bound.call = {.kind = CollectiveKind::all_to_all, .group = collective.group};
  bound.pieces = {{all.part(0, half), all.part(half, half)}};
  // What goes to or comes from a member lies together: a share of each iterate.
  std::int64_t at = 0;
  for (std::int64_t member = 0; member < exchange.members; ++member) {
    const auto layer = static_cast<std::size_t>(member);
    const bool has_layer = layer < exchange.shares.size();
    for (std::size_t i = 0; i < exchange.whole.size(); ++i) {
      const Buffer& whole = operands[exchange.whole[i]];
      const std::int64_t room = operands[exchange.shares.front()[i]].elements;
      const Share share = share_of(whole.elements, exchange.members, member);
      const Buffer own = has_layer ? operands[exchange.shares[layer][i]] : Buffer();
      const Buffer sent = all.part(at, room);
      const Buffer arrived = all.part(half + at, room);
      if (gathers) {
        bound.before.push_back(
            has_layer ? scaled_copy(1.0, own, sent)
                      : KernelCall(PointwiseCall{.kind = PointwiseKind::zero, .elements = room, .y = sent}));
        if (share.elements > 0)
          bound.after.push_back(
              scaled_copy(1.0, arrived.part(0, share.elements), whole.part(share.first, share.elements)));
      } else {
        if (share.elements > 0)
          bound.before.push_back(
              scaled_copy(1.0, whole.part(share.first, share.elements), sent.part(0, share.elements)));
        if (has_layer) bound.after.push_back(scaled_copy(1.0, arrived, own));
      }
      at += room;
    }
  }
  return bound;
}

std::int64_t update_exchange_elements(const StepProgram& program, const Op& op,
                                      const Collective& collective) {
  const Exchange exchange(program, op, collective);
  std::int64_t share = 0;
  for (const std::size_t i : exchange.shares.front())
    share += program.tensor(op.operands[i].tensor).local_elements();
  return checked_product(2, share, exchange.members);
}

}  // namespace foreshard
