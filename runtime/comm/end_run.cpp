#include "runtime/comm/end_run.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
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
  // A wrong input is wrong on every rank; who found it first says nothing.
  std::string text =
      exit_code == kWrongInput ? std::string(message) : fmt::format("{}: {}", place_words(session), message);
  text += '\n';
  // In one piece, so that no other rank's words come in between.
  std::fflush(stdout);
  std::fwrite(text.data(), 1, text.size(), stderr);
  if (session.size() == 1) {
    MPI_Finalize();  // nobody to take down, and no need for MPI's words about it
  } else {
    MPI_Abort(MPI_COMM_WORLD, exit_code);
  }
  std::_Exit(exit_code);
}

}  // namespace foreshard
