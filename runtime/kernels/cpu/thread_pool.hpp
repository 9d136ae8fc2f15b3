#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace foreshard::cpu {

/// Threads that share work. They sleep, and do not spin, while there is none, because ranks share the
/// machine.
class ThreadPool {
 public:
  /// The calling thread is one of the `threads`. @pre threads ≥ 1
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls work(thread) once on each thread (0 is the calling thread), and returns when all calls have
  /// returned. Allocates nothing. `work` must not throw.
  template <class Work>
  void run(const Work& work) {
    run_job({[](const void* context, int thread) { (*static_cast<const Work*>(context))(thread); }, &work});
  }

 private:
  struct Job {
    void (*call)(const void* context, int thread) = nullptr;
    const void* context = nullptr;
  };
  void run_job(Job job);
  void work_for_ever(int thread);

  std::mutex mutex_;
  std::condition_variable has_work_;
  std::condition_variable is_done_;
  Job job_;
  std::uint64_t jobs_begun_ = 0;
  int still_working_ = 0;
  bool is_ending_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace foreshard::cpu
