#include "selector/path.h"

#include "json/parser.h"
#include "json/writer.h"

#include <gtest/gtest.h>

namespace divan::selector {
namespace {

using Steps = std::vector<std::string>;

Path path(Steps steps) {
    return Path{std::move(steps)};
}

// What stands at each path: its text, "missing" or "bad_path".
std::vector<std::string> read(std::string_view json, const std::vector<Path> &paths) {
    const PathReader reader(paths);
    EXPECT_EQ(reader.size(), paths.size());
    std::vector<Found> found(paths.size(), Found{Found::State::value, "stale"});
    reader.read(json, found);
    std::vector<std::string> told;
    for (const auto &one : found)
        told.emplace_back(one.is_value()                       ? one.text
                          : one.state == Found::State::missing ? "missing"
                                                               : "bad_path");
    return told;
}

std::string read_one(std::string_view json, Steps steps) {
    return read(json, {path(std::move(steps))}).front();
}

TEST(Path, NamesAreCutAtPoints) {
    const std::vector<std::pair<std::string, Steps>> cases = {
        {"ab", {"ab"}},
        {"a.b", {"a", "b"}},
        {"a\\.b", {"a.b"}},
        {"a.b.c", {"a", "b", "c"}},
        {"a.b\\.c", {"a", "b.c"}},
        {"\\$a", {"$a"}},
        {"a\\\\.b", {"a.b"}},
        {"\\\\", {""}},
        {"a\\b", {"ab"}},
    };
    for (const auto &[name, steps] : cases) {
        const auto parsed = parse_path(name);
        ASSERT_TRUE(parsed.ok()) << name;
        EXPECT_EQ(parsed->steps, steps) << name;
    }
    for (std::string name : {"", ".", "a.", ".a", "a..b"}) {
        const auto parsed = parse_path(name);
        ASSERT_FALSE(parsed.ok()) << name;
        EXPECT_EQ(parsed.error().word(), "invalid_field_name");
        EXPECT_EQ(parsed.error().reason(), "Invalid field name: " + name);
    }
}

TEST(Path, EscapedNamesAreReadBack) {
    for (const Steps &steps :
         {Steps{"a"}, Steps{"a.b", "c"}, Steps{"$a", "$b."}, Steps{".", "."}, Steps{""}, Steps{"a", ""}}) {
        const auto parsed = parse_path(path(steps).escaped());
        ASSERT_TRUE(parsed.ok()) << path(steps).escaped();
        EXPECT_EQ(parsed->steps, steps);
    }
    EXPECT_EQ(path({"a.b", "$c"}).joined(), "a.b.$c");
    EXPECT_EQ(path({}).joined(), "");
}

TEST(PathReader, ValuesAtAnyDepth) {
    const std::string json = R"({"a":1,"b":{"c":[{"d":"x"},[5,6]],"e":{}},"f":null})";
    EXPECT_EQ(read_one(json, {}), json);
    EXPECT_EQ(read_one(json, {"a"}), "1");
    EXPECT_EQ(read_one(json, {"b", "c", "0", "d"}), R"("x")");
    EXPECT_EQ(read_one(json, {"b", "c", "1", "1"}), "6");
    EXPECT_EQ(read_one(json, {"b", "e"}), "{}");
    EXPECT_EQ(read_one(json, {"f"}), "null");
    const std::vector<Path> paths = {path({"f"}),     path({"b", "c", "1"}),      path({"b"}),
                                     path({"a"}),     path({"b", "c", "1", "0"}), path({"f"}),
                                     path({"b", "e"})};
    EXPECT_EQ(read(json, paths),
              (std::vector<std::string>{"null", "[5,6]", R"({"c":[{"d":"x"},[5,6]],"e":{}})", "1", "5",
                                        "null", "{}"}));
}

TEST(PathReader, MissingIsNotBad) {
    const std::string json = R"({"a":1,"o":{},"l":[{}],"e":[]})";
    for (const Steps &steps :
         {Steps{"z"}, Steps{"z", "y"}, Steps{"o", "y"}, Steps{"o", "y", "x"}, Steps{"l", "0", "y"}})
        EXPECT_EQ(read_one(json, steps), "missing") << path(steps).joined();
    for (const Steps &steps : {Steps{"a", "b"}, Steps{"a", "b", "c"}, Steps{"l", "1"}, Steps{"l", "-1"},
                               Steps{"l", "x"}, Steps{"l", "x", "y"}, Steps{"e", "0"}, Steps{"l", "1", "y"}})
        EXPECT_EQ(read_one(json, steps), "bad_path") << path(steps).joined();
    EXPECT_EQ(read_one("5", {"a"}), "bad_path");
    EXPECT_EQ(read_one("[]", {"0"}), "bad_path");
}

// As Erlang reads integers.
TEST(PathReader, StepsIntoArrays) {
    for (const char *step : {"1", "+1", "01", "0001"})
        EXPECT_EQ(read_one("[5,6,7]", {step}), "6") << step;
    for (const char *step : {"-0", "+0", "0", "00"})
        EXPECT_EQ(read_one("[5,6,7]", {step}), "5") << step;
    for (const char *step :
         {"", "-", "+", "1 ", " 1", "1.0", "1e0", "-1", "++1", "0x1", "3", "18446744073709551617"})
        EXPECT_EQ(read_one("[5,6,7]", {step}), "bad_path") << step;
    EXPECT_EQ(read_one(R"({"01":1,"1":2})", {"01"}), "1");
    EXPECT_EQ(read(R"([5,{"a":6},7])",
                   {path({"1", "a"}), path({"01"}), path({"+1", "b"}), path({"2"}), path({"1", "a", "c"})}),
              (std::vector<std::string>{"6", R"({"a":6})", "missing", "7", "bad_path"}));
}

TEST(PathReader, NamesWithEscapes) {
    const std::vector<std::string> names = {"a\"b", "a\\", "a\nb", "\x01", "\xc3\xa9", "", "a.b", "a"};
    json::Object object;
    std::vector<Path> paths;
    for (const auto &name : names) {
        object.append(name, json::Value(name));
        paths.push_back(path({name}));
    }
    const auto values = read(json::to_text(object), paths);
    for (std::size_t i = 0; i < names.size(); ++i)
        EXPECT_EQ(values[i], json::to_text(json::Value(names[i])));
}

TEST(PathReader, ManyNames) {
    std::string json = "{";
    std::vector<Path> paths;
    for (int i = 0; i < 1000; ++i) {
        json += (i == 0 ? "\"n" : ",\"n") + std::to_string(i) + "\":" + std::to_string(i);
        paths.push_back(path({"n" + std::to_string(999 - i)}));
        paths.push_back(path({"m" + std::to_string(i), "x"}));
    }
    const auto values = read(json + "}", paths);
    for (std::size_t i = 0; i < 1000; ++i) {
        ASSERT_EQ(values[2 * i], std::to_string(999 - i));
        ASSERT_EQ(values[2 * i + 1], "missing");
    }
}

// What comes behind the last member that is wanted is not looked at.
TEST(PathReader, EndsWithTheLastMemberWanted) {
    EXPECT_EQ(read_one(R"({"a":{"b":1,"c":[)", {"a", "b"}), "1");
    EXPECT_EQ(read(R"({"a":{"b":1},"d":[2],"e":)", {path({"a", "b"}), path({"d", "0"})}),
              (std::vector<std::string>{"1", "2"}));
}

TEST(PathReader, DeepTexts) {
    constexpr std::size_t kDepth = 5'000;
    std::string json;
    for (std::size_t i = 0; i < kDepth; ++i)
        json += R"({"a":)";
    json += "1" + std::string(kDepth, '}');
    EXPECT_EQ(read_one(json, Steps(kDepth, "a")), "1");
    EXPECT_EQ(read_one(json, Steps(kDepth + 1, "a")), "bad_path");
    EXPECT_EQ(read_one(json, {"b"}), "missing");
}

} // namespace
} // namespace divan::selector
