#include "runtime/study/require_memory.hpp"

#include <stdexcept>

#include "runtime/comm/available_memory.hpp"
#include "runtime/comm/before_run.hpp"

namespace foreshard {

void require_memory(const MpiSession& session, Bytes bytes_per_rank) {
  const auto complaint =
      memory_complaint(bytes_per_rank, session.local_ranks(), available_memory(), session.host());
  if (complaint) throw std::runtime_error(*complaint);
}

}  // namespace foreshard
