#include "runtime/execute/mean_loss.hpp"

namespace foreshard {

double mean_loss(const RankPlan& plan, double own, Communicator& communicator) {
  const bool counts = plan.coordinates().tp == 0;
  return communicator.sum_over_world(counts ? own : 0.0);
}

}  // namespace foreshard
