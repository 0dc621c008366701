#include "cli/test_file.h"

#include <gtest/gtest.h>

namespace divan::cli {
namespace {

std::string request_of(const std::string &yaml) {
    auto source = parse_yaml("a", "name: x\n" + yaml);
    if (!source.ok())
        return source.error().reason();
    auto test = read_test_case(SourceNode(*source));
    if (!test.ok())
        return test.error().reason();
    return test->request.method + " " + test->request.target +
           (test->request.body.empty() ? "" : " " + test->request.body);
}

TEST(TestFile, RequestsOfViews) {
    std::string rows = "\nexpect: {rows: []}";
    EXPECT_EQ(request_of("view: orders/by status" + rows), "GET /_design/orders/_view/by%20status");
    EXPECT_EQ(request_of("view: _design/orders/v" + rows), "GET /_design/orders/_view/v");
    EXPECT_EQ(
        request_of("view: d/v\nquery: {key: '1', startkey: [1, a], startkey_docid: b&c, group: true}" + rows),
        "GET /_design/d/_view/v?key=%221%22&startkey=%5B1%2C%22a%22%5D&startkey_docid=b%26c&group=true");
    EXPECT_EQ(request_of("view: d/v/w" + rows), "a:2: view: has to be DESIGN/VIEW");
    EXPECT_EQ(request_of("view: d/" + rows), "a:2: view: has to be DESIGN/VIEW");
    EXPECT_EQ(request_of("view: 1" + rows), "a:2: view: has to be DESIGN/VIEW");
}

TEST(TestFile, RequestsOfFunctions) {
    EXPECT_EQ(request_of("filter: d/f\nquery: {key: a, n: 1}\nexpect: {ids: []}"),
              "GET /_changes?filter=d/f&key=a&n=1");
    EXPECT_EQ(request_of("show: d/s\nid: a/b\nexpect: {body: x}"), "GET /_design/d/_show/s/a%2Fb");
    EXPECT_EQ(request_of("list: d/l/v\nquery: {key: a}\nexpect: {body: x}"),
              "GET /_design/d/_list/l/v?key=%22a%22");
    EXPECT_EQ(request_of("list: d/l/e/v\nexpect: {body: x}"), "GET /_design/d/_list/l/e/v");
    EXPECT_EQ(request_of("find: {selector: {a: 1}}\nexpect: {docs: []}"),
              R"(POST /_find {"selector":{"a":1}})");
}

TEST(TestFile, RequestsOfUpdates) {
    std::string expected = "\nexpect: {status: 201}";
    EXPECT_EQ(request_of("update: d/u" + expected), "POST /_design/d/_update/u");
    EXPECT_EQ(request_of("update: d/u\nid: a\nbody: {b: 1}" + expected),
              R"(PUT /_design/d/_update/u/a {"b":1})");
    EXPECT_EQ(request_of("update: d/u\nid: a\nmethod: POST\nbody: 'b=1'" + expected),
              "POST /_design/d/_update/u/a b=1");
    EXPECT_EQ(request_of("update: d/u\nmethod: po st" + expected),
              "a:3: method: has to be a method of HTTP, as POST");
}

} // namespace
} // namespace divan::cli
