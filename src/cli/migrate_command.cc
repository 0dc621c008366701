#include "cli/migrate_command.h"

#include "cli/command_output.h"
#include "cli/database_migration.h"
#include "cli/follow_schedule.h"
#include "cli/index_progress.h"
#include "cli/interrupts.h"
#include "cli/migration_report.h"
#include "cli/refusals.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <fmt/format.h>
#include <map>

namespace divan::cli {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;
constexpr Millis kLookInterval{500};
// Between two lines for those who read a log.
constexpr double kLineIntervalSeconds = 5;

// A pair of clients for each thread.
struct Servers {
    MigrationServer from;
    MigrationServer to;
};

Result<Servers> open_servers(const MigrateCommand &command) {
    EndName from{command.from, "", "DIVAN_SOURCE_LOGIN", command.bearer_source};
    EndName to{server_url(command.to, process_environment), "", "DIVAN_TARGET_LOGIN", command.bearer_target};
    DIVAN_TRY(auto source, MigrationServer::open(from, command.connection, process_environment));
    DIVAN_TRY(auto target, MigrationServer::open(to, command.connection, process_environment));
    return Servers{std::move(source), std::move(target)};
}

class Migrating {
  public:
    Migrating(ReplicationHost &host, const MigrateCommand &command, Servers servers,
              const Interrupts &interrupts)
        : host_(host), command_(command), servers_(std::move(servers)), interrupts_(interrupts),
          output_(command.json, command.quiet),
          schedule_(FollowSchedule::Seconds(static_cast<double>(command.follow_seconds))) {
        host.context().on_refusal = [this](const auto &replication, const auto &refusal) {
            std::lock_guard lock(mutex_);
            refusals_[replication.source.shown()].note(refusal);
        };
    }

    int run() {
        auto plan = make_plan();
        if (!plan.ok())
            return fail(plan.error().reason());
        tell_plan(*plan);
        if (command_.dry_run)
            return 0;
        std::deque<DatabaseMigration> migrations;
        for (auto &facts : *plan)
            migrations.emplace_back(host_, command_, std::move(facts));
        work(migrations, Pass::whole);
        for (auto &migration : migrations)
            total_.add(migration.facts(), migration.report());
        note_ended(migrations, true);
        if (interrupted_)
            return finish(kFailed, true);
        return finish(command_.follow ? follow() : total_.status(), false);
    }

  private:
    enum class Pass : std::uint8_t { whole, follow };

    [[nodiscard]] double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
    }

    int fail(const std::string &reason) {
        output_.event("failed",
                      [&](json::ObjectWriter &writer) { writer.member("reason", std::string_view(reason)); });
        if (!output_.json())
            output_.error(reason);
        return kFailed;
    }

    // ---- the plan

    Result<std::vector<DatabaseFacts>> make_plan() {
        auto names = list_databases(servers_.from);
        if (!names.ok())
            return Error(names.error().code(), fmt::format("the old server: {}", names.error().reason()));
        // Before anything is read: who may write there, and whether it is there.
        if (auto there = list_databases(servers_.to); !there.ok() && !command_.dry_run)
            return Error(there.error().code(), fmt::format("the new server: {}", there.error().reason()));
        auto choice = choose_databases(*names, command_.databases, command_.excluded);
        skipped_ = std::move(choice.skipped);
        std::vector<DatabaseFacts> plan;
        for (const auto &name : choice.chosen) {
            if (interrupts_.wait(Millis(0)) == Interrupts::Woken::signal)
                return Error(ErrorCode::cancelled, "stopped");
            output_.show("looking at " + name);
            auto facts = look_at(servers_.from, name);
            if (!facts.ok())
                return Error(facts.error().code(),
                             fmt::format("the old server, {}: {}", name, facts.error().reason()));
            if (facts->numeric_sequences && command_.local_documents)
                return Error(
                    ErrorCode::bad_request,
                    "--local-documents cannot be used: the sequences of the old server are bare numbers, "
                    "which the new one would take for its own, so that clients would miss changes");
            plan.push_back(std::move(*facts));
        }
        return plan;
    }

    void tell_plan(const std::vector<DatabaseFacts> &plan) {
        output_.line(fmt::format("{} to {}", servers_.from.shown(), servers_.to.shown()));
        output_.line(plan_table(plan).substr(0, plan_table(plan).size() - 1));
        if (!skipped_.empty())
            output_.line(fmt::format("Left out, as they belong to the old server: {}", joined(skipped_)));
        for (const auto &facts : plan)
            output_.event("plan", [&](json::ObjectWriter &writer) { write_plan(writer, facts); });
    }

    // ---- the work

