#include "cli/migrate_command.h"

#include "cli/database_migration.h"
#include "cli/follow_schedule.h"
#include "cli/index_progress.h"
#include "cli/interrupts.h"
#include "cli/migration_output.h"
#include "cli/replication_failure.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <fmt/format.h>

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
    std::optional<Millis> timeout;
    if (command.tuning.timeout_seconds)
        timeout = Millis(*command.tuning.timeout_seconds * 1'000);
    DIVAN_TRY(auto source, MigrationServer::open(from, command.connection, timeout, process_environment));
    DIVAN_TRY(auto target, MigrationServer::open(to, command.connection, timeout, process_environment));
    return Servers{std::move(source), std::move(target)};
}

// Of one of the servers, with what to do about it: whole sentences.
Error explained(const Error &error, bool at_target) {
    auto text = fmt::format("the {} server: {}", at_target ? "new" : "old", error.reason());
    if (!text.ends_with('.'))
        text += '.';
    if (error.code() == ErrorCode::unauthorized)
        text += " " + login_advice(at_target);
    else if (error.code() == ErrorCode::forbidden)
        text += " It must be asked as a server admin. " + login_advice(at_target);
    return {error.code(), text};
}

class Migrating {
  public:
    Migrating(ReplicationHost &host, const MigrateCommand &command, Servers servers,
              const Interrupts &interrupts)
        : host_(host), command_(command), servers_(std::move(servers)), interrupts_(interrupts),
          output_(command), schedule_(FollowSchedule::Seconds(static_cast<double>(command.follow_seconds))) {
        host.context().on_refusal = [this](const auto &replication, const auto &refusal) {
            output_.refused(replication, refusal);
        };
    }

    int run() {
        auto choice = choose();
        if (!choice.ok()) {
            output_.failed(choice.error().reason());
            return kFailed;
        }
        if (!choice->missed.empty()) {
            output_.failed(fmt::format("--databases: the old server has no database that matches {}",
                                       joined(choice->missed)));
            return kWrongUsage;
        }
        auto plan = look_at_all(choice->chosen, true);
        if (plan.ok())
            if (auto usable = check(plan->readable); !usable.ok())
                plan = usable.error();
        if (!plan.ok()) {
            output_.failed(plan.error().reason());
            return kFailed;
        }
        output_.plan(servers_.from.shown(), servers_.to.shown(), plan->readable, choice->skipped);
        note_unreadable(plan->unreadable);
        if (command_.dry_run)
            return total_.status();
        work(plan->readable, true);
        if (interrupted_)
            return finish(kFailed, true);
        if (command_.follow)
            follow();
        return finish(total_.status(), false);
    }

  private:
    struct Unreadable {
        std::string name;
        std::string reason;
    };
    struct Looked {
        std::vector<DatabaseFacts> readable;
        std::vector<Unreadable> unreadable;
    };

