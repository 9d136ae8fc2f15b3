#include "planner/report/record.hpp"

#include <limits>

#include "planner/report/output_format.hpp"
#include "tests/support/catch.hpp"

namespace foreshard::report::test {
namespace {

TEST_CASE("the dots of a key are the levels of JSON, and names with dots are not") {
  const Record record = record_of({{"step.time_s", 0.5},
                                   {"step.basis", "simulated"},
                                   {"seeds", std::monostate{}},
                                   {"sources", NamedFields{{{"runs.v2", {{"n", std::int64_t{3}}}}}}}});
  CHECK(record_json(record) == R"({
  "step": {
    "time_s": 0.5,
    "basis": "simulated"
  },
  "seeds": null,
  "sources": {
    "runs.v2": {
      "n": 3
    }
  }
}
)");
}

TEST_CASE("several things are an array in JSON and a row each in CSV") {
  const Record record{.objects = {{{"name", "a"}, {"tp", std::int64_t{1}}}, {{"name", "b, c"}}}};
  CHECK(record_json(record).front() == '[');
  // The second has no tp; a comma is quoted.
  CHECK(record_csv(record) == "name,tp\na,1\n\"b, c\",\n");
  CHECK(record_csv({}).empty());
}

TEST_CASE("a list of things is a row each where the record says so, else a column for each of their keys") {
  const FieldRows links{{{{"link", "x"}, {"bytes", 1.5}}, {{"link", "y"}, {"bytes", 2.25}}}};
  const Fields fields{{"job", "j"}, {"links", links}};
  CHECK(record_csv(record_of(fields)) == "job,links.link,links.bytes\nj,x;y,1.5;2.25\n");
  CHECK(record_csv(record_of(fields, {"links"})) == "link,bytes\nx,1.5\ny,2.25\n");
}

TEST_CASE("a section that one row lacks has no column beside those of its parts") {
  const Record record{.objects = {{{"seeds", std::monostate{}}, {"z", true}},
                                  {{"seeds.draws", std::int64_t{4}}, {"z", false}}}};
  CHECK(record_csv(record) == "z,seeds.draws\ntrue,\nfalse,4\n");
}

TEST_CASE("a short CSV has the columns that the record names, or all where it names none") {
  Record record = record_of({{"variant.tp", std::int64_t{2}}, {"step.time_s", 0.5}, {"step.mfu", 0.25}});
  CHECK(record_short_csv(record) == "variant.tp,step.time_s,step.mfu\n2,0.5,0.25\n");
  record.few_columns = {"variant.", "step.mfu", "step"};
  CHECK(record_short_csv(record) == "variant.tp,step.mfu\n2,0.25\n");
  CHECK(record_csv(record) == "variant.tp,step.time_s,step.mfu\n2,0.5,0.25\n");
}

TEST_CASE("a page holds the record, and no name in it is markup") {
  const Record record = record_of({{"verdict.job", std::vector<std::string>{"<b>&\"name\"</b>", "second"}},
                                   {"job.name", "</script><script>alert(1)</script>"}});
  const std::string page = record_html(record, "a <table>");
  CHECK(page.starts_with("<!DOCTYPE html>"));
  CHECK_THAT(page, ContainsSubstring("<title>&lt;b&gt;&amp;&quot;name&quot;&lt;/b&gt;</title>"));
  CHECK_THAT(page, ContainsSubstring("<noscript><pre>a &lt;table&gt;</pre></noscript>"));
  CHECK_THAT(page, ContainsSubstring(R"("name": "\u003c/script>\u003cscript>alert(1)\u003c/script>")"));
  CHECK(page.find("alert(1)</script>") == std::string::npos);
}

TEST_CASE("a page is complete and loads nothing") {
  const std::string page = record_html(record_of({{"step.time_s", 0.5}}), "");
  for (const char* part : {"{{title}}", "{{style}}", "{{table}}", "{{record}}", "{{charts}}", "{{script}}"})
    CHECK(page.find(part) == std::string::npos);
  CHECK_THAT(page, ContainsSubstring("<title>foreshard</title>"));
  CHECK_THAT(page, ContainsSubstring("function showReport("));
  CHECK(page.ends_with("</html>\n"));
  for (const char* loads : {" src=", "<link", "@import", "fetch("})
    CHECK(page.substr(0, page.find("<noscript>")).find(loads) == std::string::npos);
}

TEST_CASE("an answer makes only what its format needs") {
  const Answer answer{.table = [] { return std::string("table"); },
                      .record =
                          [] {
                            return record_of({{"a", std::int64_t{1}}});
                          }};
  CHECK(write(answer, OutputFormat::table) == "table");
  CHECK(write(answer, OutputFormat::json) == "{\n  \"a\": 1\n}\n");
  CHECK(write(answer, OutputFormat::csv) == "a\n1\n");
  const Answer table_alone{.table = [] { return std::string("table"); }, .record = {}};
  CHECK(write(table_alone, OutputFormat::table) == "table");
}

}  // namespace
}  // namespace foreshard::report::test
