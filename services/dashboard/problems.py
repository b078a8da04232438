"""Renders errors as `application/problem+json` (RFC 9457) for the API and as pages for people."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from core.errors import FireError
from services.dashboard import json_text
from services.dashboard.postgres import DatabaseUnavailableError
from services.dashboard.views.paging import BadRequestError

TYPE = "application/problem+json"
TITLES = {400: "Bad request", 401: "Login required", 403: "Forbidden", 404: "Not found", 405: "Method not allowed",
          409: "Conflict", 413: "Too large", 415: "Unsupported media type", 422: "Unusable content", 429: "Too many requests",
          500: "Internal error", 503: "Unavailable"}


class NotFoundError(FireError):
    """The requested item does not exist."""


class NotAllowedError(FireError):
    """The user's role does not allow the action."""


class UnusableError(FireError):
    """The request is well-formed but cannot be used; the message states the cause."""


class UnavailableError(FireError):
    """A system that the request needs does not answer."""


STATUS: dict[type[FireError], int] = {BadRequestError: 400, NotAllowedError: 403, NotFoundError: 404, UnusableError: 422,
                                      DatabaseUnavailableError: 503, UnavailableError: 503}


def install(app: Flask) -> None:
    """Registers handlers that render every error of an app."""
    app.before_request(_refuse_nul)
    app.register_error_handler(CSRFError, lambda error: answer(400, f"{error.description} Reload the page and try again."))
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(FireError, lambda error: answer(STATUS.get(type(error), 500), str(error),
                                                               lacks_database=isinstance(error, DatabaseUnavailableError)))
    app.register_error_handler(Exception, _unexpected)


def _refuse_nul() -> None:
    """Refuses a path that contains the character NUL, which Postgres does not accept in a text."""
    if "\0" in request.path:
        raise NotFoundError("no name contains the character NUL")


def is_api() -> bool:
    """Returns whether the request is for the API rather than for a page."""
    return request.path.startswith(("/api/", "/healthz", "/readyz"))


def answer(status: int, detail: str, *, lacks_database: bool = False) -> Response:
    """Renders an error as problem+json or as a page; with `lacks_database` the page reloads itself once the database answers."""
    problem = {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "detail": detail}
    page = "" if is_api() else render_template("error.html", page=problem, lacks_database=lacks_database)
    response = Response(page or json_text.dumps(problem), status, content_type=TYPE if is_api() else "text/html; charset=utf-8")
    if status in (429, 503):
        response.headers["Retry-After"] = "2"
    response.headers["Cache-Control"] = "no-store"
    return response


def _http(error: HTTPException) -> Any:
    if error.response is not None or error.code is None or error.code < 400:
        return error.get_response()
    response = answer(error.code, error.description or "")
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "WWW-Authenticate"):
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    from flask import current_app

    current_app.logger.exception("%s %s failed", request.method, request.path, exc_info=error)
    return answer(500, "the request failed unexpectedly; the dashboard's log shows where")
