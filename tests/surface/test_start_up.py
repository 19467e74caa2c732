"""`netarium run` of two scripts imports none of the heavy libraries it does not need (DESIGN 7, hot-path: start-up)."""

import subprocess
import sys

HEAVY = ("typer", "rich", "pydantic", "yaml", "dns", "asyncio", "ssl", "click")


def test_a_run_of_two_scripts_imports_nothing_heavy(tmp_path):
    (tmp_path / "a.py").write_text("import socket\nsocket.create_server(('', 8000)).accept()\n")
    (tmp_path / "b.py").write_text("import socket\nsocket.create_connection(('a', 8000))\n")
    text = (
        "import sys\nfrom netarium.cli.main import main\n"
        "code = main(['run', '--quiet', 'a.py', 'b.py'])\n"
        f"print(code, [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "0 []\n", done.stderr
