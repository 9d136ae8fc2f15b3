#include "planner/results/sweep.hpp"

#include <algorithm>

namespace foreshard {
namespace {

template <class Time>
std::vector<const SweepEntry*> ordered(const std::vector<SweepEntry>& entries, Time time) {
  std::vector<const SweepEntry*> order;
  for (const SweepEntry& entry : entries) {
    if (entry.validation) order.push_back(&entry);
  }
  std::stable_sort(order.begin(), order.end(), [&](const SweepEntry* a, const SweepEntry* b) {
    return time(*a->validation) < time(*b->validation);
  });
  return order;
}

}  // namespace

std::vector<const SweepEntry*> Sweep::by_prediction() const {
  return ordered(entries, [](const Validation& validation) { return validation.step.predicted; });
}

std::vector<const SweepEntry*> Sweep::by_measurement() const {
  return ordered(entries, [](const Validation& validation) { return validation.step.measured; });
}

bool Sweep::passed() const {
  return same_order() && std::all_of(entries.begin(), entries.end(), [](const SweepEntry& entry) {
           return !entry.validation || entry.validation->passed();
         });
}

}  // namespace foreshard
