"""The device registry: its format, its refusals, its profiles and its look-ups."""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.readings import event_time, thresholds
from udfs.registry import profiles
from udfs.registry.format import RegistryError, parse
from udfs.registry.registry import NONE, Entry, Registry, Site, joined

EXAMPLE = Path(__file__).parents[2] / "infra/registry/registry.example.json"
README = (EXAMPLE.parent / "README.md").read_text(encoding="utf-8")
DOCUMENT = json.loads(EXAMPLE.read_text(encoding="utf-8"))


def registry(**sections: Any) -> Registry:
    return parse(json.dumps(sections).encode())


def refusal(document: Any) -> str:
    content = document if isinstance(document, bytes) else json.dumps(document, indent=1).encode()
    with pytest.raises(RegistryError) as problem:
        parse(content)
    return str(problem.value)


def find(known: Registry, device: str | None, site: str | None = None, at: str = "2025-10-09T09:00:00Z") -> dict[str, Any]:
    """Looks up one message: its columns and its limits."""
    column = np.array([device], dtype=object), np.array([site], dtype=object), np.array([event_time.to_epoch_ms(at)])
    found = known.find(*column)
    limits = {name: np.broadcast_to(limit, 1)[0] for name, limit in found.limits.items()}
    return {name: each[0] for name, each in found.columns.items()} | {"used": limits}


def circuit(**profile: Any) -> dict[str, float]:
    """Returns the limits of a device with this profile."""
    used: dict[str, float] = find(registry(profiles={"p": profile}, devices={"d": {"profile": "p"}}), "d")["used"]
    return used


def test_default_profile_has_the_figures_of_the_semantics() -> None:
    assert profiles.DEFAULT.limits == {"voltage_high": 234, "voltage_low": 190, "current_high": 100, "leakage_warn": 8,
                                       "co_warn": 17, "voc_warn": 400, "power_factor_low": 0.9, "voltage_hazard": 264}
    assert circuit() == profiles.DEFAULT.limits == circuit(nominal_voltage=220, rated_current=100)


@pytest.mark.parametrize(("nominal", "high", "low"), [(230, 244.636364, 198.636364), (120, 127.636364, 103.636364)])
def test_voltage_limits_scale_with_the_nominal_voltage(nominal: float, high: float, low: float) -> None:
    limits = circuit(nominal_voltage=nominal)
    assert (limits["voltage_high"], limits["voltage_low"], limits["voltage_hazard"]) == (high, low, nominal * 1.2)


def test_current_limit_is_the_rated_current() -> None:
    assert circuit(rated_current=16)["current_high"] == 16


def test_single_limit_can_be_overridden() -> None:
    limits = circuit(nominal_voltage=230, limits={"voltage_low": 207, "leakage_warn": 6})
    assert (limits["voltage_low"], limits["leakage_warn"], limits["voltage_high"]) == (207, 6, 244.636364)


@pytest.mark.parametrize(("limits", "said"), [
    ({"leakage_warn": 31}, "p.limits.leakage_warn must be a number from 0 to 30 mA, not 31"),
    ({"co_warn": 51}, "co_warn must be a number from 0 to 50 ppm"),
    ({"voc_warn": 601}, "voc_warn must be a number from 0 to 600 µg/m³"),
    ({"current_high": 146}, "current_high must be a number from 0 to 145 A"),
    ({"voltage_high": 219}, "voltage_high must be a number from 220 to 264 V"),
    ({"voltage_low": 221}, "voltage_low must be a number from 110 to 220 V"),
    ({"power_factor_low": True}, "power_factor_low must be a number from 0 to 1, not true"),
    ({"critical": 90}, "critical is not known; use voltage_high, .*floors are the same for every profile"),
])  # fmt: skip
def test_limit_cannot_exceed_a_hazard_and_a_floor_cannot_change(limits: dict[str, Any], said: str) -> None:
    assert re.search(said, refusal({"profiles": {"p": {"limits": limits}}}))


