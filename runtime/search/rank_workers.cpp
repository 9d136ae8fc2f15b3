#include "runtime/search/rank_workers.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "planner/search/wire/estimate_bytes.hpp"
#include "planner/search/wire/part_bytes.hpp"

namespace foreshard {
namespace {

constexpr std::chrono::microseconds kAskedEach{100};

std::vector<SearchTask> tasks_for(SearchTask::Kind kind, std::size_t site, std::span<const PlanPoint> plans) {
  std::vector<SearchTask> tasks;
  for (const PlanPoint& plan : plans) tasks.push_back({.kind = kind, .site = site, .plan = plan});
  return tasks;
}

}  // namespace

RankWorkers::RankWorkers(const MpiSession& session, const SearchRequest& request,
                         std::vector<std::size_t> threads)
    : mailbox_(session),
      own_(request, threads.front()),
      threads_(std::move(threads)),
      busy_(threads_.size()) {}

std::vector<SpacePart> RankWorkers::bound(std::size_t site, const SiteWork& work,
                                          const StudyProgress& progress) {
  std::vector<SpacePart> parts(work.space().parts());
  std::deque<SearchTask> tasks;
  for (std::size_t part = 0; part < parts.size(); ++part)
    tasks.push_back({.kind = SearchTask::Kind::bound, .site = site, .part = part});
  std::size_t done = 0;
  while (done < parts.size() && !work.is_stopped()) {
    hand_out(tasks, 0);
    collect();
    for (auto& [task, result] : done_) {
      // What another site's search has begun ahead may come in late.
      if (task.kind != SearchTask::Kind::bound || task.site != site) continue;
      parts[task.part] = part_of_bytes(result);
      ++done;
      if (progress)
        progress("bounding plans", static_cast<std::int64_t>(done), static_cast<std::int64_t>(parts.size()));
    }
    done_.clear();
  }
  return parts;
}

std::vector<std::optional<CloseFloor>> RankWorkers::bound_closely(std::size_t site, const SiteWork& work,
                                                                  std::span<const PlanPoint> plans) {
  std::vector<std::optional<CloseFloor>> floors;
  const std::vector<SearchTask> tasks = tasks_for(SearchTask::Kind::bound_closely, site, plans);
  for (const std::optional<std::string>& bytes : done_by_ranks(work, tasks, {}))
    floors.push_back(bytes ? std::optional(close_floor_of_bytes(*bytes)) : std::nullopt);
  return floors;
}

std::vector<std::optional<EstimatedPlan>> RankWorkers::estimate(std::size_t site, const SiteWork& work,
                                                                std::span<const PlanPoint> plans,
                                                                const Later& later) {
  constexpr auto kEstimate = SearchTask::Kind::estimate;
  std::vector<SearchTask> further;
  if (threads_.size() > 1)
    further = tasks_for(kEstimate, site,
                        later(2 * std::accumulate(threads_.begin(), threads_.end(), std::size_t{0})));
  std::vector<std::optional<EstimatedPlan>> estimated;
  for (const std::optional<std::string>& bytes :
       done_by_ranks(work, tasks_for(kEstimate, site, plans), further))
    estimated.push_back(bytes ? std::optional(plan_of_bytes(*bytes)) : std::nullopt);
  return estimated;
}

std::vector<std::optional<std::string>> RankWorkers::done_by_ranks(const SiteWork& work,
                                                                   const std::vector<SearchTask>& wanted,
                                                                   const std::vector<SearchTask>& further) {
  std::deque<SearchTask> tasks;
  for (const std::vector<SearchTask>* some : {&wanted, &further}) {
    std::copy_if(some->begin(), some->end(), std::back_inserter(tasks),
                 [&](const SearchTask& task) { return !is_known(task); });
  }
  std::vector<std::optional<std::string>> results(wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    auto done = done_.find(wanted[i]);
    for (; done == done_.end() && !work.is_stopped(); done = done_.find(wanted[i])) {
      hand_out(tasks, 1);
      collect();
    }
    if (done == done_.end()) break;
    results[i] = std::move(done->second);
    done_.erase(done);
  }
  return results;
}

void RankWorkers::end(int exit_code) {
  while (!handed_out_.empty()) collect();
  for (std::size_t rank = 1; rank < threads_.size(); ++rank)
    mailbox_.send(Rank(rank), to_bytes(SearchTask{.kind = SearchTask::Kind::end, .exit_code = exit_code}));
  mailbox_.finish();
}

void RankWorkers::hand_out(std::deque<SearchTask>& tasks, std::size_t ahead) {
  // Other ranks may have one task waiting, because a message takes longer than a call; this one need not.
  const auto room = [&](std::size_t rank) { return threads_[rank] + (rank > 0 ? ahead : 0); };
  bool has_room = true;
  while (has_room && !tasks.empty()) {
    has_room = false;
    for (std::size_t rank = 0; rank < threads_.size() && !tasks.empty(); ++rank) {
      if (busy_[rank] >= room(rank)) continue;
      has_room = true;
      ++busy_[rank];
      handed_out_.insert(tasks.front());
      if (rank == 0)
        own_.add(tasks.front());
      else
        mailbox_.send(Rank(rank), to_bytes(tasks.front()));
      tasks.pop_front();
    }
  }
}

void RankWorkers::collect() {
  bool any = false;
  while (std::optional<Mailbox::Letter> letter = mailbox_.receive()) {
    note(done_of_bytes(letter->bytes), letter->from);
    any = true;
  }
  while (std::optional<DoneTask> done = own_.take(any ? std::chrono::microseconds(0) : kAskedEach)) {
    note(*std::move(done), Rank(0));
    any = true;
  }
}

void RankWorkers::note(DoneTask done, Rank by) {
  --busy_[by.at()];
  handed_out_.erase(done.task);
  done_.emplace(done.task, std::move(done.result));
}

}  // namespace foreshard
