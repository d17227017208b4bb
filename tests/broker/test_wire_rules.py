"""Tables, properties, frames and patterns without a broker: laws that hold for any input."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pika import frame, spec

from archlab.broker.dead_letter import dead_letter
from archlab.broker.errors import AmqpError
from archlab.broker.exchange import topic_matches
from archlab.broker.message import Message, parse_properties
from archlab.broker.table import Field, Table, TableError, encode_table, parse_table
from archlab.broker.wire import FrameReader, content_frames, parse_method, parse_publish

simple = st.one_of(
    st.builds(Field, st.just("longstr"), st.binary(max_size=20)),
    st.builds(Field, st.just("binary"), st.binary(max_size=20)),
    st.builds(Field, st.just("signedint"), st.integers(-(2**31), 2**31 - 1)),
    st.builds(Field, st.just("short"), st.integers(-(2**15), 2**15 - 1)),
    st.builds(Field, st.just("unsignedbyte"), st.integers(0, 255)),
    st.builds(Field, st.just("long"), st.integers(-(2**63), 2**63 - 1)),
    st.builds(Field, st.just("timestamp"), st.integers(0, 2**64 - 1)),
    st.builds(Field, st.just("double"), st.floats(allow_nan=False)),
    st.builds(Field, st.just("bool"), st.booleans()),
    st.builds(Field, st.just("decimal"), st.tuples(st.integers(0, 255), st.integers(0, 2**32 - 1))),
    st.just(Field("void", None)),
)
keys = st.binary(max_size=10)
fields = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.builds(Field, st.just("array"), st.lists(inner, max_size=4)),
        st.builds(Field, st.just("table"), st.dictionaries(keys, inner, max_size=4)),
    ),
    max_leaves=12,
)
tables = st.dictionaries(keys, fields, max_size=6)


@given(tables)
def test_a_table_comes_out_as_it_went_in(table: Table) -> None:
    """With its types, which pika's decoder loses."""
    data = encode_table(table)
    assert parse_table(data, 4, len(data)) == table


@given(tables, st.data())
def test_a_table_that_is_cut_short_is_refused(table: Table, data: st.DataObject) -> None:
    whole = encode_table(table)[4:]
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    try:
        parse_table(cut, 0, len(cut))
    except TableError:
        return
    # What is accepted is a table again: cut between two fields.
    assert whole.startswith(encode_table(parse_table(cut, 0, len(cut)))[4:])


@given(st.binary(max_size=300))
def test_any_octets_are_a_table_or_refused(data: bytes) -> None:
    try:
        parse_table(data, 0, len(data))
    except TableError as error:
        assert str(error)


@given(st.binary(max_size=100))
def test_any_octets_are_a_method_or_an_amqp_error(data: bytes) -> None:
    for parse in (parse_method, parse_publish, parse_properties):
        try:
            parse(data)
        except AmqpError as error:
            assert error.code in (501, 502, 503, 541, 406)


@given(
    st.lists(st.tuples(st.sampled_from([1, 2, 3]), st.integers(0, 65535), st.binary(max_size=50)), max_size=8),
    st.data(),
)
def test_frames_do_not_depend_on_how_the_stream_is_cut(
    frames: list[tuple[int, int, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(
        bytes([kind]) + channel.to_bytes(2, "big") + len(payload).to_bytes(4, "big") + payload + b"\xce"
        for kind, channel, payload in frames
    )
    reader, found, start = FrameReader(), [], 0
    while start < len(stream):
        stop = data.draw(st.integers(start + 1, len(stream)))
        found += reader.feed(stream[start:stop])
        start = stop
    assert found == frames


@given(st.binary(max_size=10_000), st.sampled_from([4096, 8192, 131_072]))
def test_content_is_cut_into_frames_that_pika_puts_together(body: bytes, frame_max: int) -> None:
    method = spec.Basic.Deliver("tag", 7, False, "x", "key")
    encoded = method.INDEX.to_bytes(4, "big") + b"".join(method.encode())
    data = content_frames(3, encoded, b"\x00\x00", body, frame_max)
    decoded = []
    while data:
        used, piece = frame.decode_frame(data)
        assert 0 < used <= frame_max
        decoded.append(piece)
        data = data[used:]
    assert decoded[0].method.delivery_tag == 7
    assert decoded[1].body_size == len(body)
    assert b"".join(piece.fragment for piece in decoded[2:]) == body


words = st.lists(st.sampled_from(["a", "b", ""]), max_size=4)
patterns = st.lists(st.sampled_from(["a", "b", "", "*", "#"]), max_size=4)


@given(patterns, words)
def test_topic_patterns(pattern: list[str], key: list[str]) -> None:
    """As if every way to fill in `*` and `#` were tried."""
    fillings = [["*"] if part == "*" else [part] if part != "#" else ["0", "1", "2", "3", "4"] for part in pattern]
    possible = False
    for choice in itertools.product(*fillings):
        lengths = [int(chosen) if part == "#" else 1 for part, chosen in zip(pattern, choice, strict=True)]
        if sum(lengths) != len(key):
            continue
        at, fits = 0, True
        for part, length in zip(pattern, lengths, strict=True):
            fits = fits and (part in ("#", "*") or key[at] == part)
            at += length
        possible = possible or fits
    assert topic_matches(pattern, key) == possible


def test_a_pattern_of_many_hashes_takes_no_time() -> None:
    """A matcher that tries all ways would not come back from this one."""
    assert not topic_matches(["#", "a"] * 60, ["b"] * 60)


@given(tables)
def test_a_death_leaves_other_headers_alone(table: Table) -> None:
    """Octet for octet, types included."""
    headers = {name: field for name, field in table.items() if not name.startswith(b"x-") and name != b"CC"}
    content = encode_table(headers)
    raw = (1 << 13).to_bytes(2, "big") + content
    buried = dead_letter(Message("x", "k", b"", raw, b""), "q", "rejected", "dlx", None, 0)
    after = parse_properties(buried.properties).headers
    assert after is not None
    assert {name: field for name, field in after.items() if not name.startswith(b"x-")} == headers


@pytest.mark.parametrize("text", ["soon", "", "5s", "-1", "315360000001"])
def test_an_impossible_expiration_is_refused(text: str) -> None:
    raw = (1 << 8).to_bytes(2, "big") + bytes([len(text)]) + text.encode()
    with pytest.raises(AmqpError, match=re.escape(f"invalid expiration '{text}'")):
        parse_properties(raw)
