"""What must hold for the rendered pages: outputs shown, links that lead somewhere, nothing loaded
from outside, no raw Markdown."""
import gzip, html, re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

STACKED = ('nav', 'main', 'script', 'style', 'div', 'pre', 'code', 'math', 'a', 'header', 'footer')
BLOCKS = {'p', 'li', 'td', 'th', 'tr', 'div', 'section', 'blockquote', 'h1', 'h2', 'h3', 'h4', 'h5',
          'pre', 'br', 'dt', 'dd', 'summary'}
LOADING = {'script': ('src',), 'img': ('src', 'srcset'), 'source': ('src', 'srcset'),
           'iframe': ('src',), 'video': ('src', 'poster'), 'audio': ('src',), 'object': ('data',),
           'embed': ('src',), 'use': ('href', 'xlink:href'), 'image': ('href', 'xlink:href')}
LINKED = {'stylesheet', 'icon', 'shortcut', 'preload', 'prefetch', 'modulepreload', 'preconnect',
          'dns-prefetch', 'manifest', 'apple-touch-icon'}
HEAVY = 1_500_000  # bytes of a page, compressed
RAW = {r'\]\([^)\s]*\.ipynb': 'a link as raw Markdown', r':::': 'a fence of colons',
       r'(?m)^\s*#{2,6} ': 'a heading as raw Markdown', r'\*\*\w': 'asterisks',
       r'\| ?:?---': 'a table as raw Markdown', r'(?m)^\s*\[!\[': 'a badge as raw Markdown',
       'Call self as a function': 'a docstring that nobody wrote', r'\{\{<': 'a shortcode'}

class Page(HTMLParser):
    "What one page holds: its text, ids, links, the pictures in its outputs, and what it loads"
    def __init__(self, text:str):
        super().__init__(convert_charrefs=True)
        self.ids, self.links, self.nav, self.loads, self.alts = set(), [], set(), [], []
        self.text, self.prose, self.styles, self.stack = [], [], [], []
        self.images = self.nested = 0
        self.figures = []  # of each figure that is open: where its pictures begin in `alts`
        self.feed(text)
        self.text, self.prose = squeeze(''.join(self.text)), ''.join(self.prose)
        self.loads += [url for style in self.styles for url in css_addresses(style)]
    def inside(self, *tags): return any(t in tags for t, _, _ in self.stack)
    def handle_starttag(self, tag, attrs):
        if tag in BLOCKS: self.prose.append('\n')
        attrs = {k: v or '' for k, v in attrs}
        if attrs.get('id'): self.ids.add(attrs['id'])
        if tag == 'a' and self.inside('a'): self.nested += 1
        if tag in STACKED: self.stack.append((tag, attrs.get('id'), attrs.get('class', '')))
        self.links += [attrs[key] for key in ('href', 'src') if attrs.get(key)]
        self.loads += [attrs[key] for key in LOADING.get(tag, ()) if attrs.get(key)]
        self.loads += css_addresses(attrs.get('style', ''))
        if tag == 'link' and LINKED & set(attrs.get('rel', '').split()):
            self.loads.append(attrs.get('href', ''))
        if tag == 'a' and any(i == 'quarto-sidebar' for _, i, _ in self.stack):
            self.nav.add(attrs.get('href'))
        if tag in ('img', 'svg', 'object') and any('cell-output' in c for _, _, c in self.stack):
            self.images += 1
        if tag == 'figure': self.figures.append(len(self.alts))
        if tag == 'img': self.alts.append((attrs.get('src', ''), attrs.get('alt')))
        if tag == 'figcaption' and self.figures:  # words under a figure are words for its pictures
            own = self.alts[self.figures[-1]:]
            self.alts[self.figures[-1]:] = [(src, alt or 'see below') for src, alt in own]
    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag in STACKED: self.stack.pop()
    def handle_endtag(self, tag):
        if tag == 'figure' and self.figures: self.figures.pop()
        if tag in [t for t, _, _ in self.stack]:
            while self.stack.pop()[0] != tag: pass
    def handle_data(self, data):
        if self.inside('style'): self.styles.append(data)
        if self.inside('script') and 'import' in data:
            self.loads += re.findall(r'\bimport\b[^;\n]*?[\'"](https?:[^\'"]+)', data)
        if self.inside('script', 'style'): return
        self.text.append(data)
        if self.inside('main') and not self.inside('pre', 'code', 'math'): self.prose.append(data)

