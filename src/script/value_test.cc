// What functions get and give: values, modules, helpers.

#include "script/pool_testing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <initializer_list>

namespace divan::script {
namespace {

using testing::call;
using ::testing::ElementsAre;
using testing::emitted;
using ::testing::HasSubstr;
using testing::map;
using testing::options;
using testing::program;
using testing::text;

TEST(ValueTest, ValuesAreWrittenAsJson) {
    Pool pool(options());
    for (auto [expression, json] : std::initializer_list<std::pair<const char *, const char *>>{
             {"", "null"},
             {"undefined", "null"},
             {"function() {}", "null"},
             {"Symbol('s')", "null"},
             {"NaN", "null"},
             {"-Infinity", "null"},
             {"-0", "0"},
             {"1e21", "1e+21"},
             {"0.1 + 0.2", "0.30000000000000004"},
             {"-2147483648", "-2147483648"},
             {"9007199254740993", "9007199254740992"},
             {"true", "true"},
             {"'\\u0001\\n\"\\\\/\\u007f\\u00e9\\u20ac\\ud83d\\ude00'",
              "\"\\u0001\\n\\\"\\\\/\x7f\u00e9\u20ac\U0001f600\""},
             {"'\\ud800x'", "\"\xef\xbf\xbdx\""},
             {"['\\udc00', '\\\\ud800']", "[\"\xef\xbf\xbd\",\"\\\\ud800\"]"},
             {"new Date(0)", "\"1970-01-01T00:00:00.000Z\""},
             {"[undefined, function() {}, NaN]", "[null,null,null]"},
             {"{a: undefined, b: 1, __proto__: {c: 1}}", "{\"b\":1}"},
             {"{toJSON: function() { return [1]; }}", "[1]"},
             {"new String('x')", "\"x\""},
             {"new Map([[1, 2]])", "{}"},
             {"doc", "{}"},
         })
        EXPECT_EQ(emitted(pool, expression), "0/0 " + std::string(json) + " null\n") << expression;
    EXPECT_EQ(emitted(pool, "1, new TypeError('x')"), "0/0 1 {\"error\":\"TypeError\",\"message\":\"x\"}\n");
    EXPECT_THAT(emitted(pool, "10n"), HasSubstr("0/0 TypeError: f0: TypeError: "));
    EXPECT_THAT(emitted(pool, "(function() { var a = []; a[0] = a; return a; })()"),
                HasSubstr("0/0 TypeError: f0: TypeError: cyclic object value"));
}

TEST(ValueTest, DocumentsAreReadAsJson) {
    Pool pool(options());
    EXPECT_EQ(emitted(pool, "doc, doc.a.length",
                      "{\"a\":\"\u00e9\u20ac\U0001f600\",\"__proto__\":1,\"b\":[1.50,1e2,-0]}"),
              "0/0 {\"a\":\"\u00e9\u20ac\U0001f600\",\"__proto__\":1,\"b\":[1.5,100,0]} 4\n");
    // As deep as a document may be.
    EXPECT_EQ(emitted(pool, "1", std::string(8'000, '[') + std::string(8'000, ']')), "0/0 1 null\n");
    EXPECT_EQ(emitted(pool, "doc", "{\"a\":" + std::string(8'000, '[') + std::string(8'000, ']') + "}"),
              "0/0 {\"a\":" + std::string(8'000, '[') + std::string(8'000, ']') + "} null\n");
}

TEST(ValueTest, EmitWithinToJsonIsARowOfItsOwn) {
    Pool pool(options());
    EXPECT_EQ(emitted(pool, "{toJSON: function() { emit('inner', 1); return 'outer'; }}, 2"),
              "0/0 \"inner\" 1\n0/0 \"outer\" 2\n");
}

TEST(ValueTest, ModulesAreFoundFromWhereTheyAre) {
    Pool pool(options());
    auto functions = program(
        {"function() { return require('views/lib/a').who; }", "function() { return require('./a'); }",
         "function() { return require('views/lib'); }", "function() { return require('views/lib/broken'); }",
         "function() { return require('views/lib/circle').other; }",
         "function() { return require('views/lib/a') === require('views/lib/a'); }"},
        R"js({"views":{"lib":{
            "a":"exports.who = module.id + ' ' + require('./b').who + ' ' + require('../lib/sub/c').who;",
            "b":"module.exports = {who: module.id};",
            "broken":"nowhere();",
            "circle":"exports.name = 'circle'; exports.other = require('./round').name;",
            "round":"exports.name = 'round ' + require('./circle').name;",
            "sub":{"c":"exports.who = module.id + typeof module.parent.current + require('../b').who;"}}}})js");
    EXPECT_THAT(call(pool, functions, {{0, {}}, {1, {}}, {2, {}}, {3, {}}, {4, {}}, {5, {}}}),
                ElementsAre("\"views/lib/a views/lib/b views/lib/sub/cobjectviews/lib/b\"",
                            HasSubstr("invalid_require_path: Object has no parent"),
                            "invalid_require_path: Must require a JavaScript string, not: object",
                            HasSubstr("compilation_error: Module require('views/lib/broken') raised error"),
                            "\"round circle\"", "true"));
}

TEST(ValueTest, HelpersAreThere) {
    Pool pool(options());
    EXPECT_THAT(
        call(pool,
             program({"function() { return [sum([1, 2, 3]), sum({a: 1, b: 2}), isArray([]), isArray({}),"
                      " toJSON({a: 1}), JSON.parse('[1]')]; }",
                      "function() { emit(1, 2); return log('x'); }"}),
             {{0, {}}, {1, {}}}),
        ElementsAre("[6,3,true,false,\"{\\\"a\\\":1}\",[1]]", "null"));
}

} // namespace
} // namespace divan::script
