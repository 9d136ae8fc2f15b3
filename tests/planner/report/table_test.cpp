#include "planner/report/table.hpp"

#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using namespace foreshard::report;
using Lines = std::vector<std::string>;

TEST_CASE("text is wrapped at the page's width, which is 100 again afterwards") {
  const std::string text = "aaaa bbbb cccc";
  {
    const PageWidth page(9);
    CHECK(wrapped(text, 0, 0) == std::vector<std::string>{"aaaa bbbb", "cccc"});
  }
  CHECK(wrapped(text, 0, 0) == std::vector<std::string>{"aaaa bbbb cccc"});
  CHECK(PageWidth::columns() == 100);
}

TEST_CASE("a code point of UTF-8 is one column") {
  CHECK(display_width("") == 0);
  CHECK(display_width("abc") == 3);
  CHECK(display_width("8 × 2 · 3 – 4 µs") == 16);
}

TEST_CASE("columns align by display width and lines end where their text ends") {
  Table table({{"name", Align::left}, {"s"}, {"why", Align::left}});
  table.row({"4 × 2", "1.25", "x"});
  table.row({"b", "10.50", ""});
  CHECK(table.lines() == Lines{"name       s  why",  //
                               "4 × 2   1.25  x",    //
                               "b      10.50"});
}

TEST_CASE("a row has as many cells as there are columns") {
  Table table({{"a"}, {"b"}});
  CHECK_THROWS_AS(table.row({"1"}), std::invalid_argument);
}

TEST_CASE("blocks stand side by side where they fit") {
  const Lines left{"ab", "c"};
  const Lines right{"x", "y", "z"};
  // 2 columns, a gap of 4, 1 column
  CHECK(beside(left, right, 7) == Lines{"ab    x", "c     y", "      z"});
  CHECK(beside(left, right, 6) == Lines{"ab", "c", "", "x", "y", "z"});
}

TEST_CASE("text breaks at spaces, never beyond the width") {
  CHECK(wrapped("one two three", 0, 2, 7) == Lines{"one two", "  three"});
  CHECK(wrapped("one two three", 1, 2, 7) == Lines{" one", "  two", "  three"});
  CHECK(wrapped("× × ×", 0, 0, 3) == Lines{"× ×", "×"});
  CHECK(wrapped("abcdefgh ij", 0, 1, 4) == Lines{"abcd", " efg", " h", " ij"});
  CHECK(wrapped("", 2, 2, 10).empty());
}
