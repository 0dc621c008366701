#pragma once

// Requests as the pool runs them: split, resumed and put together again.

#include "script/pool.h"
#include "script/session.h"

#include <memory>

namespace divan::script {

class Job {
  public:
    virtual ~Job() = default;
    [[nodiscard]] virtual const std::string &database() const = 0;
    // Exactly one of the two, once; calls back.
    virtual void run(Session &session) = 0;
    virtual void fail(Error error) = 0;
};

[[nodiscard]] std::unique_ptr<Job> make_job(MapRequest request, Pool::Done<MapAnswer> done);
[[nodiscard]] std::unique_ptr<Job> make_job(ReduceRequest request, Pool::Done<ReduceAnswer> done);
[[nodiscard]] std::unique_ptr<Job> make_job(CallRequest request, Pool::Done<CallAnswer> done);
[[nodiscard]] std::unique_ptr<Job> make_job(ListRequest request, Pool::Done<CallAnswer> done);
[[nodiscard]] std::unique_ptr<Job> make_job(std::shared_ptr<const Program> program,
                                            Pool::Done<std::vector<std::optional<FunctionError>>> done);

// ---- shared by the kinds of jobs

// A question is sent when it is this large; the rest waits for its answer.
constexpr std::size_t kQuestionBytesEnough = 16 << 20;

// Functions that do harm again and again are not called any more in the same request.
class Offences {
  public:
    explicit Offences(const Program &program) : program_(program), counts_(program.functions.size()) {}
    void note(std::uint32_t function, const FunctionError &error);
    [[nodiscard]] bool is_given_up(std::uint32_t function) const;
    // Instead of a call of one that is given up.
    [[nodiscard]] FunctionError refusal(std::uint32_t function) const;
    // A worker died in a call.
    [[nodiscard]] FunctionError death(std::uint32_t function) const;

  private:
    const Program &program_;
    std::vector<std::uint32_t> counts_;
};

// Log lines of a request within its limit.
class Log {
  public:
    explicit Log(std::uint64_t bytes_max) : bytes_left_(bytes_max) {}
    [[nodiscard]] std::uint64_t bytes_left() const { return bytes_left_; }
    void add(std::vector<LogLine> lines);
    [[nodiscard]] std::vector<LogLine> take() { return std::move(lines_); }

  private:
    std::uint64_t bytes_left_;
    std::vector<LogLine> lines_;
};

// A job about a program, and its callback.
template <typename Answer> class ProgramJob : public Job {
  public:
    ProgramJob(std::shared_ptr<const Program> program, Pool::Done<Answer> done)
        : program_(std::move(program)), done_(std::move(done)) {}
    [[nodiscard]] const std::string &database() const override { return program_->database; }
    void run(Session &session) override { done_(work(session)); }
    void fail(Error error) override { done_(std::move(error)); }

  protected:
    virtual Result<Answer> work(Session &session) = 0;
    [[nodiscard]] const Program &program() const { return *program_; }

  private:
    std::shared_ptr<const Program> program_;
    Pool::Done<Answer> done_;
};

} // namespace divan::script