@pytest.mark.parametrize("limit", thresholds.LIMITS)
def test_readme_names_every_limit(limit: str) -> None:
    assert f"| `{limit}` | {thresholds.LIMITS[limit]:g}" in README


def test_example_is_a_registry_with_230_v_120_v_and_16_a_circuits() -> None:
    known = parse(EXAMPLE.read_bytes())
    assert find(known, "board-17")["used"]["voltage_high"] == 244.636364
    assert find(known, "panel-3")["used"]["voltage_high"] == 127.636364
    assert find(known, "board-18")["used"]["current_high"] == 16
    assert find(known, "gas-1")["profile"] == "default"
    assert known.version == "2025-10-09 hall 2 rewired"


def test_listed_device_has_the_registrys_site_zone_profile_and_version() -> None:
    row = find(parse(EXAMPLE.read_bytes()), "board-17", "elsewhere")
    assert (row["site_id"], row["zone"], row["profile"]) == ("plant-a", "hall 2", "eu-230v")
    assert row["profile_version"] == "2025-10-09 hall 2 rewired"


@pytest.mark.parametrize("known", [NONE, parse(EXAMPLE.read_bytes())])
@pytest.mark.parametrize("device", ["stranger", None])
def test_device_that_is_not_listed_has_the_default_profile_and_its_own_site(known: Registry, device: str | None) -> None:
    row = find(known, device, "its-own")
    assert (row["site_id"], row["zone"], row["profile"], row["limits"]) == ("its-own", None, "default", None)
    assert row["used"] == profiles.DEFAULT.limits and row["profile_version"] == known.version


def test_listed_device_without_a_site_keeps_that_of_its_messages() -> None:
    assert find(registry(devices={"d": {}}), "d", "its-own")["site_id"] == "its-own"


def test_listed_device_is_found_however_its_name_is_composed() -> None:
    listed = unicodedata.normalize("NFD", "밸브-é")
    known = parse(json.dumps({"sites": {listed: {}}, "devices": {f" {listed}": {"site": listed}}}).encode())
    assert find(known, "밸브-é")["site_id"] == "밸브-é"


def test_each_device_of_a_batch_has_its_own_limits() -> None:
    known, devices = parse(EXAMPLE.read_bytes()), np.array(["panel-3", "stranger", "board-18"], dtype=object)
    found = known.find(devices, np.full(3, None), np.zeros(3, dtype=np.int64))
    assert found.limits["voltage_high"].tolist() == [127.636364, 234, 244.636364]
    assert [profiles.read(text)["current_high"] for text in found.columns["limits"]] == [20, 100, 16]


@pytest.mark.parametrize("text", ["{}", "[1]", "x", '{"voltage_high": 1}', json.dumps({**thresholds.LIMITS, "co_warn": None})])
def test_malformed_limits_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"limits must|Expecting"):
        profiles.read(text)


def test_limits_of_an_earlier_version_have_the_floor_of_the_default_profile() -> None:
    written = {name: limit for name, limit in circuit(rated_current=16).items() if name != "voltage_hazard"}
    assert profiles.read(json.dumps(written)) == written | {"voltage_hazard": 264}


def test_registry_without_a_version_has_a_hash_of_its_content_as_version() -> None:
    one, other = registry(devices={"a": {}}).version, registry(devices={"b": {}}).version
    assert re.fullmatch("[0-9a-f]{12}", one) and one == registry(devices={"a": {}}).version != other


def changed(*path: str | int, to: Any) -> dict[str, Any]:
    document = json.loads(json.dumps(DOCUMENT))
    inside = document
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = to
    return document


WHEN = "2025-10-09T22:00:00+09:00"