def squeeze(text:str) -> str: return re.sub(r'\s+', '', text)

def css_addresses(css:str) -> list:
    "Addresses that a style sheet loads"
    css = re.sub(r'/\*.*?\*/', '', css, flags=re.S)
    imports = re.findall(r'@import\s+[\'"]([^\'"]+)', css)
    return re.findall(r'url\(\s*[\'"]?([^\'")]+)', css) + imports

def outside(address:str) -> bool:
    "Whether an address is one of another host"
    scheme = urlsplit(address.strip()).scheme
    return address.startswith('//') or scheme in ('http', 'https', 'ws', 'wss')

def check_outputs(nb:dict, page:Page) -> list:
    "What the page lacks of the outputs that the processed notebook shows"
    hidden = r'^#\| *(include|output): *false'
    code = [c for c in nb['cells'] if c['cell_type'] == 'code']
    shown = [c for c in code if not re.search(hidden, ''.join(c['source']), re.M)]
    outputs, problems = [o for c in shown for o in c.get('outputs', [])], []
    figures = sum(any(k.startswith('image/') for k in o.get('data', {})) for o in outputs)
    if page.images < figures: problems.append(f'holds {page.images} of {figures} figures')
    silent = [''.join(c['source']) for c in shown if 'show_doc(' in ''.join(c['source'])
              and not c['outputs']]
    problems += [f'says nothing about {source.splitlines()[-1]}' for source in silent]
    for out in outputs:
        if out['output_type'] == 'error': problems.append(f'shows an error: {out.get("ename")}')
        data = out.get('data', {})
        text = ''.join(out.get('text', [])) if out['output_type'] == 'stream' else ''
        if '{=html}' in ''.join(data.get('text/markdown', '')):
            tags = re.sub(r'```+(\{=html\})?|<(style|script).*?</\2>|<[^>]+>', '',
                          ''.join(data['text/markdown']), flags=re.S)
            text = html.unescape(tags)
        elif set(data) == {'text/plain'}: text = ''.join(data['text/plain'])
        if squeeze(text) and squeeze(text) not in page.text:
            problems.append(f'lacks an output: {text.strip()[:70]!r}')
    return problems

def check_lines(nb:dict) -> list:
    "Texts that are no list of lines: Quarto would join them to one"
    texts = [('source', c['source']) for c in nb['cells']]
    for out in (o for c in nb['cells'] for o in c.get('outputs', [])):
        texts += [('output', out[key]) for key in ('text',) if key in out]
        kinds = out.get('data', {})
        texts += [('output', kinds[kind]) for kind in ('text/markdown',) if kind in kinds]
    def right(t): return isinstance(t, list) and all(line.endswith('\n') for line in t[:-1])
    wrong = [(what, t) for what, t in texts if not right(t)]
    return [f'no list of lines: {what} {"".join(t)[:40]!r}' for what, t in wrong]

def check_links(path:Path, docs:Path, pages:dict, cfg) -> list:
    "Internal links of the page at `path` that lead nowhere"
    problems, root = [], '/' + cfg.doc_baseurl.strip('/') + '/'
    for link in pages[path].links:
        url = urlsplit(link)
        if url.scheme or url.netloc:
            if link.startswith(cfg.doc_host + cfg.doc_baseurl):
                problems.append(f'absolute link into the site: {link}')
            continue
        target = (path.parent/unquote(url.path)).resolve() if url.path else path
        if url.path.startswith('/'):  # only the page for missing addresses is shown at any depth
            if path.name != '404.html':
                problems.append(f'link from the root, which only works on a server: {link}')
                continue
            target = (docs/unquote(url.path).removeprefix(root).lstrip('/')).resolve()
        if target.is_dir(): target = target/'index.html'
        if not target.is_relative_to(docs) or not target.exists():
            problems.append(f'broken link: {link}')
        elif url.fragment and target in pages and unquote(url.fragment) not in pages[target].ids:
            problems.append(f'no such place: {link}')
    return problems

