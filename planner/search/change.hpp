#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "planner/search/variants.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// What is recomputed, and in which layers.
struct RecomputeChoice {
  Recompute mode = Recompute::none;
  std::vector<RecomputeModule> modules{};
  RecomputeLayers layers{};

  // NOLINTNEXTLINE(google-explicit-constructor): a mode alone is the usual choice
  RecomputeChoice(Recompute in_all_layers) : mode(in_all_layers) {}
  RecomputeChoice(std::vector<RecomputeModule> listed)
      : mode(Recompute::modules), modules(std::move(listed)) {}
  RecomputeChoice(Recompute what, RecomputeLayers where) : mode(what), layers(std::move(where)) {}
  friend bool operator==(const RecomputeChoice&, const RecomputeChoice&) = default;
};

/// A small change of a job that may save memory. Values that are not set stay as they are in the job.
struct Change {
  std::optional<bool> expandable_segments{};
  std::optional<std::int64_t> zero{};
  std::optional<DType> gradient_dtype{};
  std::optional<std::int64_t> loss_chunks{};
  std::optional<RecomputeChoice> recompute{};
  std::optional<bool> sequence_parallel{};
  std::optional<std::int64_t> cp{};
  std::optional<std::int64_t> micro_batch{};
  std::optional<MomentType> moments{};
  std::optional<OptimizerKind> optimizer{};  ///< adamw_8bit: with moments in int8
  std::optional<MasterWeights> master{};
  std::optional<bool> optimizer_in_backward{};
  std::optional<bool> paged_states{};
  std::optional<double> offload_optimizer{};    ///< share of the states that goes to the host
  std::optional<double> offload_activations{};  ///< share of the activations
  std::optional<std::int64_t> tp{};
  std::optional<std::int64_t> pp{};
  std::optional<std::int64_t> ep{};
  std::optional<std::int64_t> nodes{};

  [[nodiscard]] bool uses_host() const { return paged_states || offload_optimizer || offload_activations; }
};

/// What can be recomputed, from nothing to everything: none, the lists of modules that an expert tries where the
/// framework knows them, single operations, all layers whole.
std::vector<RecomputeChoice> recompute_choices(const JobSpec& job);

/// Single changes on the same devices, in the order in which an expert tries them: segments that grow, gradients in bf16, sharding
/// the optimizer (ZeRO 1, 2, 3), the loss in eight parts, recomputation (modules, single operations, half of the layers, all layers),
/// sequence parallelism, context parallelism, smaller micro-batches, moments in bf16 or, in PyTorch's frameworks, in 8 bits,
/// weights in bf16 without masters, updates in backward, paged states, the optimizer or the activations on
/// the host, more tp within the node, more pp, more ep. Degrees double up to three times. Axes in `fixed` are not changed. The changes are not checked for
/// legality.
std::vector<Change> single_changes(const JobSpec& job, std::span<const Axis> fixed);

/// The place of a change in that order: 0 for what costs nothing, more for what an expert tries later; that of
/// its last part if it sets several values. More devices come last.
int place_of(const Change& change);

/// The union of two changes; none if both set the same value.
std::optional<Change> both(const Change& a, const Change& b);

/// True if `whole` sets everything that `part` sets, and more.
bool is_part_of(const Change& part, const Change& whole);

/// The job after the change. The global batch stays the same, and the other degrees are adapted
/// (follow_degrees). vp shrinks if there are fewer layers than chunks, and ep shrinks to what dp · cp allows.
/// None if the result is not legal or would change an axis in `fixed`.
std::optional<JobSpec> changed_job(const JobSpec& job, const Change& change, std::span<const Axis> fixed);

}  // namespace foreshard
