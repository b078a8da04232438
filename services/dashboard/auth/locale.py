"""Chooses a page's language: `?lang=`, else the cookie of the language switch, else the browser's preference, else English."""

from __future__ import annotations

import re
from typing import TypeVar

from flask import Blueprint, Response, current_app, redirect, request
from werkzeug.wrappers import Response as Answer

from services.dashboard.wording import LANGUAGES

COOKIE = "language"
YEAR_SECONDS = 365 * 24 * 3600
LOCAL = re.compile(r"/(?![/\\])[^\x00-\x20\\]*")
"""A path that no browser interprets as another host."""

T = TypeVar("T", bound=Answer)

blueprint = Blueprint("language", __name__)


def chosen() -> str:
    """Returns the language of this request, `en` or `ko`."""
    for wanted in (request.args.get("lang"), request.cookies.get(COOKIE)):
        if wanted in LANGUAGES:
            return wanted
    return request.accept_languages.best_match(LANGUAGES, default="en") or "en"


@blueprint.post("/language")
def choose() -> Answer:
    """Stores the chosen language and redirects back to the page."""
    answer = redirect(local_path(request.form.get("next")), 303)
    return remember(answer, request.form.get("lang"))


@blueprint.after_app_request
def keep(answer: Response) -> Response:
    """Stores a language from the URL like one chosen by the switch, and marks the page as language-dependent for caches."""
    answer.vary.update(["Accept-Language", "Cookie"])
    return remember(answer, request.args.get("lang")) if request.method == "GET" else answer


def remember(answer: T, language: str | None) -> T:
    """Sets the language cookie if the language is supported."""
    if language in LANGUAGES:
        answer.set_cookie(COOKIE, language, max_age=YEAR_SECONDS, httponly=True, samesite="Lax",
                          secure=bool(current_app.config.get("SESSION_COOKIE_SECURE")))
    return answer


def local_path(path: str | None) -> str:
    """Returns the path if it leads to a page of this server, else the path of the overview."""
    return path if path and LOCAL.fullmatch(path) else "/"
