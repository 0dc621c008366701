#include "base/clock.h"
#include "base/random.h"
#include "config/config.h"
#include "db/store.h"
#include "kv/memory/memory_engine.h"
#include "wire/related_reader.h"
#include "wire/related_writer.h"
#include "json/parser.h"

#include <algorithm>
#include <future>
#include <gtest/gtest.h>

namespace divan::wire {
namespace {

// A body that arrives in small pieces.
class TextBody final : public net::BodyReader {
  public:
    explicit TextBody(std::string text) : text_(std::move(text)) {}
    Task<Result<std::string>> read_some(std::size_t bytes_max) override {
        auto piece = text_.substr(at_, std::min<std::size_t>(bytes_max, 1'000));
        at_ += piece.size();
        co_return piece;
    }
    std::optional<std::uint64_t> length() const override { return text_.size(); }

  private:
    std::string text_;
    std::size_t at_ = 0;
};

class RelatedTest : public testing::Test {
  protected:
    // Reads a body whose first part is the document.
    Task<Result<PreparedDocument>> read(net::BodyReader &body) {
        net::MultipartReader reader(body, "b");
        auto first = co_await reader.next_part();
        auto text = co_await reader.read_all(1 << 20);
        auto input = read_document(json::parse(*text, {.raw_depth = 1}).value());
        auto prepared =
            co_await read_related(reader, *config_, *database_, pool_, home_, std::move(*input), true);
        co_return std::move(prepared);
    }

    Task<void> keep(net::BodyReader &body, std::promise<Result<PreparedDocument>> &kept) {
        auto prepared = co_await read(body);
        kept.set_value(std::move(prepared));
    }

    Result<PreparedDocument> read_text(std::string text) {
        TextBody body(std::move(text));
        std::promise<Result<PreparedDocument>> kept;
        spawn(keep(body, kept), [] {});
        return kept.get_future().get();
    }

    void commit(PreparedDocument prepared) {
        std::promise<bool> written;
        std::vector<db::Edit> edits;
        edits.push_back(std::move(prepared.edit));
        database_->write(std::move(edits), db::WriteContext::system(),
                         [&](auto answers) { written.set_value(answers.front().ok()); });
        ASSERT_TRUE(written.get_future().get());
    }

    WrittenDocument stored(const std::string &id) {
        auto head = database_->head(id).value().value();
        auto tree = database_->tree(head).value();
        DocumentOptions options;
        options.revs = options.follows = options.attachments = true;
        return write_document(*database_, head, tree, tree.winner(), options).value();
    }

    std::string text_of(RelatedWriter &writer) {
        std::string text;
        for (;;) {
            auto piece = writer.next().value();
            if (piece.empty())
                return text;
            text += piece;
        }
    }

    std::unique_ptr<kv::Engine> engine_ = kv::make_memory_engine();
    ThreadPool pool_{2};
    ThreadPool home_{1};
    ManualClock clock_;
    SeededRandom random_{1};
    std::unique_ptr<config::Config> config_ = config::Config::load({}, "").value();
    std::unique_ptr<db::Store> store_ = db::open_store({*engine_, pool_, clock_, random_}, {}).value();
    std::shared_ptr<db::Database> database_ = store_->create("db", {}).value();
};

std::string part(std::string_view headers, std::string_view bytes) {
    return "\r\n--b\r\n" + std::string(headers) + "\r\n" + std::string(bytes);
}

constexpr std::string_view kDocument =
    R"({"_id":"a","_rev":"1-a","_attachments":{)"
    R"("x":{"follows":true,"length":3,"content_type":"image/png"},)"
    R"("y \"2\"":{"follows":true,"content_type":"text/plain"},"z":{"follows":true}}})";

TEST_F(RelatedTest, WhatWasReadIsWrittenWithTheLengthThatWasTold) {
    std::string large(700'000, 'l');
    for (std::size_t i = 0; i < large.size(); ++i)
        large[i] = static_cast<char>(i * i % 251);
    auto text = "--b\r\n\r\n" + std::string(kDocument) + part("", "xxx") +
                part("Content-Disposition: attachment; filename=\"z\"\r\n", large) +
                part("Content-Disposition: attachment; filename=\"y \\\"2\\\"\"\r\n", "text text text") +
                "\r\n--b--";
    auto prepared = read_text(text);
    ASSERT_TRUE(prepared.ok()) << prepared.error().reason();
    commit(std::move(*prepared));

    RelatedWriter writer(*database_, stored("a"), "c");
    auto length = writer.length();
    auto written = text_of(writer);
    EXPECT_TRUE(writer.done());
    EXPECT_EQ(writer.next().value(), "");
    EXPECT_EQ(written.size(), length);
    EXPECT_EQ(written.rfind("--c\r\nContent-Type: application/json\r\n\r\n{\"_id\":\"a\"", 0), 0u);
    EXPECT_NE(written.find("\r\nContent-Length: 700000\r\n\r\n" + large + "\r\n--c"), std::string::npos);
    EXPECT_NE(written.find("filename=\"y %222%22\"\r\n"), std::string::npos);
    EXPECT_TRUE(written.ends_with("\r\n--c--"));
}

TEST_F(RelatedTest, PartsThatLackOrAreTooManyOrHaveAnotherLengthAreRefused) {
    auto reason = [&](const std::string &parts) {
        auto read = read_text("--b\r\n\r\n" + std::string(kDocument) + parts + "\r\n--b--");
        return read.ok() ? "" : read.error().reason();
    };
    auto other = part("", "1");
    EXPECT_EQ(reason(part("", "xxx") + other), "The multipart body ends before attachment z.");
    EXPECT_EQ(reason(part("", "xxxx") + other + other),
              "Attachment x has 4 bytes, but its length was announced as 3.");
    EXPECT_EQ(reason(part("", "xxx") + other + other + other),
              "The multipart body has more parts than `_attachments` has members that follow.");
    EXPECT_EQ(reason(part("", "xxx") + other + other), "");
}

} // namespace
} // namespace divan::wire
