#include <deque>

#include "planner/program/schedule/v_order.hpp"

namespace foreshard::detail {
namespace {

/// The order of one stage, with weight passes that wait in the order of their backward passes.
class DualPipeOrder {
 public:
  void forward(std::int64_t chunk) { order_.forward(chunk); }
  /// A whole backward pass, or its input gradients alone.
  void backward(std::int64_t chunk, bool splits) {
    if (!splits) return order_.both(chunk);
    order_.backward(chunk);
    waiting_.push_back(chunk);
  }
  void next_weight() {
    if (waiting_.empty()) return;
    order_.weight(waiting_.front());
    waiting_.pop_front();
  }
  [[nodiscard]] std::vector<Slot> take() { return order_.take(); }

 private:
  VOrder order_;
  std::deque<std::int64_t> waiting_;
};

}  // namespace

// The eight steps of DeepSeek's DualPipeV. In the main one each stage runs a forward of one chunk with a whole backward
// of the other; DeepSeek runs both as one pass in which each hides the communication of the other.
std::vector<Slot> dualpipe_v_order(const ScheduleShape& shape, StageId stage) {
  const std::int64_t p = shape.stages;
  const std::int64_t s = stage.value();
  const std::int64_t behind = p - s - 1;  // stages further down the V
  DualPipeOrder order;
  for (std::int64_t i = 0; i < 2 * behind; ++i) order.forward(0);
  for (std::int64_t i = 0; i <= s; ++i) {
    order.forward(0);
    order.forward(1);
  }
  for (std::int64_t i = 0; i < behind; ++i) {
    order.backward(1, true);
    order.next_weight();
    order.forward(1);
  }
  for (std::int64_t i = 0; i < shape.micro_batches - 2 * p + s + 1; ++i) {
    order.forward(0);
    order.backward(1, false);
    order.forward(1);
    order.backward(0, false);
  }
  for (std::int64_t i = 0; i < behind; ++i) {
    order.backward(1, false);
    order.forward(1);
    order.backward(0, false);
  }
  // Of the remaining s + 1 backward passes of each chunk, the second half leaves its weight gradients for the end.
  const std::int64_t half = (s + 1) / 2;
  for (std::int64_t i = 0; i <= s; ++i) {
    order.backward(1, i > half || (i == half && s % 2 == 1));
    order.backward(0, i >= half);
  }
  for (std::int64_t i = 0; i < behind; ++i) {
    order.next_weight();
    order.backward(0, true);
  }
  for (std::int64_t i = 0; i <= s; ++i) order.next_weight();
  return order.take();
}

}  // namespace foreshard::detail
