#include "runtime/search/task_threads.hpp"

#include <utility>

namespace foreshard {

TaskThreads::TaskThreads(const SearchRequest& request, std::size_t threads) : request_(request) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

TaskThreads::~TaskThreads() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  added_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void TaskThreads::add(const SearchTask& task) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(task);
  }
  added_.notify_one();
}

std::optional<DoneTask> TaskThreads::take(std::chrono::microseconds most) {
  std::unique_lock lock(mutex_);
  completed_.wait_for(lock, most, [&] { return failure_ || !done_.empty(); });
  if (failure_) std::rethrow_exception(failure_);
  if (done_.empty()) return std::nullopt;
  DoneTask done = std::move(done_.front());
  done_.pop_front();
  return done;
}

void TaskThreads::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    added_.wait(lock, [&] { return ends_ || !waiting_.empty(); });
    if (ends_) return;
    const SearchTask task = waiting_.front();
    waiting_.pop_front();
    lock.unlock();
    std::optional<DoneTask> done;
    std::exception_ptr failure;
    try {
      done = do_task(*work_of(task.site), task);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (done) done_.push_back(*std::move(done));
    if (failure && !failure_) failure_ = failure;
    completed_.notify_one();
  }
}

std::shared_ptr<const SiteWork> TaskThreads::work_of(std::size_t site) {
  {
    const std::lock_guard lock(mutex_);
    if (work_ && site_ == site) return work_;
  }
  // Made without the lock: two threads may make the same one, which is cheap beside a task.
  auto made = std::make_shared<const SiteWork>(request_.sites.at(site), request_);
  const std::lock_guard lock(mutex_);
  site_ = site;
  work_ = made;
  return made;
}

}  // namespace foreshard
