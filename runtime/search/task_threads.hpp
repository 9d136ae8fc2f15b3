#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "planner/search/best/search_request.hpp"
#include "runtime/search/search_task.hpp"

namespace foreshard {

/// Threads of one rank that do the tasks of a search, while the rank's main thread talks to the other ranks.
class TaskThreads {
 public:
  /// `request` must outlive this object. @pre threads ≥ 1
  TaskThreads(const SearchRequest& request, std::size_t threads);
  /// Waits for the tasks that have begun; the others are left.
  ~TaskThreads();
  TaskThreads(const TaskThreads&) = delete;
  TaskThreads& operator=(const TaskThreads&) = delete;

  void add(const SearchTask& task);
  /// A task that is done; waits for one, at most so long. @throws what a task has thrown
  std::optional<DoneTask> take(std::chrono::microseconds most);

 private:
  void run();
  [[nodiscard]] std::shared_ptr<const SiteWork> work_of(std::size_t site);

  const SearchRequest& request_;
  std::mutex mutex_;  ///< guards all below but the threads
  std::condition_variable added_;
  std::condition_variable completed_;
  std::deque<SearchTask> waiting_;
  std::deque<DoneTask> done_;
  std::exception_ptr failure_;
  bool ends_ = false;
  std::size_t site_ = 0;                  ///< whose work is kept
  std::shared_ptr<const SiteWork> work_;  ///< sites come one after another, so one is kept
  std::vector<std::thread> threads_;
};

}  // namespace foreshard
