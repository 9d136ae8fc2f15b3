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

/// How long a rank that does not print waits to be ended by the rank that does.
constexpr std::chrono::seconds kTimeToBeEnded{10};

}  // namespace

void end_run(const MpiSession& session, int exit_code, std::string_view message) {
  if (!session.may_report()) {
    std::this_thread::sleep_for(kTimeToBeEnded);
    std::_Exit(exit_code);
  }
  // A wrong input is wrong on every rank: the number of the rank that found it first does not help.
  std::string text =
      exit_code == kWrongInput ? std::string(message) : fmt::format("{}: {}", place_words(session), message);
  text += '\n';
  // One call, so that no other rank's output is mixed in.
  std::fflush(stdout);
  std::fwrite(text.data(), 1, text.size(), stderr);
  if (session.size() == 1) {
    MPI_Finalize();  // no other rank to end: MPI_Abort would only print its own message
  } else {
    MPI_Abort(MPI_COMM_WORLD, exit_code);
  }
  std::_Exit(exit_code);
}

}  // namespace foreshard
