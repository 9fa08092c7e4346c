"""Each field type reads a leaf as it was written, or says what is wrong and what to write."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from sinkgraph.spec import fields
from sinkgraph.spec.addresses import Address
from sinkgraph.spec.document import parse
from sinkgraph.spec.leaves import (
    FilledText,
    Placeholder,
    SecretText,
    WrittenBool,
    plain,
    repair,
    unwrap,
    written,
)
from sinkgraph.spec.secret import Secret
from sinkgraph.spec.units import (
    format_duration,
    format_rate,
    format_size,
    parse_duration,
    parse_rate,
    parse_size,
)


def yaml_leaf(text: str) -> Any:
    """Return the leaf a model gets for a YAML value."""
    tree, _ = parse(f"a: {text}\n", "g", "yaml")
    assert tree is not None
    return plain(tree)["a"]


def read(kind: Any, text: str) -> Any:
    """Read a YAML value as a field type."""
    return TypeAdapter(kind).validate_python(yaml_leaf(text))


def refused(kind: Any, value: Any) -> tuple[str, str, str]:
    """Return code, message and help of the only error a value meets."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    (error,) = caught.value.errors()
    return error["type"], error["msg"], error["ctx"]["help"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("1s", 1.0),
        ("2m", 120.0),
        ("1h30m", 5400.0),
        ("3d", 259_200.0),
        ("1w", 604_800.0),
        ("250us", 0.00025),
        ("1.5s", 1.5),
        ("1d2h3m4s5ms6us", 93784.005006),
        ("'10s'", 10.0),
        ("3650d", 315_360_000.0),
    ],
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert read(fields.Duration, text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("5", "SG127"),
        ("5.5", "SG127"),
        ("'5'", "SG127"),
        ("5 m", "SG127"),
        ("5mm", "SG127"),
        ("1e9h", "SG127"),
        ("1e3s", "SG127"),
        ("0777", "SG127"),
        ("1m1h", "SG127"),
        ("1s1s", "SG127"),
        ("s", "SG127"),
        ("ms5", "SG127"),
        ("5S", "SG127"),
        ("1_000s", "SG127"),
        ("''", "SG127"),
        ("' 5s'", "SG127"),
        ("'5s '", "SG127"),
        (".nan", "SG127"),
        (".inf", "SG127"),
        ("-.inf", "SG127"),
        ("inf", "SG127"),
        ("nan", "SG127"),
        ("true", "SG127"),
        ("12:30:45", "SG127"),
        ("\u0665s", "SG127"),
        ("-5s", "SG123"),
        ("-5", "SG123"),
        ("0s", "SG123"),
        ("0h0s", "SG123"),
        ("3651d", "SG123"),
        ("999999999999h", "SG123"),
        ("9" * 400 + "h", "SG127"),
        ("null", "SG122"),
        ("[1s]", "SG122"),
        ("{a: 1s}", "SG122"),
    ],
)
def test_what_is_no_duration_is_refused_with_help(text: str, code: str) -> None:
    found, message, help = refused(fields.Duration, yaml_leaf(text))
    assert found == code
    assert message[0] in "`an"
    assert help


def test_a_bare_number_shows_examples() -> None:
    assert refused(fields.Duration, 5) == (
        "SG127",
        "`5` has no unit",
        "write the unit, for example `500ms`, `1s`, `2m`, `1h30m` or `3d`",
    )
    assert refused(fields.Duration, yaml_leaf("0777"))[1] == "`0777` has no unit"
    assert refused(fields.Duration, "5 m")[2] == "write it without the space: `5m`"
    assert "`64KiB`" in refused(fields.Size, 10)[2]
    assert "`2000/s`" in refused(fields.Rate, 10)[2]


