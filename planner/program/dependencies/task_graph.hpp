#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "planner/program/step_program.hpp"
#include "planner/units/quantity.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// One run of one operation in the graph of a whole step.
struct TaskRef {
  StageId stage;
  BlockId block;
  OpId op;
  LayerId layer;
  ChunkId chunk;
  MicroBatch micro_batch;
};

/// The longest chain of dependent operations, and how long it takes.
struct CriticalPath {
  Seconds length;
  std::vector<TaskRef> tasks;  ///< first to last
};

/// The graph of all operations of one rank per stage with their dependencies (data, lanes, transfers between
/// stages), as a Boost.Graph. It is meant for checks and small programs, because it has a task for each
/// operation of each micro-batch and layer.
class TaskGraph {
 public:
  explicit TaskGraph(const StepProgram& program);
  ~TaskGraph();
  TaskGraph(TaskGraph&&) noexcept;
  TaskGraph& operator=(TaskGraph&&) noexcept;

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] const TaskRef& task(std::size_t index) const;
  /// Indices of the tasks that `index` waits for.
  [[nodiscard]] std::vector<std::size_t> dependencies(std::size_t index) const;
  [[nodiscard]] bool is_acyclic() const;
  /// The tasks in an order in which each comes after all tasks that it waits for; ties in program order.
  /// @throws std::runtime_error that names the tasks of a cycle
  [[nodiscard]] std::vector<std::size_t> topological_order() const;
  /// The longest path if each operation takes `duration(op)`.
  [[nodiscard]] CriticalPath critical_path(const std::function<Seconds(const Op&)>& duration) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace foreshard
