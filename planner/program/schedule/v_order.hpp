#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "planner/program/schedule/orders.hpp"

namespace foreshard::detail {

/// Appends passes of a stage's two chunks to an order. Each pass of a chunk takes the chunk's next micro-batch.
class VOrder {
 public:
  void forward(std::int64_t chunk) { append(Pass::forward, chunk); }
  /// Input gradients.
  void backward(std::int64_t chunk) { append(Pass::backward, chunk); }
  void weight(std::int64_t chunk) { append(Pass::weight, chunk); }
  /// The whole backward pass.
  void both(std::int64_t chunk) {
    backward(chunk);
    weight(chunk);
  }

  /// How often a pass of a chunk was appended.
  [[nodiscard]] std::int64_t count(Pass pass, std::int64_t chunk) const {
    return counts_[static_cast<std::size_t>(pass)][static_cast<std::size_t>(chunk)];
  }
  [[nodiscard]] std::vector<Slot> take() { return std::move(order_); }

 private:
  void append(Pass pass, std::int64_t chunk) {
    std::int64_t& count = counts_[static_cast<std::size_t>(pass)][static_cast<std::size_t>(chunk)];
    order_.push_back(make_slot(pass, chunk, count++));
  }

  std::vector<Slot> order_;
  std::array<std::array<std::int64_t, 2>, 3> counts_{};
};

}  // namespace foreshard::detail
