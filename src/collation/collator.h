#pragma once

// ICU's root collator. Inside of collation.

#include <unicode/ucol.h>

namespace divan::collation {

// Shared by all threads: it is only read.
[[nodiscard]] const UCollator *collator();

} // namespace divan::collation
