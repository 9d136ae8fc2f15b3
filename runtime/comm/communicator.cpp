#include "runtime/comm/communicator.hpp"

#include <stdexcept>

namespace foreshard {

Ticket Communicator::run_asynchronously(const CollectiveCall&, const ClockMarks&) {
  throw std::logic_error(name() + " cannot run collectives asynchronously");
}

}  // namespace foreshard
