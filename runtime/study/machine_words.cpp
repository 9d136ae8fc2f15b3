#include "runtime/study/machine_words.hpp"

#include <fmt/format.h>

namespace foreshard {

std::string machine_words(const MpiSession& session, const Device& device, const Communicator& communicator) {
  return fmt::format("{} rank{} of {} ({}), {}", session.size(), session.size() == 1 ? "" : "s",
                     session.host(), device.name(), communicator.name());
}

}  // namespace foreshard
