#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include <mpi.h>

#include "runtime/comm/communicator.hpp"

namespace foreshard {

/// Memory for copies on their way, grown when a larger call comes and kept.
class Staging {
 public:
  /// `elements` of uninitialised memory, good until the next call.
  Buffer take(DType type, std::int64_t elements);

 private:
  std::vector<std::byte> memory_;
};

/// The collectives of one group on its MPI communicator. For the sources of this folder alone.
class MpiCollectives {
 public:
  /// Holds what an MPI call returned to be a success: (result, call).
  using Check = std::function<void(int, std::string_view)>;

  /// `comm` has been made for this group alone and is freed by its maker.
  MpiCollectives(MPI_Comm comm, Check check);

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }

  /// All members together, with pieces of the same sizes. Small pieces travel packed, as one message.
  /// @throws std::invalid_argument where sizes do not match
  void run(const CollectiveCall& call);

 private:
  void run_piece(const CollectiveCall& call, const Piece& piece);
  void run_packed(const CollectiveCall& call);
  void run_uneven(const CollectiveCall& call, const Piece& piece);
  template <class Visit>
  void lay_out(const CollectiveCall& call, Visit visit);
  void cut_into_shares(std::int64_t elements);

  // One MPI call each, on counts_ and displacements_ where members' shares matter.
  void reduce_all(Buffer buffer, Reduction reduction);
  void gather_shares(Buffer all);
  void reduce_shares(Buffer all, Buffer own, Reduction reduction);
  void exchange_parts(Buffer send, Buffer receive);

  MPI_Comm comm_;
  Check check_;
  int rank_ = 0;
  int size_ = 1;
  /// Elements of each member, and where they begin, in the call at hand.
  std::vector<int> counts_;
  std::vector<int> displacements_;
  std::vector<int> receive_counts_;
  std::vector<int> receive_displacements_;
  Staging packed_;
  Staging result_;
};

}  // namespace foreshard
