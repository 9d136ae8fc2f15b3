#include "cli/terminal/unfinished_file.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "cli/commands/command.hpp"

namespace foreshard::cli {

namespace {

// What a signal handler may use: no strings, no locks. One draft at a time is enough for one command.
std::array<char, 4096> draft_path{};

void remove_draft(int signal) {
  if (draft_path[0] != '\0') ::unlink(draft_path.data());
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

UnfinishedFile::UnfinishedFile(std::filesystem::path place)
    : place_(std::move(place)), draft_(place_.string() + fmt::format(".{}.part", ::getpid())) {
  const std::string path = draft_.string();
  if (path.size() + 1 > draft_path.size())
    throw EnvironmentError(fmt::format("the path '{}' is too long", path));
  std::memcpy(draft_path.data(), path.c_str(), path.size() + 1);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, remove_draft);
  stream_.open(draft_, std::ios::binary);
  if (!stream_) {
    const std::string reason = std::strerror(errno);
    draft_path[0] = '\0';
    throw EnvironmentError(fmt::format("'{}' cannot be written: {}", place_.string(), reason));
  }
}

UnfinishedFile::~UnfinishedFile() {
  if (finished_) return;
  stream_.close();
  std::error_code ignored;
  std::filesystem::remove(draft_, ignored);
  draft_path[0] = '\0';
}

void UnfinishedFile::finish() {
  stream_.close();
  if (!stream_)
    throw EnvironmentError(
        fmt::format("'{}' cannot be written to its end; is the disk full?", place_.string()));
  std::error_code failure;
  std::filesystem::rename(draft_, place_, failure);
  if (failure)
    throw EnvironmentError(
        fmt::format("'{}' cannot be put in place: {}", place_.string(), failure.message()));
  finished_ = true;
  draft_path[0] = '\0';
}

}  // namespace foreshard::cli
