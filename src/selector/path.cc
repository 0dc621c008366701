#include "selector/path.h"

#include "base/error.h"

namespace divan::selector {

std::string Path::joined() const {
    std::string out;
    for (std::size_t i = 0; i < steps.size(); ++i)
        out.append(i > 0 ? "." : "").append(steps[i]);
    return out;
}

std::string Path::escaped() const {
    std::string out;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (i > 0)
            out.push_back('.');
        if (steps[i].empty() || steps[i].starts_with('$'))
            out.push_back('\\');
        for (char c : steps[i]) {
            if (c == '.')
                out.push_back('\\');
            out.push_back(c);
        }
    }
    return out;
}

Result<Path> parse_path(std::string_view field) {
    Path path;
    std::string step;
    bool empty = true; // of the step as it is written
    auto end_step = [&] {
        if (empty)
            return false;
        path.steps.push_back(std::move(step));
        step.clear();
        empty = true;
        return true;
    };
    for (std::size_t i = 0; i < field.size(); ++i) {
        if (field[i] == '.' && (i == 0 || field[i - 1] != '\\')) {
            if (!end_step())
                break;
            continue;
        }
        empty = false;
        if (field[i] != '\\')
            step.push_back(field[i]);
    }
    if (!end_step())
        return Error(ErrorCode::bad_request, "invalid_field_name",
                     "Invalid field name: " + std::string(field));
    return path;
}

} // namespace divan::selector
