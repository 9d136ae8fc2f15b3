#include "runtime/study/executable_overlap.hpp"

#include <string_view>

#include <fmt/format.h>

namespace foreshard {
namespace {

std::string_view executable_exchange(EpOverlap overlap) {
  switch (overlap) {
    case EpOverlap::shared: return "shared";
    case EpOverlap::in_turns: return "1f1b";
    case EpOverlap::none:
    case EpOverlap::pipelined: return "none";
  }
  return "none";
}

}  // namespace

std::string executable_overlap(const JobSpec& job) {
  const OverlapSpec& overlap = job.training.overlap;
  return fmt::format("{{tp: {}, dp: {}, pp: {}, cp: false, ep: {}}}",
                     overlap.tp == TpOverlap::none ? "none" : "wgrad", overlap.dp && job.parallelism.zero < 2,
                     overlap.pp, executable_exchange(overlap.ep));
}

}  // namespace foreshard
