#include "cli/replication_failure.h"

#include "replication/peer.h"

#include <fmt/format.h>

namespace divan::cli {
namespace {

using replication::Cause;

std::string advice(const replication::Failure &failure) {
    bool at_target = failure.side == Cause::target;
    const char *side = at_target ? "target" : "source";
    const auto &error = failure.error;
    switch (failure.cause) {
    case Cause::auth:
        if (error.code() == ErrorCode::forbidden)
            return fmt::format("The user that the {} is opened with may not do this.", side);
        return login_advice(at_target);
    case Cause::network:
        if (failure.explained().find("certificate") != std::string::npos)
            return "--ca names the file of the authority to trust.";
        return fmt::format("Is the server of the {} running, and is its address right?", side);
    case Cause::disk:
        return fmt::format("The disk of the {} is full: make room and run the command again.", side);
    case Cause::filter:
        return "The filter runs at the source: see its design document and the log of its server.";
    case Cause::none:
    case Cause::source:
    case Cause::target:
        break;
    }
    if (error.word() == "db_not_found" || error.code() == ErrorCode::not_found)
        return at_target ? "Is the name right? --create-target makes the database." : "Is the name right?";
    return "";
}

} // namespace

replication::Failure failure_to_identify(const Error &error, const replication::Replication &replication) {
    auto cause = replication::cause_of(error, replication, Cause::source);
    return {error, cause == Cause::source ? Cause::filter : cause, Cause::source};
}

std::string login_advice(bool at_target) {
    return fmt::format(
        "Give its NAME:PASSWORD in the URL or in DIVAN_{}_LOGIN, or name a variable that holds "
        "a token with --bearer-{}.",
        at_target ? "TARGET" : "SOURCE", at_target ? "target" : "source");
}

std::string failure_text(const replication::Failure &failure) {
    auto text =
        fmt::format("the {}: {}", failure.side == Cause::target ? "target" : "source", failure.explained());
    if (!text.ends_with('.'))
        text += '.';
    auto what_to_do = advice(failure);
    return what_to_do.empty() ? text : text + " " + what_to_do;
}

bool failure_may_pass(const replication::Failure &failure) {
    return failure.cause == Cause::network || failure.cause == Cause::disk;
}

void tell_failure(const replication::Failure &failure, CommandOutput &output) {
    auto text = failure_text(failure);
    output.event("failed", [&](json::ObjectWriter &writer) {
        writer.member("reason", std::string_view(text));
        writer.member("cause", replication::cause_name(failure.cause));
    });
    if (!output.json())
        output.error(text);
}

} // namespace divan::cli
