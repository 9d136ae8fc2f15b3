#include "runtime/execute/rank_plan.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "planner/units/overloaded.hpp"
#include "runtime/execute/bind_codes.hpp"
#include "runtime/execute/bind_collective.hpp"
#include "runtime/execute/bind_experts.hpp"
#include "runtime/execute/bind_kernels.hpp"
#include "runtime/execute/zero_shares.hpp"
#include "runtime/shard/mtp_modules.hpp"

namespace foreshard {
namespace {

/// Bytes outside the arena for the sum of the losses: one cache line.
constexpr std::int64_t kLossBytes = 64;

/// The memory of a flight that has been started and not yet waited for.
struct InFlight {
  std::uint32_t flight = 0;
  bool is_read = true;  ///< the flight reads the memory; else it writes it
  const std::byte* begin = nullptr;
  const std::byte* end = nullptr;
};

std::int64_t scratch_bytes(const StepProgram& program, const Device& device) {
  const std::int64_t elements = std::max(scratch_elements(program), code_scratch_elements(program));
  if (elements == 0) return 0;
  std::int64_t widest = 0;
  for (const Tensor& tensor : program.tensors) {
    if (tensor.role == TensorRole::activation)
      widest = std::max(widest, std::int64_t{size_in_bytes(device.stored_as(tensor.dtype))});
  }
  return checked_product(elements, widest);
}

}  // namespace

/// Binds one operation after the other, in the order of operations_of().
class RankPlan::Compiler {
 public:
  Compiler(RankPlan& plan, const Communicator& communicator)
      : plan_(plan),
        communicator_(communicator),
        mtp_(plan.program_),
        view_{.program = plan.program_,
              .at = plan.at_,
              .optimizer = plan.optimizer_,
              .scratch = plan.scratch_,
              .slots = plan.slots_ ? &*plan.slots_ : nullptr,
              .magnitudes = plan.magnitudes_,
              .earlier_magnitudes = plan.earlier_magnitudes_} {}

  void run() {
    plan_.positions_.resize(plan_.runs_.size());
    for (const OpRun& at : operations_of(plan_.program_, plan_.runs_)) compile(at);
    // The list of pieces is complete and no longer moves in memory, so calls can point into it.
    for (std::size_t i = 0; i < piece_ranges_.size(); ++i) {
      const PlanRange range = piece_ranges_[i];
      plan_.collectives_[i].pieces = std::span(plan_.pieces_).subspan(range.begin, range.end - range.begin);
    }
    collect_weights();
  }

 private:
  void compile(const OpRun& at) {
    const Op& op = plan_.op(at);
    operands_.clear();
    for (std::size_t i = 0; i < op.operands.size(); ++i) operands_.push_back(plan_.buffer(at, i));

    PlannedOp planned{.at = at};
    planned.waits.begin = size_of(plan_.waits_);
    wait_for_overlapping(op);
    planned.waits.end = size_of(plan_.waits_);
    planned.inputs.begin = size_of(plan_.inputs_);
    fill_inputs(at, op);
    planned.inputs.end = size_of(plan_.inputs_);
    view_.routing = find_routing(at, op);
    view_.loss_weight = mtp_.loss_weight(block_of(at));
    view_.layer = plan_.runs_[at.run].block_call.layer;
    take_part(at, op);
    bind(op, planned);
    take_off(op, planned);
    note_routes(op, planned);
    plan_.positions_[at.run].push_back(plan_.ops_.size());
    plan_.ops_.push_back(planned);
  }

  [[nodiscard]] const Block& block_of(const OpRun& at) const {
    return plan_.program_.block(plan_.runs_[at.run].block_call.block);
  }

  template <class Item>
  static std::uint32_t size_of(const std::vector<Item>& items) {
    return static_cast<std::uint32_t>(items.size());
  }

