#include "views/mapper.h"

namespace divan::views {
namespace {

class ScriptMapper final : public Mapper {
  public:
    ScriptMapper(script::Pool &pool, std::shared_ptr<const script::Program> program)
        : pool_(pool), program_(std::move(program)) {}

    std::future<Result<script::MapAnswer>> map(std::vector<std::string> documents) const override {
        auto promise = std::make_shared<std::promise<Result<script::MapAnswer>>>();
        auto mapped = promise->get_future();
        pool_.map({program_, std::move(documents)},
                  [promise](Result<script::MapAnswer> answer) { promise->set_value(std::move(answer)); });
        return mapped;
    }

  private:
    script::Pool &pool_;
    std::shared_ptr<const script::Program> program_;
};

} // namespace

std::unique_ptr<const Mapper> make_script_mapper(script::Pool &pool,
                                                 std::shared_ptr<const script::Program> program) {
    return std::make_unique<ScriptMapper>(pool, std::move(program));
}

} // namespace divan::views
