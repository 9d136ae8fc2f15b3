#include "runtime/comm/end_run.hpp"

#include <fmt/format.h>
#include <mpi.h>

#include <cstdio>
#include <cstdlib>

#include "runtime/comm/check.hpp"

namespace foreshard {

void end_run(const MpiSession& session, int exit_code, std::string_view message) {
  // In one piece, so that no other rank's words come in between.
  const std::string text = fmt::format("{}: {}\n", place_words(session), message);
  std::fwrite(text.data(), 1, text.size(), stderr);
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

}  // namespace foreshard