    // Runs all of them, some beside each other; shows how they go on, until the last has ended.
    void work(std::deque<DatabaseMigration> &migrations, Pass pass) {
        std::atomic<std::size_t> next = 0;
        std::atomic<std::size_t> running = 0;
        auto run_some = [&](Servers servers) {
            for (auto at = next++; at < migrations.size() && !stopping_; at = next++) {
                auto &migration = migrations[at];
                pass == Pass::whole ? migration.run(servers.from, servers.to)
                                    : migration.follow(servers.from, servers.to);
            }
            --running;
            Interrupts::wake();
        };
        auto count = std::min<std::size_t>(static_cast<std::size_t>(command_.parallel), migrations.size());
        ThreadPool waiting(std::max<std::size_t>(1, count));
        for (std::size_t i = 0; i < count; ++i) {
            auto servers = open_servers(command_);
            if (!servers.ok()) // they could be opened before
                break;
            ++running;
            waiting.post([&, pair = std::move(*servers)]() mutable { run_some(std::move(pair)); });
        }
        std::vector<bool> told(migrations.size());
        while (running > 0) {
            if (interrupts_.wait(kLookInterval) == Interrupts::Woken::signal)
                interrupt(migrations);
            tell(migrations, told, pass);
            if (pass == Pass::whole && !interrupted_)
                show(migrations);
        }
        waiting.stop();
        tell(migrations, told, pass);
    }

    void interrupt(std::deque<DatabaseMigration> &migrations) {
        if (interrupted_)
            std::_Exit(kFailed);
        interrupted_ = stopping_ = true;
        for (auto &migration : migrations)
            migration.cancel();
        output_.show("writing last checkpoints");
    }

    // Those that have ended since the last call.
    void tell(std::deque<DatabaseMigration> &migrations, std::vector<bool> &told, Pass pass) {
        for (std::size_t i = 0; i < migrations.size(); ++i) {
            auto &migration = migrations[i];
            if (told[i] || migration.step() != MigrationStep::done)
                continue;
            told[i] = true;
            bool news = pass == Pass::whole || !migration.report().ok() ||
                        migration.report().done.documents_written > 0;
            if (news && !(interrupted_ && !migration.report().ok()))
                tell_database(migration);
        }
        tell_refusals();
    }

    void tell_database(const DatabaseMigration &migration) {
        const auto &facts = migration.facts();
        const auto &report = migration.report();
        output_.event("database", [&](json::ObjectWriter &writer) { write_report(writer, facts, report); });
        for (const auto &difference : shown_differences(report, command_.differences_max))
            output_.event("difference", [&](json::ObjectWriter &writer) {
                writer.member("database", std::string_view(facts.name));
                writer.member("difference", std::string_view(difference));
            });
        if (output_.json())
            return;
        if (!report.ok()) {
            output_.error(fmt::format("{}: {}", facts.name, report.failure));
            return;
        }
        output_.line(fmt::format("{}: {}", facts.name, report_text(report)));
        for (const auto &note : report.notes)
            output_.error(fmt::format("{}: {}", facts.name, note));
        for (const auto &difference : shown_differences(report, command_.differences_max))
            output_.error(fmt::format("{}: {}", facts.name, difference));
    }

    void tell_refusals() {
        std::lock_guard lock(mutex_);
        for (auto &[source, refusals] : refusals_)
            for (const auto &refusal : refusals.take()) {
                output_.event("refused", [&](json::ObjectWriter &writer) {
                    writer.member("source", std::string_view(source));
                    writer.member("id", std::string_view(refusal.id));
                    writer.member("rev", std::string_view(refusal.rev));
                    writer.member("error", refusal.error.word());
                    writer.member("reason", std::string_view(refusal.error.reason()));
                });
                if (!output_.json())
                    output_.error(
                        fmt::format("the new server refuses of {} {}", source, refusal_text(refusal)));
            }
    }

    void show(std::deque<DatabaseMigration> &migrations) {
        MigrationProgress progress;
        for (auto &migration : migrations)
            progress.add(migration.facts(), migration.step(), migration.progress());
        progress_rate_.update(progress.changes_done(), progress.changes(), IndexProgress::Seconds(seconds()));
        output_.show(progress_rate_.bar() + "; " + progress.text());
        if (seconds() - line_at_ < kLineIntervalSeconds)
            return;
        line_at_ = seconds();
        if (!output_.on_terminal())
            output_.line(progress_rate_.text() + "; " + progress.text());
        output_.event("progress", [&](json::ObjectWriter &writer) { progress.write(writer); });
    }

    // ---- after the first pass

