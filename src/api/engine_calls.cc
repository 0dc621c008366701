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

Task<Result<void>> require_document(Call &call, std::string id) {
    auto head = co_await call.on_engine([&] { return call.database->head(id); });
    if (!head.ok())
        co_return head.error();
    if (!*head)
        co_return ErrorCode::not_found;
    if ((*head)->deleted)
        co_return Error(ErrorCode::not_found, "deleted");
    co_return Result<void>();
}

} // namespace divan::api