@pytest.mark.parametrize(("document", "said"), [
    (b"{", "line 1: the registry is not JSON"), (b'{\n"sites": {},\n}', "line 3: the registry is not JSON"),
    (b"", "line 1: the registry is not JSON"), (b"[]", r"line 1: the registry must be an object, not \[\]"),
    (b'{"version":\n "\xff"}', "line 2: the registry is not UTF-8"),
    (b"[" * 100_000, "line 1: the registry is nested too deeply"),
    (b'{"devices": {\n"a": {},\n"b": {},\n"a": {}\n}}', "line 4: devices.a appears a second time; remove one"),
    (b'{"profiles": {"p":\n{"rated_current": NaN}}}', "line 2: profiles.p.rated_current must be a number .*, not NaN"),
    (b'{"profiles": {"p":\n{"rated_current": 1' + b"0" * 9999 + b"}}}", "line 2: profiles.p.rated_current must be a number"),
    (changed("owner", to="x"), "owner is not known; use version, sites, profiles, devices, maintenance"),
    (changed("version", to=7), "version must be a text of 1 to 256"),
    (changed("sites", "plant-a", "time_zone", to="Seoul"), "time_zone must be an IANA name such as Asia/Seoul, not .Seoul"),
    (changed("sites", "plant-a", "time_zone", to="Asia"), "sites.plant-a.time_zone must be an IANA name"),
    (changed("sites", "plant-a", "time_zone", to="../etc/passwd"), "sites.plant-a.time_zone must be an IANA name"),
    (changed("devices", "trial-1", "test", to="yes"), "devices.trial-1.test must be true or false, not .yes"),
    (changed("sites", to=[]), r"sites must be an object, not \[\]"),
    (changed("devices", "", to={}), "devices. must be a text"),
    (changed("devices", "한" * 86, to={}), "must be a text of 1 to 256 bytes in UTF-8 without control characters"),
    (changed("devices", "board-17", "zone", to="𒀀" * 65), "zone must be a text of 1 to 256 bytes in UTF-8"),
    (changed("devices", "x\ud800", to={}), "must be a text .* without control characters"),
    (changed("devices", "board-17", "zone", to="a\nb"), "line 3.: devices.board-17.zone must be a text"),
    (changed("devices", "board-17", "profile", to="eu-230"), "board-17.profile is .eu-230., which is not among the profiles"),
    (changed("devices", "board-17", "site", to="plant-c"), "devices.board-17.site is .plant-c., which is not among the sites"),
    (changed("profiles", "default", to={}), "profiles.default applies to devices without .* use another name"),
    (changed("profiles", "us-120v", "rated_current", to="20 A"), "line 2.: profiles.us-120v.rated_current must be a number"),
    (changed("profiles", "us-120v", "nominal_voltage", to=12), "nominal_voltage must be a number from 24 to 277 V, not 12"),
    (changed("maintenance", to={}), "maintenance must be a list"),
    (changed("maintenance", 0, "site", to="plant-a"), "maintenance.0 must name either a device or a site"),
    (changed("maintenance", 1, "site", to="nowhere"), "maintenance.1.site is .nowhere., which is not among the sites"),
    (changed("maintenance", 0, "from", to="2025-10-09T22:00:00"), "maintenance.0.from must be an ISO-8601 time with an offset"),
    (changed("maintenance", 0, "from", to=None), "maintenance.0.from must be an ISO-8601"),
    (changed("maintenance", 0, "to", to=WHEN), "maintenance.0.to must be after from, by 31 days at most"),
    (changed("maintenance", 0, "to", to="2035-10-09T22:00:00Z"), "maintenance.0.to must be after from, by 31 days"),
])  # fmt: skip
def test_broken_registry_is_refused_with_line_and_reason(document: Any, said: str) -> None:
    assert re.match(r"line \d+: ", refusal(document))
    assert re.search(said, refusal(document))


def test_line_is_that_of_the_field_also_in_lists_and_after_misleading_text() -> None:
    lines = ['{"version": "{[\\"site\\":,",', '"sites": {"s": {}},', '"maintenance": [', '{"site": "s",', f'"from": "{WHEN}",',
             '"to": "2025-10-10T00:00:00Z"},', '{"site": "s",', f'"from": "{WHEN}",', '"to": "later"}]}']
    assert refusal("\n".join(lines).encode()).startswith("line 9: maintenance.1.to must be")


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
                    max_leaves=5)
