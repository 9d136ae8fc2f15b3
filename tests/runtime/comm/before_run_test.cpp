#include "runtime/comm/before_run.hpp"

#include <array>
#include <string>

#include "runtime/comm/available_memory.hpp"
#include "runtime/comm/host_cores.hpp"
#include "tests/support/catch.hpp"

namespace foreshard::test {
namespace {

TEST_CASE("a wrong number of ranks gives a message with the right command") {
  ParallelismSpec parallelism;
  parallelism.tp = 2;
  parallelism.dp = 2;
  CHECK_FALSE(rank_count_complaint(parallelism, 4, "foreshard-run validate job.yaml"));
  CHECK(rank_count_complaint(parallelism, 2, "foreshard-run validate job.yaml") ==
        "the job needs 4 devices (tp 2 × cp 1 × dp 2 × pp 1), one rank each, but 2 ranks were started; run\n"
        "  mpirun -n 4 foreshard-run validate job.yaml");
  CHECK_THAT(*rank_count_complaint(parallelism, 1, "x"), ContainsSubstring("but 1 rank was started"));
}

TEST_CASE("memory is checked per host") {
  const Bytes gibi(std::int64_t{1} << 30);
  CHECK_FALSE(memory_complaint(gibi * 3, 2, gibi * 6, "a"));
  CHECK(memory_complaint(gibi * 3, 4, gibi * 8, "a") ==
        "host a has 8.00 GiB of memory available, and its 4 ranks need 3.00 GiB each, 12.0 GiB together; use "
        "more "
        "hosts, "
        "fewer ranks on each, a smaller micro-batch or a smaller model");
  CHECK(available_memory() > Bytes(0));
}

TEST_CASE("more ranks than cores give a remark") {
  CHECK_FALSE(oversubscription_remark(2, 2, "a"));
  CHECK(oversubscription_remark(4, 1, "a") ==
        "host a runs 4 ranks on 1 core: they take turns, so that times say little about a machine with a "
        "core for "
        "each");
}

TEST_CASE("fingerprints are FNV-1a") {
  // Values published in RFC 9923 and by the authors.
  CHECK(fingerprint("") == 0xcbf29ce484222325);
  CHECK(fingerprint("a") == 0xaf63dc4c8601ec8c);
  CHECK(fingerprint("foobar") == 0x85944171f73967e8);
}

TEST_CASE("ranks that have read different files are named") {
  const std::array<std::string, 3> hosts{"a", "a", "b"};
  CHECK_FALSE(difference_complaint(std::array<std::uint64_t, 3>{7, 7, 7}, hosts, "job"));
  CHECK(difference_complaint(std::array<std::uint64_t, 3>{7, 7, 8}, hosts, "job") ==
        "rank 2 on host b has another job than rank 0 on host a; all hosts need the same files and programs");
}

TEST_CASE("cores are listed as ranges") {
  CoreSet cores{};
  cores[0] = 0b1000'1111;
  cores[1] = 0b0000'0101;
  // Cores 0-3, 7 and 8, and 10.
  CHECK(core_list(cores) == "0-3,7-8,10");
  CHECK(count_cores(cores) == 7);
  CHECK(count_cores(usable_cores()) >= 1);
}

}  // namespace
}  // namespace foreshard::test
