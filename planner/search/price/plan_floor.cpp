#include "planner/search/price/plan_floor.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "planner/cost/memory/memory_band.hpp"
#include "planner/program/build/stage_layout.hpp"
#include "planner/program/schedule/schedule.hpp"

namespace foreshard {
namespace {

/// Sums in another order than the estimate's differ by rounding.
constexpr double kRounding = 1.0 - 1e-9;

/// The plan with one chunk per stage, whose blocks the plan has, too.
JobSpec plain(const JobSpec& job) {
  JobSpec plain = job;
  ParallelismSpec& p = plain.parallelism;
  p.vp = 1;
  p.stage_policy = StagePolicy::even;
  p.stage_layers.clear();
  p.mtp_place.reset();
  if (!splits_backward(job.training.schedule)) plain.training.schedule = ScheduleKind::one_f_one_b;
  return plain;
}

ScheduleShape shape_of(const JobSpec& job) {
  return {.kind = job.training.schedule,
          .stages = job.parallelism.pp,
          .chunks = job.parallelism.vp,
          .micro_batches = job.micro_batches()};
}

std::uint64_t packed(std::initializer_list<std::uint8_t> bytes) {
  std::uint64_t key = 0;
  for (const std::uint8_t byte : bytes) key = key << 8U | byte;
  return key;
}

}  // namespace

PlanFloors::PlanFloors(const JobSpec& base)
    : has_experts_(base.model.experts.has_value()),
      zero_changes_weights_(is_scaled(product_type(base.training.precision, base.training.fp8_scaling))),
      fragmentation_(usual_fragmentation(base)),
      context_(base.cluster.accelerator.is_cpu ? Bytes(0) : base.conventions().context) {}

PlanFloors::Key PlanFloors::layer_key(const PlanPoint& point, const JobSpec& job) const {
  const ParallelismSpec& p = job.parallelism;
  const bool has_replicas = p.dp * p.cp > 1;
  const bool has_expert_replicas = has_experts_ && p.expert_replicas() > 1;
  const int zero = p.zero >= 2 || zero_changes_weights_ ? p.zero : 0;
  const auto sharding = static_cast<unsigned>(zero) | (has_replicas ? 4U : 0U) |
                        (has_expert_replicas ? 8U : 0U) | (splits_backward(job.training.schedule) ? 16U : 0U);
  // Without experts, the groups inside a layer are those of tp and cp, wherever its stage is.
  const auto of_experts = [&](SearchAxis axis) { return has_experts_ ? point[axis] : std::uint8_t{0}; };
  return packed({of_experts(SearchAxis::pp), of_experts(SearchAxis::ep), of_experts(SearchAxis::etp),
                 point[SearchAxis::micro_batch], point[SearchAxis::sequence_parallel],
                 point[SearchAxis::recompute], point[SearchAxis::dispatcher],
                 static_cast<std::uint8_t>(sharding)});
}

PlanFloors::LayerEntry& PlanFloors::layers_of(Key key, const JobSpec& job) {
  const auto [entry, is_new] = layers_.try_emplace(key);
  if (!is_new) return entry->second;
  JobSpec one = plain(job);
  one.parallelism.dp_shard.reset();
  if (!job.parallelism.mtp_place && find_illegalities(one).empty()) {
    entry->second.floor = LayerFloor::of(one);
    ++programs_;
  }
  return entry->second;
}

const StateFloor& PlanFloors::states_of(const PlanPoint& point, const JobSpec& job) {
  const Key key =
      packed({point[SearchAxis::pp], point[SearchAxis::ep], point[SearchAxis::etp],
              point[SearchAxis::sequence_parallel], point[SearchAxis::zero], point[SearchAxis::dp_shard]});
  const auto known = states_.find(key);
  if (known != states_.end()) return known->second;
  JobSpec one = plain(job);
  one.training.schedule = ScheduleKind::one_f_one_b;
  ++programs_;
  return states_.emplace(key, StateFloor::of(one)).first->second;
}

const PlanFloors::Stages& PlanFloors::stages_of(LayerEntry& entry, const PlanPoint& point,
                                                const JobSpec& job) {
  const auto [stages, is_new] =
      entry.stages.try_emplace(packed({point[SearchAxis::pp], point[SearchAxis::vp],
                                       point[SearchAxis::stages], point[SearchAxis::schedule]}));
  if (!is_new) return stages->second;
  const LayerFloor& layers = *entry.floor;
  const Placement placement = stage_layout(job.parallelism, layers.costs());
  const bool weights_come_last = splits_backward(job.training.schedule);
  Seconds fill;   // forward passes of the pieces before the stage's first one
  Seconds drain;  // their backward passes
  for (std::size_t s = 0; s < placement.stages(); ++s) {
    Stage& stage = stages->second.emplace_back();
    LayerFloor::PieceTime first_piece;
    for (std::size_t c = 0; c < placement.chunks(StageId(s)); ++c) {
      const LayerRange range = placement.piece(StageId(s), ChunkId(c)).layers;
      const LayerFloor::PieceTime time = layers.piece(range.first.at(), range.end().at());
      if (c == 0) first_piece = time;
      stage.micro_batch += time.forward + time.backward;
      const Bytes saved = layers.saved(range.first.at(), range.end().at());
      stage.saved = c == 0 ? saved : std::min(stage.saved, saved);
      stage.layers += range.count;
      stage.pieces.push_back(range);
    }
    // The next backward pass can start before the stage's last one ends, and may have recomputed before.
    const Seconds early = first_piece.backward - first_piece.backward_output;
    stage.once = fill + (weights_come_last ? Seconds() : std::max(Seconds(), drain - early));
    fill += first_piece.forward_output;
    const Seconds backward = s == 0 ? first_piece.backward : first_piece.backward_output;
    drain += std::max(Seconds(), backward - first_piece.backward_lead);
  }
  return stages->second;
}

std::optional<PlanFloor> PlanFloors::floor(const PlanPoint& point, const JobSpec& job) {
  LayerEntry& layers = layers_of(layer_key(point, job), job);
  if (!layers.floor) return std::nullopt;
  const StateFloor& states = states_of(point, job);
  const Stages& stages = stages_of(layers, point, job);
  const ScheduleShape shape = shape_of(job);
  const auto micro_batches = static_cast<double>(shape.micro_batches);
  Seconds step;
  Bytes bytes;
  for (std::size_t s = 0; s < stages.size(); ++s) {
    const Stage& stage = stages[s];
    const auto layers_here = static_cast<double>(stage.layers);
    const Seconds passes =
        stage.once + micro_batches * stage.micro_batch + layers_here * states.layer_outside();
    const Seconds lane = micro_batches * layers_here * states.layer_lane();
    step = std::max(step, std::max(passes, lane));
    Bytes here = states.of_stage(s) + stage.saved * peak_in_flight(shape, StageId(s));
    for (const LayerRange& range : stage.pieces) here += states.of_layers(range.first.at(), range.end().at());
    bytes = std::max(bytes, here);
  }
  const Bytes spread(std::llround(bytes.as_double() * fragmentation_));
  return PlanFloor{.step = step * kRounding, .needed = bytes + spread + context_};
}

}  // namespace foreshard