SECTIONS = st.sampled_from(["version", "sites", "profiles", "devices", "maintenance"])


@given(st.dictionaries(SECTIONS, JSON | st.dictionaries(st.text(max_size=3), JSON, max_size=2)
                       | st.lists(st.dictionaries(st.sampled_from(["site", "from", "to"]), JSON))).map(json.dumps).map(str.encode)
       | st.binary(max_size=30))  # fmt: skip
def test_any_content_is_read_or_refused(content: bytes) -> None:
    refused = None
    try:
        parse(content).version.encode()
    except RegistryError as problem:
        refused = str(problem)
    assert refused is None or re.match(r"line \d+: .+", refused)


def held(known: Registry, device: str, at: str, site: str | None = None) -> str | None:
    row = find(known, device, site, at)
    assert row["is_held"] == (row["held_until"] is not None)
    until: str | None = row["held_until"]
    return until


@pytest.mark.parametrize(("at", "until"), [
    ("2025-10-09T12:59:59.999Z", None), ("2025-10-09T13:00:00Z", "2025-10-09T17:00:00.000Z"),
    ("2025-10-09T16:59:59.999Z", "2025-10-09T17:00:00.000Z"), ("2025-10-09T17:00:00Z", None),
])  # fmt: skip
def test_maintenance_holds_from_its_start_until_before_its_end(at: str, until: str | None) -> None:
    known = parse(EXAMPLE.read_bytes())
    assert held(known, "board-17", at) == until
    assert held(known, "board-18", at) is None


def test_maintenance_of_a_site_holds_its_devices_listed_or_not() -> None:
    known, at = parse(EXAMPLE.read_bytes()), "2025-11-01T05:00:00Z"
    assert held(known, "panel-3", at) == held(known, "stranger", at, "depot-b") == "2025-11-01T10:00:00.000Z"
    assert held(known, "stranger", at) is held(known, "board-17", at, "depot-b") is None


def test_touching_windows_of_device_and_site_are_one() -> None:
    known = registry(sites={"s": {}}, devices={"d": {"site": "s"}, "e": {"site": "s"}}, maintenance=[
        {"device": "d", "from": "2025-10-09T10:00:00Z", "to": "2025-10-09T11:00:00Z"},
        {"site": "s", "from": "2025-10-09T11:00:00Z", "to": "2025-10-09T12:00:00Z"}])
    assert held(known, "d", "2025-10-09T10:30:00Z") == "2025-10-09T12:00:00.000Z"
    assert held(known, "e", "2025-10-09T10:30:00Z") is None


SPANS = st.tuples(st.integers(0, 40), st.integers(1, 10)).map(lambda span: (span[0], sum(span)))


@given(st.lists(SPANS, max_size=8), st.integers(0, 60))
def test_joined_windows_cover_the_same_times(spans: list[tuple[int, int]], at: int) -> None:
    made = joined(spans)
    assert any(start <= at < end for start, end in spans) == any(start <= at < end for start, end in made)
    assert all(before[1] < after[0] for before, after in itertools.pairwise(made))


def test_site_has_a_name_and_a_time_zone_and_a_device_may_be_for_tests() -> None:
    known = parse(EXAMPLE.read_bytes())
    assert known.sites["plant-a"] == Site("Plant A, Incheon", "Asia/Seoul")
    assert (known.device("trial-1").test, known.device("board-17").test) == (True, False)
    assert known.device("gas-1")[:2] == ("plant-a", "boiler room") and known.device("nobody") == Entry()
    assert registry(sites={"s": {}}).sites["s"] == Site() and NONE.device("d") == Entry()


def test_site_is_for_tests_if_all_its_listed_devices_are() -> None:
    known = registry(sites={"s": {}, "t": {}, "u": {}}, devices={
        "a": {"site": "s", "test": True}, "b": {"site": "s"}, "c": {"site": "t", "test": True}, "d": {"test": True}})
    assert known.test_sites == {"t"}
