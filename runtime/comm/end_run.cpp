#include "runtime/comm/end_run.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <fmt/format.h>
#include <mpi.h>

#include "runtime/comm/check.hpp"

namespace foreshard {

namespace {

/// For the rank that speaks to take all others down.
constexpr std::chrono::seconds kOthersTime{10};

}  // namespace

void end_run(const MpiSession& session, int exit_code, std::string_view message) {
  if (!session.may_speak()) {
    std::this_thread::sleep_for(kOthersTime);
    std::_Exit(exit_code);
  }
  // In one piece, so that no other rank's words come in between.
  const std::string text = fmt::format("{}: {}\n", place_words(session), message);
  std::fwrite(text.data(), 1, text.size(), stderr);
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

}  // namespace foreshard