  /// Adds the operation's waits for flights. A flight that writes memory must end before the operation
  /// touches that memory; one that reads memory must end before the operation writes there. Compares
  /// addresses, not tensors, because another tensor may use the same memory by then.
  void wait_for_overlapping(const Op& op) {
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      const std::byte* begin = operands_[i].data;
      const std::byte* end = begin + operands_[i].bytes();
      const bool reads_only = op.operands[i].access == Access::read;
      while (true) {
        const auto found = std::find_if(flying_.begin(), flying_.end(), [&](const InFlight& memory) {
          const bool overlaps = begin < memory.end && memory.begin < end;
          return overlaps && !(memory.is_read && reads_only);
        });
        if (found == flying_.end()) break;
        const std::uint32_t flight = found->flight;
        plan_.waits_.push_back(flight);
        std::erase_if(flying_, [&](const InFlight& memory) { return memory.flight == flight; });
      }
    }
  }

  /// Notes the flights that the operation starts, and their memory.
  void take_off(const Op& op, PlannedOp& planned) {
    planned.flights.begin = size_of(plan_.flights_);
    if (planned.kind == PlannedOp::Kind::transfer) {
      for (std::uint32_t i = planned.calls.begin; i < planned.calls.end; ++i) {
        const TransferCall& call = plan_.transfers_[i];
        note_memory(call.buffer, call.is_send);
        plan_.flights_.push_back({size_of(plan_.ops_), !call.is_send});
      }
    } else if (runs_asynchronously(op, planned)) {
      planned.kind = PlannedOp::Kind::beside;
      for (std::uint32_t i = planned.calls.begin; i < planned.calls.end; ++i) {
        const PlanRange pieces = piece_ranges_[i];
        for (std::uint32_t p = pieces.begin; p < pieces.end; ++p) {
          note_memory(plan_.pieces_[p].send, true);
          note_memory(plan_.pieces_[p].receive, false);
        }
        plan_.flights_.push_back({size_of(plan_.ops_), false});
      }
    }
    planned.flights.end = size_of(plan_.flights_);
  }

  /// True if a collective runs asynchronously. False if the next compute waits for it anyway, or if kernels
  /// or the host have to complete it.
  [[nodiscard]] bool runs_asynchronously(const Op& op, const PlannedOp& planned) const {
    const bool has_calls =
        planned.kind == PlannedOp::Kind::collective && planned.calls.begin < planned.calls.end;
    if (!communicator_.runs_asynchronously() || !has_calls || op.blocks_compute) return false;
    const bool has_kernels =
        planned.before.begin < planned.before.end || planned.after.begin < planned.after.end;
    const CollectiveCall& call = plan_.collectives_[planned.calls.begin];
    return !has_kernels && !call.accumulate;
  }

  void note_memory(const Buffer& buffer, bool is_read) {
    flying_.push_back({.flight = size_of(plan_.flights_),
                       .is_read = is_read,
                       .begin = buffer.data,
                       .end = buffer.data + buffer.bytes()});
  }

  void fill_inputs(const OpRun& at, const Op& op) {
    for (std::size_t i = 0; i < op.operands.size(); ++i) {
      const Tensor& tensor = plan_.program_.tensor(op.operands[i].tensor);
      if (tensor.role != TensorRole::input) continue;
      const Run& run = plan_.runs_[at.run];
      const Instance instance = instance_of(plan_.program_, op.operands[i], run, at.run);
      if (!filled_.emplace(instance.tensor, instance.layer, instance.index).second) continue;
      const bool labels = tensor.meaning.item == TensorItem::labels;
      plan_.inputs_.push_back({.buffer = operands_[i],
                               .ahead = mtp_.ahead(block_of(at), run.block_call.layer, labels),
                               .micro_batch = run.micro_batch});
    }
  }

