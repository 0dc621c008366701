#include "script/jobs.h"

namespace divan::script {
namespace {

// As many timeouts stop CouchDB's indexer.
constexpr std::uint32_t kOffencesMax = 3;
constexpr std::uint64_t kLineBytes = 16; // as the worker counts

} // namespace

void Offences::note(std::uint32_t function, const FunctionError &error) {
    if (error.error == "timeout" || error.error == "out_of_memory" || error.error == "script_failed")
        ++counts_[function];
}

bool Offences::is_given_up(std::uint32_t function) const {
    return counts_[function] >= kOffencesMax;
}

FunctionError Offences::refusal(std::uint32_t function) const {
    return {"timeout", program_.functions[function].name +
                           ": not called any more, after it had to be stopped " +
                           std::to_string(counts_[function]) + " times"};
}

FunctionError Offences::death(std::uint32_t function) const {
    return {"script_failed",
            program_.functions[function].name +
                ": its process ended or had to be stopped; it needs too much memory or time"};
}

void Log::add(std::vector<LogLine> lines) {
    for (auto &line : lines) {
        auto bytes = kLineBytes + line.text.size();
        if (bytes > bytes_left_) {
            bytes_left_ = 0;
            return;
        }
        bytes_left_ -= bytes;
        lines_.push_back(std::move(line));
    }
}

} // namespace divan::script
