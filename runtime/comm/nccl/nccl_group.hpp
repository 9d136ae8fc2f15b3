#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nccl.h>

#include "planner/units/strong_index.hpp"
#include "runtime/comm/mpi_session.hpp"
#include "runtime/cuda/cuda_event.hpp"

namespace foreshard {

/// One NCCL communicator of some ranks of the run, connected over MPI, and the stream on which its calls run.
class NcclGroup {
 public:
  /// All ranks of the run call it together. Each passes the members of its group, in the group's order; a
  /// rank that is in no group passes an empty list.
  /// @param name  for messages: "tp group"
  NcclGroup(const MpiSession& session, const std::vector<Rank>& members, std::string name);
  ~NcclGroup();
  NcclGroup(NcclGroup&& other) noexcept;
  NcclGroup& operator=(NcclGroup&&) = delete;

  [[nodiscard]] ncclComm_t comm() const { return comm_; }
  [[nodiscard]] cudaStream_t stream() const { return stream_.get(); }
  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }

  /// Begins a call that has several parts: ncclGroupStart.
  void begin() const;
  /// Enqueues the call; returns when NCCL has enqueued it.
  void end(std::string_view call);
  /// Whether everything enqueued is done. @throws CommunicationError if NCCL has found an error meanwhile
  [[nodiscard]] bool is_done() const;
  /// Aborts the calls in progress.
  void abort();

 private:
  void wait_until_enqueued(std::string_view call) const;

  const MpiSession* session_;
  std::string name_;
  std::string last_;  // the operation enqueued last, for messages
  ncclComm_t comm_ = nullptr;
  CudaStream stream_;
  int rank_ = 0;
  int size_ = 0;
  CudaEvent last_done_;  // reached when everything enqueued is done
};

}  // namespace foreshard
