"""Holds the includes of src/ against the module list of src/modules.cmake."""
import re
import unittest

from sample import CheckTest, read, tracked

DECLARATION = re.compile(r'^divan_module\(([^)]*)\)', re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
LAYER = re.compile(r'^# Layer (\d+)', re.MULTILINE)

FLAGS = {'TEST_PROGRAM'}  # words of divan_module() that stand alone


def declared(text):
    """{module: {'DEPENDS': [...], 'TEST_DEPENDS': [...], 'LINK': [...], 'LAYER': n}}, in order."""
    layers = [(match.start(), int(match.group(1))) for match in LAYER.finditer(text)]
    modules = {}
    for match in DECLARATION.finditer(text):
        words = match.group(1).split()
        module = {'DEPENDS': [], 'TEST_DEPENDS': [], 'LINK': []}
        module['LAYER'] = ([0] + [number for at, number in layers if at < match.start()])[-1]
        into = None
        for word in words[1:]:
            if word in FLAGS:
                into = None
            elif word in module:
                into = word
            else:
                module[into].append(word)
        modules[words[0]] = module
    return modules


def edges(root):
    """A module may depend only on modules that stand before it, in its layer or one below."""
    found = []
    modules = declared(read(root / 'src/modules.cmake'))
    order = list(modules)
    for name, module in modules.items():
        for other in module['DEPENDS'] + module['TEST_DEPENDS']:
            if other not in modules:
                found.append('%s depends on %s, which is not declared' % (name, other))
            elif order.index(other) >= order.index(name):
                found.append('%s depends on %s, which stands after it' % (name, other))
            elif modules[other]['LAYER'] > module['LAYER']:
                found.append('%s depends on %s of a higher layer' % (name, other))
    return found


def owner(path, modules):
    """The module of a path below src/: the longest folder that is one."""
    parts = path.split('/')[:-1]
    for length in range(len(parts), 0, -1):
        if '/'.join(parts[:length]) in modules:
            return '/'.join(parts[:length])
    return None


def includes(root):
    """Every include of a module's header is a declared, direct dependency."""
    found = []
    modules = declared(read(root / 'src/modules.cmake'))
    for path in tracked(root):
        if path.parts[0] != 'src' or path.suffix not in ('.h', '.cc'):
            continue
        name = str(path.relative_to('src'))
        module = owner(name, modules)
        if module is None:
            found.append('%s belongs to no module' % path)
            continue
        allowed = {module, *modules[module]['DEPENDS']}
        if path.stem.endswith(('_test', '_fuzz')) or path.stem.startswith('testing_'):
            allowed.update(modules[module]['TEST_DEPENDS'])
        for header in INCLUDE.findall(read(root / path)):
            other = owner(header, modules)
            if other is None:
                found.append('%s includes "%s": not the path of a module\'s header' % (path, header))
            elif other not in allowed:
                found.append('%s includes "%s", but %s does not declare %s' % (path, header, module, other))
    return found


class ModulesTest(CheckTest):
    list = ('# Layer 0\ndivan_module(base LINK fmt::fmt)\n# Layer 1\ndivan_module(kv DEPENDS base)\n'
            'divan_module(kv/memory DEPENDS kv)\ndivan_module(db DEPENDS kv TEST_DEPENDS kv/memory)\n')

    def test_edges_point_down(self):
        self.assert_clean(edges)

    def test_includes_are_declared(self):
        self.assert_clean(includes)

    def test_upward_edge_is_found(self):
        self.assert_found(edges, {'src/modules.cmake': self.list + '# Layer 0\ndivan_module(json DEPENDS db)\n'},
                          'json depends on db', 'higher layer')

    def test_edge_to_a_later_module_is_found(self):
        self.assert_found(edges, {'src/modules.cmake': 'divan_module(a DEPENDS b)\ndivan_module(b)\n'},
                          'a depends on b, which stands after it')

    def test_unknown_module_is_found(self):
        self.assert_found(edges, {'src/modules.cmake': 'divan_module(a DEPENDS c)\n'}, 'not declared')

    def test_transitive_include_is_found(self):
        self.assert_found(includes, {'src/modules.cmake': self.list,
                                     'src/db/a.cc': '#include <string>\n#include "base/result.h"\n'},
                          'src/db/a.cc', 'does not declare base')

    def test_folder_of_a_nested_module_is_its_own(self):
        self.assert_found(includes, {'src/modules.cmake': self.list,
                                     'src/db/a.h': '#include "kv/memory/engine.h"\n#include "kv/engine.h"\n'},
                          'does not declare kv/memory')

    def test_tests_may_use_their_own_dependencies(self):
        self.assertEqual(self.complaints(includes, {
            'src/modules.cmake': self.list, 'src/db/a_test.cc': '#include "kv/memory/engine.h"\n'}), [])

    def test_include_without_a_path_is_found(self):
        self.assert_found(includes, {'src/modules.cmake': self.list, 'src/kv/a.cc': '#include "a.h"\n'},
                          'not the path')

    def test_file_outside_every_module_is_found(self):
        self.assert_found(includes, {'src/modules.cmake': self.list, 'src/misc/a.cc': ''}, 'no module')


if __name__ == '__main__':
    unittest.main()
