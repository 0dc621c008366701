#include "cli/replicate_command.h"

#include "cli/checkpoint_reset.h"
#include "cli/command_output.h"
#include "cli/interrupts.h"
#include "cli/progress_text.h"
#include "cli/refusals.h"
#include "cli/replication_failure.h"
#include "cli/replication_progress.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fmt/format.h>

namespace divan::cli {
namespace {

using replication::Failure;
using replication::Progress;
using replication::SessionEnd;

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;
constexpr int kRefused = 3;
constexpr Millis kLookInterval{500};
// Between two lines for those who read a log.
constexpr double kLineIntervalSeconds = 5;
// Of running: failures before count no more.
constexpr double kHealthySeconds = 120;

std::string documents_text(const Done &done) {
    return fmt::format("{} documents read, {} written, {} refused", grouped(done.documents_read),
                       grouped(done.documents_written), grouped(done.documents_refused));
}

class Replicating {
  public:
    Replicating(ReplicationHost &host, const replication::Replication &replication,
                const ReplicateCommand &command, const Interrupts &interrupts)
        : host_(host), replication_(replication), command_(command), interrupts_(interrupts),
          output_(command.json, command.quiet) {
        host.context().on_refusal = [this](const auto &what, const auto &refusal) {
            refusals_.note(what, refusal);
        };
    }

    int run() {
        for (const auto &warning : replication::warnings(replication_))
            output_.error("warning: " + warning + ".");
        begin();
        for (;;) {
            auto session_began = seconds();
            auto end = run_session();
            tell_refusals();
            auto *failure = std::get_if<Failure>(&end);
            if (failure == nullptr)
                return finish("done", done_.documents_refused > 0 ? kRefused : 0);
            if (interrupted_)
                return stop();
            if (!command_.continuous || (!opened_ && !failure_may_pass(*failure)))
                return fail(*failure);
            if (seconds() - session_began > kHealthySeconds)
                failures_ = 0;
            if (!back_off(*failure))
                return stop();
        }
    }

  private:
    [[nodiscard]] double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
    }

    void begin() {
        auto from = replication_.source.shown();
        auto to = replication_.target.shown();
        output_.event("started", [&](json::ObjectWriter &writer) {
            writer.member("source", std::string_view(from));
            writer.member("target", std::string_view(to));
            writer.member("continuous", command_.continuous);
        });
        output_.line(fmt::format("{} to {}{}", from, to, command_.continuous ? ", continuously" : ""));
    }

    SessionEnd run_session() {
        Progress progress;
        Cancellation cancellation;
        SessionEnd end = Failure{Error(ErrorCode::cancelled)};
        std::atomic<bool> ended = false;
        shown_ = ReplicationProgress();
        was_up_to_date_ = false;
        ThreadPool waiting(1);
        waiting.post([&] {
            end = host_.replicate(replication_, progress, cancellation);
            ended = true;
            Interrupts::wake();
        });
        while (!ended) {
            if (interrupts_.wait(kLookInterval) == Interrupts::Woken::signal) {
                if (interrupted_)
                    std::_Exit(kFailed);
                interrupted_ = true;
                host_.cancel(cancellation);
                output_.show("writing a last checkpoint");
            } else if (!ended && !interrupted_) {
                look(host_.look(progress));
            }
        }
        waiting.stop();
        opened_ |= !progress.through_seq.empty();
        done_ += done_by(progress);
        bytes_in_ += progress.statistics.bytes_in;
        bytes_out_ += progress.statistics.bytes_out;
        return end;
    }

    void look(const Progress &progress) {
        tell_refusals();
        shown_.update(progress, ReplicationProgress::Seconds(seconds()));
        bool up_to_date = command_.continuous && shown_.up_to_date();
        auto written = done_.documents_written + done_by(progress).documents_written;
        if (up_to_date) {
            auto text = fmt::format("up to date, {} documents written", grouped(written));
            output_.show(text);
            if (!was_up_to_date_ || written != told_written_)
                tell_up_to_date(text, written);
        } else {
            output_.show(behind_text(progress) + shown_.bar());
            if (seconds() - line_at_ >= kLineIntervalSeconds)
                tell_progress(progress);
        }
        was_up_to_date_ = up_to_date;
    }

    [[nodiscard]] std::string behind_text(const Progress &progress) const {
        if (!command_.continuous || progress.caught_up_at.count() == 0)
            return "";
        auto behind = std::chrono::duration_cast<std::chrono::seconds>(host_.context().clock.now() -
                                                                       progress.caught_up_at);
        return behind.count() > 0 ? duration_text(behind) + " behind, " : "";
    }

