"""XML documents: which reader takes one, by its root element. A document that declares entities is not opened.

None of the exports perdure reads has a document type; one could make a small file unfold into gigabytes, or name other
files. Nothing outside of the file itself is ever loaded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from expectations.errors import SourceFileError
from expectations.reasons import reason
from expectations.study import StudySettings
from transforms.readers.source import Reading, SourceFile

if TYPE_CHECKING:
    from lxml import etree

_MARKS: Final = b"\xef\xbb\xbf\xfe\xff \t\r\n"
"""Bytes of byte-order marks and blanks that may stand before a document."""
_BEGINS = re.compile(rb"<(?:\?xml\s|!DOCTYPE|!--|[A-Za-z_][\w.:-]*[\s/>])")
_DECLARED: Final = b"<?xml"
_DOCUMENT_TYPE: Final = b"<!DOCTYPE"
_BARE = re.compile(rb"<!DOCTYPE\s+[\w:.-]+\s*>")
"""A document type that only names the root, as FlowJo on the Mac writes it: no entity declared, no file named."""
_HEAD: Final = 1024
"""Bytes within which a document begins."""


@dataclass(frozen=True, slots=True)
class XmlReader:
    """A reader of XML documents, by their roots: tags `{namespace}name`, or names that count in any namespace."""

    format: str
    roots: tuple[str, ...]
    read: Callable[[SourceFile, etree._Element, StudySettings], Reading]
    damaged: str
    """Code of the refusal of a document that begins like one of its own and is no whole XML."""


def read_document(source: SourceFile, readers: Sequence[XmlReader], settings: StudySettings) -> Reading | None:
    """What the first reader that recognises the root makes of a document; None for what is no XML.

    Raises SourceFileError: `damaged` of the reader whose document is cut short or damaged, format.unrecognised for a
    document of no reader, whatever the reader raises otherwise.
    """
    if not _is_xml(source.data):
        return None
    tag = _root_tag(source.data)
    reader = next((one for one in readers if _is_root(tag, one.roots)), None)
    if reader is not None:
        return reader.read(source, root_of(source, reader.damaged), settings)
    if not _plain(source.data[:_HEAD]).startswith((_DECLARED, _DOCUMENT_TYPE)):
        return None
    told = f"begins with {tag.rpartition('}')[2][:60]!r}, as no export perdure knows" if tag else "is damaged"
    if _has_document_type(source.data):
        told = "declares a document type (DOCTYPE), as no export does"
    raise _refused(source, "format.unrecognised", f"this XML document {told}")


def root_of(source: SourceFile, damaged: str) -> etree._Element:
    """The root of a document.

    Args:
        source: the file.
        damaged: code of the refusal.

    Raises SourceFileError (`damaged`) for what is no whole XML document, or has a document type.
    """
    from lxml import etree

    if _has_document_type(source.data):
        raise _refused(source, damaged, "it declares a document type (DOCTYPE), which no export does")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(source.data, parser)
    except (etree.XMLSyntaxError, LookupError, ValueError) as error:
        line = getattr(error, "lineno", None)
        place = f"line {line}" if line else "document"
        raise _refused(source, damaged, f"the XML is cut short or damaged ({str(error)[:80]})", place) from None
    if not _declares_nothing(root.getroottree().docinfo):
        raise _refused(source, damaged, "it declares a document type (DOCTYPE), which no export does")
    return root


def _is_xml(data: bytes) -> bool:
    return _BEGINS.match(_plain(data[:_HEAD])) is not None


def _is_root(tag: str | None, roots: tuple[str, ...]) -> bool:
    return tag is not None and (tag in roots or tag.rpartition("}")[2] in roots)


def _has_document_type(data: bytes) -> bool:
    plain = data.replace(b"\x00", b"") if b"\x00" in data[:_HEAD] else data
    return _DOCUMENT_TYPE in _BARE.sub(b"", plain, count=1)


def _declares_nothing(docinfo: etree.DocInfo) -> bool:
    """As `_has_document_type`, of what the parser made of a document in whatever encoding."""
    told = docinfo.internalDTD
    return told is None or not (docinfo.public_id or docinfo.system_url or list(told.iterentities()))


def _plain(head: bytes) -> bytes:
    """The begin of a document without byte-order mark, and without the zeros of UTF-16."""
    return head.replace(b"\x00", b"").lstrip(_MARKS)


def _root_tag(data: bytes) -> str | None:
    """The tag of the root, of a damaged document too; None where it does not get as far."""
    from lxml import etree

    if _has_document_type(data[: 64 * _HEAD]):
        return None
    parser = etree.XMLPullParser(events=("start",), resolve_entities=False, no_network=True, load_dtd=False)
    with suppress(etree.XMLSyntaxError, LookupError, ValueError):  # the root may come before what is damaged
        parser.feed(data[: 64 * _HEAD])
    with suppress(etree.XMLSyntaxError):
        return next((str(element.tag) for _, element in parser.read_events()), None)
    return None


def _refused(source: SourceFile, code: str, problem: str, place: str | None = None) -> SourceFileError:
    return source.refuse(code, place=place or "document", problem=problem, remedy=reason(code).remedy)
