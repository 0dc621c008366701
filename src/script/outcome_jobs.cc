#include "script/jobs.h"

#include <algorithm>
#include <numeric>

namespace divan::script {
namespace {

// Calls with one outcome each.
template <typename Answer> class OutcomeJob : public ProgramJob<Answer> {
  public:
    OutcomeJob(std::shared_ptr<const Program> program, std::size_t count, Pool::Done<Answer> done)
        : ProgramJob<Answer>(std::move(program), std::move(done)), offences_(this->program()),
          values_(count) {}

  protected:
    [[nodiscard]] virtual protocol::Kind kind() const = 0;
    [[nodiscard]] virtual std::uint32_t function_of(std::size_t index) const = 0;
    // Writes the calls of these indices.
    virtual void write(protocol::Writer &writer, const std::vector<std::size_t> &indices) const = 0;
    // A call that was answered in part: how many parts more it may have, and those that came.
    [[nodiscard]] virtual std::size_t partial_max(std::size_t /*index*/) const { return 0; }
    virtual void take_partial(std::size_t /*index*/, std::vector<std::string> /*values*/) {}
    virtual Answer answer(std::vector<Outcome> values, std::vector<LogLine> log) = 0;

    Result<Answer> work(Session &session) override {
        Log log(session.options().log_bytes_max);
        for (auto indices = left(); !indices.empty(); indices = left()) {
            if (singly_)
                indices.resize(1);
            DIVAN_TRY(auto reply, session.ask(this->program(), kind(), log.bytes_left(),
                                              [&](protocol::Writer &writer) { write(writer, indices); }));
            if (reply.died) {
                blame(indices, reply.fresh);
                continue;
            }
            auto outcomes =
                protocol::decode_outcomes(reply.frame, this->program(), indices.size(),
                                          [&](std::size_t call) { return partial_max(indices[call]); });
            if (!outcomes.ok())
                return session.nonsense(outcomes.error());
            if (outcomes->leaving)
                session.give_up();
            forgive_last(*outcomes, reply.fresh);
            log.add(std::move(outcomes->log));
            DIVAN_TRY_VOID(add(std::move(*outcomes), indices, session.options().answer_bytes_max));
        }
        std::vector<Outcome> values;
        for (auto &value : values_)
            values.push_back(std::move(*value));
        return answer(std::move(values), log.take());
    }

  private:
    // What has no outcome yet, in order; functions that are given up get one here.
    std::vector<std::size_t> left() {
        std::vector<std::size_t> indices;
        for (auto index = done_; index < values_.size(); ++index)
            if (!values_[index]) {
                if (offences_.is_given_up(function_of(index)))
                    values_[index] = offences_.refusal(function_of(index));
                else
                    indices.push_back(index);
            }
        done_ = indices.empty() ? values_.size() : indices.front();
        return indices;
    }

    // As in MapJob: the calls are made again, one after the other, and who kills a fresh worker is to blame.
    void blame(const std::vector<std::size_t> &indices, bool fresh) {
        if (!singly_ || !fresh) {
            singly_ = true;
            return;
        }
        auto function = function_of(indices.front());
        auto error = offences_.death(function);
        offences_.note(function, error);
        values_[indices.front()] = std::move(error);
    }

    // As in MapJob: the last call is made again in a worker that has all its memory.
    void forgive_last(protocol::Outcomes &outcomes, bool fresh) {
        if ((singly_ && fresh) || !outcomes.leaving || outcomes.values.empty())
            return;
        const auto *error = std::get_if<FunctionError>(&outcomes.values.back());
        if (error == nullptr || error->error != "out_of_memory")
            return;
        outcomes.values.pop_back();
        singly_ = true;
    }

    Result<void> add(protocol::Outcomes outcomes, const std::vector<std::size_t> &indices,
                     std::size_t bytes_max) {
        for (std::size_t i = 0; i < outcomes.values.size(); ++i) {
            if (const auto *error = std::get_if<FunctionError>(&outcomes.values[i]))
                offences_.note(function_of(indices[i]), *error);
            else
                bytes_ += std::get<std::string>(outcomes.values[i]).size();
            values_[indices[i]] = std::move(outcomes.values[i]);
        }
        if (!outcomes.partial.empty())
            take_partial(indices[outcomes.values.size()], std::move(outcomes.partial));
        if (bytes_ > bytes_max)
            return Error(ErrorCode::script_failed, this->program().design_id + " answers more than " +
                                                       std::to_string(bytes_max) + " bytes for one request.");
        return {};
    }

    Offences offences_;
    std::vector<std::optional<Outcome>> values_;
    std::size_t done_ = 0; // those before have an outcome
    bool singly_ = false;
    std::size_t bytes_ = 0;
};

void write_call(protocol::Writer &writer, const Invocation &invocation) {
    writer.u32(invocation.function);
    writer.u32(invocation.arguments.size());
    for (const auto &argument : invocation.arguments)
        writer.text(argument);
}

class CallJob final : public OutcomeJob<CallAnswer> {
  public:
    CallJob(CallRequest request, Pool::Done<CallAnswer> done)
        : OutcomeJob(request.program, request.invocations.size(), std::move(done)),
          invocations_(std::move(request.invocations)) {}

