#!/usr/bin/env python3
"""One manual page per public function, from Doxygen's XML: man.py XML INCLUDE VERSION OUTPUT

XML is Doxygen's folder, INCLUDE that of the headers (which know what may be
NULL), OUTPUT a folder that is made anew.
"""

import pathlib
import re
import shutil
import sys
import textwrap
import xml.etree.ElementTree as xml

BOLD, ITALIC, ROMAN = r"\fB", r"\fI", r"\fR"


def escape(text):
    return text.replace("\\", "\\e").replace("-", "\\-")


def words(node):
    """The running text of a node as roff, with names of functions in bold."""
    if node is None:
        return ""
    inner = escape(node.text or "")
    for child in node:
        inner += words(child) + escape(child.tail or "")
    if node.tag == "ref":
        name = re.sub(r"\(\)$", "", inner)
        return f"{BOLD}{name}{ROMAN}" + ("(3)" if inner.endswith("()") else "")
    if node.tag in ("computeroutput", "bold", "emphasis"):
        # `@p name:` takes the colon for part of the name.
        name, colon = re.fullmatch(r"(.*?)([:.,]?)", inner, re.DOTALL).groups()
        return f"{ITALIC}{name}{ROMAN}{colon}"
    return " " if node.tag == "sp" else inner


def block(node):
    """A node as lines of roff, but for the lists that have a section of their own."""
    if node.tag == "programlisting":
        return [".PP", ".in +4n", ".EX", *map(code, node.iter("codeline")), ".EE", ".in"]
    if node.tag in ("itemizedlist", "orderedlist"):
        return [line for item in node for line in (".IP \\(bu 2", sentence(item))]
    if node.tag in ("parameterlist", "simplesect"):
        return []
    if node.tag == "para" and any(child.tag in BLOCKS for child in node):
        lines = [sentence_of(escape(node.text or ""))]
        for child in node:
            lines += block(child) if child.tag in BLOCKS else [words(child)]
            lines.append(sentence_of(escape(child.tail or "")))
        return [line for line in lines if line]
    return [".PP", sentence(node)] if sentence(node) else []


BLOCKS = ("programlisting", "itemizedlist", "orderedlist", "parameterlist", "simplesect")


def code(node):
    """A line of code; Doxygen writes a space as an element."""
    text = " " if node.tag == "sp" else escape(node.text or "")
    return text + "".join(code(child) + escape(child.tail or "") for child in node)


def sentence_of(text):
    text = " ".join(text.split())
    return "\\&" + text if text[:1] in (".", "'") else text


def sentence(node):
    return sentence_of(words(node))


def prototype(start, arguments):
    """A declaration, broken where it would be too long."""
    text = re.sub(r"(?<!,) ", "\x01", start + arguments)  # so that it breaks behind commas
    lines = textwrap.wrap(text, 78, subsequent_indent=" " * 8, break_long_words=False)
    return "\n".join(escape(line.replace("\x01", " ")) for line in lines)


def items(node, kind):
    """Doxygen's param list as roff."""
    for item in node.iterfind(f".//parameterlist[@kind='{kind}']/parameteritem"):
        name = item.findtext("parameternamelist/parametername")
        yield f".TP\n{ITALIC}{name}{ROMAN}\n{sentence(item.find('parameterdescription'))}"


