"""Tests the channels against real receivers on the loopback address (HTTP(S), SMTP, moto's SNS), and the channel file."""

from __future__ import annotations

import hashlib
import hmac
import json
import urllib.request
from collections.abc import Iterator
from datetime import time, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from core import installation
from services.notify import channels
from services.notify.channel_file import ChannelFileError
from services.notify.email import Mail
from services.notify.endpoint import Endpoint, is_allowed
from services.notify.formats import text_message
from services.notify.formats.webhook_json import payload
from services.notify.hours import QuietHours
from services.notify.notification import Notice, UndeliveredError, UnusableTransitionError, idempotency_key, read_transition
from services.notify.sns import Sns
from services.notify.webhook import Webhook
from tests.support.free_ports import free_ports
from tests.support.receivers import DRIP, HANG, NOON, Receiver, alert, certificate, receiving
from tests.support.waiting import DEADLINE_SECONDS

KEY = "a-key-of-sixteen-characters-or-more"
HOOK = "https://hooks.example.org/services/T0/B0/XXXX"
CRITICAL_TOPIC, HIGH_TOPIC = (f"arn:aws:sns:ap-northeast-2:123456789012:fire-{level}" for level in ("critical", "high"))
CRITICAL = {"level": "CRITICAL", "recommendations_ko": ["지금 즉시 현장을 점검하십시오."],
            "recommendations_en": ["Inspect on site now."]}


def notice(language: str = "en", attempt: int = 1, **changed: Any) -> Notice:
    transition = alert(**changed)
    return Notice(idempotency_key(transition), attempt, "control-room", language, transition)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def webhook(url: str, **more: Any) -> Webhook:
    endpoint = Endpoint(**{"url": url, "allow_private": True, "timeout": DEADLINE_SECONDS} | more)
    return Webhook(endpoint=endpoint, key=KEY.encode())


def test_webhook_is_signed_over_timestamp_and_body_and_carries_its_key(receiver: Receiver) -> None:
    webhook(receiver.url).send(notice(attempt=3), NOON)
    call = receiver.calls[0]
    signed = call.headers["X-Fire-Timestamp"].encode() + b"." + call.body
    assert call.headers["X-Fire-Signature"] == "v1=" + hmac.new(KEY.encode(), signed, hashlib.sha256).hexdigest()
    assert call.headers["X-Fire-Timestamp"] == str(int(NOON.timestamp()))
    assert (call.path, call.headers["Idempotency-Key"], call.headers["X-Fire-Attempt"]) == (
        "/fire?unit=7", "0f3a5c7e9b1d2f40:OPENED", "3")
    body = json.loads(call.body)
    assert body["alert"] == alert() and body["message"] == alert()["message_en"] and KEY not in call.body.decode()


def test_webhook_sends_the_same_body_each_time(receiver: Receiver) -> None:
    for attempt in (1, 2):
        webhook(receiver.url).send(notice("ko", attempt), NOON)
    assert receiver.calls[0].body == receiver.calls[1].body
    assert json.loads(receiver.calls[0].body)["message"].startswith("[경계] 고온 감지")


@pytest.mark.parametrize(("answer", "reason", "is_final"), [
    (500, "answered 500", False), (429, "answered 429", False), (404, "answered 404", False), (422, "answered 422", True),
    (302, "redirects are not followed", False), (HANG, "was not reached", False), (DRIP, "was not reached", False),
])  # fmt: skip
def test_webhook_that_is_not_answered_with_success_has_failed(receiver: Receiver, answer: int | str, reason: str,
                                                              is_final: bool) -> None:
    receiver.answers.append(answer)
    with pytest.raises(UndeliveredError, match=reason) as failure:
        webhook(receiver.url, timeout=1.0 if answer in (HANG, DRIP) else DEADLINE_SECONDS).send(notice(), NOON)
    assert failure.value.is_final == is_final and len(receiver.calls) == 1


def test_webhook_that_is_refused_the_connection_has_failed() -> None:
    with receiving() as gone:
        url = gone.url
    with pytest.raises(UndeliveredError, match=r"was not reached: .*refused"):
        webhook(url).send(notice(), NOON)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"])
