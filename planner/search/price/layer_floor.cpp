#include "planner/search/price/layer_floor.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <utility>

#include "planner/cost/memory/memory_trace.hpp"
#include "planner/cost/memory/tensor_table.hpp"
#include "planner/cost/ops/cost_model.hpp"
#include "planner/program/build/build_pass_program.hpp"
#include "planner/program/ops/op_flops.hpp"
#include "planner/program/schedule/placement.hpp"
#include "planner/search/price/pass_chains.hpp"

namespace foreshard {

/// Takes the blocks of every layer from the stages' lists and measures them.
class LayerFloorBuilder {
 public:
  /// Keeps a reference to `program`.
  LayerFloorBuilder(const JobSpec& job, const StepProgram& program, const OpTimes& times, DpTime dp)
      : program_(program), chains_(program, times, dp), layers_(static_cast<std::size_t>(job.model.layers)) {}

  LayerFloor build() {
    find_layers();
    measure_forward();
    measure_backward();
    measure_weights();
    measure_saved();
    count_flops();
    return std::move(floor_);
  }

 private:
  using Calls = std::vector<BlockCall>;

  /// The calls of one pass over the whole model: what runs before the layers, the layers in their order, and what runs
  /// after them.
  struct WholePass {
    Calls before;
    Calls layers;
    Calls after;
  };

  [[nodiscard]] bool is_layer_call(const BlockCall& call) const {
    return is_layer(program_.block(call.block).kind) && call.layer.at() < layers_;
  }

  void add(WholePass& pass, const Calls& calls) const {
    for (const BlockCall& call : calls) {
      const BlockKind kind = program_.block(call.block).kind;
      if (is_layer_call(call)) {
        pass.layers.push_back(call);
      } else if (kind == BlockKind::embedding || kind == BlockKind::head || kind == BlockKind::mtp ||
                 kind == BlockKind::mtp_head || is_layer(kind)) {
        (pass.layers.empty() ? pass.before : pass.after).push_back(call);
      }
    }
  }

  void find_layers() {
    const Placement placement = placement_of(program_);
    std::vector<const Chunk*> chunks;  // in model order
    for (const ModelPiece& piece : placement.pieces())
      chunks.push_back(&program_.stages[piece.stage.at()].chunks[piece.chunk.at()]);
    for (const Chunk* chunk : chunks) add(forward_, chunk->forward);
    std::reverse(chunks.begin(), chunks.end());
    for (const Chunk* chunk : chunks) {
      add(backward_, chunk->backward);
      add(weight_, chunk->weight);
    }
  }

  /// A layer, and the layers or ends next to it: joins lists of calls.
  static Calls joined(const BlockCall& first, const Calls& more) {
    Calls calls{first};
    calls.insert(calls.end(), more.begin(), more.end());
    return calls;
  }

  /// From the first kernel of a list up to the first kernel of `next`.
  Seconds up_to(const Calls& calls, const BlockCall& next) {
    Seconds sum;
    for (std::size_t i = 0; i < calls.size(); ++i)
      sum += chains_.between(calls[i], i + 1 < calls.size() ? calls[i + 1] : next);
    return sum;
  }

  /// @param calls  one for each layer, in the order in which the pass runs them
  void measure(LayerFloor::LayerPass& pass, const Calls& calls) {
    pass.layers.resize(layers_);
    for (std::size_t i = 0; i < calls.size(); ++i) {
      LayerFloor::Layer& layer = pass.layers[calls[i].layer.at()];
      layer.rest = chains_.rest(calls[i]);
      const PassChains::Stops stops = chains_.stops(calls[i].block);
      layer.stopped_before = stops.before;
      layer.stopped_after = stops.after;
      if (i > 0) layer.lead = lead_of(calls[i - 1], calls[i]);
      if (i + 1 == calls.size()) continue;
      layer.to_next = chains_.between(calls[i], calls[i + 1]);
      layer.output = std::min(layer.rest, chains_.output(calls[i], calls[i + 1]));
    }
    pass.until.push_back({});
    for (const LayerFloor::Layer& layer : pass.layers)
      pass.until.push_back(pass.until.back() + layer.to_next);
  }

  Seconds lead_of(const BlockCall& a, const BlockCall& b) {
    const auto [known, is_new] = leads_.try_emplace({a.block, b.block});
    if (is_new) known->second = chains_.lead(a, b);
    return known->second;
  }

  void measure_forward() {
    measure(floor_.forward_, forward_.layers);
    floor_.before_layers_ = up_to(forward_.before, forward_.layers.front());
    floor_.from_last_layer_ = chains_.of(joined(forward_.layers.back(), forward_.after));
  }

  void measure_backward() {
    measure(floor_.backward_, backward_.layers);
    floor_.before_backward_ = up_to(backward_.before, backward_.layers.front());
    floor_.from_first_layer_ = chains_.of(joined(backward_.layers.back(), backward_.after));
  }

  void measure_weights() {
    std::vector<Seconds> seconds(layers_);
    for (const BlockCall& call : weight_.layers) seconds[call.layer.at()] = chains_.kernels(call.block);
    floor_.weight_until_.push_back({});
    for (const Seconds layer : seconds) floor_.weight_until_.push_back(floor_.weight_until_.back() + layer);
  }

