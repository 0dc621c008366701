#include "views/builtin_reduce.h"
namespace divan::views {
Result<std::unique_ptr<BuiltinReduce>> make_builtin_reduce(std::string_view, collation::Order) {
    return Error(ErrorCode::not_implemented);
}
} // namespace divan::views