    [[nodiscard]] double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
    }

    [[nodiscard]] FollowSchedule::Seconds now() const { return FollowSchedule::Seconds(seconds()); }

    // ---- the plan

    Result<Choice> choose() {
        auto names = list_databases(servers_.from);
        if (!names.ok())
            return explained(names.error(), false);
        // Before anything is read: who may write there, and whether it is there.
        if (auto there = list_databases(servers_.to); !there.ok() && !command_.dry_run)
            return explained(there.error(), true);
        return choose_databases(*names, command_.databases, command_.excluded);
    }

    // Those that are deleted meanwhile are left out. Errors: that the server is away; cancelled by a signal.
    // `shown`: on a terminal, how far it is.
    Result<Looked> look_at_all(const std::vector<std::string> &names, bool shown) {
        Looked looked;
        for (const auto &name : names) {
            if (interrupts_.wait(Millis(0)) == Interrupts::Woken::signal) {
                interrupted_ = true;
                return Error(ErrorCode::cancelled, "stopped");
            }
            if (shown)
                output_.show("looking at " + name);
            auto facts = look_at(servers_.from, name);
            if (facts.ok()) {
                looked.readable.push_back(std::move(*facts));
                continue;
            }
            if (facts.error().code() == ErrorCode::not_found)
                continue;
            // Is it this database, or the whole server?
            if (auto alive = servers_.from.get("/"); !alive.ok())
                return explained(alive.error(), false);
            looked.unreadable.push_back({name, "the old server: " + facts.error().reason()});
        }
        return looked;
    }

    [[nodiscard]] Result<void> check(const std::vector<DatabaseFacts> &plan) const {
        bool numeric =
            std::any_of(plan.begin(), plan.end(), [](const auto &facts) { return facts.numeric_sequences; });
        if (numeric && command_.local_documents)
            return Error(
                ErrorCode::bad_request,
                "--local-documents cannot be used: the sequences of the old server are bare numbers, "
                "which the new one would take for its own, so that clients would miss changes");
        return {};
    }

    // Tells of each when it is due, so that it is told again after longer and longer pauses.
    void note_unreadable(const std::vector<Unreadable> &unreadable) {
        for (const auto &[name, reason] : unreadable) {
            DatabaseFacts facts;
            facts.name = name;
            if (!schedule_.is_due(facts, now()))
                continue;
            DatabaseReport report;
            report.failure = reason;
            output_.database(facts, report);
            total_.add(facts, report, false);
            schedule_.ended(facts, false, false, now());
        }
    }

    // ---- the work

    // Runs all of them, some beside each other, until the last has ended; shows how they go on and adds them
    // up. `whole`: with their settings, and compared; else only what is new.
    void work(std::vector<DatabaseFacts> &databases, bool whole) {
        std::deque<DatabaseMigration> migrations;
        for (auto &facts : databases)
            migrations.emplace_back(host_, command_, std::move(facts));
        std::atomic<std::size_t> next = 0;
        std::atomic<std::size_t> running = 0;
        auto run_some = [&](Servers servers) {
            for (auto at = next++; at < migrations.size() && !stopping_; at = next++) {
                auto &migration = migrations[at];
                whole ? migration.run(servers.from, servers.to) : migration.follow(servers.from, servers.to);
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
        std::vector<bool> noted(migrations.size());
        while (running > 0) {
            if (interrupts_.wait(kLookInterval) == Interrupts::Woken::signal)
                interrupt(migrations);
            note_ended(migrations, noted, whole);
            if (whole && !interrupted_)
                show(migrations);
        }
        waiting.stop();
        note_ended(migrations, noted, whole);
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
    void note_ended(std::deque<DatabaseMigration> &migrations, std::vector<bool> &noted, bool whole) {
        for (std::size_t i = 0; i < migrations.size(); ++i) {
            auto &migration = migrations[i];
            if (noted[i] || migration.step() != MigrationStep::done)
                continue;
            noted[i] = true;
            const auto &facts = migration.facts();
            const auto &report = migration.report();
            total_.add(facts, report, whole);
            if (report.stopped)
                continue;
            schedule_.ended(facts, whole, report.ok(), now());
            if (whole || !report.ok() || report.done.documents_written > 0)
                output_.database(facts, report);
        }
        output_.tell_refusals();
    }

    void show(std::deque<DatabaseMigration> &migrations) {
        MigrationProgress progress;
        for (auto &migration : migrations)
            progress.add(migration.facts(), migration.step(), migration.progress());
        progress_rate_.update(progress.changes_done(), progress.changes(), IndexProgress::Seconds(seconds()));
        bool line = seconds() - line_at_ >= kLineIntervalSeconds;
        if (line)
            line_at_ = seconds();
        output_.progress(progress, progress_rate_, line);
    }

    // ---- after the first pass

    // Looks again and again which databases have something new, until a signal comes.
    void follow() {
        bool told = false;
        std::string problem;
        while (!interrupted_) {
            if (interrupts_.wait(Millis(command_.follow_seconds * 1'000)) == Interrupts::Woken::signal) {
                interrupted_ = true;
                break;
            }
            auto changed = changed_databases();
            if (interrupted_)
                break;
            if (!changed.ok()) {
                auto before = std::exchange(problem, changed.error().reason());
                if (before != problem) // once, however long it lasts
                    output_.trouble(
                        fmt::format("{} Looking again every {} s.", problem, command_.follow_seconds));
                told = false;
                continue;
            }
            problem.clear();
            bool up_to_date = changed->empty() && schedule_.failing() == 0;
            if (up_to_date && !told)
                output_.up_to_date(total_);
            told = up_to_date;
            follow_once(std::move(*changed));
        }
    }

    void follow_once(std::vector<DatabaseFacts> changed) {
        std::vector<DatabaseFacts> known;
        std::vector<DatabaseFacts> fresh;
        for (auto &facts : changed) {
            bool is_known = schedule_.is_known(facts.name);
            (is_known ? known : fresh).push_back(std::move(facts));
        }
        work(known, false);
        if (!interrupted_)
            work(fresh, true);
    }

    Result<std::vector<DatabaseFacts>> changed_databases() {
        auto names = list_databases(servers_.from);
        if (!names.ok())
            return explained(names.error(), false);
        auto chosen = choose_databases(*names, command_.databases, command_.excluded).chosen;
        for (const auto &gone : schedule_.keep_only(chosen))
            total_.forget_failure(gone);
        DIVAN_TRY(auto looked, look_at_all(chosen, false));
        note_unreadable(looked.unreadable);
        std::erase_if(looked.readable, [&](const auto &facts) { return !schedule_.is_due(facts, now()); });
        return std::move(looked.readable);
    }

    int finish(int status, bool before_end) {
        output_.end(total_, {status, seconds(), interrupted_, before_end});
        return status;
    }

    ReplicationHost &host_;
    const MigrateCommand &command_;
    Servers servers_;
    const Interrupts &interrupts_;
    MigrationOutput output_;
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
