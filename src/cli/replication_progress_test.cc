#include "cli/replication_progress.h"

#include "cli/replication_failure.h"

#include <gtest/gtest.h>

namespace divan::cli {
namespace {

using Seconds = ReplicationProgress::Seconds;
using replication::Cause;
using replication::Failure;

TEST(ReplicationProgress, ShareRateAndTimeLeft) {
    replication::Progress progress;
    ReplicationProgress shown;
    shown.update(progress, Seconds(0));
    EXPECT_EQ(shown.percent(), std::nullopt);
    EXPECT_EQ(shown.text(), "0 changes, 0 B in, 0 B out");
    progress.changes_read = 600;
    progress.changes_in_flight = 100;
    progress.changes_pending = 1'400;
    progress.statistics.docs_written = 200;
    progress.statistics.bytes_in = 5'000;
    progress.statistics.bytes_out = 4'000;
    shown.update(progress, Seconds(2));
    EXPECT_EQ(shown.percent(), 25);
    EXPECT_EQ(shown.text(), "25 %, 500 of 2,000 changes, 100 docs/s, 5.0 kB in, 4.0 kB out, 7 s left");
    EXPECT_EQ(shown.bar(),
              "[######------------------] 25 %, 500 of 2,000 changes, 100 docs/s, 5.0 kB in, 4.0 kB "
              "out, 7 s left");
    progress.cause = Cause::network;
    progress.last_error = "no answer";
    shown.update(progress, Seconds(3));
    EXPECT_TRUE(shown.text().ends_with("; waits: no answer")) << shown.text();
}

TEST(ReplicationProgress, WhatWasThereBeforeIsNotDoneByThisRun) {
    replication::Progress progress;
    progress.before_session.docs_read = progress.before_session.docs_written = 10;
    progress.before_session.doc_write_failures = 1;
    progress.statistics.docs_read = 15;
    progress.statistics.docs_written = 13;
    progress.statistics.doc_write_failures = 2;
    auto done = done_by(progress);
    done += done_by(progress);
    EXPECT_EQ(done.documents_read, 10U);
    EXPECT_EQ(done.documents_written, 6U);
    EXPECT_EQ(done.documents_refused, 2U);
}

TEST(ReplicationProgress, UpToDate) {
    replication::Progress progress;
    ReplicationProgress shown;
    shown.update(progress, Seconds(0));
    EXPECT_FALSE(shown.up_to_date()); // it has not looked yet
    progress.caught_up_at = std::chrono::seconds(1);
    shown.update(progress, Seconds(1));
    EXPECT_TRUE(shown.up_to_date());
    progress.changes_in_flight = 1;
    shown.update(progress, Seconds(2));
    EXPECT_FALSE(shown.up_to_date());
}

TEST(ReplicationFailure, NamesTheSideAndWhatToDo) {
    EXPECT_EQ(
        failure_text({Error(ErrorCode::unauthorized, "http://h/ answers 401: Name or password is incorrect."),
                      Cause::auth, Cause::target}),
        "the target: http://h/ answers 401: Name or password is incorrect. Give its NAME:PASSWORD in the URL "
        "or in DIVAN_TARGET_LOGIN, or name a variable that holds a token with --bearer-target.");
    EXPECT_EQ(
        failure_text({Error(ErrorCode::internal_server_error, "db_not_found", "could not open http://h/x/"),
                      Cause::target, Cause::target}),
        "the target: could not open http://h/x/. Is the name right? --create-target makes the database.");
    EXPECT_EQ(
        failure_text({Error(ErrorCode::service_unavailable, "Cannot connect to http://h: refused."),
                      Cause::network, Cause::source}),
        "the source: Cannot connect to http://h: refused. Is the server of the source running, and is its "
        "address right?");
    // A server that is not reached is another thing than a database that is not there.
    EXPECT_TRUE(
        failure_text({Error(ErrorCode::internal_server_error, "db_not_found", "could not open http://h/x/"),
                      Cause::network, Cause::target})
            .ends_with("and is its address right?"));
    EXPECT_TRUE(failure_may_pass({Error(ErrorCode::service_unavailable), Cause::network, Cause::source}));
    EXPECT_FALSE(failure_may_pass({Error(ErrorCode::unauthorized), Cause::auth, Cause::source}));
}

} // namespace
} // namespace divan::cli
