#include "runtime/search/serve_search.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include "runtime/comm/mailbox.hpp"
#include "runtime/search/search_task.hpp"
#include "runtime/search/task_threads.hpp"

namespace foreshard {

int serve_search(const MpiSession& session, const SearchRequest& request, std::size_t threads) {
  using std::chrono::microseconds;
  // A rank with nothing to do asks for letters less and less often: it may share its core with one that works.
  constexpr microseconds kShortest{50};
  constexpr microseconds kLongest{2000};
  Mailbox mailbox(session);
  TaskThreads workers(request, threads);
  microseconds pause = kShortest;
  while (true) {
    pause = std::min(2 * pause, kLongest);
    while (const std::optional<Mailbox::Letter> letter = mailbox.receive()) {
      const SearchTask task = task_of_bytes(letter->bytes);
      if (task.kind == SearchTask::Kind::end) {
        mailbox.finish();
        return task.exit_code;
      }
      workers.add(task);
      pause = kShortest;
    }
    if (const std::optional<DoneTask> done = workers.take(pause)) {
      mailbox.send(Rank(0), to_bytes(*done));
      pause = kShortest;
    }
  }
}

}  // namespace foreshard