    void tell_up_to_date(const std::string &text, std::uint64_t written) {
        told_written_ = written;
        if (!output_.on_terminal())
            output_.line(text);
        output_.event("up_to_date",
                      [&](json::ObjectWriter &writer) { writer.member("docs_written", written); });
    }

    void tell_progress(const Progress &progress) {
        line_at_ = seconds();
        if (!output_.on_terminal())
            output_.line(behind_text(progress) + shown_.text());
        output_.event("progress", [&](json::ObjectWriter &writer) {
            for (const auto &member : replication::progress_json(progress, host_.context().clock))
                writer.value(member.key, member.value);
        });
    }

    void tell_refusals() { cli::tell_refusals(refusals_, "the target", output_); }

    // False: a signal came.
    bool back_off(const Failure &failure) {
        auto first = Millis(command_.retry_first_seconds * 1'000);
        auto wait = std::min(Millis(command_.retry_max_seconds * 1'000),
                             first * (std::int64_t{1} << std::min<std::uint64_t>(failures_, 16)));
        ++failures_;
        auto again = std::chrono::duration_cast<std::chrono::seconds>(wait);
        output_.event("failed", [&](json::ObjectWriter &writer) {
            writer.member("reason", std::string_view(failure_text(failure)));
            writer.member("retry_seconds", static_cast<std::int64_t>(again.count()));
        });
        if (!output_.json())
            output_.error(fmt::format("{} Trying again in {}.", failure_text(failure), duration_text(again)));
        auto until = std::chrono::steady_clock::now() + wait;
        for (;;) {
            auto left = std::chrono::duration_cast<Millis>(until - std::chrono::steady_clock::now());
            if (left <= Millis(0))
                return true;
            output_.show(fmt::format(
                "trying again in {}",
                duration_text(std::chrono::duration_cast<std::chrono::seconds>(left + Millis(999)))));
            if (interrupts_.wait(std::min(left, kLookInterval)) == Interrupts::Woken::signal)
                return false;
        }
    }

    int fail(const Failure &failure) {
        tell_failure(failure, output_);
        return kFailed;
    }

    // By a signal.
    int stop() {
        if (command_.continuous)
            return finish("stopped", done_.documents_refused > 0 ? kRefused : 0);
        finish("stopped", kFailed);
        if (!output_.json())
            output_.error("stopped before the end; the same command goes on from its last checkpoint");
        return kFailed;
    }

    int finish(const char *how, int status) {
        output_.event(how, [&](json::ObjectWriter &writer) {
            writer.member("docs_read", done_.documents_read);
            writer.member("docs_written", done_.documents_written);
            writer.member("docs_refused", done_.documents_refused);
            writer.member("bytes_in", bytes_in_);
            writer.member("bytes_out", bytes_out_);
            writer.raw("seconds", fmt::format("{:.1f}", seconds()));
            writer.member("status", status);
        });
        output_.line(fmt::format("{}: {}, {} in, {} out, {:.1f} s", how, documents_text(done_),
                                 bytes_text(bytes_in_), bytes_text(bytes_out_), seconds()));
        return status;
    }

    ReplicationHost &host_;
    const replication::Replication &replication_;
    const ReplicateCommand &command_;
    const Interrupts &interrupts_;
    CommandOutput output_;
    Refusals refusals_;
    ReplicationProgress shown_;
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    bool interrupted_ = false;
    bool opened_ = false; // both ends, once
    bool was_up_to_date_ = false;
    std::uint64_t told_written_ = 0;
    std::uint64_t failures_ = 0; // in a row
    double line_at_ = 0;
    Done done_;
    std::uint64_t bytes_in_ = 0;
    std::uint64_t bytes_out_ = 0;
};

int wrong(const Error &error) {
    fmt::print(stderr, "divan: {} Try `divan replicate --help`.\n", error.reason());
    return kWrongUsage;
}

} // namespace

int run_replicate(const ReplicateCommand &command) {
    auto object = replication_object(command, process_environment);
    if (!object.ok())
        return wrong(object.error());
    std::optional<Interrupts> interrupts;
    if (!command.reset_checkpoint) // which asks, and may be left as any program
        interrupts.emplace();
    auto host = ReplicationHost::make(command.connection);
    if (!host.ok())
        return wrong(host.error());
    auto replication = replication::read_replication(*object, (*host)->config(), access::Principal());
    if (!replication.ok())
        return wrong(replication.error());
    if (command.reset_checkpoint)
        return reset_checkpoint(**host, *replication, {command.id, command.yes, command.json});
    return Replicating(**host, *replication, command, *interrupts).run();
}

} // namespace divan::cli
