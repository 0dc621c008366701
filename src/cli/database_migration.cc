#include "cli/database_migration.h"

#include "cli/migration_documents.h"
#include "cli/replication_failure.h"
#include "replication/document.h"
#include "json/writer.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::cli {
namespace {

// A server that is written to meanwhile is a bit ahead: what differs is looked at again.
constexpr int kComparisonsMax = 3;
// Both servers make one of their own in their database of users.
constexpr std::string_view kUsers = "_users";
constexpr const char *kOwnDocument = "_design/_auth";

struct Setting {
    const char *path;
    const char *name;
};
constexpr Setting kSettings[] = {{"/_security", "_security"}, {"/_revs_limit", "revs_limit"}};

Error with_place(const Error &error, const MigrationServer &server, std::string_view what) {
    return {error.code(), fmt::format("{} of {}: {}", what, server.shown(), error.reason())};
}

} // namespace

bool DatabaseMigration::is_replicator() const {
    return replication::is_replicator_database(facts_.name);
}

void DatabaseMigration::cancel() {
    host_.cancel(cancellation_);
}

Result<replication::Replication> DatabaseMigration::replication(const MigrationServer &from,
                                                                const MigrationServer &to) const {
    json::Object object;
    object.append("source", from.end(facts_.name));
    object.append("target", to.end(facts_.name));
    add_tuning(object, command_.tuning);
    DIVAN_TRY(auto replication, replication::read_replication(object, host_.config(), access::Principal()));
    // Signing in for each of thousands of databases would take longer than to copy small ones.
    replication.source.use_session = replication.target.use_session = false;
    return replication;
}

void DatabaseMigration::run(MigrationServer &from, MigrationServer &to) {
    note_end(migrate(from, to));
}

void DatabaseMigration::note_end(const Result<void> &end) {
    if (!end.ok()) {
        report_.failure = end.error().reason();
        report_.stopped = end.error().code() == ErrorCode::cancelled;
    }
    step_ = MigrationStep::done; // last: then others may read the report
}

Result<void> DatabaseMigration::migrate(MigrationServer &from, MigrationServer &to) {
    step_ = MigrationStep::settings;
    DIVAN_TRY_VOID(create(to));
    DIVAN_TRY_VOID(copy_settings(from, to));
    step_ = MigrationStep::copying;
    if (is_replicator()) {
        DIVAN_TRY_VOID(copy_replicator(from, to));
        return command_.no_verify ? Result<void>() : compare_settings(from, to);
    }
    DIVAN_TRY(auto ends, replication(from, to));
    DIVAN_TRY_VOID(copy(ends));
    if (command_.local_documents)
        DIVAN_TRY_VOID(copy_locals(ends, from, to));
    return command_.no_verify ? Result<void>() : compare(ends, from, to);
}

void DatabaseMigration::follow(MigrationServer &from, MigrationServer &to) {
    step_ = MigrationStep::copying;
    Result<void> copied;
    if (is_replicator()) {
        copied = copy_replicator(from, to);
    } else if (auto ends = replication(from, to); ends.ok()) {
        copied = copy(*ends);
    } else {
        copied = ends.error();
    }
    note_end(copied);
}

Result<void> DatabaseMigration::create(MigrationServer &to) {
    auto target = database_path(facts_.name);
    std::string query;
    if (facts_.q)
        query += fmt::format("?q={}", *facts_.q);
    if (facts_.partitioned)
        query += query.empty() ? "?partitioned=true" : "&partitioned=true";
    auto made = to.ask("PUT", target + query, "");
    if (made.ok())
        return {};
    if (made.error().code() != ErrorCode::precondition_failed)
        return with_place(made.error(), to, "making the database");
    DIVAN_TRY(auto there, look_at(to, facts_.name));
    if (there.partitioned != facts_.partitioned)
        return Error(
            ErrorCode::bad_request,
            fmt::format("{} has a database of this name that is {}partitioned, unlike the old one: delete "
                        "it, or leave this one out with --exclude",
                        to.shown(), there.partitioned ? "" : "not "));
    if (facts_.q && there.q && facts_.q != there.q)
        report_.notes.push_back(
            fmt::format("q is {} at the old server and {} at the new one, where the database "
                        "was there already",
                        *facts_.q, *there.q));
    return {};
}

