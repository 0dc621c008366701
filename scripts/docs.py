#!/usr/bin/env python3
"""Writes the generated pages of docs/ anew, or with --check says which are stale.

docs/openapi.json     what `divan openapi` prints, indented
docs/settings.md      what `divan settings` prints
docs/differences.md   its last part, from tests/replay/known_differences.json
"""
import argparse
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / 'tests' / 'replay'))

import known

MARK = '<!-- What follows is written by ./dev docs from tests/replay/known_differences.json. -->\n'


def printed(binary, *arguments):
    return subprocess.run([str(binary), *arguments], check=True, capture_output=True, text=True,
                          timeout=60).stdout


def openapi(binary):
    """Indented, so that a change shows as the lines it touches."""
    return json.dumps(json.loads(printed(binary, 'openapi')), indent=1, ensure_ascii=False) + '\n'


def differences(root):
    """The page with its generated part made anew."""
    text = (root / 'docs/differences.md').read_text(encoding='utf-8')
    head, mark, _ = text.partition(MARK)
    if not mark:
        raise ValueError('docs/differences.md lacks the line: ' + MARK)
    return head + mark + '\n' + known.table(known.load(root / 'tests/replay/known_differences.json'))


def pages(root, binary):
    """{path: function that makes its text}"""
    return {
        'docs/openapi.json': lambda: openapi(binary),
        'docs/settings.md': lambda: printed(binary, 'settings'),
        'docs/differences.md': lambda: differences(root),
    }


def stale(root, binary, names=None):
    """The pages, of those named, whose file is not what would be written now."""
    found = []
    for name, make in pages(root, binary).items():
        if names is None or name in names:
            path = root / name
            if not path.exists() or path.read_text(encoding='utf-8') != make():
                found.append(name)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--check', action='store_true', help='write nothing; status 1 when one is stale')
    arguments = parser.parse_args()
    binary = ROOT / 'build/release/divan'
    changed = stale(ROOT, binary)
    for name in changed:
        if not arguments.check:
            text = pages(ROOT, binary)[name]()
            (ROOT / name).write_text(text, encoding='utf-8')
        print(('stale: ' if arguments.check else 'written: ') + name)
    if not changed:
        print('all pages are fresh')
    return 1 if arguments.check and changed else 0


if __name__ == '__main__':
    sys.exit(main())
