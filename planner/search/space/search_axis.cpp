#include "planner/search/space/search_axis.hpp"

#include <algorithm>

namespace foreshard {
namespace {

struct AxisInfo {
  std::string_view word;
  std::string_view key;
  JobParts part;
};

/// By SearchAxis.
constexpr std::array<AxisInfo, kSearchAxisCount> kInfos{
    {{"precision", "training.precision", job_part::precision},
     {"offload", "training.offload", job_part::offload},
     {"tp", "parallelism.tp", job_part::tp},
     {"cp", "parallelism.cp", job_part::cp},
     {"pp", "parallelism.pp", job_part::pp},
     {"ep", "parallelism.ep", job_part::ep},
     {"etp", "parallelism.etp", job_part::etp},
     {"micro_batch", "training.micro_batch", job_part::micro_batch},
     {"sequence_parallel", "parallelism.sequence_parallel", job_part::sequence_parallel},
     {"overlap_tp", "training.overlap.tp", job_part::overlap_tp},
     {"recompute", "training.recompute", job_part::recompute},
     {"dispatcher", "training.dispatcher", job_part::dispatcher},
     {"vp", "parallelism.vp", job_part::vp},
     {"schedule", "training.schedule", job_part::schedule},
     {"stages", "parallelism.stages", job_part::stages},
     {"overlap_pp", "training.overlap.pp", job_part::overlap_pp},
     {"overlap_dp", "training.overlap.dp", job_part::overlap_dp},
     {"zero", "parallelism.zero", job_part::zero},
     {"dp_shard", "parallelism.dp_shard", job_part::dp_shard}}};

const AxisInfo& info(SearchAxis axis) { return kInfos[static_cast<std::size_t>(axis)]; }

}  // namespace

std::string_view word_of_axis(SearchAxis axis) { return info(axis).word; }
std::string_view key_of_axis(SearchAxis axis) { return info(axis).key; }
JobParts part_of_axis(SearchAxis axis) { return info(axis).part; }

std::optional<SearchAxis> axis_of_word(std::string_view word) {
  for (const SearchAxis axis : kSearchAxes)
    if (info(axis).word == word) return axis;
  return std::nullopt;
}

std::vector<SearchAxis> usual_axes(bool has_experts) {
  std::vector<SearchAxis> axes{SearchAxis::tp, SearchAxis::pp, SearchAxis::micro_batch, SearchAxis::recompute,
                               SearchAxis::zero};
  if (has_experts) axes.insert(axes.begin() + 2, SearchAxis::ep);
  return axes;
}

std::vector<SearchAxis> all_axes(bool has_experts) {
  std::vector<SearchAxis> axes(kSearchAxes.begin(), kSearchAxes.end());
  std::erase_if(axes, [](SearchAxis axis) {
    return axis == SearchAxis::dispatcher || axis == SearchAxis::overlap_tp ||
           axis == SearchAxis::overlap_pp || axis == SearchAxis::overlap_dp ||
           axis == SearchAxis::precision || axis == SearchAxis::offload;
  });
  if (has_experts) return axes;
  std::erase(axes, SearchAxis::ep);
  std::erase(axes, SearchAxis::etp);
  return axes;
}

}  // namespace foreshard