@pytest.mark.parametrize(
    ("kind", "text", "problem", "help"),
    [
        (fields.Duration, "10 seconds", "has an unknown unit `seconds`", "write `10s`"),
        (fields.Duration, "1sec", "has an unknown unit `sec`", "write `1s`"),
        (fields.Duration, "1 Hour", "has an unknown unit `Hour`", "write `1h`"),
        (fields.Duration, "250MS", "has an unknown unit `MS`", "write `250ms`"),
        (fields.Size, "10 mb", "has an unknown unit `mb`", "write `10MB`"),
        (fields.Size, "10 MB", "has a space before its unit", "without the space: `10MB`"),
        (fields.Size, "64kib", "has an unknown unit `kib`", "write `64KiB`"),
    ],
)
def test_the_help_for_a_misspelled_unit_is_read(
    kind: Any, text: str, problem: str, help: str
) -> None:
    _, message, said = refused(kind, text)
    assert message == f"`{text}` {problem}"
    assert said.endswith(help)
    read(kind, said.split("`")[1])


def test_an_unknown_unit_lists_the_units() -> None:
    assert refused(fields.Duration, "3 moons")[2].startswith("the units are `us`, `ms`, `s`")
    assert refused(fields.Duration, "1h30min")[2].startswith("the units are `us`, `ms`, `s`")


def test_zero_is_a_duration_only_where_it_means_something() -> None:
    assert read(fields.DurationOrZero, "0s") == 0.0
    assert refused(fields.DurationOrZero, 0)[0] == "SG127"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64KiB", 65_536),
        ("10MB", 10_000_000),
        ("10MiB", 10_485_760),
        ("1B", 1),
        ("1kB", 1000),
        ("1KB", 1000),
        ("1.5GiB", 1_610_612_736),
        ("1024TiB", 1024**5),
    ],
)
def test_sizes_are_bytes(text: str, size: int) -> None:
    assert read(fields.Size, text) == size


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("10", "SG127"),
        ("10 MB", "SG127"),
        ("10mb", "SG127"),
        ("10M", "SG127"),
        ("10MBB", "SG127"),
        ("1MB1KB", "SG127"),
        ("MB", "SG127"),
        (".inf", "SG127"),
        ("1e9MB", "SG127"),
        ("-1MB", "SG123"),
        ("0B", "SG123"),
        ("0.1B", "SG123"),
        ("1025TiB", "SG123"),
        ("null", "SG122"),
    ],
)
def test_what_is_no_size_is_refused(text: str, code: str) -> None:
    assert refused(fields.Size, yaml_leaf(text))[0] == code


@pytest.mark.parametrize(
    ("text", "per_s"), [("2000/s", 2000.0), ("60/m", 1.0), ("36/h", 0.01), ("0.5/s", 0.5)]
)
def test_rates_are_events_per_second(text: str, per_s: float) -> None:
    assert read(fields.Rate, text) == per_s


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2000", "SG127"),
        ("2000/", "SG127"),
        ("/s", "SG127"),
        ("2000/ms", "SG127"),
        ("2000 / s", "SG127"),
        ("1e3/s", "SG127"),
        ("nan/s", "SG127"),
        ("-1/s", "SG123"),
        ("0/s", "SG123"),
        ("9999999999/s", "SG123"),
    ],
)
def test_what_is_no_rate_is_refused(text: str, code: str) -> None:
    assert refused(fields.Rate, yaml_leaf(text))[0] == code


@given(st.integers(1, 315_360_000_000_000))
def test_a_duration_written_is_read_back(micros: int) -> None:
    assert round(parse_duration(format_duration(micros / 1e6)) * 1e6) == micros


@given(st.integers(1, 1024**5))
def test_a_size_written_is_read_back(size: int) -> None:
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize("per_s", [2000.0, 1.0, 0.5, 1 / 60, 10 / 3600, 0.01])
def test_a_rate_written_is_read_back(per_s: float) -> None:
    assert parse_rate(format_rate(per_s)) == pytest.approx(per_s)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("true", "SG122"),
        ("'0.5'", "SG122"),
        ("x", "SG122"),
        ("null", "SG122"),
        (".nan", "SG123"),
        (".inf", "SG123"),
        ("-1", "SG123"),
        ("1.01", "SG123"),
        ("1" + "0" * 400, "SG123"),
    ],
)
def test_a_ratio_is_a_finite_number_from_0_to_1(text: str, code: str) -> None:
    assert refused(fields.Ratio, yaml_leaf(text))[0] == code


