#include "cli/checkpoint_reset.h"

#include "base/encoding.h"
#include "cli/command_output.h"
#include "cli/progress_text.h"
#include "cli/replication_failure.h"
#include "replication/checkpoint.h"
#include "replication/remote_database.h"
#include "json/parser.h"

#include <fmt/format.h>
#include <iostream>
#include <unistd.h>
#include <variant>

namespace divan::cli {
namespace {

using replication::Cause;
using replication::Failure;

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

struct Recorded {
    std::string id; // HEX
    std::optional<json::Object> at_source;
    std::optional<json::Object> at_target;
    std::string sequence; // JSON text; empty: the ends have none in common
    // Of the source, that lie before it; nullopt: it does not tell.
    std::optional<std::uint64_t> changes_before;
};

// Both ends, for requests.
struct Ends {
    Ends(replication::Context &context, const replication::Replication &replication)
        : peer{context, replication, progress, cancellation}, source(peer, replication.source),
          target(peer, replication.target) {}

    replication::Progress progress;
    Cancellation cancellation;
    replication::PeerContext peer;
    replication::RemoteDatabase source;
    replication::RemoteDatabase target;
};

Failure failure(replication::RemoteDatabase &database, Cause side, const Error &error) {
    return {error, cause_of(error, database.context().replication, side), side};
}

// A database that is not there has no checkpoint either, and deserves another word.
Task<Result<void>> look_for(replication::RemoteDatabase &database) {
    auto info = co_await database.ask(replication::RemoteRequest());
    if (!info.ok())
        co_return info.error();
    co_return Result<void>();
}

Task<Result<std::optional<json::Object>>> read_local(replication::RemoteDatabase &database,
                                                     const std::string &id) {
    replication::RemoteRequest request;
    request.path = "/_local/" + id;
    auto answer = co_await database.ask(std::move(request));
    if (!answer.ok() && answer.error().code() == ErrorCode::not_found)
        co_return std::optional<json::Object>();
    if (!answer.ok())
        co_return answer.error();
    if (!answer->is_object())
        co_return std::optional<json::Object>();
    co_return std::optional(std::move(answer->object()));
}

// How many rows the feed has behind a sequence.
Task<Result<std::optional<std::uint64_t>>> changes_behind(replication::RemoteDatabase &database,
                                                          std::string since) {
    replication::RemoteRequest request;
    request.path = "/_changes";
    request.query = "limit=1&since=" + percent_encode(since);
    auto answer = co_await database.ask(std::move(request));
    if (!answer.ok())
        co_return answer.error();
    const auto *pending = answer->is_object() ? answer->object().find("pending") : nullptr;
    const auto *rows = answer->is_object() ? answer->object().find("results") : nullptr;
    auto count = pending == nullptr ? std::nullopt : pending->as_int64();
    if (!count || *count < 0 || rows == nullptr || !rows->is_array())
        co_return std::optional<std::uint64_t>();
    co_return std::optional(static_cast<std::uint64_t>(*count) + rows->array().size());
}

Task<Result<std::optional<std::uint64_t>>> changes_before(replication::RemoteDatabase &database,
                                                          const std::string &sequence) {
    auto value = json::parse(sequence);
    auto since = value.ok() && value->is_string() ? value->string() : sequence;
    auto all = co_await changes_behind(database, std::string("0"));
    if (!all.ok())
        co_return all.error();
    auto behind = co_await changes_behind(database, std::move(since));
    if (!behind.ok())
        co_return behind.error();
    if (!*all || !*behind)
        co_return std::optional<std::uint64_t>();
    co_return std::optional(**all - std::min(**all, **behind));
}

Task<std::variant<Recorded, Failure>> find(Ends &ends, const replication::Replication &replication,
                                           std::string given_id) {
    auto there = co_await look_for(ends.source);
    if (!there.ok())
        co_return failure(ends.source, Cause::source, there.error());
    there = co_await look_for(ends.target);
    if (!there.ok())
        co_return failure(ends.target, Cause::target, there.error());
    Recorded recorded;
    recorded.id = given_id.substr(0, given_id.find_first_of("+ "));
    if (recorded.id.empty()) {
        auto id = co_await replication::identify(ends.peer.context, replication, ends.cancellation);
        if (!id.ok())
            co_return failure_to_identify(id.error(), replication);
        recorded.id = id->base;
    }
    auto at_source = co_await read_local(ends.source, recorded.id);
    if (!at_source.ok())
        co_return failure(ends.source, Cause::source, at_source.error());
    auto at_target = co_await read_local(ends.target, recorded.id);
    if (!at_target.ok())
        co_return failure(ends.target, Cause::target, at_target.error());
    recorded.at_source = std::move(*at_source);
    recorded.at_target = std::move(*at_target);
    auto common = replication::common_point(recorded.at_source ? &*recorded.at_source : nullptr,
                                            recorded.at_target ? &*recorded.at_target : nullptr);
    recorded.sequence = std::move(common.sequence);
    if (recorded.sequence.empty())
        co_return recorded;
    auto count = co_await changes_before(ends.source, recorded.sequence);
    if (!count.ok())
        co_return failure(ends.source, Cause::source, count.error());
    recorded.changes_before = *count;
    co_return recorded;
}

Task<Result<void>> remove_local(replication::RemoteDatabase &database, const std::string &id,
                                const std::optional<json::Object> &document) {
    const auto *rev = document ? document->find("_rev") : nullptr;
    if (rev == nullptr || !rev->is_string())
        co_return Result<void>();
    replication::RemoteRequest request;
    request.method = "DELETE";
    request.path = "/_local/" + id;
    request.query = "rev=" + percent_encode(rev->string());
    auto answer = co_await database.ask(std::move(request));
    if (!answer.ok() && answer.error().code() != ErrorCode::not_found)
        co_return answer.error();
    co_return Result<void>();
}

Task<std::optional<Failure>> forget(Ends &ends, const Recorded &recorded) {
    auto at_source = co_await remove_local(ends.source, recorded.id, recorded.at_source);
    if (!at_source.ok())
        co_return failure(ends.source, Cause::source, at_source.error());
    auto at_target = co_await remove_local(ends.target, recorded.id, recorded.at_target);
    if (!at_target.ok())
        co_return failure(ends.target, Cause::target, at_target.error());
    co_return std::optional<Failure>();
}

std::string cost(const Recorded &recorded) {
    std::string places = recorded.at_source && recorded.at_target ? "both ends"
                         : recorded.at_source                     ? "the source only"
                                                                  : "the target only";
    auto text = fmt::format("checkpoint {}, at {}", recorded.id, places);
    if (recorded.sequence.empty())
        return text + ": the ends agree on no sequence, so that the next run begins at the start anyway.";
    text += fmt::format(": everything up to {} of the source is recorded as copied.\n", recorded.sequence);
    text +=
        recorded.changes_before
            ? fmt::format("Without it the next run reads {} changes of the source again and asks the target "
                          "for each whether it has it.",
                          grouped(*recorded.changes_before))
            : "Without it the next run reads all changes of the source again and asks the target for each "
              "whether it has it.";
    return text + " No document is copied twice.";
}

bool agreed() {
    fmt::print("Forget it? [y/N] ");
    std::fflush(stdout);
    std::string answer;
    return std::getline(std::cin, answer) && (answer == "y" || answer == "Y" || answer == "yes");
}

int fail(const Failure &failure, CommandOutput &output) {
    tell_failure(failure, output);
    return kFailed;
}

int ask_for_yes(CommandOutput &output) {
    constexpr std::string_view kReason =
        "nothing was forgotten: nobody can be asked here, so --yes must be given";
    output.event("failed", [&](json::ObjectWriter &writer) { writer.member("reason", kReason); });
    if (!output.json())
        output.error(std::string(kReason));
    return kWrongUsage;
}

} // namespace

int reset_checkpoint(ReplicationHost &host, const replication::Replication &replication,
                     const ResetOptions &options) {
    CommandOutput output(options.json, false);
    OnLoop<Ends> ends(host, host.context(), replication);
    auto found = host.run([&] { return find(*ends, replication, options.id); });
    if (auto *failure = std::get_if<Failure>(&found))
        return fail(*failure, output);
    const auto &recorded = std::get<Recorded>(found);
    bool any = recorded.at_source || recorded.at_target;
    output.line(any ? cost(recorded)
                    : fmt::format("Nothing is recorded under {} at either end: the next run begins at the "
                                  "start.",
                                  recorded.id));
    if (any && !options.yes) {
        if (options.json || isatty(STDIN_FILENO) == 0)
            return ask_for_yes(output);
        if (!agreed()) {
            output.line("Nothing was forgotten.");
            return kFailed;
        }
    }
    if (any) {
        if (auto failed = host.run([&] { return forget(*ends, recorded); }))
            return fail(*failed, output);
        output.line("Forgotten.");
    }
    output.event(any ? "forgotten" : "nothing_recorded", [&](json::ObjectWriter &writer) {
        writer.member("id", std::string_view(recorded.id));
        writer.member("at_source", recorded.at_source.has_value());
        writer.member("at_target", recorded.at_target.has_value());
        if (!recorded.sequence.empty())
            writer.raw("source_last_seq", recorded.sequence);
        if (recorded.changes_before)
            writer.member("changes", *recorded.changes_before);
    });
    return 0;
}

} // namespace divan::cli
