#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "planner/search/best/search_request.hpp"
#include "planner/search/best/search_workers.hpp"
#include "runtime/comm/mailbox.hpp"
#include "runtime/comm/mpi_session.hpp"
#include "runtime/search/search_task.hpp"
#include "runtime/search/task_threads.hpp"

namespace foreshard {

/// All ranks of a run as the workers of a search: rank 0, which has this object, hands out parts of the space and plans
/// one by one, so that each rank gets the next as soon as it is done with the last; the others serve (serve_search). Rank
/// 0 keeps what is found, and chooses the plans to estimate by the best so far. Ranks that would otherwise wait for
/// the last estimates of a batch begin with plans that are likely to be in the next one.
class RankWorkers final : public SearchWorkers {
 public:
  /// `request` must outlive this object, and is the same on every rank.
  /// @param threads  of each rank, by rank
  RankWorkers(const MpiSession& session, const SearchRequest& request, std::vector<std::size_t> threads);

  std::vector<SpacePart> bound(std::size_t site, const SiteWork& work,
                               const StudyProgress& progress) override;
  std::vector<std::optional<CloseFloor>> bound_closely(std::size_t site, const SiteWork& work,
                                                       std::span<const PlanPoint> plans) override;
  std::vector<std::optional<EstimatedPlan>> estimate(std::size_t site, const SiteWork& work,
                                                     std::span<const PlanPoint> plans,
                                                     const Later& later) override;

  /// Waits for what was handed out, and lets the other ranks return from serve_search with this exit code.
  void end(int exit_code);

 private:
  /// Lets ranks do these tasks, and then begin with others. None: the search was stopped before.
  std::vector<std::optional<std::string>> done_by_ranks(const SiteWork& work,
                                                        const std::vector<SearchTask>& wanted,
                                                        const std::vector<SearchTask>& further);
  /// Hands out tasks to ranks that have less than `ahead` tasks more than threads.
  void hand_out(std::deque<SearchTask>& tasks, std::size_t ahead);
  /// Takes in what is done; waits a little if nothing is.
  void collect();
  void note(DoneTask done, Rank by);
  [[nodiscard]] bool is_known(const SearchTask& task) const {
    return handed_out_.contains(task) || done_.contains(task);
  }

  Mailbox mailbox_;
  TaskThreads own_;
  std::vector<std::size_t> threads_;        // by rank
  std::vector<std::size_t> busy_;           // tasks of each rank
  std::set<SearchTask> handed_out_;         // and not done yet
  std::map<SearchTask, std::string> done_;  // results that nobody has asked for yet
};

}  // namespace foreshard
