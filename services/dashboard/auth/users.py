"""The users who may log in, from the users file or the password of `admin`, with argon2 hashes and roles."""

from __future__ import annotations

import hashlib
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.errors import FireError
from core.settings import Settings

ROLES = ("view", "acknowledge", "admin")
"""The roles in ascending order; each includes the rights of those before it."""
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 1024
NAME = re.compile(r"[^\x00-\x1f\x7f:]{1,64}")
OTHERS = stat.S_IRWXO | stat.S_IWGRP
HASHER = PasswordHasher()
NOBODY = HASHER.hash("compared with when the user does not exist, so that a failed login takes the same time")


class UsersError(FireError):
    """The users cannot be loaded; the message says where and why."""


@dataclass(frozen=True)
class User:
    """A user, with the attributes that flask-login expects; `password` is an argon2 hash, empty for the local user."""

    name: str
    role: str
    password: str = ""
    is_active = True
    is_authenticated = True
    is_anonymous = False

    def get_id(self) -> str:
        """Returns the id kept in the session; it depends on the password, so that a new password ends old sessions."""
        return f"{hashlib.sha256(self.password.encode()).hexdigest()[:16]}:{self.name}"

    def may(self, role: str) -> bool:
        """Returns whether the user has the role or a higher one."""
        return ROLES.index(self.role) >= ROLES.index(role)


LOCAL = User("local", "admin")


class Users:
    """The users who may log in, by name; falsy if there are none."""

    def __init__(self, users: Mapping[str, User]) -> None:
        self._users = dict(users)

    def __bool__(self) -> bool:
        return bool(self._users)

    def by_id(self, session_id: str) -> User | None:
        """Returns the user of a session; None if the user was removed or has a new password since."""
        user = self._users.get(session_id.partition(":")[2])
        return user if user and user.get_id() == session_id else None

    def by_password(self, name: str, password: str) -> User | None:
        """Returns the user if the password is correct, else None; an unknown name takes the same time."""
        user = self._users.get(name)
        try:
            HASHER.verify(user.password if user else NOBODY, password[:LONGEST_PASSWORD])
        except VerificationError:
            return None
        return user


def load(settings: Settings) -> Users:
    """Returns the users that the settings define, possibly none.

    Raises:
        UsersError: the users file or the password cannot be used.
    """
    users = _read(Path(settings.dashboard_users)) if settings.dashboard_users else {}
    if settings.dashboard_password:
        if "admin" in users:
            raise UsersError(f"{settings.dashboard_users} has a user admin and FIRE_DASHBOARD_PASSWORD is set; remove either one")
        users["admin"] = User("admin", "admin", hashed(settings.dashboard_password))
    return Users(users)


def hashed(password: str) -> str:
    """Returns the argon2id hash of a password.

    Raises:
        UsersError: it is too short or too long.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise UsersError(f"the password has {len(password)} characters; use {SHORTEST_PASSWORD} to {LONGEST_PASSWORD}")
    return HASHER.hash(password)


def _read(file: Path) -> dict[str, User]:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        mode = file.stat().st_mode
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise UsersError(f"the users file {file} cannot be read: {problem}") from problem
    if mode & OTHERS:
        raise UsersError(f"the users file {file} is accessible to other users; chmod 600 {file}")
    tables = document.get("user")
    if set(document) != {"user"} or not isinstance(tables, list) or not tables:
        raise UsersError(f"the users file {file} must contain [[user]] tables and nothing else")
    users = [_user(file, number, table) for number, table in enumerate(tables, 1)]
    if len({user.name for user in users}) < len(users):
        raise UsersError(f"the users file {file} has two users with the same name; rename or remove one")
    return {user.name: user for user in users}


def _user(file: Path, number: int, table: Any) -> User:
    where = f"user {number} in {file}"
    if not isinstance(table, dict) or set(table) != {"name", "role", "password"}:
        raise UsersError(f"{where} must have exactly the fields name, role and password")
    name, role, password = table["name"], table["role"], table["password"]
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise UsersError(f"{where}: name must be 1 to 64 characters without a colon")
    if role not in ROLES:
        raise UsersError(f"{where}: role is {role!r}; use one of: {', '.join(ROLES)}")
    try:
        HASHER.check_needs_rehash(password)
    except (InvalidHashError, AttributeError, TypeError):
        raise UsersError(f"{where}: password must be what ./fire dashboard --hash-password prints") from None
    return User(name, role, password)
