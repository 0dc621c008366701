// The matcher against the reference, on random documents and selectors.

#include "selector/selector.h"
#include "selector/testing/random_cases.h"
#include "selector/testing/reference_matcher.h"
#include "json/parser.h"
#include "json/writer.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <map>
#include <random>

namespace divan::selector::testing {
namespace {

constexpr std::size_t kSelectors = 15'000;
constexpr std::size_t kDocuments = 500;
constexpr std::size_t kDocumentsForEach = 20;

// A new one each time, unless DIVAN_SEED says which.
std::uint64_t chosen_seed() {
    const char *wanted = std::getenv("DIVAN_SEED");
    return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : std::random_device()();
}

struct Document {
    json::Value value;
    std::string text;
};

class SelectorProperty : public ::testing::Test {
  protected:
    SelectorProperty() : seed_(chosen_seed()), cases_(seed_) {
        for (std::size_t i = 0; i < kDocuments; ++i) {
            auto value = cases_.document();
            auto text = json::to_text(value);
            documents_.push_back({std::move(value), std::move(text)});
        }
    }

    std::string told(const json::Value &selector) const {
        return "selector " + json::to_text(selector) + " DIVAN_SEED=" + std::to_string(seed_);
    }

    const Document &some_document(std::size_t i) const { return documents_[i % documents_.size()]; }

    std::uint64_t seed_;
    RandomCases cases_;
    std::vector<Document> documents_;
};

// Names of the operators in a selector, with what came of them.
void count_operators(const json::Value &value, bool matched,
                     std::map<std::string, std::array<int, 2>> &counts) {
    if (value.is_array())
        for (const auto &element : value.array())
            count_operators(element, matched, counts);
    if (value.is_object())
        for (const auto &member : value.object()) {
            if (member.key.starts_with('$'))
                ++counts[member.key][matched ? 1 : 0];
            count_operators(member.value, matched, counts);
        }
}

TEST_F(SelectorProperty, MatchingIsMatchingByDefinition) {
    std::map<std::string, std::array<int, 2>> counts;
    std::size_t pairs = 0;
    for (std::size_t i = 0; i < kSelectors; ++i) {
        const auto selector = cases_.selector();
        const auto compiled = Selector::compile(selector);
        if (!compiled.ok())
            continue;
        Matcher matcher(*compiled);
        for (std::size_t j = 0; j < kDocumentsForEach; ++j, ++pairs) {
            const auto &document = some_document(i * 7 + j);
            const bool expected = reference_matches(selector, document.value, simple_regex_matches);
            count_operators(selector, expected, counts);
            ASSERT_EQ(matcher.matches(document.text), expected)
                << told(selector) << " document " << document.text;
        }
        EXPECT_EQ(matcher.regexes_given_up(), 0u) << told(selector);
    }
    EXPECT_GT(pairs, 200'000u);
    // Every operator was asked in selectors that hold and in such that do not.
    EXPECT_GE(counts.size(), 23u);
    for (const auto &[name, count] : counts)
        EXPECT_TRUE(count[0] > 50 && (count[1] > 50 || name == "$text")) << name << " DIVAN_SEED=" << seed_;
}

// The normal form is its own normal form, also when it is read from its text, and matches the same.
TEST_F(SelectorProperty, NormalFormsStayAndMatchTheSame) {
    for (std::size_t i = 0; i < kSelectors / 10; ++i) {
        const auto selector = cases_.selector();
        const auto compiled = Selector::compile(selector);
        if (!compiled.ok())
            continue;
        const auto form = (*compiled)->to_json(false);
        const auto again = Selector::compile(json::parse(json::to_text(form)).value());
        ASSERT_TRUE(again.ok()) << told(selector) << " form " << json::to_text(form);
        EXPECT_EQ((*again)->to_json(false), form) << told(selector);
        EXPECT_EQ((*again)->to_json(true), (*compiled)->to_json(true)) << told(selector);
        EXPECT_EQ((*again)->fields(), (*compiled)->fields()) << told(selector);
        Matcher matcher(*compiled), matcher_again(*again);
        for (std::size_t j = 0; j < kDocumentsForEach; ++j) {
            const auto &text = some_document(i * 7 + j).text;
            ASSERT_EQ(matcher.matches(text), matcher_again.matches(text))
                << told(selector) << " document " << text;
        }
    }
}

} // namespace
} // namespace divan::selector::testing
