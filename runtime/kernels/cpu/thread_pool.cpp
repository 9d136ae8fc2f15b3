#include "runtime/kernels/cpu/thread_pool.hpp"

namespace foreshard::cpu {

ThreadPool::ThreadPool(int threads) {
  for (int thread = 1; thread < threads; ++thread) {
    workers_.emplace_back([this, thread] { work_for_ever(thread); });
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  has_work_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run_job(Job job) {
  if (!workers_.empty()) {
    const std::lock_guard lock(mutex_);
    job_ = job;
    still_working_ = static_cast<int>(workers_.size());
    ++jobs_begun_;
  }
  has_work_.notify_all();
  job.call(job.context, 0);
  std::unique_lock lock(mutex_);
  is_done_.wait(lock, [this] { return still_working_ == 0; });
}

void ThreadPool::work_for_ever(int thread) {
  std::uint64_t jobs_done = 0;
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      has_work_.wait(lock, [&] { return is_ending_ || jobs_begun_ > jobs_done; });
      if (is_ending_) return;
      job = job_;
      ++jobs_done;
    }
    job.call(job.context, thread);
    bool is_last = false;
    {
      const std::lock_guard lock(mutex_);
      is_last = --still_working_ == 0;
    }
    if (is_last) is_done_.notify_one();
  }
}

}  // namespace foreshard::cpu
