#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "planner/program/step_program.hpp"
#include "planner/topology/device_mesh.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/device/routed_rows.hpp"

namespace foreshard {

/// Sizes of one router and its experts by the plan, as one rank sees them.
struct RoutedShape {
  std::int64_t tokens = 0;     ///< tokens of a micro-batch that the rank sends to experts
  std::int64_t per_token = 1;  ///< experts per token
  std::int64_t experts = 1;
  std::int64_t hidden = 0;  ///< columns of a row
  std::int64_t etp = 1;
  std::int64_t ep = 1;
  std::int64_t etp_rank = 0;
  std::int64_t ep_rank = 0;
  std::int64_t room = 0;   ///< capacity of the rank's buffer of arriving rows, in rows
  double imbalance = 1.0;  ///< largest ratio of a rank's rows to the mean that fits into the buffer
};
/// The shape for the router of a forward block; none if the block has no router.
std::optional<RoutedShape> routed_shape(const StepProgram& program, const Block& forward,
                                        const Coordinates& at);

/// How the tokens of one micro-batch were routed in one layer, as far as one rank needs to know: the places
/// of its own tokens' rows, ordered by expert, and the rows that arrive at its experts from the members of
/// its expert-parallel group and its experts' tensor-parallel group. Filled in place while a step runs.
/// Example: 2 tokens, 2 experts per token; token 0 goes to experts 1 and 0, token 1 to experts 1 and 2. The
/// rows ordered by expert are: expert 0: token 0; expert 1: tokens 0 and 1; expert 2: token 1. places() is
/// {1, 0, 2, 3} and own_counts() is {1, 2, 1}.
class Routing {
 public:
  Routing(const RoutedShape& shape, LayerId layer);

  /// Takes the routes of the rank's own tokens.
  /// @param routes  (tokens, 2·per_token): for each token the chosen experts, then their weights
  void take(std::span<const double> routes);
  /// Exchanges the numbers of rows with the other ranks. A collective call of all members of the rank's
  /// expert-parallel and tensor-parallel groups. @throws std::runtime_error if more rows arrive than the
  /// buffer holds; the message says which imbalance would be enough
  void exchange(Communicator& communicator);

  [[nodiscard]] std::int64_t tokens() const { return tokens_; }
  [[nodiscard]] std::int64_t per_token() const { return per_token_; }
  [[nodiscard]] std::int64_t experts() const { return experts_; }
  /// The row of each (token, choice) among the rank's own rows; indexed by token·per_token + choice.
  [[nodiscard]] const std::vector<std::int64_t>& places() const { return places_; }
  /// The rows that this rank's experts work on.
  [[nodiscard]] const RoutedRows& rows() const { return rows_; }
  /// By expert of the model: the number of rows of this rank's own tokens.
  [[nodiscard]] const std::vector<std::int64_t>& own_counts() const { return own_counts_; }

  // Numbers of elements (rows times the hidden size), as collectives count them: sent to and arriving from
  // each member of the expert-parallel group, and arriving at each member of the tensor-parallel group.
  [[nodiscard]] const std::vector<std::int64_t>& sent() const { return sent_; }
  [[nodiscard]] const std::vector<std::int64_t>& arrived() const { return arrived_; }
  [[nodiscard]] const std::vector<std::int64_t>& of_etp() const { return of_etp_; }

 private:
  void gather(Communicator& communicator, GroupKind group, std::vector<std::int32_t>& all,
              std::int64_t own) const;
  void check_room() const;
  void list_rows();

  std::int64_t tokens_;
  std::int64_t per_token_;
  std::int64_t experts_;
  std::int64_t hidden_;
  std::int64_t etp_;
  std::int64_t ep_;
  std::int64_t etp_rank_;
  std::int64_t ep_rank_;
  std::int64_t room_;
  double imbalance_;
  LayerId layer_;

  std::vector<std::int64_t> places_;
  std::vector<std::int64_t> own_counts_;  // by expert
  std::vector<std::int32_t> ep_counts_;   // (ep, experts): rows that each member sends to each expert
  std::vector<std::int32_t>
      etp_counts_;  // (tp, ep, local experts): rows that came to each tensor-parallel rank
  std::vector<std::int64_t> sent_;
  std::vector<std::int64_t> arrived_;
  std::vector<std::int64_t> of_etp_;
  std::vector<std::int64_t> next_;  // by expert: the next row to fill
  RoutedRows rows_;
};

}  // namespace foreshard
