#include "sim/study/simulation_options.hpp"

namespace foreshard {

SimulationOptions simulation_options(const CostModel& cost) {
  const Interference interference = cost.interference();
  SimulationOptions options;
  options.communication_share = interference.communication_share;
  options.exchange_share = interference.exchange_share;
  options.read_back = interference.read_back;
  return options;
}

}  // namespace foreshard
