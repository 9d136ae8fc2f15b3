#include "sim/trace/chrome_trace.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace foreshard {

namespace {

constexpr std::size_t kHandOnBytes = std::size_t{1} << 20;

/// Escapes text for use between the quotes of a JSON string.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      result += c;
    }
  }
  return result;
}

std::string thread_name(RankLane lane) {
  const std::string name(to_string(program_lane(lane)));
  return is_receive_lane(lane) ? name + " receive" : name;
}

/// The number of ranks in a stage. Stages are the outermost dimension in the order of devices.
std::size_t count_ranks_per_stage(const StepProgram& program) {
  const auto world = static_cast<std::size_t>(GroupKind::world);
  if (program.groups.size() <= world) return 1;
  const auto devices = static_cast<std::size_t>(program.groups[world].size);
  return std::max<std::size_t>(devices / program.stages.size(), 1);
}

}  // namespace

ChromeTrace::ChromeTrace(std::ostream& out, const StepProgram& program, ChromeTraceOptions options)
    : out_(out),
      program_(program),
      title_(options.title.empty() ? "" : options.title + ": "),
      micro_batches_(options.micro_batches),
      devices_per_stage_(count_ranks_per_stage(program)),
      ranks_per_stage_(options.all_ranks ? devices_per_stage_ : 1),
      transfers_(program.stages.size() * ranks_per_stage_) {
  for (const Block& block : program.blocks) {
    std::vector<OpText>& texts = ops_.emplace_back();
    for (const Op& op : block.ops) {
      const RankLane lane = queue_of(op);
      texts.push_back(
          {fmt::format(R"("tid":{},"ph":"X","name":"{}","cat":"{},{}","args":{{"block":"{}")", lane,
                       escaped(op.name), to_string(op.component), to_string(op.phase), escaped(block.name)),
           lane});
    }
  }
  text_ << R"({"displayTimeUnit":"ns",)";
  if (micro_batches_)
    text_ << fmt::format(R"("otherData":{{"micro_batches_written":{},"micro_batches_of_the_step":{}}},)",
                         std::min(*micro_batches_, program.micro_batches), program.micro_batches);
  text_ << R"("traceEvents":[)";
  write_names();
}

void ChromeTrace::write_names() {
  std::array<bool, kRankLanes> used{};
  for (const auto& block : ops_) {
    for (const OpText& op : block) used[op.lane] = true;
  }
  for (std::size_t stage = 0; stage < program_.stages.size(); ++stage) {
    for (std::size_t member = 0; member < ranks_per_stage_; ++member) {
      const std::size_t rank = stage * ranks_per_stage_ + member;
      const std::size_t process = first_process_ + rank;
      const std::string name = ranks_per_stage_ == 1
                                   ? fmt::format("{}stage {}", escaped(title_), stage)
                                   : fmt::format("{}rank {} (stage {})", escaped(title_), rank, stage);
      text_ << fmt::format(
          "{}\n{{\"pid\":{},\"ph\":\"M\",\"name\":\"process_name\",\"args\":{{\"name\":\"{}\"}}}}",
          events_ == 0 ? "" : ",", process, name);
      text_ << fmt::format(
          ",\n{{\"pid\":{},\"ph\":\"M\",\"name\":\"process_sort_index\",\"args\":{{\"sort_index\":{}}}}}",
          process, process);
      events_ += 2;
      for (RankLane lane = 0; lane < kRankLanes; ++lane) {
        if (!used[lane]) continue;
        text_ << fmt::format(
            ",\n{{\"pid\":{},\"tid\":{},\"ph\":\"M\",\"name\":\"thread_name\",\"args\":{{\"name\":\"{}\"}}}}",
            process, lane, thread_name(lane));
        ++events_;
      }
    }
    hand_on();
  }
}

void ChromeTrace::add(const Span& span) {
  if (!is_wanted(span.micro_batch)) return;
  if (ranks_per_stage_ == 1 && span.rank != kEveryRank &&
      span.rank.at() != span.stage.at() * devices_per_stage_)
    return;
  const OpText& op = ops_[span.block.at()][span.op.at()];
  const Members members = members_of(span.stage, span.rank);
  rest_.clear();
  rest_ << op.head << R"(,"layer":)" << std::int64_t{span.layer.value()} << R"(,"chunk":)"
        << std::int64_t{span.chunk.value()} << R"(,"micro_batch":)" << std::int64_t{span.micro_batch.value()}
        << R"(},"ts":)";
  rest_.microseconds(span.start) << R"(,"dur":)";
  rest_.microseconds(span.end - span.start) << "}";
  write_event(members);
  if (is_send_lane(op.lane) || is_receive_lane(op.lane)) write_flow(members, op.lane, span.start);
}

