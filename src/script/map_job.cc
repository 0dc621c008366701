#include "script/jobs.h"

#include <algorithm>
#include <deque>
#include <numeric>
#include <tuple>

namespace divan::script {
namespace {

// Calls that are still to be made: each function on each of the documents.
struct Range {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::vector<std::uint32_t> functions; // ascending
    // One call after the other: one of them killed a worker.
    bool singly = false;

    [[nodiscard]] bool is_one_call() const { return count == 1 && functions.size() == 1; }
};

class MapJob final : public ProgramJob<MapAnswer> {
  public:
    MapJob(MapRequest request, Pool::Done<MapAnswer> done)
        : ProgramJob(request.program, std::move(done)), request_(std::move(request)), offences_(program()) {}

  private:
    Result<MapAnswer> work(Session &session) override {
        Log log(session.options().log_bytes_max);
        std::vector<std::uint32_t> all(program().functions.size());
        std::iota(all.begin(), all.end(), 0);
        left_.push_back({0, static_cast<std::uint32_t>(request_.documents.size()), std::move(all)});
        while (!left_.empty()) {
            auto range = take();
            if (range.count == 0 || range.functions.empty())
                continue;
            bool fresh = false;
            DIVAN_TRY(auto part, ask(session, range, log.bytes_left(), fresh));
            if (!part) {
                blame(std::move(range), fresh);
                continue;
            }
            forgive_last(*part, range, fresh);
            log.add(std::move(part->answer.log));
            DIVAN_TRY_VOID(add(*part, range, session.options().answer_bytes_max));
            push_rest(std::move(range), part->calls);
        }
        answer_.log = log.take();
        std::sort(answer_.failures.begin(), answer_.failures.end(), [](const auto &a, const auto &b) {
            return std::tie(a.document, a.function) < std::tie(b.document, b.function);
        });
        return std::move(answer_);
    }

    // The next calls to make, without functions that are given up.
    Range take() {
        auto range = std::move(left_.front());
        left_.pop_front();
        std::erase_if(range.functions, [&](std::uint32_t function) {
            if (!offences_.is_given_up(function))
                return false;
            for (std::uint32_t i = 0; i < range.count; ++i)
                answer_.failures.push_back({range.first + i, function, offences_.refusal(function)});
            return true;
        });
        if (!range.singly || range.is_one_call() || range.functions.empty() || range.count == 0)
            return range;
        Range one{range.first, 1, {range.functions.front()}, true};
        push_rest(std::move(range), 1);
        return one;
    }

    // `calls` of the range are made.
    void push_rest(Range range, std::uint32_t calls) {
        auto functions = static_cast<std::uint32_t>(range.functions.size());
        auto documents = calls / functions;
        auto begun = calls % functions;
        auto behind = documents + (begun > 0 ? 1 : 0);
        if (behind < range.count)
            left_.push_front({range.first + behind, range.count - behind, range.functions, range.singly});
        if (begun > 0)
            left_.push_front({range.first + documents,
                              1,
                              {range.functions.begin() + begun, range.functions.end()},
                              range.singly});
    }

    // The worker died over the range. It may have been killed from outside, or be worn out by calls before:
    // the calls are made again, one after the other, and who kills a fresh worker by itself is to blame.
    void blame(Range range, bool fresh) {
        if (range.singly && range.is_one_call() && fresh) {
            auto error = offences_.death(range.functions.front());
            offences_.note(range.functions.front(), error);
            answer_.failures.push_back({range.first, range.functions.front(), std::move(error)});
            return;
        }
        range.singly = true;
        left_.push_front(std::move(range));
    }

    // A worker that has no memory left may have lost it to calls before: the last one is made again in a
    // fresh one, before it is to blame.
    static void forgive_last(protocol::MapPart &part, Range &range, bool fresh) {
        auto &failures = part.answer.failures;
        if ((range.singly && fresh) || !part.leaving || failures.empty() ||
            failures.back().error.error != "out_of_memory")
            return;
        failures.pop_back();
        --part.calls;
        range.singly = true;
    }

    // Nothing if the worker died.
    Result<std::optional<protocol::MapPart>> ask(Session &session, const Range &range,
                                                 std::uint64_t log_bytes_max, bool &fresh) {
        DIVAN_TRY(auto reply,
                  session.ask(program(), protocol::Kind::map, log_bytes_max, [&](protocol::Writer &writer) {
                      writer.u32(range.functions.size());
                      for (auto function : range.functions)
                          writer.u32(function);
                      writer.u32(range.count);
                      for (std::uint32_t i = 0; i < range.count; ++i)
                          writer.text(request_.documents[range.first + i]);
                  }));
        fresh = reply.fresh;
        if (reply.died)
            return std::optional<protocol::MapPart>();
        auto part = protocol::decode_map(reply.frame, {program(), range.functions, range.count});
        if (!part.ok())
            return session.nonsense(part.error());
        if (part->leaving)
            session.give_up();
        return std::optional<protocol::MapPart>(std::move(part).value());
    }

    Result<void> add(protocol::MapPart &part, const Range &range, std::size_t bytes_max) {
        for (auto &row : part.answer.rows) {
            row.document += range.first;
            bytes_ += row.key.size() + row.value.size();
        }
        for (auto &failure : part.answer.failures) {
            offences_.note(failure.function, failure.error);
            failure.document += range.first;
        }
        if (bytes_ > bytes_max)
            return Error(ErrorCode::script_failed, program().design_id + " emits more than " +
                                                       std::to_string(bytes_max) +
                                                       " bytes for one batch of documents.");
        std::move(part.answer.failures.begin(), part.answer.failures.end(),
                  std::back_inserter(answer_.failures));
        if (answer_.rows.empty())
            answer_.rows = std::move(part.answer.rows);
        else
            std::move(part.answer.rows.begin(), part.answer.rows.end(), std::back_inserter(answer_.rows));
        return {};
    }

    const MapRequest request_;
    Offences offences_;
    std::deque<Range> left_;
    MapAnswer answer_;
    std::size_t bytes_ = 0;
};

} // namespace

std::unique_ptr<Job> make_job(MapRequest request, Pool::Done<MapAnswer> done) {
    return std::make_unique<MapJob>(std::move(request), std::move(done));
}

} // namespace divan::script