def test_ratios_are_read() -> None:
    assert [read(fields.Ratio, text) for text in ("0", "1", "0.25", "1e-3")] == [0, 1, 0.25, 0.001]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.10", "1.10"),
        ("0012345", "0012345"),
        ("no", "no"),
        ("on", "on"),
        ("true", "true"),
        ("True", "True"),
        ("12:30:45", "12:30:45"),
        ("2020-01-01", "2020-01-01"),
        ("1e3", "1e3"),
        ("0x1F", "0x1F"),
        ("+5", "+5"),
        (".nan", ".nan"),
        ("'x'", "x"),
        ("''", ""),
    ],
)
def test_text_is_taken_as_written(text: str, value: str) -> None:
    assert read(fields.Text, text) == value
    assert type(read(fields.Text, text)) is str


@pytest.mark.parametrize("text", ["null", "~", "", "[a]", "{a: b}"])
def test_what_has_no_text_is_refused(text: str) -> None:
    assert refused(fields.Text, yaml_leaf(text))[0] == "SG122"


@pytest.mark.parametrize("text", ["a", "1.10", "no", "eu/billing", "a.b-c_D", "x" * 64, "a/b/c"])
def test_names_are_read(text: str) -> None:
    assert read(fields.Name, text) == text


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x" * 65,
        "a//b",
        "/a",
        "a/",
        "..",
        ".",
        "a/..",
        "a..b",
        "a b",
        "a\nb",
        "a\x1b[31m",
        "a😀",
        "ünï",
        "a:b",
        "a\u202eb",
        "/".join(["x" * 60] * 5),
    ],
)
def test_what_is_no_name_is_refused_and_shown_inert(name: str) -> None:
    code, message, _ = refused(fields.Name, name)
    assert code == "SG128"
    assert message.isprintable()


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False), ("TRUE", True)])
def test_booleans_are_read(text: str, value: bool) -> None:
    assert read(fields.Flag, text) is value


@pytest.mark.parametrize("text", ["yes", "on", "1", "0", "'true'", "null", "tRue", "[]"])
def test_what_is_no_boolean_is_refused(text: str) -> None:
    assert refused(fields.Flag, yaml_leaf(text))[0] == "SG122"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9000/hook",
        "https://example.org",
        "https://xn--bcher-kva.example/a?b=c",
        "http://[::1]:80/x",
        "http://my_service:8080/",
        "https://example.org./",
    ],
)
def test_urls_are_read_as_written(url: str) -> None:
    assert TypeAdapter(fields.Url).validate_python(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org/hook",
        "//example.org",
        "http:example.org",
        "http:///x",
        "file:///etc/passwd",
        "gopher://x/1",
        "ftp://x/",
        "javascript:alert(1)",
        "http://user@x/",
        "http://user:pw@x/",
        "http://x/#frag",
        "http://x/#",
        "http://bücher.example/",
        "http://bücher.xn--bcher-kva.example/",
        "http://x:0/",
        "http://x:65536/",
        "http://x:port/",
        "http://x:/",
        "http://x /",
        "http://x/a b",
        "http://x/\n",
        "http://x/\u200b",
        "http://256.1.1.1/",
        "http://1.2.3/",
        "http://[::1/",
        "http://[zz]/",
        "http://[::1]x/",
        "http://a..b/",
        "http://-a.b/",
        "http://{data.host}/",
        "http://x\\y/",
        "http://" + "a" * 64 + ".b/",
        "http://x/" + "a" * 9000,
    ],
)
def test_urls_no_sink_may_call_are_refused(url: str) -> None:
    assert refused(fields.Url, url)[0] == "SG129"


@pytest.mark.parametrize(
    ("text", "address", "loopback"),
    [
        ("127.0.0.1:8700", Address("127.0.0.1", 8700), True),
        ("localhost:0", Address("localhost", 0), True),
        ("[::1]:80", Address("::1", 80), True),
        ("0.0.0.0:65535", Address("0.0.0.0", 65535), False),
        ("example.org:80", Address("example.org", 80), False),
    ],
)
def test_addresses_are_read(text: str, address: Address, loopback: bool) -> None:
    found = TypeAdapter(fields.Address).validate_python(text)
    assert found == address
    assert found.loopback is loopback
    assert str(found) == text


