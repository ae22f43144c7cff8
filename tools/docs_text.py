"""Markdown as the renderer gets it: documented names, links between pages, raw HTML.

nbdev writes docstrings into pages as if they were Markdown, and turns every documented name in
backticks into a link, in signatures and inside other links too. Here a docstring is plain text with
names in backticks, and a name becomes a link where a link can stand.
"""
import os, re
from pathlib import Path

FENCE = re.compile(r'^ {0,3}(```+|~~~+)')
NAME = re.compile(r'`([^`\s]+?)(?:\(\))?`')
# a link is left as it is, and so is the text in it
LINK = re.compile(r'\[(?:[^\[\]]|\[[^\]]*\])*\]\([^)\s]*\)(?:\{[^}]*\})?')

def lines(text) -> list:
    "A notebook's text as the list of lines that Quarto wants: it joins them as they are"
    return (text if isinstance(text, str) else ''.join(text)).splitlines(keepends=True)

def prose(text:str) -> list:
    "`text` by line, each with whether it is prose: neither in a fence nor one of its ends"
    made, fence = [], ''
    for line in text.splitlines():
        m = FENCE.match(line)
        if fence:
            made.append((line, False))
            if m and m.group(1).startswith(fence) and not line.strip(' `~'): fence = ''
        else:
            if m: fence = m.group(1)
            made.append((line, not fence and not line.startswith('    ')))
    return made

def plain(text:str) -> str:
    "Plain text as Markdown that shows it unchanged; what stands in backticks is code"
    parts = re.split(r'(`[^`\n]*`)', text)
    parts[::2] = [re.sub(r'([\\*_<>\[\]$~^#@|{}])', r'\\\1', part) for part in parts[::2]]
    return ''.join(parts)

def signature_and_docstring():
    "A class for nbdev's `show_doc` that writes the docstring as plain text"
    from nbdev.showdoc import BasicMarkdownRenderer
    class Renderer(BasicMarkdownRenderer):
        def _repr_markdown_(self):
            docs = self.docs
            # Python says that of what has no docstring
            said = '' if docs == 'Call self as a function.' else plain(docs)
            self.docs = ''
            text, self.docs = super()._repr_markdown_(), docs
            return f'{text}\n\n{said}' if said else text
    return Renderer

def with_links(text:str, address) -> str:
    "Turn names in backticks into links where `address(name)` knows one: in prose, outside links"
    def link(m):
        there = address(m.group(1))
        return f'[{m.group(0)}]({there})' if there else m.group(0)
    def line_with_links(line):
        parts, at = [], 0
        for m in LINK.finditer(line):
            parts += [NAME.sub(link, line[at:m.start()]), m.group(0)]
            at = m.end()
        return ''.join(parts) + NAME.sub(link, line[at:])
    return '\n'.join(line_with_links(line) if is_prose else line for line, is_prose in prose(text))

def addresses(page:Path, base:str, pages:dict, lookup):
    "A function from a documented name to the link from `page` to where it is explained, or None"
    def address(name):
        url = lookup.doc(name)
        if not url or not url.startswith(base): return url
        there, _, anchor = url[len(base):].lstrip('/').partition('#')
        if there not in pages: return None
        target, anchors = pages[there]
        # a method that stands under its class
        while anchor and anchor not in anchors: anchor = anchor.rpartition('.')[0]
        path = os.path.relpath(target, page.parent).replace(os.sep, '/')
        return f'{path}#{anchor}' if anchor else path
    return address

def raw_html(out:dict) -> dict:
    "An output in HTML as raw HTML in Markdown: for the other Quarto loads scripts from outside"
    data = out.get('data', {})
    if 'text/html' not in data or 'text/markdown' in data: return out
    html = ''.join(data['text/html'])
    made = lines(f'```{{=html}}\n{html}\n```\n')
    return {**out, 'data': {'text/markdown': made, 'text/plain': data.get('text/plain', [])}}

def redirect(there:str) -> str:
    "A page that leads on to the relative address `there`, and to the same place on that page"
    return (f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Moved</title>'
            f'<meta name="robots" content="noindex">'
            f'<meta http-equiv="refresh" content="0; url={there}">'
            f'<script>location.replace("{there}" + location.hash)</script>'
            f'<p>This page has moved: <a href="{there}">{there}</a>.</p></html>\n')
