#include "sim/network/max_min.hpp"

#include <limits>
#include <vector>

#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

constexpr double kNoCap = std::numeric_limits<double>::infinity();

struct Wish {
  std::vector<LinkUse> uses;
  double cap = kNoCap;
};

std::vector<double> rates(const std::vector<double>& capacities, const std::vector<Wish>& wishes) {
  std::vector<MaxMin::Set> sets;
  for (const Wish& wish : wishes) sets.push_back({.uses = wish.uses, .cap = wish.cap});
  MaxMin solver(capacities.size());
  solver.solve(sets, capacities);
  std::vector<double> found;
  for (const MaxMin::Set& set : sets) found.push_back(set.rate);
  return found;
}

void check(const std::vector<double>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == Approx(expected[i]).epsilon(1e-9));
}

}  // namespace

TEST_CASE("flows alone take all there is, or their cap") {
  check(rates({10.0, 4.0}, {{{{0}, {1}}}}), {4.0});
  check(rates({10.0}, {{{{0}}, 3.0}}), {3.0});
  check(rates({}, {{{}, 7.0}}), {7.0});
}

TEST_CASE("what one flow cannot use, others get") {
  // Link 1 gives 2 to each of its two flows. The first flow has no more on link 0 either, so the second gets
  // 8.
  check(rates({10.0, 4.0}, {{{{0}, {1}}}, {{{0}}}, {{{1}}}}), {2.0, 8.0, 2.0});
  // If the second flow has a cap of 5, the remaining 3 stay unused.
  check(rates({10.0, 4.0}, {{{{0}, {1}}}, {{{0}}, 5.0}, {{{1}}}}), {2.0, 5.0, 2.0});
}

TEST_CASE("a parking lot: one flow over three links, and one on each") {
  // Links of 1, 2 and 3: the first is divided into halves, so the long flow has 0.5 on all links.
  check(rates({1.0, 2.0, 3.0}, {{{{0}, {1}, {2}}}, {{{0}}}, {{{1}}}, {{{2}}}}), {0.5, 0.5, 1.5, 2.5});
}

TEST_CASE("flows are equal, sets are not: a set with three flows gets three shares") {
  // Four flows on a link of 12 get 3 each.
  check(rates({12.0}, {{{{0, 3.0}}}, {{{0, 1.0}}}}), {3.0, 3.0});
  // A set with 2 flows on link 0 and 1 flow on link 1 is limited by link 0: 8 / (2 + 2) = 2. Link 1 has 9 − 2
  // = 7 left for the third set.
  check(rates({8.0, 9.0}, {{{{0, 2.0}, {1, 1.0}}}, {{{0, 2.0}}}, {{{1, 1.0}}}}), {2.0, 2.0, 7.0});
}

TEST_CASE("a solver can be used again") {
  const std::vector<double> capacities{6.0, 6.0};
  MaxMin solver(2);
  const std::vector<LinkUse> first{{0}};
  const std::vector<LinkUse> second{{1}};
  std::vector<MaxMin::Set> sets{{.uses = first, .cap = kNoCap}, {.uses = first, .cap = kNoCap}};
  solver.solve(sets, capacities);
  CHECK(sets[1].rate == Approx(3.0));
  std::vector<MaxMin::Set> others{{.uses = second, .cap = kNoCap}};
  solver.solve(others, capacities);
  CHECK(others[0].rate == Approx(6.0));
}