  /// Of several operations on equal ranges of the tokens, one after the other, each takes its range of the
  /// operands that have all tokens.
  void take_part(const OpRun& at, const Op& op) {
    if (op.parts == 1) return;
    const std::int64_t part = part_of(plan_.program_.block(plan_.runs_[at.run].block_call.block), at.op);
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      if (has_all_tokens(plan_.program_, plan_.program_.tensor(op.operands[i].tensor)))
        operands_[i] = share_of(operands_[i], part, op.parts);
    }
  }

  /// The Routing of a mixture of experts' tokens, for operations that use it; null for other operations.
  Routing* find_routing(const OpRun& at, const Op& op) {
    if (op.component != Component::experts && !std::holds_alternative<Route>(op.kind)) return nullptr;
    const Run& run = plan_.runs_[at.run];
    const auto key = std::pair{run.block_call.layer, run.micro_batch};
    const auto known = plan_.routings_.find(key);
    if (known != plan_.routings_.end()) return &known->second;
    // The first operation that needs it belongs to the forward block.
    const auto shape = routed_shape(plan_.program_, plan_.program_.block(run.block_call.block), plan_.at_);
    return &plan_.routings_.try_emplace(key, shape.value(), run.block_call.layer).first->second;
  }

  void note_routes(const Op& op, PlannedOp& planned) {
    planned.routed.begin = size_of(plan_.routed_);
    if (std::holds_alternative<Route>(op.kind) && !is_backward(op.phase)) {
      const Run& run = plan_.runs_[planned.at.run];
      plan_.routed_.push_back({.logits = operands_.front(),
                               .routes = operands_.back(),
                               .routing = &plan_.routings_.at({run.block_call.layer, run.micro_batch}),
                               .layer = run.block_call.layer,
                               .micro_batch = run.micro_batch});
    }
    planned.routed.end = size_of(plan_.routed_);
  }

  void bind(const Op& op, PlannedOp& planned) {
    const std::optional<Communication> communication = communication_of(op);
    if (!communication) {
      planned.calls = add_kernels(bind_kernels(view_, op, operands_));
      if (writes_loss(op)) add_to_loss(operands_.back());
      planned.calls.end = size_of(plan_.kernels_);
      return;
    }
    std::visit(
        overloaded{[&](const Collective& collective) { bind_exchange(op, collective, planned); },
                   [&](const Send& send) { bind_transfer(op, send.payload, send.peer, true, planned); },
                   [&](const Recv& recv) { bind_transfer(op, recv.payload, recv.peer, false, planned); }},
        *communication);
  }

  void bind_exchange(const Op& op, const Collective& collective, PlannedOp& planned) {
    planned.kind = PlannedOp::Kind::collective;
    planned.calls.begin = size_of(plan_.collectives_);
    if (communicator_.group_size(collective.group) > 1) {
      const BoundCollective bound = bind_collective(view_, op, collective, operands_, plan_.scratch_);
      planned.before = add_kernels(bound.before);
      planned.after = add_kernels(bound.after);
      const std::uint32_t first = size_of(plan_.pieces_);
      plan_.pieces_.insert(plan_.pieces_.end(), bound.pieces.begin(), bound.pieces.end());
      piece_ranges_.push_back({first, size_of(plan_.pieces_)});
      plan_.collectives_.push_back(bound.call);
    }
    planned.calls.end = size_of(plan_.collectives_);
  }

  static bool writes_loss(const Op& op) {
    const auto* loss = std::get_if<CrossEntropy>(&op.kind);
    return loss != nullptr && loss->part == CrossEntropyPart::loss && op.phase == Phase::forward;
  }

  void add_to_loss(const Buffer& loss) {
    plan_.kernels_.emplace_back(
        PointwiseCall{.kind = PointwiseKind::accumulate, .elements = 1, .a = loss, .y = plan_.loss_});
  }

  PlanRange add_kernels(const std::vector<KernelCall>& calls) {
    const std::uint32_t first = size_of(plan_.kernels_);
    plan_.kernels_.insert(plan_.kernels_.end(), calls.begin(), calls.end());
    return {first, size_of(plan_.kernels_)};
  }

  void bind_transfer(const Op& op, Bytes payload, Peer peer, bool is_send, PlannedOp& planned) {
    planned.kind = PlannedOp::Kind::transfer;
    planned.calls.begin = size_of(plan_.transfers_);
    TransferCall call{.is_send = is_send, .peer = peer};
    call.tag = is_backward(op.phase) ? 1 : 0;
    // A scattered transfer sends only the rank's range of the tokens.
    const Bytes whole = plan_.program_.tensor(op.operands[0].tensor).local_bytes();
    const std::int64_t parts = whole.value() / payload.value();
    call.buffer = share_of(operands_[0], plan_.at_.tp, parts);
    plan_.transfers_.push_back(call);
    planned.calls.end = size_of(plan_.transfers_);
  }

  void collect_weights() {
    std::set<std::pair<TensorId, std::int32_t>> seen;
    for (const PlannedOp& planned : plan_.ops_) {
      const Op& op = plan_.op(planned.at);
      if (!std::holds_alternative<OptimizerUpdate>(op.kind)) continue;
      for (std::size_t i = 0; i < op.operands.size(); ++i) {
        const Tensor& gradient = plan_.program_.tensor(op.operands[i].tensor);
        if (gradient.role != TensorRole::gradient) continue;
        const TensorId weight = gradient.of.front();
        const Run& run = plan_.runs_[planned.at.run];
        const std::int32_t layer = instance_of(plan_.program_, op.operands[i], run, planned.at.run).layer;
        if (!seen.emplace(weight, layer).second) continue;
        plan_.weights_.push_back(held_weight(weight, LayerId(layer), plan_.buffer(weight, LayerId(layer)),
                                             op.operands[i].tensor, plan_.buffer(planned.at, i)));
      }
    }
  }

  [[nodiscard]] HeldWeight held_weight(TensorId weight, LayerId layer, const Buffer& memory,
                                       TensorId gradient, const Buffer& gradient_memory) const {
    const Tensor& tensor = plan_.program_.tensor(weight);
    const Share held = held_share(plan_.program_, plan_.at_, tensor);
    return {.tensor = weight,
            .layer = layer,
            .weight = memory.part(0, held.elements),
            .held = held,
            .gradient = own_part(plan_.program_, plan_.at_, plan_.program_.tensor(gradient), gradient_memory),
            .summed = optimizer_share(plan_.program_, plan_.at_, tensor)};
  }

  RankPlan& plan_;
  const Communicator& communicator_;
  MtpModules mtp_;
  RankView view_;
  std::vector<Buffer> operands_;
  std::vector<InFlight> flying_;
  std::vector<PlanRange> piece_ranges_;  // of each collective
  std::set<std::tuple<TensorId, std::int32_t, std::int64_t>> filled_;
};