  /// What a layer adds to the bytes that are alive after its forward pass, behind its predecessor. Measured once for
  /// each pair of their blocks. The first layer counts as the second does, if they are alike.
  void measure_saved() {
    const TensorTable tensors(program_);
    std::map<std::pair<BlockId, BlockId>, Bytes> known;
    const Calls& forward = forward_.layers;
    std::vector<Bytes> saved(layers_);
    for (std::size_t layer = 1; layer < layers_; ++layer) {
      const auto [found, is_new] = known.try_emplace({forward[layer - 1].block, forward[layer].block});
      if (is_new) found->second = saved_by(layer, tensors);
      saved[layer] = found->second;
    }
    if (layers_ > 1 && forward[0].block == forward[1].block) saved[0] = saved[1];
    floor_.saved_until_.push_back(Bytes(0));
    for (const Bytes bytes : saved) floor_.saved_until_.push_back(floor_.saved_until_.back() + bytes);
  }

  void count_flops() {
    const auto flops = [&](const BlockCall& call) {
      Flops sum;
      for (const Op& op : program_.block(call.block).ops) sum += op_flops(op).hardware;
      return sum;
    };
    for (const BlockCall& call : forward_.layers) floor_.costs_.layers.push_back(flops(call));
    for (const BlockCall& call : forward_.after) {
      floor_.costs_.end += flops(call);
      floor_.costs_.has_mtp |= program_.block(call.block).kind == BlockKind::mtp;
    }
  }

  /// @param layer  not the first one
  [[nodiscard]] Bytes saved_by(std::size_t layer, const TensorTable& tensors) const {
    const std::array<std::span<const BlockCall>, 3> passes{
        std::span(forward_.layers).subspan(layer - 1, 2),
        std::span(backward_.layers).subspan(layers_ - layer - 1, 2),
        weight_.layers.empty() ? std::span<const BlockCall>()
                               : std::span(weight_.layers).subspan(layers_ - layer - 1, 2)};
    const BlockMemory memory = trace_memory(program_, tensors, passes).block_calls[1];
    return std::max(Bytes(0), memory.saved - memory.released);
  }

  const StepProgram& program_;
  PassChains chains_;
  std::size_t layers_;
  WholePass forward_;
  WholePass backward_;
  WholePass weight_;
  std::map<std::pair<BlockId, BlockId>, Seconds> leads_;
  LayerFloor floor_;
};

namespace {

/// True if the passes of a job can be told apart by layers.
bool is_layer_by_layer(const JobSpec& job) {
  const TrainingSpec& training = job.training;
  // Passes in turns hide each other's communication; copies to the host have a lane of their own; steps that overlap
  // hide what a stage waits for its first activations.
  const bool is_mixed = training.overlap.ep == EpOverlap::in_turns || training.uses_host() ||
                        training.optimizer_post_validation;
  return !job.parallelism.mtp_place && !training.optimizer_in_backward && !is_mixed &&
         std::holds_alternative<AllLayers>(training.recompute_layers);
}

}  // namespace

std::optional<LayerFloor> LayerFloor::of(const JobSpec& job) {
  if (!is_layer_by_layer(job)) return std::nullopt;
  const StepProgram program = build_pass_program(job);
  const OpTimes times = price_operations(program, CostModel(job));
  return LayerFloorBuilder(job, program, times, DpTime::none).build();
}

std::optional<LayerFloor> LayerFloor::of(const JobSpec& job, const StepProgram& program,
                                         const OpTimes& times) {
  if (!is_layer_by_layer(job)) return std::nullopt;
  return LayerFloorBuilder(job, program, times, DpTime::own).build();
}

LayerFloor::PieceTime LayerFloor::piece(std::size_t first, std::size_t end) const {
  const Seconds weights = weight_until_[end] - weight_until_[first];
  const Seconds before = first == 0 ? before_layers_ : Seconds();
  if (first == end)
    return {.forward = before,
            .forward_output = before,
            .backward = weights,
            .backward_output = {},
            .backward_lead = {},
            .stopped = {}};
  const Seconds forward = before + forward_.until[end - 1] - forward_.until[first];
  const Layer& last = forward_.layers[end - 1];
  const bool is_last = end == layers();
  // Backward goes from layer end − 1 down to `first`: the steps to the next are those of the layers above `first`.
  const Seconds backward =
      (is_last ? before_backward_ : Seconds()) + backward_.until[end] - backward_.until[first + 1];
  const Layer& lowest = backward_.layers[first];
  const Seconds rest = first == 0 ? from_first_layer_ : lowest.rest;
  // Within a pass it counts between the kernels; the ends of the model are joined to the outermost layers.
  Seconds stopped;
  if (first > 0) stopped += forward_.layers[first].stopped_before + lowest.stopped_after;
  if (!is_last) stopped += last.stopped_after + backward_.layers[end - 1].stopped_before;
  return {.forward = forward + (is_last ? from_last_layer_ : last.rest),
          .forward_output = forward + (is_last ? from_last_layer_ : last.output),
          .backward = backward + rest + weights,
          .backward_output = backward + (first == 0 ? rest : lowest.output),
          .backward_lead = backward_.layers[end - 1].lead,
          .stopped = stopped};
}

}  // namespace foreshard
