#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "planner/spec/job/validate_job.hpp"

namespace foreshard {

/// What a search varies. dp follows from the devices. The order is that in which values are chosen: what cuts
/// the layers' operations comes first, so that plans with the same operations are neighbours. The first four cut a space
/// into parts (PlanSpace).
enum class SearchAxis : std::uint8_t {
  precision,
  offload,
  tp,
  cp,
  pp,
  ep,
  etp,
  micro_batch,
  sequence_parallel,
  overlap_tp,
  recompute,
  dispatcher,
  vp,
  schedule,
  stages,
  overlap_pp,
  overlap_dp,
  zero,
  dp_shard
};
inline constexpr std::size_t kSearchAxisCount = 19;
inline constexpr std::array<SearchAxis, kSearchAxisCount> kSearchAxes{
    SearchAxis::precision,  SearchAxis::offload,     SearchAxis::tp,
    SearchAxis::cp,         SearchAxis::pp,          SearchAxis::ep,
    SearchAxis::etp,        SearchAxis::micro_batch, SearchAxis::sequence_parallel,
    SearchAxis::overlap_tp, SearchAxis::recompute,   SearchAxis::dispatcher,
    SearchAxis::vp,         SearchAxis::schedule,    SearchAxis::stages,
    SearchAxis::overlap_pp, SearchAxis::overlap_dp,  SearchAxis::zero,
    SearchAxis::dp_shard};

/// The word of an axis on the command line and in results: "micro_batch", "dp_shard".
std::string_view word_of_axis(SearchAxis axis);
std::optional<SearchAxis> axis_of_word(std::string_view word);
/// The key of a job file that the axis sets: "training.micro_batch".
std::string_view key_of_axis(SearchAxis axis);
/// The part of a job that the axis sets; for tp, cp and pp without dp, which follows.
JobParts part_of_axis(SearchAxis axis);

/// The axes that a search varies unless told otherwise: tp, pp, micro_batch, recompute and zero, and with experts ep.
/// They decide most of a plan's time and memory.
std::vector<SearchAxis> usual_axes(bool has_experts);
/// All that leave the mathematics of training as they are and that a framework can choose freely. Without experts,
/// that are not ep and etp. The dispatcher and the overlap of communication stay the framework's, precision and what lies
/// in the host's memory the job's.
std::vector<SearchAxis> all_axes(bool has_experts);

}  // namespace foreshard
