#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "runtime/execute/executor.hpp"

namespace foreshard {

/// Records the logits of every micro-batch before backward overwrites them, and the experts to which its
/// tokens were routed.
class OutputRecorder final : public StepObserver {
 public:
  OutputRecorder(const RankPlan& plan, const Device& device) : plan_(plan), device_(device) {}

  void after(std::size_t position) override;

  /// The logits (T, columns on this rank) of one micro-batch. @pre this rank has the head and ran the
  /// micro-batch
  [[nodiscard]] const std::vector<double>& logits(std::int32_t micro_batch) const {
    return logits_.at(micro_batch);
  }
  /// @pre one rank ran the whole batch
  [[nodiscard]] const RouteRecord& routes() const { return routes_; }
  [[nodiscard]] bool empty() const { return logits_.empty(); }
  [[nodiscard]] std::int64_t columns() const { return columns_; }

 private:
  const RankPlan& plan_;
  const Device& device_;
  void keep_routes(const OpRun& at);

  std::map<std::int32_t, std::vector<double>> logits_;
  RouteRecord routes_;
  std::int64_t columns_ = 0;
};

}  // namespace foreshard
