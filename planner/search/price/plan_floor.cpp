#include "planner/search/price/plan_floor.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <utility>

#include "planner/cost/memory/memory_band.hpp"
#include "planner/program/build/stage_layout.hpp"
#include "planner/program/schedule/schedule.hpp"
#include "planner/search/price/stage_floors.hpp"

namespace foreshard {
namespace {

/// Sums in another order than the estimate's differ by rounding.
constexpr double kRounding = 1.0 - 1e-9;

/// A plan with the same states: one chunk per stage, and a step of two micro-batches, which gradients are summed over.
JobSpec plain(const JobSpec& job) {
  JobSpec plain = job;
  ParallelismSpec& p = plain.parallelism;
  p.vp = 1;
  p.stage_policy = StagePolicy::even;
  p.stage_layers.clear();
  p.mtp_place.reset();
  plain.training.schedule = ScheduleKind::one_f_one_b;
  const std::int64_t few = std::min<std::int64_t>(job.micro_batches(), 2);
  plain.training.global_batch = job.training.global_batch / job.micro_batches() * few;
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

std::uint64_t states_key(const PlanPoint& point) {
  return packed({point[SearchAxis::pp], point[SearchAxis::ep], point[SearchAxis::etp],
                 point[SearchAxis::sequence_parallel], point[SearchAxis::overlap_dp], point[SearchAxis::zero],
                 point[SearchAxis::dp_shard]});
}

/// The places that decide how layers are put on stages, and in which order the passes run.
std::uint64_t stages_key(const PlanPoint& point) {
  return packed({point[SearchAxis::pp], point[SearchAxis::vp], point[SearchAxis::stages],
                 point[SearchAxis::schedule], point[SearchAxis::micro_batch]});
}

}  // namespace

PlanFloors::PlanFloors(const JobSpec& base, std::optional<Bytes> most_needed)
    : has_experts_(base.model.experts.has_value()),
      zero_changes_weights_(is_scaled(product_type(base.training.precision, base.training.fp8_scaling))),
      fragmentation_(usual_fragmentation(base)),
      context_(base.cluster.accelerator.is_cpu ? Bytes(0) : base.conventions().context),
      most_needed_(most_needed) {}

/// A layer's groups are those of tp, cp, ep and etp, wherever its stage is: pp is not a part of the key. The lowest byte is
/// the place of the micro-batch.
PlanFloors::Key PlanFloors::layer_key(const PlanPoint& point, const JobSpec& job) const {
  const ParallelismSpec& p = job.parallelism;
  const int zero = p.zero >= 2 || zero_changes_weights_ ? p.zero : 0;
  const bool has_replicas = zero > 0 && p.dp * p.cp > 1;
  const bool has_expert_replicas = zero > 0 && has_experts_ && p.expert_replicas() > 1;
  const bool cuts_over_tp = has_experts_ && p.expert_tp() == p.tp;
  const auto sharding = static_cast<unsigned>(zero) | (has_replicas ? 4U : 0U) |
                        (has_expert_replicas ? 8U : 0U) |
                        (splits_backward(job.training.schedule) ? 16U : 0U) | (cuts_over_tp ? 32U : 0U);
  return packed({point[SearchAxis::ep], point[SearchAxis::etp], point[SearchAxis::sequence_parallel],
                 point[SearchAxis::overlap_tp], point[SearchAxis::recompute], point[SearchAxis::dispatcher],
                 static_cast<std::uint8_t>(sharding), point[SearchAxis::micro_batch]});
}

PlanFloors::LayerEntry& PlanFloors::build_layers(Key key, const JobSpec& job) {
  LayerEntry& entry = layers_[key];
  JobSpec one = job;
  one.parallelism.dp_shard.reset();
  // What runs beside compute does not matter: gathers and sums over dp take no time here.
  one.training.overlap.dp = one.training.overlap.gather = false;
  entry.floor = LayerFloor::of(one);
  programs_ += entry.floor ? 1 : 0;
  return entry;
}

const StateFloor& PlanFloors::states_of(Key key, const JobSpec& job) {
  const auto known = states_.find(key);
  if (known != states_.end()) return known->second;
  ++programs_;
  const JobSpec one = plain(job);
  return states_.emplace(key, StateFloor::of(one)).first->second;
}

PlanFloors::Layout& PlanFloors::layout_of(LayerEntry& layers, const PlanPoint& point, const JobSpec& job) {
  const bool by_cost = job.parallelism.stage_policy == StagePolicy::by_cost;
  const bool in_v = runs_in_v(job.training.schedule);
  const Key key = packed({point[SearchAxis::pp], point[SearchAxis::vp], point[SearchAxis::stages],
                          static_cast<std::uint8_t>(in_v ? 1 : 0)});
  Layout*& of_key = (by_cost ? layers.layouts : layouts_of_counts_)[key];
  if (of_key != nullptr) return *of_key;
  const Placement placement = stage_layout(job, layers.floor->costs());
  std::vector<std::int64_t> counts{job.parallelism.pp, in_v ? 1 : 0};
  for (const ModelPiece& piece : placement.pieces()) counts.push_back(piece.layers.count);
  const auto [entry, is_new] = layouts_.try_emplace(std::move(counts));
  Layout& layout = entry->second;
  for (std::size_t s = 0; is_new && s < placement.stages(); ++s) {
    std::vector<LayerRange>& stage = layout.stages.emplace_back();
    for (std::size_t c = 0; c < placement.chunks(StageId(s)); ++c)
      stage.push_back(placement.piece(StageId(s), ChunkId(c)).layers);
  }
  of_key = &layout;
  return layout;
}

PlanFloors::Stages PlanFloors::make_stages(LayerEntry& entry, const PlanPoint& point, const JobSpec& job) {
  const ScheduleShape shape = shape_of(job);
  Stages stages{.layout = &layout_of(entry, point, job),
                .micro_batches = static_cast<double>(shape.micro_batches)};
  stages.activations.reserve(stages.layout->stages.size());
  for_each_stage(*entry.floor, stages.layout->stages, shape, [&](std::size_t, const StagePasses& passes) {
    const auto same_size =
        std::find_if(stages.by_size.begin(), stages.by_size.end(),
                     [&](const StagesOfSize& size) { return size.layers == passes.layers; });
    if (same_size == stages.by_size.end())
      stages.by_size.push_back({.layers = passes.layers, .passes = passes.total()});
    else
      same_size->passes = std::max(same_size->passes, passes.total());
    stages.most_layers = std::max(stages.most_layers, passes.layers);
    stages.activations.push_back(passes.activations);
  });
  return stages;
}

Bytes PlanFloors::needed(const Stages& stages, const PlanPoint& point, const JobSpec& job) {
  const Key key = states_key(point);
  const auto [known, is_new] = stages.layout->states.try_emplace(key);
  std::vector<Bytes>& of_states = known->second;
  if (is_new) {
    const StateFloor& states = states_of(key, job);
    const bool in_v = runs_in_v(job.training.schedule);
    for (std::size_t s = 0; s < stages.layout->stages.size(); ++s) {
      // In a V the first stage has both ends of the model, and the others have less than a stage of the usual order.
      Bytes bytes = in_v && s > 0 ? Bytes(0) : states.of_stage(s);
      for (const LayerRange& range : stages.layout->stages[s])
        bytes += states.of_layers(range.first.at(), range.end().at());
      of_states.push_back(bytes);
    }
  }
  Bytes most;
  for (std::size_t s = 0; s < of_states.size(); ++s)
    most = std::max(most, of_states[s] + stages.activations[s]);
  const Bytes spread(std::llround(most.as_double() * fragmentation_));
  return most + spread + context_;
}

/// What a plan needs at the least by the activations of the next smaller micro-batch whose layers are known: a larger
/// micro-batch keeps no less. None if none is known or layers' costs decide how they are put on stages.
std::optional<Bytes> PlanFloors::needed_by_smaller(Key layer_key, const PlanPoint& point,
                                                   const JobSpec& job) {
  if (job.parallelism.stage_policy == StagePolicy::by_cost) return std::nullopt;
  for (unsigned place = point[SearchAxis::micro_batch]; place > 0; --place) {
    const auto smaller = layers_.find(--layer_key);
    if (smaller == layers_.end()) continue;
    if (!smaller->second.floor) return std::nullopt;
    const auto [stages, is_new] = smaller->second.of_larger.try_emplace(stages_key(point));
    if (is_new) stages->second = make_stages(smaller->second, point, job);
    return needed(stages->second, point, job);
  }
  return std::nullopt;
}

std::optional<PlanFloor> PlanFloors::floor(const PlanPoint& point, const JobSpec& job) {
  const Key key = layer_key(point, job);
  auto layers = layers_.find(key);
  if (layers == layers_.end()) {
    if (most_needed_) {
      const std::optional<Bytes> bytes = needed_by_smaller(key, point, job);
      if (bytes && *bytes > *most_needed_) return PlanFloor{.step = {}, .needed = *bytes};
    }
    build_layers(key, job);
    layers = layers_.find(key);
  }
  LayerEntry& entry = layers->second;
  if (!entry.floor) return std::nullopt;
  const auto [known, is_new] = entry.stages.try_emplace(stages_key(point));
  if (is_new) known->second = make_stages(entry, point, job);
  const Stages& stages = known->second;
  const StateFloor& states = states_of(states_key(point), job);
  Seconds step = stages.micro_batches * static_cast<double>(stages.most_layers) * states.layer_lane();
  for (const StagesOfSize& size : stages.by_size)
    step = std::max(step, size.passes + static_cast<double>(size.layers) * states.layer_outside());
  return PlanFloor{.step = step * kRounding, .needed = needed(stages, point, job)};
}

}  // namespace foreshard