    // Looks again and again which databases have something new, until a signal comes.
    int follow() {
        bool told = false;
        std::string problem;
        while (!interrupted_) {
            if (interrupts_.wait(Millis(command_.follow_seconds * 1'000)) == Interrupts::Woken::signal) {
                interrupted_ = true;
                break;
            }
            auto changed = changed_databases();
            if (!changed.ok()) {
                auto before = std::exchange(problem, changed.error().reason());
                if (before != problem) // once, however long it lasts
                    output_.error(fmt::format("the old server: {}; looking again every {} s", problem,
                                              command_.follow_seconds));
                told = false;
                continue;
            }
            problem.clear();
            if (!changed->empty()) {
                told = false;
                follow_once(*changed);
            } else if (schedule_.failing() == 0 && !std::exchange(told, true)) {
                tell_up_to_date();
            }
        }
        total_.failed = schedule_.failing();
        return total_.status();
    }

    void follow_once(std::vector<DatabaseFacts> &changed) {
        std::deque<DatabaseMigration> known;
        std::deque<DatabaseMigration> fresh;
        for (auto &facts : changed) {
            bool is_known = schedule_.is_known(facts.name);
            (is_known ? known : fresh).emplace_back(host_, command_, std::move(facts));
        }
        for (auto *some : {&known, &fresh}) {
            work(*some, some == &known ? Pass::follow : Pass::whole);
            for (auto &migration : *some)
                total_.add_followed(migration.report());
            note_ended(*some, some == &fresh);
        }
    }

    void note_ended(const std::deque<DatabaseMigration> &migrations, bool whole) {
        for (const auto &migration : migrations)
            if (migration.step() == MigrationStep::done && !interrupted_)
                schedule_.ended(migration.facts(), whole, migration.report().ok(),
                                FollowSchedule::Seconds(seconds()));
    }

    Result<std::vector<DatabaseFacts>> changed_databases() {
        DIVAN_TRY(auto names, list_databases(servers_.from));
        std::vector<DatabaseFacts> changed;
        for (const auto &name : choose_databases(names, command_.databases, command_.excluded).chosen) {
            auto facts = look_at(servers_.from, name);
            if (!facts.ok() && facts.error().code() == ErrorCode::not_found)
                continue; // deleted meanwhile
            if (!facts.ok())
                return facts.error();
            if (schedule_.is_due(*facts, FollowSchedule::Seconds(seconds())))
                changed.push_back(std::move(*facts));
        }
        return changed;
    }

    void tell_up_to_date() {
        auto text = fmt::format("up to date, {} documents written", grouped(total_.done.documents_written));
        output_.show(text);
        if (!output_.on_terminal())
            output_.line(text);
        output_.event("up_to_date", [&](json::ObjectWriter &writer) {
            writer.member("docs_written", total_.done.documents_written);
        });
    }

    int finish(int status, bool before_the_end) {
        if (before_the_end && !output_.json())
            output_.error("stopped before the end; the same command goes on from its last checkpoints");
        output_.event(interrupted_ ? "stopped" : "done", [&](json::ObjectWriter &writer) {
            total_.write(writer);
            writer.raw("seconds", fmt::format("{:.1f}", seconds()));
            writer.member("status", status);
        });
        output_.line(
            fmt::format("{}: {}, {:.1f} s", interrupted_ ? "stopped" : "done", total_.text(), seconds()));
        if (!before_the_end)
            output_.line(clients_text(command_.local_documents, total_.numeric_sequences));
        if (total_.paused > 0)
            output_.line(kPausedText);
        return status;
    }

    ReplicationHost &host_;
    const MigrateCommand &command_;
    Servers servers_;
    const Interrupts &interrupts_;
    CommandOutput output_;
    std::mutex mutex_;
    std::map<std::string, Refusals> refusals_; // by source
    std::vector<std::string> skipped_;
    FollowSchedule schedule_;
    MigrationTotal total_;
    IndexProgress progress_rate_;
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    double line_at_ = 0;
    bool interrupted_ = false;
    std::atomic<bool> stopping_ = false;
};

int wrong(const std::string &reason) {
    fmt::print(stderr, "divan: {} Try `divan migrate --help`.\n", reason);
    return kWrongUsage;
}

} // namespace

int run_migrate(const MigrateCommand &command) {
    Interrupts interrupts;
    auto servers = open_servers(command);
    if (!servers.ok())
        return wrong(servers.error().reason());
    if (servers->from.shown() == servers->to.shown())
        return wrong("The old and the new server are the same: name the new one with --to or DIVAN_URL.");
    auto host = ReplicationHost::make(command.connection);
    if (!host.ok())
        return wrong(host.error().reason());
    return Migrating(**host, command, std::move(*servers), interrupts).run();
}

} // namespace divan::cli
