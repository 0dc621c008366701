#include "design/advice.h"

#include "json/writer.h"

#include <gtest/gtest.h>

namespace divan::design {
namespace {

// The words that tell one advice from another, in order.
std::string advised(const std::string &map, const std::string &reduce = "") {
    std::string json = R"({"views":{"v":{"map":)";
    json::write_string(json, map);
    if (!reduce.empty()) {
        json += R"(,"reduce":)";
        json::write_string(json, reduce);
    }
    json += "}}}";
    std::string words;
    for (const auto &one : advise(read_design_document("_design/x", "1-a", json).value())) {
        EXPECT_EQ(one.view, "v");
        for (const char *word :
             {"whole document", "Date()", "Date.now()", "Math.random()", "_sum", "_count", "rereduce"})
            if (one.text.find(word) != std::string::npos)
                words += std::string(words.empty() ? "" : ", ") + word;
    }
    return words;
}

std::string of_reduce(const std::string &reduce) {
    return advised("function (doc) { emit(doc._id, 1); }", reduce);
}

TEST(Advice, MapsThatEmitTheWholeDocument) {
    for (const char *map : {"function (doc) { emit(doc._id, doc); }", "function(d){emit([d.a,d.b],d)}",
                            "(doc) => { emit(doc.x, doc) }", "doc => emit(null, doc)",
                            "function map(doc) { if (doc.a) { emit(f(doc.a, 1), doc); } }",
                            "(function (doc) { emit(doc._id, doc); })"})
        EXPECT_EQ(advised(map), "whole document") << map;
    for (const char *map :
         {"function (doc) { emit(doc._id, null); }", "function (doc) { emit(doc, 1); }",
          "function (doc) { emit(doc._id, doc.name); }", "function (doc) { emit(doc._id, {d: doc.x}); }",
          "function (doc) { // emit(1, doc)\n emit(1, 2); }", "function (doc) { /* emit(1, doc) */ }",
          "function (doc) { emit('emit(1, doc)', 2); }", "function (doc) { emit(doc); }",
          "function (doc) { log(1, doc); }", "function (doc) { emit(/,doc)/.test(doc.a), 1); }"})
        EXPECT_EQ(advised(map), "") << map;
}

TEST(Advice, MapsThatUseTimeOrChance) {
    EXPECT_EQ(advised("function (doc) { emit(new Date(), 1); }"), "Date()");
    EXPECT_EQ(advised("function (doc) { if (doc.at < Date.now()) emit(1); }"), "Date.now()");
    EXPECT_EQ(advised("function (doc) { emit(Math . random(), 1); }"), "Math.random()");
    for (const char *map : {"function (doc) { emit(new Date(doc.at).getTime(), 1); }",
                            "function (doc) { emit(Date.parse(doc.at), 1); }",
                            "function (doc) { emit('Date.now()', Math.round(doc.a)); }",
                            "function (doc) { emit(doc.Date.now, 1); }"})
        EXPECT_EQ(advised(map), "") << map;
}

TEST(Advice, ReducesThatABuiltinReplaces) {
    EXPECT_EQ(of_reduce("function (keys, values) { return sum(values); }"), "_sum");
    EXPECT_EQ(of_reduce("function (keys, values, rereduce) { return values.reduce((a, b) => a + b, 0); }"),
              "_sum");
    EXPECT_EQ(
        of_reduce("function (keys, values, rereduce) { if (rereduce) { return sum(values); } else { return "
                  "values.length; } }"),
        "_count");
    EXPECT_EQ(of_reduce("(k, v, r) => r ? sum(v) : v.length"), "_count");
    EXPECT_EQ(of_reduce("_sum"), "");
    EXPECT_EQ(of_reduce("function (keys, values) { return sum(values) / 2; }"), "");
    EXPECT_EQ(of_reduce("function (keys, values) { return Math.max.apply(Math, values); }"), "");
}

TEST(Advice, ReducesThatIgnoreRereduce) {
    EXPECT_EQ(of_reduce("function (keys, values) { return values.length; }"), "_count, rereduce");
    EXPECT_EQ(of_reduce("function (keys, values, rereduce) { var a = []; for (var i in values) "
                        "a.push(values[i]); return a; }"),
              "rereduce");
    EXPECT_EQ(
        of_reduce("function (keys, values) { var n = 0; for (var i = 0; i < 9; i += 1) n++; return n; }"),
        "rereduce");
    EXPECT_EQ(of_reduce("function (keys, values, rereduce) { if (rereduce) { return f(values); } return "
                        "values.map(function (v) { return v.a; }); }"),
              "");
    EXPECT_EQ(of_reduce("function (keys, values) { return Math.min.apply(Math, values); }"), "");
}

TEST(Advice, AnySourceIsRead) {
    for (const char *map : {"", "(", "function", "function (", "emit(", "\"", "/", "/*", "//", "'\\", "=>",
                            "x =>", "function (doc) { emit(1, doc", ")))", "function f"})
        EXPECT_EQ(advised(map, map), "") << map;
}

} // namespace
} // namespace divan::design