  private:
    [[nodiscard]] protocol::Kind kind() const override { return protocol::Kind::call; }
    [[nodiscard]] std::uint32_t function_of(std::size_t index) const override {
        return invocations_[index].function;
    }
    void write(protocol::Writer &writer, const std::vector<std::size_t> &indices) const override {
        writer.u32(indices.size());
        for (auto index : indices)
            write_call(writer, invocations_[index]);
    }
    CallAnswer answer(std::vector<Outcome> values, std::vector<LogLine> log) override {
        return {std::move(values), std::move(log)};
    }

    const std::vector<Invocation> invocations_;
};

class ReduceJob final : public OutcomeJob<ReduceAnswer> {
  public:
    ReduceJob(ReduceRequest request, Pool::Done<ReduceAnswer> done)
        : OutcomeJob(request.program, request.items.size(), std::move(done)), request_(std::move(request)) {}

  private:
    [[nodiscard]] protocol::Kind kind() const override { return protocol::Kind::reduce; }
    [[nodiscard]] std::uint32_t function_of(std::size_t index) const override {
        return request_.items[index].function;
    }
    void write(protocol::Writer &writer, const std::vector<std::size_t> &indices) const override {
        writer.u8(request_.limit ? 1 : 0);
        writer.u64(request_.limit_threshold_bytes);
        writer.f64(request_.limit_ratio);
        writer.u32(indices.size());
        for (auto index : indices) {
            const auto &item = request_.items[index];
            writer.u32(item.function);
            writer.u32(item.reduced.size());
            for (const auto &text : item.reduced)
                writer.text(text);
            writer.u32(item.rows.size());
            for (const auto &rows : item.rows) {
                writer.text(rows.keys);
                writer.text(rows.values);
            }
        }
    }
    [[nodiscard]] std::size_t partial_max(std::size_t index) const override {
        return request_.items[index].rows.size();
    }
    void take_partial(std::size_t index, std::vector<std::string> values) override {
        auto &item = request_.items[index];
        item.rows.erase(item.rows.begin(), item.rows.begin() + static_cast<std::ptrdiff_t>(values.size()));
        std::move(values.begin(), values.end(), std::back_inserter(item.reduced));
    }
    ReduceAnswer answer(std::vector<Outcome> values, std::vector<LogLine> log) override {
        return {std::move(values), std::move(log)};
    }

