#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "runtime/execute/executor.hpp"

namespace foreshard {

/// Records the logits of every head and micro-batch before backward overwrites them, and the experts to which its
/// tokens were routed.
class OutputRecorder final : public StepObserver {
 public:
  OutputRecorder(const RankPlan& plan, const Device& device) : plan_(plan), device_(device) {}

  void after(std::size_t position) override;

  /// A head, by the layer with which its block is called (modules of multi-token prediction have heads of their own),
  /// and a micro-batch.
  using Key = std::pair<LayerId, std::int32_t>;
  /// The logits (T, columns on this rank) of the heads and micro-batches that this rank ran.
  [[nodiscard]] const std::map<Key, std::vector<double>>& logits() const { return logits_; }
  /// @pre one rank ran the whole batch
  [[nodiscard]] const RouteRecord& routes() const { return routes_; }
  [[nodiscard]] bool empty() const { return logits_.empty(); }
  [[nodiscard]] std::int64_t columns() const { return columns_; }

 private:
  const RankPlan& plan_;
  const Device& device_;
  void keep_routes(const OpRun& at);

  std::map<Key, std::vector<double>> logits_;
  RouteRecord routes_;
  std::int64_t columns_ = 0;
};

}  // namespace foreshard
