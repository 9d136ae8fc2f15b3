#include "runtime/study/executable_overlap.hpp"

#include <fmt/format.h>

namespace foreshard {

std::string executable_overlap(const JobSpec& job) {
  const OverlapSpec& overlap = job.training.overlap;
  return fmt::format("{{tp: {}, dp: {}, pp: {}, cp: false, ep: false}}",
                     overlap.tp == TpOverlap::none ? "none" : "wgrad", overlap.dp && job.parallelism.zero < 2,
                     overlap.pp);
}

}  // namespace foreshard
