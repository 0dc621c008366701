// The order of a view's rows, on the way of a request, against ICU's own comparison.

#include "api/testing/in_process_server.h"
#include "collation/sort_key.h"
#include "kv/memory/memory_engine.h"
#include "json/parser.h"
#include "json/writer.h"

#include <gtest/gtest.h>

#include <random>

namespace divan::api {
namespace {

constexpr int kKeys = 700;

// Strings of several scripts, near each other: cases, accents, digits, punctuation, what ICU ignores.
json::Value random_key(std::mt19937_64 &random, int depth = 0) {
    static const char *const pieces[] = {"a",
                                         "A",
                                         "b",
                                         "\xc3\xa4",
                                         "\xc3\xa9",
                                         "e\xcc\x81",
                                         "z",
                                         " ",
                                         "-",
                                         "_",
                                         "0",
                                         "10",
                                         "\xc3\x9f",
                                         "\xce\xb1",
                                         "\xd0\xb6",
                                         "\xe4\xb8\xad",
                                         "\xf0\x9f\x98\x80",
                                         "\x01",
                                         "\xef\xbf\xb0",
                                         "'"};
    switch (random() % (depth < 2 ? 8 : 5)) {
    case 0:
        return depth == 0 ? json::Value(nullptr) : json::Value(random() % 2 == 0);
    case 1:
        return static_cast<std::int64_t>(random() % 200) - 100;
    case 2:
        return static_cast<double>(static_cast<std::int64_t>(random() % 4'000) - 2'000) / 16;
    case 3:
    case 4: {
        std::string text;
        for (auto count = random() % 5; count > 0; --count)
            text += pieces[random() % std::size(pieces)];
        return text;
    }
    case 5:
    case 6: {
        json::Array array;
        for (auto count = random() % 4; count > 0; --count)
            array.push_back(random_key(random, depth + 1));
        return array;
    }
    default: {
        json::Object object;
        for (auto count = random() % 3; count > 0; --count)
            object.set(pieces[random() % std::size(pieces)], random_key(random, depth + 1));
        return object;
    }
    }
}

class ViewCollation : public testing::TestWithParam<collation::Order> {
  protected:
    [[nodiscard]] bool raw() const { return GetParam() == collation::Order::raw; }

    void SetUp() override {
        server_ = std::make_unique<InProcessServer>(*engine_);
        ASSERT_EQ(ask("PUT", "/db").status, 201);
        std::mt19937_64 random(7);
        std::string docs = R"({"docs":[)";
        for (int i = 0; i < kKeys; ++i) {
            json::Object document;
            document.set("_id", "doc" + std::to_string(1'000 + i));
            document.set("k", random_key(random));
            docs.append(i > 0 ? "," : "").append(json::to_text(document));
        }
        ASSERT_EQ(ask("POST", "/db/_bulk_docs", docs + "]}").status, 201);
        ASSERT_EQ(ask("PUT", "/db/_design/d",
                      std::string(R"({"views":{"v":{"map":"function(doc){emit(doc.k,null)}")") +
                          (raw() ? R"(,"options":{"collation":"raw"}}}})" : "}}}"))
                      .status,
                  201);
    }

    Answer ask(std::string method, const std::string &target, std::string body = {}) {
        return server_->ask(std::move(method), target, std::move(body));
    }

    json::Array rows(const std::string &query) {
        auto answer = ask("GET", "/db/_design/d/_view/v" + query);
        EXPECT_EQ(answer.status, 200) << answer.body;
        return json::parse(answer.body).value().object().find("rows")->array();
    }

    void expect_order(const json::Array &rows, int direction) {
        ASSERT_EQ(rows.size(), kKeys);
        for (std::size_t i = 1; i < rows.size(); ++i) {
            const auto &before = *rows[i - 1].object().find("key");
            const auto &after = *rows[i].object().find("key");
            auto order = collation::compare(before, after, GetParam()) * direction;
            EXPECT_LE(order, 0) << json::to_text(before) << " " << json::to_text(after);
            if (order == 0) {
                auto ids =
                    rows[i - 1].object().find("id")->string().compare(rows[i].object().find("id")->string());
                EXPECT_LT(ids * direction, 0) << "equal keys stand in the order of their ids";
            }
        }
    }

    std::unique_ptr<kv::Engine> engine_ = kv::make_memory_engine();
    std::unique_ptr<InProcessServer> server_;
};

TEST_P(ViewCollation, HoldsInBothDirectionsAndAfterARestart) {
    for (int life = 0; life < 2; ++life) {
        expect_order(rows(""), 1);
        expect_order(rows("?descending=true"), -1);
        server_.reset();
        server_ = std::make_unique<InProcessServer>(*engine_);
    }
}

TEST_P(ViewCollation, RangesAreWhatTheComparisonSays) {
    auto all = rows("");
    std::mt19937_64 random(8);
    for (int i = 0; i < 60; ++i) {
        auto start = random_key(random);
        auto end = random_key(random);
        if (collation::compare(start, end, GetParam()) > 0)
            std::swap(start, end);
        json::Object body;
        body.set("start_key", start);
        body.set("end_key", end);
        auto answer = ask("POST", "/db/_design/d/_view/v", json::to_text(body));
        ASSERT_EQ(answer.status, 200) << answer.body;
        auto found = json::parse(answer.body).value().object().find("rows")->array();
        json::Array expected;
        for (const auto &row : all) {
            const auto &key = *row.object().find("key");
            if (collation::compare(key, start, GetParam()) >= 0 &&
                collation::compare(key, end, GetParam()) <= 0)
                expected.push_back(row);
        }
        EXPECT_EQ(found, expected) << json::to_text(body);
    }
}

INSTANTIATE_TEST_SUITE_P(Orders, ViewCollation,
                         testing::Values(collation::Order::unicode, collation::Order::raw),
                         [](const auto &order) {
                             return std::string(order.param == collation::Order::raw ? "raw" : "unicode");
                         });

} // namespace
} // namespace divan::api
