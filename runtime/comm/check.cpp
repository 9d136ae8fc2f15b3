#include "runtime/comm/check.hpp"

#include <array>

#include <fmt/format.h>
#include <mpi.h>

#include "runtime/comm/communication_error.hpp"

namespace foreshard {

void check_mpi(int result, std::string_view call, const MpiSession& session, std::string_view hint) {
  if (result == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(result, text.data(), &length);
  std::string message = fmt::format("{}: {} failed: {}", place_words(session), call, text.data());
  if (!hint.empty()) message += fmt::format("\nhint: {}", hint);
  throw CommunicationError(message);
}

std::string place_words(const MpiSession& session) {
  const RankActivity activity = session.note().read();
  std::string words = fmt::format("rank {} on host {}", session.rank().value(), session.host());
  if (activity.wire != WireState::none) words += ", in " + wire_words(activity);
  if (activity.name.front() != '\0') words += ", for " + operation_words(activity);
  return words;
}

}  // namespace foreshard