class Function:
    """One function of one header."""

    def __init__(self, member, header, text, before):
        self.name = member.findtext("name")
        self.header = header
        self.before = before
        self.type = " ".join("".join(member.find("type").itertext()).split())
        self.parameters = [("".join(p.find("type").itertext()).strip(), p.findtext("declname") or "",
                            p.findtext("array") or "") for p in member.iter("param")]
        self.brief = member.find("briefdescription")
        self.details = member.find("detaileddescription")
        self.static = member.get("static") == "yes"
        nonnull = re.search(rf"\b{self.name}\([^;{{]*?\)\s*PYOSSL_NONNULL\(([\d, ]+)\)", text)
        self.nonnull = {int(n) - 1 for n in nonnull.group(1).split(",")} if nonnull else set()

    def outcomes(self):
        """Names and texts of Doxygen's retval list."""
        for item in self.details.iterfind(".//parameterlist[@kind='retval']/parameteritem"):
            name = item.findtext("parameternamelist/parametername")
            yield name, sentence(item.find("parameterdescription"))

    def synopsis(self):
        arguments = ", ".join(
            f"{type_}{'' if type_.endswith('*') else ' '}{name}{array}".strip()
            for type_, name, array in self.parameters)
        result = self.type + ("" if self.type.endswith("*") else " ")
        return prototype(f"{result}{self.name}", f"({arguments or 'void'});")

    def callbacks(self, known):
        """The types of the functions it takes, with what is said of them."""
        for type_, _, _ in self.parameters:
            member = known.get(type_)
            if member is not None and type_ != "pyossl_release_cb":
                arguments = " ".join(member.findtext("argsstring").split())
                head = prototype("".join(member.find("type").itertext()).replace("(*", " (*") + member.findtext("name"),
                                 arguments + ";")
                yield from [".nf", f"{BOLD}typedef {head}{ROMAN}", ".fi", ".PP",
                            sentence(member.find("briefdescription"))]
                for node in member.find("detaileddescription"):
                    yield from block(node)
                yield from items(member, "param")
                answer = member.find(".//simplesect[@kind='return']/para")
                yield from [".PP", "It answers " + sentence(answer)] if answer is not None else []

    def ownership(self):
        """What the signature says about who releases what."""
        for type_, name, _ in self.parameters:
            handle = re.fullmatch(r"(pyossl_\w+) \*\*", type_)
            if handle:
                yield (f"What {ITALIC}{name}{ROMAN} is set to is yours: release it with "
                       f"{BOLD}{handle.group(1)}_unref{ROMAN}(3).")
            elif re.fullmatch(r"(pyossl_buf|pyossl_x509_list) \*", type_) and not (
                    self.name.endswith("_clear")):
                yield (f"Start {ITALIC}{name}{ROMAN} from {BOLD}{type_[:-2].upper()}_INIT{ROMAN}, and release "
                       f"what it holds with {BOLD}{type_[:-2]}_clear{ROMAN}(3).")
        if self.name.endswith("_ref"):
            yield "The reference that is returned is yours: each needs an unref of its own."
        elif self.type.endswith("*"):
            yield "What is returned is borrowed: do not release it."

    def returned(self):
        """The section RETURN VALUE."""
        described = self.details.find(".//simplesect[@kind='return']")
        if described is not None:
            yield sentence(described)
        retvals = list(self.outcomes())
        fails = self.type == "pyossl_status" and self.name != "pyossl_error_status"
        if fails and "PYOSSL_OK" not in [name for name, _ in retvals]:
            yield f"{BOLD}PYOSSL_OK{ROMAN} if it worked."
        for name, meaning in retvals:
            yield f".TP\n{BOLD}{escape(name)}{ROMAN}\n{meaning or 'it worked'}"
        if fails:
            waits = self.header == "pyossl/conn.h"
            yield (".PP\nAny other status is a failure" +
                   (f" or, where the transport has to be waited for, a {BOLD}PYOSSL_WANT_{ROMAN}: see "
                    f"{BOLD}pyossl_status_classify{ROMAN}(3)" if waits else "") +
                   f". {BOLD}pyossl_error_last{ROMAN}(3) tells why a call failed. "
                   "Outputs are written on success only.")
        elif not described and not retvals:
            yield "None." if self.type == "void" else "As described above. It cannot fail."

    def see_also(self, siblings):
        named = {re.sub(r"\(\)$", "", "".join(ref.itertext()))
                 for part in (self.brief, self.details) for ref in part.iter("ref")}
        named = {name for name in named if name in siblings} | ({self.before} if self.before else set())
        if self.type == "pyossl_status":
            named.add("pyossl_error_last")
        return sorted(named - {self.name})

    def page(self, version, known, types, about, threads):
        title = " ".join("".join(self.brief.itertext()).split()).rstrip(".")
        lines = [f'.TH {self.name.upper()} 3 "" "libpyossl {version}" "libpyossl"', ".SH NAME",
                 f"{self.name} \\- {escape(title)}", ".SH SYNOPSIS", ".nf",
                 f"{BOLD}#include <{self.header}>{ROMAN}", "",
                 f"{BOLD}{self.synopsis()}{ROMAN}", ".fi", ".SH DESCRIPTION",
                 sentence(self.brief)]
        if title.startswith("The same"):
            lines += [".PP", f"The same as {BOLD}{self.before}{ROMAN}(3), that is."]
        for node in self.details:
            lines += block(node)
        lines += items(self.details, "param")
        optional = [name for place, (type_, name, _) in enumerate(self.parameters)
                    if ("*" in type_ or type_.endswith("_cb")) and place not in self.nonnull]
        if optional:
            lines += [".PP", f"May be NULL: {', '.join(f'{ITALIC}{name}{ROMAN}' for name in optional)}."]
        callbacks = list(self.callbacks(types))
        lines += [".SH CALLBACK", *callbacks] if callbacks else []
        lines += [".SH RETURN VALUE", *self.returned()]
        owned = list(self.ownership())
        lines += [".SH OWNERSHIP", *owned] if owned else []
        lines += [".SH THREADS", threads] if threads else []
        also = [f"{BOLD}{name}{ROMAN}(3)" for name in self.see_also(known)]
        lines += [".SH SEE ALSO", ",\n".join([*also, f"{BOLD}{self.header}{ROMAN}: {about}"])]
        return "\n".join(lines) + "\n"


def read_header(path, include):
    """The functions and function types of one header, what it is about, what it says of threads."""
    root = xml.parse(path).getroot().find("compounddef")
    header = "pyossl/" + root.findtext("compoundname").removeprefix("pyossl/")
    text = (include / header).read_text(encoding="utf-8") if (include / header).exists() else ""
    functions, types, before = [], {}, ""
    members = sorted(root.iter("memberdef"), key=lambda m: int(m.find("location").get("line")))
    for member in members:
        if member.get("kind") == "function":
            functions.append(Function(member, header, text, before))
            before = functions[-1].name
        elif member.get("kind") == "typedef" and "(" in (member.findtext("argsstring") or ""):
            types[member.findtext("name")] = member
    about = sentence(root.find("briefdescription"))
    threads = [sentence(part.find("para")) for part in root.iter("simplesect")
               if part.findtext("title") == "Threads"]
    return functions, types, about, " ".join(threads)


def main():
    source, include, version, output = sys.argv[1:]
    include, output = pathlib.Path(include), pathlib.Path(output)
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    headers = [read_header(path, include) for path in sorted(pathlib.Path(source).glob("*_8h.xml"))]
    known = {function.name for functions, *_ in headers for function in functions}
    types = {name: member for _, here, *_ in headers for name, member in here.items()}
    for functions, _, about, threads in headers:
        for function in functions:
            page = function.page(version, known, types, about, threads)
            (output / f"{function.name}.3").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
