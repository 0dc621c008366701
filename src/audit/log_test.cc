#include "audit/log.h"

#include "audit/pending.h"
#include "audit/query.h"
#include "audit/testing_log.h"

#include <gtest/gtest.h>

namespace divan::audit {
namespace {

constexpr kv::ShardId kShard{7};

std::vector<std::string> texts_of(TestingLog &log) {
    std::vector<std::string> texts;
    for (auto &record : log.records())
        texts.push_back(std::move(record.text));
    return texts;
}

// Commits rows of a write as a database does.
void commit_pending(TestingLog &log, std::uint64_t sequence, const std::vector<PendingWrite> &writes) {
    kv::WriteBatch batch;
    append_pending(batch, sequence, log.clock.now(), writes);
    auto commit = log.engine->begin(kShard, {}, 0);
    ASSERT_TRUE(commit.ok());
    ASSERT_TRUE((*commit)->finish(std::move(batch), 0).ok());
}

std::size_t pending_rows(TestingLog &log) {
    auto page = log.engine->scan({.shard = kShard, .begin = "a", .end = "b"});
    return page.ok() ? page->size() : 99;
}

PendingWrite write_of(std::string document) {
    static std::string kept;
    kept = std::move(document);
    return {"\"principal\":\"anna\",", {{Kind::document_write, kept, "1-a", {}, false}}};
}

TEST(Log, RecordsAreChainedInOrder) {
    TestingLog log;
    auto writer = log.open();
    for (int i = 0; i < 50; ++i)
        writer->note(TestingLog::record("a" + std::to_string(i)));
    auto head = writer->flush();
    ASSERT_TRUE(head.ok());
    EXPECT_EQ(head->count, 50U);
    writer->stop();
    EXPECT_EQ(log.findings(), "");
    auto texts = texts_of(log);
    ASSERT_EQ(texts.size(), 50U);
    EXPECT_EQ(texts[0], R"({"number":1,"time":"2023-11-14T22:13:20.000000Z","node":"node","kind":"security",)"
                        R"("action":"a0","outcome":"granted","principal":"anna"})");
    EXPECT_NE(texts[49].find("\"action\":\"a49\""), std::string::npos);
    EXPECT_EQ(log.metrics.value(telemetry::Metric::audit_records), 50);
}

TEST(Log, GoesOnAfterARestart) {
    TestingLog log;
    for (std::uint64_t i = 1; i <= 3; ++i) {
        auto writer = log.open();
        ASSERT_TRUE(writer->note_durable(TestingLog::record("again")).ok());
        EXPECT_EQ(log.records().size(), i) << "durable when it returns";
    }
    EXPECT_EQ(log.findings(), "");
}

TEST(Log, AnotherKeyIsRefused) {
    TestingLog log;
    log.write(1);
    auto opened = Log::open({*log.engine, log.clock, log.logger, log.metrics}, crypto::Secret("other"),
                            "uuid", "node", TestingLog::all_kinds());
    ASSERT_FALSE(opened.ok());
    EXPECT_NE(opened.error().reason().find("key_file"), std::string::npos);
}

TEST(Log, KindsThatAreNotWantedArePassedOver) {
    TestingLog log;
    auto options = TestingLog::all_kinds();
    options->kinds[static_cast<std::size_t>(Kind::security)] = false;
    auto writer = log.open(options);
    writer->note(TestingLog::record("a"));
    EXPECT_TRUE(writer->note_durable(TestingLog::record("b")).ok());
    auto record = TestingLog::record("c");
    record.kind = Kind::design;
    EXPECT_TRUE(writer->try_note(record));
    EXPECT_EQ(writer->flush()->count, 1U);
}

TEST(Log, FullQueueLosesRecordsAndSaysHowMany) {
    TestingLog log;
    auto options = TestingLog::all_kinds();
    options->queue_records_max = 4;
    options->queue_wait = Millis(0);
    options->seal_interval =
        Millis(60'000); // nothing is taken until somebody asks, or the queue is half full
    auto writer = log.open(options);
    writer->stop();
    writer->note(TestingLog::record("late"));
    EXPECT_EQ(log.metrics.value(telemetry::Metric::audit_dropped), 1);
    // Many threads' worth of records, faster than the thread takes them.
    writer = log.open(options);
    for (int i = 0; i < 10'000; ++i)
        writer->note(TestingLog::record("x"));
    ASSERT_TRUE(writer->flush().ok());
    ASSERT_TRUE(writer->flush().ok());
    writer->stop();
    auto lost = log.metrics.value(telemetry::Metric::audit_dropped) - 1;
    std::int64_t told = 0;
    std::int64_t kept = 0;
    for (const auto &text : texts_of(log)) {
        auto record = parse_record(text);
        ASSERT_TRUE(record.ok());
        if (record->find("action")->string() == "records_lost")
            told += *record->find("details")->object().find("count")->as_int64();
        else
            ++kept;
    }
    EXPECT_EQ(told, lost);
    EXPECT_EQ(kept + lost, 10'000);
    EXPECT_EQ(log.findings(), "");
}

TEST(Log, PendingRowsOfCommitsAreChainedAndErased) {
    TestingLog log;
    auto writer = log.open();
    commit_pending(log, 3,
                   {{R"("principal":"anna","address":"127.0.0.1",)",
                     {{Kind::document_write, "new", "1-a", {}, false},
                      {Kind::document_write, "old", "2-b", "1-b", false},
                      {Kind::design, "_design/x", "3-c", "2-c", true}}}});
    writer->note_pending(kShard);
    ASSERT_TRUE(writer->flush().ok());
    EXPECT_EQ(pending_rows(log), 0U);
    auto texts = texts_of(log);
    ASSERT_EQ(texts.size(), 3U);
    // By kind and action.
    EXPECT_NE(texts[0].find(R"("kind":"design","action":"deleted")"), std::string::npos);
    EXPECT_EQ(texts[1],
              R"({"number":2,"time":"2023-11-14T22:13:20.000000Z","node":"node","kind":"document_write",)"
              R"("action":"created","outcome":"granted","principal":"anna","address":"127.0.0.1",)"
              R"("document":"new","revision":"1-a"})");
    EXPECT_NE(texts[2].find(R"("action":"updated")"), std::string::npos);
    EXPECT_NE(texts[2].find(R"("revision":"2-b","replaced":"1-b"})"), std::string::npos);
    for (const auto &text : texts)
        EXPECT_TRUE(parse_record(text).ok()) << text;
}

TEST(Log, DocumentsOfOneWriteShareRecords) {
    TestingLog log;
    auto writer = log.open();
    std::vector<std::string> names;
    for (std::size_t i = 0; i < kDocumentsOfRecord + 2; ++i)
        names.push_back("d" + std::to_string(i));
    PendingWrite write{"\"principal\":\"anna\",", {}};
    for (const auto &name : names)
        write.edits.push_back({Kind::document_write, name, "2-b", "1-a", false});
    commit_pending(log, 1, {write, write_of("alone")});
    writer->note_pending(kShard);
    ASSERT_TRUE(writer->flush().ok());
    auto texts = texts_of(log);
    ASSERT_EQ(texts.size(), 3U) << "writes of two callers do not share one";
    EXPECT_NE(texts[1].find(R"("documents":[{"document":"d100","revision":"2-b","replaced":"1-a"},)"
                            R"({"document":"d101","revision":"2-b","replaced":"1-a"}]})"),
              std::string::npos)
        << texts[1];
    for (auto [document, number] : {std::pair{"d7", 1U}, std::pair{"d101", 2U}, std::pair{"alone", 3U}}) {
        Query query;
        query.count = 3;
        query.filter.document = document;
        auto page = read_records(*log.engine, query);
        ASSERT_TRUE(page.ok());
        ASSERT_EQ(page->texts.size(), 1U) << document;
        EXPECT_EQ(number_of(page->texts[0]), number);
    }
}

TEST(Log, PendingRowsOfAProcessThatWasKilledAreChainedOnce) {
    TestingLog log;
    commit_pending(log, 1, {write_of("a")});
    commit_pending(log, 2, {write_of("b")});
    {
        auto writer = log.open();
        writer->note_pending(kShard);
        ASSERT_TRUE(writer->flush().ok());
    }
    // Killed between the commit of the chain and the erasure: the rows are there again.
    commit_pending(log, 1, {write_of("a")});
    commit_pending(log, 2, {write_of("b")});
    commit_pending(log, 3, {write_of("c")});
    auto writer = log.open();
    writer->note_pending(kShard);
    ASSERT_TRUE(writer->flush().ok());
    EXPECT_EQ(pending_rows(log), 0U);
    EXPECT_EQ(log.records().size(), 3U);
    EXPECT_EQ(log.findings(), "");
}

TEST(Log, ShardIsRetiredWithItsRecords) {
    TestingLog log;
    auto writer = log.open();
    commit_pending(log, 1, {write_of("a")});
    ASSERT_TRUE(writer->retire(kShard).ok());
    EXPECT_EQ(log.records().size(), 1U);
    auto cursors = log.engine->scan({.shard = kv::kAuditShard, .begin = "s", .end = "t"});
    EXPECT_TRUE(cursors->empty());
}

TEST(Log, ChangedPendingRowDoesNotStopTheLog) {
    TestingLog log;
    auto writer = log.open();
    kv::WriteBatch batch;
    batch.put(kv::Table::documents, pending_key({5, 0}), "nonsense");
    ASSERT_TRUE(log.engine->stage(kShard, std::move(batch)).ok());
    writer->note_pending(kShard);
    ASSERT_TRUE(writer->flush().ok());
    ASSERT_EQ(log.records().size(), 1U);
    EXPECT_NE(log.records()[0].text.find("pending_unreadable"), std::string::npos);
    EXPECT_EQ(pending_rows(log), 0U);
}

TEST(Log, ManyRecordsTakeSeveralCommits) {
    TestingLog log;
    auto writer = log.open();
    std::vector<std::string> names;
    names.reserve(30'000);
    for (int i = 0; i < 30'000; ++i)
        names.push_back(std::string(150, 'd') + std::to_string(i));
    PendingWrite write{"\"principal\":\"anna\",", {}};
    for (const auto &name : names)
        write.edits.push_back({Kind::document_write, name, "1-a", {}, false});
    commit_pending(log, 1, {write});
    EXPECT_GT(pending_rows(log), 5U) << "a value has at most 1 MiB";
    writer->note_pending(kShard);
    ASSERT_TRUE(writer->flush().ok());
    auto verified = log.verify();
    EXPECT_TRUE(verified.clean());
    EXPECT_GE(verified.records, names.size() / kDocumentsOfRecord);
}

// ---- texts

TEST(Record, DetailsAreRedacted) {
    auto record = TestingLog::record("set");
    json::Object inner;
    inner.append("Password", "geheim");
    inner.append("iban", "DE00");
    inner.append("name", "anna");
    record.details.append("before", std::move(inner));
    record.details.append("access_token", 5);
    auto body = body_of(record, "node", {"IBAN"});
    EXPECT_NE(body.find(R"("details":{"before":{"Password":"[redacted]","iban":"[redacted]","name":"anna"},)"
                        R"("access_token":"[redacted]"})"),
              std::string::npos)
        << body;
}

TEST(Record, WhateverComesIsReadable) {
    auto record = TestingLog::record("a");
    record.principal = "\xff\xc0\xaf\xed\xa0\x80\"\\\n";
    record.path = std::string(100'000, 'x');
    record.details.append("long", std::string(100'000, 'y'));
    auto text = numbered(7, body_of(record, "node"));
    EXPECT_LT(text.size(), 4'000U);
    auto parsed = parse_record(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(parsed->find("principal")->string(), "??\????\"\\\n");
    EXPECT_EQ(number_of(text), 7U);
}

TEST(Record, TimesSort) {
    EXPECT_EQ(time_text(std::chrono::microseconds(0)), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(time_text(std::chrono::microseconds(1'798'704'000'000'001)), "2026-12-31T08:00:00.000001Z");
}

// ---- reading

TEST(Query, PagesForwardsAndBackwards) {
    TestingLog log;
    log.write(25, 4);
    for (bool descending : {false, true}) {
        Query query;
        query.count = 24; // of an older head
        query.descending = descending;
        query.records_max = 10;
        std::vector<std::uint64_t> numbers;
        for (;;) {
            auto page = read_records(*log.engine, query);
            ASSERT_TRUE(page.ok());
            for (const auto &text : page->texts)
                numbers.push_back(*number_of(text));
            if (page->next == 0)
                break;
            query.from = page->next;
        }
        ASSERT_EQ(numbers.size(), 24U);
        if (descending)
            std::reverse(numbers.begin(), numbers.end());
        for (std::size_t i = 0; i < numbers.size(); ++i)
            EXPECT_EQ(numbers[i], i + 1);
    }
}

TEST(Query, FiltersAndBoundsOfScans) {
    TestingLog log;
    log.write(25, 4);
    Query query;
    query.count = 25;
    query.filter.action = "17";
    auto page = read_records(*log.engine, query);
    ASSERT_TRUE(page.ok());
    ASSERT_EQ(page->texts.size(), 1U);
    EXPECT_EQ(number_of(page->texts[0]), 17U);
    query.scanned_max = 10;
    page = read_records(*log.engine, query);
    EXPECT_TRUE(page->texts.empty());
    EXPECT_EQ(page->next, 11U) << "it goes on there";
    query = {};
    query.count = 25;
    query.filter.since = *read_time("2023-11-14T22:13:30Z");
    query.filter.until = *read_time("2023-11-14T22:13:32.5Z");
    EXPECT_EQ(read_records(*log.engine, query)->texts.size(), 3U);
}

TEST(Query, TimesAreRead) {
    EXPECT_EQ(*read_time("2026-11-29"), "2026-11-29T00:00:00.000000Z");
    EXPECT_EQ(*read_time("2026-11-29T04:08:55Z"), "2026-11-29T04:08:55.000000Z");
    EXPECT_EQ(*read_time("2026-11-29T04:08:55.5Z"), "2026-11-29T04:08:55.500000Z");
    EXPECT_EQ(*read_time("2026-11-29T04:08:55.123456789Z"), "2026-11-29T04:08:55.123456Z");
    EXPECT_EQ(*read_time("1000000"), "1970-01-01T00:00:01.000000Z");
    for (const char *bad : {"", "yesterday", "2026-11-29T04:08:55", "2026-11-29T04:08:55+01:00", "2026-1-1",
                            "2026-11-29T04Z", "2026-11-29T04:08:55.Z", "-5", "999999999999999999999"})
        EXPECT_FALSE(read_time(bad).ok()) << bad;
}

TEST(Options, PatternsOfDatabases) {
    EXPECT_TRUE(matches("*", "orders"));
    EXPECT_FALSE(matches("*", "_users"));
    EXPECT_TRUE(matches("_*", "_users"));
    EXPECT_TRUE(matches("or*s", "orders"));
    EXPECT_TRUE(matches("*a*b*", "xxaxxbxx"));
    EXPECT_FALSE(matches("*a*b", "xxaxxbxx"));
    EXPECT_FALSE(matches("orders", "order"));
}

} // namespace
} // namespace divan::audit
