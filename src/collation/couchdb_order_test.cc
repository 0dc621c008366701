// 111 keys of every type in the order in which CouchDB 3.5 lists them in a view. A line is a key; keys that
// count as equal stand on one line.

#include "collation/sort_key.h"
#include "json/parser.h"
#include "json/writer.h"

#include <gtest/gtest.h>
#include <sstream>

namespace divan::collation {
namespace {

constexpr const char *kUnicodeOrder = R"KEYS(null
false
true
-1e10
-1
-0.5
0 = 0.0
1 = 1.0
1.5
2
10
100
9007199254740992.0 = 9007199254740992
1e20
1.2345678901234568e+29
""
"\t"
" "
" a"
"_"
"-"
","
";"
":"
"!"
"?"
"."
"'"
"\""
"("
")"
"["
"]"
"{"
"}"
"@"
"*"
"/"
"\\"
"&"
"#"
"%"
"`"
"^"
"+"
"<"
"="
">"
"|"
"~"
"\ud83d\ude00"
"$"
"0"
"1"
"10"
"2"
"a"
"A"
"\u00e1"
"\u00e4"
"\u00c4"
"a b"
"a-b"
"aa"
"aA"
"Aa"
"AA"
"ab"
"ab "
"b"
"B"
"co-op"
"CO-OP"
"coop"
"\u00e9" = "e\u0301"
"\u00f1"
"\u00f6"
"ss"
"\u00df"
"z"
"Z"
"\u4e2d"
"\u65e5"
"\ufff0"
"\uffff"
[]
[null]
[1]
["a"]
["a",0]
["b"]
["b","c"]
["b","c","a"]
["b","d"]
["b","d","e"]
[[]]
[{}]
{}
{"":1}
{"a":1}
{"a":1,"b":2}
{"a":2}
{"a":{}}
{"b":1}
{"b":2}
{"b":2,"a":1}
{"b":2,"c":2}
)KEYS";

constexpr const char *kRawOrder = R"KEYS(-1e10
-1
-0.5
0 = 0.0
1 = 1.0
1.5
2
10
100
9007199254740992.0 = 9007199254740992
1e20
1.2345678901234568e+29
false
null
true
{}
{"":1}
{"a":1}
{"a":1,"b":2}
{"a":2}
{"a":{}}
{"b":1}
{"b":2}
{"b":2,"a":1}
{"b":2,"c":2}
[]
[1]
[null]
[{}]
[[]]
["a"]
["a",0]
["b"]
["b","c"]
["b","c","a"]
["b","d"]
["b","d","e"]
""
"\t"
" "
" a"
"!"
"\""
"#"
"$"
"%"
"&"
"'"
"("
")"
"*"
"+"
","
"-"
"."
"/"
"0"
"1"
"10"
"2"
":"
";"
"<"
"="
">"
"?"
"@"
"A"
"AA"
"Aa"
"B"
"CO-OP"
"Z"
"["
"\\"
"]"
"^"
"_"
"`"
"a"
"a b"
"a-b"
"aA"
"aa"
"ab"
"ab "
"b"
"co-op"
"coop"
"e\u0301"
"ss"
"z"
"{"
"|"
"}"
"~"
"\u00c4"
"\u00df"
"\u00e1"
"\u00e4"
"\u00e9"
"\u00f1"
"\u00f6"
"\u4e2d"
"\u65e5"
"\ufff0"
"\uffff"
"\ud83d\ude00"
)KEYS";

using Groups = std::vector<std::vector<json::Value>>;

Groups parse_groups(const char *text) {
    Groups groups;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        auto &group = groups.emplace_back();
        for (std::size_t begin = 0; begin < line.size();) {
            auto end = std::min(line.find(" = ", begin), line.size());
            auto value = json::parse(line.substr(begin, end - begin));
            EXPECT_TRUE(value.ok()) << line;
            group.push_back(std::move(value).value());
            begin = end + 3;
        }
    }
    return groups;
}

int sign(int number) {
    return (number > 0) - (number < 0);
}

void expect_order(const Groups &groups, std::size_t keys, Order order) {
    std::vector<std::pair<std::size_t, const json::Value *>> all;
    for (std::size_t i = 0; i < groups.size(); ++i)
        for (const auto &value : groups[i])
            all.emplace_back(i, &value);
    ASSERT_EQ(all.size(), keys);
    for (const auto &[left_group, left] : all) {
        for (const auto &[right_group, right] : all) {
            auto expected = sign(static_cast<int>(left_group) - static_cast<int>(right_group));
            EXPECT_EQ(sign(sort_key(*left, order).compare(sort_key(*right, order))), expected)
                << json::to_text(*left) << " " << json::to_text(*right);
            EXPECT_EQ(compare(*left, *right, order), expected)
                << json::to_text(*left) << " " << json::to_text(*right);
        }
    }
}

TEST(CouchDbOrder, Unicode) {
    expect_order(parse_groups(kUnicodeOrder), 111, Order::unicode);
}

TEST(CouchDbOrder, Raw) {
    expect_order(parse_groups(kRawOrder), 111, Order::raw);
}

} // namespace
} // namespace divan::collation
