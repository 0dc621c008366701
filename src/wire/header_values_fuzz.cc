// Any header Content-Disposition: reading a parameter ends, and what is written with quotes is read back.

#include "wire/header_values.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char *>(data), size);
    auto value = divan::wire::disposition_parameter(text, "name");
    if (!value)
        return 0;
    if (value->size() > text.size())
        std::abort();
    std::string quoted = "form-data; filename=\"";
    for (char c : *value) {
        if (c == '"' || c == '\\')
            quoted.push_back('\\');
        quoted.push_back(c);
    }
    if (divan::wire::disposition_parameter(quoted + "\"; name=\"x\"", "filename") != value)
        std::abort();
    return 0;
}