Result<void> DatabaseMigration::copy_settings(MigrationServer &from, MigrationServer &to) {
    for (const auto &[path, name] : kSettings) {
        auto target = database_path(facts_.name) + path;
        auto value = from.get(target);
        if (!value.ok())
            return with_place(value.error(), from, name);
        auto there = to.get(target);
        if (there.ok() && *there == *value)
            continue;
        auto set = to.ask("PUT", target, json::to_text(*value));
        if (!set.ok())
            report_.notes.push_back(
                with_place(set.error(), to, fmt::format("{} was not copied", name)).reason());
    }
    return {};
}

Result<void> DatabaseMigration::copy(const replication::Replication &replication) {
    host_.on_loop([&] { progress_ = replication::Progress(); });
    auto end = host_.replicate(replication, progress_, cancellation_);
    auto now = progress();
    report_.done += done_by(now);
    report_.bytes += now.statistics.bytes_in + now.statistics.bytes_out;
    if (auto *failure = std::get_if<replication::Failure>(&end)) {
        if (failure->error.code() == ErrorCode::cancelled)
            return Error(ErrorCode::cancelled, "stopped before the end");
        return Error(failure->error.code(), failure_text(*failure));
    }
    return {};
}

// What a document of the old server says about the past of both is right at the new one when everything that
// was there when it was read has followed: so it is copied first, and then what came meanwhile.
Result<void> DatabaseMigration::copy_locals(const replication::Replication &replication,
                                            MigrationServer &from, MigrationServer &to) {
    DIVAN_TRY(auto id,
              host_.run([&] { return replication::identify(host_.context(), replication, cancellation_); }));
    DIVAN_TRY(auto copied, copy_local_documents(from, to, facts_.name, id.base));
    report_.local_documents = copied.copied;
    return copy(replication);
}

Result<void> DatabaseMigration::copy_replicator(MigrationServer &from, MigrationServer &to) {
    DIVAN_TRY(auto copied,
              copy_replicator_documents(from, to, facts_.name, rfc3339(host_.context().clock.now())));
    report_.done.documents_read += copied.copied + copied.there;
    report_.done.documents_written += copied.copied;
    report_.paused += copied.paused;
    return {};
}

Result<void> DatabaseMigration::compare_settings(MigrationServer &from, MigrationServer &to) {
    for (const auto &[path, name] : kSettings) {
        auto target = database_path(facts_.name) + path;
        DIVAN_TRY(auto old_value, from.get(target));
        DIVAN_TRY(auto new_value, to.get(target));
        if (!(old_value == new_value))
            report_.differing_settings.push_back(
                fmt::format("{} differs: {} at the old server, {} at the new one", name,
                            json::to_text(old_value), json::to_text(new_value)));
    }
    return {};
}

Result<void> DatabaseMigration::compare(const replication::Replication &replication, MigrationServer &from,
                                        MigrationServer &to) {
    step_ = MigrationStep::comparing;
    DIVAN_TRY_VOID(compare_settings(from, to));
    for (int attempt = 1;; ++attempt) {
        DIVAN_TRY(auto verification, verify_leaves(host_, replication, cancellation_));
        std::erase_if(verification.differences, [&](const LeafDifference &difference) {
            return facts_.name == kUsers && difference.id == kOwnDocument;
        });
        bool equal = verification.equal();
        report_.verification = std::move(verification);
        if (equal || attempt == kComparisonsMax)
            return {};
        auto written = report_.done.documents_written;
        DIVAN_TRY_VOID(copy(replication));
        // Nothing came: it will not change.
        if (report_.done.documents_written == written && attempt > 1)
            return {};
    }
}

} // namespace divan::cli
