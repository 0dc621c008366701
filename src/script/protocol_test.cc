#include "script/protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace divan::script::protocol {
namespace {

using ::testing::HasSubstr;

Program program() {
    Program program;
    program.key = "k";
    program.design_id = "_design/d";
    program.functions = {{"a", "x"}, {"b", "y"}, {"c", "z"}};
    return program;
}

const Program kProgram = program();
const std::vector<std::uint32_t> kFunctions = {0, 2};

std::string body(Writer writer) {
    return std::move(writer).frame().substr(kLengthBytes);
}

struct Row {
    std::uint32_t document;
    std::uint32_t function;
    std::string key = "1";
    std::string value = "null";
};

// An answer to two functions on three documents.
std::string map_answer(std::uint32_t calls, const std::vector<Row> &rows,
                       const std::vector<Row> &failures = {}, const std::vector<std::uint32_t> &log = {}) {
    Writer writer(Kind::map_answer);
    writer.u8(0);
    writer.u32(calls);
    for (const auto *list : {&rows, &failures}) {
        writer.u32(list->size());
        for (const auto &row : *list) {
            writer.u32(row.document);
            writer.u32(row.function);
            writer.text(row.key);
            writer.text(row.value);
        }
    }
    writer.u32(log.size());
    for (auto function : log) {
        writer.u32(function);
        writer.text("line");
    }
    return body(std::move(writer));
}

Result<MapPart> decode(const std::string &frame) {
    return decode_map(frame, {kProgram, kFunctions, 3});
}

TEST(ProtocolTest, MapAnswerIsReadInCanonicalForm) {
    auto part = decode(
        map_answer(6, {{0, 0, " [1 ,2]", R"({"a":"\u0041"})"}, {2, 2}}, {{1, 0, "word", "reason"}}, {2}));
    ASSERT_TRUE(part.ok()) << part.error().reason();
    EXPECT_EQ(part->calls, 6U);
    ASSERT_EQ(part->answer.rows.size(), 2U);
    EXPECT_EQ(part->answer.rows[0].key, "[1,2]");
    EXPECT_EQ(part->answer.rows[0].value, R"({"a":"A"})");
    EXPECT_EQ(part->answer.failures.at(0).error.reason, "reason");
    EXPECT_EQ(part->answer.log.at(0).function, "c");
}

TEST(ProtocolTest, NonsenseOfAMapIsRefused) {
    for (const auto &frame : {
             map_answer(0, {}),               // no progress
             map_answer(7, {}),               // more calls than asked for
             map_answer(6, {{3, 0}}),         // no such document
             map_answer(6, {{0, 1}}),         // a function that was not asked for
             map_answer(6, {{0, 3}}),         // none at all
             map_answer(6, {{1, 0}, {0, 2}}), // out of order
             map_answer(6, {{0, 2}, {0, 0}}),
             map_answer(2, {{1, 0}}),      // a call that was not made
             map_answer(6, {{0, 0, "x"}}), // not JSON
             map_answer(6, {{0, 0, "1", "\"\xff\""}}),
             map_answer(6, {{0, 0, "1", "1 2"}}),
             map_answer(6, {{0, 0, "", "1"}}),
             map_answer(6, {{0, 0, std::string(kDepthMax + 1, '[') + std::string(kDepthMax + 1, ']')}}),
             map_answer(6, {}, {{0, 0}, {0, 0}}), // twice
             map_answer(6, {}, {{0, 0, "\xff"}}),
             map_answer(6, {}, {}, {3}), // a log line of no function
             map_answer(6, {}) + "x",
             std::string(),
             std::string("\x02"),
         })
        EXPECT_FALSE(decode(frame).ok());
}

TEST(ProtocolTest, EveryCutAnswerIsRefused) {
    auto frame = map_answer(6, {{0, 0}, {1, 2}}, {{2, 0}}, {0});
    ASSERT_TRUE(decode(frame).ok());
    for (std::size_t size = 0; size < frame.size(); ++size)
        EXPECT_FALSE(decode(frame.substr(0, size)).ok()) << size;
}

TEST(ProtocolTest, LongReasonsAreCutAtACharacter) {
    std::string word;
    while (word.size() < 300)
        word += "\u20ac";
    auto part = decode(map_answer(6, {}, {{0, 0, word, "reason"}}));
    ASSERT_TRUE(part.ok());
    EXPECT_EQ(part->answer.failures[0].error.error.size(), 255U);
}

std::string outcomes(std::size_t values, std::size_t parts) {
    Writer writer(Kind::outcomes);
    writer.u8(1);
    writer.u32(values);
    for (std::size_t i = 0; i < values; ++i) {
        writer.u8(i % 2 == 0 ? 0 : 1);
        writer.text(i % 2 == 0 ? "1" : "word");
        if (i % 2 != 0)
            writer.text("reason");
    }
    writer.u32(parts);
    for (std::size_t i = 0; i < parts; ++i)
        writer.text("{}");
    writer.u32(0);
    return body(std::move(writer));
}

TEST(ProtocolTest, OutcomesAreHeldAgainstTheQuestion) {
    auto decode_two = [](const std::string &frame) {
        return decode_outcomes(frame, kProgram, 2, [](std::size_t) { return 3; });
    };
    auto read = decode_two(outcomes(1, 3));
    ASSERT_TRUE(read.ok()) << read.error().reason();
    EXPECT_TRUE(read->leaving);
    EXPECT_EQ(read->partial.size(), 3U);
    EXPECT_TRUE(decode_two(outcomes(2, 0)).ok());
    EXPECT_FALSE(decode_two(outcomes(0, 0)).ok()) << "no progress";
    EXPECT_FALSE(decode_two(outcomes(3, 0)).ok()) << "too many";
    EXPECT_FALSE(decode_two(outcomes(1, 4)).ok()) << "too many parts";
    EXPECT_FALSE(decode_two(outcomes(2, 1)).ok()) << "parts of nothing";
    auto frame = outcomes(1, 1);
    for (std::size_t size = 0; size < frame.size(); ++size)
        EXPECT_FALSE(decode_two(frame.substr(0, size)).ok()) << size;
}

TEST(ProtocolTest, RequestsAreReadAsTheyWereWritten) {
    Writer writer(Kind::map);
    write_program(writer, kProgram, true, {1, 2});
    writer.u32(1);
    writer.u32(2);
    writer.u32(2);
    writer.text("{}");
    writer.text("[]");
    auto frame = body(std::move(writer));
    auto request = decode_request(frame);
    ASSERT_TRUE(request.ok());
    EXPECT_EQ(request->program_key, "k");
    EXPECT_EQ(request->definition->functions.size(), 3U);
    EXPECT_EQ(request->limits.log_bytes_max, 2U);
    EXPECT_THAT(request->functions, ::testing::ElementsAre(2U));
    EXPECT_THAT(request->documents, ::testing::ElementsAre("{}", "[]"));
    for (std::size_t size = 0; size < frame.size(); ++size)
        EXPECT_FALSE(decode_request(frame.substr(0, size)).ok()) << size;
}

} // namespace
} // namespace divan::script::protocol
