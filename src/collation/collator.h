#pragma once

// ICU's root collator with default attributes (ucol_open("")), as CouchDB opens it. One for all threads:
// ICU's functions that only read a collator may run at the same time.

#include <unicode/ucol.h>

namespace divan::collation {

[[nodiscard]] const UCollator *root_collator();

} // namespace divan::collation
