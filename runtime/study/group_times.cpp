#include "runtime/study/group_times.hpp"

namespace foreshard {

std::vector<Seconds> group_times(const StepProgram& program, const OpGroups& groups, const OpTimes& times,
                                 StageId stage) {
  std::vector<Seconds> sums(groups.groups.size());
  const std::vector<std::int64_t> block_calls = count_block_calls(program, stage);
  for (std::size_t block = 0; block < block_calls.size(); ++block) {
    for (std::size_t op = 0; op < times[block].size(); ++op)
      sums[groups.group_of[block][op]] += times[block][op].time * static_cast<double>(block_calls[block]);
  }
  return sums;
}

}  // namespace foreshard