@pytest.mark.parametrize(
    "text",
    ["", "8700", ":8700", "127.0.0.1", "x:", "x:y", "x:65536", "x:-1", "::1:80", "[::1]",
     "[x]:80", "a b:80", "1.2.3.999:80", "x:٨٠", "ü:80"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    assert refused(fields.Address, text)[0] == "SG129"


@pytest.mark.parametrize(
    ("text", "problem", "help"),
    [
        ("8700", "has no host", "write `127.0.0.1:8700`, or `0.0.0.0:8700` to listen everywhere"),
        (":8700", "has no host", "write `127.0.0.1:8700`, or `0.0.0.0:8700` to listen everywhere"),
        ("*:80", "has no host", "write `127.0.0.1:80`, or `0.0.0.0:80` to listen everywhere"),
        ("80000", "has no port between 0 and 65535", "write it like `127.0.0.1:8700`"),
        ("http://127.0.0.1:80", "is a URL, not an address", "write it like `127.0.0.1:8700`"),
        ("localhost", "has no port", "write it like `127.0.0.1:8700`"),
    ],
)
def test_an_address_is_refused_for_what_it_lacks(text: str, problem: str, help: str) -> None:
    _, message, said = refused(fields.Address, text)
    assert message == f"`{text}` {problem}"
    assert said.startswith(help)


def test_free_values_are_typed_by_the_syntax() -> None:
    text = "{a: 0777, b: 1.10, c: True, d: no, e: [1e3, ~]}"
    found = read(fields.JsonValue, text)
    assert found == {"a": 777, "b": 1.1, "c": True, "d": "no", "e": [1000.0, None]}
    kinds = [type(found["a"]), type(found["b"]), type(found["c"])]
    assert kinds == [int, float, bool]
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("text", ["[.nan]", "{a: {b: .inf}}", "-.inf"])
def test_free_values_are_finite(text: str) -> None:
    assert refused(fields.JsonValue, yaml_leaf(text))[0] == "SG123"


# --- placeholders and filled texts ----------------------------------------------------------------

TYPES = [
    fields.Text,
    fields.Name,
    fields.Flag,
    fields.Ratio,
    fields.Duration,
    fields.DurationOrZero,
    fields.Size,
    fields.Rate,
    fields.Url,
    fields.Address,
    fields.JsonValue,
]


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_accepts_a_placeholder(kind: Any) -> None:
    TypeAdapter(kind).validate_python(Placeholder("${env:X}"))
    assert TypeAdapter(Secret).validate_python(Placeholder("${env:X}")) == Secret("${env:X}")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (fields.Ratio, "0.5", 0.5),
        (fields.Flag, "True", True),
        (fields.Duration, "5s", 5.0),
        (fields.Text, "5", "5"),
        (fields.JsonValue, "5", "5"),
    ],
)
def test_filled_text_is_coerced_to_the_type_of_its_field(
    kind: Any, text: str, value: object
) -> None:
    for made in (FilledText(text), SecretText(text)):
        found = TypeAdapter(kind).validate_python(made)
        assert found == value
        assert type(found) is type(value)


class Strict(BaseModel):
    """Is a model of plain pydantic types, as third parties write them."""

    model_config = ConfigDict(extra="forbid")

    count: Annotated[int, Field(strict=True, ge=1)] = 1
    share: float = 0.5
    on: Annotated[bool, Field(strict=True)] = False
    mode: Literal["block", "reject"] = "block"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("count", FilledText("5000"), 5000),
        ("count", SecretText("5000"), 5000),
        ("count", Placeholder("x"), 1),
        ("share", Placeholder("x"), 1.0),
        ("on", FilledText("true"), True),
        ("on", Placeholder("x"), False),
        ("mode", Placeholder("x"), "block"),
    ],
)
def test_repair_makes_a_value_of_the_type_a_plain_model_wants(
    name: str, value: object, expected: object
) -> None:
    with pytest.raises(ValidationError) as caught:
        Strict.model_validate({name: value})
    (error,) = caught.value.errors()
    mended = repair(error["type"], value, str(error.get("ctx", {}).get("expected", "")))
    assert getattr(Strict.model_validate({name: mended}), name) == expected


