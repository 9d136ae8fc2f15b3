#include "runtime/comm/nccl/nccl_check.hpp"

#include <fmt/format.h>

#include "runtime/comm/check.hpp"
#include "runtime/comm/communication_error.hpp"

namespace foreshard {
namespace {

std::string_view hint_for(ncclResult_t result) {
  switch (result) {
    case ncclInvalidUsage:
      return "two ranks on one GPU are not connected by NCCL unless each has an NCCL_HOSTID of its own; "
             "start one rank per GPU";
    case ncclRemoteError: return "another rank has ended; its own message says why";
    case ncclSystemError:
    case ncclInternalError: return "NCCL_DEBUG=INFO in the environment makes NCCL say more";
    default: return "all members must make the same calls with the same sizes in the same order";
  }
}

}  // namespace

void check_nccl(ncclResult_t result, std::string_view call, const MpiSession& session, ncclComm_t comm) {
  if (result == ncclSuccess || result == ncclInProgress) return;
  const char* details = ncclGetLastError(comm);
  throw CommunicationError(fmt::format("{}: {} failed: {}{}{}\nhint: {}", place_words(session), call,
                                       ncclGetErrorString(result), details != nullptr && *details ? ": " : "",
                                       details != nullptr ? details : "", hint_for(result)));
}

std::string nccl_version() {
  int version = 0;
  if (ncclGetVersion(&version) != ncclSuccess) return "?";
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

}  // namespace foreshard