    ReduceRequest request_;
};

using CompileAnswer = std::vector<std::optional<FunctionError>>;

class CompileJob final : public OutcomeJob<CompileAnswer> {
  public:
    CompileJob(const std::shared_ptr<const Program> &program, Pool::Done<CompileAnswer> done)
        : OutcomeJob(program, program->functions.size(), std::move(done)) {}

  private:
    [[nodiscard]] protocol::Kind kind() const override { return protocol::Kind::compile; }
    [[nodiscard]] std::uint32_t function_of(std::size_t index) const override {
        return static_cast<std::uint32_t>(index);
    }
    void write(protocol::Writer &writer, const std::vector<std::size_t> &indices) const override {
        writer.u32(indices.size());
        for (auto index : indices)
            writer.u32(index);
    }
    CompileAnswer answer(std::vector<Outcome> values, std::vector<LogLine> /*log*/) override {
        CompileAnswer errors;
        for (auto &value : values) {
            auto &error = errors.emplace_back();
            if (auto *found = std::get_if<FunctionError>(&value))
                error = std::move(*found);
        }
        return errors;
    }
};

class ListJob final : public ProgramJob<CallAnswer> {
  public:
    ListJob(ListRequest request, Pool::Done<CallAnswer> done)
        : ProgramJob(request.program, std::move(done)), request_(std::move(request)) {}

  private:
    Result<CallAnswer> work(Session &session) override {
        DIVAN_TRY(auto reply,
                  session.ask(program(), protocol::Kind::list, session.options().log_bytes_max,
                              [&](protocol::Writer &writer) { write_call(writer, request_.invocation); }));
        while (!reply.died && protocol::kind_of(reply.frame) == protocol::Kind::chunks) {
            auto chunks = protocol::decode_chunks(reply.frame);
            if (!chunks.ok() || chunks->start.has_value() == started_)
                return session.nonsense(chunks.ok()
                                            ? Error(ErrorCode::bad_request, "it started twice or never")
                                            : chunks.error());
            started_ = true;
            if (!request_.rows->write(chunks->start, std::move(chunks->chunks))) {
                session.give_up();
                return Error(ErrorCode::cancelled);
            }
            if (chunks->wants_rows) {
                DIVAN_TRY(reply, feed(session));
            } else {
                DIVAN_TRY(reply, session.wait());
            }
        }
        if (reply.died)
            return Error(ErrorCode::script_failed,
                         Offences(program()).death(request_.invocation.function).reason + ".");
        auto outcomes = protocol::decode_outcomes(reply.frame, program(), 1, [](std::size_t) { return 0; });
        if (!outcomes.ok())
            return session.nonsense(outcomes.error());
        if (outcomes->leaving)
            session.give_up();
        return CallAnswer{std::move(outcomes->values), std::move(outcomes->log)};
    }

    Result<Session::Reply> feed(Session &session) {
        auto rows = request_.rows->next();
        if (!rows.ok()) {
            session.give_up();
            return rows.error();
        }
        protocol::Writer writer(protocol::Kind::rows);
        writer.u32(rows->size());
        for (const auto &row : *rows)
            writer.text(row);
        return session.go_on(std::move(writer).frame());
    }

    const ListRequest request_;
    bool started_ = false;
};

} // namespace

std::unique_ptr<Job> make_job(ReduceRequest request, Pool::Done<ReduceAnswer> done) {
    return std::make_unique<ReduceJob>(std::move(request), std::move(done));
}

std::unique_ptr<Job> make_job(CallRequest request, Pool::Done<CallAnswer> done) {
    return std::make_unique<CallJob>(std::move(request), std::move(done));
}

std::unique_ptr<Job> make_job(ListRequest request, Pool::Done<CallAnswer> done) {
    return std::make_unique<ListJob>(std::move(request), std::move(done));
}

std::unique_ptr<Job> make_job(std::shared_ptr<const Program> program, Pool::Done<CompileAnswer> done) {
    return std::make_unique<CompileJob>(program, std::move(done));
}

} // namespace divan::script