@pytest.mark.parametrize("value", ["5", 5, FilledText("five"), None])
def test_repair_leaves_what_it_cannot_mend(value: object) -> None:
    assert repair("int_type", value) is value


@given(st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans(), st.text()))
def test_written_and_unwrap_of_plain_values(value: Any) -> None:
    assert unwrap(value) == value
    assert written(value) == (str(value).lower() if isinstance(value, bool) else str(value))


def test_a_boolean_in_capitals_remembers_its_text() -> None:
    leaf = yaml_leaf("TRUE")
    assert isinstance(leaf, WrittenBool)
    assert (written(leaf), unwrap(leaf), leaf.value) == ("TRUE", True, True)


# --- secrets --------------------------------------------------------------------------------------


class Holder(BaseModel):
    """Holds secrets and a field that may be filled from one."""

    model_config = ConfigDict(hide_input_in_errors=True)

    token: Secret | None = None
    headers: dict[fields.Text, Secret] = Field(default_factory=dict)
    timeout: fields.Duration = 1.0
    url: fields.Url = "http://x/"


def test_a_secret_is_shown_nowhere() -> None:
    holder = Holder.model_validate({"token": "hunter2", "headers": {"A": SecretText("hunter2")}})
    assert holder.token is not None
    shown = [
        str(holder),
        repr(holder),
        repr(holder.model_dump()),
        holder.model_dump_json(),
        f"{holder.token} {holder.token!r} {holder.token:>20}",
        json.dumps(holder.model_dump(mode="json")),
    ]
    assert not any("hunter2" in one for one in shown)
    assert holder.token.reveal() == holder.headers["A"].reveal() == "hunter2"
    assert json.loads(holder.model_dump_json())["token"] == "***"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("timeout", "hunter2"),
        ("timeout", "5hunter2"),
        ("timeout", "-2"),
        ("url", "hunter2"),
        ("url", "http://hunter2@x"),
    ],
)
def test_errors_of_a_field_filled_from_a_secret_do_not_show_it(name: str, text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate({name: SecretText(text)})
    assert "hunter2" not in str(caught.value)
    (error,) = caught.value.errors(include_input=False)
    assert error["msg"] == "`***` is not what this field takes"
    assert "hunter2" not in str(error)


@pytest.mark.parametrize("value", [None, "", [], {"a": "hunter2"}, ["hunter2"]])
def test_what_is_no_secret_is_refused_without_showing_it(value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate({"headers": {"A": value}})
    assert "hunter2" not in str(caught.value)
    assert [error["type"] for error in caught.value.errors()] == ["SG122"]


def test_secrets_are_equal_when_their_texts_are() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("é") != "é"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret("\udc80") != Secret("x")
    assert not Secret("")


def test_secrets_are_copied_but_never_pickled() -> None:
    one = Secret("a")
    assert copy.copy(one) is one
    assert copy.deepcopy([one])[0] is one
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(one)


def test_the_schema_tells_forms_and_examples() -> None:
    schema = Holder.model_json_schema()["properties"]
    assert schema["timeout"]["examples"] == ["500ms", "1s", "2m", "1h30m", "3d"]
    assert schema["timeout"]["type"] == "string"
    assert {"type": "string", "minLength": 1} in schema["token"]["anyOf"]


@pytest.mark.parametrize("text", ["500ms", "1h30m", "3d", "1.5s"])
def test_the_schema_pattern_accepts_what_is_read(text: str) -> None:
    import re

    pattern = Holder.model_json_schema()["properties"]["timeout"]["pattern"]
    assert re.search(pattern, text)
    assert not re.search(pattern, text.replace("s", " s") + "x")
