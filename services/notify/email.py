"""Sends notifications by SMTP: text and HTML in the channel's language, encrypted unless the channel disables it."""

from __future__ import annotations

import contextlib
import hashlib
import smtplib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from services.notify.formats import plain_text
from services.notify.notification import Notice, UndeliveredError
from services.notify.socket_timeout import hang_up_after

SESSION_TIMEOUTS = 3
"""Limit of a whole SMTP session, as a multiple of the timeout of one answer."""


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A mail server and the recipients; `security` is starttls, tls or none, `timeout` limits each answer, in seconds."""

    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    security: str = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    timeout: float = 10.0

    def send(self, notice: Notice, at: datetime) -> str:
        """Passes the notice to the mail server; returns which recipients it refused, or an empty string.

        Raises:
            UndeliveredError: the server was not reached, or accepted the message for none of the recipients.
        """
        try:
            with self._session() as session:
                refused = session.send_message(self._message(notice, at), self.sender, list(self.recipients))
        except smtplib.SMTPDataError as problem:
            raise UndeliveredError(_answer(self.host, problem), is_final=problem.smtp_code >= 500) from problem
        except smtplib.SMTPResponseException as problem:
            raise UndeliveredError(_answer(self.host, problem)) from problem
        except (OSError, ValueError) as problem:  # smtplib raises either one when the connection is cut
            raise UndeliveredError(f"{self.host} did not accept the message: {problem or type(problem).__name__}") from problem
        return "; ".join(f"refused for {recipient}: {code} {answer!r}" for recipient, (code, answer) in refused.items())

    @contextlib.contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        context = ssl.create_default_context(cafile=self.ca_file)
        common: dict[str, Any] = {"timeout": self.timeout, "local_hostname": socket.gethostname()}
        session = (smtplib.SMTP_SSL(self.host, self.port, context=context, **common) if self.security == "tls"
                   else smtplib.SMTP(self.host, self.port, **common))
        with contextlib.closing(session), hang_up_after(self.timeout * SESSION_TIMEOUTS, lambda: session.sock):
            if self.security == "starttls":
                session.starttls(context=context)
            if self.username is not None:
                session.login(self.username, self.password or "")
            yield session
            with contextlib.suppress(OSError):  # the message has been accepted; the server may close the connection first
                session.quit()

    def _message(self, notice: Notice, at: datetime) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = notice.title
        message["From"], message["To"] = self.sender, ", ".join(self.recipients)
        message["Date"] = format_datetime(at)
        domain = self.sender.rpartition("@")[2]
        message["Message-ID"] = f"<{_digest(notice.key)}@{domain}>"
        message["References"] = f"<{_digest(notice.alert['alert_id'])}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message["X-Fire-Attempt"] = str(notice.attempt)
        text = plain_text.text(notice)
        message.set_content(text, cte=None if text.isascii() else "base64")
        message.add_alternative(plain_text.html(notice), subtype="html", cte="base64")
        return message


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _answer(host: str, problem: smtplib.SMTPResponseException) -> str:
    text = problem.smtp_error
    return f"{host} answered {problem.smtp_code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
