#pragma once

#include <span>
#include <vector>

namespace foreshard {

/// From one time to another, in seconds.
struct Stretch {
  double from = 0.0;
  double to = 0.0;
};

/// When communication runs beside a rank's kernels, which it slows: they run at what it leaves of their speed while at
/// least one communication is under way. Keeps the latest few hundred stretches.
class LaneLoads {
 public:
  /// @param share_left  of a kernel's speed, in (0, 1]
  explicit LaneLoads(double share_left) : share_left_(share_left) {}

  [[nodiscard]] bool slows_nothing() const { return share_left_ == 1.0; }
  /// When a kernel ends that starts now and takes `seconds` alone.
  [[nodiscard]] double kernel_end(double start, double seconds) const;
  /// What a communication in this stretch takes from kernels that were played in these, ascending. 0 where it comes
  /// behind them.
  [[nodiscard]] double taken_from(std::span<const Stretch> kernels, Stretch communication) const;
  /// Kernels to come will see it.
  void add(Stretch communication);

 private:
  [[nodiscard]] double alone_in(std::span<const Stretch> kernels, Stretch within) const;

  double share_left_;
  std::vector<Stretch> loads_;  // ascending, apart
};

}  // namespace foreshard
