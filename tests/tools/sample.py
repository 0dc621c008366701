"""What the checks of the tools share: the tree they look at, and small bad trees to prove them."""
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SUFFIXES_OF_TEXT = {'.cc', '.h', '.py', '.js', '.java', '.md', '.sh', '.cmake', '.txt', '.json', '.ini', ''}


def tracked(root):
    """The files of the tree that belong to the project, as paths relative to it."""
    if (root / '.git').exists():
        names = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard', '-z'], cwd=root,
                               check=True, capture_output=True, text=True).stdout.split('\0')
    else:
        names = [str(path.relative_to(root)) for path in root.rglob('*')]
    return sorted(pathlib.Path(name) for name in names if name and (root / name).is_file())


def read(path):
    return path.read_text(encoding='utf-8', errors='surrogateescape')


class CheckTest(unittest.TestCase):
    """A check is a function of a tree's root that returns its complaints."""

    def assert_clean(self, check):
        found = check(ROOT)
        if found:
            self.fail('\n'.join([check.__doc__] + found))

    def complaints(self, check, files):
        """What the check says of a tree of these files, {path: text or bytes}."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, content in files.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
            return check(root)

    def assert_found(self, check, files, *parts):
        """The check complains once about the tree, and says all these parts."""
        found = self.complaints(check, files)
        self.assertEqual(len(found), 1, found)
        for part in parts:
            self.assertIn(part, found[0])
