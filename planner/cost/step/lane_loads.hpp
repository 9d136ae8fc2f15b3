#pragma once

#include <span>
#include <vector>

namespace foreshard {

/// A time interval, in seconds.
struct Stretch {
  double from = 0.0;
  double to = 0.0;
};

/// The intervals in which communication runs on a rank, and how it slows the rank's kernels by contention:
/// while at least one communication runs, kernels run at `share_left` of their speed. Keeps only the latest
/// few hundred intervals.
/// Example with share_left 0.8: communication runs from 1 s to 6 s. A kernel of 3 s that starts at 0 does 1 s
/// of its work by 1 s; the other 2 s take 2/0.8 = 2.5 s. It ends at 3.5 s.
class LaneLoads {
 public:
  /// @param share_left  share of a kernel's speed that is left during communication, in (0, 1]
  explicit LaneLoads(double share_left) : share_left_(share_left) {}

  [[nodiscard]] bool slows_nothing() const { return share_left_ == 1.0; }
  /// Returns the end of a kernel that starts at `start` and takes `seconds` without communication.
  [[nodiscard]] double kernel_end(double start, double seconds) const;
  /// Returns by how many seconds a communication in this interval delays kernels that have already been
  /// played. Intervals that already have communication are not slowed again. 0 if the communication starts
  /// after the kernels.
  /// @param kernels  intervals in which kernels run, ascending
  [[nodiscard]] double taken_from(std::span<const Stretch> kernels, Stretch communication) const;
  /// Adds an interval of communication; it slows kernels that are played from now on.
  void add(Stretch communication);

 private:
  [[nodiscard]] double alone_in(std::span<const Stretch> kernels, Stretch within) const;

  double share_left_;
  std::vector<Stretch> loads_;  // ascending, disjoint
};

}  // namespace foreshard
