#pragma once

#include <span>
#include <vector>

namespace foreshard {

/// A time interval, in seconds.
struct Stretch {
  double from = 0.0;
  double to = 0.0;
};

/// An interval in which communication runs, and the share of their speed that kernels lose to it, in [0, 1).
struct Load {
  double from = 0.0;
  double to = 0.0;
  double share = 0.0;
};

/// The intervals in which communication runs on a rank, and how it slows the rank's kernels by contention: while
/// communications run, kernels lose the largest of their shares. Keeps only the latest few hundred intervals.
/// Example with a share of 0.2: communication runs from 1 s to 6 s. A kernel of 3 s that starts at 0 does 1 s
/// of its work by 1 s; the other 2 s take 2/0.8 = 2.5 s. It ends at 3.5 s.
class LaneLoads {
 public:
  /// Returns the end of a kernel that starts at `start` and takes `seconds` without communication.
  [[nodiscard]] double kernel_end(double start, double seconds) const;
  /// Returns by how many seconds a communication delays kernels that have already been played. Where kernels already
  /// lose a share, only what it takes beyond that counts. 0 if the communication starts after the kernels.
  /// @param kernels  intervals in which kernels run, ascending
  [[nodiscard]] double taken_from(std::span<const Stretch> kernels, const Load& communication) const;
  /// Adds a communication; it slows kernels that are played from now on.
  void add(const Load& communication);

 private:
  std::vector<Load> loads_;  // ascending, disjoint
};

}  // namespace foreshard
