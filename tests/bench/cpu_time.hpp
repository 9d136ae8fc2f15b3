#pragma once

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <vector>

namespace foreshard::bench {

/// Seconds that the calling thread has computed: what others run on the machine meanwhile does not count,
/// though the caches and the memory that they use do.
inline double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Times of one thing, in seconds.
class Times {
 public:
  void add(double seconds) {
    seconds_.insert(std::upper_bound(seconds_.begin(), seconds_.end(), seconds), seconds);
  }
  [[nodiscard]] double at(double quantile) const {
    return seconds_[static_cast<std::size_t>(quantile * static_cast<double>(seconds_.size() - 1))];
  }
  [[nodiscard]] double least() const { return seconds_.front(); }
  [[nodiscard]] double median() const { return at(0.5); }

 private:
  std::vector<double> seconds_;  // ascending
};

/// Runs both in turn, so that a noisy machine is as unkind to one as to the other.
template <class First, class Second>
void measure_in_turn(int repetitions, const First& first, Times& first_times, const Second& second,
                     Times& second_times) {
  first();
  second();
  for (int i = 0; i < repetitions; ++i) {
    const double begin = thread_seconds();
    first();
    const double middle = thread_seconds();
    second();
    const double end = thread_seconds();
    first_times.add(middle - begin);
    second_times.add(end - middle);
  }
}

}  // namespace foreshard::bench
