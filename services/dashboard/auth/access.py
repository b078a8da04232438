"""Access control: login, sessions, roles, and a limit on failed logins."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from flask import Blueprint, Flask, redirect, render_template, request, url_for
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response

from services.dashboard.auth.locale import local_path
from services.dashboard.auth.users import LOCAL, LONGEST_PASSWORD, User, Users
from services.dashboard.problems import NotAllowedError, answer, is_api

PUBLIC = frozenset(("static", "access.login", "access.log_in", "language.choose", "api.healthz", "api.readyz"))
SESSION = timedelta(hours=12)
GUESSES = "5 per minute; 50 per hour"
USERS = "fire-users"

blueprint = Blueprint("access", __name__)
limiter = Limiter(get_remote_address, storage_uri="memory://", strategy="moving-window")


def install(app: Flask, users: Users) -> None:
    """Requires a login for an app; without users everyone has access, because only this machine can then reach it."""
    app.extensions[USERS] = users
    # An answer that set the cookie anew would undo a logout that overtook it: an open page refreshes itself in the background.
    app.config.update(PERMANENT_SESSION_LIFETIME=SESSION, SESSION_REFRESH_EACH_REQUEST=False, SESSION_COOKIE_SAMESITE="Lax",
                      SESSION_COOKIE_HTTPONLY=True, WTF_CSRF_TIME_LIMIT=None, RATELIMIT_HEADERS_ENABLED=False)
    CSRFProtect(app)
    limiter.init_app(app)
    manager = LoginManager(app)
    # Without users a session has never logged in, and session protection would treat it as stolen.
    manager.session_protection = "strong" if users else None
    manager.user_loader(users.by_id)
    manager.request_loader(lambda _: None if users else LOCAL)
    app.before_request(_admit)
    app.register_blueprint(blueprint)
    app.context_processor(lambda: {"user": current_user, "has_login": bool(users), "may": may})


def who() -> User:
    """Returns the user of this request."""
    return cast(User, current_user._get_current_object())


def may(role: str) -> bool:
    """Returns whether the user of this request has this role or a higher one."""
    return bool(current_user.is_authenticated) and who().may(role)


def require(role: str) -> User:
    """Returns the user of this request, who must have this role or a higher one.

    Raises:
        NotAllowedError: the user has a lower role.
    """
    if not who().may(role):
        raise NotAllowedError(f"this requires the role {role}, but {who().name} has {who().role}; ask an administrator")
    return who()


def _admit() -> Any:
    if request.endpoint in PUBLIC or current_user.is_authenticated:
        return None
    if is_api() or request.method != "GET":
        return answer(401, "this requires a login; log in first, at /login")
    return redirect(url_for("access.login", next=request.full_path.rstrip("?")), 303)


@blueprint.get("/login")
def login() -> Any:
    """Renders the login form, or redirects a user who is logged in."""
    if current_user.is_authenticated:
        return redirect(local_path(request.args.get("next")), 303)
    return render_template("login.html", page={"next": local_path(request.args.get("next")), "error": None})


def _name() -> str:
    return request.form.get("name", "")[:64]


def _is_failure(response: Response) -> bool:
    return response.status_code != 303


@blueprint.post("/login")
@limiter.limit(GUESSES, deduct_when=_is_failure)
@limiter.limit(GUESSES, key_func=lambda: f"name {_name()}", deduct_when=_is_failure)
def log_in() -> Any:
    """Logs a user in; the answer to a failure does not reveal whether the name or the password was wrong."""
    from flask import current_app, session

    users: Users = current_app.extensions[USERS]
    user = users.by_password(_name(), request.form.get("password", "")[:LONGEST_PASSWORD])
    following = local_path(request.form.get("next"))
    if user is None:
        current_app.logger.warning("login of %r from %s failed", _name(), request.remote_addr)
        return render_template("login.html", page={"next": following, "error": "WRONG"}), 401
    session.clear()
    session.permanent = True
    login_user(user)
    current_app.logger.info("%s logged in from %s", user.name, request.remote_addr)
    return redirect(following, 303)


@blueprint.post("/logout")
def log_out() -> Any:
    """Logs the user out."""
    logout_user()
    return redirect(url_for("access.login"), 303)
