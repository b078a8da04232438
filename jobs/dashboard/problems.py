"""Errors: `application/problem+json` (RFC 9457) for the API, a page for people."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from jobs.dashboard import json_text
from jobs.dashboard.paging import BadRequestError
from jobs.dashboard.queries import DatabaseAwayError
from jobs.errors import FireError

TYPE = "application/problem+json"
TITLES = {400: "Bad request", 401: "Login needed", 403: "Not allowed", 404: "Not found", 405: "Method not allowed",
          409: "Conflict", 413: "Too large", 415: "Unsupported media type", 422: "Cannot be used", 429: "Too many requests",
          500: "Internal error", 503: "Away"}


class NotThereError(FireError):
    """What was asked for does not exist."""


class NotAllowedError(FireError):
    """The person's role does not allow this."""


class UnusableError(FireError):
    """What was sent is understood and cannot be used; the text says why."""


class AwayError(FireError):
    """Something that this needs does not answer."""


STATUS: dict[type[FireError], int] = {BadRequestError: 400, NotAllowedError: 403, NotThereError: 404, UnusableError: 422,
                                      DatabaseAwayError: 503, AwayError: 503}


def install(app: Flask) -> None:
    """Answers every error in the form that was asked for."""
    app.before_request(_refuse_nul)
    app.register_error_handler(CSRFError, lambda error: answer(400, f"{error.description} Load the page again and repeat it."))
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(FireError, lambda error: answer(STATUS.get(type(error), 500), str(error),
                                                               lacks_database=isinstance(error, DatabaseAwayError)))
    app.register_error_handler(Exception, _unexpected)


def _refuse_nul() -> None:
    """No id holds the character NUL, which Postgres does not take for a text either."""
    if "\0" in request.path:
        raise NotThereError("there is nothing of a name that holds the character NUL")


def is_api() -> bool:
    """Whether the request is a program's."""
    return request.path.startswith(("/api/", "/healthz", "/readyz"))


def answer(status: int, detail: str, *, lacks_database: bool = False) -> Response:
    """The error as problem+json, or as a page, which comes back by itself where it only lacks the database."""
    problem = {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "detail": detail}
    page = "" if is_api() else render_template("error.html", page=problem, lacks_database=lacks_database)
    told = Response(page or json_text.dumps(problem), status, content_type=TYPE if is_api() else "text/html; charset=utf-8")
    if status in (429, 503):
        told.headers["Retry-After"] = "2"
    told.headers["Cache-Control"] = "no-store"
    return told


def _http(error: HTTPException) -> Any:
    if error.response is not None or error.code is None or error.code < 400:
        return error.get_response()
    told = answer(error.code, error.description or "")
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "WWW-Authenticate"):
            told.headers[name] = value
    return told


def _unexpected(error: Exception) -> Response:
    from flask import current_app

    current_app.logger.exception("%s %s failed", request.method, request.path, exc_info=error)
    return answer(500, "this failed in a way that nobody foresaw; the dashboard's log says where")