RankPlan::RankPlan(const StepProgram& program, Device& device, const Communicator& communicator)
    : program_(program),
      at_(mesh_of(program).coordinates(communicator.rank())),
      runs_(runs_of(program, stage())),
      device_(device),
      layout_(program, stage(), [&](DType type) { return device.stored_as(type); }),
      arena_(device.allocate(layout_.capacity() + kLossBytes + scratch_bytes(program, device))),
      loss_{arena_->data() + layout_.capacity(), 1, device.stored_as(DType::fp32)},
      scratch_{arena_->data() + layout_.capacity() + kLossBytes, scratch_bytes(program, device),
               DType::uint8} {
  place_magnitudes(device);
  Compiler(*this, communicator).run();
}

void RankPlan::place_magnitudes(Device& device) {
  const std::optional<TensorId> id = MagnitudeSlots::magnitudes_of(program_);
  if (!id) return;
  slots_.emplace(program_, stage());
  magnitudes_ = buffer(*id, LayerId(0));
  earlier_magnitudes_memory_ = device.allocate(magnitudes_.bytes());
  earlier_magnitudes_ = {earlier_magnitudes_memory_->data(), magnitudes_.elements, magnitudes_.type};
  first_magnitudes_ = slots_->first_guesses();
  first_magnitudes_.resize(static_cast<std::size_t>(magnitudes_.elements));
}

const Routing* RankPlan::routing(LayerId layer, MicroBatch micro_batch) const {
  const auto found = routings_.find({layer, micro_batch});
  return found == routings_.end() ? nullptr : &found->second;
}

Buffer RankPlan::buffer(const OpRun& at, std::size_t operand) const {
  const Operand& touched = op(at).operands[operand];
  const Allocation& allocation = layout_.at(arena_instance(program_, at, touched, runs_[at.run]));
  return place(allocation, program_.tensor(touched.tensor));
}

Buffer RankPlan::buffer(TensorId tensor, LayerId layer) const {
  const bool per_layer = program_.tensor(tensor).per_layer;
  const Allocation& allocation =
      layout_.at({.tensor = tensor, .layer = per_layer ? layer.value() : 0, .index = 0});
  return place(allocation, program_.tensor(tensor));
}

Buffer RankPlan::place(const Allocation& allocation, const Tensor& tensor) const {
  return {arena_->data() + allocation.offset, tensor.local_elements(), device_.stored_as(tensor.dtype)};
}

}  // namespace foreshard
