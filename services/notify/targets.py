"""Reads from a channel's table where it sends to: one function for each type of channel."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from services.notify.channel_file import Table
from services.notify.chats import PAGERDUTY, PagerDuty, Slack, Teams
from services.notify.email import Mail
from services.notify.endpoint import Endpoint
from services.notify.notification import Notice
from services.notify.sns import Sns
from services.notify.webhook import Webhook

LONGEST_TIMEOUT = 15.0
"""In seconds; a whole SMTP session may take three times as long, which must stay below `outbox.CLAIM`."""
SHORTEST_KEY = 16
ROUTING_KEY = 32
ADDRESS = r"[^@\s,<>]+@[^@\s,<>]+"
TOPIC = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+(\.fifo)?"
URL = r"[\x21-\x7e]+"
Environment = Callable[[str], str | None]


class Target(Protocol):
    """A receiver of notifications."""

    def send(self, notice: Notice, at: datetime) -> str:
        """Delivers the notice; returns a remark on the delivery, or an empty string.

        Raises:
            UndeliveredError: the attempt failed.
        """


def target(table: Table, environment: Environment) -> Target:
    """Takes the fields of the target from a channel's table.

    Raises:
        ChannelFileError: a field, or a secret that it names, cannot be used.
    """
    return TARGETS[table.text("type", choices=tuple(TARGETS))](table, environment)


def _webhook(table: Table, environment: Environment) -> Webhook:
    return Webhook(endpoint=_endpoint(table, lambda: table.text("url", pattern=URL, rule="an address without spaces, ASCII only"),
                                      "url"),
                   key=table.secret(environment, SHORTEST_KEY).encode())


def _slack(table: Table, environment: Environment) -> Slack:
    return Slack(endpoint=_secret_endpoint(table, environment))


def _teams(table: Table, environment: Environment) -> Teams:
    return Teams(endpoint=_secret_endpoint(table, environment))


def _pagerduty(table: Table, environment: Environment) -> PagerDuty:
    endpoint = _endpoint(table, lambda: table.text("url", PAGERDUTY, pattern=URL, rule="an address without spaces, ASCII only"),
                         "url")
    return PagerDuty(endpoint=endpoint, routing_key=table.secret(environment, ROUTING_KEY))


def _secret_endpoint(table: Table, environment: Environment) -> Endpoint:
    """Takes an endpoint whose address is the secret."""
    field = "secret_env" if table.present("secret_env") else "secret_file"
    return _endpoint(table, lambda: table.secret(environment), field)


def _endpoint(table: Table, url: Callable[[], str], field: str) -> Endpoint:
    allow_private = table.flag("allow_private")
    return Endpoint(url=_checked(url(), table, field, allow_private), allow_private=allow_private, ca_file=table.path("ca_file"),
                    timeout=table.number("timeout", 10.0, highest=LONGEST_TIMEOUT))


def _checked(url: str, table: Table, field: str, allow_private: bool) -> str:
    """Returns the address unless it cannot be used; errors do not show it, because it may be a secret."""
    rule = "" if field == "url" else "names a secret that "
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("https", "http") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_whole = False
    if not is_whole or parts.fragment or not all("\x21" <= character <= "\x7e" for character in url):
        raise table.problem(field, f"{rule}must be an address like https://host/path")
    if "@" in parts.netloc:
        raise table.problem(field, f"{rule}contains a user or a password; calls are authenticated in another way")
    if parts.scheme == "http" and not allow_private:
        raise table.problem(field, f"{rule}must begin with https://; http:// requires allow_private = true")
    return url


def _mail(table: Table, environment: Environment) -> Mail:
    security = table.text("security", "starttls", choices=("starttls", "tls", "none"))
    if table.present("username") and security == "none":
        raise table.problem("username", "requires encryption; use security = \"starttls\" or \"tls\"")
    username = table.optional("username")
    return Mail(
        host=table.text("host"), port=int(table.number("port", 465 if security == "tls" else 587, highest=65535)),
        sender=table.text("from", pattern=ADDRESS, rule="an e-mail address"),
        recipients=table.texts("to", pattern=ADDRESS, rule="e-mail addresses"), security=security, username=username,
        password=table.secret(environment) if username is not None else None, ca_file=table.path("ca_file"),
        timeout=table.number("timeout", 10.0, highest=LONGEST_TIMEOUT))


def _sns(table: Table, _: Environment) -> Sns:
    rule = "the ARN of an SNS topic"
    return Sns(topic_arn=table.text("topic_arn", pattern=TOPIC, rule=rule),
               critical_topic_arn=table.optional("critical_topic_arn", pattern=TOPIC, rule=rule),
               endpoint_url=table.optional("endpoint_url", pattern=r"https?://\S+", rule="an address like https://host"),
               timeout=table.number("timeout", 10.0, highest=LONGEST_TIMEOUT))


TARGETS: dict[str, Callable[[Table, Environment], Target]] = {
    "webhook": _webhook, "email": _mail, "sns": _sns, "slack": _slack, "teams": _teams, "pagerduty": _pagerduty}
