#include "planner/search/best/plan_race.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace foreshard {

Bytes needed_by(const Estimate& estimate) { return estimate.memory.reserved + estimate.memory.context; }

PlanRace::PlanRace(const AxisValues& values, const SearchRequest& request, Bytes capacity)
    : values_(values), request_(request), slack_(std::llround(kFrontStep * capacity.as_double())) {
  for (const SearchAxis axis : kSearchAxes)
    of_value_[static_cast<std::size_t>(axis)].resize(values.count(axis));
}

double PlanRace::key(Seconds step, Bytes needed) const {
  return request_.objective == SearchObjective::memory_headroom ? needed.as_double() : step.value();
}
double PlanRace::key(const FoundPlan& plan) const {
  return key(plan.estimate().step.time, needed_by(plan.estimate()));
}

bool PlanRace::comes_before(const FoundPlan& a, const FoundPlan& b) const {
  const double first = key(a);
  const double second = key(b);
  return first != second ? first < second : a.point < b.point;
}

bool PlanRace::may_matter(const BoundedPlan& candidate) const {
  const double least = key(candidate.floor.step, candidate.floor.needed);
  if (best_.size() < request_.top || least <= key(best_.back())) return true;
  if (request_.only_best) return false;
  for (const SearchAxis axis : kSearchAxes) {
    if (values_.count(axis) == 1) continue;
    const auto& known = of_value_[static_cast<std::size_t>(axis)][candidate.point[axis]];
    if (!known || least <= key(*known)) return true;
  }
  return may_join_front(candidate.floor);
}

bool PlanRace::may_join_front(const PlanFloor& floor) const {
  if (fastest_ && floor.step > kFrontReach * *fastest_) return false;
  return std::none_of(front_.begin(), front_.end(), [&](const FoundPlan& plan) {
    return plan.estimate().step.time <= floor.step && needed_by(plan.estimate()) <= floor.needed + slack_;
  });
}

void PlanRace::add(FoundPlan plan) {
  const Seconds step = plan.estimate().step.time;
  const Bytes needed = needed_by(plan.estimate());
  fastest_ = fastest_ ? std::min(*fastest_, step) : step;
  for (const SearchAxis axis : kSearchAxes) {
    if (values_.count(axis) == 1 || request_.only_best) continue;
    std::optional<FoundPlan>& known = of_value_[static_cast<std::size_t>(axis)][plan.point[axis]];
    if (!known || comes_before(plan, *known)) known = plan;
  }
  if (!request_.only_best) add_to_front(plan, step, needed);
  const auto before = [&](const FoundPlan& a, const FoundPlan& b) { return comes_before(a, b); };
  best_.insert(std::upper_bound(best_.begin(), best_.end(), plan, before), std::move(plan));
  if (best_.size() > request_.top) best_.pop_back();
}

void PlanRace::add_to_front(const FoundPlan& plan, Seconds step, Bytes needed) {
  const bool is_beaten = std::any_of(front_.begin(), front_.end(), [&](const FoundPlan& other) {
    return other.estimate().step.time <= step && needed_by(other.estimate()) <= needed;
  });
  if (is_beaten) return;
  std::erase_if(front_, [&](const FoundPlan& other) {
    return step <= other.estimate().step.time && needed <= needed_by(other.estimate());
  });
  front_.push_back(plan);
}

std::vector<FoundPlan> PlanRace::front() const {
  std::vector<FoundPlan> sorted = front_;
  std::sort(sorted.begin(), sorted.end(), [](const FoundPlan& a, const FoundPlan& b) {
    return a.estimate().step.time != b.estimate().step.time ? a.estimate().step.time < b.estimate().step.time
                                                            : a.point < b.point;
  });
  std::vector<FoundPlan> front;
  for (FoundPlan& plan : sorted) {
    const bool is_near = plan.estimate().step.time <= kFrontReach * sorted.front().estimate().step.time;
    if (front.empty() ||
        (is_near && needed_by(plan.estimate()) + slack_ < needed_by(front.back().estimate())))
      front.push_back(std::move(plan));
  }
  return front;
}

std::vector<BestOfValue> PlanRace::values() const {
  std::vector<BestOfValue> values;
  for (const SearchAxis axis : kSearchAxes) {
    const auto& known = of_value_[static_cast<std::size_t>(axis)];
    for (std::size_t place = 0; known.size() > 1 && place < known.size(); ++place)
      values.push_back({axis, values_.word(axis, static_cast<std::uint8_t>(place)), known[place]});
  }
  return values;
}

}  // namespace foreshard
