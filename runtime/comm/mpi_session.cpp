#include "runtime/comm/mpi_session.hpp"

#include <algorithm>
#include <array>
#include <exception>

#include <fmt/format.h>
#include <mpi.h>

#include "runtime/comm/check.hpp"
#include "runtime/comm/end_run.hpp"
#include "runtime/comm/host_cores.hpp"
#include "runtime/comm/start_guard.hpp"
#include "runtime/comm/watchdog.hpp"

namespace foreshard {
namespace {

/// "Open MPI 4.1.4" of "Open MPI v4.1.4, package: …".
std::string library_name() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  std::string name = text.data();
  name.resize(std::min(name.size(), name.find_first_of(",\n")));
  if (const std::size_t v = name.find(" v"); v != std::string::npos) name.erase(v + 1, 1);
  return name;
}

std::vector<std::string> gather_hosts(std::int64_t size, const MpiSession& session) {
  constexpr std::size_t kLength = MPI_MAX_PROCESSOR_NAME;
  std::array<char, kLength> own{};
  int length = 0;
  check_mpi(MPI_Get_processor_name(own.data(), &length), "MPI_Get_processor_name", session);
  std::vector<char> all(kLength * static_cast<std::size_t>(size));
  check_mpi(MPI_Allgather(own.data(), kLength, MPI_CHAR, all.data(), kLength, MPI_CHAR, MPI_COMM_WORLD),
            "MPI_Allgather", session);
  std::vector<std::string> hosts;
  hosts.reserve(static_cast<std::size_t>(size));
  for (std::size_t rank = 0; rank < static_cast<std::size_t>(size); ++rank)
    hosts.emplace_back(&all[rank * kLength]);
  return hosts;
}

}  // namespace

MpiSession::MpiSession(int& argc, char**& argv, Seconds timeout)
    : hosts_{"this host"},
      note_(std::make_unique<OperationNote>()),
      exceptions_at_start_(std::uncaught_exceptions()) {
  const StartGuard guard(timeout);
  int provided = 0;
  // Only the main thread calls MPI; the threads of the kernels do not.
  check_mpi(MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread", *this);
  check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler", *this);
  int rank = 0;
  int size = 1;
  check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &rank), "MPI_Comm_rank", *this);
  check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &size), "MPI_Comm_size", *this);
  library_ = library_name();
  size_ = size;
  hosts_ = gather_hosts(size, *this);
  rank_ = Rank(rank);
  find_ranks_and_cores_of_host();
  watchdog_ = std::make_unique<Watchdog>(*this);
  // The job is not known yet: for the watchdog all ranks are one dp group.
  ParallelismSpec one_group;
  one_group.dp = size_;
  watch(DeviceMesh(one_group), timeout);
}

MpiSession::~MpiSession() {
  // If an exception is on its way, the other ranks may never reach MPI_Finalize: waiting for them would hang.
  if (std::uncaught_exceptions() > exceptions_at_start_) MPI_Abort(MPI_COMM_WORLD, kEnvironmentFailed);
  note_->enter_collective(WireState::finish, GroupKind::world);
  MPI_Finalize();
}

void MpiSession::watch(const DeviceMesh& mesh, Seconds timeout) { watchdog_->watch(mesh, timeout); }

bool MpiSession::may_report() const { return watchdog_->may_report(); }

void MpiSession::find_ranks_and_cores_of_host() {
  MPI_Comm local = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_.value(), MPI_INFO_NULL, &local),
            "MPI_Comm_split_type", *this);
  int local_rank = 0;
  int local_ranks = 1;
  check_mpi(MPI_Comm_rank(local, &local_rank), "MPI_Comm_rank", *this);
  check_mpi(MPI_Comm_size(local, &local_ranks), "MPI_Comm_size", *this);
  local_rank_ = local_rank;
  local_ranks_ = local_ranks;

  const CoreSet own = usable_cores();
  CoreSet host = own;
  check_mpi(
      MPI_Allreduce(MPI_IN_PLACE, host.data(), static_cast<int>(host.size()), MPI_UINT8_T, MPI_BOR, local),
      "MPI_Allreduce", *this);
  own_cores_ = count_cores(own);
  host_cores_ = count_cores(host);
  cores_ = core_list(own);
  check_mpi(MPI_Comm_free(&local), "MPI_Comm_free", *this);
}

std::int64_t MpiSession::threads_per_rank() const {
  return std::max<std::int64_t>(1, std::min(own_cores_, host_cores_ / local_ranks_));
}

std::string MpiSession::binding() const {
  return fmt::format("rank {} on host {}: cores {}", rank_.value(), host(), cores_);
}

std::vector<std::uint64_t> MpiSession::gather(std::uint64_t value) const {
  std::vector<std::uint64_t> all(static_cast<std::size_t>(size_));
  note_->enter_collective(WireState::all_gather, GroupKind::world);
  check_mpi(MPI_Allgather(&value, 1, MPI_UINT64_T, all.data(), 1, MPI_UINT64_T, MPI_COMM_WORLD),
            "MPI_Allgather", *this);
  note_->leave();
  return all;
}

}  // namespace foreshard
