#include "runtime/search/search_task.hpp"

#include "planner/search/wire/bytes.hpp"
#include "planner/search/wire/estimate_bytes.hpp"
#include "planner/search/wire/part_bytes.hpp"

namespace foreshard {

DoneTask do_task(const SiteWork& work, const SearchTask& task) {
  if (task.kind == SearchTask::Kind::bound) return {task, to_bytes(work.bound(task.part))};
  if (task.kind == SearchTask::Kind::bound_closely) return {task, to_bytes(work.close_floor(task.plan))};
  return {task, to_bytes(work.estimated(task.plan))};
}

std::string to_bytes(const SearchTask& task) {
  BytesWriter bytes;
  bytes.value(task);
  return bytes.take();
}

std::string to_bytes(const DoneTask& done) {
  BytesWriter bytes;
  bytes.values(done.task, done.result);
  return bytes.take();
}

SearchTask task_of_bytes(std::string_view bytes) {
  SearchTask task;
  BytesReader reader(bytes);
  reader.value(task);
  reader.require_end();
  return task;
}

DoneTask done_of_bytes(std::string_view bytes) {
  DoneTask done;
  BytesReader reader(bytes);
  reader.values(done.task, done.result);
  reader.require_end();
  return done;
}

}  // namespace foreshard
