"""What the chat must not forget, in SQLite: messages under one rising number, and sessions that may be resumed.

Writes are collected and made in one transaction by `commit`; the hub lets nothing out before. So what a
client was told is on file, whenever the process is killed. WAL with synchronous=NORMAL: a killed process
loses nothing; when the power fails the last moments may be lost, but never the file.
"""

from __future__ import annotations

import heapq
import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    n INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, room TEXT, sender TEXT NOT NULL,
    sender_key INTEGER NOT NULL, recipient TEXT, recipient_key INTEGER, text TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS old_messages ON messages (time);
CREATE INDEX IF NOT EXISTS room_messages ON messages (room, n) WHERE room IS NOT NULL;
CREATE INDEX IF NOT EXISTS received_messages ON messages (recipient_key, n) WHERE room IS NULL;
CREATE INDEX IF NOT EXISTS sent_messages ON messages (sender_key, n) WHERE room IS NULL;
CREATE TABLE IF NOT EXISTS sessions (
    key INTEGER PRIMARY KEY AUTOINCREMENT, secret BLOB NOT NULL UNIQUE, name TEXT NOT NULL, rooms TEXT NOT NULL,
    last_id INTEGER NOT NULL, seen REAL NOT NULL);
"""
_INSERT = (
    "INSERT INTO messages (n, time, room, sender, sender_key, recipient, recipient_key, text) "
    "VALUES (?,?,?,?,?,?,?,?)"
)
_COLUMNS = "n, time, room, sender, recipient, text"
_SAVE_SESSION = (
    "INSERT INTO sessions (key, secret, name, rooms, last_id, seen) VALUES (?,?,?,?,?,?) ON CONFLICT (key) DO UPDATE "
    "SET name=excluded.name, rooms=excluded.rooms, last_id=excluded.last_id, seen=excluded.seen"
)


class StoreError(Exception):
    """The file cannot be used; the message says why and what would help."""


class Row(NamedTuple):
    """One message on file.

    `room` is None for a private one, `recipient` for one to a room. `time` in Unix seconds.
    """

    n: int
    time: float
    room: str | None
    sender: str
    recipient: str | None
    text: str


@dataclass
class SavedSession:
    """A session on file: `rooms` maps each room to the number of the last message before it was joined."""

    key: int
    secret: bytes
    name: str
    rooms: dict[str, int]
    last_id: int
    seen: float


class Store:
    """The file of one server; `path` may be ":memory:"."""

    def __init__(self, path: Path | str) -> None:
        self._rows: list[tuple[Any, ...]] = []
        self._sessions: dict[int, SavedSession] = {}
        self._gone: list[int] = []
        try:
            self._database = self._open(str(path))
        except sqlite3.Error as error:
            hint = "is another server using it?" if "locked" in str(error) else "is it a chat database?"
            raise StoreError(f"{path}: {error}; {hint}") from None
        self.last_n = self._sequence("messages")
        self._last_key = self._sequence("sessions")

    @staticmethod
    def _open(path: str) -> sqlite3.Connection:
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # private messages are in it
        database = sqlite3.connect(path, timeout=0.2, isolation_level=None, check_same_thread=False)
        try:
            database.execute(
                "PRAGMA locking_mode=EXCLUSIVE"
            )  # one server a file; and WAL needs no shared memory
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            version = database.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, SCHEMA_VERSION):
                raise StoreError(
                    f"{path}: made by another version of the chat (schema {version}, not {SCHEMA_VERSION})"
                )
            database.executescript(
                f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;"
            )
        except BaseException:
            database.close()
            raise
        return database

    def _sequence(self, table: str) -> int:
        row = self._database.execute("SELECT seq FROM sqlite_sequence WHERE name=?", (table,)).fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        """Write what is left and close the file."""
        self.commit()
        self._database.close()

    # Messages

    def add(
        self,
        time: float,
        room: str | None,
        sender: str,
        sender_key: int,
        recipient: str | None,
        recipient_key: int | None,
        text: str,
    ) -> int:
        """Note a message for the next commit; its number."""
        self.last_n += 1
        self._rows.append((self.last_n, time, room, sender, sender_key, recipient, recipient_key, text))
        return self.last_n

    def commit(self) -> None:
        """Write everything noted since the last commit, in one transaction."""
        if not (self._rows or self._sessions or self._gone):
            return
        try:
            self._write(self._database)
        except sqlite3.Error as error:
            raise StoreError(f"the messages cannot be written: {error}; is the disk full?") from None
        self._rows.clear()
        self._sessions.clear()
        self._gone.clear()

    def _write(self, database: sqlite3.Connection) -> None:
        database.execute("BEGIN")
        if self._rows:
            database.executemany(_INSERT, self._rows)
        if self._sessions:
            database.executemany(
                _SAVE_SESSION,
                [
                    (s.key, s.secret, s.name, json.dumps(s.rooms), s.last_id, s.seen)
                    for s in self._sessions.values()
                ],
            )
        if self._gone:
            database.executemany("DELETE FROM sessions WHERE key=?", [(key,) for key in self._gone])
        database.execute("COMMIT")

    def history(self, room: str, count: int, before: int = 1 << 62) -> list[Row]:
        """The last `count` messages of a room with numbers below `before`, oldest first."""
        self.commit()
        query = f"SELECT {_COLUMNS} FROM messages WHERE room=? AND n<? ORDER BY n DESC LIMIT ?"
        return [Row(*row) for row in self._database.execute(query, (room, before, count))][::-1]

    def missed(self, key: int, rooms: dict[str, int], after: int, count: int) -> list[Row]:
        """The next `count` messages with numbers above `after` that the session `key` in these rooms is to get."""
        self.commit()
        parts: list[Iterator[tuple[Any, ...]]] = []
        for room, joined in rooms.items():
            query = f"SELECT {_COLUMNS} FROM messages WHERE room=? AND n>? ORDER BY n LIMIT ?"
            parts.append(self._database.execute(query, (room, max(after, joined), count)))
        for column in ("recipient_key", "sender_key"):
            query = f"SELECT {_COLUMNS} FROM messages WHERE room IS NULL AND {column}=? AND n>? ORDER BY n LIMIT ?"
            parts.append(self._database.execute(query, (key, after, count)))
        rows: list[Row] = []
        for row in heapq.merge(*parts):
            if not rows or rows[-1].n != row[0]:  # a note to oneself comes twice
                rows.append(Row(*row))
                if len(rows) == count:
                    break
        for part in parts:
            part.close()  # type: ignore[attr-defined]  # a sqlite3.Cursor
        return rows

    # Sessions

    def new_key(self) -> int:
        """The key of a session to come."""
        self._last_key += 1
        return self._last_key

    def save(self, session: SavedSession) -> None:
        """Note a session, new or changed, for the next commit."""
        self._sessions[session.key] = session

    def forget(self, key: int) -> None:
        """Note for the next commit that a session is over."""
        self._sessions.pop(key, None)
        self._gone.append(key)

    def find(self, secret: bytes) -> SavedSession | None:
        """The session with this secret (its hash)."""
        self.commit()
        for session in self._read("WHERE secret=?", secret):
            return session
        return None

    def recent(self, since: float) -> list[SavedSession]:
        """The sessions seen since then, by key."""
        self.commit()
        return list(self._read("WHERE seen>=? ORDER BY key", since))

    def _read(self, where: str, value: object) -> Iterator[SavedSession]:
        query = f"SELECT key, secret, name, rooms, last_id, seen FROM sessions {where}"
        for key, secret, name, rooms, last_id, seen in self._database.execute(query, (value,)):
            yield SavedSession(key, bytes(secret), name, json.loads(rooms), last_id, seen)

    def prune(self, messages_before: float, sessions_before: float) -> None:
        """Delete what is older than these Unix times."""
        self.commit()
        try:
            self._database.execute("DELETE FROM messages WHERE time<?", (messages_before,))
            self._database.execute("DELETE FROM sessions WHERE seen<?", (sessions_before,))
        except sqlite3.Error as error:
            raise StoreError(f"old messages cannot be deleted: {error}") from None