def test_webhook_does_not_go_to_this_machine_unless_allowed(receiver: Receiver, host: str) -> None:
    with pytest.raises(UndeliveredError, match="which is not public; if that is intended, set allow_private = true"):
        webhook(f"http://{host}:{receiver.port}/", allow_private=False).send(notice(), NOON)
    assert receiver.calls == []


@pytest.mark.parametrize("address", [
    "10.0.0.1", "172.16.3.4", "192.168.1.1", "100.64.0.1", "127.9.9.9", "::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1",
    "198.18.0.1", "2002:a00:1::1"])
def test_private_addresses_are_allowed_only_to_channels_that_ask_for_them(address: str) -> None:
    assert not is_allowed(address, allow_private=False) and is_allowed(address, allow_private=True)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1%eth0", "0.0.0.0", "::", "224.0.0.1", "ff02::1",
                                     "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"])
def test_link_local_and_multicast_addresses_are_never_allowed(address: str) -> None:
    assert not is_allowed(address, allow_private=False) and not is_allowed(address, allow_private=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(address, allow_private=False)


def test_webhook_without_tls_does_not_leave_this_network() -> None:
    with pytest.raises(UndeliveredError, match=r"public address 8\.8\.8\.8; http:// may not leave this network"):
        webhook("http://8.8.8.8/").send(notice(), NOON)


def test_webhook_over_tls_reaches_only_a_server_with_a_trusted_certificate(tmp_path: Path) -> None:
    trusted, context = certificate(tmp_path)
    with receiving(context) as receiver:
        url = receiver.url.replace("http:", "https:")
        webhook(url, ca_file=str(trusted)).send(notice(), NOON)
        with pytest.raises(UndeliveredError, match="CERTIFICATE_VERIFY_FAILED"):
            webhook(url).send(notice(), NOON)
        with pytest.raises(UndeliveredError, match="CERTIFICATE_VERIFY_FAILED"):
            webhook(url.replace("127.0.0.1", "localhost"), ca_file=str(trusted)).send(notice(), NOON)
        assert len(receiver.calls) == 1


class Postbox:
    """The handler of the test mail server: keeps messages, or refuses them as configured."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.data_answer = "250 OK"
        self.unknown: set[str] = set()

    async def handle_RCPT(self, _: Any, __: Any, envelope: Envelope, address: str, options: list[str]) -> str:
        if address in self.unknown:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: Any, __: Any, envelope: Envelope) -> str:
        if self.data_answer.startswith("250"):
            self.envelopes.append(envelope)
        return self.data_answer

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(each.original_content, policy=policy.default) for each in self.envelopes]  # type: ignore[misc]


@pytest.fixture
def postbox(tmp_path: Path) -> Iterator[tuple[Postbox, Mail]]:
    """Starts a mail server that requires STARTTLS and a login, with a channel that is configured for both."""
    trusted, context = certificate(tmp_path)
    box = Postbox()

    def authenticate(_: Any, __: Any, ___: Any, ____: Any, login: Any) -> AuthResult:
        return AuthResult(success=(login.login, login.password) == (b"fire", KEY.encode()), handled=False)

    controller = Controller(box, hostname="127.0.0.1", port=0, tls_context=context, require_starttls=True, auth_required=True,
                            authenticator=authenticate)
    controller.port = free_ports("SMTP")["SMTP"]
    controller.start()
    yield box, Mail(host="127.0.0.1", port=controller.port, sender="fire@example.org",
                    recipients=("a@example.org", "b@example.org"), username="fire", password=KEY, ca_file=str(trusted),
                    timeout=DEADLINE_SECONDS)
    controller.stop()


def changed(mail: Mail, **changes: Any) -> Mail:
    return Mail(**vars(mail) | changes)


def test_mail_in_korean_arrives_encrypted_for_everyone(postbox: tuple[Postbox, Mail]) -> None:
    box, mail = postbox
    assert mail.send(notice("ko"), NOON) == ""
    arrived = box.mails[0]
    assert box.envelopes[0].rcpt_tos == ["a@example.org", "b@example.org"]
    assert arrived["Subject"] == "[경계] 고온 감지, 장치 dev-07, 현장 site-1"
    body = arrived.get_body(("plain",)).get_content()
    assert "권장 조치:\n- 전원 차단을 검토하십시오." in body.replace("\r\n", "\n") and "0f3a5c7e9b1d2f40:OPENED" in body
    assert arrived["Auto-Submitted"] == "auto-generated" and arrived["Date"].datetime == NOON


def test_mail_keeps_its_message_id_over_attempts_and_has_another_per_transition(postbox: tuple[Postbox, Mail]) -> None:
    box, mail = postbox
    for each in (notice(attempt=1), notice(attempt=2), notice(transition="CLEARED")):
        mail.send(each, NOON)
    first, again, cleared = (each["Message-ID"] for each in box.mails)
    assert first == again != cleared
    assert len({each["References"] for each in box.mails}) == 1
    body = box.mails[0].get_body(("plain",))
    assert body is not None and "What to do:\n- Consider cutting off" in body.get_content().replace("\r\n", "\n")


def test_mail_does_not_trust_an_unknown_certificate(postbox: tuple[Postbox, Mail]) -> None:
    box, mail = postbox
    with pytest.raises(UndeliveredError, match="CERTIFICATE_VERIFY_FAILED"):
        changed(mail, ca_file=None).send(notice(), NOON)
    assert box.envelopes == []


def test_mail_with_a_wrong_password_has_failed_without_revealing_it(postbox: tuple[Postbox, Mail]) -> None:
    with pytest.raises(UndeliveredError, match="answered 535") as failure:
        changed(postbox[1], password="wrong-password").send(notice(), NOON)
    assert not failure.value.is_final and "wrong-password" not in str(failure.value)


@pytest.mark.parametrize(("answer", "is_final"), [("451 later", False), ("554 spam", True)])
def test_mail_that_is_refused_permanently_is_not_retried(postbox: tuple[Postbox, Mail], answer: str, is_final: bool) -> None:
    postbox[0].data_answer = answer
    with pytest.raises(UndeliveredError, match=f"answered {answer}") as failure:
        postbox[1].send(notice(), NOON)
    assert failure.value.is_final == is_final


def test_mail_reports_which_recipients_were_refused(postbox: tuple[Postbox, Mail]) -> None:
    box, mail = postbox
    box.unknown = {"b@example.org"}
    assert mail.send(notice(), NOON) == "refused for b@example.org: 550 b'no such user'"
    box.unknown = {"a@example.org", "b@example.org"}
    with pytest.raises(UndeliveredError, match="did not accept the message"):
        mail.send(notice(), NOON)


def test_mail_without_a_server_has_failed() -> None:
    with pytest.raises(UndeliveredError, match=r"127\.0\.0\.1 did not accept the message: .*refused"):
        Mail(host="127.0.0.1", port=free_ports("none")["none"], sender="a@b", recipients=("c@d",), security="none").send(
            notice(), NOON)


@pytest.fixture(scope="module")
def sns_server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def sns(sns_server: str, monkeypatch: pytest.MonkeyPatch) -> Sns:
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    urllib.request.urlopen(urllib.request.Request(f"{sns_server}/moto-api/reset", method="POST"))
    client = boto3.client("sns", region_name="ap-northeast-2", endpoint_url=sns_server)
    for topic in (CRITICAL_TOPIC, HIGH_TOPIC):
        client.create_topic(Name=topic.rpartition(":")[2])
    return Sns(topic_arn=HIGH_TOPIC, critical_topic_arn=CRITICAL_TOPIC, endpoint_url=sns_server)


def published(sns: Sns, topic: str) -> list[list[Any]]:
    """Returns the messages that moto received on a topic, each as (id, message, subject, structure, attributes)."""
    answer = urllib.request.urlopen(f"{sns.endpoint_url}/moto-api/data.json")
    topics = json.load(answer)["sns"]["Topic"]
    return next(each["sent_notifications"] for each in topics if each["arn"] == topic)


def test_critical_alarm_carries_a_short_text_message_and_a_mail(sns: Sns) -> None:
    critical = notice("ko", **CRITICAL)
    sns.send(critical, NOON)
    bodies = json.loads(sns.request(critical)["Message"])
    assert bodies["sms"].startswith("[경계] 고온 감지, 장치 dev-07, 현장 site-1. 지금 즉시 현장을 점검하십시오. 위험도 0.60.")
    assert "권장 조치:" in bodies["default"]
    assert sns.request(critical)["MessageStructure"] == "json"
    arrived = published(sns, CRITICAL_TOPIC)
    assert len(arrived) == 1 and published(sns, HIGH_TOPIC) == []
    assert critical.key in json.dumps(arrived)


def test_high_alarm_goes_to_the_other_topic_and_to_phones_as_a_text_message(sns: Sns) -> None:
    sns.send(notice(), NOON)
    assert published(sns, CRITICAL_TOPIC) == [] and len(published(sns, HIGH_TOPIC)) == 1
    bodies = json.loads(sns.request(notice())["Message"])
    assert "What to do:\n- Consider cutting off the power." in bodies["default"]
    assert text_message.segments(bodies["sms"]) <= 2


def test_longest_digest_fits_a_message_of_sns() -> None:
    entries = [{"alert": alert(message_en="\\" * 80), "place": None} for _ in range(3000)]
    request = Sns(topic_arn=HIGH_TOPIC).request(notice(transition="DIGEST", digest=entries))
    assert len(request["Message"].encode()) < 256 * 1024


def test_sns_topic_that_does_not_exist_is_a_failed_attempt(sns: Sns) -> None:
    with pytest.raises(UndeliveredError, match=r"SNS answered .*NotFound") as failure:
        Sns(topic_arn=HIGH_TOPIC + "-gone", endpoint_url=sns.endpoint_url).send(notice(), NOON)
    assert not failure.value.is_final


def test_unreachable_sns_is_a_failed_attempt(sns: Sns) -> None:
    port = free_ports("none")["none"]
    with pytest.raises(UndeliveredError, match="SNS was not reached"):
        Sns(topic_arn=HIGH_TOPIC, endpoint_url=f"http://127.0.0.1:{port}", timeout=1.0).send(notice(), NOON)


@given(st.text(max_size=300), st.sampled_from(["en", "ko"]), st.sampled_from(["OPENED", "CLEARED"]))
def test_every_message_has_a_one_line_title_short_sms_and_ascii_subject(message: str, language: str, transition: str) -> None:
    made = notice(language, transition=transition, subject="장치-7", **CRITICAL, message_en=message, message_ko=message)
    assert not set(made.title) & set("\r\n\0\u2028")
    assert text_message.segments(text_message.text(made)) <= 2 and json.loads(payload(made))["alert"]["subject"] == "장치-7"
    subject = Sns(topic_arn=HIGH_TOPIC).request(made)["Subject"]
    assert subject.isascii() and len(subject) < 100
    assert Mail(host="h", port=1, sender="a@b", recipients=("c@d",))._message(made, NOON).as_bytes()


def test_keys_distinguish_escalations_and_reminders_and_nothing_else() -> None:
    made = [idempotency_key(alert(transition, alert_id="a", event_time="t1", level=level)) for transition, level in (
        ("OPENED", "HIGH"), ("ESCALATED", "CRITICAL"), ("REMINDED", "CRITICAL"), ("CLEARED", "CRITICAL"))]
    assert made == ["a:OPENED", "a:ESCALATED:CRITICAL", "a:REMINDED:t1", "a:CLEARED"]


@pytest.mark.parametrize(("value", "reason"), [
    (None, "not JSON"), (b"rubbish", "not JSON"), (b"\xff", "not JSON"), (b"[" * 100_000, "not JSON"),
    (b"[1]", "not a JSON object"), (b'{"a": NaN}', "not JSON"), (b'{"a": 1e999}', "not JSON"), (b"{}", "alert_id is not a word"),
    (json.dumps(alert(subject="nul\0")).encode(), "subject is not a string"), (json.dumps(alert(site_id=7)).encode(), "site_id"),
    (json.dumps(alert(subject="한" * 86)).encode(), "subject is not a string of 1 to 256 bytes"),
    (json.dumps(alert(subject="\ud800")).encode(), "subject"), (json.dumps(alert(level="LOUD")).encode(), "level is not one of"),
    (json.dumps(alert(alert_id="a\r\nX: y")).encode(), "alert_id"), (json.dumps(alert(event_time=None)).encode(), "event_time"),
])  # fmt: skip
def test_record_that_does_not_identify_its_alert_is_refused(value: bytes | None, reason: str) -> None:
    with pytest.raises(UnusableTransitionError, match=reason):
        read_transition(value)


GOOD = f'''[[channel]]
name = "room"
type = "webhook"
url = "https://alerts.example.org/fire"
secret_env = "ROOM_KEY"

[[channel]]
name = "post"
type = "email"
host = "smtp.example.org"
from = "fire@example.org"
to = ["a@example.org"]
sites = ["plant-a"]
language = "ko"
min_level = "MEDIUM"
max_age = "90m"

[[channel]]
name = "sms"
type = "sns"
topic_arn = "{HIGH_TOPIC}"
'''


def load(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> tuple[channels.Channel, ...]:
    file = tmp_path / "channels.toml"
    file.write_text(text, encoding="utf-8")
    return channels.load(file, ({"ROOM_KEY": KEY} | (environment or {})).get)


def test_file_is_read_with_its_defaults_and_without_showing_its_secrets(tmp_path: Path) -> None:
    room, post, sms = load(tmp_path, GOOD)
    assert (room.min_level, room.language, room.sites, room.max_age.total_seconds()) == ("HIGH", "en", frozenset(), 86_400)
    assert (post.min_level, post.language, post.max_age.total_seconds()) == ("MEDIUM", "ko", 5_400)
    assert isinstance(post.target, Mail) and (post.target.port, post.target.security) == (587, "starttls")
    assert sms.target == Sns(topic_arn=HIGH_TOPIC) and KEY not in repr(room)


def test_channel_receives_alerts_of_its_level_and_its_sites(tmp_path: Path) -> None:
    room, post, _ = load(tmp_path, GOOD)
    transitions = [alert(level=level, site_id=site) for level in ("MEDIUM", "CRITICAL") for site in ("plant-a", "plant-b", None)]
    assert [room.wants(each) for each in transitions] == [False] * 3 + [True] * 3
    assert [post.wants(each) for each in transitions] == [True, False, False] * 2


@pytest.mark.parametrize(("old", "new", "reason"), [
    ('type = "sns"', 'type = "pigeon"', "line 20: type is 'pigeon'; use one of: webhook, email, sns, slack, teams, pagerduty"),
    ('name = "sms"', 'name = "room"', "line 19: name is 'room' again"),
    ('name = "sms"\n', "", "line 18: the channel has no name; add it"),
    ('min_level = "MEDIUM"', 'min_level = "LOUD"', "line 15: min_level is 'LOUD'; use one of: NORMAL"),
    ('language = "ko"', 'language = "fr"', "line 14: language is 'fr'; use one of: en, ko"),
    ('max_age = "90m"', 'max_age = "soon"', "line 16: max_age is 'soon'; use a duration"),
    ('sites = ["plant-a"]', "sites = []", "line 13: sites must be a list of non-empty strings"),
    ('to = ["a@example.org"]', 'to = ["a@example.org\\nBcc: b@c"]', "line 12: to must be a list of e-mail addresses"),
    ('host = "smtp.example.org"', 'host = "h"\npassword = "x"', "line 11: password is not allowed in this file: secrets"),
    ('host = "smtp.example.org"', 'host = "h"\nusername = "u"\nsecurity = "none"', "line 11: username requires encryption"),
    ('host = "smtp.example.org"', 'host = "h"\nusername = "u"', "line 7: the channel needs either secret_env"),
    ('host = "smtp.example.org"', 'host = "h"\nport = 0', "line 11: port must be a number above 0"),
    ('host = "smtp.example.org"', 'host = "h"\nhots = "h"', "line 11: hots is not a field of such a channel"),
    ("https://alerts.example.org/fire", "http://alerts.example.org/fire", "line 4: url must begin with https://"),
    ("https://alerts.example.org/fire", "https://u:p@alerts.example.org/", "line 4: url contains a user or a password"),
    ("https://alerts.example.org/fire", "ftp://alerts.example.org/", "line 4: url must be an address like https"),
    ("https://alerts.example.org/fire", "https://alerts.example.org:port/", "line 4: url must be an address like https"),
    ('"ROOM_KEY"', '"NO_KEY"', "line 5: secret_env names NO_KEY, which is not set in the environment"),
    ('"ROOM_KEY"', '"FIRE_KEY"', "line 5: secret_env is FIRE_KEY; names that begin with FIRE_"),
    ('"ROOM_KEY"', '"SHORT_KEY"', "line 5: secret_env names a secret of 5 characters; use at least 16"),
    ('secret_env = "ROOM_KEY"', 'secret_file = "none"', "line 5: secret_file names none, which cannot be read"),
    ('secret_env = "ROOM_KEY"', 'secret_env = "ROOM_KEY"\nca_file = "none"', "line 6: ca_file names none, which is not a file"),
    (HIGH_TOPIC, "fire-high", "line 21: topic_arn must be the ARN of an SNS topic"),
    ('name = "sms"', "name = sms", r"is not TOML: .*at line 19"),
    ('[[channel]]\nname = "sms"', '[[canal]]\nname = "sms"', r"must contain \[\[channel\]\] tables only.*; it also has canal"),
    (GOOD, "", r"must contain \[\[channel\]\] tables only, at least one"),
])  # fmt: skip
def test_broken_file_is_refused_with_line_field_and_reason(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert old in GOOD
    with pytest.raises(ChannelFileError, match=reason):
        load(tmp_path, GOOD.replace(old, new), {"SHORT_KEY": "short"})


def test_missing_file_is_refused() -> None:
    with pytest.raises(ChannelFileError, match=r"nowhere.toml cannot be read"):
        channels.load(Path("nowhere.toml"))


def test_secret_file_must_not_be_accessible_to_others(tmp_path: Path) -> None:
    text = GOOD.replace('secret_env = "ROOM_KEY"', 'secret_file = "room-key"')
    secret = tmp_path / "room-key"
    secret.write_text(f"{KEY}\n")
    secret.chmod(0o644)
    with pytest.raises(ChannelFileError, match="line 5: secret_file names room-key, which other users can access; chmod 600"):
        load(tmp_path, text)
    secret.chmod(0o600)
    room = load(tmp_path, text)[0]
    assert isinstance(room.target, Webhook) and room.target.key == KEY.encode()


def test_example_file_is_valid(tmp_path: Path) -> None:
    password = tmp_path / "smtp-password"
    password.touch(0o600)
    password.write_text(KEY)
    text = (installation.ROOT / "infra/notify/channels.example.toml").read_text(encoding="utf-8")
    secrets = {"CONTROL_ROOM_KEY": KEY, "SLACK_WEBHOOK_URL": HOOK, "TEAMS_WEBHOOK_URL": HOOK, "PAGERDUTY_ROUTING_KEY": KEY}
    assert [each.name for each in load(tmp_path, text, secrets)] == [
        "control-room", "plant-a-mail", "on-call", "slack", "teams", "pagerduty"]


CHAT = '[[channel]]\nname = "chat"\ntype = "slack"\nsecret_env = "HOOK"\n'


def test_address_of_a_chat_is_a_secret_and_pagerduty_has_an_address_of_its_own(tmp_path: Path) -> None:
    text = CHAT + CHAT.replace("chat", "duty").replace("slack", "pagerduty").replace("HOOK", "ROOM_KEY")
    chat, duty = load(tmp_path, text, {"HOOK": HOOK})
    assert chat.target.endpoint.url == HOOK and HOOK not in repr(chat)  # type: ignore[attr-defined]
    assert duty.target.endpoint.host == "events.pagerduty.com" and KEY not in repr(duty)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("hook", "reason"), [
    ("hook", "secret_env names a secret that must be an address like https://host/path"),
    ("http://hooks.example.org/T0", "secret_env names a secret that must begin with https://; http://"),
    ("https://hooks.example.org/T0 B0", "secret_env names a secret that must be an address"),
    ("https://user:T0@hooks.example.org/", "secret_env names a secret that contains a user or a password"),
])  # fmt: skip
def test_unusable_address_of_a_chat_is_refused_without_being_shown(tmp_path: Path, hook: str, reason: str) -> None:
    with pytest.raises(ChannelFileError, match=f"line 4: {reason}") as problem:
        load(tmp_path, CHAT, {"HOOK": hook})
    assert "T0" not in str(problem.value)


ROUTED = f'''[[channel]]
name = "room"
type = "sns"
topic_arn = "{HIGH_TOPIC}"
alert_types = ["ARC_DETECTED"]
transitions = ["OPENED", "CLEARED"]
time_zone = "Asia/Seoul"
quiet_hours = "22:00-07:00"
escalates_to = "sms"
after_minutes = 10
test_devices = true

[[channel]]
name = "sms"
type = "sns"
topic_arn = "{HIGH_TOPIC}"
min_level = "MEDIUM"
digest_at = "08:00"
'''


def test_routes_are_read_from_the_file(tmp_path: Path) -> None:
    room, sms = load(tmp_path, ROUTED)
    assert (room.alert_types, room.transitions, room.test_devices) == ({"ARC_DETECTED"}, {"OPENED", "CLEARED"}, True)
    assert room.quiet_hours == QuietHours(time(22), time(7), "Asia/Seoul")
    assert (room.escalates_to, room.answers_within, sms.digest_at) == ("sms", timedelta(minutes=10), time(8))


@pytest.mark.parametrize(("old", "new", "reason"), [
    ("ARC_DETECTED", "ARCS", "line 5: alert_types names 'ARCS'; use some of: TEMPERATURE_CRITICAL, ARC_DETECTED"),
    ('"CLEARED"]', '"DONE"]', "line 6: transitions names 'DONE'; use some of: OPENED, ESCALATED, REMINDED, CLEARED"),
    ("Asia/Seoul", "Seoul", "line 7: time_zone is 'Seoul'; use an IANA name such as Asia/Seoul"),
    ("22:00-07:00", "22-7", "line 8: quiet_hours must be two different times such as 22:00-07:00"),
    ("22:00-07:00", "07:00-07:00", "line 8: quiet_hours must be two different times"),
    ("22:00-07:00", "22:00-24:00", "line 8: quiet_hours must be two different times"),
    ('escalates_to = "sms"', 'escalates_to = "nobody"', "line 9: escalates_to leads to 'nobody', which is not a channel"),
    ('escalates_to = "sms"', 'escalates_to = "room"', "line 9: escalates_to leads in a circle, to 'room' again"),
    ('escalates_to = "sms"\n', "", "line 1: the channel has after_minutes but no escalates_to"),
    ("after_minutes = 10\n", "", "line 1: the channel has no after_minutes; add it"),
    ("after_minutes = 10", "after_minutes = 0", "line 10: after_minutes must be a number above 0 and at most 1440"),
    ('digest_at = "08:00"', 'digest_at = "8"', "line 18: digest_at must be a time such as 08:00"),
    ('min_level = "MEDIUM"', 'min_level = "HIGH"', "line 18: digest_at is of no use with min_level = 'HIGH'"),
    (f'type = "sns"\ntopic_arn = "{HIGH_TOPIC}"\nmin_level', 'type = "pagerduty"\nsecret_env = "ROOM_KEY"\nmin_level',
     "line 18: digest_at is of no use with type = \"pagerduty\""),
])  # fmt: skip
def test_unusable_route_is_refused_with_line_field_and_reason(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert old in ROUTED
    with pytest.raises(ChannelFileError, match=reason):
        load(tmp_path, ROUTED.replace(old, new))