void ChromeTrace::add(const MemorySample& sample) {
  if (!is_wanted(sample.micro_batch)) return;
  rest_.clear();
  rest_ << R"("ph":"C","name":"memory","ts":)";
  rest_.microseconds(sample.time) << R"(,"args":{"bytes":)" << sample.bytes.value() << "}}";
  write_event(members_of(sample.stage, kEveryRank));
}

void ChromeTrace::add_counter(const std::string& title, const std::string& name,
                              std::span<const double> bytes, SimTime interval) {
  const auto last = std::find_if(bytes.rbegin(), bytes.rend(), [](double b) { return b > 0.0; });
  if (last == bytes.rend()) return;
  auto known = std::find(counters_.begin(), counters_.end(), title);
  const std::size_t process =
      first_process_ + transfers_.size() + static_cast<std::size_t>(known - counters_.begin());
  if (known == counters_.end()) {
    counters_.push_back(title);
    text_ << fmt::format(
        ",\n{{\"pid\":{},\"ph\":\"M\",\"name\":\"process_name\",\"args\":{{\"name\":\"{}\"}}}}", process,
        escaped(title_ + title));
    ++events_;
  }
  // One more value marks the end of the last interval.
  const auto intervals = static_cast<std::size_t>(bytes.rend() - last);
  for (std::size_t s = 0; s <= intervals; ++s) {
    const double rate = s < intervals ? bytes[s] / interval.seconds().value() : 0.0;
    rest_.clear();
    rest_ << R"("ph":"C","name":")" << escaped(name) << R"(","ts":)";
    rest_.microseconds(interval.picoseconds() * static_cast<std::int64_t>(s))
        << R"(,"args":{"GB/s":)" << fmt::format("{:.6g}", rate / 1e9) << "}}";
    text_ << ",\n{\"pid\":" << static_cast<std::int64_t>(process) << "," << rest_.view();
    ++events_;
  }
  hand_on();
}

void ChromeTrace::begin_another(std::string title) {
  title_ = std::move(title) + ": ";
  first_process_ += program_.stages.size() * ranks_per_stage_ + counters_.size();
  counters_.clear();
  first_transfer_ = next_transfer_;
  transfers_.assign(program_.stages.size() * ranks_per_stage_, {});
  write_names();
}

void ChromeTrace::finish() {
  text_ << "\n]}\n";
  out_.write(text_.view().data(), static_cast<std::streamsize>(text_.size()));
  text_.clear();
  out_.flush();
  if (!out_) throw std::runtime_error("the trace could not be written to its end; is the disk full?");
}

ChromeTrace::Members ChromeTrace::members_of(StageId stage, Rank rank) const {
  if (rank != kEveryRank && ranks_per_stage_ > 1) return {rank.at(), 1};
  return {stage.at() * ranks_per_stage_, ranks_per_stage_};
}

/// Writes the current event once for every process.
void ChromeTrace::write_event(Members members) {
  for (std::size_t member = members.first; member < members.first + members.count; ++member) {
    text_ << ",\n{\"pid\":" << static_cast<std::int64_t>(first_process_ + member) << "," << rest_.view();
    ++events_;
  }
  hand_on();
}

/// Writes one end of the arrow from the k-th Send of a lane to the k-th Recv. Both ends compute the arrow's id from the
/// lane, the sender and k.
void ChromeTrace::write_flow(Members members, RankLane lane, Picoseconds time) {
  const bool is_send = is_send_lane(lane);
  const std::size_t place = transfer_of(lane).value();
  const std::size_t ranks = transfers_.size();
  // The sender is one stage before or after the receiver, cyclically because of interleaved schedules.
  const std::size_t to_sender = is_send ? 0 : meets_next(lane) ? ranks_per_stage_ : ranks - ranks_per_stage_;
  rest_.clear();
  rest_ << R"("tid":)" << std::int64_t{lane} << R"(,"ph":")" << (is_send ? R"(s")" : R"(f","bp":"e")")
        << R"(,"name":"transfer","cat":"transfer","ts":)";
  rest_.microseconds(time) << "}";
  for (std::size_t member = members.first; member < members.first + members.count; ++member) {
    const auto transfer = static_cast<std::size_t>(transfers_[member][lane]++);
    const std::size_t id =
        first_transfer_ + (transfer * kTransferLanes.size() + place) * ranks + (member + to_sender) % ranks;
    next_transfer_ = std::max(next_transfer_, id + 1);
    text_ << ",\n{\"pid\":" << static_cast<std::int64_t>(first_process_ + member)
          << ",\"id\":" << static_cast<std::int64_t>(id) << "," << rest_.view();
    ++events_;
  }
  hand_on();
}

void ChromeTrace::hand_on() {
  if (text_.size() < kHandOnBytes) return;
  out_.write(text_.view().data(), static_cast<std::streamsize>(text_.size()));
  text_.clear();
}

}  // namespace foreshard
