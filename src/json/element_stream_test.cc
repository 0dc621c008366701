#include "json/element_stream.h"

#include "json/writer.h"

#include <gtest/gtest.h>

namespace divan::json {
namespace {

struct Taken {
    std::vector<std::string> elements;
    std::string rest;
    bool ok = true;
    friend bool operator==(const Taken &, const Taken &) = default;
};

Taken take(std::string_view member, std::string_view text, std::size_t step) {
    ElementStream stream(member);
    Taken taken;
    for (std::size_t at = 0; at < text.size(); at += step) {
        if (!stream.feed(text.substr(at, step)).ok())
            return {{}, "", false};
        while (auto element = stream.next())
            taken.elements.push_back(std::move(*element));
    }
    auto rest = stream.finish();
    taken.ok = rest.ok();
    if (rest.ok())
        taken.rest = to_text(*rest);
    return taken;
}

TEST(ElementStream, ElementsAreTakenHoweverTheBytesArrive) {
    std::string text = "\n{ \"pending\" : 3, \"results\" : [\n{\"id\":\"a]\\\"}\",\"changes\":[[],{}]},\n\n "
                       "7 , \"x,\\\\\"\n],"
                       "\"last_seq\":[1,{\"results\":[2]}]}\n";
    Taken expected{{R"({"id":"a]\"}","changes":[[],{}]})", "7", R"("x,\\")"},
                   R"({"pending":3,"results":[],"last_seq":[1,{"results":[2]}]})",
                   true};
    for (std::size_t step = 1; step <= text.size(); ++step)
        EXPECT_EQ(take("results", text, step), expected) << step;
}

TEST(ElementStream, TheRootMayBeTheArray) {
    EXPECT_EQ(take("", "[ {\"ok\":1} ,{}]", 3), (Taken{{"{\"ok\":1}", "{}"}, "[]", true}));
    EXPECT_EQ(take("", "[]", 1), (Taken{{}, "[]", true}));
}

TEST(ElementStream, OnlyTheMemberItselfIsTaken) {
    EXPECT_EQ(take("results", R"({"x":"\"results\":","results":[1]})", 1).elements,
              std::vector<std::string>{"1"});
    EXPECT_FALSE(take("results", R"({"xresults":[1],"a":{"results":[1]}})", 1).ok);
}

TEST(ElementStream, WhatIsNoSuchTextIsRefused) {
    for (const char *text :
         {"", "{", "[]", "{\"results\":[1}", "{\"results\":[1,]}", "{\"results\":[,1]}", "{\"results\":[1]",
          "{\"results\":7}", "{\"results\":[]}}", "<html>", "{\"results\":[]},", "{\"results\":[\"a"})
        EXPECT_FALSE(take("results", text, 1).ok) << text;
}

TEST(ElementStream, AnElementThatIsTooLargeIsRefused) {
    ElementStream stream("", 10);
    EXPECT_TRUE(stream.feed("[\"12345678\"").ok());
    EXPECT_EQ(stream.feed("9,\"1234567890").error().code(), ErrorCode::too_large);
}

} // namespace
} // namespace divan::json
