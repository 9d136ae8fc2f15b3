#include "runtime/comm/nccl/nccl_group.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <mpi.h>

#include "runtime/comm/check.hpp"
#include "runtime/comm/communication_error.hpp"
#include "runtime/comm/nccl/nccl_check.hpp"

namespace foreshard {

NcclGroup::NcclGroup(const MpiSession& session, const std::vector<Rank>& members, std::string name)
    : session_(&session), name_(std::move(name)) {
  // The colour of a group is its first member. Ranks in no group take part in the split only.
  MPI_Comm comm = MPI_COMM_NULL;
  const int color = members.empty() ? MPI_UNDEFINED : members.front().value();
  const auto self = std::find(members.begin(), members.end(), session.rank());
  rank_ = static_cast<int>(self - members.begin());
  size_ = static_cast<int>(members.size());
  check_mpi(MPI_Comm_split(MPI_COMM_WORLD, color, rank_, &comm), "MPI_Comm_split", session);
  if (comm == MPI_COMM_NULL) return;
  if (size_ > 1) {
    ncclUniqueId id{};
    if (rank_ == 0) check_nccl(ncclGetUniqueId(&id), "ncclGetUniqueId", session);
    check_mpi(MPI_Bcast(&id, sizeof(id), MPI_BYTE, 0, comm), "MPI_Bcast", session);
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;  // non-blocking, so that errors are noticed while other ranks do not answer
    check_nccl(ncclCommInitRankConfig(&comm_, size_, id, rank_, &config), "ncclCommInitRankConfig", session);
    wait_until_enqueued("ncclCommInitRankConfig");
  }
  check_mpi(MPI_Comm_free(&comm), "MPI_Comm_free", session);
}

NcclGroup::NcclGroup(NcclGroup&& other) noexcept
    : session_(other.session_),
      name_(std::move(other.name_)),
      last_(std::move(other.last_)),
      comm_(std::exchange(other.comm_, nullptr)),
      stream_(std::move(other.stream_)),
      rank_(other.rank_),
      size_(other.size_),
      last_done_(std::move(other.last_done_)) {}

NcclGroup::~NcclGroup() { abort(); }

void NcclGroup::abort() {
  if (comm_ != nullptr) ncclCommAbort(std::exchange(comm_, nullptr));
}

void NcclGroup::begin() const { check_nccl(ncclGroupStart(), "ncclGroupStart", *session_, comm_); }

void NcclGroup::end(std::string_view call) {
  check_nccl(ncclGroupEnd(), call, *session_, comm_);
  wait_until_enqueued(call);
  last_ = place_words(*session_);
  last_done_.record(stream());
}

/// A non-blocking communicator enqueues in the background: waits until that is done.
void NcclGroup::wait_until_enqueued(std::string_view call) const {
  ncclResult_t state = ncclInProgress;
  while (true) {
    check_nccl(ncclCommGetAsyncError(comm_, &state), "ncclCommGetAsyncError", *session_, comm_);
    if (state != ncclInProgress) break;
    std::this_thread::yield();
  }
  check_nccl(state, fmt::format("{} of the {}", call, name_), *session_, comm_);
}

bool NcclGroup::is_done() const {
  if (comm_ == nullptr) return true;
  ncclResult_t state = ncclSuccess;
  check_nccl(ncclCommGetAsyncError(comm_, &state), "ncclCommGetAsyncError", *session_, comm_);
  if (state != ncclSuccess && state != ncclInProgress)
    throw CommunicationError(fmt::format("the {} failed after: {}\n{}: {}", name_, last_,
                                         ncclGetErrorString(state), ncclGetLastError(comm_)));
  return last_done_.is_reached();
}

}  // namespace foreshard
