#include "cli/migration_documents.h"
#include "cli/migration_plan.h"
#include "cli/migration_report.h"
#include "json/parser.h"
#include "json/writer.h"

#include <gtest/gtest.h>

namespace divan::cli {
namespace {

using Names = std::vector<std::string>;

TEST(MigrationPlan, DatabasesAreChosenByGlobs) {
    const Names names = {"_dbs",   "_global_changes", "_metadata",        "_replicator", "_users",
                         "orders", "shop/a",          "shop/_replicator", "shop/logs"};
    auto all = choose_databases(names, {}, {});
    EXPECT_EQ(all.chosen,
              (Names{"_replicator", "_users", "orders", "shop/a", "shop/_replicator", "shop/logs"}));
    EXPECT_EQ(all.skipped, (Names{"_dbs", "_global_changes", "_metadata"}));
    EXPECT_EQ(choose_databases(names, {"shop*"}, {"*logs"}).chosen, (Names{"shop/a", "shop/_replicator"}));
    EXPECT_EQ(all.missed, Names());
    auto some = choose_databases(names, {"_dbs", "orders", "shop/*", "order"}, {"shop/*"});
    EXPECT_EQ(some.chosen, Names{"orders"});
    // One that is left out again is there.
    EXPECT_EQ(some.missed, (Names{"_dbs", "order"}));
}

TEST(MigrationPlan, ServersOfAllAges) {
    auto newer = read_facts(
        "a",
        json::parse(
            R"({"update_seq":"9-x","doc_count":7,"doc_del_count":2,"sizes":{"active":4096},"cluster":{"q":4},"props":{"partitioned":true}})")
            .value());
    EXPECT_EQ(newer.changes(), 9U);
    EXPECT_EQ(newer.bytes, 4'096U);
    EXPECT_EQ(newer.q, 4U);
    EXPECT_TRUE(newer.partitioned);
    EXPECT_EQ(newer.update_seq, "\"9-x\"");
    EXPECT_FALSE(newer.numeric_sequences);
    auto older = read_facts("b", json::parse(R"({"update_seq":9,"doc_count":7,"data_size":100})").value());
    EXPECT_EQ(older.q, std::nullopt);
    EXPECT_EQ(older.bytes, 100U);
    EXPECT_TRUE(older.numeric_sequences);
    EXPECT_EQ(plan_table({newer, older}), "database     documents       deleted      size    q  partitioned\n"
                                          "a                    7             2    4.1 kB    4  yes\n"
                                          "b                    7             0     100 B\n"
                                          "all                 14             2    4.2 kB\n");
}

TEST(MigrationDocuments, ReplicationsArePaused) {
    auto paused = [](std::string_view text) {
        return json::to_text(json::Value(paused_document(json::parse(text).value().object(), "NOW")));
    };
    constexpr std::string_view kState =
        R"("_replication_state":"failed","_replication_state_time":"NOW","_replication_state_reason":"paused by divan migrate: write the document again without its _replication_ members to start it"})";
    EXPECT_EQ(paused(R"({"_id":"a","_rev":"1-a","source":"x","target":"y","owner":"o"})"),
              std::string(R"({"_id":"a","source":"x","target":"y","owner":"o",)").append(kState));
    EXPECT_EQ(
        paused(
            R"({"_id":"a","source":"x","_replication_state":"triggered","_replication_state_time":"T","_replication_id":"i"})"),
        R"({"_id":"a","source":"x","_replication_state":"failed","_replication_state_time":"NOW","_replication_state_reason":"paused by divan migrate: write the document again without its _replication_ members to start it"})");
    // What has ended does not start.
    for (const char *state : {"completed", "failed"}) {
        auto text =
            std::string(R"({"_id":"a","_replication_state":")") + state + R"(","_replication_stats":{}})";
        EXPECT_EQ(paused(text), text);
    }
}

TEST(MigrationDocuments, LocalDocumentsOfServersThemselves) {
    EXPECT_TRUE(is_foreign_local("_local/abc"));
    EXPECT_TRUE(is_foreign_local("abc"));
    EXPECT_FALSE(is_foreign_local("_local/shard-sync-x"));
    EXPECT_FALSE(is_foreign_local("_local/purge-mrview-x"));
}

TEST(MigrationReport, WhatCameOverAndWhatDiffers) {
    DatabaseReport report;
    report.done = {1'300, 1'234, 0};
    report.bytes = 3'100;
    EXPECT_EQ(report_text(report), "1,234 documents copied, 3.1 kB");
    report.verification.emplace();
    report.verification->documents = 1'300;
    EXPECT_EQ(report_text(report),
              "1,234 documents copied, 3.1 kB, equal: 1,300 documents with all their leaves");
    report.differing_settings.emplace_back("revs_limit differs");
    for (const char *id : {"a", "b", "c"})
        report.verification->differences.push_back({id, "1-x", std::nullopt});
    report.done.documents_refused = 1;
    report.paused = 2;
    EXPECT_EQ(report_text(report), "1,234 documents copied, 2 of them paused, 1 refused, 3.1 kB, DIFFERS");
    EXPECT_EQ(shown_differences(report, 2),
              (Names{"revs_limit differs", "`a` is only at the old server: 1-x",
                     "`b` is only at the old server: 1-x", "... and 1 more documents"}));
    EXPECT_EQ(shown_differences(report, 5).size(), 4U);
    report.verification->differences.clear();
    report.verification->too_many = true;
    EXPECT_EQ(shown_differences(report, 5).back(), "so many documents differ that they are not listed");
}

DatabaseFacts named(std::string name) {
    DatabaseFacts facts;
    facts.name = std::move(name);
    return facts;
}

DatabaseReport compared(bool equal) {
    DatabaseReport report;
    report.verification.emplace();
    if (!equal)
        report.verification->differences.push_back({"a", "1-x", std::nullopt});
    return report;
}

TEST(MigrationTotal, TheExitStatus) {
    DatabaseReport report;
    MigrationTotal total;
    total.add(named("a"), report, true);
    EXPECT_EQ(total.status(), 0);
    report.done.documents_refused = 1;
    total.add(named("b"), report, true);
    EXPECT_EQ(total.status(), 3);
    report.failure = "no";
    total.add(named("c"), report, true);
    EXPECT_EQ(total.status(), 1);
    total.forget_failure("c");
    EXPECT_EQ(total.status(), 3);
}

TEST(MigrationTotal, ADatabaseCountsOnceAsItStoodLast) {
    MigrationTotal total;
    DatabaseReport failed;
    failed.failure = "no";
    total.add(named("a"), failed, true);
    total.add(named("b"), compared(false), true);
    total.add(named("c"), compared(true), true);
    EXPECT_EQ(total.text(), "3 databases, 0 documents copied, 0 B, 2 compared, 1 DIFFER, 1 FAILED");
    // While it follows: `a` comes over, something new of `c`, a database that was made meanwhile.
    total.add(named("a"), compared(true), true);
    DatabaseReport news;
    news.done.documents_written = 7;
    news.bytes = 100;
    total.add(named("c"), news, false);
    total.add(named("d"), compared(true), true);
    EXPECT_EQ(total.text(), "4 databases, 7 documents copied, 100 B, 4 compared, 1 DIFFER");
    EXPECT_EQ(total.status(), 3);
    // `b` again, equal now; a stop is no failure.
    total.add(named("b"), compared(true), true);
    DatabaseReport stopped;
    stopped.failure = "stopped";
    stopped.stopped = true;
    stopped.done.documents_written = 1;
    total.add(named("c"), stopped, false);
    EXPECT_EQ(total.text(), "4 databases, 8 documents copied, 100 B, 4 compared and equal");
    EXPECT_EQ(total.status(), 0);
    total.add(named("c"), failed, false);
    EXPECT_EQ(total.status(), 1);
}

TEST(MigrationReport, ProgressOverAllDatabases) {
    MigrationProgress progress;
    DatabaseFacts facts;
    facts.documents = 100;
    for (auto [name, step] :
         {std::pair{"a", MigrationStep::done}, std::pair{"b", MigrationStep::copying},
          std::pair{"c", MigrationStep::waiting}, std::pair{"d", MigrationStep::comparing}}) {
        facts.name = name;
        replication::Progress session;
        if (step == MigrationStep::copying) {
            session.changes_pending = 60;
            session.changes_in_flight = 10;
        }
        progress.add(facts, step, session);
    }
    EXPECT_EQ(progress.changes(), 400U);
    EXPECT_EQ(progress.changes_done(), 230U);
    EXPECT_EQ(progress.text(), "1 of 4 databases, 0 B, now b, d (comparing)");
}

TEST(MigrationReport, WhatClientsAreTold) {
    EXPECT_NE(clients_text(false, false).find("--local-documents"), std::string::npos);
    EXPECT_NE(clients_text(true, false).find("goes on where it was"), std::string::npos);
    EXPECT_NE(clients_text(false, true).find("misses changes"), std::string::npos);
}

} // namespace
} // namespace divan::cli
