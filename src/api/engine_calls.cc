#include "api/engine_calls.h"

namespace divan::api {

Task<std::vector<Result<db::Written>>> write_documents(Call &call, std::vector<db::Edit> edits) {
    using Answers = std::vector<Result<db::Written>>;
    co_return co_await suspend<Answers>([&call, &edits](Resume<Answers> resume) {
        auto &home = call.exchange().executor();
        call.database->write(std::move(edits), [&home, resume](Answers answers) {
            home.post([resume, answers = std::move(answers)]() mutable { resume(std::move(answers)); });
        });
    });
}

} // namespace divan::api