def check_text(page:Page) -> list:
    "Raw Markdown that a reader sees, links within links, and pictures without words"
    found = [f'{what}: {" ".join(m.group(0).split())!r} in '
             f'{" ".join(page.prose[max(0, m.start()-40):m.end()+40].split())!r}'
             for pattern, what in RAW.items() for m in re.finditer(pattern, page.prose)]
    if page.nested: found.append(f'{page.nested} links inside links')
    silent = [src[:60] for src, alt in page.alts if alt is None]
    return found + [f'a picture without alt text: {src}' for src in silent]

def check_hosts(loads:list) -> list:
    return [f'loads from an outside host: {address}' for address in dict.fromkeys(loads)
            if outside(address)]

def quarto_warnings(said:str) -> list:
    "Warnings of Quarto and of the tools it calls, each once"
    found = re.findall(r'^(?:WARN|\[warn).*', re.sub(r'\x1b\[[0-9;]*m', '', said), re.M | re.I)
    return [f'Quarto: {warning}' for warning in dict.fromkeys(found)]

def check(docs:Path, notebooks:dict, cfg) -> list:
    "All that is wrong with the rendered site; `notebooks` gives the notebook of each page"
    pages = {p: Page(p.read_text(encoding='utf-8')) for p in sorted(docs.rglob('*.html'))
             if 'site_libs' not in p.parts}
    problems, listed = [], {docs/'index.html'}
    for path, page in pages.items():
        listed |= {(path.parent/unquote(urlsplit(h).path)).resolve() for h in page.nav if h}
    for name, nb in notebooks.items():
        if docs/name not in pages:
            problems.append(f'{name}: no page')
            continue
        problems += [f'{name}: {p}' for p in check_outputs(nb, pages[docs/name]) + check_lines(nb)]
        if docs/name not in listed: problems.append(f'{name}: not in nbs/sidebar.yml')
    for path, page in pages.items():
        wrong = check_links(path, docs, pages, cfg) + check_text(page) + check_hosts(page.loads)
        problems += [f'{path.relative_to(docs)}: {p}' for p in dict.fromkeys(wrong)]
    for path in sorted(docs.rglob('*.css')):
        problems += [f'{path.relative_to(docs)}: {p}'
                     for p in check_hosts(css_addresses(path.read_text(encoding='utf-8')))]
    for path in pages:
        size = len(gzip.compress(path.read_bytes()))
        if size > HEAVY: problems.append(f'{path.relative_to(docs)}: {size/1e6:.1f} MB compressed, '
                                         'at most 1.5')
    links = sum(len(p.links) for p in pages.values())
    figures = sum(p.images for p in pages.values())
    print(f'{len(pages)} pages, {links} links, {figures} figures in outputs')
    return problems

def self_test():
    "The checks find what they are there to find"
    bad = Page('<main><p>see [x](a.ipynb)</p><p>::: note</p>\n<p>## Title</p><p>**bold</p>'
               '<p>Call self as a function.</p><p>| --- |</p><a href="a">x <a href="b">y</a></a>'
               '<img src="x.png"><code>## [x](a.ipynb)</code></main>')
    assert len(check_text(bad)) == 8, check_text(bad)
    words = '<figure><img src="a.png"><figcaption>Words</figcaption></figure>'
    assert not check_text(Page(words))
    for page in ('<link rel="stylesheet" href="https://fonts.googleapis.com/css">',
                 '<script src="//cdn.org/x.js"></script>',
                 '<img src="https://a.org/b.svg">',
                 '<style>@import url("https://a.org/b.css");</style>',
                 '<style>@font-face{src:url(https://a.org/b.woff2)}</style>',
                 '<script type="module">import x from "https://a.org/x.js";</script>',
                 '<p style="background:url(http://a.org/b.png)">'):
        assert check_hosts(Page(page).loads), page
    own = '<a href="https://a.org">read</a><img src="data:image/png;base64,aa" alt="">'
    assert not check_hosts(Page(own + '<link rel="canonical" href="https://a.org">').loads)
    assert quarto_warnings('\x1b[33mWARN: no such page\x1b[39m\n[WARNING] odd\n[1/2] a.ipynb')[1:]
    assert not check_lines(dict(cells=[dict(source=['# A\n', 'b'])]))
    output, text = dict(data={'text/markdown': '| a |'}), dict(text='a\nb')
    for cell in (dict(source='# A\nb'), dict(source=['# A', 'b']),
                 dict(source=[], outputs=[output]), dict(source=[], outputs=[text])):
        assert check_lines(dict(cells=[cell])), cell
